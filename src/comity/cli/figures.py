"""`comity figures`: every figure of every whole period of a book as one table."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from comity.cli.review import View, deliver_file, refuse, refuse_private

_IN_MEMORY = 8_000_000  # bytes of the table before it goes on in a temporary file


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
    from comity.review.disclosure.redact import redact_other_cuts  # noqa: PLC0415 - late, as above
    from comity.review.periods import recorded_periods, table_cuts  # noqa: PLC0415 - late, as above
    from comity.review.render.figures import (  # noqa: PLC0415 - late, as above
        FigureRow,
        TableFormat,
        review_rows,
        write_table,
    )

    refuse_private(private, view)
    form = TableFormat.CSV if output is None else next((one for one in TableFormat if output.suffix == f".{one}"), None)
    if form is None:
        raise refuse(f"{output} says neither .csv nor .parquet; name the file so")
    side, now = None if view is View.JOINT else Side(view.value), datetime.now(UTC)
    periods, count = 0, 0
    try:
        with open_book(book, home_viewer(book, side), private) as opened, SpooledTemporaryFile(_IN_MEMORY) as written:
            own = opened.definition.cut
            today = now.astimezone(ZoneInfo(opened.definition.timezone)).date()

            def rows() -> Iterator[FigureRow]:
                nonlocal periods, count
                for calendar, period in recorded_periods(opened, today, table_cuts(own)):
                    try:
                        made = build_review(opened, period=calendar.name(period), now=now)
                    except NoReviewError:
                        continue
                    periods += 1
                    for row in review_rows(redact_other_cuts(made, own), opened.definition.name):
                        count += 1
                        yield row

            write_table(rows(), form, written)
            deliver_file(written, output, f"{count} figures of {periods} periods")
    except UnusableBookError as error:
        raise refuse(str(error)) from None
