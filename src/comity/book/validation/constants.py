"""A value that holds for all rows of a file, as its reader writes it: understood or refused when it is entered.

A German writes 15.07.2026 and 1.234,5, a Spaniard 15/07/2026: what can be read in one way only is read so, and what
could be two things is a question. What comes out is what a mapping holds: ISO 8601, a decimal point.
"""

import re
from datetime import date, datetime
from enum import StrEnum

from comity.book.tables import Column, Kind
from comity.book.validation.convert import FIRST_YEAR, LAST_YEAR

_MONTHS = 12
_GROUP = 3  # digits of a group of thousands
_ABOVE_ZERO = frozenset({"minutes", "index"})  # by the rules of their tables
_SIGNED = frozenset({Kind.NUMBER, Kind.AMOUNT})
_ISO_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_DAY = re.compile(r"(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4})")
_CLOCK = re.compile(
    r"(?P<day>.*\d{4}|\d{4}-.*?\d{2})[T,\s]+(?P<clock>\d{1,2}[:.]\d{2}(?::\d{2})?)(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
_ISO_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})")
_MONTH = re.compile(r"(\d{1,2})[-/.](\d{4})")
_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])|\d{4}-W(0[1-9]|[1-4]\d|5[0-3])")
_MINUS = "\u2212"
_SPACES = r"'\u2019\s\u00a0\u202f"  # between thousands
_AMOUNT = re.compile(rf"[-+]?[\d.,{_SPACES}]*\d")


class Fault(StrEnum):
    """What is wrong with a value; each has its sentence in the catalogues."""

    DAY = "day"
    AMBIGUOUS_DAY = "ambiguous_day"
    INSTANT = "instant"
    MONTH = "month"
    PERIOD = "period"
    NUMBER = "number"
    WHOLE = "whole"
    NEGATIVE = "negative"
    ZERO = "zero"
    SHARE = "share"
    VALUE = "value"


class UnreadableConstantError(ValueError):
    """A value that is none of its kind, or could be two."""

    def __init__(self, fault: Fault) -> None:
        """Refuse with what is wrong."""
        super().__init__(fault.value)
        self.fault = fault


def constant_text(column: Column, written: str, language: str) -> str:  # noqa: PLR0911 - one for each kind
    """Return a value as a mapping holds it; empty where nothing was written.

    :param language: of the reader: it says what 1.234 and 05/06/2026 are
    :raises UnreadableConstantError: for what is no such value
    """
    text = " ".join(written.split())
    if not text:
        return ""
    if column.values:
        return _one_of(column, text)
    match column.kind:
        case Kind.DAY:
            return _day(text, language).isoformat()
        case Kind.INSTANT:
            return _instant(column, text, language)
        case Kind.MONTH:
            return _month(text)
        case Kind.PERIOD:
            return _matching(_PERIOD, text, Fault.PERIOD)
        case Kind.TEXT:
            return text
        case Kind.FLAG:
            return _matching(re.compile("true|false"), text.casefold(), Fault.VALUE)
        case _:
            return _number(column, text, language)


def _one_of(column: Column, text: str) -> str:
    if text.casefold() not in column.values:
        raise UnreadableConstantError(Fault.VALUE)
    return text.casefold()


def _matching(pattern: re.Pattern[str], text: str, fault: Fault) -> str:
    if not pattern.fullmatch(text):
        raise UnreadableConstantError(fault)
    return text


def _day(text: str, language: str) -> date:
    """The day: dots are written day first everywhere; a slash in English could be either order."""
    iso, spelt = _ISO_DAY.fullmatch(text), _DAY.fullmatch(text)
    if iso is not None:
        year, month, day = (int(part) for part in iso.groups())
    elif spelt is not None:
        first, second, year = int(spelt[1]), int(spelt[3]), int(spelt[4])
        day_first = spelt[2] == "." or language != "en"
        if not day_first and first != second and max(first, second) <= _MONTHS:
            raise UnreadableConstantError(Fault.AMBIGUOUS_DAY)
        day, month = (second, first) if not day_first and second > _MONTHS else (first, second)
    else:
        raise UnreadableConstantError(Fault.DAY)
    try:
        found = date(year, month, day)
    except ValueError:
        raise UnreadableConstantError(Fault.DAY) from None
    if not FIRST_YEAR <= found.year < LAST_YEAR:
        raise UnreadableConstantError(Fault.DAY)
    return found


