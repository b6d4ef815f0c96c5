# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Rows that sum up others, found by what they say: their numbers are those of the rows beside them added up.

Reports print totals among their records under any name: `Gesamt`, `All Queues`, the customer's own. A row whose every
number is the sum (or the mean) of the others of its time is no record. One coincidence proves nothing: a name that
means a total needs one such number, any other name more than chance would give, and all the rows of that name must be
totals. What sums up a part is known by its name (Care over Care DE and Care AT) or by its place below or above it.
"""

from dataclasses import dataclass

import duckdb

from comity.book.storage.sql import literal, quoted
from comity.book.tables import Table

_GROSS_WORDS = (
    r"rechnungsbetrag|rechnungssumme|rechnungsendbetrag|endbetrag|endsumme|zahlbetrag|zu zahlen|bruttobetrag|brutto|"
    r"gross|gross amount|amount payable|balance due|montant ttc|net à payer|à payer|importe total|importe bruto|"
    r"líquido a pagar|total a pagar|valor total|valor bruto|importo totale|importo lordo|lordo|da pagare"
)
# What rows of totals are called in English, Spanish, German, French, Portuguese and Italian.
TOTAL_WORDS = (
    r"(?i)(grand|sub|sous|zwischen|gesamt|overall|net|invoice)?[- ]?"
    r"(totals?|totales?|totale|totaux|sum|summe|suma|somme|soma|somma|gesamt|insgesamt|gesamtsumme|overall|summary|ensemble|"
    r"average|avg\.?|mean|promedio|media|média|durchschnitt|mittelwert|moyenne|netto|neto|net amount|nettobetrag|"
    r"importe neto|montant net|valor líquido|importo netto|amount due|complessivo|gesamtergebnis|teilergebnis|"
    rf"{_GROSS_WORDS})"
    r"([ :.].*)?|(.*[ -])(totals?|totales?|totale|totaux|summe|ergebnis|gesamt)[:.]?|"
    r"(all|todas|todos|alle|tous|toutes|tutti|tutte)( (las |los |les |le |die |the )?"
    r"(queues?|skills?|splits?|groups?|agents?|services?|colas?|grupos?|servicios?|warteschlangen|gruppen|files|code|filas))?[:.]?"
)
# Names that can be nothing else, whatever they add up to.
TOTAL_ALONE = r"(?i)(grand |sub-?|sous-|zwischen|gesamt)?(totals?|summe|totaux)( general| général| geral)?[:.]?"
# What lines of tax and gross sums are called on invoices.
TAX_WORDS = (
    r"(?i)((zzgl\.?|plus|más|plus de|mais|più|inkl\.?|incl\.?|zuzüglich|davon|enthaltene) )?"
    r"((19|7|20|21|10|5[.,]5|2[.,]1|22|23|13|6|4|16) ?% ?)?(de |d[ei] |of )?"
    r"(ust|umsatzsteuer|mwst|mehrwertsteuer|vat|sales tax|value added tax|tax|gst|iva|i\.v\.a|igic|impuestos?|"
    r"impuesto sobre el valor añadido|tva|t\.v\.a|taxe|taxes|imposta|icms|iss|imposto|steuer)\b[.:]?([ (:.].*)?"
)
_SURE_ENOUGH = 7.0  # the sum of ln(1 + number) over equal numbers: one in a thousand, and no coincidence of 1 and 2
_NAMED_ENOUGH = 4.0  # where the names say as much
_MOST_NAMES = 2000  # of queues that are compared by their names
# Each of the n others is rounded to cents.
_TIGHT = "greatest(0.006 * coalesce(n, 0), 1e-9 * abs(value))"
# A total duration is often a mean times a count, the mean rounded to a tenth of a second or to a whole one.
_LOOSE = "0.02 * abs(value)"
_DERIVED = "name = 'handle_s'"
_HIGHEST_RATE = 0.3  # of a tax whose line does not say it


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


@dataclass(frozen=True, slots=True)
class FoundTotals:
    """Names of rows that sum up others, and how many of each were left out; names that say so and do not add up."""

    left_out: tuple[tuple[str, int], ...] = ()
    doubtful: tuple[str, ...] = ()


def set_totals_aside(con: duckdb.DuckDBPyConnection, table: Table) -> FoundTotals:
    """Gather the rows of `_staged` that sum up others, as `_totals`."""
    additive = _ADDITIVE.get(table.name)
    if additive is None:
        return FoundTotals()
    label = quoted(additive.label)
    group = ", ".join(f"coalesce(CAST({quoted(one)} AS VARCHAR), '')" for one in additive.group)
    is_word = f"regexp_full_match(trim({label}), {literal(TOTAL_WORDS)})"
    numbers = {name: quoted(name) for name in additive.numbers}
    if table.name == "invoices":
        numbers["amount"] = "coalesce(amount, quantity * unit_price)"
    long = " UNION ALL ".join(
        f"SELECT _row, {label} AS label, {is_word} AS word, hash({group}) AS g, {literal(name)} AS name, "
        f"CAST({sql} AS DOUBLE) AS value FROM _staged WHERE _fault IS NULL AND {label} IS NOT NULL"
        for name, sql in numbers.items()
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE _long AS SELECT * FROM ({long})")
    con.execute("CREATE OR REPLACE TEMP TABLE _totals (_row BIGINT, label VARCHAR)")
    con.execute("CREATE OR REPLACE TEMP TABLE _tax (g UBIGINT, tax DOUBLE)")
    taxes = _set_taxes_aside(con) if table.name == "invoices" else "false"
    # First what sums up a part, which would else be counted once more in what sums up all.
    for found, enough in ((_PARTS_BY_NAME, _NAMED_ENOUGH), (_PARTS_BY_PLACE, 0), (_WHOLES, _SURE_ENOUGH)):
        con.execute(f"CREATE OR REPLACE TEMP TABLE _judged AS {found}")
        con.execute(
            "INSERT INTO _totals SELECT j._row, j.label FROM _judged j "
            f"JOIN ({_NAMED.format(enough=enough)}) USING (label)"
        )
        con.execute("DELETE FROM _long WHERE _row IN (SELECT _row FROM _totals)")
    # A row that breaks a rule, such as one without its day, is a total where its name alone says so.
    con.execute(
        f"INSERT INTO _totals SELECT _row, label FROM (SELECT _row, {label} AS label FROM _staged "
        f"WHERE _fault IS NOT NULL) WHERE {is_word.replace(label, 'label')} OR {taxes}"
    )
    left_out = con.execute("SELECT label, count(*) FROM _totals GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
    # What is called a total and adds up to nothing: beside other rows, or by a name that can be nothing else.
    alone = f"regexp_full_match(trim(label), {literal(TOTAL_ALONE)})"
    beside = "g IN (SELECT g FROM _long WHERE NOT word)"
    sql = f"SELECT DISTINCT label FROM _long WHERE {alone} OR (word AND {beside}) OR {taxes} ORDER BY 1"
    doubtful = con.execute(sql).fetchall()
    con.execute("DROP TABLE _long; DROP TABLE _judged; DROP TABLE _tax")
    return FoundTotals(tuple((str(name), int(rows)) for name, rows in left_out), tuple(str(one) for (one,) in doubtful))


def _set_taxes_aside(con: duckdb.DuckDBPyConnection) -> str:
    """Move the lines of tax on an invoice to `_totals`, and what they come to into `_tax`.

    A line that is called a tax is one where it is no more than its rate of what else is invoiced.

    :returns: the condition that a line is called a tax
    """
    tax = f"regexp_full_match(trim(label), {literal(TAX_WORDS)})"
    rate = "TRY_CAST(replace(regexp_extract(label, '(\\d+(?:[.,]\\d+)?) ?%', 1), ',', '.') AS DOUBLE) / 100"
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _judged AS SELECT l._row, l.label, l.g, l.value FROM _long l JOIN "
        f"(SELECT g, sum(value) AS base, count(*) AS n FROM _long WHERE NOT word AND NOT {tax} GROUP BY g) b USING (g) "
        f"WHERE {tax} AND value * base > 0 "
        f"AND abs(value) <= coalesce({rate}, {_HIGHEST_RATE}) * abs(base) + greatest(0.006 * n, 0.01)"
    )
    con.execute("INSERT INTO _totals SELECT _row, label FROM _judged")
    con.execute("INSERT INTO _tax SELECT g, sum(value) FROM _judged GROUP BY g")
    con.execute("DELETE FROM _long WHERE _row IN (SELECT _row FROM _totals)")
    return tax


# Each makes one row a row that may be a total: how many others it may sum up, and whether every number of it does.
# Of a row by the name of a total the counts decide; a duration that is derived need not fit to the second.
_JUDGED = (
    "SELECT _row, label, bool_or(word) AS word, max(n) AS others, "
    f"count(*) FILTER (value <> 0 AND off <= {_TIGHT}) AS told, "
    f"coalesce(sum(ln(1 + abs(value))) FILTER (off <= {_TIGHT}), 0) AS weight, "
    f"bool_and(value = 0 OR (n > 0 AND (off <= {_TIGHT} OR ({_DERIVED} AND (word OR off <= {_LOOSE}))))) AS holds "
    "FROM ({compared}) GROUP BY _row, label"
)
# Care over Care DE and Care AT: of each time all that begin with the name.
_PARTS_BY_NAME = _JUDGED.format(
    compared=(
        "WITH every AS (SELECT DISTINCT label FROM _long WHERE NOT word), "
        f"labels AS (SELECT label FROM every WHERE (SELECT count(*) FROM every) <= {_MOST_NAMES}), "
        "parents AS (SELECT p.label AS parent, c.label AS child FROM labels p JOIN labels c ON c.label <> p.label "
        "AND starts_with(lower(c.label), lower(p.label)) "
        "AND regexp_matches(c.label[length(p.label) + 1:], '^[ _/:.>|-]')), "
        "leaves AS (SELECT parent, child FROM parents WHERE child NOT IN (SELECT parent FROM parents)), "
        "sums AS (SELECT l.parent AS label, o.g, o.name, sum(o.value) AS added, count(o.value) AS n "
        "FROM leaves l JOIN _long o ON o.label = l.child GROUP BY ALL) "
        "SELECT l._row, l.label, false AS word, l.name, l.value, abs(l.value - coalesce(s.added, 0)) AS off, "
        "coalesce(s.n, 0) AS n "
        "FROM _long l LEFT JOIN sums s ON s.label = l.label AND s.g = l.g AND s.name = l.name "
        "WHERE l.value IS NOT NULL AND l.label IN (SELECT parent FROM parents GROUP BY parent HAVING count(*) > 1)"
    ),
)
# What is called a total, of the rows of its time right above it or right below, up to the next of these.
_PARTS_BY_PLACE = _JUDGED.format(
    compared=(
        "WITH near AS (SELECT * FROM _long SEMI JOIN (SELECT g FROM _long WHERE word) USING (g)), "
        "runs AS (SELECT *, count(*) FILTER (word) OVER (PARTITION BY g, name ORDER BY _row "
        "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS run FROM near), "
        "sums AS (SELECT g, name, run, sum(value) AS added, count(value) AS n FROM runs WHERE NOT word GROUP BY ALL) "
        "SELECT l._row, l.label, true AS word, l.name, l.value, "
        "least(abs(l.value - a.added), abs(l.value - b.added)) AS off, "
        "greatest(coalesce(a.n, 0), coalesce(b.n, 0)) AS n FROM runs l "
        "LEFT JOIN sums a ON a.g = l.g AND a.name = l.name AND a.run = l.run "
        "LEFT JOIN sums b ON b.g = l.g AND b.name = l.name AND b.run = l.run + 1 WHERE l.word AND l.value IS NOT NULL"
    ),
)
# The others of a row: all of its group that are not called a total themselves, and not of its own name.
_WHOLES = _JUDGED.format(
    compared=(
        "WITH sums AS (SELECT g, name, label, word, sum(value) AS value, count(value) AS rows FROM _long GROUP BY ALL) "
        "SELECT *, least(abs(value - added), CASE WHEN word AND n > 1 THEN abs(value - added / n) END, "
        "CASE WHEN word AND tax <> 0 THEN abs(value - added - tax) END) AS off FROM ("
        "SELECT l._row, l.label, l.word, l.name, l.value, s.value - CASE WHEN l.word THEN 0 ELSE o.value END AS added, "
        "s.rows - CASE WHEN l.word THEN 0 ELSE o.rows END AS n, t.tax FROM _long l JOIN "
        "(SELECT g, name, sum(value) AS value, sum(rows) AS rows FROM sums WHERE NOT word GROUP BY ALL) s "
        "USING (g, name) JOIN sums o ON o.g = l.g AND o.name = l.name AND o.label = l.label "
        "LEFT JOIN _tax t ON t.g = l.g "
        "WHERE l.value IS NOT NULL AND o.rows = 1)"
    ),
)
# A name is a total's where all rows of it are such, and enough of them is said for it to be no coincidence.
_NAMED = (
    "SELECT label FROM _judged GROUP BY label HAVING bool_and(holds) AND CASE WHEN bool_or(word) "
    "THEN sum(told) >= 1 ELSE max(others) >= 2 AND sum(weight) >= {enough} END"
)
