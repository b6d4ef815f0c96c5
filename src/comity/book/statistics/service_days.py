"""How long two periods are in days of service, by what their days bring, else by what was agreed, else by the calendar.

A service whose queues `[paid]` names is weighed by these, every other one by all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from comity.book.reading.coverage import Coverage
from comity.book.reading.daily_contacts import first_covering
from comity.book.reading.open import Book
from comity.core.readings.revenue import Basis
from comity.core.service_days import ServiceDays, agreed_days, calendar_days, fit_service_days
from comity.core.values import Comparison

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
    counted = first_covering(book, coverage, (reference, period))
    if counted is not None:
        days = fit_service_days(reference, period, counted.by_day(), opening)
        if days is not None:
            of_services = {
                service: fit_service_days(reference, period, counted.by_day(queues), opening)
                for service, queues in book.definition.service_queues.items()
            }
            known = {service: found for service, found in of_services.items() if found is not None}
            return Weighed(_BASIS[counted.table], days, known)
    if opening.days is not None:
        return Weighed(Basis.AGREED, agreed_days(reference, period, opening))
    return Weighed(Basis.CALENDAR, calendar_days(reference, period))
