"""A table with all its margins: what it shows is true, what is small is hidden, and an attacker who has only the files
finds nothing; of a table in which one hidden cell was shown, or of two that tell together, he does."""

import csv
import hashlib
import json
import re
import shutil
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import combinations

import pytest
from tests.policies import with_policy
from tests.registry import small
from tests.registry.disclosure.test_published import ages, of_age
from tests.registry.orders import a_house, a_plan

from bagipakai.cli import main
from bagipakai.core.canonical import digest
from bagipakai.core.plan import Unit
from bagipakai.core.policy import policies_dir
from bagipakai.core.query import Column, Compare, Const, In, Op

PLANS = {
    "persons": a_plan("L1", Unit.INDIVIDU, ("umur", "desil")),
    "persons by place": a_plan("L1", Unit.INDIVIDU, ("desil", "kode_prov", "jenis_kelamin")),
    "families": a_plan("L1", Unit.KELUARGA, ("kode_kab", "desil")),
    "some of them": a_plan(
        "L1",
        Unit.INDIVIDU,
        ("jenis_kelamin", "kelas_tertinggi"),
        population=Compare(Op.AT_MOST, Column("desil"), Const(7)),
    ),
}


@pytest.fixture(scope="module")
def nation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nation")
    house = a_house(folder / "var")
    release, rows = small.small_release(folder / "releases", families=1_200, seal=house.keys.seal)
    return house, release, rows


@pytest.fixture
def var(nation, tmp_path, monkeypatch):
    """A house of its own, with the keys of the nation's, in which nothing was published yet."""
    house, _, _ = nation
    own = tmp_path / "var"
    own.mkdir()
    (own / "keys").symlink_to(house.var / "keys")
    monkeypatch.setenv("BAGIPAKAI_VAR", str(own))
    return own


def disclose(nation, tmp_path, plan, name="out") -> int:
    file = tmp_path / f"{name}.json"
    file.write_text(json.dumps(plan.to_json()))
    files = ["--plan", str(file), "--release", str(nation[1].folder), "--out", str(tmp_path / name)]
    return main(["registry", "disclose", *files])


def audit(tmp_path, *names) -> int:
    return main(["registry", "audit", *(str(tmp_path / name) for name in names)])


def table(tmp_path, name="out") -> dict:
    return json.loads((tmp_path / name / "tabel.json").read_bytes())


def rewrite(folder, told) -> None:
    """Another table in the folder, of which the report is told: what whoever makes it wrong would write."""
    report = json.loads((folder / "laporan.json").read_bytes())
    content = json.dumps(told).encode()
    report["files"]["tabel.json"] = hashlib.sha256(content).hexdigest()
    report["content"] = digest({name: told[name] for name in ("axes", "counts", "sums") if name in told})
    (folder / "tabel.json").write_bytes(content)
    (folder / "laporan.json").write_text(json.dumps(report))


def lines(told) -> dict:
    """Cell by cell, what it tells of each variable, and its count."""
    axes = [(one["variables"], one["values"]) for one in told["axes"]]
    found, at = {}, 0

    def walk(depth, values):
        nonlocal at
        if depth == len(axes):
            found[frozenset(values.items())] = told["counts"][at]
            at += 1
            return
        names, labels = axes[depth]
        for label in labels:
            walk(depth + 1, values | dict(zip(names, label, strict=False)))

    walk(0, {})
    return found


def counted(rows, plan) -> Counter:
    """Every combination of values of some of the variables, from the rows."""
    found, chosen = Counter(), rows[plan.unit]
    if plan.population is not None:
        chosen = [row for row in chosen if row["desil"] is not None and row["desil"] <= 7]
    for row in chosen:
        for many in range(len(plan.columns) + 1):
            for names in combinations(plan.columns, many):
                found[frozenset((name, row[name]) for name in names)] += 1
    return found


