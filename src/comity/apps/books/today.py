"""What the records put on the page of today: that there are none yet."""

from zoneinfo import ZoneInfo

from comity.apps.books.queries import has_book
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Context, Entry, Panel, Place, add_entry, add_panel
from comity.review.i18n.words import Words


def register() -> None:
    """Show it, and the page of the records in the navigation."""
    add_panel(Panel("books/_no_book.html", Place.TOP, 10, _no_book))
    add_entry(Entry("records", 50))


def _no_book(member: MemberContext, words: Words, zone: ZoneInfo) -> Context | None:  # noqa: ARG001 - as panels are asked
    return None if has_book(member) else {}
