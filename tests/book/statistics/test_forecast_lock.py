"""Forecasts locked in time, month by month; working days counted by hand on the calendar of 2026."""

from datetime import date, time

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.forecast_lock import forecasts_locked_in_time
from comity.core.business_hours import Hours
from comity.core.proportions import Proportion
from tests.cast import JOINT, write_book

HOURS = Hours.weekdays("Europe/Madrid", time(9), time(17))
HEAD = "queue,start,minutes,issued_on,offered,locked\n"


def row(day, issued_on, locked="true", queue="help"):
    return f"{queue},{day}T10:00:00Z,30,{issued_on},10,{locked}\n"


def locked(folder, rows, *, days=10, today=date(2026, 7, 1), queues=("*",)):
    with open_book(write_book(folder / "book", forecasts=HEAD + rows), JOINT) as book:
        return forecasts_locked_in_time(book, queues, days, HOURS, today)


@pytest.mark.parametrize(("issued_on", "kept"), [("2026-05-15", 1), ("2026-05-17", 1), ("2026-05-18", 0)])
def test_ten_working_days_lie_between_the_lock_and_the_month(tmp_path, issued_on, kept):
    """June 2026 begins on a Monday. From Friday 15 May on ten, 18 to 29 May; from Monday 18 on nine."""
    assert locked(tmp_path, row("2026-06-10", issued_on)) == Proportion(kept, 1)


def test_a_day_without_a_lock_in_time_makes_the_month_late(tmp_path):
    """The later forecast of 11 June is locked, but on 20 May; that of 12 June never."""
    first = row("2026-06-10", "2026-05-01")
    assert locked(tmp_path / "a", first + row("2026-06-11", "2026-05-20")) == Proportion(0, 1)
    assert locked(tmp_path / "b", first + row("2026-06-12", "2026-05-01", locked="false")) == Proportion(0, 1)
    assert locked(tmp_path / "c", first + row("2026-06-11", "2026-05-02")) == Proportion(1, 1)


def test_a_month_without_any_forecast_was_not_locked(tmp_path):
    """April and June have one in time, May has none."""
    rows = row("2026-04-10", "2026-03-02") + row("2026-06-10", "2026-05-01")
    assert locked(tmp_path, rows) == Proportion(2, 3)


def test_months_that_are_not_over_and_other_queues_do_not_count(tmp_path):
    rows = row("2026-06-10", "2026-05-01") + row("2026-07-10", "2026-07-01")
    assert locked(tmp_path / "a", rows) == Proportion(1, 1)
    assert locked(tmp_path / "b", rows, queues=("sales",)) is None
