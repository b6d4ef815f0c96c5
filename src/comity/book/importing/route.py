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

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingOf
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from comity.book.definition import Definition, read_definition
from comity.book.formats.sheet import LAST_STATE, ROW, UnusableSourceError
from comity.book.importing.current import current_rows_sql, current_table
from comity.book.importing.deliver import (
    ImportRequest,
    IncomingRows,
    Outcome,
    Progress,
    apply_tables,
    count_differing,
    import_rows,
    no_progress,
    own_pseudonyms,
    refuse_unsure,
)
from comity.book.importing.write import remove_leftovers
from comity.book.mappings.apply import MappedFile, MappingContext, apply_mapping
from comity.book.mappings.digest import mapping_digests
from comity.book.mappings.model import SourceMapping
from comity.book.patterns import pattern_error
from comity.book.storage.atomic import replace_file
from comity.book.storage.commit import book_lock
from comity.book.storage.duckdb import cursor, work_engine
from comity.book.storage.parquet import scan_sql
from comity.book.storage.sql import literal, quoted
from comity.book.tables import Kind, Table
from comity.book.toml import TomlReader
from comity.book.validation.check import in_chunks, typed_key_sql
from comity.book.validation.convert import cell_value_sql
from comity.book.validation.rejects import REJECTS_SCHEMA, Reject, write_rejects

UNROUTED = "unrouted.parquet"
_CARRIED_PREFIX = "carried:"
_KEYS = {"column", "is", "book", "valid_from", "valid_to"}


@dataclass(frozen=True, slots=True)
class Route:
    """Rows with one of these values in the column, on these days, belong to this book."""

    column: str
    values: tuple[str, ...]
    book: Path
    valid_from: date | None = None
    valid_to: date | None = None


class RefusedByBooksError(UnusableSourceError):
    """Some books refuse their parts of a file; the parts of the others are imported.

    :ivar parts: each of these books, and why it refuses
    """

    def __init__(self, parts: Sequence[tuple[Path, UnusableSourceError]]) -> None:
        """Keep each apart."""
        super().__init__("; ".join(f"{book}: {error}" for book, error in parts))
        self.parts = tuple(parts)


@dataclass(frozen=True, slots=True)
class RoutedImport:
    """What became of an export: an outcome a book, and the rows that belong to none or to two.

    :ivar further: the outcomes of the further tables that the file feeds, an outcome a book and table
    """

    outcomes: tuple[Outcome, ...]
    unrouted: tuple[Reject, ...]
    further: tuple[Outcome, ...] = ()


def read_routes(file: Path) -> tuple[Route, ...]:
    """The rules of a `routes.toml`, in their order.

    :raises UnusableSourceError: naming the file, the rule and the next step
    """
    reader = _RoutesReader(file)
    content = reader.read()
    if not content.get("route") or not isinstance(content["route"], list):
        raise reader.wrong("", "has no [[route]]; write column, is and book under each")
    return tuple(reader.route(number, item) for number, item in enumerate(content["route"], 1))


class _RoutesReader(TomlReader):
    error = UnusableSourceError

    def route(self, number: int, item: object) -> Route:
        where = f"route {number}:"
        if not isinstance(item, dict) or set(item) - _KEYS:
            raise self.wrong(where, f"may say {', '.join(sorted(_KEYS))} and nothing else")
        values = item.get("is")
        listed: list[Any] = (
            [values] if isinstance(values, str) else values if isinstance(values, list) and values else [None]
        )
        texts = [item.get("column"), item.get("book"), *listed]
        if not all(isinstance(text, str) for text in texts):
            raise self.wrong(where, "column, is and book must be texts (is may be a list of them)")
        for text in listed:
            against = pattern_error(text[3:]) if text.startswith("re:") else None
            if against is not None:
                raise self.wrong(where, f"is {text!r} is no pattern that can be used here ({against})")
        days = [item.get(key) for key in ("valid_from", "valid_to")]
        if not all(day is None or type(day) is date for day in days):
            raise self.wrong(where, "valid_from and valid_to must be days such as 2026-01-31")
        return Route(item["column"], tuple(listed), Path(self.file).parent / item["book"], *days)


