"""Tables with noise, made through the command line by a policy that asks for it: the noise is that of the naive
reference, one meaning has one answer, and what noise does not stop is refused by the ledger."""

import hmac
import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from math import sqrt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tests.factories_registry import STORAGE
from tests.registry import small
from tests.registry.disclosure.test_disclosing import audit, disclose, lines, rewrite, table
from tests.registry.disclosure.test_published import ages, of_age
from tests.registry.disclosure.trees import flat, nested, with_margins
from tests.registry.orders import a_house, a_plan
from tests.registry.small import EDITION

from bagipakai.cli import main
from bagipakai.core.canonical import canonical
from bagipakai.core.envelope import Signer
from bagipakai.core.methods import CellKey
from bagipakai.core.plan import Area, Unit
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Missing, Not, Op, Or
from bagipakai.registry.disclosure.cellkeys import CellKeys, Rule, published
from bagipakai.registry.disclosure.containment import Cells
from bagipakai.registry.disclosure.disclosing import Axis, cells
from bagipakai.registry.disclosure.ledger import Ledger, Output
from bagipakai.registry.disclosure.noise import maximum_entropy
from bagipakai.registry.disclosure.perturbation import about_cells, house_keys, perturbed
from bagipakai.registry.disclosure.primary import nearly_all
from bagipakai.registry.disclosure.published import Occupied, cells_of
from bagipakai.registry.disclosure.sets import sets
from bagipakai.registry.disclosure.tables import Cube, TableRule
from bagipakai.registry.keys import MasterKey

HOUSE = Path(__file__).resolve().parents[3] / "policies"
CELL_KEY = """
[[method]]
output = "disclosed"
method = "cell-key"
variance = 3
bounds = [5, 8]
base = {base}
most_breakdowns = {most}
from = 2026-02-01
basis = "uji"
"""
AGES = a_plan("L1", Unit.INDIVIDU, ("umur", "desil"))
PLACES = a_plan("L1", Unit.INDIVIDU, ("kode_prov", "kode_kab", "jenis_kelamin"))


def ask_for(rule, folder, monkeypatch):
    """The house's policies, with another rule for tables."""
    shutil.copytree(HOUSE, folder)
    with (folder / "disclosure.toml").open("a") as file:
        file.write(rule)
    monkeypatch.setenv("BAGIPAKAI_POLICIES", str(folder))


@pytest.fixture(scope="module")
def nation(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nation")
    house = a_house(folder / "var")
    release, rows = small.small_release(folder / "releases", families=1_200, seal=house.keys.seal)
    return house, release, rows


@pytest.fixture
def var(nation, tmp_path, monkeypatch):
    """A house of its own, with the keys of the nation's, in which nothing was published yet."""
    own = tmp_path / "var"
    own.mkdir()
    (own / "keys").symlink_to(nation[0].var / "keys")
    monkeypatch.setenv("BAGIPAKAI_VAR", str(own))
    return own


@pytest.fixture
def noisy(tmp_path, monkeypatch):
    ask_for(CELL_KEY.format(base=1, most=10), tmp_path / "noisy", monkeypatch)


def true_counts(rows, plan) -> Counter:
    found = Counter()
    for row in rows[plan.unit]:
        for many in range(len(plan.columns) + 1):
            for names in combinations(plan.columns, many):
                found[frozenset((name, row[name]) for name in names)] += 1
    return found


# The naive reference: one person, one cell at a time


class Naive:
    """The cell keys of a house, as their docstring says them."""

    def __init__(self, master):
        self.master = master

    def key(self, kind, unit):
        info = canonical({"scheme": "cell-keys/v1", "unit": unit, "kind": kind})
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self.master)

    def block(self, kind, unit, first, second=0):
        cipher = Cipher(AES(self.key(kind, unit)), ECB())  # noqa: S305
        block = first.to_bytes(8, "little") + second.to_bytes(8, "little")
        return int.from_bytes(cipher.encryptor().update(block)[:8], "little")

    def person(self, row):
        nik = row["nik"] or ""
        if len(nik) == 16 and nik.isascii() and nik.isdigit():
            return self.block("record", "individu", int(nik))
        born = row["tanggal_lahir"] and row["tanggal_lahir"].isoformat()
        known = [row["nik"], row["nomor_kk"], row["kode_desa"], row["nama"], born, row["jenis_kelamin"]]
        second = hmac.digest(self.key("words", "individu"), canonical(known), "sha256")[:8]
        return self.block("record", "individu", 0, int.from_bytes(second, "little"))

    def cell(self, unit, sums, box, region):
        """By the words of one cell of the ledger."""
        parts = [[name, f"{mask:x}"] for name, mask in box.items()]
        parts += [["", [f"{first:010d}-{last:010d}" for first, last in region]]] if region else []
        masks = [hmac.digest(self.key("mask", "individu"), canonical(one), "sha256")[:8] for one in parts]
        total = sum(int.from_bytes(one, "little") for one in masks) % 2**64
        return self.block("cell", unit, sums, self.block("box", "individu", total))

    def bound(self, least, most):
        return least + int.from_bytes(self.key("bound", "individu")[:8], "little") % (most - least + 1)


