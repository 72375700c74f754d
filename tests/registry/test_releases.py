"""A release: published whole or not at all, never changed, and no damaged file is ever handed out."""

import contextlib
import hashlib
import json
import os
import shutil
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.factories_registry import PUBLISHED_AT, STORAGE, in_clear

from bagipakai.cli import main
from bagipakai.core.canonical import canonical
from bagipakai.core.exchange import Announcement
from bagipakai.core.keyfiles import write_once
from bagipakai.core.plan import Unit
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry import publishing, tables
from bagipakai.registry.engines import EngineError
from bagipakai.registry.keys import StorageKey, receipt_signer
from bagipakai.registry.publishing import publish
from bagipakai.registry.releases import Release, UnknownRelease, order, published
from bagipakai.registry.vault import KEY, Damaged, ShelfKey

VERSION = "2026.3.0"
FIRST = tables.part("individu", "1101").as_posix()  # in the data set
JABAR = "individu/1601-3279.parquet"  # the files of the release in which they lie
BANTEN = "individu/3601-6271.parquet"


@pytest.fixture
def copy(release, tmp_path) -> Path:
    """The release once more, to be damaged; its files are links until `rewrite` makes one its own."""
    shutil.copytree(release.folder, tmp_path / VERSION, copy_function=os.link)
    return tmp_path / VERSION


@pytest.fixture
def dataset(release, tmp_path) -> Path:
    """The data set once more, to be damaged."""
    shutil.copytree(release.folder.parent.parent / "data", tmp_path / "data", copy_function=os.link)
    return tmp_path / "data"


