"""The applicant's pages: from a blank draft to a request that is sent, and where it stands then."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, BinaryIO, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bagipakai.control import access, documents, drafting, quota, requests
from bagipakai.control import forms as office
from bagipakai.control.models import Document
from bagipakai.core.quota import Use
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status
from bagipakai.portal import glossary
from bagipakai.portal.accounts import posts
from bagipakai.portal.accounts.menu import offers
from bagipakai.portal.acts import progress
from bagipakai.portal.acts.views import options
from bagipakai.portal.pages.files import from_the_store
from bagipakai.portal.pages.posted import seen
from bagipakai.portal.pages.refused import lang, refused, sentence
from bagipakai.portal.pages.scripts import speaks_to_us
from bagipakai.portal.parts.shapes import Task
from bagipakai.portal.requests import estimate, questions
from bagipakai.portal.requests.advice import advice, taken
from bagipakai.portal.requests.dossier import Dossier, opened

A_PAGE = 25
AMENDED = "amendment"  # the code of an item that the applicant opened, not the check
SCANS = {"CLEAN": _lazy("Sudah dipindai virus, bersih"), "NOT_SCANNED": _lazy("Belum dipindai virus")}


@require_GET
def listing(http: HttpRequest) -> HttpResponse:
    """Every request that the reader may see, the last changed first. Filters live in the address: `cari`, `tahap`."""
    wanted = {name: http.GET.get(name, "").strip()[:80] for name in ("cari", "tahap")}
    found = requests.visible(posts.current(http) or http.user)  # type: ignore[arg-type]
    if wanted["tahap"] in set(Status):
        found = found.filter(status=wanted["tahap"])
    if wanted["cari"]:
        found = found.filter(reference__icontains=wanted["cari"]) | found.filter(programme__icontains=wanted["cari"])
    page = Paginator(found.order_by("-changed_at", "-id"), A_PAGE).get_page(http.GET.get("halaman"))
    context = {"page": page, "wanted": wanted, "statuses": list(Status), "may_ask": offers(http, "requests:new")}
    return render(http, "requests/list.html", context)


@require_http_methods(["GET", "POST"])
def new(http: HttpRequest) -> HttpResponse:
    """Which service is asked for, what one should have at hand, and a button that opens a draft. `daftar`: a list that
    the request is to name, from whose page the reader came."""
    if http.method == "GET":
        return render(http, "requests/new.html", {"roster": http.GET.get("daftar", "")[:40]})
    wanted, roster = http.POST.get("layanan", ""), http.POST.get("daftar", "")[:40]
    if wanted not in set(office.Service):
        wrong = {"error": _("Pilih pemadanan atau data DTSEN"), "roster": roster}
        return render(http, "requests/new.html", wrong, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    by: Any = posts.current(http) or http.user
    outcome = requests.create(by, service=office.Service(wanted))
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("requests:list"))
    if roster and wanted == office.Service.MATCHING:  # a list that cannot be named is asked for like any answer
        requests.save_answers(outcome.reference, by, {"roster": roster}, requests.state_of(outcome).n)
    return redirect("requests:show", outcome.reference)


@require_GET
@speaks_to_us
def show(http: HttpRequest, reference: str) -> HttpResponse:
    """The request as it stands: the task list of a draft, the repair of a returned one, or its progress."""
    dossier = opened(http, reference)
    page = next((page for action, page in PAGES.items() if action in dossier.possible), _progress)
    return page(http, dossier)


def _tasks(http: HttpRequest, dossier: Dossier) -> HttpResponse:
    reference, answers = dossier.request.reference, dossier.state.answers
    missing = {question.code for question in dossier.form.unanswered(answers)}
    tasks = [_section_task(dossier, section, missing) for section in dossier.form.sections]
    total, lacking = len(dossier.documents_demanded), dossier.documents_lacking
    state, colour = _state_of(total - lacking, lacking)
    no_level = not answers.get("level")
    tasks.append(
        Task(
            _("Unggah dokumen"),
            _("Belum dapat dimulai") if no_level else state,
            "" if no_level else reverse("requests:documents", args=[reference]),
            _("Pilih level data lebih dulu; dari situ ditentukan dokumennya.")
            if no_level
            else _("%(n)s dari %(total)s dokumen wajib terunggah") % {"n": total - lacking, "total": total},
            "plain" if no_level else colour,
        )
    )
    refusal = dossier.possible[Action.SUBMIT].refusal
    ready = not missing and not lacking and not no_level
    tasks.append(
        Task(
            _("Periksa jawaban dan kirim"),
            _("Siap diperiksa") if ready else _("Belum dapat dimulai"),
            reverse("requests:check", args=[reference]) if ready else "",
            "" if ready else _("Lengkapi bagian di atas lebih dulu."),
            "info" if ready else "plain",
        )
    )
    context = {"dossier": dossier, "tasks": tasks, "hindrance": sentence(refusal) if ready and refusal else ""}
    return render(http, "requests/tasks.html", context | {"options": options(dossier, only=(Action.WITHDRAW,))})


def _section_task(dossier: Dossier, section: office.Section, missing: set[str]) -> Task:
    asked = [ask.question for ask in dossier.asks if ask.question.section == section.code]
    required = [question for question in asked if question.required]
    open_ones = [question for question in required if question.code in missing]
    first = (open_ones or asked)[0]
    lang = dossier.ask(first).lang
    state, colour = _state_of(len(required) - len(open_ones), len(open_ones))
    return Task(
        _("Isi bagian %(title)s") % {"title": section.title if lang == "id" else section.english},
        state,
        reverse("requests:question", args=[dossier.request.reference, first.code]),
        _("%(n)s dari %(total)s pertanyaan wajib terjawab")
        % {"n": len(required) - len(open_ones), "total": len(required)},
        colour,
    )


def _state_of(done: int, left: int) -> tuple[str, str]:
    if not left:
        return _("Selesai"), "plain"
    return (_("Belum lengkap"), "warning") if done else (_("Belum dimulai"), "info")


def _repair(http: HttpRequest, dossier: Dossier) -> HttpResponse:
    items = [
        {
            "item": item,
            "own": item.code == AMENDED,
            "lack": dossier.deficiency(item.code),
            "target": dossier.target(item.target),
            "href": _target_address(dossier, item.target),
            "round": str(item.round),
        }
        for item in dossier.state.open_items
    ]
    context = {"dossier": dossier, "items": items, "rounds": dossier.state.rounds}
    context |= {
        "sending": options(dossier, only=(Action.RESUBMIT,)),
        "options": options(dossier, only=(Action.WITHDRAW,)),
    }
    return render(http, "requests/repair.html", context)


def _target_address(dossier: Dossier, target: str) -> str:
    sort, _sep, name = target.partition(":")
    reference = dossier.request.reference
    if sort == "document":
        return reverse("requests:documents", args=[reference]) + f"#{name}"
    return reverse("requests:question", args=[reference, name])


def _progress(http: HttpRequest, dossier: Dossier) -> HttpResponse:
    grant = access.grant_of(dossier.request.reference)
    received = access.receiving(grant) if grant else None
    fetches = grant if Role.AUTHORISED_HANDLER in dossier.tenure.post.roles else None
    no = access.may_read(fetches, dossier.tenure) if fetches else None
    context = {
        "dossier": dossier,
        "sections": dossier.rows(),
        "steps": progress.steps(dossier.request.reference, received),
        "under_way": progress.under_way(dossier),
        "exemptions": dossier.exemptions,
        "files": files(dossier),
        "papers": progress.papers(dossier),
        "access": fetches,
        "hindrance": sentence(no) if no else "",
        "received": received,
        "options": options(dossier),
    }
    return render(http, "requests/show.html", context)


@require_GET
def under_way(http: HttpRequest, reference: str) -> HttpResponse:
    """How far the registry is with this request's order: the part of the page that a script asks for again. Nothing
    once the order is answered."""
    dossier = opened(http, reference)
    found = progress.under_way(dossier)
    if found is None:
        return HttpResponse(status=204)
    return render(http, "requests/under_way.html", {"dossier": dossier, "under_way": found})


PAGES: dict[Action, Callable[[HttpRequest, Dossier], HttpResponse]] = {
    Action.SUBMIT: _tasks,
    Action.RESUBMIT: _repair,
}


# --- one question a page ----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@speaks_to_us
def question(http: HttpRequest, reference: str, code: str) -> HttpResponse:
    """One question; its label is the heading. Saved by "Lanjutkan", which leads to the next one of the section."""
    dossier = opened(http, reference)
    try:
        ask = dossier.ask(dossier.form.question(code))
    except KeyError:
        raise Http404 from None
    if Action.SAVE_ANSWER not in dossier.possible:
        raise Http404
    answer = dossier.state.answers.get(code)
    if http.method == "GET":
        return _asked(http, dossier, ask, answer)
    typed = questions.kind_of(ask.question).read(ask, http.POST)
    if "saran" in http.POST:
        return _less(http, dossier, ask, typed)
    if {"lihat", "buka"} & set(http.POST):  # search or one more row: draw again what was typed, save nothing
        return _asked(http, dossier, ask, typed)
    if error := questions.lacking(ask, typed, http.POST):
        return _asked(http, dossier, ask, typed, error=error, status=422)
    outcome = requests.save_answers(reference, dossier.tenure, {code: typed}, seen(http))
    if isinstance(outcome, Refusal):
        return _not_saved(http, dossier, ask, typed, outcome)
    return redirect(_after(http, dossier, ask, typed))


def _less(http: HttpRequest, dossier: Dossier, ask: questions.Ask, typed: Any) -> HttpResponse:
    """Takes one piece of advice, or all of it: what was typed so far is kept with it. From the check-answers page
    nothing was typed, and that is where it leads back to."""
    answers, here = {**dossier.state.answers}, "langkah" in http.POST
    if here:
        answers[ask.question.code] = typed
    changed = taken(answers, dossier.setting, http.POST["saran"])
    if not changed:
        return _asked(http, dossier, ask, answers.get(ask.question.code))
    outcome = requests.save_answers(dossier.request.reference, dossier.tenure, changed, seen(http))
    if isinstance(outcome, Refusal):
        return _not_saved(http, dossier, ask, answers.get(ask.question.code), outcome)
    return redirect(http.get_full_path() if here else _back(http, dossier))


def _not_saved(http: HttpRequest, dossier: Dossier, ask: questions.Ask, typed: Any, no: Refusal) -> HttpResponse:
    """The page again, with every word that was typed: wrong, or overtaken by somebody else's change."""
    fresh = opened(http, dossier.request.reference)
    return _asked(http, fresh, fresh.ask(ask.question), typed, error=sentence(no), status=409)


