"""A relationship's book, opened for whoever is looking, and what may be told of it."""

import hashlib
import pickle
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from filelock import FileLock

import comity
from comity.apps.books.models import Delivery, Stage
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.book.definition import FILE, Definition, read_definition
from comity.book.importing.provenance import Delivery as Import
from comity.book.importing.provenance import origins
from comity.book.importing.rejects import Reject, kept_rejects
from comity.book.opening import Book, open_book
from comity.core.values import Viewer

T = TypeVar("T")
_KEPT = 120  # answers a relationship and viewer, the latest made


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


def worked_out(standing: Standing, what: tuple[object, ...], make: Callable[[], T], *, joint: bool = False) -> T:
    """What `make` gives, kept in the room's own folder until the records or the day change; made by one at a time.

    :param what: tells it from others of the same viewer
    """
    seen = eyes(standing, joint=joint)
    key = (comity.__version__, state(standing, joint=joint), seen, datetime.now(UTC).date(), *what)
    name = hashlib.sha256(repr(key).encode()).hexdigest()
    place = Path(settings.DATA) / "worked-out" / str(standing.relationship.pk) / seen
    file = place / name
    known = _kept(file)
    if known is not None:
        return known  # type: ignore[no-any-return]
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(place / f"{name}.lock"):
        known = _kept(file)  # somebody else's, meanwhile
        if known is not None:
            return known  # type: ignore[no-any-return]
        made = make()
        part = file.with_suffix(".part")
        part.write_bytes(pickle.dumps(made))
        part.replace(file)
    for old in sorted(place.iterdir(), key=_age)[:-_KEPT]:
        old.unlink(missing_ok=True)
    return made


def _kept(file: Path) -> Any:  # noqa: ANN401 - whatever was made
    try:
        return pickle.loads(file.read_bytes())  # noqa: S301 - we alone write there
    except FileNotFoundError:
        return None
    except Exception:  # noqa: BLE001 - an earlier version of ours wrote it; it is made again
        return None


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def tables(standing: Standing) -> list[dict[str, Any]]:
    """What is in the book for the viewer: each table with its rows, those set aside, and what came last by whom."""
    return worked_out(standing, ("tables",), lambda: _tables(standing))


def _tables(standing: Standing) -> list[dict[str, Any]]:
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


def came_before(standing: Standing, delivery: Import) -> bool:
    """Whether this very file has come in before, by the same mapping."""
    known = (delivery.digest, delivery.mapping_digest)
    with opened(standing) as book:
        return any((one.digest, one.mapping_digest) == known for origin in origins(book) for one in origin.deliveries)
