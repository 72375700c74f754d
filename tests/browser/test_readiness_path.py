"""Readiness from nothing to a certificate in a real browser: an institution that has none assesses itself and shows its
evidence, is reviewed, falls short in one item, mends it, and is found ready. Axe looks at every page on the way."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.authenticators import key_of
from tests.browser.devices import Device
from tests.browser.hands import Hands, Mouse
from tests.browser.windows import new_window
from tests.factories import PASSWORD, House, a_new_key, a_pdf, an_institution, an_office

from bagipakai.control import clock, keybook, readiness
from bagipakai.control.models import Institution, Person
from bagipakai.core.manifest import read_aloud
from bagipakai.core.readiness import Instrument, Status
from bagipakai.core.request import Role

pytestmark = pytest.mark.django_db(transaction=True)

Enter = Callable[[Person], Hands]


@pytest.fixture
def looked_at(no_violations) -> Callable[[Page], None]:
    """Axe, once for each page in each of its states; with BAGIPAKAI_PICTURES, also a picture of it."""
    seen: set[str] = set()

    def look(page: Page) -> None:
        path = re.sub(r"[0-9]+|(?<=butir/)[^/]+", "", page.url.partition("//")[2].partition("/")[2])
        parts = [page.locator(f"main {one}").count() for one in (".button", "h2", ".error", ".notice")]
        state = re.sub(r"[^a-z0-9]+", "-", f"{path} {parts}")
        if state in seen:
            return  # the same page of another item
        no_violations(page)
        if folder := os.environ.get("BAGIPAKAI_PICTURES"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(path=Path(folder) / f"ready-{len(seen):02}{state}.png", full_page=True)
        seen.add(state)

    return look


@pytest.fixture
def enter(browser, live_server, looked_at, settings) -> Iterator[Enter]:
    """Lets a person log in at a window of their own; the same window again the next time."""
    settings.ORIGIN = live_server.url
    windows: dict[int, Hands] = {}

    def window(person: Person) -> Hands:
        if person.pk not in windows:
            page = new_window(browser, live_server.url, viewport={"width": 1120, "height": 800})
            hands = Mouse(page, live_server.url, looked_at)
            hands.log_in(person.email, PASSWORD)
            with suppress(LookupError):  # whoever never signs may hold no key
                Device(hands.page).holds(key_of(person))
            windows[person.pk] = hands
        return windows[person.pk]

    yield window
    for hands in windows.values():
        hands.page.context.close()


def state_the_key(me: Hands) -> str:
    """The head sends the public half of a key that was made at home and signs the statement of it; the secret half is
    refused and not sent back. Returns what the head then reads aloud."""
    identity = a_new_key()
    me.press("Kesiapan lembaga")
    me.press("Ganti kunci")
    me.type(me.page.get_by_label("Kunci publik"), str(identity.secret))
    me.press("Nyatakan kunci")
    assert me.page.locator(".error-summary").count() == 1
    assert me.page.get_by_label("Kunci publik").input_value() == ""
    me.type(me.page.get_by_label("Kunci publik"), identity.public.line)
    me.press("Nyatakan kunci")
    me.press("Tandatangani dengan kunci sandi")
    assert "Menunggu pengukuhan" in me.page.locator("main").inner_text()
    return me.page.locator("dd.digits").first.inner_text()


def confirm_the_key(me: Hands, house: House, spoken: str) -> None:
    """The controller's officer writes what was read aloud: not the whole of it first, then all."""
    me.press("Tinjauan kesiapan")
    me.press(house.institution.name, me.page.locator("table").last)
    assert spoken not in me.page.locator("main").inner_text()
    me.type(me.page.get_by_label("Sidik yang dibacakan lembaga"), spoken[:-5])
    me.press("Kukuhkan kunci")
    assert "bukan sidik kunci ini" in me.page.locator(".error-summary").inner_text()
    me.type(me.page.get_by_label("Sidik yang dibacakan lembaga"), spoken)
    me.press("Kukuhkan kunci")
    me.press("Tandatangani dengan kunci sandi")
    assert "Kunci dikukuhkan" in me.page.locator("main").inner_text()


def begin(me: Hands, level: str) -> None:
    """The applicant opens a self-assessment for one level; without one the page says what to choose."""
    me.press("Kesiapan lembaga")
    me.press("Mulai penilaian mandiri")
    me.press("Mulai penilaian mandiri", me.page.locator("main form"))
    assert me.page.get_by_role("link", name="Pilih sedikitnya satu level").is_visible()
    me.tick(me.page.locator(f'input[name="levels"][value="{level}"]'))
    me.press("Mulai penilaian mandiri", me.page.locator("main form"))


def answer_what_is_open(me: Hands) -> int:
    """Answers yes to each item without an answer, and shows evidence where it is wanted. Returns how many."""
    answered = 0
    while (rest := me.page.locator(".tasks > li").filter(has_text="Belum dijawab")).count():
        me.follow(rest.first.get_by_role("link"))
        while "/butir/" in me.page.url:
            if me.page.get_by_text("Belum ada bukti.").count() and me.page.url.endswith("#bukti"):
                show_evidence(me)
                me.press("Lanjutkan")
                continue
            me.tick(me.page.get_by_label("Ya", exact=True))
            me.type(me.page.get_by_label("Penjelasan"), "Sudah berjalan")
            me.press("Simpan jawaban")
            answered += 1
    return answered


