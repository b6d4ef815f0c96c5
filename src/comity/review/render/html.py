"""The review as one self-contained page: no script, no reference to elsewhere, one stylesheet known by its hash."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from comity.book.logos import Logo
from comity.book.statistics.level_cuts import CutSum
from comity.core.calendars import Cut
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Verdict
from comity.core.values import Period, Side
from comity.review import fonts
from comity.review.draw import charts, glyphs
from comity.review.draw.histories import FEWEST_POINTS, history_rows, level_chart, reading_lines
from comity.review.i18n.words import Words, clean
from comity.review.level_detail import LevelDetail
from comity.review.levels import whole_points
from comity.review.limits import limits_before
from comity.review.model import Level, Review
from comity.review.proceedings import Proceedings
from comity.review.readings import source_tables
from comity.review.views import headline
from comity.review.views.board import board
from comity.review.views.level import LevelRow, kpi_terms, level_row, stretched
from comity.review.views.level_detail import CutRow, contacts_page, cut_rows, heat_rows
from comity.review.views.reading import (
    ReadingRow,
    confirmed_rows,
    confirmed_text,
    counted_rows,
    find_reading,
    marks_of,
    reading_row,
)
from comity.review.views.rounding import MARKED, shown_scale, waterfall
from comity.review.views.sections import (
    HUNDRED,
    collapsed_rows,
    eyebrow,
    lateness_cells,
    lateness_summary,
    missing_groups,
    missing_name,
    missing_readings,
    missing_why,
    paid_amount,
    paid_cost,
    paid_notes,
    paid_repeats,
    paid_rows,
    undelivered_sentences,
)
from comity.review.views.sentences import definition_of
from comity.review.views.summary import boxes, count_levels, missed_first

# What the browser may do with the page: nothing but paint it with the stylesheet of this very hash, and its typefaces.
POLICY = "default-src 'none'; style-src '{style}'; font-src data:; base-uri 'none'; form-action 'none'"
_FOREST, _BAR, _SHARE, _LINES, _CONTROL = 230.0, 300.0, 260.0, 670.0, 310.0  # px on paper
_SIGNED = re.compile("([+\u2212])(?=[$\u00a2-\u00a5\u20a0-\u20c0])")  # before a currency's sign
_LOOKS = {"customer": "customer", "provider": "provider", "both": "joint"}


@dataclass(frozen=True, slots=True)
class ChartMarkup:
    """Draws charts for the screen or for paper."""

    paper: bool

    def __call__(self, chart: charts.Chart, width: float, look: str = "") -> Markup:
        """The chart as markup; `width` counts on paper only."""
        return chart.paper(width, look) if self.paper else chart.screen(look)


def stylesheet(name: str) -> str:
    """One of the stylesheets beside the templates."""
    return resources.files("comity.review").joinpath("styles", name).read_text(encoding="utf-8")


@cache
def environment() -> Environment:
    """Jinja with every text escaped, and a mistake in a name an error."""
    return Environment(
        loader=PackageLoader("comity.review", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )


def finalize(value: object) -> object:
    """Texts from records lose what could run them backwards; markup is ours and stays. No line ends after a sign."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    return _words(value) if len(value) <= _A_WORD else _finalized(value)


def _finalized(text: str) -> str:
    return _SIGNED.sub("\\1\u2060", clean(text))


# The same few words stand on every page, and in a long one many times.
_A_WORD = 80
_words = lru_cache(maxsize=8192)(_finalized)


def render(
    review: Review,
    words: Words,
    *,
    paper: bool = False,
    logos: Mapping[Side, Logo] | None = None,
    proceedings: Proceedings | None = None,
) -> str:
    """The page as text; for paper, charts are drawn with fixed widths and the paper's stylesheet stands in.

    :param logos: for paper only: the page of a browser may load no image
    """
    style = stylesheet("page.css")
    if paper:
        style += stylesheet("paper.css")
    return (
        environment()
        .get_template("review.html")
        .render(
            **template_context(review, words, paper=paper, proceedings=proceedings) | logo_urls(logos),
            **style_and_policy(style, paper=paper),
        )
    )


