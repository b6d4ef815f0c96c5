"""Neutral people whom the other side proposes, for the inbox."""

from collections.abc import Iterator, Sequence

from django.urls import reverse
from django.utils import timezone

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, InboxSource, add_inbox_source
from comity.apps.parties.queries import open_invitations_in, side_to_agree
from comity.apps.parties.reading_ahead import read_ahead, rows_in
from comity.apps.parties.rights import Action
from comity.review.i18n.words import Words


def register() -> None:
    """Register the part of the inbox."""
    add_inbox_source(InboxSource("neutral people", _proposed_people, read_ahead=_read_ahead))


def _read_ahead(members: Sequence[MemberContext]) -> None:
    read_ahead(members, open_invitations_in, lambda one: () if one.may(Action.INVITE) else None)


def _proposed_people(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    if not member.may(Action.INVITE):
        return
    for invitation in rows_in(member, open_invitations_in):
        side = side_to_agree(invitation)
        if side is None:
            continue
        yield InboxItem(
            group=InboxGroup.ANSWER,
            side=side,
            title=words("inbox.neutral", email=invitation.email, role=words(f"role.{invitation.role}").lower()),
            url=reverse("people", kwargs={"relationship": member.relationship.pk}),
            action=words("inbox.neutral_do") if side is member.side else "",
            due=timezone.localtime(invitation.expires_at).date(),
            by=invitation.made_by.person.name,
        )
