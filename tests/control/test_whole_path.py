"""From a first draft to a package that may be fetched: the whole way, by the people whose turn it is."""

import pytest

from bagipakai.core.request import Status
from tests.factories import a_request

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("level", ["L1", "L2", "L3", "L4"])
def test_a_request_of_each_level_comes_to_access(level):
    """S01: every stage, each by another person, to a grant that names exactly what was approved."""
    chain = a_request(at=Status.ACCESS_GRANTED, level=level)
    assert chain.state.status is Status.ACCESS_GRANTED
