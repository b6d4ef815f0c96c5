"""Queries for the ledger: the statement of a span, its entries, and whether it agrees with what was counted."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import zip_longest
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Sum
from django.utils import timezone

from comity.apps.books.queries import readable_definition, zone
from comity.apps.ledger import subjects
from comity.apps.ledger.models import Line, Promise, Recount, Settlement, Transaction, Wording
from comity.apps.ledger.subjects import Counted, SubjectLink
from comity.apps.parties.member_context import MemberContext
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.apps.replies.queries import calendar_of
from comity.core import business_hours, chain
from comity.core.calendars import Calendar, Cut
from comity.core.ledger import accounts, invariants
from comity.core.ledger.accounts import Account, Amount, End, Way
from comity.core.ledger.opened import OPENING, REVERSAL
from comity.core.ledger.recorded import recorded
from comity.core.ledger.statement import Flow, Key, Statement, age_group, statement
from comity.core.values import Period, Side

CALENDAR = "calendar"  # what a change of the ledger may be, beside an opening list and a reversal
_TOLD_FOR = timedelta(days=2)  # a difference that a recount found is told for so long, or until it is found no more
_A_PAGE = 100  # transactions of an answer of the API
_PASSES = 1000  # transactions that are read at once


@dataclass(frozen=True, slots=True)
class LedgerFilters:
    """What the page of the ledger shows, as its URL has it.

    :ivar span: first day, and the day after the last
    :ivar owes: a side's name; empty: either
    :ivar kind: a kind of promises or a currency; empty: every
    :ivar age: the number of a group of ages (`core.ledger.statement.AGE_LIMITS`), of what is open; empty: any
    """

    span: Period
    owes: str = ""
    kind: str = ""
    age: str = ""


def calendar(member: MemberContext) -> Calendar:
    """Return the calendar of the months in which statements are made: the book's."""
    agreed = readable_definition(member)
    return Calendar(Cut.MONTH, 1 if agreed is None else agreed.month_starts_on)


def today(member: MemberContext) -> date:
    """Return the day where the book is; the same for every viewer."""
    return timezone.now().astimezone(ZoneInfo(zone(member))).date()


def working_days(member: MemberContext) -> Callable[[Side, date, date], int]:
    """Return the function that counts a side's working days by its agreed calendar, after a day up to another."""
    here = zone(member)
    hours = {side: calendar_of(member.relationship, side, here).hours for side in Side}

    @lru_cache(maxsize=4096)
    def count(side: Side, after: date, until: date) -> int:
        return business_hours.working_days(hours[side], after, until)

    return count


def statement_of(member: MemberContext, span: Period) -> Statement:
    """Return the statement of a span, of all sides and kinds."""
    flows = [
        Flow(
            Side(row["side"]),
            row["kind"],
            End(row["ended"]) if row["ended"] else None,
            row["total"] if row["ended"] else -row["total"],
            row["late_by_first"],
            row["late_by_last"],
        )
        for row in _owes(member)
        .filter(day__gte=span.start, day__lt=span.end)
        .values("side", "kind", "ended", "late_by_first", "late_by_last")
        .annotate(total=Sum("amount"))
        .order_by()
    ]
    still_open = [_promise(*row) for row in _open_at(member, span.end).values_list(*_PROMISE_FIELDS)]
    opening, as_of = _opening(member, span.start), last_day(member, span)
    return statement(span, as_of, opening, flows, still_open, working_days(member))


def last_day(member: MemberContext, span: Period) -> date:
    """Return the day by which what is open at the end of a span is old and late: its last one, or today."""
    return min(span.end - timedelta(days=1), today(member))


def _owes(member: MemberContext) -> QuerySet[Line]:
    return Line.objects.filter(relationship=member.relationship, way=Way.OWES)


def _open_at(member: MemberContext, day: date) -> QuerySet[Promise]:
    """List the promises that were open before a day began."""
    promises = Promise.objects.filter(relationship=member.relationship, opened_on__lt=day)
    return promises.filter(Q(closed_on=None) | Q(closed_on__gte=day)).order_by("opened_on", "key")


def _lines_open_at(member: MemberContext, day: date) -> QuerySet[Line]:
    """List the lines, before a day, of the promises that were open before it.

    Lines of promises that were closed by then sum to zero. Those that were open are few however long the ledger is:
    they are looked up first, so that the database does not go through the lines of all.
    """
    promises = list(_open_at(member, day).order_by().values_list("pk", flat=True))
    return Line.objects.filter(relationship=member.relationship, promise__in=promises, day__lt=day)


def _opening(member: MemberContext, day: date) -> dict[Key, Decimal]:
    """Return what was open before a day began, of each side and kind."""
    lines = _lines_open_at(member, day).filter(way=Way.OWES)
    rows = lines.values("side", "kind").annotate(total=Sum("amount")).order_by()
    return {(Side(row["side"]), row["kind"]): -row["total"] for row in rows}


