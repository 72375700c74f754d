"""Handing out files: always to be saved, never shown in place, and a page that says so where one is gone."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header

from bagipakai.control.documents import DocumentMissing
from bagipakai.control.drafting import PaperRefused
from bagipakai.portal.pages.refused import sentence

log = logging.getLogger("bagipakai.portal.files")


def as_download(content: bytes, name: str, media_type: str) -> HttpResponse:
    """Bytes that a browser saves and does not look into."""
    answer = HttpResponse(content, content_type=media_type)
    answer.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


def from_the_store(http: HttpRequest, read: Callable[[], bytes], name: str, media_type: str, back: str) -> HttpResponse:
    """What `read` finds in the document store; 404 with what to do where the bytes are gone or were changed. `back`
    leads to where the file is listed."""
    try:
        return as_download(read(), name, media_type)
    except DocumentMissing as gone:
        log.error("document.missing sha256=%s", gone)
        why = sentence(gone.no) if isinstance(gone, PaperRefused) else ""
        context = {"name": name, "digest": str(gone), "why": why, "back": back}
        return render(http, "pages/missing.html", context, status=404)
