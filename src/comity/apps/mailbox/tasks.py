"""Tasks: reading the mailbox each minute, and forgetting mails as they came after 90 days."""

from procrastinate.contrib.django import app

from comity.apps.mailbox import polling

QUEUE = "mail"


@app.periodic(cron="* * * * *")
@app.task(queue=QUEUE, name="mailbox.poll", queueing_lock="mailbox.poll", lock="mailbox.poll", pass_context=False)
def poll(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Read the mailbox."""
    polling.poll()


@app.periodic(cron="50 3 * * *")
@app.task(queue=QUEUE, name="mailbox.forget", queueing_lock="mailbox.forget", pass_context=False)
def forget(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Remove mails as they came."""
    polling.forget()
