"""Fields of clauses and changes as data: what may stand in one, and the one form in which its value is kept.

A value is kept as JSON holds it, in a form in which equal values are equal texts, so that a fold, a comparison and a
digest need no conversion:

- text: NFC, line ends LF;
- a number that may have decimals: a *text* of plain digits, no exponent, no leading or trailing zeros, no -0. As a
  JSON number it would be rounded, or written otherwise, by readers that know only floating-point numbers;
- a whole number and a flag: as in JSON;
- a day `2026-08-01`, a month `2026-08`, a time `09:00`, the end of a span of hours up to `24:00`;
- a set: each value once, sorted as text (bands by their digits, not by size); a list: in its order;
- absent, null, and empty (a text, list, set, record or table of pairs with nothing in it) are one: absent.

Refused are what a reader may not see as it is: control characters, marks that turn the direction of writing, halves of
characters.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from comity.core import chain
from comity.core.agreements.expected import Expected
from comity.core.agreements.people import Named

# As JSON holds it; `object` within lists and records, since a recursive type says no more to a reader.
Value = str | int | bool | list[object] | dict[str, object]

MAX_LINE_LENGTH = 400
MAX_PROSE_LENGTH = 50_000
MAX_ID_LENGTH = 80
_MAX_DIGITS = 30
_MAX_WHOLE = 2**53 - 1
_DECIMAL = re.compile(r"(?P<sign>-?)0*(?P<whole>[0-9]+?)(?:\.(?P<decimals>[0-9]*?)0*)?")
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")
_DAYS_END = "24:00"


class FieldType(StrEnum):
    """How a value is written."""

    LINE = "one line of text"
    PROSE = "text"
    FLAG = "true or false"
    WHOLE = "whole number"
    NUMBER = "number"
    DAY = "day"
    MONTH = "month"
    TIME = "time of day"
    END_TIME = "end of a span of hours"
    ZONE = "time zone"
    DIGEST = "SHA-256"
    CLAUSE = "clause"
    RECORD = "record"
    PAIRS = "pairs of texts"


class Many(StrEnum):
    """How many values a field holds."""

    ONE = "one"
    LIST = "list"
    SET = "set"  # the order means nothing


@dataclass(frozen=True, slots=True)
class Field:
    """One field: how it is written, what it means, and what holds where it is not written.

    :ivar example: a value as people would write it
    :ivar default: what holds where nothing is written, in the form in which values are kept; None: nothing holds
    :ivar default_words: says what holds where no value can
    :ivar choices: the only values allowed; empty: any
    :ivar fields: of `RECORD`
    :ivar unique: of several records, the field whose value may stand in one of them only
    :ivar kinds: of `CLAUSE`, the kinds of clause that it may name; empty: any
    :ivar person: whether it names somebody: a text by name, pairs of texts by id and name
    """

    name: str
    type: FieldType
    meaning: str
    example: object
    required: bool = False
    default: Value | None = None
    default_words: str = ""
    choices: tuple[str, ...] = ()
    lowest: Decimal | None = None
    highest: Decimal | None = None
    many: Many = Many.ONE
    fields: tuple["Field", ...] = ()
    unique: str = ""
    kinds: tuple[str, ...] = ()
    person: bool = False


def choice_field(name: str, meaning: str, choices: tuple[str, ...], **more: object) -> Field:
    """One of several words."""
    return Field(name, FieldType.LINE, meaning, choices[0], choices=choices, **more)  # type: ignore[arg-type]


def share_field(name: str, meaning: str, example: str, **more: object) -> Field:
    """A share, 0 to 1."""
    return Field(name, FieldType.NUMBER, meaning, example, lowest=Decimal(0), highest=Decimal(1), **more)  # type: ignore[arg-type]


def amount_field(name: str, meaning: str, example: str, **more: object) -> Field:
    """A number of 0 or more."""
    return Field(name, FieldType.NUMBER, meaning, example, lowest=Decimal(0), **more)  # type: ignore[arg-type]


def days_field(name: str, meaning: str, example: int = 5, **more: object) -> Field:
    """A whole number of days."""
    return Field(name, FieldType.WHOLE, meaning, example, lowest=Decimal(0), highest=Decimal(3660), **more)  # type: ignore[arg-type]


def months_field(name: str, meaning: str, example: int = 12, **more: object) -> Field:
    """A whole number of months."""
    return Field(name, FieldType.WHOLE, meaning, example, lowest=Decimal(0), highest=Decimal(600), **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a value that people wrote.

    :ivar clause: id of the clause; empty outside of one
    :ivar field: name of the field, with the place within it (`bands[2].above`); empty for the clause as a whole
    :ivar value: as it was written, cut to 60 characters; empty where nothing was
    :ivar expected: the next step, as a sentence without its full stop
    """

    clause: str
    field: str
    value: str
    expected: str

    @property
    def message(self) -> str:
        """The whole of it as one sentence."""
        place = ", ".join(part for part in (f"clause {self.clause}" if self.clause else "", self.field) if part)
        found = f"{self.value} cannot stand here; " if self.value else ""
        return f"{place}: {found}{self.expected}" if place else f"{found}{self.expected}"


