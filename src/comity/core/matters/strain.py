"""Which steps of a matter are strained moves, and which the ordinary counterparts of one.

Source: "Moves" of the spiral's specification, for the kinds whose record is a matter. What one side says of the other
is never a move; a step is whose it is, and what the clock notes belongs to the side whose clock has run out.
"""

from enum import StrEnum

from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move


class Strain(StrEnum):
    """A strained move that a step can be."""

    ESCALATION = "escalation"
    DISPUTE = "dispute"
    LATE_ANSWER = "late_answer"
    DECLINED = "declined"
    SILENT = "silent"


_REQUESTS = frozenset({Kind.NEED, Kind.PROBLEM, Kind.REQUEST})  # taken up, countered, or declined without either
_UNASKED = frozenset({Kind.PROPOSAL, Kind.OFFER, Kind.WARNING})


def strain(kind: Kind, move: Move) -> Strain | None:
    """Return the strained move that a step of a matter is; None for one that is none."""
    if move is Move.RAISE:
        return Strain.DISPUTE if kind is Kind.DISPUTE else None
    if move is Move.DECLINE:
        return Strain.DECLINED if kind in _REQUESTS else None
    return {Move.ESCALATE: Strain.ESCALATION, Move.LATE: Strain.LATE_ANSWER}.get(move)


def occasion(kind: Kind, move: Move) -> Strain | None:
    """Return the strained move whose ordinary counterpart a step is; None for one that is none.

    That an answer came in time is not said here: it stands in the step's own clock.
    """
    if move is Move.RAISE:
        return Strain.SILENT if kind in _UNASKED else None
    if move in {Move.AGREE, Move.COUNTER}:
        return Strain.DECLINED if kind in _REQUESTS else None
    return Strain.ESCALATION if move is Move.BRING_DOWN else None
