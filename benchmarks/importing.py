"""`python -m benchmarks.importing`: pages of a room at sixteen users, first alone and then while a file is imported.

The room is the demo's, served as `comity serve` does it. Sixteen people of both sides ask for its main pages one after
the other, from a process of its own, and look at each for `--pause` seconds on average; with 0 sixteen requests are
always under way, which is what hundreds of people ask. The baseline of each figure is the same room in the same run
with no import under way. The file has as many contacts as `--rows` says; while it is checked and imported, all that is
asked is measured, until both are done.
"""

import argparse
import http.cookiejar
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Sequence
from pathlib import Path

import psutil

from benchmarks.load import Figures, User, free, measured, running

PASSWORD = "comity-demo-2026"  # of everybody in the demo
PEOPLE = ("marta", "jonas")  # a lead of each side; each is signed in eight times
PAGES = ("", "review/", "matters/", "records/", "people/", "attribution/", "agreement/", "kpis/")
USERS, GOAL_MS = 16, 300


class Browser:
    """Somebody who is signed in, without a browser."""

    def __init__(self, port: int, name: str) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        page = self.get("/sign-in/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        data = {"login": f"{name}@demo.example", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
        with self.opener.open(self.base + "/sign-in/", urllib.parse.urlencode(data).encode()) as answer:
            found = re.search(r"/r/[0-9a-f-]{36}/", answer.url)
        assert found is not None, answer.url
        self.home = found[0]

    def get(self, path: str) -> str:
        with self.opener.open(self.base + path) as answer:
            return str(answer.read().decode())

    @property
    def cookie(self) -> str:
        return "; ".join(f"{one.name}={one.value}" for one in self.jar)

    def post(self, path: str, fields: dict[str, str], file: tuple[str, bytes] | None = None) -> str:
        """Send a form; return the address that it leads to."""
        page = self.get(f"{self.home}records/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token is not None
        mark, parts = uuid.uuid4().hex, []
        for name, value in {**fields, "csrfmiddlewaretoken": token[1]}.items():
            parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
        if file is not None:
            head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{file[0]}"\r\n\r\n'
            parts += [head.encode(), file[1], b"\r\n"]
        body = b"".join([*parts, f"--{mark}--\r\n".encode()])
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}", "Referer": self.base}
        with self.opener.open(urllib.request.Request(self.base + path, body, headers)) as answer:
            return str(answer.url)


def file_of(rows: int) -> bytes:
    """Contacts of a month, as a side brings them."""
    lines = ["contact_id,opened_at,queue,channel,answered_at,handle_s"]
    for number in range(rows):
        day, second = 1 + number % 28, number // 28 % 36_000
        moment = f"{9 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
        lines.append(f"bench-{number},2026-02-{day:02}T{moment}Z,billing,voice,2026-02-{day:02}T{moment}Z,200")
    return "\n".join(lines).encode()


def bring(browser: Browser, rows: int, done: threading.Event, told: list[str]) -> None:
    """Upload a file, and import it once it has been looked at."""
    try:
        address = browser.post(f"{browser.home}records/upload/", {}, ("bench.csv", file_of(rows)))
        path = urllib.parse.urlparse(address).path
        start, brought = time.monotonic(), False
        while time.monotonic() - start < 900:
            page = browser.get(path)
            if not brought and 'value="bring"' in page:
                browser.post(f"{path}move/", {"do": "bring"})
                told.append(f"checked after {time.monotonic() - start:.0f} s")
                brought = True
            elif brought and 'value="undo"' in page:
                told.append(f"imported after {time.monotonic() - start:.0f} s")
                return
            time.sleep(1)
        told.append("not imported in 15 minutes")
    finally:
        done.set()


def show(name: str, figures: Sequence[Figures]) -> Figures:
    """Print the worst piece of a measurement, with its slowest pages, and return it."""
    worst = max(figures, key=lambda one: one.p99)
    count = sum(one.count for one in figures)
    print(f"{name:28} median {worst.median:6.0f} ms   p99 {worst.p99:6.0f} ms   {count} views", flush=True)
    for page, slowest in sorted(worst.by_group.items(), key=lambda one: -one[1])[:3]:
        print(f"{'':28} slowest {slowest:6.0f} ms   {page.split('/', 3)[-1] or 'Today'}")
    return worst


def main() -> None:
    """Serve, ask, import, ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--pause", type=float, default=5)
    given = parser.parse_args()
    comity = Path(sys.executable).parent / "comity"
    with tempfile.TemporaryDirectory(prefix="comity-") as made:
        folder = Path(made)
        folder.chmod(0o711)
        subprocess.run([comity, "simulate", folder / "book"], check=True, capture_output=True)
        (folder / "room").mkdir()
        (folder / "room" / "sign-in.toml").write_text("organisation = []")
        port = free()
        command = [
            str(comity),
            "serve",
            "--data",
            str(folder / "room"),
            "--demo",
            str(folder / "book"),
            "--port",
            str(port),
        ]
        with running(command, port, dict(os.environ)) as server:
            serve_and_ask(port, server, given)


def serve_and_ask(port: int, server: int, given: argparse.Namespace) -> None:
    """Ask without and with an import under way."""
    rows, seconds = given.rows, given.seconds
    browsers = [Browser(port, PEOPLE[number % len(PEOPLE)]) for number in range(USERS)]
    for browser in browsers[:2]:  # what a page shows is computed once
        for page in PAGES:
            while "data-waiting" in browser.get(browser.home + page):
                time.sleep(1)
    time.sleep(5)
    users = [User(one.cookie, [[one.home + page] for page in PAGES], pause_s=given.pause) for one in browsers]
    served = [server, *(one.pid for one in psutil.process_iter(["name"]) if one.info["name"] == "postgres")][:2]
    measured(port, users, 3, served)
    alone = show("no import under way", [measured(port, users, seconds, served)])
    done, told = threading.Event(), list[str]()
    thread = threading.Thread(target=bring, args=(Browser(port, "jonas"), rows, done, told))
    thread.start()
    pieces = []
    while not done.is_set():
        pieces.append(measured(port, users, seconds, served))
    thread.join()
    beside = show(f"{rows:,} rows imported", pieces)
    print("; ".join(told))
    print(f"p99 x {beside.p99 / alone.p99:.2f}; under {GOAL_MS} ms: {'yes' if beside.p99 < GOAL_MS else 'no'}")


if __name__ == "__main__":
    main()