class _WrongError(Exception):
    """A value that cannot be kept; never leaves this module."""

    def __init__(self, value: object, expected: str, place: str = "") -> None:
        super().__init__(expected)
        self.value, self.expected, self.place = value, expected, place


def normalise(field: Field, written: object, clause: str = "") -> tuple[Value | None, list[Problem]]:
    """Return a value in the form in which it is kept, or what is wrong with it.

    :param written: `str`, `int`, `bool`, `Decimal`, `date`, `time`, lists and mappings of these. A `float` is refused:
        nobody can say which decimals were meant
    :returns: the value, None for absent or wrong; and the problems, at most one
    """
    try:
        return _value(field, written), []
    except _WrongError as wrong:
        shown = "" if wrong.value is None else ascii(wrong.value)[:60]
        return None, [Problem(clause, f"{field.name}{wrong.place}", shown, wrong.expected)]


def plain_decimal(number: Decimal) -> str:
    """Write a number as plain digits: no exponent, no trailing zeros, no -0."""
    return _decimal(format(number, "f"))


def _value(field: Field, written: object) -> Value | None:
    if _is_empty(written):
        return None
    if field.many is Many.ONE:
        return _single(field, written)
    if isinstance(written, str | Mapping) or not isinstance(written, Sequence | frozenset | set):
        raise _WrongError(written, Expected("list", many=field.many.value, each=_article(field)))
    values: list[object] = []
    for at, item in enumerate(written, 1):
        try:
            value = None if _is_empty(item) else _single(field, item)
        except _WrongError as wrong:
            raise _WrongError(wrong.value, wrong.expected, f"[{at}]{wrong.place}") from None
        if value is not None:
            values.append(value)
    if field.many is Many.SET:
        values = [value for _, value in sorted({chain.canonical(value): value for value in values}.items())]
    _check_unique(field, values)
    return values or None


def _check_unique(field: Field, values: Sequence[object]) -> None:
    keys = [value[field.unique] for value in values if isinstance(value, dict) and field.unique in value]
    for at, key in enumerate(keys):
        if key in keys[:at]:
            raise _WrongError(key, Expected("unique", name=field.unique))


def _is_empty(written: object) -> bool:
    return written is None or (isinstance(written, str | Sequence | Mapping | frozenset | set) and not written)


def _single(field: Field, written: object) -> Value | None:
    value: Value | None = _READERS[field.type](field, written)
    if field.choices and value not in field.choices:
        raise _WrongError(written, Expected("one_of", names=", ".join(field.choices)))
    return value


def _line(_: Field, written: object) -> str:
    text = _text(written, MAX_LINE_LENGTH)
    if "\n" in text or "\t" in text:
        raise _WrongError(written, Expected("line"))
    if not text.strip():
        raise _WrongError(written, Expected("blank"))
    return text


def _prose(_: Field, written: object) -> str:
    text = _text(written, MAX_PROSE_LENGTH)
    if not text.strip():
        raise _WrongError(written, Expected("blank"))
    return text


