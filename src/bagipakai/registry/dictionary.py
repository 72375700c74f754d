"""What a package says about its columns: the dictionary, one line a column, and the metadata, everything else
(law reference §5.2: release, data standard and metadata go with each delivery)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import pyarrow as pa

from bagipakai.core.disclosure import Grain
from bagipakai.core.manifest import DeliveredColumn
from bagipakai.core.plan import Format, Level, Plan
from bagipakai.core.variables import Catalogue, Variable
from bagipakai.registry import formats
from bagipakai.registry.matching.results import REASONS
from bagipakai.registry.pseudonyms import SCHEME
from bagipakai.registry.releases import Release


@dataclass(frozen=True, slots=True)
class _Own:
    """A column that no catalogue names, because delivery makes it."""

    name: str
    definition: str
    measure: str
    values: str | None = None


def _reasons() -> str:
    return "; ".join(f"{code} = {words}" for code, words in REASONS.items())


OWN = {
    "pseudonim_nik": _Own(
        "Pseudonim NIK", "Pengganti NIK, hanya berlaku untuk penerima, tujuan, dan rilis paket ini", "pseudonim"
    ),
    "pseudonim_nik_sah": _Own(
        "Pseudonim NIK mewakili NIK yang sah",
        "Ya jika pseudonim_nik mewakili NIK; tidak jika NIK kosong atau tidak sah, sehingga nilainya acak dan hanya "
        "berlaku dalam paket ini",
        "ya/tidak",
    ),
    "pseudonim_kk": _Own(
        "Pseudonim nomor KK",
        "Pengganti nomor KK, hanya berlaku untuk penerima, tujuan, dan rilis paket ini",
        "pseudonim",
    ),
    "pseudonim_kk_sah": _Own(
        "Pseudonim KK mewakili nomor KK yang sah",
        "Ya jika pseudonim_kk mewakili nomor KK; tidak jika nomor KK kosong atau tidak sah, sehingga nilainya acak dan "
        "hanya berlaku dalam paket ini",
        "ya/tidak",
    ),
    "jenis_baris": _Own(
        "Jenis baris",
        "sel = cacah satu kelompok; jumlah = cacah semua kelompok di bawahnya, dan variabel yang dijumlahkan kosong",
        "kategori",
    ),
    "jumlah_individu": _Own("Jumlah individu", "Banyaknya individu; kosong jika ditutup", "orang"),
    "jumlah_keluarga": _Own("Jumlah keluarga", "Banyaknya keluarga; kosong jika ditutup", "keluarga"),
    "baris": _Own("Baris", "Letak baris itu dalam daftar yang dikirim, dihitung seperti di berkasnya", "nomor baris"),
    "list_id": _Own(
        "Pengenal baris",
        "Pengenal atau nomor urut dari daftar yang dikirim; bila tidak ada, letak baris itu di berkasnya",
        "pengenal",
    ),
    "hasil": _Own(
        "Hasil pemadanan",
        "Apakah orang di baris itu ditemukan di antara penduduk yang dicakup permintaan ini. Bukan dasar tunggal untuk "
        "mengeluarkan seseorang dari bantuan",
        "kategori",
        "cocok, ya = ditemukan dengan pasti; perlu telaah, belum pasti = ada yang serupa, belum dapat dipastikan; "
        "tidak cocok, tidak = tidak ditemukan",
    ),
    "alasan": _Own("Alasan", "Mengapa hasil baris itu demikian", "kategori", _reasons()),
    "ditutup": _Own(
        "Ditutup", "Ya jika cacah ditutup untuk melindungi kelompok kecil; ditutup tidak sama dengan nol", "ya/tidak"
    ),
}
_OWN_PRODUCER, _OWN_BASIS = "Berbagipakai DTSEN", "Dibuat waktu paket disusun"
_TYPES = {
    "text": "teks",
    "integer": "bilangan bulat",
    "boolean": "ya/tidak (true berarti ya)",
    "date": "tanggal (tahun-bulan-hari)",
    "pseudonym": "pseudonim",
}
CLASSES = {
    "PERSONAL_IDENTIFIER": "Pengenal pribadi",
    "QUASI_IDENTIFIER": "Pengenal tidak langsung",
    "SPECIFIC": "Data pribadi spesifik",
    "GENERAL": "Umum",
    "PSEUDONYM": "Pseudonim",
    "COUNT": "Cacah",
    "MATCHING": "Jawaban pemadanan",
}
_HEAD = (
    *("kolom", "nama_resmi", "definisi", "jenis", "satuan", "arti_kode", "kelas", "produsen", "dasar"),
    *("daftar_kode", "kode_jenis", "kode_kelas"),  # for programs
)


def coarser(plan: Plan, day: date) -> dict[str, Grain]:
    """By column, how the plan tells it where not as it is, by the policy of that day."""
    known = Grain.on(day)
    ways = {
        one.name: next((way for way in known.get(one.name, ()) if way.code == one.grain), None)
        for one in plan.variables
    }
    return {name: way for name, way in ways.items() if way is not None}


def dictionary(
    columns: tuple[DeliveredColumn, ...],
    catalogue: Catalogue,
    notes: Mapping[str, str],
    grains: Mapping[str, Grain],
) -> bytes:
    """`kamus.csv`: one line per delivered column, in delivered order. Words first; what programs go by stands last.
    `notes`: by column, how its values differ from those of the release. `grains`: as `coarser`; of a column that is
    told so, the codes and the first numbers of bands that can occur, and all that each stands for."""
    lines = [_line(column, catalogue, notes.get(column.name), grains.get(column.name)) for column in columns]
    fields = {name: [line[at] for line in lines] for at, name in enumerate(_HEAD)}
    return formats.csv_bytes(pa.record_batch(fields, schema=pa.schema([(name, pa.string()) for name in _HEAD])))


def _line(
    column: DeliveredColumn, catalogue: Catalogue, note: str | None, grain: Grain | None
) -> tuple[str | None, ...]:
    kind, sort = _TYPES[column.type], CLASSES[column.sensitivity]
    machine = (column.type, column.sensitivity)
    if column.name not in catalogue:
        own = OWN[column.name]
        meaning = (own.name, own.definition, kind, own.measure, own.values, sort, _OWN_PRODUCER, _OWN_BASIS)
        return (column.name, *meaning, None, *machine)
    variable = catalogue[column.name]
    codes = variable.codes
    values = "; ".join(f"{one.value} = {one.label}" for one in _meanings(variable, grain)) or None
    definition = f"{variable.definition} Dalam paket ini {note}." if note else variable.definition
    return (
        *(variable.name, variable.official_name, definition, kind, variable.measure, values),
        *(sort, variable.producer, variable.basis),
        *(None if codes is None else f"{codes.id} ({codes.edition})", *machine),
    )


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What a value that a column can hold stands for. `members`: of a code, those of the release that it is for."""

    value: str
    label: str
    english: str
    members: tuple[str, ...] = ()


