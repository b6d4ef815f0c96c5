"""A mapping fitted to the file at hand: what its columns show decides where the mapping leaves it open.

What a mapping of a person's own says is what it knows, and a column that plainly says otherwise refuses the file
unless `sure = true`. What a shipped mapping says of the order of days is a default, which the column overrules.
What nobody can tell is refused with the line to write.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from pathlib import Path

from comity.book.formats.sheet import UnusableSourceError
from comity.book.mappings.cell_sql import SWAPPED, TIME_CELLS
from comity.book.mappings.column_evidence import ColumnEvidence, Role
from comity.book.mappings.header_meaning import MEAN
from comity.book.mappings.headers import all_headers_of
from comity.book.mappings.model import CellKind, SourceMapping, Value
from comity.book.tables import Kind
from comity.book.validation.interval_length import INTERVAL_TABLES

_ORDERS = ("day-first", "month-first")
_YEAR_FIRST = tuple(
    f"%Y{mark}%m{mark}%d{clock}" for mark in "/." for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
)
_DATED = {CellKind.INSTANT, CellKind.DAY}
_DAILY = {"contacts", "intervals", "forecasts", "schedules", "surveys", "evaluations", "deadlines"}  # rows of days
_PER_CONTACT = {"handle_s", "aht_s", "patience_s"}  # a duration of one contact, or a mean of several
_MONTHS = 12
_CLOSE_DAYS = 4  # from one day of records to the next: over a weekend and a holiday
_MOSTLY, _SELDOM = 0.8, 0.4
_FEWEST_DAYS = 3
_LONGEST_MEAN_S = 7200.0  # two hours a contact are beyond what is handled or waited
_MINUTES_OF_MONTH = 28 * 1440
_UNIT_WORDS = {
    "ms": r"ms|msecs?|millis(?:ec(?:ond)?s?)?|milisegundos|millisekunden|millisecondes",
    "s": r"s|secs?|seconds?|segundos?|sekunden?|secondes?|segs?",
    "min": r"mins?|minutes?|minutos?|minuten?|minuti",
    "h": r"h|hrs?|hours?|horas?|stunden?|heures?|ore",
    "d": r"days?|d[ií]as?|tage?|jours?|giorni",
}
_UNITS = {
    unit: re.compile(rf"(?:[\[(_ ]|^)(?:in )?(?:{words})[\])]?\s*$", re.IGNORECASE)
    for unit, words in _UNIT_WORDS.items()
}


_SHAPE = re.compile(r"[(\[](mm?:ss|hh?:mm)[)\]]\s*$", re.IGNORECASE)  # as a header says it
# What is waited and talked in one call; how long a ticket took to be resolved may well be hours.
_OF_A_CALL = re.compile(
    r"\b(wait\w*|queue time|talk|hold|acw|wrap|after call work|ring\w*|speed of answer|handl\w*|espera|conversaci\w*|"
    r"warte\w*|gespr[äa]ch\w*|attente|conversation|communication|attesa|conversazione|conversa)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What else is known of the file: how it is named in errors, what cuts its cells, whether it is a workbook."""

    path: Path
    delimiter: str | None = None
    workbook: bool = False


def roles_of(mapping: SourceMapping, find: Callable[[str], str | None]) -> dict[str, set[Role]]:
    """The sheet's own headers that a mapping reads -> what they are to be looked at for."""
    roles: dict[str, set[Role]] = {}
    for use in _uses(mapping):
        own = _own(use.value, find)
        if own is not None and use.role is not None:
            roles.setdefault(own, set()).add(use.role)
    return roles


def _own(value: Value, find: Callable[[str], str | None]) -> str | None:
    return next((own for header in value.source if (own := find(header)) is not None), None)


