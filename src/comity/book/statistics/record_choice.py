"""What contacts and intervals each can answer of a KPI, from which it is chosen which of them is counted.

The choice is made once for a KPI, by its wording in force at the end of the period under review, and holds for all
periods of the review: a history of two tables would be none. The rules are those of `core.record_choice`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import ibis
from ibis import _

from comity.book.reading.coverage import EDGE
from comity.book.reading.open import Book
from comity.core.agreements.kpi import CONTACTS, EVERYTHING, INTERVALS, MEASURES, RECORDS, Kpi, in_force
from comity.core.record_choice import AnsweringQueue, RecordChoice, choose_for_plan, choose_records
from comity.core.values import Period


def record_choice(book: Book, kpi: Kpi) -> RecordChoice | None:
    """From which records a KPI is counted; None for a measure that only one table can answer.

    The periods that are to be answered are those of `Book.asked`; without any, all days are one.
    """
    if not MEASURES[kpi.measure].also_intervals:
        return None
    decisive = _decisive(book, kpi)
    pins = (decisive.queues, decisive.channels, decisive.answer_within_s, tuple(sorted(decisive.queue_map.items())))
    key = ("record choice", book.asked, decisive.measure, decisive.records, pins)
    return book.once(key, lambda: _choose(book, decisive))


def counted_table(book: Book, kpi: Kpi) -> str:
    """The table that a KPI of a measure of contacts is counted from."""
    choice = record_choice(book, kpi)
    return CONTACTS if choice is None else choice.table


def table_for_plan(book: Book, kpi: Kpi, plan: str, column: str) -> str:
    """The table that tells what came of what was planned, for all periods of a review: `choose_for_plan` says which.

    :param plan: forecasts or schedules
    :param column: that intervals must tell of
    """
    if not book.has(INTERVALS) or not book.has(CONTACTS):
        return CONTACTS if book.has(CONTACTS) else INTERVALS
    contacts, intervals = book.table(CONTACTS), book.table(INTERVALS)
    planned = _planned_queues(book, kpi, plan) if book.has(plan) else frozenset()
    named, nobody = contacts.queue.notnull(), ibis.literal(False)
    rows = {
        CONTACTS: book.once(
            ("told of a plan", CONTACTS, book.asked),
            lambda: _grouped(book, contacts, contacts.opened_on, contacts.opened_on, named, nobody),
        ),
        INTERVALS: book.once(
            ("told of a plan", INTERVALS, column, book.asked),
            lambda: _grouped(
                book,
                intervals,
                intervals.start_on,
                _last_on(intervals),
                intervals[column].notnull() & intervals.queue.notnull(),
                nobody,
            ),
        ),
    }
    told = {table: _signed(book, kpi, found) for table, found in rows.items()}
    return choose_for_plan(planned, told, delivered_tables(book))


def delivered_tables(book: Book) -> frozenset[str]:
    """The one of both tables that both sides agreed is delivered; empty where they agreed on both or on neither."""
    agreed = {source.table for source in book.definition.sources} & {*RECORDS}
    return frozenset(agreed) if len(agreed) == 1 else frozenset()


def _planned_queues(book: Book, kpi: Kpi, plan: str) -> frozenset[str]:
    """The signed queues, among the KPI's, of which there is a plan."""

    def read() -> list[str]:
        rows = book.table(plan)
        named = rows.filter(rows.queue.notnull()).select("queue").distinct().to_pyarrow()
        return sorted(named.column(0).to_pylist())

    signed = (kpi.queue_map.get(name, name) for name in book.once(("queues planned", plan), read))
    return frozenset(name for name in signed if kpi.queues == EVERYTHING or name in kpi.queues)


def _last_on(table: ibis.Table) -> ibis.Value:
    """The last day that a row of intervals tells of: a row of a month tells of all its days."""
    return (table.start_on.cast("timestamp") + (table.minutes - 1) * ibis.interval(minutes=1)).date()


def choices_in_force(book: Book, measure: str) -> dict[str, RecordChoice]:
    """By KPI of a measure, as worded at the end of the period under review, from which records it is counted."""
    choices = {}
    for name in dict.fromkeys(kpi.id for kpi in book.definition.kpis if kpi.measure == measure):
        worded = tuple(kpi for kpi in book.definition.kpis if kpi.id == name and kpi.measure == measure)
        last = in_force(worded, name, _last_day(book)) if book.asked else worded[-1]
        choice = None if last is None else record_choice(book, last)
        if choice is not None:
            choices[name] = choice
    return choices


def _last_day(book: Book) -> date:
    """The last day of the period under review."""
    return book.asked[0].end - timedelta(days=1)


