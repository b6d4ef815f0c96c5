"""Changes of the agreement in a room: drafted, proposed and signed by the cast; and shifted in time by a superuser."""

from datetime import date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from comity.apps.agreements import operations, queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change
from comity.apps.parties.member_context import MemberContext
from comity.apps.refusal import Refused
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from tests.builders.agreement import MADRID
from tests.builders.levels import KPI, contacts
from tests.room import Cast, cast, superuser

SENTENCES = {"en": "0" * 64, "es": "1" * 64}


def room() -> Cast:
    """A relationship with everybody in it, and a book of May and June."""
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    made.tokens = {}  # of programs (`builders.programs`)
    cache.clear()
    return made


def soon(days: int = 40) -> date:
    """A day to come, as the book cuts days."""
    return timezone.now().astimezone(MADRID).date() + timedelta(days=days)


def says(**more: object) -> dict:
    """What a change says of itself."""
    return {"title": "Higher target", "reason": "More agents by then.", "carried_out_by": "provider",
            "expects_nothing": "A word is made clear.", **more}  # fmt: skip


def content(*edits, first_day: date | None = None, **more: object) -> DraftContent:
    """A draft."""
    return DraftContent(first_day or soon(), None, edits, says=says(**more))


def target(them: Cast, value: str = "0.9", **more: object) -> DraftContent:
    """A draft of another target of the book's KPI."""
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    return content(SetField(kpi, "target", value), **more)


def kpi_of(member: MemberContext) -> str:
    """The id of the first KPI of the book."""
    return queries.text_of(member).of(Kind.KPI)[0].id


def row(pk) -> Change:
    """A change as the viewer sees it now."""
    return Change.objects.get(pk=pk)


def drafted(them: Cast, who: str, made: DraftContent):
    """Somebody's draft."""
    with transaction.atomic():
        return operations.begin_draft(them.at(who), made).pk


def proposed(them: Cast, who: str, made: DraftContent):
    """A change that somebody proposed."""
    pk = drafted(them, who, made)
    with transaction.atomic():
        operations.propose(them.at(who), row(pk), 1)
    return pk


def sign(them: Cast, who: str, pk, **more: object) -> bool:
    """Whether it is agreed by somebody's signature."""
    with transaction.atomic():
        member = them.at(who)
        change = row(pk)
        digest = operations.show_for_signature(member, change, SENTENCES)
        return operations.sign(member, change, digest, SENTENCES, **more)


def agreed(them: Cast, who: str, made: DraftContent, **more: object):
    """A change that both leads signed."""
    pk = proposed(them, who, made)
    for one in ("customer_lead", "provider_lead"):
        sign(them, one, pk, **more)
    return pk


def state_of(them: Cast, pk, who: str = "customer_lead"):
    """Where a change stands."""
    with transaction.atomic():
        return queries.change_state(them.at(who), row(pk)).state


def refused(code, call, *arguments, **named) -> None:
    """Check that something is refused for a reason."""
    with pytest.raises(Refused) as error, transaction.atomic():
        call(*arguments, **named)
    assert error.value.code is code, error.value


def attempt(them: Cast, who: str, sql: str, *values):
    """Run a statement as the application's role would, standing where a member stands."""
    with transaction.atomic():
        them.at(who)
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else cursor.rowcount


def moved_to(pk, table: str, number: int, at: datetime) -> None:
    """A step as if it had been taken at another moment."""
    with superuser() as everybody:
        everybody.execute(
            f"UPDATE {table} SET at = %s WHERE change_id = %s AND number = %s",
            [at, pk, number],
        )
        if table == "agreements_step":
            everybody.execute(
                "UPDATE agreements_step SET content = jsonb_set(content, '{new,readable_at}', to_jsonb(%s::text)) "
                "WHERE change_id = %s AND number = %s AND content ? 'new'",
                [at.isoformat(), pk, number],
            )
