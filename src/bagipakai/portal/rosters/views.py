"""An institution's own lists to be matched: uploading one, looking at how it was read, confirming it, taking it back,
destroying it."""

from http import HTTPStatus

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bagipakai.control import quota, rosters
from bagipakai.control.models import Roster, Tenure
from bagipakai.control.rosters import UnknownRoster
from bagipakai.core.refusal import Refusal
from bagipakai.core.rosters import Action, Status, is_destroyed
from bagipakai.core.shapes import day_of
from bagipakai.portal.accounts import posts
from bagipakai.portal.accounts.menu import offers
from bagipakai.portal.acts.progress import counted
from bagipakai.portal.pages.posted import seen
from bagipakai.portal.pages.refused import explained, refused, sentence
from bagipakai.portal.pages.scripts import speaks_to_us
from bagipakai.portal.rosters import reading
from bagipakai.portal.uploading import pieces

ROOM = "rosters"
NEWEST = 50


@require_GET
def listing(http: HttpRequest) -> HttpResponse:
    """The rosters of the reader's institution, and the way to a new one."""
    tenure = _reader(http)
    every = rosters.visible(tenure)
    rows = [(row, state := rosters.state(row), rosters.kept(row, state)) for row in every[:NEWEST]]
    house = tenure.post.institution
    context = {"institution": house, "rows": rows, "limits": rosters.limits(), "use": quota.use(house)}
    return render(http, "rosters/list.html", context)


@require_POST
def new(http: HttpRequest) -> HttpResponse:
    """Opens a roster."""
    outcome = rosters.begin(_reader(http))
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("rosters:list"))
    return redirect("rosters:show", outcome.reference)


@require_GET
@speaks_to_us
def show(http: HttpRequest, reference: str) -> HttpResponse:
    """One roster: what is to be done now, how it was read, and what stands in the way."""
    return _page(http, *_opened(http, reference))


