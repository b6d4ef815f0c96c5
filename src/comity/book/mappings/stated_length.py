"""How long intervals are where each cell says when it begins and ends: `09:00 - 09:15`, `9:00 AM-9:29 AM`.

What a mapping takes where no column says the length is no match for what the file says itself.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from comity.book.formats.sheet import Sheet
from comity.book.mappings.headers import all_headers_of
from comity.book.mappings.model import SourceMapping

_USUAL = frozenset({5, 10, 15, 20, 30, 60, 120, 240, 1440})  # minutes that reports are cut into
_HALF_DAY = 720
_MOSTLY = 0.8
_CELLS = 1_000
_FROM_TO = re.compile(
    r"\D*(\d{1,2})[:.h](\d{2})(?::\d{2})?\s*(?:[ap]\.?m\.?|uhr|h)?\s*(?:-|–|—|to|a|bis|até|à|alle)\s*"  # noqa: RUF001
    r"(\d{1,2})[:.h](\d{2})(?::\d{2})?\s*(?:[ap]\.?m\.?|uhr|h)?\s*",
    re.IGNORECASE,
)


def stated_minutes(cells: Iterable[str]) -> int | None:
    """The minutes from the first to the second time of day in most of the cells; None where they do not say.

    Twelve hours or twenty-four make no difference below half a day. An end of 09:29 is that of 09:00 to 09:30.
    """
    counts: Counter[int] = Counter()
    for cell in cells:
        found = _FROM_TO.fullmatch(cell)
        if found is not None:
            hour, minute, to_hour, to_minute = map(int, found.groups())
            length = (60 * (to_hour - hour) + to_minute - minute) % _HALF_DAY
            counts[length if length in _USUAL else length + 1] += 1
    if not counts:
        return None
    length, count = counts.most_common(1)[0]
    return length if length in _USUAL and count >= _MOSTLY * counts.total() else None


def with_stated_length(mapping: SourceMapping, sheet: Sheet) -> tuple[SourceMapping, int | None]:
    """The mapping with the length that the sheet's own intervals state in place of what it takes otherwise.

    :return: and that length, where it is another
    """
    minutes, start = mapping.columns.get("minutes"), mapping.columns.get("start")
    if minutes is None or start is None or not minutes.first or minutes.first[-1].constant is None:
        return mapping, None
    if any(sheet.find(header) is not None for header in all_headers_of(minutes, mapping.let)):
        return mapping, None
    own = [found for header in all_headers_of(start, mapping.let) if (found := sheet.find(header)) is not None]
    length = stated_minutes(_first_cells(sheet, list(dict.fromkeys(own)))) if own else None
    if length is None or minutes.first[-1].constant == str(length):
        return mapping, None
    first = (*minutes.first[:-1], replace(minutes.first[-1], constant=str(length)))
    return replace(mapping, columns={**mapping.columns, "minutes": replace(minutes, first=first)}), length


def _first_cells(sheet: Sheet, headers: list[str]) -> Iterable[str]:
    for batch in sheet.batches(headers):
        for column in batch.columns[1:]:
            yield from (cell for cell in column.slice(0, _CELLS).to_pylist() if cell)
        return