def balances(member: MemberContext, day: date) -> dict[Account, Amount]:
    """Return the balance of each account before a day began, summed up from both legs, apart from any statement."""
    rows = _lines_open_at(member, day).values("side", "way", "kind").annotate(total=Sum("amount")).order_by()
    sums = {Account(Side(row["side"]), Way(row["way"]), row["kind"]): row for row in rows}
    return {account: Amount(account.kind, row["total"]) for account, row in sums.items() if row["total"]}


def agrees(made: Statement, balance: dict[Account, Amount]) -> bool:
    """Whether a statement closes with the balances: what each owes is the opposite of what the other is due."""
    expected = {
        account: Amount(row.kind, number)
        for row in made.rows
        if row.closing
        for account, number in (
            (Account(row.debtor, Way.OWES, row.kind), -row.closing),
            (Account(row.debtor.other, Way.DUE, row.kind), row.closing),
        )
    }
    return expected == balance


# Rows and not models: a long ledger has thousands of open promises, and a page makes all of them.
_PROMISE_FIELDS = ("key", "debtor", "kind", "opened_on", "days", "done_on", "subject_type", "subject_id")


def _promise(  # noqa: PLR0913 - as `_PROMISE_FIELDS` names them
    key: str,
    debtor: str,
    kind: str,
    opened_on: date,
    days: list[tuple[int, str, str]],
    done_on: date | None,
    subject_type: str,
    subject_id: UUID,
) -> accounts.Promise:
    agreed = tuple((date.fromisoformat(said), date.fromisoformat(due)) for _, said, due in days)
    subject = (subject_type, str(subject_id))
    return accounts.Promise(key, Side(debtor), kind, opened_on, agreed, done_on=done_on, subject=subject)


def entries(member: MemberContext, filters: LedgerFilters) -> QuerySet[Line]:
    """List the entries of a span, the latest first: of each the leg of the side that owes."""
    lines = _owes(member).filter(day__gte=filters.span.start, day__lt=filters.span.end)
    if filters.owes:
        lines = lines.filter(side=filters.owes)
    if filters.kind:
        lines = lines.filter(kind=filters.kind)
    return lines.select_related("transaction", "promise").order_by("-day", "-transaction__number", "promise__key")


def open_promises(member: MemberContext, filters: LedgerFilters) -> list[accounts.Promise]:
    """List what is open at the end of a span, the oldest first, as filtered."""
    promises = _open_at(member, filters.span.end)
    if filters.owes:
        promises = promises.filter(debtor=filters.owes)
    if filters.kind:
        promises = promises.filter(kind=filters.kind)
    rows = [_promise(*row) for row in promises.values_list(*_PROMISE_FIELDS)]
    if not filters.age:
        return rows
    count, as_of = working_days(member), last_day(member, filters.span)
    return [row for row in rows if age_group(count(row.debtor, row.opened_on, as_of)) == int(filters.age)]


def links_of(member: MemberContext, promises: Sequence[accounts.Promise]) -> dict[str, SubjectLink]:
    """Return the names of the subjects of promises, by the subject's id."""
    links = subjects.links(member, {(one.subject[0], UUID(one.subject[1])) for one in promises})
    return {str(pk): link for pk, link in links.items()}


def transactions(member: MemberContext, span: Period | None = None) -> Iterator[accounts.Transaction]:
    """Yield the transactions of a span, or all, the earliest first, with their lines."""
    rows = Transaction.objects.filter(relationship=member.relationship)
    if span is not None:
        rows = rows.filter(day__gte=span.start, day__lt=span.end)
    rows = rows.order_by("number") if span is None else rows.order_by("day", "number")
    for row in rows.prefetch_related("lines__promise").iterator(chunk_size=_PASSES):
        yield _transaction(row)


def _transaction(row: Transaction) -> accounts.Transaction:
    lines = tuple(
        accounts.Line(
            Account(Side(line.side), Way(line.way), line.kind),
            line.amount,
            line.promise.key,
            End(line.ended) if line.ended else None,
            line.late_by_first,
            line.late_by_last,
        )
        for line in row.lines.all()
    )
    return accounts.Transaction(
        number=row.number,
        day=row.day,
        recorded_at=row.recorded_at,
        cause=row.cause,
        subject=(row.subject_type, str(row.subject_id)),
        step=row.step,
        lines=lines,
        side=Side(row.side) if row.side else None,
        for_day=row.for_day,
    )


