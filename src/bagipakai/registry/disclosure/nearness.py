"""What of hidden sums can be computed from the file in which they are hidden."""

from collections.abc import Sequence

from bagipakai.registry.disclosure.audit import Narrow, audit
from bagipakai.registry.disclosure.disclosing import Axis
from bagipakai.registry.disclosure.tables import TableRule


def near_sums(
    axes: Sequence[Axis], counts: Sequence[int | None], sums: Sequence[int | None] | None, rule: TableRule
) -> list[Narrow]:
    """The hidden sums whose interval is narrower than that of any hidden sum may be (`primary.least_room`), as far as
    it can be told by who does not know how many contribute: he takes everybody for a contributor. Nothing where there
    are no sums. Raises audit.Contradiction."""
    if sums is None:
        return []
    everybody, total = counts[0] or 1, sums[0] or 0
    width = max(1, rule.p_percent * total // (100 * everybody))
    return audit([axis.tree for axis in axes], sums, {cell: width for cell, one in enumerate(sums) if one is None})
