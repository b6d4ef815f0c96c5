"""What the pages of matters show."""

from uuid import UUID

from django.db.models import QuerySet

from comity.apps.matters.models import OPEN, Kind, Matter, State, Step
from comity.apps.parties.viewing import Standing
from comity.core.values import Side


def waiting(standing: Standing, side: Side) -> list[Matter]:
    """What a side must answer, in the order of its days; the viewer's own side and the other alike."""
    return [
        one
        for one in Matter.objects.filter(relationship=standing.relationship, state__in=OPEN)
        if one.waits_for == side
    ]


def to_do(standing: Standing) -> QuerySet[Matter]:
    """Agreed actions that are not done, the most urgent first."""
    return (
        Matter.objects.filter(
            relationship=standing.relationship, kind=Kind.ACTION, state__in=(State.ACCEPTED, State.DEEMED)
        )
        .select_related("owner__person")
        .order_by("due_on")
    )


def matters(standing: Standing) -> QuerySet[Matter]:
    """All of them, the newest first."""
    return Matter.objects.filter(relationship=standing.relationship).order_by("-raised_at")


def matter(standing: Standing, number: UUID) -> Matter | None:
    """One of them."""
    return Matter.objects.filter(relationship=standing.relationship, pk=number).select_related("owner__person").first()


def steps(found: Matter) -> QuerySet[Step]:
    """Its moves, in order."""
    return Step.objects.filter(matter=found).select_related("person", "answers_to")
