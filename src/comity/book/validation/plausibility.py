# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""What is odd about rows that keep every rule, and what else an import tells: sentences, no reason to refuse."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from comity.book.definition import Definition
from comity.book.plurals import plural
from comity.book.storage.parquet import scan_sql
from comity.book.storage.sql import quoted
from comity.book.tables import Kind, Table
from comity.book.validation.check import CheckedRows

COLUMNS_NOT_KEPT = "columns not kept:"  # how the sentence begins that names them
_MOST_NAMES = 4
_MOST_COLUMNS = 12  # columns named in a note


def check_notes(checked: CheckedRows, table: Table, definition: Definition) -> Iterator[tuple[str | None, str]]:
    """What is to be told of a checked table beside its rejects, each with the side that alone may read it."""
    if checked.totals.doubtful:
        names = ", ".join(map(repr, checked.totals.doubtful[:_MOST_NAMES]))
        said = f"rows called {names} were kept, as their numbers are not those of the others added up; "
        yield None, said + "if they are totals or taxes, name them under [[totals]] of the mapping"
    if checked.totals.left_out:
        names = ", ".join(repr(name) for name, _ in checked.totals.left_out[:_MOST_NAMES])
        count = sum(rows for _, rows in checked.totals.left_out)
        what = plural(count, "row that sums up others was", "rows that sum up others were")
        yield None, f"{what} left out ({names}); if they are records, write sure = true in the mapping"
    if checked.minutes is not None:
        yield None, f"{checked.minutes}, as their starts show; no column says so"
    if checked.collapsed:
        what = plural(checked.collapsed, "row says", "rows say")
        yield None, f"{what} the same as another and {'counts' if checked.collapsed == 1 else 'count'} once"
    rows, total = checked.off_amounts
    if rows:
        owner = definition.column_owners(table).get("amount")
        what = plural(rows, "amount differs", "amounts differ")
        by = f"by {total:,.2f} {definition.currency} in sum"
        counts = "the amount counts" if rows == 1 else "the amounts count"
        yield (owner.value if owner else None), f"{what} from quantity times unit price, {by}; {counts}"


def interval_notes(con: duckdb.DuckDBPyConnection, checked: CheckedRows, table: Table) -> Iterator[str]:
    """Where the parts of an interval are not what was offered in it."""
    if table.name != "intervals":
        return
    parts = "answered + abandoned + coalesce(flowed_out, 0)"
    sql = (
        f"SELECT count(*) FILTER (off <> 0), coalesce(sum(off), 0), count(off) "
        f"FROM (SELECT offered - ({parts}) AS off FROM {scan_sql(checked.clean)})"
    )
    row = con.execute(sql).fetchone()
    given_up = "greatest(offered - answered - coalesce(flowed_out, 0), 0)"
    lacking = f"SELECT count(*), sum({given_up}) FROM {scan_sql(checked.clean)} WHERE abandoned IS NULL"
    unknown = con.execute(f"{lacking} AND {given_up} > 0").fetchone()
    if unknown and unknown[0]:
        what = plural(unknown[0], "interval", "intervals")
        yield (
            f"in {what} nothing counts who gave up: offered less answered is taken for it ({unknown[1]:,.0f} in sum), "
            "though some of them may have gone elsewhere; bring a column of abandons"
        )
    if row and row[0]:
        intervals = plural(row[2], "interval", "intervals")
        yield (
            f"in {row[0]:,} of {intervals} answered, abandoned and flowed out are not what was offered "
            f"({row[1]:+,.0f} in sum)"
        )


def in_neither(con: duckdb.DuckDBPyConnection, clean: Path, table: Table) -> dict[str, int]:
    """How many contacts were neither answered nor given up, by their outcome, the most first; empty where it has none.

    They are in no service level and in no abandonment. Nothing where no contact of the file says either, as of tickets.
    """
    columns = set(pq.read_schema(clean).names)
    ends = [name for name in ("answered_at", "abandoned_at") if name in columns]
    if table.name != "contacts" or not ends:
        return {}
    outcome = "coalesce(outcome, '')" if "outcome" in columns else "''"
    neither = " AND ".join(f"{name} IS NULL" for name in ends)
    sql = (
        f"SELECT {outcome}, count(*) FILTER ({neither}), count(*) FROM {scan_sql(clean)} GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    rows = con.execute(sql).fetchall()
    if sum(n for _, n, _ in rows) == sum(every for _, _, every in rows):
        return {}
    return {str(name): int(n) for name, n, _ in rows if n}


def control_total_notes(
    con: duckdb.DuckDBPyConnection,
    checked: CheckedRows,
    table: Table,
    control: Mapping[str, float],
) -> Iterator[str]:
    """Where the source's own totals are not what its rows add up to."""
    numeric = {Kind.COUNT, Kind.NUMBER, Kind.AMOUNT, Kind.SECONDS}
    for name, total in control.items():
        if name not in table.by_name or table.by_name[name].kind not in numeric:
            continue
        sql = f"SELECT coalesce(sum({quoted(name)}), 0) FROM {scan_sql(checked.clean)}"
        found = con.execute(sql).fetchone()
        added = float(found[0]) if found else 0.0
        if abs(added - total) > 0.005 + 1e-9 * abs(total):  # half of the last decimal of money
            yield f"the file's own total of {name} is {total:,.10g}, its rows that were taken add up to {added:,.10g}"


def columns_not_kept(names: Sequence[str]) -> str:
    """That a file has columns of which nothing is kept."""
    more = f" and {len(names) - _MOST_COLUMNS} more" if len(names) > _MOST_COLUMNS else ""
    return f"{COLUMNS_NOT_KEPT} {', '.join(names[:_MOST_COLUMNS])}{more}"
