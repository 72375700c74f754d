"""The regions of each edition of the codes, as the registry announced them with its releases."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from django.db import transaction

from bagipakai.control.models import Region


@transaction.atomic
def load(edition: str, regions: Iterable[tuple[str, str]]) -> int:
    """Records the regions (code, name) of an edition; returns how many were new."""
    known = set(Region.objects.filter(edition=edition).values_list("code", flat=True))
    new = [Region(edition=edition, code=code, name=name) for code, name in regions if code not in known]
    Region.objects.bulk_create(new, batch_size=5_000)
    return len(new)


def regions(edition: str) -> Mapping[str, str]:
    """Code → name of every region of `edition`, parents before children within a branch."""
    return _regions(edition, Region.objects.filter(edition=edition).count())


@lru_cache(maxsize=2)
def _regions(edition: str, _: int) -> Mapping[str, str]:
    rows = Region.objects.filter(edition=edition).order_by("code").values_list("code", "name")
    return MappingProxyType(dict(rows))