def rewrite(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def opened(folder: Path) -> Release:
    return Release.open(folder.parent, folder.name)


def remade(folder: Path, **changes: object) -> None:
    """The manifest with other words, in canonical form, as somebody would who knows the format."""
    manifest = json.loads((folder / "release.json").read_bytes())
    rewrite(folder / "release.json", canonical({**manifest, **changes}))


def replace_manifest(release: Release, **changes: object) -> Release:
    return Release(release.folder, {**release.manifest, **changes}, release.digest)


# What a release says.


def test_a_release_says_what_is_in_it(release):
    manifest = release.manifest
    assert (release.version, release.person_count) == (VERSION, 3000)
    assert release.published_on == PUBLISHED_AT.date()
    late = replace_manifest(release, published_at="2026-09-30T17:30:00+00:00")
    assert late.published_on == date(2026, 10, 1)  # half an hour into the day, in the capital
    assert manifest["rows"] == {"individu": 3000, "keluarga": release.family_count}
    assert manifest["previous"] is None and manifest["synthetic"] is True
    assert manifest["region_system"] == "KEMENDAGRI" and release.region_edition == "Kepmendagri 300.2.2-2138/2025"
    assert manifest["catalogue"] == release.catalogue.digest and release.standard == release.catalogue.standard
    assert (
        manifest["content"]
        == json.loads((release.folder.parent.parent / "data" / "dataset.json").read_text())["content"]
    )


def test_every_file_is_named_with_what_it_must_be(release):
    assert len(release.files) == 2 * 7, "few people, few files"
    for file in release.files:
        path = release.folder / file.path
        assert path.stat().st_size == file.bytes
        assert hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256
    rows = {file.path: file.rows for file in release.files if file.unit is Unit.INDIVIDU}
    assert [table.num_rows for table in in_clear(release, "individu")] == list(rows.values())


def test_every_variable_has_the_entries_of_the_national_data_list(release):
    told = release.manifest["variables"]
    assert [one["name"] for one in told] == list(release.catalogue)
    for one in told:
        for entry in ("official_name", "definition", "type", "units", "measure", "sensitivity", "producer", "basis"):
            assert one[entry], (one["name"], entry)
        assert one["schedule"] and one["access"]["rows"] == "Terbatas"
    assert {one["name"]: one["access"]["table"] for one in told}["desil"] == "Terbuka"


def test_the_digest_of_a_release_is_that_of_its_manifest(release):
    assert release.digest == hashlib.sha256((release.folder / "release.json").read_bytes()).hexdigest()
    assert release.metadata()["digest"] == release.digest and "files" not in release.metadata()


def test_a_release_has_the_columns_of_its_catalogue_and_the_registrys_own(release):
    names = release.schema("individu").names
    assert names[-4:] == ["person_ordinal", "id_keluarga", "nik_number", "lineage"]
    assert names[:-4] == [one.name for one in Catalogue.on(release.reference_day).of_unit("individu")]


def test_no_file_of_a_release_can_be_written(release):
    assert {path.stat().st_mode & 0o777 for path in release.folder.rglob("*") if path.is_file()} == {0o444}


# Which files are handed out.


def read(release: Release, *area: str, unit: str = "individu") -> list[str]:
    """The regencies whose files were read to the end."""
    with release.reading(STORAGE, unit, area) as shelf:
        return [code for part in shelf.parts if shelf.open(part.path).read() for code in part.regencies]


def test_an_area_needs_only_the_files_of_its_regencies(release):
    of = {file.path: list(file.codes) for file in release.files}
    assert read(release, "3201012001", "3273") == of[JABAR] != read(release)
    assert read(release, "31", unit="keluarga") == of[JABAR.replace("individu", "keluarga")]
    assert read(release, "32", "36") == [*of[JABAR], *of[BANTEN]]


@pytest.mark.parametrize("area", [(), ("32",), ("3273", "9471"), ("3201012001",)])
def test_how_far_a_reader_is_counts_those_of_its_area(release, area):
    there = [
        rows
        for kab, rows in release.regencies(Unit.INDIVIDU)
        if not area or any(code[: len(kab)].startswith(kab[: len(code)]) for code in area)
    ]
    passed = release.persons_up_to(area)
    for ordinal in (-1, 0, 1, *(at for rows in there for at in (rows.start - 1, rows.start, rows.stop - 1, rows.stop))):
        assert passed(ordinal) == sum(ordinal >= place for rows in there for place in rows)
    assert passed(release.person_count) == release.persons_in(area)


def test_the_nation_is_all_files_in_release_order(release):
    regencies = read(release)
    assert len(regencies) == 514 and regencies == sorted(regencies)


# What is noticed.


def shorten(path: Path) -> None:
    rewrite(path, path.read_bytes()[:-1])


def extend(path: Path) -> None:
    rewrite(path, path.read_bytes() + b"\0")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    rewrite(path, bytes(content))


def link_away(path: Path) -> None:
    shutil.copy(path, path.parent.parent / "elsewhere")
    path.unlink()
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (shorten, "release-file-shortened"),
        (extend, "release-file-extended"),
        (Path.unlink, "release-file-missing"),
        (link_away, "release-file-not-plain"),
    ],
)
def test_a_file_of_another_size_or_kind_is_noticed_when_the_release_is_opened(copy, damage, code):
    damage(copy / JABAR)
    with pytest.raises(Damaged) as noticed:
        opened(copy)
    assert (noticed.value.code, noticed.value.file) == (code, JABAR)
    assert JABAR in noticed.value.refusal.sentence()


def test_a_file_with_one_bit_changed_is_never_handed_out(copy):
    flip(copy / JABAR)
    release = opened(copy)
    with pytest.raises(Damaged, match="release-file-altered") as noticed:
        read(release, "3201")
    assert noticed.value.file == JABAR
    assert "3601" in read(release, "36"), "the others are whole"


def test_damage_is_told_before_what_came_of_it(copy):
    """A damaged file makes engines fail; who reads the answer must learn why."""
    flip(copy / JABAR)
    with pytest.raises(Damaged, match="release-file-altered"), opened(copy).reading(STORAGE, "individu") as shelf:
        with contextlib.suppress(Damaged):
            shelf.open(shelf.name(JABAR)).read()
        raise EngineError("InvalidInputException")


def test_what_fails_over_whole_files_is_told_as_it_is(copy):
    with pytest.raises(EngineError, match="OutOfMemory"), opened(copy).reading(STORAGE, "individu", ["3201"]):
        raise EngineError("OutOfMemoryException")


