"""Operations on exports that hold several relationships: whose each row is, by rules that somebody keeps for theirs.

The rules and the file are the person's; each book is reached from the person's own place in it, and no book hears of
another's rows.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import tomlkit
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from comity.apps.books.models import Delivery, Export, Routes, Stage
from comity.apps.books.operations import COUNTS, HOLD_BACK, brought, in_order, put_down, unusable
from comity.apps.books.queries import folder_of, has_book, holder, safe, sentence, under_way
from comity.apps.books.refusals import Code
from comity.apps.books.results import records_changed
from comity.apps.outbox.operations import defer
from comity.apps.outbox.queries import unfinished_jobs
from comity.apps.parties.member_context import MemberContext, find_member, set_viewer
from comity.apps.parties.models import Person
from comity.apps.parties.queries import memberships_of
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.book.errors import UnusableFileError
from comity.book.formats.sheet import UnusableSourceError
from comity.book.importing.deliver import ImportRequest, Outcome
from comity.book.importing.route import RefusedByBooksError, RoutedImport, import_routed, read_routes
from comity.book.mappings.parse import read_mapping, shipped_mappings
from comity.book.storage.commit import BusyBookError
from comity.book.tables import TABLES
from comity.core.values import Side

FILE = "routes.toml"
ROUTE = "books.route"
_TOLD = 200  # rows of no book that the page shows
_SAID = 1000


def theirs(person: Person) -> dict[str, MemberContext]:
    """Where somebody may bring records into a book, by the relationship's name."""
    fit = []
    for one in memberships_of(person):
        member = find_member(person.pk, one.relationship_id)  # whom somebody stands in for is seen from within alone
        if member is not None and member.side is not None and member.may(Action.BRING) and has_book(member):
            fit.append(member)
    set_viewer(person.pk)
    times = Counter(str(member.relationship) for member in fit)
    return {_name(member, alone=times[str(member.relationship)] == 1): member for member in fit}


def _name(member: MemberContext, *, alone: bool) -> str:
    """A relationship's name, with a part of its number where another is called the same."""
    return str(member.relationship) if alone else f"{member.relationship} ({str(member.relationship.pk)[:8]})"


def keep_routes(person: Person, text: str) -> None:
    """Keep somebody's rules; their books are named as the portfolio names relationships.

    :raises Refused: for rules that cannot be used, in one sentence, and for a book that is not theirs
    """
    with tempfile.TemporaryDirectory() as work, unusable(Code.UNUSABLE_ROUTES):
        _written(Path(work), text, theirs(person))
    Routes.objects.update_or_create(person=person, defaults={"text": text})


def _written(folder: Path, text: str, books: Mapping[str, MemberContext]) -> Path:
    """`routes.toml` as the importer reads it, with the books' folders in the place of their names."""
    file = folder / FILE
    file.write_text(text, encoding="utf-8")
    read_routes(file)
    said = tomlkit.parse(text)
    for number, entry in enumerate(said["route"], 1):
        name = str(entry["book"])
        if name not in books:
            known = ", ".join(f'"{one}"' for one in books) or "none yet"
            message = f"book = {name!r} is none of yours ({known})"
            raise UnusableSourceError(message[:_SAID], file=file, place=f"route {number}:")
        entry["book"] = str(_folder(books[name]))
    file.write_text(tomlkit.dumps(said), encoding="utf-8")
    return file


def receive(person: Person, upload: "UploadedFile[Any]", mapping: str) -> Export:
    """Take an export, and have a trial run made of it.

    :raises Refused: for a file that is too large, a mapping that is not known, and without rules
    """
    if mapping not in {*shipped_mappings(), *TABLES}:
        raise Refused(Code.UNKNOWN_MAPPING)
    if not Routes.objects.filter(person=person).exists():
        raise Refused(Code.NO_ROUTES)
    check_rate_limit(person, "uploads")
    made = Export(person=person, name=Path(upload.name or "file").name[:200], mapping=mapping)
    put_down(upload, _path(made))
    made.save(force_insert=True)
    _later(made, dry_run=True)
    return made


def bring(export: Export) -> None:
    """Have an export brought in that a trial run was made of.

    :raises Refused: where none was, or it came to nothing
    """
    if export.stage != Stage.LOOKED and (export.stage != Stage.BRINGING or under_way(export)):
        raise Refused(Code.NOT_NOW)
    export.stage = Stage.BRINGING
    export.save(update_fields=["stage"])
    _later(export, dry_run=False)


def drop(export: Export) -> None:
    """Throw an export away that has not come in.

    :raises Refused: where it has, or is under way
    """
    if export.stage in {Stage.BROUGHT, Stage.BRINGING} or under_way(export):
        raise Refused(Code.NOT_NOW)
    shutil.rmtree(_path(export).parent, ignore_errors=True)
    export.stage = Stage.DROPPED
    export.save(update_fields=["stage"])


