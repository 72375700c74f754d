"""Persons on hold: sealed events that are only ever added, and for each release the ordinals that they name.

    registry/holds/000001.dsse.json …               what was done: a case added or lifted, one file each
    registry/holds/2026.3.0/HOLD.individu.roar …    whom it means in that release, for the events up to `state`

An event holds NIKs as one ciphertext under a key derived from the first storage key (`key.json`, once that was
replaced), with a nonce of its own: neither a file
nor its digest, which every manifest repeats, can be tried against the ten thousand million NIKs there are. Each event
names the digest of the one before, so none can be taken out of the middle, and the house's seal is on each. Who is
meant is looked up once per release and state of the events; somebody whom a release does not have is counted, and
looked up again in the next. Nothing of this reaches the office but case numbers and counts (decision 0104).
"""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pyroaring import BitMap

from bagipakai.core.canonical import canonical
from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import BadSeal, PublicKey, Signer, seal, unseal
from bagipakai.core.holds import CASE, closing, kinds_on
from bagipakai.core.keyfiles import write_once
from bagipakai.core.plan import Level, Unit
from bagipakai.core.refusal import Refusal
from bagipakai.registry.engines import Absent
from bagipakai.registry.engines.duckdb import Engine
from bagipakai.registry.folders import in_the_making
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.releases import Release
from bagipakai.registry.vault import KEY, ShelfKey

KIND: Final = "application/vnd.bagipakai.hold-event+json;v=1"
STATE, FOUND = "state", "found"  # beside the bitmaps: the events that they are for, and how many of how many were found
NAME: Final = "holds"  # of their key, once it is wrapped
REASON: Final = 10  # letters that the reason of a lifting has at least
MEMORY = "400MB"
_NIK = re.compile(r"[0-9]{16}")


class Deed(StrEnum):
    ADD = "ADD"
    LIFT = "LIFT"


class Broken(Exception):
    """The events are not those that were written. Names the file."""


@dataclass(frozen=True, slots=True)
class Event:
    """What was done to one case. `persons` are counted in clear and named only in `sealed`."""

    deed: Deed
    case: str
    kind: str
    reason: str
    at: datetime
    persons: int
    sealed: str


@dataclass(frozen=True, slots=True)
class Case:
    """A case as its events leave it."""

    number: str
    kind: str
    reason: str
    persons: int
    since: datetime
    sealed: str
    lifted: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """How many of the persons on hold a release has, and how many it does not."""

    found: int
    missing: int


