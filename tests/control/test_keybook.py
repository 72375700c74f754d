"""The key to which packages of an institution are sealed: two persons in two houses put it into force, one ends it."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from tests import factories
from tests.authenticators import WALLET, act, the_same_key
from tests.control.trail.grounds import Ground, says
from tests.factories import FIELDS, SECRETS, a_house, a_key, a_request, a_seat, an_institution, an_office, done

from bagipakai.control import clock, institutions, keybook, ledger, people, requests
from bagipakai.control.models import Denial, RecipientKeyEvent, SignedDecision
from bagipakai.control.passkeys import evidence
from bagipakai.control.passkeys.signing import Signature
from bagipakai.control.trail.openings import openings
from bagipakai.core.canonical import digest
from bagipakai.core.keybook import Action, Term
from bagipakai.core.manifest import fingerprint, read_aloud
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action as Deed
from bagipakai.core.request import Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

HEAD, REVIEWER = Role.ACCOUNTABLE_OFFICER, Role.READINESS_REVIEWER


@pytest.fixture
def office():
    return an_office()


@pytest.fixture
def house(office):
    return an_institution(ready=False)


@pytest.fixture
def reviewer(office):
    return office[REVIEWER]


def a_new_key() -> str:
    return factories.a_new_key().public.recipient


def line(key: str) -> str:
    """What the recipient tool prints of this key; of what is no key, itself."""
    return next((one.public.line for one in SECRETS.values() if one.public.recipient == key), key)


def does(house, action, who, **payload):
    institution = house.institution
    return act(keybook, institution.pk, action, who, payload, keybook.book(institution).n)


def stated(house, key=None, who=None):
    return does(
        house, Action.STATE_KEY, who or house[HEAD], **keybook.statement(house.institution, line(key or a_new_key()))
    )


def confirmed(house, who, heard):
    return does(house, Action.CONFIRM_KEY, who, heard=heard)


def withdrawn(house, who, key, reason="Komputer hilang"):
    statement = next(one.digest for one in keybook.history(house.institution) if one.payload["recipient"] == key)
    return does(house, Action.WITHDRAW_KEY, who, statement=statement, reason=reason)


def spoken(house) -> str:
    return read_aloud(keybook.book(house.institution).waiting.fingerprint)


def in_use(house, at=None) -> str:
    """The key to which an order would now be sealed, or the code of why there is none."""
    found = keybook.key_at(house.institution, at or clock.now())
    return found.code if isinstance(found, Refusal) else found.recipient


def code(outcome) -> str:
    assert isinstance(outcome, Refusal)
    assert outcome.sentence().endswith(".")
    return outcome.code


def test_two_persons_in_two_houses_put_a_key_into_force(house, reviewer):
    old, new = in_use(house), a_new_key()
    done(stated(house, new))
    assert in_use(house) == old, "until it is confirmed, the old one"
    done(confirmed(house, reviewer, spoken(house)))
    assert in_use(house) == new
    events = [(one.action, one.person) for one in house.institution.key_events.all()]
    assert events[-2:] == [("STATE_KEY", house[HEAD]), ("CONFIRM_KEY", reviewer)]
    assert ledger.broken_at(RecipientKeyEvent, house.institution) is None


def test_a_statement_says_who_which_key_how_long_and_how_it_is_held(house):
    key, term = a_new_key(), Term.on(clock.today())
    event = done(stated(house, f"  {line(key).upper()} "))
    assert event.payload == {
        "institution": house.institution.code,
        "recipient": key,
        "receipt_key": SECRETS[fingerprint(key)].public.receipt_key,
        "fingerprint": fingerprint(key),
        "from": clock.today().isoformat(),
        "until": (clock.today() + timedelta(days=term.days)).isoformat(),
        "holding": term.holding,
    }


def test_both_steps_are_signed_and_stand_in_the_trail(house, reviewer):
    """Each is an entry, a signed decision over just that, and a leaf that commits to the entry."""
    key = a_key(house).public.recipient
    subject = f"kunci-lembaga/{house.institution.pk}"
    for n, action, signer in ((3, Action.STATE_KEY, house[HEAD]), (4, Action.CONFIRM_KEY, reviewer)):
        signed = SignedDecision.objects.get(subject=subject, n=n)
        assert (signed.pending.action, signed.credential.holder) == (action.value, signer)
        assert signed.pending.dossier["says"]["fingerprint"] == fingerprint(key)
        assert read_aloud(fingerprint(key)).replace(" ", "") in str(signed.pending.summary)
        (leaf,) = [
            one for one in openings(subject) if one.event == f"recipient-key.{action}" and one.about.endswith(f"#{n}")
        ]
        assert leaf.fits and leaf.payload["payload"]["fingerprint"] == fingerprint(key)


@pytest.mark.django_db(transaction=True)
def test_a_stranger_is_handed_the_signed_statement(tmp_path):
    """The same file as of any signed decision; the stand-alone verifier accepts it, and no other key in its place."""
    policy, file = tmp_path / "policy", tmp_path / "statement.json"
    with Ground(connection.settings_dict["NAME"], tmp_path) as trail:
        trail.witness("saksi.contoh.id")
        house = an_institution(ready=False)
        trail.step()
        policy.write_text(trail.policy_text())
        record = evidence.decision_file(f"kunci-lembaga/{house.institution.pk}", 1, trail.store)
    assert record["dossier"]["says"]["recipient"] == in_use(house)
    decision = record["entry"]["payload"]["decision"]
    assert decision["dossier_hash"] == digest(record["dossier"])
    file.write_text(json.dumps(record))
    assert says("decision", "--policy", policy, file)
    record["dossier"]["says"]["recipient"] = a_new_key()
    decision["dossier_hash"] = digest(record["dossier"])
    file.write_text(json.dumps(record))
    assert not says("decision", "--policy", policy, file)


# --- it takes two -----------------------------------------------------------------------------------------------------


def test_nobody_states_without_signing(house):
    told, n = keybook.statement(house.institution, line(a_new_key())), keybook.book(house.institution).n
    outcome = keybook.handle(house.institution.pk, Action.STATE_KEY, house[HEAD], told, n)
    assert code(outcome) == "decision-is-not-signed"


def test_only_the_head_states_the_key_of_the_house(house, reviewer):
    for who in (house[Role.APPLICANT], reviewer):
        assert code(stated(house, who=who)) == "not-this-role"
    other = an_institution(ready=False)
    assert code(stated(house, who=other[HEAD])) == "not-this-role"


def test_the_head_does_not_confirm(house):
    done(stated(house))
    assert code(confirmed(house, house[HEAD], spoken(house))) == "not-this-role"


def test_one_person_on_posts_in_both_houses_is_still_one(house, office):
    """Who stated a key does not confirm it from another post."""
    a_seat(office.institution, REVIEWER, person=house[HEAD])
    done(stated(house))
    assert code(confirmed(house, house[HEAD], spoken(house))) == "stated-it-themselves"


def test_the_controller_does_not_confirm_its_own_key(office, reviewer):
    head = a_seat(office.institution, HEAD).person
    own = a_house(office.institution, ())
    own.who[HEAD] = head
    done(stated(own))
    assert code(confirmed(own, reviewer, spoken(own))) == "belongs-to-own-institution"


def test_a_reviewer_under_a_mandate_does_not_confirm(house, office):
    """Who processes for the controller, and seals, does not say to whom."""
    processor = institutions.register("PROSESOR", "Badan Pemrosesan", "KL")
    institutions.mandate(office.institution, processor, number="M-1", scope="semua")
    done(stated(house))
    assert code(confirmed(house, a_seat(processor, REVIEWER).person, spoken(house))) == "not-this-role"


@pytest.mark.parametrize(
    "wrong", ["0000", lambda told: told[:-1], lambda told: told[:-1] + ("0" if told[-1] != "0" else "1")]
)
def test_another_fingerprint_confirms_nothing(house, reviewer, wrong):
    old = in_use(house)
    done(stated(house))
    heard = wrong(spoken(house)) if callable(wrong) else wrong
    assert code(confirmed(house, reviewer, heard)) == "fingerprint-differs"
    assert in_use(house) == old
    assert Denial.objects.get(code="fingerprint-differs").person == reviewer


@pytest.mark.parametrize("written", [str.upper, lambda told: told.replace(" ", ""), lambda told: f" {told}\n"])
def test_a_fingerprint_may_be_written_in_any_way(house, reviewer, written):
    done(stated(house))
    done(confirmed(house, reviewer, written(spoken(house))))


def test_what_was_signed_for_one_key_confirms_no_other(house, reviewer):
    """The head states another key while the officer is signing: the signature under the first confirms nothing."""
    old, institution = in_use(house), house.institution
    done(stated(house))
    WALLET.of(reviewer)
    heard, n = {"heard": spoken(house)}, keybook.book(institution).n
    found = done(keybook.draw_up(institution.pk, Action.CONFIRM_KEY, reviewer, heard, n))
    signature = WALLET.sign(found)
    done(stated(house))
    late = keybook.handle(institution.pk, Action.CONFIRM_KEY, reviewer, heard, n, signature)
    assert code(late) == "changed-meanwhile"
    other = {"heard": spoken(house)}
    again = keybook.handle(institution.pk, Action.CONFIRM_KEY, reviewer, other, n + 1, signature)
    assert code(again) == "decision-no-longer-holds"
    assert in_use(house) == old


def test_the_assertion_for_one_key_states_no_other(house):
    """Signed: the first key. Handed in with it: the second."""
    institution, head = house.institution, house[HEAD]
    n = keybook.book(institution).n
    first, second = (keybook.statement(institution, line(a_new_key())) for _ in range(2))
    found, other = (done(keybook.draw_up(institution.pk, Action.STATE_KEY, head, told, n)) for told in (first, second))
    answer = WALLET.sign(found).answer
    handed_in = keybook.handle(institution.pk, Action.STATE_KEY, head, second, n, Signature(other.token, answer))
    assert code(handed_in) == "signed-another-decision"


def test_a_key_that_was_not_enrolled_by_its_holder_states_nothing(house, reviewer):
    institution, head = house.institution, house[HEAD]
    n, told = keybook.book(institution).n, keybook.statement(house.institution, line(a_new_key()))
    found = done(keybook.draw_up(institution.pk, Action.STATE_KEY, head, told, n))
    stolen = the_same_key(WALLET.of(reviewer))
    mine, WALLET.held[_credential(head)] = WALLET.of(head), stolen
    try:
        signature = WALLET.sign(found)
    finally:
        WALLET.held[_credential(head)] = mine
    assert code(keybook.handle(institution.pk, Action.STATE_KEY, head, told, n, signature)) == "signed-with-another-key"


def _credential(person) -> str:
    return person.credentials.get().credential


# --- which keys -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "no"),
    [
        ("AGE-SECRET-KEY-1QQQQ", "key-is-private"),
        ("age1", "key-not-valid"),
        ("ssh-rsa AAAA", "key-not-valid"),
        ("AGE1" + "Q" * 58, "key-not-valid"),
        ("kunci–ku", "key-not-valid"),
        ("", "form-is-incomplete"),
    ],
)
def test_what_is_no_public_key_is_refused_and_not_kept(house, text, no):
    before = RecipientKeyEvent.objects.count()
    told = keybook.statement(house.institution, text)
    assert code(does(house, Action.STATE_KEY, house[HEAD], **told)) == no
    assert RecipientKeyEvent.objects.count() == before
    assert not text or text not in str(list(Denial.objects.values()))


def test_a_key_is_stated_once(house, reviewer):
    """Neither one that is in force, nor one that was withdrawn, nor another institution's comes back."""
    key = in_use(house)
    assert code(stated(house, key)) == "key-was-stated-before"
    done(withdrawn(house, house[HEAD], key))
    assert code(stated(house, key)) == "key-was-stated-before"
    assert code(stated(an_institution(ready=False), key)) == "key-was-stated-before"


