"""How rows without names are told: as coarsely as their plan says, and large numbers as the top of a band."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from bagipakai.core.disclosure import Grain, RowRule
from bagipakai.core.plan import Plan
from bagipakai.registry.disclosure.recoding import Bands, Clamped, Coarser, Groups


@dataclass(frozen=True, slots=True)
class Told:
    """How each column of the plan is told: `recodes`, by name, where it is not told as it is, and `notes`, the same in
    words."""

    recodes: Mapping[str, Coarser]
    notes: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan, rule: RowRule, grains: Mapping[str, Sequence[Grain]]) -> "Told":
        """By the plan's grains, and the rule's top codes unless classes need not be alike."""
        known = {(name, grain.code): grain for name, some in grains.items() for grain in some}
        tops = {} if "rows-alike" in exempted(plan) else rule.top_codes
        found: dict[str, Coarser] = {name: Clamped(0, tops[name]) for name in plan.columns if name in tops}
        notes = {name: f"{tops[name]} atau lebih disajikan sebagai {tops[name]}" for name in found}
        for asked in (one for one in plan.variables if one.grain):
            grain = known[asked.name, asked.grain]
            found[asked.name] = recoded(grain)
            kind = "angka pertama kelompoknya" if grain.starts else "kode yang mewakili kelompoknya"
            way = grain.name if grain.name.startswith("per ") else f"menurut {grain.name}"
            notes[asked.name] = f"disajikan {way}, dengan {kind}"
        return cls(found, notes)

    def batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The same rows, as they are told."""
        for name, recode in self.recodes.items():
            if (at := batch.schema.get_field_index(name)) >= 0:
                batch = batch.set_column(at, batch.schema.field(at), recode.told(batch.column(at)))
        return batch


def recoded(grain: Grain) -> Coarser:
    """What a grain does to a value."""
    return Bands(grain.starts) if grain.starts else Groups(tuple(grain.groups.items()))


def exempted(plan: Plan) -> frozenset[str]:
    return frozenset(one.rule for one in plan.protections.exempted)
