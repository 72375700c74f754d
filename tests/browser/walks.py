"""The way of a request through the portal, as people walk it: one function a stage, each by whoever's turn it is.

`Street` keeps one browser window per person. `hands` decides whether they use a mouse or only a keyboard.
"""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.devices import Device
from tests.browser.hands import Hands
from tests.browser.windows import new_window

from bagipakai.control import access, clock, forms, requests
from bagipakai.core.request import Role
from bagipakai.demo import papers, signatures, story, watching
from bagipakai.demo.story import House

WIDTH, HEIGHT = 1120, 800


@dataclass
class Street:
    """The people of one request, each at a window of their own. `pictures`: where screenshots go, if wanted."""

    browser: Browser
    base: str
    hands: type[Hands]
    checked: Callable[[Page], None]
    house: House
    pictures: Path | None = None
    windows: dict[str, Hands] = field(default_factory=dict)
    reference: str = ""

    def at(self, role: Role) -> Hands:
        """The window of whoever plays `role` in the story, logged in."""
        house = next(one for one in (self.house, story.CONTROLLER, story.PROCESSOR) if _seated(one, role))
        person = story.officer(house, role)
        if person.email not in self.windows:
            page = new_window(
                self.browser, self.base, viewport={"width": WIDTH, "height": HEIGHT}, accept_downloads=True
            )
            window = self.hands(page, self.base, self.checked)
            window.log_in(person.email, story.PASSWORD)
            with suppress(LookupError):  # whoever never signs may hold no key
                Device(window.page).holds(signatures.wallet().of(person))
            self.windows[person.email] = window
        return self.windows[person.email]

    def picture(self, role: Role, name: str, heading: str = "") -> None:
        """Keeps what this person sees for the tutorial, from a heading on, when pictures were asked for."""
        if self.pictures is None or not os.environ.get("BAGIPAKAI_SCREENSHOTS"):
            return
        page, file = self.at(role).page, self.pictures / f"{name}.png"
        if heading:
            page.get_by_role("heading", name=heading, exact=True).first.evaluate(
                "one => scrollTo({top: one.getBoundingClientRect().top + scrollY - 24, behavior: 'instant'})"
            )
        page.screenshot(path=file)
        assert file.stat().st_size <= 150_000, f"{name}: {file.stat().st_size} bytes"

    def close(self) -> None:
        for window in self.windows.values():
            window.page.context.close()


def _seated(house: House, role: Role) -> bool:
    return any(role in seat.roles for seat in house.seats)


# --- the institution asks ---------------------------------------------------------------------------------------------


def file_request(street: Street, answers: Mapping[str, Any], remarks: Mapping[str, str] | None = None) -> str:
    """The applicant opens a draft, answers every question, hands in the documents, checks and sends. Returns the
    reference number that the confirmation shows."""
    me = street.at(Role.APPLICANT)
    me.press("Permintaan")
    me.press("Buat permintaan")
    me.tick(me.page.get_by_label("Data DTSEN: tabel, baris tanpa nama"))
    me.press("Mulai permintaan")
    street.reference = re.findall(r"PMT-[0-9]{4}-[0-9]{6}", me.page.url)[0]
    for section in forms.current(clock.today()).sections:
        me.press(f"Isi bagian {section.title}")
        while "/isi/" in me.page.url:
            answer_question(street, answers)
        if section.code == "data":
            street.picture(Role.APPLICANT, "tasks")
    hand_in_documents(street, answers, remarks or {})
    me.press("Periksa jawaban dan kirim")
    street.picture(Role.APPLICANT, "check")
    me.tick(me.page.get_by_label("Saya menyatakan isi permintaan ini benar"))
    me.press("Kirim permintaan", me.page.locator("main"))
    street.picture(Role.APPLICANT, "sent")
    shown = me.page.locator(".confirmation strong").inner_text()
    assert shown == street.reference
    return shown


