"""The review in a terminal: 80 columns, nothing by colour alone, nothing that steers the terminal."""

import re
from collections import Counter

import pytest
from rich.cells import cell_len

from comity.review.i18n.words import words_of
from comity.review.render import render
from comity.review.views.level import level_row
from comity.review.views.reading import reading_row
from tests.builders import review as sample
from tests.builders.turns import every

REVIEWS = {"rich": sample.review, "worded": sample.worded, "renamed": sample.renamed, "bare": sample.bare}
EN = words_of("en")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def shown(make=sample.review, language="en", *, full=True, **how):
    return render(make(), "terminal", language, full=full, **how).decode()


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", every(4, sorted(REVIEWS)))
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(name, language, width, full):
    lines = shown(REVIEWS[name], language, width=width, full=full).splitlines()
    assert [line for line in lines if cell_len(line) > width] == []


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("language", ["en", "es"])
def test_colour_adds_nothing_that_is_not_said_without_it(language, full, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = shown(language=language, color=True, full=full)
    assert COLOUR.search(coloured)
    plain = "\n".join(line.rstrip() for line in COLOUR.sub("", coloured).splitlines())
    assert plain.split() == shown(language=language, full=full).split()


@pytest.mark.parametrize("full", [False, True])
def test_without_colour_there_is_not_one_escape(full):
    for make in REVIEWS.values():
        text = shown(make, full=full)
        assert not [character for character in text if ord(character) < 32 and character != "\n"]
        assert "\u202e" not in text


def test_no_color_in_the_environment_overrules(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert not re.search(r"\x1b\[(3|4|9)\d", shown(color=True))


def test_every_section_and_every_verdict_is_there():
    text = shown()
    for title in ("Levels against target", "Readings", "Paid against received", "Missing data", "Deliveries"):
        assert title in text
    assert "Data sources" in text
    for verdict in ("Genuine", "Overstated", "Understated", "Illusory", "Masked", "Reversed", "Steady", "Unclear"):
        assert verdict in text


def test_a_withheld_count_is_never_a_number():
    text = " ".join(shown().split())
    assert "fewer than 5: those who answered again after a pause" in text
    assert "No longer answer: left, silent or not asked: 31" in text


def test_the_parts_are_checked_line_by_line():
    text = " ".join(shown().split())
    assert "3.910 \u2212 0.021 + 0.112 + 0.029 + 0.000 \u2212 0.018 + 0.009 + 0.001 = 4.022" in text


def test_both_sides_figures_are_explained():
    text = " ".join(shown().split())
    assert "\u25cf Northwind Energy: 74.1\u00a0% matches formula V1" in text.replace("74.1 %", "74.1\u00a0%")
    assert "\u25a0 Helpline: 29.8" in text


def test_a_persons_words_stand_with_their_name_and_the_draft_beside():
    text = " ".join(shown(sample.worded).split())
    assert "Written by Marta Ruiz on 13" in text
    assert "The draft." in text
    assert "View of Helpline" in text


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("width", [60, 71, 80])
def test_no_line_ends_between_a_number_and_its_unit_or_a_sign_and_its_name(language, width):
    lines = (
        shown(language=language, width=width).splitlines()
        + shown(language=language, width=width, full=False).splitlines()
    )
    told = [cell for line in lines for cell in re.split(r" {2,}", line.strip())]
    assert not [cell for cell in told if cell in {"%", "s", "h", "pts", "p."} or cell.endswith((" ●", " ■"))]
    assert "\ue000" not in "".join(lines)


# On one screen ------------------------------------------------------------------------------------------------


FIGURE = re.compile(r"[+−]?[€$£]?\d(?:[\d.,]*\d)?")  # noqa: RUF001 - the sign of figures


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", every(4, sorted(REVIEWS)))
@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_leaves_out_no_figure_and_cuts_none(name, language, width, full):
    """Every figure that 160 columns show, whole and as often."""
    narrow, broad = (
        Counter(FIGURE.findall(shown(REVIEWS[name], language, width=one, full=full))) for one in (width, 160)
    )
    assert broad - narrow == Counter()


def test_on_one_screen_every_level_and_reading_has_its_figure_and_its_word():
    review = sample.review()
    text = " ".join(shown(full=False, width=120).split())
    for row in (level_row(level, review, EN) for level in review.levels):
        assert row.value.replace("\u00a0", " ") in text.replace("\u00a0", " ")
        assert row.met in text
    for number, reading in enumerate(review.readings, 1):
        row = reading_row(reading, review, EN, number)
        assert row.like_for_like.replace("\u00a0", " ") in text.replace("\u00a0", " ")
        assert row.verdict in text


def test_days_perhaps_not_delivered_stand_on_the_one_screen():
    """A figure of a month that lacks two days has to say so where it is read, and not behind an option."""
    text = " ".join(shown(full=False, width=120).split())
    assert "no contact in" in text
    assert text.count("Perhaps not delivered.") == 2
    assert "8 days perhaps not delivered" in text


def test_the_rest_is_behind_full_and_the_screen_says_so():
    short, full = shown(full=False), shown()
    assert "comity review --full" in " ".join(short.split())
    for only_full in ("Reading the verdicts", "Check:", "Data sources", "Formulas compared"):
        assert only_full in full
        assert only_full not in short


def test_a_usual_review_fits_one_screen_of_100_columns():
    """Two levels, three readings and one silent queue; the sample itself holds one of everything."""
    review = sample.review()
    few = {"levels": review.levels[:2], "readings": review.readings[:3], "missing": review.missing[:2]}
    usual = sample.review(**few, undelivered=review.undelivered[:2])
    assert len(shown(lambda: usual, full=False, width=100).splitlines()) <= 40
