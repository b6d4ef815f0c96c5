"""Writer of a simulated book's tables: Parquet files as an import leaves them, and column helpers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from comity.book.storage.layout import OWN_COLUMNS
from comity.book.storage.parquet import IMPORT_COLUMN, arrow_schema
from comity.book.tables import TABLES, day_column, slot_column
from comity.simulate.partnership import SLOT_S, LocalTime

_ROWS = 250_000  # of a row group
_DAY_S = 86_400
# By which day a row belongs to a month; the first of them that it has.
_DAYS = {
    "contacts": ("opened_on",),
    "intervals": ("start_on",),
    "schedules": ("start_on",),
    "forecasts": ("start_on",),
    "surveys": ("answered_on", "asked_on"),
    "invoices": ("month",),
    "reported": ("period",),
}


# Who brought a row is whoever imports it, and that a caller opened it only the callers' side may say.
_SPOKEN_BY = {"reported": "reported_by", "surveys": "conducted_by"}  # what the provider does not say is the customer's
_NOT_IN_FILES = frozenset({"brought_by", "opened_by"})


@dataclass(frozen=True, slots=True)
class NextMonth:
    """The month after a book's last, whose rows are written as files that somebody imports.

    :param start: its first day
    """

    folder: Path
    start: date

    def file(self, name: str) -> Path:
        """Where rows of this name are written."""
        return self.folder / f"{name}-{self.start:%Y-%m}.csv"


class TableWriter:
    """Writer of one table's file, in several parts that come in the table's order."""

    def __init__(  # noqa: PLR0913 - a file, and what goes into it and beside it
        self,
        folder: Path,
        name: str,
        zone: str,
        only: tuple[str, ...] = (),
        brought_by: str = "provider",
        next_month: NextMonth | None = None,
    ) -> None:
        """Open the file; `close`, or leaving a `with`, completes it.

        :param only: the key and a side's own columns, for what it keeps to itself of a shared table
        :param brought_by: the side that brought the rows which do not say so themselves
        :param next_month: into which rows of later days go, of the tables that a side delivers month by month
        """
        self._brought_by, self._name = brought_by, name
        self._next_month = next_month if name in _DAYS and not only else None
        self._files: dict[Path, pv.CSVWriter] = {}
        folder.mkdir(parents=True, exist_ok=True)
        whole = arrow_schema(TABLES[name], zone)
        fields = [field for field in whole if not only or field.name in {*only, IMPORT_COLUMN}]
        self._schema = pa.schema(fields, whole.metadata)
        file = folder / f"{name}{OWN_COLUMNS if only else ''}.parquet"
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, columns: Mapping[str, Any]) -> None:
        """Append rows: Arrow arrays, or numpy arrays with NaN or NaT for missing values; other columns are null."""
        rows = len(next(iter(columns.values())))
        arrays = []
        for field in self._schema:
            if field.name == "brought_by" and field.name not in columns:
                arrays.append(constant(self._brought_by, rows))
            elif field.name == IMPORT_COLUMN:
                arrays.append(pa.array(np.zeros(rows, np.int32)))
            elif field.name in columns:
                arrays.append(_to_arrow(columns[field.name], field.type))
            else:
                arrays.append(pa.nulls(rows, field.type))
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        if self._next_month is not None:
            is_next = self._in_next_month(table, self._next_month)
            self._write_next_month(table.filter(is_next), columns, self._next_month)
            table = table.filter(pc.invert(is_next))
        self._writer.write_table(table, row_group_size=_ROWS)

    def _in_next_month(self, table: pa.Table, next_month: NextMonth) -> pa.ChunkedArray:
        day = pc.coalesce(*(table[column] for column in _DAYS[self._name]))
        start = f"{next_month.start:%Y-%m}" if pa.types.is_string(day.type) else next_month.start
        return pc.greater_equal(day, pa.scalar(start, day.type))

    def _write_next_month(self, rows: pa.Table, columns: Mapping[str, Any], next_month: NextMonth) -> None:
        """Write rows as their side exports them: the columns that it fills; a file a side of what each says itself."""
        kept = [one.name for one in TABLES[self._name].columns if one.name in columns]
        named = [one for one in kept if one not in _NOT_IN_FILES]
        if self._name not in _SPOKEN_BY:
            self._write_file(rows.select(named), next_month.file(self._name))
            return
        is_providers = pc.equal(rows[_SPOKEN_BY[self._name]], "provider")
        for side, own in (("provider", is_providers), ("customer", pc.invert(is_providers))):
            self._write_file(rows.filter(own).select(named), next_month.file(f"{self._name}-{side}"))

    def _write_file(self, rows: pa.Table, file: Path) -> None:
        if not rows.num_rows:
            return
        for number, column in enumerate(rows.schema):
            if pa.types.is_timestamp(column.type):
                at = pc.strftime(pc.cast(rows[column.name], pa.timestamp("ms", "UTC")), "%Y-%m-%dT%H:%M:%SZ")
                rows = rows.set_column(number, column.name, at)
        if file not in self._files:
            file.parent.mkdir(exist_ok=True)
            self._files[file] = pv.CSVWriter(file, rows.schema)
        self._files[file].write_table(rows)

    def close(self) -> None:
        """End the file, and those of the month after."""
        self._writer.close()
        for file in self._files.values():
            file.close()

    def __enter__(self) -> Self:
        """Return the writer."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the file."""
        self.close()


