"""Orders as the office would place them, and a registry in a folder."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyrage
from tests.factories_registry import STORAGE
from tests.registry.small import CATALOGUE, DAY, EDITION

from bagipakai.core.disclosure import EXEMPTIBLE, Disclosure
from bagipakai.core.envelope import Signer
from bagipakai.core.exchange import Order
from bagipakai.core.keyfiles import write_once
from bagipakai.core.manifest import fingerprint
from bagipakai.core.plan import NATION, Area, Asked, Exempted, Format, Level, Plan, Protections, Recipient, Unit
from bagipakai.recipient.keys import Identity
from bagipakai.recipient.opening import Opened, opened
from bagipakai.registry import keys as registry_keys
from bagipakai.registry.places import Places

PLACED = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
OFFICE = Signer.new()
US = pyrage.x25519.Identity.generate()
THEM = pyrage.x25519.Identity.generate()
PSEUDONYMS = {Unit.INDIVIDU: ("nik", "nomor_kk"), Unit.KELUARGA: ("nomor_kk",)}
EXEMPTED = tuple(Exempted(rule, "uji coba dengan data buatan") for rule in EXEMPTIBLE)
PURPOSE = "BANSOS"
ROW_FORMATS = [form for form in Format if form is not Format.SDMX_CSV]


def recipient(
    identity: pyrage.x25519.Identity = US, institution: str = "dinsos-3201", competence: str = NATION
) -> Recipient:
    key = str(identity.to_public())
    return Recipient(institution, f"Lembaga {institution}", key, fingerprint(key), competence)


def a_plan(level: str = "L4", unit: str = "individu", variables: tuple[str, ...] = (), **changes: Any) -> Plan:
    """A plan that the office would approve; its rows, if without names, are exempted from every rule for rows, so that
    they can be compared with those of a small release."""
    level_, unit_ = Level(level), Unit(unit)
    usual = {
        Level.L1: ("kode_kab", "desil"),
        Level.L2: ("kode_kab", "desil"),
        Level.L3: ("kode_desa", "desil"),
        Level.L4: ("nomor_kk", "kode_desa", "desil")
        if unit_ is Unit.KELUARGA
        else ("nik", "nama", "kode_desa", "desil"),
    }
    counted = level_ is Level.L1
    plan = Plan(
        request="P-2026-0001",
        purpose=PURPOSE,
        programme="Program Sembako Daerah",
        legal_basis="UU 27/2022 Pasal 20 ayat (2) huruf e",
        level=level_,
        unit=unit_,
        release="2026.3.0",
        rolling=False,
        area=Area((), EDITION),
        population=None,
        variables=tuple(Asked(name, "diperlukan program") for name in variables or usual[level_]),
        protections=Protections(
            pseudonyms=PSEUDONYMS[unit_] if level_ in (Level.L2, Level.L3) else (),
            smallest_cell=Disclosure.on(DAY).smallest_persons if counted else 0,
            exempted=EXEMPTED if level_ in (Level.L2, Level.L3) else (),
        ),
        format=Format.CSV,
        channel="PORTAL",
        recipient=recipient(),
        onward_sharing=False,
        ends_on=date(2027, 6, 30),
    )
    return replace(plan, **changes)


def an_order(plan: Plan, order_id: str = "O-1", **changes: Any) -> Order:
    order = Order(order_id, plan, "2026.3.0", "d" * 64, "a" * 64, "f" * 64, PLACED)
    return replace(order, **changes)


@dataclass(frozen=True)
class House:
    """A registry's keys and folders under one `var`."""

    var: Path
    keys: registry_keys.Keys
    places: Places

    @property
    def packages(self) -> list[str]:
        return sorted(file.name for file in self.places.packages.iterdir())

    def left_behind(self) -> list[str]:
        """Whatever lies in the registry's folders that no package explains."""
        names = [file.name for file in self.places.workspaces.iterdir()]
        known = {f"{name}.roar" for name in self.packages}
        return names + [file.name for file in self.places.membership.iterdir() if file.name not in known]

    def open(self, package: str, folder: Path, identity: pyrage.x25519.Identity = US) -> Opened:
        """As the recipient would."""
        outcome = opened(self.places.packages / package, self.keys.seal.public, Identity(identity), folder, day=DAY)
        assert isinstance(outcome, Opened), outcome
        return outcome


def a_house(var: Path) -> House:
    folder = var / "keys"
    (folder / "registry").mkdir(parents=True, mode=0o700)
    write_once(folder / "registry" / "storage.key", STORAGE.raw, 0o600)  # the key of the releases that tests share
    registry_keys.establish(folder)
    (folder / "public" / "order.pub.pem").write_bytes(OFFICE.public.to_pem())
    return House(var, registry_keys.read(folder), Places.under(var))


def all_of(unit: Unit) -> tuple[str, ...]:
    return tuple(variable.name for variable in CATALOGUE.of_unit(unit))
