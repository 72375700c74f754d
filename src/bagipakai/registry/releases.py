"""A published release: immutable Parquet files and the manifest that says what each must be.

A file is compared with the manifest before it is handed to anybody: its digest first, its rows never. The manifest
itself is known by its own digest, which the office keeps and every package repeats.
"""

import hashlib
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from bagipakai.core.canonical import NotCanonical, canonical, read
from bagipakai.core.plan import Unit
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry import tables
from bagipakai.registry.engines import Part, parts_in
from bagipakai.registry.regions import Region, regions

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

    def parts(self, unit: Unit | str, area: Sequence[str] = ()) -> tuple[Part, ...]:
        """The files of `unit` that can hold a row of `area` (region codes; none is the nation), in release order, each
        checked against its digest now. Raises Damaged."""
        files = {str(self.folder / file.path): file for file in self.files if file.unit == Unit(unit)}
        wanted = parts_in(tuple(area), [Part(path, file.kode_kab) for path, file in files.items()])
        for part in wanted:
            _verify(Path(part.path), files[part.path])
        return wanted

    def untouched(self, parts: Sequence[Part]) -> None:
        """To be asked after reading: a file that was changed or exchanged between its check and the end of the reading,
        also if it was put back since. Raises Damaged."""
        files = {str(self.folder / file.path): file for file in self.files}
        for part in parts:
            file = files[part.path]
            if damage := _misfit(Path(part.path), file):
                raise damage
            if _CHECKED.get((part.path, file.sha256)) != _state(Path(part.path)):
                raise Damaged("release-file-altered", file.path)

    def verified_files(self, unit: Unit | str, kab_codes: Sequence[str] | None = None) -> list[Path]:
        """The same as paths, for whole regencies. Raises Damaged."""
        return [Path(part.path) for part in self.parts(unit, tuple(kab_codes or ()))]

    def quality(self) -> dict[str, Any]:
        """The quality report (registry.quality). Raises Damaged."""
        text = _bytes(self.folder / QUALITY, QUALITY)
        if hashlib.sha256(text).hexdigest() != self.manifest["quality"]:
            raise Damaged("release-file-altered", QUALITY)
        value: dict[str, Any] = read(text)
        return value

    def metadata(self) -> dict[str, Any]:
        """What goes with each delivery: the manifest without its files, and its digest."""
        told = {name: value for name, value in self.manifest.items() if name not in ("files", "variables")}
        return {**told, "digest": self.digest}

    def checked(self) -> Iterator[File | Damaged]:
        """Every file read whole and compared: as itself, or as its damage."""
        yield from (damage for damage in self._misfits() if damage.code == "release-file-extra")
        for file in self.files:
            try:
                _verify(self.folder / file.path, file)
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
            if damage := _misfit(self.folder / path, file):
                yield damage
        allowed = {*known, MANIFEST, QUALITY}
        for found in sorted(self.folder.rglob("*")):
            name = found.relative_to(self.folder).as_posix()
            if name not in allowed and (found.is_symlink() or not found.is_dir()):
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
    try:
        value = read(text)
        if canonical(value) != text or value["form"] != FORM:
            raise Damaged("release-manifest-malformed", MANIFEST)
        if not _agrees(value):
            raise Damaged("release-manifest-inconsistent", MANIFEST)
    except (NotCanonical, KeyError, TypeError, ValueError):
        raise Damaged("release-manifest-malformed", MANIFEST) from None
    return value, hashlib.sha256(text).hexdigest()


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
    found = regions().get(code)
    return isinstance(found, Region) and found.level == 2


def _bytes(path: Path, name: str) -> bytes:
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise Damaged("release-file-not-plain", name)
        return path.read_bytes()
    except FileNotFoundError:
        raise Damaged("release-file-missing", name) from None


def _misfit(path: Path, file: File) -> Damaged | None:
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Damaged("release-file-missing", file.path)
    if not stat.S_ISREG(found.st_mode):
        return Damaged("release-file-not-plain", file.path)
    if found.st_size != file.bytes:
        return Damaged("release-file-shortened" if found.st_size < file.bytes else "release-file-extended", file.path)
    return None


# What was checked in this process: path and digest → the file's inode, size and times at that moment. A file that was
# touched since is read again.
_CHECKED: dict[tuple[str, str], tuple[int, ...]] = {}


def _verify(path: Path, file: File) -> None:
    if damage := _misfit(path, file):
        raise damage
    state = _state(path)
    if _CHECKED.get((str(path), file.sha256)) == state:
        return
    if sha256(path) != file.sha256 or _state(path) != state:
        raise Damaged("release-file-altered", file.path)
    _CHECKED[str(path), file.sha256] = state


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def sha256(path: Path) -> str:
    """Of a file's bytes, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
