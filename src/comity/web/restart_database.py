"""Restart the database of a room after it was killed: `python -m comity.web.restart_database DATA [USER]`.

A process of its own, because the server forks and must not hold a connection. It also runs the migrations, which puts
interrupted jobs back into their queue.
"""

import sys
from pathlib import Path

from comity.web.server import RESTARTED, CannotServeError, Room


def main(data: str, user: str | None = None) -> int:
    """Start the database and migrate; the last line printed is `RESTARTED` where that succeeded."""
    try:
        Room(Path(data), user).prepare_database()
    except CannotServeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{RESTARTED}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
