"""Each objection of each line of the table is needed: without it, something is accepted that breaks a promise."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import pytest
from tests.workflow.cheats import Try, cheats_on, rightly
from tests.workflow.world import COURSES, Walk, path

from bagipakai.core.refusal import Refusal
from bagipakai.core.request import Action
from bagipakai.core.workflow import RULES, TABLE


def every_try() -> Iterator[Try]:
    """At every step of every lawful course: what each role could rightly try, and each of these spoiled."""
    for course in COURSES:
        walk = Walk(course)
        for step in (*path(course), None):
            for status, role, action in TABLE:
                if status is walk.state.status:
                    for hint in ("", "reopen") if action is Action.RETURN else ("",):
                        attempt = rightly(walk, role, action, hint)
                        yield attempt
                        yield from cheats_on(attempt)
            if step is not None:
                walk.act(*step)


@lru_cache(maxsize=1)
def sorted_tries() -> tuple[list[Try], dict[tuple, list[Try]]]:
    """The accepted tries, and the refused ones by line of the table and code."""
    accepted, refused = [], defaultdict(list)
    for attempt in every_try():
        outcome = attempt.outcome()
        if isinstance(outcome, Refusal):
            key = (attempt.state.status, attempt.command.actor.role, attempt.command.action)
            refused[key, outcome.code].append(attempt)
        else:
            accepted.append(attempt)
    return accepted, refused


def test_no_accepted_try_breaks_a_promise():
    """Some 76,000 tries, honest and not: whatever the table lets pass keeps every promise."""
    accepted, refused = sorted_tries()
    assert len(accepted) > 1000 and len(refused) > 300
    for attempt in accepted:
        assert attempt.broken() == [], (attempt.command.action, attempt.command.actor)


def test_every_line_of_the_table_is_lawfully_taken():
    accepted, _ = sorted_tries()
    taken = {(attempt.state.status, attempt.command.actor.role, attempt.command.action) for attempt in accepted}
    assert set(TABLE) - taken == set()


def test_without_any_one_objection_a_promise_is_broken():
    """Every objection is taken out of every line in turn (424 times), and each time the judge sees it."""
    _, refused = sorted_tries()
    unseen = [
        f"{rule.role} {rule.action} at {rule.from_status}: {objects.__name__}"
        for rule in RULES
        for objects in rule.objections
        if not seen_without(rule, objects, refused)
    ]
    assert unseen == []


def seen_without(rule, objects, refused) -> bool:
    """Whether the table without this objection in this line accepts a try that breaks a promise."""
    key = (rule.from_status, rule.role, rule.action)
    others = tuple(one for one in rule.objections if one is not objects)
    mutant = {**TABLE, key: replace(rule, objections=others)}
    code = objects.__name__.replace("_", "-")
    codes = (code, "plan-region-unknown") if code == "plan-is-unlawful" else (code,)
    return any(attempt.broken(mutant) for one in codes for attempt in refused.get((key, one), ()))


def test_the_judge_would_notice_a_table_without_objections():
    """A check of the check: an open table breaks nearly every promise there is."""
    from tests.workflow.promises import PROMISES

    open_table = {key: replace(rule, objections=()) for key, rule in TABLE.items()}
    _, refused = sorted_tries()
    broken = {name for tries in refused.values() for attempt in tries for name in attempt.broken(open_table)}
    assert set(PROMISES) - broken == set(), "promises that no try ever put to the test"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.role}-{rule.action}-{rule.from_status}")
def test_no_line_names_an_objection_twice(rule):
    assert len(set(rule.objections)) == len(rule.objections)
