"""A relationship's book, opened for whoever is looking, and what may be told of it."""

import hashlib
from pathlib import Path
from uuid import UUID

from django.conf import settings

from comity.apps.parties.viewing import Standing
from comity.book.definition import FILE, Definition, read_definition
from comity.book.opening import Book, open_book
from comity.core.values import Viewer


class NoBookError(LookupError):
    """A relationship whose records have not begun."""


def folder_of(relationship: UUID) -> Path:
    """Where a relationship's book lies; it may not be there yet."""
    return Path(settings.BOOKS) / str(relationship)


def has_book(standing: Standing) -> bool:
    """Whether there is one."""
    return (folder_of(standing.relationship.pk) / FILE).is_file()


def definition(standing: Standing) -> Definition:
    """What was agreed.

    :raises NoBookError: where there is no book
    """
    if not has_book(standing):
        raise NoBookError
    return read_definition(folder_of(standing.relationship.pk))


def opened(standing: Standing, *, joint: bool = False) -> Book:
    """The book, for the viewer alone.

    :param joint: only what both sides share
    :raises NoBookError: where there is no book
    """
    known = definition(standing).relationship
    viewer = standing.viewer
    return open_book(folder_of(standing.relationship.pk), Viewer(viewer.person, known, None if joint else viewer.side))


def state(standing: Standing, *, joint: bool = False) -> str:
    """A digest of what the viewer's review is made from: the shared files, and the own side's."""
    folder = folder_of(standing.relationship.pk)
    side = None if joint else standing.viewer.side
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        theirs = parts[0] == "private" and (side is None or parts[1:2] != (side.value,))
        if file.is_file() and not hidden and not theirs:
            found = file.stat()
            digest.update(f"{'/'.join(parts)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def zone(standing: Standing) -> str:
    """The time zone in which the relationship's clocks run: the book's, or UTC before there is one."""
    return definition(standing).timezone if has_book(standing) else "UTC"
