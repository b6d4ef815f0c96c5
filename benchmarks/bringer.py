"""`python -m benchmarks.bringer`: what it costs that each row says which side brought it.

The same book twice: as it is, and with the column taken out of every file, as books were before there was one.
Each reading is made from both in turn, in one process, and the best of each is compared; the files are weighed.
The second part imports the same rows twice: as a side of a room, whose rows and whose others are told apart, and at
home.
"""

import argparse
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from benchmarks import data
from benchmarks.__main__ import FOLDER, STATISTICS, comity
from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.model import identity_mapping
from comity.core.values import Side

RUNS = 7
MOST = 1.05  # the goal: no reading slower by more than 5 %


def without(book: Path) -> Path:
    """The same book, its rows silent about who brought them."""
    bare = book.with_name(f"{book.name}-bare")
    if (bare / "book.toml").is_file():
        return bare
    bare.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    for file in book.glob("*.parquet"):
        pairs = con.execute(f"SELECT decode(key), decode(value) FROM parquet_kv_metadata('{file}')").fetchall()
        told = ", ".join(f"'{key}': '{value}'" for key, value in pairs if key.startswith("comity."))
        con.execute(
            f"COPY (SELECT * EXCLUDE (brought_by) FROM '{file}') TO '{bare / file.name}' "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {data.ROWS}, KV_METADATA {{{told}}})"
        )
        # Written once more by the same writer, so that the two differ in the column alone.
        again = book / f"{file.name}.new"
        con.execute(
            f"COPY (SELECT * FROM '{file}') TO '{again}' "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {data.ROWS}, KV_METADATA {{{told}}})"
        )
        again.replace(file)
    shutil.copy(book / "book.toml", bare / "book.toml")
    return bare


def timed(book: Path, name: str) -> float:
    """Seconds of one reading, or of the whole review."""
    start = time.perf_counter()
    comity(book, name)
    return time.perf_counter() - start


def imported(rows: int) -> dict[str, float]:
    """Seconds of a second delivery of which a tenth is new and a tenth has changed: at home, and by a side."""
    found = {}
    for how, side in (("at home", None), ("by a side", Side.PROVIDER)):
        folder = FOLDER / "bringer"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "book.toml").write_text(data.TOML, encoding="utf-8")
        for number, first in enumerate((0, rows // 10)):
            file = FOLDER / f"bringer-{number}.csv"
            with file.open("w", encoding="utf-8") as out:
                out.write("contact_id,opened_at,queue,handle_s\n")
                for at in range(first, first + rows):
                    changed = number and at % 10 == 0
                    day, second = 1 + at % 28, at % 60
                    out.write(f"c{at},2026-04-{day:02}T10:00:{second:02}Z,q{at % 7},{at % 500 + bool(changed)}\n")
            start = time.perf_counter()
            now = datetime(2026, 7, 2, tzinfo=UTC)
            import_source(folder, file, identity_mapping("contacts"), ImportRequest("bench", now, side=side))
            found[how] = time.perf_counter() - start
            file.unlink()
        shutil.rmtree(folder)
    return found


def main() -> None:
    """Make the books, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=10_000_000)
    count = parser.parse_args().contacts
    book = data.make(FOLDER / f"{count}", count, count // 10, count // 10)
    bare = without(book)
    weights = [sum(file.stat().st_size for file in folder.glob("*.parquet")) for folder in (book, bare)]
    print(f"{count:,} contacts: {weights[0] / 1e6:,.1f} MB, {weights[1] / 1e6:,.1f} MB without who brought each row, "
          f"{weights[0] / weights[1] - 1:+.2%}")  # fmt: skip
    print(f"{'':16}{'with s':>10}{'without s':>12}{'ratio':>8}")
    for name in (*STATISTICS, "review"):
        comity(bare, name)  # brings everything in
        times: dict[Path, list[float]] = {book: [], bare: []}
        for number in range(RUNS):
            for folder in (book, bare) if number % 2 else (bare, book):  # whichever goes first has the colder machine
                times[folder].append(timed(folder, name))
        told, silent = min(times[book]), min(times[bare])
        verdict = "" if told / silent <= MOST else "   more than 5 % slower"
        print(f"{name:16}{told:>10.2f}{silent:>12.2f}{told / silent:>8.3f}{verdict}", flush=True)
    rows = min(1_000_000, count)
    took = imported(rows)
    print(f"a second delivery of {rows:,} rows, at home {took['at home']:.1f} s, by a side {took['by a side']:.1f} s, "
          f"{took['by a side'] / took['at home']:.2f} x")  # fmt: skip


if __name__ == "__main__":
    main()
