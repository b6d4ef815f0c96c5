"""`comity invite`: a link by which somebody makes an account in a room, without being invited by anybody in it."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from comity.cli.review import refuse
from comity.cli.serve import ROOM


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("invite")(invite)


def invite(
    email: Annotated[str, typer.Argument(help="The email address that the account is for.")],
    data: Annotated[Path, typer.Option(help="The room's folder.")] = ROOM,
    address: Annotated[
        str,
        typer.Option(
            help="The address under which people open the room (default: as the room is set up).", show_default=False
        ),
    ] = "",
) -> None:
    """Print a link, valid 24 hours, with which the owner of an address makes an account."""
    print_link("setup", email, data, address)


def print_link(what: Literal["setup", "reset"], email: str, data: Path, address: str) -> None:
    """Print a link of a room for an address: to make an account, or to choose a new password.

    :raises typer.Exit: with what is wrong and what to do next
    """
    try:
        from comity.web import server  # noqa: PLC0415 - brings the web in
    except ModuleNotFoundError as error:
        raise refuse(f"{error.name} is not installed; run: pip install 'comity[room]'") from None
    if "@" not in email:
        raise refuse(f"{email} is no email address")
    if not (data / "secret").is_file() and "COMITY_SECRET_KEY" not in os.environ:
        raise refuse(f"{data} holds no room yet; run: comity serve --data {data}")
    try:
        os.environ.update(server.Room(data.resolve(), server.unprivileged_account()).environment())
        last_served = data / server.ADDRESS_FILE
        if address:
            os.environ["COMITY_ORIGINS"] = address
        elif last_served.is_file():
            os.environ.setdefault("COMITY_ADDRESS", last_served.read_text(encoding="utf-8").strip())
        typer.echo(server.setup_link(email) if what == "setup" else server.reset_link(email))
    except server.CannotServeError as error:
        raise refuse(str(error)) from None
