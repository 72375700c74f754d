"""The risk report of a table, as one page: what leaves, to whom and why, what was hidden, each attack and its verdict,
what is left to use; lines to sign, and the figures (disclosure reference 4.9), which are `reporting`'s.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from bagipakai.core.methods import DifferentialPrivacy
from bagipakai.core.policy import rules
from bagipakai.registry.disclosure import labels
from bagipakai.registry.disclosure.chapters import QUESTIONS, Chapter, chapter
from bagipakai.registry.disclosure.drawings import hidden_cells, usefulness
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
from bagipakai.registry.disclosure.reporting import Figures, Run, programs
from bagipakai.registry.disclosure.verdicts import attacks, verdict
from bagipakai.registry.matching.explaining import count, percent
from bagipakai.registry.matching.report import tabulated

TITLE: Final = "Laporan risiko tabel"
POLICIES: Final = {"table": "Tabel", "together": "Semua tabel bersama"}  # of policies/disclosure.toml, that were used


def page(run: Run, found: Figures) -> str:
    """HTML, whole: no file beside it, no script. What everybody should read and somebody signs comes first, on one
    sheet of paper; the annex has the rest."""
    method = chapter(run, found)
    return paper(TITLE, [*_first(run, found, method), *_annex(run, found, method)])


def _first(run: Run, found: Figures, method: Chapter) -> Iterator[str]:
    plan = run.plan
    yield f'<p class="verdict"><strong>{verdict(found)}</strong></p>'
    yield "<h2>Apa yang keluar, kepada siapa, atas dasar apa</h2>"
    yield listed(
        ("Tabel", f"cacah {labels.unit(run)} menurut {labels.crossed(run, plan.columns)}, dengan semua jumlahnya"),
        *_what_is_summed(run, found),
        ("Siapa yang dihitung", labels.population(run)),
        ("Wilayah", ", ".join(map(place, plan.area.codes)) or "seluruh Indonesia"),
        ("Rilis", run.release[0]),
        ("Penerima", f"{plan.recipient.name} ({plan.recipient.institution})"),
        ("Tujuan", purpose(run.plan.purpose, run.day)),
        ("Program", plan.programme),
        ("Dasar hukum", plan.legal_basis),
        ("Permintaan", plan.request),
        ("Diteruskan ke pihak lain", "boleh" if plan.onward_sharing else "tidak boleh"),
        ("Berlaku sampai", on_day(plan.ends_on)),
        ("Sidik isi tabel", run.content),
    )
    numbers, sentences = zip(*method.answers, strict=True)
    yield "<h2>Tiga pertanyaan</h2>"
    yield f'<div class="questions">{"".join(map(question, QUESTIONS, numbers, sentences))}</div>'
    yield f"<h2>{method.heading}</h2>"
    yield method.why
    yield "<h2>Yang tidak diuji</h2>"
    yield f"<p>{method.untested}</p><p>{_ELSEWHERE}</p>{_UNTESTED_SUMS if found.sums else ''}"
    yield unfounded(basis for _, _, basis in _policies(run))
    yield signing()


def _what_is_summed(run: Run, found: Figures) -> Iterator[tuple[str, str]]:
    if found.sums:
        variable = run.catalogue[run.plan.summed]
        yield (
            "Yang dijumlahkan",
            f"{labels.title(run, variable.name)} ({variable.measure}); nilai yang tidak diketahui tidak ikut: paling"
            f" banyak {percent(found.sums.unknown / 100, 'id', 0)} dari {labels.unit(run)} yang dihitung",
        )


def _annex(run: Run, found: Figures, method: Chapter) -> Iterator[str]:
    yield ANNEX
    reasons = ((labels.title(run, one.name), one.reason) for one in run.plan.variables)
    yield tabulated("Variabel tabel dan alasannya", ("Variabel", "Alasan"), reasons)
    if found.hidden:
        yield charted(hidden_cells(run))
    yield "<h2>Serangan yang dijalankan</h2>"
    yield (
        "<p>Setiap serangan memakai pengetahuan yang memang dapat dipunyai orang: berkas yang terbit, aturan penutupan,"
        " dan apa yang diketahui orang tentang dirinya sendiri.</p>"
    )
    heads = ("Serangan", "Putusan", "Hasil", "Batas")
    yield f'<div class="attacks">{tabulated("Serangan, putusan, hasil, dan batas", heads, attacks(run, found))}</div>'
    yield "<h2>Apa yang tersisa untuk dipakai</h2>"
    if not isinstance(run.method, DifferentialPrivacy):
        yield charted(usefulness(run, found))
    if found.deviation:
        yield (
            "<p>Menurut aturannya saja, 95 dari 100 angka meleset dari yang sebenarnya tidak lebih dari ini. Seberapa"
            " jauh angka tertentu meleset tidak disebut: itu akan menghapus deraunya.</p>"
        )
        yield tabulated("Kesalahan yang diharapkan", ("Rincian", "Meleset paling banyak"), _errors(run, found))
    yield from _figures(run, found)
    yield "<h2>Cara, aturan, dan sumber</h2>"
    yield f"<p>{method.how}</p>"
    yield tabulated("Aturan yang dipakai", ("Aturan", "Sejak", "Dasar"), _policies(run))
    yield listed(
        ("Sidik rilis", run.release[1]),
        ("Sidik rencana", run.plan.digest),
        ("Sidik katalog", run.catalogue.digest),
        ("Program", ", ".join(f"{name} {number}" for name, number in programs(run.method).items())),
    )


def _figures(run: Run, found: Figures) -> Iterator[str]:
    """Those of the drawings."""
    private = isinstance(run.method, DifferentialPrivacy)
    drawn = [*([] if private else [usefulness(run, found)]), *([hidden_cells(run)] if found.hidden else [])]
    for told in (figure.caption for figure in drawn):
        yield tabulated(told.title, told.headings, told.rows)
    if found.sums:
        total = found.sums.total
        rows = ((labels.crossed(run, names), percent(shown / total, "id", 1)) for names, shown in found.sums.shown)
        yield tabulated("Bagian jumlah yang terbit, menurut rinciannya", ("Rincian", "Bagian jumlah"), rows)


_ELSEWHERE: Final = (
    "Angka dari rilis lain dibandingkan dua-dua saja, dan angka resmi yang diterbitkan pihak lain tidak. Selisih dua"
    " cacah orang diperiksa menurut orang, belum menurut keluarga."
)
_UNTESTED_SUMS: Final = (
    "<p>Jumlah diuji dalam tabel ini saja: dari satu rilis, satu variabel hanya dijumlahkan dalam satu tabel di wilayah"
    " yang sama, dan jumlah dari rilis lain tidak dibandingkan. Bahwa nilai seseorang ada batasnya menurut katalog"
    " tidak diperhitungkan, juga bukan apa yang cacah dan jumlah beri tahu bersama-sama.</p>"
)


def _policies(run: Run) -> Iterator[tuple[str, str, str]]:
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
        yield labels.crossed(run, one.levels), count(round(1.96 * found.deviation * many**0.5), "id")


def _many(run: Run, parts: float) -> float:
    """How many noises are in a count of so many finest cells, on average."""
    return parts if isinstance(run.method, DifferentialPrivacy) else 1.0