def _page(
    http: HttpRequest,
    row: Roster,
    tenure: Tenure,
    error: str = "",
    status: HTTPStatus = HTTPStatus.OK,
    chosen: list[str] | None = None,
) -> HttpResponse:
    state = rosters.state(row)
    may = {one.action: one.refusal for one in rosters.possible(row, tenure)}
    receipt = rosters.receipt(row, state) if state.outcome else None
    context = {
        "row": row,
        "state": state,
        "seen": state.n,
        **pieces.shown(row, list(state.files.values()), ROOM),
        "uploading": Action.ADD_FILE in may and may[Action.ADD_FILE] is None,
        "may_send": Action.SEND in may,
        "hindrance": sentence(no) if (no := may.get(Action.SEND)) else "",
        "may_choose": Action.CHOOSE in may and may[Action.CHOOSE] is None and reading.may_help(state),
        "may_confirm": Action.CONFIRM in may and may[Action.CONFIRM] is None,
        "may_destroy": Action.DESTROY in may,
        "kept": rosters.kept(row, state),
        "limits": rosters.limits(),
        "unkept": explained(state.unkept) if state.unkept else "",
        "under_way": counted(rosters.order_id(row, state.sendings)) if state.status is Status.SENT else {},
        "reading": reading.told(state, receipt, chosen),
        "refusal": reading.why_not(state, receipt),
        "use": quota.use(row.institution, state.outcome.rows) if state.outcome and state.outcome.rows else None,
        "gone": is_destroyed(state),
        "history": [(one, day_of(one.payload["payload"].get("until"))) for one in rosters.history(row)],
        "error": error,
    }
    return render(http, "rosters/show.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def upload(http: HttpRequest, reference: str) -> HttpResponse:
    """Takes the file by a form. What the form brought is sealed already (portal.uploading.sealing). Whoever loads the
    page of a refusal again comes back to the list."""
    row, tenure = _opened(http, reference)
    if http.method != "POST":
        return redirect("rosters:show", reference)
    return pieces.came(http, row, ROOM, lambda error, status: _page(http, row, tenure, error, status))


@require_POST
def begin(http: HttpRequest, reference: str) -> JsonResponse:
    """For the script: where to put the pieces of the file."""
    return pieces.begun(http, *_opened(http, reference), ROOM)


@require_POST
def piece(http: HttpRequest, reference: str, file: int, number: int) -> JsonResponse:
    """For the script: takes one piece."""
    return pieces.taken(http, *_opened(http, reference), file, number)


@require_POST
def remove(http: HttpRequest, reference: str, file: int) -> HttpResponse:
    """Takes the file out again."""
    row, tenure = _opened(http, reference)
    return pieces.removed(http, row, tenure, file, ROOM)


@require_POST
def send(http: HttpRequest, reference: str) -> HttpResponse:
    """Has the registry read it."""
    return _done(http, reference, Action.SEND, _("Daftar diteruskan ke gudang data untuk dibaca."))


@require_http_methods(["GET", "HEAD", "POST"])
def choose(http: HttpRequest, reference: str) -> HttpResponse:
    """Has the registry read it again, with the columns that were chosen; what is refused stays chosen. Whoever loads
    the page of a refusal again comes back to the list."""
    row, tenure = _opened(http, reference)
    if http.method != "POST":
        return redirect("rosters:show", reference)
    receipt = rosters.receipt(row, rosters.state(row))
    names = [one.name for one in receipt.headings] if receipt else []
    chosen = [http.POST.get(f"kolom-{place}", "") for place in range(len(names))]
    columns = [[standard, name] for standard, name in zip(chosen, names, strict=True) if standard]
    outcome = rosters.handle(reference, Action.CHOOSE, tenure, {"columns": columns}, seen(http))
    if isinstance(outcome, Refusal):
        return _page(http, row, tenure, sentence(outcome, reading.words()), HTTPStatus.CONFLICT, chosen)
    messages.success(http, _("Daftar dibaca ulang dengan kolom yang Anda pilih."))
    return redirect("rosters:show", reference)


@require_POST
def confirm(http: HttpRequest, reference: str) -> HttpResponse:
    """Its sender has looked: it was read as it is meant."""
    return _done(http, reference, Action.CONFIRM, _("Daftar siap dipadankan."))


@require_http_methods(["GET", "HEAD", "POST"])
def destroy(http: HttpRequest, reference: str) -> HttpResponse:
    """Says what destroying means, or taking back what is being read, and does so."""
    row, tenure = _opened(http, reference)
    if http.method == "POST":
        taken_back = row.status == Status.SENT
        told = _("Daftar ditarik kembali dan dimusnahkan.") if taken_back else _("Daftar dimusnahkan.")
        return _done(http, reference, Action.DESTROY, told)
    may = {one.action: one.refusal for one in rosters.possible(row, tenure)}
    no = may.get(Action.DESTROY, Refusal("not-at-this-stage", {"status": row.status}))
    if no is not None:
        return refused(http, no, reverse("rosters:show", args=[reference]))
    state = rosters.state(row)
    return render(http, "rosters/destroy.html", {"row": row, "state": state, "seen": state.n})


def _done(http: HttpRequest, reference: str, action: Action, told: str) -> HttpResponse:
    _row, tenure = _opened(http, reference)
    outcome = rosters.handle(reference, action, tenure, {}, seen(http))
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("rosters:show", args=[reference]))
    messages.success(http, told)
    return redirect("rosters:show", reference)


def _reader(http: HttpRequest) -> Tenure:
    """Raises Http404 for those who have no business with lists."""
    tenure = posts.current(http)
    if tenure is None or not offers(http, "rosters:list"):
        raise Http404
    return tenure


def _opened(http: HttpRequest, reference: str) -> tuple[Roster, Tenure]:
    """Raises Http404 for what is not the reader's to see, as for what never was."""
    tenure = _reader(http)
    try:
        return rosters.get(reference, tenure), tenure
    except UnknownRoster:
        raise Http404 from None
