"""A list is accepted whole or refused whole, and what is wrong in it is told by row and column, never by value."""

import io
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bagipakai.core.policy import policy_file
from bagipakai.core.refusal import Refusal
from bagipakai.registry.matching import lists
from bagipakai.registry.matching.headings import CALLED, Headings, is_header, meaning
from bagipakai.registry.matching.lists import ListFile, headings, read
from bagipakai.registry.matching.numbers import numbers
from bagipakai.registry.matching.policy import Limits

DAY = date(2026, 7, 1)
NIK = "3201014503800001"
HEADER = "No;No. KTP;Nama Lengkap;L/P;Tgl Lahir (dd/mm/yyyy);Nama Ibu Kandung;Kode Desa"
ROW = f"1;{NIK};SITI AMINAH;P;05/03/1980;ANI;32.01.01.2001"


def wrote(folder: Path, content: str | bytes, name: str = "daftar.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def accepted(path: Path, columns: dict[str, str] | None = None) -> ListFile:
    found = read(path, columns, day=DAY)
    assert isinstance(found, ListFile), found
    return found


def refused(path: Path, columns: dict[str, str] | None = None) -> Refusal:
    found = read(path, columns, day=DAY)
    assert isinstance(found, Refusal)
    assert found.sentence() and found.sentence("en")
    return found


def findings(found: ListFile) -> dict[tuple[str, str], tuple[int, tuple[int, ...]]]:
    for one in found.findings:
        assert "{" not in one.told().sentence() and str(one.count) in one.told().sentence()
    return {(one.code, one.column): (one.count, one.rows) for one in found.findings}


def an_archive(member: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(member, "<document/>")
    return out.getvalue()


def packed(kind: str) -> bytes:
    out = io.BytesIO()
    if kind == "xlsx":
        book = openpyxl.Workbook()
        for row in (["NIK", "Nama"], [NIK, "SITI"], [7, date(1980, 3, 5)]):
            book.active.append(row)
        book.save(out)
    else:
        pq.write_table(pa.table({"nik": [NIK, "7"], "nama": ["SITI", None]}), out)
    return out.getvalue()


GOOD = [f"{HEADER}\r\n{ROW}\r\n".encode(), packed("xlsx"), packed("parquet")]


# --- What is read -----------------------------------------------------------------------------------------------------


def test_columns_are_recognised_by_their_usual_names(tmp_path):
    found = accepted(wrote(tmp_path, f"{HEADER}\n{ROW}\n"))
    assert found.table.to_pylist() == [
        {
            "list_id": "1",
            "nik": NIK,
            "nama": "SITI AMINAH",
            "jenis_kelamin": "P",
            "tanggal_lahir": "05/03/1980",
            "nama_ibu": "ANI",
            "kode_desa": "32.01.01.2001",
        }
    ]
    assert found.findings == ()
    assert found.headings.unused == ()
    assert "SITI" not in repr(found)


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("NIK", "nik"),
        ("No. KTP", "nik"),
        ("NIK KTP", "nik"),
        ("Nomor Induk Kependudukan (NIK)", "nik"),
        ("No KK", "no_kk"),
        ("Nomor Kartu Keluarga", "no_kk"),
        ("NAMA LENGKAP", "nama"),
        ("Nama Penerima Manfaat", "nama"),
        ("L/P", "jenis_kelamin"),
        ("Jenis Kelamin (L/P)", "jenis_kelamin"),
        ("Tgl. Lahir", "tanggal_lahir"),
        ("TANGGAL LAHIR", "tanggal_lahir"),
        ("Ibu Kandung", "nama_ibu"),
        ("Nama Gadis Ibu Kandung", "nama_ibu"),
        ("Kode Kelurahan", "kode_desa"),
        ("KODE_KAB/KOTA", "kode_kab"),
        ("ID", "list_id"),
        ("Nama Ayah", None),
        ("Nama Desa", None),
        ("No.", "list_id"),
        ("Nomor Urut", "list_id"),
        ("Nomer Urut", "list_id"),
        ("No Rumah", None),
        ("", None),
    ],
)
def test_a_heading_means_one_column_or_none(heading, column):
    told = meaning(heading)
    assert (told and told[0]) == column


def test_no_name_stands_for_two_columns():
    names = [name for called in CALLED.values() for name in called]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_every_usual_encoding_and_delimiter_is_read(tmp_path, encoding, delimiter):
    text = f"nik,nama,alamat\r\n{NIK},DÉSI,JL. MÉLATI\r\n".replace(",", delimiter)
    found = accepted(wrote(tmp_path, text.encode(encoding)))
    assert found.table.to_pylist() == [{"list_id": "2", "nik": NIK, "nama": "DÉSI", "alamat": "JL. MÉLATI"}]


