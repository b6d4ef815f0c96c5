"""Counts by signed queue and local day, so that one scan serves every KPI, every period and their weeks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from comity.core.agreements.kpi import EVERYTHING, Kpi
from comity.core.values import Period

_EPOCH = date(1970, 1, 1)
_TO_MONDAY = 3  # 1970-01-01 was a Thursday

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DailyCounts:
    """Contacts by signed queue and local day; one row for each pair that has any.

    All arrays have one entry a row: `queue` is a place in `queues` ("" is no queue), `days` are days since
    1970-01-01, `counts` holds numbers of contacts by name. `source` is the table that they were counted in. `long` are
    the days on which a row begins that lasts for longer than a week: of these the weeks are not known.
    """

    source: str
    queues: tuple[str, ...]
    queue: Whole
    days: Whole
    counts: Mapping[str, Floats]
    long: Whole = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def without(self, left_out: Sequence[Period]) -> "DailyCounts":
        """The same without some days."""
        if not left_out:
            return self
        kept = ~on_days(self.days, left_out)
        counts = {name: count[kept] for name, count in self.counts.items()}
        return DailyCounts(self.source, self.queues, self.queue[kept], self.days[kept], counts, self.long)

    def total(self, name: str, period: Period) -> float:
        """The sum of a count over a period."""
        return float(self.counts[name][self._within(period)].sum())

    def by_week(self, period: Period, names: Sequence[str], queues: Sequence[str]) -> list[Floats]:
        """Each count as a matrix of shape (queues, weeks), weeks from Monday to Sunday, cut at the period's ends.

        Where a row of the period lasts for longer than a week, all of it is one week: no error can be made of that.
        """
        first, last = (_week(_serial(day)) for day in (period.start, period.end - timedelta(days=1)))
        whole = bool(np.any((self.long >= _serial(period.start)) & (self.long < _serial(period.end))))
        shape = (len(queues), 1 if whole else last - first + 1)
        places = {name: number for number, name in enumerate(queues)}
        place = np.array([places.get(name, -1) for name in self.queues], dtype=np.int64)
        within = self._within(period) & (place[self.queue] >= 0)
        week = 0 if whole else (self.days[within] + _TO_MONDAY) // 7 - first
        at = place[self.queue[within]] * shape[1] + week
        size = shape[0] * shape[1]
        return [_sums(at, self.counts[name][within], size).reshape(shape) for name in names]

    def queues_in(self, period: Period) -> tuple[str, ...]:
        """The queues that have a row in a period."""
        return tuple(self.queues[number] for number in np.unique(self.queue[self._within(period)]))

    def _within(self, period: Period) -> NDArray[np.bool_]:
        return (self.days >= _serial(period.start)) & (self.days < _serial(period.end))


def on_days(days: Whole, periods: Sequence[Period]) -> NDArray[np.bool_]:
    """Which of some days (since 1970-01-01) lie in any of the periods."""
    within = np.zeros(days.size, dtype=bool)
    for period in periods:
        within |= (days >= _serial(period.start)) & (days < _serial(period.end))
    return within


def folded(source: str, kpi: Kpi, given: Mapping[str, str | None], columns: pa.Table, *less: pa.Table) -> DailyCounts:
    """Aggregates by source queue, day and perhaps channel, as those of one KPI by signed queue and day.

    :param given: the column that holds each count; None where there is nothing to count
    :param less: aggregates of contacts that are taken off
    """
    names: dict[str, int] = {}
    queue, days = [], []
    values: dict[str, list[Floats]] = {name: [] for name in given}
    for number, table in enumerate((columns, *less)):
        place, held = _placed(table, kpi, names)
        queue.append(place[held])
        days.append(np.asarray(table.column("day").cast(pa.int32()).to_numpy(), dtype=np.int64)[held])
        for name, column in given.items():
            if column is None:
                values[name].append(np.zeros(int(held.sum())))
                continue
            sums = np.nan_to_num(table.column(column).cast(pa.float64()).to_numpy())[held]
            values[name].append(-sums if number else sums)
    pairs = np.stack([np.concatenate(queue), np.concatenate(days)])
    unique, at = np.unique(pairs, axis=1, return_inverse=True)
    at = np.ravel(at)
    counts = {name: _sums(at, np.concatenate(sums), unique.shape[1]) for name, sums in values.items()}
    return DailyCounts(source, tuple(names), unique[0], unique[1], counts)


def _placed(table: pa.Table, kpi: Kpi, names: dict[str, int]) -> tuple[Whole, NDArray[np.bool_]]:
    """Each row's place among the signed queues, which `names` collects, and whether the KPI is about it."""
    held = np.ones(table.num_rows, dtype=bool)
    if table.num_rows == 0:
        return np.zeros(0, dtype=np.int64), held
    queue, sources = _coded(table, "queue")
    signed = [kpi.queue_map.get(source, source) for source in sources]
    if kpi.queues != EVERYTHING:
        held &= np.array([name in kpi.queues for name in signed])[queue]
    if kpi.channels != EVERYTHING and "channel" in table.column_names:
        channel, channels = _coded(table, "channel")
        held &= np.array([name in kpi.channels for name in channels])[channel]
    place = np.array([names.setdefault(name, len(names)) for name in signed], dtype=np.int64)
    return place[queue], held


def _coded(table: pa.Table, name: str) -> tuple[Whole, list[str]]:
    column = pa.array(table.column(name).fill_null("").to_pylist(), pa.string()).dictionary_encode()
    return np.asarray(column.indices.to_numpy(), dtype=np.int64), column.dictionary.to_pylist()


def _sums(at: Whole, values: Floats, size: int) -> Floats:
    return np.asarray(np.bincount(at, values, minlength=size), dtype=np.float64)


def _serial(day: date) -> int:
    return (day - _EPOCH).days


def _week(serial: int) -> int:
    return (serial + _TO_MONDAY) // 7
