"""What the pages of matters show."""

from uuid import UUID

from django.db.models import Case, Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery, When
from django.utils import timezone

from comity.apps.matters.models import Evidence, Matter, Step
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership
from comity.apps.replies.queries import REMINDER_LEAD_TIME
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import AGREED, OPEN, State
from comity.core.values import Side

_WAITING = "matters that wait"


def waiting(member: MemberContext, side: Side) -> QuerySet[Matter]:
    """What a side must answer, in the order of its days; the viewer's own side and the other alike."""
    whose = Q(state=State.ASKED, answers=side) | Q(state=State.COUNTERED, asks=side)
    asked_by = Step.objects.filter(matter=OuterRef("pk"), number=1).values("person__name")
    found = Matter.objects.filter(whose, relationship=member.relationship, state__in=OPEN)
    return found.annotate(asked_by=Subquery(asked_by)).order_by("reply_by", "pk")


def count_waiting(member: MemberContext) -> dict[Side, int]:
    """How many wait for an answer of each side; asked once for a page, that says it in its head too."""
    if _WAITING not in member.cache:
        open_ones = Matter.objects.filter(relationship=member.relationship, state__in=OPEN).order_by()
        whose = Case(When(state=State.ASKED, then=F("answers")), default=F("asks"))
        counted = dict(open_ones.values_list(whose).annotate(Count("pk")))
        member.cache[_WAITING] = {side: counted.get(side.value, 0) for side in Side}
    found: dict[Side, int] = member.cache[_WAITING]
    return found


def to_do(member: MemberContext) -> QuerySet[Matter]:
    """Agreed actions that are not done, the most urgent first."""
    return (
        Matter.objects.filter(
            relationship=member.relationship, kind=Kind.ACTION, state__in=(State.ACCEPTED, State.DEEMED)
        )
        .select_related("owner__person")
        .order_by("due_on", "pk")
    )


def matters(member: MemberContext, show: str = "all", kind: str = "") -> QuerySet[Matter]:
    """All of them, or those that are open, or have ended; the newest first.

    An agreed action is open until it is done.
    """
    found = Matter.objects.filter(relationship=member.relationship).order_by("-raised_at", "-pk")
    still_open = Q(state__in=OPEN) | Q(kind=Kind.ACTION, state__in=AGREED)
    if show != "all":
        found = found.filter(still_open) if show == "open" else found.exclude(still_open)
    return found.filter(kind=kind) if kind else found


def matter(member: MemberContext, number: UUID) -> Matter | None:
    """One of them."""
    return Matter.objects.filter(relationship=member.relationship, pk=number).select_related("owner__person").first()


def steps(found: Matter) -> QuerySet[Step]:
    """Its moves, in order."""
    told = Evidence.objects.defer("content")
    return (
        Step.objects.filter(matter=found)
        .select_related("person", "answers_to")
        .prefetch_related(Prefetch("evidence", queryset=told))
    )


def roles(found: Matter) -> dict[UUID, str]:
    """As what those who took its steps are, or were, here."""
    people = Step.objects.filter(matter=found).values("person")
    places = Membership.objects.filter(relationship=found.relationship_id, person__in=people).order_by("joined_at")
    return dict(places.values_list("person", "role"))


def evidence(member: MemberContext, found: Matter, number: UUID) -> Evidence | None:
    """A file that was laid before the other side."""
    return Evidence.objects.filter(relationship=member.relationship, matter=found, pk=number).first()


def to_remind(member: MemberContext) -> QuerySet[Matter]:
    """Those whose clock runs out soon; of some, people were reminded who may have left since."""
    soon = timezone.now() + REMINDER_LEAD_TIME
    return Matter.objects.filter(relationship=member.relationship, state__in=OPEN, reply_by__lt=soon)
