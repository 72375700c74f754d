"""What clerks said tells how right matching is and how far they agree, and teaches the next model; it names nobody."""

import json
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bagipakai.cli import main
from bagipakai.core.reviews import Verdict
from bagipakai.registry.matching import model
from bagipakai.registry.matching.comparisons import BORN_AND_NIK, NAME, TRAINED
from bagipakai.registry.matching.labels import LEVELS, SAID, Right, kappa, learnt, quality, said
from bagipakai.registry.matching.report import page

Y, N, U = (one.value for one in Verdict)
LEVEL = dict(zip(LEVELS, ("equal-and-fits", "equal", "equal", "village", "equal"), strict=True))


def a_label(*verdicts, band="review", stage=2, probability=0.7, weight=1.0, verdict="", **levels):
    settled = verdict or (verdicts[-1] if len(verdicts) != 2 or len(set(verdicts)) == 1 else None)
    return {
        "band": band, "stage": stage, "probability": probability, "weight": weight, "twice": len(verdicts) > 1,
        "verdicts": list(verdicts), "verdict": settled, **LEVEL,
        **{f"level_{name}": value for name, value in levels.items()},
    }  # fmt: skip


def told(*rows) -> pa.Table:
    return pa.Table.from_pylist(list(rows), SAID)


def test_what_is_told_of_a_pair_has_no_value_of_anybody():
    pairs = told(a_label(Y)).append_column("daftar_nama", pa.array(["SITI"])).append_column("row", pa.array([4]))
    assert said([pairs, pairs]).column_names == SAID.names and len(said([pairs, pairs])) == 2
    assert len(said([])) == 0


def test_precision_of_what_was_matched_comes_from_the_sample_and_unsure_pairs_are_told_apart():
    sample = [a_label(Y, band="match", stage=1)] * 90 + [a_label(N, band="match", stage=2)] + [a_label(U, band="match")]
    found = quality(told(*sample, a_label(Y), a_label(N), a_label(Y, N)))
    assert found.automatic == {1: Right(90, 90, 0, 90, 90, 90), 2: Right(0, 1, 1, 1, 0, 1)}
    assert found.matched == Right(90, 91, 1, 91, 90, 91)
    assert found.left_open == Right(1, 2, 0, 2, 1, 2) and found.pairs == 95
    assert sum(found.verdicts.values()) == 94 and found.verdicts[Verdict.YES] == 91


def test_who_was_missed_comes_from_the_sample_of_what_was_answered_with_nobody():
    found = quality(told(*[a_label(N, band="none")] * 9, a_label(Y, band="none"), a_label(U, band="none"), a_label(Y)))
    assert found.nobody == Right(1, 10, 1, 10, 1, 10) and found.left_open == Right(1, 1, 0, 1, 1, 1)
    assert found.matched == Right(0, 0, 0, 0, 0, 0) and found.matched.share is None


def test_a_list_counts_by_its_rows_however_few_of_them_were_drawn():
    """Twenty small lists that are right, and a large one of which every tenth answer is wrong: what is told is told of
    the rows, and no surer than so uneven a sample is."""
    small = [a_label(Y, band="match", weight=50.0)] * 20 * 20
    large = [a_label(Y, band="match", weight=2000.0)] * 450 + [a_label(N, band="match", weight=2000.0)] * 50
    found = quality(told(*small, *large)).matched
    assert (found.yes, found.decided, found.rows) == (850, 900, 1_020_000)
    assert found.share == pytest.approx(1 - 100_000 / 1_020_000)
    assert found.effective == int(1_020_000**2 / (400 * 50**2 + 500 * 2000**2))
    low, high = found.between
    assert low < 0.9 < high and high - low > 0.05


@given(st.integers(1, 500), st.floats(1, 50_000))
@example(3, 50.3)
def test_pairs_that_stand_for_as_many_rows_each_say_as_much_as_they_are(pairs, weight):
    found = quality(told(*[a_label(Y, band="match", weight=weight)] * pairs))
    assert found.matched.effective == pairs and found.bins[0][1] == pairs


def test_stated_chances_are_held_against_the_rows_for_which_a_pair_stands():
    rows = [a_label(Y, probability=0.99, weight=99.0, band="match"), a_label(N, probability=0.91)]
    assert quality(told(*rows)).bins == ((9, 1, pytest.approx(0.9892), pytest.approx(0.99)),)


