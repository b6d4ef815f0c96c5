"""A relationship's book, opened for whoever is looking, and what may be told of it."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from comity.apps.books.models import UNDER_WAY, Delivery, Export, Hold, Mark, MarkStep, Routes, Stage
from comity.apps.books.refusals import Code
from comity.apps.outbox.operations import HEARTBEAT_TIMEOUT
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership, Person, Role
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.book.definition import FILE, Definition, UnusableBookError, read_definition
from comity.book.errors import UnusableFileError
from comity.book.importing.current import current_table
from comity.book.importing.undo import may_be_undone
from comity.book.mappings.digest import mapping_digests
from comity.book.mappings.model import SourceMapping
from comity.book.reading.open import Book, open_book
from comity.book.reading.origins import origins
from comity.book.storage.journal import ImportRecord
from comity.book.tables import TABLES
from comity.book.validation.rejects import Reject, rejects_of_import
from comity.core.values import Side, Viewer

T = TypeVar("T")
_EXPORTS = 20
_STEPS = 50  # changes of what is held back, on a page
_TOLD = 200  # rejects on a page; the file has them all
BOOK_NAME = "the book"  # what people call its folder
QUEUE, UNDO = "records", "books.undo"  # of jobs, and the task that takes a delivery back


class NoBookError(Refused):
    """A relationship whose records have not begun."""

    def __init__(self) -> None:
        """Nothing more is known of it."""
        super().__init__(Code.NO_BOOK)


def folder_of(relationship: UUID) -> Path:
    """Where a relationship's book lies; it may not be there yet."""
    return Path(settings.BOOKS) / str(relationship)


def sentence(error: UnusableFileError | OSError, names: Mapping[Path, str]) -> str:
    """What is wrong, with files called as people know them, and without where they lie.

    :param names: what people call a file, or a folder that files lie in
    """
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return " ".join(error.called(_known_name(error.file, names)).split())


def _known_name(file: Path | str, names: Mapping[Path, str]) -> str:
    if not str(file):
        return ""
    path = Path(file)
    for known, name in names.items():
        if path == known:
            return name
        if path.is_relative_to(known):
            return f"{name}/{path.relative_to(known).as_posix()}"
    return path.name


def why(member: MemberContext, error: Exception) -> str:
    """What is wrong with the records; empty where they have not begun."""
    if isinstance(error, UnusableFileError):
        return sentence(error, {folder_of(member.relationship.pk): BOOK_NAME})
    return "" if isinstance(error, Refused) else str(error)


def has_book(member: MemberContext) -> bool:
    """Whether there is one."""
    return (folder_of(member.relationship.pk) / FILE).is_file()


def definition(member: MemberContext) -> Definition:
    """What was agreed.

    :raises NoBookError: where there is no book
    """
    if not has_book(member):
        raise NoBookError
    folder = folder_of(member.relationship.pk)
    known = (folder / FILE).stat()
    return _definition(folder, known.st_mtime_ns, known.st_size)


@lru_cache(maxsize=512)
def _definition(folder: Path, changed: int, size: int) -> Definition:  # noqa: ARG001 - they tell one from the next
    """As it is written: read once for each time that it is written."""
    return read_definition(folder)


def opened(member: MemberContext) -> Book:
    """The book, for the viewer alone.

    :raises NoBookError: where there is no book
    """
    agreed = definition(member)
    viewer = member.viewer
    book = open_book(folder_of(member.relationship.pk), Viewer(viewer.person, agreed.relationship, viewer.side))
    for name in member.closed_tables:
        if agreed.private_owner(name) is not None:
            book.close_table(name)
    return book


def zone(member: MemberContext) -> str:
    """The time zone in which the relationship's clocks run: the book's, or UTC where none can be opened."""
    try:
        return definition(member).timezone
    except (NoBookError, UnusableBookError):
        return "UTC"


