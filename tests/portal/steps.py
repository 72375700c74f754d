"""Small steps that several of the portal's tests take."""

from contextlib import suppress

from django.test import Client
from tests.authenticators import key_of
from tests.factories import Chain, a_request

from bagipakai.control.models import Person
from bagipakai.core.request import Action, Role, Status


def entering(person: Person) -> Client:
    """A browser in which this person is logged in."""
    client = Client()
    client.force_login(person)
    return client


def with_a_key(person: Person) -> Client:
    """The same, of somebody who can sign, where their house lets them hold a key."""
    with suppress(LookupError):
        key_of(person)
    return entering(person)


def a_returned_request(level: str = "L2") -> Chain:
    """A request that the admin check returned, for its legal basis and one letter."""
    chain = a_request(at=Status.ADMIN_CHECK, level=level)
    items = [
        {"code": "answer-unclear", "target": "field:legal_basis", "note": "Sebutkan pasalnya"},
        {"code": "document-unsigned", "target": "document:REQUEST_LETTER", "note": "Minta tanda tangan kepala dinas"},
    ]
    chain.step(Action.RETURN, Role.ADMIN_VERIFIER, {"items": items, "reopen": []})
    return chain


def standing_at(status: Status, level: str = "L2") -> Chain:
    """A request at any stage, returned ones included."""
    return a_returned_request(level) if status is Status.RETURNED else a_request(at=status, level=level)
