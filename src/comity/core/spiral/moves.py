"""Moves: acts on the record, or verdicts of a clock, that strain a relationship, and their ordinary counterparts.

Source: "Moves" of the spiral's specification. A move belongs to the side whose act or clock it is; what one side says
of the other is none. An ordinary move counts only where the other side or the calendar called for it, so that nobody
waters down its own record. At most one move of a side counts for each kind, matter and week: splitting a demand gains
nothing.

`RECORDED` says which kinds are recorded, and by what. A kind that is not there is one that nobody records yet, which is
told as such: no figure says that there were none.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move as StepMove
from comity.core.values import Side


class Strain(StrEnum):
    """The fourteen kinds; each is a strained move, and the name of its ordinary counterpart's occasion."""

    PENALTY = "penalty"
    ESCALATION = "escalation"
    AUDIT = "audit"
    PRICE = "price"
    DISPUTE = "dispute"
    SHORT_NOTICE = "short_notice"
    HELD_BACK = "held_back"
    LATE_ANSWER = "late_answer"
    DECLINED = "declined"
    ABSENT = "absent"
    UNDERSTAFFED = "understaffed"
    DEPARTURE = "departure"
    DUTY_MISSED = "duty_missed"
    SILENT = "silent"


# What records a kind: of the room, so far.
RECORDED: Mapping[Strain, str] = {
    Strain.ESCALATION: "matters",
    Strain.DISPUTE: "matters, and periods that a side confirmed",
    Strain.SHORT_NOTICE: "changes of the agreement",
    Strain.LATE_ANSWER: "matters",
    Strain.DECLINED: "matters",
    Strain.DUTY_MISSED: "decisions of the ledger",
    Strain.SILENT: "matters",
}
NOT_RECORDED = tuple(kind for kind in Strain if kind not in RECORDED)

CLOCK = "clock"  # what called for a move, where no side did: a due day, the end of a month

_REQUESTS = frozenset({Kind.NEED, Kind.PROBLEM, Kind.REQUEST})  # taken up, countered, or declined without either
_OWN = frozenset({Kind.PROPOSAL, Kind.OFFER, Kind.WARNING})  # a side's own, unasked
_ANSWERS = frozenset(
    {StepMove.AGREE, StepMove.COUNTER, StepMove.DECLINE, StepMove.REPLY, StepMove.CONFIRM, StepMove.NOT_DONE}
)
_ENDS = frozenset({StepMove.AGREE, StepMove.DECLINE})
_ANSWERED_WITHIN = timedelta(days=90)
_USUAL_MONTHS = 3  # before a month can be one of silence, as many in which the side's usual is seen


@dataclass(frozen=True, slots=True)
class Act:
    """A step of a matter, as far as moves ask.

    :ivar side: whose it is; of what the clock notes, the side whose clock ran out
    :ivar answers: number of the step of the same matter that it answers by structure or choice; None by default alone
    :ivar ran_out: whether its clock had run out by then
    """

    number: int
    at: datetime
    move: StepMove
    side: Side | None
    answers: int | None = None
    ran_out: bool = False


