"""Tables of a book as the viewer may see them, and the lateness of agreed deliveries."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from comity.apps.books.queries import definition, open_member_book, readable_definition
from comity.apps.books.results import Question, cached, computed, current_result, earlier_result
from comity.apps.parties.member_context import IN_REQUEST, MemberContext
from comity.apps.refusal import Refused
from comity.book.lateness import last_due, lateness_in
from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.book.reading.origins import origins
from comity.book.tables import MONTHLY, ROOM_TABLES

_MAX_QUEUES = 200  # to choose from
_MAX_CHANNELS = 40
_QUIET_SURVEYS = timedelta(days=6)
OVERVIEW = Question("books.overview", ())


def lateness(member: MemberContext, *, current: bool = False) -> list[dict[str, Any]]:
    """List each agreed delivery: by whom, by when, and whether the last one due has come.

    :param current: as of `tables`
    """
    known = None if current else _known_in_request(member)
    if known is not None:
        now = datetime.now(UTC)
        return [one | {"late": True} if _fell_due(one["due"], known.at, now) else one for one in known.deliveries]

    def make() -> list[dict[str, Any]]:
        with open_member_book(member) as book:
            return _lateness(book, datetime.now(UTC))

    return cached(member, ("lateness", datetime.now(UTC).hour), make)


def _lateness(book: Book, now: datetime) -> list[dict[str, Any]]:
    return [asdict(one) for one in lateness_in(book, Coverage(book, now.date()), now)]


@dataclass(frozen=True, slots=True)
class Overview:
    """What pages that must not wait say of the records: the days that they reach, and the agreed deliveries.

    :ivar first: day with a row; None without one, as `last`
    :ivar deliveries: as `lateness` lists them, at `at`
    :ivar tables: as `tables` lists them
    :ivar private: what either side kept to itself then
    :ivar queues: of the contacts and intervals, by name
    :ivar channels: of the contacts, by name
    """

    at: datetime
    first: date | None
    last: date | None
    deliveries: list[dict[str, Any]]
    tables: list[dict[str, Any]]
    private: object
    queues: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()

    def late_deliveries(self, now: datetime) -> list[dict[str, Any]]:
        """List the deliveries that are late by now: the records have not changed since, so what fell due is late."""
        return [one for one in self.deliveries if one["late"] or _fell_due(one["due"], self.at, now)]


def overview(member: MemberContext) -> Overview | None:
    """Return the overview of the records; in a request the last one that a worker has made, which may be none.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """

    def compute() -> Overview:
        found = _tables(member)
        reaches = [reach for table in found if (reach := table["reach"]) is not None]
        first = min((reach["first"] for reach in reaches), default=None)
        last = max((reach["last"] for reach in reaches), default=None)
        with open_member_book(member) as book:
            now = datetime.now(UTC)
            deliveries = _lateness(book, now)
            queues = tuple(sorted(set(_queues(book)), key=str.casefold))
            channels = _channels(book)
        return Overview(now, first, last, deliveries, found, definition(member).private, queues, channels)

    definition(member)  # without a book there is nothing to ask a worker for
    try:
        return computed(member, OVERVIEW, compute)
    except Refused:  # a worker is at it, or was asked too often
        earlier: Overview | None = earlier_result(member, OVERVIEW)
        return earlier


def _known_in_request(member: MemberContext) -> Overview | None:
    """Return the last overview that a worker has made; None outside of requests, and where there is none.

    None too where either side has begun or ceased to keep something to itself since, so that nobody sees what was open
    before; and where there were no tables, so that the first file is seen at once.
    """
    known = overview(member) if member.cache.get(IN_REQUEST) else None
    return known if known is not None and known.tables and known.private == definition(member).private else None


def is_outdated(member: MemberContext) -> bool:
    """Whether the records have changed since the tables were last read, and a worker is reading them again.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    return _known_in_request(member) is not None and current_result(member, OVERVIEW) is None


def known_queues(member: MemberContext) -> tuple[str, ...]:
    """Return the queues that the records name, by name; none where no worker has looked at them yet."""
    if readable_definition(member) is None:
        return ()
    known = overview(member)
    return () if known is None else known.queues


def known_channels(member: MemberContext) -> tuple[str, ...]:
    """Return the channels that contacts name, by name; none where no worker has looked at them yet."""
    if readable_definition(member) is None:
        return ()
    known = overview(member)
    return () if known is None else known.channels


def reach_of_records(member: MemberContext) -> tuple[date, date] | None:
    """Return the first and the last day with a row; None where no worker has looked yet, and without one."""
    known = overview(member)
    return None if known is None or known.first is None or known.last is None else (known.first, known.last)


