"""From a data set to a release: everything is read once more, measured and written down as a draft; what passes the
gate appears by one rename, with its seal (decision 0096)."""

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.core.canonical import canonical
from bagipakai.core.canonical import digest as digest_of
from bagipakai.core.deadlines import day_of
from bagipakai.core.envelope import Signer
from bagipakai.core.gate import Exemption, Judgement, judge, passes
from bagipakai.core.keyfiles import write_once
from bagipakai.core.lifecycle import REASON, VERSION, Deed, Event, order
from bagipakai.core.plan import Level, Unit
from bagipakai.core.policy import digests
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue, Variable
from bagipakai.registry import quality, tables, vault
from bagipakai.registry.datasets import DATASET
from bagipakai.registry.datasets import FORM as DATASET_FORM
from bagipakai.registry.digest import CUT, ContentDigest, combined
from bagipakai.registry.folders import Progress, in_the_making, no_room, remove, sync
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.lineage import Lineage
from bagipakai.registry.regions import EDITION, SYSTEM, regions
from bagipakai.registry.releases import (
    EVENTS,
    FORM,
    MANIFEST,
    QUALITY,
    SEAL,
    File,
    Regency,
    Release,
    published,
    shelf,
)
from bagipakai.registry.tallying import Uncounted, tallied, wanted
from bagipakai.registry.vault import KEY, Damaged, ShelfKey

DRAFTS, DRAFT = "drafts", "draft.json"

Told = Callable[[int], object]


class Unfit(Exception):
    """The data set cannot become a release. `code` says why, `file` where, relative to the data set."""

    def __init__(self, code: str, file: str = DATASET) -> None:
        super().__init__(f"{code}: {file}")
        self.code, self.file = code, file


def publish(
    dataset: Path,
    releases: Path,
    version: str,
    published_at: datetime,
    storage: StorageKey,
    told: Told | None = None,
    *,
    notes: str = "",
    exemption: Exemption | None = None,
    seal: Signer | None = None,
) -> Release | Refusal:
    """Drafts `dataset` as `version` and issues the draft at once: see `draft` and `issue`."""
    outcome = draft(dataset, releases, version, storage, told, notes=notes)
    if isinstance(outcome, Refusal):
        return outcome
    return issue(releases, version, published_at, exemption=exemption, seal=seal)


def draft(
    dataset: Path, releases: Path, version: str, storage: StorageKey, told: Told | None = None, *, notes: str = ""
) -> Path | Refusal:
    """Makes `dataset` the draft of `version`, read whole and measured; a draft of the same version gives way. Its files
    are joined (registry.tables), sealed under a new key that `storage` wraps (registry.vault), counted
    (registry.tallying) and made read-only. `told` hears the number of rows read after each file. What an interrupted
    call had sealed, the next one takes up; a full disk is such an interruption, and a refusal.

    Drafts lie beside the folder `releases`, never in it. Raises PolicyError, NoRule, Damaged, QualityError, OSError.
    """
    if not VERSION.fullmatch(version):
        return Refusal("release-version-malformed", {"version": version[:40]})
    if (releases / version).exists():
        return Refusal("release-exists", {"version": version})
    place = draft_of(releases, version)
    remove(place)
    try:
        described = _described(dataset)
        catalogue = Catalogue.on(date.fromisoformat(described["reference_day"]))
        _must_be_current(described, catalogue)
        lineage = _lineage(described, catalogue)
        counting = wanted(catalogue, date.fromisoformat(described["reference_day"]))
        what = digest_of([FORM, version, storage.id, described, notes, counting])
        with in_the_making(place, what=what) as folder:
            _must_be_all(dataset, described)
            key = _key_of(folder, version, storage)
            making = _Making(dataset, folder, key, catalogue, lineage)
            files, most_members = _read(making, described, told or (lambda _: None))
            tallies = tallied(folder, files, key, catalogue, counting)
            report = canonical(_measured(making, files, described))
            _put(folder / QUALITY, report)
            manifest = {
                "form": FORM,
                "version": version,
                "notes": notes,
                "synthetic": bool(described["synthetic"]),
                "reference_day": described["reference_day"],
                "standard": catalogue.standard,
                "catalogue": catalogue.digest,
                "region_system": SYSTEM,
                "region_edition": EDITION,
                "editions": _editions(catalogue),
                "most_members": most_members,
                "rows": {unit.value: sum(file.rows for file in files if file.unit == unit) for unit in Unit},
                "bytes": sum(file.bytes for file in files) + sum(tally.bytes for tally in tallies),
                "content": _content(files),
                "quality": hashlib.sha256(report).hexdigest(),
                "files": [file.to_json() for file in files],
                "tallies": [tally.to_json() for tally in tallies],
                **{name: told for name, told in lineage.to_json().items() if name != "variables"},
                "variables": [
                    {**_metadata(variable), "lineage": lineage.of_variable(variable.name)}
                    for variable in catalogue.values()
                ],
            }
            _put(folder / DRAFT, canonical(manifest))
            for path in folder.rglob("*"):
                if path.is_file():
                    path.chmod(0o444)
    except FileExistsError:
        return Refusal("release-draft-exists", {"version": version})
    except Unfit as why:
        return Refusal(why.code, {"file": why.file})
    except Uncounted as tally:
        return Refusal("release-not-counted", {"file": str(tally)})
    except OSError as error:
        return _told_of(error, version)
    finally:
        _leave_no_empty(place.parent)
    return place


