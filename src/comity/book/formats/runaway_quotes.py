"""A quotation mark too many makes one cell of all the rows up to the next one: they would be missing, and nobody told.

Cells may run over lines, as comments do; what gives the accident away is that the lines within look like rows.
"""

import re
from collections.abc import Iterable, Sequence

_KNOWN = 200  # rows from which it is learnt what rows look like
_HALF = 0.5


class RowShapes:
    """What the rows of a file look like, cell by cell, learnt from those that stand on one line."""

    def __init__(self, width: int, delimiter: str) -> None:
        """Begin with nothing learnt."""
        self.width = width
        self.delimiter = delimiter
        self.shapes: list[set[str]] = [set() for _ in range(width)]
        self.seen = 0

    def learn(self, cells: Sequence[str]) -> None:
        """Take one row as an example."""
        if self.seen < _KNOWN and len(cells) == self.width:
            self.seen += 1
            for shapes, cell in zip(self.shapes, cells, strict=True):
                shapes.add(_shape(cell))

    def like(self, line: str) -> bool:
        """Whether a line looks like a row: of the same width, and most cells as they are elsewhere in their column."""
        cells = line.split(self.delimiter)
        if len(cells) != self.width or self.width == 1:
            return False
        shapes = [_shape(cell) for cell in cells]
        known = [shape for shape, others in zip(shapes, self.shapes, strict=True) if shape in others and shape]
        filled = sum(bool(shape) for shape in shapes)
        telling = any("9" in shape for shape in known) or len(known) == filled
        return bool(known) and len(known) > filled * _HALF and telling


def find_runaway_quote(records: Iterable[tuple[int, list[str]]], width: int, delimiter: str) -> tuple[int, int] | None:
    """The line on which a record begins that holds another, and how many such lines it holds.

    :param records: each with its line
    """
    rows = RowShapes(width, delimiter)
    late: list[tuple[int, list[str]]] = []  # looked at again when it is known what rows look like
    for line, record in records:
        if not any("\n" in cell or "\r" in cell for cell in record):
            rows.learn(record)
        elif rows.seen < _KNOWN:
            late.append((line, record))
        elif found := _count_rows_within(rows, record):
            return line, found
    return next(((line, found) for line, record in late if (found := _count_rows_within(rows, record))), None)


def _count_rows_within(rows: RowShapes, record: Sequence[str]) -> int:
    """How many lines within the record look like rows."""
    whole = rows.delimiter.join(record)  # the last row may have been cut into cells again
    return sum(rows.like(line) for line in whole.splitlines()[1:])


def _shape(cell: str) -> str:
    """A cell with every number as 9 and every word as a: c17 is a9, 2026-01-31T09:30:00Z is 9-9-9a9:9:9a."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell.strip()[:200]))
