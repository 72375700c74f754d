"""The standard plans, each as the whole governed delivery and as its plain twin: a DuckDB COPY of the same query over
the same rows in clear, in the same files; and a list of a million NIKs joined with a release, as the house does it and
as a bare join. What `bench.data` compares and `bench.nation` runs.
"""

import gc
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from threading import get_ident
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyrage

from bagipakai.core.disclosure import EXEMPTIBLE
from bagipakai.core.envelope import Signer
from bagipakai.core.exchange import Order
from bagipakai.core.manifest import fingerprint
from bagipakai.core.plan import NATION, Area, Asked, Exempted, Format, Level, Plan, Protections, Recipient, Unit
from bagipakai.core.query import AREA_COLUMNS, Column, Compare, Const, Op, Predicate
from bagipakai.registry import extract, formats, seal, tables
from bagipakai.registry.deliver import Places, deliver
from bagipakai.registry.digest import ContentDigest
from bagipakai.registry.disclosure.alike import Alike
from bagipakai.registry.engines.duckdb import Engine
from bagipakai.registry.folders import in_the_making
from bagipakai.registry.handing import Handing
from bagipakai.registry.keys import Keys, MasterKey, StorageKey
from bagipakai.registry.membership import Membership
from bagipakai.registry.publishing import publish
from bagipakai.registry.regions import regions
from bagipakai.registry.releases import Release
from bagipakai.registry.synthesis import synthesise
from bench import measure

THREADS, MEMORY = 2, "1GB"
STORAGE = StorageKey(b"u" * 32)  # of these releases of invented people alone
VERSION = "2026.3.5"  # versions before may lie there in a form before
PARQUET = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 3, PARQUET_VERSION v2"
POOR = Compare(Op.AT_MOST, Column("desil"), Const(4))


@dataclass(frozen=True)
class Case:
    """A plan and its plain twin. `select` is the SQL between SELECT and FROM, `rest` what follows."""

    level: Level
    columns: tuple[str, ...]
    population: Predicate | None
    digits: int  # of the code of the largest place of its kind: 4 a regency, 2 a province, 0 the nation
    form: Format
    select: str
    rest: str
    options: str
    exempted: tuple[str, ...] = EXEMPTIBLE  # whoever asks for a district, an age and seven more meets no rule


L4 = ("nik", "nomor_kk", "nama", "tanggal_lahir", "jenis_kelamin", "alamat", "rt", "rw", "kode_kec", "kode_desa")
L4 += ("hubungan_kepala_keluarga", "desil")
L2 = ("kode_kab", "kode_kec", "desil", "umur", "jenis_kelamin", "status_perkawinan", "hubungan_kepala_keluarga")
L2 += ("ijazah_tertinggi", "bekerja", "lapangan_usaha")
ALIKE = ("kode_kab", "desil", "umur", "jenis_kelamin", "bekerja", "lapangan_usaha")  # many are alike in these
L1 = ("kode_kab", "desil", "jenis_kelamin")
UNTALLIED = ("kode_kab", "desil", "status_perkawinan")


def _table(by: tuple[str, ...]) -> Case:
    named = ", ".join(by)
    select, rest = f"{named}, count(*) AS jumlah_individu", f"GROUP BY {named} ORDER BY {named}"
    return Case(Level.L1, by, None, 0, Format.CSV, select, rest, "FORMAT csv, HEADER")


CASES = {
    "l1-table": _table(L1),
    "l1-untallied": _table(UNTALLIED),
    "l2-alike": Case(
        Level.L2,
        ALIKE,
        POOR,
        0,
        Format.PARQUET,
        ", ".join(("nik", "nomor_kk", *ALIKE)),
        "WHERE desil <= 4",
        PARQUET,
        ("rows-families", "rows-inference", "rows-presence", "rows-share"),
    ),
    "l2-nation": Case(
        Level.L2, L2, POOR, 0, Format.PARQUET, ", ".join(("nik", "nomor_kk", *L2)), "WHERE desil <= 4", PARQUET
    ),
    "l3-province": Case(
        Level.L3, L2, POOR, 2, Format.PARQUET, ", ".join(("nik", "nomor_kk", *L2)), "WHERE desil <= 4", PARQUET
    ),
    "l4-regency": Case(Level.L4, L4, None, 4, Format.PARQUET, ", ".join(L4), "", PARQUET),
    "l4-province": Case(Level.L4, L4, None, 2, Format.PARQUET, ", ".join(L4), "", PARQUET),
}


