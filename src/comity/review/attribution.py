"""Whose doing a service level was, composed from a book: the parts, who answers for each, and what lacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np

from comity.book.errors import UnusableFileError
from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.book.statistics.attribution import (
    CONTACTS,
    FORECASTS,
    INTERVALS,
    SCHEDULES,
    Planned,
    gather,
    plans_differ_in_length,
    source_of,
)
from comity.book.statistics.exclusions import TakenOut, events
from comity.core.agreements.kpi import Abandons, Kpi, counted_stretches, in_force
from comity.core.calendars import Calendar, Cut, named
from comity.core.control_limits import Scatter, scatter
from comity.core.economics.attribution import (
    AgreedLevel,
    Floats,
    Intervals,
    SharedOut,
    calibrate_patience,
    counterfactual_level,
    counts,
    share_out,
    share_to_meet_target,
    with_required_positions,
)
from comity.core.economics.settlements import Relief, Volume, relief
from comity.core.values import Period, Side
from comity.review.missing import missing_figure, missing_tables
from comity.review.model import Missing
from comity.review.periods import longest_whole

MEASURE = "service_level"
BOTH = "both"
_DIGITS = 6  # of a contact: what adding up floats leaves goes, and a day's forecast is the number that was written
# Who answers for a part unless the book says otherwise; for the plan see `_plan_answers`.
ANSWERS = {
    "volume_inside": "provider",
    "volume_outside": "customer",
    "handling": BOTH,
    "planning": "provider",
    "presence": "provider",
}
WHAT_IFS = {
    "forecast=right": "volume",
    "handling=planned": "handling",
    "planning=required": "planning",
    "presence=full": "presence",
}
# What the page asks by itself: one cause as planned, two, all four.
WHAT_IF_ROWS = (
    ("volume",),
    ("presence",),
    ("handling",),
    ("planning",),
    ("volume", "presence"),
    ("volume", "handling", "planning", "presence"),
)
_HOUR = 3600.0
_LEAST_DAYS = 10  # of an earlier period, from which the usual scatter is taken


class NoAttributionError(UnusableFileError):
    """A question that cannot be put to this book: one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """What was planned and what happened, in all: contacts, seconds of handling a contact, hours of positions."""

    forecast: float
    came: float
    forecast_aht: float | None
    aht: float | None
    required: float
    scheduled: float
    staffed: float


@dataclass(frozen=True, slots=True)
class TargetGap:
    """What keeping the target would have taken by the model: more positions in every interval, in share and hours."""

    share: float
    hours: float


@dataclass(frozen=True, slots=True)
class UsualScatter:
    """How the days of the period before scattered, and which period that is."""

    period: Period
    scatter: Scatter


@dataclass(frozen=True, slots=True)
class Attribution:
    """One KPI's service level in one period, shared out; `shared` is None where something lacks.

    `claimed` is the same with the events taken out too that are claimed and not answered, where there are
    such. `patience_from` is `agreed`, `records` or `calibrated`; `counted_as` the formula of model and observed.
    `what_if` holds the level that the model gives for each question asked. `relief` is what reliefs for volume by the
    day would make of the level, where more came than the band allows; None where it did not. `until` is the first day
    of the period that the records no longer tell of; None where they tell of the whole. `intervals` are those that
    were shared out, `required` a number in each. `to_keep` is None where the target was kept, by the
    model or as observed, or where nothing would have kept it; `usual` where the period before tells of too few days.
    `answers` is None for the plan where it promised more than the target: spare capacity is nobody's. For the parts of
    `agreed_answers` the book names who answers.
    """

    kpi: Kpi
    period: Period
    cut: Cut
    name: str
    parties: Mapping[Side, str]
    viewer_side: Side | None
    timezone: str
    answers: Mapping[str, str | None]
    counted_as: Abandons
    patience_from: str
    planned: Planned | None
    shared: SharedOut | None
    claimed: SharedOut | None
    what_if: Mapping[str, float]
    until: date | None = None
    relief: Relief | None = None
    intervals: Intervals | None = None
    amounts: Amounts | None = None
    to_keep: TargetGap | None = None
    usual: UsualScatter | None = None
    missing: tuple[Missing, ...] = field(default=())
    agreed_answers: tuple[str, ...] = ()
    days: Period | None = None  # the last stretch of one wording, where the period has several; None: all of it


