"""Starts the database of a room again after it was killed: `python -m comity.web.restarting DATA [USER]`.

A process of its own, since the server forks and must not hold a connection. It also brings the tables up to date,
which puts jobs that were under way back into their queue.
"""

import sys
from pathlib import Path

from comity.web.serving import RESTARTED, CannotServeError, Room


def main(data: str, user: str | None = None) -> int:
    """Start it; the last line printed says whether it runs."""
    try:
        Room(Path(data), user).make()
    except CannotServeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{RESTARTED}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
