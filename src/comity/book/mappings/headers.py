"""The headers of a file that a mapping asks for."""

from collections.abc import Iterator
from collections.abc import Mapping as Items

from comity.book.formats.layout import AskedColumn
from comity.book.mappings.model import SourceMapping, Value


def headers_of(value: Value, let: Items[str, Value]) -> Iterator[str]:
    """The headers that one value may be called by: of a sum or a product none, as each bears a part of it."""
    yield from value.source
    for part in value.first:
        yield from headers_of(part, let)
    if value.use is not None and value.use in let:
        yield from headers_of(let[value.use], let)


def all_headers_of(value: Value, let: Items[str, Value]) -> Iterator[str]:
    """Every header that something of a value is made from."""
    yield from value.source
    for part in (*value.first, *value.total, *value.difference, *value.product, *value.quotient, *value.join):
        yield from all_headers_of(part, let)
    if value.use is not None and value.use in let:
        yield from all_headers_of(let[value.use], let)


def headers_behind(mapping: SourceMapping, column: str) -> Iterator[str]:
    """Every header that a column of the table is made from, also through other columns of the mapping."""
    yield from all_headers_of(mapping.columns[column], {**mapping.columns, **mapping.let})


def sources_of(value: Value) -> Iterator[tuple[str, ...]]:
    """The lists of headers of which a value, and each that it is made of, takes the first that is there."""
    if value.source:
        yield value.source
    for part in (*value.first, *value.total, *value.difference, *value.product, *value.quotient, *value.join):
        yield from sources_of(part)


def asked_columns(mapping: SourceMapping) -> list[AskedColumn]:
    """What a sheet should bear for a mapping: one entry a column of the table, and those of `let` beside them."""
    required = {column.name for column in mapping.target.required}
    if mapping.identity:
        return [AskedColumn(frozenset([one.name]), one.name in required) for one in mapping.target.columns]
    asked = [
        AskedColumn(frozenset(all_headers_of(value, mapping.let)), name in required or value.needed)
        for name, value in mapping.columns.items()
    ]
    return [one for one in asked if one.names]
