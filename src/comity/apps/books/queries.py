"""A relationship's book, opened for the viewer, and the deliveries, exports and private items that they may see."""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.books.models import (
    UNDER_WAY,
    CompleteWord,
    Delivery,
    Export,
    Hold,
    KeptMapping,
    Mark,
    MarkStep,
    Routes,
    SharedFormat,
    Stage,
    TermsStep,
)
from comity.apps.books.refusals import Code
from comity.apps.outbox.operations import HEARTBEAT_TIMEOUT
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership, Person, Role
from comity.apps.parties.names import sanitise_name
from comity.apps.parties.reading_ahead import Place, read_ahead, rows_in
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.book.agreement import FilesState, files_state
from comity.book.definition import FILE, Definition, UnusableBookError, read_definition
from comity.book.definition_keys import DATED_TABLES, WEEKDAYS
from comity.book.errors import UnusableFileError
from comity.book.importing.current import current_table
from comity.book.importing.rejected_rows import RejectedRows, read_rows, rows_of_import
from comity.book.importing.undo import may_be_undone
from comity.book.mappings.column_samples import ColumnSample
from comity.book.mappings.digest import mapping_digests
from comity.book.mappings.match import FileColumns, Proposal, propose_table
from comity.book.mappings.model import SourceMapping, UnusableMappingError
from comity.book.mappings.parse import parse_mapping, read_mapping, shipped_mappings
from comity.book.reading.open import Book, open_book
from comity.book.reading.origins import origins
from comity.book.storage.journal import ImportRecord
from comity.book.tables import TABLES
from comity.book.validation.rejects import Reject, rejects_of_import
from comity.core.calendars import named
from comity.core.values import Period, Side, Viewer

T = TypeVar("T")
_SHOWN_EXPORTS = 20
_MAX_LISTED = 20  # files to decide on, and marks to look at again, in the inbox
_SHOWN_STEPS = 50  # changes of private items on a page
_LONGEST_NAME = 50  # of a format, as far as it is proposed
_PAIR = re.compile(r'"?(\w+)"? (?:before|above) "?(\w+)"?')
_SHOWN_REJECTS = 200  # rejects on a page; the file has them all
# Each yields the titles and URLs of agreed work that an import may carry out; a higher app registers its own.
work_links: list[Callable[[MemberContext], Iterable[tuple[str, str]]]] = []
BOOK_NAME = "the book"  # what people call its folder
QUEUE, UNDO_TASK = "records", "books.undo"  # of jobs, and the task that undoes a delivery
UPLOADS_QUEUE = "uploads"  # of jobs that recognise a file, which wait for no check and no import


class NoBookError(Refused):
    """A relationship whose records have not begun."""

    def __init__(self) -> None:
        """Refuse with `Code.NO_BOOK`."""
        super().__init__(Code.NO_BOOK)


def book_folder(relationship: UUID) -> Path:
    """Return the folder of a relationship's book, which may not exist yet."""
    return Path(settings.BOOKS) / str(relationship)


def sentence(error: UnusableFileError | OSError, names: Mapping[Path, str]) -> str:
    """Return what is wrong, with files called as people know them, and without their folders.

    :param names: what people call a file, or a folder of files, by its path
    """
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return " ".join(error.called(_known_name(error.file, names)).split())


def _known_name(file: Path | str, names: Mapping[Path, str]) -> str:
    if not str(file):
        return ""
    path = Path(file)
    for known_path, name in names.items():
        if path == known_path:
            return name
        if path.is_relative_to(known_path):
            return f"{name}/{path.relative_to(known_path).as_posix()}"
    return path.name


def unusable_reason(member: MemberContext, error: Exception) -> str:
    """Return what is wrong with the records; empty where there is no book yet."""
    if isinstance(error, UnusableFileError):
        return sentence(error, {book_folder(member.relationship.pk): BOOK_NAME})
    return "" if isinstance(error, Refused) else str(error)


def has_book(member: MemberContext) -> bool:
    """Whether the relationship has a book."""
    return (book_folder(member.relationship.pk) / FILE).is_file()


def readable_definition(member: MemberContext) -> Definition | None:
    """Return what was agreed; None where there is no book, or none that can be read."""
    try:
        return definition(member)
    except (NoBookError, UnusableBookError):
        return None


def definition(member: MemberContext) -> Definition:
    """Return what was agreed, from `book.toml`.

    :raises NoBookError: where there is no book
    """
    return member.once("books.definition", lambda: _definition(member))


