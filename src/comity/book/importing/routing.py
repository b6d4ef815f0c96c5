# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""One export that holds several relationships: dated rules say whose each row is, and nobody hears of another's.

`routes.toml`::

    [[route]]
    column = "Account group"     # a column of the source
    is = ["Northwind", "re:NW-.*"]
    book = "northwind"           # a folder, from where routes.toml lies
    valid_from = 2026-01-01      # optional: for rows of this day and later
    valid_to = 2026-07-01        # optional: for rows before this day

A row for which no rule holds, or rules of two books, is set aside in a list that lies beside `routes.toml`.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingOf
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from comity.book import toml
from comity.book.definition import Definition, read_definition
from comity.book.engine import working
from comity.book.importing.applying import Applied, Context, apply
from comity.book.importing.checking import MAX_REJECTS, in_portions
from comity.book.importing.committing import locked
from comity.book.importing.conversions import literal, quoted, value_sql
from comity.book.importing.importing import (
    Outcome,
    Progress,
    Taking,
    columns_of_theirs,
    digest_of_mapping,
    refuse_theirs,
    take,
    unwatched,
)
from comity.book.importing.mapping import Mapping
from comity.book.importing.patterns import flaw
from comity.book.importing.provenance import Delivery
from comity.book.importing.rejects import SCHEMA, Reject, write_rejects
from comity.book.importing.section import ROW, UnusableSourceError
from comity.book.importing.storing import clear, held
from comity.book.raw import something_closed
from comity.book.storage import scan_sql
from comity.book.tables import Kind, Table
from comity.core.values import Side

UNROUTED = "unrouted.parquet"
_CARRIED = "carried:"
_KEYS = {"column", "is", "book", "valid_from", "valid_to"}


