"""`comity attribute`: whose doing a service level was, from a book's intervals, forecasts and schedules."""

import shutil
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.review import Language, View, deliver, readers_language, refuse, refuse_private


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
    kpi: Annotated[str, typer.Option(help="The service level to explain.")] = "service_level",
    period: Annotated[
        str | None,
        typer.Option(help="2026, 2026-Q2, 2026-05 or 2026-W23 (default: the last whole period).", show_default=False),
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="Output format.")] = Form.TERMINAL,
    what_if: Annotated[
        list[str] | None,
        typer.Option(
            help="forecast=right, handling=planned, planning=required or presence=full; separate several with commas.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Output file.")] = None,
    view: Annotated[View, typer.Option("--as", help="Whose view to show; joint shows shared data only.")] = View.JOINT,
    private: Annotated[
        Path | None,
        typer.Option("--with", help="A folder with your own side's private tables.", show_default=False),
    ] = None,
    language: Annotated[Language | None, typer.Option(help="en or es (default: from your environment).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resampling for the intervals.")] = 0,
) -> None:
    """Share out observed less target: the plan, volume, handle time, rostering, who was on the phones."""
    from comity.book.definition import UnusableBookError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.reading.open import home_viewer, open_book  # noqa: PLC0415 - late, as above
    from comity.core.calendars import UnknownPeriodError  # noqa: PLC0415 - late, as above
    from comity.core.values import Side  # noqa: PLC0415 - late, as above
    from comity.review.attribution import NoAttributionError  # noqa: PLC0415 - late, as above
    from comity.review.attribution import attribute as composed  # noqa: PLC0415 - late, as above
    from comity.review.i18n.words import words_of  # noqa: PLC0415 - late, as above
    from comity.review.render.attribution import render  # noqa: PLC0415 - late, as above

    if output is None and form is Form.XLSX and sys.stdout.isatty():
        raise refuse("an XLSX is a binary format; give the file with -o")
    refuse_private(private, view)
    side = None if view is View.JOINT else Side(view.value)
    try:
        with open_book(book, home_viewer(book, side), private) as opened:
            made = composed(opened, kpi, period=period, now=datetime.now(UTC), what_if=what_if or (), seed=seed)
    except (UnusableBookError, UnknownPeriodError, NoAttributionError) as error:
        raise refuse(str(error)) from None
    words = words_of((language or readers_language()).value)
    width = min(shutil.get_terminal_size().columns, 120)
    color = output is None and sys.stdout.isatty()
    written = render(made, form.value, words, color=color, width=width)
    deliver(written, output, made.name)
