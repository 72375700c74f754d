"""Whatever is done in whatever order, a key is in force only by the word of two persons in two houses."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bagipakai.core import keybook
from bagipakai.core.envelope import Signer
from bagipakai.core.event import Actor, Role
from bagipakai.core.facts import Mandate
from bagipakai.core.keybook import Action, Book, Command, KeyFacts, Statement, Status, Term, decide, fold
from bagipakai.core.manifest import fingerprint, read_aloud
from bagipakai.core.refusal import Refusal

NOON = datetime(2026, 12, 1, 5, tzinfo=UTC)
SIGNS = Signer.new().public.to_line()
KEYS = ("age1satu", "age1dua", "age1tiga")
PEOPLE = ("budi", "sari")
POSTS = (
    ("kepala", Role.ACCOUNTABLE_OFFICER, "DESA"),
    ("peninjau", Role.READINESS_REVIEWER, "PUSAT"),
    ("peninjau-sini", Role.READINESS_REVIEWER, "DESA"),
    ("kepala-sana", Role.ACCOUNTABLE_OFFICER, "KOTA"),
)


class Office:
    """The rules, with a world in which everybody holds every post and each day brings one thing."""

    def __init__(self) -> None:
        self.events: list[keybook.Event] = []
        self.now = NOON

    @property
    def book(self) -> Book:
        return fold(self.events, "DESA")

    def does(self, action, person, post, **payload) -> keybook.Event | Refusal:
        self.now += timedelta(days=1)
        name, role, house = post
        facts = KeyFacts(
            now=self.now,
            today=self.now.date(),
            account="ACTIVE",
            mandate=Mandate(person, name, house, frozenset({role}), NOON),
            competences_needed={role.value: ()},
            term=Term(5, 2, "Disimpan di lembaga ini"),
            is_recipient=True,
            stated_before=payload.get("recipient") in {event.payload["recipient"] for event in self.events},
        )
        command = Command(action, Actor(person, name, role, house), payload, self.book.n)
        outcome = decide(self.book, command, facts)
        if isinstance(outcome, keybook.Event):
            self.events.append(outcome)
        return outcome


STEPS = st.lists(
    st.tuples(st.sampled_from(Action), st.sampled_from(PEOPLE), st.sampled_from(POSTS), st.sampled_from(KEYS)),
    max_size=30,
)


def walked(steps) -> Office:
    office = Office()
    for action, person, post, key in steps:
        stated = [event for event in office.events if event.payload["recipient"] == key]
        payload = {
            Action.STATE_KEY: {"institution": "DESA", "recipient": key, "receipt_key": SIGNS},
            Action.CONFIRM_KEY: {"heard": read_aloud(fingerprint(key))},
            Action.WITHDRAW_KEY: {"statement": stated[0].digest if stated else "ab" * 32, "reason": "Hilang"},
        }[action]
        office.does(action, person, post, **payload)
    return office


@given(STEPS)
def test_a_key_in_force_has_two_persons_in_two_houses_behind_it(steps):
    office = walked(steps)
    found = office.book.key_on(office.now.date())
    if isinstance(found, Refusal):
        return
    told = {event.action: event for event in office.events if event.payload["recipient"] == found.recipient}
    stated, confirmed = told[Action.STATE_KEY].actor, told[Action.CONFIRM_KEY].actor
    assert stated.person != confirmed.person
    assert (stated.institution, confirmed.institution) == ("DESA", "PUSAT")
    assert Action.WITHDRAW_KEY not in told
    assert found.since <= office.now.date() <= found.until == found.since + timedelta(days=5)


@given(STEPS)
def test_the_status_says_whether_a_key_waits(steps):
    book = walked(steps).book
    assert book.status is (None if book.n == 0 else Status.WAITING if book.waiting else Status.SETTLED)


@given(STEPS)
def test_an_event_is_read_back_as_it_was_written(steps):
    for event in walked(steps).events:
        assert keybook.Event.from_json(event.to_json()) == event


def test_the_walks_reach_a_key_in_force():
    """The way there exists in this world: without it the first promise would be empty."""
    office, head, reviewer = Office(), POSTS[0], POSTS[1]
    assert isinstance(
        office.does(Action.STATE_KEY, "budi", head, institution="DESA", recipient=KEYS[0], receipt_key=SIGNS),
        keybook.Event,
    )
    heard = read_aloud(fingerprint(KEYS[0]))
    assert office.does(Action.CONFIRM_KEY, "budi", reviewer, heard=heard) == Refusal("stated-it-themselves")
    assert isinstance(office.does(Action.CONFIRM_KEY, "sari", reviewer, heard=heard), keybook.Event)
    found = office.book.key_on(office.now.date())
    assert isinstance(found, Statement) and found.recipient == KEYS[0]
    assert office.book.key_on(date(2026, 12, 8)) == Refusal("recipient-key-has-expired", {"until": "2026-12-07"})
