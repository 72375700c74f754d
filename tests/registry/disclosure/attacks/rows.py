"""Rows that left without names, as their recipient has them, and who the attackers know beside them."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from tests.registry.disclosure.attacks.door import Refused, Registry
from tests.registry.orders import PLACED, a_plan, an_order
from tests.registry.small import DAY

from bagipakai.core.disclosure import Grain
from bagipakai.core.exchange import Step
from bagipakai.core.plan import Asked, Exempted, Plan, Protections, Unit
from bagipakai.core.query import Column, Compare, Const, Op
from bagipakai.registry.deliver import deliver

DISABLED = Compare(Op.EQUAL, Column("penyandang_disabilitas"), Const(True))

Row = Mapping[str, str | None]

UNLIKE = {"recipient_key", "sealed_bytes"}  # in any two packages

FILES = {
    "bands": (("kode_kab", ""), ("umur", "10-TAHUN"), ("jenis_kelamin", ""), ("desil", "")),
    "status": (
        ("kode_kab", ""), ("umur", "TAHAP-HIDUP"), ("jenis_kelamin", ""), ("status_perkawinan", "PERNAH-KAWIN"),
        ("desil", ""),
    ),
    "places": (("kode_kec", ""), ("jenis_kelamin", ""), ("desil", "")),
}  # fmt: skip
FINE = (("kode_kec", ""), ("umur", "5-TAHUN"), ("jenis_kelamin", ""), ("status_perkawinan", ""), ("desil", ""))


@dataclass(frozen=True)
class Received:
    """The rows, what their plan told of each column, and what is said of how they were made."""

    plan: Plan
    rows: Sequence[Row]
    evidence: Mapping[str, str | int]

    @cached_property
    def seen(self) -> list[tuple[str | None, ...]]:
        """Of each row what others may know."""
        names = [one.name for one in self.plan.variables if one.name != "desil"]
        return [tuple(row[name] for name in names) for row in self.rows]


GUESSED = (Exempted("rows-inference", "serangan lain dicoba"),)


def a_file(
    variables: Sequence[tuple[str, str]],
    exempted: tuple[Exempted, ...] = (),
    pseudonyms: tuple[str, ...] = ("nik",),
) -> Plan:
    """Disabled persons of the nation: of each the variables that are named, as coarsely as that."""
    asked = tuple(Asked(name, "diperlukan program", grain) for name, grain in variables)
    protections = Protections(pseudonyms, 0, exempted)
    return replace(a_plan("L2", Unit.INDIVIDU, population=DISABLED, protections=protections), variables=asked)


def received(registry: Registry, plan: Plan, name: str) -> Received | Refused:
    house = registry.house
    told = deliver(
        an_order(plan, name), registry.release, house.keys, house.places, clock=lambda: PLACED + timedelta(hours=1)
    )
    if told.refusal:
        return Refused(told.refusal, str(dict(told.detail)))
    folder = house.var.parent / "opened" / name
    house.open(told.package, folder)
    assert [file.name for file in folder.glob("bagian-*")] == ["bagian-0001.csv"]
    with (folder / "bagian-0001.csv").open(encoding="utf-8", newline="") as lines:
        rows = [{key: value or None for key, value in line.items()} for line in csv.DictReader(lines)]
    evidence = next(done.evidence for done in told.steps if done.step is Step.ACCESS_SECURING)
    return Received(plan, rows, {name: told for name, told in evidence.items() if name not in UNLIKE})


def told_of(plan: Plan, people: Iterable[Mapping[str, Any]]) -> list[tuple[str | None, ...]]:
    """What everybody can know of these people, as coarsely as the file tells it: its own columns but the decile. The
    bands and the top code are public (policy, dictionary)."""
    grains = {(name, one.code): one for name, some in Grain.on(DAY).items() for one in some}
    asked = [(one.name, grains.get((one.name, one.grain))) for one in plan.variables if one.name != "desil"]
    return [tuple(_told(name, person[name], grain) for name, grain in asked) for person in people]


def _told(name: str, value: Any, grain: Grain | None) -> str | None:
    if value is None:
        return None
    if name == "umur":
        value = min(value, 85)
    if grain is None:
        return str(value)
    if grain.starts:
        return str(max(start for start in grain.starts if start <= value))
    return grain.groups.get(str(value))


def matches(seen: tuple[str | None, ...], known: tuple[str | None, ...]) -> bool:
    """Blanks match anything."""
    return all(one is None or other is None or one == other for one, other in zip(seen, known, strict=True))
