"""`comity check`, `import`, `diff`, `undo`, `forget`: records into a book, and what became of them."""

import getpass
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from comity.cli.review import View, refuse
from comity.core.agreements.kpi import RECORDS
from comity.core.record_choice import Why

if TYPE_CHECKING:
    from comity.book.importing.deliver import ImportRequest, Outcome, Progress
    from comity.book.importing.diff import ImportDifference
    from comity.book.reading.open import Book
    from comity.book.storage.journal import ImportRecord
    from comity.book.validation.rejects import Reject
    from comity.core.values import Side

REJECTS = 1
_LONGEST = 2000  # signs of a message, whatever a file has for a header
_ENGINES = frozenset({"duckdb", "_duckdb", "pyarrow"})  # a damaged file may upset them, and so may a full disk
_DRY_ROWS = 10_000  # of a source that a dry run looks at
_AFTER_REFUSAL = (
    "; --dry-run shows all of them; leave out what is no record by [[totals]] or [[rows]] of the mapping, mend the "
    "file, or import the other rows with --max-rejects 1"
)
_ALIKE = 3  # of rejects that say the same
_FIRST = 20  # rejects that are listed on the terminal; the JSON has them all


class Form(StrEnum):
    """How it is told."""

    TERMINAL = "terminal"
    JSON = "json"


