"""A calendar that waits for a side's agreement, for the inbox."""

from collections.abc import Iterator

from django.urls import reverse

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, InboxSource, add_inbox_source
from comity.apps.parties.rights import Action
from comity.apps.record.queries import read_ahead_consents
from comity.apps.replies.queries import proposed_calendars
from comity.review.i18n.words import Words


def register() -> None:
    """Register the part of the inbox."""
    add_inbox_source(InboxSource("calendars", _proposed_calendars, read_ahead=read_ahead_consents))


def _proposed_calendars(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    for side in proposed_calendars(member):
        agrees = member.side is side.other and member.may(Action.AGREE)
        yield InboxItem(
            group=InboxGroup.CONFIRM,
            side=side.other,
            title=words("inbox.calendar", party=member.party(words)(side)),
            url=reverse("replies", kwargs={"relationship": member.relationship.pk}),
            action=words("inbox.calendar_do") if agrees else "",
        )
