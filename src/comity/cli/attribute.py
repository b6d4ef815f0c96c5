"""`comity attribute`: whose doing a service level was, from a book's intervals, forecasts and schedules."""

import shutil
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.review import Eyes, Language, deliver, readers_language, refuse, refuse_private


class Form(StrEnum):
    """What it is written as."""

    TERMINAL = "terminal"
    JSON = "json"
    HTML = "html"
    XLSX = "xlsx"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("attribute")(attribute)


def attribute(  # noqa: PLR0913 - the options of a command
    book: Annotated[Path, typer.Argument(help="The book: a folder with a book.toml.", show_default=False)],
    kpi: Annotated[str, typer.Option(help="The service level to share out.")] = "service_level",
    period: Annotated[
        str | None,
        typer.Option(help="2026, 2026-Q2, 2026-05 or 2026-W23; absent: the last whole one.", show_default=False),
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="What to write.")] = Form.TERMINAL,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            help="forecast=right, handling=planned, planning=required or presence=full; commas join several.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file to write to.")] = None,
    eyes: Annotated[Eyes, typer.Option("--as", help="Whose view; joint opens only what is shared.")] = Eyes.JOINT,
    private: Annotated[
        Path | None,
        typer.Option("--with", help="A folder with your own side's private tables.", show_default=False),
    ] = None,
    language: Annotated[Language | None, typer.Option(help="en or es; absent: as your environment says.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the resampling that gives the intervals.")] = 0,
) -> None:
    """Share out observed less target: the plan, volume, handle time, rostering, who was on the phones."""
    from comity.book.definition import UnusableBookError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.opening import home_viewer, open_book  # noqa: PLC0415 - late, as above
    from comity.core.calendars import UnknownPeriodError  # noqa: PLC0415 - late, as above
    from comity.core.values import Side  # noqa: PLC0415 - late, as above
    from comity.review.attributing import NoAttributionError  # noqa: PLC0415 - late, as above
    from comity.review.attributing import attribute as composed  # noqa: PLC0415 - late, as above
    from comity.review.faces import attribution  # noqa: PLC0415 - late, as above
    from comity.review.faces.words import words_of  # noqa: PLC0415 - late, as above

    if output is None and form is Form.XLSX and sys.stdout.isatty():
        raise refuse("an XLSX is no text; name the file with -o")
    refuse_private(private, eyes)
    side = None if eyes is Eyes.JOINT else Side(eyes.value)
    try:
        with open_book(book, home_viewer(book, side), private) as opened:
            made = composed(opened, kpi, period=period, now=datetime.now(UTC), what_if=what_if or (), seed=seed)
    except (UnusableBookError, UnknownPeriodError, NoAttributionError) as error:
        raise refuse(str(error)) from None
    words = words_of((language or readers_language()).value)
    if form is Form.TERMINAL:
        width = min(shutil.get_terminal_size().columns, 120)
        written = attribution.terminal(made, words, color=output is None and sys.stdout.isatty(), width=width)
    else:
        written = attribution.render(made, form.value, words)
    deliver(written, output, made.name)
