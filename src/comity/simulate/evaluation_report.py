"""Report of an evaluation as text, Markdown or JSON: totals, confusion tables, and one row a story."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comity.core.readings.verdict import Verdict
from comity.simulate.evaluate import Outcome

SCHEMA = "comity.evaluation/1"
FORMATS = ("text", "markdown", "json")
VERDICTS = (*(str(word) for word in Verdict), "missing")
Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Tally:
    """A count of a total."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """The share; None where the total is 0."""
        return self.count / self.of if self.of else None

    def __str__(self) -> str:
        """Format as a cell of a table."""
        return f"{self.count / self.of:.0%} of {self.of}" if self.of else "-"


def tally(outcomes: Sequence[Outcome], holds: Callable[[Outcome], bool]) -> Tally:
    """Count the outcomes of which a predicate holds."""
    return Tally(sum(map(holds, outcomes)), len(outcomes))


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Return the report as JSON, one object an outcome."""
    readings = [
        {
            "story": outcome.story,
            "size": outcome.size,
            "seed": outcome.seed,
            "reading": outcome.reading,
            "truth": list(outcome.truth.verdicts),
            "true": {"headline": outcome.truth.headline, "like_for_like": outcome.truth.like_for_like},
            "material": outcome.truth.material,
            "verdict": outcome.verdict,
            "cause": outcome.cause,
            "would_be": outcome.would_be,
            "headline": outcome.headline,
            "like_for_like": outcome.like_for_like,
            "right": outcome.right,
            "enough": outcome.enough,
            "covered": outcome.covered,
            "headline_right": outcome.headline_right,
        }
        for outcome in outcomes
    ]
    summary = {name: {"count": total.count, "of": total.of, "share": total.share} for name, total in totals(outcomes)}
    return json.dumps({"schema": SCHEMA, "summary": summary, "readings": readings}, indent=1) + "\n"


def totals(outcomes: Sequence[Outcome]) -> list[tuple[str, Tally]]:
    """Return the summary figures by their label."""
    enough = [outcome for outcome in outcomes if outcome.enough]
    little = [outcome for outcome in outcomes if not outcome.enough]
    return [
        ("right where the data suffice", tally(enough, lambda outcome: outcome.right)),
        ("right where they do not", tally(little, lambda outcome: outcome.right)),
        (
            "unclear where they do not",
            tally(little, lambda outcome: not outcome.right and outcome.verdict == Verdict.UNCLEAR),
        ),
        (
            "wrong where they do not",
            tally(little, lambda outcome: not outcome.right and outcome.verdict != Verdict.UNCLEAR),
        ),
        ("right by the headline alone", tally(outcomes, lambda outcome: outcome.headline_right)),
        (
            "true change within the 95 % interval",
            tally([outcome for outcome in outcomes if outcome.covered is not None], _covered),
        ),
    ]


def as_text(outcomes: Sequence[Outcome], *, markdown: bool) -> str:
    """Return the totals, the confusion tables, and one row a story, reading and size."""
    lay = _markdown if markdown else _columns
    parts = [lay([["", "share"], *([name, str(total)] for name, total in totals(outcomes))])]
    for title, selected in (
        ("Verdicts against truth, where the data suffice", [outcome for outcome in outcomes if outcome.enough]),
        ("Verdicts against truth, where they do not", [outcome for outcome in outcomes if not outcome.enough]),
    ):
        if selected:
            parts.append(f"{'### ' if markdown else ''}{title}\n\n{lay(confusion(selected))}")
    parts.append(f"{'### ' if markdown else ''}Story by story\n\n{lay(by_story(outcomes))}")
    return "\n\n".join(parts) + "\n"


def confusion(outcomes: Sequence[Outcome]) -> Rows:
    """Return the confusion table: true verdicts in rows, verdicts of the readings in columns."""
    verdicts = [word for word in VERDICTS if any(outcome.verdict == word for outcome in outcomes)]
    rows = [["true \\ said", *verdicts]]
    for word in VERDICTS:
        selected = [outcome for outcome in outcomes if outcome.truth.verdicts[0] == word]
        if selected:
            rows.append([word, *(str(sum(outcome.verdict == each for outcome in selected) or "") for each in verdicts)])
    return rows


def by_story(outcomes: Sequence[Outcome]) -> Rows:
    """Return one row a story, reading and size: true verdicts, verdicts of the readings, how often these were right."""
    rows = [["story", "reading", "size", "true", "said", "right", "enough data", "of those right", "headline alone"]]
    for key in dict.fromkeys((outcome.story, outcome.reading, outcome.size) for outcome in outcomes):
        selected = [outcome for outcome in outcomes if (outcome.story, outcome.reading, outcome.size) == key]
        enough = [outcome for outcome in selected if outcome.enough]
        counts = {word: sum(outcome.verdict == word for outcome in selected) for word in VERDICTS}
        rows.append(
            [
                *key,
                " or ".join(selected[0].truth.verdicts),
                ", ".join(f"{word} {count}" for word, count in counts.items() if count),
                str(tally(selected, lambda outcome: outcome.right)),
                str(len(enough)),
                str(tally(enough, lambda outcome: outcome.right)),
                str(tally(selected, lambda outcome: outcome.headline_right)),
            ]
        )
    return rows


def _covered(outcome: Outcome) -> bool:
    return bool(outcome.covered)


def _columns(rows: Rows) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _markdown(rows: Rows) -> str:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, f"|{'---|' * len(rows[0])}", *body])
