"""When a service level was missed, drawn: days as a control chart over a map of days and half hours, and as a table."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from comity.core.economics.attribution import SharedOut
from comity.review.attribution import Attribution
from comity.review.draw import charts
from comity.review.i18n.words import DASH, Words
from comity.review.miss_map import STEPS, MissMap, Stretch, build_miss_map, week_starts
from comity.review.views.attribution import period_name, short_number

_DAYS_HIGH, _GAP, _FOOT = 128.0, 14.0, 36.0  # px: the days' levels, what lies between them and the map, its names
_ROW, _LOW_ROW, _MANY_ROWS = 15.0, 11.0, 32  # px a half hour, px where there are many, and how many those are
_FEW_DAYS, _ONE_MONTH = 14, 31
_ROOM = 4  # columns that the name of a week needs where there are many
SIGNS = {"customer": "\u25cf", "provider": "\u25a0", "both": "\u25d0"}
_LOOKS = {"customer": "round", "provider": "square"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: whose, when, and how much, as a sentence."""

    answers: str
    when: str
    says: str


@dataclass(frozen=True, slots=True)
class TableRow:
    """One day, or day of the week, of the table: its level, its contacts, and each half hour with who answers."""

    name: str
    level: str
    contacts: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MissMapDrawing:
    """All that the page shows of when it was. `wide` is how much room the drawing needs: a class of the stylesheet."""

    names: Markup
    drawing: Markup
    wide: str
    found: tuple[Finding, ...]
    spread: str
    about: str
    limits: str
    target: str
    marked: tuple[tuple[str, str], ...]
    shades: tuple[tuple[str, str], ...]
    hours: tuple[str, ...]
    lines: tuple[TableRow, ...]
    counted: int
    by_week: bool


def draw_miss_map(attribution: Attribution, shared: SharedOut, words: Words) -> MissMapDrawing | None:
    """When it was, as finished text and drawing."""
    miss_map = build_miss_map(attribution, shared)
    if miss_map is None:
        return None
    target = shared.target * 100
    steps = [target - step * 100 for step in STEPS]
    marked = tuple(
        (side, _half_hours(miss_map.marked(side), words))
        for side in ("customer", "provider", "both")
        if miss_map.marked(side)
    )
    chart, names = _chart(shared, miss_map, words, lambda side: words.side(side, attribution.parties))
    few = len(miss_map.columns) <= _FEW_DAYS
    limits = "" if attribution.usual is None else words.period(attribution.usual.period, attribution.cut)
    return MissMapDrawing(
        names.screen(),
        chart.screen("heat"),
        "few" if few else "month" if len(miss_map.columns) <= _ONE_MONTH else "quarter",
        tuple(_finding(one, attribution, miss_map, words) for one in miss_map.stretches),
        words("attribution.spread") if shared.fit and not miss_map.stretches else "",
        words(
            "attribution.when_about" if miss_map.days else "attribution.when_week_about",
            period=period_name(attribution, words),
            edge=f"{short_number(steps[0], words)}\u00a0%",
        ),
        words("attribution.usual", period=limits) if limits and miss_map.days else "",
        words("attribution.agreed_at", target=f"{short_number(target, words)}\u00a0%"),
        marked,
        _shades(steps, target, words),
        tuple(slot_time(miss_map.first + row) for row in range(len(miss_map.sides))),
        _lines(miss_map, words),
        int((miss_map.counted > 0).sum()),
        not miss_map.days,
    )


def _shades(steps: Sequence[float], target: float, words: Words) -> tuple[tuple[str, str], ...]:
    """Each shade by its look and by what it means, the lowest first."""
    first, second, third = steps
    between = (
        (look, words("word.to", low=short_number(low, words), high=short_number(high, words)))
        for look, low, high in (("shade-3", third, second), ("shade-2", second, first), ("shade-1", first, target))
    )
    lowest = words("attribution.shade_under", high=f"{short_number(third, words)}\u00a0%")
    return ("shade-4", lowest), *between, ("met", words("attribution.shade_met", low=short_number(target, words)))


def _half_hours(count: int, words: Words) -> str:
    return words("attribution.half_hours", count=words.number(count))


def slot_time(slot: int) -> str:
    """When a half hour of the day begins; 48 is midnight."""
    return f"{slot // 2:02}:{slot % 2 * 30:02}"


