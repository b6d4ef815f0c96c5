"""Our own small charts: shapes from numbers, drawn once for the screen and once for paper.

x is in per cent of the chart's width and y in px from its top, so that one drawing serves 320 to 1440 px
and its text never shrinks. On the screen the shapes bear classes and the page's one stylesheet paints them,
in light and dark; no style attribute stands in the markup, so that a strict policy can forbid them. Paper
gets the same shapes with a fixed width and the light palette written out, as printers know no classes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

Anchor = Literal["start", "middle", "end"]
TickNames = Callable[[float], str]  # how the values of an axis are written: charts know no language


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    look: str


@dataclass(frozen=True, slots=True)
class Rect:
    """An upright rectangle."""

    x: float
    y: float
    width: float
    height: float
    look: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A sign at a point; `kind` is one of MARKS."""

    x: float
    y: float
    kind: str
    look: str


@dataclass(frozen=True, slots=True)
class Text:
    """A label; `dx` in px."""

    x: float
    y: float
    text: str
    look: str = ""
    anchor: Anchor = "start"
    dx: float = 0.0


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, or an area when it is closed."""

    points: tuple[tuple[float, float], ...]
    look: str
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of a grid that look alike, by column and row: filled, or with a mark in the middle of each.

    x and width in per cent, y and height in px, of the whole grid. One path draws them all, as there may be thousands.
    """

    x: float
    y: float
    width: float
    height: float
    columns: int
    rows: int
    cells: tuple[tuple[int, int], ...]
    look: str
    marks: bool = False


@dataclass(frozen=True, slots=True)
class Hover:
    """What a point says under a pointer, and on focus where `focus` makes it a stop of the keyboard. Screen only."""

    x: float
    y: float
    text: str
    focus: bool = False


@dataclass(frozen=True, slots=True)
class Reach:
    """What an area says under a pointer. Screen only."""

    x: float
    y: float
    width: float
    height: float
    text: str


Shape = Line | Rect | Mark | Text | Path | Cells | Hover | Reach

# Diamonds are figures (open: as reported, solid: like for like), dots and rings are periods of a level.
# Discs and squares are sides and never figures.
MARKS: dict[str, str] = {
    "open": "M0 -5.5 5.5 0 0 5.5 -5.5 0Z",
    "solid": "M0 -6 6 0 0 6 -6 0Z",
    "small": "M0 -3.5 3.5 0 0 3.5 -3.5 0Z",
    "dot": "M-2.6 0a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0Z",
    "disc": "M0 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z",  # these four begin at their place, as before a name
    "block": "M.5 -4.5H9.5V4.5H.5Z",
    "left": "M4.6 -4.5A4.5 4.5 0 0 0 4.6 4.5Z",
    "right": "M5.6 -4.5H9.6V4.5H5.6Z",
    "half": "M-.6 -3.2A3.2 3.2 0 0 0 -.6 3.2ZM.6 -3.2H3.6V3.2H.6Z",
    "small-ring": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
    "ring": "M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0 -11 0Z",
}

# The light palette, for paper: what the stylesheet says of each look on the screen.
_PAPER: dict[str, str] = {
    "band": 'fill="#ece8df"',
    "axis": 'stroke="#85827b" stroke-width="1"',
    "grid": 'stroke="#d5d1c9" stroke-width="1"',
    "thin": 'stroke="#585d63" stroke-width="1.5" fill="none"',
    "thin-mark": 'stroke="#585d63" stroke-width="1.5" fill="#ffffff"',
    "thick": 'stroke="#17191c" stroke-width="2.25" fill="none"',
    "thick-mark": 'fill="#17191c"',
    "interval": 'stroke="#17191c" stroke-width="2"',
    "hair": 'stroke="#17191c" stroke-width="1.5"',
    "ribbon": 'fill="#17191c" fill-opacity="0.11"',
    "own": 'fill="#17191c"',
    "nobody": 'fill="#8a8274"',
    "customer": 'fill="#1c509e"',
    "provider": 'fill="#94450f"',
    "joint": 'fill="#3d4248"',
    "tick": 'stroke="#17191c" stroke-width="3"',
    "target": 'stroke="#17191c" stroke-width="1.5" stroke-dasharray="5 4"',
    "dashed": 'stroke="#85827b" stroke-width="1" stroke-dasharray="3 3"',
    "outside": 'stroke="#17191c" stroke-width="2" fill="#ffffff"',
    "met": 'fill="#ffffff" stroke="#d5d1c9" stroke-width="1"',
    "shade-1": 'fill="#efebe3"',
    "shade-2": 'fill="#ded8cc"',
    "shade-3": 'fill="#c9c1b1"',
    "shade-4": 'fill="#bbb19e"',
    "round": 'stroke="#1c509e" stroke-width="7" stroke-linecap="round"',
    "square": 'stroke="#94450f" stroke-width="6" stroke-linecap="square"',
    "": 'fill="#3d4248"',
    "quiet": 'fill="#585d63"',
    "strong": 'fill="#17191c" font-weight="600"',
}


