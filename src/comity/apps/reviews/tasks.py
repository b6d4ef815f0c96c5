"""What time does: silence after the other side's word and a reminder confirms a period; reviews go out by mail."""

from datetime import UTC, datetime

from procrastinate.contrib.django import app

from comity.apps.books.queries import has_book, zone
from comity.apps.parties.viewing import Standing, everywhere
from comity.apps.reviews import operations


@app.periodic(cron="15 * * * *")
@app.task(queue="clock", name="reviews.mail", queueing_lock="reviews.mail", pass_context=False)
def mail(timestamp: int) -> None:
    """To everybody who wishes it, from their own place."""
    everywhere(lambda standing: _mail(standing, datetime.fromtimestamp(timestamp, UTC)), "comity_by_mail")


def _mail(standing: Standing, now: datetime) -> None:
    if has_book(standing):
        operations.send(standing, now)


@app.periodic(cron="5 * * * *")
@app.task(queue="clock", name="reviews.tick", queueing_lock="reviews.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """In every relationship, from the place of somebody who leads there."""
    everywhere(_tick)


def _tick(standing: Standing) -> None:
    if has_book(standing):
        operations.hear_silence(standing, zone(standing))
