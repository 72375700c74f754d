"""Files that break the contract as a whole, and files that only look as if they did."""

import codecs
import io
import json
import os
import re
import zipfile
from threading import Thread

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.registry.intake.sent import (
    CONTRACT,
    DAY,
    HEADER,
    NIK,
    accepted,
    as_csv,
    lines,
    report,
    returned,
    row,
    rows,
    taken,
    wrote,
)

from bagipakai.core import workbooks
from bagipakai.core.refusal import Refusal
from bagipakai.registry.folders import remove
from bagipakai.registry.intake import SentBack, faults, reading, taking

WELL = as_csv(rows(3))
NOISE = bytes(range(256)) * 8


def without(column: str) -> str:
    return as_csv([{name: cell for name, cell in one.items() if name != column} for one in rows(2)]).replace(
        HEADER, ",".join(name for name in CONTRACT.names if name != column)
    )


WHOLE = {  # what is sent → the code, and what its sentence names
    "nothing": (b"", "set-is-empty", "a.csv"),
    "blank lines": (b"\n\r\n  \n", "set-is-empty", "a.csv"),
    "a header alone": (HEADER + "\n", "set-has-too-few-rows", "0 baris"),
    "no header": ("\n".join(",".join(one.values()) for one in rows(2)), "set-has-no-header", "nik"),
    "a missing column": (without("umur"), "set-column-is-missing", "umur"),
    "a column twice": (WELL.replace("umur", "nama", 1), "set-column-stands-twice", "nama"),
    "an unknown column": (
        WELL.replace(HEADER, HEADER + ",agama").replace("25,1\n", "25,1,x\n"),
        "set-column-is-unknown",
        "ke-7",
    ),
    "two encodings": ((WELL + as_csv([row(4, nama="José")])).encode() + b"x\xe9\n", "set-encoding-is-mixed", "baris 7"),
    "a header of one endless word": ("x" * 10_000_000, "set-has-no-header", "nik"),
    "a name of a column that never ends": (
        WELL.replace(HEADER, HEADER + "," + "y" * 200_000),
        "set-has-no-header",
        "nik",
    ),
    "half of a letter after a mark of UTF-8": (
        codecs.BOM_UTF8 + WELL.encode() + b"x\xc3",
        "set-encoding-is-mixed",
        "baris 5",
    ),
    "half of UTF-16": (WELL.encode("utf-16")[:-1], "set-encoding-is-unknown", "a.csv"),
    "a quote left open": (WELL.replace("Siti", '"Siti', 1), "set-quote-stays-open", "baris 2"),
    "a quote left open, and much after it": (
        as_csv(rows(2)).replace("Siti", '"Siti', 1) + "x,y\n" * 400_000,
        "set-quote-stays-open",
        "baris 2",
    ),
    "an old spreadsheet": (codecs.decode("d0cf11e0a1b11ae1", "hex") + NOISE, "set-spreadsheet-is-locked", "a.csv"),
    "something compressed": (b"\x1f\x8b" + NOISE, "set-format-is-unknown", "a.csv"),
    "a broken archive": (b"PK\x03\x04" + NOISE, "set-file-is-damaged", "a.csv"),
    "a broken Parquet": (b"PAR1" + NOISE, "set-file-is-damaged", "a.csv"),
    "an unknown key": (json.dumps({**row(), "agama": "x"}), "set-key-is-unknown", "Baris 1"),
}


@pytest.mark.parametrize("what", WHOLE)
def test_a_set_that_breaks_its_contract_goes_back_whole(tmp_path, what):
    content, code, named = WHOLE[what]
    refusal = taken(wrote(tmp_path, content))
    assert (refusal.code, named in refusal.sentence()) == (code, True), refusal
    assert "Siti" not in refusal.sentence() and NIK.format(1) not in refusal.sentence()
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"], "nothing is half-done"


