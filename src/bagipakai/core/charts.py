"""Charts as SVG, from plain numbers and words: how much each piece of evidence adds, how a whole is divided, where
shares lie beside what was expected, and which squares of a grid are filled. A chart is a `Figure`: the drawing, the
sentence that says what it shows, and the same figures as a table; none of them is enough alone.

One drawing serves every width: what is drawn is measured in hundredths of the width, letters are not, and whatever is
to be read stands above its bar in lines short enough for a telephone. Colours are the roles of the portal's tokens; in
a page they follow its scheme, in a file of its own they are written out. What a colour tells, a shape or a word tells
too. There is no style sheet and no script, so the strictest policy of a page lets it be.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

# The roles of tokens.css that charts use; tests/portal/test_colours.py holds them against that file.
LIGHT: Mapping[str, str] = {
    "surface": "#ffffff",
    "text": "#17211f",
    "text-secondary": "#4a5754",
    "border": "#d5dddb",
    "border-strong": "#6f7d7a",
    "brand": "#0b5a63",
    "negative": "#a61b22",
    "warning": "#7d4e00",
}
DARK: Mapping[str, str] = {
    "surface": "#121a1b",
    "text": "#eaf0ef",
    "text-secondary": "#b3c0bd",
    "border": "#33413f",
    "border-strong": "#83928f",
    "brand": "#7fd0d3",
    "negative": "#ff9d98",
    "warning": "#f0c268",
}
FONT = "system-ui, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"

NARROWEST = 288  # px: a page of 320 with its margins
FILE_WIDTH, _MARGIN = 680, 16  # px, of a file of its own
LARGE, LETTERS, SMALL = 20, 15, 13  # px
_BAR, _GAP = 14, 14  # px
_INSET = 0.02  # of the width, kept free on either side so that no mark is cut
_UNWRITABLE = re.compile("[^\t\n -\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010fffd]")  # what XML has no place for


Attributes = Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class Element:
    """A piece of a drawing. `fill` and `stroke` name a role of LIGHT, or are "none" or a reference."""

    name: str
    attributes: Attributes = field(default_factory=dict)
    children: tuple["Element | str", ...] = ()

    def written(self, colours: Mapping[str, str] | None = None) -> str:
        """Escaped. Without `colours`, those of the page it stands in."""
        told = "".join(f' {key}="{_escaped(_value(key, one, colours))}"' for key, one in self.attributes.items())
        inner = "".join(_escaped(one) if isinstance(one, str) else one.written(colours) for one in self.children)
        return f"<{self.name}{told}>{inner}</{self.name}>" if inner else f"<{self.name}{told}/>"

    def walk(self) -> Iterator["Element"]:
        """This element and all within it."""
        yield self
        for one in self.children:
            if isinstance(one, Element):
                yield from one.walk()


def _value(key: str, told: str | float, colours: Mapping[str, str] | None) -> str:
    if key in ("fill", "stroke") and told in LIGHT:
        return colours[str(told)] if colours else f"var(--{told})"
    return told if isinstance(told, str) else f"{told:g}"


def _escaped(text: str) -> str:
    return escape(_UNWRITABLE.sub("�", text), quote=True)


@dataclass(frozen=True, slots=True)
class Caption:
    """What is told beside a drawing. `name`: letters, digits and hyphens, once in a page. `says`: what is to be seen.
    `rows`, under `headings`: the figures drawn."""

    name: str
    title: str
    says: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart. `parts` and `height`: the drawing, in px."""

    caption: Caption
    parts: tuple[Element, ...]
    height: int

    def svg(self) -> str:
        """To stand in a page that defines the tokens; as wide as its place."""
        return self._named({"width": "100%", "height": self.height}, self.parts).written()

    def file(self) -> str:
        """A file of its own, light, with its title and what it says."""
        above = _Sheet()
        above.paragraph(self.caption.title, FILE_WIDTH, LARGE, "text", bold=True)
        above.paragraph(self.caption.says, FILE_WIDTH, LETTERS, "text-secondary")
        top = _MARGIN + above.y + _GAP
        width, height = FILE_WIDTH + 2 * _MARGIN, top + self.height + _MARGIN
        size: Attributes = {"width": width, "height": height, "viewBox": f"0 0 {width} {height}", "font-family": FONT}
        paper = Element("rect", {"width": "100%", "height": "100%", "fill": "surface"})
        said = Element("g", {"transform": f"translate({_MARGIN} {_MARGIN})", "aria-hidden": "true"}, tuple(above.parts))
        place: Attributes = {"x": _MARGIN, "y": top, "width": FILE_WIDTH, "height": self.height}
        return self._named(size, (paper, said, Element("svg", place, self.parts))).written(LIGHT) + "\n"

    def _named(self, attributes: Attributes, parts: tuple[Element, ...]) -> Element:
        title, desc = f"{self.caption.name}-title", f"{self.caption.name}-desc"
        told = {"xmlns": "http://www.w3.org/2000/svg", "role": "img", "aria-labelledby": f"{title} {desc}"}
        named = (
            Element("title", {"id": title}, (self.caption.title,)),
            Element("desc", {"id": desc}, (self.caption.says,)),
        )
        return Element("svg", {**told, **attributes}, (*named, *parts))


