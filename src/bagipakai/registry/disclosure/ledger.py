"""What of the registry was ever published as a count, to whomever: sealed, only ever added to, and looked at before
anything else is published (disclosure reference 4.6).

    registry/published/key.json                     opens the cells; wrapped by the storage key
    registry/published/000001.parquet               the cells of one output with their true counts; sealed
    registry/published/000001.dsse.json             of which order, release and unit they are, and the output before

True small counts are as sensitive as rows: nothing of a cell leaves this room but what both are about, in words. An
output that is withdrawn stays: it cannot be taken back. Checking and adding are one step, under a lock: two outputs
that each pass alone may tell somebody together. An output that was added and then never left is looked at, too.
"""

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.core.keyfiles import write_once
from bagipakai.core.shapes import Form, is_count, is_digest, is_digest_or_empty, is_text, misfit
from bagipakai.registry.disclosure.containment import Box, Cells, Region, inside
from bagipakai.registry.folders import sync
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.vault import KEY, Damaged, Entry, Sealing, Shelf, ShelfKey

KIND: Final = "application/vnd.bagipakai.published-cells+json;v=1"
NAME: Final = "published"  # of the key
_LOCK: Final = ".turn"
_ENDING: Final = ".dsse.json"
_CELLS: Final = pa.schema([(name, pa.int64()) for name in ("box", "region", "count")])
_ABOUT: Final = b"about"  # in the sealed file: the boxes and the regions


