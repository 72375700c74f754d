"""What a stranger needs to check a signed decision without us: `verifier.py decision --policy … FILE`."""

import json
from typing import Any

from django.db import connection

from bagipakai.control.models import SignedDecision
from bagipakai.control.passkeys import keys, signing
from bagipakai.control.trail.proofs import proof
from bagipakai.control.trail.store import Store


def decision_file(subject: str, n: int, store: Store) -> dict[str, Any] | None:
    """The signed decision of step `n` with the enrolment of the key that signed it: both leaves, opened, and their
    proofs under the public checkpoint. `dossier` and `summary` are what its two digests were made of. None while one of
    the leaves is not under a public checkpoint. Raises SignedDecision.DoesNotExist, and what reading the trail raises.
    """
    kept = SignedDecision.objects.select_related("pending", "credential__holder").get(subject=subject, n=n)
    holder = kept.credential.holder
    key = keys.ring(holder).keys[kept.credential.credential]
    enrolment = _opened("key.CONFIRM", keys.about(holder.pk, key.confirmed), store)
    entry = _opened(f"decision.{kept.pending.action}", signing.about(subject, n), store)
    if enrolment is None or entry is None:
        return None
    return {
        "enrolment": enrolment,
        "entry": entry,
        "dossier": kept.pending.dossier,
        "summary": kept.pending.summary,
    }


def signed_steps(subject: str) -> list[int]:
    """The numbers of the steps of this matter that were signed."""
    return list(SignedDecision.objects.filter(subject=subject).order_by("n").values_list("n", flat=True))


def _opened(event: str, about: str, store: Store) -> dict[str, Any] | None:
    """A leaf with what it committed to and its proof."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT leaf.seq, leaf.body, opening.salt, opening.payload::text
            FROM trail.leaf JOIN trail.opening ON opening.leaf = leaf.id
            WHERE leaf.about = %s AND leaf.event = %s AND leaf.seq IS NOT NULL
            ORDER BY leaf.id DESC LIMIT 1
            """,
            [about, event],
        )
        row = cursor.fetchone()
    shown = None if row is None else proof(store, row[0])
    if shown is None:
        return None
    _, body, salt, payload = row
    return {
        "leaf": body if isinstance(body, str) else bytes(body).decode(),
        "salt": bytes(salt).hex(),
        "payload": json.loads(payload),
        "proof": bytes(shown).decode(),
    }
