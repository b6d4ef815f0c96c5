"""The colours of the page by the formula of WCAG 2.x: on the screen, in light and dark, and on paper."""

import re

import pytest

from comity.review.draw import charts
from comity.review.render.html import stylesheet

HEX = re.compile(r"--([a-z0-9-]+):\s*(#[0-9a-f]{3,6})\b")
TEXT, MARK = 4.5, 3.0  # success criteria 1.4.3 and 1.4.11


def luminance(colour):
    """Relative luminance of #rrggbb, as WCAG 2.x defines it."""
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def ratio(one, other):
    """Contrast of two colours, from 1 to 21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def palettes():
    """The tokens of each palette: light, dark over light, paper over light."""
    style = re.sub(r"/\*.*?\*/", "", stylesheet("page.css"), flags=re.DOTALL)
    roots = [
        (found.start(), dict(HEX.findall(found[1]))) for found in re.finditer(r":root\s*\{(.*?)\}", style, re.DOTALL)
    ]
    (_, light), (dark_at, dark), (print_at, paper) = roots
    assert style.rfind("@media", 0, dark_at) == style.find("@media (prefers-color-scheme: dark)")
    assert style.rfind("@media", 0, print_at) == style.find("@media print")
    return {"light": light, "dark": light | dark, "paper": light | paper}


PALETTES = palettes()
EACH = pytest.mark.parametrize("palette", sorted(PALETTES))


@pytest.mark.parametrize(
    ("palette", "token", "on_paper", "on_surface"),
    [
        ("light", "ink", 17.2, 15.7),
        ("light", "ink-2", 8.6, 7.9),
        ("light", "ink-3", 5.6, 5.1),
        ("light", "c", 7.6, 7.0),
        ("light", "p", 6.6, 6.0),
        ("dark", "ink", 15.3, 13.7),
        ("dark", "ink-2", 10.0, 9.0),
        ("dark", "c", 9.1, 8.1),
        ("dark", "p", 8.8, 7.9),
    ],
)
def test_the_formula_gives_what_the_design_language_measured(palette, token, on_paper, on_surface):
    """Section 2 of the design language lists these, rounded to tenths."""
    colours = PALETTES[palette]
    measured = [ratio(colours[token], colours[ground]) for ground in ("paper", "surface")]
    assert measured == pytest.approx([on_paper, on_surface], abs=0.06)


def test_black_on_white_is_twenty_one_and_a_colour_on_itself_one():
    assert ratio("#000", "#ffffff") == pytest.approx(21)
    assert ratio("#94450f", "#94450f") == 1


@EACH
def test_text_is_readable_wherever_it_stands(palette):
    colours = PALETTES[palette]
    grounds = {"paper": ("ink", "ink-2", "ink-3", "c", "p"), "surface": ("ink", "ink-2", "ink-3", "c", "p")}
    grounds |= {"band": ("ink", "ink-2", "ink-3"), "mark": ("ink", "mark-ink")}  # names of an axis, marked words
    low = {(text, ground): ratio(colours[text], colours[ground]) for ground, texts in grounds.items() for text in texts}
    assert {pair: found for pair, found in low.items() if found < TEXT} == {}


@EACH
def test_marks_bars_and_edges_stand_out(palette):
    colours = PALETTES[palette]
    low = {token: ratio(colours[token], colours["paper"]) for token in ("ink", "ink-2", "ink-3", "c", "p", "n", "edge")}
    low |= {f"{token} on band": ratio(colours[token], colours["band"]) for token in ("ink", "ink-3")}
    assert {token: found for token, found in low.items() if found < MARK} == {}


def test_charts_on_paper_bear_the_colours_of_paper():
    drawn = {colour for look in charts._PAPER.values() for colour in re.findall(r"#[0-9a-f]{6}", look)}
    known = {"#ffffff" if colour == "#fff" else colour for colour in PALETTES["paper"].values()}
    assert drawn <= known


def test_focus_is_seen_and_nothing_moves():
    style = stylesheet("page.css")
    assert re.search(r":focus-visible \{ outline: 2px solid var\(--ink\)", style)
    assert not re.search(r"outline:\s*(none|0)\b|animation|transition", style)
