"""The officers' pages: what waits for a post, and everything that matters for deciding on one screen."""

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST

from bagipakai.control import clock, orders, readiness, register, requests, reviews, rosters, wording
from bagipakai.core.evidence import named
from bagipakai.core.exchange import Step, StepDone
from bagipakai.core.holds import FEW, NONE
from bagipakai.core.plan import Asked
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Status
from bagipakai.core.variables import Catalogue
from bagipakai.portal import glossary
from bagipakai.portal.accounts import posts
from bagipakai.portal.acts import progress
from bagipakai.portal.acts.views import options
from bagipakai.portal.pages.refused import explained, lang, refused
from bagipakai.portal.requests.advice import advice
from bagipakai.portal.requests.dossier import Dossier, opened
from bagipakai.portal.requests.views import files
from bagipakai.portal.rosters import reading
from bagipakai.portal.rosters.reading import Reading

A_PAGE = 25
ORDERABLE = (Status.PROCESSING, Status.QUALITY_CHECK)  # a check may still send it back to be ordered anew


@require_GET
def queue(http: HttpRequest) -> HttpResponse:
    """What waits for the reader's post, the most urgent first. Filters in the address: `cari`, `peran`, `milik`."""
    wanted = {name: http.GET.get(name, "").strip()[:80] for name in ("cari", "peran", "milik")}
    waiting = requests.queue(posts.current(http) or http.user)  # type: ignore[arg-type]
    roles = list(dict.fromkeys(one.role for one in waiting))
    found = [one for one in waiting if _fits(one, wanted, http.user.pk)]
    page = Paginator(found, A_PAGE).get_page(http.GET.get("halaman"))
    context = {"page": page, "wanted": wanted, "roles": roles, "waiting": len(waiting)}
    return render(http, "examining/queue.html", context)


def _fits(one: requests.Waiting, wanted: dict[str, str], reader: int | None) -> bool:
    text = f"{one.request.reference} {one.request.programme} {one.request.institution}".lower()
    holder = one.claimed_by.pk if one.claimed_by else None
    return (
        all(word in text for word in wanted["cari"].lower().split())
        and wanted["peran"] in ("", one.role)
        and {"saya": holder == reader, "bebas": holder is None}.get(wanted["milik"], True)
    )


@require_POST
def claim(http: HttpRequest, reference: str) -> HttpResponse:
    """Tells colleagues who works on it; or lets it go again."""
    dossier = opened(http, reference)
    if "lepas" in http.POST:
        requests.release(reference, dossier.tenure)
        return redirect("examining:queue")
    outcome = requests.claim(reference, dossier.tenure)
    if isinstance(outcome, Refusal):
        return refused(http, outcome, reverse("examining:queue"))
    return redirect("examining:show", reference)


@require_GET
def show(http: HttpRequest, reference: str) -> HttpResponse:
    """Left what is asked, with what changed since the version before; right what matters for deciding; below what the
    reader can do, with its consequences."""
    dossier = opened(http, reference)
    versions = len(dossier.state.versions)
    before = versions - 1 if versions > 1 else None
    context: dict[str, Any] = {
        "dossier": dossier,
        "sections": dossier.rows(since=before),
        "before": before,
        "variables": variables(dossier),
        "advice": advice(dossier.state.answers, dossier.setting, lang()),
        "exemptions": dossier.exemptions,
        "files": [one | {"changed": _changed(dossier, one["kind"], before)} for one in files(dossier)],
        "items": [{"item": one, "target": dossier.target(one.target)} for one in dossier.state.items],
        "may_accept": Action.ACCEPT_ITEM in dossier.possible,
        "standing": readiness.standing(dossier.request.institution, clock.now()),
        "sharings": [
            one for one in register.entries(recipient=dossier.request.institution.code) if one.reference != reference
        ][:5],
        "papers": progress.papers(dossier),
        "steps": progress.steps(reference),
        "evidence": evidence(dossier),
        "listed": listed(dossier),
        "options": options(dossier),
    }
    return render(http, "examining/show.html", context)


