"""Where a request has been, is and will be, as a page tells it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from bagipakai.control import access, clock, orders, requests, wording
from bagipakai.core.exchange import Step as SubStep
from bagipakai.core.progress import Progress
from bagipakai.core.request import Action, Status
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
    Action.PROPOSE_EXEMPTIONS: _lazy("Usul pengecualian aturan baris dicatat"),
    Action.GIVE_OPINION: _lazy("Pendapat pelindungan data diberikan"),
    Action.PASS_SUBSTANCE: _lazy("Lolos pengecekan substansi"),
    Action.DECIDE_VARIABLES: _lazy("Produsen data memutuskan variabelnya"),
    Action.APPROVE: _lazy("Disetujui"),
    Action.REJECT: _lazy("Ditolak"),
    Action.AMEND: _lazy("Dibuka untuk diubah"),
    Action.SIGN_AGREEMENT: _lazy("Perjanjian ditandatangani"),
    Action.PLACE_ORDER: _lazy("Pemrosesan dipesan"),
    Action.CANCEL_ORDER: _lazy("Pesanan dibatalkan"),
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


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An order that the registry is doing, in words: which of the sub-steps it is at, how many of how many, how fast,
    and how long yet; empty where nothing can be said. `steps`: each sub-step and whether it is over, now or coming."""

    order: str
    stopping: bool
    stage: str
    steps: tuple[tuple[str, str], ...]
    done: int = 0
    of: int = 0
    counted: str = ""
    rate: str = ""
    left: str = ""


def under_way(dossier: Dossier) -> UnderWay | None:
    """The order of this request that the registry has not answered yet, if there is one."""
    state = dossier.state
    if state.status is not Status.PROCESSING or not state.orders or state.delivered is not None:
        return None
    order, stopping = state.orders[-1], bool(state.cancelled)
    told = orders.under_way(order)
    stages = list(SubStep)
    if told is None or told.stage not in stages:
        steps = tuple((glossary.term(one, "step").label, "coming") for one in stages)
        return UnderWay(order, stopping, _("Menunggu gudang data"), steps)
    at = stages.index(SubStep(told.stage))
    names = [glossary.term(one, "step").label for one in stages]
    steps = tuple((name, "past" if n < at else "now" if n == at else "coming") for n, name in enumerate(names))
    return UnderWay(order, stopping, names[at], steps, *_counts(told))


def _counts(told: Progress) -> tuple[int, int, str, str, str]:
    if not told.of:
        return 0, 0, "", "", ""
    done, now = min(told.done, told.of), clock.now()
    numbers = {"done": wording.number(done), "of": wording.number(told.of)}
    if told.unit == "regencies":  # each takes another time
        compared = _("%(done)s dari %(of)s kabupaten dan kota dibandingkan dengan tabel lain") % numbers
        return done, told.of, compared, "", ""
    counted = _("%(done)s dari %(of)s orang dibaca") % numbers
    rate, left = told.rate(now), told.left(now)
    speed = _("%(n)s orang per detik") % {"n": wording.number(round(rate))} if rate else ""
    return done, told.of, counted, speed, "" if left is None else time_left(left)


def counted(order: str) -> dict[str, Any]:
    """How far the registry is with an order of which it tells a share alone; empty before it began and once it
    answered."""
    told = orders.under_way(order)
    if told is None or not told.of:
        return {}
    left = told.left(clock.now())
    return {"percent": min(100, 100 * told.done // told.of), "left": "" if left is None else time_left(left)}


def time_left(left: timedelta) -> str:
    """A round figure: less than a minute, minutes, hours."""
    minutes = round(left.total_seconds() / 60)
    if minutes < 1:
        return _("kurang dari semenit lagi")
    if minutes < 100:
        return ngettext("sekitar %(n)d menit lagi", "sekitar %(n)d menit lagi", minutes) % {"n": minutes}
    hours = round(minutes / 60)
    return ngettext("sekitar %(n)d jam lagi", "sekitar %(n)d jam lagi", hours) % {"n": hours}


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
