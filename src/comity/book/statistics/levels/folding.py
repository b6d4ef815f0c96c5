"""Daily sums folded into periods and their weeks, so that one scan serves every period of a book."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pyarrow as pa

from comity.book.statistics.queue_days import on_days
from comity.core.levels import Moments, moments
from comity.core.values import Period

_EPOCH = date(1970, 1, 1)
_TO_MONDAY = 3  # 1970-01-01 was a Thursday


def serial(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


@dataclass(frozen=True, slots=True)
class Daily:
    """Sums by local day: `days` as days since 1970-01-01, and beside them one array of float64 a column."""

    days: np.ndarray
    columns: Mapping[str, np.ndarray]

    @classmethod
    def of(cls, table: pa.Table, day: str) -> "Daily":
        """Take a grouped aggregate; rows without a day, and sums over nothing, count nothing.

        By day, as the order in which an engine gives its groups would move the last digits of what is added up.
        """
        table = table.filter(table.column(day).is_valid()).sort_by(day)
        days = table.column(day).cast(pa.int32()).to_numpy().astype(np.int64)
        columns = {
            name: np.nan_to_num(table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False))
            for name in table.column_names
            if name != day
        }
        return cls(days, columns)

    def without(self, left_out: Sequence[Period]) -> "Daily":
        """The same without some days."""
        if not left_out:
            return self
        kept = ~on_days(self.days, left_out)
        return Daily(self.days[kept], {name: column[kept] for name, column in self.columns.items()})

    def total(self, name: str, period: Period) -> float:
        """A column's sum over a period."""
        return float(self.columns[name][self._within(period)].sum())

    def weekly(self, num: str, den: str, period: Period) -> Moments:
        """A ratio over a period, its units the weeks (Monday to Sunday, cut at the period's ends) that count.

        A week counts where anything in it does.
        """
        within = self._within(period)
        weeks = (self.days[within] + _TO_MONDAY) // 7
        if not weeks.size:
            return Moments(0, 0.0, 0.0)
        at = weeks - weeks.min()
        nums = np.bincount(at, self.columns[num][within])
        dens = np.bincount(at, self.columns[den][within])
        counted = (dens != 0) | (nums != 0)
        return moments(nums[counted], dens[counted])

    def _within(self, period: Period) -> np.ndarray:
        return (self.days >= serial(period.start)) & (self.days < serial(period.end))


def by_period(table: ibis.Table, day: str, periods: Sequence[Period], left_out: Sequence[Period] = ()) -> ibis.Table:
    """Each row once for every period that its day lies in, numbered in the column `period`.

    A join, so that periods may overlap and a row is not held against each of them in turn.

    :param left_out: days whose rows lie in none of them
    """
    days = [
        (on, number)
        for number, period in enumerate(periods)
        for on in (period.start + timedelta(days=ahead) for ahead in range(period.days))
        if not any(on in one for one in left_out)
    ]
    known = ibis.memtable(
        pa.table(
            {
                "period_day": pa.array([one for one, _ in days], pa.date32()),
                "period": pa.array([number for _, number in days], pa.int32()),
            },
        ),
    )
    return table.inner_join(known, table[day] == known["period_day"])
