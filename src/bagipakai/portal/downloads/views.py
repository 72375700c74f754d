"""Fetching a granted package: its parts, what it holds, and how to open it. The bytes stay sealed to the recipient."""

import time
from collections.abc import Iterator
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from bagipakai.control import access, clock, keys
from bagipakai.control.models import Grant
from bagipakai.control.trail import house
from bagipakai.core.refusal import Refusal
from bagipakai.portal.pages.files import as_download
from bagipakai.portal.pages.refused import refused, sentence
from bagipakai.portal.requests.dossier import Dossier, opened

BLOCK = 256 * 1024  # bytes
ASK_EVERY = 1.0  # seconds


def _granted(http: HttpRequest, reference: str) -> tuple[Dossier, Grant]:
    """Raises Http404 where no package was granted."""
    dossier = opened(http, reference)
    grant = access.grant_of(reference)
    if grant is None:
        raise Http404
    return dossier, grant


@require_GET
def show(http: HttpRequest, reference: str) -> HttpResponse:
    """The package: its parts, its manifest in words, until when, and the command that opens it."""
    dossier, grant = _granted(http, reference)
    manifest = access.manifest_of(grant)
    refusal = access.may_read(grant, dossier.tenure)
    sizes = {part.name: part for part in manifest.parts} if manifest else {}
    context = {
        "dossier": dossier,
        "grant": grant,
        "status": access.state_of(grant).status_at(clock.now()),
        "manifest": manifest,
        "parts": [(name, sizes.get(name)) for name in access.parts(grant)],
        "proofs": [] if refusal else [(name, len(content)) for name, content in access.proof_of(grant).items()],
        "policy": house.policy_file().is_file(),
        "hindrance": sentence(refusal) if refusal else "",
        "basis": refusal.basis if refusal else "",
    }
    return render(http, "downloads/show.html", context)


@require_GET
def seal(http: HttpRequest, reference: str) -> HttpResponse:
    """The public key of the controller's seal, by which the recipient knows whose package it is."""
    _granted(http, reference)
    return as_download(keys.seal_key().to_pem(), "segel-pengendali.pem", "application/x-pem-file")


@require_POST
def proof(http: HttpRequest, reference: str, name: str) -> HttpResponse:
    """A file of the proof that the package stands in the trail. It holds nothing of the package, so that fetching it is
    no reading; it is given to whoever may read at this moment."""
    dossier, grant = _granted(http, reference)
    if no := access.may_read(grant, dossier.tenure):
        return refused(http, no, reverse("downloads:show", args=[reference]))
    content = access.proof_of(grant).get(name)
    if content is None:
        raise Http404
    return as_download(content, name, "application/octet-stream")


@require_POST
def fetch(http: HttpRequest, reference: str, part: str) -> HttpResponseBase:
    """One part. Each fetching is asked about and recorded; a form, not a link, so that nothing fetches ahead."""
    dossier, grant = _granted(http, reference)
    found = access.download(grant, part, dossier.tenure)
    if isinstance(found, Refusal):
        return refused(http, found, reverse("downloads:show", args=[reference]))
    answer = StreamingHttpResponse(
        _while_it_may_be_read(found, grant, dossier), content_type="application/octet-stream"
    )
    answer.headers["Content-Length"] = str(found.stat().st_size)
    answer.headers["Content-Disposition"] = f'attachment; filename="{found.name}"'  # a name from the sealed manifest
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def _while_it_may_be_read(file: Path, grant: Grant, dossier: Dossier) -> Iterator[bytes]:
    """The bytes, for as long as the right lasts: it is asked about again every second, so that a slow transfer ends
    with it (S09). Raises ConnectionAbortedError then, which closes the connection: less must never look like all."""
    asked = time.monotonic()
    with file.open("rb") as part:
        while block := part.read(BLOCK):
            if time.monotonic() - asked >= ASK_EVERY:
                if access.may_read(grant, dossier.tenure) is not None:
                    raise ConnectionAbortedError("the right to read ended")
                asked = time.monotonic()
            yield block
