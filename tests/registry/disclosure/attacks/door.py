"""The public doors, and what comes out of them: nothing else is an attacker's.

A question is a plan. It is answered by `bagipakai registry disclose`, in folders, or by an order, in a package that its
recipient opens; or refused, in words.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from io import StringIO
from itertools import combinations, product
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.registry import small
from tests.registry.disclosure.attacks.sums import Sums
from tests.registry.orders import PLACED, House, a_house, a_plan, an_order

from bagipakai.cli import main
from bagipakai.core.plan import Area, Plan
from bagipakai.core.query import Scalar
from bagipakai.core.refusal import Refusal
from bagipakai.registry.deliver import deliver
from bagipakai.registry.disclosure.reporting import HIDING
from bagipakai.registry.places import Places
from bagipakai.registry.releases import Release

SMALLEST = 10  # policy, which everybody can read

About = frozenset[tuple[str, str | None]]  # of each variable that is told its value, as a text


@dataclass(frozen=True)
class Refused:
    """What a question that is not answered says."""

    code: str
    words: str


@dataclass(frozen=True)
class Published:
    """A table as it left: of each cell what it is about, and its count, or None where it is hidden. `sums`: of which
    cells another one is the total, as everybody can see."""

    plan: Plan
    counts: Mapping[About, int | None]
    sums: tuple[tuple[About, tuple[About, ...]], ...]

    def equations(self, told: Sums, low: Callable[[About], int] = lambda _: 0) -> Sums:
        """What an attacker writes down of it: each hidden cell is an unknown, at least `low`."""
        for about in self.hidden:
            told.unknown(about, low(about))
        for whole, parts in self.sums:
            hidden = [part for part in parts if self.counts[part] is None]
            total, shown = self.counts[whole], sum(self.counts[part] or 0 for part in parts)
            if total is None:
                told.told(hidden, -shown, less=[whole])
            elif hidden:
                told.told(hidden, total - shown)
        return told

    @cached_property
    def hidden(self) -> list[About]:
        return [about for about, count in self.counts.items() if count is None]


@dataclass(frozen=True)
class Registry:
    """A registry in a folder, with one release."""

    house: House
    release: Release
    rows: small.Rows

    def afresh(self, folder: Path) -> "Registry":
        """The same, that never published anything."""
        var = folder / "var"
        var.mkdir(parents=True)
        (var / "keys").symlink_to(self.house.var / "keys")
        return replace(self, house=House(var, self.house.keys, Places.under(var)))

    def disclosed(self, plan: Plan, name: str) -> Published | Refused:
        """By the command."""
        here = self.house.var.parent / "asked"
        here.mkdir(exist_ok=True)
        (here / f"{name}.json").write_text(json.dumps(plan.to_json()))
        files = ["--plan", str(here / f"{name}.json"), "--release", str(self.release.folder), "--out", str(here / name)]
        environment = patch.dict("os.environ", BAGIPAKAI_VAR=str(self.house.var))
        with environment, redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
            answer = main(["registry", "disclose", *files])
        if answer:
            words = said.getvalue()
            assert answer == 1 and not (here / name).exists(), words
            return Refused(words[words.rindex("[") + 1 : words.rindex("]")], words)
        return read(plan, here / name)

    def ordered(self, plan: Plan, name: str) -> Published | Refused:
        """By an order; its package is opened by the recipient."""
        version = self.release.version
        order = an_order(replace(plan, release=version), name, release=version)
        told = deliver(
            order, self.release, self.house.keys, self.house.places,
            clock=lambda: PLACED + timedelta(hours=1),
        )  # fmt: skip
        if told.refusal:
            return Refused(told.refusal, Refusal(told.refusal, dict(told.detail)).sentence())
        folder = self.house.var.parent / "opened" / name
        self.house.open(told.package, folder)
        return _of_package(plan, folder / "bagian-0001.csv")


def a_registry(folder: Path, rows: small.Rows) -> Registry:
    house = a_house(folder / "var")
    release, _ = small.small_release(house.var / "releases", seal=house.keys.seal, rows=rows)
    return Registry(house, release, rows)


def a_question(*columns: str, where: Any = None, unit: str = "individu", codes: tuple[str, ...] = ()) -> Plan:
    return a_plan("L1", unit, columns, population=where, area=Area(codes, a_plan().area.edition))


def read(plan: Plan, folder: Path) -> Published:
    """What the file for programs says, and that the file for people says the same."""
    told = json.loads((folder / "tabel.json").read_bytes())
    axes = [[_about(zip(one["variables"], label, strict=False)) for label in one["values"]] for one in told["axes"]]
    parents = [one["parents"] for one in told["axes"]]
    places = list(product(*map(range, map(len, axes))))
    about = {place: frozenset().union(*(axis[at] for axis, at in zip(axes, place, strict=True))) for place in places}
    counts = dict(zip((about[place] for place in places), told["counts"], strict=True))
    sums = []
    for place in places:
        for axis, above in enumerate(parents):
            below = [at for at, parent in enumerate(above) if parent == place[axis]]
            if below:
                parts = tuple(about[*place[:axis], at, *place[axis + 1 :]] for at in below)
                sums.append((about[place], parts))
    with (folder / "tabel.csv").open(encoding="utf-8-sig", newline="") as sheet:
        lines = list(csv.DictReader(sheet, delimiter=";"))
    column = "jumlah" if told["method"]["name"] == HIDING else "jumlah_berderau"
    assert [line[column] for line in lines] == ["" if one is None else str(one) for one in counts.values()]
    return Published(plan, counts, tuple(sums))


def _of_package(plan: Plan, file: Path) -> Published:
    """A tree: each line is the total of those that begin as it does and say one thing more. What is not known is empty,
    like what is summed over; of two lines that look alike the total comes first."""
    counts: dict[About, int | None] = {}
    parts: dict[About, list[About]] = {}
    with file.open(encoding="utf-8", newline="") as lines:
        for line in csv.DictReader(lines):
            told = [(name, line[name] or None) for name in plan.columns]
            least = (
                len(told)
                if line["jenis_baris"] == "sel"
                else max((at for at, one in enumerate(told, 1) if one[1]), default=0)
            )
            depth = next(at for at in range(least, len(told) + 1) if _about(told[:at]) not in counts)
            about = _about(told[:depth])
            counts[about] = None if line["ditutup"] == "true" else int(line[f"jumlah_{plan.unit.value}"])
            if depth:
                parts.setdefault(_about(told[: depth - 1]), []).append(about)
    return Published(plan, counts, tuple((whole, tuple(below)) for whole, below in parts.items()))


def _about(said: Iterable[tuple[str, Scalar | None]]) -> About:
    return frozenset((name, None if value is None else str(value).lower()) for name, value in said)


def cells(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> Counter[About]:
    """How many of these rows are in each cell of a table by these variables, its margins included."""
    chosen = [some for many in range(len(names) + 1) for some in combinations(names, many)]
    return Counter(_about((name, row[name]) for name in some) for row in rows for some in chosen)
