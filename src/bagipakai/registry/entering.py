"""A table of counts on its way into the ledger of what was published: compared with every other of its release, place
by place closed where they tell too much together, and refused where that is not enough.

A few people in one regency must not lock the nation: of a place in which the table would isolate a group, nothing is
told but its total, which others may have told already; and if that is too much, not even that. The attacker knows this
rule, and that a place was closed; which, follows from published counts and from that this table would have told more.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final, TypeVar

from bagipakai.core.deadlines import day_of
from bagipakai.core.disclosure import Key, Table
from bagipakai.core.exchange import Order
from bagipakai.core.plan import Plan
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.containment import Cells, Region
from bagipakai.registry.disclosure.ledger import Difference, Ledger, Limits, Output
from bagipakai.registry.disclosure.published import (
    Occupied,
    Placed,
    cells_of,
    lies_in,
    limits,
    lines_of,
    meets,
    of_other_people,
    of_total,
)
from bagipakai.registry.disclosure.published import refusal as of_pair
from bagipakai.registry.disclosure.sums import World
from bagipakai.registry.disclosure.tables import TableRule
from bagipakai.registry.disclosure.union import Isolated, isolated, regencies
from bagipakai.registry.disclosure.union import refusal as of_group
from bagipakai.registry.extract import TableExtract
from bagipakai.registry.vault import Damaged

log = logging.getLogger("bagipakai.registry")

Answer = TypeVar("Answer")
Passed = Callable[[int, int], object]

ROUNDS: Final = 6  # in which places are closed, before the table is refused


@dataclass(frozen=True)
class Closed:
    """Places that are closed, each with whether even its total is."""

    placed: Placed
    places: dict[Region, bool] = field(default_factory=dict)

    def __call__(self, key: Key) -> bool:
        region = self.placed.region(key)
        return any(
            (whole or region != place or self.placed.says_more(key)) and lies_in(region, place)
            for place, whole in self.places.items()
        )

    def closing(
        self, found: Sequence[Difference | Isolated], places: Sequence[Region], table: TableExtract
    ) -> "tuple[Closed, TableExtract] | None":
        """With those of `places` closed that meet anything found; those that were closed, wholly. None where that
        cannot be done for each, or too much would be closed."""
        met = [[place for place in places if meets(place, region)] for region in set(map(_region, found))]
        now = {place for some in met for place in some}
        if not all(met) or any(self.places.get(place) for place in now):
            return None
        closed = Closed(self.placed, {**self.places, **{place: place in self.places for place in now}})
        again = table.closing(closed)
        return None if isinstance(again, Refusal) else (closed, again)


@dataclass(frozen=True)
class Entering:
    """The table of one order, of a `release` (version), beside the `entries`. `holds`, wherever it is said: the state
    of those by which people were left out. A ledger that is not what was entered is a refusal: no table leaves."""

    order: Order
    release: str
    catalogue: Catalogue
    entries: Ledger

    @cached_property
    def first(self) -> Output | None:
        """The first counts that were told of the quarter. Raises Damaged."""
        return self.entries.first(self.release)

    def objection(self, holds: Callable[[], str]) -> Refusal | None:
        """Why no count of this release is told: before anybody is counted, so that it tells of nobody."""
        return self._known(lambda: of_other_people(self.first, self._output(holds())))

    def beside_total(self, total: int, occupied: Occupied, holds: str) -> Refusal | None:
        """What speaks against the total alone, whatever is in the table."""
        about = self.order.plan, total, self.catalogue, occupied, self.entries
        return self._known(lambda: of_total(*about, self._output(holds), self._most))

    def entered(
        self, table: TableExtract, occupied: Occupied, holds: str, at: datetime, passed: Passed
    ) -> TableExtract | Refusal:
        """The table as it may leave, which stands in the ledger from now on; or what speaks against it, and which one
        could leave. `occupied`: where anybody is. `passed` hears how many regencies of how many were looked at. Raises
        OSError."""

        def within_a_turn() -> TableExtract | Refusal:
            about = self.order.plan, self.catalogue, occupied, self.entries, self._output(holds), self._most
            with self.entries.turn():
                return _Turn(*about, passed).entered(table, at)

        return self._known(within_a_turn)

    def _known(self, asked: Callable[[], Answer]) -> Answer | Refusal:
        try:
            return asked()
        except Damaged as damage:
            log.error("published.damaged order=%s file=%s", self.order.order_id, damage.file)
            return Refusal("published-cells-broken", {"file": damage.file})

    @property
    def _most(self) -> Limits:
        return limits(self.order.plan, TableRule.on(day_of(self.order.placed_at)))

    def _output(self, holds: str) -> Output:
        order = self.order
        return Output(
            order.order_id, order.plan.recipient.institution, self.release, order.plan.unit.value, holds=holds
        )


@dataclass(frozen=True)
class _Turn:
    """One table, within a turn of the ledger."""

    plan: Plan
    catalogue: Catalogue
    occupied: Occupied
    entries: Ledger
    output: Output
    most: Limits
    passed: Passed

    def entered(self, table: TableExtract, at: datetime) -> TableExtract | Refusal:
        if no := of_other_people(self.entries.first(self.output.release), self.output):
            return no
        placed = Placed(self.plan.columns, self.occupied)
        closed, places = Closed(placed), sorted(placed.deepest(line.key for line in table.shown.lines))
        first: Difference | Isolated | None = None
        now, look = table, _Look(self.catalogue)
        for _ in range(ROUNDS):
            cells = self._cells(now.shown)
            if isinstance(cells, Refusal):
                return cells
            found: list[Difference | Isolated] = []
            for one in self._found(cells, look):
                first = first or one
                found.append(one)
                if _is_power_of_two(len(found)) and closed.closing(found, places, table) is None:
                    return self._refusal(first, table)  # whatever else there is
            if not found:
                now.compared = self.entries.others(self.output, cells)
                self.entries.add(self.output, cells, at)
                return now
            further = closed.closing(found, places, table)
            if further is None:
                break
            closed, now = further
        assert first is not None  # noqa: S101 - else it was entered
        return self._refusal(first, table)

    def _cells(self, shown: Table) -> Cells | Refusal:
        return cells_of(self.plan, lines_of(shown), self.catalogue, self.occupied)

    def _found(self, cells: Cells, look: "_Look") -> Iterator[Difference | Isolated]:
        """What these cells tell together with others, two by two; where that is nothing, all together."""
        look.again(cells)
        if self.entries.stands(self.output, cells):
            look.among = set()
            return
        in_pairs = False
        for pair in self.entries.differences(self.output, cells, self.most):
            in_pairs = True
            yield pair
        others = () if in_pairs else self.entries.equations(self.output, cells)
        if others:
            regencies = set()
            for one in isolated(cells, others, self.most.smallest, look.world, look.among, self.passed):
                regencies.add(one.regency)
                yield one
            look.among = regencies
        elif not in_pairs:
            look.among = set()

    def _refusal(self, found: Difference | Isolated, table: TableExtract) -> Refusal:
        proposal = self._without(table)
        if isinstance(found, Difference):
            return of_pair(found, self.catalogue, proposal)
        return of_group(found, self.catalogue, proposal)

    def _without(self, table: TableExtract) -> tuple[str, ...]:
        """The fewest of the last variables without which nothing stands in the way of the table; none where even the
        first alone would tell too much."""
        for fewer in table.coarser():
            cells = self._cells(fewer)
            if not isinstance(cells, Refusal) and next(self._found(cells, _Look(self.catalogue)), None) is None:
                return self.plan.columns[len(fewer.dimensions) :]
        return ()


class _Look:
    """In which regencies a table must still be looked at, round after round (None: in all): where something was found,
    and where a table tells something now that it did not tell when nothing was found there."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.world = World.of(catalogue)
        self.among: set[int] | None = None
        self._before: Cells | None = None

    def again(self, cells: Cells) -> None:
        """The table is to be looked at as it is now."""
        if self.among is not None and self._before is not None:
            self.among |= set(regencies(cells.beyond(self._before), self.world))
        self._before = cells


def _is_power_of_two(number: int) -> bool:
    return number.bit_count() == 1


def _region(found: Difference | Isolated) -> Region:
    return found.region if isinstance(found, Isolated) else found.narrow[1]