def members(rows, about):
    return [row for row in rows[Unit.INDIVIDU] if all(row[name] == value for name, value in about)]


def test_the_noise_is_that_of_one_cell_after_another(nation, var, noisy, tmp_path, capsys):
    assert disclose(nation, tmp_path, PLACES) == 0, capsys.readouterr().err
    naive = Naive(nation[0].keys.master.raw)
    noise = maximum_entropy(naive.bound(5, 8), 3)
    compared = 0
    for about, count in lines(table(tmp_path)).items():
        people = members(nation[2], about)
        sums = sum(map(naive.person, people)) % 2**64
        line = cells_of(PLACES, [(dict(about), 0)], small.CATALOGUE, Occupied((), {}))
        key = naive.cell("individu", sums, *line.about(0))
        true = np.array([len(people)])
        change = int(noise.changed_by(true, np.array([key >> 32], np.uint64))[0])
        assert count is None or count == len(people) + change
        compared += count is not None
    assert compared >= 12


def test_noise_has_the_mean_and_the_spread_of_the_policy_and_small_counts_are_hidden(nation, var, noisy, tmp_path):
    assert disclose(nation, tmp_path, AGES) == 0
    told, true = lines(table(tmp_path)), true_counts(nation[2], AGES)
    noise = np.array([count - true[about] for about, count in told.items() if count is not None])
    assert len(noise) > 120 and abs(noise.mean()) < 4 * sqrt(3 / len(noise)) and 1.8 < noise.var() < 4.5
    assert min(count for count in told.values() if count is not None) >= 10
    report = json.loads((tmp_path / "out" / "laporan.json").read_bytes())
    assert report["method"] == {"name": "cell-key/v1", "variance": 3, "base": 1}  # and no bound
    assert report["deviation"] == round(sqrt(3), 2) and report["broken"] == 0
    assert sum(told[about] is not None for about in told) == report["cells"] - report["hidden"]
    assert audit(tmp_path, "out") == 0


def test_one_cell_has_one_answer_in_every_table(nation, var, noisy, tmp_path):
    wide = a_plan("L1", Unit.INDIVIDU, ("kode_kab", "desil"))
    assert [disclose(nation, tmp_path, plan, name) for plan, name in ((AGES, "one"), (wide, "two"))] == [0, 0]
    one, two = (lines(table(tmp_path, name)) for name in ("one", "two"))
    same = [about for about in one if about in two]
    assert len(same) == 12 and all(one[about] == two[about] for about in same)
    assert audit(tmp_path, "one", "two") == 0


POOR = [
    In(Column("desil"), (1, 2, 3)),
    Not(Or((Compare(Op.MORE, Column("desil"), Const(3)), Missing(Column("desil"))))),
    And((Between(Column("desil"), 0, 3), Not(Missing(Column("desil"))))),
    Between(Column("persentil"), 1, 30),
]


def test_one_meaning_has_one_answer_however_it_is_said(nation, var, tmp_path, monkeypatch):
    """And it is one question: so often as one likes."""
    ask_for(CELL_KEY.format(base=5, most=1), tmp_path / "policies", monkeypatch)
    house, release, rows = nation
    rows = {
        unit: [{**row, "persentil": row["desil"] and 10 * row["desil"] - row["id_keluarga"] % 10} for row in of]
        for unit, of in rows.items()
    }
    release, _ = small.small_release(tmp_path / "releases", seal=house.keys.seal, rows=rows)
    plans = [a_plan("L1", Unit.INDIVIDU, ("jenis_kelamin", "bekerja"), population=one) for one in POOR]
    plans.append(replace(plans[0], variables=plans[0].variables[::-1]))
    for at, plan in enumerate(plans):
        assert disclose((house, release, rows), tmp_path, plan, str(at)) == 0
    told = [lines(table(tmp_path, str(at))) for at in range(len(plans))]
    assert all(one == told[0] for one in told) and len(told[0]) == 12
    assert all(count is None or count % 5 == 0 for count in told[0].values())


