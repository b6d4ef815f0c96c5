"""A relationship's book, opened for whoever is looking, and what may be told of it."""

import contextlib
import hashlib
import os
import pickle
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from filelock import FileLock
from procrastinate.contrib.django.models import ProcrastinateJob

import comity
from comity.apps.books.models import UNDER_WAY, Delivery, Export, Hold, Mark, Routes, Stage
from comity.apps.parties.models import Person
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.book.coverage import Coverage
from comity.book.definition import FILE, Definition, UnusableBookError, read_definition
from comity.book.importing.provenance import Delivery as Import
from comity.book.importing.provenance import origins
from comity.book.importing.rejects import Reject, kept_rejects
from comity.book.importing.storing import held
from comity.book.lateness import lateness_in
from comity.book.opening import Book, open_book
from comity.book.tables import MONTHLY, TABLES
from comity.core.values import Side, Viewer

T = TypeVar("T")
_KEPT = 120  # answers a relationship and viewer, the latest made
_EXPORTS = 20
_TOLD = 200  # rejects on a page; the file has them all
QUEUE = "records"  # of jobs
SILENT = timedelta(minutes=1)  # a worker that has not been heard of for so long has gone; it speaks every ten seconds
_LATELY = 64  # answers that a process has at hand


class NoBookError(LookupError):
    """A relationship whose records have not begun."""


def folder_of(relationship: UUID) -> Path:
    """Where a relationship's book lies; it may not be there yet."""
    return Path(settings.BOOKS) / str(relationship)


def why(standing: Standing, error: Exception) -> str:
    """What is wrong with the records, without where they lie."""
    return str(error).replace(f"{folder_of(standing.relationship.pk)}", "the book")


def has_book(standing: Standing) -> bool:
    """Whether there is one."""
    return (folder_of(standing.relationship.pk) / FILE).is_file()


def definition(standing: Standing) -> Definition:
    """What was agreed.

    :raises NoBookError: where there is no book
    """
    if not has_book(standing):
        raise NoBookError
    folder = folder_of(standing.relationship.pk)
    known = (folder / FILE).stat()
    return _definition(folder, known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=512)
def _definition(folder: Path, changed: int, size: int) -> Definition:  # noqa: ARG001 - they tell one from the next
    """As it is written: read once for each time that it is written."""
    return read_definition(folder)


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
    side = None if joint else standing.viewer.side
    if side is None:
        return "joint"
    # What the side does not keep to itself, all of it see or none: it makes no difference between its roles.
    private = definition(standing).private.get(side)
    closed = standing.closed_tables & set(private.tables) if private else ()
    return "-".join([side.value, *sorted(closed)])


