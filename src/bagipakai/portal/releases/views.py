"""The releases, open to everybody: which one stands, what it is read by, and what changed. No page here knows a row."""

from dataclasses import dataclass

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from bagipakai.control import releases
from bagipakai.control.models import Release
from bagipakai.core.lifecycle import Life

CHANGES: dict[str, Promise] = {
    "in_both": _("Ada di kedua rilis"),
    "born": _("Masuk karena lahir sesudah rilis sebelumnya"),
    "registered": _("Masuk karena baru terdata"),
    "left": _("Keluar dari data"),
    "moved_in": _("Pindah antarkabupaten atau kota"),
    "moved_within": _("Pindah di dalam kabupaten atau kota"),
    "decile_up": _("Naik desil"),
    "decile_down": _("Turun desil"),
    "ranked": _("Menjadi berperingkat"),
    "unranked": _("Tidak lagi berperingkat"),
}  # what a release tells of; who moved in somewhere moved out elsewhere


@dataclass(frozen=True, slots=True)
class Change:
    """One line of what changed; `count` is None where it is too small to be told."""

    name: Promise
    count: int | None


@login_not_required
@require_GET
def listing(http: HttpRequest) -> HttpResponse:
    """Every announced release, the newest version first."""
    return render(http, "releases/list.html", {"releases": list(reversed(_told()))})


@login_not_required
@require_GET
def show(http: HttpRequest, version: str) -> HttpResponse:
    """One release: its state, its counts, what it is read by, what changed since the one before."""
    found = next(((release, life) for release, life in _told() if release.version == version), None)
    if found is None:
        raise Http404
    release, life = found
    known = {one.version for one, _ in _told()}
    context = {
        "release": release,
        "life": life,
        "previous_is_known": release.previous in known,
        "editions": sorted(release.editions.items()),
        "changes": [Change(name, release.changes[key]) for key, name in CHANGES.items() if key in release.changes],
    }
    return render(http, "releases/show.html", context)


def _told() -> list[tuple[Release, Life]]:
    """Each release with its state, oldest version first."""
    rows = {row.version: row for row in Release.objects.all()}
    return [(rows[version], life) for version, life in releases.lives().items()]