def test_who_did_not_change_has_one_answer_in_every_release(nation, var, noisy, tmp_path):
    """Who changed, and only who stands in a cell with them, has another."""
    house, release, rows = nation
    some = rows[Unit.INDIVIDU]
    gone = next(row for row in some if row["kode_kab"] == "3201" and row["jenis_kelamin"] == "1")
    later = {Unit.INDIVIDU: [row for row in some if row is not gone], Unit.KELUARGA: rows[Unit.KELUARGA]}
    next_one, _ = small.small_release(tmp_path / "next", seal=house.keys.seal, rows=later, version="2026.4.0")
    same, _ = small.small_release(tmp_path / "same", seal=house.keys.seal, rows=rows, version="2027.1.0")
    plan = a_plan("L1", Unit.INDIVIDU, ("kode_kab", "jenis_kelamin"), rolling=True)
    for name, one in (("a", release), ("b", same), ("c", next_one)):
        assert disclose((house, one, rows), tmp_path, plan, name) == 0
    a, b, c = (lines(table(tmp_path, name)) for name in "abc")
    assert a == b
    touched = {about for about in a if set(about) <= {("kode_kab", "3201"), ("jenis_kelamin", "1")}}
    assert len(touched) == 4 and {about for about in a if a[about] != c[about]} <= touched


def test_another_house_has_other_noise(nation, var, noisy, tmp_path, monkeypatch):
    other = a_house(tmp_path / "elsewhere")
    assert disclose(nation, tmp_path, AGES, "ours") == 0
    release, rows = small.small_release(tmp_path / "releases", seal=other.keys.seal, rows=nation[2])
    monkeypatch.setenv("BAGIPAKAI_VAR", str(other.var))
    assert disclose((other, release, rows), tmp_path, AGES, "theirs") == 0
    ours, theirs = (table(tmp_path, name)["counts"] for name in ("ours", "theirs"))
    assert sum(one != two for one, two in zip(ours, theirs, strict=True)) > len(ours) / 2


def test_families_have_noise_of_their_own(nation, var, noisy, tmp_path):
    plan = a_plan("L1", Unit.KELUARGA, ("kode_kab", "desil"))
    assert disclose(nation, tmp_path, plan) == 0
    told, true = lines(table(tmp_path)), true_counts(nation[2], plan)
    noise = [count - true[about] for about, count in told.items() if count is not None]
    assert len(noise) > 30 and len(set(noise)) > 3 and max(map(abs, noise)) <= 8
    assert audit(tmp_path, "out") == 0


# What noise does not stop


def test_a_pair_that_tells_of_one_person_is_refused_by_its_true_counts(nation, var, noisy, tmp_path, capsys):
    """Right 58 of 100 times from one pair, 67 from five (test_differencing): so there is none; nor with a table that
    is not changed."""
    house, _, _ = nation
    release, rows = small.small_release(tmp_path / "few", families=40, seal=house.keys.seal)
    nation = (house, release, rows)
    narrow, wide = map(of_age, ages(rows[Unit.INDIVIDU], 10))
    assert disclose(nation, tmp_path, wide, "wide") == 0, capsys.readouterr().err
    assert disclose(nation, tmp_path, narrow, "narrow") == 1
    told = capsys.readouterr().err
    assert "tables-tell-a-few" in told and not (tmp_path / "narrow").exists()


def test_a_table_that_is_not_changed_is_compared_with_those_that_are(nation, var, tmp_path, monkeypatch, capsys):
    """Whichever comes first."""
    house, _, _ = nation
    release, rows = small.small_release(tmp_path / "few", families=40, seal=house.keys.seal)
    narrow, wide = map(of_age, ages(rows[Unit.INDIVIDU], 10))
    for first, second in ((HOUSE, "noisy"), ("noisy", HOUSE)):
        for policies, plan, name, done in ((first, wide, "wide", 0), (second, narrow, "narrow", 1)):
            if policies == "noisy":
                shutil.rmtree(tmp_path / "noisy", ignore_errors=True)
                ask_for(CELL_KEY.format(base=1, most=10), tmp_path / "noisy", monkeypatch)
            else:
                monkeypatch.setenv("BAGIPAKAI_POLICIES", str(HOUSE))
            assert disclose((house, release, rows), tmp_path, plan, name) == done, capsys.readouterr().err
        assert "tables-tell-a-few" in capsys.readouterr().err
        shutil.rmtree(tmp_path / "wide")
        shutil.rmtree(var / "registry" / "published")


