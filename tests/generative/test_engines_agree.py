"""Whatever the rows and whatever the sentence: DuckDB and Spark answer what the reference answers."""

import pathlib
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, get_args

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.drawn import PLUMBING, release
from tests.generative.test_the_generator import every
from tests.generative.worlds import Question, World, predicates, questions, worlds

from bagipakai.core.query import Const, Count, Missing, Not, Or, Predicate, Rows, truth_of_nothing
from bagipakai.registry.engines import Engine, EngineError, Part, duckdb, reference, spark, words
from bagipakai.registry.engines.words import Sql

INTERNAL = ("person_ordinal", "id_keluarga")
SEVERAL = 10  # questions about one world: making its files is dearer than asking

Answer = list[Any]
Asks = Callable[[Question], bool]


def asked(engine: Engine, question: Question, parts: list[Part], world: World) -> Answer:
    types = {**PLUMBING, **world.types}
    match question.query:
        case Rows() as query:
            batches = list(engine.rows(query, parts, types, INTERNAL))
            return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]
        case query:
            return engine.count(query, parts, types, question.enough, margins=True, largest=largest(world))


def largest(world: World) -> int | None:
    """The members of the largest family, where everybody has one."""
    members = Counter(row["id_keluarga"] for row in world.drawing.rows)
    return None if None in members else max(members.values(), default=None)


def meant(question: Question, world: World) -> Answer:
    rows = world.drawing.rows
    match question.query:
        case Rows() as query:
            kept, chosen = reference.rows(query, rows), reference.choose(query, rows)
            return [(*one, *(row[name] for name in INTERNAL)) for one, row in zip(kept, chosen, strict=True)]
        case query:
            return reference.count(query, rows, question.enough, margins=True)


