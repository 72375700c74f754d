"""The pages of a provider of a source: from the contract to the report of what came back."""

import hashlib
import html
import json
import re
import shutil
from dataclasses import replace

import pyrage
import pytest
from django.urls import reverse
from tests.authenticators import sign_on
from tests.factories import SECRETS, a_provider, an_institution, an_office
from tests.handed_in import HEAD, RealRegistry, a_file, a_set, readable_anywhere
from tests.portal.steps import entering, with_a_key
from tests.portal.test_under_way import the_registry_says
from tests.trail import witnessed

from bagipakai import postgres
from bagipakai.control import inflows, intake_receipts, keys, submissions, uploads
from bagipakai.control.models import Submission, SubmissionEvent, UploadedFile, UploadedPiece
from bagipakai.core.envelope import Signer
from bagipakai.core.intake import IntakeReceipt
from bagipakai.core.request import Role
from bagipakai.core.submissions import Limits, Status

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def an_empty_store():
    """What earlier tests left on the disk is not of this test's database."""
    for name in ("intake", "returned", "registry/submissions"):
        shutil.rmtree(postgres.var() / name, ignore_errors=True)


@pytest.fixture
def registry(office_stands):
    an_office()
    return RealRegistry()


@pytest.fixture
def house(registry):
    return a_provider()


@pytest.fixture
def sender(house):
    return with_a_key(house[Role.SOURCE_PROVIDER])


def to(name: str, *arguments) -> str:
    return reverse(f"submissions:{name}", args=arguments)


def text(page) -> str:
    return html.unescape(page.content.decode())


def opened(sender) -> int:
    """The number of a new submission."""
    sender.post(to("new", "pln"))
    return Submission.objects.latest("pk").pk


def upload(sender, number: int, content: bytes, name: str = "pelanggan.csv"):
    return sender.post(to("upload", number), {"berkas": a_file(content, name)}, follow=True)


def send(sender, number: int):
    """Presses "send" and signs with the sender's key."""
    seen = submissions.state(Submission.objects.get(pk=number)).n
    return sign_on(sender, sender.post(to("send", number), {"seen": seen}))


def test_from_the_contract_to_what_came_back(sender, registry):
    """A set of twenty rows of which one is faulty: nineteen are kept, one comes back, and the page says what to do."""
    assert "Pelanggan listrik" in text(sender.get(to("list")))
    number = opened(sender)
    assert "Masuk seluruhnya" in text(upload(sender, number, a_set(20, 1)))
    assert send(sender, number).url == to("show", number)
    assert "Sedang diperiksa" in text(sender.get(to("show", number)))
    (order,) = registry.submissions()
    the_registry_says(order.order_id, "CHECKING", 62, 100, ago=10)
    assert "62 persen diperiksa; kurang dari semenit lagi" in text(sender.get(to("show", number)))
    (receipt,) = registry.take_in()
    assert (receipt.received, receipt.accepted, receipt.returned, receipt.refusal) == (20, 19, 1, "")
    intake_receipts.collect()
    page = text(sender.get(to("show", number)))
    assert "kode_desa" in page and "Sudah diperiksa" in page and "320101120880" not in page
    witnessed()
    part = sender.post(to("fetch", number, receipt.parts[0].name))
    assert part.status_code == 200 and b"".join(part.streaming_content).startswith(b"age-encryption.org/v1\n")
    assert not readable_anywhere(b"Orang Rekaan", postgres.var() / "intake", postgres.var() / "returned")


def checked(sender, registry, content: bytes) -> int:
    """The number of a submission that the registry answered."""
    number = opened(sender)
    upload(sender, number, content)
    send(sender, number)
    registry.take_in()
    intake_receipts.collect()
    return number


def destroyed(rows: int = 40) -> bytes:
    """A set in which a spreadsheet kept numbers as numbers."""
    return re.sub(rb"3201011\d{9}", b"3.2010112088E+15", a_set(rows, 0))


def test_what_came_back_is_told_at_home_until_it_is_begun_anew(sender, registry):
    number = checked(sender, registry, a_set(20, 1))
    home = text(sender.get("/"))
    assert (
        "Pelanggan listrik, versi 1</a>: 1 baris dikembalikan; unduh" in home and f'href="{to("show", number)}"' in home
    )
    again = opened(sender)
    home = text(sender.get("/"))
    assert "baris dikembalikan" not in home and "Unggah berkasnya, lalu kirim untuk diperiksa" in home
    sender.post(to("withdraw", again), {"seen": submissions.state(Submission.objects.get(pk=again)).n})
    assert "1 baris dikembalikan" in text(sender.get("/"))


