"""The risk report of a table: each figure is the run's, none tells what was hidden, and what breaks is said."""

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from importlib.metadata import version
from itertools import product

import pytest
from tests.registry.disclosure.test_disclosing import PLANS, counted, disclose, lines, nation, table, var  # noqa: F401
from tests.registry.orders import CATALOGUE, DAY, a_plan

from bagipakai.core.charts import NARROWEST, breadth
from bagipakai.core.disclosure import Cell
from bagipakai.core.methods import method_on
from bagipakai.core.plan import Unit
from bagipakai.core.policy import rules
from bagipakai.registry.disclosure import reporting
from bagipakai.registry.disclosure.audit import Narrow
from bagipakai.registry.disclosure.disclosing import as_json, disclosed, of_json
from bagipakai.registry.disclosure.drawings import MOST_ROWS, hidden_cells, usefulness
from bagipakai.registry.disclosure.outputs import Made
from bagipakai.registry.disclosure.page import page
from bagipakai.registry.disclosure.paper import unfounded
from bagipakai.registry.disclosure.reporting import Alike, Run, figures
from bagipakai.registry.disclosure.tables import TableRule
from bagipakai.registry.disclosure_commands import _written
from bagipakai.registry.matching.explaining import count, percent

RULE = TableRule.on(DAY)
PERSONS = PLANS["persons"]
HIDING = method_on(DAY)


def run_of(plan, told, compared=0) -> Run:
    """A run from a published file."""
    axes, counts = of_json(told)
    return Run(
        plan, ("2026.3.0", "a" * 64), CATALOGUE, axes, counts, RULE.of_plan(plan), DAY, compared, "c" * 64, HIDING
    )


@pytest.fixture(scope="module")
def true(nation):  # noqa: F811
    """Every combination of the persons' table and its true count."""
    return counted(nation[2], PERSONS)


def protected(true: Counter):
    """The table of persons that is made of these counts, each in a family of his own."""

    def cells(query):
        told = {tuple(dict(about)[name] for name in query.by): many for about, many in true.items()
                if {name for name, _ in about} == set(query.by)}  # fmt: skip
        return [Cell(key, many, many) for key, many in told.items()]

    found = disclosed(PERSONS, RULE, cells)
    assert not hasattr(found, "code"), found
    return found


@pytest.fixture(scope="module")
def published(true):
    """Of which six cells are hidden, in two rows."""
    told = as_json(protected(true))
    assert told["counts"].count(None) >= 4
    return told


