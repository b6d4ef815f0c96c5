"""In how many months the forecast was locked in time: of every day forecast, so many working days before the month."""

from collections.abc import Collection
from datetime import date, timedelta

from ibis import _

from comity.book.reading.open import Book
from comity.core.agreements.kpi import EVERYTHING
from comity.core.agreements.notice import working_days
from comity.core.business_hours import Hours
from comity.core.calendars import Calendar, Cut
from comity.core.proportions import Proportion

_DAY = timedelta(days=1)
MOST_MONTHS = 12  # the latest


def forecasts_locked_in_time(
    book: Book, queues: Collection[str], days: int, hours: Hours, today: date
) -> Proportion | None:
    """Of the latest months that are over, those whose forecast was locked in time; None without forecasts.

    A month is in time where each of its days with a forecast has one that binds, issued so that at least `days` working
    days lay between that day and the month. A month without any forecast, after the first that had one, is not.

    :param queues: those that the agreement names; `*` is all
    :param hours: working hours of the side that forecasts
    """
    if not book.has("forecasts"):
        return None
    table = book.table("forecasts")
    if tuple(queues) != EVERYTHING:
        table = table.filter(_.queue.isin(list(queues)))
    bound = _.locked.fill_null(False)
    rows = (
        table.group_by("queue", "start_on").aggregate(locked_on=_.issued_on.min(where=bound)).to_pyarrow().to_pylist()
    )
    if not rows:
        return None
    calendar = Calendar(Cut.MONTH, book.definition.month_starts_on)
    months = list(calendar.between(calendar.containing(min(row["start_on"] for row in rows)).start, today + _DAY))
    kept = 0
    for month in months[-MOST_MONTHS:]:
        locked = [row["locked_on"] for row in rows if row["start_on"] in month]
        kept += bool(locked) and all(
            day is not None and day < month.start and working_days(hours, day + _DAY, month.start) >= days
            for day in locked
        )
    counted = min(len(months), MOST_MONTHS)
    return Proportion(kept, counted) if counted else None
