"""The lawyer's page and the diagram say what the tables say, and nothing is left out."""

import re
import xml.etree.ElementTree as ET

import pytest

from bagipakai.core import access, readiness, workflow
from bagipakai.core.law_page import DEEDS, DIAGRAM, PAGE, PLACES, diagram, edges, page
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Status

TABLES = (workflow, access, readiness)


def test_the_page_in_the_repository_is_the_one_the_tables_make():
    """Otherwise: python -m bagipakai.core.law_page"""
    assert PAGE.read_text("utf-8") == page()


def test_the_diagram_in_the_repository_is_the_one_the_table_makes():
    assert DIAGRAM.read_text("utf-8") == diagram()


@pytest.mark.parametrize("table", TABLES, ids=lambda one: one.__name__.rsplit(".", 1)[-1])
def test_every_line_of_every_table_stands_on_the_page_with_its_source(table):
    text = page()
    for rule in table.RULES:
        assert f"{DEEDS[rule.action.value]}** (`{rule.action.value}`)" in text
        assert f"Sumber: {rule.basis}." in text
        for objects in rule.objections:
            no = Refusal(objects.__name__.replace("_", "-"))
            assert f"`{no.code}`: {re.split('[{]', no.template())[0]}" in text


def test_every_stage_has_its_place_in_the_diagram_and_every_way_its_line():
    drawn = ET.fromstring(diagram())  # noqa: S314  # our own text, a moment old
    shapes = list(drawn.iter())
    assert set(PLACES) == set(Status) and len(set(PLACES.values())) == len(Status)
    boxes = [one for one in shapes if one.tag.endswith("rect") and one.get("rx")]
    lines = [one for one in shapes if one.tag.endswith("path") and not one.get("style")]
    assert (len(boxes), len(lines)) == (len(Status), len(edges()))


def test_the_diagram_can_be_heard():
    """It has a title and a description for those who do not see it."""
    assert '<title id="t">' in diagram() and '<desc id="d">' in diagram() and 'role="img"' in diagram()
