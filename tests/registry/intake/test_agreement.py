"""The engine and the naive judge agree about every row: nothing is accepted that the reference rejects, nor the
reverse, and each column of each row has the same reason."""

import csv
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pytest
from tests.registry.intake.contracts import COLUMNS, DAY, a_contract, a_file

from bagipakai.core.refusal import Refusal
from bagipakai.registry.intake import SentBack, Taken, faults, take
from bagipakai.registry.intake.reference import Verdict, verdict

SEEN: Counter[str] = Counter()


def agree(number: int, folder: Path) -> None:
    """World `number`: a contract, and one or two files for it."""
    dice = Random(number)
    contract = a_contract(dice)
    drawn = [a_file(dice, contract) for _ in range(dice.choice([1, 1, 2]))]
    folder.mkdir()
    paths = [folder / f"{number}.csv" for number in range(1, len(drawn) + 1)]
    for path, file in zip(paths, drawn, strict=True):
        file.write(path)
    judged = verdict(
        [row for number, file in enumerate(drawn, 1) for row in file.rows(contract, number)], contract, DAY
    )
    outcome = take(paths, contract, folder / "out", day=DAY)
    compare(outcome, judged, folder / "out")
    told = [code for codes in judged.reasons.values() for code in codes]
    SEEN.update([*told, judged.refusal] if judged.refusal else told or ["well"])


def compare(outcome: Taken | Refusal, judged: Verdict, folder: Path) -> None:
    if isinstance(outcome, Refusal):
        assert outcome.code == judged.refusal
        if not isinstance(outcome, SentBack):
            assert not folder.exists()
            return
        assert not (folder / "accepted").exists()
        outcome = outcome.found
    else:
        assert judged.refusal == ""
        assert different(accepted(folder), judged.accepted) == {}
    assert different(reasons(folder), {at: list(codes) for at, codes in judged.reasons.items()}) == {}
    counted = Counter((code, column) for (_, column), codes in judged.reasons.items() for code in codes)
    report = json.loads((folder / "report.json").read_text())
    assert {(one["code"], one["column"]): one["count"] for one in report["faults"]} == dict(counted)
    returned = outcome.received if judged.refusal else len({place for place, _ in judged.reasons})
    assert (outcome.accepted, outcome.returned) == (len(judged.accepted), returned)
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


@pytest.mark.parametrize("worlds", range(0, 60, 10))
def test_the_engine_and_the_reference_agree(tmp_path, worlds):
    for number in range(worlds, worlds + 10):
        agree(number, tmp_path / str(number))


@pytest.mark.night
@pytest.mark.parametrize("worlds", range(1_000, 9_000, 100))
def test_they_agree_all_night(tmp_path, worlds):
    for number in range(worlds, worlds + 100):
        agree(number, tmp_path / str(number))
        shutil.rmtree(tmp_path / str(number))


def test_every_fault_was_among_them():
    """The test above would say little about a fault that it never drew."""
    of_values = {code for column in COLUMNS for code in faults.of_column(replace(column, required=True))}
    wanted = of_values | set(faults.OF_A_ROW.values()) | set(faults.OF_A_SET.values())
    wanted |= {"row-is-ragged", "quote-is-stray", "set-has-too-many-faults", "set-has-too-few-rows", "well"}
    assert wanted - SEEN.keys() == set(), SEEN
