"""The logo of a side on slides and PDF: set or removed by who leads the side, and written into the book by a job."""

import base64
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.books.queries import NoBookError, book_folder, has_book
from comity.apps.outbox.operations import defer
from comity.apps.outbox.queries import has_pending
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.apps.reviews.refusals import Code
from comity.book.definition import FILE
from comity.book.logos import MAX_BYTES, Logo, UnusableLogoError, decode_logo, read_logos, write_logo
from comity.book.storage.commit import book_lock
from comity.core.values import Side

WRITE_TASK = "reviews.logo"


def may_set_logo(member: MemberContext) -> bool:
    """Return whether the member speaks for a side, whose own logo they may set."""
    return member.side is not None and member.may(Action.AGREE)


def shown_logos(member: MemberContext) -> dict[Side, Logo]:
    """Return the logos that slides and PDF show now, which both sides see; none where there is no book."""
    return read_logos(book_folder(member.relationship.pk))


def shown_images(member: MemberContext) -> dict[Side, str]:
    """Return the same as addresses that hold the image."""
    return {side: _data_url(logo) for side, logo in shown_logos(member).items()}


def _data_url(logo: Logo) -> str:
    return f"data:image/png;base64,{base64.b64encode(logo.png).decode()}"


def is_being_written(member: MemberContext) -> bool:
    """Return whether a job that writes a logo of the own side waits or runs."""
    return has_pending(member, [WRITE_TASK])


def set_logo(member: MemberContext, upload: "UploadedFile[Any]") -> None:
    """Check an uploaded logo of the own side, and defer the job that writes its pixels into the book.

    :raises Refused: for those who may not, for a file that is no PNG or JPEG or is beyond a limit, and for too many
    :raises NoBookError: where there is no book yet
    """
    side = _own_side(member)
    check_rate_limit(member.membership.person, "uploads")
    try:
        logo = decode_logo(upload.read(MAX_BYTES + 1))
    except UnusableLogoError as error:
        raise Refused(Code(f"logo_{error.fault}")) from None
    audit(member, Event.LOGO_SET, SubjectType.BOOK, {"side": side.value}, shared=True)
    _defer_write(member, side, logo.png)


def remove_logo(member: MemberContext) -> None:
    """Defer the job that takes the own side's logo out of the book.

    :raises Refused: for those who may not
    :raises NoBookError: where there is no book yet
    """
    side = _own_side(member)
    audit(member, Event.LOGO_REMOVED, SubjectType.BOOK, {"side": side.value}, shared=True)
    _defer_write(member, side, b"")


def _own_side(member: MemberContext) -> Side:
    if not may_set_logo(member) or member.side is None:
        raise Refused(Code.NOT_YOURS)
    if not has_book(member):
        raise NoBookError
    return member.side


def _defer_write(member: MemberContext, side: Side, png: bytes) -> None:
    """Defer the job; those of one side run in the order of its decisions."""
    relationship = member.relationship.pk
    defer(
        WRITE_TASK, relationship=relationship, sides=(side,), lock=f"{WRITE_TASK} {relationship} {side}",
        side=side.value, png=base64.b64encode(png).decode(),
    )  # fmt: skip


def write_now(relationship: UUID, side: Side, png: str) -> None:
    """Write a logo, for the task, or take it out where there is none.

    :param png: in base64; empty: the side has no logo any more
    :raises comity.book.storage.commit.BusyBookError: during an import
    """
    folder = book_folder(relationship)
    if not (folder / FILE).is_file():
        return
    with book_lock(folder):
        write_logo(folder, side, base64.b64decode(png) or None)
