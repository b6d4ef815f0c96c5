"""Records into a relationship's book: files that people bring, and what the room itself writes there."""

import contextlib
import csv
import json
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import tomlkit
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from comity.apps.books.models import Delivery, Hold, KeptMapping, Mark, Stage
from comity.apps.books.queries import SILENT, both_have, came_before, came_in, file_of, folder_of, privately, under_way
from comity.apps.parties.operations import note
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing, standing
from comity.book.definition import FILE, UnusableBookError, read_definition
from comity.book.importing.committing import BusyBookError, locked
from comity.book.importing.drafting import draft
from comity.book.importing.importing import Outcome, import_source
from comity.book.importing.mapping import Mapping as SourceMapping
from comity.book.importing.mapping import UnusableMappingError, identity, read_mapping, shipped
from comity.book.importing.reading_mappings import parse
from comity.book.importing.recognising import recognised
from comity.book.importing.section import UnusableSourceError
from comity.book.importing.undoing import NotTheLastError
from comity.book.importing.undoing import undo as take_back
from comity.book.tables import TABLES
from comity.core.values import Side

_STEP = 20_000  # rows between two words of how far it is
_KEPT_ROWS = 200  # rejects told on the page; the file has them all
COUNTS = ("rows_in", "new", "unchanged", "updated", "withdrawn", "rejected", "collapsed", "superseded")
_PATIENCE_S, LATER_S = 3.0, 20  # how long the room waits for its turn in a book, and when it tries again
_WRITE = "books.write"
_SAID = 1000  # signs of why something is of no use

BOOK = """[book]
name = {name}
timezone = {timezone}
currency = {currency}
[parties.customer]
id = {customer_id}
name = {customer}
[parties.provider]
id = {provider_id}
name = {provider}
"""


class NotAllowedError(ValueError):
    """Something that this person may not do, or not now; the word names the sentence."""


def begin_book(standing: Standing, timezone: str, currency: str) -> None:
    """The book of a relationship that has none, with nothing agreed in it yet.

    :raises UnusableBookError: for a zone or a currency that is none
    """
    folder = folder_of(standing.relationship.pk)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    names = {side: standing.relationship.organisation(side).name for side in Side}
    values = {
        "name": str(standing.relationship),
        "timezone": timezone,
        "currency": currency,
        **{f"{side.value}_id": side.value for side in Side},
        **{side.value: name for side, name in names.items()},
    }
    file = folder / FILE
    new = folder / f"{FILE}.new"
    new.write_text(BOOK.format(**{name: _quoted(value) for name, value in values.items()}), encoding="utf-8")
    tomllib.loads(new.read_text(encoding="utf-8"))
    if not file.exists():
        new.rename(file)
    new.unlink(missing_ok=True)
    try:
        read_definition(folder)
    except UnusableBookError:
        file.unlink(missing_ok=True)
        raise
    note(standing, "began the book", crosses=True)


def receive(standing: Standing, upload: "UploadedFile[Any]") -> Delivery:
    """Take a file, find out what it is, and have it looked at.

    :raises NotAllowedError: for those on neither side, and for a file that is too large
    """
    side = standing.side
    if side is None or not standing.may(Action.BRING):
        raise NotAllowedError("not_yours")
    made = Delivery(
        relationship=standing.relationship,
        side=side.value,
        person=standing.membership.person,
        name=Path(upload.name or "file").name[:200],
        size=upload.size or 0,
    )
    place = file_of(made)
    put_down(upload, place)
    try:
        kept = _kept(made)
        fits = recognised(place, [mapping for mapping, _ in kept.values()])
    except UnusableSourceError as error:
        made.stage, made.why = Stage.REFUSED, _sentence(error, made)
        made.save(force_insert=True)
        return made
    made.outcome = {"fits": [fit.mapping for fit in fits[:5]]}
    best = fits[0].mapping if fits else ""
    made.mapping, made.text = ("", kept[best][1]) if best in kept else (best, "")
    made.stage = Stage.LOOKING if fits else Stage.LOOKED
    if not fits:
        made.text = draft(place)
    made.save(force_insert=True)
    note(standing, "uploaded", made.name)
    if fits:
        _later("books.look", made, standing)
    return made


