"""The catalogue of variables, open to everybody: what can be asked for, and from which level on."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from bagipakai.core.plan import Level, Unit
from bagipakai.core.variables import Catalogue, Sensitivity, UnknownVariable, Variable


@login_not_required
def listing(http: HttpRequest) -> HttpResponse:
    """The variables in force today. Filters live in the address: `cari`, `unit`, `kelas`."""
    catalogue = Catalogue.on(timezone.localdate())
    wanted = {name: http.GET.get(name, "").strip()[:80] for name in ("cari", "unit", "kelas")}
    found = [variable for variable in catalogue.values() if _fits(variable, wanted)]
    return render(
        http,
        "catalogue/list.html",
        {
            "found": found,
            "total": len(catalogue),
            "standard": catalogue.standard,
            "wanted": wanted,
            "units": list(Unit),
            "classes": list(Sensitivity),
            "levels": list(Level),
        },
    )


@login_not_required
def variable(http: HttpRequest, name: str) -> HttpResponse:
    """One variable: what it means, how it is written, who makes it, and on what ground it is classed."""
    try:
        found = Catalogue.on(timezone.localdate())[name]
    except UnknownVariable:
        raise Http404 from None
    return render(http, "catalogue/variable.html", {"variable": found})


def _fits(one: Variable, wanted: dict[str, str]) -> bool:
    text = f"{one.name} {one.official_name} {one.english} {one.definition}".lower()
    return (
        all(word in text for word in wanted["cari"].lower().split())
        and (not wanted["unit"] or wanted["unit"] in one.units)
        and (not wanted["kelas"] or wanted["kelas"] == one.sensitivity)
    )
