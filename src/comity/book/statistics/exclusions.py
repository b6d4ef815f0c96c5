"""Contacts that fall into an event which a side claims as excluded: those agreed, and those only claimed."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

import ibis
import pyarrow as pa
from ibis import _

from comity.book.reading.open import Book
from comity.core.agreements.kpi import Kpi

_DAY = timedelta(days=1)
_AGREED = ("accepted", "deemed")


class TakenOut(StrEnum):
    """Which events' contacts are left out of a figure."""

    NOTHING = "nothing"
    ACCEPTED = "accepted"  # accepted, or deemed so because nobody answered in time
    CLAIMED = "claimed"  # these, and those that are claimed and not answered


@dataclass(frozen=True, slots=True)
class Event:
    """What befell some queues (none named: all) from `start` up to, and without, `end`, both in UTC."""

    start: datetime
    end: datetime
    queues: tuple[str, ...]
    agreed: bool


def named_queues(text: str | None) -> tuple[str, ...]:
    """The queues that an event names, divided by semicolons; none named: all."""
    return tuple(name.strip() for name in (text or "").split(";") if name.strip())


def events(book: Book, kpi: Kpi, taken_out: TakenOut) -> tuple[Event, ...]:
    """The events whose contacts are left out of a KPI."""
    if taken_out is TakenOut.NOTHING:
        return ()
    found = _claimed(book).get(kpi.id, ()) + _claimed(book).get("", ())
    return tuple(event for event in found if event.agreed or taken_out is TakenOut.CLAIMED)


def suppose_accepted(book: Book, kpi: str, event: Event) -> None:
    """Count an event as accepted as long as this book is open; before any figure is formed from it.

    :param kpi: the KPI that it is claimed for; empty for all
    """
    known = _claimed(book)
    known[kpi] = (*known.get(kpi, ()), dataclasses.replace(event, agreed=True))


def without(
    book: Book, table: ibis.Table, kpi: Kpi, taken_out: TakenOut = TakenOut.ACCEPTED, start: str = "opened_at"
) -> ibis.Table:
    """The rows that began outside of all such events; `queue` is still the one of the source.

    :param start: the instant that says when a row began; its local day lies beside it
    """
    for spans, keys in _spans(events(book, kpi, taken_out), kpi, table, start):
        table = table.anti_join(spans, keys)
    return table


def during(
    book: Book, table: ibis.Table, kpi: Kpi, taken_out: TakenOut = TakenOut.ACCEPTED, start: str = "opened_at"
) -> ibis.Table | None:
    """The rows that `without` leaves out, each once; None where there is no such event."""
    excluding = events(book, kpi, taken_out)
    if not excluding:
        return None
    table = table.filter(
        table[start] >= min(event.start for event in excluding), table[start] < max(event.end for event in excluding)
    )
    (first, keys), *more = _spans(excluding, kpi, table, start)
    inside = table.semi_join(first, keys)
    for spans, others in more:
        inside = inside.union(table.anti_join(first, keys).semi_join(spans, others))
    return inside


def _claimed(book: Book) -> dict[str, tuple[Event, ...]]:
    """Every event that is claimed as excluded and not refused, by the KPI that it is claimed for (empty: all)."""

    def read() -> dict[str, tuple[Event, ...]]:
        if not book.has("events"):
            return {}
        rows = book.table("events").filter(_.claim == "exclude", _.state.isin([*_AGREED, "claimed"]))
        found: dict[str, tuple[Event, ...]] = {}
        for row in rows.select("from", "to", "queues", "kpi", "state").to_pyarrow().to_pylist():
            event = Event(row["from"], row["to"], named_queues(row["queues"]), row["state"] in _AGREED)
            found[row["kpi"] or ""] = (*found.get(row["kpi"] or "", ()), event)
        return found

    return book.once(("exclusions", "events"), read)


def _spans(
    excluding: Sequence[Event], kpi: Kpi, table: ibis.Table, start: str
) -> list[tuple[ibis.Table, list[tuple[str, str] | ibis.Value]]]:
    """The events of all queues and those of some, day by day, with what joins rows to them.

    By day, so that the engine can hash: a row is held against the events of its day only. A named queue is one of
    the source or a signed one.
    """
    day = f"{start.removesuffix('_at')}_on"
    everywhere = [(*span, "") for event in excluding if not event.queues for span in _by_day(event)]
    somewhere = [
        (*span, queue) for event in excluding for queue in _sources(event.queues, kpi) for span in _by_day(event)
    ]
    joins = []
    for rows, keys in ((everywhere, [(day, "span_day")]), (somewhere, [(day, "span_day"), ("queue", "span_queue")])):
        if rows:
            spans = ibis.memtable(_table(rows))
            joins.append((spans, [*keys, table[start] >= spans.span_start, table[start] < spans.span_end]))
    return joins


def _sources(queues: Sequence[str], kpi: Kpi) -> list[str]:
    """The queues named, and those of the source that the KPI's map sends to one of them."""
    return sorted({*queues, *(source for source, signed in kpi.queue_map.items() if signed in queues)})


def _by_day(event: Event) -> list[tuple[date, datetime, datetime]]:
    """The event on each local day that it can touch, wherever the book's zone lies."""
    first, last = event.start.date() - _DAY, event.end.date() + _DAY
    return [(first + ahead * _DAY, event.start, event.end) for ahead in range((last - first).days + 1)]


def _table(rows: Sequence[tuple[date, datetime, datetime, str]]) -> pa.Table:
    kinds = (pa.date32(), pa.timestamp("us"), pa.timestamp("us"), pa.string())
    columns = [pa.array(column, kind) for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    return pa.table(columns, names=["span_day", "span_start", "span_end", "span_queue"])
