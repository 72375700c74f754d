"""What can go wrong or be tried, one thing at a time: each cheat spoils one circumstance of a try.

A cheat changes the facts, the command or the history (as somebody with a hand in the database could). It promises
nothing about the answer: the judge is `promises.broken`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from tests.workflow.promises import Step, broken
from tests.workflow.world import ASKING, MINISTRY, THIRD, Walk, manifest_of, plan_of, sha

from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Action, Command, Event, Role, State, fold
from bagipakai.core.workflow import TABLE, decide

A, R = Action, Role


@dataclass(frozen=True)
class Try:
    """One try: what had happened (and how the request stands by it), what is wanted, and what is true."""

    events: tuple[Event, ...]
    state: State
    command: Command
    facts: Facts

    def outcome(self, table: Any = TABLE) -> Event | Refusal:
        return decide(self.state, self.command, self.facts, table)

    def broken(self, table: Any = TABLE) -> list[str]:
        """The promises that are broken if this try is accepted; none if it is refused."""
        outcome = self.outcome(table)
        return broken(Step(self.events, outcome, self.command, self.facts)) if isinstance(outcome, Event) else []


def rightly(walk: Walk, role: Role, action: Action, hint: str = "") -> Try:
    """The try that somebody in this role would rightly make now."""
    command = walk.command(role, action, hint)
    return Try(tuple(walk.events), walk.state, command, walk.facts(command.actor, dict(command.payload), action))


Cheat = Callable[[Try], Iterator[Try]]
CHEATS: list[tuple[frozenset[Action], Cheat]] = []


def cheat(*actions: Action) -> Callable[[Cheat], Cheat]:
    """Aims at these actions; at all, if none is named."""

    def keep(spoils: Cheat) -> Cheat:
        CHEATS.append((frozenset(actions or Action), spoils))
        return spoils

    return keep


def cheats_on(attempt: Try) -> Iterator[Try]:
    """Every way in which this try can be spoiled."""
    for actions, spoils in CHEATS:
        if attempt.command.action in actions:
            yield from spoils(attempt)


def _facts(attempt: Try, **changes: Any) -> Try:
    return replace(attempt, facts=replace(attempt.facts, **changes))


def _settings(attempt: Try, **changes: Any) -> Try:
    return _facts(attempt, settings=replace(attempt.facts.settings, **changes))


def _says(attempt: Try, **changes: Any) -> Try:
    return replace(attempt, command=replace(attempt.command, payload={**attempt.command.payload, **changes}))


def _as(attempt: Try, **changes: Any) -> Try:
    """Somebody else acts, on a post that is really theirs."""
    actor = replace(attempt.command.actor, **changes)
    mandate = attempt.facts.mandate
    held = replace(mandate, person=actor.person, post=actor.post, institution=actor.institution) if mandate else None
    return _facts(replace(attempt, command=replace(attempt.command, actor=actor)), mandate=held)


def _history(attempt: Try, events: tuple[Event, ...]) -> Try:
    """Another history, seen as it stands; the plan and the papers are made from it afresh."""
    state = fold(events, "P-1")
    changed = replace(attempt, events=events, state=state, command=replace(attempt.command, seen=state.n))
    early = attempt.facts.settings.handover_timing == "early"
    payload = dict(attempt.command.payload) if attempt.command.action is A.APPROVE else {}
    return _facts(
        changed,
        plan=plan_of(state, payload),
        agreement=sha(f"agreement {plan_of(state, {})}"),
        handover=sha(f"handover {plan_of(state, {})} {manifest_of(state, early)}"),
    )


def _without(attempt: Try, action: Action) -> Iterator[Try]:
    """The last such event never happened."""
    last = next((event for event in reversed(attempt.events) if event.action is action), None)
    if last is not None:
        yield _history(attempt, tuple(event for event in attempt.events if event is not last))


def _rewritten(attempt: Try, action: Action, **changes: Any) -> Iterator[Try]:
    """The last such event said something else."""
    last = next((event for event in reversed(attempt.events) if event.action is action), None)
    if last is not None:
        forged = replace(last, payload={**last.payload, **changes})
        yield _history(attempt, tuple(forged if event is last else event for event in attempt.events))


def _forged(attempt: Try, answers: dict[str, Any], person: str = "") -> Try:
    """One more event: answers that somebody slipped in."""
    last = attempt.events[-1]
    actor = replace(SYSTEM, person=person)
    event = Event(
        "P-1", last.n + 1, last.at, actor, A.SAVE_ANSWER, last.status_after, last.status_after, {"answers": answers}
    )
    return _history(attempt, (*attempt.events, event))


# the person


@cheat()
def the_account_is_not_active(attempt: Try) -> Iterator[Try]:
    for account in ("", "WARNED", "SUSPENDED"):
        yield _facts(attempt, account=account)


@cheat()
def the_mandate_is_not_theirs(attempt: Try) -> Iterator[Try]:
    yield _facts(attempt, mandate=None)
    if (held := attempt.facts.mandate) is not None:
        yield _facts(attempt, mandate=replace(held, until=attempt.facts.now))
        yield _facts(attempt, mandate=replace(held, since=attempt.facts.now + timedelta(seconds=1)))
        yield _facts(attempt, mandate=replace(held, roles=frozenset({"AUDITOR"})))
        yield _facts(attempt, mandate=replace(held, person="orang-lain"))


@cheat()
def the_competence_is_gone(attempt: Try) -> Iterator[Try]:
    yield _facts(attempt, competences={})
    yield _facts(attempt, competences={"technical": attempt.facts.today - timedelta(days=1)})
    yield _settings(attempt, competences={})


@cheat()
def somebody_of_another_house(attempt: Try) -> Iterator[Try]:
    yield _as(attempt, institution=THIRD)
    yield _facts(_as(attempt, institution=ASKING), owners={"penyakit_kronis": ASKING})


@cheat()
def somebody_who_was_here_before(attempt: Try) -> Iterator[Try]:
    for person in ("ani", "budi", "citra", "dedi", "eka", "fajar", "gita", "hari", "indra", "sari"):
        yield _as(attempt, person=person)


# may the institution ask?


@cheat(A.SUBMIT, A.RESUBMIT, A.APPROVE, A.GRANT, A.FOLLOW_RELEASE)
def the_institution_may_not_ask(attempt: Try) -> Iterator[Try]:
    standing = attempt.facts.standing
    yield _facts(attempt, controller_appointed=False)
    yield _facts(attempt, institution_kind="INTERNATIONAL")
    for status in ("NOT_STARTED", "UNDER_REVIEW", "NOT_READY", "SUSPENDED", "EXPIRED"):
        yield _facts(attempt, standing=replace(standing, status=status))
    yield _facts(attempt, standing=replace(standing, valid_until=attempt.facts.today - timedelta(days=1)))
    yield _facts(attempt, standing=replace(standing, valid_until=None))
    yield _facts(attempt, standing=replace(standing, levels=frozenset({"L1"})))
    yield _facts(attempt, channel="API")
    for overdue in (None, ("laporan 2026-S1",)):
        yield _facts(attempt, overdue=overdue)
        yield _facts(attempt, incidents=overdue)
    yield _facts(attempt, dpo_registered=False)
    for documents in (None, frozenset({"TERMS_OF_REFERENCE", "IMPACT_ASSESSMENT"})):
        yield _facts(attempt, documents_required=documents)


@cheat(A.SUBMIT, A.RESUBMIT, A.APPROVE)
def the_request_is_not_whole(attempt: Try) -> Iterator[Try]:
    settings = attempt.facts.settings
    purpose = settings.purposes["BANSOS"]
    yield _facts(attempt, questions={**attempt.facts.questions, "handlers": True})
    yield _facts(attempt, questions={})
    yield _settings(attempt, purposes={})
    yield _settings(attempt, purposes={"BANSOS": replace(purpose, levels=frozenset({"L1"}))})
    yield _settings(attempt, purposes={"BANSOS": replace(purpose, longest_days=1)})
    yield _facts(attempt, today=date(2027, 7, 1), standing=replace(attempt.facts.standing, valid_until=date.max))
    for told in _rewritten_answers(attempt, onward_sharing=True):
        yield _settings(told, purposes={"BANSOS": replace(purpose, onward_sharing=False)})
    yield from _rewritten_answers(attempt, variables=[{"name": "desil", "reason": " "}])
    yield _facts(attempt, plan="")
    yield _facts(attempt, plan_refusal=Refusal("plan-region-unknown", {"code": "99"}))


def _rewritten_answers(attempt: Try, **answers: Any) -> Iterator[Try]:
    first = next((event for event in attempt.events if event.action is A.SAVE_ANSWER), None)
    if first is not None:
        forged = replace(first, payload={"answers": {**first.payload["answers"], **answers}})
        yield _history(attempt, tuple(forged if event is first else event for event in attempt.events))


# content and repair


@cheat(A.SAVE_ANSWER)
def what_may_not_be_written(attempt: Try) -> Iterator[Try]:
    said = attempt.command.payload["answers"]
    yield _facts(attempt, questions={name: True for name in attempt.facts.questions if name not in said})
    yield _says(attempt, answers={"programme": "program lain"})
    yield _says(attempt, answers={"status": "ACCESS_GRANTED"})


@cheat(A.ATTACH)
def what_may_not_be_attached(attempt: Try) -> Iterator[Try]:
    settings = attempt.facts.settings
    yield _settings(attempt, documents=settings.documents - {attempt.command.payload["kind"]})
    yield _says(attempt, kind="REQUEST_LETTER")
    yield _says(attempt, kind="../etc")


@cheat(A.RECEIVE, A.PASS_ADMIN, A.PASS_SUBSTANCE)
def content_slipped_in(attempt: Try) -> Iterator[Try]:
    yield _forged(attempt, {"programme": "program lain"})


@cheat(A.APPROVE)
def content_slipped_in_before_the_decision(attempt: Try) -> Iterator[Try]:
    forged = _forged(attempt, {"programme": "program lain"})
    plan = plan_of(forged.state, dict(attempt.command.payload))
    yield _says(_facts(forged, plan=plan), content=forged.state.content, plan=plan)


@cheat(A.RETURN, A.ACCEPT_ITEM)
def a_careless_return(attempt: Try) -> Iterator[Try]:
    if attempt.command.action is A.ACCEPT_ITEM:
        for item in ("9.9", *(item.id for item in attempt.state.items)):
            yield _says(attempt, item=item)
        return
    yield _says(attempt, items=[], reopen=[])
    yield _says(attempt, reopen=[])
    yield _says(attempt, items=[{"code": "kurang", "target": "field:purpose", "note": ""}])
    yield _says(attempt, items=[{"code": "document-missing", "target": "document:KTP", "note": ""}])
    yield _says(attempt, items=[{"code": "document-missing", "target": "status:DRAFT", "note": ""}])
    yield _says(attempt, reopen=[*attempt.command.payload["reopen"], {"item": "9.9", "note": "lagi"}])
    yield _settings(attempt, longest_rounds=0)


@cheat(A.ANSWER_ITEM)
def an_empty_answer(attempt: Try) -> Iterator[Try]:
    for item in ("9.9", *(item.id for item in attempt.state.items)):
        yield _says(attempt, item=item, answer="REASONED", reason="sudah sesuai")
        yield _says(attempt, item=item, answer="REASONED", reason=" ")
        yield _says(attempt, item=item, answer="REPAIRED", reason="")


@cheat(A.RESUBMIT)
def a_repair_that_is_none(attempt: Try) -> Iterator[Try]:
    yield from _without(attempt, A.ANSWER_ITEM)
    sent = attempt.state.versions[-1].answers
    repaired = {name: sent[name] for name in ("legal_basis", "variables") if f"field:{name}" in attempt.state.unlocked}
    if repaired:
        yield _forged(attempt, repaired, "ani")


@cheat(A.PASS_ADMIN, A.PASS_SUBSTANCE)
def a_check_that_is_not_done(attempt: Try) -> Iterator[Try]:
    yield from _without(attempt, A.ACCEPT_ITEM)
    yield from _without(attempt, A.PROPOSE)
    yield from _without(attempt, A.GIVE_OPINION)
    for unheard in _without(attempt, A.GIVE_OPINION):
        yield _facts(unheard, opinion_required=False)
    yield _facts(attempt, documents_required=frozenset({"IMPACT_ASSESSMENT"}))


@cheat(A.LAPSE)
def a_lapse_before_its_time(attempt: Try) -> Iterator[Try]:
    yield _settings(attempt, lapse_days=None)
    yield _settings(attempt, lapse_days=90)
    yield _facts(attempt, today=attempt.facts.today - timedelta(days=59))


# proposal and decision


@cheat(A.CONFIRM_CLARIFICATION)
def another_record(attempt: Try) -> Iterator[Try]:
    yield _says(attempt, document=sha("catatan lain"))
    yield from _without(attempt, A.RECORD_CLARIFICATION)


@cheat(A.PROPOSE, A.DECIDE_VARIABLES)
def a_careless_verdict(attempt: Try) -> Iterator[Try]:
    yield _facts(
        _says(attempt, verdicts={"nik": {"verdict": "APPROVE", "level": "L4", "reason": "perlu"}}),
        owners={"nik": MINISTRY},
    )
    for verdict in ("APPROVE", "REJECT", "LOWER"):
        yield _says(attempt, verdicts={"penyakit_kronis": {"verdict": verdict, "level": "L1", "reason": ""}})
    yield _facts(attempt, owners={"penyakit_kronis": THIRD})


@cheat(A.PROPOSE_EXEMPTIONS)
def a_careless_exemption(attempt: Try) -> Iterator[Try]:
    for exemptions in (
        {"rows-alike": " "},
        {"rows-alike": "perlu", "rows-all": "perlu"},
        {"plan-level-differs": "perlu"},
    ):
        yield _says(attempt, exemptions=exemptions)
    for answers in ({"level": "L1"}, {"level": "L4"}, {"roster": "DFT-2026-000001"}):
        yield from _rewritten_answers(attempt, **answers)


@cheat(A.APPROVE)
def an_exemption_of_ones_own(attempt: Try) -> Iterator[Try]:
    """The plan is that of what is said: nothing but the rule that it takes two persons is in the way."""
    tries = (attempt, *_without(attempt, A.PROPOSE_EXEMPTIONS))
    for told in (
        _says(one, exempted=[rule]) for one in tries for rule in ("rows-alike", "rows-share", "rows-presence")
    ):
        plan = plan_of(told.state, dict(told.command.payload))
        yield _says(_facts(told, plan=plan), plan=plan)


@cheat(A.APPROVE)
def an_approval_too_far(attempt: Try) -> Iterator[Try]:
    said = attempt.command.payload
    every = [name for name in attempt.state.asked if name not in said["variables"]]
    for wider in ({"variables": [*said["variables"], *(every or ["nik"])]}, {"level": "L4"}):
        told = _says(attempt, **wider)
        plan = plan_of(told.state, dict(told.command.payload))
        yield _says(_facts(told, plan=plan), plan=plan)
    yield _says(attempt, plan=sha("rencana kemarin"))
    yield _says(attempt, content=sha("isi kemarin"))
    yield from _without(attempt, A.DECIDE_VARIABLES)
    yield _facts(attempt, owners=None)
    for answer in ("REJECT", "LOWER"):
        verdicts = {"penyakit_kronis": {"verdict": answer, "level": "L1", "reason": "tidak"}}
        yield from _rewritten(attempt, A.DECIDE_VARIABLES, verdicts=verdicts)


@cheat(A.AMEND)
def an_amendment_without_cause(attempt: Try) -> Iterator[Try]:
    yield attempt
    yield _says(attempt, fields=["status"])


# papers, processing, hand-over


@cheat(A.SIGN_AGREEMENT, A.BEGIN_PROCESSING, A.PLACE_ORDER, A.FOLLOW_RELEASE, A.PASS_QUALITY, A.GRANT)
def another_plan_than_approved(attempt: Try) -> Iterator[Try]:
    yield _facts(attempt, plan=sha("rencana lain"))
    forged = _forged(attempt, {"programme": "program lain"})
    yield _facts(forged, plan=attempt.facts.plan, agreement=attempt.facts.agreement, handover=attempt.facts.handover)


@cheat(A.SIGN_AGREEMENT, A.SIGN_HANDOVER)
def a_signature_that_is_none(attempt: Try) -> Iterator[Try]:
    yield attempt
    yield _says(attempt, document=sha("kertas lain"))
    if attempt.command.action is A.SIGN_HANDOVER:
        yield _says(attempt, plan=sha("rencana lain"))
        yield _says(attempt, manifest=sha("paket lain"))
        yield _settings(attempt, handover_timing="late")


@cheat(A.BEGIN_PROCESSING, A.PLACE_ORDER, A.FOLLOW_RELEASE, A.GRANT)
def papers_unsigned(attempt: Try) -> Iterator[Try]:
    yield from _without(attempt, A.SIGN_AGREEMENT)
    yield from _without(attempt, A.SIGN_HANDOVER)
    yield from _rewritten(attempt, A.SIGN_AGREEMENT, document=sha("kertas lain"))


@cheat(A.PLACE_ORDER, A.FOLLOW_RELEASE, A.GRANT)
def a_record_that_somebody_touched(attempt: Try) -> Iterator[Try]:
    yield _facts(attempt, record_is_whole=False)


@cheat(A.PLACE_ORDER, A.FOLLOW_RELEASE, A.CANCEL_ORDER, A.RECORD_RECEIPT)
def a_disorderly_order(attempt: Try) -> Iterator[Try]:
    yield attempt
    yield _facts(attempt, processor_mandated=False)
    yield _says(attempt, order="order-1")
    yield _says(attempt, order="order-99")
    yield _says(attempt, plan=sha("rencana lain"))


@cheat(A.SEND_TO_QUALITY, A.PASS_QUALITY, A.GRANT)
def a_package_that_is_none(attempt: Try) -> Iterator[Try]:
    yield attempt
    told = next((event.payload for event in reversed(attempt.events) if event.action is A.RECORD_RECEIPT), None)
    if told is None:
        return
    steps = told["steps"]
    without = [{**one, "evidence": {}} if one["step"] == "AGGREGATION" else one for one in steps]
    changes: tuple[dict[str, Any], ...] = (
        {"refusal": "order-failed"},
        {"package": ""},
        {"manifest": sha("paket lain")},
        {"plan": sha("rencana lain")},
        {"columns": [*told["columns"], "nik"]},
        {"steps": steps[:4]},
        {"steps": list(reversed(steps))},
        {"steps": without},
    )
    for change in changes:
        yield from _rewritten(attempt, A.RECORD_RECEIPT, **change)
    yield from _without(attempt, A.RECORD_RECEIPT)


@cheat(A.FOLLOW_RELEASE)
def a_product_that_does_not_roll(attempt: Try) -> Iterator[Try]:
    yield attempt
    yield _says(attempt, release="2026.3.0")
    yield from _rewritten(attempt, A.SAVE_ANSWER, answers={**attempt.state.answers, "rolling": False})


@cheat(A.GRANT, A.FOLLOW_RELEASE)
def access_that_stands_no_more(attempt: Try) -> Iterator[Try]:
    yield _facts(attempt, access_stands=False)


@cheat(A.WITHDRAW)
def what_was_given_already(attempt: Try) -> Iterator[Try]:
    yield attempt


@cheat(A.GRANT, A.FOLLOW_RELEASE, A.CLOSE)
def too_late_or_too_soon(attempt: Try) -> Iterator[Try]:
    later = replace(attempt.facts.standing, valid_until=date.max)
    yield _facts(attempt, today=date(2027, 7, 1), standing=later)
    yield _facts(attempt, access_open=True)
    for duties in (None, ("laporan pemanfaatan",)):
        yield _facts(attempt, duties=duties)
