"""A plan in plain words: for papers, pages and the public register. What is said here is what will be run."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, TypeAlias

from bagipakai.control.clock import WIB
from bagipakai.core.disclosure import Grain, RowRule
from bagipakai.core.plan import Answer, Area, Asked, Plan
from bagipakai.core.query import And, Between, Column, Compare, Const, In, Missing, Not, Op, Or, Predicate
from bagipakai.core.variables import Catalogue

Grains: TypeAlias = Mapping[str, tuple[Grain, ...]]  # how coarsely each variable may be told
MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli"),
    *("Agustus", "September", "Oktober", "November", "Desember"),
)
ENGLISH_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")
_OPS = {
    "id": {Op.EQUAL: "sama dengan", Op.DIFFERS: "bukan", Op.LESS: "kurang dari", Op.AT_MOST: "paling tinggi",
           Op.MORE: "lebih dari", Op.AT_LEAST: "paling rendah"},
    "en": {Op.EQUAL: "is", Op.DIFFERS: "is not", Op.LESS: "below", Op.AT_MOST: "at most",
           Op.MORE: "above", Op.AT_LEAST: "at least"},
}  # fmt: skip
_WORDS = {
    "id": {"everybody": "semua", "yes": "ya", "no": "tidak", "and": "dan", "or": "atau", "not": "bukan",
           "missing": "tidak diketahui", "range": "{low} sampai {high}", "nation": "seluruh Indonesia"},
    "en": {"everybody": "everybody", "yes": "yes", "no": "no", "and": "and", "or": "or", "not": "not",
           "missing": "unknown", "range": "{low} to {high}", "nation": "all of Indonesia"},
}  # fmt: skip


def population(predicate: Predicate | None, catalogue: Catalogue, lang: str = "id") -> str:
    """Who is chosen, as a phrase: "Desil kesejahteraan: 1 sampai 4; Jenis kelamin: Perempuan"."""
    if predicate is None:
        return _WORDS[lang]["everybody"]
    if isinstance(predicate, And):
        return "; ".join(_phrase(part, catalogue, lang) for part in predicate.parts)
    return _phrase(predicate, catalogue, lang)


def _phrase(predicate: Predicate, catalogue: Catalogue, lang: str) -> str:
    words = _WORDS[lang]
    match predicate:
        case Column(name):
            return f"{_title(name, catalogue, lang)}: {words['yes']}"
        case Not(Column(name)):
            return f"{_title(name, catalogue, lang)}: {words['no']}"
        case Not(part):
            return f"{words['not']} ({_phrase(part, catalogue, lang)})"
        case Missing(Column(name)):
            return f"{_title(name, catalogue, lang)}: {words['missing']}"
        case Missing(part):
            return f"({_phrase(part, catalogue, lang)}): {words['missing']}"
        case And(parts) | Or(parts):
            joint = f" {words['and' if isinstance(predicate, And) else 'or']} "
            return "(" + joint.join(_phrase(part, catalogue, lang) for part in parts) + ")"
        case In(Column(name), values):
            return f"{_title(name, catalogue, lang)}: {', '.join(_value(name, one, catalogue, lang) for one in values)}"
        case Between(Column(name), low, high):
            ends = {"low": _value(name, low, catalogue, lang), "high": _value(name, high, catalogue, lang)}
            return f"{_title(name, catalogue, lang)}: {words['range'].format(**ends)}"
        case Compare(op, left, right):
            name = left.name if isinstance(left, Column) else right.name if isinstance(right, Column) else ""
            sides = [_side(side, name, catalogue, lang) for side in (left, right)]
            return f"{sides[0]} {_OPS[lang][op]} {sides[1]}"


def _side(side: Column | Const, name: str, catalogue: Catalogue, lang: str) -> str:
    return _title(side.name, catalogue, lang) if isinstance(side, Column) else _value(name, side.value, catalogue, lang)


def _title(name: str, catalogue: Catalogue, lang: str) -> str:
    return catalogue[name].title(lang) if name in catalogue else name


def _value(name: str, value: Any, catalogue: Catalogue, lang: str) -> str:
    codes = catalogue[name].codes if name in catalogue else None
    if codes is not None and value in codes:
        return codes.label(value, lang)
    if isinstance(value, bool):
        return _WORDS[lang]["yes" if value else "no"]
    if isinstance(value, date):
        return calendar_day(value, lang)
    return number(value, lang) if isinstance(value, int) else value


def area(place: Area | Iterable[str], regions: Mapping[str, str], lang: str = "id") -> str:
    """Where, by name where the name is known."""
    codes = tuple(place.codes if isinstance(place, Area) else place)
    if not codes or codes == ("ID",):
        return _WORDS[lang]["nation"]
    return ", ".join(f"{regions[code]} ({code})" if code in regions else code for code in codes)


_MATCHING = {
    "id": {"roster": "Daftar yang dipadankan", "rows": "{rows} baris", "digest": "Sidik daftar",
           "answer": "Jawaban untuk tiap baris", Answer.YES_NO: "ya, belum pasti, atau tidak",
           Answer.STATUS: "cocok, perlu telaah, atau tidak cocok", "reasons": "beserta alasannya",
           "bare": "tanpa alasan", "one_to_one": "Satu orang untuk satu baris"},
    "en": {"roster": "List to be matched", "rows": "{rows} rows", "digest": "Fingerprint of the list",
           "answer": "Answer for each row", Answer.YES_NO: "yes, not certain yet, or no",
           Answer.STATUS: "match, to be reviewed, or no match", "reasons": "with its reason",
           "bare": "without reason", "one_to_one": "One person for one row"},
}  # fmt: skip


_MATCHED = {
    "id": {"listed": "Hanya orang dalam daftar penerima yang ditemukan di wilayah itu",
           "and": "{listed}, dan hanya yang memenuhi: {chosen}"},
    "en": {"listed": "Only people in the recipient's list who are found in that area",
           "and": "{listed}, and only those with: {chosen}"},
}  # fmt: skip


def included(plan: Plan, catalogue: Catalogue, lang: str = "id") -> str:
    """Whom a plan is about, as whoever is not part of it reads it: of a matching nobody but who stands in the list."""
    chosen, words = population(plan.population, catalogue, lang), _MATCHED[lang]
    if plan.matching is None:
        return chosen
    return words["listed"] if plan.population is None else words["and"].format(listed=words["listed"], chosen=chosen)


def matching(plan: Plan, lang: str = "id") -> list[tuple[str, str]]:
    """What a plan for matching says of the list and of the answers, each under its name; nothing of any other plan."""
    asked, words = plan.matching, _MATCHING[lang]
    if asked is None:
        return []
    return [
        (words["roster"], f"{asked.roster}, {words['rows'].format(rows=number(asked.rows, lang))}"),
        (words["answer"], answers(plan, lang)),
        (words["one_to_one"], _WORDS[lang]["yes" if asked.one_to_one else "no"]),
        (words["digest"], asked.digest),
    ]


def answers(plan: Plan, lang: str = "id") -> str:
    """What is told about each row of the list; nothing where none is matched."""
    asked, words = plan.matching, _MATCHING[lang]
    return f"{words[asked.answer]}; {words['reasons' if asked.reasons else 'bare']}" if asked else ""


_ROW_RULES = {
    "id": {
        "rows-alike": (
            "Ukuran kelompok serupa",
            "Tiap kelompok serupa, yaitu baris yang sama dalam semua pengenal tidak langsungnya, berisi sedikitnya "
            "{smallest_class} baris. Untuk itu paling banyak {most_blanked_percent} persen nilai dikosongkan dan "
            "{most_dropped_percent} persen baris ditinggalkan.",
        ),
        "rows-one-value": (
            "Keragaman dalam kelompok serupa",
            "Tiap kelompok serupa punya sedikitnya {distinct_values} nilai “{sensitive}”, dan tidak ada nilai yang "
            "dipunyai lebih dari {most_one_value_percent} persen barisnya.",
        ),
        "rows-distribution": (
            "Sebaran dalam kelompok serupa",
            "Sebaran “{sensitive}” tiap kelompok serupa berjarak paling jauh {most_distance_percent} persen dari "
            "sebaran semua baris.",
        ),
        "rows-families": (
            "Anggota sekeluarga yang tidak disatukan",
            "Tidak ada pengganti nomor KK dalam baris orang: umur dan jenis kelamin sekeluarga dapat menunjuk keluarga "
            "itu.",
        ),
        "rows-inference": (
            "Tebakan dari kelompok serupa",
            "Siapa yang mengenal orangnya menebak “{sensitive}” paling banyak {most_inference_percent} persen lebih "
            "tepat, dari yang tersisa untuk ditebak, daripada yang tidak mengenalnya.",
        ),
        "rows-presence": (
            "Bagian kelompok yang ikut keluar",
            "Dari semua orang dalam gudang data yang serupa, paling banyak {most_presence_percent} persen ikut keluar.",
        ),
        "rows-share": (
            "Bagian penduduk yang ikut keluar",
            "Dari semua penduduk wilayah yang diminta, paling banyak {most_share_percent} persen ikut keluar.",
        ),
    },
    "en": {
        "rows-alike": (
            "Size of groups that are alike",
            "Each group that is alike, that is rows that are the same in all their quasi-identifiers, has at least "
            "{smallest_class} rows. To that end at most {most_blanked_percent} percent of the values are blanked and "
            "{most_dropped_percent} percent of the rows are left out.",
        ),
        "rows-one-value": (
            "Variety within groups that are alike",
            "Each group that is alike has at least {distinct_values} values of “{sensitive}”, and no value is that of "
            "more than {most_one_value_percent} percent of its rows.",
        ),
        "rows-distribution": (
            "Distribution within groups that are alike",
            "The distribution of “{sensitive}” in each group that is alike is at most {most_distance_percent} percent "
            "away from that of all rows.",
        ),
        "rows-families": (
            "Members of a family who are not tied together",
            "There is no stand-in for the family card in rows of persons: the ages and sexes of a family can point to "
            "it.",
        ),
        "rows-inference": (
            "What groups that are alike let guess",
            "Whoever knows a person guesses “{sensitive}” at most {most_inference_percent} percent better, of what is "
            "left to guess, than whoever does not.",
        ),
        "rows-presence": (
            "Share of a group that leaves",
            "Of all people in the registry who are alike, at most {most_presence_percent} percent leave.",
        ),
        "rows-share": (
            "Share of the people that leaves",
            "Of all people of the area that is asked for, at most {most_share_percent} percent leave.",
        ),
    },
}


def row_rules(rule: RowRule, catalogue: Catalogue, lang: str = "id") -> dict[str, tuple[str, str]]:
    """Each rule for rows by its code: what it is called, and what it asks by the figures in force."""
    figures = asdict(rule) | {"sensitive": _title(rule.sensitive, catalogue, lang)}
    return {code: (name, asks.format(**figures)) for code, (name, asks) in _ROW_RULES[lang].items()}


def row_rule(code: str, lang: str = "id") -> str:
    """What a rule for rows is called; the bare code of one that is none."""
    return _ROW_RULES[lang].get(code, (code,))[0]


def exempted(plan: Plan, lang: str = "id") -> list[tuple[str, str]]:
    """What the rules for rows are called that this plan need not meet, each with its reason as it was proposed."""
    return [(row_rule(one.rule, lang), one.reason) for one in plan.protections.exempted]


_DERIVED = {
    "id": {
        "pseudonim_nik": "Pseudonim NIK",
        "pseudonim_nik_sah": "Pseudonim NIK mewakili NIK yang sah",
        "pseudonim_kk": "Pseudonim nomor KK",
        "pseudonim_kk_sah": "Pseudonim KK mewakili nomor KK yang sah",
        "jenis_baris": "Jenis baris",
        "jumlah_individu": "Jumlah individu",
        "jumlah_keluarga": "Jumlah keluarga",
        "baris": "Baris",
        "list_id": "Pengenal baris",
        "hasil": "Hasil pemadanan",
        "alasan": "Alasan",
        "ditutup": "Ditutup",
    },
    "en": {
        "pseudonim_nik": "Pseudonym of the NIK",
        "pseudonim_nik_sah": "The pseudonym stands for a valid NIK",
        "pseudonim_kk": "Pseudonym of the family card number",
        "pseudonim_kk_sah": "The pseudonym stands for a valid family card number",
        "jenis_baris": "Kind of row",
        "jumlah_individu": "Number of individuals",
        "jumlah_keluarga": "Number of families",
        "baris": "Row",
        "list_id": "Identifier of the row",
        "hasil": "Outcome of the matching",
        "alasan": "Reason",
        "ditutup": "Suppressed",
    },
}


def column(name: str, catalogue: Catalogue, lang: str = "id") -> str:
    """What a delivered column is called: a variable by its title, what delivery makes (`plans.derived`) as the
    dictionary of the package calls it; the bare name of one that is neither."""
    return catalogue[name].title(lang) if name in catalogue else _DERIVED[lang].get(name, name)


def asked(one: Asked, catalogue: Catalogue, grains: Grains, lang: str = "id") -> str:
    """A variable that is asked for, and how coarsely: "Umur (kelompok 5 tahun)"."""
    title = _title(one.name, catalogue, lang)
    return f"{title} ({grain(one, grains, lang)})" if one.grain else title


def grain(one: Asked, grains: Grains, lang: str = "id") -> str:
    """How coarsely a variable is told, in words; its code where the policy has no such way any more; nothing where it
    is told as it is."""
    way = next((way for way in grains.get(one.name, ()) if way.code == one.grain), None)
    return one.grain if way is None else way.name if lang == "id" else way.english


def number(value: int, lang: str = "id") -> str:
    """1.234.567 in Indonesian, 1,234,567 in English."""
    return f"{value:,}" if lang == "en" else f"{value:,}".replace(",", ".")


def calendar_day(day: date, lang: str = "id") -> str:
    """22 November 2026."""
    return f"{day.day} {(MONTHS if lang == 'id' else ENGLISH_MONTHS)[day.month - 1]} {day.year}"


def moment(at: datetime, lang: str = "id") -> str:
    """22 November 2026, 14.05 WIB."""
    there = at.astimezone(WIB)
    return f"{calendar_day(there.date(), lang)}, {there:%H.%M} WIB"


def size(count: int) -> str:
    """Bytes as a person reads them: 1,4 MB."""
    for unit, scale in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= scale:
            return f"{count / scale:.1f} {unit}".replace(".", ",")
    return f"{count} B"
