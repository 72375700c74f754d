"""The charts of a statement of quality, and of one invented pair. Each number is one of the statement's counts, or is
computed from them (core.matching_quality); of the pair, from EXAMPLE."""

import math
from collections.abc import Iterable, Mapping, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from bagipakai.core.charts import Caption, Figure, Point, Shares, Step, divided, points, waterfall
from bagipakai.core.matching_quality import AT_LEAST, FINDING, MILLION, TENTHS, MatchingQuality, Tally
from bagipakai.portal.glossary import term
from bagipakai.portal.matching import words
from bagipakai.portal.matching.words import count, decimal, percent, sign

BANDS = ("match", "review", "none")


def lists(quality: MatchingQuality) -> Figure:
    """How the rows of each list were answered."""
    caption = (
        "jawaban-daftar",
        _("Jawaban menurut jenis daftar"),
        _("Semua baris, juga yang orangnya memang tidak ada di DTSEN: baris itu seharusnya tidak cocok."),
        _("Daftar"),
    )
    rows = [(str(words.KINDS[one.kind]), one.tally) for one in quality.lists]
    return _divided(caption, rows)


def answered(quality: MatchingQuality, question: str, provinces: Mapping[str, str]) -> Figure:
    """How the rows of each group of persons were answered."""
    title = str(words.QUESTIONS[question])
    caption = (
        f"jawaban-{_slug(question)}",
        _("Jawaban menurut %(group)s") % {"group": words.small(title)},
        _("Baris yang orangnya ada di DTSEN."),
        title,
    )
    return _divided(caption, [(words.answer(question, code, provinces), one) for code, one in _told(quality, question)])


def fairness(quality: MatchingQuality, question: str, provinces: Mapping[str, str]) -> Figure:
    """How many of each group are found, beside how many of all."""
    overall, title = quality.overall.recall, str(words.QUESTIONS[question])
    rows, table, marked = [], [], []
    for code, group in _told(quality, question):
        label, told = words.answer(question, code, provinces), percent(group.recall)
        finding, faint = quality.is_a_finding(group), group.present < AT_LEAST
        judged = verdict(quality, group) if finding else _("belum dapat dinilai") if faint else _("wajar")
        marked += [label] if finding else []
        said = _("%(many)s orang; %(judged)s") % {"many": count(group.present), "judged": judged}
        low, high = group.found.between
        rows.append(Point(label, said, group.recall, low, high, overall, told, marked=finding, faint=faint))
        table.append((label, count(group.present), told, words.between(group.found.between), judged))
    half = decimal(100 * FINDING, 1)
    seen = (
        _("Temuan: %(groups)s.") % {"groups": ", ".join(marked)}
        if marked
        else _("Tidak ada yang berbeda lebih dari %(half)s poin.") % {"half": half}
    )
    caption = Caption(
        f"adil-{_slug(question)}",
        _("Terjaring menurut %(group)s") % {"group": words.small(title)},
        _("Dari orang yang ada di DTSEN, berapa yang dijawab cocok dengan orang yang tepat.") + f" {seen}",
        (title, _("Orang"), _("Terjaring"), _("Kisaran"), _("Penilaian")),
        tuple(table),
    )
    sure = [row.low for row in rows if not row.faint]
    least = min(overall - 2 * FINDING, *sure, *(row.at for row in rows))
    least = max(0.0, math.floor(100 * least) / 100)
    keys = {
        "expected": _("semua: %(share)s; berbayang: %(half)s poin ke kiri dan kanan")
        % {"share": percent(overall), "half": half},
        "point": _("kelompok ini; garisnya: 95 persen kepastian"),
        "marked": _("temuan: lebih dari %(half)s poin dari semua") % {"half": half},
        "faint": _("kurang dari %(least)s orang: belum dapat dinilai") % {"least": count(AT_LEAST)},
    }
    ticks = tuple((at, percent(at, 1)) for at in (least, (least + 1) / 2, 1.0))
    return points(caption, rows, between=(least, 1.0), ticks=ticks, keys=_met(keys, rows), within=FINDING)


