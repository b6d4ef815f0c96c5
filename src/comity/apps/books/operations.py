"""Records into a relationship's book: files that people bring, and what the room itself writes there."""

import contextlib
import csv
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import tomlkit
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone
from tomlkit.container import Container
from tomlkit.items import AbstractTable, AoT, Comment, Whitespace

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.books.models import Delivery, Hold, KeptMapping, Mark, MarkStep, Stage
from comity.apps.books.queries import (
    BOOK_NAME,
    UNDO,
    NoBookError,
    being_undone,
    came_before,
    came_in,
    file_of,
    folder_of,
    has_book,
    holder,
    items_kept,
    may_undo,
    sentence,
    table_of,
    under_way,
)
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
from comity.book.formats.sheet import UnusableSourceError
from comity.book.importing.backfill import backfill_sides as stamp_book
from comity.book.importing.backfill import needs_sides
from comity.book.importing.corrections import NoProposalError, accept_proposals, refuse_proposals
from comity.book.importing.current import current_table
from comity.book.importing.deliver import ImportRequest, Outcome, import_source
from comity.book.importing.undo import NotTheLastError
from comity.book.importing.undo import undo_import as take_back
from comity.book.importing.withhold import WithholdAnswer, disclose_rows, has_values_beside_others, may_withhold
from comity.book.mappings.draft import draft_mapping
from comity.book.mappings.model import SourceMapping, UnusableMappingError, identity_mapping
from comity.book.mappings.parse import parse_mapping, read_mapping, shipped_mappings
from comity.book.mappings.recognise import matching_mappings
from comity.book.storage.atomic import write_text
from comity.book.storage.commit import BusyBookError, book_lock
from comity.book.storage.journal import ImportRecord as Import
from comity.book.tables import TABLES
from comity.core.values import Side

_STEP = 20_000  # rows between two words of how far it is
_KEPT_ROWS = 200  # rejects told on the page; the file has them all
COUNTS = (
    *("rows_in", "new", "unchanged", "updated", "withdrawn", "rejected", "collapsed", "superseded"),
    *("proposed", "proposed_withdrawals"),
)
_PATIENCE_S = 3.0  # how long the room waits for its turn in a book, before it is tried again later
LOOK, BRING, WRITE, CORRECT, REFUSE = "books.look", "books.bring", "books.write", "books.correct", "books.refuse"
BEGIN, HOLD_BACK, DISCLOSE = "books.begin", "books.hold_back", "books.disclose"
CHANGES = (WRITE, CORRECT, REFUSE, UNDO, BEGIN, HOLD_BACK, DISCLOSE)  # of a book, but for files
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


# Called in the transaction in which a side's delivery is recorded as brought in, when it proposes changes to rows that
# the other side brought. The app of matters registers itself: it opens the matter that the other side answers.
on_proposed: list[Callable[[MemberContext, Delivery], None]] = []
# The same when a side takes a delivery back: what it proposed is proposed no longer.
on_undone: list[Callable[[MemberContext, Delivery], None]] = []
# The same when a book is begun: what the room knows already is written into it.
on_begun: list[Callable[[MemberContext], None]] = []


@contextmanager
def unusable(code: Code, file: str = "") -> Iterator[None]:
    """Refuse, with what is wrong, what the readers of books, mappings and files cannot use.

    :param file: how people call the file that is read; empty: the sentence says it without
    :raises Refused: with this code
    """
    try:
        yield
    except UnusableFileError as error:
        raise Refused(code, why=error.called(file if error.file else "")) from None


def begin_book(member: MemberContext, timezone: str, currency: str) -> None:
    """Have the book of a relationship that has none begun, with nothing agreed in it yet.

    :raises Refused: for a zone or a currency that is none, and where a book has begun or is about to
    """
    if has_book(member):
        raise Refused(Code.BEGUN_ALREADY)
    if has_pending(member, [BEGIN]):
        raise Refused(Code.NOT_NOW)
    with tempfile.TemporaryDirectory() as tried, unusable(Code.UNUSABLE_TERMS):
        _write_book(Path(tried), member, timezone, currency)
    defer(
        BEGIN, relationship=member.relationship.pk, person=str(member.membership.person_id),
        timezone=timezone, currency=currency,
    )  # fmt: skip


