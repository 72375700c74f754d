"""What the three tables (request, access, readiness) share: a rule, a table closed by default, and the one question."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role

Stage = TypeVar("Stage", bound=StrEnum)
Deed = TypeVar("Deed", bound=StrEnum)
Objection = Callable[[Any, Any, Any], Refusal | None]


@dataclass(frozen=True, slots=True)
class Rule(Generic[Stage, Deed]):
    """A `role` may do `action` in `from_status`, which leads to `to_status`, unless one of the objections holds.

    `from_status` None: the thing does not exist yet. `to_status` None: where it leads is part of what happened (back to
    the check that returned it; still suspended for another cause).
    """

    role: Role
    action: Deed
    from_status: Stage | None
    to_status: Stage | None
    objections: tuple[Objection, ...]
    basis: str


Table = Mapping[tuple[Stage | None, Role, Deed], Rule[Stage, Deed]]


def table_of(rules: Iterable[Rule[Stage, Deed]]) -> Table[Stage, Deed]:
    """The rules by stage, role and action. Raises ValueError if two rules answer the same question."""
    table: dict[tuple[Stage | None, Role, Deed], Rule[Stage, Deed]] = {}
    for rule in rules:
        key = (rule.from_status, rule.role, rule.action)
        if key in table:
            raise ValueError(f"two rules for {key}")
        table[key] = rule
    return table


def first_refusal(
    table: Table[Stage, Deed],
    state: Any,
    command: Any,
    facts: Any,
    always: tuple[Objection, ...] = (),
) -> Refusal | None:
    """What stands in the way of a command on `state`, asked in order: has it changed since it was seen, does the table
    hold such a line, and each objection of that line. `state` has `n` and `status`; `command` has `seen`, `action` and
    `actor.role`."""
    if command.seen != state.n:
        return Refusal("changed-meanwhile", {"seen": str(command.seen), "now": str(state.n)})
    rule = table.get((state.status, command.actor.role, command.action))
    if rule is None:
        later = any(role is command.actor.role and action is command.action for _, role, action in table)
        detail = {"status": state.status.value if state.status else "–", "action": command.action.value}
        return Refusal("not-at-this-stage" if later else "not-this-role", detail)
    for objects in (*always, *rule.objections):
        if (refusal := objects(state, command, facts)) is not None:
            return refusal
    return None
