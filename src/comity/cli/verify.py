"""`comity verify`: whether a record that was taken out of a room is as it was made, without the room."""

import json
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.review import refuse

_SCHEMA = "comity.record/1"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify)


def verify(
    file: Annotated[Path, typer.Argument(help="A record.json, as the room gives it out.", show_default=False)],
    head: Annotated[
        str | None, typer.Option(help="A digest that you kept earlier: it has to be one of these.", show_default=False)
    ] = None,
) -> None:
    """Say whether any entry of a record was changed, taken out or put in between; exit 1 when one was."""
    from comity.core.chain import BrokenChainError, Entry  # noqa: PLC0415 - late, for a quick cold start
    from comity.core.chain import verify as checked  # noqa: PLC0415 - as above

    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(told, dict) or told.get("schema") != _SCHEMA:
            raise refuse(f"{file} is no record; it has to say schema {_SCHEMA}")
        entries = [Entry(one["number"], one["content"], one["previous"], one["digest"]) for one in told["entries"]]
        last = checked(entries, head)
    except OSError as error:
        raise refuse(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        if isinstance(error, BrokenChainError):
            typer.echo(f"{file}: {error}", err=True)
            raise typer.Exit(1) from None
        raise refuse(f"{file} is no record: {error}") from None
    periods = ", ".join(dict.fromkeys(str(entry.content.get("period", "?")) for entry in entries))
    typer.echo(f"{file}: {len(entries)} entries ({periods or 'none'}), each as it was made; the last digest is {last}")