NO_FILES = {  # what lies there
    "nothing": lambda path: None,
    "a folder": os.mkdir,
    "a pipe": os.mkfifo,
    "a link to itself": lambda path: path.symlink_to(path),
    "a device": lambda path: path.symlink_to("/dev/zero"),
}


@pytest.mark.parametrize("what", NO_FILES)
def test_what_is_no_file_is_told_and_not_waited_for(tmp_path, what):
    """In a thread: it would be waited for without end."""
    NO_FILES[what](tmp_path / "a.csv")
    asked = Thread(target=lambda: told.append(taken(tmp_path / "a.csv")), daemon=True)
    told: list[Refusal] = []
    asked.start()
    asked.join(20)
    assert [one.code for one in told] == ["set-file-is-missing"]


def test_too_many_faulty_rows_return_the_set(tmp_path):
    sent = [row(number, umur="x" if number <= 3 else "1") for number in range(1, 11)]
    file = wrote(tmp_path, as_csv(sent))
    refusal = taken(file, faulty_at_most=299)
    assert refusal.code == "set-has-too-many-faults"
    assert "30,0 %" in refusal.sentence() and "3 baris (kolom umur), misalnya baris 2." in refusal.sentence()
    assert not (tmp_path / "out" / "accepted").exists()
    remove(tmp_path / "out")
    assert taken(file, faulty_at_most=300).returned == 3


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_numbers_that_a_spreadsheet_destroyed_are_told_with_what_to_do(tmp_path, name):
    """The whole set goes back: its sender reads why, has the list of rows, and no value is told but in that list."""
    if name == "a.csv":
        file = wrote(tmp_path, as_csv([row(number, nik="3.2010105020001E+15") for number in range(1, 31)]))
    else:
        file = book(tmp_path, [row(number, nik=int(NIK.format(number))) for number in range(1, 31)])
    no = taken(file, faulty_at_most=50)
    assert isinstance(no, SentBack) and no.code == "set-has-too-many-faults"
    assert "30 baris (kolom nik), misalnya baris 2." in no.sentence()
    assert "menyimpan kolom nik sebagai bilangan" in no.sentence() and "teks" in no.sentence()
    assert "stored column nik as a number" in no.sentence("en")
    assert returned(tmp_path / "out") == [(line, "nik", "number-was-destroyed") for line in range(2, 32)]
    told = report(tmp_path / "out")
    assert told["refusal"] == no.code and told["rows"] == {"received": 30, "accepted": 0, "returned": 30}
    assert told["faults"][0]["first"][0] == [1, 2] and "E+15" not in no.sentence() + json.dumps(told)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.json", "returned"]
    assert not (tmp_path / "out" / "returned").stat().st_mode & 0o077


def test_a_number_that_stands_twice_too_often_is_told_in_words(tmp_path):
    """Also what only a rule about the whole set found, and in which file."""
    files = [wrote(tmp_path, as_csv(rows(count)), name) for count, name in ((1, "a.csv"), (1, "b.csv"))]
    no = taken(files, faulty_at_most=50)
    assert "100,0 %" in no.sentence() and "2 baris (kolom nik), misalnya baris 2 (berkas ke-1)." in no.sentence()
    assert faults.told("number-stands-twice", CONTRACT, "nik", DAY).sentence() in no.sentence()
    assert returned(tmp_path / "out") == [(2, "nik", "number-stands-twice")] * 2


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_spelling_of_a_csv_is_the_same_set(tmp_path, encoding, delimiter):
    names = ["José", "Muñoz", "Zoë"] + (["\x81".join("ab")] if encoding == "latin-1" else [])
    sent = [row(number, nama=name) for number, name in enumerate(names, 1)]
    outcome = taken(wrote(tmp_path, as_csv(sent, delimiter, "\r\n").encode(encoding)))
    assert [one["nama"] for one in accepted(tmp_path / "out")] == names[:3]
    assert outcome.returned == len(names) - 3, "a control character of Latin-1 is still one"


def test_a_set_may_begin_with_many_empty_lines(tmp_path):
    assert taken(wrote(tmp_path, "\n" * 5000 + WELL)).accepted == 3


