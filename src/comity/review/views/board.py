"""The three pages for a board as finished text: what was agreed and asked, both values of what is disputed, causes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from comity.core.values import Side
from comity.review.i18n.words import DASH, Words
from comity.review.model import Review
from comity.review.proceedings import AskedMatter, Proceedings
from comity.review.views.attribution import attribution_rows, lead_sentence, spare_sentence
from comity.review.views.reading import find_reading
from comity.review.views.sentences import level_title
from comity.review.views.summary import largest_cause

T = TypeVar("T")
_DECISIONS, _ASKED = ("change", "decision", "proposal", "offer", "action", "correction"), ("claim", "dispute")
_MOST_CLAIMED = 3  # different values of one figure
MOST_ROWS = 4  # of each table of a page; how many more there are is said


@dataclass(frozen=True, slots=True)
class WordRow:
    """What a side has said about the figures: its name, by whom, and when."""

    side: Side
    text: str


@dataclass(frozen=True, slots=True)
class CommentRow:
    """What a side says about the period, and who says it since when; both empty where it says nothing."""

    side: Side
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class MatterRow:
    """A matter: what it is, who asks, how far it is, and by when something is due."""

    kind: str
    title: str
    asks: Side
    state: str
    by: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class DisputedRow:
    """A figure that is disputed: its value by the agreed formula, each side's own, and what who disputes it says."""

    name: str
    value: str
    own: tuple[str, ...]
    claimed: tuple[tuple[Side, str], ...]


@dataclass(frozen=True, slots=True)
class CauseRow:
    """One part of a miss: its name, what happened, who answers, and its points."""

    name: str
    why: str
    answers: str | None
    points: str


@dataclass(frozen=True, slots=True)
class CauseTable:
    """The causes of one miss."""

    name: str
    lead: str
    spare: str
    rows: tuple[CauseRow, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """What the three pages show beside the review itself; `more` counts what was cut, by section.

    `comments` has a row a side where anybody says something, and none otherwise.
    """

    state: str
    is_final: bool
    entry: str
    words: tuple[WordRow, ...]
    decisions: tuple[MatterRow, ...]
    asked: tuple[MatterRow, ...]
    disputed: tuple[DisputedRow, ...]
    cause: CauseTable | None
    comments: tuple[CommentRow, ...]
    more: dict[str, str]


def board(review: Review, proceedings: Proceedings | None, words: Words, most: int | None = MOST_ROWS) -> Board:
    """What was confirmed, decided and asked about a period, and the causes of what it missed.

    :param most: rows of each table; None: all of them
    """
    known = Proceedings() if proceedings is None else proceedings
    more: dict[str, str] = {}

    def cut(name: str, rows: Sequence[T]) -> tuple[T, ...]:
        if most is not None and len(rows) > most:
            more[name] = words("board.more", count=len(rows) - most)
        return tuple(rows[:most])

    decided = sorted(known.matters_of(*_DECISIONS), key=_decided)
    return Board(
        state=words("board.at_home") if proceedings is None else _state(known, words),
        is_final=known.final_on is not None,
        entry=""
        if known.entry is None
        else words("board.entry", number=words.number(known.entry[0]), digest=known.entry[1][:16]),
        words=tuple(_word(side, known, words) for side in Side) if proceedings is not None else (),
        decisions=cut("decisions", [_matter(one, words) for one in decided]),
        asked=cut("asked", [_matter(one, words) for one in sorted(known.matters_of(*_ASKED), key=_rank)]),
        disputed=cut("disputed", _disputed(review, known, words)),
        cause=_cause(review, known, words),
        comments=tuple(_comment(side, known, words) for side in Side) if known.comments else (),
        more=more,
    )


def _state(proceedings: Proceedings, words: Words) -> str:
    if proceedings.final_on is None:
        return words("board.draft")
    key = "board.final_restated" if proceedings.restated else "board.final"
    return words(key, day=words.day(proceedings.final_on))


def _word(side: Side, proceedings: Proceedings, words: Words) -> WordRow:
    given = next((one for one in proceedings.confirmations if one.side is side), None)
    if given is None:
        return WordRow(side, words("board.not_confirmed"))
    day = words.day(given.on)
    if not given.person:
        return WordRow(side, words("board.by_silence", day=day))
    return WordRow(side, words("board.confirmed", person=given.person, day=day))


def _comment(side: Side, proceedings: Proceedings, words: Words) -> CommentRow:
    given = next((one for one in proceedings.comments if one.side is side), None)
    if given is None:
        return CommentRow(side, "", "")
    return CommentRow(side, given.text, words("board.comment_by", person=given.person, day=words.day(given.on)))


def _matter(matter: AskedMatter, words: Words) -> MatterRow:
    by = DASH if matter.by is None else words.day(matter.by, year=False)
    return MatterRow(words(f"board.{matter.kind}"), matter.title, matter.asks, matter.state, by, matter.is_open)


def _decided(matter: AskedMatter) -> tuple[bool, int]:
    """What was signed comes first; then what is open, then what was decided before what is to be done."""
    return matter.kind != "change" and not matter.is_open, _DECISIONS.index(matter.kind)


def _rank(matter: AskedMatter) -> tuple[bool, bool]:
    """What is open comes first, and of that disputes."""
    return not matter.is_open, matter.kind != "dispute"


def _disputed(review: Review, proceedings: Proceedings, words: Words) -> list[DisputedRow]:
    """The levels and readings that are disputed, with every value that is claimed to be right."""
    by_kpi: dict[str, list[AskedMatter]] = {}
    for one in proceedings.matters_of("dispute"):
        if one.disputes:
            by_kpi.setdefault(one.kpi, []).append(one)

    def figure(value: float | None, unit: str) -> str:
        return DASH if value is None else words.figure(value, unit, review.currency)

    def claimed(key: str, unit: str) -> tuple[tuple[Side, str], ...]:
        return tuple(dict.fromkeys((one.asks, figure(one.value, unit)) for one in by_kpi[key]))[:_MOST_CLAIMED]

    rows = [
        DisputedRow(
            level_title(level, words),
            figure(level.value, level.unit),
            tuple(figure(level.reported.get(side), level.unit) for side in Side),
            claimed(level.kpi, level.unit),
        )
        for level in review.levels
        if level.kpi in by_kpi
    ]
    # A final period shows the value of a disputed reading that was confirmed, an open one that of now.
    final = {one.key: one for one in review.confirmed_readings}
    for key in [one for one in by_kpi if one not in {level.kpi for level in review.levels}]:
        reading = find_reading(review, key)
        if key in final:
            name, unit, value = final[key].id, final[key].unit, final[key].value
        elif reading is not None:
            name, unit, value = reading.id, reading.unit, reading.after
        else:
            continue
        own = tuple(DASH for _ in Side)
        rows.append(DisputedRow(words.named("reading", name), figure(value, unit), own, claimed(key, unit)))
    return rows


def _cause(review: Review, proceedings: Proceedings, words: Words) -> CauseTable | None:
    """The parts of the largest explained miss; a page holds no more, and the first one has a sentence of each."""
    kpi = largest_cause(review, proceedings)
    if kpi is None:
        return None
    made = proceedings.causes[kpi]
    assert made.shared is not None
    return CauseTable(
        next(level_title(level, words) for level in review.levels if level.kpi == kpi),
        lead_sentence(made, words),
        spare_sentence(made, words),
        tuple(
            CauseRow(row.name, row.why, row.answers, row.points)
            for row in attribution_rows(made, made.shared, words).moved
        ),
    )
