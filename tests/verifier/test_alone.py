"""One file, copied anywhere, tells a stranger whether what he was handed holds."""

import json
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.verifier import world
from tests.verifier.strangers import FILE, alone

from bagipakai.cli import main


@pytest.fixture
def handed(tmp_path):
    """What a stranger is handed: a policy, and one of each thing that can be checked."""
    trail = world.Trail.of(world.drawn(300), batch=70)
    trail.lay(tmp_path / "jejak")
    (tmp_path / "dulu").write_bytes(trail.checkpoint(100))
    (tmp_path / "policy").write_bytes(world.policy())
    (tmp_path / "bukti.tlog-proof").write_bytes(trail.proof(123))
    (tmp_path / "catatan").write_bytes(world.drawn(300)[123])
    (tmp_path / "keputusan.json").write_text(json.dumps(world.a_decision()))
    world.a_package(tmp_path / "paket")
    (tmp_path / "segel.pub").write_bytes(world.SEAL.public.to_pem())
    return tmp_path


def commands(place):
    policy = ["--policy", place / "policy"]
    return {
        "proof": ["proof", *policy, "--proof", place / "bukti.tlog-proof", "--entry", place / "catatan"],
        "log": ["log", *policy, "--checkpoint", place / "dulu", place / "jejak"],
        "decision": ["decision", *policy, place / "keputusan.json"],
        "package": ["package", *policy, "--seal", place / "segel.pub", place / "paket"],
    }


SAID = {
    "proof": "SAH: catatan 123, disaksikan 2026-07-01 00:05:00 UTC.\n",
    "log": "SAH: 300 catatan, disaksikan 2026-07-01 00:05:00 UTC; 0 isi dibuka dan cocok.\n",
    "decision": "SAH: keputusan APPROVE atas PMT-2026-000012, catatan 4, disaksikan 2026-07-01 00:00:05 UTC.\n",
    "package": "SAH: 4 bagian sesuai manifes, yaitu catatan 4, disaksikan 2026-07-01 00:00:07 UTC.\n",
}


@pytest.mark.parametrize("verb", SAID)
def test_a_copy_of_the_file_says_what_holds(handed, verb):
    """From an empty folder, with nothing but the standard library and `cryptography`."""
    run = alone(handed / "kosong", *commands(handed)[verb])
    assert (run.returncode, run.stdout, run.stderr) == (0, SAID[verb], "")


@pytest.mark.parametrize("verb", SAID)
def test_the_house_has_the_same_command(handed, verb, capsys):
    assert main(["verify", *map(str, commands(handed)[verb])]) == 0
    assert capsys.readouterr().out == SAID[verb]


@pytest.mark.parametrize("verb", SAID)
def test_what_does_not_hold_ends_with_one(handed, verb):
    """Whose witnesses are strangers' witnesses is not believed, whatever else is true."""
    (handed / "policy").write_bytes(world.policy("3 w1 w2 w3"))
    run = alone(handed / "kosong", *commands(handed)[verb])
    assert (run.returncode, run.stdout) == (1, "")
    assert run.stderr == "TIDAK SAH: Saksi yang ikut menandatangani tidak cukup. [no-quorum]\n"


def test_wrong_use_ends_with_two(handed):
    assert alone(handed / "kosong").returncode == 2
    assert alone(handed / "kosong", "proof").returncode == 2
    assert alone(handed / "kosong", "percaya").returncode == 2


def test_what_is_not_there_is_not_readable(handed):
    for name in ("policy", "catatan", "bukti.tlog-proof"):
        (handed / name).rename(handed / "disembunyikan")
        run = alone(handed / "kosong", *commands(handed)["proof"])
        (handed / "disembunyikan").rename(handed / name)
        assert (run.returncode, "[not-readable]" in run.stderr) == (1, True)


def test_the_command_wakes_neither_django_nor_the_house(handed):
    """Only the file itself and the command line are loaded."""
    program = (
        "import sys; from bagipakai.cli import main\n"
        f"assert main({['verify', *map(str, commands(handed)['log'])]!r}) == 0\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in ('django', 'bagipakai', 'rfc8785')))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "['bagipakai', 'bagipakai.cli', 'bagipakai.verifier']"


def test_nothing_unprintable_reaches_a_terminal(handed):
    """A part named by a hostile hand cannot move the cursor or add a line."""
    (handed / "paket" / "z\x1b[2J\nSAH.age").write_bytes(b"")
    run = alone(handed / "kosong", *commands(handed)["package"])
    assert run.stderr == "TIDAK SAH: Ada bagian paket yang tidak disebut manifes. (z?[2J?SAH.age) [part-foreign]\n"


def test_a_seal_on_the_other_curve_is_read_too(handed):
    """The seal may become a P-256 key in a device (trust reference §5)."""
    key = world.p256("segel")
    kind, payload = world.MANIFEST.encode(), json.dumps(world.manifest()).encode()
    message = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
    signature = key.sign(message, world.ec.ECDSA(world.SHA256()))
    envelope = {
        "payload": world.b64(payload),
        "payloadType": world.MANIFEST,
        "signatures": [{"keyid": "x", "sig": world.b64(signature)}],
    }
    world.a_package(handed / "paket", envelope=json.dumps(envelope).encode())
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (handed / "segel.pub").write_bytes(pem)
    assert alone(handed / "kosong", *commands(handed)["package"]).returncode == 0


def test_the_file_fits_on_a_few_pages():
    assert len(FILE.read_text().splitlines()) <= 400
