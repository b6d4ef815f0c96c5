"""The review as slides: a sentence, tables that can be edited, and charts that hold their own figures."""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION, XL_MARKER_STYLE
from pptx.enum.text import MSO_ANCHOR
from pptx.util import Inches, Pt

from comity.book.logos import Logo
from comity.core.values import Side
from comity.review.i18n.words import Words, clean
from comity.review.model import Review
from comity.review.proceedings import Proceedings
from comity.review.views import headline
from comity.review.views.board import Board, CommentRow, board
from comity.review.views.level import LevelRow, level_row, stretched
from comity.review.views.reading import (
    ReadingRow,
    confirmed_rows,
    confirmed_text,
    find_reading,
    marks_of,
    reading_row,
)
from comity.review.views.rounding import shown_scale, waterfall
from comity.review.views.sections import eyebrow, missing_rows
from comity.review.views.summary import count_levels, missed_first

INK, GREY, RULE = RGBColor(0x17, 0x19, 0x1C), RGBColor(0x62, 0x67, 0x6E), RGBColor(0xDE, 0xDA, 0xD2)
_WIDE, _HIGH, _EDGE = Inches(13.333), Inches(7.5), Inches(0.6)
_ROWS = 9  # of a table on a slide; more go on to the next
_SANS, _SERIF = "Arial", "Georgia"
_NAME_PT = 16  # of a side's name beside its logo
_LOGO_HIGH = Pt(40)  # at most two and a half lines of the name
T = TypeVar("T")


class _Deck:
    """Slides with one look."""

    def __init__(self, review: Review, words: Words) -> None:
        self.deck = Presentation()
        self.deck.slide_width, self.deck.slide_height = _WIDE, _HIGH
        self.review, self.words = review, words
        self.brow = eyebrow(review, words)

    def slide(self, title: str, *, serif: bool = False) -> "_Slide":
        slide = self.deck.slides.add_slide(self.deck.slide_layouts[5])  # a title alone
        slide.shapes.title.left, slide.shapes.title.top = _EDGE, Inches(0.35)
        slide.shapes.title.width, slide.shapes.title.height = _WIDE - 2 * _EDGE, Inches(2.4 if serif else 0.9)
        self.text(slide.shapes.title.text_frame, title, 30 if serif else 24, INK, _SERIF if serif else _SANS)
        foot = slide.shapes.add_textbox(_EDGE, _HIGH - Inches(0.5), _WIDE - 2 * _EDGE, Inches(0.35))
        self.text(foot.text_frame, self.brow.foot, 10, GREY)
        return _Slide(self, slide)

    def comments(self, rows: Sequence[CommentRow]) -> None:
        """A slide with each side's own words, the customer's at the left; none where neither says anything."""
        if not rows:
            return
        slide = self.slide(self.words("board.comments"))
        wide = (_WIDE - 3 * _EDGE) // 2
        for at, row in enumerate(rows):
            left = _EDGE + at * (wide + _EDGE)
            name = slide.slide.shapes.add_textbox(left, Inches(1.3), wide, Inches(0.4))
            self.text(name.text_frame, self.words.side(row.side, self.review.parties), 16, INK)
            box = slide.slide.shapes.add_textbox(left, Inches(1.8), wide, Inches(4.3))
            self.text(box.text_frame, row.text or self.words("board.no_comment"), 14, INK if row.text else GREY)
            by = slide.slide.shapes.add_textbox(left, Inches(6.2), wide, Inches(0.4))
            self.text(by.text_frame, row.by, 12, GREY)

    def logos(self, slide: Any, logos: Mapping[Side, Logo], top: float) -> None:
        """Each side's name with its logo, all of the same height, the customer's at the left."""
        half = (_WIDE - 3 * _EDGE) // 2
        for at, side in enumerate(Side):
            left, wide, name = _EDGE + at * (half + _EDGE), half, clean(self.words.side(side, self.review.parties))
            if (logo := logos.get(side)) is not None:
                shown = slide.shapes.add_picture(io.BytesIO(logo.png), left, Inches(top), height=_LOGO_HIGH)
                shown._element.nvPicPr.cNvPr.set("descr", name)  # noqa: SLF001 - python-pptx has no other way
                left, wide = left + shown.width + Pt(6), wide - shown.width - Pt(6)
            box = slide.shapes.add_textbox(left, Inches(top), wide, _LOGO_HIGH)
            self.text(box.text_frame, name, _NAME_PT, INK)
            box.text_frame.vertical_anchor = MSO_ANCHOR.MIDDLE

    @staticmethod
    def text(frame: Any, text: str, size: int, color: RGBColor, face: str = _SANS) -> None:
        frame.word_wrap = True
        frame.text = clean(text)
        for paragraph in frame.paragraphs:
            paragraph.alignment = 1  # left
            for run in paragraph.runs:
                run.font.size, run.font.name = Pt(size), face
                run.font.color.rgb = color
                run.font.bold = False


