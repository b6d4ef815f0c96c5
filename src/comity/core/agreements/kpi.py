"""Agreed KPIs, and which wording of each is in force on a day.

How a wording is proposed and signed is the room's concern; a review needs only what is in force.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum

from comity.core.values import Period


class Abandons(StrEnum):
    """How a service level treats abandoned contacts."""

    COUNT = "count"  # all of them count as misses (V1)
    EXCLUDE_SHORT = "exclude-short"  # short ones are left out (V6, recommended)
    EXCLUDE_ALL = "exclude-all"  # all are left out (V3)


HIGHER = "higher"
LOWER = "lower"
CONTACTS, INTERVALS = "contacts", "intervals"
RECORDS = (CONTACTS, INTERVALS)  # that a KPI may name as those it is counted from


@dataclass(frozen=True, slots=True)
class Measure:
    """Properties of a measure that no KPI changes, and defaults.

    `better` is the better direction unless the KPI sets another. `people_of` is the table of the people whom the
    measure counts, whose figures are never shown for fewer than five of them; None where it counts no people.
    `on_scale`: a share of answers in the best boxes of a scale, or their mean on it, as the KPI's formula says.
    `outcome`: it counts what customers got or said, and not what was done for it.
    `also_intervals`: made of contacts, or of intervals in their place.
    `of_days`: summed over days, some of which can be left out; a stock, and who is employed, is not.
    """

    better: str = HIGHER
    people_of: str | None = None
    on_scale: bool = False
    outcome: bool = False
    also_intervals: bool = False
    of_days: bool = True


MEASURES: dict[str, Measure] = {
    "service_level": Measure(HIGHER, also_intervals=True),
    "sla_attainment": Measure(HIGHER, outcome=True),
    "abandonment": Measure(LOWER, also_intervals=True),
    "wait_mean": Measure(LOWER),
    "wait_p90": Measure(LOWER),
    "handle_time": Measure(LOWER, also_intervals=True),
    "repeat_contact": Measure(LOWER, outcome=True),
    "backlog": Measure(LOWER, of_days=False),
    "reopen": Measure(LOWER, outcome=True),
    "csat": Measure(HIGHER, people_of="surveys", on_scale=True, outcome=True),
    "nps": Measure(HIGHER, people_of="surveys", outcome=True),
    "ces": Measure(HIGHER, people_of="surveys", on_scale=True, outcome=True),
    "time_to_resolve": Measure(LOWER, outcome=True),
    "quality": Measure(HIGHER),
    "forecast_wape": Measure(LOWER),
    "forecast_bias": Measure(LOWER),
    "occupancy": Measure(HIGHER),
    "attrition": Measure(LOWER, people_of="staff", of_days=False),
}

# The formulas of a measure, the usual one first.
FORMULAS: dict[str, tuple[str, ...]] = {
    "time_to_resolve": ("mean", "median", "p90"),
    "quality": ("errors", "mean"),
}
OF_SURVEYS = ("top2", "mean")

EVERYTHING = ("*",)


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI as worded from `valid_from` on, up to and without `valid_to`.

    Durations in seconds; `target`, `material` in the unit of the measure (shares 0 to 1).

    :ivar agreed: whether both sides agreed to it; figures by one side's proposal confirm nothing
    :ivar entry: of the room's record, by which both agreed to it
    :ivar change: number of the change of the agreement by which it reads so; None: it is of no agreement
    """

    id: str
    measure: str
    queues: tuple[str, ...] = EVERYTHING
    channels: tuple[str, ...] = EVERYTHING
    answer_within_s: float = 20.0
    short_abandon_s: float | None = None  # None: no abandon is short; 0 is a threshold as any other
    abandons: Abandons = Abandons.EXCLUDE_SHORT
    target: float | None = None
    material: float = 0.01
    better: str = HIGHER
    volume_band: float = 0.0
    patience_s: float | None = None
    formula: str = "top2"  # csat, ces: top2 | mean; others: see FORMULAS
    instrument: str | None = None  # csat, nps, ces: which survey instrument
    within_days: int = 7  # repeat_contact, reopen: the window
    deadline: str | None = None  # sla_attainment: which of several deadlines, by its name; None: all of kind resolution
    records: str | None = None  # measures of `also_intervals`: of `RECORDS`; None: by what the rows can answer
    valid_from: date = date.min
    agreed_on: date | None = None
    queue_map: dict[str, str] = field(default_factory=dict)  # the signed map of source queues
    valid_to: date | None = None
    agreed: bool = True
    entry: int | None = None
    change: int | None = None

    def met(self, value: float | None) -> bool | None:
        """Whether a value meets the target, compared as floats; None without value or target."""
        if value is None or self.target is None:
            return None
        if self.measure == "forecast_bias":
            return abs(value) <= self.target
        return value >= self.target if self.better == HIGHER else value <= self.target


def in_force(kpis: tuple[Kpi, ...], kpi_id: str, day: date) -> Kpi | None:
    """The wording of a KPI that holds on a day: the latest of those valid by then, unless it has ended."""
    valid = [kpi for kpi in kpis if kpi.id == kpi_id and kpi.valid_from <= day]
    last = max(valid, key=lambda kpi: (kpi.valid_from, kpi.agreed_on or date.min), default=None)
    return None if last is None or (last.valid_to is not None and last.valid_to <= day) else last


@dataclass(frozen=True, slots=True)
class CountedStretch:
    """Days of a period over which a KPI counts alike; `kpi` is None where none is in force.

    Of two wordings that count alike, `kpi` is the later one.
    """

    days: Period
    kpi: Kpi | None


@dataclass(frozen=True, slots=True)
class Relief:
    """Days on which some KPIs are not held against their targets, as the waiver of a short notice has it.

    :ivar change: number of the change whose notice was short
    """

    kpis: frozenset[str]
    days: Period
    change: int


def undated(kpi: Kpi) -> Kpi:
    """Return a wording without the days on which it holds, and without when and by what it was agreed."""
    return replace(kpi, valid_from=date.min, valid_to=None, agreed_on=None, entry=None, change=None)


def _counted_by(kpi: Kpi) -> Kpi:
    """Return a wording as far as it counts: target and formula, without what readings alone ask for."""
    return replace(undated(kpi), material=0.0, volume_band=0.0, patience_s=None)


def counts_alike(kpi: Kpi | None, other: Kpi | None) -> bool:
    """Whether two wordings have the same target and formula, so that their days may be counted together."""
    if kpi is None or other is None:
        return kpi is other
    return _counted_by(kpi) == _counted_by(other)


def counted_stretches(kpis: Iterable[Kpi], kpi_id: str, period: Period) -> tuple[CountedStretch, ...]:
    """Return the stretches of a period over which a KPI counts alike, the earliest first.

    They are the days of the period, each in one of them: nothing is counted together where target or formula differ.
    """
    worded = tuple(kpi for kpi in kpis if kpi.id == kpi_id)
    edges = {edge for kpi in worded for edge in (kpi.valid_from, kpi.valid_to) if edge is not None}
    starts = [period.start, *sorted(edge for edge in edges if period.start < edge < period.end)]
    found: list[CountedStretch] = []
    for start, end in zip(starts, [*starts[1:], period.end], strict=True):
        kpi = in_force(worded, kpi_id, end - timedelta(days=1))
        if found and counts_alike(found[-1].kpi, kpi):
            found[-1] = CountedStretch(Period(found[-1].days.start, end), kpi)
        else:
            found.append(CountedStretch(Period(start, end), kpi))
    return tuple(found)
