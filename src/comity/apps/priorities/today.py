"""What of priorities waits for the reader's side, for the inbox."""

from collections.abc import Iterator

from django.urls import reverse

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, InboxSource, add_inbox_source
from comity.apps.parties.rights import Action
from comity.apps.priorities import queries
from comity.apps.priorities.models import Outcome, Round
from comity.core.values import Side
from comity.review.i18n.words import Words


def register() -> None:
    """Register the part of the inbox."""
    add_inbox_source(InboxSource("priorities", _waiting, read_ahead=queries.read_ahead_rounds))


def _waiting(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield what waits in the latest round: of an open one for the reader's own side alone, whatever the other does."""
    latest = queries.latest_round(member)
    if latest is None:
        return
    if latest.ended_at is None:
        yield from _own_order(member, latest, words)
    elif latest.outcome == Outcome.REVEALED and not queries.is_settled(member, latest):
        yield from _joint_order(member, latest, words)


def _own_order(member: MemberContext, row: Round, words: Words) -> Iterator[InboxItem]:
    if member.side is None or not member.may(Action.READ_OWN) or queries.is_over(member, row):
        return
    own = queries.own_ranking(member, row)
    if own is None or own.sealed_at is None:
        yield InboxItem(
            group=InboxGroup.DO,
            side=member.side,
            title=words("priorities.waits"),
            url=_url(member, row),
            action=words("inbox.priorities_do") if queries.may_write(member) else "",
            due=row.closes_on,
        )


def _joint_order(member: MemberContext, row: Round, words: Words) -> Iterator[InboxItem]:
    waiting = queries.proposal(member, row)
    sides = list(Side) if waiting is None else [Side(waiting.side).other]
    for side in sides:
        may = member.side is side and member.may(Action.AGREE)
        yield InboxItem(
            group=InboxGroup.DO if waiting is None else InboxGroup.CONFIRM,
            side=side,
            title=words("priorities.order_missing" if waiting is None else "priorities.order_waits"),
            url=_url(member, row),
            action=words("inbox.order_do" if waiting is None else "inbox.order_agree_do") if may else "",
        )


def _url(member: MemberContext, row: Round) -> str:
    return reverse("priority_round", kwargs={"relationship": member.relationship.pk, "round": row.pk})
