"""What each side says about a period: a draft of its own, and versions that both read, until the period is final."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from comity.apps.audit.models import Event
from comity.apps.audit.operations import announce
from comity.apps.books.queries import NoBookError, definition
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.apps.record import operations as record
from comity.apps.refusal import Refused
from comity.apps.reviews import queries
from comity.apps.reviews.models import CommentDraft, PeriodComment
from comity.apps.reviews.refusals import Code
from comity.book.definition import UnusableBookError
from comity.core.calendars import UnknownPeriodError, named
from comity.core.values import Side
from comity.review.proceedings import SideComment


def versions(member: MemberContext, period: str) -> dict[Side, list[PeriodComment]]:
    """Return the versions of each side's comment on a period, the latest last."""
    found: dict[Side, list[PeriodComment]] = {side: [] for side in Side}
    for one in PeriodComment.objects.filter(relationship=member.relationship, period=period).order_by("number"):
        found[Side(one.side)].append(one)
    return found


def current(found: dict[Side, list[PeriodComment]]) -> tuple[SideComment, ...]:
    """Return what each side says now, the customer first; nothing of a side whose last version is empty."""
    last = [those[-1] for those in found.values() if those and those[-1].text]
    return tuple(SideComment(Side(one.side), one.text, one.name, timezone.localdate(one.at)) for one in last)


def draft(member: MemberContext, period: str) -> CommentDraft | None:
    """Return the draft of the member's side, for those who may put it down; None where there is none."""
    if not may_comment(member):
        return None
    return CommentDraft.objects.filter(relationship=member.relationship, period=period, side=member.side).first()


def may_comment(member: MemberContext) -> bool:
    """Whether the member speaks for a side about periods: whoever may confirm them."""
    return member.side is not None and member.may(Action.CONFIRM)


def save_draft(member: MemberContext, period: str, text: str) -> None:
    """Keep what the member's side is about to say, for the own side alone; an empty text removes the draft.

    :raises Refused: without the right, for no period that has begun, and once the period is final
    """
    with transaction.atomic():
        period = _open_period(member, period)
        place: dict[str, Any] = {"relationship": member.relationship, "period": period, "side": member.side}
        if not text.strip():
            CommentDraft.objects.filter(**place).delete()
            return
        fields = {"text": text.strip(), "person": member.membership.person, "at": timezone.now()}
        CommentDraft.objects.update_or_create(**place, defaults=fields)


def put_down(member: MemberContext, period: str, text: str, seen: int) -> int:
    """Add a version of the side's comment, which both sides read; an empty text takes the comment back.

    :param seen: the number of the version that the member was shown; 0 where there was none
    :return: the number of the version that counts now
    :raises Refused: as `save_draft`; also for an empty first version, and where another version came in between
    """
    text = text.strip()
    with transaction.atomic():
        period = _open_period(member, period)
        assert member.side is not None
        earlier = versions(member, period)[member.side]
        last = earlier[-1] if earlier else None
        if seen != (0 if last is None else last.number):
            raise Refused(Code.COMMENT_MOVED)
        if not text and (last is None or not last.text):
            raise Refused(Code.COMMENT_EMPTY)
        number = int(record.call_function("comity_comment_period", period, text, seen))
        if number != seen:
            announce(member, Event.PERIOD_COMMENTED, period=period, number=number)
        return number


def period_name(member: MemberContext, text: str) -> str:
    """Return the canonical name of a period that has begun: 2026q2 and 2026-Q2 are one.

    :raises UnknownPeriodError: for any other text
    :raises NoBookError: where nothing was imported yet
    """
    calendar, days = named(text, definition(member).month_starts_on)
    if days.start > timezone.now().date():
        raise UnknownPeriodError(text)
    return calendar.name(days)


def _open_period(member: MemberContext, period: str) -> str:
    """Return the canonical name of a period that may be commented, and keep it open for the rest of the transaction.

    :raises Refused: without the right, for no period that has begun, and where the period is final
    """
    if not may_comment(member):
        raise Refused(Code.NOT_YOURS)
    try:
        name = period_name(member, period)
    except (NoBookError, UnusableBookError, UnknownPeriodError):
        raise Refused(Code.NOTHING_YET) from None
    record.lock_relationship(member)
    if queries.entries(member, name).exists():
        raise Refused(Code.COMMENT_FINAL)
    return name
