"""The columns of a file as far as one look shows them: their headers, some of their values, what these can be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

import pyarrow.compute as pc

from comity.book.formats.sheet import Sheet
from comity.book.validation.personal_data import personal_data_in
from comity.book.validation.totals import TOTAL_WORDS

_SAMPLE = 500
WIDEST = 60  # columns that are looked at one by one
_MOSTLY = 0.8
_FEW = 12  # values of a column that may be a list of words, and is looked at to its end
_MOST_VALUES = 60  # of such a column that are kept
_MOST_ROWS = 500_000  # that are looked at for them
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
_AMOUNT = re.compile(r"[-+(€$£]*\s*\d[\d.,' \u00a0\u202f]*\s*[%€$£)]*(e[+-]?\d+)?", re.IGNORECASE)
_COMPACT_DAY = re.compile(r"(19|20)\d{6}")
_SPELT = tuple(
    f"{day}{clock}"
    for day in (
        "%d-%b-%Y",
        "%d-%b-%y",
        "%d %b %Y",
        "%d %B %Y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%d/%b/%Y",
        "%d/%b/%y",
        "%Y/%m/%d",
        "%d.%b.%Y",
    )
    for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %I:%M %p")
)
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)(.*)")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_MONTHS = 12
_REPEATED = 1.5  # cells a value
# Ways to write a month, beside 2026-07.
MONTH_FORMATS = ("%m/%Y", "%b %Y", "%B %Y", "%b-%y", "%b-%Y", "%Y/%m", "%m-%Y", "%m.%Y", "%Y%m")


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """One column of the file: its header, some of its values, what they look like."""

    header: str
    values: tuple[str, ...]
    personal: str | None
    filled: int = 0  # how many of the cells looked at hold something
    seen_order: str | None = None  # what all values showed, where only some of them are kept

    @property
    def order(self) -> str | None:
        """day-first or month-first where the values say so; `either` where they could be both; None for no dates."""
        if self.seen_order is not None:
            return self.seen_order
        matches = [match for value in self.values if (match := _SLASHED.match(value))]
        if len(matches) * 2 < len(self.values) or not matches:
            return None
        years, firsts = {match[4] for match in matches}, {match[1] for match in matches}
        if len(matches[0][4]) == 2 and len(years) > len(firsts) and int(min(firsts)) > _MONTHS:  # noqa: PLR2004 - digits
            return "either"  # 26/01/05: the year may well come first
        if any(int(match[1]) > _MONTHS for match in matches):
            return "day-first"
        return "month-first" if any(int(match[3]) > _MONTHS for match in matches) else "either"

    @property
    def has_offset(self) -> bool:
        """Whether its times say how far they are from UTC."""
        return any(re.search(r"(Z|[+-]\d{2}:?\d{2})$", value) for value in self.values if _ISO.fullmatch(value))

    @property
    def distinct(self) -> bool:
        """Whether no value of those seen is there twice."""
        return len(self.values) == self.filled

    @property
    def repeats(self) -> bool:
        """Whether the same values come again and again: in every other row, or more."""
        return self.filled >= _REPEATED * len(self.values) > 0

    @property
    def is_clock(self) -> bool:
        """Whether it holds times of day."""
        plain = [value for value in self.values if not re.fullmatch(TOTAL_WORDS, value)]
        return bool(plain) and all(re.match(r"\d{1,2}:\d{2}", value) for value in plain)

    @property
    def is_iso(self) -> bool:
        """Whether it holds days or instants in ISO 8601."""
        return bool(self.values) and all(_ISO.fullmatch(value) for value in self.values)

    @property
    def is_bare_day(self) -> bool:
        """Whether it holds days without a time of day."""
        return self.is_time and not any(re.search(r"\d:\d\d", value.removesuffix(" 00:00:00")) for value in self.values)

    @property
    def is_number(self) -> bool:
        """Whether it holds plain numbers, which are no times."""
        return bool(self.values) and all(
            _NUMBER.fullmatch(value) and not _COMPACT_DAY.fullmatch(value) for value in self.values
        )

    @property
    def is_amount(self) -> bool:
        """Whether it mostly holds numbers, as people write them."""
        return sum(bool(_AMOUNT.fullmatch(value)) for value in self.values) >= _MOSTLY * len(self.values)

    @property
    def is_time(self) -> bool:
        """Whether it holds days or instants."""
        if self.order is not None or not self.values:
            return self.order is not None
        return all(_ISO.fullmatch(value) for value in self.values) or self.spelt is not None

    @property
    def spelt(self) -> str | None:
        """How its days are written out where a month has its name: a format, or None."""
        return _spelt(self.values[:20])


@lru_cache(maxsize=1024)  # each table that a file may be of asks anew, and a format is compiled at each reading
def _spelt(values: tuple[str, ...]) -> str | None:
    return next((form for form in _SPELT if values and all(reads_as(value, form) for value in values)), None)


def reads_as(text: str, form: str) -> bool:
    """Whether a text is a time in a format."""
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


def sample_columns(sheet: Sheet) -> list[ColumnSample]:
    """The columns of a sheet, each with its values in the first rows."""
    headers = list(sheet.headers[:WIDEST])
    cells: list[list[str]] = [[] for _ in headers]
    for batch in sheet.batches(headers):
        some = batch.slice(0, _SAMPLE)
        cells = [
            [text.strip() for text in some.column(i + 1).to_pylist() if text and text.strip()]
            for i in range(len(headers))
        ]
        break
    return [
        ColumnSample(
            header, tuple(dict.fromkeys(values)), personal_data_in(header) or _personal_data_among(values), len(values)
        )
        for header, values in zip(headers, cells, strict=True)
    ]


def complete_values(sheet: Sheet, samples: Sequence[ColumnSample]) -> list[ColumnSample]:
    """The same columns; of those that seem to be lists of words, such as states, every word and not the first ones.

    A state that only few rows have may stand far below the first rows.
    """
    words = {
        sample.header: dict.fromkeys(sample.values)
        for sample in samples
        if 0 < len(sample.values) <= _FEW
        and not sample.distinct
        and not (sample.personal or sample.is_number or sample.is_amount or sample.is_time or sample.is_clock)
    }
    rows = 0
    for batch in sheet.batches(list(words)) if words else ():
        for place, header in enumerate(list(words), 1):
            found = words[header]
            found |= dict.fromkeys(text.strip() for text in pc.unique(batch.column(place)).to_pylist() if text)
            found.pop("", None)
        rows += batch.num_rows
        if rows > _MOST_ROWS:
            break
    return [_with_values(sample, tuple(words.get(sample.header, ()))) for sample in samples]


def _with_values(sample: ColumnSample, every: tuple[str, ...]) -> ColumnSample:
    if len(every) <= len(sample.values):
        return sample
    return replace(sample, values=every[:_MOST_VALUES], filled=sample.filled + len(every) - len(sample.values))


def _personal_data_among(values: Sequence[str]) -> str | None:
    mails = sum(1 for value in values if re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+", value))
    return "e-mail addresses" if values and mails * 2 > len(values) else None


def has_decimal_comma(sample: ColumnSample) -> bool:
    """Whether a column writes its decimals after a comma."""
    return any(re.fullmatch(r"-?\d+,\d{1,2}", value) for value in sample.values)
