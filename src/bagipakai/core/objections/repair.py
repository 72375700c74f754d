"""What is missing, named item by item, and its repair: nothing else unlocks, and no answer is passed over."""

from datetime import timedelta

from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Command, Item, ItemState, State
from bagipakai.core.shapes import is_text
from bagipakai.core.table import about_payload


@about_payload
def field_is_not_unlocked(state: State, command: Command, facts: Facts) -> Refusal | None:
    for name in command.payload["answers"]:
        if f"field:{name}" not in state.unlocked:
            return Refusal("field-is-not-unlocked", {"field": name})
    return None


@about_payload
def document_is_not_unlocked(state: State, command: Command, facts: Facts) -> Refusal | None:
    kind = command.payload["kind"]
    if f"document:{kind}" in state.unlocked:
        return None
    return Refusal("document-is-not-unlocked", {"document": kind})


@about_payload
def nothing_is_named(state: State, command: Command, facts: Facts) -> Refusal | None:
    """A return names what is missing."""
    return None if command.payload["items"] or command.payload["reopen"] else Refusal("nothing-is-named")


@about_payload
def item_names_nothing_known(state: State, command: Command, facts: Facts) -> Refusal | None:
    for item in command.payload["items"]:
        sort, _, name = item["target"].partition(":")
        known = {"field": facts.questions.keys(), "document": facts.settings.documents}.get(sort, frozenset())
        if item["code"] not in facts.settings.deficiencies or name not in known:
            return Refusal("item-names-nothing-known", {"code": item["code"], "target": item["target"]})
    return None


@about_payload
def item_is_not_yours_to_judge(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Accepting or re-opening: an answered item of this very check."""
    wanted = [one["item"] for one in command.payload.get("reopen", ())] + [
        command.payload[key] for key in ("item",) if key in command.payload
    ]
    for name in wanted:
        if not any(item.id == name and item.stage is state.status and _answered(item) for item in state.items):
            return Refusal("item-is-not-yours-to-judge", {"item": name})
    return None


@about_payload
def item_is_not_judged(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Before the request goes back again, each answer given is accepted or re-opened."""
    again = {one["item"] for one in command.payload["reopen"]}
    waiting = [item.id for item in state.items if _answered(item) and item.id not in again]
    return Refusal("item-is-not-judged", {"items": ", ".join(waiting)}) if waiting else None


def rounds_are_used_up(state: State, command: Command, facts: Facts) -> Refusal | None:
    longest = facts.settings.longest_rounds
    if longest is None or state.rounds < longest:
        return None
    return Refusal("rounds-are-used-up", {"rounds": str(longest)})


@about_payload
def item_is_not_open(state: State, command: Command, facts: Facts) -> Refusal | None:
    if any(item.id == command.payload["item"] for item in state.open_items):
        return None
    return Refusal("item-is-not-open", {"item": command.payload["item"]})


@about_payload
def reason_is_missing(state: State, command: Command, facts: Facts) -> Refusal | None:
    """An item left as it is needs a reason."""
    if command.payload["answer"] != "REASONED" or is_text(command.payload.get("reason")):
        return None
    return Refusal("reason-is-missing")


@about_payload
def nothing_was_repaired(state: State, command: Command, facts: Facts) -> Refusal | None:
    if command.payload["answer"] != "REPAIRED":
        return None
    named = [item for item in state.open_items if item.id == command.payload["item"]]
    return _unrepaired(state, named)


def repair_was_undone(state: State, command: Command, facts: Facts) -> Refusal | None:
    return _unrepaired(state, [item for item in state.items if item.state is ItemState.REPAIRED])


def item_is_unanswered(state: State, command: Command, facts: Facts) -> Refusal | None:
    waiting = [item.id for item in state.items if item.state is ItemState.OPEN]
    return Refusal("item-is-unanswered", {"items": ", ".join(waiting)}) if waiting else None


def deficiency_is_open(state: State, command: Command, facts: Facts) -> Refusal | None:
    waiting = [item.id for item in state.open_items]
    return Refusal("deficiency-is-open", {"items": ", ".join(waiting)}) if waiting else None


def requests_do_not_lapse(state: State, command: Command, facts: Facts) -> Refusal | None:
    """Silence never decides (invariant 8), unless a lapse rule was configured."""
    return Refusal("requests-do-not-lapse") if facts.settings.lapse_days is None else None


def repair_time_remains(state: State, command: Command, facts: Facts) -> Refusal | None:
    due = max((item.due for item in state.open_items if item.due), default=None)
    if due is not None and facts.today > due + timedelta(days=facts.settings.lapse_days or 0):
        return None
    return Refusal("repair-time-remains")


def _answered(item: Item) -> bool:
    return item.state in {ItemState.REPAIRED, ItemState.REASONED}


def _unrepaired(state: State, items: list[Item]) -> Refusal | None:
    for item in items:
        sort, _, name = item.target.partition(":")
        sent = state.versions[-1]
        same = (
            state.answers.get(name) == sent.answers.get(name)
            if sort == "field"
            else state.attachments.get(name) == sent.attachments.get(name)
        )
        if same:
            code = "nothing-was-repaired" if item.state is ItemState.OPEN else "repair-was-undone"
            return Refusal(code, {"target": item.target})
    return None