def begin_book_now(member: MemberContext, timezone: str, currency: str) -> None:
    """The same, at once; a book that is there already stays as it is."""
    folder = folder_of(member.relationship.pk)
    if (folder / FILE).is_file():
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_book(folder, member, timezone, currency)
    said = {"timezone": timezone, "currency": currency}
    audit(member, Event.BOOK_BEGUN, SubjectType.BOOK, said, shared=True)
    for writes in on_begun:
        writes(member)


def _write_book(folder: Path, member: MemberContext, timezone: str, currency: str) -> None:
    names = {side: member.relationship.organisation(side).name for side in Side}
    values = {
        "name": str(member.relationship),
        "timezone": timezone,
        "currency": currency,
        **{f"{side.value}_id": side.value for side in Side},
        **{side.value: name for side, name in names.items()},
    }
    write_text(folder / FILE, BOOK.format(**{name: _quoted(value) for name, value in values.items()}))
    try:
        read_definition(folder)
    except UnusableBookError:
        (folder / FILE).unlink()
        raise


def receive(member: MemberContext, upload: "UploadedFile[Any]") -> Delivery:
    """Take a file, find out what it is, and have it looked at.

    :raises Refused: for those on neither side, for a file that is too large, and for too many within an hour
    """
    side = member.side
    if side is None or not member.may(Action.BRING):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "uploads")
    made = Delivery(
        relationship=member.relationship,
        side=side.value,
        person=member.membership.person,
        name=Path(upload.name or "file").name[:200],
        size=upload.size or 0,
    )
    put_down(upload, file_of(made))
    made.save(force_insert=True)
    audit_delivery(member, Event.DELIVERY_UPLOADED, made)
    _later(LOOK, made, member)
    return made


def recognise(member: MemberContext, delivery: Delivery) -> bool:
    """Find out what a file is, by known formats and the side's own mappings; draft a mapping where it is none of them.

    :returns: whether it is known
    """
    path = file_of(delivery)
    try:
        kept = _kept(delivery)
        fits = matching_mappings(path, [mapping for mapping, _ in kept.values()])
        text = "" if fits else draft_mapping(path)
    except UnusableSourceError as error:
        changes: dict[str, Any] = {"stage": Stage.REFUSED, "why": _sentence(error, delivery)}
    else:
        best = fits[0].mapping if fits else ""
        delivery.mapping, delivery.text = ("", kept[best][1]) if best in kept else (best, text)
        changes = {"mapping": delivery.mapping, "text": delivery.text}
        changes |= {"outcome": {"fits": [fit.mapping for fit in fits[:5]]}}
        changes |= {} if fits else {"stage": Stage.LOOKED}
    asked_for = Delivery.objects.filter(relationship=member.relationship, pk=delivery.pk, stage=Stage.LOOKING)
    if asked_for.update(**changes) and changes.get("stage") == Stage.REFUSED:
        audit_delivery(member, Event.DELIVERY_REFUSED, delivery)
    return "stage" not in changes


def audit_delivery(member: MemberContext, event: Event, delivery: Delivery, *, shared: bool = False) -> None:
    """Add to the log what became of a file: its name and, as far as it is known, its table."""
    table = delivery.outcome.get("table")
    data = {"name": delivery.name} | ({"table": table} if table else {})
    audit(member, event, delivery, data, shared=shared)


def put_down(upload: "UploadedFile[Any]", member: Path) -> None:
    """Keep a file where only the room reads it.

    :raises Refused: for one that is too large
    """
    if (upload.size or 0) > settings.LARGEST_UPLOAD:
        raise Refused(Code.TOO_LARGE)
    member.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with member.open("wb") as out:
        for chunk in upload.chunks():
            out.write(chunk)
    member.chmod(0o600)


