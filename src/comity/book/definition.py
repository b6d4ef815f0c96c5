"""`book.toml`: whose book it is, how it cuts its periods, what is private, what was agreed to be measured."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

from comity.book.errors import UnusableFileError
from comity.book.tables import TABLES, Column, Kind, Table
from comity.book.toml import TomlReader, is_zone
from comity.core.agreements import HIGHER, LOWER, MEASURES, Abandons, Kpi
from comity.core.calendars import Against, Calendar, Cut
from comity.core.values import Side

FILE = "book.toml"


class UnusableBookError(UnusableFileError):
    """A book that cannot be opened: one sentence that says where, what and the next step."""


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two organisations."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class PrivateRows:
    """Rows of a table that one side keeps to itself: those with `column = value`."""

    table: str
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Private:
    """What one side keeps to itself: whole tables, columns of tables, rows of tables."""

    tables: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[PrivateRows, ...] = ()


@dataclass(frozen=True, slots=True)
class AgreedDelivery:
    """Who delivers which table by when, and how `comity import --all` fetches it."""

    table: str
    by: Side
    due: str | None = None
    path: str | None = None
    mapping: str | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """Everything that `book.toml` says."""

    name: str
    scope: str
    currency: str
    timezone: str
    month_starts_on: int
    complete_to: date | None
    parties: dict[Side, Party]
    cut: Cut
    against: Against
    kpis: tuple[Kpi, ...]
    private: dict[Side, Private] = field(default_factory=dict)
    sources: tuple[AgreedDelivery, ...] = ()
    answers_for: dict[str, str] = field(default_factory=dict)  # paid: share -> customer, provider, both
    causes_answered_for: dict[str, str] = field(default_factory=dict)  # attribution: part -> customer, provider, both
    digests: tuple[str, ...] = ()  # personal columns kept as keyed digests
    retention: dict[str, int] = field(default_factory=dict)  # table -> days
    plausible: dict[str, float] = field(default_factory=dict)  # limit of `validation.plausible` -> its own value here

    @property
    def relationship(self) -> str:
        """The id by which viewers name this relationship."""
        return "/".join(party.id for party in self.parties.values()) or self.name

    def calendar(self, cut: Cut | None = None) -> Calendar:
        """How this book cuts periods, of the review's own length unless another is asked for."""
        return Calendar(cut or self.cut, self.month_starts_on)

    def private_owner(self, table: str) -> Side | None:
        """The side that keeps the whole table to itself, if one does."""
        return next((side for side, private in self.private.items() if table in private.tables), None)

    def column_owners(self, table: Table) -> dict[str, Side]:
        """Which side keeps which columns of a table to itself."""
        return {
            column: side
            for side, private in self.private.items()
            for name, column in private.columns
            if name == table.name
        }

    def keeps_parts_private(self, table: Table, side: Side | None = None) -> bool:
        """Whether a side (None: any) keeps columns or rows of a table to itself."""
        return any(
            one is not None and table.name in {*(row.table for row in one.rows), *(name for name, _ in one.columns)}
            for one in (self.private.values() if side is None else [self.private.get(side)])
        )


def read_definition(book: Path) -> Definition:
    """Read and check `book.toml`.

    :raises UnusableBookError: naming the file, the key, the value and the next step
    """
    reader = _DefinitionReader(book / FILE)
    return reader.definition(reader.read())


def parse_kpis(items: Sequence[Mapping[str, Any]]) -> tuple[Kpi, ...]:
    """Read KPIs as `[[kpi]]` writes them, outside of any book.

    :raises UnusableBookError: naming the KPI, the key, the value and the next step
    """
    reader = _DefinitionReader(FILE)
    return tuple(reader.kpi(number, item) for number, item in enumerate(items, 1))


def kpi_keys(kpi: Kpi) -> dict[str, Any]:
    """Return a KPI as `[[kpi]]` writes it, with every pin written out."""
    keys = {item.name: getattr(kpi, item.name) for item in fields(kpi)}
    unset = [name for name, value in keys.items() if value is None or value == date.min]
    for name in (*unset, *(["agreed"] if kpi.agreed else ())):
        del keys[name]
    return keys | {"queues": list(kpi.queues), "channels": list(kpi.channels), "abandons": kpi.abandons.value}