def nation(people: int) -> Path:
    """The release of this size under `var/bench`, made if it is not there; what was begun is taken up."""
    made = dataset(people)
    folder = made.parent / "releases" / VERSION
    if not folder.is_dir():
        release = publish(made, folder.parent, folder.name, datetime.now(UTC), STORAGE)
        assert isinstance(release, Release), release
    return folder.resolve()


def dataset(people: int) -> Path:
    """The same in clear, from which the release is made."""
    folder = measure.RESULTS / f"nation-{people}" / "dataset"
    if not folder.is_dir():
        synthesise(people, 2026, folder)
    return folder


def area(case: Case, release: Release) -> tuple[str, ...]:
    rows: Counter[str] = Counter()
    for kab, places in release.regencies(Unit.INDIVIDU):
        rows[kab[: case.digits]] += len(places)
    return (rows.most_common(1)[0][0],) if case.digits else ()


def plain(case: Case, release: Release, here: Path) -> Callable[[], tuple[int, int]]:
    """Does the plain twin; returns its rows and bytes."""
    source = _in_clear(release, "".join(area(case, release)))

    def work() -> tuple[int, int]:
        return _copied(f"SELECT {case.select} FROM {source} {case.rest}", here / "plain", case.options)  # noqa: S608

    return work


def governed(case: Case, release: Release, here: Path) -> Callable[[], tuple[int, int]]:
    """Does one order for the plan: the whole delivery; returns its rows and bytes."""
    key = str(pyrage.x25519.Identity.generate().to_public())
    plan = Plan(
        request="bench",
        purpose="BANSOS",
        programme="Pengukuran",
        legal_basis="UU 27/2022 Pasal 20 ayat (2) huruf e",
        level=case.level,
        unit=Unit.INDIVIDU,
        release=release.version,
        rolling=False,
        area=Area(area(case, release), release.region_edition),
        population=case.population,
        variables=tuple(Asked(name, "pengukuran") for name in case.columns),
        protections=_protections(case),
        format=case.form,
        channel="PORTAL",
        recipient=Recipient("bench", "Penerima ukur", key, fingerprint(key), NATION),
        onward_sharing=False,
        ends_on=date(2100, 1, 1),
    )
    placed = datetime.combine(max(release.published_on, date(2026, 7, 1)), datetime.min.time(), UTC)
    signer = Signer.new()
    keys, places = Keys(signer, signer, MasterKey(b"b" * 32), STORAGE, signer.public), Places.under(here)

    def work() -> tuple[int, int]:
        order = Order("bench", plan, release.version, "d" * 64, "a" * 64, "b" * 64, placed)
        receipt = deliver(order, release, keys, places)
        assert not receipt.refusal, receipt.refusal
        return receipt.rows, receipt.package_bytes

    return work


def _protections(case: Case) -> Protections:
    if case.level not in (Level.L2, Level.L3):
        return Protections((), 10 if case.level is Level.L1 else 0)
    return Protections(("nik", "nomor_kk"), 0, tuple(Exempted(rule, "pengukuran") for rule in case.exempted))


LIST, PLACES = "list-nik", 1_000_000
LISTED = ("nik_number", "person_ordinal", "id_keluarga")