def _n(value: float) -> str:
    """A coordinate, short and the same on every machine."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


@dataclass(frozen=True, slots=True)
class Chart:
    """Shapes of one chart, `height` px high; without a sentence it is decoration beside a table's numbers."""

    shapes: tuple[Shape, ...]
    height: float
    sentence: str = ""

    def screen(self, look: str = "") -> Markup:
        """As SVG that fills its column; painted by classes."""
        # An image holds nothing that can be focused.
        role = "group" if any(isinstance(shape, Hover) and shape.focus for shape in self.shapes) else "img"
        if self.sentence:
            label = Markup(' role="{}" aria-label="{}"').format(role, self.sentence)
        else:
            label = Markup(' aria-hidden="true"')
        body = "".join(_screen(shape, self.height) for shape in self.shapes)
        return Markup(  # noqa: S704 - coordinates are ours, texts are escaped where they are drawn
            f'<svg class="chart {look}" width="100%" height="{_n(self.height)}"{label}>{body}</svg>',
        )

    def paper(self, width: float, look: str = "") -> Markup:
        """As SVG of a fixed width in px; painted by attributes, `look` only places it."""
        label = Markup(' role="img" aria-label="{}"').format(self.sentence) if self.sentence else ""
        body = "".join(_paper(shape, width) for shape in self.shapes if not isinstance(shape, Hover | Reach))
        size = f'width="{_n(width)}" height="{_n(self.height)}" viewBox="0 0 {_n(width)} {_n(self.height)}"'
        return Markup(f'<svg class="{look}" xmlns="http://www.w3.org/2000/svg" {size}{label}>{body}</svg>')  # noqa: S704 - as above


def _ends(look: str, height: float) -> str:
    """Round bar ends are the customer's, square ones everybody else's."""
    return f' rx="{_n(height / 2)}"' if look == "customer" else ""


def _screen(shape: Shape, height: float) -> str:  # noqa: PLR0911 - one shape a line
    match shape:
        case Line(x1, y1, x2, y2, look):
            return f'<line class="{look}" x1="{_n(x1)}%" x2="{_n(x2)}%" y1="{_n(y1)}" y2="{_n(y2)}"/>'
        case Rect(x, y, width, high, look):
            size = f'width="{_n(width)}%" height="{_n(high)}"'
            return f'<rect class="{look}" x="{_n(x)}%" y="{_n(y)}" {size}{_ends(look, high)}/>'
        case Mark(x, y, kind, look):
            return f'<svg x="{_n(x)}%" y="{_n(y)}" overflow="visible"><path class="{look}" d="{MARKS[kind]}"/></svg>'
        case Text(x, y, text, look, anchor, dx):
            shift = f' dx="{_n(dx)}"' if dx else ""
            place = f'class="{look}" x="{_n(x)}%" y="{_n(y)}"{shift} text-anchor="{anchor}"'
            return f"<text {place}>{escape(text)}</text>"
        case Path(points, look, closed):
            d = "M" + "L".join(f"{_n(x)} {_n(y / height * 100)}" for x, y in points) + ("Z" if closed else "")
            frame = 'width="100%" height="100%" viewBox="0 0 100 100" preserveAspectRatio="none"'
            return f'<svg {frame}><path class="{look}" d="{d}"/></svg>'
        case Cells(x, y, width, high, columns, rows, _, look):
            place = f'x="{_n(x)}%" y="{_n(y)}" width="{_n(width)}%" height="{_n(high)}"'
            frame = f'viewBox="0 0 {columns} {rows}" preserveAspectRatio="none"'
            return f'<svg {place} {frame}><path class="{look}" d="{_cells(shape, 1, 1)}"/></svg>'
        case Hover(x, y, text, focus):
            return _hover(x, y, text, focus=focus)
        case Reach(x, y, width, high, text):
            size = f'width="{_n(width)}%" height="{_n(high)}"'
            return f'<rect class="reach" x="{_n(x)}%" y="{_n(y)}" {size}><title>{escape(text)}</title></rect>'


