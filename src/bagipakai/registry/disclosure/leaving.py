"""The risk report of what an order hands over, as one page that lies in the package: what leaves, to whom and why, what
was left blank, hidden or exempted, what each attack can still do, and what is left to use.

It is made of the plan, the policy and the evidence that the manifest carries, and of nothing else: the office that has
the evidence can make the same page, and no count reaches it that is not told there. There is no clock in it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from bagipakai.core.charts import Caption, Figure, Shares, divided
from bagipakai.core.disclosure import EXEMPTIBLE, Disclosure, RowRule
from bagipakai.core.evidence import named
from bagipakai.core.plan import WITHOUT_NAMES, Level, Plan, Unit
from bagipakai.core.policy import policy_file, rules
from bagipakai.core.refusal import Refusal
from bagipakai.core.variables import Catalogue
from bagipakai.registry.disclosure.paper import (
    ANNEX,
    charted,
    listed,
    on_day,
    paper,
    place,
    purpose,
    question,
    signing,
    unfounded,
)
from bagipakai.registry.disclosure.weighing import BESIDE
from bagipakai.registry.matching.explaining import count, percent
from bagipakai.registry.matching.report import tabulated

TITLE: Final = "Laporan risiko"
NOT_MEASURED: Final = "tidak diukur"

Evidence = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Handed:
    """What is handed over. `release`: version and digest; `day`: of whose policy; `rows`: of data; `notes`: by column,
    how its values differ from those of the release; `content`: digest of the data."""

    plan: Plan
    release: tuple[str, str]
    catalogue: Catalogue
    day: date
    rows: int
    evidence: Evidence
    notes: Mapping[str, str]
    content: str


def page(handed: Handed) -> str:
    """HTML, whole. What everybody should read and somebody signs comes first, on one sheet of paper."""
    more: Iterable[str] = ()
    if handed.plan.level is Level.L1:
        first = _of_table(handed)
    elif handed.plan.level is Level.L4 or handed.plan.matching is not None:
        first = _by_name(handed)
    else:
        first, more = _of_rows(handed), _measured(handed)
    return paper(TITLE, [*_verdict(handed), *_frame(handed), *first, *_untested(handed), *_annex(handed, more)])


def _verdict(handed: Handed) -> Iterator[str]:
    """Of rows without names: how many rules they meet. What is not exempted is met, or nothing would have left."""
    if handed.plan.level not in WITHOUT_NAMES or handed.plan.matching is not None:
        return
    some, none = len(EXEMPTIBLE), len(handed.plan.protections.exempted)
    if not none:
        said = f"Semua dari {some} aturan untuk baris tanpa nama dipenuhi; tidak ada yang dikecualikan."
    elif none < some:
        said = f"{some - none} dari {some} aturan untuk baris tanpa nama dipenuhi; {none} dikecualikan oleh dua orang."
    else:
        said = f"Semua dari {some} aturan untuk baris tanpa nama dikecualikan oleh dua orang: tidak satu pun diperiksa."
    yield f'<p class="verdict"><strong>{said}</strong></p>'


def _frame(handed: Handed) -> Iterator[str]:
    plan = handed.plan
    yield "<h2>Apa yang keluar, kepada siapa, atas dasar apa</h2>"
    yield listed(
        ("Isi", f"{count(handed.rows, 'id')} baris {_kind(plan)}, tingkat {plan.level.value}"),
        ("Wilayah", ", ".join(map(place, plan.area.codes)) or "seluruh Indonesia"),
        ("Rilis", handed.release[0]),
        ("Penerima", f"{plan.recipient.name} ({plan.recipient.institution})"),
        ("Tujuan", purpose(plan.purpose, handed.day)),
        ("Program", plan.programme),
        ("Dasar hukum", plan.legal_basis),
        ("Permintaan", plan.request),
        ("Diteruskan ke pihak lain", "boleh" if plan.onward_sharing else "tidak boleh"),
        ("Berlaku sampai", on_day(plan.ends_on)),
        ("Sidik isi", handed.content),
    )


def _kind(plan: Plan) -> str:
    return f"tabel tentang {plan.unit.value}" if plan.level is Level.L1 else plan.unit.value


# Rows without names


def _of_rows(handed: Handed) -> Iterator[str]:
    rule, told = RowRule.on(handed.day, handed.plan.level), handed.evidence
    yield "<h2>Tiga pertanyaan</h2>"
    yield f'<div class="questions">{"".join(question(*one) for one in _questions(told, rule))}</div>'
    yield "<h2>Apa yang dikosongkan, ditinggalkan, dan dikecualikan</h2>"
    yield from _done(handed, rule)


def _measured(handed: Handed) -> Iterator[str]:
    rule = RowRule.on(handed.day, handed.plan.level)
    yield "<h2>Serangan, batas, dan hasil</h2>"
    heads = ("Serangan", "Aturan", "Batas", "Hasil")
    yield f'<div class="attacks">{tabulated("Serangan, aturan, batas, dan hasil", heads, _attacks(handed, rule))}</div>'
    if "values" in handed.evidence:
        yield "<h2>Apa yang tersisa untuk dipakai</h2>"
        yield charted(_use(handed))


def _questions(told: Evidence, rule: RowRule) -> Iterator[tuple[str, str, str]]:
    small, rows = _number(told, "rows_in_small_classes"), "baris dalam kelompok yang kurang dari"
    if "recognised" in told:
        yield (
            "Dapatkah seseorang dikenali?",
            _share(told, "recognised"),
            "peluang rata-rata menunjuk baris yang benar, bagi orang yang mengenal semua penduduk wilayahnya. Kelompok"
            f" serupa terkecil: {_number(told, 'least_alike')} baris.",
        )
    else:
        yield (
            "Dapatkah seseorang dikenali?",
            small,
            f"{rows} {rule.smallest_class} orang serupa; baris keluar apa adanya.",
        )
    yield (
        "Dapatkah diketahui bahwa seseorang ada di dalam?",
        _share(told, "present"),
        "paling banyak bagian sebesar ini dari tiap kelompok serupa dalam registri ikut keluar; berapa tepatnya tidak"
        " disebut, karena itu dapat menunjuk orangnya."
        if "present" in told
        else "aturannya dikecualikan: seluruh sebuah kelompok serupa dapat ikut keluar.",
    )
    yield (
        f"Dapatkah {rule.sensitive} seseorang diduga?",
        _share(told, "guessed"),
        f"tebakan yang benar bila kelompok serupanya diketahui{_blindly(told, 'tanpa mengetahuinya')}.",
    )


def _blindly(told: Evidence, words: str) -> str:
    """How often a guess is right without knowing who is like whom; nothing where that was not measured."""
    return f"; {words} {_share(told, 'guessed_blindly')}" if "guessed_blindly" in told else ""


def _done(handed: Handed, rule: RowRule) -> Iterator[str]:
    told, exempted = handed.evidence, handed.plan.protections.exempted
    if "values" in told:
        yield (
            f"<p>Paling banyak {_number(told, 'values_left_blank')} dari {_number(told, 'values')} nilai dikosongkan"
            f" dan {_number(told, 'rows_left_out')} baris ditinggalkan (dibulatkan ke atas, supaya satu orang lebih"
            " tidak terlihat). Dengan itu tiap baris serupa dengan sedikitnya"
            f" {rule.smallest_class} baris dan aturan lain dipenuhi. Kosong tidak selalu berarti tidak diketahui.</p>"
        )
    else:
        yield "<p>Tidak ada nilai yang dikosongkan dan tidak ada baris yang ditinggalkan.</p>"
    if BESIDE in told:
        yield (
            f"<p>Penerima sudah memegang baris tentang orang yang sama dari rilis ini, dalam {_number(told, BESIDE)}"
            " paket lain. Semuanya dihitung bersama: yang serupa di sini serupa juga dalam paket itu.</p>"
        )
    if "randomised_columns" in told:
        yield (
            f"<p>Ditarik acak, dan berapa persen yang tetap: {told['randomised_columns']}. Selain itu nilainya diganti"
            " nilai sebuah baris paket ini, di antara batas yang sama. Sebarannya diharapkan tetap; hubungan dengan"
            " variabel lain melemah, dan dapat dikoreksi dengan peluang itu. Nilai siapa yang ditarik tidak diberi"
            " tahu. Serangan di bawah ini dihitung seolah-olah tidak ada yang ditarik.</p>"
        )
    if exempted:
        yield "<p>Dikecualikan oleh dua orang: pemeriksa substansi mengusulkan, koordinator menyetujui.</p>"
        reasons = ((_worded(one.rule), _danger(one.rule, rule, handed.plan), one.reason) for one in exempted)
        yield tabulated("Aturan yang dikecualikan", ("Aturan", "Yang dapat terjadi", "Alasan"), reasons)


def _worded(name: str) -> str:
    """A rule as who exempts it reads it, with its code; the code alone where there are no words for it."""
    words = next((str(row["id"]) for row in policy_file("signatures")["word"] if row["code"] == name), "")
    return f"{words} ({name})" if words else name


def _danger(name: str, rule: RowRule, plan: Plan) -> str:
    """What the rule's refusal says is wrong, without what could be asked instead."""
    if name == "rows-families" and not _ties_families(plan):
        return "Tidak terjadi dalam paket ini: tidak ada baris orang yang disatukan menurut keluarga."
    blanks = {"sensitive": rule.sensitive, "most": str(rule.most_share_percent), "proposal": "–"}
    return f"{Refusal(name, blanks).sentence().partition('. ')[0].rstrip('.')}."


