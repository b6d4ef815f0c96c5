"""Makes the load: sixteen people who ask for one page after the other, each over a connection that stays open.

`python -m benchmarks.load` in a process of its own, told on its standard input what to ask, so that what it costs the
asking side is not in the served side's interpreter. Nobody thinks between pages: sixteen requests are always under way,
which is many more than sixteen people at work. With `pause_s` they look at each page for a while, as people do.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any

import psutil

HERE = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who is signed in, and what they ask for in turn; a view may take more than one request.

    :ivar group: under which their times are told; empty: under the address of each view
    :ivar pause_s: how long they look at a page, on average; each pause is drawn from an exponential distribution
    """

    cookie: str
    views: Sequence[Sequence[str]]
    group: str = ""
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one page: milliseconds, and views a second; `by_group` the slowest hundredth of each group.

    `processor` is what a view takes of the server and its database together, in milliseconds of a core: the one figure
    that says the same whatever else the machine is doing.
    """

    median: float
    p99: float
    a_second: float
    count: int
    by_group: dict[str, float]
    processor: float


@contextmanager
def running(command: Sequence[str], port: int, environment: Mapping[str, str]) -> Iterator[int]:
    """A server in a process of its own, from when it listens until the end; its number."""
    (HERE / "bench-data").mkdir(exist_ok=True)
    with (HERE / "bench-data" / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | environment, cwd=HERE)
        try:
            end = time.monotonic() + 180
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{command[0]} does not serve; {log.name} says why")
                time.sleep(0.2)
            yield process.pid
        finally:
            process.terminate()
            process.wait(60)


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def free() -> int:
    """A port that nobody uses."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        return int(tried.getsockname()[1])


def get(port: int, path: str, cookie: str) -> str:
    """One page."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request("GET", path, headers={"Cookie": cookie})
    return connection.getresponse().read().decode()


def used(served: Sequence[int]) -> float:
    """Seconds of a core that these processes and all below them have used."""
    total = 0.0
    for number in served:
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in (psutil.Process(number), *psutil.Process(number).children(recursive=True)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    total += sum(one.cpu_times()[:2])
    return total


def measured(port: int, users: Sequence[User], seconds: float, served: Sequence[int]) -> Figures:
    """All users at once, for a time.

    :param served: the processes of the server and of its database, each with all below it
    """
    before = used(served)
    told = json.dumps({"port": port, "seconds": seconds, "users": [asdict(user) for user in users]})
    command = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(command, check=False, input=told, capture_output=True, text=True, cwd=HERE)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    spent, found = used(served) - before, json.loads(done.stdout)
    every = sorted(one for times in found["times"].values() for one in times)
    groups = {group: percentile(sorted(times), 0.99) for group, times in found["times"].items()}
    median, p99 = (percentile(every, share) for share in (0.5, 0.99))
    return Figures(median, p99, len(every) / found["took"], len(every), groups, 1000 * spent / len(every))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest that was really seen."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _use(port: int, user: dict[str, Any], seed: int, end: float, times: dict[str, list[float]]) -> str:
    """Ask until the end; what went wrong, or nothing."""
    connection, views, number = HTTPConnection("127.0.0.1", port, timeout=600), user["views"], seed
    headers, pauses = {"Cookie": user["cookie"], "Accept-Language": "en"}, Random(seed)
    try:
        while True:
            if user["pause_s"]:
                connection.close()  # as the server would meanwhile
                time.sleep(pauses.expovariate(1 / user["pause_s"]))
            start = time.perf_counter()
            if start >= end:
                return ""
            for path in views[number % len(views)]:
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200:
                    return f"{path}: {answer.status} {answer.headers.get('Location', body[:200])!r}"
            group = user["group"] or views[number % len(views)][0]
            times.setdefault(group, []).append(1000 * (time.perf_counter() - start))
            number += 1
    except OSError as error:
        return f"{views[number % len(views)]}: {error!r}"


def main() -> None:
    """Ask, and print what it took."""
    told = json.load(sys.stdin)
    times: dict[str, list[float]] = {}
    start = time.perf_counter()
    with ThreadPoolExecutor(len(told["users"])) as pool:
        asked = [
            pool.submit(_use, told["port"], user, number, start + told["seconds"], times)
            for number, user in enumerate(told["users"])
        ]
    wrong = [one.result() for one in asked if one.result()]
    if wrong:
        sys.exit(wrong[0])
    print(json.dumps({"times": times, "took": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
