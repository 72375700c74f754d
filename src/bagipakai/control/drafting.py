"""Setting the papers of a request: gathering what they say, sealing them, keeping the bytes under their digest.

`signing.desk` is imported where a paper is sealed or read: its libraries take a second, and little else needs them.
"""

from datetime import datetime
from typing import TYPE_CHECKING

from bagipakai.control import clock, documents, forms, gazetteer, orders, papers, people, rulebook, situation, wording
from bagipakai.control.models import Institution, Paper, Release, Request, SignedCopy, SignedDecision
from bagipakai.control.signing.acts import Act, Holder, Stopped
from bagipakai.control.trail import leaves
from bagipakai.core.disclosure import Grain
from bagipakai.core.exchange import Receipt
from bagipakai.core.plan import Plan
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Event, Role, State
from bagipakai.core.variables import Catalogue

if TYPE_CHECKING:
    from bagipakai.control.signing.validation import Expected


class PaperRefused(documents.DocumentMissing):
    """The bytes are there, and do not prove who sealed or signed them. Holds the refusal."""

    def __init__(self, sha256: str, no: Refusal) -> None:
        super().__init__(sha256)
        self.no = no


def set_agreement(request: Request, state: State, event: Event) -> None:
    """Sets the agreement of what was just approved, in the transaction of that event; where the hand-over record is
    signed early, that too. Raises Stopped if the seal cannot be set."""
    terms = terms_of(request, state, event.at)
    number = f"PKS-{request.reference.removeprefix('PMT-')}-{_next(request, Paper.Kind.AGREEMENT)}"
    content = papers.agreement(terms, number, event.at)
    _keep(request, Paper.Kind.AGREEMENT, number, content, plan=terms.plan, at=event.at)
    if _signed_early(event.at):
        _set_record(request, terms, None, event.at)


def set_handover(request: Request, state: State, event: Event) -> None:
    """Sets the hand-over record (BAST) of the package that just passed the quality check, every figure from the
    registry's own receipt, in the transaction of that event; not where one was signed early. Raises Stopped if the
    seal cannot be set."""
    if _signed_early(event.at):
        return
    receipt = orders.receipt(state.orders[-1])
    if receipt is None:
        raise RuntimeError("a hand-over without a receipt")
    _set_record(request, terms_of(request, state, event.at), receipt, event.at)


def _set_record(request: Request, terms: papers.Terms, receipt: Receipt | None, at: datetime) -> None:
    agreement = request.papers.filter(kind=Paper.Kind.AGREEMENT).latest("id")
    number = f"BAST-{request.reference.removeprefix('PMT-')}-{_next(request, Paper.Kind.HANDOVER_RECORD)}"
    release = Release.objects.get(version=receipt.release if receipt else terms.plan.release)
    delivery = papers.Delivery(receipt, release.standard, agreement.number, agreement.sha256)
    content = papers.handover(terms, delivery, number, at)
    _keep(request, Paper.Kind.HANDOVER_RECORD, number, content, plan=terms.plan, at=at)


def _signed_early(at: datetime) -> bool:
    return rulebook.settings(clock.day_of(at)).handover_timing == "early"


def terms_of(request: Request, state: State, at: datetime) -> papers.Terms:
    """What both papers say alike. Raises RuntimeError if the approved plan cannot be compiled any more."""
    day = situation.judged_on(state, at)
    plan = situation.plan_of(request, state, day)
    if not isinstance(plan, Plan):
        raise RuntimeError(f"the approved plan does not compile: {plan.code}")
    purpose = forms.purposes(day)[plan.purpose]
    controller, recipient, terms = request.controller, request.institution, rulebook.paper_terms(day)
    return papers.Terms(
        plan=plan,
        provider=_party(
            controller,
            Role.CONTROLLER,
            f"{controller.appointment_type} {controller.appointment_number}, "
            f"{wording.calendar_day(controller.appointment_date)}"
            if controller.appointment_date
            else "",
        ),
        recipient=_party(recipient, Role.ACCOUNTABLE_OFFICER),
        capacity=str(state.answers.get("pdp_capacity") or ""),
        purpose=purpose["name"],
        bast_kind="PEMADANAN" if plan.matching is not None else purpose["bast_kind"],
        regions=gazetteer.regions(plan.area.edition),
        catalogue=Catalogue.on(day),
        grains=Grain.on(day),
        destruction_days=terms.destruction_days,
        report_months=terms.report_months,
        confidentiality_years=terms.confidentiality_years,
    )


