"""`comity backup` and `comity restore`: a whole room in one file, and back."""

import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Annotated

import typer

from comity.cli.review import refuse
from comity.cli.serve import ROOM

if TYPE_CHECKING:
    from comity.web.server import Room

_WORD = "COMITY_PASSPHRASE"
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help=f"File with the passphrase (default: {_WORD}; neither: NOT SEALED).",
        show_default=False,
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
    """Back up a whole room to one file: database, books, uploads, sign-in and keys; it may be running."""
    backups, room = _room(data)
    word = _word(passphrase)
    try:
        held = backups.backup(room, output.resolve(), word)
    except (backups.BackupError, TimeoutError) as error:
        raise refuse(str(error)) from None
    kept = ", ".join(["database", "books", "uploads", *held["files"]])
    typer.echo(f"{output}: {sum(held['rows'].values()):,} rows, {len(held['books'])} books ({kept})")
    for name, why in held["left_out"].items():
        typer.echo(f"left out: {name}: {why}")
    if word is None:
        typer.echo(
            f"NOT SEALED: whoever can read {output} can read everything in it: the private rows of both sides, waiting "
            "uploads, the sign-in secrets and the keys. Nothing will show whether it was changed. Seal it with "
            "--passphrase-file.",
            err=True,
        )


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `comity backup` wrote.", show_default=False)],
    data: Annotated[Path, typer.Option(help="An empty folder for the room.")] = ROOM,
    passphrase: PassphraseOption = None,
) -> None:
    """Restore a room into an empty folder, and check that every table has the rows it had."""
    backups, room = _room(data)
    word = _word(passphrase)
    try:
        held = backups.restore(room, file.resolve(), word)
    except (backups.BackupError, TimeoutError) as error:
        raise refuse(str(error)) from None
    typer.echo(f"{data}: {sum(held['rows'].values()):,} rows and {len(held['books'])} books of {held['at'][:16]}")
    if held["schema"] == backups.OLDER_SCHEMA:
        typer.echo(
            "This backup was made by an earlier version and holds neither sign-in.toml nor the keys. Put them into "
            f"{data} before you serve the room: without sign-in.toml the people of an organisation with its own "
            "sign-in can use passwords.",
            err=True,
        )
    if word is None:
        typer.echo(
            "NOT SEALED: nothing shows whether this backup was changed since it was made. Serve it only if nobody else "
            "could write the file.",
            err=True,
        )


def _room(data: Path) -> "tuple[ModuleType, Room]":
    try:
        from comity.web import backup as backups  # noqa: PLC0415 - brings the web in
        from comity.web.server import CannotServeError, Room, unprivileged_account  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise refuse(f"{error.name} is not installed; run: pip install 'comity[room]'") from None
    try:
        return backups, Room(data.resolve(), unprivileged_account())
    except CannotServeError as error:
        raise refuse(str(error)) from None


def _word(file: Path | None) -> str | None:
    """The passphrase of the file, else of the environment; None where neither is given, which means not sealed.

    An empty one is refused: it is a secret that failed to arrive, and not the wish to go without a seal.
    """
    if file is None:
        word = os.environ.get(_WORD)
        if word is not None and not word.strip():
            raise refuse(f"{_WORD} is set and empty; set a passphrase, or unset it for a backup that is not sealed")
        return word
    try:
        word = file.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise refuse(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise refuse(f"{file} is not UTF-8 text; write the passphrase into it") from None
    if not word:
        raise refuse(f"{file} is empty; write the passphrase into it, or leave --passphrase-file out")
    return word
