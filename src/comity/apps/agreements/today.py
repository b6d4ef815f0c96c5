"""Changes of the agreement that wait for a side, for the inbox, and the entry of the navigation."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.urls import reverse

from comity.apps.agreements.deadlines.term_days import coming_days, day_name, term_clause
from comity.apps.agreements.early_start.carrying_out import request_of
from comity.apps.agreements.outcomes.afterwards import unsaid
from comity.apps.agreements.queries import (
    ChangeState,
    chain,
    change_states,
    has_waiting_change,
    may_sign,
    read_ahead_changes,
    situation,
    today,
    waiting_side,
)
from comity.apps.agreements.text.page import latest_text
from comity.apps.agreements.wording.values import kind_name
from comity.apps.books import queries as books
from comity.apps.kpis.queries import is_in_agreement
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import (
    InboxGroup,
    InboxItem,
    InboxSource,
    NavEntry,
    Panel,
    PanelArea,
    PanelContext,
    add_inbox_source,
    add_nav_entry,
    add_panel,
)
from comity.apps.parties.rights import Action
from comity.core.agreements.carried_out_first import FirstState
from comity.core.agreements.first_text import for_reader
from comity.core.agreements.pointed_out import missing_clauses
from comity.core.agreements.signing import UNDECIDED, Situation
from comity.core.values import Side
from comity.review.i18n.words import Words

# Below the agreement's entry of the navigation; those of priorities are a later app's, named by their URLs.
_PAGES = (
    "agreement_change", "agreement_limits", "agreement_measures", "first_text", "sign_change", "sign_elsewhere",
    "change_evidence", "priorities", "priority_round", "seal_priorities",
)  # fmt: skip


def register() -> None:
    """Register the part of the inbox and the entry."""
    add_inbox_source(InboxSource("agreements", _waiting_changes, read_ahead=_read_ahead))
    add_nav_entry(NavEntry("agreement", 34, pages=_PAGES, key="a"))
    add_panel(Panel("agreements/_missing.html", PanelArea.SIDE, 90, _missing_clauses))


def _missing_clauses(member: MemberContext, words: Words, _zone: ZoneInfo) -> PanelContext | None:
    """Return which clauses an agreement lacks, once one is begun."""
    if books.readable_definition(member) is None or not is_in_agreement(member):
        return None
    read = latest_text(chain(member), today(member))
    kinds = [kind_name(kind, words) for kind in missing_clauses(read)]
    return {"kinds": words.listed(kinds)} if kinds else None


def _read_ahead(members: Sequence[MemberContext]) -> None:
    read_ahead_changes([one for one in members if books.readable_definition(one) is not None])


def _waiting_changes(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield what waits for a side: an early start to settle or to answer, each proposed change, days of the term."""
    if books.readable_definition(member) is None:
        return
    if not is_in_agreement(member) and not has_waiting_change(member):
        return
    now = situation(member)
    states = [one for one in change_states(member, only_open=True, now=now) if one.state in UNDECIDED]
    for one in states:
        yield from _first_items(member, one, now, words)
    for one in states:
        yield _unsigned_item(member, one, now, words)
    yield from _term_items(member, now, words)
    for one, silent in unsaid(member, now):
        for side in silent:
            yield InboxItem(
                group=InboxGroup.DO, side=side, title=_title(one, words), url=_page(member, one),
                action=words("inbox.benefit_do") if member.side is side and member.may(Action.AGREE) else "",
                detail=words("inbox.benefit"),
            )  # fmt: skip


def _term_items(member: MemberContext, now: Situation, words: Words) -> Iterator[InboxItem]:
    """Yield the days of the term that come within 90 days, for each side that they concern."""
    clause = term_clause(member, now)
    for one in () if clause is None else sorted(coming_days(clause, now), key=lambda one: one.day):
        months, end, last = one.renews_months, words.day(one.ends), words.day(one.ends - timedelta(days=1))
        yield InboxItem(
            group=InboxGroup.DO, side=one.side, title=day_name(one.of, one.what, words), due=one.day,
            url=reverse("agreement", kwargs={"relationship": member.relationship.pk}),
            action=words("inbox.term_do") if member.side is one.side and member.may(Action.AGREE) else "",
            detail=words("term_day.renews", months=months, day=end) if months else words("term_day.ends", day=last),
        )  # fmt: skip


def _unsigned_item(member: MemberContext, one: ChangeState, now: Situation, words: Words) -> InboxItem:
    """Return a proposed change as an item of the side that it waits for: that has not signed the last revision."""
    assert one.last is not None
    until = one.last.proposal.says.get("open_until")
    side = waiting_side(one)
    assert side is not None
    decides = member.may(Action.AGREE) or may_sign(member, one, now)
    return InboxItem(
        group=InboxGroup.CONFIRM,
        side=side,
        title=_title(one, words),
        url=_page(member, one),
        action=words("inbox.agreement_do") if member.side is side and decides else "",
        detail=words("inbox.waits_days", days=words.number((now.now - one.last.readable_at).days)),
        due=None if until is None else date.fromisoformat(str(until)),
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
    title = for_reader(str(one.last.proposal.says.get("title", "")), words.language)
    return words("agreement.change_waits", number=one.row.number, title=title)


def _page(member: MemberContext, one: ChangeState) -> str:
    return reverse("agreement_change", kwargs={"relationship": member.relationship.pk, "change": one.row.pk})
