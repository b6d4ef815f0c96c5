"""Changes of the agreement of a room: drafted, proposed and signed by somebody of the cast."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.agreements import operations, queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change
from comity.apps.refusal import Refused
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


def refused(code, call, *arguments, **named):
    with pytest.raises(Refused) as error, transaction.atomic():
        call(*arguments, **named)
    assert error.value.code is code, error.value


def sign(them, who, pk, **more):
    with transaction.atomic():
        member = them.at(who)
        change = row(pk)
        digest = operations.show_for_signature(member, change, SENTENCES)
        return operations.sign(member, change, digest, SENTENCES, **more)