def test_the_key_stated_last_is_the_one_that_waits(house, reviewer):
    done(stated(house))
    first = spoken(house)
    done(stated(house))
    assert code(confirmed(house, reviewer, first)) == "fingerprint-differs"
    done(confirmed(house, reviewer, spoken(house)))


# --- the end of a key -------------------------------------------------------------------------------------------------


def test_a_key_ends_with_its_last_day(house, at):
    until, key = keybook.book(house.institution).current.until, in_use(house)
    with at(f"{until}T23:59:59"):
        assert in_use(house) == key
    with at(f"{until + timedelta(days=1)}T00:00:00"):
        assert in_use(house) == "recipient-key-has-expired"


@pytest.mark.parametrize("by", [HEAD, REVIEWER])
def test_one_person_is_enough_to_withdraw_a_key_at_once(house, office, by):
    key, before = in_use(house), clock.now()
    done(withdrawn(house, (house if by is HEAD else office)[by], key))
    assert in_use(house) == "recipient-key-was-withdrawn"
    assert in_use(house, before) == key, "the book still says which key there was"
    assert code(withdrawn(house, house[HEAD], key)) == "key-is-over"


def test_withdrawing_what_waits_leaves_what_is_in_force(house, reviewer):
    old, new = in_use(house), a_new_key()
    done(stated(house, new))
    done(withdrawn(house, reviewer, new, "Sidiknya tidak cocok"))
    assert in_use(house) == old
    assert code(confirmed(house, reviewer, read_aloud(fingerprint(new)))) == "not-at-this-stage"


