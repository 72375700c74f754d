"""What stands in the office as a row, not as an entry: who is who, who may act for whom, what the house is set to. Each
change of it is a leaf, and the newest leaf about a row says what the row says.

lembaga/3 · jabatan/9 · masa-jabatan/12 · mandat/2 · orang/17 · kompetensi/5 · rilis/1
mutu-pemadanan/1 · kebijakan · konfigurasi
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from bagipakai.control.models import (
    CompetenceAttestation,
    Institution,
    Person,
    Post,
    ProcessorMandate,
    QualityStatement,
    Release,
    Tenure,
)
from bagipakai.control.trail import leaves
from bagipakai.core.canonical import NotCanonical, read

AT_ONCE = 500
NEWEST = """
    SELECT DISTINCT ON (about) about, payload
    FROM trail.leaf JOIN trail.opening ON opening.leaf = leaf.id
    WHERE about = ANY (%s) ORDER BY about, leaf.id DESC
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """How rows of one kind are told: the first word of their events, of their names, and what is committed to. Names,
    addresses and numbers of persons are not."""

    event: str
    name: str
    fields: tuple[str, ...]
    later: tuple[str, ...] = ()  # committed to only where they say something


KINDS: Mapping[type[Model], Kind] = {
    Institution: Kind(
        "institution",
        "lembaga",
        (
            *("code", "name", "kind", "region", "transfer_basis", "is_controller"),
            *("appointment_type", "appointment_number", "appointment_date"),
        ),
    ),
    Post: Kind("post", "jabatan", ("institution_id", "title", "roles", "closed_on")),
    Tenure: Kind("tenure", "masa-jabatan", ("person_id", "post_id", "kind", "since", "until", "mandate", "ended_at")),
    ProcessorMandate: Kind(
        "mandate", "mandat", ("controller_id", "processor_id", "number", "scope", "since", "until", "ended_at")
    ),
    Person: Kind("person", "orang", ("state", "registered_at")),
    CompetenceAttestation: Kind(
        "competence", "kompetensi", ("person_id", "field", "number", "issuer", "since", "until")
    ),
    Release: Kind(
        "release",
        "rilis",
        ("version", "digest", "standard", "region_edition", "published_on", "persons", "families", "withdrawn_at"),
        later=("withdrawal_reason", "preview"),
    ),
    QualityStatement: Kind("matching-quality", "mutu-pemadanan", ("digest", "statement")),
}


def tell(deed: str, row: Model, by: str = leaves.SYSTEM, institution: str = "") -> None:
    """Writes that `deed` (as `GIVE`, `END`) made the row what it is now, in the transaction of that change."""
    kind = KINDS[type(row)]
    leaves.write(f"{kind.event}.{deed}", about(row), said(row), by=by, institution=institution, after=about(row))


def about(row: Model) -> str:
    """What the trail calls this row."""
    return f"{KINDS[type(row)].name}/{row.pk}"


def said(row: Model) -> dict[str, Any]:
    """What is committed to of a row."""
    kind = KINDS[type(row)]
    told = {name: _plain(getattr(row, name)) for name in kind.fields}
    return told | {name: _plain(value) for name in kind.later if (value := getattr(row, name))}


@transaction.atomic
def notice(event: str, thing: str, payload: Mapping[str, Any]) -> bool:
    """Writes a leaf if `thing` is not what the newest leaf about it says; whether it was so. Of two who notice at once
    one writes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"trail.{thing}"])
    if _newest([thing]).get(thing) == dict(payload):
        return False
    leaves.write(event, thing, payload, after=thing)
    return True


def untold() -> Iterator[str]:
    """A sentence for each row that no leaf tells of, or that is not what its newest leaf says."""
    for model in KINDS:
        rows = model._default_manager.order_by("pk")
        last = 0
        while some := list(rows.filter(pk__gt=last)[:AT_ONCE]):
            last = some[-1].pk
            known = _newest([about(row) for row in some])
            for row in some:
                if about(row) not in known:
                    yield f"{about(row)} tidak ada catatannya"
                elif known[about(row)] != said(row):
                    yield f"{about(row)} bukan seperti yang dicatat"


def _newest(names: list[str]) -> dict[str, Any]:
    """What the newest leaf about each of these things committed to, as it is kept beside it."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [names])
        return {name: _read(payload) for name, payload in cursor.fetchall()}


def _read(payload: str | None) -> Any:
    try:
        return None if payload is None else read(payload.encode())
    except NotCanonical:
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return list(map(str, value))
    return str(value) if isinstance(value, str) else value  # a choice is its own text
