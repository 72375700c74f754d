"""`bagipakai registry synthesise-list`: a list of people to try matching with. No release is read."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bagipakai.core.refusal import Refusal
from bagipakai.showing import answered, number, refused

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = "typical, dense, no_nik, dirty, excel, old"  # of registry.synthesis.lists, which takes its time to ask


def register(subparsers: Any) -> None:
    """Adds the command."""
    make = subparsers.add_parser(
        "synthesise-list",
        help="buat daftar nama sintetis, seperti yang ditulis sebuah dinas, untuk mencoba pemadanan",
        description="Orangnya dari penduduk yang dibuat `synthesise` dengan jumlah dan benih yang sama, ditambah yang"
        " tidak ada di sana; penulisnya membuat kesalahan seperti di dunia nyata. Rilis tidak dibaca.",
    )
    make.add_argument("--people", type=int, required=True, metavar="N", help="jumlah orang pada `synthesise`")
    make.add_argument("--seed", type=int, default=2026, metavar="S", help="benihnya di sana (baku 2026)")
    make.add_argument("--area", required=True, metavar="KODE", help="provinsi atau kabupaten, misalnya 5203")
    make.add_argument(
        "--rows", type=int, default=300, metavar="N", help="baris; paling banyak sepertiga penduduk wilayah itu"
    )
    make.add_argument("--kind", default="typical", metavar="JENIS", help=f"{KINDS} (baku typical)")
    make.add_argument("--out", type=Path, required=True, metavar="BERKAS", help="CSV bila .csv, selain itu Parquet")
    make.add_argument(
        "--truth",
        type=Path,
        metavar="BERKAS",
        help="siapa tiap barisnya, untuk menilai hasil: CSV bila .csv, selain itu Parquet",
    )
    make.add_argument("--json", action="store_true", help="jawaban untuk program, di keluaran baku")
    make.set_defaults(run=_make)


def _make(options: argparse.Namespace) -> int:
    from bagipakai.registry.matching.results import is_writable
    from bagipakai.registry.synthesis.lists.of_nation import NotToMake, list_of_nation

    for file in (options.out, options.truth):
        if file is not None and not is_writable(file):
            return refused(Refusal("matching-out-of-another-form", {"file": file.name}))
    try:
        made, truth = list_of_nation(options.people, options.seed, options.area, options.rows, options.kind)
    except NotToMake as no:
        return refused(no.refusal)
    unwritten = _both({options.truth: truth, options.out: made} if options.truth else {options.out: made})
    if unwritten is not None:
        return refused(unwritten)
    told = {"rows": made.num_rows, "columns": made.column_names, "file": str(options.out)}
    return answered(options, told, f"{number(made.num_rows)} baris di {options.out}")


def _both(tables: "dict[Path, pa.Table]") -> Refusal | None:
    """Writes these files, or none of them."""
    from bagipakai.registry.matching.results import write

    written: list[Path] = []
    for file, table in tables.items():
        try:
            write(table, file)
        except OSError:
            for one in written:
                one.unlink(missing_ok=True)
            return Refusal("matching-out-unwritable", {"file": file.name})
        written.append(file)
    return None