def test_exact_tables_together_are_looked_at_without_those_that_are_changed(nation, var, noisy, tmp_path, monkeypatch):
    """Counts with noise are no equations: two exact tables and one with noise pass as two exact ones do."""
    plans = [a_plan("L1", Unit.INDIVIDU, names) for names in (("kode_kab", "desil"), ("kode_kab", "jenis_kelamin"))]
    assert disclose(nation, tmp_path, plans[0], "noise") == 0
    monkeypatch.setenv("BAGIPAKAI_POLICIES", str(HOUSE))
    assert [disclose(nation, tmp_path, plan, str(at)) for at, plan in enumerate(plans)] == [0, 0]
    assert (
        len(list((var / "registry" / "published").glob("*.dsse.json"))) == 3
    )  # the first twice: it left as it is, too
    assert audit(tmp_path, "noise", "0", "1") == 0


@pytest.mark.parametrize("base", [1, 3, 5])
def test_the_error_that_a_report_states_is_the_one_that_is_made(base):
    method = CellKey(3, (5, 8), base, 10, small.DAY, "uji")
    keys = CellKeys(MasterKey(bytes(range(32))), "individu")
    draws, counts = keys.record_keys(np.arange(40_000, dtype=np.uint64)), np.arange(40_000) % base + 500
    error = published(counts, draws, maximum_entropy(6, 3), Rule(10, base)).to_numpy() - counts
    assert abs(error.std() / method.deviation - 1) < 0.02


def test_a_population_is_broken_down_so_often_and_no_more(nation, var, tmp_path, monkeypatch, capsys):
    """Who repeats averages: exact 51 of 100 times after ten breakdowns, 65 after twenty (test_differencing). A filter
    that takes nobody away is one of them, and what was asked already is none."""
    ask_for(CELL_KEY.format(base=1, most=2), tmp_path / "policies", monkeypatch)
    plans = [a_plan("L1", Unit.INDIVIDU, (name,)) for name in ("desil", "jenis_kelamin")]
    assert [disclose(nation, tmp_path, plan, str(at)) for at, plan in enumerate(plans)] == [0, 0]
    nobody_away = In(Column("jenis_kelamin"), ("1", "2"))
    for again in (a_plan("L1", Unit.INDIVIDU, ("bekerja",)), replace(plans[0], population=nobody_away)):
        assert disclose(nation, tmp_path, again, "third") == 1
        told = capsys.readouterr().err
        assert "[tables-average-out]" in told or (again.population and "[tables-tell-a-few]" in told)
        assert not (tmp_path / "third").exists()
    assert disclose(nation, tmp_path, replace(plans[0], request="P-2026-0002"), "again") == 0
    other = a_plan("L1", Unit.INDIVIDU, ("bekerja",), area=Area(("3201",), EDITION))
    assert disclose(nation, tmp_path, other, "other people") == 0, capsys.readouterr().err


def test_a_set_of_people_is_counted_by_the_questions_about_it(tmp_path):
    """Whatever they are called in, and in whichever release: the same question is one."""
    ledger, at = Ledger(tmp_path / "published", STORAGE, Signer.new()), datetime(2026, 11, 26, tzinfo=UTC)

    def told(release, question, count, *sets):
        cells = Cells(
            [{"desil": 2 + at} for at in range(len(sets))], [((0, 9),)], *np.zeros((2, len(sets)), int), count
        )
        output = Output(f"{release} {question} {count}", "dinsos", release, "individu", question * 64)
        ledger.add(output, cells, at, np.array(sets, np.uint64))

    with ledger.turn():
        told("2026.3.0", "a", np.array([5, 6]), 1, 2)
        told("2026.4.0", "a", np.array([5, 7]), 1, 3)
        told("2026.4.0", "b", np.array([5, 8]), 1, 2)
        ledger.add(Output("T", "dinsos", "2026.3.0", "individu"), Cells([{}], [()], *np.zeros((3, 1), int)), at)
        asked = Output("", "dinsos", "2026.4.0", "individu", "c" * 64)
        assert ledger.breakdowns(asked, np.array([1, 2, 3, 4], np.uint64)).tolist() == [2, 2, 1, 0]
        assert ledger.breakdowns(replace(asked, question="b" * 64), np.array([1], np.uint64)).tolist() == [1]
        assert (
            len(ledger.equations(Output("U", "", "2026.3.0", "individu"), Cells([], [], *np.zeros((3, 0), int)))) == 1
        )
        assert ledger.equations(asked, Cells([], [], *np.zeros((3, 0), int))) == []


