"""Two periods side by side: what was reviewed of each, so that no figure is shown that no review shows."""

from collections.abc import Mapping
from dataclasses import dataclass

from comity.apps.kpis.terms import bare
from comity.core.levels import COUNT, SECONDS, SHARE
from comity.review.i18n.words import DASH, Words
from comity.review.model import Level, Review
from comity.review.views.level import LevelRow, level_row

_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class ComparedLevel:
    """A level in two periods, ready to be read.

    :ivar change: from the second to the first
    :ivar is_reworded: whether the two were counted by different wordings
    """

    name: str
    first: LevelRow | None
    second: LevelRow | None
    change: str
    is_reworded: bool


def compared_levels(first: Review | None, second: Review | None, words: Words) -> list[ComparedLevel]:
    """Return the levels of two reviews by KPI, in the order of the first; None for a period without a review."""
    ours, theirs = _levels(first), _levels(second)
    rows = []
    for kpi in (*ours, *(one for one in theirs if one not in ours)):
        one, other = ours.get(kpi), theirs.get(kpi)
        texts = [
            None if level is None or review is None else level_row(level, review, words)
            for level, review in ((one, first), (other, second))
        ]
        is_reworded = one is not None and other is not None and bare(one.definition) != bare(other.definition)
        name = next(text.name for text in texts if text is not None)
        rows.append(ComparedLevel(name, texts[0], texts[1], _change(one, other, words), is_reworded))
    return rows


def _levels(review: Review | None) -> Mapping[str, Level]:
    return {} if review is None else {level.kpi: level for level in review.levels}


def _change(one: Level | None, other: Level | None, words: Words) -> str:
    if one is None or other is None or one.unit != other.unit:
        return DASH
    scale = _HUNDRED if one.unit == SHARE else 1
    places = {SHARE: 1, SECONDS: 1, COUNT: 0}.get(one.unit, 2)  # as values of the unit are shown
    return words.change((one.value - other.value) * scale, one.unit, "", places)