def attribute(  # noqa: PLR0913 - what is asked, and of what
    book: Book,
    kpi_id: str,
    *,
    period: str | None,
    now: datetime,
    what_if: Sequence[str] = (),
    seed: int = 0,
) -> Attribution:
    """Share out one KPI's service level in one period, as the book's viewer may see it.

    :param period: 2026-Q2, 2026-06 or 2026-W23; None: the last whole one that the records reach
    :param what_if: questions of `WHAT_IFS`, each alone, or several at once joined by commas
    :raises NoAttributionError: for a KPI that is not there, is no service level, or has no target
    :raises comity.core.calendars.UnknownPeriodError: for a period that cannot be read
    """
    today = now.astimezone(ZoneInfo(book.definition.timezone)).date()
    calendar, period_asked = requested_period(book, period, today)
    kpi = service_level_kpi(book, kpi_id, period_asked)
    unknown = [one for question in what_if for one in question.split(",") if one not in WHAT_IFS]
    if unknown:
        raise NoAttributionError(f"--what-if {unknown[0]} is not known; known are {', '.join(WHAT_IFS)}")
    counted = counted_stretches(book.definition.kpis, kpi_id, period_asked)[-1].days  # by the text in force
    days = None if counted == period_asked else counted
    book.asked = (period_asked,)
    happened = source_of(book, kpi)
    lacking = _missing_tables(book, happened)
    planned = None if lacking else gather(book, kpi, counted)
    if planned is None or not planned.intervals.count.size:
        why = lacking or (_missing_intervals(book, kpi, counted, planned, happened),)
        return _attribution(book, kpi, calendar, period_asked, missing=why, days=days)
    counted_as = kpi.abandons
    if counted_as is Abandons.EXCLUDE_SHORT and planned.intervals.short is None:
        counted_as = Abandons.COUNT
    promise = _promise(kpi, counted_as)
    horizon = Coverage(book, today).horizon([planned.source, FORECASTS, SCHEDULES])
    intervals, patience, patience_from = _complete(planned, kpi, promise)
    shared = _share_out(planned, intervals, promise, patience, patience_from, seed)
    claimed = None
    if events(book, kpi, TakenOut.CLAIMED) != events(book, kpi, TakenOut.ACCEPTED):
        without = gather(book, kpi, counted, TakenOut.CLAIMED)
        if without is not None and without.intervals.count.size:
            others, their_patience, source = _complete(without, kpi, promise)
            claimed = _share_out(without, others, promise, their_patience, source, seed)
    return _attribution(
        book, kpi, calendar, period_asked,
        counted_as=counted_as, patience_from=patience_from, planned=planned, shared=shared, claimed=claimed,
        what_if={one: shared.level_if(*(WHAT_IFS[single] for single in one.split(","))) for one in what_if},
        relief=_relief(planned.intervals, kpi),
        intervals=intervals, amounts=_amounts(intervals),
        to_keep=_target_gap(intervals, promise, patience) if shared.observed < shared.target else None,
        usual=_usual(book, kpi, calendar.before(period_asked), counted_as),
        until=horizon if horizon is not None and horizon < period_asked.end else None,
        days=days,
    )  # fmt: skip


def _attribution(book: Book, kpi: Kpi, calendar: Calendar, period: Period, **fields: object) -> Attribution:
    planned, shared = fields.get("planned"), fields.get("shared")
    answers = {"plan": _plan_answers(planned) if isinstance(planned, Planned) else BOTH} | ANSWERS
    answers |= book.definition.causes_answered_for
    plan = next((part.value for part in shared.parts if part.id == "plan"), 0.0) if isinstance(shared, SharedOut) else 0
    values: dict[str, object] = {
        "kpi": kpi,
        "period": period,
        "cut": calendar.cut,
        "name": calendar.name(period),
        "parties": {side: party.name for side, party in book.definition.parties.items()},
        "viewer_side": book.viewer.side,
        "timezone": book.definition.timezone,
        "answers": answers | {"plan": None if plan > 0 else answers["plan"]},
        "agreed_answers": tuple(book.definition.causes_answered_for),
        "counted_as": kpi.abandons,
        "patience_from": "",
        "planned": None,
        "shared": None,
        "claimed": None,
        "what_if": {},
        "relief": None,
    }
    return Attribution(**(values | fields))  # type: ignore[arg-type]  # the names are those above


