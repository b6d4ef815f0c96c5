"""`comity target-cost`: what each target takes in paid hours on a book's forecast, and what prices make of it."""

import shutil
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.review import Language, View, deliver, readers_language, refuse, refuse_private

_TARGETS = "0.5,0.6,0.7,0.75,0.8,0.85,0.9,0.95"


class Form(StrEnum):
    """What the answer is written as."""

    TERMINAL = "terminal"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("target-cost")(target_cost)


def target_cost(  # noqa: PLR0913 - the options of a command
    book: Annotated[Path, typer.Argument(help="The book: a folder with a book.toml.", show_default=False)],
    kpi: Annotated[str, typer.Option(help="The service level whose formula counts.")] = "service_level",
    period: Annotated[
        str | None,
        typer.Option(help="Forecast of 2026-Q2, 2026-05 or 2026-W23 (default: the last whole period)."),
    ] = None,
    targets: Annotated[str, typer.Option(help="Targets as shares, separated by commas.")] = _TARGETS,
    patience_s: Annotated[
        float | None, typer.Option(min=1, help="Mean patience, seconds (default: as agreed).", show_default=False)
    ] = None,
    shrinkage: Annotated[float, typer.Option(help="Share of paid time away from the phones: 0.3 for 30 %.")] = 0.0,
    least: Annotated[int, typer.Option(min=0, help="Smallest number of agents in an interval.")] = 0,
    most_abandon: Annotated[float, typer.Option(help="Largest share of abandons: 0.05 for 5 %.")] = 1.0,
    prices: Annotated[
        Path | None, typer.Option(help="A TOML file with the prices to compare.", show_default=False)
    ] = None,
    own: Annotated[
        Path | None,
        typer.Option(help="A TOML file with your own side's figures; needs --prices and --as.", show_default=False),
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="Output format.")] = Form.TERMINAL,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Output file.")] = None,
    view: Annotated[View, typer.Option("--as", help="Whose view to show; joint shows shared data only.")] = View.JOINT,
    private: Annotated[
        Path | None,
        typer.Option("--with", help="A folder with your own side's private tables.", show_default=False),
    ] = None,
    language: Annotated[Language | None, typer.Option(help="en or es (default: from your environment).")] = None,
) -> None:
    """Say what each target takes, met in every interval or over the period, and what prices make of it."""
    from comity.book.errors import UnusableFileError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.prices import read_own, read_prices  # noqa: PLC0415 - late, as above
    from comity.book.reading.open import home_viewer, open_book  # noqa: PLC0415 - late, as above
    from comity.core.calendars import UnknownPeriodError  # noqa: PLC0415 - late, as above
    from comity.core.values import Side  # noqa: PLC0415 - late, as above
    from comity.review import target_cost as costing  # noqa: PLC0415 - late, as above
    from comity.review.i18n.words import words_of  # noqa: PLC0415 - late, as above
    from comity.review.render.target_cost import json, terminal  # noqa: PLC0415 - late, as above

    if not 0 <= shrinkage < 1:
        raise refuse(f"--shrinkage is {shrinkage:g}; write a share below 1: 0.3 for 30 %")
    if not 0 <= most_abandon <= 1:
        raise refuse(f"--most-abandon is {most_abandon:g}; write a share: 0.05 for 5 %")
    if own is not None and prices is None:
        raise refuse("--own needs prices; give their file with --prices")
    refuse_private(private, view)
    side = None if view is View.JOINT else Side(view.value)
    try:
        viewer = home_viewer(book, side)
        price_list = costing.NO_PRICES if prices is None else read_prices(prices)
        own_figures = None if own is None else read_own(own, viewer)
        wanted = [float(one) for one in targets.split(",")]
        with open_book(book, viewer, private) as opened:
            made = costing.build_target_cost(
                opened,
                kpi,
                period=period,
                now=datetime.now(UTC),
                targets=wanted,
                assumed=costing.Assumptions(patience_s, shrinkage, least, most_abandon),
                price_list=price_list,
                own=own_figures,
            )
    except (UnusableFileError, UnknownPeriodError, ValueError) as error:
        raise refuse(str(error)) from None
    words = words_of((language or readers_language()).value)
    if form is Form.JSON:
        written = json.render(made)
    else:
        width = min(shutil.get_terminal_size().columns, 120)
        written = terminal.render(made, words, color=output is None and sys.stdout.isatty(), width=width)
    deliver(written, output, made.name)
