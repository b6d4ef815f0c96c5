"""`comity serve`: the shared room, with a database of its own or another one."""

import os
import stat
import sys
from pathlib import Path
from typing import Annotated

import typer

from comity.cli.review import refuse

ROOM = Path.home() / ".local" / "share" / "comity"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(  # noqa: PLR0913 - one parameter an option
    data: Annotated[Path, typer.Option(help="Folder for the data of the room.")] = ROOM,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Number of worker processes.")] = 2,
    demo: Annotated[
        Path | None, typer.Option(help="Fill an empty room from this simulated book, and print logins.")
    ] = None,
    watch: Annotated[
        Path | None, typer.Option(help="Folder in which each side's own system leaves files, by SFTP for instance.")
    ] = None,
    watch_imports: Annotated[  # noqa: FBT002 - as typer takes a flag
        bool,
        typer.Option(help="Import files of that folder that are in one known format without asking anybody."),
    ] = False,
) -> None:
    """Serve the shared room until it is stopped with Ctrl+C."""
    try:
        from comity.web.server import CannotServeError, Room, unprivileged_account  # noqa: PLC0415 - brings the web in
        from comity.web.server import serve as serving  # noqa: PLC0415 - as above
    except ModuleNotFoundError as error:
        raise refuse(f"{error.name} is not installed; run: pip install 'comity[room]'") from None
    if demo is None and os.getuid() == 0:
        raise refuse(_not_as_root())
    try:
        room = Room(data.resolve(), unprivileged_account() if demo is not None else None)

        def ready(address: str, first: str) -> None:
            if demo is not None:
                _logins(room.data)
            typer.echo(f"\nThe room is open:  {address}")
            if first:
                typer.echo(f"Nobody has an account yet. Create the first one within 24 hours:\n  {first}")
            typer.echo("Ctrl+C closes it.")
            sys.stdout.flush()

        if watch is not None:
            if not watch.is_dir():
                raise refuse(f"{watch} is no folder; make it, and let the account of the room write there")
            os.environ |= {"COMITY_WATCH": str(watch.resolve()), "COMITY_WATCH_IMPORTS": "1" if watch_imports else ""}
        serving(room, host, port, workers, ready, demo, lambda step: typer.echo(f"{step} ..."))
    except CannotServeError as error:
        raise refuse(str(error)) from None


def _logins(data: Path) -> None:
    from comity.web.demo import PASSWORD, logins  # noqa: PLC0415 - late
    from comity.web.demo_files import next_month_files  # noqa: PLC0415 - late

    typer.echo(f"\nSign in, each with the password {PASSWORD}:")
    for address, who in logins():
        typer.echo(f"  {address:24} {who}")
    files = next_month_files(data)
    if files:
        typer.echo("\nLast month's files, which Records offers each side for import too:")
        for file in files:
            typer.echo(f"  {file}")


def _is_open(folder: Path) -> bool:
    """Whether every account may go through a folder."""
    return bool(folder.stat().st_mode & stat.S_IXOTH)


def _install_anew(command: Path) -> list[str]:
    """The commands by which what lies where few may read is installed where every account may."""
    project = command.parents[2] if len(command.parents) > 2 else command.parent  # noqa: PLR2004 - of .venv/bin/comity
    if not (project / "Makefile").is_file():
        return ["  /usr/bin/python3 -m venv /opt/comity", "  /opt/comity/bin/pip install 'comity[room]'"]
    is_open = all(map(_is_open, (project, *project.parents)))
    place = project if is_open else Path("/opt/comity")
    first = f"rm -r {place}/.venv" if is_open else f"cp -r {project} {place}"
    return [f"  {first}", f"  PYTHON=/usr/bin/python3 make -C {place} setup"]


def _not_as_root() -> str:
    """Say how an account of its own serves the room, with the path of this very command."""
    command = Path(sys.argv[0]).resolve()
    lines = [
        "do not run as root; make an account of its own and serve as it:",
        "  useradd --system --create-home --shell /usr/sbin/nologin comity",
        f"  runuser -u comity -- {command} serve --data ~comity/room",
    ]
    python = Path(sys.executable).resolve()
    closed = next((one for one in (*command.parents, *python.parents) if not _is_open(one)), None)
    if closed is not None:
        lines += [f"that account cannot read {closed}, in which Comity or its Python lies; install it anew:"]
        lines += _install_anew(command)
    return "\n".join(lines)