def _instant(column: Column, text: str, language: str) -> str:
    parts = _CLOCK.fullmatch(text)
    if parts is None:
        if column.bare_day.value == "refused":
            raise UnreadableConstantError(Fault.INSTANT)
        return _day(text, language).isoformat()
    try:
        clock = datetime.strptime(parts["clock"].replace(".", ":")[:5].rjust(5, "0"), "%H:%M").time()  # noqa: DTZ007 - a time of day
    except ValueError:
        raise UnreadableConstantError(Fault.INSTANT) from None
    return f"{_day(parts['day'], language).isoformat()}T{clock:%H:%M}:00{parts['zone'] or ''}"


def _month(text: str) -> str:
    iso, spelt = _ISO_MONTH.fullmatch(text), _MONTH.fullmatch(text)
    year, month = (iso[1], iso[2]) if iso else (spelt[2], spelt[1]) if spelt else ("0", "0")
    if not (1 <= int(month) <= _MONTHS and FIRST_YEAR <= int(year) < LAST_YEAR):
        raise UnreadableConstantError(Fault.MONTH)
    return f"{year}-{int(month):02}"


def _number(column: Column, text: str, language: str) -> str:
    percent = column.kind is Kind.SHARE and text.endswith("%")
    text = text.removesuffix("%").strip() if percent else text
    text = text.replace(_MINUS, "-")
    if not _AMOUNT.fullmatch(text):
        raise UnreadableConstantError(Fault.NUMBER)
    plain = _plain_number(re.sub(rf"[{_SPACES}]", "", text), comma=language != "en")
    try:
        value = float(plain)
    except ValueError:
        raise UnreadableConstantError(Fault.NUMBER) from None
    if column.kind is Kind.SHARE:
        value = value / 100 if percent else value
        if not 0 <= value <= 1:
            raise UnreadableConstantError(Fault.SHARE)
        return f"{value:.10g}"
    if value < 0 and column.kind not in _SIGNED:
        raise UnreadableConstantError(Fault.NEGATIVE)
    if value <= 0 and column.name in _ABOVE_ZERO:
        raise UnreadableConstantError(Fault.ZERO)
    if column.kind is Kind.COUNT and value != int(value):
        raise UnreadableConstantError(Fault.WHOLE)
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else plain  # noqa: PLR2004 - exact in a float


def _plain_number(text: str, *, comma: bool) -> str:
    """A number with a decimal point and without groups.

    :param comma: whether the reader writes decimals after a comma; it decides where one sign could be both
    """
    points, commas = text.count("."), text.count(",")
    if points and commas:
        decimal = "." if text.rindex(".") > text.rindex(",") else ","
        if text.count(decimal) > 1:
            raise UnreadableConstantError(Fault.NUMBER)
    elif points + commas > 1:
        decimal = ""  # 1.234.567
    elif points + commas == 1:
        sign = "." if points else ","
        could_group = len(text.partition(sign)[2]) == _GROUP and text.partition(sign)[0].lstrip("+-") not in {"", "0"}
        decimal = "" if could_group and (sign == ".") == comma else sign
    else:
        decimal = ""
    groups = {".", ","} - {decimal}
    whole, _, rest = text.partition(decimal) if decimal else (text, "", "")
    for group in groups:
        first, *others = whole.split(group)
        if any(len(one) != _GROUP for one in others) or group in rest or (others and not first.lstrip("+-")):
            raise UnreadableConstantError(Fault.NUMBER)
        whole = "".join([first, *others])
    return f"{whole}.{rest}" if rest else whole
