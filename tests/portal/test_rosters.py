"""The pages of a list to be matched: from its upload to what was read of it, and its end."""

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.urls import reverse
from tests.factories import a_matching_request, an_institution, an_office
from tests.handed_in import a_file
from tests.listed import SAID, UNREADABLE, Reader, a_list
from tests.portal.steps import entering
from tests.portal.test_under_way import the_registry_says

from bagipakai.control import clock, requests, roster_receipts, rosters
from bagipakai.control.models import Request, Roster
from bagipakai.core.refusal import Refusal, _sentences
from bagipakai.core.request import Action, Role, Status
from bagipakai.core.roster_orders import Heading, RosterReceipt
from bagipakai.core.rosters import Limits
from bagipakai.portal.templatetags.parts import day

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def registry():
    an_office()
    return Reader()


@pytest.fixture
def sari(registry):
    return entering(an_institution(ready=False)[Role.APPLICANT])


def to(name: str, *arguments) -> str:
    return reverse(f"rosters:{name}", args=arguments)


def text(page) -> str:
    return html.unescape(page.content.decode())


def uploaded(sari, name: str = "peserta.csv") -> str:
    """The reference of a new list, uploaded by the form."""
    sari.post(to("new"))
    reference = Roster.objects.latest("pk").reference
    assert sari.post(to("upload", reference), {"berkas": a_file(a_list(), name)}).status_code == 302
    return reference


def act(sari, name: str, reference: str, **form):
    seen = rosters.state(Roster.objects.get(reference=reference)).n
    return sari.post(to(name, reference), {"seen": seen, **form}, follow=True)


def read(sari, registry, told: RosterReceipt = SAID) -> str:
    reference = uploaded(sari)
    act(sari, "send", reference)
    registry.reads(told)
    roster_receipts.collect()
    return reference


def test_from_the_upload_to_a_list_that_is_ready(sari, registry):
    assert "Belum ada daftar" in text(sari.get(to("list")))
    reference = uploaded(sari)
    page = text(sari.get(to("show", reference)))
    assert "Masuk seluruhnya" in page and "Belum ada yang dipadankan" in page and 'type="file"' not in page
    assert "Sedang dibaca" in text(act(sari, "send", reference))
    (order,) = registry.lists()
    the_registry_says(order.order_id, "READING", 62, 100, ago=10)
    assert "62 persen dibaca" in text(sari.get(to("show", reference)))
    registry.reads()
    roster_receipts.collect()

    # how it was read, in plain words, by column and row
    page = text(sari.get(to("show", reference)))
    assert (
        '<option value="nik" selected>NIK</option>' in page and "9.950 baris (99 %)" in page and "semua baris" in page
    )
    assert "daftar ini memakai 10.000 baris jatah" in page and "0 baris sudah terpakai dan 3.000.000 tersisa" in page
    assert "312 isian kolom NIK berakhiran 0 karena Excel" in page and "misalnya baris 2, 17, 40, …" in page
    assert "2 tanggal lahir tampak diisi sekadarnya" in page and "(misalnya baris 8, 9)" in page
    assert 'name="kolom-3"' in page and 'name="kolom-4"' not in page  # "…" was somebody's number, and is no name
    assert "Perlu Anda periksa" in text(sari.get("/"))

    page = text(act(sari, "confirm", reference))
    assert "Siap dipadankan" in page and SAID.digest in page and "<select" not in page
    assert "Jatah lembaga Anda 3.000.000 baris dalam 30 hari" in text(sari.get(to("list")))
    assert "10.000" in text(sari.get(to("list"))) and "peserta.csv" in text(sari.get(to("list")))
    assert "Perlu Anda periksa" not in text(sari.get("/"))