def logo_urls(logos: Mapping[Side, Logo] | None) -> dict[str, Any]:
    """Each side's logo as an address that holds it, for the head of the page."""
    encoded = {side: base64.b64encode(logo.png).decode() for side, logo in (logos or {}).items()}
    urls = {side.value: f"data:image/png;base64,{encoded[side]}" if side in encoded else "" for side in Side}
    return {"logos": urls}


MOST_MISSED, MOST_READINGS = 5, 7  # rows of the pages for a board


def render_board(
    review: Review, words: Words, proceedings: Proceedings | None, logos: Mapping[Side, Logo] | None = None
) -> str:
    """The pages for a board, for paper: what does not fit is counted and stands in the whole review.

    Three, or two where nothing was decided or asked.
    """
    context = template_context(review, words, paper=True, proceedings=proceedings)
    missed = [one for one in context["levels"] if one["row"].level.met is False]

    def more(count: int, most: int) -> str:
        return words("board.more", count=count - most) if count > most else ""

    context |= logo_urls(logos) | {
        "board": board(review, proceedings, words),
        "missed": missed[:MOST_MISSED],
        "more_missed": more(len(missed), MOST_MISSED),
        "rows": context["rows"][:MOST_READINGS],
        "more_readings": more(len(context["rows"]), MOST_READINGS),
        "unformed": [],
    }
    style = stylesheet("page.css") + stylesheet("paper.css")
    told = context["board"]
    context["asked_page"] = bool(told.decisions or told.asked or told.disputed or told.cause)  # else it were all white
    return environment().get_template("board.html").render(**context, **style_and_policy(style, paper=True))


@dataclass(frozen=True, slots=True)
class RoomLinks:
    """What a room knows of a review's levels: where each is opened, and what is said about it now."""

    level_url: Callable[[str], str]  # by KPI
    marks: Mapping[str, tuple[str, ...]]  # by KPI: disputed, claimed
    reading_url: Callable[[Reading, Review], str]
    wording_url: Callable[[Level, Review], str]  # the clause by which a level is counted
    known: int | None = None  # the place of the record up to which that clause is shown; None: all of it
    complete_url: Callable[[str, date], str] | None = None  # where a table's side says that it is whole up to a day
    answers_url: str | None = None  # where both sides say who answers for what was paid


def render_body(
    review: Review, words: Words, links: RoomLinks, proceedings: Proceedings | None = None
) -> tuple[Markup, Markup]:
    """What the page of a room says, without its head and without the readings opened; and what stands at its end."""
    context = template_context(review, words, paper=False, proceedings=proceedings, links=links)
    main, tail = (
        environment().get_template(name).render(**context) for name in ("review_body.html", "review_tail.html")
    )
    return Markup(main), Markup(tail)  # noqa: S704 - rendered with every text escaped


def render_reading(review: Review, words: Words, key: str, links: RoomLinks) -> Markup | None:
    """One reading opened, and where its records came from; None where there is none."""
    reading = find_reading(review, key)
    if reading is None:
        return None
    tables = source_tables(reading.id)
    origins = tuple(one for one in review.origins if one.table in tables)
    context = template_context(replace(review, origins=origins or review.origins), words, paper=False, links=links)
    context["rows"] = [one for one in context["rows"] if one["row"].reading is reading]
    return Markup(environment().get_template("reading_body.html").render(**context))  # noqa: S704 - as above


def render_level(review: Review, words: Words, kpi: str, links: RoomLinks) -> tuple[Markup, Markup] | None:
    """One level opened with what rests on it, and where its records came from; None where there is none."""
    levels = tuple(one for one in review.levels if one.kpi == kpi)
    if not levels:
        return None
    definitions = [(one, definition_of(one, review)) for one in review.readings]
    rests = [one for one, wording in definitions if wording is not None and wording.id == kpi]
    context = template_context(
        replace(review, levels=levels, readings=tuple(rests), missing=()), words, paper=False, wide=True, links=links
    )
    level = levels[0]
    wording = {"pins": kpi_terms(level.definition, level.unit, review.currency, words), "kpi": level, "links": links}
    main, tail = (
        environment().get_template(name).render(**context | wording)
        for name in ("figure_body.html", "figure_tail.html")
    )
    return Markup(main), Markup(tail)  # noqa: S704 - as above


