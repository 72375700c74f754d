"""What a package says about its columns: the dictionary, one line a column, and the metadata, everything else
(law reference §5.2: release, data standard and metadata go with each delivery)."""

import json

import pyarrow as pa

from bagipakai.core.manifest import DeliveredColumn
from bagipakai.core.plan import Format, Level, Plan
from bagipakai.core.variables import Catalogue
from bagipakai.registry import formats
from bagipakai.registry.pseudonyms import SCHEME
from bagipakai.registry.releases import Release

_OWN = {  # columns that no catalogue names, because delivery makes them
    "pseudonim_nik": "Pengganti NIK, hanya berlaku untuk penerima, tujuan, dan rilis paket ini",
    "pseudonim_nik_sah": "Benar jika pseudonim_nik mewakili NIK; salah jika NIK kosong atau tidak sah, sehingga "
    "nilainya acak dan hanya berlaku dalam paket ini",
    "pseudonim_kk": "Pengganti nomor KK, hanya berlaku untuk penerima, tujuan, dan rilis paket ini",
    "pseudonim_kk_sah": "Benar jika pseudonim_kk mewakili nomor KK; salah jika nomor KK kosong atau tidak sah, "
    "sehingga nilainya acak dan hanya berlaku dalam paket ini",
    "jenis_baris": "sel = satu kombinasi semua dimensi; jumlah = dimensi yang kosong dijumlahkan",
    "jumlah_individu": "Cacah individu; kosong jika ditutup",
    "jumlah_keluarga": "Cacah keluarga; kosong jika ditutup",
    "ditutup": "Benar jika cacah ditutup untuk melindungi kelompok kecil; tertutup tidak sama dengan nol",
}
_HEAD = ("kolom", "nama_resmi", "definisi", "jenis", "satuan", "daftar_kode", "kelas", "produsen", "dasar")


def dictionary(columns: tuple[DeliveredColumn, ...], catalogue: Catalogue) -> bytes:
    """`kamus.csv`: one line per delivered column, in delivered order."""
    lines = [_line(column, catalogue) for column in columns]
    fields = {name: [line[at] for line in lines] for at, name in enumerate(_HEAD)}
    return formats.csv_bytes(pa.record_batch(fields, schema=pa.schema([(name, pa.string()) for name in _HEAD])))


def _line(column: DeliveredColumn, catalogue: Catalogue) -> tuple[str | None, ...]:
    if column.name not in catalogue:
        return (column.name, None, _OWN[column.name], column.type, None, None, column.sensitivity, None, None)
    variable = catalogue[column.name]
    codes = None if variable.codes is None else f"{variable.codes.id} ({variable.codes.edition})"
    return (
        *(variable.name, variable.official_name, variable.definition, column.type, variable.measure, codes),
        *(column.sensitivity, variable.producer, variable.basis),
    )


def metadata(plan: Plan, columns: tuple[DeliveredColumn, ...], release: Release) -> bytes:
    """`metadata.json`: release, standard, region codes, each variable with its codes and its quality in the whole
    release, and how the files are to be read. Raises Damaged."""
    catalogue, measured = release.catalogue, release.quality()[plan.unit.value]
    value = {
        "rilis": release.metadata(),
        "standar": catalogue.standard,
        "wilayah": {"sistem": plan.area.system, "edisi": plan.area.edition, "kode": list(plan.area.codes)},
        "permintaan": {"nomor": plan.request, "tujuan": plan.purpose, "program": plan.programme},
        "variabel": [catalogue[column.name].to_json() for column in columns if column.name in catalogue],
        "mutu": {
            "baris": measured["rows"],
            "variabel": {
                column.name: measured["variables"][column.name] for column in columns if column.name in catalogue
            },
        },
        "kolom_tambahan": {column.name: _OWN[column.name] for column in columns if column.name not in catalogue},
        "format": {"nama": plan.format.value, "catatan": list(_reading(plan))},
    }
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _reading(plan: Plan) -> tuple[str, ...]:
    """How to read the files, for a person or a programmer."""
    notes = {
        Format.CSV: "UTF-8 tanpa BOM, pemisah koma, teks dalam tanda kutip; kosong tanpa kutip = tidak diketahui, "
        '"" = teks kosong. Baca kolom teks sebagai teks: NIK, nomor KK, dan kode wilayah bukan bilangan.',
        Format.XLSX: "Satu lembar per berkas; NIK, nomor KK, kode, dan bilangan lebih dari 15 digit adalah teks.",
        Format.JSONL: "UTF-8, satu objek per baris; null = tidak diketahui.",
        Format.PARQUET: "Parquet 2.6, zstd; pseudonim adalah 16 byte biner.",
    }
    found = [notes[plan.format]]
    if plan.format in (Format.CSV, Format.XLSX):
        found.append(
            "Teks yang dapat dijalankan lembar kerja sebagai rumus diberi satu tanda petik (') di depan; jumlahnya per "
            "kolom ada di manifes (guarded). Hapus satu petik di depan pada kolom itu untuk mendapat nilai asli."
        )
    if plan.protections.pseudonyms:
        found.append(f"Skema pseudonim: {SCHEME}. Hanya Pengendali yang dapat mengembalikannya.")
    if plan.level in (Level.L2, Level.L3):
        found.append("Urutan baris diacak untuk paket ini dan tidak bermakna.")
    if plan.level is Level.L1:
        found.append("Cacah yang ditutup bukan nol. Jangan menjumlahkan sel untuk menduga cacah yang ditutup.")
    return tuple(found)
