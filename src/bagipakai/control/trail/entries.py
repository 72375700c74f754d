"""How the office's entries are named in the trail, and found again by that name.

PMT-2026-000012#7    entry 7 of a request
kesiapan/12#3        entry 3 of a readiness review
hak/9#2              entry 2 of a grant
kunci-lembaga/4#1    entry 1 of the key book of an institution
kiriman/5#2          entry 2 of a submission
daftar/3#1           entry 1 of a roster
lembar/8#3           entry 3 of a sheet of pairs
"""

import re
from typing import Any

from bagipakai.control.models import (
    Event,
    GrantEvent,
    ReadinessEvent,
    RecipientKeyEvent,
    RosterEvent,
    SheetEvent,
    SubmissionEvent,
)
from bagipakai.control.models.ledger import Entry

NAME = re.compile(
    r"(?:(?P<kind>kesiapan|hak|kunci-lembaga|kiriman|daftar|lembar)/(?P<number>[1-9][0-9]{0,17})|(?P<request>[A-Z0-9-]+))#(?P<n>[1-9][0-9]{0,8})"
)
KINDS: dict[str, type[Entry]] = {
    "kesiapan": ReadinessEvent,
    "hak": GrantEvent,
    "kunci-lembaga": RecipientKeyEvent,
    "kiriman": SubmissionEvent,
    "daftar": RosterEvent,
    "lembar": SheetEvent,
}


def about(entry: Entry) -> str:
    """The name of `entry`, which was just written or read with its subject."""
    subject: Any = entry.subject  # type: ignore[attr-defined]
    if isinstance(entry, Event):
        return f"{subject.reference}#{entry.n}"
    (kind,) = (name for name, model in KINDS.items() if isinstance(entry, model))
    return f"{kind}/{subject.pk}#{entry.n}"


def payload(name: str) -> dict[str, Any] | None:
    """What the entry of this name holds; None if there is no such entry, or it is no name of one."""
    found = NAME.fullmatch(name)
    if not found:
        return None
    if found["request"]:
        rows = Event.objects.filter(subject__reference=found["request"])
    else:
        rows = KINDS[found["kind"]].objects.filter(subject=int(found["number"]))  # type: ignore[attr-defined]
    return rows.filter(n=int(found["n"])).values_list("payload", flat=True).first()
