"""Parquet. A column of the contract may come as text or as its own type; a number with a fraction has lost digits."""

import csv
import io
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.core.sources import Contract
from bagipakai.registry.intake.reading import Piece, SetBroken, Weighed, matched, texts, unblanked

ROWS = 16_384  # of one piece
MOST_COLUMNS = 10_000


def pieces(file: Weighed, contract: Contract) -> Iterator[Piece]:
    """The rows of the file. Raises SetBroken: damaged, another schema, a type that no text of the contract has."""
    name = file.name
    parquet = _opened(file)
    try:
        header = parquet.schema_arrow.names
        if len(header) > MOST_COLUMNS or len(set(header)) != parquet.metadata.num_columns:
            raise SetBroken("set-format-is-unknown", file=name)
        order = matched(header, contract, name)
        for column, place in zip(contract.names, order, strict=True):
            if not _has_text(parquet.schema_arrow.field(place).type):
                raise SetBroken("set-column-has-another-type", file=name, column=column)
        columns, done, rows = [header[place] for place in order], 0, parquet.metadata.num_rows
        batches = parquet.iter_batches(ROWS, columns=columns, use_threads=False)
        while (batch := _next(batches, name)) is not None:
            table = unblanked(pa.table([_text(batch.column(column)) for column in columns], schema=texts(contract)))
            lines = np.arange(done + 1, done + 1 + batch.num_rows)
            done += batch.num_rows
            yield Piece(table, lines, _as_csv(table), size=file.bytes * batch.num_rows // max(rows, 1))
        if done != rows:
            raise SetBroken("set-file-is-damaged", file=name)
    finally:
        parquet.close()


def _opened(file: Weighed) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(file.path, pre_buffer=False, buffer_size=1024 * 1024, page_checksum_verification=True)
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


def _text(column: pa.Array) -> pa.Array:
    values = column.dictionary_decode() if isinstance(column, pa.DictionaryArray) else column
    if pa.types.is_date(values.type):
        values = values.cast(pa.date32())
    told = values.cast(pa.string())
    return pc.if_else(pc.equal(told, ""), pa.scalar(None, pa.string()), told)


def _as_csv(table: pa.Table) -> Callable[[int], str]:
    def text(at: int) -> str:
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow(
            ["" if one is None else one for one in table.slice(at, 1).to_pylist()[0].values()]
        )
        return out.getvalue()

    return text
