"""Of a small place a table tells how many it counts there, and nothing else; and no table is of small places alone."""

from dataclasses import replace

import pytest
from tests.registry.orders import a_plan
from tests.registry.small import DAY, EDITION

from bagipakai.core.disclosure import Cell, Disclosure
from bagipakai.core.plan import Area
from bagipakai.core.query import Count
from bagipakai.core.refusal import Refusal
from bagipakai.registry.disclosure.places import area_too_small, small_places

RULE = replace(Disclosure.on(DAY), smallest_place={"kode_kec": 5_000, "kode_desa": 1_000})
LIVING = {"320101": 4_999, "320102": 5_000, "320103": 9_000}


def living(query: Count) -> list[Cell]:
    assert query.where is None, "who lives there, whatever is asked"
    there = {code: many for code, many in LIVING.items() if not query.area or code in query.area}
    if not query.by:
        return [Cell((), sum(there.values()), 0)]
    assert query.by == ("kode_kec",)
    return [Cell((code,), many, 0) for code, many in there.items()]


@pytest.mark.parametrize("first", ["kode_kec", "desil"])
def test_a_line_that_says_more_of_a_small_place_is_closed(first):
    names = (first, "desil" if first == "kode_kec" else "kode_kec")
    closed = small_places(a_plan("L1", variables=names), RULE, living)
    for code, is_small in (("320101", True), ("320102", False)):
        key = (code, 3) if first == "kode_kec" else (3, code)
        assert closed(key) == is_small and not closed(()) and not closed(key[:1])


@pytest.mark.parametrize("names", [("kode_kab", "desil"), ("kode_kec",)])
def test_nothing_else_is(names):
    closed = small_places(a_plan("L1", variables=names), RULE, living)
    assert not any(closed((code, 3)) or closed((code,)) for code in LIVING)


@pytest.mark.parametrize(
    ("codes", "is_small"),
    [(("320101",), True), (("320102",), False), (("320101", "320103"), False), (("3201",), False), ((), False)],
)
def test_a_table_is_not_of_small_places_alone(codes, is_small):
    no = area_too_small(a_plan("L1", area=Area(codes, EDITION)), RULE, living)
    assert (isinstance(no, Refusal) and no.code == "table-place-too-small") == is_small
