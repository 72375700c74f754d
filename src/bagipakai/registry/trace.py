"""From which package did a leaked sample come? By pseudonyms with certainty, otherwise by marks (decision 0144) or by
who is in it (decision 0078).

A pseudonym opens with the keys of one recipient, purpose and release only: one row is enough. A list by name carries
nothing that was put into it — no value is ever changed — so what speaks is who is in it: a package's persons against
all persons of the same regencies, and whether the values are those of its release. That is a likelihood and never a
proof: `bound` says how often chance alone would point at some package as strongly, and whoever else lawfully held the
same list of persons cannot be told apart by it (trust reference §6).

Rows without names whose pseudonyms were dropped, too, are found in the release by what they say, and then it is their
marks that speak. Compared are texts, whole numbers and yes or no, where the package told them as they are: no dates
(they may be told by year), and nothing that it told more coarsely or drew anew. So a row with a value that the package
left blank, or that somebody changed by more than a mark, is found nowhere; all others still are.
"""

import csv
import io
import logging
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb import ColumnExpression, ConstantExpression

from bagipakai.core.canonical import digest
from bagipakai.core.envelope import BadSeal, PublicKey
from bagipakai.core.manifest import MANIFEST_NAME, Manifest, ManifestError
from bagipakai.core.marks import Marking
from bagipakai.core.plan import Unit
from bagipakai.core.query import AREA_COLUMNS
from bagipakai.core.variables import Type
from bagipakai.registry.disclosure.fingerprints import Marks, Numbers, recognised
from bagipakai.registry.extract import TOKENS
from bagipakai.registry.keys import Keys, StorageKey
from bagipakai.registry.membership import Membership
from bagipakai.registry.places import Places
from bagipakai.registry.pseudonyms import IDENTIFIERS, Identifier, PackageKeys, original
from bagipakai.registry.releases import Release, UnknownRelease
from bagipakai.registry.suspects import Suspect

log = logging.getLogger("bagipakai.registry")

MOST_ROWS = 200_000  # of a sample; more would not change the answer
STRAY = 0.02  # rows of a true sample that may have been altered or added
MEMORY = "400MB"  # DuckDB's share while rows are looked for in a release, whatever its size


# How a value of each type is compared: as a file tells it, whatever a spreadsheet did to capitals and edges.
_EDGES = "chr(9) || chr(10) || chr(13) || ' '"
_AS_TOLD = {
    "text": f"""coalesce(lower(ltrim(trim("{{0}}", {_EDGES}), chr(39))), '')""",
    "integer": 'TRY_CAST("{0}" AS BIGINT)',
    "boolean": 'TRY_CAST("{0}" AS BOOLEAN)',
}


class Unreadable(ValueError):
    """The sample is not a table with a head line, or has no column by which anybody could be found."""


def trace(sample: bytes, places: Places, releases: Path, keys: Keys) -> list[Suspect]:
    """The packages that fit `sample` (a CSV), the likeliest first. Raises Unreadable, releases.Damaged."""
    table = read_sample(sample)
    manifests = list(standing(places.packages, keys.seal.public, *keys.seals))
    found = [
        *_by_pseudonym(table, manifests, keys),
        *_by_marks(table, manifests, releases, keys),
        *_by_membership(table, manifests, places, releases, keys.storage),
    ]
    return sorted(found, key=lambda one: (not one.certain, -one.log10_ratio, one.package))


def read_sample(sample: bytes) -> dict[str, list[str]]:
    """Columns of text by their names in lower case; at most MOST_ROWS rows. Raises Unreadable."""
    try:
        text = sample.decode("utf-8-sig")
        head = text[:4096]
        dialect = csv.Sniffer().sniff(head, delimiters=",;\t|") if "\n" in head else csv.excel
        rows = csv.reader(io.StringIO(text), dialect)
        names = [name.strip().lower() for name in next(rows)]
        kept = [row for row, _ in zip(rows, range(MOST_ROWS), strict=False) if len(row) == len(names)]
    except (UnicodeDecodeError, csv.Error, StopIteration):
        raise Unreadable from None
    if not kept or len(set(names)) < len(names):
        raise Unreadable
    return {name: [row[at].strip().lstrip("'") for row in kept] for at, name in enumerate(names)}


def standing(packages: Path, *seals: PublicKey) -> Iterator[Manifest]:
    """The manifests of the packages that stand in the store under one of these seals."""
    for file in sorted(packages.glob(f"*/{MANIFEST_NAME}")):
        for seal in {seal.key_id: seal for seal in seals}.values():
            try:
                yield Manifest.unsealed(file.read_bytes(), seal)
            except (BadSeal, ManifestError, OSError):
                continue


