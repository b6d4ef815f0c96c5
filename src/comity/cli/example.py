"""`comity example`: files as people's systems export them, to try everything with."""

from pathlib import Path
from typing import Annotated

import typer

from comity.cli.review import refuse


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("example")(example)


def example(
    folder: Annotated[
        Path, typer.Argument(help="The folder to write them to; it must not exist yet.", show_default=False)
    ],
) -> None:
    """Write example files: a call log, a forecast, a schedule, an invoice, a survey and a list of customers."""
    from comity.simulate.book import NotEmptyError  # noqa: PLC0415 - late, for a quick cold start
    from comity.simulate.exports import write_example  # noqa: PLC0415 - late, as above

    try:
        files = write_example(folder)
    except NotEmptyError as error:
        raise refuse(str(error)) from None
    except OSError as error:
        raise refuse(f"{error.filename or folder} cannot be written: {error.strerror}") from None
    width = max(len(file.name) for file in files)
    about = max(len(file.about) for file in files)
    typer.echo(f"{folder}: half a year of Northwind Energy with Helpline, which never was")
    for file in files:
        how = f"--as {file.mapping}" if file.mapping else "comity mapping new"
        typer.echo(f"  {file.name:<{width}}  {file.rows:>6,} rows  {file.about:<{about}}  {how}")
