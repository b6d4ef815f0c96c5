"""Two windows on a room that begins empty: what is pressed and typed in each is counted."""

import re
import shutil
import tempfile
import time
from calendar import monthrange
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from comity.apps.i18n import words_for
from tests.builders.database import copy_into
from tests.builders.serving import Served
from tests.journeys.opening import current

PASSWORD = "correct horse battery staple"
CUSTOMER, PROVIDER = "Acme Energy", "CallCo"
_WIDE = 1040  # from here on the pages are in a bar, below in the menu


class Window:
    """A window of one person, which counts what they press and type, and notices where it does not go on."""

    def __init__(self, browser, address, language="en", width=1440):
        self.words = words_for(language)
        locale = {"en": "en-GB", "es": "es-ES"}[language]
        options = {"java_script_enabled": False, "locale": locale, "viewport": {"width": width, "height": 900}}
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
        named = re.compile(rf"^{self.words(f'nav.{key}')}( |$)")  # beside some stands how many wait
        area = self.page.get_by_role("navigation")
        if self.page.viewport_size["width"] < _WIDE:
            self.page.locator("details.me > summary").click()
            area = self.page.locator("header")
        area.get_by_role("link", name=named).first.click()
        self.look()

    def fill(self, label, value):
        self.clicks += 1
        self.page.get_by_label(label, exact=False).first.fill(value)

    def fits(self):
        """Whether nothing is wider than the window, as a picture of the whole page says: it works without scripts."""
        taken = self.page.screenshot(full_page=True)
        return int.from_bytes(taken[16:20]) == self.page.viewport_size["width"]


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
    content, words = "\n".join(records(month)).encode(), window.words
    window.clicks += 1
    window.page.set_input_files(
        "input[type=file]", {"name": f"{month:%Y-%m}.csv", "mimeType": "text/csv", "buffer": content}
    )
    window.press(words("upload.do"))
    settle(window)
    window.press(words("delivery.bring"))
    settle(window)
    assert words("stage.brought") in window.text() or words.number(len(list(records(month))) - 1) in window.text()


def settle(window):
    """Until what runs in the background has run; the page asks again by itself."""
    window.page.wait_for_selector("meta[http-equiv=refresh]", state="detached", timeout=120_000)


def waits_until(window, text):
    """Reload a page until it says what a worker is about to have done."""
    for _ in range(200):
        if text in window.text():
            return
        window.page.wait_for_timeout(300)
        window.page.reload()
        window.look()
    raise AssertionError(f"{text!r} never stood on {window.page.url}: {window.text()}")


@contextmanager
def new_room(*, empty_folder=False):
    """A room that nobody has entered, served; and gone afterwards.

    :param empty_folder: whether it makes its database itself
    """
    folder = Path(tempfile.mkdtemp(prefix="comity-"))
    folder.chmod(0o711)
    if not empty_folder:
        copy_into(folder / "room")
    served = Served(folder / "room")
    try:
        served.until(200, seconds=300)
        yield served
    finally:
        served.process.terminate()
        served.process.wait(60)
        served.log.close()
        shutil.rmtree(folder, ignore_errors=True)


def set_up_link(room):
    for _ in range(600):
        link = re.search(r"http://\S+(/set-up/\S+)", room.said())
        if link:
            return link[1]
        time.sleep(0.1)
    raise AssertionError(room.said())


def begin(room, customer):
    """The customer's lead sets the room up, names both organisations, and begins the records."""
    words = customer.words
    customer.open("/sign-in/")
    customer.open(set_up_link(room))
    for label, value in (("set_up.email", "ana@acme.example"), ("set_up.name", "Ana"), ("set_up.password", PASSWORD)):
        customer.fill(words(label), value)
    customer.press(words("set_up.do"))
    assert words("first_run.organisations") in customer.text()
    customer.fill(words("begin.own"), CUSTOMER)
    customer.fill(words("begin.other"), PROVIDER)
    customer.press(words("begin.do"))
    customer.page.select_option("select[name=timezone]", "Europe/Madrid")
    customer.press(words("book.do"))
    waits_until(customer, words("upload.do"))


def join(customer, provider):
    """The customer's lead invites somebody of the provider, who comes."""
    customer.fill(customer.words("invite.email"), "ben@callco.example")
    customer.press(customer.words("first_run.invite", party=PROVIDER))
    invitation = re.search(r"/join/\S+/", customer.page.locator("#link-to-copy").input_value())
    provider.open(invitation[0])
    asked = provider.text()
    provider.fill(provider.words("join.name"), "Ben")
    provider.fill(provider.words("join.password"), PASSWORD)
    provider.press(provider.words("join.do"))
    return asked
