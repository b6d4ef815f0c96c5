"""`comity bounce`: a mail server hands back what it could not deliver."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.review import refuse
from comity.cli.serve import ROOM


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bounce")(bounce)


def bounce(
    mail: Annotated[
        Path | None, typer.Argument(help="The mail that came back (default: standard input).", show_default=False)
    ] = None,
    data: Annotated[Path, typer.Option(help="The room's folder.")] = ROOM,
) -> None:
    """Note that a mail of the room came back, so that no silence counts against who never got it."""
    try:
        from comity.web.bounces import NoBounceError, failed_addresses, record_bounces  # noqa: PLC0415 - brings the web in
        from comity.web.server import CannotServeError, Room, unprivileged_account  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise refuse(f"{error.name} is not installed; run: pip install 'comity[room]'") from None
    try:
        text = sys.stdin.buffer.read() if mail is None else mail.read_bytes()
        addresses = failed_addresses(text)
        os.environ.update(Room(data.resolve(), unprivileged_account()).environment())
    except OSError as error:
        raise refuse(f"{mail} cannot be read: {error.strerror}") from None
    except (NoBounceError, CannotServeError) as error:
        raise refuse(str(error)) from None
    changed = record_bounces(addresses)
    typer.echo(f"{', '.join(addresses)}: {changed} {'notice' if changed == 1 else 'notices'} counted as not received")
