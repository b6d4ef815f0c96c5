"""Levels of a review: whole periods only, and what is missing says until when the records go."""

from datetime import UTC, date, datetime

from comity.book.opening import open_book
from comity.review.composing import compose
from tests.cast import JOINT, write_book
from tests.review.books import CALLS, KPI, calls, two_months

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def composed(book, period=None, now=NOW):
    with open_book(book, JOINT) as opened:
        return compose(opened, period=period, now=now)


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
    assert (missing.needs, missing.held_by, missing.detail) == (("contacts",), "provider", {"until": date(2026, 6, 16)})


def test_records_that_begin_within_the_period_do_not_cover_it(tmp_path):
    rows = CALLS + calls(date(2026, 6, 15), 16, 9, 1)
    review = composed(write_book(tmp_path / "book", KPI, contacts=rows), "2026-06")
    assert review.levels == ()
    assert "half_covered" in {one.why for one in review.missing}


def test_a_few_quiet_days_at_the_end_are_covered_when_the_book_says_that_it_is_whole(tmp_path):
    rows = CALLS + calls(date(2026, 5, 1), 31, 8, 2) + calls(date(2026, 6, 1), 27, 9, 1)
    toml = '[book]\nname = "N"\ntimezone = "Europe/Madrid"\ncomplete_to = "2026-07-01"\n'
    toml += '[parties.customer]\nid = "northwind"\n[parties.provider]\nid = "helpline"\n' + KPI
    (level,) = composed(write_book(tmp_path / "book", toml, contacts=rows), "2026-06").levels
    assert (level.num, level.den) == (243, 270)


def test_nothing_that_counts_is_told_apart_from_no_records(tmp_path):
    review = composed(two_months(tmp_path / "book", KPI + 'queues = ["sales"]\n'), "2026-06")
    assert next(one.why for one in review.missing if one.reading == "service_level") == "nothing_counts"


def test_a_book_that_agreed_nothing_says_so(tmp_path):
    review = composed(two_months(tmp_path / "book", ""), "2026-06")
    assert (review.levels, ("levels", "no_kpi") in {(one.reading, one.why) for one in review.missing}) == ((), True)
