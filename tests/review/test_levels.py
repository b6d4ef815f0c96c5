"""Levels of a review: whole periods only, and what is missing says until when the records go."""

from datetime import UTC, date, datetime, timedelta

import pytest

from comity.book.reading.open import open_book
from comity.review.build import build_review
from tests.builders.review_books import CALLS, KPI, calls, two_months
from tests.cast import JOINT, write_book

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def composed(book, period=None, now=NOW):
    with open_book(book, JOINT) as opened:
        return build_review(opened, period=period, now=now)


def test_a_level_is_that_of_its_period(tmp_path):
    review = composed(two_months(tmp_path / "book"), "2026-06")
    (level,) = review.levels
    assert (level.value, level.num, level.den, level.met) == (0.9, 270, 300, True)
    assert [(str(point.period.start), point.value) for point in level.history] == [
        ("2026-05-01", 0.8),
        ("2026-06-01", 0.9),
    ]


def test_half_a_period_has_no_level_and_says_until_when_the_records_go(tmp_path):
    rows = CALLS + calls(date(2026, 5, 1), 31, 8, 2) + calls(date(2026, 6, 1), 15, 9, 1)
    review = composed(write_book(tmp_path / "book", KPI, contacts=rows), "2026-06")
    assert review.levels == ()
    (missing,) = (one for one in review.missing if one.reading == "service_level" and one.why == "half_covered")
    assert (missing.needs, missing.held_by, missing.detail) == (("contacts",), "provider", {"last": date(2026, 6, 15)})


def test_records_that_begin_within_the_period_do_not_cover_it(tmp_path):
    rows = CALLS + calls(date(2026, 6, 15), 16, 9, 1)
    review = composed(write_book(tmp_path / "book", KPI, contacts=rows), "2026-06")
    assert review.levels == ()
    (missing,) = (one for one in review.missing if one.why == "half_covered")
    assert (missing.reading, missing.detail) == ("service_level", {"first": date(2026, 6, 15)})


def test_what_counts_for_nothing_because_the_records_ended_before_says_when(tmp_path):
    review = composed(two_months(tmp_path / "book"), "2026-08")
    (missing,) = (one for one in review.missing if one.why == "half_covered")
    assert missing.detail == {"last": date(2026, 6, 30)}


def test_half_covered_periods_are_no_history_either(tmp_path):
    """The book's invoices begin in April, its calls in the middle of May: May is no level of May."""
    rows = CALLS + calls(date(2026, 5, 15), 17, 8, 2) + calls(date(2026, 6, 1), 30, 9, 1)
    (level,) = composed(write_book(tmp_path / "book", KPI, contacts=rows, invoices=invoices(4, 5, 6)), "2026-06").levels
    assert [point.period.start for point in level.history] == [date(2026, 6, 1)]


def test_a_forecast_for_half_of_the_period_is_asked_of_whom_it_lacks(tmp_path):
    forecasts = "queue,start,minutes,issued_on,offered\n" + "".join(
        f"help,2026-06-{day:02}T12:00:00Z,30,2026-05-20,11\n" for day in range(1, 16)
    )
    toml = KPI + '[[kpi]]\nid = "forecast_wape"\n'
    review = composed(two_months(tmp_path / "book", toml, forecasts=forecasts), "2026-06")
    assert [level.kpi for level in review.levels] == ["service_level"]
    missing = next(one for one in review.missing if one.reading == "forecast_wape")
    assert (missing.needs, missing.held_by, missing.detail) == (("forecasts",), "customer", {"last": date(2026, 6, 15)})


def test_a_survey_answered_in_the_period_covers_it_though_nobody_answered_on_its_last_days(tmp_path):
    answers = "response_id,audience,respondent_id,answered_on,instrument,scale_min,scale_max,score\n" + "".join(
        f"r{number},customer,p{number},2026-06-{number + 5:02},csat,1,5,{number % 5 + 1}\n" for number in range(20)
    )
    toml = '[[kpi]]\nid = "csat"\ninstrument = "csat"\n'
    (level,) = composed(two_months(tmp_path / "book", toml, surveys=answers), "2026-06").levels
    assert (level.kpi, level.num, level.den) == ("csat", 8, 20)


