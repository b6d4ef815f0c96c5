"""`python -m benchmarks.before CHECKOUT`: each reading beside the same in another checkout of the project.

Every figure in a process of its own, the two checkouts in turns, on the one book of `benchmarks/data.py`; processor
seconds, the best of each, so that other work on the machine weighs little. What either brings in, and what is done
once, is outside the clock.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks import data
from benchmarks.__main__ import FOLDER, STATISTICS

RUNS = 6
MOST = 1.10  # the goal: no reading slower by more than 10 %
ONE = """
import json, sys, time
from pathlib import Path
from benchmarks.__main__ import comity
name, small, book = sys.argv[1], *map(Path, sys.argv[2:])
comity(small, name)
start = time.process_time()
comity(book, name)
print(json.dumps([sys.modules["comity"].__file__, time.process_time() - start]))
"""


def measured(checkout: Path, name: str, small: Path, book: Path) -> float:
    """Processor seconds of one figure as a checkout makes it."""
    paths = os.pathsep.join(str(checkout / folder) for folder in ("", "src"))
    command = [sys.executable, "-c", ONE, name, str(small), str(book)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=checkout, env={**os.environ, "PYTHONPATH": paths}
    )
    file, seconds = json.loads(done.stdout.splitlines()[-1])
    if not Path(file).is_relative_to(checkout):
        raise SystemExit(f"{file} is not of {checkout}")
    return float(seconds)


def main() -> None:
    """Measure both in turns, print the table; fail where a figure is slower by more than the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkout", type=Path, help="another checkout, as `git worktree add` makes one")
    parser.add_argument("names", nargs="*", help="the figures; all readings and the review without any")
    parser.add_argument("--contacts", type=int, default=10_000_000)
    asked = parser.parse_args()
    count = asked.contacts
    small = data.make(FOLDER / "small", 100_000, 10_000, 10_000)
    book = data.make(FOLDER / f"{count}", count, count // 10, count // 10)
    here, there = FOLDER.parent, asked.checkout.resolve()
    slow = []
    print(f"{'':16}{'there s':>10}{'here s':>10}{'x there':>10}")
    for name in asked.names or (*STATISTICS, "review"):
        times: dict[Path, list[float]] = {here: [], there: []}
        for run in range(RUNS):
            for checkout in (here, there) if run % 2 else (there, here):
                times[checkout].append(measured(checkout, name, small, book))
        best = {checkout: min(seconds) for checkout, seconds in times.items()}
        ratio = best[here] / best[there]
        print(f"{name:16}{best[there]:>10.2f}{best[here]:>10.2f}{ratio:>10.2f}", flush=True)
        if ratio > MOST:
            slow.append(name)
    if slow:
        raise SystemExit(f"slower by more than {MOST - 1:.0%}: {', '.join(slow)}")


if __name__ == "__main__":
    main()