@dataclass(frozen=True, slots=True)
class Matter:
    """A matter with its steps in order."""

    id: str
    kind: Kind
    acts: Sequence[Act]


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that a side had to give by a day: done, open, or no longer asked.

    :ivar matter: whose it is
    :ivar ended_on: when it was given; None while it is open
    """

    id: str
    side: Side
    due_on: date
    due_at: datetime
    ended_on: date | None = None
    matter: str | None = None


@dataclass(frozen=True, slots=True)
class SpiralMove:
    """A move.

    :ivar id: made of what it is of, so that it is the same whenever it is derived
    :ivar called_for_by: a side or `CLOCK`; None where nothing did, as of most strained moves
    :ivar answers_to: id of the move of the other side that it answers
    """

    id: str
    at: datetime
    side: Side
    kind: Strain
    strained: bool
    called_for_by: str | None = None
    answers_to: str | None = None
    matter: str | None = None


def moves_of_matter(matter: Matter) -> list[SpiralMove]:
    """Return the moves that the steps of a matter are, in order; before those of one week count once (`one_a_week`)."""
    found: list[SpiralMove] = []
    by_step: dict[int, SpiralMove] = {}
    escalated = False
    for act in matter.acts:
        escalated = escalated or act.move is StepMove.ESCALATE
        for kind, strained, called in _of_act(matter, act, escalated=escalated):
            if act.side is None:
                continue
            answered = by_step.get(act.answers) if act.answers is not None else None
            # A strained move answers a strained one alone, and nobody answers oneself.
            if answered is not None and (
                answered.side is act.side
                or (strained and not answered.strained)
                or act.at - answered.at > _ANSWERED_WITHIN
            ):
                answered = None
            move = SpiralMove(
                f"{matter.id}/{act.number}/{kind}",
                act.at,
                act.side,
                kind,
                strained,
                called,
                None if answered is None else answered.id,
                matter.id,
            )
            found.append(move)
            if act.number not in by_step or strained:
                by_step[act.number] = move
    return found


def _of_act(matter: Matter, act: Act, *, escalated: bool) -> Iterable[tuple[Strain, bool, str | None]]:
    """Yield the kind of each move that a step is, whether it is strained, and what called for it."""
    other = None if act.side is None else act.side.other.value
    if act.move is StepMove.LATE:
        yield Strain.LATE_ANSWER, True, CLOCK
    if act.move in _ANSWERS and not act.ran_out and act.answers is not None:
        yield Strain.LATE_ANSWER, False, other
    if matter.kind in _REQUESTS:
        if act.move is StepMove.DECLINE:
            yield Strain.DECLINED, True, other
        elif act.move in {StepMove.AGREE, StepMove.COUNTER}:
            yield Strain.DECLINED, False, other
    if act.move is StepMove.ESCALATE:
        yield Strain.ESCALATION, True, None
    elif act.move is StepMove.BRING_DOWN or (act.move in _ENDS and not escalated):
        yield Strain.ESCALATION, False, other  # comes down, or is settled at its level
    if act.move is StepMove.RAISE and matter.kind is Kind.DISPUTE:
        yield Strain.DISPUTE, True, None
    if act.move is StepMove.RAISE and matter.kind in _OWN:
        yield Strain.SILENT, False, CLOCK  # the month asks for one


def moves_of_duty(duty: Duty, now: datetime, today: date) -> list[SpiralMove]:
    """Return the move that a duty is: missed once its day is over, met where it was given by then, else none yet."""
    if duty.ended_on is not None and duty.ended_on <= duty.due_on:
        return [SpiralMove(f"{duty.id}/met", min(duty.due_at, now), duty.side, Strain.DUTY_MISSED, False, CLOCK,
                           matter=duty.matter)]  # fmt: skip
    if duty.due_on < today:
        return [SpiralMove(f"{duty.id}/missed", duty.due_at, duty.side, Strain.DUTY_MISSED, True, CLOCK,
                           matter=duty.matter)]  # fmt: skip
    return []


def moves_of_change(change: str, side: Side, agreed_at: datetime, notice: tuple[int | None, int]) -> list[SpiralMove]:
    """Return the move that an agreed change is: with less than the agreed notice, or with it.

    None where no notice is agreed. That the other side let shorter notice pass is a matter between the two, and the
    caller leaves such a change out.

    :param notice: agreed and given, in clear working days
    """
    agreed, given = notice
    if agreed is None:
        return []
    strained = given < agreed
    called = None if strained else side.other.value  # the other side signed it
    return [SpiralMove(f"change/{change}", agreed_at, side, Strain.SHORT_NOTICE, strained, called)]


def move_of_confirmed(period: str, side: Side, at: datetime) -> SpiralMove:
    """Return the ordinary move that a side's confirmation of a period is; the calendar called for it."""
    return SpiralMove(f"period/{period}/{side}", at, side, Strain.DISPUTE, strained=False, called_for_by=CLOCK)


def months_of_silence(
    own: Mapping[Side, Sequence[date]], ends: Mapping[date, datetime], first: Mapping[Side, date]
) -> list[SpiralMove]:
    """Return a strained move for each whole month in which a side put nothing, where its usual is at least one.

    Its usual is the mean of all months before it since its first own, of which there are at least three.

    :param own: the days on which each side put a proposal, an offer or a warning of its own
    :param ends: the first day of each whole month, with the moment at which it ended
    :param first: the first month of each side's record: the one of its first own proposal, offer or warning
    """
    found: list[SpiralMove] = []
    for side in Side:
        days = own.get(side, ())
        counted: list[int] = []
        for month, end in sorted(ends.items()):
            if side not in first or month < first[side]:
                continue
            number = sum((day.year, day.month) == (month.year, month.month) for day in days)
            if number == 0 and len(counted) >= _USUAL_MONTHS and sum(counted) >= len(counted):
                found.append(SpiralMove(f"silent/{side}/{month:%Y-%m}", end, side, Strain.SILENT, True, CLOCK))
            counted.append(number)
    return found


def one_a_week(moves: Iterable[SpiralMove], day_of: Mapping[str, date]) -> list[SpiralMove]:
    """Return moves, the earliest first, with at most one of a side for each kind, matter and week (ISO 8601).

    A strained and an ordinary move are of the same kind; each counts. What answered one that is not counted answers the
    one that is.

    :param day_of: local day of each move, by id
    """
    kept: dict[tuple[object, ...], SpiralMove] = {}
    stands_for: dict[str, str] = {}
    for move in sorted(moves, key=lambda one: (one.at, one.id)):
        week = day_of[move.id].isocalendar()[:2]
        key = (move.side, move.kind, move.strained, move.matter or move.id, week)
        stands_for[move.id] = kept.setdefault(key, move).id
    return [
        one if one.answers_to is None else replace(one, answers_to=stands_for.get(one.answers_to))
        for one in kept.values()
    ]
