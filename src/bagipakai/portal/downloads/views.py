"""Fetching a granted package: its parts, what it holds, and how to open it. The bytes stay sealed to the recipient,
who says by a signed acknowledgement that they came and were found right."""

import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from bagipakai.control import access, clock, keys
from bagipakai.control.models import Grant
from bagipakai.control.trail import house
from bagipakai.core import acknowledgement
from bagipakai.core.manifest import MANIFEST_NAME
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Status
from bagipakai.portal.downloads import links, ranges
from bagipakai.portal.pages.files import as_download
from bagipakai.portal.pages.refused import refused, sentence
from bagipakai.portal.requests.dossier import Dossier, opened

BLOCK = 256 * 1024  # bytes
ASK_EVERY = 1.0  # seconds
KEPT_BY_NOBODY = "private, no-store"


def _granted(http: HttpRequest, reference: str) -> tuple[Dossier, Grant]:
    """Raises Http404 where no package was granted."""
    dossier = opened(http, reference)
    grant = access.grant_of(reference)
    if grant is None:
        raise Http404
    return dossier, grant


@require_GET
def show(http: HttpRequest, reference: str) -> HttpResponse:
    """The package: its parts, its manifest in words, until when, the command that opens it, and the acknowledgement."""
    return _page(http, *_granted(http, reference))


@require_http_methods(["GET", "POST"])
def receipt(http: HttpRequest, reference: str) -> HttpResponse:
    """Takes the acknowledgement that the recipient's tool signed; hands it out again to whoever sees the request."""
    dossier, grant = _granted(http, reference)
    if http.method == "GET":
        content = access.acknowledgement_of(grant)
        if content is None:
            raise Http404
        return as_download(content, acknowledgement.FILE_NAME, "application/octet-stream")
    upload = http.FILES.get("berkas")
    if upload is None:
        return _page(http, dossier, grant, _("Pilih berkas tanda terima"))
    outcome = access.confirm_receipt(grant, dossier.tenure, upload.read(acknowledgement.LIMIT + 1))
    if isinstance(outcome, Refusal):
        return _page(http, dossier, grant, sentence(outcome))
    messages.success(http, _("Tanda terima tercatat. Serah terima lengkap."))
    return redirect("downloads:show", reference)


def _page(http: HttpRequest, dossier: Dossier, grant: Grant, error: str = "") -> HttpResponse:
    manifest = access.manifest_of(grant)
    refusal = access.may_read(grant, dossier.tenure)
    sizes = {part.name: part for part in manifest.parts} if manifest else {}
    context = {
        "dossier": dossier,
        "grant": grant,
        "status": access.state_of(grant).status_at(clock.now()),
        "manifest": manifest,
        "parts": [(name, sizes.get(name)) for name in access.parts(grant)],
        "coming": dossier.state.grant and dossier.state.status is not Status.ACCESS_GRANTED,
        "before": access.earlier_releases(grant),
        "proofs": [] if refusal else [(name, len(content)) for name, content in access.proof_of(grant).items()],
        "policy": house.policy_file().is_file(),
        "hindrance": sentence(refusal) if refusal else "",
        "basis": refusal.basis if refusal else "",
        "received": access.receiving(grant),
        "unconfirmable": sentence(no) if (no := access.may_confirm(grant, dossier.tenure)) else "",
        "receipt": acknowledgement.FILE_NAME,
        "error": error,
    }
    return render(http, "downloads/show.html", context, status=409 if error else 200)


@require_GET
def seal(http: HttpRequest, reference: str) -> HttpResponse:
    """The public key of the seal on this package, by which the recipient knows whose package it is."""
    _, grant = _granted(http, reference)
    key = access.seal_of(grant) or keys.seal_key()
    return as_download(key.to_pem(), "segel-pengendali.pem", "application/x-pem-file")


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
def fetch(http: HttpRequest, reference: str, part: str) -> HttpResponse:
    """Asks for one part and is recorded as a reading; leads to a link that lives a quarter of an hour. A form, not a
    link, so that nothing fetches ahead."""
    dossier, grant = _granted(http, reference)
    found = access.download(grant, part, dossier.tenure)
    if isinstance(found, Refusal):
        return refused(http, found, reverse("downloads:show", args=[reference]))
    token = links.made(grant.pk, part, dossier.tenure.person_id)
    answer = HttpResponseRedirect(reverse("downloads:send", args=[reference, part, token]))
    answer.status_code = HTTPStatus.SEE_OTHER
    answer.headers["Cache-Control"] = KEPT_BY_NOBODY
    return answer


