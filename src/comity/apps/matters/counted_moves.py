"""How many moves of each kind the book holds, as the job wrote them: for the page of moves.

A kind that nobody records is named as such, and has no number. The two sides record differently: their numbers stand
beside each other and are never added up.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils import timezone
from ibis import _

from comity.apps.books import results
from comity.apps.books.queries import has_book, open_member_book
from comity.apps.matters.book_rows import written
from comity.apps.parties.member_context import MemberContext
from comity.book.tables import MOVES
from comity.core.spiral.moves import RECORDED, Strain
from comity.core.values import Side

MONTHS_DAYS = 365  # what is counted: the last twelve months


@dataclass(frozen=True, slots=True)
class MovesOfSide:
    """How many of one kind a side made: strained, and of the ordinary counterpart those that were called for."""

    strained: int
    ordinary: int


@dataclass(frozen=True, slots=True)
class MovesOfKind:
    """A kind of moves.

    :ivar by: by side; None where nobody records the kind yet
    """

    kind: Strain
    by: Mapping[Side, MovesOfSide] | None


@dataclass(frozen=True, slots=True)
class CountedMoves:
    """All kinds.

    :ivar since: the first day that is counted
    """

    since: date
    kinds: tuple[MovesOfKind, ...]


def counted_moves(member: MemberContext) -> CountedMoves | None:
    """Return how many moves of each kind are on record; None where the book holds none of the room yet."""
    up_to = written(member) if has_book(member) else None
    if up_to is None:
        return None
    shared = member.joint()
    since = timezone.localdate() - timedelta(days=MONTHS_DAYS)

    def count() -> dict[tuple[str, str, bool], int]:
        with open_member_book(shared) as book:
            if not book.has(MOVES.name):
                return {}
            rows = book.table(MOVES.name)
            # Nobody waters down its own record: an ordinary move counts where something called for it.
            rows = rows.filter(rows.at >= since, rows.strained | rows.called_for_by.notnull())
            found = rows.group_by("kind", "side", "strained").aggregate(count=_.count()).to_pyarrow().to_pylist()
        return {(one["kind"], one["side"], one["strained"]): one["count"] for one in found}

    found = results.cached(shared, ("moves", up_to.isoformat()), count)

    def of(kind: Strain, side: Side) -> MovesOfSide:
        return MovesOfSide(*(found.get((kind.value, side.value, strained), 0) for strained in (True, False)))

    return CountedMoves(
        since,
        tuple(
            MovesOfKind(kind, {side: of(kind, side) for side in Side} if kind in RECORDED else None) for kind in Strain
        ),
    )