def run(person: UUID, number: UUID, *, dry_run: bool) -> None:
    """Make the trial run, or bring the rows into the books that they belong to; what becomes of it is kept."""
    with transaction.atomic():
        set_viewer(person)
        export = Export.objects.select_related("person").get(pk=number)
        text = Routes.objects.get(person=person).text
        books = theirs(export.person)
        holders = _holders(person, books, export.mapping)
        waits = any(_holds_back(member) for member in books.values())
    if export.stage != (Stage.LOOKING if dry_run else Stage.BRINGING):
        return  # somebody has asked for something else meanwhile
    if waits and not dry_run:
        raise BusyBookError("something is about to be held back; the import is tried again after that")
    try:
        with tempfile.TemporaryDirectory() as work:
            routes = _written(Path(work), text, books)
            request = ImportRequest(export.person.name, datetime.now(UTC), dry_run=dry_run)
            routed = import_routed(
                routes,
                _path(export),
                read_mapping(export.mapping),
                request,
                parts={
                    _folder(member): replace(
                        request,
                        side=member.side,
                        holder=holders.get(_folder(member)),
                        key=str(_key(export, member.relationship.pk)),
                    )
                    for member in books.values()
                    if member.side is not None
                },
                done=lambda book, outcome: _tell(person, UUID(book.name), export, outcome),
            )
            folders = list(dict.fromkeys(rule.book for rule in read_routes(routes)))
    except (UnusableFileError, OSError) as error:
        changes: dict[str, Any] = {"stage": Stage.REFUSED, "why": _sentence(error, export, books)}
    else:
        names = {_folder(member): name for name, member in books.items()}
        told = _told(routed, [names[folder] for folder in folders])
        changes = {"stage": Stage.LOOKED if dry_run else Stage.BROUGHT, "outcome": told, "why": ""}
        if not dry_run:
            with transaction.atomic():
                for member in books.values():
                    records_changed(member.relationship.pk)
    with transaction.atomic():
        set_viewer(person)
        Export.objects.filter(pk=number).update(**changes)
    if changes["stage"] == Stage.BROUGHT:
        shutil.rmtree(_path(export).parent, ignore_errors=True)


def _holds_back(member: MemberContext) -> bool:
    """Whether the own side is about to hold something back: its rows are imported after that."""
    if member.side is None:
        return False
    waiting = unfinished_jobs(member.relationship.pk, [HOLD_BACK]).exclude(status="failed")
    return waiting.filter(lock=in_order(member.relationship.pk, member.side)).exists()


def _holders(person: UUID, books: Mapping[str, MemberContext], mapping: str) -> dict[Path, Side | None]:
    """Of each book the side that alone adds rows to the export's table, if one does."""
    table, found = read_mapping(mapping).target.name, {}
    for member in books.values():
        stood = find_member(person, member.relationship.pk)
        found[_folder(member)] = None if stood is None else holder(stood, table)
    set_viewer(person)
    return found


def _key(export: Export, relationship: UUID) -> UUID:
    """What a relationship's part of an export is called: the same however often it is begun."""
    return uuid5(export.pk, str(relationship))


def _tell(person: UUID, relationship: UUID, export: Export, outcome: Outcome) -> None:
    """Both sides of a relationship learn that a file came, and of nothing but its own rows."""
    with transaction.atomic():
        member, key = find_member(person, relationship), _key(export, relationship)
        if member is None or member.side is None or Delivery.objects.filter(pk=key).exists():
            return
        if outcome.already is not None and outcome.already.key != str(key):
            return  # the side has brought these rows before
        came = outcome.already or outcome.delivery
        counts = {name: getattr(came, name) for name in COUNTS}
        shared = outcome.shared or outcome.delivery
        # As of any other file: one of which the other side sees no row stays unknown to it.
        seen = shared.rows_in or shared.withdrawn or shared.proposed_withdrawals
        own = not seen and bool(came.rows_in)
        made = Delivery.objects.create(
            pk=key,
            relationship=member.relationship,
            side=member.side.value,
            person=member.membership.person,
            name=export.name,
            size=0,
            mapping=export.mapping,
            stage=Stage.BROUGHT,
            private=own,
            outcome={
                "table": outcome.table,
                "number": came.number,
                "digest": came.digest,
                "counts": counts,
                "shared_counts": {name: getattr(shared, name) for name in COUNTS},
            },
        )
        brought(member, made)


def _told(routed: RoutedImport, names: list[str]) -> dict[str, Any]:
    return {
        "books": [
            {
                "name": name,
                "table": one.table,
                "already": one.already is not None,
                "counts": {count: getattr(one.delivery, count) for count in COUNTS},
            }
            for name, one in zip(names, routed.outcomes, strict=True)
        ],
        "unrouted": len(routed.unrouted),
        "rows": [
            {"line": one.line, "column": one.column, "value": one.value, "reason": one.reason}
            for one in routed.unrouted[:_TOLD]
        ],
    }


def _folder(member: MemberContext) -> Path:
    return folder_of(member.relationship.pk)


def _path(export: Export) -> Path:
    return Path(settings.DATA) / "uploads" / "exports" / str(export.pk) / safe(export.name)


def _later(export: Export, *, dry_run: bool) -> None:
    defer(ROUTE, sides=(), person=str(export.person_id), export=str(export.pk), dry_run=dry_run)


def _sentence(error: UnusableFileError | OSError, export: Export, books: Mapping[str, MemberContext]) -> str:
    """What went wrong, with the export's own name, and books called as the portfolio calls them."""
    folders = {_folder(member): name for name, member in books.items()}
    names = {_path(export): export.name, Path(_path(export).name): export.name, **folders}
    if isinstance(error, RefusedByBooksError):
        return "; ".join(f"{folders[book]}: {sentence(part, names)}" for book, part in error.parts)[:_SAID]
    return sentence(error, names)[:_SAID]
