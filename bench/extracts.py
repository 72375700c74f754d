"""One regency and one province by name and address, one nationwide selection, one table: the whole governed delivery
(digests of what is read, selection, pseudonyms, membership, format, age, signature) against a plain DuckDB COPY of the
same query.

`python -m bench.extracts --people 10000000` makes the release under `var/bench` if it is not there; `--release FOLDER`
takes another. Each run is a process of its own, the two sides in turn. Seconds and CPU seconds are those of the work,
without starting Python; the peak is that of the process. Ratios are what to compare: the machine cancels out.

Each process does its work twice. The first time a worker reads a file it compares the digest (`first_…`); the orders
that follow find that done as long as the file is not touched (`next_…`). For each order a worker also opens the
release: `opening_…` says what that takes, and no ratio has it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bagipakai.core.plan import Area, Asked, Format, Level, Plan, Protections, Recipient, Unit
from bagipakai.core.query import Column, Compare, Const, Op, Predicate
from bagipakai.registry.keys import StorageKey
from bagipakai.registry.releases import Release
from bench import measure

THREADS, MEMORY = 2, "1GB"
STORAGE = StorageKey(b"u" * 32)  # of these releases of invented people alone
TIMES = ("first", "next")
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


L4 = ("nik", "nomor_kk", "nama", "tanggal_lahir", "jenis_kelamin", "alamat", "rt", "rw", "kode_kec", "kode_desa")
L4 += ("hubungan_kepala_keluarga", "desil")
L2 = ("kode_kab", "kode_kec", "desil", "umur", "jenis_kelamin", "status_perkawinan", "hubungan_kepala_keluarga")
L2 += ("ijazah_tertinggi", "bekerja", "lapangan_usaha")
L1 = ("kode_kab", "desil", "jenis_kelamin")

CASES = {
    "l4-regency": Case(Level.L4, L4, None, 4, Format.PARQUET, ", ".join(L4), "", PARQUET),
    "l4-province": Case(Level.L4, L4, None, 2, Format.PARQUET, ", ".join(L4), "", PARQUET),
    "l2-nation": Case(
        Level.L2, L2, POOR, 0, Format.PARQUET, ", ".join(("nik", "nomor_kk", *L2)), "WHERE desil <= 4", PARQUET
    ),
    "l1-table": Case(
        Level.L1,
        L1,
        None,
        0,
        Format.CSV,
        f"{', '.join(L1)}, count(*) AS jumlah_individu",
        f"GROUP BY {', '.join(L1)} ORDER BY {', '.join(L1)}",
        "FORMAT csv, HEADER",
    ),
}


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--people", type=int, default=10_000_000)
    told.add_argument("--release", type=Path)
    told.add_argument("--times", type=int, default=3)
    told.add_argument("--case", choices=CASES, action="append")
    told.add_argument("--side", choices=("governed", "plain"), help=argparse.SUPPRESS)
    options = told.parse_args()
    folder = options.release or _release(options.people)
    if options.side:
        print(json.dumps(_measured(options.side, CASES[options.case[0]], folder)))
        return
    for name in options.case or CASES:
        runs: dict[str, list[dict[str, Any]]] = {"governed": [], "plain": []}
        for _ in range(options.times):
            for side, figures in runs.items():
                figures.append(_in_a_process(name, side, folder))
        measure.keep(f"extract-{name}", _compared(runs, folder))


def _in_a_process(name: str, side: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.extracts", "--case", name, "--side", side, "--release", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def _compared(runs: dict[str, list[dict[str, Any]]], folder: Path) -> dict[str, Any]:
    release = Release.open(folder.parent, folder.name)
    middle = {
        side: {name: statistics.median(one[name] for one in figures) for name in figures[0]}
        for side, figures in runs.items()
    }
    governed, plain = middle["governed"], middle["plain"]
    measured = [f"{time}_{name}" for time in TIMES for name in ("seconds", "cpu_seconds")]
    ratios = {f"ratio_{name}": round(governed[name] / plain[name], 2) for name in measured}
    return {"people": release.person_count, **middle, **ratios, "runs": runs}


def _measured(side: str, case: Case, folder: Path) -> dict[str, Any]:
    """One run in this process, in a folder of its own."""
    Release.open(folder.parent, folder.name)
    clock = Clock()
    release = Release.open(folder.parent, folder.name)
    figures: dict[str, float] = clock.told("opening")
    measure.RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=measure.RESULTS.resolve()) as here:
        work = (_governed if side == "governed" else _plain)(case, release, Path(here))
        for time_ in TIMES:
            clock = Clock()
            rows, size = work(time_)
            figures |= clock.told(time_)
    return {**figures, "peak_mb": _peak_mb(), "rows": rows, "bytes": size}


class Clock:
    """Seconds and CPU seconds of this process since it was made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def told(self, what: str) -> dict[str, float]:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return {f"{what}_seconds": round(wall, 3), f"{what}_cpu_seconds": round(cpu, 3)}


