"""The log tells that a request went wrong and on which page, never what was typed into its address."""

import io
import logging

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from tests.factories import an_institution
from tests.portal.steps import entering

from bagipakai.core.request import Role
from bagipakai.portal.pages import views

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]

NIK = "5203015708890001"


@pytest.fixture
def written(monkeypatch) -> io.StringIO:
    """What the office's own handler writes, as it is set up for an installation."""
    (handler,) = [one for one in logging.getLogger().handlers if getattr(one, "name", "") == "console"]
    log = io.StringIO()
    monkeypatch.setattr(handler, "stream", log)
    return log


@pytest.mark.parametrize(
    "address",
    [f"/{NIK}/", f"/daftar/{NIK}/", f"/katalog/{NIK}/?cari={NIK}", f"/permintaan/{NIK}/", f"/daftar/?cari={NIK}%00"],
)
def test_a_page_that_is_not_there_is_logged_without_its_address(written, address):
    reader = entering(an_institution(ready=False)[Role.APPLICANT])
    assert reader.get(address).status_code in (400, 404)
    assert "status=40" in written.getvalue()
    assert NIK not in written.getvalue()


def test_a_refused_form_is_logged_without_its_address(written):
    page = Client(enforce_csrf_checks=True).post(f"/daftar/{NIK}/", {"nik": NIK})
    assert page.status_code == 403
    assert "csrf status=403 method=POST page=register:entry" in written.getvalue()
    assert NIK not in written.getvalue()


def test_a_wrong_method_is_logged_without_its_address(written):
    assert Client().post(f"/daftar/{NIK}/").status_code == 405
    assert "request status=405 method=POST page=register:entry" in written.getvalue()
    assert NIK not in written.getvalue()


def test_a_fault_is_logged_by_where_it_happened_without_its_words(written, monkeypatch):
    """The class and the lines of code of every exception in the chain; the message may quote a row."""

    def broken(*_told):
        try:
            raise KeyError(f"nik={NIK}")
        except KeyError as cause:
            raise ValueError(f"Key (nik)=({NIK}) already exists") from cause

    monkeypatch.setattr(views.glossary, "term", broken)
    page = Client(raise_request_exception=False).get(reverse("portal:home"))
    assert page.status_code == 500
    log = written.getvalue()
    assert "request status=500 method=GET page=portal:home" in log
    assert "KeyError\n" in log and "ValueError" in log and "test_logs.py" in log
    assert NIK not in log


def test_what_the_server_says_of_a_request_is_written_without_its_address(written):
    """Gunicorn's own words for a request that it cannot read or finish."""
    server = logging.getLogger("gunicorn.error")
    server.error("Error handling request %s", f"/daftar/{NIK}/")
    server.warning(f"Invalid request from ip=127.0.0.1: Invalid HTTP request line: 'GET /{NIK}'")
    try:
        raise RuntimeError(NIK)
    except RuntimeError:
        server.exception("Error handling request %s %s", "GET", f"/{NIK}")
    assert written.getvalue().count("Error handling request") == 2
    assert "Invalid request from ip" in written.getvalue() and "RuntimeError" in written.getvalue()
    assert NIK not in written.getvalue()


def test_every_handler_of_an_installation_leaves_paths_out():
    assert all("pathless" in one["filters"] for one in settings.LOGGING["handlers"].values())