def _text(written: object, longest: int) -> str:
    if not isinstance(written, str):
        raise _WrongError(written, Expected("text"))
    text = unicodedata.normalize("NFC", written.replace("\r\n", "\n").replace("\r", "\n"))
    if len(text) > longest:
        raise _WrongError(written, Expected("length", most=f"{longest:,}"))
    if any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in text):
        raise _WrongError(written, Expected("control"))
    if not _DIRECTION.isdisjoint(text):
        raise _WrongError(written, Expected("direction"))
    return text


def _flag(_: Field, written: object) -> bool:
    if not isinstance(written, bool):
        raise _WrongError(written, Expected("flag"))
    return written


def _whole(field: Field, written: object) -> int:
    if isinstance(written, bool) or not isinstance(written, int) or abs(written) > _MAX_WHOLE:
        raise _WrongError(written, _between("whole", field))
    _check_range(field, Decimal(written), written)
    return written


def _number(field: Field, written: object) -> str:
    if isinstance(written, bool) or not isinstance(written, str | int | Decimal):
        raise _WrongError(written, _between("number", field))
    if isinstance(written, Decimal) and not written.is_finite():
        raise _WrongError(written, _between("number", field))
    digits = _decimal(format(written, "f") if isinstance(written, Decimal) else str(written))
    if not digits or len(digits) > _MAX_DIGITS:
        raise _WrongError(written, _between("number", field))
    _check_range(field, Decimal(digits), written)
    return digits


def _decimal(digits: str) -> str:
    """Plain digits; empty where the text is no number."""
    match = _DECIMAL.fullmatch(digits)
    if match is None or digits.endswith("."):
        return ""
    plain = match["whole"] + (f".{match['decimals']}" if match["decimals"] else "")
    return plain if plain == "0" else match["sign"] + plain


def _check_range(field: Field, number: Decimal, written: object) -> None:
    if (field.lowest is not None and number < field.lowest) or (field.highest is not None and number > field.highest):
        raise _WrongError(written, _between("number", field))


def _between(key: str, field: Field) -> Expected:
    """Return what number is expected, with the least and the most that it may be."""
    if field.lowest is not None and field.highest is not None:
        return Expected(f"{key}_between", least=field.lowest, most=field.highest)
    if field.lowest is not None:
        return Expected(f"{key}_least", least=field.lowest)
    return Expected(key) if field.highest is None else Expected(f"{key}_most", most=field.highest)


def _day(_: Field, written: object) -> str:
    if isinstance(written, date) and not isinstance(written, datetime):
        return written.isoformat()
    try:
        if isinstance(written, str) and _DAY.fullmatch(written):
            return date.fromisoformat(written).isoformat()
    except ValueError:
        pass
    raise _WrongError(written, Expected("day"))


def _month(_: Field, written: object) -> str:
    if isinstance(written, str) and _MONTH.fullmatch(written):
        return written
    raise _WrongError(written, Expected("month"))


def _time(_: Field, written: object) -> str:
    text = written.isoformat("minutes") if isinstance(written, time) else written
    if isinstance(text, str) and _TIME.fullmatch(text):
        return text
    raise _WrongError(written, Expected("time"))


def _end_time(field: Field, written: object) -> str:
    """The end of a span: midnight is the end of its day."""
    if written == _DAYS_END:
        return _DAYS_END
    try:
        at = _time(field, written)
    except _WrongError:
        raise _WrongError(written, Expected("end_time")) from None
    return _DAYS_END if at == "00:00" else at


def _zone(_: Field, written: object) -> str:
    try:
        return ZoneInfo(_line(_, written)).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _WrongError(written, Expected("zone")) from None


def _digest(_: Field, written: object) -> str:
    if isinstance(written, str) and _DIGEST.fullmatch(written):
        return written
    raise _WrongError(written, Expected("digest"))


def _clause(field: Field, written: object) -> str:
    text = _line(field, written)
    if not is_clause_id(text):
        raise _WrongError(written, Expected("clause"))
    return text


