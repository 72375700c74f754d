"""One's own keys, the keys of colleagues, and the page on which a decision is signed."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from bagipakai.control.models import Person, Post, Tenure
from bagipakai.control.passkeys import ceremony, keys, signing
from bagipakai.control.passkeys.signing import Signature
from bagipakai.control.passkeys.summary import Summary
from bagipakai.core.decisions import Decision
from bagipakai.core.keyring import Action, Event, Key, Ring, Standing
from bagipakai.core.manifest import read_aloud
from bagipakai.core.refusal import Refusal
from bagipakai.portal.accounts import posts
from bagipakai.portal.pages.refused import refused, sentence
from bagipakai.portal.parts.shapes import Row
from bagipakai.portal.passkeys.doors import DOORS
from bagipakai.portal.passkeys.forms import HeardForm, KeyForm, LossForm, RecoveryForm, for_key

OFFER = "key-offer"  # in the session, until the browser's answer comes


@dataclass(frozen=True)
class Card:
    """One key as a page shows it, with the form that is open for it."""

    key: Key
    spoken: str
    form: Any = None
    loss: Any = None

    @property
    def word(self) -> str:
        return {
            Standing.WAITING: _("Menunggu pengukuhan"),
            Standing.ACTIVE: _("Berlaku"),
            Standing.REVOKED: _("Dicabut"),
        }[self.key.standing]

    @property
    def sentiment(self) -> str:
        return {Standing.WAITING: "warning", Standing.ACTIVE: "positive", Standing.REVOKED: "negative"}[
            self.key.standing
        ]

    @property
    def label(self) -> str:
        return str(self.key.device.get("label") or _("Kunci tanpa nama"))

    @property
    def device(self) -> str:
        """What is known of the device, in words."""
        if self.key.device.get("kind") == "multi_device":
            return _("Tersinkron antarperangkat pemiliknya")
        return _("Terikat pada satu perangkat")


# --- one's own --------------------------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
def mine(http: HttpRequest) -> HttpResponse:
    """The reader's own keys, how each stands, what is read aloud; and reporting one as lost."""
    tenure = _tenure(http)
    ring = keys.ring(tenure.person)
    if http.method == "POST":
        form = LossForm(http.POST, prefix="lossform")
        if form.is_valid():
            told = form.cleaned_data
            outcome = keys.revoke(tenure.person, tenure, told["credential"], told["reason"])
            if isinstance(outcome, Refusal):
                return refused(http, outcome, reverse("passkeys:mine"))
            messages.success(http, str(_DONE[Action.REVOKE]))
            return redirect("passkeys:mine")
    cards = [
        Card(
            key,
            read_aloud(key.fingerprint),
            loss=None if key.standing is Standing.REVOKED else for_key(LossForm, key.credential, http.POST or None),
        )
        for key in _newest_first(ring)
    ]
    offered = keys.offer(tenure)
    context = {
        "cards": cards,
        "hindrance": sentence(offered) if isinstance(offered, Refusal) else "",
        "history": _told(keys.history(tenure.person)),
        "wrong": [card.loss for card in cards if card.loss is not None and card.loss.errors],
    }
    return render(http, "passkeys/mine.html", context, status=422 if http.method == "POST" else 200)


@never_cache
@require_http_methods(["GET", "POST"])
def enrol(http: HttpRequest) -> HttpResponse:
    """Making a key: the browser is asked, and its answer is taken in once."""
    tenure = _tenure(http)
    form = KeyForm(http.POST or None)
    if http.method == "POST" and form.is_valid():
        offered = _taken(http.session.pop(OFFER, None))
        if offered is None:
            return refused(http, Refusal("key-offer-has-expired"), reverse("passkeys:mine"))
        outcome = keys.enrol(tenure, offered, form.cleaned_data["answer"], form.cleaned_data["label"])
        if isinstance(outcome, Refusal):
            return refused(http, outcome, reverse("passkeys:mine"))
        messages.success(http, _("Kunci terdaftar. Sekarang bacakan sidiknya kepada pejabat lain di lembaga Anda."))
        return redirect("passkeys:mine")
    fresh = keys.offer(tenure)
    if isinstance(fresh, Refusal):
        return refused(http, fresh, reverse("passkeys:mine"))
    http.session[OFFER] = {"challenge": base64.b64encode(fresh.challenge).decode(), "at": fresh.at.isoformat()}
    context = {
        "form": form,
        "options": json.dumps(fresh.options),
        **_place(http),
    }
    return render(http, "passkeys/enrol.html", context, status=422 if http.method == "POST" else 200)


def _taken(kept: Mapping[str, str] | None) -> ceremony.Offer | None:
    if kept is None:
        return None
    return ceremony.Offer({}, base64.b64decode(kept["challenge"]), datetime.fromisoformat(kept["at"]))


def _place(http: HttpRequest) -> dict[str, Any]:
    """The one address at which keys work, a name and no number, and whether the reader is there."""
    host = ceremony.rp_id()
    is_name = not host.replace(".", "").isdigit() and ":" not in host
    return {"origin": ceremony.origin(), "named": is_name and http.get_host().partition(":")[0] == host}


# --- colleagues -------------------------------------------------------------------------------------------------------


@require_GET
def colleagues(http: HttpRequest) -> HttpResponse:
    """Whose keys this officer keeps: those that wait first."""
    rows = [_row(person, ring) for person, ring in keys.colleagues(_tenure(http))]
    rows.sort(key=lambda row: (not row["waits"], not row["lost"]))
    return render(http, "passkeys/colleagues.html", {"rows": rows})


