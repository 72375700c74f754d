"""What `registry disclose` and `registry audit` are given that is no table, or none that could be: a code, a sentence,
exit 1, at once, and nothing left behind."""

import json
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.registry.disclosure.attacks.door import Published, Refused, Registry, a_question, a_registry
from tests.registry.disclosure.attacks.town import districts, some_town
from tests.registry.disclosure.test_disclosing import rewrite
from tests.registry.small import REGENCIES

from bagipakai.cli import main
from bagipakai.core.plan import Unit
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Missing, Not, Op, Or, Predicate
from bagipakai.core.refusal import Refusal
from bagipakai.registry.publishing import withdraw

FILES = ("tabel.json", "tabel.csv", "laporan.json", "laporan.html")
AT_ONCE = 5.0  # seconds; a table that is counted takes less than one
DESIL, UMUR = Column("desil"), Column("umur")


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Registry:
    """In each district everybody works in the same, but for one who works in something else."""
    rows = some_town(900, 2)
    works = iter("ABCEFGHIJOPQST")
    for code in (code for kab in REGENCIES for code in districts(kab)):
        here = [one for one in rows[Unit.INDIVIDU] if one["kode_kec"] == code]
        work = next(works)
        for one in here:
            one["lapangan_usaha"] = work
    for one, work in zip(rows[Unit.INDIVIDU], works, strict=False):
        one["lapangan_usaha"] = work
    return a_registry(tmp_path_factory.mktemp("town"), rows)


@pytest.fixture
def registry(town, tmp_path) -> Registry:
    return town.afresh(tmp_path)


def left_behind(registry: Registry) -> list[str]:
    """Of the registry's own folders, but for the lock of the ledger and what is always there."""
    files = (file for file in registry.house.var.rglob("*") if file.is_file() and "keys" not in file.parts)
    return [file.name for file in files if file.name != ".turn"]


@pytest.mark.parametrize(
    ("plan", "code"),
    [
        (a_question("kode_kec", "lapangan_usaha"), "table-too-fine"),  # nine of ten cells are empty
        (a_question("umur", "persentil"), "table-too-fine"),  # ten thousand
        (a_question("umur", "persentil", "lapangan_usaha"), "table-too-fine"),  # a hundred thousand
        (a_question("umur", where=Compare(Op.EQUAL, DESIL, Const(11))), "table-filter-chooses-nobody"),
        (
            a_question("desil", where=And((Compare(Op.LESS, UMUR, Const(3)), Compare(Op.MORE, UMUR, Const(3))))),
            "table-filter-chooses-nobody",
        ),
    ],
)
def test_a_table_that_must_be_designed_anew_is_refused_at_once(plan, code, registry):
    start = time.process_time()
    answer = registry.disclosed(plan, "Q-1")
    assert isinstance(answer, Refused) and answer.code == code, answer
    assert time.process_time() - start < AT_ONCE
    assert answer.words.strip().endswith(f". [{answer.code}]")
    assert left_behind(registry) == []


# What was not approved, or not of this release

NOT_APPROVED = {
    "another release": ({"release": "2025.1.0"}, "disclose-release-differs"),
    "access that has ended": ({"ends_on": date(2020, 1, 1)}, "order-access-ended"),
}


@pytest.mark.parametrize("name", NOT_APPROVED)
def test_only_what_was_approved_is_made_for_as_long_as_it_was(name, registry):
    changed, code = NOT_APPROVED[name]
    answer = registry.disclosed(replace(a_question("desil"), **changed), "Q-1")
    assert isinstance(answer, Refused) and answer.code == code, answer
    assert left_behind(registry) == []


def test_a_rolling_plan_goes_on_to_another_release(registry):
    assert isinstance(
        registry.disclosed(replace(a_question("desil"), release="2026.2.0", rolling=True), "Q"), Published
    )


def test_nothing_is_made_of_a_release_that_was_withdrawn(tmp_path):
    registry = a_registry(tmp_path, some_town(300, 2))
    releases = registry.house.var / "releases"
    event = withdraw(
        releases, registry.release.version, datetime.now(UTC), "Salah menghitung desil", registry.house.keys.seal
    )
    assert not isinstance(event, Refusal)
    answer = registry.disclosed(a_question("desil"), "Q-1")
    assert isinstance(answer, Refused) and answer.code == "order-release-withdrawn", answer


@pytest.mark.parametrize(
    "out", ["a file/out", "a file/y/out", "leads nowhere", "leads nowhere/out", "leads here", "x" * 250]
)
def test_where_nothing_can_be_written_nothing_is_made(out, registry, tmp_path, monkeypatch, capsys):
    """Asked before a table is entered among those that were published."""
    monkeypatch.setenv("BAGIPAKAI_VAR", str(registry.house.var))
    plan, there = tmp_path / "plan.json", tmp_path / "there"
    plan.write_text(json.dumps(a_question("desil").to_json()))
    (there / "empty").mkdir(parents=True)
    (there / "a file").touch()
    (there / "leads nowhere").symlink_to(there / "nowhere")
    (there / "leads here").symlink_to(there / "empty")
    before = sorted(there.rglob("*"))
    ask = ["disclose", "--plan", str(plan), "--release", str(registry.release.folder), "--out", str(there / out)]
    assert refused(ask, capsys) == "disclose-folder-closed"
    assert left_behind(registry) == [] and sorted(there.rglob("*")) == before


