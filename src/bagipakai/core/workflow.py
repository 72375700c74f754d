"""Who may do what, when, unless: the request from its first draft to its last duty, as one table.

*An applicant may submit a draft unless readiness has lapsed.* What is not in the table is refused. Every page,
interface, job and handler asks `objection`; a button is drawn or explained by the same answer (`possible`). State is a
pure fold over events that are only ever added (core.request); adding event `(request, n)` is the lock.

Sources: law reference 4.1 (what the regulation is reported to say), 4.2 (stages and guards), 4.4 (invariants),
4.5 (documents); scenarios S02, S04, S06, S14. The lawyer's page docs/reference/alur.md is made from this table.
"""

from typing import Any, Final, cast

from bagipakai.core.facts import Facts
from bagipakai.core.objections.asking import (
    controller_is_not_appointed,
    document_kind_is_unknown,
    documents_are_missing,
    dpo_is_not_registered,
    duty_is_overdue,
    incident_is_open,
    level_exceeds_the_purpose,
    onward_sharing_is_not_allowed,
    period_is_not_allowed,
    plan_is_unlawful,
    purpose_is_unknown,
    question_is_unknown,
    questions_are_unanswered,
    readiness_does_not_cover_it,
    readiness_has_lapsed,
    transfer_has_no_basis,
    variable_has_no_reason,
)
from bagipakai.core.objections.decision import (
    amends_an_unknown_question,
    approves_more_than_was_proposed,
    content_differs_from_what_was_approved,
    content_differs_from_what_was_seen,
    exempts_more_than_was_proposed,
    is_not_the_owner,
    owner_is_silent,
    product_is_not_reduced,
)
from bagipakai.core.objections.delivery import (
    access_is_still_open,
    access_stands_no_more,
    access_was_given,
    duty_is_unmet,
    end_date_has_passed,
    follows_no_release,
    no_order_is_running,
    order_is_not_the_last,
    order_is_running,
    order_is_used_already,
    order_was_answered,
    order_was_cancelled,
    package_exceeds_what_was_approved,
    package_is_missing,
    package_was_checked_already,
    processor_has_no_mandate,
    record_is_broken,
    sub_step_lacks_evidence,
)
from bagipakai.core.objections.examination import (
    clarification_is_not_recorded,
    confirms_another_record,
    content_is_not_frozen,
    dpo_opinion_is_missing,
    exemption_has_no_opinion,
    exemption_has_no_reason,
    has_no_rows_without_names,
    proposal_is_incomplete,
    rule_is_not_exemptible,
    variable_was_not_asked,
    verdict_has_no_reason,
)
from bagipakai.core.objections.form import (
    answer_is_too_long,
    form_is_incomplete,
)
from bagipakai.core.objections.papers import (
    agreement_is_signed_already,
    agreement_is_unsigned,
    early_handover_is_unsigned,
    handover_comes_after_quality,
    handover_is_signed_already,
    handover_is_unsigned,
    names_another_package,
    names_another_plan,
    package_differs_from_what_was_signed,
    signs_another_agreement,
    signs_another_handover,
)
from bagipakai.core.objections.person import (
    account_is_not_active,
    already_examined_it,
    belongs_to_another_institution,
    belongs_to_own_institution,
    competence_has_ended,
    drafted_it_themselves,
    mandate_has_ended,
)
from bagipakai.core.objections.repair import (
    deficiency_is_open,
    document_is_not_unlocked,
    field_is_not_unlocked,
    item_is_not_judged,
    item_is_not_open,
    item_is_not_yours_to_judge,
    item_is_unanswered,
    item_names_nothing_known,
    nothing_is_named,
    nothing_was_repaired,
    reason_is_missing,
    repair_time_remains,
    repair_was_undone,
    requests_do_not_lapse,
    rounds_are_used_up,
)
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import SYSTEM, TERMINAL, Action, Actor, Command, Event, Role, State, Status, after, fold
from bagipakai.core.request import Action as A
from bagipakai.core.request import Role as R
from bagipakai.core.request import Status as S
from bagipakai.core.table import Rule, Table, first_refusal, table_of
from bagipakai.core.table import possible as possible_by

__all__ = [
    "RULES",
    "SYSTEM",
    "TABLE",
    "TERMINAL",
    "Action",
    "Actor",
    "Command",
    "Event",
    "Facts",
    "Role",
    "Rule",
    "State",
    "Status",
    "after",
    "decide",
    "fold",
    "objection",
    "possible",
    "table_of",
]


