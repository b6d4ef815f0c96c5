"""What an import does to figures of months that the records told of before: moved, lacking, or of another table."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.calendars import Calendar, Cut
from comity.core.values import Period
from comity.review.levels import build_levels
from comity.review.model import Level
from comity.review.periods import whole_months

# Tables whose rows move figures that are no figures about people: those of few people are shown in reviews alone.
MOVING = frozenset({"contacts", "intervals", "forecasts", "schedules", "deadlines", "events"})
_MAX_MONTHS = 6  # the latest that are not final
_TABLES = (("contacts",), ("intervals",))
OpenBook = Callable[[], AbstractContextManager[Book]]


@dataclass(frozen=True, slots=True)
class MonthLevel:
    """A KPI in a month: its value in its unit, whether it meets its target, how many it counts, and of which tables."""

    kpi: str
    measure: str
    first: str  # the first day of the month and the first after it, as ISO 8601
    end: str
    unit: str
    target: float | None
    value: float
    met: bool | None
    counted: float
    tables: tuple[str, ...]

    @property
    def period(self) -> Period:
        """The days of the month."""
        return Period(date.fromisoformat(self.first), date.fromisoformat(self.end))


@dataclass(frozen=True, slots=True)
class ImportEffect:
    """A level before an import and after it; `after` is None where it cannot be formed any more."""

    before: MonthLevel
    after: MonthLevel | None

    @property
    def changes_table(self) -> bool:
        """Whether it is counted from another table."""
        return self.after is not None and self.after.tables != self.before.tables


def month_levels(open_book: OpenBook, today: date, final: Callable[[Period], bool]) -> tuple[MonthLevel, ...]:
    """Measure every KPI in each of the latest whole months, as a review of that month would count it.

    :param open_book: opens the book anew, as the viewer of the figures sees it
    :param final: whether a month is final: what was confirmed of it does not move, and it is left out
    """
    with open_book() as book:
        agreed = tuple(kpi for kpi in book.definition.kpis if _is_told(kpi))
        book.definition = replace(book.definition, kpis=agreed)
        coverage = Coverage(book, today)
        months = [month for month in whole_months(book, coverage, _TABLES) if not final(month)] if agreed else []
        calendar = Calendar(Cut.MONTH, book.definition.month_starts_on)
        found: list[MonthLevel] = []
        for month in months[-_MAX_MONTHS:]:
            book.asked = (month, calendar.against(month, book.definition.against))
            found += [_of_level(level, month) for level in build_levels(book, coverage, calendar, month).levels]
    return tuple(found)


def _is_told(kpi: Kpi) -> bool:
    """Whether a KPI is neither about people nor about a few evaluations, which a difference would tell of."""
    return MEASURES[kpi.measure].people_of is None and kpi.measure != "quality"


def _of_level(level: Level, month: Period) -> MonthLevel:
    return MonthLevel(
        level.kpi,
        level.measure,
        month.start.isoformat(),
        month.end.isoformat(),
        level.unit,
        level.target,
        level.value,
        level.met,
        level.den,
        level.counted_from,
    )


def effects_of(before: Sequence[MonthLevel], after: Sequence[MonthLevel]) -> tuple[ImportEffect, ...]:
    """Return the levels that an import moves, in the order of `before`; none of what it adds."""
    known = {(one.kpi, one.first): one for one in after}
    pairs = (ImportEffect(one, known.get((one.kpi, one.first))) for one in before)
    return tuple(pair for pair in pairs if pair.after != pair.before)


def level_json(level: MonthLevel) -> dict[str, Any]:
    """Return a level as JSON."""
    return asdict(level) | {"tables": list(level.tables)}


def level_of_json(values: Mapping[str, Any]) -> MonthLevel:
    """Return the level of what `level_json` gave."""
    return MonthLevel(**{**values, "tables": tuple(values["tables"])})


def effect_json(effect: ImportEffect) -> dict[str, Any]:
    """Return an effect as JSON."""
    after = None if effect.after is None else level_json(effect.after)
    return {"before": level_json(effect.before), "after": after}


def effect_of_json(values: Mapping[str, Any]) -> ImportEffect:
    """Return the effect of what `effect_json` gave."""
    after = values["after"]
    return ImportEffect(level_of_json(values["before"]), None if after is None else level_of_json(after))