def test_titles_may_stand_above_the_header(tmp_path):
    """Rows are counted as their sender counts them."""
    found = accepted(wrote(tmp_path, f"DAFTAR PENERIMA BANTUAN;;;\nTAHUN 2026;;;\n\n{HEADER}\n{ROW}\n"))
    assert (found.lines.tolist(), found.table["nik"].to_pylist()) == ([5], [NIK])


def test_a_name_of_a_column_may_have_two_lines(tmp_path):
    found = accepted(wrote(tmp_path, f'"DAFTAR\n2026";\n"No.\nKTP";"Nama\r\nLengkap"\r\n{NIK};SITI\r\n'))
    assert (found.lines.tolist(), found.table.to_pylist()) == ([6], [{"list_id": "6", "nik": NIK, "nama": "SITI"}])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_file_is_read_or_refused(data):
    """Bytes of any kind, and a good list with bytes changed."""
    good = data.draw(st.sampled_from(GOOD))
    content = bytearray(good)
    for at, byte in data.draw(st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=8)):
        content[at] = byte
    content = bytes(content) if data.draw(st.booleans()) else data.draw(st.binary(max_size=200))
    with TemporaryDirectory() as folder:
        assert isinstance(read(wrote(Path(folder), content), day=DAY), ListFile | Refusal)


def test_rows_of_nothing_are_left_out(tmp_path):
    assert accepted(wrote(tmp_path, f"{HEADER}\n;;;;;;\n{ROW}\n;;;;;;\n")).lines.tolist() == [3]