@dataclass(frozen=True, slots=True)
class _Use:
    """A value that is read from a column, and what it becomes a part of."""

    value: Value
    column: str  # of the table, or a name under [let]
    kind: Kind | None  # of that column
    mean: bool = False  # it is multiplied: a mean of so many

    @property
    def role(self) -> Role | None:
        if self.value.pattern is not None or self.value.values is not None or self.value.map is not None:
            return None  # what is read is not the cell itself
        if self.value.kind is CellKind.NUMBER:
            return Role.NUMBER
        if self.value.kind is CellKind.SECONDS:
            return Role.DURATION
        if self.value.kind in _DATED | {CellKind.MONTH}:
            return Role.TIME
        if self.kind is Kind.TEXT and self.value.kind in {None, CellKind.TEXT} and self.column.endswith("_id"):
            return Role.ID
        return None


def _uses(mapping: SourceMapping) -> Iterator[_Use]:
    for name, value in mapping.columns.items():
        yield from _uses_in(value, name, mapping.target.by_name[name].kind, mean=False)
    for name, value in mapping.let.items():
        yield from _uses_in(value, name, None, mean=False)


def _uses_in(value: Value, column: str, kind: Kind | None, *, mean: bool) -> Iterator[_Use]:
    if value.source:
        yield _Use(value, column, kind, mean)
    for part in (*value.first, *value.total, *value.difference, *value.quotient, *value.join):
        yield from _uses_in(part, column, kind, mean=mean)
    for part in value.product:
        yield from _uses_in(part, column, kind, mean=True)


def adapt(
    mapping: SourceMapping,
    find: Callable[[str], str | None],
    evidence: Mapping[str, ColumnEvidence],
    facts: FileFacts,
) -> tuple[SourceMapping, list[str]]:
    """The mapping as it reads this file, and what is to be told of that.

    :raises UnusableSourceError: where the columns contradict the mapping, or leave open what it does not say
    """
    fit = _Fit(mapping, find, evidence, facts)
    return fit.adapted(), list(dict.fromkeys(fit.notes))


