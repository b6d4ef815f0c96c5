"""Two periods side by side: what was reviewed of each, so that no figure is shown that no review shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from comity.apps.kpis.terms import bare
from comity.core.levels import COUNT, SECONDS, SHARE
from comity.core.readings.reading import Reading
from comity.review.i18n.words import DASH, Words
from comity.review.model import Level, Review
from comity.review.views.level import level_row
from comity.review.views.reading import reading_key, reading_row
from comity.review.views.rounding import round_figures
from comity.review.views.sentences import definition_of

_HUNDRED = 100


@dataclass(frozen=True, slots=True)
class ComparedValue:
    """A level or a reading in one period: its value, and what is said below it."""

    value: str
    about: str


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A level or a reading in two periods, ready to be read.

    :ivar change: from the second to the first
    :ivar is_reworded: whether the two were counted by different wordings
    """

    name: str
    first: ComparedValue | None
    second: ComparedValue | None
    change: str
    is_reworded: bool


def compared_levels(first: Review | None, second: Review | None, words: Words) -> list[ComparedRow]:
    """Return the levels of two reviews by KPI, in the order of the first; None for a period without a review."""
    ours, theirs = _levels(first), _levels(second)
    rows = []
    for kpi in _keys(ours, theirs):
        one, other = ours.get(kpi), theirs.get(kpi)
        texts = [
            None if level is None or review is None else level_row(level, review, words)
            for level, review in ((one, first), (other, second))
        ]
        is_reworded = one is not None and other is not None and bare(one.definition) != bare(other.definition)
        name = next(text.name for text in texts if text is not None)
        values = [None if text is None else ComparedValue(text.value, f"{text.target}; {text.met}") for text in texts]
        rows.append(ComparedRow(name, values[0], values[1], _change(one, other, words), is_reworded))
    return rows


def compared_readings(first: Review | None, second: Review | None, words: Words) -> list[ComparedRow]:
    """Return the readings of two reviews by their key, each with its value in the period and the verdict on it there.

    The change is as reported: how much of it is like for like, only a review of the two could say.
    """
    ours, theirs = _readings(first), _readings(second)
    rows = []
    for key in _keys(ours, theirs):
        pairs = ((ours.get(key), first), (theirs.get(key), second))
        values: list[ComparedValue | None] = []
        names: list[str] = []
        wordings: list[object] = []
        for reading, review in pairs:
            if reading is None or review is None:
                values.append(None)
                continue
            row = reading_row(reading, review, words, 1)
            level = words.level(row.figures.after, reading.unit, review.currency, row.figures.decimals)
            values.append(ComparedValue(level, row.verdict))
            names.append(row.label)
            definition = definition_of(reading, review)
            wordings.append((reading.variant, None if definition is None else bare(definition)))
        is_reworded = len(wordings) == len(pairs) and wordings[0] != wordings[1]
        rows.append(ComparedRow(names[0], values[0], values[1], _reading_change(*pairs, words), is_reworded))
    return rows


def comparison_head(titles: Sequence[str], words: Words) -> list[str]:
    """Return the heads of the table of a comparison as a file."""
    name, about = words("levels.kpi"), words("compare.about")
    heads = [one for title in titles for one in (title, f"{title}, {about}")]
    return [words("compare.kind"), name, *heads, words("compare.change"), words("compare.reworded")]


def comparison_cells(tables: Mapping[str, Sequence[ComparedRow]], words: Words) -> Iterator[list[str]]:
    """Return the rows of a comparison for a file; with no value, a cell is empty."""
    for kind, rows in tables.items():
        for row in rows:
            values = [
                text
                for one in (row.first, row.second)
                for text in (("", "") if one is None else (one.value, one.about))
            ]
            reworded = words("word.yes" if row.is_reworded else "word.no")
            change = "" if row.change == DASH else row.change
            yield [words(f"{kind}.title"), row.name, *values, change, reworded]


def _keys(ours: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    return [*ours, *(one for one in theirs if one not in ours)]


def _levels(review: Review | None) -> Mapping[str, Level]:
    return {} if review is None else {level.kpi: level for level in review.levels}


def _readings(review: Review | None) -> Mapping[str, Reading]:
    return {} if review is None else {reading_key(one, review): one for one in review.readings}


def _change(one: Level | None, other: Level | None, words: Words) -> str:
    if one is None or other is None or one.unit != other.unit:
        return DASH
    scale = _HUNDRED if one.unit == SHARE else 1
    places = {SHARE: 1, SECONDS: 1, COUNT: 0}.get(one.unit, 2)  # as values of the unit are shown
    return words.change((one.value - other.value) * scale, one.unit, "", places)


def _reading_change(
    one: tuple[Reading | None, Review | None], other: tuple[Reading | None, Review | None], words: Words
) -> str:
    (ours, review), (theirs, _) = one, other
    if ours is None or theirs is None or review is None or ours.unit != theirs.unit:
        return DASH
    now, then = round_figures(ours), round_figures(theirs)
    return words.change(now.after - then.after, ours.unit, review.currency, max(now.decimals, then.decimals))
