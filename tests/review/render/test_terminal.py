"""The review in a terminal: 80 columns, nothing by colour alone, nothing that steers the terminal."""

import re

import pytest
from rich.cells import cell_len

from comity.review.render import render
from tests.builders import review as sample

REVIEWS = {"rich": sample.review, "worded": sample.worded, "renamed": sample.renamed, "bare": sample.bare}
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def shown(make=sample.review, language="en", **how):
    return render(make(), "terminal", language, **how).decode()


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", sorted(REVIEWS))
@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(name, language, width):
    lines = shown(REVIEWS[name], language, width=width).splitlines()
    assert [line for line in lines if cell_len(line) > width] == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_colour_adds_nothing_that_is_not_said_without_it(language, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = shown(language=language, color=True)
    assert COLOUR.search(coloured)
    plain = "\n".join(line.rstrip() for line in COLOUR.sub("", coloured).splitlines())
    assert plain.split() == shown(language=language).split()


def test_without_colour_there_is_not_one_escape():
    for make in REVIEWS.values():
        text = shown(make)
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
    lines = render(sample.review(), "terminal", language, width=width).decode().splitlines()
    told = [cell for line in lines for cell in re.split(r" {2,}", line.strip())]
    assert not [cell for cell in told if cell in {"%", "s", "h", "pts", "p."} or cell.endswith((" ●", " ■"))]
    assert "\ue000" not in "".join(lines)
