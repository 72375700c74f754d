"""The document matrix is the one of law reference 4.5, and the settings can be read on any day."""

from datetime import date

import pytest

from bagipakai.core.facts import Settings
from bagipakai.core.levels import Levels
from bagipakai.core.policy import NoRule, rules
from bagipakai.core.request import Role
from bagipakai.core.variables import Catalogue

TODAY = date(2026, 11, 26)
LEVELS = Levels.on(TODAY)

# M must · C only on a condition, or may be attached · – none
MATRIX = """
    document               | L2 | L3 | L4
    REQUEST_LETTER         | M  | M  | M
    SECURITY_USE_STATEMENT | M  | M  | M
    HANDLER_DECREE         | M  | M  | M
    ONE_DATA_REGULATION    | C  | C  | C
    TERMS_OF_REFERENCE     | –  | M  | M
    SUPPORTING_DOC         | –  | –  | C
    NDA                    | C  | C  | M
    IMPACT_ASSESSMENT      | –  | C  | M
"""


def cells() -> list[tuple[str, str, str]]:
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in MATRIX.strip().splitlines()]
    return [(row[0], tier, row[at]) for row in rows for at, tier in enumerate(head) if at]


@pytest.mark.parametrize(("document", "tier", "need"), cells())
def test_the_matrix_is_the_one_of_the_law_reference(document, tier, need):
    demanded = document in LEVELS.demanded(tier, "PEMDA_KAB", specific=False)
    offered = document in LEVELS.offered(tier)
    assert {"M": (True, True), "C": (False, True), "–": (False, False)}[need] == (demanded, offered)


def test_conditions():
    """A state company shows its decision; specific data at L3 need an impact assessment."""
    assert "ONE_DATA_REGULATION" in LEVELS.demanded("L2", "BUMN", specific=False)
    assert "IMPACT_ASSESSMENT" in LEVELS.demanded("L3", "KL", specific=True)
    assert "IMPACT_ASSESSMENT" not in LEVELS.demanded("L2", "KL", specific=True)


def test_a_table_on_request_passes_the_gates_of_l2():
    """Decision 0021."""
    assert LEVELS.demanded("L1", "KL", specific=False) == LEVELS.demanded("L2", "KL", specific=False)
    assert LEVELS.tier_of_request("L1").code == "L2"


def test_an_unknown_tier_opens_nothing():
    for tier in ("", "L9"):
        with pytest.raises(KeyError):
            LEVELS.demanded(tier, "KL", specific=False)


def test_gates_grow_with_the_tier():
    gates = [(LEVELS.tiers[tier].dpo_registered, LEVELS.tiers[tier].dpo_opinion) for tier in ("L2", "L3", "L4")]
    assert gates == [(False, False), (True, False), (True, True)]


def test_an_integrity_pact_serves_for_a_non_disclosure_agreement():
    assert Settings.on(TODAY).substitutes["NDA"] == ("INTEGRITY_PACT",)
    assert "INTEGRITY_PACT" in LEVELS.offered("L4")


def test_the_settings_name_every_role_and_only_roles():
    settings = Settings.on(TODAY)
    assert set(settings.competences) == set(Role)
    assert all(set(needed) <= {"technical", "legal", "governance"} for needed in settings.competences.values())


def test_silence_never_decides_by_default():
    settings = Settings.on(TODAY)
    assert settings.lapse_days is None and settings.longest_rounds is None and settings.handover_timing == "late"


def test_every_purpose_has_levels_an_end_and_variables_that_exist():
    catalogue = Catalogue.on(TODAY)
    for (code,), rule in rules("purposes", "purpose", ("code",)).in_force(TODAY).items():
        purpose = Settings.on(TODAY).purposes[code]
        assert purpose.levels <= {"L1", "L2", "L3", "L4"} and 0 < purpose.longest_days <= 366
        assert purpose.bast_kind in {"PEMANFAATAN", "PENGAWASAN", "PEMADANAN"}
        assert purpose.onward_sharing is False or purpose.bast_kind == "PEMANFAATAN"
        assert set(rule["variables"]) <= set(catalogue)


def test_a_purpose_without_names_asks_for_no_names():
    """Where L4 is not allowed, identifiers are not in the list."""
    catalogue = Catalogue.on(TODAY)
    for rule in rules("purposes", "purpose", ("code",)).in_force(TODAY).values():
        if "L4" not in rule["levels"]:
            assert not {name for name in rule["variables"] if catalogue[name].sensitivity == "PERSONAL_IDENTIFIER"}


def test_before_its_first_day_there_is_no_rule():
    with pytest.raises(NoRule):
        Settings.on(date(2020, 1, 1))
