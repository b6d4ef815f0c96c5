"""Changes of a relationship's book: uploaded files, private items, and rows that the room itself writes."""

import contextlib
import csv
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import tomlkit
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.utils import timezone
from tomlkit.container import Container
from tomlkit.items import AbstractTable, AoT, Comment, Whitespace

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.audit.queries import log_events
from comity.apps.books.models import CompleteWord, Delivery, Hold, KeptMapping, Mark, MarkStep, SharedFormat, Stage
from comity.apps.books.queries import (
    BOOK_NAME,
    UNDO_TASK,
    NoBookError,
    blamed_columns,
    book_folder,
    complete_words,
    file_columns,
    find_table_holder,
    format_of,
    formats_of,
    free_format_name,
    has_book,
    is_being_undone,
    is_in_book,
    is_under_way,
    item_table,
    may_read_cells,
    may_undo,
    open_rejects,
    owed_tables,
    private_items_by_side,
    rejected_rows_file,
    sentence,
    shared_formats,
    upload_path,
    was_imported_before,
)
from comity.apps.books.queries import zone as book_zone
from comity.apps.books.refusals import Code
from comity.apps.outbox.operations import defer
from comity.apps.outbox.queries import has_pending
from comity.apps.parties.member_context import MemberContext, acting_as, find_lead
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.book.definition import (
    FILE,
    Definition,
    UnusableBookError,
    parse_private_item,
    private_items,
    read_definition,
)
from comity.book.errors import UnusableFileError
from comity.book.formats.delimited import scan_file
from comity.book.formats.sheet import UnusableSourceError, find_in
from comity.book.importing.backfill import backfill_sides, needs_sides
from comity.book.importing.corrections import NoProposalError, accept_proposals, refuse_proposals
from comity.book.importing.current import current_table
from comity.book.importing.deliver import ImportRequest, Outcome, further_key, import_source, import_tables
from comity.book.importing.supposed import supposed_imported
from comity.book.importing.undo import NotTheLastError, undo_import
from comity.book.importing.withhold import WithholdAnswer, disclose_rows, has_values_beside_others, may_withhold
from comity.book.mappings.draft import draft_mapping
from comity.book.mappings.headers import headers_behind
from comity.book.mappings.match import Answers, FileColumns, look_at_columns, matched_mapping, open_questions
from comity.book.mappings.model import SourceMapping, UnusableMappingError, identity_mapping
from comity.book.mappings.parse import parse_mapping, read_mapping, shipped_mappings
from comity.book.mappings.recognise import MappingMatch, matching_mappings
from comity.book.mappings.rematch import answers_of, changed_mapping, days_of_file, is_same_choice, with_days
from comity.book.storage.atomic import write_text
from comity.book.storage.commit import BusyBookError, book_lock
from comity.book.storage.journal import ImportRecord
from comity.book.tables import EVERY_TABLE, TABLES
from comity.book.toml import toml_string
from comity.book.validation.check import MAX_REJECTS
from comity.book.validation.constants import UnreadableConstantError, constant_text
from comity.core.calendars import Cut
from comity.core.values import Side

_PROGRESS_ROWS = 20_000  # rows between two updates of a delivery's progress
_KEPT_HEADERS = 60  # headers of columns that are not kept, which the page names
_SHOWN_VALUES = 3  # first values of a column on the page of a file
_KEPT_VALUES = 40  # first values of a column that are kept until the file is imported
_KEPT_REJECTS = 200  # rejects kept with a delivery for its page; the book has them all
COUNT_FIELDS = (
    *("rows_in", "new", "unchanged", "updated", "withdrawn", "rejected", "collapsed", "superseded"),
    *("proposed", "proposed_withdrawals", "corrected"),
)
_LOCK_TIMEOUT_S = 3.0  # how long the room's own jobs wait for the lock of a book before they are tried again later
RECOGNISE_TASK, LOOK_TASK, IMPORT_TASK = "books.recognise", "books.look", "books.bring"
WRITE_TASK = "books.write"
CORRECT_TASK, REFUSE_TASK = "books.correct", "books.refuse"
BEGIN_TASK, WITHHOLD_TASK, DISCLOSE_TASK = "books.begin", "books.hold_back", "books.disclose"
COMPLETE_TASK, TERMS_TASK = "books.complete", "books.terms"
# All tasks that change a book, but for the import of a file.
BOOK_TASKS = (
    *(WRITE_TASK, CORRECT_TASK, REFUSE_TASK, UNDO_TASK, BEGIN_TASK, WITHHOLD_TASK, DISCLOSE_TASK),
    *(COMPLETE_TASK, TERMS_TASK),
)
_MAX_SENTENCE = 1000  # characters of `why`

_BOOK_TEMPLATE = """[book]
name = {name}
timezone = {timezone}
currency = {currency}
month_starts_on = {month_starts_on}
{days}[review]
period = {period}
[parties.customer]
id = {customer_id}
name = {customer}
[parties.provider]
id = {provider_id}
name = {provider}
"""


# Called in the transaction in which a side's delivery is recorded as imported, when it proposes changes to rows of the
# other side. The app of matters registers itself: it opens the matter that the other side answers.
on_proposed: list[Callable[[MemberContext, Delivery], None]] = []
# Called in the transaction in which a side's delivery is undone: its proposals end with it.
on_undone: list[Callable[[MemberContext, Delivery], None]] = []
# Called in the transaction in which a book is created: what the room knows already is written into it.
on_begun: list[Callable[[MemberContext], None]] = []


@contextmanager
def refuse_unusable(code: Code, file: str = "") -> Iterator[None]:
    """Turn errors of the readers of books, mappings and files into a refusal that says what is wrong.

    :param file: how people call the file that is read; empty: the sentence names no file
    :raises Refused: with this code
    """
    try:
        yield
    except UnusableFileError as error:
        raise Refused(code, why=error.called(file if error.file else "")) from None


@dataclass(frozen=True, slots=True)
class BookDays:
    """Which days have service, until a calendar clause says so.

    :ivar country: whose public holidays count; empty: none
    :ivar weekdays: with service, as `[opening] days` names them; empty: as the records tell
    """

    country: str = ""
    weekdays: tuple[str, ...] = ()

    def toml(self) -> str:
        """Return the lines that say so, within `[book]`."""
        holidays = f"country = {toml_string(self.country)}\n" if self.country else ""
        days = ", ".join(toml_string(day) for day in self.weekdays)
        return holidays + (f"[opening]\ndays = [{days}]\n" if days else "")


_NO_DAYS = BookDays()


def begin_book(  # noqa: PLR0913 - what a book is begun with
    member: MemberContext,
    timezone: str,
    currency: str,
    month_starts_on: int = 1,
    period: Cut = Cut.QUARTER,
    days: BookDays = _NO_DAYS,
) -> None:
    """Defer the creation of a relationship's book, with nothing agreed in it yet.

    :param month_starts_on: the day of the month on which the contract's months begin
    :param period: by which it is reviewed
    :raises Refused: for a zone, a currency or a day that is none, and where a book has begun or is about to
    """
    if has_book(member):
        raise Refused(Code.BEGUN_ALREADY)
    if has_pending(member, [BEGIN_TASK]):
        raise Refused(Code.NOT_NOW)
    with tempfile.TemporaryDirectory() as work, refuse_unusable(Code.UNUSABLE_TERMS):
        _write_book(Path(work), member, timezone, currency, month_starts_on, period, days)
    defer(
        BEGIN_TASK, relationship=member.relationship.pk, person=str(member.membership.person_id),
        timezone=timezone, currency=currency, month_starts_on=month_starts_on, period=period.value,
        country=days.country, weekdays=list(days.weekdays),
    )  # fmt: skip


