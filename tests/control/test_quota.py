"""What the office knows of an institution's quota: its own orders to match a list, as far as the registry answered them
or has yet to."""

from datetime import timedelta

import pytest
from tests.factories import a_matching_request, a_request, an_institution
from tests.fakes import Registry

from bagipakai.control import clock, order_receipts, quota, requests
from bagipakai.core.request import Action, Role, Status

pytestmark = pytest.mark.django_db

ANSWERED = 812  # rows of each package of the registry in tests/fakes.py


def ordered():
    """A request of which the list of 30 rows was ordered to be matched, and is not yet."""
    chain = a_matching_request(Status.PROCESSING)
    chain.step(Action.PLACE_ORDER, Role.DATA_PREPARER, requests.prefilled(chain.reference, Action.PLACE_ORDER))
    return chain


def taken(chain) -> int:
    return quota.use(chain.asking.institution).taken


def test_an_order_that_waits_takes_the_rows_of_its_list_and_one_that_was_refused_none(office_stands):
    chain = ordered()
    assert taken(chain) == 30
    (order,) = Registry().orders()
    Registry().refuse(order, "order-matching-quota")
    order_receipts.collect()
    assert taken(chain) == 0


def test_an_order_that_was_answered_takes_the_rows_of_the_answer(office_stands):
    chain = a_matching_request(Status.ACCESS_GRANTED)
    assert taken(chain) == ANSWERED
    told = quota.use(chain.asking.institution, 10_000)
    assert (told.rows, told.left, told.fits) == (10_000, told.quota.rows - ANSWERED, True)
    assert quota.use(an_institution(ready=False).institution).taken == 0


def test_data_that_are_no_list_take_nothing(office_stands):
    assert taken(a_request(Status.ACCESS_GRANTED)) == 0


def test_an_order_counts_as_long_as_the_policy_says(office_stands, at):
    chain = ordered()
    days = quota.use(chain.asking.institution).quota.days
    for later, rows in ((days - 1, 30), (days, 0)):
        with at(f"{clock.today() + timedelta(days=later)} 09:00"):
            assert taken(chain) == rows
