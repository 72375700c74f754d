"""A published release: immutable Parquet files and the manifest that says what each must be.

Every file that is read is compared with the manifest, and nothing that was read counts before all of it was found to be
what was published (decision 0015). The manifest itself is known by its own digest, which the office keeps and every
package repeats.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
from lokal import wilayah

from bagipakai.core.canonical import NotCanonical, canonical, read
from bagipakai.core.plan import Unit
from bagipakai.core.query import reaches
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry import tables
from bagipakai.registry.engines import Part, parts_in

MANIFEST, QUALITY = "release.json", "quality.json"
FORM = "bagipakai-release-1"
VERSION = re.compile(r"[0-9]{4}\.[1-4]\.(0|[1-9][0-9]{0,3})")  # year, quarter, correction

_SHA256 = re.compile(r"[0-9a-f]{64}")


class UnknownRelease(LookupError):
    """There is no published release of this version."""


class Damaged(Exception):
    """A file of a release is not what was published. `code` says how, `file` which, relative to the release."""

    def __init__(self, code: str, file: str) -> None:
        super().__init__(f"{code}: {file}")
        self.code, self.file = code, file

    @property
    def refusal(self) -> Refusal:
        return Refusal(self.code, {"file": self.file})


@dataclass(frozen=True, slots=True)
class File:
    """One data file as the manifest has it. `content` is the digest of what its rows say (registry.digest)."""

    path: str
    unit: Unit
    kode_kab: str
    rows: int
    bytes: int
    sha256: str
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
    def open(cls, releases: Path, version: str, whole: bool = True) -> "Release":
        """The release `version` under the folder `releases`. Raises UnknownRelease, or Damaged if the manifest is
        missing or contradicts itself and, unless not `whole`, if it does not fit the files there by name and size."""
        folder = releases / version
        if not VERSION.fullmatch(version) or not folder.is_dir():
            raise UnknownRelease(version)
        release = cls(folder, *_manifest(folder))
        if release.version != version:
            raise Damaged("release-manifest-of-another-version", MANIFEST)
        for damage in release._misfits() if whole else ():
            raise damage
        return release

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
        return date.fromisoformat(self.manifest["published_at"][:10])

    @property
    def person_count(self) -> int:
        return int(self.manifest["rows"][Unit.INDIVIDU.value])

    @property
    def family_count(self) -> int:
        return int(self.manifest["rows"][Unit.KELUARGA.value])

    def persons_in(self, area: Sequence[str]) -> int:
        """Persons in the regencies that `area` reaches into, as the manifest counts them."""
        return sum(one.rows for one in self.files if one.unit is Unit.INDIVIDU and reaches(tuple(area), one.kode_kab))

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
    def reading(self, unit: Unit | str, area: Sequence[str] = ()) -> Iterator[tuple[Part, ...]]:
        """The files of `unit` that can hold a row of `area` (region codes; none is the nation), in release order, while
        their digests are still being compared in a thread beside the reader's.

        The block is only left when that is done. Raises Damaged then, unless each file is what was published and was
        left alone from before the first read until after the last; so what was read is used *after* the block. Damage
        is told before whatever else went wrong in the block, because it explains it. Raises Damaged on entering for a
        file that is missing or of another size.
        """
        files = {str(self.folder / file.path): file for file in self.files if file.unit == Unit(unit)}
        parts = parts_in(tuple(area), [Part(path, file.kode_kab) for path, file in files.items()])
        before = {part.path: _state(part.path, files[part.path]) for part in parts}

        def settle() -> None:
            for one in compared:
                one.result()
            for path, state in before.items():  # also a file that was exchanged for the read and put back since
                if _state(path, files[path]) != state:
                    raise Damaged("release-file-altered", files[path].path)

        new = [path for path, state in before.items() if _CHECKED.get((path, files[path].sha256)) != state]
        with _Beside(max_workers=1) as thread:
            compared = [thread.submit(_verify, path, files[path], before[path]) for path in new]
            try:
                yield parts
            except Exception:
                settle()
                raise
            settle()

    def parts(self, unit: Unit | str, area: Sequence[str] = ()) -> tuple[Part, ...]:
        """The same files, each checked against its digest now. Raises Damaged."""
        with self.reading(unit, area) as parts:
            return parts

    def verified_files(self, unit: Unit | str, kab_codes: Sequence[str] | None = None) -> list[Path]:
        """The same as paths, for whole regencies. Raises Damaged."""
        return [Path(part.path) for part in self.parts(unit, tuple(kab_codes or ()))]

    def quality(self) -> dict[str, Any]:
        """The quality report (registry.quality). Raises Damaged."""
        text = _bytes(self.folder / QUALITY, QUALITY)
        if hashlib.sha256(text).hexdigest() != self.manifest["quality"]:
            raise Damaged("release-file-altered", QUALITY)
        return _said(text)

    def metadata(self) -> dict[str, Any]:
        """What goes with each delivery: the manifest without its files, and its digest."""
        told = {name: value for name, value in self.manifest.items() if name not in ("files", "variables")}
        return {**told, "digest": self.digest}

    def checked(self) -> Iterator[File | Damaged]:
        """Every file read whole and compared: as itself, or as its damage."""
        yield from (damage for damage in self._misfits() if damage.code == "release-file-extra")
        for file in self.files:
            try:
                path = str(self.folder / file.path)
                _verify(path, file, _state(path, file))
                yield file
            except Damaged as damage:
                yield damage
        try:
            self.quality()
        except Damaged as damage:
            yield damage

    def _misfits(self) -> Iterator[Damaged]:
        """Files that are missing, of another size or kind, or not in the manifest."""
        known = {file.path: file for file in self.files}
        for path, file in known.items():
            try:
                _state(str(self.folder / path), file)
            except Damaged as damage:
                yield damage
        allowed = {*known, MANIFEST, QUALITY}
        for name in sorted(_names(str(self.folder))):
            if name not in allowed:
                yield Damaged("release-file-extra", name)


def published(releases: Path) -> list[str]:
    """The versions under a folder of releases, oldest first, whole or not."""
    if not releases.is_dir():
        return []
    found = [path.name for path in releases.iterdir() if VERSION.fullmatch(path.name) and path.is_dir()]
    return sorted(found, key=order)


def order(version: str) -> tuple[int, ...]:
    """For sorting: 2026.10.0 never comes before 2026.2.0."""
    return tuple(int(number) for number in version.split("."))


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
        and all(_SHA256.fullmatch(text) for file in files for text in (file.sha256, file.content))
        and all(isinstance(number, int) and number >= 0 for file in files for number in (file.rows, file.bytes))
        and counted == value["rows"]
        and [file.path for file in files] == sorted(file.path for file in files)
        and isinstance(value["version"], str)
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


_State = tuple[int, ...]  # a file's device, inode, size, and times of modification and change

# What was checked in this process: path and digest → the file's state at that moment. A file that was touched since is
# read again.
_CHECKED: dict[tuple[str, str], _State] = {}


def _state(path: str, file: File) -> _State:
    """Raises Damaged for a file that is missing, no plain file, or of another size."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise Damaged("release-file-missing", file.path) from None
    if not stat.S_ISREG(found.st_mode):
        raise Damaged("release-file-not-plain", file.path)
    if found.st_size != file.bytes:
        raise Damaged("release-file-shortened" if found.st_size < file.bytes else "release-file-extended", file.path)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _verify(path: str, file: File, state: _State) -> None:
    """Raises Damaged unless the file has its digest, and had `state` all the while."""
    try:
        found = sha256(Path(path))
    except FileNotFoundError:
        raise Damaged("release-file-missing", file.path) from None
    if found != file.sha256 or _state(path, file) != state:
        raise Damaged("release-file-altered", file.path)
    _CHECKED[path, file.sha256] = state


class _Beside(ThreadPoolExecutor):
    """Work beside the reader's. What has not begun when the block is left is not begun any more."""

    def __exit__(self, *what: object) -> None:
        self.shutdown(cancel_futures=True)


def sha256(path: Path) -> str:
    """Of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
