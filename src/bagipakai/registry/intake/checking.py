"""A contract applied: each value that repeats is judged once, free text only where its bytes are suspect, each row in
one pass of DuckDB; only faulty rows are explained.

The SQL is `statements`, the engine is locked (decision 0031). `reference` fixes the meaning and judges the
same rows one by one; tests/registry/intake/test_agreement.py draws contracts and rows for both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.sources import Agreed, Contract
from bagipakai.core.variables import Type
from bagipakai.registry.engines import ARROW, EngineError
from bagipakai.registry.intake.reading import texts
from bagipakai.registry.intake.statements import (
    FAULTY,
    REGIONS,
    ROW,
    ROWS,
    SOUND,
    VALUE,
    VALUES,
    WRONG,
    Statements,
    region_table,
    repeats,
    ruled_together,
)
from bagipakai.registry.regions import LENGTHS, regions

MEMORY, THREADS = "300MB", 2
SLICE = 8_192  # rows that one thread takes at a time
KEPT, KEPT_BYTES = 262_144, 8 * 1024 * 1024  # values of one kind that are remembered, and what they hold at most
_NUMBER = pa.field(ROW, pa.int32())

_SUSPECT = np.zeros(256, dtype=bool)  # bytes without which no character of `faults.CONTROLS` is written
_SUSPECT[[*{*range(0x20)} - {*b"\t\n\r"}, 0x7F, 0xC2, 0xEF]] = True

_Answer = TypeVar("_Answer")


def schema(contract: Contract) -> pa.Schema:
    """The columns of accepted rows, in the contract's order and types."""
    return pa.schema([(column.name, ARROW[column.type]) for column in contract.columns])


@dataclass(frozen=True, slots=True)
class Judged:
    """A piece after judgement. `values`: typed, null where unreadable, of all rows; `faulty`: which are faulty;
    `keys`: columns of the set rules as numbers, null where they are not valid, and who is a head of family, null where
    not told."""

    values: pa.Table
    faulty: pa.ChunkedArray
    keys: pa.Table


