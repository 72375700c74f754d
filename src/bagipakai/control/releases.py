"""The releases that can be ordered from, as the registry announced them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from django.db import transaction

from bagipakai.control import clock
from bagipakai.control.models import Release
from bagipakai.control.trail import things
from bagipakai.core import lifecycle
from bagipakai.core.lifecycle import Deed, Event, Life


@transaction.atomic
def announce(
    version: str,
    *,
    digest: str,
    standard: str,
    region_edition: str,
    published_on: date,
    persons: int,
    families: int,
    **more: Any,
) -> Release:
    """Records a release that the registry published. Announcing it again changes nothing. Raises ValueError when a
    known version comes with another digest: a published release cannot change. `more`: previous, notes, editions,
    quality, changes, preview."""
    release, new = Release.objects.get_or_create(
        version=version,
        defaults={
            "digest": digest,
            "standard": standard,
            "region_edition": region_edition,
            "published_on": published_on,
            "persons": persons,
            "families": families,
            "announced_at": clock.now(),
            **more,
        },
    )
    if release.digest != digest:
        raise ValueError(f"release {version} was announced with another digest")
    if new:
        things.tell("ANNOUNCE", release)
    return release


def lives() -> Mapping[str, Life]:
    """The state of every announced release, oldest version first (core.lifecycle)."""
    return lifecycle.lives(_events(Release.objects.all()))


def _events(rows: Iterable[Release]) -> Iterator[Event]:
    for row in rows:
        published = datetime.combine(row.published_on, time(), clock.WIB)
        yield Event(Deed.PUBLISH, row.version, row.digest, published)
        if row.withdrawn_at is not None:
            yield Event(Deed.WITHDRAW, row.version, row.digest, row.withdrawn_at, row.withdrawal_reason)


def available() -> list[Release]:
    """The releases that can be ordered from, newest first."""
    return list(Release.objects.filter(withdrawn_at=None).order_by("-published_on", "-id"))


def newest() -> Release | None:
    return next(iter(available()), None)
