"""A format as the answers of a person who matched its columns, and the same format with some of them changed.

So a format that nearly fits a file is changed where it does not, and keeps all else that it says: its filters, its
further tables, how it adds up what several columns say.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from comity.book.formats.sheet import find_in
from comity.book.mappings.mapping_text import mapping_text
from comity.book.mappings.match import (
    EMPTY,
    KEEP,
    ORDERS,
    REJECT,
    WAIT,
    Answers,
    FileColumns,
    known_meanings,
    offers_wait,
    required_columns,
    takes_own_values,
)
from comity.book.mappings.model import CELL_KINDS, CellKind, SourceMapping, Value
from comity.book.tables import BROUGHT_BY, Column

_ENDS = ("answered_at", "abandoned_at")
_PARTS = ("total", "difference", "product", "quotient", "first", "join")
_DATED = frozenset({CellKind.INSTANT, CellKind.DAY, CellKind.MONTH})


def answers_of(mapping: SourceMapping, columns: FileColumns) -> Answers:
    """What somebody would have to answer to match the columns of a file as a mapping reads them."""
    fields: dict[str, str] = {}
    also: dict[str, str] = {}
    meanings: dict[str, dict[str, str]] = {}
    constants: dict[str, str] = {}
    orders: dict[str, str] = {}
    for column in mapping.target.columns:
        value = _value_of(mapping, column)
        if value is None or column is BROUGHT_BY:
            continue
        if value.constant is not None:
            constants[column.name] = value.constant
        for header, name in _headers_chosen(mapping, column, value, columns):
            place = fields if header not in fields else also
            if header not in place and fields.get(header) != name:
                place[header] = name
        if known_meanings(column) and (leaf := leaf_of(mapping, value, columns)) is not None:
            meanings[column.name] = _meanings_of(column, leaf, columns)
        if CELL_KINDS[column.kind] in _DATED and not mapping.defaults:
            orders |= _orders_of(mapping, value, columns)
    filled = {*fields.values(), *also.values(), *constants}
    required = {one.name for one in required_columns(mapping.table, filled)}
    settled = frozenset(required - filled) if not mapping.identity else frozenset()
    return Answers(mapping.table, fields, orders, mapping.zone or "", constants, meanings, also, settled)


def is_same_choice(one: Answers, other: Answers) -> bool:
    """Whether both choose the same columns of a file for the same columns of the same table."""

    def chosen(answers: Answers) -> tuple[str, dict[str, str], dict[str, str]]:
        fields, also = (
            {header: name for header, name in some.items() if name} for some in (answers.fields, answers.also)
        )
        return answers.table, fields, also

    return chosen(one) == chosen(other)


def days_of_file(mapping: SourceMapping) -> tuple[str, ...]:
    """The columns whose one value for all rows is a day, a moment or a month: of one file, and not of the next."""
    dated = (column for column in mapping.target.columns if CELL_KINDS[column.kind] in _DATED)
    return tuple(one.name for one in dated if one.name in mapping.columns and mapping.columns[one.name].constant)


def with_days(mapping: SourceMapping, days: Mapping[str, str]) -> str:
    """The TOML of a mapping with these values for all rows of a file."""
    columns = {
        name: replace(value, constant=days[name]) if name in days and value.constant is not None else value
        for name, value in mapping.columns.items()
    }
    return mapping_text(replace(mapping, columns=columns))


def changed_mapping(mapping: SourceMapping, columns: FileColumns, answers: Answers, about: str) -> str:
    """The TOML of a mapping with the meanings, orders of days, constants and zone of the answers in place of its own.

    The answers choose the columns that the mapping reads (`answers_of`); any other choice makes a mapping of its own.
    """
    changes: list[tuple[Value, Value]] = []
    for column in mapping.target.columns:
        value = _value_of(mapping, column)
        leaf = None if value is None else leaf_of(mapping, value, columns)
        if value is None or leaf is None:
            continue
        said = answers.meanings.get(column.name, {})
        if said and known_meanings(column):
            changes.append((leaf, _with_meanings(column, leaf, said)))
        if CELL_KINDS[column.kind] in _DATED:
            changes += _with_orders(mapping, value, columns, answers)

    def change(value: Value) -> Value:
        return next((new for old, new in changes if old == value), value)

    def constant(name: str, value: Value) -> Value:
        text = answers.constants.get(name, "").strip()
        return replace(value, constant=text) if value.constant is not None and text else value

    own = _columns_of(mapping)
    changed = replace(
        mapping,
        about=about,
        zone=answers.zone or mapping.zone,
        let={name: _rebuilt(value, change) for name, value in mapping.let.items()},
        columns={name: constant(name, _rebuilt(value, change)) for name, value in own.items()},
        also=tuple(
            replace(
                one,
                zone=answers.zone or one.zone,
                let={name: _rebuilt(value, change) for name, value in one.let.items()},
                columns={name: _rebuilt(value, change) for name, value in one.columns.items()},
            )
            for one in mapping.also
        ),
        identity=False,
    )
    return mapping_text(changed)


@dataclass(frozen=True, slots=True)
class Difference:
    """What two formats take differently of one file.

    :ivar value: the value of the file that means `mine` in one and `theirs` in the other; empty: `mine` and `theirs`
        are the headers that the column is read from, or its one value for all rows; `mine` may be empty
    """

    column: str
    value: str
    mine: str
    theirs: str


def differences(mine: SourceMapping, theirs: SourceMapping, columns: FileColumns) -> tuple[Difference, ...]:
    """What one mapping makes of a file that another, of the same table, makes something else of.

    Of columns that the file does not have the other says nothing; nor does it of values that it does not know.
    """
    found: list[Difference] = []
    own, other = _columns_of(mine), _columns_of(theirs)
    days = {*days_of_file(mine), *days_of_file(theirs)}
    for column in mine.target.columns if mine.table == theirs.table else ():
        one, two = own.get(column.name), other.get(column.name)
        if two is None or column is BROUGHT_BY or column.name in days:
            continue
        leaves = [
            None if value is None else leaf_of(mapping, value, columns)
            for mapping, value in ((mine, one), (theirs, two))
        ]
        if known_meanings(column) and leaves[0] is not None and leaves[1] is not None:
            found += _different_meanings(column, leaves[0], leaves[1], columns)
        else:
            said = [_said_of(mapping, column.name, columns) for mapping in (mine, theirs)]
            if said[1] and said[0] != said[1]:
                found.append(Difference(column.name, "", ", ".join(sorted(said[0])), ", ".join(sorted(said[1]))))
    return tuple(found)


def _different_meanings(column: Column, mine: Value, theirs: Value, columns: FileColumns) -> Iterator[Difference]:
    header = _present(mine, columns)
    seen = next((sample.values for sample in columns.samples if sample.header == header), ())
    listed = {one.casefold(): one for one in (*(theirs.values or ()), *(mine.values or ()), *theirs.nulls, *seen)}
    for value in listed.values():
        meanings = meaning_of(column, mine, value), meaning_of(column, theirs, value)
        if meanings[0] != meanings[1] and all(meanings):
            yield Difference(column.name, value, *meanings)


def _said_of(mapping: SourceMapping, column: str, columns: FileColumns) -> frozenset[str]:
    """The headers that a column is read from in this file, or the one value that it has in all rows."""
    value = _columns_of(mapping).get(column)
    if value is not None and value.constant is not None:
        return frozenset([value.constant])
    return frozenset(headers_read(mapping, column, columns))


def leaf_of(mapping: SourceMapping, value: Value, columns: FileColumns) -> Value | None:
    """The value with the column of the file that a value is first of all taken from; None where the file has none."""
    if value.source:
        return value if _present(value, columns) is not None else None
    if value.use is not None:
        used = mapping.let.get(value.use) or mapping.columns.get(value.use)
        return None if used is None else leaf_of(mapping, used, columns)
    parts = (*value.first, *value.total, *value.difference, *value.product, *value.quotient, *value.join)
    return next((leaf for part in parts if (leaf := leaf_of(mapping, part, columns)) is not None), None)


def headers_read(mapping: SourceMapping, column: str, columns: FileColumns) -> tuple[str, ...]:
    """The headers of a file that a mapping reads a column of the table from, in the order in which it takes them."""
    value = _columns_of(mapping).get(column)
    return () if value is None else tuple(dict.fromkeys(_headers(mapping, value, columns)))


def meaning_of(column: Column, leaf: Value, written: str) -> str:
    """What a format takes a value for: a value of the table, `EMPTY`, or nothing where it does not know it.

    Of a column that takes values of the file's own, such a value, or `KEEP` where the value stays as it is.
    """
    key = written.casefold()
    if key in {one.casefold() for one in leaf.nulls}:
        return EMPTY
    known = known_meanings(column)
    kept = KEEP if takes_own_values(column) and written else ""
    if leaf.values is None:
        return known.get(key, kept)
    listed = {one.casefold(): meaning for one, meaning in leaf.values.items()}
    if key in listed:
        own = "" if not kept else kept if listed[key].casefold() == key else listed[key]
        return known.get(listed[key].casefold(), own)
    if leaf.unlisted == "keep":
        return known.get(key, kept)
    return EMPTY if leaf.unlisted == "empty" else ""


def _meanings_of(column: Column, leaf: Value, columns: FileColumns) -> dict[str, str]:
    header = _present(leaf, columns)
    values = next((sample.values for sample in columns.samples if sample.header == header), ())
    return {value: meaning for value in values if (meaning := meaning_of(column, leaf, value))}


def _with_meanings(column: Column, leaf: Value, said: Mapping[str, str]) -> Value:
    """The same value with what was said of some values of the file; what the format says of others stays."""
    known = known_meanings(column)
    spelt = {value.casefold() for value in said}
    listed = dict(leaf.values or {})
    if leaf.unlisted == "keep":  # what it did not list went on as it was, which the table knows or not
        folded = {value.casefold() for value in listed}
        listed = {value: meaning for value, meaning in known.items() if value not in folded} | listed
    kept = {value: meaning for value, meaning in listed.items() if value.casefold() not in spelt}
    values = kept | {
        value: value if meaning == KEEP else meaning
        for value, meaning in said.items()
        if meaning and meaning not in {REJECT, EMPTY}
    }
    nulls = tuple(value for value in leaf.nulls if value.casefold() not in spelt)
    nulls += tuple(value for value, meaning in said.items() if meaning == EMPTY)
    rejects = any(meaning == REJECT for meaning in said.values())
    unlisted = "refuse" if rejects and leaf.unlisted == "keep" else leaf.unlisted
    return replace(leaf, values=values, nulls=nulls, unlisted=unlisted)


def _orders_of(mapping: SourceMapping, value: Value, columns: FileColumns) -> dict[str, str]:
    orders = {}
    for leaf in _leaves(mapping, value, columns):
        header, said = _present(leaf, columns), [one for one in leaf.formats if one in ORDERS]
        if header is not None and said:
            orders[header] = said[0]
    return orders


def _with_orders(
    mapping: SourceMapping, value: Value, columns: FileColumns, answers: Answers
) -> Iterator[tuple[Value, Value]]:
    """The values of days and instants with the order that the column shows, else that was said."""
    samples = {sample.header: sample for sample in columns.samples}
    for leaf in _leaves(mapping, value, columns):
        header = _present(leaf, columns)
        if header is None or samples[header].order is None:
            continue
        order = samples[header].order
        order = answers.orders.get(header) if order == "either" else order
        if order in ORDERS and order not in leaf.formats:
            others = tuple(one for one in leaf.formats if one not in ORDERS)
            yield leaf, replace(leaf, formats=(*others, order))


def _value_of(mapping: SourceMapping, column: Column) -> Value | None:
    return _columns_of(mapping).get(column.name)


def _columns_of(mapping: SourceMapping) -> Mapping[str, Value]:
    """What each column is read from; of a file in a table's own columns the column of its name."""
    if not mapping.identity:
        return mapping.columns
    columns = (one for one in mapping.target.columns if one is not BROUGHT_BY)
    return {one.name: Value(source=(one.name,), kind=CELL_KINDS[one.kind]) for one in columns}