def _asked(
    http: HttpRequest, dossier: Dossier, ask: questions.Ask, answer: Any, *, error: str = "", status: int = 200
) -> HttpResponse:
    """The question with `answer`, which may be one that was typed and is wrong."""
    posted = http.POST if http.method == "POST" else http.GET
    kind = questions.kind_of(ask.question)
    context = kind.draw(ask, answer, posted)
    if error and "form" in context:
        context = _with_error(ask, posted, error)
    context |= {
        "dossier": dossier,
        "ask": ask,
        "label": ask.question.label(ask.lang),
        "hint": ask.question.hint(ask.lang),
        "error": error,
        "back": _back(http, dossier),
    }
    if ask.question.kind in estimate.KINDS and ask.setting.service is office.Service.DATA:
        checked = office.checked(ask.question, answer, ask.answers, ask.setting)
        told = {} if isinstance(checked, Refusal) else {**ask.answers, ask.question.code: checked}
        context |= {"estimates": True, "estimate": estimate.told(told, ask.setting, ask.lang)}
    return render(http, kind.template, context, status=status)


def _with_error(ask: questions.Ask, posted: QueryDict, error: str) -> dict[str, Any]:
    form = questions.OneField(ask, data=posted)
    form.is_valid()
    form.errors.clear()
    form.add_error(ask.question.code, error)
    return {"form": form, "bound": form[ask.question.code]}


