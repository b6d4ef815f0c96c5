"""Parquet from elsewhere: its columns as text, so that it is checked like everything else."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comity.book.formats.sheet import BATCH_ROWS, Sheet, UnusableSourceError, batch_schema

_A_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
# Arrow has a word of its own for each way in which a file may be damaged, and some are Python's.
_UNREADABLE = (OSError, pa.ArrowException, ValueError, OverflowError, MemoryError)


class ParquetSheet(Sheet):
    """The rows of a Parquet file."""

    path: Path
    sources: dict[str, str]

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows as text; instants with a zone end in Z."""
        out, row = batch_schema(wanted), 1
        try:
            with pq.ParquetFile(self.path) as file:
                names = [self.sources[header] for header in wanted]
                for batch in file.iter_batches(BATCH_ROWS, columns=sorted(set(names)) or None):
                    columns = [_texts(batch.column(batch.schema.get_field_index(name))) for name in names]
                    rows = pa.array(range(row, row + batch.num_rows), pa.int64())
                    yield pa.RecordBatch.from_arrays([rows, *columns], schema=out)
                    row += batch.num_rows
        except _UNREADABLE as error:
            msg = f"cannot be read as Parquet ({str(error).splitlines()[0][:160]})"
            raise UnusableSourceError(msg, file=self.path) from None


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        return _instants(column)
    if pa.types.is_duration(column.type):
        column = pc.divide(column.cast(pa.int64()).cast(pa.float64()), _A_SECOND[column.type.unit])
    if pa.types.is_floating(column.type):
        column = column.cast(pa.float64()) if pa.types.is_float16(column.type) else column
        whole = pc.and_(pc.is_finite(column), pc.less(pc.abs(column), 2.0**53))
        whole = pc.fill_null(pc.and_(whole, pc.equal(column, pc.trunc(column))), False)
        safe = pc.if_else(whole, column, pa.scalar(0.0, column.type)).cast(pa.int64(), safe=False).cast(pa.string())
        return pc.if_else(whole, safe, column.cast(pa.string()))
    if pa.types.is_nested(column.type):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    text = column.cast(pa.string())
    text.validate(full=True)  # bytes that are no UTF-8 would have the engine search them without end
    return text


def _instants(column: pa.Array) -> pa.Array:
    """Instants as text; those beyond what microseconds can count are shown as their number, which is no instant."""
    finer = pa.timestamp("us", column.type.tz)
    if column.type.unit == "ns":
        return column.cast(finer, safe=False).cast(pa.string())
    try:
        return column.cast(finer).cast(pa.string())
    except pa.ArrowInvalid:
        return column.cast(pa.int64()).cast(pa.string())


def parquet_sheet(path: Path) -> ParquetSheet:
    """Open a Parquet file.

    :raises UnusableSourceError: when it is none
    """
    try:
        names = pq.read_schema(path).names
    except _UNREADABLE as error:
        msg = f"cannot be read as Parquet ({str(error).splitlines()[0][:160]})"
        raise UnusableSourceError(msg, file=path) from None
    twice = next((name for name in names if names.count(name) > 1), None) if len(set(names)) < len(names) else None
    if twice is not None:
        msg = f"has two columns {twice!r}; write it again with a name for each"
        raise UnusableSourceError(msg, file=path)
    sheet = ParquetSheet(None, tuple(dict.fromkeys(names)), row_word="row")
    sheet.path, sheet.sources = path, {name: name for name in names}
    return sheet
