"""Where a log lies: C2SP tlog-tiles. Hashes in tiles of 256, entries in bundles of 256, each a file that never changes.

Tile (level, index) holds the hashes of complete subtrees of 256^level entries; only the last tile of a level may be
narrower, and then its name says how wide it is (`.p/17`). Whoever holds these files holds the log: nothing else is
needed to prove, compare or audit it.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from bagipakai.core import tlog

WIDTH = 256
HEIGHT = 8
LONGEST_ENTRY = 0xFFFF

Read = Callable[[str], bytes]  # a file of the log by its name; raises OSError where there is none


class BadTile(ValueError):
    """A file of the log that is missing, or of another size than its name says. The message is the file's name."""


def tile_name(level: int, index: int, width: int = WIDTH) -> str:
    return f"tile/{level}/{_number(index)}{_partial(width)}"


def bundle_name(index: int, width: int = WIDTH) -> str:
    return f"tile/entries/{_number(index)}{_partial(width)}"


def bundled(entries: Sequence[bytes]) -> bytes:
    """Entries, each after its length in two bytes. Raises ValueError for an entry beyond 65,535 bytes."""
    if any(len(entry) > LONGEST_ENTRY for entry in entries):
        raise ValueError("an entry is too long")
    return b"".join(len(entry).to_bytes(2) + entry for entry in entries)


def unbundled(bundle: bytes, name: str) -> list[bytes]:
    """The entries of a bundle. Raises BadTile if a length leads past its end."""
    entries, at = [], 0
    while at < len(bundle):
        end = at + 2 + int.from_bytes(bundle[at : at + 2])
        if at + 2 > len(bundle) or end > len(bundle):
            raise BadTile(name)
        entries.append(bundle[at + 2 : end])
        at = end
    return entries


class Log:
    """The first `size` entries of a log whose files `read` gives. A narrower tile is looked for first under its own
    name, then as the beginning of the full one: narrow tiles may be removed once the full one is there."""

    def __init__(self, read: Read, size: int) -> None:
        self._read = read
        self.size = size
        self._hashes = lru_cache(maxsize=4096)(self._hashes_of)

    def node(self, level: int, index: int) -> bytes:
        """The hash of the complete subtree over entries index × 2^level …; see core.tlog. Raises BadTile."""
        tile_level, above = divmod(level, HEIGHT)
        first = index << above
        hashes = self._hashes(tile_level, first // WIDTH)
        start = first % WIDTH
        found = hashes[start : start + (1 << above)]
        if len(found) != 1 << above:
            raise BadTile(tile_name(tile_level, first // WIDTH))
        return tlog.fold(found)

    def root(self) -> bytes:
        return tlog.root(self.size, self.node)

    def inclusion(self, index: int) -> list[bytes]:
        return tlog.inclusion(index, self.size, self.node)

    def consistency(self, old: int) -> list[bytes]:
        return tlog.consistency(old, self.size, self.node)

    def entries(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Entries start..end-1, in order. Raises BadTile."""
        end = self.size if end is None else min(end, self.size)
        for index in range(start // WIDTH, -(-end // WIDTH)):
            width = min(WIDTH, self.size - index * WIDTH)
            name = bundle_name(index, width)
            found = unbundled(self._file(name, bundle_name(index)), name)
            if len(found) < width:
                raise BadTile(name)
            first = index * WIDTH
            yield from found[max(0, start - first) : min(width, end - first)]

    def _hashes_of(self, level: int, index: int) -> list[bytes]:
        width = min(WIDTH, (self.size >> HEIGHT * level) - index * WIDTH)
        if width <= 0:
            raise BadTile(tile_name(level, index))
        name = tile_name(level, index, width)
        tile = self._file(name, tile_name(level, index))
        if len(tile) < 32 * width:
            raise BadTile(name)
        return [tile[at : at + 32] for at in range(0, 32 * width, 32)]

    def _file(self, *names: str) -> bytes:
        for name in dict.fromkeys(names):
            try:
                return self._read(name)
            except OSError:
                continue
        raise BadTile(names[0])


def grown(log: Log, entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """The files that must be written so that `log` goes on with `entries`: bundles first, then tiles from the leaves
    up. Each is new, or a repetition with the same content; none changes a file that is there. Raises BadTile."""
    if not entries:
        return
    size = log.size
    begun = list(log.entries(size - size % WIDTH, size))
    for first, group in _grouped(size - size % WIDTH, begun + list(entries)):
        yield bundle_name(first // WIDTH, len(group)), bundled(group)
    level, new = 0, [tlog.leaf_hash(entry) for entry in entries]
    while new:
        before = size >> HEIGHT * level
        start = before - before % WIDTH
        kept = [log.node(HEIGHT * level, place) for place in range(start, before)]
        complete = []
        for first, group in _grouped(start, kept + new):
            yield tile_name(level, first // WIDTH, len(group)), b"".join(group)
            if len(group) == WIDTH:
                complete.append(tlog.fold(group))
        level, new = level + 1, complete


def _grouped(start: int, rows: list[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    for at in range(0, len(rows), WIDTH):
        yield start + at, rows[at : at + WIDTH]


def _number(index: int) -> str:
    text = f"{index % 1000:03d}"
    while index := index // 1000:
        text = f"x{index % 1000:03d}/{text}"
    return text


def _partial(width: int) -> str:
    return "" if width == WIDTH else f".p/{width}"