def _ties_families(plan: Plan) -> bool:
    """Whether rows of persons say who are of one family."""
    return plan.unit is Unit.INDIVIDU and "nomor_kk" in plan.protections.pseudonyms


def _attacks(handed: Handed, rule: RowRule) -> Iterator[tuple[str, ...]]:
    told, exempted = handed.evidence, {one.rule for one in handed.plan.protections.exempted}
    if "rows-alike" in exempted:  # then rows need not be alike beside others either
        exempted |= {"rows-beside"}

    def line(attack: str, name: str, limit: str, result: str) -> tuple[str, ...]:
        return attack, _worded(name), "dikecualikan" if name in exempted else limit, result

    smallest, sensitive = rule.smallest_class, rule.sensitive
    less = f"{_number(told, 'small_classes')} kelompok lebih kecil"  # of rows of which nothing was left out
    yield line(
        "Mencari orang yang dikenal menurut penanda semu",
        "rows-alike",
        f"sedikitnya {smallest} baris serupa",
        f"terkecil {_number(told, 'least_alike')}" if "least_alike" in told else less,
    )
    if BESIDE in told:
        yield line(
            "Menggabungkan baris ini dengan baris lain yang sudah dipegang penerima",
            "rows-beside",
            f"sedikitnya {smallest} baris serupa, juga bersama",
            f"terkecil {_number(told, 'least_alike_beside')}",
        )
    yield line(
        f"Menduga {sensitive} orang yang dikenali",
        "rows-one-value",
        f"{rule.distinct_values} nilai, tidak satu pun di atas {rule.most_one_value_percent} persen",
        f"sedikitnya {_number(told, 'least_values')} nilai" if "least_values" in told else NOT_MEASURED,
    )
    yield line(
        f"Menebak {sensitive} semua orang menurut kelompoknya",
        "rows-inference",
        f"paling banyak {rule.most_inference_percent} persen lebih tepat, dari yang tersisa untuk ditebak",
        f"{_share(told, 'guessed')}{_blindly(told, 'tanpa mengenal orangnya')}",
    )
    tied = "disatukan oleh pengganti nomor KK" if _ties_families(handed.plan) else "tidak disatukan"
    yield line(
        "Mengenali keluarga dari umur dan jenis kelamin anggotanya",
        "rows-families",
        "anggota sekeluarga tidak disatukan",
        tied if handed.plan.unit is Unit.INDIVIDU else "baris keluarga",
    )
    yield line(
        f"Membandingkan sebaran {sensitive}",
        "rows-distribution",
        f"jarak berurut paling jauh {rule.most_distance_percent} persen",
        "dipenuhi" if "least_values" in told and "rows-distribution" not in exempted else NOT_MEASURED,
    )
    yield line(
        "Mencari tahu apakah seseorang ada di dalam",
        "rows-presence",
        f"paling banyak {rule.most_presence_percent} persen sebuah kelompok",
        "dipenuhi" if "present" in told else NOT_MEASURED,
    )
    yield line(
        "Sama, tanpa mengenal siapa pun",
        "rows-share",
        f"paling banyak {rule.most_share_percent} persen penduduknya",
        _share(told, "share"),
    )


