"""What the demo shows of deliveries: one of each side that is late, and the file of the month that runs."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from comity.book.storage.journal import JOURNAL_KEY, ImportRecord, journal_json
from comity.book.tables import TABLES
from comity.core.values import Side
from comity.web.demo_dates import FOLDER, moment

_BY = {Side.CUSTOMER: "Inés Sala", Side.PROVIDER: "Lena Kurz"}


def record_late_deliveries(book: Path, end: date) -> None:
    """Say of one table of each side when it came last and what that told of: not what is due now."""
    for table, by, days in (("forecasts", Side.CUSTOMER, 60), ("schedules", Side.PROVIDER, 15)):
        file = book / f"{table}.parquet"
        if not file.is_file():
            continue
        rows = parquet.read_table(file)
        at = moment(end - timedelta(days=days), 9)
        name = f"{table} {at:%Y-%m}.csv"
        came = ImportRecord(
            number=0,
            file=name,
            digest="",
            at=at,
            by=_BY[by],
            mapping=table,
            mapping_digest="",
            rows_in=rows.num_rows,
            new=rows.num_rows,
            side=by.value,
            reach=(end - timedelta(days=365), at.date()),
        )
        metadata = {**(rows.schema.metadata or {}), JOURNAL_KEY.encode(): journal_json([came]).encode()}
        parquet.write_table(rows.replace_schema_metadata(metadata), file, compression="zstd")


def next_month_file(data: Path) -> Path | None:
    """Return the file of contacts of the month that runs, for somebody to import; None where none was made."""
    return next(iter(sorted((data / FOLDER).glob("contacts-*.csv"))), None)


def write_next_month(book: Path, end: date, folder: Path, today: date) -> Path | None:
    """Write contacts of the month after the records, up to yesterday: the last four weeks again, under other ids.

    On the first day of a month they are those of that day, so that there always is a file to import.
    """
    file, shift = folder / f"contacts-{end:%Y-%m}.csv", timedelta(days=28)
    columns = [column for column in TABLES["contacts"].columns if column.name not in {"brought_by", "agent_id", "team"}]
    first, before = end - shift, max(today, end + timedelta(days=1)) - shift
    rows = parquet.read_table(
        book / "contacts.parquet",
        columns=[*(column.name for column in columns), "opened_on"],
        filters=[("opened_on", ">=", first), ("opened_on", "<", before)],
    ).drop_columns("opened_on")
    if not rows.num_rows:
        return None
    for number, column in enumerate(columns):
        values = rows[column.name]
        if pa.types.is_timestamp(values.type):
            moved = pc.add(values, pa.scalar(shift, pa.duration("us")))
            values = pc.strftime(pc.cast(moved, pa.timestamp("s", "UTC"), safe=False), "%Y-%m-%dT%H:%M:%SZ")
        elif column.name == "contact_id":
            values = pc.binary_join_element_wise("n", pc.cast(values, pa.string()), "-")
        rows = rows.set_column(number, column.name, values)
    csv.write_csv(rows, file)
    return file
