"""Tasks that mail events at once, and the clock of digests and late deliveries."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from procrastinate.contrib.django import app

from comity.apps.audit.queries import log_events
from comity.apps.notifications import mail, operations
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import MemberContext, acting_as, find_lead, for_each_relationship

QUEUE = "mail"


@app.task(queue=QUEUE, name=operations.TELL_TASK, retry=ExponentialBackoff())
def tell(relationship: str, event: str, sides: Sequence[str]) -> None:
    """Defer the mails about an event, as a lead who may read it."""
    here = UUID(relationship)
    with suppress(PermissionError):  # a side without a lead has nobody to be told
        lead = find_lead(here, lambda member: member.side is not None and member.side.value in sides)
        with acting_as(lead, here) as member:
            operations.defer_mails(member, UUID(event))


@app.task(queue=QUEUE, name=operations.MAIL_TASK, retry=ExponentialBackoff())
def mail_event(person: str, relationship: str, event: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - whom a failure concerns
    """Mail a person about an event, as they see it; nothing where they have left."""
    with suppress(PermissionError), acting_as(UUID(person), UUID(relationship)) as member:
        found = log_events(member).filter(pk=event).first()
        if found is not None:
            mail.send_event(member, found)


@app.periodic(cron="20 * * * *")
@app.task(queue="clock", name="notifications.tick", queueing_lock="notifications.tick", pass_context=False)
def tick(timestamp: int) -> None:
    """Chase late deliveries in every relationship, then mail each member their digest of the day, as they see it."""
    now = datetime.fromtimestamp(timestamp, UTC)
    for_each_relationship(lambda member: operations.chase_late_deliveries(member, now))
    for_each_relationship(lambda member: _digest(member, now), "comity_members")


def _digest(member: MemberContext, now: datetime) -> None:
    mail.send_digest(member, now)
