"""What time does to matters: a reminder before the clock runs out, and acceptance by silence once it has."""

from procrastinate.contrib.django import app

from comity.apps.books.queries import zone
from comity.apps.matters import operations, queries
from comity.apps.parties.viewing import Standing, everywhere


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="matters.tick", queueing_lock="matters.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """In every relationship, from the place of somebody who leads there."""
    everywhere(_tick)


def _tick(standing: Standing) -> None:
    here = zone(standing)
    for matter in queries.running_out(standing):
        operations.run_out(matter, here)
    for matter in queries.to_remind(standing):
        operations.remind(standing, matter)