def choose(member: MemberContext, delivery: Delivery, mapping: str, text: str) -> None:
    """Say what a file is: a known format, or a mapping of one's own, and have it looked at.

    :raises Refused: for a mapping that cannot be used, and while the file is under way or has come in
    """
    stages = {Stage.LOOKED, Stage.REFUSED, Stage.LOOKING}
    if delivery.stage not in stages or delivery.corrects or under_way(delivery):
        raise Refused(Code.NOT_NOW)
    delivery.mapping, delivery.text = ("", text) if text.strip() else (mapping, "")
    with unusable(Code.UNUSABLE_MAPPING, delivery.name):
        _mapping(delivery)
    delivery.stage, delivery.why, delivery.rows = Stage.LOOKING, "", 0
    delivery.save()
    if delivery.text:
        KeptMapping.objects.update_or_create(
            relationship=delivery.relationship,
            side=delivery.side,
            name=Path(delivery.name).stem[:60],
            # Without the draft's comments, which quote cells: others of the side are offered the mapping.
            defaults={"text": _without_comments(delivery.text)},
        )
    audit_delivery(member, Event.DELIVERY_DESCRIBED, delivery)
    _later(LOOK, delivery, member)


def _without_comments(text: str) -> str:
    """A mapping as it was written, without its comments."""
    said = tomlkit.parse(text)

    def strip(container: Container) -> None:
        container.body[:] = [(key, item) for key, item in container.body if not isinstance(item, Comment)]
        for _, item in container.body:
            if isinstance(item, Whitespace):
                continue
            item.trivia.comment, item.trivia.comment_ws = "", ""
            for inner in item.body if isinstance(item, AoT) else [item]:
                if isinstance(inner, AbstractTable):
                    strip(inner.value)

    strip(said)
    return tomlkit.dumps(said)


def bring(member: MemberContext, delivery: Delivery) -> None:
    """Have a file brought in that was looked at, or that broke off on its way in: nothing comes in twice.

    :raises Refused: where it was not, or is of no use
    """
    ready = (delivery.stage == Stage.LOOKED and not delivery.corrects) or (
        delivery.stage == Stage.BRINGING and not under_way(delivery)
    )
    if not member.may(Action.BRING) or not ready or not (delivery.mapping or delivery.text):
        raise Refused(Code.NOT_NOW)
    delivery.stage, delivery.rows = Stage.BRINGING, 0
    delivery.save(update_fields=["stage", "rows"])
    _later(BRING, delivery, member)


def drop(member: MemberContext, delivery: Delivery) -> None:
    """Throw a file away that has not come in.

    :raises Refused: where it has, or is under way
    """
    came = delivery.stage in {Stage.BROUGHT, Stage.UNDONE, Stage.DUPLICATE} or (
        delivery.stage == Stage.BRINGING and came_in(delivery)
    )
    if came or delivery.corrects or under_way(delivery):
        raise Refused(Code.NOT_NOW)
    _remove(delivery)
    delivery.stage = Stage.DROPPED
    delivery.save(update_fields=["stage"])
    audit_delivery(member, Event.DELIVERY_DROPPED, delivery)


def undo(member: MemberContext, delivery: Delivery) -> None:
    """Have what a file of the own side brought taken back, as if it had never come.

    :raises Refused: where it has not come in, a period was frozen since, something came into the table after
        it, or it is being taken back already
    """
    if not member.may(Action.BRING) or delivery.side != member.side or being_undone(delivery):
        raise Refused(Code.NOT_NOW)
    _check_undo(member, delivery)
    if not may_undo(member, delivery):
        raise Refused(Code.NOT_LAST)
    _later(UNDO, delivery, member)


def undo_now(member: MemberContext, delivery: Delivery) -> None:
    """The same, at once; where the book has been changed already, the rest of it.

    :raises Refused: as `undo`
    :raises BusyBookError: while another import is under way
    """
    # Nothing is frozen while it is taken back.
    type(member.relationship).objects.select_for_update().get(pk=member.relationship.pk)
    _check_undo(member, delivery)
    folder, table = folder_of(member.relationship.pk), delivery.outcome["table"]
    number, digest = delivery.outcome["number"], delivery.outcome["digest"]
    there = current_table(folder, TABLES[table])
    if any((one.number, one.digest, one.side) == (number, digest, delivery.side) for one in there.deliveries):
        try:
            take_back(folder, table, number, digest=digest, side=Side(delivery.side))
        except (NotTheLastError, KeyError):
            raise Refused(Code.NOT_LAST) from None
    delivery.stage = Stage.UNDONE
    delivery.save(update_fields=["stage"])
    audit_delivery(member, Event.DELIVERY_UNDONE, delivery, shared=not delivery.private)
    for withdraws in on_undone:
        withdraws(member, delivery)


