"""Figures about people in a room: in the book's own periods only, and none that isolates 1 to 4 people's answers.

A period with one to four people is not formed. But a quarter less its other two months would tell of it, as would a
month less its weeks: with one way to cut time there is no such difference. Between KPIs, readings, and what one side
sees beside what both share, `review.disclosure` chooses what may be shown. Whoever holds the book's files has the rows,
so `comity review` at home needs none of this.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from comity.core.calendars import Against, Calendar, Cut
from comity.core.readings.reading import Reading
from comity.core.values import Period
from comity.review.disclosure.select import Disclosure, ReadingKey
from comity.review.limits import limits_before
from comity.review.model import Level, LevelPoint, Limits, Missing, ReadingPoint, Review
from comity.review.readings import measure_counts_people, reading_compares_people

_RATE = "response_rate"
_OTHERS = ("previous", "year_before")  # where a reading holds what another comparison comes to
_OF_PARTS = ("last_score_left", "loyalty", "at_worst")  # what stands beside parts, of those who left
Named = tuple[str, str | None]


def redact_other_cuts(review: Review, own: Cut) -> Review:
    """The review without figures about people, where its periods are cut otherwise than the book's own."""
    if review.cut is own or not has_people_figures(review):
        return review
    named = {one.kpi for one in review.levels if measure_counts_people(one.measure)}
    named |= {one.id for one in review.readings if reading_compares_people(one.id)}
    return _with_redactions(
        review,
        [one for one in review.levels if not measure_counts_people(one.measure)],
        [one for one in review.readings if not reading_compares_people(one.id)],
        dict.fromkeys(named, "other_cut"),
    )


def has_people_figures(review: Review) -> bool:
    """Whether any figure of a review is about people."""
    return any(measure_counts_people(one.measure) for one in review.levels) or any(
        reading_compares_people(one.id) for one in review.readings
    )


def redact_small_groups(review: Review, calendar: Calendar, may: Disclosure, joint: Review | None = None) -> Review:
    """The review with no figure that, beside the others that are shown, isolates the answers of 1 to 4 people.

    What may not be shown as the viewer's side sees it is shown as both sides share it, or else is missing.

    :param calendar: the book's own
    :param may: what may be shown of this view
    :param joint: the joint review of the same period, itself without such figures; None: this is it
    """
    withheld: dict[str, str] = {}
    levels = [
        one for level in review.levels if (one := _redact_level(level, review.period, may, joint, withheld)) is not None
    ]
    shared = {(one.id, one.variant): one for one in joint.readings} if joint is not None else {}
    readings, histories = [], dict(review.histories)
    for reading in review.readings:
        key = (reading.id, reading.variant)
        if not reading_compares_people(reading.id):
            readings.append(reading)
            continue
        shared_points = joint.histories.get(key, ()) if joint is not None else ()
        histories[key] = _redact_history(review.histories.get(key, ()), reading, calendar, may, shared_points)
        if (*key, review.period, review.reference) in may.readings:
            readings.append(_redact_reading(reading, review, calendar, may, shared.get(key)))
        elif key in shared:
            withheld[reading.id] = "as_shared"
            readings.append(shared[key])
        else:
            withheld[reading.id] = "few_apart"
            histories.pop(key)
    limits = {
        key: found
        for key, points in histories.items()
        if (
            found := review.history_limits.get(key)
            if not reading_compares_people(key[0])
            else _limits(points, review.period)
        )
    }
    return replace(_with_redactions(review, levels, readings, withheld), histories=histories, history_limits=limits)


# Levels -----------------------------------------------------------------------------------------------------------


def _redact_level(
    level: Level, period: Period, may: Disclosure, joint: Review | None, withheld: dict[str, str]
) -> Level | None:
    if not measure_counts_people(level.measure):
        return level
    shared = next((one for one in joint.levels if one.kpi == level.kpi), None) if joint is not None else None
    key = (level.kpi, level.days or period)
    if key not in may.levels:
        withheld[level.kpi] = "few_apart" if shared is None else "as_shared"
        if shared is None:
            return None
        level_shown: Level = shared
    else:
        level_shown = _alone(level, rate=key in may.rates)
        if level.earlier:
            level_shown = replace(level_shown, earlier=_redact_earlier(level, may, shared))
    points = {one.period: one for one in (shared.history if shared is not None else ())}
    history = [
        one
        for point in level.history
        if (one := point if (level.kpi, point.days or point.period) in may.levels else points.get(point.period))
        is not None
    ]
    limits = None if level_shown.days is not None else _limits(history, period)
    return replace(level_shown, history=tuple(history), limits=limits)


