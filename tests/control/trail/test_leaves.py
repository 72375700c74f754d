"""What becomes a leaf: a commitment, no personal data, and only together with the change it tells of."""

import hashlib
import json

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.control.trail import leaves
from bagipakai.core import policy
from bagipakai.core.canonical import NotCanonical, canonical, committed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("an_empty_trail")]

REASON = {"alasan": "Nama Siti Aminah, NIK 5203015203900001, salah eja", "hasil": "DIKEMBALIKAN"}


def rows(columns="body"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM trail.leaf ORDER BY id")
        return cursor.fetchall()


def openings():
    with connection.cursor() as cursor:
        cursor.execute("SELECT salt, payload FROM trail.opening ORDER BY leaf")
        return [(bytes(salt), payload) for salt, payload in cursor.fetchall()]


def count():
    return len(rows())


def test_a_leaf_says_who_did_what_to_which_thing_under_which_policy():
    commitment = leaves.write(
        "request.RETURN",
        "PMT-2026-000012#7",
        REASON,
        by=leaves.actor(17, 4),
        institution="LOMBOK-TIMUR",
        signature="ab" * 32,
    )
    ((body,),) = rows()
    told = json.loads(body)
    assert told.pop("at").endswith("+00:00")
    assert told == {
        "v": 1,
        "event": "request.RETURN",
        "actor_ref": "P17/J4",
        "institution": "LOMBOK-TIMUR",
        "object_ref": "PMT-2026-000012#7",
        "object_hash": commitment,
        "prev_object_hash": "",
        "sig_ref": "ab" * 32,
        "policy_version": policy.version(),
    }


def test_the_body_is_canonical_json():
    leaves.write("request.SUBMIT", "PMT-2026-000012#1", REASON)
    leaves.write("request.RETURN", "PMT-2026-000012#2", REASON, after="PMT-2026-000012#1")
    for (body,) in rows():
        assert canonical(json.loads(body)) == body.encode()


def test_the_commitment_opens_with_salt_and_content_only():
    commitment = leaves.write("request.RETURN", "PMT-2026-000012#7", REASON)
    ((salt, payload),) = openings()
    assert committed(salt, json.loads(payload)) == commitment
    assert hashlib.sha256(salt + payload.encode()).hexdigest() == commitment
    assert committed(bytes(32), REASON) != commitment


def test_the_same_content_twice_cannot_be_recognised():
    first, second = (leaves.write("request.RETURN", f"PMT-2026-000012#{n}", REASON) for n in (1, 2))
    assert first != second


def test_a_leaf_holds_nothing_of_the_content():
    leaves.write("request.RETURN", "PMT-2026-000012#7", REASON)
    ((body,),) = rows()
    assert "Siti" not in body and "5203015203900001" not in body and "DIKEMBALIKAN" not in body


def test_what_the_office_keeps_elsewhere_is_not_kept_twice():
    leaves.write("request.RETURN", "PMT-2026-000012#7", REASON, kept_elsewhere=True)
    ((salt, payload),) = openings()
    assert len(salt) == 32 and payload is None


def test_a_public_document_is_told_by_its_plain_digest():
    digest = hashlib.sha256(b"manifest").hexdigest()
    leaves.write_public("package.SEAL", "paket-0f3c", digest)
    ((body,),) = rows()
    assert json.loads(body)["object_hash"] == digest
    assert openings() == []


def test_a_version_names_what_the_version_before_was_committed_to():
    first = leaves.write("request.SUBMIT", "PMT-2026-000012#1", REASON)
    leaves.write("request.RETURN", "PMT-2026-000012#2", REASON, after="PMT-2026-000012#1")
    leaves.write("request.RETURN", "PMT-2026-000099#2", REASON, after="PMT-2026-000099#1")
    assert [json.loads(body)["prev_object_hash"] for (body,) in rows()] == ["", first, ""]


def test_the_columns_say_what_the_body_says():
    commitment = leaves.write("request.SUBMIT", "PMT-2026-000012#1", REASON)
    assert rows("event, about, commitment, seq") == [("request.SUBMIT", "PMT-2026-000012#1", commitment, None)]


def test_a_leaf_is_written_with_its_change_or_not_at_all():
    with pytest.raises(RuntimeError), transaction.atomic():
        leaves.write("request.SUBMIT", "PMT-2026-000012#1", REASON)
        assert count() == 1
        raise RuntimeError
    assert count() == 0
    assert openings() == []


@pytest.mark.django_db(transaction=True)
def test_a_leaf_by_itself_never_stands_without_its_opening():
    with connection.cursor() as cursor:
        cursor.execute("SELECT as_owner('ALTER TABLE trail.opening ADD CONSTRAINT none CHECK (false)')")
    try:
        with pytest.raises(DatabaseError):
            leaves.write("request.SUBMIT", "PMT-2026-000012#1", REASON)
        assert count() == 0
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT as_owner('ALTER TABLE trail.opening DROP CONSTRAINT none')")


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ("event", {"event": "Siti Aminah masuk"}),
        ("event", {"event": "request"}),
        ("event", {"event": "request.SUBMIT\n"}),
        ("object_ref", {"about": "siti@contoh.go.id"}),
        ("object_ref", {"about": "Siti Aminah"}),
        ("object_ref", {"about": ""}),
        ("object_ref", {"about": "orang/5203015203900001"}),
        ("object_ref", {"about": "PMT#5203015203900001"}),
        ("object_ref", {"about": "x" * 200}),
        ("object_ref", {"about": "PMT-２０２６"}),
        ("actor_ref", {"by": "Siti"}),
        ("actor_ref", {"by": "P17/J4 "}),
        ("institution", {"institution": "Dinas Sosial"}),
        ("institution", {"institution": "5203015203900001"}),
        ("after", {"after": "Siti Aminah"}),
        ("sig_ref", {"signature": "tanda tangan"}),
    ],
)
def test_what_is_no_name_of_a_thing_does_not_enter(field, told):
    whole = {"event": "request.SUBMIT", "about": "PMT-2026-000012#1", "payload": REASON} | told
    with pytest.raises(leaves.NotForTheTrail) as refused:
        leaves.write(**whole)
    assert str(refused.value) == field
    assert count() == 0