def countersign(request: Request, state: State, event: Event) -> None:
    """Adds to the paper that `event` signs the signature of its officer, naming the decision that they signed with
    their passkey, in the transaction of that event. Raises Stopped if it cannot be set."""
    from bagipakai.control.signing import desk

    paper = request.papers.get(sha256=event.payload["document"])
    decision = SignedDecision.objects.get(subject=request.reference, n=event.n)
    act = Act(f"Menandatangani {Paper.Kind(paper.kind).label} {paper.number}", event.at, decision.digest)
    copy = paper.copies.order_by("pk").last()
    try:
        content = documents.read_bytes(copy.sha256 if copy else paper.sha256)
    except documents.DocumentMissing as gone:
        raise Stopped(Refusal("paper-is-missing", {"number": paper.number})) from gone
    outcome = desk.signed(content, _signer(decision), act, _expected(paper, copy))
    if isinstance(outcome, Refusal):
        raise Stopped(outcome)
    SignedCopy.objects.create(paper=paper, decision=decision, sha256=documents.keep(outcome), size=len(outcome))


def read(paper: Paper, copy: SignedCopy | None = None) -> bytes:
    """The bytes of a paper as it was set, or of a signed copy: validated, with every signature that must be in it.
    Raises DocumentMissing if they are gone or were changed, and PaperRefused."""
    from bagipakai.control.signing import desk

    sha256 = copy.sha256 if copy else paper.sha256
    content = documents.read_bytes(sha256)
    found = desk.checked(content, at=clock.now(), expected=_expected(paper, copy))
    if isinstance(found, Refusal):
        raise PaperRefused(sha256, found)
    return content


def _expected(paper: Paper, copy: SignedCopy | None) -> "list[Expected]":
    """Who must have signed a paper, or a copy of it."""
    from bagipakai.control.signing import desk
    from bagipakai.control.signing.validation import Expected

    controller = paper.request.controller
    for_this = _seals(Paper.Kind(paper.kind), paper.number)  # a seal under another paper is no seal under this one
    expected = [Expected(desk.seal_of(controller.code, controller.name).ref, reason=for_this)]
    if copy is not None:
        before = paper.copies.filter(pk__lte=copy.pk).select_related("decision__pending__post__institution")
        expected += [Expected(_signer(one.decision).ref, one.decision.digest) for one in before]
    return expected


def _signer(decision: SignedDecision) -> Holder:
    """The officer as the certificate names them: by numbers of the office's own, name and post."""
    person, post = decision.pending.person, decision.pending.post
    return Holder(leaves.actor(person.pk, post.pk), person.name, post.title, post.institution.name)


def _party(institution: Institution, role: Role, appointment: str = "") -> papers.Party:
    """The institution and whoever signs for it, if there is exactly one such officer now."""
    holders = list(people.holders(role, [institution.pk])[:2])
    post = institution.posts.filter(roles__contains=[role.value], closed_on=None).first()
    return papers.Party(
        institution=institution.name,
        address=institution.address,
        appointment=appointment,
        dpo=institution.dpo_name,
        post=post.title if post else "",
        person=holders[0].name if len(holders) == 1 else "",
    )


def _keep(request: Request, kind: Paper.Kind, number: str, content: bytes, *, plan: Plan, at: datetime) -> None:
    content = _sealed(request.controller, _seals(kind, number), content, at)
    sha256 = documents.keep(content)
    Paper.objects.create(
        request=request,
        kind=kind,
        number=number,
        sha256=sha256,
        size=len(content),
        plan_digest=plan.digest,
        set_at=at,
    )


def _seals(kind: Paper.Kind, number: str) -> str:
    """What a seal says that it is for."""
    return f"Menyegel {kind.label} {number}"


def _sealed(controller: Institution, reason: str, content: bytes, at: datetime) -> bytes:
    from bagipakai.control.signing import desk

    outcome = desk.sealed(content, desk.seal_of(controller.code, controller.name), Act(reason, at))
    if isinstance(outcome, Refusal):
        raise Stopped(outcome)
    return outcome


def _next(request: Request, kind: Paper.Kind) -> int:
    return request.papers.filter(kind=kind).count() + 1
