"""What the ledger asks of matters: how one is named, and what is open of each as its steps are counted."""

from collections.abc import Collection, Mapping
from itertools import groupby
from uuid import UUID

from django.urls import reverse

from comity.apps.ledger.subjects import Counted, SubjectLink, SubjectType, add_subject_type
from comity.apps.matters.models import Matter, Step
from comity.apps.parties.member_context import MemberContext
from comity.core.matters.kinds import Kind
from comity.core.matters.owed import SUBJECT_TYPE, CountedStep, count_owed, debtor_of
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
    """Count what is open of every matter, in two queries."""
    columns = ("pk", "kind", "answers", "owner__side", "follows")
    matters = Matter.objects.filter(relationship=member.relationship).values_list(*columns)
    debtors = {
        pk: debtor_of(Kind(kind), Side(answers), Side(owner) if owner else None, follows)
        for pk, kind, answers, owner, follows in matters
    }
    rows = (
        Step.objects.filter(relationship=member.relationship)
        .order_by("matter_id", "number")
        .values_list("matter_id", "number", "move", "side")
    )
    counted = []
    for pk, steps in groupby(rows.iterator(), key=lambda row: row[0]):
        taken = [
            CountedStep(number, Move(move), Side(side) if side else None, debtors[pk])
            for _, number, move, side in steps
        ]
        counted.append(Counted(pk, tuple(count_owed(taken))))
    return counted
