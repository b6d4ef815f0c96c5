"""The room's clock: that it ran, for silence is not heard right after an outage."""

from procrastinate.contrib.django import app

from comity.apps.record.operations import call


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="replies.tick", queueing_lock="replies.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Note that the clock ran."""
    call("comity_clock_ran")
