"""Requests that wander: they start part-way along a lawful course, take detours, and are cheated at every turn.

The judge is tests/workflow/promises.py, which says the law a second time in other words.
"""

from collections import Counter
from itertools import pairwise

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.workflow.cheats import cheats_on, rightly
from tests.workflow.world import CAST, COURSES, Course, Walk, path

from bagipakai.core.refusal import Refusal
from bagipakai.core.request import TERMINAL, Action, Event, Status, fold
from bagipakai.core.workflow import RULES, TABLE

HAPPENED: Counter[Action] = Counter()
ARRIVED: Counter[Status] = Counter()
REFUSED: Counter[str] = Counter()
STARTS = [(course, number) for course in COURSES for number in range(len(list(path(course))) + 1)]


class WanderingRequest(RuleBasedStateMachine):
    """One request, from any point of a lawful course on."""

    start: tuple[Course, int]
    walk: Walk
    ahead: list[tuple]

    @initialize()
    def starts_part_way(self):
        course, number = self.start
        steps = list(path(course))
        self.walk, self.ahead = Walk(course), steps[number:]
        for step in steps[:number]:
            self.note(self.walk.act(*step))
        self.is_tried_and_cheated_by_everybody()

    def note(self, event: Event):
        HAPPENED[event.action] += 1
        ARRIVED[event.status_after] += 1

    @precondition(lambda self: self.ahead)
    @rule()
    def goes_on(self):
        self.note(self.walk.act(*self.ahead.pop(0)))

    @precondition(lambda self: self.here)
    @rule(data=st.data(), stays=st.booleans(), hint=st.sampled_from(["", "reopen", "REASONED", "reduced"]))
    def takes_a_detour(self, data, stays, hint):
        _, role, action = data.draw(st.sampled_from(self.here))
        attempt = rightly(self.walk, role, action, hint)
        outcome = attempt.outcome()
        assert attempt.broken() == []
        if isinstance(outcome, Refusal):
            REFUSED[outcome.code] += 1
        else:
            self.note(outcome)
            if stays:  # on the detour
                self.walk.events.append(outcome)
                self.ahead = []

    @rule()
    def is_tried_and_cheated_by_everybody(self):
        for _, role, action in self.here:
            for hint in ("", "reopen") if action is Action.RETURN else ("",):
                honest = rightly(self.walk, role, action, hint)
                for attempt in (honest, *cheats_on(honest)):
                    outcome = attempt.outcome()
                    assert attempt.broken() == [], attempt.command
                    if isinstance(outcome, Refusal):
                        REFUSED[outcome.code] += 1
                    else:
                        self.note(outcome)

    @rule(role=st.sampled_from(sorted(CAST)), action=st.sampled_from(sorted(Action)))
    def is_asked_for_something_else(self, role, action):
        attempt = rightly(self.walk, role, action)
        outcome = attempt.outcome()
        if (self.walk.state.status, role, action) not in TABLE:
            assert isinstance(outcome, Refusal) and outcome.code in {"not-this-role", "not-at-this-stage"}

    @property
    def here(self) -> list[tuple]:
        return [key for key in TABLE if key[0] is self.walk.state.status]

    @invariant()
    def its_history_is_one_gapless_chain(self):
        events = self.walk.events
        assert [event.n for event in events] == list(range(1, len(events) + 1))
        assert all(one.status_after == next_.status_before for one, next_ in pairwise(events))
        assert all(event.status_before not in TERMINAL for event in events)

    @invariant()
    def its_history_survives_the_ledger(self):
        told = [Event.from_json(event.to_json()) for event in self.walk.events[-2:]]
        assert told == self.walk.events[-2:]

    @invariant()
    def folding_twice_gives_the_same(self):
        events = self.walk.events
        if len(events) % 7 == 0:
            assert fold(events, "P-1") == fold([Event.from_json(event.to_json()) for event in events], "P-1")


def test_wandering_requests_keep_every_promise_and_go_everywhere():
    """No step, lawful, roundabout or dishonest, breaks a promise; and every action, stage and objection was met."""
    for start in STARTS:  # every point of every course, and twice some way on from there
        run_state_machine_as_test(
            type("FromHere", (WanderingRequest,), {"start": start}),
            settings=settings(
                max_examples=2,
                stateful_step_count=5,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    codes = {objects.__name__.replace("_", "-") for one in RULES for objects in one.objections}
    assert set(Action) - set(HAPPENED) == set(), "these actions never happened"
    assert set(Status) - set(ARRIVED) == set(), "these stages were never reached"
    assert codes - set(REFUSED) == set(), "these objections never refused anything"
