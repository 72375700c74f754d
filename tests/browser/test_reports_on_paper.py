"""Risk reports as a printer gets them: what is signed is one sheet, and nothing is told apart from its heading."""

import subprocess

import pytest
from tests.registry.disclosure.test_disclosing_sums import FAMILIES, disclose, nation, var  # noqa: F401

from bagipakai.core.charts import Caption, Strip, grid
from bagipakai.registry.disclosure.paper import ANNEX, charted, listed, paper, question, signing
from bagipakai.registry.matching.report import tabulated

CAPTION = "Letak angka yang ditutup: Kode provinsi × Kode kabupaten/kota"


@pytest.fixture
def printed(page, tmp_path):
    """The text of each sheet."""

    def sheets(*body: str) -> list[str]:
        whole = body[0] if body[0].startswith("<!doctype") else paper("Laporan", body)
        page.set_content(whole)
        page.pdf(path=tmp_path / "paper.pdf", prefer_css_page_size=True)
        told = subprocess.run(["pdftotext", "-layout", tmp_path / "paper.pdf", "-"], capture_output=True, check=True)
        return told.stdout.decode().split("\f")[:-1]

    return sheets


def lines(sheet: str) -> list[str]:
    return [line.strip() for line in sheet.splitlines() if line.strip()]


def a_table(rows: int) -> str:
    return tabulated(CAPTION, ("Kode kabupaten/kota", "Angka"), [(f"baris {at}", "1") for at in range(rows)])


def test_a_table_is_not_parted_from_its_headings(printed):
    """Wherever on a sheet it begins: its caption, its headings and its first row are together, under its heading."""
    tops = range(880, 1040, 8)
    body = [
        f'<div style="break-before: page; height: {top}px">atas {top}</div><h2>Judul</h2>{a_table(30)}' for top in tops
    ]
    sheets = [lines(one) for one in printed(*body)[1:]]
    assert len(sheets) == 2 * len(tops)
    assert {one[-1].split()[0] for one in sheets} == {"baris", "atas"}, "both where some rows fit and where none do"
    for above, below in zip(sheets[::2], sheets[1::2], strict=True):
        begins = below if len(above) == 1 else above[1:]
        assert begins[0] == "Judul" and any(line.startswith("baris 0") for line in begins)
        assert any(line.startswith("Kode kabupaten/kota") and line.endswith("Angka") for line in below), "again"


def test_a_chart_that_is_taller_than_a_sheet_is_drawn_smaller(printed):
    """All of its rows are on one sheet, with its title."""
    for many in (3, 20, 30, 48):
        rows = [Strip(f"Kabupaten yang bernama panjang {at:02}", "2 dari 11", (0.5,) * 11) for at in range(many)]
        caption = Caption("tertutup", "Letak angka", "Satu baris untuk tiap nilai.", ("a",), ())
        chart = grid(caption, "ditutup", [str(at) for at in range(11)], rows, in_order=True)
        told = [one for one in printed("<p>awal</p>", ANNEX, charted(chart)) if "Letak angka" in one]
        assert len(told) == 1 and told[0].count("2 dari 11") == many, many


def test_what_is_signed_is_not_parted_and_the_annex_begins_the_next_sheet(printed):
    """However much is told above: where it does not fit, it is signed whole on the next sheet, and none is empty."""
    about = listed(*((f"Nama {at}", "isi") for at in range(12)))
    asked = "".join(question("Dapatkah?", "0", "angka menghitung kurang dari 10 orang.") for _ in range(3))
    for many in range(8, 40):
        words = ["<p>kalimat</p>"] * many
        sheets = printed(about, f'<div class="questions">{asked}</div>', *words, signing(), ANNEX, a_table(3))
        signed = [one for one in sheets if "Tanda tangan" in one]
        assert len(signed) == 1 and "Pengesahan" in signed[0] and "membaca lembar ini" in signed[0]
        assert [one.strip() == "" for one in sheets].count(True) == 0
        assert lines(sheets[-1])[0] == "Lampiran" and len(sheets) == 2 + ("Nama 1" not in signed[0])


def test_the_fullest_first_sheet_has_room_left(nation, var, tmp_path, printed):  # noqa: F811
    """That of a table of sums: a few millimetres, for a printer's own margins or other letters."""
    assert disclose(nation, tmp_path, FAMILIES) == 0
    whole = (tmp_path / "out" / "laporan.html").read_text("utf-8")
    before, after = whole.split("<section><h2>Pengesahan")
    first, second, *_ = printed(f'{before}<div style="height: 4mm"></div><section><h2>Pengesahan{after}')
    assert "Tanda tangan" in first and lines(second)[0] == "Lampiran"
