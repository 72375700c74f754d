"""The report on a matching: what has to be explained is seen at once, and it stands alone."""

import re
from datetime import date
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bagipakai.cli import main
from bagipakai.core.charts import NARROWEST, breadth
from bagipakai.registry.matching import report
from bagipakai.registry.matching.evaluation import AT_LEAST, GROUPS, Score, evaluated
from bagipakai.registry.matching.report import figures_of, page

DAY = date(2026, 7, 1)
MANY = 2 * AT_LEAST
PROVINCES = {"32": "Jawa <Barat>", "33": "Daerah Istimewa yang Namanya Sangat Panjang"}


@pytest.fixture(scope="module")
def tables():
    """Men with names of several words are found; of women with names of one word every tenth is not; of three persons
    of Bali nobody is."""
    people = [
        {"registry_id": at, "jenis_kelamin": "LP"[at % 2], "nama": "BUDI SANTOSO" if at % 2 == 0 else "SITI",
         "tanggal_lahir": date(1990, 1, 1 + at % 28), "kode_prov": "51" if at < 3 else "32" if at % 2 else "33",
         "nama_ibu": f"IBU {at}", "no_kk": str(at)}
        for at in range(MANY)
    ]  # fmt: skip
    missed = {at for at in range(MANY) if at < 3 or at % 20 == 1}
    rows = [
        {"list_id": f"NIK-{at}", "band": "review" if at in missed else "match", "registry_id": at,
         "probability": 0.65 if at in missed else 0.999}
        for at in range(MANY)
    ]  # fmt: skip
    truth = [{"list_id": f"NIK-{at}", "registry_id": at} for at in range(MANY)]
    return tuple(map(pa.Table.from_pylist, (rows, truth, people)))


@pytest.fixture(scope="module")
def evaluation(tables):
    return evaluated(*tables, day=DAY)


def figures(evaluation):
    return [figure for _, some in figures_of(evaluation, PROVINCES) for figure in some]


def test_there_is_a_chart_of_calibration_and_two_of_every_group(evaluation):
    names = [figure.caption.name for figure in figures(evaluation)]
    assert names[:2] == ["kalibrasi", "jawaban-province"]
    assert len(names) == len(set(names)) == 1 + 2 * len(GROUPS)


def test_the_group_that_is_found_less_is_a_finding(evaluation):
    (sex,) = [figure.caption for figure in figures(evaluation) if figure.caption.name == "adil-sex"]
    judged = {row[0]: row[3] for row in sex.rows}
    assert judged["Perempuan"] == "temuan"
    text = page(evaluation, DAY, PROVINCES)
    assert re.search(
        r"<li>Jenis kelamin, perempuan: 90,00\u00a0% dari 200 orang; temuan: 4,5 poin di bawah semua</li>", text
    )


def test_few_persons_are_not_judged(evaluation):
    """Three persons of whom nobody was found are too few to say anything."""
    (province,) = [figure.caption for figure in figures(evaluation) if figure.caption.name == "adil-province"]
    assert ("Provinsi lain", "3", "0,00\u00a0%", "–") in province.rows


def test_apart_by_chance_is_said_to_be_so():
    group = Score(rows=200, present=200, given=192, right=192, review=0, review_right=0)
    assert report._judged(group, 0.97) == "temuan, bisa kebetulan"
    assert report._judged(group, 0.995) == "temuan"


def test_without_a_registry_there_is_calibration_alone(tables):
    assert [one.caption.name for one in figures(evaluated(*tables[:2]))] == ["kalibrasi"]


def test_the_table_beside_a_chart_has_a_row_for_each_of_its_bars(evaluation):
    for figure in figures(evaluation):
        bold = [part.children[0] for part in figure.parts if "font-weight" in part.attributes]
        assert all(len(row) == len(figure.caption.headings) for row in figure.caption.rows)
        assert " ".join(bold) == " ".join(row[0] for row in figure.caption.rows)


def test_every_line_fits_a_telephone(evaluation):
    for figure in figures(evaluation):
        for part in figure.parts:
            if part.name == "text":
                assert breadth(part.children[0], part.attributes["font-size"]) <= NARROWEST


def test_the_page_stands_alone_and_escapes_what_it_is_told(evaluation):
    text = page(evaluation, DAY, PROVINCES)
    assert "Jawa &lt;Barat&gt;" in text
    assert not re.search(r"<script|<link|<img|\ssrc=|\shref=|@import", text)
    assert "Content-Security-Policy" in text
    assert len(text.encode()) < 200_000


