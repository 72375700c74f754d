"""A published release: immutable Parquet files, sealed at rest, and the manifest that says what each must be.

No byte of a file is used before it was found to be what was published (registry.vault, decision 0103). The manifest
itself is known by its own digest, which the office keeps and every package repeats; beside it lies the signed event of
its publication, which names that digest (decision 0096).
"""

import hashlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from lokal import wilayah

from bagipakai.core.canonical import NotCanonical, canonical, read
from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.lifecycle import VERSION, Deed, Event, Life, lives, order
from bagipakai.core.plan import Unit
from bagipakai.core.query import reaches
from bagipakai.core.variables import Catalogue
from bagipakai.registry import tables
from bagipakai.registry.engines import Part
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.vault import KEY, Damaged, Entry, Shelf, ShelfKey, look

MANIFEST, QUALITY, SEAL = "release.json", "quality.json", "release.dsse.json"
EVENTS = "events"  # the folder of what was done to releases after they were published, beside them
IDENTITIES = (
    "identities"  # the folder beside the releases' own in which it lies who is who (registry.matching.identities)
)
FORM = "bagipakai-release-2"

_SHA256 = re.compile(r"[0-9a-f]{64}")
_OF_THE_HOUSE = ("files", "variables", "gate", "values", "sets")


class UnknownRelease(LookupError):
    """There is no published release of this version."""


@dataclass(frozen=True, slots=True)
class File:
    """One data file as the manifest has it: `bytes`, `sha256` and `blocks` are of the sealed file (registry.vault),
    `content` is the digest of what its rows say (registry.digest)."""

    path: str
    unit: Unit
    kode_kab: str
    rows: int
    bytes: int
    sha256: str
    blocks: str
    content: str