def _definition(member: MemberContext) -> Definition:
    if not has_book(member):
        raise NoBookError
    folder = book_folder(member.relationship.pk)
    status = (folder / FILE).stat()
    return _read_definition(folder, status.st_mtime_ns, status.st_size, agreement_files(member))


def agreement_files(member: MemberContext) -> FilesState:
    """Return which files the agreement of the book has, as they are now; none without a book."""
    folder = book_folder(member.relationship.pk)
    return member.once("books.agreement_files", lambda: files_state(folder))


@lru_cache(maxsize=512)
def _read_definition(folder: Path, changed: int, size: int, agreed: object) -> Definition:  # noqa: ARG001 - they tell one from the next
    """Read a definition, once for each change of its files."""
    return read_definition(folder)


def open_member_book(member: MemberContext, folder: Path | None = None) -> Book:
    """Open the book with the viewer's rights.

    :param folder: a copy of the book, to be opened in its place
    :raises NoBookError: where there is no book
    """
    book_definition = definition(member)
    viewer = member.viewer
    book = open_book(
        folder or book_folder(member.relationship.pk), Viewer(viewer.person, book_definition.relationship, viewer.side)
    )
    for name in member.closed_tables:
        if book_definition.private_owner(name) is not None:
            book.close_table(name)
    return book


def zone(member: MemberContext) -> str:
    """Return the name of the relationship's time zone: the book's, or UTC where no book can be read."""
    try:
        return definition(member).timezone
    except (NoBookError, UnusableBookError):
        return "UTC"


def private_items_by_side(member: MemberContext) -> dict[Side, list[str]]:
    """Return the items in `[private]` of `book.toml`, also of a book that cannot be read as a whole.

    :raises NoBookError: where there is no book
    """
    path = book_folder(member.relationship.pk) / FILE
    try:
        section = tomllib.loads(path.read_text(encoding="utf-8")).get("private", {})
    except FileNotFoundError:
        raise NoBookError from None
    except (OSError, ValueError):
        section = {}
    items_by_side = {}
    for side in Side:
        items = section.get(side.value, []) if isinstance(section, dict) else []
        items_by_side[side] = [one for one in items if isinstance(one, str)] if isinstance(items, list) else []
    return items_by_side


def find_table_holder(member: MemberContext, table: str) -> Side | None:
    """Return the side that alone adds rows to a table: named by `[[source]] by`, with somebody in the room."""
    sides = {one.by for one in definition(member).sources if one.table == table}
    if len(sides) != 1:
        return None
    side = sides.pop()
    members = Membership.objects.filter(relationship=member.relationship, side=side.value, left_at=None)
    return side if members.exists() else None


def marks(member: MemberContext) -> list[dict[str, Any]]:
    """List what each side withholds: `side`, `item`, and its `mark` with the reason and the day of the next review.

    An item without a mark is listed for members of its own side who may read it, so that they give a reason.
    """
    if not has_book(member):
        return []
    marks_by_item = {(one.side, one.item): one for one in Mark.objects.filter(relationship=member.relationship)}
    return [
        {"side": side, "item": item, "mark": marks_by_item.get((side.value, item))}
        for side, items in private_items_by_side(member).items()
        for item in items
        if (side.value, item) in marks_by_item
        or (side is member.viewer.side and item_table(item) not in member.closed_tables)
    ]


def item_table(item: str) -> str:
    """Return the table of a private item, also where the book knows no such item."""
    return re.split(r"[.\[]", item)[0]


def mark_steps(member: MemberContext) -> QuerySet[MarkStep]:
    """List the changes of private items, the latest first."""
    steps = MarkStep.objects.filter(relationship=member.relationship).select_related("person")
    return steps.order_by("-at")[:_SHOWN_STEPS]


def may_undo(member: MemberContext, delivery: Delivery) -> bool:
    """Whether an import can be undone: it is the table's last one, and no period was frozen since."""
    if delivery.stage != Stage.BROUGHT or delivery.side != member.side or "digest" not in delivery.outcome:
        return False
    if delivery.outcome.get("already"):
        return False
    if not delivery.private and Hold.objects.filter(relationship=member.relationship, at__gt=delivery.at).exists():
        return False
    outcome = delivery.outcome
    table_state = current_table(book_folder(member.relationship.pk), TABLES[outcome["table"]])
    return may_be_undone(table_state, outcome["number"], digest=outcome["digest"], side=Side(delivery.side))


