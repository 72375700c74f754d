"""Rows of one's own list that were not found: taken from the list as they stand, or nothing is written at all."""

import json
from datetime import date
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from bagipakai.recipient.refusals import Refusal
from bagipakai.recipient.unmatched import Unmatched, unmatched
from bagipakai.registry import formats

LIST = 'Daftar peragaan\nno;nama;alamat\n1;Orang Satu;"Jalan\nSatu"\n2;Orang Dua;Jalan Dua\n3;Orang Tiga;\n'
ANSWERS = [(3, "1", "cocok", ""), (5, "2", "tidak cocok", "TIDAK_DITEMUKAN"), (6, "3", "perlu telaah", "")]


def opened(folder: Path, answers=ANSWERS, form: str = "csv") -> Path:
    """A result as the recipient's tool opens it."""
    folder.mkdir()
    keys = ("baris", "list_id", "hasil", "alasan")
    if form == "jsonl":
        lines = [json.dumps(dict(zip(keys, one, strict=True))) for one in answers]
    else:
        lines = [",".join(keys), *(",".join(map(str, one)) for one in answers)]
    (folder / f"bagian-0001.{form}").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_rows_that_were_not_found_are_written_as_they_stand_in_the_list(tmp_path, form, encoding):
    roster, out = tmp_path / "daftar.csv", tmp_path / "usulan.csv"
    roster.write_bytes(LIST.replace("Orang Dua", "Órang Dua").encode(encoding))
    outcome = unmatched(opened(tmp_path / "hasil", form=form), roster, out)
    assert outcome == Unmatched(3, 1, out)
    assert out.read_text("utf-8-sig").splitlines() == [
        "no;nama;alamat;hasil_pemadanan;alasan_pemadanan",
        "2;Órang Dua;Jalan Dua;tidak cocok;TIDAK_DITEMUKAN",
    ]
    assert out.stat().st_mode & 0o077 == 0


BOOK = [
    ["Daftar peragaan"],
    [],
    ["No", "NIK", "Nama", "Lahir", "Catatan"],
    [1, "3201014503800001", "Orang Satu", None, None],
    [2, 3201014503800020, '=HYPERLINK("x")', date(1980, 3, 5), None],
    [3, "3201014503800003", " Orang & Tiga ", None, "Ada"],
]


def workbook(path: Path, rows=BOOK) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for cell in [cell for row in book.active for cell in row]:
        if isinstance(cell.value, str) and cell.value.startswith("="):
            cell.data_type = "s"
    book.save(path)
    return path


def opened_book(folder: Path, answers) -> Path:
    """A result as XLSX, as packages have it."""
    keys = ("baris", "list_id", "hasil", "alasan")
    table = pa.table({key: [answer[at] for answer in answers] for at, key in enumerate(keys)})
    folder.mkdir()
    workbook(folder / "bagian-0001.xlsx", [list(keys), *([*row.values()] for row in table.to_pylist())])
    return folder


def test_a_workbook_is_answered_by_a_workbook(tmp_path):
    """In it every cell is text: no NIK becomes 3,2E+15 and nothing is calculated."""
    answers = [(4, "1", "cocok", ""), (5, "2", "tidak cocok", "TIDAK_DITEMUKAN"), (6, "3", "tidak", None)]
    roster, out = workbook(tmp_path / "daftar.xlsx"), tmp_path / "usulan.xlsx"
    outcome = unmatched(opened_book(tmp_path / "hasil", answers), roster, out)
    assert outcome == Unmatched(3, 2, out)
    (sheet,) = openpyxl.load_workbook(out).worksheets
    assert [[cell.value for cell in row] for row in sheet] == [
        ["No", "NIK", "Nama", "Lahir", "Catatan", "hasil_pemadanan", "alasan_pemadanan"],
        ["2", "3201014503800020", '=HYPERLINK("x")', "1980-03-05", None, "tidak cocok", "TIDAK_DITEMUKAN"],
        ["3", "3201014503800003", " Orang & Tiga ", None, "Ada", "tidak", None],
    ]
    assert {cell.data_type for row in sheet for cell in row if cell.value} <= {"s", "inlineStr"}
    assert out.stat().st_mode & 0o077 == 0


