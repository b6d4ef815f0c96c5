"""Deferring work until this transaction is committed, and taking up what a worker left when it died.

Whatever must happen after commit is a procrastinate job, and procrastinate's jobs lie in the same database: a job that
is deferred inside the transaction is there exactly if the transaction was committed. There is no moment between commit
and hook in which a dying process loses it, and a request that is rolled back leaves none.

A job may run twice (its worker can die after the work and before saying so), so every task is idempotent by the key in
its arguments.
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

from comity.apps.outbox.queries import failing
from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side

FIRST_WAIT_S, LONGEST_WAIT_S = 5, 1800
# Doubled each time: the fourth attempt is 35 s after the first, the fortieth 15 hours after it.
MOST_ATTEMPTS = 40
SILENT = timedelta(minutes=1)  # a worker that has not been heard of for so long has died; it reports every ten seconds


class BackOff(BaseRetryStrategy):
    """Waits twice as long after each failure, and gives up after `most` attempts."""

    def __init__(self, most: int = MOST_ATTEMPTS) -> None:
        """Say how often it is tried."""
        self.most = most

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002 - as procrastinate calls it
        """When to try again; None to give up, and the job is shown as failed."""
        if job.attempts + 1 >= self.most:
            return None
        return RetryDecision(retry_in={"seconds": min(FIRST_WAIT_S * 2**job.attempts, LONGEST_WAIT_S)})


def defer(  # noqa: PLR0913 - each is by name, and most calls need none
    task: str,
    *,
    relationship: UUID | None = None,
    sides: tuple[Side, ...] = tuple(Side),
    lock: str | None = None,
    once: str | None = None,
    delay_s: int = 0,
    priority: int = 0,
    **arguments: Any,  # noqa: ANN401 - JSON, as the task takes it
) -> None:
    """Have a task run once this transaction is committed; never, where it is rolled back.

    :param task: the name of a procrastinate task that is idempotent
    :param sides: whom it concerns, and so who is told where it keeps failing
    :param lock: jobs of one lock run one after the other, in order
    :param arguments: of the task, beside `relationship` and `sides`
    :param once: where a job of this name waits already, there is no second one
    :param priority: of two waiting jobs of a queue the one with the higher number runs first
    :raises RuntimeError: outside a transaction
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"{task} must be deferred inside a transaction")
    where = None if relationship is None else str(relationship)
    options: dict[str, Any] = {"priority": priority} | ({} if lock is None else {"lock": lock})
    if delay_s:
        options["schedule_in"] = {"seconds": delay_s}
    if once is not None:
        options["queueing_lock"] = once
    job = app.configure_task(task, **options)
    with suppress(AlreadyEnqueued), transaction.atomic():  # of its own: a second one is an error of the database
        job.defer(relationship=where, sides=[side.value for side in sides], **arguments)


def hurry(job: ProcrastinateJob, priority: int) -> None:
    """Have a waiting job run before those of a lower priority."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET priority = %(to)s "
            "WHERE id = %(id)s AND status = 'todo' AND priority < %(to)s",
            {"to": priority, "id": job.id},
        )


def recover() -> int:
    """Have jobs run again whose worker died while it was at them; give up those that were tried too often.

    :returns: how many were taken up, or given up
    """
    retried = {
        name: task.retry_strategy.most for name, task in app.tasks.items() if isinstance(task.retry_strategy, BackOff)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET attempts = attempts + 1, "
            "status = CASE WHEN attempts + 1 >= most THEN 'failed' ELSE 'todo' END::procrastinate_job_status "
            "FROM unnest(%s::text[], %s::int[]) AS limits (name, most) "
            "WHERE status = 'doing' AND task_name = limits.name AND NOT EXISTS ("
            "SELECT 1 FROM procrastinate_workers w WHERE w.id = worker_id AND w.last_heartbeat > %s)",
            [list(retried), list(retried.values()), timezone.now() - SILENT],
        )
        return int(cursor.rowcount)


def try_again(member: MemberContext, job: int) -> bool:
    """Have a failing job that concerns the viewer's side run now; whether there is one."""
    if job not in {one.number for one in failing(member)}:
        return False
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'todo', scheduled_at = NULL WHERE id = %s AND status <> 'doing'",
            [job],
        )
        return bool(cursor.rowcount)