_SECTIONS = {
    "book",
    "parties",
    "review",
    "private",
    "kpi",
    "source",
    "paid",
    "attribution",
    "personal",
    "retention",
    "plausible",
}
_KPI_KEYS = {
    "id", "measure", "queues", "channels", "answer_within_s", "short_abandon_s", "abandons", "target", "material",
    "better", "volume_band", "patience_s", "formula", "instrument", "within_days", "deadline", "valid_from",
    "agreed_on", "queue_map", "valid_to", "agreed", "entry",
}  # fmt: skip
_PRIVATE_ITEM = re.compile(r"(?P<table>\w+)(?:\.(?P<column>\w+)|\[(?P<by>\w+)=(?P<value>[^\]]+)\])?")
_LONGEST_RETENTION = 36_525  # days: a hundred years
# As `core.economics.attribution.PARTS`, which takes too long to import for reading a file.
ATTRIBUTED_PARTS = ("plan", "volume_inside", "volume_outside", "handling", "planning", "presence")
# What `[plausible]` may set; the limits themselves stand with the rules, in `validation.plausible`.
PLAUSIBLE_LIMITS = (
    "longest_handle_s", "shortest_handle_s", "longest_wait_s", "largest_volume", "oldest_years", "newest_days",
)  # fmt: skip
PAID_SHARES = ("in_target", "late", "repeated", "idle", "not_split")


@dataclass(frozen=True, slots=True)
class PrivateItem:
    """A part of a table as `[private]` names it: the whole table, a column of it, or rows of it."""

    table: str
    column: str | None = None
    row: PrivateRows | None = None


def parse_private_item(text: str) -> PrivateItem | None:
    """An item of `[private]`; None for one that names no table or column that there is, or a required column."""
    match = _PRIVATE_ITEM.fullmatch(text)
    table = None if match is None else TABLES.get(match["table"])
    if match is None or table is None:
        return None
    name = match["column"] or match["by"]
    if name is not None and (name not in table.by_name or name == "brought_by"):
        return None
    if match["by"]:
        return PrivateItem(table.name, row=PrivateRows(table.name, match["by"], match["value"]))
    if match["column"] and table.by_name[match["column"]].required:
        return None
    return PrivateItem(table.name, column=match["column"])


def private_items(definition: "Definition", side: Side) -> list[str]:
    """What a side keeps to itself, as `book.toml` says it."""
    kept = definition.private.get(side)
    if kept is None:
        return []
    columns = [f"{table}.{column}" for table, column in kept.columns]
    return [*kept.tables, *columns, *(f"{row.table}[{row.column}={row.value}]" for row in kept.rows)]


def items_overlap(item: str, other: str) -> bool:
    """Whether two items of `[private]`, one of each side, name the same part of a table.

    A whole table overlaps with any part of it; a column with the same column, and with rows chosen by it; rows with
    rows chosen by the same column and value, however the value is written. Rows chosen by two different columns do
    not overlap: a rule takes rows that its own side brought, and no others.
    """
    first, second = (_PRIVATE_ITEM.fullmatch(text) for text in (item, other))
    if first is None or second is None or first["table"] != second["table"]:
        return False
    columns = [match["column"] or match["by"] for match in (first, second)]
    if None in columns:
        return True
    if columns[0] != columns[1]:
        return False
    if first["by"] is None or second["by"] is None:
        return True
    table = TABLES.get(first["table"])
    column = None if table is None else table.by_name.get(first["by"])
    return column is None or _same_value(column, first["value"], second["value"])


def _same_value(column: Column, first: str, second: str) -> bool:
    """Whether two spellings are one value of a column."""
    if first == second:
        return True
    if column.kind in {Kind.SECONDS, Kind.COUNT, Kind.NUMBER, Kind.AMOUNT, Kind.SHARE}:
        try:
            return Decimal(first) == Decimal(second)
        except ArithmeticError:
            return False
    if column.kind is Kind.FLAG:
        true = {"true", "t", "yes", "y", "1"}
        return (first.strip().lower() in true) == (second.strip().lower() in true)
    if column.kind in {Kind.INSTANT, Kind.DAY, Kind.MONTH}:
        return first.strip()[:_DAY_LENGTH] == second.strip()[:_DAY_LENGTH]
    return False


_DAY_LENGTH = len("2026-01-31")


