"""Tasks that import files and otherwise change a book, each with the rights of whoever asked for it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.audit.models import Event
from comity.apps.books import contents, copies, effects, exports, operations, results, terms, watched_folder
from comity.apps.books.models import Delivery
from comity.apps.books.queries import QUEUE, UNDO_TASK, UPLOADS_QUEUE
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import MemberContext, acting_as, for_each_relationship
from comity.book.importing.supposed import remove_supposed
from comity.core.calendars import Cut
from comity.core.values import Side

# A file that exhausts one worker exhausts the next: it is tried three times, and then left to people.
_LONGEST_COMPUTATION = timedelta(hours=1)
_FILE_RETRY = ExponentialBackoff(max_attempts=3)


def _records_changed(relationship: str) -> None:
    """Defer the computations that rest on the records."""
    with transaction.atomic():
        results.records_changed(UUID(relationship))


@results.computes(effects.COMPUTE_EFFECT)
def compute_import_effect(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute what importing a checked file would do to the figures."""
    delivery = Delivery.objects.filter(relationship=member.relationship, pk=UUID(terms["delivery"])).first()
    if delivery is not None and delivery.side == member.side:
        effects.supposed_effects(member, delivery)


@results.computes(contents.OVERVIEW.task)
def compute_overview(member: MemberContext, _terms: Mapping[str, str]) -> None:
    """Compute the overview of the records."""
    contents.overview(member)


