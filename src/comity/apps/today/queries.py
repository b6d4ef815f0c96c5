"""The inbox: what waits for each side, from the parts that each app registers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, inbox_sources
from comity.core.values import Side
from comity.review.i18n.words import Words

SHOWN_ITEMS = 10  # of each group


@dataclass(frozen=True, slots=True)
class InboxRow:
    """An item with its due date in words.

    :ivar is_late: whether the due date has passed, or is today, or the item is late of itself
    """

    item: InboxItem
    due: str
    is_late: bool


@dataclass(frozen=True, slots=True)
class GroupOfRows:
    """The rows of a group, the most urgent first.

    :ivar more_url: where the rest is listed; empty where nothing is left out or nothing lists it
    """

    group: InboxGroup
    count: int
    rows: Sequence[InboxRow]
    more_url: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """What waits for one side.

    :ivar first: the most urgent row with a due date
    """

    side: Side
    count: int
    late: int
    groups: Sequence[GroupOfRows]
    first: InboxRow | None


def inboxes(member: MemberContext, words: Words) -> list[Inbox]:
    """Return what waits for each side, the member's own first; of many items the most urgent."""
    own = member.side or Side.CUSTOMER
    items: dict[Side, list[InboxItem]] = {own: [], own.other: []}
    left_out: dict[tuple[Side, InboxGroup], int] = {}
    more_urls: dict[tuple[Side, InboxGroup], str] = {}
    for source in inbox_sources():
        found = list(source.items(member, words))
        counts = {} if source.count is None else source.count(member)
        for side in items:
            those = [one for one in found if one.side is side]
            items[side] += those
            if those and (missing := counts.get(side, 0) - len(those)) > 0:
                left_out[side, those[0].group] = missing
            if those and source.all_url is not None:
                more_urls[side, those[0].group] = source.all_url(member, side)
    today = timezone.localdate()
    return [_inbox(side, listed, today, words, left_out, more_urls) for side, listed in items.items()]


def _inbox(  # noqa: PLR0913 - the items of a side, and what is known of those that are left out
    side: Side,
    items: Sequence[InboxItem],
    today: date,
    words: Words,
    left_out: dict[tuple[Side, InboxGroup], int],
    more_urls: dict[tuple[Side, InboxGroup], str],
) -> Inbox:
    groups, rows = [], []
    for group in InboxGroup:
        those = sorted((one for one in items if one.group is group), key=_urgency)
        group_rows = [_row(one, today, words) for one in those]
        count = len(those) + left_out.get((side, group), 0)
        if those:
            more_url = more_urls.get((side, group), "") if count > SHOWN_ITEMS else ""
            shown = group_rows[:SHOWN_ITEMS] if more_url else group_rows
            groups.append(GroupOfRows(group, count, shown, more_url))
        rows += group_rows
    dated = sorted((row for row in rows if row.item.due is not None), key=lambda row: _urgency(row.item))
    return Inbox(
        side,
        sum(one.count for one in groups),
        sum(row.is_late for row in rows),
        groups,
        dated[0] if dated else None,
    )


def _urgency(item: InboxItem) -> tuple[date, str]:
    return item.due or date.max, item.order or item.title


def _row(item: InboxItem, today: date, words: Words) -> InboxRow:
    if item.due is None:
        return InboxRow(item, words("inbox.late") if item.late else "", item.late)
    days_left = (item.due - today).days
    if days_left < 0:
        return InboxRow(item, words("matter.days_over", count=-days_left), is_late=True)
    if days_left == 0:
        return InboxRow(item, words("matter.today"), is_late=True)
    return InboxRow(item, words.day(item.due, year=item.due.year != today.year), is_late=item.late)
