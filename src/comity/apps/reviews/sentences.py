"""What moved between two sets of figures, in the reader's words: on the page, in mails, in messages."""

from collections.abc import Callable, Sequence

from comity.apps.reviews.figures import Moved
from comity.core.values import Side
from comity.review.i18n.words import DASH, Words

Party = Callable[[Side | str | None], str]


def moved_rows(moved: Sequence[Moved], words: Words, party: Party) -> list[tuple[str, str, str, str]]:
    """Each difference as figure, what of it, before and after."""
    rows = []
    for one in moved:
        before, after = (_value(value, one, words) for value in (one.before, one.after))
        if before == after:  # to the digits that are shown
            before, after = (DASH if value is None else str(value) for value in (one.before, one.after))
        rows.append((words.named("measure", one.kpi), _what(one, words, party), before, after))
    return rows


def moved_lines(moved: Sequence[Moved], words: Words, party: Party) -> list[str]:
    """The same, each in one line."""
    return [
        f"{kpi}, {what}" if one.what == "definition" else f"{kpi}, {what}: {before} → {after}"
        for one, (kpi, what, before, after) in zip(moved, moved_rows(moved, words, party), strict=True)
    ]


def _what(one: Moved, words: Words, party: Party) -> str:
    if one.what in set(Side):
        return words("closing.own_figure", party=party(one.what))
    return words(f"moved.{one.what}")


def _value(value: object, one: Moved, words: Words) -> str:
    if value is None:
        return DASH
    if isinstance(value, bool):
        return words("word.yes" if value else "word.no")
    if isinstance(value, int):
        return str(value)
    return words.figure(float(str(value)), one.unit or "count")
