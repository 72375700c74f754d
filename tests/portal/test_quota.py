"""A list that would pass the institution's quota is told before the request is sent."""

import html
from datetime import timedelta

import pytest
from django.urls import reverse
from tests.factories import a_matching_request, a_request, a_roster, answers, done, matching
from tests.portal.steps import entering

from bagipakai.control import clock
from bagipakai.core.quota import Quota
from bagipakai.core.request import Role, Status
from bagipakai.portal.templatetags.parts import day

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


def checked(chain) -> str:
    page = entering(chain.asking[Role.APPLICANT]).get(reverse("requests:check", args=[chain.reference]))
    return html.unescape(page.content.decode())


@pytest.fixture
def draft():
    """A request that names a list of 30 rows, and waits to be sent."""
    chain = a_matching_request()
    done(chain.write(**matching(a_roster(chain.asking))))
    return chain


def test_the_last_page_before_sending_tells_what_the_list_takes_and_what_is_left(draft):
    page = checked(draft)
    assert "daftar ini memakai 30 baris jatah" in page and "Jatah lembaga Anda 3.000.000 baris dalam 30 hari" in page
    assert "0 baris sudah terpakai dan 3.000.000 tersisa" in page and "Melebihi jatah" not in page


def test_a_list_beyond_what_is_left_is_warned_of_with_the_day_on_which_it_fits(draft, monkeypatch):
    before = a_matching_request(Status.ACCESS_GRANTED)  # 812 rows
    monkeypatch.setattr(Quota, "on", classmethod(lambda *_: Quota(830, 30)))
    page = checked(draft)
    assert "Melebihi jatah" in page and "Daftar ini 30 baris" in page and "tersisa 18 baris" in page
    again = clock.day_of(before.request.orders.get().placed_at) + timedelta(days=30)
    assert f"Jatahnya cukup lagi mulai {day(again)}" in page
    monkeypatch.setattr(Quota, "on", classmethod(lambda *_: Quota(29, 30)))
    assert "Bagi daftar itu menjadi beberapa daftar" in checked(draft)


def test_a_request_for_data_says_nothing_of_it():
    chain = a_request()
    done(chain.write(**answers("L2")))
    assert "Jatah baris" not in checked(chain)
