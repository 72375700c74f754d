"""Clerical review: the queue, a sheet of pairs, and the few words that its script says. No value of a pair is in any of
them: what the registry sealed to the clerk's browser is handed on as it came."""

import base64
import json
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from bagipakai.control import reviews
from bagipakai.control.models import Sheet, Tenure
from bagipakai.control.reviews import UnknownSheet
from bagipakai.core.refusal import Refusal
from bagipakai.core.reviews import Action
from bagipakai.portal.accounts import posts
from bagipakai.portal.accounts.menu import offers
from bagipakai.portal.pages.refused import refused, sentence
from bagipakai.portal.pages.scripts import speaks_to_us

LIMIT = 8192  # bytes of what the script says


@require_GET
def queue(http: HttpRequest) -> HttpResponse:
    """The lists of which pairs wait for this clerk, and the sheets that they had."""
    tenure = _reader(http)
    waiting = reviews.queue(tenure)
    context = {
        "waiting": waiting,
        "pairs": sum(one.pairs for one in waiting),
        "holding": reviews.holding(tenure),
        "sheets": reviews.mine(tenure),
        "judged": reviews.judged_by(tenure),
    }
    return render(http, "reviews/queue.html", context)


@require_POST
def claim(http: HttpRequest, review: int) -> HttpResponse:
    """Takes a sheet of this list."""
    outcome = reviews.claim(review, _reader(http))
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("reviews:queue"))
    return redirect("reviews:show", outcome.pk)


@require_GET
@never_cache
@speaks_to_us
def show(http: HttpRequest, sheet: int) -> HttpResponse:
    """A sheet: its script asks for the pairs, shows one after the other, and sends what was said of them."""
    row, tenure = _opened(http, sheet)
    may = {one.action: one.refusal for one in reviews.DOOR.possible(row, tenure)}
    no = may.get(Action.UNLOCK)
    context = {
        "row": row,
        "until": reviews.until(row),
        "fields": _fields(),
        "sides": (_("Di daftar"), _("Di registri")),
        "open": Action.UNLOCK in may and no is None,
        "hindrance": sentence(no) if no else "",
    }
    return render(http, "reviews/sheet.html", context)


@require_POST
def unlock(http: HttpRequest, sheet: int) -> JsonResponse:
    """For the script: asks the registry for the pairs, sealed to this browser's public key."""
    row, tenure = _opened(http, sheet)
    outcome = reviews.unlock(row, tenure, str(_said(http).get("key", "")))
    if isinstance(outcome, Refusal):
        return _no(outcome)
    return JsonResponse({"order": outcome.payload["order"]})


@require_GET
@never_cache
def content(http: HttpRequest, sheet: int, order: str) -> JsonResponse:
    """For the script: what the registry answered; nothing while it did not."""
    row, _tenure = _opened(http, sheet)
    told = reviews.sealed(row, order)
    if told is None:
        return JsonResponse({"sheet": ""})
    if told.refusal:
        return _no(Refusal(told.refusal))
    return JsonResponse({"sheet": base64.b64encode(told.sheet).decode("ascii")})


@require_POST
def answer(http: HttpRequest, sheet: int) -> JsonResponse:
    """For the script: what the clerk said of every pair."""
    row, tenure = _opened(http, sheet)
    verdicts = _said(http).get("verdicts")
    outcome = reviews.answer(row, tenure, verdicts if isinstance(verdicts, list) else [])
    if isinstance(outcome, Refusal):
        return _no(outcome)
    messages.success(http, _("Jawaban Anda sudah diterima. Terima kasih."))
    return JsonResponse({"href": reverse("reviews:queue")})


@require_POST
def give_back(http: HttpRequest, sheet: int) -> HttpResponse:
    """Puts the pairs of a sheet back into the queue."""
    row, tenure = _opened(http, sheet)
    outcome = reviews.give_back(row, tenure)
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("reviews:queue"))
    messages.success(http, _("Lembar dikembalikan; pasangannya kembali ke antrean."))
    return redirect("reviews:queue")


def _fields() -> list[tuple[str, str, bool]]:
    """The fields of a pair in their order: name, what it is called, and whether digits stand in it."""
    return [
        ("nama", _("Nama"), False),
        ("nik", _("NIK"), True),
        ("no_kk", _("Nomor KK"), True),
        ("tanggal_lahir", _("Tanggal lahir"), True),
        ("jenis_kelamin", _("Jenis kelamin"), False),
        ("nama_ibu", _("Nama ibu"), False),
        ("wilayah", _("Wilayah"), False),
    ]


def _reader(http: HttpRequest) -> Tenure:
    """Raises Http404 for those who are no clerks."""
    tenure = posts.current(http)
    if tenure is None or not offers(http, "reviews:queue"):
        raise Http404
    return tenure


def _opened(http: HttpRequest, sheet: int) -> tuple[Sheet, Tenure]:
    """Raises Http404 for what is another clerk's, as for what never was."""
    tenure = _reader(http)
    try:
        return reviews.get(sheet, tenure), tenure
    except UnknownSheet:
        raise Http404 from None


def _said(http: HttpRequest) -> dict[str, Any]:
    """What the script said; nothing where it is no JSON."""
    try:
        told = json.loads(http.read(LIMIT))
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _no(no: Refusal) -> JsonResponse:
    return JsonResponse({"code": no.code, "sentence": sentence(no)}, status=HTTPStatus.CONFLICT)