def put_down(upload: "UploadedFile[Any]", place: Path) -> None:
    """Keep a file where only the room reads it.

    :raises NotAllowedError: for one that is too large
    """
    if (upload.size or 0) > settings.LARGEST_UPLOAD:
        raise NotAllowedError("too_large")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with place.open("wb") as out:
        for chunk in upload.chunks():
            out.write(chunk)
    place.chmod(0o600)


def choose(standing: Standing, delivery: Delivery, mapping: str, text: str) -> None:
    """Say what a file is: a known format, or a mapping of one's own, and have it looked at.

    :raises UnusableMappingError: for a mapping that cannot be used, in one sentence
    :raises NotAllowedError: while it is under way, or has come in
    """
    if delivery.stage not in {Stage.LOOKED, Stage.REFUSED, Stage.LOOKING} or under_way(delivery):
        raise NotAllowedError("not_now")
    delivery.mapping, delivery.text = ("", text) if text.strip() else (mapping, "")
    _mapping(delivery)
    delivery.stage, delivery.why, delivery.rows = Stage.LOOKING, "", 0
    delivery.save()
    if delivery.text:
        KeptMapping.objects.update_or_create(
            relationship=delivery.relationship,
            side=delivery.side,
            name=Path(delivery.name).stem[:60],
            defaults={"text": delivery.text},
        )
    _later("books.look", delivery, standing)


def bring(standing: Standing, delivery: Delivery) -> None:
    """Have a file brought in that was looked at, or that broke off on its way in: nothing comes in twice.

    :raises NotAllowedError: where it was not, or is of no use
    """
    ready = delivery.stage == Stage.LOOKED or (delivery.stage == Stage.BRINGING and not under_way(delivery))
    if not standing.may(Action.BRING) or not ready or not (delivery.mapping or delivery.text):
        raise NotAllowedError("not_now")
    delivery.stage, delivery.rows = Stage.BRINGING, 0
    delivery.save(update_fields=["stage", "rows"])
    _later("books.bring", delivery, standing)


def drop(delivery: Delivery) -> None:
    """Throw a file away that has not come in.

    :raises NotAllowedError: where it has, or is under way
    """
    came = delivery.stage == Stage.BROUGHT or (delivery.stage == Stage.BRINGING and came_in(delivery))
    if came or under_way(delivery):
        raise NotAllowedError("not_now")
    _remove(delivery)
    delivery.stage = Stage.DROPPED
    delivery.save(update_fields=["stage"])


def undo(standing: Standing, delivery: Delivery) -> None:
    """Take back what a file of the own side brought, as if it had never come.

    :raises NotAllowedError: where it has not come in, a period was frozen since, something came into the table after
        it, or another import is under way
    """
    if not standing.may(Action.BRING) or delivery.side != standing.side or delivery.stage != Stage.BROUGHT:
        raise NotAllowedError("not_now")
    if not delivery.private and Hold.objects.filter(relationship=standing.relationship, at__gt=delivery.at).exists():
        raise NotAllowedError("held")
    try:
        take_back(folder_of(standing.relationship.pk), delivery.outcome["table"], delivery.outcome["number"])
    except NotTheLastError:
        raise NotAllowedError("not_last") from None
    except (BusyBookError, KeyError):
        raise NotAllowedError("not_now") from None
    delivery.stage = Stage.UNDONE
    delivery.save(update_fields=["stage"])
    note(standing, "took back", delivery.name, crosses=not delivery.private)


def hold(standing: Standing, period: str) -> None:
    """Keep what has come in from being taken back: a period that may rest on it was frozen."""
    Hold.objects.create(relationship=standing.relationship, period=period)


def mark_private(standing: Standing, item: str, reason: str, review_on: date) -> Mark:
    """Hold something back from the other side, from now on; or say anew why and until when what is held back already.

    :raises NotAllowedError: without the right, for what the book does not know, what both sides have already, and for
        a day that has passed
    """
    side = standing.side
    if side is None or not standing.may(Action.BRING) or not standing.may(Action.READ_OWN):
        raise NotAllowedError("not_yours")
    if review_on < timezone.now().date():
        raise NotAllowedError("day_passed")
    folder = folder_of(standing.relationship.pk)
    try:
        with locked(folder):
            if item not in privately(read_definition(folder), side):
                if both_have(standing, item):
                    raise NotAllowedError("shared_already")
                _write_private(folder, side, item)
    except BusyBookError:
        raise NotAllowedError("not_now") from None
    said = {
        "reason": reason.strip(),
        "review_on": review_on,
        "person": standing.membership.person,
        "at": timezone.now(),
    }
    made, _ = Mark.objects.update_or_create(
        relationship=standing.relationship, side=side.value, item=item, defaults=said
    )
    note(standing, "held back", f"{item}, {review_on}", crosses=True)
    return made


