"""A level and a reading over the periods of the book, as charts and as the table of their numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from comity.core.calendars import Calendar, Cut
from comity.review.draw import charts
from comity.review.i18n.words import DASH, Words
from comity.review.model import LevelPoint, ReadingPoint, Review
from comity.review.views.level import LevelRow, days_text, ratio_text
from comity.review.views.reading import ReadingRow
from comity.review.views.rounding import shown_scale

FEWEST_POINTS = 2
_LABEL_ROOM = 36.0


@dataclass(frozen=True, slots=True)
class LevelHistory:
    """The control chart of a level, what its signs mean, and its numbers: period, value, target, counted."""

    chart: charts.Chart
    note: str
    table: tuple[tuple[str, str, str, str], ...]


def level_chart(
    row: LevelRow, review: Review, words: Words, height: float = 92.0, *, wide: bool = False
) -> LevelHistory | None:
    """A level over periods with its natural limits; None below two periods.

    :param wide: whether it is drawn with its axes over the whole page, else as a line in the level's row
    """
    level = row.level
    points = [point for point in level.history if math.isfinite(point.value)]
    if len(points) < FEWEST_POINTS:
        return None
    scale = shown_scale(level.unit)
    limits = level.limits

    def figure(value: float | None) -> str:
        return words.figure(value, level.unit, review.currency)

    def name(start: date) -> str:
        period = next(point.period for point in points if point.period.start == start)
        return words.period(period, review.cut)

    judged = [
        charts.ControlPoint(
            words.period(point.period, review.cut, short=True),
            point.value * scale,
            limits is not None and not limits.lower <= point.value <= limits.upper,
            None if point.target is None else point.target * scale,
            at,
            both=level.measure == "forecast_bias",
            hover=f"{_name(point, review, words)}: {figure(point.value)}",
        )
        for at, point in zip(_places_in_row(points), points, strict=True)
    ]
    sentence = words(
        "levels.chart",
        kpi=row.name,
        first=words.period(points[0].period, review.cut),
        last=words.period(points[-1].period, review.cut),
        count=len(points),
        value=figure(points[-1].value),
        target=figure(points[-1].target),
    )
    note = words("levels.dashed") if any(point.target is not None for point in points) else ""
    band = None
    if limits is not None:
        first, last = words.period(limits.first, review.cut), words.period(limits.last, review.cut)
        lower, upper = figure(limits.lower), figure(limits.upper)
        sentence += " " + words("levels.chart_limits", lower=lower, upper=upper, first=first, last=last)
        outside = [name(point.period.start) for point, seen in zip(points, judged, strict=True) if seen.outside]
        if outside:
            sentence += " " + words("levels.chart_outside", periods=words.listed(outside))
        note = words("levels.band", first=first, last=last)
        band = (limits.lower * scale, limits.centre * scale, limits.upper * scale)
    places = _places([point.value for point in judged])
    if wide:
        chart = charts.control_chart(judged, band, lambda value: _tick(value, places, words), sentence, height)
    else:
        target = "" if level.target is None else figure(level.target)
        chart = charts.spark(judged, None if band is None else (band[0], band[2]), target, sentence, height)
    table = tuple(
        (
            _name(point, review, words),
            figure(point.value),
            figure(point.target) if point.target is not None else DASH,
            ratio_text(level, point.num, point.den, words),
        )
        for point in points
    )
    return LevelHistory(chart, note, table)


def _name(point: LevelPoint, review: Review, words: Words) -> str:
    """The period of a point; of a stretch of it with its days."""
    name = words.period(point.period, review.cut)
    if point.days is None:
        return name
    return words("levels.of_days", name=name, days=days_text(point.days, words))


def _places_in_row(points: Sequence[LevelPoint]) -> list[int]:
    """Which place each point has among the periods from the first to the last, with or without a level."""
    at = [0]
    for before, point in pairwise(points):
        between = (point.period.start - before.period.end).days
        at.append(at[-1] + 1 + round(between / before.period.days))
    return at


def _tick(value: float, places: int, words: Words) -> str:
    """A tick of an axis, with a decimal more where it would be named after another value."""
    return words.number(value, places if abs(value - round(value, places)) < 10**-places / 100 else places + 1)


def _places(values: list[float]) -> int:
    """Decimals for the ticks of an axis over these values."""
    span = max(values) - min(values)
    if span <= 0:
        return 1
    return min(max(1 - math.floor(math.log10(span)), 0), 4)


@dataclass(frozen=True, slots=True)
class ReadingLines:
    """The two lines of a reading, the labels at their ends, and what is said over and under them."""

    chart: charts.Chart
    labels: charts.Chart
    about: str
    limits: str


def unbroken_run(points: tuple[ReadingPoint, ...]) -> tuple[ReadingPoint, ...]:
    """The last unbroken run of periods: each follows the one before it, and its change like for like is formed."""
    run: list[ReadingPoint] = []
    for point in points:
        whole = point.like_for_like is not None and all(map(math.isfinite, (point.headline, point.like_for_like)))
        if run and run[-1].period.end != point.period.start:
            run = []
        run = [*run, point] if whole else []
    return tuple(run)


def reading_lines(row: ReadingRow, review: Review, words: Words, height: float = 250.0) -> ReadingLines | None:
    """As reported, and like for like chained from one common level; None below two periods.

    The level as reported at the end is the reading's own; earlier ones follow by taking the changes back.
    The chain's error is the root of the summed squares, the periods' errors taken as independent.
    """
    reading = row.reading
    run = unbroken_run(tuple(review.histories.get((reading.id, reading.variant), ())))
    if len(run) < FEWEST_POINTS or run[-1].period != review.period:
        return None
    scale, places = shown_scale(reading.unit), row.figures.decimals
    base = reading.after - math.fsum(point.headline for point in run)
    reported, like_for_like, half, squares = [base], [base], [0.0], 0.0
    for point in run:
        reported.append(reported[-1] + point.headline)
        like_for_like.append(like_for_like[-1] + (point.like_for_like or 0.0))
        squares += (point.like_for_like_se or 0.0) ** 2
        half.append((point.z or 1.96) * math.sqrt(squares))
    calendar = Calendar(review.cut, 1 if review.cut is Cut.WEEK else run[0].period.start.day)
    names = [words.period(calendar.before(run[0].period), review.cut, short=True)]
    names += [words.period(point.period, review.cut, short=True) for point in run]

    def level(value: float) -> str:
        return words.level(value * scale, reading.unit, review.currency, places)

    first = words.period(run[0].period, review.cut)
    sentence = words(
        "opened.lines_chart",
        name=row.name,
        first=first,
        last=words.period(run[-1].period, review.cut),
        start=level(base),
        reported=level(reported[-1]),
        held=level(like_for_like[-1]),
    )
    periods = [words.period(calendar.before(run[0].period), review.cut)]
    periods += [words.period(point.period, review.cut) for point in run]
    hovers = tuple(
        [f"{period}, {words(f'opened.{key}')}: {level(value)}" for period, value in zip(periods, values, strict=True)]
        for key, values in (("reported", reported), ("held", like_for_like))
    )
    chart, axis = charts.two_lines(
        names,
        [value * scale for value in reported],
        [value * scale for value in like_for_like],
        [value * scale for value in half],
        lambda value: words.number(value, places),
        sentence,
        height,
        (hovers[0], hovers[1]),
    )
    shown = {"low": words.number(axis.low, places), "high": words.number(axis.high, places)}
    exact = not any(half)
    about = words("opened.lines_exact", **shown) if exact else words("opened.lines_about", first=first, **shown)
    gap = words.change(abs(reported[-1] - like_for_like[-1]) * scale, reading.unit, review.currency, places).lstrip("+")
    ends = [axis.y(reported[-1] * scale), axis.y(like_for_like[-1] * scale)]
    at = charts.spread_labels(ends, _LABEL_ROOM, 14, height - 44)
    labels: list[charts.Shape] = []
    for y, key, value in zip(at, ("reported", "held"), (reported[-1], like_for_like[-1]), strict=True):
        labels.append(charts.Text(0, y, level(value), "strong" if key == "held" else "", dx=10))
        labels.append(charts.Text(0, y + 15, words(f"opened.{key}"), "quiet", dx=10))
    if abs(at[0] - at[1]) >= 2 * _LABEL_ROOM:
        middle = (at[0] + at[1]) / 2
        labels.append(charts.Text(0, middle, gap, "quiet", dx=10))
        labels.append(charts.Text(0, middle + 15, words("opened.apart"), "quiet", dx=10))
    return ReadingLines(chart, charts.Chart(tuple(labels), chart.height), about, _limits(row, review, words))


def _limits(row: ReadingRow, review: Review, words: Words) -> str:
    limits = review.history_limits.get((row.reading.id, row.reading.variant))
    if limits is None:
        return ""
    unit, places = row.reading.unit, row.figures.decimals
    scale = shown_scale(unit)
    return words(
        "opened.limits",
        lower=words.change(limits.lower * scale, unit, review.currency, places),
        upper=words.change(limits.upper * scale, unit, review.currency, places),
        first=words.period(limits.first, review.cut),
        last=words.period(limits.last, review.cut),
    )


def history_rows(row: ReadingRow, review: Review, words: Words) -> list[tuple[str, str, str]]:
    """The numbers behind the two lines: period, change as reported, change like for like with its interval."""
    unit, places = row.reading.unit, row.figures.decimals
    scale = shown_scale(unit)

    def moved(value: float, *, bare: bool = False) -> str:
        return words.change(value * scale, unit, review.currency, places, bare=bare)

    rows = []
    for point in review.histories.get((row.reading.id, row.reading.variant), ()):
        like_for_like = words("word.not_formed")
        if point.like_for_like is not None:
            like_for_like = moved(point.like_for_like)
            if point.like_for_like_se and point.z:
                half = point.z * point.like_for_like_se
                low, high = moved(point.like_for_like - half, bare=True), moved(point.like_for_like + half, bare=True)
                like_for_like += f" ({words('word.to', low=low, high=high)})"
        rows.append((words.period(point.period, review.cut), moved(point.headline), like_for_like))
    return rows
