"""The keys to which packages are sealed: the head of an institution states one, the controller's officer confirms."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from bagipakai.control import clock, keybook
from bagipakai.control.models import Institution, PendingDecision, Person, Post, Tenure
from bagipakai.core.keybook import Action, Book, Event, Statement, Term
from bagipakai.core.manifest import read_aloud
from bagipakai.core.refusal import Refusal
from bagipakai.portal.accounts import posts
from bagipakai.portal.accounts.menu import offers
from bagipakai.portal.pages.refused import lang, refused, sentence
from bagipakai.portal.templatetags.parts import day

DONE = {
    Action.STATE_KEY: gettext_lazy("Kunci dinyatakan. Tunggu telepon petugas Pengendali DTSEN, lalu bacakan sidiknya."),
    Action.CONFIRM_KEY: gettext_lazy("Kunci dikukuhkan. Paket yang dipesan sejak sekarang disandikan untuk kunci itu."),
    Action.WITHDRAW_KEY: gettext_lazy("Kunci dicabut. Mulai sekarang tidak ada paket yang dipesan untuk kunci itu."),
}


class KeyForm(forms.Form):
    """The public half of a key that was made at the institution."""

    kunci = forms.CharField(
        label=gettext_lazy("Kunci publik"),
        help_text=gettext_lazy(
            "Seluruh baris yang dicetak alat penerima: age1… untuk menyegel paket, ed25519:… untuk tanda terima. "
            "Kunci rahasia (AGE-SECRET-KEY) jangan pernah dikirim."
        ),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Tempel kunci publik yang dibuat alat penerima")},
    )


class HeardForm(forms.Form):
    """What the officer was read aloud by telephone."""

    heard = forms.CharField(
        label=gettext_lazy("Sidik yang dibacakan lembaga"),
        help_text=gettext_lazy("Tulis ke-32 huruf dan angkanya. Spasi dan huruf besar tidak berpengaruh."),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": gettext_lazy("Tulis sidik yang dibacakan lembaga")},
    )


class WithdrawalForm(forms.Form):
    """One key among those that stand is not to be used any more."""

    statement = forms.CharField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label=gettext_lazy("Alasan"),
        help_text=gettext_lazy("Contoh: komputer hilang, petugas pemegang kunci berganti, sidiknya tidak cocok"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=1000,
        error_messages={"required": gettext_lazy("Tuliskan alasannya")},
    )


@dataclass(frozen=True)
class Card:
    """A key as a page shows it. `spoken`: what is read aloud; nothing where it must be heard from others."""

    key: Statement
    word: str
    sentiment: str
    spoken: str
    withdrawal: WithdrawalForm | None = None


def cards(book: Book, sent: Any = None, *, aloud: bool = True, withdrawing: bool = False) -> list[Card]:
    """The key that waits and the one that was confirmed last. `aloud`: also what is read aloud of the one that waits.
    `withdrawing`: with a form for that, filled if `sent` is about this key."""
    today, term = clock.today(), Term.on(clock.today())
    found = []
    for key in (book.waiting, book.current):
        if key is None:
            continue
        waits = key is book.waiting
        if waits:
            word, sentiment = _("Menunggu pengukuhan"), "warning"
        elif key.withdrawn:
            word, sentiment = _("Dicabut"), "negative"
        elif today > key.until:
            word, sentiment = _("Berakhir"), "negative"
        elif key.ends_soon(today, term):
            word, sentiment = _("Segera berakhir"), "warning"
        else:
            word, sentiment = _("Berlaku"), "positive"
        spoken = read_aloud(key.fingerprint) if aloud or not waits else ""
        form = _withdrawal(key, sent) if withdrawing and key in book.standing() else None
        found.append(Card(key, word, sentiment, spoken, form))
    return found


def advice(book: Book) -> str:
    """What the institution has to do about its key now; empty when nothing."""
    today = clock.today()
    found = book.key_on(today)
    if book.waiting is not None:
        until_then = "" if isinstance(found, Refusal) else " " + _("Sampai dikukuhkan, kunci yang lama tetap dipakai.")
        told = _("Petugas Pengendali DTSEN akan menelepon lembaga Anda. Bacakan sidik kunci yang menunggu itu.")
        return told + until_then
    if isinstance(found, Refusal):
        return sentence(found)
    if found.ends_soon(today, Term.on(today)):
        told = _(
            "Kunci penerima berakhir %(day)s. Buat kunci baru dan nyatakan sebelum itu; pesanan sesudahnya ditolak."
        )
        return told % {"day": day(found.until)}
    return ""


@require_http_methods(["GET", "POST"])
def key(http: HttpRequest) -> HttpResponse:
    """The key of the head's own institution: how it stands, stating a new one, withdrawing one."""
    tenure = posts.current(http)
    if tenure is None or not offers(http, "readiness:key"):
        raise Http404
    house = tenure.post.institution
    if "statement" in http.POST:
        return _withdrawn(http, tenure, house, reverse("readiness:key")) or _key_page(http, house, KeyForm(), 422)
    form = KeyForm(http.POST or None)
    if not form.is_valid():
        return _key_page(http, house, form, 422 if form.is_bound else 200)
    says = keybook.statement(house, form.cleaned_data["kunci"])
    outcome = keybook.draw_up(house.pk, Action.STATE_KEY, tenure, says, keybook.book(house).n, lang())
    if isinstance(outcome, PendingDecision):
        return redirect("passkeys:sign", outcome.token)
    if outcome.code == "key-is-private":
        form.data = {"kunci": ""}  # a secret is not sent back
    form.add_error("kunci", sentence(outcome))
    return _key_page(http, house, form, 422)


