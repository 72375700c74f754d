"""What the three tables (request, access, readiness) share: a rule, a table closed by default, and the one question."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic

from bagipakai.core.event import Actor, AnyCommand, Deed, Folded, Role, Stage
from bagipakai.core.refusal import Refusal

Objection = Callable[[Any, Any, Any], Refusal | None]

ABOUT_PAYLOAD: Final[set[Objection]] = set()


def about_payload(objection: Objection) -> Objection:
    """Marks what is judged only once the form is filled; a button does not wait for it."""
    ABOUT_PAYLOAD.add(objection)
    return objection


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
    thing: Folded,
    command: AnyCommand[Deed],
    facts: object,
    always: tuple[Objection, ...] = (),
) -> Refusal | None:
    """What stands in the way of a command, asked in order: has the thing changed since it was seen, does the table hold
    such a line, and each objection of that line."""
    if command.seen != thing.n:
        return Refusal("changed-meanwhile", {"seen": str(command.seen), "now": str(thing.n)})
    rule = table.get((thing.status, command.actor.role, command.action))  # type: ignore[arg-type]
    if rule is None:
        later = any(role is command.actor.role and action is command.action for _, role, action in table)
        detail = {"status": thing.status.value if thing.status else "–", "action": command.action.value}
        return Refusal("not-at-this-stage" if later else "not-this-role", detail)
    return first_no((*always, *rule.objections), thing, command, facts)


def possible(
    rules: Iterable[Rule[Stage, Deed]], thing: Folded, actor: Actor, facts: object
) -> list[tuple[Deed, Refusal | None]]:
    """What this actor could do now, and for each what stands in the way: a button is drawn, or explained. Objections to
    what a form says wait until it is filled."""
    answer: list[tuple[Deed, Refusal | None]] = []
    for rule in rules:
        if rule.from_status is thing.status and rule.role is actor.role:
            command = AnyCommand(rule.action, actor, {"institution": actor.institution}, thing.n)
            standing = [objects for objects in rule.objections if objects not in ABOUT_PAYLOAD]
            answer.append((rule.action, first_no(standing, thing, command, facts)))
    return answer


def first_no(objections: Iterable[Objection], thing: Folded, command: object, facts: object) -> Refusal | None:
    """What the first of these objections says that says anything."""
    said = (objects(thing, command, facts) for objects in objections)
    return next((no for no in said if no is not None), None)
