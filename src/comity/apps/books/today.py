"""Panel, inbox and navigation entry of the records: no book yet, late deliveries, files and private data to look at."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone

from comity.apps.books.contents import overview
from comity.apps.books.models import Stage
from comity.apps.books.queries import (
    NoBookError,
    Terms,
    has_book,
    latest_files_to_decide,
    marks_to_review,
    moves_to_see,
    read_ahead_files,
    read_ahead_marks,
    read_ahead_moves,
    read_ahead_terms,
    readable_definition,
    terms_of,
    zone,
)
from comity.apps.books.sentences import item_name, terms_changed
from comity.apps.books.terms import open_proposal
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
from comity.review.i18n.words import Words, clean
from comity.review.views.sentences import capital


def register() -> None:
    """Register the panel and the parts of the inbox of the Today page, and the navigation entry of the records."""
    add_panel(Panel("books/_no_book.html", PanelArea.TOP, 10, _no_book_panel))
    add_inbox_source(InboxSource("deliveries", _late_deliveries))
    add_inbox_source(InboxSource("files", _files_to_import, read_ahead=read_ahead_files))
    add_inbox_source(InboxSource("private data", _private_data_to_review, read_ahead=read_ahead_marks))
    add_inbox_source(InboxSource("terms of records", _terms_to_answer, read_ahead=read_ahead_terms))
    add_inbox_source(InboxSource("moved figures", _moved_figures, read_ahead=read_ahead_moves))
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
    for file in latest_files_to_decide(member):
        within = {"relationship": member.relationship.pk, "delivery": file.pk}
        yield InboxItem(
            group=InboxGroup.DELIVER,
            side=member.side,
            title=file.name,
            url=reverse("delivery", kwargs=within),
            action=words("inbox.import_do" if file.stage == Stage.LOOKED else "inbox.file_do"),
            detail=f"{words(f'stage.{file.stage}')}, {file.person.name}, {words.day(_local_day(file.at))}",
        )


def _moved_figures(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield imports of a side that moved joint figures, for the other side until somebody of it has opened the file."""
    for one in moves_to_see(member):
        within = {"relationship": member.relationship.pk, "delivery": one.delivery}
        yield InboxItem(
            group=InboxGroup.DO,
            side=one.side,
            title=words("inbox.moved", name=clean(one.name)),
            url=f"{reverse('delivery', kwargs=within)}#h-moved",
            action=words("inbox.moved_do") if one.side is member.side else "",
            detail=words("inbox.moved_figures", count=one.figures),
        )


def _terms_to_answer(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield a change of how the book counts that one side proposed, for the other to answer."""
    proposal = open_proposal(member)
    if proposal is not None:
        side = Side(proposal.step.side).other
        yield InboxItem(
            group=InboxGroup.ANSWER,
            side=side,
            title=words("terms.title"),
            url=f"{reverse('records', kwargs={'relationship': member.relationship.pk})}#h-terms",
            action=words("inbox.terms_do") if side is member.side and member.may(Action.AGREE) else "",
            detail=" ".join(_what_would_change(member, proposal.terms, words)),
        )


def _what_would_change(member: MemberContext, wanted: Terms, words: Words) -> list[str]:
    known = readable_definition(member)
    return [] if known is None else terms_changed(terms_of(known), wanted, words)


def _private_data_to_review(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield what a side holds back beyond the day that it named itself; both sides read that day."""
    for mark in marks_to_review(member):
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