def _decisive(book: Book, kpi: Kpi) -> Kpi:
    """The wording that decides for all wordings of a KPI: that in force at the end of the period under review.

    What a wording says itself holds for that wording alone.
    """
    if not book.asked or kpi.records is not None:
        return kpi
    last = in_force(book.definition.kpis, kpi.id, _last_day(book))
    return kpi if last is None or last.records is not None or last.measure != kpi.measure else last


def _choose(book: Book, kpi: Kpi) -> RecordChoice:
    held = [name for name in RECORDS if book.has(name)]
    if len(held) < len(RECORDS):
        return choose_records(kpi, held, {})
    told = {CONTACTS: _of_contacts(book, kpi), INTERVALS: _of_intervals(book, kpi)}
    return choose_records(kpi, held, told, delivered_tables(book))


def _of_contacts(book: Book, kpi: Kpi) -> list[AnsweringQueue]:
    """The queues, among the KPI's, of which contacts of its channels tell what it counts."""
    table = book.table(CONTACTS)
    answered, gave_up = table.answered_at.notnull(), table.abandoned_at.notnull() & table.answered_at.isnull()
    tells = answered | gave_up
    if kpi.measure == "handle_time":
        tells = table.handle_s.notnull() & (answered | table.abandoned_at.isnull())
    key = ("record choice", CONTACTS, book.asked, kpi.measure == "handle_time")
    rows = book.once(key, lambda: _grouped(book, table, table.opened_on, table.opened_on, tells, gave_up, "channel"))
    if kpi.channels != EVERYTHING:
        rows = [row for row in rows if row["channel"] in kpi.channels]
    return _signed(book, kpi, rows)


def _of_intervals(book: Book, kpi: Kpi) -> list[AnsweringQueue]:
    """The queues, among the KPI's, of which intervals tell what it counts, whatever their channel."""
    table = book.table(INTERVALS)
    rest = ibis.greatest(table.offered - table.answered - table.flowed_out.fill_null(0), 0)
    gone = ibis.coalesce(table.abandoned, rest)
    tells = table.answered.notnull() & gone.notnull()
    if kpi.measure == "service_level":
        tells &= table.answered_within.notnull() & (table.threshold_s == kpi.answer_within_s)
    elif kpi.measure == "handle_time":
        tells = table.handle_s.notnull() & table.answered.notnull()
    key = ("record choice", INTERVALS, book.asked, kpi.measure, kpi.answer_within_s)
    rows = book.once(key, lambda: _grouped(book, table, table.start_on, _last_on(table), tells, gone > 0))
    return _signed(book, kpi, rows)


def _grouped(  # noqa: PLR0913 - of which rows, and what of them
    book: Book,
    table: ibis.Table,
    first_on: ibis.Value,
    last_on: ibis.Value,
    tells: ibis.Value,
    gave_up: ibis.Value,
    *keys: str,
) -> list[dict[str, object]]:
    """By source queue, of the rows that tell: whether some gave up, and whether one lies at each end of each period."""
    columns = {
        "told_first": first_on,
        "told_last": last_on,
        "tells": tells.fill_null(False),
        "gone": gave_up.fill_null(False),
    }
    sums: dict[str, ibis.Value] = {"gave_up": _.gone.any()}
    for number, period in enumerate(book.asked):
        for name, edge in zip(("first", "last"), _edges(period), strict=True):
            sums[f"{name}{number}"] = ((_.told_first < edge.end) & (_.told_last >= edge.start)).any()
    rows = table.mutate(**columns).filter(_.tells).group_by("queue", *keys).aggregate(**sums)
    found: list[dict[str, object]] = rows.order_by("queue", *keys).to_pyarrow().to_pylist()
    return found


def _edges(period: Period) -> tuple[Period, Period]:
    """The first and the last seven days of a period."""
    return (
        Period(period.start, min(period.start + EDGE, period.end)),
        Period(max(period.end - EDGE, period.start), period.end),
    )


def _signed(book: Book, kpi: Kpi, rows: Sequence[Mapping[str, object]]) -> list[AnsweringQueue]:
    """The rows of the KPI's queues, by the signed map of source queues."""
    answering = []
    for row in rows:
        source = str(row["queue"] or "")
        queue = kpi.queue_map.get(source, source)
        if kpi.queues == EVERYTHING or queue in kpi.queues:
            ends = tuple((bool(row[f"first{at}"]), bool(row[f"last{at}"])) for at in range(len(book.asked)))
            answering.append(AnsweringQueue(queue, bool(row["gave_up"]), ends))
    return answering
