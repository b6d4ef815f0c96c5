"""A change of the agreement in two windows: carried out first, and signed later; neither runs scripts."""

import re
from contextlib import contextmanager
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
import pytest

from comity.apps.i18n import words_for
from comity.web.postgres import SUPERUSER
from comity.web.server import Room, unprivileged_account
from tests.journeys.opening import PASSWORD, current

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.timeout(1800, func_only=True),
]  # their room is made first
ENGLISH = words_for("en")
IN_JUNE = "2026-06-15"  # of which the records tell
TODAY = datetime.now(ZoneInfo("Europe/Madrid")).date()  # as the book cuts days
SOON = (TODAY + timedelta(days=60)).isoformat()


def main(page):
    return page.locator("main").text_content().replace("\u00a0", " ")


def shown(page):
    """What stands on a page now, once a worker has computed it."""
    current(page)
    return " ".join(page.locator("main").inner_text().replace("\u00a0", " ").split())


@contextmanager
def database(own_room):
    """The room's database, past its rules: for days that a test does not wait for."""
    room = Room(own_room.data, unprivileged_account())
    with psycopg.connect(room.cluster.conninfo(SUPERUSER), autocommit=True) as connection:
        yield connection


def drafted(page, home, title, first_day, end="", **about):
    """A draft with what it says of itself. Returns its address."""
    page.goto(f"{home}agreement/")
    page.locator("form[action$='/begin/'] button").click()
    page.fill("input[name=title]", title)
    page.fill("input[name=first_day]", first_day)
    page.fill("input[name=end]", end)
    page.fill("textarea[name=reason]", "It is what both sides need.")
    page.fill("textarea[name=expects_nothing]", "A word is made clear.")
    for name, text in about.items():
        page.fill(f"[name={name}]", text)
    page.locator("section[aria-labelledby=h-about] button").first.click()
    return re.match(r"[^?#]*", page.url)[0]


def edited(page, address, clause, **fields):
    page.goto(f"{address}?edit={clause}")
    for name, text in fields.items():
        control = page.locator(f"section[aria-labelledby=h-clause] [name={name}]")
        if not control.is_visible():
            page.locator("section[aria-labelledby=h-clause] details", has=control).locator("summary").click()
        control.fill(text)
    page.locator("section[aria-labelledby=h-clause] button.main").click()


def propose(page, address, words=ENGLISH):
    page.goto(address)
    page.get_by_role("button", name=words("agreement.propose"), exact=True).click()
    assert words("agreement.proposed_now") in page.content()


def to_sign(page, address):
    """The page on which a change is signed, after the password where that is asked."""
    page.goto(f"{address}sign/")
    if "/sign-in/again/" in page.url:
        page.fill("input[name=password]", PASSWORD)
        page.click("main button.main")
        page.goto(f"{address}sign/")


def sign(page, address, words=ENGLISH, *, retroactive=False):
    to_sign(page, address)
    if retroactive:
        page.check("input[name=retroactive]")
    page.get_by_role("button", name=words("agreement.sign"), exact=True).click()


@pytest.fixture(scope="module")
def customer(own_room):
    page = own_room.enter("marta")
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def home(customer):
    return re.match(r"http://[^/]+/r/[^/]+/", customer.url)[0]


def test_a_change_is_carried_out_first_and_signed_later(own_room, customer, home):
    provider = own_room.enter("jonas")
    address = drafted(customer, home, "Fewer give up", SOON)
    edited(customer, address, "abandonment", target="5", short_abandon_s="300")
    propose(customer, address)
    customer.fill("#ask_first_day", TODAY.isoformat())
    customer.get_by_role("button", name=ENGLISH("first.ask"), exact=True).click()
    assert "Northwind Energy asks to carry it out from" in main(customer)
    provider.goto(home)
    provider.get_by_role("link", name=re.compile("Fewer give up")).first.click()
    provider.get_by_label(ENGLISH("first.under_reserve")).check()
    provider.get_by_role("button", name=ENGLISH("first.accept"), exact=True).click()
    with database(own_room) as rows:  # the records end in June
        (change,) = re.search(r"changes/([0-9a-f-]{36})/", address).groups()
        rows.execute("UPDATE agreements_firststep SET first_day = %s WHERE change_id = %s", [IN_JUNE, change])
    for page in (customer, provider):
        page.goto(home)
        current(page)
        assert shown(page).count("Fewer give up Carried out since 15 June 2026, not agreed yet") == 2  # for each side
        page.goto(address)
        text = shown(page)
        assert "It has been carried out since 15 June 2026, and is not agreed yet." in text
        assert "Helpline accepted this under reserve." in text
        asked = page.locator("section[aria-labelledby=h-asked-for]").inner_text()
        in_force, asked_for = re.search(r"([\d.]+)\s%\s+([\d.]+)\s%\s+asked for", asked).groups()
        assert float(asked_for) < float(in_force), asked
    sign(customer, address)
    sign(provider, address)
    days = int(np.busday_count(IN_JUNE, TODAY))
    for page in (customer, provider):
        page.goto(address)
        text = shown(page)
        assert "It was carried out from 15 June 2026 on, and agreed later." in text
        assert f"{ENGLISH('came_about.done_before')} {days}" in text
        page.goto(f"{home}agreement/measures/")
        counted = page.get_by_role("row").filter(has_text=ENGLISH("measured.done_before_about"))
        assert re.search(r"\b1 of \d", counted.inner_text().replace("\u00a0", " ")), counted.inner_text()
        assert page.get_by_role("row").filter(has_text="Fewer give up").count() == 1
    provider.context.close()
