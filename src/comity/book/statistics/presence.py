"""How much of what was rostered was there, by the week."""

from collections.abc import Mapping
from datetime import date, timedelta

from ibis import _

from comity.book.reading.open import Book

_QUIET = timedelta(days=3)  # at either end of a week, which may have no row
_WEEK = timedelta(days=7)


def presence_by_week(book: Book, today: date) -> Mapping[date, tuple[float, float]]:
    """Return by Monday the hours present and the hours rostered, of whole weeks that are over.

    Both over the intervals that say both. Absence that the customer ordered counts as present: nobody was missing of
    their own. A week is whole where the roster tells of days up to three before its begin and its end.
    """
    if not book.has("schedules"):
        return {}
    rows = book.table("schedules")
    rows = rows.filter(rows.scheduled.notnull(), rows.staffed.notnull())
    days = rows.group_by(day=rows.start_on).aggregate(
        present=((_.staffed + _.ordered_off.fill_null(0.0)) * _.minutes / 60.0).sum(),
        rostered=(_.scheduled * _.minutes / 60.0).sum(),
    )
    by_day = {row["day"]: (float(row["present"]), float(row["rostered"])) for row in days.to_pyarrow().to_pylist()}
    if not by_day:
        return {}
    first, last = min(by_day), max(by_day)
    weeks: dict[date, tuple[float, float]] = {}
    for day, (present, rostered) in by_day.items():
        monday = day - timedelta(days=day.weekday())
        end = monday + _WEEK
        if first <= monday + _QUIET and last >= end - timedelta(days=1) - _QUIET and end <= today:
            before = weeks.get(monday, (0.0, 0.0))
            weeks[monday] = before[0] + present, before[1] + rostered
    return weeks
