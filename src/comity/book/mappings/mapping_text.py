"""A mapping written as TOML again, as `parse` reads it: only what is said, in the order of the language."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from comity.book.formats.options import FileOptions
from comity.book.formats.sheet import one_line
from comity.book.mappings.cell_sql import SWAPPED, TIME_CELLS
from comity.book.mappings.model import CELL_KINDS, NULLS, CellKind, Condition, Control, SourceMapping, Unpivot, Value

_VALUE = {
    "source": "from", "constant": "value", "use": "use", "total": "sum", "difference": "difference",
    "product": "product", "quotient": "quotient", "first": "first", "join": "join", "sheet": "sheet", "file": "file",
    "row": "row", "when": "when", "nulls": "null", "pattern": "part", "values": "values", "unlisted": "unlisted",
    "map": "map", "on": "on", "kind": "as", "formats": "format", "unit": "unit", "clock": "clock", "decimal": "decimal",
    "times": "times", "over_midnight": "over_midnight", "after": "after", "default": "default", "separator": "with",
    "keep": "keep", "reason": "reason", "digest": "digest", "needed": "needed", "over": "over",
}  # fmt: skip
_CONDITION = {
    "column": "column",
    "use": "use",
    "among": "is",
    "beside": "not",
    "empty": "empty",
    "above": "above",
    "below": "below",
}
_PARTS = ("total", "difference", "product", "quotient", "first", "join")


def toml_text(text: str) -> str:
    """A TOML text."""
    marks = {"\\": "\\\\", '"': '\\"'}
    return '"' + "".join(marks.get(m, m if m.isprintable() else f"\\U{ord(m):08x}") for m in text) + '"'


def toml_column(header: str) -> str:
    """A column of the file, by its name even where that looks like a pattern."""
    return toml_text(f"re:{re.escape(one_line(header))}" if header.startswith("re:") else header)


def narrowed(mapping: SourceMapping, find: Callable[[str], str | None]) -> SourceMapping:
    """The mapping with the headers that a sheet has alone, and without the columns that it says nothing of."""

    def value(one: Value) -> Value | None:
        if one.source:
            own = next((found for header in one.source if (found := find(header)) is not None), None)
            return None if own is None else replace(one, source=(_as_name(own),), when=conditions(one.when))
        if one.use is not None and one.use in mapping.let and value(mapping.let[one.use]) is None:
            return None
        parts: dict[str, Any] = {}
        for name in _PARTS:
            had = getattr(one, name)
            pairs = [(part, value(part)) for part in had]
            # Of a sum only what counts as nothing where it is absent can be left out; of two terms neither.
            needed = [part for part, kept in pairs if kept is None and (name != "total" or part.default is None)]
            parts[name] = tuple(kept for _, kept in pairs if kept is not None)
            if had and (not parts[name] or (needed and name not in {"first", "join"})):
                return None
        return replace(one, **parts, when=conditions(one.when))

    def conditions(some: tuple[Condition, ...]) -> tuple[Condition, ...]:
        kept = []
        for one in some:
            own = next((found for header in one.column if (found := find(header)) is not None), None)
            kept.append(one if own is None else replace(one, column=(_as_name(own),)))
        return tuple(kept)

    required = {column.name for column in mapping.target.required}
    columns = {
        name: kept if (kept := value(one)) is not None else one
        for name, one in mapping.columns.items()
        if name in required or value(one) is not None
    }
    across = {name for one in mapping.also if one.wide for own in one.columns.values() for name in _names_used(own)}
    let = {
        name: kept for name, one in mapping.let.items() if (kept := one if name in across else value(one)) is not None
    }
    # The headers that a further table reads across are none of the sheet's: what is made of them stays as it is.
    also = tuple(
        one
        if one.wide is not None
        else replace(
            one, columns={name: kept for name, own in one.columns.items() if (kept := value(own)) is not None}, let=let
        )
        for one in mapping.also
    )
    also = tuple(one for one in also if all(column.name in one.columns for column in one.target.required))
    also = tuple(replace(one, last_wins=_there(one.last_wins, {*one.columns, *let})) for one in also)
    return replace(
        mapping,
        columns=columns,
        let=let,
        last_wins=_there(mapping.last_wins, {*columns, *let}),
        rows=tuple(map(conditions, mapping.rows)),
        totals=conditions(mapping.totals),
        also=also,
    )


def _there(names: tuple[str, ...], kept: set[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in kept)


def _names_used(one: Value) -> Iterator[str]:
    """The named values that a value is made from, or its conditions speak of."""
    if one.use is not None:
        yield one.use
    yield from (condition.use for condition in one.when if condition.use is not None)
    for name in _PARTS:
        for part in getattr(one, name):
            yield from _names_used(part)


def _as_name(header: str) -> str:
    return f"re:{re.escape(one_line(header))}" if header.startswith("re:") else header


def mapping_text(mapping: SourceMapping) -> str:
    """The TOML of a mapping; what holds for this one file alone (exchanged dates, time cells) is found again."""
    return "\n".join(_lines(mapping)) + "\n"


def _lines(mapping: SourceMapping) -> Iterator[str]:
    yield from _top_lines(mapping)
    layout = {
        one.name: getattr(mapping.file, one.name)
        for one in fields(FileOptions)
        if getattr(mapping.file, one.name) != one.default
    }
    yield from _section("[file]", layout)
    if mapping.zone_in is not None:
        below = {"below": True} if mapping.zone_in.below else {}
        yield from _section("[zone_in]", {"column": mapping.zone_in.column, "part": mapping.zone_in.part, **below})
    yield from _wide_lines("[wide]", mapping.wide)
    for place, some in enumerate(mapping.rows):
        yield from ["", "[[rows]]", *_filter_lines(some), *(["other = true"] if place in mapping.other else [])]
    for one in mapping.totals:
        yield from ["", "[[totals]]", *_condition_lines(one)]
    yield from _map_lines(mapping)
    yield from _own_word_lines(mapping)
    if mapping.let:
        yield from ["", "[let]", *(f"{name} = {_value(one, None)}" for name, one in mapping.let.items())]
    yield from ["", "[columns]", *_column_lines(mapping)]
    for other in mapping.also:
        name = f"also.{other.table}"
        if other.last_wins:
            yield from _section(f"[{name}]", {"last_wins": other.last_wins})
        if other.wide != mapping.wide:
            yield from _wide_lines(f"[{name}.wide]", other.wide)
        for some in other.rows:
            yield from ["", f"[[{name}.rows]]", *_filter_lines(some)]
        yield from ["", f"[{name}.columns]", *_column_lines(other)]


def _wide_lines(name: str, wide: Unpivot | None) -> list[str]:
    if wide is None:
        return []
    return _section(name, {"columns": wide.pattern, "value": wide.value, "skip_empty": wide.skip_empty})


def _map_lines(mapping: SourceMapping) -> Iterator[str]:
    """Dated maps row by row, also those that were read from a file beside the mapping."""
    for made in mapping.maps.values():
        for key, value, start, stop in made.rows:
            said = {"key": key, "value": value, "from": start, "to": stop}
            named = {name: one for name, one in said.items() if one is not None}
            yield from _section(f"[[maps.{made.name}]]", named)


def _own_word_lines(mapping: SourceMapping) -> Iterator[str]:
    """What the source says of itself: totals, the days for which it is whole, sentences."""
    if mapping.control:
        yield from ["", "[control]", *(f"{one.column} = {_control(one)}" for one in mapping.control)]
    if mapping.window is not None:
        window = mapping.window
        days = {"from": window.start, "to": window.end, "file": window.file}
        days |= {"format": window.format if window.file else None}
        yield from _section("[window]", {name: value for name, value in days.items() if value is not None})
    for note in mapping.notes:
        said = {name: getattr(note, name) for name in ("say", "when_rows", "when_column", "unless_column")}
        yield from _section("[[notes]]", {name: value for name, value in said.items() if value is not None})


def _control(control: Control) -> str:
    value = _value(control.value, CellKind.NUMBER.value)
    inner = value.removeprefix("{ ").removesuffix(" }") if value.startswith("{") else f"from = {value}"
    return f"{{ {inner}, row = [{', '.join(map(_condition, control.when))}] }}"


def _top_lines(mapping: SourceMapping) -> Iterator[str]:
    said: dict[str, object] = {
        "table": mapping.table,
        "about": mapping.about,
        "zone": mapping.zone,
        "decimal": mapping.decimal,
    }
    said |= {"last_wins": mapping.last_wins or None, "null": mapping.nulls[_STANDARD_NULLS:] or None}
    said |= {"sure": mapping.sure or None, "ask": mapping.ask or None}
    yield from (f"{name} = {_plain(value)}" for name, value in said.items() if value is not None)


def _section(name: str, said: Mapping[str, object]) -> list[str]:
    return ["", name, *(f"{key} = {_plain(value)}" for key, value in said.items())] if said else []


def _filter_lines(some: tuple[Condition, ...]) -> list[str]:
    return _condition_lines(some[0]) if len(some) == 1 else [f"any = [{', '.join(map(_condition, some))}]"]


def _column_lines(mapping: SourceMapping) -> Iterator[str]:
    for name, one in mapping.columns.items():
        yield f"{name} = {_value(one, CELL_KINDS[mapping.target.by_name[name].kind].value)}"


_STANDARD_NULLS = len(NULLS)
_INNER = {
    "product": "number",
    "quotient": "number",
    "join": "text",
}  # what the parts are read as, whatever comes of them


def _value(value: Value, usual: str | None) -> str:
    """One value; `usual` is what it is read as where nothing is said."""
    said: dict[str, str] = {}
    for one in fields(Value):
        got = getattr(value, one.name)
        counted = value.over == "count" and one.name == "kind" and got is CellKind.TEXT
        if got == one.default or counted or (one.name == "kind" and got.value == usual):
            continue
        if one.name in _PARTS:
            said[_VALUE[one.name]] = f"[{', '.join(_parts(value, one.name))}]"
        elif (text := _said(one.name, got)) is not None:
            said[_VALUE[one.name]] = text
    if list(said) == ["from"] and len(value.source) == 1:
        return said["from"]
    return "{ " + ", ".join(f"{name} = {text}" for name, text in said.items()) + " }"


def _parts(value: Value, name: str) -> Iterator[str]:
    inner = _INNER.get(name, None if value.kind is None else value.kind.value)
    for part in getattr(value, name):
        yield _value(part, None if name not in {"first", "join"} and part.use is not None else inner)


def _said(name: str, got: Any) -> str | None:  # noqa: ANN401 - whatever a field of a value holds
    """One thing that is said of a value; None where it holds for this one file alone."""
    if name in {"sheet", "file"}:
        return "true" if got == "" else toml_text(got)
    if name == "when":
        return f"[{', '.join(map(_condition, got))}]"
    if name == "kind":
        return toml_text(got.value)
    if name == "formats":
        kept = tuple(form for form in got if form != SWAPPED)
        return _plain(kept) if kept else None
    if name == "clock":
        return toml_text("m:ss" if got == TIME_CELLS else got)
    return _plain(got)


def _condition(condition: Condition) -> str:
    return "{ " + ", ".join(_condition_lines(condition)) + " }"


def _condition_lines(condition: Condition) -> list[str]:
    lines = []
    for name, key in _CONDITION.items():
        got = getattr(condition, name)
        if got is not None and got != ():
            lines.append(f"{key} = {_plain(got)}")
    return lines


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, tuple):
        return _texts(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{toml_text(key)} = {toml_text(str(one))}" for key, one in value.items()) + " }"
    return toml_text(value) if isinstance(value, str) else repr(value)


def _texts(texts: tuple[str, ...]) -> str:
    return toml_text(texts[0]) if len(texts) == 1 else f"[{', '.join(map(toml_text, texts))}]"
