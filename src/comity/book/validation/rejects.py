"""Rows set aside, and who may read why: what is private to one side stays so in the list of what was wrong."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comity.book.plurals import plural
from comity.core.values import Side

REJECTS_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("line", pa.int64()),
        ("column", pa.string()),
        ("value", pa.string()),
        ("reason", pa.string()),
        ("owner", pa.string()),
        ("column_owner", pa.string()),
    ],
)
FIRST_REJECTS = 3  # rejects named in a refusal
_NOTES_KEY = b"comity.notes"
_REDACTED_REASON = "breaks a rule over a column that is private to the {}"


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was set aside: where it stands, the column and value to blame, and what is wrong with it."""

    file: str
    line: int
    column: str
    value: str
    reason: str

    def __str__(self) -> str:
        """The reject as one line of a report."""
        what = f"{self.column}: " if self.column else ""
        value = f" ({self.value!r})" if self.value else ""
        return f"{self.file} line {self.line}: {what}{self.reason}{value}"


def too_many_rejects(rejected: int, rows_in: int, allowed: float, first: Iterable[Reject]) -> str:
    """The words of a refusal: how many rows break a rule, how many may, and the first of them."""
    share = f"{rejected:,} of {plural(rows_in, 'row', 'rows')} {'breaks' if rejected == 1 else 'break'} a rule"
    named = "; ".join(map(str, first))
    return f"{share}, where {allowed:.0%} may{f': {named}' if named else ''}"


def write_rejects(file: Path, tables: Sequence[pa.Table], notes: Sequence[tuple[str | None, str]] = ()) -> None:
    """Keep rejects as Parquet, in the order of the rows, with what else is to be told.

    :param notes: (the side that alone may read it, or None; the sentence)
    """
    whole = pa.concat_tables([REJECTS_SCHEMA.empty_table(), *tables]).sort_by(
        [("file", "ascending"), ("line", "ascending")]
    )
    told = {_NOTES_KEY: json.dumps(list(notes)).encode()}
    pq.write_table(whole.replace_schema_metadata(told), file, compression="zstd")


def first_rows(file: Path, most: int | None) -> pa.Table:
    """The first rows of a Parquet file; None: all."""
    if most is None:
        return pq.read_table(file)
    with pq.ParquetFile(file) as stored:
        first = next(stored.iter_batches(max(most, 1)), None)
        return pa.Table.from_batches([first] if first is not None else [], stored.schema_arrow).slice(0, most)


def read_notes(file: Path, side: Side | None) -> tuple[str, ...]:
    """What else was to be told of a table, as far as this side may know."""
    notes = json.loads((pq.read_schema(file).metadata or {}).get(_NOTES_KEY, b"[]"))
    return tuple(text for owner, text in notes if owner is None or owner == side)


def read_rejects(file: Path, side: Side | None) -> Iterator[Reject]:
    """The rejects that someone on this side (None: on neither) may know of.

    A row that is private to another side does not appear. Where only the blamed column is private, the row does
    appear, because it is missing from everyone's figures, but neither column nor value is told.
    """
    with pq.ParquetFile(file) as stored:
        for batch in stored.iter_batches(10_000):
            for row in batch.to_pylist():
                if row["owner"] is not None and row["owner"] != side:
                    continue
                owner = row["column_owner"]
                if owner is not None and owner != side:
                    yield Reject(row["file"], row["line"], "", "", _REDACTED_REASON.format(owner))
                else:
                    yield Reject(row["file"], row["line"], row["column"], row["value"] or "", row["reason"])


def redacted_for(rejects: pa.Table, owner: Side | None) -> pa.Table:
    """Rejects as they may lie where this owner (None: everybody) can read them."""
    theirs = pc.and_(
        pc.is_valid(rejects.column("column_owner")), pc.not_equal(rejects.column("column_owner"), owner or "")
    )
    theirs = pc.fill_null(theirs, False)
    for name in ("column", "value"):
        place = rejects.schema.get_field_index(name)
        rejects = rejects.set_column(place, name, pc.if_else(theirs, "", rejects.column(name)))
    return rejects


def rejects_of_import(book: Path, table: str, number: int, side: Side | None) -> Iterator[Reject]:
    """The rows that an import set aside, as far as this side may know, read from the book's own folders."""
    folders = [book] + ([book / "private" / side.value] if side is not None else [])
    own: dict[tuple[str, int], Reject] = {}
    if side is not None:
        file = book / "private" / side.value / ".comity" / "rejects" / f"{table}.columns-{number}.parquet"
        if file.is_file():
            own = {(reject.file, reject.line): reject for reject in read_rejects(file, side)}
    for folder in folders:
        file = folder / ".comity" / "rejects" / f"{table}-{number}.parquet"
        if file.is_file():
            yield from (own.get((reject.file, reject.line), reject) for reject in read_rejects(file, side))


def count_rejects(file: Path, side: Side | None) -> int:
    """How many rows were set aside, as far as this side may know."""
    owners = pq.read_table(file, columns=["owner"]).column("owner").to_pylist()
    return sum(owner is None or owner == side for owner in owners)
