"""What was selected is what can be read back, in each format; and no cell is a formula."""

import io
import json
import re
from datetime import date
from pathlib import Path

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.registry.orders import ROW_FORMATS

from bagipakai.core.plan import Format
from bagipakai.registry import formats
from bagipakai.registry.pseudonyms import TOKEN

SCHEMA = pa.schema(
    [
        ("pseudonim_nik", TOKEN),
        ("nik", pa.string()),
        ("nama", pa.string()),
        ("desil", pa.int64()),
        ("listrik", pa.bool_()),
        ("tanggal_lahir", pa.date32()),
    ]
)
FORMULAS = ["=1+1", "+62811", "-", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1+1", "'=1", "|cmd", "\n=1", "  @x"]
HARMLESS = ["Siti", "O'Brien", "a=b", "3201014503800001", "", " Budi", "é", "Jl. Mawar - 2", "#1"]

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=20) | st.sampled_from(
    [text for text in FORMULAS + HARMLESS if "\r" not in text]
)
rows = st.lists(
    st.tuples(
        st.binary(min_size=16, max_size=16),
        st.none() | st.from_regex(r"[0-9]{16}", fullmatch=True),
        st.none() | texts,
        st.none() | st.integers(-(10**14), 10**14),
        st.none() | st.booleans(),
        st.none() | st.dates(date(1900, 3, 1), date(2100, 1, 1)),
    ),
    max_size=30,
)


class Folder:
    """Parts in memory."""

    def __init__(self, scratch: Path, limit: int = 2**29, sheet_rows: int = formats.XLSX_ROWS):
        self.limit, self.sheet_rows, self.scratch = limit, sheet_rows, scratch
        self.files: list[_Memory] = []
        self.rows: list[int] = []

    def next(self):
        self.files.append(_Memory())
        self.rows.append(0)
        return self.files[-1]

    def wrote(self, number):
        self.rows[-1] += number

    def parts(self):
        return [file.content for file in self.files]


class _Memory(io.RawIOBase):
    def __init__(self):
        super().__init__()
        self.content = b""

    @property
    def size(self):
        return len(self.content)

    def writable(self):
        return True

    def tell(self):
        return len(self.content)

    def write(self, data):
        self.content += bytes(data)
        return len(data)


def table(values) -> pa.RecordBatch:
    columns = list(zip(*values, strict=True)) if values else [[]] * len(SCHEMA)
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA
    )


def write(form, values, tmp_path, batches=None, **limits):
    folder = Folder(tmp_path, **limits)
    guarded = formats.writer(form)(iter(batches if batches is not None else [table(values)]), SCHEMA, folder)
    assert sum(folder.rows) == len(values)
    return folder, guarded


def unguarded(text, column, counts):
    """How a recipient gets the original back: one apostrophe less in front and behind each sign that separates."""
    return re.sub(r"(\A|[;\t\r\n])'", r"\1", text) if text is not None and counts[column] else text


relaxed = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@relaxed
@given(rows)
def test_csv_is_read_back_by_another_program(tmp_path, values):
    folder, counts = write(Format.CSV, values, tmp_path)
    (text,) = folder.parts()
    (tmp_path / "x.csv").write_bytes(text)
    found = duckdb.execute(
        """
        SELECT * FROM read_csv($file, header=true, all_varchar=true, quote='"', escape='"', delim=',', new_line='\\n',
                               strict_mode=true, parallel=false, allow_quoted_nulls=false)
        """,
        {"file": str(tmp_path / "x.csv")},
    ).fetchall()
    expected = [
        (token.hex(), nik, name, _text(desil), _text(lit), _text(born)) for token, nik, name, desil, lit, born in values
    ]
    assert [(t, n, unguarded(name, "nama", counts), *rest) for t, n, name, *rest in found] == expected


def _text(value):
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@relaxed
@given(rows)
def test_json_lines_hold_the_values(tmp_path, values):
    folder, counts = write(Format.JSONL, values, tmp_path)
    (text,) = folder.parts()
    found = [tuple(json.loads(line).values()) for line in text.decode("utf-8").split("\n")[:-1]]
    assert not counts
    assert found == [(t.hex(), n, a, d, li, None if b is None else b.isoformat()) for t, n, a, d, li, b in values]


@relaxed
@given(rows)
def test_parquet_holds_the_values_and_binary_pseudonyms(tmp_path, values):
    folder, _ = write(Format.PARQUET, values, tmp_path)
    (content,) = folder.parts()
    found = pq.read_table(pa.BufferReader(content))
    assert found.schema.equals(SCHEMA)
    assert [tuple(row.values()) for row in found.to_pylist()] == [tuple(row) for row in values]


def test_xlsx_holds_the_values_with_identifiers_as_text(tmp_path):
    values = [
        (bytes(16), "0000000000000001", 'Siti <&> "x"', 5, True, date(1980, 3, 5)),
        (bytes(range(16)), None, None, None, None, None),
        (bytes(16), "9171014503800001", "é", 10**15 + 1, False, date(1899, 12, 31)),
    ]
    folder, counts = write(Format.XLSX, values, tmp_path)
    sheet = openpyxl.load_workbook(io.BytesIO(folder.parts()[0])).active
    names, *found = [[cell.value for cell in row] for row in sheet.rows]
    assert names == SCHEMA.names
    assert found[0][:5] == ["0" * 32, "0000000000000001", 'Siti <&> "x"', 5, True]
    assert found[0][5].date() == date(1980, 3, 5)
    assert found[1][1:] == [None] * 5
    assert found[2][3] == "1000000000000001", "a spreadsheet keeps fifteen digits, so a longer number is text"
    assert found[2][5] == "1899-12-31", "a day before the spreadsheet's calendar is text"
    assert not counts