BookArgument = Annotated[Path, typer.Argument(help="The book: a folder with a book.toml.", show_default=False)]
FormOption = Annotated[Form, typer.Option("--format", "-f", help="Output format.")]
ViewOption = Annotated[View, typer.Option("--as", help="Whose view to show; joint shows shared data only.")]
WithOption = Annotated[
    Path | None, typer.Option("--with", help="A folder with your own side's private tables.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("check")(check)
    app.command("import")(import_)
    app.command("diff")(diff)
    app.command("undo")(undo)
    app.command("forget")(forget)


def check(
    book: BookArgument,
    form: FormOption = Form.TERMINAL,
    view: ViewOption = View.JOINT,
    private: WithOption = None,
) -> None:
    """Check a book and list its tables and rejected rows; exit 1 when there are any."""
    from comity.book.logos import logo_notes  # noqa: PLC0415 - late, as above
    from comity.book.reading.open import home_viewer, open_book  # noqa: PLC0415 - late, as above
    from comity.book.reading.origins import origins  # noqa: PLC0415 - late, for a quick cold start

    with _refusing(), open_book(book, home_viewer(book, _side(view)), private) as opened:
        found = origins(opened)
        tables = [
            {
                "table": origin.table,
                "rows": origin.rows,
                "rejected": opened.holdings[origin.table].rejected,
                "imports": len(origin.deliveries),
                "files": list(origin.files),
                "notes": [*_implausible(opened, origin.table), *opened.holdings[origin.table].notes],
                "rejects": [asdict(reject) for reject in opened.rejects(origin.table)],
            }
            for origin in found
        ]
        name, logos = opened.definition.name, list(logo_notes(book))
        kpis = _counted_from(opened)
    rejected = sum(int(str(one["rejected"])) for one in tables)
    if form is Form.JSON:
        _tell_json({"book": name, "tables": tables, "kpis": kpis, "rejected": rejected, "logos": logos})
    else:
        typer.echo(f"{_plain(name)}: {_count(len(tables), 'table')}, {_count(rejected, 'row')} rejected")
        for one in tables:
            typer.echo(f"  {one['table']:<10} {one['rows']:>12,} rows   {one['rejected']:>8,} rejected")
            for note in one["notes"]:  # type: ignore[attr-defined]  # a list, as built above
                typer.echo(f"      {_plain(str(note))}")
            for reject in one["rejects"][:_FIRST]:  # type: ignore[index]  # a list, as built above
                typer.echo(f"      {_line(reject)}")
        for note in logos:
            typer.echo(f"  {_plain(note)}")
        for kpi in kpis:
            typer.echo(f"  {_plain(str(kpi['kpi']))}: {kpi['said']}")
    if rejected:
        raise typer.Exit(REJECTS)


_WHY_COUNTED = {
    Why.AGREED: "as the KPI says",
    Why.ANSWERS: "the {beside} do not tell what it counts",
    Why.COVERS: "the {beside} do not cover the period",
    Why.DELIVERED: "both sides agreed on their delivery",
    Why.QUEUES: "the {beside} tell of fewer of its queues",
    Why.GAVE_UP: "the {beside} do not tell who gave up",
    Why.COVERS_BOTH: "the {beside} do not cover the period compared with",
    Why.EACH_CONTACT: "each of them can be opened",
}


def _counted_from(opened: "Book") -> list[dict[str, object]]:
    """From which records each KPI is counted that contacts and intervals of this book both could answer.

    As a review of the last whole period has it.
    """
    from comity.book.statistics.record_choice import record_choice  # noqa: PLC0415 - late, for a quick cold start
    from comity.review.periods import recorded_periods  # noqa: PLC0415 - late, as above

    if not opened.has(*RECORDS):
        return []
    definition = opened.definition
    last = recorded_periods(opened, datetime.now(UTC).date())[-1:]
    opened.asked = tuple(
        one for calendar, period in last for one in (period, calendar.against(period, definition.against))
    )
    said: list[dict[str, object]] = []
    for kpi in {kpi.id: kpi for kpi in definition.kpis}.values():
        choice = record_choice(opened, kpi)
        if choice is None or choice.beside is None:
            continue
        text = f"counted from {choice.table}: {_WHY_COUNTED[choice.why].format(beside=choice.beside)}"
        if choice.beside_queues:
            text += f"; not counted: {choice.beside} of {_plain(', '.join(choice.beside_queues))}"
        said.append(
            {
                "kpi": kpi.id,
                "counted_from": choice.table,
                "why": choice.why.value,
                "not_counted": choice.beside,
                "said": text,
            }
        )
    return said


def _implausible(opened: "Book", table: str) -> list[str]:
    """What rows of a table hardly can be, as far as this viewer may know them."""
    from comity.book.tables import EVERY_TABLE  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.validation.plausible import implausible  # noqa: PLC0415 - late, as above

    rows = f'"{table}"'
    return list(implausible(opened.cursor(), rows, EVERY_TABLE[table], opened.definition, datetime.now(UTC).date()))


def import_(  # noqa: PLR0913 - the options of a command
    into: Annotated[Path, typer.Option("--into", help="The book, or a routes.toml.", show_default=False)],
    source: Annotated[Path | None, typer.Argument(help="The file to import.", show_default=False)] = None,
    mapping: Annotated[
        str | None,
        typer.Option("--as", help="A shipped mapping, a mapping's file, or a table's name.", show_default=False),
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help=r"Import every \[\[source]] of book.toml that has a path.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look at the first 10,000 rows, show some, and change nothing.")
    ] = False,
    all_rows: Annotated[bool, typer.Option("--all-rows", help="With --dry-run: look at every row.")] = False,
    max_rejects: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Largest share of rejected rows allowed.")
    ] = 0.05,
    again: Annotated[
        bool, typer.Option("--again", help="Import a file again whose rows something else has changed since.")
    ] = False,
    form: FormOption = Form.TERMINAL,
    by: Annotated[str | None, typer.Option("--by", help="Who imports it (default: you).", show_default=False)] = None,
) -> None:
    """Import records: map them, check each row, store all in one step; exit 1 when rows were rejected."""
    if every == (source is not None):
        raise refuse("give a file and its format with --as, or import every source of the book with --all")
    if source is not None and mapping is None:
        raise refuse(f"give the format of {source} with --as; `comity mapping list` shows the known formats")
    if all_rows and not dry_run:
        raise refuse("--all-rows goes with --dry-run; an import always takes every row")
    if math.isnan(max_rejects):
        raise refuse("--max-rejects is a share from 0 to 1")
    from comity.book.importing.deliver import ImportRequest  # noqa: PLC0415 - late, for a quick cold start

    who, now = by or _user(), datetime.now(UTC)
    outcomes: list[Outcome] = []
    unrouted: list[Reject] = []
    with _refusing():
        for file, named in _wanted(into, source, mapping):
            most = None if all_rows else _DRY_ROWS
            request = ImportRequest(who, now, max_rejects=max_rejects, dry_run=dry_run, again=again, most_rows=most)
            made, nobodys = _one(into, file, named, request)
            outcomes += made
            unrouted += nobodys
            for outcome in made if form is Form.TERMINAL else ():  # at once: the next file may be of no use
                _tell(outcome, into)
    if form is Form.JSON:
        told = {"unrouted": [asdict(reject) for reject in unrouted]} if unrouted else {}
        _tell_json({"imports": [_as_json(outcome) for outcome in outcomes], **told})
    if unrouted or any(outcome.delivery.rejected for outcome in outcomes):
        raise typer.Exit(REJECTS)


