# ruff: noqa: S608 - the SQL is made of fixed names
"""The hour that occurs twice when clocks go back, told apart by the order of the file.

One local time cannot say which of the two it is, and is the first. A report of intervals has both, one after the
other: a local start that comes again for a queue in the same file is the second. A file that writes its times with
their offset has rows of the second hour already, and a row of its that comes again is just that.
"""

import duckdb

from comity.book.tables import Table
from comity.book.validation.convert import clock_setbacks, local_time_sql
from comity.book.validation.interval_length import INTERVAL_TABLES


def find_second_hours(con: duckdb.DuckDBPyConnection, table: Table, zone: str) -> int:
    """Write to `_second` the starts of `_staged` that are those of the second hour: _row, start.

    :returns: how many there are
    """
    setbacks = sorted(clock_setbacks(zone), reverse=True)
    if table.name not in INTERVAL_TABLES or not setbacks:
        return 0
    local = local_time_sql("start", zone)
    later = {seconds: local_time_sql(f"(start + to_seconds({seconds}))", zone) for seconds in setbacks}
    arms = " ".join(f"WHEN {same} = {local} THEN {seconds}" for seconds, same in later.items())
    issued = ", issued_on" if "issued_on" in table.by_name else ""
    twice = f"SELECT *, CASE {arms} END AS later FROM _staged WHERE _fault IS NULL"
    place = f"row_number() OVER (PARTITION BY queue, start{issued} ORDER BY _row)"
    placed = f"SELECT _row, queue, start, later, {place} AS place FROM ({twice}) WHERE later IS NOT NULL"
    second = f"SELECT _row, queue, start + to_seconds(later) AS start FROM ({placed}) WHERE place = 2"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _second AS SELECT _row, start FROM ({second}) n "
        "WHERE NOT EXISTS (SELECT 1 FROM _staged s WHERE s.queue = n.queue AND s.start = n.start AND s._fault IS NULL)"
    )
    found = con.execute("SELECT count(*) FROM _second").fetchone()
    return int(found[0]) if found else 0