class Checker:
    """One locked DuckDB that judges pieces of one contract; `day` is today. Raises EngineError."""

    def __init__(self, contract: Contract, day: date, spill: Path) -> None:
        self.contract = contract
        statements = Statements(contract, day)
        kinds = {_kind(column) for column in contract.columns if repeats(column)}
        self._known = {kind: _Known(f"values_{at}", kind.type) for at, kind in enumerate(sorted(kinds, key=repr))}
        self._across = ruled_together(contract)
        judging, self._explaining = statements.judging(), statements.explaining()
        judging_values = {known.statement: statements.judging_values(kind) for kind, known in self._known.items()}
        self.codes, self._prepared = statements.codes, False
        self._con = _quietly(lambda: duckdb.connect(":memory:", config={"threads": THREADS}))
        whole = texts(contract)
        shapes = {ROWS: _rows_schema(contract), VALUES: pa.schema([(VALUE, pa.string())]), WRONG: whole}
        self._sent = {name: _Sent(shape.append(_NUMBER).empty_table()) for name, shape in shapes.items()}
        for digits in LENGTHS if statements.regions else ():
            self._con.register("known", pa.table({"code": _region_codes(digits)}))
            self._do(f"CREATE TABLE {region_table(digits)} AS SELECT code FROM known")  # noqa: S608  # our own names
            self._con.unregister("known")
        for name, value in (
            ("memory_limit", MEMORY),
            ("temp_directory", str(spill)),
            ("preserve_insertion_order", True),
            ("allowed_directories", [str(spill)]),
            ("autoinstall_known_extensions", False),
            ("autoload_known_extensions", False),
            ("allow_community_extensions", False),
            ("enable_external_access", False),
            ("lock_configuration", True),
        ):
            self._do(f"SET {name} = $1", [value])
        for at, value in enumerate(statements.values):
            self._do(f"SET VARIABLE p{at} = CAST($1 AS {_sql_type(value)})", [value])
        for name, sent in self._sent.items():
            self._con.register(name, sent)
        for statement, sql in {"judging": judging, **judging_values}.items():
            self._do(f"PREPARE {statement} AS {sql}")
        for kind, known in self._known.items():
            if kind.check == "region":  # a file in order of place has new ones in each piece
                self._learn(known, _region_codes(REGIONS[kind.pattern or ""]))

    def __enter__(self) -> "Checker":
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def judge(self, piece: pa.Table) -> Judged:
        """The rows of `piece`, in its order. No blanks may stand around its texts, here and in `explain`."""
        values, sent = [], []
        sound = np.ones(piece.num_rows, dtype=bool)
        for column in self.contract.columns:
            told, good = piece[column.name], None
            if repeats(column):
                told, good = self._valued(column, told)
            values.append(told)
            if good is not None:
                sound &= good
            if column.name in self._across or not repeats(column):
                sent.append(told)
            if column.name in self._across and repeats(column):
                sent.append(pa.array(np.ones(piece.num_rows, dtype=bool) if good is None else good))
        told = self._asked("EXECUTE judging", ROWS, [*sent, pa.array(sound)])
        keys = [name for name in told.column_names if name[-1] in "~?"]
        return Judged(pa.table(values, schema=schema(self.contract)), told[FAULTY], told.select(keys))

    def _valued(self, column: Agreed, told: pa.ChunkedArray) -> tuple[pa.ChunkedArray, np.ndarray | None]:
        """The typed values of a column whose values repeat, and which are as agreed: nothing if all are. Each value is
        judged once, and remembered for the pieces that follow."""
        if column.is_free and not (column.required and told.null_count) and _is_plain(told, column.longest):
            return told, None
        encoded = pc.dictionary_encode(told).combine_chunks()
        at, here = encoded.indices, encoded.dictionary
        known = self._known[_kind(column)]
        places = known.places(here)
        if (missing := places < 0).any():
            self._learn(known, here.filter(pa.array(missing)))
            places = known.places(here)
        sound = np.append(known.sound[places], not column.required)
        typed = told if column.type is Type.TEXT else known.typed.take(pa.array(places)).take(at)
        if len(known.values) > KEPT or known.values.nbytes > KEPT_BYTES:
            known.forget()
        if sound[:-1].all() and (sound[-1] or not at.null_count):
            return typed, None
        return typed, sound[at.fill_null(len(here)).to_numpy()]

    def _learn(self, known: "_Known", values: pa.Array) -> None:
        judged = self._asked(f"EXECUTE {known.statement}", VALUES, [values])
        known.add(values, judged[VALUE], judged[SOUND])

    def explain(self, rows: pa.Table) -> list[dict[str, str]]:
        """For each of these faulty rows: column → the code of its reason. Raises EngineError for a row without one:
        then the two statements contradict each other."""
        if not self._prepared:
            self._do(f"PREPARE explaining AS {self._explaining}")
            self._prepared = True
        found: list[dict[str, str]] = [{} for _ in range(rows.num_rows)]
        told = self._asked("EXECUTE explaining", WRONG, rows.columns)
        for name in self.contract.names:
            column = told[name]
            if pc.max(column).as_py():
                for at, number in enumerate(column.to_pylist()):
                    if number:
                        found[at][name] = self.codes[number]
        if not all(found):
            raise EngineError("a faulty row without a reason")
        return found

    def _asked(self, sql: str, name: str, columns: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Table:
        """The answer, row for row. With several threads DuckDB hands back slices in any order (measured on 2.0.1, for a
        prepared statement over Arrow), so each row carries its number, and nothing relies on where it comes out."""
        sent = self._sent[name]
        numbers = np.arange(len(columns[0]), dtype=np.int32)
        numbered = pa.table([*columns, pa.array(numbers)], schema=sent.rows.schema)
        sent.rows = pa.Table.from_batches(numbered.to_batches(max_chunksize=SLICE), numbered.schema)
        try:
            told = _quietly(lambda: self._con.sql(sql).to_arrow_table())
        finally:
            sent.rows = numbered.slice(0, 0)
        places = told[ROW].to_numpy()
        if not np.array_equal(places, numbers):
            order = np.argsort(places, kind="stable")
            if not np.array_equal(places[order], numbers):
                raise EngineError("rows were lost or doubled")
            told = told.take(pa.array(order))
        return told

    def _do(self, sql: str, values: Sequence[Any] = ()) -> None:
        _quietly(lambda: self._con.execute(sql, list(values)).fetchall())


@dataclass(slots=True)
class _Sent:
    """The rows that the statements speak of: a prepared statement is planned once, and reads what is here then."""

    rows: pa.Table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.rows.__arrow_c_stream__(requested_schema)


@dataclass(slots=True)
class _Known:
    """Values of one kind that were judged: `typed` and `sound` of each. `statement` judges more of them."""

    statement: str
    type: Type
    values: pa.Array = field(default_factory=lambda: pa.array([], pa.string()))
    typed: pa.Array = field(init=False)
    sound: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))

    def __post_init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.values, self.typed = pa.array([], pa.string()), pa.array([], ARROW[self.type])
        self.sound = np.empty(0, dtype=bool)

    def places(self, values: pa.Array) -> np.ndarray:
        """Where each of `values` is among these, below 0 if it is not. Those that were judged are looked up among
        `values`, and not the reverse: what is looked up in is hashed each time, and they are more."""
        found = pc.index_in(self.values, values)
        places = np.full(len(values), -1, np.int64)
        places[found.drop_null().to_numpy()] = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
        return places

    def add(self, values: pa.Array, typed: pa.ChunkedArray, sound: pa.ChunkedArray) -> None:
        self.values = pa.concat_arrays([self.values, values])
        self.typed = pa.concat_arrays([self.typed, *typed.cast(ARROW[self.type]).chunks])
        self.sound = np.append(self.sound, sound.to_numpy())


