"""The paper that risk reports are written on: one HTML page, whole, without a file beside it and without a script."""

from collections.abc import Iterable
from datetime import date
from html import escape
from typing import Final

from bagipakai.core.charts import Figure
from bagipakai.core.policy import rules
from bagipakai.registry.matching.report import MONTHS, style
from bagipakai.registry.regions import regions


def paper(title: str, body: Iterable[str]) -> str:
    """The page. `body`: its sections as HTML."""
    told = "\n".join(body)
    return (
        f'<!doctype html>\n<html lang="id">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<style>{style()}{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{told}\n</main>\n</body>\n"
        "</html>\n"
    )


def on_day(day: date) -> str:
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def purpose(code: str, day: date) -> str:
    return f"{rules('purposes', 'purpose', ('code',)).on(day, code)['name']} ({code})"


def place(code: str) -> str:
    return f"{regions()[code].name} ({code})" if code in regions() else code


def listed(*pairs: tuple[str, str]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(told)}</dd>' for name, told in pairs)}</dl>"


def question(asked: str, number: str, sentence: str) -> str:
    return f"<section><h3>{asked}</h3><p><strong>{escape(number)}</strong> {escape(sentence)}</p></section>"


def charted(figure: Figure) -> str:
    """As wide as its place. On paper one that is taller than a sheet is drawn smaller; its figures stand in a table."""
    told = figure.caption
    tenths = max(1, min(10, 10 * SHEET // figure.height))
    return (
        f'<figure class="tenths-{tenths}">\n'
        f"<figcaption><h3>{escape(told.title)}</h3>\n<p>{escape(told.says)}</p>"
        f"</figcaption>\n<div>{figure.svg()}</div>\n</figure>"
    )


def signature(who: str) -> str:
    lines = "".join(f"<dt>{one}</dt><dd></dd>" for one in ("Nama", "Jabatan", "Tanggal", "Tanda tangan"))
    return f"<section><h3>{who}</h3><dl>{lines}</dl></section>"


def signing() -> str:
    """Where two persons sign, and what they say by it."""
    return (
        "<section><h2>Pengesahan</h2>\n"
        "<p>Dengan menandatangani, kami menyatakan telah membaca lembar ini dan lampirannya.</p>\n"
        f'<div class="signatures">{signature("Disusun oleh")}{signature("Diperiksa oleh")}</div></section>'
    )


def unfounded(bases: Iterable[str]) -> str:
    """That thresholds rest on no instrument yet, where a basis says so; else nothing."""
    if not any(one.startswith(NO_BASIS) for one in bases):
        return ""
    return (
        "<p>Sebagian ambang yang dipakai belum berdasar pada peraturan: dasarnya pada lampiran dimulai dengan"
        " “belum ada”, dan nilainya keputusan sendiri.</p>"
    )


SHEET: Final = 840  # px of A4 at 96 to the inch, less its margins, a heading, and what is said above a chart
NO_BASIS: Final = "belum ada"
ANNEX: Final = '<h2 class="annex">Lampiran</h2>'

_STYLE: Final = """
ol { max-width: 70ch; padding-left: 1.5rem; }
li + li { margin-top: 0.5rem; }
dl { display: grid; grid-template-columns: 12rem minmax(0, 1fr); gap: 0.25rem 1rem; max-width: 56rem; }
dt { color: var(--text-secondary); }
dd { margin: 0; overflow-wrap: anywhere; }
.verdict { border-left: 0.25rem solid var(--brand); padding-left: 1rem; font-size: 1.25rem; }
.questions, .signatures { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 0 1.5rem; }
.questions section { display: grid; grid-template-rows: subgrid; grid-row: span 2; margin-bottom: 1.5rem; }
.questions strong { display: block; font-size: 2.125rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.questions p { margin: 0.5rem 0 0; }
.attacks :is(th, td) { min-width: 10rem; }
.attacks :is(th, td):nth-child(2) { min-width: 4rem; }
.signatures section { margin-bottom: 1.5rem; }
.signatures dl { grid-template-columns: 8rem minmax(0, 1fr); }
.signatures dd { border-bottom: 1px solid var(--border-strong); min-height: 1.75rem; }
.signatures dd:last-child { min-height: 5rem; }
@media (max-width: 40rem) { main > dl { display: block; } main > dl dd { margin-bottom: 0.75rem; } }
@media (min-width: 60rem) { figure { grid-template-columns: minmax(0, 44rem); } }
@page { size: A4; margin: 10mm 15mm; }
@media print {
  :root { font-size: 9pt; }
  body { font-size: 8.25pt; line-height: 1.3; }
  h1 { font-size: 15pt; margin: 0; }
  h2 { font-size: 11pt; margin: 2mm 0 1mm; padding-top: 1mm; }
  h3 { font-size: 9.5pt; }
  p, ol { max-width: none; margin: 1mm 0; }
  li + li { margin-top: 0.5mm; }
  table { font-size: 8pt; margin: 1.5mm 0; }
  figure { margin: 0 0 4mm; }
  main > dl { grid-template-columns: 6.5rem minmax(0, 1fr) 6.5rem minmax(0, 1fr); max-width: none; }
  .verdict { font-size: 11pt; }
  .questions strong { font-size: 14pt; }
  .questions section, .signatures section { margin-bottom: 0; }
  .signatures dd { min-height: 1.4rem; }
  .signatures dd:last-child { min-height: 3rem; }
  .annex { break-before: page; }
  section, figure, dl, svg, .wide::before { break-inside: avoid; }
  .wide { overflow: visible; }
  .wide::before { content: ""; display: block; height: 32mm; margin-bottom: -32mm; }
}
""" + "".join(f"@media print {{ .tenths-{one} svg {{ zoom: 0.{one}; }} }}\n" for one in range(1, 10))