class _DefinitionReader(TomlReader):
    """Turns parsed TOML into a Definition."""

    error = UnusableBookError
    top_key = "[{key}]"

    def unreadable(self, error: OSError) -> UnusableFileError:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            return super().unreadable(error)
        book = Path(self.file).parent
        what = "has no book.toml" if book.is_dir() else "is not a folder"
        return self.error(f"{what}; a book is a folder with a book.toml that says whose it is", file=book)

    def definition(self, content: Mapping[str, Any]) -> Definition:
        self.keys(content, "", _SECTIONS)
        for name in _SECTIONS - {"kpi", "source"}:
            if not isinstance(content.get(name, {}), dict):
                raise self.wrong(f"[{name}]", "must be a table")
        book, review = content.get("book", {}), content.get("review", {})
        self.keys(book, "book", {"name", "scope", "currency", "timezone", "month_starts_on", "complete_to"})
        self.keys(review, "review", {"period", "against"})
        name = self.get(book, "book", "name", str)
        if not name:
            raise self.wrong("book.name", "is missing; write under [book] whose book it is")
        starts = self.get(book, "book", "month_starts_on", int, 1)
        if not 1 <= starts <= 28:  # noqa: PLR2004 - the last day that every month has
            raise self.wrong("book.month_starts_on", f"must lie between 1 and 28, but is {starts}")
        cuts, againsts = [cut.value for cut in Cut], [against.value for against in Against]
        return Definition(
            name=name,
            scope=self.one_of(book, "book", "scope", ["relationship", "portfolio"], "relationship"),
            currency=self.currency(book),
            timezone=self.timezone(book),
            month_starts_on=starts,
            complete_to=self.day(book, "book", "complete_to"),
            parties=self.parties(content.get("parties", {})),
            cut=Cut(self.one_of(review, "review", "period", cuts, "quarter")),
            against=Against(self.one_of(review, "review", "against", againsts, "previous")),
            kpis=tuple(self.kpi(number, item) for number, item in self.items(content, "kpi")),
            private=self.private(content.get("private", {})),
            sources=tuple(self.source(number, item) for number, item in self.items(content, "source")),
            answers_for=self.answers_for(content.get("paid", {}), "paid", PAID_SHARES),
            causes_answered_for=self.answers_for(content.get("attribution", {}), "attribution", ATTRIBUTED_PARTS),
            digests=self.digests(content.get("personal", {})),
            retention=self.retention(content.get("retention", {})),
            plausible=self.plausible(content.get("plausible", {})),
        )

    def currency(self, book: Mapping[str, Any]) -> str:
        value = self.get(book, "book", "currency", str, "EUR")
        if not re.fullmatch(r"[A-Z]{3}", value):
            raise self.wrong("book.currency", f"must be a code of three letters such as EUR, but is {value!r}")
        return str(value)

    def timezone(self, book: Mapping[str, Any]) -> str:
        value = self.get(book, "book", "timezone", str, "UTC")
        if not is_zone(value):
            raise self.wrong("book.timezone", f"{value!r} is not a zone; write one such as Europe/Madrid")
        return str(value)

    def parties(self, parties: Mapping[str, Any]) -> dict[Side, Party]:
        self.keys(parties, "parties", {side.value for side in Side})
        parties_by_side = {}
        for side in Side:
            party = parties.get(side.value, {})
            if not isinstance(party, dict):
                raise self.wrong(f"parties.{side}", "must be a table with id and name")
            self.keys(party, f"parties.{side}", {"id", "name"})
            party_id = self.get(party, f"parties.{side}", "id", str, side.value)
            parties_by_side[side] = Party(party_id, self.get(party, f"parties.{side}", "name", str, party_id.title()))
        return parties_by_side

    def kpi(self, number: int, item: Mapping[str, Any]) -> Kpi:
        where = f"kpi[{number}]"
        self.keys(item, where, _KPI_KEYS)
        kpi_id = self.get(item, where, "id", str)
        if not kpi_id:
            raise self.wrong(f"{where}.id", "is missing; every [[kpi]] bears an id")
        where = f"kpi {kpi_id!r}:"
        measure = self.one_of(item, where, "measure", sorted(MEASURES), kpi_id)
        seconds = {key: self.number(item, where, key) for key in ("answer_within_s", "short_abandon_s", "patience_s")}
        material = self.number(item, where, "material", 0.01) or 0.0
        negative = [key for key, value in {**seconds, "material": material}.items() if value is not None and value < 0]
        if negative:
            raise self.wrong(f"{where}.{negative[0]}", "must not be negative")
        queue_map = self.get(item, where, "queue_map", dict, {})
        return Kpi(
            id=kpi_id,
            measure=measure,
            queues=self.texts(item, where, "queues", ("*",)),
            channels=self.texts(item, where, "channels", ("*",)),
            answer_within_s=20.0 if seconds["answer_within_s"] is None else seconds["answer_within_s"],
            short_abandon_s=seconds["short_abandon_s"] or 0.0,
            abandons=Abandons(
                self.one_of(item, where, "abandons", [a.value for a in Abandons], Abandons.EXCLUDE_SHORT),
            ),
            target=self.number(item, where, "target"),
            material=material,
            better=self.one_of(item, where, "better", [HIGHER, LOWER], MEASURES[measure].better),
            volume_band=self.number(item, where, "volume_band", 0.0) or 0.0,
            patience_s=seconds["patience_s"],
            formula=self.one_of(item, where, "formula", ["top2", "mean"], "top2"),
            instrument=self.get(item, where, "instrument", str),
            within_days=self.get(item, where, "within_days", int, 7),
            deadline=self.get(item, where, "deadline", str),
            valid_from=self.day(item, where, "valid_from") or date.min,
            agreed_on=self.day(item, where, "agreed_on"),
            queue_map={str(source): str(signed) for source, signed in queue_map.items()},
            valid_to=self.day(item, where, "valid_to"),
            agreed=self.get(item, where, "agreed", bool, default=True),
            entry=self.get(item, where, "entry", int),
        )

    def private(self, section: Mapping[str, Any]) -> dict[Side, Private]:
        self.keys(section, "private", {side.value for side in Side})
        private_by_side = {}
        for side in Side:
            tables, columns, rows = [], [], []
            for item in self.texts(section, "private", side.value):
                match = _PRIVATE_ITEM.fullmatch(item)
                named = match.group("column") or match.group("by") if match else None
                if match is None or match["table"] not in TABLES:
                    msg = f"names {item!r}; write a table, table.column or table[column=value]"
                    raise self.wrong(f"private.{side}", msg)
                table = TABLES[match["table"]]
                if named is not None and named not in table.by_name:
                    raise self.wrong(f"private.{side}", f"names {item!r}, but {table.name} has no column {named}")
                if match["column"]:
                    if table.by_name[match["column"]].required:
                        raise self.wrong(f"private.{side}", f"names {item!r}, without which {table.name} says nothing")
                    columns.append((table.name, match["column"]))
                elif match["by"]:
                    rows.append(PrivateRows(table.name, match["by"], match["value"]))
                else:
                    tables.append(table.name)
            private_by_side[side] = Private(tuple(tables), tuple(columns), tuple(rows))
        self.refuse_overlaps(*(self.texts(section, "private", side.value) for side in Side))
        return private_by_side

    def refuse_overlaps(self, customers: Sequence[str], providers: Sequence[str]) -> None:
        for item, other in product(customers, providers):
            if items_overlap(item, other):
                msg = f"gives {item!r} to the customer and {other!r} to the provider; take one of the two out"
                raise self.wrong("private", msg)

    def source(self, number: int, item: Mapping[str, Any]) -> AgreedDelivery:
        where = f"source[{number}]"
        self.keys(item, where, {"table", "by", "due", "path", "as"})
        return AgreedDelivery(
            table=self.one_of(item, where, "table", sorted(TABLES), ""),
            by=Side(self.one_of(item, where, "by", [side.value for side in Side], "")),
            due=self.get(item, where, "due", str),
            path=self.get(item, where, "path", str),
            mapping=self.get(item, where, "as", str),
        )

    def answers_for(self, section: Mapping[str, Any], name: str, items: Sequence[str]) -> dict[str, str]:
        """Who answers for which of the items, under `answers_for` of a section; only those that it names."""
        self.keys(section, name, {"answers_for"})
        said = self.get(section, name, "answers_for", dict, {})
        self.keys(said, f"{name}.answers_for", set(items))
        known = ["customer", "provider", "both"]
        return {key: self.one_of(said, f"{name}.answers_for", key, known, "both") for key in said}

    def digests(self, section: Mapping[str, Any]) -> tuple[str, ...]:
        self.keys(section, "personal", {"digest"})
        allowed = sorted({column.name for table in TABLES.values() for column in table.columns if column.personal})
        named = self.texts(section, "personal", "digest")
        for name in named:
            if name not in allowed:
                raise self.wrong("personal.digest", f"names {name!r}; it may name {', '.join(allowed)}")
        return named

    def plausible(self, section: Mapping[str, Any]) -> dict[str, float]:
        self.keys(section, "plausible", set(PLAUSIBLE_LIMITS))
        limits: dict[str, float] = {key: self.get(section, "plausible", key, float) for key in section}
        for key, value in limits.items():
            if not value > 0:
                raise self.wrong(f"plausible.{key}", f"must be above 0, but is {value}")
        return limits

    def retention(self, section: Mapping[str, Any]) -> dict[str, int]:
        self.keys(section, "retention", set(TABLES))
        days_by_table: dict[str, int] = {table: self.get(section, "retention", table, int) for table in section}
        for table, days in days_by_table.items():
            if not 0 < days <= _LONGEST_RETENTION:
                raise self.wrong(f"retention.{table}", f"must be days from 1 to {_LONGEST_RETENTION}, but is {days}")
        return days_by_table