def is_final(member: MemberContext, days: Period) -> bool:
    """Whether some days lie in a period that both sides confirmed."""
    return any(days.start < final.end and days.end > final.start for final in final_periods(member))


def final_periods(member: MemberContext) -> tuple[Period, ...]:
    """Return the periods that both sides confirmed, the earliest first."""
    return tuple(days for _, days in final_period_names(member))


def final_period_names(member: MemberContext) -> tuple[tuple[str, Period], ...]:
    """Return the periods that both sides confirmed with their names, the earliest first."""

    def read() -> tuple[tuple[str, Period], ...]:
        agreed = readable_definition(member)
        starts_on = 1 if agreed is None else agreed.month_starts_on
        names = Hold.objects.filter(relationship=member.relationship).values_list("period", flat=True)
        return tuple(sorted(((name, named(name, starts_on)[1]) for name in set(names)), key=lambda one: one[1].start))

    return member.once("books.final_periods", read)


# What a list of files is narrowed to, and in which order it comes; no two rows are alike in any of them.
FILE_STAGES: Mapping[str, tuple[Stage, ...]] = {
    "under_way": (Stage.LOOKING, Stage.LOOKED, Stage.BRINGING),
    "imported": (Stage.BROUGHT, Stage.DUPLICATE),
    "of_no_use": (Stage.REFUSED, Stage.UNDONE),
}
FILE_SORTS: Mapping[str, tuple[str, ...]] = {
    "newest": ("-at", "pk"),
    "oldest": ("at", "pk"),
    "name": ("name", "-at", "pk"),
}


@dataclass(frozen=True, slots=True)
class FileFilters:
    """What a list of files shows, as its URL has it.

    :ivar stage: of `FILE_STAGES`; empty for all
    :ivar side: whose files; empty for both sides'
    :ivar sort: of `FILE_SORTS`
    """

    stage: str = ""
    side: str = ""
    sort: str = "newest"


def file_list(member: MemberContext, filters: FileFilters) -> QuerySet[Delivery]:
    """List the deliveries that the viewer may know of and that the filters leave."""
    return readable_deliveries(member).filter(_of_filters(filters)).order_by(*FILE_SORTS[filters.sort])


def count_files(member: MemberContext, choices: Mapping[str, FileFilters]) -> dict[str, int]:
    """Count the deliveries of several choices of filters, in one query."""
    counted = {name: Count("pk", filter=_of_filters(filters)) for name, filters in choices.items()}
    return readable_deliveries(member).order_by().aggregate(**counted)


def _of_filters(filters: FileFilters) -> Q:
    condition = Q(pk__isnull=False)
    if filters.stage:
        condition &= Q(stage__in=FILE_STAGES[filters.stage])
    return condition & Q(side=filters.side) if filters.side else condition


def readable_deliveries(member: MemberContext) -> QuerySet[Delivery]:
    """List all deliveries that the viewer may know of, the newest first; for some roles only the shared ones."""
    return _readable_deliveries(member.relationship.pk, _reader(member))


def files_to_decide(member: MemberContext) -> QuerySet[Delivery]:
    """List the own side's files that somebody has to decide on: checked ones, and watched ones that cannot be used."""
    return _files_to_decide(member.relationship.pk, str(member.side), _reader(member))


def latest_files_to_decide(member: MemberContext) -> list[Delivery]:
    """Return the newest files that the own side has to decide on."""
    return rows_in(member, _latest_files_to_decide, str(member.side), _reader(member))


def marks_to_review(member: MemberContext) -> list[Mark]:
    """Return what either side holds back beyond the day that it named itself, the earliest day first."""
    return rows_in(member, _marks_to_review, timezone.localdate())


def last_terms_step(member: MemberContext) -> TermsStep | None:
    """Return the latest step about zone, currency and months; None where there is none."""
    return next(iter(rows_in(member, _last_terms_step)), None)


def read_ahead_files(members: Sequence[MemberContext]) -> None:
    """Read the files that each own side has to decide on, of several relationships at once."""
    read_ahead(
        [one for one in members if one.side is not None and one.may(Action.BRING)],
        _latest_files_to_decide,
        lambda one: (str(one.side), _reader(one)),
    )


