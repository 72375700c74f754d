"""Readiness: the institution's self-assessment, the reviewer's verdicts, and the certificate."""

from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from bagipakai.control import clock, documents, keybook, readiness
from bagipakai.control.models import Document, PendingDecision
from bagipakai.core.readiness import Action, Item, Review, Status
from bagipakai.core.refusal import Refusal
from bagipakai.portal.accounts import posts
from bagipakai.portal.accounts.menu import offers
from bagipakai.portal.pages.files import from_the_store
from bagipakai.portal.pages.posted import seen
from bagipakai.portal.pages.refused import lang, refused, sentence
from bagipakai.portal.parts.shapes import Task
from bagipakai.portal.readiness.acts import ACTS, ReviewAct
from bagipakai.portal.readiness.dossier import ReviewDossier, opened
from bagipakai.portal.readiness.forms import ANSWERS, VERDICTS, AnswerForm, ReviewActForm, ScopeForm, VerdictForm
from bagipakai.portal.readiness.keys import advice, cards

UNDER_WAY = (Status.NOT_STARTED, Status.SELF_ASSESSED, Status.UNDER_REVIEW)


@require_GET
def own(http: HttpRequest) -> HttpResponse:
    """How ready the reader's institution is, its reviews, and its key."""
    tenure = posts.current(http)
    if tenure is None:
        return redirect("accounts:posts")
    institution = tenure.post.institution
    book = keybook.book(institution)
    reviews = list(readiness.visible(tenure).filter(institution=institution))
    context = {
        "institution": institution,
        "standing": readiness.standing(institution, clock.now()),
        "reviews": reviews,
        "open": next((one for one in reviews if one.status in UNDER_WAY), None),
        "refused": next((one for one in reviews[:1] if one.status == Status.NOT_READY), None),
        "may_begin": offers(http, "readiness:new"),
        "may_change_key": offers(http, "readiness:key"),
        "cards": cards(book),
        "advice": advice(book),
    }
    return render(http, "readiness/own.html", context)


@require_http_methods(["GET", "POST"])
def new(http: HttpRequest) -> HttpResponse:
    """Which levels to be ready for; then a self-assessment opens."""
    form = ScopeForm(http.POST or None)
    if form.is_valid():
        outcome = readiness.begin(posts.current(http) or http.user, form.cleaned_data["levels"])  # type: ignore[arg-type]
        if isinstance(outcome, Refusal):
            return refused(http, outcome, reverse("readiness:own"))
        return redirect("readiness:show", outcome.pk)
    return render(http, "readiness/new.html", {"form": form}, status=422 if form.is_bound else 200)


@require_GET
def queue(http: HttpRequest) -> HttpResponse:
    """The reviews that wait for this reader, those that are done, and the keys of institutions."""
    tenure = posts.current(http)
    if tenure is None:
        return redirect("accounts:posts")
    waiting = readiness.queue(tenure)
    known = {one.pk for one in waiting}
    others = [one for one in readiness.visible(tenure)[:50] if one.pk not in known]
    books = [{"institution": house, "card": next(iter(cards(book)), None)} for house, book in keybook.kept(tenure)]
    return render(http, "readiness/queue.html", {"waiting": waiting, "others": others, "books": books})


@require_GET
def show(http: HttpRequest, review: int) -> HttpResponse:
    """The items with their answers and verdicts, the certificate if there is one, and what the reader can do."""
    dossier = opened(http, review)
    context = {"dossier": dossier, "tasks": _tasks(dossier), "options": options(dossier)}
    context |= {
        "conditions": _conditions(dossier),
        "may_repeat": _may_repeat(http, dossier),
        "waits_for_head": _waits_for_head(dossier),
    }
    return render(http, "readiness/show.html", context)


def _waits_for_head(dossier: ReviewDossier) -> bool:
    """Whether everything is answered and shown, and somebody else than the reader has to send it."""
    review, mine = dossier.review, Action.ANSWER in dossier.possible and Action.DECLARE not in dossier.possible
    return mine and all(
        code in review.answers and not _wants_evidence(one, review) for code, one in dossier.items.items()
    )


def _may_repeat(http: HttpRequest, dossier: ReviewDossier) -> bool:
    """Whether the page offers to begin again from here: it has ended, and no later one of the institution stands."""
    newest = readiness.visible(dossier.tenure).filter(institution=dossier.row.institution_id).first()
    over = dossier.review.status in (Status.NOT_READY, Status.EXPIRED)
    return over and newest == dossier.row and offers(http, "readiness:new")


@require_POST
def again(http: HttpRequest, review: int) -> HttpResponse:
    """A new self-assessment that begins with what was found right in this one."""
    dossier = opened(http, review)
    outcome = readiness.begin_again(review, dossier.tenure)
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("readiness:show", args=[review]))
    messages.success(http, _("Penilaian baru dibuka. Jawab butir yang belum, lalu minta pimpinan mengirimnya."))
    return redirect("readiness:show", outcome.pk)


