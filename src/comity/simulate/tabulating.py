"""What an evaluation came to: the confusion table of verdicts against truth, and one row a story."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comity.core.readings.verdict import Verdict
from comity.simulate.evaluating import Outcome

SCHEMA = "comity.evaluation/1"
FORMATS = ("text", "markdown", "json")
SAID = (*(str(word) for word in Verdict), "missing")
Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Tally:
    """How often, of how many."""

    count: int
    of: int

    @property
    def share(self) -> float | None:
        """The share; None of nothing."""
        return self.count / self.of if self.of else None

    def __str__(self) -> str:
        """As in a table."""
        return f"{self.count / self.of:.0%} of {self.of}" if self.of else "-"


def tally(outcomes: Sequence[Outcome], holds: Callable[[Outcome], bool]) -> Tally:
    """How many of the outcomes it holds of."""
    return Tally(sum(map(holds, outcomes)), len(outcomes))


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Everything, one object an outcome."""
    readings = [
        {
            "story": one.story,
            "size": one.size,
            "seed": one.seed,
            "reading": one.reading,
            "truth": list(one.truth.words),
            "true": {"headline": one.truth.headline, "like_for_like": one.truth.like_for_like},
            "material": one.truth.material,
            "verdict": one.said,
            "cause": one.cause,
            "would_be": one.would_be,
            "headline": one.headline,
            "like_for_like": one.like_for_like,
            "right": one.right,
            "enough": one.enough,
            "covered": one.covered,
            "headline_right": one.headline_right,
        }
        for one in outcomes
    ]
    summary = {name: {"count": found.count, "of": found.of, "share": found.share} for name, found in totals(outcomes)}
    return json.dumps({"schema": SCHEMA, "summary": summary, "readings": readings}, indent=1) + "\n"


def totals(outcomes: Sequence[Outcome]) -> list[tuple[str, Tally]]:
    """The figures that the evaluation is made for."""
    enough = [one for one in outcomes if one.enough]
    little = [one for one in outcomes if not one.enough]
    return [
        ("right where the data suffice", tally(enough, lambda one: one.right)),
        ("right where they do not", tally(little, lambda one: one.right)),
        ("unclear where they do not", tally(little, lambda one: not one.right and one.said == Verdict.UNCLEAR)),
        ("wrong where they do not", tally(little, lambda one: not one.right and one.said != Verdict.UNCLEAR)),
        ("right by the headline alone", tally(outcomes, lambda one: one.headline_right)),
        ("true change within the 95 % interval", tally([one for one in outcomes if one.covered is not None], _covered)),
    ]


def as_text(outcomes: Sequence[Outcome], *, markdown: bool) -> str:
    """The totals, the confusion tables, and one row a story, reading and size."""
    lay = _markdown if markdown else _columns
    parts = [lay([["", "share"], *([name, str(found)] for name, found in totals(outcomes))])]
    for title, some in (
        ("Verdicts against truth, where the data suffice", [one for one in outcomes if one.enough]),
        ("Verdicts against truth, where they do not", [one for one in outcomes if not one.enough]),
    ):
        if some:
            parts.append(f"{'### ' if markdown else ''}{title}\n\n{lay(confusion(some))}")
    parts.append(f"{'### ' if markdown else ''}Story by story\n\n{lay(by_story(outcomes))}")
    return "\n\n".join(parts) + "\n"


def confusion(outcomes: Sequence[Outcome]) -> Rows:
    """Rows: what was true; columns: what was said."""
    said = [word for word in SAID if any(one.said == word for one in outcomes)]
    rows = [["true \\ said", *said]]
    for word in SAID:
        some = [one for one in outcomes if one.truth.words[0] == word]
        if some:
            rows.append([word, *(str(sum(one.said == each for one in some) or "") for each in said)])
    return rows


def by_story(outcomes: Sequence[Outcome]) -> Rows:
    """One row a story, reading and size: what was true, what was said, how often that was right."""
    rows = [["story", "reading", "size", "true", "said", "right", "enough data", "of those right", "headline alone"]]
    for key in dict.fromkeys((one.story, one.reading, one.size) for one in outcomes):
        some = [one for one in outcomes if (one.story, one.reading, one.size) == key]
        enough = [one for one in some if one.enough]
        counts = {word: sum(one.said == word for one in some) for word in SAID}
        rows.append(
            [
                *key,
                " or ".join(some[0].truth.words),
                ", ".join(f"{word} {count}" for word, count in counts.items() if count),
                str(tally(some, lambda one: one.right)),
                str(len(enough)),
                str(tally(enough, lambda one: one.right)),
                str(tally(some, lambda one: one.headline_right)),
            ]
        )
    return rows


def _covered(one: Outcome) -> bool:
    return bool(one.covered)


def _columns(rows: Rows) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def _markdown(rows: Rows) -> str:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([head, f"|{'---|' * len(rows[0])}", *body])
