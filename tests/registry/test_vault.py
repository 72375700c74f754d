"""A sealed file reads as its plaintext, block by block, or not at all."""

import hashlib
import os
import random
import struct
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from blake3 import blake3
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bagipakai.core.query import Count
from bagipakai.core.variables import Type
from bagipakai.registry.engines import duckdb
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.shelf import Entry, Shelf
from bagipakai.registry.vault import (
    BLOCK,
    HEADER,
    KEY,
    ROOM,
    SHORT,
    TAG,
    Damaged,
    Opened,
    Sealing,
    ShelfKey,
    seal_file,
    wrapped_as,
)

HOUSE, OTHER = StorageKey(b"a" * 32), StorageKey(b"b" * 32)
VERSION, NAME = "2026.3.0", "individu/3201-3204.parquet"
SIZES = (0, 1, 100, SHORT, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, ROOM, ROOM + 1, 3 * BLOCK + 777)
LONG = 2 * ROOM + 3 * SHORT + 777


def sealed(folder, size: int, key: ShelfKey):
    """A file of so many bytes; it, its plaintext and what its manifest would say."""
    plain = random.Random(size).randbytes(size)
    (folder / "plain").write_bytes(plain)
    (folder / "sealed").unlink(missing_ok=True)
    told = seal_file(folder / "plain", folder / "sealed", key.cipher(NAME))
    return folder / "sealed", plain, told


@pytest.mark.parametrize("size", SIZES)
def test_a_file_reads_as_what_was_sealed(tmp_path, size):
    key = ShelfKey.new(VERSION)
    path, plain, told = sealed(tmp_path, size, key)
    assert told.bytes == path.stat().st_size
    with Opened(path, key.cipher(NAME), told.blocks, NAME) as file:
        assert file.size == size and file.read() == plain and file.read() == b""


SOME = (0, 1, 40, HEADER - 1, HEADER, SHORT - 1, SHORT, 2 * SHORT, BLOCK - 1, BLOCK, BLOCK + 1, ROOM)


@settings(max_examples=60, deadline=None)
@given(writes=st.lists(st.sampled_from(SOME), max_size=12))
@example([40, 8_000, 40, 150_000, 40, 9_000, 40, 150_000])
def test_blocks_begin_and_end_where_something_long_does(tmp_path_factory, writes):
    """So who reads a long column opens little else, and who reads a short one opens no long one beside it, unless it is
    as short as a page's header."""
    folder, key, dice = tmp_path_factory.mktemp("written"), ShelfKey.new(VERSION), random.Random(1)
    plain, spans = b"", []
    with Sealing(folder / "sealed", key.cipher(NAME)) as out:
        for many in writes:
            out.write(piece := dice.randbytes(many))
            spans.append((len(plain), len(plain) + many))
            plain += piece
    with Opened(folder / "sealed", key.cipher(NAME), out.sealed.blocks, NAME) as file:
        assert file.read() == plain
        cuts = [0, *file.index.ends]
    assert all(0 < end - start <= BLOCK for start, end in pairwise(cuts)) and cuts[-1] == len(plain)
    for start, end in spans:
        if end - start >= SHORT:
            assert end in cuts
        if end - start > 2 * SHORT:
            assert start - max(cut for cut in cuts if cut <= start) < HEADER, "a page's header at most"
    short = [end - start for start, end in pairwise(cuts) if not any(a <= start and end <= b for a, b in spans)]
    assert all(many >= HEADER for many in short[:-1]), "what is short shares a block"


def _form_before(path, plain: bytes, cipher):
    """As files were sealed until 2026: blocks of 16 KiB under their number, and their SHA-256 alone. Tells the digest
    that the manifest names."""
    cut = [plain[start : start + 16_384] for start in range(0, len(plain), 16_384)]
    blocks = [cipher.encrypt(number.to_bytes(12, "big"), block, None) for number, block in enumerate(cut)]
    digests = b"".join(hashlib.sha256(block).digest() for block in blocks)
    path.write_bytes(b"".join(blocks) + digests)
    return hashlib.sha256(digests).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 16_383, 16_384, 16_385, 3 * 16_384, 3 * 16_384 + 777])
