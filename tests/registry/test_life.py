"""A draft passes the gate or stays a draft; a release is sealed, superseded, withdrawn, and never changed."""

import json
import os
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.factories_registry import PUBLISHED_AT, STORAGE, small_dataset

from bagipakai.cli import main
from bagipakai.core.canonical import canonical
from bagipakai.core.envelope import Signer
from bagipakai.core.gate import Exemption
from bagipakai.core.lifecycle import State
from bagipakai.core.plan import Unit
from bagipakai.core.refusal import Refusal
from bagipakai.registry import publishing
from bagipakai.registry.lineage import Lineage
from bagipakai.registry.releases import Release, lives_of, sha256
from bagipakai.registry.vault import Damaged

SEAL, STRANGER = Signer.from_seed(b"s" * 32), Signer.from_seed(b"x" * 32)
FIRST, NEXT = "2026.3.0", "2026.3.1"
WHY = "desil di satu provinsi dihitung dari berkas lama"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    return small_dataset(tmp_path_factory.mktemp("nation"), people=2000)


@pytest.fixture(scope="module")
def first(dataset, tmp_path_factory) -> Release:
    releases = tmp_path_factory.mktemp("house") / "releases"
    told = publishing.publish(dataset, releases, FIRST, PUBLISHED_AT, STORAGE, notes="Rilis pertama", seal=SEAL)
    assert isinstance(told, Release)
    return told


@pytest.fixture
def releases(first, tmp_path) -> Path:
    shutil.copytree(first.folder.parent, tmp_path / "releases", copy_function=os.link)
    return tmp_path / "releases"


def states(releases: Path) -> dict[str, State]:
    return {version: life.state for version, life in lives_of(releases, [SEAL.public]).items()}


