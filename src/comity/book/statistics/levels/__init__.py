"""What each KPI's level is made of, counted for all periods of a book in one or two scans a KPI.

One module a table or a kind of figure; the formulas are the canonical ones of `standards.md` section 2.
"""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial

from comity.book.reading.open import Book
from comity.book.statistics.levels import (
    answered,
    attrition,
    backlog,
    contacts,
    evaluations,
    forecasts,
    repeats,
    resolving,
    staffing,
    surveys,
)
from comity.book.statistics.levels.asking import LevelQuestion, NoLevel, level_questions, no_level
from comity.book.statistics.levels.reports import reported
from comity.book.statistics.record_choice import counted_table
from comity.core.agreements.kpi import MEASURES
from comity.core.levels import LevelStats
from comity.core.values import Period

__all__ = ["LevelQuestion", "LevelStats", "NoLevel", "gather", "gather_one"]

Found = Iterable[tuple[Period, LevelStats | NoLevel]]
Counting = Callable[[Book, LevelQuestion], Found]

# The measures that are made of contacts; some of them of intervals in their place (`Measure.also_intervals`).
_OF_CONTACTS: dict[str, Counting] = {
    "service_level": answered.service_level_of,
    "abandonment": answered.abandonment_of,
    "wait_mean": contacts.waits,
    "wait_p90": contacts.waits_p90,
    "handle_time": contacts.handle_times,
    "backlog": backlog.gather,
    "reopen": contacts.reopened,
    "time_to_resolve": resolving.gather,
}
_OTHERS: dict[str, Counting] = {
    "csat": surveys.gather,
    "nps": surveys.gather,
    "ces": surveys.gather,
    "quality": evaluations.gather,
    "forecast_wape": forecasts.gather,
    "forecast_bias": forecasts.gather,
    "occupancy": staffing.gather,
    "attrition": attrition.gather,
}


def gather(book: Book, periods: Sequence[Period], horizon: date) -> dict[Period, tuple[LevelStats | NoLevel, ...]]:
    """What every KPI came to in each period, in the order of the definition.

    :param horizon: the first day that the records no longer tell of
    :returns: for each period, the counts of each KPI in force on its last day, or the word for what lacks
    """
    levels_by_period: dict[Period, list[LevelStats | NoLevel]] = {period: [] for period in periods}
    for question in level_questions(book, periods):
        formulas = partial(answered.formulas, book) if question.kpi.measure == "service_level" else None
        for period, level in _levels_of(book, question, horizon):
            if isinstance(level, LevelStats):
                levels_by_period[period].append(
                    dataclasses.replace(level, reported=reported(book, question.kpi, period, formulas))
                )
            else:
                levels_by_period[period].append(level)
    return {period: tuple(levels) for period, levels in levels_by_period.items()}


def gather_one(
    book: Book, kpi_id: str, periods: Sequence[Period], horizon: date
) -> list[tuple[Period, LevelStats | NoLevel]]:
    """What one KPI came to in each period in which it is in force, in the order of the periods."""
    found = [
        pair
        for question in level_questions(book, periods)
        if question.kpi.id == kpi_id
        for pair in _levels_of(book, question, horizon)
    ]
    return sorted(found, key=lambda pair: pair[0].start)


def _levels_of(book: Book, one: LevelQuestion, horizon: date) -> Found:
    measure = one.kpi.measure
    if measure in _OTHERS:
        return _OTHERS[measure](book, one)
    table = counted_table(book, one.kpi) if MEASURES[measure].also_intervals else "contacts"
    if not book.has(table):
        return [(period, no_level(book, one.kpi, (table,))) for period in one.periods]
    if measure == "repeat_contact":
        return repeats.gather(book, one, horizon)
    if measure == "sla_attainment":
        return answered.deadlines_of(book, one, horizon)
    return _OF_CONTACTS[measure](book, one)
