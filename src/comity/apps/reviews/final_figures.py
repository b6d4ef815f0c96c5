"""A review of a final period with the figures that both sides confirmed, whatever the records have come to say since.

A final figure stays. Where the records now give another one, that stands beside it as what they give now, until both
know it by a restatement.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from comity.apps.reviews.figures import Figures
from comity.core.agreements.kpi import HIGHER, Kpi
from comity.core.readings.reading import Reading
from comity.core.values import Period, Side
from comity.review.model import ConfirmedReading, Final, Level, LevelPoint, Review
from comity.review.readings import measure_counts_people, reading_compares_people
from comity.review.views.reading import find_reading

_REL_TOLERANCE = 1e-9  # as figures are compared


def with_final_figures(review: Review, figures: Figures, wordings: Iterable[Kpi]) -> Review:
    """The review with each level, and each disputed reading, as it became final.

    :param review: as the records give it now, of the joint view or of one side's
    :param figures: of the entry by which the period became final
    :param wordings: of the KPIs by the book, for levels that the records no longer give
    """
    known = {kpi.id: kpi for kpi in wordings}
    review = _with_confirmed_readings(review, figures)
    now = {level.kpi: level for level in review.levels}
    final: dict[str, Level] = {}
    for kpi, figure in figures.items():
        level = now.get(kpi)
        if figure.get("definition") == {}:
            continue  # a disputed reading, which is no level
        if figure["value"] is None:  # an entry that holds no value of it
            final |= {} if level is None else {kpi: level}
        elif level is not None:
            same = _is_same(level, figure)
            final[kpi] = _with_reports(level, figure) if same else _as_final(level, figure, review.period)
        elif kpi in known:
            final[kpi] = _of_entry(known[kpi], figure)
    # A side's own view may hold levels of its private tables, which are no figures of both.
    own = [level for level in review.levels if review.viewer_side is not None and level.kpi not in final]
    order = {kpi: place for place, kpi in enumerate([*now, *figures])}
    levels = tuple(sorted([*final.values(), *own], key=lambda level: order[level.kpi]))
    confirmed = review.confirmed_readings
    if levels == review.levels and all(one.same for one in confirmed):
        return review
    digest = hashlib.sha256(json.dumps([review.digest, figures], sort_keys=True).encode()).hexdigest()
    kept = {*final, *(one.id for one in confirmed)}
    missing = tuple(one for one in review.missing if one.reading not in kept)
    return replace(review, levels=levels, missing=missing, digest=digest)


def _with_confirmed_readings(review: Review, figures: Figures) -> Review:
    """The review with each disputed reading as it became final.

    Of people no two figures of almost the same answers stand beside each other: what the records give now goes.
    """
    confirmed: list[ConfirmedReading] = []
    gone: list[Reading] = []
    for key, figure in figures.items():
        if figure.get("definition") != {}:
            continue
        now = find_reading(review, key)
        value = None if figure["value"] is None else float(figure["value"])
        same = now is not None and _is_close(value, now.after)
        confirmed.append(ConfirmedReading(key, figure["measure"], figure["unit"], value, same))
        if now is not None and not same and reading_compares_people(now.id):
            gone.append(now)
    if not confirmed:
        return review
    readings = tuple(one for one in review.readings if one not in gone)
    return replace(review, readings=readings, confirmed_readings=tuple(confirmed))


def _is_same(level: Level, figure: Mapping[str, Any]) -> bool:
    confirmed = _confirmed(figure)
    values = ((confirmed[name], getattr(level, name)) for name in ("value", "target"))
    return level.met == figure["met"] and all(_is_close(then, now) for then, now in values)


def _is_close(then: float | None, now: float | None) -> bool:
    """Whether two numbers are the same but for the last digits: what is confirmed is written with twelve."""
    if then is None or now is None:
        return then is now
    return math.isclose(then, now, rel_tol=_REL_TOLERANCE)


def _with_reports(level: Level, figure: Mapping[str, Any]) -> Level:
    """The level with each side's own figure as it stood when both confirmed; a later one is not final."""
    reported = _confirmed(figure)["reported"]
    if all(_is_close(reported[side], level.reported.get(side)) for side in Side):
        return level
    return replace(level, reported=reported, explains={}, explains_in_full={})


def _as_final(level: Level, figure: Mapping[str, Any], period: Period) -> Level:
    """The level with what was confirmed; what only goes with the figure that the records give now is left out."""
    confirmed = _confirmed(figure)
    return replace(
        level,
        **confirmed,
        history=_history(level, period, confirmed),
        se=None,
        beyond_chance=None,
        variants={},
        explains={},
        variants_in_full={},
        explains_in_full={},
        mean_of_intervals=None,
        intervals_in_target=None,
        also={},
        low=None,
        high=None,
        earlier=(),
        relieved=None,
        # Of people no two figures of almost the same answers stand beside each other: they would tell of one person.
        final=Final(None if measure_counts_people(level.measure) else level.value),
    )


def _history(level: Level, period: Period, confirmed: Mapping[str, Any]) -> tuple[LevelPoint, ...]:
    """The history with one point for the final period: a chart that ends with another figure would contradict it."""
    points = [point for point in level.history if point.period != period]
    if len(points) == len(level.history):
        return level.history
    own = LevelPoint(period, se=None, **{name: confirmed[name] for name in ("value", "target", "num", "den")})
    return tuple(sorted([*points, own], key=lambda point: (point.period.start, point.period.end)))


def _of_entry(kpi: Kpi, figure: Mapping[str, Any]) -> Level:
    return Level(
        kpi=kpi.id,
        measure=figure["measure"],
        unit=figure["unit"],
        better=(figure.get("definition") or {}).get("better", HIGHER),
        se=None,
        beyond_chance=None,
        definition=kpi,
        final=Final(None),
        **_confirmed(figure),
    )


def _confirmed(figure: Mapping[str, Any]) -> dict[str, Any]:
    # Entries of earlier versions hold less.
    reported = {side: (figure.get("reported") or {}).get(side.value) for side in Side}
    return {
        "value": float(figure["value"]),
        "num": math.nan if figure.get("num") is None else float(figure["num"]),
        "den": math.nan if figure.get("den") is None else float(figure["den"]),
        "target": None if figure["target"] is None else float(figure["target"]),
        "met": figure["met"],
        "reported": {side: None if value is None else float(value) for side, value in reported.items()},
    }