def _hover(x: float, y: float, text: str, *, focus: bool) -> str:
    """A target wider than the mark; its text stands where it stays inside of the chart."""
    name = escape(text)
    anchor = "start" if x < _NEAR_EDGE else "end" if x > 100 - _NEAR_EDGE else "middle"
    tip = f'<text class="halo" y="{_n(-_TIP if y > 2 * _TIP else 2 * _TIP)}" text-anchor="{anchor}">{name}</text>'
    stop = f' tabindex="0" role="img" aria-label="{name}"' if focus else ""
    inner = f'<title>{name}</title><circle r="{_n(_REACHED)}"/>{tip if focus else ""}'
    return f'<svg x="{_n(x)}%" y="{_n(y)}" overflow="visible"><g class="hover"{stop}>{inner}</g></svg>'


def _cells(shape: Cells, wide: float, high: float) -> str:
    """The path of cells, each so wide and high; a mark is a dot of no length, seen by its line's ends."""
    places = ((column * wide, row * high) for column, row in shape.cells)
    if shape.marks:
        return "".join(f"M{_n(x + wide / 2)} {_n(y + high / 2)}h.001" for x, y in places)
    side, foot = wide * _FILLED, high * _FILLED
    return "".join(f"M{_n(x)} {_n(y)}h{_n(side)}v{_n(foot)}h-{_n(side)}z" for x, y in places)


def _paper(shape: Line | Rect | Mark | Text | Path | Cells, width: float) -> str:
    def at(x: float) -> str:
        return _n(x / 100 * width)

    paint = _PAPER[shape.look.split(" ")[0]]
    match shape:
        case Line(x1, y1, x2, y2, _):
            return f'<line {paint} x1="{at(x1)}" x2="{at(x2)}" y1="{_n(y1)}" y2="{_n(y2)}"/>'
        case Rect(x, y, wide, high, _):
            size = f'width="{at(wide)}" height="{_n(high)}"'
            return f'<rect {paint} x="{at(x)}" y="{_n(y)}" {size}{_ends(shape.look, high)}/>'
        case Mark(x, y, kind, _):
            return f'<path {paint} transform="translate({at(x)} {_n(y)})" d="{MARKS[kind]}"/>'
        case Text(x, y, text, _, anchor, dx):
            place = f'x="{_n(x / 100 * width + dx)}" y="{_n(y)}" text-anchor="{anchor}"'
            return f'<text {paint} font-family="Inter, Liberation Sans, sans-serif" font-size="12" {place}>{escape(text)}</text>'  # noqa: E501
        case Path(points, _, closed):
            d = "M" + "L".join(f"{at(x)} {_n(y)}" for x, y in points) + ("Z" if closed else "")
            return f'<path {paint} d="{d}"/>'
        case Cells(x, y, wide, high, columns, rows):
            d = _cells(shape, wide / 100 * width / columns, high / rows)
            return f'<path {paint} transform="translate({at(x)} {_n(y)})" d="{d}"/>'


# The forest row -------------------------------------------------------------------------------------

_FOREST_HEIGHT = 52.0
_TIP, _REACHED, _NEAR_EDGE = 12.0, 9.0, 20.0  # px from a point to its text; px round it that reach it; per cent
_FILLED = 0.93  # of a cell's width and height; the rest is the gap to the next
_PAST = 60.0  # px by which a line runs on over and under its chart, to meet the next row; the cell cuts it
_REACH = 44.0  # per cent of the width from zero to the farthest mark; the rest keeps marks whole


def forest(  # noqa: PLR0913 - the two changes, and what is said of each
    headline: float,
    like_for_like: float | None,
    half: float | None,
    material: float,
    sentence: str,
    hovers: tuple[str, str] = ("", ""),
) -> Chart:
    """Two lanes round zero: as reported above, like for like on its 95 % interval below; each row its own scale.

    :param hovers: what the two marks say under a pointer; a row is one stop of the keyboard, at its last mark
    """
    extent = [abs(headline), material * 1.15]
    if like_for_like is not None:
        extent.append(abs(like_for_like) + (half or 0.0))
    farthest = max(extent) or 1.0

    def x(value: float) -> float:
        return 50 + value / farthest * _REACH

    upper, lower = 16.5, 35.5
    shapes: list[Shape] = [
        Rect(x(-material), 6, x(material) - x(-material), 40, "band"),
        Line(50, -_PAST, 50, _FOREST_HEIGHT + _PAST, "axis"),
        Line(50, upper, x(headline), upper, "thin"),
        Mark(x(headline), upper, "open", "thin-mark"),
    ]
    if like_for_like is not None and half:
        low, high = x(like_for_like - half), x(like_for_like + half)
        shapes += [Line(low, lower, high, lower, "interval")]
        shapes += [Line(end, lower - 4, end, lower + 4, "interval") for end in (low, high)]
    elif like_for_like is not None and half == 0:
        shapes.append(Line(50, lower, x(like_for_like), lower, "interval"))
    if like_for_like is not None:
        shapes.append(Mark(x(like_for_like), lower, "solid", "thick-mark"))
    if hovers[0]:
        shapes.append(Hover(x(headline), upper, hovers[0], focus=like_for_like is None))
    if hovers[1] and like_for_like is not None:
        shapes.append(Hover(x(like_for_like), lower, hovers[1], focus=True))
    return Chart(tuple(shapes), _FOREST_HEIGHT, sentence)


