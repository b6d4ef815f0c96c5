"""What matters put on the page of today: how many wait, which is due first, and what is to be done."""

from datetime import date
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.matters import queries
from comity.apps.matters.models import Matter
from comity.apps.matters.sentences import must_answer
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import NavEntry, Panel, PanelArea, PanelContext, add_nav_entry, add_panel
from comity.core.values import Side
from comity.review.i18n.words import Words

_FIRST = 10  # of each side; more stand among the matters


def register() -> None:
    """Show what waits, and what is to be done; count it in the navigation."""
    add_panel(Panel("matters/_head.html", PanelArea.HEAD, 10, _head))
    add_panel(Panel("matters/_waiting.html", PanelArea.MAIN, 10, _waiting))
    add_panel(Panel("matters/_to_do.html", PanelArea.SIDE, 10, _to_do))
    add_nav_entry(NavEntry("matters", 40, lambda member: sum(queries.count_waiting(member).values())))


def _sides(member: MemberContext) -> tuple[Side, Side]:
    own = member.side or Side.CUSTOMER
    return own, own.other


def _head(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext:
    here, counted = timezone.localdate(timezone=zone), queries.count_waiting(member)
    sides = _sides(member) if member.side is None else (member.side,)
    mine = sorted((one for side in sides for one in _first_waiting(member, side)), key=_by)
    return {
        "day": words.full_day(here),
        "own": member.side,
        "count": sum(counted[side] for side in sides),
        "first": _first(mine, here, words),
    }


def _first_waiting(member: MemberContext, side: Side) -> list[Matter]:
    """Asked once for the page, whose head and list both say it."""
    key = f"first matters that wait for {side}"
    if key not in member.cache:
        member.cache[key] = list(queries.waiting(member, side)[:_FIRST])
    found: list[Matter] = member.cache[key]
    return found


def _by(one: Matter) -> float:
    return float("inf") if one.reply_by is None else one.reply_by.timestamp()


def _first(waiting: list[Matter], today: date, words: Words) -> dict[str, object] | None:
    """The most urgent of what waits, and how it stands with its day; None where none has one."""
    one = next((one for one in waiting if one.reply_by is not None), None)
    if one is None or one.reply_by is None:
        return None
    left = (one.reply_by.date() - today).days
    if left < 0:
        over = words("matter.days_over", count=-left)
        return {"how": "is_over", "title": one.title, "when": over, "marked": True}
    if left == 0:
        return {"how": "is_due", "title": one.title, "when": words("matter.today").lower(), "marked": True}
    by = words("today.until", day=words.day(one.reply_by.date(), year=one.reply_by.year != today.year))
    return {"how": "is_due", "title": one.title, "when": by, "marked": False}


def _waiting(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext:  # noqa: ARG001 - as panels are asked
    counted = queries.count_waiting(member)
    sides = [
        (one, _first_waiting(member, one), counted[one], must_answer(member, one, words)) for one in _sides(member)
    ]
    return {"sides": sides}


def _to_do(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext:  # noqa: ARG001 - as above
    return {"matters": queries.to_do(member)[:_FIRST]}
