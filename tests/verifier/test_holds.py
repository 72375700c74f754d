"""What holds is said to hold, also where it looks unusual: a log that has grown since, was tidied, or is empty."""

import json
from dataclasses import fields

import pytest
from tests.verifier import world
from tests.verifier.strangers import log, refused, told
from tests.verifier.world import Trail, drawn, policy

from bagipakai import verifier
from bagipakai.core.manifest import MANIFEST_KIND, Part

SIZES = [0, 1, 2, 255, 256, 257, 300, 511, 512, 513, 700]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("batch", [0, 1, 97, 256])
def test_a_log_of_any_size_written_in_any_batches_holds(tmp_path, size, batch):
    Trail.of(drawn(size), batch).lay(tmp_path)
    assert log(tmp_path, policy()).startswith(f"{size} catatan, disaksikan")


def test_a_log_with_three_levels_of_tiles_holds_and_its_hashes_are_looked_at(tmp_path):
    """65,792 entries: one full tile above the leaves, one begun, and one above these."""
    trail = Trail.of([b"x"] * 65_792)
    trail.lay(tmp_path)
    assert log(tmp_path, policy()).startswith("65792 catatan")
    for name, where in {
        "tile/1/000": "catatan 0..255,",
        "tile/1/001.p/1": "catatan 65536..65791,",
        "tile/2/000.p/1": "catatan 0..65535,",
    }.items():
        (tmp_path / name).write_bytes(bytes(32) + trail.files[name][32:])
        code, place = refused(lambda: log(tmp_path, policy()))
        assert (code, place[: len(where)]) == ("hash-changed", where)
        (tmp_path / name).write_bytes(trail.files[name])
    (tmp_path / "tile/1/001.p/1").unlink()
    assert refused(lambda: log(tmp_path, policy())) == ("file-missing", "tile/1/001.p/1, mulai catatan 65536")


@pytest.mark.parametrize("size", [1, 150, 255, 256, 300, 513])
def test_an_older_checkpoint_holds_in_a_log_that_has_grown_since(tmp_path, size):
    """The writer lays files before it signs: a reader may find more than the checkpoint tells."""
    trail = Trail.of(drawn(size))
    note = trail.checkpoint()
    trail.grow(drawn(700)[size:])
    trail.lay(tmp_path, note)
    assert log(tmp_path, policy()).startswith(f"{size} catatan")


def test_the_narrow_file_that_the_checkpoint_asks_for_is_the_one_that_is_read(tmp_path):
    trail = Trail.of(drawn(150))
    note = trail.checkpoint()
    trail.grow(drawn(300)[150:])
    trail.lay(tmp_path, note)
    file = tmp_path / "tile/entries/000.p/150"
    file.write_bytes(file.read_bytes().replace(b"catatan-77", b"catatan-78", 1))
    code, where = refused(lambda: log(tmp_path, policy()))
    assert (code, where.split(",")[0]) == ("entry-changed", "catatan 77")


@pytest.mark.parametrize("size", [150, 300, 600])
def test_full_files_serve_where_narrow_ones_were_removed(tmp_path, size):
    trail = Trail.of(drawn(size))
    note = trail.checkpoint()
    trail.grow(drawn(1024)[size:])
    trail.lay(tmp_path, note)
    for file in tmp_path.rglob("*.p/*"):
        if file.parent.with_suffix("").is_file():
            file.unlink()
    assert log(tmp_path, policy()).startswith(f"{size} catatan")


def test_files_that_a_dying_writer_left_are_not_the_log_s(tmp_path):
    Trail.of(drawn(300), batch=100).lay(tmp_path)
    for name in ("tile/entries/001.p/.44.ab12cd34", "tile/0/.000.ab12cd34", ".checkpoint.ab12cd34", "signed"):
        (tmp_path / name).write_bytes(b"setengah")
    assert log(tmp_path, policy()).startswith("300 catatan")


def test_kept_checkpoints_are_files_or_a_folder_of_them(tmp_path):
    trail = Trail.of(drawn(300), batch=100)
    trail.lay(tmp_path / "jejak")
    (tmp_path / "dulu").mkdir()
    for size in (0, 100, 200, 300):
        (tmp_path / "dulu" / f"{size:012d}").write_bytes(trail.checkpoint(size))
    (tmp_path / "dulu" / ".000.ab12").write_bytes(b"setengah")
    assert log(tmp_path / "jejak", policy(), tmp_path / "dulu", tmp_path / "dulu" / "000000000100")