def _check_undo(member: MemberContext, delivery: Delivery) -> None:
    if delivery.stage != Stage.BROUGHT or "digest" not in delivery.outcome or delivery.outcome.get("already"):
        raise Refused(Code.NOT_NOW)  # of a version before, or begun twice: its number could name another import
    if not delivery.private and Hold.objects.filter(relationship=member.relationship, at__gt=delivery.at).exists():
        raise Refused(Code.HELD)


def carry_out(person: UUID, relationship: UUID, delivery: UUID) -> None:
    """Take back what a side has decided to take back; who decided it may have left since."""
    with acting_as(who_makes(person, relationship, delivery), relationship) as member:
        found = Delivery.objects.select_related("person").get(pk=delivery)
        try:
            undo_now(member, found)
        except Refused:
            if found.stage == Stage.BROUGHT:  # something came after it meanwhile: it stays, and its side is told
                audit_delivery(member, Event.UNDO_FAILED, found)


def hold(member: MemberContext, period: str) -> None:
    """Keep what has come in from being taken back: a period that may rest on it was frozen."""
    Hold.objects.create(relationship=member.relationship, period=period)


def mark_private(member: MemberContext, item: str, reason: str, review_on: date) -> None:
    """Have something held back from the other side from now on; or say anew why and until when what is held back.

    :raises Refused: without the right, for what the book does not know or the other side keeps, for what both
        sides have already, and for a day that has passed
    """
    side = _own_side(member)
    if review_on < timezone.now().date():
        raise Refused(Code.DAY_PASSED)
    if not reason.strip():
        raise Refused(Code.NEEDS_REASON)
    if not has_book(member):
        raise NoBookError
    with unusable(Code.UNUSABLE_BOOK, f"{BOOK_NAME}/{FILE}"):
        agreed = read_definition(folder_of(member.relationship.pk))
        if item in private_items(agreed, side):
            _keep_mark(member, item, reason, review_on, MarkStep.Change.CHANGED)
            return
        _check_private(member, agreed, item)
    _about_private(HOLD_BACK, member, item=item, reason=reason, review_on=review_on.isoformat())


def mark_private_now(member: MemberContext, item: str, reason: str, review_on: date) -> None:
    """The same, at once; where the book says so already, the rest of it.

    :raises Refused: as `mark_private`
    :raises BusyBookError: during an import
    """
    side, folder = _own_side(member), folder_of(member.relationship.pk)
    with book_lock(folder):
        agreed = read_definition(folder)
        if item not in private_items(agreed, side):
            _check_private(member, agreed, item)
            _write_private(folder, side, [*private_items(agreed, side), item])
    _keep_mark(member, item, reason, review_on, MarkStep.Change.HELD_BACK)


def _check_private(member: MemberContext, agreed: Definition, item: str) -> None:
    answer = may_withhold(folder_of(member.relationship.pk), agreed, _own_side(member), item)
    if answer is not WithholdAnswer.YES:
        raise Refused(Code.SHARED_ALREADY if answer is WithholdAnswer.SHARED else Code.NO_ITEM)


def _keep_mark(member: MemberContext, item: str, reason: str, review_on: date, change: MarkStep.Change) -> None:
    side, person = _own_side(member), member.membership.person
    said = {"reason": reason.strip(), "review_on": review_on, "person": person, "at": timezone.now()}
    about: dict[str, Any] = {"relationship": member.relationship, "side": side.value, "item": item}
    mark, new = Mark.objects.update_or_create(**about, defaults=said)
    _mark_step(member, item, MarkStep.Change.HELD_BACK if new else change, mark.reason, review_on)
    said = {"item": item, "review_on": review_on.isoformat()}
    audit(member, Event.ITEM_HELD_BACK, SubjectType.ITEM, said, shared=True)