@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX])
@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(form, text, tmp_path):
    """Neither as written, nor after the blanks that a spreadsheet skips."""
    folder, counts = write(form, [(bytes(16), None, text, 1, None, None)], tmp_path)
    assert counts == {"nama": 1}
    if form is Format.XLSX:
        cell = openpyxl.load_workbook(io.BytesIO(folder.parts()[0])).active["C2"]
        assert cell.data_type != "f"
        assert str(cell.value).startswith("'")
    else:
        safe = formats.guarded(pa.record_batch({"nama": [text]}))[0]["nama"][0].as_py()
        assert safe.startswith("'") and f'"{safe}"' in folder.parts()[0].decode("utf-8")


@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX])
@pytest.mark.parametrize("text", HARMLESS)
def test_a_harmless_text_stays_as_it_is(form, text, tmp_path):
    assert not write(form, [(bytes(16), None, text, 1, None, None)], tmp_path)[1]


torn = st.text("x;\t\n\v \xa0=+-@＝|'", max_size=8)


@given(texts | torn)
def test_taking_one_apostrophe_away_always_gives_back_the_original(text):
    batch = pa.record_batch({"nama": [text]})
    safe, counts = formats.guarded(batch)
    assert unguarded(safe["nama"][0].as_py(), "nama", counts) == text


@pytest.mark.parametrize("sign", [";", "\t", "\n"])
@given(torn)
def test_no_cell_is_a_formula_where_columns_are_parted_by_another_sign(sign, text):
    """A spreadsheet that takes `;` for the sign between columns, as the Indonesian one does, heeds no quotes here."""
    safe = formats.guarded(pa.record_batch({"nama": [text]}))[0]["nama"][0].as_py()
    assert not [cell for cell in safe.split(sign) if cell.strip()[:1] in {*"=+-@＝"}]


def test_xlsx_splits_at_the_row_limit(tmp_path):
    values = [(bytes(16), f"{n:016d}", "a", n, None, None) for n in range(25)]
    folder, _ = write(Format.XLSX, values, tmp_path, sheet_rows=10)
    assert folder.rows == [10, 10, 5]
    books = [openpyxl.load_workbook(io.BytesIO(part)).active for part in folder.parts()]
    assert [book["B1"].value for book in books] == ["nik"] * 3, "each sheet says what its columns are"
    assert [row[1].value for book in books for row in list(book.rows)[1:]] == [nik for _, nik, *_ in values]


def test_the_limit_is_the_one_of_spreadsheets():
    assert formats.XLSX_ROWS + 1 == 2**20


def test_xlsx_that_ends_exactly_at_the_limit_has_no_empty_sheet_behind(tmp_path):
    values = [(bytes(16), f"{n:016d}", "a", n, None, None) for n in range(20)]
    assert write(Format.XLSX, values, tmp_path, sheet_rows=10)[0].rows == [10, 10]


@pytest.mark.parametrize("form", ROW_FORMATS)
def test_no_row_still_makes_one_part_that_names_its_columns(form, tmp_path):
    folder, _ = write(form, [], tmp_path)
    assert folder.rows == [0]
    if form is Format.XLSX:
        sheet = openpyxl.load_workbook(io.BytesIO(folder.parts()[0])).active
        assert [cell.value for cell in next(sheet.rows)] == SCHEMA.names
    if form is Format.CSV:
        assert folder.parts() == [(",".join(f'"{name}"' for name in SCHEMA.names) + "\n").encode()]
    if form is Format.PARQUET:
        assert pq.read_schema(pa.BufferReader(folder.parts()[0])).names == SCHEMA.names


@pytest.mark.parametrize("form", [Format.CSV, Format.JSONL, Format.PARQUET])
def test_a_part_never_passes_the_limit_and_no_row_is_lost(form, tmp_path):
    values = [(n.to_bytes(16, "big"), f"{n:016d}", f"nama {n}", n, None, date(2000, 1, 1)) for n in range(5000)]
    limit = 50_000 if form is Format.PARQUET else 200_000
    batches = [table(values[:3000]), table(values[3000:])]
    folder, _ = write(form, values, tmp_path, batches=batches, limit=limit)
    assert len(folder.rows) > 1
    assert max(map(len, folder.parts())) <= limit
    if form is Format.PARQUET:
        found = [nik for part in folder.parts() for nik in pq.read_table(pa.BufferReader(part))["nik"].to_pylist()]
        assert found == [nik for _, nik, *_ in values]


def test_a_workbook_in_the_making_is_never_in_the_shared_temporary_folder(tmp_path, monkeypatch):
    """The library keeps half-made sheets in the system's temporary folder. Here that folder does not exist."""
    monkeypatch.setenv("TMPDIR", str(tmp_path / "nowhere"))
    own = tmp_path / "own"
    own.mkdir()
    values = [(bytes(16), f"{n:016d}", "a", n, None, None) for n in range(2000)]
    write(Format.XLSX, values, own)
    assert list(own.iterdir()) == []


def test_a_source_that_fails_stops_the_workbook(tmp_path):
    def batches():
        yield table([(bytes(16), "1", "a", 1, None, None)])
        raise RuntimeError("the engine stopped")

    with pytest.raises(RuntimeError, match="the engine stopped"):
        formats.writer(Format.XLSX)(batches(), SCHEMA, Folder(tmp_path))
    assert list(tmp_path.iterdir()) == []
