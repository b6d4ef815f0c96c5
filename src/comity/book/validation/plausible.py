# ruff: noqa: S608 - the SQL is made of declared names and numbers, never of what a file says
"""What rows say that hardly can be: rules a table, told and never repaired.

A duration in milliseconds, a credit written as an amount to pay, a call of 1926 keep every rule of their columns. Each
rule here counts such rows, names the worst, and says what to look at. The limits are those of `[plausible]`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from comity.book.definition import Definition
from comity.book.definition_keys import PLAUSIBLE
from comity.book.tables import Table

LIMITS: Mapping[str, float] = {key.name: float(str(key.default)) for key in PLAUSIBLE.keys}
_FEWEST_ROWS = 30  # of a queue, for its usual volume to mean something
_FEWEST_COUNTED = 100  # that a part of them should be counted among, for its absence to mean something
_VOICE = "('voice', 'chat')"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the columns that it needs, the rows that break it, and the sentence.

    :ivar rows: a query of (what it is about, value) over `{rows}`, one row a breach
    :ivar says: the sentence; `{n}` breaches, `{what}` and `{value}` of the worst
    """

    table: str
    columns: tuple[str, ...]
    rows: str
    says: str
    worst: str = "max"


RULES: tuple[Rule, ...] = (
    Rule(
        "intervals",
        ("answered", "handle_s"),
        "SELECT queue, handle_s / answered AS value FROM {rows} "
        "WHERE answered > 0 AND handle_s / answered > {longest_handle_s}",
        "handle time: {n} where a contact took longer than is plausible, {value} on average in queue {what}; "
        "is the file's duration in milliseconds, or a total where a mean is meant?",
    ),
    Rule(
        "intervals",
        ("answered", "handle_s"),
        "SELECT queue, handle_s / answered AS value FROM {rows} "
        "WHERE answered > 0 AND handle_s > 0 AND handle_s / answered < {shortest_handle_s}",
        "handle time: {n} where a contact took shorter than is plausible, {value} on average in queue {what}; "
        "is the duration in minutes or hours, or a mean where the total is meant?",
        "min",
    ),
    Rule(
        "intervals",
        ("offered", "answered"),
        "SELECT queue, answered - offered AS value FROM {rows} WHERE answered > offered",
        "{n} with more contacts answered than offered, by {value} in queue {what}; were they carried over from before?",
    ),
    Rule(
        "intervals",
        ("offered",),
        "SELECT queue, value FROM (SELECT queue, offered AS value, "
        "median(offered) FILTER (offered > 0) OVER (PARTITION BY queue, minutes) AS usual, "
        "count(*) OVER (PARTITION BY queue, minutes) AS n FROM {rows}) "
        f"WHERE n >= {_FEWEST_ROWS} AND usual >= 2 AND value > {{largest_volume}} * usual",
        "{n} with far more contacts than the queue usually has, {value} in queue {what}; is it a total?",
    ),
    Rule(
        "intervals",
        ("start", "minutes"),
        # A row of a day is that of 24 hours, of which the day on which the clocks go forward has 23.
        "SELECT queue, ends - start AS value FROM (SELECT queue, epoch(start) AS start, "
        "max(epoch(start) + minutes * 60 - CASE WHEN minutes >= 1440 THEN 3600 ELSE 0 END) "
        "OVER (PARTITION BY queue ORDER BY start "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS ends FROM {rows}) WHERE ends > start",
        "{n} that begin before the interval above them ends, by {value} in queue {what}: contacts may be counted twice",
    ),
    *(
        Rule(
            "intervals",
            (counted, of),
            f"SELECT queue, total AS value FROM (SELECT queue, sum({of}) OVER w AS total, "
            f"sum({counted}) OVER w AS counted_in, "
            f"count({counted}) OVER w AS n FROM {{rows}} WINDOW w AS (PARTITION BY queue)) "
            f"WHERE n >= {_FEWEST_ROWS} AND counted_in = 0 AND total >= {_FEWEST_COUNTED}",
            f"{counted}: {{n}} of 0 and no other, beside {{value}} {word} in queue {{what}}; "
            "if 0 stands for not counted, leave the column out of the mapping",
        )
        for counted, of, word in (
            ("answered_within", "answered", "answered"),
            ("abandoned_short", "abandoned", "abandoned"),
        )
    ),
    Rule(
        "contacts",
        ("handle_s",),
        "SELECT contact_id, handle_s AS value FROM {rows} WHERE handle_s > 4 * {longest_handle_s}",
        "handle time: {n} of contacts handled longer than is plausible, {value} for {what}; is it in milliseconds?",
    ),
    Rule(
        "contacts",
        ("opened_at", "answered_at", "channel"),
        "SELECT contact_id, date_diff('second', opened_at, answered_at) AS value FROM {rows} "
        f"WHERE channel IN {_VOICE} AND date_diff('second', opened_at, answered_at) > {{longest_wait_s}}",
        "{n} of calls answered later than is plausible, after {value} for {what}; are both times in the same zone?",
    ),
    Rule(
        "forecasts",
        ("aht_s",),
        "SELECT queue, aht_s AS value FROM {rows} WHERE aht_s > {longest_handle_s}",
        "handle time: {n} with a forecast longer than is plausible, {value} in queue {what}; is it in milliseconds?",
    ),
    Rule(
        "invoices",
        ("kind",),
        "SELECT service, coalesce(amount, quantity * unit_price) AS value FROM {rows} "
        "WHERE kind IN ('credit', 'malus') AND coalesce(amount, quantity * unit_price) > 0",
        "{n} of kind credit or malus with a positive sign, {value} for {what}: they raise what is owed; "
        "a credit is written as a negative amount",
    ),
    Rule(
        "invoices",
        ("kind",),
        "SELECT service, coalesce(amount, quantity * unit_price) AS value FROM {rows} "
        "WHERE kind IN ('bonus', 'minimum') AND coalesce(amount, quantity * unit_price) < 0",
        "{n} of kind bonus or minimum with a negative sign, {value} for {what}: they lower what is owed",
        "min",
    ),
    Rule(
        "reported",
        ("value", "num", "den"),
        "SELECT kpi, value FROM {rows} "
        "WHERE den > 0 AND num IS NOT NULL AND abs(value - num / den) > 0.006 AND den >= num",
        "{n} of figures that are not numerator by denominator, {value} for {what}",
    ),
)
# The column by which rows of a table lie in time, of records of what has been.
_PAST = {
    "contacts": "opened_at",
    "intervals": "start",
    "surveys": "answered_on",
    "invoices": "month",
    "costs": "month",
    "evaluations": "evaluated_on",
}