def begin_book_now(  # noqa: PLR0913 - as above
    member: MemberContext,
    timezone: str,
    currency: str,
    month_starts_on: int = 1,
    period: Cut = Cut.QUARTER,
    days: BookDays = _NO_DAYS,
) -> None:
    """Create the book, for the task; a book that exists stays as it is."""
    folder = book_folder(member.relationship.pk)
    if (folder / FILE).is_file():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_book(folder, member, timezone, currency, month_starts_on, period, days)
    terms = {"timezone": timezone, "currency": currency}
    audit(member, Event.BOOK_BEGUN, SubjectType.BOOK, terms, shared=True)
    for callback in on_begun:
        callback(member)


def _write_book(  # noqa: PLR0913 - what book.toml says
    folder: Path, member: MemberContext, timezone: str, currency: str, month_starts_on: int, period: Cut, days: BookDays
) -> None:
    names = {side: member.relationship.organisation(side).name for side in Side}
    values = {
        "name": str(member.relationship),
        "timezone": timezone,
        "currency": currency,
        **{f"{side.value}_id": side.value for side in Side},
        **{side.value: name for side, name in names.items()},
    }
    texts = {name: toml_string(value) for name, value in (values | {"period": period.value}).items()}
    text = _BOOK_TEMPLATE.format(**texts, month_starts_on=month_starts_on, days=days.toml())
    write_text(folder / FILE, text)
    try:
        read_definition(folder)
    except UnusableBookError:
        (folder / FILE).unlink()
        raise


def receive_upload(member: MemberContext, upload: "UploadedFile[Any]") -> Delivery:
    """Save an uploaded file, and defer the job that recognises and checks it.

    :raises Refused: for those on neither side, for a file that is too large, and for too many within an hour
    """
    side = member.side
    if side is None or not member.may(Action.BRING):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "uploads")
    delivery = Delivery(
        relationship=member.relationship,
        side=side.value,
        person=member.membership.person,
        name=Path(upload.name or "file").name[:200],
        size=upload.size or 0,
    )
    save_upload(upload, upload_path(delivery))
    delivery.save(force_insert=True)
    audit_delivery(member, Event.DELIVERY_UPLOADED, delivery)
    defer_file_task(RECOGNISE_TASK, delivery, member)
    return delivery


def recognise_delivery(person: UUID, relationship: UUID, number: UUID) -> None:
    """Recognise a file, for the task, and defer its check; the book is neither read nor locked.

    So a file that somebody has just uploaded is named, or its columns are offered, while a long import or check of
    another one runs.
    """
    with acting_as(person, relationship) as member:
        delivery = Delivery.objects.select_related("person").get(pk=number)
        if delivery.stage == Stage.LOOKING and (delivery.mapping or delivery.text or recognise(member, delivery)):
            defer_file_task(LOOK_TASK, delivery, member)


def recognise(member: MemberContext, delivery: Delivery) -> bool:
    """Recognise a file by the shipped mappings and the side's own ones; draft a mapping where none matches.

    :returns: whether a mapping matches, and asks for no day of this file
    """
    path = upload_path(delivery)
    try:
        kept_mappings = _kept_mappings(member, delivery)
        seen = scan_file(path)
        matches = matching_mappings(path, [one.mapping for one in kept_mappings.values()], seen)
        matches = _own_matches(matches, kept_mappings, is_watched="watched" in delivery.outcome)
        text = "" if matches else draft_mapping(path)
        columns = _columns_json(look_at_columns(path, seen))
    except UnusableSourceError as error:
        changes: dict[str, Any] = {"stage": Stage.REFUSED, "why": _failure_sentence(error, delivery)}
    else:
        best = matches[0].mapping if matches else ""
        kept = kept_mappings.get(best)
        delivery.mapping, delivery.text = (best, text) if kept is None else ("", kept.text)
        changes = {"mapping": delivery.mapping, "text": delivery.text}
        fits = [fit.mapping for fit in matches[:5]]
        watched = {name: value for name, value in delivery.outcome.items() if name == "watched"}
        delivery.outcome = watched | {"fits": fits, "columns": columns} | ({} if kept is None else kept.outcome)
        changes |= {"stage": Stage.LOOKED} if not matches or _ask_days(delivery) else {}
        changes |= {"outcome": delivery.outcome}
    pending_delivery = Delivery.objects.filter(relationship=member.relationship, pk=delivery.pk, stage=Stage.LOOKING)
    if pending_delivery.update(**changes) and "stage" in changes:
        if changes["stage"] == Stage.REFUSED:
            audit_delivery(member, Event.DELIVERY_REFUSED, delivery)
        _tell_of_watched(member, Delivery.objects.get(pk=delivery.pk))
    return "stage" not in changes


def _own_matches(
    matches: list[MappingMatch], kept_mappings: Mapping[str, "_Kept"], *, is_watched: bool
) -> list[MappingMatch]:
    """Return the matches without what the other side shares where the side has a format of its own that fits.

    Else the other side could say what a file means that was imported for years, by sharing a format that asks for a
    column more. Of a watched file, which nobody may look at, a shipped format counts as the side's own.
    """
    shared = {key for key, kept in kept_mappings.items() if "format_of" in kept.outcome}
    without = [one for one in matches if one.mapping not in shared]
    has_own = any(is_watched or one.mapping in kept_mappings for one in without)
    return without if has_own else matches


def audit_delivery(member: MemberContext, event: Event, delivery: Delivery, *, shared: bool = False) -> None:
    """Log an event of a delivery with its file name and, once it is known, its table."""
    table = delivery.outcome.get("table")
    data = {"name": delivery.name} | ({"table": table} if table else {})
    audit(member, event, delivery, data, shared=shared)


def save_upload(upload: "UploadedFile[Any]", path: Path) -> None:
    """Write an uploaded file with permissions for the server's account alone.

    :raises Refused: for one that is too large
    """
    if (upload.size or 0) > settings.LARGEST_UPLOAD:
        raise Refused(Code.TOO_LARGE)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("wb") as out:
        for chunk in upload.chunks():
            out.write(chunk)
    path.chmod(0o600)


def match_columns(
    member: MemberContext, delivery: Delivery, answers: Answers, name: str, chosen: Mapping[str, str]
) -> None:
    """Make a mapping of the answers, keep it for the side under a name, and defer the job that checks the file with it.

    :param chosen: the page's fields, which it fills in again until the file is imported
    :raises Refused: as `choose_mapping`, for a name that a known format has, and where something is left open
    """
    columns = file_columns(delivery)
    if columns is None or open_questions(columns, answers).any:
        raise Refused(Code.COLUMNS_OPEN)
    if name in {*shipped_mappings(), *TABLES}:
        raise Refused(Code.NAME_TAKEN)
    base = format_of(delivery)
    delivery.outcome = delivery.outcome | {"chosen": dict(chosen)}
    if base is not None and is_same_choice(answers_of(base, columns), answers):
        text = changed_mapping(base, columns, answers, name)
    else:
        text = matched_mapping(columns, answers, name)
    choose_mapping(member, delivery, "", text, name)


def _ask_days(delivery: Delivery) -> bool:
    """Keep which days of its own a file needs, because its format has those of an earlier one.

    :returns: whether there are any
    """
    delivery.outcome = {key: value for key, value in delivery.outcome.items() if key != "days"}
    mapping = format_of(delivery) if delivery.text else None
    days = () if mapping is None else days_of_file(mapping)
    if days and mapping is not None:
        delivery.outcome = delivery.outcome | {"days": {"table": mapping.table, "columns": list(days)}}
    return bool(days)


def give_days(member: MemberContext, delivery: Delivery, days: Mapping[str, str]) -> None:
    """Set the days of a file for which its format has one value for all rows, and check the file with them.

    :param days: by column, as a mapping holds them
    :raises Refused: where the format asks for none, or for others too, and for what is no day
    """
    asked, mapping = delivery.outcome.get("days"), format_of(delivery)
    if not asked or mapping is None:
        raise Refused(Code.NOT_NOW)
    if {*asked["columns"]} != days.keys() or not all(_is_value(mapping, name, day) for name, day in days.items()):
        raise Refused(Code.COLUMNS_OPEN)
    of = Side(delivery.outcome["format_of"]) if delivery.outcome.get("format_of") else None
    choose_mapping(member, delivery, "", with_days(mapping, days), mapping.name, of)


