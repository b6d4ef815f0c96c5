"""Operations on exports that hold several relationships: whose each row is, by rules that somebody keeps for theirs.

The rules and the file are the person's; each book is reached from the person's own place in it, and no book hears of
another's rows.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import tomlkit
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.books.models import Delivery, Export, Routes, Stage
from comity.apps.books.operations import COUNTS, NotAllowedError, put_down
from comity.apps.books.queries import folder_of, has_book, safe, under_way
from comity.apps.parties.models import Person
from comity.apps.parties.operations import note
from comity.apps.parties.queries import portfolio
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing, look, stand
from comity.book.definition import UnusableBookError, read_definition
from comity.book.importing.committing import BusyBookError
from comity.book.importing.importing import Outcome
from comity.book.importing.mapping import UnusableMappingError, read_mapping
from comity.book.importing.routing import Routed, import_routed, read_routes
from comity.book.importing.section import UnusableSourceError

FILE = "routes.toml"
_TOLD = 200  # rows of no book that the page shows
_SAID = 1000


def theirs(person: Person) -> dict[str, Standing]:
    """Where somebody may bring records into a book, by the relationship's name."""
    fit = []
    for one in portfolio(person):
        place = stand(person.pk, one.relationship_id)  # whom somebody stands in for is seen from within alone
        if place is not None and place.side is not None and place.may(Action.BRING) and has_book(place):
            fit.append(place)
    look(person.pk)
    times = Counter(str(place.relationship) for place in fit)
    return {_name(place, alone=times[str(place.relationship)] == 1): place for place in fit}


def _name(place: Standing, *, alone: bool) -> str:
    """A relationship's name, with a part of its number where another is called the same."""
    return str(place.relationship) if alone else f"{place.relationship} ({str(place.relationship.pk)[:8]})"


def keep_routes(person: Person, text: str) -> None:
    """Keep somebody's rules; their books are named as the portfolio names relationships.

    :raises UnusableSourceError: for rules that cannot be used, in one sentence, and for a book that is not theirs
    """
    with tempfile.TemporaryDirectory() as work:
        _written(Path(work), text, theirs(person))
    Routes.objects.update_or_create(person=person, defaults={"text": text})


def _written(folder: Path, text: str, books: Mapping[str, Standing]) -> Path:
    """`routes.toml` as the importer reads it, with the books' folders in the place of their names."""
    file = folder / FILE
    file.write_text(text, encoding="utf-8")
    try:
        read_routes(file)
    except UnusableSourceError as error:
        raise UnusableSourceError(str(error).removeprefix(f"{file}: ")[:_SAID]) from None
    said = tomlkit.parse(text)
    for number, entry in enumerate(said["route"], 1):
        name = str(entry["book"])
        if name not in books:
            known = ", ".join(f'"{one}"' for one in books) or "none yet"
            raise UnusableSourceError(f"route {number}: book = {name!r} is none of yours ({known})"[:_SAID])
        entry["book"] = str(_folder(books[name]))
    file.write_text(tomlkit.dumps(said), encoding="utf-8")
    return file


def receive(person: Person, upload: "UploadedFile[Any]", mapping: str) -> Export:
    """Take an export, and have a trial run made of it.

    :raises NotAllowedError: for a file that is too large, and without rules
    """
    if not Routes.objects.filter(person=person).exists():
        raise NotAllowedError("no_routes")
    made = Export(person=person, name=Path(upload.name or "file").name[:200], mapping=mapping)
    put_down(upload, _place(made))
    made.save(force_insert=True)
    _later(made, dry_run=True)
    return made


def bring(export: Export) -> None:
    """Have an export brought in that a trial run was made of.

    :raises NotAllowedError: where none was, or it came to nothing
    """
    if export.stage != Stage.LOOKED and (export.stage != Stage.BRINGING or under_way(export)):
        raise NotAllowedError("not_now")
    export.stage = Stage.BRINGING
    export.save(update_fields=["stage"])
    _later(export, dry_run=False)


