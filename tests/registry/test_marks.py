"""Copies without names are marked where policy says so, nowhere else; and a sample of their rows, with neither names
nor numbers nor pseudonyms, names its recipient."""

import csv
import io
import json
import random
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType

import numpy as np
import pyarrow as pa
import pytest
from tests.registry.orders import PLACED, PURPOSE, THEM, US, a_house, a_plan, an_order, recipient
from tests.registry.small import CATALOGUE, REGENCIES, small_release

from bagipakai.cli import main
from bagipakai.core.disclosure import EXEMPTIBLE
from bagipakai.core.exchange import Step
from bagipakai.core.keyfiles import write_once
from bagipakai.core.manifest import Manifest, ManifestError
from bagipakai.core.marking import marking
from bagipakai.core.marks import SCHEME, Marking
from bagipakai.core.plan import Area, Exempted, Protections, Unit
from bagipakai.core.policy import policies_dir
from bagipakai.core.query import Column, Compare, Const, Op
from bagipakai.registry import keys, tables
from bagipakai.registry import trace as tracing
from bagipakai.registry.deliver import deliver
from bagipakai.registry.keys import MasterKey
from bagipakai.registry.package import package_id
from bagipakai.registry.regions import EDITION, regions
from bagipakai.registry.suspects import CERTAIN
from bagipakai.registry.trace import trace

NOW = PLACED + timedelta(hours=1)
MANY = 150_000
COLUMNS = ("kode_desa", "umur", "jenis_kelamin", "lapangan_usaha", "kedudukan_pekerjaan", "jam_kerja")
THRESHOLDS = (1, 15, 35, 41, 49, 99)
FREE = Protections(exempted=tuple(Exempted(rule, "seluruh wilayah, untuk uji") for rule in EXEMPTIBLE))


def people(count, seed=1):
    """So many at work, with what tells a person of a planner's rows; all else is unknown."""
    dice = np.random.default_rng(seed)
    villages = [
        desa.code for kab in REGENCIES for kec in regions().children(kab) for desa in regions().children(kec.code)
    ]
    where = np.sort(dice.integers(0, len(villages), count))
    codes = np.array(villages)[where]
    hours = pa.array(dice.integers(1, 99, count), mask=dice.random(count) < 0.05)
    known = {
        **{name: [code[:digits] for code in codes] for name, digits in PLACES.items()},
        **{f"nama{name[4:]}": [name] * count for name in PLACES},
        "umur": pa.array(dice.integers(15, 80, count), mask=dice.random(count) < 0.05),
        "jenis_kelamin": dice.choice(["1", "2"], count),
        "lapangan_usaha": dice.choice(list(CATALOGUE["lapangan_usaha"].codes), count),
        "kedudukan_pekerjaan": dice.choice(list(CATALOGUE["kedudukan_pekerjaan"].codes), count),
        "jam_kerja": hours,
        "desil": dice.integers(1, 11, count),
        "nik": [f"{code[:6]}{at:010d}" for at, code in enumerate(codes)],
        **{name: [value] * count for name, value in ALIKE.items()},
        "person_ordinal": np.arange(count),
        "id_keluarga": np.arange(count),
        "lineage": np.zeros(count, np.int64),
    }
    schema = tables.schema(Unit.INDIVIDU, CATALOGUE)
    return pa.table(
        [pa.array(known[f.name]).cast(f.type) if f.name in known else pa.nulls(count, f.type) for f in schema],
        schema=schema,
    )


ALIKE = {
    "nama": "Siti",
    "sumber_data": next(iter(CATALOGUE["sumber_data"].codes)),
    "tanggal_pemutakhiran": date(2026, 1, 1),
    "hubungan_kepala_keluarga": "1",
    "status_padan": next(iter(CATALOGUE["status_padan"].codes)),
}
PLACES = {"kode_prov": 2, "kode_kab": 4, "kode_kec": 6, "kode_desa": 10}


def a_registry(folder, count):
    persons = people(count)
    release, _ = small_release(folder / "releases", 3, persons=persons)
    house = a_house(folder / "var")
    master = house.var / "keys" / "registry" / MasterKey.file
    master.unlink()
    write_once(master, b"m" * 32, 0o600)  # the same marks in each run
    return release, persons, replace(house, keys=keys.read(house.var / "keys"))


@pytest.fixture(scope="module")
def nation(tmp_path_factory):
    return a_registry(tmp_path_factory.mktemp("nation"), MANY)


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    return a_registry(tmp_path_factory.mktemp("few"), 2_000)


