"""A mapping's TOML, read and checked: every complaint names the file, the key, the value and the next step."""

import csv
import datetime as dt
import importlib.resources
import re
from collections.abc import Iterator
from collections.abc import Mapping as Items
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from comity.book.errors import UnusableFileError
from comity.book.formats.options import FileOptions
from comity.book.mappings.model import (
    CELL_KINDS,
    NULLS,
    WRITTEN_BY_ROOM,
    CellKind,
    Condition,
    Control,
    DatedMap,
    Note,
    SourceMapping,
    Unpivot,
    UnusableMappingError,
    Window,
    ZoneInFile,
    identity_mapping,
)
from comity.book.mappings.parse_values import ValueReader, refuse_cycles
from comity.book.tables import ROOM_TABLES, TABLES, Table
from comity.book.toml import is_zone

_SECTIONS = {
    "table", "about", "zone", "decimal", "null", "file", "let", "columns", "maps", "lookups", "rows", "totals", "wide",
    "control", "last_wins", "window", "notes", "sure", "also", "zone_in", "ask",
}  # fmt: skip
# What [also.TABLE] says itself; all the rest it shares, but for what is about the first table alone.
_OF_ALSO = ("columns", "rows", "last_wins", "wide")
_OF_FIRST = ("table", "about", "also", "control", "window", "notes", "columns", "rows", "last_wins")
SPANS = ("month", "week", "day")  # what rows of a coarse report last, as minutes: as long as theirs is
_FILE_KINDS = ("delimited", "workbook", "json", "parquet")


def parse_mapping(text: str, file: str, folder: Path | None, name: str) -> SourceMapping:
    """Read a mapping from TOML.

    :param file: how complaints name the file
    :param folder: where lookups lie; None: nowhere (a shipped mapping has none)
    :raises UnusableMappingError: for anything that is not a mapping
    """
    reader = _MappingReader(file, folder)
    return reader.mapping(reader.parse(text), name)


@cache
def shipped_mappings() -> Items[str, str]:
    """The shipped mappings: name -> TOML text."""
    folder = importlib.resources.files("comity.book.mappings") / "shipped"
    texts = {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }
    return MappingProxyType(texts)  # one for all who ask


@cache
def _read_shipped(name: str) -> SourceMapping:
    """Read a shipped mapping, once: whoever recognises a file asks for all of them."""
    found = parse_mapping(shipped_mappings()[name], f"{name} (shipped)", None, name)
    return replace(found, defaults=True, also=tuple(replace(one, defaults=True) for one in found.also))


def read_mapping(named: str | Path) -> SourceMapping:
    """A mapping by the name of a table (the file has its columns), of a shipped mapping, or by its file.

    :raises UnusableMappingError: naming the file, the key, the value and the next step
    """
    text = str(named)
    if text in TABLES:
        return identity_mapping(text)
    if text in ROOM_TABLES:
        raise UnusableMappingError(WRITTEN_BY_ROOM.format(text))
    known = shipped_mappings()
    if text in known:
        return _read_shipped(text)
    path = Path(named)
    if path.suffix.lower() != ".toml" and not path.is_file():
        msg = (
            f"there is no mapping {text!r}; name a shipped one ({', '.join(known)}), a table "
            f"({', '.join(TABLES)}) or a file such as mine.toml, which `comity mapping new FILE` drafts"
        )
        raise UnusableMappingError(msg)
    reader = _MappingReader(path, path.parent)
    return reader.mapping(reader.read(), path.stem)


