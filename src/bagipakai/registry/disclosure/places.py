"""How many must live in a place of which a table tells more than how many it counts there (disclosure reference 3.1: a
district from 5,000 persons on). Who lives there is counted whatever else the plan asks.
"""

from collections.abc import Callable, Sequence

from bagipakai.core.disclosure import AREAS, Cell, Disclosure, Key, nothing_closed
from bagipakai.core.plan import Plan
from bagipakai.core.query import AREA_COLUMNS, Count
from bagipakai.core.refusal import Refusal

Counting = Callable[[Count], Sequence[Cell]]


def area_too_small(plan: Plan, rule: Disclosure, count: Counting) -> Refusal | None:
    """Where a table is asked of small places alone: whether enough live in all of them together. Raises EngineError."""
    levels = {AREA_COLUMNS[len(code)] for code in plan.area.codes}
    least = max((rule.smallest_place[name] for name in levels if name in rule.smallest_place), default=0)
    if not least or sum(cell.persons for cell in count(Count(plan.unit.value, (), None, plan.area.codes))) >= least:
        return None
    return Refusal("table-place-too-small", {"least": str(least)})


def small_places(plan: Plan, rule: Disclosure, count: Callable[[Count], Sequence[Cell]]) -> Callable[[Key], bool]:
    """Whether a line of the plan's table tells more than the total of a place in which too few live to tell more. Who
    lives there is counted whatever the plan asks. Raises EngineError."""
    where = [at for at, name in enumerate(plan.columns) if name in AREAS]
    named = [plan.columns[at] for at in where]
    least = min((rule.smallest_place[name] for name in named if name in rule.smallest_place), default=0)
    if not least or len(named) == len(plan.columns):
        return nothing_closed
    living = count(Count(plan.unit.value, tuple(named), None, plan.area.codes))
    small = {cell.key for cell in living if cell.persons < least}

    def closed(key: Key) -> bool:
        return len(key) > max(where[-1], len(where)) and tuple(key[at] for at in where) in small

    return closed
