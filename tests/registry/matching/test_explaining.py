"""A row's answer is told in words: all the evidence, its sum, and nothing of anybody."""

import math
import random

import pyarrow as pa
import pytest

from bagipakai.cli import main
from bagipakai.core.charts import NARROWEST, SMALL, wrapped
from bagipakai.core.policy import policy_file
from bagipakai.core.refusal import Refusal
from bagipakai.registry.matching import explaining, results
from bagipakai.registry.matching.comparisons import COMPARISONS
from bagipakai.registry.matching.evaluation import GROUPS
from bagipakai.registry.matching.explaining import drawn, evidence_of, odds, percent, told, words
from bagipakai.registry.matching.job import LEVELS
from bagipakai.registry.matching.model import EVIDENCE

LANGUAGES = ("id", "en")


def a_row(seed=1, **said):
    """A line of a result, as the job names its columns."""
    dice = random.Random(seed)
    levels = {name: dice.choice(one.levels).name for name, one in zip(LEVELS, COMPARISONS, strict=True)}
    bits = {name: dice.uniform(-8, 20) for name in EVIDENCE} | {"bits_kerabat": -dice.uniform(0, 9)}
    row = {"list_id": "3204110305900001", "registry_id": 987654321, "band": "match", "reason": "NIK_SALAH_KETIK"}
    row |= {"probability": 0.9991, "candidates": 3, "prior": -20.5} | levels | bits | said
    return {"score": row["prior"] + sum(row[name] for name in EVIDENCE)} | row


def nobody(**said):
    empty = dict.fromkeys((*LEVELS, *EVIDENCE, "score", "prior", "margin"))
    return a_row() | empty | {"band": "none", "reason": "TIDAK_DITEMUKAN", "probability": 0.0, "candidates": 0} | said


def test_every_level_of_every_comparison_has_words_in_both_languages():
    evidence = words()["evidence"]
    for one in COMPARISONS:
        assert set(evidence[one.name]["levels"]) == {level.name for level in one.levels}
    assert set(evidence) == {*(one.name for one in COMPARISONS), "prior", "kerabat", "score"}
    every = [*evidence.values(), *words()["bands"].values(), *words()["groups"].values()]
    every += [level for one in evidence.values() for level in one["levels"].values()]
    every += [answer for one in words()["groups"].values() for answer in one.get("answers", {}).values()]
    assert all(one["istilah"].strip() and one["english"].strip() for one in every)
    assert set(words()["groups"]) == set(GROUPS)
    assert set(words()["bands"]) == {"match", "review", "none"}


def test_two_levels_of_one_comparison_never_have_the_same_words():
    for one in words()["evidence"].values():
        for language in ("istilah", "english"):
            said = [level[language] for level in one["levels"].values()]
            assert len(set(said)) == len(said)


def test_every_level_is_told_in_two_lines_of_a_telephone():
    for one in words()["evidence"].values():
        for level in one["levels"].values():
            assert all(len(wrapped(said, NARROWEST, SMALL)) <= 2 for said in level.values())


@pytest.mark.parametrize("seed", range(20))
def test_what_is_told_sums_to_the_score(seed):
    row = a_row(seed)
    evidence = evidence_of(row)
    assert evidence.score == pytest.approx(row["score"], abs=1e-6)
    assert [piece.name for piece in evidence.pieces] == [
        *("prior", "nik", "nama", "lahir", "rumah", "jenis_kelamin", "kerabat"),
    ]
    *steps, total = drawn(evidence).caption.rows
    amounts = [float(bits.split("\u00a0")[0].replace("−", "-").replace(",", ".")) for *_, bits in (*steps, total)]
    assert math.fsum(amounts[:-1]) == pytest.approx(amounts[-1], abs=0.05 * len(amounts))  # each rounded to a tenth


@pytest.mark.parametrize("column", ["prior", *EVIDENCE, "score"])
def test_evidence_that_does_not_sum_is_not_told(column):
    row = a_row()
    assert evidence_of(row | {column: row[column] + 1e-5}).code == "matching-evidence-does-not-sum"


@pytest.mark.parametrize(
    "wrong",
    [
        {"level_nama": "BUDI SANTOSO"},
        {"level_nik": None},
        {"bits_lahir": None},
        {"bits_lahir": math.nan},
        {"prior": math.inf, "score": math.inf},
        {"band": "<b>"},
        {"reason": "3204110305900001"},
        {"probability": "banyak"},
    ],
)
def test_what_the_job_never_says_is_refused_and_not_repeated(wrong):
    no = evidence_of(a_row() | wrong)
    assert isinstance(no, Refusal)
    assert not any(str(value) in no.sentence() for value in wrong.values() if isinstance(value, str))


