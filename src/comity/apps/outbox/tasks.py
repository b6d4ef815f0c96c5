"""Jobs: sending mails, and taking up what a worker left when it died."""

from collections.abc import Sequence
from uuid import UUID

from procrastinate.contrib.django import app

from comity.apps.outbox import mail as mails
from comity.apps.outbox import operations

QUEUE = "mail"


@app.task(queue=QUEUE, name=mails.SEND, retry=operations.BackOff())
def send_mail(mail: str, relationship: str | None = None, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - who is told where it fails
    """Hand one mail to the mail server."""
    mails.send(UUID(mail))


@app.periodic(cron="* * * * *")
@app.task(queue="clock", name="outbox.recover", queueing_lock="outbox.recover", pass_context=False)
def recover(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Take up what dead workers left."""
    operations.recover()