@dataclass(frozen=True, slots=True)
class Step:
    """What one thing adds: `amount`, and as it is told ("+20,3 bit")."""

    label: str
    words: str
    amount: float
    told: str


@dataclass(frozen=True, slots=True)
class Shares:
    """A whole, and how much of it is each of the parts."""

    label: str
    words: str
    amounts: tuple[float, ...]
    told: str


@dataclass(frozen=True, slots=True)
class Strip:
    """A row of squares of one size, and how much of each is filled, from 0 to 1."""

    label: str
    told: str
    shares: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Point:
    """A share `at`, sure between `low` and `high`, beside the one `expected`. `marked`: it needs looking at. `faint`:
    too few were counted to judge."""

    label: str
    words: str
    at: float
    low: float
    high: float
    expected: float
    told: str
    marked: bool = False
    faint: bool = False


def waterfall(caption: Caption, steps: Sequence[Step], total: Step, ends: tuple[str, str]) -> Figure:
    """Bars that begin where the one before ended, and `total` from 0. Filled bars lead to the right, hollow ones to the
    left; `ends` says what left and right of 0 mean."""
    sums = [0.0]
    for step in steps:
        sums.append(sums[-1] + step.amount)
    scale = _scale(min(*sums, total.amount), max(*sums, total.amount))
    sheet = _Sheet()
    sheet.line((f"← {ends[0]}", "start", 0.0), (f"{ends[1]} →", "end", 1.0))
    top = sheet.y
    bars = [*zip(steps, pairwise(sums), strict=True), (total, (0.0, total.amount))]
    for place, (step, (begin, end)) in enumerate(bars):
        under, below = len(sheet.parts), sheet.y - _GAP
        if step is total:
            sheet.rule()
        sheet.heading(step.label, step.told, step.words)
        if place:  # down from where the bar before ended, behind the words
            sheet.parts.insert(under, _upright(_share(scale(sums[place])), below, sheet.y, "border-strong"))
        left, right = sorted((scale(begin), scale(end)))
        sheet.bar(left, right, "brand" if step.amount >= 0 else "negative", filled=step.amount >= 0)
    zero = _upright(_share(scale(0.0)), top, sheet.y - _GAP + 4, "text-secondary", dashed=True)
    return Figure(caption, (zero, *sheet.parts), sheet.y)


def divided(caption: Caption, parts: Sequence[str], rows: Sequence[Shares]) -> Figure:
    """A bar for each whole, all of one length: what is of the first part filled, of the second hatched, of a third
    hollow."""
    sheet = _Sheet()
    hatch = f"{caption.name}-hatch"
    strokes = Element("path", {"d": "M-2 2 L2 -2 M0 8 L8 0 M6 10 L10 6", "stroke": "warning", "stroke-width": 2.5})
    pattern: Attributes = {"id": hatch, "width": 8, "height": 8, "patternUnits": "userSpaceOnUse"}
    sheet.parts.append(Element("defs", {}, (Element("pattern", pattern, (strokes,)),)))
    looks = (("brand", "brand"), (f"url(#{hatch})", "warning"), ("none", "border-strong"))
    for part, (fill, stroke) in zip(parts, looks, strict=False):
        sheet.key(_box(0, 14, sheet.y, fill, stroke), part)
    sheet.y += _GAP
    for row in rows:
        sheet.heading(row.label, row.told, row.words)
        whole, at = sum(row.amounts), 0.0
        for amount, (fill, stroke) in zip(row.amounts, looks, strict=False):
            if amount:
                left, at = at, at + amount / whole
                sheet.parts.append(_stretch(left, at, sheet.y, fill, stroke))
        sheet.y += _BAR + _GAP
    return Figure(caption, tuple(sheet.parts), sheet.y)