def rewrite(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def spoil(releases: Path, version: str, **missing: int) -> None:
    """The draft's report with more missing values, as a source that did not arrive would leave it."""
    folder = publishing.draft_of(releases, version)
    report = json.loads((folder / "quality.json").read_bytes())
    for name, count in missing.items():
        report["individu"]["variables"][name]["missing"] = count
    drafted = json.loads((folder / "draft.json").read_bytes())
    rewrite(folder / "quality.json", canonical(report))
    drafted["quality"] = sha256(folder / "quality.json")
    rewrite(folder / "draft.json", canonical(drafted))


def test_a_draft_is_no_release_until_it_is_issued(dataset, tmp_path):
    releases = tmp_path / "releases"
    folder = publishing.draft(dataset, releases, FIRST, STORAGE, notes="x")
    assert folder == tmp_path / "drafts" / FIRST and not releases.exists()
    release = publishing.issue(releases, FIRST, PUBLISHED_AT, seal=SEAL)
    assert isinstance(release, Release) and release.manifest["notes"] == "x"
    assert not (tmp_path / "drafts").exists()
    assert {path.name for path in release.folder.iterdir()} == {
        "key.json",
        *("individu", "keluarga", "tallies", "quality.json", "release.json", "release.dsse.json"),
    }


def test_a_draft_above_a_limit_stays_a_draft_and_two_persons_can_let_it_through(dataset, tmp_path):
    releases = tmp_path / "releases"
    publishing.draft(dataset, releases, FIRST, STORAGE)
    spoil(releases, FIRST, desil=1500, nik=1000)
    no = publishing.issue(releases, FIRST, PUBLISHED_AT, seal=SEAL)
    assert isinstance(no, Refusal) and no.code == "release-quality-missing" and not releases.exists()
    persons = [{"name": "Sri", "post": "Kepala Bidang"}, {"name": "Made", "post": "Kepala Pusat"}]
    figures = [["individu", "missing", "desil"]]
    half = Exemption.from_json({"persons": persons, "reason": WHY, "figures": figures})
    assert publishing.issue(releases, FIRST, PUBLISHED_AT, exemption=half, seal=SEAL).detail["variable"] == "nik"
    whole = Exemption.from_json(
        {"persons": persons, "reason": WHY, "figures": [*figures, ["individu", "missing", "nik"]]}
    )
    release = publishing.issue(releases, FIRST, PUBLISHED_AT, exemption=whole, seal=SEAL)
    gate = release.manifest["gate"]
    assert gate["exemption"]["persons"] == persons and gate["exemption"]["reason"] == WHY
    assert {one["name"] for one in gate["above"]} == {"desil", "nik"} and all(one["basis"] for one in gate["above"])
    assert "gate" not in release.metadata(), "names of officers and figures stay in the house"


def test_the_release_before_is_the_measure_of_change(dataset, releases):
    publishing.draft(dataset, releases, NEXT, STORAGE)
    assert publishing.judged(releases, NEXT, date(2026, 10, 1)).above == ()
    spoil(releases, NEXT, memiliki_rekening=1400)
    no = publishing.issue(releases, NEXT, PUBLISHED_AT, seal=SEAL)
    assert no.code == "release-quality-missing-change" and no.detail["variable"] == "memiliki_rekening"
    rewrite(publishing.draft_of(releases, NEXT) / "quality.json", b"{}")
    with pytest.raises(Damaged):  # a report that was touched is none
        publishing.issue(releases, NEXT, PUBLISHED_AT, seal=SEAL)
    assert states(releases) == {FIRST: State.PUBLISHED}


def test_a_seal_is_checked_by_who_knows_the_key(releases):
    assert Release.open(releases, FIRST, trusted=[STRANGER.public, SEAL.public]).version == FIRST
    with pytest.raises(Damaged) as of_another:
        Release.open(releases, FIRST, trusted=[STRANGER.public])
    assert of_another.value.code == "release-seal-mismatch"
    manifest = json.loads((releases / FIRST / "release.json").read_bytes())
    rewrite(releases / FIRST / "release.json", canonical({**manifest, "notes": "lain"}))
    assert Release.open(releases, FIRST).manifest["notes"] == "lain"
    with pytest.raises(Damaged):
        Release.open(releases, FIRST, trusted=[SEAL.public])
    (releases / FIRST / "release.dsse.json").unlink()
    with pytest.raises(Damaged) as without:
        Release.open(releases, FIRST, trusted=[SEAL.public])
    assert without.value.code == "release-file-missing"


def test_the_next_supersedes_and_a_withdrawal_lets_the_one_before_stand_again(dataset, releases):
    before = {path: path.stat().st_mtime_ns for path in (releases / FIRST).rglob("*")}
    following = publishing.publish(dataset, releases, NEXT, datetime(2026, 8, 1, tzinfo=UTC), STORAGE, seal=SEAL)
    assert following.manifest["previous"]["version"] == FIRST
    assert states(releases) == {FIRST: State.SUPERSEDED, NEXT: State.PUBLISHED}
    no = publishing.withdraw(releases, NEXT, datetime(2026, 8, 2, tzinfo=UTC), "salah", SEAL)
    assert no.code == "release-withdrawal-without-reason"
    publishing.withdraw(releases, NEXT, datetime(2026, 8, 2, tzinfo=UTC), WHY, SEAL)
    assert lives_of(releases, [SEAL.public])[NEXT].reason == WHY
    assert states(releases) == {FIRST: State.PUBLISHED, NEXT: State.WITHDRAWN}
    again = publishing.withdraw(releases, NEXT, datetime(2026, 8, 3, tzinfo=UTC), WHY, SEAL)
    assert again.code == "release-withdrawn-already"
    assert {path: path.stat().st_mtime_ns for path in (releases / FIRST).rglob("*")} == before
    assert Release.open(releases, NEXT, trusted=[SEAL.public]).digest == following.digest


def test_an_event_that_the_house_did_not_seal_is_damage(releases):
    publishing.withdraw(releases, FIRST, datetime(2026, 8, 2, tzinfo=UTC), WHY, STRANGER)
    with pytest.raises(Damaged):
        states(releases)


def test_a_release_says_by_which_codes_it_is_read_and_where_each_variable_comes_from(first):
    manifest = first.manifest
    assert manifest["editions"]["regions"]["edition"] == first.region_edition
    coded = {one["codes"]["id"] for one in manifest["variables"] if one["codes"]}
    assert set(manifest["editions"]["codes"]) == coded
    assert all(one["edition"] and len(one["digest"]) == 64 for one in manifest["editions"]["codes"].values())
    known = {one["id"] for one in manifest["sources"]}
    for variable in manifest["variables"]:
        assert variable["lineage"]["source"] in known and variable["lineage"]["contract"] and variable["lineage"]["day"]


def test_each_value_has_a_source_and_a_day(first, dataset):
    lineage = Lineage.from_json(json.loads((dataset / "dataset.json").read_bytes())["lineage"], first.catalogue)
    days = {lineage.of_row(Unit.INDIVIDU, number, ["nama"])["nama"].day for number in range(8)}
    assert days == {date(2026, 7, 1), date(2026, 4, 1)}
    home = lineage.of_row(Unit.KELUARGA, 3, ["jenis_lantai", "daya_listrik"])
    assert home["jenis_lantai"].day == date(2025, 10, 1)
    assert home["daya_listrik"].day == date(2026, 7, 1), "PLN tells all at once"


def test_what_the_house_alone_needs_never_leaves(first):
    assert not {"gate", "values", "files", "tallies", "variables"} & set(first.metadata())
    assert first.metadata()["notes"] == "Rilis pertama" and first.metadata()["editions"]


def test_the_commands_draft_publish_withdraw_and_tell(dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    (tmp_path / "notes.txt").write_text("Rilis triwulan tiga.\n")
    assert main(["registry", "draft", str(dataset), "--version", FIRST, "--notes", str(tmp_path / "notes.txt")]) == 0
    assert main(["registry", "publish", "--version", FIRST, "--json"]) == 0
    assert '"notes": "Rilis triwulan tiga."' in capsys.readouterr().out
    assert main(["registry", "check", FIRST]) == 0
    assert main(["registry", "withdraw", FIRST, "--reason", WHY]) == 0
    capsys.readouterr()
    assert main(["registry", "states", "--json"]) == 0
    assert [(one["version"], one["state"], one["reason"]) for one in json.loads(capsys.readouterr().out)] == [
        (FIRST, "WITHDRAWN", WHY)
    ]
    assert main(["registry", "publish", "--version", NEXT]) == 1
    assert "release-draft-unknown" in capsys.readouterr().err
    report = tmp_path / "var" / "releases" / FIRST / "quality.json"
    report.unlink()
    report.write_bytes(b"{}")  # by which the next draft would be judged
    assert main(["registry", "draft", str(dataset), "--version", NEXT]) == 1
    assert "[release-file-altered]" in capsys.readouterr().err