def issue(
    releases: Path,
    version: str,
    published_at: datetime,
    *,
    exemption: Exemption | None = None,
    seal: Signer | None = None,
) -> Release | Refusal:
    """Publishes the draft of `version`, if it passes the gate; it appears by one rename, whole and with its seal.
    Without `seal` nobody answers for it, and who knows the house's key will not open it.

    A version that exists is never touched, and a draft that is refused stays as it is. Raises Damaged if the draft or
    the release before it is not what was drafted or published.
    """
    folder = draft_of(releases, version)
    if not VERSION.fullmatch(version) or not folder.is_dir():
        return Refusal("release-draft-unknown", {"version": version[:40]})
    if (releases / version).exists():
        return Refusal("release-exists", {"version": version})
    before = _before(releases, version)
    drafted, counts = _drafted(folder)
    outcome = judge(counts, before.quality() if before else None, day_of(published_at))
    if isinstance(outcome, Refusal):
        return outcome
    if no := passes(outcome, exemption):
        return no
    at = published_at.astimezone(UTC).replace(microsecond=0)
    manifest = canonical(
        {
            **drafted,
            "published_at": at.isoformat(),
            "previous": {"version": before.version, "digest": before.digest} if before else None,
            "gate": {
                "policy": digests()["quality.toml"],
                "judged": outcome.judged,
                "above": [one.to_json() for one in outcome.above],
                "exemption": exemption.to_json() if exemption and outcome.above else None,
            },
        }
    )
    digest = hashlib.sha256(manifest).hexdigest()
    try:
        _put(folder / MANIFEST, manifest)
        if seal is not None:
            _put(folder / SEAL, Event(Deed.PUBLISH, version, digest, at).sealed(seal))
    except OSError as error:
        return _told_of(error, version)
    for damage in Release(folder, json.loads(manifest), digest).misfits(besides={DRAFT}):
        raise damage
    (folder / DRAFT).unlink()
    sync(folder, inside=False)
    releases.mkdir(parents=True, exist_ok=True)
    try:
        folder.rename(releases / version)  # refuses to replace a folder that is not empty
    except OSError:
        if not (releases / version).exists():
            raise
        return Refusal("release-exists", {"version": version})
    sync(releases, inside=False)
    _leave_no_empty(folder.parent)
    return Release.open(releases, version, trusted=(seal.public,) if seal else ())


