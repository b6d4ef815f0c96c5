"""The engine behind every book: bounded memory, spilling to a folder of its own, never reaching for the network."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

MEMORY = "1200MB"  # with Python and Arrow beside it, below 2 GiB
THREADS = 2


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory engine that spills into this folder when a step outgrows its memory."""
    return duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "threads": THREADS,
            "temp_directory": str(spill),
            "preserve_insertion_order": False,  # order is asked for where it matters; keeping it costs memory
            "autoinstall_known_extensions": False,
        },
    )


def scratch() -> Path:
    """A folder that only this user can look into, for what is spilled and what is staged."""
    return Path(tempfile.mkdtemp(prefix="comity-"))


@contextmanager
def working(place: Path | None = None) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """An engine and a folder to work in, gone at the end whatever happens.

    :param place: an existing folder within which the work folder is made, so that results can be moved by one rename
    """
    folder = scratch() if place is None else Path(tempfile.mkdtemp(prefix="work-", dir=place))
    con = connect(folder / "spill")
    try:
        yield con, folder
    finally:
        con.close()
        shutil.rmtree(folder, ignore_errors=True)
