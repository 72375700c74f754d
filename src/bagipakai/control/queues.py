"""What waits for whom, and who works on it now."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from bagipakai.control import clock, institutions, situation
from bagipakai.control.acting import Acting, person_of, tenures_of
from bagipakai.control.cabinet import find
from bagipakai.control.models import Claim, Person, Request, Tenure
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Role

CLAIM_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request that waits for a reader, in one of their roles. `days` until it is due, negative when it is late,
    None when no clock runs. `claimed_by` works on it until `claimed_until`."""

    request: Request
    role: Role
    tenure: Tenure
    due_on: date | None
    days: int | None
    claimed_by: Person | None
    claimed_until: datetime | None


def queue(acting: Acting) -> list[Waiting]:
    """What waits for this reader: the most urgent first, then the oldest. Requests of an examiner's own institution are
    left out: another unit examines those."""
    now, today = clock.now(), clock.today()
    found: dict[int, Waiting] = {}
    for tenure in tenures_of(acting):
        served = institutions.served_by(tenure.post.institution, now)
        for role in map(Role, tenure.post.roles):
            rows = Request.objects.filter(awaited__contains=[role]).select_related("institution", "claim__person")
            if role in situation.ASKING:
                rows = rows.filter(institution=tenure.post.institution_id)
            elif role is Role.DATA_PRODUCER:
                rows = rows.filter(owners__contains=[tenure.post.institution.code])
            else:
                rows = rows.filter(controller__in=served).exclude(institution=tenure.post.institution_id)
            for row in rows:
                claim = getattr(row, "claim", None)
                held = claim if claim is not None and claim.until > now else None
                found.setdefault(
                    row.pk,
                    Waiting(
                        request=row,
                        role=role,
                        tenure=tenure,
                        due_on=row.due_on,
                        days=(row.due_on - today).days if row.due_on else None,
                        claimed_by=held.person if held else None,
                        claimed_until=held.until if held else None,
                    ),
                )
    return sorted(found.values(), key=lambda one: (one.due_on or date.max, one.request.pk))


def claim(reference: str, acting: Acting) -> Refusal | None:
    """Tells colleagues that this reader works on the request for the next hour. Refused while another does, and to whom
    it does not wait for. A claim gives no right and takes none away. Raises UnknownRequest."""
    request, now, person = find(reference), clock.now(), person_of(acting)
    if not any(waiting.request.pk == request.pk for waiting in queue(acting)):
        return Refusal("not-this-role", {"action": "CLAIM"})
    with transaction.atomic():
        Request.objects.select_for_update().get(pk=request.pk)
        current = Claim.objects.filter(request=request, until__gt=now).select_related("person").first()
        if current is not None and current.person_id != person.pk:
            return Refusal("claimed-by-another", {"person": current.person.name})
        until = now + timedelta(minutes=CLAIM_MINUTES)
        Claim.objects.update_or_create(request=request, defaults={"person": person, "until": until})
    return None


def release(reference: str, acting: Acting) -> None:
    """Ends this reader's claim. Raises UnknownRequest."""
    Claim.objects.filter(request=find(reference), person=person_of(acting)).delete()
