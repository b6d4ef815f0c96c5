"""Matters, their steps and their evidence, as the pages show them."""

from functools import partial
from uuid import UUID

from django.db.models import Case, Count, F, OuterRef, Prefetch, Q, QuerySet, Subquery, When
from django.utils import timezone

from comity.apps.books import results
from comity.apps.books.queries import NoBookError, definition, open_member_book
from comity.apps.books.results import Question
from comity.apps.matters.models import Evidence, Matter, Opened, Step
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership
from comity.apps.replies.queries import REMINDER_LEAD_TIME
from comity.book.definition import UnusableBookError
from comity.core import levels
from comity.core.calendars import named
from comity.core.matters import transitions
from comity.core.matters.kinds import Follows, Kind
from comity.core.matters.transitions import OPEN, UNDONE, Dispute, Move, State
from comity.core.values import Period, Side
from comity.review.claim_effect import Claim, ClaimEffect
from comity.review.claim_effect import claim_effects as claim_effects_of
from comity.review.readings import reading_ids, reading_specs

COMPUTE_CLAIM = "matters.claim_effect"  # task
_WAITING_CACHE_KEY = "matters that wait"
CARRIED_OUT = (Follows.RECORDS, Follows.FORMULA)  # what is to be done after an accepted dispute
# Work that is agreed and not done yet, as both sides say.
IS_WORK = Q(kind=Kind.ACTION, state__in=UNDONE) | Q(kind=Kind.DISPUTE, follows__in=CARRIED_OUT, state__in=UNDONE)


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
    """List what is agreed and to be done, or to be confirmed as done, the most urgent first."""
    return (
        Matter.objects.filter(IS_WORK, relationship=member.relationship)
        .select_related("owner__person")
        .order_by("due_on", "pk")
    )


def matters(member: MemberContext, show: str = "all", kind: str = "") -> QuerySet[Matter]:
    """List all matters, or the open or ended ones, the newest first.

    What is agreed and to be done is open until both sides say that it is done.
    """
    selected = Matter.objects.filter(relationship=member.relationship).order_by("-raised_at", "-pk")
    is_open = Q(state__in=OPEN) | IS_WORK
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


def last_number(matter: Matter) -> int:
    """Return the number of the last step."""
    return Step.objects.filter(matter=matter).order_by("-number").values_list("number", flat=True).first() or 0


def count_counters(matter: Matter) -> int:
    """Count the counter-proposals of a matter."""
    return Step.objects.filter(matter=matter, move=Move.COUNTER).count()


def was_opened(matter: Matter, side: Side) -> bool:
    """Whether a side has had the last move of a matter before it."""
    return Opened.objects.filter(matter=matter, side=side.value, number__gte=matter.last_move).exists()


def disputed_period(member: MemberContext, name: str) -> tuple[str, Period]:
    """Return the canonical name of a period, and its days: 2026q2 and 2026-Q2 are one.

    :raises comity.core.calendars.UnknownPeriodError: for what is no period
    """
    try:
        starts_on = definition(member).month_starts_on
    except (NoBookError, UnusableBookError):
        starts_on = 1
    calendar, period = named(name, starts_on)
    return calendar.name(period), period


def figure_unit(member: MemberContext, key: str) -> str | None:
    """Return the unit of a figure, a KPI by its id or a reading by its key; None for an unknown one.

    Where no book can be read, no figure is known and any may be named: its unit is empty.
    """
    try:
        kpis = definition(member).kpis
    except (NoBookError, UnusableBookError):
        return ""
    units = {one.id: levels.unit(one) for one in kpis} | {spec.id: spec.unit for spec in reading_specs()}
    return units.get(key) or units.get(key.partition(":")[0])


def is_reading(member: MemberContext, key: str) -> bool:
    """Whether a figure is a reading and not a KPI, whose ids come first."""
    try:
        kpis = {one.id for one in definition(member).kpis}
    except (NoBookError, UnusableBookError):
        kpis = set()
    return key not in kpis and key.partition(":")[0] in reading_ids()


def dispute_status(matter: Matter) -> Dispute | None:
    """Return how far a dispute is today; None for one that no figure shows."""
    return transitions.dispute_status(State(matter.state), matter.follows, matter.due_on, timezone.now().date())


def claim_effects(member: MemberContext, matter: Matter) -> tuple[ClaimEffect, ...]:
    """Return what the joint figures would be with a claim accepted that asks to exclude days.

    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    if matter.from_day is None or matter.to_day is None:
        return ()
    claim = Claim(matter.from_day, matter.to_day, split_queues(matter.queue), matter.kpi)
    viewer = member.joint()

    def compute() -> tuple[ClaimEffect, ...]:
        return claim_effects_of(partial(open_member_book, viewer), claim, timezone.now().date())

    terms = {
        "first": claim.first.isoformat(),
        "last": claim.last.isoformat(),
        "queues": matter.queue,
        "kpi": claim.kpi,
        "matter": str(matter.pk),
    }
    return results.computed(viewer, Question(COMPUTE_CLAIM, tuple(terms.items())), compute)


def split_queues(text: str) -> tuple[str, ...]:
    """Return the queues that a claim names, divided by semicolons as in the table `events`."""
    return tuple(name.strip() for name in text.split(";") if name.strip())


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
