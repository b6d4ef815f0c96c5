"""The fold of a matter's steps into where it stands: state, turn, terms in force, clocks, marks, and what answers what.

Steps are only ever added, so that where a matter stands follows from them alone; the row that the room keeps of it is
the same fold, kept for speed. An answer that is taken back leaves its step behind and restores exactly what was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from comity.core.matters.kinds import KINDS, Debtor, Kind, is_promise
from comity.core.matters.transitions import (
    BESIDE,
    MAX_LEVEL,
    NOBODYS,
    OPEN,
    TABLE,
    UNDONE,
    Actor,
    Move,
    Offer,
    Party,
    Standing,
    State,
    Who,
    after,
    open_moves,
)


class Linked(StrEnum):
    """How it came about that a step answers to another. A default does not count for the spiral."""

    CHOSEN = "chosen"  # by whoever made the step
    STRUCTURE = "structure"  # the table leaves one it can answer to
    DEFAULT = "default"  # the last one of the other side


class Mark(StrEnum):
    """What a side reserves with a step."""

    UNDER_RESERVE = "under_reserve"
    WITHOUT_PREJUDICE = "without_prejudice"  # out of evidence packs unless both agree; in readings only as a count


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a history.

    :ivar by: whose it is; None for somebody neutral, and for the room's clock
    :ivar saw: the number of the step that was seen last; None where that was not recorded
    :ivar terms: what it puts on the table, by the names of `Term`; a counter keeps what it does not name
    :ivar due_at: by when the next side answers, where the step starts or moves that clock
    :ivar day: the other day, or the last day of a pause; of a pause that is taken, the day by which it is owed then
    """

    number: int
    move: Move
    by: Party | None = None
    saw: int | None = None
    terms: Mapping[str, object] = field(default_factory=dict)
    due_at: datetime | None = None
    day: date | None = None
    mark: str = ""


class HistoryError(ValueError):
    """A step that its matter does not allow where it stands."""


def debtor(kind: Kind, asks: str, terms: Mapping[str, object]) -> Party | None:
    """Return who owes a matter of a kind once it is agreed; None where either side may do it.

    :param asks: the side that asks
    :param terms: with `failed`, the side that failed, and `owner_side`, that of an action's owner
    """
    match KINDS[kind].debtor:
        case Debtor.ASKS:
            return Party.ASKS
        case Debtor.ANSWERS:
            return Party.ANSWERS
        case Debtor.FAILED:
            side = terms.get("failed") or "provider"
        case Debtor.OWNER:
            side = terms.get("owner_side")
    return None if not side else Party.ASKS if side == asks else Party.ANSWERS


def replay(kind: Kind, asks: str, steps: Iterable[Step]) -> Standing:
    """Return where a matter stands after its steps.

    :param asks: the side that asks
    :raises HistoryError: for a step that was not open to whoever made it, or has not the next number
    """
    past: list[tuple[Step, Standing]] = []
    standing = Standing(kind)
    for step in steps:
        before, standing = standing, _checked(asks, standing, step, past)
        past.append((step, before))
    return standing


def _checked(asks: str, standing: Standing, step: Step, past: Sequence[tuple[Step, Standing]]) -> Standing:
    """Return the standing after one more step.

    :raises HistoryError: where it is not open
    """
    if step.number != standing.number + 1:
        raise HistoryError(f"step {step.number} does not follow step {standing.number}")
    if step.saw is not None and step.saw < standing.last_move and step.move not in BESIDE | NOBODYS:
        raise HistoryError(f"step {step.number} did not see step {standing.last_move}")
    if (step.move is Move.RAISE) != (standing.number == 0):
        raise HistoryError(f"step {step.number}: a matter is raised once")
    if step.move in NOBODYS:
        rows = {row.move for row in TABLE if row.state is standing.state and row.who is Who.NOBODY}
        if step.by is not None or step.move not in rows or (step.move is Move.BREAK and not standing.promise):
            raise HistoryError(f"step {step.number}: the clock does not do this now")
    elif step.move is not Move.RAISE:
        # Whether an answer is recent, and unseen, was judged when it was taken back; here it is a step of the past.
        moves = open_moves(standing, Actor(step.by, may_take_back=True, may_close=True))
        if step.move not in moves or (step.by is None and step.move is not Move.COMMENT):
            raise HistoryError(f"step {step.number}: {step.move} is not open in {standing.state}")
    return apply(asks, standing, step, past)


def apply(asks: str, standing: Standing, step: Step, past: Sequence[tuple[Step, Standing]]) -> Standing:
    """Return the standing after a step that was found open.

    :param past: each step before it, with the standing that it found
    """
    marks = standing.marks | ({step.mark} if step.mark else frozenset())
    standing = replace(standing, number=step.number, marks=marks)
    if step.move in BESIDE:
        return _beside(standing, step)
    restored = _restored(standing, step, past)
    changed = restored if restored is not None else _moved(asks, standing, step, past)
    return replace(changed, last_move=step.number, last=(step.move, step.by))


def _beside(standing: Standing, step: Step) -> Standing:
    """Return the standing after a step that changes neither state nor clock."""
    match step.move:
        case Move.ACKNOWLEDGE:
            return replace(standing, acknowledged=True)
        case Move.ESCALATE:
            return replace(standing, level=min(standing.level + 1, MAX_LEVEL))
        case Move.BRING_DOWN:
            return replace(standing, level=max(standing.level - 1, 0))
        case Move.HAND_OVER:  # within the side: who owes it stays the same side
            handed = replace(standing, terms={**standing.terms, **step.terms})
            return replace(handed, debtor=handed.debtor or (step.by if handed.promise else None))
    return standing