def implausible(
    con: duckdb.DuckDBPyConnection, rows: str, table: Table, definition: Definition, today: date
) -> Iterator[str]:
    """What is to be told of typed rows, a sentence a rule that some of them break.

    :param rows: what stands after FROM
    """
    limits = {**LIMITS, **definition.plausible}
    for rule in RULES:
        if rule.table != table.name or not set(rule.columns) <= set(table.by_name):
            continue
        query = rule.rows.format(rows=rows, **limits)
        worst = "arg_max(k, value), max(value)" if rule.worst == "max" else "arg_min(k, value), min(value)"
        found = con.execute(f"SELECT count(*), {worst} FROM ({query}) t(k, value)").fetchone()
        if found and found[0]:
            n, what, value = int(found[0]), str(found[1]), float(found[2])
            timed = any(name in rule.columns for name in ("handle_s", "aht_s", "answered_at", "minutes"))
            shown = _duration(value) if timed else f"{value:,.10g}"
            yield rule.says.format(n=f"{n:,} {'row' if n == 1 else 'rows'}", what=what, value=shown)
    yield from _days(con, rows, table, limits, today)


def _days(
    con: duckdb.DuckDBPyConnection, rows: str, table: Table, limits: Mapping[str, float], today: date
) -> Iterator[str]:
    """Rows that lie in the future, or far before anybody's record."""
    column = _PAST.get(table.name)
    if column is None:
        return
    day = f"CAST({column} AS DATE)"
    last = f"DATE '{today.isoformat()}' + INTERVAL {int(limits['newest_days'])} DAY"
    first = f"DATE '{today.isoformat()}' - INTERVAL {int(limits['oldest_years'])} YEAR"
    later, earlier = f"count(*) FILTER ({day} > {last})", f"count(*) FILTER ({day} < {first})"
    found = con.execute(f"SELECT {later}, max({day}), {earlier}, min({day}) FROM {rows}").fetchone()
    if found and found[0]:
        lie = "1 row lies" if found[0] == 1 else f"{found[0]:,} rows lie"
        yield f"{column}: {lie} in the future, up to {found[1]}; are day and month exchanged?"
    if found and found[2]:
        are = "1 row is" if found[2] == 1 else f"{found[2]:,} rows are"
        yield f"{column}: {are} of long ago, from {found[3]} on; is the year right?"


def _duration(seconds: float) -> str:
    if abs(seconds) >= 2 * 3600:
        return f"{seconds / 3600:,.1f} hours"
    return f"{seconds / 60:,.1f} minutes" if abs(seconds) >= 120 else f"{seconds:,.1f} seconds"  # noqa: PLR2004
