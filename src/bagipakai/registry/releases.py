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
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from itertools import accumulate
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
from bagipakai.registry.shelf import Entry, Shelf
from bagipakai.registry.vault import KEY, Damaged, ShelfKey, look

MANIFEST, QUALITY, SEAL = "release.json", "quality.json", "release.dsse.json"
EVENTS = "events"  # the folder of what was done to releases after they were published, beside them
IDENTITIES = (
    "identities"  # the folder beside the releases' own in which it lies who is who (registry.matching.identities)
)
FORM = "bagipakai-release-5"
OF_A_PROVINCE = "bagipakai-release-4"  # the form before it: no file was of two provinces
UNCOUNTED = "bagipakai-release-3"  # and before that: nothing was counted when it was published
ONE_BY_ONE = "bagipakai-release-2"  # and before that: each regency had a file of its own

_SHA256 = re.compile(r"[0-9a-f]{64}")
_OF_THE_HOUSE = ("files", "tallies", "variables", "gate", "values", "sets")


class UnknownRelease(LookupError):
    """There is no published release of this version."""


@dataclass(frozen=True, slots=True)
class Regency:
    """The rows of one regency: how many, and the digest of what they say (registry.digest)."""

    kode_kab: str
    rows: int
    content: str


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of the table of `unit` as the manifest has it: `bytes`, `sha256` and `blocks` are of the sealed file
    (registry.vault)."""

    path: str
    unit: Unit
    bytes: int
    sha256: str
    blocks: str


@dataclass(frozen=True, slots=True)
class File(Stored):
    """Rows: those of its `regencies`, one after another."""

    regencies: tuple[Regency, ...]

    @property
    def rows(self) -> int:
        return sum(one.rows for one in self.regencies)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(one.kode_kab for one in self.regencies)

    def reached_by(self, area: Sequence[str]) -> bool:
        """Whether it can hold a row of `area`."""
        return any(reaches(tuple(area), code) for code in self.codes)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "unit": self.unit.value, "regencies": [asdict(one) for one in self.regencies]}

    @classmethod
    def from_json(cls, told: Mapping[str, Any], form: str = FORM) -> "File":
        """Raises KeyError, TypeError, ValueError."""
        if form == ONE_BY_ONE:
            own = {name: told[name] for name in ("kode_kab", "rows", "content")}
            told = {**{name: value for name, value in told.items() if name not in own}, "regencies": [own]}
        regencies = tuple(Regency(**one) for one in told["regencies"])
        return cls(**{**told, "unit": Unit(told["unit"]), "regencies": regencies})


@dataclass(frozen=True, slots=True)
class Tallied(Stored):
    """What was counted when a release was published (`engines.Tally`): by these columns, so many combinations."""

    by: tuple[str, ...]
    rows: int

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "unit": self.unit.value, "by": list(self.by)}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Tallied":
        """Raises KeyError, TypeError, ValueError."""
        return cls(**{**told, "unit": Unit(told["unit"]), "by": tuple(told["by"])})


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
        return sum(len(rows) for kab, rows in self.regencies(Unit.INDIVIDU) if reaches(tuple(area), kab))

    def persons_up_to(self, area: Sequence[str]) -> Callable[[int], int]:
        """What tells how many of those stand at or before a place in the release's order: how far a reader is."""
        there = [rows for kab, rows in self.regencies(Unit.INDIVIDU) if reaches(tuple(area), kab)]
        starts, before = [rows.start for rows in there], [0, *accumulate(map(len, there))]

        def up_to(ordinal: int) -> int:
            begun = bisect_right(starts, ordinal)
            return min(before[begun], before[begun - 1] + ordinal + 1 - starts[begun - 1]) if begun else 0

        return up_to

    def regencies(self, unit: Unit) -> Iterator[tuple[str, range]]:
        """Each regency, and the places of its rows in the release's order."""
        first = 0
        for one in (one for file in self.files if file.unit is unit for one in file.regencies):
            yield one.kode_kab, range(first, first + one.rows)
            first += one.rows

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
        return _files(self.manifest)

    @cached_property
    def tallies(self) -> tuple[Tallied, ...]:
        """What was counted when it was published; nothing in a release of an earlier form."""
        return _tallies(self.manifest)

    @property
    def stored(self) -> tuple[Stored, ...]:
        return (*self.files, *self.tallies)

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
        files = [file for file in self.files if file.unit == Unit(unit) and file.reached_by(area)]
        tallies = [tally for tally in self.tallies if tally.unit == Unit(unit)]
        stored: list[Stored] = [*files, *tallies]
        for file in stored:
            look(self.folder / file.path, file.bytes, file.path)
        return shelf(self.folder, files, ShelfKey.unwrapped(self.folder, self.version, storage), tallies)

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

    def checked(self) -> Iterator[Stored | Damaged]:
        """Every file read whole and compared: as itself, or as its damage."""
        yield from (damage for damage in self.misfits() if damage.code == "release-file-extra")
        for file in self.stored:
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
        known = {file.path: file for file in self.stored}
        for file in known.values():
            try:
                look(self.folder / file.path, file.bytes, file.path)
            except Damaged as damage:
                yield damage
        allowed = {*known, MANIFEST, QUALITY, KEY, SEAL, *besides}
        for name in sorted(_names(str(self.folder))):
            if name not in allowed:
                yield Damaged("release-file-extra", name)


