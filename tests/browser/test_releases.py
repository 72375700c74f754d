"""The page of releases, as anybody sees it: which stands, which was replaced or withdrawn and why, and what changed."""

from datetime import date

import pytest
from django.urls import reverse
from tests.browser.windows import SCREENS, whole
from tests.factories import an_office

from bagipakai.control import recall, releases
from bagipakai.core.request import Role

pytestmark = pytest.mark.django_db(transaction=True)
WHY = "Desil di satu provinsi dihitung dari berkas lama; 41 kabupaten terkena."
CHANGES = {
    **{"in_both": 284_100_233, "born": 1_020_511, "registered": None, "left": 611_042, "moved_in": 870_310},
    **{"moved_within": 1_330_024, "decile_up": 6_120_733, "decile_down": 6_098_512, "ranked": 10_212, "unranked": None},
}


def announced(version: str, digest: str, day: date, **more: object) -> None:
    releases.announce(
        version,
        digest=digest * 32,
        standard="DTSEN-STD 2026.1",
        region_edition="Kepmendagri 300.2.2-2138/2025",
        published_on=day,
        persons=285_570_129,
        families=93_025_360,
        **more,
    )


@pytest.fixture
def office():
    office = an_office()
    announced("2026.4.0", "cd", date(2026, 10, 9), previous="2026.3.0")
    announced(
        "2026.4.1",
        "ef",
        date(2026, 11, 2),
        previous="2026.4.0",
        notes="Perbaikan desil di 41 kabupaten.\n\nTidak ada variabel baru.",
        editions={"jenis_kelamin": "2026.1", "status_keberadaan": "2026.1"},
        quality={"judged": 431, "above": 1, "exempted_by": 2},
        changes=CHANGES,
    )
    recall.withdraw("2026.4.0", WHY, office[Role.CONTROLLER])
    return office


def test_anybody_reads_which_release_stands_and_why_another_does_not(office, live_server, page, no_violations):
    page.goto(f"{live_server.url}{reverse('releases:list')}")
    rows = [" ".join(row.split()) for row in page.locator("tbody tr").all_inner_texts()]
    assert [row.split()[0] for row in rows] == ["2026.4.1", "2026.4.0", "2026.3.0"]
    assert ["Berlaku" in rows[0], "Ditarik" in rows[1], "Digantikan oleh 2026.4.1" in rows[2]] == [True] * 3
    assert "285.570.129" in rows[0]
    no_violations(page)
    whole(page, "releases")
    page.get_by_role("link", name="2026.4.0").click()
    assert WHY in page.locator("main").inner_text()
    no_violations(page)
    whole(page, "release-withdrawn")
    page.goto(f"{live_server.url}{reverse('releases:show', args=['2026.3.0'])}")
    page.locator("main").get_by_role("link", name="2026.4.1").click()
    said = page.locator("main").inner_text()
    assert "1 di atas batas" in said and "2 pejabat" in said and "Perbaikan desil" in said
    assert said.count("terlalu sedikit untuk ditampilkan") == 2 and "1.020.511" in said
    page.get_by_text("2 daftar kode dan edisinya").click()
    no_violations(page)
    whole(page, "release")


@pytest.mark.parametrize("size", SCREENS)
def test_the_pages_fit_a_small_screen(office, live_server, browser, size):
    context = browser.new_context(**SCREENS[size], locale="id-ID")
    page = context.new_page()
    for name, args in (("list", []), ("show", ["2026.4.0"]), ("show", ["2026.4.1"])):
        page.goto(f"{live_server.url}{reverse(f'releases:{name}', args=args)}")
        whole(page, f"{size}-releases-{name}-{'-'.join(args)}")
    context.close()


def test_what_was_never_announced_has_no_page(office, client):
    assert client.get(reverse("releases:show", args=["2020.1.0"])).status_code == 404