def _meanings(variable: Variable, grain: Grain | None) -> Iterator[_Meaning]:
    """Of each code in the official order of the first that it stands for, or of each band, that the column can hold."""
    if grain and grain.starts:
        yield from _bands(grain.starts, variable.low)
    elif codes := variable.codes:
        groups = {code: grain.groups.get(code) if grain else code for code in codes}
        for told in dict.fromkeys(group for group in groups.values() if group is not None):
            members = tuple(code for code, group in groups.items() if group == told)
            label, english = ([codes.label(one, lang) for one in members] for lang in ("id", "en"))
            yield _Meaning(told, _either(label, "atau"), _either(english, "or"), members)


def _bands(starts: tuple[int, ...], low: int | None) -> Iterator[_Meaning]:
    """What lies below the first start is told as the first start; the last band is open."""
    for start, end in pairwise(starts):
        if start == starts[0] and (low is None or low < start):
            yield _Meaning(str(start), f"sampai {end - 1}", f"up to {end - 1}")
        else:
            several = f"{start}–{end - 1}" if end - start > 1 else f"{start}"
            yield _Meaning(str(start), several, several)
    yield _Meaning(str(starts[-1]), f"{starts[-1]} ke atas", f"{starts[-1]} and over")


def _either(words: Sequence[str], last: str) -> str:
    """ "Kawin, Cerai hidup, atau Cerai mati"."""
    *first, final = words
    return f"{', '.join(first)}{',' if len(first) > 1 else ''} {last} {final}" if first else final


def _described(variable: Variable, grain: Grain | None) -> dict[str, Any]:
    """As `Variable.to_json`, with the codes or bands that can occur where it is told more coarsely."""
    value, told = variable.to_json(), list(_meanings(variable, grain))
    if grain is None:
        return value
    if grain.starts:
        return {
            **value,
            "bands": [{"start": int(one.value), "label": one.label, "english": one.english} for one in told],
        }
    values = [
        {"code": one.value, "label": one.label, "english": one.english, "members": list(one.members)} for one in told
    ]
    return {**value, "codes": {**value["codes"], "values": values}}