def import_routed(  # noqa: PLR0913 - what, by which rules, how, and who is told
    routes: Path,
    source: Path,
    mapping: SourceMapping,
    request: ImportRequest,
    *,
    parts: MappingOf[Path, ImportRequest] | None = None,
    progress: Progress = no_progress,
    done: Callable[[Path, Outcome], None] | None = None,
) -> RoutedImport:
    """Import an export into the books that its rows belong to, each in one step of its own.

    :param parts: in a room, the request by which each book gets its part, with the side on which whoever brings it
        stands there; None: at home, where every book gets its part by `request`
    :param done: told of each book as soon as its part is in; a book that refuses its part keeps no other from it

    :raises UnusableSourceError: when the file or the routes cannot be read, or a book refuses its part
    :raises UnusableBookError: when a book cannot be read
    """
    refuse_unsure(mapping, request)
    rules = read_routes(routes)
    books = list(dict.fromkeys(rule.book for rule in rules))
    definitions = {book: read_definition(book) for book in books}
    table = mapping.target
    with ExitStack() as locks, work_engine() as (con, work):
        for book in sorted(books):  # always in the same order, so that two imports cannot wait for each other
            locks.enter_context(book_lock(book))
        zone = next(iter(definitions.values())).timezone
        mapped = apply_mapping(
            mapping, source, MappingContext(zone, tuple(dict.fromkeys(rule.column for rule in rules)))
        )
        staged = _stage_rows(con, mapped, rules, books, definitions, table, work, progress)
        unrouted = _unrouted(con, staged, mapped, source, rules)
        left_out = _left_out_by_book(con, mapped, rules, books, definitions, table)
        outcomes: list[Outcome] = []
        refused: list[tuple[Path, UnusableSourceError]] = []
        for number, book in enumerate(books):
            folder = work / str(number)
            folder.mkdir()
            remove_leftovers(book)
            current = current_table(book, table)
            part = request if parts is None else parts[book]
            delivery = part.record(current.next_number, source, mapped, mapping)
            earlier = None if request.again else current.earlier(delivery, mapping_digests(mapping))
            incoming = IncomingRows(
                book,
                definitions[book],
                table,
                part,
                mapped,
                delivery,
                mapping,
                whole_file=False,
                days_by_midnights=not mapping.identity,
            )
            gone = [*left_out.get(number, ()), *_gone_elsewhere(con, staged, number, incoming)]
            incoming = replace(incoming, left_out=gone)
            if earlier is not None and not request.dry_run:
                own_rows = _rows_of(con, staged, number)
                differing = count_differing(con, incoming, own_rows, folder, current, earlier)
                outcomes.append(Outcome(table.name, delivery, earlier, differing))
                if done is not None:
                    done(book, outcomes[-1])
                continue
            try:
                outcomes.append(import_rows(con, incoming, _rows_of(con, staged, number), folder))
            except UnusableSourceError as error:
                if parts is None:
                    raise
                refused.append((book, error))
                continue
            if done is not None and not request.dry_run:
                done(book, outcomes[-1])
    if refused:
        raise RefusedByBooksError(refused)
    further = [
        outcome
        for other, _ in apply_tables(mapping, source, MappingContext(zone))[1:]
        for outcome in import_routed(
            routes,
            source,
            replace(other, also=()),
            request.for_further(other.table),
            parts=None if parts is None else {book: part.for_further(other.table) for book, part in parts.items()},
            done=done,
        ).outcomes
    ]
    if unrouted and not request.dry_run:
        _write_unrouted(routes.with_name(UNROUTED), unrouted)
    return RoutedImport(tuple(outcomes), unrouted, tuple(further))


