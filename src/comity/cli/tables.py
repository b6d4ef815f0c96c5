"""`comity tables`: what a book may hold, and what a file of each table looks like."""

import json
import shutil
import textwrap
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from comity.cli.review import refuse

if TYPE_CHECKING:
    from comity.book.tables import Table

_NARROWEST = 40  # of the last column


class Form(StrEnum):
    """How it is told."""

    TERMINAL = "terminal"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tables")(tables)


def tables(
    name: Annotated[str | None, typer.Argument(help="A table (default: all).", show_default=False)] = None,
    *,
    csv: Annotated[bool, typer.Option("--csv", help="Print the header of an empty CSV file of the table.")] = False,
    form: Annotated[Form, typer.Option("--format", "-f", help="Output format.")] = Form.TERMINAL,
) -> None:
    """List the tables of a book, or the columns of one."""
    from comity.book.reference import template  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.tables import EVERY_TABLE  # noqa: PLC0415 - late, as above

    if name is not None and name not in EVERY_TABLE:
        raise refuse(f"there is no table {name!r}; there are {', '.join(EVERY_TABLE)}")
    if csv and name is None:
        raise refuse("--csv prints the header of one table; name it, such as `comity tables invoices --csv`")
    if csv and name is not None and EVERY_TABLE[name].by_room:
        raise refuse(f"the room alone writes {name}; no file comes into it")
    if csv and form is Form.JSON:
        raise refuse("--csv does not go with --format json")
    chosen = list(EVERY_TABLE.values()) if name is None else [EVERY_TABLE[name]]
    if form is Form.JSON:
        typer.echo(json.dumps({"tables": [_as_json(table) for table in chosen]}, indent=2, ensure_ascii=False))
    elif csv:
        typer.echo(template(chosen[0]), nl=False)
    elif name is None:
        _tell_all(chosen)
    else:
        _tell(chosen[0])


def _tell_all(tables: "list[Table]") -> None:
    from comity.book.reference import HOLDER_WORDS  # noqa: PLC0415 - late, as above

    width = max(len(table.name) for table in tables)
    _print_columns(
        [(table.name, HOLDER_WORDS[table.held_by], table.meaning) for table in tables],
        (width, max(len(words) for words in HOLDER_WORDS.values())),
    )
    typer.echo("\nEvery table is optional. `comity tables NAME` lists its columns.")


def _tell(table: "Table") -> None:
    from comity.book.reference import HOLDER_WORDS, KIND_WORDS, column_words, rule_words  # noqa: PLC0415 - late, as above

    typer.echo(f"{table.name}: {table.meaning}")
    held = "Only the room writes it" if table.by_room else f"Usually held by {HOLDER_WORDS[table.held_by]}"
    typer.echo(f"{held}. One row for each {', '.join(table.key)}.")
    typer.echo("A column marked * is required.\n")
    rows = [
        (f"{'*' if column.required else ' '} {column.name}", KIND_WORDS[column.kind], column_words(column))
        for column in table.columns
    ]
    _print_columns(rows, (max(len(row[0]) for row in rows), max(len(row[1]) for row in rows)))
    broken = list(rule_words(table))
    if broken:
        typer.echo(f"\nA row is set aside for: {'; '.join(broken)}.")
    if not table.by_room:
        typer.echo(f"\nAn empty file with this header: comity tables {table.name} --csv > {table.name}.csv")


def _print_columns(rows: list[tuple[str, str, str]], widths: tuple[int, int]) -> None:
    """Three columns, of which the last is wrapped to the terminal."""
    indent = sum(widths) + 4
    width = max(shutil.get_terminal_size().columns - indent, _NARROWEST)
    for first, second, third in rows:
        lines = textwrap.wrap(third, width, break_long_words=False)
        typer.echo(f"{first:<{widths[0]}}  {second:<{widths[1]}}  {lines[0]}")
        for line in lines[1:]:
            typer.echo(" " * indent + line)


def _as_json(table: "Table") -> dict[str, Any]:
    return {
        "name": table.name,
        "meaning": table.meaning,
        "held_by": table.held_by,
        "key": list(table.key),
        "columns": [
            {
                "name": column.name,
                "kind": column.kind.value,
                "meaning": column.meaning,
                "required": column.required,
                "values": list(column.values),
                "default": column.default,
                "personal": column.personal,
            }
            for column in table.columns
        ],
        "rules": [{"column": rule.column, "reason": rule.reason} for rule in table.rules],
    }
