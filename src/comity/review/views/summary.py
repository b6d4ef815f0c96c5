"""What a sponsor reads first: how many targets were missed, where it stands, what blocks it, what to decide."""

from collections.abc import Sequence
from dataclasses import dataclass

from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Verdict
from comity.core.values import Side
from comity.review.i18n.words import Words
from comity.review.model import Level, Review
from comity.review.proceedings import AskedMatter, Proceedings
from comity.review.views.attribution import lead_sentence
from comity.review.views.rounding import MARKED
from comity.review.views.sections import missing_rows
from comity.review.views.sentences import level_title, reading_sentence, title

_MOST = 3  # lines of a box


@dataclass(frozen=True, slots=True)
class LevelCounts:
    """How many levels missed their target, met it, and have none."""

    missed: int
    met: int
    untargeted: int

    @property
    def targets(self) -> int:
        """How many have a target."""
        return self.missed + self.met


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a box: a name in bold, a text, and where more is; `side` has the move.

    `flag` is the verdict of a figure that differs from what it seems.
    """

    text: str
    name: str = ""
    url: str = ""
    side: Side | None = None
    flag: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """One of the boxes under the headline."""

    title: str
    lines: tuple[Line, ...]


def count_levels(review: Review) -> LevelCounts:
    """Count the levels of a review by whether they met their target."""
    met = [level.met for level in review.levels]
    return LevelCounts(met.count(False), met.count(True), met.count(None))


def missed_first(levels: Sequence[Level]) -> list[Level]:
    """The levels that missed their target, then those that met it, then those without one; else as they are."""
    return sorted(levels, key=lambda level: (level.met is not False, level.met is None))


def largest_cause(review: Review, proceedings: Proceedings | None) -> str | None:
    """The KPI whose miss is explained first: of those with an attribution the one that missed by most."""
    if proceedings is None:
        return None
    explained = {
        kpi: made.shared.observed - made.shared.target
        for kpi, made in proceedings.causes.items()
        if made.shared is not None and made.shared.fit and made.shared.observed < made.shared.target
    }
    missed = [level.kpi for level in review.levels if level.met is False and level.kpi in explained]
    return min(missed, key=lambda kpi: explained[kpi], default=None)


def boxes(review: Review, proceedings: Proceedings | None, words: Words) -> list[Box]:
    """Where it stands, what blocks it and, where a room knows, what to decide."""
    found = [
        Box(words("summary.stands"), tuple(_stands(review, proceedings, words))),
        Box(words("summary.blocks"), tuple(_blocks(review, proceedings, words))),
    ]
    if proceedings is not None:
        found.append(Box(words("summary.decide"), tuple(_decide(proceedings, words))))
    return found


def _stands(review: Review, proceedings: Proceedings | None, words: Words) -> list[Line]:
    lines = []
    if proceedings is not None:
        lines.append(Line(state_text(proceedings, review, words)))
    firm = [one for one in review.readings if one.firm and one.verdict not in {Verdict.UNCLEAR, Verdict.STEADY}]
    firm.sort(key=lambda one: one.verdict not in MARKED)
    if firm and proceedings is not None and proceedings.final_on is not None:
        lines.append(Line(words("readings.now")))
    lines += [_reading_line(one, words) for one in firm[:_MOST]]
    if not firm:
        lines.append(Line(words("headline.nothing" if review.readings else "headline.no_readings")))
    return lines


def _reading_line(reading: Reading, words: Words) -> Line:
    flag = words(f"verdict.{reading.verdict.value}") if reading.verdict in MARKED else ""
    return Line(reading_sentence(reading, words), title(reading, words), flag=flag)


def state_text(proceedings: Proceedings, review: Review, words: Words) -> str:
    """Whether the figures are final, or who has confirmed them."""
    if proceedings.final_on is not None:
        return words("summary.final", day=words.day(proceedings.final_on))
    if proceedings.confirmations:
        names = words.listed([words.side(one.side, review.parties) for one in proceedings.confirmations])
        return words("summary.confirmed_by", party=names)
    return words("summary.unconfirmed")


def _blocks(review: Review, proceedings: Proceedings | None, words: Words) -> list[Line]:
    """Each missed target with its causes where they are known; then what lacks."""
    lines = []
    causes = {} if proceedings is None else proceedings.causes
    for level in (one for one in review.levels if one.met is False):
        text = words(
            "summary.against",
            value=words.figure(level.value, level.unit, review.currency),
            target=words.figure(level.target, level.unit, review.currency),
        )
        lead = lead_sentence(causes[level.kpi], words) if level.kpi in causes else ""
        if proceedings is not None and level.kpi in proceedings.other_causes:
            lead = words("summary.other_causes")
        url = proceedings.causes_url.replace("{kpi}", level.kpi) if proceedings is not None and lead else ""
        lines.append(Line(f"{text} {lead}".strip(), level_title(level, words), url))
    lines = _cut(lines, words)
    lacking = missing_rows(review, words)
    if lacking:
        lines.append(Line(words("summary.missing", count=len(lacking)), url="#missing"))
    return lines or [Line(words("summary.no_block"))]


def _decide(proceedings: Proceedings, words: Words) -> list[Line]:
    """Matters that wait for an answer, then the period that waits to be confirmed."""
    waiting = [one for one in proceedings.matters if one.is_open and one.to_move is not None]
    lines = _cut([_matter_line(one, words) for one in waiting], words)
    lines += [Line(words("summary.to_confirm"), side=side) for side in proceedings.to_confirm]
    return lines or [Line(words("summary.no_decision"))]


def _matter_line(matter: AskedMatter, words: Words) -> Line:
    due = "" if matter.by is None else words("summary.by", day=words.day(matter.by, year=False))
    return Line(due, matter.title, matter.url, matter.to_move)


def _cut(lines: list[Line], words: Words) -> list[Line]:
    if len(lines) <= _MOST:
        return lines
    return [*lines[:_MOST], Line(words("summary.more", count=len(lines) - _MOST))]