def _stage_rows(  # noqa: PLR0913 - one step of import_routed
    con: duckdb.DuckDBPyConnection,
    mapped: MappedFile,
    rules: tuple[Route, ...],
    books: list[Path],
    definitions: dict[Path, Definition],
    table: Table,
    folder: Path,
    progress: Progress,
) -> list[Path]:
    """All rows as text, each with the numbers of the books whose rules hold for it."""
    names, portions = in_chunks(_report_progress(mapped.batches, progress))
    if names:
        _refuse_absent_columns(rules, names)
    chosen = _books_sql(rules, table, names, books, definitions) if names else "[]::INTEGER[]"
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


def _books_sql(
    rules: tuple[Route, ...], table: Table, names: set[str], books: list[Path], definitions: dict[Path, Definition]
) -> str:
    """The numbers of the books whose rules hold for a row, each once."""
    to = [
        f"CASE WHEN {_route_condition(rule, table, names, definitions[rule.book].timezone)} "
        f"THEN {books.index(rule.book)} END"
        for rule in rules
    ]
    return f"list_sort(list_distinct(list_filter([{', '.join(to)}], lambda b: b IS NOT NULL)))"


def _left_out_by_book(  # noqa: PLR0913 - one step of import_routed
    con: duckdb.DuckDBPyConnection,
    mapped: MappedFile,
    rules: tuple[Route, ...],
    books: list[Path],
    definitions: dict[Path, Definition],
    table: Table,
) -> dict[int, list[pa.Table]]:
    """What the mapping leaves out, by the number of the one book to which it belongs by the rules."""
    found: dict[int, list[pa.Table]] = {}
    for rows in mapped.left_out:
        con.register("_left_out", rows)
        to = _books_sql(rules, table, set(rows.column_names), books, definitions)
        kept = [name for name in rows.column_names if name in {*table.key, LAST_STATE}]
        for number in range(len(books)):
            sql = f"SELECT {', '.join(map(quoted, kept))} FROM _left_out WHERE {to} = [{number}]"
            part = con.execute(sql).to_arrow_table()
            if part.num_rows:
                found.setdefault(number, []).append(part)
        con.unregister("_left_out")
    return found


def _gone_elsewhere(
    con: duckdb.DuckDBPyConnection, staged: Sequence[Path], number: int, incoming: IncomingRows
) -> list[pa.Table]:
    """The keys that a book holds and that the file has among the rows of another book: they have moved there.

    No other key of another book is told of.
    """
    table, definition, book = incoming.table, incoming.definition, incoming.book
    present = set(pq.read_schema(staged[0]).names)
    held = current_rows_sql(book, table, definition, current_table(book, table), staged[0].parent)
    if held is None or table.may_lack_key or not set(table.key) <= present:
        return []
    kept = ", ".join(map(quoted, [*table.key, *([LAST_STATE] if LAST_STATE in present else [])]))
    typed = typed_key_sql(table, definition.timezone, own_pseudonyms(incoming))
    given = ", ".join(f"CAST({sql} AS VARCHAR)" for sql in typed.values())
    keys = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in table.key)
    rows = con.execute(
        f"SELECT {kept} FROM {scan_sql(*staged)} WHERE len(_books) = 1 AND _books <> [{number}] "
        f"AND [{given}] IN (SELECT [{keys}] FROM ({held}))"
    ).to_arrow_table()
    return [rows] if rows.num_rows else []


def _report_progress(batches: Iterator[pa.RecordBatch], progress: Progress) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        progress(batch.num_rows)
        yield batch


def _refuse_absent_columns(rules: tuple[Route, ...], names: set[str]) -> None:
    for rule in rules:
        if f"{_CARRIED_PREFIX}{rule.column}" not in names:
            msg = f"the routes ask for the column {rule.column!r}, which the file does not have"
            raise UnusableSourceError(msg)


