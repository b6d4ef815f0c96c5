"""The commands, over files; a command brings in what it needs when it runs, so that help is quick."""

import importlib
import sys

import typer

app = typer.Typer(
    name="comity",
    help="One record that a services customer and its provider both trust.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Each module adds its commands to the application, in the order of the help.
for _name in (
    "new",
    "tables",
    "example",
    "review",
    "records",
    "mapping",
    "agreement",
    "headline",
    "figures",
    "attribute",
    "staffing",
    "target_cost",
    "simulate",
    "serve",
    "invite",
    "reset",
    "backup",
    "erase",
    "bounce",
    "verify",
    "stamp",
    "doctor",
):
    importlib.import_module(f"comity.cli.{_name}").register(app)


@app.callback(invoke_without_command=True)
def _root(
    *,
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    if version:
        from importlib.metadata import version as installed  # noqa: PLC0415 - late, for a quick cold start

        typer.echo(f"comity {installed('comity')}")
        raise typer.Exit


def main() -> None:
    """Run a command; a pipe that is closed early is no error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")  # Windows consoles are not UTF-8 of themselves
    try:
        app()
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
