"""The page of an order under way keeps itself up to date, tells politely, and works without script."""

from functools import partial

import pytest
from django.urls import reverse
from playwright.sync_api import expect
from tests.browser.windows import SCREENS, entering, whole
from tests.factories import a_request
from tests.fakes import Registry
from tests.portal.test_under_way import the_registry_says

from bagipakai.control import order_receipts, requests
from bagipakai.core.request import Action, Role, Status

pytestmark = pytest.mark.django_db(transaction=True)

DESK = {"width": 1280, "height": 900}


def test_the_page_of_an_order_under_way(browser, live_server, no_violations, settings):
    settings.ORIGIN = live_server.url
    chain = a_request(at=Status.PROCESSING)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    preparer, order = chain.office[Role.DATA_PREPARER], chain.state.orders[-1]
    address = f"{live_server.url}{reverse('requests:show', args=[chain.reference])}"
    page = entering(browser, live_server.url, preparer, viewport=DESK)
    page.goto(address)
    part = page.locator("#pelaksanaan")
    expect(part).to_contain_text("Menunggu gudang data")
    no_violations(page)

    the_registry_says(order, "FORMATTING", 42_000_000, 285_570_129, ago=30)
    expect(part.get_by_role("progressbar", name="Kemajuan pesanan")).to_have_attribute(
        "value", "42000000", timeout=20_000
    )
    expect(part).to_contain_text("42.000.000 dari 285.570.129 orang dibaca")
    expect(part.locator("[aria-live=polite]")).to_have_text("Penyesuaian format")
    expect(part.locator("[aria-live] progress")).to_have_count(0)  # counts are not read aloud every three seconds
    no_violations(page)
    page.evaluate("scrollTo(0, 0)")
    whole(page, "under-way")

    plain = entering(browser, live_server.url, preparer, **SCREENS["telephone"], java_script_enabled=False)
    plain.goto(address)
    plain.get_by_role("link", name="Perbarui").click()
    expect(plain.locator("#pelaksanaan")).to_contain_text("orang per detik")
    small = entering(browser, live_server.url, preparer, **SCREENS["telephone"])
    small.goto(address)
    whole(small, "under-way-telephone")

    registry = Registry()
    registry.answer(registry.orders()[0])
    order_receipts.collect()
    expect(page.locator("#pelaksanaan")).to_have_count(0, timeout=20_000)  # loaded anew by itself
    expect(page.locator("main")).to_contain_text("Tanda terima gudang data masuk")
    for one in (page, plain, small):
        one.context.close()


def test_a_link_that_was_pressed_goes_before_news_of_the_order(browser, live_server, settings):
    """The page loads itself anew when the order is done, though not from under somebody who is on the way elsewhere."""
    settings.ORIGIN = live_server.url
    chain = a_request(at=Status.PROCESSING)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    page = entering(browser, live_server.url, chain.office[Role.DATA_PREPARER], viewport=DESK)
    asked, pressed = [], []
    page.route("**/pelaksanaan/", partial(list.append, asked))
    page.route(f"**{reverse('examining:queue')}", partial(list.append, pressed))
    page.goto(f"{live_server.url}{reverse('requests:show', args=[chain.reference])}")
    _until(page, asked)  # the script asks, and nobody has answered yet
    page.get_by_role("link", name="Antrean").first.click(no_wait_after=True)
    _until(page, pressed)
    asked[0].fulfill(status=204)  # nothing more to tell
    page.wait_for_timeout(500)
    pressed[0].continue_()
    page.wait_for_url(f"**{reverse('examining:queue')}")
    page.context.close()


def _until(page, there: list) -> None:
    for _ in range(200):
        if there:
            return
        page.wait_for_timeout(100)
    raise AssertionError("it was not asked for")
