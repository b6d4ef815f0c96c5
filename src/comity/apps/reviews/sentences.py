"""Texts about changes of figures in the reader's language, for pages, mails and messages."""

from collections.abc import Callable, Sequence

from comity.apps.reviews.figures import FigureChange
from comity.core.values import Side
from comity.review.i18n.words import DASH, Words

PartyName = Callable[[Side | str | None], str]


def figure_change_rows(
    changes: Sequence[FigureChange], words: Words, party: PartyName
) -> list[tuple[str, str, str, str]]:
    """Return each change as figure, changed field, before and after."""
    rows = []
    for change in changes:
        before, after = (_value_text(value, change, words) for value in (change.before, change.after))
        if before == after:  # to the digits that are shown
            before, after = (DASH if value is None else str(value) for value in (change.before, change.after))
        rows.append((words.named("measure", change.kpi), _changed_field(change, words, party), before, after))
    return rows


_WITHOUT_VALUES = frozenset({"definition", "stretches", "relief"})


def figure_change_lines(changes: Sequence[FigureChange], words: Words, party: PartyName) -> list[str]:
    """Return each change in one line."""
    return [
        f"{kpi}, {what}" if change.what in _WITHOUT_VALUES else f"{kpi}, {what}: {before} → {after}"
        for change, (kpi, what, before, after) in zip(changes, figure_change_rows(changes, words, party), strict=True)
    ]


def _changed_field(change: FigureChange, words: Words, party: PartyName) -> str:
    if change.what in set(Side):
        return words("closing.own_figure", party=party(change.what))
    return words(f"moved.{change.what}")


def _value_text(value: object, change: FigureChange, words: Words) -> str:
    if value is None:
        return DASH
    if isinstance(value, bool):
        return words("word.yes" if value else "word.no")
    if isinstance(value, int):
        return str(value)
    return words.figure(float(str(value)), change.unit or "count")
