"""A long command shows its progress where it is read, floods no log, and ends politely when it is asked to."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bagipakai import showing
from bagipakai.showing import interruptible, shown, shown_steps


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def minutes(monkeypatch):
    """A clock of the test's own, in seconds."""
    now = [1000.0]
    monkeypatch.setattr(showing.time, "monotonic", lambda: now[0])
    return now


def test_on_a_terminal_there_is_a_bar_with_what_how_many_and_of_how_many():
    out = Terminal()
    with shown("membuat", "orang", 1000, out) as more:
        more(250)
        more(750)
    assert "membuat: 100%" in out.getvalue() and "1.00k/1.00k" in out.getvalue() and "orang/s" in out.getvalue()


def test_elsewhere_there_is_at_most_a_line_every_ten_seconds(minutes):
    out = io.StringIO()
    with shown("membuat", "orang", 1_000_000, out) as more:
        for _ in range(600):  # a minute, ten times a second
            minutes[0] += 0.1
            more(1000)
    lines = out.getvalue().splitlines()
    assert 5 <= len(lines) <= 6 and "\r" not in out.getvalue()
    assert lines[0].startswith("membuat: 10") and "orang per detik" in lines[0] and "menit lagi" not in lines[-1]


def test_a_short_job_says_nothing_elsewhere(minutes):
    out = io.StringIO()
    with shown("memeriksa", "berkas", 3, out) as more:
        for _ in range(3):
            minutes[0] += 1
            more(1)
    assert out.getvalue() == ""


def test_what_was_taken_up_at_once_is_no_speed(minutes):
    out = io.StringIO()
    with shown("membuat", "orang", 1_000_000, out) as more:
        more(900_000)
        minutes[0] += 10
        more(1000)
        minutes[0] += 10
        more(1000)
    assert "100 orang per detik, sekitar 16 menit lagi" in out.getvalue().splitlines()[-1]


def test_nobody_knows_how_many(minutes):
    out = io.StringIO()
    with shown("membuat", "orang", None, out) as more:
        minutes[0] += 11
        more(1_234_567)
    assert out.getvalue().startswith("membuat: 1.234.567 orang, ") and "lagi" not in out.getvalue()


@pytest.mark.parametrize("out", [Terminal(), io.StringIO()])
def test_steps_have_names(out, minutes):
    with shown_steps("L1", 3, out) as step:
        for name in ("mengisi permintaan", "pengecekan", "keputusan"):
            minutes[0] += 11
            step(name)
    assert "pengecekan" in out.getvalue()
    assert ("selesai" in out.getvalue()) is out.isatty()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_a_block_tidies_up_says_how_to_go_on_and_ends_with_130(sign, capsys):
    tidied, before = [], signal.getsignal(sign)

    def block():
        with interruptible("Ulangi saja."):
            try:
                os.kill(os.getpid(), sign)
                time.sleep(5)
            finally:
                os.kill(os.getpid(), sign)  # impatience is not heard
                tidied.append(True)

    with pytest.raises(SystemExit) as ended:
        block()
    assert ended.value.code == 130 and tidied == [True]
    assert "Dihentikan. Ulangi saja." in capsys.readouterr().err
    assert signal.getsignal(sign) is before


def test_what_a_library_makes_of_an_interruption_is_one_and_any_other_failure_is_not(capsys):
    """An engine amid a query answers with an error of its own, and a module whose import is broken off with another."""

    def block():
        with interruptible("Ulangi saja."):
            try:
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(5)
            except KeyboardInterrupt:
                raise RuntimeError("Query interrupted") from None

    with pytest.raises(SystemExit) as ended:
        block()
    assert ended.value.code == 130 and "Dihentikan. Ulangi saja." in capsys.readouterr().err
    with pytest.raises(RuntimeError, match="broken"), interruptible("Ulangi saja."):
        raise RuntimeError("broken")
    assert capsys.readouterr().err == ""


COMMAND = "import sys; from bagipakai.cli import main; raise SystemExit(main(sys.argv[1:]))"


def test_an_interrupted_nation_keeps_what_was_made_and_is_finished_by_the_same_command(tmp_path: Path):
    words = ["registry", "synthesise", "--people", "30000", "--processes", "1", "--out", str(tmp_path / "d"), "--json"]
    begun = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while not any(tmp_path.glob(".d.*/progress.jsonl")):
        assert begun.poll() is None
        time.sleep(0.05)
    begun.terminate()
    out, told = begun.communicate(timeout=60)
    assert (begun.returncode, out) == (130, "")
    assert "ulangi perintah yang sama untuk melanjutkan" in told and "Traceback" not in told
    assert not (tmp_path / "d").exists()
    again = subprocess.run([sys.executable, "-c", COMMAND, *words], capture_output=True, text=True, check=False)
    assert again.returncode == 0 and json.loads(again.stdout)["people"] == 30000
    assert all(line.startswith("membuat: ") for line in again.stderr.splitlines())