def test_a_spreadsheet_is_read_with_its_titles_and_dates(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["DAFTAR PENERIMA"],
        [],
        ["NIK", "Nama", "Tanggal Lahir"],
        [NIK, "SITI", date(1980, 3, 5)],
        [int(NIK) // 10 * 10, "BUDI", 29285],  # a spreadsheet keeps fifteen digits
        [int(NIK) // 10 * 10 + 3, "ANI", "5 Maret 1980"],  # a program keeps them all
    ):
        sheet.append(row)
    path = tmp_path / "daftar.xlsx"
    book.save(path)
    found = accepted(path)
    assert found.lines.tolist() == [4, 5, 6]
    assert found.table["tanggal_lahir"].to_pylist() == ["1980-03-05", "29285", "5 Maret 1980"]
    assert numbers(found.table["nik"]).sound.tolist() == [16, 15, 16]
    assert findings(found) == {
        ("list-number-was-rounded", "nik"): (1, (5,)),
        ("list-date-is-serial", "tanggal_lahir"): (1, (5,)),
    }


def test_a_table_may_hold_numbers_and_dates_of_any_type(tmp_path):
    path = tmp_path / "daftar.parquet"
    table = pa.table(
        {
            "list_id": [7, 8, 9],
            "NIK": pa.array([float(NIK), None, float("nan")]),
            "nama": pa.array(["SITI", "BUDI", None]).dictionary_encode(),
            "tgl_lahir": pa.array([date(1980, 3, 5), None, None]).cast(pa.timestamp("ns")),
            "kode_desa": pa.array([3201012001, None, None]),
            "lain": pa.array([b"x", b"y", b"z"]),
        }
    )
    pq.write_table(table, path)
    assert accepted(path).table.to_pylist() == [
        {"list_id": "7", "nik": NIK, "nama": "SITI", "tanggal_lahir": "1980-03-05", "kode_desa": "3201012001"},
        {"list_id": "8", "nik": None, "nama": "BUDI", "tanggal_lahir": None, "kode_desa": None},
        {"list_id": "9", "nik": None, "nama": None, "tanggal_lahir": None, "kode_desa": None},
    ]


def test_the_sender_may_choose_the_columns(tmp_path):
    path = wrote(tmp_path, f"siapa;nomor;nama desa\nSITI;{NIK};CIAWI\n")
    assert refused(path).code == "list-has-no-usable-column"
    proposal = headings(path)
    assert isinstance(proposal, Headings)
    assert (proposal.header, dict(proposal.places)) == (("siapa", "nomor", "nama desa"), {})
    found = accepted(path, {"nama": "siapa", "nik": "NOMOR"})
    assert found.table.to_pylist() == [{"list_id": "2", "nik": NIK, "nama": "SITI"}]
    assert refused(path, {"nama": "siapa", "nik": "nik"}).code == "list-column-is-missing"
    assert refused(path, {"nama": "siapa", "gaji": "nomor"}).code == "list-has-no-usable-column"


def test_a_header_that_is_a_person_is_not_shown(tmp_path):
    proposal = headings(wrote(tmp_path, f"1;{NIK};32.01.01\n2;{NIK};32.01.01\n"))
    assert isinstance(proposal, Headings)
    assert proposal.header == ("1", "…", "…")
    odd = "3201_0145_0380_0001;32O1_O1AS_O38O_OOO1;32O1O14SO38OOOO1;3 2 0 1 0 1;desil 2026;sosis isi lilo solo 12"
    proposal = headings(wrote(tmp_path, f"nama;{odd}\nSITI;1;2;3;4;5;6\n"))
    assert isinstance(proposal, Headings)
    assert proposal.header == ("nama", "…", "32O1_O1AS_O38O_OOO1", "…", "…", "desil 2026", "sosis isi lilo solo 12")


# --- What is told -----------------------------------------------------------------------------------------------------


def test_damage_is_told_by_row_and_column(tmp_path):
    rows = [
        "nik;no_kk;nama;jk;tgl_lahir;kode_desa",
        f"3,20101E+15;{NIK};SITI;P;31-02-1980;3201012001",
        "3201014503800000;320101;SITI;X;17-08-87;CIAWI",
        f"{NIK};{NIK};SITI;L;01-01-1960;3201012001",
        f"'{NIK};0000000000000000;SITI;L;17-08-2066;3201012001",
        "32O1014503800001;rusak;SITI;L;entah;3201012001",
        "9901014503800001;;SITI;L;29285;3201012001",
    ]
    assert findings(accepted(wrote(tmp_path, "\n".join(rows)))) == {
        ("list-number-is-scientific", "nik"): (1, (2,)),
        ("list-number-was-rounded", "nik"): (1, (3,)),
        ("list-number-has-letters", "nik"): (1, (6,)),
        ("list-number-has-other-length", "no_kk"): (1, (3,)),
        ("list-number-is-placeholder", "no_kk"): (1, (5,)),
        ("list-number-is-unreadable", "no_kk"): (1, (6,)),
        ("list-nik-is-impossible", "nik"): (1, (7,)),
        ("list-nik-stands-twice", "nik"): (2, (5, 6)),
        ("list-nik-is-family-number", "nik"): (1, (4,)),
        ("list-date-is-impossible", "tanggal_lahir"): (1, (2,)),
        ("list-date-has-short-year", "tanggal_lahir"): (1, (3,)),
        ("list-date-is-default", "tanggal_lahir"): (1, (4,)),
        ("list-date-lies-ahead", "tanggal_lahir"): (1, (5,)),
        ("list-date-is-unreadable", "tanggal_lahir"): (1, (6,)),
        ("list-date-is-serial", "tanggal_lahir"): (1, (7,)),
        ("list-sex-is-unreadable", "jenis_kelamin"): (1, (3,)),
        ("list-region-is-unreadable", "kode_desa"): (1, (3,)),
    }


def test_a_column_that_a_spreadsheet_rounded_is_told_with_its_count(tmp_path):
    rows = [f"32010145038{serial:04}0;SITI" for serial in range(1, 313)]
    found = accepted(wrote(tmp_path, "\n".join(["nik;nama", *rows])))
    (rounded,) = found.findings
    assert rounded.told().sentence().startswith("312 isian kolom nik berakhiran 0 karena Excel")
    assert rounded.rows == (2, 3, 4, 5, 6)


def test_numbers_that_a_spreadsheet_keeps_are_told_apart_from_what_it_shows(tmp_path):
    """The same words that the officer sees: a number ends in 0, or is 3,20101E+15."""
    book = openpyxl.Workbook()
    for row in (["NIK", "Nama"], [3201014503800020, "SITI"], ["3,20101E+15", "BUDI"]):
        book.active.append(row)
    book.save(tmp_path / "daftar.xlsx")
    assert findings(accepted(tmp_path / "daftar.xlsx")) == {
        ("list-number-was-rounded", "nik"): (1, (2,)),
        ("list-number-is-scientific", "nik"): (1, (3,)),
    }


@pytest.mark.parametrize(
    ("value", "kept", "code"),
    [
        ('=HYPERLINK(""http://a"")', 'HYPERLINK("http://a")', "list-text-was-formula"),
        ("@SUM(1)", "SUM(1)", "list-text-was-formula"),
        ("+CMD|calc", "CMD|calc", "list-text-was-formula"),
        ("-SITI", "SITI", "list-text-was-formula"),
        ("SI\x00TI", "SI TI", "list-text-has-control-characters"),
        ("SI\u202eTI", "SI TI", "list-text-has-control-characters"),
        ("SI\ufffdTI", "SI TI", "list-text-has-control-characters"),
        ("A" * 500, "A" * 200, "list-text-is-too-long"),
        ("SITI\tAMINAH", "SITI AMINAH", None),
        ("SITI\nAMINAH", "SITI AMINAH", None),
        ("-", "-", None),
        ("SITI-AMINAH", "SITI-AMINAH", None),
    ],
)
def test_what_could_harm_is_made_harmless(tmp_path, value, kept, code):
    found = accepted(wrote(tmp_path, f'nik,nama\n{NIK},"{value}"\n'))
    assert found.table["nama"].to_pylist() == [kept]
    assert [one.code for one in found.findings] == ([code] if code else [])


def test_a_formula_that_keeps_a_number_as_text_is_none(tmp_path):
    found = accepted(wrote(tmp_path, f'nik,nama\n"=""{NIK}""",SITI\n'))
    assert (found.findings, found.table["nik"].to_pylist()) == ((), [f'="{NIK}"'])


def test_identifiers_of_rows_are_kept_and_looked_at(tmp_path):
    found = accepted(wrote(tmp_path, f"id,nik,nama\n-7,{NIK},SITI\n,,BUDI\n-7,,ANI\n"))
    assert found.table["list_id"].to_pylist() == ["-7", None, "-7"]
    assert findings(found) == {
        ("list-id-is-missing", "list_id"): (1, (3,)),
        ("list-id-stands-twice", "list_id"): (1, (4,)),
    }


@pytest.mark.parametrize("heading", ["No", "No.", "NO", "No Urut", "Nomor Urut", "Nomor"])
def test_the_number_at_the_head_of_a_row_names_it(tmp_path, heading):
    text = f"DAFTAR PENERIMA\n\n{heading};NIK;Nama\n1;{NIK};SITI\n2;;BUDI\n"
    found = accepted(wrote(tmp_path, text))
    assert found.table["list_id"].to_pylist() == ["1", "2"]
    assert (found.findings, found.headings.unused) == ((), ())


@pytest.mark.parametrize(
    "header",
    ["No;id;Nama", "id;No;Nama", "Nama;id;No Urut"],  # a real identifier wins
)
def test_a_running_number_is_the_least_of_identifiers(tmp_path, header):
    row = header.replace("No Urut", "7").replace("No", "7").replace("id", "A-1")
    assert accepted(wrote(tmp_path, f"{header}\n{row}\n")).table["list_id"].to_pylist() == ["A-1"]


@pytest.mark.parametrize(
    "header",
    [
        "Nama;Alamat;No",  # of the house
        "No KK;No;Nama",  # of a card, or of nobody knows what
        "No;No;Nama",  # of the family, then of the member
    ],
)
def test_a_number_that_may_be_of_something_else_names_no_row(tmp_path, header):
    found = accepted(wrote(tmp_path, f"{header}\n7;8;9\n"))
    assert found.table["list_id"].to_pylist() == ["2"]
    assert "No" in found.headings.unused


@pytest.mark.parametrize(
    ("numbers", "rows"),
    [
        (("1", "2", "1"), (4,)),  # it starts again in the next village
        (("1", "", ""), (3, 4)),  # families are numbered
        ((NIK, "2", "3"), (2,)),
    ],
)
def test_a_running_number_that_names_no_row_is_left_out_and_told(tmp_path, numbers, rows):
    found = accepted(wrote(tmp_path, "No;Nama\n" + "".join(f"{one};SITI\n" for one in numbers)))
    assert found.table["list_id"].to_pylist() == ["2", "3", "4"]
    assert findings(found) == {("list-running-number-names-no-row", "list_id"): (len(rows), rows)}
    assert "No" in found.headings.unused and NIK not in found.findings[0].told().sentence()


def test_rows_that_are_numbered_beforehand_are_empty(tmp_path):
    found = accepted(wrote(tmp_path, "No;Nama\n1;SITI\n2;BUDI\n3;\n4;\n"))
    assert found.table["list_id"].to_pylist() == ["1", "2"]


def test_a_row_of_sums_keeps_no_number_from_naming_the_others(tmp_path):
    found = accepted(wrote(tmp_path, "No;Nama\n1;SITI\n2;BUDI\n;JUMLAH\n"))
    assert found.table["list_id"].to_pylist() == ["1", "2", None]
    assert findings(found) == {("list-id-is-missing", "list_id"): (1, (4,))}


def test_the_number_of_a_letterhead_is_no_header(tmp_path):
    found = accepted(wrote(tmp_path, "Nomor;470/12\nHal;Daftar\nNama;Umur\nSITI;40\n"))
    assert found.table["nama"].to_pylist() == ["SITI"]


def test_a_row_that_says_no_is_not_shown_as_a_header(tmp_path):
    """A file without a header begins with a person."""
    path = wrote(tmp_path, f"No;SITI;{NIK}\nYes;BUDI;{NIK}\n")
    assert not is_header(lists.headings(path))


def test_every_finding_has_its_sentence():
    sentences = {row["code"] for row in policy_file("refusals")["refusal"]}
    assert {*lists._OF_NUMBERS.values(), *lists._OF_DATES.values()} <= sentences


# --- What is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "set-is-empty"),
        (b"\n \n", "set-is-empty"),
        (b"nik;nama\n", "set-is-empty"),
        (b"nik;nama\n;\n;\n", "set-is-empty"),
        (b"alamat;rt\nJALAN;1\n", "list-has-no-usable-column"),
        (b"nik;nama;NIK\n1;A;2\n", "list-column-stands-twice"),
        (b"nik;nama\n1;A;2\n2;B\n", "list-rows-are-torn"),
        (b'nik;nama\n1;"A\n2;B\n', "set-quote-stays-open"),
        (b"nik;nama\n1;D\xc9SI D\xc3\x89SI\n", "set-encoding-is-mixed"),
        (b"PK\x03\x04 damaged", "set-file-is-damaged"),
        (b"PAR1 damaged", "set-file-is-damaged"),
        (b"%PDF-1.7", "list-format-is-unknown"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "list-format-is-unknown"),
        (an_archive("word/document.xml"), "list-format-is-unknown"),
        (b'{"nik": "1"}\n', "list-format-is-unknown"),
        (b"\xd0\xcf\x11\xe0 old", "set-spreadsheet-is-locked"),
    ],
)
def test_a_file_that_is_no_list_is_refused_whole(tmp_path, content, code):
    assert refused(wrote(tmp_path, content)).code == code


