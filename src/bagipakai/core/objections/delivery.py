"""From the order to the end of the access: one order at a time, its package proven, nothing after its day."""

from typing import Final

from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Command, State
from bagipakai.core.shapes import day_of
from bagipakai.core.table import about_payload

SUB_STEPS: Final = ("SELECTION", "AGGREGATION", "FORMATTING", "ACCESS_SECURING", "PROVISIONING")


def record_is_broken(state: State, command: Command, facts: Facts) -> Refusal | None:
    """The events of this request are not as they were written: nothing leaves on the strength of them."""
    return None if facts.record_is_whole else Refusal("record-is-broken")


def processor_has_no_mandate(state: State, command: Command, facts: Facts) -> Refusal | None:
    return None if facts.processor_mandated else Refusal("processor-has-no-mandate")


def order_is_running(state: State, command: Command, facts: Facts) -> Refusal | None:
    if not state.orders or state.delivered is not None:
        return None
    return Refusal("order-is-running", {"order": state.orders[-1]})


@about_payload
def order_is_used_already(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("order-is-used-already") if command.payload["order"] in state.orders else None


@about_payload
def order_is_not_the_last(state: State, command: Command, facts: Facts) -> Refusal | None:
    if state.orders and command.payload["order"] == state.orders[-1]:
        return None
    return Refusal("order-is-not-the-last")


def order_was_answered(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("order-was-answered") if state.delivered is not None else None


def no_order_is_running(state: State, command: Command, facts: Facts) -> Refusal | None:
    """None was placed, or the last one is answered."""
    return None if state.orders and state.delivered is None else Refusal("no-order-is-running")


def order_was_cancelled(state: State, command: Command, facts: Facts) -> Refusal | None:
    """The registry knows; its receipt is on the way."""
    return Refusal("order-was-cancelled", {"order": state.cancelled}) if state.cancelled else None


def package_is_missing(state: State, command: Command, facts: Facts) -> Refusal | None:
    delivered = state.delivered
    if delivered is not None and not delivered.refusal and delivered.package and delivered.manifest:
        return None
    return Refusal("package-is-missing", {"refusal": delivered.refusal if delivered else "–"})


def sub_step_lacks_evidence(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Five sub-steps, in the order of the regulation, each with its evidence (R-04)."""
    steps = state.delivered.steps if state.delivered is not None else ()
    if tuple(name for name, _ in steps) == SUB_STEPS and all(proven for _, proven in steps):
        return None
    return Refusal("sub-step-lacks-evidence")


def package_exceeds_what_was_approved(state: State, command: Command, facts: Facts) -> Refusal | None:
    """delivered ⊆ approved (invariant 3), and from no other plan."""
    decision, delivered = state.decision, state.delivered
    if (
        decision is not None
        and delivered is not None
        and delivered.plan == decision.plan
        and set(delivered.columns) <= set(decision.variables)
    ):
        return None
    return Refusal("package-exceeds-what-was-approved")


def package_was_checked_already(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A package that failed is made again, not sent again."""
    return Refusal("package-was-checked-already") if state.quality == "FAILED" else None


def end_date_has_passed(state: State, command: Command, facts: Facts) -> Refusal | None:
    ends = day_of(state.answers.get("ends_on"))
    return None if ends is not None and facts.today <= ends else Refusal("end-date-has-passed")


@about_payload
def follows_no_release(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A pinned product stays on its release; a rolling one is made once from each."""
    release = command.payload["release"]
    rolls = bool(state.answers.get("rolling")) and state.delivered is not None and state.delivered.release != release
    return None if rolls else Refusal("follows-no-release", {"release": release[:20]})


def access_stands_no_more(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Where access was given once, nothing more is made or given once it ended, or while it is suspended for anything
    but its release."""
    return None if not state.grant or facts.access_stands else Refusal("access-stands-no-more")


def access_was_given(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A package that was handed over cannot be asked back by stopping the next one."""
    return Refusal("access-was-given") if state.grant else None


def access_is_still_open(state: State, command: Command, facts: Facts) -> Refusal | None:
    return Refusal("access-is-still-open") if facts.access_open else None


def duty_is_unmet(state: State, command: Command, facts: Facts) -> Refusal | None:
    if facts.duties == ():
        return None
    return Refusal("duty-is-unmet", {"duties": ", ".join(facts.duties or ())})