def _tasks(dossier: ReviewDossier) -> list[Task]:
    review = dossier.review
    answers, verdicts = dict(ANSWERS), dict(VERDICTS)
    tasks = []
    for code, one in dossier.items.items():
        answer, (verdict, note, _person) = review.answers.get(code, ("", ""))[0], dossier.told.get(code, ("", "", ""))
        lacks = _wants_evidence(one, review)
        word, colour = _("Belum dijawab"), "info"
        if verdict:
            word, colour = str(verdicts[verdict]), {"MET": "positive", "NOT_MET": "negative"}.get(verdict, "warning")
        elif lacks:
            word, colour = _("Bukti belum diunggah"), "warning"
        elif answer:
            word, colour = str(answers[answer]), "plain"
        tasks.append(
            Task(
                _question(one),
                word,
                reverse("readiness:item", args=[dossier.row.pk, code]),
                note if verdict in readiness.SHORT else one.reference,
                colour,
            )
        )
    return tasks


def _conditions(dossier: ReviewDossier) -> list[dict[str, str]]:
    given = dossier.review.certificate
    return [
        {"question": _question(dossier.items[one["item"]]), "measure": one["measure"], "due": one["due"]}
        for one in (given.conditions if given else ())
        if one["item"] in dossier.items
    ]


def _question(one: Item) -> str:
    return one.question if lang() == "id" else one.english


# --- one item ---------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def item(http: HttpRequest, review: int, code: str) -> HttpResponse:
    """One item: its answer and evidence, for the institution; its verdict, for the reviewer."""
    dossier = opened(http, review)
    one = dossier.items.get(code)
    if one is None:
        raise Http404
    posted = http.POST.get("apa", "") if http.method == "POST" else ""
    forms = _item_forms(dossier, code, http.POST if posted else None, posted)
    error = ""
    if posted:
        outcome = _posted(http, dossier, code, posted, forms)
        if isinstance(outcome, HttpResponse):
            return outcome
        error = outcome
        dossier = opened(http, review)
    shown = [
        {"evidence": given, "href": reverse("readiness:file", args=[review, code, given.sha256])}
        for given in dossier.review.evidence.get(code, ())
    ]
    context = {
        "dossier": dossier,
        "item": one,
        "question": _question(one),
        "answer": _answer_words(dossier, code),
        "verdict": _verdict_words(dossier, code),
        "evidence": shown,
        "may_attach": Action.ATTACH in dossier.possible,
        "onward": _onward(dossier, code),
        "error": error,
        **forms,
    }
    return render(http, "readiness/item.html", context, status=422 if posted else 200)


def _item_forms(dossier: ReviewDossier, code: str, data: Any, posted: str) -> dict[str, Any]:
    """The forms that the reader may fill here; the one that was posted holds what was typed."""
    answer, verdict = dossier.review.answers.get(code), dossier.review.verdicts.get(code)
    found: dict[str, Any] = {}
    if Action.ANSWER in dossier.possible:
        initial = {"answer": answer[0], "note": answer[1]} if answer else None
        found["answer_form"] = AnswerForm(data if posted == "jawaban" else None, initial=initial)
    if Action.JUDGE in dossier.possible:
        initial = {"verdict": verdict[0], "note": verdict[1]} if verdict else None
        found["verdict_form"] = VerdictForm(data if posted == "putusan" else None, initial=initial)
    return found


def _posted(
    http: HttpRequest, dossier: ReviewDossier, code: str, posted: str, forms: dict[str, Any]
) -> HttpResponse | str:
    """What was sent is done and leads on, or the words that say why not."""
    here = reverse("readiness:item", args=[dossier.row.pk, code])
    if posted == "bukti":
        upload = http.FILES.get("berkas")
        if upload is None:
            return _("Pilih berkas yang akan diunggah")
        outcome = readiness.attach(
            dossier.row.pk, dossier.tenure, code, cast(BinaryIO, upload), upload.name or "", seen=seen(http)
        )
        return sentence(outcome) if isinstance(outcome, Refusal) else redirect(here)
    form = forms.get({"jawaban": "answer_form", "putusan": "verdict_form"}.get(posted, ""))
    if form is None:
        raise Http404
    if not form.is_valid():
        return ""
    action = Action.ANSWER if posted == "jawaban" else Action.JUDGE
    done = readiness.handle(dossier.row.pk, action, dossier.tenure, {"item": code, **form.cleaned_data}, seen(http))
    if isinstance(done, Refusal):
        form.add_error(None, sentence(done))
        return ""
    return redirect(_next_item(dossier, code, action))


