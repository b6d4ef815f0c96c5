"""Queries for jobs: unfinished ones, and those that keep failing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from procrastinate.contrib.django.models import ProcrastinateJob

from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side

SHOWN_AFTER_ATTEMPTS = 4  # about half a minute after the first


@dataclass(frozen=True, slots=True)
class FailingJob:
    """A job that has failed several times.

    :ivar task: the task's name, which gives the catalogue key
    :ivar period: that it is about, as addresses have it; empty where it is about none
    :ivar next_at: when it is tried again; None where it was given up
    """

    id: int
    task: str
    attempts: int
    next_at: datetime | None
    period: str = ""


def unfinished_jobs(relationship: UUID, tasks: Collection[str] = ()) -> QuerySet[ProcrastinateJob]:
    """Return jobs of a relationship that have not finished, in the order in which they were deferred."""
    jobs = ProcrastinateJob.objects.filter(args__relationship=str(relationship)).exclude(
        status__in=("succeeded", "cancelled", "aborted")
    )
    return (jobs.filter(task_name__in=tasks) if tasks else jobs).order_by("id")


def has_pending(member: MemberContext, tasks: Collection[str]) -> bool:
    """Return whether a job of these tasks waits or runs and concerns the viewer's side."""
    jobs = unfinished_jobs(member.relationship.pk, tasks).exclude(status="failed")
    return jobs.filter(args__sides__contains=_sides(member)).exists()


def failing_jobs(member: MemberContext) -> list[FailingJob]:
    """Return failing jobs of the viewer's side; for neutral people, those that concern both sides.

    Not those that were given up and done by a later job of the same question: nothing is left of them to do.
    """
    keeps_failing = Q(attempts__gte=SHOWN_AFTER_ATTEMPTS, status__in=("todo", "doing")) | Q(status="failed")
    jobs = unfinished_jobs(member.relationship.pk).filter(keeps_failing, args__sides__contains=_sides(member))
    done = ProcrastinateJob.objects.filter(
        task_name=OuterRef("task_name"), args__key=OuterRef("args__key"), status="succeeded", id__gt=OuterRef("id")
    )
    return [
        FailingJob(
            job.id, job.task_name, job.attempts, None if job.status == "failed" else job.scheduled_at, _period(job)
        )
        for job in jobs.exclude(Q(status="failed") & Exists(done))
    ]


def _period(job: ProcrastinateJob) -> str:
    terms = job.args.get("terms")
    return str(terms.get("period") or "") if isinstance(terms, dict) else ""


def _sides(member: MemberContext) -> list[str]:
    return [side.value for side in Side] if member.side is None else [member.side.value]
