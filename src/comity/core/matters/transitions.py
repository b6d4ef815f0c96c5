"""State machine of a matter: which moves are open in each state, and where they lead; a table and pure functions.

The side that asks and the side that answers take turns until it is agreed; then the side that owes it does it, and the
side that it is owed to confirms. Buttons, forms, the API, errors and the guards of the database are made from `TABLE`:
a move that is not in it is refused with the reason. Source: the table "States" of the matters' specification. *Agreed*
reads *answered* where no promise comes of it, so that a state alone says whether something is left to be done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from comity.core.matters.kinds import KINDS, Follows, Kind


class State(StrEnum):
    """How far a matter is."""

    ASKED = "asked"  # waits for the side that answers
    ASKED_BACK_B = "asked_back_b"  # the side that answers has a question: waits for the side that asks
    COUNTERED = "countered"  # waits for the side that asks
    ASKED_BACK_A = "asked_back_a"  # the side that asks has a question: waits for the side that answers
    AGREED = "agreed"  # somebody owes it by a day
    DONE = "done"  # says the side that owes it; the other side confirms
    ANSWERED = "answered"  # and nothing is left to be done
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    CONFIRMED = "confirmed"  # done, as both say
    DEEMED = "deemed"  # accepted by silence
    LET_OFF = "let_off"  # not done, and the side that it is owed to no longer asks for it
    BROKEN = "broken"  # not done: the side that owes it cannot, or its day is long over
    MERGED = "merged"  # goes on within another matter


class Move(StrEnum):
    """What a step does."""

    RAISE = "raise"
    AGREE = "agree"
    COUNTER = "counter"
    ASK_BACK = "ask_back"
    REPLY = "reply"  # to what was asked back
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    CLOSE = "close"  # what was asked back was not answered for twice the clock
    MERGE = "merge"
    DONE = "done"
    CANNOT = "cannot"
    CONFIRM = "confirm"  # it is done
    NOT_DONE = "not_done"
    LET_OFF = "let_off"
    OTHER_DAY = "other_day"  # proposes another day for what is owed
    PAUSE = "pause"  # proposes that it rests until a day
    TAKE = "take"  # takes the other day or the pause that the other side proposes
    TAKE_BACK = "take_back"  # one's own answer, for a few minutes; one's own counter, as long as it lies there
    REOPEN = "reopen"  # open again once both sides have said so
    COMMENT = "comment"
    ACKNOWLEDGE = "acknowledge"
    ESCALATE = "escalate"
    BRING_DOWN = "bring_down"
    HAND_OVER = "hand_over"  # within the side
    OBJECT = "object"  # to how it began or what it is classed as; both values stand
    REMIND = "remind"  # nobody's
    LATE = "late"  # nobody's: the clock has run out
    WARN = "warn"  # nobody's: treated as accepted on a day unless answered
    DEEM = "deem"  # nobody's
    BREAK = "break"  # nobody's: long past the day by which it was owed


class Party(StrEnum):
    """Role of a side in one matter: it asks in one and answers in the next."""

    ASKS = "asks"
    ANSWERS = "answers"

    @property
    def other(self) -> "Party":
        """The party across the table."""
        return Party.ANSWERS if self is Party.ASKS else Party.ASKS


class Who(StrEnum):
    """Whose a row of the table is."""

    ASKS = "asks"
    ANSWERS = "answers"
    DEBTOR = "debtor"  # the side that owes it
    CREDITOR = "creditor"  # the side that it is owed to
    EITHER = "either"
    OTHER = "other"  # than the side whose proposal lies on the table
    LAST = "last"  # the side whose answer was the last move
    NOBODY = "nobody"  # the room's clock


class Refusal(StrEnum):
    """Why a move is not open."""

    THEIR_TURN = "their_turn"  # it is the other side's move
    NOT_NOW = "not_now"  # no such move in this state, or of this kind
    ENDED = "ended"
    REASON = "reason"  # the move says why
    ORDER = "order"  # the last day is before the first
    OWNER = "owner"  # only the side whose work it is says that it is done
    SEEN = "seen"  # the other side has seen the answer, or its time is over
    WAITING = "waiting"  # twice the clock is not over yet


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: in a state, who may do what, and where it leads."""

    state: State
    who: Who
    move: Move
    to: State


