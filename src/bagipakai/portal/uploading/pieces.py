"""What the pages of submissions and rosters share: their files, brought by a form or by a script piece by piece."""

import hashlib
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from bagipakai.control import inflows, uploads
from bagipakai.control.acting import Acting
from bagipakai.control.models import Holder, UploadedFile
from bagipakai.core.refusal import Refusal
from bagipakai.core.uploading import File
from bagipakai.portal.pages.refused import refused, sentence
from bagipakai.portal.uploading.sealing import FIELD, SealedUpload

NAME_LIMIT = 2048  # bytes of what a script says of a file


def shown(row: Holder, files: list[File], room: str) -> dict[str, Any]:
    """What `uploading/files.html` needs. `room`: whose addresses its forms lead to."""
    at = inflows.counter(row)
    unfinished = row.uploads.exclude(number__in=[file.number for file in files]).order_by("number")
    return {
        "room": room,
        "files": files,
        "unfinished": [_unfinished(one) for one in unfinished],
        "limits": at.limits(),
        "endings": ", ".join(one.upper() for one in at.endings),
        "accept": ",".join(f".{one}" for one in at.endings),
    }


def came(http: HttpRequest, row: Holder, room: str, page: Callable[[str, HTTPStatus], HttpResponse]) -> HttpResponse:
    """Takes the file that a form brought, sealed already. `page`: with what went wrong."""
    file = http.FILES.get(FIELD)
    if not isinstance(file, SealedUpload):
        return page(_("Pilih berkas yang akan diunggah"), HTTPStatus.UNPROCESSABLE_ENTITY)
    if no := file.inflow.end():
        return page(sentence(no), HTTPStatus.CONFLICT)
    messages.success(http, _("Berkas sudah masuk seluruhnya."))
    return redirect(f"{room}:show", row.place)


def removed(http: HttpRequest, row: Holder, acting: Acting, file: int, room: str) -> HttpResponse:
    """Takes a file out again."""
    if no := inflows.remove_file(row, acting, file):
        return refused(http, no, reverse(f"{room}:show", args=[row.place]))
    messages.success(http, _("Berkas dihapus."))
    return redirect(f"{room}:show", row.place)


def begun(http: HttpRequest, row: Holder, acting: Acting, room: str) -> JsonResponse:
    """Where to put the pieces of a file, and which are missing. The same file is gone on with."""
    try:
        told = json.loads(http.read(NAME_LIMIT))
        name, size, changed = str(told["name"]), int(told["size"]), str(int(told["changed"]))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return JsonResponse({}, status=HTTPStatus.BAD_REQUEST)
    file = inflows.begin_file(row, acting, name, size, changed)
    if isinstance(file, Refusal):
        return _no(file)
    href = reverse(f"{room}:begin", args=[row.place]) + f"{file.number}/"
    return JsonResponse({"href": href, "piece": file.piece, "missing": uploads.missing(file)})


def taken(http: HttpRequest, row: Holder, acting: Acting, file: int, number: int) -> JsonResponse:
    """Takes one piece, whose SHA-256 comes beside it. Again and again, as often as the line needs."""
    content = http.read(inflows.counter(row).limits().piece + 1)
    if no := inflows.put(row, acting, file, number, content, http.headers.get("X-Sha256", "")):
        return _no(no)
    return JsonResponse({"sha256": hashlib.sha256(content).hexdigest()})


def _unfinished(file: UploadedFile) -> dict[str, Any]:
    every, came = uploads.pieces_of(file), file.pieces.count()
    return {"number": file.number, "name": file.name, "percent": 100 * came // every if every else None}


def _no(no: Refusal) -> JsonResponse:
    return JsonResponse({"code": no.code, "sentence": sentence(no)}, status=HTTPStatus.CONFLICT)