def test_other_columns_are_chosen(sari, registry):
    reference = read(sari, registry)
    page = act(sari, "choose", reference, **{"kolom-0": "nik", "kolom-1": "nama", "kolom-3": "nik"})
    assert page.status_code == 409 and "“NIK” dipilih untuk lebih dari satu kolom" in text(page)
    assert "<title>Kesalahan: " in text(page)
    assert sari.get(to("choose", reference)).url == to("show", reference)  # its address, loaded again
    assert text(page).count('<option value="nik" selected>') == 2  # what was chosen stays
    page = act(sari, "choose", reference, **{"kolom-0": "nik", "kolom-1": "nama", "kolom-3": "nama_ibu"})
    assert "Daftar dibaca ulang" in text(page)
    order = registry.reads()
    assert order.columns == (("nik", "NO KTP"), ("nama", "Nama Lengkap"), ("nama_ibu", "Nama Ibu"))


def test_a_list_that_cannot_be_read_says_why_and_what_to_do(sari, registry):
    reference = read(sari, registry, UNREADABLE)
    page = text(sari.get(to("show", reference)))
    assert "Daftar “peserta.csv” tidak memuat kolom NIK atau nama yang dikenali" in page
    assert "Kolom A" in page and "Baca ulang" in page and "Daftar ini benar" not in page
    act(sari, "choose", reference, **{"kolom-0": "nik"})
    assert registry.reads().columns == (("nik", "Kolom A"),)

    few = read(sari, registry, RosterReceipt("", "", refusal="list-rows-are-torn", detail=(("rows", "3, 7"),)))
    page = text(sari.get(to("show", few)))
    assert "(misalnya baris 3, 7)" in page and "Unggah daftar baru" in page and "Baca ulang" not in page


def test_columns_are_offered_only_where_other_ones_could_help(sari, registry):
    for refusal, detail in (("roster-is-too-small", ("least", "30")), ("list-rows-are-torn", ("rows", "3, 7"))):
        told = replace(UNREADABLE, refusal=refusal, detail=(detail,))
        page = text(sari.get(to("show", read(sari, registry, told))))
        assert "Pilih kolomnya" not in page and "Baca ulang" not in page and "Kolom A" not in page
        assert '<button class="button">Unggah daftar baru' in page and "Atau unggah" not in page
        assert "bila daftar ini tidak dibaca ulang" not in page
    told = replace(UNREADABLE, refusal="roster-counts-numbers-up", detail=(("count", "9"), ("rows", "2, 3")))
    assert "Baca ulang" in text(sari.get(to("show", read(sari, registry, told))))


def test_where_no_heading_can_be_read_nobody_is_told_to_choose_columns(sari, registry):
    for headings in ((), (Heading("…", "", 0),)):
        page = text(sari.get(to("show", read(sari, registry, replace(UNREADABLE, headings=headings)))))
        assert "baris pertamanya tidak dapat dibaca sebagai judul" in page and "pilih kolomnya" not in page


def test_a_request_begun_on_the_page_of_a_list_names_it(sari, registry):
    reference = read(sari, registry)
    page = text(act(sari, "confirm", reference))
    address = f"{reverse('requests:new')}?daftar={reference}"
    assert f'href="{address}"' in page
    assert f'name="daftar" value="{reference}"' in text(sari.get(address))
    sari.post(reverse("requests:new"), {"layanan": "MATCHING", "daftar": reference})
    begun = Request.objects.latest("pk")
    assert requests.state_of(begun).answers["roster"] == reference
    sari.post(reverse("requests:new"), {"layanan": "MATCHING", "daftar": "DFT-2026-999999"})
    other = Request.objects.latest("pk")
    assert other.pk != begun.pk and "roster" not in requests.state_of(other).answers


def test_a_heading_that_was_cut_says_so_and_is_chosen_as_any_other(sari, registry):
    long = "Nama lengkap peserta sesuai kartu tanda penduduk elektronik,…"
    headings = (Heading(f"{long} (2)", "", 0), Heading(f"{long} (3)", "", 0))
    assert "Judul yang panjang dipotong" not in text(sari.get(to("show", read(sari, registry, UNREADABLE))))
    reference = read(sari, registry, replace(UNREADABLE, headings=headings))
    page = text(sari.get(to("show", reference)))
    assert f"{long} (2)</th>" in page and f"{long} (3)</th>" in page and "Judul yang panjang dipotong" in page
    act(sari, "choose", reference, **{"kolom-0": "nama", "kolom-1": "alamat"})
    assert registry.reads().columns == (("nama", f"{long} (2)"), ("alamat", f"{long} (3)"))