def test_lines_of_old_macintoshes_and_a_hint_for_spreadsheets(tmp_path):
    sent = "sep=;\n" + as_csv(rows(3), ";")
    assert taken(wrote(tmp_path, sent.replace("\n", "\r"))).accepted == 3
    assert [one["_baris"] for one in accepted(tmp_path / "out")] == [3, 4, 5]


def test_the_row_number_is_the_line_on_which_the_row_begins(tmp_path):
    """Empty lines and line breaks inside quotes count, as they do in the sender's editor."""
    sent = as_csv([row(1, nama='"Siti\nAminah"'), row(2), row(3, umur="x")])
    taken(wrote(tmp_path, sent.replace("\n" + NIK.format(2), "\n\n\n" + NIK.format(2))))
    assert [one["_baris"] for one in accepted(tmp_path / "out")] == [2, 6]
    assert returned(tmp_path / "out") == [(7, "umur", "integer-is-unreadable")]


def test_rows_that_have_no_columns_go_back_as_they_were_sent(tmp_path):
    good, long = as_csv(rows(9)).splitlines()[1:], "9" * 10_000_000
    sent = [HEADER, good[0], good[1] + ",9", good[2][:-2], good[3].replace("Siti", '"Si"ti'), long, good[4], f"x{long}"]
    outcome = taken(wrote(tmp_path, "\n".join(sent)))
    assert returned(tmp_path / "out") == [
        (3, "", "row-is-ragged"),
        (4, "", "row-is-ragged"),
        (5, "", "quote-is-stray"),
        (6, "", "row-is-too-long"),
        (8, "", "row-is-too-long"),
    ]
    assert [line["baris_asli"] for line in lines(tmp_path / "out")[:3]] == sent[2:5]
    assert all(len(line["baris_asli"]) < 3_000 for line in lines(tmp_path / "out"))
    assert (outcome.received, outcome.accepted) == (7, 2)


def test_what_goes_back_cannot_run_in_a_spreadsheet(tmp_path):
    sent = as_csv([row(1, nik="=1+1")]).replace("3201011001", "3201011001")
    taken(wrote(tmp_path, sent))
    assert lines(tmp_path / "out")[0]["baris_asli"].startswith("'=1+1,Siti")


def test_a_report_counts_and_never_names(tmp_path):
    sent = [row(1), row(2, umur="x"), row(3, nama="")]
    taken(wrote(tmp_path, as_csv(sent), "kiriman 3201010502010001.csv"))
    told = (tmp_path / "out" / "report.json").read_text()
    assert "Siti" not in told and "320101" not in told
    assert report(tmp_path / "out")["faults"] == [
        {"code": "integer-is-unreadable", "column": "umur", "count": 1, "first": [[1, 3]]},
        {"code": "value-is-missing", "column": "nama", "count": 1, "first": [[1, 4]]},
    ]


# JSON Lines and Parquet


def test_json_lines_may_leave_out_what_is_unknown(tmp_path):
    sent = [
        json.dumps({"nik": NIK.format(1), "nama": "Siti", "umur": 25, "bekerja": True}),
        "",
        json.dumps({"nik": int(NIK.format(2)), "nama": "Siti", "umur": 2.5e1}),
        "[1]",
        "{",
        '{"nik": "1", "nik": "2"}',
        '{"nama": "\\ud800"}',
        json.dumps({"nama": {"a": 1}}),
    ]
    taken(wrote(tmp_path, "\n".join(sent)))
    assert [(one["umur"], one["bekerja"], one["_baris"]) for one in accepted(tmp_path / "out")] == [(25, True, 1)]
    assert returned(tmp_path / "out") == [
        (3, "umur", "integer-is-unreadable"),
        *[(line, "", "row-is-not-an-object") for line in (4, 5, 6, 7, 8)],
    ]


