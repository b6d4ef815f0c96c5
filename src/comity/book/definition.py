"""`book.toml`: whose book it is, how it cuts its periods, what is private, what was agreed to be measured."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from comity.book.agreement import FOLDER, AgreedChange, UnusableAgreementError, agreed_changes, chain_of, relief_of
from comity.book.definition_keys import (
    ATTRIBUTION,
    BOOK,
    COMPLETE,
    KPI,
    OPENING,
    PAID,
    PARTIES,
    PERSONAL_SECTION,
    PLAUSIBLE,
    PRIVATE,
    RETENTION,
    REVIEW,
    SECTIONS,
    SOURCE,
    TOP_LEVEL,
    WEEKDAYS,
    Key,
    KeyKind,
    Section,
)
from comity.book.errors import UnusableFileError
from comity.book.public_holidays import country_problem, public_holidays
from comity.book.tables import TABLES, Column, Kind, Table
from comity.book.toml import TomlReader, is_zone
from comity.core.agreements.kpi import FORMULAS, MEASURES, OF_SURVEYS, Abandons, Kpi, Relief
from comity.core.agreements.service_calendars import ServiceCalendar, service_calendars
from comity.core.agreements.wordings import kpi_wordings
from comity.core.calendars import Against, Calendar, Cut
from comity.core.service_days import HOLIDAY, Opening, days_of
from comity.core.values import Period, Side

FILE = "book.toml"
_DAY = timedelta(days=1)


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
    relief: tuple[Relief, ...] = ()  # days that both sides agreed not to hold against some KPIs
    private: dict[Side, Private] = field(default_factory=dict)
    sources: tuple[AgreedDelivery, ...] = ()
    complete: dict[Side, dict[str, frozenset[date]]] = field(default_factory=dict)  # each side's word of its tables
    answers_for: dict[str, str] = field(default_factory=dict)  # paid: share -> customer, provider, both
    causes_answered_for: dict[str, str] = field(default_factory=dict)  # attribution: part -> customer, provider, both
    service_queues: dict[str, tuple[str, ...]] = field(default_factory=dict)  # paid: service as invoiced -> its queues
    country: str | None = None  # whose public holidays count, ES or ES-MD
    open_weekdays: frozenset[int] | None = None  # agreed, 0 is Monday; None: nothing was agreed
    free_days: frozenset[date] | None = None  # holidays of `[opening]`; None: those of the country
    calendars: tuple[ServiceCalendar, ...] = ()  # what both signed of the days of service: it holds before these three
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

    def calendar_on(self, day: date) -> ServiceCalendar | None:
        """What both sides signed of the days of service, as it reads on a day; None where there is no such clause."""
        return next((one for one in self.calendars if one.holds_on(day)), None)

    def opening(self, period: Period, reference: Period | None = None) -> Opening:
        """The days of service of a period, and of the one that it is held against.

        Both are counted on the calendar of the period under review: by the weekdays that are open on its last day.
        Which single days are holidays or closed is told by the text of each day. Where the agreement says nothing,
        `[opening]` holds, and for holidays that it does not name those of `[book] country`.

        :param period: under review
        """
        periods = (period,) if reference is None else (reference, period)
        usual = self._usual_holidays(periods)
        if not self.calendars:
            return Opening(self.open_weekdays, usual)
        weekdays = self._weekdays_on(period.end - _DAY)
        holidays: set[date] = set()
        closed: set[date] = set()
        opened: set[date] = set()
        unserved: set[date] = set()
        for day in (day for one in periods for day in days_of(one)):
            signed, weekdays_then = self.calendar_on(day), self._weekdays_on(day)
            if signed is not None and signed.holidays is not None:
                holidays |= {day} & signed.holidays
                closed |= {day} & signed.closed
                opened |= {day} & signed.opened
            elif day in usual:
                holidays.add(day)
                closed.add(day)
            was_closed = weekdays_then is not None and day.weekday() not in weekdays_then and day not in opened
            if was_closed and weekdays is not None and day.weekday() in weekdays:  # which is open on the last day
                (closed if day in period else unserved).add(day)
        sets = (frozenset(days) for days in (holidays, closed, opened, unserved))
        return Opening(weekdays, *sets)

    def is_ordinary(self, day: date) -> bool:
        """Whether a day has service as its weekday usually has, by the text of that day: it is open and no holiday."""
        opening = self.opening(Period(day, day + _DAY))
        is_open = opening.days is None or day.weekday() in opening.days
        return is_open and opening.class_of(day) != HOLIDAY

    def _weekdays_on(self, day: date) -> frozenset[int] | None:
        signed = self.calendar_on(day)
        return self.open_weekdays if signed is None or signed.weekdays is None else signed.weekdays

    def _usual_holidays(self, periods: Collection[Period]) -> frozenset[date]:
        if self.free_days is not None:
            return self.free_days
        if self.country is None:
            return frozenset()
        years = {year for period in periods for year in range(period.start.year, period.end.year + 1)}
        return public_holidays(self.country, years)

    def before(self, day: date) -> "Definition":
        """The same as if nothing were agreed for that day and later: what can reach a period that ends on it.

        A wording that holds on the day before has no end in it, whenever it ends.
        """
        kpis = tuple(_open_from(kpi, day) for kpi in self.kpis if kpi.valid_from < day)
        calendars = tuple(_open_from(one, day) for one in self.calendars if one.valid_from < day)
        relief = tuple(one for one in self.relief if one.days.start < day)
        return replace(self, kpis=kpis, calendars=calendars, relief=relief)

    def private_owner(self, table: str) -> Side | None:
        """The side that keeps the whole table to itself, if one does."""
        return next((side for side, private in self.private.items() if table in private.tables), None)

    def owing(self, table: str, delivered: Collection[Side] = ()) -> frozenset[Side]:
        """The sides that owe a table: as agreed, else who keeps it to itself, else who delivered it.

        :param delivered: the sides that imports of it came from; none: who usually holds it owes it
        """
        agreed = {source.by for source in self.sources if source.table == table}
        owner = self.private_owner(table)
        if agreed:
            return frozenset(agreed)
        if owner is not None:
            return frozenset([owner])
        usual = TABLES[table].held_by
        return frozenset(delivered or (side for side in Side if usual in {side.value, "both"}))

    def complete_days(self, table: str, delivered: Collection[Side] = ()) -> tuple[date, ...]:
        """The days up to which a table is whole by the word of each side that owes it, in order; none of them counts.

        :param delivered: as for `owing`
        """
        said = [self.complete.get(side, {}).get(table, frozenset()) for side in self.owing(table, delivered)]
        if not said or not all(said):
            return ()
        last = min(max(days) for days in said)
        return tuple(sorted({day for days in said for day in days if day <= last}))

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


_Worded = TypeVar("_Worded", Kpi, ServiceCalendar)


def _open_from(wording: _Worded, day: date) -> _Worded:
    """A wording without an end that lies on a day or later."""
    return wording if wording.valid_to is None or wording.valid_to < day else replace(wording, valid_to=None)


def read_definition(book: Path) -> Definition:
    """Read and check `book.toml`.

    :raises UnusableBookError: naming the file, the key, the value and the next step
    """
    reader = _DefinitionReader(book / FILE)
    definition = reader.definition(reader.read())
    try:
        changes = agreed_changes(book)
    except UnusableAgreementError as error:
        raise UnusableBookError(error.message, file=error.file) from None
    if not changes:
        return definition
    if definition.kpis:
        msg = (
            f"is there beside the folder {FOLDER}, in which the agreed KPIs lie; take the [[kpi]] out, "
            "and change the agreement instead"
        )
        raise reader.wrong("[[kpi]]", msg)
    kpis = _kpis_of(changes, ZoneInfo(definition.timezone))
    calendars = service_calendars(chain_of(changes))
    return replace(definition, kpis=kpis, relief=relief_of(changes), calendars=calendars)


def _kpis_of(changes: Sequence[AgreedChange], zone: ZoneInfo) -> tuple[Kpi, ...]:
    """The wordings of the agreement, each with the day on which both sides agreed to it, and the record's entry."""
    by_place = {change.place: change for change in changes}
    found = []
    for kpi in kpi_wordings(chain_of(changes), zone):
        assert kpi.entry is not None
        change = by_place[kpi.entry]
        agreed_on = kpi.agreed_on if change.signatures else change.agreed_on
        found.append(
            replace(kpi, agreed=change.is_agreed, agreed_on=agreed_on, entry=change.entry, change=change.number)
        )
    return tuple(found)


