"""The checks: of what was sent and nothing else, clarified where it was not plain, with a word on each variable."""

from bagipakai.core.disclosure import EXEMPTIBLE
from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Command, State
from bagipakai.core.shapes import is_text
from bagipakai.core.table import about_payload


def content_is_not_frozen(state: State, command: Command, facts: Facts) -> Refusal | None:
    """The content now is not the content that was sent. No rule leads here; a changed database does."""
    if state.versions and state.versions[-1].content == state.content:
        return None
    return Refusal("content-is-not-frozen")


def clarification_is_not_recorded(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if state.clarification else Refusal("clarification-is-not-recorded")


@about_payload
def confirms_another_record(state: State, command: Command, facts: Facts) -> Refusal | None:
    if state.clarification in ("", command.payload["document"]):
        return None
    return Refusal("confirms-another-record")


@about_payload
def variable_was_not_asked(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["verdicts"]:
        if name not in state.asked:
            return Refusal("variable-was-not-asked", {"variable": str(name)})
    return None


@about_payload
def verdict_has_no_reason(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A refusal, a lower level, and every word on a specific variable carry their reason (law reference 6.2)."""
    for name, one in command.payload["verdicts"].items():
        if (one["verdict"] != "APPROVE" or name in facts.specific) and not is_text(one["reason"]):
            return Refusal("verdict-has-no-reason", {"variable": name})
    return None


def proposal_is_incomplete(state: State, command: Command, facts: Facts) -> Refusal | None:
    missing = [name for name in state.asked if name not in state.proposals]
    return Refusal("proposal-is-incomplete", {"variables": ", ".join(missing)}) if missing else None


def dpo_opinion_is_missing(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("dpo-opinion-is-missing") if facts.opinion_required and not state.opinion else None


def has_no_rows_without_names(state: State, command: Command, facts: Facts) -> Refusal | None:
    """The rules for rows are about rows that name nobody: a table has its own, and so has a list that is matched."""
    return None if state.without_names else Refusal("has-no-rows-without-names")


@about_payload
def rule_is_not_exemptible(state: State, command: Command, facts: Facts) -> Refusal | None:
    for rule in command.payload["exemptions"]:
        if rule not in EXEMPTIBLE:
            return Refusal("rule-is-not-exemptible", {"rule": rule[:40]})
    return None


@about_payload
def exemption_has_no_reason(state: State, command: Command, facts: Facts) -> Refusal | None:
    for rule, reason in command.payload["exemptions"].items():
        if not is_text(reason):
            return Refusal("exemption-has-no-reason", {"rule": rule})
    return None


def exemption_has_no_opinion(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Rows that do not meet a rule leave only where the officer for data protection was heard on it, whatever the
    level (disclosure reference 3.1, class C)."""
    return Refusal("exemption-has-no-opinion") if state.exemptions and not state.opinion else None