def render_level_detail(  # noqa: PLR0913 - what a page has looked up
    review: Review, words: Words, detail: LevelDetail, page: int, page_url: Callable[[int], str], file_url: str = ""
) -> Markup:
    """One level by month, by queue, team, weekday and hour, both sides' values on a line, and its contacts."""
    level = next(one for one in review.levels if one.kpi == detail.kpi)
    draw, cuts = ChartMarkup(paper=False), detail.cuts

    def rows(sums: Sequence[CutSum]) -> list[tuple[CutRow, Markup]]:
        return [
            (row, draw(charts.share_bar(row.share, 1.0, "nobody"), _SHARE))
            for row in cut_rows(sums, level, review, words)
        ]

    hours, heat = heat_rows(detail, level, review, words)
    pooled = () if cuts is None else cuts.pooled
    context = {
        "words": words,
        "line": _number_line(level, review, words),
        "months": _months(level, review, detail, words),
        "queues": [] if cuts is None else rows(cuts.queues),
        "teams": [] if cuts is None else rows(cuts.teams),
        "teams_about": words("detail.teams_about", teams=", ".join(map(clean, pooled))) if pooled else "",
        "hours": hours,
        "heat": heat,
        "contacts": contacts_page(detail, level, page, words),
        "page_url": page_url,
        "file_url": file_url,
    }
    return Markup(environment().get_template("level_detail.html").render(**context))  # noqa: S704 - as above


def _number_line(level: Level, review: Review, words: Words) -> Markup | None:
    """Both sides' own values beside the agreed formula's; None where neither reported one."""
    scale = shown_scale(level.unit)

    def figure(value: float | None) -> str:
        return words.figure(value, level.unit, review.currency)

    sides = [
        (side.value, value * scale, f"{words.side(side, review.parties)}: {figure(value)}")
        for side in Side
        if (value := level.reported.get(side)) is not None
    ]
    if not sides:
        return None
    agreed = words("detail.agreed", value=figure(level.value))
    target = "" if level.target is None else words("detail.target", value=figure(level.target))
    sentence = "; ".join([agreed, *([target] if target else []), *(text for *_, text in sides)])
    ends: tuple[float, ...] = () if level.target is None else (level.target * scale,)
    if level.measure == "forecast_bias":  # within the target on either side of zero
        ends = tuple(end * sign for end in ends for sign in (1, -1))
    return charts.number_line(level.value * scale, sides, ends, (agreed, target), sentence).screen()


def _months(level: Level, review: Review, detail: LevelDetail, words: Words) -> dict[str, Any] | None:
    """The level by month, drawn as its history is; None where the review is by month, or there is one month only."""
    if review.cut is Cut.MONTH or len(detail.months) < FEWEST_POINTS:
        return None
    limits = limits_before(detail.months[-1].period, whole_points(detail.months))
    by_month = replace(level, history=detail.months, limits=limits)
    monthly = replace(review, cut=Cut.MONTH)
    history = level_chart(level_row(by_month, monthly, words), monthly, words, 240, wide=True)
    return None if history is None else {"chart": history.chart.screen(), "note": history.note, "table": history.table}


def style_and_policy(style: str, *, paper: bool = False) -> dict[str, str]:
    """The stylesheet with the typefaces in it, and the policy that lets nothing but it paint the page."""
    style = fonts.embedded(paper=paper) + style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return {
        "style": Markup(style),  # noqa: S704 - our own file; it holds no text from records
        "policy": POLICY.format(style=f"sha256-{digest}"),
    }


