"""What of the registry was ever published as a count, to whomever: sealed, only ever added to, and looked at before
anything else is published (disclosure reference 4.6).

    registry/published/                             `records`
    000001.parquet                                  the cells of one output with their true counts; sealed
    000001.dsse.json                                of which order, release and unit they are, and the output before

True small counts are as sensitive as rows: nothing of a cell leaves this room but what both are about, in words. An
output that is withdrawn stays: it cannot be taken back. Checking and adding are one step, under a lock: two outputs
that each pass alone may tell somebody together. An output that was added and then never left is looked at, too.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bagipakai.core.envelope import PublicKey, Signer
from bagipakai.core.lifecycle import quarters_between
from bagipakai.core.shapes import Form, is_digest, is_text
from bagipakai.registry.disclosure.containment import Box, Cells, Pairs, Region, inside
from bagipakai.registry.disclosure.records import Records
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.matching.arrays import Numbers

KIND: Final = "application/vnd.bagipakai.published-cells+json;v=1"
NAME: Final = "published"  # of the key
_SETS: Final = "set"  # column
_CELLS: Final = pa.schema([(name, pa.int64()) for name in ("box", "region", "count")])
_ASKED: Final = "asked"  # column
_ABOUT: Final = b"about"  # in the sealed file: the boxes and the regions


@dataclass(frozen=True, slots=True)
class Output:
    """Something that was published: by which order, for whom, of which release, counted in which unit. `question`: of
    counts with noise, the digest of what was asked, whichever release answers it. `summed`: the variable whose sums
    stand beside its counts, and `sums`, the digest of what these tell. `holds`: the state of the holds by which people
    were left out. Empty where there is none."""

    order: str
    recipient: str
    release: str
    unit: str
    question: str = ""
    summed: str = ""
    sums: str = ""
    holds: str = ""

    def is_of_the_people_of(self, other: "Output") -> bool:
        """Whether both count the same people: of one release, without the same ones."""
        return (self.release, self.holds) == (other.release, other.holds)


@dataclass(frozen=True, slots=True)
class Difference:
    """What two counts that together tell too much are about. `share`: not that the group between them is small, but
    that almost everybody of the wide one, who are not many, is in the narrow one. `releases`: of which they are, where
    that is not one."""

    narrow: tuple[Box, Region]
    wide: tuple[Box, Region]
    share: bool
    releases: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """A group of fewer than `smallest` is told by nobody; nor that `percent` or more of a group under `under` have
    something in common; nor either by two releases up to so many `quarters` apart."""

    smallest: int
    percent: int
    under: int
    quarters: int = 0


class Ledger:
    """The outputs under `folder`. Raises Damaged where they are not those that were added."""

    def __init__(self, folder: Path, storage: StorageKey, signer: Signer, trusted: Sequence[PublicKey] = ()) -> None:
        self._records = Records(
            folder, NAME, KIND, _RECORD, "published-cells-broken", storage, signer, trusted, _OF_SOME
        )

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block in which nobody else adds anything."""
        with self._records.turn():
            yield

    def add(self, output: Output, cells: Cells, at: datetime, sets: Numbers | None = None) -> None:
        """Within a turn. What stands already of this order is not added again. `sets`: of counts that left with noise,
        a number for the people of each cell (uint64). Raises OSError."""
        digest = digest_of(cells)
        if any(_output(one) == output and one["cells"] == digest for _, one in self._records.all()):
            return
        about = {name: told for name, told in asdict(output).items() if told or name not in _OF_SOME}
        told = {**about, "at": at.astimezone(UTC).isoformat(timespec="seconds"), "cells": digest}
        table = _table(cells)
        self._records.add(told, table if sets is None else table.append_column(_SETS, pa.array(sets, pa.uint64())))

    def stands(self, output: Output, cells: Cells) -> bool:
        """Whether these very cells, and sums, were published of this release already, answered in the same way: then
        nothing new is told by them."""
        digest, about = digest_of(cells), (output.release, output.unit, output.question, output.summed, output.sums)
        for _, told in self._records.all():
            one = _output(told)
            if told["cells"] == digest and about == (one.release, one.unit, one.question, one.summed, one.sums):
                return True
        return False

    def first(self, release: str) -> Output | None:
        """What was published first of the quarter of this release, be it of a correction: all counts of a quarter are
        of its people. None where nothing was published yet."""
        all_of_it = (_output(told) for _, told in self._records.all())
        return next((one for one in all_of_it if not quarters_between(one.release, release)), None)

    def near(self, output: Output, cells: Cells, quarters: int) -> Iterator[tuple[Output, Cells]]:
        """Every output with which these cells are compared: those of the release and of corrections of its quarter, but
        those with cells of the same digest, and, where neither has noise, of releases up to so many quarters away."""
        digest = digest_of(cells)
        for number, told in self._records.all():
            other = _output(told)
            apart = quarters_between(other.release, output.release)
            if apart <= quarters and told["cells"] != digest and not (apart and (output.question or other.question)):
                yield other, self._read(number, told)

    def published(self, release: str, but: str = "") -> Iterator[tuple[Output, Cells]]:
        """Every output of a release, but those with cells of this digest."""
        for number, told in self._records.all():
            output = _output(told)
            if output.release == release and told["cells"] != but:
                yield output, self._read(number, told)

    def equations(self, output: Output, cells: Cells) -> list[Cells]:
        """All other counts of the release that left as they are, where these do, too: with noise they equal nothing."""
        if output.question:
            return []
        return [theirs for one, theirs in self.published(output.release, digest_of(cells)) if not one.question]

    def others(self, output: Output, cells: Cells) -> int:
        """With how many outputs these cells were compared."""
        digest = digest_of(cells)
        return sum(told["release"] == output.release and told["cells"] != digest for _, told in self._records.all())

    def sums_met(self, output: Output, cells: Cells, quarters: int) -> bool:
        """Whether other sums of this variable were published, in an area that these cells meet: what is hidden in one
        table may be shown in the other, and nothing here subtracts sums. Of this quarter; and of releases up to so many
        `quarters` away, where hardly anybody moved, those that were asked otherwise."""
        for number, told in self._records.all():
            other = _output(told)
            if not output.summed or other.summed != output.summed or other.sums == output.sums:
                continue
            apart = quarters_between(other.release, output.release)
            theirs = self._read(number, told) if apart <= quarters else None
            if theirs is not None and met(cells, theirs) and not (apart and _asked_alike(cells, theirs)):
                return True
        return False

    def differences(self, output: Output, cells: Cells, limits: Limits) -> Iterator[Difference]:
        """What `cells` would tell together with everything that was published of this release, by whichever order.
        Among themselves only small groups: what else they tell was judged when they were made, as was all that counts
        with noise tell among themselves (`perturbation`).

        Where hardly anybody moved, a count of another quarter is one of this release to whoever knows that: so it is
        judged as such, but for the very same cell, of which the movement is what is asked for. Counts of one quarter
        are of one people (`first`): were those of a correction judged here, or after a hold, a refusal where the very
        same cell changed by a few would tell whom they are about."""
        if not output.question:
            yield from _named(cells, cells, replace(limits, under=0))
        for other, theirs in self.near(output, cells, limits.quarters):
            mine, its = output.release, other.release
            moved = quarters_between(mine, its) > 0
            for narrow, wide, named in ((cells, theirs, (mine, its)), (theirs, cells, (its, mine))):
                for found in _named(narrow, wide, limits, moved):
                    yield found if mine == its else replace(found, releases=named)

    def breakdowns(self, output: Output, sets: Numbers) -> Numbers:
        """For each of these sets of people, how many other questions about it were answered with noise, in any release:
        whoever did not change has the same noise there, and another question has another."""
        asked: dict[str, set[int]] = {}
        for number, told in self._records.all():
            question = _output(told).question
            if question and question != output.question:
                theirs = self._records.table(number, told)[_SETS].to_numpy()
                asked.setdefault(question, set()).update(np.intersect1d(sets, theirs).tolist())
        found = Counter(one for some in asked.values() for one in some)
        return np.array([found[one] for one in sets.tolist()], np.int64)

    def _read(self, number: int, told: Mapping[str, Any]) -> Cells:
        cells = _of_table(self._records.table(number, told))
        if digest_of(cells) != told["cells"]:
            raise self._records.damaged(number)
        return cells