def test_a_workbook_can_be_answered_by_a_csv_that_opens_in_columns(tmp_path):
    answers = [(4, "1", "cocok", ""), (5, "2", "tidak cocok", ""), (6, "3", "ya", "")]
    roster, out = workbook(tmp_path / "daftar.xlsx"), tmp_path / "usulan.csv"
    assert unmatched(opened_book(tmp_path / "hasil", answers), roster, out) == Unmatched(3, 1, out)
    head, row = out.read_text("utf-8-sig").splitlines()
    assert head == "No;NIK;Nama;Lahir;Catatan;hasil_pemadanan;alasan_pemadanan"
    assert row == '2;3201014503800020;"=HYPERLINK(""x"")";1980-03-05;;tidak cocok;'


def test_a_delivered_workbook_is_read(tmp_path):
    """The very file that the registry writes."""
    table = pa.table({"baris": [3, 5, 6], "list_id": ["1", "2", "3"], "hasil": ["cocok", "tidak cocok", "cocok"]})
    roster, out = tmp_path / "daftar.csv", tmp_path / "usulan.csv"
    roster.write_text(LIST, "utf-8")
    (tmp_path / "hasil").mkdir()
    formats._sheet(tmp_path / "hasil" / "bagian-0001.xlsx", iter(table.to_pylist()), table.schema)
    assert unmatched(tmp_path / "hasil", roster, out) == Unmatched(3, 1, out)


@pytest.mark.parametrize("content", [b"PK", b"", b"no;nama\n1;Orang Satu\n"])
def test_a_workbook_that_is_none_is_told(tmp_path, content):
    roster, out = tmp_path / "daftar.xlsx", tmp_path / "usulan.xlsx"
    roster.write_bytes(content)
    outcome = unmatched(opened(tmp_path / "hasil"), roster, out)
    assert isinstance(outcome, Refusal) and outcome.code == "roster-unreadable" and not out.exists()


def test_rows_without_a_number_of_their_own_are_known_by_their_line(tmp_path):
    roster, out = tmp_path / "daftar.csv", tmp_path / "usulan.csv"
    roster.write_text("nik,nama\n,Orang Satu\n,Orang Dua\n", "utf-8")
    answers = [(2, "2", "tidak", ""), (3, "3", "ya", "")]
    assert unmatched(opened(tmp_path / "hasil", answers), roster, out) == Unmatched(2, 1, out)
    assert out.read_text("utf-8-sig").splitlines()[1] == ",Orang Satu,tidak,"


@pytest.mark.parametrize(
    ("text", "answers", "code"),
    [
        ("no;nama\n1;Orang Satu\n", ANSWERS, "roster-of-another"),  # rows are missing
        (LIST.replace("2;Orang Dua", "7;Orang Dua"), ANSWERS, "roster-of-another"),  # another number in its place
        ("", ANSWERS, "roster-of-another"),
        (LIST, [], "roster-of-another"),
        (LIST, [(3, "1", "cocok")], "roster-of-another"),  # a row of its answers is missing, but no row of the list
    ],
)
def test_another_list_is_noticed_and_nothing_is_written(tmp_path, text, answers, code):
    if answers == [(3, "1", "cocok")]:
        answers = [(9, "9", "cocok", "")]
    roster, out = tmp_path / "daftar.csv", tmp_path / "usulan.csv"
    roster.write_text(text, "utf-8")
    outcome = unmatched(opened(tmp_path / "hasil", answers), roster, out)
    assert isinstance(outcome, Refusal) and outcome.code == code
    assert not out.exists()


def test_what_is_no_result_or_no_list_is_told(tmp_path):
    roster, out = tmp_path / "daftar.csv", tmp_path / "usulan.csv"
    roster.write_text(LIST, "utf-8")
    (tmp_path / "kosong").mkdir()
    other, book, table = opened(tmp_path / "lain"), tmp_path / "buku", opened(tmp_path / "hasil")
    (other / "bagian-0001.csv").write_text("desil,jumlah\n1,20\n", "utf-8")
    book.mkdir()
    (book / "bagian-0001.parquet").write_bytes(b"PAR1")
    for folder, list_, code in (
        (tmp_path / "kosong", roster, "result-missing"),
        (other, roster, "result-not-of-matching"),
        (book, roster, "result-not-readable"),
        (table, tmp_path / "daftar.parquet", "roster-not-readable"),
        (table, tmp_path / "tidak-ada.csv", "disk-error"),
    ):
        outcome = unmatched(folder, list_, out)
        assert isinstance(outcome, Refusal) and outcome.code == code and "{" not in outcome.sentence
    out.write_text("sudah ada")
    outcome = unmatched(table, roster, out)
    assert isinstance(outcome, Refusal) and outcome.code == "out-exists"
    assert out.read_text() == "sudah ada"
