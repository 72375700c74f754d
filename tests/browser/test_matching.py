"""The page on the quality of matching, as anybody sees it: on a screen and a telephone, in both languages, by ear."""

import pytest
from django.urls import reverse
from playwright.sync_api import Browser
from tests.browser.windows import SCREENS, whole
from tests.factories import an_office
from tests.fakes import Registry
from tests.quality import a_statement

from bagipakai.control import matching_quality

pytestmark = pytest.mark.django_db(transaction=True)
SIZES = {"screen": {"viewport": {"width": 1280, "height": 900}}, "telephone": SCREENS["telephone"]}


@pytest.fixture
def stated():
    an_office()
    return matching_quality.hear(a_statement().sealed(Registry().keys.receipt))


TOLD = "one => one.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent)"
CUT = """one => [...one.querySelectorAll('text')].map(text => text.getBoundingClientRect())
    .filter(box => box.left < -1 || box.right > document.documentElement.clientWidth + 1).length"""


@pytest.mark.parametrize("size", SIZES)
def test_the_page_is_whole_and_its_charts_are_told_by_ear_too(
    stated, live_server, browser: Browser, size, no_violations
):
    context = browser.new_context(**SIZES[size], locale="id-ID")
    page = context.new_page()
    page.goto(f"{live_server.url}{reverse('matching:show')}")
    for language in ("id", "en"):
        if language == "en":
            page.get_by_role("button", name="English").click()
        for summary in page.locator("main summary").all():
            summary.evaluate("one => one.parentElement.open = true")
        no_violations(page)
        whole(page, f"matching-{size}-{language}")
    drawings = page.get_by_role("img")
    assert drawings.count() == page.locator("main figure.chart").count() > 5
    for drawing in drawings.all():
        words = drawing.evaluate(TOLD)
        assert len(words) == 2
        assert all(words)
        assert drawing.evaluate(CUT) == 0
    context.close()
