"""How long two periods are in days of service, by what their days bring, else by what was agreed, else by the calendar.

A service whose queues `[paid]` names is weighed by these, every other one by all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from comity.book.reading.coverage import EDGE, Coverage, quiet_weekdays
from comity.book.reading.daily_contacts import DailyContacts, daily_contacts
from comity.book.reading.open import Book
from comity.core.readings.revenue import Basis
from comity.core.service_days import ServiceDays, agreed_days, calendar_days, fit_service_days
from comity.core.values import Comparison, Period

DAY_TABLES = ("contacts", "intervals", "forecasts")  # the first that covers both periods tells of their days
_DAY = timedelta(days=1)
_BASIS = {"contacts": Basis.CONTACTS, "intervals": Basis.OFFERED, "forecasts": Basis.FORECAST}


@dataclass(frozen=True, slots=True)
class Weighed:
    """The service days of a comparison: of all queues, and of the services that have queues of their own."""

    basis: Basis
    days: ServiceDays
    by_service: Mapping[str, ServiceDays] = field(default_factory=dict)


def weigh(book: Book, comparison: Comparison) -> Weighed:
    """The service days of both periods, on the calendar of the one under review."""
    reference, period = comparison.reference, comparison.period
    opening = book.definition.opening(reference, period)
    coverage = Coverage(book, comparison.horizon - timedelta(days=1))
    covering = _covering(book, coverage, (reference, period))
    counted = next(covering, None)
    if counted is not None:
        by_day = book.once(("contacts by day", counted.table), counted.by_day)
        days = fit_service_days(reference, period, by_day, opening)
        if days is not None:
            named = {queue for queues in book.definition.service_queues.values() for queue in queues}
            rest = list(covering) if named - set(counted.queues) else []
            of_services = {
                service: fit_service_days(reference, period, _holding(counted, rest, queues).by_day(queues), opening)
                for service, queues in book.definition.service_queues.items()
            }
            known = {service: found for service, found in of_services.items() if found is not None}
            return Weighed(_BASIS[counted.table], days, known)
    if opening.days is not None:
        return Weighed(Basis.AGREED, agreed_days(reference, period, opening))
    return Weighed(Basis.CALENDAR, calendar_days(reference, period))


def _holding(first: DailyContacts, rest: Sequence[DailyContacts], queues: Sequence[str]) -> DailyContacts:
    """The first of the tables that tells of any of some queues: calls may stand in another one than tickets."""
    return next((one for one in (first, *rest) if set(queues) & set(one.queues)), first)


def _covering(book: Book, coverage: Coverage, periods: Sequence[Period]) -> Iterator[DailyContacts]:
    """Yield the contacts of the tables that tell of the days of all the periods, in the order of `DAY_TABLES`.

    Each has rows in the first and in the last seven days of each, and reaches to the end of each: days after its last
    row do not count against it when they fall on weekdays on which it usually has none.
    """
    for table in DAY_TABLES:
        if not book.has(table):
            continue
        found = daily_contacts(book, table)
        days, horizon = book.once(("days told", table), found.days), coverage.horizon([table])
        if horizon is not None and all(_covered(days, period, horizon) for period in periods):
            yield found


def _covered(days: list[date], period: Period, horizon: date) -> bool:
    first = Period(period.start, min(period.start + EDGE, period.end))
    last = Period(max(period.end - EDGE, period.start), period.end)
    if not all(any(day in edge for day in days) for edge in (first, last)):
        return False
    rest = [horizon + number * _DAY for number in range((period.end - horizon).days)]
    return not rest or {day.weekday() for day in rest} <= quiet_weekdays(days)
