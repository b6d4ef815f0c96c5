"""`comity erase`: what somebody wrote in a room, out of it; the record verifies as before."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from comity.cli.review import refuse
from comity.cli.serve import ROOM

if TYPE_CHECKING:
    from comity.web.erasure import Erased, ErasedPerson


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("erase")(erase)


def erase(
    subject: Annotated[
        str,
        typer.Argument(
            help="Id of a matter; with --entry, of a relationship: as its page's address has it. "
            "With --person, somebody's mail address."
        ),
    ],
    entry: Annotated[
        int | None, typer.Option(help="Entry of the record: an opening list or a reversal.", show_default=False)
    ] = None,
    person: Annotated[  # noqa: FBT002 - an option of the command line
        bool, typer.Option("--person", help="Erase a person who has left every relationship.")
    ] = False,
    data: Annotated[Path, typer.Option(help="The room's folder.")] = ROOM,
) -> None:
    """Erase the words of an ended matter or of an entry of the ledger, or a person; what was done when stays."""
    try:
        from comity.web import erasure  # noqa: PLC0415 - brings the web in
        from comity.web.server import Room, unprivileged_account  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise refuse(f"{error.name} is not installed; run: pip install 'comity[room]'") from None
    room = Room(data.resolve(), unprivileged_account())
    erasure.use_settings(room)
    try:
        if person:
            _tell_person(erasure.erase_person(room, subject))
        else:
            known = _id(subject)
            _tell(erasure.erase_matter(room, known) if entry is None else erasure.erase_wording(room, entry, known))
    except erasure.ErasureError as error:
        raise refuse(str(error)) from None
    typer.echo("Older backups, mails that were delivered and copies that were downloaded still hold them.")


def _id(subject: str) -> UUID:
    try:
        return UUID(subject)
    except ValueError:
        raise refuse(f"{subject} is no id: the address of the page ends with one") from None


def _tell(done: "Erased") -> None:
    typer.echo(f"{done.texts} texts and {done.files} files erased, their digests kept; {done.mails} mails removed")


def _tell_person(done: "ErasedPerson") -> None:
    typer.echo(f"erased in {done.rows} rows and {done.mails} mails; in place of the name stands {done.key}")
    if done.signed:
        typer.echo(f"{done.signed} rows keep the name: they say who confirmed or signed, and digests cover them")
    if done.files:
        typer.echo(f"{done.files} files of evidence and of agreements hold the name or the address, and stay")
