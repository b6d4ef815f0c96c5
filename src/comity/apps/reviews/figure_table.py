"""The table of all figures of all periods: as the records say now, and as the record holds what is final."""

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from comity.apps.books import queries as books
from comity.apps.books import results
from comity.apps.books.results import Question
from comity.apps.parties.member_context import MemberContext
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, Entry, EntryKind
from comity.apps.reviews import queries
from comity.core.calendars import Calendar, Cut, named
from comity.core.values import Period, Side
from comity.review.build import NoReviewError
from comity.review.periods import recorded_periods, table_cuts
from comity.review.render.figures import (
    COMPUTED,
    FigureKind,
    FigureRow,
    TableFormat,
    definition_text,
    review_rows,
    write_table,
)

COMPUTE_FIGURES = "reviews.figures"  # task
_REL_TOLERANCE = 1e-9
_IN_MEMORY = 8_000_000  # bytes of a file before it goes on in a temporary one
OPEN, RESTATED = "open", "restated"
FINAL = "final"


def write_file(member: MemberContext, form: TableFormat) -> IO[bytes]:
    """Write every figure of every whole period as the viewer may see it, the earliest period first.

    A figure that both sides confirmed stands as the record holds it, and a restatement in a row of its own: what the
    records say meanwhile takes neither's place. What is written goes on in a temporary file where it becomes large.

    :raises comity.apps.books.queries.NoBookError: where there is no book yet
    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    parts = part_names(member)
    for part in parts:  # whatever is missing is found before anything is written
        part_rows(member, part)
    out = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed by the answer that sends it
    try:
        write_table(_table_rows(member, parts), form, out)
    except BaseException:
        out.close()
        raise
    size = out.tell()
    out.seek(0)
    if size > _IN_MEMORY:
        return out
    with out:  # what is in memory needs nobody to close it
        return BytesIO(out.read())


def _table_rows(member: MemberContext, parts: Sequence[str]) -> Iterator[FigureRow]:
    confirmed, starts_on = _confirmed_by(member), books.definition(member).month_starts_on
    final: dict[str, list[str]] = {}  # by part: names of the periods of which the record holds anything
    for name in record.entries(member, ConsentSubject.PERIOD).order_by().values_list("subject", flat=True).distinct():
        final.setdefault(_part_of(named(name, starts_on)[1], starts_on), []).append(name)
    for part in sorted({*parts, *final}):
        by_period: dict[str, list[FigureRow]] = {}
        for row in part_rows(member, part) if part in parts else ():
            by_period.setdefault(row.period, []).append(row)
        spans = {name: named(name, starts_on)[1] for name in {*by_period, *final.get(part, ())}}
        for name in sorted(spans, key=lambda one: (spans[one].start, spans[one].end)):
            now = [replace(row, state=_open_state(row, confirmed.get(name, set()))) for row in by_period.get(name, [])]
            frame = (str(member.relationship), name, spans[name].start, spans[name].end)
            entries = list(queries.entries(member, name)) if name in final.get(part, ()) else []
            yield from _with_record(now, entries, frame)


def question(part: str | None) -> Question:
    """Return the question for the figures of the periods that begin in a quarter; for None, for the quarters' names."""
    return Question(COMPUTE_FIGURES, (("part", part),))


def part_names(member: MemberContext) -> list[str]:
    """Return the names of the quarters in which a whole period begins, the earliest first; computed by a worker.

    :raises comity.apps.books.results.NotComputedYet: as `write_file`
    """
    return list(results.computed(member, question(None), lambda: list(_periods(member))))


def part_rows(member: MemberContext, part: str) -> list[FigureRow]:
    """Return what the records say now of the periods that begin in a quarter; computed by a worker.

    No review is kept for it: there are more of them than results are kept of a relationship.

    :raises comity.apps.books.results.NotComputedYet: as `write_file`
    """

    def compute() -> list[FigureRow]:
        rows: list[FigureRow] = []
        for name in _periods(member).get(part, ()):
            with contextlib.suppress(NoReviewError):
                known = results.current_result(member, queries.review_question(name))
                review = queries.build(member, name) if known is None else known
                rows += review_rows(review, str(member.relationship))
        return rows

    return results.computed(member, question(part), compute)


def request_parts(member: MemberContext) -> bool:
    """Defer each part that has no result, as a job of its own, so that others' questions come between.

    Within a transaction, of a worker.

    :returns: whether there was any
    """
    asked = [results.request_result(member, question(part)) for part in part_names(member)]
    return any(asked)


def _periods(member: MemberContext) -> dict[str, list[str]]:
    """Return the names of whole periods by the quarter in which they begin, the earliest first."""
    found: dict[str, list[str]] = {}
    with books.open_member_book(member) as book:
        own, starts_on = book.definition.cut, book.definition.month_starts_on
        for calendar, period in recorded_periods(book, datetime.now(UTC).date(), table_cuts(own)):
            found.setdefault(_part_of(period, starts_on), []).append(calendar.name(period))
    return found


def _part_of(period: Period, starts_on: int) -> str:
    calendar = Calendar(Cut.QUARTER, starts_on)
    return calendar.name(calendar.containing(period.start))


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
