"""What runs in the background: looking at a file, and bringing it in, each from the place of who asked.

And what the room itself writes into a book, where it had to wait.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from comity.apps.books import exports, operations
from comity.apps.books.queries import QUEUE


@app.task(queue=QUEUE, name="books.look")
def look(person: str, relationship: str, delivery: str) -> None:
    """Map and check a file, and change nothing."""
    operations.run(UUID(person), UUID(relationship), UUID(delivery), dry_run=True)


@app.task(queue=QUEUE, name="books.bring")
def bring(person: str, relationship: str, delivery: str) -> None:
    """Bring a file in."""
    operations.run(UUID(person), UUID(relationship), UUID(delivery), dry_run=False)


@app.task(queue=QUEUE, name="books.route")
def route(person: str, export: str, *, dry_run: bool) -> None:
    """Find out whose the rows of an export are; bring them in, unless it is a trial."""
    exports.run(UUID(person), UUID(export), dry_run=dry_run)


@app.task(queue=QUEUE, name="books.write", retry=RetryStrategy(wait=operations.LATER_S))
def write(relationship: str, table: str, rows: Sequence[Mapping[str, str]], at: str) -> None:
    """What the room itself knows, for which the book had no time."""
    operations.write_rows_now(UUID(relationship), table, rows, datetime.fromisoformat(at))


@app.periodic(cron="*/5 * * * *")
@app.task(queue="clock", name="books.again", queueing_lock="books.again", pass_context=False)
def again(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """The same, where a worker was stopped in the middle of it."""
    operations.begin_again()
