"""What the parts are told: small values, so that a page says what it shows and a part decides how."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Task:
    """One row of a task list. Without `href` it cannot start yet, and `hint` says why."""

    name: str
    status: str
    href: str = ""
    hint: str = ""
    sentiment: str = "plain"


@dataclass(frozen=True, slots=True)
class Row:
    """One question and its answer. `change` is the address that changes it, `before` the answer of the last version.
    An empty `value` is shown as not answered; `lines` are further lines of the answer."""

    name: str
    value: str = ""
    change: str = ""
    before: str | None = None
    lines: tuple[str, ...] = ()
    digits: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a timeline: `when` is past, now or coming."""

    title: str
    when: str
    what: str = ""
    note: str = ""
