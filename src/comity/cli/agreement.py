"""`comity agreement`: what a book's agreement says on a day, how it changed, and a change of it by hand."""

import json
import sys
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from comity.cli.review import Language, deliver, readers_language, refuse

if TYPE_CHECKING:
    from comity.book.agreement import AgreedChange
    from comity.core.agreements.text import Difference, Text

_Book = Annotated[Path, typer.Argument(help="The book: a folder with a book.toml.", show_default=False)]
_Known = Annotated[
    int | None, typer.Option(help="As it was known at this place of the agreement (default: all).", show_default=False)
]


class TextForm(StrEnum):
    """How a text is written."""

    TOML = "toml"
    JSON = "json"
    PDF = "pdf"


class By(StrEnum):
    """Whose change it is."""

    CUSTOMER = "customer"
    PROVIDER = "provider"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    agreement = typer.Typer(help="Show, check, export, import and compare a book's agreement.", no_args_is_help=True)
    for command in (begin, show, check, export, diff):
        agreement.command(command.__name__)(command)
    agreement.command("import")(import_text)
    app.add_typer(agreement, name="agreement")


def begin(book: _Book) -> None:
    """Make the agreement of a book from the [[kpi]] of its book.toml, which go into the folder agreement/."""
    from comity.book.amend import begin_from_kpis  # noqa: PLC0415 - late, for a quick cold start
    from comity.book.errors import UnusableFileError  # noqa: PLC0415 - late, as above
    from comity.book.storage.commit import BusyBookError  # noqa: PLC0415 - late, as above

    try:
        changes = begin_from_kpis(book)
    except (UnusableFileError, BusyBookError) as error:
        raise refuse(str(error)) from None
    if not changes:
        raise refuse(f"{book}: its book.toml has no [[kpi]]; write a text and take it in with comity agreement import")
    for change in changes:
        typer.echo(f"change {change.number}, from {change.proposal.change.span.first_day}: {_edits(change)}")


def show(
    book: _Book,
    on: Annotated[str | None, typer.Option(help="The day, as 2026-01-31 (default: today).", show_default=False)] = None,
    known: _Known = None,
) -> None:
    """Show the text of a day, by which changes it reads so, and what is agreed for later days."""
    from comity.book.agreement_toml import text_toml  # noqa: PLC0415 - late, as above
    from comity.core.agreements.text import text  # noqa: PLC0415 - late, as above

    day, changes = _day(on), _changes(book)
    entries = [entry for entry in _chain(changes) if known is None or entry.place <= known]
    typer.echo(f"# The text of {day}, of {len(entries)} {'change' if len(entries) == 1 else 'changes'}.")
    for change in changes:
        span = change.proposal.change.span
        if known is not None and change.place > known:
            continue
        until = "" if span.end is None else f" up to {span.end}"
        state = "in force" if day in span else "later" if span.first_day > day else "ended"
        signed = "" if change.is_agreed else ", not agreed by both"
        title = change.proposal.says.get("title", "")
        typer.echo(
            f"# Change {change.number}, place {change.place}, from {span.first_day}{until}, {state}{signed}: {title}"
        )
    typer.echo(text_toml(text(entries, day)), nl=False)


def check(book: _Book) -> None:
    """Check each change: that it is as it was signed, and could be agreed after those before it."""
    from comity.book.agreement import problems_of  # noqa: PLC0415 - late, as above

    changes = _changes(book)
    problems = problems_of(changes)
    for number, message in problems:
        typer.echo(f"change {number}: {message}")
    unsigned = [change.number for change in changes if not change.is_agreed]
    if unsigned:
        typer.echo(f"not agreed by both: {', '.join(map(str, unsigned))}")
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{len(changes)} changes, each as it was agreed")


