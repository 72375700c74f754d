"""A provider hands in a source in a real browser: the line breaks and the upload goes on, without script it goes too,
the report says what to do, and the next version takes the place of this one. Axe looks at every page on the way."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect
from tests.authenticators import key_of
from tests.browser.devices import Device
from tests.browser.hands import Mouse
from tests.browser.windows import new_window, whole
from tests.factories import PASSWORD, a_provider, an_office
from tests.handed_in import RealRegistry, a_set
from tests.trail import witnessed

from bagipakai.control import intake_receipts
from bagipakai.control.models import Submission, UploadedPiece
from bagipakai.core.request import Role
from bagipakai.core.submissions import Limits

pytestmark = pytest.mark.django_db(transaction=True)

PIECE = 1024
GUIDE = Path(__file__).parents[2] / "docs" / "tutorial" / "img"


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """So that a small file has many."""
    whole = Limits.on
    monkeypatch.setattr(Limits, "on", classmethod(lambda _, day: replace(whole(day), piece=PIECE)))


@pytest.fixture
def house():
    """Stands before the browser's address is known: its key was stated and confirmed elsewhere."""
    an_office()
    return a_provider()


@pytest.fixture
def enter(house, browser, live_server, no_violations, settings):
    """Lets the provider log in, at a window with script or without."""
    settings.ORIGIN = live_server.url
    open_ones = []
    pictures = os.environ.get("BAGIPAKAI_PICTURES")

    def look(page):
        if page.context.scripted:
            no_violations(page)
        if pictures:
            Path(pictures).mkdir(parents=True, exist_ok=True)
            name = re.sub(r"[^a-z]+", "-", page.url.partition("//")[2].partition("/")[2]) or "home"
            page.screenshot(
                path=Path(pictures) / f"{len(list(Path(pictures).iterdir())):02}-{name}.png", full_page=True
            )

    def window(person, **told):
        page = new_window(browser, live_server.url, viewport={"width": 1120, "height": 800}, **told)
        page.context.scripted = told.get("java_script_enabled", True)
        open_ones.append(page.context)
        me = Mouse(page, live_server.url, look)
        me.log_in(person.email, PASSWORD)
        Device(me.page).holds(key_of(person))
        return me

    yield window
    for context in open_ones:
        context.close()


def choose(me, file: Path) -> None:
    me.page.locator("#berkas").set_input_files(file)


def picture(me, name: str, heading: str) -> None:
    """Keeps what the sender sees for the guide, from a heading on, when pictures were asked for."""
    if not os.environ.get("BAGIPAKAI_SCREENSHOTS"):
        return
    me.page.get_by_role("heading", name=heading).first.evaluate(
        "one => scrollTo({top: one.getBoundingClientRect().top + scrollY - 24, behavior: 'instant'})"
    )
    me.page.screenshot(path=GUIDE / f"{name}.png")
    assert (GUIDE / f"{name}.png").stat().st_size <= 150_000, name


