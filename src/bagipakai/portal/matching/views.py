"""How well lists are matched, open to everybody: the newest statement of the registry, and those before it."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from bagipakai.control import gazetteer, matching_quality, register, releases
from bagipakai.core.matching_quality import MatchingQuality
from bagipakai.portal.matching import figures
from bagipakai.portal.matching.showing import told
from bagipakai.portal.pages.files import as_download

BANDS = figures.BANDS


@login_not_required
@require_GET
def show(http: HttpRequest, number: int | None = None) -> HttpResponse:
    """What the answers mean, how often they err and for whom, by the newest statement or the one of this number; what
    to do about a wrong one."""
    every = matching_quality.heard()
    row = next((one for one in every if number is None or one.pk == number), None)
    if row is None and number is not None:
        raise Http404
    context: dict[str, object] = {
        "bands": BANDS,
        "example": figures.example(),
        "controllers": register.controllers(),
        "every": every,
        "row": row,
        "newest": every[0] if every else None,
    }
    if row is not None:
        quality = MatchingQuality.from_stored(row.statement)
        release = releases.newest()
        provinces = gazetteer.regions(release.region_edition) if release else {}
        thresholds = quality.thresholds
        context |= {
            "quality": quality,
            "told": told(quality, provinces),
            "clerks_told_otherwise": row.statement["clerks"] is not None and quality.clerks is None,
            "accept": thresholds.accept / 1000,
            "consider": thresholds.consider / 1000,
        }
    return render(http, "matching/show.html", context)


@login_not_required
@require_GET
def statement(http: HttpRequest, number: int) -> HttpResponse:
    """The sealed statement itself: whoever has the registry's public key can check who said this."""
    row = next((one for one in matching_quality.heard() if one.pk == number), None)
    if row is None:
        raise Http404
    return as_download(bytes(row.envelope), f"mutu-pemadanan-{row.measured_on.isoformat()}.json", "application/json")
