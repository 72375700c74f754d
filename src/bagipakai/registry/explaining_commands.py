"""`bagipakai registry explain | matching-report`: why a row got its answer, and how well a list was matched."""

import argparse
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bagipakai.core.refusal import Refusal
from bagipakai.showing import refused

if TYPE_CHECKING:
    import pyarrow as pa


def register(subparsers: Any) -> None:
    """Adds the commands."""
    explain = subparsers.add_parser(
        "explain",
        help="terangkan mengapa satu baris hasil pemadanan dijawab demikian",
        description="Buktinya dengan kata-kata dan bobotnya; tidak ada isi data orang di dalamnya.",
    )
    explain.add_argument("--row", required=True, metavar="NOMOR", help="list_id baris itu di daftar")
    explain.add_argument("--out", type=Path, metavar="BERKAS", help="gambar SVG; tanpa ini: teks di layar")
    explain.add_argument("--language", choices=("id", "en"), default="id", help="bahasa keterangan (baku: id)")
    explain.set_defaults(run=_explain)
    report = subparsers.add_parser(
        "matching-report",
        help="susun laporan mutu pemadanan: ketepatan, kalibrasi, jawaban, dan keadilan, dengan gambarnya",
        description="Untuk di dalam saja: kelompok yang kecil dapat menunjuk orangnya.",
    )
    report.add_argument(
        "--truth",
        type=Path,
        required=True,
        metavar="BERKAS",
        help="list_id, dan registry_id yang benar atau kosong",
    )
    report.add_argument(
        "--registry", type=Path, metavar="BERKAS", help="registri sebagai satu berkas Parquet: juga menurut kelompok"
    )
    report.add_argument("--out", type=Path, required=True, metavar="BERKAS", help="halaman HTML, berdiri sendiri")
    report.add_argument("--day", type=date.fromisoformat, metavar="TTTT-BB-HH", help="umur menurut hari itu")
    report.set_defaults(run=_report)
    for one in (explain, report):
        one.add_argument("--result", type=Path, required=True, metavar="BERKAS", help="hasil `registry match`")


def _explain(options: argparse.Namespace) -> int:
    import pyarrow.compute as pc

    from bagipakai.registry.matching import explaining, results

    table = _table(options.result, results.read)
    if isinstance(table, Refusal):
        return refused(table)
    if "list_id" not in table.column_names:
        return refused(Refusal("matching-result-malformed"))
    rows = table.filter(pc.equal(table["list_id"].cast("string"), options.row)).slice(0, 1).to_pylist()
    if not rows:
        return refused(Refusal("matching-row-unknown", {"file": options.result.name}))
    evidence = explaining.evidence_of(rows[0])
    if isinstance(evidence, Refusal):
        return refused(evidence)
    if options.out is None:
        print("\n".join(explaining.told(evidence, options.language)))
        return 0
    figure = explaining.drawn(evidence, options.language)
    if isinstance(figure, Refusal):
        return refused(figure)
    _write(options.out, figure.file())
    print(f"Gambar: {options.out}")
    return 0


def _report(options: argparse.Namespace) -> int:
    import duckdb
    import pyarrow.parquet as pq

    from bagipakai.registry.matching import report, results
    from bagipakai.registry.matching.evaluation import OF_PERSONS, evaluated
    from bagipakai.registry.matching.policy import today
    from bagipakai.registry.regions import regions

    def persons(file: Path) -> "pa.Table":
        there = set(pq.read_schema(file).names)
        return pq.read_table(file, columns=[name for name in OF_PERSONS if name in there])

    result = _table(options.result, results.read)
    truth = _table(options.truth, results.read)
    registry = _table(options.registry, persons) if options.registry else None
    if isinstance(result, Refusal):
        return refused(result)
    if isinstance(truth, Refusal):
        return refused(truth)
    if isinstance(registry, Refusal):
        return refused(registry)
    if not {"list_id", "band", "registry_id", "probability"} <= set(result.column_names):
        return refused(Refusal("matching-result-malformed"))
    for table, file, needed in (
        (truth, options.truth, {"list_id", "registry_id"}),
        (registry, options.registry, {"registry_id"}),
    ):
        if table is not None and not needed <= set(table.column_names):
            why = f"tanpa kolom {' dan '.join(sorted(needed - set(table.column_names)))}"
            return refused(Refusal("matching-file-unreadable", {"file": file.name, "why": why}))
    day = options.day or today()
    try:
        found = evaluated(result, truth, registry, day=day)
    except ValueError:
        return refused(Refusal("matching-row-answered-twice", {"file": options.result.name}))
    except duckdb.Error:  # its words can quote a value
        why = "isi kolomnya tidak sejenis dengan hasilnya"
        return refused(Refusal("matching-file-unreadable", {"file": options.truth.name, "why": why}))
    names = {code: region.name for code, region in regions().items() if region.level == 1}
    _write(options.out, report.page(found, day, names))
    print(f"Laporan: {options.out}")
    return 0


def _table(file: Path, read: Any) -> "pa.Table | Refusal":
    import pyarrow as pa

    try:
        return read(file)
    except (OSError, pa.ArrowException) as error:
        why = error.strerror if isinstance(error, OSError) else None
        return Refusal("matching-file-unreadable", {"file": file.name, "why": why or "bukan Parquet atau CSV"})


def _write(out: Path, text: str) -> None:
    """For its owner alone; whole or not at all. Raises OSError."""
    beside = out.with_name(f".{out.name}.part")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(out)