def _next_item(dossier: ReviewDossier, code: str, action: Action) -> str:
    """The next item without an answer or a verdict; for a yes that wants evidence, the same one; at last the list."""
    review, codes = opened_again(dossier), list(dossier.items)
    if action is Action.ANSWER and _wants_evidence(dossier.items[code], review):
        return reverse("readiness:item", args=[dossier.row.pk, code]) + "#bukti"
    done = review.answers if action is Action.ANSWER else review.verdicts
    place = codes.index(code) + 1
    following = next((one for one in codes[place:] if one not in done), None)
    if following is None:
        return reverse("readiness:show", args=[dossier.row.pk])
    return reverse("readiness:item", args=[dossier.row.pk, following])


def _wants_evidence(one: Item, review: Review) -> bool:
    """Whether the answer claims something that must be shown and is not shown yet."""
    claims = review.answers.get(one.code, ("",))[0] in ("YES", "PARTLY")
    return bool(claims and one.evidence and not review.evidence.get(one.code))


def _onward(dossier: ReviewDossier, code: str) -> str:
    """Where the institution goes on to from an item that is done; nothing while it is not."""
    done = code in dossier.review.answers and not _wants_evidence(dossier.items[code], dossier.review)
    return _next_item(dossier, code, Action.ANSWER) if done and Action.ANSWER in dossier.possible else ""


def opened_again(dossier: ReviewDossier) -> Any:
    """The review as it is now."""
    return readiness.state(dossier.row.pk)


def _answer_words(dossier: ReviewDossier, code: str) -> dict[str, str]:
    answer = dossier.review.answers.get(code)
    return {"word": str(dict(ANSWERS)[answer[0]]), "note": answer[1]} if answer else {}


def _verdict_words(dossier: ReviewDossier, code: str) -> dict[str, str]:
    verdict = dossier.told.get(code)
    return {"word": str(dict(VERDICTS)[verdict[0]]), "note": verdict[1]} if verdict else {}


@require_GET
def file(http: HttpRequest, review: int, code: str, sha256: str) -> HttpResponse:
    """A piece of evidence, always as a download."""
    shown = opened(http, review).review.evidence.get(code, ())
    given = next((one for one in shown if one.sha256 == sha256), None)
    stored = Document.objects.filter(sha256=sha256).order_by("-id").first() if given else None
    if given is None or stored is None:
        raise Http404
    back = reverse("readiness:item", args=[review, code])
    return from_the_store(http, lambda: documents.read(stored), given.name, given.media, back)


# --- acts on the whole ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReviewOption:
    """One act as the page offers it: open with its form, or shut with the reason."""

    act: ReviewAct
    href: str
    refusal: Refusal | None
    form: ReviewActForm | None

    @property
    def sentence(self) -> str:
        return sentence(self.refusal) if self.refusal else ""


def options(dossier: ReviewDossier, filled: ReviewActForm | None = None) -> list[ReviewOption]:
    """What the reader could do with the review, open ways first."""
    found = []
    for action, act in ACTS.items():
        possibility = dossier.possible.get(action)
        if possibility is None:
            continue
        form = filled if filled is not None and filled.action is action else None
        if form is None and possibility.refusal is None:
            form = act.form(action, dossier)
        href = reverse("readiness:act", args=[dossier.row.pk, action.value.lower().replace("_", "-")])
        found.append(ReviewOption(act, href, possibility.refusal, form))
    return sorted(found, key=lambda one: one.refusal is not None)


@require_http_methods(["GET", "POST"])
def act(http: HttpRequest, review: int, action: str) -> HttpResponse:
    """The act on a page of its own; posted, it is done or comes back as it was typed."""
    dossier = opened(http, review)
    word = action.upper().replace("-", "_")
    what = Action(word) if word in set(Action) else None
    if what not in ACTS:
        raise Http404
    back = reverse("readiness:show", args=[review])
    possibility = dossier.possible.get(what)
    if http.method == "GET":
        if possibility is None:
            raise Http404
        if possibility.refusal is not None:
            return refused(http, possibility.refusal, back)
        return _act_page(http, dossier, ACTS[what].form(what, dossier), 200)
    form = ACTS[what].form(what, dossier, http.POST)
    if not form.is_valid():
        return _act_page(http, dossier, form, 422)
    outcome = form.perform(seen(http))
    if isinstance(outcome, PendingDecision):
        return redirect("passkeys:sign", outcome.token)
    if not isinstance(outcome, Refusal):
        messages.success(http, str(ACTS[what].done))
        return redirect(back)
    fresh = opened(http, review)
    if what not in fresh.possible:
        return refused(http, outcome, back)
    form.add_error(None, sentence(outcome))
    return _act_page(http, fresh, form, 409)


def _act_page(http: HttpRequest, dossier: ReviewDossier, form: ReviewActForm, status: int) -> HttpResponse:
    act = ACTS[form.action]
    context = {"dossier": dossier, "act": act, "form": form}
    return render(http, "readiness/act.html", context, status=status)
