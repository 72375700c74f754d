"""What is decided upon: one step of a matter, with everything it rests on. Of a request: control.passkeys.requested."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bagipakai.control import ledger
from bagipakai.control.models import (
    Grant,
    GrantEvent,
    Institution,
    ReadinessEvent,
    ReadinessReview,
    RecipientKeyEvent,
    Request,
    Submission,
    SubmissionEvent,
)
from bagipakai.control.models.ledger import Entry
from bagipakai.core import access, keybook, submissions
from bagipakai.core.canonical import digest
from bagipakai.core.plan import Plan
from bagipakai.core.readiness import Event, Review
from bagipakai.core.request import Actor

REQUEST, READINESS, RECIPIENT_KEY, ACCESS = "request", "readiness", "recipient-key", "access"
SUBMISSION = "submission"


@dataclass(frozen=True)
class Matter:
    """One step as it would be written down. `subject` is the trail's name of the matter, `n` the number of the step.

    `rests_on` holds digests of everything the decision rests on; `house` is the institution it is about, `plan` the
    plan in question, `beside` what its signer should read besides what the step itself says.
    """

    kind: str
    subject: str
    n: int
    at: datetime
    actor: Actor
    action: str
    payload: Mapping[str, Any]
    rests_on: Mapping[str, str]
    house: str
    plan: Plan | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dossier(self) -> dict[str, Any]:
        """What `dossier_hash` is the digest of: where the matter stood, and what this step says."""
        return {
            "subject": self.subject,
            "n": self.n,
            "post": self.actor.post,
            "rests_on": dict(self.rests_on),
            "says": dict(self.payload),
        }


def of_review(row: ReadinessReview, current: Review, event: Event) -> Matter:
    """The step of a readiness review that `event` would be; it is not written yet, and `current` stands before it."""
    content = {
        "answers": {item: list(answer) for item, answer in current.answers.items()},
        "evidence": {item: [one.sha256 for one in shown] for item, shown in current.evidence.items()},
        "verdicts": {item: list(verdict) for item, verdict in current.verdicts.items()},
        "levels": sorted(current.levels),
    }
    return Matter(
        READINESS,
        f"kesiapan/{row.pk}",
        event.n,
        event.at,
        event.actor,
        event.action.value,
        event.payload,
        {
            "before": before(ReadinessEvent, row, event.n),
            "content": digest(content),
            "readiness": current.certificate.digest if current.certificate else "",
        },
        row.institution.name,
    )


def of_key(row: Institution, current: keybook.Book, event: keybook.Event) -> Matter:
    """The step in the key book of an institution that `event` would be. It says itself what it is about: the statement
    whole, or which statement is confirmed."""
    return Matter(
        RECIPIENT_KEY,
        f"kunci-lembaga/{row.pk}",
        event.n,
        event.at,
        event.actor,
        event.action.value,
        event.payload,
        {"before": before(RecipientKeyEvent, row, event.n)},
        row.name,
    )


def of_grant(row: Grant, _: access.Grant, event: access.Event) -> Matter:
    """The step of a grant that `event` would be. Its signer reads which request and which package it is about."""
    return Matter(
        ACCESS,
        f"hak/{row.pk}",
        event.n,
        event.at,
        event.actor,
        event.action.value,
        event.payload,
        {"before": before(GrantEvent, row, event.n), "plan": row.plan_digest},
        row.request.institution.name,
        beside={"request": row.request.reference, "manifest": row.manifest},
    )


def of_submission(row: Submission, current: submissions.Submission, event: submissions.Event) -> Matter:
    """The step of a submission that `event` would be. Its signer reads which files are handed in, as what."""
    files = [{"name": one.name, "bytes": one.bytes, "sealed": one.sealed} for one in current.files.values()]
    contract, _, contract_digest = current.contract.partition("@")
    return Matter(
        SUBMISSION,
        f"kiriman/{row.pk}",
        event.n,
        event.at,
        event.actor,
        event.action.value,
        event.payload,
        {"before": before(SubmissionEvent, row, event.n), "content": digest(files)},
        row.institution.name,
        beside={
            "source": current.source,
            "version": current.version,
            "contract": contract,
            "contract_digest": contract_digest,
            "files": files,
        },
    )


def before(kind: type[Entry], subject: Request | ReadinessReview | Institution | Grant | Submission, n: int) -> str:
    """The digest of the entry before, which binds every entry before it."""
    rows = kind.objects.filter(subject=subject, n=n - 1)  # type: ignore[attr-defined]
    return str(rows.values_list("digest", flat=True).first() or ledger.FIRST)
