"""Changes of the agreement that wait for a side, for the inbox, and the entry of the navigation."""

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from django.urls import reverse

from comity.apps.agreements.carrying_out import request_of
from comity.apps.agreements.queries import ChangeState, change_states, situation
from comity.apps.books import queries as books
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, InboxSource, NavEntry, add_inbox_source, add_nav_entry
from comity.apps.parties.rights import Action
from comity.core.agreements import signing
from comity.core.agreements.carried_out_first import FirstState
from comity.core.agreements.signing import UNDECIDED, Situation
from comity.core.values import Side
from comity.review.i18n.words import Words


def register() -> None:
    """Register the part of the inbox and the entry."""
    add_inbox_source(InboxSource("agreements", _waiting_changes))
    add_nav_entry(NavEntry("agreement", 34))


def _waiting_changes(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield what waits for a side: an early start to settle or to answer, and each proposed change."""
    if books.readable_definition(member) is None:
        return
    states = [one for one in change_states(member, only_open=True) if one.last is not None and one.state in UNDECIDED]
    now = situation(member) if states else None
    for one in states:
        assert now is not None
        yield from _first_items(member, one, now, words)
    for one in states:
        yield _unsigned_item(member, one, words)


def _unsigned_item(member: MemberContext, one: ChangeState, words: Words) -> InboxItem:
    """Return a proposed change as an item of the side that it waits for: that has not signed the last revision."""
    assert one.last is not None
    signed = {step.side for step in one.steps if step.kind is signing.StepKind.SIGN}
    side = next((side for side in Side if side not in signed and side is not one.last.side), one.last.side.other)
    return InboxItem(
        group=InboxGroup.CONFIRM,
        side=side,
        title=_title(one, words),
        url=_page(member, one),
        action=words("inbox.agreement_do") if member.side is side and member.may(Action.AGREE) else "",
    )


def _first_items(member: MemberContext, one: ChangeState, now: Situation, words: Words) -> Iterator[InboxItem]:
    """Yield what was asked to be carried out first: to the side that answers, and to both while it lasts."""
    request = request_of(one, now)
    if request.asked is None:
        return
    day = words.day(request.asked.first_day or now.today)
    if request.state is FirstState.ASKED:
        side = request.asked.side.other
        yield InboxItem(
            group=InboxGroup.ANSWER, side=side, title=_title(one, words), url=_page(member, one),
            action=words("inbox.first_do") if member.side is side and member.may(Action.AGREE) else "",
            detail=words("inbox.first_asked", day=day),
        )  # fmt: skip
    if request.state is FirstState.CARRIED_OUT:
        for side in Side:
            yield InboxItem(
                group=InboxGroup.DO, side=side, title=_title(one, words), url=_page(member, one),
                action=words("inbox.first_settle_do") if member.side is side and member.may(Action.AGREE) else "",
                detail=words("inbox.first_carried_out", day=day),
                due=None if request.due is None else request.due.astimezone(ZoneInfo(now.zone)).date(),
                late=request.is_overdue(now.now),
            )  # fmt: skip


def _title(one: ChangeState, words: Words) -> str:
    assert one.last is not None
    title = str(one.last.proposal.says.get("title", ""))
    return words("agreement.change_waits", number=one.row.number, title=title)


def _page(member: MemberContext, one: ChangeState) -> str:
    return reverse("agreement_change", kwargs={"relationship": member.relationship.pk, "change": one.row.pk})
