"""The table of all figures of all periods: as the records say now, and as the record holds what is final."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

from comity.apps.books import queries as books
from comity.apps.books import results
from comity.apps.books.results import Question
from comity.apps.parties.member_context import MemberContext
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, Entry, EntryKind
from comity.apps.reviews import queries
from comity.core.calendars import named
from comity.core.values import Side
from comity.review.build import NoReviewError
from comity.review.periods import recorded_periods
from comity.review.render.figures import COMPUTED, FigureKind, FigureRow, definition_text, review_rows

COMPUTE_FIGURES = "reviews.figures"  # task
QUESTION = Question(COMPUTE_FIGURES, ())
_MAX_PERIODS = 48  # the latest; the review of each is kept among 60 results
_REL_TOLERANCE = 1e-9
OPEN, RESTATED = "open", "restated"
FINAL = "final"


def table_rows(member: MemberContext) -> list[FigureRow]:
    """Return every figure of every whole period as the viewer may see it, the earliest period first.

    A figure that both sides confirmed stands as the record holds it, and a restatement in a row of its own: what the
    records say meanwhile takes neither's place.

    :raises comity.apps.books.queries.NoBookError: where there is no book yet
    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    rows = computed_rows(member)
    confirmed = _confirmed_by(member)
    entries: dict[str, list[Entry]] = {}
    for entry in record.entries(member, ConsentSubject.PERIOD):
        entries.setdefault(entry.subject, []).append(entry)
    by_period: dict[str, list[FigureRow]] = {}
    for row in rows:
        by_period.setdefault(row.period, []).append(row)
    starts_on = books.definition(member).month_starts_on
    spans = {name: named(name, starts_on)[1] for name in {*by_period, *entries}}
    table: list[FigureRow] = []
    for name in sorted(spans, key=lambda one: (spans[one].start, spans[one].end)):
        now = [replace(row, state=_open_state(row, confirmed.get(name, set()))) for row in by_period.get(name, [])]
        frame = (str(member.relationship), name, spans[name].start, spans[name].end)
        table += list(_with_record(now, entries.get(name, []), frame))
    return table


def computed_rows(member: MemberContext) -> list[FigureRow]:
    """Return what the records say now; computed by a worker.

    :raises comity.apps.books.results.NotComputedYet: as `table_rows`
    """

    def compute() -> list[FigureRow]:
        rows: list[FigureRow] = []
        for period in periods(member):
            try:
                rows += review_rows(queries.review(member, period), str(member.relationship))
            except NoReviewError:
                continue
        return rows

    return results.computed(member, QUESTION, compute)


def request_reviews(member: MemberContext) -> bool:
    """Defer the review of each period that has none; within a transaction.

    :returns: whether there was any
    """
    asked = [results.request_result(member, queries.review_question(name)) for name in periods(member)]
    return any(asked)


def periods(member: MemberContext) -> list[str]:
    """Return the names of the latest whole periods of the book's own length, the earliest first."""
    with books.open_member_book(member) as book:
        calendar = book.definition.calendar()
        return [calendar.name(one) for one in recorded_periods(book, datetime.now(UTC).date())[-_MAX_PERIODS:]]


def _confirmed_by(member: MemberContext) -> dict[str, set[str]]:
    """Return which sides have confirmed a period, by its name."""
    confirmed: dict[str, set[str]] = {}
    valid = Consent.objects.filter(relationship=member.relationship, subject_type=ConsentSubject.PERIOD, void_at=None)
    for subject, side in valid.values_list("subject", "side"):
        confirmed.setdefault(subject, set()).add(side)
    return confirmed


def _open_state(row: FigureRow, confirmed: set[str]) -> str:
    if row.kind != FigureKind.KPI:
        return COMPUTED  # nobody confirms a reading
    return f"confirmed by {min(confirmed)}" if len(confirmed) == 1 else OPEN


def _with_record(now: list[FigureRow], entries: list[Entry], frame: tuple[Any, ...]) -> Iterator[FigureRow]:
    """Yield a period's rows: confirmed figures from the record in place of the current ones, restatements after."""
    frozen = next((entry for entry in entries if entry.kind == EntryKind.FROZEN), None)
    if frozen is None:
        yield from now
        return
    current = {(row.id, row.start, row.end): row for row in now if row.kind == FigureKind.KPI}
    final = dict(frozen.content["figures"])
    yield from _recorded_rows(final, FINAL, frame, current)
    yield from (row for (kpi, *_days), row in current.items() if kpi not in final)
    gone = {kpi: {name: figure.get(name) for name in ("measure", "unit")} for kpi, figure in final.items()}
    for entry in entries:
        if entry.kind == EntryKind.RESTATED:  # a figure that it no longer holds has a row without a value
            yield from _recorded_rows(gone | entry.content["figures"], RESTATED, frame, current)
    yield from (row for row in now if row.kind != FigureKind.KPI)


def _recorded_rows(
    figures: Mapping[str, Mapping[str, Any]],
    state: str,
    frame: tuple[Any, ...],
    current: Mapping[tuple[str, date, date], FigureRow],
) -> Iterator[FigureRow]:
    """Yield each figure of the record, and those of the stretches of its period before."""
    relationship, name, first, end = frame
    for kpi, figure in figures.items():
        for one in (figure, *figure.get("earlier", ())):
            days = one.get("days")
            span = (first, end) if days is None else tuple(date.fromisoformat(days[edge]) for edge in ("start", "end"))
            yield _recorded_row(kpi, one, state, (relationship, name, *span), current.get((kpi, span[0], span[1])))


def _recorded_row(
    kpi: str, figure: Mapping[str, Any], state: str, frame: tuple[Any, ...], current: FigureRow | None
) -> FigureRow:
    """Return a figure of the record; the interval is that of the current figure where it is the same."""
    value = _number(figure.get("value"))
    low, high = (None, None) if current is None or not _same(value, current.value) else (current.low, current.high)
    relationship, name, start, end = frame
    reported = figure.get("reported") or {}
    return FigureRow(
        relationship=relationship,
        kind=FigureKind.KPI,
        id=kpi,
        variant=None,
        measure=figure.get("measure"),
        unit=str(figure.get("unit", "")),
        period=name,
        start=start,
        end=end,
        value=value,
        low=low,
        high=high,
        num=_number(figure.get("num")),
        den=_number(figure.get("den")),
        target=_number(figure.get("target")),
        met=figure.get("met"),
        reported_customer=_number(reported.get(Side.CUSTOMER.value)),
        reported_provider=_number(reported.get(Side.PROVIDER.value)),
        as_reported=None,
        verdict=None,
        state=state,
        definition=definition_text(figure["definition"]) if figure.get("definition") else None,
    )


def _same(a: float | None, b: float | None) -> bool:
    return a is not None and b is not None and math.isclose(a, b, rel_tol=_REL_TOLERANCE)


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)
