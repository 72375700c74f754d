"""What each action's form says: every key that is demanded, every key that may be there, each of its kind, no other."""

from collections.abc import Mapping
from typing import Final

from bagipakai.core.canonical import NotCanonical, canonical
from bagipakai.core.facts import Facts
from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action, Command, State
from bagipakai.core.shapes import (
    NO_MORE,
    Form,
    each,
    is_answers,
    is_any_text,
    is_count,
    is_digest,
    is_digest_or_empty,
    is_level,
    is_some_texts,
    is_text,
    is_texts,
    is_texts_once,
    misfit,
    one_of,
)


def form_is_incomplete(state: State, command: Command, facts: Facts) -> Refusal | None:
    key = misfit(command.payload, _SHAPES[command.action], _MAY_SAY.get(command.action, NO_MORE))
    if key is None and command.action is Action.APPROVE and not (command.payload["variables"] or state.matches):
        key = "variables"  # none may be approved only where a list is matched: then no more is told than its answers
    return None if key is None else Refusal("form-is-incomplete", {"field": key})


def answer_is_too_long(state: State, command: Command, facts: Facts) -> Refusal | None:
    try:
        if len(canonical(dict(command.payload))) <= 200_000:
            return None
    except NotCanonical:  # no number with a fraction, nothing nested beyond reason
        pass
    return Refusal("answer-is-too-long")


def _is_verdicts(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(name, str) for name in value)
        and each(verdict=one_of("APPROVE", "REJECT", "LOWER"), level=is_level, reason=is_any_text)(list(value.values()))
    )


def _is_reasons(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(one, str) for pair in value.items() for one in pair)


def _is_steps(value: object) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(one, Mapping) and isinstance(one.get("step"), str) and isinstance(one.get("evidence"), Mapping)
        for one in value
    )


_SHAPES: Final[Mapping[Action, Form]] = {
    **{action: {} for action in Action},
    Action.CREATE: {"institution": is_text, "controller": is_text},
    Action.SAVE_ANSWER: {"answers": is_answers},
    Action.ATTACH: {"kind": is_text, "sha256": is_digest, "bytes": is_count, "name": is_text, "media": is_text},
    Action.DETACH: {"kind": is_text},
    Action.RETURN: {
        "items": each(code=is_text, target=is_text, note=is_any_text),
        "reopen": each(item=is_text, note=is_text),
    },
    Action.ACCEPT_ITEM: {"item": is_text},
    Action.ANSWER_ITEM: {"item": is_text, "answer": one_of("REPAIRED", "REASONED")},
    Action.ASK_CLARIFICATION: {"questions": is_text},
    Action.RECORD_CLARIFICATION: {"document": is_digest, "summary": is_text},
    Action.CONFIRM_CLARIFICATION: {"document": is_digest},
    Action.PROPOSE: {"verdicts": _is_verdicts},
    Action.PROPOSE_EXEMPTIONS: {"exemptions": _is_reasons},
    Action.DECIDE_VARIABLES: {"verdicts": _is_verdicts},
    Action.GIVE_OPINION: {"opinion": one_of("SUPPORTS", "CONDITIONS", "OPPOSES"), "reason": is_text},
    Action.APPROVE: {
        "variables": is_texts_once,
        "level": is_level,
        "plan": is_digest,
        "content": is_digest,
        "reason": is_text,
    },
    Action.REJECT: {"reason": is_text},
    Action.AMEND: {"fields": is_some_texts, "reason": is_text},
    Action.SIGN_AGREEMENT: {"document": is_digest},
    Action.PLACE_ORDER: {"order": is_text, "plan": is_digest, "release": is_text},
    Action.CANCEL_ORDER: {"order": is_text, "reason": is_text},
    Action.FOLLOW_RELEASE: {"order": is_text, "plan": is_digest, "release": is_text},
    Action.RECORD_RECEIPT: {
        "order": is_text,
        "plan": is_digest,
        "release": is_text,
        "refusal": is_any_text,
        "package": is_any_text,
        "manifest": is_digest_or_empty,
        "rows": is_count,
        "columns": is_texts,
        "steps": _is_steps,
    },
    Action.FAIL_QUALITY: {"reason": is_text},
    Action.SIGN_HANDOVER: {"document": is_digest, "plan": is_digest, "manifest": is_digest_or_empty},
    Action.GRANT: {"grant": is_text},
}

_MAY_SAY: Final[Mapping[Action, Form]] = {
    Action.WITHDRAW: {"reason": is_any_text},
    Action.ANSWER_ITEM: {"reason": is_any_text},
    Action.APPROVE: {"exempted": is_texts_once},
    Action.PASS_QUALITY: {"note": is_any_text},
    Action.SIGN_AGREEMENT: {
        "capacity": one_of("CONTROLLER", "JOINT_CONTROLLER", "PROCESSOR"),
        "signature": is_any_text,
    },
    Action.RECORD_RECEIPT: {"hidden_cells": is_count, "package_bytes": is_count, "persons": is_count},
    Action.SIGN_HANDOVER: {"signature": is_any_text},
}
