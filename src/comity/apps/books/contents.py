"""What a book holds for its viewer, and which deliveries are late."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from comity.apps.books.queries import opened
from comity.apps.books.results import cached
from comity.apps.parties.member_context import MemberContext
from comity.book.lateness import lateness_in
from comity.book.reading.coverage import Coverage
from comity.book.reading.origins import origins
from comity.book.tables import MONTHLY


def lateness(member: MemberContext) -> list[dict[str, Any]]:
    """Each agreed delivery, by whom and by when, and whether the last one due has come."""

    def make() -> list[dict[str, Any]]:
        with opened(member) as book:
            now = datetime.now(UTC)
            return [asdict(one) for one in lateness_in(book, Coverage(book, now.date()), now)]

    return cached(member, ("lateness", datetime.now(UTC).hour), make)


def tables(member: MemberContext) -> list[dict[str, Any]]:
    """What is in the book for the viewer: each table with its rows, those set aside, and what came last by whom."""
    return cached(member, ("tables",), lambda: _tables(member))


def _tables(member: MemberContext) -> list[dict[str, Any]]:
    with opened(member) as book:
        found = {origin.table: origin for origin in origins(book)}
        reach = Coverage(book, datetime.now(UTC).date())
        return [
            {
                "name": holding.table.name,
                "reach": _reach(reach, holding.table.name),
                "rows": holding.rows,
                "rejected": found[holding.table.name].rejected,
                "owner": book.definition.private_owner(holding.table.name),
                "last": found[holding.table.name].deliveries[-1] if found[holding.table.name].deliveries else None,
            }
            for holding in book
        ]


def _reach(coverage: Coverage, table: str) -> dict[str, Any] | None:
    """From when to when a table tells of days, and which of them are missing; None for one that tells of none."""
    if coverage.last_day(table) is None:
        return None
    days = coverage.days(table)
    return {"first": days[0], "last": coverage.last_day(table), "gaps": gaps(days, monthly=table in MONTHLY)}


def gaps(days: Sequence[date], *, monthly: bool) -> list[tuple[date, date]]:
    """Spans without a row, among days of the week that usually have one; of monthly tables, months.

    A weekday counts as usual where more than half of its days between the first and the last have a row.
    """
    if monthly:
        wanted = [day for day in _each(days[0], days[-1]) if day.day == days[0].day]
    else:
        span = list(_each(days[0], days[-1]))
        there, all_ = Counter(day.weekday() for day in days), Counter(day.weekday() for day in span)
        wanted = [day for day in span if 2 * there[day.weekday()] > all_[day.weekday()]]
    known, found = set(days), list[tuple[date, date]]()
    joined = False
    for day in wanted:
        if day in known:
            joined = False
        elif joined:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
            joined = True
    return found


def _each(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