def _columns_json(columns: FileColumns) -> dict[str, Any]:
    """Return the columns of a file as its delivery keeps them until it is imported, without personal values."""
    samples = [
        {
            "header": one.header,
            "values": [] if one.personal else list(one.values[:_KEPT_VALUES]),
            "personal": one.personal,
            # Whether no value was there twice, said of those that are kept.
            "filled": min(len(one.values), _KEPT_VALUES) + (0 if one.distinct else 1),
            "order": one.order,
        }
        for one in columns.samples
    ]
    return {
        "samples": samples,
        "kind": columns.kind,
        "sheet": columns.sheet,
        "skip_rows": columns.skip_rows,
        "header_has": columns.header_has,
    }


def choose_mapping(  # noqa: PLR0913 - what a mapping is known by
    member: MemberContext, delivery: Delivery, mapping: str, text: str, name: str = "", of: Side | None = None
) -> None:
    """Set the mapping of a delivery, by name or as text, and defer the job that checks the file with it.

    :param name: under which a mapping of the side's own is kept; empty: the file's
    :param of: the other side, where it is one that this shares: it is not kept as an own one
    :raises Refused: for a mapping that cannot be used, and while the file is under way or has come in
    """
    _check_may_choose(delivery)
    delivery.mapping, delivery.text = ("", text) if text.strip() else (mapping, "")
    with refuse_unusable(Code.UNUSABLE_MAPPING, delivery.name):
        _delivery_mapping(delivery)
    delivery.stage, delivery.why, delivery.rows = Stage.LOOKING, "", 0
    delivery.outcome = {
        key: value for key, value in delivery.outcome.items() if key not in {"days", "format", "format_of"}
    }
    if delivery.text:
        name = name or free_format_name(member, Path(delivery.name).stem)
        delivery.outcome = delivery.outcome | {"format": name} | ({"format_of": of.value} if of else {})
    delivery.save()
    audit_delivery(member, Event.DELIVERY_DESCRIBED, delivery)
    defer_file_task(LOOK_TASK, delivery, member)


def _is_value(mapping: SourceMapping, column: str, text: str) -> bool:
    """Whether a text is a value of a column as a mapping holds it."""
    try:
        return bool(text) and constant_text(mapping.target.by_name[column], text, "en") == text
    except UnreadableConstantError:
        return False


def _check_may_choose(delivery: Delivery) -> None:
    stages = {Stage.LOOKED, Stage.REFUSED, Stage.LOOKING}
    if delivery.stage not in stages or delivery.corrects or is_under_way(delivery):
        raise Refused(Code.NOT_NOW)


def choose_kept_format(member: MemberContext, delivery: Delivery, name: str, of: Side | None = None) -> None:
    """Set the mapping of a delivery to one that its side has saved, and check the file with it.

    :param of: the other side, where it is one that this shares
    :raises Refused: as `choose_mapping`, and where there is no such format
    """
    kept: KeptMapping | SharedFormat | None
    if of is None:
        kept = KeptMapping.objects.filter(relationship=member.relationship, side=delivery.side, name=name).first()
    else:
        kept = next((one for one in shared_formats(member, of) if one.name == name), None)
    if kept is None:
        raise Refused(Code.UNKNOWN_MAPPING)
    _check_may_choose(delivery)
    delivery.mapping, delivery.text = "", kept.text
    delivery.outcome = {**without_check(delivery.outcome), "format": name, **({"format_of": of.value} if of else {})}
    if _ask_days(delivery):
        delivery.stage, delivery.why = Stage.LOOKED, ""
        delivery.save()
        return
    choose_mapping(member, delivery, "", kept.text, name, of)


_OF_UPLOAD = ("columns", "fits", "watched")  # what is known of a file before it is checked