def _use(handed: Handed) -> Figure:
    told = handed.evidence
    values, rows, out = int(told["values"]), handed.rows, int(told["rows_left_out"])
    blank = min(values, int(told["values_left_blank"]))
    pairs = (("Nilai penanda semu", values - blank, blank), ("Baris", rows, out))
    shares = [
        Shares(name, f"{count(kept, 'id')} dari {count(kept + lost, 'id')}", (kept, lost), _part(kept, kept + lost))
        for name, kept, lost in pairs
        if kept + lost
    ]
    table = tuple((name, count(kept, "id"), count(lost, "id"), _part(kept, kept + lost)) for name, kept, lost in pairs)
    caption = Caption(
        "guna",
        "Bagian yang tetap ada",
        "Dari yang dipilih, berapa nilai dan baris yang sedikitnya keluar.",
        ("Apa", "Keluar", "Tidak", "Bagian"),
        table,
    )
    return divided(caption, ("keluar", "dikosongkan atau ditinggalkan"), shares)


# Tables, and rows with names


def _of_table(handed: Handed) -> Iterator[str]:
    rule, told = Disclosure.on(handed.day), handed.evidence
    smallest = max(rule.smallest_persons, handed.plan.protections.smallest_cell)
    unit = "orang" if handed.plan.unit is Unit.INDIVIDU else "keluarga"
    yield "<h2>Tiga pertanyaan</h2>"
    asked = (
        ("Dapatkah seseorang ditunjuk?", "0", f"angka menghitung kurang dari {smallest} {unit}."),
        (
            "Dapatkah dihubungkan dengan tabel lain?",
            "0",
            f"pasangan angka berselisih kurang dari {smallest} {unit}, sesudah dibandingkan dengan"
            f" {_number(told, 'compared')} tabel lain dari rilis yang sama, dan dengan yang dari rilis berdekatan.",
        ),
        (
            "Dapatkah sifat seseorang diduga?",
            "0",
            "bagian yang hampir seluruh kelompok kecilnya, dalam tabel lain juga.",
        ),
    )
    yield f'<div class="questions">{"".join(question(*one) for one in asked)}</div>'
    yield "<h2>Apa yang ditutup, dan mengapa</h2>"
    hidden = _number(told, "hidden_cells")
    yield (
        f"<p>{hidden} dari {_number(told, 'lines')} baris tabel ditutup: yang kecil atau kosong, dan"
        " pendampingnya, supaya yang kecil tidak dapat dihitung dengan mengurangkan. Ditutup tidak berarti nol, dan"
        " mana yang kecil tidak disebut. Jumlah hanya dibuat menurut urutan variabelnya (keputusan 0033).</p>"
    )