def parquet(folder, **columns):
    sent = {name: pa.array([one[name] for one in rows(3)]) for name in CONTRACT.names}
    pq.write_table(pa.table({**sent, **columns}), folder / "a.parquet")
    return folder / "a.parquet"


def test_parquet_may_bring_types_of_its_own(tmp_path):
    file = parquet(tmp_path, umur=pa.array([1, 2, 300], pa.int16()), bekerja=pa.array([True, None, False]))
    taken(file)
    assert [(one["umur"], one["bekerja"]) for one in accepted(tmp_path / "out")] == [(1, True), (2, None)]
    assert returned(tmp_path / "out") == [(3, "umur", "number-is-out-of-range")]


def test_a_number_with_a_fraction_is_no_nik(tmp_path):
    refusal = taken(parquet(tmp_path, nik=pa.array([3.2e15, 1.0, None])))
    assert (refusal.code, "nik" in refusal.sentence()) == ("set-column-has-another-type", True)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_parquet_is_damaged(tmp_path, share):
    file = parquet(tmp_path)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    assert taken(file).code == "set-file-is-damaged"


# Spreadsheets


def book(folder, found, name="a.xlsx"):
    made = openpyxl.Workbook()
    sheet = made.active
    sheet.append(list(CONTRACT.names))
    for one in found:
        sheet.append(list(one.values()))
    made.save(folder / name)
    return folder / name


def test_a_spreadsheet_keeps_texts_dates_and_what_it_destroyed(tmp_path):
    import datetime

    sent = [
        row(1, tanggal_lahir=datetime.date(2001, 2, 5), umur=25, bekerja=True),
        row(2, nik=int(NIK.format(2))),
        row(3, nik=3.2010145038e15),
        row(4, umur=2.5),
        row(5, nama=None),
    ]
    taken(book(tmp_path, sent))
    assert [one["tanggal_lahir"].isoformat() for one in accepted(tmp_path / "out")] == ["2001-02-05"]
    assert returned(tmp_path / "out") == [
        (3, "nik", "number-was-destroyed"),
        (4, "nik", "number-was-destroyed"),
        (5, "umur", "integer-is-unreadable"),
        (6, "nama", "value-is-missing"),
    ]


