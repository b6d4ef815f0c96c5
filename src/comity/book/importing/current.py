# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""What a book holds of a table, in all its folders: the rows, whose they are, and which side brought each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from comity.book.definition import Definition
from comity.book.importing.merge import OWNER_COLUMN, own_column, own_columns, own_import_column
from comity.book.reading.typed_files import TypedFormOptions, TypedTable, typed_form
from comity.book.reading.visibility import (
    exempt_sql,
    private_row_sql,
    private_rule_sql,
    select_columns_sql,
    stored_columns,
)
from comity.book.storage.journal import ImportRecord, merge_journals, read_journal
from comity.book.storage.layout import OWN_COLUMNS, holds_table, owner_folder, table_files
from comity.book.storage.parquet import IMPORT_COLUMN, scan_sql
from comity.book.storage.sql import literal, quoted
from comity.book.tables import Table
from comity.core.values import Side

FOLDER_COLUMN = "_place"  # of a held row: the side in whose folder it lies; empty where it lies among the shared rows


@dataclass(frozen=True, slots=True)
class CurrentTable:
    """What a book holds of a table, for all sides whose folders lie in it."""

    places: Mapping[Side | None, tuple[Path, ...]]  # owner (None: shared) -> the files as they lie
    deliveries: tuple[ImportRecord, ...]
    shared: tuple[ImportRecord, ...] = ()  # with the counts of the rows that both sides see

    @property
    def next_number(self) -> int:
        """The number that the next import bears."""
        return max((one.number for one in self.deliveries), default=0) + 1

    def earlier(self, record: ImportRecord, mapping_digests: Collection[str]) -> ImportRecord | None:
        """The import of this very file by this very mapping, by the same side, if there was one.

        :param mapping_digests: those under which a book may know the mapping
        """
        return next((one for one in self.deliveries if one.is_repeated_by(record, mapping_digests)), None)


def current_table(book: Path, table: Table) -> CurrentTable:
    """Look up what the book holds of a table."""
    places: dict[Side | None, tuple[Path, ...]] = {}
    journals, shared = [], []
    for owner in (None, *Side):
        files = table_files(owner_folder(book, owner), table.name)
        if owner is not None:
            files += table_files(owner_folder(book, owner), f"{table.name}{OWN_COLUMNS}")
        if files:
            places[owner] = tuple(files)
            journals += [read_journal(file) for file in files]
            shared += [read_journal(file) for file in files if owner is None]
    return CurrentTable(places, merge_journals(journals), merge_journals(shared))


def current_rows_sql(book: Path, table: Table, definition: Definition, current: CurrentTable, work: Path) -> str | None:
    """The query of all that the book holds of a table; None where it holds nothing.

    Columns: those of the table, what sides keep beside them (`merge.own_column`, `own_import_column`), OWNER and PLACE.
    A row's owner follows from the rules as they are now, whatever folder it lies in.
    """
    main: dict[Side | None, TypedTable] = {}
    slices: dict[Side, TypedTable] = {}
    for owner, files in current.places.items():
        making = TypedFormOptions(
            definition, owner, work, 1.0
        )  # what was raw is set aside row by row, and counted on opening
        folder = owner_folder(book, owner)
        for name in (table.name, f"{table.name}{OWN_COLUMNS}"):
            named = [file for file in files if holds_table(file, folder, name)]
            if not named:
                continue
            typed = typed_form(folder, named, table, making, own=owner is not None)
            if owner is not None and name != table.name:
                slices[owner] = typed
            elif owner is not None and any(one.name not in typed.columns for one in table.required):
                slices[owner] = typed  # laid down by hand: the key and some columns, under the table's own name
            else:
                main[owner] = typed
    if not main:
        return None
    reader = _RowsReader(table, definition, current.deliveries)
    shared = None if None not in main else reader.shared_sql(main[None], slices)
    parts = [] if shared is None else [shared]
    parts += [reader.private_sql(main[side], side, shared) for side in Side if side in main]
    return " UNION ALL ".join(parts)


def released_columns(typed: TypedTable, table: Table, own: Mapping[str, Side]) -> set[str]:
    """The columns of a side's file of own values that it keeps to itself no longer."""
    return {name for name in typed.columns if name not in own} - {*table.key, IMPORT_COLUMN, "brought_by"}


