"""A clerk judges pairs in a real browser: the registry seals them to a key that this browser made, the page opens them,
marks what differs, takes keys for answers, and what was said lies in the registry as labels. Nobody else reads them."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.hands import Mouse
from tests.browser.windows import new_window, whole
from tests.factories import PASSWORD
from tests.handed_in import readable_anywhere
from tests.reviewed import SAME, Reviewing, a_clerk, a_review, limits

from bagipakai import postgres
from bagipakai.control.models import Sheet, SheetEvent
from bagipakai.core.canonical import canonical
from bagipakai.registry import reviews as kept

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def waiting(monkeypatch):
    """A registry, three pairs that wait, and a clerk: they stand before the browser's address is known."""
    limits(monkeypatch, twice=0)
    registry = Reviewing()
    return registry, a_review(registry, 3), a_clerk()


@pytest.fixture
def enter(waiting, browser, live_server, no_violations, settings):
    """Lets a clerk log in."""
    settings.ORIGIN = live_server.url
    open_ones = []
    pictures = os.environ.get("BAGIPAKAI_PICTURES")

    def look(page):
        no_violations(page)
        if pictures:
            Path(pictures).mkdir(parents=True, exist_ok=True)
            name = re.sub(r"[^a-z]+", "-", page.url.partition("//")[2].partition("/")[2]) or "home"
            page.screenshot(path=Path(pictures) / f"{len(list(Path(pictures).iterdir())):02}-{name}.png")

    def window(person, **told):
        page = new_window(browser, live_server.url, viewport={"width": 1120, "height": 900}, **told)
        open_ones.append(page.context)
        me = Mouse(page, live_server.url, look)
        me.log_in(person.email, PASSWORD)
        return me

    yield window
    for context in open_ones:
        context.close()


def test_pairs_are_sealed_to_the_clerks_browser_judged_by_keys_and_kept_as_labels(waiting, enter):
    registry, review, clerk = waiting
    me = enter(clerk)
    complaints: list[str] = []
    me.page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    me.press("Telaah padanan")
    expect(me.page.get_by_text("3 pasangan menunggu Anda.")).to_be_visible()
    with me.page.expect_response("**/buka/"):
        me.press("Ambil lembar")
    expect(me.page.get_by_role("status")).to_contain_text("menyegel pasangan")
    (receipt,) = registry.answer_all()
    assert receipt.pairs == 3 and b"SITI" not in receipt.sheet

    # one pair at a time, both sides beside each other, what differs marked
    place = me.page.get_by_role("heading", name="Pasangan 1 dari 3")
    expect(place).to_be_focused()
    name = me.page.get_by_role("row", name=re.compile("^Nama SITI"))
    expect(name.locator("mark").first).to_be_visible()
    expect(name).to_contain_text("berbeda")
    expect(me.page.get_by_role("row", name=re.compile("^NIK"))).to_contain_text("kosong")
    expect(me.page.get_by_role("row", name=re.compile("^Nama ibu"))).to_contain_text("sama")
    me._checked(me.page)
    assert "0.9" not in me.page.content() and "3.5" not in me.page.content()  # blind to the score

    # nothing happens without an answer, and it is said why
    keys = me.page.keyboard
    on = me.page.get_by_role("button", name="Pasangan berikutnya")
    expect(on).to_have_attribute("aria-disabled", "true")
    for deed, said in (
        (lambda: on.click(force=True), "Jawab pasangan ini dulu"),
        (lambda: keys.press("ArrowLeft"), "pasangan pertama"),
    ):
        deed()
        expect(me.page.locator("[data-sheet-why]")).to_contain_text(said)
        expect(me.page.locator("[data-sheet-why]")).to_be_in_viewport()
    me._checked(me.page)

    # answered by keys; one is taken back
    keys.press("y")
    expect(me.page.get_by_role("heading", name="Pasangan 2 dari 3")).to_be_focused()
    keys.press("t")
    keys.press("ArrowLeft")
    expect(me.page.get_by_role("heading", name="Pasangan 2 dari 3")).to_be_focused()
    expect(me.page.get_by_role("button", name="Bukan orang yang sama")).to_have_attribute("aria-pressed", "true")
    keys.press("r")

    # the page was closed in the middle: a new key, the same pairs, and no answer is lost
    with me.page.expect_response("**/buka/"):
        me.page.reload()
    registry.answer_all()
    expect(me.page.get_by_role("heading", name="Pasangan 3 dari 3")).to_be_focused()
    me.page.get_by_label("Jawab dengan tombol").uncheck()
    keys.press("y")
    expect(me.page.get_by_role("heading", name="Pasangan 3 dari 3")).to_be_visible()  # the keys can be turned off
    me.page.get_by_role("button", name="Bukan orang yang sama").click()
    expect(me.page.get_by_role("heading", name="Periksa jawaban Anda")).to_be_focused()
    expect(me.page.locator("[data-sheet-answers] dt").first).to_contain_text("SITI ZAKIYAH")
    expect(me.page.locator("[data-sheet-answers] dd").first).to_have_text("Orang yang sama")
    me._checked(me.page)
    me.page.set_viewport_size({"width": 320, "height": 640})
    whole(me.page, "kecil-telaah-periksa")
    me.page.get_by_role("button", name="Ubah Pasangan 1 dari 3").click()
    expect(me.page.get_by_role("heading", name="Pasangan 1 dari 3")).to_be_visible()
    whole(me.page, "kecil-telaah")
    me.page.set_viewport_size({"width": 1120, "height": 900})
    me.page.locator("[data-verdict=YES]").click()
    me.page.get_by_role("button", name="Kirim jawaban").click()
    expect(me.page.get_by_text("Jawaban Anda sudah diterima")).to_be_visible()
    me._checked(me.page)

    # what was said lies in the registry beside the pairs
    registry.work()
    sheet = Sheet.objects.get()
    assert (sheet.status, sheet.verdicts) == ("KEPT", ["YES", "UNSURE", "NO"])
    said = kept.reviewed(kept.labels(registry.folder, review.order_id, registry.keys.order))
    assert [said[pair].verdicts for pair, _ in sheet.turns] == [("YES",), ("UNSURE",), ("NO",)]
    told = kept.labelled(registry.folder, registry.keys.storage, review.order_id, registry.keys.order)
    assert sorted(told["verdict"].to_pylist()) == ["NO", "UNSURE", "YES"]
    assert complaints == []

    # no value of anybody is in the office's entries, nor readable in any file
    told = str(list(SheetEvent.objects.values_list("payload", flat=True)))
    assert "SITI" not in told and "5203014509880001" not in told
    assert readable_anywhere(b"SITI ZAKIYAH", postgres.var()) == []


