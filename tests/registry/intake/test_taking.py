"""A set appears whole or not at all, the same each time, and the command says so on one screen."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date

import pytest
from tests.registry.intake.sent import CONTRACT, DAY, as_csv, report, row, rows, taken, wrote

from bagipakai.cli import main
from bagipakai.core.refusal import Refusal
from bagipakai.core.sources import Sources
from bagipakai.registry.folders import remove
from bagipakai.registry.intake import take

RUN = """
import os, signal, sys
from pathlib import Path
from tests.registry.intake.sent import CONTRACT, DAY
from bagipakai.registry.intake import take
heard, last = [], int(sys.argv[1])
def told(_):
    heard.append(_)
    if len(heard) == last:
        os.kill(os.getpid(), signal.SIGKILL)
*files, out = map(Path, sys.argv[2:])
take(files, CONTRACT, out, day=DAY, told=told)
"""


def test_a_repeat_gives_the_same_digests(tmp_path):
    file = wrote(tmp_path, as_csv([*rows(40), row(41, umur="x"), row(1)]))
    first = taken(file)
    remove(tmp_path / "out")
    again = taken(file)
    assert first == again and first.report and first.content
    assert report(tmp_path / "out")["content"] == first.content


@pytest.mark.parametrize("at", [1, 3, 4])
def test_a_killed_run_leaves_nothing_and_the_next_is_undisturbed(tmp_path, at):
    """Killed when it has weighed the first of two files, checked the first, checked both."""
    files = [wrote(tmp_path, as_csv([row(number, umur="x") for number in (1, 2)]), name) for name in ("a.csv", "b.csv")]
    run = subprocess.run(
        [sys.executable, "-c", RUN, str(at), *map(str, files), str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert run.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    undisturbed = take(files, CONTRACT, tmp_path / "other", day=DAY)
    assert replace(taken(files), folder=undisturbed.folder) == undisturbed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv", "other", "out"]


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    file = wrote(tmp_path, as_csv(rows(1)))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").touch()
    assert taken(file) == Refusal("intake-exists", {"file": "out"})


def test_progress_counts_each_byte_twice(tmp_path):
    file, heard = wrote(tmp_path, as_csv(rows(100))), []
    take([file], CONTRACT, tmp_path / "out", day=DAY, told=heard.append)
    assert sum(heard) == 2 * file.stat().st_size


PERSON = {
    "nik": "3201010502010001",
    "nama": "Siti",
    "kode_prov": "32",
    "kode_kab": "3201",
    "kode_kec": "320101",
    "kode_desa": "3201011001",
    "id_pln": "123456789012",
}


def customers(*cells: dict[str, str]) -> str:
    names = Sources.on(DAY)["pln"].names
    return "\n".join([",".join(names), *(",".join({**PERSON, **one}.get(name, "") for name in names) for one in cells)])


def test_the_command_says_what_happened_on_one_screen(tmp_path, capsys):
    """0 all accepted, 1 refused whole, 2 some returned."""
    many = [{"id_pln": f"{number:012d}"} for number in range(20)]
    command = ["registry", "intake", "--source", "pln", "--day", DAY.isoformat()]
    well, some = wrote(tmp_path, customers(*many)), wrote(tmp_path, customers(*many, {"nama": ""}), "b.csv")
    assert main([*command, "--out", str(tmp_path / "1"), str(well)]) == 0
    assert "20 baris diterima" in capsys.readouterr().out
    assert main([*command, "--out", str(tmp_path / "2"), str(some)]) == 2
    told = capsys.readouterr().out
    assert "1 baris dikembalikan" in told and "Kolom nama kosong" in told
    assert main([*command, "--out", str(tmp_path / "2"), str(some)]) == 1
    assert main(["registry", "intake", "--source", "lain", "--out", str(tmp_path / "3"), str(well)]) == 1
    assert "[source-is-unknown]" in capsys.readouterr().err
    assert main([*command, "--json", "--out", str(tmp_path / "4"), str(some)]) == 2
    assert json.loads(capsys.readouterr().out)["rows"] == {"received": 21, "accepted": 20, "returned": 1}
    bad = wrote(tmp_path, customers(*({**one, "nik": "3.2E+15"} for one in many)), "c.csv")
    assert main([*command, "--out", str(tmp_path / "5"), str(bad)]) == 1
    told = capsys.readouterr().err
    assert "misalnya baris 2" in told and "kolom nik sebagai bilangan" in told and "3.2E" not in told
    assert str(tmp_path / "5" / "returned") in told and report(tmp_path / "5")["refusal"] in told


def test_sources_are_listed_with_their_columns(capsys):
    assert main(["registry", "sources", "--day", date(2026, 11, 26).isoformat()]) == 0
    assert "bpjs-pbi" in capsys.readouterr().out
    assert main(["registry", "sources", "pln"]) == 0
    assert "id_pln" in capsys.readouterr().out