def test_sets_are_the_same_however_the_rows_are_cut(nation):
    rows = nation[2][Unit.INDIVIDU][::11][:300]
    names = ("nomor_kk", "nik"), ("kode_kab", "kode_desa", "nama", "tanggal_lahir", "jenis_kelamin")
    told = {
        **{f"_{one}": [row[one] for row in rows] for one in names[0]},
        **{one: [row[one] for row in rows] for one in names[1]},
    }
    whole, keys = pa.RecordBatch.from_pydict(told), CellKeys(MasterKey(bytes(32)), "individu")
    cut = [whole.slice(at, 70) for at in range(0, 300, 70)]
    by = ["kode_kab", "jenis_kelamin"]
    found = sets([whole], by, Unit.INDIVIDU, keys)
    assert len(found) == 6 and found == sets(cut, by, Unit.INDIVIDU, keys)
    assert sum(n for n, _ in found.values()) == 300


def test_what_is_left_beside_a_cell_is_never_a_few():
    """As one pair of nodes after another, in two dimensions of which one has levels."""
    dice = np.random.default_rng(5)
    for _ in range(40):
        trees = (
            nested("wilayah", [("1", "11"), ("1", "12"), ("2", "21"), ("3", "31"), ("3", "32")], 99),
            flat("x", [1, 2, 3], 99),
        )
        finest = {
            (one, two): int(dice.choice([0, 3, 14, 200])) for one in ("11", "12", "21", "31", "32") for two in (1, 2, 3)
        }
        counts = with_margins(trees, finest)
        found = nearly_all(trees, counts, 10)
        above = [[{at, *ancestors(tree, at)} for at in range(len(tree))] for tree in trees]
        leaves = [[set(below(tree, at)) for at in range(len(tree))] for tree in trees]
        for at in np.ndindex(counts.shape):
            around = [
                wide
                for wide in np.ndindex(counts.shape)
                if all(w in a[i] for w, a, i in zip(wide, above, at, strict=True))
            ]
            divided = [wide for wide in around if any(o[w] != o[i] for o, w, i in zip(leaves, wide, at, strict=True))]
            assert found[at] == any(counts[wide] - counts[at] < 10 for wide in divided)


def ancestors(tree, node):
    while (node := tree.parents[node]) >= 0:
        yield node


def below(tree, node):
    children = tree.children[node]
    return {node} if not children else {leaf for child in children for leaf in below(tree, child)}


def protected(persons, families=None, base=1, people=0, **rule):
    """The table of so many persons by regency (rows) and sex (columns), each in a family of their own, with noise."""
    axes = (
        Axis(("kode_kab",), flat("kode_kab", [("3201",), ("3273",), ("5171",)], 9)),
        Axis(("jenis_kelamin",), flat("jenis_kelamin", [("1",), ("2",)], 9)),
    )
    trees, keys = [axis.tree for axis in axes], [[(one,), (sex,)] for one in ("3201", "3273", "5171") for sex in "12"]

    def whole(counts):
        return with_margins(trees, {tuple(key): one for key, one in zip(keys, np.ravel(counts).tolist(), strict=True)})

    cube = Cube(tuple(trees), whole(persons), whole(persons if families is None else families))
    plan = a_plan("L1", Unit.INDIVIDU, ("kode_kab", "jenis_kelamin"))
    about = about_cells(plan, list(cells(axes, [0] * 12)), small.CATALOGUE, Occupied((), {}))
    rule = replace(TableRule.on(small.DAY), most_small_percent=100, **rule)
    method, house = CellKey(3, (5, 8), base, 10, small.DAY, "uji"), house_keys(MasterKey(bytes(range(32))))
    sums = np.uint64(100 * people) + np.arange(12, dtype=np.uint64).reshape(cube.shape)
    return perturbed(plan, cube, sums, about, rule, method, house)


def hidden(found) -> list[int]:
    return [at for at, count in enumerate(found.published) if count is None]


def test_what_is_hidden_is_small_alike_or_beside_a_few():
    """Cells in order: all, men, women; then the same of each of the three regencies."""
    assert hidden(protected([[200, 300], [100, 900], [150, 160]])) == []
    assert hidden(protected([[200, 300], [1, 900], [150, 160]])) == [7, 8]  # one man, and the women beside him
    assert hidden(protected([[200, 300], [0, 900], [150, 160]])) == [7, 8]  # nobody is an answer about somebody
    assert hidden(protected([[200, 300], [30, 60], [1, 290]])) == [10, 11]
    few = protected([[200, 300], [100, 900], [150, 160]], families=[[90, 90], [2, 90], [90, 90]])
    assert hidden(few) == [7]  # a hundred men are two families
    assert protected([[200, 3], [100, 1], [150, 2]]).published[2] is None  # six women of a nation
    assert protected([[9, 3], [1, 1], [0, 0]]).code == "table-too-fine"


