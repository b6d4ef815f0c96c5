"""What the ledger asks of matters: how one is named, and what is open of each as its steps are counted."""

from collections.abc import Collection, Mapping
from itertools import groupby
from uuid import UUID

from django.urls import reverse

from comity.apps.ledger.queries import recorded_since
from comity.apps.ledger.subjects import Counted, SubjectLink, SubjectType, add_subject_type
from comity.apps.matters.models import Matter, Step
from comity.apps.parties.member_context import MemberContext
from comity.core.ledger.accounts import DECISION
from comity.core.matters.kinds import Kind
from comity.core.matters.owed import SUBJECT_TYPE, CountedStep, count_owed
from comity.core.matters.transitions import Move
from comity.core.values import Side

_STOOD = ("stood__state", "stood__promise", "stood__debtor")


def register() -> None:
    """Register matters as subjects of the ledger."""
    add_subject_type(SubjectType(SUBJECT_TYPE, _links, count))


def _links(member: MemberContext, ids: Collection[UUID]) -> Mapping[UUID, SubjectLink]:
    at = {"relationship": member.relationship.pk}
    titles = Matter.objects.filter(relationship=member.relationship, pk__in=ids).values_list("pk", "title")
    return {pk: SubjectLink(title, reverse("matter", kwargs=at | {"matter": pk})) for pk, title in titles}


def count(member: MemberContext) -> Collection[Counted]:
    """Count what is open of every matter, in three queries.

    Who owes the work after a step is read where the database wrote it: with the next step, or in the matter.
    """
    rows = Matter.objects.filter(relationship=member.relationship)
    kept_rows = rows.values_list("pk", "kind", "answers", "promise", "debtor")
    matters = {
        pk: (kind, Side(answers), _debtor(promise, debtor, answers)) for pk, kind, answers, promise, debtor in kept_rows
    }
    since = recorded_since().get(DECISION)
    kept = (
        Step.objects.filter(relationship=member.relationship)
        .order_by("matter_id", "number")
        .values_list("matter_id", "number", "move", "side", *_STOOD, "recorded_at")
    )
    counted = []
    for pk, steps in groupby(kept.iterator(), key=lambda row: row[0]):
        kind, answers, now = matters[pk]
        taken: list[CountedStep] = []
        after = now
        in_order = list(steps)
        decides = kind == Kind.DECISION and since is not None and in_order[0][-1] >= since
        for _, number, move, side, state, promise, debtor, _ in reversed(in_order):
            by = Side(side) if side else None
            taken.append(CountedStep(number, Move(move), by, after, earlier=state is None, decides=decides))
            after = now if state is None else _debtor(promise, debtor, answers)
        counted.append(Counted(pk, tuple(count_owed(taken))))
    return counted


def _debtor(promise: bool, debtor: str, answers: str) -> Side | None:  # noqa: FBT001 - as the columns are
    """Return who owes the work: what either side may do, the side that answers; None where there is none."""
    return Side(debtor or answers) if promise else None