def test_a_list_is_destroyed_after_its_sender_read_what_that_means(sari, registry):
    reference = read(sari, registry)
    page = text(sari.get(to("destroy", reference)))
    assert f"Musnahkan daftar {reference}?" in page and "tidak dapat dibatalkan" in page
    assert "Menunggu gudang data menghapus isinya" in text(act(sari, "destroy", reference))
    registry.destroys()
    roster_receipts.collect()
    page = text(sari.get(to("show", reference)))
    assert "Gudang data menghapus isinya" in page and "Menunggu gudang data" not in page
    assert sari.get(to("destroy", reference)).status_code == 409


def test_a_list_that_is_being_read_is_taken_back_after_its_sender_read_what_that_means(sari, registry):
    reference = uploaded(sari)
    act(sari, "send", reference)
    page = text(sari.get(to("show", reference)))
    assert "Salah unggah?" in page and "Tarik kembali daftar ini" in page and "Musnahkan daftar ini" not in page
    page = text(sari.get(to("destroy", reference)))
    assert f"Tarik kembali daftar {reference}?" in page and "Gudang data berhenti membacanya" in page
    page = text(act(sari, "destroy", reference))
    assert "Daftar ditarik kembali dan dimusnahkan." in page and "Menunggu gudang data menghapus isinya" in page
    registry.reads()  # it had read it when it heard
    registry.destroys()
    roster_receipts.collect()
    page = text(sari.get(to("show", reference)))
    assert "10.000 baris sempat dibaca; tidak disimpan" in page and "Menunggu gudang data" not in page
    assert "Begini daftar ini dibaca" not in page
    assert sari.get(to("destroy", reference)).status_code == 409


def test_who_looked_at_the_list_before_it_was_read_does_not_destroy_it_unseen(sari, registry):
    reference = uploaded(sari)
    act(sari, "send", reference)
    before = rosters.state(Roster.objects.get(reference=reference)).n
    registry.reads()
    roster_receipts.collect()
    assert sari.post(to("destroy", reference), {"seen": before}).status_code == 409
    assert "Begini daftar ini dibaca" in text(sari.get(to("show", reference)))


def kept_until(sari, reference: str) -> str:
    page = text(sari.get(to("show", reference)))
    return " ".join(re.sub("<[^>]*>", " ", page.split("Disimpan sampai</h2>")[1].split("</div>")[0]).split())


def test_the_page_says_until_when_a_list_is_kept_and_why(sari, registry):
    draft = uploaded(sari)
    assert kept_until(sari, draft) == f"{day(clock.today() + timedelta(days=14))} Bila belum dikirim hari itu, yang" + (
        " sudah diunggah dihapus."
    )
    act(sari, "send", draft)
    assert "Disimpan sampai" not in text(sari.get(to("show", draft)))
    registry.reads(UNREADABLE)
    roster_receipts.collect()
    assert "Tidak satu baris pun disimpan" in kept_until(sari, draft)
    reference = read(sari, registry)
    assert "Bila belum dinyatakan benar hari itu" in kept_until(sari, reference)
    act(sari, "confirm", reference)
    said = kept_until(sari, reference)
    assert said.startswith(day(clock.today() + timedelta(days=90))) and "Draf permintaan tidak menahannya" in said
    assert day(clock.today() + timedelta(days=90)) in text(sari.get(to("list")))


