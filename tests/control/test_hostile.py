"""Hands inside the house: what a preparer, an applicant or the registry itself might try against the office."""

import pytest
from tests.factories import a_request
from tests.fakes import Registry
from tests.owner import change

from bagipakai.control import order_receipts, requests
from bagipakai.control.models import PlacedOrder, Release
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Role, Status

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("office_stands")]


@pytest.mark.parametrize("changed", [{"order": "PES-2026-999999-1"}, {"order": "a\nb"}, {"release": "2026.1.0"}])
def test_a_preparer_cannot_name_an_order_or_a_release_of_their_own(changed):
    """The id of somebody else's next order would bar its way into the mailbox for good."""
    chain = a_request(at=Status.PROCESSING)
    filled = requests.prefilled(chain.reference, Action.PLACE_ORDER)
    outcome = chain.attempt(Action.PLACE_ORDER, Role.DATA_PREPARER, filled | changed)
    assert isinstance(outcome, Refusal) and outcome.code == "content-differs-from-what-was-seen"
    assert not PlacedOrder.objects.exists()
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, filled)


@pytest.mark.parametrize(
    "told",
    [
        {"package": "../keys"},
        {"package": "paket-00000000-0000-0000-0000-000000000000"},
        {"columns": ("nama", "desil")},
        {"columns": ()},
        {"release": "2026.1.0"},
        {"manifest": "0" * 64},
        {"rows": 10**9},
        {"hidden_cells": 7},
    ],
)
def test_a_receipt_that_says_other_than_the_sealed_package_delivers_nothing(told):
    """The registry's receipt is held against what stands in the store under the controller's seal (T5, T13)."""
    chain = a_request(at=Status.PROCESSING)
    _answered(chain, **told)
    assert chain.state.delivered.refusal == "receipt-differs-from-its-package"
    assert isinstance(chain.attempt(Action.SEND_TO_QUALITY, Role.DATA_PREPARER), Refusal)
    _answered(chain)
    chain.step(Action.SEND_TO_QUALITY, Role.DATA_PREPARER)


def test_a_package_from_another_release_of_the_same_version_delivers_nothing():
    """What was announced is what was ordered from: a release made again under its old name is another one."""
    chain = a_request(at=Status.PROCESSING)
    change(Release.objects.all(), digest="ef" * 32)
    _answered(chain)
    assert chain.state.delivered.refusal == "receipt-differs-from-its-package"


def _answered(chain, **told):
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    registry = Registry()
    (order,) = registry.orders()
    registry.answer(order, **told)
    assert order_receipts.collect() == 1


@pytest.mark.parametrize("role", [Role.APPLICANT, Role.SUBSTANCE_VERIFIER])
def test_only_whom_it_waits_for_claims_a_request(role):
    """Otherwise whoever asks could stand in the way of whoever examines."""
    chain = a_request(at=Status.ADMIN_CHECK)
    who = (chain.asking if role is Role.APPLICANT else chain.office)[role]
    assert requests.claim(chain.reference, who).code == "not-this-role"
    assert requests.claim(chain.reference, chain.office[Role.ADMIN_VERIFIER]) is None
