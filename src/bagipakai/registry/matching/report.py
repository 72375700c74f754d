"""How well a list was matched, as one page that stands alone: figures, what has to be explained, and the charts of
calibration, bands and fairness (matching reference 5: report, calibration). It counts rows and names nobody; but a
group can be small, so it stays in the house like the result it is about.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from html import escape

from bagipakai.core.charts import DARK, FONT, LIGHT, Caption, Figure, Point, Shares, divided, points
from bagipakai.core.matching_quality import AT_LEAST, FINDING, wilson
from bagipakai.core.reviews import Verdict
from bagipakai.registry.matching.evaluation import Evaluation, Score
from bagipakai.registry.matching.explaining import NBSP, count, decimal, percent, word, words
from bagipakai.registry.matching.labels import Quality, Right

MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli"),
    *("Agustus", "September", "Oktober", "November", "Desember"),
)
BANDS = ("match", "review", "none")
VERDICTS = {
    Verdict.YES: "Orang yang sama",
    Verdict.NO: "Bukan orang yang sama",
    Verdict.UNSURE: "Tidak dapat dipastikan",
}


def page(evaluation: Evaluation | None, day: date, provinces: Mapping[str, str], quality: Quality | None = None) -> str:
    """HTML, whole: no file beside it, no script. `provinces`: names by code. `quality`: what clerks said."""
    title = "Mutu pemadanan"
    told = () if evaluation is None else _body(evaluation, day, provinces)
    body = "\n".join([*told, *(() if quality is None else _of_clerks(quality))])
    return (
        f'<!doctype html>\n<html lang="id">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>{style()}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _body(evaluation: Evaluation, day: date, provinces: Mapping[str, str]) -> Iterator[str]:
    overall = evaluation.overall
    yield (
        f"<p>{count(overall.rows, 'id')} baris yang jawabannya diketahui, {count(overall.present, 'id')} di antaranya"
        f" orang yang ada di registri. Umur dihitung pada {day.day} {MONTHS[day.month - 1]} {day.year}. Untuk di dalam"
        " saja: kelompok yang kecil dapat menunjuk orangnya.</p>"
    )
    yield tabulated("Ringkasan", ("Ukuran", "Nilai", "Artinya"), _summary(evaluation))
    yield "<h2>Yang perlu dijelaskan</h2>"
    found = list(_findings(evaluation, provinces))
    half = decimal(100 * FINDING, 1, "id")
    if found:
        yield f"<p>Kelompok yang terjaring lebih dari {half} poin lebih sedikit atau lebih banyak daripada semua:</p>"
        yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in found)}</ul>"
    else:
        yield f"<p>Tidak ada kelompok yang berbeda lebih dari {half} poin dari semua.</p>"
    for heading, figures in figures_of(evaluation, provinces):
        yield f"<h2>{heading}</h2>"
        yield from map(_figure, figures)
    if evaluation.damages:
        yield "<h2>Menurut kerusakan barisnya</h2>"
        rows = tuple((kind, *_of(score)) for kind, score in evaluation.damages.items())
        yield tabulated("Kerusakan", ("Kerusakan", "Baris", "Tepat", "Terjaring"), rows)


def figures_of(evaluation: Evaluation, provinces: Mapping[str, str]) -> Iterator[tuple[str, list[Figure]]]:
    """The charts, under their headings."""
    if evaluation.bins:
        yield "Apakah peluangnya dapat dipercaya", [calibration(evaluation)]
    groups = {
        question: {_answer(question, one, provinces): score for one, score in answers.items()}
        for question, answers in evaluation.groups.items()
        if answers
    }
    # The regions first, then who people are.
    order = sorted(groups, key=lambda question: (question != "province", list(groups).index(question)))
    bands_of = [bands(question, {"Semua": _known(evaluation), **groups[question]}) for question in order]
    if bands_of:
        yield "Bagaimana dijawab", bands_of
        yield "Apakah adil", [fairness(question, groups[question], evaluation) for question in order]


def _known(evaluation: Evaluation) -> Score:
    """All whose group could be known: any question divides the same rows, so the fullest tells of them."""
    most = max(evaluation.groups.values(), key=lambda answers: sum(score.rows for score in answers.values()))
    scores = list(most.values())
    return Score(*(sum(getattr(score, name) for score in scores) for name in Score.__dataclass_fields__))


# What clerks said


def _of_clerks(quality: Quality) -> Iterator[str]:
    """Agreement of clerks, and how right matching was by their word (matching reference 4.8)."""
    yield "<h2>Menurut penelaah</h2>"
    yield (
        f"<p>{count(quality.pairs, 'id')} pasangan ditelaah orang: yang belum pasti, dan sampel dari yang dijawab cocok"
        " atau tidak cocok tanpa ditelaah. Penelaah tidak melihat peluangnya dan tidak tahu mana yang sampel.</p>"
    )
    yield tabulated("Ketepatan menurut penelaah", ("Pasangan", "Nilai", "Artinya"), _rightness(quality))
    yield tabulated("Jawaban dan kesepakatan penelaah", ("Ukuran", "Nilai", "Artinya"), _agreement(quality))
    if quality.bins:
        yield _figure(calibration_of(quality.bins, "kalibrasi-telaah", "Peluang yang disebut dan kata penelaah"))


def _rightness(quality: Quality) -> Iterator[tuple[str, str, str]]:
    matched = quality.matched
    if matched.decided:
        yield "Cocok tanpa telaah", *_share(matched, "orang yang sama")
    for stage, one in quality.automatic.items():
        if one.decided and len(quality.automatic) > 1:
            yield f"Cocok pada tahap {stage}", *_share(one, "orang yang sama")
    if quality.left_open.decided:
        yield "Belum pasti", *_share(quality.left_open, "ternyata orang yang sama")
    if quality.nobody.decided:
        yield "Tidak cocok tanpa telaah", *_share(quality.nobody, "ternyata orang yang sama: terlewat")


def _share(one: Right, what: str) -> tuple[str, str]:
    low, high = one.between
    share = percent(one.share or 0.0, "id", 2)
    unsure = f"; {count(one.unsure, 'id')} tidak dapat dipastikan" if one.unsure else ""
    reach = f"antara {percent(low, 'id', 2)} dan {percent(high, 'id', 2)}, 95\u00a0% kepastian"
    return share, f"{count(one.yes, 'id')} dari {count(one.decided, 'id')} {what}; {reach}{unsure}"


def _agreement(quality: Quality) -> Iterator[tuple[str, str, str]]:
    settled = sum(quality.verdicts.values())
    for verdict, called in VERDICTS.items():
        many = quality.verdicts[verdict]
        yield called, percent(many / settled if settled else 0.0, "id", 1), f"{count(many, 'id')} pasangan yang diputus"
    left = quality.pairs - settled
    yield "Belum diputus", count(left, "id"), "pasangan yang menunggu penelaah kedua atau penengah"
    if quality.twice:
        share = percent(quality.agreed / quality.twice, "id", 1)
        yield (
            "Sepakat",
            share,
            f"{count(quality.agreed, 'id')} dari {count(quality.twice, 'id')} yang ditelaah dua orang",
        )
    if quality.kappa is not None:
        yield (
            "Kappa Cohen",
            decimal(quality.kappa, 2, "id"),
            "kesepakatan di luar kebetulan: 1 selalu, 0 hanya kebetulan",
        )
    yield "Penengah", count(quality.arbitrated, "id"), "pasangan yang diputus orang ketiga"


# The charts


def calibration(evaluation: Evaluation) -> Figure:
    """What was stated, and how often it was true, in ten bins."""
    return calibration_of(evaluation.bins, "kalibrasi", "Peluang yang disebut dan yang benar")


def calibration_of(bins: Sequence[tuple[int, int, float, float]], name: str, title: str) -> Figure:
    """The same of any bins: tenth, rows, mean of what was stated, share that was true."""
    rows, table = [], []
    for place, many, stated, true in bins:
        low, high = wilson(round(true * many), many)
        label = f"{10 * place}–{10 * place + 10}{NBSP}%"
        told = percent(true, "id", 1)
        rows.append(Point(label, f"{count(many, 'id')} baris", true, low, high, stated, told, faint=many < AT_LEAST))
        table.append((label, count(many, "id"), percent(stated, "id", 1), told))
    off = math.fsum(many * abs(stated - true) for _, many, stated, true in bins)
    mean = decimal(100 * off / sum(one[1] for one in bins), 2, "id")
    unmet = " Peluang yang tidak pernah disebut tidak digambar." if len(rows) < 10 else ""
    caption = Caption(
        name,
        title,
        f"Bila disebut 90{NBSP}%, sembilan dari sepuluh seharusnya benar. Rata-rata selisihnya {mean} poin.{unmet}",
        ("Peluang", "Baris", "Disebut", "Benar"),
        tuple(table),
    )
    keys = {
        "expected": "peluang yang disebut",
        "point": "yang benar; garisnya: 95\u00a0% kepastian",
        "faint": f"kurang dari {AT_LEAST} baris: belum dapat dinilai",
    }
    ticks = tuple((at, percent(at, "id", 0)) for at in (0.0, 0.5, 1.0))
    return points(caption, rows, between=(0.0, 1.0), ticks=ticks, keys=_met(keys, rows))


def bands(question: str, answers: Mapping[str, Score]) -> Figure:
    """How the rows of each group were answered."""
    rows, table = [], []
    for label, score in answers.items():
        amounts = (score.given, score.review, score.rows - score.given - score.review)
        shares = [decimal(100 * amount / score.rows, 1, "id") for amount in amounts]
        rows.append(Shares(label, f"{count(score.rows, 'id')} baris", amounts, f"{' · '.join(shares)}{NBSP}%"))
        table.append((label, count(score.rows, "id"), *(f"{share}{NBSP}%" for share in shares)))
    names = tuple(word(words()["bands"][band], "id") for band in BANDS)
    title = word(words()["groups"][question], "id")
    caption = Caption(
        f"jawaban-{_slug(question)}",
        f"Jawaban menurut {_small(title)}",
        "Baris yang orangnya ada di registri: berapa yang cocok, perlu telaah, dan tidak cocok.",
        (title, "Baris", *(name.capitalize() for name in names)),
        tuple(table),
    )
    return divided(caption, (names[0], names[1], names[2]), rows)


def fairness(question: str, answers: Mapping[str, Score], evaluation: Evaluation) -> Figure:
    """How many of each group are found, beside how many of all."""
    overall = evaluation.overall.recall
    rows, table = [], []
    for label, score in answers.items():
        low, high = wilson(score.right, score.present)
        finding = evaluation.is_a_finding(score)
        faint = score.present < AT_LEAST
        said = f"{count(score.present, 'id')} orang"
        if finding:
            said += f"; {_finding(score, overall)}"
        elif faint:
            said += "; belum dapat dinilai"
        told = percent(score.recall, "id")
        rows.append(Point(label, said, score.recall, low, high, overall, told, marked=finding, faint=faint))
        table.append(
            (label, count(score.present, "id"), told, _judged(score, overall) if finding else "–" if faint else "wajar")
        )
    title = word(words()["groups"][question], "id")
    marked = [row.label for row in rows if row.marked]
    half = decimal(100 * FINDING, 1, "id")
    seen = f"Temuan: {', '.join(marked)}." if marked else f"Tidak ada yang berbeda lebih dari {half} poin."
    caption = Caption(
        f"adil-{_slug(question)}",
        f"Terjaring menurut {_small(title)}",
        f"Dari orang yang ada di registri, berapa yang cocok dengan orang yang tepat. {seen}",
        (title, "Orang", "Terjaring", "Penilaian"),
        tuple(table),
    )
    least = min(overall - 2 * FINDING, *(row.low for row in rows if not row.faint), *(row.at for row in rows))
    least = max(0.0, math.floor(100 * least) / 100)
    keys = {
        "expected": f"semua: {percent(overall, 'id')}; berbayang: {half} poin ke kiri dan kanan",
        "point": "kelompok ini; garisnya: 95\u00a0% kepastian",
        "marked": f"temuan: lebih dari {half} poin dari semua",
        "faint": f"kurang dari {AT_LEAST} orang: belum dapat dinilai",
    }
    ticks = tuple((at, f"{decimal(100 * at, 1, 'id')}{NBSP}%") for at in (least, (least + 1) / 2, 1.0))
    return points(caption, rows, between=(least, 1.0), ticks=ticks, keys=_met(keys, rows), within=FINDING)


def _met(keys: Mapping[str, str], rows: Sequence[Point]) -> dict[str, str]:
    """Only what the reader will meet."""
    there = {"marked": any(row.marked for row in rows), "faint": any(row.faint for row in rows)}
    return {kind: words for kind, words in keys.items() if there.get(kind, True)}


# Words


def _summary(evaluation: Evaluation) -> Iterator[tuple[str, ...]]:
    overall = evaluation.overall
    low, high = wilson(overall.right, overall.given)
    yield "Tepat", percent(overall.precision, "id", 3), "dari yang cocok, yang orangnya tepat"
    yield (
        "Tepat, kisarannya",
        f"{percent(low, 'id', 3)} – {percent(high, 'id', 3)}",
        "di antara keduanya, 95\u00a0% kepastian",
    )
    yield (
        "Terjaring",
        percent(overall.recall, "id"),
        "dari yang ada di registri, yang cocok dengan orang yang tepat",
    )
    yield "Terjaring sesudah telaah", percent(overall.recall_after_review, "id"), "bila penelaah membenarkan yang benar"
    yield "F1", decimal(overall.f1, 4, "id"), "rata-rata harmonis dari tepat dan terjaring"
    yield "Perlu telaah", percent(overall.review / overall.rows if overall.rows else 0.0, "id"), "dari semua baris"


def _of(score: Score) -> tuple[str, ...]:
    return (
        count(score.rows, "id"),
        percent(score.precision, "id") if score.given else "–",
        percent(score.recall, "id") if score.present else "–",
    )


def _findings(evaluation: Evaluation, provinces: Mapping[str, str]) -> Iterator[str]:
    overall = evaluation.overall.recall
    for question, answers in evaluation.groups.items():
        for answer, score in answers.items():
            if evaluation.is_a_finding(score):
                title = word(words()["groups"][question], "id")
                name = _answer(question, answer, provinces)
                told = f"{percent(score.recall, 'id')} dari {count(score.present, 'id')} orang"
                yield f"{title}, {_small(name) if question != 'province' else name}: {told}; {_finding(score, overall)}"


def _finding(score: Score, overall: float) -> str:
    apart = score.recall - overall
    points = decimal(100 * abs(apart), 1, "id")
    return f"{_judged(score, overall)}: {points} poin di {'atas' if apart > 0 else 'bawah'} semua"


def _judged(score: Score, overall: float) -> str:
    """A group can be apart by chance: then all lie where it is sure to be."""
    low, high = wilson(score.right, score.present)
    return "temuan, bisa kebetulan" if low <= overall <= high else "temuan"


def _answer(question: str, answer: str, provinces: Mapping[str, str]) -> str:
    if question == "province":
        return provinces.get(answer, "Provinsi lain")
    return word(words()["groups"][question]["answers"][answer], "id")


def _small(title: str) -> str:
    return title[:1].lower() + title[1:]


def _slug(question: str) -> str:
    return question.replace("_", "-")


# Markup


def _figure(figure: Figure) -> str:
    told = figure.caption
    table = tabulated(f"Angka: {_small(told.title)}", told.headings, told.rows)
    return (
        f"<figure>\n<figcaption><h3>{escape(told.title)}</h3>\n<p>{escape(told.says)}</p></figcaption>\n"
        f"<div>{figure.svg()}</div>\n{table}\n</figure>"
    )


def tabulated(caption: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in headings)
    body = "\n".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(one)}</td>" for one in rest)}</tr>'
        for first, *rest in rows
    )
    return (
        f'<div class="wide" role="region" aria-label="{escape(caption)}" tabindex="0"><table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{head}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def style() -> str:
    light, dark = ("".join(f"--{name}:{value};" for name, value in scheme.items()) for scheme in (LIGHT, DARK))
    return f"""
