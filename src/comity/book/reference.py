"""Words for those who look a table up: how a column is written, what it may hold, and who usually has the table."""

from collections.abc import Iterator

from comity.book.tables import BROUGHT_BY, Column, Kind, Table

KIND_WORDS = {
    Kind.TEXT: "text",
    Kind.INSTANT: "moment",
    Kind.DAY: "day",
    Kind.MONTH: "month",
    Kind.PERIOD: "period",
    Kind.SECONDS: "seconds",
    Kind.COUNT: "whole number",
    Kind.NUMBER: "number",
    Kind.AMOUNT: "amount",
    Kind.SHARE: "share",
    Kind.FLAG: "true or false",
}
KIND_MEANINGS = {
    Kind.TEXT: "any text, without blanks at its ends",
    Kind.INSTANT: "`2026-05-31T09:30:00`, local to the book's time zone, or with an offset (`+02:00`) or `Z`",
    Kind.DAY: "`2026-05-31`",
    Kind.MONTH: "`2026-05`",
    Kind.PERIOD: "a month or a week: `2026-05`, `2026-W23`",
    Kind.SECONDS: "a duration in seconds, never negative",
    Kind.COUNT: "never negative",
    Kind.NUMBER: "with a point for decimals",
    Kind.AMOUNT: "a decimal number, up to six decimals",
    Kind.SHARE: "from 0 to 1: 0.8 is 80 %",
    Kind.FLAG: "`true` or `false`, `1` or `0`",
}
HOLDER_WORDS = {"customer": "the customer", "provider": "the provider", "both": "both sides", "room": "the room alone"}


def column_words(column: Column) -> str:
    """What a column means, what it may hold, and what stands in for an empty cell."""
    words = column.meaning
    if column.values:
        words += f": {', '.join(column.values)}"
    if column.default is not None:
        words += f"; empty is {column.default}"
    return words


def rule_words(table: Table) -> Iterator[str]:
    """What must not be so within one row, which is set aside otherwise."""
    for rule in table.rules:
        yield rule.reason if rule.column in rule.reason else f"{rule.column}: {rule.reason}"


def template(table: Table) -> str:
    """The header of an empty file of a table: every column but the side that delivers it, which an import knows."""
    return ",".join(column.name for column in table.columns if column.name != BROUGHT_BY.name) + "\n"
