"""What one value is told: the same row with one other value, drawn as a table."""

import re
from dataclasses import replace

import pyarrow as pa
from tests.registry.intake.sent import CONTRACT, DAY, accepted, as_csv, returned, row, taken, wrote

from bagipakai.core.sources import Agreed
from bagipakai.registry.intake import checking, faults
from bagipakai.registry.intake.reading import texts

DRAWN = """
    column        | value               | told
    --------------+---------------------+----------------------------
    nik           | 3.2010145038E+15    | number-was-destroyed
    nik           | 3,2e15              | number-was-destroyed
    nik           |                     | value-is-missing
    nik           | 320101050201000     | digits-differ
    nik           | 3201013502010001    | nik-is-impossible
    nik           | 3201010502010000    | nik-is-impossible
    nik           | 3201010602010001    | nik-differs-from-birth-date
    nik           | ٣٢٠١٠١٠٥٠٢٠١٠٠٠١    | digits-differ
    nama          | Siti␀               | text-has-control-characters
    nama          | �iti                | text-has-control-characters
    nama          | =1+1                |
    tanggal_lahir | 05/02/01            | year-has-two-digits
    tanggal_lahir | 2001-02-30          | date-is-unreadable
    tanggal_lahir | 05-02-2001          | date-is-unreadable
    tanggal_lahir | 2026-11-27          | date-lies-ahead
    tanggal_lahir | 1899-12-31          | date-is-too-old
    tanggal_lahir |                     |
    kode_desa     | 32.01.01.1001       | digits-differ
    kode_desa     | 3201019999          | region-is-unknown
    umur          | 25.0                | integer-is-unreadable
    umur          | 1_0                 | integer-is-unreadable
    umur          | 2.5E+1              | number-was-destroyed
    umur          | 121                 | number-is-out-of-range
    umur          | 025                 |
    bekerja       | mungkin             | answer-is-unreadable
    bekerja       | false               |
"""
CASES = [[cell.strip() for cell in line.split("|")] for line in DRAWN.strip().splitlines()[2:]]


def test_each_value_has_its_own_reason(tmp_path):
    """One file with all of them; the row numbers are those that the sender sees, the header being line 1."""
    sent = [row(number, **{column: value.replace("␀", "\0")}) for number, (column, value, _) in enumerate(CASES, 1)]
    outcome = taken(wrote(tmp_path, as_csv(sent, ";")), replace(CONTRACT, sets=()))
    wanted = [(line, column, told) for line, (column, _, told) in enumerate(CASES, 2) if told]
    assert returned(tmp_path / "out") == wanted
    assert (outcome.received, outcome.returned) == (len(CASES), len(wanted))
    assert [one["_baris"] for one in accepted(tmp_path / "out")] == [
        line for line, (_, _, told) in enumerate(CASES, 2) if not told
    ]


def test_what_is_agreed_of_digits_and_letters_is_said_without_patterns():
    """16 digits, or how many letters and digits; nobody must read a pattern."""
    drawn = (*CONTRACT.columns, Agreed("id_dtks", pattern="[A-Z0-9]{8,20}"), Agreed("seri", pattern="A[0-9]{3}B{1,2}"))
    contract = replace(CONTRACT, columns=drawn)
    said = {}
    for column in (one for one in drawn if one.pattern):
        no = faults.told(faults.of_pattern(column), contract, column.name, DAY)
        said[column.name] = no.sentence()
        assert "[" not in no.sentence() + no.sentence("en")
    assert "kolom nik bukan 16 angka" in said["nik"] and "kolom kode_desa bukan 10 angka" in said["kode_desa"]
    assert "(8–20 huruf dan angka)" in said["id_dtks"] and "(5–6 huruf dan angka)" in said["seri"]


def test_numbers_that_a_spreadsheet_cut_return_the_whole_set(tmp_path):
    """One number that ends in 0 is a number; when all do, the sixteenth digit is gone."""
    sent = [row(number, nik=f"32010105020{number:04d}0") for number in range(1, 31)]
    refusal = taken(wrote(tmp_path, as_csv(sent)))
    assert refusal.code == "set-digits-were-cut"
    assert "kolom nik" in refusal.sentence() and "100 %" in refusal.sentence()
    assert not (tmp_path / "out").exists()


def test_many_rows_keep_their_cells_together(tmp_path):
    """More rows than one thread takes at a time: values come back in any order, and must find their row."""
    numbers = [number for number in range(1, 60_000) if number % 10_000]
    cells = [(f"32010205020{number:05d}", str(number % 121) if number % 50 else "x") for number in numbers]
    taken(wrote(tmp_path, as_csv([row(nik=nik, umur=age) for nik, age in cells])), replace(CONTRACT, rules=(), sets=()))
    found = accepted(tmp_path / "out")
    assert [(one["nik"], str(one["umur"])) for one in found] == [cell for cell in cells if cell[1] != "x"]
    faulty = [line for line, (_, age) in enumerate(cells, 2) if age == "x"]
    assert returned(tmp_path / "out") == [(line, "umur", "integer-is-unreadable") for line in faulty]


def test_a_number_on_two_rows_returns_both(tmp_path):
    """Also when they come in two files, and one of them is faulty besides."""
    one = wrote(tmp_path, as_csv([row(1), row(2), row(3)]), "1.csv")
    two = wrote(tmp_path, as_csv([row(4), row(2, umur="x"), row(3)]), "2.csv")
    outcome = taken([one, two])
    assert (outcome.accepted, outcome.returned) == (2, 4)
    assert returned(tmp_path / "out") == [
        (3, "nik", "number-stands-twice"),
        (4, "nik", "number-stands-twice"),
        (3, "umur", "integer-is-unreadable"),
        (3, "nik", "number-stands-twice"),
        (4, "nik", "number-stands-twice"),
    ]
    assert [row_["nik"][-4:] for row_ in accepted(tmp_path / "out")] == ["0001", "0004"]


def test_a_text_whose_bytes_are_not_suspect_has_no_fault():
    """Free text is judged one by one only where its bytes are suspect: each fault must be among those."""
    controls = [letter for letter in map(chr, range(0x11000)) if re.match(faults.CONTROLS, letter)]
    assert len(controls) == 63
    for text in [*controls, *(f"Siti {letter}" for letter in controls), "x" * 9]:
        assert not checking._is_plain(pa.chunked_array([["Siti", text, None]]), 8), ascii(text)
    for text in ("Siti", "é", "x" * 8, "a\tb", "a\r\nb", None):
        assert checking._is_plain(pa.chunked_array([["Siti", text], pa.array([], pa.string())], pa.string()), 8)
    assert not checking._is_plain(pa.chunked_array([["Siti"], ["Ayu"], ["x" * 9]]), 8)


def test_what_is_remembered_of_values_has_a_limit(tmp_path):
    """A value may be as long as a row: a hostile file must not fill the memory with codes that are none."""
    contract = replace(CONTRACT, rules=(), sets=())
    with checking.Checker(contract, DAY, tmp_path) as checker:
        for number in range(4):
            sent = {**row(number + 1), "bekerja": f"{number}" * checking.KEPT_BYTES, "nama": f"\0{number}" * 10**6}
            piece = pa.table([[sent[name]] for name in contract.names], schema=texts(contract))
            assert checker.judge(piece).faulty.to_pylist() == [True]
            assert max(known.values.nbytes for known in checker._known.values()) <= checking.KEPT_BYTES