class _MappingReader(ValueReader):
    """The sections of a mapping, one after the other."""

    def __init__(self, file: Path | str, folder: Path | None) -> None:
        super().__init__(file)
        self.folder = folder
        self.within = ""  # the section of another table that is being read

    def wrong(self, place: str, message: str) -> UnusableFileError:
        return super().wrong(f"{self.within}{place}", message)

    def table_of(self, content: Items[str, Any], key: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(content, "", key, dict, {})
        return found

    def mapping(self, content: dict[str, Any], name: str) -> SourceMapping:
        self.keys(content, "", _SECTIONS)
        if "table" not in content:
            raise self.wrong("table", f"is missing; write the table that rows go to, one of {', '.join(TABLES)}")
        if content["table"] in ROOM_TABLES:
            raise self.wrong("table", f"is {content['table']!r}: {WRITTEN_BY_ROOM.format(content['table'])}")
        target = TABLES[self.one_of(content, "", "table", tuple(TABLES), None)]
        let, columns = self.table_of(content, "let"), self.table_of(content, "columns")
        if not columns:
            raise self.wrong("[columns]", "is missing; write one line for each column, such as queue = 'Skill'")
        self.keys(columns, "columns", tuple(target.by_name))
        twice = set(let) & set(columns)
        if twice:
            raise self.wrong(f"let.{min(twice)}", "bears the name of a column; give it another")
        self.named = set(let) | set(columns)
        wide = self.wide(content)
        maps = self.dated_maps(content)
        mapping = SourceMapping(
            name=name,
            table=target.name,
            about=self.get(content, "", "about", str, ""),
            file=self.file_options(self.table_of(content, "file")),
            zone=self.zone(content),
            decimal=self.one_of(content, "", "decimal", (".", ","), None),
            nulls=(*NULLS, *self.text_or_texts(content, "", "null")),
            let={key: self.value(spec, f"let.{key}", None) for key, spec in let.items()},
            columns={
                key: self.value(
                    {"value": spec} if key == "minutes" and spec in SPANS else spec,
                    f"columns.{key}",
                    CELL_KINDS[target.by_name[key].kind],
                )
                for key, spec in columns.items()
            },
            maps=maps,
            rows=self.row_filters(content),
            other=tuple(
                place
                for place, (_, item) in enumerate(self.items(content, "rows"))
                if self.get(item, "rows", "other", bool, False)
            ),
            totals=tuple(self.condition(item, "totals") for _, item in self.items(content, "totals")),
            wide=wide,
            control=self.controls(content, target),
            last_wins=self.last_wins(content),
            window=self.window(content),
            notes=tuple(self.note(item) for _, item in self.items(content, "notes")),
            sure=self.get(content, "", "sure", bool, False),
            zone_in=self.zone_in(content),
            ask=self.text_or_texts(content, "", "ask"),
        )
        self.check_required(target, mapping)
        refuse_cycles(self, {**mapping.let, **mapping.columns})
        return replace(mapping, also=tuple(self.also(content, name)))

    def also(self, content: dict[str, Any], name: str) -> Iterator[SourceMapping]:
        """The mappings of the other tables that the file feeds: columns and rows of their own, all else shared.

        What they say of columns that are values (`wide`) is in place of what the mapping says of them.
        """
        shared = {key: value for key, value in content.items() if key not in _OF_FIRST}
        for table, own in self.table_of(content, "also").items():
            if table in ROOM_TABLES:
                raise self.wrong(f"also.{table}", f"cannot be: {WRITTEN_BY_ROOM.format(table)}")
            if table not in TABLES or table == content["table"]:
                known = ", ".join(one for one in TABLES if one != content["table"])
                raise self.wrong(f"also.{table}", f"is no other table; it may be one of {known}")
            if not isinstance(own, dict):
                raise self.wrong(f"also.{table}", f"must be a section such as [also.{table}.columns]")
            self.keys(own, f"also.{table}", _OF_ALSO)
            self.within, self.maps = f"also.{table}: ", {}
            yield self.mapping({**shared, **own, "table": table}, name)
            self.within = ""

    def check_required(self, target: Table, made: SourceMapping) -> None:
        absent = [column.name for column in target.required if column.name not in made.columns]
        if absent:
            raise self.wrong("[columns]", f"lacks {', '.join(absent)}, without which {target.name} says nothing")
        if made.falls_back_on_row:
            name = target.key[0]
            msg = (
                "is the place of a row in its file; another file has rows in the same places, which would replace "
                "them. "
                f"Put what tells them apart beside it, such as {name} = "
                '{ join = [{ file = true }, { row = true }], with = "-" }'
            )
            raise self.wrong(f"columns.{name}", msg)

    def file_options(self, section: dict[str, Any]) -> FileOptions:
        self.keys(section, "file", {one.name for one in fields(FileOptions)})
        counts = {
            key: self.get(section, "file", key, int, default) for key, default in (("header_rows", 1), ("skip_rows", 0))
        }
        if not 1 <= counts["header_rows"] <= 20 or not 0 <= counts["skip_rows"] <= 100_000:  # noqa: PLR2004 - sane sheets
            raise self.wrong("file.header_rows", "must lie between 1 and 20, and file.skip_rows be no less than 0")
        for key in ("delimiter", "quote"):
            sign = self.get(section, "file", key, str, ",")
            if len(sign.encode()) != 1 or not (sign.isprintable() or sign == "\t"):
                raise self.wrong(f"file.{key}", f"must be one plain character, but is {sign!r}")
        if self.get(section, "file", "delimiter", str) == self.get(section, "file", "quote", str, '"'):
            raise self.wrong("file.delimiter", f"is {section['delimiter']!r}, which is the quotation mark, too")
        sheet = self.get(section, "file", "sheet", str)
        if sheet and sheet.startswith("re:"):
            self.pattern("file.sheet", sheet[3:])
        names = self.text_or_texts(section, "file", "header_names")
        if len(set(names)) < len(names):
            raise self.wrong("file.header_names", "names a column twice")
        if names and (counts["header_rows"] != 1 or self.get(section, "file", "header_has", str) is not None):
            raise self.wrong("file.header_names", "is for files without a header: leave out header_has and header_rows")
        return FileOptions(
            kind=self.one_of(section, "file", "kind", _FILE_KINDS, None),
            encoding=self.get(section, "file", "encoding", str),
            delimiter=self.get(section, "file", "delimiter", str),
            quote=self.get(section, "file", "quote", str, '"'),
            sheet=sheet,
            header_has=self.get(section, "file", "header_has", str),
            header_names=names,
            fill_down=self.text_or_texts(section, "file", "fill_down"),
            records=self.get(section, "file", "records", str),
            lines=self.get(section, "file", "lines", bool),
            each=self.get(section, "file", "each", str),
            **counts,
        )

    def zone(self, content: dict[str, Any]) -> str | None:
        value = self.get(content, "", "zone", str)
        if value is not None and not is_zone(value):
            raise self.wrong("zone", f"{value!r} is not a zone; write one such as Europe/Madrid")
        return value  # type: ignore[no-any-return]

    def zone_in(self, content: dict[str, Any]) -> ZoneInFile | None:
        section = self.table_of(content, "zone_in")
        if not section:
            return None
        self.keys(section, "zone_in", {"column", "part", "below"})
        column, part = self.text_or_texts(section, "zone_in", "column"), self.get(section, "zone_in", "part", str)
        if not column or not part:
            raise self.wrong("zone_in", "must have the column in which the zone stands, and its part")
        below = self.get(section, "zone_in", "below", bool, False)
        return ZoneInFile(column, self.one_group("zone_in.part", part), below)

    def wide(self, content: dict[str, Any]) -> Unpivot | None:
        section = self.table_of(content, "wide")
        if not section:
            return None
        self.keys(section, "wide", {"columns", "value", "skip_empty"})
        pattern = self.get(section, "wide", "columns", str)
        if not pattern:
            raise self.wrong("wide.columns", "is missing; write a pattern with a named group, such as (?P<day>.*2026)")
        groups = re.compile(self.pattern("wide.columns", pattern)).groupindex
        if not groups:
            raise self.wrong("wide.columns", f"{pattern!r} names no group; write one such as (?P<day>\\d.*)")
        return Unpivot(
            pattern,
            self.get(section, "wide", "value", str, "value"),
            self.get(section, "wide", "skip_empty", bool, True),
        )

    def row_filters(self, content: dict[str, Any]) -> tuple[tuple[Condition, ...], ...]:
        filters: list[tuple[Condition, ...]] = []
        for _, item in self.items(content, "rows"):
            either = item.get("any")
            if either is None:
                filters.append((self.condition({key: one for key, one in item.items() if key != "other"}, "rows"),))
                continue
            self.keys(item, "rows", {"any", "other"})
            if not isinstance(either, list) or not either:
                raise self.wrong("rows.any", "must be a list of conditions, of which one must hold")
            filters.append(tuple(self.condition(each, "rows.any") for each in either))
        return tuple(filters)

    def last_wins(self, content: dict[str, Any]) -> tuple[str, ...]:
        names = self.text_or_texts(content, "", "last_wins")
        for name in names:
            self.known("last_wins", name)
        return names

    def controls(self, content: dict[str, Any], target: Table) -> tuple[Control, ...]:
        section = self.table_of(content, "control")
        self.keys(section, "control", tuple(target.by_name))
        controls = []
        for column, spec in section.items():
            where = f"control.{column}"
            row = spec.get("row") if isinstance(spec, dict) else None
            if not isinstance(spec, dict) or row is None:
                raise self.wrong(where, "must say from which column and row, such as { from = 'Calls', row = {...} }")
            value = self.value({key: one for key, one in spec.items() if key != "row"}, where, CellKind.NUMBER)
            rows = row if isinstance(row, list) else [row]
            controls.append(Control(column, value, tuple(self.condition(one, f"{where}.row") for one in rows)))
        return tuple(controls)

    def window(self, content: dict[str, Any]) -> Window | None:
        section = self.table_of(content, "window")
        if not section:
            return None
        self.keys(section, "window", {"from", "to", "file", "format"})
        file = self.get(section, "window", "file", str)
        if file is not None and not {"from", "to"} <= set(re.compile(self.pattern("window.file", file)).groupindex):
            raise self.wrong("window.file", f"{file!r} must have the groups (?P<from>...) and (?P<to>...)")
        start, end = self.day_or_empty(section, "window", "from"), self.day_or_empty(section, "window", "to")
        if file is None and (start is None or end is None or end <= start):
            raise self.wrong("window", "must have from and a later to (the day after the last), or file")
        return Window(start, end, file, self.get(section, "window", "format", str, "%Y-%m-%d"))

    def note(self, item: dict[str, Any]) -> Note:
        self.keys(item, "notes", {field.name for field in fields(Note)})
        say = self.get(item, "notes", "say", str)
        if not say:
            raise self.wrong("notes.say", "is missing; write the sentence for the report")
        return Note(
            say,
            self.get(item, "notes", "when_rows", int),
            self.get(item, "notes", "when_column", str),
            self.get(item, "notes", "unless_column", str),
        )

    def dated_maps(self, content: dict[str, Any]) -> dict[str, DatedMap]:
        for name, rows in self.table_of(content, "maps").items():
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise self.wrong(f"maps.{name}", f"must be written as [[maps.{name}]] with key, value, from, to")
            self.maps[name] = self.dated(name, f"maps.{name}", rows)
        for name, spec in self.table_of(content, "lookups").items():
            if name in self.maps:
                raise self.wrong(f"lookups.{name}", "bears the name of a map; give it another")
            self.maps[name] = self.lookup(name, spec)
        return self.maps

    def dated(self, name: str, where: str, rows: list[dict[str, Any]]) -> DatedMap:
        dated_rows = []
        for row in rows:
            self.keys(row, where, {"key", "value", "from", "to"})
            key, value = (self.get(row, where, part, str) for part in ("key", "value"))
            if key is None or value is None:
                raise self.wrong(where, f"has a row without key or value: {row!r}")
            dated_rows.append((key, value, self.day_or_empty(row, where, "from"), self.day_or_empty(row, where, "to")))
        self.refuse_overlap(where, dated_rows)
        return DatedMap(name, tuple(dated_rows))

    def day_or_empty(self, section: Items[str, Any], where: str, key: str) -> dt.date | None:
        return None if section.get(key) == "" else self.day(section, where, key)

    def refuse_overlap(self, where: str, rows: list[tuple[str, str, dt.date | None, dt.date | None]]) -> None:
        last: dict[str, dt.date | None] = {}
        for key, _, start, end in sorted(rows, key=lambda row: (row[0], row[2] or dt.date.min)):
            before = last.get(key, dt.date.min)
            if before is None or (start or dt.date.min) < before or (key in last and start is None):
                raise self.wrong(where, f"says twice what {key!r} is at one time; give each row its from and to")
            last[key] = end

    def lookup(self, name: str, spec: Any) -> DatedMap:  # noqa: ANN401 - TOML values
        where = f"lookups.{name}"
        if not isinstance(spec, dict):
            raise self.wrong(where, "must have file, key and value, and may have from and to")
        self.keys(spec, where, {"file", "key", "value", "from", "to"})
        file, *columns = (self.get(spec, where, part, str) for part in ("file", "key", "value", "from", "to"))
        if file is None or columns[0] is None or columns[1] is None:
            raise self.wrong(where, "must have file, key and value")
        if self.folder is None or Path(file).is_absolute() or ".." in Path(file).parts:
            raise self.wrong(f"{where}.file", f"{file!r} must lie beside the mapping, or below")
        path = self.folder / file
        try:
            rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise self.wrong(f"{where}.file", f"{path} cannot be read as a UTF-8 CSV ({error})") from None
        absent = [column for column in columns if column is not None and rows and column not in rows[0]]
        if absent or not rows:
            raise self.wrong(f"{where}.file", f"{path} has no column {', '.join(absent) or 'and no row'}")
        renamed = [
            {
                part: row[column] or ""
                for part, column in zip(("key", "value", "from", "to"), columns, strict=True)
                if column
            }
            for row in rows
        ]
        return self.dated(name, where, renamed)
