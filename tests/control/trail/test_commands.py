"""What an auditor is given, and what only the owner may do: each command in a process of its own."""

import json
import shutil

import pytest
from tests.control.trail.grounds import says

from bagipakai import postgres
from bagipakai.control.trail import house, leaves, stops

pytestmark = pytest.mark.django_db

REASON = {"alasan": "Nama Siti Aminah salah eja"}


@pytest.fixture
def office(ground, monkeypatch):
    """Four leaves about two requests, under a quorum."""
    ground.installed(monkeypatch, 2, "satu", "dua", "tiga")
    write(ground, "PMT-2026-000012#1", "PMT-2026-000012#2", "PMT-2026-000013#1", "PMT-2026-000012#3")
    ground.step(least=2)
    return ground


def write(ground, *abouts):
    with ground.connect(postgres.OFFICE) as opened:
        for about in abouts:
            leaves.write("request.RETURN", about, REASON | {"about": about}, through=opened)


def trail(office, *words, role=postgres.OFFICE):
    return office.run("control", "trail", *words, role=role)


# A copy


def test_an_export_is_verified_by_a_stranger(office):
    out = office.folder / "salinan"
    done = trail(office, "export", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    shutil.rmtree(office.store.folder)
    assert says("log", "--policy", out / "policy", "--checkpoint", out / "past", out)
    assert not (out / "opened.jsonl").exists()
    text = b"".join(file.read_bytes() for file in out.rglob("*") if file.is_file())
    assert b"Siti" not in text


def test_content_is_shown_for_the_things_that_were_named(office):
    out = office.folder / "salinan"
    assert "3 dengan isinya" in trail(office, "export", "--out", out, "--show", "PMT-2026-000012").stdout
    shown = [json.loads(line) for line in (out / "opened.jsonl").read_text().splitlines()]
    assert [one["seq"] for one in shown] == [0, 1, 3]
    assert {one["payload"]["about"].partition("#")[0] for one in shown} == {"PMT-2026-000012"}
    assert (out / "opened.jsonl").stat().st_mode & 0o077 == 0
    opened = ("--opened", out / "opened.jsonl")
    assert says("log", "--policy", out / "policy", *opened, out)
    shown[1]["payload"]["alasan"] = "Lain"
    (out / "opened.jsonl").write_text("".join(json.dumps(one) + "\n" for one in shown))
    assert not says("log", "--policy", out / "policy", *opened, out)


def test_everything_is_shown_when_everything_is_asked_for(office):
    assert "4 dengan isinya" in trail(office, "export", "--out", office.folder / "x", "--show", "semua").stdout


def test_what_came_after_the_public_checkpoint_is_not_in_the_copy(office):
    for name in ("satu", "dua", "tiga"):
        office.silence(name)
    write(office, *(f"PMT-2026-000014#{n}" for n in range(1, 300)))
    office.step(least=2)
    out = office.folder / "salinan"
    assert "4 catatan disalin" in trail(office, "export", "--out", out, "--show", "semua").stdout
    assert len((out / "opened.jsonl").read_text().splitlines()) == 4
    assert says("log", "--policy", out / "policy", out)


def test_a_folder_with_something_in_it_is_left_alone(office):
    (office.folder / "salinan").mkdir()
    (office.folder / "salinan/mine").write_text("x")
    done = trail(office, "export", "--out", office.folder / "salinan")
    assert done.returncode == 1 and "tidak kosong" in done.stderr
    assert [file.name for file in (office.folder / "salinan").iterdir()] == ["mine"]


# A proof


def test_a_proof_convinces_a_stranger(office):
    out = office.folder / "bukti.tlog-proof"
    done = trail(office, "proof", "--about", "PMT-2026-000012#2", "--out", out)
    assert done.returncode == 0, done.stderr
    beside = office.folder / "bukti.leaf.json"
    assert json.loads(beside.read_bytes())["object_ref"] == "PMT-2026-000012#2"
    assert says("proof", "--policy", house.policy_file(), "--proof", out, "--entry", beside)
    beside.write_bytes(beside.read_bytes().replace(b"#2", b"#1"))
    assert not says("proof", "--policy", house.policy_file(), "--proof", out, "--entry", beside)


@pytest.mark.parametrize(
    "words", [("--about", "PMT-2026-000099#1"), ("--about", "PMT-2026-000012#2", "--event", "a.B")]
)
def test_no_proof_of_what_is_not_there(office, words):
    done = trail(office, "proof", *words, "--out", office.folder / "bukti.tlog-proof")
    assert done.returncode == 1 and "Belum ada catatan" in done.stderr
    assert not (office.folder / "bukti.tlog-proof").exists()


def test_no_proof_of_a_row_that_was_changed(office):
    with office.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("UPDATE trail.leaf SET body = replace(body, 'RETURN', 'SUBMIT') WHERE seq = 1")
    done = trail(office, "proof", "--about", "PMT-2026-000012#2", "--out", office.folder / "bukti.tlog-proof")
    assert done.returncode == 1 and "not-in-the-log" in done.stderr
    assert not (office.folder / "bukti.tlog-proof").exists()


# The policy


def test_the_policy_is_printed_as_it_stands(office):
    assert trail(office, "policy").stdout == house.policy_file().read_text()
    house.policy_file().write_text("quorum x\n")
    done = trail(office, "policy")
    assert done.returncode == 1 and done.stdout == "" and "tidak terbaca" in done.stderr


# Comparing


def verify(office):
    return office.run("control", "verify", role=postgres.OFFICE)


def test_a_database_that_agrees_is_said_so(office):
    done = verify(office)
    assert done.returncode == 0 and "Jejak berkata sama." in done.stdout


def test_the_first_difference_and_each_changed_content_are_named(office):
    with office.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("UPDATE trail.leaf SET body = replace(body, 'RETURN', 'SUBMIT') WHERE seq IN (1, 3)")
        root.execute('UPDATE trail.opening SET payload = \'{"alasan":"lain"}\' WHERE leaf = 2')
        root.execute("UPDATE trail.opening SET payload = 'x' WHERE leaf = 4")
        root.execute("UPDATE trail.opening SET salt = sha256('x') WHERE leaf = 3")
    done = verify(office)
    assert done.returncode == 1
    assert [line.partition(":")[2].split(",")[0].strip() for line in done.stderr.splitlines()] == [
        "catatan ke-1 (request.RETURN atas PMT-2026-000012#2",
        "isi PMT-2026-000012#2 bukan yang dicatat (request.SUBMIT)",
        "isi PMT-2026-000013#1 bukan yang dicatat (request.RETURN)",
        "isi PMT-2026-000012#3 bukan yang dicatat (request.SUBMIT)",
    ]


def test_a_leaf_that_is_gone_is_named(office):
    with office.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("DELETE FROM trail.leaf WHERE seq = 3")
    done = verify(office)
    assert done.returncode == 1 and "catatan ke-3 (request.RETURN atas PMT-2026-000012#3," in done.stderr


def test_a_salt_that_was_deleted_by_duty_is_no_difference(office):
    with office.as_superuser() as root:
        root.execute("DELETE FROM trail.opening WHERE leaf = 2")
    assert verify(office).returncode == 0
    assert "3 dengan isinya" in trail(office, "export", "--out", office.folder / "x", "--show", "semua").stdout


# Lifting a stop

WHY = "Basis data dipulihkan dari salinan kedua; diputuskan pengendali, nota 12."


@pytest.fixture
def stopped(office):
    with office.connect(postgres.SEQUENCER, autocommit=True) as opened:
        stops.stop(opened, "dua")
    return office


def standing(office):
    with office.connect(postgres.OFFICE) as opened:
        return stops.stopped(opened)


def test_the_owner_lifts_a_stop_and_the_trail_tells_of_it(stopped):
    assert standing(stopped).code == "trail-disagrees"
    done = trail(stopped, "lift", "--reason", WHY, role=postgres.OWNER)
    assert done.returncode == 0, done.stderr
    assert standing(stopped) is None
    with stopped.connect(postgres.OFFICE) as opened:
        assert opened.execute("SELECT stop, lifted_by, reason FROM trail.lift").fetchall() == [(1, "bagipakai", WHY)]
        (told,) = opened.execute("SELECT body FROM trail.leaf WHERE seq IS NULL").fetchone()
    assert (json.loads(told)["event"], json.loads(told)["object_ref"]) == ("trail.LIFT", "henti/1")
    assert "Tidak ada henti" in trail(stopped, "lift", "--reason", WHY, role=postgres.OWNER).stdout


@pytest.mark.parametrize("role", [postgres.OFFICE, postgres.SEQUENCER, postgres.REGISTRY])
def test_nobody_else_does(stopped, role):
    done = trail(stopped, "lift", "--reason", WHY, role=role)
    assert done.returncode == 1 and "Hanya pemilik" in done.stderr
    assert standing(stopped)


def test_a_stop_is_not_lifted_without_a_reason(stopped):
    done = trail(stopped, "lift", "--reason", "   sudah beres    ", role=postgres.OWNER)
    assert done.returncode == 1 and "Alasan" in done.stderr
    assert standing(stopped)


def test_nor_while_the_database_still_differs(stopped):
    with stopped.as_superuser() as root:
        root.execute("SET session_replication_role = replica")
        root.execute("DELETE FROM trail.leaf WHERE seq = 3")
    done = trail(stopped, "lift", "--reason", WHY, role=postgres.OWNER)
    assert done.returncode == 1 and "masih tidak cocok dengan signed" in done.stderr
    assert standing(stopped)