def test_every_refusal_has_its_sentence():
    sentences = {row["code"] for row in policy_file("refusals")["refusal"]}
    assert {"matching-nothing-to-draw", "matching-result-malformed", "matching-evidence-does-not-sum"} <= sentences
    assert {"matching-row-unknown", "matching-file-unreadable", "matching-row-answered-twice"} <= sentences


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_of_a_person_is_told_or_drawn(language):
    """Whatever else a result may come to hold."""
    row = a_row(nama="BUDI SANTOSO", nik="3204110305900001", tanggal_lahir="1990-05-03")
    evidence = evidence_of(row)
    for text in (
        "\n".join(told(evidence, language)),
        drawn(evidence, language).svg(),
        drawn(evidence, language).file(),
    ):
        assert not any(value in text for value in ("3204110305900001", "987654321", "BUDI", "1990"))


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (12.43, "Peluangnya kira-kira 5.500 banding 1 bahwa keduanya orang yang sama: dari 5.500 pasangan dengan bukti"
         " seperti ini, satu yang keliru."),
        (-9.1, "Peluangnya kira-kira 550 banding 1 bahwa keduanya bukan orang yang sama: dari 550 pasangan dengan bukti"
         " seperti ini, satu yang benar."),
        (1.58, "Peluangnya kira-kira 3 banding 1 bahwa keduanya orang yang sama: dari 4 pasangan dengan bukti seperti"
         " ini, satu yang keliru."),
        (0.3, "Bukti yang mendukung dan yang membantah hampir seimbang: bisa ya, bisa tidak."),
        (1e4, "Peluangnya lebih dari 1 miliar banding 1 bahwa keduanya orang yang sama: dari 1 miliar pasangan dengan"
         " bukti seperti ini, satu yang keliru."),
    ],
)  # fmt: skip
def test_a_score_is_told_as_odds(score, said):
    assert odds(score, "id") == said


def test_a_share_is_never_told_as_certain():
    assert [percent(share, "id") for share in (0.99999, 0.9961, 0.00001, 0.0, 1.0)] == [
        *("lebih dari 99,99\u00a0%", "99,61\u00a0%", "kurang dari 0,01\u00a0%", "0,00\u00a0%", "100,00\u00a0%"),
    ]
    assert percent(0.9961, "en") == "99.61%"


def test_where_nobody_was_found_that_is_all_there_is_to_tell():
    evidence = evidence_of(nobody())
    assert told(evidence) == ["Tidak cocok: tidak ditemukan."]
    assert drawn(evidence).code == "matching-nothing-to-draw"


def test_other_candidates_are_counted():
    assert "Sesudah 2 calon lain ikut dihitung, peluangnya 99,91\u00a0%." in told(evidence_of(a_row()))
    assert "With 1 other candidate counted, the probability is 99.91%." in told(evidence_of(a_row(candidates=2)), "en")
    assert "Tidak ada calon lain; peluangnya 99,91\u00a0%." in told(evidence_of(a_row(candidates=1)))


def test_relatives_are_mentioned_where_they_count():
    assert evidence_of(a_row(bits_kerabat=-0.01)).pieces[-1].level == "unlike"
    assert evidence_of(a_row(bits_kerabat=-7.0)).pieces[-1].level == "like"


# The command


@pytest.fixture(params=["hasil.parquet", "hasil.csv"])
def result(request, tmp_path):
    file = tmp_path / request.param
    results.write(pa.Table.from_pylist([a_row(list_id="007"), a_row(2, list_id="7"), nobody(list_id="9")]), file)
    return file


def explain(*words):
    return main(["registry", "explain", *map(str, words)])


def test_a_row_is_explained_on_the_screen(result, capsys):
    """007 is not 7."""
    assert explain("--result", result, "--row", "007") == 0
    said = capsys.readouterr().out
    assert said.splitlines() == told(evidence_of(a_row(1)))
    assert explain("--result", result, "--row", "7", "--language", "en") == 0
    assert capsys.readouterr().out.splitlines() == told(evidence_of(a_row(2)), "en")


def test_a_row_is_drawn_for_its_owner_alone(result, tmp_path, capsys):
    out = tmp_path / "bukti.svg"
    assert explain("--result", result, "--row", "007", "--out", out) == 0
    assert out.read_text("utf-8") == drawn(evidence_of(a_row(1))).file()
    assert out.stat().st_mode & 0o777 == 0o600
    assert capsys.readouterr().out == f"Gambar: {out}\n"


@pytest.mark.parametrize(("row", "code"), [("08123", "matching-row-unknown"), ("9", "matching-nothing-to-draw")])
def test_without_evidence_nothing_is_drawn(result, tmp_path, capsys, row, code):
    assert explain("--result", result, "--row", row, "--out", tmp_path / "bukti.svg") == 1
    said = capsys.readouterr().err
    assert f"[{code}]" in said
    assert row not in said.split()
    assert not (tmp_path / "bukti.svg").exists()


def test_that_a_name_of_a_row_stands_twice_is_said(tmp_path, capsys):
    file = tmp_path / "hasil.parquet"
    results.write(pa.Table.from_pylist([a_row(list_id="7"), a_row(2, list_id="7")]), file)
    assert explain("--result", file, "--row", "7") == 0
    said = capsys.readouterr()
    assert "ada di 2 baris hasil ini; yang diterangkan baris yang pertama" in said.err
    assert said.out.splitlines() == told(evidence_of(a_row(1)))


@pytest.mark.parametrize("content", [None, b"", b"PAR1 bukan", b"\xff\xfe\x00"])
def test_a_file_that_is_no_result_is_refused(tmp_path, capsys, content):
    for name in ("hasil.parquet", "hasil.csv"):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        assert explain("--result", tmp_path / name, "--row", "1") == 1
        assert "[matching-" in capsys.readouterr().err


def test_an_unknown_level_is_not_drawn(tmp_path, capsys):
    file = tmp_path / "hasil.parquet"
    results.write(pa.Table.from_pylist([a_row(level_rumah="JL MELATI 3")]), file)
    assert explain("--result", file, "--row", "3204110305900001") == 1
    said = capsys.readouterr()
    assert "[matching-result-malformed]" in said.err
    assert "MELATI" not in said.out + said.err


def test_a_number_of_words():
    assert [explaining.large(many, "id") for many in (5_500, 1e6, 1.2e6, 820e6, 1e9)] == [
        *("5.500", "1 juta", "1,2 juta", "820 juta", "1 miliar"),
    ]