_UNDER = 14.0  # px under a bar, at which its interval stands
_START: Anchor = "start"
_END: Anchor = "end"
_HEADED = 26.0  # per cent, that a level named over its column needs
_THIRD = 34.0  # per cent from an end, within which a long text begins or ends at its place
_KEPT = 3  # every so many names of a control chart stay where it is narrow: months with their year are long
_NAMED = 16.0  # per cent, that the name of a part of a shared bar needs
_SIGNS = {
    "customer": (("disc", "customer"),),
    "provider": (("block", "provider"),),
    "joint": (("left", "customer"), ("right", "provider")),
}

# Two wordings of one figure ----------------------------------------------------------------------------

_PAIR_HEIGHT, _HEAD_HEIGHT = 30.0, 16.0


def wordings(
    rows: Sequence[tuple[float | None, float | None, str]],
    target: float | None,
    tick: TickNames,
    target_before: float | None = None,
) -> tuple[Chart, list[Chart]]:
    """The same records by two wordings, period by period, on one axis named in the head of its column.

    :param rows: for each period the value by the text in force (open diamond), by the other (solid), and its sentence
    :param target: dashed through all rows; None: without
    :param target_before: the one of the text in force where that is another, fainter
    """
    values = [one for before, after, _ in rows for one in (before, after, target, target_before) if one is not None]
    axis = scale(values or [0.0], 0, 1)
    reach = axis.high - axis.low

    def x(value: float) -> float:
        return 4 + (value - axis.low) / reach * 92

    ticks = axis.ticks()
    middle = _PAIR_HEIGHT / 2
    grid: list[Shape] = [Line(x(value), -_PAST, x(value), _PAIR_HEIGHT + _PAST, "grid") for value in ticks]
    if target_before is not None:
        grid.append(Line(x(target_before), -_PAST, x(target_before), _PAIR_HEIGHT + _PAST, "target faint"))
    if target is not None:
        grid.append(Line(x(target), -_PAST, x(target), _PAIR_HEIGHT + _PAST, "target"))
    found = []
    for before, after, sentence in rows:
        shapes = list(grid)
        if before is not None and after is not None:
            shapes.append(Line(x(before), middle, x(after), middle, "thin"))
        if before is not None:
            shapes.append(Mark(x(before), middle, "open", "thin-mark"))
        if after is not None:
            shapes.append(Mark(x(after), middle, "solid", "thick-mark"))
        found.append(Chart(tuple(shapes), _PAIR_HEIGHT, sentence))
    names = [Text(x(one), 12, tick(one), "quiet" + " minor" * (at % 2), "middle") for at, one in enumerate(ticks)]
    return Chart(tuple(names), _HEAD_HEIGHT), found


# The waterfall: the table is the chart -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a waterfall in shown units; `interval` is the half width of its 95 % interval."""

    start: float
    end: float
    look: str
    interval: float = 0.0
    hover: str = ""  # what it says under a pointer and on focus


def waterfall_rows(before: float, bars: Sequence[Bar], after: float, height: float = 50.0) -> list[Chart]:
    """One small chart per row: upright ticks for the levels at both ends, bars for the changes between.

    Levels are ticks and not bars, so that an axis that does not begin at zero cannot mislead.
    """
    ends = [before, after]
    for bar in bars:
        ends += [bar.start, bar.end, bar.end - bar.interval, bar.end + bar.interval]
    low, high = min(ends), max(ends)
    reach = (high - low) or 1.0

    def x(value: float) -> float:
        return 4 + (value - low) / reach * 92

    middle = height / 2
    top, foot = -_PAST, height + _PAST
    grid: list[Shape] = [Line(at, top, at, foot, "grid") for at in (4, 27, 50, 73, 96)]

    def level(value: float, *, first: bool) -> Chart:
        link = Line(x(value), middle, x(value), foot if first else top, "axis")
        return Chart((*grid, link, Line(x(value), middle - 10, x(value), middle + 10, "tick")), height)

    rows = [level(before, first=True)]
    for bar in bars:
        left, right = sorted((x(bar.start), x(bar.end)))
        shapes: list[Shape] = [
            *grid,
            Line(x(bar.start), top, x(bar.start), middle, "axis"),
            Line(x(bar.end), middle, x(bar.end), foot, "axis"),
            Rect(left, middle - 8, max(right - left, 0.3), 16, bar.look),
        ]
        if bar.interval:
            left_end, right_end = x(bar.end - bar.interval), x(bar.end + bar.interval)
            under = middle + 14
            shapes += [Line(left_end, under, right_end, under, "hair")]
            shapes += [Line(end, under - 3, end, under + 3, "hair") for end in (left_end, right_end)]
        if bar.hover:
            shapes += [
                Reach(left, 0, right - left, height, bar.hover),
                Hover(x(bar.end), middle, bar.hover, focus=True),
            ]
        rows.append(Chart(tuple(shapes), height, bar.hover))
    return [*rows, level(after, first=False)]