# Who: a person in office; one who has a part in the request for the controller; one who asks.
PERSON: Final = (account_is_not_active, mandate_has_ended)
EXAMINER: Final = (
    *PERSON,
    competence_has_ended,
    belongs_to_own_institution,
    drafted_it_themselves,
    already_examined_it,
)
ASKER: Final = (*PERSON, belongs_to_another_institution, already_examined_it)

# What: the submit guard of law reference 4.2, and the groups that stand in more than one line.
MAY_ASK: Final = (
    controller_is_not_appointed,
    transfer_has_no_basis,
    readiness_has_lapsed,
    duty_is_overdue,
    incident_is_open,
    questions_are_unanswered,
    readiness_does_not_cover_it,
    purpose_is_unknown,
    level_exceeds_the_purpose,
    onward_sharing_is_not_allowed,
    period_is_not_allowed,
    variable_has_no_reason,
    plan_is_unlawful,
    documents_are_missing,
    dpo_is_not_registered,
)
RETURNING: Final = (
    nothing_is_named,
    item_names_nothing_known,
    item_is_not_yours_to_judge,
    item_is_not_judged,
    rounds_are_used_up,
)
PROPOSED: Final = (
    content_is_not_frozen,
    deficiency_is_open,
    documents_are_missing,
    proposal_is_incomplete,
    dpo_opinion_is_missing,
    exemption_has_no_opinion,
)
DECIDABLE: Final = (
    content_is_not_frozen,
    transfer_has_no_basis,
    readiness_has_lapsed,
    owner_is_silent,
    plan_is_unlawful,
    approves_more_than_was_proposed,
    exempts_more_than_was_proposed,
    content_differs_from_what_was_seen,
)
AGREEMENT: Final = (agreement_is_signed_already, signs_another_agreement, content_differs_from_what_was_approved)
HANDOVER: Final = (handover_is_signed_already, signs_another_handover, names_another_plan)
ORDERABLE: Final = (
    record_is_broken,
    processor_has_no_mandate,
    agreement_is_unsigned,
    content_differs_from_what_was_approved,
    order_is_running,
    order_is_used_already,
    names_another_plan,
)
GOOD_PACKAGE: Final = (package_is_missing, sub_step_lacks_evidence, package_exceeds_what_was_approved)
RELEASE: Final = (
    record_is_broken,
    agreement_is_unsigned,
    handover_is_unsigned,
    package_is_missing,
    package_exceeds_what_was_approved,
    package_differs_from_what_was_signed,
    content_differs_from_what_was_approved,
    readiness_has_lapsed,
    end_date_has_passed,
    access_stands_no_more,
)
FOLLOWING: Final = (
    record_is_broken,
    agreement_is_unsigned,
    content_differs_from_what_was_approved,
    readiness_has_lapsed,
    end_date_has_passed,
    access_stands_no_more,
    order_is_used_already,
    names_another_plan,
    follows_no_release,
)
NO_MORE_DUTIES: Final = (access_is_still_open, duty_is_unmet)

AGAIN: Final = frozenset({Status.PROCESSING, Status.QUALITY_CHECK, Status.HANDOVER_SIGNING})  # for the next release too
BEFORE_ACCESS: Final = tuple(status for status in Status if status not in TERMINAL | {Status.ACCESS_GRANTED})

# Sources that stand in more than one line.
NTB = "Artikel Bappeda NTB tentang Permen PPN 7/2025 (B)"
BPS = "Peraturan BPS 6/2025 Pasal 23–24 (C); R-06; keputusan 0085"
EARLY = "Portal nasional: BAST sebelum penyiapan (D); acuan hukum 4.2, 11.2; keputusan 0085"