def planned(level="L3", variables=COLUMNS, grains=MappingProxyType({}), **changes):
    usual = {"purpose": "PERENCANAAN", "protections": FREE if level in ("L2", "L3") else Protections()}
    plan = a_plan(level, variables=variables, **(usual | changes))
    return replace(plan, variables=tuple(replace(one, grain=grains.get(one.name, "")) for one in plan.variables))


def delivered(registry, plan, folder, order_id="O-1", identity=US):
    """The manifest, the rows, the dictionary and the metadata, as the recipient opens them."""
    release, _, house = registry
    receipt = deliver(an_order(plan, order_id), release, house.keys, house.places, clock=lambda: NOW)
    assert not receipt.refusal, (receipt.refusal, receipt.detail)
    opened = house.open(receipt.package, folder / receipt.package, identity)
    with (opened.folder / "bagian-0001.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    with (opened.folder / "kamus.csv").open(encoding="utf-8", newline="") as text:
        words = {line["kolom"]: line for line in csv.DictReader(text)}
    return opened.manifest, rows, words, json.loads((opened.folder / "metadata.json").read_text("utf-8"))


def released(registry, columns=COLUMNS):
    """What the release says of these columns, as a file would."""
    rows = registry[1].select(columns).to_pylist()
    return [{name: "" if row[name] is None else str(row[name]) for name in columns} for row in rows]


def within(rows):
    """How often each row is there, hours of work up to their interval."""
    return Counter(tuple({**row, "jam_kerja": row["jam_kerja"] and int(row["jam_kerja"]) // 2}.items()) for row in rows)


def exactly(rows):
    return Counter(tuple(row.items()) for row in rows)


def hours(rows):
    return [int(row["jam_kerja"]) for row in rows if row["jam_kerja"]]


# What is marked


@pytest.mark.parametrize("level", ["L2", "L3"])
def test_marked_values_stay_in_their_interval_and_on_their_side_of_each_threshold(few, level, tmp_path):
    columns = COLUMNS if level == "L3" else ("kode_kab", *COLUMNS[1:])
    manifest, rows, *_ = delivered(few, planned(level, columns), tmp_path, f"O-{level}")
    true = released(few, columns)
    assert within(rows) == within(true), "an interval was left, a blank was filled, or something else was changed"
    assert (exactly(rows) - exactly(true)).total() > 500
    for threshold in THRESHOLDS:
        assert sum(hour < threshold for hour in hours(rows)) == sum(hour < threshold for hour in hours(true))
    assert manifest.marks == Marking({"jam_kerja": 2}, 1, {"jam_kerja": THRESHOLDS})


def test_the_recipient_is_told(few, tmp_path):
    """In the dictionary, in the metadata, in the manifest and in its evidence."""
    manifest, _, words, about = delivered(few, planned(), tmp_path, "O-told")
    (note,) = about["perbedaan"].values()
    assert about["perbedaan"] == {"jam_kerja": note} and note.startswith("nilai diberikan dalam selang selebar 2,")
    assert "34 dan 35" in note and "ditandai" in note
    assert [name for name, line in words.items() if note in line["definisi"]] == ["jam_kerja"]
    assert manifest.to_json()["marks"]["columns"] == {"jam_kerja": {"width": 2, "thresholds": list(THRESHOLDS)}}
    evidence = next(done.evidence for done in manifest.processing if done.step is Step.ACCESS_SECURING)
    assert (evidence["marks"], evidence["marked_columns"]) == (SCHEME, "jam_kerja")


def test_the_recipients_tool_tells_it_too(few, tmp_path, capsys):
    told = {}
    for order_id, purpose in (("O-tool", "PERENCANAAN"), ("O-plain", PURPOSE)):
        manifest, *_ = delivered(few, planned(purpose=purpose), tmp_path / order_id, order_id)
        house = few[2]
        seal = house.var / "keys" / "public" / "seal.pub.pem"
        command = ["recipient", "verify", str(house.places.packages / manifest.package), "--seal", str(seal)]
        assert main([*command, "--tanpa-jejak"]) == 0
        told[purpose] = capsys.readouterr().out
        assert main([*command, "--tanpa-jejak", "--json"]) == 0
        told[purpose, "json"] = json.loads(capsys.readouterr().out)["marked"]
    assert "Ditandai    : jam_kerja (dalam selang 2)" in told["PERENCANAAN"]
    assert "Ditandai" not in told[PURPOSE]
    assert (told["PERENCANAAN", "json"], told[PURPOSE, "json"]) == ({"jam_kerja": 2}, {})


ASKED = Compare(Op.AT_LEAST, Column("jam_kerja"), Const(0))


@pytest.mark.parametrize(
    "plan",
    [
        planned("L4", (*COLUMNS, "nik"), purpose=PURPOSE),
        planned("L3", purpose=PURPOSE),
        planned("L3", population=ASKED),
        planned("L3", COLUMNS[:-1]),
    ],
    ids=["by name and address", "for a purpose that may decide by it", "asked by the filter", "without the column"],
)
def test_nothing_else_is_marked(few, plan, tmp_path):
    manifest, rows, words, about = delivered(few, plan, tmp_path, f"O-not-{plan.digest[:6]}")
    true = [row for row in released(few, plan.columns) if plan.population is None or row["jam_kerja"]]
    assert exactly(rows) == exactly(true)
    assert manifest.marks is None and "marks" not in manifest.to_json()
    assert "perbedaan" not in about and not any("ditandai" in line["definisi"] for line in words.values())
    evidence = next(done.evidence for done in manifest.processing if done.step is Step.ACCESS_SECURING)
    assert not {"marks", "marked_columns"} & set(evidence)


def test_one_order_has_one_copy_and_two_orders_have_two(few, tmp_path):
    """Marked alike however often it is made anew; otherwise two copies of one order would average the marks away."""
    first, rows, *_ = delivered(few, planned(), tmp_path / "1", "O-again")
    shutil.rmtree(few[2].places.packages / package_id("O-again"))
    again, *_ = delivered(few, planned(), tmp_path / "2", "O-again")
    assert first.content_digest == again.content_digest
    _, others, *_ = delivered(few, planned(), tmp_path / "3", "O-other")
    assert exactly(rows) != exactly(others) and within(rows) == within(others)


@pytest.mark.parametrize(
    "marks",
    [
        {"scheme": "lain", "every": 1, "columns": {"jam_kerja": {"width": 2, "thresholds": []}}},
        {"scheme": SCHEME, "every": 1, "columns": {"jam_kerja": {"width": 3, "thresholds": []}}},
        {"scheme": SCHEME, "every": 1, "columns": {"kode_desa": {"width": 2, "thresholds": []}}},
        {"scheme": SCHEME, "every": 1, "columns": {}},
        {"scheme": SCHEME, "every": True, "columns": {"jam_kerja": {"width": 2, "thresholds": []}}},
        None,
    ],
)
def test_a_manifest_does_not_say_what_cannot_be(few, tmp_path, marks):
    manifest, *_ = delivered(few, planned(), tmp_path, "O-said")
    said = manifest.to_json()
    assert Manifest.from_json(said) == manifest
    with pytest.raises(ManifestError):
        Manifest.from_json({**said, "marks": marks})


def test_a_list_by_name_and_address_cannot_say_that_it_is_marked(few, tmp_path):
    manifest, *_ = delivered(few, planned("L4", (*COLUMNS, "nik"), purpose=PURPOSE), tmp_path, "O-names")
    with pytest.raises(ManifestError):
        Manifest.from_json({**manifest.to_json(), "marks": Marking({"jam_kerja": 2}, 1).to_json()})


# Who is named


@pytest.fixture(scope="module")
def copies(nation, tmp_path_factory):
    """Each recipient's package and rows: three of the same rows, two of a part of them, one of these with ages of which
    only the five years are told."""
    folder = tmp_path_factory.mktemp("copies")

    def rows(order_id, identity, institution, **changes):
        plan = planned(recipient=recipient(identity, institution), **changes)
        manifest, found, *_ = delivered(nation, plan, folder / order_id, order_id, identity)
        return manifest.package, found

    return {
        "dinas": rows("O-1", US, "bappeda-32"),
        "kementerian": rows("O-2", THEM, "bappenas"),
        "lembaga": rows("O-3", THEM, "lembaga"),
        "kabupaten": rows("O-4", US, "bappeda-3201", area=Area(("3201",), EDITION)),
        "coarse": rows("O-5", US, "bappeda-3201", area=Area(("3201",), EDITION), grains={"umur": "5-TAHUN"}),
    }


def as_csv(rows, columns=COLUMNS, delimiter=","):
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, delimiter=delimiter, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def found(sample, nation):
    release, _, house = nation
    return trace(sample, house.places, release.folder.parent, house.keys)


def named(sample, nation):
    suspects = found(sample, nation)
    assert {one.by for one in suspects} <= {"tanda"}
    return {one.package for one in suspects if one.certain}


def drawn(rows, count, seed=1):
    return random.Random(seed).sample(rows, count)


def flipped(rows, share, seed=2):
    """With so many of the marks changed for the other digit."""
    dice = random.Random(seed)
    return [
        {
            **row,
            "jam_kerja": str(int(row["jam_kerja"]) ^ 1)
            if row["jam_kerja"] and dice.random() < share
            else row["jam_kerja"],
        }
        for row in rows
    ]


def test_one_row_in_a_hundred_with_a_third_of_the_marks_flipped_names_the_recipient(copies, nation):
    """Sorted by hours, by a spreadsheet of this country."""
    package, rows = copies["kementerian"]
    sample = sorted(flipped(drawn(rows, MANY // 100), 0.3), key=lambda row: row["jam_kerja"])
    suspects = found(as_csv(sample, delimiter=";"), nation)
    first = suspects[0]
    assert (first.package, first.recipient, first.by) == (package, "Lembaga bappenas", "tanda")
    assert first.certain and first.bound <= CERTAIN and first.log10_ratio > 6
    assert 0.6 < first.rows / first.compared < 0.8 and first.compared > 0.75 * len(sample)
    assert not any(one.certain for one in suspects[1:])


def test_two_who_put_their_copies_together_are_both_named(copies, nation):
    (one, ours), (other, theirs) = copies["dinas"], copies["lembaga"]
    mixed = drawn(ours, MANY // 200) + drawn(theirs, MANY // 200, 3)
    assert named(as_csv(mixed), nation) == {one, other}


def test_a_package_of_one_regency_is_named_among_those_of_all(copies, nation):
    package, rows = copies["kabupaten"]
    assert named(as_csv(drawn(rows, 1_500)), nation) == {package}


def test_rows_are_looked_for_in_the_area_of_each_package_alone(copies, nation, monkeypatch):
    """Its files hold neighbours, too, and what fits two persons is nobody's."""
    release, _, _ = nation
    whole, seen = tracing.recognised, set()

    def counted(engine, *rest):
        seen.update(*engine.sql("SELECT count(*) FROM known").fetchall())
        return whole(engine, *rest)

    monkeypatch.setattr(tracing, "recognised", counted)
    found(as_csv(drawn(copies["kabupaten"][1], 50)), nation)
    sizes = {kab: len(rows) for kab, rows in release.regencies(Unit.INDIVIDU)}
    assert seen == {release.person_count, sizes["3201"]}


def test_nobody_is_named_for_what_the_release_says(copies, nation):
    """Rows without marks, as from the house itself or from a list by name: many of them, again and again."""
    true = released(nation)
    for seed in range(3):
        assert named(as_csv(drawn(true, 5_000, seed)), nation) == set()


def test_rows_changed_by_more_than_a_mark_are_nobodys(copies, nation):
    package, rows = copies["dinas"]
    older = [{**row, "umur": str(int(row["umur"] or 0) + 100)} for row in drawn(rows, 500)]
    wrong = [{**row, "umur": "tua"} for row in rows if not row["umur"]]
    assert found(as_csv(older + wrong), nation) == []
    assert named(as_csv(older + wrong + drawn(rows, 1_500, 7)), nation) == {package}


def test_what_was_told_more_coarsely_is_not_compared(copies, nation):
    package, rows = copies["coarse"]
    fives = [{**row, "umur": row["umur"] and str(int(row["umur"]) // 5 * 5)} for row in drawn(rows, 1_500)]
    first = found(as_csv(fives), nation)[0]
    assert (first.package, first.certain) == (package, True) and first.compared > 0.7 * len(fives)


def test_rows_that_were_protected_are_traced_too(nation, tmp_path):
    """Some values left blank, ages told as stages of life: the rows that are as the release has them are enough."""
    only_alike = Protections(exempted=tuple(one for one in FREE.exempted if one.rule != "rows-alike"))
    plan = planned(grains={"umur": "TAHAP-HIDUP"}, protections=only_alike, recipient=recipient(US, "bappeda-51"))
    manifest, rows, *_ = delivered(nation, plan, tmp_path, "O-protected")
    evidence = next(done.evidence for done in manifest.processing if done.step is Step.ACCESS_SECURING)
    assert evidence["values_left_blank"] >= 10 and manifest.marks is not None
    assert {row["umur"] for row in rows} <= {"", "0", "20", "60"}
    suspects = found(as_csv(flipped(drawn(rows, MANY // 100), 0.3)), nation)
    assert {one.package for one in suspects if one.certain} == {manifest.package}
    shutil.rmtree(nation[2].places.packages / manifest.package)


def test_the_bound_is_that_of_all_who_are_compared(copies, nation, tmp_path):
    """Also of those whose rows are looked for elsewhere: otherwise many small packages would each be accused alone."""
    release, persons, house = nation
    package, rows = copies["kabupaten"]
    sample = as_csv(drawn(rows, 300))
    shutil.copytree(house.places.packages / package, tmp_path / package)
    alone = (release, persons, replace(house, places=replace(house.places, packages=tmp_path)))
    (of_all,) = (one for one in found(sample, nation) if one.package == package)
    (of_one,) = found(sample, alone)
    assert of_all.bound / of_one.bound == pytest.approx(len(copies))


def test_the_command_names_the_copy_and_says_how_sure_it_is(copies, nation, monkeypatch, tmp_path, capsys):
    release, _, house = nation
    package, rows = copies["lembaga"]
    monkeypatch.setenv("BAGIPAKAI_VAR", str(house.var))
    file = tmp_path / "temuan.csv"
    file.write_bytes(as_csv(drawn(rows, 1_000)))
    command = ["registry", "trace", str(file), "--releases", str(release.folder.parent)]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert told.startswith(package) and "nilai bertanda cocok menurut tanda" in told and "menuduh keliru" in told
    file.write_bytes(as_csv(drawn(released(nation), 1_000)))
    assert main(command) == 1
    assert main([*command, "--json"]) == 1


LAND = """
[[decides_nothing]]
variable = "luas_lahan_pertanian"
purposes = ["PERENCANAAN"]
thresholds = [5]
reason = "untuk uji"
from = 2026-01-01
basis = "belum ada"

[[marks]]
level = "L2"
every = 1
columns = { luas_lahan_pertanian = 10 }
from = 2026-01-01
basis = "belum ada"
"""


def test_families_are_traced_where_the_policy_marks_them(tmp_path, monkeypatch):
    """By the first of their members, who tells them in every copy."""
    without_marks(tmp_path / "policies", monkeypatch, LAND)
    release, rows = small_release(tmp_path / "releases", 900)
    house = a_house(tmp_path / "var")
    columns = ("kode_kec", "luas_lantai", "jenis_lantai", "ternak_babi", "sumber_air_minum", "luas_lahan_pertanian")
    copies = {}
    for order_id, institution in (("O-1", "bappeda-32"), ("O-2", "bappenas")):
        plan = planned("L2", columns, unit="keluarga", recipient=recipient(US, institution))
        manifest, copies[institution], *_ = delivered((release, None, house), plan, tmp_path / order_id, order_id)
        assert manifest.marks == Marking({"luas_lahan_pertanian": 10}, 1, {"luas_lahan_pertanian": (0, 5, 500_001)})
    first = trace(as_csv(drawn(copies["bappenas"], 700), columns), house.places, tmp_path / "releases", house.keys)[0]
    assert (first.package, first.recipient, first.certain) == (manifest.package, "Lembaga bappenas", True)
    true = [family["luas_lahan_pertanian"] for family in rows[Unit.KELUARGA]]
    told = [row["luas_lahan_pertanian"] for row in copies["bappeda-32"]]
    assert sum(land != "" and int(land) < 5 for land in told) == sum(land is not None and land < 5 for land in true)


def without_marks(place, monkeypatch, instead=""):
    """The policies of this process from now on: as they are, but for marks."""
    shutil.copytree(policies_dir(), place)
    text = (place / "disclosure.toml").read_text("utf-8")
    (place / "disclosure.toml").write_text(text[: text.index("[[decides_nothing]]")] + instead, "utf-8")
    monkeypatch.setenv("BAGIPAKAI_POLICIES", str(place))


def test_the_manifest_is_enough_when_the_policy_is_another(copies, nation, monkeypatch, tmp_path):
    without_marks(tmp_path / "policies", monkeypatch)
    package, rows = copies["dinas"]
    assert marking(planned(), PLACED.date()) is None
    assert named(as_csv(drawn(rows, MANY // 100)), nation) == {package}
