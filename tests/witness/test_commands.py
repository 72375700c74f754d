"""`bagipakai witness keygen | serve` as another institution runs them: real processes at this machine's own address."""

import os
import re
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from tests.verifier.world import LOG
from tests.witness.asking import FORK, TRUE, Door, cosignature, note, submission

from bagipakai.core.notes import Kind, NoteKey, NoteSigner, read_signatures

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
COMMAND = [sys.executable, "-m", "bagipakai.cli", "witness"]


def run(*words):
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, env=ENVIRONMENT, check=False)


@contextmanager
def serving(folder, *logs):
    """The service as a process; the door to it, and the process."""
    words = [word for log in logs or [LOG.public] for word in ("--log", str(log))]
    process = subprocess.Popen(
        [*COMMAND, "serve", "--dir", str(folder), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        said = process.stdout.readline()
        assert said, process.stderr.read()
        yield Door(int(re.search(r"http://127\.0\.0\.1:([0-9]+)$", said.strip())[1])), process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def folder(tmp_path):
    made = run("keygen", "--dir", tmp_path / "saksi", "--name", "saksi.contoh.id/1")
    assert made.returncode == 0, made.stderr
    return tmp_path / "saksi"


def public(folder):
    return NoteSigner.read((folder / "key").read_text()).public


def test_a_key_is_made_once_and_for_its_owner_alone(folder):
    assert (folder.stat().st_mode & 0o777, (folder / "key").stat().st_mode & 0o777) == (0o700, 0o600)
    first = (folder / "key").read_bytes()
    again = run("keygen", "--dir", folder, "--name", "saksi.contoh.id/1")
    assert (again.returncode, NoteKey.read(again.stdout)) == (0, public(folder))
    assert (folder / "key").read_bytes() == first
    assert public(folder).kind is Kind.ML_DSA_COSIGNATURE
    assert "PRIVATE" not in again.stdout


@pytest.mark.parametrize("words", [["--name", "lain"], ["--name", "saksi.contoh.id/1", "--kind", "ed25519"]])
def test_another_key_is_not_made_over_the_first(folder, words):
    first = (folder / "key").read_bytes()
    other = run("keygen", "--dir", folder, *words)
    assert (other.returncode, other.stdout) == (1, "")
    assert other.stderr == f"Di {folder} sudah ada kunci lain, milik saksi.contoh.id/1.\n"
    assert (folder / "key").read_bytes() == first


@pytest.mark.parametrize("name", ["", "dua kata", "a+b", "baris\nbaru"])
def test_a_name_that_no_note_can_carry_is_refused(tmp_path, name):
    made = run("keygen", "--dir", tmp_path / "saksi", "--name", name)
    assert (made.returncode, "Nama saksi" in made.stderr) == (1, True)
    assert not (tmp_path / "saksi").exists()


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "berkas").write_text("")
    made = run("keygen", "--dir", tmp_path / "berkas" / "saksi", "--name", "a")
    assert (made.returncode, "Traceback" in made.stderr) == (1, False)


def test_the_process_cosigns_and_remembers_over_a_kill(folder):
    with serving(folder) as (door, process):
        status, _, body = door.post(submission(TRUE, 0, 300))
        signer = NoteSigner.read((folder / "key").read_text())
        assert (status, cosignature(body, note(TRUE, 300).text, signer) > 1_700_000_000) == (200, True)
        process.send_signal(signal.SIGKILL)
        process.wait()
    with serving(folder) as (door, _):
        assert door.post(submission(TRUE, 0, 300))[::2] == (409, "300\n")
        assert door.post(submission(FORK, 300, 600))[0] == 422
        assert door.post(submission(TRUE, 300, 600))[0] == 200


def test_a_witness_of_the_older_kind(tmp_path):
    made = run("keygen", "--dir", tmp_path, "--name", "lama", "--kind", "ed25519")
    key = NoteKey.read(made.stdout)
    with serving(tmp_path) as (door, _):
        _, _, body = door.post(submission(TRUE, 0, 9))
    assert key.kind is Kind.ED25519_COSIGNATURE
    assert key.verifies(read_signatures(body)[0], note(TRUE, 9).text)


def test_two_processes_on_one_folder_are_one_witness(folder):
    with serving(folder) as (one, _), serving(folder) as (other, _):
        assert one.post(submission(TRUE, 0, 300))[0] == 200
        assert other.post(submission(FORK, 0, 300))[::2] == (409, "300\n")
        assert other.post(submission(FORK, 300, 600))[0] == 422
        assert other.post(submission(TRUE, 300, 600))[0] == 200
        assert one.post(submission(TRUE, 300, 300))[::2] == (409, "600\n")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620, 0o602, 0o644])
def test_a_key_that_others_may_read_or_change_is_not_used(folder, mode):
    (folder / "key").chmod(mode)
    for refused in (
        run("serve", "--dir", folder, "--log", LOG.public),
        run("keygen", "--dir", folder, "--name", "saksi.contoh.id/1"),
    ):
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr == f"Kunci {folder}/key dapat dibaca orang lain. Jalankan: chmod 600 {folder}/key\n"


def test_what_stands_in_the_way_of_serving_is_said_in_a_sentence(folder, tmp_path):
    busy = run("serve", "--dir", folder, "--log", LOG.public, "--host", "192.0.2.1")
    assert (busy.returncode, busy.stderr) == (1, "Alamat 192.0.2.1:0 tidak dapat dipakai.\n")
    none = run("serve", "--dir", tmp_path / "kosong", "--log", LOG.public)
    assert (none.returncode, "witness keygen" in none.stderr) == (1, True)
    no_log = run("serve", "--dir", folder, "--log", "bukan kunci")
    assert (no_log.returncode, no_log.stderr) == (1, "Kunci publik jejak tidak terbaca.\n")
    (folder / "seen.sqlite").write_bytes(b"bukan basis data" * 100)
    spoiled = run("serve", "--dir", folder, "--log", LOG.public)
    assert (spoiled.returncode, "Ingatan saksi" in spoiled.stderr) == (1, True)
    (folder / "key").write_text("PRIVATE+KEY+rusak")
    broken = run("serve", "--dir", folder, "--log", LOG.public)
    assert (broken.returncode, "rusak" in broken.stderr.replace(str(folder), "")) == (1, False)


def test_a_witness_s_key_is_not_a_log_s(tmp_path):
    run("keygen", "--dir", tmp_path, "--name", "lama", "--kind", "ed25519")
    refused = run("serve", "--dir", tmp_path, "--log", public(tmp_path))
    assert (refused.returncode, "bukan kunci saksi" in refused.stderr) == (1, True)