def withdraw(releases: Path, version: str, at: datetime, reason: str, seal: Signer) -> Event | Refusal:
    """Writes down that a release is not to be used any more. Its files stay, so that what was delivered from it can
    still be explained. Raises UnknownRelease, Damaged."""
    release = Release.open(releases, version, whole=False)
    if len(reason.strip()) < REASON:
        return Refusal("release-withdrawal-without-reason", {"least": str(REASON)})
    event = Event(Deed.WITHDRAW, version, release.digest, at.astimezone(UTC).replace(microsecond=0), reason.strip())
    file = releases / EVENTS / f"{version}.withdrawn.dsse.json"
    if file.exists():
        return Refusal("release-withdrawn-already", {"version": version})
    file.parent.mkdir(exist_ok=True)
    write_once(file, event.sealed(seal), 0o444)  # of two who withdraw it at once the first is right
    return event


def draft_of(releases: Path, version: str) -> Path:
    """Where the draft of a version lies."""
    return releases.parent / DRAFTS / version


def judged(releases: Path, version: str, day: date) -> Judgement | Refusal:
    """What the gate would say of a draft on `day`. Raises Damaged."""
    before = _before(releases, version)
    _, counts = _drafted(draft_of(releases, version))
    return judge(counts, before.quality() if before else None, day)