def _alone(level: Level, *, rate: bool) -> Level:
    """A level without what it is with days of relief, which would tell of these days; perhaps without its rate."""
    if level.relieved is not None:
        level = replace(level, relieved=replace(level.relieved, value=None, num=None, den=None))
    return level if rate else replace(level, also={**level.also, _RATE: None})


def _redact_earlier(level: Level, may: Disclosure, shared: Level | None) -> tuple[Level, ...]:
    """The levels of the stretches before that may be shown, or else as both sides share them."""
    joint = {} if shared is None else {one.days: one for one in shared.earlier}
    shown = []
    for one in level.earlier:
        key = (one.kpi, one.days)
        if key in may.levels:
            shown.append(_alone(one, rate=key in may.rates))
        elif one.days in joint:
            shown.append(joint[one.days])
    return tuple(shown)


def _limits(points: Iterable[LevelPoint | ReadingPoint], judged: Period) -> Limits | None:
    """Natural limits from the points that are shown: those of other points would tell what these are."""
    return limits_before(
        judged,
        (
            (point.period, point.value if isinstance(point, LevelPoint) else point.like_for_like)
            for point in points
            if not isinstance(point, LevelPoint) or point.days is None
        ),
    )


# Readings ---------------------------------------------------------------------------------------------------------


def _redact_reading(
    reading: Reading,
    review: Review,
    calendar: Calendar,
    may: Disclosure,
    shared: Reading | None,
) -> Reading:
    """A reading that is shown, with its parts, response rates and another comparison as far as these may be shown."""
    key: ReadingKey = (reading.id, reading.variant, review.period, review.reference)
    also = dict(reading.also)
    if key not in may.rates:
        also.pop(_RATE, None)
    others = [one for how in Against if (one := calendar.against(review.period, how)) != review.reference]
    if not any((reading.id, reading.variant, review.period, one) in may.readings for one in others):
        for name in _OTHERS:
            also.pop(name, None)
            if shared is not None and name in shared.also:
                also[name] = shared.also[name]
    if key in may.parts:
        return replace(reading, also=also)
    also = {name: value for name, value in also.items() if name not in _OF_PARTS}
    return replace(reading, also=also, parts=(), counts={}, cause=None)


def _redact_history(
    points: Sequence[ReadingPoint],
    reading: Reading,
    calendar: Calendar,
    may: Disclosure,
    shared: Sequence[ReadingPoint],
) -> tuple[ReadingPoint, ...]:
    """The history of a reading, each point a comparison with the period before."""
    shared_points = {point_shown.period: point_shown for point_shown in shared}
    points_shown = []
    for point in points:
        before = calendar.against(point.period, Against.PREVIOUS)
        point_shown = (
            point
            if (reading.id, reading.variant, point.period, before) in may.readings
            else shared_points.get(point.period)
        )
        if point_shown is not None:
            points_shown.append(point_shown)
    return tuple(points_shown)


# The rest ---------------------------------------------------------------------------------------------------------


def _with_redactions(
    review: Review, levels: Sequence[Level], readings: Sequence[Reading], withheld: Mapping[str, str]
) -> Review:
    """The review with other levels and readings, what was withheld among what is missing, and a digest of these.

    The digest that was made with the withheld figures would confirm a guess at them.
    """
    still_missing = [one for one in review.missing if one.reading not in withheld]
    missing = [Missing(name, (), "both", why) for name, why in sorted(withheld.items())]
    figures = [
        [
            [one.kpi, f"{one.value:.9g}", f"{one.num:.9g}", f"{one.den:.9g}"]
            for level in levels
            for one in (level, *level.earlier)
        ],
        [[one.id, one.variant, one.verdict, *(f"{part.value:.9g}" for part in one.parts)] for one in readings],
        None if review.paid is None else [f"{value or 0.0:.9g}" for value in review.paid.amounts.values()],
        [
            review.book,
            review.viewer_side,
            str(review.period.start),
            str(review.period.end),
            str(review.reference.start),
        ],
    ]
    digest = hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()
    return replace(
        review,
        levels=tuple(levels),
        readings=tuple(readings),
        missing=(*still_missing, *missing),
        digest=digest if withheld else review.digest,
    )
