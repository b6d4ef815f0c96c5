"""What is still to be done after a commit, and what keeps failing."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet
from procrastinate.contrib.django.models import ProcrastinateJob

from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side

TOLD_AFTER = 4  # attempts: whoever it concerns is told about half a minute after the first


@dataclass(frozen=True, slots=True)
class Failing:
    """A job that has failed several times.

    :ivar task: its name, by which the sentence is found
    :ivar next_at: when it is tried again; None where it was given up
    """

    number: int
    task: str
    attempts: int
    next_at: datetime | None


def jobs(relationship: UUID, tasks: Collection[str] = ()) -> QuerySet[ProcrastinateJob]:
    """Jobs of a relationship that are not done, in the order in which they were deferred."""
    found = ProcrastinateJob.objects.filter(args__relationship=str(relationship)).exclude(
        status__in=("succeeded", "cancelled", "aborted")
    )
    return (found.filter(task_name__in=tasks) if tasks else found).order_by("id")


def pending(member: MemberContext, tasks: Collection[str]) -> bool:
    """Whether one of these tasks is still to be done and concerns the viewer's side."""
    found = jobs(member.relationship.pk, tasks).exclude(status="failed")
    return found.filter(args__sides__contains=_sides(member)).exists()


def failing(member: MemberContext) -> list[Failing]:
    """What keeps failing and concerns the viewer's side; to those on neither side, what concerns both."""
    often = Q(attempts__gte=TOLD_AFTER, status__in=("todo", "doing")) | Q(status="failed")
    found = jobs(member.relationship.pk).filter(often, args__sides__contains=_sides(member))
    return [
        Failing(one.id, one.task_name, one.attempts, None if one.status == "failed" else one.scheduled_at)
        for one in found
    ]


def _sides(member: MemberContext) -> list[str]:
    return [side.value for side in Side] if member.side is None else [member.side.value]