def test_withdrawing_what_is_in_force_leaves_what_waits(house, reviewer):
    old, new = in_use(house), a_new_key()
    done(stated(house, new))
    done(withdrawn(house, house[HEAD], old))
    assert in_use(house) == "recipient-key-was-withdrawn"
    done(confirmed(house, reviewer, spoken(house)))
    assert in_use(house) == new


def test_an_institution_whose_first_key_waits_has_none_yet(office):
    institution = institutions.register("BARU", "Lembaga Baru", "KL")
    house = a_house(institution, (HEAD, Role.APPLICANT))
    assert in_use(house) == "recipient-key-missing"
    a_key(house, until=Action.STATE_KEY)
    assert in_use(house) == "recipient-key-is-not-confirmed"


# --- what is ordered --------------------------------------------------------------------------------------------------


def ordered(chain):
    return chain.attempt(Deed.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Deed.PLACE_ORDER))


@pytest.fixture
def chain(office):
    return a_request(at=Status.PROCESSING, level="L1", asking=an_institution())


def test_an_order_names_the_recipient_and_the_fingerprint_of_its_key(chain):
    recipient = requests.plan(chain.reference).recipient
    current = keybook.book(chain.asking.institution).current
    assert (recipient.institution, recipient.fingerprint) == (chain.asking.institution.code, current.fingerprint)
    assert recipient.key == current.recipient