def constant(text: str, rows: int) -> pa.Array:
    """Return the same text in every row."""
    return pa.repeat(pa.scalar(text, pa.string()), rows)


def id_texts(
    prefix: str, numbers: NDArray[np.int64], width: int = 0, known: NDArray[np.bool_] | None = None
) -> pa.Array:
    """Return ids made of a prefix and a number, zero-padded to `width` digits; null where not `known`."""
    digits = pc.cast(pa.array(numbers, mask=None if known is None else ~known), pa.string())
    if width:
        digits = pc.utf8_lpad(digits, width, "0")
    return pc.binary_join_element_wise(prefix, digits, "")


def names_at(names: pa.Array | list[str], at: NDArray[np.int64], known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return names by their position; null where not `known`."""
    where = pa.array(at, mask=None if known is None else ~known)
    return (pa.array(names, pa.string()) if isinstance(names, list) else names).take(where)


def instants(
    name: str, utc_s: NDArray[np.float64], zone: LocalTime, known: NDArray[np.bool_] | None = None, *, cut: bool = False
) -> dict[str, pa.Array]:
    """Return the column of an instant from UTC seconds, to the millisecond; with its local day and slot if `cut`."""
    mask = None if known is None else ~known
    milli = np.rint((utc_s if known is None else np.where(known, utc_s, 0.0)) * 1000).astype(np.int64)
    columns = {name: pa.array(milli * 1000, pa.timestamp("us"), mask=mask)}
    if cut:
        local = zone.local(milli // 1000)
        columns[day_column(name)] = pa.array((local // _DAY_S).astype(np.int32), pa.date32(), mask=mask)
        columns[slot_column(name)] = pa.array((local % _DAY_S // SLOT_S).astype(np.int16), pa.int16(), mask=mask)
    return columns


def _to_arrow(column: Any, kind: pa.DataType) -> pa.Array:  # noqa: ANN401 - Arrow or numpy
    if isinstance(column, pa.Array | pa.ChunkedArray):
        return column if column.type == kind else column.cast(kind)
    if column.dtype.kind != "f":
        return pa.array(column, from_pandas=True).cast(kind)
    empty = np.isnan(column)
    if pa.types.is_decimal(kind):
        return pa.array(np.where(empty, 0, column), mask=empty).cast(kind, safe=False)
    if pa.types.is_integer(kind):
        return pa.array(np.where(empty, 0, column).astype(np.int64), mask=empty).cast(kind)
    return pa.array(column, kind, mask=empty)
