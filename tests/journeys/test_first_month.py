"""From an empty folder to a confirmed month with both sides' people in it, in two windows; and the next month.

Nobody uses a shell, a TOML file or an address that no page has shown. Time and clicks are printed (`-s`).
"""

import time

import pytest

from comity.apps.i18n import words_for
from tests.journeys.axe import violations
from tests.journeys.opening import current
from tests.journeys.windows import CUSTOMER, FIRST, LAST, PROVIDER, Window, begin, bring, join, new_room, waits_until

pytestmark = [pytest.mark.browser, pytest.mark.gate, pytest.mark.timeout(1200)]
WORDS = words_for("en")
FIRST_MONTH_S, NEXT_MONTH_S = 20 * 60, 10 * 60


def review_of(window, month):
    """Choose a month from the list of periods, in the joint view."""
    window.go("review")
    window.clicks += 1
    window.page.get_by_text(WORDS("periods.choose"), exact=True).click()
    window.press(f"{month:%B %Y}")
    window.press(WORDS("review.joint"), exact=False)


def confirm(window, month, party):
    """Confirm a month for a side. The one place that knows how the confirming page is made."""
    review_of(window, month)
    window.press(WORDS("closing.look"))  # the page that says what becomes final
    window.press(WORDS("closing.confirm", party=party))


@pytest.fixture(scope="module")
def room():
    with new_room(empty_folder=True) as served:
        yield served


@pytest.fixture(scope="module")
def windows(browser, room):
    address = f"http://127.0.0.1:{room.port}"
    return Window(browser, address), Window(browser, address)


def test_from_an_empty_folder_to_a_confirmed_month(room, windows):
    customer, provider = windows
    began = time.monotonic()
    begin(room, customer)
    bring(customer, FIRST)
    customer.go("review")  # alone, before anybody is invited
    assert f"{FIRST:%B %Y}" in customer.text()

    customer.go("today")
    customer.press(WORDS("kpis.template_contact_centre"))
    assert WORDS("kpis.last_month") in customer.text() or f"{FIRST:%B %Y}" in customer.text()
    customer.press(WORDS("kpis.send_alone"))
    customer.go("review")
    waits_until(customer, WORDS("levels.not_agreed"))
    assert WORDS("closing.look") not in customer.text()

    customer.go("today")
    asked = join(customer, provider)
    assert f"Ana invites you to {CUSTOMER} with {PROVIDER}, as lead of {PROVIDER}." in asked
    provider.press(WORDS("first_run.see_kpis"))
    provider.press(WORDS("kpis.agree"))
    waits_until(provider, WORDS("kpis.by_entry", number=1))
    provider.go("today")
    assert WORDS("first_run.title") not in provider.text()

    confirm(customer, FIRST, CUSTOMER)
    confirm(provider, FIRST, PROVIDER)
    assert WORDS("closing.is_frozen") in provider.text()
    took = time.monotonic() - began
    print(f"\nfirst month: {took:.0f} s, {customer.clicks} + {provider.clicks} clicks and fields")  # noqa: T201
    assert took < FIRST_MONTH_S


def test_the_next_month_takes_less(windows):
    customer, provider = windows
    before, began = customer.clicks + provider.clicks, time.monotonic()
    provider.go("records")
    bring(provider, LAST)
    confirm(provider, LAST, PROVIDER)
    confirm(customer, LAST, CUSTOMER)
    assert WORDS("closing.is_frozen") in customer.text()
    took = time.monotonic() - began
    print(f"\nnext month: {took:.0f} s, {customer.clicks + provider.clicks - before} clicks and fields")  # noqa: T201
    assert took < NEXT_MONTH_S


def test_axe_finds_nothing_on_the_pages_of_that_room(browser, windows):
    """As the customer, wide and light, and the sign-in pages; `test_access.py` has all variants over the demo."""
    customer, _ = windows
    home = customer.page.url.split("/r/")[0]
    within = customer.page.url.removeprefix(home)
    within = "/".join(within.split("/")[:3])
    state = customer.page.context.storage_state()
    context = browser.new_context(base_url=home, storage_state=state, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(120_000)
    for path in ("", "/review/", "/attribution/", "/matters/", "/matters/raise/dispute/", "/records/", "/people/",
                 "/kpis/", "/log/"):  # fmt: skip
        page.goto(f"{within}{path}")
        current(page)
        assert violations(page) == []
    context.clear_cookies()
    for path in ("/sign-in/", "/sign-in/password/forgotten/", "/join/nothing/", "/nowhere/"):
        page.goto(path)
        assert violations(page) == []
    context.close()


def test_the_folder_of_that_room_is_closed_to_other_accounts(room):
    assert room.open_to_others() == []
