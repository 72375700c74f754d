"""The public register: every sharing, for everybody, without logging in (transparency: seed article; R-29).

It names institutions, never a person, and is read from the grant, which is the approved plan itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from bagipakai.control import clock, forms, gazetteer, wording
from bagipakai.control.models import Grant, Institution
from bagipakai.core.disclosure import Grain
from bagipakai.core.plan import Level, Plan, Unit
from bagipakai.core.variables import Catalogue


@dataclass(frozen=True, slots=True)
class Desk:
    """Where a citizen writes to: an institution, its address, and the contact of its data protection officer (UU
    27/2022 Pasal 5, 14, 53); empty where none is recorded."""

    name: str
    address: str
    contact: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One sharing. `status` is ACTIVE, SUSPENDED, EXPIRED or REVOKED as of now. `purpose_words`, `area`, `population`
    and `matching` (what is told about each row of the recipient's own list; empty where none is matched) are in the
    language that was asked for; programme and legal basis as the applicant wrote them."""

    reference: str
    recipient: str
    recipient_desk: Desk
    controller: str
    controller_desk: Desk
    programme: str
    purpose: str
    purpose_words: str
    legal_basis: str
    level: Level
    unit: Unit
    variables: tuple[str, ...]
    grains: Mapping[str, str]  # how coarsely, in words, those that are not told as they are
    matching: str
    area: str
    population: str
    release: str
    begins_on: date
    ends_on: date
    onward_sharing: bool
    status: str
    received_on: date | None  # when the recipient's signed acknowledgement came


def entries(
    *,
    recipient: str = "",
    purpose: str = "",
    level: str = "",
    status: str = "",
    year: int | None = None,
    words: str = "",
    lang: str = "id",
) -> list[Entry]:
    """Every sharing that fits, newest first. `recipient` is an institution's code; `words` are looked for in programme
    and recipient; `lang` is "id" or "en"."""
    grants = Grant.objects.select_related("request__institution", "request__controller").order_by("-begins_at", "-id")
    if recipient:
        grants = grants.filter(request__institution__code=recipient)
    if purpose:
        grants = grants.filter(plan__purpose=purpose)
    if level:
        grants = grants.filter(plan__level=level)
    if year is not None:
        grants = grants.filter(begins_at__year=year)
    for word in words.split():
        grants = grants.filter(request__programme__icontains=word) | grants.filter(
            request__institution__name__icontains=word
        )
    return [entry for entry in _entries(grants, lang) if not status or entry.status == status]


def entry(reference: str, lang: str = "id") -> Entry | None:
    """The sharing that came of one request, if it came to one."""
    return next(_entries(Grant.objects.filter(request__reference=reference), lang), None)


def controllers() -> list[Desk]:
    """Where a citizen writes to who does not know of a sharing: the institutions that hold DTSEN."""
    return [_desk(one) for one in Institution.objects.filter(is_controller=True).order_by("name")]


def _entries(grants: QuerySet[Grant], lang: str) -> Iterator[Entry]:
    now = clock.now()
    for grant in grants:
        plan = Plan.from_json(grant.plan)
        day = clock.day_of(grant.begins_at)
        catalogue = Catalogue.on(day)
        purposes = forms.purposes(day)
        said = purposes[plan.purpose]["name" if lang == "id" else "english"] if plan.purpose in purposes else ""
        over = grant.status in ("PENDING", "ACTIVE", "SUSPENDED") and now >= grant.ends_at
        yield Entry(
            reference=plan.request,
            recipient=grant.request.institution.name,
            recipient_desk=_desk(grant.request.institution),
            controller=grant.request.controller.name,
            controller_desk=_desk(grant.request.controller),
            programme=plan.programme,
            purpose=plan.purpose,
            purpose_words=str(said) or plan.purpose,
            legal_basis=plan.legal_basis,
            level=plan.level,
            unit=plan.unit,
            variables=plan.columns,
            grains={one.name: wording.grain(one, Grain.on(day), lang) for one in plan.variables if one.grain},
            matching=wording.answers(plan, lang),
            area=wording.area(plan.area, gazetteer.regions(plan.area.edition), lang),
            population=wording.included(plan, catalogue, lang),
            release=plan.release,
            begins_on=day,
            ends_on=plan.ends_on,
            onward_sharing=plan.onward_sharing,
            status="EXPIRED" if over else grant.status,
            received_on=clock.day_of(grant.received_at) if grant.received_at else None,
        )


def _desk(institution: Institution) -> Desk:
    return Desk(institution.name, institution.address, institution.dpo_contact)