def state(standing: Standing, *, joint: bool = False) -> str:
    """A digest of what the viewer's review is made from: the shared files, and the own side's."""
    side = None if joint else standing.viewer.side
    digest = hashlib.sha256()
    for name, found in sorted(_files(folder_of(standing.relationship.pk))):
        parts = name.split("/")
        theirs = parts[0] == "private" and (side is None or parts[1:2] != [side.value])
        if not theirs:
            digest.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(folder: Path, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every file of a book by its name in it, but for hidden ones; every page asks, so with few calls."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _files(Path(entry.path), f"{below}{entry.name}/")
        else:
            with contextlib.suppress(FileNotFoundError):  # replaced just now
                yield below + entry.name, entry.stat()


def zone(standing: Standing) -> str:
    """The time zone in which the relationship's clocks run: the book's, or UTC where none can be opened."""
    try:
        return definition(standing).timezone
    except (NoBookError, UnusableBookError):
        return "UTC"


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


@lru_cache(maxsize=_LATELY)
def _lately(file: Path, written: int) -> Any:  # noqa: ANN401, ARG001 - whatever was made, and when
    """What a file says; shared by all who see the same, and so never changed."""
    return pickle.loads(file.read_bytes())  # noqa: S301 - we alone write there


def _kept(file: Path) -> Any:  # noqa: ANN401 - whatever was made
    try:
        return _lately(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except Exception:  # noqa: BLE001 - an earlier version of ours wrote it; it is made again
        return None


def _age(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def privately(agreed: Definition, side: Side) -> list[str]:
    """What a side keeps to itself, as `book.toml` says it."""
    kept = agreed.private.get(side)
    if kept is None:
        return []
    columns = [f"{table}.{column}" for table, column in kept.columns]
    return [*kept.tables, *columns, *(f"{row.table}[{row.column}={row.value}]" for row in kept.rows)]


def both_have(standing: Standing, item: str) -> bool:
    """Whether records that an item names lie where both sides read them: what was shared cannot be taken back."""
    name, column, value = _parts(item)
    with opened(standing, joint=True) as book:
        if not book.has(name):
            return False
        found = book.table(name)
        if column is None:
            return True
        if column not in found.columns:
            return False
        chosen = found[column].notnull() if value is None else found[column].cast("string") == value
        return bool(found.filter(chosen).count().to_pyarrow().as_py())


def _parts(item: str) -> tuple[str, str | None, str | None]:
    """Of table, table.column or table[column=value]."""
    table, bracket, rest = item.partition("[")
    if bracket:
        column, _, value = rest.removesuffix("]").partition("=")
        return table, column, value
    table, _, column = item.partition(".")
    return table, column or None, None


def marks(standing: Standing) -> list[dict[str, Any]]:
    """What each side holds back and tells the other of: the item, why, and when that is looked at again.

    What it keeps without a word is listed for those of its own who may read it, so that they give a reason.
    """
    if not has_book(standing):
        return []
    known = {(one.side, one.item): one for one in Mark.objects.filter(relationship=standing.relationship)}
    agreed = definition(standing)
    return [
        {"side": side, "item": item, "mark": known.get((side.value, item))}
        for side in Side
        for item in privately(agreed, side)
        if (side.value, item) in known
        or (side is standing.viewer.side and _parts(item)[0] not in standing.closed_tables)
    ]


def may_undo(standing: Standing, delivery: Delivery) -> bool:
    """Whether what a file brought could be taken back: nothing came after it, and no period was frozen since."""
    if delivery.stage != Stage.BROUGHT or delivery.side != standing.side or "number" not in delivery.outcome:
        return False
    if not delivery.private and Hold.objects.filter(relationship=standing.relationship, at__gt=delivery.at).exists():
        return False
    last = held(folder_of(standing.relationship.pk), TABLES[delivery.outcome["table"]]).deliveries
    return bool(last) and last[-1].number == delivery.outcome["number"]


def lateness_of(standing: Standing) -> list[dict[str, Any]]:
    """Each agreed delivery, by whom and by when, and whether the last one due has come."""

    def make() -> list[dict[str, Any]]:
        with opened(standing) as book:
            now = datetime.now(UTC)
            return [asdict(one) for one in lateness_in(book, Coverage(book, now.date()), origins(book), now)]

    return worked_out(standing, ("lateness", datetime.now(UTC).hour), make)


def tables(standing: Standing) -> list[dict[str, Any]]:
    """What is in the book for the viewer: each table with its rows, those set aside, and what came last by whom."""
    return worked_out(standing, ("tables",), lambda: _tables(standing))


def _tables(standing: Standing) -> list[dict[str, Any]]:
    with opened(standing) as book:
        found = {origin.table: origin for origin in origins(book)}
        reach = Coverage(book, datetime.now(UTC).date())
        return [
            {
                "name": holding.table.name,
                "reach": _reach(reach, holding.table.name),
                "rows": holding.rows,
                "rejected": found[holding.table.name].rejected,
                "owner": book.definition.private_owner(holding.table.name),
                "last": found[holding.table.name].deliveries[-1] if found[holding.table.name].deliveries else None,
            }
            for holding in book
        ]


def _reach(coverage: Coverage, table: str) -> dict[str, Any] | None:
    """From when to when a table tells of days, and which of them are missing; None for one that tells of none."""
    if coverage.last_day(table) is None:
        return None
    days = coverage.days(table)
    return {"first": days[0], "last": coverage.last_day(table), "gaps": gaps(days, monthly=table in MONTHLY)}


def gaps(days: Sequence[date], *, monthly: bool) -> list[tuple[date, date]]:
    """Spans without a row, among days of the week that usually have one; of monthly tables, months.

    A weekday counts as usual where more than half of its days between the first and the last have a row.
    """
    if monthly:
        wanted = [day for day in _each(days[0], days[-1]) if day.day == days[0].day]
    else:
        span = list(_each(days[0], days[-1]))
        there, all_ = Counter(day.weekday() for day in days), Counter(day.weekday() for day in span)
        wanted = [day for day in span if 2 * there[day.weekday()] > all_[day.weekday()]]
    known, found = set(days), list[tuple[date, date]]()
    joined = False
    for day in wanted:
        if day in known:
            joined = False
        elif joined:
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
            joined = True
    return found


def _each(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def deliveries(standing: Standing) -> QuerySet[Delivery]:
    """Files that the viewer may know of, the newest first: for some roles only what both sides know of."""
    found = Delivery.objects.select_related("person").filter(relationship=standing.relationship)
    if not standing.may(Action.READ_OWN):
        found = found.filter(stage=Stage.BROUGHT, private=False)
    found = found.exclude(_closed(standing))
    return found.exclude(stage=Stage.DROPPED)[:50]


def delivery(standing: Standing, number: UUID) -> Delivery | None:
    """A file that the viewer may know of."""
    known = Delivery.objects.select_related("person").filter(relationship=standing.relationship, pk=number)
    found = known.exclude(_closed(standing)).first()
    shared = found is not None and found.stage == Stage.BROUGHT and not found.private
    return found if shared or standing.may(Action.READ_OWN) else None


def _closed(standing: Standing) -> Q:
    """Others' files of the own side's tables that the role does not read."""
    return Q(private=True, outcome__table__in=sorted(standing.closed_tables)) & ~Q(person=standing.membership.person)


def routes(person: Person) -> str:
    """Somebody's rules for exports that hold several relationships."""
    found = Routes.objects.filter(person=person).first()
    return "" if found is None else found.text


def exports(person: Person) -> QuerySet[Export]:
    """Somebody's last exports."""
    return Export.objects.filter(person=person).exclude(stage=Stage.DROPPED)[:_EXPORTS]


def export(person: Person, number: UUID) -> Export | None:
    """One of somebody's exports."""
    return Export.objects.filter(pk=number, person=person).exclude(stage=Stage.DROPPED).first()


def under_way(one: Delivery | Export) -> bool:
    """Whether it is worked on, or will be; what broke off, or was asked for by who has left, waits for others."""
    if one.stage not in UNDER_WAY:
        return False
    asked = {"export" if isinstance(one, Export) else "delivery": str(one.pk)}
    jobs = ProcrastinateJob.objects.filter(queue_name=QUEUE, args__contains=asked)
    # One whose worker has gone is nobody's: until the room is started again, when it is begun anew.
    lives = Q(status="doing", worker__last_heartbeat__gt=timezone.now() - SILENT)
    return jobs.filter(Q(status="todo") | lives).exists()


def came_in(delivery: Delivery) -> bool:
    """Whether the book remembers a file of this name since it was brought here, whatever became of who asked."""
    table = TABLES.get(str(delivery.outcome.get("table")))
    if table is None:
        return False
    known = held(folder_of(delivery.relationship_id), table).deliveries
    return any(one.file == file_of(delivery).name and one.at >= delivery.at for one in known)


def file_of(delivery: Delivery) -> Path:
    """Where a file waits: alone in a folder that says nothing, under its own name, which the book remembers."""
    folder = Path(settings.DATA) / "uploads" / str(delivery.relationship_id) / delivery.side / str(delivery.pk)
    return folder / safe(delivery.name)


def safe(name: str) -> str:
    """A file's name, of signs that lead nowhere."""
    return re.sub(r"[^\w.() -]", "_", name)[-120:].lstrip(".") or "file"


def reason(delivery: Delivery, number: int) -> dict[str, Any] | None:
    """One of the reasons why rows of a delivery were set aside, by its place among them, from 1; None for all."""
    reasons = delivery.outcome.get("by_reason") or []
    return reasons[number - 1] if 0 < number <= len(reasons) else None


def rejects(standing: Standing, delivery: Delivery, only: dict[str, Any] | None = None) -> Iterator[Reject]:
    """The rows of a delivery that were set aside, as far as the viewer may know.

    :param only: those of one reason
    """
    number, table = delivery.outcome.get("number"), delivery.outcome.get("table")
    if delivery.stage != Stage.BROUGHT or number is None or table is None:
        return iter(())
    found = kept_rejects(folder_of(standing.relationship.pk), str(table), int(number), standing.viewer.side)
    return _of(found, only)


def _of(found: Iterable[Reject], only: dict[str, Any] | None) -> Iterator[Reject]:
    return (one for one in found if only is None or (one.column, one.reason) == (only["column"], only["reason"]))


REJECTS = ("file", "line", "column", "value", "reason")


def reject_rows(standing: Standing, delivery: Delivery, number: int) -> Iterator[tuple[object, ...]]:
    """The same as a table, as `REJECTS` names it: of one reason, by its place, or of all."""
    found = rejects(standing, delivery, reason(delivery, number))
    return ((delivery.name, one.line, one.column, one.value, one.reason) for one in found)


def rejects_told(standing: Standing, delivery: Delivery, only: dict[str, Any] | None) -> list[Reject]:
    """The first of them: once a file has come in of all that is kept, before of what was told when it was looked at."""
    if delivery.stage == Stage.BROUGHT:
        return list(islice(rejects(standing, delivery, only), _TOLD))
    return list(_of((Reject(delivery.name, **one) for one in delivery.outcome.get("rejects") or []), only))


def told_to_others(delivery: Delivery) -> dict[str, Any]:
    """What those may know of a delivery whose it is not: the table, and the counts of the rows that both sides see."""
    outcome = delivery.outcome
    return {"table": outcome.get("table"), "counts": outcome.get("shared_counts", outcome.get("counts", {}))}


def came_before(standing: Standing, delivery: Import) -> bool:
    """Whether this very file has come in before, by the same mapping."""
    known = (delivery.digest, delivery.mapping_digest)
    with opened(standing) as book:
        return any((one.digest, one.mapping_digest) == known for origin in origins(book) for one in origin.deliveries)
