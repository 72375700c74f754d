"""The page of a request whose order is being done: where it is, how fast, how long yet, and a way to stop it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils.translation import override
from tests.factories import a_request
from tests.fakes import Registry
from tests.portal.steps import with_a_key
from tests.portal.test_acts import act

from bagipakai.control import clock, order_receipts, requests
from bagipakai.core.request import Action, Role, Status
from bagipakai.portal.acts import progress

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def ordered():
    chain = a_request(at=Status.PROCESSING)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    return chain


def the_registry_says(order, stage, done=0, of=None, ago=40, unit="persons"):
    since = (clock.now() - timedelta(seconds=ago)).isoformat()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT as_owner(format('INSERT INTO exchange.progress (order_id, stage, since, done, of, unit)"
            " VALUES (%%L, %%L, %%L, %%L, %%L, %%L)', %s::text, %s::text, %s::text, %s::bigint, %s::bigint, %s::text))",
            [order, stage, since, done, of, unit],
        )


def page(chain, name="requests:show"):
    return with_a_key(chain.office[Role.DATA_PREPARER]).get(reverse(name, args=[chain.reference]))


def test_an_order_that_nobody_began_waits(ordered):
    text = page(ordered).content.decode()
    assert "Menunggu gudang data" in text and ordered.state.orders[-1] in text
    assert "<progress" not in text


def test_stage_persons_rate_and_time_left_are_told_in_the_words_of_the_regulation(ordered):
    the_registry_says(ordered.state.orders[-1], "FORMATTING", 2_000_000, 10_000_000, ago=100)
    text = page(ordered).content.decode()
    assert '<progress max="10000000" value="2000000"' in text
    assert "2.000.000 dari 10.000.000 orang dibaca" in text and "orang per detik" in text
    assert "sekitar 7 menit lagi" in text
    names = ["Pemilahan", "Agregasi", "Penyesuaian format", "Pemastian keamanan akses", "Penyediaan"]
    told = text[text.index('class="steps"') :].partition("</ol>")[0]
    assert sorted(names, key=told.index) == names
    assert told.count("steps__past") == 2 and told.count('aria-current="step"') == 1


def test_of_a_table_that_is_compared_with_others_the_regencies_are_told(ordered):
    the_registry_says(ordered.state.orders[-1], "AGGREGATION", 120, 514, unit="regencies")
    text = page(ordered).content.decode()
    assert "120 dari 514 kabupaten dan kota dibandingkan dengan tabel lain" in text
    assert "orang dibaca" not in text and "per detik" not in text


def test_the_part_that_a_script_asks_for_is_the_same_and_ends_with_the_answer(ordered):
    the_registry_says(ordered.state.orders[-1], "AGGREGATION")
    part = page(ordered, "requests:under_way")
    assert part.status_code == 200 and part.content.decode().strip() in page(ordered).content.decode()
    registry = Registry()
    registry.answer(registry.orders()[0])
    order_receipts.collect()
    assert page(ordered, "requests:under_way").status_code == 204
    assert "data-live" not in page(ordered).content.decode()


@pytest.mark.parametrize(
    ("seconds", "told", "english"),
    [
        (0, "kurang dari semenit lagi", "less than a minute left"),
        (29, "kurang dari semenit lagi", "less than a minute left"),
        (60, "sekitar 1 menit lagi", "about 1 minute left"),
        (5_900, "sekitar 98 menit lagi", "about 98 minutes left"),
        (7_200, "sekitar 2 jam lagi", "about 2 hours left"),
    ],
)
def test_time_left_is_a_round_figure(seconds, told, english):
    assert progress.time_left(timedelta(seconds=seconds)) == told
    with override("en"):
        assert progress.time_left(timedelta(seconds=seconds)) == english


def test_the_order_is_cancelled_from_its_page_with_a_reason(ordered):
    act(ordered, Role.DATA_PREPARER, Action.CANCEL_ORDER, {"reason": "Rencana diganti"})
    assert ordered.state.cancelled == ordered.state.orders[-1]
    text = page(ordered).content.decode()
    assert "Pesanan dibatalkan; menunggu gudang data berhenti" in text
    assert "Rencana diganti" in text
