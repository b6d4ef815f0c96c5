"""Operations on exports that hold several relationships, whose rows are routed to books by a person's rules.

The rules and the file are the person's; each book is written with the person's own rights in it, and no book receives
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
from comity.apps.books.operations import (
    COUNT_FIELDS,
    WITHHOLD_TASK,
    after_import,
    refuse_unusable,
    save_upload,
    side_lock,
)
from comity.apps.books.queries import book_folder, find_table_holder, has_book, is_under_way, safe_file_name, sentence
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
from comity.book.importing.deliver import ImportRequest, Outcome, further_key
from comity.book.importing.route import RefusedByBooksError, RoutedImport, import_routed, read_routes
from comity.book.mappings.parse import read_mapping, shipped_mappings
from comity.book.storage.commit import BusyBookError
from comity.book.tables import TABLES
from comity.core.values import Side

ROUTES_FILE = "routes.toml"
ROUTE_TASK = "books.route"
_SHOWN_ROWS = 200  # unrouted rows that the page shows
_MAX_SENTENCE = 1000  # characters of `why`


def writable_books(person: Person) -> dict[str, MemberContext]:
    """Return the relationships into whose book a person may import, by name."""
    members = []
    for membership in memberships_of(person):
        # The rights of a deputy are visible within the relationship alone.
        member = find_member(person.pk, membership.relationship_id)
        if member is not None and member.side is not None and member.may(Action.BRING) and has_book(member):
            members.append(member)
    set_viewer(person.pk)
    name_counts = Counter(str(member.relationship) for member in members)
    return {_book_name(member, alone=name_counts[str(member.relationship)] == 1): member for member in members}


def _book_name(member: MemberContext, *, alone: bool) -> str:
    """Return a relationship's name, with the start of its id where another has the same name."""
    return str(member.relationship) if alone else f"{member.relationship} ({str(member.relationship.pk)[:8]})"


def keep_routes(person: Person, text: str) -> None:
    """Save a person's rules, in which books are named as in `writable_books`.

    :raises Refused: for rules that cannot be used, and for a book into which the person may not import
    """
    with tempfile.TemporaryDirectory() as work, refuse_unusable(Code.UNUSABLE_ROUTES):
        _write_routes(Path(work), text, writable_books(person))
    Routes.objects.update_or_create(person=person, defaults={"text": text})


def _write_routes(folder: Path, text: str, books: Mapping[str, MemberContext]) -> Path:
    """Write `routes.toml` as the importer reads it, with the books' folders in place of their names."""
    file = folder / ROUTES_FILE
    file.write_text(text, encoding="utf-8")
    read_routes(file)
    document = tomlkit.parse(text)
    for number, entry in enumerate(document["route"], 1):
        name = str(entry["book"])
        if name not in books:
            known_names = ", ".join(f'"{one}"' for one in books) or "none yet"
            message = f"book = {name!r} is none of yours ({known_names})"
            raise UnusableSourceError(message[:_MAX_SENTENCE], file=file, place=f"route {number}:")
        entry["book"] = str(_member_book_folder(books[name]))
    file.write_text(tomlkit.dumps(document), encoding="utf-8")
    return file


def receive_export(person: Person, upload: "UploadedFile[Any]", mapping: str) -> Export:
    """Save an uploaded export, and defer a trial run of it.

    :raises Refused: for a file that is too large, for an unknown mapping, and without rules
    """
    if mapping not in {*shipped_mappings(), *TABLES}:
        raise Refused(Code.UNKNOWN_MAPPING)
    if not Routes.objects.filter(person=person).exists():
        raise Refused(Code.NO_ROUTES)
    check_rate_limit(person, "uploads")
    export = Export(person=person, name=Path(upload.name or "file").name[:200], mapping=mapping)
    save_upload(upload, _export_path(export))
    export.save(force_insert=True)
    _defer_route(export, dry_run=True)
    return export


def import_export(export: Export) -> None:
    """Defer the import of an export after its trial run.

    :raises Refused: where there was no trial run, or it was refused
    """
    if export.stage != Stage.LOOKED and (export.stage != Stage.BRINGING or is_under_way(export)):
        raise Refused(Code.NOT_NOW)
    export.stage = Stage.BRINGING
    export.save(update_fields=["stage"])
    _defer_route(export, dry_run=False)


def drop_export(export: Export) -> None:
    """Discard an export that was not imported.

    :raises Refused: where it was imported, or is under way
    """
    if export.stage in {Stage.BROUGHT, Stage.BRINGING} or is_under_way(export):
        raise Refused(Code.NOT_NOW)
    shutil.rmtree(_export_path(export).parent, ignore_errors=True)
    export.stage = Stage.DROPPED
    export.save(update_fields=["stage"])