def answer_question(street: Street, answers: Mapping[str, Any]) -> None:
    """Answers the one question on the page and goes on; what has no answer is left empty."""
    me = street.at(Role.APPLICANT)
    code = re.findall(r"/isi/([a-z_]+)/", me.page.url)[0]
    question = forms.current(clock.today()).question(code)
    assert me.page.get_by_role("heading", level=1).inner_text() == question.label()
    if code in answers:
        ANSWERING[question.kind](me, code, answers[code])
        if question.kind in ("area", "variables"):
            street.picture(Role.APPLICANT, f"question-{question.kind}")
    me.press("Lanjutkan")


def _one_line(me: Hands, code: str, answer: str) -> None:
    me.type(me.page.locator(f"#id_{code}"), answer)


def _one_of(me: Hands, code: str, answer: str | bool) -> None:
    value = {True: "ya", False: "tidak"}.get(answer, answer) if isinstance(answer, bool) else answer
    me.tick(me.page.locator(f'input[name="{code}"][value="{value}"]'))


def _area(me: Hands, code: str, answer: list[str]) -> None:
    for region in answer:
        box = me.page.locator(f'input[name="area"][value="{region}"]')
        if not box.count():
            me.type(me.page.get_by_label("Cari nama atau kode wilayah"), region)
            me.press("Cari")
        me.tick(box)


def _population(me: Hands, code: str, answer: list[dict[str, Any]]) -> None:
    for one in answer:
        field = me.page.locator(f'[name="dari.{one["variable"]}"]')
        me._press(me.page.locator("details").filter(has=field).locator("summary"))
        me.type(field, str(one["from"]))
        me.type(me.page.locator(f'[name="sampai.{one["variable"]}"]'), str(one["to"]))


def _variables(me: Hands, code: str, answer: list[dict[str, str]]) -> None:
    for one in answer:
        me.tick(me.page.locator(f'input[name="variabel"][value="{one["name"]}"]'))
    me.press("Lanjutkan")
    for one in answer:
        me.type(me.page.locator(f'[name="alasan.{one["name"]}"]'), one["reason"])


def _people(me: Hands, code: str, answer: list[dict[str, str]]) -> None:
    for place, one in enumerate(answer):
        me.type(me.page.locator('[name="nama"]').nth(place), one["name"])
        me.type(me.page.locator('[name="jabatan"]').nth(place), one["post"])


ANSWERING: dict[str, Callable[[Hands, str, Any], None]] = {
    **dict.fromkeys(("text", "long_text", "date"), _one_line),
    **dict.fromkeys(("choice", "purpose", "release", "yes_no"), _one_of),
    "area": _area,
    "population": _population,
    "variables": _variables,
    "people": _people,
}


def hand_in_documents(street: Street, answers: Mapping[str, Any], remarks: Mapping[str, str]) -> None:
    """Uploads a letter for every document that the page says is required."""
    me = street.at(Role.APPLICANT)
    me.press("Unggah dokumen")
    headings = me.page.get_by_role("heading", level=2)
    if headings.filter(has_text="Dokumen wajib").count():
        kinds = me.page.locator("section.card").evaluate_all("all => all.map(one => one.id)")
        for kind in [kind for kind in kinds if _demanded(me, kind)]:
            _hand_in(street, kind, str(answers["programme"]), remarks.get(kind, ""))
    me.press("Lanjutkan")


def _demanded(me: Hands, kind: str) -> bool:
    """Whether the section stands under the heading of required documents."""
    return bool(
        me.page.locator(f"section#{kind}").evaluate(
            """one => { while ((one = one.previousElementSibling)) if (one.tagName === "H2") break;
               return one && one.textContent === "Dokumen wajib"; }"""
        )
    )


def _hand_in(street: Street, kind: str, programme: str, remark: str) -> None:
    me = street.at(Role.APPLICANT)
    section = me.page.locator(f"section#{kind}")
    content = papers.letter(kind, street.house.name, programme, remark)
    me.upload(section.locator('input[type="file"]'), f"{kind.lower()}.pdf", content)
    me.press("Unggah", section)