def test_two_files_that_changed_places_are_noticed(copy):
    one, other = copy / JABAR, copy / BANTEN
    first, second = one.read_bytes(), other.read_bytes()
    rewrite(one, second)
    rewrite(other, first)
    with pytest.raises(Damaged):
        read(opened(copy), "32", "36")


def test_without_its_key_a_release_can_be_looked_at_and_not_read(copy):
    """To destroy a release is to destroy that one small file."""
    (copy / KEY).unlink()
    release = opened(copy)
    assert release.person_count == 3000
    with pytest.raises(Damaged, match="release-key-missing"):
        read(release)


def test_no_value_of_a_release_lies_in_clear(release):
    everybody = [str(name) for table in in_clear(release, "individu", ["3201"]) for name in table["nama"].to_pylist()]
    names = [name.encode() for name in everybody if len(name) > 9]  # two letters stand anywhere
    sealed = (release.folder / JABAR).read_bytes()
    assert names and not any(name in sealed for name in names) and b"PAR1" not in sealed[-8:]


def test_laid_open_for_another_engine_the_files_are_the_same_and_gone_afterwards(release, tmp_path):
    with release.laid_open(STORAGE, "individu", tmp_path, ["3201"]) as parts:
        (one,) = parts
        assert pq.read_table(one.path, partitioning=None).equals(next(in_clear(release, "individu", ["3201"])))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_the_manifest_does_not_name_is_noticed(copy):
    (copy / "individu" / "3280.parquet").write_bytes(b"PAR1")
    with pytest.raises(Damaged, match="release-file-extra"):
        opened(copy)


def test_a_changed_quality_report_is_noticed(copy):
    report = (copy / "quality.json").read_bytes()
    rewrite(copy / "quality.json", report.replace(b'"missing":0', b'"missing":9', 1))
    with pytest.raises(Damaged, match="release-file-altered"):
        opened(copy).quality()


def manifest_without(folder: Path, key: str) -> None:
    manifest = json.loads((folder / "release.json").read_bytes())
    del manifest[key]
    rewrite(folder / "release.json", canonical(manifest))


def first_file(folder: Path, **changes: object) -> list[dict[str, object]]:
    files = json.loads((folder / "release.json").read_bytes())["files"]
    return [{**files[0], **changes}, *files[1:]]


def first_regency(folder: Path, **changes: object) -> list[dict[str, object]]:
    first, *others = json.loads((folder / "release.json").read_bytes())["files"][0]["regencies"]
    return first_file(folder, regencies=[{**first, **changes}, *others])


def first_tally(folder: Path, **changes: object) -> list[dict[str, object]]:
    first, *others = json.loads((folder / "release.json").read_bytes())["tallies"]
    return [{**first, **changes}, *others]