def items_kept(member: MemberContext) -> dict[Side, list[str]]:
    """What each side keeps to itself, as `book.toml` says it, also of a book that says too much to be opened.

    :raises NoBookError: where there is no book
    """
    file = folder_of(member.relationship.pk) / FILE
    try:
        section = tomllib.loads(file.read_text(encoding="utf-8")).get("private", {})
    except FileNotFoundError:
        raise NoBookError from None
    except (OSError, ValueError):
        section = {}
    found = {}
    for side in Side:
        items = section.get(side.value, []) if isinstance(section, dict) else []
        found[side] = [one for one in items if isinstance(one, str)] if isinstance(items, list) else []
    return found


def holder(member: MemberContext, table: str) -> Side | None:
    """The side that alone adds rows to a table: named by `[[source]]`, and with somebody in the room."""
    sides = {one.by for one in definition(member).sources if one.table == table}
    if len(sides) != 1:
        return None
    side = sides.pop()
    there = Membership.objects.filter(relationship=member.relationship, side=side.value, left_at=None)
    return side if there.exists() else None


def marks(member: MemberContext) -> list[dict[str, Any]]:
    """What each side holds back and tells the other of: the item, why, and when that is looked at again.

    What it keeps without a word is listed for those of its own who may read it, so that they give a reason.
    """
    if not has_book(member):
        return []
    known = {(one.side, one.item): one for one in Mark.objects.filter(relationship=member.relationship)}
    return [
        {"side": side, "item": item, "mark": known.get((side.value, item))}
        for side, items in items_kept(member).items()
        for item in items
        if (side.value, item) in known or (side is member.viewer.side and table_of(item) not in member.closed_tables)
    ]


def table_of(item: str) -> str:
    """The table in which something lies that is held back, also where the book knows no such item."""
    return re.split(r"[.\[]", item)[0]


def mark_steps(member: MemberContext) -> QuerySet[MarkStep]:
    """Each change of what is held back, the latest first."""
    found = MarkStep.objects.filter(relationship=member.relationship).select_related("person")
    return found.order_by("-at")[:_STEPS]


def may_undo(member: MemberContext, delivery: Delivery) -> bool:
    """Whether what a file brought could be taken back: nothing came after it, and no period was frozen since."""
    if delivery.stage != Stage.BROUGHT or delivery.side != member.side or "digest" not in delivery.outcome:
        return False
    if delivery.outcome.get("already"):
        return False
    if not delivery.private and Hold.objects.filter(relationship=member.relationship, at__gt=delivery.at).exists():
        return False
    outcome = delivery.outcome
    there = current_table(folder_of(member.relationship.pk), TABLES[outcome["table"]])
    return may_be_undone(there, outcome["number"], digest=outcome["digest"], side=Side(delivery.side))


def deliveries(member: MemberContext) -> QuerySet[Delivery]:
    """Files that the viewer may know of, the newest first: for some roles only what both sides know of."""
    found = Delivery.objects.select_related("person").filter(relationship=member.relationship)
    if not member.may(Action.READ_OWN):
        found = found.filter(_SHARED)
    found = found.exclude(_closed(member))
    return found.exclude(stage=Stage.DROPPED)[:50]


def delivery(member: MemberContext, number: UUID) -> Delivery | None:
    """A file that the viewer may know of."""
    known = Delivery.objects.select_related("person").filter(relationship=member.relationship, pk=number)
    found = known.exclude(_closed(member)).first()
    shared = found is not None and found.stage in {Stage.BROUGHT, Stage.UNDONE} and not found.private
    return found if shared or member.may(Action.READ_OWN) else None


_SHARED = Q(stage__in=(Stage.BROUGHT, Stage.UNDONE), private=False)  # both sides know of it


