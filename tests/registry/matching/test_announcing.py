"""The registry's statement of quality: no small group in it, nothing that was not measured; the office believes it."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from shutil import rmtree

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.quality import CLERKS
from tests.registry.orders import OFFICE

from bagipakai.cli import main
from bagipakai.core.disclosure import Disclosure
from bagipakai.core.envelope import PublicKey
from bagipakai.core.matching_quality import KINDS, LABELLED, QUESTIONS, Clerks, MatchingQuality, Sampled, Tally
from bagipakai.core.refusal import Refusal
from bagipakai.core.review_orders import Label, LabelOrder
from bagipakai.core.reviews import Verdict
from bagipakai.registry import keys, reviews
from bagipakai.registry.matching import announcing, model
from bagipakai.registry.matching.announcing import Judged, statement, was_made_by
from bagipakai.registry.matching.evaluation import GROUPS, Evaluation, Score
from bagipakai.registry.matching.explaining import words
from bagipakai.registry.matching.labels import LEVELS
from bagipakai.registry.matching.pairs import BY, answered_by
from bagipakai.registry.matching.policy import Decision
from bagipakai.registry.places import Places
from bagipakai.registry.synthesis.lists import a_list, kinds, registry

DAY = date(2026, 7, 1)
LEAST = Disclosure.on(DAY).smallest_persons
MODEL = model.opened()


def a_score(present: int) -> Score:
    return Score(rows=present, present=present, given=present, right=present, review=0, review_right=0)


def judged(groups: dict[str, dict[str, int]], families: dict[str, dict[str, int]], present: int, bins=()) -> Judged:
    scores = {question: {answer: a_score(many) for answer, many in one.items()} for question, one in groups.items()}
    return Judged("typical", 1_000, 7, Evaluation(a_score(present), 0.0, 0.0, tuple(bins), {}, scores, families))


def test_a_small_group_is_hidden_and_the_smallest_of_the_others_with_it():
    """Or else all, less the others, would give it back."""
    ages = {"00-04": 9, "05-17": 30, "18-29": 20, "60+": 400}
    told = statement([judged({"age": ages}, {"age": ages}, 459)], MODEL, DAY)
    assert {answer: one and one.present for answer, one in told.groups["age"].items()} == {
        "00-04": None,
        "05-17": 30,
        "18-29": None,
        "60+": 400,
    }


def test_ten_persons_of_two_families_are_a_small_group():
    sexes = {"L": 50, "P": 60}
    told = statement([judged({"sex": sexes}, {"sex": {"L": 9, "P": 40}}, 110)], MODEL, DAY)
    assert told.groups["sex"] == {"L": None, "P": None}


def test_those_of_whom_nothing_is_known_give_nobody_back():
    """Three persons without an age: all, less the known ones, are three."""
    ages = {"05-17": 30, "18-29": 20, "60+": 400}
    told = statement([judged({"age": ages}, {"age": ages}, 453)], MODEL, DAY)
    assert told.groups["age"]["18-29"] is None
    assert told.groups["age"]["05-17"].present == 30


def test_a_group_without_a_name_of_ours_is_not_told():
    """What a registry file holds in a column is its own affair."""
    told = statement([judged({"province": {"32": 50, "SITI": 40}}, {"province": {"32": 50}}, 90)], MODEL, DAY)
    assert list(told.groups["province"]) == ["32"]


@settings(deadline=None)
@given(st.data())
def test_what_is_hidden_is_never_a_few(data):
    """All, less what is shown, is nobody or as many as may be shown; what is shown has enough persons and families."""
    groups, families = {}, {}
    for question, answers in QUESTIONS.items():
        names = answers or ("11", "12", "32", "51")
        groups[question] = data.draw(st.dictionaries(st.sampled_from(names), st.integers(1, 40)))
        families[question] = {answer: data.draw(st.integers(1, many)) for answer, many in groups[question].items()}
    most = max((sum(one.values()) for one in groups.values()), default=0)
    present = max(most + data.draw(st.integers(0, 20)), LEAST)
    tenths = data.draw(st.dictionaries(st.integers(0, 9), st.integers(1, 40)))
    bins = [(tenth, rows, tenth / 10 + 0.05, 1.0) for tenth, rows in sorted(tenths.items())]
    told = statement([judged(groups, families, present, bins)], MODEL, DAY)
    for question, answers in told.groups.items():
        shown = {answer: one.present for answer, one in answers.items() if one}
        assert answers.keys() == groups[question].keys()
        assert all(many >= LEAST and families[question][answer] >= LEAST for answer, many in shown.items())
        hidden = present - sum(shown.values())
        assert hidden == 0 or hidden >= LEAST
    hidden = sum(tenths.values()) - sum(one.rows for one in told.bins.values() if one)
    assert hidden == 0 or hidden >= LEAST or not any(told.bins.values())
    assert MatchingQuality.from_json(told.to_json()) == told


def test_nothing_is_stated_of_a_list_with_a_few_persons():
    no = statement([judged({}, {}, 100), judged({}, {}, LEAST - 1)], MODEL, DAY)
    assert isinstance(no, Refusal)
    assert no.code == "table-too-small"


def test_the_statement_names_model_policy_and_lists():
    other = replace(judged({}, {}, 40), kind="dirty", seed=8)
    told = statement([judged({}, {}, 100), other], MODEL, DAY, CLERKS)
    assert (told.model, told.model_digest, told.normaliser) == (MODEL.version, MODEL.digest, MODEL.normaliser)
    assert (told.thresholds.since, told.thresholds.accept) == (date(2026, 1, 1), 950)
    assert [(one.kind, one.seed, one.tally.present) for one in told.lists] == [("typical", 7, 100), ("dirty", 8, 40)]
    assert told.overall == Tally(100, 100, 100, 100, 0, 0)


def test_probabilities_are_counted_over_all_lists():
    lists = [judged({}, {}, 100, [(9, 30, 0.98, 0.9)]), judged({}, {}, 100, [(9, 10, 0.94, 1.0), (0, 12, 0.05, 0.0)])]
    (last, first) = (statement(lists, MODEL, DAY).bins[tenth] for tenth in (9, 0))
    assert (last.rows, last.right, last.stated) == (40, 37, 970_000)
    assert (first.rows, first.right) == (12, 0)


def test_core_knows_the_kinds_and_groups_that_are_measured():
    assert set(kinds()) | {LABELLED} == set(KINDS)
    assert set(GROUPS) == set(QUESTIONS)
    for question, answers in QUESTIONS.items():
        assert tuple(words()["groups"][question].get("answers", {})) == answers


# From a matching to a statement that the office believes


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A registry and a list of it, matched."""
    folder = tmp_path_factory.mktemp("matched")
    people = registry(4_000, 21)
    rows, truth = a_list(people, 600, 22, "typical")
    for name, table in (("registry", people), ("list", rows), ("truth", truth)):
        pq.write_table(table, folder / f"{name}.parquet")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("BAGIPAKAI_VAR", str(folder / "var"))
        files = [word for one in ("registry", "list") for word in (f"--{one}", str(folder / f"{one}.parquet"))]
        assert main(["registry", "match", *files, "--out", str(folder / "result.parquet")]) == 0
    return folder


