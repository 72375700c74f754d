"""The trail for everybody: a page that explains it, and its files as C2SP tlog-tiles names them."""

import hashlib
from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe

import bagipakai
from bagipakai.control.trail import house
from bagipakai.portal.pages.files import as_download
from bagipakai.portal.trail import showing
from bagipakai.portal.trail.names import is_of_the_log

VERIFIER = Path(bagipakai.__file__).parent / "verifier.py"
FOR_EVER = "max-age=31536000, immutable"  # a file of the log never changes
ASK_AGAIN = "no-cache"


@login_not_required
@require_GET
def show(http: HttpRequest) -> HttpResponse:
    """What the trail is, how far it goes, who has seen it, and how to check it by oneself."""
    context = {
        "seen": showing.seen(),
        "origin": house.NAME,
        "verifier": hashlib.sha256(VERIFIER.read_bytes()).hexdigest(),
        "policy": house.policy_file().is_file(),
    }
    return render(http, "trail/show.html", context)


@login_not_required
@require_GET
def verifier(http: HttpRequest) -> HttpResponse:
    """The program that checks the trail without us: one file."""
    return as_download(VERIFIER.read_bytes(), VERIFIER.name, "text/x-python; charset=utf-8")


@login_not_required
@require_safe
def checkpoint(http: HttpRequest) -> HttpResponse:
    """The newest checkpoint under which a quorum of witnesses stands."""
    return _file(http, "checkpoint", "text/plain; charset=utf-8", ASK_AGAIN)


@login_not_required
@require_safe
def policy(http: HttpRequest) -> HttpResponse:
    """The log's key, the witnesses, and how many must have seen it (C2SP tlog-policy)."""
    answer = _file(http, house.policy_file().name, "text/plain; charset=utf-8", ASK_AGAIN)
    answer.headers["Content-Disposition"] = 'attachment; filename="kebijakan-saksi.txt"'
    return answer


@login_not_required
@require_safe
def tile(http: HttpRequest, name: str) -> HttpResponse:
    """A tile or a bundle of entries. Any other name is not there."""
    name = f"tile/{name}"
    if not is_of_the_log(name):
        raise Http404
    return _file(http, name, "application/octet-stream", FOR_EVER)


def _file(http: HttpRequest, name: str, media_type: str, kept: str) -> HttpResponse:
    """A file of the trail as it lies there; Http404 where there is none."""
    try:
        content = house.store().read(name)
    except OSError:
        raise Http404 from None
    answer = HttpResponse(content, content_type=media_type)
    # What is sent to a person who is logged in carries a cookie: nobody else may be given that answer.
    answer.headers["Cache-Control"] = f"{'private' if http.COOKIES else 'public'}, {kept}"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
