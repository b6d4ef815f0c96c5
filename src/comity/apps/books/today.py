"""Panel and navigation entry of the records: a panel where there is no book yet."""

from zoneinfo import ZoneInfo

from comity.apps.books.queries import has_book, waiting_files
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import NavEntry, Panel, PanelArea, PanelContext, add_nav_entry, add_panel
from comity.apps.parties.rights import Action
from comity.review.i18n.words import Words


def register() -> None:
    """Register the panel of the page of today, and the navigation entry of the records."""
    add_panel(Panel("books/_no_book.html", PanelArea.TOP, 10, _no_book_panel))
    add_panel(Panel("books/_waiting_files.html", PanelArea.MAIN, 40, _waiting_files_panel))
    add_nav_entry(NavEntry("records", 50))


def _waiting_files_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    files = list(waiting_files(member)) if member.may(Action.BRING) else []
    return {"files": files} if files else None


def _no_book_panel(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:  # noqa: ARG001 - as panels are asked
    sees_first_steps = member.side is not None and member.may(Action.BRING)
    return None if has_book(member) or sees_first_steps else {}