def _write_private(folder: Path, side: Side, item: str) -> None:
    """Add an item to `[private]`, with all else as people wrote it.

    :raises NotAllowedError: where the book could not be read with it
    """
    said = tomlkit.parse((folder / FILE).read_text(encoding="utf-8"))
    section = said.setdefault("private", tomlkit.table())
    section[side.value] = [*section.get(side.value, []), item]
    with tempfile.TemporaryDirectory() as tried:
        (Path(tried) / FILE).write_text(tomlkit.dumps(said), encoding="utf-8")
        try:
            read_definition(Path(tried))
        except UnusableBookError:
            raise NotAllowedError("no_item") from None
    new = folder / f"{FILE}.new"
    new.write_text(tomlkit.dumps(said), encoding="utf-8")
    new.replace(folder / FILE)


def run(person: UUID, relationship: UUID, number: UUID, *, dry_run: bool) -> None:
    """Look at a file, or bring it in; how far it is is told on the way, whatever becomes of it is kept."""
    with standing(person, relationship) as place:
        delivery = Delivery.objects.select_related("person").get(pk=number)
        zone_of = read_definition(folder_of(relationship))
        by = place.membership.person.name
    if delivery.stage != (Stage.LOOKING if dry_run else Stage.BRINGING):
        return  # somebody has asked for something else meanwhile

    def tell(rows: int) -> None:
        with standing(person, relationship):
            Delivery.objects.filter(pk=number).update(rows=rows)

    try:
        mapping = _mapping(delivery)
        outcome = import_source(
            folder_of(relationship),
            file_of(delivery),
            mapping,
            by=by,
            at=datetime.now(UTC),
            dry_run=dry_run,
            progress=_counted(tell),
            side=Side(delivery.side),
        )
    except (UnusableSourceError, UnusableBookError, UnusableMappingError, BusyBookError, OSError) as error:
        changes: dict[str, Any] = {"stage": Stage.REFUSED, "why": _sentence(error, delivery)}
    else:
        owner = zone_of.private_owner(outcome.table)
        told = delivery.outcome | _told(outcome, delivery)
        stage = Stage.LOOKED if dry_run else Stage.BROUGHT
        # A file of which the other side sees no row stays unknown to it.
        alone = outcome.shared is not None and not outcome.shared.rows_in and bool(outcome.delivery.rows_in)
        changes = {"stage": stage, "outcome": told, "private": owner is not None or alone, "why": ""}
    with standing(person, relationship) as place:
        if changes["stage"] == Stage.LOOKED:
            changes["outcome"]["already"] = came_before(place, outcome.delivery)
        asked_for = Delivery.objects.filter(pk=number)
        # What is in the book is in it; a look is told to whoever still wants it.
        (asked_for if changes["stage"] == Stage.BROUGHT else asked_for.filter(stage=delivery.stage)).update(**changes)
        if changes["stage"] == Stage.BROUGHT:
            note(place, "brought in", delivery.name, crosses=not changes["private"])
            _remove(delivery)


def write_rows(relationship: UUID, table: str, rows: Sequence[Mapping[str, str]], at: datetime) -> None:
    """Rows that the room knows into a table of the book, by their keys; what is there already stays as it is.

    Does nothing where there is no book yet. As every import, all or nothing, and remembered with when it came. While
    somebody's file is on its way in, it is done a little later, and what comes after it waits for it.

    :raises comity.book.importing.section.UnusableSourceError: for rows that break the table's rules
    """
    asked = {"relationship": str(relationship)}
    waiting = ProcrastinateJob.objects.filter(task_name=_WRITE, status__in=("todo", "doing"), args__contains=asked)
    if not waiting.exists():
        try:
            write_rows_now(relationship, table, rows, at)
        except BusyBookError:
            pass
        else:
            return
    later = app.configure_task(_WRITE, lock=f"{_WRITE} {relationship}", schedule_in={"seconds": LATER_S})
    later.defer(**asked, table=table, rows=[dict(row) for row in rows], at=at.isoformat())