def _peak_mb() -> int:
    """The most memory this process ever held. Not ru_maxrss: a child inherits that from its parent."""
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) // 1024


def _area(case: Case, release: Release) -> tuple[str, ...]:
    rows: Counter[str] = Counter()
    for file in release.files:
        if file.unit == Unit.INDIVIDU:
            rows[file.kode_kab[: case.digits]] += file.rows
    return (rows.most_common(1)[0][0],) if case.digits else ()


def _plain(case: Case, release: Release, here: Path) -> Any:
    import duckdb

    place = "".join(_area(case, release))
    files = [file for file in release.files if file.unit == Unit.INDIVIDU and file.kode_kab.startswith(place)]
    paths = [str(release.folder.parent.parent / "dataset" / file.path) for file in files]  # the same rows in clear

    def work(name: str) -> tuple[int, int]:
        out = here / name
        with duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY}) as con:
            source = f"read_parquet({paths!r}, hive_partitioning = false)"
            query = f"SELECT {case.select} FROM {source} {case.rest}"  # noqa: S608  # our own, in this file
            found = con.execute(f"COPY ({query}) TO '{out}' ({case.options})").fetchall()
        return int(found[0][0]), out.stat().st_size

    return work


def _governed(case: Case, release: Release, here: Path) -> Any:
    import pyrage

    from bagipakai.core.envelope import Signer
    from bagipakai.core.exchange import Order
    from bagipakai.core.manifest import fingerprint
    from bagipakai.registry.deliver import Places, deliver
    from bagipakai.registry.keys import Keys, MasterKey

    key = str(pyrage.x25519.Identity.generate().to_public())
    counted = case.level is Level.L1
    plan = Plan(
        request="bench",
        purpose="BANSOS",
        programme="Pengukuran",
        legal_basis="UU 27/2022 Pasal 20 ayat (2) huruf e",
        level=case.level,
        unit=Unit.INDIVIDU,
        release=release.version,
        rolling=False,
        area=Area(_area(case, release), release.region_edition),
        population=case.population,
        variables=tuple(Asked(name, "pengukuran") for name in case.columns),
        protections=Protections(("nik", "nomor_kk") if case.level is Level.L2 else (), 10 if counted else 0),
        format=case.form,
        channel="PORTAL",
        recipient=Recipient("bench", "Penerima ukur", key, fingerprint(key)),
        onward_sharing=False,
        ends_on=date(2100, 1, 1),
    )
    placed = datetime.combine(max(release.published_on, date(2026, 7, 1)), datetime.min.time(), UTC)
    signer = Signer.new()
    keys, places = Keys(signer, signer, MasterKey(b"b" * 32), STORAGE, signer.public), Places.under(here)

    def work(name: str) -> tuple[int, int]:
        order = Order(name, plan, release.version, "d" * 64, "a" * 64, "b" * 64, placed)
        receipt = deliver(order, release, keys, places)
        assert not receipt.refusal, receipt.refusal
        return receipt.rows, receipt.package_bytes

    return work


def _release(people: int) -> Path:
    """The release of this size under `var/bench`, made if it is not there."""
    from bagipakai.registry.publishing import publish
    from bagipakai.registry.synthesis import synthesise

    here = measure.RESULTS / f"nation-{people}"
    folder = here / "releases" / "2026.3.0"
    if not folder.is_dir():
        if not (here / "dataset").is_dir():
            synthesise(people, 2026, here / "dataset")
        made = publish(here / "dataset", folder.parent, folder.name, datetime.now(UTC), STORAGE)
        assert isinstance(made, Release), made
    return folder.resolve()


if __name__ == "__main__":
    main()
