"""`bagipakai registry explain | review-labels | matching-report`: why a row got its answer, what clerks said, and how
well a list was matched."""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bagipakai import postgres
from bagipakai.core.policy import NoRule
from bagipakai.core.refusal import Refusal
from bagipakai.core.troubles import trouble
from bagipakai.registry import keys, named
from bagipakai.showing import number, refused

if TYPE_CHECKING:
    import pyarrow as pa

    from bagipakai.registry.matching.evaluation import Evaluation
    from bagipakai.registry.matching.labels import Quality

    _Evaluated = tuple[pa.Table, Evaluation, int]


_TWICE = "list_id itu ada di {} baris hasil ini; yang diterangkan baris yang pertama."


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
        description="Laporannya untuk di dalam saja: kelompok yang kecil dapat menunjuk orangnya. Pernyataan mutu"
        " (--announce) untuk umum: cacah dan angka, tanpa kelompok yang kecil. Kata penelaah di dalamnya dibaca dari"
        " jawaban bersegel yang masih disimpan.",
    )
    report.add_argument(
        "--truth",
        type=Path,
        metavar="BERKAS",
        help="list_id, dan registry_id yang benar atau kosong",
    )
    report.add_argument("--labels", type=Path, metavar="BERKAS", help="kata penelaah: berkas dari review-labels")
    report.add_argument(
        "--registry",
        type=Path,
        metavar="REGISTRI",
        help="registri sebagai satu berkas Parquet, atau rilis (mapnya atau versinya): juga menurut kelompok",
    )
    report.add_argument("--out", type=Path, required=True, metavar="BERKAS", help="halaman HTML, berdiri sendiri")
    report.add_argument("--day", type=date.fromisoformat, metavar="TTTT-BB-HH", help="umur menurut hari itu")
    report.add_argument(
        "--announce",
        type=Path,
        metavar="BERKAS",
        help="pernyataan mutu bersegel untuk umum, bagi `control announce` di kantor; perlu --registry",
    )
    report.add_argument(
        "--drawn",
        nargs=2,
        metavar=("JENIS", "BENIH"),
        help="daftar buatan: jenis dan benihnya; tanpa ini: daftar orang, dinilai penelaah",
    )
    report.add_argument(
        "--also",
        nargs=5,
        action="append",
        default=[],
        metavar=("HASIL", "LABEL", "REGISTRI", "JENIS", "BENIH"),
        help="daftar buatan lain yang ikut dinyatakan; boleh berulang",
    )
    report.add_argument("--model", type=Path, metavar="BERKAS", help="model yang diukur, bila bukan yang bawaan")
    report.set_defaults(run=_report)
    for one in (explain, report):
        given = one is explain
        one.add_argument("--result", type=Path, required=given, metavar="BERKAS", help="hasil `registry match`")
    labels = subparsers.add_parser(
        "review-labels",
        help="kumpulkan kata penelaah, tanpa isi data orang, untuk laporan mutu dan untuk melatih model",
        description="Tiap pasangan: jawaban penelaah, dan tingkat kesamaan yang ditemukan. Tidak ada isi data orang.",
    )
    labels.add_argument("order", nargs="*", metavar="PESANAN", help="baku: semua yang masih disimpan")
    labels.add_argument("--out", type=Path, required=True, metavar="BERKAS", help="Parquet")
    labels.set_defaults(run=_labels)


