"""Pages on a small telephone, on a screen at 200 %, and on paper: nothing is cut, and every button can be seen."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page
from tests.authenticators import key_of
from tests.browser.windows import SCREENS, entering, whole
from tests.factories import Chain, a_request, an_institution, answers
from tests.portal.steps import a_returned_request

from bagipakai.control.models import Person
from bagipakai.core.request import Role, Status

pytestmark = pytest.mark.django_db(transaction=True)


def long_named(at: Status, level: str = "L4") -> Chain:
    """A request of an institution and a programme with long names."""
    house = an_institution(
        name="Dinas Sosial, Pemberdayaan Perempuan, Pelindungan Anak, Pengendalian Penduduk dan Keluarga Berencana "
        "Kabupaten Lombok Timur"
    )
    return a_request(
        at=at, level=level, asking=house, programme="Penyaluran bantuan pangan nontunai bagi keluarga " * 2
    )


def pages_of_a_draft() -> list[tuple[str, Person, str]]:
    chain = long_named(Status.DRAFT)
    chain.write(**answers("L4"))
    chain.attach("REQUEST_LETTER")
    me = chain.asking[Role.APPLICANT]
    names = ("show", "documents", "check")
    here = [(f"draft-{name}", me, reverse(f"requests:{name}", args=[chain.reference])) for name in names]
    asked = [
        (f"question-{code}", me, reverse("requests:question", args=[chain.reference, code]))
        for code in ("programme", "area", "population", "variables", "handlers", "ends_on")
    ]
    return [*here, *asked, ("requests", me, reverse("requests:list")), ("readiness", me, reverse("readiness:own"))]


def pages_of_asking_for_less() -> list[tuple[str, Person, str]]:
    """Much is asked for that the purpose does not need, so much is advised."""
    names = ("rt", "kode_desa", "desil", "persentil", "umur", "status_perkawinan", "ijazah_tertinggi", "jam_kerja")
    more = {"variables": [{"name": name, "reason": "Menilai sasaran menurut wilayah dan umur"} for name in names]}
    chain = long_named(Status.DRAFT)
    chain.write(**answers("L3", purpose="PERENCANAAN", **more))
    me, sent = chain.asking[Role.APPLICANT], a_request(Status.SUBSTANCE_CHECK, "L3", purpose="PERENCANAAN", **more)
    asked = reverse("requests:question", args=[chain.reference, "variables"])
    return [
        ("less-asked", me, f"{asked}?langkah=alasan"),
        ("less-check", me, reverse("requests:check", args=[chain.reference])),
        ("less-examined", sent.office[Role.SUBSTANCE_VERIFIER], reverse("examining:show", args=[sent.reference])),
    ]


def pages_of_a_returned_one() -> list[tuple[str, Person, str]]:
    chain = a_returned_request()
    return [("repair", chain.asking[Role.APPLICANT], reverse("requests:show", args=[chain.reference]))]


def pages_of_the_checks() -> list[tuple[str, Person, str]]:
    chain = long_named(Status.SUBSTANCE_CHECK)
    officer = chain.office[Role.SUBSTANCE_VERIFIER]
    key_of(officer)  # what one could not sign is shut
    acts = [
        (f"act-{act}", officer, reverse("acts:act", args=[chain.reference, act]))
        for act in ("propose", "return", "ask_clarification", "reject")
    ]
    shown = ("examining", officer, reverse("examining:show", args=[chain.reference]))
    return [("queue", officer, reverse("examining:queue")), shown, *acts]


def pages_of_a_granted_one() -> list[tuple[str, Person, str]]:
    chain = long_named(Status.ACCESS_GRANTED)
    handler, applicant = chain.asking[Role.AUTHORISED_HANDLER], chain.asking[Role.APPLICANT]
    review = chain.asking.institution.reviews.get()
    return [
        ("download", handler, reverse("downloads:show", args=[chain.reference])),
        ("progress", applicant, reverse("requests:show", args=[chain.reference])),
        ("review", applicant, reverse("readiness:show", args=[review.pk])),
        ("evidence", chain.office[Role.QUALITY_REVIEWER], reverse("examining:show", args=[chain.reference])),
        ("register", applicant, reverse("register:list")),
        ("register-entry", applicant, reverse("register:entry", args=[chain.reference])),
        ("catalogue", applicant, reverse("catalogue:list")),
        ("variable", applicant, reverse("catalogue:variable", args=["jenis_kelamin"])),
        ("home", applicant, reverse("portal:home")),
        ("trail", applicant, reverse("trail:show")),
    ]


SCENES = [
    pages_of_a_draft,
    pages_of_asking_for_less,
    pages_of_a_returned_one,
    pages_of_the_checks,
    pages_of_a_granted_one,
]


@pytest.mark.parametrize("scene", SCENES, ids=lambda one: one.__name__)
def test_nothing_is_cut_on_a_small_screen_at_double_size_or_on_paper(browser, live_server, scene):
    pages = scene()
    for size, screen in SCREENS.items():
        windows: dict[int, Page] = {}
        for name, person, address in pages:
            page = windows.get(person.pk) or entering(browser, live_server.url, person, **screen)
            windows[person.pk] = page
            answer = page.goto(f"{live_server.url}{address}")
            assert answer.status == 200, (name, answer.status)
            whole(page, f"{size}-{name}")
        for page in windows.values():
            page.context.close()
    paper: dict[int, Page] = {}
    for name, person, address in pages:
        page = paper.get(person.pk) or entering(browser, live_server.url, person, viewport=A4)
        paper[person.pk] = page
        page.goto(f"{live_server.url}{address}")
        page.emulate_media(media="print")
        whole(page, f"paper-{name}")
        page.evaluate("document.body.style.fontFamily = 'DejaVu Sans'")  # a machine may have no other, and it is wide
        whole(page, f"paper-wide-{name}")
        page.emulate_media(media="screen")
    for page in paper.values():
        page.context.close()


A4 = {"width": 672, "height": 950}  # the width between the margins of base.css, in CSS pixels


def test_each_button_of_the_download_page_is_seen_on_a_telephone(browser, live_server):
    """Where there is no room for columns, a row is a card: its button stands under its name, with nothing scrolled."""
    chain = a_request(at=Status.ACCESS_GRANTED)
    page = entering(browser, live_server.url, chain.asking[Role.AUTHORISED_HANDLER], **SCREENS["telephone"])
    page.goto(live_server.url + reverse("downloads:show", args=[chain.reference]))
    buttons = page.locator("table").get_by_role("button")
    assert buttons.count() >= 2
    for button in buttons.all():
        box = button.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 320
    assert page.locator(".table-box").evaluate("box => box.scrollWidth <= box.clientWidth")
    assert page.locator("td").first.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Ukuran: "'
    page.context.close()
