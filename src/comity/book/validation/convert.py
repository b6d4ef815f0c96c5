"""How the text of a cell becomes a value, and what is wrong with it where it does not: one DuckDB expression a kind.

Nothing is repaired: text that is not plainly of its kind is a fault. Text comes trimmed; an empty cell is NULL.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from comity.book.storage.parquet import sql_type
from comity.book.storage.sql import literal
from comity.book.tables import BareDay, Column, Kind

FIRST_YEAR, LAST_YEAR = 1900, 2200
LARGEST = 1e15  # beyond this a sum of doubles loses whole units
LARGEST_COUNT = 10**12

# What a spreadsheet writes into a cell, or into its CSV, that it could not work out.
SHEET_ERRORS = ("#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#ERROR!")

_DATE = r"\d{4}-\d{2}-\d{2}"
_MIDNIGHT = r"([T ]00:00:00(\.0+)?)?"  # a day as other software stores it: with a clock that says nothing
_INSTANT = rf"{_DATE}[T ]\d{{2}}:\d{{2}}(:\d{{2}}([.]\d+)?)? ?(Z|[+-]\d{{2}}(:?\d{{2}})?)?"
_OFFSET = r" ?([+-]\d{2}(:?\d{2})?)$"
_FURTHEST_OFFSET = 18 * 60  # minutes; no zone was ever further from UTC


@dataclass(frozen=True, slots=True)
class CellFault:
    """What may be wrong with a cell: the condition over its text and its value, and the words for it."""

    condition: str
    reason: str


def cell_value_sql(column: Column, text: str, zone: str) -> str:  # noqa: PLR0911 - one return a kind
    """The expression that turns a cell's text into the column's value; NULL where it cannot be.

    :param text: the expression of the trimmed text, NULL for an empty cell
    """
    kind = column.kind
    if kind in {Kind.TEXT, Kind.PERIOD}:
        return text if column.default is None else f"coalesce({text}, {literal(column.default)})"
    if kind is Kind.INSTANT:
        if column.bare_day is BareDay.REFUSED:
            return _instant_sql(text, zone)
        day = bare_day_sql(column.bare_day, f"TRY_CAST({text} AS DATE)", zone)
        return f"CASE WHEN regexp_full_match({text}, '{_DATE}') THEN {day} ELSE {_instant_sql(text, zone)} END"
    if kind is Kind.DAY:
        return f"CASE WHEN regexp_full_match({text}, '{_DATE}{_MIDNIGHT}') THEN TRY_CAST(left({text}, 10) AS DATE) END"
    if kind is Kind.MONTH:
        shape = rf"\d{{4}}-\d{{2}}(-01{_MIDNIGHT})?"
        return f"CASE WHEN regexp_full_match({text}, '{shape}') THEN TRY_CAST(left({text}, 7) || '-01' AS DATE) END"
    if kind is Kind.FLAG:
        yes, no = f"lower({text}) IN ('true', '1')", f"lower({text}) IN ('false', '0')"
        return f"CASE WHEN {yes} THEN true WHEN {no} THEN false END"
    number = f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS DOUBLE) END"
    if kind is Kind.AMOUNT:
        return f"CASE WHEN NOT contains({text}, '_') THEN TRY_CAST({text} AS {sql_type(column)}) END"
    if kind is Kind.COUNT:
        whole = f"abs({number}) <= {LARGEST_COUNT} AND floor({number}) = ({number})"
        return f"CASE WHEN {whole} THEN CAST(({number}) AS BIGINT) END"
    return number


def cell_faults(column: Column, text: str, value: str, zone: str) -> Iterator[CellFault]:
    """All that may be wrong with a cell, the plainest first.

    :param text: the expression of the trimmed text
    :param value: the expression of the value made of it
    """
    kind = column.kind
    if column.required:
        yield CellFault(f"{text} IS NULL", "missing")
    unread = f"{text} IS NOT NULL AND {value} IS NULL"
    number = f"TRY_CAST({text} AS DOUBLE)"
    if kind is Kind.TEXT:
        errors = ", ".join(map(literal, SHEET_ERRORS))
        yield CellFault(
            f"starts_with({text}, '#') AND {text} IN ({errors})", "an error of the spreadsheet, and no value"
        )
        if column.values:
            known = ", ".join(literal(one) for one in column.values)
            yield CellFault(f"{value} NOT IN ({known})", f"not one of {', '.join(column.values)}")
    elif kind is Kind.INSTANT:
        local = f"NOT regexp_matches({text}, '(Z|{_OFFSET})$') AND regexp_full_match({text}, '{_INSTANT}')"
        read = f"TRY_CAST(left({text}, 16) AS TIMESTAMP) IS NOT NULL AND ({local})"
        yield CellFault(f"{unread} AND {read} AND {_gap_sql(text, zone)}", f"a time that does not exist in {zone}")
        yield CellFault(unread, "not a date and time such as 2026-01-31T09:30:00Z")
        yield CellFault(_outside(value), f"not between {FIRST_YEAR} and {LAST_YEAR}")
    elif kind in {Kind.DAY, Kind.MONTH}:
        example = "a day such as 2026-01-31" if kind is Kind.DAY else "a month such as 2026-01"
        yield CellFault(unread, f"not {example}")
        yield CellFault(_outside(value), f"not between {FIRST_YEAR} and {LAST_YEAR}")
    elif kind is Kind.PERIOD:
        yield CellFault(
            f"{text} IS NOT NULL AND NOT coalesce({_period_sql(text)}, false)", "not a month 2026-01 or a week 2026-W05"
        )
    elif kind is Kind.FLAG:
        yield CellFault(unread, "neither true nor false")
    else:
        yield from _number_faults(kind, text, value, number, unread)


def _number_faults(kind: Kind, text: str, value: str, number: str, unread: str) -> Iterator[CellFault]:
    yield CellFault(f"{text} IS NOT NULL AND (contains({text}, '_') OR {number} IS NULL)", "not a number")
    yield CellFault(f"NOT isfinite({number})", "not a finite number")
    if kind in {Kind.SECONDS, Kind.COUNT}:
        yield CellFault(f"{number} < 0", "negative")
    if kind is Kind.SHARE:
        yield CellFault(f"{number} < 0 OR {number} > 1", "not a share from 0 to 1")
    if kind is Kind.COUNT:
        yield CellFault(f"abs({number}) > {LARGEST_COUNT}", "too large")
        yield CellFault(unread, "not a whole number")
    elif kind is Kind.AMOUNT:
        yield CellFault(unread, "too large")
        # A third of a cent less or more is rounding; a price that all but vanishes is another price.
        lost = f"abs({number} - CAST({value} AS DOUBLE)) > 1e-6 * abs({number})"
        yield CellFault(lost, "more decimals than the six that are kept")
    else:
        yield CellFault(f"abs({number}) > {LARGEST}", "too large")


def _outside(value: str) -> str:
    return f"year({value}) < {FIRST_YEAR} OR year({value}) >= {LAST_YEAR}"


def _period_sql(text: str) -> str:
    month = f"regexp_full_match({text}, '\\d{{4}}-(0[1-9]|1[0-2])')"
    week = f"TRY_CAST(right({text}, 2) AS INTEGER)"
    year = f"TRY_CAST(left({text}, 4) AS INTEGER)"
    last = f"extract('week' FROM make_date({year}, 12, 28))"  # 28 December lies in the last ISO week of its year
    weekly = f"regexp_full_match({text}, '\\d{{4}}-W\\d{{2}}') AND {year} > 0 AND {week} BETWEEN 1 AND {last}"
    return f"CASE WHEN {month} THEN true WHEN {weekly} THEN true ELSE false END"


def _instant_sql(text: str, zone: str) -> str:
    """Text to UTC. DuckDB reads `+0530` as if it were UTC, so offsets are worked out here."""
    sign = f"regexp_extract({text}, '{_OFFSET}', 1)"
    over = f"coalesce(TRY_CAST(substr(replace({sign}, ':', ''), 4, 2) AS INTEGER), 0)"
    minutes = f"(CAST(substr({sign}, 2, 2) AS INTEGER) * 60 + {over})"
    base = f"TRY_CAST(regexp_replace({text}, '( ?Z|{_OFFSET})$', '') AS TIMESTAMP)"
    with_offset = (
        f"CASE WHEN {minutes} <= {_FURTHEST_OFFSET} AND {over} < 60 "
        f"THEN {base} - to_minutes(CASE WHEN left({sign}, 1) = '-' THEN -1 ELSE 1 END * {minutes}) END"
    )
    return (
        f"CASE WHEN NOT regexp_full_match({text}, '{_INSTANT}') THEN NULL "
        f"WHEN right({text}, 1) = 'Z' THEN {base} "
        f"WHEN regexp_matches({text}, '{_OFFSET}') THEN {with_offset} "
        f"ELSE {local_to_utc_sql(f'TRY_CAST({text} AS TIMESTAMP)', zone)} END"
    )


def local_to_utc_sql(local: str, zone: str) -> str:
    """A local time in UTC: the first of the two where the clocks go back, NULL where they jump over it."""
    if zone == "UTC":
        return local
    utc = f"({local} AT TIME ZONE {literal(zone)} AT TIME ZONE 'UTC')"
    earlier = [
        f"WHEN {local_time_sql(f'({utc} - to_seconds({seconds}))', zone)} = {local} THEN {utc} - to_seconds({seconds})"
        for seconds in sorted(clock_setbacks(zone), reverse=True)
    ]
    return f"CASE {' '.join(earlier)} WHEN {local_time_sql(utc, zone)} = {local} THEN {utc} END"


def bare_day_sql(means: BareDay, day: str, zone: str) -> str:
    """The instant in UTC that a day without a time of day means; NULL for no day."""
    if means is BareDay.FIRST:
        return _midnight_sql(day, zone)
    end = _midnight_sql(f"({day} + 1)", zone)
    return end if means is BareDay.AFTER else f"({end} - INTERVAL 1 MICROSECOND)"


def local_day_sql(instant: str, zone: str) -> str:
    """The local day of an instant in UTC."""
    return f"CAST({instant if zone == 'UTC' else local_time_sql(instant, zone)} AS DATE)"


def is_midnight_sql(instant: str, zone: str) -> str:
    """Whether an instant in UTC is the first moment of a local day."""
    return f"{instant} = {_midnight_sql(local_day_sql(instant, zone), zone)}"


def _midnight_sql(day: str, zone: str) -> str:
    """The first moment of a local day; where the clocks jump over midnight, the moment at which they do."""
    local = f"CAST({day} AS TIMESTAMP)"
    if zone == "UTC":
        return local
    return f"coalesce({local_to_utc_sql(local, zone)}, {local} AT TIME ZONE {literal(zone)} AT TIME ZONE 'UTC')"


def _gap_sql(text: str, zone: str) -> str:
    if zone == "UTC":
        return "false"
    local = f"TRY_CAST({text} AS TIMESTAMP)"
    utc = f"({local} AT TIME ZONE {literal(zone)} AT TIME ZONE 'UTC')"
    return f"{local_time_sql(utc, zone)} <> {local}"


def local_time_sql(utc: str, zone: str) -> str:
    """The local time of an instant in UTC."""
    return f"({utc} AT TIME ZONE 'UTC' AT TIME ZONE {literal(zone)})"


@cache
def clock_setbacks(zone: str) -> frozenset[int]:
    """By how many seconds the zone's clocks ever go back, from 1970 on: an hour nearly everywhere."""
    clock, setbacks = ZoneInfo(zone), set()
    day, before = datetime(1970, 1, 1, tzinfo=UTC), None
    while day.year < 2060:  # noqa: PLR2004 - rules beyond are the last ones repeated
        offset = day.astimezone(clock).utcoffset()
        if before is not None and offset is not None and offset < before:
            setbacks.add(int((before - offset).total_seconds()))
        before, day = offset, day + timedelta(days=1)
    return frozenset(seconds for seconds in setbacks if seconds < 12 * 3600)  # a day skipped or doubled is no overlap