def test_what_is_alike_among_few_is_hidden_by_true_and_by_published_counts():
    """91 of 101 are no such part. But six of 1,500 times both are changed so that they seem to be, and no file says so:
    these are three of them, and one of the others."""
    assert hidden(protected([[200, 300], [60, 39], [150, 160]])) == []
    assert hidden(protected([[200, 300], [60, 39], [150, 160]], homogeneous_percent=60)) == [7]
    found = [hidden(protected([[200, 300], [91, 10], [150, 160]], people=turn)) for turn in (163, 210, 384, 2)]
    assert found[:3] == [[7], [7], [7]] and 7 not in found[3]


@pytest.mark.parametrize("base", [3, 5])
def test_nothing_below_the_smallest_count_is_told_by_rounding(base):
    """12 would round to 10, where 11 is the smallest: it is hidden."""
    for many in range(10, 24):
        shown = [one for one in protected([[many] * 2, [many] * 2, [900, 900]], base=base).published if one is not None]
        assert min(shown) >= 10 and all(one % base == 0 for one in shown)


# What an auditor sees, and what is refused


def change(tmp_path, name, at, count):
    told = table(tmp_path, name)
    told["counts"][at] = count
    rewrite(tmp_path / name, told)


def test_the_paper_tells_how_counts_were_changed_and_not_by_how_much_at_most(nation, var, tmp_path, monkeypatch):
    ask_for(CELL_KEY.format(base=5, most=7), tmp_path / "policies", monkeypatch)
    assert disclose(nation, tmp_path, PLACES) == 0
    page = (tmp_path / "out" / "laporan.html").read_text("utf-8")
    for words in (
        "kelipatan 5",
        "tidak lebih dari 7 pertanyaan",
        "Cara melindungi",
        "1 Februari 2026",
        "tidak lebih dari 5",
    ):
        assert words in page
    written = [file.read_text("utf-8") for file in (tmp_path / "out").iterdir()]
    assert len(written) == 4 and not any("bounds" in one for one in written)


def test_an_audit_sees_a_count_that_was_not_protected(nation, var, tmp_path, monkeypatch, capsys):
    ask_for(CELL_KEY.format(base=5, most=10), tmp_path / "policies", monkeypatch)
    assert disclose(nation, tmp_path, PLACES) == 0 and audit(tmp_path, "out") == 0
    whole = table(tmp_path)
    for wrong in (5, 1002):
        change(tmp_path, "out", -1, wrong)
        assert audit(tmp_path, "out") == 1
        assert "[disclosed-count-is-unprotected]" in capsys.readouterr().err
        rewrite(tmp_path / "out", whole)
    assert audit(tmp_path, "out") == 0


def test_an_audit_sees_noise_that_can_be_averaged(nation, var, noisy, tmp_path, monkeypatch, capsys):
    """A house that lost its key, or whose keys change with the release."""
    assert disclose(nation, tmp_path, AGES, "one") == 0
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert audit(tmp_path, "one", "two") == 0
    change(tmp_path, "two", 0, table(tmp_path, "one")["counts"][0] + 1)
    assert audit(tmp_path, "one", "two") == 1
    assert "[disclosed-noise-differs]" in capsys.readouterr().err


