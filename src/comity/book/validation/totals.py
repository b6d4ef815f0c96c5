# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Rows that sum up others, found by what they say: their numbers are those of the rows beside them added up.

Reports print totals among their records under any name: `Gesamt`, `All Queues`, the customer's own. A row whose every
number is the sum (or the mean) of the others of its time is no record. One coincidence proves nothing: a name that
means a total needs one such number, any other name three, and all the rows of that name must be totals.
"""

from dataclasses import dataclass

import duckdb

from comity.book.storage.sql import literal, quoted
from comity.book.tables import Table

# What rows of totals are called in English, Spanish, German, French, Portuguese and Italian.
TOTAL_WORDS = (
    r"(?i)(grand|sub|sous|zwischen|gesamt|overall|net|invoice)?[- ]?"
    r"(totals?|totales?|totale|totaux|sum|summe|suma|somme|soma|somma|gesamt|insgesamt|gesamtsumme|overall|summary|ensemble|"
    r"average|avg\.?|mean|promedio|media|média|durchschnitt|mittelwert|moyenne|netto|neto|net amount|nettobetrag|"
    r"importe neto|montant net|valor líquido|importo netto|amount due|complessivo)"
    r"([ :.].*)?|(all|todas|todos|alle|tous|toutes|tutti|tutte)( (las |los |les |le |die |the )?"
    r"(queues?|skills?|splits?|groups?|agents?|services?|colas?|grupos?|servicios?|warteschlangen|gruppen|files|code|filas))?[:.]?"
)
_FEWEST = 3  # equal numbers that are no coincidence where the name does not say so
_NEAR = "greatest(0.006 * n, 1e-9 * abs(value))"  # each of the n others is rounded to cents


@dataclass(frozen=True, slots=True)
class _Additive:
    """A table whose rows may be totals: their name, what they belong together by, the numbers that add up."""

    label: str
    group: tuple[str, ...]
    numbers: tuple[str, ...]


_ADDITIVE = {
    "intervals": _Additive("queue", ("start",), ("offered", "answered", "abandoned", "flowed_out", "handle_s")),
    "forecasts": _Additive("queue", ("start", "issued_on"), ("offered",)),
    "schedules": _Additive("queue", ("start",), ("required", "scheduled", "staffed")),
    "invoices": _Additive("service", ("month", "account_id", "invoice_id", "currency"), ("amount",)),
}
ADDITIVE_TABLES = frozenset(_ADDITIVE)


def measures_of(table: Table) -> frozenset[str]:
    """The columns with a row's own numbers, one of which it has to bear; none for a table whose rows have none."""
    if table.name == "invoices":
        return frozenset({"quantity", "amount"})
    return frozenset(_ADDITIVE[table.name].numbers) if table.name in _ADDITIVE else frozenset()


def set_totals_aside(con: duckdb.DuckDBPyConnection, table: Table) -> tuple[tuple[str, int], ...]:
    """Take rows that sum up others out of `_staged`.

    :returns: their names, and how many rows bear each
    """
    additive = _ADDITIVE.get(table.name)
    if additive is None:
        return ()
    label, group = (
        quoted(additive.label),
        ", ".join(f"coalesce(CAST({quoted(one)} AS VARCHAR), '')" for one in additive.group),
    )
    is_word = f"regexp_full_match(trim({label}), {literal(TOTAL_WORDS)})"
    numbers = {name: quoted(name) for name in additive.numbers}
    if table.name == "invoices":
        numbers["amount"] = "coalesce(amount, quantity * unit_price)"
    long = " UNION ALL ".join(
        f"SELECT _row, {label} AS label, {is_word} AS word, hash({group}) AS g, {literal(name)} AS name, "
        f"CAST({sql} AS DOUBLE) AS value FROM _staged WHERE _fault IS NULL AND {label} IS NOT NULL"
        for name, sql in numbers.items()
    )
    # The others of a row: all of its group that are not called a total themselves, and not of its own name.
    sums = "SELECT g, name, label, word, sum(value) AS value, count(value) AS rows FROM _long GROUP BY ALL"
    apart = "CASE WHEN l.word THEN 0 ELSE o.{} END"
    compared = (
        f"SELECT l._row, l.label, l.word, l.value, s.value - {apart.format('value')} AS added, "
        f"s.rows - {apart.format('rows')} AS n FROM _long l JOIN "
        "(SELECT g, name, sum(value) AS value, sum(rows) AS rows FROM _sums WHERE NOT word GROUP BY ALL) s "
        "USING (g, name) JOIN _sums o ON o.g = l.g AND o.name = l.name AND o.label = l.label "
        "WHERE l.value IS NOT NULL AND o.rows = 1"
    )
    near = f"(abs(value - added) <= {_NEAR} OR (word AND n > 1 AND abs(value - added / n) <= {_NEAR}))"
    con.execute(f"CREATE OR REPLACE TEMP TABLE _long AS SELECT * FROM ({long})")
    con.execute(f"CREATE OR REPLACE TEMP TABLE _sums AS {sums}")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _totals AS WITH judged AS ("
        f"SELECT _row, label, bool_or(word) AS word, max(n) AS others, count(*) FILTER (value <> 0) AS told, "
        f"bool_and(value = 0 OR ({near} AND n > 0)) AS holds FROM ({compared}) GROUP BY _row, label), "
        "named AS (SELECT label FROM judged GROUP BY label HAVING bool_and(holds) AND CASE WHEN bool_or(word) "
        f"THEN sum(told) >= 1 ELSE max(others) >= 2 AND sum(told) >= {_FEWEST} END) "
        "SELECT j._row, j.label FROM judged j JOIN named USING (label) WHERE j.told > 0 OR j.word"
    )
    # A row that breaks a rule, such as one without its day, is a total where its name alone says so.
    con.execute(f"INSERT INTO _totals SELECT _row, {label} FROM _staged WHERE _fault IS NOT NULL AND {is_word}")
    found = con.execute("SELECT label, count(*) FROM _totals GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
    con.execute("DROP TABLE _long; DROP TABLE _sums")
    return tuple((str(name), int(rows)) for name, rows in found)
