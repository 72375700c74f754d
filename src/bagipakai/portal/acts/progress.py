"""Where a request has been, is and will be, as a page tells it."""

from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from bagipakai.control import access, requests
from bagipakai.core.request import Action
from bagipakai.portal import glossary
from bagipakai.portal.parts.shapes import Step
from bagipakai.portal.requests.dossier import Dossier
from bagipakai.portal.templatetags.parts import day, due, instant_text

HAPPENED: dict[Action, Promise] = {
    Action.CREATE: _lazy("Konsep dibuat"),
    Action.SUBMIT: _lazy("Permintaan dikirim"),
    Action.RETURN: _lazy("Dikembalikan untuk diperbaiki"),
    Action.RESUBMIT: _lazy("Perbaikan dikirim"),
    Action.LAPSE: _lazy("Gugur karena tidak diperbaiki"),
    Action.PASS_ADMIN: _lazy("Lolos pengecekan administrasi"),
    Action.ASK_CLARIFICATION: _lazy("Klarifikasi diminta"),
    Action.RECORD_CLARIFICATION: _lazy("Berita acara klarifikasi dibuat"),
    Action.CONFIRM_CLARIFICATION: _lazy("Klarifikasi dibenarkan"),
    Action.GIVE_OPINION: _lazy("Pendapat pelindungan data diberikan"),
    Action.PASS_SUBSTANCE: _lazy("Lolos pengecekan substansi"),
    Action.DECIDE_VARIABLES: _lazy("Produsen data memutuskan variabelnya"),
    Action.APPROVE: _lazy("Disetujui"),
    Action.REJECT: _lazy("Ditolak"),
    Action.AMEND: _lazy("Dibuka untuk diubah"),
    Action.SIGN_AGREEMENT: _lazy("Perjanjian ditandatangani"),
    Action.PLACE_ORDER: _lazy("Pemrosesan dipesan"),
    Action.RECORD_RECEIPT: _lazy("Tanda terima gudang data masuk"),
    Action.SEND_TO_QUALITY: _lazy("Paket dikirim ke pemeriksaan mutu"),
    Action.PASS_QUALITY: _lazy("Paket dinyatakan sesuai"),
    Action.FAIL_QUALITY: _lazy("Paket dikembalikan ke pemrosesan"),
    Action.SIGN_HANDOVER: _lazy("Berita acara ditandatangani"),
    Action.GRANT: _lazy("Hak akses berlaku"),
    Action.FOLLOW_RELEASE: _lazy("Rilis baru terbit, pemrosesan dipesan"),
    Action.CLOSE: _lazy("Permintaan ditutup"),
    Action.WITHDRAW: _lazy("Permintaan ditarik"),
}  # drafting and the small steps of a check are left out


def steps(reference: str, received: access.Receiving | None = None) -> list[Step]:
    """The timeline: what happened, by whom and when, also that the package was `received`; the present stage with its
    due day and whose turn it is, and the stages still to come."""
    line = requests.timeline(reference)
    found = [
        Step(str(HAPPENED[one.action]), "past", instant_text(one.at), _who(one))
        for one in line.past
        if one.action in HAPPENED
    ]
    if received:
        told = _("Diterima dan diverifikasi oleh %(who)s") % {"who": received.institution}
        found.append(Step(told, "past", instant_text(received.at), f"{received.person}, {received.post}"))
    turns = ", ".join(glossary.term(role, "role").label for role in line.turn)
    limit = _("Batas: %(day)s (%(due)s)") % {"day": day(line.due_on), "due": due(line.due_on)} if line.due_on else ""
    turn = _("Giliran: %(who)s") % {"who": turns} if turns else ""
    found.append(Step(glossary.term(line.status, "status").label, "now", limit, turn))
    for stage, expected in line.coming:
        when = _("Diperkirakan %(day)s") % {"day": day(expected)} if expected else ""
        found.append(Step(glossary.term(stage, "status").label, "coming", when))
    return found


def _who(one: requests.Moment) -> str:
    if not one.person:
        return one.reason
    return ". ".join(part for part in (f"{one.person}, {one.post}", one.reason) if part)


def papers(dossier: Dossier) -> list[dict[str, Any]]:
    """The legal papers set for this request, agreement and hand-over record, each with its last signed copy."""
    found = []
    for paper in dossier.request.papers.order_by("id"):
        name = f"{glossary.term(paper.kind, 'document').label} {paper.number}"
        found.append(_file(dossier, name, paper.sha256, paper.size, paper.set_at))
        signed = list(paper.copies.select_related("decision").order_by("pk"))
        if signed:
            count = ngettext("dengan %(count)d tanda tangan", "dengan %(count)d tanda tangan", len(signed))
            name, last = f"{name}, {count % {'count': len(signed)}}", signed[-1]
            found.append(_file(dossier, name, last.sha256, last.size, last.decision.at))
    return found


def _file(dossier: Dossier, name: str, sha256: str, size: int, at: datetime) -> dict[str, Any]:
    """As `parts/file.html` shows a paper."""
    href = reverse("requests:paper", args=[dossier.request.reference, sha256])
    return {"name": name, "href": href, "bytes": size, "at": at, "digest": sha256}