def _by_name(handed: Handed) -> Iterator[str]:
    yield "<h2>Apa yang melindungi orangnya</h2>"
    yield (
        "<p>Baris ini menyebut orangnya: tidak ada nilai yang diubah. Yang melindungi adalah wilayah, program, dan"
        " variabel yang disetujui, sandi untuk satu penerima, dan catatan siapa menerima data siapa.</p>"
    )


# Below


def _untested(handed: Handed) -> Iterator[str]:
    yield "<h2>Yang tidak diuji</h2>"
    yield "".join(f"<p>{one}</p>" for one in _UNTESTED[handed.plan.level])
    yield unfounded(basis for _, _, basis in _policies(handed))
    yield signing() if handed.plan.level is Level.L1 else _SEALED


def _annex(handed: Handed, measured: Iterable[str]) -> Iterator[str]:
    yield ANNEX
    plan = handed.plan
    reasons = (
        (handed.catalogue[one.name].title(), one.reason, handed.notes.get(one.name, "apa adanya"))
        for one in plan.variables
    )
    yield tabulated("Variabel, alasannya, dan cara memberi tahu", ("Variabel", "Alasan", "Nilai"), reasons)
    yield from measured
    yield "<h2>Aturan dan sumber</h2>"
    yield tabulated("Aturan yang dipakai", ("Aturan", "Sejak", "Dasar"), _policies(handed))
    yield listed(
        ("Sidik rilis", handed.release[1]),
        ("Sidik rencana", plan.digest),
        ("Sidik katalog", handed.catalogue.digest),
    )
    yield "<h2>Angka-angkanya</h2>"
    yield tabulated(
        "Bukti pemrosesan",
        ("Nama", "Nilai"),
        ((named(name), str(value)) for name, value in sorted(handed.evidence.items())),
    )