def agree(
    engines: Mapping[str, Engine],
    plans: int,
    several: int = SEVERAL,
    *,
    only: Asks = lambda _: True,
    tried: Counter[object] | None = None,
    **how: Any,
) -> None:
    """So many plans, each answered by every engine as it is meant. `only`: the others are drawn, but not asked."""

    @settings(max_examples=plans // several, deadline=None, suppress_health_check=list(HealthCheck), **how)
    @given(st.data())
    def run(data: Any) -> None:
        world = data.draw(worlds())
        asking = [one for one in data.draw(questions(world.types, several)) if only(one)]
        if not asking:
            return
        with tempfile.TemporaryDirectory() as here:
            parts = release(world.drawing, pathlib.Path(here))
            for question in asking:
                wanted = meant(question, world)
                for name, engine in engines.items():
                    assert asked(engine, question, parts, world) == wanted, (name, question)
                    query, enough = question.query, question.enough
                    if isinstance(query, Count) and query.by and enough and (name == "duckdb" or enough == 3):
                        groups = counted(engine.groups(query, parts, PLUMBING | world.types))
                        assert groups == reference.groups(query, world.drawing.rows), (name, question)
                        if tried is not None:
                            tried["groups"] += len(groups) > 1
                if tried is not None:
                    tried.update(told(question, wanted))

    run()


def counted(batches: Iterable[pa.RecordBatch]) -> dict[tuple[Any, ...], int]:
    """What an engine told of its groups, each once, also of one of nobody."""
    found: dict[tuple[Any, ...], int] = {}
    for batch in batches:
        for *key, n in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            assert tuple(key) not in found
            found[tuple(key)] = n
    return found


def told(question: Question, answer: Answer) -> set[object]:
    """What was tried with this question: kinds of node, unit and answer, and the kinds of value in the answer."""
    query = question.query
    said = set(map(type, every(query.where))) if query.where is not None else set()
    values = {value for row in answer for value in (row.key if isinstance(query, Count) else row)}
    kinds: set[object] = set(map(type, values))
    text = {"non-ASCII"} if any(isinstance(value, str) and not value.isascii() for value in values) else set()
    margins = {"margins"} if isinstance(query, Count) and len({len(cell.key) for cell in answer}) > 1 else set()
    enough = {"enough"} if question.enough is not None and answer else set()
    return {type(query), (type(query), query.unit), *said, *kinds, *text, *margins, *enough}


EVERYTHING = {
    *get_args(Predicate),
    *((kind, unit) for kind in (Rows, Count) for unit in ("individu", "keluarga")),
    *(type(None), str, int, bool, date),
    *("non-ASCII", "margins", "enough", "groups"),
}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """One locked DuckDB; the files it reads come and go below one directory."""
    with duckdb.Engine(tmp_path_factory.mktemp("spill"), [tempfile.gettempdir()]) as one:
        yield one


def test_2000_plans_on_duckdb(embedded):
    tried: Counter[object] = Counter()
    agree({"duckdb": embedded}, 2_000, tried=tried)
    assert {what for what in EVERYTHING if tried[what] < 20} == set()


def test_200_plans_on_spark(embedded, cluster):
    """Among them: every kind of node, both units, unknown, days, text beyond ASCII, margins. Now and then 200 lack one
    of these: then 200 more."""
    tried: Counter[object] = Counter()
    for _ in range(4):
        agree({"duckdb": embedded, "spark": cluster}, 200, tried=tried, phases=[Phase.generate])
        if not (lacking := {what for what in EVERYTHING if not tried[what]}):
            break
    assert lacking == set()


@pytest.mark.night
def test_20000_plans_on_duckdb_and_2000_on_spark(embedded, cluster):
    agree({"duckdb": embedded}, 20_000)
    agree({"duckdb": embedded, "spark": cluster}, 2_000, phases=[Phase.generate])


@settings(deadline=None)
@given(st.data())
def test_what_refuses_a_filter_is_what_the_reference_says_of_somebody_unknown(data):
    """`truth_of_nothing` decides, the truth tables are what it means."""
    world = data.draw(worlds())
    predicate = data.draw(predicates(world.types))
    assert truth_of_nothing(predicate) is reference.truth(predicate, dict.fromkeys(world.types))


# Planted mistakes

SAID = words.Words.said


def is_found(engine: Engine, **how: Any) -> None:
    seed = {"phases": [Phase.generate], "derandomize": True, "report_multiple_bugs": False}
    with pytest.raises((AssertionError, EngineError, ExceptionGroup)):
        agree({"the mistaken": engine}, 10_000, several=2, **how, **seed)


def not_before_is_null(self, predicate):
    """What a general compiler wrote for `Missing(Not(x))`."""
    match predicate:
        case Missing(Not(part)):
            return f"(NOT ({SAID(self, part)} IS NULL))"
    return SAID(self, predicate)


def or_without_brackets(self, predicate):
    match predicate:
        case Or(parts):
            return " OR ".join(map(self.said, parts))
    return SAID(self, predicate)


def unknown_as_no(self, predicate):
    match predicate:
        case Not(part):
            return f"(NOT coalesce({SAID(self, part)}, false))"
    return SAID(self, predicate)


@pytest.mark.parametrize("mistake", [not_before_is_null, or_without_brackets, unknown_as_no])
def test_a_mistake_in_the_words_is_found(embedded, monkeypatch, mistake):
    monkeypatch.setattr(words.Words, "said", mistake)
    is_found(embedded)


def test_not_counting_doubtful_families_is_found(embedded, monkeypatch):
    monkeypatch.setattr(duckdb, "_families", lambda *_, **__: {})
    is_found(embedded)


def test_a_family_that_is_larger_than_told_is_found(embedded, monkeypatch):
    told = largest
    monkeypatch.setitem(globals(), "largest", lambda world: max(1, (told(world) or 1) - 1))
    is_found(embedded, only=lambda one: isinstance(one.query, Count) and one.query.unit == "individu" and one.enough)


def parts_of(question: Question) -> list[Any]:
    return [] if question.query.where is None else list(every(question.query.where))


def compares(kind: type) -> Asks:
    """Whether a constant of this kind stands in it."""
    return lambda one: any(isinstance(part, Const) and isinstance(part.value, kind) for part in parts_of(one))


NAMED, ROWS_SQL = spark._Words.named, spark.rows_sql
ONCE = spark._COUNTS["individu"]
MISTAKEN: dict[str, tuple[Any, str, Any, Asks]] = {
    "text without its case": (
        *(spark._Words, "named"),
        lambda self, at, value: (
            f"lower({NAMED(self, at, value)})" if isinstance(value, str) else NAMED(self, at, value)
        ),
        lambda one: any(isinstance(part, Const) and str(part.value).lower() != part.value for part in parts_of(one)),
    ),
    "days a day late": (
        *(spark._Words, "named"),
        lambda self, at, value: NAMED(self, at, value) + (" + INTERVAL '1' DAY" if isinstance(value, date) else ""),
        compares(date),
    ),
    "unknown is no": (spark._Words, "said", unknown_as_no, lambda one: any(isinstance(p, Not) for p in parts_of(one))),
    "a family counted once for each of its persons": (
        *(spark, "_COUNTS"),
        {**spark._COUNTS, "individu": [one.replace("DISTINCT ", "") for one in ONCE]},
        lambda one: isinstance(one.query, Count) and one.query.unit == "individu" and one.enough is None,
    ),
    "a margin taken for a cell of the unknown": (
        *(spark, "_DEPTH"),
        "CAST({width} AS BIGINT)",
        lambda one: isinstance(one.query, Count) and len(one.query.by) > 0,
    ),
    "rows as they come": (
        *(spark, "rows_sql"),
        lambda *what: Sql(
            (made := ROWS_SQL(*what)).text.replace("ORDER BY `_order`", "ORDER BY -`_order`"), made.values
        ),
        lambda one: isinstance(one.query, Rows),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKEN)
def test_a_mistake_in_sparks_sql_is_found(cluster, monkeypatch, mistake):
    place, name, wrong, concerned = MISTAKEN[mistake]
    monkeypatch.setattr(place, name, wrong)
    is_found(cluster, only=concerned)
