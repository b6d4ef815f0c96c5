"""`comity erase`: what somebody wrote in a room, out of it; the record verifies as before."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from comity.cli.review import refuse
from comity.cli.serve import ROOM


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("erase")(erase)


def erase(
    subject: Annotated[
        UUID, typer.Argument(help="Id of a matter; with --entry, of a relationship: as its page's address has it.")
    ],
    entry: Annotated[
        int | None, typer.Option(help="Entry of the record: an opening list or a reversal.", show_default=False)
    ] = None,
    data: Annotated[Path, typer.Option(help="The room's folder.")] = ROOM,
) -> None:
    """Erase the words of an ended matter, or of an entry of the ledger; who asked when, and what is owed, stays."""
    try:
        from comity.web.erasure import ErasureError, erase_matter, erase_wording  # noqa: PLC0415 - brings the web in
        from comity.web.server import Room, unprivileged_account  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise refuse(f"{error.name} is not installed; run: pip install 'comity[room]'") from None
    room = Room(data.resolve(), unprivileged_account())
    try:
        done = erase_matter(room, subject) if entry is None else erase_wording(room, entry, subject)
    except ErasureError as error:
        raise refuse(str(error)) from None
    typer.echo(
        f"{done.texts} texts and {done.files} files erased, their digests kept; {done.mails} mails in files removed"
    )
    typer.echo("Older backups, mails that were delivered and copies that were downloaded still hold them.")