def diff(
    book: BookArgument,
    table: Annotated[str | None, typer.Option(help="One table (default: all).", show_default=False)] = None,
    number: Annotated[int | None, typer.Option("--import", help="Number of the import (default: the last).")] = None,
    form: FormOption = Form.TERMINAL,
    view: ViewOption = View.JOINT,
) -> None:
    """Show what an import changed: rows by month, and columns."""
    from comity.book.importing.diff import import_difference, imports_of  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.reading.open import home_viewer, open_book  # noqa: PLC0415 - late, as above

    found = []
    with _refusing(), open_book(book, home_viewer(book, _side(view))) as opened:
        if table is not None and table not in opened.holdings:
            raise refuse(f"{book}: has no table {table}; it has {', '.join(opened.holdings) or 'none'}")
        for holding in opened:
            if table is not None and holding.table.name != table:
                continue
            chosen = [one for one in imports_of(opened, holding.table.name) if number in {None, one.number}]
            if chosen:
                found.append(import_difference(opened, holding.table, chosen[-1]))
    if form is Form.JSON:
        _tell_json({"differences": [asdict(one) for one in found]})
        return
    if not found:
        said = "no import has been made" if number is None else f"there is no import {number}"
        typer.echo(f"{_plain(str(book))}: {said}")
    for one in found:
        _tell_difference(one)


def undo(
    book: BookArgument,
    table: Annotated[str, typer.Argument(help="The table whose last import is taken back.", show_default=False)],
    form: FormOption = Form.TERMINAL,
) -> None:
    """Take the last import into a table back: its rows go, and what it changed or withdrew comes back as it was."""
    from comity.book.importing.current import current_table  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.importing.undo import NotTheLastError, undo_import  # noqa: PLC0415 - late, as above
    from comity.book.tables import TABLES  # noqa: PLC0415 - late, as above

    if table not in TABLES:
        raise refuse(f"there is no table {table!r}; it may be one of {', '.join(TABLES)}")
    with _refusing():
        _refuse_no_book(book)
        last = max(current_table(book, TABLES[table]).deliveries, key=lambda one: one.number, default=None)
        if last is None:
            raise refuse(f"{book}: no import into {table} can be taken back")
        try:
            undone = undo_import(book, table, last.number, digest=last.digest)
        except NotTheLastError as error:
            raise refuse(str(error)) from None
        beside = [
            name
            for name, other in TABLES.items()
            if name != table and any(one.digest == last.digest for one in current_table(book, other).deliveries[-1:])
        ]
    if form is Form.JSON:
        _tell_json({"undone": asdict(last), "gone": undone.gone, "back": undone.back, "beside": beside})
        return
    came = f"import {last.number} ({_plain(last.file)}, {last.at:%Y-%m-%d %H:%M} by {_plain(last.by)})"
    gone, back = _count(undone.gone, "row"), _count(undone.back, "row")
    typer.echo(f"{table}: {came} taken back: {gone} of it gone, {back} put back as before")
    for name in beside:
        typer.echo(f"  the same file went into {name} too: comity undo {_plain(str(book))} {name}")


def _refuse_no_book(book: Path) -> None:
    """Refuse a folder that is no book before anything of it is looked at."""
    from comity.book.definition import read_definition  # noqa: PLC0415 - late, for a quick cold start

    read_definition(book)


def forget(
    person: Annotated[str, typer.Argument(help="ID of the person, as written in the sources.", show_default=False)],
    book: Annotated[Path, typer.Option("--from", help="The book.", show_default=False)],
    form: FormOption = Form.TERMINAL,
) -> None:
    """Make a person's rows anonymous in a book; the figures do not change."""
    from comity.book.importing.forget import forget_person  # noqa: PLC0415 - late, for a quick cold start

    with _refusing():
        found = forget_person(book, person)
    if form is Form.JSON:
        _tell_json({"forgotten": [asdict(one) for one in found]})
    elif not found:
        typer.echo("the book has no rows of this person")
    else:
        typer.echo(", ".join(f"{one.table}: {_count(one.rows, 'row')}" for one in found))


def _tell_difference(one: "ImportDifference") -> None:
    came = one.delivery
    typer.echo(f"{one.table}, import {came.number}: {_plain(came.file)} on {came.at:%Y-%m-%d %H:%M} by {came.by}")
    for month in one.months:
        if month.new or month.updated or month.withdrawn or month.moved_here:
            counts = f"{month.new:>10,} new {month.updated:>10,} updated {month.withdrawn:>10,} withdrawn"
            if month.moved_here:
                counts += f" ({month.moved_here:,} moved here from another month)"
            typer.echo(f"  {month.month:<9}{counts}")
    for column, rows in one.columns.items():
        typer.echo(f"  {column} changed in {_count(rows, 'row')}")


