"""A relationship's book, opened for whoever is looking, and what may be told of it."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from comity.apps.books.models import Delivery, Stage
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.book.definition import FILE, Definition, read_definition
from comity.book.importing.provenance import origins
from comity.book.importing.rejects import Reject, kept_rejects
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
    agreed = definition(standing)
    viewer = standing.viewer
    side = None if joint else viewer.side
    book = open_book(folder_of(standing.relationship.pk), Viewer(viewer.person, agreed.relationship, side))
    for name in standing.closed_tables:
        if agreed.private_owner(name) is not None:
            book.close_table(name)
    return book


def eyes(standing: Standing, *, joint: bool = False) -> str:
    """What the viewer sees, in a word: those of one word see the same."""
    if joint or standing.viewer.side is None:
        return "joint"
    return "-".join([standing.viewer.side.value, *sorted(standing.closed_tables)])


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


def tables(standing: Standing) -> list[dict[str, Any]]:
    """What is in the book for the viewer: each table with its rows, those set aside, and what came last by whom."""
    with opened(standing) as book:
        found = {origin.table: origin for origin in origins(book)}
        return [
            {
                "name": holding.table.name,
                "rows": holding.rows,
                "rejected": found[holding.table.name].rejected,
                "owner": book.definition.private_owner(holding.table.name),
                "last": found[holding.table.name].deliveries[-1] if found[holding.table.name].deliveries else None,
            }
            for holding in book
        ]


def deliveries(standing: Standing) -> QuerySet[Delivery]:
    """Files that the viewer may know of, the newest first: for some roles only what both sides know of."""
    found = Delivery.objects.select_related("person").filter(relationship=standing.relationship)
    if not standing.may(Action.READ_OWN):
        found = found.filter(stage=Stage.BROUGHT, private=False)
    return found.exclude(stage=Stage.DROPPED)[:50]


def rejects(standing: Standing, delivery: Delivery) -> Iterator[Reject]:
    """The rows of a delivery that were set aside, as far as the viewer may know."""
    number, table = delivery.outcome.get("number"), delivery.outcome.get("table")
    if delivery.stage != Stage.BROUGHT or number is None or table is None:
        return iter(())
    return kept_rejects(folder_of(standing.relationship.pk), str(table), int(number), standing.viewer.side)