def in_order(relationship: UUID, side: Side) -> str:
    """The lock of a side's jobs that change its rows or what it holds back: done in the order of its decisions.

    Else a file that is imported right after something was held back could be in the shared records before it is. Of
    each side its own: what keeps failing for one keeps the other waiting for nothing.
    """
    return f"book {relationship} {side.value}"


def _about_private(task: str, member: MemberContext, **arguments: Any) -> None:  # noqa: ANN401 - JSON
    """Have a change of what the own side keeps made, one after the other."""
    relationship = member.relationship.pk
    person = str(member.membership.person_id)
    side = _own_side(member)
    lock = in_order(relationship, side)
    defer(task, relationship=relationship, lock=lock, person=person, side=side.value, **arguments)


def disclose(member: MemberContext, item: str) -> None:
    """Have an item held back no longer: both sides then read what it names. Works on a book that names an item twice.

    :raises Refused: without the right, for what the own side does not hold back, for what lies in a table that
        the role does not read, and for values kept beside the other side's rows
    """
    _check_disclosure(member, item)
    _about_private(DISCLOSE, member, item=item)


def disclose_now(member: MemberContext, item: str) -> None:
    """The same, at once; where the book has been changed already, the rest of it.

    :raises Refused: as `disclose`
    :raises BusyBookError: during an import
    """
    side, folder = _own_side(member), folder_of(member.relationship.pk)
    if item in items_kept(member)[side]:
        kept = _check_disclosure(member, item)
        with book_lock(folder):
            _write_private(folder, side, [one for one in kept if one != item], anyway=True)
    elif not Mark.objects.filter(relationship=member.relationship, side=side.value, item=item).exists():
        return
    parsed = parse_private_item(item)
    if parsed is not None:
        by, now = member.membership.person.name, datetime.now(UTC)
        disclose_rows(folder, [parsed.table], by=by, side=side, at=now)
    Mark.objects.filter(relationship=member.relationship, side=side.value, item=item).delete()
    _mark_step(member, item, MarkStep.Change.DISCLOSED, "", None)
    audit(member, Event.ITEM_DISCLOSED, SubjectType.ITEM, {"item": item}, shared=True)


def _check_disclosure(member: MemberContext, item: str) -> list[str]:
    """What the own side keeps, where it may share this of it."""
    side = _own_side(member)
    folder = folder_of(member.relationship.pk)
    kept = items_kept(member)[side]
    if item not in kept or table_of(item) in member.closed_tables:
        raise Refused(Code.NO_ITEM)
    with contextlib.suppress(UnusableBookError):  # of a book that names an item twice
        if has_values_beside_others(folder, read_definition(folder), side, item):
            raise Refused(Code.BESIDE_OTHERS)
    return kept


@contextmanager
def log_refusal(person: UUID, relationship: UUID, side: Side, event: Event, item: str) -> Iterator[MemberContext]:
    """A job's transaction; where what was asked for cannot be done any more, the log of the own side says so.

    :param side: whose job it is; where who asked has left, somebody who leads it acts
    """
    acting = who_acts(person, relationship, lambda member: member.side == side)
    try:
        with acting_as(acting, relationship) as member:
            yield member
    except NoBookError:
        raise  # it may come back: the job is tried again
    except Refused:
        with acting_as(acting, relationship) as member:
            audit(member, event, SubjectType.ITEM, {"item": item})


def _own_side(member: MemberContext) -> Side:
    if member.side is None or not member.may(Action.BRING) or not member.may(Action.READ_OWN):
        raise Refused(Code.NOT_YOURS)
    return member.side


def _mark_step(member: MemberContext, item: str, change: str, reason: str, review_on: date | None) -> None:
    MarkStep.objects.create(
        relationship=member.relationship,
        side=_own_side(member).value,
        item=item,
        change=change,
        reason=reason,
        review_on=review_on,
        person=member.membership.person,
    )


