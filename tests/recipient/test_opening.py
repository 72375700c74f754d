"""A package opens whole or not at all."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from tests.recipient.packages import DAY, OURS, SEAL, a_key_file, a_package, rows_of
from tests.recipient.trails import policy_text, proven
from tests.registry.orders import ROW_FORMATS

from bagipakai.control import wording
from bagipakai.core.acknowledgement import Acknowledgement, Check
from bagipakai.core.envelope import Signer
from bagipakai.core.plan import Exempted, Format, Protections
from bagipakai.core.troubles import trouble
from bagipakai.recipient import opening
from bagipakai.recipient.keys import Identity, keygen
from bagipakai.recipient.opening import Opened, opened
from bagipakai.recipient.refusals import SENTENCES, Refusal
from bagipakai.recipient.verify import verified
from bagipakai.recipient.words import day, number

OURSELVES = Identity(OURS)


@pytest.mark.parametrize("form", ROW_FORMATS)
def test_an_opened_package_has_its_data_dictionary_metadata_and_manifest(form, tmp_path):
    made = a_package(tmp_path, form=form)
    outcome = opened(made.folder, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY)
    assert isinstance(outcome, Opened)
    names = {file.name for file in (tmp_path / "hasil").iterdir()}
    assert names == {*outcome.files, "manifest.dsse.json"}
    assert {"kamus.csv", "metadata.json", f"bagian-0001.{form.value}"} <= names
    assert len([name for name in names if name.startswith("bagian")]) > 1 or form is Format.PARQUET


def test_what_comes_out_is_what_went_in(tmp_path):
    made = a_package(tmp_path)
    opened(made.folder, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY)
    found = []
    for file in sorted((tmp_path / "hasil").glob("bagian-*.csv")):
        head, *rows = csv.reader(io.StringIO(file.read_text(encoding="utf-8"), newline=""))
        assert head == ["nik", "nama", "desil"]
        found += rows
    assert found == [[str(value) for value in row.values()] for row in rows_of(100).to_pylist()]


def test_the_last_day_counts_and_the_day_after_does_not(tmp_path):
    made = a_package(tmp_path)
    last = made.manifest.expires_on
    assert not isinstance(verified(made.folder, SEAL.public, OURSELVES, day=last), Refusal)
    late = verified(made.folder, SEAL.public, OURSELVES, day=last.replace(month=7, day=1))
    assert isinstance(late, Refusal) and late.code == "package-expired"


def test_an_empty_folder_may_be_the_target(tmp_path):
    made = a_package(tmp_path)
    (tmp_path / "hasil").mkdir()
    assert isinstance(opened(made.folder, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY), Opened)


@pytest.mark.parametrize("occupied", ["file", "folder", "link"])
def test_nothing_that_is_there_is_overwritten(occupied, tmp_path):
    made, target = a_package(tmp_path), tmp_path / "hasil"
    if occupied == "file":
        target.write_text("milik saya")
    elif occupied == "folder":
        target.mkdir()
        (target / "catatan.txt").write_text("milik saya")
    else:
        (tmp_path / "lain").mkdir()
        target.symlink_to(tmp_path / "lain")
    outcome = opened(made.folder, SEAL.public, OURSELVES, target, day=DAY)
    assert isinstance(outcome, Refusal) and outcome.code == "folder-in-use"


def test_what_a_killed_run_left_is_wiped_by_the_next(tmp_path):
    made = a_package(tmp_path)
    left = tmp_path / ".hasil.belum-diperiksa"
    left.mkdir()
    (left / "bagian-0009.csv").write_text("sisa")
    assert isinstance(opened(made.folder, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY), Opened)
    assert not left.exists() and not (tmp_path / "hasil" / "bagian-0009.csv").exists()


def test_two_runs_into_one_folder_do_not_mix(tmp_path):
    """The second is refused while the first still works, and takes nothing of it away."""
    made, staging = a_package(tmp_path), tmp_path / ".hasil.belum-diperiksa"
    seen = []

    def meanwhile(_):
        if staging.exists() and not seen:
            before = sorted(staging.iterdir())
            outcome = opened(made.folder, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY)
            seen.append((outcome.code, sorted(staging.iterdir()) == before))

    outcome = opened(made.folder, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY, told=meanwhile)
    assert isinstance(outcome, Opened)
    assert seen == [("folder-in-use", True)]
    assert {file.name for file in (tmp_path / "hasil").iterdir()} == {*outcome.files, "manifest.dsse.json"}


def test_the_root_of_the_disk_is_no_target(tmp_path):
    outcome = opened(a_package(tmp_path).folder, SEAL.public, OURSELVES, Path("/"), day=DAY)
    assert isinstance(outcome, Refusal) and outcome.code == "folder-in-use"


def test_a_part_that_claims_a_terabyte_is_refused_without_being_read(tmp_path):
    """A server may serve a file without end, or one of nothing but holes."""
    made = a_package(tmp_path)
    os.truncate(made.folder / made.manifest.parts[0].name, 10**12)
    read = []
    outcome = verified(made.folder, SEAL.public, OURSELVES, day=DAY, told=read.append)
    assert isinstance(outcome, Refusal) and outcome.code == "part-extended"
    assert sum(read) == 0


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    made = a_package(tmp_path)
    write = opening._Measured.write

    def full(self, data):
        if self._out.name is not None and self.size == 0 and len(list(tmp_path.glob(".hasil*/*"))) > 1:
            self._out = _FullDisk()
        return write(self, data)

    monkeypatch.setattr(opening._Measured, "write", full)
    outcome = opened(made.folder, SEAL.public, OURSELVES, tmp_path / "hasil", day=DAY)
    assert isinstance(outcome, Refusal) and outcome.code == "disk-error"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["packages"]


class _FullDisk:
    name = None

    def write(self, _):
        raise OSError(28, "No space left on device")

    def flush(self):
        pass


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_leaves_nothing(sign, tmp_path):
    """A real process, interrupted while plaintext is already on its disk."""
    made = a_package(tmp_path, rows=400_000, limit=4_000_000)
    key, seal = tmp_path / "kunci", tmp_path / "seal.pem"
    a_key_file(key)
    seal.write_bytes(SEAL.public.to_pem())
    before = sorted(path.name for path in tmp_path.iterdir())
    process = command(
        *("open", str(made.folder), "--seal", str(seal), "--tanpa-jejak"),
        *("--key", str(key), "--out", str(tmp_path / "hasil")),
    )
    staging = tmp_path / ".hasil.belum-diperiksa"
    while not (staging.exists() and len(list(staging.iterdir())) > 1):
        assert process.poll() is None, process.communicate()
        time.sleep(0.001)
    process.send_signal(sign)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    assert "[interrupted]" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def command(*arguments):
    """A process that hears Ctrl-C also where the tests themselves were started in the background, deaf to it."""
    return subprocess.Popen(
        [sys.executable, "-c", "from bagipakai.cli import main; raise SystemExit(main())", "recipient", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )


@pytest.fixture
def files(tmp_path):
    """A package, a seal and a key as files, as a recipient has them."""
    made = keygen(tmp_path / "kunci", "Dinas Sosial")
    plan = a_package(tmp_path).manifest.plan
    recipient = type(plan.recipient)("dinsos", "Dinas Sosial", made.recipient, made.fingerprint, "3201")
    package = a_package(tmp_path, order="O-2", recipient=recipient)
    (tmp_path / "seal.pub.pem").write_bytes(SEAL.public.to_pem())
    return package, tmp_path


def test_the_commands_report_to_programs(files):
    package, place = files
    seal, key = ("--seal", str(place / "seal.pub.pem")), ("--key", str(place / "kunci"))
    seal += ("--tanpa-jejak",)
    out, told = command("verify", str(package.folder), *seal, "--json").communicate()
    assert json.loads(out)["verified"] is True and json.loads(out)["opened"] is False, told
    out, _ = command("open", str(package.folder), *seal, *key, "--out", str(place / "hasil"), "--json").communicate()
    report = json.loads(out)
    assert report["verified"] is report["opened"] is True and report["witnessed"] is False
    assert (report["package"], report["rows"]) == (package.folder.name, 100)
    assert report["columns"] == ["nik", "nama", "desil"]
    assert report["plan_digest"] == package.manifest.plan.digest
    assert set(report["files"]) == {file.name for file in (place / "hasil").iterdir()} - {"manifest.dsse.json"}


def test_the_commands_refuse_with_one_sentence_and_a_code(files):
    package, place = files
    (place / "palsu.pem").write_bytes(Signer.new().public.to_pem())
    process = command("verify", str(package.folder), "--seal", str(place / "palsu.pem"), "--tanpa-jejak", "--json")
    out, told = process.communicate()
    assert process.returncode == 1
    assert json.loads(out)["code"] == "seal-mismatch"
    assert told.strip().splitlines() == [f"{SENTENCES['seal-mismatch']} [seal-mismatch]"]


def test_no_secret_key_appears_in_what_the_tool_says(files):
    package, place = files
    secret = next(line for line in (place / "kunci").read_text().splitlines() if line.startswith("AGE-SECRET"))
    for words in (("verify",), ("open", "--out", str(place / "hasil"))):
        process = command(
            words[0],
            str(package.folder),
            "--seal",
            str(place / "seal.pub.pem"),
            "--key",
            str(place / "kunci"),
            "--tanpa-jejak",
            *words[1:],
        )
        assert secret not in "".join(process.communicate())
        assert process.returncode == 0


def test_a_sealed_package_opens_with_the_program_age_too(files):
    """Interoperability: what we seal is the public format, not ours."""
    age = next((Path(one) / "age" for one in os.get_exec_path() if (Path(one) / "age").exists()), None)
    if age is None:
        pytest.skip("the program age is not installed")
    package, place = files
    part = package.manifest.parts[0]
    found = subprocess.run(
        [age, "-d", "-i", place / "kunci", package.folder / part.name], capture_output=True, check=True
    ).stdout
    assert len(found) == part.content_bytes


def test_the_commands_speak_indonesian_to_people(files):
    """Days by name, thousands with a point, one word for a folder, and no claim of a check that was not made."""
    package, place = files
    seal, key = ("--seal", str(place / "seal.pub.pem")), ("--key", str(place / "kunci"))
    out, _ = command("verify", str(package.folder), *seal, "--tanpa-jejak").communicate()
    assert "sesuai: segel dan 4 berkas" in out and "Kunci penerima tidak diperiksa" in out
    assert "Bukti jejak tidak diperiksa" in out
    assert f"Akses sampai: {day(package.manifest.expires_on)}" in out
    proven(package)
    policy = ("--policy", str(place / "kebijakan-saksi.txt"))
    (place / "kebijakan-saksi.txt").write_text(policy_text())
    out, _ = command("open", str(package.folder), *seal, *key, *policy, "--out", str(place / "hasil")).communicate()
    assert "sesuai: segel, penerima, dan 4 berkas" in out and "tidak diperiksa" not in out
    assert "Tercatat di jejak yang disaksikan" in out
    assert f"Dibuka di map {place / 'hasil'}" in out
    for name in (file.name for file in (place / "hasil").iterdir()):
        assert f"  {name} " in out
    assert not re.search(r"\d{4}-\d\d-\d\d", out.replace(str(place), ""))
    _, told = command("open", str(package.folder), *seal).communicate()
    assert "Sebutkan juga: --key, --out" in told


def test_the_commands_tell_which_rules_for_rows_were_exempted_and_why(tmp_path):
    """Nothing of it where none was."""
    (tmp_path / "seal.pub.pem").write_bytes(SEAL.public.to_pem())
    exempted = (Exempted("rows-alike", "desa kecil ikut"), Exempted("rows-share", "seluruh kabupaten dievaluasi"))
    bare, package = (
        a_package(tmp_path),
        a_package(tmp_path, order="O-2", protections=Protections(("nik",), 0, exempted)),
    )

    def told(made, *more: str) -> str:
        seal = ("--seal", str(tmp_path / "seal.pub.pem"), "--tanpa-jejak")
        return command("verify", str(made.folder), *seal, *more).communicate()[0]

    said = told(package)
    assert "Dikecualikan: Ukuran kelompok serupa, karena: desa kecil ikut\n" in said
    assert "Dikecualikan: Bagian penduduk yang ikut keluar, karena: seluruh kabupaten dievaluasi\n" in said
    assert "Dikecualikan" not in told(bare)
    assert json.loads(told(package, "--json"))["exempted"] == {one.rule: one.reason for one in exempted}
    assert json.loads(told(bare, "--json"))["exempted"] == {}


def test_whether_the_trail_is_looked_at_must_be_said(files):
    """A package that was never logged has every seal right; so nobody leaves the policy out without meaning to."""
    package, place = files
    seal, key = ("--seal", str(place / "seal.pub.pem")), ("--key", str(place / "kunci"))
    to = (*key, "--out", str(place / "hasil"), "--receipt", str(place / "tanda-terima.json"))
    for words in (("verify",), ("open", *to)):
        run = command(words[0], str(package.folder), *seal, *words[1:])
        assert "Sebutkan salah satu: --policy --tanpa-jejak\n" in run.communicate()[1]
        assert run.returncode == 2
        both = ("--policy", str(place / "kebijakan-saksi.txt"), "--tanpa-jejak")
        run = command(words[0], str(package.folder), *seal, *words[1:], *both)
        assert "--tanpa-jejak: tidak dapat disebut bersama --policy" in run.communicate()[1]
        assert run.returncode == 2 and not (place / "hasil").exists()
    out, _ = command("open", str(package.folder), *seal, *to, "--tanpa-jejak").communicate()
    assert "Bukti jejak tidak diperiksa" in out and "jejak tidak termasuk yang diperiksa" in out
    said = Acknowledgement.unsealed(
        (place / "tanda-terima.json").read_bytes(), Identity.read(place / "kunci").signer.public
    )
    assert Check.TRAIL not in said.checked


def test_a_day_a_number_and_a_trouble_are_said_as_the_office_says_them():
    for month in range(1, 13):
        assert day(date(2027, month, 16)) == wording.calendar_day(date(2027, month, 16))
    assert number(1_234_567) == wording.number(1_234_567) == "1.234.567"
    assert trouble(FileNotFoundError(2, "No such file or directory")) == "map atau berkas tidak ada"
    assert trouble(OSError(121, "Remote I/O error")) == "gangguan penyimpanan nomor 121"