def test_nothing_is_ordered_for_a_key_that_was_withdrawn(chain):
    done(withdrawn(chain.asking, chain.asking[HEAD], in_use(chain.asking)))
    assert code(ordered(chain)) == "recipient-key-was-withdrawn"


def test_nothing_is_ordered_for_a_key_that_has_ended(chain, at):
    until = keybook.book(chain.asking.institution).current.until
    for field in FIELDS:  # everything else still holds on that day
        known = {"number": "SK-2", "issuer": "Lembaga Uji", "until": until + timedelta(days=9)}
        people.attest(chain.office[Role.DATA_PREPARER], field, **known)
    with at(f"{until + timedelta(days=1)}T09:00:00"):
        assert code(ordered(chain)) == "recipient-key-has-expired"


def test_a_key_that_waits_changes_no_order(chain):
    a_key(chain.asking, until=Action.STATE_KEY)
    done(ordered(chain))


@pytest.mark.parametrize("end", ["withdrawn", "replaced"])
def test_a_package_stays_what_it_was_when_its_key_ends(office, end):
    """It is sealed already; whoever holds the old secret key opens it. The next order is for the new key."""
    chain = a_request(at=Status.QUALITY_CHECK, level="L1", asking=an_institution())
    if end == "withdrawn":
        done(withdrawn(chain.asking, chain.asking[HEAD], in_use(chain.asking)))
    else:
        a_key(chain.asking)
    chain.step(Deed.PASS_QUALITY, Role.QUALITY_REVIEWER)
    chain.sign(Deed.SIGN_HANDOVER)
    assert chain.state.status is Status.ACCESS_GRANTED
