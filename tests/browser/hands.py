"""Two pairs of hands at one browser page: one with a mouse, one with nothing but a keyboard.

Both find things by the words a person reads. The keyboard's hands may only press keys: they tab until what they look
for has the focus, and fail where it cannot be reached.
"""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page

TABS = 700  # more than any page has stops

Checked = Callable[[Page], None]


class Hands:
    """A person at a page. `checked` is asked after every new page (the tests let axe look there)."""

    def __init__(self, page: Page, base: str, checked: Checked) -> None:
        self.page, self.base, self._checked = page, base, checked

    # what both can do

    def go(self, address: str) -> None:
        """Types an address; only to begin with."""
        self.page.goto(f"{self.base}{address}")
        self._checked(self.page)

    def log_in(self, email: str, password: str) -> None:
        """At the page to log in, where a window opens."""
        self._checked(self.page)
        self.type(self.page.get_by_label("Alamat surel"), email)
        self.type(self.page.get_by_label("Kata sandi"), password)
        self.press("Masuk", self.page.locator("main"))

    def box(self, title: str) -> Locator:
        """The act of that title among those the page offers, opened if it was folded away."""
        heading = self.page.get_by_role("heading", name=title, exact=True)
        found = self.page.locator(".option").filter(has=heading).first
        summary = found.locator("summary", has=heading)
        if summary.count() and found.get_attribute("open") is None:
            self._press(summary)
        return found

    def press(self, name: str, within: Locator | None = None) -> None:
        """A button or a link by its words; what follows is a new page."""
        place = within or self.page
        words = re.compile(rf"^\s*{re.escape(name)}")
        found = place.get_by_role("button", name=words).or_(place.get_by_role("link", name=words)).first
        with self.page.expect_navigation():
            self._press(found)
        self._checked(self.page)

    def follow(self, target: Locator) -> None:
        """A link or button that was found otherwise."""
        with self.page.expect_navigation():
            self._press(target)
        self._checked(self.page)

    def save(self, target: Locator, folder: Path) -> Path:
        """Presses what starts a download; the file as it was saved."""
        with self.page.expect_download() as waiting:
            self._press(target)
        file = folder / waiting.value.suggested_filename
        waiting.value.save_as(file)
        return file

    def upload(self, target: Locator, name: str, content: bytes) -> None:
        with self.page.expect_file_chooser() as waiting:
            self._press(target)
        waiting.value.set_files({"name": name, "mimeType": "application/pdf", "buffer": content})

    # what differs

    def _press(self, target: Locator) -> None:
        raise NotImplementedError

    def type(self, target: Locator, text: str) -> None:
        """Replaces what stands in a field."""
        raise NotImplementedError

    def tick(self, target: Locator) -> None:
        """A checkbox that shall be ticked, or a radio button that shall be the chosen one."""
        raise NotImplementedError

    def pick(self, target: Locator, value: str) -> None:
        """An entry of a drop-down list, by its value."""
        raise NotImplementedError


class Mouse(Hands):
    """Points and clicks."""

    def _press(self, target: Locator) -> None:
        target.click()

    def type(self, target: Locator, text: str) -> None:
        target.fill(text)

    def tick(self, target: Locator) -> None:
        target.check()

    def pick(self, target: Locator, value: str) -> None:
        target.select_option(value)


class Keyboard(Hands):
    """Presses keys and nothing else."""

    def _press(self, target: Locator) -> None:
        self._reach(target)
        self.page.keyboard.press("Enter")

    def type(self, target: Locator, text: str) -> None:
        self._reach(target)
        if target.get_attribute("type") == "date":
            self._type_day(target, text)
            return
        self.page.keyboard.press("Control+A")
        self.page.keyboard.type(text)

    def tick(self, target: Locator) -> None:
        if target.is_checked():
            return
        if target.get_attribute("type") == "radio":
            group = self.page.locator(f'input[type="radio"][name="{target.get_attribute("name")}"]')
            self._reach(group)
            self.page.keyboard.press("Space")
            for _ in range(group.count()):
                if target.is_checked():
                    return
                self.page.keyboard.press("ArrowDown")
        else:
            self._reach(target)
            self.page.keyboard.press("Space")
        assert target.is_checked()

    def pick(self, target: Locator, value: str) -> None:
        self._reach(target)
        self.page.keyboard.press("Home")
        for _ in range(target.locator("option").count()):
            if target.input_value() == value:
                return
            self.page.keyboard.press("ArrowDown")
        assert target.input_value() == value

    def _reach(self, target: Locator) -> None:
        """Tabs until one of `target` has the focus, and makes sure that it can be seen to have it."""
        target.first.wait_for(state="attached")  # as a mouse does
        marked = target.evaluate_all("all => { all.forEach(one => one.wanted = true); return all.length }")
        assert marked, f"nothing to reach: {target}"
        for _ in range(TABS):
            if self.page.evaluate("document.activeElement.wanted === true"):
                target.evaluate_all("all => all.forEach(one => delete one.wanted)")
                outline = "getComputedStyle(document.activeElement).outlineStyle"
                assert self.page.evaluate(outline) != "none", f"the focus cannot be seen: {target}"
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no key leads to {target}")

    def _type_day(self, target: Locator, text: str) -> None:
        """A date field has three places, in an order that the system chooses; arrows lead back to the first."""
        year, month, day = text.split("-")
        for order in ((day, month, year), (month, day, year), (year, month, day)):
            self.page.keyboard.type("".join(order))
            if target.input_value() == text:
                return
            for _ in range(3):
                self.page.keyboard.press("ArrowLeft")
        raise AssertionError(f"no keys write {text} into {target}")
