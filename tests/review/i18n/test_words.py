"""Each language says everything, with the same places to fill."""

import ast
import string
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from comity.book.statistics.exclusions import TakenOut
from comity.book.tables import EVERY_TABLE
from comity.core.calendars import Cut
from comity.core.values import Period, Side
from comity.review.i18n.words import LOCALES, UnknownLanguageError, catalogue, clean, words_of
from comity.review.views.sections import due_text
from tests.builders import review as sample

# What is the same in both languages: names of instruments, patterns, and the word no.
ALIKE = {
    "word.no",
    "headline.named",
    "levels.of_days",
    "target_cost.amount",
    "board.comment_by",
    *(f"survey.{name}" for name in ("csat", "nps", "ces", "esat")),
}
ALIKE |= {"measure.csat", "measure.nps"}


def places(sentence: str) -> list[str]:
    """The places to fill; a choice between singular and plural is each language's own."""
    return sorted(name for _, name, choice, _ in string.Formatter().parse(sentence) if name and "|" not in choice)


def choices(sentence: str) -> dict[str, list[str]]:
    fields = string.Formatter().parse(sentence)
    return {name: choice.split("|") for _, name, choice, _ in fields if name and "|" in choice}


def test_the_languages_have_the_same_keys():
    assert catalogue("en").keys() == catalogue("es").keys()


def test_a_translation_fills_the_same_places_and_marks_as_much():
    english, spanish = catalogue("en"), catalogue("es")
    assert [key for key in english if places(english[key]) != places(spanish[key])] == []
    assert [key for key in english if english[key].count("*") != spanish[key].count("*")] == []


def test_a_choice_is_singular_and_plural_of_a_number_in_the_same_sentence():
    for language in LOCALES:
        chosen = {key: choices(sentence) for key, sentence in catalogue(language).items() if choices(sentence)}
        assert len(chosen) > 20
        for key, of_sentence in chosen.items():
            assert of_sentence.keys() <= set(places(catalogue(language)[key])), key
            assert {len(forms) for forms in of_sentence.values()} == {2}, key


@pytest.mark.parametrize(
    ("count", "english", "spanish"),
    [
        (0, "0 duplicate rows, … counted", "0 filas duplicadas, … contadas"),
        (1, "1 duplicate row, … counted", "1 fila duplicada, … contada"),
        (2, "2 duplicate rows, … counted", "2 filas duplicadas, … contadas"),
        (1_000_000, "1,000,000 duplicate rows, … counted", "1.000.000 filas duplicadas, … contadas"),
    ],
)
def test_a_noun_agrees_with_its_count(count, english, spanish):
    for language, sentence in (("en", english), ("es", spanish)):
        words = words_of(language)
        start, end = sentence.split(" … ")
        for told in (words("origin.alike", count=words.number(count)), words("origin.alike", count=count)):
            assert told.startswith(f"{start} ")
            assert f"{end} " in told


def test_a_number_with_decimals_is_plural_even_at_one():
    words = words_of("en")
    assert words("counted.attrition", num=words.number(1), den=words.number(1.0, 1)) == "1 left in 1.0 person-years"
    assert words("counted.attrition", num=words.number(1), den=words.number(1)) == "1 left in 1 person-year"


def test_nothing_is_left_in_english():
    alike = {key for key, sentence in catalogue("en").items() if sentence == catalogue("es")[key]}
    assert alike == ALIKE


def test_no_sentence_blames():
    blaming = ("fault", "failed", "guilty", "naive", "honest", "culpa", "fallo", "ingenu")
    for language in LOCALES:
        said = " ".join(catalogue(language).values()).lower()
        assert not [word for word in blaming if word in said]


def test_another_language_is_refused_by_name():
    with pytest.raises(UnknownLanguageError, match="'fr' is not a language"):
        words_of("fr")


def test_numbers_dates_and_money_are_written_as_each_language_does():
    english, spanish = words_of("en"), words_of("es")
    assert english.number(-1234567.891, 1) == "\u22121,234,567.9"
    assert spanish.number(-1234567.891, 1) == "\u22121.234.567,9"
    assert english.money(191000, "EUR", signed=True) == "+€191,000"
    assert spanish.money(191000, "EUR", signed=True) == "+191.000\u00a0€"
    assert english.day(date(2026, 7, 17)) == "17\u00a0July\u00a02026"
    assert spanish.day(date(2026, 7, 17)) == "17\u00a0de\u00a0julio\u00a0de\u00a02026"
    assert english.days(sample.Q2) == "1\u00a0April to 30\u00a0June\u00a02026"


def test_nought_has_neither_plus_nor_minus():
    assert words_of("en").signed(-0.0001, 2) == "0.00"


