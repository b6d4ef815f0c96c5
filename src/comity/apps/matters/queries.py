"""What the pages of matters show."""

from datetime import timedelta
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone

from comity.apps.matters.models import OPEN, Evidence, Kind, Matter, State, Step
from comity.apps.parties.viewing import Standing
from comity.core.values import Side

REMINDED_BEFORE = timedelta(days=3)


def waiting(standing: Standing, side: Side) -> QuerySet[Matter]:
    """What a side must answer, in the order of its days; the viewer's own side and the other alike."""
    whose = Q(state=State.ASKED, answers=side) | Q(state=State.COUNTERED, asks=side)
    return Matter.objects.filter(whose, relationship=standing.relationship, state__in=OPEN).order_by("reply_by", "pk")


def to_do(standing: Standing) -> QuerySet[Matter]:
    """Agreed actions that are not done, the most urgent first."""
    return (
        Matter.objects.filter(
            relationship=standing.relationship, kind=Kind.ACTION, state__in=(State.ACCEPTED, State.DEEMED)
        )
        .select_related("owner__person")
        .order_by("due_on", "pk")
    )


def matters(standing: Standing) -> QuerySet[Matter]:
    """All of them, the newest first."""
    return Matter.objects.filter(relationship=standing.relationship).order_by("-raised_at", "-pk")


def matter(standing: Standing, number: UUID) -> Matter | None:
    """One of them."""
    return Matter.objects.filter(relationship=standing.relationship, pk=number).select_related("owner__person").first()


def steps(found: Matter) -> QuerySet[Step]:
    """Its moves, in order."""
    told = Evidence.objects.defer("content")
    return (
        Step.objects.filter(matter=found)
        .select_related("person", "answers_to")
        .prefetch_related(Prefetch("evidence", queryset=told))
    )


def evidence(standing: Standing, found: Matter, number: UUID) -> Evidence | None:
    """A file that was laid before the other side."""
    return Evidence.objects.filter(relationship=standing.relationship, matter=found, pk=number).first()


def running_out(standing: Standing) -> QuerySet[Matter]:
    """Those whose clock has run out."""
    return Matter.objects.filter(relationship=standing.relationship, state__in=OPEN, reply_by__lt=timezone.now())


def to_remind(standing: Standing) -> QuerySet[Matter]:
    """Those whose clock runs out soon, and of which nobody was reminded."""
    soon = timezone.now() + REMINDED_BEFORE
    return Matter.objects.filter(
        relationship=standing.relationship, state__in=OPEN, reply_by__lt=soon, reminded_at=None
    )
