"""Rows of one's own list that were not found: taken from the list as they stand, or nothing is written at all."""

import json
from pathlib import Path

import pytest

from bagipakai.recipient.refusals import Refusal
from bagipakai.recipient.unmatched import Unmatched, unmatched

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
    (book / "bagian-0001.xlsx").write_bytes(b"PK")
    for folder, list_, code in (
        (tmp_path / "kosong", roster, "result-missing"),
        (other, roster, "result-not-of-matching"),
        (book, roster, "result-not-csv"),
        (table, tmp_path / "daftar.xlsx", "roster-not-csv"),
        (table, tmp_path / "tidak-ada.csv", "disk-error"),
    ):
        outcome = unmatched(folder, list_, out)
        assert isinstance(outcome, Refusal) and outcome.code == code and "{" not in outcome.sentence
    out.write_text("sudah ada")
    outcome = unmatched(table, roster, out)
    assert isinstance(outcome, Refusal) and outcome.code == "out-exists"
    assert out.read_text() == "sudah ada"
