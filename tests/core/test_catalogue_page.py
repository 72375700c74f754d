"""The catalogue's page says what the policy says."""

from datetime import date

from bagipakai.core.catalogue_page import PAGE, page
from bagipakai.core.variables import Catalogue

CATALOGUE = Catalogue.on(date.max)


def test_the_page_is_the_one_that_the_policy_makes():
    """Otherwise: python -m bagipakai.core.catalogue_page"""
    assert PAGE.read_text("utf-8") == page(CATALOGUE)


def test_the_page_has_every_variable_once_and_every_code():
    lines = page(CATALOGUE).splitlines()
    for variable in CATALOGUE.values():
        assert sum(line.startswith(f"| `{variable.name}` |") for line in lines) == 1
        for code in variable.codes or ():
            assert f"| {code} | {variable.codes.label(code)} |" in lines
