"""A book as one viewer sees it, as a book of its own: what both sides share, and the private part of the viewer's."""

import shutil
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import tomlkit

from comity.book.definition import FILE, Definition, read_definition
from comity.book.reading.open import NotInRelationshipError
from comity.book.reading.typed_files import TypedFormOptions, typed_form
from comity.book.reading.visibility import visible_rows_sql
from comity.book.storage.commit import book_lock
from comity.book.storage.duckdb import as_book_error, work_engine
from comity.book.storage.journal import JOURNAL_KEY, journal_json, merge_journals, read_journal
from comity.book.storage.layout import OWN_COLUMNS, table_files
from comity.book.storage.parquet import metadata_sql, zone_of_typed_file
from comity.book.storage.sql import literal
from comity.book.tables import EVERY_TABLE, Table
from comity.book.validation.check import MAX_REJECTS
from comity.core.values import Side, Viewer

_BESIDE = ("agreement", "wording", "logos")  # folders of what both sides agreed and wrote, and of what both see
_PATIENCE_S = 600.0  # while an import is under way


def copy_visible(
    folder: Path,
    viewer: Viewer,
    target: Path,
    *,
    closed: Collection[str] = (),
    progress: Callable[[int, int], None] = lambda *_: None,
) -> None:
    """Write what a viewer may see of a book into a new folder, which is a book that any command reads.

    Files of which the viewer sees every row and column are copied as they are. Others are written anew with what is
    visible, and with the imports that the viewer may know of. Rejected rows, proposals and what is worked out stay.

    :param closed: tables of the viewer's own side that their role may not read
    :param progress: told how many of how many tables are done
    :raises NotInRelationshipError: when the viewer has no part in this relationship
    :raises comity.book.storage.commit.BusyBookError: while an import does not end
    """
    definition = read_definition(folder)
    if viewer.relationship != definition.relationship:
        raise NotInRelationshipError("no such book")
    target.mkdir(parents=True)
    with book_lock(folder, _PATIENCE_S):
        _copy_definition(folder, viewer, target)
        for name in _BESIDE:
            for file in sorted((folder / name).glob("*.*")):
                if file.is_file() and not file.is_symlink():
                    (target / name).mkdir(exist_ok=True)
                    shutil.copyfile(file, target / name / file.name)
        for number, table in enumerate(EVERY_TABLE.values(), 1):
            is_closed = table.name in closed and definition.private_owner(table.name) is not None
            if not is_closed:  # nor what lies of it among the shared rows
                _copy_shared(folder, viewer, target, table, definition)
            if viewer.side is not None and not is_closed:
                _copy_own(folder / "private" / viewer.side.value, target / "private" / viewer.side.value, table)
            progress(number, len(EVERY_TABLE))


def _copy_definition(folder: Path, viewer: Viewer, target: Path) -> None:
    """Copy the definition without what others hold back: an item may name a value, and none of it is in the copy."""
    document = tomlkit.parse((folder / FILE).read_text(encoding="utf-8"))
    private = document.get("private", {})
    for side in Side:
        if not viewer.opens(side):
            private.pop(side.value, None)
    (target / FILE).write_text(tomlkit.dumps(document), encoding="utf-8")


def _copy_shared(folder: Path, viewer: Viewer, target: Path, table: Table, definition: Definition) -> None:
    files = table_files(folder, table.name)
    owner = definition.private_owner(table.name)
    if owner is not None and not viewer.opens(owner):  # only what others than its owner have brought in
        files = [file for file in files if zone_of_typed_file(file) is not None]
    if not files:
        return
    hidden = [side for side in Side if not viewer.opens(side)]
    if owner not in hidden and not any(definition.keeps_parts_private(table, side) for side in hidden):
        _copy_files(files, folder, target)
        return
    with work_engine() as (con, work):
        typed = typed_form(folder, files, table, TypedFormOptions(definition, viewer.side, work, MAX_REJECTS))
        imports = merge_journals([read_journal(file) for file in files])
        # As `origins` tells them: a digest would confirm a guess at what is left out.
        known = tuple(replace(one, digest="") for one in imports if one.rows_in or one.withdrawn)
        rows = visible_rows_sql(typed, table, definition, viewer)
        metadata = metadata_sql(definition.timezone, {JOURNAL_KEY: journal_json(known)} if known else None)
        with as_book_error(folder, f"the table {table.name}"):
            found = con.execute(f"SELECT count(*) FROM ({rows})").fetchone()  # noqa: S608 - a statement of our own
            if found and found[0]:
                out = literal(str(target / f"{table.name}.parquet"))
                con.execute(f"COPY ({rows}) TO {out} (FORMAT parquet, COMPRESSION zstd, {metadata})")


def _copy_own(place: Path, target: Path, table: Table) -> None:
    for name in (table.name, f"{table.name}{OWN_COLUMNS}"):
        _copy_files(table_files(place, name), place, target)


def _copy_files(files: Collection[Path], folder: Path, target: Path) -> None:
    for file in files:
        copied = target / file.relative_to(folder)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copied)
