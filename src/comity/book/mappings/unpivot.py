"""Columns that are values, such as the days of a month across a forecast, made into rows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from comity.book.formats.sheet import Sheet, batch_schema, one_line
from comity.book.mappings.model import Unpivot
from comity.book.patterns import match_groups

_MEASURE = "measure"
_ROWS_AT_ONCE = 262_144


@dataclass(frozen=True, slots=True)
class UnpivotedSheet:
    """A sheet seen as long: the groups of columns, each of which makes a row of its own.

    `groups` holds, for each group, what its headers say and where each measure stands.
    """

    sheet: Sheet
    wide: Unpivot
    groups: tuple[tuple[dict[str, str], dict[str, str]], ...]

    @property
    def used(self) -> frozenset[str]:
        """The source columns that are values."""
        return frozenset(header for _, cells in self.groups for header in cells.values())

    @property
    def stride(self) -> int:
        """How many rows are made of one."""
        return max(1, len(self.groups))

    def find(self, header: str) -> str | None:
        """A column of the long form: what the headers say, a measure, or a plain column of the sheet."""
        for says, cells in self.groups:
            for name in (*says, *cells):
                if name.casefold() == header.casefold():
                    return name
        own = self.sheet.find(header)
        return None if own in self.used else own

    def wanted(self, headers: Sequence[str]) -> list[str]:
        """The sheet's own columns that are needed for these of the long form."""
        made = {name for says, cells in self.groups for name in (*says, *cells)}
        fixed = [header for header in headers if header not in made]
        values = [cells[name] for _, cells in self.groups for name in headers if name in cells]
        return list(dict.fromkeys([*fixed, *values]))

    def long(self, batch: pa.RecordBatch, headers: Sequence[str], base: int, stride: int) -> Iterator[pa.RecordBatch]:
        """The rows of a batch once for each group."""
        places = {header: place + 1 for place, header in enumerate(self.wanted(headers))}
        rows = batch.num_rows
        at_once = max(1, _ROWS_AT_ONCE // max(1, rows))
        origin = (batch.column(0).to_numpy() + base) * stride
        for first in range(0, len(self.groups), at_once):
            some = self.groups[first : first + at_once]
            numbers = np.concatenate([origin + first + place for place in range(len(some))])
            columns = [pa.array(numbers, pa.int64())]
            columns += [self._column(batch, places, header, some) for header in headers]
            made = pa.RecordBatch.from_arrays(columns, schema=batch_schema(headers))
            yield self._filled(made, headers) if self.wide.skip_empty else made

    def _column(
        self,
        batch: pa.RecordBatch,
        places: dict[str, int],
        header: str,
        some: Sequence[tuple[dict[str, str], dict[str, str]]],
    ) -> pa.Array:
        parts = []
        for says, cells in some:
            if header in cells:
                parts.append(batch.column(places[cells[header]]))
            elif header in says:
                parts.append(pa.repeat(pa.scalar(says[header], pa.string()), batch.num_rows))
            elif header in places:
                parts.append(batch.column(places[header]))
            else:  # a measure that this group does not have
                parts.append(pa.nulls(batch.num_rows, pa.string()))
        return pa.concat_arrays(parts)

    def _filled(self, batch: pa.RecordBatch, headers: Sequence[str]) -> pa.RecordBatch:
        """Without the rows whose every value is empty."""
        measures = {name for _, cells in self.groups for name in cells}
        filled = np.zeros(batch.num_rows, dtype=bool)
        for place, header in enumerate(headers, 1):
            if header in measures:
                texts = batch.column(place)
                filled |= np.array([bool(text and text.strip()) for text in texts.to_pylist()], dtype=bool)
        return batch.filter(pa.array(filled))


@dataclass(slots=True)
class LongSheet(Sheet):
    """The long form as a sheet of its own, to be looked at as any other."""

    wide: UnpivotedSheet | None = None

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of the long form under the names that it gives them."""
        if self.wide is None:
            return
        for batch in self.wide.sheet.batches(self.wide.wanted(wanted)):
            yield from self.wide.long(batch, wanted, 0, self.wide.stride)


def unpivot(wide: Unpivot, sheet: Sheet) -> UnpivotedSheet:
    """Group a sheet's headers as the mapping says."""
    groups: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    named = re.compile(wide.pattern).groupindex
    for header, match in zip(
        sheet.headers, match_groups(wide.pattern, [one_line(one) for one in sheet.headers]), strict=True
    ):
        if match is None:
            continue
        says = {name: match[name] for name in named if name != _MEASURE}
        measure = match.get(_MEASURE) or wide.value
        groups.setdefault(tuple(says.items()), {})[measure] = header
    return UnpivotedSheet(sheet, wide, tuple((dict(says), cells) for says, cells in groups.items()))
