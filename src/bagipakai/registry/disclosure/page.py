"""The risk report of a table, as one page: what leaves, to whom and why, what was hidden, each attack and its verdict,
what is left to use; then lines to sign, and the figures (disclosure reference 4.9), which are `reporting`'s.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Final

import numpy as np

from bagipakai.core.base_categories import base_categories, table_filter
from bagipakai.core.boxes import Box
from bagipakai.core.charts import Caption, Figure, Shares, Strip, divided, grid
from bagipakai.core.methods import CellKey, DifferentialPrivacy, Suppression
from bagipakai.core.plan import Unit
from bagipakai.core.policy import rules
from bagipakai.core.query import AREA_COLUMNS, Scalar
from bagipakai.registry.disclosure.disclosing import Axis
from bagipakai.registry.disclosure.paper import charted, listed, on_day, paper, question, signature
from bagipakai.registry.disclosure.private import bound
from bagipakai.registry.disclosure.reporting import HIDDEN, Attack, Figures, Run, programs
from bagipakai.registry.disclosure.tables import Counts
from bagipakai.registry.matching.explaining import NBSP, count, percent
from bagipakai.registry.matching.report import tabulated
from bagipakai.registry.regions import regions

TITLE: Final = "Laporan risiko tabel"
POLICIES: Final = {"table": "Tabel", "together": "Semua tabel bersama"}  # of policies/disclosure.toml, that were used
SUM, UNKNOWN = "∑", "?"  # columns
MOST_ROWS, MOST_COLUMNS, MOST_NUMBERS = 30, 20, 110  # of the map of hidden cells


def page(run: Run, found: Figures) -> str:
    """HTML, whole: no file beside it, no script."""
    return paper(TITLE, [*_top(run, found), *_told(run, found), *_below(run, found)])


def _top(run: Run, found: Figures) -> Iterator[str]:
    plan = run.plan
    yield f'<p class="verdict"><strong>{_verdict(found)}</strong></p>'
    yield "<h2>Apa yang keluar, kepada siapa, atas dasar apa</h2>"
    yield listed(
        ("Tabel", f"cacah {_unit(run)} menurut {_names(run, plan.columns)}, dengan semua jumlahnya"),
        *_what_is_summed(run, found),
        ("Siapa yang dihitung", _population(run)),
        ("Wilayah", ", ".join(map(_place, plan.area.codes)) or "seluruh Indonesia"),
        ("Rilis", run.release[0]),
        ("Penerima", f"{plan.recipient.name} ({plan.recipient.institution})"),
        ("Tujuan", _purpose(run)),
        ("Program", plan.programme),
        ("Dasar hukum", plan.legal_basis),
        ("Permintaan", plan.request),
        ("Diteruskan ke pihak lain", "boleh" if plan.onward_sharing else "tidak boleh"),
        ("Berlaku sampai", on_day(plan.ends_on)),
    )
    reasons = ((_title(run, one.name), one.reason) for one in plan.variables)
    yield tabulated("Variabel tabel dan alasannya", ("Variabel", "Alasan"), reasons)


def _what_is_summed(run: Run, found: Figures) -> Iterator[tuple[str, str]]:
    if found.sums:
        variable = run.catalogue[run.plan.summed]
        yield (
            "Yang dijumlahkan",
            f"{_title(run, variable.name)} ({variable.measure}); nilai yang tidak diketahui tidak ikut: paling banyak"
            f" {percent(found.sums.unknown / 100, 'id', 0)} dari {_unit(run)} yang dihitung",
        )


def _verdict(found: Figures) -> str:
    many = count(len(found.attacks), "id")
    if found.broken:
        return (
            f"{count(found.broken, 'id')} dari {many} serangan berhasil: tabel ini jangan diserahkan sebelum diperiksa."
        )
    return f"Tidak satu pun dari {many} serangan terhadap tabel ini berhasil."


def _told(run: Run, found: Figures) -> Iterator[str]:
    yield "<h2>Tiga pertanyaan</h2>"
    yield f'<div class="questions">{"".join(question(*one) for one in _questions(run, found))}</div>'
    yield f"<h2>{_CHANGED[type(run.method)]}</h2>"
    yield from _why(run, found)
    if found.hidden:
        yield charted(hidden_cells(run))
    yield "<h2>Serangan yang dijalankan</h2>"
    yield (
        "<p>Setiap serangan memakai pengetahuan yang memang dapat dipunyai orang: berkas yang terbit, aturan penutupan,"
        " dan apa yang diketahui orang tentang dirinya sendiri.</p>"
    )
    heads = ("Serangan", "Putusan", "Hasil", "Batas")
    yield f'<div class="attacks">{tabulated("Serangan, putusan, hasil, dan batas", heads, _attacks(run, found))}</div>'
    yield "<h2>Apa yang tersisa untuk dipakai</h2>"
    if not isinstance(run.method, DifferentialPrivacy):
        yield charted(usefulness(run, found))
    if found.deviation:
        yield (
            "<p>Menurut aturannya saja, 95 dari 100 angka meleset dari yang sebenarnya tidak lebih dari ini. Seberapa"
            " jauh angka tertentu meleset tidak disebut: itu akan menghapus deraunya.</p>"
        )
        yield tabulated("Kesalahan yang diharapkan", ("Rincian", "Meleset paling banyak"), _errors(run, found))


_CHANGED: Final[Mapping[type, str]] = {
    Suppression: "Apa yang ditutup, dan mengapa",
    CellKey: "Apa yang diubah dan ditutup, dan mengapa",
    DifferentialPrivacy: "Apa yang diubah, dan mengapa",
}


def _questions(run: Run, found: Figures) -> Iterator[tuple[str, str, str]]:
    if isinstance(run.method, DifferentialPrivacy):
        yield from _questions_of_privacy(run.method)
        return
    smallest, unit, alike = count(found.smallest, "id"), _unit(run), found.alike
    yield (
        "Dapatkah seseorang ditunjuk?",
        count(found.below, "id"),
        f"angka yang terbit menghitung kurang dari {smallest} {unit}, dari {count(found.cells - found.hidden, 'id')}"
        f" angka; yang terkecil {count(found.least, 'id')}.",
    )
    yield (
        "Dapatkah dihubungkan dengan tabel lain?",
        count(_of(found, "subtraction").found, "id"),
        f"pasangan angka berselisih kurang dari {smallest} {unit}, sesudah dibandingkan dengan"
        f" {count(found.compared, 'id')} tabel lain dari rilis yang sama.",
    )
    yield (
        "Dapatkah sifat seseorang diduga?",
        percent(alike.nearly / alike.groups if alike.groups else 0.0, "id", 1),
        f"kelompok yang {run.rule.homogeneous_percent}{NBSP}% atau lebih anggotanya sama dalam satu hal:"
        f" {count(alike.nearly, 'id')} dari {count(alike.groups, 'id')} kelompok yang terbit;"
        f" {count(alike.small_nearly, 'id')} di antaranya di bawah {count(run.rule.homogeneous_under, 'id')} {unit}.",
    )


def _questions_of_privacy(method: DifferentialPrivacy) -> Iterator[tuple[str, str, str]]:
    table, release, year = (_decimal(method.epsilon(one)) for one in (method.rho, method.rho_release, method.rho_year))
    yield (
        "Dapatkah seseorang ditunjuk?",
        f"ε {table}",
        "batas pengetahuan yang ditambah tabel ini tentang satu keluarga, dengan segala yang sudah diketahui orang.",
    )
    yield (
        "Dapatkah dihubungkan dengan tabel lain?",
        f"ε {release}",
        "batas yang sama untuk semua tabel rilis ini yang dapat diterima satu penerima; bertanya ulang tidak"
        " menambahnya.",
    )
    yield (
        "Dapatkah sifat seseorang diduga?",
        f"ε {year}",
        "batas yang sama untuk semua tabel semua penerima dalam setahun, bila mereka bertemu. Sifat kelompok besar"
        " tetap terbaca: itulah gunanya tabel.",
    )


def _of(found: Figures, name: str) -> Attack:
    return next(one for one in found.attacks if one.name == name)


def _why(run: Run, found: Figures) -> Iterator[str]:
    match run.method:
        case Suppression():
            yield from _why_hidden(run, found)
        case CellKey():
            yield from _why_changed(run, run.method, found)
        case DifferentialPrivacy():
            yield from _why_private(run, run.method, found)


def _why_private(run: Run, method: DifferentialPrivacy, found: Figures) -> Iterator[str]:
    spent, most = method.epsilon(method.rho), bound(run.plan, method.household)
    yield (
        "<p>Setiap angka terperinci ditambah derau acak (simpangan baku"
        f" {_decimal(found.deviation)}), juga yang nol, dan jumlahnya adalah jumlah angka-angka itu. Angka di bawah nol"
        " dibiarkan, karena menghapusnya akan membuat kelompok kecil tampak lebih besar. Tidak ada yang ditutup.</p>"
        "<p>Yang dilindungi adalah satu keluarga: apa pun yang sudah diketahui orang, tabel ini mengubah peluang"
        " menurutnya bahwa keluarga itu ada di dalamnya paling banyak e<sup>ε</sup> kali, kecuali dengan peluang δ"
        f" (ρ = {_decimal(method.rho / 1000, 3)}; ε = {_decimal(spent)}; δ ="
        f" 10<sup>−{method.delta_digits}</sup>). Dari tiap keluarga dihitung paling banyak"
        f" {count(most, 'id')} {_unit(run)}.</p>"
        "<p>Jaminan ini hanya untuk tabel dengan cara ini. Tabel tepat tentang orang yang sama, bila pernah terbit,"
        " berada di luarnya.</p>"
    )


def _why_changed(run: Run, method: CellKey, found: Figures) -> Iterator[str]:
    rule, share = run.rule, percent(found.hidden / found.cells, "id", 1)
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
        f" {count(rule.homogeneous_under, 'id')} orang.</li>"
        f"<li>Di sampingnya tersisa kurang dari {count(found.smallest, 'id')} {_unit(run)} dari kelompok yang lebih"
        " besar: keduanya akan memberi tahu selisihnya.</li></ol>"
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


def _why_hidden(run: Run, found: Figures) -> Iterator[str]:
    rule, share = run.rule, percent(found.hidden / found.cells, "id", 1)
    yield (
        f"<p>{count(found.hidden, 'id')} dari {count(found.cells, 'id')} angka ({share}) ditutup. Ditutup tidak berarti"
        f" nol. Sebuah angka hanya ditutup karena salah satu dari {'empat' if found.sums else 'tiga'} sebab:</p>"
    )
    of_sums = (
        "<li>Terlalu sedikit keluarga menyumbang pada jumlahnya, atau satu dua di antaranya memberi hampir seluruhnya,"
        " sehingga sumbangan mereka dapat ditaksir. Batasnya tidak disebut dalam laporan ini. Cacah dan jumlah ditutup"
        " bersama-sama.</li>"
    )
    yield (
        f"<ol><li>Ia menghitung kurang dari {count(rule.smallest_persons, 'id')} orang, atau kurang dari"
        f" {count(rule.smallest_families, 'id')} keluarga, atau tidak seorang pun: siapa yang mengenal mereka akan tahu"
        " sesuatu tentang orang tertentu.</li>"
        f"<li>Ia memuat {rule.homogeneous_percent}{NBSP}% atau lebih dari kelompok di bawah"
        f" {count(rule.homogeneous_under, 'id')} orang: siapa yang diketahui ada di kelompok itu akan diketahui pula"
        f" sifatnya.</li>{of_sums if found.sums else ''}"
        "<li>Tanpa ditutup, angka lain yang ditutup dapat dihitung dengan mengurangkan jumlahnya.</li></ol>"
    )
    yield (
        "<p>Angka mana ditutup karena sebab yang mana tidak disebut di mana pun: sebabnya saja sudah memberi tahu"
        " isinya.</p>"
    )


def _attacks(run: Run, found: Figures) -> Iterator[tuple[str, ...]]:
    values = {
        "smallest": count(found.smallest, "id"),
        "less": count(found.smallest - 1, "id"),
        "unit": _unit(run),
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


def _below(run: Run, found: Figures) -> Iterator[str]:
    yield "<h2>Yang tidak diuji</h2>"
    yield f"<p>{_UNTESTED[type(run.method)]}</p><p>{_ELSEWHERE}</p>{_UNTESTED_SUMS if found.sums else ''}"
    yield "<h2>Cara, aturan, dan sumber</h2>"
    yield f"<p>{_METHODS[type(run.method)]}</p>"
    yield tabulated("Aturan yang dipakai", ("Aturan", "Sejak", "Dasar"), _policies(run))
    yield listed(
        ("Sidik rilis", run.release[1]),
        ("Sidik rencana", run.plan.digest),
        ("Sidik isi tabel", run.content),
        ("Sidik katalog", run.catalogue.digest),
        ("Program", ", ".join(f"{name} {number}" for name, number in programs(run.method).items())),
    )
    yield "<h2>Pengesahan</h2>"
    yield f'<div class="signatures">{signature("Disusun oleh")}{signature("Diperiksa oleh")}</div>'
    yield "<h2>Lampiran: angka-angkanya</h2>"
    private = isinstance(run.method, DifferentialPrivacy)
    drawn = [*([] if private else [usefulness(run, found)]), *([hidden_cells(run)] if found.hidden else [])]
    for told in (figure.caption for figure in drawn):
        yield tabulated(told.title, told.headings, told.rows)
    if found.sums:
        total = found.sums.total
        rows = ((_names(run, names), percent(shown / total, "id", 1)) for names, shown in found.sums.shown)
        yield tabulated("Bagian jumlah yang terbit, menurut rinciannya", ("Rincian", "Bagian jumlah"), rows)


_METHODS: Final[Mapping[type, str]] = {
    Suppression: (
        "Tiap kombinasi tingkat dihitung tersendiri dari rilis, untuk orang dan untuk keluarga. Angka kecil ditutup;"
        " angka penutup dipilih dengan program linear supaya yang hilang sesedikit mungkin (Fischetti dan Salazar,"
        " 2000), lalu hasilnya diserang oleh program terpisah yang hanya membaca apa yang akan terbit (Fellegi, 1972)"
        " dan memecahkan soal bilangan bulat di dekat batas. Tabel yang tidak dapat dilindungi tidak dibuat."
    ),
    CellKey: (
        "Tiap kombinasi tingkat dihitung tersendiri dari rilis, untuk orang dan untuk keluarga. Tiap angka diubah"
        " menurut kunci sel (Fraser dan Wooton, 2005; Thompson, Broadfoot dan Elazar, 2013): derau dengan entropi"
        " terbesar untuk rata-rata nol dan ragam yang disebut aturan, dipilih oleh kunci orang-orang yang dihitung dan"
        " oleh syaratnya. Ambang dan pembulatan dikenakan sesudahnya. Batas derau dirahasiakan."
    ),
    DifferentialPrivacy: (
        "Kisi tabel disusun dari kategori katalog dan daftar wilayah, terlepas dari siapa yang ada. Derau Gauss diskret"
        " (Canonne, Kamath dan Steinke, 2020) diambil oleh OpenDP sekali saja; pengeluaran dicatat menurut privasi"
        " terpusat (Bun dan Steinke, 2016) sebelum apa pun ditulis."
    ),
}
_ELSEWHERE: Final = (
    "Tabel dari rilis lain, dan angka resmi yang diterbitkan pihak lain, tidak ikut dibandingkan. Selisih dua cacah"
    " orang diperiksa menurut orang, belum menurut keluarga."
)
_UNTESTED: Final[Mapping[type, str]] = {
    Suppression: (
        "Yang dapat disimpulkan dari semua tabel sekaligus dihitung menurut kabupaten dan kota; yang baru terlihat dari"
        " beberapa di antaranya bersama-sama belum."
    ),
    CellKey: (
        "Angka tertutup dapat diperkirakan dari jumlahnya, dengan kesalahan derau semua angka yang dikurangkan. Siapa"
        " yang membandingkan satu pasang angka yang berselisih satu orang menebak benar 58 dari 100 kali (50 berarti"
        " buta); pasangan seperti itu tidak diterbitkan, jadi angka ini hanya berlaku bila aturan itu dilanggar."
    ),
    DifferentialPrivacy: (
        "Jaminannya terbukti dari caranya, bukan dari percobaan atas tabel ini. Orang yang nilainya di luar katalog,"
        " atau melebihi batas per keluarga, tidak terhitung."
    ),
}


_UNTESTED_SUMS: Final = (
    "<p>Jumlah diuji dalam tabel ini saja: dari satu rilis, satu variabel hanya dijumlahkan dalam satu tabel di wilayah"
    " yang sama, dan jumlah dari rilis lain tidak dibandingkan. Bahwa nilai seseorang ada batasnya menurut katalog"
    " tidak diperhitungkan, juga bukan apa yang cacah dan jumlah beri tahu bersama-sama.</p>"
)


def _policies(run: Run) -> Iterator[tuple[str, ...]]:
    for name, words in POLICIES.items():
        if name == "together" and isinstance(run.method, DifferentialPrivacy):
            continue
        rule = rules("disclosure", name).on(run.day)
        yield words, on_day(rule.since), rule.basis
    if run.sums:  # the basis of this one names the limits, which nobody who attacks a sum should know
        yield "Besaran", on_day(rules("disclosure", "magnitude").on(run.day).since), "batasnya tidak disebut"
    yield "Cara melindungi", on_day(run.method.since), run.method.basis


def _errors(run: Run, found: Figures) -> Iterator[tuple[str, str]]:
    """1.96 standard deviations of a count of each breakdown; a sum of independent noises has that of their number."""
    leaves = np.prod([len(axis.tree.leaves) for axis in run.axes])
    yield "Semua", count(round(1.96 * found.deviation * _many(run, float(leaves)) ** 0.5), "id")
    for one in found.left:
        many = _many(run, float(leaves) / one.cells)
        yield _names(run, one.levels), count(round(1.96 * found.deviation * many**0.5), "id")


def _many(run: Run, parts: float) -> float:
    """How many noises are in a count of so many finest cells, on average."""
    return parts if isinstance(run.method, DifferentialPrivacy) else 1.0


# The charts


def usefulness(run: Run, found: Figures) -> Figure:
    """How many of all whom the table counts stand in shown counts, by breakdown."""
    rows, table = [], []
    for one in found.left:
        label = _names(run, one.levels)
        counted, cells = (
            percent(part / whole, "id", 1) for part, whole in ((one.counted, found.total), (one.shown, one.cells))
        )
        said = f"{count(one.shown, 'id')} dari {count(one.cells, 'id')} angka terbit"
        rows.append(Shares(label, said, (one.counted, found.total - one.counted), counted))
        table.append((label, count(one.cells, "id"), count(one.shown, "id"), cells, counted))
    unit = _unit(run)
    caption = Caption(
        "guna",
        f"Bagian {unit} yang masih terhitung",
        f"Dari {count(found.total, 'id')} {unit}, berapa yang terhitung dalam angka yang terbit, menurut rinciannya.",
        ("Rincian", "Angka", "Terbit", "Bagian angka", f"Bagian {unit}"),
        tuple(table),
    )
    return divided(caption, ("dalam angka yang terbit", "dalam angka yang ditutup"), rows)


def hidden_cells(run: Run) -> Figure:
    """Where the hidden cells are: the largest dimension in rows, another in columns, summed over any third."""
    across = _across(run)
    along = max(
        (at for at in range(len(run.axes)) if at != across), key=lambda at: len(run.axes[at].tree), default=None
    )
    hidden = _summed((run.cube == HIDDEN).astype(np.int64), along, across)
    many = run.cube.size // hidden.size
    labels = ["Semua"] if along is None else _labels(run, run.axes[along])
    columns = [SUM] if across is None else _columns(run, run.axes[across])
    sums = hidden.sum(1)
    drawn = sorted(sorted(np.flatnonzero(sums).tolist(), key=lambda row: -sums[row])[:MOST_ROWS])
    rows, table = [], []
    for row in drawn:
        told = f"{count(sums[row], 'id')} dari {count(many * len(columns), 'id')}"
        rows.append(Strip(labels[row], told, tuple((hidden[row] / many).tolist())))
        table.append((labels[row], count(many * len(columns), "id"), count(sums[row], "id")))
    where = _names(run, [name for at in (along, across) if at is not None for name in run.axes[at].names])
    left = int((sums > 0).sum()) - len(drawn)
    more = f" {count(left, 'id')} baris lain, yang tidak lebih banyak ditutup, ada di tabel.csv." if left else ""
    says = f"Satu baris untuk tiap nilai yang angkanya ada yang ditutup; kolom {SUM} adalah jumlahnya"
    says += f", kolom {UNKNOWN} yang tidak diketahui.{more}" if UNKNOWN in columns else f".{more}"
    headings = (_names(run, run.axes[along].names) if along is not None else "Tabel", "Angka", "Ditutup")
    caption = Caption("tertutup", f"Letak angka yang ditutup: {where}", says, headings, tuple(table))
    key = "ditutup" if many == 1 else "ditutup; penuh: semua yang ada di kotak itu"
    in_order = across is not None and _is_numbers(run.axes[across])
    return grid(caption, key, columns, rows, in_order=in_order)


def _across(run: Run) -> int | None:
    """The dimension of the columns: numbers rather than names, and the largest that fits."""
    fit = []
    for at, axis in enumerate(run.axes):
        numbers, nodes = _is_numbers(axis), len(axis.tree)
        if nodes <= (MOST_NUMBERS if numbers else MOST_COLUMNS):
            fit.append((numbers, nodes, -at))
    return -max(fit)[2] if fit else None


def _is_numbers(axis: Axis) -> bool:
    return len(axis.names) == 1 and all(type(value) in (int, NoneType) for value in _values(axis))


def _values(axis: Axis) -> list[Scalar | None]:
    """What each node below the total is called."""
    return [list(axis.values(node).values())[-1] for node in range(1, len(axis.tree))]


def _summed(hidden: Counts, along: int | None, across: int | None) -> Counts:
    """In two dimensions: rows, columns."""
    kept = [at for at in (along, across) if at is not None]
    told = np.moveaxis(hidden, kept, range(len(kept)))
    told = told.sum(tuple(range(len(kept), hidden.ndim)))
    return np.expand_dims(told, [at for at, one in enumerate((along, across)) if one is None])


# Words


def _decimal(value: float, digits: int = 1) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def _unit(run: Run) -> str:
    return "orang" if run.plan.unit is Unit.INDIVIDU else "keluarga"


def _title(run: Run, name: str) -> str:
    return run.catalogue[name].title()


def _names(run: Run, names: Sequence[str]) -> str:
    return " × ".join(_title(run, name) for name in names)


def _purpose(run: Run) -> str:
    purpose = rules("purposes", "purpose", ("code",)).on(run.day, run.plan.purpose)
    return f"{purpose['name']} ({run.plan.purpose})"


def _population(run: Run) -> str:
    """By what is compared with other tables, so however it was asked for."""
    chosen = table_filter(run.plan.population, run.catalogue)
    if not isinstance(chosen, Box):
        return "tidak seorang pun"
    return "; ".join(f"{_title(run, name)}: {_categories(run, name, mask)}" for name, mask in chosen.masks) or "semua"


def _categories(run: Run, name: str, mask: int) -> str:
    dimension = base_categories(run.catalogue[name])
    assert dimension is not None  # noqa: S101 - it has a mask
    values = [row[name] for bit, row in dimension.pieces() if mask & bit]
    known = [one for one in values if one is not None]
    told = [_value(run, name, one) for one in known]
    numbers = [one for one in known if isinstance(one, int) and not isinstance(one, bool)]
    if len(numbers) == len(known) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        told = [f"{told[0]} sampai {told[-1]}"]
    return ", ".join([*told, *(["tidak diketahui"] if None in values else [])])


def _value(run: Run, name: str, value: Scalar | None) -> str:
    codes = run.catalogue[name].codes
    if value is None:
        return "tidak diketahui"
    if isinstance(value, bool):
        return "ya" if value else "tidak"
    if codes is not None and value in codes:
        return codes.label(str(value))
    return _place(str(value)) if name in AREA_COLUMNS.values() else str(value)


def _labels(run: Run, axis: Axis) -> list[str]:
    names = [list(axis.values(node))[-1] for node in range(1, len(axis.tree))]
    return ["Semua", *(_value(run, name, value) for name, value in zip(names, _values(axis), strict=True))]


def _columns(run: Run, axis: Axis) -> list[str]:
    labels = zip(_values(axis), _labels(run, axis)[1:], strict=True)
    return [SUM, *(UNKNOWN if value is None else label for value, label in labels)]


def _place(code: str) -> str:
    return f"{regions()[code].name} ({code})" if code in regions() else code
