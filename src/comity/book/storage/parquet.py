"""How a typed table lies on disk: Parquet, instants in UTC, local days and half hours beside them.

Local time is worked out once, when rows come in; no reading pays for time zones again. A file in this
form says so in its metadata, with the zone that its local days were cut in. Any other file is raw, and
is checked before it is read.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comity.book.storage.sql import literal
from comity.book.tables import Column, Kind, Table, day_column, slot_column

FORMAT = "comity.table/1"
FORMAT_KEY = b"comity.format"
ZONE_KEY = b"comity.timezone"

SQL_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.INSTANT: "TIMESTAMP",
    Kind.DAY: "DATE",
    Kind.MONTH: "DATE",
    Kind.PERIOD: "VARCHAR",
    Kind.SECONDS: "DOUBLE",
    Kind.COUNT: "BIGINT",
    Kind.NUMBER: "DOUBLE",
    Kind.AMOUNT: "DECIMAL(18,6)",
    Kind.SHARE: "DOUBLE",
    Kind.FLAG: "BOOLEAN",
}
ARROW_TYPES = {
    Kind.TEXT: pa.string(),
    Kind.INSTANT: pa.timestamp("us"),
    Kind.DAY: pa.date32(),
    Kind.MONTH: pa.date32(),
    Kind.PERIOD: pa.string(),
    Kind.SECONDS: pa.float64(),
    Kind.COUNT: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.AMOUNT: pa.decimal128(18, 6),
    Kind.SHARE: pa.float64(),
    Kind.FLAG: pa.bool_(),
}
IMPORT_COLUMN = "_import"  # the import that last set the row; 0 for rows that were never imported


def arrow_schema(table: Table, timezone: str) -> pa.Schema:
    """The columns of a typed table: those declared, then local days and half hours, then the import."""
    fields = [pa.field(column.name, ARROW_TYPES[column.kind]) for column in table.columns]
    for instant in table.days:
        fields += [pa.field(day_column(instant), pa.date32()), pa.field(slot_column(instant), pa.int16())]
    fields.append(pa.field(IMPORT_COLUMN, pa.int32()))
    return pa.schema(fields, metadata={FORMAT_KEY: FORMAT.encode(), ZONE_KEY: timezone.encode()})


def is_typed_file(file: Path, timezone: str) -> bool:
    """Whether the file is in this form, with its local days cut in this zone."""
    return zone_of_typed_file(file) == timezone


def zone_of_typed_file(file: Path) -> str | None:
    """The zone in which a typed file's local days were cut; None for a file that is not in this form."""
    if file.suffix != ".parquet":
        return None
    try:
        metadata = pq.read_metadata(file).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    if metadata.get(FORMAT_KEY) != FORMAT.encode():
        return None
    return str(metadata.get(ZONE_KEY, b"").decode())


def metadata_sql(timezone: str, more: Mapping[str, str] | None = None) -> str:
    """What DuckDB's COPY writes into the metadata of a file in this form."""
    pairs = {FORMAT_KEY.decode(): FORMAT, ZONE_KEY.decode(): timezone, **(more or {})}
    cells = ", ".join(f"{literal(key)}: {literal(value)}" for key, value in pairs.items())
    return f"KV_METADATA {{{cells}}}"


def scan_sql(*files: Path) -> str:
    """The scan of Parquet files; a folder called `queue=x` is a folder, and not a column as it is to some."""
    listed = ", ".join(literal(str(file)) for file in files)
    return f"read_parquet([{listed}], union_by_name => true, hive_partitioning => false)"


def local_columns_sql(table: Table, timezone: str) -> list[str]:
    """DuckDB expressions for the local day and half hour of each of the table's `days`."""
    columns = []
    for instant in table.days:
        local = f"(\"{instant}\" AT TIME ZONE 'UTC' AT TIME ZONE '{timezone}')"
        columns.append(f'CAST({local} AS DATE) AS "{day_column(instant)}"')
        minutes = f"extract('hour' FROM {local}) * 2 + extract('minute' FROM {local}) // 30"
        columns.append(f'CAST({minutes} AS SMALLINT) AS "{slot_column(instant)}"')
    return columns


def sql_type(column: Column) -> str:
    """The DuckDB type of a column."""
    return SQL_TYPES[column.kind]