def _explain(options: argparse.Namespace) -> int:
    import pyarrow.compute as pc

    from bagipakai.registry.matching import explaining, results

    table = _table(options.result, results.read)
    if isinstance(table, Refusal):
        return refused(table)
    if "list_id" not in table.column_names:
        return refused(Refusal("matching-result-malformed"))
    found = table.filter(pc.equal(table["list_id"].cast("string"), options.row))
    if not len(found):
        return refused(Refusal("matching-row-unknown", {"file": options.result.name}))
    if len(found) > 1:
        print(_TWICE.format(number(len(found))), file=sys.stderr)
    evidence = explaining.evidence_of(found.slice(0, 1).to_pylist()[0])
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
    from bagipakai.registry.matching import report
    from bagipakai.registry.matching.policy import today
    from bagipakai.registry.regions import regions

    day = options.day or today()
    quality = _quality(options.labels) if options.labels else None
    if isinstance(quality, Refusal):
        return refused(quality)
    if options.result is None and options.truth is None and quality is not None:
        _write(options.out, report.page(None, day, {}, quality))
        print(f"Laporan: {options.out}")
        return 0
    if options.result is None or options.truth is None:
        return refused(Refusal("matching-report-of-nothing"))
    found = _evaluated(options.result, options.truth, options.registry, day)
    if isinstance(found, Refusal):
        return refused(found)
    try:
        stated = _stated(options, found, day) if options.announce else None
    except NoRule:
        return refused(Refusal("matching-has-no-rule", {"day": f"{day}"}))
    if isinstance(stated, Refusal):
        return refused(stated)
    names = {code: region.name for code, region in regions().items() if region.level == 1}
    _write(options.out, report.page(found[1], day, names, quality))
    print(f"Laporan: {options.out}")
    if stated is not None:
        options.announce.write_bytes(stated)
        name = options.announce.name
        print(f"Pernyataan mutu: {options.announce}. Di kantor: bagipakai control announce {name}")
    return 0


def _evaluated(result_file: Path, truth_file: Path, registry_file: Path | None, day: date) -> "_Evaluated | Refusal":
    """The result, how good it is, and of how many persons; a Refusal where a file is unreadable or of another kind."""
    import duckdb

    from bagipakai.registry.matching import results
    from bagipakai.registry.matching.evaluation import evaluated

    result = _table(result_file, results.read)
    truth = _table(truth_file, results.read)
    if isinstance(result, Refusal):
        return result
    if isinstance(truth, Refusal):
        return truth
    there = _persons(registry_file, truth) if registry_file else (None, 0)
    if isinstance(there, Refusal):
        return there
    registry, persons = there
    if not {"list_id", "band", "registry_id", "probability"} <= set(result.column_names):
        return Refusal("matching-result-malformed")
    for table, file, needed in (
        (truth, truth_file, {"list_id", "registry_id"}),
        (registry, registry_file, {"registry_id"}),
    ):
        if table is not None and file is not None and not needed <= set(table.column_names):
            why = f"tanpa kolom {' dan '.join(sorted(needed - set(table.column_names)))}"
            return Refusal("matching-file-unreadable", {"file": file.name, "why": why})
    try:
        return result, evaluated(result, truth, registry, day=day), persons
    except ValueError:
        return Refusal("matching-row-answered-twice", {"file": result_file.name})
    except duckdb.Error:  # its words can quote a value
        why = "isi kolomnya tidak sejenis dengan hasilnya"
        return Refusal("matching-file-unreadable", {"file": truth_file.name, "why": why})