@dataclass(frozen=True, slots=True)
class CascadeStep:
    """One row of a cascade in shown units; `low` and `high` are the ends of the interval of where it leads."""

    start: float
    end: float
    look: str
    low: float | None = None
    high: float | None = None
    hover: str = ""  # what it says under a pointer and on focus


def cascade(before: float, steps: Sequence[CascadeStep], after: float, tick: TickNames) -> tuple[Chart, list[Chart]]:
    """A waterfall whose one value axis is named in the head of its column: the head, and one chart a row.

    Levels are ticks and changes are bars, each with its interval as a hairline under it.
    """
    ends = [before, after]
    for step in steps:
        ends += [one for one in (step.start, step.end, step.low, step.high) if one is not None]
    axis = scale(ends, 0, 1)
    reach = axis.high - axis.low

    def x(value: float) -> float:
        return 3 + (value - axis.low) / reach * 94

    marks = axis.ticks()
    head = Chart(
        tuple(Text(x(one), 12, tick(one), "quiet" + " minor" * (at % 2), "middle") for at, one in enumerate(marks)), 17
    )
    middle, height = 24.0, 54.0
    top, foot = -_PAST, height + _PAST
    grid: list[Shape] = [Line(x(one), top, x(one), foot, "grid") for one in marks]

    def level(value: float, *, first: bool) -> Chart:
        link = Line(x(value), middle, x(value), foot if first else top, "axis")
        return Chart((*grid, link, Line(x(value), middle - 10, x(value), middle + 10, "tick")), height - 6)

    rows = [level(before, first=True)]
    for step in steps:
        left, right = sorted((x(step.start), x(step.end)))
        shapes: list[Shape] = [
            *grid,
            Line(x(step.start), top, x(step.start), middle, "axis"),
            Line(x(step.end), middle, x(step.end), foot, "axis"),
            Rect(left, middle - 8, max(right - left, 0.3), 16, step.look),
        ]
        if step.low is not None and step.high is not None:
            under = middle + _UNDER
            one, other = x(step.low), x(step.high)
            shapes += [Line(one, under, other, under, "hair")]
            shapes += [Line(end, under - 3, end, under + 3, "hair") for end in (one, other)]
        if step.hover:
            shapes += [
                Reach(left, 0, right - left, height, step.hover),
                Hover(x(step.end), middle, step.hover, focus=True),
            ]
        rows.append(Chart(tuple(shapes), height, step.hover))
    return head, [*rows, level(after, first=False)]


def shares(parts: Sequence[tuple[float, str, str, str]]) -> Chart:
    """One bar shared out: each part's size, look, name and figure; names stand at the left of their parts."""
    total = sum(size for size, *_ in parts) or 1.0
    shapes: list[Shape] = []
    starts, at = [], 0.0
    for size, look, _, _ in parts:
        if size:
            shapes.append(Rect(at, 0, max(size / total * 100 - 0.25, 0.25), 22, look))
        starts.append(at)
        at += size / total * 100
    places = spread_labels(starts, _NAMED, 0, 100 - _NAMED)
    for spot, (_, look, name, figure) in zip(places, parts, strict=True):
        place, anchor = spot, _START
        if place == 100 - _NAMED and look not in _SIGNS:  # the last, a sliver: its name ends where it does
            place, anchor = 100.0, _END
        shapes += [Mark(place, 39, sign, paint) for sign, paint in _SIGNS.get(look, ())]
        shapes.append(Text(place, 43, name, "name " + look, anchor, 16.0 if look in _SIGNS else 0.0))
        shapes.append(Text(place, 66, figure, "key", anchor))
    return Chart(tuple(shapes), 74)


def from_zero(value: float, low: float, high: float, look: str) -> Chart:
    """One bar from a zero that all rows share, to the left below it and to the right above it."""
    reach = (high - low) or 1.0

    def x(one: float) -> float:
        return 2 + (one - low) / reach * 96

    left, right = sorted((x(0), x(value)))
    bar = (Rect(left, 10, max(right - left, 0.3), 16, look),) if value else ()
    return Chart((*bar, Line(x(0), -_PAST, x(0), 36 + _PAST, "axis")), 36)


