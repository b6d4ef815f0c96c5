"""A review of a period in which a KPI was worded otherwise: every format says of which days each level is."""

import json
from datetime import UTC, date, datetime

import pytest

from comity.book.reading.open import open_book
from comity.core.values import Period
from comity.review.build import build_review
from comity.review.i18n.words import words_of
from comity.review.render import render
from comity.review.render.figures import review_rows
from comity.review.render.json import review_object, schema
from tests.builders.review_books import CALLS, calls
from tests.builders.stretches import FIRST_HALF, ROWS, SECOND_HALF, with_relief, worded
from tests.cast import JOINT, write_book

NOW = datetime(2026, 11, 20, tzinfo=UTC)
TWO = worded(target=0.8) + worded(target=0.7, valid_from="2026-10-15", agreed_on="2026-10-01")


def keeps_to_schema(made):
    import jsonschema

    jsonschema.Draft202012Validator(schema()).validate(made)


def october(book):
    with open_book(book, JOINT) as opened:
        return build_review(opened, period="2026-10", now=NOW)


@pytest.fixture
def review(tmp_path):
    return october(write_book(tmp_path / "book", TWO, contacts=ROWS))


def test_the_level_of_the_last_stretch_holds_those_before(review):
    """102 of 170 against 0.70 from 15 October, 112 of 140 against 0.80 before."""
    (level,) = review.levels
    assert (level.days, level.value, level.target, level.met) == (SECOND_HALF, 0.6, 0.7, False)
    (before,) = level.earlier
    assert (before.days, before.value, before.target, before.met) == (FIRST_HALF, 0.8, 0.8, True)
    assert [(point.period.start, point.days) for point in level.history] == [(date(2026, 10, 1), SECOND_HALF)]
    assert level.limits is None


def test_json_has_the_days_of_each_and_keeps_to_its_schema(review):
    made = review_object(review, words_of("en"))
    keeps_to_schema(json.loads(json.dumps(made)))
    (level,) = made["levels"]
    assert level["days"] == {"start": "2026-10-15", "end": "2026-11-01"}
    assert [(one["days"]["end"], one["value"]) for one in level["earlier"]] == [("2026-10-15", 0.8)]


def test_a_period_of_one_wording_says_nothing_of_days(tmp_path):
    (level,) = review_object(october(write_book(tmp_path / "book", worded(), contacts=ROWS)), words_of("en"))["levels"]
    assert not {"days", "earlier", "relieved"} & set(level)
    assert "days" not in level["history"][0]
    assert "change" not in level["definition"]


def test_another_stretch_is_another_digest(tmp_path, review):
    """Both have one value from 15 October on; only what came before differs."""
    other = TWO.replace("target = 0.8", "target = 0.8\nanswer_within_s = 60.0", 1)
    assert october(write_book(tmp_path / "other", other, contacts=ROWS)).digest != review.digest


@pytest.mark.parametrize("form", ["terminal", "html"])
@pytest.mark.parametrize(
    ("language", "days"),
    [("en", "15 October to 31 October 2026"), ("es", "del 15 de octubre al 31 de octubre de 2026")],
)
def test_a_page_names_both_stretches_with_their_days(review, form, language, days):
    text = render(review, form, language).decode().replace("\u00a0", " ")
    assert " ".join(days.split()) in " ".join(text.split())


def test_the_wording_is_named_by_the_day_on_which_it_was_agreed(review):
    assert "Counted by the wording of 1 October 2026." in render(review, "html", "en").decode().replace("\u00a0", " ")


def test_the_table_of_figures_has_a_row_for_each_stretch(review):
    rows = [one for one in review_rows(review, "a") if one.kind == "kpi"]
    assert [(one.start, one.end, one.value, one.target) for one in rows] == [
        (SECOND_HALF.start, SECOND_HALF.end, 0.6, 0.7),
        (FIRST_HALF.start, FIRST_HALF.end, 0.8, 0.8),
    ]


def test_relief_is_told_with_what_the_level_would_be(tmp_path):
    """Vector 4: without 1 to 7 October 158 of 240, 65.8 %; with them 214 of 310, 69.0 %."""
    made = october(with_relief(tmp_path))
    (level,) = made.levels
    assert (level.num, level.den, level.days) == (158, 240, None)
    assert (level.relieved.days, level.relieved.changes, level.relieved.held) == (
        (Period(date(2026, 10, 1), date(2026, 10, 8)),),
        (2,),
        True,
    )
    assert (level.relieved.num, level.relieved.den) == (214, 310)
    text = render(made, "html", "en").decode().replace("\u00a0", " ")
    assert "Without 1 October to 7 October 2026, by the relief of change 2; with them 69.0 %." in " ".join(text.split())
    keeps_to_schema(json.loads(render(made, "json", "en")))


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_is_reported_of_all_days_is_said_so_beside_some(tmp_path, language):
    """Of the last stretch 0.6, and reported of October 0.6 too: they are figures of other days."""
    reported = "period,kpi,value,reported_by\n2026-10,it,0.6,provider"
    says = {"en": "of all days of the period", "es": "de todos los días del periodo"}[language]
    stretch = october(write_book(tmp_path / "stretch", TWO, contacts=ROWS, reported=reported))
    relieved = october(with_relief(tmp_path, tables=[("reported", reported)]))
    whole = october(write_book(tmp_path / "whole", worded(), contacts=ROWS, reported=reported))
    told = [says in render(one, "html", language).decode() for one in (stretch, relieved, whole)]
    assert told == [True, True, False]


def test_where_records_end_within_the_last_stretch_the_first_keeps_what_was_reported(tmp_path):
    rows = CALLS + calls(date(2026, 10, 1), 14, 8, 2) + calls(date(2026, 10, 15), 4, 6, 4)
    reported = "period,kpi,value,reported_by\n2026-10,it,0.7,provider"
    made = october(write_book(tmp_path / "book", TWO, contacts=rows, reported=reported))
    (level,) = made.levels
    assert (level.days, level.reported["provider"]) == (FIRST_HALF, 0.7)
    assert [(one.reading, one.why) for one in made.missing if one.reading == "it"] == [("it", "half_covered")]


def test_a_level_of_people_whose_days_are_all_relieved_is_shown_and_not_held(tmp_path):
    head = "response_id,audience,respondent_id,answered_on,instrument,scale_min,scale_max,score"
    rows = [f"r{day},customer,p{day},2026-10-{day:02},csat,1,5,{1 + day % 5}" for day in range(1, 32)]
    tables = [("surveys", "\n".join([head, *rows]))]
    made = october(with_relief(tmp_path, until="2026-11-01", tables=tables, measure="csat"))
    (level,) = made.levels
    assert (level.den, level.met, level.relieved.held) == (31, None, False)


def test_what_is_paid_is_judged_by_each_contact_s_day(tmp_path):
    """Within 20 s 8 of 10 on 14 days; from 15 October within 60 s all of 10 on 17 days: 112 + 170 of 310 in target."""
    toml = worded(answer_within_s=20.0) + worded(answer_within_s=60.0, valid_from="2026-10-15")
    invoices = (
        "invoice_id,account_id,month,service,kind,amount,quantity,unit\ni1,a,2026-10,calls,service,310,310,contact"
    )
    made = october(write_book(tmp_path / "book", toml, contacts=ROWS, invoices=invoices))
    assert made.paid.contacts_in_target == 282
