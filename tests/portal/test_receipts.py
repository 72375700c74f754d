"""A person uploads what the offline tool signed; everybody sees that the package was received."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.factories import a_request, an_acknowledgement, an_institution, done
from tests.portal.steps import entering

from bagipakai.control import access, keybook
from bagipakai.core.acknowledgement import FILE_NAME
from bagipakai.core.keybook import Action as Keys
from bagipakai.core.request import Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.fixture
def chain():
    return a_request(at=Status.ACCESS_GRANTED)


@pytest.fixture
def grant(chain):
    return access.grant_of(chain.reference)


@pytest.fixture
def handler(chain):
    return entering(chain.asking[Role.AUTHORISED_HANDLER])


def page_of(name, chain, reader) -> str:
    return reader.get(reverse(name, args=[chain.reference])).content.decode()


def uploading(chain, reader, content: bytes | None):
    files = {} if content is None else {"berkas": SimpleUploadedFile(FILE_NAME, content)}
    return reader.post(reverse("downloads:receipt", args=[chain.reference]), files)


def test_it_is_uploaded_on_the_download_page_and_told_on_three_pages(chain, grant, handler):
    assert f"--receipt {FILE_NAME}" in page_of("downloads:show", chain, handler)
    assert "Belum ada tanda terima" in page_of("register:entry", chain, Client())
    envelope = an_acknowledgement(grant)
    answer = uploading(chain, handler, envelope)
    assert (answer.status_code, answer.url) == (302, reverse("downloads:show", args=[chain.reference]))
    told = f"Diterima dan diverifikasi oleh {chain.asking.institution.name} pada"
    sha256 = access.receiving(grant).sha256
    for name in ("downloads:show", "requests:show"):
        page = page_of(name, chain, handler)
        assert told in page and sha256 in page and "Bukti jejak ikut diperiksa" in page
    assert 'type="file"' not in page_of("downloads:show", chain, handler)
    assert "Diterima dan diverifikasi penerima" in page_of("register:entry", chain, Client())
    assert "Sudah diterima" in Client().get(reverse("register:list")).content.decode()


def test_the_register_names_no_officer(chain, grant, handler):
    uploading(chain, handler, an_acknowledgement(grant))
    assert chain.asking[Role.AUTHORISED_HANDLER].name not in page_of("register:entry", chain, Client())


def test_whoever_sees_the_request_can_save_it_and_nobody_else(chain, grant, handler):
    address, envelope = reverse("downloads:receipt", args=[chain.reference]), an_acknowledgement(grant)
    assert handler.get(address).status_code == 404
    uploading(chain, handler, envelope)
    answer = entering(chain.office[Role.CONTROLLER]).get(address)
    assert answer.content == envelope
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{FILE_NAME}"'
    stranger = entering(an_institution(ready=False, region="3201")[Role.AUTHORISED_HANDLER])
    assert stranger.get(address).status_code == uploading(chain, stranger, envelope).status_code == 404


def test_what_is_not_it_is_refused_beside_the_field(chain, grant, handler):
    for content, word in (
        (None, "Pilih berkas tanda terima"),
        (b"{}", "bukan tanda terima"),
        (an_acknowledgement(grant, manifest="e" * 64), "untuk paket lain"),
        (b"x" * 100_000, "bukan tanda terima"),
    ):
        answer = uploading(chain, handler, content)
        page = answer.content.decode()
        assert answer.status_code == 409 and word in page
        assert 'aria-invalid="true"' in page and 'aria-describedby="berkas-salah"' in page
    assert access.receiving(grant) is None


def test_whoever_may_not_upload_sees_why_and_no_field(chain, handler):
    controller = entering(chain.office[Role.CONTROLLER])
    assert 'type="file"' not in page_of("downloads:show", chain, controller)
    book = keybook.book(chain.asking.institution)
    told = {"statement": book.current.digest, "reason": "Komputer hilang"}
    head = chain.asking[Role.ACCOUNTABLE_OFFICER]
    done(keybook.handle(chain.asking.institution.pk, Keys.WITHDRAW_KEY, head, told, book.n))
    page = page_of("downloads:show", chain, handler)
    assert "Kunci penerima paket ini sudah dicabut" in page and 'type="file"' not in page
