"""`comity review`: a book to one page, in seven formats."""

import os
import shlex
import shutil
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from comity.review.model import Review

NOTHING_FORMED = 1
UNUSABLE = 2


class View(StrEnum):
    """Whose view is made."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    JOINT = "joint"


class Form(StrEnum):
    """What the review is written as."""

    TERMINAL = "terminal"
    JSON = "json"
    HTML = "html"
    PDF = "pdf"
    BOARD = "board"
    XLSX = "xlsx"
    PPTX = "pptx"


class Language(StrEnum):
    """Which language it speaks."""

    EN = "en"
    ES = "es"


class Reference(StrEnum):
    """What the period is held against."""

    PREVIOUS = "previous"
    YEAR_BEFORE = "year-before"


_BINARY = frozenset({Form.PDF, Form.BOARD, Form.XLSX, Form.PPTX})
_WITH_LOGOS = _BINARY - {Form.XLSX}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("review")(review)


def readers_language(environment: dict[str, str] | None = None) -> Language:
    """The reader's own language, where a review speaks it."""
    variables = os.environ if environment is None else environment
    wanted = next((variables[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if variables.get(name)), "")
    return Language.ES if wanted.lower().startswith("es") else Language.EN


def refuse(message: str) -> typer.Exit:
    """One line on standard error, and exit 2: the input is of no use."""
    typer.echo(f"comity: {message}", err=True)
    return typer.Exit(UNUSABLE)


def deliver(written: bytes, output: Path | None, what: str) -> None:
    """To standard output, or to a file, which is then told."""
    if output is None:
        sys.stdout.buffer.write(written)
        sys.stdout.flush()
        return
    try:
        output.write_bytes(written)
    except OSError as error:
        raise refuse(f"{output} cannot be written: {error.strerror}") from None
    typer.echo(f"{output}: {what}, {len(written):,} bytes", err=True)


def deliver_file(written: IO[bytes], output: Path | None, what: str) -> None:
    """The same for what is held in a file, which may be larger than the memory."""
    size = written.tell()
    written.seek(0)
    if output is None:
        shutil.copyfileobj(written, sys.stdout.buffer)
        sys.stdout.flush()
        return
    try:
        with output.open("wb") as file:
            shutil.copyfileobj(written, file)
    except OSError as error:
        raise refuse(f"{output} cannot be written: {error.strerror}") from None
    typer.echo(f"{output}: {what}, {size:,} bytes", err=True)


def refuse_private(private: Path | None, view: View) -> None:
    """Private tables are one side's, and lie in a folder."""
    if private is not None and view is View.JOINT:
        raise refuse("--with opens one side's own tables; add --as customer or --as provider")
    if private is not None and not private.is_dir():
        raise refuse(f"{private} is not a folder; --with takes the folder that holds your private tables")


def review(  # noqa: PLR0913 - the options of a command
    book: Annotated[Path, typer.Argument(help="The book: a folder with a book.toml.", show_default=False)],
    form: Annotated[Form, typer.Option("--format", "-f", help="Output format.")] = Form.TERMINAL,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Output file.")] = None,
    period: Annotated[
        str | None,
        typer.Option(help="2026, 2026-Q2, 2026-05 or 2026-W23 (default: the last whole period).", show_default=False),
    ] = None,
    against: Annotated[Reference | None, typer.Option(help="Comparison period (default: as set in the book).")] = None,
    view: Annotated[View, typer.Option("--as", help="Whose view to show; joint shows shared data only.")] = View.JOINT,
    private: Annotated[
        Path | None,
        typer.Option("--with", help="A folder with your own side's private tables.", show_default=False),
    ] = None,
    language: Annotated[Language | None, typer.Option(help="en or es (default: from your environment).")] = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="In the terminal: every formula, part and source, not one screen.")
    ] = False,
) -> None:
    """Was the target met, what moved, and what only seemed to: one page from a book's records."""
    from comity.book.definition import UnusableBookError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.logos import read_logos  # noqa: PLC0415 - late, as above
    from comity.book.reading.open import home_viewer, open_book  # noqa: PLC0415 - late, as above
    from comity.core.calendars import Against, UnknownPeriodError  # noqa: PLC0415 - late, as above
    from comity.core.values import Side  # noqa: PLC0415 - late, as above
    from comity.review.build import NoReviewError, build_review  # noqa: PLC0415 - late, as above
    from comity.review.render import render  # noqa: PLC0415 - late, as above
    from comity.review.render.errors import PdfUnavailableError  # noqa: PLC0415 - late, as above

    refuse_private(private, view)
    if output is None and form in _BINARY and sys.stdout.isatty():
        raise refuse(f"a {form.value.upper()} is a binary format; give the file with -o")
    side = None if view is View.JOINT else Side(view.value)
    try:
        with open_book(book, home_viewer(book, side), private) as opened:
            made = build_review(
                opened,
                period=period,
                against=None if against is None else Against(against.value),
                now=datetime.now(UTC),
            )
            formed = bool(made.levels or made.readings or made.paid)
            nothing = "" if formed else _nothing_formed(made, book, asked=period is not None)
        written = render(
            made,
            form.value,
            (language or readers_language()).value,
            color=output is None and sys.stdout.isatty(),
            width=min(shutil.get_terminal_size().columns, 120),
            full=full,
            logos=read_logos(book) if form in _WITH_LOGOS else None,
        )
    except (UnusableBookError, NoReviewError, UnknownPeriodError, PdfUnavailableError) as error:
        raise refuse(str(error)) from None
    if nothing and form is Form.TERMINAL and not full:
        typer.echo(f"comity: {nothing}", err=True)
        raise typer.Exit(NOTHING_FORMED)
    deliver(written, output, f"{made.name} of {made.book}")
    if nothing:
        typer.echo(f"comity: {nothing}", err=True)
        raise typer.Exit(NOTHING_FORMED)


_MOST_MONTHS = 6  # that are named one by one


def _nothing_formed(made: "Review", folder: Path, *, asked: bool) -> str:
    """Why a review says nothing, and what to ask for instead.

    :param asked: whether somebody named the period
    """
    if made.period.start > made.made_on:
        why = f"{made.name} has not begun"
    elif made.period.end > made.made_on:
        why = f"nothing can be said of {made.name}, which is not over"
    else:
        why = f"nothing can be said of {made.name}"
    months = [f"{month.start:%Y-%m}" for month in made.whole_months]
    if len(months) > _MOST_MONTHS:
        why += f"; the records hold {len(months)} whole months from {months[0]} to {months[-1]}"
    elif months:
        why += f"; the records hold the whole of {', '.join(months)}"
    if asked:
        return f"{why}; leave --period out for the last one with records, or add --full to see what is missing"
    why += "; where the records are whole up to a later day than their last, say complete_to in book.toml"
    return f"{why}; what is missing: comity review {shlex.quote(str(folder))} --full"
