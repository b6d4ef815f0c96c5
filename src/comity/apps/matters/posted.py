"""What the ledger asks of matters: how one is named, and what is open of each as its steps are counted."""

from collections.abc import Collection, Mapping
from itertools import groupby
from uuid import UUID

from django.urls import reverse

from comity.apps.ledger.subjects import Counted, SubjectLink, SubjectType, add_subject_type
from comity.apps.matters.models import Matter, Step
from comity.apps.parties.member_context import MemberContext
from comity.core.matters.owed import SUBJECT_TYPE, CountedStep, count_owed
from comity.core.matters.transitions import Move
from comity.core.values import Side


def register() -> None:
    """Register matters as subjects of the ledger."""
    add_subject_type(SubjectType(SUBJECT_TYPE, _links, count))


def _links(member: MemberContext, ids: Collection[UUID]) -> Mapping[UUID, SubjectLink]:
    at = {"relationship": member.relationship.pk}
    titles = Matter.objects.filter(relationship=member.relationship, pk__in=ids).values_list("pk", "title")
    return {pk: SubjectLink(title, reverse("matter", kwargs=at | {"matter": pk})) for pk, title in titles}


def count(member: MemberContext) -> Collection[Counted]:
    """Count what is open of every matter, in two queries.

    Who owes the work after a step is read where the database wrote it: with the next step, or in the matter.
    """
    rows = Matter.objects.filter(relationship=member.relationship).values_list("pk", "answers", "promise", "debtor")
    matters = {pk: (Side(answers), _debtor(promise, debtor, answers)) for pk, answers, promise, debtor in rows}
    kept = (
        Step.objects.filter(relationship=member.relationship)
        .order_by("matter_id", "number")
        .values_list("matter_id", "number", "move", "side", "stood__state", "stood__promise", "stood__debtor")
    )
    counted = []
    for pk, steps in groupby(kept.iterator(), key=lambda row: row[0]):
        answers, now = matters[pk]
        taken: list[CountedStep] = []
        after = now
        for _, number, move, side, state, promise, debtor in reversed(list(steps)):
            taken.append(CountedStep(number, Move(move), Side(side) if side else None, after, earlier=state is None))
            after = now if state is None else _debtor(promise, debtor, answers)
        counted.append(Counted(pk, tuple(count_owed(taken))))
    return counted


def _debtor(promise: bool, debtor: str, answers: str) -> Side | None:  # noqa: FBT001 - as the columns are
    """Return who owes the work: what either side may do, the side that answers; None where there is none."""
    return Side(debtor or answers) if promise else None