@dataclass(frozen=True, slots=True)
class Output:
    """Something that was published: by which order, for whom, of which release, counted in which unit."""

    order: str
    recipient: str
    release: str
    unit: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What two counts that together tell too much are about. `share`: not that the group between them is small, but
    that almost everybody of the wide one, who are not many, is in the narrow one."""

    narrow: tuple[Box, Region]
    wide: tuple[Box, Region]
    share: bool


@dataclass(frozen=True, slots=True)
class Limits:
    """A group of fewer than `smallest` is told by nobody; nor that `percent` or more of a group under `under` have
    something in common."""

    smallest: int
    percent: int
    under: int


class Ledger:
    """The outputs under `folder`. Raises Damaged where they are not those that were added."""

    def __init__(self, folder: Path, storage: StorageKey, signer: Signer, trusted: Sequence[PublicKey] = ()) -> None:
        self._folder, self._storage, self._signer = folder, storage, signer
        self._trusted = (signer.public, *trusted)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block in which nobody else adds anything."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._folder / _LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def add(self, output: Output, cells: Cells, at: datetime) -> None:
        """Within a turn. What stands already of this order is not added again. Raises OSError."""
        written = list(self._written())
        digest = digest_of(cells)
        if any(one["order"] == output.order and one["cells"] == digest for _, one in written):
            return
        number = len(written) + 1
        previous = hashlib.sha256(self._file(number - 1).read_bytes()).hexdigest() if written else ""
        path = self._folder / _cells(number)
        path.unlink(missing_ok=True)  # of somebody who was killed before it was signed
        with Sealing(path, self._key(make=True).cipher(path.name)) as out:
            pq.write_table(_table(cells), out, compression="zstd")
        path.chmod(0o600)
        told = {
            **asdict(output),
            "at": at.astimezone(UTC).isoformat(timespec="seconds"),
            "cells": digest,
            "previous": previous,
            "sealed": asdict(out.sealed),
        }
        write_once(self._file(number), seal(KIND, told, self._signer), 0o600)
        sync(self._folder, inside=False)

    def published(self, release: str, but: str = "") -> Iterator[tuple[Output, Cells]]:
        """Every output of a release, but those with cells of this digest."""
        for number, told in self._written():
            output = Output(*(told[name] for name in ("order", "recipient", "release", "unit")))
            if output.release == release and told["cells"] != but:
                yield output, self._read(number, told)

    def others(self, output: Output, cells: Cells) -> int:
        """With how many outputs these cells were compared."""
        digest = digest_of(cells)
        return sum(told["release"] == output.release and told["cells"] != digest for _, told in self._written())

    def differences(self, output: Output, cells: Cells, limits: Limits) -> Iterator[Difference]:
        """What `cells` would tell together with everything that was published of this release, by whichever order: a
        table that was made again tells who is on hold by now. Among themselves only small groups: what else they tell
        was judged when they were made."""
        yield from _named(cells, cells, replace(limits, under=0))
        for _, theirs in self.published(output.release, digest_of(cells)):
            yield from _named(cells, theirs, limits)
            yield from _named(theirs, cells, limits)

    # the files

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:06d}{_ENDING}"

    def _written(self) -> Iterator[tuple[int, dict[str, Any]]]:
        head = ""
        for number, file in enumerate(sorted(self._folder.glob(f"*{_ENDING}")), start=1):
            envelope = file.read_bytes()
            told = self._unsealed(envelope, file.name)
            if file != self._file(number) or told["previous"] != head:
                raise Damaged("published-cells-broken", file.name)
            head = hashlib.sha256(envelope).hexdigest()
            yield number, told

    def _unsealed(self, envelope: bytes, name: str) -> dict[str, Any]:
        for key in self._trusted:
            try:
                told = unseal(KIND, envelope, key)
            except BadSeal:
                continue
            if misfit(told, _RECORD) is None:
                return told
        raise Damaged("published-cells-broken", name)

    def _key(self, make: bool = False) -> ShelfKey:
        if make and not (self._folder / KEY).exists():
            write_once(self._folder / KEY, ShelfKey.new(NAME).wrapped(self._storage), 0o600)
        return ShelfKey.unwrapped(self._folder, NAME, self._storage)

    def _read(self, number: int, told: Mapping[str, Any]) -> Cells:
        path = self._folder / _cells(number)
        with Shelf(self._key(), {path.name: Entry(path, told["sealed"]["blocks"])}).reading() as shelf:
            cells = _of_table(pq.read_table(shelf.open(shelf.name(path.name))))
        if digest_of(cells) != told["cells"]:
            raise Damaged("published-cells-broken", path.name)
        return cells


def telling(narrow: Cells, wide: Cells, limits: Limits) -> Iterator[tuple[int, int, bool]]:
    """Pairs of cells, one inside the other, of which the difference is a small group, or nobody of one; or, where both
    are about one place, the narrow one is nearly all of a wide one that is not large (True). No true count is told.

    That nobody is between them tells of those who could have been: who is alone in what only the wide one holds (the
    oldest of a regency) is known not to be in it. And were only one to nine refused, the refusal would tell the rest.
    """
    divided = _divided(narrow, wide)
    for pairs in inside(narrow, wide):
        less, more = narrow.count[pairs.narrow], wide.count[pairs.wide]
        between = more - less
        nobody = (between == 0) & ~pairs.same & (limits.under > 0)
        zero = zip(pairs.narrow[nobody], pairs.wide[nobody], pairs.here[nobody], strict=True)
        nobody[nobody] = [divided(*pair) for pair in zero]
        small = (between != 0) & (np.abs(between) < limits.smallest) | nobody
        nearly = pairs.here & ~pairs.same & (more < limits.under) & (100 * less >= limits.percent * more) & ~small
        for at in np.flatnonzero(small | nearly):
            yield int(pairs.narrow[at]), int(pairs.wide[at]), bool(nearly[at])


def _divided(narrow: Cells, wide: Cells) -> Callable[[int, int, bool], bool]:
    """Tells of two cells, one inside the other (`here`: of one place), whether what is between them is a part of some
    group that may be small: whether the wide one restricts something beside what the narrow one narrows. Who live in
    the rest of a place are taken to be many."""

    @cache
    def boxes(inner: int, outer: int, here: bool) -> bool:
        box, around = narrow.boxes[inner], wide.boxes[outer]
        narrowed = {name for name, mask in box.items() if around.get(name) != mask}
        return len(narrowed | set(around)) > 1 and bool(around) if here else len(around) > 1

    return lambda inner, outer, here: boxes(int(narrow.box[inner]), int(wide.box[outer]), bool(here))


def _named(narrow: Cells, wide: Cells, limits: Limits) -> Iterator[Difference]:
    for inner, outer, share in telling(narrow, wide, limits):
        yield Difference(narrow.about(inner), wide.about(outer), share)


def _cells(number: int) -> str:
    return f"{number:06d}.parquet"


def _about(cells: Cells) -> bytes:
    about = {
        "boxes": [{name: f"{mask:x}" for name, mask in sorted(box.items())} for box in cells.boxes],
        "regions": [[list(span) for span in region] for region in cells.regions],
    }
    return json.dumps(about, sort_keys=True).encode()


def _columns(cells: Cells) -> list[bytes]:
    return [np.ascontiguousarray(one, "<i8").tobytes() for one in (cells.box, cells.region, cells.count)]


def _table(cells: Cells) -> pa.Table:
    columns = [pa.Array.from_buffers(pa.int64(), len(cells), [None, pa.py_buffer(one)]) for one in _columns(cells)]
    return pa.table(columns, schema=_CELLS.with_metadata({_ABOUT: _about(cells)}))


def _of_table(table: pa.Table) -> Cells:
    about = json.loads(table.schema.metadata[_ABOUT])
    boxes: list[Box] = [{name: int(mask, 16) for name, mask in box.items()} for box in about["boxes"]]
    regions: list[Region] = [tuple((first, last) for first, last in region) for region in about["regions"]]
    box, region, count = (table[name].to_numpy() for name in ("box", "region", "count"))
    return Cells(boxes, regions, box, region, count)


def digest_of(cells: Cells) -> str:
    told = hashlib.sha256(_about(cells))
    for column in _columns(cells):
        told.update(column)
    return told.hexdigest()


_SEALED: Final[Form] = {"bytes": is_count, "sha256": is_digest, "blocks": is_digest}
_RECORD: Final[Form] = {
    "order": is_text,
    "recipient": is_text,
    "release": is_text,
    "unit": is_text,
    "at": is_text,
    "cells": is_digest,
    "previous": is_digest_or_empty,
    "sealed": lambda value: isinstance(value, Mapping) and misfit(value, _SEALED) is None,
}