def test_the_page_names_the_request_that_needs_the_list():
    chain = a_matching_request(Status.ADMIN_CHECK)
    sari, row = entering(chain.asking[Role.APPLICANT]), Roster.objects.get()
    said = kept_until(sari, row.reference)
    assert said.startswith(day(clock.today() + timedelta(days=200))) and chain.reference in said
    page = text(sari.get(to("show", row.reference)))
    assert f"Diminta disimpan sampai {day(clock.today() + timedelta(days=200))} untuk <a" in page
    assert page.count(f'href="{reverse("requests:show", args=[chain.reference])}"') == 2
    assert "selama permintaan yang menyebutnya memerlukannya, dan sampai itu tidak dapat dimusnahkan" in page
    assert "Musnahkan daftar ini" not in page and f">{chain.reference}</a>" in text(sari.get(to("list")))
    assert sari.get(to("destroy", row.reference)).status_code == 409

    # the registry's word, whichever it is
    registry = Reader()
    registry.keeps(registry.keepings()[0], "order-roster-damaged")
    roster_receipts.collect()
    page = text(sari.get(to("show", row.reference)))
    said = kept_until(sari, row.reference)
    assert said.startswith("Belum pasti") and chain.reference in said and "tidak dapat dibuka" in said
    assert day(clock.today() + timedelta(days=200)) not in said

    # words that need no figures, and a code that the office has no words for
    told = ("roster-kept-too-long", "lebih lama daripada yang boleh, jadi"), ("kode-baru", "kode-baru")
    for later, (code, words) in enumerate(told, start=1):
        rosters.tidy(clock.now() + timedelta(days=later))  # ordered anew
        registry.keeps(registry.keepings()[0], code)
        roster_receipts.collect()
        assert words in kept_until(sari, row.reference)

    chain.step(Action.WITHDRAW, Role.APPLICANT, {"reason": "tidak jadi"})
    rosters.tidy()
    said = kept_until(sari, row.reference)
    assert said.startswith(day(clock.today() + timedelta(days=14)))
    assert "Permintaan yang memerlukannya sudah selesai" in said
    page = text(sari.get(to("show", row.reference)))
    assert "Tidak diperlukan permintaan lagi" in page and "Musnahkan daftar ini" in page
    assert "Daftar ini dapat Anda musnahkan" in page and "tidak dapat dimusnahkan" not in page


def test_a_list_is_nobody_elses(sari, registry):
    reference = read(sari, registry)
    other = an_institution(ready=False)
    for person in (other[Role.APPLICANT], other[Role.ACCOUNTABLE_OFFICER], an_office()[Role.AUDITOR]):
        stranger = entering(person)
        for page in (stranger.get(to("show", reference)), act(stranger, "destroy", reference)):
            assert page.status_code == 404
        assert reference not in text(stranger.get("/"))


def test_a_name_of_a_file_shows_no_number_of_a_person(sari):
    reference = uploaded(sari, "daftar 3201011208800001.csv")
    assert "3201011208800001" not in text(sari.get(to("show", reference)))


def test_what_is_not_a_list_is_not_taken(sari, monkeypatch):
    sari.post(to("new"))
    reference = Roster.objects.latest("pk").reference
    page = sari.post(to("upload", reference), {"berkas": a_file(a_list(), "peserta.jsonl")})
    assert page.status_code == 409 and "Berkas dengan akhiran ini tidak dibaca" in text(page)
    assert sari.post(to("upload", reference)).status_code == 422
    begun = sari.post(to("begin", reference), {"name": "x", "size": "1"}, content_type="application/json")
    assert begun.status_code == 400
    monkeypatch.setattr(Limits, "on", classmethod(lambda *_: Limits(4, 8, 1, 8, 1, 14, 90, 366)))
    told = {"name": "peserta.csv", "size": 5, "changed": 1}
    begun = sari.post(to("begin", reference), told, content_type="application/json").json()
    assert begun == {"href": f"/pemadanan/{reference}/unggah/1/", "piece": 4, "missing": [1, 2]}
    other = sari.post(to("begin", reference), {**told, "name": "lain.csv"}, content_type="application/json")
    assert (other.status_code, other.json()["code"]) == (409, "one-file-alone")
    sari.post(to("remove", reference, 1))
    other = sari.post(to("begin", reference), {**told, "name": "lain.csv"}, content_type="application/json")
    assert other.json()["missing"] == [1, 2]


def test_one_faulty_value_is_told_in_good_english():
    """A sentence that fits one and many."""
    codes = [code for code in _sentences() if code.startswith("list-") and "{count}" in _sentences()[code]["en"]]
    assert len(codes) == 25
    for code in codes:
        for many in ("1", "312"):
            said = Refusal(code, {"count": many, "column": "NIK", "rows": "2"}).sentence("en")
            assert f": {many}" in said, said  # the number is no subject