def announced(folder, *more, **other):
    files = {name: folder / f"{name}.parquet" for name in ("result", "truth", "registry")} | other
    named = [word for name, file in files.items() if file for word in (f"--{name}", str(file))]
    out = ["--out", str(folder / "laporan.html"), "--announce", str(folder / "mutu.json")]
    return main(["registry", "matching-report", *named, *out, "--day", "2026-07-01", *more])


@pytest.fixture
def house(made, monkeypatch):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(made / "var"))
    (made / "mutu.json").unlink(missing_ok=True)
    return made


def test_a_sealed_statement_is_made_beside_the_report(house, capsys):
    more = [str(house / f"{name}.parquet") for name in ("result", "truth", "registry")]
    assert announced(house, "--drawn", "typical", "22", "--also", *more, "dirty", "23") == 0
    assert "bagipakai control announce mutu.json" in capsys.readouterr().out
    key = PublicKey.from_pem((house / "var" / "keys" / "public" / "receipt.pub.pem").read_bytes())
    told = MatchingQuality.unsealed((house / "mutu.json").read_bytes(), key)
    assert [(one.kind, one.seed, one.persons) for one in told.lists] == [("typical", 22, 4_000), ("dirty", 23, 4_000)]
    assert told.clerks is None  # they said nothing
    assert told.overall.rows == 600
    assert told.measured_on == DAY
    people = pq.read_table(house / "registry.parquet", columns=["nik", "nama", "nama_ibu"]).slice(0, 500)
    text = json.dumps(told.to_json())
    assert not [one for column in people.columns for one in column.to_pylist() if one and one in text]


def pairs(*bands_and_weights: tuple[str, float], by: str = "") -> pa.Table:
    """Pairs as they are kept, told apart by their row; answered by the model of today unless `by` another."""
    many = len(bands_and_weights)
    rows = {name: [f"{name} {at}" for at in range(many)] for name in reviews.SHOWN}
    rows |= {"row": range(many), "ordinal": range(many), "score": [1.5] * many, "stage": [2] * many}
    rows |= {"band": [band for band, _ in bands_and_weights], "weight": [weight for _, weight in bands_and_weights]}
    rows |= {"probability": [0.5] * many, BY: [by or answered_by(MODEL, DAY)] * many}
    return pa.table(rows | {name: ["equal"] * many for name in LEVELS})


def clerks_say(house, order_id: str, told: pa.Table, said: dict[int, str]) -> None:
    """What clerks said of each row, a letter for each of them, as the office signs it."""
    folder, storage = Places.under(house / "var").reviews, keys.storage(house / "var" / "keys")
    reviews.keep(folder, storage, order_id, told)
    (house / "var" / "keys" / "public" / "order.pub.pem").write_bytes(OFFICE.public.to_pem())
    number = {row: at for at, row in enumerate(reviews.kept(folder, storage, order_id)["row"].to_pylist())}
    verdicts = {one.value[0]: one for one in Verdict}
    labels = tuple(
        Label(number[row], turn, len(letters) > 1, verdicts[letter])
        for row, letters in said.items()
        for turn, letter in enumerate(letters, start=1)
    )
    order = LabelOrder(f"TLH-{order_id}", order_id, labels, datetime(2026, 6, 30, tzinfo=UTC))
    assert reviews.label(folder, order, order.sealed(OFFICE))


