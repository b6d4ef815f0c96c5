"""A service level shared out, as a workbook: formulas for all that adds up, from the model's levels to the parts."""

import io
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import xlsxwriter

from comity.core.economics.attribution import PARTS, SharedOut
from comity.review.attribution import Attribution
from comity.review.i18n.words import Words, clean
from comity.review.render.xlsx import Cell, Formula, WorkbookWriter
from comity.review.views.attribution import attribution_notes, attribution_title

_SHARE = "0.00%"
_POINTS = "0.0000%"
_CAUSES = ("volume", "handling", "planning", "presence")
_WEIGHTS = ("1/4", "1/12", "1/12", "1/4")  # of a set of 0 to 3 other causes


def render(attribution: Attribution, words: Words) -> bytes:
    """The workbook as bytes; the same question gives the same bytes."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    workbook = xlsxwriter.Workbook(out, options)
    created = datetime(
        attribution.period.end.year, attribution.period.end.month, attribution.period.end.day, tzinfo=UTC
    )
    properties = {
        "title": attribution_title(attribution, words),
        "author": "Comity",
        "created": created.replace(tzinfo=None),
    }
    workbook.set_properties(properties)
    book = WorkbookWriter(workbook, words)
    if attribution.shared is None:
        lines = [[Cell(", ".join(one.needs)), Cell(one.held_by), Cell(one.why)] for one in attribution.missing]
        book.sheet("missing", [words(f"missing.{key}") for key in ("needs", "held_by", "why")], lines)
    else:
        days = _by_day(attribution, attribution.shared)
        _parts(book, attribution, attribution.shared, len(days))
        _levels(book, attribution.shared)
        _days(book, days)
        book.sheet(
            "notes",
            [words("attribution.how")],
            [[Cell(line)] for line in attribution_notes(attribution, attribution.shared, words)],
        )
    workbook.close()
    return out.getvalue()


def _parts(book: WorkbookWriter, attribution: Attribution, shared: SharedOut, days: int) -> None:
    """From the target to the observed level. Whole causes are formulas of the levels, halves sums of their days."""
    words = book.words
    levels, by_day = (words(f"sheet.{key}") for key in ("model_levels", "by_day"))
    row_of = {part: number for number, part in enumerate(PARTS, 3)}
    rows = [[Cell(words("attribution.target")), Cell(shared.target, _SHARE)]]
    for part in shared.parts:
        if part.id == "plan":
            formula = f"='{levels}'!F2-B2"
        elif part.id in _CAUSES:
            formula = _shapley(levels, _CAUSES.index(part.id))
        else:
            column = "ABCDEFG"[PARTS.index(part.id)]
            formula = f"=SUM('{by_day}'!{column}2:{column}{days + 1})"
        ends = [Cell(part.low, _POINTS), Cell(part.high, _POINTS)]
        name = words(f"attribution.{part.id}")
        who = attribution.answers[part.id]
        answers = words("attribution.nobody") if who is None else words.side(who, attribution.parties)
        rows.append([Cell(name), Cell(Formula(formula, part.value), _POINTS), *ends, Cell(answers)])
    unexplained = f"=B{len(rows) + 3}-'{levels}'!F17"
    rows.append([Cell(words("attribution.unexplained")), Cell(Formula(unexplained, shared.unexplained), _POINTS)])
    ratio = f"=F{len(rows) + 2}/G{len(rows) + 2}"
    observed = [Cell(words("attribution.observed")), Cell(Formula(ratio, shared.observed), _SHARE)]
    rows.append([*observed, Cell(None), Cell(None), Cell(None), Cell(shared.good), Cell(shared.counted)])
    check = f"=SUM(B2:B{row_of['presence'] + 1})-B{len(rows) + 1}"
    rows.append([Cell(words("attribution.check_zero")), Cell(Formula(check, 0.0), _POINTS)])
    keys = ("part", "points", "low", "high", "answers", "good", "counted")
    width = len(keys)
    filled = [row + [Cell(None)] * (width - len(row)) for row in rows]
    book.sheet("attribution", [words(f"attribution.{key}") for key in keys], filled)


def _shapley(sheet: str, cause: int) -> str:
    """The mean of what one cause changes over all orders, of the sixteen levels of the sheet."""
    terms = []
    for others in itertools.product((0, 1), repeat=3):
        off, on = ((*others[:cause], turn, *others[cause:]) for turn in (0, 1))
        terms.append(f"{_WEIGHTS[sum(others)]}*('{sheet}'!F{_row(on)}-'{sheet}'!F{_row(off)})")
    return "=" + "+".join(terms)


def _row(state: Sequence[int]) -> int:
    """In which row of the sheet of levels a state stands, the head being the first."""
    return 2 + sum(bit << (3 - at) for at, bit in enumerate(state))


def _levels(book: WorkbookWriter, shared: SharedOut) -> None:
    """The model's level with each set of causes as it was, the others as planned."""
    words = book.words
    rows = []
    for state in itertools.product((0, 1), repeat=4):
        volume, handled, planned, present = state
        level = shared.levels[3 * volume, handled, planned, 3 * present]
        said = [Cell(words("attribution.as_it_was" if bit else "attribution.as_planned")) for bit in state]
        rows.append([Cell(_row(state) - 1), *said, Cell(level, _SHARE)])
    names = [words(f"attribution.{key}") for key in ("state", "volume", "handling", "planning", "presence", "level")]
    book.sheet("model_levels", names, rows)


def _by_day(attribution: Attribution, shared: SharedOut) -> list[list[Cell]]:
    """Each part but the plan's, by local day."""
    zone = ZoneInfo(attribution.timezone)
    starts = [] if attribution.planned is None else attribution.planned.starts.tolist()
    days = np.array([datetime.fromtimestamp(one / 1e6, UTC).astimezone(zone).date() for one in starts])
    rows = []
    for day in sorted(set(days.tolist())):
        own = days == day
        rows.append([Cell(day), *(Cell(float(shared.by_interval[part][own].sum()), _POINTS) for part in PARTS[1:])])
    return rows


def _days(book: WorkbookWriter, rows: list[list[Cell]]) -> None:
    names = [book.words(f"attribution.{part}") for part in PARTS[1:]]
    book.sheet("by_day", [clean(book.words("attribution.day")), *names], rows)
