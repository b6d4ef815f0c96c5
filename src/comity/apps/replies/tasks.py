"""The periodic job that records that it ran: silence does not count right after an outage."""

from procrastinate.contrib.django import app

from comity.apps.record.operations import call_function


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="replies.tick", queueing_lock="replies.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Record that the clock ran."""
    call_function("comity_clock_ran")
