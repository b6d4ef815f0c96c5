"""`python -m benchmarks.room`: the ten main pages of a full room at sixteen users, beside django-helpdesk and RT.

Everything is made once below `bench-data/` and used again. In one run, one after the other: the room,
django-helpdesk, Request Tracker; each on a PostgreSQL cluster of its own from the same binaries with default settings,
each served by two processes, each asked by the same process of sixteen people. Only ratios mean something.
"""

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import ACCEPTED, OK
from pathlib import Path
from typing import Any

from benchmarks import helpdesk, load, request_tracker, room_data
from benchmarks.load import Figures, free, running
from comity.web.server import Room, serve, unprivileged_account

FOLDER = Path(__file__).resolve().parents[1] / "bench-data"
USERS, WORKERS, GOAL_MS = 16, 2, 250
ROLES = ("lead", "executive", "analyst", "finance", "roster", "member", "executive", "auditor")
# Which of our pages stands beside which of theirs.
BESIDE = {"list": "matters", "item": "one matter", "dashboard": "today"}
WORKED_OUT = ("review", "review, earlier", "attribution", "records")
AUDITING = ("lead", "lead", "auditor", "auditor")


def ours(contacts: int, seconds: float) -> dict[str, Figures]:
    """Fill, count queries, serve, ask."""
    folder = FOLDER / "room"
    folder.mkdir(parents=True, exist_ok=True)
    with room_data.made(folder, contacts) as room:
        os.environ.update(room.environment())
        import django  # noqa: PLC0415 - its settings are read from the environment that was just made

        django.setup()
        from benchmarks import room_pages as pages  # noqa: PLC0415 - as above

        rows = room_data.rows(room)
        print(f"room: {room_data.RELATIONSHIPS} relationships, {room_data.PEOPLE:,} people, {rows:,} protected rows")
        every, auditing = (room_data.seats(room, USERS, roles) for roles in (ROLES, AUDITING))
        worked_out(pages, folder, every)
        port = free()
        with running([sys.executable, "-m", "benchmarks.room", "--serve", str(port)], port, {}) as server:
            assert room.cluster is not None
            return asked(pages, port, seconds, every, auditing, [server, room_data.database(room.cluster)])


