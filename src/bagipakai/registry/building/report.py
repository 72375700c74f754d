"""The report of a build as an officer reads it: counts, in Indonesian."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bagipakai.core.variables import Catalogue
from bagipakai.registry.building.held import DIED, NEW, PAST, REVIEW, TWICE
from bagipakai.registry.matching.results import REASONS
from bagipakai.showing import number

LISTS: Final = {
    NEW: "calon orang baru, untuk usulan",
    REVIEW: "perlu telaah petugas",
    TWICE: "baris kedua orang yang sama",
    DIED: "dinyatakan meninggal",
    PAST: "dinyatakan meninggal dan tidak ada di rilis sebelumnya",
}
WAYS: Final = {
    "priority": "urutan sumber",
    "latest": "yang terakhir",
    "fill": "bila kosong",
    "agreement": "dua sumber sepakat",
}
PERSONS: Final = {
    "died": "tidak ada lagi: meninggal",
    "died_uncertain": "dinyatakan meninggal, tetapi padanannya tidak pasti: tetap ada",
    "nik_changed": "NIK-nya berubah",
    "nik_found": "NIK-nya baru diketahui",
    "nik_of_others": "NIK-nya tidak diubah: NIK baru itu milik orang lain juga",
}
FAMILIES: Final = {
    "moved": "orang pindah kartu keluarga",
    "unclear": "orang tetap: kartu barunya dipegang lebih dari satu keluarga",
    "new_card": "keluarga berganti nomor kartu",
    "split": "keluarga baru karena pecah kartu",
    "joined": "keluarga bergabung ke keluarga lain",
    "died_out": "keluarga tidak ada lagi: semua anggotanya meninggal",
    "moved_village": "keluarga pindah desa/kelurahan",
    "moved_regency": "di antaranya ke kabupaten/kota lain",
    "without_head": "keluarga tanpa kepala keluarga",
}


def lines(report: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """One screen: rows by source, persons, families, values by variable, and what waits for somebody."""
    persons, families = report["persons"], report["families"]
    yield f"{number(persons['now'])} orang, sebelumnya {number(persons['before'])}; {number(families['now'])} keluarga"
    yield "Kiriman:"
    for one in report["sets"]:
        yield (
            f"  {one['source']} {one['set']} ({one['day']}): {number(one['rows'])} baris,"
            f" {number(one['match'])} padan, {number(one['review'])} perlu telaah, {number(one['none'])} tidak padan"
        )
        if one["newborn"]:
            yield f"    {number(one['newborn'])} yang tidak padan lahir sesudah rilis sebelumnya"
        for reason, many in sorted(one["reasons"].items(), key=lambda told: -told[1]):
            yield f"    {number(many)} {REASONS[reason]}"
    yield "Orang:"
    yield from (f"  {number(persons[name])} {words}" for name, words in PERSONS.items() if persons[name])
    yield "Keluarga:"
    yield from (f"  {number(families[name])} {words}" for name, words in FAMILIES.items() if families[name])
    yield "Nilai yang berubah:"
    for name, one in report["variables"].items():
        by = ", ".join(f"{source} {number(many)}" for source, many in one["changed"].items() if many)
        if by or one["conflicts"]:
            conflicts = f"; sumber berbeda pendapat {number(one['conflicts'])} kali" if one["conflicts"] else ""
            yield f"  {catalogue[name].official_name} ({WAYS[one['way']]}): {by or 'tidak ada'}{conflicts}"
    yield "Daftar tersegel, untuk petugas:"
    yield from (f"  {one['source']}: {number(one['rows'])} {LISTS[one['list']]}" for one in report["held"])