def _back(http: HttpRequest, dossier: Dossier) -> str:
    if http.GET.get("dari") == "periksa":
        return reverse("requests:check", args=[dossier.request.reference])
    return reverse("requests:show", args=[dossier.request.reference])


def _after(http: HttpRequest, dossier: Dossier, ask: questions.Ask, typed: Any) -> str:
    """Where "Lanjutkan" leads: from choosing variables to their reasons, back to where one came from, or on."""
    reference = dossier.request.reference
    here = reverse("requests:question", args=[reference, ask.question.code])
    if ask.question.kind == "variables" and typed and http.GET.get("langkah") != "alasan":
        return f"{here}?langkah=alasan" + ("&dari=periksa" if http.GET.get("dari") == "periksa" else "")
    if http.GET.get("dari") == "periksa" or Action.RESUBMIT in dossier.possible:
        return _back(http, dossier)
    codes = [one.question.code for one in dossier.asks if one.question.section == ask.question.section]
    place = codes.index(ask.question.code) + 1 if ask.question.code in codes else len(codes)
    if place < len(codes):
        return reverse("requests:question", args=[reference, codes[place]])
    return reverse("requests:show", args=[reference])


# --- documents --------------------------------------------------------------------------------------------------------


def files(dossier: Dossier) -> list[dict[str, Any]]:
    """The attached documents, with who handed them in, when, and whether somebody looked for malware."""
    found = []
    for kind, attached in dossier.state.attachments.items():
        stored = Document.objects.filter(sha256=attached.sha256).select_related("uploaded_by").order_by("-id").first()
        found.append(
            {
                "kind": kind,
                "title": dossier.document(kind),
                "name": attached.name,
                "bytes": attached.bytes,
                "digest": attached.sha256,
                "by": str(stored.uploaded_by) if stored else "",
                "at": stored.uploaded_at if stored else None,
                "state": str(SCANS[stored.scan]) if stored else "",
                "href": reverse("requests:file", args=[dossier.request.reference, kind]),
            }
        )
    return found