def _write_private(folder: Path, side: Side, items: Sequence[str], *, anyway: bool = False) -> None:
    """Set what a side keeps in `[private]`, with all else as people wrote it.

    :param anyway: also where the book cannot be read with it, because of what else it says
    :raises Refused: where the book could not be read with it
    """
    said = tomlkit.parse((folder / FILE).read_text(encoding="utf-8"))
    section = said.setdefault("private", tomlkit.table())
    section[side.value] = list(items)
    with tempfile.TemporaryDirectory() as tried:
        (Path(tried) / FILE).write_text(tomlkit.dumps(said), encoding="utf-8")
        try:
            read_definition(Path(tried))
        except UnusableBookError:
            if not anyway:
                raise Refused(Code.NO_ITEM) from None
    write_text(folder / FILE, tomlkit.dumps(said))


def accept_correction(member: MemberContext, about: Mapping[str, Any], rows: Sequence[int] | None) -> Delivery:
    """Have changes that the other side proposed to rows of the own side made; the delivery can be taken back.

    :param about: the table, the number of the import that proposed them, and the delivery
    :param rows: the numbers of the proposals; None: all
    """
    made = Delivery.objects.create(
        relationship=member.relationship,
        side=str(member.membership.side),
        person=member.membership.person,
        name=str(about.get("name", ""))[:200],
        size=0,
        stage=Stage.BRINGING,
        outcome={"table": about["table"]},
        corrects={
            "table": about["table"],
            "number": about["number"],
            "delivery": about["delivery"],
            "rows": None if rows is None else list(rows),
        },
    )
    _later(CORRECT, made, member)
    return made


def refuse_correction(member: MemberContext, about: Mapping[str, Any]) -> None:
    """Have changes that were proposed thrown away; the rows stay as they are."""
    asked = {name: about[name] for name in ("table", "number", "delivery")}
    defer(REFUSE, relationship=member.relationship.pk, **asked)


def refuse_now(relationship: UUID, table: str, number: int, delivery: str) -> None:
    """The same, at once.

    :raises BusyBookError: while somebody's file is on its way in
    """
    refuse_proposals(folder_of(relationship), table, number, delivery)


def who_acts(person: UUID, relationship: UUID, of: Callable[[MemberContext], bool]) -> UUID:
    """Who does what a side has decided: who decided it or, where they have left since, somebody who leads their side.

    :param of: whether it is the side of whoever stands there
    :raises PermissionError: where nobody leads it
    """
    try:
        with acting_as(person, relationship):
            return person
    except PermissionError:
        return find_lead(relationship, of)


def who_makes(person: UUID, relationship: UUID, delivery: UUID) -> UUID:
    """The same of a delivery: what a side has accepted or undone is done, whoever leaves it."""
    return who_acts(
        person, relationship, lambda member: Delivery.objects.filter(pk=delivery, side=member.side).exists()
    )


def run(person: UUID, relationship: UUID, number: UUID, *, dry_run: bool) -> None:
    """Look at a file, or bring it in; how far it is is told on the way, whatever becomes of it is kept."""
    with acting_as(person, relationship) as member:
        delivery = Delivery.objects.select_related("person").get(pk=number)
        by = member.membership.person.name
        alone_adds = _holder(member, delivery)
    if delivery.stage != (Stage.LOOKING if dry_run else Stage.BRINGING):
        return  # somebody has asked for something else meanwhile

    def tell(rows: int) -> None:
        with acting_as(person, relationship):
            Delivery.objects.filter(pk=number).update(rows=rows)

    with acting_as(person, relationship) as member:
        stamp(member)
        if dry_run and not delivery.mapping and not delivery.text and not recognise(member, delivery):
            return
    changes, looked_at = _import(delivery, by, alone_adds, tell, dry_run=dry_run)
    with acting_as(person, relationship) as member:
        if looked_at is not None:
            changes["outcome"]["already"] = came_before(member, looked_at, _mapping(delivery))
        asked_for = Delivery.objects.filter(pk=number)
        came = changes["stage"] in {Stage.BROUGHT, Stage.DUPLICATE}
        # What is in the book is in it; a look is told to whoever still wants it.
        updated = (asked_for if came else asked_for.filter(stage=delivery.stage)).update(**changes)
        if came or delivery.corrects or (updated and changes["stage"] == Stage.REFUSED):
            brought(member, asked_for.select_related("person").get())