_SEALED: Final = (
    "<p>Lembar ini tidak ditandatangani tersendiri: yang mengesahkan paket ini adalah segel manifesnya, yang memuat"
    " sidik tiap berkas, termasuk laporan ini.</p>"
)
_ROWS: Final = (
    "Keluarga dalam kelompok serupa tidak dihitung: sepuluh orang dapat berarti dua keluarga. Baris ini dibandingkan"
    " dengan baris tanpa nama lain dari rilis yang sama kepada penerima yang sama, tidak dengan tabel, dengan daftar"
    " bernama, dengan rilis lain, atau dengan baris kepada penerima lain.",
)
_UNTESTED: Final[Mapping[Level, tuple[str, ...]]] = {
    Level.L1: (
        "Angka dari rilis yang berdekatan dibandingkan dua-dua saja, tidak semuanya bersama-sama; angka resmi yang"
        " diterbitkan pihak lain tidak dibandingkan.",
    ),
    Level.L2: _ROWS,
    Level.L3: _ROWS,
    Level.L4: ("Apa yang dapat dilakukan penerima dengan daftar ini di luar programnya.",),
}


def _policies(handed: Handed) -> Iterator[tuple[str, str, str]]:
    level = handed.plan.level
    if level is Level.L1:
        for name, words in (("table", "Tabel"), ("together", "Semua tabel bersama")):
            rule = rules("disclosure", name).on(handed.day)
            yield words, on_day(rule.since), rule.basis
    elif level in (Level.L2, Level.L3):
        of_rows = RowRule.on(handed.day, level)
        yield f"Baris {level.value}", on_day(of_rows.since), of_rows.basis
        drawn = {one.partition(":")[0] for one in str(handed.evidence.get("randomised_columns", "")).split()}
        for (at, name), rule in rules("disclosure", "randomised", ("level", "variable")).in_force(handed.day).items():
            if at == level.value and name in drawn:
                yield f"Ditarik acak: {name}", on_day(rule.since), rule.basis


def _number(told: Evidence, name: str) -> str:
    return count(int(told[name]), "id") if name in told else NOT_MEASURED


def _share(told: Evidence, name: str) -> str:
    return percent(int(told[name]) / 1000, "id", 1) if name in told else NOT_MEASURED


def _part(part: int, whole: int) -> str:
    return percent(part / whole, "id", 1) if whole else "–"