def without_check(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return an outcome without what a check by another format came to."""
    return {key: value for key, value in outcome.items() if key in _OF_UPLOAD}


def rename_format(member: MemberContext, kept: KeptMapping, name: str) -> None:
    """Rename a format of the own side.

    :raises Refused: for those who may not, and for a name that another format has
    """
    _check_own_format(member, kept)
    others = KeptMapping.objects.filter(relationship=member.relationship, side=kept.side, name=name)
    if name in {*shipped_mappings(), *TABLES} or others.exclude(pk=kept.pk).exists():
        raise Refused(Code.NAME_TAKEN)
    shared = _shared(member, kept.name).first()
    kept.name = name
    kept.save(update_fields=["name"])
    if shared is not None:  # under its new name, as it was shared
        shared.delete()
        more = {"name": name, "table": shared.table, "text": shared.text, "person": member.membership.person}
        SharedFormat.objects.create(relationship=member.relationship, side=kept.side, **more)
        audit(member, Event.FORMAT_SHARED, SubjectType.BOOK, {"name": name}, shared=True)


def delete_format(member: MemberContext, kept: KeptMapping) -> None:
    """Delete a format of the own side: it recognises no file any more, and what was imported stays.

    :raises Refused: for those who may not
    """
    _check_own_format(member, kept)
    unshare_format(member, kept.name)
    kept.delete()


def share_format(member: MemberContext, kept: KeptMapping) -> None:
    """Let the other side use a format of the own one, as it is now; sharing it again replaces what was shared before.

    :raises Refused: for those who may not, and for a format of data that the own side keeps private
    """
    _check_own_format(member, kept)
    mapping = parse_mapping(kept.text, kept.name, None, kept.name)
    if is_private_format(mapping, _private_items(member)):
        raise Refused(Code.PRIVATE_FORMAT)
    _shared(member, kept.name).delete()
    SharedFormat.objects.create(
        relationship=member.relationship,
        side=kept.side,
        name=kept.name,
        table=mapping.table,
        text=_without_comments(kept.text),
        person=member.membership.person,
    )
    audit(member, Event.FORMAT_SHARED, SubjectType.BOOK, {"name": kept.name}, shared=True)


def unshare_format(member: MemberContext, name: str) -> None:
    """Stop sharing a format of the own side; what the other side imported by it stays.

    :raises Refused: for those who may not
    """
    if member.side is None or not member.may(Action.BRING):
        raise Refused(Code.NOT_YOURS)
    if _shared(member, name).delete()[0]:
        audit(member, Event.FORMAT_UNSHARED, SubjectType.BOOK, {"name": name}, shared=True)


def _shared(member: MemberContext, name: str) -> "QuerySet[SharedFormat]":
    side = "" if member.side is None else member.side.value
    return SharedFormat.objects.filter(relationship=member.relationship, side=side, name=name)


def _private_items(member: MemberContext) -> list[str]:
    return private_items_by_side(member)[_own_side(member)] if has_book(member) else []


def is_private_format(mapping: SourceMapping, items: Sequence[str]) -> bool:
    """Whether a format brings a table or a column that a side keeps private, or by which it keeps rows private."""
    private = {tuple(re.split(r"[.\[=\]]", item)[:2]) for item in items}
    columns = {(one.table, name) for one in mapping.all_tables for name in one.columns}
    return bool(private & (columns | {(one.table,) for one in mapping.all_tables}))


def _check_own_format(member: MemberContext, kept: KeptMapping) -> None:
    if member.side is None or kept.side != member.side.value or not member.may(Action.BRING):
        raise Refused(Code.NOT_YOURS)


def _keep_mapping(delivery: Delivery) -> None:
    """Keep the side's own mapping of a file that was imported; that of a failed try recognises nothing."""
    if delivery.text and (name := delivery.outcome.get("format")) and not delivery.outcome.get("format_of"):
        KeptMapping.objects.update_or_create(
            relationship=delivery.relationship,
            side=delivery.side,
            name=name,
            # Without the draft's comments, which quote cells: others of the side are offered the mapping.
            defaults={"text": _without_comments(delivery.text)},
        )


def _without_comments(text: str) -> str:
    """Return a mapping's TOML without its comments, and otherwise as it was written."""
    document = tomlkit.parse(text)

    def strip(container: Container) -> None:
        container.body[:] = [(key, item) for key, item in container.body if not isinstance(item, Comment)]
        for _, item in container.body:
            if isinstance(item, Whitespace):
                continue
            item.trivia.comment, item.trivia.comment_ws = "", ""
            for inner in item.body if isinstance(item, AoT) else [item]:
                if isinstance(inner, AbstractTable):
                    strip(inner.value)

    strip(document)
    return tomlkit.dumps(document)


def import_delivery(member: MemberContext, delivery: Delivery) -> None:
    """Defer the import of a file that was checked, or whose import broke off: no row is imported twice.

    :raises Refused: where it was not checked, or cannot be used
    """
    ready = (delivery.stage == Stage.LOOKED and not delivery.corrects) or (
        delivery.stage == Stage.BRINGING and not is_under_way(delivery)
    )
    is_described = bool(delivery.mapping or delivery.text) and not delivery.outcome.get("days")
    if not member.may(Action.BRING) or not ready or not is_described:
        raise Refused(Code.NOT_NOW)
    delivery.stage, delivery.rows = Stage.BRINGING, 0
    delivery.save(update_fields=["stage", "rows"])
    defer_file_task(IMPORT_TASK, delivery, member)


def drop_delivery(member: MemberContext, delivery: Delivery) -> None:
    """Discard a file that was not imported.

    :raises Refused: where it was imported, or is under way
    """
    is_imported = delivery.stage in {Stage.BROUGHT, Stage.UNDONE, Stage.DUPLICATE} or (
        delivery.stage == Stage.BRINGING and is_in_book(delivery)
    )
    if is_imported or delivery.corrects or is_under_way(delivery):
        raise Refused(Code.NOT_NOW)
    _remove_upload(delivery)
    delivery.stage = Stage.DROPPED
    delivery.save(update_fields=["stage"])
    audit_delivery(member, Event.DELIVERY_DROPPED, delivery)


def dismiss_rejects(member: MemberContext, delivery: Delivery, reason: str) -> int:
    """Record that nobody corrects the rejected rows of a file of the own side any more, and why; both sides read it.

    The rows stay rejected, in every count of the record and of the review, and a later file may still bring them.

    :returns: how many rows were open
    :raises Refused: without a reason, for the other side's file, and where no rejected row is open
    """
    if delivery.side != member.side or not member.may(Action.BRING) or not may_read_cells(member, delivery):
        raise Refused(Code.NOT_YOURS)
    if not reason.strip():
        raise Refused(Code.NEEDS_REASON)
    open_rows = open_rejects(member, delivery)
    if delivery.stage != Stage.BROUGHT or not open_rows:
        raise Refused(Code.NOT_NOW)
    dismissed = {
        "rows": open_rows,
        "reason": reason.strip(),
        "by": member.membership.person.name,
        "at": timezone.now().isoformat(),
    }
    delivery.outcome = delivery.outcome | {"dismissed": dismissed}
    delivery.save(update_fields=["outcome"])
    data = {"name": delivery.name, "rows": open_rows, "reason": dismissed["reason"]}
    audit(member, Event.REJECTS_DISMISSED, delivery, data, shared=not delivery.private)
    return open_rows


def undo_delivery(member: MemberContext, delivery: Delivery) -> None:
    """Defer the undoing of an import of the own side.

    :raises Refused: where the file was not imported, a period was frozen since, the table has a later import, or it is
        being undone already
    """
    if not member.may(Action.BRING) or delivery.side != member.side or is_being_undone(delivery):
        raise Refused(Code.NOT_NOW)
    _check_undo(member, delivery)
    if not may_undo(member, delivery):
        raise Refused(Code.NOT_LAST)
    defer_file_task(UNDO_TASK, delivery, member)


def undo_delivery_now(member: MemberContext, delivery: Delivery) -> None:
    """Undo an import, for the task; where the book has been changed already, only the rest is done.

    :raises Refused: as `undo_delivery`
    :raises BusyBookError: while another import is under way
    """
    # Nothing is frozen while it is taken back.
    type(member.relationship).objects.select_for_update().get(pk=member.relationship.pk)
    _check_undo(member, delivery)
    folder, table = book_folder(member.relationship.pk), delivery.outcome["table"]
    number, digest = delivery.outcome["number"], delivery.outcome["digest"]
    table_state = current_table(folder, TABLES[table])
    if any((one.number, one.digest, one.side) == (number, digest, delivery.side) for one in table_state.deliveries):
        try:
            undo_import(folder, table, number, digest=digest, side=Side(delivery.side))
        except (NotTheLastError, KeyError):
            raise Refused(Code.NOT_LAST) from None
    delivery.stage = Stage.UNDONE
    undone = {"by": member.membership.person.name, "at": timezone.now().isoformat()}
    delivery.outcome = delivery.outcome | {"undone": undone}
    delivery.save(update_fields=["stage", "outcome"])
    audit_delivery(member, Event.DELIVERY_UNDONE, delivery, shared=not delivery.private)
    for callback in on_undone:
        callback(member, delivery)


def _check_undo(member: MemberContext, delivery: Delivery) -> None:
    if delivery.stage != Stage.BROUGHT or "digest" not in delivery.outcome or delivery.outcome.get("already"):
        raise Refused(Code.NOT_NOW)  # of a version before, or begun twice: its number could name another import
    if not delivery.private and Hold.objects.filter(relationship=member.relationship, at__gt=delivery.at).exists():
        raise Refused(Code.HELD)


def undo_decided(person: UUID, relationship: UUID, delivery: UUID) -> None:
    """Undo an import as whoever decided it, or as a lead of their side where they have left since."""
    with acting_as(find_delivery_actor(person, relationship, delivery), relationship) as member:
        known_delivery = Delivery.objects.select_related("person").get(pk=delivery)
        try:
            undo_delivery_now(member, known_delivery)
        except Refused:
            if known_delivery.stage == Stage.BROUGHT:  # another import came meanwhile: it stays, and its side is told
                audit_delivery(member, Event.UNDO_FAILED, known_delivery)


def prevent_undo(member: MemberContext, period: str) -> None:
    """Keep the imports up to now from being undone, because a period that may rest on them was frozen."""
    Hold.objects.create(relationship=member.relationship, period=period)


def mark_private(member: MemberContext, item: str, reason: str, review_on: date) -> None:
    """Defer the withholding of an item from the other side, or change the reason and day of an item that is withheld.

    :raises Refused: without the right, for an item that the book does not know or the other side keeps, for one that
        is shared already, and for a day that has passed
    """
    side = _own_side(member)
    if review_on < timezone.now().date():
        raise Refused(Code.DAY_PASSED)
    if not reason.strip():
        raise Refused(Code.NEEDS_REASON)
    if not has_book(member):
        raise NoBookError
    with refuse_unusable(Code.UNUSABLE_BOOK, f"{BOOK_NAME}/{FILE}"):
        book_definition = read_definition(book_folder(member.relationship.pk))
        if item in private_items(book_definition, side):
            _save_mark(member, item, reason, review_on, MarkStep.Change.CHANGED)
            return
        _check_may_withhold(member, book_definition, item)
    _defer_private_change(WITHHOLD_TASK, member, item=item, reason=reason, review_on=review_on.isoformat())


def mark_private_now(member: MemberContext, item: str, reason: str, review_on: date) -> None:
    """Withhold an item, for the task; where the book says so already, only the rest is done.

    :raises Refused: as `mark_private`
    :raises BusyBookError: during an import
    """
    side, folder = _own_side(member), book_folder(member.relationship.pk)
    with book_lock(folder):
        book_definition = read_definition(folder)
        if item not in private_items(book_definition, side):
            _check_may_withhold(member, book_definition, item)
            _write_private(folder, side, [*private_items(book_definition, side), item])
    _save_mark(member, item, reason, review_on, MarkStep.Change.HELD_BACK)
    for shared in shared_formats(member, side):  # what it says of the item is no longer the other side's to read
        with contextlib.suppress(UnusableMappingError):
            if is_private_format(parse_mapping(shared.text, shared.name, None, shared.name), [item]):
                unshare_format(member, shared.name)


def _check_may_withhold(member: MemberContext, book_definition: Definition, item: str) -> None:
    answer = may_withhold(book_folder(member.relationship.pk), book_definition, _own_side(member), item)
    if answer is not WithholdAnswer.YES:
        raise Refused(Code.SHARED_ALREADY if answer is WithholdAnswer.SHARED else Code.NO_ITEM)


def _save_mark(member: MemberContext, item: str, reason: str, review_on: date, change: MarkStep.Change) -> None:
    side, person = _own_side(member), member.membership.person
    fields = {"reason": reason.strip(), "review_on": review_on, "person": person, "at": timezone.now()}
    key: dict[str, Any] = {"relationship": member.relationship, "side": side.value, "item": item}
    mark, is_new = Mark.objects.update_or_create(**key, defaults=fields)
    _add_mark_step(member, item, MarkStep.Change.HELD_BACK if is_new else change, mark.reason, review_on)
    data = {"item": item, "review_on": review_on.isoformat()}
    audit(member, Event.ITEM_HELD_BACK, SubjectType.ITEM, data, shared=True)


def say_complete(member: MemberContext, table: str, last_day: date) -> None:
    """Say for the own side that its records of a table are whole up to and with a day; said twice, it is said once.

    :raises Refused: without the right, for a table that the own side does not owe, and for a day that is not over
    """
    side = _saying_side(member, table)
    if last_day >= timezone.localdate(timezone=ZoneInfo(book_zone(member))):
        raise Refused(Code.DAY_NOT_OVER)
    until = last_day + timedelta(days=1)
    if not any((one.side, one.table, one.until) == (side, table, until) for one in complete_words(member)):
        _add_complete_word(member, table, until, Event.COMPLETE_SAID)


def end_complete(member: MemberContext, table: str, last_day: date) -> None:
    """Take back what the own side said; what became final by it stays.

    :raises Refused: without the right, for what the own side did not say, and where a period became final since
    """
    side, until = _saying_side(member, table, is_owed=False), last_day + timedelta(days=1)
    words = [one for one in complete_words(member) if (one.side, one.table, one.until) == (side, table, until)]
    if not words:
        raise Refused(Code.NO_ITEM)
    if Hold.objects.filter(relationship=member.relationship, at__gt=words[0].at).exists():
        raise Refused(Code.WORD_HELD)
    _add_complete_word(member, table, until, Event.COMPLETE_ENDED)


def _saying_side(member: MemberContext, table: str, *, is_owed: bool = True) -> Side:
    if member.side is None or not member.may(Action.BRING):
        raise Refused(Code.NOT_YOURS)
    if not has_book(member):
        raise NoBookError
    if is_owed and table not in owed_tables(member):
        raise Refused(Code.NOT_OWED)
    return member.side


def _add_complete_word(member: MemberContext, table: str, until: date, event: Event) -> None:
    side = member.side
    if side is None:
        raise Refused(Code.NOT_YOURS)
    CompleteWord.objects.create(
        relationship=member.relationship,
        side=side.value,
        table=table,
        until=until,
        said=event is Event.COMPLETE_SAID,
        person=member.membership.person,
    )
    day = (until - timedelta(days=1)).isoformat()
    audit(member, event, SubjectType.BOOK, {"table": table, "day": day}, shared=True)
    relationship, person = member.relationship.pk, str(member.membership.person_id)
    defer(COMPLETE_TASK, relationship=relationship, lock=f"{COMPLETE_TASK} {relationship}", person=person, side=side)


def write_complete_words(person: UUID, relationship: UUID, side: Side) -> None:
    """Write into the book what the side says now of how far its records are whole, for the task; the same twice is one.

    Days that stand in the book and that the room knows nothing of stay.

    :raises BusyBookError: during an import
    """
    actor = find_actor(person, relationship, lambda member: member.side == side)
    with acting_as(actor, relationship) as member:
        ever = CompleteWord.objects.filter(relationship=member.relationship, side=side.value)
        known = set(ever.order_by().values_list("table", "until"))
        said = {(one.table, one.until) for one in complete_words(member) if one.side == side}
    folder = book_folder(relationship)
    with book_lock(folder):
        document = tomlkit.parse((folder / FILE).read_text(encoding="utf-8"))
        written = {
            (table, day) for table, days in read_definition(folder).complete.get(side, {}).items() for day in days
        }
        section = document.setdefault("complete", tomlkit.table())
        own = section.setdefault(side.value, tomlkit.table())
        for table in sorted({table for table, _day in known}):
            own[table] = sorted(day for named, day in written - known | said if named == table)
        write_text(folder / FILE, tomlkit.dumps(document))


def side_lock(relationship: UUID, side: Side) -> str:
    """Return the lock of a side's jobs that change its rows or private items, which run in the order of its decisions.

    Without it, a file that is imported right after an item was withheld could reach the shared records first. Each side
    has its own, so that a job that keeps failing for one does not block the other.
    """
    return f"book {relationship} {side.value}"


def _defer_private_change(task: str, member: MemberContext, **arguments: Any) -> None:  # noqa: ANN401 - JSON
    """Defer a task that changes the own side's private items, in the order of the side's decisions."""
    relationship = member.relationship.pk
    person = str(member.membership.person_id)
    side = _own_side(member)
    lock = side_lock(relationship, side)
    defer(task, relationship=relationship, lock=lock, person=person, side=side.value, **arguments)


def disclose(member: MemberContext, item: str) -> None:
    """Defer the disclosure of an item, which both sides read from then on; also for a book that names an item twice.

    :raises Refused: without the right, for an item that the own side does not withhold or that lies in a table that
        the role does not read, and for values kept beside the other side's rows
    """
    _check_disclosure(member, item)
    _defer_private_change(DISCLOSE_TASK, member, item=item)


def disclose_now(member: MemberContext, item: str) -> None:
    """Disclose an item, for the task; where the book has been changed already, only the rest is done.

    :raises Refused: as `disclose`
    :raises BusyBookError: during an import
    """
    side, folder = _own_side(member), book_folder(member.relationship.pk)
    if item in private_items_by_side(member)[side]:
        items = _check_disclosure(member, item)
        with book_lock(folder):
            _write_private(folder, side, [one for one in items if one != item], allow_unreadable=True)
    elif not Mark.objects.filter(relationship=member.relationship, side=side.value, item=item).exists():
        return
    parsed = parse_private_item(item)
    if parsed is not None:
        person_name, now = member.membership.person.name, datetime.now(UTC)
        disclose_rows(folder, [parsed.table], by=person_name, side=side, at=now)
    Mark.objects.filter(relationship=member.relationship, side=side.value, item=item).delete()
    _add_mark_step(member, item, MarkStep.Change.DISCLOSED, "", None)
    audit(member, Event.ITEM_DISCLOSED, SubjectType.ITEM, {"item": item}, shared=True)


def _check_disclosure(member: MemberContext, item: str) -> list[str]:
    """Return the own side's private items.

    :raises Refused: where it may not disclose this one
    """
    side = _own_side(member)
    folder = book_folder(member.relationship.pk)
    items = private_items_by_side(member)[side]
    if item not in items or item_table(item) in member.closed_tables:
        raise Refused(Code.NO_ITEM)
    with contextlib.suppress(UnusableBookError):  # of a book that names an item twice
        if has_values_beside_others(folder, read_definition(folder), side, item):
            raise Refused(Code.BESIDE_OTHERS)
    return items


@contextmanager
def log_refusal(person: UUID, relationship: UUID, side: Side, event: Event, item: str) -> Iterator[MemberContext]:
    """Run a job's transaction; where the request is refused by now, log that for the own side.

    :param side: whose job it is; where the person has left, a lead of this side acts
    """
    actor = find_actor(person, relationship, lambda member: member.side == side)
    try:
        with acting_as(actor, relationship) as member:
            yield member
    except NoBookError:
        raise  # it may come back: the job is tried again
    except Refused:
        with acting_as(actor, relationship) as member:
            audit(member, event, SubjectType.ITEM, {"item": item})


def _own_side(member: MemberContext) -> Side:
    if member.side is None or not member.may(Action.BRING) or not member.may(Action.READ_OWN):
        raise Refused(Code.NOT_YOURS)
    return member.side


def _add_mark_step(member: MemberContext, item: str, change: str, reason: str, review_on: date | None) -> None:
    MarkStep.objects.create(
        relationship=member.relationship,
        side=_own_side(member).value,
        item=item,
        change=change,
        reason=reason,
        review_on=review_on,
        person=member.membership.person,
    )


def _write_private(folder: Path, side: Side, items: Sequence[str], *, allow_unreadable: bool = False) -> None:
    """Set a side's items in `[private]` of `book.toml`, with all else as people wrote it.

    :param allow_unreadable: also where the changed book cannot be read, because of what else it says
    :raises Refused: where the changed book cannot be read
    """
    document = tomlkit.parse((folder / FILE).read_text(encoding="utf-8"))
    section = document.setdefault("private", tomlkit.table())
    section[side.value] = list(items)
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / FILE).write_text(tomlkit.dumps(document), encoding="utf-8")
        try:
            read_definition(Path(work))
        except UnusableBookError:
            if not allow_unreadable:
                raise Refused(Code.NO_ITEM) from None
    write_text(folder / FILE, tomlkit.dumps(document))


