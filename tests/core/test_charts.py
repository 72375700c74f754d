"""A chart can be read by everybody: with eyes, without colours, on a telephone, by ear, in print."""

import re
from xml.etree import ElementTree

import pytest

from bagipakai.core import charts
from bagipakai.core.charts import DARK, LIGHT, NARROWEST, Caption, Point, Shares, Step, Strip, breadth

SVG = "{http://www.w3.org/2000/svg}"
LONG = "W" * 120
ROWS = (("baris", "isi"),)


def caption(says="Yang tampak."):
    return Caption("gambar", "Judul", says, ("Apa", "Berapa"), ROWS)


STEPS = (
    Step("Mulai", "seorang di antara semua", -12.0, "−12,0 bit"),
    Step("NIK", "sama", 20.0, "+20,0 bit"),
    Step("Nama", "berbeda", -3.0, "−3,0 bit"),
)
TOTAL = Step("Skor", "jumlah", 5.0, "+5,0 bit")
KEYS = {"expected": "yang disebut", "point": "yang benar", "marked": "temuan", "faint": "terlalu sedikit"}


def waterfall(steps=STEPS, total=TOTAL):
    return charts.waterfall(caption(), steps, total, ("orang lain", "orang yang sama"))


def divided(*rows):
    rows = rows or (
        Shares("Aceh", "100 baris", (90, 7, 3), "90 · 7 · 3 %"),
        Shares("Bali", "5 baris", (0, 0, 5), "0 · 0 · 100 %"),
    )
    return charts.divided(caption(), ("cocok", "perlu telaah", "tidak cocok"), rows)


def points(*rows, within=0.005):
    rows = rows or (
        Point("Laki-laki", "300 orang", 0.95, 0.94, 0.96, 0.95, "95 %"),
        Point("Perempuan", "300 orang", 0.90, 0.88, 0.93, 0.95, "90 %", marked=True),
        Point("Lain", "3 orang", 1.0, 0.4, 1.0, 0.95, "100 %", faint=True),
    )
    ticks = ((0.8, "80 %"), (0.9, "90 %"), (1.0, "100 %"))
    return charts.points(caption(), rows, between=(0.8, 1.0), ticks=ticks, keys=KEYS, within=within)


def grid(*rows, columns=("∑", "1", "2", "?"), in_order=True):
    rows = rows or (Strip("Aceh", "2 dari 4", (0.0, 1.0, 0.0, 1.0)), Strip("Bali", "1 dari 4", (0.0, 0.5, 0.01, 0.0)))
    return charts.grid(caption(), "ditutup", columns, rows, in_order=in_order)


EVERY = (waterfall(), divided(), points(), grid())


def drawn(figure):
    return ElementTree.fromstring(figure.svg())  # noqa: S314  # ours


def bars(figure):
    return [
        (float(one.get("x").rstrip("%")), float(one.get("width").rstrip("%")), one.get("fill"))
        for one in drawn(figure).iter(f"{SVG}rect")
        if one.get("width").endswith("%")
    ]


def test_each_bar_begins_where_the_one_before_ended_and_the_sum_ends_there():
    """−12, +20 and −3 make 5: the last step ends where the bar of the sum ends."""
    begin, there, back, total = bars(waterfall())
    assert begin[0] == pytest.approx(there[0])
    assert there[0] + there[1] == pytest.approx(back[0] + back[1])
    assert back[0] == pytest.approx(total[0] + total[1])
    assert total[0] == pytest.approx(begin[0] + begin[1])  # from nothing


def test_the_length_of_a_bar_is_its_amount():
    lengths = [length for _, length, _ in bars(waterfall())]
    assert [length / lengths[1] for length in lengths] == pytest.approx([12 / 20, 1, 3 / 20, 5 / 20], abs=1e-3)


def test_for_and_against_differ_in_shape_and_sign_not_in_colour_alone():
    fills = [fill for _, _, fill in bars(waterfall())]
    assert fills == ["var(--surface)", "var(--brand)", "var(--surface)", "var(--brand)"]


def test_the_parts_of_a_whole_fill_it_and_have_three_patterns():
    parts = bars(divided())
    assert [length for _, length, _ in parts] == pytest.approx([90, 7, 3, 100])
    assert [fill for _, _, fill in parts] == ["var(--brand)", "url(#gambar-hatch)", "none", "none"]


def test_what_needs_looking_at_is_a_square_and_what_cannot_be_judged_is_hollow():
    """One of each in the key, one in the drawing."""
    root = drawn(points())
    assert len([one for one in root.iter(f"{SVG}rect") if one.get("transform")]) == 2
    hollow = [one for one in root.iter(f"{SVG}circle") if one.get("fill") == "var(--surface)"]
    assert len(hollow) == 2


def test_two_parts_of_a_whole_have_two_patterns():
    whole = charts.divided(caption(), ("terbit", "ditutup"), (Shares("Aceh", "100 orang", (90, 10), "90 %"),))
    assert [fill for _, _, fill in bars(whole)] == ["var(--brand)", "url(#gambar-hatch)"]
    assert "tidak cocok" not in whole.svg()