def test_a_public_document_needs_a_digest():
    for digest in ("", "AB" * 32, "ab" * 31, "ab" * 32 + "\n"):
        with pytest.raises(leaves.NotForTheTrail):
            leaves.write_public("package.SEAL", "paket-0f3c", digest)


def test_digits_within_a_digest_are_no_persons_number():
    leaves.write_public("package.SEAL", "paket-0f3c", "1234567890123456" + "ab" * 24)
    assert count() == 1


def test_content_without_one_spelling_is_refused():
    for payload in ({"a": 1.5}, {"a": 2**60}, {"a": "\ud800"}):
        with pytest.raises(NotCanonical):
            leaves.write("request.SUBMIT", "PMT-2026-000012#1", payload)
    assert count() == 0


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")), st.none() | st.booleans() | st.text(st.characters(codec="utf-8"))
    )
)
def test_any_content_can_be_opened_again(payload):
    """Also quotes, line breaks, NUL and what looks like a leaf."""
    with transaction.atomic():
        commitment = leaves.write("request.SUBMIT", "PMT-2026-000012#1", payload)
        salt, kept = openings()[-1]
    assert json.loads(kept) == payload
    assert hashlib.sha256(salt + kept.encode()).hexdigest() == commitment


def test_the_longest_leaf_fits():
    name = "x" * 119
    leaves.write(
        "e" * 40 + (".A" + "a" * 39) * 3,
        f"P{name}#" + "9a" * 20,
        {"long": "y" * 100_000},
        by=f"P{10**17}/J{10**17}",
        institution="I" * 40,
        after=name,
        signature="ab" * 32,
    )
    ((body,),) = rows()
    assert len(body.encode()) < 2000


def test_the_database_takes_no_leaf_beyond_8_kib_and_none_that_is_not_json():
    for body in (
        "x" * 10,
        "{}",
        json.dumps({"event": "a.B", "object_ref": "x", "object_hash": "y", "more": "z" * 8192}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("INSERT INTO trail.leaf (body) VALUES (%s)", [body])


def test_a_leaf_is_found_by_its_name_once_it_has_a_number():
    leaves.write("package.SEAL", "paket-0f3c", REASON)
    assert leaves.placed("paket-0f3c") is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT as_owner('UPDATE trail.leaf SET seq = 5')")
    ((body,),) = rows()
    assert leaves.placed("paket-0f3c") == leaves.placed("paket-0f3c", "package.SEAL") == (5, body.encode())
    assert leaves.placed("paket-0f3c", "package.OPEN") is None
    assert leaves.placed("paket-9999") is None