OPEN = (State.ASKED, State.ASKED_BACK_B, State.COUNTERED, State.ASKED_BACK_A)  # an answer is waited for
TO_DO = (State.AGREED, State.DEEMED)  # of a promise: owed
UNDONE = (*TO_DO, State.DONE)  # of a promise: not yet done, as both say
GRANTED = (State.AGREED, State.ANSWERED, State.DEEMED)  # what was asked for was agreed to
ENDED = frozenset(State) - {*OPEN, State.AGREED, State.DONE}
# The side that asked back, or made no answer at all, is not the one that waits.
_TURN = {
    State.ASKED: Party.ANSWERS,
    State.ASKED_BACK_B: Party.ASKS,
    State.COUNTERED: Party.ASKS,
    State.ASKED_BACK_A: Party.ANSWERS,
}
NEEDS_REASON = frozenset(
    {Move.DECLINE, Move.COUNTER, Move.NOT_DONE, Move.LET_OFF, Move.CANNOT, Move.ASK_BACK, Move.REPLY, Move.CLOSE}
    | {Move.ESCALATE, Move.OBJECT, Move.REOPEN}
)
TAKEN_BACK = frozenset({Move.AGREE, Move.DECLINE})  # the moves that may be taken back for some minutes
NOBODYS = frozenset({Move.REMIND, Move.LATE, Move.WARN, Move.DEEM, Move.BREAK})
# Steps that change neither state nor clock.
BESIDE = frozenset(
    {Move.COMMENT, Move.ACKNOWLEDGE, Move.ESCALATE, Move.BRING_DOWN, Move.HAND_OVER, Move.OBJECT, Move.REMIND}
    | {Move.LATE, Move.WARN}
)
TAKE_BACK_TIME = timedelta(minutes=10)
MAX_LEVEL = 5
# Working days in which an accepted dispute is carried out; until then the period waits for it.
CARRY_OUT_DAYS = 20
BROKEN_AFTER_DAYS = 20  # working days past the day by which a promise was owed


def _rows() -> tuple[Row, ...]:
    rows: list[Row] = []

    def add(states: tuple[State, ...], who: Who, **leads: State) -> None:
        rows.extend(Row(state, who, Move(move), to) for state in states for move, to in leads.items())

    asked, back_b, countered, back_a = OPEN
    decided = {"agree": State.AGREED, "decline": State.DECLINED}
    add((asked,), Who.ANSWERS, agree=State.AGREED, counter=countered, ask_back=back_b, decline=State.DECLINED)
    add((back_b,), Who.ASKS, reply=asked)
    add((back_b,), Who.ANSWERS, counter=countered, **decided, close=State.DECLINED)
    # The first time that a counter is declined, the matter goes back to what was first asked.
    add((countered,), Who.ASKS, agree=State.AGREED, counter=asked, ask_back=back_a, decline=asked)
    add((back_a,), Who.ANSWERS, reply=countered)
    add((back_a,), Who.ASKS, agree=State.AGREED, counter=asked, decline=asked)
    add((countered, back_a), Who.ANSWERS, take_back=asked)
    add(OPEN, Who.ASKS, withdraw=State.WITHDRAWN, merge=State.MERGED)
    add(TO_DO, Who.DEBTOR, done=State.DONE, cannot=State.BROKEN)
    add(TO_DO, Who.CREDITOR, let_off=State.LET_OFF)
    for state in TO_DO:
        add((state,), Who.EITHER, other_day=state, pause=state)
        add((state,), Who.OTHER, take=state)
    add((State.DONE,), Who.CREDITOR, confirm=State.CONFIRMED, not_done=State.AGREED, let_off=State.LET_OFF)
    # A period waits for an accepted dispute that cannot be carried out, until its day is over or this.
    add((State.BROKEN,), Who.CREDITOR, let_off=State.LET_OFF)
    add((State.AGREED, State.ANSWERED, State.DECLINED, asked), Who.LAST, take_back=asked)
    add(tuple(one for one in State if one in ENDED), Who.EITHER, reopen=asked)
    unended = (*(one for one in State if one not in ENDED), State.DEEMED)
    for state in unended:
        add((state,), Who.EITHER, escalate=state, bring_down=state, hand_over=state, object=state, acknowledge=state)
        add((state,), Who.NOBODY, remind=state, late=state)
    for state in State:
        add((state,), Who.EITHER, comment=state)
    add((asked,), Who.NOBODY, warn=asked, deem=State.DEEMED)
    add(TO_DO, Who.NOBODY, **{"break": State.BROKEN})
    add((State.DONE,), Who.NOBODY, deem=State.CONFIRMED)  # where both agreed that silence confirms
    return tuple(rows)


