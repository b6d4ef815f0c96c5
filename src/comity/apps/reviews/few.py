"""What a review in the room says of people: nothing that isolates the answers of 1 to 4 of them."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from comity.apps.books import queries as books
from comity.apps.books.results import cached
from comity.apps.parties.member_context import MemberContext
from comity.book.reading.open import Book
from comity.review.build import NoReviewError
from comity.review.disclosure import redact
from comity.review.disclosure.select import Disclosure, has_private_people, select_joint, select_own
from comity.review.model import Review


def without_few(member: MemberContext, book: Book, made: Review, *, review: Callable[..., Review]) -> Review:
    """Withhold figures that isolate the answers of 1 to 4 people, beside all that the same viewer may see.

    Where a side's own figure cannot be shown beside the joint one, the joint one is shown to it as well.

    :param book: opened as the viewer of the review sees it
    :param review: makes the joint review of the same period: `queries.review`
    """
    if not redact.has_people_figures(made):
        return made
    calendar, now = book.definition.calendar(), datetime.now(UTC)

    def of_both() -> Disclosure:
        with books.open_member_book(member.joint()) as shared:
            return select_joint(shared, now)

    may = cached(member.joint(), ("people",), of_both)
    if member.viewer.side is None or not has_private_people(book):
        return redact.redact_small_groups(made, calendar, may)

    def of_one_side() -> Disclosure:
        with books.open_member_book(member.joint()) as shared:
            return select_own(book, shared, may, now)

    own = cached(member, ("people",), of_one_side)
    theirs = None
    with suppress(NoReviewError):  # what both sides share may hold no whole period
        theirs = review(member.joint(), calendar.name(made.period), made.against)
    return redact.redact_small_groups(made, calendar, own, theirs)
