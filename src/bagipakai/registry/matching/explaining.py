"""Why a row got its answer, told to a person: the sum of its evidence as words, as odds, and as a waterfall.

All that enters is what a result holds of a row: names of levels, and bits. No value of anybody, no number of the row.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from bagipakai.core.charts import Caption, Figure, Step, waterfall
from bagipakai.core.refusal import Refusal
from bagipakai.registry.matching.comparisons import COMPARISONS
from bagipakai.registry.matching.model import KERABAT
from bagipakai.registry.matching.results import REASONS

Language = Literal["id", "en"]

WORDS = Path(__file__).with_suffix(".toml")
PRIOR, SCORE, RELATIVES = "prior", "score", KERABAT.removeprefix("bits_")
NEAR = 1e-6  # bits: the evidence sums to the score
NBSP = "\u00a0"  # a figure stays with its unit
SURE = 1e9  # odds beyond this are told as "more than"
LITTLE = 0.1  # bits: relatives that cost less are not worth a word


@lru_cache(maxsize=1)
def words() -> Mapping[str, Any]:
    """explaining.toml: `evidence` by comparison and level, `bands`, `groups` by question and answer."""
    return tomllib.loads(WORDS.read_text("utf-8"))


def word(told: Mapping[str, str], language: Language) -> str:
    return told["istilah" if language == "id" else "english"]


@dataclass(frozen=True, slots=True)
class Piece:
    """What one comparison found, and what that is worth. `name` and `level` as in explaining.toml."""

    name: str
    level: str
    bits: float

    def label(self, language: Language) -> str:
        return word(words()["evidence"][self.name], language)

    def said(self, language: Language) -> str:
        return word(words()["evidence"][self.name]["levels"][self.level], language)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a result says of one row. `pieces`, the prior first, sum to the score; none where nobody was found."""

    band: str
    reason: str
    probability: float
    candidates: int
    pieces: tuple[Piece, ...]

    @property
    def score(self) -> float:
        return math.fsum(piece.bits for piece in self.pieces)


def evidence_of(row: Mapping[str, Any]) -> Evidence | Refusal:
    """Of a line of a result (`results.result`); a Refusal where it is not what the job wrote: a level without words, a
    missing number, or a sum that is not the score."""
    try:
        band, reason = str(row["band"]), str(row["reason"])
        if band not in words()["bands"] or reason not in REASONS:
            raise ValueError
        pieces = () if row[SCORE] is None else _pieces(row)
        told = Evidence(band, reason, float(row["probability"]), int(row["candidates"]), pieces)
        if pieces and not abs(told.score - float(row[SCORE])) <= NEAR:
            return Refusal("matching-evidence-does-not-sum")
    except (KeyError, TypeError, ValueError):
        return Refusal("matching-result-malformed")
    return told


def _pieces(row: Mapping[str, Any]) -> tuple[Piece, ...]:
    relatives = float(row[KERABAT])
    found = (
        Piece(PRIOR, "start", float(row["prior"])),
        *(Piece(one.name, str(row[f"level_{one.name}"]), float(row[f"bits_{one.name}"])) for one in COMPARISONS),
        Piece(RELATIVES, "unlike" if relatives > -LITTLE else "like", relatives),
    )
    for piece in found:
        piece.said("id")  # a level without words is none of ours
    return found


# Its words


def told(evidence: Evidence, language: Language = "id") -> list[str]:
    """For a terminal: the answer, each piece of evidence with its bits, and the sum as odds."""
    lines = [answer(evidence, language)]
    if evidence.pieces:
        pieces = [(piece.label(language), piece.said(language), bits(piece.bits, language)) for piece in _all(evidence)]
        names, figures = (max(len(piece[at]) for piece in pieces) for at in (0, 2))
        lines += [f"  {name:<{names}}  {figure:>{figures}}  {said}" for name, said, figure in pieces]
        lines += [odds(evidence.score, language), rivals(evidence, language)]
    return [line for line in lines if line]


def answer(evidence: Evidence, language: Language) -> str:
    """The band, and in Indonesian the reason."""
    band = word(words()["bands"][evidence.band], language)
    return f"{band.capitalize()}: {REASONS[evidence.reason]}." if language == "id" else f"{band.capitalize()}."


def odds(score: float, language: Language) -> str:
    """What a score means, alone: odds, and how often such a pair is right or wrong."""
    ratio = 2.0 ** min(abs(score), 900.0)
    more = ratio > SURE
    one, among = (large(rounded(min(ratio, SURE) + added), language) for added in (0, 1))
    if round(ratio, 1) < 1.5:  # 3 to 2 and less: no clerk would bet on it
        return _EVEN[language]
    words = _FOR if score > 0 else _AGAINST
    return words[language].format(odds=one, among=among, more=_MORE[language] if more else _ABOUT[language])


