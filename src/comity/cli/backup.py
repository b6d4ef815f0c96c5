"""`comity backup` and `comity restore`: a whole room in one file, and back."""

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from comity.cli.review import refuse
from comity.cli.serve import ROOM

if TYPE_CHECKING:
    from comity.web.serving import Room

_WORD = "COMITY_PASSPHRASE"
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", help=f"A file with the passphrase; else {_WORD}, else not sealed.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.", show_default=False)],
    data: Annotated[Path, typer.Option(help="The room's folder.")] = ROOM,
    passphrase: PassphraseOption = None,
) -> None:
    """Keep a whole room, database and books, in one file; the room may be open meanwhile."""
    keeping, room = _room(data)
    try:
        held = keeping.backup(room, output.resolve(), _word(passphrase))
    except (keeping.CannotKeepError, TimeoutError) as error:
        raise refuse(str(error)) from None
    typer.echo(f"{output}: {sum(held['rows'].values()):,} rows, {len(held['books'])} books")


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `comity backup` wrote.", show_default=False)],
    data: Annotated[Path, typer.Option(help="An empty folder for the room.")] = ROOM,
    passphrase: PassphraseOption = None,
) -> None:
    """Bring a room back into an empty folder, and check that every table has the rows it had."""
    keeping, room = _room(data)
    try:
        held = keeping.restore(room, file.resolve(), _word(passphrase))
    except (keeping.CannotKeepError, TimeoutError) as error:
        raise refuse(str(error)) from None
    typer.echo(f"{data}: {sum(held['rows'].values()):,} rows and {len(held['books'])} books of {held['at'][:16]}")


def _room(data: Path) -> "tuple[ModuleType, Room]":
    try:
        from comity.web import keeping  # noqa: PLC0415 - brings the web in
        from comity.web.serving import CannotServeError, Room, account  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise refuse(f"{error.name} is not here; pip install 'comity[room]'") from None
    try:
        return keeping, Room(data.resolve(), account())
    except CannotServeError as error:
        raise refuse(str(error)) from None


def _word(file: Path | None) -> str | None:
    if file is None:
        return os.environ.get(_WORD) or None
    try:
        return file.read_text(encoding="utf-8").strip() or None
    except OSError as error:
        raise refuse(f"{file} cannot be read: {error.strerror}") from None
