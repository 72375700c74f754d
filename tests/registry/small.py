"""A release of a few hundred people in three regencies, with everything that real data have: gaps, impossible numbers,
hostile names. Its rows are kept in memory too, so that the reference engine can say what should have been delivered.
"""

import hashlib
import random
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tests.factories_registry import STORAGE

from bagipakai.core.canonical import canonical
from bagipakai.core.envelope import Signer
from bagipakai.core.lifecycle import Deed, Event
from bagipakai.core.plan import Unit
from bagipakai.core.variables import Catalogue, Type, Variable
from bagipakai.registry import quality, tables
from bagipakai.registry.digest import ContentDigest
from bagipakai.registry.lineage import Lineage
from bagipakai.registry.regions import EDITION, SYSTEM, Region, regions
from bagipakai.registry.releases import (
    FORM,
    MANIFEST,
    OF_A_PROVINCE,
    ONE_BY_ONE,
    PLACES,
    QUALITY,
    SEAL,
    File,
    Regency,
    Release,
    sha256,
    shelf,
)
from bagipakai.registry.synthesis import sources
from bagipakai.registry.tallying import tallied, wanted
from bagipakai.registry.vault import KEY, Sealing, ShelfKey

DAY = date(2026, 11, 26)
CATALOGUE = Catalogue.on(DAY)
REGENCIES = ("3201", "3273", "5171")
JOINED = (("3201", "3273"), ("5171",))  # those that share a file
NAMES = ["Siti", "O'Brien", "=1+1", "-", 'Komang "Ayu"', "Budi\nSantoso", "é", "", " ", "+62", "@x", "'x", "a,b"]
NUMBERS = ["0000000000000000", "123", "32010145038000011", "320101٤503800001", "3201013513800001"]


VERSION = "2026.3.0"

Rows = dict[Unit, list[dict[str, Any]]]


def small_release(
    releases: Path,
    families: int = 120,
    seed: int = 1,
    seal: Signer | None = None,
    *,
    version: str = VERSION,
    rows: Rows | None = None,
    lineage: Lineage | None = None,
    form: str = FORM,
    persons: pa.Table | None = None,
) -> tuple[Release, Rows]:
    """A release of three regencies under `releases`, as the registry opens it, and its rows in release order; of an
    older `form`, too. Where there are many, `persons` are the persons instead, with all columns."""
    rows = rows or some_rows(families, seed)
    many: dict[Unit, Any] = {**rows, **({} if persons is None else {Unit.INDIVIDU: persons})}
    folder, key = releases / version, ShelfKey.new(version)
    together = tuple((kab,) for kab in REGENCIES) if form == ONE_BY_ONE else JOINED
    files = [_file(folder, key, unit, codes, many[unit], form) for unit in Unit for codes in together]
    (folder / KEY).write_bytes(key.wrapped(STORAGE))
    whole = shelf(folder, files, key)
    names = {unit: [whole.name(file.path) for file in files if file.unit == unit] for unit in Unit}
    report = canonical(quality.report(names, CATALOGUE, DAY, folder.parent, whole))
    (folder / QUALITY).write_bytes(report)
    lineage = lineage or sources.lineage(CATALOGUE, DAY)
    manifest = {
        **{name: told for name, told in lineage.to_json().items() if name != "variables"},
        "variables": [{"name": name, "lineage": lineage.of_variable(name)} for name in CATALOGUE],
        "form": form,
        "version": version,
        "published_at": "2026-10-01T00:00:00+00:00",
        "previous": None,
        "synthetic": True,
        "reference_day": DAY.isoformat(),
        "standard": CATALOGUE.standard,
        "catalogue": CATALOGUE.digest,
        "region_system": SYSTEM,
        "region_edition": EDITION,
        "most_members": max(row["member_count"] for row in rows[Unit.KELUARGA]),
        "rows": {unit.value: len(found) for unit, found in many.items()},
        "bytes": sum(file.bytes for file in files),
        "quality": hashlib.sha256(report).hexdigest(),
        "files": [_told(file, form) for file in sorted(files, key=lambda file: file.path)],
    }
    if form in (FORM, OF_A_PROVINCE):
        manifest["tallies"] = [one.to_json() for one in tallied(folder, files, key, CATALOGUE, wanted(CATALOGUE, DAY))]
    (folder / MANIFEST).write_bytes(canonical(manifest))
    if seal is not None:
        event = Event(Deed.PUBLISH, version, sha256(folder / MANIFEST), datetime(2026, 10, 1, tzinfo=UTC))
        (folder / SEAL).write_bytes(event.sealed(seal))
    return Release.open(releases, version), rows