def repair(street: Street, kind: str, programme: str) -> None:
    """The applicant reads the one notice, replaces the document it names, says so, and sends again."""
    me = street.at(Role.APPLICANT)
    me.go("/")
    me.press(street.reference, me.page.locator(".tasks"))
    street.picture(Role.APPLICANT, "repair")
    me.press("Perbaiki", me.page.locator("section.card"))
    _hand_in(street, kind, programme, "sudah ditandatangani")
    me.press("Lanjutkan")
    me.press("Nyatakan sudah diperbaiki")
    me.press("Kirim perbaikan", me.page.locator("main"))
    me.tick(me.page.get_by_label("Saya menyatakan isi permintaan ini benar"))
    me.press("Kirim perbaikan", me.page.locator("main form"))


# --- the controller examines ------------------------------------------------------------------------------------------


def opened(street: Street, role: Role) -> Hands:
    """The officer finds the request in the queue and opens it."""
    me = street.at(role)
    me.press("Antrean")
    if role is Role.ADMIN_VERIFIER:
        street.picture(role, "queue")
    me.press(street.reference, me.page.locator("table"))
    return me


def send_back(street: Street, kind: str, note: str) -> None:
    """The admin check returns the request for one document."""
    me = opened(street, Role.ADMIN_VERIFIER)
    box = me.box("Kembalikan untuk diperbaiki")
    me.pick(box.get_by_label("Kekurangan", exact=True).first, "document-unsigned")
    me.pick(box.get_by_label("Pada", exact=True).first, f"document:{kind}")
    me.type(box.get_by_label("Apa yang harus dilakukan pemohon").first, note)
    me.press("Kembalikan kepada pemohon", box)
    by_key(street, Role.ADMIN_VERIFIER)


def pass_admin(street: Street) -> None:
    """The admin check accepts what was repaired, if anything was, and passes the request on."""
    me = opened(street, Role.ADMIN_VERIFIER)
    accept = me.page.get_by_role("button", name=re.compile("^Terima"))
    while accept.count():
        me.follow(accept.first)
    me.press("Loloskan", me.box("Loloskan pengecekan administrasi"))
    by_key(street, Role.ADMIN_VERIFIER)


def examine_substance(street: Street) -> None:
    """The substance check proposes approval of every variable, hears the data protection officer where the rules ask
    for it, and passes the request to the coordinator."""
    me = opened(street, Role.SUBSTANCE_VERIFIER)
    street.picture(Role.SUBSTANCE_VERIFIER, "decision")
    propose = me.box("Usulkan untuk setiap variabel")
    me.press("Isi Setujui pada yang masih kosong", propose)
    for reason in me.page.get_by_label(re.compile("^Alasan untuk ")).all():
        me.type(reason, "Sesuai tujuan dan program")
    street.picture(Role.SUBSTANCE_VERIFIER, "proposals")
    me.press("Simpan usul")
    if awaits(street, Role.DATA_PROTECTION_OFFICER):
        dpo = opened(street, Role.DATA_PROTECTION_OFFICER)
        box = dpo.box("Berikan pendapat pelindungan data")
        dpo.tick(box.get_by_label("Mendukung", exact=True))
        dpo.type(box.get_by_label("Alasan", exact=True), "Dampak dinilai dan diredam")
        dpo.press("Simpan pendapat", box)
        by_key(street, Role.DATA_PROTECTION_OFFICER)
        me = opened(street, Role.SUBSTANCE_VERIFIER)
    me.press("Teruskan", me.box("Teruskan kepada koordinator"))
    by_key(street, Role.SUBSTANCE_VERIFIER)


def decide(street: Street) -> None:
    """The producers consent where they must, and the coordinator approves the plan that the page shows."""
    if awaits(street, Role.DATA_PRODUCER):
        producer = opened(street, Role.DATA_PRODUCER)
        box = producer.box("Putuskan variabel yang Anda hasilkan")
        for verdict in box.locator("select[name*='verdict.']").all():
            producer.pick(verdict, "APPROVE")
        for reason in box.get_by_label(re.compile("^Alasan untuk ")).all():
            producer.type(reason, "Boleh dipakai untuk program ini")
        producer.press("Simpan keputusan", box)
        by_key(street, Role.DATA_PRODUCER)
    me = opened(street, Role.COORDINATOR)
    box = me.box("Setujui rencana data")
    me.type(box.get_by_label("Alasan", exact=True), "Perlu dan sebanding dengan tujuan program")
    street.picture(Role.COORDINATOR, "approve", "Setujui rencana data")
    me.press("Setujui rencana ini", box)
    by_key(street, Role.COORDINATOR)


