"""The text of an agreement on a day: 300 changes of 40 clauses, against the same fold written without a rule.

The baseline applies the same edits in the order of the chain to plain dictionaries: no layers, no words, no places, no
defaults. What the rules cost is the ratio.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from comity.core.agreements.changes import AddClause, Change, Entry, SetField, Span, Word
from comity.core.agreements.kinds import Kind
from comity.core.agreements.text import stretches, text, unsettled_meetings

CLAUSES, CHANGES, ROUNDS = 40, 300, 20
FIRST = date(2024, 1, 1)
AT_MOST_S = 0.005  # a day


def agreed(rng: Random) -> list[Entry]:
    """A first text of 40 KPIs, then changes of three fields each, a third of them for a month."""
    added = tuple(
        AddClause(f"k{at}", Kind.KPI, {"measure": "service_level"}, f"k{at - 1}" if at else "") for at in range(CLAUSES)
    )
    entries = [Entry(1, Change(1, Span(FIRST), added))]
    for number in range(2, CHANGES + 1):
        first_day = FIRST + timedelta(days=rng.randrange(1000))
        end = first_day + timedelta(days=30) if rng.random() < 1 / 3 else None
        clauses = rng.sample(range(CLAUSES), 3)
        edits = tuple(SetField(f"k{at}", "target", f"0.{rng.randrange(1, 99)}") for at in clauses)
        made = Change(number, Span(first_day, end), edits)
        words = tuple(
            Word(met.other, met.clause, met.field, rng.random() < 0.5) for met in unsettled_meetings(made, entries)
        )
        entries.append(Entry(number, Change(number, made.span, edits, words)))
    return entries


def plain(entries: list[Entry], day: date) -> dict[str, dict[str, object]]:
    """The edits one after the other."""
    clauses: dict[str, dict[str, object]] = {}
    for entry in entries:
        if day in entry.change.span:
            for edit in entry.change.edits:
                if isinstance(edit, AddClause):
                    clauses[edit.clause] = dict(edit.fields)
                elif isinstance(edit, SetField):
                    clauses[edit.clause][edit.field] = edit.value
    return clauses


def best(run: Callable[[], object]) -> float:
    """Seconds, the best of several."""
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    """Measure and print."""
    entries, day = agreed(Random(1)), FIRST + timedelta(days=900)
    words = sum(len(entry.change.words) for entry in entries)
    ours, baseline = best(lambda: text(entries, day)), best(lambda: plain(entries, day))
    wordings = best(lambda: stretches(entries, "k7"))
    print(f"{CHANGES} changes, {CLAUSES} clauses, {words} words about meetings")
    print(f"text of a day: {ours * 1000:.2f} ms, {ours / baseline:.1f} x the edits alone ({baseline * 1000:.2f} ms)")
    print(f"all wordings of one clause: {wordings * 1000:.2f} ms")
    if ours > AT_MOST_S:
        raise SystemExit(f"the text of a day took more than {AT_MOST_S * 1000:.0f} ms")


if __name__ == "__main__":
    main()
