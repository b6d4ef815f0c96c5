"""Whose doing a service level was, in a terminal."""

from rich.console import Console

from comity.review.attribution import Attribution
from comity.review.i18n.words import Words
from comity.review.render.terminal import Text, grid, party, render_console
from comity.review.views.attribution import (
    attribution_notes,
    attribution_rows,
    attribution_title,
    lead_sentence,
    missing_sentence,
    spare_sentence,
    summary_sentence,
)


def render(attribution: Attribution, words: Words, *, color: bool, width: int) -> bytes:
    """It as text in UTF-8, readable at 80 columns."""
    return render_console(lambda console: _draw(console, attribution, words), color=color, width=width)


def _draw(console: Console, attribution: Attribution, words: Words) -> None:
    console.print(Text(attribution_title(attribution, words), style="bold"))
    for missing in attribution.missing:
        console.print(Text(missing_sentence(missing, attribution, words)))
    if attribution.shared is None:
        return
    for text in (lead_sentence(attribution, words), spare_sentence(attribution, words)):
        if text:
            console.print(Text(text))
    console.print(Text(summary_sentence(attribution, attribution.shared, words)))
    console.print()
    view = attribution_rows(attribution, attribution.shared, words)
    table = grid(
        words("attribution.part"),
        f">{words('attribution.points')}",
        f">{words('attribution.interval')}",
        words("attribution.answers"),
    )
    table.add_row(Text(words("attribution.target")), Text(view.target))
    for row in view.parts:
        answers = Text() if row.answers is None else party(row.answers, attribution.parties, words)
        table.add_row(Text(row.name), Text(row.points, style="bold"), Text(row.interval, style="dim"), answers)
    table.add_row(Text(words("attribution.observed")), Text(view.observed, style="bold"))
    console.print(table)
    console.print()
    for line in attribution_notes(attribution, attribution.shared, words):
        console.print(Text(line))