def paid(book, period):
    review = composed(book, period)
    lacks = {one.reading: (one.why, one.detail) for one in review.missing}
    return None if review.paid is None else review.paid.amount, lacks.get("paid")


def test_what_was_paid_is_of_whole_months_that_were_all_invoiced(tmp_path):
    book = two_months(tmp_path / "book", invoices=invoices(5, 6))
    assert paid(book, "2026-06") == (100, None)
    assert paid(book, "2026-Q2") == (None, ("half_covered", {"first": date(2026, 5, 1)}))
    assert paid(book, "2026-W23") == (None, ("not_months", {}))
    assert paid(two_months(tmp_path / "none"), "2026-06") == (None, ("no_table", {}))


def invoices(*months):
    head = "month,account_id,service,quantity,unit_price,amount,unit\n"
    return head + "".join(f"2026-{month:02},a,calls,100,1,100,contact\n" for month in months)


def test_a_few_quiet_days_at_the_end_are_covered_when_the_book_says_that_it_is_whole(tmp_path):
    rows = CALLS + calls(date(2026, 5, 1), 31, 8, 2) + calls(date(2026, 6, 1), 27, 9, 1)
    toml = '[book]\nname = "N"\ntimezone = "Europe/Madrid"\ncomplete_to = "2026-07-01"\n'
    toml += '[parties.customer]\nid = "northwind"\n[parties.provider]\nid = "helpline"\n' + KPI
    (level,) = composed(write_book(tmp_path / "book", toml, contacts=rows), "2026-06").levels
    assert (level.num, level.den) == (243, 270)


def test_records_of_other_queues_are_told_apart_from_no_records(tmp_path):
    review = composed(two_months(tmp_path / "book", KPI + 'queues = ["sales"]\n'), "2026-06")
    assert next(one.why for one in review.missing if one.reading == "service_level") == "other_queue"


def test_a_book_that_agreed_nothing_says_so(tmp_path):
    review = composed(two_months(tmp_path / "book", ""), "2026-06")
    assert (review.levels, ("levels", "no_kpi") in {(one.reading, one.why) for one in review.missing}) == ((), True)


def monthly_rows(*months):
    """One queue by the month, as a report has it: 80 of 100 in time, then 90 of 100."""
    rows = [f"help,2026-{month:02}-01T00:00:00,{minutes},100,100,{within},20,0" for month, minutes, within in months]
    return "\n".join(["queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned", *rows])


def test_monthly_rows_give_a_level_whose_error_is_not_known(tmp_path):
    """A row is of its month, and its weeks are not told apart: 90 of 100 meet the target, within nobody knows what."""
    rows = monthly_rows((5, 44640, 80), (6, 43200, 90))
    review = composed(write_book(tmp_path / "book", KPI, intervals=rows), "2026-06")
    (level,) = review.levels
    assert (level.value, level.num, level.den, level.met) == (0.9, 90, 100, True)
    assert (level.se, level.low, level.high, level.beyond_chance) == (None, None, None, None)
    assert [(point.value, point.se) for point in level.history] == [(0.8, None), (0.9, None)]
    (reading,) = review.readings
    assert (reading.verdict, reading.headline.change) == ("unclear", pytest.approx(0.1))
    assert reading.like_for_like.se is None


def test_a_quarter_of_monthly_rows_has_no_error_made_of_three_months(tmp_path):
    rows = monthly_rows(
        *(
            (month, minutes, 75 + month)
            for month, minutes in zip(range(1, 7), (44640, 40320, 44580, 43200, 44640, 43200), strict=True)
        )
    )
    review = composed(write_book(tmp_path / "book", KPI, intervals=rows))
    assert review.name == "2026-Q2"
    (level,) = review.levels
    assert (level.num, level.den, level.se) == (79 + 80 + 81, 300, None)
    assert review.readings[0].verdict == "unclear"


def test_weekly_rows_have_an_error(tmp_path):
    weeks = [date(2026, 3, 30) + timedelta(7 * number) for number in range(22)]
    rows = "\n".join(
        ["queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned"]
        + [f"help,{week}T00:00:00,10080,100,100,{80 + week.day % 5},20,0" for week in weeks]
    )
    (level,) = composed(write_book(tmp_path / "book", KPI, intervals=rows), "2026-06").levels
    assert level.se > 0