def export(  # noqa: PLR0913 - the options of a command
    book: _Book,
    form: Annotated[TextForm, typer.Option("--format", "-f", help="Output format.")] = TextForm.TOML,
    on: Annotated[str | None, typer.Option(help="The day, as 2026-01-31 (default: today).", show_default=False)] = None,
    known: _Known = None,
    compare: Annotated[
        str | None, typer.Option(help="PDF only: add what differs from the text of this day.", show_default=False)
    ] = None,
    compare_known: Annotated[
        int | None, typer.Option(help="PDF only: that text as known at this place (default: all).", show_default=False)
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="PDF only: en or es (default: from your environment).")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Output file.")] = None,
) -> None:
    """Write the text of a day, to read it on paper, to change it, or to compute its digest elsewhere."""
    from comity.book.agreement_toml import text_toml  # noqa: PLC0415 - late, as above
    from comity.core.agreements.canonical import canonical, text_content  # noqa: PLC0415 - late, as above
    from comity.core.agreements.text import text  # noqa: PLC0415 - late, as above

    if form is not TextForm.PDF and (compare is not None or compare_known is not None):
        raise refuse("only a PDF holds a difference; add --format pdf, or use comity agreement diff")
    changes, day = _changes(book), _day(on)
    if form is TextForm.PDF:
        if output is None and sys.stdout.isatty():
            raise refuse("a PDF is a binary format; give the file with -o")
        compared = None if compare is None and compare_known is None else (_day(compare or on), compare_known)
        chosen = (language or readers_language()).value
        deliver(_pdf(book, changes, (day, known), compared, chosen), output, f"the agreement of {day}")
        return
    read = text(_chain(changes), day, known)
    written = text_toml(read) if form is TextForm.TOML else canonical(text_content(read.clauses))
    deliver(written.encode(), output, f"the agreement of {day}")


def _pdf(
    book: Path,
    changes: "tuple[AgreedChange, ...]",
    asked: tuple[date, int | None],
    compared: tuple[date, int | None] | None,
    language: str,
) -> bytes:
    from comity.apps.agreements.text.papers import Asked, Reader, text_pdf  # noqa: PLC0415 - late, as above
    from comity.apps.i18n import words_for  # noqa: PLC0415 - late, as above
    from comity.book.definition import read_definition  # noqa: PLC0415 - late, as above
    from comity.book.errors import UnusableFileError  # noqa: PLC0415 - late, as above
    from comity.review.render.errors import PdfUnavailableError  # noqa: PLC0415 - late, as above

    try:
        definition = read_definition(book)
        parties = {side: party.name for side, party in definition.parties.items()}
        words = words_for(language)
        reader = Reader(words, parties, definition.timezone, seal=words("seal.home"))
        return text_pdf(
            changes, Asked(*asked), None if compared is None else Asked(*compared), reader, datetime.now(UTC)
        )
    except (UnusableFileError, PdfUnavailableError) as error:
        _refuse(str(error))


