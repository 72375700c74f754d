"""The digest of what rows say, whatever file, batch size, machine or number of threads they came through.

Parquet bytes are not reproducible; content is. Rows in their given order are cut anew every 131,072 rows, each value is
brought to the type the contract knows (text, integer, boolean, date, bytes), and SHA-256 runs over lengths, values and
validity bits (data-plane reference §9).
"""

import hashlib
import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

CUT = 131_072  # rows
FORM = "bagipakai-content-1"


class ContentDigest:
    """Takes the rows of one table, batch by batch, and tells their digest.

    Storage does not count: dictionaries are written out, every integer has 64 bits, and what lies under a null is
    forgotten. Order of rows, names and order of columns, and the number of rows do count.
    """

    def __init__(self, schema: pa.Schema) -> None:
        """Raises TypeError for a column of a type without a canonical form, such as a float."""
        self._kinds = [_kind(field.type) for field in schema]
        self._names = schema.names
        self._waiting: list[pa.Table] = []
        self._waiting_rows = self.rows = 0
        head = {"form": FORM, "columns": [[name, kind] for name, kind in zip(self._names, self._kinds, strict=True)]}
        self._sha = hashlib.sha256(json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode())

    def add(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Raises ValueError for rows with other columns."""
        if rows.schema.names != self._names or [_kind(field.type) for field in rows.schema] != self._kinds:
            raise ValueError("rows of another schema")
        table = rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])
        self.rows += table.num_rows
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        if self._waiting_rows < CUT:
            return
        waiting, start = self._joined(), 0
        while waiting.num_rows - start >= CUT:
            self._take(self._sha, waiting.slice(start, CUT))
            start += CUT
        rest = waiting.slice(start)
        self._waiting, self._waiting_rows = [rest], rest.num_rows

    def hexdigest(self) -> str:
        """64 lower-case hexadecimal digits, of all rows added so far."""
        closed = self._sha.copy()
        if self._waiting_rows:
            self._take(closed, self._joined())
        closed.update(f"rows {self.rows}".encode())
        return closed.hexdigest()

    def _joined(self) -> pa.Table:
        return pa.concat_tables(self._waiting) if len(self._waiting) > 1 else self._waiting[0]

    def _take(self, sha: "hashlib._Hash", cut: pa.Table) -> None:
        for kind, column in zip(self._kinds, cut.columns, strict=True):
            _feed(sha, kind, column)


def combined(parts: dict[str, str]) -> str:
    """One digest over the digests of several named tables: SHA-256 of `name`, newline, `digest`, in order of name."""
    text = "".join(f"{name}\n{parts[name]}\n" for name in sorted(parts))
    return hashlib.sha256(f"{FORM}\n{text}".encode()).hexdigest()


def _kind(type_: pa.DataType) -> str:
    value = type_.value_type if pa.types.is_dictionary(type_) else type_
    if pa.types.is_string(value) or pa.types.is_large_string(value) or pa.types.is_string_view(value):
        return "text"
    if pa.types.is_integer(value) and value != pa.uint64():
        return "integer"
    if pa.types.is_boolean(value):
        return "boolean"
    if pa.types.is_date32(value):
        return "date"
    if pa.types.is_binary(value) or pa.types.is_large_binary(value) or pa.types.is_fixed_size_binary(value):
        return "bytes"
    raise TypeError(f"no canonical form for {value}")


def _feed(sha: "hashlib._Hash", kind: str, column: pa.ChunkedArray) -> None:
    values = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(values, pa.ChunkedArray):  # several chunks of dictionaries stay apart in some versions
        values = pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], values.type)
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    gaps = values.null_count > 0
    sha.update(b"some" if gaps else b"all")
    if gaps:
        sha.update(_bits(pc.is_valid(values)))
    match kind:
        case "text" | "bytes":
            _feed_bytes(sha, values.cast(_PLAIN[kind]))
        case "integer":
            sha.update(_bytes(_filled(values, 0).to_numpy(zero_copy_only=False), "<i8"))
        case "date":
            sha.update(_bytes(_filled(values.cast(pa.int32()), 0).to_numpy(zero_copy_only=False), "<i4"))
        case "boolean":
            sha.update(_bits(_filled(values, False)))


def _feed_bytes(sha: "hashlib._Hash", values: pa.Array) -> None:
    """The length of each, then all of them; a missing one is as long as nothing."""
    if len(values) == 0:
        return
    ends = _ends(values)
    lengths = np.diff(ends)
    if values.null_count and lengths[pc.is_null(values).to_numpy(zero_copy_only=False)].any():
        values = pc.fill_null(values, "" if pa.types.is_string(values.type) else b"")  # there are bytes behind a gap
        ends = _ends(values)
        lengths = np.diff(ends)
    sha.update(_bytes(lengths, "<i4"))
    data = values.buffers()[2]
    if data is not None:
        sha.update(memoryview(data)[int(ends[0]) : int(ends[-1])])


def _ends(values: pa.Array) -> np.ndarray:
    return np.frombuffer(values.buffers()[1], dtype="<i4", count=len(values) + 1, offset=4 * values.offset)


_PLAIN = {"text": pa.string(), "bytes": pa.binary()}


def _filled(values: pa.Array, nothing: object) -> pa.Array:
    return pc.fill_null(values, nothing) if values.null_count else values


def _bits(values: pa.Array) -> memoryview:
    return np.packbits(values.to_numpy(zero_copy_only=False).astype(bool), bitorder="little").data


def _bytes(values: np.ndarray, dtype: str) -> memoryview:
    return np.ascontiguousarray(values, dtype=dtype).data