ANSWERS = {"yes": _("Ya"), "no": _("Tidak"), NONE: _("tidak ada"), FEW: _("sedikit")}


def _in_words(done: StepDone | None, catalogue: Catalogue) -> list[tuple[str, Any]]:
    """The evidence of a sub-step in the reader's language; a name that is not known stays as it is."""
    told = done.evidence.items() if done else ()
    return [(named(name, lang()), _said(name, value, catalogue)) for name, value in told if value not in ("", None)]


def _said(name: str, value: str | int, catalogue: Catalogue) -> Any:
    match name:
        case "format":
            return glossary.term(str(value), "format").label
        case "pseudonyms" | "marked_columns":
            return ", ".join(wording.column(one, catalogue, lang()) for one in str(value).split())
        case "exempted":
            return ", ".join(wording.row_rule(one, lang()) for one in str(value).split())
    return ANSWERS.get(str(value), value)


def _changed(dossier: Dossier, kind: str, before: int | None) -> bool:
    if before is None:
        return False
    was, now = dossier.state.versions[before - 1].attachments.get(kind), dossier.state.attachments.get(kind)
    return (was and was.sha256) != (now and now.sha256)


def variables(dossier: Dossier) -> list[dict[str, Any]]:
    """Each asked variable with its class, the applicant's reason, and what has been said about it so far. Those who ask
    read what was said once it is decided, not while it is being weighed."""
    catalogue, state = dossier.setting.catalogue, dossier.state
    said = dossier.examines or state.decision is not None
    return [
        {
            "variable": catalogue[one["name"]],
            "reason": one["reason"],
            "grain": _grain(one, dossier),
            "proposal": state.proposals.get(one["name"]) if said else None,
            "owner": state.owner_verdicts.get(one["name"]) if said else None,
            "approved": None if state.decision is None else one["name"] in state.decision.variables,
        }
        for one in state.answers.get("variables") or ()
        if one["name"] in catalogue
    ]


def _grain(one: Mapping[str, str], dossier: Dossier) -> str:
    """How coarsely an asked variable is to be told, in words; nothing where it is told as it is."""
    if not dossier.setting.grains_of(one["name"], dossier.state.answers.get("level")):
        return ""
    return wording.grain(Asked(one["name"], one["reason"], one.get("grain", "")), dossier.setting.grains, lang())


def listed(dossier: Dossier) -> Reading | None:
    """How the registry read the list that is to be matched: columns, how far they are filled, and how many rows have
    which fault. No value of it is known here."""
    row = rosters.named(dossier.request, dossier.state)
    if row is None:
        return None
    state = rosters.state(row)
    return reading.told(state, rosters.receipt(row, state), None)


def evidence(dossier: Dossier) -> dict[str, Any] | None:
    """The last order and the five sub-steps with what the registry's receipt says of each."""
    if not dossier.state.orders:
        return None
    receipt, catalogue = orders.receipt(dossier.state.orders[-1]), dossier.setting.catalogue
    done = {one.step: one for one in receipt.steps} if receipt else {}
    return {
        "order": dossier.state.orders[-1],
        "receipt": receipt,
        "columns": [wording.column(name, catalogue, lang()) for name in receipt.columns] if receipt else [],
        "refusal": explained(receipt.refusal, dict(receipt.detail)) if receipt and receipt.refusal else "",
        "steps": [(step, done.get(step), _in_words(done.get(step), catalogue)) for step in Step],
        "plan": dossier.state.decision.plan if dossier.state.decision else "",
        "review": reviews.progress(dossier.state.orders[-1]),
        "doubtful": next((one.evidence["review"] for one in done.values() if "review" in one.evidence), None),
        "orderable": dossier.state.status in ORDERABLE,
    }
