"""What is missing: in which list it stands, and what can be done about it."""

import json
from dataclasses import replace
from datetime import date

import pytest

from comity.review.i18n.words import words_of
from comity.review.missing import Cure, MissingList, Remedy, list_of, remedy, whole_by_word
from comity.review.model import Missing
from comity.review.readings import PLANNED
from comity.review.render import render
from comity.review.render.html import RoomLinks, render_body
from comity.review.views.sections import missing_groups
from tests.builders import review as sample

EN, ES = words_of("en"), words_of("es")
REVIEW = replace(sample.review(), made_on=date(2026, 7, 10))  # of Q2 2026, 1 April to 30 June


def lacking(why: str, **detail: object) -> Missing:
    return Missing("csat", ("surveys",), "customer", why, detail)


@pytest.mark.parametrize(
    ("missing", "wanted"),
    [
        (lacking("no_table"), Remedy(Cure.IMPORT, ("surveys",))),
        # The last answer is of May: the records may be whole all the same, which the book can say.
        (
            lacking("half_covered", last=date(2026, 5, 23)),
            Remedy(Cure.SAY_COMPLETE, ("surveys",), ("2026-Q2",), date(2026, 7, 1)),
        ),
        (
            lacking("not_covered", period="2026-Q2"),
            Remedy(Cure.SAY_COMPLETE, ("surveys",), ("2026-Q2",), date(2026, 7, 1)),
        ),
        # What begins too late does not become whole by being said so.
        (
            lacking("half_covered", first=date(2026, 4, 20)),
            Remedy(Cure.IMPORT_PERIODS, ("surveys",), ("2026-Q2",)),
        ),
        (lacking("not_covered", period="2026-Q1"), Remedy(Cure.IMPORT_PERIODS, ("surveys",), ("2026-Q1",))),
        (lacking("private"), Remedy(Cure.SHARE, ("surveys",))),
        (lacking("window_open", until=date(2026, 7, 8)), Remedy(Cure.WAIT, ("surveys",), day=date(2026, 7, 8))),
        (lacking("few_apart"), None),
    ],
)
def test_each_has_its_cure(missing, wanted):
    assert remedy(missing, REVIEW) == wanted


def test_of_a_period_that_is_not_over_nobody_is_asked_to_say_that_it_is_whole():
    during = replace(REVIEW, made_on=date(2026, 6, 15))
    assert remedy(lacking("half_covered", last=date(2026, 6, 14)), during) == Remedy(
        Cure.WAIT, ("surveys",), day=date(2026, 7, 1)
    )


@pytest.mark.parametrize(
    ("why", "wanted"),
    [
        ("no_table", MissingList.BRING),
        ("not_covered", MissingList.BRING),
        ("private", MissingList.PRIVATE),
        ("too_small", MissingList.PRIVATE),
        ("later", MissingList.LATER),
    ],
)
def test_each_stands_in_one_list(why, wanted):
    assert list_of(lacking(why)) is wanted


def test_the_cure_of_surveys_in_waves_is_said_word_for_word():
    review = replace(REVIEW, missing=(lacking("half_covered", last=date(2026, 5, 23)),))
    (group,) = missing_groups(review, EN, at_home=True)
    assert group.title == "Bring this"
    assert "say so in the book: complete_to = 2026-07-01." in group.rows[0].cure
    assert "complete_to = 2026-07-01" in missing_groups(review, ES, at_home=True)[0].rows[0].cure
    assert b"complete_to = 2026-07-01" in render(review, "terminal", "en")


def test_nobody_is_told_on_a_page_to_write_what_no_page_can_write():
    review = replace(REVIEW, missing=(lacking("half_covered", last=date(2026, 5, 23)),))
    for language in ("en", "es"):
        assert b"complete_to" not in render(review, "html", language)


def test_every_cure_has_its_sentence_in_both_languages():
    for words in (EN, ES):
        for cure in Cure:
            assert words.has(f"cure.{cure.value}")


@pytest.mark.parametrize("form", ["terminal", "html"])
@pytest.mark.parametrize("language", ["en", "es"])
def test_the_lists_stand_in_every_form_and_nothing_that_this_version_does_not_read(form, language):
    words = words_of(language)
    text = " ".join(render(sample.review(), form, language).decode().split())
    for group in missing_groups(sample.review(), words):
        assert group.title in text
    bare = " ".join(render(sample.review(readings=(), missing=()), form, language).decode().split())
    for planned in PLANNED:
        assert words(f"reading.{planned.id}") not in bare


def test_json_tells_list_and_cure_and_nothing_that_this_version_does_not_read():
    made = json.loads(render(replace(REVIEW, missing=(lacking("not_covered", period="2026-Q2"),)), "json"))
    assert made["missing"][0]["list"] == "bring"
    assert made["missing"][0]["cure"] == {
        "do": "say_complete",
        "tables": ["surveys"],
        "periods": ["2026-Q2"],
        "day": "2026-07-01",
    }
    assert not any(planned.id in json.dumps(made["missing"]) for planned in PLANNED)
    assert "not_in_this_version" not in made


def test_records_whose_last_days_are_empty_may_be_said_to_be_whole_up_to_the_periods_last_day():
    """The second quarter of 2026 ends on 30 June; KPIs of the record have no days of their own."""
    gap = replace(lacking("not_covered", period="2026-Q2"), needs=("surveys", "invoices"))
    assert whole_by_word(gap, REVIEW) == (("surveys", date(2026, 6, 30)),)
    assert whole_by_word(lacking("no_table"), REVIEW) == ()


def test_the_review_in_a_room_leads_to_where_its_side_says_so():
    gap = replace(REVIEW, missing=(lacking("not_covered", period="2026-Q2"),))
    links = RoomLinks(str, {}, lambda *_: "", lambda *_: "", None, lambda table, day: f"/records/{table}/{day}")
    assert 'href="/records/surveys/2026-06-30"' in "".join(render_body(gap, EN, links))
    elsewhere = RoomLinks(str, {}, lambda *_: "", lambda *_: "")
    assert "/records/" not in "".join(render_body(gap, EN, elsewhere))


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (
            lacking("other_instrument", rows=796, wanted=("csat",), named=("caller",)),
            "796 answers name the instrument “caller”; the KPI counts “csat”.",
        ),
        (
            lacking("other_instrument", rows=796, wanted=("csat",), named=()),
            "796 answers name no instrument; the KPI counts “csat”.",
        ),
        (
            lacking("one_respondent", rows=796, wanted=(), named=()),
            "796 answers name one and the same respondent, so nothing can be shown of people.",
        ),
    ],
)
def test_records_that_count_for_nothing_are_named_with_the_cure(missing, said):
    shown = replace(REVIEW, missing=(missing,))
    (row,) = [row for group in missing_groups(shown, EN) for row in group.rows]
    assert row.why == said
    assert "Match columns" in row.cure
    (row,) = [row for group in missing_groups(shown, ES) for row in group.rows]
    assert "796 respuestas" in row.why