def _finding(stretch: Stretch, attribution: Attribution, miss_map: MissMap, words: Words) -> Finding:
    all_day = stretch.first == miss_map.first and stretch.last == miss_map.first + len(miss_map.sides) - 1
    from_to = words("attribution.found_hours", start=slot_time(stretch.first), end=slot_time(stretch.last + 1))
    hours = {"hours": words("attribution.found_all_day") if all_day else from_to}
    if stretch.weekday is not None:
        when = words("attribution.found_weekday", day=words.weekday(stretch.weekday, wide=True), **hours)
    elif (stretch.last_day - stretch.first_day).days >= attribution.period.days - 3:  # but for a free day at either end
        when = words("attribution.found_all", period=period_name(attribution, words), **hours)
    else:
        days = words(
            "word.from_to", first=words.day(stretch.first_day, year=False), last=words.day(stretch.last_day, year=False)
        )
        when = words("attribution.found_days", days=days, **hours)
    says = words(
        "attribution.found_says",
        cause=words(f"attribution.{stretch.cause}"),
        lost=words.number(stretch.lost * 100, 2),
        of_all=words.number(stretch.of_all * 100, 2),
        contacts=words.percent(stretch.contacts, 0),
    )
    return Finding(stretch.answers, when, says)


def _chart(
    shared: SharedOut, miss_map: MissMap, words: Words, party: Callable[[str], str]
) -> tuple[charts.Chart, charts.Chart]:
    """The days' levels over the map, on one x axis; and the names at its left, in a chart of their own."""
    columns, rows = len(miss_map.columns), len(miss_map.sides)
    wide, high = 100 / columns, _LOW_ROW if rows > _MANY_ROWS else _ROW
    top = _DAYS_HIGH + _GAP if miss_map.days else 0.0
    foot = top + rows * high
    shapes: list[charts.Shape] = []
    names: list[charts.Shape] = []
    if miss_map.days:
        shapes, names = _days(shared, miss_map, words)
    cells, looks = _cells(shared, miss_map, top, high)
    shapes += cells
    if columns <= _ONE_MONTH:
        shapes += _reaches(miss_map, words, party, top, high)
    for at in week_starts(miss_map.columns):
        shapes.append(charts.Line(at * wide, top, at * wide, foot + _FOOT - 4, "axis"))
    shapes += _columns(miss_map, words, wide, foot)
    for row in range(rows):
        slot = miss_map.first + row
        if slot % 2 == 0 and (rows <= _MANY_ROWS or slot % 4 == 0):
            names.append(charts.Text(84, top + row * high + high / 2 + 4, slot_time(slot), "quiet", "end"))
    sentence = words(
        "attribution.map_sentence",
        count=words.number(sum(len(cells) for cells in looks.values())),
        missed=words.number(sum(len(cells) for look, cells in looks.items() if look != "met")),
    )
    return charts.Chart(tuple(shapes), foot + _FOOT, sentence), charts.Chart(tuple(names), foot + _FOOT)


def _cells(
    shared: SharedOut, miss_map: MissMap, top: float, high: float
) -> tuple[list[charts.Shape], dict[str, list[tuple[int, int]]]]:
    """The shades and the marks; and which cells bear which shade."""
    looks: dict[str, list[tuple[int, int]]] = {look: [] for look in ("shade-1", "shade-2", "shade-3", "shade-4", "met")}
    marks: dict[str, list[tuple[int, int]]] = {side: [] for side in SIGNS}
    for row, whose in enumerate(miss_map.sides):
        for column, side in enumerate(whose):
            shade = miss_map.shade(row, column, shared.target)
            if shade is not None:
                looks[f"shade-{shade}" if shade else "met"].append((column, row))
            if side:
                marks[side].append((column, row))
    columns, rows = len(miss_map.columns), len(miss_map.sides)
    grid = (0.0, top, 100.0, rows * high, columns, rows)
    shapes: list[charts.Shape] = [charts.Cells(*grid, tuple(cells), look) for look, cells in looks.items() if cells]
    for side, cells in marks.items():
        if side in _LOOKS and cells:
            shapes.append(charts.Cells(*grid, tuple(cells), _LOOKS[side], marks=True))
        else:
            middle = [((column + 0.5) * 100 / columns, top + (row + 0.5) * high) for column, row in cells]
            shapes += [charts.Mark(x, y, "half", "joint") for x, y in middle]
    return shapes, looks


def _reaches(
    miss_map: MissMap, words: Words, party: Callable[[str], str], top: float, high: float
) -> list[charts.Shape]:
    """What each cell says under a pointer: when, its level, and who answers for most; what the table has, no more."""
    wide = 100 / len(miss_map.columns)
    shapes: list[charts.Shape] = []
    for row, whose in enumerate(miss_map.sides):
        for column, side in enumerate(whose):
            counted = miss_map.counted[row, column]
            if counted > 0:
                level = words.percent(miss_map.good[row, column] / counted, 0)
                text = f"{_column_name(miss_map.columns[column], words)}, {slot_time(miss_map.first + row)}: {level}"
                text += f", {party(side)}" if side else ""
                shapes.append(charts.Reach(column * wide, top + row * high, wide, high, text))
    return shapes


