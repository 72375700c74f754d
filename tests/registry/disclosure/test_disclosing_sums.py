"""A table of sums, from the command line: what it shows is true, who has nearly all of a cell is told nothing of, and
an attacker who has only the files finds nothing."""

import csv
import json
import re
import shutil
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import pytest
from tests.registry import small
from tests.registry.disclosure.test_disclosing import audit, disclose, lines, rewrite, table, var  # noqa: F401
from tests.registry.disclosure.test_perturbation import CELL_KEY, ask_for
from tests.registry.disclosure.test_reporting import text
from tests.registry.orders import DAY, PLACED, a_house, a_plan, an_order

from bagipakai.core.plan import Area, Unit
from bagipakai.core.policy import rules
from bagipakai.core.query import Column, Compare, Const, Op
from bagipakai.registry.deliver import deliver
from bagipakai.registry.disclosure import reporting
from bagipakai.registry.disclosure.audit import Narrow
from bagipakai.registry.disclosure.audit import audit as attack
from bagipakai.registry.disclosure.disclosing import of_json

LAND, HOURS, BOGOR = "luas_lahan_pertanian", "jam_kerja", "3201"
EVERYWHERE = Area(small.REGENCIES, small.EDITION)
FAMILIES = a_plan("L1", Unit.KELUARGA, ("kode_kab", "desil"), summed=LAND, area=EVERYWHERE)
PERSONS = a_plan("L1", Unit.INDIVIDU, ("kode_kab", "jenis_kelamin"), summed=HOURS)
LARGEST = 4_000  # of a cell in which the others have three hundred


@pytest.fixture(scope="module")
def nation(tmp_path_factory):
    """Of the families of decile 5 in one regency, one has ten times the land of all the others."""
    folder = tmp_path_factory.mktemp("nation")
    house = a_house(folder / "var")
    rows = small.some_rows(2_400, 1)
    landowner(rows)[LAND] = LARGEST
    release, _ = small.small_release(folder / "releases", seal=house.keys.seal, rows=rows)
    return house, release, rows


def landowner(rows):
    return next(row for row in rows[Unit.KELUARGA] if row["kode_kab"] == BOGOR and row["desil"] == 5)


def given(rows, plan, key):
    """What each family gives to each combination of some of the variables."""
    found = defaultdict(lambda: defaultdict(int))
    for row in rows[plan.unit]:
        for many in range(len(plan.columns) + 1):
            for names in combinations(plan.columns, many):
                found[frozenset((name, row[name]) for name in names)][row[key]] += row[plan.summed] or 0
    return {about: sorted(families.values(), reverse=True) for about, families in found.items()}


def told(folder):
    """Cell by cell, its count and its sum."""
    whole = table(folder.parent, folder.name)
    return lines(whole | {"counts": list(zip(whole["counts"], whole["sums"], strict=True))})


@pytest.mark.parametrize("plan", [FAMILIES, PERSONS], ids=["families", "persons"])
def test_sums_that_are_shown_are_true_and_tell_of_no_family(plan, nation, var, tmp_path):  # noqa: F811
    """What is not known adds nothing; members of one family are one contributor."""
    assert disclose(nation, tmp_path, plan) == 0
    true, shown = given(nation[2], plan, "id_keluarga"), told(tmp_path / "out")
    for about, (count, total) in shown.items():
        families = true[about]
        assert (count is None) == (total is None) and total in (None, sum(families))
        if total is not None:
            first, second = families[:2]
            assert sum(one > 0 for one in families) >= 10
            assert total - second >= 1.1 * first and first + second < 0.9 * total
    assert audit(tmp_path, "out") == 0


def test_who_has_nearly_all_the_land_of_a_cell_hides_its_count_and_its_sum(nation, var, tmp_path):  # noqa: F811
    """There are enough families: without the sum, nothing of the cell would be hidden for its own sake."""
    assert disclose(nation, tmp_path, FAMILIES) == 0
    shown, true = told(tmp_path / "out"), given(nation[2], FAMILIES, "id_keluarga")
    cell = frozenset({("kode_kab", BOGOR), ("desil", 5)})
    assert len(true[cell]) >= 10 and shown[cell] == (None, None)
    assert sum(true[cell]) - true[cell][1] < 1.1 * LARGEST
    assert shown[frozenset({("kode_kab", BOGOR)})][1] > 2 * sum(true[cell][1:])
    assert disclose(nation, tmp_path, replace(FAMILIES, summed=""), "counts") == 0
    assert lines(table(tmp_path, "counts"))[cell] == len(true[cell])