def test_a_file_of_the_form_before_reads_as_what_was_sealed_or_not_at_all(tmp_path, size):
    key, path = ShelfKey.new(VERSION), tmp_path / "before"
    plain = random.Random(size).randbytes(size)
    blocks = _form_before(path, plain, key.cipher(NAME))
    with Opened(path, key.cipher(NAME), blocks, NAME) as file:
        assert file.size == size and file.read() == plain
    whole = path.read_bytes()
    changed = [whole[:-1] + b"?", b"?" + whole, whole[:-33] + whole[-32:]]
    many = -(-size // 16_384)
    emptied = [whole[:start] + whole[start + size - (many - 1) * 16_384 :] for start in [(many - 1) * 16_400]]
    for content in (changed + emptied) if size else [b"?"]:
        path.write_bytes(content)
        with pytest.raises(Damaged), Opened(path, key.cipher(NAME), blocks, NAME) as file:
            file.read()


def test_an_engine_reads_files_of_both_forms(tmp_path):
    key = ShelfKey.new(VERSION)
    pa.parquet.write_table(pa.table({"desil": np.arange(40_000) % 10}), tmp_path / "plain", use_dictionary=False)
    told = seal_file(tmp_path / "plain", tmp_path / "new", key.cipher("new"))
    blocks = _form_before(tmp_path / "before", (tmp_path / "plain").read_bytes(), key.cipher("before"))
    entries = {"new": Entry(tmp_path / "new", told.blocks, ("3201",), 40_000)}
    entries["before"] = Entry(tmp_path / "before", blocks, ("3202",), 40_000)
    shelf = Shelf(key, entries)
    with duckdb.Engine(tmp_path, shelf=shelf) as engine:
        cells = engine.count(Count("individu", ("desil",)), shelf.parts, {"desil": Type.INTEGER}, enough=0)
    assert [cell.persons for cell in cells] == [8_000] * 10


@pytest.fixture(scope="module", params=["new", "before"])
def long(request, tmp_path_factory):
    """Key, file, plaintext, and the digest that its manifest would name; of either form."""
    key, folder = ShelfKey.new(VERSION), tmp_path_factory.mktemp("long")
    plain, dice, at = random.Random(LONG).randbytes(LONG), random.Random(2), 0
    if request.param == "before":
        return key, folder / "sealed", plain, _form_before(folder / "sealed", plain, key.cipher(NAME))
    with Sealing(folder / "sealed", key.cipher(NAME)) as out:
        while at < LONG:
            at += out.write(plain[at : at + dice.choice((40, 5_000, 20_000, 150_000, BLOCK + 9))])
    return key, folder / "sealed", plain, out.sealed.blocks


@settings(max_examples=200, deadline=None)
@given(start=st.integers(0, LONG + 5), length=st.integers(0, 5 * SHORT) | st.integers(0, LONG + 5))
def test_any_stretch_reads_as_that_stretch(long, start, length):
    key, path, plain, blocks = long
    with Opened(path, key.cipher(NAME), blocks, NAME) as file:
        file.seek(start)
        assert file.read(length) == plain[start : start + length]


def test_no_place_is_before_the_file(long):
    key, path, _, blocks = long
    with Opened(path, key.cipher(NAME), blocks, NAME) as file:
        for offset, whence in ((-1, os.SEEK_SET), (-1, os.SEEK_CUR), (-LONG - 1, os.SEEK_END)):
            with pytest.raises(ValueError, match="before"):
                file.seek(offset, whence)
        assert file.tell() == 0


def test_as_many_short_blocks_as_a_stretch_can_have_are_read_together(tmp_path):
    key, plain = ShelfKey.new(VERSION), random.Random(1).randbytes(2 * ROOM)
    with Sealing(tmp_path / "sealed", key.cipher(NAME)) as out:
        at = out.write(plain[: BLOCK + 1])
        for many in (*[SHORT] * 63, SHORT - 1):
            at += out.write(plain[at : at + many])
    plain = plain[:at]
    with Opened(tmp_path / "sealed", key.cipher(NAME), out.sealed.blocks, NAME) as file:
        assert file.index.ends[0] == BLOCK and len(file.index.ends) == 1 + 65 and at == BLOCK + ROOM
        for start in (0, BLOCK, BLOCK + 1):
            file.seek(start)
            assert file.read() == plain[start:]


def test_threads_read_each_at_its_own_place(long):
    key, path, plain, blocks = long
    with Opened(path, key.cipher(NAME), blocks, NAME) as file, ThreadPoolExecutor(8) as pool:

        def stretch(seed):
            dice = random.Random(seed)
            start, length = dice.randrange(len(plain)), dice.choice((5000, 5 * SHORT, 2 * BLOCK))
            file.seek(start)
            return file.read(length) == plain[start : start + length]

        assert all(pool.map(stretch, range(400)))


@pytest.mark.parametrize("at", [0, BLOCK, BLOCK + 16, 2 * (BLOCK + 16) + 5, -1, -5, -8, -12, -20, -40])
def test_one_changed_bit_is_found_before_anything_of_its_block_is_used(tmp_path, at):
    key = ShelfKey.new(VERSION)
    path, plain, told = sealed(tmp_path, SIZES[-1], key)
    content = bytearray(path.read_bytes())
    content[at] ^= 0x80
    path.write_bytes(content)
    opening = pytest.raises(Damaged, match="release-file-altered")
    with opening, Opened(path, key.cipher(NAME), told.blocks, NAME) as file:
        for number in range(4):
            assert file.read(BLOCK) == plain[number * BLOCK : (number + 1) * BLOCK]


@pytest.mark.parametrize("cut", [1, 16, 32, 33, SHORT, BLOCK, 4 * BLOCK])
def test_a_shortened_file_does_not_open(tmp_path, cut):
    key = ShelfKey.new(VERSION)
    path, _, told = sealed(tmp_path, SIZES[-1], key)
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(Damaged), Opened(path, key.cipher(NAME), told.blocks, NAME):
        pass


def _told(digests: bytes, lengths: tuple[int, ...], salt: bytes) -> bytes:
    """What stands behind the blocks of a sealed file."""
    many = len(lengths)
    return (digests * 2)[: 32 * many] + struct.pack(f">{many}I", *lengths) + struct.pack(">8sI4s", salt, many, b"blk2")


def test_an_index_that_fits_no_file_of_ours_opens_nothing(tmp_path):
    """Not even where the manifest names it: nothing is read for ever, or into no room."""
    key = ShelfKey.new(VERSION)
    path, plain, told = sealed(tmp_path, BLOCK + 5, key)
    content = path.read_bytes()
    body, salt, digests = content[: BLOCK + 5 + 2 * TAG], content[-16:-8], content[BLOCK + 5 + 2 * TAG :][:64]
    assert digests == blake3(body[: BLOCK + TAG]).digest() + blake3(body[BLOCK + TAG :]).digest()
    empty = key.cipher(NAME).encrypt(salt + bytes([0, 0, 0, 2]), b"", None)
    for lengths, more in (
        ((BLOCK + 5 + TAG,), b""),  # one block, too long
        ((BLOCK + 5,), b""),
        ((BLOCK, 4), b""),
        ((BLOCK, 6), b""),
        ((BLOCK, 5, 0), empty),  # as many bytes as it says, but no block of ours is empty
        ((2**32 - 1, 2**32 - 1), b""),
    ):
        index = _told(digests, lengths, salt)
        path.write_bytes(body + more + index)
        with pytest.raises(Damaged), Opened(path, key.cipher(NAME), hashlib.sha256(index).hexdigest(), NAME):
            pass
    whole = _told(digests, (BLOCK, 5), salt)[-16:-8] + b"\xff\xff\xff\xffblk2"  # of more blocks than it has bytes
    path.write_bytes(whole)
    with pytest.raises(Damaged), Opened(path, key.cipher(NAME), hashlib.sha256(whole).hexdigest(), NAME):
        pass
    index = _told(digests, (BLOCK, 5), salt)
    path.write_bytes(body + index)
    assert hashlib.sha256(index).hexdigest() == told.blocks
    with Opened(path, key.cipher(NAME), told.blocks, NAME) as file:
        assert file.read() == plain


def test_the_same_bytes_sealed_again_under_one_key_are_no_two_texts_under_one_number(tmp_path):
    """Of a file that was begun by somebody who was killed over it, with other rows."""
    key, found = ShelfKey.new(VERSION), []
    for at in range(2):
        with Sealing(tmp_path / str(at), key.cipher(NAME)) as out:
            out.write(bytes(100))
        found.append((tmp_path / str(at)).read_bytes()[:100])
    assert found[0] != found[1]


@pytest.mark.parametrize("blocks", [0, 1, 2])
def test_a_file_that_is_shortened_while_it_is_read_never_reads_as_a_short_one(tmp_path, blocks):
    key = ShelfKey.new(VERSION)
    path, _, told = sealed(tmp_path, SIZES[-1], key)
    with Opened(path, key.cipher(NAME), told.blocks, NAME) as file:
        assert len(file.read(3 * BLOCK)) == 3 * BLOCK  # what was read is not given twice
        os.truncate(path, blocks * (BLOCK + 16))
        for length in (-1, 3 * BLOCK):
            file.seek(0)
            with pytest.raises(Damaged, match="release-file-altered"):
                file.read(length)


def test_a_sealed_file_of_another_place_does_not_open_under_this_name(tmp_path):
    """Whoever swaps two files and their entries in a manifest still has the wrong key."""
    key = ShelfKey.new(VERSION)
    path, _, told = sealed(tmp_path, 100, key)
    with pytest.raises(Damaged), Opened(path, key.cipher(NAME + "x"), told.blocks, NAME + "x") as file:
        file.read()


def test_the_release_key_opens_with_the_house_s_key_and_no_other(tmp_path):
    key = ShelfKey.new(VERSION)
    (tmp_path / KEY).write_bytes(key.wrapped(HOUSE))
    opened = ShelfKey.unwrapped(tmp_path, VERSION, HOUSE)
    block = key.cipher(NAME).encrypt(b"0" * 12, b"x", None)
    assert opened.cipher(NAME).decrypt(b"0" * 12, block, None) == b"x"
    for storage, version in ((OTHER, VERSION), (HOUSE, "2026.4.0")):
        with pytest.raises(Damaged, match="release-key"):
            ShelfKey.unwrapped(tmp_path, version, storage)
    (tmp_path / KEY).write_bytes(b"{}")
    with pytest.raises(Damaged, match="release-key-malformed"):
        ShelfKey.unwrapped(tmp_path, VERSION, HOUSE)
    (tmp_path / KEY).unlink()
    with pytest.raises(Damaged, match="release-key-missing") as missing:
        ShelfKey.unwrapped(tmp_path, VERSION, HOUSE)
    assert missing.value.refusal.sentence()


def test_a_key_that_is_no_file_is_damage_and_no_crash(tmp_path):
    """A folder in its place, a file where its folder should be. A disk that fails for once is no damage."""
    (tmp_path / "folder" / KEY).mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"")
    for place in ("folder", "file"):
        for opens in (lambda at: ShelfKey.unwrapped(at, VERSION, HOUSE), wrapped_as):
            with pytest.raises(Damaged, match="release-key-malformed"):
                opens(tmp_path / place)


def test_nothing_secret_is_printed_or_lies_beside_the_release(tmp_path):
    key = ShelfKey(b"s" * 32, VERSION)
    assert "s" * 8 not in repr(key) + repr(HOUSE) and repr(HOUSE) == "<StorageKey>"
    assert (b"s" * 32).hex().encode() not in key.wrapped(HOUSE) and b"s" * 32 not in key.wrapped(HOUSE)
    assert key.wrapped(HOUSE) != key.wrapped(HOUSE), "each time under a number of its own"