class _RowsReader:
    """Reads the files of one table into rows of one form."""

    def __init__(self, table: Table, definition: Definition, deliveries: Sequence[ImportRecord]) -> None:
        self.table, self.definition = table, definition
        self.columns = stored_columns(table)
        self.own = own_columns(table, definition)
        self.sides = tuple(dict.fromkeys(self.own.values()))
        known = [one for one in deliveries if one.side != "unknown"]
        arms = " ".join(f"WHEN {one.number} THEN {literal(one.side)}" for one in known)
        self.by_import = f"CASE {IMPORT_COLUMN} {arms} END" if arms else "NULL"

    def _base(self, typed: TypedTable, otherwise: str) -> str:
        """The rows of files, each with who brought it: as it says, as its import says, or as its place says."""
        if "brought_by" in typed.columns:
            brought = f"coalesce(nullif(brought_by, 'unknown'), {self.by_import}, {literal(otherwise)})"
        else:
            brought = f"coalesce({self.by_import}, {literal(otherwise)})"
        rows = f"SELECT {select_columns_sql(typed, self.columns)} FROM {scan_sql(*typed.files)}"
        return f"(SELECT * REPLACE ({brought} AS brought_by) FROM ({rows}))"

    def shared_sql(self, typed: TypedTable, slices: Mapping[Side, TypedTable]) -> str:
        """The rows among the shared ones; those that a side's rules take are that side's."""
        joins, chosen = [], []
        for name in self.columns:
            value = f"b.{quoted(name)}"
            releasing = [
                side.value
                for side, typed_slice in slices.items()
                if name in released_columns(typed_slice, self.table, self.own)
            ]
            for (
                side
            ) in releasing:  # it kept it, and does so no longer; what it kept beside others' rows does not enter them
                own = f"b.brought_by = {literal(side)}"
                value = f"CASE WHEN {own} THEN coalesce({value}, {side}.{quoted(name)}) ELSE {value} END"
            value = f"{value} AS {quoted(name)}" if releasing else value
            if name in self.own:  # what a side keeps is not shared, unless somebody else brought it
                value = f"CASE WHEN {exempt_sql(self.own[name], 'b.')} THEN {value} END AS {quoted(name)}"
            chosen.append(value)
        for name, side in self.own.items():
            value = f"CASE WHEN NOT {exempt_sql(side, 'b.')} THEN b.{quoted(name)} END"
            if side in slices and name in slices[side].columns:
                value = f"coalesce({side.value}.{quoted(name)}, {value})"
            chosen.append(f"{value} AS {quoted(own_column(name))}")
        for side in self.sides:
            value = f"b.{IMPORT_COLUMN}"
            if side in slices and IMPORT_COLUMN in slices[side].columns:
                value = f"coalesce({side.value}.{IMPORT_COLUMN}, {value})"
            chosen.append(f"{value} AS {quoted(own_import_column(side))}")
        for side, typed_slice in slices.items():
            same = " AND ".join(
                f"b.{quoted(key)} IS NOT DISTINCT FROM {side.value}.{quoted(key)}" for key in self.table.key
            )
            joins.append(f"LEFT JOIN {scan_sql(*typed_slice.files)} {side.value} ON {same}")
        arms = [
            f"WHEN {condition} THEN {literal(side.value)}"
            for side in Side
            if (condition := private_row_sql(side, self.table, self.definition)) is not None
        ]
        owner = f"CASE {' '.join(arms)} ELSE '' END" if arms else "''"
        # The rules read the columns as they lie, so the owner is found before a side's own values are set apart.
        base = f"(SELECT *, {owner} AS {OWNER_COLUMN} FROM {self._base(typed, 'unknown')})"
        return f"SELECT {', '.join(chosen)}, b.{OWNER_COLUMN}, '' AS {FOLDER_COLUMN} FROM {base} b {' '.join(joins)}"

    def private_sql(self, typed: TypedTable, side: Side, shared: str | None) -> str:
        """The rows in a side's folder: its own, unless no rule takes them any more and no shared row has their key."""
        chosen = [
            f"NULL::{kind} AS {quoted(name)}" if self.own.get(name) is side else f"b.{quoted(name)}"
            for name, kind in self.columns.items()
        ]
        chosen += [
            f"{f'b.{quoted(name)}' if owner is side else f'NULL::{self.columns[name]}'} AS {quoted(own_column(name))}"
            for name, owner in self.own.items()
        ]
        chosen += [f"b.{IMPORT_COLUMN} AS {quoted(own_import_column(one))}" for one in self.sides]
        rule = private_rule_sql(side, self.table, self.definition) or "false"
        owner = literal(side.value)
        if rule != "true":
            same = " AND ".join(f"s.{quoted(key)} IS NOT DISTINCT FROM b.{quoted(key)}" for key in self.table.key)
            twin = "false" if shared is None else f"EXISTS (SELECT 1 FROM ({shared}) s WHERE {same})"
            owner = f"CASE WHEN ({rule}) OR {twin} THEN {owner} ELSE '' END"
        return (
            f"SELECT {', '.join(chosen)}, {owner} AS {OWNER_COLUMN}, {literal(side.value)} AS {FOLDER_COLUMN} "
            f"FROM {self._base(typed, side.value)} b"
        )