# fmt: off
RULES: Final[tuple[Rule[Status, Action], ...]] = (
    # the applicant writes
    Rule(R.APPLICANT, A.CREATE, None, S.DRAFT, ASKER, f"{NTB}: pengajuan; acuan hukum 4.2"),
    Rule(R.APPLICANT, A.JOIN, S.DRAFT, S.DRAFT, ASKER, "Acuan hukum 4.4 butir 2; S04"),
    Rule(R.APPLICANT, A.SAVE_ANSWER, S.DRAFT, S.DRAFT, (*ASKER, question_is_unknown), "Acuan hukum 4.2; S07"),
    Rule(R.APPLICANT, A.ATTACH, S.DRAFT, S.DRAFT, (*ASKER, document_kind_is_unknown), "Acuan hukum 4.2, 4.5"),
    Rule(R.APPLICANT, A.DETACH, S.DRAFT, S.DRAFT, ASKER, "Acuan hukum 4.2, 4.5"),
    Rule(R.APPLICANT, A.SUBMIT, S.DRAFT, S.SUBMITTED, (*ASKER, *MAY_ASK), f"{NTB}: kesiapan lebih dulu; R-01, R-02"),
    Rule(R.SYSTEM, A.RECEIVE, S.SUBMITTED, S.ADMIN_CHECK, (content_is_not_frozen,), "Acuan hukum 4.2; 4.4 butir 5"),
    # the administrative check
    Rule(R.ADMIN_VERIFIER, A.ACCEPT_ITEM, S.ADMIN_CHECK, S.ADMIN_CHECK,
         (*EXAMINER, item_is_not_yours_to_judge), "R-03; S02"),
    Rule(R.ADMIN_VERIFIER, A.RETURN, S.ADMIN_CHECK, S.RETURNED,
         (*EXAMINER, *RETURNING), f"{NTB}: pemberitahuan perbaikan; R-03"),
    Rule(R.ADMIN_VERIFIER, A.PASS_ADMIN, S.ADMIN_CHECK, S.SUBSTANCE_CHECK,
         (*EXAMINER, content_is_not_frozen, deficiency_is_open), f"{NTB}: pengecekan administrasi dan validasi"),
    # the check of substance
    Rule(R.SUBSTANCE_VERIFIER, A.ACCEPT_ITEM, S.SUBSTANCE_CHECK, S.SUBSTANCE_CHECK,
         (*EXAMINER, item_is_not_yours_to_judge), "R-03; S02"),
    Rule(R.SUBSTANCE_VERIFIER, A.RETURN, S.SUBSTANCE_CHECK, S.RETURNED,
         (*EXAMINER, *RETURNING), f"{NTB}: pengecekan lalu perbaikan; acuan hukum 11.4"),
    Rule(R.SUBSTANCE_VERIFIER, A.ASK_CLARIFICATION, S.SUBSTANCE_CHECK, S.CLARIFICATION,
         EXAMINER, "Kaltara: klarifikasi (D); acuan hukum 4.2"),
    Rule(R.SUBSTANCE_VERIFIER, A.RECORD_CLARIFICATION, S.CLARIFICATION, S.CLARIFICATION,
         EXAMINER, "Kaltara: Berita Acara Klarifikasi (D)"),
    Rule(R.APPLICANT, A.CONFIRM_CLARIFICATION, S.CLARIFICATION, S.SUBSTANCE_CHECK,
         (*ASKER, clarification_is_not_recorded, confirms_another_record), "Acuan hukum 4.2: kedua pihak"),
    Rule(R.SUBSTANCE_VERIFIER, A.PROPOSE, S.SUBSTANCE_CHECK, S.SUBSTANCE_CHECK,
         (*EXAMINER, variable_was_not_asked, verdict_has_no_reason), "Acuan hukum 4.2, 6.2: usul tiap variabel; S12"),
    Rule(R.SUBSTANCE_VERIFIER, A.PROPOSE_EXEMPTIONS, S.SUBSTANCE_CHECK, S.SUBSTANCE_CHECK,
         (*EXAMINER, has_no_rows_without_names, rule_is_not_exemptible, exemption_has_no_reason),
         "Acuan pengungkapan 3.1: pengecualian oleh dua orang, dengan alasan; keputusan 0147"),
    Rule(R.DATA_PROTECTION_OFFICER, A.GIVE_OPINION, S.SUBSTANCE_CHECK, S.SUBSTANCE_CHECK,
         EXAMINER, "UU 27/2022 Pasal 34, 53, 54 (A); acuan hukum 6.2; keputusan 0085"),
    Rule(R.SUBSTANCE_VERIFIER, A.PASS_SUBSTANCE, S.SUBSTANCE_CHECK, S.COORDINATOR_DECISION,
         (*EXAMINER, *PROPOSED), "Acuan hukum 4.2; UU 27/2022 Pasal 34 (A); R-11"),
    Rule(R.SUBSTANCE_VERIFIER, A.REJECT, S.SUBSTANCE_CHECK, S.REJECTED,
         EXAMINER, "Acuan hukum 4.2: penolakan beralasan"),
    # repair
    Rule(R.APPLICANT, A.JOIN, S.RETURNED, S.RETURNED, ASKER, "Acuan hukum 4.4 butir 2; S04"),
    Rule(R.APPLICANT, A.SAVE_ANSWER, S.RETURNED, S.RETURNED,
         (*ASKER, question_is_unknown, field_is_not_unlocked), "Acuan hukum 4.4 butir 5; S02"),
    Rule(R.APPLICANT, A.ATTACH, S.RETURNED, S.RETURNED,
         (*ASKER, document_kind_is_unknown, document_is_not_unlocked), "Acuan hukum 4.4 butir 5; S02"),
    Rule(R.APPLICANT, A.ANSWER_ITEM, S.RETURNED, S.RETURNED,
         (*ASKER, item_is_not_open, reason_is_missing, nothing_was_repaired), "R-03; S02"),
    Rule(R.APPLICANT, A.RESUBMIT, S.RETURNED, None,
         (*ASKER, item_is_unanswered, repair_was_undone, *MAY_ASK), f"{NTB}: perbaikan; acuan hukum 4.2"),
    Rule(R.SYSTEM, A.LAPSE, S.RETURNED, S.WITHDRAWN,
         (requests_do_not_lapse, repair_time_remains), "Acuan hukum 4.2, 4.4 butir 8, 11.2"),
    # the decision
    Rule(R.DATA_PRODUCER, A.DECIDE_VARIABLES, S.COORDINATOR_DECISION, S.COORDINATOR_DECISION,
         (*EXAMINER, variable_was_not_asked, is_not_the_owner, verdict_has_no_reason),
         "Acuan hukum 4.2: setiap pemilik variabel; S14"),
    Rule(R.COORDINATOR, A.APPROVE, S.COORDINATOR_DECISION, S.AGREEMENT_SIGNING,
         (*EXAMINER, *DECIDABLE), "Portal nasional: persetujuan koordinator (D); acuan hukum 4.4 butir 3, 6, 8"),
    Rule(R.COORDINATOR, A.REJECT, S.COORDINATOR_DECISION, S.REJECTED, EXAMINER, "Acuan hukum 4.2: penolakan beralasan"),
    # the agreement
    Rule(R.APPLICANT, A.AMEND, S.AGREEMENT_SIGNING, S.RETURNED,
         (*ASKER, product_is_not_reduced, amends_an_unknown_question), "Acuan hukum 4.2: produk yang dikurangi; S14"),
    Rule(R.ACCOUNTABLE_OFFICER, A.SIGN_AGREEMENT, S.AGREEMENT_SIGNING, S.AGREEMENT_SIGNING, (*ASKER, *AGREEMENT), BPS),
    Rule(R.CONTROLLER, A.SIGN_AGREEMENT, S.AGREEMENT_SIGNING, S.AGREEMENT_SIGNING, (*EXAMINER, *AGREEMENT), BPS),
    Rule(R.ACCOUNTABLE_OFFICER, A.SIGN_HANDOVER, S.AGREEMENT_SIGNING, S.AGREEMENT_SIGNING,
         (*ASKER, handover_comes_after_quality, *HANDOVER), EARLY),
    Rule(R.CONTROLLER, A.SIGN_HANDOVER, S.AGREEMENT_SIGNING, S.AGREEMENT_SIGNING,
         (*EXAMINER, handover_comes_after_quality, *HANDOVER), EARLY),
    Rule(R.SYSTEM, A.BEGIN_PROCESSING, S.AGREEMENT_SIGNING, S.PROCESSING,
         (agreement_is_unsigned, early_handover_is_unsigned, content_differs_from_what_was_approved),
         "Acuan hukum 4.2: perjanjian ditandatangani, sidik rencana sama"),
    # processing
    Rule(R.DATA_PREPARER, A.PLACE_ORDER, S.PROCESSING, S.PROCESSING,
         (*EXAMINER, *ORDERABLE), f"{NTB}: pemrosesan; UU 27/2022 Pasal 51 (A); keputusan 0085"),
    Rule(R.DATA_PREPARER, A.CANCEL_ORDER, S.PROCESSING, S.PROCESSING,
         (*EXAMINER, no_order_is_running, order_was_cancelled, order_is_not_the_last),
         "UU 27/2022 Pasal 51: pemrosesan menurut perintah Pengendali (A); keputusan 0108"),
    Rule(R.SYSTEM, A.RECORD_RECEIPT, S.PROCESSING, S.PROCESSING,
         (order_is_not_the_last, order_was_answered), f"{NTB}: lima sublangkah; R-04"),
    Rule(R.DATA_PREPARER, A.SEND_TO_QUALITY, S.PROCESSING, S.QUALITY_CHECK,
         (*EXAMINER, package_was_checked_already, *GOOD_PACKAGE),
         "Acuan hukum 4.2: lima sublangkah berbukti; R-04; keputusan 0085"),
    Rule(R.QUALITY_REVIEWER, A.PASS_QUALITY, S.QUALITY_CHECK, S.HANDOVER_SIGNING,
         (*EXAMINER, *GOOD_PACKAGE, content_differs_from_what_was_approved),
         "Portal nasional: cek kualitas (D); acuan hukum 4.4 butir 3"),
    Rule(R.QUALITY_REVIEWER, A.FAIL_QUALITY, S.QUALITY_CHECK, S.PROCESSING,
         EXAMINER, "Acuan hukum 4.2: kembali ke pemrosesan"),
    # hand-over and access
    Rule(R.ACCOUNTABLE_OFFICER, A.SIGN_HANDOVER, S.HANDOVER_SIGNING, S.HANDOVER_SIGNING,
         (*ASKER, *HANDOVER, names_another_package), BPS),
    Rule(R.CONTROLLER, A.SIGN_HANDOVER, S.HANDOVER_SIGNING, S.HANDOVER_SIGNING,
         (*EXAMINER, *HANDOVER, names_another_package), BPS),
    Rule(R.SYSTEM, A.GRANT, S.HANDOVER_SIGNING, S.ACCESS_GRANTED,
         RELEASE, f"{NTB}: pemberian akses; acuan hukum 4.4 butir 1, 3, 6, 7, 10"),
    Rule(R.SYSTEM, A.FOLLOW_RELEASE, S.ACCESS_GRANTED, S.PROCESSING,
         FOLLOWING, "Acuan hukum 2.2, 9, 11.2: rilis bergulir atas permintaan (I); S18; keputusan 0106"),
    Rule(R.SYSTEM, A.CLOSE, S.ACCESS_GRANTED, S.CLOSED, NO_MORE_DUTIES, "Acuan hukum 4.2, 9: kewajiban terpenuhi"),
    # the applicant may stop at any stage before access
    *(
        Rule(role, A.WITHDRAW, status, S.WITHDRAWN,
             (*PERSON, belongs_to_another_institution, *((access_was_given,) if status in AGAIN else ())),
             "Acuan hukum 4.2: ditarik pemohon")
        for status in BEFORE_ACCESS
        for role in (R.APPLICANT, R.ACCOUNTABLE_OFFICER)
    ),
)
# fmt: on