@dataclass(frozen=True, slots=True)
class Route:
    """Rows with one of these values in the column, on these days, belong to this book."""

    column: str
    values: tuple[str, ...]
    book: Path
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of an export: an outcome a book, and the rows that belong to none or to two."""

    outcomes: tuple[Outcome, ...]
    unrouted: tuple[Reject, ...]


def read_routes(file: Path) -> tuple[Route, ...]:
    """The rules of a `routes.toml`, in their order.

    :raises UnusableSourceError: naming the file, the rule and the next step
    """
    try:
        content = toml.read(file)
    except OSError as error:
        msg = f"{file}: cannot be read: {error.strerror or error}"
        raise UnusableSourceError(msg) from None
    except toml.UnreadableTomlError as error:
        msg = f"{file}: {error}"
        raise UnusableSourceError(msg) from None
    said = content.get("route")
    if not isinstance(said, list) or not said:
        msg = f"{file}: has no [[route]]; write column, is and book under each"
        raise UnusableSourceError(msg)
    return tuple(_route(file, number, item) for number, item in enumerate(said, 1))


def _route(file: Path, number: int, item: Any) -> Route:  # noqa: ANN401 - TOML values
    where = f"{file}: route {number}"
    if not isinstance(item, dict) or set(item) - _KEYS:
        msg = f"{where}: may say {', '.join(sorted(_KEYS))} and nothing else"
        raise UnusableSourceError(msg)
    values = item.get("is")
    listed: list[Any] = (
        [values] if isinstance(values, str) else values if isinstance(values, list) and values else [None]
    )
    texts = [item.get("column"), item.get("book"), *listed]
    if not all(isinstance(text, str) for text in texts):
        msg = f"{where}: column, is and book must be texts (is may be a list of them)"
        raise UnusableSourceError(msg)
    for text in listed:
        against = flaw(text[3:]) if text.startswith("re:") else None
        if against is not None:
            msg = f"{where}: is {text!r} is no pattern that can be used here ({against})"
            raise UnusableSourceError(msg)
    days = [item.get(key) for key in ("valid_from", "valid_to")]
    if not all(day is None or type(day) is date for day in days):
        msg = f"{where}: valid_from and valid_to must be days such as 2026-01-31"
        raise UnusableSourceError(msg)
    return Route(item["column"], tuple(listed), file.parent / item["book"], *days)


def import_routed(  # noqa: PLR0913 - what, by which rules, how, by whom, when
    routes: Path,
    source: Path,
    mapping: Mapping,
    *,
    by: str,
    at: datetime,
    max_rejects: float = MAX_REJECTS,
    dry_run: bool = False,
    progress: Progress = unwatched,
    sides: MappingOf[Path, Side] | None = None,
) -> Routed:
    """Import an export into the books that its rows belong to, each in one step of its own.

    :param sides: on which side of each book whoever brings it stands: what the other side keeps to itself there the
        export neither writes nor meets; None: anybody's

    :raises UnusableSourceError: when the file or the routes cannot be read, or a book refuses its part
    :raises UnusableBookError: when a book cannot be read
    """
    rules = read_routes(routes)
    books = list(dict.fromkeys(rule.book for rule in rules))
    definitions = {book: read_definition(book) for book in books}
    table = mapping.target
    closed = {book: None if sides is None else sides[book].other for book in books}
    for book in books:
        refuse_theirs(source, table, definitions[book], closed[book])
    with ExitStack() as locks, working() as (con, work):
        for book in sorted(books):  # always in the same order, so that two imports cannot wait for each other
            locks.enter_context(locked(book))
        zone = next(iter(definitions.values())).timezone
        applied = apply(mapping, source, Context(zone, tuple(dict.fromkeys(rule.column for rule in rules))))
        staged = _stage(con, applied, rules, books, definitions, table, work, progress)
        unrouted = _unrouted(con, staged, applied, source, rules)
        outcomes = []
        for number, book in enumerate(books):
            folder = work / str(number)
            folder.mkdir()
            clear(book)
            there = held(book, table)
            digest = digest_of_mapping(mapping)
            delivery = Delivery(
                there.next_number, source.name, applied.digest, at, by, mapping.name, digest, window=applied.window
            )
            earlier = there.earlier(delivery.digest, delivery.mapping_digest)
            theirs, shut = columns_of_theirs(table, definitions[book], closed[book]), closed[book]
            # That a file is known would tell that a guess at what the other side keeps is right.
            silent = shut is not None and something_closed(table, definitions[book], shut)
            if earlier is not None and not dry_run and not silent:
                outcomes.append(Outcome(table.name, delivery, already=earlier))
                continue
            taking = Taking(
                replace(applied, last_wins=None) if applied.last_wins in theirs else applied,
                table,
                delivery,
                source.name,
                max_rejects,
                dry_run=dry_run,
                alone=False,
                problems=False,
                closed=shut,
            )
            outcomes.append(take(con, book, definitions[book], taking, _rows_of(con, staged, number, theirs), folder))
    if unrouted and not dry_run:
        _keep_unrouted(routes.with_name(UNROUTED), unrouted)
    return Routed(tuple(outcomes), unrouted)


def _stage(  # noqa: PLR0913 - one step of import_routed
    con: duckdb.DuckDBPyConnection,
    applied: Applied,
    rules: tuple[Route, ...],
    books: list[Path],
    definitions: dict[Path, Definition],
    table: Table,
    folder: Path,
    progress: Progress,
) -> list[Path]:
    """All rows as text, each with the numbers of the books whose rules hold for it."""
    names, portions = in_portions(_passing(applied.batches, progress))
    if names:
        _refuse_absent(rules, names)
    to = [
        f"CASE WHEN {_holds(rule, table, names, definitions[rule.book].timezone)} THEN {books.index(rule.book)} END"
        for rule in (rules if names else ())
    ]
    chosen = f"list_distinct(list_filter([{', '.join(to)}], lambda b: b IS NOT NULL))" if to else "[]::INTEGER[]"
    staged = []
    for number, some in enumerate(portions):
        staged.append(folder / f"routed-{number}.parquet")
        con.register("_export", some)
        try:
            to_file = literal(str(staged[-1]))
            con.execute(f"COPY (SELECT *, {chosen} AS _books FROM _export) TO {to_file} (FORMAT parquet)")
        finally:
            con.unregister("_export")
    return staged


def _passing(batches: Iterator[pa.RecordBatch], progress: Progress) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        progress(batch.num_rows)
        yield batch


def _refuse_absent(rules: tuple[Route, ...], names: set[str]) -> None:
    for rule in rules:
        if f"{_CARRIED}{rule.column}" not in names:
            msg = f"the routes ask for the column {rule.column!r}, which the file does not have"
            raise UnusableSourceError(msg)


def _holds(rule: Route, table: Table, names: set[str], zone: str) -> str:
    cell = f"trim({quoted(_CARRIED + rule.column)})"
    plain = [literal(value) for value in rule.values if not value.startswith("re:")]
    shapes = [f"regexp_full_match({cell}, {literal(value[3:])})" for value in rule.values if value.startswith("re:")]
    known = [f"{cell} IN ({', '.join(plain)})"] if plain else []
    conditions = [f"({' OR '.join(known + shapes)})"]
    if rule.valid_from is not None or rule.valid_to is not None:
        day = _day(table, names, zone)
        if rule.valid_from is not None:
            conditions.append(f"{day} >= DATE '{rule.valid_from}'")
        if rule.valid_to is not None:
            conditions.append(f"{day} < DATE '{rule.valid_to}'")
    return f"coalesce({' AND '.join(conditions)}, false)"


def _day(table: Table, names: set[str], zone: str) -> str:
    """The local day of a row still in text: of its first instant, day or month."""
    for column in table.columns:
        if column.name not in names:
            continue
        value = value_sql(column, f"trim({quoted(column.name)})", zone)
        if column.kind is Kind.INSTANT:
            return f"CAST((({value}) AT TIME ZONE 'UTC' AT TIME ZONE {literal(zone)}) AS DATE)"
        if column.kind in {Kind.DAY, Kind.MONTH}:
            return f"({value})"
    msg = f"the routes are dated, but {table.name} gets no day from this file"
    raise UnusableSourceError(msg)


def _rows_of(
    con: duckdb.DuckDBPyConnection, staged: Sequence[Path], number: int, theirs: frozenset[str]
) -> Iterator[pa.RecordBatch]:
    """The rows of one book, and no other's, without the columns that the other side keeps to itself.

    By a cursor of its own, because checking uses the first.
    """
    left_out = [*_carried(staged), *sorted(theirs.intersection(pq.read_schema(staged[0]).names))]
    sql = (
        f"SELECT * EXCLUDE (_books, {', '.join(map(quoted, left_out))}) "
        f"FROM {scan_sql(*staged)} WHERE _books = [{number}] ORDER BY {ROW}"
    )
    with con.cursor() as cursor:
        yield from cursor.execute(sql).to_arrow_reader(32_768)


def _carried(staged: Sequence[Path]) -> list[str]:
    return [name for name in pq.read_schema(staged[0]).names if name.startswith(_CARRIED)]


def _unrouted(
    con: duckdb.DuckDBPyConnection,
    staged: Sequence[Path],
    applied: Applied,
    source: Path,
    rules: tuple[Route, ...],
) -> tuple[Reject, ...]:
    """Rows of no book or of two, and rows that could not be read: nobody's until a person looks."""
    carried = _carried(staged)
    shown = " || ', ' || ".join(f"coalesce({quoted(name)}, '')" for name in carried) or "''"
    rows = scan_sql(*staged)
    sql = f"SELECT {ROW}, {shown}, len(_books) FROM {rows} WHERE len(_books) <> 1 ORDER BY 1"
    found = con.execute(sql).fetchall()
    problems = applied.problems
    lines = applied.lines([*(row for row, *_ in found), *(problem.row for problem in problems if problem.line is None)])
    columns = ", ".join(dict.fromkeys(rule.column for rule in rules))
    rejects = [
        Reject(
            source.name,
            lines.get(row, row),
            columns,
            value[:200],
            "belongs to two books" if books else "belongs to no book",
        )
        for row, value, books in found
    ]
    rejects += [
        Reject(source.name, one.line or lines.get(one.row, one.row), one.column, one.value[:200], one.reason)
        for one in problems
    ]
    return tuple(rejects)


def _keep_unrouted(target: Path, rejects: tuple[Reject, ...]) -> None:
    rows = [
        {
            "file": r.file,
            "line": r.line,
            "column": r.column,
            "value": r.value,
            "reason": r.reason,
            "owner": None,
            "column_owner": None,
        }
        for r in rejects
    ]
    ready = target.with_suffix(".ready")
    write_rejects(ready, [pa.Table.from_pylist(rows, SCHEMA)])
    ready.replace(target)