def _key_page(http: HttpRequest, house: Institution, form: KeyForm, status: int) -> HttpResponse:
    book = keybook.book(house)
    shown = cards(book, http.POST or None, withdrawing=True)
    context = {
        "institution": house,
        "form": form,
        "cards": shown,
        "advice": advice(book),
        "wrong": _wrong(form, shown),
        "history": _told(house),
    }
    return render(http, "readiness/key.html", context, status=status)


@require_http_methods(["GET", "POST"])
def binding(http: HttpRequest, institution: int) -> HttpResponse:
    """The key of another institution: confirming the one that waits by what is heard, withdrawing one. What is read
    aloud of a key that waits is not on this page: it must be heard from the institution."""
    tenure = posts.current(http)
    house = next((row for row, _book in keybook.kept(tenure) if row.pk == institution), None) if tenure else None
    if tenure is None or house is None:
        raise Http404
    if "statement" in http.POST:
        here = reverse("readiness:binding", args=[institution])
        return _withdrawn(http, tenure, house, here) or _binding_page(http, tenure, house, HeardForm(), 422)
    form = HeardForm(http.POST or None)
    if not form.is_valid():
        return _binding_page(http, tenure, house, form, 422 if form.is_bound else 200)
    seen = keybook.book(house).n
    outcome = keybook.draw_up(house.pk, Action.CONFIRM_KEY, tenure, form.cleaned_data, seen, lang())
    if isinstance(outcome, PendingDecision):
        return redirect("passkeys:sign", outcome.token)
    form.add_error("heard", sentence(outcome))
    return _binding_page(http, tenure, house, form, 409)


def _binding_page(http: HttpRequest, tenure: Tenure, house: Institution, form: HeardForm, status: int) -> HttpResponse:
    book = keybook.book(house)
    may = {one.action: one.refusal for one in keybook.possible(house, tenure)}
    no = may.get(Action.CONFIRM_KEY)
    shown = cards(book, http.POST or None, aloud=False, withdrawing=True)
    context = {
        "institution": house,
        "form": form if book.waiting is not None and no is None else None,
        "hindrance": sentence(no) if no is not None else "",
        "cards": shown,
        "wrong": _wrong(form, shown),
        "history": _told(house),
    }
    return render(http, "readiness/binding.html", context, status=status)


def _withdrawn(http: HttpRequest, tenure: Tenure, house: Institution, here: str) -> HttpResponse | None:
    """What came of withdrawing a key; None where the form must be filled in better."""
    form = WithdrawalForm(http.POST)
    if not form.is_valid():
        return None
    seen = keybook.book(house).n
    outcome = keybook.handle(house.pk, Action.WITHDRAW_KEY, tenure, form.cleaned_data, seen)
    if isinstance(outcome, Refusal):
        return refused(http, outcome, here)
    messages.success(http, str(DONE[Action.WITHDRAW_KEY]))
    return redirect(here)


def _withdrawal(key: Statement, sent: Any) -> WithdrawalForm:
    """The form about one key among several on a page; filled if `sent` is about this one."""
    mine = sent if sent is not None and sent.get("statement") == key.digest else None
    return WithdrawalForm(mine, initial={"statement": key.digest}, auto_id=f"id_{key.digest[:12]}_%s")


def _wrong(form: forms.Form, shown: list[Card]) -> list[forms.Form]:
    every: Iterator[forms.Form | None] = iter([form, *(card.withdrawal for card in shown)])
    return [one for one in every if one is not None and one.errors]


def _told(house: Institution) -> list[dict[str, Any]]:
    """What happened to the keys of an institution, newest first, with names for numbers."""
    events: list[Event] = keybook.history(house)
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