TABLE: Final = table_of(RULES)


def objection(state: State, command: Command, facts: Facts, table: Table[Status, Action] = TABLE) -> Refusal | None:
    """What stands in the way of the command, or None. The one question that everybody asks."""
    return first_refusal(table, state, command, facts, always=(form_is_incomplete, answer_is_too_long))


def decide(state: State, command: Command, facts: Facts, table: Table[Status, Action] = TABLE) -> Event | Refusal:
    """The event that the command makes, or what stands in its way. Deciding only: appending it is the office's."""
    if (refusal := objection(state, command, facts, table)) is not None:
        return refusal
    rule = table[(state.status, command.actor.role, command.action)]
    leads_to = rule.to_status or cast(Status, state.returned_by)
    return Event.next(state, command, facts.now, leads_to, _recorded(state, command, facts))


def possible(state: State, actor: Actor, facts: Facts) -> list[tuple[Action, Refusal | None]]:
    """What this actor could do now, and for each what stands in the way."""
    return possible_by(RULES, state, actor, facts)


def _recorded(state: State, command: Command, facts: Facts) -> dict[str, Any]:
    """The payload as the event keeps it: with what was true at that moment and must be provable later."""
    payload = dict(command.payload)
    match command.action:
        case Action.SUBMIT | Action.RESUBMIT:
            payload |= {"content": state.content, "readiness": facts.standing.digest}
        case Action.RETURN:
            payload["due"] = facts.repair_due.isoformat() if facts.repair_due else None
            payload["items"] = [
                {"id": f"{state.n + 1}.{i}", **item} for i, item in enumerate(command.payload["items"], 1)
            ]
        case Action.APPROVE:
            payload["readiness"] = facts.standing.digest
    return payload
