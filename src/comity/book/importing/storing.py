# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""A checked delivery into a book, in one step: the table, its journal, what was before, what was set aside.

What is private is laid apart here: rows and columns of one side go to that side's own folder, and no file that the
other side can open holds them.
"""

import contextlib
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comity.book.definition import Definition
from comity.book.engine import sweep
from comity.book.importing.checking import Checked, full_key_sql, keyless, owner_of_columns
from comity.book.importing.committing import HIDDEN, Move, commit
from comity.book.importing.conversions import literal, quoted
from comity.book.importing.merging import Merging, merge
from comity.book.importing.provenance import JOURNAL, Delivery, journal, together, written
from comity.book.importing.rejects import hidden, write_rejects
from comity.book.importing.section import UnusableSourceError
from comity.book.opening import OWN_COLUMNS, table_files
from comity.book.raw import Making, Typed, something_private, typed_form
from comity.book.seeing import chosen_sql, columns_of, rows_private_to, shared_with_own, source_sql, with_local
from comity.book.storage import IMPORT_COLUMN, metadata_sql
from comity.book.tables import Table
from comity.core.values import Side

_PAST = "_status IN ('before', 'withdrawn')"


@dataclass(frozen=True, slots=True)
class Held:
    """What a book holds of a table, for all sides whose folders lie in it."""

    places: Mapping[Side | None, tuple[Path, ...]]  # owner (None: shared) -> the files as they lie
    deliveries: tuple[Delivery, ...]

    @property
    def next_number(self) -> int:
        """The number that the next import bears."""
        return max((one.number for one in self.deliveries), default=0) + 1

    def earlier(self, digest: str, mapping_digest: str) -> Delivery | None:
        """The import of this very file by this very mapping, if there was one."""
        return next((d for d in self.deliveries if (d.digest, d.mapping_digest) == (digest, mapping_digest)), None)


def folder_of(book: Path, owner: Side | None) -> Path:
    """Where what belongs to an owner lies: the book itself, or a side's private folder."""
    return book if owner is None else book / "private" / owner.value


def held(book: Path, table: Table) -> Held:
    """Look up what the book holds of a table."""
    places: dict[Side | None, tuple[Path, ...]] = {}
    journals = []
    for owner in (None, *Side):
        files = table_files(folder_of(book, owner), table.name)
        if owner is not None:
            files += table_files(folder_of(book, owner), f"{table.name}{OWN_COLUMNS}")
        if files:
            places[owner] = tuple(files)
            journals += [journal(file) for file in files]
    return Held(places, together(journals))


def store(  # noqa: PLR0913 - one step of an import
    con: duckdb.DuckDBPyConnection,
    book: Path,
    definition: Definition,
    table: Table,
    checked: Checked,
    delivery: Delivery,
    work: Path,
    closed: Side | None = None,
) -> tuple[Delivery, Delivery]:
    """Bring checked rows into the book's table, under the book's lock; the delivery with its counts comes back.

    :param checked: its rejects in the form of `rejects.SCHEMA`
    :param closed: a side whose private rows are neither met nor changed
    :returns: with the counts of all rows, and with those of the rows that both sides see
    :raises UnusableSourceError: when a private column cannot be laid apart
    """
    there = held(book, table)
    siblings = [one.number for one in there.deliveries if one.mapping == delivery.mapping]
    days = definition.retention.get(table.name)
    merging = Merging(
        table,
        held_sql(book, table, definition, there, work),
        checked.clean,
        checked.columns,
        delivery.number,
        delivery.window,
        siblings,
        delivery.at.date() - timedelta(days=days) if days else None,
        _nobodys(table, definition),
        rows_private_to(closed, table, definition) if closed is not None and closed in definition.private else None,
    )
    after, before = merge(con, merging, work)
    laying = _Laying(con, book, definition, table, there, delivery, checked)
    laying.refuse_unjoinable(after)
    moves: list[Move] = []
    counts: list[Delivery] = []
    for owner in laying.owners():
        counted = laying.counts(owner, after, before)
        counts.append(counted)
        moves += laying.lay(owner, after, before, counted)
    moves += laying.removals({move.target for move in moves if move.target is not None}, days)
    commit(book, moves)  # what lies ready stays, should this fail: the next import finishes the change, or clears it
    return together([[one] for one in counts])[0], counts[0]


def _nobodys(table: Table, definition: Definition) -> dict[str, str]:
    """Columns private to one side, of rows private to the other: neither may hold them."""
    found = {}
    for column, side in owner_of_columns(table, definition).items():
        theirs = rows_private_to(side.other, table, definition) if side.other in definition.private else None
        if theirs is not None:
            found[column] = theirs
    return found


