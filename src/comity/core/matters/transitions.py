"""State machine of a matter: which moves are open in each state, and where they lead; a table and pure functions.

The side that asks and the side that answers take turns. A move that is not in the table is refused with the reason: it
is the other side's turn, the matter has ended, or the kind has no such move.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from comity.core.matters.kinds import KINDS, Follows, Kind


class State(StrEnum):
    """How far a matter is."""

    ASKED = "asked"  # waits for the side that answers
    COUNTERED = "countered"  # waits for the side that asks
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEEMED = "deemed"  # accepted by silence
    WITHDRAWN = "withdrawn"
    DONE = "done"  # says the side whose work it is; the other side confirms
    CONFIRMED = "confirmed"  # done, as both say
    LET_OFF = "let_off"  # not done, and the side that it is owed to no longer asks for it
    BROKEN = "broken"  # not done, and the side whose work it is says that it cannot


class Move(StrEnum):
    """What a step does."""

    RAISE = "raise"
    ACCEPT = "accept"
    REFUSE = "refuse"
    COUNTER = "counter"
    COMMENT = "comment"
    REMIND = "remind"  # nobody's
    DEEM = "deem"  # nobody's
    WITHDRAW = "withdraw"
    DONE = "done"
    HAND_OVER = "hand_over"  # work goes to somebody else of the same side
    CONFIRM = "confirm"  # it is done
    NOT_DONE = "not_done"
    LET_OFF = "let_off"
    CANNOT = "cannot"
    TAKE_BACK = "take_back"  # one's own answer, for a few minutes


class Party(StrEnum):
    """Role of a side in one matter: it asks in one and answers in the next."""

    ASKS = "asks"
    ANSWERS = "answers"


class Refusal(StrEnum):
    """Why a move is not open."""

    THEIR_TURN = "their_turn"  # it is the other side's move
    NOT_NOW = "not_now"  # no such move in this state, or of this kind
    ENDED = "ended"
    REASON = "reason"  # a refusal and a counter-proposal say why
    ORDER = "order"  # the last day is before the first
    OWNER = "owner"  # only the side whose work it is says that it is done
    SEEN = "seen"  # the other side has seen the answer, or its time is over


OPEN = (State.ASKED, State.COUNTERED)
AGREED = (State.ACCEPTED, State.DEEMED)
UNDONE = (*AGREED, State.DONE)  # of work: not yet done, as both say
NEEDS_REASON = frozenset({Move.REFUSE, Move.COUNTER, Move.NOT_DONE, Move.LET_OFF, Move.CANNOT})
TAKEN_BACK = frozenset({Move.ACCEPT, Move.REFUSE})  # the moves that may be taken back
TAKE_BACK_TIME = timedelta(minutes=10)
# Working days in which an accepted dispute is carried out; until then the period waits for it.
CARRY_OUT_DAYS = 20

# By state: whose turn it is, and where each move of that side leads.
_TURNS: Mapping[State, tuple[Party, Mapping[Move, State]]] = {
    State.ASKED: (
        Party.ANSWERS,
        {Move.ACCEPT: State.ACCEPTED, Move.COUNTER: State.COUNTERED, Move.REFUSE: State.REFUSED},
    ),
    State.COUNTERED: (
        Party.ASKS,
        {Move.ACCEPT: State.ACCEPTED, Move.COUNTER: State.ASKED, Move.REFUSE: State.REFUSED},
    ),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody's relation to a matter.

    :ivar party: the side that they stand on; None for those on neither
    :ivar owns: whether the matter's work is their side's, or nobody's yet
    :ivar did_last: whether their side made the last move
    :ivar may_take_back: whether that move is recent, and the other side has not seen it
    """

    party: Party | None
    owns: bool = False
    did_last: bool = False
    may_take_back: bool = False


def waits_for(state: State) -> Party | None:
    """Return whose answer is awaited; None where none is."""
    return _TURNS[state][0] if state in _TURNS else None


def is_work(kind: Kind, follows: str = "") -> bool:
    """Whether something is to be done once a matter is accepted."""
    return KINDS[kind].becomes_work and not (kind is Kind.DISPUTE and follows in {"", Follows.VALUE})


def ended(kind: Kind, state: State, follows: str = "") -> bool:
    """Whether a matter is closed; accepted work stays open until both sides say that it is done."""
    return state not in OPEN and not (is_work(kind, follows) and state in UNDONE)