@pytest.mark.parametrize(
    ("cut", "period", "english", "spanish"),
    [
        (Cut.QUARTER, sample.Q2, "Q2\u00a02026", "T2\u00a02026"),
        (Cut.MONTH, Period(date(2026, 5, 22), date(2026, 6, 22)), "May\u00a02026", "mayo\u00a0de\u00a02026"),
        (Cut.WEEK, Period(date(2026, 6, 1), date(2026, 6, 8)), "week 23 of 2026", "semana 23 de 2026"),
        (Cut.YEAR, Period(date(2026, 1, 1), date(2027, 1, 1)), "2026", "2026"),
    ],
)
def test_periods_have_names(cut, period, english, spanish):
    assert words_of("en").period(period, cut) == english
    assert words_of("es").period(period, cut) == spanish


def test_characters_that_steer_or_run_backwards_are_replaced():
    assert clean(sample.BACKWARDS) == "calls\ufffdgnp.exe"
    assert "\x1b" not in clean(sample.ESCAPE)
    assert clean("Añil, ñandú") == "Añil, ñandú"


def test_a_side_without_a_name_is_called_by_its_role():
    assert words_of("es").side(Side.PROVIDER, {}) == "Proveedor"


def test_an_abbreviation_s_full_stop_closes_the_sentence_too():
    assert words_of("es")("readings.material", material="2,0 p. p.").endswith("2,0 p. p.")
    assert words_of("en")("readings.material", material="2.0 pts").endswith("2.0 pts.")


@pytest.mark.parametrize(
    ("said", "english", "spanish"),
    [
        ("monday 09:00", "Mondays, 09:00", "los lunes a las 09:00"),
        ("day 3 18:30", "day 3 of each month, 18:30", "el día 3 de cada mes a las 18:30"),
        ("friday", "Fridays", "los viernes"),
        ("daily 09:00", "every day, 09:00", "cada día a las 09:00"),
        ("when it suits\x1b[31m", "when it suits\ufffd[31m", "when it suits\ufffd[31m"),
    ],
)
def test_when_something_is_due_is_said_as_the_reader_says_it(said, english, spanish):
    assert (due_text(said, words_of("en")), due_text(said, words_of("es"))) == (english, spanish)


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_every_table_has_a_name(language):
    assert {name for name in (*EVERY_TABLE, "kpi") if f"table.{name}" not in catalogue(language)} == set()


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_what_a_level_is_the_ratio_of_says_what_it_counts(language):
    ratios = {key for key in catalogue("en") if key.startswith("measure.")} - {"measure.backlog"}  # a stock
    assert {key for key in ratios if key.replace("measure", "counted", 1) not in catalogue(language)} == set()


# What the code says by key ---------------------------------------------------------------------------------------

SOURCES = Path(__file__).resolve().parents[3] / "src" / "comity"
UNSAID = {
    "design",
    "entered_by",
    "reported_months",
}  # said in a sentence elsewhere: by the definition, and beside the level


def parsed() -> Iterator[ast.AST]:
    files = [*(SOURCES / "core").rglob("*.py"), *(SOURCES / "book/statistics").rglob("*.py")]
    folders = (SOURCES / "review", SOURCES / "review/disclosure")
    for file in [*files, *(file for folder in folders for file in folder.glob("*.py"))]:
        yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def texts(node: ast.AST) -> Iterator[str]:
    yield from (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))


def keys(node: ast.AST) -> Iterator[str]:
    for display in (one for one in ast.walk(node) if isinstance(one, ast.Dict)):
        yield from (key.value for key in display.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def stood_beside() -> set[str]:
    """The keys of `also` and of the particulars of what is missing.

    Those of tables given by that name, put into it, or made by the functions that fill it.
    """
    found: set[str] = set()
    for node in parsed():
        match node:
            case ast.keyword(arg="also", value=value) | ast.Assign(targets=[ast.Name(id="also")], value=value):
                found |= set(keys(value))
            case ast.AnnAssign(target=ast.Name(id="also"), value=ast.AST() as value):
                found |= set(keys(value))
            case ast.AugAssign(target=ast.Name(id="also"), value=value):
                found |= set(keys(value))
            case ast.FunctionDef(name="_also" | "_exclusions" | "exclusion_effects"):
                found |= set(keys(node))
            case ast.Subscript(value=ast.Name(id="also" | "detail"), slice=key, ctx=ast.Store()):
                found |= set(texts(key))
    return found


def whys() -> set[str]:
    """The fourth argument of what says that something is missing."""
    found: set[str] = set()
    for node in parsed():
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"no_level", "missing_figure", "Missing"}
        ):
            for one in [*node.args[3:4], *(keyword.value for keyword in node.keywords if keyword.arg == "why")]:
                found |= set(texts(one))
    return found


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_whatever_code_puts_beside_a_figure_has_a_name(language):
    found = stood_beside()
    assert {"open_late", "response_rate", "bias", "last"} <= found  # it looks where they are
    found |= {one.value for one in TakenOut} | {"exclusions", "previous", "year_before", "until", "period"}
    assert {key for key in found - UNSAID if f"also.{key}" not in catalogue(language)} == set()


@pytest.mark.parametrize("language", sorted(LOCALES))
def test_whatever_code_says_is_missing_has_a_sentence(language):
    found = whys()
    assert {"too_small", "half_covered", "window_open", "not_months"} <= found
    assert {key for key in found if f"missing.{key}" not in catalogue(language)} == set()