@dataclass(frozen=True)
class Release:
    """A published release whose manifest agrees with itself and with the folder's list of files.

    `digest` is the SHA-256 of `release.json`, and stands for everything in the release.
    """

    folder: Path
    manifest: dict[str, Any]
    digest: str

    @classmethod
    def open(cls, releases: Path, version: str, whole: bool = True, trusted: Sequence[PublicKey] = ()) -> "Release":
        """The release `version` under the folder `releases`. Raises UnknownRelease, or Damaged if the manifest is
        missing, contradicts itself, or was sealed by none of the `trusted` keys (without any, the seal is not looked
        at) and, unless not `whole`, if it does not fit the files there by name and size."""
        folder = releases / version
        if not VERSION.fullmatch(version) or not folder.is_dir():
            raise UnknownRelease(version)
        release = cls(folder, *_manifest(folder))
        if release.version != version:
            raise Damaged("release-manifest-of-another-version", MANIFEST)
        if trusted:
            release._must_be_sealed(trusted)
        for damage in release.misfits() if whole else ():
            raise damage
        return release

    def _must_be_sealed(self, trusted: Sequence[PublicKey]) -> None:
        try:
            event = Event.unsealed(_bytes(self.folder / SEAL, SEAL), trusted)
        except BadSeal:
            raise Damaged("release-seal-mismatch", SEAL) from None
        if (event.deed, event.version, event.digest) != (Deed.PUBLISH, self.version, self.digest):
            raise Damaged("release-seal-mismatch", SEAL)

    @property
    def version(self) -> str:
        return str(self.manifest["version"])

    @property
    def standard(self) -> str:
        return str(self.manifest["standard"])

    @property
    def region_edition(self) -> str:
        return str(self.manifest["region_edition"])

    @property
    def reference_day(self) -> date:
        """The day on which ages were counted."""
        return date.fromisoformat(self.manifest["reference_day"])

    @property
    def published_on(self) -> date:
        """The day in the capital, as the portal tells it."""
        return day_of(datetime.fromisoformat(self.manifest["published_at"]))

    @property
    def person_count(self) -> int:
        return int(self.manifest["rows"][Unit.INDIVIDU.value])

    @property
    def family_count(self) -> int:
        return int(self.manifest["rows"][Unit.KELUARGA.value])

    def persons_in(self, area: Sequence[str]) -> int:
        """Persons in the regencies that `area` reaches into, as the manifest counts them."""
        return sum(one.rows for one in self.files if one.unit is Unit.INDIVIDU and reaches(tuple(area), one.kode_kab))

    def persons_up_to(self, ordinal: int, area: Sequence[str]) -> int:
        """How many of those stand at or before this place in the release's order: how far a reader is."""
        first = passed = 0
        for one in self.files:
            if one.unit is Unit.INDIVIDU:
                if reaches(tuple(area), one.kode_kab):
                    passed += min(max(0, ordinal + 1 - first), one.rows)
                first += one.rows
        return passed

    @property
    def most_members(self) -> int:
        """How many members the largest family has."""
        return int(self.manifest["most_members"])

    @cached_property
    def catalogue(self) -> Catalogue:
        """The catalogue by which the release was made."""
        return Catalogue.on(self.reference_day)

    @cached_property
    def files(self) -> tuple[File, ...]:
        """In release order: by table, then by region."""
        return tuple(File(**{**one, "unit": Unit(one["unit"])}) for one in self.manifest["files"])

    def schema(self, unit: Unit | str) -> pa.Schema:
        """The columns of a table, the registry's own last."""
        return tables.schema(unit, self.catalogue)

    @contextmanager
    def reading(self, storage: StorageKey, unit: Unit | str, area: Sequence[str] = ()) -> Iterator[Shelf]:
        """The files of `unit` that can hold a row of `area` (region codes; none is the nation), in release order, as a
        shelf from which an engine reads what was published or nothing.

        Raises Damaged on entering for a file that is missing or of another size, or if `storage` does not open this
        release; and for damage that a reader met in the block, instead of what the engine made of it.
        """
        with self._shelf(storage, unit, area).reading() as shelf:
            yield shelf

    @contextmanager
    def laid_open(
        self, storage: StorageKey, unit: Unit | str, folder: Path, area: Sequence[str] = ()
    ) -> Iterator[tuple[Part, ...]]:
        """The same files in clear under `folder`, a private one, for an engine that cannot read from a shelf. They are
        gone when the block is left. Raises Damaged, OSError."""
        shelf = self._shelf(storage, unit, area)
        here = folder / "laid-open"
        try:
            yield tuple(shelf.lay_open(here))
        finally:
            shutil.rmtree(here, ignore_errors=True)

    def _shelf(self, storage: StorageKey, unit: Unit | str, area: Sequence[str]) -> Shelf:
        files = [file for file in self.files if file.unit == Unit(unit) and reaches(tuple(area), file.kode_kab)]
        for file in files:
            look(self.folder / file.path, file.bytes, file.path)
        return shelf(self.folder, files, ShelfKey.unwrapped(self.folder, self.version, storage))

    def quality(self) -> dict[str, Any]:
        """The quality report (registry.quality). Raises Damaged."""
        text = _bytes(self.folder / QUALITY, QUALITY)
        if hashlib.sha256(text).hexdigest() != self.manifest["quality"]:
            raise Damaged("release-file-altered", QUALITY)
        return _said(text)

    def metadata(self) -> dict[str, Any]:
        """What goes with each delivery: the manifest without its files and what concerns the house alone, and its
        digest."""
        told = {name: value for name, value in self.manifest.items() if name not in _OF_THE_HOUSE}
        return {**told, "digest": self.digest}

    def checked(self) -> Iterator[File | Damaged]:
        """Every file read whole and compared: as itself, or as its damage."""
        yield from (damage for damage in self.misfits() if damage.code == "release-file-extra")
        for file in self.files:
            try:
                look(self.folder / file.path, file.bytes, file.path)
                if sha256(self.folder / file.path) != file.sha256:
                    raise Damaged("release-file-altered", file.path)
                yield file
            except Damaged as damage:
                yield damage
        try:
            self.quality()
        except Damaged as damage:
            yield damage

    def misfits(self, besides: Iterable[str] = ()) -> Iterator[Damaged]:
        """Files that are missing, of another size or kind, or not in the manifest."""
        known = {file.path: file for file in self.files}
        for file in known.values():
            try:
                look(self.folder / file.path, file.bytes, file.path)
            except Damaged as damage:
                yield damage
        allowed = {*known, MANIFEST, QUALITY, KEY, SEAL, *besides}
        for name in sorted(_names(str(self.folder))):
            if name not in allowed:
                yield Damaged("release-file-extra", name)


