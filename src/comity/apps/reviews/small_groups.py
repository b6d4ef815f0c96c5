"""Disclosure control of reviews: no figure may isolate the answers of 1 to 4 people."""

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


def withhold_small_groups(
    member: MemberContext, book: Book, review: Review, *, build_review: Callable[..., Review]
) -> Review:
    """Withhold figures that isolate the answers of 1 to 4 people, alone or with what else the viewer may see.

    Where a side's own figure cannot be shown beside the joint one, the joint one is shown to it as well.

    :param book: opened as the viewer of the review sees it
    :param build_review: `queries.review`, for the joint review of the same period
    """
    if not redact.has_people_figures(review):
        return review
    calendar, now = book.definition.calendar(), datetime.now(UTC)

    def select_for_both() -> Disclosure:
        with books.open_member_book(member.joint()) as shared:
            return select_joint(shared, now)

    joint_disclosure = cached(member.joint(), ("people",), select_for_both)
    if member.viewer.side is None or not has_private_people(book):
        return redact.redact_small_groups(review, calendar, joint_disclosure)

    def select_for_own_side() -> Disclosure:
        with books.open_member_book(member.joint()) as shared:
            return select_own(book, shared, joint_disclosure, now)

    own_disclosure = cached(member, ("people",), select_for_own_side)
    joint_review = None
    with suppress(NoReviewError):  # the shared records may hold no whole period
        joint_review = build_review(member.joint(), calendar.name(review.period), review.against)
    return redact.redact_small_groups(review, calendar, own_disclosure, joint_review)
