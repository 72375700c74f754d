"""`bagipakai registry index` and `match`: a list goes in, one line per row comes out, and a screen says what to do."""

import json
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
import pytest

from bagipakai import cli
from bagipakai.registry.list_commands import KINDS
from bagipakai.registry.matching import results
from bagipakai.registry.synthesis.lists import a_list, kinds, registry

CONTRACT = ["list_id", "band", "registry_id", "probability", "reason", "list_duplicate_of"]


def parquet(**columns):
    out = pa.BufferOutputStream()
    pq.write_table(pa.table(columns), out)
    return out.getvalue().to_pybytes()


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A registry and a list of it, as files, in a house of their own."""
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    people = registry(6_000, 21)
    given, _ = a_list(people, 400, 22, "typical")
    pq.write_table(people, tmp_path / "registry.parquet")
    pc_csv.write_csv(given, tmp_path / "list.csv")
    return tmp_path


def match(house, *more, out="result.parquet"):
    files = {"--registry": "registry.parquet", "--list": "list.csv", "--out": out}
    named = [word for option, name in files.items() for word in (option, str(house / name))]
    return cli.main(["registry", "match", *named, *map(str, more)])


def test_a_list_is_matched_with_a_bare_registry_file(house, capsys):
    assert match(house) == 0
    told = pq.read_table(house / "result.parquet")
    assert told.column_names[: len(CONTRACT)] == CONTRACT and len(told) == 400
    assert told["list_id"].to_pylist() == [str(at) for at in range(1, 401)]
    assert (house / "result.parquet").stat().st_mode & 0o077 == 0
    out = capsys.readouterr().out
    assert "400 baris dipadankan" in out and "cocok" in out
    assert not any(nik in out for nik in told["list_id"].to_pylist() if len(nik) == 16)


def test_the_second_list_finds_the_index_and_a_changed_registry_gets_a_new_one(house, monkeypatch):
    assert match(house) == 0
    made = (house / "registry.parquet.index" / "index.json").read_bytes()
    assert match(house) == 0
    assert (house / "registry.parquet.index" / "index.json").read_bytes() == made
    pq.write_table(pq.read_table(house / "registry.parquet").slice(0, 5_000), house / "registry.parquet")
    assert match(house) == 0
    assert (house / "registry.parquet.index" / "index.json").read_bytes() != made


def test_an_index_under_a_storage_key_that_is_gone_is_made_anew(house):
    assert match(house) == 0
    (house / "var" / "keys" / "registry" / "storage.key").unlink()
    assert match(house) == 0


def test_the_same_job_twice_gives_the_same_bytes(house):
    assert match(house, out="a.csv") == 0 and match(house, out="b.csv") == 0
    assert (house / "a.csv").read_bytes() == (house / "b.csv").read_bytes()


def test_a_program_is_told_in_numbers(house, capsys):
    assert match(house, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == 400 and sum(told["bands"].values()) == 400


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("list.csv", b"", "set-is-empty"),
        ("list.csv", b"warna,rasa\nmerah,manis\n", "list-has-no-usable-column"),
        ("registry.parquet", b"PAR1 and then nothing", "matching-registry-unreadable"),
        ("registry.parquet", parquet(warna=["merah"]), "matching-registry-has-nobody"),
        ("registry.parquet", parquet(nik=pa.array([], pa.string())), "matching-registry-has-nobody"),
    ],
)
def test_what_cannot_be_read_is_told_and_nothing_is_written(house, capsys, name, content, code):
    (house / name).write_bytes(content)
    assert match(house) == 1
    assert code in capsys.readouterr().err
    assert not (house / "result.parquet").exists() and not list(house.glob(".*part"))


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_result_is_judged_by_its_truth_in_either_form(house, form):
    _, truth = a_list(registry(6_000, 21), 400, 22, "typical")
    results.write(truth, house / f"label.{form}")
    assert match(house, out=f"hasil.{form}") == 0
    files = ["--result", house / f"hasil.{form}", "--truth", house / f"label.{form}", "--out", house / "laporan.html"]
    assert cli.main(["registry", "matching-report", *map(str, files)]) == 0
    assert "400 baris yang jawabannya diketahui" in (house / "laporan.html").read_text("utf-8")


def test_an_index_of_nobody_is_not_made(house, capsys):
    (house / "registry.parquet").write_bytes(parquet(warna=["merah"]))
    assert cli.main(["registry", "index", "--registry", str(house / "registry.parquet")]) == 1
    assert "matching-registry-has-nobody" in capsys.readouterr().err
    assert not (house / "registry.parquet.index").exists()


def test_a_day_before_any_policy_is_told(house, capsys):
    assert match(house, "--day", "2020-01-01") == 1
    assert "2020-01-01" in (err := capsys.readouterr().err) and "matching-has-no-rule" in err


def test_a_form_that_is_not_written_is_told_before_anything_is_read(house, capsys):
    (house / "list.csv").unlink()
    assert match(house, out="hasil.xlsx") == 1
    assert "matching-out-of-another-form" in capsys.readouterr().err and not (house / "hasil.xlsx").exists()


@pytest.mark.parametrize(("name", "said"), [("list.csv", "matching-list"), ("registry.parquet", "matching-registry")])
def test_a_trouble_of_the_disk_is_told_in_indonesian(house, capsys, name, said):
    (house / name).unlink()
    assert match(house) == 1
    told = capsys.readouterr().err
    assert said in told and "map atau berkas tidak ada" in told and "No such" not in told


def test_it_is_told_which_columns_were_read(house, capsys):
    """Of two numbers one is read: which, and that the other is not."""
    people = pq.read_table(house / "registry.parquet").slice(0, 30)
    names = {"No": [str(at) for at in range(1, 31)], "No KTP": people["nik"], "NIK": people["nik"], "Hobi": ["-"] * 30}
    pc_csv.write_csv(pa.table(names), house / "list.csv")
    assert match(house) == 0
    out = capsys.readouterr().out
    assert "“No” sebagai list_id" in out and "“NIK” sebagai nik" in out
    assert "Tidak dipakai: “No KTP” (yang dibaca “NIK”), “Hobi”." in out
    assert match(house, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["columns"] == {"list_id": "No", "nik": "NIK"} and told["unused"] == ["No KTP", "Hobi"]


def test_a_reader_who_went_away_ends_a_command_quietly(house):
    """`| head -1`"""
    words = ["registry", "match", "--registry", "registry.parquet", "--list", "list.csv", "--out", "result.csv"]
    started = subprocess.Popen(
        [sys.executable, "-m", "bagipakai.cli", *words], cwd=house, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    started.stdout.close()
    assert (started.stderr.read(), started.wait()) == (b"", cli.CUT)
    assert (house / "result.csv").exists()


def synthesised(folder, *more, out="daftar.csv", truth="label.csv"):
    words = ["--people", "20000", "--area", "52", "--rows", "20", "--out", str(folder / out)]
    return cli.main(["registry", "synthesise-list", *words, "--truth", str(folder / truth), *more])


def test_the_truth_of_a_list_is_the_same_in_either_form(tmp_path, capsys):
    assert synthesised(tmp_path) == 0
    assert synthesised(tmp_path, truth="label.parquet") == 0
    as_csv, as_parquet = (results.read(tmp_path / f"label.{form}") for form in ("csv", "parquet"))
    assert as_csv.to_pylist() == as_parquet.to_pylist() and len(as_csv) == 20


def test_a_list_is_made_with_its_truth_or_not_at_all(tmp_path, capsys):
    assert synthesised(tmp_path, out="absent/daftar.csv") == 1
    assert synthesised(tmp_path, truth="absent/label.csv") == 1
    assert synthesised(tmp_path, truth="label.xlsx") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--rows", "20000"), "list-rows-are-too-many", "1 sampai "),
        (("--rows", "0"), "list-rows-are-too-many", "1 sampai "),
        (("--kind", "x"), "list-kind-unknown", KINDS),
        (("--area", "99"), "list-area-has-nobody", "2 angka"),
        (("--people", "1"), "list-not-to-make", "--people"),
    ],
)
def test_a_list_that_cannot_be_made_is_told_why(tmp_path, capsys, more, code, said):
    assert synthesised(tmp_path, *more) == 1
    told = capsys.readouterr().err
    assert code in told and said in told


def test_the_help_names_every_kind_of_list():
    assert ", ".join(kinds()) == KINDS


def test_a_result_that_cannot_be_written_is_told_before_the_work(house, capsys):
    assert match(house, out="absent/result.parquet") == 1
    assert "matching-out-unwritable" in capsys.readouterr().err
    assert not (house / "registry.parquet.index").exists()


def test_a_folder_that_is_no_index_is_left_alone(house, capsys):
    (house / "kept").mkdir()
    (house / "kept" / "letter.txt").write_text("penting")
    assert match(house, "--index", house / "kept") == 1
    assert "index-place-taken" in capsys.readouterr().err and (house / "kept" / "letter.txt").read_text() == "penting"


def test_a_damaged_index_is_told_before_a_row_is_answered(house, capsys):
    assert match(house) == 0
    (house / "result.parquet").unlink()
    path = house / "registry.parquet.index" / "persons"
    content = bytearray(path.read_bytes())
    for at in range(0, len(content), 40):
        content[at] ^= 1
    path.write_bytes(content)
    assert match(house) == 1
    assert "release-file-altered" in capsys.readouterr().err and not (house / "result.parquet").exists()


def test_a_registry_may_call_its_people_by_any_number(house):
    """Of a release the numbers from the count of persons on are nobody's; a file has no such numbers."""
    people = pq.read_table(house / "registry.parquet")
    assert min(people["registry_id"].to_pylist()) >= len(people)
    assert match(house) == 0
    assert pq.read_table(house / "result.parquet")["band"].to_pylist().count("match") > 300


def test_a_registry_may_lack_columns_and_call_its_people_by_text(house):
    people = pq.read_table(house / "registry.parquet")
    people = people.select(["nik", "nama", "tanggal_lahir"]).append_column(
        "registry_id", pa.array([f"P-{one}" for one in people["registry_id"].to_pylist()])
    )
    pq.write_table(people, house / "registry.parquet")
    assert match(house) == 0
    found = [one for one in pq.read_table(house / "result.parquet")["registry_id"].to_pylist() if one]
    assert len(found) > 300 and all(one.startswith("P-") for one in found)