def rewritten(file, change):
    """The archive with `change(name, content)` in place of each content; None leaves it out. A part of shared texts is
    there to be changed, too."""
    with zipfile.ZipFile(file) as old:
        found = {"xl/sharedStrings.xml": b"<sst/>"} | {name: old.read(name) for name in old.namelist()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in found.items():
            if (changed := change(name, content)) is not None:
                new.writestr(name, changed)
    file.write_bytes(out.getvalue())
    return file


SHEET = "xl/worksheets/sheet1.xml"
BOMB = b"<a>" + b" " * 300_000_000
ARCHIVES = {
    "a bomb in the sheet": (lambda name, old: BOMB if name == SHEET else old, "set-spreadsheet-is-unsafe"),
    "a bomb in the texts": (lambda name, old: BOMB if "shared" in name else old, "set-spreadsheet-is-unsafe"),
    "entities": (
        lambda name, old: (
            b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>' + old.split(b"?>")[-1] if name == SHEET else old
        ),
        "set-spreadsheet-is-unsafe",
    ),
    "no sheet": (lambda name, old: None if name == SHEET else old, "set-file-is-damaged"),
    "no workbook": (lambda name, old: None if name == "xl/workbook.xml" else old, "set-file-is-damaged"),
    "half a sheet": (lambda name, old: old[:-40] if name == SHEET else old, "set-file-is-damaged"),
}


@pytest.mark.parametrize("what", ARCHIVES)
def test_an_archive_is_weighed_before_it_is_opened(tmp_path, what):
    change, code = ARCHIVES[what]
    assert taken(rewritten(book(tmp_path, rows(3)), change)).code == code


def test_texts_that_cells_share_are_read(tmp_path):
    """Most programmes keep each text once, and the cell holds its number; some colour a part of it."""
    texts = "<si><r><t>Si</t></r><r><t>ti</t></r><rPh><t>x</t></rPh></si><si><t>é</t></si>"
    shared = f'<sst xmlns="{workbooks.MAIN}">{texts}</sst>'.encode()

    def change(name, old):
        if name == "xl/sharedStrings.xml":
            return shared
        return re.sub(rb't="inlineStr"><is><t>Siti</t></is>', b't="s"><v>0</v>', old) if name == SHEET else old

    taken(rewritten(book(tmp_path, rows(2)), change))
    assert [one["nama"] for one in accepted(tmp_path / "out")] == ["Siti", "Siti"]


# Few bytes that say much


def shares(rows_, cells, text):
    """Rows whose cells all name one shared text."""

    def change(name, old):
        if name == "xl/sharedStrings.xml":
            return f'<sst xmlns="{workbooks.MAIN}"><si><t>{text}</t></si></sst>'.encode()
        if name != SHEET:
            return old
        head = re.match(rb'.*<row r="1".*?</row>', old, re.DOTALL)[0]
        one = b"<row>" + b'<c t="s"><v>0</v></c>' * cells + b"</row>"
        return head + one * rows_ + b"</sheetData></worksheet>"

    return lambda folder: rewritten(book(folder, rows(1)), change)


def says_again(times, text, packed=False, **how):
    """A Parquet file whose column `nama` holds one text, and names it in every row."""

    def file(folder):
        sent = {name: pa.array(["1"] * times) for name in CONTRACT.names}
        sent["nama"] = pa.DictionaryArray.from_arrays(pa.array([0] * times, pa.int32()), pa.array([text], **how))
        if packed:
            sent["nama"] = sent["nama"].dictionary_decode()
        pq.write_table(pa.table(sent), folder / "a.parquet", use_dictionary=not packed, compression="zstd")
        return folder / "a.parquet"

    return file


LONG = "A" * 900_000
OBJECT = json.dumps({"nik": "1", "nama": LONG}) + "\n"
AMPLE = {  # what is sent → rows that can be read, rows that are too long or ragged
    "cells of one text": (shares(40, 1, LONG), 40, 0),
    "a row of one text": (shares(1, 64, LONG), 0, 1),
    "rows of a text that is too long": (shares(40, 2, LONG), 0, 40),
    "a dictionary of one text": (says_again(40, LONG), 40, 0),
    "a dictionary of one large text": (says_again(40, LONG, type=pa.large_string()), 40, 0),
    "a dictionary of a text that is too long": (says_again(40, LONG * 2), 0, 40),
    "one text in every page": (says_again(40, LONG, packed=True), 40, 0),
    "long lines": (lambda folder: wrote(folder, OBJECT * 40, "a.jsonl"), 40, 0),
}


@pytest.mark.parametrize("what", AMPLE)
def test_few_bytes_cannot_ask_for_much_memory(tmp_path, what):
    send, well, torn = AMPLE[what]
    file = reading.weighed(send(tmp_path))
    found = [
        (piece.table.num_rows, piece.table.nbytes, piece.torn) for piece in taking._reader(file.form)(file, CONTRACT)
    ]
    assert sum(count for count, _, _ in found) == well and sum(len(one) for *_, one in found) == torn
    assert max(size for _, size, _ in found) < 18 * 1024**2
    assert all(len(one.text) <= 2_002 for *_, torn in found for one in torn)


def test_a_truncated_spreadsheet_is_damaged(tmp_path):
    file = book(tmp_path, rows(3))
    file.write_bytes(file.read_bytes()[:-100])
    assert taken(file).code == "set-file-is-damaged"


def test_two_sheets_with_data_go_back(tmp_path):
    file = book(tmp_path, rows(3))
    made = openpyxl.load_workbook(file)
    made.create_sheet("kosong")
    made.save(file)
    assert taken(file).accepted == 3
    made.create_sheet("lain").append(["x"])
    made.save(file)
    remove(tmp_path / "out")
    assert taken(file).code == "set-has-more-sheets"