def _restored(standing: Standing, step: Step, past: Sequence[tuple[Step, Standing]]) -> Standing | None:
    """Return what was before the answer that is taken back, or before the counter; None for other moves.

    What was said beside it meanwhile stays, and so does a pause that was used.
    """
    if step.move is not Move.TAKE_BACK:
        return None
    in_counter = standing.state in {State.COUNTERED, State.ASKED_BACK_A}
    undone = {Move.COUNTER} if in_counter else {Move.AGREE, Move.DECLINE}
    before = next(was for done, was in reversed(past) if done.move in undone)
    return replace(
        before,
        number=standing.number,
        level=standing.level,
        marks=standing.marks,
        paused=standing.paused | before.paused,
    )


def _moved(asks: str, standing: Standing, step: Step, past: Sequence[tuple[Step, Standing]]) -> Standing:
    """Return the standing after a step that changes it."""
    kind, move = standing.kind, step.move
    terms = {**standing.terms, **step.terms}
    if move is Move.COUNTER and kind is Kind.DISPUTE and "follows" not in step.terms:
        terms.pop("follows", None)  # what a side said would follow is said again, or no longer
    promise = _becomes_promise(kind, terms) if move in {Move.AGREE, Move.DEEM} else standing.promise
    is_declined_counter = move is Move.DECLINE and standing.state in {State.COUNTERED, State.ASKED_BACK_A}
    state = after(standing, move, step.by, promise=promise)
    changed = replace(
        standing,
        state=state,
        terms=terms,
        promise=promise,
        due_at=step.due_at if state in {*OPEN, State.DONE} else None,
        acknowledged=move in {Move.OTHER_DAY, Move.PAUSE} and standing.acknowledged,
        offer=None,
    )
    if move in {Move.AGREE, Move.DEEM} and state in UNDONE:
        due_on = step.day or _day(terms.get("due_on"))
        return replace(changed, debtor=debtor(kind, asks, terms), due_on=due_on, first_due_on=due_on, moved=0)
    first = dict(past[0][0].terms) if past else {}
    if is_declined_counter and state is State.ASKED:
        return replace(changed, terms=first, declined_counters=standing.declined_counters + 1)
    if move is Move.REOPEN and state is State.ASKED:
        return replace(changed, terms=first, declined_counters=0)
    return _moved_promise(changed, standing, step)


def _moved_promise(changed: Standing, standing: Standing, step: Step) -> Standing:
    """Return the standing after a step about what is owed, about asking back, or about opening a matter again."""
    match step.move:
        case Move.ASK_BACK if step.by is not None:
            return replace(changed, paused=standing.paused | {step.by})
        case Move.DONE:
            return replace(changed, done_by=step.by)
        case Move.OTHER_DAY | Move.PAUSE if step.by is not None:
            return replace(changed, offer=Offer(step.by, step.move, step.day))
        case Move.TAKE if standing.offer is not None:
            due_on = step.day or standing.offer.day
            return replace(changed, due_on=due_on, moved=standing.moved + (due_on != standing.due_on))
        case Move.REOPEN if step.by is not None:
            is_second = standing.offer is not None and standing.offer.by is not step.by
            return replace(
                changed,
                done_by=None if is_second else standing.done_by,
                offer=None if is_second else Offer(step.by, Move.REOPEN),
            )
    return changed


def _becomes_promise(kind: Kind, terms: Mapping[str, object]) -> bool:
    return is_promise(
        kind,
        follows=str(terms.get("follows") or ""),
        becomes=str(terms.get("becomes") or ""),
        due=bool(terms.get("due_on")),
    )


def _day(value: object) -> date | None:
    if isinstance(value, date):
        return value
    return date.fromisoformat(str(value)) if value else None


# What the table leaves a move to answer to.
_ANSWERED: Mapping[Move, frozenset[Move]] = {
    **dict.fromkeys(
        (Move.AGREE, Move.COUNTER, Move.DECLINE, Move.ASK_BACK), frozenset({Move.RAISE, Move.COUNTER, Move.REPLY})
    ),
    Move.REPLY: frozenset({Move.ASK_BACK}),
    Move.CONFIRM: frozenset({Move.DONE}),
    Move.NOT_DONE: frozenset({Move.DONE}),
    Move.TAKE: frozenset({Move.OTHER_DAY, Move.PAUSE}),
}


def answered_step(
    steps: Sequence[Step], move: Move, by: Party | None, chosen: int | None = None
) -> tuple[int | None, Linked | None]:
    """Return which step a new one of a party answers to, and how that came about.

    A move answers what the table leaves: the proposal on the table, what was asked back, what is said to be done. Any
    other step answers the last one of the other side, by default.

    :param chosen: the number of the step that whoever makes it has named
    :returns: None twice where there is none, as for the first step of a matter
    """
    if chosen is not None:
        return chosen, Linked.CHOSEN
    others = [step for step in steps if step.by is not by and step.by is not None]
    fitting = [step for step in others if step.move in _ANSWERED.get(move, ())]
    if fitting:
        return fitting[-1].number, Linked.STRUCTURE
    return (others[-1].number, Linked.DEFAULT) if others else (None, None)