@pytest.mark.parametrize("name", PLANS)
def test_what_is_shown_is_true_and_nothing_small_is_shown(name, nation, var, tmp_path, capsys):
    plan = PLANS[name]
    assert disclose(nation, tmp_path, plan) == 0
    told, true = lines(table(tmp_path)), counted(nation[2], plan)
    assert set(true) <= set(told)
    assert all(count is None or count == true[about] for about, count in told.items())
    assert all(told[about] is None for about, count in true.items() if count < 10)
    assert told[frozenset()] == true[frozenset()]
    report = json.loads((tmp_path / "out" / "laporan.json").read_bytes())
    assert report["hidden"] == sum(count is None for count in told.values()) and report["cells"] == len(told)
    assert audit(tmp_path, "out") == 0


def test_the_same_plan_and_release_give_the_same_table(nation, var, tmp_path):
    plan = PLANS["persons"]
    assert [disclose(nation, tmp_path, plan, name) for name in ("one", "two")] == [0, 0]
    reports = [(tmp_path / name / "laporan.json").read_bytes() for name in ("one", "two")]
    assert reports[0] == reports[1] and table(tmp_path, "one") == table(tmp_path, "two")


def test_one_hidden_cell_that_is_shown_gives_others_away(nation, var, tmp_path, capsys):
    """For each of them: with any one shown, another can be computed, or nearly, or it is small itself, as is seen."""
    assert disclose(nation, tmp_path, PLANS["persons"]) == 0
    told, true = table(tmp_path), counted(nation[2], PLANS["persons"])
    abouts = list(lines(told))
    hidden = [at for at, count in enumerate(told["counts"]) if count is None]
    assert len(hidden) >= 4
    caught = []
    for at in hidden:
        count = true[abouts[at]]
        changed = told | {"counts": [count if place == at else one for place, one in enumerate(told["counts"])]}
        rewrite(tmp_path / "out", changed)
        capsys.readouterr()
        assert audit(tmp_path, "out") == 1
        caught.append(capsys.readouterr().err)
        assert ("[disclosed-count-is-unprotected]" in caught[-1]) == (count < 10)
    assert any("[disclosed-cell-is-near]" in one for one in caught)


def test_a_table_in_which_nothing_is_hidden_is_found_out(nation, var, tmp_path, capsys):
    """By every cell that holds fewer than may be shown."""
    assert disclose(nation, tmp_path, PLANS["persons"]) == 0
    told, true = table(tmp_path), counted(nation[2], PLANS["persons"])
    counts = [true[about] for about in lines(told)]
    rewrite(tmp_path / "out", told | {"counts": counts})
    capsys.readouterr()
    assert audit(tmp_path, "out") == 1
    few, found = sum(count < 10 for count in counts), capsys.readouterr().err
    assert few and found.count("[disclosed-count-is-unprotected]") == few == len(found.splitlines())


@pytest.mark.parametrize(("name", "own"), [("persons", 0), ("persons", 25), ("families", 0), ("families", 25)])
def test_a_count_that_is_too_small_to_be_shown_is_found_out(name, own, nation, var, tmp_path, capsys):
    """By what the plan itself says, too. Nobody is too few as well."""
    assert disclose(nation, tmp_path, PLANS[name]) == 0
    told, least = table(tmp_path), own or 10
    told["plan"]["protections"]["smallest_cell"] = least
    for at in (0, len(told["counts"]) - 1):
        for count, found in ((0, True), (least - 1, True), (least, False)):
            alone = [count if place == at else None for place in range(len(told["counts"]))]
            rewrite(tmp_path / "out", told | {"counts": alone})
            capsys.readouterr()
            audit(tmp_path, "out")
            assert ("[disclosed-count-is-unprotected]" in capsys.readouterr().err) is found, (at, count)


def test_two_tables_that_tell_a_few_people_together_are_not_both_made(nation, var, tmp_path, monkeypatch, capsys):
    """Nor would an auditor let them pass who has only the files."""
    release, rows = small.small_release(tmp_path / "few", families=40, seal=nation[0].keys.seal)
    nation = (nation[0], release, rows)
    narrow, wide = map(of_age, ages(rows[Unit.INDIVIDU], 10))
    assert disclose(nation, tmp_path, wide, "wide") == 0
    assert disclose(nation, tmp_path, narrow, "narrow") == 1
    assert "tables-tell-a-few" in capsys.readouterr().err and not (tmp_path / "narrow").exists()
    monkeypatch.setenv("BAGIPAKAI_VAR", str(_another(nation, tmp_path)))
    assert disclose(nation, tmp_path, narrow, "narrow") == 0  # a house that forgot
    assert (audit(tmp_path, "wide"), audit(tmp_path, "narrow")) == (0, 0)
    capsys.readouterr()
    assert audit(tmp_path, "wide", "narrow") == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path / 'narrow'} dan {tmp_path / 'wide'} bersama-sama ")
    assert "[disclosed-tables-tell-a-few]" in said and "[tables-tell-a-few]" not in said


