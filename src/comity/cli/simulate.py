"""`comity simulate`: a lifelike partnership whose truth is known; and the readings held against such truths."""

import sys
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_UNUSABLE = 2


class Form(StrEnum):
    """What an evaluation is written as."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("simulate")(simulate)


def simulate(  # noqa: PLR0913 - the options of a command
    out: Annotated[
        Path | None, typer.Argument(help="The folder to write the book to; it must not exist yet.", show_default=False)
    ] = None,
    months: Annotated[int, typer.Option(min=1, max=240, help="Number of months.")] = 24,
    contacts_per_day: Annotated[float, typer.Option(min=1, max=500_000, help="Average number, all channels.")] = 2000,
    story: Annotated[str, typer.Option(help="What really happened; `--list` shows all stories.")] = "demo",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same book.")] = 1,
    ends: Annotated[
        str | None, typer.Option(help="Last month, YYYY-MM (default: from the story).", show_default=False)
    ] = None,
    *,
    next_month: Annotated[
        bool,
        typer.Option(
            "--next-month",
            help="Write the month after the last one as files to import; that is the last whole month, unless --ends.",
        ),
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List the stories.")] = False,
    evaluate: Annotated[
        bool, typer.Option("--evaluate", help="Compare the readings with the truth over many seeds.")
    ] = False,
    attribution: Annotated[
        bool, typer.Option("--attribution", help="With --evaluate: compare attribution with planted causes instead.")
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="With --evaluate: number of seeds.")] = 10,
    stories: Annotated[
        str | None, typer.Option(help="With --evaluate: these stories, separated by commas.", show_default=False)
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="With --evaluate: output format.")] = Form.TEXT,
) -> None:
    """Write a simulated book with its truth beside it, or evaluate the readings on many of them."""
    from comity.simulate.book import NotEmptyError  # noqa: PLC0415 - late, for a quick cold start
    from comity.simulate.partnership import TooShortError  # noqa: PLC0415 - late, as above
    from comity.simulate.stories import STORIES, UnknownStoryError  # noqa: PLC0415 - late, as above

    if listing:
        for partnership in STORIES.values():
            typer.echo(f"{partnership.name:<26} {partnership.meaning}")
        return
    try:
        if evaluate and attribution:
            _evaluate_attribution(seeds, form)
        elif evaluate:
            _evaluate(seeds, stories, form)
        elif out is None:
            raise _refuse("give a folder for the book, such as `comity simulate a-book`; or --evaluate")
        else:
            _write(out, months, contacts_per_day, story, seed, ends, next_month=next_month)
    except (NotEmptyError, TooShortError, UnknownStoryError) as error:
        raise _refuse(str(error)) from None
    except BrokenPipeError:  # who reads along has seen enough
        raise
    except OSError as error:
        raise _refuse(f"{error.filename or out} cannot be written: {error.strerror}") from None


def _write(  # noqa: PLR0913 - as above
    out: Path, months: int, contacts_per_day: float, name: str, seed: int, ends: str | None, *, next_month: bool
) -> None:
    from comity.simulate.book import NEXT_MONTH, TRUTH, write_book  # noqa: PLC0415 - late, as above
    from comity.simulate.partnership import last_month_before_files, make_partnership  # noqa: PLC0415 - late, as above
    from comity.simulate.stories import story  # noqa: PLC0415 - late, as above

    chosen = story(name)
    usual = last_month_before_files(date.today()) if next_month else chosen.ends  # noqa: DTZ011 - the day here
    last = usual if ends is None else _month(ends)
    partnership = make_partnership(chosen, seed, months, contacts_per_day, last, next_month=next_month)
    write_book(partnership, out, progress=_progress("day"))
    typer.echo(
        f"{out}: {chosen.name} ({chosen.meaning}), {partnership.first} to {partnership.records_end}; "
        f"truth: {out / TRUTH}"
    )
    if next_month:
        typer.echo(f"the month after it, to import: {out / NEXT_MONTH}")


def _evaluate(seeds: int, only: str | None, form: Form) -> None:
    from comity.simulate.evaluate import evaluate  # noqa: PLC0415 - late, as above
    from comity.simulate.evaluation_report import as_json, as_text  # noqa: PLC0415 - late, as above
    from comity.simulate.stories import STORIES, story  # noqa: PLC0415 - late, as above

    names = [name.strip() for name in only.split(",")] if only else [name for name in STORIES if name != "demo"]
    outcomes = list(evaluate([story(name) for name in names], range(1, seeds + 1), progress=_progress("book")))
    written = as_json(outcomes) if form is Form.JSON else as_text(outcomes, markdown=form is Form.MARKDOWN)
    typer.echo(written, nl=False)


def _evaluate_attribution(seeds: int, form: Form) -> None:
    from comity.simulate.planted_causes import evaluate_scenarios, results_table  # noqa: PLC0415 - late, as above

    if form is Form.JSON:
        raise _refuse("the table of planted causes is written as text or markdown; say --format markdown")
    typer.echo(results_table(evaluate_scenarios(seeds, _progress("quarter")), markdown=form is Form.MARKDOWN), nl=False)


def _progress(unit: str) -> Callable[[int, int], None] | None:
    """A line that counts, for people; nothing for pipes."""
    if not sys.stderr.isatty():
        return None

    def tell(done: int, every: int) -> None:
        typer.echo(f"\r{unit} {done:,} of {every:,}", err=True, nl=done == every)

    return tell


def _month(name: str) -> date:
    try:
        return date.fromisoformat(f"{name}-01")
    except ValueError:
        raise _refuse(f"{name!r} is not a month; write YYYY-MM, such as 2026-06") from None


def _refuse(message: str) -> typer.Exit:
    """One line on standard error, and exit 2."""
    typer.echo(f"comity: {message}", err=True)
    return typer.Exit(_UNUSABLE)