@pytest.mark.parametrize("code", ["list-column-is-missing", "list-column-stands-twice", "list-column-has-another-type"])
def test_a_refusal_of_a_list_speaks_of_the_list(code):
    assert "kiriman" not in Refusal(code, {"file": "daftar.csv"}).sentence()


def test_torn_rows_are_told_by_number(tmp_path):
    no = refused(wrote(tmp_path, f"nik;nama\n{NIK};SITI\n{NIK};SITI;x\n"))
    assert (no.detail["rows"], NIK in no.sentence()) == ("3", False)


def test_more_rows_than_the_policy_allows_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(Limits, "on", classmethod(lambda cls, day: cls(rows=2, letters=200, examples=5)))
    path = wrote(tmp_path, "nama\nA\nB\n")
    assert accepted(path).table.num_rows == 2
    no = refused(wrote(tmp_path, "nama\nA\nB\nC\n"))
    assert (no.code, no.detail["most"]) == ("list-has-too-many-rows", "2")


def test_a_nested_column_cannot_be_chosen(tmp_path):
    path = tmp_path / "daftar.parquet"
    pq.write_table(pa.table({"nik": [NIK], "nama": pa.array([b"SITI"])}), path)
    assert refused(path).code == "list-column-has-another-type"


def test_a_bomb_is_not_opened(tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 50_000_000)
    assert refused(wrote(tmp_path, content.getvalue(), "daftar.xlsx")).code == "set-spreadsheet-is-unsafe"


FUZZ = """
import io, random, sys
from datetime import date
from pathlib import Path
import pyarrow as pa, pyarrow.parquet as pq
from bagipakai.registry.matching.lists import read
whole = io.BytesIO()
pq.write_table(pa.table({"nik": ["3201014503800001"] * 3, "nama": ["SITI", "BUDI", None], "umur": [1, 2, 3]}), whole)
good, dice = whole.getvalue(), random.Random(1)
footer = len(good) - 8 - int.from_bytes(good[-8:-4], "little")
for _ in range(1_000):
    content = bytearray(good)
    for _ in range(dice.randint(1, 4)):
        content[dice.randrange(footer, len(good) - 8)] = dice.randrange(256)
    Path(sys.argv[1]).write_bytes(content)
    read(Path(sys.argv[1]), day=date(2026, 11, 26))
print("read")
"""


def test_a_damaged_footer_ends_no_process(tmp_path):
    """Asking a damaged column of its size did: that is no exception, so it is tried in a process of its own."""
    told = subprocess.run(
        [sys.executable, "-c", FUZZ, str(tmp_path / "list.parquet")], check=False, capture_output=True, text=True
    )
    assert (told.returncode, told.stdout) == (0, "read\n"), told.stderr[-500:]