def begin_again() -> None:
    """What the room itself writes is done by another worker where the one that was at it has gone: no row comes twice.

    Files are left to people, for one that is too much for a worker would be too much for the next.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'todo' WHERE status = 'doing' AND task_name = %s AND NOT EXISTS ("
            "SELECT 1 FROM procrastinate_workers w WHERE w.id = worker_id AND w.last_heartbeat > %s)",
            [_WRITE, timezone.now() - SILENT],
        )


def write_rows_now(relationship: UUID, table: str, rows: Sequence[Mapping[str, str]], at: datetime) -> None:
    """The same, at once.

    :raises BusyBookError: while somebody's file is on its way in
    """
    folder = folder_of(relationship)
    if not rows or not (folder / FILE).is_file():
        return
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "room.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        mapping = identity(table)
        import_source(folder, file, mapping, by="the room", at=at, max_rejects=0.0, patience_s=_PATIENCE_S)


def _kept(delivery: Delivery) -> dict[str, tuple[SourceMapping, str]]:
    """The mappings that the side has made for its own files, by name; one that no longer reads is passed over."""
    found = {}
    for one in KeptMapping.objects.filter(relationship=delivery.relationship, side=delivery.side):
        with contextlib.suppress(UnusableMappingError):
            found[one.name] = (parse(one.text, one.name, None, one.name), one.text)
    return found


def _later(task: str, delivery: Delivery, standing: Standing) -> None:
    """In the background, once this transaction is kept, from the place of who asks: others may have left meanwhile."""
    asked = {"person": str(standing.membership.person_id), "relationship": str(delivery.relationship_id)}
    transaction.on_commit(lambda: app.configure_task(task).defer(**asked, delivery=str(delivery.pk)))


def _remove(delivery: Delivery) -> None:
    shutil.rmtree(file_of(delivery).parent, ignore_errors=True)


def _mapping(delivery: Delivery) -> SourceMapping:
    if delivery.text:
        return parse(delivery.text, delivery.name, None, Path(delivery.name).stem)
    if delivery.mapping not in {*shipped(), *TABLES}:
        raise UnusableMappingError("say what the file is: choose a format, or write a mapping")
    return read_mapping(delivery.mapping)


def _counted(tell: Callable[[int], None]) -> Callable[[int], None]:
    """Adds up, and tells every so often."""
    total = told = 0

    def count(rows: int) -> None:
        nonlocal total, told
        total += rows
        if total - told >= _STEP:
            told = total
            tell(total)

    return count


def _told(outcome: Outcome, delivery: Delivery) -> dict[str, Any]:
    came = outcome.delivery
    names = dict.fromkeys(name for row in outcome.first_rows for name in row if not name.startswith("_"))
    return {
        "table": outcome.table,
        "number": came.number,
        "already": outcome.already is not None,
        "counts": {name: getattr(came, name) for name in COUNTS},
        "shared_counts": {name: getattr(outcome.shared or came, name) for name in COUNTS},
        "by_reason": [
            {"column": column, "reason": reason, "rows": rows} for (column, reason), rows in outcome.by_reason.items()
        ],
        "rejects": [
            {"line": one.line, "column": one.column, "value": one.value, "reason": one.reason}
            for one in outcome.rejects[:_KEPT_ROWS]
        ],
        "first_rows": [list(names), *([row.get(name, "") for name in names] for row in outcome.first_rows)],
        "notes": [text.replace(file_of(delivery).name, delivery.name) for text in outcome.notes],
    }


def _sentence(error: Exception, delivery: Delivery) -> str:
    """What went wrong, with the file's own name in place of where it waits."""
    text = " ".join(str(error).split())
    for place, name in ((str(file_of(delivery)), delivery.name), (file_of(delivery).name, delivery.name)):
        text = text.replace(place, name)
    return text.replace(str(folder_of(delivery.relationship_id)), "the book")[:_SAID]


def _quoted(text: str) -> str:
    """A text as TOML writes it; JSON's strings are TOML's too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