def _queues(book: Book) -> Iterator[str]:
    """Yield the first queues of each table whose rows have one; a name that divides names cannot be asked for."""
    for name in ("contacts", "intervals"):
        if any(holding.table.name == name for holding in book):
            queues = book.table(name).select("queue").distinct().order_by("queue").limit(_MAX_QUEUES)
            yield from (one for one in queues.to_pyarrow().column("queue").to_pylist() if one and ";" not in one)


def _channels(book: Book) -> tuple[str, ...]:
    """Return the first channels of the contacts; one that would read as several in a form cannot be chosen."""
    if not any(holding.table.name == "contacts" for holding in book):
        return ()
    named = book.table("contacts").select("channel").distinct().order_by("channel").limit(_MAX_CHANNELS)
    channels = (
        one for one in named.to_pyarrow().column("channel").to_pylist() if one and not re.search(r"\s{2}|[\n\t]", one)
    )
    return tuple(sorted(channels, key=str.casefold))


def _fell_due(due: str | None, since: datetime, now: datetime) -> bool:
    moment = last_due(due or "", now)
    return moment is not None and moment > since


def tables(member: MemberContext, *, current: bool = False) -> list[dict[str, Any]]:
    """List the tables that the viewer may see: rows, rejects, covered days, and the last import.

    Reading them takes seconds after an import. A request shows them as a worker has read them last (`is_outdated`), and
    reads them itself where none has.

    :param current: read them in the request too, for programs, which see no note that they are outdated
    """
    known = None if current else _known_in_request(member)
    return known.tables if known is not None else cached(member, ("tables",), lambda: _tables(member))


def _tables(member: MemberContext) -> list[dict[str, Any]]:
    with open_member_book(member) as book:
        origins_by_table = {origin.table: origin for origin in origins(book)}
        coverage = Coverage(book, datetime.now(UTC).date())
        return [
            {
                "name": holding.table.name,
                "reach": _reach(coverage, holding.table.name),
                "held": _held(coverage, holding.table.name),
                "rows": holding.rows,
                "rejected": origins_by_table[holding.table.name].rejected,
                "owner": book.definition.private_owner(holding.table.name),
                "last": origins_by_table[holding.table.name].deliveries[-1]
                if origins_by_table[holding.table.name].deliveries
                else None,
            }
            for holding in book
        ]


def _reach(coverage: Coverage, table: str) -> dict[str, Any] | None:
    """Return the first and the last day of a table's rows and the gaps between; None for a table without days."""
    if coverage.last_day(table) is None:
        return None
    days = coverage.days(table)
    if table in ROOM_TABLES:  # a day on which nobody did anything lacks nothing
        return {"first": days[0], "last": coverage.last_day(table), "gaps": []}
    spans = gaps(days, monthly=table in MONTHLY)
    if table == "surveys":  # nobody answers on some days, and nothing is missing therefore
        spans = [(first, last) for first, last in spans if last - first >= _QUIET_SURVEYS]
    return {"first": days[0], "last": coverage.last_day(table), "gaps": spans}


_SHORTEST_MONTH = timedelta(days=28)


def _held(coverage: Coverage, table: str) -> list[tuple[date, date]]:
    """Return the spans in which a table has rows: the first and last days, both with one.

    Between them nothing is as long as a month, so that each month, quarter and year that meets a span has a row.
    """
    if coverage.last_day(table) is None:
        return []
    spans: list[tuple[date, date]] = []
    for day in coverage.days(table):
        if spans and day - spans[-1][1] <= _SHORTEST_MONTH:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def gaps(days: Sequence[date], *, monthly: bool) -> list[tuple[date, date]]:
    """Find spans without a row, among weekdays that usually have one; for monthly tables, months.

    A weekday counts as usual where more than half of its days between the first and the last have a row.
    """
    if monthly:
        expected_days = [day for day in _days_in_span(days[0], days[-1]) if day.day == days[0].day]
    else:
        span = list(_days_in_span(days[0], days[-1]))
        days_by_weekday, span_by_weekday = (
            Counter(day.weekday() for day in days),
            Counter(day.weekday() for day in span),
        )
        expected_days = [day for day in span if 2 * days_by_weekday[day.weekday()] > span_by_weekday[day.weekday()]]
    known_days, spans = set(days), list[tuple[date, date]]()
    extends_span = False
    for day in expected_days:
        if day in known_days:
            extends_span = False
        elif extends_span:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
            extends_span = True
    return spans


def _days_in_span(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