def numbers(release: Release) -> np.ndarray:
    """The list, made if it is not there: persons from everywhere, one in fifty twice, three in a hundred of nobody's
    numbers, in no order."""
    file = measure.RESULTS / f"{LIST}-{release.person_count}.npy"
    if not file.exists():
        step, dice = max(1, release.person_count // PLACES), np.random.default_rng(2026)
        with duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY}) as con:
            source = _in_clear(release)
            query = f"SELECT nik_number AS nik FROM {source} WHERE person_ordinal % {step} = 0"  # noqa: S608  # our own
            everybody = con.sql(query).to_arrow_table()["nik"].drop_null().to_numpy()
        once, twice = PLACES * 95 // 100, PLACES * 2 // 100
        persons = dice.permutation(everybody)[:once]
        strangers = dice.integers(99 * 10**14, 10**16, PLACES - once - twice)
        np.save(file, dice.permutation(np.concatenate([persons, persons[:twice], strangers])))
    found: np.ndarray = np.load(file)
    return found


def bare_join(release: Release, here: Path) -> Callable[[], tuple[int, int]]:
    """Joins the list with the rows in clear and writes what it found; returns its rows and bytes."""
    wanted = pa.table({"place": np.arange(PLACES), "number": numbers(release)})

    def work() -> tuple[int, int]:
        source = f"{_in_clear(release)} JOIN wanted ON (nik_number = number)"
        return _copied(f"SELECT place, {', '.join(LISTED)} FROM {source}", here / "plain", wanted=wanted)  # noqa: S608

    return work


def house_join(release: Release, here: Path) -> Callable[[], tuple[int, int]]:
    """Joins it with the sealed rows, in the order of the list (`Engine.listed`), and writes it in the same way."""
    wanted = pa.array(numbers(release))

    def work() -> tuple[int, int]:
        reading = release.reading(STORAGE, Unit.INDIVIDU)
        with reading as shelf, Engine(here, shelf=shelf, memory_limit=MEMORY, threads=THREADS) as engine:
            found = engine.listed(Unit.INDIVIDU, LISTED[0], wanted, LISTED, shelf.parts)
            return _copied("SELECT * FROM found", here / "governed", found=found)

    return work


def _copied(query: str, out: Path, options: str = PARQUET, **sources: pa.Table) -> tuple[int, int]:
    with duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY}) as con:
        for name, source in sources.items():
            con.register(name, source)
        found = con.execute(f"COPY ({query}) TO '{out}' ({options})").fetchall()
    return int(found[0][0]), out.stat().st_size


def lay_open(release: Release) -> None:
    """The persons of a release in clear beside it, for the plain twins, if they are not there."""
    folder = _clear(release)
    if not folder.is_dir():
        with in_the_making(folder, durable=False) as draft, release.reading(STORAGE, Unit.INDIVIDU) as shelf:
            assert len(list(shelf.lay_open(draft))) == len(shelf.parts)


def _clear(release: Release) -> Path:
    return release.folder.parent.parent / f"clear-{release.version}"


def _in_clear(release: Release, place: str = "") -> str:
    """The persons of a place, as SQL reads them: in the release's own files laid open, or else in the data set, one
    file per regency."""
    folder = _clear(release)
    if folder.is_dir():
        files = [file for file in release.files if file.unit is Unit.INDIVIDU]
        paths = [folder / file.path for file in files if file.reached_by((place,) if place else ())]
    else:
        regencies = [kab for kab, _ in release.regencies(Unit.INDIVIDU) if kab.startswith(place)]
        paths = [folder.parent / "dataset" / tables.part(Unit.INDIVIDU, kab) for kab in regencies]
    source = f"read_parquet({[str(path) for path in paths]!r}, hive_partitioning = false)"
    column = AREA_COLUMNS[len(place)] if place else ""
    return f"(SELECT * FROM {source} WHERE {column} = '{place}')" if place else source  # noqa: S608  # our own


