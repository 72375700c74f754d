"""About how many, while somebody is choosing: the page keeps up by itself, and by its button where no script runs."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from tests.browser.windows import entering
from tests.factories import a_request, answers

from bagipakai.control import clock, gazetteer, releases
from bagipakai.core.preview import Preview
from bagipakai.core.request import Role, Status

pytestmark = pytest.mark.django_db(transaction=True)
DESK = {"viewport": {"width": 1120, "height": 800}}


@pytest.fixture
def chain():
    found = a_request(at=Status.DRAFT)
    known = releases.newest()
    preview = Preview((1_000, 10_000, 1_000_000_000), {"individu": {"5203": (0, *[1] * 10)}, "keluarga": {}})
    releases.announce(
        "2026.4.0",
        digest="cd" * 32,
        standard=known.standard,
        region_edition=known.region_edition,
        published_on=clock.today(),
        persons=known.persons,
        families=known.families,
        preview=preview.to_json(),
    )
    assert gazetteer.regions(known.region_edition)
    found.write(**answers("L2") | {"release": "2026.4.0", "population": None})
    return found


def shown(page: Page):
    return page.locator("[data-part=estimate]")


def open_decile(page: Page) -> None:
    page.locator("summary", has_text="Desil kesejahteraan").click()


@pytest.mark.parametrize("script", [True, False])
def test_the_estimate_follows_what_is_chosen(browser, live_server, chain, no_violations, script):
    me = chain.asking[Role.APPLICANT]
    page = entering(browser, live_server.url, me, **DESK, java_script_enabled=script)
    page.goto(live_server.url + reverse("requests:question", args=[chain.reference, "population"]))
    expect(shown(page)).to_have_text("Sekitar 10.000–110.000 orang.")
    if script:
        no_violations(page)
    open_decile(page)
    page.locator("#s-desil").fill("4")
    if not script:
        page.get_by_role("button", name="Hitung perkiraan").click()
    expect(shown(page)).to_have_text("Sekitar 4.000–40.000 orang.")
    if script:
        page.locator("details:has(#y-bekerja) summary").click()
        page.locator("#y-bekerja").check()
        expect(shown(page)).to_have_text("Paling banyak sekitar 40.000 orang.")
    assert chain.state.answers["population"] is None
    page.get_by_role("button", name="Lanjutkan").click()
    page.wait_for_url(re.compile("variables|permintaan"))
    assert chain.state.answers["population"][0] == {"variable": "desil", "to": 4}
    page.context.close()
