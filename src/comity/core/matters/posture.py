"""How a matter began, on the part of the side that serves in it: worked out from what was recorded, and never typed.

*Reactive*: the served side had to come with it. *Proactive*: the serving side came unasked, or told of its own failure
before the other side raised it. *Interactive*: the served side's need, which it linked, when raising it, to a question
that the serving side had put 1 day to 12 months before, and of which something was delivered. *Shaped* (countered, then
agreed) stands beside it. Either side may object; both values stand. Source: "Posture" of the matters' specification.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from comity.core.matters.history import Step
from comity.core.matters.kinds import KINDS, Kind, Serves
from comity.core.matters.transitions import GRANTED, OPEN, UNDONE, Move, State
from comity.core.values import Side

_FIRST, _LAST = timedelta(days=1), timedelta(days=365)  # a question before a need
_HAVE_NONE = frozenset({Kind.QUESTION, Kind.DECISION})  # though a side serves in them


class Posture(StrEnum):
    """How a matter began."""

    REACTIVE = "reactive"
    PROACTIVE = "proactive"
    INTERACTIVE = "interactive"
    OPEN = "open"  # linked to a question, and nothing is delivered yet


@dataclass(frozen=True, slots=True)
class Told:
    """What the posture of a matter takes of it.

    :ivar serves: the side that serves; None where none does
    :ivar names_subject: whether it names a queue, an account or a service: a question to everybody is a touchpoint
    """

    kind: Kind
    asks: Side
    serves: Side | None
    raised_at: datetime
    state: State = State.ASKED
    names_subject: bool = False


def serving_side(kind: Kind, asks: Side, failed: Side | None = None) -> Side | None:
    """Return the side that serves in a matter.

    :param failed: of a failure, the side that failed; the provider unless said
    """
    match KINDS[kind].serves:
        case Serves.ASKS:
            return asks
        case Serves.ANSWERS:
            return asks.other
        case Serves.FAILED:
            return failed or Side.PROVIDER
    return None


def posture(matter: Told, linked: Told | None = None) -> Posture | None:
    """Return how a matter began; None where its kind has none, and where it is counted with the one that it follows.

    :param linked: the matter of the same pair to which whoever raised it linked it, when raising it
    """
    if matter.serves is None or matter.kind in _HAVE_NONE:
        return None
    follows = linked if linked is not None and linked.raised_at < matter.raised_at else None
    if follows is not None and _is_same_event(matter, follows):
        return None  # told by both: counted once, as the first of them
    if matter.asks is matter.serves:
        asked_for = follows is not None and follows.kind is Kind.QUESTION and follows.asks is matter.serves.other
        return Posture.REACTIVE if asked_for else Posture.PROACTIVE
    if follows is None or not _is_own_question(matter, follows):
        return Posture.REACTIVE
    if matter.state is State.CONFIRMED:
        return Posture.INTERACTIVE
    return Posture.OPEN if matter.state in {*OPEN, *UNDONE} else Posture.REACTIVE


def _is_same_event(matter: Told, first: Told) -> bool:
    """Whether the other side had told of it already, in a matter that has a posture of its own, of the same side."""
    has_own = first.serves is not None and first.kind not in _HAVE_NONE
    return has_own and first.asks is not matter.asks and first.serves is matter.serves


def _is_own_question(matter: Told, question: Told) -> bool:
    """Whether a need was raised after a question of the serving side that asked for it."""
    return (
        matter.kind is Kind.NEED
        and question.kind is Kind.QUESTION
        and question.asks is matter.serves
        and question.names_subject
        and _FIRST <= matter.raised_at - question.raised_at <= _LAST
    )


def is_shaped(steps: Sequence[Step], state: State) -> bool:
    """Whether both sides shaped it: it was countered, and then agreed."""
    countered = any(step.move is Move.COUNTER for step in steps)
    return countered and (state in {*GRANTED, *UNDONE, State.CONFIRMED, State.LET_OFF, State.BROKEN})
