"""Parquet from elsewhere: its columns as text, so that it is checked like everything else."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comity.book.importing.section import BATCH_ROWS, Section, UnusableSourceError, schema


class ParquetSection(Section):
    """The rows of a Parquet file."""

    path: Path
    sources: dict[str, str]

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows as text; instants with a zone end in Z."""
        out, row = schema(wanted), 1
        try:
            with pq.ParquetFile(self.path) as file:
                names = [self.sources[header] for header in wanted]
                for batch in file.iter_batches(BATCH_ROWS, columns=sorted(set(names)) or None):
                    columns = [_texts(batch.column(batch.schema.get_field_index(name))) for name in names]
                    rows = pa.array(range(row, row + batch.num_rows), pa.int64())
                    yield pa.RecordBatch.from_arrays([rows, *columns], schema=out)
                    row += batch.num_rows
        except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            msg = f"{self.path}: cannot be read as Parquet ({str(error).splitlines()[0][:160]})"
            raise UnusableSourceError(msg) from None


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        return column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.string())
    if pa.types.is_floating(column.type):
        whole = pc.and_(pc.is_finite(column), pc.less(pc.abs(column), 2.0**53))
        whole = pc.fill_null(pc.and_(whole, pc.equal(column, pc.trunc(column))), False)
        safe = pc.if_else(whole, column, pa.scalar(0.0, column.type)).cast(pa.int64(), safe=False).cast(pa.string())
        return pc.if_else(whole, safe, column.cast(pa.string()))
    if pa.types.is_nested(column.type):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def parquet(path: Path) -> ParquetSection:
    """Open a Parquet file.

    :raises UnusableSourceError: when it is none
    """
    try:
        names = pq.read_schema(path).names
    except (OSError, pa.ArrowInvalid) as error:
        msg = f"{path}: cannot be read as Parquet ({str(error).splitlines()[0][:160]})"
        raise UnusableSourceError(msg) from None
    section = ParquetSection(None, tuple(dict.fromkeys(names)), row_word="row")
    section.path, section.sources = path, {name: name for name in names}
    return section
