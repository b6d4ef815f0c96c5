"""Service level, abandonment and deadlines kept: from the same daily counts as their readings, so that both agree."""

import math
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np

from comity.book.reading.open import Book
from comity.book.statistics import service_level, sla_attainment
from comity.book.statistics.exclusions import TakenOut, events
from comity.book.statistics.levels.asking import LevelQuestion, NoLevel, no_level, nothing_counts
from comity.book.statistics.levels.folding import serial
from comity.book.statistics.queue_days import DailyCounts
from comity.core.agreements.kpi import CONTACTS, Abandons, Kpi
from comity.core.levels import (
    VARIANT_NEEDS,
    Formulas,
    Intervals,
    LevelStats,
    Moments,
    Sampled,
    moments,
    service_levels,
)
from comity.core.values import Period

Found = Iterator[tuple[Period, LevelStats | NoLevel]]


def service_level_of(book: Book, asked: LevelQuestion) -> Found:
    """The KPI as signed, its six variants, and the half hours of each queue beside the pooled figure."""
    kpi = asked.kpi
    counts = service_level.daily(book, kpi).without(asked.left_out)
    slots = service_level.slots(book, kpi).without(asked.left_out)
    for period in asked.periods:
        counted = _answered(counts, kpi, period)
        if not counted.den:
            yield period, nothing_counts(book, kpi, counts.source)
            continue
        unresolved = int(counts.total("unresolved", period))
        also: dict[str, object] = {"unresolved": unresolved} if unresolved else {}
        also |= _left_out(counts, kpi, period)
        values = formulas(book, kpi, period, asked.left_out)
        yield (
            period,
            LevelStats(
                kpi,
                period,
                counted,
                Sampled.WEEKS,
                variants=values.agreed,
                in_full=values.in_full,
                intervals=_intervals(slots, kpi, period),
                also=also | _exclusions(book, asked, period),
            ),
        )


def formulas(book: Book, kpi: Kpi, period: Period, left_out: Sequence[Period] = ()) -> Formulas:
    """The six variants of a service level: without the contacts of agreed exclusions, and with every contact.

    :param left_out: days of relief
    """
    agreed = _variants(service_level.daily(book, kpi).without(left_out), period)
    in_full = _variants(service_level.daily(book, kpi, TakenOut.NOTHING).without(left_out), period)
    return Formulas(agreed, {} if in_full == agreed else in_full)


def abandonment_of(book: Book, asked: LevelQuestion) -> Found:
    """Those that gave up, short abandons left out of both, of all answered and abandoned (`standards.md` 2.2)."""
    kpi = asked.kpi
    counts = service_level.daily(book, kpi).without(asked.left_out)
    for period in asked.periods:
        counted = _gave_up(counts, period)
        if not counted.den:
            yield period, nothing_counts(book, kpi, counts.source)
            continue
        abandoned, answered = counts.total("abandoned", period), counts.total("answered", period)
        raw: dict[str, object] = {"with_short_abandons": abandoned / (abandoned + answered)}
        raw |= _left_out(counts, kpi, period)
        if unresolved := int(counts.total("unresolved", period)):
            raw["unresolved"] = unresolved
        yield period, LevelStats(kpi, period, counted, Sampled.WEEKS, also=raw | _exclusions(book, asked, period))


def deadlines_of(book: Book, asked: LevelQuestion, horizon: date) -> Found:
    """What fell due in the period and before the horizon, and what of it was resolved by then."""
    kpi = asked.kpi
    counts = sla_attainment.daily(book, kpi).without(asked.left_out)
    for period in asked.periods:
        elapsed = _elapsed_days(period, horizon)
        counted = Moments(0, 0.0, 0.0) if elapsed is None else _moments_of(counts, elapsed)
        if elapsed is None or not counted.den:
            yield period, no_level(book, kpi, ("contacts",), "nothing_counts")
            continue
        also = _exclusions(book, asked, elapsed)
        if counts.total("by_source", elapsed):  # judged by the source itself; what it did not judge is told
            unjudged = counts.total("unjudged", elapsed)
            also["unjudged"] = unjudged / (unjudged + counts.total("by_source", elapsed))
        beside = {name: round(counts.total(name, elapsed)) for name in sla_attainment.BESIDE}
        also |= {name: count for name, count in beside.items() if count}
        yield period, LevelStats(kpi, period, counted, Sampled.WEEKS, also=also)


def _elapsed_days(period: Period, horizon: date) -> Period | None:
    """The days of a period that the records tell of."""
    if period.start >= horizon:
        return None
    return Period(period.start, min(period.end, horizon))


