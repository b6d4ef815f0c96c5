"""When a service level was missed, drawn: days as a control chart over a map of days and half hours, and as a table."""

import math
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from comity.core.economics.attribution import SharedOut
from comity.review.attributing import Attribution
from comity.review.faces import charts
from comity.review.faces.attribution_rows import period_name, short
from comity.review.faces.words import DASH, Words
from comity.review.happened import STEPS, Happened, Stretch, gaps, happened

_DAYS_HIGH, _GAP, _FOOT = 128.0, 14.0, 36.0  # px: the days' levels, what lies between them and the map, its names
_ROW, _LOW_ROW, _MANY_ROWS = 15.0, 11.0, 32  # px a half hour, px where there are many, and how many those are
_FEW_DAYS, _ONE_MONTH = 14, 31
_ROOM = 4  # columns that the name of a week needs where there are many
SIGNS = {"customer": "\u25cf", "provider": "\u25a0", "both": "\u25d0"}
_LOOKS = {"customer": "round", "provider": "square"}


@dataclass(frozen=True, slots=True)
class Found:
    """A finding: whose, when, and how much, as a sentence."""

    answers: str
    when: str
    says: str


@dataclass(frozen=True, slots=True)
class Line:
    """One day, or day of the week, of the table: its level, its contacts, and each half hour with who answers."""

    name: str
    level: str
    contacts: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """All that the page shows of when it was. `wide` is how much room the drawing needs: a class of the stylesheet."""

    names: Markup
    drawing: Markup
    wide: str
    found: tuple[Found, ...]
    spread: str
    about: str
    limits: str
    target: str
    marked: tuple[tuple[str, str], ...]
    shades: tuple[str, ...]
    hours: tuple[str, ...]
    lines: tuple[Line, ...]
    counted: int
    by_week: bool


def drawn(made: Attribution, shared: SharedOut, words: Words) -> Map | None:
    """When it was, as finished text and drawing."""
    when = happened(made, shared)
    if when is None:
        return None
    target = shared.target * 100
    steps = [target - step * 100 for step in STEPS]
    marked = tuple(
        (side, _half_hours(when.marked(side), words)) for side in ("customer", "provider", "both") if when.marked(side)
    )
    chart, names = _chart(shared, when, words)
    few = len(when.columns) <= _FEW_DAYS
    limits = "" if made.usual is None else words.period(made.usual.period, made.cut)
    return Map(
        names.screen(),
        chart.screen("heat"),
        "few" if few else "month" if len(when.columns) <= _ONE_MONTH else "quarter",
        tuple(_found(one, made, when, words) for one in when.stretches),
        words("attribution.spread") if shared.fit and not when.stretches else "",
        words(
            "attribution.when_about" if when.days else "attribution.when_week_about",
            period=period_name(made, words),
            edge=f"{short(steps[0], words)}\u00a0%",
        ),
        words("attribution.usual", period=limits) if limits and when.days else "",
        words("attribution.agreed_at", target=f"{short(target, words)}\u00a0%"),
        marked,
        (
            words("attribution.shade_under", high=f"{short(steps[2], words)}\u00a0%"),
            *(
                words("word.to", low=short(low, words), high=short(high, words))
                for low, high in ((steps[2], steps[1]), (steps[1], steps[0]), (steps[0], target))
            ),
            words("attribution.shade_met", low=short(target, words)),
        ),
        tuple(clock(when.first + row) for row in range(len(when.who))),
        _lines(when, words),
        int((when.counted > 0).sum()),
        not when.days,
    )


def _half_hours(count: int, words: Words) -> str:
    return words("attribution.half_hour") if count == 1 else words("attribution.half_hours", count=words.number(count))


def clock(slot: int) -> str:
    """When a half hour of the day begins; 48 is midnight."""
    return f"{slot // 2:02}:{slot % 2 * 30:02}"


def _found(one: Stretch, made: Attribution, when_all: Happened, words: Words) -> Found:
    all_day = one.first == when_all.first and one.last == when_all.first + len(when_all.who) - 1
    from_to = words("attribution.found_hours", start=clock(one.first), end=clock(one.last + 1))
    hours = {"hours": words("attribution.found_all_day") if all_day else from_to}
    if one.weekday is not None:
        when = words("attribution.found_weekday", day=words.weekday(one.weekday, wide=True), **hours)
    elif (one.last_day - one.first_day).days >= made.period.days - 3:  # but for a free day at either end
        when = words("attribution.found_all", period=period_name(made, words), **hours)
    else:
        days = words(
            "word.from_to", first=words.day(one.first_day, year=False), last=words.day(one.last_day, year=False)
        )
        when = words("attribution.found_days", days=days, **hours)
    says = words(
        "attribution.found_says",
        cause=words(f"attribution.{one.cause}"),
        lost=words.number(one.lost * 100, 2),
        of_all=words.number(one.of_all * 100, 2),
        contacts=words.percent(one.contacts, 0),
    )
    return Found(one.answers, when, says)


def _chart(shared: SharedOut, when: Happened, words: Words) -> tuple[charts.Chart, charts.Chart]:
    """The days' levels over the map, on one x axis; and the names at its left, in a chart of their own."""
    columns, rows = len(when.columns), len(when.who)
    wide, high = 100 / columns, _LOW_ROW if rows > _MANY_ROWS else _ROW
    top = _DAYS_HIGH + _GAP if when.days else 0.0
    foot = top + rows * high
    shapes: list[charts.Shape] = []
    names: list[charts.Shape] = []
    if when.days:
        shapes, names = _days(shared, when, words)
    cells, looks = _cells(shared, when, top, high)
    shapes += cells
    for at in gaps(when.columns):
        shapes.append(charts.Line(at * wide, top, at * wide, foot + _FOOT - 4, "axis"))
    shapes += _columns(when, words, wide, foot)
    for row in range(rows):
        slot = when.first + row
        if slot % 2 == 0 and (rows <= _MANY_ROWS or slot % 4 == 0):
            names.append(charts.Text(84, top + row * high + high / 2 + 4, clock(slot), "quiet", "end"))
    said = words(
        "attribution.map_sentence",
        count=words.number(sum(len(cells) for cells in looks.values())),
        missed=words.number(sum(len(cells) for look, cells in looks.items() if look != "met")),
    )
    return charts.Chart(tuple(shapes), foot + _FOOT, said), charts.Chart(tuple(names), foot + _FOOT)