def metadata(
    plan: Plan,
    columns: tuple[DeliveredColumn, ...],
    release: Release,
    notes: Mapping[str, str],
    grains: Mapping[str, Grain],
) -> bytes:
    """`metadata.json`: release, standard, region codes, each variable with its codes and its quality in the whole
    release, how the files are to be read, and, by column, how its values differ from those of the release (`notes`).
    `grains`: as in the dictionary; `members` of a code are those that it stands for. Raises Damaged."""
    catalogue = release.catalogue
    known = [column.name for column in columns if column.name in catalogue]
    value = {
        "keterangan": _about(plan),
        "rilis": release.metadata(),
        "standar": catalogue.standard,
        "wilayah": {
            "sistem": plan.area.system,
            "edisi": plan.area.edition,
            "cakupan": "wilayah dalam daftar kode" if plan.area.codes else "seluruh Indonesia",
            "kode": list(plan.area.codes),
        },
        "permintaan": {
            "nomor": plan.request,
            "tujuan": plan.purpose,
            "program": plan.programme,
            "level": plan.level.value,
            "satuan": plan.unit.value,
        },
        "variabel": [_described(catalogue[name], grains.get(name)) for name in known],
        "mutu": in_thousandths(release.quality()[plan.unit.value], known),
        "kolom_tambahan": {column.name: OWN[column.name].definition for column in columns if column.name not in known},
        **({"perbedaan": dict(notes)} if notes else {}),
        "format": {"nama": plan.format.value, "catatan": list(_reading(plan))},
    }
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode("utf-8")


def _about(plan: Plan) -> list[str]:
    """What lies in the folder, for whoever opens it first."""
    return [
        f"Data ada di bagian-0001.{plan.format.ending} dan bagian berikutnya, bila ada.",
        "Arti setiap kolom dan setiap kode ada di kamus.csv.",
        "Berkas ini memuat hal yang sama untuk program, dan mutu setiap variabel dalam seluruh rilis.",
        "manifest.dsse.json adalah bukti bersegel: rencana yang disetujui, proses, dan sidik setiap berkas.",
    ]


def in_thousandths(measured: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """How full and how valid each variable is in the whole release: parts of a thousand, never counts. A count of the
    unknown would give back the cell of the unknown that a table hides."""
    rows = measured["rows"]
    return {
        "baris": rows,
        "per_seribu": {
            name: {
                "terisi": 1000 - _thousandths(measured["variables"][name]["missing"], rows),
                "tidak_sah": _thousandths(measured["variables"][name]["invalid"], rows),
            }
            for name in names
        },
    }


def _thousandths(count: int, rows: int) -> int:
    return (2000 * count + rows) // (2 * rows) if rows else 0


def _reading(plan: Plan) -> tuple[str, ...]:
    """How to read the files, for a person or a programmer."""
    notes = {
        Format.CSV: "UTF-8 tanpa BOM, pemisah koma, teks dalam tanda kutip; kosong tanpa kutip = tidak diketahui, "
        '"" = teks kosong. Baca kolom teks sebagai teks: NIK, nomor KK, dan kode wilayah bukan bilangan.',
        Format.XLSX: "Satu lembar per berkas; NIK, nomor KK, kode, dan bilangan lebih dari 15 digit adalah teks; sel "
        "kosong = tidak diketahui.",
        Format.JSONL: "UTF-8, satu objek per baris; null = tidak diketahui.",
        Format.SDMX_CSV: "SDMX-CSV 2.0; strukturnya (dimensi, daftar kode) ada di struktur.json (SDMX-JSON 2.0). Tiap "
        "dimensi adalah kolom di kamus.csv dengan huruf besar; _T = jumlah semua kelompok, _U = tidak diketahui. "
        "OBS_VALUE adalah cacah; OBS_STATUS A = tampil, Q = ditutup (OBS_VALUE kosong, CONF_STATUS C).",
        Format.PARQUET: "Parquet 2.6, zstd; pseudonim adalah 16 byte biner.",
    }
    found = [notes[plan.format]]
    if plan.format in (Format.CSV, Format.XLSX, Format.SDMX_CSV):
        found.append(
            "Teks yang dapat dijalankan lembar kerja sebagai rumus diberi satu tanda petik (') di tempat rumus itu "
            "dapat dimulai; jumlahnya per kolom ada di manifes (guarded). Pada kolom itu, hapus satu petik di depan, "
            "sesudah titik koma, sesudah tab, dan sesudah ganti baris untuk mendapat nilai asli."
        )
    if plan.protections.pseudonyms:
        found.append(f"Pseudonim dibuat menurut skema {SCHEME}; hanya Pengendali DTSEN yang dapat mengembalikannya.")
    if plan.level in (Level.L2, Level.L3):
        found.append("Urutan baris diacak untuk paket ini dan tidak bermakna.")
    if plan.matching is not None:
        found.append(
            "Tiap baris adalah satu baris daftar yang dikirim, dalam urutannya. Variabel terisi hanya bila orangnya "
            "ditemukan dengan pasti; kosong pada baris lain berarti tidak diberitahukan."
        )
    if plan.level is Level.L1:
        found.append("Cacah yang ditutup bukan nol. Jangan menjumlahkan sel untuk menduga cacah yang ditutup.")
    return tuple(found)
