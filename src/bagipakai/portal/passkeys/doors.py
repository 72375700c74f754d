"""Where a signed decision is carried: the counter of its matter, and the pages around it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext_lazy

from bagipakai.control import access, keybook, readiness, requests, submissions
from bagipakai.control.acting import Acting
from bagipakai.control.models import Grant, PendingDecision
from bagipakai.control.passkeys import matters
from bagipakai.control.passkeys.signing import Signature
from bagipakai.core.access import Action as Order
from bagipakai.core.keybook import Action as Binding
from bagipakai.core.readiness import Action as Step
from bagipakai.core.request import Action as Deed
from bagipakai.core.submissions import Action as Handing
from bagipakai.portal.acts.words import ACTS
from bagipakai.portal.readiness.acts import ACTS as STEPS
from bagipakai.portal.readiness.keys import DONE


@dataclass(frozen=True, slots=True)
class Door:
    """`act` does it, or says why not; `back` is the page of the matter, `done` what is said when it has happened."""

    act: Callable[[PendingDecision, Acting, Signature], Any]
    back: Callable[[PendingDecision], str]
    done: Callable[[PendingDecision], str]


def _decide(found: PendingDecision, acting: Acting, signature: Signature) -> Any:
    return requests.handle(found.subject, Deed(found.action), acting, found.payload, found.n - 1, signature)


def _review(found: PendingDecision) -> int:
    return int(found.subject.removeprefix("kesiapan/"))


def _certify(found: PendingDecision, acting: Acting, signature: Signature) -> Any:
    return readiness.handle(_review(found), Step(found.action), acting, found.payload, found.n - 1, signature)


def _house(found: PendingDecision) -> int:
    return int(found.subject.removeprefix("kunci-lembaga/"))


def _bind(found: PendingDecision, acting: Acting, signature: Signature) -> Any:
    return keybook.handle(_house(found), Binding(found.action), acting, found.payload, found.n - 1, signature)


def _book(found: PendingDecision) -> str:
    if found.action == Binding.STATE_KEY:
        return reverse("readiness:key")
    return reverse("readiness:binding", args=[_house(found)])


def _grant(found: PendingDecision) -> int:
    return int(found.subject.removeprefix("hak/"))


def _order(found: PendingDecision, acting: Acting, signature: Signature) -> Any:
    return access.handle(_grant(found), Order(found.action), acting, found.payload, found.n - 1, signature)


def _request(found: PendingDecision) -> str:
    return reverse("requests:show", args=[Grant.objects.get(pk=_grant(found)).request.reference])


ORDERED = {
    Order.SUSPEND: gettext_lazy("Hak akses ditangguhkan. Mulai sekarang tidak ada bagian paket yang dapat diunduh."),
    Order.RESUME: gettext_lazy("Sanksi diakhiri. Paket dapat diunduh lagi bila tidak ada penangguhan lain."),
    Order.REVOKE: gettext_lazy("Hak akses dicabut dan tidak dapat dipulihkan."),
}


def _submission(found: PendingDecision) -> int:
    return int(found.subject.removeprefix("kiriman/"))


def _hand_in(found: PendingDecision, acting: Acting, signature: Signature) -> Any:
    return submissions.handle(_submission(found), Handing(found.action), acting, found.payload, found.n - 1, signature)


HANDED_IN = {
    Handing.SUBMIT: gettext_lazy("Kiriman diteruskan ke gudang data untuk diperiksa."),
    Handing.CANCEL: gettext_lazy("Pembatalan diteruskan ke gudang data, yang menghapus kiriman ini."),
}

DOORS: dict[str, Door] = {  # by kind of matter; a matter without a door cannot be signed
    matters.REQUEST: Door(
        _decide,
        lambda found: reverse("requests:show", args=[found.subject]),
        lambda found: str(ACTS[Deed(found.action)].done),
    ),
    matters.READINESS: Door(
        _certify,
        lambda found: reverse("readiness:show", args=[_review(found)]),
        lambda found: str(STEPS[Step(found.action)].done),
    ),
    matters.RECIPIENT_KEY: Door(_bind, _book, lambda found: str(DONE[Binding(found.action)])),
    matters.SUBMISSION: Door(
        _hand_in,
        lambda found: reverse("submissions:show", args=[_submission(found)]),
        lambda found: str(HANDED_IN[Handing(found.action)]),
    ),
    matters.ACCESS: Door(_order, _request, lambda found: str(ORDERED[Order(found.action)])),
}
