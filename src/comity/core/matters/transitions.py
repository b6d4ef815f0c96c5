"""State machine of a matter: which moves are open in each state, and where they lead; a table and pure functions.

The side that asks and the side that answers take turns. A move that is not in the table is refused with the reason: it
is the other side's turn, the matter has ended, or the kind has no such move.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from comity.core.matters.kinds import KINDS, Kind


class State(StrEnum):
    """How far a matter is."""

    ASKED = "asked"  # waits for the side that answers
    COUNTERED = "countered"  # waits for the side that asks
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEEMED = "deemed"  # accepted by silence
    WITHDRAWN = "withdrawn"
    DONE = "done"


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


OPEN = (State.ASKED, State.COUNTERED)
AGREED = (State.ACCEPTED, State.DEEMED)
NEEDS_REASON = frozenset({Move.REFUSE, Move.COUNTER})

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
    :ivar owns: whether the matter's work is theirs to hand over: their side's, or nobody's yet
    """

    party: Party | None
    owns: bool = False


def waits_for(state: State) -> Party | None:
    """Return whose move it is; None where no answer is awaited."""
    return _TURNS[state][0] if state in _TURNS else None


def ended(kind: Kind, state: State) -> bool:
    """Whether a matter is closed; accepted work stays open until it is done."""
    return state not in OPEN and not (KINDS[kind].becomes_work and state in AGREED)


def open_moves(kind: Kind, state: State, actor: Actor) -> list[Move]:
    """Return the moves that are open to an actor, those of their turn first; rights are not checked."""
    spec, moves = KINDS[kind], []
    if actor.party is not None and state in _TURNS:
        turn, leads = _TURNS[state]
        if turn is actor.party:
            moves += [move for move in leads if move is not Move.COUNTER or spec.counters]
        if actor.party is Party.ASKS:
            moves.append(Move.WITHDRAW)
    if actor.party is not None and spec.becomes_work and state in AGREED:
        moves.append(Move.DONE)
        if actor.owns:
            moves.append(Move.HAND_OVER)
    return [*moves, Move.COMMENT]


def refusal(kind: Kind, state: State, actor: Actor, move: Move, text: str) -> Refusal | None:
    """Return why an actor may not make a move now; None where they may."""
    if move not in open_moves(kind, state, actor):
        if state not in OPEN:
            return Refusal.ENDED
        waits = actor.party is not None and actor.party is not waits_for(state)
        return Refusal.THEIR_TURN if waits else Refusal.NOT_NOW
    return Refusal.REASON if move in NEEDS_REASON and not text.strip() else None


def after(state: State, move: Move) -> State:
    """Return the state after a move; comments, reminders and hand-overs leave it unchanged.

    :raises KeyError: for a move that this state does not know
    """
    match move:
        case Move.COMMENT | Move.REMIND | Move.HAND_OVER:
            return state
        case Move.RAISE:
            return State.ASKED
        case Move.WITHDRAW:
            return State.WITHDRAWN
        case Move.DONE:
            return State.DONE
        case Move.DEEM:
            return State.DEEMED
        case _:
            return _TURNS[state][1][move]


# What an event of the book says of a claim.
IN_THE_BOOK: Mapping[State, str] = {
    State.ASKED: "claimed",
    State.COUNTERED: "claimed",
    State.ACCEPTED: "accepted",
    State.DEEMED: "deemed",
    State.REFUSED: "refused",
    State.WITHDRAWN: "refused",
}
