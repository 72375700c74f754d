"""On a log of ten thousand entries: any byte, any entry, any order, any cut, any roll-back and any fork is noticed, and
the entry that is named is the one. By the stand-alone file alone: nothing here checks a log with the house's code.

Two sieves. The file's own reading of one bundle or tile is cheap enough for every position; that the whole command
finds the same entry is shown on a sample of each kind. `make night` takes every position through every kind of change.
"""

import random
import re
from functools import cache, partial

import pytest
from tests.verifier import world
from tests.verifier.strangers import log, refused
from tests.verifier.world import WITNESSES, Trail, policy

from bagipakai import verifier
from bagipakai.core.tiles import bundled

SIZE = 10_000
KEPT = range(1000, SIZE, 1000)
NIGHT = pytest.mark.night
RANDOM = random.Random(20260701)
ENTRIES = [f"{number:x}".encode() for number in range(SIZE)]
LEAVES = [verifier.sha(b"\0", entry) for entry in ENTRIES]
RULE = verifier.Policy(policy())
NEEDED = {
    verifier.tile_name(kind, first // (256 * span), min(256, (SIZE - first) // span))
    for kind, span in (("entries", 1), ("0", 1), ("1", 256))
    for first in range(0, SIZE - span + 1, 256 * span)
}  # the files that a log of this size consists of; others were left behind as it grew


@cache
def trail():
    """Written in batches, so that narrow tiles and bundles are left behind."""
    return Trail.of(ENTRIES, batch=1000)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """The log on disk, beside it the checkpoints that somebody kept. A test puts back what it takes."""
    place = tmp_path_factory.mktemp("jejak")
    trail().lay(place / "jejak", trail().checkpoint(by=("w1", "w2")))
    (place / "dulu").mkdir()
    for size in KEPT:
        (place / "dulu" / str(size)).write_bytes(trail().checkpoint(size))
    assert "10000 catatan" in log(place / "jejak", policy(), place / "dulu")
    return place


def files(kind=""):
    """The log's files of one kind: entries, a level of hashes, or all."""
    return sorted(name for name in trail().files if name.startswith(f"tile/{kind}"))


def place_of(name):
    """Kind, number and width of a bundle or tile, by its name."""
    found = re.fullmatch(r"tile/(\w+)/([0-9x/]+)(?:\.p/(\d+))?", name)
    return found[1], int(re.sub("[x/]", "", found[2])), int(found[3] or 256)


def rows_that_belong(kind, index, width):
    """What the file must hold: leaf hashes for a bundle or a tile of the first level, hashes above for the others."""
    row = LEAVES if kind in ("entries", "0") else above()
    return row[index * 256 : index * 256 + width]


@cache
def above():
    tree = verifier.Tree()
    for leaf in LEAVES:
        tree.add(leaf)
    assert tree.root() == RULE.checkpoint(trail().checkpoint())[2]
    return tree.rows[1]


def first_wrong(name, content):
    """The number of the first row of this file that the stranger's reading finds wrong; None if it finds nothing."""
    kind, index, width = place_of(name)
    right = rows_that_belong(kind, index, width)
    rows = verifier.rows_in(kind, content)
    if kind == "entries":
        rows = [row if row is None else verifier.sha(b"\0", row) for row in rows]
    if rows == right:
        return None
    return next((at for at in range(width) if rows[at : at + 1] != right[at : at + 1]), width)


def row_at(name, position):
    """The row of the file in which this byte stands."""
    kind, index, width = place_of(name)
    if kind != "entries":
        return position // 32
    for at, entry in enumerate(ENTRIES[index * 256 : index * 256 + width]):
        position -= 2 + len(entry)
        if position < 0:
            return at
    raise AssertionError


def with_byte(content, position, mask):
    return content[:position] + bytes([content[position] ^ mask]) + content[position + 1 :]


def told(name, row):
    """What the command must say of the wrong row."""
    kind, index, width = place_of(name)
    if name not in NEEDED or row >= width:
        return "file-differs", f"{name}, mulai catatan"
    first = index * 256 + row
    if kind not in ("entries", "0"):
        return "hash-changed", f"catatan {first * 256}..{first * 256 + 255}, lain sejak disaksikan"
    return ("entry-changed" if kind == "entries" else "hash-changed"), f"catatan {first}, lain sejak disaksikan"


def by_the_command(shelf, changes, kept=True):
    """Code and place when these files are otherwise."""
    names = {name: (shelf / "jejak" / name) for name in changes}
    before = {name: file.read_bytes() if file.exists() else None for name, file in names.items()}
    try:
        for name, content in changes.items():
            names[name].parent.mkdir(parents=True, exist_ok=True)
            names[name].unlink() if content is None else names[name].write_bytes(content)
        return refused(partial(log, shelf / "jejak", policy(), *([shelf / "dulu"] if kept else [])))
    finally:
        for name, content in before.items():
            names[name].unlink() if content is None else names[name].write_bytes(content)


# Single bytes


def check_bytes(kind, step):
    for name in files(kind):
        content = trail().files[name]
        for position in range(RANDOM.randrange(step), len(content), step):
            changed = with_byte(content, position, RANDOM.randrange(1, 256))
            assert first_wrong(name, changed) == row_at(name, position), (name, position)


@pytest.mark.parametrize(("kind", "step"), [("entries", 2), ("0", 7), ("1", 1)])
def test_a_changed_byte_is_found_in_its_row(kind, step):
    """In every file, at every `step`-th position, one change each; at every position at night."""
    check_bytes(kind, step)


@NIGHT
@pytest.mark.parametrize("kind", ["entries", "0", "1"])
def test_a_changed_byte_at_any_position_is_found_in_its_row(kind):
    check_bytes(kind, 1)


def test_the_files_are_the_ones_that_are_checked():
    """Everything that was written is either needed or left behind, and is read by the sieve above."""
    assert NEEDED < set(trail().files) == set(files())
    assert len(NEEDED) == 40 + 40 + 1


@NIGHT
@pytest.mark.parametrize("bit", range(8))
def test_each_single_bit_of_every_file(bit):
    for name in files():
        content = trail().files[name]
        for position in range(len(content)):
            assert first_wrong(name, with_byte(content, position, 1 << bit)) == row_at(name, position)


@NIGHT
def test_each_other_value_of_a_length():
    """Lengths decide how the rest is read: all 255 other values of both their bytes, throughout every bundle."""
    for name in files("entries"):
        content, position = trail().files[name], 0
        _, index, width = place_of(name)
        for at, entry in enumerate(ENTRIES[index * 256 : index * 256 + width]):
            if at % 16 == 0 or at == width - 1:
                for place in (position, position + 1):
                    for mask in range(1, 256):
                        assert first_wrong(name, with_byte(content, place, mask)) == at
            position += 2 + len(entry)


def test_the_command_names_the_same_entry_for_a_changed_byte(shelf):
    """A sample of positions in every kind of file, through the whole check with kept checkpoints."""
    wide = [name for name in files() if ".p/" not in name]
    narrow = [name for name in files() if ".p/" in name]
    for name in [*RANDOM.sample(wide, 16), *RANDOM.sample(narrow, 12), "tile/entries/039.p/16", "tile/1/000.p/39"]:
        content = trail().files[name]
        position = RANDOM.randrange(len(content))
        code, where = by_the_command(shelf, {name: with_byte(content, position, 1)})
        assert code == told(name, row_at(name, position))[0], name
        assert where.startswith(told(name, row_at(name, position))[1])


def test_a_changed_byte_anywhere_in_the_checkpoint_is_refused(shelf):
    """It carries exactly the signatures that the policy asks for; none of its bytes is idle."""
    note = (shelf / "jejak" / "checkpoint").read_bytes()
    for position in range(len(note)):
        changed = with_byte(note, position, RANDOM.randrange(1, 256))
        with pytest.raises((verifier.Wrong, UnicodeDecodeError)):
            RULE.checkpoint(changed)


@NIGHT
def test_each_single_bit_of_the_checkpoint(shelf):
    note = (shelf / "jejak" / "checkpoint").read_bytes()
    for position in range(len(note)):
        for bit in range(8):
            with pytest.raises((verifier.Wrong, UnicodeDecodeError)):
                RULE.checkpoint(with_byte(note, position, 1 << bit))


# Entries


def in_bundle(seq):
    """The bundle's name, its entries, and the place of this one."""
    index = seq // 256
    width = min(256, SIZE - index * 256)
    name = f"tile/entries/{index:03d}" + (f".p/{width}" if width < 256 else "")
    return name, ENTRIES[index * 256 : index * 256 + width], seq % 256


def row_changes(seq):
    """Everything that can be done to one row, with the place where it shows."""
    name, entries, at = in_bundle(seq)
    before, one, after = entries[:at], entries[at], entries[at + 1 :]
    last = not after
    yield "deleted", name, [*before, *after], at
    yield "replaced", name, [*before, b"?" + one, *after], at
    yield "emptied", name, [*before, b"", *after], at
    yield "exchanged for its neighbour's", name, [*before, entries[at - 1], *after], at
    yield "put twice", name, [*before, one, one, *after], at + 1
    yield "put in before", name, [*before, b"?", one, *after], at
    yield "put in for the last", name, [*before, b"?", one, *after[:-1]] if not last else [*before, b"?"], at


def order_changes(seq):
    """Two entries exchanged: neighbours, and two that stand far apart. As the bundles that change, and the place."""
    for other in (seq + 1, RANDOM.randrange(SIZE)):
        if other >= SIZE or other == seq:
            continue
        first, second = sorted((seq, other))
        entries = {index: [*in_bundle(index * 256)[1]] for index in (first // 256, second // 256)}
        entries[first // 256][first % 256], entries[second // 256][second % 256] = ENTRIES[second], ENTRIES[first]
        yield {in_bundle(index * 256)[0]: bundled(row) for index, row in entries.items()}, first


def check_rows(seqs):
    for seq in seqs:
        for what, name, entries, at in row_changes(seq):
            assert first_wrong(name, bundled(entries)) == at, (what, seq)


def check_order(seqs):
    for seq in seqs:
        for bundles, first in order_changes(seq):
            found = [
                place_of(name)[1] * 256 + row
                for name, content in bundles.items()
                if (row := first_wrong(name, content)) is not None
            ]
            assert min(found) == first


def test_any_entry_deleted_replaced_put_twice_or_put_in_is_found_at_its_place():
    """Every fifth entry, and each at the edge of a bundle; all of them at night."""
    edges = [seq for seq in range(SIZE) if seq % 256 in (0, 1, 254, 255) or seq > SIZE - 20]
    check_rows(sorted({*edges, *range(0, SIZE, 5)}))


def test_any_two_entries_exchanged_are_found_at_the_first():
    edges = [seq for seq in range(SIZE) if seq % 256 in (0, 254, 255) or seq > SIZE - 20]
    check_order(sorted({*edges, *range(0, SIZE, 5)}))


@NIGHT
def test_every_entry_through_every_change():
    check_rows(range(SIZE))
    check_order(range(SIZE))


def test_the_command_names_the_same_entry_for_rows_and_order(shelf):
    for seq in [0, 255, 256, SIZE - 1, *RANDOM.sample(range(SIZE), 5)]:
        for what, name, entries, at in row_changes(seq):
            code, where = by_the_command(shelf, {name: bundled(entries)})
            width = place_of(name)[2]
            if len(entries) > width:
                assert (code, where[: len(name)]) == ("file-differs", name), what
            else:
                assert (code, where.split(",")[0]) == ("entry-changed", f"catatan {seq - seq % 256 + at}"), what
        for bundles, first in order_changes(seq):
            code, where = by_the_command(shelf, bundles)
            assert (code, where.split(",")[0]) == ("entry-changed", f"catatan {first}")


def test_the_command_says_since_when(shelf):
    """The earliest kept checkpoint that covers the entry is the earliest time at which it was still right."""
    for seq in (0, 999, 1000, 4711, 9000, 9999):
        name, entries, at = in_bundle(seq)
        _, where = by_the_command(shelf, {name: bundled([*entries[:at], b"?", *entries[at + 1 :]])})
        covered = next(size for size in (*KEPT, SIZE) if size > seq)
        minutes, seconds = divmod(covered, 60)
        time = f"2026-07-01 {minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d} UTC"
        assert where == f"catatan {seq}, lain sejak disaksikan {time}"


# Cuts


def check_cuts(step):
    for name in files():
        content = trail().files[name]
        for length in range(0, len(content), step):
            cut = content[:length]
            assert first_wrong(name, cut) == row_at(name, length), (name, length)


def test_any_file_cut_short_is_found_where_it_ends():
    """At every eleventh length, which meets each remainder of each row; at every length at night."""
    check_cuts(11)


@NIGHT
def test_every_file_cut_at_every_length():
    check_cuts(1)


def test_any_file_that_is_gone_or_longer_is_named(shelf):
    """All files that the log needs; of those left behind, that they are not longer."""
    for name in files():
        if name in NEEDED and place_of(name)[1] % 4 and place_of(name)[2] == 256:
            continue  # the command takes its time; every fourth full file is enough
        code, where = by_the_command(shelf, {name: trail().files[name] + b"\0"}, kept=False)
        assert (code, where.split(",")[0]) == ("file-differs", name)
        code, where = by_the_command(shelf, {name: None}, kept=False)
        assert (code, where.split(",")[0]) == (("file-missing", name) if name in NEEDED else ("", ""))


# Histories


def rewritten(seq, word=b"diganti"):
    """Only the files that change when entry `seq` is another and everything above it is computed anew."""
    name, entries, at = in_bundle(seq)
    index = seq // 256
    leaves = [*LEAVES[index * 256 : index * 256 + len(entries)]]
    leaves[at] = verifier.sha(b"\0", word)
    changes = {name: bundled([*entries[:at], word, *entries[at + 1 :]])}
    changes[name.replace("entries", "0")] = b"".join(leaves)
    for left in trail().files:
        kind, where, width = place_of(left)
        if where == index and kind in ("entries", "0") and left not in changes:
            whole = [*entries[:at], word, *entries[at + 1 :]][:width]
            changes[left] = bundled(whole) if kind == "entries" else b"".join(leaves[:width])
    tree = verifier.Tree()
    for leaf in [*LEAVES[: index * 256], *leaves, *LEAVES[index * 256 + len(leaves) :]]:
        tree.add(leaf)
    for left in trail().files:
        if left.startswith("tile/1/"):
            changes[left] = b"".join(tree.rows[1][: place_of(left)[2]])
    return changes, tree.root()


def check_forks(shelf, seqs):
    for seq in seqs:
        changes, root = rewritten(seq)
        covered = next(size for size in (*KEPT, SIZE) if size > seq)
        last = f"catatan {covered - 1000}..{covered - 1}, lain sejak disaksikan"
        # under the checkpoint that the witnesses saw
        code, where = by_the_command(shelf, changes)
        assert (code, where[: len(last)]) == ("root-differs", last)
        # signed again by the log itself, which no witness cosigns
        alone = world.checkpoint(SIZE, root, by=())
        assert by_the_command(shelf, {**changes, "checkpoint": alone})[0] == "no-quorum"
        # signed again by the log and by witnesses that look away: those who kept a checkpoint see it
        if covered < SIZE:
            together = world.checkpoint(SIZE, root)
            code, where = by_the_command(shelf, {**changes, "checkpoint": together})
            assert (code, where[: len(last)]) == ("log-rewritten", last)


def check_roll_backs(shelf, sizes):
    """Every file that the shorter log does not need may stay or go; its checkpoint is its own, rightly signed."""
    tree, tiles = verifier.Tree(), {}
    for size in range(SIZE):
        tiles[size] = (len(tree.rows.get(1, [])), tree.root()) if size in sizes else None
        tree.add(LEAVES[size])
    kept_last = {f"../dulu/{SIZE}": trail().checkpoint()}
    for size in sizes:
        count, root = tiles[size]
        changes = {"checkpoint": world.checkpoint(size, root), **kept_last}
        if count:
            changes[f"tile/1/000.p/{count}"] = b"".join(above()[:count])
        if size % 256 and size // 256 == SIZE // 256:
            changes[f"tile/entries/039.p/{size % 256}"] = bundled(ENTRIES[size - size % 256 : size])
            changes[f"tile/0/039.p/{size % 256}"] = b"".join(LEAVES[size - size % 256 : size])
        code, where = by_the_command(shelf, changes)
        seen = next(kept for kept in (*KEPT, SIZE) if kept > size)
        told = f"catatan {size}..{seen - 1}" if size < seen - 1 else f"catatan {size},"
        assert (code, where[: len(told)]) == ("log-shorter", told)


def check_shifts(seqs):
    """One entry taken out and everything behind it moved up, hashes and all: nothing but the signed root tells."""
    right = RULE.checkpoint(trail().checkpoint())[2]
    for seq in seqs:
        tree = verifier.Tree()
        for leaf in LEAVES[:seq] + LEAVES[seq + 1 :]:
            tree.add(leaf)
        assert tree.root() != right


def test_a_history_rewritten_at_any_entry_is_refused(shelf):
    check_forks(shelf, [0, 255, 256, 999, 1000, 8999, 9000, SIZE - 1, *RANDOM.sample(range(SIZE), 8)])


def test_a_log_rolled_back_to_any_size_is_refused(shelf):
    check_roll_backs(shelf, [0, 1, 255, 256, 257, 1000, 9000, 9984, SIZE - 1, *RANDOM.sample(range(SIZE), 12)])


def test_an_entry_taken_out_of_the_whole_history_changes_the_root():
    check_shifts([0, SIZE - 1, *RANDOM.sample(range(SIZE), 10)])


@NIGHT
def test_every_history_rewritten_at_one_entry(shelf):
    check_forks(shelf, range(SIZE))


@NIGHT
def test_every_roll_back(shelf):
    check_roll_backs(shelf, range(SIZE))


@NIGHT
def test_every_entry_taken_out_of_the_whole_history():
    check_shifts(range(SIZE))


def test_the_witnesses_of_this_log_are_of_both_kinds():
    """So the bytes of an ML-DSA cosignature are among those that were changed."""
    assert {WITNESSES[name].public.kind for name in ("w1", "w2")} == {4, 6}