def _by_pseudonym(table: Mapping[str, list[str]], manifests: Sequence[Manifest], keys: Keys) -> Iterator[Suspect]:
    """A token is 16 bytes; under another key it opens to 16 digits once in 10^22 tries."""
    tokens = {
        kind: [token for text in table.get(kind.column, ()) if (token := _token(text)) is not None]
        for kind in Identifier
    }
    compared = max(map(len, tokens.values()))
    for manifest in manifests:
        plan = manifest.plan
        its_keys = PackageKeys(
            keys.master, plan.recipient.institution, plan.purpose, manifest.release, manifest.package
        )
        kinds = {IDENTIFIERS[name] for name in plan.protections.pseudonyms}
        opened = max((sum(_opens(token, kind, its_keys) for token in tokens[kind]) for kind in kinds), default=0)
        if opened:
            yield Suspect(manifest.package, plan.recipient.name, "pseudonim", opened, compared, 22.0 * opened, 0.0)


def _by_marks(
    table: Mapping[str, list[str]], manifests: Sequence[Manifest], releases: Path, keys: Keys
) -> Iterator[Suspect]:
    """The manifest alone says how a copy was marked. Packages whose rows are looked for in the same way share one look
    at the release, in the regencies that they are about."""
    marked = [(one, one.marks) for one in manifests if one.marks is not None and set(one.marks.columns) & set(table)]
    alike: dict[str, list[tuple[Manifest, Marking]]] = {}
    for manifest, marking in marked:
        where = [manifest.release, manifest.plan.unit.value, list(manifest.plan.area.codes)]
        same = digest([where, _comparable(table, manifest), marking.to_json()])
        alike.setdefault(same, []).append((manifest, marking))
    for group in alike.values():
        manifest, marking = group[0]
        try:
            release = Release.open(releases, manifest.release)
        except UnknownRelease:
            log.warning("trace.release_gone release=%s packages=%d", manifest.release, len(group))
            continue
        rows, tokens = _recognised(table, manifest, marking, release, keys.storage)
        recipients = {one.package: one.plan.recipient.name for one, _ in group}
        yield from Marks(keys.master, release.version, marking).accused(rows, tokens, recipients, among=len(marked))


def _comparable(table: Mapping[str, list[str]], manifest: Manifest) -> list[str]:
    """The columns of the sample that this package told as the release has them, up to its marks."""
    changed = {asked.name for asked in manifest.plan.variables if asked.grain} | _drawn(manifest)
    return sorted(_readable(table, manifest) - changed)


def _readable(table: Mapping[str, list[str]], manifest: Manifest) -> set[str]:
    told = {column.name for column in manifest.columns if column.type in _AS_TOLD}
    return told.intersection(table, manifest.plan.columns)


def _drawn(manifest: Manifest) -> set[str]:
    """The columns whose values were drawn anew: no row is found by them, but their marks can be read."""
    return set(manifest.randomised.keep) if manifest.randomised else set()


def _recognised(
    table: Mapping[str, list[str]], manifest: Manifest, marking: Marking, release: Release, storage: StorageKey
) -> tuple[pa.Table, Numbers]:
    """The rows of the sample that are one row of the release, and which. A row with a value that cannot be one of its
    column is none."""
    unit, compared = manifest.plan.unit, _comparable(table, manifest)
    names = sorted({*compared, *(_drawn(manifest) & _readable(table, manifest) & set(marking.columns))})
    kinds = {column.name: column.type for column in manifest.columns}
    told = ", ".join(f'{_AS_TOLD[kinds[name]].format(name)} AS "{name}"' for name in names)
    readable = " AND ".join(f"""(text."{name}" = '' OR wanted."{name}" IS NOT NULL)""" for name in names)
    with (
        release.reading(storage, unit, manifest.plan.area.codes) as shelf,
        duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": ""}) as engine,  # it would spill in clear
    ):
        shelf.given_to(engine)
        engine.register("text", pa.table({name: table[name] for name in names}))
        wanted = engine.sql(
            f"""
            WITH
            wanted AS (
                SELECT {told} FROM text
            )
            SELECT wanted.* FROM text POSITIONAL JOIN wanted WHERE {readable}
            """  # noqa: S608 - names come from the catalogue
        ).to_arrow_table()
        files = engine.read_parquet([part.path for part in shelf.parts], hive_partitioning=False)
        if area := manifest.plan.area.codes:  # a file holds neighbours, too
            files = files.filter(reduce(or_, map(_in, area)))
        files.project(f"{told}, {TOKENS[unit]} AS token").create_view("known")
        return recognised(engine, wanted, "known", marking, compared)


