"""What is asked for: which wording of a KPI for which periods, and the words for what could not be formed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from comity.book.reading.open import Book
from comity.book.statistics.record_choice import record_choice
from comity.book.tables import TABLES
from comity.core.agreements.kpi import Kpi, in_force
from comity.core.values import Period

MANY = 5  # fewer people than this are never shown


@dataclass(frozen=True, slots=True)
class LevelQuestion:
    """One wording of a KPI, and the periods on whose last day it is in force."""

    kpi: Kpi
    periods: tuple[Period, ...]

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
    still be repeated; `until` is the day it closes).
    """

    kpi: Kpi
    needs: tuple[str, ...]
    held_by: str
    why: str
    until: date | None = None


def level_questions(book: Book, periods: Sequence[Period]) -> tuple[LevelQuestion, ...]:
    """Every KPI of the book in the order of its definition, by wording; periods without one in force are left out."""
    kpis = book.definition.kpis
    questions: dict[tuple[str, date], tuple[Kpi, list[Period]]] = {}
    for name in dict.fromkeys(kpi.id for kpi in kpis):
        for period in dict.fromkeys(periods):
            kpi = in_force(kpis, name, period.end - timedelta(days=1))
            if kpi is not None:
                questions.setdefault((name, kpi.valid_from), (kpi, []))[1].append(period)
    return tuple(LevelQuestion(kpi, tuple(held)) for kpi, held in questions.values())


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
