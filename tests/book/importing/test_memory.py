"""Ten million rows never need more than 2 GiB of memory, at any step: measured as the kernel counts it, per process."""

import os
import subprocess
import sys

import duckdb
import pytest

from tests.cast import write_book

ROWS = 10_000_000
MOST_MIB = 2048
_COMMAND = "import sys; sys.argv[0] = 'comity'; from comity.cli import main; main()"
_LOG = """
    SELECT 'c' || i AS "Call ID",
           strftime(TIMESTAMP '2025-01-01' + to_seconds(CAST(i * 3.1 AS BIGINT)), '%Y-%m-%d %X') AS "Start",
           (i * 7919) % 300 AS "Wait", CASE WHEN i % 10 < 9 THEN 'answered' ELSE 'lost' END AS "Outcome",
           'q' || CASE WHEN i % {every} = 0 THEN 0 ELSE i % 20 END AS "Queue", 'team' || (i % 50) AS "Team",
           'a' || (i % 100000) AS "Account"
    FROM range({rows}) t(i)
"""


def peak(*arguments: object) -> float:
    """The most memory in MiB that a command took."""
    process = subprocess.Popen([sys.executable, "-c", _COMMAND, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in {0, 1}  # some of the times do not exist in Madrid
    return used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


@pytest.mark.long
@pytest.mark.timeout(3500)
@pytest.mark.skipif(not hasattr(os, "wait4"), reason="the kernel does not tell")
def test_ten_million_rows_never_need_more_than_2_gib(tmp_path):
    book = write_book(tmp_path / "book")
    took = {}
    for name, every in (("first", 10**9), ("second", 7)):
        file = tmp_path / f"{name}.csv"
        with duckdb.connect() as con:
            con.execute(f"COPY ({_LOG.format(rows=ROWS, every=every)}) TO '{file}' (HEADER)")
        took[name] = peak("import", file, "--as", "call_log", "--into", book)
        file.unlink()
    took["check"] = peak("check", book)
    took["diff"] = peak("diff", book)
    took["forget"] = peak("forget", "a5", "--from", book)
    for file in book.rglob("*.parquet"):
        file.unlink()
    assert max(took.values()) < MOST_MIB, took