:root {{ color-scheme: light dark; {light} }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}
body {{ margin: 0; background: var(--surface); color: var(--text); font: 1.0625rem/1.5 {FONT}; }}
main {{ max-width: 70rem; margin: 0 auto; padding: 1rem; }}
p, ul {{ max-width: 70ch; }}
h1 {{ font-size: 2.125rem; line-height: 1.2; }}
h2 {{ font-size: 1.5625rem; margin: 3rem 0 1rem; border-top: 1px solid var(--border-strong); padding-top: 1rem; }}
h3 {{ font-size: 1.25rem; margin: 0; }}
figure {{ margin: 0 0 3rem; }}
figcaption p {{ margin: 0.25rem 0 1rem; color: var(--text-secondary); }}
svg {{ display: block; overflow: visible; font-family: inherit; font-variant-numeric: tabular-nums; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; margin: 1rem 0; }}
caption {{ text-align: left; color: var(--text-secondary); padding-bottom: 0.25rem; }}
th, td {{ text-align: left; vertical-align: top; padding: 0.25rem 1rem 0.25rem 0; }}
th, td {{ border-bottom: 1px solid var(--border); }}
thead th {{ border-bottom-color: var(--border-strong); }}
tbody th {{ font-weight: 400; }}
figure td {{ text-align: right; }}
figure thead th:not(:first-child) {{ text-align: right; }}
@media (min-width: 60rem) {{
  figure {{ display: grid; grid-template-columns: minmax(0, 32rem) minmax(0, 1fr); column-gap: 3rem; }}
  figcaption {{ grid-column: 1 / -1; }}
  figure .wide {{ margin-top: -1rem; }}
}}
@media print {{
  main {{ max-width: none; padding: 0; }}
  body {{ font-size: 10pt; }}
  tr, figcaption {{ break-inside: avoid; }}
  h2, h3, figcaption {{ break-after: avoid; }}
}}
"""