@dataclass(slots=True)
class _Fit:
    mapping: SourceMapping
    find: Callable[[str], str | None]
    evidence: Mapping[str, ColumnEvidence]
    facts: FileFacts
    notes: list[str] = field(default_factory=list)
    file_decimal: str | None = None
    file_order: str | None = None
    file_clock: str | None = None

    def adapted(self) -> SourceMapping:
        """Decide for the file as a whole, then value by value."""
        points = sum(one.points > 0 and not one.commas for one in self.evidence.values())
        commas = sum(one.commas > 0 and not one.points for one in self.evidence.values())
        # Nobody counts thousandths: 1.000 of a count is a thousand.
        counts = {own for use in _uses(self.mapping) if use.kind is Kind.COUNT and (own := _own(use.value, self.find))}
        counted = [one for header in counts if (one := self.evidence.get(header)) is not None]
        points += sum(one.comma_groups > 0 and not one.point_groups for one in counted)
        commas += sum(one.point_groups > 0 and not one.comma_groups for one in counted)
        if bool(points) != bool(commas):
            self.file_decimal = "." if points else ","
        orders = {order for one in self.evidence.values() if (order := _shown_order(one)) in _ORDERS}
        self.file_order = orders.pop() if len(orders) == 1 else None
        if any(_absurd_as_hours(one) and _OF_A_CALL.search(one.header) for one in self.evidence.values()):
            self.file_clock = "m:ss"
        columns = {
            name: self.value(value, name, self.mapping.target.by_name[name].kind, mean=False)
            for name, value in self.mapping.columns.items()
        }
        let = {name: self.value(value, name, None, mean=False) for name, value in self.mapping.let.items()}
        return replace(self.mapping, columns=columns, let=let)

    def value(self, value: Value, column: str, kind: Kind | None, *, mean: bool) -> Value:
        """One value and all that it is made of."""

        def parts(some: tuple[Value, ...], *, means: bool = mean) -> tuple[Value, ...]:
            return tuple(self.value(part, column, kind, mean=means) for part in some)

        value = replace(
            value,
            first=parts(value.first),
            total=parts(self.with_clock(value.total)),
            difference=parts(value.difference),
            quotient=parts(value.quotient),
            join=parts(value.join),
            product=parts(value.product, means=True),
        )
        own = _own(value, self.find)
        seen = self.evidence.get(own) if own is not None else None
        use = _Use(value, column, kind, mean)
        if seen is None or not seen.filled or use.role is None:
            return value
        if use.role is Role.TIME:
            return self.time(value, seen)
        if use.role is Role.ID:
            return self.identifier(value, seen)
        value = self.decimal(value, seen, kind)
        return self.duration(value, seen, use) if use.role is Role.DURATION else value

    def with_clock(self, terms: tuple[Value, ...]) -> tuple[Value, ...]:
        """The terms of a day and its time; of a daily report, which a known format has without times, the day alone."""
        if not self.mapping.defaults or self.mapping.table not in INTERVAL_TABLES:
            return terms
        return tuple(
            one
            for one in terms
            if self.kind_of(one) is not CellKind.CLOCK
            or any(self.find(header) is not None for header in all_headers_of(one, self.mapping.let))
        )

    def kind_of(self, value: Value) -> CellKind | None:
        """What a value is read as, seen through its name and its first alternative."""
        if value.use is not None and (named := self.mapping.let.get(value.use)) is not None:
            return self.kind_of(named)
        return self.kind_of(value.first[0]) if value.first and value.kind is None else value.kind

    def refused(self, seen: ColumnEvidence, what: str) -> UnusableSourceError:
        return UnusableSourceError(f"column {seen.header!r}: {what}", file=self.facts.path)

    # -- decimal mark

    def decimal(self, value: Value, seen: ColumnEvidence, kind: Kind | None) -> Value:
        """Which of point and comma is the decimal mark."""
        said = value.decimal or self.mapping.decimal
        if not (seen.points or seen.commas or seen.point_groups or seen.comma_groups):
            return value
        if said is not None:  # what other columns show does not contradict it
            shown = None if bool(seen.points) == bool(seen.commas) else "." if seen.points else ","
            if shown is not None and shown != said and not self.mapping.sure:
                msg = (
                    f"the mapping reads its decimals after {_mark(said)}, its cells are written with {_mark(shown)} "
                    f"(such as {seen.example!r}); write decimal = {shown!r}, or sure = true if that is right"
                )
                raise self.refused(seen, msg)
            return value
        shown = self.shown_decimal(seen, kind)
        if shown is None:
            marked = "1.000" if seen.point_groups else "1,000"
            other = "," if seen.point_groups else "."
            msg = (
                f"nothing in the file tells whether {marked} is a thousand or one; write decimal = {other!r} in the "
                f"mapping if it is a thousand, decimal = {'.' if other == ',' else ','!r} if it is one"
            )
            raise self.refused(seen, msg)
        groups = seen.point_groups if shown == "," else seen.comma_groups
        if groups and shown == ",":
            self.notes.append(f"{seen.header}: a point stands between thousands there (1.000 is a thousand)")
        return value if shown == "." else replace(value, decimal=shown)

    def shown_decimal(self, seen: ColumnEvidence, kind: Kind | None) -> str | None:
        if bool(seen.points) != bool(seen.commas):
            return "." if seen.points else ","
        if seen.points:  # both: cells contradict each other, and those that do not fit become rejects
            return self.mapping.decimal or "."
        if self.file_decimal is not None:
            return self.file_decimal
        if kind is Kind.COUNT:  # nobody counts thousandths
            return "," if seen.point_groups else "."
        if self.facts.delimiter in {None, ","}:  # cells cut at commas, or typed: the point is the decimal's
            return "."
        return "," if any(one.days and _dotted(one) for one in self.evidence.values()) else None

    # -- durations

    def duration(self, value: Value, seen: ColumnEvidence, use: _Use) -> Value:
        """The unit of plain numbers, and what two parts such as 3:30 are."""
        if (
            (self.mapping.table, use.column) == ("intervals", "handle_s")
            and not use.mean
            and not self.mapping.sure
            and MEAN.search(seen.header)
        ):
            msg = (
                "handle_s is the sum of an interval, and the header says a mean; write handle_s = { product = "
                '["the column of contacts answered", { from = "this column", as = "seconds" }] }, or sure = true'
            )
            raise self.refused(seen, msg)
        if value.clock is None and seen.parts_two and (shape := _SHAPE.search(seen.header)) is not None:
            value = replace(value, clock="m:ss" if shape[0].lower().lstrip("([").startswith("m") else "h:mm")
        if value.clock is None and seen.parts_two and not seen.numbers and self.per_contact(use, seen):
            if _absurd_as_hours(seen):
                value = replace(value, clock="m:ss")
                self.notes.append(f"{seen.header}: read as minutes and seconds; as hours a contact would take too long")
            elif self.file_clock is not None and not seen.parts_three:
                value = replace(value, clock=self.file_clock)
                self.notes.append(f"{seen.header}: read as minutes and seconds, as other columns of the file")
        if self.facts.workbook and seen.parts_three and seen.parts_three == seen.whole_minutes:
            value = self.time_cells(value, seen, use)
        if value.unit is not None or not seen.numbers:
            return value
        named = next((unit for unit, words in _UNITS.items() if words.search(seen.header)), None)
        if seen.fine and seen.day_fractions == seen.numbers and named in {None, "d"}:
            self.notes.append(f"{seen.header}: numbers that are parts of a day ({seen.high:g} at most), read so")
            return replace(value, unit="d")
        if named is None or named == "s":
            return value
        self.notes.append(f"{seen.header}: read in {_UNIT_NAMES[named]}, as its header says")
        return replace(value, unit=named)

    def per_contact(self, use: _Use, seen: ColumnEvidence) -> bool:
        """Whether a duration is that of one contact, or a mean."""
        average = MEAN.search(seen.header)
        if self.mapping.table == "contacts" and (use.column in _PER_CONTACT or _OF_A_CALL.search(seen.header)):
            return True
        return use.mean or average is not None

    def time_cells(self, value: Value, seen: ColumnEvidence, use: _Use) -> Value:
        """Minutes and seconds typed into a spreadsheet, which took them for hours and minutes."""
        if value.clock == "m:ss" or use.column == "minutes":
            self.notes.append(
                f"{seen.header}: cells that the spreadsheet holds as hours and minutes ({seen.example}) "
                "were read as minutes and seconds, as the mapping says"
            )
            return replace(value, clock=TIME_CELLS)
        if value.clock is None and self.per_contact(use, seen) and not self.mapping.sure:
            msg = (
                f"its cells are times such as {seen.example}, which would be hours a contact; if 3:30 stands for three "
                'and a half minutes there, write clock = "m:ss" for this value, or sure = true if they are hours'
            )
            raise self.refused(seen, msg)
        return value

    # -- days

    def time(self, value: Value, seen: ColumnEvidence) -> Value:
        """The order of day and month."""
        said = next((one for one in value.formats if one in _ORDERS), None)
        spelt = any("%" in one for one in value.formats)
        if seen.year_first and not spelt:
            value = replace(value, formats=(*value.formats, *_YEAR_FIRST))
        if not seen.days or (spelt and said is None):
            return value
        if said is None or self.mapping.defaults:
            self.refuse_short_year_first(seen)
        shown = self.shown_order(value, seen)
        if shown is None:
            return self.undecided(value, seen, said)
        order, why = shown
        if said is not None and said != order and not self.mapping.defaults:
            if self.mapping.sure:
                return value
            msg = f'the mapping reads it {said}, but {why}; write format = "{order}", or sure = true if that is right'
            raise self.refused(seen, msg)
        if said != order:
            self.notes.append(f"{seen.header}: days were read {order}, because {why}")
        return self.ordered(value, order, swapped=_is_swapped(seen, order))

    def undecided(self, value: Value, seen: ColumnEvidence, said: str | None) -> Value:
        """Days whose order the column does not show: as the mapping says, or asked."""
        if said is None:
            if self.file_order is None and not value.formats:
                where = (
                    "in a copy of the mapping, which `comity mapping new` writes" if self.mapping.defaults else "for it"
                )
                msg = (
                    f"nothing in the file tells whether {seen.example!r} begins with the day or the month; write "
                    f'format = "day-first" or format = "month-first" {where}'
                )
                raise self.refused(seen, msg)
            return value if self.file_order is None else self.ordered(value, self.file_order)
        if self.mapping.defaults:
            self.notes.append(
                f"{seen.header}: no day above 12 is there; days were read {said}, as this format writes them"
            )
        return value

    def refuse_short_year_first(self, seen: ColumnEvidence) -> None:
        """Refuse days such as 26/01/05 that would lie in many years, and in one where the first part is the year."""
        if _seems_year_first(seen):
            msg = (
                f"its days, such as {seen.example!r}, seem to begin with the year; in a mapping of your own write "
                'format = "%y/%m/%d %H:%M", as they are written, or format = "day-first"'
            )
            raise self.refused(seen, msg)

    def ordered(self, value: Value, order: str, *, swapped: bool = False) -> Value:
        formats = tuple(one for one in value.formats if one not in _ORDERS)
        return replace(value, formats=(*formats, order, *((SWAPPED,) if swapped else ())))

    def shown_order(self, value: Value, seen: ColumnEvidence) -> tuple[str, str] | None:
        """The order that the column shows, and why it must be so."""
        order = _shown_order(seen)
        if order == "both":
            return None
        if order is not None:
            place = 0 if order == "day-first" else 1
            above = next(one for one in sorted(seen.days) if one[place] > _MONTHS)
            swapped = (
                "; true dates beside it were exchanged by the spreadsheet, and exchanged back"
                if _is_swapped(seen, order)
                else ""
            )
            return order, f"{above[0]}/{above[1]}/{above[2]} can be nothing else{swapped}"
        if self.file_order is not None:
            return self.file_order, "another column of the file shows it"
        if value.kind is CellKind.MONTH or self.mapping.table not in _DAILY:
            return None
        return self.order_by_days(value, seen)

    def order_by_days(self, value: Value, seen: ColumnEvidence) -> tuple[str, str] | None:
        """The order in which days follow each other; in which they are first days of months, where rows last months."""
        firsts = _order_by_firsts(seen)
        said = self.minutes()
        if said is not None and said >= _MINUTES_OF_MONTH:
            return (firsts, "its days are then the first of each month") if firsts is not None else None
        found = _order_by_runs(seen)
        if found is None or firsts in {None, found[0]} or said is not None or self.has_clocks(seen):
            return found
        if not self.mapping.defaults and any(one in _ORDERS for one in value.formats):
            return None  # whoever wrote the mapping has said which
        days = found[1].removeprefix("its days then follow each other, ").partition(",")[0]
        msg = (
            f"these are the days {days}, or the first of each month, and nothing in the file tells which; in a mapping "
            f'of your own write format = "{found[0]}" for days, format = "{firsts}" for months'
        )
        raise self.refused(seen, msg)

    def minutes(self) -> int | None:
        """The length of intervals where the mapping gives one for all files."""
        minutes = self.mapping.columns.get("minutes")
        constant = minutes.constant if minutes is not None else None
        return int(constant) if constant is not None and constant.isdigit() else None

    def has_clocks(self, seen: ColumnEvidence) -> bool:
        """Whether the rows of these days bear times of day, which rows of months do not."""
        if seen.clocks or self.mapping.table not in INTERVAL_TABLES:
            return True
        return any(
            use.value.kind is CellKind.CLOCK and _own(use.value, self.find) is not None for use in _uses(self.mapping)
        )

    # -- ids

    def identifier(self, value: Value, seen: ColumnEvidence) -> Value:
        """Ids that a program took for numbers."""
        if seen.powers and seen.powers * 2 > seen.filled and not self.mapping.sure:
            msg = (
                f"its ids are written as {seen.example!r}: a spreadsheet took them for numbers, and their last digits "
                "are lost; export it again with the column as text"
            )
            raise self.refused(seen, msg)
        if seen.floats and seen.floats + seen.ints == seen.filled:
            self.notes.append(f"{seen.header}: ids such as 1001.0 were read as 1001")
            return replace(value, pattern=r"^(\d+?)(?:\.0+)?$", unlisted="keep")
        return value