class _Text(HTMLParser):
    """What a reader sees, or hears of a drawing."""

    def __init__(self, html):
        super().__init__()
        self.pieces, self._silent = [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self._silent = tag in ("style", "head") or (self._silent and tag != "body")

    def handle_data(self, data):
        if not self._silent:
            self.pieces.append(data)


def text(html: str) -> str:
    return "\n".join(_Text(html).pieces)


# The naive report: cell by cell, from the file


def naive(told: dict, smallest: int) -> dict:
    axes = told["axes"]
    places = list(product(*(range(len(axis["values"])) for axis in axes)))
    counts = dict(zip(places, told["counts"], strict=True))
    shown = {place: one for place, one in counts.items() if one is not None}
    groups = []  # of each group its count, and that of its largest part that is shown
    for place, whole in shown.items():
        for at, axis in enumerate(axes):
            below = [node for node, parent in enumerate(axis["parents"]) if node and parent == place[at]]
            parts = [counts[(*place[:at], node, *place[at + 1 :])] for node in below]
            if whole and len(parts) > 1:
                groups.append((whole, max((one for one in parts if one is not None), default=0)))
    nearly = [whole for whole, part in groups if 100 * part >= 95 * whole]
    left = {}
    for place, one in counts.items():
        deep = [len(axis["values"][node]) for axis, node in zip(axes, place, strict=True)]
        names = tuple(axis["variables"][depth - 1] for axis, depth in zip(axes, deep, strict=True) if depth)
        cells, many, persons = left.get(names, (0, 0, 0))
        left[names] = (cells + 1, many + (one is not None), persons + (one or 0))
    left.pop(())
    return {
        "total": told["counts"][0],
        "cells": len(counts),
        "hidden": len(counts) - len(shown),
        "least": min(shown.values()),
        "below": sum(one < smallest for one in shown.values()),
        "alike": [len(groups), len(nearly), sum(one[0] < 100 for one in groups), sum(one < 100 for one in nearly)],
        "left": left,
    }


@pytest.mark.parametrize("name", PLANS)
def test_every_figure_is_what_a_naive_reader_of_the_file_finds(name, nation, var, tmp_path):  # noqa: F811
    assert disclose(nation, tmp_path, PLANS[name]) == 0
    report = json.loads((tmp_path / "out" / "laporan.json").read_bytes())
    expected = naive(table(tmp_path), report["smallest"])
    assert {key: report[key] for key in expected if key not in ("alike", "left")} == {
        key: value for key, value in expected.items() if key not in ("alike", "left")
    }
    assert list(report["alike"].values()) == expected["alike"]
    told = {tuple(one["levels"]): (one["cells"], one["shown"], one["counted"]) for one in report["left"]}
    assert told == expected["left"]


@pytest.mark.parametrize("name", PLANS)
def test_every_number_on_the_page_is_one_that_the_run_says(name, nation, var, tmp_path):  # noqa: F811
    """Or stands in the plan, in a policy, in a name, a digest or a version."""
    plan = PLANS[name]
    assert disclose(nation, tmp_path, plan) == 0
    report = json.loads((tmp_path / "out" / "laporan.json").read_bytes())
    told, left_over = table(tmp_path), text((tmp_path / "out" / "laporan.html").read_text("utf-8"))
    release, policies = nation[1], [rules("disclosure", name).on(DAY) for name in ("table", "together")]
    for words in (
        *(rule.basis for rule in (*policies, HIDING)),
        *(release.digest, release.catalogue.digest, plan.digest, report["content"]),
        *(plan.legal_basis, plan.request, plan.recipient.name, f"({plan.recipient.institution})"),
        *(f"{program} {version(program)}" for program in ("bagipakai", "duckdb", "highspy", "numpy")),
        *("1 Januari 2026", "30 Juni 2027", "(Fischetti dan Salazar, 2000)", "(Fellegi, 1972)"),
    ):
        assert words in left_over, words
        left_over = left_over.replace(words, "")
    left_over = left_over.replace(release.version, "")
    assert set(re.findall(r"\d+(?:[.,]\d+)*", left_over)) <= numbers(report) | labels(told, plan)


def numbers(report: dict) -> set[str]:
    """As a reader meets them."""
    whole = {report[name] for name in ("total", "cells", "hidden", "smallest", "least", "below", "compared")}
    whole |= {report["smallest"] - 1, report["cells"] - report["hidden"], len(report["attacks"])}
    whole |= {one[key] for one in report["attacks"] for key in ("found", "of") if one[key] is not None}
    alike = report["alike"]
    whole |= {*alike.values(), RULE.homogeneous_percent, RULE.homogeneous_under}
    shares = {report["hidden"] / report["cells"], alike["nearly"] / max(alike["groups"], 1)}
    for one in report["left"]:
        whole |= {one["cells"], one["shown"]}
        shares |= {one["shown"] / one["cells"], one["counted"] / report["total"]}
    told = {count(one, "id") for one in whole}
    return told | {re.search(r"[\d.,]+", percent(one, "id", 1))[0] for one in shares}


def labels(told: dict, plan) -> set[str]:
    """Of values; where hidden cells lie; and the limits of the filter."""
    rows = {str(value) for axis in told["axes"] for path in axis["values"] for value in path}
    many = [len(axis["values"]) for axis in told["axes"]]
    hidden = Counter(at // many[-1] for at, one in enumerate(told["counts"]) if one is None)
    by_column = Counter(at % many[-1] for at, one in enumerate(told["counts"]) if one is None)
    return {*rows, *map(str, many), *map(str, hidden.values()), *map(str, by_column.values()), "1", "7"}


ALIKE = [  # found by search: blocks of small counts, one with one small cell more, of which the same leaves
    (((11, 5, 12), (5, 32, 30), (30, 20, 11)), ((6, 10, 12), (10, 27, 30), (30, 20, 11))),
    (((9, 7, 12), (7, 26, 34), (30, 24, 7)), ((13, 7, 8), (3, 30, 34), (30, 20, 11))),
]


@pytest.mark.parametrize("blocks", ALIKE)
def test_two_registries_that_publish_the_same_write_the_same(blocks, nation, tmp_path):  # noqa: F811
    """So no true count of a hidden cell stands in any file, nor which hidden cells are the small ones, nor how many."""
    tables = [protected(a_block(block)) for block in blocks]
    small = [int(one.table.primary.sum()) for one in tables]
    assert tables[0].table.published == tables[1].table.published and small[0] == small[1] + 1
    written = []
    for at, one in enumerate(tables):
        _written(PERSONS, nation[1], Made(one, HIDING, 0), DAY, tmp_path / str(at))
        written.append({file.name: file.read_bytes() for file in (tmp_path / str(at)).iterdir()})
    assert len(written[0]) == 4 and written[0] == written[1]


def a_block(few) -> Counter:
    """Seven ages and seven deciles with a hundred persons and more in each, but in a block of three by three."""
    cells = {(umur, desil): 100 + 10 * umur + desil for umur in range(7) for desil in range(1, 8)}
    cells |= {(umur, desil): few[umur][desil - 1] for umur in range(3) for desil in range(1, 4)}
    found = Counter()
    for (umur, desil), many in cells.items():
        for about in ({}, {"umur": umur}, {"desil": desil}, {"umur": umur, "desil": desil}):
            found[frozenset(about.items())] += many
    return found


def test_a_true_count_of_a_hidden_cell_is_nowhere_on_the_page(true, published):
    """Of counts that the page has no other reason to tell."""
    run = run_of(PERSONS, published)
    found = figures(run)
    abouts = zip(lines(published), published["counts"], strict=True)
    reasons = numbers(found.to_json()) | labels(published, PERSONS) | {"2000", "1972"}
    secret = {str(true[about]) for about, one in abouts if one is None} - reasons
    told = text(page(run, found))
    for words in (PERSONS.digest, run.content, run.catalogue.digest, run.release[1]):
        told = told.replace(words, "")
    assert secret and not secret & set(re.findall(r"\d+(?:[.,]\d+)*", told))


def test_the_same_plan_and_release_give_the_same_page(nation, var, tmp_path):  # noqa: F811
    assert [disclose(nation, tmp_path, PERSONS, name) for name in ("one", "two")] == [0, 0]
    pages = [(tmp_path / name / "laporan.html").read_bytes() for name in ("one", "two")]
    assert pages[0] == pages[1]


def test_the_page_says_with_how_many_tables_it_was_compared(nation, var, tmp_path):  # noqa: F811
    assert disclose(nation, tmp_path, PLANS["persons by place"], "before") == 0
    assert disclose(nation, tmp_path, PERSONS) == 0
    assert "dibandingkan dengan 1 tabel lain" in (tmp_path / "out" / "laporan.html").read_text("utf-8")


def test_a_hidden_cell_that_is_shown_is_a_finding(true, published):
    """Each of them: it is small itself, or it gives another away."""
    abouts = list(lines(published))
    for at in [at for at, one in enumerate(published["counts"]) if one is None]:
        counts = list(published["counts"])
        counts[at] = true[abouts[at]]
        run = run_of(PERSONS, published | {"counts": counts})
        found = figures(run)
        assert found.broken
        told = page(run, found)
        assert "<td>Temuan</td>" in told and "jangan diserahkan" in told
    whole = page(run_of(PERSONS, published), figures(run_of(PERSONS, published)))
    assert "Temuan" not in whole and "Tidak satu pun dari 7 serangan" in whole


def test_the_command_says_that_an_attack_succeeded(nation, var, tmp_path, monkeypatch, capsys):  # noqa: F811
    assert disclose(nation, tmp_path, PERSONS) == 0
    assert "serangan berhasil" not in capsys.readouterr().out
    monkeypatch.setattr(reporting, "audit", lambda trees, counts, hidden: [Narrow(at, 0, 1) for at in hidden])
    assert disclose(nation, tmp_path, PERSONS, "near") == 0
    assert "1 serangan berhasil" in capsys.readouterr().out
    assert "6 dari 6 angka tertutup didekati" in (tmp_path / "near" / "laporan.html").read_text("utf-8")


def test_a_small_group_of_which_nearly_all_are_alike_is_a_finding():
    told = {
        "axes": [{"variables": ["desil"], "values": [[], [1], [2]], "parents": [-1, 0, 0]}],
        "counts": [90, 88, None],
    }
    run = run_of(a_plan("L1", Unit.INDIVIDU, ("desil",)), told)
    assert figures(run).alike == Alike(1, 1, 1, 1)
    assert {one.name for one in figures(run).attacks if one.found} == {"alike", "file"}
    assert figures(run_of(run.plan, told | {"counts": [90, 50, 40]})).alike == Alike(1, 0, 1, 0)


def test_the_map_shows_each_hidden_cell_in_its_row(published):
    run = run_of(PERSONS, published)
    figure = hidden_cells(run)
    hidden = [at for at, one in enumerate(published["counts"]) if one is None]
    assert sum(int(row[2]) for row in figure.caption.rows) == len(hidden)
    filled = [part for part in figure.parts if part.name == "rect" and part.attributes["fill"] == "brand"]
    assert len(filled) == len(hidden) + 1  # one is the key
    assert {row[0] for row in figure.caption.rows} == {
        str(dict(about)[run.axes[1].names[0]])
        for about, one in zip(lines(published), published["counts"], strict=True)
        if one is None
    }


def test_of_many_rows_those_with_most_hidden_cells_are_drawn():
    """Three hundred places of two decil classes, of which the last hundred have nothing shown."""
    places = [str(3000 + at) for at in range(300)]
    values = [[], *([one] for one in places)]
    desil = {"variables": ["desil"], "values": [[], [1], [2]], "parents": [-1, 0, 0]}
    kab = {"variables": ["kode_kab"], "values": values, "parents": [-1] + [0] * 300}
    counts = [60_000, 30_000, 30_000]
    for at in range(300):
        counts += [200, None, None] if at % 2 else [None, None, None] if at >= 200 else [200, 100, 100]
    figure = hidden_cells(
        run_of(a_plan("L1", Unit.INDIVIDU, ("kode_kab", "desil")), {"axes": [kab, desil], "counts": counts})
    )
    assert len(figure.caption.rows) == MOST_ROWS
    assert {row[2] for row in figure.caption.rows} == {"3"}
    assert "170 baris lain" in figure.caption.says


def test_one_dimension_is_a_row_of_numbers_or_rows_of_names():
    parents, counts = [-1] + [0] * 30, [3000, *[100] * 28, None, None]
    ages = {"variables": ["umur"], "values": [[], *([age] for age in range(29)), [None]], "parents": parents}
    figure = hidden_cells(run_of(a_plan("L1", Unit.INDIVIDU, ("umur",)), {"axes": [ages], "counts": counts}))
    assert figure.caption.rows == (("Semua", "31", "2"),) and "kolom ? yang tidak diketahui" in figure.caption.says
    names = {"variables": ["kode_kab"], "values": [[], *([str(at)] for at in range(9970, 10000))], "parents": parents}
    figure = hidden_cells(run_of(a_plan("L1", Unit.INDIVIDU, ("kode_kab",)), {"axes": [names], "counts": counts}))
    assert figure.caption.rows == (("9998", "1", "1"), ("9999", "1", "1"))


@pytest.mark.parametrize("name", PLANS)
def test_every_line_of_a_chart_fits_a_telephone(name, nation, var, tmp_path):  # noqa: F811
    assert disclose(nation, tmp_path, PLANS[name]) == 0
    run = run_of(PLANS[name], table(tmp_path))
    for figure in (usefulness(run, figures(run)), hidden_cells(run)):
        for part in figure.parts:
            if part.name == "text":
                assert breadth(part.children[0], part.attributes["font-size"]) <= NARROWEST


def test_the_page_stands_alone_and_escapes_what_it_is_told(published):
    plan = replace(PERSONS, programme="<script>alert(1)</script>", legal_basis='" onload="x & y')
    run = run_of(plan, published)
    told = page(run, figures(run))
    assert "&lt;script&gt;" in told and "x &amp; y" in told
    assert not re.search(r"<script|<link|<img|\ssrc=|\shref=|@import|style=", told)
    assert "default-src 'none'; style-src 'unsafe-inline'" in told
    assert len(told.encode()) < 100_000
    named = re.findall(r'aria-label="([^"]+)" tabindex="0"><table>', told)
    assert len(named) == len(set(named)) == told.count("<table>")


def test_the_page_says_what_leaves_to_whom_and_why(nation, var, tmp_path):  # noqa: F811
    plan = PLANS["some of them"]
    assert disclose(nation, tmp_path, plan) == 0
    told = text((tmp_path / "out" / "laporan.html").read_text("utf-8"))
    for words in (
        "Desil kesejahteraan: 1 sampai 7", "seluruh Indonesia", "Penyaluran bantuan sosial (BANSOS)", plan.programme,
        plan.legal_basis, plan.recipient.name, "tidak boleh", "30 Juni 2027", "diperlukan program", "Tanda tangan",
    ):  # fmt: skip
        assert words in told


def test_what_is_signed_names_what_it_is_about_and_what_has_no_basis_yet(published):
    run = run_of(PERSONS, published)
    first = text(page(run, figures(run))).partition("Lampiran")[0]
    assert f"Sidik isi tabel\n{run.content}" in first
    said = "Dengan menandatangani, kami menyatakan telah membaca lembar ini dan lampirannya."
    assert first.index("Pengesahan") < first.index(said) < first.index("Tanda tangan")
    assert rules("disclosure", "table").on(DAY).basis.startswith("belum ada")
    assert "belum berdasar pada peraturan" in first
    assert unfounded(["Perpres 1/2030 Pasal 2", "Keputusan 9: bukan belum ada"]) == "" != unfounded(["x", "belum ada"])
