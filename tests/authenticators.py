"""Keys for people in tests, honest and not. All of them answer as a browser would; the office verifies every one."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from django.test import Client

from bagipakai.control import access, clock, requests
from bagipakai.control.acting import Acting, person_of
from bagipakai.control.models import Grant, PendingDecision, Person
from bagipakai.control.passkeys import signing
from bagipakai.control.passkeys.signing import Signature
from bagipakai.core.decisions import PRESENT, VERIFIED, Signing
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Event
from bagipakai.demo.authenticator import Authenticator, Wallet
from bagipakai.demo.signatures import MATTERS

WALLET = Wallet()


def the_same_key(one: Authenticator, kind: type[Authenticator] = Authenticator, **told: Any) -> Authenticator:
    """A copy of a key, in the hands of an authenticator that behaves otherwise."""
    return kind(one.key, one.credential, one.counter, **told)


class Elsewhere(Authenticator):
    """Signs on a page of another address, and says so, as browsers do."""

    def client_data(self, kind: str, challenge: str, origin: str) -> bytes:
        return super().client_data(kind, challenge, "https://berbagipakai.contoh-palsu.id")


class Framed(Authenticator):
    """Signs in a frame of somebody else's page."""

    def client_data(self, kind: str, challenge: str, origin: str) -> bytes:
        return super().client_data(kind, challenge, origin).replace(b'"crossOrigin":false', b'"crossOrigin":true')


class OtherService(Authenticator):
    def data(self, rp_id: str, flags: int) -> bytes:
        return super().data("layanan-lain.contoh.id", flags)


class Unverified(Authenticator):
    """Whoever holds it may sign with it."""

    def flags(self) -> int:
        return PRESENT


class Untouched(Authenticator):
    def flags(self) -> int:
        return VERIFIED


class Enrolling(Authenticator):
    """Says that it made a key when it was asked to sign."""

    def client_data(self, kind: str, challenge: str, origin: str) -> bytes:
        return super().client_data("webauthn.create", challenge, origin)


class Uncounting(Authenticator):
    """A key that does not count, as synchronised passkeys do not."""

    def data(self, rp_id: str, flags: int) -> bytes:
        self.counter = 0
        return super().data(rp_id, flags)


class GoingBack(Authenticator):
    """A copy that has signed less often than the key it was copied from."""

    def data(self, rp_id: str, flags: int) -> bytes:
        self.counter = 1
        return super().data(rp_id, flags)


def draw_up(
    reference: str, action: Action, who: Acting, payload: Mapping[str, Any] | None = None, lang: str = "id"
) -> PendingDecision | Refusal:
    """Asks to act; what is to be signed, or why not."""
    return requests.draw_up(reference, action, who, payload or {}, requests.state(reference).n, lang)


def handle(
    reference: str,
    action: Action,
    who: Acting,
    payload: Mapping[str, Any] | None = None,
    *,
    seen: int | None = None,
    signature: Signature | None = None,
) -> Event | Refusal:
    """Does it, if it is signed."""
    seen = requests.state(reference).n if seen is None else seen
    return requests.handle(reference, action, who, payload, seen, signature)


def decide(reference: str, action: Action, who: Acting, payload: Mapping[str, Any] | None = None) -> Event | Refusal:
    """Draws up, signs with the person's own key, and does it."""
    WALLET.of(person_of(who))
    found = draw_up(reference, action, who, payload)
    if isinstance(found, Refusal):
        return found
    return handle(reference, action, who, payload, seen=found.n - 1, signature=WALLET.sign(found))


def act(door: Any, subject: Any, action: Any, who: Acting, payload: Mapping[str, Any], seen: int) -> Any:
    """Does it by `door` (one of MATTERS) as people do: signed where it must be. Who can have no key, because a post or
    an account ended, comes to the door without one."""
    return at_the_door(door, subject, action, who, payload, seen)()


def at_the_door(
    door: Any, subject: Any, action: Any, who: Acting, payload: Mapping[str, Any], seen: int
) -> Callable[[], Any]:
    """The same, drawn up and signed already: what is left is to hand it in."""
    unsigned = lambda: door.handle(subject, action, who, payload, seen)  # noqa: E731
    if not signing.needed(MATTERS[door], action):
        return unsigned
    try:
        WALLET.of(person_of(who))
    except LookupError:
        return unsigned
    found = door.draw_up(subject, action, who, payload, seen)
    if isinstance(found, Refusal):
        return lambda: found
    signature = WALLET.sign(found)
    return lambda: door.handle(subject, action, who, payload, seen, signature=signature)


def order_about(grant: Grant, action: access.Action, who: Acting, reason: str) -> Any:
    """The controller's order about a grant, signed."""
    return act(access, grant.pk, action, who, access.ordered(action, reason), access.state_of(grant).n)


def sign_on(client: Client, page: Any) -> Any:
    """Where a page leads to signing, signs there with the person's own key; what follows. Any other page as it is."""
    token = re.fullmatch(r"/kunci/tandatangan/([^/]+)/", getattr(page, "url", ""))
    if token is None:
        return page
    found = PendingDecision.objects.get(token=token[1])
    return client.post(page.url, {"answer": WALLET.sign(found).answer})


def press(client: Client, address: str, told: Mapping[str, Any]) -> Any:
    """Posts a page of an act as whoever is logged in; signs where it leads to signing; what follows."""
    action = address.rstrip("/").rsplit("/", 1)[-1].upper().replace("-", "_")
    if action in {one for _, one in Signing.on(clock.today()).acts}:
        with suppress(LookupError):
            WALLET.of(Person.objects.get(pk=client.session["_auth_user_id"]))
    return sign_on(client, client.post(address, told))


def key_of(person: Person) -> Authenticator:
    return WALLET.of(person)