def import_text(  # noqa: PLR0913 - the options of a command
    book: _Book,
    file: Annotated[Path, typer.Argument(help="The text as it is to read, as TOML.", show_default=False)],
    first_day: Annotated[str, typer.Option("--from", help="The first day, as 2026-01-31.", show_default=False)],
    title: Annotated[str, typer.Option(help="What the change is about.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why, as a sentence.", show_default=False)],
    end: Annotated[
        str | None, typer.Option("--until", help="The first day without it (default: for good).", show_default=False)
    ] = None,
    agreed_on: Annotated[
        str | None, typer.Option(help="The day on which both sides agreed on paper.", show_default=False)
    ] = None,
    side: Annotated[By, typer.Option("--side", help="Whose change it is.")] = By.CUSTOMER,
    person: Annotated[str, typer.Option("--by", help="Who does it, as the record names them.")] = "the command line",
    instead: Annotated[
        bool | None,
        typer.Option(
            "--instead/--until-then", help="Whether it ends changes it meets (default: ask).", show_default=False
        ),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option(help="Show what would change, and change nothing.")] = False,
) -> None:
    """Take a text in: what differs from the agreement on its first day becomes a change."""
    from comity.book.agreement_toml import parse_text_toml  # noqa: PLC0415 - late, as above
    from comity.book.amend import HomeChange, NothingChangesError, change_to, write_agreed  # noqa: PLC0415 - late, as above
    from comity.book.definition import read_definition  # noqa: PLC0415 - late, as above
    from comity.book.errors import UnusableFileError  # noqa: PLC0415 - late, as above
    from comity.book.storage.commit import BusyBookError, book_lock  # noqa: PLC0415 - late, as above
    from comity.core.values import Side  # noqa: PLC0415 - late, as above

    said = HomeChange(
        title, reason, person, Side(side.value), datetime.now(UTC), _day(first_day),
        None if end is None else _day(end), None if agreed_on is None else _day(agreed_on), instead,
    )  # fmt: skip
    try:
        wanted = parse_text_toml(file.read_text(encoding="utf-8-sig"), file)
        with book_lock(book):
            if read_definition(book).kpis and not _changes(book):
                raise refuse(f"{book}: its book.toml has [[kpi]]; begin with comity agreement begin {book}")
            change = change_to(book, wanted, said)
            if not dry_run:
                write_agreed(book, change)
    except NothingChangesError:
        typer.echo(f"{file}: says what the agreement says on {said.first_day}; nothing changed")
        return
    except OSError as error:
        raise refuse(f"{file} cannot be read: {error.strerror}") from None
    except (UnusableFileError, BusyBookError, UnicodeDecodeError) as error:
        raise refuse(str(error)) from None
    state = "would be" if dry_run else "is"
    signed = "" if change.is_agreed else "; it counts as not agreed until --agreed-on names the day"
    typer.echo(f"change {change.number} {state} written: {_edits(change)}{signed}")


def diff(
    book: _Book,
    before: Annotated[str, typer.Argument(help="A day, as 2026-01-31.", show_default=False)],
    after: Annotated[str, typer.Argument(help="Another day.", show_default=False)],
    known: _Known = None,
) -> None:
    """Show what the texts of two days say otherwise."""
    from comity.core.agreements.text import difference, text  # noqa: PLC0415 - late, as above

    entries = _chain(_changes(book))
    first, second = (text(entries, _day(day), known) for day in (before, after))
    found = difference(first, second)
    for one in found:
        typer.echo(_difference(one, first, second))
    if not found:
        typer.echo(f"the texts of {before} and {after} are the same")


def _difference(one: "Difference", first: "Text", second: "Text") -> str:
    if not one.field:
        clause = (second if one.after else first).get(one.clause)
        title = "" if clause is None else clause.fields.get("title", "")
        return f"{one.clause} ({one.kind}{f', {title}' if title else ''}): {'added' if one.after else 'removed'}"
    return f"{one.clause}.{one.field}: {_value(one.before)} -> {_value(one.after)}"


def _value(value: object) -> str:
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _edits(change: "AgreedChange") -> str:
    from comity.core.agreements.changes import AddClause, RemoveClause  # noqa: PLC0415 - late, as above

    names = []
    for edit in change.proposal.change.edits:
        if isinstance(edit, AddClause):
            names.append(f"{edit.clause} added")
        elif isinstance(edit, RemoveClause):
            names.append(f"{edit.clause} removed")
        else:
            names.append(f"{edit.clause}.{edit.field} = {_value(edit.value)}")
    return ", ".join(names)


def _changes(book: Path) -> "tuple[AgreedChange, ...]":
    from comity.book.agreement import UnusableAgreementError, agreed_changes  # noqa: PLC0415 - late, as above

    if not book.is_dir():
        _refuse(f"{book} is not a folder; a book is a folder with a book.toml that says whose it is")
    try:
        return agreed_changes(book)
    except UnusableAgreementError as error:
        _refuse(str(error))


def _chain(changes: "tuple[AgreedChange, ...]") -> list:  # type: ignore[type-arg]  # of entries
    from comity.book.agreement import chain_of  # noqa: PLC0415 - late, as above

    return chain_of(changes)


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).astimezone().date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        _refuse(f"{text!r} is no day; write it as 2026-01-31")


def _refuse(message: str) -> NoReturn:
    raise refuse(message)
