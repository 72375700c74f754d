"""From a data set to a release: everything is read once more, measured, written down, and appears by one rename."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bagipakai.core.canonical import canonical
from bagipakai.core.plan import Level, Unit
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue, Variable
from bagipakai.registry import quality, tables, vault
from bagipakai.registry.digest import CUT, ContentDigest, combined
from bagipakai.registry.folders import in_the_making
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.regions import EDITION, SYSTEM, regions
from bagipakai.registry.releases import FORM, MANIFEST, QUALITY, VERSION, File, Release, order, published, shelf
from bagipakai.registry.vault import KEY, ReleaseKey

DATASET, DATASET_FORM = "dataset.json", "bagipakai-dataset-1"

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
) -> Release | Refusal:
    """Makes `dataset` the release `version` under `releases`, its files sealed under a new key that `storage` wraps and
    made read-only. `told` hears the number of rows read after each regency.

    Nothing appears under the version's name unless all of it does; a version that exists is never touched. Raises
    QualityError, OSError.
    """
    if not VERSION.fullmatch(version):
        return Refusal("release-version-malformed", {"version": version[:40]})
    try:
        described = _described(dataset)
        catalogue = Catalogue.on(date.fromisoformat(described["reference_day"]))
        _must_be_current(described, catalogue)
        with in_the_making(releases / version) as folder:
            _must_be_all(dataset, described)
            key = ReleaseKey.new(version)
            (folder / KEY).write_bytes(key.wrapped(storage))
            making = _Making(dataset, folder, key, catalogue)
            files = list(_read(making, described, told or (lambda _: None)))
            report = canonical(_measured(making, files, described))
            (folder / QUALITY).write_bytes(report)
            manifest = {
                "form": FORM,
                "version": version,
                "published_at": published_at.astimezone(UTC).isoformat(timespec="seconds"),
                "previous": _previous(releases, version),
                "synthetic": bool(described["synthetic"]),
                "reference_day": described["reference_day"],
                "standard": catalogue.standard,
                "catalogue": catalogue.digest,
                "region_system": SYSTEM,
                "region_edition": EDITION,
                "rows": {unit.value: sum(file.rows for file in files if file.unit == unit) for unit in Unit},
                "bytes": sum(file.bytes for file in files),
                "content": combined({file.path: file.content for file in files}),
                "quality": hashlib.sha256(report).hexdigest(),
                "files": [{**asdict(file), "unit": file.unit.value} for file in files],
                "variables": [_metadata(variable) for variable in catalogue.values()],
            }
            (folder / MANIFEST).write_bytes(canonical(manifest))
            for path in folder.rglob("*"):
                if path.is_file():
                    path.chmod(0o444)
    except FileExistsError:
        return Refusal("release-exists", {"version": version})
    except Unfit as why:
        return Refusal(why.code, {"file": why.file})
    return Release.open(releases, version)


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
    key: ReleaseKey
    catalogue: Catalogue


class _Pool(ThreadPoolExecutor):
    """What has not begun when something fails is not begun any more."""

    def __exit__(self, *what: Any) -> None:
        self.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Read:
    """One regency, read. `persons` and `families` are the files; the rest says where its ordinals begin and end."""

    persons: File
    families: File
    first_person: int
    first_family: int


def _read(making: _Making, described: Mapping[str, Any], told: Told) -> Iterator[File]:
    """Every file in release order, each read whole. Raises Unfit for one that is not what the data set says, has other
    columns, or whose families and persons do not follow one another."""
    content = {one["path"]: (one["rows"], one["content"]) for one in described["files"]}
    codes = sorted(region.code for region in regions().at_level(2))
    found, next_person, next_family = [], 0, 0
    with _Pool(os.cpu_count()) as pool:
        for one in pool.map(lambda kab: _regency(making, kab), codes):
            for file in (one.families, one.persons):
                if content[file.path] != (file.rows, file.content):
                    raise Unfit("dataset-file-altered", file.path)
            if one.persons.rows and (one.first_person, one.first_family) != (next_person, next_family):
                raise Unfit("dataset-order-broken", one.persons.path)
            next_person, next_family = next_person + one.persons.rows, next_family + one.families.rows
            found += [one.families, one.persons]
            told(one.persons.rows)
    yield from sorted(found, key=lambda file: file.path)


def _regency(making: _Making, kab: str) -> _Read:
    families, family = _file(making, Unit.KELUARGA, kab, ("id_keluarga", "first_ordinal", "member_count"))
    persons, person = _file(making, Unit.INDIVIDU, kab, ("id_keluarga", "person_ordinal"))
    numbers, firsts, counts = family
    whose, ordinals = person
    first_family = int(numbers[0]) if len(numbers) else 0
    first_person = int(ordinals[0]) if len(ordinals) else 0
    holds = (
        np.array_equal(numbers, first_family + np.arange(len(numbers)))
        and np.array_equal(ordinals, first_person + np.arange(len(ordinals)))
        and np.array_equal(firsts, first_person + np.cumsum(counts) - counts)
        and np.array_equal(whose, np.repeat(numbers, counts))
    )
    if not holds:
        raise Unfit("dataset-order-broken", persons.path)
    return _Read(persons, families, first_person, first_family)


def _file(making: _Making, unit: Unit, kab: str, wanted: tuple[str, ...]) -> tuple[File, list[np.ndarray]]:
    """One file sealed, and read whole from there, batch by batch; and the `wanted` whole-number columns of it."""
    name = tables.part(unit, kab)
    source, target, cipher = making.dataset / name, making.folder / name, making.key.cipher(name.as_posix())
    expected = tables.schema(unit, making.catalogue)
    kept, digest = {column: [np.empty(0, dtype=np.int64)] for column in wanted}, ContentDigest(expected)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        sealed = vault.seal(source, target, cipher)
        with vault.Opened(target, cipher, sealed.blocks, name.as_posix()) as plain, pq.ParquetFile(plain) as file:
            if not file.schema_arrow.remove_metadata().equals(expected):
                raise Unfit("dataset-file-of-another-form", name.as_posix())
            for batch in file.iter_batches(CUT, use_threads=False):
                digest.add(batch)
                if not pc.all(pc.equal(batch.column("kode_kab"), kab)).as_py():
                    raise Unfit("dataset-file-of-another-region", name.as_posix())
                for column, found in kept.items():
                    found.append(batch.column(column).to_numpy())
    except FileNotFoundError:
        raise Unfit("dataset-file-missing", name.as_posix()) from None
    except (pa.ArrowException, OSError):
        raise Unfit("dataset-file-unreadable", name.as_posix()) from None
    told = File(name.as_posix(), unit, kab, digest.rows, sealed.bytes, sealed.sha256, sealed.blocks, digest.hexdigest())
    return told, [np.concatenate(found) for found in kept.values()]


def _measured(making: _Making, files: list[File], described: Mapping[str, Any]) -> dict[str, Any]:
    """The quality report, of what was sealed. Raises QualityError."""
    spill = making.folder / "spill"
    spill.mkdir()
    try:
        everything = shelf(making.folder, files, making.key)
        parts = {unit: [everything.name(file.path) for file in files if file.unit == unit] for unit in Unit}
        day = date.fromisoformat(described["reference_day"])
        return quality.report(parts, making.catalogue, day, spill, everything)
    finally:
        shutil.rmtree(spill, ignore_errors=True)


def _previous(releases: Path, version: str) -> dict[str, str] | None:
    """The newest release before this one, and its digest. Raises Damaged if it is not whole."""
    earlier = [other for other in published(releases) if order(other) < order(version)]
    return {"version": earlier[-1], "digest": Release.open(releases, earlier[-1]).digest} if earlier else None


def _metadata(variable: Variable) -> dict[str, Any]:
    """A variable as the national data list has it (law reference 5.2): the catalogue's words, schedule and access."""
    aggregate = variable.may_stand_in(Level.L1)
    return {
        **variable.to_json(),
        "schedule": "triwulanan",
        "access": {"rows": "Terbatas", "table": "Terbuka" if aggregate else "Terbatas"},
    }
