"""A release of a few households that a reader can keep in mind, and sets of rows told of them."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tests.factories_registry import STORAGE
from tests.registry.orders import House
from tests.registry.small import CATALOGUE, small_release

from bagipakai.core.envelope import Signer
from bagipakai.core.intake import IntakeReceipt
from bagipakai.core.plan import Unit
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Sources
from bagipakai.registry.building import writing
from bagipakai.registry.building.held import Held
from bagipakai.registry.building.job import DATA, LISTS, build
from bagipakai.registry.building.sets import Handed
from bagipakai.registry.digest import ContentDigest
from bagipakai.registry.intake import Taken, take
from bagipakai.registry.intake.checking import schema
from bagipakai.registry.intake.storing import FILE, LINE
from bagipakai.registry.kept import put_away
from bagipakai.registry.lineage import Lineage
from bagipakai.registry.matching import model, sources
from bagipakai.registry.matching.index import Index
from bagipakai.registry.matching.index import build as index
from bagipakai.registry.matching.job import Matching
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.receiving import Stores
from bagipakai.registry.regions import regions
from bagipakai.registry.releases import Release
from bagipakai.registry.tables import part
from bagipakai.registry.vault import ShelfKey

DAY = date(2026, 11, 26)  # of the release before
LATER = date(2027, 2, 26)
SENT = date(2027, 1, 15)
BOGOR, BANDUNG = "3201011004", "3273011001"  # villages
HEAD, SPOUSE, CHILD = "1", "2", "3"


def person(
    nama: str, born: date, sex: str = "1", relation: str = CHILD, serial: int = 1, area: str = "320101", **more: Any
) -> dict[str, Any]:
    """Somebody whose number is the one that belongs to date and sex."""
    day = born.day + (40 if sex == "2" else 0)
    nik = f"{area}{day:02d}{born.month:02d}{born.year % 100:02d}{serial:04d}"
    known = {
        "nik": nik,
        "nama": nama,
        "tanggal_lahir": born,
        "jenis_kelamin": sex,
        "hubungan_kepala_keluarga": relation,
    }
    return known | {"umur": DAY.year - born.year, "status_padan": "3"} | more


def household(card: str | None, *members: dict[str, Any], desa: str = BOGOR, **more: Any) -> dict[str, Any]:
    return {"nomor_kk": card, "kode_desa": desa, "members": list(members), **more}


def a_nation(folder: Path, *households: dict[str, Any], seal: Signer | None = None) -> "Nation":
    """The release of these households."""
    rows: dict[Unit, list[dict[str, Any]]] = {Unit.INDIVIDU: [], Unit.KELUARGA: []}
    for number, told in enumerate(sorted(households, key=lambda one: one["kode_desa"])):
        members = told["members"]
        family = {
            **_place(told["kode_desa"]),
            "sumber_data": "1",
            "tanggal_pemutakhiran": date(2026, 1, 1),
            "klasifikasi_wilayah": "1",
            "nama_kepala_keluarga": members[0]["nama"],
            "jumlah_anggota_keluarga": len(members),
            "id_keluarga": number,
            "first_ordinal": len(rows[Unit.INDIVIDU]),
            "member_count": len(members),
            "lineage": 0,
            **{name: value for name, value in told.items() if name != "members"},
        }
        rows[Unit.KELUARGA].append(family)
        shared = {one.name: family.get(one.name) for one in CATALOGUE.of_unit("individu") if "keluarga" in one.units}
        for one in members:
            nik = one.get("nik")
            own = {"person_ordinal": len(rows[Unit.INDIVIDU]), "id_keluarga": number, "lineage": 0}
            rows[Unit.INDIVIDU].append(shared | one | own | {"nik_number": int(nik) if nik else None})
    release, _ = small_release(folder / "releases", rows=rows, seal=seal)
    return Nation(folder, release)


def _place(desa: str) -> dict[str, str]:
    codes = {"prov": desa[:2], "kab": desa[:4], "kec": desa[:6], "desa": desa}
    names = {f"nama_{level}": regions()[code].name for level, code in codes.items()}
    return {f"kode_{level}": code for level, code in codes.items()} | names


@dataclass
class Nation:
    folder: Path
    release: Release
    _matching: Matching | None = field(default=None, repr=False)

    def matching(self) -> Matching:
        if self._matching is None:
            key, source = ShelfKey.new("index/test"), sources.source_of_release(self.release)
            index(sources.people_of_release(self.release, STORAGE), self.folder / "index", key, source)
            found = Index.open(self.folder / "index", key, source)
            self._matching = Matching(found, model.opened(model.SHIPPED), Decision.on(LATER))
        return self._matching

    def told(self, *handed: Handed, out: str = "out", day: date = LATER) -> "Built":
        """What is built of these sets."""
        report = build(self.release, handed, self.matching(), STORAGE, day, self.folder / out)
        assert not isinstance(report, Refusal), report
        return Built(self.folder / out, report)


@dataclass
class Built:
    folder: Path
    report: dict[str, Any]

    def published(self, folder: Path, seal: Signer | None = None) -> "Nation":
        """As the release from which the next one is built."""
        rows = {unit: self.rows(unit.value) for unit in Unit}
        lineage = Lineage.from_json(self.dataset()["lineage"], CATALOGUE)
        release, _ = small_release(folder / "releases", version="2027.1.0", rows=rows, lineage=lineage, seal=seal)
        return Nation(folder, release)

    def dataset(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / DATA / "dataset.json").read_bytes())
        return found

    def rows(self, unit: str) -> list[dict[str, Any]]:
        data = self.folder / DATA
        tables = [pq.read_table(data / part(unit, kab), partitioning=None) for kab in writing.everywhere()]
        return pa.concat_tables(tables).to_pylist()

    def persons(self) -> dict[str, dict[str, Any]]:
        """By name."""
        found = self.rows("individu")
        assert len({one["nama"] for one in found}) == len(found)
        return {one["nama"]: one for one in found}

    def families(self) -> list[dict[str, Any]]:
        """With the names of their members."""
        names: dict[int, list[str]] = {}
        for one in self.rows("individu"):
            names.setdefault(one["id_keluarga"], []).append(one["nama"])
        return [one | {"members": names[one["id_keluarga"]]} for one in self.rows("keluarga")]

    def origin(self, row: dict[str, Any], name: str) -> tuple[str, str, date]:
        """Where a value of a person or a household comes from."""
        unit = Unit.INDIVIDU if "person_ordinal" in row else Unit.KELUARGA
        if unit is Unit.INDIVIDU and Unit.KELUARGA in CATALOGUE[name].units:
            return self.origin(self.rows("keluarga")[row["id_keluarga"]], name)
        lineage = Lineage.from_json(self.dataset()["lineage"], CATALOGUE)
        found = lineage.of_row(unit, row["lineage"], [name])[name]
        return found.source, found.set, found.day

    def held(self, kind: str, source: str = "dukcapil") -> list[dict[str, Any]]:
        lists = Held.open(self.folder / LISTS, STORAGE)
        if (kind, source) not in lists.lists:
            return []
        return pa.concat_tables(lists.rows(kind, source)).to_pylist()


def handed(source: str, *rows: dict[str, Any], name: str = "7", day: date = SENT) -> Handed:
    """A set of these rows, as it is kept after intake."""
    contract = Sources.on(day)[source]
    columns = schema(contract)
    whole = pa.Table.from_pylist([{name: row.get(name) for name in columns.names} for row in rows], columns)
    digest = ContentDigest(columns)
    digest.add(whole)
    stored = whole.append_column(FILE, pa.array([1] * len(rows), pa.int32()))
    stored = stored.append_column(LINE, pa.array(range(1, len(rows) + 1), pa.int64()))
    file = io.BytesIO()
    pq.write_table(stored, file)

    def opened() -> Iterator[Any]:
        yield io.BytesIO(file.getvalue())

    return Handed(contract, name, day, len(rows), digest.hexdigest(), opened)


def kept(house: House, source: str, *rows: dict[str, Any], version: int = 1, day: date = SENT) -> Path:
    """The folder in which a set of these rows is kept, sealed, as the worker leaves it."""
    contract, folder = Sources.on(day)[source], house.var / "taken"
    names = contract.names
    lines = [",".join(names), *(",".join(str(row.get(name) or "") for name in names) for row in rows)]
    (house.var / f"{source}.csv").write_text("\n".join(lines) + "\n")
    taken = take([house.var / f"{source}.csv"], contract, folder, day=day)
    assert isinstance(taken, Taken), taken
    receipt = IntakeReceipt(
        "KRM-1", source, version, f"{contract.version}@{contract.digest}", received=taken.received,
        accepted=taken.accepted, kept=taken.content,
    )  # fmt: skip
    sent = datetime(day.year, day.month, day.day, 3, tzinfo=UTC)
    put_away(folder, receipt, sent, house.keys.receipt, STORAGE)
    final = Stores.under(house.var).kept / source / str(version)
    final.parent.mkdir(exist_ok=True)
    return folder.rename(final)


def said(one: dict[str, Any], card: str | None = None, desa: str = BOGOR, **more: Any) -> dict[str, Any]:
    """A row about somebody, in whatever columns a contract wants."""
    return one | _place(desa) | {"nomor_kk": card} | more
