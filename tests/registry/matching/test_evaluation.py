"""What is said about a matching result: counted as the reference counts, in tables small enough to count by hand."""

from datetime import date

import pyarrow as pa
import pytest

from bagipakai.registry.matching.evaluation import evaluated

TRUTH = pa.table(
    {
        "list_id": ["a", "b", "c", "d", "e", "f"],
        "registry_id": pa.array([1, 2, 3, 4, None, None], pa.int64()),
        "damage": pa.array(
            [[], ["nik.digit"], ["nik.digit", "name.typing"], [], ["absent.stranger"], ["absent.relative"]],
            pa.list_(pa.string()),
        ),
    }
)


def answers(*rows):
    return pa.table(
        dict(zip(("list_id", "band", "registry_id", "probability"), map(list, zip(*rows, strict=True)), strict=True))
    )


@pytest.fixture
def found():
    return evaluated(
        answers(
            ("a", "match", 1, 0.99),
            ("b", "match", 7, 0.95),  # somebody else
            ("c", "review", 3, 0.7),
            ("e", "match", 5, 0.97),  # who is not in the registry at all
            ("f", "none", None, 0.0),
        ),
        TRUTH,
    )


def test_given_is_what_the_band_gives(found):
    """One of three given is right; four persons are in the registry; the row left out is answered `none`."""
    assert (found.overall.given, found.overall.right, found.overall.present) == (3, 1, 4)
    assert found.overall.precision == pytest.approx(1 / 3)
    assert found.overall.recall == 0.25
    assert found.overall.f1 == pytest.approx(2 / 7)


def test_bands_are_shares_of_all_rows(found):
    told = found.overall.told()
    assert (told["match"], told["review"], told["none"]) == (0.5, round(1 / 6, 6), round(1 / 3, 6))


def test_a_clerk_finds_what_is_right_in_review(found):
    assert found.overall.recall_after_review == 0.5


def test_a_row_that_never_came_is_missed(found):
    assert found.damages["undamaged"].present == 2
    assert found.damages["undamaged"].recall == 0.5


def test_a_row_counts_under_each_of_its_damages(found):
    assert found.damages["nik.digit"].rows == 2
    assert found.damages["name.typing"].review_right == 1
    assert found.damages["absent.stranger"].precision == 0.0


def test_recall_at_a_precision_ends_before_the_first_wrong_answer():
    """Whatever the bands say: above .97 one of four is found without error; taking all, three."""
    best = evaluated(
        answers(("a", "match", 1, 0.99), ("b", "none", 2, 0.3), ("c", "none", 3, 0.2), ("e", "review", 5, 0.97)), TRUTH
    )
    assert best.recall_at == 0.25
    assert best.best_f1 == pytest.approx(2 * 0.75 * 0.75 / 1.5)


def test_answers_of_one_probability_stand_or_fall_together():
    together = evaluated(answers(("a", "match", 1, 0.9), ("e", "match", 5, 0.9)), TRUTH)
    assert together.recall_at == 0.0


def test_stated_probability_meets_the_truth_in_tenths(found):
    assert found.bins == ((7, 1, 0.7, 1.0), (9, 3, 0.97, round(1 / 3, 6)))


def test_a_row_answered_twice_is_refused():
    with pytest.raises(ValueError, match="more than one"):
        evaluated(answers(("a", "match", 1, 0.9), ("a", "none", 2, 0.1)), TRUTH)


def test_recall_is_told_by_group_and_a_difference_is_a_finding():
    day = date(1990, 5, 4)
    people = pa.table(
        {
            "registry_id": [1, 2, 3, 4],
            "no_kk": ["1", "1", "2", "3"],
            "nama": ["SLAMET", "SITI AMINAH", "BUDI SANTOSO", "NURHAYATI"],
            "jenis_kelamin": ["L", "P", "L", "P"],
            "tanggal_lahir": [day, day, date(1950, 1, 1), date(2024, 3, 2)],
            "nama_ibu": ["SRI", "SRI", "SRI", None],
            "kode_prov": ["33", "33", "33", "32"],
        }
    )
    found = evaluated(answers(("a", "match", 1, 1.0), ("b", "match", 2, 1.0), ("d", "match", 9, 1.0)), TRUTH, people)
    assert found.groups["words_of_the_name"]["one"].recall == 0.5
    assert found.groups["twins"]["twin"].present == 2
    assert found.groups["date_of_birth"]["default"].present == 1
    assert {name: score.present for name, score in found.groups["age"].items()} == {"00-04": 1, "30-59": 2, "60+": 1}
    assert found.groups["province"]["32"].recall == 0.0
    assert "province = 32: recall 0.0000, of all 0.5000" in found.findings(at_least=1)
    assert found.findings(at_least=5) == []


def test_persons_of_one_card_are_one_family():
    """Who has no card is a family of their own: two sons of one card, a daughter without one."""
    people = pa.table({"registry_id": [1, 2, 3], "no_kk": ["1", "1", None], "jenis_kelamin": ["L", "L", "P"]})
    found = evaluated(answers(("a", "match", 1, 1.0)), TRUTH, people)
    assert found.families["sex"] == {"L": 1, "P": 1}
    assert found.groups["sex"]["L"].present == 2