@require_http_methods(["GET", "POST"])
def papers(http: HttpRequest, reference: str) -> HttpResponse:
    """The documents: which are needed, which are here, and one field to hand each in."""
    dossier = opened(http, reference)
    if Action.ATTACH not in dossier.possible:
        raise Http404
    wrong: dict[str, str] = {}
    if http.method == "POST":
        kind, upload = http.POST.get("jenis", ""), http.FILES.get("berkas")
        if upload is None:
            wrong[kind] = _("Pilih berkas yang akan diunggah")
        else:
            outcome = requests.attach(
                reference, dossier.tenure, kind, cast(BinaryIO, upload), upload.name or "", seen=seen(http)
            )
            if not isinstance(outcome, Refusal):
                messages.success(http, _("Dokumen tersimpan."))
                return redirect("requests:documents", reference)
            wrong[kind] = sentence(outcome)
            dossier = opened(http, reference)
    context = {"dossier": dossier, "wrong": wrong, "may_detach": Action.DETACH in dossier.possible}
    context |= dict(zip(("demanded", "others"), _document_rows(dossier, wrong), strict=True))
    return render(http, "requests/documents.html", context, status=409 if wrong else 200)


def _document_rows(dossier: Dossier, wrong: dict[str, str]) -> tuple[list[list[dict[str, Any]]], list[dict[str, Any]]]:
    """The demanded groups, and what may be attached besides; each kind with its file, its error, and whether it may be
    changed now."""
    held = {one["kind"]: one for one in files(dossier)}
    unlocked = {target.partition(":")[2] for target in dossier.state.unlocked if target.startswith("document:")}
    repairing = Action.RESUBMIT in dossier.possible

    def row(kind: str) -> dict[str, Any]:
        return {
            "kind": kind,
            "field": f"berkas-{kind}",
            "name": dossier.document(kind),
            "file": held.get(kind),
            "error": wrong.get(kind, ""),
            "shut": repairing and kind not in unlocked,
        }

    groups = [[row(kind) for kind in group] for group in dossier.documents_demanded]
    listed = {kind for group in dossier.documents_demanded for kind in group}
    kinds = dict.fromkeys([*dossier.documents_offered, *held, *unlocked])
    return groups, [row(kind) for kind in kinds if kind not in listed]


