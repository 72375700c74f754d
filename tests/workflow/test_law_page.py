"""The lawyer's page and the diagram say what the tables say, and nothing is left out."""

import re
import xml.etree.ElementTree as ET

import pytest

from bagipakai.core import access, keybook, readiness, workflow
from bagipakai.core.law_page import DEEDS, DIAGRAM, PAGE, PLACES, diagram, edges, page
from bagipakai.core.policy import policies_dir
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Status

TABLES = (workflow, access, readiness, keybook)
REFERENCE = PAGE.with_name("acuan-hukum.md")


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


CITATION = re.compile(
    r"(?:[Aa]cuan hukum|;) (\d+(?:\.\d+)?(?: butir \d+)?(?:, \d+(?:\.\d+)?(?: butir \d+)?)*)(?![\d/.]\d)"
)


def cited(source: str) -> set[str]:
    """The parts of the law reference that a source names: {"4.2", "4.4 butir 5"} of "Acuan hukum 4.2; 4.4 butir 5"."""
    found = set(re.findall(r"\b(?:R-|S)\d\d\b", source))
    for places in CITATION.findall(source):
        section = ""  # whose items the bare numbers are
        for place in places.split(", "):
            if " butir " in place:
                section = place.split(" butir ")[0]
            elif section and "." not in place:
                found.add(f"{section} butir {place}")
                continue
            else:
                section = ""
            found.add(place)
    return found


@pytest.mark.parametrize(
    ("source", "places"),
    [
        ("Acuan hukum 4.4 butir 2; R-30; S04", {"4.4 butir 2", "R-30", "S04"}),
        ("Acuan hukum 4.2, 4.4 butir 3, 6.2; S12", {"4.2", "4.4 butir 3", "6.2", "S12"}),
        ("Artikel (B); acuan hukum 4.4 butir 1, 3, 10", {"4.4 butir 1", "4.4 butir 3", "4.4 butir 10"}),
        ("Acuan hukum 4.4 butir 9; 9; S07", {"4.4 butir 9", "9", "S07"}),
        ("Acuan hukum 4.3; UU 27/2022 (A)", {"4.3"}),
        ("BSSN 4/2021 Pasal 27 (C)", set()),
    ],
)
def test_a_citation_is_read_as_a_lawyer_reads_it(source, places):
    assert cited(source) == places


def test_whatever_is_cited_is_found_in_the_law_reference():
    """By a heading of its own, or by a line of the table of requirements or of scenarios."""
    reference = REFERENCE.read_text("utf-8")
    places = set(re.findall(r"^#+ (\d+(?:\.\d+)?(?: butir \d+)?)\b", reference, re.MULTILINE))
    places |= set(re.findall(r"^\| (R-\d\d|S\d\d) \|", reference, re.MULTILINE))
    of_page = re.findall(r"Sumber: ([^\n]*)\.\n|\*\(([^\n]*)\)\*", page())
    of_policies = [
        one
        for file in policies_dir().glob("*.toml")
        for one in re.findall(r'^basis = "(.*)"', file.read_text("utf-8"), re.M)
    ]
    sources = [*("".join(pair) for pair in of_page), *of_policies]
    assert len({place for source in sources for place in cited(source)}) > 40, "otherwise nothing was read"
    assert {(place, source) for source in sources for place in cited(source) if place not in places} == set()


def test_the_page_leads_to_the_law_reference():
    assert f"]({REFERENCE.name})" in page() and f"]({PAGE.name})" in REFERENCE.read_text("utf-8")


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
