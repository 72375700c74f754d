"""What the numbers are called that tell of how a package was made (`exchange.StepDone.evidence`), on screens and on
paper."""

from collections.abc import Mapping
from typing import Final

NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "rows": ("Baris", "Rows"),
    "lines": ("Baris tabel", "Lines of the table"),
    "engine": ("Mesin", "Engine"),
    "files": ("Berkas", "Files"),
    "parts": ("Bagian", "Part"),
    "bytes": ("Byte", "Bytes"),
    "format": ("Format", "Format"),
    "plan": ("Sidik rencana", "Digest of the plan"),
    "release": ("Versi rilis", "Release"),
    "release_digest": ("Sidik rilis", "Digest of the release"),
    "aggregated": ("Diagregasi", "Aggregated"),
    "hidden_cells": ("Sel yang ditutup", "Cells that are hidden"),
    "content_digest": ("Sidik isi", "Digest of the content"),
    "guarded_cells": ("Sel yang dijaga dari rumus", "Cells guarded against formulas"),
    "pseudonyms": ("Nama samaran", "Pseudonyms"),
    "random_ids": ("Nomor acak", "Random numbers"),
    "marks": ("Cara menandai salinan", "How the copy is marked"),
    "marked_columns": ("Kolom yang ditandai", "Marked columns"),
    "randomised": ("Cara menarik nilai secara acak", "How values were drawn at random"),
    "randomised_columns": (
        "Kolom yang nilainya ditarik acak, dan berapa persen yang tetap",
        "Columns with values drawn at random, and how many percent stay",
    ),
    "recipient_key": ("Sidik kunci penerima", "Fingerprint of the recipient's key"),
    "sealed_bytes": ("Byte tersandi", "Encrypted bytes"),
    "suite": ("Cara penyandian", "Encryption"),
    "package": ("Paket", "Package"),
    "manifest": ("Sidik paket", "Digest of the package"),
    "holds": ("Sidik catatan penahanan", "Fingerprint of the record of holds"),
    "withheld": ("Tidak disertakan karena ditahan", "Left out because of a hold"),
    "smallest_class": ("Kelompok serupa disebut kecil di bawah", "A group of alike persons is small below"),
    "classes": ("Kelompok orang serupa, paling banyak", "Groups of alike persons, at most"),
    "small_classes": ("Kelompok serupa yang kecil, paling banyak", "Small groups of alike persons, at most"),
    "rows_in_small_classes": (
        "Baris dalam kelompok serupa yang kecil, paling banyak",
        "Rows in small groups of alike persons, at most",
    ),
    "rows_alone": (
        "Baris yang sendirian dalam kelompok serupanya, paling banyak",
        "Rows alone in their group, at most",
    ),
    "recognised": ("Peluang dikenali, per seribu", "Chance of being recognised, per thousand"),
    "least_alike": ("Baris dalam kelompok serupa terkecil yang keluar", "Rows in the smallest group that leaves"),
    "least_values": ("Nilai peka paling sedikit dalam satu kelompok", "Fewest sensitive values in one group"),
    "guessed": ("Nilai peka yang tertebak, per seribu", "Sensitive values guessed, per thousand"),
    "guessed_blindly": (
        "Nilai peka yang tertebak tanpa mengenal orangnya, per seribu",
        "Sensitive values guessed without knowing the person, per thousand",
    ),
    "present": (
        "Bagian terbesar sebuah kelompok yang boleh ikut keluar, per seribu",
        "Largest share of a group that may leave, per thousand",
    ),
    "share": (
        "Bagian penduduk wilayahnya yang ikut keluar, per seribu",
        "Share of the area's people that leaves, per thousand",
    ),
    "compared": ("Tabel lain dari rilis ini yang dibandingkan", "Other tables of this release compared with"),
    "values": ("Nilai penanda semu yang keluar", "Values of quasi-identifiers that leave"),
    "values_left_blank": (
        "Nilai yang dikosongkan supaya orangnya tidak dikenali, paling banyak",
        "Values left blank so that nobody is recognised, at most",
    ),
    "rows_left_out": (
        "Baris yang ditinggalkan supaya orangnya tidak dikenali, paling banyak",
        "Rows left out so that nobody is recognised, at most",
    ),
    "held_beside": ("Paket lain yang sudah dipegang penerima", "Other packages that the recipient holds"),
    "least_alike_beside": (
        "Baris dalam kelompok serupa terkecil, bersama paket lain itu",
        "Rows in the smallest group, together with these packages",
    ),
    "exempted": ("Aturan baris yang dikecualikan", "Rules for rows that were exempted"),
    "roster": ("Daftar yang dipadankan", "List that is matched"),
    "model": ("Versi model pemadanan", "Version of the matching model"),
    "matched": ("Baris yang cocok", "Rows that match"),
    "review": ("Baris yang perlu telaah", "Rows to be reviewed"),
    "alarms": ("Tanda penebakan", "Signs of guessing"),
}


def named(name: str, lang: str = "id") -> str:
    """In the reader's language; a name that is not known stays as it is."""
    indonesian, english = NAMES.get(name, (name, name))
    return indonesian if lang == "id" else english