def shelf(folder: Path, files: Iterable[File], key: ShelfKey, tallies: Iterable[Tallied] = ()) -> Shelf:
    """These files of the release in `folder`, as an engine reads them."""
    entries = {file.path: Entry(folder / file.path, file.blocks, file.codes, file.rows) for file in files}
    for one in tallies:
        entries[one.path] = Entry(folder / one.path, one.blocks, rows=one.rows, unit=one.unit.value, by=one.by)
    return Shelf(key, entries)


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
        if canonical(value) != text or value["form"] not in PLACES:
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


def _files(manifest: Mapping[str, Any]) -> tuple[File, ...]:
    return tuple(File.from_json(one, manifest["form"]) for one in manifest["files"])


def _tallies(manifest: Mapping[str, Any]) -> tuple[Tallied, ...]:
    return (
        tuple(Tallied.from_json(one) for one in manifest["tallies"])
        if manifest["form"] in (FORM, OF_A_PROVINCE)
        else ()
    )


def _agrees(value: dict[str, Any]) -> bool:
    """Whether the manifest names each file of each unit once, where it must stand, and counts them right."""
    form, files = value["form"], _files(value)
    tallies = _tallies(value)
    stored: list[Stored] = [*files, *tallies]
    regencies = [one for file in files for one in file.regencies]
    in_order = {unit: [code for file in files if file.unit == unit for code in file.codes] for unit in Unit}
    counted = {unit.value: sum(file.rows for file in files if file.unit == unit) for unit in Unit}
    date.fromisoformat(value["reference_day"])
    return (
        all(len({code[:2] for code in file.codes}) == 1 or (form == FORM and file.codes) for file in files)
        and all(file.path == PLACES[form](file.unit, file.codes).as_posix() for file in files)
        and all(codes == sorted(set(codes)) for codes in in_order.values())
        and all(_is_regency(one.kode_kab) for one in regencies)
        and all(_SHA256.fullmatch(text) for file in stored for text in (file.sha256, file.blocks))
        and all(_SHA256.fullmatch(one.content) for one in regencies)
        and all(
            isinstance(many, int) and many >= 0
            for many in (*(f.bytes for f in stored), *(r.rows for r in regencies), *(t.rows for t in tallies))
        )
        and counted == value["rows"]
        and [file.path for file in files] == sorted(file.path for file in files)
        and [tally.path for tally in tallies] == sorted({tally.path for tally in tallies})
        and all(tables.TALLY.fullmatch(tally.path) and "kode_kab" in tally.by for tally in tallies)
        and isinstance(value["version"], str)
        and isinstance(value["most_members"], int)
        and value["most_members"] > 0  # by it persons are counted as families; a family has a member
    )


def _of_a_province(unit: Unit, regencies: Sequence[str]) -> Path:
    name = tables.joined(unit, regencies)
    return name.parent / f"kode_prov={regencies[0][:2]}" / name.name


def _alone(unit: Unit, regencies: Sequence[str]) -> Path:
    return tables.part(unit, regencies[0])


# Where a file of these regencies stands within the release, by its form.
PLACES = {FORM: tables.joined, OF_A_PROVINCE: _of_a_province, UNCOUNTED: _of_a_province, ONE_BY_ONE: _alone}


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