def _headers_chosen(
    mapping: SourceMapping, column: Column, value: Value, columns: FileColumns
) -> Iterator[tuple[str, str]]:
    """Which headers of the file somebody would choose for a column: all of a sum, and a wait for what it ends in."""
    headers = list(dict.fromkeys(_headers(mapping, value, columns)))
    if column.name in _ENDS and offers_wait(mapping.table):
        waits = [
            header
            for part in value.total
            if not _is_time_of(mapping, part)
            for header in _headers(mapping, part, columns)
        ]
        yield from ((header, WAIT) for header in dict.fromkeys(waits))
        if value.total:
            return
    added = column.name == "handle_s" or (CELL_KINDS[column.kind] in _DATED and len(value.total) > 1)
    yield from ((header, column.name) for header in (headers if added else headers[:1]))


def _is_time_of(mapping: SourceMapping, part: Value) -> bool:
    """Whether a part of a sum is the moment from which another part is counted, and no duration."""
    named = part.use
    used = None if named is None else mapping.let.get(named) or mapping.columns.get(named)
    kind = part.kind or (None if used is None else used.kind)
    is_column = named in mapping.target.by_name and CELL_KINDS[mapping.target.by_name[named].kind] in _DATED
    return is_column or kind in _DATED or (used is not None and any(one.kind in _DATED for one in used.first))