def shelf(folder: Path, files: Iterable[File], key: ShelfKey) -> Shelf:
    """These files of the release in `folder`, as an engine reads them."""
    return Shelf(key, {file.path: Entry(folder / file.path, file.blocks, file.kode_kab, file.rows) for file in files})


def published(releases: Path) -> list[str]:
    """The versions under a folder of releases, oldest first, whole or not."""
    if not releases.is_dir():
        return []
    found = [path.name for path in releases.iterdir() if VERSION.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=order)


def lives_of(releases: Path, trusted: Sequence[PublicKey]) -> Mapping[str, Life]:
    """The state of every release under a folder: the fold of the events there that one of `trusted` signed. Raises
    Damaged for an event that none of them did."""
    files = [releases / version / SEAL for version in published(releases)]
    files += sorted((releases / EVENTS).glob("*.dsse.json"))
    return lives(_events((file for file in files if file.is_file()), trusted))


def _events(files: Iterable[Path], trusted: Sequence[PublicKey]) -> Iterator[Event]:
    for file in files:
        try:
            yield Event.unsealed(_bytes(file, file.name), trusted)
        except BadSeal:
            raise Damaged("release-seal-mismatch", f"{file.parent.name}/{file.name}") from None


def _manifest(folder: Path) -> tuple[dict[str, Any], str]:
    text = _bytes(folder / MANIFEST, MANIFEST)
    return _believed(text), hashlib.sha256(text).hexdigest()


@lru_cache(maxsize=4)
def _believed(text: bytes) -> dict[str, Any]:
    """What these bytes say, looked through once in a process: the same bytes say the same. Nobody may change it."""
    try:
        value: dict[str, Any] = read(text)
        if canonical(value) != text or value["form"] != FORM:
            raise Damaged("release-manifest-malformed", MANIFEST)
        if not _agrees(value):
            raise Damaged("release-manifest-inconsistent", MANIFEST)
    except (NotCanonical, KeyError, TypeError, ValueError):
        raise Damaged("release-manifest-malformed", MANIFEST) from None
    return value


@lru_cache(maxsize=4)
def _said(text: bytes) -> dict[str, Any]:
    """What bytes say that the publisher wrote strictly and whose digest is known. Nobody may change it."""
    value: dict[str, Any] = json.loads(text)
    return value


def _agrees(value: dict[str, Any]) -> bool:
    """Whether the manifest names each file of each unit once, where it must stand, and counts them right."""
    files = [File(**{**one, "unit": Unit(one["unit"])}) for one in value["files"]]
    places = [(file.unit, file.kode_kab) for file in files]
    counted = {unit.value: sum(file.rows for file in files if file.unit == unit) for unit in Unit}
    date.fromisoformat(value["reference_day"])
    return (
        len(set(places)) == len(places)
        and all(file.path == tables.part(file.unit, file.kode_kab).as_posix() for file in files)
        and all(_is_regency(file.kode_kab) for file in files)
        and all(_SHA256.fullmatch(text) for file in files for text in (file.sha256, file.blocks, file.content))
        and all(isinstance(number, int) and number >= 0 for file in files for number in (file.rows, file.bytes))
        and counted == value["rows"]
        and [file.path for file in files] == sorted(file.path for file in files)
        and isinstance(value["version"], str)
        and isinstance(value["most_members"], int)
        and value["most_members"] > 0  # by it persons are counted as families; a family has a member
    )


def _is_regency(code: str) -> bool:
    """Looked up one by one: the villages of the whole gazetteer take longer to load than a regency to deliver."""
    return len(code) == 4 and code.isascii() and code.isdigit() and wilayah.wilayah_name(code) is not None


def _bytes(path: Path, name: str) -> bytes:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise Damaged("release-file-not-plain", name)
        return path.read_bytes()
    except FileNotFoundError:
        raise Damaged("release-file-missing", name) from None


def _names(folder: str, within: str = "") -> Iterator[str]:
    """Whatever lies in `folder` and is no folder of its own, by its path from there."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _names(entry.path, f"{within}{entry.name}/")
            else:
                yield within + entry.name


def sha256(path: Path) -> str:
    """Of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
