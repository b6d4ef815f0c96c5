# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""A person's wish to be forgotten: the id goes everywhere it stands, and the figures stay what they were.

In its place comes a digest with a salt that is thrown away at once: the person's rows still belong together, and
nobody can tell any more whose they were.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comity.book.definition import Definition, UnusableBookError, read_definition
from comity.book.importing.current import current_table
from comity.book.importing.rejected_rows import ROWS_FOLDER
from comity.book.importing.states import STATES_FOLDER, states_metadata
from comity.book.importing.write import PROPOSALS, PROPOSED_BY, answered_files, proposed_by, remove_leftovers
from comity.book.reading.typed_files import TypedFormOptions, typed_form
from comity.book.storage.commit import Move, book_lock, commit
from comity.book.storage.duckdb import as_book_error, work_engine
from comity.book.storage.journal import JOURNAL_KEY, journal_json, merge_journals, read_journal
from comity.book.storage.layout import HIDDEN_FOLDER, OWN_COLUMNS, owner_folder
from comity.book.storage.parquet import metadata_sql, scan_sql
from comity.book.storage.sql import literal, quoted
from comity.book.tables import EVERY_TABLE, Table
from comity.book.validation.pseudonyms import holder_of, key_file, own_key, pseudonym, read_key
from comity.core.values import Side

_NAMED_BY = {"accounts": ("name",)}  # what else names the person in a row that bears the id


@dataclass(frozen=True, slots=True)
class Forgotten:
    """In how many rows of which table the person stood."""

    table: str
    rows: int


def forget_person(book: Path, person: str) -> tuple[Forgotten, ...]:
    """Remove a person from a book: from tables, from what they were before, from what was proposed and set aside.

    Raw tables are brought into typed form by this, and raw files that the book has already replaced are removed.

    :param person: an id of an account, respondent, agent or employee, as the sources write it
    :raises UnusableBookError: when the book cannot be read
    :raises BusyBookError: when an import is under way
    """
    definition = read_definition(book)
    with book_lock(book), work_engine() as (con, work):
        remove_leftovers(book)
        names = [person]
        if definition.digests or key_file().exists():
            key = read_key(book)  # each side may have brought the person by a key of its own
            own = (own_key(key, holder_of(definition.relationship, side)) for side in Side)
            names += [pseudonym(one, person) for one in (key, *own)]
        stand_in = f"forgotten {hashlib.sha256(secrets.token_bytes(32) + person.encode()).hexdigest()[:24]}"
        moves: list[Move] = []
        counts: dict[str, int] = {}
        for table in EVERY_TABLE.values():
            for owner, file, target, metadata in _files(book, definition, table, work):
                ready = (
                    target.parent if HIDDEN_FOLDER in target.parts else target.parent / HIDDEN_FOLDER
                ) / f"ready-{target.name}"
                with as_book_error(target):
                    rows, replaced = _replace_person_sql(con, table, file, names, stand_in)
                    if not rows:
                        continue
                    ready.parent.mkdir(parents=True, exist_ok=True)
                    con.execute(
                        f"COPY ({replaced}) TO {literal(str(ready))} "
                        f"(FORMAT parquet, COMPRESSION zstd, {metadata_sql(definition.timezone, metadata)})",
                    )
                moves.append(Move(ready, target))
                if HIDDEN_FOLDER not in target.parts:
                    counts[table.name] = counts.get(table.name, 0) + rows
                    moves += _other_forms(book, owner, table, target)
        moves += [*_rejects(book, names), *_rejected_rows(book, names), *_leftovers(book)]
        if moves:
            commit(book, moves)
        return tuple(Forgotten(table, rows) for table, rows in counts.items())


def _replace_person_sql(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    file: Path,
    names: Sequence[str],
    stand_in: str,
) -> tuple[int, str]:
    """In how many rows of a file the person stands, and the query that reads it without the person."""
    try:
        columns = set(pq.read_schema(file).names)
    except (OSError, pa.ArrowException) as error:
        msg = f"cannot be read ({error}); bring it back from a copy, or remove it if it is of the past"
        raise UnusableBookError(msg, file=file) from None
    personal = [column.name for column in table.columns if column.personal and column.name in columns]
    if not personal:
        return 0, ""
    among = ", ".join(map(literal, names))
    names_person = " OR ".join(f"{quoted(name)} IN ({among})" for name in personal)
    rows = con.execute(f"SELECT count(*) FROM {scan_sql(file)} WHERE {names_person}").fetchone()
    other = literal(stand_in)
    replaced = [
        f"CASE WHEN {quoted(n)} IN ({among}) THEN {other} ELSE {quoted(n)} END AS {quoted(n)}" for n in personal
    ]
    replaced += [
        f"CASE WHEN {names_person} THEN NULL ELSE {quoted(name)} END AS {quoted(name)}"
        for name in _NAMED_BY.get(table.name, ())
        if name in columns
    ]
    order = ", ".join(quoted(name) for name in table.order if name in columns) or "ALL"
    sql = f"SELECT * REPLACE ({', '.join(replaced)}) FROM {scan_sql(file)} ORDER BY {order}"
    return (int(rows[0]) if rows else 0), sql