def _plan_answers(planned: Planned) -> str:
    """Who answers for a plan below the target: who delivered the required positions, else who locked the forecast."""
    sides = [side for side in planned.said_by.get("required", ()) if side in set(Side)] if planned.promised else []
    sides = sides or list(planned.locked_by)
    return sides[0] if len(sides) == 1 else BOTH


def _complete(planned: Planned, kpi: Kpi, promise: AgreedLevel) -> tuple[Intervals, Mapping[int, float], str]:
    """The intervals with a number required in each, the patience of each queue, and where that comes from."""
    numbers = range(len(planned.queues))
    if kpi.patience_s is not None:
        patience, source = dict.fromkeys(numbers, kpi.patience_s), "agreed"
    elif all(number in planned.patience_s for number in numbers):
        patience, source = dict(planned.patience_s), "records"
    else:
        patience, source = calibrate_patience(planned.intervals) | dict(planned.patience_s), "calibrated"
    return with_required_positions(planned.intervals, promise, patience), patience, source


def _share_out(  # noqa: PLR0913 - what was, what was agreed, and how it was come by
    planned: Planned, intervals: Intervals, promise: AgreedLevel, patience: Mapping[int, float], source: str, seed: int
) -> SharedOut:
    return share_out(
        intervals,
        promise,
        patience,
        used_share=planned.used_share,
        calibrated_patience=source == "calibrated",
        seed=seed,
    )


def what_if_level(
    attribution: Attribution, *, volume: float = 1.0, handled: float = 1.0, more: Floats | float = 0.0
) -> float:
    """The model's level, had there been times as many contacts, times as long, and more positions, by interval.

    :raises ValueError: where nothing was shared out, or nothing counts
    """
    if attribution.intervals is None or attribution.shared is None:
        raise ValueError("nothing was shared out")
    promise = _promise(attribution.kpi, attribution.counted_as)
    return counterfactual_level(
        attribution.intervals, promise, attribution.shared.patience_s, volume=volume, handled=handled, more=more
    )


