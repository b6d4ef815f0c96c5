"""The headlines of the Today page and of the portfolio."""

from collections.abc import Sequence
from dataclasses import dataclass

from comity.apps.parties.member_context import MemberContext
from comity.apps.today.portfolio import PortfolioRow
from comity.apps.today.queries import Inbox
from comity.apps.today.waiting import WaitingPart
from comity.review.i18n.words import Words


@dataclass(frozen=True, slots=True)
class Headline:
    """A sentence in parts, so that a page can link the item and mark when it is due.

    :ivar title: of the most urgent item; empty without one
    """

    count: str
    before: str = ""
    title: str = ""
    url: str = ""
    after: str = ""
    when: str = ""
    is_late: bool = False


def headline(member: MemberContext, inboxes: Sequence[Inbox], words: Words, *, instead: str = "") -> Headline:
    """Return how many items wait for the member's side, and which is due first; for neutral members, of both sides.

    :param instead: what is said where nothing waits; empty: that nothing does
    """
    own = inboxes[:1] if member.side else inboxes
    count = sum(one.count for one in own)
    if count == 0 and instead:
        return Headline(instead)
    whose = "" if member.side else "neutral_"
    number = words(f"numeral.n{count}") if words.has(f"numeral.n{count}") else words.number(count)
    sentence = words(f"inbox.{whose}{'none' if count == 0 else 'one' if count == 1 else 'many'}", count=number)
    first = min((one.first for one in own if one.first is not None), key=lambda row: str(row.item.due), default=None)
    if first is None:
        return Headline(sentence)
    is_over = first.is_late and first.due != words("matter.today")
    key = "inbox.is_over" if is_over else "inbox.is_due"
    when = first.due.lower() if first.due == words("matter.today") or is_over else words("inbox.by", day=first.due)
    before, _, after = words(key, title="\x00").partition("\x00")
    return Headline(sentence, before, first.item.title, first.item.url, after, when, first.is_late)


def portfolio_headline(rows: Sequence[PortfolioRow], words: Words) -> str:
    """Return how many items wait in how many relationships."""
    if not rows:
        return words("portfolio.none")
    count = sum(row.waits for row in rows)
    key = "portfolio.nothing_waits" if count == 0 else "portfolio.waits"
    return words(key, count=count, relationships=len(rows))


def waiting_headline(parts: Sequence[WaitingPart], words: Words) -> str:
    """Return how many items wait for a person in how many relationships."""
    count = sum(part.count for part in parts)
    return words("waiting.headline", count=count, relationships=len(parts)) if count else words("inbox.none")