def points(
    caption: Caption,
    rows: Sequence[Point],
    *,
    between: tuple[float, float],
    ticks: Sequence[tuple[float, str]],
    keys: Mapping[str, str],
    within: float = 0.0,
) -> Figure:
    """Each share on the scale `between`, with a bar where it is sure to lie and an upright line where it was expected,
    with what is `within` reach of it shaded. `keys` explains "expected", "point", and, if there are any, "marked" and
    "faint"."""
    scale = _scale(*between)
    sheet = _Sheet()
    for kind, words in keys.items():
        y = sheet.y + _BAR / 2
        sheet.key(_dot(8, y, kind) if kind != "expected" else _upright(8, y - 7, y + 7, "text"), words)
    sheet.y += _GAP
    sheet.ticks(ticks, scale)
    top = sheet.y
    for row in rows:
        sheet.heading(row.label, row.told, row.words)
        y = sheet.y + _BAR / 2
        if within:
            left, right = (scale(row.expected + way * within) for way in (-1, 1))
            sheet.parts.append(_stretch(left, right, sheet.y, "border", "border-strong"))
        sheet.parts.append(_upright(_share(scale(row.expected)), sheet.y - 2, sheet.y + _BAR + 2, "text"))
        kind = "faint" if row.faint else "marked" if row.marked else "point"
        ends: Attributes = {"x1": _share(scale(row.low)), "x2": _share(scale(row.high)), "y1": y, "y2": y}
        sheet.parts.append(Element("line", {**ends, "stroke": _DOTS[kind], "stroke-width": 2}))
        sheet.parts.append(_dot(_share(scale(row.at)), y, kind))
        sheet.y += _BAR + _GAP
    grid = [_upright(_share(scale(at)), top - 4, sheet.y - _GAP, "border") for at, _ in ticks]
    return Figure(caption, (*grid, *sheet.parts), sheet.y)