def test_payloads_are_compared_and_their_number_is_said(tmp_path):
    """What is exported ends at the checkpoint; an opening beyond it could be anything, and is refused."""
    facts = [world.fact("request.SUBMIT", f"PMT-{number}#1", {"isi": number}) for number in range(20)]
    Trail.of([fact.leaf for fact in facts[:15]]).lay(tmp_path / "jejak")
    rows = [fact.opened(seq) for seq, fact in enumerate(facts)]
    (tmp_path / "isi").write_text("\n".join(map(json.dumps, rows[:15])) + "\n")
    assert log(tmp_path / "jejak", policy(), opened=tmp_path / "isi").endswith("; 15 isi dibuka dan cocok.")
    (tmp_path / "isi").write_text("\n".join(map(json.dumps, rows[:16])) + "\n")
    code, where = refused(lambda: log(tmp_path / "jejak", policy(), opened=tmp_path / "isi"))
    assert (code, where) == ("not-in-log", "isi catatan 15 dari 15")


def test_without_witnesses_it_says_that_nobody_has_seen_it(tmp_path):
    trail = Trail.of(drawn(9))
    trail.lay(tmp_path, trail.checkpoint(by=()))
    rule = f"log {world.LOG.public}\nquorum none\n".encode()
    assert log(tmp_path, rule) == "9 catatan, ditandatangani tanpa saksi; 0 isi dibuka dan cocok."
    (tmp_path / "tile/0/000.p/9").write_bytes(bytes(32 * 9))
    assert refused(lambda: log(tmp_path, rule)) == ("hash-changed", "catatan 0, lain sejak ditandatangani tanpa saksi")


@pytest.mark.parametrize("time", [2**40, 2**62, 2**63 - 1])
def test_a_witness_with_a_clock_from_another_age_is_told_and_nothing_breaks(tmp_path, time):
    trail = Trail.of(drawn(9))
    trail.lay(tmp_path, trail.checkpoint(at=time))
    assert "disaksikan 9999-12-31 23:59:59 UTC" in log(tmp_path, policy())


@pytest.mark.parametrize("key", [world.p256(), world.ed25519()], ids=["P-256", "Ed25519"])
def test_a_decision_by_either_kind_of_passkey_holds(tmp_path, capsys, key):
    file = tmp_path / "keputusan.json"
    file.write_text(json.dumps(world.a_decision(key=key)))
    (tmp_path / "policy").write_bytes(policy())
    assert told(capsys, "decision", policy=tmp_path / "policy", file=file)[0] == 0


def test_a_decision_may_be_shown_without_its_dossier(tmp_path):
    """Not everybody who checks a signature may read the dossier."""
    record = world.a_decision()
    del record["dossier"], record["summary"]
    (tmp_path / "keputusan.json").write_text(json.dumps(record))
    assert "keputusan APPROVE" in verifier.check_decision(verifier.Policy(policy()), tmp_path / "keputusan.json")


@pytest.mark.parametrize("changes", [{"crossOrigin": None}, {"crossOrigin": False, "lain": 1}])
def test_what_a_browser_adds_to_its_client_data_is_no_fault(tmp_path, changes):
    client = world.client_data(world.DECISION, **changes)
    record = world.a_decision(signed=world.assertion(world.p256(), client, world.authenticator_data(0b1101)))
    (tmp_path / "keputusan.json").write_text(json.dumps(record))
    assert "keputusan APPROVE" in verifier.check_decision(verifier.Policy(policy()), tmp_path / "keputusan.json")


def test_a_package_with_its_papers_and_its_key_holds(tmp_path):
    world.a_package(tmp_path / "paket")
    for name in ("bast.pdf", "kunci.age", "catatan penerima.txt"):
        (tmp_path / "paket" / name).write_bytes(b"x")
    (tmp_path / "segel.pub").write_bytes(world.SEAL.public.to_pem())
    found = verifier.check_package(verifier.Policy(policy()), tmp_path / "paket", tmp_path / "segel.pub")
    assert found.startswith("4 bagian sesuai manifes")


def test_the_manifest_that_the_house_writes_is_the_one_that_is_read():
    """The file repeats three names of core.manifest, of which it may know nothing."""
    assert verifier.MANIFEST == MANIFEST_KIND == world.MANIFEST
    assert {"name", "sealed_sha256"} <= {field.name for field in fields(Part)}
