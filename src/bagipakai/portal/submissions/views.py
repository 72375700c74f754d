"""Handing in a source: its contract, the upload, what the registry found, what came back."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from bagipakai.control import clock, intake_receipts, keys, submissions, uploads
from bagipakai.control.models import Submission, Tenure
from bagipakai.control.submissions import UnknownSubmission
from bagipakai.control.trail import house
from bagipakai.core.intake import RECEIPT_NAME, Finding, IntakeReceipt
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Contract, Sources
from bagipakai.core.submissions import Action
from bagipakai.portal.accounts import posts
from bagipakai.portal.accounts.menu import offers
from bagipakai.portal.acts.progress import counted
from bagipakai.portal.pages.files import as_download
from bagipakai.portal.pages.posted import seen
from bagipakai.portal.pages.refused import explained, lang, refused, sentence
from bagipakai.portal.pages.scripts import speaks_to_us
from bagipakai.portal.submissions import contracts
from bagipakai.portal.uploading import pieces

NEWEST = 50
ROOM = "submissions"


@require_GET
def listing(http: HttpRequest) -> HttpResponse:
    """The sources of the reader's institution, and what was handed in of them."""
    tenure = _reader(http)
    rows = list(submissions.visible(tenure)[:NEWEST])
    provided = submissions.provided_by(tenure.post.institution.code, clock.today())
    cards = [
        {
            "contract": contract,
            "title": contracts.title(contract),
            "open": next((row for row in rows if row.source == source and row.status in submissions.UNDER_WAY), None),
        }
        for source, contract in (provided if offers(http, "submissions:new") else {}).items()
    ]
    named = [(row, contracts.titled(row.source)) for row in rows]
    context = {"institution": tenure.post.institution, "cards": cards, "rows": named}
    return render(http, "submissions/list.html", context)


@require_GET
def contract(http: HttpRequest, source: str) -> HttpResponse:
    """What is agreed about one source, in plain words."""
    found = _agreed(http, source)
    context = {"contract": found, "title": contracts.title(found), "columns": contracts.columns(found)}
    context["may_send"] = offers(http, "submissions:new")
    return render(http, "submissions/contract.html", context)


@require_GET
def beginning(http: HttpRequest, source: str, name: str) -> HttpResponse:
    """A file to begin with: the empty template, or the dictionary of the columns."""
    found = _agreed(http, source)
    makers: dict[str, Callable[[Contract], bytes]] = {"templat": contracts.template, "kamus": contracts.dictionary}
    if name not in makers:
        raise Http404
    return as_download(makers[name](found), f"{name}-{found.source}-{found.version}.csv", "text/csv")


@require_POST
def new(http: HttpRequest, source: str) -> HttpResponse:
    """Opens the next version of a source."""
    outcome = submissions.begin(_reader(http), source)
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("submissions:list"))
    return redirect("submissions:show", outcome.pk)


@require_GET
@speaks_to_us
def show(http: HttpRequest, submission: int) -> HttpResponse:
    """One submission: what is there, what is to be done now, and what came of it."""
    return _page(http, *_opened(http, submission))


def _page(
    http: HttpRequest, row: Submission, tenure: Tenure, error: str = "", status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    state = submissions.state(row)
    may = {one.action: one.refusal for one in submissions.possible(row, tenure)}
    receipt = intake_receipts.receipt(row) if state.outcome else None
    agreed = submissions.contract(state)
    fetching = intake_receipts.may_fetch(row, tenure) if receipt and receipt.parts else None
    context = {
        "row": row,
        "state": state,
        "seen": state.n,
        "title": contracts.titled(row.source),
        "version": state.contract.partition("@")[0],
        "contract": agreed,
        **pieces.shown(row, list(state.files.values()), ROOM),
        "uploading": Action.ADD_FILE in may and may[Action.ADD_FILE] is None,
        "may_submit": Action.SUBMIT in may,
        "hindrance": sentence(no) if (no := may.get(Action.SUBMIT)) else "",
        "may_withdraw": Action.WITHDRAW in may and may[Action.WITHDRAW] is None,
        "may_cancel": Action.CANCEL in may,
        "uncancellable": sentence(no) if (no := may.get(Action.CANCEL)) and not state.cancelled_at else "",
        "receipt": receipt,
        "receipt_name": RECEIPT_NAME,
        "under_way": counted(submissions.order_id(row)),
        "returned_whole": _whole(state.outcome.refusal, receipt) if state.outcome and receipt else "",
        "unbelieved": explained(state.outcome.refusal) if state.outcome and not receipt else "",
        "findings": [_found(one, len(state.files)) for one in receipt.findings] if receipt else [],
        "numbered": [
            (f"berkas-{number:03d}.{uploads.ending_of(file.name)}", file.name)  # as the registry calls them
            for number, (_place, file) in enumerate(sorted(state.files.items()), start=1)
        ],
        "unfetchable": sentence(fetching) if fetching else "",
        "may_resubmit": state.status in submissions.REPLACED
        and offers(http, "submissions:new")
        and tenure.post.institution_id == row.institution_id,
        "policy": house.policy_file().is_file(),
        "history": submissions.history(row),
        "error": error,
    }
    return render(http, "submissions/show.html", context, status=status)


@require_POST
def upload(http: HttpRequest, submission: int) -> HttpResponse:
    """Takes one file by a form. What the form brought is sealed already (portal.uploading.sealing)."""
    row, tenure = _opened(http, submission)
    return pieces.came(http, row, ROOM, lambda error, status: _page(http, row, tenure, error, status))


@require_POST
def begin(http: HttpRequest, submission: int) -> JsonResponse:
    """For the script: where to put the pieces of a file, and which are missing. The same file is gone on with."""
    row, tenure = _opened(http, submission)
    return pieces.begun(http, row, tenure, ROOM)


@require_POST
def piece(http: HttpRequest, submission: int, file: int, number: int) -> JsonResponse:
    """For the script: takes one piece, whose SHA-256 comes beside it. Again and again, as often as the line needs."""
    row, tenure = _opened(http, submission)
    return pieces.taken(http, row, tenure, file, number)


@require_POST
def remove(http: HttpRequest, submission: int, file: int) -> HttpResponse:
    """Takes a file out again."""
    row, tenure = _opened(http, submission)
    return pieces.removed(http, row, tenure, file, ROOM)


@require_POST
def send(http: HttpRequest, submission: int) -> HttpResponse:
    """Leads to the page on which the sender signs what is handed in."""
    row, tenure = _opened(http, submission)
    outcome = submissions.draw_up(row.pk, Action.SUBMIT, tenure, {}, seen(http), lang())
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("submissions:show", args=[submission]))
    return redirect("passkeys:sign", outcome.token)