# One meaning in other words

SAME: list[tuple[Predicate, Predicate]] = [
    (Compare(Op.AT_MOST, DESIL, Const(4)), Not(Or((Compare(Op.MORE, DESIL, Const(4)), Missing(DESIL))))),
    (In(DESIL, (1, 2, 3)), Or((Compare(Op.EQUAL, DESIL, Const(3)), Between(DESIL, 1, 2)))),
    (
        And((Compare(Op.AT_MOST, DESIL, Const(4)), Between(UMUR, 18, 59))),
        And((Between(UMUR, 18, 120), Not(Compare(Op.MORE, UMUR, Const(59))), Compare(Op.LESS, DESIL, Const(5)))),
    ),
]


@pytest.mark.parametrize("wordings", SAME)
def test_a_predicate_in_other_words_is_the_same_table(wordings, registry):
    """Both are answered with the same counts, the second is compared with nothing, and an auditor finds nothing."""
    answers = [registry.disclosed(a_question("jenis_kelamin", where=one), f"Q-{at}") for at, one in enumerate(wordings)]
    assert all(isinstance(one, Published) for one in answers)
    assert answers[0].counts == answers[1].counts
    asked = registry.house.var.parent / "asked"
    reports = [json.loads((asked / f"Q-{at}" / "laporan.json").read_bytes()) for at in (0, 1)]
    assert [one["compared"] for one in reports] == [0, 0]
    assert main(["registry", "audit", str(asked / "Q-0"), str(asked / "Q-1")]) == 0


def test_other_people_are_another_table(registry):
    """So that the test above can fail."""
    answers = [
        registry.disclosed(a_question("jenis_kelamin", where=Compare(Op.AT_MOST, DESIL, Const(most))), f"Q-{most}")
        for most in (4, 6)
    ]
    assert answers[0].counts != answers[1].counts
    report = json.loads((registry.house.var.parent / "asked" / "Q-6" / "laporan.json").read_bytes())
    assert report["compared"] == 1


# Damaged files


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["registry", *arguments]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    found = re.search(r"\S\. \[([a-z-]+)\]$", told.err.strip())
    assert found, told.err
    return found[1]


