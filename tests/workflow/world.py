"""A small office for the tests of the table: who is there, what is true, and how a request lawfully walks.

`walk(to=…)` lets a request be where it should be by really walking there. Nobody here is a real person.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from bagipakai.core.access import WIB
from bagipakai.core.facts import Facts, Mandate, Purpose, Settings, Standing
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, Action, Actor, Command, Event, ItemState, Role, State, Status, fold
from bagipakai.core.workflow import TABLE, decide

A, R, S = Action, Role, Status
START = datetime(2026, 11, 2, 9, 0, tzinfo=WIB)
ASKING, CONTROLLER, MINISTRY, THIRD = "DINSOS-A", "BPS", "KEMENKES", "DINSOS-B"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


CAST = {
    R.APPLICANT: Actor("ani", "staf", R.APPLICANT, ASKING),
    R.ACCOUNTABLE_OFFICER: Actor("budi", "kepala", R.ACCOUNTABLE_OFFICER, ASKING),
    R.ADMIN_VERIFIER: Actor("citra", "loket", R.ADMIN_VERIFIER, CONTROLLER),
    R.SUBSTANCE_VERIFIER: Actor("dedi", "forum", R.SUBSTANCE_VERIFIER, CONTROLLER),
    R.DATA_PROTECTION_OFFICER: Actor("hari", "ppdp", R.DATA_PROTECTION_OFFICER, CONTROLLER),
    R.DATA_PRODUCER: Actor("joko", "produsen", R.DATA_PRODUCER, MINISTRY),
    R.COORDINATOR: Actor("eka", "koordinator", R.COORDINATOR, CONTROLLER),
    R.CONTROLLER: Actor("indra", "direktur", R.CONTROLLER, CONTROLLER),
    R.DATA_PREPARER: Actor("fajar", "pengolah", R.DATA_PREPARER, CONTROLLER),
    R.QUALITY_REVIEWER: Actor("gita", "mutu", R.QUALITY_REVIEWER, CONTROLLER),
    R.READINESS_REVIEWER: Actor("sari", "peninjau", R.READINESS_REVIEWER, CONTROLLER),
    R.AUDITOR: Actor("tono", "auditor", R.AUDITOR, "BPKP"),
    R.AUTHORISED_HANDLER: Actor("wati", "pengelola", R.AUTHORISED_HANDLER, ASKING),
    R.SOURCE_PROVIDER: Actor("yani", "penyetor", R.SOURCE_PROVIDER, MINISTRY),
    R.CLERK: Actor("nina", "penelaah", R.CLERK, CONTROLLER),
    R.SYSTEM: SYSTEM,
}

SETTINGS = Settings(
    longest_rounds=3,
    competences=dict.fromkeys(CAST, ("technical",)) | {R.APPLICANT: (), R.ACCOUNTABLE_OFFICER: ()},
    purposes={
        "BANSOS": Purpose("BANSOS", frozenset({"L1", "L2", "L3", "L4"}), 366, True, "PEMANFAATAN"),
        "RISET": Purpose("RISET", frozenset({"L1", "L2"}), 183, False, "PEMANFAATAN"),
    },
    deficiencies=frozenset({"legal-basis-wrong", "document-missing"}),
    documents=frozenset({"REQUEST_LETTER", "TERMS_OF_REFERENCE", "NDA", "SUPPORTING_DOC"}),
    substitutes={"NDA": ("INTEGRITY_PACT",)},
)
QUESTIONS = {
    "purpose": True,
    "programme": True,
    "legal_basis": True,
    "level": True,
    "variables": True,
    "ends_on": True,
    "onward_sharing": False,
    "rolling": False,
    "note": False,
    "roster": False,
}
ANSWERS: dict[str, Any] = {
    "purpose": "BANSOS",
    "programme": "Program Keluarga Harapan",
    "legal_basis": "Perda 3/2024 Pasal 7",
    "level": "L3",
    "variables": [
        {"name": "desil", "reason": "menentukan sasaran"},
        {"name": "umur", "reason": "syarat lansia"},
        {"name": "penyakit_kronis", "reason": "prioritas layanan"},
    ],
    "ends_on": "2027-06-30",
    "onward_sharing": False,
}
STANDING = Standing(
    status="READY",
    valid_until=date(2027, 3, 31),
    levels=frozenset({"L1", "L2", "L3", "L4"}),
    channels=frozenset({"PORTAL"}),
    sites=frozenset({"PUSAT"}),
    digest=sha("certificate"),
    reviewers=frozenset({"sari"}),
)


@dataclass(frozen=True)
class Course:
    """Which of the lawful ways a request takes."""

    returned_by: tuple[Role, ...] = ()  # who sends it back, in order of the checks
    repaired_twice: bool = False  # the first repair is re-opened once
    clarified: bool = False
    reduced: bool = False  # one variable is refused
    amended: bool = False  # … and the applicant amends instead of signing
    early: bool = False  # the BAST is signed with the agreement
    order_refused: bool = False  # the registry refuses the first order
    order_cancelled: bool = False  # the office cancels an order
    quality_fails: bool = False
    lapses: bool = False  # a lapse rule is configured
    rolls: bool = False  # access moves on to the next release
    provider_first: bool = False  # the controller signs before the institution that receives
    matches: bool = False  # the institution's own list is matched, and no variable is asked
    exempted: bool = False  # rows need not meet every rule for them; once amended, they must

    @property
    def settings(self) -> Settings:
        return replace(
            SETTINGS,
            handover_timing="early" if self.early else "late",
            lapse_days=10 if self.lapses else None,
        )


COURSES = (
    Course(),
    Course(returned_by=(R.ADMIN_VERIFIER,), repaired_twice=True, lapses=True),
    Course(returned_by=(R.ADMIN_VERIFIER, R.SUBSTANCE_VERIFIER), lapses=True),
    Course(clarified=True, early=True, provider_first=True),
    Course(reduced=True, order_refused=True, order_cancelled=True, provider_first=True),
    Course(reduced=True, amended=True, early=True),
    Course(quality_fails=True),
    Course(rolls=True),
    Course(rolls=True, early=True, quality_fails=True),
    Course(matches=True),
    Course(exempted=True, rolls=True),
    Course(exempted=True, reduced=True, amended=True),
)


@dataclass
class Walk:
    """A request, its history, and the world around it."""

    course: Course = field(default_factory=Course)
    events: list[Event] = field(default_factory=list)
    table: Any = field(default_factory=lambda: TABLE)
    _folded: State | None = None

    @property
    def state(self) -> State:
        if self._folded is None or self._folded.n != len(self.events):
            self._folded = fold(self.events, "P-1")
        return self._folded

    @property
    def now(self) -> datetime:
        return START + timedelta(hours=len(self.events))

    def facts(self, actor: Actor, payload: dict[str, Any], action: Action) -> Facts:
        """What is true for this actor now, when everything is as it should be."""
        state = self.state
        patience = timedelta(days=60 if action is A.LAPSE else 0)  # nothing lapses at once
        return Facts(
            now=self.now + patience,
            today=(self.now + patience).date(),
            settings=self.course.settings,
            record_is_whole=True,
            account="ACTIVE",
            mandate=Mandate(
                actor.person, actor.post, actor.institution, frozenset({actor.role.value}), START - timedelta(days=9)
            ),
            competences={"technical": date(2027, 1, 31)},
            institution_kind="PEMDA_KAB",
            standing=STANDING,
            overdue=(),
            incidents=(),
            dpo_registered=True,
            controller_appointed=True,
            processor_mandated=True,
            owners={"penyakit_kronis": MINISTRY},
            questions=QUESTIONS | ({"variables": False, "roster": True} if self.course.matches else {}),
            channel="PORTAL",
            tier="L4",
            specific=frozenset({"penyakit_kronis"}),
            documents_required=frozenset({"REQUEST_LETTER", "NDA"}),
            dpo_required=True,
            opinion_required=True,
            plan=plan_of(state, payload if action is A.APPROVE else {}),
            agreement=sha(f"agreement {plan_of(state, {})}"),
            handover=sha(f"handover {plan_of(state, {})} {manifest_of(state, self.course.early)}"),
            repair_due=self.now.date() + timedelta(days=14),
            access_stands=True,
            access_open=False,
            duties=(),
        )

    def command(self, role: Role, action: Action, hint: str = "") -> Command:
        """A command as the one in this role would rightly give it now."""
        state = self.state
        return Command(action, CAST[role], payload_for(state, role, action, hint, self.course), state.n)

    def act(self, role: Role, action: Action, hint: str = "") -> Event:
        command = self.command(role, action, hint)
        facts = self.facts(command.actor, dict(command.payload), action)
        outcome = decide(self.state, command, facts, self.table)
        assert isinstance(outcome, Event), (action, outcome)
        self.events.append(outcome)
        return outcome


def plan_of(state: State, payload: dict[str, Any]) -> str:
    """Stands for the compiler of plans: one digest for one content, level and choice of variables."""
    rules: Any = ()
    if state.decision is not None:
        level, names = state.decision.level, state.decision.variables
        rules = [one.rule for one in state.decision.exempted]
    elif payload:
        level, names = str(payload.get("level")), payload.get("variables") or ()
        rules = payload.get("exempted") or ()
    else:
        level, names = str(state.answers.get("level")), state.asked
    return sha(f"{sorted(state.answers.items(), key=str)} {level} {sorted(map(str, names))} {sorted(map(str, rules))}")


def manifest_of(state: State, early: bool) -> str:
    return "" if early or state.delivered is None else state.delivered.manifest


def path(course: Course) -> Iterator[tuple[Role, Action, str]]:
    """The lawful way from the first draft to the last duty, step by step."""
    yield R.APPLICANT, A.CREATE, ""
    yield R.APPLICANT, A.JOIN, ""
    yield R.APPLICANT, A.SAVE_ANSWER, "rolling" if course.rolls else "roster" if course.matches else "all"
    yield R.APPLICANT, A.ATTACH, "SUPPORTING_DOC"
    yield R.APPLICANT, A.DETACH, "SUPPORTING_DOC"
    yield R.APPLICANT, A.ATTACH, "REQUEST_LETTER"
    yield R.APPLICANT, A.ATTACH, "NDA"
    yield R.APPLICANT, A.SUBMIT, ""
    yield R.SYSTEM, A.RECEIVE, ""
    if R.ADMIN_VERIFIER in course.returned_by:
        yield from _repaired(R.ADMIN_VERIFIER, course)
    yield R.ADMIN_VERIFIER, A.PASS_ADMIN, ""
    if R.SUBSTANCE_VERIFIER in course.returned_by:
        yield from _repaired(R.SUBSTANCE_VERIFIER, course)
    if course.clarified:
        yield R.SUBSTANCE_VERIFIER, A.ASK_CLARIFICATION, ""
        yield R.SUBSTANCE_VERIFIER, A.RECORD_CLARIFICATION, ""
        yield R.APPLICANT, A.CONFIRM_CLARIFICATION, ""
    yield from _decided(course.reduced, course.matches, course.exempted)
    if course.amended:
        yield R.APPLICANT, A.AMEND, ""
        yield R.APPLICANT, A.SAVE_ANSWER, "unlocked"
        yield R.APPLICANT, A.ANSWER_ITEM, "REPAIRED"
        yield R.APPLICANT, A.RESUBMIT, ""
        yield R.ADMIN_VERIFIER, A.ACCEPT_ITEM, ""
        yield R.ADMIN_VERIFIER, A.PASS_ADMIN, ""
        yield from _decided(False)
    parties = (R.ACCOUNTABLE_OFFICER, R.CONTROLLER)
    for party in reversed(parties) if course.provider_first else parties:
        yield party, A.SIGN_AGREEMENT, ""
        if course.early:
            yield party, A.SIGN_HANDOVER, ""
    yield R.SYSTEM, A.BEGIN_PROCESSING, ""
    if course.order_refused:
        yield R.DATA_PREPARER, A.PLACE_ORDER, ""
        yield R.SYSTEM, A.RECORD_RECEIPT, "refused"
    if course.order_cancelled:
        yield R.DATA_PREPARER, A.PLACE_ORDER, ""
        yield R.DATA_PREPARER, A.CANCEL_ORDER, ""
        yield R.SYSTEM, A.RECORD_RECEIPT, "refused"
    yield from _delivered(course, (R.DATA_PREPARER, A.PLACE_ORDER, ""))
    if course.rolls:
        yield from _delivered(course, (R.SYSTEM, A.FOLLOW_RELEASE, ""))
    yield R.SYSTEM, A.CLOSE, ""


def _delivered(course: Course, ordered: tuple[Role, Action, str]) -> Iterator[tuple[Role, Action, str]]:
    parties = (R.ACCOUNTABLE_OFFICER, R.CONTROLLER)
    for failed in (True, False) if course.quality_fails else (False,):
        yield ordered
        ordered = (R.DATA_PREPARER, A.PLACE_ORDER, "")
        yield R.SYSTEM, A.RECORD_RECEIPT, ""
        yield R.DATA_PREPARER, A.SEND_TO_QUALITY, ""
        yield R.QUALITY_REVIEWER, A.FAIL_QUALITY if failed else A.PASS_QUALITY, ""
    if not course.early:
        for party in reversed(parties) if course.provider_first else parties:
            yield party, A.SIGN_HANDOVER, ""
    yield R.SYSTEM, A.GRANT, ""


def _repaired(checker: Role, course: Course) -> Iterator[tuple[Role, Action, str]]:
    yield checker, A.RETURN, "two items"
    yield R.APPLICANT, A.JOIN, ""
    yield R.APPLICANT, A.SAVE_ANSWER, "unlocked"
    yield R.APPLICANT, A.ATTACH, "TERMS_OF_REFERENCE"
    yield R.APPLICANT, A.ANSWER_ITEM, "REPAIRED"
    yield R.APPLICANT, A.ANSWER_ITEM, "REASONED"
    yield R.APPLICANT, A.RESUBMIT, ""
    yield checker, A.ACCEPT_ITEM, ""
    if course.repaired_twice:
        yield checker, A.RETURN, "reopen"
        yield R.APPLICANT, A.ANSWER_ITEM, "REASONED"
        yield R.APPLICANT, A.RESUBMIT, ""
    yield checker, A.ACCEPT_ITEM, ""


def _decided(reduced: bool, matches: bool = False, exempted: bool = False) -> Iterator[tuple[Role, Action, str]]:
    if not matches:
        yield R.SUBSTANCE_VERIFIER, A.PROPOSE, "reduced" if reduced else ""
    if exempted:
        yield R.SUBSTANCE_VERIFIER, A.PROPOSE_EXEMPTIONS, ""
    yield R.DATA_PROTECTION_OFFICER, A.GIVE_OPINION, ""
    yield R.SUBSTANCE_VERIFIER, A.PASS_SUBSTANCE, ""
    if not matches:
        yield R.DATA_PRODUCER, A.DECIDE_VARIABLES, ""
    yield R.COORDINATOR, A.APPROVE, ""


def walk(to: Status | None = None, steps: int | None = None, course: Course | None = None, table: Any = TABLE) -> Walk:
    """A request that lawfully walked: to the first time it is at `to`, or `steps` steps."""
    walking = Walk(course or Course(), table=table)
    for number, (role, action, hint) in enumerate(path(walking.course)):
        if steps is not None and number >= steps:
            break
        walking.act(role, action, hint)
        if to is not None and walking.state.status is to:
            return walking
    assert to is None, f"this course does not come to {to}"
    return walking


def payload_for(state: State, role: Role, action: Action, hint: str, course: Course) -> dict[str, Any]:
    """What a rightful form says at this point. `hint` chooses between several."""
    waiting = [item for item in state.items if item.state in {ItemState.REPAIRED, ItemState.REASONED}]
    open_items = [item for item in state.items if item.state is ItemState.OPEN]
    match action:
        case A.CREATE:
            return {"institution": ASKING, "controller": CONTROLLER}
        case A.SAVE_ANSWER:
            return {"answers": _answers(state, hint)}
        case A.ATTACH:
            kinds = [target[9:] for target in sorted(state.unlocked) if target.startswith("document:")]
            kind = hint or next(iter(kinds), "SUPPORTING_DOC")
            return {
                "kind": kind,
                "sha256": sha(f"{kind} {state.n}"),
                "bytes": 1200,
                "name": f"{kind.lower()}.pdf",
                "media": "application/pdf",
            }
        case A.DETACH:
            return {"kind": hint or next(iter(sorted(state.attachments)), "NDA")}
        case A.RETURN:
            reopen = [{"item": item.id, "note": "belum cukup"} for item in waiting]
            items = [
                {"code": "legal-basis-wrong", "target": "field:legal_basis", "note": "bukan dasar untuk bansos"},
                {"code": "document-missing", "target": "document:TERMS_OF_REFERENCE", "note": ""},
            ]
            return {"items": [] if hint == "reopen" else items, "reopen": reopen}
        case A.ACCEPT_ITEM:
            return {"item": next((item.id for item in waiting), "0.0")}
        case A.ANSWER_ITEM:
            changed = next((item.id for item in open_items if _changed(state, item.target)), None)
            if changed and hint != "REASONED":
                return {"item": changed, "answer": "REPAIRED", "reason": ""}
            return {
                "item": next((item.id for item in open_items), "0.0"),
                "answer": "REASONED",
                "reason": "sudah sesuai",
            }
        case A.ASK_CLARIFICATION:
            return {"questions": "Mengapa perlu umur?"}
        case A.RECORD_CLARIFICATION:
            return {"document": sha("klarifikasi"), "summary": "Umur dipakai untuk syarat lansia."}
        case A.CONFIRM_CLARIFICATION:
            return {"document": state.clarification or sha("klarifikasi")}
        case A.PROPOSE:
            return {"verdicts": {name: _verdict(name, hint) for name in state.asked}}
        case A.DECIDE_VARIABLES:
            return {"verdicts": {"penyakit_kronis": _verdict("penyakit_kronis", "")}}
        case A.PROPOSE_EXEMPTIONS:
            return {"exemptions": {"rows-share": "seluruh provinsi dievaluasi", "rows-alike": "desa kecil ikut serta"}}
        case A.GIVE_OPINION:
            return {"opinion": "SUPPORTS", "reason": "risiko terkelola"}
        case A.APPROVE:
            names = [name for name in state.asked if name in state.proposals]
            chosen = [name for name in names if state.proposals[name].verdict != "REJECT"]
            payload = {"variables": chosen, "level": state.answers.get("level"), "reason": "sesuai tujuan"}
            if state.exemptions:
                payload["exempted"] = ["rows-alike"]  # of the two
            return payload | {"plan": plan_of(state, payload), "content": state.content}
        case A.AMEND:
            return {"fields": ["variables"], "reason": "umur tidak disetujui"}
        case A.SIGN_AGREEMENT:
            return {"document": sha(f"agreement {plan_of(state, {})}")}
        case A.SIGN_HANDOVER:
            manifest = manifest_of(state, course.early and state.status is S.AGREEMENT_SIGNING)
            paper = sha(f"handover {plan_of(state, {})} {manifest_of(state, course.early)}")
            return {"document": paper, "plan": plan_of(state, {}), "manifest": manifest}
        case A.PLACE_ORDER | A.FOLLOW_RELEASE:
            release = "2026.4.0" if state.grant or action is A.FOLLOW_RELEASE else "2026.3.0"
            return {"order": f"order-{len(state.orders) + 1}", "plan": plan_of(state, {}), "release": release}
        case A.CANCEL_ORDER:
            return {"order": state.orders[-1] if state.orders else "order-1", "reason": "rencana diganti"}
        case A.RECORD_RECEIPT:
            return _receipt(state, refused=hint == "refused")
        case A.GRANT:
            return {"grant": "G-1"}
        case A.REJECT | A.FAIL_QUALITY:
            return {"reason": "tidak sesuai"}
        case A.WITHDRAW:
            return {"reason": "program berubah"}
    return {}


def _answers(state: State, hint: str) -> dict[str, Any]:
    if hint == "roster":
        return {name: one for name, one in ANSWERS.items() if name != "variables"} | {"roster": "DFT-2026-000001"}
    if hint in ("all", "rolling") or (state.status is S.DRAFT and not state.answers):
        return ANSWERS | {"rolling": hint == "rolling"}
    if state.status is S.RETURNED:
        names = [target[6:] for target in sorted(state.unlocked) if target.startswith("field:")]
        new = {
            "legal_basis": f"Perbup {state.n}/2025 Pasal 2",
            "variables": [one for one in ANSWERS["variables"] if one["name"] != "umur"],
        }
        return {name: new[name] for name in names if name in new} or {"note": "–"}
    return {"note": f"catatan {state.n}"}


def _changed(state: State, target: str) -> bool:
    sort, _, name = target.partition(":")
    sent = state.versions[-1]
    if sort == "field":
        return state.answers.get(name) != sent.answers.get(name)
    return state.attachments.get(name) != sent.attachments.get(name)


def _verdict(name: str, hint: str) -> dict[str, str]:
    if name == "umur" and hint == "reduced":
        return {"verdict": "REJECT", "level": "L3", "reason": "tidak perlu"}
    return {"verdict": "APPROVE", "level": "L3", "reason": "perlu untuk prioritas"}


STEPS = ("SELECTION", "AGGREGATION", "FORMATTING", "ACCESS_SECURING", "PROVISIONING")


def _receipt(state: State, refused: bool) -> dict[str, Any]:
    order = state.orders[-1] if state.orders else "order-0"
    names = list(state.decision.variables) if state.decision else []
    return {
        "order": order,
        "plan": plan_of(state, {}),
        "release": "2026.4.0" if state.grant else "2026.3.0",
        "refusal": "order-failed" if refused else "",
        "package": "" if refused else f"package-{order}",
        "manifest": "" if refused else sha(f"manifest {order}"),
        "rows": 0 if refused else 812,
        "columns": [] if refused else names,
        "steps": [] if refused else [{"step": step, "evidence": {"rows": 812}} for step in STEPS],
    }


def code(outcome: Event | Refusal | None) -> str:
    """The code of a refusal; nothing for anything else."""
    return outcome.code if isinstance(outcome, Refusal) else ""