def template_context(  # noqa: PLR0913 - what a page is made of, each by name
    review: Review,
    words: Words,
    *,
    paper: bool,
    proceedings: Proceedings | None = None,
    wide: bool = False,
    links: RoomLinks | None = None,
) -> dict[str, Any]:
    """Everything that the templates lay out, as finished text and drawings.

    :param wide: whether the charts of levels fill the page
    """
    draw = ChartMarkup(paper)
    marks = links.marks if links is not None else {} if proceedings is None else proceedings.marks
    # Of a final period the levels are what both confirmed; no entry of the record holds its readings.
    now_only = (proceedings is not None and proceedings.final_on is not None) or (
        links is not None and links.known is not None
    )
    brow = eyebrow(review, words)
    levels = [
        _level(level_row(level, review, words), review, words, draw, wide=wide) | {"marks": marks.get(level.kpi, ())}
        for level in stretched(missed_first(review.levels))
    ]
    rows = [reading_row(reading, review, words, number) for number, reading in enumerate(review.readings, 1)]
    return {
        "words": words,
        "review": review,
        "paper": paper,
        "brow": brow,
        "sides": list(Side),
        "party": _party(review, words),
        "phrases": headline.headline_phrases(review, words, proceedings),
        "counts": count_levels(review),
        "boxes": boxes(review, proceedings, words),
        "levels": levels,
        "agreed": any(one.definition.agreed for one in review.levels),
        "reporters": [side for side in Side if any(one.reported.get(side) is not None for one in review.levels)],
        "over": _history_span(review, words),
        "notes": _notes(levels),
        "rows": [_row(row, review, words, draw) | _said_of(row.reading, review, words, marks) for row in rows],
        "confirmed_rows": confirmed_rows(review, words, marks),
        "now_only": now_only,
        "closing": None if proceedings is None else board(review, proceedings, words),
        "paid": _paid(review, words, draw),
        "missing": missing_groups(review, words),
        "unformed": [
            {
                "name": missing_name(missing, words),
                "about": words.named("reading_about", missing.reading),
                "held_by": missing.held_by,
                "why": missing_why(missing, words),
            }
            for missing in missing_readings(review)
        ],
        "collapses": [line for origin in review.origins for line in collapsed_rows(origin, words)],
        "late": [lateness_cells(late, review, words) for late in review.lateness],
        "late_summary": lateness_summary(review, words),
        "undelivered": undelivered_sentences(review, words),
        "how": [(verdict, _example(verdict, paper=paper), verdict in MARKED) for verdict in Verdict],
        "signs": {kind: draw(charts.legend_mark(kind), 14, "sign") for kind in ("open", "solid")},
        "template": _template,
        "links": links,
        **logo_urls(None),
    }


def _party(review: Review, words: Words) -> Callable[[Side | str | None], str]:
    return lambda side: words.side(side, review.parties)


def _template(reading_id: str) -> str:
    """The template part of a reading; one without its own is laid out by the common one."""
    name = f"reading_{reading_id}.html"
    return name if name in environment().list_templates() else "reading.html"


_EXAMPLES = {
    Verdict.REVERSED: (1.0, -1.0),
    Verdict.MASKED: (0.0, 1.0),
}


def _example(verdict: Verdict, *, paper: bool) -> Markup:
    reported, held = _EXAMPLES.get(verdict, (1.0, 1.0))
    return glyphs.verdict_glyph(verdict, reported, held, paper=paper)


def _history_span(review: Review, words: Words) -> str:
    """From which period to which the lines of the levels run; empty where there are none."""
    periods = [point.period for level in review.levels if len(level.history) > 1 for point in level.history]
    if not periods:
        return ""
    first, last = (
        words.period(one, review.cut, short=True) for one in (min(periods, key=_start), max(periods, key=_start))
    )
    return words("word.to", low=first, high=last)


def _start(period: Period) -> date:
    return period.start


def _level(row: LevelRow, review: Review, words: Words, draw: ChartMarkup, *, wide: bool = False) -> dict[str, Any]:
    compact = row.level.met is not False
    history = level_chart(row, review, words, 240 if wide else 38 if compact else 52, wide=wide)
    return {
        "row": row,
        "compact": compact,
        "chart": None if history is None else draw(history.chart, _CONTROL),
        "note": "" if history is None else history.note,
        "history": () if history is None else history.table,
    }


