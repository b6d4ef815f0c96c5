"""The registry of readings: what each is made from and how. A reading is what its entry here says, and only that."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from comity.book.reading.open import Book
from comity.book.statistics.record_choice import choices_in_force
from comity.core.agreements.kpi import MEASURES
from comity.core.readings.reading import Reading
from comity.core.values import Comparison

Gather = Callable[..., Mapping[Comparison, tuple[Any, ...]]]  # of a book and comparisons
Read = Callable[..., Reading | None]


@dataclass(frozen=True, slots=True)
class ReadingPart:
    """The readings of one kind that are made from the same tables; `kpis` are those that they rest on, by id."""

    tables: tuple[str, ...]
    gather: Gather
    kpis: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingSpec:
    """One reading: the tables that must cover both periods, and the two steps that make it.

    `unit` is that of its figures, as in `Reading`. `instead` may stand in for `needs` where those are not there.
    `measure` is the KPI measure that it rests on.
    `people_of` is the table of the people whom it compares, None where it compares no people: groups of fewer than
    five of them are never shown. `groups_from` are the tables that tell who of these left and who is new.
    """

    id: str
    needs: tuple[str, ...]
    gather: Gather
    read: Read
    unit: str
    instead: tuple[str, ...] = ()
    measure: str | None = None
    people_of: str | None = None
    groups_from: tuple[str, ...] = ()

    def parts(self, book: Book) -> tuple["ReadingPart", ...]:
        """What this book makes the reading from: KPIs that are counted from different tables, each by itself."""
        choices = choices_in_force(book, self.measure) if self.measure is not None and self.instead else {}
        tables = list(dict.fromkeys(choice.table for choice in choices.values()))
        if not tables:
            return (ReadingPart(self.tables(book), self.gather),)
        return tuple(
            ReadingPart(
                (table,),
                partial(self.gather, table=table),
                tuple(kpi for kpi, choice in choices.items() if choice.table == table),
            )
            for table in tables
        )

    def tables(self, book: Book) -> tuple[str, ...]:
        """The tables that this book makes the reading from."""
        return self.instead if self.instead and not book.has(*self.needs) and book.has(*self.instead) else self.needs


@dataclass(frozen=True, slots=True)
class PlannedReading:
    """A reading that a later version makes; until then no page or file names it. Fields as in `ReadingSpec`."""

    id: str
    needs: tuple[str, ...]
    people_of: str | None = None


PLANNED = (
    PlannedReading("employee_satisfaction", ("surveys", "staff"), people_of="surveys"),
    PlannedReading("profit", ("invoices", "costs")),
    PlannedReading("retention", ("renewals",)),
    PlannedReading("cooperation", ("steps",), people_of="accounts"),
)


def reading_specs() -> tuple[ReadingSpec, ...]:
    """The readings, in the order of the page; brought in late, for a quick cold start of the other commands."""
    from comity.book.statistics import revenue as revenue_rows  # noqa: PLC0415 - late, as above
    from comity.book.statistics import satisfaction as answers  # noqa: PLC0415 - late, as above
    from comity.book.statistics import service_level as contacts  # noqa: PLC0415 - late, as above
    from comity.book.statistics import sla_attainment as due  # noqa: PLC0415 - late, as above
    from comity.core.readings import revenue, satisfaction, service_level, sla_attainment  # noqa: PLC0415 - late

    return (
        ReadingSpec(
            "satisfaction",
            ("surveys",),
            answers.gather,
            satisfaction.read,
            "points",
            people_of="surveys",
            groups_from=("accounts", "invoices"),
        ),
        ReadingSpec(
            "service_level",
            ("contacts",),
            contacts.gather,
            service_level.read,
            "share",
            instead=("intervals",),
            measure="service_level",
        ),
        ReadingSpec("sla_attainment", ("contacts",), due.gather, sla_attainment.read, "share"),
        ReadingSpec("revenue", ("invoices",), revenue_rows.gather, revenue.read, "money"),
    )


def reading_ids() -> frozenset[str]:
    """The ids of all readings, planned ones among them."""
    return frozenset(_people_by_reading())


def source_tables(reading: str) -> frozenset[str]:
    """The tables that a reading may be made from."""
    specs = [spec for spec in reading_specs() if spec.id == reading]
    return frozenset(table for spec in specs for table in (*spec.needs, *spec.instead))


# People -----------------------------------------------------------------------------------------------------------


def measure_counts_people(measure: str) -> bool:
    """Whether levels of a measure are figures about people; one that nobody registered is taken for such."""
    return measure not in MEASURES or MEASURES[measure].people_of is not None


def reading_compares_people(reading: str) -> bool:
    """Whether a reading, by its id, is about people; one that nobody registered is taken for such."""
    registered = _people_by_reading()
    return reading not in registered or registered[reading] is not None


def _people_by_reading() -> dict[str, str | None]:
    made = {spec.id: spec.people_of for spec in reading_specs()}
    return made | {planned.id: planned.people_of for planned in PLANNED}


def people_tables() -> frozenset[str]:
    """The tables from which figures about people are made, those that tell who left and who is new among them."""
    specs = [spec for spec in reading_specs() if spec.people_of is not None]
    of_measures = {measure.people_of for measure in MEASURES.values()}
    of_readings = {table for spec in specs for table in (spec.people_of, *spec.needs, *spec.groups_from)}
    return frozenset(table for table in of_measures | of_readings if table is not None)
