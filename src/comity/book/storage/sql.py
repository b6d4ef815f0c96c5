"""Names and texts as DuckDB takes them: the one place where anything is quoted."""

from comity.book.tables import Table


def quoted(name: str) -> str:
    """A name as DuckDB takes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as DuckDB takes it."""
    return "'" + text.replace("'", "''") + "'"


def full_key_sql(table: Table, prefix: str = "") -> str:
    """The condition that a row has its whole key; an empty queue of `reported` is a value: all queues."""
    if not table.may_lack_key:
        return "true"
    return " AND ".join(f"{prefix}{quoted(name)} IS NOT NULL" for name in table.key)
