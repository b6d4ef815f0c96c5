# ruff: noqa: S608 - the SQL is made of quoted names and fixed patterns
"""What a whole column shows of how its cells are written, found in one pass before the first row is read.

One cell cannot tell whether `1.000` is a thousand or one, `01/05/2026` January or May, `0.125` a number or three
hours: the column, and the columns beside it, can.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import pyarrow as pa

from comity.book.formats.sheet import Sheet
from comity.book.storage.duckdb import engine

_MOST_DAYS = 20_000  # different days that are kept of one column
_AT_ONCE = 65_536  # cells of a column: enough for most to be settled
_MONTHS = 12
_BARE = "regexp_replace({t}, '[€$£¥%()+−\\s\u00a0\u202f''’-]', '', 'g')"  # noqa: RUF001 - as people write
# Written so that only a decimal point, or only a decimal comma, explains it.
_POINT = r"\d*[.](\d{1,2}|\d{4,})|0*[.]\d+|\d{4,}[.]\d+|0[.]\d+|\d{1,3}(,\d{3})+[.]\d+|\d{1,3}(,\d{3}){2,}"
_COMMA = r"\d*,(\d{1,2}|\d{4,})|0*,\d+|\d{4,},\d+|0,\d+|\d{1,3}([.]\d{3})+,\d+|\d{1,3}([.]\d{3}){2,}"
_POINT_GROUP = r"[1-9]\d{0,2}[.]\d{3}"  # a thousand, or one and nothing
_COMMA_GROUP = r"[1-9]\d{0,2},\d{3}"
_SLASHED = r"^(\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2}))(?:\D|$)"
_YEAR_FIRST = r"\d{4}[/.]\d{1,2}[/.]\d{1,2}(\D.*)?"
_ISO = r"^(\d{4}-\d{2}-\d{2})(?:\D|$)"


class Role(StrEnum):
    """What a column is looked at for."""

    NUMBER = "number"
    DURATION = "duration"
    TIME = "time"
    ID = "id"


@dataclass(slots=True)
class ColumnEvidence:
    """Counts of cells, by how they are written.

    :ivar points: numbers that only a decimal point explains; `commas` likewise
    :ivar point_groups: numbers such as 1.000, which could be a thousand or one; `comma_groups` likewise
    :ivar numbers: plain numbers, with `low`, `high`, `total` of their values
    :ivar day_fractions: plain numbers that are whole seconds, counted in days, and `fine` those with many decimals
    :ivar parts_two: durations such as 3:30; `parts_three` such as 3:30:00, `whole_minutes` those ending in :00
    :ivar days: different days written by their parts, as (first, second, year); `iso_days` in ISO 8601
    :ivar short_years: some of `days` end in two digits; `year_first` counts days such as 2026/01/31
    :ivar ints: ids of digits alone; `floats` with a `.0` after them; `powers` in scientific notation
    """

    header: str
    filled: int = 0
    points: int = 0
    commas: int = 0
    point_groups: int = 0
    comma_groups: int = 0
    numbers: int = 0
    low: float = 0.0
    high: float = 0.0
    total: float = 0.0
    day_fractions: int = 0
    fine: int = 0
    parts_two: int = 0
    parts_three: int = 0
    whole_minutes: int = 0
    highest_part: int = 0
    seconds_two: float = 0.0  # of the durations in two parts, as if minutes and seconds
    days: set[tuple[int, int, int]] = field(default_factory=set)
    short_years: bool = False  # some of them with a year of two digits
    year_first: int = 0  # days such as 2026/01/31
    iso_days: set[str] = field(default_factory=set)
    clocks: int = 0  # days with a time of day beside them
    ints: int = 0
    floats: int = 0
    powers: int = 0
    example: str = ""

    @property
    def mean(self) -> float:
        """The mean of the plain numbers; 0 where there is none."""
        return self.total / self.numbers if self.numbers else 0.0


_COUNTS = {
    Role.NUMBER: {
        "points": f"count(*) FILTER (regexp_full_match(b, '{_POINT}'))",
        "commas": f"count(*) FILTER (regexp_full_match(b, '{_COMMA}'))",
        "point_groups": f"count(*) FILTER (regexp_full_match(b, '{_POINT_GROUP}'))",
        "comma_groups": f"count(*) FILTER (regexp_full_match(b, '{_COMMA_GROUP}'))",
    },
    Role.ID: {
        "ints": "count(TRY_CAST(t AS HUGEINT)) FILTER (NOT contains(t, '.'))",
        "floats": "count(*) FILTER (contains(t, '.') AND regexp_full_match(t, '\\d+[.]0+'))",
        "powers": "count(*) FILTER (contains(t, '+') AND regexp_full_match(t, '\\d([.,]\\d+)?[eE][+]\\d+'))",
    },
}
_DURATION = {
    "numbers": "count(n)",
    "total": "coalesce(sum(n), 0)",
    "day_fractions": "count(*) FILTER (n >= 0 AND abs(n * 86400 - round(n * 86400)) < 1e-3)",
    "fine": "count(*) FILTER (regexp_full_match(t, '\\d*[.,]\\d{5,}([eE]-\\d+)?') AND "
    "abs(n * 86400 - round(n * 86400)) < 1e-3)",
    "parts_two": "count(*) FILTER (regexp_full_match(t, '\\d+:[0-5]?\\d'))",
    "seconds_two": "coalesce(sum(CASE WHEN regexp_full_match(t, '\\d+:[0-5]?\\d') THEN "
    "TRY_CAST(split_part(t, ':', 1) AS DOUBLE) * 60 + TRY_CAST(split_part(t, ':', 2) AS DOUBLE) END), 0)",
    "parts_three": "count(*) FILTER (regexp_full_match(t, '\\d+:[0-5]?\\d:[0-5]?\\d([.]\\d+)?'))",
    "whole_minutes": "count(*) FILTER (regexp_full_match(t, '\\d+:[0-5]?\\d:00'))",
}


def gather_evidence(sheet: Sheet, roles: Mapping[str, Collection[Role]]) -> dict[str, ColumnEvidence]:
    """Read the columns of a sheet once, for what they are looked at for.

    :param roles: the sheet's own headers -> what each is looked at for
    """
    headers = [header for header, wanted in roles.items() if wanted]
    gathered = {header: ColumnEvidence(header) for header in headers}
    still = {header: set(roles[header]) for header in headers}
    if not headers:
        return gathered
    with engine(threads=1) as con:
        for table in _tables(sheet.batches(headers)):
            con.register("_cells", table)
            for place, header in enumerate(headers):
                if still[header]:
                    names, sql = _select(place, still[header])
                    found = con.execute(sql).fetchone()
                    if found is not None:
                        _add(gathered[header], dict(zip(names, found, strict=True)))
                    still[header] = _open(gathered[header], still[header])
            con.unregister("_cells")
            if not any(still.values()):
                break
    return gathered


def _open(seen: ColumnEvidence, roles: Collection[Role]) -> set[Role]:
    """What further cells of a column can still show; one that contradicts what is settled becomes a reject."""
    still = set(roles)
    marked = bool(seen.points) != bool(seen.commas)
    if marked:
        still.discard(Role.NUMBER)
    if Role.DURATION in still and not seen.parts_two:
        numbers = seen.numbers and seen.day_fractions < seen.numbers
        clocks = seen.parts_three and seen.whole_minutes < seen.parts_three and not seen.numbers
        if (numbers and marked) or clocks:
            still.discard(Role.DURATION)
    if any(part > _MONTHS for day in seen.days for part in day[:2]) and not seen.iso_days:
        still.discard(Role.TIME)
    return still


def _tables(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(one.num_rows for one in held) >= _AT_ONCE:
            yield pa.Table.from_batches(held)
            held = []
    if held:
        yield pa.Table.from_batches(held)


def _select(place: int, roles: Collection[Role]) -> tuple[list[str], str]:
    """The names of what is counted of one column, and the statement."""
    counted = {"filled": "count(t)", "example": "coalesce(min(t), '')"}
    inner = ["t"]
    if Role.NUMBER in roles or Role.DURATION in roles:
        counted |= _COUNTS[Role.NUMBER]
        marked = "contains(t, '.') OR contains(t, ',')"
        inner.append(f"CASE WHEN {marked} THEN {_BARE.format(t='t')} END AS b")
    if Role.DURATION in roles:
        counted |= _DURATION | {"low": "min(n)", "high": "max(n)"}
        inner.append(
            "TRY_CAST(CASE WHEN regexp_full_match(t, '\\d*,\\d+([eE]-\\d+)?') THEN replace(t, ',', '.') ELSE t END "
            "AS DOUBLE) AS n"
        )
    if Role.ID in roles:
        counted |= _COUNTS[Role.ID]
    if Role.TIME in roles:
        counted |= {
            "days": f"list(DISTINCT nullif(regexp_extract(t, '{_SLASHED}', 1), ''))",
            "iso_days": f"list(DISTINCT nullif(regexp_extract(t, '{_ISO}', 1), ''))",
            "year_first": f"count(*) FILTER (regexp_full_match(t, '{_YEAR_FIRST}'))",
            "clocks": "count(*) FILTER (contains(t, ':') AND NOT ends_with(t, ' 00:00:00'))",
        }
    cells = f"SELECT nullif(trim(c{place}), '') AS t FROM _cells"
    sql = f"SELECT {', '.join(counted.values())} FROM (SELECT {', '.join(inner)} FROM ({cells}))"
    return list(counted), sql


def _add(to: ColumnEvidence, found: dict[str, object]) -> None:
    if not found["filled"]:
        return
    low, high = found.pop("low", None), found.pop("high", None)
    if isinstance(low, float) and isinstance(high, float):
        to.low = min(to.low, low) if to.numbers else low
        to.high = max(to.high, high) if to.numbers else high
    for name, value in found.items():
        if name == "example":
            to.example = to.example or str(value)
        elif name == "days":
            if len(to.days) < _MOST_DAYS and isinstance(value, list):
                to.days |= {_parts(text) for text in value if text}
                to.short_years |= any(text and len(_cut(text)[2]) <= 2 for text in value)  # noqa: PLR2004 - digits
        elif name == "iso_days":
            if len(to.iso_days) < _MOST_DAYS and isinstance(value, list):
                to.iso_days |= {text for text in value if text}
        else:
            setattr(to, name, getattr(to, name) + value)


def _parts(text: str) -> tuple[int, int, int]:
    first, second, year = (int(part) for part in _cut(text))
    return first, second, year if year >= 100 else 2000 + year  # noqa: PLR2004 - two digits


def _cut(text: str) -> Sequence[str]:
    return text.replace(".", "/").replace("-", "/").split("/")
