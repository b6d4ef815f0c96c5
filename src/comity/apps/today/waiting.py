"""Everything that waits for a person, over all their relationships: each part read through their own membership there.

One query for each kind of thing over all of them (`comity.apps.parties.reading_ahead`), so that twelve relationships
take as many queries as one.

Only what the person themselves can do: what waits for somebody else of their side stands on the Today page of that
relationship. Nothing of one relationship stands in the part of another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from comity.apps.parties.member_context import find_members
from comity.apps.parties.models import Membership, Person
from comity.apps.parties.panels import inbox_sources
from comity.apps.today.portfolio import MAX_RELATIONSHIPS
from comity.apps.today.queries import InboxRow, inboxes
from comity.review.i18n.words import Words

MAX_ROWS = 20  # of a relationship; its Today page has them all


@dataclass(frozen=True, slots=True)
class WaitingPart:
    """What waits for a person in one relationship, the most urgent first.

    :ivar organisation: their own; empty for neutral members
    :ivar more: how many are left out
    """

    membership: Membership
    organisation: str
    other: str
    rows: Sequence[InboxRow]
    late: int
    more: int

    @property
    def count(self) -> int:
        """How many items wait."""
        return len(self.rows) + self.more


def waiting_parts(person: Person, words: Words) -> list[WaitingPart]:
    """Return what waits for a person, the viewer, by relationship: those with the most urgent item first.

    Relationships in which nothing waits for them are left out.
    """
    parts = []
    members = find_members(person, MAX_RELATIONSHIPS)
    for source in inbox_sources():
        if source.read_ahead is not None:
            source.read_ahead(members)
    for member in members:
        side = member.side
        rows = [
            row for inbox in inboxes(member, words)[: 1 if side else 2] for group in inbox.groups for row in group.rows
            if row.item.action
        ]  # fmt: skip
        if rows:
            rows.sort(key=lambda row: (row.item.due is None, str(row.item.due), row.item.title))
            names = member.relationship.organisation
            parts.append(
                WaitingPart(
                    member.membership,
                    "" if side is None else names(side).name,
                    str(member.relationship) if side is None else names(side.other).name,
                    rows[:MAX_ROWS],
                    sum(row.is_late for row in rows),
                    max(0, len(rows) - MAX_ROWS),
                )
            )
    return sorted(parts, key=lambda part: (str(part.rows[0].item.due or "9"), part.other.casefold()))