class Holds:
    """The holds under `folder`, or what they were when their state was `until`. Raises Broken where its events are not
    whole, or never had that state."""

    def __init__(
        self, folder: Path, storage: StorageKey, trusted: Sequence[PublicKey], until: str | None = None
    ) -> None:
        self.folder, self._storage, self.trusted, self._until = folder, storage, trusted, until

    @cached_property
    def _written(self) -> tuple[str, tuple[Event, ...]]:
        """The digest of the last event, empty where there is none, and all of them."""
        head, heads, events = "", [""], list[Event]()
        for number, file in enumerate(sorted(self.folder.glob("*.dsse.json")), start=1):
            envelope = file.read_bytes()
            value = _unsealed(envelope, self.trusted)
            if value is None or file.name != _name(number) or value.pop("previous", None) != head:
                raise Broken(file.name)
            events.append(_event(value, file.name))
            head = hashlib.sha256(envelope).hexdigest()
            heads.append(head)
        if self._until is None:
            return head, tuple(events)
        if self._until not in heads:
            raise Broken(self._until)
        return self._until, tuple(events[: heads.index(self._until)])

    @property
    def state(self) -> str:
        """The digest of the last event, and so of all of them; empty where there is none."""
        return self._written[0]

    @cached_property
    def cases(self) -> Mapping[str, Case]:
        """Every case there ever was, in the order in which they came."""
        cases: dict[str, Case] = {}
        for one in self._written[1]:
            if one.deed is Deed.ADD:
                cases[one.case] = Case(one.case, one.kind, one.reason, one.persons, one.at, one.sealed)
            else:
                cases[one.case] = replace(cases[one.case], lifted=one.at)
        return cases

    @property
    def standing(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases.values() if case.lifted is None)

    # what is done

    def add(self, number: str, kind: str, reason: str, niks: Iterable[str], at: datetime, by: Signer) -> Case | Refusal:
        """Puts the persons with these NIKs on hold. Raises OSError; FileExistsError when somebody else wrote first."""
        kinds, persons = kinds_on(day_of(at)), sorted(set(niks))
        if not CASE.fullmatch(number):
            return Refusal("hold-case-unreadable")
        if number in self.cases:
            return Refusal("hold-case-known", {"case": number})
        if kind not in kinds:
            return Refusal("hold-kind-unknown", {"known": ", ".join(kinds)})
        if reason not in kinds[kind].reasons:
            return Refusal("hold-reason-unknown", {"known": ", ".join(kinds[kind].reasons)})
        if not persons:
            return Refusal("hold-without-persons")
        if wrong := sum(not _NIK.fullmatch(nik) for nik in persons):
            return Refusal("hold-nik-malformed", {"lines": str(wrong)})
        self._write(Event(Deed.ADD, number, kind, reason, at, len(persons), self._seal(number, persons)), by)
        return self.cases[number]

    def lift(self, number: str, reason: str, at: datetime, by: Signer) -> Case | Refusal:
        """Ends a case. Raises as `add`."""
        case = self.cases.get(number)
        if case is None or case.lifted is not None:
            return Refusal("hold-case-not-standing", {"case": number if CASE.fullmatch(number) else "…"})
        if len(reason.strip()) < REASON:
            return Refusal("hold-lifted-without-reason", {"least": str(REASON)})
        self._write(Event(Deed.LIFT, number, case.kind, reason.strip(), at, case.persons, ""), by)
        return self.cases[number]

    def _write(self, event: Event, by: Signer) -> None:
        """The number of the event is the lock: of two who come at once, one is written."""
        head, events = self._written
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        value = {
            "deed": event.deed.value,
            "case": event.case,
            "kind": event.kind,
            "reason": event.reason,
            "at": event.at.astimezone(UTC).isoformat(timespec="seconds"),
            "persons": event.persons,
            "sealed": event.sealed,
            "previous": head,
        }
        draft = self.folder / f".{secrets.token_hex(8)}"
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as out:
                out.write(seal(KIND, value, by))
                out.flush()
                os.fsync(out.fileno())
            os.link(draft, self.folder / _name(len(events) + 1))
        finally:
            draft.unlink(missing_ok=True)
        for remembered in ("_written", "cases"):
            self.__dict__.pop(remembered, None)

    # whom it means

    def absent(self, release: Release, level: Level, unit: Unit, day: date, spill: Path) -> Absent:
        """Who is in no answer of this level about `unit` from `release`, by the rules of `day`. `spill`: a private
        folder. Raises Damaged, EngineError, OSError."""
        codes = closing({case.kind for case in self.standing}, level, unit, day)
        if not codes:
            return Absent()
        here = self._resolved(release, spill)
        together = BitMap.union(BitMap(), *(_read(here / f"{code}.{unit.value}.roar") for code in sorted(codes)))
        return Absent(together)

    def found(self, release: Release, spill: Path) -> Found:
        """How many `release` has. Raises as `absent`."""
        if not self.standing:
            return Found(0, 0)
        found, _, everybody = (self._resolved(release, spill) / FOUND).read_text().partition("/")
        return Found(int(found), int(everybody) - int(found))

    def _resolved(self, release: Release, spill: Path) -> Path:
        """The folder with the bitmaps for `release`, looked up anew if the events, or the release, are others."""
        earlier = "" if self._until is None else f".{self._until[:16]}"  # beside those of now, which others ask
        final = self.folder / f"{release.version}{earlier}"
        meant = f"{self.state} {release.digest}"
        if _told(final / STATE) != meant:
            if final.is_dir():  # of another state, or taken away by half
                shutil.rmtree(final)
            with in_the_making(final) as folder:  # half a bitmap, after a power cut, would let somebody go
                self._look_up(release, spill, folder)
                (folder / STATE).write_text(meant)
            final.chmod(0o700)
        return final

    def _look_up(self, release: Release, spill: Path, folder: Path) -> None:
        by_kind: dict[str, set[int]] = {}
        for case in self.standing:
            by_kind.setdefault(case.kind, set()).update(map(int, self._opened(case)))
        everybody = np.array(sorted(set().union(*by_kind.values())), np.int64)
        whose = ("person_ordinal", "id_keluarga")
        at, person, family = self._listed(release, Unit.INDIVIDU, spill, "nik_number", everybody, whose)
        families = np.unique(family)
        of, first = self._listed(release, Unit.KELUARGA, spill, "id_keluarga", families, ("first_ordinal",))
        for kind, niks in by_kind.items():
            meant = np.isin(everybody[at], list(niks))
            ordinals = {Unit.INDIVIDU: person[meant], Unit.KELUARGA: first[np.isin(families[of], family[meant])]}
            for unit, found in ordinals.items():
                (folder / f"{kind}.{unit.value}.roar").write_bytes(BitMap(found).serialize())
        (folder / FOUND).write_text(f"{len(np.unique(at))}/{len(everybody)}")

    def _listed(
        self, release: Release, unit: Unit, spill: Path, column: str, numbers: np.ndarray, keep: tuple[str, ...]
    ) -> list[np.ndarray]:
        """The place in `numbers` and the columns `keep` of the rows whose `column` is among them."""
        with release.reading(self._storage, unit) as shelf, Engine(spill, shelf=shelf, memory_limit=MEMORY) as engine:
            found = engine.listed(unit, column, pa.array(numbers), keep, shelf.parts)
        return [column.to_numpy() for column in found.columns]

    # NIKs

    def lay_key(self) -> None:
        """Wraps the key of the NIKs beside the events, which never change, so that it outlives the storage key from
        which it was derived (registry.rewrapping). Raises OSError."""
        if self._written[1]:
            write_once(self.folder / KEY, ShelfKey(self._derived(), NAME).wrapped(self._storage), 0o600)

    def _cipher(self) -> AESGCM:
        """Raises Damaged where a wrapped key lies there that the storage key does not open."""
        if (self.folder / KEY).exists():
            return ShelfKey.unwrapped(self.folder, NAME, self._storage).itself()
        return AESGCM(self._derived())

    def _derived(self) -> bytes:
        info = canonical({"scheme": "aes-256-gcm-holds/v1"})
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._storage.raw)

    def _seal(self, case: str, niks: Collection[str]) -> str:
        nonce = secrets.token_bytes(12)
        return (nonce + self._cipher().encrypt(nonce, "".join(niks).encode("ascii"), case.encode("ascii"))).hex()

    def _opened(self, case: Case) -> list[str]:
        """Raises Broken, naming the case, if the storage key is another."""
        sealed = bytes.fromhex(case.sealed)
        try:
            plain = self._cipher().decrypt(sealed[:12], sealed[12:], case.number.encode("ascii")).decode("ascii")
        except InvalidTag:
            raise Broken(case.number) from None
        return [plain[at : at + 16] for at in range(0, len(plain), 16)]


def _name(number: int) -> str:
    return f"{number:06d}.dsse.json"


def _told(file: Path) -> str:
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""


def _read(file: Path) -> BitMap:
    return BitMap.deserialize(file.read_bytes())


def _unsealed(envelope: bytes, trusted: Sequence[PublicKey]) -> dict[str, Any] | None:
    for key in trusted:
        try:
            return unseal(KIND, envelope, key)
        except BadSeal:
            continue
    return None


def _event(value: dict[str, Any], name: str) -> Event:
    try:
        value |= {"deed": Deed(value["deed"]), "at": datetime.fromisoformat(value["at"])}
        return Event(**value)
    except (KeyError, TypeError, ValueError):
        raise Broken(name) from None