def test_a_set_that_came_back_whole_waits_at_home_and_its_page_says_why(sender, registry):
    number = checked(sender, registry, destroyed())
    home = text(sender.get("/"))
    assert "Pelanggan listrik, versi 1" in home and "Baca sebabnya, perbaiki berkasnya" in home
    assert "Tidak ada yang menunggu" not in home and f'href="{to("show", number)}"' in home
    page = text(sender.get(to("show", number)))
    assert (
        "40 baris" in page and "misalnya baris 2" in page and "sebagai bilangan, jadi digit terakhirnya hilang" in page
    )
    assert "dikembalikan seluruhnya; tidak satu baris pun disimpan" in page and "Baris diperiksa" in page
    assert "Baris diterima" not in page and "Versi ini digantikan" not in page and "E+15" not in page
    opened(sender)
    assert "Baca sebabnya" not in text(sender.get("/"))


def test_a_contract_says_of_a_needed_column_nothing_about_empty_values(sender, registry):
    """And its source without our own papers, and when it is due as a schedule."""
    page = text(sender.get(to("contract", "pln")))
    assert "Nomor 12 digit pelanggan listrik PLN." in page and "terpasang; kosong bila tidak bermeteran" in page
    assert "keputusan 0093" not in page and "belum ada pasal" in page
    assert "<dt>Jadwal</dt>" in page and "16 GB" in text(sender.get(to("show", opened(sender))))


def test_what_is_signed_is_told_in_names_and_sizes(sender, registry):
    """The source by its name, a size as people read it with its exact bytes, the contract by its version."""
    number, content = opened(sender), a_set(60, 0)
    upload(sender, number, content)
    seen = submissions.state(Submission.objects.get(pk=number)).n
    page = text(sender.post(to("send", number), {"seen": seen}, follow=True))
    size = f"{len(content) / 1000:.1f} kB ({len(content)})".replace(".", ",")
    for told in (
        "Pelanggan listrik (pln), versi kiriman 1, langkah 3",
        f"Ukuran (dan byte persisnya): {size}",
        "pelanggan.csv",
    ):
        assert told in page, told
    assert f"kiriman/{number}" not in page and "2026.1@" not in page
    assert submissions.state(Submission.objects.get(pk=number)).contract.partition("@")[2] in page


def test_the_names_of_files_in_the_list_of_rows_are_told_with_the_senders_own(sender, registry):
    number = checked(sender, registry, a_set(20, 1))
    assert '<span class="digits">berkas-001.csv</span> – pelanggan.csv' in text(sender.get(to("show", number)))


def test_what_was_sent_by_mistake_is_cancelled_on_its_page(sender, registry):
    number = opened(sender)
    upload(sender, number, a_set(20, 1))
    send(sender, number)
    assert "Salah kirim?" in text(sender.get(to("show", number)))
    seen = {"seen": submissions.state(Submission.objects.get(pk=number)).n}
    assert sign_on(sender, sender.post(to("cancel", number), seen)).url == to("show", number)
    page = text(sender.get(to("show", number)))
    assert "Menunggu gudang data menghapus kiriman ini" in page and "Salah kirim?" not in page
    registry.give_up()
    intake_receipts.collect()
    page = text(sender.get(to("show", number)))
    assert "Dibatalkan" in page and "Gudang data menghapusnya" in page and "Hasil pemeriksaan" not in page
    assert "Mulai kiriman" in text(sender.get(to("list")))


def test_what_was_taken_in_meanwhile_is_not_cancelled_and_the_page_says_so(sender, registry):
    number = opened(sender)
    upload(sender, number, a_set(20, 1))
    send(sender, number)
    registry.take_in()
    seen = {"seen": submissions.state(Submission.objects.get(pk=number)).n}
    page = sender.post(to("cancel", number), seen)
    assert page.status_code == 409 and "sudah selesai memeriksa kiriman ini" in text(page)


