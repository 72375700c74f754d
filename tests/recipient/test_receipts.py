"""An acknowledgement is signed after everything was found right, and never otherwise.

Spoiled packages bring none: test_bad_packages.py.
"""

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.recipient.packages import DAY, OTHERS, OURS, SEAL, a_key_file, a_package
from tests.recipient.trails import policy, policy_text, proven

from bagipakai.cli import main
from bagipakai.core.acknowledgement import NEEDED, Acknowledgement, Check
from bagipakai.core.manifest import MANIFEST_NAME
from bagipakai.recipient import opening, receipts
from bagipakai.recipient.keys import Identity
from bagipakai.recipient.opening import Opened, opened
from bagipakai.recipient.refusals import Refusal

OURSELVES = Identity(OURS)


def acknowledged(made, place, **how):
    """The outcome of opening with an acknowledgement, and the file it should be in."""
    file = place / "tanda-terima.json"
    return opened(made.folder, SEAL.public, OURSELVES, place / "hasil", day=DAY, receipt=file, **how), file


def left(place) -> set[str]:
    return {one.name for one in place.iterdir()} - {"packages", "workspace"}


def test_it_names_the_package_the_manifest_the_key_and_what_was_checked(tmp_path):
    made = proven(a_package(tmp_path))
    outcome, file = acknowledged(made, tmp_path, policy=policy())
    assert isinstance(outcome, Opened)
    said = Acknowledgement.unsealed(file.read_bytes(), OURSELVES.signer.public)
    sealed = (made.folder / MANIFEST_NAME).read_bytes()
    assert (said.package, said.manifest) == (made.manifest.package, hashlib.sha256(sealed).hexdigest())
    assert (said.recipient, said.checked) == (OURSELVES.fingerprint, tuple(Check))
    assert abs(datetime.now(UTC) - said.verified_at) < timedelta(minutes=1)
    assert said.tool.startswith("bagipakai ")


def test_without_a_policy_it_does_not_say_that_the_trail_was_checked(tmp_path):
    _, file = acknowledged(a_package(tmp_path), tmp_path)
    said = Acknowledgement.unsealed(file.read_bytes(), OURSELVES.signer.public)
    assert set(said.checked) == NEEDED


def test_what_is_kept_and_signed_for_is_what_was_checked(tmp_path):
    """A manifest that is exchanged while the parts are read is neither kept nor acknowledged."""
    made = a_package(tmp_path)
    file = made.folder / MANIFEST_NAME
    checked = file.read_bytes()
    outcome, receipt = acknowledged(made, tmp_path, told=lambda _: file.write_bytes(b'{"never":"checked"}'))
    assert isinstance(outcome, Opened)
    assert file.read_bytes() != checked == (outcome.folder / MANIFEST_NAME).read_bytes()
    said = Acknowledgement.unsealed(receipt.read_bytes(), OURSELVES.signer.public)
    assert said.manifest == hashlib.sha256(checked).hexdigest()


def test_neither_of_a_late_nor_of_a_foreign_nor_of_an_unproven_one(tmp_path):
    made, file = a_package(tmp_path), tmp_path / "tanda-terima.json"
    late = made.manifest.expires_on + timedelta(days=1)
    for identity, day, watched in (
        (OURSELVES, late, None),
        (Identity(OTHERS), DAY, None),
        (OURSELVES, DAY, policy()),
    ):
        no = opened(made.folder, SEAL.public, identity, tmp_path / "h", day=day, policy=watched, receipt=file)
        assert isinstance(no, Refusal) and not file.exists()


def test_a_disk_that_fails_at_the_end_leaves_neither_data_nor_acknowledgement(tmp_path, monkeypatch):
    made = a_package(tmp_path)

    def fails(self, target):
        raise OSError(28, "full")

    monkeypatch.setattr(opening.Path, "rename", fails)
    outcome, _ = acknowledged(made, tmp_path)
    assert isinstance(outcome, Refusal) and outcome.code == "disk-error"
    assert left(tmp_path) == set()


def test_one_that_cannot_be_written_leaves_no_data_either(tmp_path, monkeypatch):
    made, flush = a_package(tmp_path), os.fsync

    def full(handle):
        if Path(f"/proc/self/fd/{handle}").readlink().name == "tanda-terima.json":
            raise OSError(28, "full")
        flush(handle)

    monkeypatch.setattr(receipts.os, "fsync", full)
    outcome, _ = acknowledged(made, tmp_path)
    assert isinstance(outcome, Refusal) and outcome.code == "disk-error"
    assert left(tmp_path) == set()


def test_an_older_one_is_not_overwritten_and_nothing_is_opened(tmp_path):
    made = a_package(tmp_path)
    (tmp_path / "tanda-terima.json").write_text("yang dulu")
    outcome, file = acknowledged(made, tmp_path)
    assert isinstance(outcome, Refusal) and outcome.code == "receipt-exists"
    assert file.read_text() == "yang dulu" and not (tmp_path / "hasil").exists()


@pytest.mark.parametrize("place", ["paket", "hasil", "tidak-ada"])
def test_it_is_not_put_where_it_would_be_in_the_way(place, tmp_path):
    made = a_package(tmp_path)
    (tmp_path / "hasil").mkdir()
    folder = {"paket": made.folder, "hasil": tmp_path / "hasil"}.get(place, tmp_path / place)
    code = "disk-error" if place == "tidak-ada" else "receipt-misplaced"
    no = opened(made.folder, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY, receipt=folder / "t.json")
    assert isinstance(no, Refusal) and no.code == code
    assert list((tmp_path / "hasil").iterdir()) == [] and not (folder / "t.json").exists()


def test_the_command_writes_it_and_says_what_to_do_with_it(tmp_path, capsys):
    made = proven(a_package(tmp_path, ends_on=DAY.replace(year=2999)))
    a_key_file(tmp_path / "kunci")
    (tmp_path / "segel.pem").write_bytes(SEAL.public.to_pem())
    (tmp_path / "kebijakan.txt").write_text(policy_text())
    command = ["recipient", "open", str(made.folder), "--seal", str(tmp_path / "segel.pem")]
    command += ["--policy", str(tmp_path / "kebijakan.txt"), "--key", str(tmp_path / "kunci")]
    wanted = [*command, "--out", str(tmp_path / "a"), "--receipt", str(tmp_path / "a.json")]
    assert main([*wanted, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["receipt"] == str(tmp_path / "a.json")
    assert main([*command, "--out", str(tmp_path / "b"), "--receipt", str(tmp_path / "b.json")]) == 0
    assert "Unggah di halaman unduhan" in capsys.readouterr().out
    for name in ("a.json", "b.json"):
        assert Acknowledgement.unsealed((tmp_path / name).read_bytes(), OURSELVES.signer.public)