def _headers(mapping: SourceMapping, value: Value, columns: FileColumns) -> Iterator[str]:
    """The headers that a value is read from in this file; of alternatives those of the first that it has."""
    if value.source and (header := _present(value, columns)) is not None:
        yield header
    if value.use is not None:
        used = mapping.let.get(value.use) or mapping.columns.get(value.use)
        if used is not None:
            yield from _headers(mapping, used, columns)
    for part in value.first:
        if headers := list(_headers(mapping, part, columns)):
            yield from headers
            break
    for part in (*value.total, *value.difference, *value.product, *value.quotient, *value.join):
        yield from _headers(mapping, part, columns)


def _leaves(mapping: SourceMapping, value: Value, columns: FileColumns) -> Iterator[Value]:
    """The values with a column of the file that a value is made from."""
    if value.source and _present(value, columns) is not None:
        yield value
    if value.use is not None:
        used = mapping.let.get(value.use) or mapping.columns.get(value.use)
        if used is not None:
            yield from _leaves(mapping, used, columns)
    for name in _PARTS:
        for part in getattr(value, name):
            yield from _leaves(mapping, part, columns)


def _present(value: Value, columns: FileColumns) -> str | None:
    """The header of the file that a value is taken from: the first of its names that the file has."""
    headers = [sample.header for sample in columns.samples]
    return next((header for name in value.source if (header := find_in(headers, name)) is not None), None)


def _rebuilt(value: Value, change: Callable[[Value], Value]) -> Value:
    """A value with each value that it is made of changed."""
    parts: dict[str, Any] = {name: tuple(_rebuilt(part, change) for part in getattr(value, name)) for name in _PARTS}
    changed = change(value)
    return changed if changed is not value else replace(value, **parts)
