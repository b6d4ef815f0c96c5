"""Jobs that run after commit, and recovery of jobs whose worker died.

Whatever must happen after commit is a procrastinate job, and procrastinate's jobs are rows of the same database: a job
that is deferred inside a transaction exists exactly if the transaction was committed. No job is lost by a process that
dies between commit and an on-commit hook, and a rolled back request leaves none.

A job may run twice (its worker can die after the work and before reporting it), so every task is idempotent by the key
in its arguments.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job

from comity.apps.outbox.queries import failing_jobs
from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side

FIRST_RETRY_S, MAX_RETRY_S = 5, 1800
# The wait doubles each time: the fourth attempt is 35 s after the first, the fortieth 15 hours after it.
MAX_ATTEMPTS = 40
HEARTBEAT_TIMEOUT = timedelta(
    minutes=1
)  # a worker without a heartbeat for so long has died; heartbeats come every ten seconds


class ExponentialBackoff(BaseRetryStrategy):
    """Doubles the wait after each failure, and gives up after `max_attempts`."""

    def __init__(self, max_attempts: int = MAX_ATTEMPTS) -> None:
        """Set the number of attempts."""
        self.max_attempts = max_attempts

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002 - as procrastinate calls it
        """Return when to try again; None to give up, and the job is shown as failed."""
        if job.attempts + 1 >= self.max_attempts:
            return None
        return RetryDecision(retry_in={"seconds": min(FIRST_RETRY_S * 2**job.attempts, MAX_RETRY_S)})


def defer(  # noqa: PLR0913 - keywords, of which most calls need none
    task: str,
    *,
    relationship: UUID | None = None,
    sides: tuple[Side, ...] = tuple(Side),
    lock: str | None = None,
    queueing_lock: str | None = None,
    delay_s: int = 0,
    priority: int = 0,
    **arguments: Any,  # noqa: ANN401 - JSON, as the task takes it
) -> None:
    """Defer a task until this transaction is committed; it never runs where the transaction is rolled back.

    :param task: the name of a procrastinate task that is idempotent
    :param sides: whom the job concerns, and who is shown that it keeps failing
    :param lock: jobs with the same lock run one after the other, in order
    :param queueing_lock: no second job is added while one with the same lock waits
    :param arguments: of the task, beside `relationship` and `sides`
    :param once: where a job of this name waits already, there is no second one
    :param priority: of two waiting jobs of a queue the one with the higher number runs first
    :raises RuntimeError: outside a transaction
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{task} must be deferred inside a transaction")
    relationship_id = None if relationship is None else str(relationship)
    options: dict[str, Any] = {"priority": priority} | ({} if lock is None else {"lock": lock})
    if delay_s:
        options["schedule_in"] = {"seconds": delay_s}
    if queueing_lock is not None:
        options["queueing_lock"] = queueing_lock
    job = app.configure_task(task, **options)
    with suppress(AlreadyEnqueued), transaction.atomic():  # a savepoint: a second job is a database error
        job.defer(relationship=relationship_id, sides=[side.value for side in sides], **arguments)


def raise_priority(job: ProcrastinateJob, priority: int) -> None:
    """Run a waiting job before those of a lower priority."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET priority = %(to)s "
            "WHERE id = %(id)s AND status = 'todo' AND priority < %(to)s",
            {"to": priority, "id": job.id},
        )


def recover_stalled_jobs() -> int:
    """Requeue jobs whose worker died while it ran them; fail those that were tried too often.

    :returns: number of jobs requeued or failed
    """
    max_attempts = {
        name: task.retry_strategy.max_attempts
        for name, task in app.tasks.items()
        if isinstance(task.retry_strategy, ExponentialBackoff)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET attempts = attempts + 1, "
            "status = CASE WHEN attempts + 1 >= most THEN 'failed' ELSE 'todo' END::procrastinate_job_status "
            "FROM unnest(%s::text[], %s::int[]) AS limits (name, most) "
            "WHERE status = 'doing' AND task_name = limits.name AND NOT EXISTS ("
            "SELECT 1 FROM procrastinate_workers w WHERE w.id = worker_id AND w.last_heartbeat > %s)",
            [list(max_attempts), list(max_attempts.values()), timezone.now() - HEARTBEAT_TIMEOUT],
        )
        return int(cursor.rowcount)


def retry_job(member: MemberContext, job: int) -> bool:
    """Run a failing job of the viewer's side now, and those that failed at the same; return whether there is one."""
    failing = failing_jobs(member)
    asked = next((one for one in failing if one.id == job), None)
    if asked is None:
        return False
    again = [one.id for one in failing if (one.task, one.period) == (asked.task, asked.period)]
    with connection.cursor() as cursor:
        # Where one of a queueing lock waits already, that is the one that is tried.
        cursor.execute(
            "UPDATE procrastinate_jobs job SET status = 'todo', scheduled_at = NULL WHERE id IN ("
            "SELECT DISTINCT ON (coalesce(queueing_lock, id::text)) id FROM procrastinate_jobs "
            "WHERE id = ANY (%s) AND status <> 'doing' ORDER BY coalesce(queueing_lock, id::text), id DESC) "
            "AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs other WHERE other.status = 'todo' "
            "AND other.queueing_lock = job.queueing_lock AND other.id <> job.id)",
            [again],
        )
    return True