def people_by_interval(attribution: Attribution, people: float, since: int = 0) -> Floats:
    """So many people more, or fewer, at any time from a half hour of the day on, by interval.

    Where several queues are open at once they stand at each by its share of those who were there.

    :param since: the half hour of the book's own day, from 0 to 47
    """
    if attribution.intervals is None or attribution.planned is None:
        return np.zeros(0)
    times, places = np.unique(attribution.planned.starts, return_inverse=True)
    staffed = np.bincount(places, weights=attribution.intervals.staffed, minlength=times.size)[places]
    queues_open = np.bincount(places, minlength=times.size)[places]
    share = np.divide(attribution.intervals.staffed, staffed, out=1.0 / queues_open, where=staffed > 0)
    local = local_starts(attribution)
    late = np.array([moment.hour * 2 + moment.minute // 30 >= since for moment in local])
    return np.asarray(people * share * late)


def local_starts(attribution: Attribution) -> list[datetime]:
    """When each interval began, by the book's own clock."""
    zone = ZoneInfo(attribution.timezone)
    starts = [] if attribution.planned is None else attribution.planned.starts.tolist()
    local = {start: datetime.fromtimestamp(start / 1e6, UTC).astimezone(zone) for start in set(starts)}
    return [local[start] for start in starts]


def _amounts(intervals: Intervals) -> Amounts:
    answered = float(intervals.answered.sum())
    hours = [
        float((positions * intervals.seconds).sum()) / _HOUR
        for positions in (intervals.required, intervals.scheduled, intervals.staffed)
    ]
    return Amounts(
        float(intervals.forecast.sum()),
        float(intervals.count.sum()),
        float((intervals.answered * intervals.forecast_aht).sum()) / answered if answered else None,
        float(intervals.handle_s.sum()) / answered if answered else None,
        *hours,
    )


def _target_gap(intervals: Intervals, promise: AgreedLevel, patience: Mapping[int, float]) -> TargetGap | None:
    share = share_to_meet_target(intervals, promise, patience)
    return TargetGap(share, share * float((intervals.staffed * intervals.seconds).sum()) / _HOUR) if share else None


def _usual(book: Book, kpi: Kpi, period: Period, counted_as: Abandons) -> UsualScatter | None:
    """How the days of an earlier period scattered: limits do not come from the days that they judge."""
    planned = gather(book, kpi, period)
    if planned is None or not planned.intervals.count.size:
        return None
    intervals = planned.intervals
    if counted_as is Abandons.EXCLUDE_SHORT and intervals.short is None:
        return None
    days, places = np.unique(intervals.day, return_inverse=True)
    good, counted = (
        np.bincount(places, weights=values, minlength=days.size)
        for values in (intervals.good, counts(intervals, counted_as))
    )
    if np.count_nonzero(counted) < _LEAST_DAYS:
        return None
    return UsualScatter(period, scatter(good.tolist(), counted.tolist()))


def _relief(intervals: Intervals, kpi: Kpi) -> Relief | None:
    """What reliefs would make of the level, by the days of all queues, in exact numbers."""
    days, places = np.unique(intervals.day, return_inverse=True)
    sums = [
        np.bincount(places, weights=values, minlength=days.size).round(_DIGITS).tolist()
        for values in (intervals.forecast, intervals.count, intervals.good)
    ]
    volumes = [Volume(*(Fraction(repr(value)) for value in row)) for row in zip(*sums, strict=True)]
    reliefs = relief(volumes, Fraction(repr(kpi.volume_band)))
    return reliefs if reliefs.waived else None


def _promise(kpi: Kpi, counted_as: Abandons) -> AgreedLevel:
    if kpi.target is None:
        raise NoAttributionError(f"the KPI {kpi.id} has no target to be held against; agree one in book.toml")
    short_s = (kpi.short_abandon_s or 0.0) if counted_as is Abandons.EXCLUDE_SHORT else 0.0
    return AgreedLevel(kpi.target, kpi.answer_within_s, short_s, counted_as, kpi.volume_band, kpi.material)


def requested_period(book: Book, period: str | None, today: date) -> tuple[Calendar, Period]:
    """The period of a name, by the book's calendar; without one the last whole one that the records reach.

    :raises NoAttributionError: where no table tells of a period
    """
    if period is not None:
        return named(period, book.definition.month_starts_on)
    calendar = book.definition.calendar()
    coverage, table = Coverage(book, today), _telling_table(book)
    horizon, first = coverage.horizon([table]), coverage.first_day([table])
    if horizon is None or first is None:
        msg = "no table tells of a period; name one with --period, such as 2026-06"
        raise NoAttributionError(msg, file=book.folder)
    return longest_whole(calendar, first, horizon) or (calendar, calendar.last_ending_by(horizon))


def _telling_table(book: Book) -> str:
    """The table by whose days the period is chosen where none is asked for."""
    return CONTACTS if book.has(CONTACTS) and not book.has(INTERVALS) else INTERVALS


def service_level_kpi(book: Book, kpi_id: str, period: Period) -> Kpi:
    """The service level of an id in force at the end of a period, which has a target.

    :raises NoAttributionError: for a KPI that is not there, is no service level, or has no target
    """
    kpi = in_force(book.definition.kpis, kpi_id, period.end - timedelta(days=1))
    ids = dict.fromkeys(one.id for one in book.definition.kpis if one.measure == MEASURE)
    if kpi is None or kpi.measure != MEASURE:
        what = "is no service level" if kpi is not None else "is not in force in that period"
        choose = f"choose one of {', '.join(ids)} with --kpi" if ids else "the book agrees on none"
        raise NoAttributionError(f"the KPI {kpi_id} {what}; {choose}")
    if kpi.target is None:
        raise NoAttributionError(f"the KPI {kpi_id} has no target to be held against; agree one in book.toml")
    return kpi


def _missing_tables(book: Book, source: str) -> tuple[Missing, ...]:
    """Tables without which nothing can be shared out, each asked of the side that holds it."""
    needed = [(FORECASTS,), (SCHEDULES,)]
    if not book.has(source):
        needed.append((source,))
    return tuple(missing_tables(book, "attribution", tables) for tables in needed if not book.has(*tables))


def _missing_intervals(book: Book, kpi: Kpi, days: Period, planned: Planned | None, source: str) -> Missing:
    """What lacks where the tables are there, and no interval can be used."""
    asked_of = {
        "no_forecast": (FORECASTS,),
        "no_handle_time": (FORECASTS,),
        "no_schedule": (SCHEDULES,),
        "no_staffed": (SCHEDULES,),
        "no_figures": (source,),
    }
    most = max(planned.left_out, key=lambda why: planned.left_out[why], default="") if planned is not None else ""
    if most == "no_schedule" and plans_differ_in_length(book, kpi, days):
        return missing_figure(book, "attribution", (FORECASTS, SCHEDULES), "other_length")
    return missing_figure(book, "attribution", asked_of.get(most, (source,)), most or "nothing_counts")