def read_ahead_marks(members: Sequence[MemberContext]) -> None:
    """Read what is held back beyond its day, of several relationships at once."""
    read_ahead(members, _marks_to_review, lambda _: (timezone.localdate(),))


def read_ahead_terms(members: Sequence[MemberContext]) -> None:
    """Read the latest steps about the terms of the records, of several relationships at once."""
    read_ahead(members, _last_terms_step)


def _files_to_decide(where: Place, side: str, reader: "_Reader") -> QuerySet[Delivery]:
    refused_watched = Q(stage=Stage.REFUSED, outcome__has_key="watched")
    own = _readable_deliveries(where, reader).filter(side=side)
    return own.filter(Q(stage=Stage.LOOKED) | refused_watched)


def _latest_files_to_decide(where: Place, side: str, reader: "_Reader") -> QuerySet[Delivery]:
    return _files_to_decide(where, side, reader).order_by("-at", "pk")[:_MAX_LISTED]


def _marks_to_review(where: Place, today: date) -> QuerySet[Mark]:
    return Mark.objects.filter(relationship=where, review_on__lte=today).order_by("review_on", "pk")[:_MAX_LISTED]


def _last_terms_step(where: Place) -> QuerySet[TermsStep]:
    steps = TermsStep.objects.filter(relationship=where).select_related("person")
    return steps.reverse()[:1]


def _readable_deliveries(where: Place, reader: "_Reader") -> QuerySet[Delivery]:
    files = Delivery.objects.select_related("person").filter(relationship=where)
    if not reader.own:
        files = files.filter(_SHARED)
    return files.exclude(_unreadable(reader)).exclude(stage=Stage.DROPPED)


def delivery(member: MemberContext, number: UUID) -> Delivery | None:
    """Return a delivery that the viewer may know of."""
    readable = Delivery.objects.select_related("person").filter(relationship=member.relationship, pk=number)
    known_delivery = readable.exclude(_unreadable(_reader(member))).first()
    is_shared = (
        known_delivery is not None
        and known_delivery.stage in {Stage.BROUGHT, Stage.UNDONE}
        and not known_delivery.private
    )
    return known_delivery if is_shared or member.may(Action.READ_OWN) else None


_SHARED = Q(stage__in=(Stage.BROUGHT, Stage.UNDONE), private=False)  # deliveries that both sides know of


@dataclass(frozen=True, slots=True)
class _Reader:
    """What decides which deliveries a member reads.

    :ivar own: whether they read what their side keeps to itself
    """

    person: UUID
    own: bool
    leads: bool
    closed_tables: tuple[str, ...]


def _reader(member: MemberContext) -> _Reader:
    return _Reader(
        member.membership.person_id,
        member.may(Action.READ_OWN),
        member.membership.role == Role.LEAD,
        tuple(sorted(member.closed_tables)),
    )


def _unreadable(reader: _Reader) -> Q:
    """Match others' files of the own side that the role does not read: of tables closed to it, or of no known table.

    The table is unknown until the file was checked; until then it is for whoever uploaded it, and for leads.
    """
    tables = Q(outcome__table__in=reader.closed_tables)
    unknown = Q(outcome__table=None) if not reader.leads else Q(pk__in=())
    return (tables | unknown) & ~_SHARED & ~Q(person=reader.person)


def routes(person: Person) -> str:
    """Return a person's rules for exports that hold several relationships; empty where they have none."""
    rules = Routes.objects.filter(person=person).first()
    return "" if rules is None else rules.text


def exports(person: Person) -> QuerySet[Export]:
    """List a person's latest exports."""
    return Export.objects.filter(person=person).exclude(stage=Stage.DROPPED)[:_SHOWN_EXPORTS]


def export(person: Person, number: UUID) -> Export | None:
    """Return one of a person's exports."""
    return Export.objects.filter(pk=number, person=person).exclude(stage=Stage.DROPPED).first()


def kept_formats(member: MemberContext) -> list[KeptMapping]:
    """List the formats that the viewer's side has saved, the one that was imported with last first."""
    if member.side is None or not member.may(Action.BRING):
        return []
    return formats_of(member.relationship.pk, member.side)


