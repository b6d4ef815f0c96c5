"""Moves as rows of the book: derived from steps, decisions, periods, changes, members who left, and the records.

Nothing of them is typed. They are the same whenever they are derived, and a move that was one stays one: a job writes
them beside the steps.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Max, QuerySet
from django.utils import timezone

from comity.apps.agreements import queries as agreements
from comity.apps.agreements.book_rows import change_rows
from comity.apps.books.queries import book_folder, has_book, open_member_book, readable_definition, zone
from comity.apps.ledger.models import Promise
from comity.apps.matters.models import Matter, Step
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership
from comity.apps.record.models import Consent, ConsentSubject
from comity.book.importing.current import current_table
from comity.book.lateness import due_deliveries, last_due
from comity.book.reading.coverage import Coverage
from comity.book.statistics.presence import presence_by_week
from comity.book.tables import TABLES
from comity.core.agreements.changes import touched
from comity.core.agreements.kinds import Kind as ClauseKind
from comity.core.agreements.signing import revisions
from comity.core.agreements.text import text
from comity.core.ledger.accounts import DECISION, End
from comity.core.matters.history import Linked
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import OPEN, UNDONE, Move, Party, State, waits_for
from comity.core.spiral import moves as spiral
from comity.core.spiral.moves import Act, Duty, SpiralMove
from comity.core.values import Side

_HOLDERS = ("owner_id", "asks_with_id", "answers_with_id")  # in whose name a matter stands, on either side
_UNENDED = frozenset(state.value for state in {*OPEN, *UNDONE})


def move_rows(member: MemberContext) -> list[dict[str, str]]:
    """Return the rows of all moves up to now, the earliest first."""
    return [_row(one) for one in moves(member)]


def moves(member: MemberContext) -> list[SpiralMove]:
    """Return all moves up to now: at most one of a side for each kind, matter and week."""
    here = ZoneInfo(zone(member))
    found = [
        *spiral.prompted(
            (move for matter in _matters(member) for move in spiral.moves_of_matter(matter)), _prompting(member)
        ),
        *_verdicts(member, here),
        *_of_periods(member),
        *_of_changes(member),
        *_of_departures(member),
        *_of_records(member, here),
    ]
    days = {one.id: one.at.astimezone(here).date() for one in found}
    return spiral.one_a_week(found, days)


def last_verdict(member: MemberContext) -> datetime | None:
    """Return when a clock last gave a verdict that no step tells of.

    A decision past its day, a month of silence, a delivery that was due, a week of a roster; and when the records that
    such a verdict rests on came in.
    """
    here = ZoneInfo(zone(member))
    moments = [one.at for one in _verdicts(member, here)]
    left = _leavers(member).aggregate(at=Max("left_at"))["at"]
    return max([*moments, *_moments_of_records(member, here), *([] if left is None else [left])], default=None)


def _prompting(member: MemberContext) -> dict[str, str]:
    """Return which matter prompted which, as whoever raised it said."""
    named = Matter.objects.filter(relationship=member.relationship).exclude(prompted_by=None)
    return {str(pk): str(by) for pk, by in named.values_list("pk", "prompted_by_id")}


def _matters(member: MemberContext) -> Iterator[spiral.Matter]:
    rows = Matter.objects.filter(relationship=member.relationship).values_list("pk", "kind", "asks", "answers")
    matters = {pk: (Kind(kind), {Party.ASKS: Side(asks), Party.ANSWERS: Side(answers)})
               for pk, kind, asks, answers in rows}  # fmt: skip
    steps = (
        Step.objects.filter(relationship=member.relationship, entered_later=False)
        .order_by("matter_id", "number")
        .values_list("matter_id", "number", "at", "move", "side", "link", "answers_to__number", "ran_out",
                     "stood__state")
    )  # fmt: skip
    for pk, taken in groupby(steps.iterator(), key=lambda row: row[0]):
        kind, sides = matters[pk]
        yield spiral.Matter(str(pk), kind, [_act(row, sides) for row in taken])


def _act(
    row: tuple[UUID, int, datetime, str, str | None, str, int | None, bool, str | None], sides: Mapping[Party, Side]
) -> Act:
    """Read a step. What the clock notes is of the side whose turn it was; a link by default alone does not count."""
    _, number, at, move, side, link, answers, ran_out, before = row
    whose = Side(side) if side else None
    if move == Move.LATE and before:
        party = waits_for(State(before))
        whose = None if party is None else sides[party]
    return Act(number, at, Move(move), whose, None if link == Linked.DEFAULT else answers, ran_out)


def _verdicts(member: MemberContext, here: ZoneInfo) -> list[SpiralMove]:
    now = timezone.now()
    today = now.astimezone(here).date()
    duties = [move for duty in _decisions(member, here) for move in spiral.moves_of_duty(duty, now, today)]
    return [*duties, *_silences(member, here, today)]


def _decisions(member: MemberContext, here: ZoneInfo) -> Iterator[Duty]:
    """Yield the decisions that a side had to take by a day; none that was no longer asked for by then."""
    promises = Promise.objects.filter(relationship=member.relationship, kind=DECISION).exclude(due_on=None)
    for one in promises:
        assert one.due_on is not None
        is_given = one.ended == End.KEPT
        if one.closed_on is not None and not is_given and one.closed_on <= one.due_on:
            continue
        over = datetime.combine(one.due_on + timedelta(days=1), time.min, here)
        yield Duty(f"promise/{one.key}", Side(one.debtor), one.due_on, over, one.closed_on if is_given else None,
                   str(one.subject_id))  # fmt: skip


def _silences(member: MemberContext, here: ZoneInfo, today: date) -> list[SpiralMove]:
    raised = Matter.objects.filter(
        relationship=member.relationship, kind__in=[Kind.PROPOSAL, Kind.OFFER, Kind.WARNING]
    ).values_list("asks", "raised_at")
    own: dict[Side, list[date]] = {}
    for side, at in raised:
        own.setdefault(Side(side), []).append(at.astimezone(here).date())
    first = {side: min(days).replace(day=1) for side, days in own.items()}
    return spiral.months_of_silence(own, dict(_whole_months(first.values(), here, today)), first)


def _whole_months(first: Iterable[date], here: ZoneInfo, today: date) -> Iterator[tuple[date, datetime]]:
    month = min(first, default=today)
    while (after := (month + timedelta(days=32)).replace(day=1)) <= today:
        yield month, datetime.combine(after, time.min, here)
        month = after


def _of_periods(member: MemberContext) -> Iterator[SpiralMove]:
    """Yield a move for each period that a side confirmed itself, and not by silence."""
    given = Consent.objects.filter(
        relationship=member.relationship, subject_type=ConsentSubject.PERIOD, deemed=False, void_at=None
    )
    for period, side, at in given.values_list("subject", "side", "at"):
        yield spiral.move_of_confirmed(period, Side(side), at)


def _of_changes(member: MemberContext) -> Iterator[SpiralMove]:
    """Yield the moves of changes: notice of each agreed one, and the agreed date of each price that one would change.

    None for notice where the other side let shorter notice pass.
    """
    if not has_book(member):
        return
    now = agreements.situation(member)
    states = agreements.change_states(member, now=now)
    for row in change_rows(member):
        if row["agreed_at"] and row["waived"] != "true":
            notice = (int(row["notice_agreed"]) if row["notice_agreed"] else None, int(row["notice_given"]))
            agreed_at = datetime.fromisoformat(row["agreed_at"])
            yield from spiral.moves_of_change(row["change_id"], Side(row["proposed_by"]), agreed_at, notice)
    for state in states:
        steps, then = agreements.as_decided(state, now)
        if state.last is None:
            continue  # a draft, which nobody has asked for
        asked = revisions(steps)[0]
        span, edited = asked.proposal.change.span, touched(asked.proposal.change.edits)
        prices = {one.id: one for one in text(then.chain, span.first_day).of(ClauseKind.PRICE)}
        agreed = [str(prices[one].fields["indexed_from"]) for one in edited
                  if one in prices and prices[one].fields.get("indexed_from")]  # fmt: skip
        yield from spiral.moves_of_price(
            str(state.row.pk), asked.side, asked.readable_at, span.first_day,
            [date.fromisoformat(f"{month}-01") for month in agreed],
        )  # fmt: skip


def _leavers(member: MemberContext) -> QuerySet[Membership]:
    return Membership.objects.filter(relationship=member.relationship).exclude(left_at=None).exclude(side=None)


def _of_departures(member: MemberContext) -> Iterator[SpiralMove]:
    """Yield a move for each member who left while a matter had stood in their name: handed over by then, or not.

    Where a matter stood as they left is what its next step found, or where it stands now.
    """
    leavers = {one.pk: one for one in _leavers(member)}
    if not leavers:
        return
    left_open, named = set[UUID](), set[UUID]()
    steps: dict[UUID, list[tuple[datetime, dict[str, str | None]]]] = {}
    taken = Step.objects.filter(relationship=member.relationship).order_by("matter_id", "number")
    for pk, at, stood in taken.values_list("matter_id", "at", "stood"):
        steps.setdefault(pk, []).append((at, stood))
    current = Matter.objects.filter(relationship=member.relationship)
    for row in current.values("pk", "state", *_HOLDERS):
        now = {key: None if value is None else str(value) for key, value in row.items()}
        history = steps.get(row["pk"], [])
        for one in leavers.values():
            assert one.left_at is not None
            then = next((stood for at, stood in history if at > one.left_at), now)
            holds = any(then.get(key) == str(one.pk) for key in _HOLDERS)
            held = any(stood.get(key) == str(one.pk) for _, stood in history for key in _HOLDERS)
            if holds and then.get("state") in _UNENDED:
                left_open.add(one.pk)
            elif held and not holds:
                named.add(one.pk)
    for pk, one in leavers.items():
        if one.left_at is not None and pk in left_open | named:
            yield spiral.move_of_departure(str(pk), Side(str(one.side)), one.left_at, handed_over=pk not in left_open)


def _of_records(member: MemberContext, here: ZoneInfo) -> Iterator[SpiralMove]:
    """Yield the moves that the records tell of, as both sides see them: agreed deliveries, and weeks of the roster.

    What a side keeps to itself is no record of both: nothing is told of it.
    """
    if not has_book(member):
        return
    now = timezone.now()
    today = now.astimezone(here).date()
    with open_member_book(member.joint()) as book:
        kept = {name for private in book.definition.private.values() for name in private.tables}
        for one in due_deliveries(book, Coverage(book, today), now):
            if one.table not in kept:
                yield from spiral.moves_of_delivery(one.table, one.by, one.moments)
        weeks = presence_by_week(book, today)
    ends = {monday: datetime.combine(monday + timedelta(days=7), time.min, here) for monday in weeks}
    yield from spiral.moves_of_weeks(Side.PROVIDER, weeks, ends)


def _moments_of_records(member: MemberContext, here: ZoneInfo) -> Iterator[datetime]:
    """Yield when what the records tell of may last have changed: without opening them."""
    known = readable_definition(member)
    if known is None:
        return
    now = timezone.now().astimezone(here)
    folder = book_folder(member.relationship.pk)
    tables = {one.table for one in known.sources if one.due}
    for source in known.sources:
        due = last_due(source.due, now) if source.due else None
        if due is not None:
            yield due
    for name in {*tables, "schedules"} & TABLES.keys():
        came = [one.at for one in current_table(folder, TABLES[name]).deliveries]
        yield from came
        if name == "schedules" and came:
            monday = now.date() - timedelta(days=now.weekday())
            yield datetime.combine(monday, time.min, here)


def _row(move: SpiralMove) -> dict[str, str]:
    return {
        "move_id": move.id,
        "at": move.at.isoformat(),
        "side": move.side.value,
        "kind": move.kind.value,
        "strained": "true" if move.strained else "false",
        "called_for_by": move.called_for_by or "",
        "answers_to": move.answers_to or "",
        "matter_id": move.matter or "",
    }
