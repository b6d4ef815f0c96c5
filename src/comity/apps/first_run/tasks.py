"""Tasks that load the records of a sample, and remove them."""

from collections.abc import Sequence
from uuid import UUID

from procrastinate.contrib.django import app

from comity.apps.books.queries import QUEUE
from comity.apps.first_run import operations
from comity.apps.outbox.operations import ExponentialBackoff


@app.task(queue=QUEUE, name=operations.LOAD_TASK, retry=ExponentialBackoff(max_attempts=3))
def load_sample(person: str, relationship: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - to whom a failure is shown
    """Simulate the records of a sample."""
    operations.load_sample_now(UUID(person), UUID(relationship))


@app.task(queue=QUEUE, name=operations.REMOVE_TASK, retry=ExponentialBackoff())
def remove_sample(relationship: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - as above
    """Remove the records of a sample that was deleted."""
    operations.remove_sample_now(UUID(relationship))
