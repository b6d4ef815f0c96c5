"""Panel, inbox and navigation entry of the records: no book yet, late deliveries, files and private data to look at."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone

from comity.apps.books.contents import overview
from comity.apps.books.models import Mark, Stage
from comity.apps.books.queries import NoBookError, files_to_decide, has_book, zone
from comity.apps.books.sentences import item_name
from comity.apps.books.terms import open_proposal, said_terms
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
from comity.book.definition import UnusableBookError
from comity.book.lateness import last_due
from comity.core.values import Side
from comity.review.i18n.words import Words
from comity.review.views.sentences import capital

_MAX_FILES = 20


def register() -> None:
    """Register the panel and the parts of the inbox of the Today page, and the navigation entry of the records."""
    add_panel(Panel("books/_no_book.html", PanelArea.TOP, 10, _no_book_panel))
    add_inbox_source(InboxSource("deliveries", _late_deliveries))
    add_inbox_source(InboxSource("files", _files_to_import))
    add_inbox_source(InboxSource("private data", _private_data_to_review))
    add_inbox_source(InboxSource("terms of records", _terms_to_answer))
    add_nav_entry(NavEntry("records", 50, pages=("delivery",), key="d"))


def _no_book_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    sees_first_steps = member.side is not None and member.may(Action.BRING)
    return None if has_book(member) or sees_first_steps else {}


def _late_deliveries(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    try:
        known = overview(member)
    except (NoBookError, UnusableBookError):
        return
    now = datetime.now(UTC).astimezone(ZoneInfo(zone(member)))
    for one in known.late_deliveries(now) if known else ():
        side, due = Side(one["by"]), last_due(one["due"] or "", now)
        yield InboxItem(
            group=InboxGroup.DELIVER,
            side=side,
            title=capital(words.named("table", one["table"])),
            url=reverse("records", kwargs={"relationship": member.relationship.pk}),
            action=words("inbox.upload_do") if side is member.side and member.may(Action.BRING) else "",
            detail="" if one["last"] is None else words("inbox.last_file", day=words.day(_local_day(one["last"]))),
            due=None if due is None else timezone.localtime(due).date(),
            late=True,
        )


def _files_to_import(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield the own side's files that somebody has to decide on; the other side does not see them before."""
    if member.side is None or not member.may(Action.BRING):
        return
    for file in files_to_decide(member).order_by("-at", "pk")[:_MAX_FILES]:
        within = {"relationship": member.relationship.pk, "delivery": file.pk}
        yield InboxItem(
            group=InboxGroup.DELIVER,
            side=member.side,
            title=file.name,
            url=reverse("delivery", kwargs=within),
            action=words("inbox.import_do" if file.stage == Stage.LOOKED else "inbox.file_do"),
            detail=f"{words(f'stage.{file.stage}')}, {file.person.name}, {words.day(_local_day(file.at))}",
        )


def _terms_to_answer(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield a change of zone, currency or months that one side proposed, for the other to answer."""
    proposal = open_proposal(member)
    if proposal is not None:
        side = Side(proposal.step.side).other
        yield InboxItem(
            group=InboxGroup.ANSWER,
            side=side,
            title=words("terms.title"),
            url=f"{reverse('records', kwargs={'relationship': member.relationship.pk})}#h-terms",
            action=words("inbox.terms_do") if side is member.side and member.may(Action.AGREE) else "",
            detail=words("terms.now", **said_terms(proposal.terms)),
        )


def _private_data_to_review(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield what a side holds back beyond the day that it named itself; both sides read that day."""
    due = Mark.objects.filter(relationship=member.relationship, review_on__lte=timezone.localdate())
    for mark in due.order_by("review_on", "pk")[:_MAX_FILES]:
        side = Side(mark.side)
        yield InboxItem(
            group=InboxGroup.DO,
            side=side,
            title=words("inbox.private", item=item_name(mark.item, words)),
            url=reverse("records", kwargs={"relationship": member.relationship.pk}),
            action=words("inbox.private_do") if side is member.side and member.may(Action.BRING) else "",
            due=mark.review_on,
        )


def _local_day(at: datetime) -> date:
    return timezone.localtime(at).date()
