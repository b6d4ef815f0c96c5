"""What each edit of a KPI would have meant: the last twelve closed periods by both wordings, computed by a worker."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from comity.apps.books import queries as books
from comity.apps.books import results
from comity.apps.books.results import Question
from comity.apps.parties.member_context import MemberContext
from comity.book.definition import kpi_keys, parse_kpis
from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.core import chain, levels
from comity.core.agreements.changes import Change
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.agreements.text import Chain, text, with_change
from comity.core.agreements.wordings import kpi_of
from comity.core.calendars import Calendar, Cut
from comity.core.values import Period
from comity.review.levels import build_levels
from comity.review.periods import longest_whole, telling

COMPUTE_PREVIEW = "agreements.preview"  # the task
PERIODS = 12
QUARTER = 3  # months
_ROUNDING = 1e-9
_TABLES = ("contacts", "intervals")


@dataclass(frozen=True, slots=True)
class Counted:
    """What one wording came to in a period.

    :ivar num, den: what it is made of, where it is a ratio of two sums; periods are pooled by these
    :ivar met: None without a target
    """

    value: float
    num: float | None
    den: float | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One period, or several pooled, by both wordings; None where there is no value."""

    period: Period
    before: Counted | None
    after: Counted | None


@dataclass(frozen=True, slots=True)
class Preview:
    """A KPI that a change adds or words otherwise.

    :ivar unit: of its values
    :ivar rows: the earliest period first; empty where no closed period has records for it
    :ivar quarter: the last three periods pooled; None where they cannot be, as with a wait of nine in ten
    """

    kpi: str
    unit: str
    rows: tuple[PreviewRow, ...]
    cut: Cut
    quarter: PreviewRow | None = None


def touched_kpis(change: Change, entries: Chain) -> list[tuple[Kpi | None, Kpi]]:
    """Return (now, by the change) for each KPI that a change adds or words otherwise, on its first day.

    KPIs about people are left out: their figures are shown in the review's own periods and in no others.
    """
    day = change.span.first_day
    before, after = text(entries, day), text(with_change(entries, change), day)
    found: list[tuple[Kpi | None, Kpi]] = []
    for clause in dict.fromkeys(edit.clause for edit in change.edits):
        new, old = after.get(clause), before.get(clause)
        if new is None or new.kind is not Kind.KPI:
            continue
        kpi = kpi_of(clause, new.fields)
        if MEASURES[kpi.measure].people_of is None:
            found.append((None if old is None else kpi_of(clause, old.fields), kpi))
    return found


def previews(member: MemberContext, pairs: Sequence[tuple[Kpi | None, Kpi]]) -> list[Preview]:
    """Return what each KPI came to by both wordings, of the shared records.

    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    asked = [[None if old is None else kpi_text(old), kpi_text(new)] for old, new in pairs]
    return previews_of_text(member.joint(), chain.canonical(asked))


def previews_of_text(member: MemberContext, written: str) -> list[Preview]:
    """Return the same for wordings as JSON, which is how the question of a job has them."""
    return results.computed(member, Question(COMPUTE_PREVIEW, (("kpis", written),)), lambda: _compute(member, written))


def _compute(member: MemberContext, written: str) -> list[Preview]:
    with books.open_member_book(member) as book:
        today = datetime.now(UTC).astimezone(ZoneInfo(book.definition.timezone)).date()
        coverage = Coverage(book, today)
        horizons = [end for name in _TABLES if (end := coverage.horizon([name])) is not None]
        first = coverage.first_day(_TABLES)
        calendar = Calendar(Cut.MONTH, book.definition.month_starts_on)
        whole = None
        if horizons and first is not None:
            whole = longest_whole(calendar, first, max(horizons), telling(coverage, ((name,) for name in _TABLES)))
        found = []
        for old, new in json.loads(written):
            (after,) = parse_kpis([new])
            if whole is None:
                found.append(Preview(after.id, "", (), calendar.cut))
                continue
            before = None if old is None else parse_kpis([old])[0]
            counted = [{} if kpi is None else history(book, coverage, *whole, kpi) for kpi in (before, after)]
            periods = sorted(set().union(*counted), key=lambda period: period.start)[-PERIODS:]
            unit = levels.unit(after)
            rows = tuple(PreviewRow(period, *(one.get(period) for one in counted)) for period in periods)
            found.append(Preview(after.id, unit, rows, whole[0].cut, _pooled(rows[-QUARTER:], (before, after))))
        return found


def history(book: Book, coverage: Coverage, calendar: Calendar, period: Period, kpi: Kpi) -> dict[Period, Counted]:
    """Return what a KPI came to in each closed period, as if it had held in all of them."""
    definition = book.definition
    book.definition = replace(definition, kpis=(kpi,))
    try:
        found = build_levels(book, coverage, calendar, period).levels
    finally:
        book.definition = definition
    return {
        point.period: Counted(point.value, point.num, point.den, kpi.met(point.value))
        for level in found
        for point in level.history
    }


def _pooled(rows: Sequence[PreviewRow], kpis: tuple[Kpi | None, Kpi]) -> PreviewRow | None:
    """Return months as one period, by the sums of what each is made of.

    None where a month lacks, or is no ratio of two sums.
    """
    if len(rows) < QUARTER or any(row.after is None for row in rows):
        return None
    pooled: list[Counted | None] = []
    for kpi, months in zip(kpis, ([row.before for row in rows], [row.after for row in rows]), strict=True):
        if kpi is None:
            pooled.append(None)
            continue
        sums = [(one.num, one.den, one.value) for one in months if one is not None]
        if len(sums) < QUARTER or not all(_is_ratio(*one) for one in sums):
            return None
        num, den = (sum(one[at] for one in sums if one[at] is not None) for at in (0, 1))  # type: ignore[misc]
        pooled.append(Counted(num / den, num, den, kpi.met(num / den)))
    return PreviewRow(Period(rows[0].period.start, rows[-1].period.end), *pooled)


def _is_ratio(num: float | None, den: float | None, value: float) -> bool:
    """Whether a value is its numerator by its denominator, and no quantile, stock or yearly rate beside them."""
    return num is not None and bool(den) and abs(num / den - value) <= _ROUNDING * max(1.0, abs(value))  # type: ignore[operator]


def kpi_text(kpi: Kpi) -> dict[str, object]:
    """Return a wording as the question of a job has it: without its days, as if it had always held."""
    return {name: value for name, value in kpi_keys(kpi).items() if name != "valid_from"}
