"""What time does to a period: a side that stays silent after the other's word and a reminder has confirmed it."""

from procrastinate.contrib.django import app

from comity.apps.books.queries import has_book, zone
from comity.apps.parties.viewing import Standing, everywhere
from comity.apps.reviews import operations


@app.periodic(cron="5 * * * *")
@app.task(queue="clock", name="reviews.tick", queueing_lock="reviews.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """In every relationship, from the place of somebody who leads there."""
    everywhere(_tick)


def _tick(standing: Standing) -> None:
    if has_book(standing):
        operations.hear_silence(standing, zone(standing))