def show_evidence(me: Hands) -> None:
    """A file that is not what it claims is refused with a sentence; an honest one is kept and can be read again."""
    field = me.page.get_by_label("Tambah berkas bukti")
    if not me.page.locator(".file").count() and not getattr(me, "tried", False):
        me.upload(field, "bukti.pdf", b"MZ\x90\x00")
        me.press("Unggah bukti")
        assert "Unggah salah satu: PDF" in me.page.locator(".error-summary").inner_text()
        me.tried = True
        field = me.page.get_by_label("Tambah berkas bukti")
    content = a_pdf(me.page.url).getvalue()
    me.upload(field, "bukti.pdf", content)
    me.press("Unggah bukti")
    with me.page.expect_download() as waiting:
        me._press(me.page.locator(".file a").first)
    assert Path(waiting.value.path()).read_bytes() == content


def declare(me: Hands) -> None:
    """The head of the institution stands for the answers and sends them."""
    me.press("Kesiapan lembaga")
    me.press("Lanjutkan penilaian mandiri")
    me.press("Nyatakan penilaian mandiri selesai")
    me.tick(me.page.get_by_label("Saya menyatakan jawaban dan bukti ini benar"))
    me.press("Kirim kepada peninjau")
    assert "Penilaian mandiri terkirim" in me.page.locator("main").inner_text()


def review(me: Hands, house: House, short: str = "") -> None:
    """The reviewer takes it up from the queue and judges every item; `short` is the question that is not met."""
    me.press("Tinjauan kesiapan")
    me.press(house.institution.name, me.page.locator("table").first)
    me.press("Mulai peninjauan")
    me.press("Mulai peninjauan", me.page.locator("main form"))
    me.follow(me.page.locator(".tasks a").first)
    while "/butir/" in me.page.url:
        missed = short and short in me.page.get_by_role("heading", level=1).inner_text()
        if missed:  # a shortfall without a word is sent back first
            me.tick(me.page.get_by_label("Belum terpenuhi", exact=True))
            me.press("Simpan putusan")
            assert me.page.locator(".error-summary").count() == 1
            me.type(me.page.get_by_label("Catatan"), "Berkas belum ditandatangani pimpinan")
        else:
            me.tick(me.page.get_by_label("Terpenuhi", exact=True))
        me.press("Simpan putusan")


def test_from_nothing_to_a_certificate_with_one_item_mended(enter):
    office = an_office()
    house = an_institution(ready=False, name="Pemerintah Kabupaten Bogor", region="3201")
    applicant, head = enter(house[Role.APPLICANT]), enter(house[Role.ACCOUNTABLE_OFFICER])
    reviewer = enter(office[Role.READINESS_REVIEWER])
    items = [one for one in Instrument.on(clock.today()).items.values() if "L2" in one.levels]

    before = keybook.key_at(house.institution, clock.now())
    spoken = state_the_key(head)
    assert keybook.key_at(house.institution, clock.now()) == before
    confirm_the_key(reviewer, house, spoken)
    assert read_aloud(keybook.book(house.institution).current.fingerprint) == spoken

    begin(applicant, "L2")
    assert answer_what_is_open(applicant) == len(items)
    assert "Semua butir terjawab" in applicant.page.locator("main").inner_text()
    declare(head)
    short = next(one for one in items if one.evidence)
    review(reviewer, house, short.question)
    reviewer.press("Nyatakan belum siap")
    reviewer.type(reviewer.page.get_by_label("Alasan"), "Satu butir belum terpenuhi")
    reviewer.press("Nyatakan belum siap", reviewer.page.locator("main form"))
    reviewer.press("Tandatangani dengan kunci sandi")
    assert standing(house.institution) == Status.NOT_READY

    applicant.press("Kesiapan lembaga")
    applicant.press("Lihat yang perlu diperbaiki")
    assert "Berkas belum ditandatangani pimpinan" in applicant.page.locator("main").inner_text()
    applicant.press("Perbaiki dan nilai lagi")
    assert answer_what_is_open(applicant) == 1
    declare(head)
    review(reviewer, house)
    reviewer.press("Nyatakan siap")
    reviewer.type(reviewer.page.get_by_label("Berlaku sampai"), (clock.today() + timedelta(days=200)).isoformat())
    reviewer.type(reviewer.page.get_by_label("Alasan"), "Semua butir terpenuhi")
    reviewer.press("Nyatakan siap", reviewer.page.locator("main form"))
    reviewer.press("Tandatangani dengan kunci sandi")
    assert standing(house.institution) == Status.READY

    applicant.press("Kesiapan lembaga")
    given = applicant.page.locator("main").inner_text()
    assert readiness.standing(house.institution, clock.now()).digest in given
    assert "L2" in given
    head.press("Kesiapan lembaga")


def standing(institution: Institution) -> str:
    return readiness.standing(institution, clock.now()).status
