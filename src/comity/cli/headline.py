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
        typer.Option(help="2026, 2026-Q2, 2026-05 or 2026-W23; absent: the last whole one.", show_default=False),
    ] = None,
    against: Annotated[
        Reference | None, typer.Option(help="What it is held against; absent: as the book says.")
    ] = None,
    text: Annotated[str | None, typer.Option("--set", help="The words to put in the draft's place.")] = None,
    by: Annotated[str | None, typer.Option(help="Who says so; needed with --set.")] = None,
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Return to the draft.")] = False,
    language: Annotated[Language | None, typer.Option(help="The language of the draft: en or es.")] = None,
) -> None:
    """Show the headline of the joint review, or put your own words in its place; the draft is kept beside them."""
    from comity.book.definition import UnusableBookError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.opening import home_viewer, open_book  # noqa: PLC0415 - late, as above
    from comity.core.calendars import Against, UnknownPeriodError  # noqa: PLC0415 - late, as above
    from comity.review.composing import NoReviewError, compose  # noqa: PLC0415 - late, as above
    from comity.review.faces.headline import draft, plain  # noqa: PLC0415 - late, as above
    from comity.review.faces.words import words_of  # noqa: PLC0415 - late, as above
    from comity.review.wording import (  # noqa: PLC0415 - late, as above
        UnusableWordingError,
        clear_wording,
        read_wording,
        write_wording,
    )

    if text is not None and (by is None or clear):
        raise refuse("--set needs --by, the name of who says so, and does not go with --clear")
    held = None if against is None else Against(against.value)
    try:
        with open_book(book, home_viewer(book, None)) as opened:
            made = compose(opened, period=period, against=held, now=datetime.now(UTC))
        drafted = plain(draft(made, words_of((language or readers_language()).value)))
        if clear:
            clear_wording(book, made.name)
        elif text is not None:
            write_wording(book, made, text, by or "", drafted)
        worded = read_wording(book, made.name, made.against)
    except (UnusableBookError, NoReviewError, UnknownPeriodError, UnusableWordingError) as error:
        raise refuse(str(error)) from None
    except OSError as error:
        raise refuse(f"{book}: the headline cannot be written: {error.strerror}") from None
    if worded is not None:
        typer.echo(f"{made.name}, by {worded.by} on {worded.on}: {worded.text}")
    typer.echo(f"{made.name}, draft: {drafted}")