def run_export(person: UUID, number: UUID, *, dry_run: bool) -> None:
    """Make the trial run, or import the rows into their books, for the task; save the outcome."""
    with transaction.atomic():
        set_viewer(person)
        export = Export.objects.select_related("person").get(pk=number)
        text = Routes.objects.get(person=person).text
        books = writable_books(export.person)
        holders = _table_holders(person, books, export.mapping)
        withholding = any(_is_withholding(member) for member in books.values())
    if export.stage != (Stage.LOOKING if dry_run else Stage.BRINGING):
        return  # another move was made meanwhile
    if withholding and not dry_run:
        raise BusyBookError("something is about to be held back; the import is tried again after that")
    try:
        with tempfile.TemporaryDirectory() as work:
            routes = _write_routes(Path(work), text, books)
            request = ImportRequest(export.person.name, datetime.now(UTC), dry_run=dry_run)
            routed = import_routed(
                routes,
                _export_path(export),
                read_mapping(export.mapping),
                request,
                parts={
                    _member_book_folder(member): replace(
                        request,
                        side=member.side,
                        holder=holders[_member_book_folder(member)][read_mapping(export.mapping).table],
                        further_holders=holders[_member_book_folder(member)],
                        key=str(_delivery_key(export, member.relationship.pk)),
                    )
                    for member in books.values()
                    if member.side is not None
                },
                done=lambda book, outcome: _record_delivery(person, UUID(book.name), export, outcome),
            )
            folders = list(dict.fromkeys(rule.book for rule in read_routes(routes)))
    except (UnusableFileError, OSError) as error:
        changes: dict[str, Any] = {"stage": Stage.REFUSED, "why": _failure_sentence(error, export, books)}
    else:
        names = {_member_book_folder(member): name for name, member in books.items()}
        outcome = _outcome_json(routed, [names[folder] for folder in folders])
        changes = {"stage": Stage.LOOKED if dry_run else Stage.BROUGHT, "outcome": outcome, "why": ""}
        if not dry_run:
            with transaction.atomic():
                for member in books.values():
                    records_changed(member.relationship.pk)
    with transaction.atomic():
        set_viewer(person)
        Export.objects.filter(pk=number).update(**changes)
    if changes["stage"] == Stage.BROUGHT:
        shutil.rmtree(_export_path(export).parent, ignore_errors=True)


def _is_withholding(member: MemberContext) -> bool:
    """Whether a job is about to withhold an item of the own side, whose rows are imported after that."""
    if member.side is None:
        return False
    hold_back_jobs = unfinished_jobs(member.relationship.pk, [WITHHOLD_TASK]).exclude(status="failed")
    return hold_back_jobs.filter(lock=side_lock(member.relationship.pk, member.side)).exists()


def _table_holders(
    person: UUID, books: Mapping[str, MemberContext], mapping: str
) -> dict[Path, dict[str, Side | None]]:
    """Return for each book's folder and each table of the export the side that alone adds rows to it, if one does."""
    tables, holders = [one.table for one in read_mapping(mapping).all_tables], {}
    for member in books.values():
        current_member = find_member(person, member.relationship.pk)
        holders[_member_book_folder(member)] = {
            table: None if current_member is None else find_table_holder(current_member, table) for table in tables
        }
    set_viewer(person)
    return holders


def _delivery_key(export: Export, relationship: UUID) -> UUID:
    """Return the id of a relationship's part of an export, which is the same on every attempt."""
    return uuid5(export.pk, str(relationship))


def _record_delivery(person: UUID, relationship: UUID, export: Export, outcome: Outcome) -> None:
    """Add a delivery to a relationship for its part of an export, with nothing of the other parts."""
    with transaction.atomic():
        member, key = find_member(person, relationship), _delivery_key(export, relationship)
        if outcome.table != read_mapping(export.mapping).table:
            key = UUID(further_key(str(key), outcome.table))
        if member is None or member.side is None or Delivery.objects.filter(pk=key).exists():
            return
        if outcome.already is not None and outcome.already.key != str(key):
            return  # the side has imported these rows before
        record = outcome.already or outcome.delivery
        counts = {name: getattr(record, name) for name in COUNT_FIELDS}
        shared_record = outcome.shared or outcome.delivery
        # As with any other file, the other side does not learn of one of which it sees no row.
        is_visible = shared_record.rows_in or shared_record.withdrawn or shared_record.proposed_withdrawals
        is_private = not is_visible and bool(record.rows_in)
        delivery = Delivery.objects.create(
            pk=key,
            relationship=member.relationship,
            side=member.side.value,
            person=member.membership.person,
            name=export.name,
            size=0,
            mapping=export.mapping,
            stage=Stage.BROUGHT,
            private=is_private,
            outcome={
                "table": outcome.table,
                "number": record.number,
                "digest": record.digest,
                "counts": counts,
                "shared_counts": {name: getattr(shared_record, name) for name in COUNT_FIELDS},
            },
        )
        after_import(member, delivery)


def _outcome_json(routed: RoutedImport, names: list[str]) -> dict[str, Any]:
    return {
        "books": [
            {
                "name": name,
                "table": one.table,
                "already": one.already is not None,
                "counts": {count: getattr(one.delivery, count) for count in COUNT_FIELDS},
            }
            for name, one in zip(names, routed.outcomes, strict=True)
        ],
        "unrouted": len(routed.unrouted),
        "rows": [
            {"line": one.line, "column": one.column, "value": one.value, "reason": one.reason}
            for one in routed.unrouted[:_SHOWN_ROWS]
        ],
    }


def _member_book_folder(member: MemberContext) -> Path:
    return book_folder(member.relationship.pk)


def _export_path(export: Export) -> Path:
    return Path(settings.DATA) / "uploads" / "exports" / str(export.pk) / safe_file_name(export.name)


def _defer_route(export: Export, *, dry_run: bool) -> None:
    defer(ROUTE_TASK, sides=(), person=str(export.person_id), export=str(export.pk), dry_run=dry_run)


def _failure_sentence(error: UnusableFileError | OSError, export: Export, books: Mapping[str, MemberContext]) -> str:
    """Return what went wrong, with the export's own name, and books named as in `writable_books`."""
    folders = {_member_book_folder(member): name for name, member in books.items()}
    names = {_export_path(export): export.name, Path(_export_path(export).name): export.name, **folders}
    if isinstance(error, RefusedByBooksError):
        return "; ".join(f"{folders[book]}: {sentence(part, names)}" for book, part in error.parts)[:_MAX_SENTENCE]
    return sentence(error, names)[:_MAX_SENTENCE]