@app.task(queue=UPLOADS_QUEUE, name=operations.RECOGNISE_TASK, retry=_FILE_RETRY)
def recognise_delivery(person: str, relationship: str, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - to whom a failure is shown, here and below
    """Recognise a file, while the queue of the records may be busy with another one."""
    operations.recognise_delivery(UUID(person), UUID(relationship), UUID(delivery))


@app.task(queue=QUEUE, name=operations.LOOK_TASK, retry=_FILE_RETRY)
def look_at_delivery(person: str, relationship: str, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Map and check a file, and change nothing; one of an earlier version is recognised first."""
    operations.run_delivery(UUID(person), UUID(relationship), UUID(delivery), dry_run=True)


@app.task(queue=QUEUE, name=operations.IMPORT_TASK, retry=_FILE_RETRY)
def import_delivery(person: str, relationship: str, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Import a file."""
    job = (UUID(person), UUID(relationship), UUID(delivery))
    with effects.telling_effects(*job):
        operations.run_delivery(*job, dry_run=False)
    _records_changed(relationship)


@app.task(queue=QUEUE, name=operations.CORRECT_TASK, retry=ExponentialBackoff())
def make_correction(person: str, relationship: str, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Make changes that the other side proposed and the rows' own side accepted."""
    acting = operations.find_delivery_actor(UUID(person), UUID(relationship), UUID(delivery))
    with effects.telling_effects(acting, UUID(relationship), UUID(delivery)):
        operations.run_delivery(acting, UUID(relationship), UUID(delivery), dry_run=False)
    _records_changed(relationship)


@app.task(queue=QUEUE, name=operations.REFUSE_TASK, retry=ExponentialBackoff())
def refuse_correction(relationship: str, table: str, number: int, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Remove proposed changes that the rows' own side refused."""
    operations.refuse_correction_now(UUID(relationship), table, number, delivery)
    _records_changed(relationship)


@app.task(queue=QUEUE, name=UNDO_TASK, retry=ExponentialBackoff())
def undo_delivery(person: str, relationship: str, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Undo an import."""
    acting = operations.find_delivery_actor(UUID(person), UUID(relationship), UUID(delivery))
    with effects.telling_effects(acting, UUID(relationship), UUID(delivery)):
        operations.undo_decided(acting, UUID(relationship), UUID(delivery))
    _records_changed(relationship)


@app.task(queue=QUEUE, name=exports.ROUTE_TASK, retry=ExponentialBackoff(max_attempts=8))
def route_export(
    person: str,
    export: str,
    *,
    dry_run: bool,
    relationship: None = None,  # noqa: ARG001 - as above
    sides: Sequence[str] = (),  # noqa: ARG001 - as above
) -> None:
    """Route the rows of an export to their books; import them, unless it is a trial run."""
    exports.run_export(UUID(person), UUID(export), dry_run=dry_run)


@app.task(queue=QUEUE, name=operations.WRITE_TASK, retry=ExponentialBackoff())
def write_rows(  # noqa: PLR0913 - as it was deferred
    relationship: str,
    table: str,
    rows: Sequence[Mapping[str, str]],
    at: str,
    key: str,
    sides: Sequence[str] = (),  # noqa: ARG001 - as above
) -> None:
    """Write rows that the room knows."""
    operations.write_rows_now(UUID(relationship), table, rows, datetime.fromisoformat(at), key)
    _records_changed(relationship)


@app.task(queue=QUEUE, name=operations.BEGIN_TASK, retry=ExponentialBackoff())
def begin_book(  # noqa: PLR0913 - as it was deferred
    person: str,
    relationship: str,
    timezone: str,
    currency: str,
    month_starts_on: int = 1,
    period: str = Cut.QUARTER.value,
    country: str = "",
    weekdays: Sequence[str] = (),
    sides: Sequence[str] = (),  # noqa: ARG001 - as above
) -> None:
    """Begin a book."""
    days = operations.BookDays(country, tuple(weekdays))
    with acting_as(UUID(person), UUID(relationship)) as member:
        operations.begin_book_now(member, timezone, currency, month_starts_on, Cut(period), days)
    _records_changed(relationship)


@app.task(queue=QUEUE, name=operations.WITHHOLD_TASK, retry=ExponentialBackoff())
def hold_back(  # noqa: PLR0913 - as it was deferred
    person: str,
    relationship: str,
    side: str,
    item: str,
    reason: str,
    review_on: str,
    sides: Sequence[str] = (),  # noqa: ARG001 - as above
) -> None:
    """Withhold an item from the other side."""
    job = (UUID(person), UUID(relationship), Side(side))
    with operations.log_refusal(*job, Event.HOLD_BACK_FAILED, item) as member:
        operations.mark_private_now(member, item, reason, date.fromisoformat(review_on))
    _records_changed(relationship)


@app.task(queue=QUEUE, name=operations.DISCLOSE_TASK, retry=ExponentialBackoff())
def disclose(person: str, relationship: str, side: str, item: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Disclose an item to the other side."""
    job = (UUID(person), UUID(relationship), Side(side))
    with operations.log_refusal(*job, Event.DISCLOSURE_FAILED, item) as member:
        operations.disclose_now(member, item)
    _records_changed(relationship)


@app.task(queue=QUEUE, name=operations.COMPLETE_TASK, retry=ExponentialBackoff())
def write_complete_words(person: str, relationship: str, side: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Write what a side says of how far its records are whole."""
    operations.write_complete_words(UUID(person), UUID(relationship), Side(side))
    _records_changed(relationship)


@app.task(queue=QUEUE, name=operations.TERMS_TASK, retry=ExponentialBackoff())
def write_terms(person: str, relationship: str, side: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Write how the book counts."""
    terms.write_terms(UUID(person), UUID(relationship), Side(side))
    _records_changed(relationship)


@app.periodic(cron="* * * * *")
@app.task(queue="clock", name="books.watch", queueing_lock="books.watch", pass_context=False)
def watch_folder(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Take the files that sides have left in the watched folder; in a queue in which no long import is in the way."""
    if not settings.WATCHED_FOLDER:
        return
    relationships: list[tuple[UUID, str]] = []
    for_each_relationship(lambda member: relationships.append((member.relationship.pk, str(member.relationship))))
    for relationship, name in relationships:
        watched_folder.watch(relationship, name)


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="books.stamp", queueing_lock="books.stamp", pass_context=False)
def backfill_sides(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Write `brought_by` into the rows of books of an earlier version."""
    for_each_relationship(operations.backfill_book_sides)


@app.task(queue=QUEUE, name=copies.COPY_TASK, retry=_FILE_RETRY)
def make_copy(person: str, relationship: str, key: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Make a person's copy of the record and the book, with their own rights."""
    with acting_as(UUID(person), UUID(relationship)) as member:
        copies.make_copy(member, UUID(key))


@app.periodic(cron="25 * * * *")
@app.task(queue="clock", name="books.remove_copies", queueing_lock="books.remove_copies", pass_context=False)
def remove_copies(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Remove copies that have expired, and those that a worker which died has left."""
    copies.remove_expired()
    remove_supposed(Path(settings.BOOKS), datetime.now(UTC) - _LONGEST_COMPUTATION)
