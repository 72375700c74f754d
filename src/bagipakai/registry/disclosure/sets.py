"""Who is counted in each cell, as one number: the sum of the record keys of its people (`cellkeys`), read from the rows
of a release, of which nothing else is kept.

A person is told by the NIK, a family by the number of its card: both are the same in every release. Whoever has none is
told by what else is known of them and seldom changes; where that changes, so does their part of the noise.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bagipakai.core.disclosure import Key
from bagipakai.core.plan import Plan, Unit
from bagipakai.core.query import Rows
from bagipakai.registry.disclosure.cellkeys import WHOLE, CellKeys, Numbers, summed

# Of each unit: the column with the number, as text, and what tells those who have none.
_TOLD_BY: Final[Mapping[Unit, tuple[str, tuple[str, ...]]]] = {
    Unit.INDIVIDU: ("_nik", ("_nomor_kk", "kode_desa", "nama", "tanggal_lahir", "jenis_kelamin")),
    Unit.KELUARGA: ("_nomor_kk", ("kode_desa", "nama_kepala_keluarga", "alamat")),
}
_NUMBER: Final = r"^[0-9]{16}$"

Sets = Mapping[Key, tuple[int, int]]  # of each finest cell: how many are in it, and the sum of their record keys


def rows_of(plan: Plan) -> tuple[Rows, tuple[str, ...]]:
    """The question whose rows `sets` takes, and the internal columns that it needs beside."""
    number, others = _TOLD_BY[plan.unit]
    internal = [name.removeprefix("_") for name in (number, *others) if name.startswith("_")]
    keep = dict.fromkeys((*plan.columns, *(name for name in others if not name.startswith("_"))))
    return Rows(plan.unit.value, tuple(keep), plan.population, plan.area.codes), tuple(internal)


def sets(batches: Iterable[pa.RecordBatch], by: Sequence[str], unit: Unit, keys: CellKeys) -> Sets:
    """By the columns `by`. `batches`: the answer to `rows_of`."""
    found: dict[Key, tuple[int, int]] = {}
    with duckdb.connect(config={"threads": 1}) as engine:
        for batch in batches:
            record = pa.array(_record_keys(batch, unit, keys), pa.uint64())
            engine.register("members", batch.select(list(by)).append_column("record_key", record))
            for *key, n, total in _rows(summed(engine, "members", by)):
                before = found.get(tuple(key), (0, 0))
                found[tuple(key)] = before[0] + n, (before[1] + total) % WHOLE
    return found


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in table.columns), strict=True)


def _record_keys(batch: pa.RecordBatch, unit: Unit, keys: CellKeys) -> Numbers:
    name, others = _TOLD_BY[unit]
    told = batch.column(name)
    has = pc.fill_null(pc.match_substring_regex(told, _NUMBER), False)
    numbers = pc.if_else(has, told, pa.scalar("0")).cast(pa.uint64()).to_numpy(zero_copy_only=False)
    second = np.zeros(len(numbers), np.uint64)
    missing = np.flatnonzero(~has.to_numpy(zero_copy_only=False))
    words = [batch.column(one).take(missing).cast(pa.string()).to_pylist() for one in (name, *others)]
    second[missing] = [keys.token(one) for one in zip(*words, strict=True)]
    return keys.record_keys(numbers, second)
