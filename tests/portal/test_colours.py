"""Every colour pair that the pages use can be read: WCAG 2.2 AA, computed from the tokens, in both schemes."""

import re
from pathlib import Path

import pytest

import bagipakai.portal
from bagipakai.core import charts

TOKENS = (Path(bagipakai.portal.__file__).parent / "static" / "portal" / "tokens.css").read_text("utf-8")
LIGHT, DARK = TOKENS.split("@media (prefers-color-scheme: dark)")

TEXT = [
    ("text", "surface"),
    ("text", "surface-sunken"),
    ("text", "surface-raised"),
    ("text-secondary", "surface"),
    ("text-secondary", "surface-sunken"),
    ("text-secondary", "brand-surface"),
    ("link", "surface"),
    ("link", "surface-sunken"),
    ("link-visited", "surface"),
    ("on-brand", "brand"),
    ("on-brand", "brand-strong"),
    ("brand", "brand-surface"),
    ("brand", "surface-sunken"),
    ("surface", "negative"),
    ("text", "brand-surface"),
    *[(word, f"{word}-surface") for word in ("positive", "negative", "warning", "info")],
    *[("text", f"{word}-surface") for word in ("positive", "negative", "warning", "info")],
    *[("link", f"{word}-surface") for word in ("positive", "negative", "warning", "info")],
    ("negative", "surface"),
    ("positive", "surface"),
    ("warning", "surface"),
    ("on-focus", "focus"),
]
EDGES = [("border-strong", "surface"), ("border-strong", "surface-raised"), ("negative", "surface-raised")]


def colours(scheme: str) -> dict[str, str]:
    light = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", LIGHT))
    return light if scheme == "light" else light | dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", DARK))


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("scheme", "of_charts"), [("light", charts.LIGHT), ("dark", charts.DARK)])
def test_charts_wear_the_same_colours(scheme, of_charts):
    """A drawing in a file of its own, or in a page of the registry's, looks as it does here."""
    known = colours(scheme)
    assert {role: known[role] for role in of_charts} == of_charts


def test_black_on_white_is_21_to_1():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), TEXT)
def test_text_can_be_read(scheme, front, back):
    known = colours(scheme)
    assert contrast(known[front], known[back]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("front", "back"), EDGES)
def test_edges_of_fields_can_be_seen(scheme, front, back):
    known = colours(scheme)
    assert contrast(known[front], known[back]) >= 3
