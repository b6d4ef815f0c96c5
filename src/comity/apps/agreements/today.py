"""Changes of the agreement that wait for a side, for the inbox, and the entry of the navigation."""

from collections.abc import Iterator

from django.urls import reverse

from comity.apps.agreements.queries import change_states, waiting_side
from comity.apps.books import queries as books
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, InboxSource, NavEntry, add_inbox_source, add_nav_entry
from comity.apps.parties.rights import Action
from comity.review.i18n.words import Words

# Below the agreement's entry of the navigation; those of priorities are a later app's, named by their URLs.
_PAGES = ("agreement_change", "agreement_limits", "sign_change", "priorities", "priority_round", "seal_priorities")


def register() -> None:
    """Register the part of the inbox and the entry."""
    add_inbox_source(InboxSource("agreements", _waiting_changes))
    add_nav_entry(NavEntry("agreement", 34, pages=_PAGES))


def _waiting_changes(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield each proposed change once for the side that it waits for: the one that has not signed the last revision."""
    if books.readable_definition(member) is None:
        return
    for one in change_states(member, only_open=True):
        side = waiting_side(one)
        if side is None or one.last is None:
            continue
        title = str(one.last.proposal.says.get("title", ""))
        yield InboxItem(
            group=InboxGroup.CONFIRM,
            side=side,
            title=words("agreement.change_waits", number=one.row.number, title=title),
            url=reverse("agreement_change", kwargs={"relationship": member.relationship.pk, "change": one.row.pk}),
            action=words("inbox.agreement_do") if member.side is side and member.may(Action.AGREE) else "",
        )