def stated(house) -> MatchingQuality:
    key = PublicKey.from_pem((house / "var" / "keys" / "public" / "receipt.pub.pem").read_bytes())
    return MatchingQuality.unsealed((house / "mutu.json").read_bytes(), key)


@pytest.fixture
def labelled(house):
    """Of two lists that this model answered, and one that another did."""
    matched, open_, nobody = ("match", 40.0), ("review", 1.0), ("none", 25.0)
    first = pairs(matched, matched, matched, open_, open_, nobody, nobody)
    said = {0: "YY", 1: "YNN", 2: "U", 3: "NN", 4: "YN", 5: "N", 6: "Y"}
    clerks_say(house, "PES-1", first, said)
    clerks_say(house, "PES-2", pairs(matched, nobody, nobody), {0: "Y", 1: "NN"})
    clerks_say(house, "PES-3", pairs(matched, nobody, by="another"), {0: "N", 1: "YY"})
    yield house
    rmtree(Places.under(house / "var").reviews)


def test_what_clerks_said_of_this_models_answers_is_stated_as_it_was_signed(labelled):
    """Nobody types it. Of five pairs judged by two, one waits for a third."""
    assert announced(labelled, "--drawn", "typical", "22") == 0
    assert stated(labelled).clerks == Clerks(
        twice=5,
        agreed=3,
        arbitrated=1,
        matched=Sampled(rows=120, same_rows=80, decided=3, same=2, unsure=1, effective=3),
        nobody=Sampled(rows=75, same_rows=25, decided=3, same=1, unsure=0, effective=3),
    )


def test_labels_that_the_office_did_not_sign_are_not_stated(labelled, capsys):
    place = Places.under(labelled / "var").reviews / "PES-2" / reviews.LABELS
    (file,) = place.iterdir()
    file.write_bytes(file.read_bytes()[:-9] + b"AAAAAAA" + file.read_bytes()[-2:])
    assert announced(labelled, "--drawn", "typical", "22") == 1
    assert "[release-seal-mismatch]" in capsys.readouterr().err
    assert not (labelled / "mutu.json").exists()


def test_a_figure_of_clerks_cannot_be_typed(house, capsys):
    with pytest.raises(SystemExit):
        announced(house, "--drawn", "typical", "22", "--clerks", "20", "19")
    assert "--clerks" in capsys.readouterr().err


def test_a_list_of_people_has_no_seed(house):
    assert announced(house) == 0
    key = PublicKey.from_pem((house / "var" / "keys" / "public" / "receipt.pub.pem").read_bytes())
    (told,) = MatchingQuality.unsealed((house / "mutu.json").read_bytes(), key).lists
    assert (told.kind, told.seed) == (LABELLED, None)


@pytest.mark.parametrize(
    ("more", "registry"),
    [
        ((), False),
        (("--drawn", "typical", "x"), True),
        (("--drawn", "labelled", "7"), True),
        (("--drawn", "lain", "7"), True),
    ],
)
def test_what_is_incomplete_is_not_stated(house, capsys, more, registry):
    assert announced(house, *more, **({} if registry else {"registry": None})) == 1
    assert "[matching-statement-incomplete]" in capsys.readouterr().err
    assert not (house / "mutu.json").exists()


def test_a_result_that_this_model_or_policy_did_not_give_is_not_stated_about(house, capsys, monkeypatch):
    result, policy = pq.read_table(house / "result.parquet"), Decision.on(DAY)
    assert was_made_by(result, MODEL, DAY)
    for comparison, level in (
        ("jenis_kelamin", "equal"),
        ("nama", "differs"),
        ("rumah", "elsewhere-other-mother-card-open"),
    ):
        assert level in result[f"level_{comparison}"].unique().to_pylist()
        other = {**MODEL.same, comparison: {**MODEL.same[comparison], level: 0.9}}
        assert not was_made_by(result, replace(MODEL, same=other), DAY)
    assert not was_made_by(result.drop_columns(["bits_lahir"]), MODEL, DAY)
    alone = pa.compute.and_(pa.compute.equal(result["candidates"], 1), pa.compute.equal(result["stage"], 2))
    nobody = pa.compute.and_(alone, pa.compute.equal(result["band"], "none"))
    likeliest = pa.compute.max(result.filter(nobody)["probability"]).as_py()
    assert likeliest > 0
    otherwise = replace(policy, consider=likeliest / 2)
    monkeypatch.setattr(announcing.Decision, "on", lambda day: otherwise)
    assert not was_made_by(result, MODEL, DAY)
    assert announced(house, "--drawn", "typical", "22") == 1
    assert "[matching-result-of-another-model]" in capsys.readouterr().err
    assert not (house / "mutu.json").exists()
