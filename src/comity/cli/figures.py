"""`comity figures`: every figure of every whole period of a book as one table."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from comity.cli.review import View, deliver, refuse, refuse_private


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("figures")(figures)


def figures(
    book: Annotated[Path, typer.Argument(help="The book: a folder with a book.toml.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Output file: .csv or .parquet (default: CSV, printed).")
    ] = None,
    view: Annotated[View, typer.Option("--as", help="Whose view to show; joint shows shared data only.")] = View.JOINT,
    private: Annotated[
        Path | None,
        typer.Option("--with", help="A folder with your own side's private tables.", show_default=False),
    ] = None,
) -> None:
    """A row a KPI or reading and period, for spreadsheets and programs."""
    from comity.book.definition import UnusableBookError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.reading.open import home_viewer, open_book  # noqa: PLC0415 - late, as above
    from comity.core.values import Side  # noqa: PLC0415 - late, as above
    from comity.review.build import NoReviewError, build_review  # noqa: PLC0415 - late, as above
    from comity.review.periods import recorded_periods  # noqa: PLC0415 - late, as above
    from comity.review.render.figures import TableFormat, review_rows, write_table  # noqa: PLC0415 - late, as above

    refuse_private(private, view)
    form = TableFormat.CSV if output is None else next((one for one in TableFormat if output.suffix == f".{one}"), None)
    if form is None:
        raise refuse(f"{output} says neither .csv nor .parquet; name the file so")
    side, now = None if view is View.JOINT else Side(view.value), datetime.now(UTC)
    try:
        with open_book(book, home_viewer(book, side), private) as opened:
            calendar = opened.definition.calendar()
            today = now.astimezone(ZoneInfo(opened.definition.timezone)).date()
            reviews = [
                build_review(opened, period=calendar.name(period), now=now)
                for period in recorded_periods(opened, today)
            ]
            rows = [row for made in reviews for row in review_rows(made, opened.definition.name)]
    except (UnusableBookError, NoReviewError) as error:
        raise refuse(str(error)) from None
    deliver(write_table(rows, form), output, f"{len(rows)} figures of {len(reviews)} periods")