def telling(narrow: Cells, wide: Cells, limits: Limits, moved: bool = False) -> Iterator[tuple[int, int, bool]]:
    """Pairs of cells, one inside the other, of which the difference is a small group, or nobody of one; or, where both
    are about one place, the narrow one is nearly all of a wide one that is not large (True). No true count is told.

    That nobody is between them tells of those who could have been: who is alone in what only the wide one holds (the
    oldest of a regency) is known not to be in it. And were only one to nine refused, the refusal would tell the rest.
    `moved`: the counts are of two quarters, so that those of the very same cell may differ.
    """
    divided = _divided(narrow, wide)
    for pairs in inside(narrow, wide):
        less, more = narrow.count[pairs.narrow], wide.count[pairs.wide]
        between = more - less
        near = np.abs(between) < limits.smallest
        apart = near & ~pairs.same & (limits.under > 0)  # looked at however few are between: time would tell of nobody
        asked = zip(pairs.narrow[apart], pairs.wide[apart], pairs.here[apart], strict=True)
        apart[apart] = [divided(*pair) for pair in asked]
        small = near & ((between != 0) | apart)
        nearly = pairs.here & ~pairs.same & (more < limits.under) & (100 * less >= limits.percent * more) & ~small
        told = small | nearly
        if moved:
            told &= ~_very_same(narrow, wide, pairs)
        for at in np.flatnonzero(told):
            yield int(pairs.narrow[at]), int(pairs.wide[at]), bool(nearly[at])


