"""All parts of the portal at once, under axe, in both schemes and on the narrowest screen."""

import pytest

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shown(live_server, settings) -> str:
    settings.SHOW_PARTS = True
    return f"{live_server.url}/parts"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_parts_are_accessible(browser, shown, no_violations, scheme, width):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(shown)
    no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_error_summary_has_the_focus(page, shown):
    """Without script: who submits a form with mistakes lands on the list of them."""
    page.goto(shown)
    assert "error-summary" in page.evaluate("document.activeElement.className")