def by_key(street: Street, role: Role) -> None:
    """What was drawn up is read once more, and signed with the key in this person's device."""
    me = street.at(role)
    assert "/kunci/tandatangan/" in me.page.url, me.page.locator("main").inner_text()
    street.picture(role, "by-key")
    me.press("Tandatangani dengan kunci sandi")
    assert "/permintaan/" in me.page.url, me.page.locator("main").inner_text()


def sign(street: Street, title: str, button: str) -> None:
    """Both parties read the paper and sign it."""
    for role in (Role.ACCOUNTABLE_OFFICER, Role.CONTROLLER):
        me = opened(street, role)
        box = me.box(title)
        assert _saved_pdf(me, box)
        me.tick(box.get_by_label("Saya sudah membaca naskah ini"))
        street.picture(role, "signing", title)
        me.press(button, box)
        by_key(street, role)


def _saved_pdf(me: Hands, box: Locator) -> bool:
    with me.page.expect_download() as waiting:
        me._press(box.get_by_role("link", name="Baca naskah (PDF)"))
    return Path(waiting.value.path()).read_bytes().startswith(b"%PDF-")


def process(street: Street, work: Callable[[], None]) -> None:
    """The preparer places the order, the registry does its `work`, and the quality check finds the package right."""
    me = opened(street, Role.DATA_PREPARER)
    me.press("Pesan pemrosesan", me.box("Pesan pemrosesan"))
    by_key(street, Role.DATA_PREPARER)
    waiting = street.at(Role.DATA_PREPARER).page.locator("[data-live]")
    expect(waiting).to_have_count(1)
    work()
    delivered = requests.state(street.reference).delivered
    assert delivered is not None
    assert not delivered.refusal, delivered.refusal
    expect(waiting).to_have_count(0, timeout=20_000)  # the page has loaded itself anew
    me = opened(street, Role.DATA_PREPARER)
    street.picture(Role.DATA_PREPARER, "evidence", "Pemrosesan")
    me.press("Kirim ke pemeriksaan mutu", me.box("Kirim ke pemeriksaan mutu"))
    me = opened(street, Role.QUALITY_REVIEWER)
    me.press("Paket sesuai", me.box("Nyatakan paket sesuai"))
    by_key(street, Role.QUALITY_REVIEWER)


def download(street: Street, folder: Path) -> list[Path]:
    """The institution's handler fetches every part of the package, the key of the seal and whom to believe, once
    others have seen that the package was made."""
    grant = access.grant_of(street.reference)
    assert grant is not None
    watching.wait_for(grant.package, grant.manifest)
    me = street.at(Role.AUTHORISED_HANDLER)
    me.press("Permintaan")
    me.press(street.reference)
    street.picture(Role.AUTHORISED_HANDLER, "progress")
    me.press("Buka halaman unduhan")
    street.picture(Role.AUTHORISED_HANDLER, "download")
    folder.mkdir(parents=True, exist_ok=True)
    buttons = me.page.locator("table").get_by_role("button").all()
    parts = [me.save(button, folder) for button in buttons]
    for beside in ("Unduh kunci segel Pengendali", "Unduh kebijakan saksi"):
        me.save(me.page.get_by_role("link", name=beside), folder.parent)
    return parts


def look_in_the_register(street: Street, programme: str) -> None:
    """Anybody, without logging in, finds the sharing and reads for what and on what ground."""
    context = street.browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, locale="id-ID")
    anybody = street.windows["anybody"] = street.hands(context.new_page(), street.base, street.checked)
    anybody.go("/")
    anybody.press("Daftar berbagipakai")
    if street.pictures is not None and os.environ.get("BAGIPAKAI_SCREENSHOTS"):
        anybody.page.screenshot(path=street.pictures / "register.png")
    anybody.press(programme)
    assert street.house.name in anybody.page.locator("main").inner_text()


def awaits(street: Street, role: Role) -> bool:
    """Whether it is also this role's turn."""
    applicant = story.officer(street.house, Role.APPLICANT)
    return role.value in requests.get(street.reference, applicant).awaited
