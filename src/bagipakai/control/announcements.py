"""What the registry announces, under its seal: a release that can be ordered from, or one that it withdrew."""

from django.db import transaction

from bagipakai.control import gazetteer, keys, recall, releases
from bagipakai.control.models import Release
from bagipakai.core.exchange import Announcement


@transaction.atomic
def hear(envelope: bytes) -> Release:
    """Records the release of a sealed announcement, with the regions of its edition, and that it was withdrawn where
    the announcement says so. Raises BadSeal if the registry did not sign it, KeyMissing while its public key is not
    there, ValueError as `releases.announce`."""
    told = Announcement.unsealed(envelope, keys.receipt_key())
    gazetteer.load(told.region_edition, told.regions)
    release = releases.announce(
        told.version,
        digest=told.digest,
        standard=told.standard,
        region_edition=told.region_edition,
        published_on=told.published_on,
        persons=told.persons,
        families=told.families,
        previous=told.previous,
        notes=told.notes,
        editions=dict(told.editions),
        quality=dict(told.quality),
        changes=dict(told.changes),
        preview=told.preview.to_json() if told.preview else {},
    )
    if told.withdrawn:
        recall.withdraw(told.version, told.withdrawn, None)
        release.refresh_from_db()
    return release
