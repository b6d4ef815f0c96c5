"""What a review says, as plain values: formats only translate these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from comity.core.agreements.kpi import Kpi
from comity.core.calendars import Against, Cut
from comity.core.levels import NO_FORMULAS, Formulas
from comity.core.paid import PaidSplit
from comity.core.readings.reading import Reading
from comity.core.record_choice import RecordChoice
from comity.core.values import Period, Side


@dataclass(frozen=True, slots=True)
class Limits:
    """Natural process limits of an XmR chart, from the named periods, never from the one judged."""

    centre: float
    lower: float
    upper: float
    first: Period
    last: Period
    count: int


@dataclass(frozen=True, slots=True)
class LevelPoint:
    """A level in one period of the book."""

    period: Period
    value: float
    se: float | None
    target: float | None
    num: float
    den: float
    days: Period | None = None  # the stretch of the period that it is of; None: all of it


@dataclass(frozen=True, slots=True)
class Relieved:
    """What a level would be with the days that both sides agreed not to hold against its target.

    `changes` are the numbers of the changes whose short notice was waived with this relief. Where no other day is left,
    these days are counted and `held` is false: the level is not held against its target.
    """

    days: tuple[Period, ...]
    changes: tuple[int, ...]
    value: float | None  # None: it cannot be formed with them
    num: float | None
    den: float | None
    held: bool = True


@dataclass(frozen=True, slots=True)
class ReadingPoint:
    """A reading of one period against the period before it; None where it cannot be formed."""

    period: Period
    headline: float
    like_for_like: float | None
    like_for_like_se: float | None
    z: float | None


@dataclass(frozen=True, slots=True)
class Final:
    """That a level is as both sides confirmed it; `recomputed`: what the records give now, None where not shown."""

    recomputed: float | None


@dataclass(frozen=True, slots=True)
class ConfirmedReading:
    """A reading as it became final, which it does only where it was disputed when both sides confirmed.

    :ivar key: by which it is found in a review, as in `views.reading.find_reading`
    :ivar value: as the agreed formula gave it then, in `unit`; None where it gave none
    :ivar same: whether the records still give it
    """

    key: str
    id: str
    unit: str
    value: float | None
    same: bool


@dataclass(frozen=True, slots=True)
class Level:
    """Was the target met? `value` is in `unit`: share (0 to 1), seconds, count, points or ratio.

    `reported` holds each side's own figure (None: not reported); `variants` the six service levels V1 to V6
    where the measure is service_level, `variants_in_full` the same without taking agreed exclusions out, where that
    differs; `explains` the variant that gives a side's figure, `explains_in_full` the one that gives it only so;
    `mean_of_intervals` and `intervals_in_target` stand beside the pooled figure, never in its place.

    `days` is the stretch of the period that is counted, where the KPI was worded otherwise, or not in force, on others:
    figures are counted by the text in force. `earlier` are the levels of the stretches before, the latest first; each
    side's own figures, which are of the whole period, stand beside the first level only.
    """

    kpi: str
    measure: str
    unit: str
    better: str
    value: float
    se: float | None
    target: float | None
    met: bool | None
    beyond_chance: bool | None
    num: float
    den: float
    definition: Kpi
    reported: Mapping[Side, float | None] = field(default_factory=dict)
    variants: Mapping[str, float | None] = field(default_factory=dict)
    explains: Mapping[Side, str] = field(default_factory=dict)
    mean_of_intervals: float | None = None
    intervals_in_target: float | None = None
    history: tuple[LevelPoint, ...] = ()
    limits: Limits | None = None
    also: Mapping[str, object] = field(default_factory=dict)
    variants_in_full: Mapping[str, float | None] = field(default_factory=dict)
    explains_in_full: Mapping[Side, str] = field(default_factory=dict)
    formulas: Formulas = NO_FORMULAS  # what the variants are the ratios of
    low: float | None = None  # the 95 % interval, None where there are too few units for one
    high: float | None = None
    counted_from: tuple[str, ...] = ()  # the tables
    records: RecordChoice | None = None  # how these were chosen, where contacts and intervals both could answer
    days: Period | None = None  # None: all of the period
    earlier: tuple["Level", ...] = ()
    relieved: Relieved | None = None  # the days of relief, which are not in it
    final: Final | None = None  # only where it stays as both confirmed it, though the records now give another one


@dataclass(frozen=True, slots=True)
class Missing:
    """A level or a reading that could not be formed: what lacks, and which side would hold it."""

    reading: str
    needs: tuple[str, ...]
    held_by: str  # customer, provider, both
    why: str  # key of a sentence under [missing] of the words
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One import that a table's rows came with.

    `collapsed` rows count once with another: `superseded` of them as earlier states of what they tell of, the others
    because they say the same.
    """

    file: str
    digest: str
    at: datetime
    by: str
    mapping: str
    new: int
    updated: int
    withdrawn: int
    rejected: int
    collapsed: int = 0
    superseded: int = 0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table's figures came from."""

    table: str
    rows: int
    rejected: int
    files: tuple[str, ...]
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class HeadlineOverride:
    """A headline sentence that a person put in the draft's place; the draft stays beside it."""

    text: str
    by: str
    on: date
    draft: str


@dataclass(frozen=True, slots=True)
class Review:
    """One period of one book, held against another, for one pair of eyes.

    `viewer_side` is None for the joint view. `cut` is the length of period, `against` how the reference was chosen.
    `histories` holds, by the reading's (id, variant), its points over all periods of the book, and
    `history_limits` the XmR limits of its like-for-like changes. `digest` is over the figures, so that
    two machines can tell that they hold the same.
    """

    book: str
    currency: str
    timezone: str
    parties: Mapping[Side, str]
    viewer_side: Side | None
    period: Period
    reference: Period
    name: str  # 2026-Q2
    reference_name: str
    cut: Cut
    against: Against
    made_on: date
    levels: tuple[Level, ...]
    paid: PaidSplit | None
    readings: tuple[Reading, ...]
    missing: tuple[Missing, ...]
    origins: tuple[Origin, ...] = ()
    lateness: tuple[Mapping[str, object], ...] = ()  # sources: table, by, due, last, late, unrecorded, reach
    undelivered: tuple[Mapping[str, object], ...] = ()  # days perhaps not delivered: table, queue, day, usual
    histories: Mapping[tuple[str, str | None], tuple[ReadingPoint, ...]] = field(default_factory=dict)
    history_limits: Mapping[tuple[str, str | None], Limits] = field(default_factory=dict)
    headline_override: HeadlineOverride | None = None
    confirmed_readings: tuple[ConfirmedReading, ...] = ()  # of a final period, those that were disputed
    whole_months: tuple[Period, ...] = ()  # that the records hold, where nothing could be formed of this period
    digest: str = ""
