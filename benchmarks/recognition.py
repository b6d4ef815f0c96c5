"""`python -m benchmarks.recognition`: telling the format of a CSV of 100 MB, beside hashing its bytes."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from comity.book.mappings.recognise import matching_mappings

FILE = Path(__file__).resolve().parents[1] / "bench-data" / "recognition.csv"
SIZE = 100 * 2**20
RUNS = 3
HEAD = "contact_id,opened_at,queue,channel,answered_at,outcome,handle_s,agent_id,team,reason\n"
ROW = "C-{0:08},2026-01-01T10:00:00Z,Care,voice,2026-01-01T10:00:09Z,answered,{1},A-{1},Team 4,tariff question\n"


def make() -> None:
    """Write the file once."""
    if FILE.exists():
        return
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("w", encoding="ascii") as out:
        out.write(HEAD)
        written, number = 0, 0
        while written < SIZE:
            written += out.write(ROW.format(number, number % 900))
            number += 1


def hashed() -> None:
    """The baseline: every byte read once, for its SHA-256."""
    with FILE.open("rb") as stream:
        hashlib.file_digest(stream, "sha256")


def recognised() -> None:
    """Ours: every known format tried."""
    assert matching_mappings(FILE)[0].mapping == "contacts"


def best(run: Callable[[], None]) -> float:
    """Processor seconds, the best of a few."""
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Measure both in turn, and print the ratio."""
    make()
    baseline, ours = best(hashed), best(recognised)
    print(f"recognition of {SIZE // 2**20} MiB of CSV: {ours:.2f} s, {ours / baseline:.1f} x the SHA-256 of its bytes")


if __name__ == "__main__":
    main()