def _files(
    book: Path,
    definition: Definition,
    table: Table,
    work: Path,
) -> Iterator[tuple[Side | None, Path, Path, dict[str, str]]]:
    """Every file that holds rows of a table: (owner, its typed form, where it is to lie, what its metadata tells)."""
    for owner, files in current_table(book, table).places.items():
        folder = owner_folder(book, owner)
        for name in (table.name, f"{table.name}{OWN_COLUMNS}"):
            named = [
                file
                for file in files
                if file.relative_to(folder).parts[0].split(".csv")[0].split(".parquet")[0] == name
            ]
            if not named:
                continue
            typed = typed_form(
                folder, named, table, TypedFormOptions(definition, owner, work, 1.0), own=owner is not None
            )
            whole = _one_file(typed.files, work, f"{owner}-{name}", definition)
            deliveries = merge_journals([read_journal(file) for file in named])
            yield (
                owner,
                whole,
                folder / f"{name}.parquet",
                {JOURNAL_KEY: journal_json(deliveries)} if deliveries else {},
            )
    for owner in (None, *Side):
        history = owner_folder(book, owner) / HIDDEN_FOLDER / "history"
        states = owner_folder(book, owner) / HIDDEN_FOLDER / STATES_FOLDER
        for file in states.glob(f"{table.name}-*.parquet"):
            yield owner, file, file, states_metadata(file)
        for file in (*history.glob(f"{table.name}-*.parquet"), *history.glob(f"{table.name}{OWN_COLUMNS}-*.parquet")):
            yield owner, file, file, {}
    waiting = (book / HIDDEN_FOLDER / PROPOSALS).glob(f"{table.name}-*.parquet")
    for file in (*waiting, *answered_files(book, table.name)):
        yield None, file, file, {PROPOSED_BY: proposed_by(file)}


def _one_file(files: Sequence[Path], work: Path, name: str, definition: Definition) -> Path:
    """Parts of a table as one file."""
    if len(files) == 1:
        return files[0]
    target = work / f"{name}.parquet"
    with work_engine(work) as (con, _):
        told = metadata_sql(definition.timezone)
        con.execute(f"COPY (SELECT * FROM {scan_sql(*files)}) TO {literal(str(target))} (FORMAT parquet, {told})")
    return target


def _other_forms(book: Path, owner: Side | None, table: Table, target: Path) -> Iterator[Move]:
    """Other forms of the table that would still bear the person."""
    folder = owner_folder(book, owner)
    for file in current_table(book, table).places.get(owner, ()):
        top = folder / file.relative_to(folder).parts[0]
        stem = top.name.split(".csv")[0].split(".parquet")[0]
        if top != target and stem == target.stem:
            yield Move(top, None)


def _rejects(book: Path, names: Sequence[str]) -> Iterator[Move]:
    """Rejects without the values that name the person."""
    for owner in (None, *Side):
        for file in (owner_folder(book, owner) / HIDDEN_FOLDER / "rejects").glob("*.parquet"):
            try:
                rejects = pq.read_table(file)
            except (OSError, pa.ArrowException) as error:
                msg = f"cannot be read ({error}); remove it, for it may name the person"
                raise UnusableBookError(msg, file=file) from None
            texts = rejects.column("value")
            hit = pc.is_in(texts, value_set=pa.array(list(names), pa.string()))
            for name in names:
                hit = pc.or_(hit, pc.fill_null(pc.match_substring(texts, name), False))
            if not pc.any(hit).as_py():
                continue
            ready = file.with_name(f"ready-{file.name}")
            place = rejects.schema.get_field_index("value")
            pq.write_table(rejects.set_column(place, "value", pc.if_else(hit, "forgotten", texts)), ready)
            yield Move(ready, file)


def _rejected_rows(book: Path, names: Sequence[str]) -> Iterator[Move]:
    """Rows kept as their files wrote them, without those in which the person stands."""
    for side in Side:
        for file in (owner_folder(book, side) / HIDDEN_FOLDER / ROWS_FOLDER).glob("*.parquet"):
            rows = pq.read_table(file)
            among = [
                any(name in (cell or "") for cell in (*cells, key) for name in names)
                for cells, key in zip(rows.column("cells").to_pylist(), rows.column("key").to_pylist(), strict=True)
            ]
            if not any(among):
                continue
            # The place of a row says which it is: what stood in it goes, and it stays.
            blank = [[""] * len(cells) for cells in rows.column("cells").to_pylist()]
            cells = [
                new if hit else old
                for hit, new, old in zip(among, blank, rows.column("cells").to_pylist(), strict=True)
            ]
            keys = [None if hit else key for hit, key in zip(among, rows.column("key").to_pylist(), strict=True)]
            for name, values in (
                ("cells", pa.array(cells, pa.list_(pa.string()))),
                ("key", pa.array(keys, pa.string())),
            ):
                rows = rows.set_column(rows.schema.get_field_index(name), name, values)
            ready = file.with_name(f"ready-{file.name}")
            pq.write_table(rows, ready)
            yield Move(ready, file)


def _leftovers(book: Path) -> Iterator[Move]:
    """Typed forms of raw tables, and raw files that imports have replaced: made again, or no longer read."""
    for owner in (None, *Side):
        for kind in ("typed", "replaced"):
            folder = owner_folder(book, owner) / HIDDEN_FOLDER / kind
            if folder.is_dir():
                yield Move(folder, None)
