"""A part is sealed while it is written: whatever the pieces, the same content; whatever fails, the writer is told."""

import errno
import hashlib
import threading
from itertools import cycle

import pyrage
import pytest
from tests.registry.orders import US

from bagipakai.registry import seal
from bagipakai.registry.seal import AHEAD, BLOCK, Sealed, SealedFile


@pytest.fixture
def path(tmp_path):
    return tmp_path / "part.age"


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, (AHEAD + 2) * BLOCK + 3])
@pytest.mark.parametrize("pieces", [(65_535, 1), (3 * BLOCK,), (BLOCK, 0, 7)])
def test_what_is_opened_is_what_was_written(path, size, pieces):
    content, taken = (bytes(range(251)) * (size // 251 + 1))[:size], 0
    with SealedFile(path, US.to_public(), size) as part:
        for piece in cycle(pieces):
            part.write(content[taken : taken + piece])
            taken += piece
            if taken >= size:
                break
    sealed = path.read_bytes()
    assert pyrage.decrypt(sealed, [US]) == content
    digests = (hashlib.sha256(one).hexdigest() for one in (content, sealed))
    assert part.sealed == Sealed(size, next(digests), len(sealed), next(digests))


def test_what_the_writer_changes_afterwards_is_not_sealed(path):
    piece = bytearray(b"a" * BLOCK)
    with SealedFile(path, US.to_public(), 2 * BLOCK) as part:
        part.write(piece)
        piece[:] = b"b" * BLOCK
        part.write(piece)
    assert pyrage.decrypt(path.read_bytes(), [US]) == b"a" * BLOCK + b"b" * BLOCK


@pytest.mark.parametrize("after", [0, 1, 3 * BLOCK])
def test_a_full_disk_stops_the_writer_and_leaves_nothing(path, after, monkeypatch):
    """Also one that goes on writing: it is told again, and never left waiting."""

    class Full(seal._Hashing):
        def write(self, data):
            if self.size >= after:
                raise OSError(errno.ENOSPC, "full")
            return super().write(data)

    monkeypatch.setattr(seal, "_Hashing", Full)
    part, told = SealedFile(path, US.to_public(), 99 * BLOCK), 0
    with pytest.raises(OSError, match=r"sealing part\.age failed"), part:
        for _ in range(30):
            try:
                part.write(b"x" * BLOCK)
            except OSError as failure:
                last, told = failure, told + 1
        raise last
    assert told >= 10 and part.sealed is None and not path.exists()
    assert not [one for one in threading.enumerate() if one.name == "seal part.age"]


def test_an_ended_part_takes_no_more(path):
    with SealedFile(path, US.to_public(), 10) as part:
        part.write(b"x")
    with pytest.raises(ValueError, match="ended"):
        part.write(b"x")