def _import(
    delivery: Delivery, by: str, alone_adds: Side | None, tell: Callable[[int], None], *, dry_run: bool
) -> tuple[dict[str, Any], Import | None]:
    """What becomes of a delivery: the fields that change; and the import that it would be, where it was looked at.

    :raises BusyBookError: while another file is on its way in; the job is tried again
    """
    try:
        if delivery.corrects:
            return _corrected(delivery, by), None
        outcome = import_source(
            folder_of(delivery.relationship_id),
            file_of(delivery),
            _mapping(delivery),
            ImportRequest(
                by,
                datetime.now(UTC),
                dry_run=dry_run,
                side=Side(delivery.side),
                holder=alone_adds,
                key=str(delivery.pk),
            ),
            _counted(tell),
        )
        changes = _became(outcome, delivery, dry_run=dry_run)
        return changes, outcome.delivery if changes["stage"] == Stage.LOOKED else None
    except NoProposalError:
        return {"stage": Stage.REFUSED, "why": "these changes were answered already, or are no longer kept"}, None
    except BusyBookError:
        raise
    except (UnusableFileError, OSError) as error:
        if delivery.corrects:
            raise  # what was accepted is made as soon as the book can be written again
        return {"stage": Stage.REFUSED, "why": _sentence(error, delivery)}, None


def _holder(member: MemberContext, delivery: Delivery) -> Side | None:
    """The side that alone adds rows to a file's table, if one does."""
    with contextlib.suppress(UnusableMappingError):
        return None if delivery.corrects else holder(member, _mapping(delivery).target.name)
    return None  # whoever brings it in is told why the mapping cannot be used


def _became(outcome: Outcome, delivery: Delivery, *, dry_run: bool) -> dict[str, Any]:
    """What is kept of a file that was looked at or has come in."""
    told = delivery.outcome | _told(outcome, delivery)
    if outcome.already is not None and outcome.already.key != str(delivery.pk):
        # With the number and counts of the import that brought it, and never to be taken back.
        return {"stage": Stage.DUPLICATE, "outcome": told, "private": True, "why": ""}
    # A file of which the other side sees no row stays unknown to it.
    shared = outcome.shared or outcome.delivery
    seen = shared.rows_in or shared.withdrawn or shared.proposed_withdrawals
    alone = outcome.shared is not None and not seen and bool((outcome.already or outcome.delivery).rows_in)
    agreed = read_definition(folder_of(delivery.relationship_id))
    alone = alone or (outcome.shared is None and agreed.private_owner(outcome.table) == delivery.side)
    return {"stage": Stage.LOOKED if dry_run else Stage.BROUGHT, "outcome": told, "private": alone, "why": ""}


def _corrected(delivery: Delivery, by: str) -> dict[str, Any]:
    about = delivery.corrects
    done = accept_proposals(
        folder_of(delivery.relationship_id),
        about["table"],
        about["number"],
        by=by,
        side=Side(delivery.side),
        at=datetime.now(UTC),
        rows=about["rows"],
        key=about["delivery"],
        made_as=str(delivery.pk),
        patience_s=_PATIENCE_S,
    )
    counts = dict.fromkeys(COUNTS, 0) | {"updated": done.changed, "new": done.added, "withdrawn": done.withdrawn}
    counts["rows_in"] = done.changed + done.added
    told = {"number": done.number, "digest": done.digest, "counts": counts, "shared_counts": counts}
    if done.stale:
        told["notes"] = [f"{done.stale:,} rows have changed since these changes were proposed, and stay as they are"]
    return {"stage": Stage.BROUGHT, "outcome": delivery.outcome | told, "private": False, "why": ""}


