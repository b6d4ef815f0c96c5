"""KPIs that wait for a side's agreement, for the inbox, and the entry of the navigation."""

from collections.abc import Iterator, Sequence

from django.urls import reverse

from comity.apps.kpis.queries import proposal
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, InboxSource, NavEntry, add_inbox_source, add_nav_entry
from comity.apps.parties.rights import Action
from comity.apps.record.models import ConsentSubject
from comity.apps.record.queries import read_ahead_consents, read_ahead_last_digest
from comity.core.values import Side
from comity.review.i18n.words import Words


def register() -> None:
    """Register the part of the inbox and the entry."""
    add_inbox_source(InboxSource("kpis", _proposed_kpis, read_ahead=_read_ahead))
    add_nav_entry(NavEntry("kpis", 35, key="k"))


def _read_ahead(members: Sequence[MemberContext]) -> None:
    read_ahead_consents(members)
    read_ahead_last_digest(members, ConsentSubject.AGREEMENT)


def _proposed_kpis(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    waiting = proposal(member)
    if waiting is None:
        return
    side = Side(waiting.side).other
    yield InboxItem(
        group=InboxGroup.CONFIRM,
        side=side,
        title=words("kpis.proposed_by", party=member.party(words)(waiting.side)),
        url=reverse("kpis", kwargs={"relationship": member.relationship.pk}),
        action=words("inbox.kpis_do") if member.side is side and member.may(Action.AGREE) else "",
    )