def squares(figure):
    """Column, and how high it is filled."""
    found = [one for one in drawn(figure).iter(f"{SVG}rect") if one.get("width").endswith("%")]
    return [
        (int(float(one.get("x").rstrip("%")) // 24), float(one.get("height")))
        for one in found
        if one.get("fill") != "none"
    ]


def test_a_square_stands_in_its_column_and_is_filled_as_far_as_its_share():
    """However small a share is, it is seen."""
    assert squares(grid()) == [(1, 14), (3, 14), (1, 7), (2, 3)]


def test_columns_too_narrow_for_names_are_numbered_and_numbers_in_order_are_told_in_steps():
    names = ("∑", *(f"Pekerjaan yang namanya panjang {at}" for at in range(8)))
    told = grid(Strip("Aceh", "", (1.0,) * 9), columns=names, in_order=False).svg()
    assert all(f">{at}</text>" in told for at in range(1, 10))
    assert [name for name in names if f">{name}</text>" in told] == list(names)
    ages = ("∑", *map(str, range(80)))
    told = grid(Strip("Aceh", "", (1.0,) * 81), columns=ages).svg()
    assert re.findall(r">(\d+)</text>", told) == ["10", "20", "30", "40", "50", "60", "70"]


def test_a_share_off_the_scale_stays_in_the_drawing():
    whole = points(Point("Aneh", "", 0.1, 0.0, 2.0, 0.95, "10 %"))
    places = re.findall(r'"(-?[\d.]+)%"', whole.svg())
    assert all(0 <= float(place) <= 100 for place in places)


@pytest.mark.parametrize("figure", EVERY)
def test_a_drawing_is_named_and_described(figure):
    root = drawn(figure)
    ids = root.get("aria-labelledby").split()
    assert root.get("role") == "img"
    assert [root.find(f".//*[@id='{one}']").text for one in ids] == ["Judul", "Yang tampak."]


@pytest.mark.parametrize("figure", EVERY)
def test_a_drawing_needs_no_style_no_script_and_nothing_from_elsewhere(figure):
    for text in (figure.svg(), figure.file()):
        assert not re.search(r"<style|<script|style=|class=|href|@import|\son\w+=", text)
        assert set(re.findall(r"https?://[^\"]*", text)) == {"http://www.w3.org/2000/svg"}


@pytest.mark.parametrize("figure", EVERY)
def test_a_page_lends_its_colours_and_a_file_has_its_own(figure):
    assert not re.search(r"#[0-9a-f]{6}", figure.svg())
    assert set(re.findall(r"var\(--([a-z-]+)\)", figure.svg())) <= LIGHT.keys()
    assert "var(" not in figure.file()


def test_a_file_tells_its_sentence_too():
    whole = ElementTree.fromstring(waterfall().file())  # noqa: S314  # ours
    assert {"Judul", "Yang tampak."} <= {one.text for one in whole.iter(f"{SVG}text")}


@pytest.mark.parametrize("scheme", [LIGHT, DARK])
def test_letters_and_shapes_stand_out_from_the_paper(scheme):
    """WCAG 2.2: 4.5 to 1 for letters, 3 to 1 for what has to be seen; the grid may be fainter."""
    for figure in EVERY:
        for part in (one for top in figure.parts for one in top.walk()):
            if part.name == "text":
                assert contrast(scheme[part.attributes["fill"]], scheme["surface"]) >= 4.5
            elif (colour := part.attributes.get("stroke")) in scheme and colour != "border":
                assert contrast(scheme[colour], scheme["surface"]) >= 3


def contrast(one, other):
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("words", ["kata " * 40, LONG, f"{LONG} kata {LONG}"])
def test_long_words_fit_the_narrowest_page(words):
    figures = (
        waterfall((Step(words, words, 1.0, "+1,0 bit"),), Step("Skor", words, 1.0, "+1,0 bit")),
        divided(Shares(words, words, (1, 1, 1), "33,3 · 33,3 · 33,3 %")),
        points(Point(words, words, 0.9, 0.9, 0.9, 0.9, "90 %")),
        grid(Strip(words, "33 dari 33", (1.0, 1.0)), columns=("∑", words), in_order=False),
    )
    for figure in figures:
        lines = [part for part in figure.parts if part.name == "text"]
        assert max(_edge(part) for part in lines if "text-anchor" not in part.attributes) <= NARROWEST
        left = [part for part in lines if "text-anchor" not in part.attributes]
        right = [part for part in lines if part.attributes.get("text-anchor") == "end"]
        for one in right:  # nothing at the right meets what stands on its line
            beside = [part for part in left if part.attributes["y"] == one.attributes["y"]]
            assert all(_edge(part) + _edge(one) <= NARROWEST for part in beside)
        assert max(part.attributes["y"] for part in lines) <= figure.height
        assert words.replace(" ", "") in "".join(part.children[0] for part in lines).replace(" ", "")


def _edge(part):
    at = part.attributes["x"] if isinstance(part.attributes["x"], int) else 0
    bold = "font-weight" in part.attributes
    return at + breadth(part.children[0], part.attributes["font-size"], bold=bold)


@pytest.mark.parametrize(
    "told", ["<script>alert(1)</script>", '" onload="x', "a & b ]]> <!-- c", "\x00\x08\ud800 huruf"]
)
def test_whatever_is_told_stays_text(told):
    named = Caption("gambar", told, told, ("a",), ())
    figure = charts.waterfall(named, (Step(told, told, 1.0, told),), Step(told, told, 1.0, told), (told, told))
    for text in (figure.svg(), figure.file()):
        root = ElementTree.fromstring(text)  # noqa: S314  # ours
        assert {one.tag.removeprefix(SVG) for one in root.iter()} <= {
            "svg",
            "title",
            "desc",
            "rect",
            "line",
            "text",
            "g",
        }
        assert not [key for one in root.iter() for key in one.attrib if key.startswith("on")]
        assert "\x00" not in text