def calibration(quality: MatchingQuality) -> Figure:
    """What was stated, and how often it was true, in ten bins."""
    rows, table, told = [], [], [(tenth, one) for tenth, one in sorted(quality.bins.items()) if one is not None]
    for tenth, one in told:
        step = 100 // TENTHS
        label, stated, true = f"{step * tenth}–{step * (tenth + 1)}{sign()}", one.stated / MILLION, one.true
        low, high = true.between
        said = _("%(many)s baris") % {"many": count(one.rows)}
        faint = one.rows < AT_LEAST
        rows.append(Point(label, said, true.at, low, high, stated, percent(true.at), faint=faint))
        table.append((label, count(one.rows), percent(stated), percent(true.at), words.between(true.between)))
    off = math.fsum(one.rows * abs(one.stated / MILLION - one.true.at) for _tenth, one in told)
    mean = decimal(100 * off / sum(one.rows for _tenth, one in told), 2)
    says = _(
        "Bila disebut peluangnya %(stated)s, sembilan dari sepuluh jawaban seharusnya benar. Rata-rata selisihnya"
        " %(mean)s poin. Peluang yang jarang disebut tidak digambar."
    ) % {"stated": percent(0.9, 0), "mean": mean}
    caption = Caption(
        "kalibrasi",
        _("Peluang yang disebut dan yang benar"),
        says,
        (_("Peluang"), _("Baris"), _("Disebut"), _("Benar"), _("Kisaran")),
        tuple(table),
    )
    keys = {
        "expected": _("peluang yang disebut"),
        "point": _("yang benar; garisnya: 95 persen kepastian"),
        "faint": _("kurang dari %(least)s baris: belum dapat dinilai") % {"least": count(AT_LEAST)},
    }
    ticks = tuple((at, percent(at, 0)) for at in (0.0, 0.5, 1.0))
    return points(caption, rows, between=(0.0, 1.0), ticks=ticks, keys=_met(keys, rows))


def verdict(quality: MatchingQuality, group: Tally) -> str:
    """What is said of a finding: how far it is from all, and whether that can be chance."""
    apart = 100 * (group.recall - quality.overall.recall)
    told = {"points": decimal(abs(apart), 2)}
    said = _("temuan: %(points)s poin di atas semua") if apart > 0 else _("temuan: %(points)s poin di bawah semua")
    chance = _("bisa kebetulan")
    return said % told + (f", {chance}" if quality.by_chance(group) else "")


# How evidence adds up: of a pair that nobody is

EXAMPLE = (
    (gettext_lazy("Sebelum melihat data"), gettext_lazy("seorang di antara semua orang di Indonesia"), -28),
    (gettext_lazy("NIK"), gettext_lazy("berbeda satu angka, seperti salah ketik"), 11),
    (gettext_lazy("Nama"), gettext_lazy("bunyinya sama"), 12),
    (gettext_lazy("Tanggal lahir"), gettext_lazy("sama"), 14),
    (gettext_lazy("Rumah"), gettext_lazy("desa dan nama ibu sama"), 16),
    (gettext_lazy("Jenis kelamin"), gettext_lazy("sama"), 1),
    (gettext_lazy("Kerabat"), gettext_lazy("dikurangi, karena saudara kandung pun bisa semirip ini"), -3),
)


def example() -> Figure:
    """The waterfall of the pair. Bits as a model weighs them, rounded."""
    score = sum(bits for _label, _found, bits in EXAMPLE)
    told = [
        (str(label), str(found), bits) for label, found, bits in (*EXAMPLE, (_("Skor"), _("jumlah semuanya"), score))
    ]
    steps = [Step(label, found, bits, _bits(bits)) for label, found, bits in told]
    says = _(
        "Jumlahnya %(score)s: lebih dari %(odds)s juta banding 1 bahwa keduanya orang yang sama. Jawabannya: cocok."
    ) % {"score": _bits(score), "odds": count(2**score // 10**6)}
    caption = Caption(
        "contoh",
        _("Bukti sebuah pasangan, dijumlahkan"),
        says,
        (_("Yang dibandingkan"), _("Yang ditemukan"), _("Bobot")),
        tuple((step.label, step.words, step.told) for step in steps),
    )
    return waterfall(caption, steps[:-1], steps[-1], (_("orang lain"), _("orang yang sama")))


def _bits(amount: int) -> str:
    return _("%(sign)s%(bits)s bit") % {"sign": "+" if amount > 0 else "−", "bits": count(abs(amount))}


# What the charts have in common


def _divided(caption: tuple[str, str, str, str], told: Iterable[tuple[str, Tally]]) -> Figure:
    """`caption`: name, title, what it says, and the heading of what is divided."""
    name, title, says, heading = caption
    rows, table = [], []
    for label, tally in told:
        amounts = (tally.given, tally.review, tally.none)
        shares = [decimal(100 * amount / tally.rows if tally.rows else 0, 2) for amount in amounts]
        many = count(tally.rows)
        rows.append(Shares(label, _("%(many)s baris") % {"many": many}, amounts, " · ".join(shares) + sign()))
        table.append((label, many, *(share + sign() for share in shares)))
    bands = tuple(term(band, "band").label for band in BANDS)
    headings = (heading, _("Baris"), *bands)
    return divided(Caption(name, title, says, headings, tuple(table)), (bands[0], bands[1], bands[2]), rows)


def _told(quality: MatchingQuality, question: str) -> list[tuple[str, Tally]]:
    """The groups of a question that are large enough."""
    return [(code, one) for code, one in quality.groups[question].items() if one is not None]


def _met(keys: Mapping[str, str], rows: Sequence[Point]) -> dict[str, str]:
    """Only what the reader will meet."""
    there = {"marked": any(row.marked for row in rows), "faint": any(row.faint for row in rows)}
    return {kind: said for kind, said in keys.items() if there.get(kind, True)}


def _slug(question: str) -> str:
    return question.replace("_", "-")
