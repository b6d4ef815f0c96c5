"""`comity headline`: read the drafted headline of a review, and put a person's words in its place."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.review import Language, Reference, readers_language, refuse


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("headline")(headline)


def headline(  # noqa: PLR0913 - the options of a command
    book: Annotated[Path, typer.Argument(help="The book: a folder with a book.toml.", show_default=False)],
    period: Annotated[
        str | None,
        typer.Option(help="2026, 2026-Q2, 2026-05 or 2026-W23 (default: the last whole period).", show_default=False),
    ] = None,
    against: Annotated[Reference | None, typer.Option(help="Comparison period (default: as set in the book).")] = None,
    text: Annotated[str | None, typer.Option("--set", help="Text that replaces the draft.")] = None,
    by: Annotated[str | None, typer.Option(help="Author of the text; needed with --set.")] = None,
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Remove the text and return to the draft.")] = False,
    language: Annotated[Language | None, typer.Option(help="The language of the draft: en or es.")] = None,
) -> None:
    """Show the headline of the joint review, or replace its draft with your own text."""
    from comity.book.definition import UnusableBookError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.reading.open import home_viewer, open_book  # noqa: PLC0415 - late, as above
    from comity.core.calendars import Against, UnknownPeriodError  # noqa: PLC0415 - late, as above
    from comity.review.build import NoReviewError, build_review  # noqa: PLC0415 - late, as above
    from comity.review.headline_override import (  # noqa: PLC0415 - late, as above
        UnusableHeadlineError,
        clear_override,
        read_override,
        write_override,
    )
    from comity.review.i18n.words import words_of  # noqa: PLC0415 - late, as above
    from comity.review.views.headline import draft_headline, plain_text  # noqa: PLC0415 - late, as above

    if text is not None and (by is None or clear):
        raise refuse("--set needs --by with the author's name, and does not go with --clear")
    held = None if against is None else Against(against.value)
    try:
        with open_book(book, home_viewer(book, None)) as opened:
            made = build_review(opened, period=period, against=held, now=datetime.now(UTC))
        drafted = plain_text(draft_headline(made, words_of((language or readers_language()).value)))
        if clear:
            clear_override(book, made.name)
        elif text is not None:
            write_override(book, made, text, by or "", drafted)
        worded = read_override(book, made.name, made.against)
    except (UnusableBookError, NoReviewError, UnknownPeriodError, UnusableHeadlineError) as error:
        raise refuse(str(error)) from None
    except OSError as error:
        raise refuse(f"{book}: the headline cannot be written: {error.strerror}") from None
    if worded is not None:
        typer.echo(f"{made.name}, by {worded.by} on {worded.on}: {worded.text}")
    typer.echo(f"{made.name}, draft: {drafted}")