def accept_correction(member: MemberContext, correction: Mapping[str, Any], rows: Sequence[int] | None) -> Delivery:
    """Defer changes that the other side proposed to rows of the own side, as a delivery that can be undone.

    :param correction: the table, the number of the import that proposed them, and its delivery
    :param rows: the numbers of the proposals; None: all
    """
    delivery = Delivery.objects.create(
        relationship=member.relationship,
        side=str(member.membership.side),
        person=member.membership.person,
        name=str(correction.get("name", ""))[:200],
        size=0,
        stage=Stage.BRINGING,
        outcome={"table": correction["table"]},
        corrects={
            "table": correction["table"],
            "number": correction["number"],
            "delivery": correction["delivery"],
            "rows": None if rows is None else list(rows),
        },
    )
    defer_file_task(CORRECT_TASK, delivery, member)
    return delivery


def refuse_correction(member: MemberContext, correction: Mapping[str, Any]) -> None:
    """Defer the removal of proposed changes; the rows stay as they are."""
    arguments = {name: correction[name] for name in ("table", "number", "delivery")}
    defer(REFUSE_TASK, relationship=member.relationship.pk, **arguments)


def refuse_correction_now(relationship: UUID, table: str, number: int, delivery: str) -> None:
    """Remove proposed changes, for the task.

    :raises BusyBookError: during an import
    """
    refuse_proposals(book_folder(relationship), table, number, delivery)