def brought(member: MemberContext, delivery: Delivery) -> None:
    """Tell what came in, and open a matter for what it proposes, which the book keeps: the file waits no longer.

    What is of no use is told too, and waits to be looked at again.
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
            for opens in on_proposed:
                opens(member, delivery)
    _remove(delivery)


def stamp(member: MemberContext) -> None:
    """Say of each row of a book of an earlier version which side brought it, as far as the room knows; once a book.

    Files that a side brought for itself alone lie in its own folder, which says so.

    :raises BusyBookError: while somebody's file is on its way in
    """
    folder = folder_of(member.relationship.pk)
    if not (folder / FILE).is_file() or not needs_sides(folder):
        return
    known: dict[str, dict[int, str]] = {}
    for one in Delivery.objects.filter(relationship=member.relationship, stage=Stage.BROUGHT):
        if one.outcome.get("number") and not one.outcome.get("already"):
            known.setdefault(one.outcome["table"], {})[one.outcome["number"]] = one.side
    stamp_book(folder, known)


def write_rows(  # noqa: PLR0913 - what, where, and by which key
    relationship: UUID, table: str, rows: Sequence[Mapping[str, str]], at: datetime, *, subject: str, key: str
) -> None:
    """Have rows that the room knows written into a table of the book, by their keys.

    :param subject: what they are about; of one subject the latest are written last
    :param key: names this state of it: written once, however often the job runs
    """
    defer(
        WRITE, relationship=relationship, lock=f"{WRITE} {subject}",
        table=table, rows=[dict(row) for row in rows], at=at.isoformat(), key=key,
    )  # fmt: skip


def write_rows_now(relationship: UUID, table: str, rows: Sequence[Mapping[str, str]], at: datetime, key: str) -> None:
    """The same, at once; nothing where there is no book yet: what begins one writes all that the room knows.

    :raises BusyBookError: while somebody's file is on its way in
    :raises comity.book.formats.sheet.UnusableSourceError: for rows that break the table's rules
    """
    folder = folder_of(relationship)
    if not rows or not (folder / FILE).is_file():
        return
    if any(one.key == key for one in current_table(folder, TABLES[table]).deliveries):
        return
    # The room's own rows are neither side's, so that no side's rules take them.
    rows = [{**row, "brought_by": "neither"} for row in rows]
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "room.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        mapping = identity_mapping(table)
        request = ImportRequest("the room", at, max_rejects=0.0, patience_s=_PATIENCE_S, key=key)
        import_source(folder, file, mapping, request)


def _kept(delivery: Delivery) -> dict[str, tuple[SourceMapping, str]]:
    """The mappings that the side has made for its own files, by name; one that no longer reads is passed over."""
    found = {}
    for one in KeptMapping.objects.filter(relationship=delivery.relationship, side=delivery.side):
        with contextlib.suppress(UnusableMappingError):
            found[one.name] = (parse_mapping(one.text, one.name, None, one.name), one.text)
    return found


def _later(task: str, delivery: Delivery, member: MemberContext) -> None:
    """In the background, from the place of who asks; a failure concerns their side alone."""
    sides = () if member.side is None else (member.side,)
    person, relationship = str(member.membership.person_id), delivery.relationship_id
    lock = None if task == LOOK else in_order(relationship, Side(delivery.side))
    defer(task, relationship=relationship, sides=sides, lock=lock, person=person, delivery=str(delivery.pk))


def _remove(delivery: Delivery) -> None:
    shutil.rmtree(file_of(delivery).parent, ignore_errors=True)


def _mapping(delivery: Delivery) -> SourceMapping:
    if delivery.text:
        return parse_mapping(delivery.text, delivery.name, None, Path(delivery.name).stem)
    if delivery.mapping not in {*shipped_mappings(), *TABLES}:
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
    came = outcome.already or outcome.delivery
    names = dict.fromkeys(name for row in outcome.first_rows for name in row if not name.startswith("_"))
    return {
        "table": outcome.table,
        "number": came.number,
        "digest": came.digest,
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


def _sentence(error: UnusableFileError | OSError, delivery: Delivery) -> str:
    """What went wrong, with the file's own name."""
    waiting = file_of(delivery)
    names = {waiting: delivery.name, Path(waiting.name): delivery.name, folder_of(delivery.relationship_id): BOOK_NAME}
    return sentence(error, names)[:_SAID]


def _quoted(text: str) -> str:
    """A text as TOML writes it; JSON's strings are TOML's too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
