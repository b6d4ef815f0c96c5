"""Every reading that a review is made of, one line each: what it needs, how it is gathered, how it is read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from comity.book.opening import Book
from comity.core.readings.reading import Reading
from comity.core.values import Comparison

Gather = Callable[[Book, Sequence[Comparison]], Mapping[Comparison, tuple[Any, ...]]]
Read = Callable[..., Reading | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """One reading: the tables that must cover both periods, and the two steps that make it.

    `instead` may stand in for `needs` where those are not there. `measure` is the KPI measure that it rests on.
    `people`: it is made of people, of whom a few are never shown.
    """

    id: str
    needs: tuple[str, ...]
    gather: Gather
    read: Read
    instead: tuple[str, ...] = ()
    measure: str | None = None
    people: bool = False

    def tables(self, book: Book) -> tuple[str, ...]:
        """The tables that this book makes the reading from."""
        return self.instead if self.instead and not book.has(*self.needs) and book.has(*self.instead) else self.needs


@dataclass(frozen=True, slots=True)
class Later:
    """A reading that a later version makes; until then it stands under what is missing."""

    id: str
    needs: tuple[str, ...]


def kinds() -> tuple[Kind, ...]:
    """The readings, in the order of the page; brought in late, for a quick cold start of the other commands."""
    from comity.book.statistics import revenue as revenue_rows  # noqa: PLC0415 - late, as above
    from comity.book.statistics import satisfaction as answers  # noqa: PLC0415 - late, as above
    from comity.book.statistics import service_level as contacts  # noqa: PLC0415 - late, as above
    from comity.book.statistics import sla_attainment as due  # noqa: PLC0415 - late, as above
    from comity.core.readings import revenue, satisfaction, service_level, sla_attainment  # noqa: PLC0415 - late

    return (
        Kind("satisfaction", ("surveys",), answers.gather, satisfaction.read, people=True),
        Kind(
            "service_level",
            ("contacts",),
            contacts.gather,
            service_level.read,
            instead=("intervals",),
            measure="service_level",
        ),
        Kind("sla_attainment", ("contacts",), due.gather, sla_attainment.read),
        Kind("revenue", ("invoices",), revenue_rows.gather, revenue.read),
    )


LATER = (
    Later("employee_satisfaction", ("surveys", "staff")),
    Later("profit", ("invoices", "costs")),
    Later("retention", ("renewals",)),
    Later("cooperation", ("steps",)),
)
