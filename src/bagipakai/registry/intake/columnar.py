"""Parquet. A column of the contract may come as text or as its own type; a number with a fraction has lost digits."""

import csv
import io
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.core import workbooks
from bagipakai.core.sources import Contract
from bagipakai.registry.intake.reading import (
    LONGEST_ROW,
    SHOWN,
    Asked,
    Piece,
    SetBroken,
    Torn,
    Weighed,
    matched,
    texts,
    unblanked,
)

EXACT = workbooks.EXACT
ROWS = 16_384  # of one piece
LETTERS = 16 * 1024**2  # bytes of one piece, in which few may say a long text again and again
MOST_COLUMNS = 10_000


def pieces(file: Weighed, contract: Asked) -> Iterator[Piece]:
    """The rows of the file. Raises SetBroken: damaged, another schema, a type that no text of the contract has."""
    name = file.name
    with _opened(file) as parquet:
        told, rows = parquet.schema_arrow, parquet.metadata.num_rows
        if len(told) > MOST_COLUMNS or len(set(told.names)) != parquet.metadata.num_columns:
            raise SetBroken("set-format-is-unknown", file=name)
        order = matched(told.names, contract, name)
        for column, place in zip(contract.names, order, strict=True):
            kind = told.field(place).type
            if not (_has_text(kind) or (_has_more(kind) and not isinstance(contract, Contract))):
                raise SetBroken("set-column-has-another-type", file=name, column=column)
        columns, done = [told.names[place] for place in order], 0
        for group in range(parquet.num_row_groups):
            most = _at_once(file, parquet, group, columns)
            batches = parquet.iter_batches(most, row_groups=[group], columns=columns, use_threads=False)
            while (batch := _next(batches, name)) is not None:
                lines = np.arange(done + 1, done + 1 + batch.num_rows)
                done += batch.num_rows
                yield _piece(batch.select(columns), lines, contract, file.bytes * batch.num_rows // max(rows, 1))
        if done != rows:
            raise SetBroken("set-file-is-damaged", file=name)


def _at_once(file: Weighed, parquet: pq.ParquetFile, group: int, columns: list[str]) -> int:
    """How many rows of a group can be read at once. A few bytes may say a long text in every row: by a dictionary,
    which is looked at first, or packed; so what its rows hold on average counts as well."""
    told = parquet.metadata.row_group(group)  # its columns are not asked: where one is damaged, that ends the process
    rows: int = told.num_rows
    words = [column for column in columns if _is_text(parquet.schema_arrow.field(column).type)]
    longest = max(int(told.total_byte_size), 0) // max(rows, 1)
    if words and rows > 0:
        with _opened(file, words) as known:
            first = _next(known.iter_batches(1, row_groups=[group], columns=words, use_threads=False), file.name)
        found = [column.dictionary for column in first.columns] if first is not None else []
        longest = max(longest, sum(pc.max(pc.binary_length(one)).as_py() or 0 for one in found))
    return max(1, min(ROWS, LETTERS // max(longest, 1)))


def _piece(batch: pa.RecordBatch, lines: np.ndarray, contract: Asked, size: int) -> Piece:
    """`batch`, its columns in the contract's order."""
    table = pa.table([_text(column) for column in batch.columns], schema=texts(contract))
    length = sum((pc.fill_null(pc.binary_length(column), 0).to_numpy() for column in table.columns), np.int64(0))
    torn = [
        Torn(int(lines[at]), "row-is-too-long", _line(_cells(table, int(at), SHOWN))[:SHOWN])
        for at in np.flatnonzero(length > LONGEST_ROW)
    ]
    if torn:
        whole = length <= LONGEST_ROW
        table, lines = table.filter(pa.array(whole)), lines[whole]
    table = unblanked(table)
    return Piece(table, lines, lambda at: _line(_cells(table, at)), tuple(torn), size)


def _cells(table: pa.Table, at: int, most: int | None = None) -> list[str]:
    return [(cell or "")[:most] for cell in table.slice(at, 1).to_pylist()[0].values()]


def _line(cells: list[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()


def _opened(file: Weighed, known: list[str] | None = None) -> pq.ParquetFile:
    """With the text columns `known` as dictionaries."""
    try:
        return pq.ParquetFile(
            file.path,
            pre_buffer=False,
            buffer_size=1024 * 1024,
            page_checksum_verification=True,
            read_dictionary=known,
        )
    except (pa.ArrowException, OSError, ValueError):
        raise SetBroken("set-file-is-damaged", file=file.name) from None


def _next(batches: Iterator[pa.RecordBatch], name: str) -> pa.RecordBatch | None:
    try:
        batch = next(batches, None)
        if batch is not None:
            batch.validate(full=True)
        return batch
    except (pa.ArrowException, OSError, ValueError):
        raise SetBroken("set-file-is-damaged", file=name) from None


def _is_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


def text_of_doubles(column: pa.Array) -> pa.Array:
    """As a person would write them: a whole number without a fraction, what is not finite as nothing; what lies beyond
    the whole numbers that doubles hold keeps its exponent."""
    column = column.cast(pa.float64())
    finite = pc.if_else(pc.is_finite(column), column, pa.scalar(None, pa.float64()))
    whole = pc.and_(pc.equal(finite, pc.floor(finite)), pc.less_equal(pc.abs(finite), float(EXACT)))
    told = pc.if_else(whole, finite, 0.0).cast(pa.int64()).cast(pa.string())
    return told if pc.all(whole).as_py() else pc.if_else(whole, told, finite.cast(pa.string()))


def _has_text(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return any(
        told(value)
        for told in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_integer,
            pa.types.is_boolean,
            pa.types.is_date,
            pa.types.is_null,
        )
    )


def _has_more(kind: pa.DataType) -> bool:
    """Whether its values have a text at all; a contract asks for more."""
    return bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_timestamp(kind))


def _text(column: pa.Array) -> pa.Array:
    values = column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
    if pa.types.is_date(values.type) or (pa.types.is_timestamp(values.type) and values.type.tz is None):
        values = values.cast(pa.date32(), safe=False)
    told = text_of_doubles(values) if pa.types.is_floating(values.type) else values.cast(pa.string())
    return pc.if_else(pc.equal(told, ""), pa.scalar(None, pa.string()), told)
