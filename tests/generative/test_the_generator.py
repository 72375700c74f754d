"""A generator that never says a thing proves nothing about it: every node and operator was tried, and mattered."""

from typing import get_args

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.generative.worlds import predicates, worlds

from bagipakai.core.query import And, Column, Compare, Const, Missing, Not, Op, Or, Predicate
from bagipakai.registry.engines import reference

NODES = (*get_args(Predicate), Const)


def test_every_node_and_operator_is_said_and_is_true_false_and_unknown_of_somebody():
    said: set[object] = set()
    answers: dict[type, set[bool | None]] = {}

    @settings(
        max_examples=400,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def collect(data):
        world = data.draw(worlds())
        for part in every(data.draw(predicates(world.types))):
            said.add(type(part))
            if isinstance(part, Compare):
                said.update({part.op, (type(part.left), type(part.right))})
            if not isinstance(part, Const):
                answers.setdefault(type(part), set()).update(reference.truth(part, row) for row in world.drawing.rows)

    collect()
    assert said >= {*NODES, *Op}
    assert said >= {(left, right) for left in (Column, Const) for right in (Column, Const)}
    assert answers.pop(Missing) == {True, False}
    assert answers == {node: {True, False, None} for node in NODES if node not in (Missing, Const)}


def every(part):
    """The predicate, and each predicate and constant inside it."""
    yield part
    match part:
        case And(parts) | Or(parts):
            for one in parts:
                yield from every(one)
        case Not(one) | Missing(one):
            yield from every(one)
        case Compare(_, left, right):
            yield from (side for side in (left, right) if isinstance(side, Const))