def held_sql(book: Path, table: Table, definition: Definition, there: Held, work: Path) -> str | None:
    """The query of all that the book holds of a table, own columns joined in; None where it holds nothing."""
    shared: list[Typed] = []
    own: list[Typed] = []
    for owner, files in there.places.items():
        making = Making(definition, owner, work, 1.0)  # what was raw is set aside row by row, and counted on opening
        folder = folder_of(book, owner)
        for name in (table.name, f"{table.name}{OWN_COLUMNS}"):
            named = [file for file in files if _belongs(file, folder, name)]
            if named:
                (shared if owner is None else own).append(
                    typed_form(folder, named, table, making, own=owner is not None)
                )
    if not shared and not own:
        return None
    typed = shared_with_own(shared, own, table, definition, work)[0]
    return f"SELECT {chosen_sql(typed, columns_of(table))} FROM {source_sql(typed.files)}"


def _belongs(file: Path, folder: Path, name: str) -> bool:
    first = file.relative_to(folder).parts[0]
    return first == name or first.removesuffix(".gz").removesuffix(".csv").removesuffix(".parquet") == name


class _Laying:
    """Lays a table's rows apart by owner, each with its journal, its past and its rejects."""

    def __init__(  # noqa: PLR0913 - what store was given
        self,
        con: duckdb.DuckDBPyConnection,
        book: Path,
        definition: Definition,
        table: Table,
        there: Held,
        delivery: Delivery,
        checked: Checked,
    ) -> None:
        self.con = con
        self.book = book
        self.definition = definition
        self.table = table
        self.there = there
        self.delivery = delivery
        self.checked = checked
        self.whole = definition.private_owner(table.name)
        self.columns = owner_of_columns(table, definition)
        self.rows = {
            side: condition
            for side in Side
            if side in definition.private and (condition := rows_private_to(side, table, definition)) is not None
        }

    def owners(self) -> list[Side | None]:
        """Those who get a file: the one owner of the whole table, or everybody and each owner of rows."""
        return [self.whole] if self.whole is not None else [None, *self.rows]

    def refuse_unjoinable(self, after: Path) -> None:
        """Own columns are joined in by key; rows without a key would lose theirs."""
        if self.whole is not None or not self.columns or not keyless(self.table):
            return
        borne = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in self.columns)
        sql = f"SELECT count(*) FROM {source_sql([after])} WHERE NOT ({full_key_sql(self.table)}) AND ({borne})"
        found = self.con.execute(sql).fetchone()
        if found and found[0]:
            name, side = next(iter(self.columns.items()))
            key = " and ".join(self.table.key)
            msg = (
                f"{self.delivery.file}: {found[0]:,} rows lack {key}, by which {self.table.name}.{name}, "
                f"private to the {side}, would be kept apart; map {key}, or make the whole table private"
            )
            raise UnusableSourceError(msg)

    def where(self, owner: Side | None) -> str:
        """Which rows lie in an owner's file."""
        if self.whole is not None:
            return "true"
        if owner is None:
            return " AND ".join(f"NOT ({condition})" for condition in self.rows.values()) or "true"
        earlier = [condition for side, condition in self.rows.items() if side < owner]  # claimed by both: the first's
        return " AND ".join([f"({self.rows[owner]})", *(f"NOT ({condition})" for condition in earlier)])

    def counts(self, owner: Side | None, after: Path, before: Path) -> Delivery:
        """The delivery with the counts of the rows that lie in an owner's file."""
        where = self.where(owner)
        found: Counter[str] = Counter()
        for file in (after, before):
            sql = f"SELECT _status, count(*) FROM {source_sql([file])} WHERE {where} GROUP BY 1"
            found.update(dict(self.con.execute(sql).fetchall()))
        rejected = self._rejects(owner).num_rows
        alone = self.whole is not None or not something_private(self.table, self.definition)
        collapsed = self.checked.collapsed if owner is None or self.whole is not None else 0
        came = found["new"] + found["unchanged"] + found["updated"] + found["outlived"] + rejected + collapsed
        return replace(
            self.delivery,
            rows_in=came,
            new=found["new"],
            unchanged=found["unchanged"],
            updated=found["updated"],
            withdrawn=found["withdrawn"],
            expired=found["expired"] + found["outlived"],
            rejected=rejected,
            collapsed=collapsed,
            superseded=self.checked.superseded if collapsed else 0,
            control=self.delivery.control if alone else {},
        )

    def _rejects(self, owner: Side | None) -> pa.Table:
        """The rejects that an owner's folder may hold."""
        every = pq.read_table(self.checked.rejects)
        if self.whole is not None:
            return every
        mine = every.column("owner")
        return every.filter(pc.is_null(mine) if owner is None else pc.equal(mine, owner.value))

    def lay(self, owner: Side | None, after: Path, before: Path, counted: Delivery) -> Iterator[Move]:
        """Write an owner's files beside their targets, and say where they go."""
        folder, number, where = folder_of(self.book, owner), self.delivery.number, self.where(owner)
        kept = [name for name in columns_of(self.table) if not self._elsewhere(name, owner)]
        earlier = together([journal(file) for file in self.there.places.get(owner, ())])
        told = {JOURNAL: written([*earlier, counted])}
        name = self.table.name
        yield self._copy(after, kept, where, folder / f"{name}.parquet", told)
        if self._past(before, f"({where})"):  # also of rows that the change hands to another owner
            past = folder / HIDDEN / "history" / f"{name}-{number}.parquet"
            yield self._copy(before, [*kept, "_status"], f"({where}) AND {_PAST}", past, {})
        rejects = self._rejects(owner)
        if rejects.num_rows:
            target = folder / HIDDEN / "rejects" / f"{name}-{number}.parquet"
            ready = self._ready(target)
            write_rejects(ready, [rejects if self.whole else hidden(rejects, owner)])
            yield Move(ready, target)
            for side in Side if owner is None and not self.whole else ():
                told_there = rejects.filter(pc.equal(rejects.column("column_owner"), side.value))
                if told_there.num_rows:
                    target = folder_of(self.book, side) / HIDDEN / "rejects" / f"{name}{OWN_COLUMNS}-{number}.parquet"
                    ready = self._ready(target)
                    write_rejects(ready, [told_there])
                    yield Move(ready, target)
        if owner is not None or self.whole is not None:
            return
        for side in dict.fromkeys(self.columns.values()):
            yield from self._own_columns(side, after, before)

    def _own_columns(self, side: Side, after: Path, before: Path) -> Iterator[Move]:
        """A side's private columns of rows that are not private to anybody else, beside their key."""
        folder, number = folder_of(self.book, side), self.delivery.number
        own = [
            name for column in self.columns if self.columns[column] is side for name in with_local(column, self.table)
        ]
        kept = [*self.table.key, *own, IMPORT_COLUMN]
        some = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in own)
        where = f"({some}) AND ({self.where(None)})"
        yield self._copy(after, kept, where, folder / f"{self.table.name}{OWN_COLUMNS}.parquet", {})
        if not self._past(before, where):
            return
        past = folder / HIDDEN / "history" / f"{self.table.name}{OWN_COLUMNS}-{number}.parquet"
        yield self._copy(before, [*kept, "_status"], f"{where} AND {_PAST}", past, {})

    def _past(self, before: Path, where: str) -> bool:
        """Whether the change has rows that are to be kept as they were."""
        sql = f"SELECT count(*) FROM {source_sql([before])} WHERE {where} AND {_PAST}"
        found = self.con.execute(sql).fetchone()
        return bool(found and found[0])

    def _elsewhere(self, name: str, owner: Side | None) -> bool:
        """Whether a column's values lie in another's file."""
        if self.whole is not None:
            return False
        return any(
            name in with_local(column, self.table) and side is not owner for column, side in self.columns.items()
        )

    def _copy(self, source: Path, columns: Sequence[str], where: str, target: Path, told: Mapping[str, str]) -> Move:
        ready = self._ready(target)
        order = ", ".join(quoted(name) for name in self.table.order if name in columns) or "ALL"
        self.con.execute(
            f"COPY (SELECT {', '.join(map(quoted, columns))} FROM {source_sql([source])} WHERE {where} "
            f"ORDER BY {order}) TO {literal(str(ready))} "
            f"(FORMAT parquet, COMPRESSION zstd, {metadata_sql(self.definition.timezone, told)})",
        )
        return Move(ready, target)

    def _ready(self, target: Path) -> Path:
        """Where a new file waits: on the same disk as its target, and no more visible than that."""
        folder = target.parent if HIDDEN in target.parts else target.parent / HIDDEN
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"ready-{target.name}"

    def removals(self, new: set[Path], days: int | None) -> Iterator[Move]:
        """What the change replaces: other forms of the table, and pasts that have outlived their retention."""
        for owner, files in self.there.places.items():
            folder = folder_of(self.book, owner)
            tops = dict.fromkeys(folder / file.relative_to(folder).parts[0] for file in files)
            for top in tops:
                if top not in new:
                    yield Move(top, self._replaced(owner, top.name))
        if days is None:
            return
        old = [d.number for d in self.there.deliveries if d.at < self.delivery.at - timedelta(days=days)]
        for owner in (None, *Side):
            for kind in ("history", "rejects"):
                for number in old:
                    for name in (self.table.name, f"{self.table.name}{OWN_COLUMNS}"):
                        file = folder_of(self.book, owner) / HIDDEN / kind / f"{name}-{number}.parquet"
                        if file.is_file():
                            yield Move(file, None)

    def _replaced(self, owner: Side | None, name: str) -> Path | None:
        """Where a file goes that the book no longer reads: to whoever owns all that is private in it, or nowhere."""
        owners = {self.whole} if self.whole is not None else {*self.rows, *self.columns.values()}
        if owner is None and len(owners) > 1:
            return None
        folder = folder_of(self.book, owner if owner is not None or not owners else owners.pop())
        return folder / HIDDEN / "replaced" / f"{self.delivery.number}-{name}"


def clear(book: Path) -> None:
    """Remove what imports that were broken off have left lying about; under the book's lock."""
    for owner in (None, *Side):
        hidden_folder = folder_of(book, owner) / HIDDEN
        sweep(hidden_folder / "typed", "work-")
        for junk in (*hidden_folder.glob("ready-*"), *hidden_folder.glob("*/ready-*"), *hidden_folder.glob("work-*")):
            if junk.is_dir():
                shutil.rmtree(junk, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    junk.unlink()