def test_a_table_that_scrolls_is_reached_by_keyboard_and_has_a_name_of_its_own(evaluation):
    text = page(evaluation, DAY, PROVINCES)
    named = re.findall(r'<div class="wide" role="region" aria-label="([^"]+)" tabindex="0"><table>', text)
    assert len(named) == len(set(named)) == text.count("<table>")
    assert '<th scope="row"></th>' not in text


def test_the_page_names_nobody(evaluation):
    assert not re.search(r"NIK-|BUDI|SITI|IBU", page(evaluation, DAY, PROVINCES))


def test_the_page_is_whole(evaluation):
    """Every tag that is opened is closed, in order; no id comes twice."""

    class Reader(HTMLParser):
        def __init__(self):
            super().__init__()
            self.open, self.ids = [], []

        def handle_starttag(self, tag, attributes):
            self.ids += [value for name, value in attributes if name == "id"]
            if tag != "meta":
                self.open.append(tag)

        def handle_startendtag(self, tag, attributes):
            pass

        def handle_endtag(self, tag):
            assert self.open.pop() == tag

    reader = Reader()
    reader.feed(page(evaluation, DAY, PROVINCES))
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids)) > 0


# The command


@pytest.fixture
def files(tables, tmp_path):
    for name, table in zip(("result", "truth", "registry"), tables, strict=True):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    return tmp_path


def reported(folder, **other):
    files = {name: folder / f"{name}.parquet" for name in ("result", "truth", "registry")} | other
    words = [word for name, file in files.items() if file for word in (f"--{name}", str(file))]
    return main(["registry", "matching-report", *words, "--out", str(folder / "laporan.html"), "--day", "2026-07-01"])


def test_a_report_is_written_for_its_owner_alone(files, evaluation, capsys):
    assert reported(files) == 0
    out = files / "laporan.html"
    assert out.stat().st_mode & 0o777 == 0o600
    text = out.read_text("utf-8")
    assert "Jawa Barat" in text
    assert "Bali" in text
    assert capsys.readouterr().out == f"Laporan: {out}\n"


def test_a_registry_with_fewer_columns_tells_of_fewer_groups(files):
    bare = pq.read_table(files / "registry.parquet", columns=["registry_id", "jenis_kelamin"])
    pq.write_table(bare, files / "registry.parquet")
    assert reported(files) == 0
    text = (files / "laporan.html").read_text("utf-8")
    assert "Terjaring menurut jenis kelamin" in text
    assert "Terjaring menurut umur" not in text


def test_what_clerks_say_can_be_a_csv(files):
    (files / "label.csv").write_text("list_id,registry_id\nNIK-4,4\nNIK-6,\n")
    assert reported(files, truth=files / "label.csv", registry=None) == 0
    assert "2 baris yang jawabannya diketahui, 1 di antaranya" in (files / "laporan.html").read_text("utf-8")


def test_what_clerks_say_may_have_semicolons(files):
    (files / "label.csv").write_text("\ufefflist_id;registry_id\r\nNIK-4;4\r\nNIK-6;\r\n", "utf-8")
    assert reported(files, truth=files / "label.csv", registry=None) == 0
    assert "2 baris yang jawabannya diketahui, 1 di antaranya" in (files / "laporan.html").read_text("utf-8")


def test_a_file_that_is_not_there_is_told_in_indonesian(files, capsys):
    (files / "truth.parquet").unlink()
    assert reported(files) == 1
    told = capsys.readouterr().err
    assert "map atau berkas tidak ada" in told and "rrno" not in told and "ailed" not in told


def test_a_row_answered_twice_is_refused(files, capsys):
    twice = pq.read_table(files / "result.parquet")
    pq.write_table(pa.concat_tables([twice, twice.slice(0, 1)]), files / "result.parquet")
    assert reported(files) == 1
    assert "[matching-row-answered-twice]" in capsys.readouterr().err
    assert not (files / "laporan.html").exists()


@pytest.mark.parametrize("which", ["result", "truth", "registry"])
def test_a_file_that_cannot_be_read_is_named(files, which, capsys):
    (files / f"{which}.parquet").write_bytes(b"bukan Parquet")
    assert reported(files) == 1
    assert f"{which}.parquet" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("which", "table", "why"),
    [
        ("result", {"list_id": ["NIK-1"]}, "matching-result-malformed"),
        ("truth", {"list_id": ["NIK-1"]}, "tanpa kolom registry_id"),
        ("truth", {"list_id": ["NIK-1"], "registry_id": ["SITI AMINAH"]}, "tidak sejenis"),
        ("registry", {"nama": ["SITI AMINAH"]}, "tanpa kolom registry_id"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_not_quoted(files, which, table, why, capsys):
    pq.write_table(pa.table(table), files / f"{which}.parquet")
    assert reported(files) == 1
    said = capsys.readouterr().err
    assert why in said
    assert "SITI" not in said
