"""From an empty folder to a confirmed month with both sides' people in it, in two windows; and the next month.

Nobody uses a shell, a TOML file or an address that no page has shown. Time and clicks are printed (`-s`).
"""

import re
import shutil
import tempfile
import time
from calendar import monthrange
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from comity.apps.i18n import words_for
from tests.builders.serving import Served
from tests.journeys.opening import current

pytestmark = [pytest.mark.browser, pytest.mark.gate, pytest.mark.timeout(1200)]
WORDS = words_for("en")
PASSWORD = "correct horse battery staple"
CUSTOMER, PROVIDER = "Acme Energy", "CallCo"
FIRST_MONTH_S, NEXT_MONTH_S = 20 * 60, 10 * 60


class Window:
    """A window of one person, which counts what they press and type, and notices where it does not go on."""

    def __init__(self, browser, address):
        options = {"java_script_enabled": False, "locale": "en-GB", "viewport": {"width": 1440, "height": 900}}
        self.page = browser.new_context(base_url=address, **options).new_page()
        self.page.set_default_timeout(120_000)  # a busy machine is no failure
        self.clicks = 0

    def open(self, address):
        self.page.goto(address)
        self.look()

    def look(self):
        """Wait for what the page waits for; whoever looks can go on from it."""
        current(self.page)
        assert self.page.locator("main :is(a, button), nav a").count(), self.page.url

    def text(self):
        return self.page.locator("main").inner_text().replace("\u00a0", " ")

    def press(self, name, *, exact=True):
        """Press a button, or follow a link, of this name."""
        self.clicks += 1
        found = self.page.get_by_role("button", name=name, exact=exact)
        one = found if found.count() else self.page.get_by_role("link", name=name, exact=exact)
        one.first.click()
        self.look()

    def go(self, key):
        """Follow an entry of the navigation."""
        self.clicks += 1
        named = re.compile(rf"^{WORDS(f'nav.{key}')}( |$)")  # beside some stands how many wait
        self.page.get_by_role("navigation").get_by_role("link", name=named).first.click()
        self.look()

    def fill(self, label, value):
        self.clicks += 1
        self.page.get_by_label(label, exact=False).first.fill(value)


def month_before(day):
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


LAST = month_before(datetime.now(UTC).date())
FIRST = month_before(LAST)


def records(month):
    """A month of calls: nine in ten are answered within ten seconds."""
    yield "contact_id,opened_at,queue,channel,answered_at,resolved_at,handle_s"
    for day in range(1, monthrange(month.year, month.month)[1] + 1):
        for number in range(20):
            at = f"{month:%Y-%m}-{day:02}T10:{number:02}"
            wait = 50 if number % 10 == 0 else 10
            yield f"{month:%y%m}-{day}-{number},{at}:00Z,help,voice,{at}:{wait:02}Z,,240"


def bring(window, month):
    """Upload a month's file, look at the preview, and import it."""
    content = "\n".join(records(month)).encode()
    window.clicks += 1
    window.page.set_input_files(
        "input[type=file]", {"name": f"{month:%Y-%m}.csv", "mimeType": "text/csv", "buffer": content}
    )
    window.press(WORDS("upload.do"))
    settle(window)
    window.press(WORDS("delivery.bring"))
    settle(window)
    assert WORDS("stage.brought") in window.text() or WORDS.number(len(list(records(month))) - 1) in window.text()


def settle(window):
    """Until what runs in the background has run; the page asks again by itself."""
    window.page.wait_for_selector("meta[http-equiv=refresh]", state="detached", timeout=120_000)


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


def waits_until(window, text):
    """Reload a page until it says what a worker is about to have done."""
    for _ in range(200):
        if text in window.text():
            return
        window.page.wait_for_timeout(300)
        window.page.reload()
        window.look()
    raise AssertionError(f"{text!r} never stood on {window.page.url}")


@pytest.fixture(scope="module")
def room():
    folder = Path(tempfile.mkdtemp(prefix="comity-"))
    folder.chmod(0o711)
    served = Served(folder / "room")
    try:
        served.until(200, seconds=300)
        yield served
    finally:
        served.process.terminate()
        served.process.wait(60)
        served.log.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def windows(browser, room):
    address = f"http://127.0.0.1:{room.port}"
    return Window(browser, address), Window(browser, address)


def set_up_link(room):
    for _ in range(600):
        link = re.search(r"http://\S+(/set-up/\S+)", room.said())
        if link:
            return link[1]
        time.sleep(0.1)
    raise AssertionError(room.said())


def test_from_an_empty_folder_to_a_confirmed_month(room, windows):
    customer, provider = windows
    link, began = set_up_link(room), time.monotonic()

    customer.open("/sign-in/")
    customer.open(link)
    for label, value in (("set_up.email", "ana@acme.example"), ("set_up.name", "Ana"), ("set_up.password", PASSWORD)):
        customer.fill(WORDS(label), value)
    customer.press(WORDS("set_up.do"))

    assert WORDS("first_run.organisations") in customer.text()
    customer.fill(WORDS("begin.own"), CUSTOMER)
    customer.fill(WORDS("begin.other"), PROVIDER)
    customer.press(WORDS("begin.do"))

    customer.press(WORDS("book.do"))
    waits_until(customer, WORDS("upload.do"))
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
    customer.fill(WORDS("invite.email"), "ben@callco.example")
    customer.press(WORDS("first_run.invite", party=PROVIDER))
    invitation = re.search(r"/join/\S+/", customer.page.locator("#link-to-copy").input_value())

    provider.open(invitation[0])
    assert f"Ana invites you to {CUSTOMER} with {PROVIDER}, as lead of {PROVIDER}." in provider.text()
    provider.fill(WORDS("join.name"), "Ben")
    provider.fill(WORDS("join.password"), PASSWORD)
    provider.press(WORDS("join.do"))
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
