"""Periods to confirm, for the inbox, and the navigation entries of reviews."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from comity.apps.books.contents import overview
from comity.apps.books.queries import NoBookError, definition, zone
from comity.apps.i18n import spoken_period
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, InboxSource, NavEntry, add_inbox_source, add_nav_entry
from comity.apps.parties.rights import Action
from comity.apps.record import queries as record
from comity.apps.record.models import ConsentSubject
from comity.apps.replies.queries import reply_due
from comity.apps.reviews.queries import disputes_to_carry_out
from comity.book.definition import UnusableBookError
from comity.core.calendars import named
from comity.core.values import Side
from comity.review.i18n.words import Words


def register() -> None:
    """Show periods to confirm in the inbox, and the review and its causes in the navigation."""
    add_inbox_source(InboxSource("periods", _periods))
    add_nav_entry(NavEntry("review", 20, pages=("figure", "reading", "by_mail", "confirm")))
    add_nav_entry(NavEntry("attribution", 30))


def _periods(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield periods that one side has confirmed, and the latest whole one that nobody has."""
    url = reverse("review", kwargs={"relationship": member.relationship.pk})
    confirmed = record.unanswered_consents(member, ConsentSubject.PERIOD)
    for consent in confirmed:
        side = Side(consent.side).other
        due = reply_due(member.relationship, side, consent.at, zone(member))
        yield InboxItem(
            group=InboxGroup.CONFIRM,
            side=side,
            title=spoken_period(consent.subject, words),
            url=f"{url}?period={consent.subject}&view=joint#h-close",
            action=words("inbox.confirm_do") if _confirms(member, side) else "",
            detail=words("inbox.confirmed_by", party=member.party(words)(side.other)),
            due=timezone.localtime(due).date(),
        )
    latest = _latest_open(member)
    if latest is None:
        return
    waits = bool(disputes_to_carry_out(member, named(latest, definition(member).month_starts_on)[1]))
    for side in Side:
        yield InboxItem(
            group=InboxGroup.CONFIRM,
            side=side,
            title=spoken_period(latest, words),
            url=f"{url}?period={latest}&view=joint#h-close",
            action=words("inbox.confirm_do") if _confirms(member, side) and not waits else "",
            detail=words("inbox.dispute_first" if waits else "inbox.nobody_confirmed"),
        )


def _confirms(member: MemberContext, side: Side) -> bool:
    return side is member.side and member.may(Action.CONFIRM)


def _latest_open(member: MemberContext) -> str | None:
    """Return the name of the last ended period of the agreed length that has records and that nobody confirmed."""
    try:
        known, agreed = overview(member), definition(member)
    except (NoBookError, UnusableBookError):
        return None
    if known is None or known.first is None or known.last is None:
        return None
    calendar = agreed.calendar(agreed.cut)
    period = calendar.containing(known.last)
    if period.end > timezone.now().date():
        period = calendar.before(period)
    name = calendar.name(period)
    is_confirmed = bool(record.valid_consents(member, ConsentSubject.PERIOD, name))
    if period.end <= known.first or is_confirmed or record.entries(member, ConsentSubject.PERIOD, name).exists():
        return None
    return name