def _route_condition(rule: Route, table: Table, names: set[str], zone: str) -> str:
    cell = f"trim({quoted(_CARRIED_PREFIX + rule.column)})"
    plain = [literal(value) for value in rule.values if not value.startswith("re:")]
    shapes = [f"regexp_full_match({cell}, {literal(value[3:])})" for value in rule.values if value.startswith("re:")]
    known = [f"{cell} IN ({', '.join(plain)})"] if plain else []
    conditions = [f"({' OR '.join(known + shapes)})"]
    if rule.valid_from is not None or rule.valid_to is not None:
        day = _row_day_sql(table, names, zone)
        if rule.valid_from is not None:
            conditions.append(f"{day} >= DATE '{rule.valid_from}'")
        if rule.valid_to is not None:
            conditions.append(f"{day} < DATE '{rule.valid_to}'")
    return f"coalesce({' AND '.join(conditions)}, false)"


def _row_day_sql(table: Table, names: set[str], zone: str) -> str:
    """The local day of a row still in text: of its first instant, day or month."""
    for column in table.columns:
        if column.name not in names:
            continue
        value = cell_value_sql(column, f"trim({quoted(column.name)})", zone)
        if column.kind is Kind.INSTANT:
            return f"CAST((({value}) AT TIME ZONE 'UTC' AT TIME ZONE {literal(zone)}) AS DATE)"
        if column.kind in {Kind.DAY, Kind.MONTH}:
            return f"({value})"
    msg = f"the routes are dated, but {table.name} gets no day from this file"
    raise UnusableSourceError(msg)


def _rows_of(con: duckdb.DuckDBPyConnection, staged: Sequence[Path], number: int) -> Iterator[pa.RecordBatch]:
    """The rows of one book, and no other's.

    By a cursor of its own, because checking uses the first.
    """
    sql = (
        f"SELECT * EXCLUDE (_books, {', '.join(map(quoted, _carried_columns(staged)))}) "
        f"FROM {scan_sql(*staged)} WHERE _books = [{number}] ORDER BY {ROW}"
    )
    with cursor(con) as second:
        reader = second.execute(sql).to_arrow_reader(32_768)
        yield pa.RecordBatch.from_pylist([], schema=reader.schema)  # a book of no rows, too, has its columns
        yield from reader


def _carried_columns(staged: Sequence[Path]) -> list[str]:
    return [name for name in pq.read_schema(staged[0]).names if name.startswith(_CARRIED_PREFIX)]


def _unrouted(
    con: duckdb.DuckDBPyConnection,
    staged: Sequence[Path],
    mapped: MappedFile,
    source: Path,
    rules: tuple[Route, ...],
) -> tuple[Reject, ...]:
    """Rows of no book or of two, and rows that could not be read: nobody's until a person looks."""
    carried = _carried_columns(staged)
    shown = " || ', ' || ".join(f"coalesce({quoted(name)}, '')" for name in carried) or "''"
    rows = scan_sql(*staged)
    sql = f"SELECT {ROW}, {shown}, len(_books) FROM {rows} WHERE len(_books) <> 1 ORDER BY 1"
    rejected_rows = con.execute(sql).fetchall()
    problems = mapped.problems
    lines = mapped.lines(
        [*(row for row, *_ in rejected_rows), *(problem.row for problem in problems if problem.line is None)]
    )
    columns = ", ".join(dict.fromkeys(rule.column for rule in rules))
    rejects = [
        Reject(
            source.name,
            lines.get(row, row),
            columns,
            value[:200],
            "belongs to two books" if books else "belongs to no book",
        )
        for row, value, books in rejected_rows
    ]
    rejects += [
        Reject(
            source.name,
            row_problem.line or lines.get(row_problem.row, row_problem.row),
            row_problem.column,
            row_problem.value[:200],
            row_problem.reason,
        )
        for row_problem in problems
    ]
    return tuple(rejects)


def _write_unrouted(target: Path, rejects: tuple[Reject, ...]) -> None:
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
    write_rejects(ready, [pa.Table.from_pylist(rows, REJECTS_SCHEMA)])
    replace_file(ready, target)
