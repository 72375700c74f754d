"""`bagipakai registry index` and `match`: a list goes in, one line per row comes out, and a screen says what to do."""

import json

import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
import pytest

from bagipakai import cli
from bagipakai.registry.synthesis.lists import a_list, registry

CONTRACT = ["list_id", "band", "registry_id", "probability", "reason", "list_duplicate_of"]


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
    ],
)
def test_what_cannot_be_read_is_told_and_nothing_is_written(house, capsys, name, content, code):
    (house / name).write_bytes(content)
    assert match(house) == 1
    assert code in capsys.readouterr().err
    assert not (house / "result.parquet").exists() and not list(house.glob(".*part"))


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


def test_a_registry_may_lack_columns_and_call_its_people_by_text(house):
    people = pq.read_table(house / "registry.parquet")
    people = people.select(["nik", "nama", "tanggal_lahir"]).append_column(
        "registry_id", pa.array([f"P-{one}" for one in people["registry_id"].to_pylist()])
    )
    pq.write_table(people, house / "registry.parquet")
    assert match(house) == 0
    found = [one for one in pq.read_table(house / "result.parquet")["registry_id"].to_pylist() if one]
    assert len(found) > 300 and all(one.startswith("P-") for one in found)
