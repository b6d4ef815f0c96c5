"""The clock of the mail with everything that waits for a person, over all their relationships."""

import logging
from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction
from procrastinate.contrib.django import app

from comity.apps.parties.member_context import set_viewer
from comity.apps.parties.models import Person
from comity.apps.today.mail import send_waiting


@app.periodic(cron="25 * * * *")
@app.task(queue="clock", name="today.waiting", queueing_lock="today.waiting", pass_context=False)
def waiting(timestamp: int) -> None:
    """Mail everybody who is in several relationships what waits for them, once a day; one alone has its own digest."""
    now = datetime.fromtimestamp(timestamp, UTC)
    for person in _in_several():
        try:
            with transaction.atomic():
                set_viewer(person)
                send_waiting(Person.objects.get(pk=person), now)
        except Exception:
            logging.getLogger(__name__).exception("a person was not mailed what waits for them")


def _in_several() -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT person FROM comity_members()")
        places = Counter(person for (person,) in cursor.fetchall())
    return [person for person, count in places.items() if count > 1]