def _tells_short(counts: DailyCounts, period: Period) -> bool:
    """Whether the records tell of everyone who gave up in a period whether it was shortly."""
    return not counts.total("short_unknown", period)


def _left_out(counts: DailyCounts, kpi: Kpi, period: Period) -> dict[str, object]:
    """How many the formula leaves out; where it cannot know them, that it leaves out nobody, and for how many.

    Before that, how many count as given up though no column counts them.
    """
    not_counted = round(counts.total("not_counted", period))
    told: dict[str, object] = {"abandons_not_counted": not_counted} if not_counted else {}
    return told | _short_left_out(counts, kpi, period)


def _short_left_out(counts: DailyCounts, kpi: Kpi, period: Period) -> dict[str, object]:
    if kpi.measure == "service_level" and kpi.abandons is Abandons.EXCLUDE_ALL:
        return {"left_out": round(counts.total("abandoned", period))}
    if kpi.measure == "service_level" and kpi.abandons is Abandons.COUNT:
        return {}
    if not _tells_short(counts, period):
        return {"counted_as": "V1", "short_abandons_not_known": round(counts.total("short_unknown", period))}
    return {} if kpi.short_abandon_s is None else {"left_out": round(counts.total("short", period))}


def _sums(counts: DailyCounts, period: Period, *names: str) -> list[np.ndarray]:
    """Each count by week, over all queues."""
    return [one.sum(axis=0) for one in counts.by_week(period, names, counts.queues)]


def _moments_of(counts: DailyCounts, period: Period) -> Moments:
    good, judged = _sums(counts, period, "good", "judged")
    return moments(good[judged > 0], judged[judged > 0])


def _answered(counts: DailyCounts, kpi: Kpi, period: Period) -> Moments:
    within, answered, abandoned, short = _sums(counts, period, "within", "answered", "abandoned", "short")
    short = short if _tells_short(counts, period) else short * 0
    dens = {
        Abandons.COUNT: answered + abandoned,
        Abandons.EXCLUDE_SHORT: answered + abandoned - short,
        Abandons.EXCLUDE_ALL: answered,
    }[kpi.abandons]
    return moments(within[dens > 0], dens[dens > 0])


def _gave_up(counts: DailyCounts, period: Period) -> Moments:
    answered, abandoned, short = _sums(counts, period, "answered", "abandoned", "short")
    short = short if _tells_short(counts, period) else short * 0
    dens = answered + abandoned - short
    return moments((abandoned - short)[dens > 0], dens[dens > 0])


def _variants(counts: DailyCounts, period: Period) -> dict[str, tuple[float, float]]:
    names = ("answered", "within", "abandoned", "short", "abandoned_within")
    variants = service_levels(**{name: counts.total(name, period) for name in names})
    lacking = set() if counts.source == CONTACTS else {"abandoned_at"}
    lacking |= set() if _tells_short(counts, period) else {"abandoned_short"}
    unknown = {name for name, columns in VARIANT_NEEDS.items() if lacking.intersection(columns)}
    return {
        name: (math.nan, 0.0) if name in unknown or not (math.isfinite(num) and den > 0) else (num, den)
        for name, (num, den) in variants.items()
    }


def _intervals(slots: service_level.SlotCounts, kpi: Kpi, period: Period) -> Intervals | None:
    within = (slots.days >= serial(period.start)) & (slots.days < serial(period.end))
    count = int(slots.slots[within].sum())
    if not count:
        return None
    in_target = None if kpi.target is None else int(slots.in_target[within].sum())
    return Intervals(float(slots.rates[within].sum()), count, in_target)


def _exclusions(book: Book, asked: LevelQuestion, period: Period) -> dict[str, object]:
    """What the figure would be with every contact, without those agreed, and without those claimed as well."""
    kpi = asked.kpi
    if not events(book, kpi, TakenOut.CLAIMED):
        return {}
    exclusions: dict[str, object] = {}
    for taken_out in TakenOut:
        if kpi.measure == "sla_attainment":
            sums = _moments_of(sla_attainment.daily(book, kpi, taken_out).without(asked.left_out), period)
        else:
            counts = service_level.daily(book, kpi, taken_out).without(asked.left_out)
            sums = _gave_up(counts, period) if kpi.measure == "abandonment" else _answered(counts, kpi, period)
        exclusions[taken_out.value] = sums.value if sums.den else None
    return {"exclusions": exclusions}
