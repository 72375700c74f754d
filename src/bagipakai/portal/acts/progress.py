"""Where a request has been, is and will be, as a page tells it."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from bagipakai.control import requests
from bagipakai.portal import glossary
from bagipakai.portal.parts.shapes import Step
from bagipakai.portal.requests.dossier import Dossier
from bagipakai.portal.templatetags.parts import day, due, instant_text


def steps(reference: str) -> list[Step]:
    """The timeline: each change of stage with who and when, the present stage with its due day and whose turn it is,
    and the stages still to come."""
    line = requests.timeline(reference)
    found = [
        Step(glossary.term(one.after, "status").label, "past", instant_text(one.at), _who(one))
        for one in line.past
        if one.moved
    ]
    turns = ", ".join(glossary.term(role, "role").label for role in line.turn)
    if found:
        last = found.pop()
        note = _("Giliran: %(who)s") % {"who": turns} if turns else last.note
        what = last.what
        if line.due_on is not None:
            what = _("Sejak %(since)s. Batas: %(day)s (%(due)s)") % {
                "since": last.what,
                "day": day(line.due_on),
                "due": due(line.due_on),
            }
        found.append(Step(last.title, "now", what, note))
    for stage, expected in line.coming:
        when = _("Diperkirakan %(day)s") % {"day": day(expected)} if expected else ""
        found.append(Step(glossary.term(stage, "status").label, "coming", when))
    return found


def _who(one: requests.Moment) -> str:
    if not one.person:
        return one.reason
    return ". ".join(part for part in (f"{one.person}, {one.post}", one.reason) if part)


def papers(dossier: Dossier) -> list[dict[str, Any]]:
    """The legal papers set for this request: agreement and hand-over record."""
    return [
        {
            "name": f"{paper.get_kind_display()} {paper.number}",
            "href": reverse("requests:paper", args=[dossier.request.reference, paper.sha256]),
            "bytes": paper.size,
            "at": paper.set_at,
            "digest": paper.sha256,
        }
        for paper in dossier.request.papers.order_by("id")
    ]
