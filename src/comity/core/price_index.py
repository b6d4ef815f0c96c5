"""The agreed monthly price index and its mean over a period, with unpublished months interpolated."""

import math
from collections.abc import Iterable, Mapping
from datetime import date


def _serial(month: date) -> int:
    return month.year * 12 + month.month - 1


class PriceIndex:
    """A monthly index, with a gap between two published months bridged at a constant rate.

    A month before the first or after the last published one is not guessed.
    """

    def __init__(self, published: Mapping[date, float]) -> None:
        """Take the index by month; any day of a month stands for it. Values are above zero."""
        self._published = {_serial(month): value for month, value in published.items()}
        self._serials = sorted(self._published)

    def at(self, month: date) -> float | None:
        """The index of a month, bridged geometrically over a gap; None beyond either end."""
        serial = _serial(month)
        if serial in self._published:
            return self._published[serial]
        before = max((other for other in self._serials if other < serial), default=None)
        after = min((other for other in self._serials if other > serial), default=None)
        if before is None or after is None:
            return None
        share = (serial - before) / (after - before)
        first, last = math.log(self._published[before]), math.log(self._published[after])
        return math.exp(first + share * (last - first))

    def mean(self, months: Iterable[date]) -> float | None:
        """The mean index over months; None when one of them is not known."""
        values = [self.at(month) for month in months]
        known = [value for value in values if value is not None]
        return math.fsum(known) / len(known) if known and len(known) == len(values) else None

    def growth(self, before: Iterable[date], after: Iterable[date]) -> float | None:
        """By what share the mean index moved from the months before to those after; None: not known."""
        earlier, later = self.mean(before), self.mean(after)
        return None if earlier is None or later is None else later / earlier - 1
