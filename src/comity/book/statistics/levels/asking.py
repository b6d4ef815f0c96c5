"""What is asked for: which wording of a KPI for which periods, and the words for what could not be formed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from comity.book.reading.open import Book
from comity.book.statistics.record_choice import record_choice
from comity.book.tables import TABLES
from comity.core.agreements.kpi import MEASURES, Kpi, Relief, counted_stretches
from comity.core.values import Period

MANY = 5  # fewer people than this are never shown


@dataclass(frozen=True, slots=True)
class LevelQuestion:
    """One wording of a KPI, and the stretches of days over which it counts: whole periods, or parts of them.

    :ivar left_out: days within them that do not count, because both sides agreed on relief
    """

    kpi: Kpi
    periods: tuple[Period, ...]
    left_out: tuple[Period, ...] = ()

    @property
    def start(self) -> date:
        """The first day of the earliest period."""
        return min(period.start for period in self.periods)

    @property
    def end(self) -> date:
        """The day after the last period."""
        return max(period.end for period in self.periods)


@dataclass(frozen=True, slots=True)
class NoLevel:
    """A level that could not be formed: the tables that it needs, the side that would hold them, and why.

    `why` is `no_table`, `private`, `nothing_counts` (nothing in these tables counts for the KPI in the period),
    `other_records` (nothing in these tables counts, but other records of the book could, which the KPI does not name),
    `too_small` (1 to 4 people), `mixed_scales` (a mean of answers on several scales) or `window_open` (contacts may
    still be repeated; `until` is the day it closes). `days` is the stretch that it is about; None: the whole period.
    """

    kpi: Kpi
    needs: tuple[str, ...]
    held_by: str
    why: str
    until: date | None = None
    days: Period | None = None


def level_stretches(book: Book, period: Period) -> tuple[tuple[Kpi, Period], ...]:
    """Every KPI of the book in the order of its definition, with the days of a period over which it counts alike.

    Of a KPI that was worded otherwise within the period there are several stretches, the last one first. Days on which
    a KPI is not in force are in none.
    """
    kpis = book.definition.kpis
    return tuple(
        (stretch.kpi, stretch.days)
        for name in dict.fromkeys(kpi.id for kpi in kpis)
        for stretch in reversed(counted_stretches(kpis, name, period))
        if stretch.kpi is not None
    )


def level_questions(book: Book, periods: Sequence[Period]) -> tuple[LevelQuestion, ...]:
    """Every KPI of the book in the order of its definition, by wording, with the stretches of all periods.

    The days of relief are not left out of them: that is asked for apart (`relieved_days`).
    """
    questions: dict[tuple[str, date], tuple[Kpi, list[Period]]] = {}
    places = {name: place for place, name in enumerate(dict.fromkeys(kpi.id for kpi in book.definition.kpis))}
    for period in dict.fromkeys(periods):
        for kpi, days in level_stretches(book, period):
            questions.setdefault((kpi.id, kpi.valid_from), (kpi, []))[1].append(days)
    ordered = sorted(questions.values(), key=lambda question: places[question[0].id])
    return tuple(LevelQuestion(kpi, tuple(dict.fromkeys(held))) for kpi, held in ordered)


def relieved_days(book: Book, kpi: Kpi, days: Period) -> tuple[Relief, ...]:
    """The reliefs of a KPI that touch some days, the earliest first; none of what is of no days."""
    if not MEASURES[kpi.measure].of_days:
        return ()
    return tuple(
        sorted(
            (
                relief
                for relief in book.definition.relief
                if kpi.id in relief.kpis and relief.days.start < days.end and relief.days.end > days.start
            ),
            key=lambda relief: (relief.days.start, relief.change),
        )
    )


def nothing_counts(book: Book, kpi: Kpi, table: str) -> NoLevel:
    """The word for a level for which no row of its table counts; that other records could answer, where they could."""
    choice = record_choice(book, kpi)
    if choice is None or not choice.beside_answers:
        return no_level(book, kpi, (table,), "nothing_counts")
    return NoLevel(kpi, (choice.table,), "both", "other_records")


def no_level(
    book: Book, kpi: Kpi, needs: tuple[str, ...], why: str | None = None, until: date | None = None
) -> NoLevel:
    """The word for a level that could not be formed of these tables; without `why`: those that are not there."""
    absent = tuple(name for name in needs if not book.has(name)) if why is None else ()
    owners = {name: book.definition.private_owner(name) for name in absent or needs}
    hidden = tuple(name for name in absent if (owner := owners[name]) is not None and not book.viewer.opens(owner))
    named = hidden or absent or needs
    holders = {TABLES[name].held_by if (owner := owners[name]) is None else owner.value for name in named}
    return NoLevel(
        kpi,
        absent or needs,
        holders.pop() if len(holders) == 1 else "both",
        why or ("private" if hidden else "no_table"),
        until,
    )
