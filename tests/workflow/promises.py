"""What must be true of every accepted step, said a second time and in other words: the judge of the generated tests.

It reads events, commands and facts as plain data, and knows neither the table nor its objections, nor the fold. Each
promise names its source; `broken` gives the names of those that a step breaks.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from bagipakai.core.facts import Facts
from bagipakai.core.request import Command, Event

CHECKS = {  # law reference 4.4, invariant 2; decision 0085
    "ADMIN_VERIFIER": "admin",
    "DATA_PROTECTION_OFFICER": "opinion",
    "SUBSTANCE_VERIFIER": "substance",
    "DATA_PRODUCER": "decision",
    "COORDINATOR": "decision",
    "CONTROLLER": "signature",
    "DATA_PREPARER": "processing",
    "QUALITY_REVIEWER": "quality",
}
ASKING = {"APPLICANT", "ACCOUNTABLE_OFFICER"}
FIVE = ["SELECTION", "AGGREGATION", "FORMATTING", "ACCESS_SECURING", "PROVISIONING"]


@dataclass(frozen=True)
class Step:
    """One accepted step: what had happened before, what happened, and what was true."""

    before: Sequence[Event]
    event: Event
    command: Command
    facts: Facts

    def all(self, *actions: str) -> list[Event]:
        return [event for event in self.before if event.action in actions]

    def last(self, *actions: str) -> Event | None:
        return next((event for event in reversed(self.before) if event.action in actions), None)

    def since(self, *actions: str) -> list[Event]:
        """Everything before this step and after the last of these actions."""
        start = self.last(*actions)
        return [event for event in self.before if start is None or event.n > start.n]

    @property
    def deed(self) -> str:
        return self.event.action.value

    @property
    def role(self) -> str:
        return self.event.actor.role.value

    @property
    def stage(self) -> str:
        return self.event.status_before.value if self.event.status_before else ""

    @property
    def says(self) -> Mapping[str, Any]:
        return self.command.payload

    @property
    def institution(self) -> str:
        return str(
            next(event.payload["institution"] for event in [*self.before, self.event] if event.action == "CREATE")
        )


def content(events: Sequence[Event]) -> tuple[dict[str, Any], dict[str, str]]:
    """Answers and documents (kind → sha256) as written."""
    answers: dict[str, Any] = {}
    documents: dict[str, str] = {}
    for event in events:
        if event.action == "SAVE_ANSWER":
            answers |= event.payload["answers"]
        elif event.action == "ATTACH":
            documents[event.payload["kind"]] = event.payload["sha256"]
        elif event.action == "DETACH":
            documents.pop(event.payload["kind"], None)
    return answers, documents


def sent(events: Sequence[Event]) -> tuple[dict[str, Any], dict[str, str]]:
    """The content as it was last sent."""
    last = max((event.n for event in events if event.action in {"SUBMIT", "RESUBMIT"}), default=0)
    return content([event for event in events if event.n <= last])


def items(events: Sequence[Event]) -> dict[str, dict[str, Any]]:
    """Deficiency items: target, stage, state (open, repaired, reasoned, accepted), due."""
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        said = event.payload
        match event.action.value:
            case "RETURN":
                for one in said["items"]:
                    found[one["id"]] = {"target": one["target"], "stage": event.status_before}
                for name in [one["id"] for one in said["items"]] + [one["item"] for one in said["reopen"]]:
                    found[name] |= {"state": "open", "due": said["due"]}
            case "AMEND":
                for number, name in enumerate(said["fields"], 1):
                    found[f"{event.n}.{number}"] = {
                        "target": f"field:{name}",
                        "stage": "ADMIN_CHECK",
                        "state": "open",
                        "due": None,
                    }
            case "ANSWER_ITEM":
                found[said["item"]]["state"] = said["answer"].lower()
            case "ACCEPT_ITEM":
                found[said["item"]]["state"] = "accepted"
    return found


def asked(answers: Mapping[str, Any]) -> list[str]:
    return [one["name"] for one in answers.get("variables") or [] if isinstance(one, dict) and "name" in one]


def verdicts(step: Step, action: str) -> dict[str, dict[str, Any]]:
    said: dict[str, dict[str, Any]] = {}
    for event in step.since("SUBMIT", "RESUBMIT"):
        if event.action == action:
            said |= {name: {**one, "by": event.actor.institution} for name, one in event.payload["verdicts"].items()}
    return said


def signed_by_both(step: Step, action: str) -> bool:
    papers = {
        event.actor.role.value: event.payload["document"] for event in step.since("APPROVE") if event.action == action
    }
    return set(papers) == {"CONTROLLER", "ACCOUNTABLE_OFFICER"} and len(set(papers.values())) == 1


def receipt(step: Step) -> dict[str, Any] | None:
    """The receipt of the last order, if it has come."""
    told = [event for event in step.since(*ORDERING, "APPROVE") if event.action == "RECORD_RECEIPT"]
    return dict(told[-1].payload) if told else None


def decision(step: Step) -> dict[str, Any]:
    found = step.last("APPROVE")
    return dict(found.payload) if found else {}


Promise = Callable[[Step], bool]
PROMISES: dict[str, Promise] = {}


def promise(holds: Promise) -> Promise:
    PROMISES[holds.__name__] = holds
    return holds


def broken(step: Step) -> list[str]:
    """The promises that this accepted step breaks."""
    return [name for name, holds in PROMISES.items() if not holds(step)]


# who acts (law reference 2.1, 4.4)


@promise
def only_active_accounts_act(step: Step) -> bool:
    return step.role == "SYSTEM" or step.facts.account == "ACTIVE"


@promise
def only_the_holder_of_the_post_acts(step: Step) -> bool:
    held, actor, now = step.facts.mandate, step.event.actor, step.facts.now
    if step.role == "SYSTEM":
        return True
    return (
        held is not None
        and held.person == actor.person
        and held.post == actor.post
        and held.institution == actor.institution
        and step.role in held.roles
        and held.since <= now
        and (held.until is None or held.until > now)
    )


@promise
def whoever_handles_is_competent(step: Step) -> bool:
    needed = step.facts.settings.competences.get(step.event.actor.role, ("technical", "legal", "governance"))
    if step.role in ASKING | {"SYSTEM"}:
        return True
    return all(step.facts.competences.get(kind, date.min) >= step.facts.today for kind in needed)


@promise
def the_asking_institution_speaks_for_itself(step: Step) -> bool:
    return step.role not in ASKING or step.event.actor.institution == step.institution


@promise
def nobody_judges_the_own_institution(step: Step) -> bool:
    return step.role in ASKING | {"SYSTEM"} or step.event.actor.institution != step.institution


@promise
def nobody_judges_what_they_drafted(step: Step) -> bool:
    authors = {event.actor.person for event in step.before if event.actor.role.value in ASKING}
    return step.role in ASKING | {"SYSTEM"} or step.event.actor.person not in authors


@promise
def nobody_acts_in_two_checks(step: Step) -> bool:
    person, mine = step.event.actor.person, CHECKS.get(step.role)
    free = step.role == "SYSTEM" or step.deed == "WITHDRAW" or (mine is None and step.role not in ASKING)
    if free:
        return True
    others = {CHECKS[event.actor.role.value] for event in step.before if event.actor.role.value in CHECKS
              and event.actor.person == person}  # fmt: skip
    return others <= {mine} and person not in step.facts.standing.reviewers


@promise
def one_person_never_signs_for_both(step: Step) -> bool:
    if step.deed not in {"SIGN_AGREEMENT", "SIGN_HANDOVER"}:
        return True
    signed = [event for event in step.since("APPROVE") if event.action in {"SIGN_AGREEMENT", "SIGN_HANDOVER"}]
    return all(event.actor.role == step.event.actor.role or event.actor.person != step.event.actor.person
               for event in signed)  # fmt: skip


# the submit guard (law reference 4.2)


def sending(holds: Promise) -> Promise:
    def only_when_sent(step: Step) -> bool:
        return step.deed not in {"SUBMIT", "RESUBMIT"} or holds(step)

    only_when_sent.__name__ = holds.__name__
    return promise(only_when_sent)


@sending
def the_controller_is_appointed(step: Step) -> bool:
    return step.facts.controller_appointed


@promise
def nothing_goes_abroad_without_a_basis(step: Step) -> bool:
    if step.deed not in {"SUBMIT", "RESUBMIT", "APPROVE"}:
        return True
    return step.facts.institution_kind != "INTERNATIONAL" or bool(step.facts.transfer_basis)


@promise
def only_the_ready_send_and_receive(step: Step) -> bool:
    if step.deed not in {"SUBMIT", "RESUBMIT", "APPROVE", "GRANT", "FOLLOW_RELEASE"}:
        return True
    standing = step.facts.standing
    return (
        standing.status in {"READY", "READY_WITH_CONDITIONS"}
        and standing.valid_until is not None
        and standing.valid_until >= step.facts.today
    )


@sending
def readiness_covers_what_is_asked(step: Step) -> bool:
    answers, _ = content(step.before)
    standing = step.facts.standing
    return answers.get("level") in standing.levels and step.facts.channel in standing.channels


@sending
def no_duty_is_overdue(step: Step) -> bool:
    return step.facts.overdue is not None and len(step.facts.overdue) == 0


@sending
def no_incident_is_open(step: Step) -> bool:
    return step.facts.incidents is not None and len(step.facts.incidents) == 0


@sending
def every_demanded_question_is_answered(step: Step) -> bool:
    answers, _ = content(step.before)
    demanded = [name for name, wanted in step.facts.questions.items() if wanted]
    return bool(demanded) and all(answers.get(name) not in (None, "", [], {}) for name in demanded)


@sending
def the_purpose_is_known(step: Step) -> bool:
    return content(step.before)[0].get("purpose") in step.facts.settings.purposes


@sending
def the_level_fits_the_purpose(step: Step) -> bool:
    answers, _ = content(step.before)
    purpose = step.facts.settings.purposes.get(answers.get("purpose"))
    return purpose is None or answers.get("level") in purpose.levels


@sending
def data_are_passed_on_only_where_allowed(step: Step) -> bool:
    answers, _ = content(step.before)
    purpose = step.facts.settings.purposes.get(answers.get("purpose"))
    return purpose is None or purpose.onward_sharing or not answers.get("onward_sharing")


@sending
def access_has_an_end(step: Step) -> bool:
    answers, _ = content(step.before)
    purpose = step.facts.settings.purposes.get(answers.get("purpose"))
    ends = date.fromisoformat(answers.get("ends_on", "0001-01-01"))
    longest = timedelta(days=purpose.longest_days) if purpose else timedelta(days=99_999)
    return step.facts.today <= ends <= step.facts.today + longest


@sending
def every_variable_has_its_reason(step: Step) -> bool:
    answers, _ = content(step.before)
    listed = answers.get("variables") or []
    enough = bool(listed) or bool(answers.get("roster"))  # the answers to a list may be all that is asked
    return enough and all(one.get("name", "").strip() and one.get("reason", "").strip() for one in listed)


@promise
def only_a_lawful_plan_goes_on(step: Step) -> bool:
    if step.deed not in {"SUBMIT", "RESUBMIT", "APPROVE"}:
        return True
    return step.facts.plan_refusal is None and step.facts.plan != ""


@promise
def the_documents_are_there(step: Step) -> bool:
    if step.deed not in {"SUBMIT", "RESUBMIT", "PASS_SUBSTANCE"}:
        return True
    _, documents = content(step.before)
    wanted, serves = step.facts.documents_required, step.facts.settings.substitutes
    return wanted is not None and all(
        kind in documents or any(other in documents for other in serves.get(kind, ())) for kind in wanted
    )


@sending
def the_data_protection_officer_is_registered(step: Step) -> bool:
    return step.facts.dpo_registered or not step.facts.dpo_required


# content and repair (law reference 4.4, invariants 5 and 6; R-03; S02, S06)


@promise
def only_known_questions_are_written(step: Step) -> bool:
    return step.deed != "SAVE_ANSWER" or set(step.says["answers"]) <= set(step.facts.questions)


@promise
def only_known_documents_are_attached(step: Step) -> bool:
    return step.deed != "ATTACH" or step.says["kind"] in step.facts.settings.documents


@promise
def only_what_was_named_is_changed(step: Step) -> bool:
    if step.stage != "RETURNED" or step.deed not in {"SAVE_ANSWER", "ATTACH", "DETACH"}:
        return True
    named = {item["target"] for item in items(step.before).values() if item["state"] != "accepted"}
    if step.deed == "SAVE_ANSWER":
        return {f"field:{name}" for name in step.says["answers"]} <= named
    return step.deed == "ATTACH" and f"document:{step.says['kind']}" in named


@promise
def nothing_else_is_decided_than_was_sent(step: Step) -> bool:
    if step.deed not in {"RECEIVE", "PASS_ADMIN", "PASS_SUBSTANCE", "APPROVE"}:
        return True
    return content(step.before) == sent(step.before)


@promise
def a_return_says_what_is_missing(step: Step) -> bool:
    return step.deed != "RETURN" or len(step.says["items"]) + len(step.says["reopen"]) > 0


@promise
def a_deficiency_names_what_exists(step: Step) -> bool:
    if step.deed != "RETURN":
        return True
    settings = step.facts.settings
    places = {f"field:{name}" for name in step.facts.questions} | {f"document:{kind}" for kind in settings.documents}
    return all(one["code"] in settings.deficiencies and one["target"] in places for one in step.says["items"])


@promise
def each_check_judges_its_own_items(step: Step) -> bool:
    if step.deed not in {"RETURN", "ACCEPT_ITEM"}:
        return True
    known = items(step.before)
    judged = [one["item"] for one in step.says.get("reopen", [])] + ([step.says["item"]] if "item" in step.says else [])
    return all(
        name in known and known[name]["stage"] == step.stage and known[name]["state"] in {"repaired", "reasoned"}
        for name in judged
    )


@promise
def no_answer_is_passed_over(step: Step) -> bool:
    if step.deed != "RETURN":
        return True
    again = [one["item"] for one in step.says["reopen"]]
    return all(
        name in again or item["state"] not in {"repaired", "reasoned"} for name, item in items(step.before).items()
    )


@promise
def rounds_have_an_end_where_one_is_set(step: Step) -> bool:
    longest = step.facts.settings.longest_rounds
    return step.deed != "RETURN" or longest is None or len(step.all("RETURN")) < longest


@promise
def an_answer_goes_to_an_open_item(step: Step) -> bool:
    if step.deed != "ANSWER_ITEM":
        return True
    known = items(step.before)
    return step.says["item"] in known and known[step.says["item"]]["state"] != "accepted"


@promise
def what_is_left_as_it_is_has_a_reason(step: Step) -> bool:
    return step.deed != "ANSWER_ITEM" or step.says["answer"] != "REASONED" or bool(step.says.get("reason", "").strip())


def _differs(step: Step, target: str) -> bool:
    (answers, documents), (old_answers, old_documents) = content(step.before), sent(step.before)
    sort, _, name = target.partition(":")
    if sort == "field":
        return bool(answers.get(name) != old_answers.get(name))
    return documents.get(name) != old_documents.get(name)


@promise
def what_is_called_repaired_is_changed(step: Step) -> bool:
    known = items(step.before)
    if step.deed == "ANSWER_ITEM" and step.says["answer"] == "REPAIRED" and step.says["item"] in known:
        return _differs(step, known[step.says["item"]]["target"])
    if step.deed == "RESUBMIT":
        return all(_differs(step, item["target"]) for item in known.values() if item["state"] == "repaired")
    return True


@promise
def nothing_is_sent_with_an_item_unanswered(step: Step) -> bool:
    return step.deed != "RESUBMIT" or all(item["state"] != "open" for item in items(step.before).values())


@promise
def nothing_passes_with_a_deficiency(step: Step) -> bool:
    if step.deed not in {"PASS_ADMIN", "PASS_SUBSTANCE"}:
        return True
    return all(item["state"] == "accepted" for item in items(step.before).values())


@promise
def silence_ends_nothing_unless_it_was_ruled(step: Step) -> bool:
    return step.deed != "LAPSE" or step.facts.settings.lapse_days is not None


@promise
def nothing_lapses_before_its_day(step: Step) -> bool:
    if step.deed != "LAPSE":
        return True
    days = [item["due"] for item in items(step.before).values() if item["state"] != "accepted" and item["due"]]
    if not days:
        return False
    last = date.fromisoformat(max(days)) + timedelta(days=step.facts.settings.lapse_days or 0)
    return step.facts.today > last


# proposal and decision (law reference 4.2, 4.4, invariants 3, 6, 8; 6.2; S12, S14)


@promise
def a_clarification_is_confirmed_as_recorded(step: Step) -> bool:
    if step.deed != "CONFIRM_CLARIFICATION":
        return True
    record = [event for event in step.since("ASK_CLARIFICATION") if event.action == "RECORD_CLARIFICATION"]
    return bool(record) and step.says["document"] == record[-1].payload["document"]


@promise
def verdicts_are_about_what_was_asked(step: Step) -> bool:
    if step.deed not in {"PROPOSE", "DECIDE_VARIABLES"}:
        return True
    return set(step.says["verdicts"]) <= set(asked(content(step.before)[0]))


@promise
def a_refusal_and_specific_data_have_their_reason(step: Step) -> bool:
    if step.deed not in {"PROPOSE", "DECIDE_VARIABLES"}:
        return True
    return all(
        one["reason"].strip() or (one["verdict"] == "APPROVE" and name not in step.facts.specific)
        for name, one in step.says["verdicts"].items()
    )


@promise
def every_variable_is_proposed_on(step: Step) -> bool:
    if step.deed != "PASS_SUBSTANCE":
        return True
    return set(asked(content(step.before)[0])) <= set(verdicts(step, "PROPOSE"))


@promise
def the_officer_for_protection_is_heard(step: Step) -> bool:
    if step.deed != "PASS_SUBSTANCE" or not step.facts.opinion_required:
        return True
    return any(event.action == "GIVE_OPINION" for event in step.since("SUBMIT", "RESUBMIT"))


def exemptions(step: Step) -> tuple[str, Mapping[str, str]]:
    """Who last proposed exemptions for what was last sent, and which, each with its reason."""
    told = [event for event in step.since("SUBMIT", "RESUBMIT") if event.action == "PROPOSE_EXEMPTIONS"]
    return (told[-1].actor.person, told[-1].payload["exemptions"]) if told else ("", {})


@promise
def only_rules_for_rows_without_names_are_exempted_and_with_a_reason(step: Step) -> bool:
    if step.deed != "PROPOSE_EXEMPTIONS":
        return True
    answers = content(step.before)[0]
    rules = {"rows-alike", "rows-one-value", "rows-distribution", "rows-presence", "rows-share"}
    return (
        answers["level"] in {"L2", "L3"}
        and not answers.get("roster")
        and rules >= set(step.says["exemptions"])
        and all(reason.strip() for reason in step.says["exemptions"].values())
    )


@promise
def the_officer_for_protection_is_heard_on_exemptions(step: Step) -> bool:
    if step.deed != "PASS_SUBSTANCE" or not exemptions(step)[1]:
        return True
    return any(event.action == "GIVE_OPINION" for event in step.since("PROPOSE_EXEMPTIONS"))


@promise
def an_exemption_takes_two_persons(step: Step) -> bool:
    if step.deed != "APPROVE" or not step.says.get("exempted"):
        return True
    person, proposed = exemptions(step)
    return person != step.event.actor.person and set(step.says["exempted"]) <= set(proposed)


@promise
def owners_decide_on_what_is_theirs(step: Step) -> bool:
    if step.deed != "DECIDE_VARIABLES":
        return True
    return all((step.facts.owners or {}).get(name) == step.event.actor.institution for name in step.says["verdicts"])


@promise
def no_owner_is_passed_over(step: Step) -> bool:
    if step.deed != "APPROVE":
        return True
    if step.facts.owners is None:
        return False
    proposed, heard = verdicts(step, "PROPOSE"), verdicts(step, "DECIDE_VARIABLES")
    return all(
        heard.get(name, {}).get("by") == owner
        for name, owner in step.facts.owners.items()
        if name in proposed and proposed[name]["verdict"] != "REJECT" and owner != step.institution
    )


@promise
def approved_lies_within_asked_and_proposed(step: Step) -> bool:
    if step.deed != "APPROVE":
        return True
    answers, level = content(step.before)[0], step.says["level"]
    proposed, heard = verdicts(step, "PROPOSE"), verdicts(step, "DECIDE_VARIABLES")
    for name in step.says["variables"]:
        words = [proposed.get(name)] + ([heard[name]] if name in heard else [])
        if name not in asked(answers) or any(word is None or word["verdict"] == "REJECT" for word in words):
            return False
        if any(word["verdict"] == "LOWER" and level > word["level"] for word in words if word):
            return False
    return bool(level <= answers["level"])


@promise
def one_decides_on_what_one_saw(step: Step) -> bool:
    if step.deed != "APPROVE":
        return True
    frozen = step.last("SUBMIT", "RESUBMIT")
    same = frozen is not None and step.says["content"] == frozen.payload["content"]
    return step.says["plan"] == step.facts.plan and (same or content(step.before) != sent(step.before))


@promise
def only_what_was_approved_goes_on(step: Step) -> bool:
    deeds = {"SIGN_AGREEMENT", "BEGIN_PROCESSING", *ORDERING, "PASS_QUALITY", "GRANT"}
    if step.deed not in deeds:
        return True
    approved = step.last("APPROVE")
    if approved is None or approved.payload["plan"] != step.facts.plan:
        return False
    return content(step.before) == content([event for event in step.before if event.n < approved.n])


@promise
def only_a_reduced_product_is_amended(step: Step) -> bool:
    if step.deed != "AMEND":
        return True
    answers, made = content(step.before)[0], decision(step)
    return set(made["variables"]) != set(asked(answers)) or made["level"] != answers["level"]


@promise
def an_amendment_names_known_questions(step: Step) -> bool:
    return step.deed != "AMEND" or set(step.says["fields"]) <= set(step.facts.questions)


# papers, processing, hand-over (law reference 4.4, invariants 1, 3, 7, 10)


ORDERING = ("PLACE_ORDER", "FOLLOW_RELEASE")


@promise
def a_signature_stands_under_the_paper_as_set(step: Step) -> bool:
    papers = {"SIGN_AGREEMENT": step.facts.agreement, "SIGN_HANDOVER": step.facts.handover}
    return step.deed not in papers or (papers[step.deed] != "" and step.says["document"] == papers[step.deed])


@promise
def nobody_signs_one_paper_twice(step: Step) -> bool:
    papers = {"SIGN_AGREEMENT": step.facts.agreement, "SIGN_HANDOVER": step.facts.handover}
    if step.deed not in papers:
        return True
    mine = [event.payload["document"] for event in step.since("APPROVE")
            if event.action == step.deed and event.actor.role == step.event.actor.role]  # fmt: skip
    return not mine or mine[-1] != papers[step.deed]


@promise
def the_hand_over_waits_for_its_turn(step: Step) -> bool:
    if step.deed != "SIGN_HANDOVER" or step.stage != "AGREEMENT_SIGNING":
        return True
    return step.facts.settings.handover_timing == "early"


@promise
def the_hand_over_names_the_approved_plan(step: Step) -> bool:
    return step.deed not in {"SIGN_HANDOVER", *ORDERING} or step.says["plan"] == decision(step).get("plan")


@promise
def the_hand_over_names_the_real_package(step: Step) -> bool:
    if step.deed != "SIGN_HANDOVER" or step.stage != "HANDOVER_SIGNING":
        return True
    told = receipt(step)
    return told is not None and step.says["manifest"] == told["manifest"]


@promise
def nothing_is_processed_without_an_agreement(step: Step) -> bool:
    return step.deed not in {"BEGIN_PROCESSING", *ORDERING, "GRANT"} or signed_by_both(step, "SIGN_AGREEMENT")


@promise
def nothing_is_granted_without_a_hand_over(step: Step) -> bool:
    early = step.deed == "BEGIN_PROCESSING" and step.facts.settings.handover_timing == "early"
    return not (early or step.deed == "GRANT") or signed_by_both(step, "SIGN_HANDOVER")


@promise
def nothing_leaves_on_a_broken_record(step: Step) -> bool:
    return step.deed not in {*ORDERING, "GRANT"} or step.facts.record_is_whole


@promise
def no_processor_works_without_a_mandate(step: Step) -> bool:
    return step.deed != "PLACE_ORDER" or step.facts.processor_mandated


@promise
def one_order_at_a_time_each_with_its_own_number(step: Step) -> bool:
    if step.deed not in ORDERING:
        return True
    placed = [event.payload["order"] for event in step.since("APPROVE") if event.action in ORDERING]
    return step.says["order"] not in placed and (not placed or receipt(step) is not None)


@promise
def a_receipt_answers_the_last_order_once(step: Step) -> bool:
    if step.deed != "RECORD_RECEIPT":
        return True
    placed = [event.payload["order"] for event in step.since("APPROVE") if event.action in ORDERING]
    return bool(placed) and placed[-1] == step.says["order"] and receipt(step) is None


@promise
def a_running_order_is_cancelled_once(step: Step) -> bool:
    if step.deed != "CANCEL_ORDER":
        return True
    since = step.since(*ORDERING)
    placed = [event.payload["order"] for event in step.since("APPROVE") if event.action in ORDERING]
    return placed[-1:] == [step.says["order"]] and not {event.action for event in since} & {
        "CANCEL_ORDER",
        "RECORD_RECEIPT",
    }


PASSING = {"SEND_TO_QUALITY", "PASS_QUALITY"}


@promise
def there_is_a_package(step: Step) -> bool:
    if step.deed not in PASSING | {"GRANT"}:
        return True
    told = receipt(step)
    return told is not None and told["refusal"] == "" and told["package"] != "" and told["manifest"] != ""


@promise
def five_sub_steps_in_order_have_evidence(step: Step) -> bool:
    if step.deed not in PASSING:
        return True
    told = receipt(step) or {"steps": []}
    return [one["step"] for one in told["steps"] if one["evidence"]] == FIVE and len(told["steps"]) == len(FIVE)


@promise
def delivered_lies_within_approved(step: Step) -> bool:
    if step.deed not in PASSING | {"GRANT"}:
        return True
    told, made = receipt(step), decision(step)
    return told is not None and told["plan"] == made.get("plan") and set(told["columns"]) <= set(made["variables"])


@promise
def a_failed_package_is_made_again(step: Step) -> bool:
    if step.deed != "SEND_TO_QUALITY":
        return True
    return not any(event.action == "FAIL_QUALITY" for event in step.since(*ORDERING))


@promise
def what_was_signed_for_is_what_is_granted(step: Step) -> bool:
    if step.deed != "GRANT":
        return True
    told = receipt(step) or {"plan": None, "manifest": None}
    early = step.facts.settings.handover_timing == "early"
    last = {event.actor.role: event.payload for event in step.since("APPROVE") if event.action == "SIGN_HANDOVER"}
    return all(
        one["plan"] == told["plan"] and (one["manifest"] == told["manifest"] or (early and one["manifest"] == ""))
        for one in last.values()
    )


@promise
def nothing_is_granted_after_its_end(step: Step) -> bool:
    deeds = {"GRANT", "FOLLOW_RELEASE"}
    return step.deed not in deeds or date.fromisoformat(content(step.before)[0]["ends_on"]) >= step.facts.today


# rolling products (decision 0106)


def given(step: Step) -> list[str]:
    """The releases of the packages that were handed over so far, in order."""
    told, found = "", []
    for event in step.before:
        if event.action == "RECORD_RECEIPT":
            told = event.payload["release"]
        if event.action == "GRANT":
            found.append(told)
    return found


@promise
def only_a_rolling_product_follows_and_once_to_each_release(step: Step) -> bool:
    if step.deed != "FOLLOW_RELEASE":
        return True
    return bool(content(step.before)[0].get("rolling")) and step.says["release"] != given(step)[-1]


@promise
def nothing_follows_where_access_stands_no_more(step: Step) -> bool:
    return step.deed not in {"GRANT", "FOLLOW_RELEASE"} or not given(step) or step.facts.access_stands


@promise
def what_was_given_is_not_taken_back_by_withdrawing(step: Step) -> bool:
    return step.deed != "WITHDRAW" or not given(step)


@promise
def the_next_package_is_signed_for_anew(step: Step) -> bool:
    """Each hand-over has its own record, unless the record names the plan alone."""
    if step.deed != "GRANT" or step.facts.settings.handover_timing == "early":
        return True
    signed = {event.actor.role for event in step.since(*ORDERING) if event.action == "SIGN_HANDOVER"}
    return signed >= {"ACCOUNTABLE_OFFICER", "CONTROLLER"}


@promise
def nothing_closes_while_access_lasts(step: Step) -> bool:
    return step.deed != "CLOSE" or not step.facts.access_open


@promise
def nothing_closes_with_a_duty_unmet(step: Step) -> bool:
    return step.deed != "CLOSE" or (step.facts.duties is not None and len(step.facts.duties) == 0)