def _notes(levels: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What the signs of the charts mean, each sentence once: that of most levels, then others with their levels."""
    names_by_note: dict[str, list[str]] = {}
    for level in levels:
        if level["note"]:
            names_by_note.setdefault(level["note"], []).append(level["row"].name)
    most = sorted(names_by_note.items(), key=lambda item: -len(item[1]))
    most_common = most[0][0] if most else ""
    return [
        (", ".join(names) if number else "", note)
        for number, (note, names) in enumerate(most)
        if number == 0 or note not in most_common
    ]


def _row(row: ReadingRow, review: Review, words: Words, draw: ChartMarkup) -> dict[str, Any]:
    reading = row.reading
    scale = shown_scale(reading.unit)
    sentence = words(
        "readings.chart",
        name=row.name,
        headline=row.headline,
        like_for_like=f"{row.like_for_like}, {row.interval}" if row.interval else row.like_for_like,
        material=row.material,
    )
    figures = row.figures
    hovers = (
        f"{words('readings.as_reported')}: {row.headline}",
        f"{words('readings.like_for_like')}: {row.like_for_like}" + (f" ({row.interval})" if row.interval else ""),
    )
    forest = charts.forest(
        figures.change, figures.like_for_like, figures.half, reading.material * scale, sentence, hovers
    )
    steps = waterfall(reading)

    def level(value: float) -> str:
        return words.level(value, reading.unit, review.currency, steps.decimals)

    bars = [
        charts.Bar(
            step.start,
            step.end,
            "own" if step.part.like_for_like else "nobody",
            (figures.half or 0.0) if step.part.like_for_like and _alone(row) else 0.0,
            f"{part.name}: {part.value}, {words('word.to', low=level(step.start), high=level(step.end))}",
        )
        for step, part in zip(steps.steps, row.parts, strict=True)
        if part.shown
    ]
    falls = [
        draw(chart, _BAR) for chart in charts.waterfall_rows(steps.before, bars, steps.after, 34 if draw.paper else 50)
    ]
    history = reading_lines(row, review, words, 140 if draw.paper else 250)
    like_for_like, direction = (
        None if reading.like_for_like is None else reading.like_for_like.change,
        glyphs.direction(reading),
    )
    kpi = definition_of(reading, review)
    unit = reading.unit
    return {
        "row": row,
        "forest": draw(forest, _FOREST),
        "glyph": glyphs.verdict_glyph(reading.verdict, direction, like_for_like, paper=draw.paper),
        "big_glyph": glyphs.verdict_glyph(reading.verdict, direction, like_for_like, paper=draw.paper, look="big"),
        "falls": falls,
        "lines": None if history is None else draw(history.chart, _LINES),
        "labels": None if history is None else draw(history.labels, 132),
        "lines_about": "" if history is None else history.about,
        "limits": "" if history is None else history.limits,
        "history": history_rows(row, review, words),
        "counts": counted_rows(row, words),
        "definition": _definition(row, words),
        "pins": [] if kpi is None else kpi_terms(kpi, unit, review.currency, words),
    }


def _said_of(
    reading: Reading, review: Review, words: Words, marks: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """What stands below the name of a reading: what was confirmed of it, and who disputes it."""
    confirmed = [one for one in review.confirmed_readings if find_reading(review, one.key) is reading]
    said = tuple(confirmed_text(one, review, words) for one in confirmed)
    return {"confirmed": said, "marks": (*said, *marks_of(reading, review, marks))}


def _alone(row: ReadingRow) -> bool:
    """Whether one part is the change like for like, so that the interval of the change is its own."""
    return sum(part.like_for_like for part in row.parts) == 1


def _definition(row: ReadingRow, words: Words) -> str:
    design = row.reading.also.get("design")
    for key in (f"definition.{row.reading.id}_{design}", f"definition.{row.reading.id}", "definition.any"):
        if words.has(key):
            return words(key)
    return ""


def _paid(review: Review, words: Words, draw: ChartMarkup) -> dict[str, Any] | None:
    if review.paid is None:
        return None
    rows = paid_rows(review.paid, review, words)
    most = max((abs(row.share) for row in rows), default=1.0)
    hundred = words.money(HUNDRED, review.currency)
    amount = paid_amount(review.paid, review, words)
    return {
        "hundred": hundred,
        "hundred_exact": words.money(HUNDRED, review.currency, 2),
        "amount": amount,
        "about": words("paid.about", hundred=hundred, amount=amount),
        "cost": paid_cost(review.paid, review, words),
        "repeats": paid_repeats(review.paid, words),
        "notes": paid_notes(review.paid, words),
        "rows": [
            (row, draw(charts.share_bar(row.share, most, _LOOKS.get(row.answers_for or "", "nobody")), _SHARE))
            for row in rows
        ],
    }