def formats_of(relationship: UUID, side: Side) -> list[KeptMapping]:
    """List the formats that a side has saved, the one that was imported with last first."""
    imported = Delivery.objects.filter(relationship=relationship, side=side.value, stage=Stage.BROUGHT)
    latest: dict[str, float] = {}
    for name, at in imported.filter(outcome__has_key="format").order_by("at").values_list("outcome__format", "at"):
        latest[name] = at.timestamp()
    saved = KeptMapping.objects.filter(relationship=relationship, side=side.value).order_by("name")
    return sorted(saved, key=lambda one: -latest.get(one.name, 0.0))


def is_under_way(file: Delivery | Export) -> bool:
    """Whether a job works on a file, or will; without one, the work broke off or its person has left."""
    return file.stage in UNDER_WAY and _has_jobs(file)


def is_being_undone(delivery: Delivery) -> bool:
    """Whether a job undoes a delivery, or will."""
    return delivery.stage == Stage.BROUGHT and _has_jobs(delivery, UNDO_TASK)


def _has_jobs(file: Delivery | Export, task: str = "") -> bool:
    argument = {"export" if isinstance(file, Export) else "delivery": str(file.pk)}
    jobs = ProcrastinateJob.objects.filter(queue_name__in=(QUEUE, UPLOADS_QUEUE), args__contains=argument)
    jobs = jobs.filter(task_name=task) if task else jobs
    # A job whose worker has died does not count until the outbox has put it back into the queue.
    is_alive = Q(status="doing", worker__last_heartbeat__gt=timezone.now() - HEARTBEAT_TIMEOUT)
    return jobs.filter(Q(status="todo") | is_alive).exists()


def is_in_book(delivery: Delivery) -> bool:
    """Whether the book has an import of a file of this name since it was uploaded, whatever the delivery says."""
    table = TABLES.get(str(delivery.outcome.get("table")))
    if table is None:
        return False
    imports = current_table(book_folder(delivery.relationship_id), table).deliveries
    return any(one.file == upload_path(delivery).name and one.at >= delivery.at for one in imports)


def upload_path(delivery: Delivery) -> Path:
    """Return the path of an uploaded file: alone in a folder, under its own name, which the book's journal keeps."""
    folder = Path(settings.DATA) / "uploads" / str(delivery.relationship_id) / delivery.side / str(delivery.pk)
    return folder / safe_file_name(delivery.name)


def safe_file_name(name: str) -> str:
    """Return a file name without separators, leading dots or other characters that a file system interprets."""
    return re.sub(r"[^\w.() -]", "_", name)[-120:].lstrip(".") or "file"


def reject_reason(delivery: Delivery, number: int) -> dict[str, Any] | None:
    """Return a reason for rejects of a delivery by its position, from 1; None for any other number, which means all."""
    reasons = delivery.outcome.get("by_reason") or []
    return reasons[number - 1] if 0 < number <= len(reasons) else None


def may_read_cells(member: MemberContext, delivery: Delivery) -> bool:
    """Whether the member may read the cells of a delivery: it is the own side's, and the role reads private rows."""
    return member.side is not None and delivery.side == member.side.value and member.may(Action.READ_OWN)


def rejects(member: MemberContext, delivery: Delivery, only: dict[str, Any] | None = None) -> Iterator[Reject]:
    """Read the rejects of a delivery; nothing where the member may not read its cells.

    :param only: those of one reason
    """
    import_number, table = delivery.outcome.get("number"), delivery.outcome.get("table")
    if (
        delivery.stage != Stage.BROUGHT
        or import_number is None
        or table is None
        or not may_read_cells(member, delivery)
    ):
        return iter(())
    all_rejects = rejects_of_import(
        book_folder(member.relationship.pk), str(table), int(import_number), member.viewer.side
    )
    return _with_reason(all_rejects, only)


def _with_reason(all_rejects: Iterable[Reject], only: dict[str, Any] | None) -> Iterator[Reject]:
    return (one for one in all_rejects if only is None or (one.column, one.reason) == (only["column"], only["reason"]))


def file_columns(delivery: Delivery) -> FileColumns | None:
    """Return the columns of a file that was looked at and not imported yet; None where they are not known."""
    columns = delivery.outcome.get("columns")
    if not columns:
        return None
    samples = tuple(
        ColumnSample(one["header"], tuple(one["values"]), one["personal"], one["filled"], one["order"])
        for one in columns["samples"]
    )
    mark = columns.get("header_has", "")
    return FileColumns(samples, columns["kind"], columns["sheet"], columns["skip_rows"], mark)


def likely_table(delivery: Delivery, columns: FileColumns) -> Proposal:
    """Return the table that the columns of a file, and its name, fit best, and why."""
    return propose_table(columns, delivery.name)