_UNIT_NAMES = {"ms": "milliseconds", "s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def _mark(decimal: str) -> str:
    return "a comma" if decimal == "," else "a point"


def _dotted(seen: ColumnEvidence) -> bool:
    return bool(re.match(r"\d{1,2}\.\d{1,2}\.\d", seen.example))


def _absurd_as_hours(seen: ColumnEvidence) -> bool:
    """Whether durations in two parts are plausible of a contact as minutes and seconds alone."""
    mean = seen.seconds_two / seen.parts_two if seen.parts_two else 0.0
    return mean <= _LONGEST_MEAN_S < mean * 60


def _seems_year_first(seen: ColumnEvidence) -> bool:
    """Whether days such as 26/01/05 lie in more years than their first parts are many, and these are no months."""
    firsts, years = {one[0] for one in seen.days}, {one[2] for one in seen.days}
    return seen.short_years and len(seen.days) > 1 and min(firsts) > _MONTHS and len(years) > len(firsts)


def order_shown(seen: ColumnEvidence) -> str | None:
    """The order that a column of days shows, by a part above 12 or by how its days follow each other."""
    if _seems_year_first(seen):
        return None
    order = _shown_order(seen)
    if order is None and (found := _order_by_runs(seen)) is not None:
        return found[0] if seen.clocks or _order_by_firsts(seen) in {None, found[0]} else None
    return order if order in _ORDERS else None


def _shown_order(seen: ColumnEvidence) -> str | None:
    """The order that a part above 12 shows; `both` where cells contradict each other."""
    day_first = any(first > _MONTHS for first, _, _ in seen.days)
    month_first = any(second > _MONTHS for _, second, _ in seen.days)
    if day_first and month_first:
        return "both"
    return "day-first" if day_first else "month-first" if month_first else None


def _is_swapped(seen: ColumnEvidence, order: str) -> bool:
    """Whether true dates stand beside texts that all have a part above 12: those that the spreadsheet could read.

    It read them in the other order, or else it would have read the texts as well.
    """
    place = 0 if order == "day-first" else 1
    if not seen.iso_days or not all(one[place] > _MONTHS for one in seen.days):
        return False
    return all(int(day[8:10]) <= _MONTHS for day in seen.iso_days)


def _order_by_runs(seen: ColumnEvidence) -> tuple[str, str] | None:
    """The order in which the days follow each other, where the other order scatters them over months."""
    runs = {order: _days(seen, order) for order in _ORDERS}
    if min(len(days) for days in runs.values()) < _FEWEST_DAYS:
        return None
    close = {
        order: sum((after - before).days <= _CLOSE_DAYS for before, after in pairwise(days)) / (len(days) - 1)
        for order, days in runs.items()
    }
    for order in _ORDERS:
        other = _ORDERS[1 - _ORDERS.index(order)]
        if close[order] >= _MOSTLY and close[other] <= _SELDOM:
            days = runs[order]
            return order, f"its days then follow each other, {days[0]} to {days[-1]}, and lie months apart otherwise"
    return None


def _order_by_firsts(seen: ColumnEvidence) -> str | None:
    """The order in which the days are the first of several months; None where neither is, or both."""
    fits = [order for order in _ORDERS if len(days := _days(seen, order)) > 1 and all(one.day == 1 for one in days)]
    return fits[0] if len(fits) == 1 else None


def _days(seen: ColumnEvidence, order: str) -> list[date]:
    days = set()
    for first, second, year in seen.days:
        day, month = (first, second) if order == "day-first" else (second, first)
        try:
            days.add(date(year, month, day))
        except ValueError:
            continue
    return sorted(days)
