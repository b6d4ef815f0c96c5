"""Writer of a simulated book's tables: Parquet files as an import leaves them, and column helpers."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from comity.book.storage.layout import OWN_COLUMNS
from comity.book.storage.parquet import IMPORT_COLUMN, arrow_schema
from comity.book.tables import TABLES, day_column, slot_column
from comity.simulate.partnership import SLOT_S, LocalTime

_ROWS = 250_000  # of a row group
_DAY_S = 86_400


class TableWriter:
    """Writer of one table's file, in several parts that come in the table's order."""

    def __init__(
        self, folder: Path, name: str, zone: str, only: tuple[str, ...] = (), brought_by: str = "provider"
    ) -> None:
        """Open the file; `close`, or leaving a `with`, completes it.

        :param only: the key and a side's own columns, for what it keeps to itself of a shared table
        :param brought_by: the side that brought the rows which do not say so themselves
        """
        self._brought_by = brought_by
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
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=_ROWS)

    def close(self) -> None:
        """End the file."""
        self._writer.close()

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
