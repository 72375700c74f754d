"""What attacks on a table came to, in words. Each stands here with what it tries, what it found, and what must hold."""

from collections.abc import Iterator, Mapping
from typing import Final

from bagipakai.core.methods import CellKey
from bagipakai.registry.disclosure import labels
from bagipakai.registry.disclosure.reporting import Figures, Run
from bagipakai.registry.matching.explaining import NBSP, count


def verdict(found: Figures) -> str:
    """In one sentence."""
    many = count(len(found.attacks), "id")
    if found.broken:
        return (
            f"{count(found.broken, 'id')} dari {many} serangan berhasil: tabel ini jangan diserahkan sebelum diperiksa."
        )
    return f"Tidak satu pun dari {many} serangan terhadap tabel ini berhasil."


def attacks(run: Run, found: Figures) -> Iterator[tuple[str, ...]]:
    """Of each one: what was tried, whether the table held, the result, and the limit."""
    values = {
        "smallest": count(found.smallest, "id"),
        "less": count(found.smallest - 1, "id"),
        "unit": labels.unit(run),
        "percent": f"{run.rule.homogeneous_percent}{NBSP}%",
        "under": count(run.rule.homogeneous_under, "id"),
        "often": count(run.method.most_breakdowns, "id") if isinstance(run.method, CellKey) else "",
    }
    for one in found.attacks:
        attack, result, limit = _ATTACKS[one.name]
        tries = "" if one.of is None else count(one.of, "id")
        told = result.format(found=count(one.found, "id"), of=tries)
        yield attack, "Temuan" if one.found else "Tahan", told, limit.format(**values)


_BEFORE: Final = "{found} angka tertutup didekati; diuji sebelum tabel dibuat, dan yang tidak tahan tidak dibuat"
_ATTACKS: Final[Mapping[str, tuple[str, str, str]]] = {
    "read": (
        "Membaca angka yang terbit",
        "{found} dari {of} angka",
        "tidak ada angka di bawah {smallest} {unit}",
    ),
    "alike": (
        "Mencari kelompok kecil yang hampir semuanya sama",
        "{found} dari {of} kelompok kecil",
        "tidak ada bagian dengan {percent} atau lebih dari kelompok di bawah {under} {unit}",
    ),
    "file": (
        "Menghitung angka tertutup dari jumlah-jumlahnya, hanya dengan berkas yang terbit",
        "{found} dari {of} angka tertutup didekati",
        "tiap angka tertutup tetap mungkin bernilai dalam jarak paling sedikit {smallest}",
    ),
    "rule": (
        "Sama, dan tahu pula aturannya serta angka mana yang ditutup karena kecil",
        _BEFORE,
        "tiap angka kecil tetap mungkin bernilai apa saja dari 0 sampai {less}",
    ),
    "insiders": (
        "Orang dalam: mereka yang sendirian dalam sebuah angka, semuanya bersama-sama",
        _BEFORE,
        "tiap angka tertutup milik orang lain tetap mungkin bernilai dalam jarak paling sedikit {smallest}",
    ),
    "subtraction": (
        "Mengurangkan angka tabel ini satu dari yang lain, dan dari angka tabel yang terbit sebelumnya",
        "{found} pasangan angka; dibandingkan dengan {of} tabel lain, dan yang tidak tahan tidak dibuat",
        "tidak ada selisih di bawah {smallest} {unit}; tidak ada yang memuat {percent} dari yang lain di bawah {under}",
    ),
    "multiples": (
        "Mencari angka yang tidak ikut dibulatkan",
        "{found} dari {of} angka",
        "setiap angka kelipatan dasar pembulatan",
    ),
    "balance": (
        "Mencari jumlah yang bukan jumlah bagiannya, padahal semua bagiannya tampil",
        "{found} dari {of} jumlah",
        "setiap jumlah yang semua bagiannya tampil sama dengan bagian-bagiannya",
    ),
    "margins": (
        "Mencari jumlah yang bukan jumlah bagiannya, yaitu pengukuran kedua atas orang yang sama",
        "{found} dari {of} angka",
        "setiap jumlah dihitung dari angka yang terbit",
    ),
    "repeated": (
        "Bertanya hal yang sama sekali lagi untuk mendapat derau lain",
        "{found} kali; yang sudah terbit dijawab dari catatan, tanpa derau baru",
        "satu pertanyaan tentang satu rilis punya satu jawaban, siapa pun yang bertanya",
    ),
    "averaging": (
        "Merata-ratakan derau dari banyak pertanyaan tentang orang yang sama",
        "{found} kelompok; dibandingkan dengan {of} tabel lain, dan yang terlalu sering ditanyakan tidak dibuat",
        "tidak lebih dari {often} pertanyaan tentang orang yang sama, dari siapa pun, dalam rilis mana pun",
    ),
    "union": (
        "Menyimpulkan dari semua tabel yang terbit sekaligus",
        "{found} kelompok kecil didekati; bersama {of} tabel lain, dan yang tidak tahan tidak dibuat",
        "tiap kelompok yang mungkin kecil tetap mungkin bernilai dalam jarak paling sedikit {smallest}",
    ),
    "sums": (
        "Menghitung jumlah tertutup dari jumlah-jumlah yang terbit",
        "{found} dari {of} jumlah tertutup didekati",
        "tiap jumlah tertutup tetap mungkin bernilai dalam jarak yang ditetapkan; jaraknya tidak disebut",
    ),
    "contributors": (
        "Sama, oleh penyumbang: yang kedua terbesar menaksir yang terbesar; yang menyumbang sendirian, bersama-sama",
        "{found} jumlah tertutup didekati; diuji sebelum tabel dibuat, dan yang tidak tahan tidak dibuat",
        "sumbangan terbesar tetap mungkin lebih besar dan lebih kecil, sejauh yang ditetapkan; jaraknya tidak disebut",
    ),
}