def damaged(plan: dict[str, Any]) -> dict[str, bytes]:
    whole = json.dumps(plan).encode()
    found = {f"cut at {at}": whole[: len(whole) * at // 7] for at in range(7)}
    found |= {f"without {name}": json.dumps({key: plan[key] for key in plan if key != name}).encode() for name in plan}
    found |= {f"{name} a list": json.dumps(plan | {name: [[]]}).encode() for name in plan}
    return found | {"a list": b"[]", "a number": b"1", "no text": b"\xff\xfe\x00", "twice": whole + whole}


def test_a_damaged_plan_is_refused(registry, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(registry.house.var))
    file, out = tmp_path / "plan.json", tmp_path / "out"
    codes = {}
    for name, content in damaged(a_question("desil").to_json()).items():
        file.write_bytes(content)
        ask = ["disclose", "--plan", str(file), "--release", str(registry.release.folder), "--out", str(out)]
        codes[name] = refused(ask, capsys)
        assert not out.exists() and left_behind(registry) == [], name
    of_a_field = {name for name, code in codes.items() if code == "plan-field-wrong"}
    assert of_a_field == {name for name in codes if name.startswith("without ") or name.endswith(" a list")}
    assert {code for name, code in codes.items() if name not in of_a_field} == {"plan-is-none"}
    file.unlink()
    assert refused(ask, capsys) == "plan-file-unreadable"


def test_a_release_that_is_not_there_is_refused(registry, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(registry.house.var))
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(a_question("desil").to_json()))
    ask = ["disclose", "--plan", str(file), "--release", "2031.1.0", "--out", str(tmp_path / "out")]
    assert refused(ask, capsys) == "release-unknown" and not (tmp_path / "out").exists()


def changed(told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return json.loads(json.dumps(told | changes))


def bad_tables(told: dict[str, Any]) -> dict[str, tuple[dict[str, Any], str]]:
    """Of a table by place and decile."""
    axes, counts = told["axes"], told["counts"]
    tree = next(one for one in axes if len(one["variables"]) == 2)
    others = [one for one in axes if one is not tree]

    def with_parents(parents: list[int]) -> dict[str, Any]:
        return changed(told, axes=[tree | {"parents": parents}, *others])

    last, malformed = len(tree["parents"]) - 1, "disclosed-table-malformed"
    parents = tree["parents"]
    return {
        "a circle": (with_parents([*parents[:-1], last]), malformed),
        "a parent below": (with_parents([-1, last, *parents[2:]]), malformed),
        "two roots": (with_parents([*parents[:-1], -1]), malformed),
        "another parent": (with_parents([*parents[:-1], 0]), "disclosed-table-contradicts-itself"),
        "a total that is too large": (
            changed(told, counts=[counts[0] + 1, *counts[1:]]),
            "disclosed-table-contradicts-itself",
        ),
        "a negative count": (changed(told, counts=[*counts[:-1], -1]), malformed),
        "a count too few": (changed(told, counts=counts[:-1]), malformed),
        "no number": (changed(told, counts=[*counts[:-1], "many"]), malformed),
        "no plan": (changed(told, plan={}), malformed),
    }


def test_a_table_that_contradicts_itself_is_not_audited(registry, tmp_path, capsys):
    answer = registry.disclosed(a_question("kode_prov", "kode_kab", "desil"), "Q-1")
    assert isinstance(answer, Published), answer
    made = registry.house.var.parent / "asked" / "Q-1"
    told = json.loads((made / "tabel.json").read_bytes())
    codes, wanted = {}, {}
    for name, (table, code) in bad_tables(told).items():
        folder = tmp_path / "tables" / name
        shutil.copytree(made, folder)
        rewrite(folder, table)
        codes[name], wanted[name] = refused(["audit", str(folder)], capsys), code
    assert codes == wanted


def test_the_untouched_table_is_audited(registry):
    answer = registry.disclosed(a_question("kode_prov", "kode_kab", "desil"), "Q-1")
    assert isinstance(answer, Published)
    assert main(["registry", "audit", str(registry.house.var.parent / "asked" / "Q-1")]) == 0


# Folders that are not as they were made


def spoilt(name: str, content: bytes | None) -> Callable[[Path], object]:
    """One file replaced, or taken away."""
    return lambda folder: (folder / name).unlink() if content is None else (folder / name).write_bytes(content)


def told_otherwise(**changes: Any) -> Callable[[Path], object]:
    """Something else in the report."""

    def change(folder: Path) -> None:
        file = folder / "laporan.json"
        file.write_text(json.dumps(json.loads(file.read_bytes()) | changes))

    return change


def lengthened(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes() + b"\n")


CHANGED = {
    **{f"{name} is gone": (spoilt(name, None), name) for name in FILES},
    **{f"{name} is longer": (lengthened(name), name) for name in FILES if name != "laporan.json"},
    "a report that is none": (spoilt("laporan.json", b"[]"), "laporan.json"),
    "a report cut": (spoilt("laporan.json", b'{"files": '), "laporan.json"),
    "a report too deep": (spoilt("laporan.json", b"[" * 200_000), "laporan.json"),
    "a report of old": (told_otherwise(files=None), "laporan.json"),
    "a report of no file": (told_otherwise(files={}), "tabel.json"),
    "a report of another table": (told_otherwise(content="0" * 64), "laporan.json"),
}


@pytest.fixture
def made(registry) -> Path:
    assert isinstance(registry.disclosed(a_question("kode_prov", "desil"), "Q-1"), Published)
    return registry.house.var.parent / "asked" / "Q-1"


def test_a_folder_that_is_not_as_it_was_made_is_not_audited(made, tmp_path, capsys):
    said = {}
    for name, (spoil, _) in CHANGED.items():
        folder = tmp_path / "spoilt" / name
        shutil.copytree(made, folder)
        spoil(folder)
        assert main(["registry", "audit", str(made), str(folder)]) == 1
        said[name] = capsys.readouterr().err.strip()
        assert said[name].endswith(". [disclosed-folder-changed]"), (name, said[name])
    starts = {name: f"{tmp_path / 'spoilt' / name}: {file} " for name, (_, file) in CHANGED.items()}
    assert {name: said[name].startswith(start) for name, start in starts.items()} == dict.fromkeys(CHANGED, True)


def test_a_table_of_which_the_report_tells_an_attack_is_not_audited_as_whole(made, capsys):
    told_otherwise(broken=1)(made)
    assert refused(["audit", str(made)], capsys) == "disclosed-report-has-findings"


def test_a_folder_that_is_not_there_is_not_called_a_bad_table(made, tmp_path, capsys):
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    (nothing / "tabel.csv").touch()  # of somebody else
    for folder, code in (
        (tmp_path / "nowhere", "disclosed-folder-unreadable"),
        (made / "tabel.json", "disclosed-folder-unreadable"),
        (nothing, "disclosed-table-malformed"),
    ):
        assert refused(["audit", str(folder)], capsys) == code
    (made / "tabel.json").unlink()
    (made / "tabel.json").mkdir()
    assert refused(["audit", str(made)], capsys) == "disclosed-folder-unreadable"


def test_a_folder_that_is_named_twice_is_one_table(made, tmp_path, monkeypatch, capsys):
    (tmp_path / "link").symlink_to(made)
    monkeypatch.chdir(made.parent)
    capsys.readouterr()
    assert main(["registry", "audit", str(made), "Q-1", f"{made}/.", str(tmp_path / "link"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["tables"] == 1