def _drafted(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a draft says of itself, and its quality report. Raises Damaged."""
    try:
        drafted: dict[str, Any] = json.loads((folder / DRAFT).read_bytes())
        report = (folder / QUALITY).read_bytes()
        counts: dict[str, Any] = json.loads(report)
    except (OSError, ValueError):
        raise Damaged("release-file-missing", DRAFT) from None
    if hashlib.sha256(report).hexdigest() != drafted.get("quality"):
        raise Damaged("release-file-altered", QUALITY)
    return drafted, counts


def _told_of(error: OSError, version: str) -> Refusal:
    """Raises what is no lack of room."""
    if no_room(error):
        return Refusal("release-has-no-room", {"version": version})
    raise error


def _put(file: Path, content: bytes) -> None:
    """Writes a file of ours for good; what a stopped attempt left is replaced."""
    file.unlink(missing_ok=True)
    file.write_bytes(content)
    file.chmod(0o444)
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _leave_no_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _editions(catalogue: Catalogue) -> dict[str, Any]:
    """The reference codes by which the release is to be read, each with its edition and digest."""
    places = {region.code: region.name for region in regions().values()}
    lists = {one.codes.id: one.codes for one in catalogue.values() if one.codes is not None}
    return {
        "regions": {"system": SYSTEM, "edition": EDITION, "digest": digest_of(places)},
        "codes": {
            name: {"edition": one.edition, "digest": digest_of({code: list(one.labels[code]) for code in one})}
            for name, one in sorted(lists.items())
        },
    }


def _described(dataset: Path) -> dict[str, Any]:
    """What `dataset.json` says. Raises Unfit."""
    try:
        value: dict[str, Any] = json.loads((dataset / DATASET).read_bytes())
        paths = [one["path"] for one in value["files"]]
        expected = {tables.part(unit, region.code).as_posix() for unit in Unit for region in regions().at_level(2)}
        date.fromisoformat(value["reference_day"])
        bool(value["synthetic"])
    except FileNotFoundError:
        raise Unfit("dataset-missing") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise Unfit("dataset-malformed") from None
    if value.get("form") != DATASET_FORM or sorted(paths) != sorted(expected):
        raise Unfit("dataset-malformed")
    return value


def _must_be_current(described: Mapping[str, Any], catalogue: Catalogue) -> None:
    if described.get("catalogue") != catalogue.digest:
        raise Unfit("dataset-of-another-catalogue")
    if (described.get("region_system"), described.get("region_edition")) != (SYSTEM, EDITION):
        raise Unfit("dataset-of-another-edition")


def _key_of(folder: Path, version: str, storage: StorageKey) -> ShelfKey:
    """That of a draft in the making: a new one, or the one under which its first files lie already. Raises Damaged."""
    for left in folder.glob(f".{KEY}.*"):  # of a process that was killed while it wrote its key
        left.unlink()
    if not (folder / KEY).exists():
        key = ShelfKey.new(version)
        write_once(folder / KEY, key.wrapped(storage), 0o444)
        return key
    return ShelfKey.unwrapped(folder, version, storage)


def _lineage(described: Mapping[str, Any], catalogue: Catalogue) -> Lineage:
    try:
        return Lineage.from_json(described.get("lineage"), catalogue)
    except ValueError:
        raise Unfit("dataset-without-lineage") from None


def _must_be_all(dataset: Path, described: Mapping[str, Any]) -> None:
    """Raises Unfit for a file that is extra or no plain file."""
    named = {one["path"] for one in described["files"]}
    for path in sorted(dataset.rglob("*")):
        name = path.relative_to(dataset).as_posix()
        if path.is_symlink() or (path.is_file() and name not in named | {DATASET}):
            raise Unfit("dataset-file-extra", name)


@dataclass(frozen=True)
class _Making:
    """A release in the making: where its rows come from, and where they are sealed."""

    dataset: Path
    folder: Path
    key: ShelfKey
    catalogue: Catalogue
    lineage: Lineage


class _Pool(ThreadPoolExecutor):
    """What has not begun when something fails is not begun any more."""

    def __exit__(self, *what: Any) -> None:
        self.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Read:
    """Some neighbouring regencies, read. `persons` and `families` are their files; `firsts` tells with which person and
    family the ordinals of each regency begin."""

    persons: File
    families: File
    firsts: list[tuple[int, int]]
    most_members: int

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "persons": self.persons.to_json(), "families": self.families.to_json()}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "_Read":
        return cls(**{**told, **{name: File.from_json(told[name]) for name in ("persons", "families")}})


def _read(making: _Making, described: Mapping[str, Any], told: Told) -> tuple[list[File], int]:
    """Every file in release order, each read whole, and how many members the largest family has. Raises Unfit for a
    file that is not what the data set says, has other columns, or whose families and persons do not follow one
    another."""
    content = {one["path"]: (one["rows"], one["content"]) for one in described["files"]}
    codes = [region.code for region in regions().at_level(2)]
    rows = {code: int(content[tables.part(Unit.INDIVIDU, code).as_posix()][0]) for code in codes}
    found, next_person, next_family, most, progress = [], 0, 0, 0, Progress(making.folder)

    def read(codes: tuple[str, ...]) -> _Read:
        if codes[0] in progress.done:
            return _Read.from_json(progress.done[codes[0]])
        one = _neighbours(making, codes)
        progress.add(codes[0], one.to_json())
        return one

    with _Pool(os.cpu_count()) as pool:
        for one in pool.map(read, tables.neighbours(rows)):
            for families, persons, first in zip(one.families.regencies, one.persons.regencies, one.firsts, strict=True):
                for unit, regency in ((Unit.KELUARGA, families), (Unit.INDIVIDU, persons)):
                    path = tables.part(unit, regency.kode_kab).as_posix()
                    if content[path] != (regency.rows, regency.content):
                        raise Unfit("dataset-file-altered", path)
                if persons.rows and tuple(first) != (next_person, next_family):
                    raise Unfit("dataset-order-broken", path)
                next_person, next_family = next_person + persons.rows, next_family + families.rows
            found += [one.families, one.persons]
            most = max(most, one.most_members)
            told(one.persons.rows)
    return sorted(found, key=lambda file: file.path), most


def _content(files: Iterable[File]) -> str:
    """One digest over the regencies of both tables: the same however they are joined in files."""
    every = ((file.unit, one) for file in files for one in file.regencies)
    return combined({tables.part(unit, one.kode_kab).as_posix(): one.content for unit, one in every})


def _neighbours(making: _Making, codes: tuple[str, ...]) -> _Read:
    """Both files of these regencies. Raises Unfit."""
    of_family, of_person = ("id_keluarga", "first_ordinal", "member_count"), ("id_keluarga", "person_ordinal")
    families, told_of_families = _file(making, Unit.KELUARGA, codes, (*of_family, "lineage"))
    persons, told_of_persons = _file(making, Unit.INDIVIDU, codes, (*of_person, "lineage"))
    firsts, most = [], 0
    for kab, family, person in zip(codes, told_of_families, told_of_persons, strict=True):
        numbers, first_ordinals, counts, _ = family
        whose, ordinals, _ = person
        for unit, told in ((Unit.KELUARGA, family[-1]), (Unit.INDIVIDU, person[-1])):
            if len(told) and not (told.min() >= 0 and told.max() < len(making.lineage.values[unit])):
                raise Unfit("dataset-without-lineage", tables.part(unit, kab).as_posix())
        first_family = int(numbers[0]) if len(numbers) else 0
        first_person = int(ordinals[0]) if len(ordinals) else 0
        holds = (
            np.array_equal(numbers, first_family + np.arange(len(numbers)))
            and np.array_equal(ordinals, first_person + np.arange(len(ordinals)))
            and np.array_equal(first_ordinals, first_person + np.cumsum(counts) - counts)
            and np.array_equal(whose, np.repeat(numbers, counts))
        )
        if not holds:
            raise Unfit("dataset-order-broken", tables.part(Unit.INDIVIDU, kab).as_posix())
        firsts.append((first_person, first_family))
        most = max(most, int(counts.max(initial=0)))
    return _Read(persons, families, firsts, most)


def _file(
    making: _Making, unit: Unit, codes: tuple[str, ...], wanted: tuple[str, ...]
) -> tuple[File, list[list[np.ndarray]]]:
    """The file of these regencies, sealed, and read whole from there, batch by batch; and the `wanted` whole-number
    columns of each regency. Raises Unfit, OSError."""
    name = tables.joined(unit, codes)
    target, cipher = making.folder / name, making.key.cipher(name.as_posix())
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)  # of a process that was killed over it
    with vault.Sealing(target, cipher) as out:
        rows = _joined(making, unit, codes, out)
    sealed = out.sealed
    read = [_Regency(unit, kab, count, making, wanted) for kab, count in zip(codes, rows, strict=True)]
    with (
        _sound(tables.part(unit, codes[0])),
        vault.Opened(target, cipher, sealed.blocks, name.as_posix()) as plain,
        pq.ParquetFile(plain) as file,
    ):
        told = _share_out(file.iter_batches(CUT // 4, use_threads=False), read)  # a slice holds on to its whole batch
    joined = File(name.as_posix(), unit, sealed.bytes, sealed.sha256, sealed.blocks, told)
    return joined, [one.columns() for one in read]


def _share_out(batches: Iterable[pa.RecordBatch], regencies: Sequence["_Regency"]) -> tuple[Regency, ...]:
    """Gives each regency as many rows as it should have, and what is too much to the last; tells what they are, of each
    as soon as it is whole: until then its rows may be held. Raises Unfit."""
    told: list[Regency] = []
    for batch in batches:
        while batch.num_rows:
            while not regencies[len(told)].left and len(told) < len(regencies) - 1:
                told.append(regencies[len(told)].told())
            last = len(told) == len(regencies) - 1
            here = batch.slice(0, None if last else regencies[len(told)].left)
            regencies[len(told)].add(here)
            batch = batch.slice(here.num_rows)  # noqa: PLW2901
    return (*told, *(one.told() for one in regencies[len(told) :]))


def _joined(making: _Making, unit: Unit, codes: tuple[str, ...], out: vault.Sealing) -> list[int]:
    """Writes the regencies' files into `out` as one, and tells their rows; the file of one alone as it is. Raises
    Unfit, OSError."""
    expected, sources = tables.schema(unit, making.catalogue), [tables.part(unit, kab) for kab in codes]
    counts = []
    for source in sources:
        with _sound(source), pq.ParquetFile(making.dataset / source) as file:
            if not file.schema_arrow.remove_metadata().equals(expected):
                raise Unfit("dataset-file-of-another-form", source.as_posix())
            counts.append(file.metadata.num_rows)
    if len(sources) == 1:
        for piece in _pieces(making.dataset, sources[0]):
            out.write(piece)
        return counts
    regencies = ((count, _rows(making.dataset, source)) for count, source in zip(counts, sources, strict=True))
    with tables.writer(out, expected) as writer:
        for group in tables.row_groups(regencies):
            writer.write_table(group, row_group_size=tables.ROW_GROUP)
    return counts


def _pieces(dataset: Path, source: Path) -> Iterator[bytes]:
    """All of a file, whatever it says of itself: column by column, so that blocks end where columns do."""
    with _sound(source), (dataset / source).open("rb") as file:
        told, size = pq.read_metadata(file), os.fstat(file.fileno()).st_size
        groups = (told.row_group(at) for at in range(told.num_row_groups))
        columns = [group.column(at) for group in groups for at in range(told.num_columns)]
        starts = (one.dictionary_page_offset if one.has_dictionary_page else one.data_page_offset for one in columns)
        ends = {start + one.total_compressed_size for start, one in zip(starts, columns, strict=True)}
        file.seek(0)
        for start, end in pairwise(sorted({0, size, *(end for end in ends if 0 < end < size)})):
            yield file.read(end - start)


def _rows(dataset: Path, source: Path) -> Iterator[pa.Table]:
    with _sound(source), pq.ParquetFile(dataset / source) as file:
        for batch in file.iter_batches(tables.ROW_GROUP, use_threads=False):
            yield pa.Table.from_batches([batch])


@contextmanager
def _sound(source: Path) -> Iterator[None]:
    """A block that reads this file of a data set. Raises Unfit if it is not there, or cannot be read."""
    try:
        yield
    except FileNotFoundError:
        raise Unfit("dataset-file-missing", source.as_posix()) from None
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and no_room(error):
            raise
        raise Unfit("dataset-file-unreadable", source.as_posix()) from None


class _Regency:
    """The rows of one regency as they are read from what was sealed."""

    def __init__(self, unit: Unit, kab: str, rows: int, making: _Making, wanted: tuple[str, ...]) -> None:
        self._source, self._kab, self.left = tables.part(unit, kab), kab, rows
        self._digest = ContentDigest(tables.schema(unit, making.catalogue))
        self._kept: dict[str, list[np.ndarray]] = {column: [np.empty(0, dtype=np.int64)] for column in wanted}

    def add(self, batch: pa.RecordBatch) -> None:
        """Raises Unfit for a row of another regency."""
        self._digest.add(batch)
        if not pc.all(pc.equal(batch.column("kode_kab"), self._kab)).as_py():
            raise Unfit("dataset-file-of-another-region", self._source.as_posix())
        for column, found in self._kept.items():
            found.append(batch.column(column).to_numpy())
        self.left -= batch.num_rows

    def told(self) -> Regency:
        """Nothing can be added afterwards."""
        found = Regency(self._kab, self._digest.rows, self._digest.hexdigest())
        del self._digest
        return found

    def columns(self) -> list[np.ndarray]:
        return [np.concatenate(found) for found in self._kept.values()]


def _measured(making: _Making, files: list[File], described: Mapping[str, Any]) -> dict[str, Any]:
    """The quality report, of what was sealed. Raises QualityError."""
    everything = shelf(making.folder, files, making.key)
    parts = {unit: [everything.name(file.path) for file in files if file.unit == unit] for unit in Unit}
    day = date.fromisoformat(described["reference_day"])
    return quality.report(parts, making.catalogue, day, making.folder, everything)


def _before(releases: Path, version: str) -> Release | None:
    """The newest release before this one. Raises Damaged if it is not whole."""
    earlier = [other for other in published(releases) if order(other) < order(version)]
    return Release.open(releases, earlier[-1]) if earlier else None


def _metadata(variable: Variable) -> dict[str, Any]:
    """A variable as the national data list has it (law reference 5.2): the catalogue's words, schedule and access."""
    aggregate = variable.may_stand_in(Level.L1)
    return {
        **variable.to_json(),
        "schedule": "triwulanan",
        "access": {"rows": "Terbatas", "table": "Terbuka" if aggregate else "Terbatas"},
    }
