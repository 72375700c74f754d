"""Windows of the browser, each a person's own, and what holds of a page in one of any size.

With BAGIPAKAI_PICTURES naming a folder, each page that is looked at is also kept there as a picture.
"""

import os
import warnings
from pathlib import Path

from playwright.sync_api import Browser, Page, TimeoutError
from tests.factories import PASSWORD

from bagipakai.control.models import Person

SCREENS = {
    "telephone": {"viewport": {"width": 320, "height": 640}},
    "doubled": {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
}
# What a person must be able to reach, and does not wholly stand on the screen's width.
CUT = """() => [...document.querySelectorAll('main :is(a, button, input, select, textarea, summary, h1, h2, dd, .tag)')]
    .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.closest('.unseen') && one.type !== 'hidden')
    .filter(one => { const box = one.getBoundingClientRect();
                     return box.width && (box.left < -1 || box.right > document.documentElement.clientWidth + 1) })
    .map(one => one.outerHTML.slice(0, 120))"""
SOON = 10_000  # milliseconds in which a page that is loaded can be read


def new_window(browser: Browser, base: str, **told) -> Page:
    """A new window at the page to log in. Seen once in thousands of them: one whose page is loaded, with no word of a
    fault on either side, and cannot be read. Such a window is told of, and opened once more."""
    for last in (False, True):
        page = browser.new_context(**{"locale": "id-ID", **told}).new_page()
        page.goto(f"{base}/masuk/")
        try:
            page.get_by_label("Alamat surel").wait_for(timeout=SOON)
            break
        except TimeoutError:
            if last:
                raise
            warnings.warn(f"a window could not be read: {page.url}", stacklevel=2)
            page.context.close()
    return page


def entering(browser: Browser, base: str, person: Person, **told) -> Page:
    """A new window in which this person is logged in."""
    page = new_window(browser, base, **told)
    page.get_by_label("Alamat surel").fill(person.email)
    page.get_by_label("Kata sandi").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Masuk").click()
    return page


def whole(page: Page, name: str) -> None:
    """Nothing scrolls sideways and nothing is cut off."""
    if folder := os.environ.get("BAGIPAKAI_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{name}: {wide} px too wide"
    assert page.evaluate(CUT) == [], name