def _side(view: View) -> "Side | None":
    from comity.core.values import Side  # noqa: PLC0415 - late, for a quick cold start

    return None if view is View.JOINT else Side(view.value)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user on this machine; which error depends on the system
        return "somebody"


def _wanted(book: Path, source: Path | None, mapping: str | None) -> Iterator[tuple[Path, str]]:
    """The files to bring in, each with its mapping's name."""
    if source is not None and mapping is not None:
        yield source, mapping
        return
    from comity.book.definition import read_definition  # noqa: PLC0415 - late, for a quick cold start

    with_path = [one for one in read_definition(book).sources if one.path is not None]
    if not with_path:
        raise refuse(f"{book}: no [[source]] of book.toml has a path; write path and as under each")
    for one in with_path:
        pattern = book / str(one.path)
        try:
            files = sorted(pattern.parent.glob(pattern.name)) if "*" in pattern.name else [pattern]
        except ValueError as error:
            raise refuse(f"{book}: source.path {one.path!r}: {error}") from None
        if not files:
            typer.echo(f"{_plain(str(pattern))}: the file does not exist yet", err=True)
        own = book / one.mapping if one.mapping and one.mapping.endswith(".toml") else None
        for file in files:
            yield file, str(own) if own is not None else one.mapping or one.table


def _one(into: Path, file: Path, named: str, request: "ImportRequest") -> "tuple[list[Outcome], tuple[Reject, ...]]":
    from comity.book.importing.deliver import import_tables  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.importing.route import import_routed  # noqa: PLC0415 - late, as above
    from comity.book.mappings.parse import read_mapping  # noqa: PLC0415 - late, as above

    with _progress(file.name) as progress:
        if into.suffix == ".toml":
            routed = import_routed(
                into,
                file,
                read_mapping(named),
                request,
                progress=progress,
            )
            for reject in routed.unrouted[:_FIRST]:
                typer.echo(_plain(str(reject)), err=True)
            if routed.unrouted:
                typer.echo(f"{_count(len(routed.unrouted), 'row')} belong to no book, or to two", err=True)
            return [*routed.outcomes, *routed.further], routed.unrouted
        return list(import_tables(into, file, read_mapping(named), request, progress)), ()


@contextmanager
def _refusing() -> "Iterator[None]":
    """Every error that people's data may cause, as one line on standard error and exit 2."""
    from comity.book.definition import UnusableBookError  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.formats.sheet import UnusableSourceError  # noqa: PLC0415 - late, as above
    from comity.book.importing.deliver import RefusedError  # noqa: PLC0415 - late, as above
    from comity.book.mappings.model import UnusableMappingError  # noqa: PLC0415 - late, as above
    from comity.book.storage.commit import BusyBookError  # noqa: PLC0415 - late, as above

    try:
        yield
    except RefusedError as error:
        raise refuse(_plain(" ".join(f"{error}{_AFTER_REFUSAL}".split()))[:_LONGEST]) from None
    except (UnusableBookError, UnusableMappingError, UnusableSourceError, BusyBookError) as error:
        raise refuse(_plain(" ".join(str(error).split()))[:_LONGEST]) from None
    except BrokenPipeError:  # who reads along has seen enough
        raise
    except OSError as error:
        what = f"{error.filename}: " if error.filename else ""
        raise refuse(_plain(f"{what}{error.strerror or error}")) from None
    except UnicodeEncodeError as error:
        raise refuse(f"{ascii(error.object)[:_LONGEST]}: the file name is not UTF-8; rename the file") from None
    except MemoryError:
        raise refuse("not enough memory") from None
    except Exception as error:
        if type(error).__module__.split(".")[0] not in _ENGINES:
            raise
        said = _plain(" ".join(str(error).split()))[:_LONGEST]
        raise refuse(f"the records cannot be read or written: {said}") from None


@contextmanager
def _progress(name: str) -> "Iterator[Progress]":
    """A line on standard error that counts rows, where somebody watches."""
    from comity.book.importing.deliver import no_progress  # noqa: PLC0415 - late, for a quick cold start

    if not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console  # noqa: PLC0415 - late, for a quick cold start
    from rich.progress import Progress as Bar  # noqa: PLC0415 - late, as above
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415 - late, as above

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name, total=None)
        yield lambda rows: bar.advance(task, rows)