def parse_definition(text: str, file: Path) -> Definition:
    """Check what a `book.toml` would say, before it is written to a file.

    :raises UnusableBookError: as `read_definition`
    """
    reader = _DefinitionReader(file)
    return reader.definition(reader.parse(text))


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


_PRIVATE_ITEM = re.compile(r"(?P<table>\w+)(?:\.(?P<column>\w+)|\[(?P<by>\w+)=(?P<value>[^\]]+)\])?")


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
_MOST = {"attrition": 5.0, "forecast_wape": 5.0, "forecast_bias": 5.0}  # shares that may well be above 1


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
        self.keys(content, "", TOP_LEVEL)
        for name in TOP_LEVEL - {section.name for section in SECTIONS if section.repeated}:
            if not isinstance(content.get(name, {}), dict):
                raise self.wrong(f"[{name}]", "must be a table")
        book = self.section(BOOK, content.get("book", {}), "book")
        if not book["name"]:
            raise self.wrong("book.name", "is missing; write under [book] whose book it is")
        self.check_currency(book["currency"])
        self.check_zone(book["timezone"])
        self.check_country(book["country"])
        review = self.section(REVIEW, content.get("review", {}), "review")
        opening = self.section(OPENING, content.get("opening", {}), "opening")
        paid = self.section(PAID, content.get("paid", {}), "paid")
        retention = self.section(RETENTION, content.get("retention", {}), "retention")
        return Definition(
            name=book["name"],
            scope=book["scope"],
            currency=book["currency"],
            timezone=book["timezone"],
            month_starts_on=book["month_starts_on"],
            complete_to=book["complete_to"],
            parties=self.parties(content.get("parties", {})),
            cut=Cut(review["period"]),
            against=Against(review["against"]),
            kpis=tuple(self.kpi(number, item) for number, item in self.items(content, "kpi")),
            private=self.private(content.get("private", {})),
            complete=self.complete(content.get("complete", {})),
            sources=tuple(self.source(number, item) for number, item in self.items(content, "source")),
            answers_for=paid["answers_for"],
            service_queues=paid["queues"],
            causes_answered_for=self.section(ATTRIBUTION, content.get("attribution", {}), "attribution")["answers_for"],
            country=book["country"],
            open_weekdays=self.open_weekdays(opening["days"]) if "days" in content.get("opening", {}) else None,
            free_days=opening["holidays"],
            digests=self.digests(content.get("personal", {})),
            retention={table: days for table, days in retention.items() if days is not None},
            plausible=self.plausible(content.get("plausible", {})),
        )

    # -- as declared

    def section(self, declared: Section, section: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Every key of a section as declared: its value, else what holds where it is not written."""
        self.keys(section, where, declared.by_name)
        return {key.name: self.value(key, section, where) for key in declared.keys}

    def value(self, key: Key, section: Mapping[str, Any], where: str, default: object = None) -> Any:  # noqa: ANN401, PLR0911 - TOML values, one a kind
        """The value of a key as declared; `default` holds before the declared one."""
        absent: Any = key.default if default is None else default
        match key.kind:
            case KeyKind.TEXT if key.values:
                return self.one_of(section, where, key.name, key.values, absent or ("" if key.required else None))
            case KeyKind.TEXT:
                return self.get(section, where, key.name, str, absent)
            case KeyKind.DAY:
                return self.day(section, where, key.name)
            case KeyKind.FLAG:
                return self.get(section, where, key.name, bool, absent)
            case KeyKind.DAYS:
                return self.days(section, where, key.name)
            case KeyKind.TEXTS:
                return self.texts(section, where, key.name, absent or ())
            case KeyKind.PAIRS:
                return self.pairs(key, section, where)
            case KeyKind.LISTS:
                return self.lists(section, where, key.name)
            case KeyKind.WHOLE | KeyKind.NUMBER:
                number = self.get(section, where, key.name, int if key.kind is KeyKind.WHOLE else float, absent)
                self.check_bounds(key, number, self.at(where, key.name))
                return number

    def pairs(self, key: Key, section: Mapping[str, Any], where: str) -> dict[str, str]:
        """The pairs of a key; only those that it names."""
        pairs: dict[str, Any] = self.get(section, where, key.name, dict, {})
        place = self.at(where, key.name)
        if key.names:
            self.keys(pairs, place, key.names)
        if key.values:
            return {name: self.one_of(pairs, place, name, key.values, "") for name in pairs}
        return {str(name): str(value) for name, value in pairs.items()}

    def days(self, section: Mapping[str, Any], where: str, key: str) -> frozenset[date] | None:
        """Days in a list, each as TOML writes it or in quotes; None where the key is not written."""
        if key not in section:
            return None
        written = section[key]
        if not isinstance(written, list):
            raise self.wrong(self.at(where, key), f"must be a list of days such as 2026-01-31, but is {written!r}")
        return frozenset(day for one in written if (day := self.day({key: one}, where, key)) is not None)

    def lists(self, section: Mapping[str, Any], where: str, key: str) -> dict[str, tuple[str, ...]]:
        """Texts in lists, by name; none of the lists is empty."""
        place = self.at(where, key)
        written: dict[str, Any] = self.get(section, where, key, dict, {})
        lists = {str(name): self.texts(written, place, name) for name in written}
        for name, texts in lists.items():
            if not texts:
                raise self.wrong(f"{place}.{name}", "names nothing; name some, or leave it out")
        return lists

    def check_bounds(self, key: Key, number: float | None, place: str) -> None:
        if number is not None and key.above is not None and not number > key.above:
            raise self.wrong(place, f"must be above {key.above:g}, but is {number}")
        if number is None or (key.lowest is None and key.highest is None):
            return
        if key.highest is None and key.lowest == 0:
            if number < 0:
                raise self.wrong(place, "must not be negative")
        elif not (key.lowest or 0) <= number <= (key.highest or number):
            raise self.wrong(place, f"must be from {key.lowest} to {key.highest}, but is {number}")

    # -- what a declaration cannot say

    def check_currency(self, code: str) -> None:
        if not re.fullmatch(r"[A-Z]{3}", code):
            raise self.wrong("book.currency", f"must be a code of three letters such as EUR, but is {code!r}")

    def check_zone(self, zone: str) -> None:
        if not is_zone(zone):
            raise self.wrong("book.timezone", f"{zone!r} is not a zone; write one such as Europe/Madrid")

    def check_country(self, code: str | None) -> None:
        problem = None if code is None else country_problem(code)
        if problem is not None:
            raise self.wrong("book.country", problem)

    def open_weekdays(self, named: tuple[str, ...]) -> frozenset[int]:
        for name in named:
            if name not in WEEKDAYS:
                raise self.wrong("opening.days", f"names {name!r}; write weekdays as {', '.join(WEEKDAYS)}")
        if not named:
            raise self.wrong("opening.days", "names no day; write those that are open, or leave the key out")
        return frozenset(WEEKDAYS.index(name) for name in named)

    def parties(self, parties: Mapping[str, Any]) -> dict[Side, Party]:
        self.keys(parties, "parties", {side.value for side in Side})
        parties_by_side = {}
        for side in Side:
            party = parties.get(side.value, {})
            if not isinstance(party, dict):
                raise self.wrong(f"parties.{side}", "must be a table with id and name")
            values = self.section(PARTIES[side], party, f"parties.{side}")
            parties_by_side[side] = Party(values["id"], values["name"] or values["id"].title())
        return parties_by_side

    def kpi(self, number: int, item: Mapping[str, Any]) -> Kpi:
        where = f"kpi[{number}]"
        self.keys(item, where, KPI.by_name)
        kpi_id = self.value(KPI.by_name["id"], item, where)
        if not kpi_id:
            raise self.wrong(f"{where}.id", "is missing; every [[kpi]] bears an id")
        where = f"kpi {kpi_id!r}:"
        measure = self.value(KPI.by_name["measure"], item, where, default=kpi_id)
        values = self.section(KPI, {**item, "measure": measure}, where)
        formulas = FORMULAS.get(measure, OF_SURVEYS)
        if values["records"] is not None and not MEASURES[measure].also_intervals:
            those = ", ".join(name for name, one in MEASURES.items() if one.also_intervals)
            raise self.wrong(self.at(where, "records"), f"is for {those} only; take it out")
        formula = self.one_of(item, where, "formula", formulas, formulas[0])
        kpi = Kpi(
            **values
            | {
                "formula": formula,
                "abandons": Abandons(values["abandons"]),
                "better": values["better"] or MEASURES[measure].better,
                "valid_from": values["valid_from"] or date.min,
            }
        )
        self.check_shares(kpi, where)
        return kpi

    def check_shares(self, kpi: Kpi, where: str) -> None:
        """Refuse per cent in place of a share: 80 for 0.80."""
        for name in ("target", "material"):
            value = getattr(kpi, name)
            most = _MOST.get(kpi.measure, 1.0)
            if value is None or value <= most:
                continue
            from comity.core.levels import SHARE, unit  # noqa: PLC0415 - late, for a quick cold start

            if unit(kpi) == SHARE:
                meant = f"{value / 100:.6f}".rstrip("0")
                meant += "0" * (len("0.00") - len(meant))
                msg = f"is a share, {most:g} at most, but is {value:g}; did you mean {meant}, which is {value:g} %?"
                raise self.wrong(self.at(where, name), msg)

    def private(self, section: Mapping[str, Any]) -> dict[Side, Private]:
        self.keys(section, "private", PRIVATE.by_name)
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

    def complete(self, sections: Mapping[str, Any]) -> dict[Side, dict[str, frozenset[date]]]:
        """Each side's word of how far its tables are whole; only the tables that it names."""
        self.keys(sections, "complete", {side.value for side in Side})
        said = {}
        for side, declared in COMPLETE.items():
            section = sections.get(side.value, {})
            if not isinstance(section, dict):
                raise self.wrong(f"complete.{side}", "must be a table with lists of days")
            values = self.section(declared, section, f"complete.{side}")
            said[side] = {table: days for table, days in values.items() if days}
        return said

    def source(self, number: int, item: Mapping[str, Any]) -> AgreedDelivery:
        values = self.section(SOURCE, item, f"source[{number}]")
        return AgreedDelivery(
            table=values["table"], by=Side(values["by"]), due=values["due"], path=values["path"], mapping=values["as"]
        )

    def digests(self, section: Mapping[str, Any]) -> tuple[str, ...]:
        key = PERSONAL_SECTION.by_name["digest"]
        named: tuple[str, ...] = self.section(PERSONAL_SECTION, section, "personal")["digest"]
        for name in named:
            if name not in key.values:
                raise self.wrong("personal.digest", f"names {name!r}; it may name {', '.join(key.values)}")
        return named

    def plausible(self, section: Mapping[str, Any]) -> dict[str, float]:
        """The limits that the book sets itself, and no others."""
        limits = self.section(PLAUSIBLE, section, "plausible")
        return {key: limits[key] for key in section}
