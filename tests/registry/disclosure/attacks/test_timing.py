"""What the time before a "no" tells (disclosure reference 5): towns that differ in one person, and are refused alike,
are refused after the same work. Work is counted, since a clock tells of the machine, too.
"""

from collections import Counter

import pytest
from tests.registry.disclosure.attacks.door import SMALLEST, Refused, Registry, a_question, a_registry
from tests.registry.disclosure.attacks.test_refusals import WORKS, older, with_few
from tests.registry.disclosure.attacks.work import HEAVY, worked

from bagipakai.core.query import And, Column, Compare, Const, Op
from bagipakai.registry.disclosure import ledger

FEW = (0, 1, 2, 5, SMALLEST - 1)
OLDEST = Compare(Op.EQUAL, Column("umur"), Const(110))


@pytest.fixture(scope="module")
def towns(tmp_path_factory) -> list[Registry]:
    """As many people, of whom nobody, one, two and so on work among those of 110 years."""
    folder = tmp_path_factory.mktemp("towns")
    return [a_registry(folder / str(few), with_few(few)) for few in FEW]


def by_place(most):
    where = And((WORKS, Compare(Op.AT_MOST, Column("umur"), Const(most))))
    return a_question("kode_kab", "jenis_kelamin", where=where)


QUESTIONS = {
    "beside another table": (older(110), older(109)),
    "beside another table, place by place": (by_place(110), by_place(109)),
    "of nobody or a few": (a_question("jenis_kelamin", where=And((WORKS, OLDEST)), codes=("3201",)),),
}


def works(towns, door, questions, tmp_path):
    """Of each town, what the last question is answered, and the work before that. Each is asked before it is looked at:
    what is read once and kept tells nothing."""
    found = []
    for at, town in enumerate([*towns, *towns]):
        registry = town.afresh(tmp_path / str(at))
        for number, plan in enumerate(questions[:-1]):
            assert not isinstance(getattr(registry, door)(plan, f"Q-{number}"), Refused)
        found.append(worked(lambda registry=registry: getattr(registry, door)(questions[-1], "Q-last")))
    return found[len(towns) :]


def differing(found: list[tuple[object, Counter[str]]]) -> set[str]:
    """What is not called as often in every town."""
    names = {name for _, work in found for name in work}
    return {name for name in names if len({work[name] for _, work in found}) > 1}


@pytest.mark.parametrize("name", QUESTIONS)
@pytest.mark.parametrize("door", ["ordered", "disclosed"])
def test_how_few_there_are_is_not_in_the_work_before_a_refusal(door, name, towns, tmp_path):
    """Not one call more or less; where cells are counted of which nobody is in some, none of what takes time."""
    found = works(towns, door, QUESTIONS[name], tmp_path)
    assert all(isinstance(answer, Refused) for answer, _ in found)
    assert len({(answer.code, answer.words) for answer, _ in found}) == 1
    assert found[0][1]["bagipakai.registry.engines.duckdb._Session.run"] > 2, "nothing was counted"
    differs = differing(found)
    assert not {one for one in differs if one.startswith(HEAVY)}
    assert not differs or name == "of nobody or a few"


def test_a_second_look_where_somebody_is_between_two_counts_is_seen(towns, tmp_path, monkeypatch):
    """Planted: the work depends on a true small count; the words are the same."""
    telling = ledger.telling

    def hasty(narrow, wide, *by):
        found = list(telling(narrow, wide, *by))
        if any(wide.count[outer] > narrow.count[inner] for inner, outer, _ in found):
            found = list(telling(narrow, wide, *by))
        yield from found

    monkeypatch.setattr(ledger, "telling", hasty)
    found = works(towns[:2], "ordered", QUESTIONS["beside another table"], tmp_path)
    assert len({answer.words for answer, _ in found}) == 1
    assert "bagipakai.registry.disclosure.ledger.telling" in differing(found)