def _record(field: Field, written: object) -> dict[str, object] | None:
    if not isinstance(written, Mapping):
        raise _WrongError(written, Expected("record", names=", ".join(part.name for part in field.fields)))
    parts = {part.name: part for part in field.fields}
    for name in written:
        if name not in parts:
            raise _WrongError(name, Expected("part", names=", ".join(parts)))
    record = {name: value for name, part in parts.items() if (value := _part(part, written.get(name))) is not None}
    missing = [part for part in field.fields if part.required and part.name not in record]
    if record and missing:
        raise _WrongError(None, Expected("missing", what=_article(missing[0])), f".{missing[0].name}")
    defaults = {part.name: part.default for part in field.fields if part.default is not None}
    return {**defaults, **record} if record else None


def _part(part: Field, written: object) -> Value | None:
    try:
        return _value(part, written)
    except _WrongError as wrong:
        raise _WrongError(wrong.value, wrong.expected, f".{part.name}{wrong.place}") from None


def _pairs(field: Field, written: object) -> dict[str, object] | None:
    if not isinstance(written, Mapping):
        raise _WrongError(written, Expected("pairs"))
    pairs: dict[str, object] = {}
    for name, other in written.items():
        if _is_empty(other):
            continue
        key = _line(field, name)
        if key in pairs:
            raise _WrongError(name, Expected("pairs_unique"))
        pairs[key] = _line(field, other)
    return pairs or None


_READERS: Mapping[FieldType, Callable[[Field, object], Value | None]] = {
    FieldType.LINE: _line,
    FieldType.PROSE: _prose,
    FieldType.FLAG: _flag,
    FieldType.WHOLE: _whole,
    FieldType.NUMBER: _number,
    FieldType.DAY: _day,
    FieldType.MONTH: _month,
    FieldType.TIME: _time,
    FieldType.END_TIME: _end_time,
    FieldType.ZONE: _zone,
    FieldType.DIGEST: _digest,
    FieldType.CLAUSE: _clause,
    FieldType.RECORD: _record,
    FieldType.PAIRS: _pairs,
}


def _article(field: Field) -> str:
    words = str(field.type.value)
    return (
        words
        if words == FieldType.PAIRS.value
        else f"{'an' if words[0] in 'aeio' and words[:3] != 'one' else 'a'} {words}"
    )


def is_clause_id(text: str) -> bool:
    """Whether a text can be the id of a clause: one printable line, without blanks at its ends."""
    return 0 < len(text) <= MAX_ID_LENGTH and text.isprintable() and text == text.strip()


def named_clauses(fields: Sequence[Field], values: Mapping[str, object]) -> Iterator[tuple[Field, str]]:
    """Yield each clause that values name, with the field that names it."""
    for field in fields:
        value = values.get(field.name)
        for item in value if isinstance(value, list) else [value]:
            if field.type is FieldType.CLAUSE and isinstance(item, str):
                yield field, item
            elif isinstance(item, dict):
                yield from named_clauses(field.fields, item)


def named_people(fields: Sequence[Field], values: Mapping[str, object]) -> Iterator[tuple[Field, Named]]:
    """Yield each person that values name, with the field that names them."""
    for field in fields:
        value = values.get(field.name)
        for item in value if isinstance(value, list) else [value]:
            if field.person and isinstance(item, str):
                yield field, Named(item)
            elif field.person and isinstance(item, dict):
                yield from ((field, Named(str(name), key)) for key, name in item.items())
            elif isinstance(item, dict):
                yield from named_people(field.fields, item)


def renamed(fields: Sequence[Field], values: Mapping[str, Value], ids: Mapping[str, str]) -> dict[str, Value]:
    """Return values in which each clause that they name has the id that it has elsewhere.

    :param ids: id -> the other one; what is not in it stays as it is
    """
    return {name: _renamed(item, value, ids) for item in fields if (value := values.get(name := item.name)) is not None}


def _renamed(item: Field, value: Any, ids: Mapping[str, str]) -> Any:  # noqa: ANN401 - as JSON holds it
    if isinstance(value, list):
        return [_renamed(item, one, ids) for one in value]
    if item.type is FieldType.CLAUSE:
        return ids.get(str(value), value)
    return renamed(item.fields, value, ids) if item.type is FieldType.RECORD else value