class _Slide:
    """One slide."""

    def __init__(self, deck: _Deck, slide: Any) -> None:
        self.deck, self.slide = deck, slide

    def say(self, text: str, top: float, size: int = 14) -> None:
        box = self.slide.shapes.add_textbox(_EDGE, Inches(top), _WIDE - 2 * _EDGE, Inches(0.5))
        self.deck.text(box.text_frame, text, size, GREY)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], wide: Sequence[float]) -> None:
        shape = self.slide.shapes.add_table(
            len(rows) + 1, len(head), _EDGE, Inches(1.4), _WIDE - 2 * _EDGE, Inches(0.4) * (len(rows) + 1)
        )
        table = shape.table
        table.horz_banding = False
        for at, share in enumerate(wide):
            table.columns[at].width = int((_WIDE - 2 * _EDGE) * share / sum(wide))
        for down, row in enumerate((head, *rows)):
            for across, text in enumerate(row):
                cell = table.cell(down, across)
                cell.fill.background()
                self.deck.text(cell.text_frame, text, 12, GREY if down == 0 else INK)

    def lines(self, names: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], top: float) -> None:
        """A line a series; gaps stay gaps."""
        data = CategoryChartData()
        data.categories = [clean(name) for name in names]
        for name, values in series:
            data.add_series(clean(name), values)
        place = (_EDGE, Inches(top), _WIDE - 2 * _EDGE, _HIGH - Inches(top) - Inches(0.6))
        chart = self.slide.shapes.add_chart(XL_CHART_TYPE.LINE_MARKERS, *place, data).chart
        self._dressed(chart, legend=len(series) > 1)
        for line, color in zip(chart.plots[0].series, (INK, GREY), strict=False):
            line.smooth = False
            line.format.line.color.rgb = color
            line.format.line.width = Pt(2.25 if color is INK else 1.5)
            line.marker.style = XL_MARKER_STYLE.DIAMOND
            line.marker.format.fill.solid()
            line.marker.format.fill.fore_color.rgb = color

    def bars(self, names: Sequence[str], values: Sequence[float], top: float, title: str) -> None:
        """One bar a part, below zero to the left."""
        data = CategoryChartData()
        data.categories = [clean(name) for name in names]
        data.add_series(clean(title), values)
        place = (_EDGE, Inches(top), _WIDE - 2 * _EDGE, _HIGH - Inches(top) - Inches(0.6))
        chart = self.slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, *place, data).chart
        self._dressed(chart, legend=False)
        chart.category_axis.reverse_order = True
        bar = chart.plots[0]
        bar.gap_width, bar.has_data_labels = 60, True
        bar.series[0].format.fill.solid()
        bar.series[0].format.fill.fore_color.rgb = INK
        bar.series[0].invert_if_negative = False

    @staticmethod
    def _dressed(chart: Any, *, legend: bool) -> None:
        chart.has_title = False
        chart.has_legend = legend
        if legend:
            chart.legend.position, chart.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
        chart.font.size, chart.font.name = Pt(12), _SANS
        chart.value_axis.major_gridlines.format.line.color.rgb = RULE


def render(
    review: Review,
    words: Words,
    proceedings: Proceedings | None = None,
    logos: Mapping[Side, Logo] | None = None,
) -> bytes:
    """The slides as a PPTX; with a logo of either side, the first one shows both names."""
    deck = _Deck(review, words)
    first = deck.slide(headline.plain_text(headline.headline_phrases(review, words, proceedings)), serif=True)
    first.say(f"{deck.brow.line} {deck.brow.viewer}", 3.1, 16)
    counts, told = count_levels(review), board(review, proceedings, words, most=None)
    marks = {} if proceedings is None else proceedings.marks
    strip = [(counts.missed, "missed"), (counts.met, "met"), (counts.untargeted, "untargeted")]
    first.say(", ".join(f"{count} {words(f'summary.{name}')}" for count, name in strip), 3.7, 16)
    said = [f"{words.side(one.side, review.parties)}: {one.text}" for one in told.words]
    first.say(" ".join([told.state, *said]), 4.3, 16)
    if logos:
        deck.logos(first.slide, logos, 6.1)
    levels = [level_row(level, review, words) for level in stretched(missed_first(review.levels))]
    head = [words(f"levels.{name}") for name in ("kpi", "value", "target", "met")]
    for rows in _cut(levels):
        cells = [
            (
                ". ".join([row.name, *([row.notes] if row.notes else []), *marks.get(row.level.kpi, ())]),
                f"{row.value} ({row.interval})" if row.interval else row.value,
                row.target,
                row.met,
            )
            for row in rows
        ]
        deck.slide(words("levels.title")).table(head, cells, (3, 3, 2, 2))
    for row in levels:
        _history(deck, row)
    readings = [reading_row(reading, review, words, number) for number, reading in enumerate(review.readings, 1)]
    head = [words(f"readings.{name}") for name in ("reading", "as_reported", "like_for_like", "verdict", "words")]
    now = f". {words('readings.now')}" if told.is_final else ""
    for some in _cut(readings):
        deck.slide(f"{words('readings.title')}{now}").table(
            head,
            [
                (
                    _reading_name(row, review, words, marks),
                    row.headline,
                    f"{row.like_for_like} {row.interval}".strip(),
                    row.verdict,
                    row.words,
                )
                for row in some
            ],
            (3, 2, 3, 2, 5),
        )
    confirmed = confirmed_rows(review, words, marks)
    if confirmed:
        texts = [f"{one.name}. {' '.join([one.text, *(f'{mark}.' for mark in one.marks)])}" for one in confirmed]
        deck.slide(words("readings.title")).say(" ".join(texts), 1.4)
    for one in readings:
        _parts(deck, one)
    head = [words(f"missing.{name}") for name in ("reading", "needs", "held_by", "why", "cure")]
    for lacking in _cut(missing_rows(review, words)):
        rows_of = [(one.name, one.needs, words.side(one.held_by, review.parties), one.why, one.cure) for one in lacking]
        deck.slide(words("missing.title")).table(head, rows_of, (2, 2, 2, 4, 4))
    _done(deck, told)
    deck.comments(told.comments)
    out = io.BytesIO()
    deck.deck.save(out)
    return out.getvalue()


