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
from datetime import UTC, date, datetime, timedelta
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
    Strain.PRICE: "changes of the agreement",
    Strain.DISPUTE: "matters, and periods that a side confirmed",
    Strain.SHORT_NOTICE: "changes of the agreement",
    Strain.LATE_ANSWER: "matters",
    Strain.DECLINED: "matters",
    Strain.UNDERSTAFFED: "schedules that both sides see",
    Strain.DEPARTURE: "members who left, and matters in their name",
    Strain.DUTY_MISSED: "decisions of the ledger, and agreed deliveries",
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
PRESENT = 0.95  # of what was rostered: a week with less is understaffed
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
    :ivar series: of moves outside of matters, what of one kind and week counts once
    """

    id: str
    at: datetime
    side: Side
    kind: Strain
    strained: bool
    called_for_by: str | None = None
    answers_to: str | None = None
    matter: str | None = None
    series: str = ""


def strain(kind: Kind, move: StepMove) -> Strain | None:
    """Return the strained move that a step of a matter is; None for one that is none."""
    if move is StepMove.RAISE:
        return Strain.DISPUTE if kind is Kind.DISPUTE else None
    if move is StepMove.DECLINE:
        return Strain.DECLINED if kind in _REQUESTS else None
    return {StepMove.ESCALATE: Strain.ESCALATION, StepMove.LATE: Strain.LATE_ANSWER}.get(move)


def occasion(kind: Kind, move: StepMove) -> Strain | None:
    """Return the strained move whose ordinary counterpart a step is by itself; None for one that is none.

    What takes more than the step is not said here: that an answer came in time, or that a matter was settled at its
    level (`moves_of_matter`).
    """
    if move is StepMove.RAISE:
        return Strain.SILENT if kind in _OWN else None
    if move in {StepMove.AGREE, StepMove.COUNTER}:
        return Strain.DECLINED if kind in _REQUESTS else None
    return Strain.ESCALATION if move is StepMove.BRING_DOWN else None


# What `strain` and `occasion` can say of a step.
OF_STEPS = (Strain.ESCALATION, Strain.DISPUTE, Strain.LATE_ANSWER, Strain.DECLINED, Strain.SILENT)


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
            move = SpiralMove(f"{matter.id}/{act.number}/{kind}", act.at, act.side, kind, strained, called,
                              matter=matter.id)  # fmt: skip
            if answered is not None and _may_answer(move, answered):
                move = replace(move, answers_to=answered.id)
            found.append(move)
            if act.number not in by_step or strained:
                by_step[act.number] = move
    return found


def _of_act(matter: Matter, act: Act, *, escalated: bool) -> Iterable[tuple[Strain, bool, str | None]]:
    """Yield the kind of each move that a step is, whether it is strained, and what called for it."""
    other = None if act.side is None else act.side.other.value
    strained, ordinary = strain(matter.kind, act.move), occasion(matter.kind, act.move)
    if act.move in _ANSWERS and not act.ran_out and act.answers is not None:
        yield Strain.LATE_ANSWER, False, other
    if strained is not None:  # a clock called for a late answer, the other side for a request's; nobody for the rest
        yield strained, True, {Strain.LATE_ANSWER: CLOCK, Strain.DECLINED: other}.get(strained)
    if ordinary is not None:
        yield ordinary, False, CLOCK if ordinary is Strain.SILENT else other  # the month asks for a proposal
    if act.move in _ENDS and not escalated:
        yield Strain.ESCALATION, False, other  # settled at its level


def prompted(moves: Iterable[SpiralMove], prompting: Mapping[str, str]) -> list[SpiralMove]:
    """Return moves, with the first of each prompted matter as the answer to the one that it was raised because of.

    Whoever raises a matter names the one that prompted it: the first moves of both are linked where they are of both
    sides, at most 90 days apart, and, of a strained one, the other is strained too.

    :param prompting: matter -> the matter that prompted it
    """
    listed = list(moves)
    first: dict[str, list[SpiralMove]] = {}
    for one in listed:
        if one.matter is not None and one.id.startswith(f"{one.matter}/1/"):
            first.setdefault(one.matter, []).append(one)
    found = []
    for one in listed:
        raised_by = first.get(prompting.get(one.matter or "", ""), ())
        if one.answers_to is None and one in first.get(one.matter or "", ()):
            answered = next((before for before in raised_by if _may_answer(one, before)), None)
            found.append(one if answered is None else replace(one, answers_to=answered.id))
        else:
            found.append(one)
    return found


def _may_answer(one: SpiralMove, before: SpiralMove) -> bool:
    """Whether a move can answer another: of the other side, of the last 90 days, and a strained one a strained one."""
    return (
        before.side is one.side.other
        and (before.strained or not one.strained)
        and timedelta(0) <= one.at - before.at <= _ANSWERED_WITHIN
    )


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


def moves_of_price(
    change: str, side: Side, asked_at: datetime, first_day: date, agreed_from: Iterable[date]
) -> list[SpiralMove]:
    """Return the move that a proposed change of prices is: on their agreed date, or outside it of any of them.

    None where no date is agreed for any.

    :param side: whoever proposes it
    :param first_day: from which the prices would hold
    :param agreed_from: of each price with a date, the first day on which a new one counts; then that of each year
    """
    dates = list(agreed_from)
    if not dates:
        return []
    strained = any(first_day < one or (first_day.month, first_day.day) != (one.month, one.day) for one in dates)
    return [SpiralMove(f"price/{change}", asked_at, side, Strain.PRICE, strained, None if strained else CLOCK)]


def moves_of_weeks(
    side: Side, weeks: Mapping[date, tuple[float, float]], ends: Mapping[date, datetime]
) -> list[SpiralMove]:
    """Return a move for each whole week of a roster: with less than 95 % of it present, or as rostered.

    :param side: whose roster it is
    :param weeks: Monday -> hours present, and hours rostered; both of the same positions
    :param ends: Monday -> the moment at which its week ends
    """
    return [
        SpiralMove(f"staffed/{monday}", ends[monday], side, Strain.UNDERSTAFFED, present < PRESENT * rostered, CLOCK)
        for monday, (present, rostered) in sorted(weeks.items())
        if rostered > 0
    ]


def moves_of_delivery(table: str, side: Side, due: Iterable[tuple[datetime, bool]]) -> list[SpiralMove]:
    """Return the moves of an agreed delivery: in each week at most one that came by its moment and one that did not.

    :param due: the moments at which it was due, and whether it was there
    """
    series = f"delivery/{table}/{side}"
    return [
        SpiralMove(f"{series}/{at.astimezone(UTC):%Y-%m-%dT%H%M}", at, side, Strain.DUTY_MISSED, not came, CLOCK,
                   series=series)
        for at, came in due
    ]  # fmt: skip


def move_of_departure(key: str, side: Side, left_at: datetime, *, handed_over: bool) -> SpiralMove:
    """Return the move that it is when somebody leaves in whose name something stood.

    Neither the other side nor the calendar calls for it, so that the ordinary one counts where the other side has
    acknowledged it, which nobody records.
    """
    return SpiralMove(f"departure/{key}", left_at, side, Strain.DEPARTURE, strained=not handed_over)


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
        key = (move.side, move.kind, move.strained, move.matter or move.series or move.id, week)
        stands_for[move.id] = kept.setdefault(key, move).id
    return [
        one if one.answers_to is None else replace(one, answers_to=stands_for.get(one.answers_to))
        for one in kept.values()
    ]