def open_moves(kind: Kind, state: State, actor: Actor, follows: str = "") -> list[Move]:
    """Return the moves that are open to an actor, those of their turn first; rights are not checked."""
    spec, moves = KINDS[kind], []
    if actor.party is not None and state in _TURNS:
        turn, leads = _TURNS[state]
        if turn is actor.party:
            moves += [move for move in leads if move is not Move.COUNTER or spec.counters]
        if actor.party is Party.ASKS:
            moves.append(Move.WITHDRAW)
    if actor.party is not None and is_work(kind, follows):
        moves += _moves_of_work(kind, state, actor)
    if actor.may_take_back and state in {State.ACCEPTED, State.REFUSED} and not spec.changes_records:
        moves.append(Move.TAKE_BACK)
    return [*moves, Move.COMMENT]


def _moves_of_work(kind: Kind, state: State, actor: Actor) -> list[Move]:
    """Return the moves about what is to be done: the side whose work it is does it, the other side confirms."""
    if state in AGREED:
        moves = [Move.DONE, Move.CANNOT] if actor.owns else [Move.LET_OFF]
        return [*moves, Move.HAND_OVER] if actor.owns and kind is Kind.ACTION else moves
    if state is State.DONE and not actor.did_last:
        return [Move.CONFIRM, Move.NOT_DONE]
    return [Move.LET_OFF] if state is State.BROKEN and not actor.owns else []


def refusal(kind: Kind, state: State, actor: Actor, move: Move, text: str, follows: str = "") -> Refusal | None:  # noqa: PLR0913 - a move and what it is judged by
    """Return why an actor may not make a move now; None where they may."""
    if move not in open_moves(kind, state, actor, follows):
        if move is Move.TAKE_BACK:
            return Refusal.SEEN
        if move is Move.DONE and actor.party is not None and is_work(kind, follows) and state in AGREED:
            return Refusal.OWNER
        if ended(kind, state, follows):
            return Refusal.ENDED
        waits = state in OPEN and actor.party is not None and actor.party is not waits_for(state)
        return Refusal.THEIR_TURN if waits else Refusal.NOT_NOW
    return Refusal.REASON if move in NEEDS_REASON and not text.strip() else None


_UNCHANGED = frozenset({Move.COMMENT, Move.REMIND, Move.HAND_OVER})
_LEADS = {
    Move.RAISE: State.ASKED,
    Move.WITHDRAW: State.WITHDRAWN,
    Move.DONE: State.DONE,
    Move.DEEM: State.DEEMED,
    Move.CONFIRM: State.CONFIRMED,
    Move.NOT_DONE: State.ACCEPTED,
    Move.LET_OFF: State.LET_OFF,
    Move.CANNOT: State.BROKEN,
}


def after(state: State, move: Move, counters: int = 0) -> State:
    """Return the state after a move; comments, reminders and hand-overs leave it unchanged.

    :param counters: how many counter-proposals there were, which says to whom an answer that is taken back returns
    :raises KeyError: for a move that this state does not know
    """
    if move in _UNCHANGED:
        return state
    if move is Move.TAKE_BACK:
        return State.COUNTERED if counters % 2 else State.ASKED
    return _LEADS[move] if move in _LEADS else _TURNS[state][1][move]


class Dispute(StrEnum):
    """How far a dispute is, as a figure and the record of its period say."""

    OPEN = "open"
    VALUE_BESIDE = "value_beside"  # accepted: the claimed value is recorded beside the computed one
    TO_CARRY_OUT = "to_carry_out"  # accepted; the period waits for it
    CARRIED_OUT = "carried_out"  # as both sides say
    NOT_CARRIED_OUT = "not_carried_out"  # in its time, or let off


def dispute_status(state: State, follows: str, due_on: date | None, today: date) -> Dispute | None:
    """Return how far a dispute is; None for one that was refused or withdrawn, which no figure shows."""
    if state in OPEN:
        return Dispute.OPEN
    if state in {State.REFUSED, State.WITHDRAWN}:
        return None
    if follows not in {Follows.RECORDS, Follows.FORMULA}:
        return Dispute.VALUE_BESIDE
    if state is State.CONFIRMED:
        return Dispute.CARRIED_OUT
    is_over = state is State.LET_OFF or (due_on is not None and due_on < today)
    return Dispute.NOT_CARRIED_OUT if is_over else Dispute.TO_CARRY_OUT


# What an event of the book says of a claim.
IN_THE_BOOK: Mapping[State, str] = {
    State.ASKED: "claimed",
    State.COUNTERED: "claimed",
    State.ACCEPTED: "accepted",
    State.DEEMED: "deemed",
    State.REFUSED: "refused",
    State.WITHDRAWN: "refused",
}