@require_safe
def send(http: HttpRequest, reference: str, part: str, token: str) -> HttpResponseBase:
    """The bytes of a part, or the one range of them that is asked for. Each range is asked about, and told to the trail
    before its first byte leaves. A short one is left to nginx where it stands before us (decision 0084)."""
    dossier, grant = _granted(http, reference)
    back = reverse("downloads:show", args=[reference])
    if not links.holds(token, grant.pk, part, dossier.tenure.person_id):
        return render(http, "downloads/ended.html", {"back": back, "name": part}, status=HTTPStatus.GONE)
    sha256, size = _sealed(grant, part)
    etag, is_whole = f'"{sha256}"', _is_of_size(access.packages() / grant.package / part, size)
    sends = http.method == "GET"  # of a HEAD there are no ranges (RFC 9110, 14.2)
    cut = ranges.cut(size, etag, http.headers.get("Range") if sends else None, http.headers.get("If-Range"))
    found = access.hand_out(grant, part, cut.span if sends and is_whole else range(0), dossier.tenure)
    if isinstance(found, Refusal):
        return _told_to_wait(http, found, back) if found.code == access.TOO_MANY else refused(http, found, back)
    if not is_whole:  # no other bytes go by the manifest's digest
        return render(http, "pages/missing.html", {"name": part, "digest": sha256, "back": back}, status=404)
    if sends and settings.ACCEL and ranges.is_for_another(cut, http.headers):
        place = f"{settings.ACCEL}{quote(grant.package)}/{quote(part)}"
        return HttpResponse(headers={**_described(part, etag), "X-Accel-Redirect": place})
    headers = {**_described(part, etag), **_measured(cut)}
    if sends and cut.span:
        flowing = _while_it_may_be_read(found, cut.span, grant, dossier)
        return StreamingHttpResponse(flowing, status=cut.status, headers=headers)
    return HttpResponse(status=cut.status, headers=headers)


def _told_to_wait(http: HttpRequest, no: Refusal, back: str) -> HttpResponse:
    answer = refused(http, no, back, HTTPStatus.TOO_MANY_REQUESTS)
    answer.headers["Retry-After"] = str(60 * int(no.detail["wait"]))
    return answer


def _sealed(grant: Grant, part: str) -> tuple[str, int]:
    """Digest and size of a part as the manifest names them; nothing where it names no such part."""
    manifest = access.manifest_of(grant)
    if manifest is None:
        return "", 0
    if part == MANIFEST_NAME:
        return grant.manifest, (access.packages() / grant.package / part).stat().st_size
    return next(((one.sealed_sha256, one.sealed_bytes) for one in manifest.parts if one.name == part), ("", 0))


def _is_of_size(file: Path, size: int) -> bool:
    try:
        return file.stat().st_size == size
    except OSError:
        return False


def _described(part: str, etag: str) -> dict[str, str]:
    return {
        "Accept-Ranges": "bytes",
        "Cache-Control": KEPT_BY_NOBODY,
        "Content-Disposition": f'attachment; filename="{part}"',  # a name from the sealed manifest
        "Content-Type": "application/octet-stream",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }


def _measured(cut: ranges.Cut) -> dict[str, str]:
    place = {"Content-Range": cut.content_range} if cut.content_range else {}
    return {"Content-Length": str(len(cut.span)), **place}


def _while_it_may_be_read(file: Path, span: range, grant: Grant, dossier: Dossier) -> Iterator[bytes]:
    """The bytes, for as long as the right lasts: it is asked about again every second, so that a slow transfer ends
    with it (S09). Raises ConnectionAbortedError then, which closes the connection: less must never look like all."""
    asked, left = time.monotonic(), len(span)
    with file.open("rb") as part:
        part.seek(span.start)
        while left and (block := part.read(min(BLOCK, left))):
            if time.monotonic() - asked >= ASK_EVERY:
                if access.may_read(grant, dossier.tenure) is not None:
                    raise ConnectionAbortedError("the right to read ended")
                asked = time.monotonic()
            left -= len(block)
            yield block