TABLE: tuple[Row, ...] = _rows()
_BY_STATE: Mapping[State, tuple[Row, ...]] = {
    state: tuple(row for row in TABLE if row.state is state) for state in State
}
_ORDER = {move: place for place, move in enumerate(Move)}


@dataclass(frozen=True, slots=True)
class Offer:
    """What one side proposes about what is owed, or that a matter is opened again; the other side may take it.

    :ivar by: who proposes it
    :ivar move: OTHER_DAY, PAUSE or REOPEN
    :ivar day: the other day, or the last day of the pause
    """

    by: Party
    move: Move
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a matter stands.

    :ivar number: of the last step; `last_move` that of the last one which changed anything
    :ivar last: what that step did, and whose it was
    :ivar promise: whether something is, or was, to be done
    :ivar debtor: who owes it; None where either side may do it
    :ivar done_by: who says that it is done
    :ivar declined_counters: how many counter-proposals were declined since it was opened
    :ivar paused: who has asked back, which pauses the clock once
    :ivar acknowledged: whether the side whose turn it is has said that it has read
    :ivar level: how often it was escalated, less how often brought down
    :ivar terms: in force: what is agreed to now, if it is
    :ivar due_at: by when the side whose turn it is answers
    :ivar due_on: by when it is owed; `first_due_on` as it was agreed first, `moved` how often it was moved
    :ivar marks: of any of its steps
    """

    kind: Kind
    state: State = State.ASKED
    number: int = 0
    last_move: int = 0
    last: tuple[Move, Party | None] = (Move.RAISE, Party.ASKS)
    promise: bool = False
    debtor: Party | None = None
    done_by: Party | None = None
    declined_counters: int = 0
    offer: Offer | None = None
    paused: frozenset[Party] = frozenset()
    acknowledged: bool = False
    level: int = 0
    terms: Mapping[str, object] = field(default_factory=dict)
    due_at: datetime | None = None
    due_on: date | None = None
    first_due_on: date | None = None
    moved: int = 0
    marks: frozenset[str] = frozenset()

    @property
    def turn(self) -> Party | None:
        """Whose move it is; None where either side may do it, or the matter has ended."""
        if self.state in _TURN:
            return _TURN[self.state]
        if self.state is State.DONE:
            return None if self.done_by is None else self.done_by.other
        return self.debtor if self.promise and self.state in TO_DO else None

    @property
    def ended(self) -> bool:
        """Whether nothing of it is to come: what is agreed stays open until both sides say that it is done."""
        return self.state in ENDED and not (self.promise and self.state in TO_DO)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody's relation to a matter.

    :ivar party: the side that they stand on; None for those on neither
    :ivar may_take_back: whether their side's last answer is recent, and the other side has not seen it
    :ivar may_close: whether what their side asked back was not answered for twice the clock
    """

    party: Party | None
    may_take_back: bool = False
    may_close: bool = False


def waits_for(state: State) -> Party | None:
    """Return whose answer is awaited; None where none is."""
    return _TURN.get(state)


# What a move takes beside its state and its side.
_TAKES: Mapping[Move, Callable[[Standing, Actor], bool]] = {
    Move.COUNTER: lambda standing, _: KINDS[standing.kind].counters,
    Move.CLOSE: lambda _, actor: actor.may_close,
    Move.ESCALATE: lambda standing, _: not standing.ended and standing.level < MAX_LEVEL,
    Move.BRING_DOWN: lambda standing, _: not standing.ended and standing.level > 0,
    Move.ACKNOWLEDGE: lambda standing, actor: standing.turn is actor.party and not standing.acknowledged,
    Move.HAND_OVER: lambda standing, _: not standing.ended,
    Move.OBJECT: lambda standing, _: not standing.ended,
    Move.MERGE: lambda standing, _: not KINDS[standing.kind].changes_records,
    Move.REOPEN: lambda standing, actor: (
        standing.ended
        and not KINDS[standing.kind].changes_records
        and (standing.offer is None or standing.offer.by is not actor.party)
    ),
}


def _is_open(row: Row, standing: Standing, actor: Actor) -> bool:
    """Whether a row of the table is open to an actor, who stands on a side."""
    party = actor.party
    if party is None or row.who is Who.NOBODY:
        return False
    if row.who in {Who.DEBTOR, Who.CREDITOR, Who.OTHER} or row.move in {Move.OTHER_DAY, Move.PAUSE}:
        return standing.promise and _is_open_promise(row, standing, party)
    if row.who is Who.LAST:
        is_own = standing.last in {(one, party) for one in TAKEN_BACK}
        return actor.may_take_back and is_own and not KINDS[standing.kind].changes_records
    if row.who in {Who.ASKS, Who.ANSWERS} and row.who.value != party.value:
        return False
    return row.move not in _TAKES or _TAKES[row.move](standing, actor)


