"""The text of a day as a PDF, sealed where the room has a seal; made by a worker, kept for those who read the same."""

from collections.abc import Mapping
from datetime import date

from django.utils import timezone

from comity.apps.agreements import operations
from comity.apps.agreements.signing.signed_elsewhere import reader_of
from comity.apps.agreements.text.papers import Asked, text_pdf
from comity.apps.agreements.text.seal import sealed
from comity.apps.books import results
from comity.apps.books.results import Question
from comity.apps.i18n import words_for
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.book.agreement import AgreedChange

COMPUTE_FILE = "agreements.file"  # the task


def text_file(member: MemberContext, asked: Asked, compared: Asked | None, language: str) -> bytes:
    """Return the text of a day as a PDF, as the member may read it.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been made
    :raises comity.review.render.errors.PdfUnavailableError: where the system library pango is missing
    """
    changes = operations.known_changes(member)
    last = max((one.place for one in changes), default=0)
    terms: dict[str, str | None] = {
        "on": asked.day.isoformat(),
        "known": str(last if asked.known is None else min(asked.known, last)),
        "compare": None if compared is None else compared.day.isoformat(),
        "compare_known": None if compared is None else str(last if compared.known is None else compared.known),
        "language": language,
        "reads": _reads(member),
    }
    question = Question(COMPUTE_FILE, tuple(terms.items()))
    return results.computed(member, question, lambda: _made(member, changes, terms))


def make_text_file(member: MemberContext, terms: Mapping[str, str | None]) -> None:
    """Make a file, for the task; none for a member who reads otherwise than when they asked for it."""
    if terms["reads"] == _reads(member):
        asked, compared = _asked(terms)
        text_file(member, asked, compared, str(terms["language"]))


def _reads(member: MemberContext) -> str:
    """Return what decides which clauses a member reads: a kept file is for those alone for whom this is the same."""
    return f"{member.membership.role} {'money' if member.may(Action.READ_MONEY) else ''}".strip()


def _made(member: MemberContext, changes: list[AgreedChange], terms: Mapping[str, str | None]) -> bytes:
    words = words_for(str(terms["language"]))
    asked, compared = _asked(terms)
    return sealed(
        lambda said: text_pdf(changes, asked, compared, reader_of(member, words, said), timezone.now()), words
    )


def _asked(terms: Mapping[str, str | None]) -> tuple[Asked, Asked | None]:
    asked = Asked(date.fromisoformat(str(terms["on"])), int(str(terms["known"])))
    if terms["compare"] is None:
        return asked, None
    return asked, Asked(date.fromisoformat(str(terms["compare"])), int(str(terms["compare_known"])))
