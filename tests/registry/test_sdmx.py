"""A table in SDMX-CSV says what the same table says in CSV, and its structure explains every code of it."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.orders import PLACED, a_house, a_plan, an_order
from tests.registry.small import CATALOGUE, small_release
from tests.registry.test_formats import Folder

from bagipakai.core.disclosure import Shown, Table
from bagipakai.core.manifest import Kind, ManifestError
from bagipakai.core.plan import Format
from bagipakai.registry import formats
from bagipakai.registry.deliver import deliver
from bagipakai.registry.engines import arrow_table, types_of
from bagipakai.registry.sdmx import Cube

NOW = PLACED + timedelta(hours=1)
MOMENT = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
ID = re.compile(r"[A-Za-z0-9_@$\-]+")  # IDType of SDMX 3.0


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return small_release(tmp_path_factory.mktemp("releases"))[0]


@pytest.fixture
def house(tmp_path):
    return a_house(tmp_path / "var")


def written(release, names, lines, tmp_path, unit="individu", **limits):
    """The cube of a drawn table, and its parts as text."""
    plan = a_plan("L1", unit, names, format=Format.SDMX_CSV)
    table = arrow_table(Table(names, unit, tuple(lines), 0, 0), types_of(CATALOGUE, unit))
    cube, folder = Cube(plan, release, CATALOGUE), Folder(tmp_path, **limits)
    formats.writer(Format.SDMX_CSV)(cube.observations(iter(table.to_batches(max_chunksize=2))), cube.schema, folder)
    assert sum(folder.rows) == len(lines)
    return cube, [part.decode() for part in folder.parts()]


def test_a_drawn_table_becomes_exactly_this_file(release, tmp_path):
    """Unknown regency, hidden cells, margins: no two of them look alike."""
    lines = [
        Shown((), 90),
        Shown(("3201",), 60),
        Shown(("3201", False), None),
        Shown(("3201", None), None),
        Shown((None,), 30),
        Shown((None, False), 18),
        Shown((None, None), 12),
    ]
    _, parts = written(release, ("kode_kab", "bekerja"), lines, tmp_path)
    start = '"datastructure","DTSEN:CACAH_INDIVIDU_KODE_KAB_BEKERJA(2026.3.0)","I"'
    day = release.reference_day.isoformat()
    assert parts == [
        "STRUCTURE,STRUCTURE_ID,ACTION,KODE_KAB,BEKERJA,TIME_PERIOD,OBS_VALUE,OBS_STATUS,CONF_STATUS,UNIT_MEASURE\n"
        f'{start},"_T","_T","{day}",90,"A",,"ORANG"\n'
        f'{start},"3201","_T","{day}",60,"A",,"ORANG"\n'
        f'{start},"3201","false","{day}",,"Q","C","ORANG"\n'
        f'{start},"3201","_U","{day}",,"Q","C","ORANG"\n'
        f'{start},"_U","_T","{day}",30,"A",,"ORANG"\n'
        f'{start},"_U","false","{day}",18,"A",,"ORANG"\n'
        f'{start},"_U","_U","{day}",12,"A",,"ORANG"\n'
    ]


values = st.lists(st.sampled_from([True, False]), unique=True, max_size=2).flatmap(
    lambda known: st.booleans().map(lambda unknown: sorted(known) + [None] * (unknown or not known))
)


@settings(max_examples=100, deadline=None)
@given(st.lists(values, min_size=1, max_size=4))
def test_every_line_of_every_tree_tells_its_own_depth(release, tmp_path_factory, axes):
    """`_T` stands exactly where a line sums, whatever is unknown on the way, and no two lines have the same key."""
    names = ("bekerja", "peserta_pbi", "sedang_hamil", "memiliki_rekening")[: len(axes)]

    def tree(key):
        yield key
        if len(key) < len(axes):
            for value in axes[len(key)]:
                yield from tree((*key, value))

    keys = list(tree(()))
    _, [text] = written(release, names, [Shown(key, 10) for key in keys], tmp_path_factory.getbasetemp())
    found = [tuple(row[name.upper()] for name in names) for row in csv.DictReader(io.StringIO(text))]
    spelled = {True: "true", False: "false", None: "_U"}
    assert found == [(*map(spelled.get, key), *["_T"] * (len(axes) - len(key))) for key in keys]
    assert len(set(found)) == len(found)


def test_a_long_table_is_cut_into_parts_that_each_name_their_columns(release, tmp_path):
    lines = [Shown((), 1), *(Shown((number,), number) for number in range(1, 101))]
    _, parts = written(release, ("persentil",), lines, tmp_path, limit=2000)
    assert len(parts) > 2 and max(map(len, parts)) <= 2000
    assert len({part.split("\n")[0] for part in parts}) == 1
    values = [row["OBS_VALUE"] for part in parts for row in csv.DictReader(io.StringIO(part))]
    assert values == [str(line.count) for line in lines]


def test_a_name_that_a_spreadsheet_would_run_is_guarded_under_its_official_name(release, tmp_path):
    plan = a_plan("L1", variables=("nama_kab",), format=Format.SDMX_CSV)
    table = arrow_table(
        Table(("nama_kab",), "individu", (Shown((), 9), Shown(("=1+1",), 9)), 0, 0), types_of(CATALOGUE, "individu")
    )
    cube, folder = Cube(plan, release, CATALOGUE), Folder(tmp_path)
    guarded = formats.writer(Format.SDMX_CSV)(cube.observations(iter(table.to_batches())), cube.schema, folder)
    assert guarded == {"nama_kab": 1}
    assert ',"\'=1+1",' in folder.parts()[0].decode()


DELIVERED = {
    "places and a number": ("individu", ("kode_prov", "jenis_kelamin")),
    "families": ("keluarga", ("kode_prov",)),
    "truths": ("individu", ("bekerja",)),
    "names": ("individu", ("nama_prov",)),
}


@pytest.mark.parametrize("what", DELIVERED)
def test_the_same_table_says_the_same_as_in_csv(what, release, house, tmp_path):
    """Made twice from one release, opened by the recipient's tool, read with another program than wrote it."""
    unit, names = DELIVERED[what]
    opened = {}
    for form in (Format.CSV, Format.SDMX_CSV):
        plan = a_plan("L1", unit, names, format=form)
        receipt = deliver(an_order(plan, f"O-{form.value}"), release, house.keys, house.places, clock=lambda: NOW)
        assert not receipt.refusal
        opened[form] = house.open(receipt.package, tmp_path / form.value)
    plain, sdmx = opened[Format.CSV], opened[Format.SDMX_CSV]
    assert plain.manifest.content_digest == sdmx.manifest.content_digest
    assert plain.manifest.columns == sdmx.manifest.columns and plain.manifest.rows == sdmx.manifest.rows
    kinds = [Kind.DATA, Kind.DICTIONARY, Kind.METADATA, Kind.STRUCTURE, Kind.REPORT]
    assert [part.kind for part in sdmx.manifest.parts] == kinds

    measure = f"jumlah_{unit}"
    with (plain.folder / "bagian-0001.csv").open(encoding="utf-8", newline="") as text:
        ours = list(csv.DictReader(text))
    with (sdmx.folder / "bagian-0001.csv").open(encoding="utf-8", newline="") as text:
        theirs = list(csv.DictReader(text))
    special = {"_T": "", "_U": ""}
    assert [
        {
            **{name: special.get(row[name.upper()], row[name.upper()]) for name in names},
            "jenis_baris": "jumlah" if row[names[-1].upper()] == "_T" else "sel",
            measure: row["OBS_VALUE"],
            "ditutup": str(row["OBS_STATUS"] == "Q").lower(),
        }
        for row in theirs
    ] == ours
    assert all((row["OBS_VALUE"] == "") is (row["OBS_STATUS"] == "Q") is (row["CONF_STATUS"] == "C") for row in theirs)
    explained(json.loads((sdmx.folder / "struktur.json").read_text(encoding="utf-8")), theirs)