def _column_name(column: date | int, words: Words) -> str:
    return words.day(column, year=False) if isinstance(column, date) else words.weekday(column)


def _columns(miss_map: MissMap, words: Words, wide: float, foot: float) -> list[charts.Shape]:
    """The names under the map: every day of a month, or the first of each week that has room for it."""
    labels: list[charts.Shape] = []
    weeks = {0, *week_starts(miss_map.columns)}
    for at, column in enumerate(miss_map.columns):
        if isinstance(column, int) and not isinstance(column, date):
            labels.append(charts.Text((at + 0.5) * wide, foot + 14, words.weekday(column), "quiet", "middle"))
            continue
        assert isinstance(column, date)
        if len(miss_map.columns) <= _ONE_MONTH:
            look = "quiet" if at % 2 == 0 else "quiet minor"
            labels.append(charts.Text((at + 0.5) * wide, foot + 14, str(column.day), look, "middle"))
        if at in weeks and (
            at == 0 or len(miss_map.columns) - at > (_ROOM if len(miss_map.columns) > _ONE_MONTH else 2)
        ):
            name = words.short_day(column)
            room = at > 0 or min(weeks - {0}, default=9) > _ROOM  # a first week cut short has no room for its name
            if len(miss_map.columns) > _ONE_MONTH and room:
                labels.append(charts.Text(at * wide, foot + 16, name, "quiet", "start", 3.0))
            elif len(miss_map.columns) <= _ONE_MONTH:
                name = (
                    f"{words.weekday(column.weekday())} {words.day(column, year=False)}"
                    if at == 0
                    else words.weekday(column.weekday())
                )
                if at > 0 or room:
                    labels.append(charts.Text(at * wide, foot + 30, name, "strong", "start", 3.0))
    return labels


def _days(shared: SharedOut, miss_map: MissMap, words: Words) -> tuple[list[charts.Shape], list[charts.Shape]]:
    wide = 100 / len(miss_map.days)
    counted_days = [day for day in miss_map.days if day.counted > 0]
    levels = [day.level * 100 for day in counted_days]
    axis = charts.scale([*levels, shared.target * 100], 8, _DAYS_HIGH - 8)
    shapes: list[charts.Shape] = []
    names: list[charts.Shape] = []
    for at, day in enumerate(miss_map.days):
        if day.limits is not None:
            low, high = (min(max(end * 100, axis.low), axis.high) for end in day.limits)
            shapes.append(charts.Rect(at * wide, axis.y(high), wide + 0.02, axis.y(low) - axis.y(high), "band"))
    for value in axis.ticks():
        shapes.append(charts.Line(0, axis.y(value), 100, axis.y(value), "grid"))
        names.append(charts.Text(84, axis.y(value) + 4, short_number(value, words), "quiet", "end"))
    aim = axis.y(shared.target * 100)
    shapes.append(charts.Line(0, aim, 100, aim, "target"))
    spots = [
        ((at + 0.5) * wide, axis.y(day.level * 100), day) for at, day in enumerate(miss_map.days) if day.counted > 0
    ]
    shapes.append(charts.Path(tuple((x, y) for x, y, _ in spots), "thin"))
    for x, y, day in spots:
        shapes.append(charts.Mark(x, y, "ring", "outside") if day.outside else charts.Mark(x, y, "dot", "thick-mark"))
        shapes.append(charts.Hover(x, y, f"{words.day(day.day, year=False)}: {words.percent(day.level)}"))
    return shapes, names


def _lines(miss_map: MissMap, words: Words) -> tuple[TableRow, ...]:
    lines = []
    for column, name in enumerate(miss_map.columns):
        cells = []
        for row in range(len(miss_map.sides)):
            counted = miss_map.counted[row, column]
            level = words.number(miss_map.good[row, column] / counted * 100) if counted > 0 else DASH
            side = miss_map.sides[row][column]
            cells.append(f"{level}\u00a0{SIGNS[side]}" if side else level)
        counted, good = float(miss_map.counted[:, column].sum()), float(miss_map.good[:, column].sum())
        level = words.percent(good / counted) if counted and math.isfinite(good) else DASH
        lines.append(TableRow(_column_name(name, words), level, words.number(counted), tuple(cells)))
    return tuple(lines)
