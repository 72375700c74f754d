"""A list to be matched, in a real browser: uploaded by pieces and by a form, read, corrected, confirmed, destroyed. Axe
looks at every page on the way, and nothing is cut on a small telephone."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.hands import Mouse
from tests.browser.windows import new_window, whole
from tests.factories import PASSWORD, a_matching_request, an_institution, an_office
from tests.listed import SAID, UNREADABLE, Reader, a_list
from tests.portal.test_under_way import the_registry_says

from bagipakai.control import roster_receipts
from bagipakai.control.models import Roster
from bagipakai.core.request import Role, Status

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house():
    an_office()
    return an_institution(ready=False)


@pytest.fixture
def enter(house, browser, live_server, no_violations, settings):
    """Lets somebody log in, at a window with script or without. Each page is looked at, and kept as a picture in the
    folder that BAGIPAKAI_PICTURES names."""
    settings.ORIGIN = live_server.url
    open_ones = []
    pictures = os.environ.get("BAGIPAKAI_PICTURES")

    def look(page):
        if page.context.scripted:
            no_violations(page)
        if pictures:
            Path(pictures).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(pictures) / f"{len(list(Path(pictures).iterdir())):02}.png", full_page=True)

    def window(person, **told):
        page = new_window(browser, live_server.url, viewport={"width": 1120, "height": 800}, **told)
        page.context.scripted = told.get("java_script_enabled", True)
        open_ones.append(page.context)
        me = Mouse(page, live_server.url, look)
        me.log_in(person.email, PASSWORD)
        return me

    yield window
    for context in open_ones:
        context.close()


def test_a_list_is_uploaded_read_again_confirmed_and_destroyed(house, enter, tmp_path):
    registry, file = Reader(), tmp_path / "peserta-bantuan-2026.csv"
    file.write_bytes(a_list())
    me = enter(house[Role.APPLICANT])
    me.press("Daftar untuk dipadankan")
    me.press("Unggah daftar baru")
    me.page.locator("#berkas").set_input_files(file)
    with me.page.expect_navigation():
        me.page.get_by_role("button", name="Unggah").click()
    expect(me.page.get_by_text("Masuk seluruhnya", exact=True)).to_be_visible()
    me._checked(me.page)
    me.press("Kirim")
    (order,) = registry.lists()
    the_registry_says(order.order_id, "READING", 62, 100, ago=10)
    me.page.reload()
    expect(me.page.get_by_role("progressbar")).to_be_visible()
    me._checked(me.page)

    # while it is looked at, the page tells by itself that it was read
    registry.reads()
    roster_receipts.collect()
    expect(me.page.get_by_role("heading", name="Begini daftar ini dibaca")).to_be_visible(timeout=20_000)
    me._checked(me.page)
    reference = Roster.objects.get().reference
    me.pick(me.page.get_by_label("Dibaca sebagai: Nama Ibu"), "nama")
    me.press("Baca ulang")
    expect(me.page.get_by_role("alert")).to_contain_text("dipilih untuk lebih dari satu kolom")
    expect(me.page.get_by_role("alert")).to_be_focused()
    me.pick(me.page.get_by_label("Dibaca sebagai: Nama Ibu"), "nama_ibu")
    me.press("Baca ulang")
    registry.reads(SAID)
    roster_receipts.collect()
    me.page.reload()
    me.press("Daftar ini benar")
    expect(me.page.get_by_role("row", name=re.compile("NO KTP"))).to_contain_text("9.950 baris (99 %)")

    # another list, by a browser without script; it has no heading that is known
    plain = enter(house[Role.APPLICANT], java_script_enabled=False)
    plain.press("Daftar untuk dipadankan")
    plain.press("Unggah daftar baru")
    plain.page.locator("#berkas").set_input_files(file)
    plain.press("Unggah")
    plain.press("Kirim")
    registry.reads(UNREADABLE)
    roster_receipts.collect()
    me.press("Daftar untuk dipadankan")
    me.follow(me.page.get_by_role("link", name=Roster.objects.latest("pk").reference))
    expect(me.page.get_by_text("tidak memuat kolom NIK atau nama")).to_be_visible()

    # a third one is taken back while the registry reads it, which had just done so
    plain.press("Daftar untuk dipadankan")
    plain.press("Unggah daftar baru")
    plain.page.locator("#berkas").set_input_files(file)
    plain.press("Unggah")
    plain.press("Kirim")
    back = Roster.objects.latest("pk").reference
    me.go(f"/pemadanan/{back}/")
    me.press("Tarik kembali daftar ini")
    me.press("Tarik kembali")
    registry.reads()
    registry.destroys()
    roster_receipts.collect()
    me.page.reload()
    expect(me.page.get_by_text("10.000 baris sempat dibaca; tidak disimpan")).to_be_visible()
    me._checked(me.page)

    me.go(f"/pemadanan/{reference}/")
    expect(me.page.get_by_text("Draf permintaan tidak menahannya")).to_be_visible()
    me.press("Musnahkan daftar ini")
    me.press("Musnahkan")
    registry.destroys()
    roster_receipts.collect()
    me.page.reload()
    expect(me.page.get_by_text("Gudang data menghapus isinya")).to_be_visible()
    me._checked(me.page)
    me.go("/")
    me.page.set_viewport_size({"width": 320, "height": 640})
    for page in ("/pemadanan/", *(f"/pemadanan/{row.reference}/" for row in Roster.objects.all())):
        me.page.goto(me.base + page)
        whole(me.page, "kecil" + page.replace("/", "-"))


@pytest.fixture
def chain():
    """A request that names a list, sent."""
    return a_matching_request(Status.ADMIN_CHECK)


def test_the_page_of_a_list_that_a_request_needs(chain, enter):
    me, row = enter(chain.asking[Role.APPLICANT]), Roster.objects.get()
    me.press("Daftar untuk dipadankan")
    me.follow(me.page.get_by_role("link", name=row.reference))
    expect(me.page.get_by_role("link", name=chain.reference).first).to_be_visible()
    registry = Reader()
    registry.keeps(registry.keepings()[0], "order-roster-damaged")
    roster_receipts.collect()
    me.page.reload()
    expect(me.page.get_by_text("Belum pasti")).to_be_visible()
    me._checked(me.page)
    me.page.set_viewport_size({"width": 320, "height": 640})
    for page in ("/pemadanan/", f"/pemadanan/{row.reference}/"):
        me.page.goto(me.base + page)
        whole(me.page, "ditahan" + page.replace("/", "-"))