def test_an_audit_counts_what_could_be_subtracted_and_averaged(nation, var, noisy, tmp_path, capsys):
    """Of two tables nothing is near; where a count of the second is moved to three less than the whole, one pair is."""
    wide = a_plan("L1", Unit.INDIVIDU, ("kode_kab", "desil"))
    assert [disclose(nation, tmp_path, plan, name) for plan, name in ((AGES, "one"), (wide, "two"))] == [0, 0]
    capsys.readouterr()

    def audited():
        assert main(["registry", "audit", str(tmp_path / "one"), str(tmp_path / "two"), "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        return told["noisy_pairs"], told["noisy_tables_of_one_group"]

    assert audited() == (0, 2)
    counts = table(tmp_path, "two")["counts"]
    change(tmp_path, "two", len(counts) // 4, counts[0] - 3)
    assert audited() == (1, 2)


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        (CELL_KEY.format(base=1, most=10).replace('"cell-key"', '"cell-keys"'), "method"),
        (CELL_KEY.format(base=0, most=10), "base"),
        (CELL_KEY.format(base=1, most=10).replace("variance = 3\n", ""), "variance"),
        (CELL_KEY.format(base=1, most=10).replace("[5, 8]", "[8, 5]"), "bounds"),
        (CELL_KEY.format(base=1, most=10).replace("[5, 8]", "5"), "bounds"),
        (
            CELL_KEY.format(base=1, most=10).replace("[5, 8]", "[1, 1]").replace("variance = 3", "variance = 0"),
            "variance",
        ),
    ],
)
def test_what_policy_does_not_say_whole_is_no_table(rule, field, nation, var, tmp_path, monkeypatch, capsys):
    ask_for(rule, tmp_path / "policies", monkeypatch)
    assert disclose(nation, tmp_path, AGES) == 1
    said = capsys.readouterr().err
    assert "[disclose-no-rule]" in said and field in said and not (tmp_path / "out").exists()


def test_a_policy_that_cannot_be_read_is_said_with_its_row(nation, var, tmp_path, monkeypatch, capsys):
    ask_for(
        CELL_KEY.format(base=1, most=10).replace('basis = "', 'basis = ""  # "'), tmp_path / "policies", monkeypatch
    )
    assert disclose(nation, tmp_path, AGES) == 1
    said = capsys.readouterr().err
    assert "[policy-unusable]" in said and "disclosure.toml [[method]], row" in said and "`basis`" in said


# Additive to the eye


ADDITIVE = CELL_KEY + "additive_within = {within}\n"


@pytest.fixture
def additive(tmp_path, monkeypatch):
    ask_for(ADDITIVE.format(base=1, most=10, within=20), tmp_path / "additive", monkeypatch)


def totals(told):
    """Of published lines, each total and its parts by one more variable, where all of these are shown."""
    names = {name for about in told for name, _ in about}
    for about in told:
        for name in names - {name for name, _ in about}:
            parts = [one for one in told if about < one and {of for of, _ in one - about} == {name}]
            if parts and all(told[one] is not None for one in (about, *parts)):
                yield about, parts


def test_where_policy_asks_a_table_adds_up_and_says_so(nation, var, noisy, tmp_path, monkeypatch, capsys):
    """Without it, the same table does not. Hidden is what was hidden, and no count is further away than is said."""
    assert disclose(nation, tmp_path, AGES, "plain") == 0
    ask_for(ADDITIVE.format(base=1, most=10, within=20), tmp_path / "asked", monkeypatch)
    monkeypatch.setenv("BAGIPAKAI_VAR", str(elsewhere(var, tmp_path)))
    assert disclose(nation, tmp_path, AGES, "out") == 0
    plain, told = (lines(table(tmp_path, name)) for name in ("plain", "out"))
    assert len(list(totals(told))) > 10
    assert all(told[about] == sum(told[one] for one in parts) for about, parts in totals(told))
    assert not all(plain[about] == sum(plain[one] for one in parts) for about, parts in totals(plain))
    assert {about for about in told if told[about] is None} == {about for about in plain if plain[about] is None}
    moved = [abs(told[about] - plain[about]) for about in told if told[about] not in (None, plain[about])]
    report = json.loads((tmp_path / "out" / "laporan.json").read_bytes())
    assert report["balance"] == {
        "within": 20, "sums": len(list(totals(told))), "changed": len(moved), "largest": max(moved)
    }  # fmt: skip
    assert (
        report["method"]["additive"] == {"within": 20, "adds_up": True} == table(tmp_path, "out")["method"]["additive"]
    )
    assert report["broken"] == 0 and max(moved) <= 20
    page = (tmp_path / "out" / "laporan.html").read_text("utf-8")
    assert "diubah sekali lagi" in page and "dapat berbeda dari angka yang sama dalam tabel lain" in page
    assert "balance" not in json.loads((tmp_path / "plain" / "laporan.json").read_bytes())
    assert audit(tmp_path, "out") == 0, capsys.readouterr().err


def elsewhere(var, tmp_path):
    """The same house, in which nothing was published yet."""
    own = tmp_path / "elsewhere"
    own.mkdir()
    (own / "keys").symlink_to((var / "keys").resolve())
    return own


def test_the_ledger_has_the_true_counts_all_the_same(nation, var, noisy, tmp_path, monkeypatch):
    """So that what is refused beside it is what would be refused beside the other."""
    kept = []
    for name, rule in (("one", CELL_KEY.format(base=1, most=10)), ("two", ADDITIVE.format(base=1, most=10, within=20))):
        place = tmp_path / name
        place.mkdir()
        ask_for(rule, place / "policies", monkeypatch)
        monkeypatch.setenv("BAGIPAKAI_VAR", str(elsewhere(var, place)))
        added, add = [], Ledger.add
        monkeypatch.setattr(Ledger, "add", lambda self, *told, to=added, add=add: (to.append(told), add(self, *told)))
        assert disclose(nation, place, AGES) == 0
        monkeypatch.setattr(Ledger, "add", add)
        ((output, cells, _, sets),) = added
        kept.append((output, cells.box.tolist(), cells.region.tolist(), cells.count.tolist(), sets.tolist()))
    assert kept[0] == kept[1]


def test_a_count_of_two_additive_tables_may_differ_and_no_further_than_is_said(nation, var, additive, tmp_path, capsys):
    """By 20 in each of them. More, and another noise was drawn."""
    assert disclose(nation, tmp_path, a_plan("L1", Unit.INDIVIDU, ("kode_kab", "desil")), "one") == 0
    whole = table(tmp_path, "one")
    grid = np.array(whole["counts"], object).reshape([len(axis["values"]) for axis in whole["axes"]])
    assert None not in grid[:2, :2].tolist()[0] + grid[:2, :2].tolist()[1]
    capsys.readouterr()
    for by, found in ((40, 0), (41, 1)):
        other = grid.copy()
        other[:2, :2] += by  # a cell, and all its totals: they still add up
        shutil.copytree(tmp_path / "one", tmp_path / str(by))
        rewrite(tmp_path / str(by), {**whole, "counts": other.ravel().tolist()})
        assert audit(tmp_path, "one", str(by)) == found
        assert ("[disclosed-noise-differs]" in capsys.readouterr().err) == bool(found)


def test_an_audit_sees_that_an_additive_table_does_not_add_up(nation, var, additive, tmp_path, capsys):
    assert disclose(nation, tmp_path, AGES) == 0
    change(tmp_path, "out", 0, table(tmp_path)["counts"][0] + 1)
    assert audit(tmp_path, "out") == 1
    assert "[disclosed-table-contradicts-itself]" in capsys.readouterr().err


@pytest.mark.parametrize(
    "said",
    [
        {"within": 20},
        {"within": "20", "adds_up": True},
        {"within": 20, "adds_up": 1},
        {"within": 20, "adds_up": True, "x": 1},
    ],
)
def test_an_audit_reads_nothing_else_of_it(nation, var, additive, tmp_path, said, capsys):
    assert disclose(nation, tmp_path, AGES) == 0
    whole = table(tmp_path)
    whole["method"]["additive"] = said
    rewrite(tmp_path / "out", whole)
    assert audit(tmp_path, "out") == 1 and "[disclosed-table-malformed]" in capsys.readouterr().err


def test_where_a_table_cannot_add_up_it_leaves_as_it_was_and_says_so(nation, var, tmp_path, monkeypatch):
    ask_for(ADDITIVE.format(base=5, most=10, within=4), tmp_path / "policies", monkeypatch)
    assert disclose(nation, tmp_path, AGES) == 0
    told = lines(table(tmp_path))
    assert not all(told[about] == sum(told[one] for one in parts) for about, parts in totals(told))
    assert table(tmp_path)["method"]["additive"] == {"within": 4, "adds_up": False}
    assert "tidak ditemukan cara" in (tmp_path / "out" / "laporan.html").read_text("utf-8")
    assert json.loads((tmp_path / "out" / "laporan.json").read_bytes())["balance"]["changed"] is None
    assert audit(tmp_path, "out") == 0


@pytest.mark.parametrize("within", ["0", "-5", "true", '"20"', "1.5"])
def test_half_a_rule_for_adding_up_is_none(nation, var, tmp_path, monkeypatch, within, capsys):
    ask_for(ADDITIVE.format(base=1, most=10, within=within), tmp_path / "policies", monkeypatch)
    assert disclose(nation, tmp_path, AGES) == 1 and "[disclose-no-rule]" in capsys.readouterr().err


def test_families_add_up_too_rounded(nation, var, tmp_path, monkeypatch):
    ask_for(ADDITIVE.format(base=5, most=10, within=15), tmp_path / "policies", monkeypatch)
    plan = a_plan("L1", Unit.KELUARGA, ("kode_kab", "desil"))
    assert disclose(nation, tmp_path, plan) == 0
    told = lines(table(tmp_path))
    assert all(told[about] == sum(told[one] for one in parts) for about, parts in totals(told))
    assert len(list(totals(told))) > 3 and all(one is None or (one % 5 == 0 and one >= 10) for one in told.values())
    assert audit(tmp_path, "out") == 0
