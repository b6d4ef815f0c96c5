"""Changes of the agreement in a room: drafted, proposed and signed by the cast."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from comity.apps.agreements import operations, queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change
from comity.core.agreements.kinds import Kind

SENTENCES = {"en": "0" * 64, "es": "1" * 64}


def soon(days=40):
    return timezone.now().date() + timedelta(days=days)


def says(**more):
    return {"title": "Higher target", "reason": "More agents by then.", "carried_out_by": "provider",
            "expects_nothing": "A word is made clear.", **more}  # fmt: skip


def content(*edits, first_day=None, **more):
    return DraftContent(first_day or soon(), None, edits, says=says(**more))


def kpi_of(member):
    """The id of the first KPI of the book."""
    return queries.text_of(member).of(Kind.KPI)[0].id


def drafted(them, who, made):
    with transaction.atomic():
        return operations.begin_draft(them.at(who), made).pk


def proposed(them, who, made):
    pk = drafted(them, who, made)
    with transaction.atomic():
        operations.propose(them.at(who), row(pk), 1)
    return pk


def row(pk):
    return Change.objects.get(pk=pk)


def sign(them, who, pk, **more):
    with transaction.atomic():
        member = them.at(who)
        change = row(pk)
        digest = operations.show_for_signature(member, change, SENTENCES)
        return operations.sign(member, change, digest, SENTENCES, **more)
