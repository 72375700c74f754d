"""The public register: every sharing, for everybody, without logging in."""

from django.contrib.auth.decorators import login_not_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from bagipakai.control import forms, register
from bagipakai.core.access import Status
from bagipakai.core.plan import Level
from bagipakai.core.variables import Catalogue
from bagipakai.portal.pages.refused import lang

A_PAGE = 25


@login_not_required
@require_GET
def listing(http: HttpRequest) -> HttpResponse:
    """Who receives data, for what, on what ground. Filters live in the address: `cari`, `tujuan`, `level`, `status`."""
    wanted = {name: http.GET.get(name, "").strip()[:80] for name in ("cari", "tujuan", "level", "status")}
    found = register.entries(
        words=wanted["cari"], purpose=wanted["tujuan"], level=wanted["level"], status=wanted["status"], lang=lang()
    )
    word = "name" if lang() == "id" else "english"
    purposes = {code: str(rule[word]) for code, rule in forms.purposes(timezone.localdate()).items()}
    context = {
        "page": Paginator(found, A_PAGE).get_page(http.GET.get("halaman")),
        "wanted": wanted,
        "purposes": purposes,
        "levels": list(Level),
        "statuses": [status for status in Status if status is not Status.PENDING],
        "filtered": any(wanted.values()),
    }
    return render(http, "register/list.html", context)


@login_not_required
@require_GET
def entry(http: HttpRequest, reference: str) -> HttpResponse:
    """One sharing, with every variable that was shared, and whom a citizen may ask about it."""
    found = register.entry(reference, lang())
    if found is None:
        raise Http404
    catalogue = Catalogue.on(found.begins_on)
    variables = [(catalogue[name], found.grains.get(name, "")) for name in found.variables if name in catalogue]
    return render(http, "register/entry.html", {"entry": found, "variables": variables})
