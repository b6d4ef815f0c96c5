"""A room as `make demo` serves it, in a process and a folder of its own, and a browser: for journeys and shots."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "comity-demo-2026"  # of everybody in the demo
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)


@dataclass
class Served:
    """A room that is open: its address, its folder, and how to get in."""

    address: str
    data: Path
    browser: object
    firm: object = None  # an organisation's own sign-in, where there is one

    def sign_in(self, name, **options):
        """A page on which one of the demo's people has given the password."""
        settings = {"java_script_enabled": False, "locale": "en-GB", "viewport": {"width": 1440, "height": 900}}
        page = self.browser.new_context(base_url=self.address, **(settings | options)).new_page()
        page.set_default_timeout(120_000)  # a busy machine is no failure
        page.goto("/sign-in/")
        page.fill("input[name=login]", f"{name}@demo.example")
        page.fill("input[name=password]", PASSWORD)
        page.click("main button")
        return page

    def enter(self, name, **options):
        """A page, signed in as one of the demo's people, at the only relationship."""
        page = self.sign_in(name, **options)
        page.wait_for_url("**/r/*/**")  # a key pressed before would be pressed on the page that goes
        page.goto(re.match(r"http://[^/]+/r/[^/]+/", page.url)[0])
        return page

    def mails(self):
        """What was sent, the newest last."""
        return [
            file.read_text() for file in sorted((self.data / "mails").glob("*"), key=lambda one: one.stat().st_mtime)
        ]

    def link(self):
        """The address in the last mail."""
        return re.findall(r"http://\S+", self.mails()[-1])[0]


# One question, since a page that asks for itself again may be another one by the next; the footer is read last.
_READY = "body:has(footer):not(:has(main[data-waiting])):not(:has([data-refreshing])):not(:has([data-pending]))"


def current(page):
    """Wait until the page shows what it is about as it is now; a worker may still be computing it."""
    for _ in range(1200):  # minutes, where many others use the machine too
        if page.locator(_READY).count():
            return
        page.wait_for_timeout(300)
        asks_itself = page.locator("main[data-waiting], [data-refreshing]").count()
        if page.locator("[data-pending]").count() and not asks_itself:
            page.reload()
    raise AssertionError(f"{page.url} is being computed for ever")


@contextmanager
def chromium():
    """A browser. One of a process: Playwright refuses a second one beside the first."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def opened(browser, *size, sign_in="", prepare=lambda _: None):
    """Simulated, loaded, served with its worker and its database; and gone afterwards.

    :param browser: what looks at it
    :param size: options of `comity simulate`
    :param sign_in: what `sign-in.toml` says
    :param prepare: what is done with the room's folder before it is served
    """

    comity = Path(sys.executable).parent / "comity"
    data = Path(tempfile.mkdtemp(prefix="comity-"))
    data.chmod(0o711)
    try:
        subprocess.run([comity, "simulate", data / "book", *size], check=True, capture_output=True)
        (data / "room").mkdir()
        prepare(data / "room")
        (data / "room" / "sign-in.toml").write_text(sign_in or "organisation = []")
        port = free()
        command = [comity, "serve", "--data", data / "room", "--demo", data / "book", "--port", str(port)]
        with (data / "log").open("w") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            if not answers(f"{address}/sign-in/", process):
                raise RuntimeError((data / "log").read_text())
            yield Served(address, data / "room", browser)
        finally:
            process.terminate()
            process.wait(30)
        text = (data / "log").read_text()
        assert "Traceback" not in text, text
    finally:
        shutil.rmtree(data, ignore_errors=True)


def free():
    """A port that nobody has."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answers(address, process):
    """Wait until there is an answer, on a busy machine for minutes; whether there is."""
    for _ in range(1500):
        if process.poll() is not None:
            return False
        try:
            urllib.request.urlopen(address)
        except OSError:
            time.sleep(0.2)
        else:
            return True
    return False