_ABOUT = {"id": "kira-kira ", "en": "about "}
_MORE = {"id": "lebih dari ", "en": "more than "}
_EVEN = {
    "id": "Bukti yang mendukung dan yang membantah hampir seimbang: bisa ya, bisa tidak.",
    "en": "The evidence for and against is nearly even: it may be so or not.",
}
_FOR = {
    "id": "Peluangnya {more}{odds} banding 1 bahwa keduanya orang yang sama: dari {among} pasangan dengan bukti seperti"
    " ini, satu yang keliru.",
    "en": "The odds are {more}{odds} to 1 that both are one person: of {among} pairs with evidence like this, one is"
    " wrong.",
}
_AGAINST = {
    "id": "Peluangnya {more}{odds} banding 1 bahwa keduanya bukan orang yang sama: dari {among} pasangan dengan bukti"
    " seperti ini, satu yang benar.",
    "en": "The odds are {more}{odds} to 1 that both are not one person: of {among} pairs with evidence like this, one"
    " is right.",
}


def rivals(evidence: Evidence, language: Language) -> str:
    """The row's probability, which counts its other candidates."""
    others = evidence.candidates - 1
    share = percent(evidence.probability, language)
    if others > 0:
        return _RIVALS[language].format(share=share, many=count(others, language), s="s" if others > 1 else "")
    return _ALONE[language].format(share=share)


_RIVALS = {
    "id": "Sesudah {many} calon lain ikut dihitung, peluangnya {share}.",
    "en": "With {many} other candidate{s} counted, the probability is {share}.",
}
_ALONE = {
    "id": "Tidak ada calon lain; peluangnya {share}.",
    "en": "No other candidate; the probability is {share}.",
}


# The waterfall


def drawn(evidence: Evidence, language: Language = "id", name: str = "bukti") -> Figure | Refusal:
    """The waterfall of a row; a Refusal where nobody was found, so that there is no evidence."""
    if not evidence.pieces:
        return Refusal("matching-nothing-to-draw")
    steps = [
        Step(piece.label(language), piece.said(language), piece.bits, bits(piece.bits, language))
        for piece in _all(evidence)
    ]
    caption = Caption(
        name,
        _TITLE[language],
        " ".join((answer(evidence, language), odds(evidence.score, language), rivals(evidence, language))),
        _HEADINGS[language],
        tuple((step.label, step.words, step.told) for step in steps),
    )
    return waterfall(caption, steps[:-1], steps[-1], _ENDS[language])


_TITLE = {"id": "Mengapa baris ini dijawab demikian", "en": "Why this row got its answer"}
_HEADINGS = {"id": ("Yang dibandingkan", "Yang ditemukan", "Bobot"), "en": ("Compared", "Found", "Weight")}
_ENDS = {"id": ("orang lain", "orang yang sama"), "en": ("somebody else", "the same person")}


def _all(evidence: Evidence) -> tuple[Piece, ...]:
    return (*evidence.pieces, Piece(SCORE, "sum", evidence.score))


# Numbers as they are written


def bits(amount: float, language: Language) -> str:
    """ "+20,3 bit", "−4,0 bit", "0,0 bit": one bit doubles or halves the odds."""
    size = decimal(abs(amount), 1, language)
    sign = "" if not size.strip("0,.") else "+" if amount > 0 else "−"
    return f"{sign}{size}{NBSP}{'bit' if language == 'id' else 'bits'}"


def percent(share: float, language: Language, places: int = 2) -> str:
    """ "99,61 %"; never 100 or 0 for what is not quite."""
    least = 10.0 ** -(places + 2)
    if 0 < share < least:
        return f"{'kurang dari' if language == 'id' else 'less than'} {percent(least, language, places)}"
    if 1 - least < share < 1:
        return f"{'lebih dari' if language == 'id' else 'more than'} {percent(1 - least, language, places)}"
    return f"{decimal(100 * share, places, language)}{NBSP if language == 'id' else ''}%"


def decimal(amount: float, places: int, language: Language) -> str:
    text = f"{amount:,.{places}f}"
    return text.translate(str.maketrans(",.", ".,")) if language == "id" else text


def count(many: float, language: Language) -> str:
    return decimal(many, 0, language)


def large(many: float, language: Language) -> str:
    """ "5.500", "820 juta", "1 miliar"."""
    for size, named in ((1e9, _BILLION), (1e6, _MILLION)):
        if many >= size:
            return (
                f"{decimal(many / size, 0 if many >= 10 * size or many % size == 0 else 1, language)} {named[language]}"
            )
    return count(many, language)


_MILLION = {"id": "juta", "en": "million"}
_BILLION = {"id": "miliar", "en": "billion"}


def rounded(amount: float) -> float:
    """To two digits that count: nobody bets 24,871 to 1."""
    return round(amount, 1 - math.floor(math.log10(amount))) if amount >= 10 else round(amount)