def test_one_hidden_sum_that_is_shown_gives_others_away(nation, var, tmp_path, capsys):  # noqa: F811
    """For each of them: with it shown, who has only the file computes another, or who knows what the others of the cell
    have knows to within ten percent what the landowner has at most, or at least."""
    assert disclose(nation, tmp_path, FAMILIES) == 0
    whole, true = table(tmp_path), given(nation[2], FAMILIES, "id_keluarga")
    abouts = list(told(tmp_path / "out"))
    axes, _ = of_json(whole)
    trees, cell = [axis.tree for axis in axes], abouts.index(frozenset({("kode_kab", BOGOR), ("desil", 5)}))
    others = sum(true[abouts[cell]][1:])
    enough = {cell: (others + LARGEST * 9 // 10, others + LARGEST * 11 // 10)}
    assert attack(trees, whole["sums"], {cell: 0}, reach=enough) == []
    caught = set()
    hidden = [at for at, one in enumerate(whole["sums"]) if one is None and at != cell]
    for place in hidden:
        families = true[abouts[place]]
        changed = {
            name: [number if at == place else one for at, one in enumerate(whole[name])]
            for name, number in (("counts", len(families)), ("sums", sum(families)))
        }
        rewrite(tmp_path / "out", whole | changed)
        caught.add("file" if audit(tmp_path, "out") == 1 else "")
        found = attack(trees, changed["sums"], {cell: 0}, reach=enough)
        assert [one.cell for one in found] == [cell]
    assert len(hidden) >= 4 and "file" in caught
    assert "disclosed-sum-is-near" in capsys.readouterr().err


def test_a_file_in_which_count_and_sum_are_not_hidden_together_is_none_of_ours(nation, var, tmp_path, capsys):  # noqa: F811
    assert disclose(nation, tmp_path, FAMILIES) == 0
    whole = table(tmp_path)
    for changed in (
        {"sums": [0 if one is None else one for one in whole["sums"]]},
        {"sums": whole["sums"][1:]},
        {"plan": replace(FAMILIES, summed="").to_json()},
    ):
        rewrite(tmp_path / "out", whole | changed)
        assert audit(tmp_path, "out") == 1 and "disclosed-table-malformed" in capsys.readouterr().err


def test_the_sheet_has_both_numbers_and_says_what_is_hidden(nation, var, tmp_path):  # noqa: F811
    assert disclose(nation, tmp_path, FAMILIES) == 0
    with (tmp_path / "out" / "tabel.csv").open(encoding="utf-8-sig", newline="") as sheet:
        rows = list(csv.DictReader(sheet, delimiter=";"))
    shown = list(told(tmp_path / "out").values())
    assert [(row["jumlah"], row[f"total_{LAND}"], row["ditutup"]) for row in rows] == [
        ("", "", "ya") if count is None else (str(count), str(total), "tidak") for count, total in shown
    ]


def test_a_negative_value_is_a_reason_to_make_no_table(nation, var, tmp_path, capsys):  # noqa: F811
    house, _, rows = nation
    wrong = {unit: [dict(row) for row in some] for unit, some in rows.items()}
    landowner(wrong)[LAND] = -1
    release, _ = small.small_release(tmp_path / "wrong", seal=house.keys.seal, rows=wrong)
    assert disclose((house, release, wrong), tmp_path, FAMILIES) == 1
    assert "[table-sum-negative]" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_table_of_which_one_family_has_nearly_everything_is_refused(nation, var, tmp_path, capsys):  # noqa: F811
    house, _, rows = nation
    other = {unit: [dict(row) for row in some] for unit, some in rows.items()}
    landowner(other)[LAND] = 400_000
    release, _ = small.small_release(tmp_path / "other", seal=house.keys.seal, rows=other)
    assert disclose((house, release, other), tmp_path, FAMILIES) == 1
    assert "[table-sum-tells-of-one]" in capsys.readouterr().err


def test_a_sum_that_a_solver_would_round_is_refused(nation, var, tmp_path, capsys):  # noqa: F811
    """Twelve families with as much each, so that none dominates."""
    house, _, rows = nation
    other = {unit: [dict(row) for row in some] for unit, some in rows.items()}
    for row in other[Unit.KELUARGA][::200]:
        row[LAND] = 2**40 // 12 + 1
    release, _ = small.small_release(tmp_path / "other", seal=house.keys.seal, rows=other)
    assert disclose((house, release, other), tmp_path, FAMILIES) == 1
    assert "[table-sum-too-large]" in capsys.readouterr().err


def test_a_plan_that_sums_what_is_no_amount_is_refused(nation, var, tmp_path, capsys):  # noqa: F811
    assert disclose(nation, tmp_path, replace(FAMILIES, summed="pengeluaran_per_kapita")) == 1
    assert "[plan-not-summed]" in capsys.readouterr().err


def test_sums_are_not_made_beside_noise(nation, var, tmp_path, monkeypatch, capsys):  # noqa: F811
    ask_for(CELL_KEY.format(base=1, most=10), tmp_path / "noisy", monkeypatch)
    assert disclose(nation, tmp_path, FAMILIES) == 1
    assert "[table-sum-beside-noise]" in capsys.readouterr().err and not (tmp_path / "out").exists()
    assert disclose(nation, tmp_path, replace(FAMILIES, summed="")) == 0


def test_no_order_makes_a_table_of_sums(nation, tmp_path):
    given_, release, _ = nation
    house = a_house(tmp_path / "house")
    keys = replace(house.keys, storage=given_.keys.storage)
    outcome = deliver(an_order(FAMILIES), release, keys, house.places, clock=lambda: PLACED + timedelta(hours=1))
    assert outcome.refusal == "order-of-sums" and not house.packages


# With other tables


def test_one_variable_is_summed_in_one_table_of_a_place(nation, var, tmp_path, capsys):  # noqa: F811
    """What is a partner in one table may be shown in another. Made again, it is the same table."""
    assert disclose(nation, tmp_path, FAMILIES) == 0
    assert disclose(nation, tmp_path, FAMILIES, "again") == 0
    other = replace(FAMILIES, variables=FAMILIES.variables[:1])
    assert disclose(nation, tmp_path, other, "other") == 1
    assert "[tables-sum-twice]" in capsys.readouterr().err and not (tmp_path / "other").exists()
    assert disclose(nation, tmp_path, replace(other, summed="ternak_sapi"), "cattle") == 0
    assert audit(tmp_path, "out", "again", "cattle") == 0


def test_of_another_place_there_may_be_another_table(nation, var, tmp_path):  # noqa: F811
    by_desil = replace(FAMILIES, variables=FAMILIES.variables[1:])
    places = [replace(by_desil, area=Area((code,), FAMILIES.area.edition)) for code in ("3273", "5171")]
    assert [disclose(nation, tmp_path, plan, name) for plan, name in zip(places, ("one", "two"), strict=True)] == [0, 0]
    assert disclose(nation, tmp_path, replace(by_desil, area=Area(("32",), FAMILIES.area.edition)), "both") == 1


def test_an_auditor_sees_that_two_tables_sum_the_same(nation, var, tmp_path, monkeypatch, capsys):  # noqa: F811
    other = tmp_path / "other"
    other.mkdir()
    (other / "keys").symlink_to(nation[0].var / "keys")
    assert disclose(nation, tmp_path, FAMILIES, "one") == 0
    monkeypatch.setenv("BAGIPAKAI_VAR", str(other))  # a house that forgot
    assert disclose(nation, tmp_path, replace(FAMILIES, variables=FAMILIES.variables[:1]), "two") == 0
    for release in ("2026.3.0", "2026.3.1", "2026.4.0", "2027.3.0"):
        rewrite(tmp_path / "two", table(tmp_path, "two") | {"release": release})
        assert audit(tmp_path, "one", "two") == 1 and "disclosed-sums-meet" in capsys.readouterr().err, release
    rewrite(tmp_path / "two", table(tmp_path, "two") | {"release": "2027.4.0"})
    audit(tmp_path, "one", "two")
    assert "disclosed-sums-meet" not in capsys.readouterr().err


def test_an_auditor_lets_the_same_question_be_answered_in_each_quarter(nation, var, tmp_path, capsys):  # noqa: F811
    assert disclose(nation, tmp_path, FAMILIES, "one") == 0
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    told = table(tmp_path, "two")
    sums = [None if one is None else one + 1 for one in told["sums"]]
    for release, seen in (("2026.3.1", True), ("2026.4.0", False)):
        rewrite(tmp_path / "two", told | {"release": release, "sums": sums})
        audit(tmp_path, "one", "two")
        assert ("disclosed-sums-meet" in capsys.readouterr().err) is seen, release


def test_sums_of_groups_that_differ_by_a_few_are_refused_for_their_counts(nation, var, tmp_path, capsys):  # noqa: F811
    """Whatever is summed. One family has more horses than all others."""
    house, _, rows = nation
    other = {unit: [dict(row) for row in some] for unit, some in rows.items()}
    landowner(other)["ternak_kuda"] = 400
    release, _ = small.small_release(tmp_path / "horses", seal=house.keys.seal, rows=other)

    def of_horses(most, summed):
        few = Compare(Op.AT_MOST, Column("ternak_kuda"), Const(most))
        return replace(FAMILIES, variables=FAMILIES.variables[:1], population=few, summed=summed)

    world = (house, release, other)
    assert disclose(world, tmp_path, of_horses(500, LAND), "all") == 0
    for summed in ("ternak_sapi", LAND):  # the same sums too: the total is compared before anything else
        assert disclose(world, tmp_path, of_horses(20, summed), "but one") == 1
        assert "[tables-tell-a-few]" in capsys.readouterr().err and not (tmp_path / "but one").exists()


# The report


def test_the_report_tells_of_sums_what_may_be_told(nation, var, tmp_path):  # noqa: F811
    assert disclose(nation, tmp_path, FAMILIES) == 0
    report = json.loads((tmp_path / "out" / "laporan.json").read_bytes())
    shown, rows = told(tmp_path / "out"), nation[2][Unit.KELUARGA]
    assert report["sums"]["total"] == sum(row[LAND] or 0 for row in rows)
    share = 100 * sum(row[LAND] is None for row in rows) / len(rows)
    assert 10 < share <= report["sums"]["unknown"] == 25
    by_names = {tuple(names): total for names, total in report["sums"]["shown"]}
    for names, total in by_names.items():
        assert total == sum(pair[1] or 0 for about, pair in shown.items() if {name for name, _ in about} == set(names))
    assert {one["name"]: one["found"] for one in report["attacks"]}.items() >= {("sums", 0), ("contributors", 0)}
    page = text((tmp_path / "out" / "laporan.html").read_text("utf-8"))
    for words in (
        "Luas lahan pertanian",
        "m²",
        "25\u00a0%",
        "empat sebab",
        "dari 9 serangan",
        "Bagian jumlah yang terbit",
    ):
        assert words in page, words


def test_a_sum_that_is_near_is_a_finding(nation, var, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setattr(reporting, "near_sums", lambda axes, counts, sums, rule: [Narrow(at, 0, 1) for at in range(3)])
    assert disclose(nation, tmp_path, FAMILIES) == 0
    assert "1 serangan berhasil" in capsys.readouterr().out
    page = text((tmp_path / "out" / "laporan.html").read_text("utf-8"))
    assert re.search(r"3 dari \d+ jumlah tertutup didekati", page) and "jangan diserahkan" in page


def test_no_file_tells_the_limits_of_dominance(nation, var, tmp_path):  # noqa: F811
    """Who knows them knows more of a hidden sum."""
    assert disclose(nation, tmp_path, FAMILIES) == 0
    page = text((tmp_path / "out" / "laporan.html").read_text("utf-8"))
    assert rules("disclosure", "magnitude").on(DAY).basis not in page
    assert not re.search(r"\b(p 10|90 ?persen|90\u00a0%)", page)
    for file in ("laporan.json", "tabel.json"):
        assert "p_percent" not in (tmp_path / "out" / file).read_text("utf-8")