def pieces(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def begin(sender, number: int, content: bytes, name: str = "pelanggan.csv", changed: int = 1764000000000):
    said = {"name": name, "size": len(content), "changed": changed}
    return sender.post(to("begin", number), json.dumps(said), content_type="application/json")


def put(sender, number: int, content: bytes, place: int, file: int = 1, sha256: str = ""):
    digest = sha256 or hashlib.sha256(content).hexdigest()
    return sender.post(
        to("piece", number, file, place), content, content_type="application/octet-stream", headers={"X-Sha256": digest}
    )


@pytest.fixture
def small_pieces(monkeypatch):
    whole = Limits.on
    monkeypatch.setattr(Limits, "on", classmethod(lambda _, day: replace(whole(day), piece=1000, file=5000, open=1)))


def test_a_broken_upload_goes_on_where_it_was(sender, small_pieces):
    """Pieces come in any order and as often as they like; the file is there once the last one is, once."""
    content, number = a_set(30, 0), opened(sender)
    parts = pieces(content, 1000)
    begun = begin(sender, number, content).json()
    assert begun["missing"] == list(range(1, len(parts) + 1)) and begun["piece"] == 1000
    for place in (3, 1, 1):
        assert put(sender, number, parts[place - 1], place).status_code == 200
    assert begin(sender, number, content).json() == {**begun, "missing": [2, 4]}
    for place in (2, 4, 4, 2):
        assert put(sender, number, parts[place - 1], place).status_code == 200
    row = Submission.objects.get(pk=number)
    assert [file.bytes for file in submissions.state(row).files.values()] == [len(content)]
    assert begin(sender, number, content).json()["missing"] == []
    store = uploads.folder(str(number))
    assert len(list(store.iterdir())) == len(parts) and not readable_anywhere(b"Orang Rekaan", store)


def test_pieces_that_are_not_what_they_say_are_refused_and_not_kept(sender, small_pieces):
    content, number = a_set(30, 0), opened(sender)
    first, second, *_ = pieces(content, 1000)
    begin(sender, number, content)
    for answer, code in (
        (put(sender, number, first, 1, sha256="0" * 64), "piece-came-otherwise"),
        (put(sender, number, first[:-1], 1), "piece-came-otherwise"),  # cut off
        (put(sender, number, first + b"x", 1), "piece-came-otherwise"),
        (put(sender, number, second, 99), "piece-is-unknown"),
        (put(sender, number, second, 0), "piece-is-unknown"),
        (put(sender, number, first, 1, file=7), "piece-is-unknown"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert UploadedPiece.objects.count() == 0 and not list(uploads.left_over())


def test_a_piece_that_comes_otherwise_takes_the_place_of_the_one_before(
    sender, small_pieces, django_capture_on_commit_callbacks
):
    """In the store too: it holds no more than the set may be large."""
    content, number = a_set(30, 0), opened(sender)
    begin(sender, number, content)
    for other in (b"x", b"y", b"x"):
        with django_capture_on_commit_callbacks(execute=True):
            assert put(sender, number, other * 1000, 1).status_code == 200
    (piece,) = UploadedPiece.objects.all()
    assert [file.name for file in uploads.folder(str(number)).iterdir()] == [f"{piece.sealed_sha256}.age"]


def test_nobody_puts_a_piece_into_anothers_submission(sender, registry, small_pieces):
    content, number = a_set(30, 0), opened(sender)
    begin(sender, number, content)
    other = with_a_key(a_provider("KEMENSOS", name="Kementerian Sosial")[Role.SOURCE_PROVIDER])
    applicant = entering(an_institution(ready=False)[Role.APPLICANT])
    for stranger in (other, applicant):
        assert put(stranger, number, content[:1000], 1).status_code == 404
        assert stranger.get(to("show", number)).status_code == 404
        assert upload(stranger, number, content).status_code == 404
        assert begin(stranger, number, content).status_code == 404
        assert stranger.post(to("remove", number, 1)).status_code == 404
        assert stranger.post(to("fetch", number, "baris-0001.csv.age")).status_code == 404
    assert UploadedPiece.objects.count() == 0
    assert other.post(to("new", "pln")).status_code == 409  # their sources are others
    assert Submission.objects.count() == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/pelanggan.csv", "pelanggan.csv"),
        ("C:\\data\\pelanggan.csv", "pelanggan.csv"),
        ("3201010101010001.csv", "….csv"),
        ("3201.0101 0101 0001.csv", "….csv"),
        ("\uff13\uff12" + "\uff10" * 14 + ".csv", "….csv"),
        ("2026-11-26 bagian 12.csv", "2026-11-26 bagian 12.csv"),
        ("a\u202egpj.csv", "a gpj.csv"),
    ],
)
def test_a_name_is_shown_and_never_used(sender, name, shown, small_pieces):
    number, content = opened(sender), a_set(3, 0)
    assert begin(sender, number, content, name).status_code == 200
    put(sender, number, content, 1)
    (file,) = submissions.state(Submission.objects.get(pk=number)).files.values()
    assert file.name == shown
    assert all(re.fullmatch("[0-9a-f]{64}[.]age", one.name) for one in uploads.folder(str(number)).iterdir())


def test_what_is_too_large_or_not_read_is_refused_before_anything_is_kept(sender, small_pieces):
    number = opened(sender)
    assert begin(sender, number, b"x" * 5001).json()["code"] == "file-is-too-large"
    assert begin(sender, number, b"x", "program.exe").json()["code"] == "file-ending-is-not-read"
    assert begin(sender, number, b"").json()["code"] == "file-is-empty"
    for content, name in ((b"x" * 5001, "besar.csv"), (b"x", "program.exe"), (b"", "kosong.csv")):
        page = upload(sender, number, content, name)
        assert page.status_code in (409, 422) and "Kesalahan" in text(page)
    assert UploadedFile.objects.count() == 0 and UploadedPiece.objects.count() == 0
    assert sender.post(to("begin", number), "{", content_type="application/json").status_code == 400


@pytest.mark.parametrize("said", ["{", "[]", "[" * 2040, '{"name": "a.csv", "size": 1e400, "changed": 1}'])
def test_a_script_that_says_nonsense_is_told_so(sender, said):
    number = opened(sender)
    assert sender.post(to("begin", number), said, content_type="application/json").status_code == 400
    assert sender.post(to("withdraw", number), {"seen": "9" * 5000}).status_code == 409


def test_what_is_on_its_way_takes_room(sender, monkeypatch):
    whole = Limits.on
    monkeypatch.setattr(Limits, "on", classmethod(lambda _, day: replace(whole(day), files=2, set=100)))
    number = opened(sender)
    assert begin(sender, number, b"x" * 60, "a.csv").status_code == 200
    assert begin(sender, number, b"x" * 60, "b.csv").json()["code"] == "set-is-too-large"
    assert begin(sender, number, b"x" * 40, "b.csv").status_code == 200
    assert begin(sender, number, b"x", "c.csv").json()["code"] == "too-many-files"


def test_the_desk_says_what_waits_for_a_provider(sender):
    assert "Tidak ada yang menunggu" in text(sender.get("/"))
    number = opened(sender)
    assert f'href="{to("show", number)}"' in text(sender.get("/"))


def test_a_second_version_waits_for_the_first(sender):
    opened(sender)
    page = sender.post(to("new", "pln"))
    assert page.status_code == 409 and Submission.objects.count() == 1


def test_without_a_key_of_the_institution_nothing_is_sent(registry):
    sender = entering(a_provider(key=False)[Role.SOURCE_PROVIDER])
    number = opened(sender)
    upload(sender, number, a_set())
    assert sender.post(to("send", number), {"seen": 2}).status_code == 409
    assert submissions.state(Submission.objects.get(pk=number)).status is Status.DRAFT


def test_a_set_without_the_agreed_columns_goes_back_whole(sender, registry):
    """A file without a heading: the page says what to do, and no value of it is told anywhere."""
    number = opened(sender)
    upload(sender, number, b"3201010101010001,Orang Rekaan\n3201010101010002,Orang Lain\n")
    send(sender, number)
    (receipt,) = registry.take_in()
    intake_receipts.collect()
    page = text(sender.get(to("show", number)))
    assert receipt.refusal and receipt.kept == "" and "Dikembalikan seluruhnya" in page
    told = json.dumps([page, *SubmissionEvent.objects.values_list("payload", flat=True)])
    assert "3201010101010001" not in told and "Orang Rekaan" not in told
    assert not list(uploads.left_over())


def test_a_lost_piece_is_noticed_before_it_is_sent(sender):
    number = opened(sender)
    upload(sender, number, a_set())
    next(uploads.folder(str(number)).iterdir()).unlink()
    page = sender.post(to("send", number), {"seen": 2})
    assert page.status_code == 409 and "upload-was-lost" in text(page)


def test_a_swapped_piece_is_noticed_by_the_registry(sender, registry):
    """Also one that the office's own key for uploads sealed: the order names the bytes."""
    number = opened(sender)
    upload(sender, number, a_set())
    send(sender, number)
    piece = next(uploads.folder(str(number)).iterdir())
    other = pyrage.encrypt(a_set(20, 2), [keys.intake_key()])
    piece.write_bytes(other)
    (receipt,) = registry.take_in()
    assert (receipt.refusal, receipt.accepted) == ("intake-piece-differs", 0)


def test_a_receipt_that_the_registry_did_not_sign_is_no_receipt(sender, registry):
    number = opened(sender)
    upload(sender, number, a_set())
    send(sender, number)
    (order,) = registry.submissions()
    forged = IntakeReceipt(order.order_id, "pln", 1, order.contract, order.sent, received=20, accepted=20)
    registry.post(order.order_id, forged.sealed(Signer.new()))
    intake_receipts.collect()
    state = submissions.state(Submission.objects.get(pk=number))
    assert (state.status, state.outcome.refusal) == (Status.RETURNED_WHOLE, "receipt-not-trusted")
    assert sender.get(to("receipt", number)).status_code == 404


def test_a_signed_receipt_that_does_not_add_up_ends_as_a_refusal(sender, registry):
    """It is heard once, and nobody waits for ever."""
    number = opened(sender)
    upload(sender, number, a_set())
    send(sender, number)
    (order,) = registry.submissions()
    odd = IntakeReceipt(order.order_id, "pln", 1, order.contract, order.sent, received=20, accepted=7)
    registry.post(order.order_id, odd.sealed(registry.keys.receipt))
    assert intake_receipts.collect() == 1 and intake_receipts.collect() == 0
    state = submissions.state(Submission.objects.get(pk=number))
    assert (state.status, state.outcome.refusal) == (Status.RETURNED_WHOLE, "receipt-not-trusted")
    assert "Dikembalikan seluruhnya" in text(sender.get(to("show", number)))


def test_what_came_back_leaves_only_while_the_trail_proves_itself(sender, registry, house, at):
    number = opened(sender)
    upload(sender, number, a_set(20, 2))
    send(sender, number)
    (receipt,) = registry.take_in()
    intake_receipts.collect()
    part = receipt.parts[0].name
    assert sender.post(to("fetch", number, part)).status_code == 409  # nobody has seen it yet
    witnessed()
    assert sender.post(to("fetch", number, "baris-0002.csv.age")).status_code == 409
    assert sender.post(to("fetch", number, "..")).status_code in (404, 409)
    answer = sender.post(to("fetch", number, part))
    sealed = b"".join(answer.streaming_content)
    assert hashlib.sha256(sealed).hexdigest() == receipt.parts[0].sealed_sha256
    secret = SECRETS[receipt.recipient].secret
    rows = pyrage.decrypt(sealed, [secret]).decode()
    assert rows.count("Orang Rekaan") == 2 and "kode_desa" in rows
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])


