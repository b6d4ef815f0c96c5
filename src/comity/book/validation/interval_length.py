# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""How long the intervals of a file are, by the spacing of their starts, where no column says so."""

from dataclasses import dataclass

import duckdb

from comity.book.validation.convert import is_midnight_sql, local_day_sql

INTERVAL_TABLES = ("intervals", "forecasts", "schedules")
_USUAL = (5, 10, 15, 20, 30, 60, 120, 240)  # minutes that reports are cut into
_MOSTLY = 0.8
_FEWEST = 3
_DAY = 1440
_FEWEST_OF_QUEUE = 8  # starts after another by which one queue is known to be cut otherwise than the rest


@dataclass(frozen=True, slots=True)
class Spacing:
    """The minutes from one start to the next of the same queue: the least, its share, and how many were seen."""

    minutes: int
    share: float
    seen: int

    def overlaps(self, assumed: float) -> bool:
        """Whether intervals of an assumed length would run into each other."""
        return self.seen >= _FEWEST and self.minutes in _USUAL and self.minutes < assumed and self.share >= 1 - _MOSTLY

    def length(self, assumed: float) -> int | None:
        """The length that the starts show where it is not the assumed one; None where they show nothing else."""
        if self.overlaps(assumed):
            return self.minutes
        wider = self.minutes > assumed and self.minutes in _USUAL
        return self.minutes if wider and self.seen >= _FEWEST and self.share >= _MOSTLY else None


@dataclass(frozen=True, slots=True)
class ShownLength:
    """The minutes of each row of `_staged`, as an expression, and how a reader is told of them."""

    sql: str
    spoken: str


def shown_length(con: duckdb.DuckDBPyConnection, assumed: float, zone: str) -> ShownLength | None:
    """The length of the intervals in `_staged` where their starts show another than the assumed one.

    Starts that are all local midnights, one a day, are of days; those that are all first days of several months, of
    months. A queue of its own length, as the hourly one beside half-hourly ones, has its own.
    """
    spacing = spacing_of(con)
    if spacing is None:
        return _of_days(con, assumed, zone)
    length = spacing.length(assumed)
    usual = assumed if length is None else length
    wider = con.execute(
        f"SELECT queue, min(gap) FROM ({_GAPS}) GROUP BY queue HAVING count(*) >= {_FEWEST_OF_QUEUE} "
        f"AND min(gap) = max(gap) AND min(gap) <> {usual:g} AND min(gap) IN {_USUAL}"
    ).fetchall()
    if not wider:
        return None if length is None else ShownLength(str(length), f"each row lasts {length} minutes")
    con.execute("CREATE OR REPLACE TEMP TABLE _lengths (queue VARCHAR, minutes INTEGER)")
    con.executemany("INSERT INTO _lengths VALUES (?, ?)", wider)
    others = str(length) if length is not None else "minutes"
    told = sorted({int(minutes) for _, minutes in wider})
    return ShownLength(
        f"coalesce((SELECT max(l.minutes) FROM _lengths l WHERE l.queue = _rows.queue), {others})",
        f"each row lasts {usual:g} minutes, of some queues {' or '.join(map(str, told))}",
    )


_GAPS = (
    "SELECT queue, gap FROM (SELECT queue, date_diff('minute', lag(start) OVER (PARTITION BY queue ORDER BY start), "
    "start) AS gap FROM (SELECT DISTINCT queue, start FROM _staged WHERE _fault IS NULL)) WHERE gap > 0 AND gap < 720"
)


def spacing_of(con: duckdb.DuckDBPyConnection) -> Spacing | None:
    """The spacing of the starts in `_staged`, within a day; None where no queue has two."""
    found = con.execute(
        f"WITH within AS (SELECT gap, count(*) AS n FROM ({_GAPS}) GROUP BY gap) "
        "SELECT min(gap), arg_min(n, gap), sum(n) FROM within"
    ).fetchone()
    if found is None or found[0] is None:
        return None
    return Spacing(int(found[0]), found[1] / found[2], int(found[2]))


def _of_days(con: duckdb.DuckDBPyConnection, assumed: float, zone: str) -> ShownLength | None:
    """Days or months, where each start is the first moment of one."""
    day = local_day_sql("start", zone)
    found = con.execute(
        f"SELECT count(*), count(*) FILTER ({is_midnight_sql('start', zone)}), "
        f"count(*) FILTER (day({day}) = 1), count(DISTINCT {day}) FROM _staged WHERE _fault IS NULL"
    ).fetchone()
    rows, midnights, firsts, days = found or (0, 0, 0, 0)
    if not rows or midnights < rows or assumed >= _DAY:
        return None
    if firsts == rows and days > 1:
        return ShownLength(f"day(last_day({day})) * {_DAY}", "each row lasts a month")
    return ShownLength(str(_DAY), "each row lasts a day")