def _is_open_promise(row: Row, standing: Standing, party: Party) -> bool:
    """Whether a row about what is owed is open to a party."""
    if row.who is Who.OTHER:
        return standing.offer is not None and standing.offer.by is not party and standing.offer.move is not Move.REOPEN
    if row.who is Who.DEBTOR:
        return standing.debtor in {None, party}
    if row.who is Who.EITHER:
        return True
    if standing.state is State.DONE:
        return standing.done_by is not party
    if standing.state is State.BROKEN and standing.kind is not Kind.DISPUTE:
        return False
    return standing.debtor is not None and standing.debtor is not party


def open_moves(standing: Standing, actor: Actor) -> list[Move]:
    """Return the moves that are open to an actor, those of their turn first; rights are not checked."""
    if actor.party is None:
        return [Move.COMMENT]
    moves = {row.move for row in _BY_STATE[standing.state] if _is_open(row, standing, actor)}
    return sorted(moves, key=_ORDER.__getitem__)


def refusal(standing: Standing, actor: Actor, move: Move, text: str) -> Refusal | None:
    """Return why an actor may not make a move now; None where they may."""
    if move in open_moves(standing, actor):
        return Refusal.REASON if move in NEEDS_REASON and not text.strip() else None
    if move is Move.TAKE_BACK:
        return Refusal.SEEN
    if move is Move.DONE and actor.party is not None and standing.promise and standing.state in TO_DO:
        return Refusal.OWNER
    if standing.ended:
        return Refusal.ENDED
    if move is Move.CLOSE and standing.state is State.ASKED_BACK_B and actor.party is Party.ANSWERS:
        return Refusal.WAITING
    is_theirs = actor.party is not None and move in open_moves(standing, Actor(actor.party.other))
    return Refusal.THEIR_TURN if is_theirs and standing.state in OPEN else Refusal.NOT_NOW


def after(standing: Standing, move: Move, by: Party | None, *, promise: bool = False) -> State:
    """Return the state after a move, which was found open; an answer that is taken back is restored by the history.

    :param promise: whether what is agreed with this move is something to be done
    :raises KeyError: for a move that this state does not know
    """
    leads = {row.move: row.to for row in _BY_STATE[standing.state]}
    if move is Move.RAISE:
        return State.ASKED
    if move is Move.AGREE:
        return State.AGREED if promise else State.ANSWERED
    if move is Move.DECLINE and standing.declined_counters and standing.state in {State.COUNTERED, State.ASKED_BACK_A}:
        return State.DECLINED
    if move is Move.REOPEN:
        is_second = standing.offer is not None and standing.offer.by is not by
        return (State.AGREED if standing.promise else State.ASKED) if is_second else standing.state
    return leads[move]


class Dispute(StrEnum):
    """How far a dispute is, as a figure and the record of its period say."""

    OPEN = "open"
    VALUE_BESIDE = "value_beside"  # accepted: the claimed value is recorded beside the computed one
    TO_CARRY_OUT = "to_carry_out"  # accepted; the period waits for it
    CARRIED_OUT = "carried_out"  # as both sides say
    NOT_CARRIED_OUT = "not_carried_out"  # in its time, or let off


NOT_UPHELD = frozenset({State.DECLINED, State.WITHDRAWN, State.MERGED})  # disputes that no figure shows


def dispute_status(state: State, follows: str, due_on: date | None, today: date) -> Dispute | None:
    """Return how far a dispute is; None for one that was declined or withdrawn, which no figure shows."""
    if state in OPEN:
        return Dispute.OPEN
    if state in NOT_UPHELD:
        return None
    if follows not in {Follows.RECORDS, Follows.FORMULA}:
        return Dispute.VALUE_BESIDE
    if state is State.CONFIRMED:
        return Dispute.CARRIED_OUT
    is_over = state is State.LET_OFF or (due_on is not None and due_on < today)
    return Dispute.NOT_CARRIED_OUT if is_over else Dispute.TO_CARRY_OUT


# What an event of the book says of a claim.
IN_THE_BOOK: Mapping[State, str] = {
    **dict.fromkeys(OPEN, "claimed"),
    State.ANSWERED: "accepted",
    State.DEEMED: "deemed",
    State.DECLINED: "refused",
    State.WITHDRAWN: "refused",
    State.MERGED: "refused",
}
