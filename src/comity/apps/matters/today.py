"""Panels and navigation entry of matters: how many wait, which is due first, and open actions."""

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

_SHOWN_MATTERS = 10  # of each side; the list of matters has them all


def register() -> None:
    """Register the panels of the page of today, and the navigation entry with its count."""
    add_panel(Panel("matters/_head.html", PanelArea.HEAD, 10, _head_panel))
    add_panel(Panel("matters/_waiting.html", PanelArea.MAIN, 10, _waiting_panel))
    add_panel(Panel("matters/_to_do.html", PanelArea.SIDE, 10, _actions_panel))
    add_nav_entry(NavEntry("matters", 40, lambda member: sum(queries.count_waiting(member).values())))


def _sides(member: MemberContext) -> tuple[Side, Side]:
    own = member.side or Side.CUSTOMER
    return own, own.other


def _head_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext:
    today, counts = timezone.localdate(timezone=zone), queries.count_waiting(member)
    sides = _sides(member) if member.side is None else (member.side,)
    waiting_matters = sorted((one for side in sides for one in _first_waiting(member, side)), key=_due_order)
    return {
        "day": words.full_day(today),
        "own": member.side,
        "count": sum(counts[side] for side in sides),
        "first": _most_urgent(waiting_matters, today, words),
    }


def _first_waiting(member: MemberContext, side: Side) -> list[Matter]:
    """List the first matters that wait for a side; one query for the page, whose head and list both show them."""
    key = f"first matters that wait for {side}"
    if key not in member.cache:
        member.cache[key] = list(queries.waiting(member, side)[:_SHOWN_MATTERS])
    first_matters: list[Matter] = member.cache[key]
    return first_matters


def _due_order(matter: Matter) -> float:
    return float("inf") if matter.reply_by is None else matter.reply_by.timestamp()


def _most_urgent(waiting: list[Matter], today: date, words: Words) -> dict[str, object] | None:
    """Return the first matter with a due day and how urgent it is; None where no matter has one."""
    matter = next((matter for matter in waiting if matter.reply_by is not None), None)
    if matter is None or matter.reply_by is None:
        return None
    days_left = (matter.reply_by.date() - today).days
    if days_left < 0:
        days_over = words("matter.days_over", count=-days_left)
        return {"how": "is_over", "title": matter.title, "when": days_over, "marked": True}
    if days_left == 0:
        return {"how": "is_due", "title": matter.title, "when": words("matter.today").lower(), "marked": True}
    until = words("today.until", day=words.day(matter.reply_by.date(), year=matter.reply_by.year != today.year))
    return {"how": "is_due", "title": matter.title, "when": until, "marked": False}


def _waiting_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext:  # noqa: ARG001 - as panels are asked
    counts = queries.count_waiting(member)
    sides = [(one, _first_waiting(member, one), counts[one], must_answer(member, one, words)) for one in _sides(member)]
    return {"sides": sides}


def _actions_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext:  # noqa: ARG001 - as above
    return {"matters": queries.open_actions(member)[:_SHOWN_MATTERS]}
