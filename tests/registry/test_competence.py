"""Nobody receives rows from outside their own region: what the office checked, the registry checks again."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.registry.orders import PLACED, a_house, a_plan, an_order, recipient
from tests.registry.small import small_release

from bagipakai.core.plan import NATION, Unit
from bagipakai.registry.counter import objection
from bagipakai.registry.deliver import deliver

PLACES = ["32", "3201", "320101", "3201011001", "320102", "3273", "327301", "51", "5171", "517101"]
NOWHERE = ["", "3", "320", "32010", "ID ", "id", "٣٢", "32.01", "XX"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return small_release(tmp_path_factory.mktemp("releases"))


def told(plan, release) -> str:
    no = objection(an_order(plan), release, PLACED)
    return "" if no is None else no.code


def planned(codes, competence):
    plan = a_plan(recipient=recipient(competence=competence))
    return replace(plan, area=replace(plan.area, codes=tuple(codes)))


AREAS = st.lists(st.sampled_from(PLACES), unique=True, max_size=3).filter(
    lambda codes: not any(one != other and one.startswith(other) for one in codes for other in codes)
)


@settings(deadline=None)
@given(AREAS, st.sampled_from([NATION, *PLACES, *NOWHERE]))
def test_an_order_passes_exactly_where_every_place_of_it_lies_inside(published, codes, competence):
    """Inside is told here by the places themselves: which of those that we know lie in the area, and in the region."""
    wanted = {place for place in PLACES if not codes or any(place.startswith(code) for code in codes)}
    inside = {
        place for place in PLACES if competence == NATION or (competence in PLACES and place.startswith(competence))
    }
    code = told(planned(codes, competence), published[0])
    assert (code == "") == (wanted <= inside)
    if code:
        assert code == ("plan-competence-unknown" if competence in NOWHERE else "area-outside-competence")


@pytest.mark.parametrize("competence", [NATION, "32", "3201", "320101", "5171", "", "91"])
@pytest.mark.parametrize("codes", [(), ("3201",), ("3201", "5171"), ("320101",)])
def test_no_row_from_outside_is_delivered(published, tmp_path, codes, competence):
    release, rows = published
    house = a_house(tmp_path / "var")
    receipt = deliver(an_order(planned(codes, competence)), release, house.keys, house.places, clock=lambda: PLACED)
    outside = [
        row
        for row in rows[Unit.INDIVIDU]
        if competence != NATION and not row["kode_desa"].startswith(competence or "x")
    ]
    inside = [row for row in rows[Unit.INDIVIDU] if row not in outside]
    if receipt.refusal:
        assert house.packages == [] and receipt.rows == 0
        return
    wanted = [row for row in inside if not codes or row["kode_desa"].startswith(codes)]
    assert receipt.rows == len(wanted)
    assert not [row for row in outside if not codes or row["kode_desa"].startswith(codes)]