def test_agreement_of_two_clerks():
    """25 of 50: the example of Cohen's kappa in every textbook, 35 alike of 50, by chance 25."""
    both = [(Y, Y)] * 20 + [(Y, N)] * 5 + [(N, Y)] * 10 + [(N, N)] * 15
    assert kappa(both) == pytest.approx(0.4)
    assert kappa([(Y, Y), (N, N)]) == 1 and kappa([(Y, Y)] * 3) is None and kappa([]) is None
    found = quality(told(a_label(Y, Y), a_label(N, N), a_label(Y, N), a_label(Y, N, N), a_label(Y)))
    assert (found.twice, found.agreed, found.arbitrated) == (4, 2, 1)
    assert found.kappa == kappa([(Y, Y), (N, N), (Y, N), (Y, N)])


def test_stated_chances_are_held_against_what_clerks_decided():
    rows = [
        a_label(Y, probability=0.93),
        a_label(N, probability=0.97),
        a_label(U, probability=0.95),
        a_label(Y, probability=1.0),
    ]
    assert quality(told(*rows)).bins == ((9, 3, pytest.approx((0.93 + 0.97 + 1.0) / 3), pytest.approx(2 / 3)),)


SAME = {
    one.name: {
        level.name: 1 / sum(not each.missing for each in one.levels) for level in one.levels if not level.missing
    }
    for one in TRAINED
}


def test_a_model_learns_levels_from_pairs_of_one_person_as_often_as_they_stand_for():
    rows = [a_label(Y, weight=30.0, nama="alike"), a_label(Y, weight=10.0), a_label(N, nama="differs"), a_label(U)]
    found, many = learnt(SAME, told(*rows), beside=60)
    before = SAME[NAME.name]["alike"]
    assert many == 40
    assert found[NAME.name]["alike"] == pytest.approx((before * 60 + 30) / 100)
    assert found[NAME.name]["differs"] == pytest.approx(before * 60 / 100)
    assert found[BORN_AND_NIK.name]["equal/equal-and-fits"] > SAME[BORN_AND_NIK.name]["equal/equal-and-fits"]
    assert all(sum(one.values()) == pytest.approx(1) for one in found.values())


def test_a_side_that_is_missing_teaches_nothing_and_a_level_of_another_model_is_not_taken():
    found, _ = learnt(SAME, told(a_label(Y, nama="missing", lahir="missing", nik="missing")), beside=1)
    assert found[NAME.name] == pytest.approx(SAME[NAME.name])
    assert found[BORN_AND_NIK.name] == pytest.approx(SAME[BORN_AND_NIK.name])
    with pytest.raises(ValueError, match="nama"):
        learnt(SAME, told(a_label(Y, nama="nearly")), beside=1)


def test_the_levels_of_labels_are_those_of_the_shipped_model():
    shipped = model.opened()
    found, _ = learnt(shipped.same, told(a_label(Y)), beside=10)
    assert json.dumps(found) and found.keys() == shipped.same.keys()


def test_the_report_tells_what_clerks_said(tmp_path, capsys):
    rows = [a_label(Y, band="match", stage=1)] * 99 + [
        a_label(N, band="match", stage=2),
        a_label(Y, Y),
        a_label(N, N),
        a_label(N),
    ]
    pq.write_table(told(*rows), tmp_path / "label.parquet")
    words = [
        "registry",
        "matching-report",
        "--labels",
        str(tmp_path / "label.parquet"),
        "--out",
        str(tmp_path / "l.html"),
    ]
    assert main(words) == 0
    text = (tmp_path / "l.html").read_text("utf-8")
    assert "99 dari 100 orang yang sama; antara 94,55\u00a0% dan 99,82\u00a0%" in text
    assert "Kappa Cohen" in text and "<td>1,00</td>" in text and "<figure>" in text
    assert page(None, date(2026, 11, 26), {}, quality(told())).count("<table>") == 2
    (tmp_path / "label.parquet").write_bytes(b"x")
    assert main(words) == 1 and "[matching-file-unreadable]" in capsys.readouterr().err
    assert main(["registry", "matching-report", "--out", str(tmp_path / "l.html")]) == 1
    assert "[matching-report-of-nothing]" in capsys.readouterr().err
