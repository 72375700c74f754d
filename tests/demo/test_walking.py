"""The demonstration says no in a sentence, and before it makes anything."""

import subprocess
import sys

import pytest

from bagipakai.cli import main
from bagipakai.core.refusal import Refusal
from bagipakai.demo import processes
from bagipakai.demo.commands import FEWEST, MOST, _other_port


@pytest.mark.parametrize("people", [0, 5_000, FEWEST - 1, MOST + 1])
def test_a_nation_that_cannot_tell_the_story_is_refused_before_anything_is_made(people, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    assert main(["demo", "walk", "--people", str(people)]) == 1
    assert "20.000 sampai 400.000.000 orang" in capsys.readouterr().err
    assert not (tmp_path / "var").exists()


def test_a_no_stops_the_story_with_its_sentence_and_its_code():
    with pytest.raises(processes.Stopped, match=r"^Tabel terlalu rinci .* \[table-too-fine\]$"):
        processes.passed(Refusal("table-too-fine"))
    assert processes.passed("ya") == "ya"


@pytest.mark.parametrize(
    ("heard", "said"), [("satu\nBerkas x sudah ada.\n", r"^Berkas x sudah ada\.$"), ("", r"^Perintah `bagipakai a b`")]
)
def test_a_process_that_fails_stops_the_story_with_its_last_word(heard, said, monkeypatch):
    failed = subprocess.CompletedProcess([sys.executable], 1, "", heard)
    monkeypatch.setattr(processes.subprocess, "run", lambda *_, **__: failed)
    monkeypatch.setattr(processes.postgres, "environment", lambda _: {})
    with pytest.raises(processes.Stopped, match=said):
        processes.bagipakai("a", "b")


def test_who_serves_at_another_port_hears_that_the_keys_stay_behind():
    said = _other_port(["http://localhost:8000"])
    assert "http://localhost:8000" in said and "tidak dapat dipakai menandatangani" in said