def measured(side: str, name: str, folder: Path, shares: bool = False) -> dict[str, Any]:
    """Two runs in this process, each in a folder of its own. Of the second, as of a worker that has done an order
    before: seconds and CPU seconds of the work, rows and bytes, and as `first_…` the time of the first. The process's
    peak in MiB is of both. With `shares`, CPU seconds of each part of the governed chain in the second."""
    release = Release.open(folder.parent, folder.name)
    measure.RESULTS.mkdir(parents=True, exist_ok=True)
    pa.array(np.arange(1))  # imports pandas where it is installed, as it is for the tests of Spark alone
    regions()
    gc.freeze()  # as the worker does
    first = _measured(side, name, release)
    with _timed(shares) as parts:
        told = _measured(side, name, release)
    if shares:
        told["parts"] = {part: round(seconds, 3) for part, seconds in parts.items()}
        told["parts"]["selection and the rest"] = round(told["cpu_seconds"] - sum(parts.values()), 3)
    before = {f"first_{what}": first[what] for what in ("seconds", "cpu_seconds")}
    return {**told, **before, "peak_mb": peak_mb()}


def _measured(side: str, name: str, release: Release) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=measure.RESULTS.resolve()) as here:
        if name == LIST:
            work = (house_join if side == "governed" else bare_join)(release, Path(here))
        else:
            work = (governed if side == "governed" else plain)(CASES[name], release, Path(here))
        clock = Clock()
        rows, size = work()
        return {**clock.told(), "rows": rows, "bytes": size}


class Clock:
    """Seconds and CPU seconds of this process since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def told(self, of: str = "") -> dict[str, float]:
        """`seconds` and `cpu_seconds`, with `of` and "_" in front."""
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        before = f"{of}_" if of else ""
        return {f"{before}seconds": round(wall, 3), f"{before}cpu_seconds": round(cpu, 3)}


def peak_mb() -> int:
    """The most memory this process ever held. Not ru_maxrss: a child inherits that from its parent."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) // 1024


_PARTS: tuple[tuple[str, Any, str], ...] = (
    ("pseudonyms", extract, "pseudonyms"),
    ("secret row order", extract, "shuffled"),
    ("membership", Membership, "add_persons"),
    ("membership", Membership, "write"),
    ("content digest", ContentDigest, "add"),
    ("age and file digests", seal.SealedFile, "_encrypt"),
    ("age and file digests", seal.SealedFile, "write"),
    ("format", formats.pa.parquet.ParquetWriter, "write_batch"),
    ("format", formats, "_csv_text"),
    ("hiding", extract, "hide"),
    ("disclosure check", Alike, "passing"),
    ("disclosure check", Alike, "_compare"),
)


_ALONE: tuple[tuple[str, Any, str], ...] = (  # nothing else runs meanwhile: the CPU time of the process
    ("disclosure check", Handing, "protected"),
)


@contextmanager
def _timed(wanted: bool) -> Iterator[dict[str, float]]:
    """While the block lasts, CPU time of the thread is taken around each part; what a part calls of another counts for
    that other alone."""
    spent: dict[str, float] = {}
    if not wanted:
        yield spent
        return
    kept = [(owner, name, getattr(owner, name)) for _, owner, name in (*_PARTS, *_ALONE)]
    inner: dict[int, float] = {}

    def around(part: str, call: Callable[..., Any], clock: Callable[[], float] = time.thread_time) -> Any:
        def timed(*arguments: Any, **named: Any) -> Any:
            thread = get_ident()
            before, began = inner.get(thread, 0.0), clock()
            inner[thread] = 0.0
            try:
                return call(*arguments, **named)
            finally:
                whole = clock() - began
                spent[part] = spent.get(part, 0.0) + whole - inner[thread]
                inner[thread] = before + whole

        return timed

    try:
        for part, owner, name in _PARTS:
            setattr(owner, name, around(part, getattr(owner, name)))
        for part, owner, name in _ALONE:
            setattr(owner, name, around(part, getattr(owner, name), time.process_time))
        yield spent
    finally:
        for owner, name, call in kept:
            setattr(owner, name, call)