def test_an_auditor_is_told_in_which_tables_a_finding_is(nation, var, tmp_path, capsys):
    """Of one, of two, and of three of which no two tell: 1 or 2, 2 or 3, 1 or 3."""
    plan, desil = a_plan("L1", Unit.INDIVIDU, ("jenis_kelamin",)), Column("desil")
    assert disclose(nation, tmp_path, plan) == 0
    told = table(tmp_path)

    def made(name, deciles, *counts):
        shutil.copytree(tmp_path / "out", tmp_path / name)
        chosen = replace(plan, population=In(desil, deciles)).to_json()
        rewrite(tmp_path / name, told | {"plan": chosen, "counts": counts})
        return str(tmp_path / name)

    def audited(*names):
        capsys.readouterr()
        main(["registry", "audit", *names, "--json"])
        out = json.loads(capsys.readouterr().out)
        return [{"code": one.pop("code"), **one} for one in out["findings"]]

    alone = made("alone", (1, 2), 1000, 995, None)
    (_, few) = audited(alone)
    assert few["code"] == "disclosed-table-tells-a-few" and few["folder"] == alone
    narrow, wide = made("narrow", (1, 2), 1000, None, None), made("wide", (1, 2, 3), 1004, None, None)
    pair, *_, group = audited(wide, narrow)
    assert (group["code"], group["folder"]) == ("disclosed-tables-together-narrow", narrow)
    assert (pair["code"], pair["one"], pair["other"]) == ("disclosed-tables-tell-a-few", narrow, wide)
    assert (": 1, 2;" in pair["narrow"], ": 1 sampai 3;" in pair["wide"]) == (True, True)
    some = [
        made(str(at), pair, count, None, None)
        for at, (pair, count) in enumerate((((1, 2), 104), ((2, 3), 200), ((1, 3), 104)))
    ]
    assert audited(*some[:2]) == audited(*some[1:]) == []
    three, *_ = audited(*some)
    assert (three["code"], three["folder"]) == ("disclosed-tables-together-narrow", some[2])
    assert three["group"].startswith("Desil kesejahteraan: 1;")


def _another(nation, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "keys").symlink_to(nation[0].var / "keys")
    return other


def test_what_is_no_table_or_stands_already_is_refused_with_a_sentence(nation, var, tmp_path, capsys):
    assert disclose(nation, tmp_path, a_plan("L2", Unit.INDIVIDU, ("desil",)), "rows") == 1
    assert "[disclose-tables-only]" in capsys.readouterr().err
    assert disclose(nation, tmp_path, PLANS["persons"]) == 0
    assert disclose(nation, tmp_path, PLANS["persons"]) == 1
    assert "[disclose-folder-is-not-empty]" in capsys.readouterr().err
    rewrite(tmp_path / "out", {})
    assert audit(tmp_path, "out") == 1
    assert "[disclosed-table-malformed]" in capsys.readouterr().err


def test_the_report_tells_what_the_files_are(nation, var, tmp_path):
    assert disclose(nation, tmp_path, PLANS["persons"]) == 0
    held = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    report = json.loads(held.pop("laporan.json"))
    assert set(held) == {"tabel.json", "tabel.csv", "laporan.html"}
    assert report["files"] == {name: hashlib.sha256(content).hexdigest() for name, content in held.items()}


