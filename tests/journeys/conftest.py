"""A whole room for the journeys, as `make demo` serves it, and a browser."""

import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
PASSWORD = "comity-demo-2026"


@dataclass
class Served:
    """A room that is open: its address, its folder, and how to get in."""

    address: str
    data: Path
    browser: object

    def enter(self, name, **options):
        """A page, signed in as one of the demo's people, at the only relationship."""
        settings = {"java_script_enabled": False, "locale": "en-GB", "viewport": {"width": 1440, "height": 900}}
        context = self.browser.new_context(base_url=self.address, **(settings | options))
        page = context.new_page()
        page.goto("/sign-in/")
        page.fill("input[name=login]", f"{name}@demo.example")
        page.fill("input[name=password]", PASSWORD)
        page.click("main button")
        page.locator("table.tb tbody a").first.click()
        return page

    def mails(self):
        """What was sent, the newest last."""
        return [
            file.read_text() for file in sorted((self.data / "mails").glob("*"), key=lambda one: one.stat().st_mtime)
        ]

    def link(self):
        """The address in the last mail."""
        return re.findall(r"http://\S+", self.mails()[-1])[0]


@pytest.fixture(scope="session")
def served():
    """Served in a process of its own, with its worker and its database."""
    if CHROMIUM is None:
        pytest.skip("no Chromium is here")
    comity = Path(sys.executable).parent / "comity"
    data = Path(tempfile.mkdtemp(prefix="comity-"))
    data.chmod(0o711)
    subprocess.run(
        [comity, "simulate", data / "book", "--months", "12", "--contacts-per-day", "400"],
        check=True,
        capture_output=True,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [comity, "serve", "--data", data / "room", "--demo", data / "book", "--port", str(port)]
    with (data / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        if process.poll() is not None:
            pytest.fail((data / "log").read_text())
        try:
            urllib.request.urlopen(f"{address}/sign-in/")
            break
        except OSError:
            time.sleep(0.2)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Served(address, data / "room", browser)
        browser.close()
    process.terminate()
    process.wait(30)
    text = (data / "log").read_text()
    assert "Traceback" not in text, text
