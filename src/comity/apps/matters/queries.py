"""Matters, their steps and their evidence, as the pages show them."""

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

_WAITING_CACHE_KEY = "matters that wait"


def waiting(member: MemberContext, side: Side) -> QuerySet[Matter]:
    """List the matters that wait for a side's answer, by the day that it is due."""
    turn = Q(state=State.ASKED, answers=side) | Q(state=State.COUNTERED, asks=side)
    asked_by = Step.objects.filter(matter=OuterRef("pk"), number=1).values("person__name")
    waiting_matters = Matter.objects.filter(turn, relationship=member.relationship, state__in=OPEN)
    return waiting_matters.annotate(asked_by=Subquery(asked_by)).order_by("reply_by", "pk")


def count_waiting(member: MemberContext) -> dict[Side, int]:
    """Count the matters that wait for each side; one query for each request, because several panels ask."""
    if _WAITING_CACHE_KEY not in member.cache:
        open_matters = Matter.objects.filter(relationship=member.relationship, state__in=OPEN).order_by()
        side_to_answer = Case(When(state=State.ASKED, then=F("answers")), default=F("asks"))
        counts = dict(open_matters.values_list(side_to_answer).annotate(Count("pk")))
        member.cache[_WAITING_CACHE_KEY] = {side: counts.get(side.value, 0) for side in Side}
    counts_by_side: dict[Side, int] = member.cache[_WAITING_CACHE_KEY]
    return counts_by_side


def open_actions(member: MemberContext) -> QuerySet[Matter]:
    """List agreed actions that are not done, the most urgent first."""
    return (
        Matter.objects.filter(
            relationship=member.relationship, kind=Kind.ACTION, state__in=(State.ACCEPTED, State.DEEMED)
        )
        .select_related("owner__person")
        .order_by("due_on", "pk")
    )


def matters(member: MemberContext, show: str = "all", kind: str = "") -> QuerySet[Matter]:
    """List all matters, or the open or ended ones, the newest first.

    An agreed action is open until it is done.
    """
    selected = Matter.objects.filter(relationship=member.relationship).order_by("-raised_at", "-pk")
    is_open = Q(state__in=OPEN) | Q(kind=Kind.ACTION, state__in=AGREED)
    if show != "all":
        selected = selected.filter(is_open) if show == "open" else selected.exclude(is_open)
    return selected.filter(kind=kind) if kind else selected


def matter(member: MemberContext, number: UUID) -> Matter | None:
    """Return a matter of the relationship."""
    return Matter.objects.filter(relationship=member.relationship, pk=number).select_related("owner__person").first()


def steps(matter: Matter) -> QuerySet[Step]:
    """List the steps of a matter in order, without the content of their evidence."""
    evidence_without_content = Evidence.objects.defer("content")
    return (
        Step.objects.filter(matter=matter)
        .select_related("person", "answers_to")
        .prefetch_related(Prefetch("evidence", queryset=evidence_without_content))
    )


def roles(matter: Matter) -> dict[UUID, str]:
    """Return the latest role of each person who made a step, by the person's id."""
    people = Step.objects.filter(matter=matter).values("person")
    memberships = Membership.objects.filter(relationship=matter.relationship_id, person__in=people).order_by(
        "joined_at"
    )
    return dict(memberships.values_list("person", "role"))


def evidence(member: MemberContext, matter: Matter, number: UUID) -> Evidence | None:
    """Return a file of evidence with its content."""
    return Evidence.objects.filter(relationship=member.relationship, matter=matter, pk=number).first()


def to_remind(member: MemberContext) -> QuerySet[Matter]:
    """List open matters whose reply is due soon, including reminded ones, whose people may have left since."""
    soon = timezone.now() + REMINDER_LEAD_TIME
    return Matter.objects.filter(relationship=member.relationship, state__in=OPEN, reply_by__lt=soon)
