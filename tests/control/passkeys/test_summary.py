"""What is shown is what is signed: one renderer, every word of the step in it, and its digest under the signature."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.authenticators import draw_up, key_of
from tests.factories import a_request, done

from bagipakai.control import clock, requests
from bagipakai.control.passkeys import requested
from bagipakai.control.passkeys.summary import Summary, drawn
from bagipakai.core.canonical import canonical
from bagipakai.core.decisions import Signing
from bagipakai.core.request import Action, Role, Status
from bagipakai.core.variables import Catalogue

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = WORDS | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | st.none()
FLAT = st.dictionaries(WORDS, SCALARS, max_size=3)
PAYLOADS = st.dictionaries(
    WORDS,
    SCALARS | st.lists(SCALARS | FLAT, max_size=3) | st.dictionaries(WORDS, SCALARS | FLAT, max_size=3),
    max_size=4,
)


def scalars(value):
    """Every word and number of a payload, names of variables and of items included."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from scalars(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from scalars(inner)
    elif value not in (None, ""):
        yield value if isinstance(value, str) else canonical(value).decode()


@pytest.fixture
def matter():
    chain = a_request(at=Status.COORDINATOR_DECISION)
    filled = requests.prefilled(chain.reference, Action.APPROVE) | {"reason": "Disetujui sesuai usul"}
    who = chain.office[Role.COORDINATOR]
    return requested.of_request(
        chain.request, done(requests.DOOR.answer(chain.request, Action.APPROVE, who, filled, seen=chain.state.n))
    )


def shown(matter, lang="id") -> Summary:
    return drawn(matter, Signing.on(clock.today()).acts["request", "APPROVE"], lang)


def text(summary: Summary) -> str:
    return "\n".join([summary.sentence, *(word for line in summary.lines for word in (line.name, *line.values))])


def test_where_no_variable_is_approved_that_is_what_is_signed(matter):
    bare = replace(matter, plan=replace(matter.plan, variables=()))
    for lang, line in (("id", ("Variabel dalam rencana", "Tidak ada")), ("en", ("Variables of the plan", "None"))):
        assert line in [(one.name, *one.values) for one in shown(bare, lang).lines]


def test_an_approval_shows_the_plan_in_words(matter):
    said = text(shown(matter))
    catalogue = Catalogue.on(clock.today())
    for name in matter.payload["variables"]:
        assert f"{catalogue[name].title()} ({name})" in said
    for told in ("Program Keluarga Harapan", "Kabupaten Lombok Timur", "Disetujui sesuai usul", matter.plan.digest):
        assert told in said
    assert matter.payload["readiness"] in said and matter.rests_on["content"] in said


def test_every_word_of_a_step_is_shown(matter):
    @settings(max_examples=150, deadline=None)
    @given(PAYLOADS)
    def holds(payload):
        said = text(shown(replace(matter, payload=payload)))
        assert [word for word in scalars(payload) if word not in said] == []

    holds()


def turned(value):
    """The same value with its names the other way round, as a database may give it back."""
    if isinstance(value, dict):
        return {name: turned(inner) for name, inner in reversed(value.items())}
    return [turned(inner) for inner in value] if isinstance(value, list) else value


def test_the_same_step_is_shown_the_same_in_whatever_order_its_words_are_kept(matter):
    @settings(max_examples=100, deadline=None)
    @given(PAYLOADS)
    def holds(payload):
        assert shown(replace(matter, payload=payload)) == shown(replace(matter, payload=turned(payload)))

    holds()


def test_two_steps_that_differ_are_two_summaries(matter):
    """Also where only a code differs for which there is a word."""
    digests = {
        shown(replace(matter, payload={"verdicts": {"desil": {"verdict": one}}})).digest
        for one in ("APPROVE", "REJECT", "LOWER", "")
    }
    assert len(digests) == 4


def test_the_digest_is_of_what_is_shown(matter):
    one = shown(matter)
    assert Summary.from_json(one.to_json()) == one
    assert replace(one, sentence=one.sentence + " ").digest != one.digest
    assert len({shown(matter, lang).digest for lang in ("id", "en")}) == 2


def test_every_sentence_is_told_in_both_languages(matter):
    for act in Signing.on(clock.today()).acts.values():
        assert act.sentence("id").endswith(".") and act.sentence("en").endswith(".")
        assert act.sentence("id") != act.sentence("en")


def test_what_waits_to_be_signed_holds_what_is_shown():
    chain = a_request(at=Status.ADMIN_CHECK)
    who = chain.office[Role.ADMIN_VERIFIER]
    key_of(who)
    for lang in ("id", "en"):
        found = done(draw_up(chain.reference, Action.PASS_ADMIN, who, lang=lang))
        assert Summary.from_json(found.summary).digest == found.decision["shown_summary_hash"]
        assert found.summary["lang"] == lang


def test_a_check_of_substance_shows_what_was_proposed():
    chain = a_request(at=Status.SUBSTANCE_CHECK, level="L1")
    chain.propose_all()
    who = chain.office[Role.SUBSTANCE_VERIFIER]
    opinion = {"opinion": "SUPPORTS", "reason": "Sesuai tujuan"}
    chain.step(Action.GIVE_OPINION, Role.DATA_PROTECTION_OFFICER, opinion)
    event = done(requests.DOOR.answer(chain.request, Action.PASS_SUBSTANCE, who, {}, seen=chain.state.n))
    said = text(
        drawn(requested.of_request(chain.request, event), Signing.on(clock.today()).acts["request", "PASS_SUBSTANCE"])
    )
    assert "Putusan: Setujui (APPROVE)" in said
