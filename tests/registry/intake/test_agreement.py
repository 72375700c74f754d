"""The engine and the naive judge agree about every row: nothing is accepted that the reference rejects, nor the
reverse, and each column of each row has the same reason."""

import csv
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.registry.intake.contracts import COLUMNS, DAY, Drawn, contracts, files

from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Contract
from bagipakai.registry.intake import Taken, faults, take
from bagipakai.registry.intake.reference import Verdict, verdict

SEEN: Counter[str] = Counter()
QUICK = settings(
    deadline=None, max_examples=40, suppress_health_check=list(HealthCheck), phases=[Phase.generate], database=None
)
LONG = settings(QUICK, max_examples=4_000)


def agree(told, folder: Path) -> None:
    contract: Contract = told.draw(contracts(), "contract")
    drawn: list[Drawn] = told.draw(st.lists(files(contract), min_size=1, max_size=2), "files")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    paths = [folder / f"{number}.csv" for number in range(1, len(drawn) + 1)]
    for path, file in zip(paths, drawn, strict=True):
        file.write(path)
    judged = verdict(
        [row for number, file in enumerate(drawn, 1) for row in file.rows(contract, number)], contract, DAY
    )
    outcome = take(paths, contract, folder / "out", day=DAY)
    compare(outcome, judged, folder / "out")
    SEEN.update([code for codes in judged.reasons.values() for code in codes] or [judged.refusal or "well"])


def compare(outcome: Taken | Refusal, judged: Verdict, folder: Path) -> None:
    if isinstance(outcome, Refusal):
        assert outcome.code == judged.refusal
        assert not folder.exists()
        return
    assert judged.refusal == ""
    assert different(accepted(folder), judged.accepted) == {}
    assert different(reasons(folder), {at: list(codes) for at, codes in judged.reasons.items()}) == {}
    counted = Counter((code, column) for (_, column), codes in judged.reasons.items() for code in codes)
    report = json.loads((folder / "report.json").read_text())
    assert {(one["code"], one["column"]): one["count"] for one in report["faults"]} == dict(counted)
    assert (outcome.accepted, outcome.returned) == (
        len(judged.accepted),
        len({place for place, _ in judged.reasons}),
    )
    assert report["rows"]["received"] == outcome.received == outcome.accepted + outcome.returned


def different(ours: Mapping, theirs: Mapping) -> dict:
    """Only what differs, so that a failure can be read: place → ours, theirs."""
    places = {**ours, **theirs}
    return {at: (ours.get(at), theirs.get(at)) for at in places if ours.get(at) != theirs.get(at)}


def accepted(folder: Path) -> dict:
    found = {}
    for path in sorted((folder / "accepted").iterdir()):
        for row in pq.read_table(path).to_pylist():
            place = (row.pop("_berkas"), row.pop("_baris"))
            assert place not in found
            found[place] = tuple(row.values())
    return found


def reasons(folder: Path) -> dict:
    found: dict = {}
    for path in sorted((folder / "returned").glob("*.csv")):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                at = ((int(row["berkas"].removesuffix(".csv")), int(row["baris"])), row["kolom"])
                found.setdefault(at, []).append(row["kode"])
    return found


@seed(2026)
@QUICK
@given(st.data())
def test_the_engine_and_the_reference_agree(tmp_path_factory, told):
    agree(told, tmp_path_factory.getbasetemp() / "agreement")


@pytest.mark.night
@LONG
@given(st.data())
def test_they_agree_all_night(tmp_path_factory, told):
    agree(told, tmp_path_factory.getbasetemp() / "agreement-night")


def test_every_fault_was_among_them():
    """The test above would say little about a fault that it never drew."""
    of_values = {code for column in COLUMNS for code in faults.of_column(replace(column, required=True))}
    wanted = of_values | set(faults.OF_A_ROW.values()) | set(faults.OF_A_SET.values())
    wanted |= {"row-is-ragged", "quote-is-stray", "set-has-too-many-faults", "set-has-too-few-rows", "well"}
    assert wanted - SEEN.keys() == set()
