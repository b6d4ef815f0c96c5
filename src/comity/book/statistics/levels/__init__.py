"""What each KPI's level is made of, counted for all periods of a book in one or two scans a KPI.

One module a table or a kind of figure; the formulas are the canonical ones of `standards.md` section 2.
"""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from comity.book.statistics.levels.asking import (
    MANY,
    LevelQuestion,
    NoLevel,
    level_questions,
    level_stretches,
    no_level,
    relieved_days,
)
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
    :returns: for each period, the counts of each KPI in force in it, or the word for what lacks; of a KPI that was
        worded otherwise within the period those of each stretch, the last one first (`LevelStats.period`,
        `NoLevel.days`), and with the last the figures that the sides reported of the whole period
    """
    found = {
        (question.kpi.id, days): level
        for question in level_questions(book, periods)
        for days, level in _counted(book, question, horizon)
    }
    return {period: tuple(_of_period(book, period, found)) for period in periods}


def _of_period(
    book: Book, period: Period, found: Mapping[tuple[str, Period], LevelStats | NoLevel]
) -> Iterator[LevelStats | NoLevel]:
    """The levels of a period, with what the sides reported of it beside the first that there is of each KPI."""
    with_reports: set[str] = set()
    for kpi, days in level_stretches(book, period):
        level = found[kpi.id, days]
        if isinstance(level, NoLevel):
            yield level if days == period else dataclasses.replace(level, days=days)
        elif kpi.id in with_reports:
            yield level
        else:
            with_reports.add(kpi.id)
            formulas = partial(answered.formulas, book) if kpi.measure == "service_level" else None
            without_relief = bool(level.reliefs) and level.held
            own = reported(book, kpi, period, formulas, of_more_days=days != period or without_relief)
            yield dataclasses.replace(level, reported=own)


def gather_one(
    book: Book, kpi_id: str, periods: Sequence[Period], horizon: date
) -> list[tuple[Period, LevelStats | NoLevel]]:
    """What one KPI came to in each stretch of the periods in which it counts alike, in the order of the days."""
    found = [
        pair
        for question in level_questions(book, periods)
        if question.kpi.id == kpi_id
        for pair in _counted(book, question, horizon)
    ]
    return sorted(found, key=lambda pair: pair[0].start)


def _counted(book: Book, question: LevelQuestion, horizon: date) -> Found:
    """The levels of a question: where both sides agreed on relief without its days, and beside that with them."""
    kpi = question.kpi
    reliefs = {days: relieved_days(book, kpi, days) for days in question.periods}
    relieved = tuple(days for days, agreed in reliefs.items() if agreed)
    with_all = dict(_levels_of(book, question, horizon))
    without = {}
    if relieved:
        left_out = tuple(dict.fromkeys(relief.days for days in relieved for relief in reliefs[days]))
        without = dict(_levels_of(book, LevelQuestion(kpi, relieved, left_out), horizon))
    for days in question.periods:
        level = without.get(days)
        if level is None:
            yield days, with_all[days]
        elif isinstance(level, LevelStats):
            beside = with_all[days]
            told = beside if isinstance(beside, LevelStats) and not _few_apart(level, beside) else None
            yield days, dataclasses.replace(level, reliefs=reliefs[days], with_relieved=told)
        elif level.why == "nothing_counts" and isinstance(beside := with_all[days], LevelStats):
            yield days, dataclasses.replace(beside, reliefs=reliefs[days], held=False)
        else:
            yield days, level


def _few_apart(level: LevelStats, with_relieved: LevelStats) -> bool:
    """Whether both beside each other would tell of the few evaluations that lie between them."""
    counts = [one.also.get("evaluations") for one in (with_relieved, level)]
    return isinstance(counts[0], int) and isinstance(counts[1], int) and 0 < counts[0] - counts[1] < MANY


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
