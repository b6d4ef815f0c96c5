"""Tasks: sending mails, and recovery of jobs whose worker died."""

from collections.abc import Sequence
from uuid import UUID

from procrastinate.contrib.django import app

from comity.apps.outbox import mail as outbox_mail
from comity.apps.outbox import operations

QUEUE = "mail"


@app.task(queue=QUEUE, name=outbox_mail.SEND_TASK, retry=operations.ExponentialBackoff())
def send_mail(mail: str, relationship: str | None = None, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - who is told where it fails
    """Hand one mail to the mail server."""
    outbox_mail.send_waiting_mail(UUID(mail))


@app.periodic(cron="* * * * *")
@app.task(queue="clock", name="outbox.recover", queueing_lock="outbox.recover", pass_context=False)
def recover(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Recover jobs whose worker died."""
    operations.recover_stalled_jobs()
