"""Institutions, their posts, and their controller's appointment."""

from dataclasses import dataclass
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q

from bagipakai.control import clock
from bagipakai.control.models import Document, Institution, Post, ProcessorMandate
from bagipakai.control.trail import things
from bagipakai.core.request import Role


@dataclass(frozen=True, slots=True)
class Appointment:
    """The instrument by which a controller was appointed: Inpres, Permen or agreement (seed article)."""

    type: str
    number: str
    date: date


@transaction.atomic
def register(
    code: str,
    name: str,
    kind: str,
    *,
    region: str = "",
    region_name: str = "",
    address: str = "",
    appointment: Appointment | None = None,
    transfer_basis: str = "",
) -> Institution:
    """A new institution; with `appointment`, a controller. `region` is the Kemendagri code its competence ends at, or
    nothing for the nation. Raises ValidationError for values that are not ones, IntegrityError for a known code."""
    institution = Institution(
        code=code,
        name=name,
        kind=kind,
        region=region,
        region_name=region_name,
        address=address,
        transfer_basis=transfer_basis,
        is_controller=appointment is not None,
        registered_at=clock.now(),
    )
    if appointment is not None:
        institution.appointment_type = appointment.type
        institution.appointment_number = appointment.number
        institution.appointment_date = appointment.date
    institution.full_clean()
    institution.save()
    things.tell("REGISTER", institution, institution=code)
    return institution


def file_appointment(institution: Institution, document: Document) -> None:
    """Keeps the scanned instrument of a controller's appointment."""
    institution.appointment_file = document
    institution.save(update_fields=["appointment_file"])


@transaction.atomic
def open_post(institution: Institution, title: str, *roles: str) -> Post:
    """A new post with its roles (names of `core.request.Role`). Raises ValidationError for an unknown role."""
    unknown = {str(role) for role in roles} - (set(Role) - {Role.SYSTEM})
    if unknown or not roles:
        raise ValidationError(f"Bukan peran jabatan: {', '.join(sorted(unknown)) or 'tidak ada'}.")
    post = Post(institution=institution, title=title, roles=[str(role) for role in roles])
    post.full_clean()
    post.save()
    things.tell("OPEN", post, institution=institution.code)
    return post


def name_dpo(institution: Institution, name: str, contact: str) -> None:
    """Records the data protection officer (UU 27/2022 Art 53)."""
    institution.dpo_name, institution.dpo_contact = name, contact
    institution.full_clean()
    institution.save(update_fields=["dpo_name", "dpo_contact"])


@transaction.atomic
def mandate(
    controller: Institution,
    processor: Institution,
    *,
    number: str,
    scope: str,
    since: date | None = None,
    until: date | None = None,
) -> ProcessorMandate:
    """`controller` lets the posts of `processor` examine or process its requests, until a day, included."""
    given = ProcessorMandate(
        controller=controller,
        processor=processor,
        number=number,
        scope=scope,
        since=since or clock.today(),
        until=until,
    )
    given.full_clean()
    given.save()
    things.tell("GIVE", given, institution=controller.code)
    return given


@transaction.atomic
def end_mandate(mandate: ProcessorMandate) -> None:
    """The mandate ends now. What was done under it stays done; nothing more can be."""
    mandate.ended_at = clock.now()
    mandate.save(update_fields=["ended_at"])
    things.tell("END", mandate, institution=mandate.controller.code)


def serves(institution: Institution, controller: Institution, at: datetime | None = None) -> bool:
    """Whether the posts of `institution` may act for `controller` at that moment: its own, or under a mandate."""
    at = at or clock.now()
    if institution.pk == controller.pk:
        return controller.is_controller
    held = institution.mandates_held.filter(controller=controller, since__lte=clock.day_of(at))
    held = held.filter(Q(until=None) | Q(until__gte=clock.day_of(at)))
    return held.filter(Q(ended_at=None) | Q(ended_at__gt=at)).exists()


def serving(controller: Institution, at: datetime | None = None) -> list[int]:
    """The keys of the institutions whose posts may act for `controller` at that moment."""
    at = at or clock.now()
    given = controller.mandates_given.filter(since__lte=clock.day_of(at))
    given = given.filter(Q(until=None) | Q(until__gte=clock.day_of(at))).filter(Q(ended_at=None) | Q(ended_at__gt=at))
    return [controller.pk, *given.values_list("processor_id", flat=True)]


def served_by(institution: Institution, at: datetime | None = None) -> list[Institution]:
    """The controllers for which the posts of `institution` may act."""
    return [controller for controller in controllers() if serves(institution, controller, at)]


def controllers() -> list[Institution]:
    """Every controller, each with its appointment."""
    return list(Institution.objects.filter(is_controller=True).order_by("name"))
