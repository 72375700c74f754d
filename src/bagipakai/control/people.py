"""People, the posts they hold, and what they are attested to be able to do. Asked anew at each moment of acting."""

from collections.abc import Iterable
from datetime import date, datetime

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet

from bagipakai.control import clock
from bagipakai.control.models import CompetenceAttestation, Person, Post, Tenure
from bagipakai.control.trail import things


@transaction.atomic
def register(email: str, name: str, password: str, *, nip: str = "") -> Person:
    """A new account. Raises ValidationError for an address or NIP that is not one, or is known, and for a password that
    is short, common or like the name."""
    person = Person(email=email.strip().lower(), name=name, nip=nip, registered_at=clock.now())
    validate_password(password, person)
    person.set_password(password)
    person.full_clean()
    person.save()
    things.tell("REGISTER", person)
    return person


@transaction.atomic
def appoint(
    person: Person,
    post: Post,
    *,
    mandate: str,
    since: date | None = None,
    until: date | None = None,
    kind: str = "DEFINITIVE",
) -> Tenure:
    """`person` holds `post` from one day to another, both included. An acting officer (PLT, PLH) has an end, and may
    stand beside the definitive one. Raises ValidationError, also when two would hold a post definitively at once."""
    tenure = Tenure(
        person=person,
        post=post,
        kind=kind,
        since=since or clock.today(),
        until=until,
        mandate=mandate,
        recorded_at=clock.now(),
    )
    tenure.full_clean()
    Post.objects.select_for_update().get(pk=post.pk)
    if kind == "DEFINITIVE":
        others = post.tenures.filter(kind="DEFINITIVE").filter(ended_at=None)
        others = others.filter(Q(until=None) | Q(until__gte=tenure.since))
        if until is not None:
            others = others.filter(since__lte=until)
        if others.exists():
            raise ValidationError("Jabatan ini masih dipegang pejabat definitif lain pada waktu itu.")
    tenure.save()
    things.tell("GIVE", tenure, institution=post.institution.code)
    return tenure


@transaction.atomic
def relieve(tenure: Tenure) -> None:
    """The tenure ends now. What was done by it stays done; nothing more can be."""
    tenure.ended_at = clock.now()
    tenure.save(update_fields=["ended_at"])
    things.tell("END", tenure, institution=tenure.post.institution.code)


@transaction.atomic
def attest(person: Person, field: str, *, number: str, issuer: str, until: date, since: date | None = None) -> None:
    """Records that `issuer` attests a competence (TECHNICAL, LEGAL or GOVERNANCE) until a day, included."""
    attestation = CompetenceAttestation(
        person=person, field=field, number=number, issuer=issuer, since=since or clock.today(), until=until
    )
    attestation.full_clean()
    attestation.save()
    things.tell("ATTEST", attestation)


def tenures(person: Person, at: datetime | None = None) -> QuerySet[Tenure]:
    """The posts that `person` holds at that moment (now), with their institutions; none for an account not active."""
    return _held(at).filter(person=person).order_by("post_id")


def holders(role: str, institution_ids: Iterable[int] | None = None, at: datetime | None = None) -> QuerySet[Person]:
    """Who holds a post with `role` at that moment (now), at these institutions or anywhere."""
    held = _held(at).filter(post__roles__contains=[role])
    if institution_ids is not None:
        held = held.filter(post__institution__in=institution_ids)
    return Person.objects.filter(pk__in=held.values("person_id")).order_by("pk")


def _held(at: datetime | None) -> QuerySet[Tenure]:
    at = at or clock.now()
    day = clock.day_of(at)
    return (
        Tenure.objects.filter(since__lte=day, person__state=Person.State.ACTIVE)
        .filter(Q(until=None) | Q(until__gte=day))
        .filter(Q(ended_at=None) | Q(ended_at__gt=at))
        .filter(Q(post__closed_on=None) | Q(post__closed_on__gt=day))
        .select_related("post__institution")
    )


def competences(person: Person, day: date | None = None) -> dict[str, date]:
    """The fields in which `person` is attested on `day` (technical, legal, governance), each with its last day."""
    day = day or clock.today()
    found: dict[str, date] = {}
    for field, until in person.competences.filter(since__lte=day, until__gte=day).values_list("field", "until"):
        found[field.lower()] = max(until, found.get(field.lower(), until))
    return found