def grid(caption: Caption, key: str, columns: Sequence[str], rows: Sequence[Strip], *, in_order: bool) -> Figure:
    """Squares in rows and columns, each filled from below as far as its share; `key` says what a filled one means. The
    first column stands apart (a sum). Columns too narrow for their names have numbers, which are told, or, where
    `in_order`, some have their names."""
    sheet = _Sheet()
    sheet.key(_box(0, 14, sheet.y, "brand", "brand"), key)
    room = NARROWEST * (1 - 2 * _INSET) / len(columns)
    step = math.ceil(max(breadth(one, SMALL) + 6 for one in columns) / room)
    names = columns
    if step > 1 and not in_order:
        names, step = [str(at) for at in range(1, len(columns) + 1)], 1
        for number, name in zip(names, columns, strict=True):
            sheet.key(_text(number, 0, sheet.y + SMALL - 1, SMALL, "text"), name)
    sheet.y += _GAP
    across = (1 - 2 * _INSET) / len(columns)
    step = next((nice for nice in (1, 2, 5, 10, 20, 50) if nice >= step), 100)
    shown = range(len(columns)) if step == 1 else [0, *range(step + 1, len(columns) - step // 2, step)]
    aside = 0.5 if step == 1 else 0.0
    sheet.line(*((names[at], "start" if aside == 0 else "middle", _INSET + (at + aside) * across) for at in shown))
    top = sheet.y
    for row in rows:
        sheet.heading(row.label, row.told, "")
        for at, share in enumerate(row.shares):
            if share:
                height = max(3.0, _BAR * share)
                left, width = _INSET + (at + 0.04) * across, 0.92 * across
                place: Attributes = {"x": _share(left), "width": _share(width), "y": sheet.y + _BAR - height}
                sheet.parts.append(Element("rect", {**place, "height": height, "fill": "brand"}))
        sheet.parts.append(_stretch(_INSET, 1 - _INSET, sheet.y, "none", "border-strong"))
        sheet.y += _BAR + _GAP
    lines = [_upright(_share(_INSET + at * across), top, sheet.y - _GAP, "border") for at in shown[1:]]
    return Figure(caption, (*lines, *sheet.parts), sheet.y)


class _Sheet:
    """A drawing under way, from top to bottom."""

    def __init__(self) -> None:
        self.parts: list[Element] = []
        self.y = 0

    def paragraph(self, told: str, room: float, size: int, colour: str, *, bold: bool = False) -> None:
        for line in wrapped(told, room, size, bold=bold):
            self.parts.append(_text(line, 0, self.y + size, size, colour, bold=bold))
            self.y += size + 5

    def heading(self, label: str, told: str, words: str) -> None:
        """A label with its figure at the right, and words below."""
        room = NARROWEST - breadth(told, LETTERS) - 12
        first = self.y + LETTERS
        self.parts.append(_text(told, _share(1.0), first, LETTERS, "text", anchor="end"))
        self.paragraph(label, room, LETTERS, "text", bold=True)
        if words:
            self.paragraph(words, NARROWEST, SMALL, "text-secondary")
        self.y += 4

    def bar(self, left: float, right: float, colour: str, *, filled: bool) -> None:
        self.parts.append(_stretch(left, max(right, left + 0.002), self.y, colour if filled else "surface", colour))
        self.y += _BAR + _GAP

    def line(self, *told: tuple[str, str, float]) -> None:
        for text, anchor, at in told:
            self.parts.append(_text(text, _share(at), self.y + SMALL, SMALL, "text-secondary", anchor=anchor))
        self.y += SMALL + 10

    def ticks(self, ticks: Sequence[tuple[float, str]], scale: Callable[[float], float]) -> None:
        self.line(
            *(
                (told, "start" if at == ticks[0][0] else "end" if at == ticks[-1][0] else "middle", scale(at))
                for at, told in ticks
            )
        )

    def rule(self) -> None:
        """A line across, before a sum."""
        y = self.y - 4
        ends: Attributes = {"x1": "0%", "x2": "100%", "y1": y, "y2": y}
        self.parts.append(Element("line", {**ends, "stroke": "border-strong", "stroke-width": 1}))
        self.y += 4

    def key(self, sign: Element, words: str) -> None:
        self.parts.append(sign)
        for line in wrapped(words, NARROWEST - 24, SMALL):
            self.parts.append(_text(line, 24, self.y + SMALL - 1, SMALL, "text-secondary"))
            self.y += SMALL + 5


_DOTS = {"point": "brand", "marked": "negative", "faint": "border-strong"}


def _dot(x: str | float, y: float, kind: str) -> Element:
    """A dot; a larger square for what is marked, a hollow dot for what is faint."""
    colour = _DOTS[kind]
    fill = "surface" if kind == "faint" else colour
    if kind == "marked":  # moved by half its size: hundredths and px cannot be added in an attribute
        look: Attributes = {"width": 12, "height": 12, "transform": "translate(-6 -6)", "fill": fill, "stroke": colour}
        return Element("rect", {"x": x, "y": y, **look})
    return Element("circle", {"cx": x, "cy": y, "r": 5, "fill": fill, "stroke": colour, "stroke-width": 2})


def _scale(least: float, most: float) -> Callable[[float], float]:
    """From a value to a place in the drawing, 0 to 1; what lies outside is put on the edge."""
    reach = (most - least) or 1.0
    return lambda value: _INSET + (1 - 2 * _INSET) * min(max((value - least) / reach, 0.0), 1.0)


def _share(at: float) -> str:
    return f"{100 * at:.3f}".rstrip("0").rstrip(".") + "%"


def _stretch(left: float, right: float, y: float, fill: str, stroke: str) -> Element:
    return _box(_share(left), _share(right - left), y, fill, stroke)


def _box(x: str | float, width: str | float, y: float, fill: str, stroke: str) -> Element:
    place: Attributes = {"x": x, "y": y, "width": width, "height": _BAR}
    return Element("rect", {**place, "fill": fill, "stroke": stroke, "stroke-width": 1.5})


def _upright(x: str | float, top: float, bottom: float, colour: str, *, dashed: bool = False) -> Element:
    look: dict[str, str | float] = {"stroke": colour, "stroke-width": 1.5}
    if dashed:
        look["stroke-dasharray"] = "3 4"
    return Element("line", {"x1": x, "x2": x, "y1": top, "y2": bottom, **look})


def _text(
    told: str, x: str | float, y: float, size: int, colour: str, *, anchor: str = "start", bold: bool = False
) -> Element:
    halo: Attributes = {"stroke": "surface", "stroke-width": 7, "stroke-linejoin": "round", "paint-order": "stroke"}
    """With an edge of the paper's colour, so that lines behind it do not strike it through."""
    look: dict[str, str | float] = {"x": x, "y": y, "font-size": size, "fill": colour, **halo}
    if anchor != "start":
        look["text-anchor"] = anchor
    if bold:
        look["font-weight"] = 600
    return Element("text", look, (told,))


# How wide letters are at most, in hundredths of their height, over the typefaces of the portal.
_WIDTHS = {
    letter: width for letters, width in ((" .,:;'’|!iIjl", 32), ("()[]-/frt", 43), ("mwMW%@", 94)) for letter in letters
}


def breadth(text: str, size: int, *, bold: bool = False) -> float:
    """How wide `text` is at most, in px: a bound, since the reader's typeface is not known."""
    return (
        sum(_WIDTHS.get(letter, 73 if letter.isupper() else 62) for letter in text) * size / 100 * (1.06 if bold else 1)
    )


def wrapped(text: str, room: float, size: int, *, bold: bool = False) -> list[str]:
    """The lines of `text`, none wider than `room` px. A word that is wider is broken."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and breadth(f"{lines[-1]} {word}", size, bold=bold) <= room:
            lines[-1] += f" {word}"
            continue
        while breadth(word, size, bold=bold) > room:
            fits = next(n for n in range(len(word) - 1, 0, -1) if breadth(word[:n], size, bold=bold) <= room or n == 1)
            lines.append(word[:fits])
            word = word[fits:]  # noqa: PLW2901  # what is left of it
        lines.append(word)
    return lines
