"""Withdrawing a release that was found wrong (S18): nothing is ordered from it or fetched any more, from that moment
on, and who holds a copy is told why.

Downloads ask at every range whether the release stands, so they stop by themselves; the grants then say that they are
suspended, and for which cause. Rolling grants are suspended like the others here, and then follow to the release
that stands (`requests.follow_releases`, decision 0106).
"""

from collections.abc import Iterator

from django.db import connection, transaction

from bagipakai.control import access, cabinet, clock, people
from bagipakai.control.acting import Acting, in_the_way, person_of, tenures_of
from bagipakai.control.models import Event, Grant, Notice, Release, Tenure
from bagipakai.control.trail import leaves, stops, things
from bagipakai.core.access import Status
from bagipakai.core.event import Role
from bagipakai.core.lifecycle import REASON
from bagipakai.core.refusal import Refusal

NOTICE = "release-withdrawn"
HOLDERS = (Role.APPLICANT, Role.ACCOUNTABLE_OFFICER, Role.AUTHORISED_HANDLER)  # who at an institution is told


def withdraw(version: str, reason: str, acting: Acting | None) -> Release | Refusal:
    """Withdraws the release `version`, with a leaf in the trail. `acting` None: the registry said so, under its seal;
    a person must hold a post of a controller."""
    with transaction.atomic():
        outcome = _withdrawn(version, reason, acting)
    if not isinstance(outcome, Refusal):
        access.tidy()  # the grants say what is true of them already
    return outcome


def _withdrawn(version: str, reason: str, acting: Acting | None) -> Release | Refusal:
    by = _controller(acting) if acting is not None else None
    if isinstance(by, Refusal):
        return by
    release = Release.objects.select_for_update().filter(version=version).first()
    if release is None:
        return Refusal("release-unknown", {"version": version[:20]})
    if release.withdrawn_at is not None:
        return Refusal("release-withdrawn-already", {"version": version})
    if len(reason.strip()) < REASON:
        return Refusal("release-withdrawal-without-reason", {"least": str(REASON)})
    release.withdrawn_at, release.withdrawal_reason = clock.now(), reason.strip()
    release.save(update_fields=["withdrawn_at", "withdrawal_reason"])
    if by is None:
        things.tell("WITHDRAW", release)
    else:
        who = leaves.actor(by.person_id, by.post_id)
        things.tell("WITHDRAW", release, by=who, institution=by.post.institution.code)
    for grant in grants_of(version):
        _tell(grant)
    return release


def grants_of(version: str) -> Iterator[Grant]:
    """The grants whose package was made from this release, whatever became of them: their holders have copies."""
    opened = Grant.objects.exclude(status=Status.PENDING.value).select_related("request__institution")
    for grant in opened.order_by("pk"):
        handed = cabinet.state_of(grant.request).granted
        if any(one.release == version for one in handed.values()):
            yield grant


def _tell(grant: Grant) -> None:
    newest = Event.objects.filter(subject=grant.request).order_by("-n").first()
    told = {person.pk for role in HOLDERS for person in people.holders(role, [grant.request.institution_id])}
    Notice.objects.bulk_create(
        Notice(event=newest, person_id=person, code=NOTICE, at=clock.now()) for person in sorted(told)
    )


def _controller(acting: Acting) -> Tenure | Refusal:
    """The post of a controller on which this person acts."""
    if no := stops.stopped(connection) or in_the_way(acting):
        return no
    for tenure in tenures_of(acting):
        if Role.CONTROLLER in tenure.post.roles and tenure.post.institution.is_controller:
            return tenure
    return Refusal("not-this-role", {"action": "WITHDRAW", "person": str(person_of(acting).pk)})