def without_its_last_regency(folder: Path) -> list[dict[str, object]]:
    return first_file(folder, regencies=first_regency(folder)[0]["regencies"][:-1])


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda copy: (copy / "release.json").unlink(), "release-file-missing"),
        (lambda copy: rewrite(copy / "release.json", b"{"), "release-manifest-malformed"),
        (lambda copy: extend(copy / "release.json"), "release-manifest-malformed"),
        (
            lambda copy: rewrite(copy / "release.json", b" " + (copy / "release.json").read_bytes()),
            "release-manifest-malformed",
        ),
        (lambda copy: remade(copy, form="lain"), "release-manifest-malformed"),
        (lambda copy: remade(copy, reference_day="kemarin"), "release-manifest-malformed"),
        (lambda copy: manifest_without(copy, "rows"), "release-manifest-malformed"),
        (lambda copy: remade(copy, files=first_file(copy, note="x")), "release-manifest-malformed"),
        (lambda copy: remade(copy, version="2026.3.1"), "release-manifest-of-another-version"),
        (lambda copy: remade(copy, rows={"individu": 3001, "keluarga": 1}), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_file(copy, path="../../rahasia")), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_regency(copy, kode_kab="0000")), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_regency(copy, kode_kab="1102")), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_regency(copy, content="0")), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_regency(copy, note="x")), "release-manifest-malformed"),
        (lambda copy: remade(copy, files=without_its_last_regency(copy)), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_file(copy, regencies=[])), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_file(copy, sha256="0")), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_regency(copy, rows=-1)), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, most_members=0), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, most_members=-1), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, most_members="5"), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_file(copy)[::-1]), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_file(copy) * 2), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, files=first_file(copy, bytes=1)), "release-file-extended"),
        (lambda copy: manifest_without(copy, "tallies"), "release-manifest-malformed"),
        (lambda copy: remade(copy, tallies=first_tally(copy, note="x")), "release-manifest-malformed"),
        (lambda copy: remade(copy, tallies=first_tally(copy, path="../../rahasia")), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, tallies=first_tally(copy, by=["desil"])), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, tallies=first_tally(copy, blocks="0")), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, tallies=first_tally(copy, rows=-1)), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, tallies=first_tally(copy)[::-1]), "release-manifest-inconsistent"),
        (lambda copy: remade(copy, tallies=first_tally(copy, bytes=1)), "release-file-extended"),
    ],
)
def test_a_manifest_that_was_changed_is_not_believed(copy, damage, code):
    damage(copy)
    with pytest.raises(Damaged) as noticed:
        opened(copy)
    assert noticed.value.code == code
    assert noticed.value.refusal.sentence()


@pytest.mark.parametrize("version", ["2026.3.9", "../2026.3.0", "2026.3.0/", "", ".", "2026.5.0"])
def test_what_was_never_published_is_unknown(release, version):
    with pytest.raises(UnknownRelease):
        Release.open(release.folder.parent, version)


# Publishing.


def test_a_published_version_is_never_published_again(release, dataset):
    before = {path: path.stat().st_mtime_ns for path in release.folder.rglob("*")}
    outcome = publish(dataset, release.folder.parent, VERSION, PUBLISHED_AT, STORAGE)
    assert outcome == Refusal("release-exists", {"version": VERSION})
    assert VERSION in outcome.sentence()
    assert {path: path.stat().st_mtime_ns for path in release.folder.rglob("*")} == before
    assert published(release.folder.parent) == [VERSION]


@pytest.mark.parametrize(
    "version", ["2026.3", "2026.0.1", "2026.5.0", "v2026.3.0", "2026.3.01", "../x", "2026.3.0\n", ""]
)
def test_a_version_is_year_quarter_and_correction(dataset, tmp_path, version):
    outcome = publish(dataset, tmp_path / "releases", version, PUBLISHED_AT, STORAGE)
    assert isinstance(outcome, Refusal) and outcome.code == "release-version-malformed"
    assert not (tmp_path / "releases").exists()


def test_versions_are_ordered_as_numbers():
    assert sorted(["2026.4.10", "2026.4.9", "2026.1.0", "2025.4.0"], key=order) == [
        "2025.4.0",
        "2026.1.0",
        "2026.4.9",
        "2026.4.10",
    ]


def test_the_next_release_names_the_one_before_and_says_the_same_of_the_same_data(release, dataset, tmp_path):
    shutil.copytree(release.folder, tmp_path / "releases" / VERSION, copy_function=os.link)
    following = publish(dataset, tmp_path / "releases", "2026.4.0", PUBLISHED_AT, STORAGE)
    assert following.manifest["previous"] == {"version": VERSION, "digest": release.digest}
    assert following.manifest["content"] == release.manifest["content"]
    assert [(file.path, file.regencies) for file in following.files] == [
        (file.path, file.regencies) for file in release.files
    ]
    assert following.quality() == release.quality()


def described(dataset: Path, **changes: object) -> None:
    told = json.loads((dataset / "dataset.json").read_text())
    rewrite(dataset / "dataset.json", json.dumps({**told, **changes}).encode())


def without_a_row(path: Path) -> None:
    table = pq.read_table(path)
    path.unlink()
    pq.write_table(table.slice(1), path, store_schema=False)


