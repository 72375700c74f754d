"""The agreement and the hand-over record: signed by both parties, once, under the paper as it was set."""

from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Command, Delivered, State, signed_by_both
from bagipakai.core.table import about_payload


@about_payload
def signs_another_agreement(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.agreement and command.payload["document"] == facts.agreement:
        return None
    return Refusal("signs-another-agreement")


@about_payload
def signs_another_handover(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.handover and command.payload["document"] == facts.handover:
        return None
    return Refusal("signs-another-handover")


def agreement_is_signed_already(state: State, command: Command, facts: Facts) -> Refusal | None:
    mine = state.agreement.get(command.actor.role)
    return Refusal("agreement-is-signed-already") if mine is not None and mine.document == facts.agreement else None


def handover_is_signed_already(state: State, command: Command, facts: Facts) -> Refusal | None:
    mine = state.handover.get(command.actor.role)
    return Refusal("handover-is-signed-already") if mine is not None and mine.document == facts.handover else None


def agreement_is_unsigned(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if signed_by_both(state.agreement) else Refusal("agreement-is-unsigned")


def handover_is_unsigned(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if signed_by_both(state.handover) else Refusal("handover-is-unsigned")


def early_handover_is_unsigned(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.settings.handover_timing != "early" or signed_by_both(state.handover):
        return None
    return Refusal("early-handover-is-unsigned")


def handover_comes_after_quality(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if facts.settings.handover_timing == "early" else Refusal("handover-comes-after-quality")


@about_payload
def names_another_plan(state: State, command: Command, facts: Facts) -> Refusal | None:
    if state.decision is not None and command.payload["plan"] == state.decision.plan:
        return None
    return Refusal("names-another-plan")


@about_payload
def names_another_package(state: State, command: Command, facts: Facts) -> Refusal | None:
    if state.delivered is not None and command.payload["manifest"] == state.delivered.manifest:
        return None
    return Refusal("names-another-package")


def package_differs_from_what_was_signed(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Signed late, the record names the package; signed early, it names the plan, and the package must be of it."""
    delivered = state.delivered
    if delivered is not None and all(
        one.plan == delivered.plan and one.manifest in _manifests(delivered, facts) for one in state.handover.values()
    ):
        return None
    return Refusal("package-differs-from-what-was-signed")


def _manifests(delivered: Delivered, facts: Facts) -> tuple[str, ...]:
    return (delivered.manifest, "") if facts.settings.handover_timing == "early" else (delivered.manifest,)
