"""Names and texts as DuckDB takes them: the one place where anything is quoted."""

from comity.book.tables import Table


def quoted(name: str) -> str:
    """A name as DuckDB takes it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as DuckDB takes it."""
    return "'" + text.replace("'", "''") + "'"


def key_text_sql(table: Table, prefix: str = "") -> str:
    """A row's key as one text; NULL where a part is lacking without which it is no key."""
    needed = [name for name in table.key if table.may_lack_key or table.by_name[name].required]
    parts = " || chr(31) || ".join(f"coalesce(CAST({prefix}{quoted(name)} AS VARCHAR), '')" for name in table.key)
    return f"CASE WHEN {' AND '.join(f'{prefix}{quoted(name)} IS NOT NULL' for name in needed)} THEN {parts} END"


def full_key_sql(table: Table, prefix: str = "") -> str:
    """The condition that a row has its whole key; an empty queue of `reported` is a value: all queues."""
    if not table.may_lack_key:
        return "true"
    return " AND ".join(f"{prefix}{quoted(name)} IS NOT NULL" for name in table.key)
