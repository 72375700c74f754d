"""A real browser: the system's Chromium, headless, and nothing fetched from anywhere. The form of it that has no window
at all opens a page twice as fast as the one that hides its window."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import which

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LOOK = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],  # of all else axe tells one example: telling is slower than looking
}

VARYING = re.compile(r'(?<!<h)(?<!/h)[0-9]+|(?<=name="csrfmiddlewaretoken" value=")\w+')


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = which("chromium-headless-shell") or which("chromium") or which("google-chrome")
    assert program, "Chromium is not installed: `make test` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="id-ID", accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()


@pytest.fixture(scope="session")
def no_violations() -> Callable[[Page], None]:
    """Fails with axe's own words when the page that is open breaks an accessibility rule. A page that differs from one
    without a fault in numbers and tokens alone is not looked at again."""
    axe, clean = Axe(), set()

    def check(page: Page) -> None:
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        shown = VARYING.sub("", page.content()), dark, str(page.viewport_size)
        if shown not in clean:
            found = axe.run(page, options=LOOK)
            assert found.violations_count == 0, f"{page.url}\n{found.generate_report()}"
            clean.add(shown)

    return check


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go: the tutorial's folder."""
    folder = Path(__file__).parents[2] / "docs" / "tutorial" / "img"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def plain_static_files(settings):
    """Static files are served from where they lie, without collecting them first."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