def shared_formats(member: MemberContext, side: Side) -> list[SharedFormat]:
    """List the formats that a side shares, the last one shared first."""
    return list(
        SharedFormat.objects.select_related("person")
        .filter(relationship=member.relationship, side=side.value)
        .order_by("-at")
    )


def formats_of_other(member: MemberContext) -> list[SharedFormat]:
    """List the formats that the other side shares with the viewer's."""
    if member.side is None or not member.may(Action.BRING):
        return []
    return shared_formats(member, member.side.other)


def shared_mapping(shared: SharedFormat) -> SourceMapping | None:
    """Return the mapping that a side shares; None where it cannot be read any more."""
    with suppress(UnusableMappingError):
        return parse_mapping(shared.text, shared.name, None, shared.name)
    return None


def may_share_format(member: MemberContext, delivery: Delivery) -> bool:
    """Whether a file was imported by a format of the own side that the other side cannot use yet."""
    name = delivery.outcome.get("format")
    if not name or delivery.outcome.get("format_of") or member.side is None:
        return False
    shared = {one.name for one in shared_formats(member, member.side)}
    return name not in shared and any(one.name == name for one in kept_formats(member))


def last_import(member: MemberContext, table: str, side: Side) -> Delivery | None:
    """Return a side's last import into a table that the viewer may know of."""
    imports = readable_deliveries(member).filter(
        side=side.value, stage=Stage.BROUGHT, outcome__table=table, corrects={}
    )
    return imports.order_by("-at").first()


def format_of(delivery: Delivery) -> SourceMapping | None:
    """Return the mapping by which a file is read, where it is a known format or one of the side's own, and no draft."""
    with suppress(UnusableMappingError):
        if delivery.text:
            name = str(delivery.outcome.get("format") or "")
            return parse_mapping(delivery.text, delivery.name, None, name) if name else None
        if delivery.mapping in {*shipped_mappings(), *TABLES}:
            return read_mapping(delivery.mapping)
    return None


def rejected_values(delivery: Delivery) -> dict[str, tuple[str, ...]]:
    """Return the values by column of ours for which rows of a file are rejected, because nobody said what they mean."""
    values: dict[str, dict[str, None]] = {}
    for one in delivery.outcome.get("rejects") or ():
        if one["column"] and one["value"] and is_unknown_value(one["reason"]):
            values.setdefault(one["column"], {})[one["value"]] = None
    return {column: tuple(listed) for column, listed in values.items()}


def blamed_columns(column: str, reason: str) -> tuple[str, ...]:
    """Return the columns of ours that a reason for a reject is about: the one to blame, and one it is held to."""
    pair = _PAIR.fullmatch(reason)
    names = (column, *(pair.groups() if pair is not None else ()))
    return tuple(dict.fromkeys(name for name in names if name))


def is_unknown_value(reason: str) -> bool:
    """Whether a row was rejected for a value of which nobody said what it means."""
    return reason.startswith(("not one of ", "not among the values")) or reason == "neither true nor false"