def _reading_name(row: ReadingRow, review: Review, words: Words, marks: Mapping[str, tuple[str, ...]]) -> str:
    """A reading's name, with what was confirmed of it and who disputes it."""
    confirmed = [one for one in review.confirmed_readings if find_reading(review, one.key) is row.reading]
    said = [confirmed_text(one, review, words).rstrip(".") for one in confirmed]
    return ". ".join([row.name, *said, *marks_of(row.reading, review, marks)])


def _done(deck: _Deck, told: Board) -> None:
    """What was decided and asked, and the causes of what was missed."""
    words, parties = deck.words, deck.review.parties
    head = [words(f"board.{name}") for name in ("what", "asks", "state", "by")]
    for title, rows in (("decisions", told.decisions), ("asked", told.asked)):
        for some in _cut(rows):
            cells = [(f"{one.title} ({one.kind})", words.side(one.asks, parties), one.state, one.by) for one in some]
            deck.slide(words(f"board.{title}")).table(head, cells, (6, 2, 2, 2))
    head = [words("levels.kpi"), words("board.by_formula")]
    head += [words("levels.reported", party=words.side(side, parties)) for side in Side]
    head.append(words("board.disputed_value"))
    for those in _cut(told.disputed):
        cells_of = [
            (
                row.name,
                row.value,
                *row.own,
                ", ".join(f"{words.side(who, parties)} {text}" for who, text in row.claimed),
            )
            for row in those
        ]
        deck.slide(words("board.disputed")).table(head, cells_of, (3, 2, 2, 2, 4))
    if (cause := told.cause) is not None:
        now = f" {words('board.causes_now')}" if told.is_final else ""
        slide = deck.slide(f"{words('board.causes', name=cause.name)}. {cause.lead}{now}")
        cells = [
            (
                row.name,
                row.why,
                words("attribution.nobody") if row.answers is None else words.side(row.answers, parties),
                row.points,
            )
            for row in cause.rows
        ]
        names = ("attribution.cause", "board.happened", "attribution.answers", "attribution.points")
        slide.table([words(name) for name in names], cells, (3, 5, 2, 1))


def _history(deck: _Deck, row: LevelRow) -> None:
    """A level period by period, beside its target."""
    level, words = row.level, deck.words
    if len(level.history) < 2:  # noqa: PLR2004 - one point is no line
        return
    scale = shown_scale(level.unit)
    names = [words.period(point.period, deck.review.cut, short=True) for point in level.history]
    series: list[tuple[str, Sequence[float | None]]] = [
        (row.name, [_known(point.value * scale) for point in level.history])
    ]
    if any(point.target is not None for point in level.history):
        targets = [None if point.target is None else _known(point.target * scale) for point in level.history]
        series.append((words("levels.target"), targets))
    slide = deck.slide(f"{row.name}: {row.value}, {row.met}" if row.met else f"{row.name}: {row.value}")
    slide.say(row.about, 1.2)
    slide.lines(names, series, 1.7)


def _parts(deck: _Deck, row: ReadingRow) -> None:
    """What a change is made of, in shown units."""
    steps = waterfall(row.reading)
    if not steps.steps:
        return
    slide = deck.slide(f"{row.name}: {row.words}")
    slide.say(row.check, 1.4)
    slide.bars([part.name for part in row.parts], [step.value for step in steps.steps], 1.9, row.name)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _cut(rows: Sequence[T]) -> list[Sequence[T]]:
    return [rows[at : at + _ROWS] for at in range(0, len(rows), _ROWS)]