def _very_same(narrow: Cells, wide: Cells, pairs: Pairs) -> Numbers:
    """Whether both are one cell: of what occurs, or of what was asked, where other categories occur by now."""
    if narrow.asked is None or wide.asked is None:
        return pairs.same
    same: Numbers = narrow.asked[pairs.narrow] == wide.asked[pairs.wide]
    return pairs.same | same


def _asked_alike(one: Cells, other: Cells) -> bool:
    """Whether both are the same question."""
    if one.asked is None or other.asked is None:
        return False
    return set(one.asked.tolist()) == set(other.asked.tolist())


def met(one: Cells, other: Cells) -> bool:
    """Whether some place is in both."""
    spans = [{span for region in cells.regions for span in region} for cells in (one, other)]
    return any(max(first, begin) <= min(last, end) for first, last in spans[0] for begin, end in spans[1])


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


def _named(narrow: Cells, wide: Cells, limits: Limits, moved: bool = False) -> Iterator[Difference]:
    for inner, outer, share in telling(narrow, wide, limits, moved):
        yield Difference(narrow.about(inner), wide.about(outer), share)


def _output(told: Mapping[str, Any]) -> Output:
    return Output(*(told.get(one.name, "") for one in fields(Output)))


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
    table = pa.table(columns, schema=_CELLS.with_metadata({_ABOUT: _about(cells)}))
    return table if cells.asked is None else table.append_column(_ASKED, pa.array(cells.asked, pa.int64()))


def _of_table(table: pa.Table) -> Cells:
    about = json.loads(table.schema.metadata[_ABOUT])
    boxes: list[Box] = [{name: int(mask, 16) for name, mask in box.items()} for box in about["boxes"]]
    regions: list[Region] = [tuple((first, last) for first, last in region) for region in about["regions"]]
    box, region, count = (table[name].to_numpy() for name in ("box", "region", "count"))
    asked = table[_ASKED].to_numpy() if _ASKED in table.column_names else None
    return Cells(boxes, regions, box, region, count, asked)


def digest_of(cells: Cells) -> str:
    told = hashlib.sha256(_about(cells))
    for column in _columns(cells):
        told.update(column)
    return told.hexdigest()


_RECORD: Final[Form] = {
    "order": is_text,
    "recipient": is_text,
    "release": is_text,
    "unit": is_text,
    "at": is_text,
    "cells": is_digest,
}
_OF_SOME: Final[Form] = {"question": is_digest, "summed": is_text, "sums": is_digest, "holds": is_digest}
