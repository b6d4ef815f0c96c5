"""Jobs of the records: files, and whatever else changes a book; each from the place of who asked for it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.audit.models import Event
from comity.apps.books import exports, operations, results
from comity.apps.books.queries import QUEUE, UNDO
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import acting_as, for_each_relationship
from comity.core.values import Side

# A file that is too much for a worker is too much for the next: it is tried thrice, and then left to people.
_FILE = ExponentialBackoff(max_attempts=3)


def _changed(relationship: str) -> None:
    """Have what rests on the records computed again."""
    with transaction.atomic():
        results.records_changed(UUID(relationship))


@app.task(queue=QUEUE, name=operations.LOOK, retry=_FILE)
def look(person: str, relationship: str, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - whom a failure concerns, here and below
    """Recognise, map and check a file, and change nothing."""
    operations.run(UUID(person), UUID(relationship), UUID(delivery), dry_run=True)


@app.task(queue=QUEUE, name=operations.BRING, retry=_FILE)
def bring(person: str, relationship: str, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Bring a file in."""
    operations.run(UUID(person), UUID(relationship), UUID(delivery), dry_run=False)
    _changed(relationship)


@app.task(queue=QUEUE, name=operations.CORRECT, retry=ExponentialBackoff())
def correct(person: str, relationship: str, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Make changes that the other side proposed, and that whose rows they are has accepted."""
    acting = operations.who_makes(UUID(person), UUID(relationship), UUID(delivery))
    operations.run(acting, UUID(relationship), UUID(delivery), dry_run=False)
    _changed(relationship)


@app.task(queue=QUEUE, name=operations.REFUSE, retry=ExponentialBackoff())
def refuse(relationship: str, table: str, number: int, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Throw away changes to rows that whose rows they are has refused."""
    operations.refuse_now(UUID(relationship), table, number, delivery)
    _changed(relationship)


@app.task(queue=QUEUE, name=UNDO, retry=ExponentialBackoff())
def undo(person: str, relationship: str, delivery: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Take back what a file brought."""
    operations.carry_out(UUID(person), UUID(relationship), UUID(delivery))
    _changed(relationship)


@app.task(queue=QUEUE, name=exports.ROUTE, retry=ExponentialBackoff(max_attempts=8))
def route(person: str, export: str, *, dry_run: bool, relationship: None = None, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Find out whose the rows of an export are; bring them in, unless it is a trial."""
    exports.run(UUID(person), UUID(export), dry_run=dry_run)


@app.task(queue=QUEUE, name=operations.WRITE, retry=ExponentialBackoff())
def write(  # noqa: PLR0913 - as it was deferred
    relationship: str,
    table: str,
    rows: Sequence[Mapping[str, str]],
    at: str,
    key: str,
    sides: Sequence[str] = (),  # noqa: ARG001 - as above
) -> None:
    """Write rows that the room knows."""
    operations.write_rows_now(UUID(relationship), table, rows, datetime.fromisoformat(at), key)
    _changed(relationship)


@app.task(queue=QUEUE, name=operations.BEGIN, retry=ExponentialBackoff())
def begin(person: str, relationship: str, timezone: str, currency: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Begin a book."""
    with acting_as(UUID(person), UUID(relationship)) as member:
        operations.begin_book_now(member, timezone, currency)
    _changed(relationship)


@app.task(queue=QUEUE, name=operations.HOLD_BACK, retry=ExponentialBackoff())
def hold_back(  # noqa: PLR0913 - as it was deferred
    person: str,
    relationship: str,
    side: str,
    item: str,
    reason: str,
    review_on: str,
    sides: Sequence[str] = (),  # noqa: ARG001 - as above
) -> None:
    """Hold something back from the other side."""
    asked = (UUID(person), UUID(relationship), Side(side))
    with operations.log_refusal(*asked, Event.HOLD_BACK_FAILED, item) as member:
        operations.mark_private_now(member, item, reason, date.fromisoformat(review_on))
    _changed(relationship)


@app.task(queue=QUEUE, name=operations.DISCLOSE, retry=ExponentialBackoff())
def disclose(person: str, relationship: str, side: str, item: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Hold something back no longer."""
    asked = (UUID(person), UUID(relationship), Side(side))
    with operations.log_refusal(*asked, Event.DISCLOSURE_FAILED, item) as member:
        operations.disclose_now(member, item)
    _changed(relationship)


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="books.stamp", queueing_lock="books.stamp", pass_context=False)
def stamp(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Books of an earlier version learn which side brought each row."""
    for_each_relationship(operations.stamp)