@require_POST
def detach(http: HttpRequest, reference: str) -> HttpResponse:
    """Takes a document out of a draft again."""
    dossier = opened(http, reference)
    outcome = requests.handle(
        reference, Action.DETACH, dossier.tenure, {"kind": http.POST.get("jenis", "")}, seen(http)
    )
    back = reverse("requests:documents", args=[reference])
    if isinstance(outcome, Refusal):
        return refused(http, outcome, back)
    messages.success(http, _("Dokumen dilepas dari permintaan."))
    return redirect(back)


@require_GET
def attachment(http: HttpRequest, reference: str, kind: str) -> HttpResponse:
    """The bytes of an attached document, always as a download and never shown in place."""
    dossier = opened(http, reference)
    attached = dossier.state.attachments.get(kind)
    stored = Document.objects.filter(sha256=attached.sha256).order_by("-id").first() if attached else None
    if stored is None:
        raise Http404
    back = reverse("requests:show", args=[reference])
    return from_the_store(http, lambda: documents.read(stored), stored.name, stored.media_type, back)


@require_GET
def clarification(http: HttpRequest, reference: str, sha256: str) -> HttpResponse:
    """The record of a meeting to clarify, as it was handed in."""
    dossier = opened(http, reference)
    known = {one.document for one in dossier.clarifications}
    stored = Document.objects.filter(sha256=sha256).order_by("-id").first() if sha256 in known else None
    if stored is None:
        raise Http404
    back = reverse("requests:show", args=[reference])
    return from_the_store(http, lambda: documents.read(stored), stored.name, stored.media_type, back)


@require_GET
def paper(http: HttpRequest, reference: str, sha256: str) -> HttpResponse:
    """A legal paper of the request, as it was set or with the signatures of officers, as PDF."""
    of_request = opened(http, reference).request.papers.filter(Q(sha256=sha256) | Q(copies__sha256=sha256))
    found = of_request.first()
    if found is None:
        raise Http404
    copy = found.copies.filter(sha256=sha256).first()
    name = f"{glossary.term(found.kind, 'document').label} {found.number}.pdf"
    back = reverse("requests:show", args=[reference])
    return from_the_store(http, lambda: drafting.read(found, copy), name, "application/pdf", back)


# --- sending ----------------------------------------------------------------------------------------------------------


@require_GET
def check(http: HttpRequest, reference: str) -> HttpResponse:
    """Everything that was answered, on one page, before it is sent."""
    dossier = opened(http, reference)
    if Action.SUBMIT not in dossier.possible:
        raise Http404

    def change(code: str) -> str:
        return reverse("requests:question", args=[reference, code]) + "?dari=periksa"

    refusal = dossier.possible[Action.SUBMIT].refusal
    context = {
        "dossier": dossier,
        "sections": dossier.rows(change),
        "files": files(dossier),
        "hindrance": sentence(refusal) if refusal else "",
        "use": _quota(dossier),
        "advice": advice(dossier.state.answers, dossier.setting, lang()),
        "options": options(dossier, only=(Action.SUBMIT,)),
    }
    return render(http, "requests/check.html", context)


def _quota(dossier: Dossier) -> Use | None:
    """What the list that is to be matched would take of the institution's quota; None where none is."""
    named = dossier.setting.rosters.get(dossier.state.answers.get("roster", ""))
    return quota.use(dossier.request.institution, named[1]) if named else None


@require_GET
def sent(http: HttpRequest, reference: str) -> HttpResponse:
    """The confirmation: the number, what happens next and by when. It can be kept and opened again."""
    dossier = opened(http, reference)
    if not dossier.state.versions:
        raise Http404
    context = {"dossier": dossier, "version": dossier.state.versions[-1], "line": requests.timeline(reference)}
    context["here"] = dossier.state.status in (Status.SUBMITTED, Status.ADMIN_CHECK)
    return render(http, "requests/sent.html", context)
