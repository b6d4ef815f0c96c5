"""Figures while a change is carried out before it is signed: by the text in force, and by the text asked for.

Each KPI that the change touches, from the day asked for on, month by month up to where the records reach. They stand
beside the figures of a review and are none of them: computed by a worker from the shared records, kept as others are.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from comity.apps.agreements.preview.figures import kpi_text
from comity.apps.books import queries as books
from comity.apps.books import results
from comity.apps.books.results import Question
from comity.apps.parties.member_context import MemberContext
from comity.book.definition import parse_kpis
from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.book.statistics.levels import LevelStats, gather
from comity.core import chain
from comity.core.agreements.kpi import Kpi
from comity.core.calendars import Calendar, Cut
from comity.core.levels import measure
from comity.core.values import Period

COMPUTE_ASKED = "agreements.asked"  # the task
_TABLES = ("contacts", "intervals", "surveys")


@dataclass(frozen=True, slots=True)
class AskedRow:
    """Some days by both texts; a value is None where there is none."""

    period: Period
    in_force: float | None
    asked_for: float | None


@dataclass(frozen=True, slots=True)
class AskedFigures:
    """A KPI by both texts, the earliest days first; no rows where the records do not reach the day asked for."""

    kpi: str
    unit: str
    rows: tuple[AskedRow, ...]


def asked_figures(member: MemberContext, pairs: Sequence[tuple[Kpi | None, Kpi]], since: date) -> list[AskedFigures]:
    """Return what each KPI comes to by both texts, of the shared records.

    :param pairs: (in force, asked for)
    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    asked = [[None if old is None else kpi_text(old), kpi_text(new)] for old, new in pairs]
    return asked_figures_of_text(member.joint(), chain.canonical(asked), since.isoformat())


def asked_figures_of_text(member: MemberContext, written: str, since: str) -> list[AskedFigures]:
    """Return the same for wordings as JSON, which is how the question of a job has them."""
    question = Question(COMPUTE_ASKED, (("kpis", written), ("since", since)))
    return results.computed(member, question, lambda: _compute(member, written, date.fromisoformat(since)))


def _compute(member: MemberContext, written: str, since: date) -> list[AskedFigures]:
    with books.open_member_book(member) as book:
        today = datetime.now(UTC).astimezone(ZoneInfo(book.definition.timezone)).date()
        coverage = Coverage(book, today)
        horizons = [end for name in _TABLES if (end := coverage.horizon([name])) is not None]
        until = min(max(horizons, default=since), today)
        periods = list(_stretches(Calendar(Cut.MONTH, book.definition.month_starts_on), since, until))
        found = []
        for old, new in json.loads(written):
            (after,) = parse_kpis([new])
            sides = [
                {} if keys is None else _values(book, periods, parse_kpis([keys])[0], until) for keys in (old, new)
            ]
            unit = next((unit for one in reversed(sides) for _, unit in one.values()), "")
            values = [{period: value for period, (value, _) in one.items()} for one in sides]
            rows = tuple(AskedRow(period, values[0].get(period), values[1].get(period)) for period in periods)
            found.append(AskedFigures(after.id, unit, rows))
        return found


def _stretches(calendar: Calendar, since: date, until: date) -> Iterator[Period]:
    """Yield the days from one day up to, and without, another, cut where months end."""
    start = since
    while start < until:
        end = min(calendar.containing(start).end, until)
        yield Period(start, end)
        start = end


def _values(book: Book, periods: Sequence[Period], kpi: Kpi, horizon: date) -> dict[Period, tuple[float, str]]:
    """Return value and unit of a KPI in each stretch of which the records tell, as if it had held in all of them."""
    definition = book.definition
    book.definition = replace(definition, kpis=(kpi,))
    try:
        gathered = gather(book, periods, horizon) if periods else {}
    finally:
        book.definition = definition
    levels = {
        period: measure(one) for period, stats in gathered.items() for one in stats if isinstance(one, LevelStats)
    }
    return {period: (level.value, level.unit) for period, level in levels.items()}
