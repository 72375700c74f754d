"""Wrong passwords close the entrance for a while: for one account, and for everybody from one address."""

import io
import json
import logging
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from bagipakai.control import clock, entrance, people
from bagipakai.control.models import Denial, LoginFailure

pytestmark = pytest.mark.django_db

EMAIL, PASSWORD = "rina@kementerian.go.id", "sebuah kalimat panjang yang rahasia"
WRONG = "bukan kata sandinya 5203015708890001"
MISMATCH, CLOSED = "tidak cocok", "Terlalu banyak percobaan"


@pytest.fixture
def person():
    return people.register(EMAIL, "Rina", PASSWORD)


@pytest.fixture
def now(monkeypatch):
    """`now(minutes)` lets time pass; it begins at a full minute."""
    moment = [clock.now().replace(second=0, microsecond=0)]
    monkeypatch.setattr(clock, "now", lambda: moment[0])

    def later(minutes):
        moment[0] += timedelta(minutes=minutes)

    return later


def enter(email=EMAIL, password=WRONG, **meta):
    page = Client().post(reverse("accounts:login"), {"username": email, "password": password}, **meta)
    return page if page.status_code == 302 else page.content.decode()


def came_in(page):
    return not isinstance(page, str)


def test_five_mistakes_close_it_and_the_page_says_when_to_try_again(person, now):
    for _ in range(4):
        assert MISMATCH in enter()
    opens = (clock.now() + timedelta(minutes=15)).astimezone(clock.WIB)
    assert CLOSED in (page := enter()) and f"pukul {opens:%H.%M} WIB" in page
    now(1)
    page = enter(password=PASSWORD)
    assert CLOSED in page and f"{opens:%H.%M}" in page, (
        "not even the right one is looked at; waiting is not made longer"
    )
    now(13.99)
    assert CLOSED in enter(password=PASSWORD)
    now(0.02)
    assert came_in(enter(password=PASSWORD))


def test_it_says_so_in_english_too(person):
    client = Client()
    client.cookies["django_language"] = "en"
    for _ in range(5):
        page = client.post(reverse("accounts:login"), {"username": EMAIL, "password": WRONG})
    assert "Too many attempts" in page.content.decode() and "try again at" in page.content.decode()


def test_after_the_wait_one_mistake_does_not_close_it_again(person, now):
    for _ in range(5):
        enter()
    now(15)
    assert MISMATCH in enter()
    assert came_in(enter(password=PASSWORD))


def test_mistakes_far_apart_close_nothing(person, now):
    for _ in range(20):
        assert MISMATCH in enter()
        now(4)
    assert came_in(enter(password=PASSWORD))


def test_another_account_is_not_closed(person):
    people.register("budi@kementerian.go.id", "Budi", PASSWORD)
    for _ in range(6):
        enter()
    assert came_in(enter("budi@kementerian.go.id", PASSWORD))


@pytest.mark.parametrize("spelled", [EMAIL.upper(), f"  {EMAIL} "])
def test_another_spelling_is_the_same_account(person, spelled):
    for _ in range(5):
        enter(spelled)
    assert CLOSED in enter(password=PASSWORD)


def test_an_account_that_is_not_there_closes_like_one_that_is(person):
    """The page tells nobody which accounts there are."""
    pages = [[enter(email) for _ in range(6)] for email in (EMAIL, "tiada@kementerian.go.id")]
    assert [[CLOSED in page for page in each] for each in pages] == [[False] * 4 + [True] * 2] * 2


def test_many_accounts_from_one_address_close_it_for_that_address_alone(person):
    for number in range(50):
        enter(f"orang{number}@kementerian.go.id", REMOTE_ADDR="192.0.2.7")
    assert CLOSED in enter(password=PASSWORD, REMOTE_ADDR="192.0.2.7")
    assert came_in(enter(password=PASSWORD, REMOTE_ADDR="192.0.2.8"))


def test_whoever_has_many_ipv6_addresses_has_one_network(person):
    for number in range(50):
        enter(f"orang{number}@kementerian.go.id", REMOTE_ADDR=f"2001:db8:0:1::{number:x}")
    assert CLOSED in enter(password=PASSWORD, REMOTE_ADDR="2001:db8:0:1:ffff::1")
    assert came_in(enter(password=PASSWORD, REMOTE_ADDR="2001:db8:0:2::1"))


def test_nobody_chooses_their_address_by_a_header(person):
    """Without a proxy the header says nothing."""
    for number in range(50):
        enter(f"orang{number}@kementerian.go.id", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}")
    assert CLOSED in enter(password=PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.99")


def test_behind_the_proxy_its_last_word_counts(person, settings):
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for number in range(50):
        enter(f"orang{number}@kementerian.go.id", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}, 192.0.2.7")
    assert CLOSED in enter(password=PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.1, 192.0.2.7")
    assert came_in(enter(password=PASSWORD, HTTP_X_FORWARDED_FOR="192.0.2.7, 192.0.2.8"))


def test_the_refusal_is_a_leaf_once_for_each_time_it_closes(person, now):
    for _ in range(9):
        enter()
    (denial,) = Denial.objects.all()
    assert (denial.code, denial.action, denial.person) == ("login-is-closed", "LOGIN", None)
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM trail.leaf WHERE event = 'refusal.login-is-closed'")
        ((body,),) = cursor.fetchall()
    assert json.loads(body)["object_ref"] == f"tolakan/{denial.pk}"
    now(15)
    for _ in range(5):
        enter()
    assert Denial.objects.count() == 2


def test_neither_password_nor_address_is_kept_or_logged(person, monkeypatch):
    (handler,) = [one for one in logging.getLogger().handlers if getattr(one, "name", "") == "console"]
    written = io.StringIO()
    monkeypatch.setattr(handler, "stream", written)
    for _ in range(7):
        enter(REMOTE_ADDR="192.0.2.7")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(string_agg(payload || body, ''), '') FROM trail.leaf JOIN trail.opening ON leaf = id"
        )
        (trail,) = cursor.fetchone()
    kept = str([*LoginFailure.objects.values(), *Denial.objects.values()]) + trail + written.getvalue()
    assert "entrance.closed by=account" in written.getvalue()
    assert not [one for one in (EMAIL, "rina", WRONG, "5203015708890001", "192.0.2.7") if one in kept]


def test_failures_are_forgotten_after_a_day(person, now):
    enter()
    now(23 * 60)
    assert entrance.tidy() == 0
    now(61)
    assert entrance.tidy() == 1 and not LoginFailure.objects.exists()


def test_the_office_cannot_change_a_failure(person):
    enter()
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        LoginFailure.objects.update(at=clock.now() - timedelta(hours=1))


def test_a_closed_account_is_told_the_same_as_a_wrong_password(person):
    person.state = "SUSPENDED"
    person.save(update_fields=["state"])
    assert MISMATCH in enter(password=PASSWORD)
    assert LoginFailure.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_guesses_at_once_are_counted_like_guesses_in_a_row(person):
    """Each in a connection of its own."""
    from concurrent.futures import ThreadPoolExecutor

    def guess(_):
        try:
            return entrance.enter(EMAIL, WRONG, "192.0.2.7")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as crowd:
        outcomes = list(crowd.map(guess, range(12)))
    assert LoginFailure.objects.count() == 5
    assert sum(outcome is None for outcome in outcomes) == 4