def _file(
    folder: Path, key: ShelfKey, unit: Unit, codes: tuple[str, ...], rows: list[dict[str, Any]] | pa.Table, form: str
) -> File:
    schema, regencies = tables.schema(unit, CATALOGUE), []
    name = PLACES[form](unit, codes)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    with Sealing(folder / name, key.cipher(name.as_posix())) as sealing, tables.writer(sealing, schema) as out:
        for kab in codes:
            if isinstance(rows, pa.Table):
                batch = rows.filter(pc.equal(rows["kode_kab"], kab))
            else:
                batch = pa.RecordBatch.from_pylist([row for row in rows if row["kode_kab"] == kab], schema)
            out.write(batch)
            digest = ContentDigest(schema)
            digest.add(batch)
            regencies.append(Regency(kab, digest.rows, digest.hexdigest()))
    sealed = sealing.sealed
    return File(name.as_posix(), unit, sealed.bytes, sealed.sha256, sealed.blocks, tuple(regencies))


def _told(file: File, form: str) -> dict[str, Any]:
    told = file.to_json()
    return {**told, **told.pop("regencies")[0]} if form == ONE_BY_ONE else told


def some_rows(families: int, seed: int) -> Rows:
    dice = random.Random(seed)
    rows: Rows = {Unit.INDIVIDU: [], Unit.KELUARGA: []}
    for number, desa in enumerate(sorted((_village(dice) for _ in range(families)), key=lambda desa: desa.code)):
        place = {
            "kode_prov": desa.code[:2],
            "kode_kab": desa.code[:4],
            "kode_kec": desa.code[:6],
            "kode_desa": desa.code,
        }
        place |= {name: regions()[code].name for name, code in zip(_PLACES, place.values(), strict=True)}
        first, count = len(rows[Unit.INDIVIDU]), dice.randint(1, 5)
        card = _number(dice, desa.code[:6])
        family = {
            **place,
            "nomor_kk": card,
            "id_keluarga": number,
            "first_ordinal": first,
            "member_count": count,
            "lineage": 0,
        }
        rows[Unit.KELUARGA].append(_filled(dice, Unit.KELUARGA, family))
        shared = {name: rows[Unit.KELUARGA][-1].get(name) for name in ("desil", "persentil", "peringkat")}
        for at in range(count):
            nik = _number(dice, desa.code[:6])
            whole = nik is not None and nik.isascii() and len(nik) == 16
            person = {**place, **shared, "nomor_kk": card, "nik": nik, "nik_number": int(nik) if whole else None}
            person |= {"id_keluarga": number, "person_ordinal": first + at, "lineage": 0}
            rows[Unit.INDIVIDU].append(_filled(dice, Unit.INDIVIDU, person))
    return rows


_PLACES = ("nama_prov", "nama_kab", "nama_kec", "nama_desa")


def _village(dice: random.Random) -> Region:
    district = dice.choice(regions().children(dice.choice(REGENCIES)))
    return dice.choice(regions().children(district.code))


def _number(dice: random.Random, area: str) -> str | None:
    if dice.random() < 0.1:
        return dice.choice([None, *NUMBERS])
    return (
        f"{area}{dice.randint(1, 28):02d}{dice.randint(1, 12):02d}{dice.randint(0, 99):02d}{dice.randint(1, 9999):04d}"
    )


def _filled(dice: random.Random, unit: Unit, known: dict[str, Any]) -> dict[str, Any]:
    return {
        **{variable.name: _value(dice, variable) for variable in CATALOGUE.of_unit(unit) if variable.name not in known},
        **known,
    }


def _value(dice: random.Random, variable: Variable) -> Any:
    if not variable.required and dice.random() < 0.2:
        return None
    match variable.type:
        case Type.INTEGER:
            low = 0 if variable.low is None else variable.low
            return dice.randint(low, min(low + 10, variable.high if variable.high is not None else low + 10))
        case Type.BOOLEAN:
            return dice.random() < 0.5
        case Type.DATE:
            return date(dice.randint(1890, 2025), dice.randint(1, 12), dice.randint(1, 28))
    return dice.choice(list(variable.codes)) if variable.codes else dice.choice(NAMES)
