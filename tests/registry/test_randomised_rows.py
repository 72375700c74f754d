"""An order of which policy has values drawn anew: everybody who reads the copy is told how, an analyst can correct for
it, and nothing else is another than it was."""

import json
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from tests.policies import randomised, with_policy
from tests.registry.orders import PURPOSE, THEM, a_house, an_order, recipient
from tests.registry.small import small_release
from tests.registry.test_deliver import done
from tests.registry.test_marks import (
    COLUMNS,
    FREE,
    THRESHOLDS,
    as_csv,
    delivered,
    drawn,
    exactly,
    found,
    people,
    planned,
    released,
)

from bagipakai.cli import main
from bagipakai.core.exchange import Step
from bagipakai.core.keyfiles import write_once
from bagipakai.core.manifest import Manifest, ManifestError
from bagipakai.core.plan import Protections
from bagipakai.core.policy import policies_dir
from bagipakai.core.query import Column, Compare, Const, Op
from bagipakai.core.randomisation import SCHEME, Randomisation
from bagipakai.registry import keys
from bagipakai.registry.keys import MasterKey

KEEP = 60
HOW = Randomisation({"jam_kerja": KEEP}, {"jam_kerja": THRESHOLDS})


OLD = 4  # people of 90, who all work 98 hours, as nobody else does


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Where whoever works an even number of hours has the first kind of work, and all others the second."""
    folder, persons = tmp_path_factory.mktemp("registry"), people(30_000)
    unknown = persons["jam_kerja"].is_null().to_numpy()
    hours = np.minimum(pc.fill_null(persons["jam_kerja"], 1).to_numpy(), 97)
    ages = pc.fill_null(persons["umur"], 30).to_pylist()  # an unknown age would be their company
    hours[:OLD], ages[:OLD] = 98, [90] * OLD
    work = np.where(hours % 2 == 0, "1", "2")
    told = pa.array(hours, mask=unknown & (np.arange(len(hours)) >= OLD))
    for name, values in (("jam_kerja", told), ("umur", ages), ("kedudukan_pekerjaan", work)):
        at = persons.schema.get_field_index(name)
        persons = persons.set_column(at, persons.schema.field(at), pa.array(values).cast(persons.schema.field(at).type))
    release, _ = small_release(folder / "releases", 3, persons=persons)
    house = a_house(folder / "var")
    master = house.var / "keys" / "registry" / MasterKey.file
    master.unlink()
    write_once(master, b"m" * 32, 0o600)  # the same draws in each run
    return release, persons, replace(house, keys=keys.read(house.var / "keys"))


@pytest.fixture
def unmarked(tmp_path, monkeypatch):
    """Policy with values drawn anew, and without marks, so that what was drawn can be seen."""
    with_policy(tmp_path / "policies", monkeypatch, randomised(keep=str(KEEP)))
    file = policies_dir() / "disclosure.toml"
    file.write_text(file.read_text("utf-8").replace("columns = { jam_kerja = 2 }", "columns = {}"), "utf-8")


@pytest.fixture
def marked(tmp_path, monkeypatch):
    with_policy(tmp_path / "policies", monkeypatch, randomised(keep=str(KEEP)))


def stretch(hours):
    return sum(int(hours) >= edge for edge in THRESHOLDS) if hours else None


def evidence(manifest):
    return next(done.evidence for done in manifest.processing if done.step is Step.ACCESS_SECURING)


def but_hours(rows):
    """Each row, of hours of work the stretch alone."""
    return exactly([{**row, "jam_kerja": stretch(row["jam_kerja"])} for row in rows])


def test_nothing_but_the_named_variable_is_drawn_and_it_crosses_no_threshold(registry, unmarked, tmp_path):
    manifest, rows, *_ = delivered(registry, planned(), tmp_path, "O-drawn")
    true = released(registry)
    assert but_hours(rows) == but_hours(true)
    changed = (exactly(rows) - exactly(true)).total() / len(true)
    assert 0.3 < changed < 0.4  # of 40 in 100, but who draws the value that they had
    assert manifest.randomised == HOW and Manifest.from_json(manifest.to_json()) == manifest


def test_as_shipped_no_value_is_drawn(registry, tmp_path):
    manifest, rows, _, about = delivered(registry, planned(purpose=PURPOSE), tmp_path, "O-off")
    assert exactly(rows) == exactly(released(registry)) and "randomised" not in manifest.to_json()
    assert not {"randomised", "randomised_columns"} & set(evidence(manifest)) and "perbedaan" not in about


@pytest.mark.parametrize(
    "plan",
    [
        planned("L4", (*COLUMNS, "nik"), purpose=PURPOSE),
        planned("L3", purpose=PURPOSE),
        planned("L3", purpose=PURPOSE, population=Compare(Op.AT_LEAST, Column("jam_kerja"), Const(0))),
    ],
    ids=["by name and address", "for a purpose that may decide by it", "and by a filter"],
)
def test_other_rows_are_told_as_they_are(registry, unmarked, plan, tmp_path):
    manifest, rows, *_ = delivered(registry, plan, tmp_path, f"O-not-{plan.digest[:6]}")
    true = [row for row in released(registry, plan.columns) if plan.population is None or row["jam_kerja"]]
    assert exactly(rows) == exactly(true) and manifest.randomised is None


@pytest.mark.parametrize("names", [COLUMNS, ("umur", "jenis_kelamin")], ids=["told", "not told"])
def test_no_filter_asks_about_what_is_drawn(names, registry, unmarked):
    """A condition that everybody meets would turn the drawing off; one that some meet tells what is true of them."""
    release, _, house = registry
    plan = planned("L3", names, population=Compare(Op.AT_LEAST, Column("jam_kerja"), Const(0)))
    receipt = done(an_order(plan, "O-filter"), release, house)
    assert (receipt.refusal, dict(receipt.detail)) == ("plan-filter-by-drawn", {"name": "jam_kerja"})


def test_an_analyst_corrects_a_table_by_what_the_package_tells(registry, unmarked, tmp_path):
    """Of hours by kind of work, which are tied: read as it is, the table has people where there is nobody. With the
    formula of the dictionary, from the copy alone, every cell is within six deviations of what is true."""
    manifest, rows, words, _ = delivered(registry, planned(), tmp_path, "O-analyst")
    assert "lalu bagi dengan p" in words["jam_kerja"]["definisi"]
    p, edges = manifest.randomised.keep["jam_kerja"] / 100, manifest.randomised.thresholds["jam_kerja"]
    true, read = (
        Counter((row["kedudukan_pekerjaan"], int(row["jam_kerja"])) for row in some if row["jam_kerja"])
        for some in (released(registry), rows)
    )
    for work, value in (("1", 20), ("2", 20), ("1", 45), ("2", 60)):
        alike = [one for one in range(99) if sum(one >= edge for edge in edges) == sum(value >= edge for edge in edges)]
        here = sum(read[work, one] for one in alike)
        both = {one: read["1", one] + read["2", one] for one in alike}
        drawn_there = (1 - p) * both[value] / sum(both.values()) * here
        corrected = (read[work, value] - drawn_there) / p
        bound = 6 * np.sqrt(true[work, value] * p * (1 - p) + drawn_there) / p
        assert abs(corrected - true[work, value]) <= bound
    assert true["2", 60] == 0 and read["2", 60] > 6 * np.sqrt(read["2", 60]), "nothing was there to be corrected"


def test_everybody_who_reads_the_copy_is_told(registry, unmarked, tmp_path, capsys):
    manifest, _, words, about = delivered(registry, planned(), tmp_path, "O-told")
    note = about["perbedaan"]["jam_kerja"]
    assert note.startswith(f"nilai tetap dengan peluang {KEEP} persen") and "(1, 15, 35, 41, 49, 99)" in note
    assert [name for name, line in words.items() if note in line["definisi"]] == ["jam_kerja"]
    told = evidence(manifest)
    assert (told["randomised"], told["randomised_columns"]) == (SCHEME, f"jam_kerja:{KEEP}")
    report = (tmp_path / manifest.package / "laporan.html").read_text("utf-8")
    assert f"jam_kerja:{KEEP}" in report and f"nilai tetap dengan peluang {KEEP} persen" in report
    assert "Ditarik acak: jam_kerja" in report and "seolah-olah tidak ada yang ditarik" in report
    house = registry[2]
    seal = house.var / "keys" / "public" / "seal.pub.pem"
    command = ["recipient", "verify", str(house.places.packages / manifest.package), "--seal", str(seal)]
    assert main([*command, "--tanpa-jejak"]) == 0
    assert f"Ditarik acak: jam_kerja (tetap: {KEEP} persen)" in capsys.readouterr().out
    assert main([*command, "--tanpa-jejak", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["randomised"] == {"jam_kerja": KEEP}


def test_nobody_learns_more_by_asking_again_or_elsewhere(registry, unmarked, tmp_path):
    """The same rows for another recipient, order and purpose are drawn alike; of a part of them, mostly: the draws of a
    person are their own, and the distribution that they are drawn from differs a little."""
    _, rows, *_ = delivered(registry, planned(), tmp_path / "1", "O-one")
    other = planned(recipient=recipient(THEM, "bappenas"), purpose="PENELITIAN")
    _, again, *_ = delivered(registry, other, tmp_path / "2", "O-two", THEM)
    assert exactly(rows) == exactly(again)
    women = Compare(Op.EQUAL, Column("jenis_kelamin"), Const("2"))
    _, some, *_ = delivered(registry, planned(population=women), tmp_path / "3", "O-three")
    ours = [row for row in rows if row["jenis_kelamin"] == "2"]
    assert len(ours) == len(some) and (exactly(ours) & exactly(some)).total() > 0.8 * len(some)


def test_rows_that_are_left_out_are_not_drawn_from(registry, unmarked, tmp_path):
    """Else one who is left out would be told by their rare value, which others draw."""
    exempted = tuple(one for one in FREE.exempted if one.rule != "rows-alike")
    nothing_yet = planned("L3", ("umur", "jam_kerja"), recipient=recipient(THEM, "kemensos"))
    plan = replace(nothing_yet, protections=Protections(exempted=exempted))
    manifest, rows, *_ = delivered(registry, plan, tmp_path, "O-left", THEM)
    assert OLD == 30_000 - len(rows) <= evidence(manifest)["rows_left_out"] < OLD + 10
    assert "98" not in {row["jam_kerja"] for row in rows} and manifest.randomised is not None
    _, all_rows, *_ = delivered(registry, planned("L3", ("umur", "jam_kerja")), tmp_path, "O-all")
    assert "98" in {row["jam_kerja"] for row in all_rows}


def test_marks_are_found_where_values_were_drawn(registry, marked, tmp_path):
    manifest, rows, *_ = delivered(registry, planned(), tmp_path / "1", "O-marked")
    others = planned(recipient=recipient(THEM, "bappenas"))
    delivered(registry, others, tmp_path / "2", "O-others", THEM)
    assert manifest.marks is not None and manifest.randomised is not None
    note = json.loads((tmp_path / "1" / manifest.package / "metadata.json").read_text("utf-8"))["perbedaan"][
        "jam_kerja"
    ]
    assert "nilai tetap dengan peluang" in note and "; nilai diberikan dalam selang selebar 2" in note
    suspects = found(as_csv(drawn(rows, 8_000)), registry)
    assert {one.package for one in suspects if one.certain} == {manifest.package}
    assert suspects[0].compared > 6_000, "rows were looked for by what was drawn, too"


@pytest.mark.parametrize(
    "said",
    [
        {"scheme": "lain", "columns": {"jam_kerja": {"keep_percent": 80, "thresholds": []}}},
        {"scheme": SCHEME, "columns": {"jam_kerja": {"keep_percent": 0, "thresholds": []}}},
        {"scheme": SCHEME, "columns": {"kode_desa": {"keep_percent": 80, "thresholds": []}}},
        {"scheme": SCHEME, "columns": {"lain": {"keep_percent": 80, "thresholds": []}}},
        {"scheme": SCHEME, "columns": {}},
        None,
    ],
)
def test_a_manifest_does_not_say_what_cannot_be(registry, unmarked, tmp_path, said):
    manifest, *_ = delivered(registry, planned(), tmp_path, "O-said")
    with pytest.raises(ManifestError):
        Manifest.from_json({**manifest.to_json(), "randomised": said})


def test_a_list_by_name_and_address_cannot_say_that_it_was_drawn(registry, tmp_path):
    manifest, *_ = delivered(registry, planned("L4", (*COLUMNS, "nik"), purpose=PURPOSE), tmp_path, "O-names")
    with pytest.raises(ManifestError):
        Manifest.from_json({**manifest.to_json(), "randomised": HOW.to_json()})


def test_one_plan_and_release_have_one_content(registry, unmarked, tmp_path):
    first, *_ = delivered(registry, planned(), tmp_path / "1", "O-same")
    shutil.rmtree(registry[2].places.packages / first.package)
    again, *_ = delivered(registry, planned(), tmp_path / "2", "O-same")
    assert first.content_digest == again.content_digest
