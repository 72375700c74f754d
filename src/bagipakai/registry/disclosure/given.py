"""Rows without names that left, as whoever received them has them: sealed, only ever added to, and looked at before the
same institution is given others of the same release (disclosure reference 4.6, `field_given`).

    registry/given/                                 `records`
    000001.parquet                                  what was told of whom, and of which classes values were left blank
                                                    or rows left out; sealed
    000001.dsse.json                                of which order, recipient, release and unit

No row is kept, and no count: what they told is known from the release. An output that was added and then never left is
looked at, too.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from bagipakai.core.base_categories import base_categories
from bagipakai.core.boxes import boxes
from bagipakai.core.envelope import PublicKey, Signer
from bagipakai.core.plan import Plan
from bagipakai.core.query import And, Predicate, Rows, chosen, from_json, to_json
from bagipakai.core.refusal import Refusal
from bagipakai.core.shapes import Form, is_digest, is_text
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.recoding import Bands, Clamped, Coarser, Groups
from bagipakai.registry.disclosure.records import Records
from bagipakai.registry.keys import StorageKey

KIND: Final = "application/vnd.bagipakai.given-rows+json;v=1"
NAME: Final = "given"  # of the key
_ABOUT: Final = b"about"  # in the sealed file


@dataclass(frozen=True)
class Given:
    """One package of rows. `told`: each variable and how it is told, None as it is. `where` and `area`: whose rows.
    `touched`: the classes, by the columns `keys`, of which values were left blank or rows left out, as in
    `rows.Protection`. `beside`: digests of what was held when that was decided, which is one key more."""

    order: str
    recipient: str
    release: str
    unit: str
    told: Mapping[str, Coarser | None]
    where: Predicate | None
    area: tuple[str, ...]
    keys: tuple[str, ...]
    touched: pa.Table
    beside: tuple[str, ...] = ()

    @cached_property
    def whose(self) -> Predicate | None:
        """The whole condition: inside the area, and `where` is true."""
        return chosen(Rows(self.unit, (), self.where, self.area))

    @property
    def table(self) -> pa.Table:
        """What is sealed."""
        about = {
            "told": {name: None if coarser is None else _about(coarser) for name, coarser in self.told.items()},
            "where": None if self.where is None else to_json(self.where),
            "area": list(self.area),
            "keys": list(self.keys),
            "beside": list(self.beside),
        }
        return self.touched.replace_schema_metadata({_ABOUT: json.dumps(about, sort_keys=True).encode()})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what was told, to whomever."""
        with pa.BufferOutputStream() as out:
            with pa.ipc.new_stream(out, self.table.schema) as stream:
                stream.write_table(self.table.combine_chunks())
            return hashlib.sha256(out.getvalue()).hexdigest()

    def is_asked_by(self, plan: Plan) -> bool:
        """Whether the plan asks for the same of the same people; how coarsely, `digest` tells."""
        return set(self.told) == set(plan.columns) and (self.where, self.area) == (plan.population, plan.area.codes)

    def may_meet(self, plan: Plan, catalogue: Catalogue) -> bool:
        """Whether somebody can be among these rows and those of the plan. Where that cannot be told, somebody can."""
        near = not self.area or not plan.area.codes
        if not near and not any(
            one.startswith(other) or other.startswith(one) for one in self.area for other in plan.area.codes
        ):
            return False
        both = tuple(one for one in (self.where, plan.population) if one is not None)
        known = [one for one in map(base_categories, catalogue.values()) if one is not None]
        found = boxes(And(both), known) if len(both) > 1 else None
        return found is None or isinstance(found, Refusal) or bool(found.boxes)


class Gifts:
    """The book under `folder`. Raises Damaged where it is not what was entered."""

    def __init__(self, folder: Path, storage: StorageKey, signer: Signer, trusted: Sequence[PublicKey] = ()) -> None:
        self._records = Records(folder, NAME, KIND, _RECORD, "given-rows-broken", storage, signer, trusted)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block in which nobody else adds anything."""
        with self._records.turn():
            yield

    def held(self, recipient: str, release: str, unit: str) -> tuple[Given, ...]:
        """What an institution has of a release, the oldest first; what tells the same twice, once."""
        found: dict[str, Given] = {}
        for number, told in self._records.all():
            if (told["recipient"], told["release"], told["unit"]) == (recipient, release, unit):
                found.setdefault(told["rows"], self._read(number, told))
        return tuple(found.values())

    def add(self, given: Given, at: datetime) -> None:
        """Within a turn. What stands already of this order is not added again. Raises OSError."""
        order = {name: getattr(given, name) for name in ("order", "recipient", "release", "unit")}
        says = {**order, "rows": given.digest}
        if not any(says.items() <= told.items() for _, told in self._records.all()):
            self._records.add({**says, "at": at.astimezone(UTC).isoformat(timespec="seconds")}, given.table)

    def _read(self, number: int, told: Mapping[str, Any]) -> Given:
        table = self._records.table(number, told)
        about = json.loads(table.schema.metadata[_ABOUT])
        return Given(
            told["order"],
            told["recipient"],
            told["release"],
            told["unit"],
            {name: None if coarser is None else _coarser(coarser) for name, coarser in about["told"].items()},
            None if about["where"] is None else from_json(about["where"]),
            tuple(about["area"]),
            tuple(about["keys"]),
            table.replace_schema_metadata(),
            tuple(about["beside"]),
        )


def _about(coarser: Coarser) -> dict[str, Any]:
    match coarser:
        case Clamped(bottom, top):
            return {"clamped": [bottom, top]}
        case Bands(starts):
            return {"bands": list(starts)}
        case Groups(pairs):
            return {"groups": [list(pair) for pair in pairs]}


def _coarser(about: Mapping[str, Any]) -> Coarser:
    if "clamped" in about:
        return Clamped(*about["clamped"])
    return Bands(tuple(about["bands"])) if "bands" in about else Groups(tuple((one, to) for one, to in about["groups"]))


_RECORD: Final[Form] = {
    "order": is_text,
    "recipient": is_text,
    "release": is_text,
    "unit": is_text,
    "at": is_text,
    "rows": is_digest,
}
