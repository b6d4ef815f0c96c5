"""`comity reset`: a link by which somebody who forgot their password chooses a new one, in a room without mail."""

from pathlib import Path
from typing import Annotated

import typer

from comity.cli.invite import print_link
from comity.cli.serve import ROOM


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reset")(reset)


def reset(
    email: Annotated[str, typer.Argument(help="The email address of the account.")],
    data: Annotated[Path, typer.Option(help="The room's folder.")] = ROOM,
    address: Annotated[
        str,
        typer.Option(
            help="The address under which people open the room (default: as the room is set up).", show_default=False
        ),
    ] = "",
) -> None:
    """Print a link, valid 3 days and used once, with which the owner of an account chooses a new password."""
    print_link("reset", email, data, address)
