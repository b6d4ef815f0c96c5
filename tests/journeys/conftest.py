"""One room for all journeys."""

import pytest

from tests.journeys.firms import firms
from tests.journeys.opening import opened

SIZE = ("--months", "12", "--contacts-per-day", "400")


@pytest.fixture(scope="session")
def served(browser):
    """Open, and a browser in front of it."""
    with firms() as (sign_in, firm), opened(browser, *SIZE, sign_in=sign_in) as room:
        room.firm = firm
        yield room
