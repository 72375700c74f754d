"""Whoever examines a matching reads words, never the registry's own names."""

import html
import re
from dataclasses import replace

import pytest
from django.urls import reverse
from tests.factories import Chain, a_matching_request, an_institution
from tests.fakes import Registry
from tests.listed import SAID
from tests.portal.steps import entering

from bagipakai.control import clock, order_receipts, requests, rosters
from bagipakai.control.models import Review, Roster
from bagipakai.core.evidence import NAMES
from bagipakai.core.exchange import Step, StepDone
from bagipakai.core.request import Action, Role, Status
from bagipakai.portal.rosters import reading

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture(autouse=True)
def registry() -> Registry:
    """Its keys stand before anything is uploaded."""
    return Registry()


def ordered(**answers) -> Chain:
    chain = a_matching_request(Status.PROCESSING, **answers)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    return chain


def examined(chain: Chain) -> str:
    """The text of the page."""
    order_receipts.collect()
    page = entering(chain.office[Role.DATA_PREPARER]).get(reverse("examining:show", args=[chain.reference]))
    return " ".join(html.unescape(re.sub("<[^>]+>", " ", page.content.decode())).split())


def test_the_evidence_is_told_in_words():
    """Each name that the registry tells (tests/registry/test_matched.py) and each value that is a code."""
    chain = ordered(reasons=True)
    told = dict.fromkeys(NAMES, 7) | {
        "format": "csv",
        "pseudonyms": "nik nomor_kk",
        "marked_columns": "jam_kerja",
        "withheld": "sedikit",
        "aggregated": "no",
        "exempted": "rows-alike rows-share",
    }
    now = clock.now().replace(microsecond=0)
    (order,) = Registry().orders()
    Registry().answer(order, steps=tuple(StepDone(step, now, now, told) for step in Step))
    page = examined(chain)
    assert "Tanda penebakan: 7" in page and "Format: CSV" in page and "Diagregasi: Tidak" in page
    assert "Nama samaran: Nomor Induk Kependudukan, Nomor Kartu Keluarga" in page
    assert "Kolom yang ditandai: Jam kerja seminggu" in page
    assert "dikecualikan: Ukuran kelompok serupa, Bagian penduduk yang ikut keluar" in page
    assert "Alasan, Baris, Hasil pemadanan, Pengenal baris" in page
    # beside those that are words of ours as well, or stand in an address
    raw = {*NAMES, "nomor_kk", "list_id", "hasil"} - {"format", "model", "release", "manifest", "plan"}
    assert [one for one in sorted(raw) if re.search(rf"\b{one}\b", page)] == []


def test_a_refused_order_is_told_by_its_sentence_alone():
    chain = ordered()
    (order,) = Registry().orders()
    Registry().refuse(order, "order-matching-quota")
    page = examined(chain)
    assert "melebihi kuotanya" in page and "pesanannya ditolak gudang data. Pesan pemrosesan lagi" in page
    assert "order-matching-quota" not in page


def a_review_of(doubtful: int) -> str:
    """The page of a matching of which three pairs are reviewed, and so many rows were answered with doubt."""
    chain = ordered()
    (order,) = Registry().orders()
    now = clock.now().replace(microsecond=0)
    Registry().answer(order, steps=tuple(StepDone(step, now, now, {"review": doubtful}) for step in Step))
    order_receipts.collect()
    assert Review.objects.filter(order_id=order.order_id).update(pairs=3) == 1
    return examined(chain)


def test_where_all_pairs_are_samples_nothing_is_to_be_awaited():
    page = a_review_of(doubtful=0)
    assert "0 dari 3 pasangan" in page and "Jawaban paket ini tidak berubah, dan telaahnya tidak perlu ditunggu" in page
    assert "Tunggu sampai" not in page and "dijawab perlu telaah;" not in page


def test_where_answers_wait_for_clerks_it_is_said_until_when_an_order_can_be_placed():
    page = a_review_of(doubtful=2)
    assert "2 baris dijawab perlu telaah; pasangan lainnya, bila ada, hanya contoh" in page
    assert "sesudah lulus periksa mutu pesanan baru tidak dapat dibuat lagi. Tunggu sampai telaah selesai" in page


def test_where_nothing_can_be_ordered_any_more_nobody_is_told_to_order():
    """A package that has left keeps its answers; the applicant asks anew."""
    chain = a_matching_request(Status.HANDOVER_SIGNING)
    Review.objects.filter(order_id=chain.state.orders[-1]).update(pairs=3)
    page = examined(chain)
    assert "Pesanan baru tidak dapat dibuat lagi" in page and "daftar dan permintaan baru" in page
    assert "lalu buat pesanan baru" not in page


def test_who_examines_sees_which_columns_the_list_holds_and_what_was_found_in_it():
    """Names of columns and counts, as its sender saw them."""
    sari = entering(an_institution(ready=False)[Role.APPLICANT])
    chain = a_matching_request(Status.ADMIN_CHECK)
    page = entering(chain.office[Role.ADMIN_VERIFIER]).get(reverse("examining:show", args=[chain.reference]))
    told = html.unescape(page.content.decode()).split("Daftar yang dipadankan</h2>")[1]
    assert "Tidak ada temuan." in told and "semua baris" in told and ">NIK</td>" in told
    assert sari.get(reverse("examining:show", args=[chain.reference])).status_code == 404
    receipt = replace(SAID, order_id="-")
    state = rosters.state(Roster.objects.get(reference=chain.state.answers["roster"]))
    found = reading.told(state, receipt, None)
    assert found is not None and [(column, rows) for column, _, rows in found.found] == [
        ("NIK", 312),
        ("tanggal lahir", 2),
    ]