def free_format_name(member: MemberContext, proposed: str) -> str:
    """Return a name for a format of the own side that is neither a known format's nor another's of the side.

    :param proposed: a name that may be taken, or be none
    """
    side = None if member.side is None else member.side.value
    saved = KeptMapping.objects.filter(relationship=member.relationship, side=side).values_list("name", flat=True)
    taken = {one.casefold() for one in (*saved, *shipped_mappings(), *TABLES)}
    own = " ".join(sanitise_name(proposed, "").split())[:_LONGEST_NAME].strip()
    party = sanitise_name("" if side is None else member.relationship.organisation(Side(side)).name, "")
    base = own
    if not base or base.casefold() in {one.casefold() for one in (*shipped_mappings(), *TABLES)}:
        base = f"{party} {own}"[:_LONGEST_NAME].strip() or "1"
    names = (base, *(f"{base} {number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name.casefold() not in taken)


def rejected_rows_file(delivery: Delivery) -> Path:
    """Return where a check leaves the rejected rows of a file: beside it, and removed with it."""
    return upload_path(delivery).parent / ".rejected.parquet"


def rejected_rows(member: MemberContext, delivery: Delivery) -> RejectedRows | None:
    """Return the rejected rows of a delivery as its file wrote them; None where the member may not read them.

    Before the import they are whole; after it the columns that the mapping names, with what became of each.
    """
    if not may_read_cells(member, delivery) or member.side is None:
        return None
    if delivery.stage in {Stage.LOOKED, Stage.REFUSED}:
        file = rejected_rows_file(delivery)
        return read_rows(file) if file.is_file() else None
    table, number = delivery.outcome.get("table"), delivery.outcome.get("number")
    if delivery.stage != Stage.BROUGHT or table is None or number is None or delivery.outcome.get("already"):
        return None
    return rows_of_import(book_folder(member.relationship.pk), str(table), int(number), member.side)


def rows_to_correct(member: MemberContext, delivery: Delivery) -> RejectedRows:
    """Return the rejected rows of a delivery that no later file brought again; none that the member may not read."""
    rows = rejected_rows(member, delivery) or RejectedRows((), ",", ())
    return replace(rows, rows=tuple(row for row in rows.rows if row.corrected_by is None))


def open_rejects(member: MemberContext, delivery: Delivery) -> int:
    """Return how many rejected rows of the own side's file no later file brought again, and nobody dismissed."""
    if delivery.outcome.get("dismissed"):
        return 0
    rows = rejected_rows(member, delivery)
    if rows is None:
        return int((delivery.outcome.get("counts") or {}).get("rejected", 0))
    return sum(row.corrected_by is None for row in rows.rows)


def dismissed_rows(member: MemberContext) -> dict[str, int]:
    """Return how many rejected rows were dismissed, by table, of the files that the viewer may know of."""
    files = readable_deliveries(member).filter(stage=Stage.BROUGHT, outcome__has_key="dismissed")
    counts: dict[str, int] = {}
    for table, dismissed in files.values_list("outcome__table", "outcome__dismissed"):
        counts[table] = counts.get(table, 0) + int(dismissed["rows"])
    return counts


def files_of_imports(member: MemberContext, table: str, numbers: Collection[int]) -> dict[int, Delivery]:
    """Return the own side's deliveries with these import numbers, by number."""
    own = Delivery.objects.filter(
        relationship=member.relationship, side=str(member.side), stage=Stage.BROUGHT, outcome__table=table
    )
    return {one.outcome["number"]: one for one in own.filter(outcome__number__in=sorted(numbers))}


REJECT_COLUMNS = ("file", "line", "column", "value", "reason")


def reject_rows(member: MemberContext, delivery: Delivery, number: int) -> Iterator[tuple[object, ...]]:
    """Read the rejects as rows of `REJECT_COLUMNS`, of one reason by its position, or of all."""
    all_rejects = rejects(member, delivery, reject_reason(delivery, number))
    return ((delivery.name, one.line, one.column, one.value, one.reason) for one in all_rejects)


def first_rejects(member: MemberContext, delivery: Delivery, only: dict[str, Any] | None) -> list[Reject]:
    """Return the first rejects: from the book once the file is imported, before from the outcome of its check."""
    if delivery.stage == Stage.BROUGHT:
        return list(islice(rejects(member, delivery, only), _SHOWN_REJECTS))
    return list(_with_reason((Reject(delivery.name, **one) for one in delivery.outcome.get("rejects") or []), only))


def shared_outcome(delivery: Delivery) -> dict[str, Any]:
    """Return what the other side may know of a delivery: its table, the counts of shared rows, what was dismissed."""
    outcome = delivery.outcome
    shared = {"table": outcome.get("table"), "counts": outcome.get("shared_counts", outcome.get("counts", {}))}
    return shared | {name: outcome[name] for name in ("dismissed", "undone", "effects") if name in outcome}


def was_imported_before(member: MemberContext, record: ImportRecord, mapping: SourceMapping) -> bool:
    """Whether the own side has imported this very file before, with the same mapping."""
    digests = mapping_digests(mapping)
    with open_member_book(member) as book:
        imports = [one for origin in origins(book) for one in origin.deliveries]
    return any(one.is_repeated_by(record, digests) for one in imports)


def delivered_by(member: MemberContext, table: str) -> frozenset[Side]:
    """Return the sides that files of a table came from."""
    files = Delivery.objects.filter(relationship=member.relationship, stage=Stage.BROUGHT, outcome__table=table)
    return frozenset(Side(side) for side in files.order_by().values_list("side", flat=True).distinct())


def owed_tables(member: MemberContext) -> list[str]:
    """Return the tables that the member's side owes, and may say of that they are whole."""
    known = readable_definition(member) if has_book(member) else None
    if known is None or member.side is None:
        return []
    return [
        table
        for table in DATED_TABLES
        if member.side in known.owing(table, delivered_by(member, table)) and table not in member.closed_tables
    ]


def complete_words(member: MemberContext) -> list[CompleteWord]:
    """Return what the sides say now of how far their records are whole, without what they no longer say."""
    latest: dict[tuple[str, str, date], CompleteWord] = {}
    for one in CompleteWord.objects.filter(relationship=member.relationship).select_related("person"):
        latest[one.side, one.table, one.until] = one
    said = [one for one in latest.values() if one.said]
    return sorted(said, key=lambda one: (one.until, one.table, one.side), reverse=True)


def ended_words(member: MemberContext) -> list[CompleteWord]:
    """Return what the sides said and then took back, the latest first."""
    words = CompleteWord.objects.filter(relationship=member.relationship, said=False)
    return list(words.select_related("person").order_by("-at"))


@dataclass(frozen=True, slots=True)
class Answers:
    """Who answers for which part, `customer`, `provider` or `both`, and in which queues each service is done."""

    paid: Mapping[str, str] = field(default_factory=dict)
    causes: Mapping[str, str] = field(default_factory=dict)
    queues: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """Return them as JSON."""
        queues = {service: list(queues) for service, queues in self.queues.items()}
        return {"paid": dict(self.paid), "causes": dict(self.causes), "queues": queues}

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Answers":
        """Read them as `content` writes them; what it lacks is empty."""
        queues = {service: tuple(queues) for service, queues in content.get("queues", {}).items()}
        return cls(content.get("paid", {}), content.get("causes", {}), queues)


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of a book.

    :ivar country: whose public holidays count; empty: none
    :ivar open_days: weekdays with service, as `[opening]` names them; empty: as the records tell
    """

    timezone: str
    currency: str
    month_starts_on: int
    country: str = ""
    open_days: tuple[str, ...] = ()
    answers: Answers = field(default_factory=Answers)


def terms_of(known: Definition) -> Terms:
    """Return the terms that a book says."""
    weekdays = () if known.open_weekdays is None else tuple(WEEKDAYS[day] for day in sorted(known.open_weekdays))
    answers = Answers(known.answers_for, known.causes_answered_for, known.service_queues)
    return Terms(
        known.timezone, known.currency, known.month_starts_on, known.country or "", weekdays, answers
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class MoveToSee:
    """An import, or its undoing, that moved joint figures, and that nobody of a side has looked at since.

    :ivar side: whose look it waits for
    """

    side: Side
    delivery: UUID
    name: str
    figures: int


_TOLD_DAYS = 30  # for so long Today tells of figures that moved


def moves_to_see(member: MemberContext) -> list[MoveToSee]:
    """Return the moves of joint figures that the side which did not move them has not looked at, the latest first."""
    events = rows_in(member, _moves_and_looks, _told_since())
    looks: dict[tuple[str | None, UUID | None], datetime] = {}
    for one in events:
        if one.event == Event.DELIVERY_READ:
            looks.setdefault((one.side, one.subject_id), one.at)
    found: dict[UUID, MoveToSee] = {}
    for one in events:
        if one.event != Event.FIGURES_MOVED or one.side is None or one.subject_id is None or one.subject_id in found:
            continue
        side = Side(str(one.side)).other
        seen = looks.get((side.value, one.subject_id))
        if seen is None or seen < one.at:
            found[one.subject_id] = MoveToSee(side, one.subject_id, str(one.data["name"]), int(one.data["figures"]))
    return list(found.values())[:_MAX_LISTED]


def read_ahead_moves(members: Sequence[MemberContext]) -> None:
    """Read the moves of joint figures, and who looked at them, of several relationships at once."""
    read_ahead(members, _moves_and_looks, lambda _: (_told_since(),))


def _moves_and_looks(where: Place, since: date) -> QuerySet[AuditEvent]:
    began = timezone.make_aware(datetime.combine(since, time.min))
    either = Q(event=Event.DELIVERY_READ) | Q(event=Event.FIGURES_MOVED, shared=True)
    return AuditEvent.objects.filter(either, relationship=where, at__gte=began).order_by("-at")


def _told_since() -> date:
    return timezone.localdate() - timedelta(days=_TOLD_DAYS)
