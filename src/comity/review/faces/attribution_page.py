"""A service level shared out as one self-contained page: a waterfall, and where in the day it was lost."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from markupsafe import Markup

from comity.core.economics.attribution import SharedOut
from comity.core.values import Side
from comity.review.attributing import Attribution
from comity.review.faces import charts
from comity.review.faces.attribution_rows import asked, notes, points, rows, sentence, title
from comity.review.faces.page import environment, sealed, stylesheet
from comity.review.faces.words import Words

_LOOKS = {"customer": "customer", "provider": "provider", "both": "joint", None: "nobody"}
_MOST_DAYS = 92  # beyond, a row is a day of the week
_ROW, _HEAD, _LEFT = 14.0, 18.0, 13.0  # px, px, per cent
_SHADES = 5
_WORST = 5


def render(made: Attribution, words: Words) -> str:
    """The page as text, for a browser: no script, no reference to elsewhere."""
    template = environment().get_template("attribution.html")
    return template.render(**view(made, words), **sealed(stylesheet("page.css")))


def body(made: Attribution, words: Words) -> Markup:
    """What the page says, without its head: for a page of the room."""
    return Markup(environment().get_template("attribution_body.html").render(**view(made, words)))  # noqa: S704 - rendered with every text escaped


def view(made: Attribution, words: Words) -> dict[str, Any]:
    """Everything that the templates lay out, as finished text and drawings."""
    shared = made.shared
    told = None if shared is None else rows(made, shared, words)
    falls: list[Markup] = []
    if told is not None:
        bars = [charts.Bar(row.start, row.end, _LOOKS[row.answers]) for row in told.parts]
        falls = [chart.screen() for chart in charts.waterfall_rows(told.start, bars, told.end, 44)]
    return {
        "words": words,
        "paper": False,
        "title": title(made, words),
        "party": lambda side: words.side(side, made.parties),
        "sides": list(Side),
        "missing": [asked(one, made, words) for one in made.missing],
        "sentence": None if shared is None else sentence(shared, words),
        "fit": shared is not None and shared.fit,
        "told": told,
        "falls": falls,
        "notes": [] if shared is None else notes(made, shared, words),
        "heat": None if shared is None else _heat(made, shared, words),
        "worst": [] if shared is None else _worst(made, shared, words),
    }


def _local(made: Attribution) -> list[datetime]:
    """When each interval began, by the book's own clock."""
    zone = ZoneInfo(made.timezone)
    starts = [] if made.planned is None else made.planned.starts.tolist()
    known = {one: datetime.fromtimestamp(one / 1e6, UTC).astimezone(zone) for one in set(starts)}
    return [known[one] for one in starts]


def _changes(shared: SharedOut) -> np.ndarray:
    """What happened, by interval, against the plan: the sum of all parts but the plan's."""
    return np.asarray(sum(shared.by_interval.values()))


def _heat(made: Attribution, shared: SharedOut, words: Words) -> Markup:
    """Days down, half hours across; the darker, the more was lost; what was gained is outlined."""
    local, changes = _local(made), _changes(shared)
    by_week = made.period.days > _MOST_DAYS
    days: list[date | int] = sorted({one.weekday() for one in local} if by_week else {one.date() for one in local})
    slots = [one.hour * 2 + one.minute // 30 for one in local]
    first, last = min(slots), max(slots)
    sums = np.zeros((len(days), last - first + 1))
    for one, slot, change in zip(local, slots, changes.tolist(), strict=True):
        sums[days.index(one.weekday() if by_week else one.date()), slot - first] += change
    most = float(np.abs(sums).max()) or 1.0
    wide = (100 - _LEFT) / sums.shape[1]
    shapes: list[charts.Shape] = []
    for at in range(0, sums.shape[1], max(2, sums.shape[1] // 8 // 2 * 2)):
        hour, half = divmod(at + first, 2)
        shapes.append(charts.Text(_LEFT + at * wide, 12, f"{hour}:{half * 30:02}", "name", "start"))
    for down, day in enumerate(days):
        name = words.weekday(day) if isinstance(day, int) else words.day(day, year=False)
        if by_week or len(days) <= _MOST_DAYS // 2 or down % 7 == 0:
            shapes.append(charts.Text(0, _HEAD + down * _ROW + 10, name, "name", "start"))
        for across, change in enumerate(sums[down].tolist()):
            shade = round(abs(change) / most * _SHADES)
            if shade:
                look = f"lost{shade}" if change < 0 else "gained"
                place = (_LEFT + across * wide, _HEAD + down * _ROW + 1)
                shapes.append(charts.Rect(*place, max(wide - 0.25, 0.2), _ROW - 2, look))
    said = words("attribution.heat_sentence", worst="; ".join(when for when, _ in _worst(made, shared, words)))
    return charts.Chart(tuple(shapes), _HEAD + len(days) * _ROW, said).screen("heat")


def _worst(made: Attribution, shared: SharedOut, words: Words) -> list[tuple[str, str]]:
    """The half hours in which most was lost, and how much, over all queues."""
    sums: dict[datetime, float] = {}
    for one, change in zip(_local(made), _changes(shared).tolist(), strict=True):
        sums[one] = sums.get(one, 0.0) + change
    found: Sequence[tuple[datetime, float]] = sorted(sums.items(), key=lambda item: (item[1], item[0]))[:_WORST]
    half = timedelta(minutes=30)
    largest = max((-change * 100 for _, change in found if change < 0), default=1.0)
    places = max(2, 1 - math.floor(math.log10(largest)))  # of a year one half hour is little: two digits of it are told
    return [
        (f"{words.day(one.date())} {one:%H:%M}\u2013{one + half:%H:%M}", points(change, words, places))
        for one, change in found
        if change < 0
    ]
