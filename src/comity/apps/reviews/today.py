"""Periods to confirm, for the inbox, and the navigation entries of reviews."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from comity.apps.books.contents import overview
from comity.apps.books.queries import NoBookError, definition, zone
from comity.apps.i18n import spoken_period
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, InboxSource, NavEntry, add_inbox_source, add_nav_entry
from comity.apps.parties.rights import Action
from comity.apps.record import queries as record
from comity.apps.record.models import ConsentSubject
from comity.apps.replies.queries import reply_due
from comity.apps.reviews import queries
from comity.apps.reviews.queries import disputes_to_carry_out
from comity.book.definition import UnusableBookError
from comity.core.calendars import named
from comity.core.values import Side
from comity.review.i18n.words import Words

_MOST_OPEN = 3  # periods without a confirmation that the inbox names


def register() -> None:
    """Show periods to confirm in the inbox, and the review and its causes in the navigation."""
    add_inbox_source(InboxSource("periods", _periods, read_ahead=queries.read_ahead_periods))
    add_nav_entry(NavEntry("review", 20, pages=("figure", "reading", "by_mail", "confirm"), key="r"))
    add_nav_entry(NavEntry("attribution", 30, key="c"))


def _periods(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield periods that one side has confirmed, and the latest whole ones that nobody has."""
    url = reverse("review", kwargs={"relationship": member.relationship.pk})
    confirmed = record.unanswered_consents(member, ConsentSubject.PERIOD)
    for consent in confirmed:
        side = Side(consent.side).other
        due = reply_due(member.relationship, side, consent.at, zone(member))
        yield InboxItem(
            group=InboxGroup.CONFIRM,
            side=side,
            title=spoken_period(consent.subject, words),
            url=f"{url}?period={consent.subject}&view=joint#h-close",
            action=words("inbox.confirm_do") if _confirms(member, side) else "",
            detail=words("inbox.confirmed_by", party=member.party(words)(side.other)),
            due=timezone.localtime(due).date(),
        )
    yield from _changed_items(member, words)
    for name in _open_periods(member):
        waits = bool(disputes_to_carry_out(member, named(name, definition(member).month_starts_on)[1]))
        for side in Side:
            yield InboxItem(
                group=InboxGroup.CONFIRM,
                side=side,
                title=spoken_period(name, words),
                url=f"{url}?period={name}&view=joint#h-close",
                action=words("inbox.confirm_do") if _confirms(member, side) and not waits else "",
                detail=words("inbox.dispute_first" if waits else "inbox.nobody_confirmed"),
                order=name,
            )


def _changed_items(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield the latest final periods of which the records now give other figures: both sides decide what follows."""
    url = reverse("review", kwargs={"relationship": member.relationship.pk})
    for name in queries.final_names(member):
        if not queries.records_changed(member, name):
            continue
        for side in Side:
            yield InboxItem(
                group=InboxGroup.DO,
                side=side,
                title=spoken_period(name, words),
                url=f"{url}?period={name}&view=joint",
                action=words("inbox.changed_do") if _confirms(member, side) else "",
                detail=words("inbox.changed_since_final"),
                order=name,
            )


def _confirms(member: MemberContext, side: Side) -> bool:
    return side is member.side and member.may(Action.CONFIRM)


def _open_periods(member: MemberContext) -> list[str]:
    """Return the names of the ended periods of the agreed length that have records and that nobody confirmed.

    The latest first, back to the last one that was confirmed; of those before the latest only whole ones for which a
    KPI was agreed.
    """
    try:
        known, agreed = overview(member), definition(member)
    except (NoBookError, UnusableBookError):
        return []
    if known is None or known.first is None or known.last is None:
        return []
    calendar = agreed.calendar(agreed.cut)
    latest = calendar.containing(known.last)
    if latest.end > timezone.now().date():
        latest = calendar.before(latest)
    names: list[str] = []
    recorded = {subject for subject, _ in record.subjects(member, ConsentSubject.PERIOD)}
    period = latest
    while period.end > known.first and len(names) < _MOST_OPEN:
        name = calendar.name(period)
        if record.valid_consents(member, ConsentSubject.PERIOD, name):
            break
        if name in recorded:
            break
        was_agreed = any(kpi.agreed and kpi.valid_from <= period.start for kpi in agreed.kpis)
        if period == latest or (was_agreed and period.start >= known.first):
            names.append(name)
        period = calendar.before(period)
    return names
