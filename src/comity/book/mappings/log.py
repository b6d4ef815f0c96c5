# ruff: noqa: S608 - the SQL is made of declared names
"""A log, several rows of which tell of one thing, made into one row a key."""

from collections.abc import Iterator

import pyarrow as pa

from comity.book.formats.sheet import FIRST_STATE, LAST_STATE, ROW
from comity.book.mappings.cell_sql import number_text_sql
from comity.book.mappings.model import CELL_KINDS, CellKind, SourceMapping
from comity.book.storage.duckdb import work_engine
from comity.book.storage.sql import quoted

_BATCH = 131_072
_NUMBERS = {CellKind.NUMBER, CellKind.SECONDS}


def one_row_a_key(
    batches: Iterator[pa.RecordBatch],
    mapping: SourceMapping,
    notes: list[str],
    *,
    has_order: bool,
) -> Iterator[pa.RecordBatch]:
    """Group the rows of a log by the key of its table, each column by what the mapping says of it.

    :param batches: rows of text with `_row`, and with the order of the log where it has one; else the file's counts
    :param has_order: whether the column of that order is there
    :param notes: where it is told how many rows became how many
    """
    with work_engine(threads=1) as (con, _):
        names: list[str] = []
        rows = 0
        for batch in batches:
            con.register("_some", pa.Table.from_batches([batch]))
            con.execute("INSERT INTO _log FROM _some" if names else "CREATE TABLE _log AS FROM _some")
            con.unregister("_some")
            names, rows = batch.schema.names, rows + batch.num_rows
        if not names:
            return
        keys = [name for name in mapping.target.key if name in names]
        order = f"({LAST_STATE}, {ROW})" if has_order else f"({ROW})"
        chosen = [f"max({ROW}) AS {ROW}"]
        for name in names:
            if name in {ROW, LAST_STATE}:
                continue
            chosen.append(quoted(name) if name in keys else f"{_over(mapping, name, order)} AS {quoted(name)}")
        if has_order:  # what other parts of the log are put together by, see `importing.states`
            chosen += [f"min({LAST_STATE}) AS {FIRST_STATE}", f"max({LAST_STATE}) AS {LAST_STATE}"]
        # Rows without their key are no one thing: each stays, and becomes a reject of its own.
        whole = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in keys) or "true"
        grouped = ", ".join([*map(quoted, keys), f"CASE WHEN NOT ({whole}) THEN {ROW} END"])
        found = con.execute(f"SELECT {', '.join(chosen)} FROM _log GROUP BY {grouped} ORDER BY max({ROW})")
        count = 0
        for batch in found.to_arrow_reader(_BATCH):
            count += batch.num_rows
            yield batch
        notes.append(f"{rows:,} rows of a log became {count:,}, one each for {', '.join(keys)}")


def _over(mapping: SourceMapping, name: str, order: str) -> str:
    """One column over the rows of a key; what says nothing of itself is the last that is not empty."""
    value, column = mapping.columns.get(name), quoted(name)
    over = (value.over if value is not None else None) or "last"
    if over == "count":
        return f"CAST(count({column}) AS VARCHAR)"
    if over in {"first", "last"}:
        taken = "arg_min" if over == "first" else "arg_max"
        return f"{taken}({column}, {order}) FILTER ({column} IS NOT NULL)"
    if CELL_KINDS[mapping.target.by_name[name].kind] in _NUMBERS:
        return number_text_sql(f"{over}(TRY_CAST({column} AS DOUBLE))")
    return f"{over}({column})"  # days and instants as text lie in their order