def _closed(member: MemberContext) -> Q:
    """Others' files of the own side that the role does not read: of tables closed to it, or of no known table yet.

    What a file is, nobody knows before it was looked at; until then it is for whoever brought it, and for leads.
    """
    tables = Q(outcome__table__in=sorted(member.closed_tables))
    unknown = Q(outcome__table=None) if member.membership.role != Role.LEAD else Q(pk__in=())
    return (tables | unknown) & ~_SHARED & ~Q(person=member.membership.person)


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
    return one.stage in UNDER_WAY and _has_jobs(one)


def being_undone(delivery: Delivery) -> bool:
    """Whether a delivery is being taken back, or will be."""
    return delivery.stage == Stage.BROUGHT and _has_jobs(delivery, UNDO)


def _has_jobs(one: Delivery | Export, task: str = "") -> bool:
    asked = {"export" if isinstance(one, Export) else "delivery": str(one.pk)}
    jobs = ProcrastinateJob.objects.filter(queue_name=QUEUE, args__contains=asked)
    jobs = jobs.filter(task_name=task) if task else jobs
    # One whose worker has died is nobody's until the outbox takes it up again.
    lives = Q(status="doing", worker__last_heartbeat__gt=timezone.now() - HEARTBEAT_TIMEOUT)
    return jobs.filter(Q(status="todo") | lives).exists()


def came_in(delivery: Delivery) -> bool:
    """Whether the book remembers a file of this name since it was brought here, whatever became of who asked."""
    table = TABLES.get(str(delivery.outcome.get("table")))
    if table is None:
        return False
    known = current_table(folder_of(delivery.relationship_id), table).deliveries
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


def own(member: MemberContext, delivery: Delivery) -> bool:
    """Whether a delivery is the own side's, and the role reads what the side keeps: its cells are nobody else's."""
    return member.side is not None and delivery.side == member.side.value and member.may(Action.READ_OWN)


def rejects(member: MemberContext, delivery: Delivery, only: dict[str, Any] | None = None) -> Iterator[Reject]:
    """The rows of a delivery that were set aside, as far as the viewer may know.

    :param only: those of one reason
    """
    number, table = delivery.outcome.get("number"), delivery.outcome.get("table")
    if delivery.stage != Stage.BROUGHT or number is None or table is None or not own(member, delivery):
        return iter(())
    found = rejects_of_import(folder_of(member.relationship.pk), str(table), int(number), member.viewer.side)
    return _of(found, only)


def _of(found: Iterable[Reject], only: dict[str, Any] | None) -> Iterator[Reject]:
    return (one for one in found if only is None or (one.column, one.reason) == (only["column"], only["reason"]))


REJECTS = ("file", "line", "column", "value", "reason")


def reject_rows(member: MemberContext, delivery: Delivery, number: int) -> Iterator[tuple[object, ...]]:
    """The same as a table, as `REJECTS` names it: of one reason, by its place, or of all."""
    found = rejects(member, delivery, reason(delivery, number))
    return ((delivery.name, one.line, one.column, one.value, one.reason) for one in found)


def rejects_told(member: MemberContext, delivery: Delivery, only: dict[str, Any] | None) -> list[Reject]:
    """The first of them: once a file has come in of all that is kept, before of what was told when it was looked at."""
    if delivery.stage == Stage.BROUGHT:
        return list(islice(rejects(member, delivery, only), _TOLD))
    return list(_of((Reject(delivery.name, **one) for one in delivery.outcome.get("rejects") or []), only))


def told_to_others(delivery: Delivery) -> dict[str, Any]:
    """What those may know of a delivery whose it is not: the table, and the counts of the rows that both sides see."""
    outcome = delivery.outcome
    return {"table": outcome.get("table"), "counts": outcome.get("shared_counts", outcome.get("counts", {}))}


def came_before(member: MemberContext, record: ImportRecord, mapping: SourceMapping) -> bool:
    """Whether the own side has brought this very file before, by the same mapping."""
    digests = mapping_digests(mapping)
    with opened(member) as book:
        earlier = [one for origin in origins(book) for one in origin.deliveries]
    return any(one.is_repeated_by(record, digests) for one in earlier)