def find_actor(person: UUID, relationship: UUID, is_own_side: Callable[[MemberContext], bool]) -> UUID:
    """Return who carries out a side's decision: whoever decided it or, once they have left, a lead of their side.

    :param is_own_side: whether the decision is of a member's side
    :raises PermissionError: where the side has no lead
    """
    try:
        with acting_as(person, relationship):
            return person
    except PermissionError:
        return find_lead(relationship, is_own_side)


def find_delivery_actor(person: UUID, relationship: UUID, delivery: UUID) -> UUID:
    """Return who carries out a side's decision about a delivery, as `find_actor`."""
    return find_actor(
        person, relationship, lambda member: Delivery.objects.filter(pk=delivery, side=member.side).exists()
    )


def run_delivery(person: UUID, relationship: UUID, number: UUID, *, dry_run: bool) -> None:
    """Check a file, or import it, for the task; save the progress on the way and the outcome at the end."""
    with acting_as(person, relationship) as member:
        delivery = Delivery.objects.select_related("person").get(pk=number)
        person_name = member.membership.person.name
        table_holders = _delivery_table_holders(member, delivery)
    if delivery.stage != (Stage.LOOKING if dry_run else Stage.BRINGING):
        return  # somebody has asked for something else meanwhile

    def save_progress(rows: int) -> None:
        with acting_as(person, relationship):
            Delivery.objects.filter(pk=number).update(rows=rows)

    with acting_as(person, relationship) as member:
        backfill_book_sides(member)
        if dry_run and not delivery.mapping and not delivery.text and not recognise(member, delivery):
            return
    changes, record, further = _import_delivery(delivery, person_name, table_holders, save_progress, dry_run=dry_run)
    with acting_as(person, relationship) as member:
        if record is not None:
            repeated = was_imported_before(member, record, _delivery_mapping(delivery))
            # A file whose rows were changed since by another may be imported once more.
            differs = any(getattr(record, name) for name in _COUNTS_OF_DIFFERENCE)
            changes["outcome"] |= {"already": repeated and not differs, "again": repeated and differs}
        deliveries = Delivery.objects.filter(pk=number)
        is_imported = changes["stage"] in {Stage.BROUGHT, Stage.DUPLICATE}
        # An import is recorded whatever was asked for since; the outcome of a check only where it is still wanted.
        is_updated = (deliveries if is_imported else deliveries.filter(stage=delivery.stage)).update(**changes)
        if changes["stage"] == Stage.BROUGHT:
            _keep_mapping(deliveries.get())
        if is_imported or delivery.corrects or (is_updated and changes["stage"] == Stage.REFUSED):
            after_import(member, deliveries.select_related("person").get())
            for outcome in further if is_imported else ():
                _record_further(member, deliveries.select_related("person").get(), outcome)
        elif is_updated and settings.WATCHED_IMPORTS and _is_certain(deliveries.get()):
            import_delivery(member, deliveries.select_related("person").get())
        _tell_of_watched(member, deliveries.get())


def _tell_of_watched(member: MemberContext, delivery: Delivery) -> None:
    """Add to the log that a file of the watched folder waits for a decision; the mail to its side follows from that.

    Once, for nobody was in the room when the side's own system left it; whoever looks at it again is.
    """
    if "watched" not in delivery.outcome or delivery.stage not in {Stage.LOOKED, Stage.REFUSED}:
        return
    if not log_events(member).filter(event=Event.DELIVERY_WAITS, subject_id=delivery.pk).exists():
        audit_delivery(member, Event.DELIVERY_WAITS, delivery)


def _is_certain(delivery: Delivery) -> bool:
    """Whether a checked file of the watched folder is in one known format and may be imported unseen."""
    outcome, counts = delivery.outcome, delivery.outcome.get("counts")
    if "watched" not in outcome or delivery.stage != Stage.LOOKED or not counts:
        return False
    if outcome.get("already") or outcome.get("again"):  # an earlier file is not to take back what a later one said
        return False
    if outcome.get("format_of"):  # what the other side's format makes of a file, a person looks at first
        return False
    is_own = bool(outcome.get("format"))
    return (is_own or len(outcome.get("fits", ())) == 1) and counts["rejected"] <= MAX_REJECTS * counts["rows_in"]