def page_of_transactions(member: MemberContext, filters: LedgerFilters, number: int) -> list[dict[str, object]]:
    """Return a page of the transactions of a span, the latest first, with the lines that filters leave."""
    lines = Line.objects.order_by("promise__key", "way").select_related("promise")
    if filters.owes:
        lines = lines.filter(promise__debtor=filters.owes)
    if filters.kind:
        lines = lines.filter(kind=filters.kind)
    rows = (
        Transaction.objects.filter(relationship=member.relationship)
        .filter(day__gte=filters.span.start, day__lt=filters.span.end)
        .filter(Exists(lines.filter(transaction=OuterRef("pk"))))
        .order_by("-day", "-number")
        .prefetch_related(Prefetch("lines", queryset=lines))
    )
    names = ("number", "day", "for_day", "recorded_at", "cause", "subject_type", "subject_id", "step", "side", "entry")
    return [
        {name: getattr(row, name) for name in names} | {"lines": [_line_json(line) for line in row.lines.all()]}
        for row in rows[(number - 1) * _A_PAGE : number * _A_PAGE]
    ]


def _line_json(line: Line) -> dict[str, object]:
    names = ("side", "way", "kind", "amount", "late_by_first", "late_by_last")
    return {name: getattr(line, name) for name in names} | {"promise": line.promise.key, "ended": line.ended or None}


def last_transaction(member: MemberContext) -> Transaction | None:
    """Return the latest transaction."""
    return Transaction.objects.filter(relationship=member.relationship).order_by("-number").first()


def recount(member: MemberContext) -> tuple[int, list[str]]:
    """Count what is open from the steps of every subject, and hold it against the ledger.

    :returns: how many subjects were counted, and a sentence for each difference: none where the ledger holds
    """
    posted: dict[str, dict[tuple[str, Side, str], Decimal]] = {}
    rows = _owes(member).values("promise__subject_id", "promise__key", "side", "kind").annotate(total=Sum("amount"))
    for row in rows.order_by().exclude(total=0):
        key = (row["promise__key"], Side(row["side"]), row["kind"])
        posted.setdefault(str(row["promise__subject_id"]), {})[key] = -row["total"]
    found: list[str] = []
    counted = 0
    for subject_type in subjects.subject_types():
        for one in subject_type.count(member):
            counted += 1
            differs = invariants.differences(posted.pop(str(one.subject), {}), one.open)
            found += [f"{subject_type.name} {one.subject}: {sentence}" for sentence in differs]
    found += [f"{subject}: open in the ledger, and no steps of it are known" for subject in posted]
    found += invariants.broken(transactions(member))
    return counted, [*found, *_unlike_the_book(member), *_unlike_the_record(member)]


def next_change(member: MemberContext) -> str:
    """Return the subject of the next change of the ledger in the record: its number."""
    return str(record.count_entries(member, ConsentSubject.LEDGER_CHANGE) + 1)


def waiting_change(member: MemberContext) -> Consent | None:
    """Return the consent of the side whose change of the ledger waits for the other's agreement."""
    consents = record.valid_consents(member, ConsentSubject.LEDGER_CHANGE, next_change(member))
    return next(iter(consents.values()), None)


def agreed_changes(member: MemberContext) -> list[Entry]:
    """Return the changes of the ledger that both sides agreed on, the latest first."""
    return list(record.entries(member, ConsentSubject.LEDGER_CHANGE).order_by("-number"))


def kept_calendar(member: MemberContext) -> tuple[str, int] | None:
    """Return the zone by which days count in the ledger and on which day months start; None where nothing was said."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT zone, month_starts_on FROM ledger_calendar WHERE relationship_id = %s", [member.relationship.pk]
        )
        row: tuple[str, int] | None = cursor.fetchone()
    return row


def other_calendar(member: MemberContext) -> tuple[str, int] | None:
    """Return the book's zone and start of months, where the ledger counts days by others; None where it does not."""
    agreed, kept = readable_definition(member), kept_calendar(member)
    if agreed is None or kept is None or kept == (agreed.timezone, agreed.month_starts_on):
        return None
    return agreed.timezone, agreed.month_starts_on


def ledger_day(member: MemberContext) -> date:
    """Return the day by the ledger's own calendar."""
    kept = kept_calendar(member)
    return timezone.now().astimezone(ZoneInfo("UTC" if kept is None else kept[0])).date()


def reversible_digest(member: MemberContext, number: int) -> str | None:
    """Return the digest of a transaction's entry of the record; None for none, a reversal, and one that is reversed."""
    rows = Transaction.objects.filter(relationship=member.relationship)
    found = rows.filter(number=number, reverses=None).first()
    if found is None or rows.filter(reverses=number).exists():
        return None
    return record.entries(member).filter(number=found.entry).values_list("digest", flat=True).first()