def share_bar(share: float, most: float, look: str) -> Chart:
    """One bar of a row of shares, from the left; `most` is the widest of them."""
    return Chart((Rect(0, 4, share / (most or 1.0) * 100, 16, look), Line(0, 0, 0, 24, "axis")), 24)


# Lines over periods ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scale:
    """A vertical axis: from `low` at the foot to `high` at the top, both in shown units."""

    low: float
    high: float
    top: float
    foot: float

    def y(self, value: float) -> float:
        """Where a value stands, in px."""
        return self.foot - (value - self.low) / (self.high - self.low) * (self.foot - self.top)

    def ticks(self) -> list[float]:
        """Three to six round values."""
        span = self.high - self.low
        step = 10 ** _floor_log10(span)
        for factor in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0):
            if span / (step * factor) <= 5:  # noqa: PLR2004 - grid lines, four to six
                step *= factor
                break
        first = -(-self.low // step)
        return [(first + index) * step for index in range(int((self.high - first * step) // step) + 1)]


def _floor_log10(value: float) -> int:
    return int(f"{value:e}".split("e")[1])


def scale(values: Sequence[float], top: float, foot: float) -> Scale:
    """An axis that holds the values with a little room; it need not begin at zero, and the page says so."""
    low, high = min(values), max(values)
    room = (high - low) * 0.08 or abs(high) * 0.05 or 1.0
    return Scale(low - room, high + room, top, foot)


_MOST_NAMES = 12  # of periods under a chart that fills the page
_EDGE = 8.0  # per cent, that half a period's name needs
_LEFT, _RIGHT = 13.0, 94.0  # per cent: the axis is named to the left of the first period


def _xs(count: int, left: float = _LEFT) -> list[float]:
    return [left + index * ((_RIGHT - left) / (count - 1) if count > 1 else 0) for index in range(count)]


def _names(xs: Sequence[float], names: Sequence[str], y: float, most: int, kept: int = 2) -> list[Shape]:
    """The periods' names under an axis, at most `most`: the last always, earlier ones as they have room."""
    every = max(1, -(-len(names) // most))
    labels: list[Shape] = []
    for index, (x, name) in enumerate(zip(xs, names, strict=True)):
        back = len(names) - 1 - index
        if back % every == 0:
            minor = " minor" if (back // every) % kept else ""
            last = back == 0 and x > 100 - _EDGE  # the last name ends with its chart
            labels.append(Text(min(x + 3, 100) if last else x, y, name, f"quiet{minor}", "end" if last else "middle"))
    return labels


def two_lines(  # noqa: PLR0913 - the two lines, their ribbon and their names are one drawing
    names: Sequence[str],
    reported: Sequence[float],
    like_for_like: Sequence[float],
    half: Sequence[float],
    tick: TickNames,
    sentence: str,
    height: float = 250.0,
    hovers: tuple[Sequence[str], Sequence[str]] | None = None,
) -> tuple[Chart, Scale]:
    """As reported thin, like for like thick with its ribbon, both from one common level at the left."""
    foot = height - 28
    low = [value - width for value, width in zip(like_for_like, half, strict=True)]
    high = [value + width for value, width in zip(like_for_like, half, strict=True)]
    axis = scale([*reported, *low, *high], 12, foot)
    xs = _xs(len(names), 9)
    shapes: list[Shape] = []
    shapes += [Line(0, axis.y(value), 100, axis.y(value), "grid") for value in axis.ticks()]
    if any(half):
        upper = [(x, axis.y(value)) for x, value in zip(xs, high, strict=True)]
        lower = [(x, axis.y(value)) for x, value in zip(xs, low, strict=True)]
        shapes.append(Path((*upper, *reversed(lower)), "ribbon", closed=True))
    shapes.append(Path(tuple((x, axis.y(value)) for x, value in zip(xs, reported, strict=True)), "thin"))
    shapes.append(Path(tuple((x, axis.y(value)) for x, value in zip(xs, like_for_like, strict=True)), "thick"))
    shapes += [Mark(x, axis.y(value), "small", "thin-mark") for x, value in zip(xs, reported, strict=True)]
    shapes += [Mark(xs[-1], axis.y(reported[-1]), "open", "thin-mark")]
    shapes += [Mark(xs[-1], axis.y(like_for_like[-1]), "solid", "thick-mark"), *_names(xs, names, height - 6, 9)]
    shapes += [Text(0, axis.y(value) - 4, tick(value), "quiet halo") for value in axis.ticks()]  # over the lines
    if hovers is not None:
        for values, texts in zip((reported, like_for_like), hovers, strict=True):
            shapes += [
                Hover(x, axis.y(value), text, focus=True) for x, value, text in zip(xs, values, texts, strict=True)
            ]
    return Chart(tuple(shapes), height, sentence), axis


def spread_labels(wanted: Sequence[float], room: float, low: float, high: float) -> list[float]:
    """Places for labels, at least `room` apart and within `low` and `high`, as near as may be to the wanted ones."""
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    placed = [0.0] * len(wanted)
    at = low
    for index in order:
        placed[index] = max(wanted[index], at)
        at = placed[index] + room
    limit = high
    for index in reversed(order):
        placed[index] = min(placed[index], limit)
        limit = placed[index] - room
    return placed


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """One period of a level: its value, whether it lies outside the limits, and the target then in force.

    `at` is its place in the row of periods; one that has no level leaves its place empty.
    """

    name: str
    value: float
    outside: bool
    target: float | None
    at: int
    both: bool = False  # whether the target holds on either side of zero
    hover: str = ""  # what it says under a pointer


def control_chart(
    points: Sequence[ControlPoint],
    limits: tuple[float, float, float] | None,
    tick: TickNames,
    sentence: str,
    height: float = 240.0,
) -> Chart:
    """Levels over periods, over the whole page: natural limits as a band, the target dashed, outliers as large rings.

    Each point can be reached by keyboard.
    """
    foot = height - 24
    values = [point.value for point in points] + [point.target for point in points if point.target is not None]
    values += [-point.target for point in points if point.both and point.target is not None]
    axis = scale([*values, *(limits or ())], 10, foot)
    places = _xs(points[-1].at + 1)
    xs = [places[point.at] for point in points]
    step = (places[1] - places[0]) / 2 if len(places) > 1 else 4
    shapes: list[Shape] = []
    if limits is not None:
        lower, centre, upper = limits
        shapes.append(Rect(0, axis.y(upper), 100, axis.y(lower) - axis.y(upper), "band"))
        shapes.append(Line(0, axis.y(centre), 100, axis.y(centre), "grid"))
    for value in axis.ticks():
        shapes += [Line(0, axis.y(value), 100, axis.y(value), "grid"), Text(0, axis.y(value) - 3, tick(value), "quiet")]
    for first, last, target in _steps(points):  # one line as long as it stays, so that its dashes run on
        left, right = places[first] - (step if first else 4), min(places[last] + step, 100)
        ends = (target, -target) if points[-1].both else (target,)
        shapes += [Line(left, axis.y(end), right, axis.y(end), "target") for end in ends]
    run: list[tuple[float, float]] = []
    for x, point, after in zip(xs, points, (*points[1:], None), strict=True):
        run.append((x, axis.y(point.value)))
        if after is None or after.at > point.at + 1:  # no line over a period without a level
            shapes.append(Path(tuple(run), "thin"))
            run = []
    for x, point in zip(xs, points, strict=True):
        if point.outside:
            shapes.append(Mark(x, axis.y(point.value), "ring", "outside"))
        else:
            shapes.append(Mark(x, axis.y(point.value), "dot", "thick-mark"))
    shapes += [Hover(x, axis.y(point.value), point.hover, focus=True) for x, point in zip(xs, points, strict=True)]
    names = {point.at: point.name for point in points}
    named = [names.get(at, "") for at in range(len(places))]
    return Chart((*shapes, *_names(places, named, height - 6, _MOST_NAMES, _KEPT)), height, sentence)


_LINE_END = 78.0  # per cent of a small chart; what is right of it is the target's name


def spark(
    points: Sequence[ControlPoint],
    limits: tuple[float, float] | None,
    target: str,
    sentence: str,
    height: float,
) -> Chart:
    """Levels over periods without axes, in the row that has their figures: limits, target, line, outliers as rings."""
    values = [point.value for point in points] + [point.target for point in points if point.target is not None]
    values += [-point.target for point in points if point.both and point.target is not None]
    axis = scale([*values, *(limits or ())], 4, height - 4)
    count = points[-1].at + 1
    xs = [1 + point.at * ((_LINE_END - 2) / (count - 1) if count > 1 else 0) for point in points]
    shapes: list[Shape] = []
    if limits is not None:
        shapes.append(Rect(0, axis.y(limits[1]), _LINE_END, axis.y(limits[0]) - axis.y(limits[1]), "band"))
    places = dict(zip((point.at for point in points), xs, strict=True))
    half = (_LINE_END - 2) / (count - 1) / 2 if count > 1 else _LINE_END / 2
    for first, last, level in _steps(points):
        left, right = max(places[first] - half, 0), min(places[last] + half, _LINE_END)
        ends = (level, -level) if points[-1].both else (level,)
        shapes += [Line(left, axis.y(end), right, axis.y(end), "target") for end in ends]
    if points[-1].target is not None and target:
        y = min(max(axis.y(points[-1].target) + 4, 10), height - 2)
        shapes.append(Text(_LINE_END + 2, y, target, "quiet"))
    run: list[tuple[float, float]] = []
    for x, point, after in zip(xs, points, (*points[1:], None), strict=True):
        run.append((x, axis.y(point.value)))
        if after is None or after.at > point.at + 1:
            shapes.append(Path(tuple(run), "thin"))
            run = []
    for x, point in zip(xs, points, strict=True):
        if point.outside:
            shapes.append(Mark(x, axis.y(point.value), "small-ring", "outside"))
    shapes.append(Mark(xs[-1], axis.y(points[-1].value), "dot", "thick-mark"))
    shapes += [Hover(x, axis.y(point.value), point.hover) for x, point in zip(xs, points, strict=True)]
    return Chart(tuple(shapes), height, sentence)


def _steps(points: Sequence[ControlPoint]) -> list[tuple[int, int, float]]:
    """The stretches of periods over which a target stayed the same: the first, the last, the target."""
    stretches: list[tuple[int, int, float]] = []
    for point in points:
        if point.target is None:
            continue
        if stretches and stretches[-1][1] == point.at - 1 and stretches[-1][2] == point.target:
            stretches[-1] = (stretches[-1][0], point.at, point.target)
        else:
            stretches.append((point.at, point.at, point.target))
    return stretches


def reached_bar(value: float, start: float, target: float, axis: Scale) -> Chart:
    """From one level to what it would have been, a diamond on a line; the target dashed through all rows."""

    def x(level: float) -> float:
        return 6 + (level - axis.low) / (axis.high - axis.low) * 88

    shapes = (
        Line(x(start), -_PAST, x(start), 36 + _PAST, "axis"),
        Line(x(target), -_PAST, x(target), 36 + _PAST, "target"),
        Line(x(start), 18, x(value), 18, "interval"),
        Mark(x(value), 18, "solid", "thick-mark"),
    )
    return Chart(shapes, 36)


def reached_head(start: float, target: float, axis: Scale, tick: TickNames) -> Chart:
    """The head of a column of `reached_bar`: where it starts, and the target."""
    levels = sorted({start, target})
    places = [6 + (level - axis.low) / (axis.high - axis.low) * 88 for level in levels]
    near = len(levels) > 1 and places[1] - places[0] < _HEADED  # then each stands outside of its line
    anchors: tuple[Anchor, ...] = ("end", "start") if near else ("middle", "middle")
    shapes = (
        Text(place, 12, tick(level), "quiet", anchor, {"end": -3.0, "start": 3.0}.get(anchor, 0.0))
        for place, level, anchor in zip(places, levels, anchors, strict=False)
    )
    return Chart(tuple(shapes), 17)


def number_line(
    value: float,
    sides: Sequence[tuple[str, float, str]],
    targets: Sequence[float],
    names: tuple[str, str],
    sentence: str,
) -> Chart:
    """Values on one line: the agreed formula's as an upright stroke, each side's as its sign, the target dashed.

    :param sides: by side, its value and its text
    :param names: the texts of the agreed value and of the target
    :param targets: none, one, or both ends of one that holds on either side of zero; the first is named
    """
    values = [value, *(one for _, one, _ in sides), *targets]
    axis = scale(values, 0, 1)

    def x(one: float) -> float:
        return 8 + (one - axis.low) / (axis.high - axis.low) * 84

    shapes: list[Shape] = [Line(2, 44, 98, 44, "axis"), Line(x(value), 32, x(value), 56, "tick")]
    shapes.append(Text(x(value), 22, names[0], "strong", _anchor(x(value))))
    if targets:
        shapes += [Line(x(end), 30, x(end), 62, "target") for end in targets]
        shapes.append(Text(x(targets[0]), 76, names[1], "quiet", _anchor(x(targets[0]))))
    low = 94.0
    for side, one, text in sides:
        for sign, paint in _SIGNS[side]:
            shapes.append(Mark(x(one), 44, sign, paint))
        shapes.append(Text(x(one), low, text, "name " + side, _anchor(x(one))))
        low += 18
    return Chart(tuple(shapes), low, sentence)


def _anchor(x: float) -> Anchor:
    """How a long text stands at a place, so that a narrow chart cuts none of it."""
    return "start" if x < _THIRD else "end" if x > 100 - _THIRD else "middle"


def legend_mark(kind: str) -> Chart:
    """A mark by itself, for the head of its column."""
    return Chart((Mark(50, 7, kind, "thin-mark" if kind == "open" else "thick-mark"),), 14)