@require_POST
def withdraw(http: HttpRequest, submission: int) -> HttpResponse:
    """Gives a submission up; what was uploaded is deleted."""
    row, tenure = _opened(http, submission)
    outcome = submissions.handle(row.pk, Action.WITHDRAW, tenure, {}, seen(http))
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("submissions:show", args=[submission]))
    messages.success(http, _("Kiriman dibatalkan; yang sudah diunggah dihapus."))
    return redirect("submissions:show", submission)


@require_POST
def cancel(http: HttpRequest, submission: int) -> HttpResponse:
    """Leads to the page on which the sender signs that what was sent is not to be taken in."""
    row, tenure = _opened(http, submission)
    outcome = submissions.draw_up(row.pk, Action.CANCEL, tenure, {}, seen(http), lang())
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("submissions:show", args=[submission]))
    return redirect("passkeys:sign", outcome.token)


@require_GET
def receipt(http: HttpRequest, submission: int) -> HttpResponse:
    """The registry's signed receipt, to keep and to open with what came back."""
    row, _tenure = _opened(http, submission)
    found = intake_receipts.receipt_envelope(row)
    if found is None:
        raise Http404
    return as_download(found, RECEIPT_NAME, "application/octet-stream")


@require_GET
def key(http: HttpRequest) -> HttpResponse:
    """The public key by which the registry's receipts are known."""
    _reader(http)
    return as_download(keys.receipt_key().to_pem(), "kunci-gudang.pem", "application/x-pem-file")


@require_POST
def fetch(http: HttpRequest, submission: int, part: str) -> HttpResponseBase:
    """One file of the rows that came back, sealed to the institution. A form, not a link, so that nothing fetches
    ahead."""
    row, tenure = _opened(http, submission)
    found = intake_receipts.fetch(row, tenure, part)
    if isinstance(found, Refusal):
        return refused(http, found, reverse("submissions:show", args=[submission]))
    answer = FileResponse(found.open("rb"), as_attachment=True, filename=part, content_type="application/octet-stream")
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


def explained_with(code: str, detail: dict[str, str]) -> str:
    """What the registry said no with, and what about."""
    try:
        return sentence(Refusal(code, detail))
    except KeyError:
        return code


def _reader(http: HttpRequest) -> Tenure:
    """Raises Http404 for those who have no business with sources."""
    tenure = posts.current(http)
    if tenure is None or not offers(http, "submissions:list"):
        raise Http404
    return tenure


def _opened(http: HttpRequest, submission: int) -> tuple[Submission, Tenure]:
    """Raises Http404 for what is not the reader's to see, as for what never was."""
    tenure = _reader(http)
    try:
        return submissions.get(submission, tenure), tenure
    except UnknownSubmission:
        raise Http404 from None


def _agreed(http: HttpRequest, source: str) -> Contract:
    _reader(http)
    found = Sources.on(clock.today()).get(source)
    if found is None:
        raise Http404
    return found


def _whole(refusal: str, told: IntakeReceipt) -> str:
    """Why nothing is kept, in words; nothing where something is. The office may refuse what the registry did not."""
    if not refusal:
        return ""
    worst = [explained_with(one.rule, dict(one.detail)) for one in told.findings[:1]]
    return " ".join([explained_with(refusal, dict(told.detail)), *worst])


def _found(one: Finding, files: int) -> dict[str, Any]:
    """A finding in words. Rows are named with their file where there are several."""
    rows = [
        str(row) if files < 2 else _("berkas %(file)s baris %(row)s") % {"file": file, "row": row}
        for file, row in one.first
    ]
    more = ", …" if one.rows > len(rows) else ""
    told = explained_with(one.rule, dict(one.detail))
    return {"column": one.column, "sentence": told, "rows": one.rows, "first": ", ".join(rows) + more}
