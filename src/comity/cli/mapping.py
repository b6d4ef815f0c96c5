"""`comity mapping`: which mappings there are, what one says, and a first draft for a file that nobody knows yet."""

from pathlib import Path
from typing import Annotated

import typer

from comity.cli.review import refuse


def register(app: typer.Typer) -> None:
    """Add the commands."""
    mapping = typer.Typer(help="List, show and draft mappings from source columns to tables.", no_args_is_help=True)
    mapping.command("new")(new)
    mapping.command("list")(listed)
    mapping.command("show")(show)
    app.add_typer(mapping, name="mapping")


def new(
    file: Annotated[Path, typer.Argument(help="The file to look at.", show_default=False)],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Output file (default: the terminal).")] = None,
    table: Annotated[
        str | None,
        typer.Option("--table", "-t", help="Table for its rows (default: the best match).", show_default=False),
    ] = None,
) -> None:
    """Look at a file and write a first mapping for it, with what is not sure marked."""
    from comity.book.formats.sheet import UnusableSourceError  # noqa: PLC0415 - late, as above
    from comity.book.mappings.draft import draft_mapping  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.mappings.model import UnusableMappingError  # noqa: PLC0415 - late, as above
    from comity.book.tables import TABLES  # noqa: PLC0415 - late, as above

    if table is not None and table not in TABLES:
        raise refuse(f"there is no table {table!r}; --table takes one of {', '.join(TABLES)}")
    if output is not None and output.exists():
        raise refuse(f"{output} already exists; choose another file with -o or delete it first")
    try:
        made = draft_mapping(file, table)
        if output is not None:
            output.write_text(made, encoding="utf-8")
    except (UnusableSourceError, UnusableMappingError) as error:
        raise refuse(str(error)) from None
    except OSError as error:
        raise refuse(f"{output} cannot be written: {error.strerror}") from None
    if output is None:
        typer.echo(made, nl=False)
    else:
        typer.echo(f"{output}: draft written; check it, then try it with comity import --dry-run", err=True)


def listed() -> None:
    """The shipped mappings: name, table, what each takes."""
    from comity.book.mappings.parse import read_mapping, shipped_mappings  # noqa: PLC0415 - late, for a quick cold start

    mappings = [read_mapping(name) for name in shipped_mappings()]
    names = max(len(mapping.name) for mapping in mappings)
    tables = max(len(mapping.table) for mapping in mappings)
    for mapping in mappings:
        typer.echo(f"{mapping.name:<{names}}  {mapping.table:<{tables}}  {mapping.about}")


def show(name: Annotated[str, typer.Argument(help="A shipped mapping.", show_default=False)]) -> None:
    """The TOML of a shipped mapping: to read, or to begin your own from."""
    from comity.book.mappings.parse import shipped_mappings  # noqa: PLC0415 - late, for a quick cold start

    known = shipped_mappings()
    if name not in known:
        raise refuse(f"there is no shipped mapping {name!r}; choose one of {', '.join(known)}")
    typer.echo(known[name], nl=False)