def _cells(
    shared: SharedOut, when: Happened, top: float, high: float
) -> tuple[list[charts.Shape], dict[str, list[tuple[int, int]]]]:
    """The shades and the marks; and which cells bear which shade."""
    looks: dict[str, list[tuple[int, int]]] = {look: [] for look in ("h1", "h2", "h3", "h4", "met")}
    marks: dict[str, list[tuple[int, int]]] = {side: [] for side in SIGNS}
    for row, whose in enumerate(when.who):
        for column, side in enumerate(whose):
            shade = when.shade(row, column, shared.target)
            if shade is not None:
                looks[f"h{shade}" if shade else "met"].append((column, row))
            if side:
                marks[side].append((column, row))
    columns, rows = len(when.columns), len(when.who)
    grid = (0.0, top, 100.0, rows * high, columns, rows)
    shapes: list[charts.Shape] = [charts.Cells(*grid, tuple(own), look) for look, own in looks.items() if own]
    for side, own in marks.items():
        if side in _LOOKS and own:
            shapes.append(charts.Cells(*grid, tuple(own), _LOOKS[side], marks=True))
        else:
            middle = [((column + 0.5) * 100 / columns, top + (row + 0.5) * high) for column, row in own]
            shapes += [charts.Mark(x, y, "half", "joint") for x, y in middle]
    return shapes, looks


def _columns(when: Happened, words: Words, wide: float, foot: float) -> list[charts.Shape]:
    """The names under the map: every day of a month, or the first of each week that has room for it."""
    found: list[charts.Shape] = []
    weeks = {0, *gaps(when.columns)}
    for at, column in enumerate(when.columns):
        if isinstance(column, int) and not isinstance(column, date):
            found.append(charts.Text((at + 0.5) * wide, foot + 14, words.weekday(column), "quiet", "middle"))
            continue
        assert isinstance(column, date)
        if len(when.columns) <= _ONE_MONTH:
            look = "quiet" if at % 2 == 0 else "quiet minor"
            found.append(charts.Text((at + 0.5) * wide, foot + 14, str(column.day), look, "middle"))
        if at in weeks and (at == 0 or len(when.columns) - at > (_ROOM if len(when.columns) > _ONE_MONTH else 2)):
            name = words.brief(column)
            room = at > 0 or min(weeks - {0}, default=9) > _ROOM  # a first week cut short has no room for its name
            if len(when.columns) > _ONE_MONTH and room:
                found.append(charts.Text(at * wide, foot + 16, name, "quiet", "start", 3.0))
            elif len(when.columns) <= _ONE_MONTH:
                name = (
                    f"{words.weekday(column.weekday())} {words.day(column, year=False)}"
                    if at == 0
                    else words.weekday(column.weekday())
                )
                if at > 0 or room:
                    found.append(charts.Text(at * wide, foot + 30, name, "strong", "start", 3.0))
    return found


def _days(shared: SharedOut, when: Happened, words: Words) -> tuple[list[charts.Shape], list[charts.Shape]]:
    wide = 100 / len(when.days)
    known = [one for one in when.days if one.counted > 0]
    levels = [one.level * 100 for one in known]
    axis = charts.scale([*levels, shared.target * 100], 8, _DAYS_HIGH - 8)
    shapes: list[charts.Shape] = []
    names: list[charts.Shape] = []
    for at, one in enumerate(when.days):
        if one.limits is not None:
            low, high = (min(max(end * 100, axis.low), axis.high) for end in one.limits)
            shapes.append(charts.Rect(at * wide, axis.y(high), wide + 0.02, axis.y(low) - axis.y(high), "band"))
    for value in axis.ticks():
        shapes.append(charts.Line(0, axis.y(value), 100, axis.y(value), "grid"))
        names.append(charts.Text(84, axis.y(value) + 4, short(value, words), "quiet", "end"))
    aim = axis.y(shared.target * 100)
    shapes.append(charts.Line(0, aim, 100, aim, "target"))
    spots = [((at + 0.5) * wide, axis.y(one.level * 100), one) for at, one in enumerate(when.days) if one.counted > 0]
    shapes.append(charts.Path(tuple((x, y) for x, y, _ in spots), "thin"))
    for x, y, one in spots:
        shapes.append(charts.Mark(x, y, "ring", "outside") if one.outside else charts.Mark(x, y, "dot", "thick-mark"))
    return shapes, names


def _lines(when: Happened, words: Words) -> tuple[Line, ...]:
    found = []
    for column, name in enumerate(when.columns):
        cells = []
        for row in range(len(when.who)):
            counted = when.counted[row, column]
            level = words.number(when.good[row, column] / counted * 100) if counted > 0 else DASH
            side = when.who[row][column]
            cells.append(f"{level}\u00a0{SIGNS[side]}" if side else level)
        counted, good = float(when.counted[:, column].sum()), float(when.good[:, column].sum())
        shown = words.day(name, year=False) if isinstance(name, date) else words.weekday(name)
        level = words.percent(good / counted) if counted and math.isfinite(good) else DASH
        found.append(Line(shown, level, words.number(counted), tuple(cells)))
    return tuple(found)