def test_a_withdrawn_or_forgotten_upload_leaves_nothing(sender, django_capture_on_commit_callbacks, at):
    number = opened(sender)
    upload(sender, number, a_set())
    with django_capture_on_commit_callbacks(execute=True):
        sender.post(to("withdraw", number), {"seen": 2})
    assert not list(uploads.left_over()) and UploadedFile.objects.count() == 0
    second = opened(sender)
    upload(sender, second, a_set())
    with at("2027-06-01 09:00"), django_capture_on_commit_callbacks(execute=True):
        submissions.tidy()
    inflows.tidy()
    assert Submission.objects.get(pk=second).status == "WITHDRAWN" and not list(uploads.left_over())


def test_the_beginning_files_hold_the_contracts_columns(sender):
    template = sender.get(to("beginning", "pln", "templat")).content.decode()
    assert template == HEAD + "\n"
    assert "kode_desa" in sender.get(to("beginning", "pln", "kamus")).content.decode()
    assert sender.get(to("beginning", "pln", "lain")).status_code == 404
    assert "Pelanggan listrik" in text(sender.get(to("contract", "pln")))
    assert sender.get(to("contract", "tidak-ada")).status_code == 404


def test_a_superseded_version_gives_out_nothing_more(sender, registry):
    number = opened(sender)
    upload(sender, number, a_set(20, 1))
    send(sender, number)
    (receipt,) = registry.take_in()
    intake_receipts.collect()
    second = opened(sender)
    upload(sender, second, a_set(20, 0))
    send(sender, second)
    registry.take_in()
    intake_receipts.collect()
    witnessed()
    page = text(sender.get(to("show", number)))
    assert "Digantikan" in page and receipt.parts[0].name not in page
    assert sender.post(to("fetch", number, receipt.parts[0].name)).status_code == 409
    assert "Kirim versi berikutnya" in text(sender.get(to("show", second)))


def test_an_auditor_sees_what_was_sent_and_does_nothing(sender, registry):
    number = opened(sender)
    auditor = entering(an_office()[Role.AUDITOR])
    assert auditor.get(to("show", number)).status_code == 404
    upload(sender, number, a_set())
    send(sender, number)
    assert auditor.get(to("show", number)).status_code == 200
    assert auditor.post(to("withdraw", number), {"seen": 3}).status_code == 409
