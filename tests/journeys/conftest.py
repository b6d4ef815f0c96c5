"""A whole room for the journeys, as `make demo` serves it, and a browser."""

import json
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

import pytest
from playwright.sync_api import sync_playwright

from tests.journeys.saml import Firm

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
    firm: object  # an organisation's own sign-in

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


PEOPLE = (  # of the organisation, as its own sign-in tells of them
    {"sub": "rosa", "email": "Rosa@helpline.example", "name": "Rosa Kern"},
    {"sub": "elsewhere", "email": "marta@demo.example", "name": "Not Marta"},
    {"sub": "unasked", "email": "unasked@helpline.example", "name": "Una Sked"},
)
SIGN_IN = """
[[organisation]]
id = "helpline"
name = "Helpline"
domains = ["helpline.example"]
only = true
server = "http://localhost:{openid}"
client_id = "comity"
secret = "of the tests"

[[organisation]]
id = "northwind"
name = "Northwind Energy"
domains = ["northwind.example"]
entity_id = "{entity}"
sso_url = "http://localhost:{saml}/sso"
certificate = "{certificate}"
"""


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
    firm = Firm()
    with openid() as port, firm.started():
        (data / "room").mkdir()
        said = SIGN_IN.format(openid=port, entity=firm.entity, saml=firm.port, certificate=firm.certificate)
        (data / "room" / "sign-in.toml").write_text(said)
        yield from _served(comity, data, firm)


@contextmanager
def openid():
    """An OpenID provider, in a process of its own: what it warns of is not ours."""
    port = free()
    claims = [json.dumps({"email_verified": True} | one) for one in PEOPLE]
    told = [part for one in claims for part in ("--user-claims", one)]
    command = [sys.executable, "-m", "oidc_provider_mock", "--host", "localhost", "--port", str(port), *told]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    answers(f"http://localhost:{port}/", process)
    yield port
    process.terminate()
    process.wait(10)


def free():
    """A port that nobody has."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answers(address, process):
    """Wait until there is an answer; whether there is."""
    for _ in range(600):
        if process.poll() is not None:
            return False
        try:
            urllib.request.urlopen(address)
        except OSError:
            time.sleep(0.2)
        else:
            return True
    return False


def _served(comity, data, firm):
    port = free()
    command = [comity, "serve", "--data", data / "room", "--demo", data / "book", "--port", str(port)]
    with (data / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    if not answers(f"{address}/sign-in/", process):
        pytest.fail((data / "log").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Served(address, data / "room", browser, firm)
        browser.close()
    process.terminate()
    process.wait(30)
    text = (data / "log").read_text()
    assert "Traceback" not in text, text
