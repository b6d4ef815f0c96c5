"""One room for all journeys, and one of its own for a journey that changes what the others count on."""

import pytest

from tests.builders.database import copy_into
from tests.journeys.firms import firms
from tests.journeys.opening import CHROMIUM, chromium, opened

SIZE = ("--months", "12", "--contacts-per-day", "400")


@pytest.fixture(scope="package")
def browser():
    """Chromium, one for all journeys."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is here; `make setup` says how it comes")
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def served(browser):
    """Open, and a browser in front of it."""
    with firms() as (sign_in, firm), opened(browser, *SIZE, sign_in=sign_in, prepare=copy_into) as room:
        room.firm = firm
        yield room


@pytest.fixture(scope="module")
def own_room(browser):
    """Open, for one module: its figures, its agreement and who signs are nobody else's to change."""
    with opened(browser, *SIZE, prepare=copy_into) as room:
        yield room
