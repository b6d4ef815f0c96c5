"""Where weeks, months, quarters and years are cut, contract months (from the 22nd, say) included.

A contract month bears the name of the calendar month in which it starts, and so do the quarters and
years made of such months: with `month_starts_on = 22`, 2026-Q2 is 22 April up to, and without, 22 July.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from comity.core.values import Period

_LAST_COMMON_DAY = 28
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Cut(StrEnum):
    """The lengths of period that a review may be made for."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


class Against(StrEnum):
    """What a period is held against."""

    PREVIOUS = "previous"
    YEAR_BEFORE = "year-before"


class UnknownPeriodError(ValueError):
    """A name of a period that cannot be read."""

    def __init__(self, name: str) -> None:
        """Name the text, and the forms that can be read."""
        super().__init__(
            f"{name!r} is not a period; write 2026 (a year), 2026-Q2, 2026-05 or 2026-W23",
        )


@dataclass(frozen=True, slots=True)
class Calendar:
    """How one book cuts its periods: the length, and the day on which its months start (1 to 28)."""

    cut: Cut = Cut.QUARTER
    month_starts_on: int = 1

    def __post_init__(self) -> None:
        """Refuse a start that some month does not have."""
        if not 1 <= self.month_starts_on <= _LAST_COMMON_DAY:
            msg = f"month_starts_on must lie between 1 and 28, but is {self.month_starts_on}"
            raise ValueError(msg)

    def containing(self, day: date) -> Period:
        """The period of this length in which the day lies."""
        if self.cut is Cut.WEEK:
            monday = day - timedelta(days=day.weekday())
            return Period(monday, monday + timedelta(days=7))
        length = _MONTHS[self.cut]
        index = day.year * 12 + day.month - 1 - (1 if day.day < self.month_starts_on else 0)
        return self._months(index - index % length, length)

    def before(self, period: Period) -> Period:
        """The period that ends where this one starts."""
        return self.containing(period.start - timedelta(days=1))

    def after(self, period: Period) -> Period:
        """The period that starts where this one ends."""
        return self.containing(period.end)

    def year_before(self, period: Period) -> Period:
        """The same period a year before; the last week of a long year is held against week 52."""
        if self.cut is Cut.WEEK:
            year, week, _ = period.start.isocalendar()
            try:
                monday = date.fromisocalendar(year - 1, week, 1)
            except ValueError:
                monday = date.fromisocalendar(year - 1, week - 1, 1)
            return Period(monday, monday + timedelta(days=7))
        return self.containing(date(period.start.year - 1, period.start.month, period.start.day))

    def against(self, period: Period, how: Against) -> Period:
        """The period that this one is held against."""
        return self.before(period) if how is Against.PREVIOUS else self.year_before(period)

    def last_ending_by(self, horizon: date) -> Period:
        """The last period that ends on or before the horizon."""
        return self.before(self.containing(horizon))

    def months(self, period: Period) -> list[date]:
        """The first days of the months in the period; empty when it is not made of whole months."""
        cutter = Calendar(Cut.MONTH, self.month_starts_on)
        month, starts = cutter.containing(period.start), []
        if month.start != period.start:
            return []
        while month.end <= period.end:
            starts.append(month.start)
            if month.end == period.end:
                return starts
            month = cutter.after(month)
        return []

    def between(self, first: date, horizon: date) -> Iterator[Period]:
        """Every whole period from the one that starts on or after `first` to the horizon."""
        period = self.containing(first)
        if period.start < first:
            period = self.after(period)
        while period.end <= horizon:
            yield period
            period = self.after(period)

    def name(self, period: Period) -> str:
        """The name that `named` reads: 2026-Q2, 2026-05, 2026-W23 or 2026."""
        start = period.start
        if self.cut is Cut.WEEK:
            year, week, _ = start.isocalendar()
            return f"{year}-W{week:02}"
        if self.cut is Cut.YEAR:
            return f"{start.year}"
        if self.cut is Cut.QUARTER:
            return f"{start.year}-Q{(start.month - 1) // 3 + 1}"
        return f"{start.year}-{start.month:02}"

    def _months(self, index: int, length: int) -> Period:
        def first(at: int) -> date:
            return date(at // 12, at % 12 + 1, self.month_starts_on)

        return Period(first(index), first(index + length))


_NAMES = {
    Cut.YEAR: re.compile(r"(\d{4})", re.ASCII),
    Cut.QUARTER: re.compile(r"(\d{4})-?Q([1-4])", re.IGNORECASE | re.ASCII),
    Cut.MONTH: re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII),
    Cut.WEEK: re.compile(r"(\d{4})-?W(0[1-9]|[1-4]\d|5[0-3])", re.IGNORECASE | re.ASCII),
}
_YEARS = range(1900, 2200)  # far from where days end, so that a period has neighbours


def named(name: str, month_starts_on: int = 1) -> tuple[Calendar, Period]:
    """Read `2026`, `2026-Q2`, `2026-05` or `2026-W23`.

    :returns: the calendar that cuts periods of that length, and the period
    :raises UnknownPeriodError: for anything else
    """
    for cut, pattern in _NAMES.items():
        match = pattern.fullmatch(name.strip())
        if match is None:
            continue
        year, *rest = (int(group) for group in match.groups())
        if year not in _YEARS:
            break
        calendar = Calendar(cut, month_starts_on)
        try:
            if cut is Cut.WEEK:
                return calendar, calendar.containing(date.fromisocalendar(year, rest[0], 1))
            month = {Cut.YEAR: 1, Cut.QUARTER: rest[0] * 3 - 2 if rest else 1, Cut.MONTH: rest[0] if rest else 1}[cut]
            return calendar, calendar.containing(date(year, month, month_starts_on))
        except (ValueError, OverflowError):
            break
    raise UnknownPeriodError(name)
