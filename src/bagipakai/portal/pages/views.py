"""The front page, the glossary and the language switch."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bagipakai.portal import glossary


@login_not_required
def home(http: HttpRequest) -> HttpResponse:
    """What this service is, for whom, and the way of a request."""
    return render(http, "pages/home.html", {"stages": [one for one in glossary.terms() if one.kind == "status"]})


@login_not_required
def terms(http: HttpRequest) -> HttpResponse:
    """Every term of the glossary with its meaning and source."""
    kinds: dict[str, list[glossary.Term]] = {}
    for one in glossary.terms():
        kinds.setdefault(one.kind, []).append(one)
    return render(http, "pages/glossary.html", {"kinds": kinds})
