"""However a log grows, the same files come out; each is written once; and the files alone prove everything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.trees import nodes_of

from bagipakai.core import tlog
from bagipakai.core.tiles import BadTile, Log, bundle_name, bundled, grown, tile_name, unbundled

ENTRIES = [f"catatan {number}".encode() for number in range(1200)]
LEAVES = [tlog.leaf_hash(entry) for entry in ENTRIES]
NODE = nodes_of(LEAVES)


class Disk(dict):
    """Files that can be written once, or again with the same content."""

    def __init__(self):
        self.written = []

    def read(self, name):
        if name not in self:
            raise FileNotFoundError(name)
        return self[name]

    def grow(self, size, entries):
        for name, content in grown(Log(self.read, size), entries):
            assert self.setdefault(name, content) == content, f"{name} changed"
            self.written.append(name)
        return size + len(entries)


def disk_of(count, batches=()):
    disk, size = Disk(), 0
    for batch in [*batches, count]:
        size = disk.grow(size, ENTRIES[size : min(count, size + batch)])
    return disk


def whole(files):
    """The files that stay once every narrow tile is superseded by a wider one of its place."""
    widest = {}
    for name in files:
        place, _, width = name.partition(".p/")
        widest[place] = max(widest.get(place, 0), int(width or 256))
    return {place if width == 256 else f"{place}.p/{width}" for place, width in widest.items()}


# How big batches are drawn decides what a run sees: single entries, odd lots, whole tiles, more than a tile.
BATCHES = st.lists(st.one_of(st.integers(1, 3), st.integers(250, 260), st.integers(1, 600)), max_size=12)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1200), BATCHES)
def test_a_log_grown_in_any_batches_has_the_same_files(count, batches):
    at_once, bit_by_bit = disk_of(count), disk_of(count, batches)
    assert whole(at_once) == whole(bit_by_bit)
    assert all(bit_by_bit[name] == at_once[name] for name in whole(at_once))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 1200), BATCHES)
def test_no_file_is_written_twice(count, batches):
    disk = disk_of(count, batches)
    assert len(disk.written) == len(set(disk.written))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 1200), BATCHES, st.data())
def test_growing_again_after_a_crash_writes_the_same(count, batches, data):
    """A writer that died at any file begins the batch again: `Disk` refuses other content under a name."""
    disk = disk_of(count, batches)
    more = [f"baru {number}".encode() for number in range(data.draw(st.integers(1, 600)))]
    files = list(grown(Log(disk.read, count), more))
    for name, content in files[: data.draw(st.integers(0, len(files)))]:
        disk[name] = content
    assert disk.grow(count, more) == count + len(more)
    assert Log(disk.read, count + len(more)).root() == root_of(ENTRIES[:count] + more)


def root_of(entries):
    leaves = [tlog.leaf_hash(entry) for entry in entries]
    return tlog.root(len(leaves), nodes_of(leaves))


@settings(deadline=None, max_examples=60)
@given(BATCHES, st.data())
def test_every_size_that_was_published_can_be_proven(batches, data):
    """Also the ones before the last: their narrow tiles are still there, or the beginning of a full one."""
    disk = disk_of(1200, batches)
    size = data.draw(st.sampled_from(sizes_of(batches)))
    log = Log(disk.read, size)
    assert log.root() == tlog.root(size, NODE)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(0, size))
    assert log.inclusion(index) == tlog.inclusion(index, size, NODE)
    assert log.consistency(old) == tlog.consistency(old, size, NODE)
    start, end = sorted(data.draw(st.tuples(st.integers(0, size), st.integers(0, size))))
    assert list(log.entries(start, end)) == ENTRIES[start:end]


def sizes_of(batches):
    sizes = {1200}
    for end in range(len(batches)):
        sizes.add(min(1200, sum(batches[: end + 1])))
    return sorted(sizes)


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513, 1024, 1200])
def test_without_narrow_tiles_the_full_ones_serve(size):
    """Narrow tiles may be removed once the full one is there."""
    disk = disk_of(1200, [size])
    narrow = {name for name in disk if ".p/" in name and name.partition(".p/")[0] in disk}
    for name in narrow:
        del disk[name]
    assert bool(narrow) == (size < 1024 and size % 256 > 0)  # the drawn sizes reach both cases
    log = Log(disk.read, size)
    assert log.root() == tlog.root(size, NODE)
    assert list(log.entries()) == ENTRIES[:size]


def test_a_tree_of_seventy_thousand_has_the_tiles_of_the_text():
    """The example of C2SP tlog-tiles: 273 full tiles and one of width 112, one full and one of 17, one of 1."""
    disk, size = Disk(), 0
    while size < 70_000:
        size = disk.grow(size, [b"x"] * min(10_000, 70_000 - size))
    level = {number: {name for name in whole(disk) if name.startswith(f"tile/{number}/")} for number in (0, 1, 2, 3)}
    assert len(level[0]) == 274
    assert "tile/0/273.p/112" in level[0]
    assert level[1] == {"tile/1/000", "tile/1/001.p/17"}
    assert level[2] == {"tile/2/000.p/1"}
    assert level[3] == set()


def test_a_tree_of_one_full_tile_has_a_narrow_one_above():
    assert whole(disk_of(256)) == {"tile/entries/000", "tile/0/000", "tile/1/000.p/1"}


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (0, "tile/0/000"),
        (999, "tile/0/999"),
        (1000, "tile/0/x001/000"),
        (1_234_067, "tile/0/x001/x234/067"),
        (10**9, "tile/0/x001/x000/x000/000"),
    ],
)
def test_names_are_those_of_the_text(index, name):
    assert tile_name(0, index) == name
    assert tile_name(0, index, 17) == f"{name}.p/17"
    assert bundle_name(index) == name.replace("/0/", "/entries/", 1)


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_a_bundle_gives_back_what_was_put_into_it(entries):
    assert unbundled(bundled(entries), "x") == entries


@given(st.lists(st.binary(min_size=1, max_size=30), min_size=1, max_size=8), st.data())
def test_a_cut_bundle_is_refused_or_ends_between_entries(entries, data):
    cut = bundled(entries)[: data.draw(st.integers(0, len(bundled(entries)) - 1))]
    ends = [bundled(entries[:count]) for count in range(len(entries))]
    try:
        assert unbundled(cut, "tile/entries/000") in [entries[:count] for count in range(len(entries))]
        assert cut in ends
    except BadTile as error:
        assert str(error) == "tile/entries/000"
        assert cut not in ends


def test_an_entry_that_its_length_cannot_tell_is_refused():
    assert unbundled(bundled([b"x" * 65_535]), "x") == [b"x" * 65_535]
    with pytest.raises(ValueError, match="too long"):
        bundled([b"x" * 65_536])


def test_a_missing_or_short_file_is_named():
    disk = disk_of(300)
    for name in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"):
        for content in (None, disk[name][:-1]):
            spoiled = Disk()
            spoiled.update(disk)
            if content is None:
                del spoiled[name]
            else:
                spoiled[name] = content
            with pytest.raises(BadTile, match=f"^{name}$"):
                _ = [Log(spoiled.read, 300).inclusion(index) for index in range(300)]
    for name in ("tile/entries/000", "tile/entries/001.p/44"):
        spoiled = Disk()
        spoiled.update({other: content for other, content in disk.items() if other != name})
        with pytest.raises(BadTile, match=f"^{name}$"):
            list(Log(spoiled.read, 300).entries())


def test_there_is_nothing_beyond_the_end():
    log = Log(disk_of(300).read, 300)
    with pytest.raises(BadTile):
        log.node(0, 300)
    with pytest.raises(tlog.NoProof):
        log.inclusion(300)
    assert list(log.entries(300, 400)) == []


def test_nothing_more_writes_nothing():
    assert list(grown(Log(Disk().read, 0), [])) == []
