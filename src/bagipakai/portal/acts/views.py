"""Doing something to a request: one page and one address for every act."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from bagipakai.control import requests
from bagipakai.control.models import PendingDecision
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action
from bagipakai.portal.acts.forms import ActForm
from bagipakai.portal.acts.words import ACTS, Act
from bagipakai.portal.pages.posted import seen
from bagipakai.portal.pages.refused import lang, refused, sentence
from bagipakai.portal.requests.dossier import Dossier, opened


@dataclass(frozen=True)
class Option:
    """One act as the page offers it: open with its form, or shut with the reason."""

    action: Action
    act: Act
    href: str
    refusal: Refusal | None
    form: ActForm | None
    sentence: str


def options(dossier: Dossier, only: Sequence[Action] | None = None, filled: ActForm | None = None) -> list[Option]:
    """What the reader could do, open ways first, in the order of the table of acts. `filled` is a form that came back
    wrong: it is shown as it was typed."""
    found = []
    for action, act in ACTS.items():
        possibility = dossier.possible.get(action)
        if possibility is None or (only is not None and action not in only):
            continue
        form = filled if filled is not None and filled.action is action else None
        if form is None and possibility.refusal is None:
            form = act.form(action, dossier)
        href = reverse("acts:act", args=[dossier.request.reference, action.value.lower()])
        said = sentence(possibility.refusal, dossier.words) if possibility.refusal else ""
        found.append(Option(action, act, href, possibility.refusal, form, said))
    return sorted(found, key=lambda one: one.refusal is not None)


@require_http_methods(["GET", "POST"])
def act(http: HttpRequest, reference: str, action: str) -> HttpResponse:
    """The act on a page of its own; posted, it is done or comes back with every word that was typed."""
    dossier = opened(http, reference)
    what = _action(action)
    possibility = dossier.possible.get(what)
    back = reverse("requests:show", args=[reference])
    if http.method == "GET" or {"pilih", "semua"} & set(http.POST):
        if possibility is None:
            raise Http404
        if possibility.refusal is not None:
            return refused(http, possibility.refusal, back)
        form = ACTS[what].form(what, dossier, http.POST.copy() if http.POST else None)
        form.look()
        return _page(http, dossier, form, 200)
    form = ACTS[what].form(what, dossier, http.POST, http.FILES)
    if not form.is_valid():
        if possibility is not None:
            return _page(http, dossier, form, 422)
        no = requests.handle(reference, what, dossier.tenure, {}, seen(http))  # says and records why not
        return refused(http, no, back) if isinstance(no, Refusal) else redirect(back)
    outcome = form.perform(seen(http))
    if isinstance(outcome, PendingDecision):
        return redirect("passkeys:sign", outcome.token)
    if not isinstance(outcome, Refusal):
        return _on(http, reference, what)
    fresh = opened(http, reference)
    if what not in fresh.possible:
        return refused(http, outcome, back)
    again = ACTS[what].form(what, fresh, http.POST, http.FILES)
    again.is_valid()
    again.add_error(None, sentence(outcome, fresh.words))
    return _page(http, fresh, again, 409, outcome)


def _page(http: HttpRequest, dossier: Dossier, form: ActForm, status: int, no: Refusal | None = None) -> HttpResponse:
    (option,) = options(dossier, only=(form.action,), filled=form)
    changed = no is not None and no.code == "changed-meanwhile"
    happened = requests.timeline(dossier.request.reference).past[seen(http) :] if changed else ()
    context: dict[str, Any] = {"dossier": dossier, "option": option, "happened": happened, "lang": lang()}
    return render(http, "acts/act.html", context, status=status)


def _on(http: HttpRequest, reference: str, action: Action) -> HttpResponse:
    """After sending comes the confirmation; after everything else the request as it now stands, and what was done."""
    if action in (Action.SUBMIT, Action.RESUBMIT):
        return redirect("requests:sent", reference)
    messages.success(http, str(ACTS[action].done))
    return redirect("requests:show", reference)


@require_POST
def accept(http: HttpRequest, reference: str) -> HttpResponse:
    """The check accepts the answer to one deficiency item."""
    return _small(http, reference, Action.ACCEPT_ITEM, {"item": http.POST.get("item", "")})


@require_POST
def answer(http: HttpRequest, reference: str) -> HttpResponse:
    """The applicant answers one deficiency item: repaired, or left as it is with a reason."""
    payload = {"item": http.POST.get("item", ""), "answer": http.POST.get("jawaban", "")}
    if reason := http.POST.get("alasan", "").strip():
        payload["reason"] = reason
    return _small(http, reference, Action.ANSWER_ITEM, payload)


def _small(http: HttpRequest, reference: str, action: Action, payload: dict[str, Any]) -> HttpResponse:
    dossier = opened(http, reference)
    href = reverse("examining:show" if http.POST.get("kembali") == "antrean" else "requests:show", args=[reference])
    outcome = requests.handle(reference, action, dossier.tenure, payload, seen(http))
    return refused(http, outcome, href) if isinstance(outcome, Refusal) else redirect(href)


def _action(slug: str) -> Action:
    """Raises Http404 for a word that is no act."""
    word = slug.upper()
    if word not in set(Action) or Action(word) not in ACTS:
        raise Http404
    return Action(word)
