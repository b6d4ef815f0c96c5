"""Matters between two windows, in a browser without JavaScript: each course that one can take, either way round.

Late among the journeys by its name: what it asks stays in the one room. What takes days (a clock that runs out, a
worker that was dead) is tried with a moved clock in `tests/apps/matters` and `tests/apps/mailbox`.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.opening import current

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(900)]
TODAY = datetime.now(UTC).date()


def main(page):
    return page.locator("main").inner_text().replace("\u00a0", " ")


def day(days):
    return (TODAY + timedelta(days=days)).isoformat()


def fill(page, **fields):
    for name, text in fields.items():
        one = page.locator(f"main form [name={name}]").first
        if one.evaluate("field => field.tagName") == "SELECT":
            one.select_option(text)
        else:
            one.fill(text)


def raised(page, home, kind, **fields):
    """Raise a matter. Returns its address within the site, the same for both sides."""
    page.goto(f"{home}matters/raise/{kind}/")
    fill(page, text="As it is.", **fields)
    page.locator("form.raise button.main").click()
    current(page)
    assert fields["title"] in main(page)
    return re.match(r"[^?#]*", page.url)[0]


def moved(page, address, move, **fields):
    page.goto(f"{address}move/{move}/")
    current(page)
    fill(page, text="So it is.", **fields)
    page.locator("#reply button.main").click()
    current(page)
    return main(page)


@pytest.fixture(scope="module")
def windows(served):
    """Both sides' leads, and the address of the relationship."""
    customer, provider = served.enter("marta"), served.enter("jonas")
    home = customer.url.rstrip("/") + "/"
    yield customer, provider, home
    customer.context.close()
    provider.context.close()


def test_a_need_is_asked_countered_agreed_done_not_done_done_and_confirmed(windows):
    one, other, home = windows
    address = raised(one, home, "need", title="Call back within a day", wording="Within a day", due_on=day(60))
    assert "counter-proposal made" in moved(other, address, "counter", wording="Within two days", due_on=day(70))
    one.goto(address)
    assert "Within two days" in main(one)
    assert "accepted" in moved(one, address, "agree")
    assert "done" in moved(other, address, "done")
    assert "said that it is not done" in moved(one, address, "not_done")
    moved(other, address, "done")
    said = moved(one, address, "confirm")
    assert "done, confirmed" in said
    assert "both sides: countered, then agreed" in said


def test_an_offer_that_nobody_asked_for_is_proactive_of_the_side_that_makes_it(windows):
    one, other, home = windows
    address = raised(other, home, "offer", title="Night desk", wording="Two agents from 22:00", due_on=day(50))
    assert "proactive" in main(other)
    assert "accepted" in moved(one, address, "agree")
    other.goto(address)
    assert "Mark as done" in main(other)  # whoever offers owes it


def test_a_failure_that_the_provider_tells_first_is_proactive_and_the_complaint_after_it_is_linked(windows):
    one, other, home = windows
    other.goto(f"{home}matters/raise/failure/")
    address = raised(other, home, "failure", title="Lines were down", due_on=day(5))
    assert "proactive" in main(other)
    number = address.rstrip("/").rsplit("/", 1)[1]
    one.goto(f"{home}matters/raise/complaint/")
    one.locator("form.raise details summary").click()
    complaint = raised_on(one, title="Nobody could call", prompted_by=number)
    one.goto(complaint)
    assert "Lines were down" in main(one)


def raised_on(page, **fields):
    """Send the form that is open, its further fields unfolded."""
    fill(page, text="As it is.", **fields)
    page.locator("form.raise button.main").click()
    current(page)
    return re.match(r"[^?#]*", page.url)[0]


def test_a_promise_is_moved_twice_and_then_cannot_be_kept(windows):
    one, other, home = windows
    address = raised(one, home, "request", title="A list of queues", wording="As CSV", due_on=day(20))
    moved(other, address, "agree")
    for days in (30, 40):
        assert "proposes" in moved(other, address, "other_day", day=day(days))
        moved(one, address, "take")
    other.goto(address)
    assert "changed 2 times" in main(other)
    assert "cannot be done" in moved(other, address, "cannot")


def test_both_answer_at_once_and_nothing_is_lost(windows):
    """The page of the second was opened before the first one moved: it is shown what came between."""
    one, other, home = windows
    address = raised(one, home, "need", title="A second number", wording="A number", due_on=day(60))
    other.goto(f"{address}move/agree/")
    fill(other, text="We take it.")
    assert "withdrawn" in moved(one, address, "withdraw")
    other.locator("#reply button.main").click()
    current(other)
    said = main(other)
    assert "We take it." in said
    assert "withdrew it" in said or "withdrawn" in said
    other.goto(address)
    assert "accepted" not in main(other).split("History")[0]


def test_each_side_downloads_the_same_evidence(windows):
    one, other, home = windows
    address = raised(one, home, "question", title="Which hours?")
    moved(other, address, "agree")
    for page in (one, other):
        page.goto(address)
        current(page)
        assert page.get_by_role("link", name="Download evidence pack").count() == 1