def asked(  # noqa: PLR0913 - who asks whom, and for how long
    pages: Any,  # noqa: ANN401 - a module
    port: int,
    seconds: float,
    every: Sequence[room_data.Seat],
    auditing: Sequence[room_data.Seat],
    served: Sequence[int],
) -> dict[str, Figures]:
    """Each page by everybody who may see it, then all that everybody may see in turn."""
    found = {}
    heading("the room", "q small", "q large")
    for page in pages.PAGES:
        who = auditing if page == "log" else every
        users = [pages.user(seat, [page]) for seat in who]
        load.measured(port, users, 1, served)  # brings in what a process brings in at its first page
        found[page] = load.measured(port, users, seconds, served)
        show(page, found[page], *(pages.queries(page, who[at]) for at in (USERS // 2, 0)))
    users = [pages.user(seat, [page for page in pages.PAGES if page != "log"]) for seat in every]
    show("nine in turn", load.measured(port, users, 2 * seconds, served))
    slow = [page for page, one in found.items() if one.p99 >= GOAL_MS]
    print(f"p99 under {GOAL_MS} ms: {'all ten' if not slow else 'not ' + ', '.join(slow)}", flush=True)
    return found


def worked_out(pages: Any, folder: Path, seats: Sequence[room_data.Seat]) -> None:  # noqa: ANN401 - a module
    """Everything that is worked out once, once; and that a change makes anew what it touched and nothing else."""
    kept = folder / "results"
    _look(pages, seats)
    for group, at in (("large", 5), ("small", 13)):  # a member, who sees what both sides do
        shutil.rmtree(kept / seats[at].relationship / "joint", ignore_errors=True)
        took = {page: _took(pages, seats[at], page) for page in WORKED_OUT}
        print(f"first view, {group} book: " + ", ".join(f"{page} {one:.2f} s" for page, one in took.items()))
    again = _made(kept, pages, seats)
    shared, provider, customer = seats[8], seats[9], seats[10]
    os.utime(folder / "books" / shared.relationship / "surveys.parquet")
    one = _made(kept, pages, seats)
    for seat in (provider, customer):
        os.utime(folder / "books" / seat.relationship / "private" / "provider" / "costs.parquet")
    own = _made(kept, pages, seats)
    places = {file.relative_to(kept).parts[0] for file in one}, {file.relative_to(kept).parts[0] for file in own}
    assert not again, again
    assert places == ({shared.relationship}, {provider.relationship}), places
    print(
        f"made anew when everybody looks again: 0; after records came into one relationship: {len(one)}, all of it; "
        f"after a provider's own came into two: {len(own)}, for one's provider, and nothing for the other's customer",
        flush=True,
    )


def _look(pages: Any, seats: Sequence[room_data.Seat]) -> None:  # noqa: ANN401 - a module
    for page in WORKED_OUT:
        for seat in seats:
            _took(pages, seat, page)


def _took(pages: Any, seat: room_data.Seat, page: str) -> float:  # noqa: ANN401 - a module
    client, start = pages.entered(seat), time.perf_counter()
    while (status := client.get(pages.address(page, seat, "")).status_code) == ACCEPTED:
        _compute()
    assert status == OK, (page, seat)
    return time.perf_counter() - start


def _compute() -> None:
    """Compute what requests have asked for, as the worker of the queue does, in this process."""
    from django.core.management import call_command  # noqa: PLC0415 - needs the settings

    call_command("procrastinate", "worker", "--one-shot", "--queues", "reviews")


def _made(kept: Path, pages: Any, seats: Sequence[room_data.Seat]) -> set[Path]:  # noqa: ANN401 - a module
    """What is worked out when everybody looks again."""
    before = set(kept.rglob("*"))
    _look(pages, seats)
    _compute()
    _look(pages, seats)
    return {file for file in set(kept.rglob("*")) - before if file.is_file() and not file.suffix}


def heading(name: str, *more: str) -> None:
    """Of a table: milliseconds, the slowest hundredth in each group too, and views a second."""
    columns = ("median", "p99", "p99 large", "p99 small", "views/s", "cpu ms", *more)
    print(f"\n{name:24}" + "".join(f"{one:>11}" for one in columns))


def show(page: str, figures: Figures, *more: object) -> None:
    """A line of it."""
    groups = "".join(
        f"{figures.by_group[one]:>11.0f}" if one in figures.by_group else f"{'':11}" for one in ("large", "small")
    )
    rest = "".join(f"{one:>11}" for one in more)
    line = f"{page:24}{figures.median:>11.0f}{figures.p99:>11.0f}{groups}{figures.a_second:>11.1f}"
    print(f"{line}{figures.processor:>11.1f}{rest}", flush=True)


def beside(name: str, theirs: dict[str, Figures], found: dict[str, Figures]) -> None:
    """A peer's pages, and how many times ours they take."""
    heading(name, "x median", "x p99", "x cpu")
    for kind, figures in theirs.items():
        mine = found[BESIDE[kind]]
        ratios = (
            f"{figures.median / mine.median:.1f}",
            f"{figures.p99 / mine.p99:.1f}",
            f"{figures.processor / mine.processor:.1f}",
        )
        show(f"{kind} ({BESIDE[kind]})", figures, *ratios)


def main() -> None:
    """Fill what is not there, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=10_000_000)
    parser.add_argument("--seconds", type=float, default=10, help="how long each page is asked for")
    parser.add_argument("--serve", type=int, metavar="PORT")
    given = parser.parse_args()
    if given.serve:
        serve(Room(FOLDER / "room", unprivileged_account()), "127.0.0.1", given.serve, WORKERS, print)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers and databases stop with us
    machine = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before we begin"
    print(f"{USERS} users, {WORKERS} processes; {machine}; Python {platform.python_version()}")
    found = ours(given.contacts, given.seconds)
    for name, peer, folder in (
        ("django-helpdesk", helpdesk, FOLDER / "helpdesk"),
        ("Request Tracker", request_tracker, FOLDER / "request-tracker"),
    ):
        try:
            beside(name, peer.measure(folder, given.seconds, WORKERS), found)
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            print(f"\n{name}: not here: {error}")


if __name__ == "__main__":
    main()