def explained(message, lines) -> None:
    """The rules of SDMX 3.0 that a reader goes by: ids, references that resolve, every code in its list, and every
    line named by its dimensions alone."""
    data = message["data"]
    [structure], [concepts] = data["dataStructures"], data["conceptSchemes"]
    parts = structure["dataStructureComponents"]
    dimensions = [*parts["dimensionList"]["dimensions"], parts["dimensionList"]["timeDimension"]]
    components = [*dimensions, *parts["measureList"]["measures"], *parts["attributeList"]["attributes"]]
    assert list(lines[0]) == ["STRUCTURE", "STRUCTURE_ID", "ACTION", *(one["id"] for one in components)]
    told = {(line["STRUCTURE"], line["STRUCTURE_ID"], line["ACTION"]) for line in lines}
    assert told == {("datastructure", f"{structure['agencyID']}:{structure['id']}({structure['version']})", "I")}
    lists = {_urn("codelist.Codelist", one): one["codes"] for one in data["codelists"]}
    known = {f"{_urn('conceptscheme.Concept', concepts)}.{one['id']}" for one in concepts["concepts"]}
    codes = [code["id"] for one in lists.values() for code in one]
    assert all(map(ID.fullmatch, [structure["id"], *codes, *(one["id"] for one in components)]))
    for one in components:
        assert one["conceptIdentity"] in known
        if (found := one["localRepresentation"].get("enumeration")) is not None:
            listed = [code["id"] for code in lists[found]]
            assert len(set(listed)) == len(listed)
            assert {line[one["id"]] for line in lines} - {""} <= set(listed)
    keys = [tuple(line[one["id"]] for one in dimensions) for line in lines]
    assert len(set(keys)) == len(keys)


