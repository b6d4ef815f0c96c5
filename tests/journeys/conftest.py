"""One room for all journeys."""

import pytest

from tests.journeys.firms import firms
from tests.journeys.opening import CHROMIUM, opened


@pytest.fixture(scope="session")
def served():
    """Open, and a browser in front of it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is here")
    with firms() as (sign_in, firm), opened("--months", "12", "--contacts-per-day", "400", sign_in=sign_in) as room:
        room.firm = firm
        yield room
