"""The decision: by whom it may be made, on what was seen, and within what was asked, proposed and consented to."""

from typing import Final

from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Command, State, Verdict
from bagipakai.core.table import about_payload

_NO: Final = Verdict("REJECT", "", "", "", "")  # what nobody said counts as no


@about_payload
def is_not_the_owner(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["verdicts"]:
        if (facts.owners or {}).get(name) != command.actor.institution:
            return Refusal("is-not-the-owner", {"variable": name})
    return None


def owner_is_silent(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Silence escalates and never consents (S14). Who asks for its own fields need not consent to itself."""
    if facts.owners is None:
        return Refusal("owner-is-silent")
    silent = [
        name
        for name in state.asked
        if facts.owners.get(name, state.institution) != state.institution
        and state.proposals.get(name, _NO).verdict != "REJECT"
        and state.owner_verdicts.get(name, _NO).institution != facts.owners[name]
    ]
    return Refusal("owner-is-silent", {"variables": ", ".join(silent)}) if silent else None


@about_payload
def approves_more_than_was_proposed(state: State, command: Command, facts: Facts) -> Refusal | None:
    """approved ⊆ proposed ⊆ asked, for each variable and for the level; and no owner said no."""
    level = command.payload["level"]
    if level > str(state.answers.get("level")):
        return Refusal("approves-more-than-was-proposed", {"variable": level})
    for name in command.payload["variables"]:
        words = [state.proposals.get(name, _NO)]
        if name in state.owner_verdicts:
            words.append(state.owner_verdicts[name])
        if name not in state.asked or any(
            one.verdict == "REJECT" or (one.verdict == "LOWER" and level > one.level) for one in words
        ):
            return Refusal("approves-more-than-was-proposed", {"variable": str(name)})
    return None


@about_payload
def exempts_more_than_was_proposed(state: State, command: Command, facts: Facts) -> Refusal | None:
    """It takes two persons: whoever decides adds no exemption to those that were proposed. That these are two,
    `already_examined_it` sees to."""
    for rule in command.payload.get("exempted", ()):
        if rule not in state.exemptions:
            return Refusal("exempts-more-than-was-proposed", {"rule": rule[:40]})
    return None


@about_payload
def content_differs_from_what_was_seen(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A decision signs what the decider saw (invariant 6)."""
    if facts.plan and (command.payload["plan"], command.payload["content"]) == (facts.plan, state.content):
        return None
    return Refusal("content-differs-from-what-was-seen")


def content_differs_from_what_was_approved(state: State, command: Command, facts: Facts) -> Refusal | None:
    decision = state.decision
    if decision is not None and facts.plan and (decision.plan, decision.content) == (facts.plan, state.content):
        return None
    return facts.plan_refusal or Refusal("content-differs-from-what-was-approved")


def product_is_not_reduced(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Only who was given less than was asked may amend instead of signing (S14)."""
    decision = state.decision
    if decision is not None and (
        set(decision.variables) < set(state.asked) or decision.level < str(state.answers.get("level"))
    ):
        return None
    return Refusal("product-is-not-reduced")


@about_payload
def amends_an_unknown_question(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["fields"]:
        if name not in facts.questions:
            return Refusal("amends-an-unknown-question", {"field": str(name)})
    return None
