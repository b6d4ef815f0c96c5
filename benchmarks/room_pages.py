"""The pages, who asks for them, and how many queries each makes: imported once the room's settings are known."""

from collections.abc import Sequence

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.load import User
from benchmarks.room_data import EARLIER, Seat
from comity.apps.parties.models import Person

PAGES = {
    "portfolio": "/",
    "today": "{r}/",
    "review": "{r}/review/",
    "review, earlier": "{r}/review/?period=" + EARLIER,
    "attribution": "{r}/attribution/",
    "matters": "{r}/matters/",
    "one matter": "{r}/matters/{matter}/",
    "records": "{r}/records/",
    "people": "{r}/people/",
    "log": "{r}/log/",
}
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def address(page: str, seat: Seat, matter: str) -> str:
    """Of a page, as somebody asks for it."""
    return PAGES[page].format(r=f"/r/{seat.relationship}", matter=matter)


def entered(seat: Seat) -> Client:
    """Somebody signed in, straight into the database."""
    client = Client(SERVER_NAME="localhost")
    client.force_login(Person.objects.get(pk=seat.person), backend=BACKEND)
    return client


def user(seat: Seat, pages: Sequence[str]) -> User:
    """The same for the load; of one matter, several."""
    views = [[address(page, seat, matter)] for matter in seat.matters for page in pages]
    return User(f"sessionid={entered(seat).cookies['sessionid'].value}", views, seat.group)


def queries(page: str, seat: Seat) -> int:
    """How many a page makes when what is worked out once has been."""
    client = entered(seat)
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            answer = client.get(address(page, seat, seat.matters[0]))
        assert answer.status_code == 200, (page, answer.status_code)
    return sum(not one["sql"].startswith(("BEGIN", "COMMIT", "ROLLBACK")) for one in captured)