def with_another_value(path: Path) -> None:
    table = pq.read_table(path)
    at = table.schema.get_field_index("umur")
    path.unlink()
    changed = table.set_column(at, table.schema.field(at), [[119] * table.num_rows])
    pq.write_table(changed, path, store_schema=False)


def without_a_column(path: Path) -> None:
    table = pq.read_table(path)
    path.unlink()
    pq.write_table(table.drop_columns(["desil"]), path, store_schema=False)


def with_rows_of(dataset: Path, kab: str) -> None:
    rewrite(dataset / FIRST, (dataset / tables.part("individu", kab)).read_bytes())


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda data: (data / "dataset.json").unlink(), "dataset-missing"),
        (lambda data: rewrite(data / "dataset.json", b"[]"), "dataset-malformed"),
        (lambda data: rewrite(data / "dataset.json", b"{"), "dataset-malformed"),
        (lambda data: described(data, files=[]), "dataset-malformed"),
        (lambda data: described(data, form="lain"), "dataset-malformed"),
        (lambda data: described(data, catalogue="0" * 64), "dataset-of-another-catalogue"),
        (lambda data: described(data, region_edition="Kepmendagri 2020"), "dataset-of-another-edition"),
        (lambda data: (data / FIRST).unlink(), "dataset-file-missing"),
        (lambda data: (data / "catatan.txt").write_text("x"), "dataset-file-extra"),
        (lambda data: link_away(data / FIRST), "dataset-file-extra"),
        (lambda data: rewrite(data / FIRST, (data / FIRST).read_bytes()[:100]), "dataset-file-unreadable"),
        (lambda data: without_a_column(data / FIRST), "dataset-file-of-another-form"),
        (lambda data: with_another_value(data / FIRST), "dataset-file-altered"),
        (lambda data: without_a_row(data / FIRST), "dataset-order-broken"),
        (lambda data: with_rows_of(data, "3201"), "dataset-file-of-another-region"),
    ],
)
def test_data_that_are_not_what_was_made_are_refused_and_leave_nothing(dataset, tmp_path, damage, code):
    damage(dataset)
    outcome = publish(dataset, tmp_path / "releases", VERSION, PUBLISHED_AT, STORAGE)
    assert isinstance(outcome, Refusal)
    assert outcome.code == code
    assert "–" not in outcome.sentence(), "every blank of the sentence is filled"
    assert not (tmp_path / "releases").exists() or list((tmp_path / "releases").iterdir()) == []


def test_a_publication_that_is_stopped_leaves_nothing_half_published_and_is_taken_up(
    release, dataset, tmp_path, monkeypatch
):
    heard = []
    monkeypatch.setattr(tables, "ENOUGH", 0)  # a province a file

    def stop(rows):
        heard.append(rows)
        if len(heard) == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(dataset, tmp_path / "releases", VERSION, PUBLISHED_AT, STORAGE, told=stop)
    assert published(tmp_path / "releases") == [] and not (tmp_path / "drafts" / VERSION).exists()
    whole, again = publishing._neighbours, []
    monkeypatch.setattr(publishing, "_neighbours", lambda making, codes: again.append(codes) or whole(making, codes))
    made = publish(dataset, tmp_path / "releases", VERSION, PUBLISHED_AT, STORAGE)
    assert 0 < len(again) <= 29, "what was read and sealed before is not made again"
    assert made.manifest["content"] == release.manifest["content"]
    assert not [damage for damage in made.checked() if isinstance(damage, Damaged)]
    assert len(read(made)) == 514


# The command.


@pytest.fixture
def no_house(tmp_path, monkeypatch):
    """A folder `var` without keys: no seal is known by which a release could be judged."""
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))


def test_check_says_that_a_release_is_whole(release, no_house, capsys):
    assert main(["registry", "check", str(release.folder)]) == 0
    assert "utuh: 17 berkas" in capsys.readouterr().out