def drop(export: Export) -> None:
    """Throw an export away that has not come in.

    :raises NotAllowedError: where it has, or is under way
    """
    if export.stage in {Stage.BROUGHT, Stage.BRINGING} or under_way(export):
        raise NotAllowedError("not_now")
    shutil.rmtree(_place(export).parent, ignore_errors=True)
    export.stage = Stage.DROPPED
    export.save(update_fields=["stage"])


def run(person: UUID, number: UUID, *, dry_run: bool) -> None:
    """Make the trial run, or bring the rows into the books that they belong to; what becomes of it is kept."""
    with transaction.atomic():
        look(person)
        export = Export.objects.select_related("person").get(pk=number)
        text = Routes.objects.get(person=person).text
        books = theirs(export.person)
    if export.stage != (Stage.LOOKING if dry_run else Stage.BRINGING):
        return  # somebody has asked for something else meanwhile
    try:
        with tempfile.TemporaryDirectory() as work:
            routes = _written(Path(work), text, books)
            routed = import_routed(
                routes,
                _place(export),
                read_mapping(export.mapping),
                by=export.person.name,
                at=datetime.now(UTC),
                dry_run=dry_run,
                sides={_folder(place): place.side for place in books.values() if place.side is not None},
            )
            folders = list(dict.fromkeys(rule.book for rule in read_routes(routes)))
    except (UnusableSourceError, UnusableBookError, UnusableMappingError, BusyBookError, OSError) as error:
        changes: dict[str, Any] = {"stage": Stage.REFUSED, "why": _sentence(error, export, books)}
    else:
        names = {_folder(place): name for name, place in books.items()}
        told = _told(routed, [names[folder] for folder in folders])
        changes = {"stage": Stage.LOOKED if dry_run else Stage.BROUGHT, "outcome": told, "why": ""}
    with transaction.atomic():
        look(person)
        Export.objects.filter(pk=number).update(**changes)
    if changes["stage"] == Stage.BROUGHT:
        for folder, outcome in zip(folders, routed.outcomes, strict=True):
            _tell(person, UUID(folder.name), export, outcome)
        shutil.rmtree(_place(export).parent, ignore_errors=True)


def _tell(person: UUID, relationship: UUID, export: Export, outcome: Outcome) -> None:
    """Both sides of a relationship learn that a file came, and of nothing but its own rows."""
    with transaction.atomic():
        place = stand(person, relationship)
        if place is None or place.side is None or outcome.already is not None:
            return
        owner = read_definition(folder_of(relationship)).private_owner(outcome.table)
        counts = {name: getattr(outcome.delivery, name) for name in COUNTS}
        shared = outcome.shared or outcome.delivery
        # As of any other file: one of which the other side sees no row stays unknown to it.
        own = owner is not None or (not shared.rows_in and bool(outcome.delivery.rows_in))
        Delivery.objects.create(
            relationship=place.relationship,
            side=place.side.value,
            person=place.membership.person,
            name=export.name,
            size=0,
            mapping=export.mapping,
            stage=Stage.BROUGHT,
            private=own,
            outcome={
                "table": outcome.table,
                "number": outcome.delivery.number,
                "counts": counts,
                "shared_counts": {name: getattr(shared, name) for name in COUNTS},
            },
        )
        note(place, "brought in", export.name, crosses=not own)


def _told(routed: Routed, names: list[str]) -> dict[str, Any]:
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


def _folder(place: Standing) -> Path:
    return folder_of(place.relationship.pk)


def _place(export: Export) -> Path:
    return Path(settings.DATA) / "uploads" / "exports" / str(export.pk) / safe(export.name)


def _later(export: Export, *, dry_run: bool) -> None:
    person, number = str(export.person_id), str(export.pk)
    transaction.on_commit(
        lambda: app.configure_task("books.route").defer(person=person, export=number, dry_run=dry_run)
    )


def _sentence(error: Exception, export: Export, books: Mapping[str, Standing]) -> str:
    text = " ".join(str(error).split()).replace(str(_place(export)), export.name)
    for name, place in books.items():
        text = text.replace(str(_folder(place)), name)
    return text[:_SAID]