def _in(code: str) -> duckdb.Expression:
    return ColumnExpression(AREA_COLUMNS[len(code)]) == ConstantExpression(code)


def _by_membership(
    table: Mapping[str, list[str]],
    manifests: Sequence[Manifest],
    places: Places,
    releases: Path,
    storage: StorageKey,
) -> Iterator[Suspect]:
    """Compares persons whom the sample lets us find with those of each package."""
    if "nik" not in table:
        return
    by_release: dict[str, list[Manifest]] = {}
    for manifest in manifests:
        if set(table) & {column.name for column in manifest.columns}:
            by_release.setdefault(manifest.release, []).append(manifest)
    for version, of_it in by_release.items():
        persons, regions = _persons(table, Release.open(releases, version), storage)
        for manifest in of_it:
            file = places.members(manifest.package)
            if not persons or not file.exists():  # a table has no members
                continue
            package = Membership.read(file)
            fitting = sum(person.agrees and person.ordinal in package for person in persons)
            here = sum(package.between(first, first + count) for first, count in regions)
            everybody = sum(count for _, count in regions)
            share = min(max(here / everybody, 1e-12), 1.0)
            yield _weighed(manifest, fitting, len(persons), share, len(manifests))


@dataclass(frozen=True, slots=True, repr=False)
class _Person:
    ordinal: int
    agrees: bool


def _persons(
    table: Mapping[str, list[str]], release: Release, storage: StorageKey
) -> tuple[list[_Person], list[tuple[int, int]]]:
    """Those of the sample who are in the release, whether their values are the release's, and the range of ordinals of
    each regency in which one of them lives."""
    kinds = {name: release.catalogue[name].type for name in table if name in release.catalogue}
    shared = [name for name, kind in kinds.items() if kind in (Type.TEXT, Type.INTEGER) and name not in IDENTIFIERS]
    shared = [name for name in shared if name in release.schema(Unit.INDIVIDU).names]
    compared = " AND ".join(
        f"""(wanted."{name}" = '' OR lower(CAST(person."{name}" AS VARCHAR)) = lower(wanted."{name}"))"""
        for name in shared
    )
    columns = {name: pa.array(table[name]) for name in ("nik", *shared)}
    with release.reading(storage, Unit.INDIVIDU) as shelf, duckdb.connect() as engine:
        shelf.given_to(engine)
        engine.register("sample", pa.table(columns))
        found = engine.execute(
            f"""
            WITH
            wanted AS (  -- a person counts once, however often the sample names them
                SELECT * FROM sample QUALIFY row_number() OVER (PARTITION BY nik) = 1
            ),
            person AS (
                SELECT * FROM read_parquet($files, hive_partitioning = false)
            )
            SELECT person.person_ordinal, person.kode_kab, {compared or "true"} AS agrees
            FROM wanted JOIN person ON person.nik = wanted.nik
            """,  # noqa: S608 - names come from the catalogue
            {"files": [part.path for part in shelf.parts]},
        ).fetchall()
    starts = {kab: (rows.start, len(rows)) for kab, rows in release.regencies(Unit.INDIVIDU)}
    regions = Counter(kab for _, kab, _ in found)
    return [_Person(int(ordinal), bool(agrees)) for ordinal, _, agrees in found], [starts[kab] for kab in regions]


def _weighed(manifest: Manifest, fitting: int, compared: int, share: float, looked_at: int) -> Suspect:
    """`share`: which part of everybody there is in the package; `looked_at`: how many packages were looked at."""
    fits, strays = math.log10((1 - STRAY) / share + STRAY), math.log10(STRAY)
    ratio = fitting * fits + (compared - fitting) * strays
    bound = min(1.0, looked_at * _tail(fitting, compared, share))
    name = manifest.plan.recipient.name
    return Suspect(manifest.package, name, "keanggotaan", fitting, compared, round(ratio, 1), bound)


def _tail(least: int, tries: int, chance: float) -> float:
    """The probability of at least `least` successes in `tries`."""
    if least == 0 or chance >= 1.0:
        return 1.0
    logs = [
        math.lgamma(tries + 1)
        - math.lgamma(hit + 1)
        - math.lgamma(tries - hit + 1)
        + hit * math.log(chance)
        + (tries - hit) * math.log1p(-chance)
        for hit in range(least, tries + 1)
    ]
    top = max(logs)
    return min(1.0, math.exp(top) * sum(math.exp(one - top) for one in logs))


def _token(text: str) -> bytes | None:
    try:
        token = bytes.fromhex(text)
    except ValueError:
        return None
    return token if len(token) == 16 else None


def _opens(token: bytes, kind: Identifier, keys: PackageKeys) -> bool:
    try:
        original(token, kind, keys)
    except ValueError:
        return False
    return True