def test_the_sheet_says_what_its_codes_mean(nation, var, tmp_path):
    """With the mark by which Excel knows its letters."""
    assert disclose(nation, tmp_path, PLANS["persons by place"]) == 0
    content = (tmp_path / "out" / "tabel.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and content.count(b"\xef\xbb\xbf") == 1
    rows = list(csv.DictReader(content.decode("utf-8-sig").splitlines(), delimiter=";"))
    names, told = ("kode_prov", "desil", "jenis_kelamin"), lines(table(tmp_path))
    said = {name: {row[name] for row in rows} for name in names}
    assert said["jenis_kelamin"] == {"semua", "1 = Laki-laki", "2 = Perempuan"}
    assert {"semua", "32 = Jawa Barat"} < said["kode_prov"]
    assert all(re.fullmatch(r"semua|tidak diketahui|\d\d = \D+", one) for one in said["kode_prov"])
    assert {"semua", "1", "10"} < said["desil"]
    for row in rows:
        values = {name: row[name].partition(" = ")[0] for name in names if row[name] != "semua"}
        about = {name: None if one == "tidak diketahui" else one for name, one in values.items()}
        if about.get("desil"):
            about["desil"] = int(about["desil"])
        count = told.pop(frozenset(about.items()))
        assert (row["jumlah"], row["ditutup"]) == (("", "ya") if count is None else (str(count), "tidak"))
    assert not told


def test_families_are_counted_once_in_each_margin(nation):
    """Ten persons may be two families: a cell of few families is hidden however many persons are in it."""
    from tests.registry.orders import DAY

    from bagipakai.core.disclosure import Cell
    from bagipakai.registry.disclosure.disclosing import disclosed
    from bagipakai.registry.disclosure.tables import TableRule

    plan = a_plan("L1", Unit.INDIVIDU, ("kode_kab",))
    by = {(): Cell((), 400, 130), ("3201",): Cell(("3201",), 200, 60), ("3202",): Cell(("3202",), 170, 65)}
    by |= {("5171",): Cell(("5171",), 30, 5)}
    groups = defaultdict(list)
    for key, cell in by.items():
        groups[len(key)].append(cell)
    rule = replace(TableRule.on(DAY), most_small_percent=100)
    found = disclosed(plan, rule, lambda query: groups[len(query.by)])
    assert not hasattr(found, "code"), found
    assert found.table.published[0] == 400 and found.table.published[3] is None
    assert sum(count is None for count in found.table.published) == 2


# Small places


def test_of_a_small_place_nothing_but_its_total_is_told(nation, var, tmp_path, monkeypatch, capsys):
    """Who lives there is counted whatever is asked; by place alone everything is told as before."""
    _, _, rows = nation
    living = Counter(row["kode_kec"] for row in rows[Unit.INDIVIDU])
    least = sorted(living.values())[-2]  # as many live in one or two of them
    rule = (policies_dir() / "disclosure.toml").read_text("utf-8").partition("[[table]]")[2].partition("[[")[0]
    rule = rule.replace("kode_kec = 5_000", f"kode_kec = {least}").replace("percent = 10 ", "percent = 100 ")
    later = rule.replace("from = 2026-01-01", "from = 2026-02-01")
    with_policy(tmp_path / "policies", monkeypatch, f"\n[[table]]{later}")
    plan = a_plan("L1", Unit.INDIVIDU, ("kode_kec", "jenis_kelamin"))
    assert disclose(nation, tmp_path, plan) == 0, capsys.readouterr().err
    told = lines(table(tmp_path))
    small_ones = {place for place, many in living.items() if many < least}
    crossed = [about for about in told if {"kode_kec", "jenis_kelamin"} <= {name for name, _ in about}]
    of_small = [about for about in crossed if dict(about)["kode_kec"] in small_ones]
    many = Counter((row["kode_kec"], row["jenis_kelamin"]) for row in rows[Unit.INDIVIDU])
    large = [one for one in of_small if many[dict(one)["kode_kec"], dict(one)["jenis_kelamin"]] > 100]
    assert large and all(told[about] is None for about in of_small), "however many they are"
    assert any(told[about] is not None for about in crossed), "elsewhere more is told"
    assert any(told[frozenset({("kode_kec", place)})] is not None for place in small_ones)
    assert "kecamatan atau desa yang penduduknya" in (tmp_path / "out" / "laporan.html").read_text("utf-8")
    assert audit(tmp_path, "out") == 0
