"""The front page, the glossary and the language switch."""

from collections.abc import Iterable

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bagipakai.control import keybook, notices, readiness, requests, reviews, rosters, submissions
from bagipakai.control.models import Notice
from bagipakai.portal import glossary
from bagipakai.portal.accounts import posts
from bagipakai.portal.accounts.menu import offers
from bagipakai.portal.readiness.keys import advice
from bagipakai.portal.submissions.contracts import titled


@login_not_required
def home(http: HttpRequest) -> HttpResponse:
    """What this service is, for whom, and the way of a request; above it, for who is logged in, what waits for them."""
    context: dict[str, object] = {"stages": [glossary.term(one, "status") for one in requests.PATH]}
    tenure = posts.current(http)
    if tenure is not None:
        waiting = requests.queue(tenure)
        context |= {
            "tenure": tenure,
            "waiting": waiting[:5],
            "mine": {one.request.pk for one in waiting},
            "reviews": readiness.queue(tenure)[:5],
            "notices": _newest_of_each(notices.unread(tenure.person)[:50])[:5],
            "stated": [house for house, book in keybook.kept(tenure) if book.waiting is not None][:5],
            "key_advice": advice(keybook.book(tenure.post.institution)) if offers(http, "readiness:own") else "",
            "handing_in": [(row, titled(row.source)) for row in submissions.waiting(tenure)[:5]],
            "lists": list(rosters.waiting(tenure)[:5]),
            "came_back": [(row, titled(row.source), rows) for row, rows in submissions.came_back(tenure)[:5]],
            "reviewing": reviews.queue(tenure)[:5] if offers(http, "reviews:queue") else [],
            "holding": reviews.holding(tenure) if offers(http, "reviews:queue") else None,
            "may_ask": offers(http, "requests:new"),
        }
    return render(http, "pages/home.html", context)


@login_not_required
def terms(http: HttpRequest) -> HttpResponse:
    """Every term of the glossary with its meaning and source."""
    kinds: dict[str, list[glossary.Term]] = {}
    for one in glossary.terms():
        kinds.setdefault(one.kind, []).append(one)
    return render(http, "pages/glossary.html", {"kinds": kinds})


def _newest_of_each(told: Iterable[Notice]) -> list[Notice]:
    """Of what was told about each request, the newest."""
    found: dict[int, Notice] = {}
    for one in told:
        found.setdefault(one.event.subject_id, one)
    return list(found.values())