def _import_delivery(
    delivery: Delivery,
    person_name: str,
    table_holders: Mapping[str, Side | None],
    save_progress: Callable[[int], None],
    *,
    dry_run: bool,
) -> tuple[dict[str, Any], ImportRecord | None, tuple[Outcome, ...]]:
    """Return the changed fields of a delivery, the import that a checked file would be, and what else it fed.

    :raises BusyBookError: during another import; the job is tried again
    """
    try:
        if delivery.corrects:
            return _make_correction(delivery, person_name), None, ()
        mapping = _delivery_mapping(delivery)
        outcome, *further = import_tables(
            book_folder(delivery.relationship_id),
            upload_path(delivery),
            mapping,
            ImportRequest(
                person_name,
                datetime.now(UTC),
                dry_run=dry_run,
                side=Side(delivery.side),
                holder=table_holders.get(mapping.table),
                key=str(delivery.pk),
                again=bool(delivery.outcome.get("again")) and not dry_run,
                rejected_rows=rejected_rows_file(delivery),
                further_holders=table_holders,
            ),
            _report_progress(save_progress),
        )
        changes = _imported_changes(outcome, delivery, mapping, dry_run=dry_run)
        return changes, outcome.delivery if changes["stage"] == Stage.LOOKED else None, tuple(further)
    except NoProposalError:
        return {"stage": Stage.REFUSED, "why": "these changes were answered already, or are no longer kept"}, None, ()
    except BusyBookError:
        raise
    except (UnusableFileError, OSError) as error:
        if delivery.corrects:
            raise  # what was accepted is made as soon as the book can be written again
        return {"stage": Stage.REFUSED, "why": _failure_sentence(error, delivery)}, None, ()


def tables_of(delivery: Delivery) -> frozenset[str]:
    """Return the tables that a file feeds; none where its mapping cannot be used."""
    with contextlib.suppress(UnusableMappingError):
        return frozenset(one.table for one in _delivery_mapping(delivery).all_tables)
    return frozenset()


@contextmanager
def supposed_import(member: MemberContext, delivery: Delivery) -> Iterator[Path]:
    """Yield a copy of the book as it would be with a checked file imported.

    :raises UnusableFileError: where it cannot be imported, or another import is under way
    """
    mapping, holders = _delivery_mapping(delivery), _delivery_table_holders(member, delivery)
    request = ImportRequest(
        member.membership.person.name,
        datetime.now(UTC),
        side=Side(delivery.side),
        holder=holders.get(mapping.table),
        key=str(delivery.pk),
        again=bool(delivery.outcome.get("again")),
        further_holders=holders,
    )
    folder = book_folder(delivery.relationship_id)
    with supposed_imported(folder, upload_path(delivery), mapping, request, _LOCK_TIMEOUT_S) as copy:
        yield copy


def _delivery_table_holders(member: MemberContext, delivery: Delivery) -> dict[str, Side | None]:
    """Return by table of a file the side that alone adds rows to it, if one does."""
    with contextlib.suppress(UnusableMappingError):
        tables = () if delivery.corrects else _delivery_mapping(delivery).all_tables
        return {one.table: find_table_holder(member, one.table) for one in tables}
    return {}  # the import itself says why the mapping cannot be used


def _record_further(member: MemberContext, delivery: Delivery, outcome: Outcome) -> None:
    """Add a delivery for what a file fed a further table with, to be undone and corrected by itself."""
    key = UUID(further_key(str(delivery.pk), outcome.table))
    if Delivery.objects.filter(pk=key).exists():
        return
    further = Delivery(
        pk=key,
        relationship=delivery.relationship,
        side=delivery.side,
        person=delivery.person,
        at=delivery.at,
        name=delivery.name,
        size=0,
        mapping=delivery.mapping,
        text=delivery.text,
    )
    mapping = next(one for one in _delivery_mapping(delivery).also if one.table == outcome.table)
    for name, value in _imported_changes(outcome, further, mapping, dry_run=False).items():
        setattr(further, name, value)
    if further.stage != Stage.BROUGHT:
        return  # the side has imported these rows before
    further.save(force_insert=True)
    after_import(member, further)


_COUNTS_OF_DIFFERENCE = ("new", "updated", "withdrawn")  # what was proposed waits, or was answered
_OF_CHECKS = ("columns", "chosen")  # what a page needs of a file until it is imported


def _imported_changes(outcome: Outcome, delivery: Delivery, mapping: SourceMapping, *, dry_run: bool) -> dict[str, Any]:
    """Return the changed fields of a delivery that was checked or imported."""
    outcome_json = delivery.outcome | _outcome_json(outcome, delivery, mapping)
    if outcome.already is not None and outcome.already.key != str(delivery.pk):
        # With the number and counts of the import that brought it, and never to be taken back.
        return {"stage": Stage.DUPLICATE, "outcome": outcome_json, "private": True, "why": ""}
    # A file of which the other side sees no row stays unknown to it.
    shared_record = outcome.shared or outcome.delivery
    is_visible = shared_record.rows_in or shared_record.withdrawn or shared_record.proposed_withdrawals
    is_private = outcome.shared is not None and not is_visible and bool((outcome.already or outcome.delivery).rows_in)
    book_definition = read_definition(book_folder(delivery.relationship_id))
    is_private = is_private or (
        outcome.shared is None and book_definition.private_owner(outcome.table) == delivery.side
    )
    return {
        "stage": Stage.LOOKED if dry_run else Stage.BROUGHT,
        # Values of columns that are not imported are kept no longer than the file.
        "outcome": outcome_json
        if dry_run
        else {key: value for key, value in outcome_json.items() if key not in _OF_CHECKS},
        "private": is_private,
        "why": "",
    }


def _make_correction(delivery: Delivery, person_name: str) -> dict[str, Any]:
    correction = delivery.corrects
    accepted = accept_proposals(
        book_folder(delivery.relationship_id),
        correction["table"],
        correction["number"],
        by=person_name,
        side=Side(delivery.side),
        at=datetime.now(UTC),
        rows=correction["rows"],
        key=correction["delivery"],
        made_as=str(delivery.pk),
        patience_s=_LOCK_TIMEOUT_S,
    )
    counts = dict.fromkeys(COUNT_FIELDS, 0) | {
        "updated": accepted.changed,
        "new": accepted.added,
        "withdrawn": accepted.withdrawn,
    }
    counts["rows_in"] = accepted.changed + accepted.added
    outcome = {"number": accepted.number, "digest": accepted.digest, "counts": counts, "shared_counts": counts}
    if accepted.stale:
        outcome["notes"] = [
            f"{accepted.stale:,} rows have changed since these changes were proposed, and stay as they are"
        ]
    return {"stage": Stage.BROUGHT, "outcome": delivery.outcome | outcome, "private": False, "why": ""}


def after_import(member: MemberContext, delivery: Delivery) -> None:
    """Log an import, open a matter for the changes that it proposes, and remove the file.

    A file that was refused is logged too, and kept to be checked again.
    """
    counts = delivery.outcome.get("counts", {})
    if delivery.stage == Stage.REFUSED:
        event = Event.CORRECTION_FAILED if delivery.corrects else Event.DELIVERY_REFUSED
        audit_delivery(member, event, delivery, shared=bool(delivery.corrects))
        return
    if delivery.stage == Stage.DUPLICATE:
        audit_delivery(member, Event.DELIVERY_REPEATED, delivery)
    if delivery.stage == Stage.BROUGHT:
        event = Event.CORRECTION_MADE if delivery.corrects else Event.DELIVERY_IMPORTED
        audit_delivery(member, event, delivery, shared=not delivery.private)
        if counts.get("proposed") or counts.get("proposed_withdrawals"):
            for callback in on_proposed:
                callback(member, delivery)
    _remove_upload(delivery)