def _tell_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


def _as_json(outcome: "Outcome") -> dict[str, object]:
    told = asdict(outcome)
    told["by_reason"] = [
        {"column": column, "reason": reason, "rows": rows} for (column, reason), rows in outcome.by_reason.items()
    ]
    return told


def _tell(outcome: "Outcome", into: Path) -> None:
    came = outcome.delivery
    file = _plain(came.file)
    if outcome.already is not None:
        before = outcome.already
        typer.echo(f"{file}: already imported into {outcome.table} on {before.at:%Y-%m-%d %H:%M}; nothing changed")
        if outcome.differing:
            differing = f"{_count(outcome.differing, 'row')} of it {'is' if outcome.differing == 1 else 'are'}"
            undo = (
                "" if into.suffix == ".toml" else f"; `comity undo {_plain(str(into))} {outcome.table}` takes it back"
            )
            typer.echo(
                f"  {differing} no longer in the book as this file says, because of what was imported since{undo}; "
                "--again imports this file once more"
            )
        return
    for row in outcome.first_rows:
        typer.echo("  " + ", ".join(f"{name}={_plain(value)}" for name, value in row.items()))
    if outcome.dry_run:
        typer.echo(f"{file}: {_looked_at(outcome)} for {outcome.table}, {came.rejected:,} would be rejected")
    else:
        typer.echo(
            f"{file}: {_count(came.rows_in, 'row')} for {outcome.table}: {came.new:,} new, "
            f"{came.unchanged:,} unchanged, {came.updated:,} updated, {came.withdrawn:,} withdrawn, "
            f"{came.rejected:,} rejected{_in_short(came)}",
        )
    if came.updated and not came.has_update_times:
        typer.echo("  the file bears no update times: where it differs from an earlier import, the later one counts")
    for note in (*outcome.notes, *_uncounted(outcome)):
        typer.echo(f"  {_plain(note)}")
    for (column, reason), rows in outcome.by_reason.items():
        typer.echo(_plain(f"  {rows:>8,}  {column + ': ' if column else ''}{reason}"))
    shown: Counter[tuple[str, str, str]] = Counter()
    for reject in outcome.rejects:
        shown[reject.column, reject.reason, reject.value] += 1  # the same again and again tells nothing more
        if shown[reject.column, reject.reason, reject.value] <= _ALIKE and shown.total() <= _FIRST:
            typer.echo(f"  {_plain(str(reject))}")


def _uncounted(outcome: "Outcome") -> Iterator[str]:
    """What of a file is in no count, or was taken for nothing."""
    if outcome.in_neither:
        named = ", ".join(f"{name or 'no outcome'} {rows:,}" for name, rows in outcome.in_neither.items())
        contacts = _count(sum(outcome.in_neither.values()), "contact")
        yield f"{contacts} neither answered nor abandoned, in no service level and in no abandonment: {named}"
    for header, words in outcome.read_as_empty.items():
        for word, cells in words.items():
            yield f"{header}: {word!r} taken for no value in {_count(cells, 'row')}"


def _in_short(came: "ImportRecord") -> str:
    """What else a delivery is to be known by, at the end of its first sentence."""
    said = [
        f"{_count(came.contradictory, 'thing')} that contradict each other" if came.contradictory else "",
        f"{_count(came.implausible, 'thing')} that hardly can be" if came.implausible else "",
        f"figures of {_count(came.past_months, 'past month')} change" if came.past_months else "",
    ]
    return "".join(f"; {one}" for one in said if one)


def _looked_at(outcome: "Outcome") -> str:
    """How many rows a dry run looked at, and of about how many where it left some."""
    rows = outcome.delivery.rows_in
    if not outcome.cut_short:
        return _count(rows, "row")
    about = "" if outcome.about_rows is None else f" of about {outcome.about_rows:,}"
    return f"the first {_count(rows, 'row')}{about} (all with --all-rows)"


def _line(reject: "dict[str, object] | Reject") -> str:
    from comity.book.validation.rejects import Reject  # noqa: PLC0415 - late, for a quick cold start

    return _plain(str(reject if isinstance(reject, Reject) else Reject(**reject)))  # type: ignore[arg-type]  # asdict of one


def _plain(text: str) -> str:
    """Text of a file without what would steer a terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
