"""How well the registry matches lists, as it stated: heard under its seal, kept for ever, shown to everybody."""

from collections.abc import Sequence

from django.db import transaction

from bagipakai.control import clock, keys
from bagipakai.control.models import QualityStatement
from bagipakai.control.trail import things
from bagipakai.core.canonical import digest
from bagipakai.core.matching_quality import MatchingQuality


@transaction.atomic
def hear(envelope: bytes) -> QualityStatement:
    """Records a sealed statement, with a leaf in the trail. Heard again, it changes nothing. Raises BadSeal if the
    registry did not sign it or it is malformed, KeyMissing while its public key is not there."""
    told = MatchingQuality.unsealed(envelope, keys.receipt_key()).to_json()
    statement, new = QualityStatement.objects.get_or_create(
        digest=digest(told),
        defaults={
            "measured_on": told["measured_on"],
            "statement": told,
            "envelope": envelope,
            "heard_at": clock.now(),
        },
    )
    if new:
        statement.refresh_from_db()
        things.tell("STATE", statement)
    return statement


def heard() -> Sequence[QualityStatement]:
    """All that was stated, the newest first."""
    return list(QualityStatement.objects.defer("envelope"))
