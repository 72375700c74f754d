"""What the risk report of a table says of how it was protected: a chapter for each method."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from bagipakai.core.methods import CellKey, DifferentialPrivacy, Suppression
from bagipakai.registry.disclosure import labels
from bagipakai.registry.disclosure.private import bound
from bagipakai.registry.disclosure.reporting import Figures, Run
from bagipakai.registry.matching.explaining import NBSP, count, decimal, percent

QUESTIONS: Final = (
    "Dapatkah seseorang ditunjuk?",
    "Dapatkah dihubungkan dengan tabel lain?",
    "Dapatkah sifat seseorang diduga?",
)
Answer: TypeAlias = tuple[str, str]  # a number and a sentence


@dataclass(frozen=True, slots=True)
class Chapter:
    """`answers` to QUESTIONS; `heading` of what was changed; `why`, as HTML; `how`, with sources; `untested`: what no
    attack looked for."""

    answers: tuple[Answer, ...]
    heading: str
    why: str
    how: str
    untested: str


def chapter(run: Run, found: Figures) -> Chapter:
    match run.method:
        case Suppression():
            return _hidden(run, found)
        case CellKey() as method:
            return _perturbed(run, method, found)
        case DifferentialPrivacy() as method:
            return _private(run, method, found)


def _hidden(run: Run, found: Figures) -> Chapter:
    return Chapter(
        _counted(run, found),
        "Apa yang ditutup, dan mengapa",
        "\n".join(_why_hidden(run, found)),
        "Tiap kombinasi tingkat dihitung tersendiri dari rilis, untuk orang dan untuk keluarga. Angka kecil ditutup;"
        " angka penutup dipilih dengan program linear supaya yang hilang sesedikit mungkin (Fischetti dan Salazar,"
        " 2000), lalu hasilnya diserang oleh program terpisah yang hanya membaca apa yang akan terbit (Fellegi, 1972)"
        " dan memecahkan soal bilangan bulat di dekat batas. Tabel yang tidak dapat dilindungi tidak dibuat.",
        "Yang dapat disimpulkan dari semua tabel sekaligus dihitung menurut kabupaten dan kota; yang baru terlihat dari"
        " beberapa di antaranya bersama-sama belum.",
    )


def _why_hidden(run: Run, found: Figures) -> Iterator[str]:
    rule, share = run.rule, percent(found.hidden / found.cells, "id", 1)
    of_sums = (
        "Terlalu sedikit keluarga menyumbang pada jumlahnya, atau satu dua di antaranya memberi hampir seluruhnya,"
        " sehingga sumbangan mereka dapat ditaksir. Batasnya tidak disebut dalam laporan ini. Cacah dan jumlah ditutup"
        " bersama-sama."
    )
    causes = [
        f"Ia menghitung kurang dari {count(rule.smallest_persons, 'id')} orang, atau kurang dari"
        f" {count(rule.smallest_families, 'id')} keluarga, atau tidak seorang pun: siapa yang mengenal mereka akan tahu"
        " sesuatu tentang orang tertentu.",
        f"Ia memuat {rule.homogeneous_percent}{NBSP}% atau lebih dari kelompok di bawah"
        f" {count(rule.homogeneous_under, 'id')} orang: siapa yang diketahui ada di kelompok itu akan diketahui pula"
        " sifatnya.",
        *_of_small_places(run),
        *([of_sums] if found.sums else []),
        "Tanpa ditutup, angka lain yang ditutup dapat dihitung dengan mengurangkan jumlahnya.",
    ]
    many = ("tiga", "empat", "lima")[len(causes) - 3]
    yield (
        f"<p>{count(found.hidden, 'id')} dari {count(found.cells, 'id')} angka ({share}) ditutup. Ditutup tidak berarti"
        f" nol. Sebuah angka hanya ditutup karena salah satu dari {many} sebab:</p>"
    )
    yield f"<ol>{''.join(f'<li>{one}</li>' for one in causes)}</ol>"
    yield (
        "<p>Angka mana ditutup karena sebab yang mana tidak disebut di mana pun: sebabnya saja sudah memberi tahu"
        " isinya.</p>"
    )


def _of_small_places(run: Run) -> Iterator[str]:
    least = [run.rule.smallest_place[name] for name in run.plan.columns if name in run.rule.smallest_place]
    if least and len(run.axes) > 1:
        yield (
            "Ia memberi tahu lebih dari jumlah orang sebuah kecamatan atau desa yang penduduknya kurang dari"
            f" {' atau '.join(count(one, 'id') for one in sorted(set(least)))}."
        )


def _perturbed(run: Run, method: CellKey, found: Figures) -> Chapter:
    return Chapter(
        _counted(run, found),
        "Apa yang diubah dan ditutup, dan mengapa",
        "\n".join(_why_changed(run, method, found)),
        "Tiap kombinasi tingkat dihitung tersendiri dari rilis, untuk orang dan untuk keluarga. Tiap angka diubah"
        " menurut kunci sel (Fraser dan Wooton, 2005; Thompson, Broadfoot dan Elazar, 2013): derau dengan entropi"
        " terbesar untuk rata-rata nol dan ragam yang disebut aturan, dipilih oleh kunci orang-orang yang dihitung dan"
        " oleh syaratnya. Ambang dan pembulatan dikenakan sesudahnya. Batas derau dirahasiakan.",
        "Angka tertutup dapat diperkirakan dari jumlahnya, dengan kesalahan derau semua angka yang dikurangkan. Siapa"
        " yang membandingkan satu pasang angka yang berselisih satu orang menebak benar 58 dari 100 kali (50 berarti"
        " buta); pasangan seperti itu tidak diterbitkan, jadi angka ini hanya berlaku bila aturan itu dilanggar.",
    )


def _why_changed(run: Run, method: CellKey, found: Figures) -> Iterator[str]:
    rule, share = run.rule, percent(found.hidden / found.cells, "id", 1)
    places = "".join(f"<li>{one}</li>" for one in _of_small_places(run))
    rounded = f", lalu dibulatkan ke kelipatan {method.base}" if method.base > 1 else ""
    yield (
        "<p>Setiap angka, juga jumlahnya, diubah sedikit: ditambah atau dikurangi derau acak yang rata-ratanya nol"
        f"{rounded}. Sebuah angka biasanya tidak lebih dari {count(round(2 * found.deviation), 'id')} dari yang"
        " sebenarnya, berapa pun besarnya. Orang yang sama menurut syarat yang sama selalu mendapat derau yang sama,"
        f" jadi bertanya ulang tidak menambah pengetahuan. {_balance(found)}</p>"
    )
    yield f"<p>{count(found.hidden, 'id')} dari {count(found.cells, 'id')} angka ({share}) ditutup, karena:</p>"
    yield (
        f"<ol><li>Sesudah diubah ia kurang dari {count(rule.smallest_persons, 'id')} orang, atau kurang dari"
        f" {count(rule.smallest_families, 'id')} keluarga.</li>"
        f"<li>Ia memuat {rule.homogeneous_percent}{NBSP}% atau lebih dari kelompok di bawah"
        f" {count(rule.homogeneous_under, 'id')} orang.</li>{places}"
        f"<li>Di sampingnya tersisa kurang dari {count(found.smallest, 'id')} {labels.unit(run)} dari kelompok yang"
        " lebih besar: keduanya akan memberi tahu selisihnya.</li></ol>"
    )


def _private(run: Run, method: DifferentialPrivacy, found: Figures) -> Chapter:
    return Chapter(
        _proven(method),
        "Apa yang diubah, dan mengapa",
        "\n".join(_why_private(run, method, found)),
        "Kisi tabel disusun dari kategori katalog dan daftar wilayah, terlepas dari siapa yang ada. Derau Gauss diskret"
        " (Canonne, Kamath dan Steinke, 2020) diambil oleh OpenDP sekali saja; pengeluaran dicatat menurut privasi"
        " terpusat (Bun dan Steinke, 2016) sebelum apa pun ditulis.",
        "Jaminannya terbukti dari caranya, bukan dari percobaan atas tabel ini. Orang yang nilainya di luar katalog,"
        " atau melebihi batas per keluarga, tidak terhitung.",
    )


def _why_private(run: Run, method: DifferentialPrivacy, found: Figures) -> Iterator[str]:
    spent, most = method.epsilon(method.rho), bound(run.plan, method.household)
    yield (
        "<p>Setiap angka terperinci ditambah derau acak (simpangan baku"
        f" {decimal(found.deviation, 1, 'id')}), juga yang nol, dan jumlahnya adalah jumlah angka-angka itu. Angka di"
        " bawah nol dibiarkan, karena menghapusnya akan membuat kelompok kecil tampak lebih besar. Tidak ada yang"
        " ditutup.</p>"
        "<p>Yang dilindungi adalah satu keluarga: apa pun yang sudah diketahui orang, tabel ini mengubah peluang"
        " menurutnya bahwa keluarga itu ada di dalamnya paling banyak e<sup>ε</sup> kali, kecuali dengan peluang δ"
        f" (ρ = {decimal(method.rho / 1000, 3, 'id')}; ε = {decimal(spent, 1, 'id')}; δ ="
        f" 10<sup>−{method.delta_digits}</sup>). Dari tiap keluarga dihitung paling banyak"
        f" {count(most, 'id')} {labels.unit(run)}. Itu batas terburuk, bukan yang biasa: pada ε = 1 peluang berubah"
        " paling jauh 3 kali, pada ε = 3 paling jauh 20 kali, pada ε = 10 paling jauh 22.000 kali.</p>"
        "<p>Jaminan ini hanya untuk tabel dengan cara ini. Tabel tepat tentang orang yang sama, bila pernah terbit,"
        " berada di luarnya.</p>"
    )


def _proven(method: DifferentialPrivacy) -> tuple[Answer, ...]:
    table, release, year = (
        f"ε {decimal(method.epsilon(one), 1, 'id')}" for one in (method.rho, method.rho_release, method.rho_year)
    )
    return (
        (
            table,
            "batas pengetahuan yang ditambah tabel ini tentang satu keluarga, dengan segala yang sudah diketahui"
            " orang.",
        ),
        (
            release,
            "batas yang sama untuk semua tabel rilis ini yang dapat diterima satu penerima; bertanya ulang tidak"
            " menambahnya.",
        ),
        (
            year,
            "batas yang sama untuk semua tabel semua penerima dalam setahun, bila mereka bertemu. Sifat kelompok besar"
            " tetap terbaca: itulah gunanya tabel.",
        ),
    )


def _counted(run: Run, found: Figures) -> tuple[Answer, ...]:
    smallest, unit, alike = count(found.smallest, "id"), labels.unit(run), found.alike
    near = next(one.found for one in found.attacks if one.name == "subtraction")
    return (
        (
            count(found.below, "id"),
            f"angka yang terbit menghitung kurang dari {smallest} {unit}, dari"
            f" {count(found.cells - found.hidden, 'id')} angka; yang terkecil {count(found.least, 'id')}.",
        ),
        (
            count(near, "id"),
            f"pasangan angka berselisih kurang dari {smallest} {unit}, sesudah dibandingkan dengan"
            f" {count(found.compared, 'id')} tabel lain dari rilis yang sama, dan dengan yang dari rilis berdekatan.",
        ),
        (
            percent(alike.nearly / alike.groups if alike.groups else 0.0, "id", 1),
            f"kelompok yang {run.rule.homogeneous_percent}{NBSP}% atau lebih anggotanya sama dalam satu hal:"
            f" {count(alike.nearly, 'id')} dari {count(alike.groups, 'id')} kelompok yang terbit;"
            f" {count(alike.small_nearly, 'id')} di antaranya di bawah {count(run.rule.homogeneous_under, 'id')}"
            f" {unit}.",
        ),
    )


def _balance(found: Figures) -> str:
    done = found.balance
    if done is None:
        return "Karena itu bagian-bagian tidak tepat sama dengan jumlahnya."
    if done.changed is None:
        return (
            "Karena itu bagian-bagian tidak tepat sama dengan jumlahnya: tidak ditemukan cara membuatnya sama dengan"
            f" mengubah tiap angka paling banyak {count(done.within, 'id')}, jadi tidak satu pun diubah lagi."
        )
    return (
        f"Sesudah itu {count(done.changed, 'id')} angka yang akan terbit diubah sekali lagi, paling banyak"
        f" {count(done.largest, 'id')}, hanya menurut angka-angka itu sendiri, supaya setiap jumlah yang semua"
        f" bagiannya tampil ({count(done.sums, 'id')} jumlah) sama dengan bagian-bagiannya. Angka yang diubah dapat"
        " meleset lebih jauh dari yang disebut di sini, dan dapat berbeda dari angka yang sama dalam tabel lain."
    )
