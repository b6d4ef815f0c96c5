"""Final periods that a change of the agreement reaches: a restatement stands beside figures that stay as they were.

Both sides signed that the change counts from a day that had come. Once it is in the book, a job adds to the record what
the figures of each final period come to by it, with the change as the reason; the final figures are never touched.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from uuid import UUID

from comity.apps.agreements import queries as agreements
from comity.apps.books.queries import definition
from comity.apps.i18n import words_for
from comity.apps.parties.mailing import supported_language
from comity.apps.parties.member_context import MemberContext, acting_as, find_lead
from comity.apps.parties.rights import Action
from comity.apps.record import queries as record
from comity.apps.record.models import ConsentSubject, Entry, EntryKind
from comity.apps.reviews import operations, queries
from comity.core.calendars import named
from comity.core.values import Side
from comity.review.build import NoReviewError

RESTATE_TASK = "reviews.restate"  # the task
_LONGEST = 1000  # characters of a reason


def restate_by_change(person: UUID, relationship: UUID, side: Side, number: int) -> list[Entry]:
    """Restate each final period in which a change of the agreement holds and moves figures; again, nothing.

    :param person: who signed last; where they have left or may not confirm, a lead of their side stands for them
    :param number: of the change's entry in the record
    :returns: the restatements
    """
    with acting_as(_actor(person, relationship, side), relationship) as member:
        entry = record.entries(member, ConsentSubject.AGREEMENT).get(number=number)
        title = str(entry.content["content"]["says"].get("title", ""))
        span = next(one.change.span for one in agreements.recorded(member) if one.place == number)
        words = words_for(supported_language(member.membership.person.language))
        reason = words("closing.by_change", number=entry.subject, title=title)[:_LONGEST]
        found = []
        for period in _final_periods(member, span.first_day, span.end):
            restated = _restate(member, period, reason)
            found += [] if restated is None else [restated]
        return found


def _actor(person: UUID, relationship: UUID, side: Side) -> UUID:
    """Return who adds restatements: the person, or a lead of their side."""
    with suppress(PermissionError), acting_as(person, relationship) as member:
        if member.may(Action.CONFIRM):
            return person
    return find_lead(relationship, lambda member: member.side == side)


def _final_periods(member: MemberContext, first_day: date, end: date | None) -> Iterator[str]:
    """Yield the final periods that have one of some days, the earliest entry first."""
    starts_on = definition(member).month_starts_on
    for name in (
        record.entries(member, ConsentSubject.PERIOD).filter(kind=EntryKind.FROZEN).values_list("subject", flat=True)
    ):
        period = named(name, starts_on)[1]
        if first_day < period.end and (end is None or period.start < end):
            yield name


def _restate(member: MemberContext, period: str, reason: str) -> Entry | None:
    try:
        review = queries.review(member.joint(), period)
    except NoReviewError:  # all records of the period were taken back
        return None
    known = list(queries.entries(member, period))
    if not queries.changes_since_final(member, review, period, known):
        return None
    return operations.restate(member, review, period, reason)
