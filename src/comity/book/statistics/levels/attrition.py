"""Attrition: those who left, over the average daily headcount, for a year; units are employees."""

from collections.abc import Iterator
from datetime import date

import numpy as np
import pyarrow as pa
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.levels.asking import MANY, LevelQuestion, NoLevel, no_level
from comity.core.levels import LevelStats, Sampled, moments
from comity.core.values import Period

NEEDS = ("staff",)
_DAYS_A_YEAR = 365.25
_MONTHS_A_YEAR = 12
_NEVER = date(9999, 12, 31)


def gather(book: Book, asked: LevelQuestion) -> Iterator[tuple[Period, LevelStats | NoLevel]]:
    """The level in each of the periods; exits and heads of 1 to 4 people are not shown.

    A person is employed from `hired_on` (empty: since before all records) up to, and without, `left_on`.
    """
    if not book.has(*NEEDS):
        yield from ((period, no_level(book, asked.kpi, NEEDS)) for period in asked.periods)
        return
    staff = book.table("staff").select(
        hired=_.hired_on.fill_null(date.min.replace(year=1900)),
        left=_.left_on.fill_null(_NEVER),
    )
    # Employees with the same two days are one row: the engine's answer does not grow with the staff's history.
    rows = staff.group_by("hired", "left").aggregate(people=_.count()).to_pyarrow()
    for period in asked.periods:
        yield period, _level(book, asked, rows, period)


def _level(book: Book, asked: LevelQuestion, rows: pa.Table, period: Period) -> LevelStats | NoLevel:
    hired, left = (rows.column(name).to_numpy().astype("datetime64[D]") for name in ("hired", "left"))
    people = rows.column("people").to_numpy()
    start, end = np.datetime64(period.start), np.datetime64(period.end)
    days = (np.minimum(left, end) - np.maximum(hired, start)).astype(int)
    exits = (left >= start) & (left < end) & (hired < end)
    here = (days > 0) | exits
    days, exits, people = np.maximum(days[here], 0), exits[here], people[here]
    left_count, heads = int(people[exits].sum()), float(people @ days) / period.days
    if not heads:
        return no_level(book, asked.kpi, NEEDS, "nothing_counts")
    if 0 < left_count < MANY or heads < MANY:
        return no_level(book, asked.kpi, NEEDS, "too_small")
    years = _years(book, period)
    each = moments(np.repeat(exits, people), np.repeat(days * (years / period.days), people))
    first = int(people[(hired[here] < start) & (left[here] >= start)].sum())
    last = int(people[(left[here] > end) | (left[here] == end)].sum())
    return LevelStats(
        asked.kpi,
        period,
        each,
        Sampled.PEOPLE,
        also=formulas(left_count, first, last, int(people.sum()), heads),
    )


def _years(book: Book, period: Period) -> float:
    """How much of a year the period is: by its months where it is made of whole ones."""
    months = book.definition.calendar().months(period)
    return len(months) / _MONTHS_A_YEAR if months else period.days / _DAYS_A_YEAR


def formulas(exits: int, first: int, last: int, employed: int, heads: float) -> dict[str, float | None]:
    """What others call attrition, for the period and not for a year (`standards.md` 2.9).

    :param first: heads when the period began
    :param last: heads when it ended
    :param employed: all who were employed at some time in it
    :param heads: average daily headcount
    """
    ends = (first + last) / 2
    return {
        "not_annualised": exits / heads,
        "of_mean_of_start_and_end": exits / ends if ends else None,
        "of_start": exits / first if first else None,
        "of_all_employed": exits / employed if employed else None,
        "net_decline": (first - last) / first if first else None,
    }