def test_a_source_is_handed_in_mended_and_handed_in_again(house, enter, tmp_path):
    registry = RealRegistry()
    me = enter(house[Role.SOURCE_PROVIDER])
    me.press("Data sumber")
    me.press("Lihat kontrak dan templat")
    picture(me, "source-contract", "Pelanggan listrik")
    me.press("Mulai kiriman")

    # the line breaks in the middle; the page is loaded anew, and the same file goes on where it was
    file = tmp_path / "pelanggan.csv"
    file.write_bytes(a_set(60, 3))
    broken: list[str] = []

    def line(route: Route) -> None:
        if len(broken) < 400 and route.request.url.endswith("/4/"):
            broken.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    me.page.route("**/unggah/*/*/", line)
    choose(me, file)
    me.page.get_by_role("button", name="Unggah").click()
    expect(me.page.get_by_role("status")).to_contain_text("Sambungan terputus")
    assert UploadedPiece.objects.count() == 3
    picture(me, "source-upload", "1. Unggah berkas")
    me.page.unroute("**/unggah/*/*/")
    sent: list[str] = []
    me.page.on("request", lambda request: sent.append(request.url) if "/unggah/" in request.url else None)
    me.page.reload()
    me._checked(me.page)
    choose(me, file)
    with me.page.expect_navigation():
        me.page.get_by_role("button", name="Unggah").click()
    expect(me.page.get_by_text("Masuk seluruhnya", exact=True)).to_be_visible()
    assert not [url for url in sent if url.endswith(("/1/1/", "/1/2/", "/1/3/"))]  # what was there was not sent again
    me._checked(me.page)

    me.press("Kirim")
    me.press("Tandatangani")
    assert [one.accepted for one in registry.take_in()] == [57]
    intake_receipts.collect()
    me.page.reload()
    me._checked(me.page)
    expect(me.page.get_by_role("row", name=re.compile("kode_desa"))).to_contain_text("3")
    picture(me, "source-report", "Hasil pemeriksaan")
    witnessed()
    me.page.reload()
    me._checked(me.page)
    picture(me, "source-returned", "Baris yang kembali")

    # the next version, by a browser without script
    plain = enter(house[Role.SOURCE_PROVIDER], java_script_enabled=False)
    plain.press("Data sumber")
    plain.follow(plain.page.get_by_role("link", name="Pelanggan listrik versi 1"))
    plain.press("Kirim versi berikutnya")
    file.write_bytes(a_set(60, 0))
    choose(plain, file)
    plain.press("Unggah")
    expect(plain.page.get_by_text("Masuk seluruhnya", exact=True)).to_be_visible()
    me.press("Data sumber")
    me.press("Lanjutkan versi 2")
    me.press("Kirim")
    me.press("Tandatangani")
    registry.take_in()
    intake_receipts.collect()
    assert list(Submission.objects.order_by("pk").values_list("status", flat=True)) == ["SUPERSEDED", "CHECKED"]
    me.press("Data sumber")

    # one that was sent by mistake is cancelled
    me.press("Mulai kiriman")
    choose(me, file)
    with me.page.expect_navigation():
        me.page.get_by_role("button", name="Unggah").click()
    me.press("Kirim")
    me.press("Tandatangani")
    expect(me.page.get_by_role("heading", name="Salah kirim?")).to_be_visible()
    me.press("Batalkan kiriman")
    me.press("Tandatangani")
    expect(me.page.get_by_role("heading", name="Menunggu gudang data menghapus")).to_be_visible()
    registry.give_up()
    intake_receipts.collect()
    me.page.reload()
    me._checked(me.page)
    assert Submission.objects.latest("pk").status == "WITHDRAWN"

    # on a small telephone nothing is cut
    me.page.set_viewport_size({"width": 320, "height": 640})
    for page in ("/sumber/", "/sumber/kontrak/pln/", *(f"/sumber/{row.pk}/" for row in Submission.objects.all())):
        me.page.goto(me.base + page)
        whole(me.page, "kecil" + page.replace("/", "-"))


def test_a_file_that_is_not_taken_is_told_as_an_error_at_its_field(house, enter, tmp_path):
    """And not above an empty bar; the next file that is chosen begins afresh."""
    me = enter(house[Role.SOURCE_PROVIDER])
    me.press("Data sumber")
    me.press("Mulai kiriman")
    wrong, well = tmp_path / "pelanggan.exe", tmp_path / "pelanggan.csv"
    wrong.write_bytes(a_set(3, 0))
    well.write_bytes(a_set(3, 0))
    box, error = me.page.locator("#berkas"), me.page.locator("#berkas-salah")
    expect(error).to_be_hidden()
    me.page.get_by_role("button", name="Unggah").click()
    expect(error).to_contain_text("Pilih berkas yang akan diunggah")
    choose(me, wrong)
    me.page.get_by_role("button", name="Unggah").click()
    expect(error).to_contain_text("CSV")
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(box).to_be_focused()
    expect(me.page).to_have_title(re.compile("^Kesalahan: "))
    expect(me.page.get_by_role("progressbar")).to_be_hidden()
    me._checked(me.page)
    choose(me, well)
    with me.page.expect_navigation():
        me.page.get_by_role("button", name="Unggah").click()
    expect(me.page.get_by_text("Masuk seluruhnya", exact=True)).to_be_visible()
    expect(error).to_be_hidden()