def _persons(registry: Path, truth: "pa.Table") -> "tuple[pa.Table, int] | Refusal":
    """What groups are made of, and how many persons the registry has. Of a file all of them; of a release those who are
    named in `truth`: it knows no mothers, so nobody else tells anything of them."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from bagipakai.registry.matching import sources
    from bagipakai.registry.matching.evaluation import OF_PERSONS
    from bagipakai.registry.vault import Damaged

    def of_file(file: Path) -> "tuple[pa.Table, int]":
        there = set(pq.read_schema(file).names)
        found = pq.read_table(file, columns=[name for name in OF_PERSONS if name in there])
        return found, len(found)

    if registry.is_file():
        return _table(registry, of_file)
    release = named.opened(registry)
    if isinstance(release, Refusal):
        return release
    try:
        wanted = truth["registry_id"].cast(pa.int64())
        told = sources.rows_of_release(release, keys.storage(postgres.var() / "keys"))
        found = pa.concat_tables(rows.filter(pc.is_in(rows["registry_id"], wanted)) for rows in told)
        return found.select([name for name in OF_PERSONS if name in found.column_names]), release.person_count
    except (KeyError, pa.ArrowException):
        return Refusal("matching-file-unreadable", {"file": registry.name, "why": "labelnya tidak menyebut rilis ini"})
    except Damaged as damage:
        return damage.refusal


def _stated(options: argparse.Namespace, first: "_Evaluated", day: date) -> bytes | Refusal:
    """The sealed statement of quality: about the list of the report, then the others."""
    from bagipakai.core.matching_quality import KINDS, LABELLED, MatchingQuality
    from bagipakai.registry.matching import announcing, model
    from bagipakai.registry.vault import Damaged

    weights = model.opened(options.model or model.SHIPPED)
    if isinstance(weights, Refusal):
        return weights
    lists: list[announcing.Judged] = []
    for result_file, truth_file, registry_file, kind, seed in (
        (options.result, options.truth, options.registry, *(options.drawn or (LABELLED, ""))),
        *((Path(result), Path(truth), Path(registry), *drawn) for result, truth, registry, *drawn in options.also),
    ):
        drawn = kind in KINDS and kind != LABELLED and seed.isdecimal()
        if registry_file is None or not (drawn or (kind, seed) == (LABELLED, "")):
            return Refusal("matching-statement-incomplete", {"kinds": ", ".join(KINDS[:-1])})
        found = _evaluated(result_file, truth_file, registry_file, day) if lists else first
        if isinstance(found, Refusal):
            return found
        result, evaluation, persons = found
        if not announcing.was_made_by(result, weights, day):
            return Refusal("matching-result-of-another-model", {"file": result_file.name})
        lists.append(announcing.Judged(kind, persons, int(seed) if drawn else None, evaluation))
    folder = postgres.var() / "keys"
    keys.establish(folder)
    try:
        clerks = announcing.clerks(_labelled(), weights, day)
    except Damaged as damage:
        return damage.refusal
    told = announcing.statement(lists, weights, day, clerks)
    if isinstance(told, Refusal):
        return told
    try:
        MatchingQuality.from_json(told.to_json())
    except ValueError:  # what the office would refuse is not sealed: an odd version
        return Refusal("matching-statement-incomplete", {"kinds": ", ".join(KINDS[:-1])})
    return told.sealed(keys.receipt_signer(folder))


def _labels(options: argparse.Namespace) -> int:
    import pyarrow.parquet as pq

    from bagipakai.registry import reviews
    from bagipakai.registry.matching import labels
    from bagipakai.registry.vault import Damaged

    keys.establish(postgres.var() / "keys")
    try:
        told = list(_labelled(options.order))
        found = labels.said(told)
    except reviews.UnknownReview as unknown:
        return refused(Refusal("review-unknown", {"order": str(unknown)}))
    except Damaged as damage:
        return refused(damage.refusal)
    beside = options.out.with_name(f".{options.out.name}.part")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        pq.write_table(found, file)
    beside.replace(options.out)
    print(f"{len(found)} pasangan dengan kata penelaah, dari {len(told)} daftar: {options.out}")
    return 0


def _labelled(orders: Sequence[str] = ()) -> "Iterator[pa.Table]":
    """What clerks said of the pairs of these orders, or of all whose pairs are kept, as the office signed it. Raises
    UnknownReview, Damaged."""
    from bagipakai.registry import reviews
    from bagipakai.registry.places import Places

    var = postgres.var()
    folder, storage, trusted = Places.under(var).reviews, keys.storage(var / "keys"), keys.orders(var / "keys")
    for order in orders or [place.name for place in reviews.all_reviews(folder)]:
        yield reviews.labelled(folder, storage, order, trusted)


def _quality(file: Path) -> "Quality | Refusal":
    import pyarrow as pa
    import pyarrow.parquet as pq

    from bagipakai.registry.matching import labels

    told = _table(file, pq.read_table)
    if isinstance(told, Refusal):
        return told
    try:
        return labels.quality(labels.said([told]))
    except (KeyError, pa.ArrowException):
        return Refusal("matching-file-unreadable", {"file": file.name, "why": "bukan berkas dari review-labels"})


def _table(file: Path, read: Any) -> "pa.Table | Refusal":
    import pyarrow as pa

    try:
        return read(file)
    except (OSError, pa.ArrowException) as error:
        other = "bukan Parquet atau CSV"
        why = trouble(error, other) if isinstance(error, OSError) else other
        return Refusal("matching-file-unreadable", {"file": file.name, "why": why})


def _write(out: Path, text: str) -> None:
    """For its owner alone; whole or not at all. Raises OSError."""
    beside = out.with_name(f".{out.name}.part")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(out)