def _urn(kind, one):
    return f"urn:sdmx:org.sdmx.infomodel.{kind}={one['agencyID']}:{one['id']}({one['version']})"


def test_a_value_outside_its_list_is_added_to_the_list(release, tmp_path):
    """Invalid values are counted and delivered, not refused (decision 0014): a reader still finds them."""
    cube, _ = written(release, ("jenis_kelamin",), [Shown((), 30), Shown(("1",), 20), Shown(("9",), 10)], tmp_path)
    lists = {one["id"]: one["codes"] for one in json.loads(cube.structure(MOMENT))["data"]["codelists"]}
    found = {code["id"]: code["name"] for code in lists["CL_JENIS_KELAMIN"]}
    assert found == {
        "1": "Laki-laki",
        "2": "Perempuan",
        "_T": "Jumlah",
        "_U": "Tidak diketahui",
        "9": "9 (di luar daftar)",
    }


def test_places_are_those_of_the_releases_edition_all_of_them(release, tmp_path):
    cube, _ = written(release, ("kode_kab",), [Shown((), 30), Shown(("3201",), 30)], tmp_path)
    [places] = [one for one in json.loads(cube.structure(MOMENT))["data"]["codelists"] if one["id"] == "CL_KODE_KAB"]
    assert len(places["codes"]) == 514 + len(("_T", "_U"))
    assert places["description"] == release.region_edition


def test_a_package_without_its_structure_does_not_hold_together(release, house, tmp_path):
    plan = a_plan("L1", variables=("kode_prov",), format=Format.SDMX_CSV)
    receipt = deliver(an_order(plan), release, house.keys, house.places, clock=lambda: NOW)
    manifest = house.open(receipt.package, tmp_path / "hasil").manifest
    most = [part for part in manifest.parts if part.kind is not Kind.STRUCTURE]
    assert len(most) == len(manifest.parts) - 1
    with pytest.raises(ManifestError, match="part kind"):
        rest = tuple(replace(part, total=len(most), order=at) for at, part in enumerate(most, 1))
        replace(manifest, parts=rest).check()
    with pytest.raises(ManifestError, match="part kind"):
        replace(manifest, plan=replace(plan, format=Format.CSV)).check()


@pytest.mark.parametrize("level", ["L2", "L3", "L4"])
def test_rows_have_no_such_form(level, release, house):
    plan = a_plan(level, format=Format.SDMX_CSV)
    receipt = deliver(an_order(plan), release, house.keys, house.places, clock=lambda: NOW)
    assert receipt.refusal == "plan-format-for-tables-only"
    assert house.packages == []
