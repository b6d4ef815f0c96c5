"""How long two periods are in days of service, by what their days bring, else by what was agreed, else by the calendar.

A service whose queues `[paid]` names is weighed by these, every other one by all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from comity.book.reading.coverage import EDGE, Coverage, quiet_weekdays
from comity.book.reading.daily_contacts import DailyContacts, contacts_by_day, daily_contacts
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
    opening = book.definition.opening(period, reference)
    coverage = Coverage(book, comparison.horizon - timedelta(days=1))
    covering = _covering(book, coverage, (reference, period))
    table = next(covering, None)
    if table is not None:
        days = fit_service_days(reference, period, contacts_by_day(book, table), opening)
        if days is not None:
            by_service = {
                service: own
                for service, by_day in _of_services(book, table, covering)
                if (own := fit_service_days(reference, period, by_day, opening)) is not None
            }
            return Weighed(_BASIS[table], days, by_service)
    if opening.days is not None:
        return Weighed(Basis.AGREED, agreed_days(reference, period, opening))
    return Weighed(Basis.CALENDAR, calendar_days(reference, period))


def _of_services(book: Book, table: str, rest: Iterator[str]) -> Iterator[tuple[str, Mapping[date, float]]]:
    """Yield the services that have queues of their own, with the contacts of these by day."""
    of_service = book.definition.service_queues
    if not of_service:
        return
    counted = daily_contacts(book, table)
    elsewhere = {queue for queues in of_service.values() for queue in queues} - set(counted.queues)
    others = [daily_contacts(book, other) for other in rest] if elsewhere else []
    for service, queues in of_service.items():
        yield service, _holding(counted, others, queues).by_day(queues)


def _holding(first: DailyContacts, rest: Sequence[DailyContacts], queues: Sequence[str]) -> DailyContacts:
    """The first of the tables that tells of any of some queues: calls may stand in another one than tickets."""
    return next((one for one in (first, *rest) if set(queues) & set(one.queues)), first)


def _covering(book: Book, coverage: Coverage, periods: Sequence[Period]) -> Iterator[str]:
    """Yield the tables that tell of the days of all the periods, in the order of `DAY_TABLES`.

    Each has rows in the first and in the last seven days of each, and reaches to the end of each: days after its last
    row do not count against it when they fall on weekdays on which it usually has none.
    """
    for table in DAY_TABLES:
        if not book.has(table):
            continue
        days, horizon = list(contacts_by_day(book, table)), coverage.horizon([table])
        if horizon is not None and all(_covered(days, period, horizon) for period in periods):
            yield table


def _covered(days: list[date], period: Period, horizon: date) -> bool:
    first = Period(period.start, min(period.start + EDGE, period.end))
    last = Period(max(period.end - EDGE, period.start), period.end)
    if not all(any(day in edge for day in days) for edge in (first, last)):
        return False
    rest = [horizon + number * _DAY for number in range((period.end - horizon).days)]
    return not rest or {day.weekday() for day in rest} <= quiet_weekdays(days)