def _row(person: Person, ring: Ring) -> dict[str, Any]:
    active, waiting = len(ring.having(Standing.ACTIVE)), len(ring.having(Standing.WAITING))
    post = Tenure.objects.filter(person=person).select_related("post__institution").order_by("-since").first()
    return {
        "person": person,
        "post": post.post if post else None,
        "active": active,
        "waits": waiting,
        "lost": ring.lost,
    }


@require_http_methods(["GET", "POST"])
def colleague(http: HttpRequest, person: int) -> HttpResponse:
    """The keys of one colleague: confirming one that waits, reporting a loss, letting them enrol again. What is read
    aloud is not on this page: it must be heard from the holder."""
    tenure = _tenure(http)
    holder, ring = next((pair for pair in keys.colleagues(tenure) if pair[0].pk == person), (None, None))
    if holder is None or ring is None:
        raise Http404
    if http.method == "POST":
        outcome = _posted(http, tenure, holder)
        if isinstance(outcome, Event):
            messages.success(http, str(_DONE[outcome.action]))
            return redirect("passkeys:colleague", person)
        return _page(http, holder, ring, outcome)
    return _page(http, holder, ring)


_DONE = {
    Action.CONFIRM: _lazy("Kunci dikukuhkan. Pemiliknya sekarang dapat menandatangani."),
    Action.REVOKE: _lazy("Kunci dicabut. Mulai sekarang kunci itu tidak menandatangani apa pun."),
    Action.RECOVER: _lazy("Persetujuan Anda atas pemulihan ini dicatat."),
}


def _posted(http: HttpRequest, tenure: Tenure, holder: Person) -> Event | Refusal | None:
    """What came of the form that was sent; None where it must be filled in better."""
    for kind in (HeardForm, LossForm, RecoveryForm):
        prefix = kind.__name__.lower()
        if prefix not in http.POST:
            continue
        form = kind(http.POST, prefix=prefix)
        if not form.is_valid():
            return None
        told = form.cleaned_data
        if kind is HeardForm:
            return keys.confirm(holder, tenure, told["credential"], told["heard"])
        if kind is LossForm:
            return keys.revoke(holder, tenure, told["credential"], told["reason"])
        return keys.recover(holder, tenure, told["reason"])
    raise Http404


def _page(http: HttpRequest, holder: Person, ring: Ring, no: Refusal | None = None) -> HttpResponse:
    sent = http.POST or None
    cards = []
    for key in _newest_first(ring):
        heard = for_key(HeardForm, key.credential, sent if sent and "heardform" in sent else None)
        loss = for_key(LossForm, key.credential, sent if sent and "lossform" in sent else None)
        waits, over = key.standing is Standing.WAITING, key.standing is Standing.REVOKED
        cards.append(Card(key, "", heard if waits and not ring.lost else None, None if over else loss))
    recovery = RecoveryForm(sent if sent and "recoveryform" in sent else None, prefix="recoveryform")
    shown = [form for card in cards for form in (card.form, card.loss) if form is not None and form.is_bound]
    shown += [recovery] if recovery.is_bound else []
    for form in shown:
        if no is not None:
            form.add_error("heard" if no.code == "fingerprint-differs" else None, sentence(no))
    first = Person.objects.filter(pk=int(ring.recovering)).first() if ring.recovering else None
    context = {
        "holder": holder,
        "cards": cards,
        "ring": ring,
        "recovery": recovery if ring.keys else None,
        "first": first,
        "history": _told(keys.history(holder)),
        "wrong": shown,
    }
    return render(http, "passkeys/colleague.html", context, status=200 if sent is None else 409 if no else 422)


# --- signing ----------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "POST"])
def sign(http: HttpRequest, token: str) -> HttpResponse:
    """What is decided, as it will be signed; and taking in the signature."""
    _tenure(http)
    found = signing.pending(token, http.user)  # type: ignore[arg-type]  # logged in: the middleware asked
    if isinstance(found, Refusal):
        if found.code == "decision-is-unknown":
            raise Http404
        return refused(http, found)
    door = DOORS.get(found.matter)
    if door is None:
        raise Http404
    if http.method == "POST":
        signature = Signature(token, http.POST.get("answer", ""))
        outcome = door.act(found, signing.tenure_of(found) or found.person, signature)
        if isinstance(outcome, Refusal):
            return refused(http, outcome, door.back(found))
        messages.success(http, door.done(found))
        return redirect(door.back(found))
    summary, decision = Summary.from_json(found.summary), Decision.from_json(found.decision)
    context = {
        "found": found,
        "subject": summary.lines[0].values[0].partition("#")[0],
        "summary": summary,
        "rows": [Row(line.name, lines=line.values, digits=line.digits) for line in summary.lines],
        "decision": decision,
        "options": json.dumps(signing.question(found)),
        "back": door.back(found),
        **_place(http),
    }
    return render(http, "passkeys/sign.html", context)


# --- what several pages need ------------------------------------------------------------------------------------------


def _tenure(http: HttpRequest) -> Tenure:
    """The post the reader acts in. Raises Http404 for somebody without one: they have nothing to sign."""
    tenure = posts.current(http)
    if tenure is None:
        raise Http404
    return tenure


def _newest_first(ring: Ring) -> list[Key]:
    return sorted(ring.keys.values(), key=lambda key: -key.n)


def _told(events: list[Event]) -> list[dict[str, Any]]:
    """What happened to keys, newest first, with names for numbers."""
    people = Person.objects.in_bulk([int(one.actor.person) for one in events])
    seats = Post.objects.select_related("institution").in_bulk([int(one.actor.post) for one in events])
    return [
        {
            "at": one.at,
            "action": one.action.value,
            "person": people[int(one.actor.person)],
            "post": seats[int(one.actor.post)],
            "reason": one.payload.get("reason", ""),
        }
        for one in reversed(events)
    ]
