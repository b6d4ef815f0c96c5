"""Moves as rows of the book: derived from steps, decisions, confirmed periods and agreed changes.

Nothing of them is typed. They are the same whenever they are derived, and a move that was one stays one: a job writes
them beside the steps.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from itertools import groupby
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.agreements.book_rows import change_rows
from comity.apps.books.queries import has_book, zone
from comity.apps.ledger.models import Promise
from comity.apps.matters.models import Matter, Step
from comity.apps.parties.member_context import MemberContext
from comity.apps.record.models import Consent, ConsentSubject
from comity.core.ledger.accounts import DECISION, End
from comity.core.matters.history import Linked
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move, Party, State, waits_for
from comity.core.spiral import moves as spiral
from comity.core.spiral.moves import Act, Duty, SpiralMove
from comity.core.values import Side


def move_rows(member: MemberContext) -> list[dict[str, str]]:
    """Return the rows of all moves up to now, the earliest first."""
    return [_row(one) for one in moves(member)]


def moves(member: MemberContext) -> list[SpiralMove]:
    """Return all moves up to now: at most one of a side for each kind, matter and week."""
    here = ZoneInfo(zone(member))
    found = [
        *(move for matter in _matters(member) for move in spiral.moves_of_matter(matter)),
        *_verdicts(member, here),
        *_of_periods(member),
        *_of_changes(member),
    ]
    days = {one.id: one.at.astimezone(here).date() for one in found}
    return spiral.one_a_week(found, days)


def last_verdict(member: MemberContext) -> datetime | None:
    """Return when a clock last gave a verdict that no step tells of: a decision past its day, a month of silence."""
    return max((one.at for one in _verdicts(member, ZoneInfo(zone(member)))), default=None)


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
    """Yield a move for each agreed change; none where the other side let shorter notice pass."""
    for row in change_rows(member) if has_book(member) else []:
        if row["agreed_at"] and row["waived"] != "true":
            notice = (int(row["notice_agreed"]) if row["notice_agreed"] else None, int(row["notice_given"]))
            agreed_at = datetime.fromisoformat(row["agreed_at"])
            yield from spiral.moves_of_change(row["change_id"], Side(row["proposed_by"]), agreed_at, notice)


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