def _is_plain(column: pa.ChunkedArray, longest: int) -> bool:
    """Whether each text is as agreed, told from its bytes: none is suspect, nor more of them than characters may be."""
    for chunk in column.chunks:
        _, offsets, letters = chunk.buffers()
        if letters is not None and len(chunk):
            ends = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
            if np.diff(ends).max() > longest or _SUSPECT[np.frombuffer(letters, np.uint8)[ends[0] : ends[-1]]].any():
                return False
    return True


def _kind(column: Agreed) -> Agreed:
    """Columns that agree on the same have their values in common."""
    return replace(column, name=VALUE, required=False)


def _rows_schema(contract: Contract) -> pa.Schema:
    """What the rows need to be judged: texts one by one, of the others what rules across columns and of the set need,
    and whether all of them are as agreed."""
    across, found = ruled_together(contract), []
    for column in contract.columns:
        if not repeats(column):
            found.append(pa.field(column.name, pa.string()))
        elif column.name in across:
            mark = "" if column.type is Type.TEXT else "#"
            found += [pa.field(column.name + mark, ARROW[column.type]), pa.field(column.name + SOUND, pa.bool_())]
    return pa.schema([*found, pa.field(SOUND, pa.bool_())])


@lru_cache(maxsize=len(LENGTHS))
def _region_codes(digits: int) -> pa.Array:
    return pa.array([region.code for region in regions().at_level(LENGTHS.index(digits) + 1)])


def _sql_type(value: Any) -> str:
    return {int: "BIGINT", str: "VARCHAR", date: "DATE"}[type(value)]


def _quietly(call: Callable[[], _Answer]) -> _Answer:
    """`call()`, its failures told by kind alone: DuckDB quotes the value that it stumbled over."""
    try:
        return call()
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        kind = type(error).__name__
    raise EngineError(kind)