def test_check_names_every_damage_and_fails(copy, no_house, capsys):
    flip(copy / JABAR)
    (copy / BANTEN).unlink()
    (copy / "catatan.txt").write_text("x")
    assert main(["registry", "check", str(copy)]) == 1
    said = capsys.readouterr().err
    for code, name in (
        ("release-file-altered", JABAR),
        ("release-file-missing", BANTEN),
        ("release-file-extra", "catatan.txt"),
        ("release-damaged", VERSION),
    ):
        assert any(code in line and name in line for line in said.splitlines()), code


def test_check_looks_at_the_key_too_where_its_storage_key_lies(copy, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    (tmp_path / "var" / "keys" / "registry").mkdir(parents=True)
    write_once(tmp_path / "var" / "keys" / "registry" / "storage.key", STORAGE.raw, 0o600)
    assert main(["registry", "check", str(copy)]) == 0
    own = ShelfKey.new(VERSION).wrapped(StorageKey(b"x" * 32))
    for content, code in (
        (own, "release-key-of-another-storage"),
        (b"{}", "release-key-malformed"),
        (None, "release-key-missing"),
    ):
        (copy / KEY).unlink()
        if content is not None:
            (copy / KEY).write_bytes(content)
        capsys.readouterr()
        assert main(["registry", "check", str(copy)]) == 1
        said = capsys.readouterr().err
        assert code in said and "release-damaged" in said
        (copy / KEY).touch()


def test_the_announcement_is_sealed_and_says_what_the_office_needs(release, tmp_path, monkeypatch):
    monkeypatch.setenv("BAGIPAKAI_VAR", str(tmp_path / "var"))
    (tmp_path / "var" / "keys" / "registry").mkdir(parents=True)
    write_once(tmp_path / "var" / "keys" / "registry" / "storage.key", STORAGE.raw, 0o600)
    assert main(["registry", "announce", str(release.folder), "--out", str(tmp_path / "pengumuman.json")]) == 0
    key = receipt_signer(tmp_path / "var" / "keys").public
    told = Announcement.unsealed((tmp_path / "pengumuman.json").read_bytes(), key)
    assert (told.version, told.digest, told.persons) == (VERSION, release.digest, 3000)
    assert (told.families, told.published_on) == (release.family_count, release.published_on)
    assert len(told.regions) == 38 + 514 + 7285 + 83762
    assert told.preview is not None and set(told.preview.bands) == {"individu", "keluarga"}
    assert len((tmp_path / "pengumuman.json").read_bytes()) < 8_000_000


def test_the_commands_refuse_with_a_sentence_and_a_code(release, tmp_path, capsys):
    refused = [
        (["synthesise", "--people", "10", "--out", str(tmp_path / "x")], "dataset-size-impossible"),
        (["synthesise", "--people", "3000", "--out", str(release.folder)], "dataset-exists"),
        (["publish", str(tmp_path), "--version", VERSION, "--releases", str(tmp_path / "r")], "dataset-missing"),
        (["check", str(tmp_path / "2026.1.0")], "release-unknown"),
        (["announce", str(tmp_path / "2026.1.0"), "--out", str(tmp_path / "x")], "release-unknown"),
    ]
    for words, code in refused:
        assert main(["registry", *words]) == 1
        last = capsys.readouterr().err.strip().splitlines()[-1]
        assert last.endswith(f"[{code}]") and len(last) > len(code) + 20


def test_what_a_command_cannot_read_is_told_in_a_sentence(tmp_path, capsys):
    missing = str(tmp_path / "catatan.txt")
    unreadable = {
        ("draft", str(tmp_path), "--version", VERSION, "--notes", missing): "tidak terbaca; perlu teks UTF-8",
        ("sources", "--day", "kemarin"): "bukan tanggal yang ditulis TTTT-BB-HH: 'kemarin'",
    }
    for words, told in unreadable.items():
        with pytest.raises(SystemExit) as stopped:
            main(["registry", *words])
        assert stopped.value.code == 2 and told in capsys.readouterr().err
    assert main(["registry", "sources", "--day", "2019-01-01"]) == 1
    assert "Belum ada kontrak" in capsys.readouterr().err