def backfill_book_sides(member: MemberContext) -> None:
    """Write `brought_by` into the rows of a book of an earlier version, as far as the room knows it; once a book.

    Rows that a side imported for itself alone lie in its own folder, which says whose they are.

    :raises BusyBookError: during an import
    """
    folder = book_folder(member.relationship.pk)
    if not (folder / FILE).is_file() or not needs_sides(folder):
        return
    sides: dict[str, dict[int, str]] = {}
    for delivery in Delivery.objects.filter(relationship=member.relationship, stage=Stage.BROUGHT):
        if delivery.outcome.get("number") and not delivery.outcome.get("already"):
            sides.setdefault(delivery.outcome["table"], {})[delivery.outcome["number"]] = delivery.side
    backfill_sides(folder, sides)


def write_rows(  # noqa: PLR0913 - what, where, and by which key
    relationship: UUID, table: str, rows: Sequence[Mapping[str, str]], at: datetime, *, subject: str, key: str
) -> None:
    """Defer the writing of rows that the room knows into a table of the book, by their keys.

    :param subject: what the rows are about; the jobs of one subject run in order
    :param key: of this state of the subject: it is written once, however often the job runs
    """
    defer(
        WRITE_TASK, relationship=relationship, lock=f"{WRITE_TASK} {subject}",
        table=table, rows=[dict(row) for row in rows], at=at.isoformat(), key=key,
    )  # fmt: skip


def write_rows_now(relationship: UUID, table: str, rows: Sequence[Mapping[str, str]], at: datetime, key: str) -> None:
    """Write the rows, for the task; nothing where there is no book yet, because `on_begun` writes them then.

    :raises BusyBookError: during an import
    :raises comity.book.formats.sheet.UnusableSourceError: for rows that break the table's rules
    """
    folder = book_folder(relationship)
    if not rows or not (folder / FILE).is_file():
        return
    if any(one.key == key for one in current_table(folder, EVERY_TABLE[table]).deliveries):
        return
    # The room's own rows are neither side's, so that no side's rules take them.
    rows = [{**row, "brought_by": "neither"} for row in rows]
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "room.csv"
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        mapping = identity_mapping(table)
        request = ImportRequest(
            "the room", at, max_rejects=0.0, patience_s=_LOCK_TIMEOUT_S, key=key, again=True, by_room=True
        )
        import_source(folder, path, mapping, request)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A mapping that a side has saved or the other side shares, its text, and what a delivery keeps of whose it is."""

    mapping: SourceMapping
    text: str
    outcome: dict[str, str]


def _kept_mappings(member: MemberContext, delivery: Delivery) -> dict[str, _Kept]:
    """Return the side's own mappings, then those that the other side shares, without those that cannot be read.

    One that the other side shares stands under no name of an own one, or of a shipped one, in whose place it would be
    taken.
    """
    side = Side(delivery.side)
    own: dict[str, tuple[str, dict[str, str]]] = {
        one.name: (one.text, {"format": one.name}) for one in formats_of(delivery.relationship_id, side)
    }
    taken = {*own, *shipped_mappings(), *TABLES}
    for one in shared_formats(member, side.other):
        key = one.name if one.name not in taken else f"{one.name} ({one.side})"
        own.setdefault(key, (one.text, {"format": one.name, "format_of": one.side}))
    mappings = {}
    for key, (text, outcome) in own.items():
        with contextlib.suppress(UnusableMappingError):
            mappings[key] = _Kept(parse_mapping(text, key, None, key), text, outcome)
    return mappings


def defer_file_task(task: str, delivery: Delivery, member: MemberContext) -> None:
    """Defer a task about a delivery in the name of the member; a failure is shown to their side alone."""
    sides = () if member.side is None else (member.side,)
    person, relationship = str(member.membership.person_id), delivery.relationship_id
    lock = None if task in {RECOGNISE_TASK, LOOK_TASK} else side_lock(relationship, Side(delivery.side))
    defer(task, relationship=relationship, sides=sides, lock=lock, person=person, delivery=str(delivery.pk))


def _remove_upload(delivery: Delivery) -> None:
    shutil.rmtree(upload_path(delivery).parent, ignore_errors=True)


def _delivery_mapping(delivery: Delivery) -> SourceMapping:
    if delivery.text:
        return parse_mapping(delivery.text, delivery.name, None, Path(delivery.name).stem)
    if delivery.mapping not in {*shipped_mappings(), *TABLES}:
        raise UnusableMappingError("say what the file is: choose a format, or write a mapping")
    return read_mapping(delivery.mapping)


def _report_progress(save_progress: Callable[[int], None]) -> Callable[[int], None]:
    """Return a callback that adds up rows and saves the total every `_PROGRESS_ROWS`."""
    total = reported = 0

    def count(rows: int) -> None:
        nonlocal total, reported
        total += rows
        if total - reported >= _PROGRESS_ROWS:
            reported = total
            save_progress(total)

    return count


def _outcome_json(outcome: Outcome, delivery: Delivery, mapping: SourceMapping) -> dict[str, Any]:
    record = outcome.already or outcome.delivery
    names = dict.fromkeys(name for row in outcome.first_rows for name in row if not name.startswith("_"))
    return {
        "table": outcome.table,
        "number": record.number,
        "digest": record.digest,
        "already": outcome.already is not None,
        "counts": {name: getattr(record, name) for name in COUNT_FIELDS},
        "shared_counts": {name: getattr(outcome.shared or record, name) for name in COUNT_FIELDS},
        "contradictory": record.contradictory,
        "implausible": record.implausible,
        "past_months": record.past_months,
        "later_counts": bool(record.updated) and not record.has_update_times,
        "by_reason": [
            {"column": column, "reason": reason, "rows": rows} for (column, reason), rows in outcome.by_reason.items()
        ],
        "rejects": [
            {"line": one.line, "column": one.column, "value": one.value, "reason": one.reason}
            for one in outcome.rejects[:_KEPT_REJECTS]
        ],
        "first_rows": [list(names), *([row.get(name, "") for name in names] for row in outcome.first_rows)],
        "reach": None if record.reach is None else [day.isoformat() for day in record.reach],
        "not_kept": list(outcome.unmapped[:_KEPT_HEADERS]),
        "in_neither": dict(outcome.in_neither),
        "read_as_empty": {header: dict(counts) for header, counts in outcome.read_as_empty.items()},
        "read_from": {
            name: headers
            for name in dict.fromkeys(name for pair in outcome.by_reason for name in blamed_columns(*pair))
            if (headers := _present_headers(outcome, mapping, name))
        },
        "read_as": _columns_read(outcome, mapping),
        "notes": [text.replace(upload_path(delivery).name, delivery.name) for text in outcome.notes],
    }


def _columns_read(outcome: Outcome, mapping: SourceMapping) -> list[dict[str, Any]]:
    """Return the columns that a file is read as: our column, their headers, and the first values that came of it."""
    columns = dict.fromkeys(name for row in outcome.first_rows for name in row if name in mapping.target.by_name)
    return [
        {
            "column": name,
            "headers": _present_headers(outcome, mapping, name),
            "values": [str(row.get(name, "")) for row in outcome.first_rows[:_SHOWN_VALUES]],
        }
        for name in columns
    ]


def _present_headers(outcome: Outcome, mapping: SourceMapping, column: str) -> list[str]:
    """Return the headers of a file that one of our columns is read from; of several names, those that the file has."""
    if not mapping.identity and column not in mapping.columns:
        return []
    asked = [column] if mapping.identity else list(headers_behind(mapping, column))
    present = [header for name in asked if (header := find_in(outcome.headers, name)) is not None]
    return list(dict.fromkeys(present)) or asked[:1]


def _failure_sentence(error: UnusableFileError | OSError, delivery: Delivery) -> str:
    """Return what went wrong, with the file called as it was uploaded."""
    path = upload_path(delivery)
    names = {path: delivery.name, Path(path.name): delivery.name, book_folder(delivery.relationship_id): BOOK_NAME}
    return sentence(error, names)[:_MAX_SENTENCE]