def marks(me, field: str) -> list[list[str]]:
    """What is marked of a field, on each side."""
    cells = me.page.locator(f'[data-field="{field}"] td.digits, [data-field="{field}"] td:not(.digits, .pair__word)')
    return [cells.nth(at).locator("mark").all_inner_texts() for at in (0, 1)]


def test_what_differs_is_marked_where_it_stands_and_what_is_wholly_other_as_a_whole(monkeypatch, waiting, enter):
    registry, _review, clerk = waiting
    rows = {
        0: {"nik": "5203014509880010", "nama": "SITI NURHALIZA"},  # two digits exchanged places with others
        1: {"nama": "BUDI SANTOSO", "nik": "520301450988001"},  # another person; a digit is missing
        2: {"nama": "SITI", "nama_ibu": "AMINAH BINTI ALI"},
    }
    me = enter(clerk)
    pairs = [shown_pair(number, **differs) for number, differs in rows.items()]
    monkeypatch.setattr(kept, "shown", lambda _pairs, numbers: canonical({"pairs": [pairs[one] for one in numbers]}))
    me.press("Telaah padanan")
    with me.page.expect_response("**/buka/"):
        me.press("Ambil lembar")
    registry.answer_all()
    seen = {}
    for place in (1, 2, 3):
        expect(me.page.get_by_role("heading", name=f"Pasangan {place} dari 3")).to_be_focused()
        seen["".join(me.page.locator('[data-field="nama"] td').first.inner_text())] = (
            marks(me, "nama"),
            marks(me, "nik"),
        )
        me.page.keyboard.press("r")
    assert seen["SITI NURHALIZA"] == ([[], ["H"]], [["10"], ["01"]])
    assert seen["BUDI SANTOSO"][0] == [["BUDI SANTOSO"], ["SITI NURHALIZAH"]]
    assert seen["BUDI SANTOSO"][1] == [[], ["0"]]
    assert seen["SITI"][0] == [[], [" NURHALIZAH"]]


def shown_pair(number: int, **differs: str) -> dict[str, object]:
    return {"pair": number, "list": SAME | differs, "person": SAME}