def wordings(member: MemberContext, content: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of a change by the id that its content names; without those that are erased."""
    named = [content.get("reason"), *(one.get("what") for one in content.get("promises", []))]
    digests = {one["id"]: one["digest"] for one in named if one}
    rows = Wording.objects.filter(relationship=member.relationship, pk__in=digests)
    return {str(row.pk): row.text for row in rows if digest_of_wording(row.salt, row.text) == digests[str(row.pk)]}


def texts_of_opened(member: MemberContext) -> dict[str, str]:
    """Return what each promise of an opening list is, in words, by its key; without those that are erased."""
    found: dict[str, str] = {}
    for one in agreed_changes(member):
        content = one.content["content"]
        texts = wordings(member, content)
        named = {row["key"]: row["what"]["id"] for row in content.get("promises", [])}
        found |= {key: texts[pk] for key, pk in named.items() if pk in texts}
    return found


def digest_of_wording(salt: str, text: str) -> str:
    """Return the digest of a text, as the chain holds it."""
    return hashlib.sha256(f"{salt}{text}".encode()).hexdigest()


def opened_promises(member: MemberContext) -> list[Promise]:
    """Return what is open of opening lists, the earliest first."""
    promises = Promise.objects.filter(relationship=member.relationship, subject_type=OPENING, open__gt=0)
    return list(promises.order_by("opened_on", "key"))


def count_opened(member: MemberContext) -> list[Counted]:
    """Count what is open of every opening list, from what was agreed on and said since, and not from what was posted.

    A reversal that both agreed on undoes what it names.
    """
    changes = [one for one in agreed_changes(member) if one.content["content"]["what"] in {OPENING, REVERSAL}]
    numbers = [int(c["transaction"]) for c in (one.content["content"] for one in changes) if c["what"] == REVERSAL]
    named = Transaction.objects.filter(relationship=member.relationship, subject_type=OPENING, number__in=numbers)
    undone = set(named.values_list("subject_id", "step"))
    said: dict[UUID, set[str]] = {}
    for row in Settlement.objects.filter(relationship=member.relationship):
        if (row.opening_id, row.step) not in undone:
            said.setdefault(row.opening_id, set()).add(row.key)
    counted = []
    for one in changes:
        content = one.content["content"]
        if content["what"] == OPENING:
            kept = [] if (one.pk, 1) in undone else content["promises"]
            still = [row for row in kept if row["key"] not in said.get(one.pk, set())]
            counted.append(Counted(one.pk, tuple((Side(row["debtor"]), row["kind"]) for row in still)))
    return counted


def _unlike_the_book(member: MemberContext) -> Iterator[str]:
    """Yield that days count by another calendar than the book's: the first word about it stands, and a side says it."""
    kept, other = kept_calendar(member), other_calendar(member)
    if kept is not None and other is not None:
        yield f"days count by {kept[0]}, months from day {kept[1]} on: the book has {other[0]} and day {other[1]}"


def _unlike_the_record(member: MemberContext) -> Iterator[str]:
    """Yield where the record, whose entries no one changes unnoticed, holds other transactions than the tables."""
    entries = record.entries(member, ConsentSubject.LEDGER).iterator(chunk_size=_PASSES)
    held = recorded(chain.Entry(one.number, one.content, one.previous, one.digest) for one in entries)
    for kept, row in zip_longest((one.transaction for one in held), transactions(member)):
        if kept is None or row is None or _essence(kept) != _essence(row):
            yield f"transaction {(kept or row).number}: the record holds another one"
            return


def _essence(one: accounts.Transaction) -> tuple[object, ...]:
    lines = sorted((line.account, line.number, line.promise, line.ended or "") for line in one.lines)
    return (one.number, one.day, one.for_day, one.cause, one.subject, one.step, lines)


def recorded_since() -> dict[str, datetime | None]:
    """Return the kinds that are posted, each with the moment since which it is; None: from the first step on.

    A kind that is missing is one that nobody records yet, which is not the same as none of it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, CASE WHEN isfinite(since) THEN since END FROM ledger_recorded ORDER BY kind")
        return dict(cursor.fetchall())


def unrecorded() -> list[str]:
    """Return the kinds of promises that nobody records yet, and `money` where no currency is recorded."""
    recorded = recorded_since().keys()
    kinds = [kind for kind in accounts.PROMISE_KINDS if kind not in recorded]
    return kinds if recorded - set(accounts.PROMISE_KINDS) else [*kinds, accounts.MONEY]


def last_recount(member: MemberContext) -> Recount | None:
    """Return the latest recount."""
    return Recount.objects.filter(relationship=member.relationship).first()


def told_differences(member: MemberContext) -> list[str]:
    """Return the differences that a recount of the last days found.

    Any of them tells, and not the latest alone: one that says that all is well, whoever wrote it, hides no other.
    """
    since = timezone.now() - _TOLD_FOR
    for one in Recount.objects.filter(relationship=member.relationship, at__gte=since).exclude(differences=[]):
        return [str(sentence) for sentence in one.differences]
    return []
