"""What the demo shows of deliveries: one of each side that is late, and the files of the last month, to import."""

import shutil
from datetime import date, timedelta
from pathlib import Path

from pyarrow import parquet

from comity.book.definition import read_definition
from comity.book.storage.journal import JOURNAL_KEY, ImportRecord, journal_json
from comity.core.values import Side
from comity.simulate.book import NEXT_MONTH
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


def next_month_files(data: Path) -> list[Path]:
    """Return the files of the month after the records, for somebody to import; none where none were made."""
    return sorted((data / FOLDER).glob("*.csv"))


def copy_next_month(book: Path, folder: Path) -> dict[Path, Side]:
    """Copy the files of the month after a simulated book's last, and return which side delivers each.

    A file that only one side may speak for names it; else who delivers a table is agreed in the book.
    """
    agreed, files = {one.table: one.by for one in read_definition(book).sources}, {}
    for source in sorted((book / NEXT_MONTH).glob("*.csv")):
        table, named = source.name.split("-")[:2]
        files[Path(shutil.copy(source, folder))] = Side(named) if named in set(Side) else agreed[table]
    return files
