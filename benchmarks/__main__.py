"""`python -m benchmarks`: every figure in its own process, three times; the table gives the best and the ratios."""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import data

FOLDER = Path(__file__).resolve().parents[1] / "bench-data"
RUNS = 3
STATISTICS = ("service_level", "sla_attainment", "satisfaction", "revenue")
NOW = datetime(2026, 7, 2, tzinfo=UTC)


def raw(book: Path, name: str) -> None:
    """DuckDB reads just the needed columns, with one trivial aggregate."""
    import duckdb  # noqa: PLC0415 - each figure pays for its own imports outside the clock

    columns = {
        "service_level": ("contacts", ("queue", "opened_on", "opened_at", "answered_at", "abandoned_at")),
        "sla_attainment": ("contacts", ("queue", "due_on", "due_at", "resolved_at")),
        "satisfaction": ("surveys", ("respondent_id", "account_id", "response_id", "answered_on", "asked_on", "score")),
        "revenue": ("invoices", ("account_id", "service", "unit", "kind", "month", "quantity", "amount")),
        "levels": ("contacts", ("queue", "opened_on", "opened_slot", "opened_at", "answered_at")),
        "paid": ("contacts", ("account_id", "queue", "opened_at", "answered_at", "handle_s", "opened_on")),
    }
    con = duckdb.connect(config={"threads": 2})
    for one in columns if name == "review" else (name,):
        table, needed = columns[one]
        largest = ", ".join(f"max({column})" for column in needed)
        con.execute(f"SELECT {largest} FROM read_parquet('{book / table}.parquet')").fetchall()


def polars(book: Path, name: str) -> None:
    """Hand-written in Polars."""
    from benchmarks import in_polars  # noqa: PLC0415 - as above

    for one in in_polars.EVERY if name == "review" else (getattr(in_polars, name),):
        one(book)


def pandas(book: Path, name: str) -> None:
    """Hand-written in pandas."""
    from benchmarks import in_pandas  # noqa: PLC0415 - as above

    for one in in_pandas.EVERY if name == "review" else (getattr(in_pandas, name),):
        one(book)


def comity(book: Path, name: str) -> None:
    """Ours: gathered and read; the whole review composed."""
    from comity.book.reading.open import home_viewer, open_book  # noqa: PLC0415 - as above
    from comity.core.values import Comparison, Period  # noqa: PLC0415 - as above
    from comity.review.build import build_review  # noqa: PLC0415 - as above
    from comity.review.readings import reading_specs  # noqa: PLC0415 - as above

    with open_book(book, home_viewer(book, None)) as opened:
        if name == "review":
            build_review(opened, now=NOW)
            return
        spec = next(spec for spec in reading_specs() if spec.id == name)
        asked = Comparison(Period(data.P1, data.LAST), Period(data.FIRST, data.P1), data.LAST)
        for stats in spec.gather(opened, [asked])[asked]:
            spec.read(stats)


ENGINES: dict[str, Callable[[Path, str], None]] = {"raw": raw, "polars": polars, "pandas": pandas, "comity": comity}


def measured(engine: str, name: str, book: Path) -> tuple[float, float]:
    """Seconds (best of three, imports and first touch outside the clock) and peak MiB, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks", "--one", engine, name, str(book)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=FOLDER.parent)
    seconds, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak


def one(engine: str, name: str, book: Path) -> None:
    """What the process of its own runs."""
    small = FOLDER / "small"
    ENGINES[engine](small, name)  # brings everything in
    best = min(_timed(ENGINES[engine], book, name) for _ in range(RUNS))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    print(json.dumps([best, peak]))


def _timed(run: Callable[[Path, str], None], book: Path, name: str) -> float:
    start = time.perf_counter()
    run(book, name)
    return time.perf_counter() - start


LIBRARIES = "import duckdb, ibis, pandas, pyarrow.compute, pyarrow.parquet, scipy.special, typer.main; ibis.duckdb"


def cold(*arguments: str) -> float:
    """Seconds of a fresh interpreter with these arguments, the best of three."""
    command = [sys.executable, *arguments]
    found = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, cwd=FOLDER.parent)
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    """Make the books, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", nargs=3, metavar=("ENGINE", "NAME", "BOOK"))
    parser.add_argument("--contacts", type=int, default=10_000_000)
    asked = parser.parse_args()
    small = data.make(FOLDER / "small", 100_000, 10_000, 10_000)
    if asked.one:
        one(asked.one[0], asked.one[1], Path(asked.one[2]))
        return
    count = asked.contacts
    book = data.make(FOLDER / f"{count}", count, count // 10, count // 10)
    sizes = f"{count:,} contacts, {count // 10:,} answers, {count // 10:,} invoice lines"
    print(f"{sizes}; Python {platform.python_version()}")
    columns = ("raw s", "polars s", "pandas s", "comity s", "x raw", "x polars", "x pandas", "MiB")
    print(f"{'':16}" + "".join(f"{column:>10}" for column in columns))
    for name in (*STATISTICS, "review"):
        times = {engine: measured(engine, name, book) for engine in ENGINES}
        ours, peak = times["comity"]
        ratios = "".join(f"{ours / times[engine][0]:>10.2f}" for engine in ("raw", "polars", "pandas"))
        seconds = "".join(f"{times[engine][0]:>10.2f}" for engine in ENGINES)
        print(f"{name:16}{seconds}{ratios}{peak:>10.0f}", flush=True)
    floor = cold("-c", LIBRARIES)
    print(f"cold start of the libraries alone, nothing of ours: {floor:.2f} s", flush=True)
    for form in ("json", "terminal", "html"):
        took = cold("-m", "comity", "review", str(small), "--format", form)
        print(f"cold start, 100,000 contacts, {form}: {took:.2f} s, {took / floor:.2f} x the libraries", flush=True)


if __name__ == "__main__":
    main()
