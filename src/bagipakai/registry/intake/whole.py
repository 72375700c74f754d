"""Rules about the set as a whole: a number stands once, a family has a head, digits survived the spreadsheet.

Numbers are compared as BIGINT, in passes, so that memory does not grow with the set (data-plane reference §9).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import numpy as np
import pyarrow as pa

from bagipakai.core.sources import Contract, RowRule
from bagipakai.registry.engines import EngineError
from bagipakai.registry.intake import faults
from bagipakai.registry.intake.reading import SetBroken
from bagipakai.registry.intake.storing import FILE, LINE, identity

MEMORY = "400MB"
ROWS_A_PASS = 8_000_000
FEW = 20  # fewer numbers say nothing about their last digit

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Hits:
    """The rows that a rule about the set returns. `rows`: faults; `rows_accepted`: rows that were not faulty before."""

    rows: int
    rows_accepted: int
    _ask: Callable[..., list[tuple[Any, ...]]]
    _rules: tuple[RowRule, ...]

    def of_file(self, file: int) -> bool:
        return bool(self._ask("SELECT 1 FROM hits WHERE file = $1 LIMIT 1", file))

    def between(self, file: int, first: int, last: int) -> Iterator[tuple[int, str, str]]:
        """Row, column and code of each fault in these rows of a file, in order."""
        found = self._ask(
            "SELECT line, rule FROM hits WHERE file = $1 AND line BETWEEN $2 AND $3 ORDER BY ALL", file, first, last
        )
        for line, rule in found:
            yield line, self._rules[rule].columns[0], faults.OF_A_SET[self._rules[rule].rule]

    def missing(self, rows: np.ndarray) -> pa.Array:
        """Which of `rows`, identities in climbing order, no rule returns."""
        found = self._ask(
            "SELECT file, line FROM hits WHERE (NOT faulty) AND (file << 40 | line) BETWEEN $1 AND $2",
            int(rows[0]),
            int(rows[-1]),
        )
        numbers = [np.array([one[at] for one in found], np.int64) for at in (0, 1)]
        return pa.array(~np.isin(rows, identity(*map(pa.array, numbers))))


@contextmanager
def set_faults(keys: Path, contract: Contract, spill: Path) -> Iterator[Hits]:
    """What the rules of `contract` find in a file of keys. Raises SetBroken, EngineError."""
    con = _quietly(lambda: duckdb.connect(":memory:", config={"threads": 2}))
    try:

        def ask(sql: str, *values: object) -> list[tuple[Any, ...]]:
            return _quietly(lambda: con.execute(sql, list(values)).fetchall())

        for name, value in (
            ("memory_limit", MEMORY),
            ("temp_directory", str(spill)),
            ("preserve_insertion_order", False),
            ("allowed_directories", [str(spill)]),
            ("enable_external_access", False),
            ("lock_configuration", True),
        ):
            ask(f"SET {name} = $1", value)
        ask("SET VARIABLE keys = $1", str(keys))
        ask("CREATE TABLE hits (file BIGINT, line BIGINT, faulty BOOLEAN, rule UTINYINT)")
        passes = max(1, -(-ask(f"SELECT count(*) FROM {_KEYS}")[0][0] // ROWS_A_PASS)) if contract.sets else 0  # noqa: S608
        for at, rule in enumerate(contract.sets):
            if rule.rule == "digits-are-whole":
                _must_be_whole(ask, rule, contract)
                continue
            for one in range(passes):
                ask(_FINDING[rule.rule](rule), passes, one, at)
        rows = ask("SELECT count(*) FROM hits")[0][0]
        accepted = ask("SELECT count(*) FROM (SELECT DISTINCT file, line FROM hits WHERE (NOT faulty))")[0][0]
        yield Hits(rows, accepted, ask, contract.sets)
    finally:
        con.close()


_KEYS = "read_parquet(getvariable('keys'))"


def _twice(rule: RowRule) -> str:
    return f"""INSERT INTO hits
WITH
numbers AS (       -- one part of all numbers at a time
    SELECT {FILE}, {LINE}, faulty, "{rule.columns[0]}~" AS number FROM {_KEYS}
    WHERE ("{rule.columns[0]}~" % $1) = $2
),
twice AS (
    SELECT number FROM numbers GROUP BY number HAVING (count(*) > 1)
)
SELECT {FILE}, {LINE}, faulty, $3 FROM numbers JOIN twice USING (number)"""  # noqa: S608  # names of the contract


def _headless(rule: RowRule) -> str:
    family, head = f'"{rule.columns[0]}~"', f'"{rule.columns[1]}?"'
    return f"""INSERT INTO hits
WITH
members AS (       -- one part of all families at a time
    SELECT {FILE}, {LINE}, faulty, {family} AS number, {head} AS head FROM {_KEYS} WHERE ({family} % $1) = $2
),
headless AS (      -- a member of whom it is not known may be the head
    SELECT number FROM members GROUP BY number HAVING (NOT bool_or(coalesce(head, true)))
)
SELECT {FILE}, {LINE}, faulty, $3 FROM members JOIN headless USING (number)"""  # noqa: S608  # as above


_FINDING: dict[str, Callable[[RowRule], str]] = {"once": _twice, "family-has-head": _headless}


def _must_be_whole(ask: Callable[..., list[tuple[Any, ...]]], rule: RowRule, contract: Contract) -> None:
    """Of ten people one has a number that ends in 0; a spreadsheet keeps 15 digits and makes it all of them."""
    number = f'"{rule.columns[0]}~"'
    found = ask(f"SELECT count({number}), count(*) FILTER (WHERE ({number} % 10) = 0) FROM {_KEYS}")  # noqa: S608
    all_, zeros = found[0]
    if all_ >= FEW and zeros * 1000 > contract.zeros_at_most * all_:
        raise SetBroken("set-digits-were-cut", column=rule.columns[0], share=f"{zeros * 100 // all_}")


def _quietly(call: Callable[[], _Answer]) -> _Answer:
    try:
        return call()
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        kind = type(error).__name__
    raise EngineError(kind)
