"""The periods that a relationship's records reach, each with how far its closing is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from django.utils import timezone

from comity.apps.books.contents import tables
from comity.apps.books.queries import definition
from comity.apps.parties.member_context import MemberContext
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, EntryKind
from comity.core.calendars import Calendar, Cut
from comity.core.values import Period, Side

# The tables that tell what happened. Others reach further, such as a forecast, and make no period one with records.
_HAPPENED = frozenset({"contacts", "intervals", "surveys", "invoices", "costs", "evaluations", "business"})
_CUTS = (Cut.MONTH, Cut.QUARTER, Cut.YEAR)
_MOST_YEARS = 60  # a row of the year 1 by mistake makes no list of 24,000 months


class PeriodState(StrEnum):
    """How far a period is."""

    RUNNING = "running"
    NO_DATA = "no_data"  # without a row of what happened; what was planned, or a price index, is none
    OPEN = "open"  # nobody has confirmed
    OURS = "ours"  # the other side has confirmed
    THEIRS = "theirs"  # the own side has confirmed
    ONE_SIDE = "one_side"  # for those on neither side
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class ListedPeriod:
    """A period with its name in addresses, its length, and its state."""

    name: str
    cut: Cut
    period: Period
    state: PeriodState


def period_list(member: MemberContext) -> dict[Cut, list[ListedPeriod]]:
    """Every month, quarter and year from the first recorded day to now, the latest first; at most of 60 years.

    :returns: empty where the records tell of no day
    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    known = tables(member)
    reaches = [reach for table in known if (reach := table["reach"]) is not None]
    if not reaches:
        return {}
    first, last = min(reach["first"] for reach in reaches), max(reach["last"] for reach in reaches)
    frozen = set(
        record.entries(member, ConsentSubject.PERIOD).filter(kind=EntryKind.FROZEN).values_list("subject", flat=True)
    )
    confirmed: dict[str, set[str]] = {}
    valid = Consent.objects.filter(relationship=member.relationship, subject_type=ConsentSubject.PERIOD, void_at=None)
    for subject, side in valid.values_list("subject", "side"):
        confirmed.setdefault(subject, set()).add(side)
    held = [span for table in known if table["name"] in _HAPPENED for span in table["held"]]
    today, starts_on = timezone.now().date(), definition(member).month_starts_on
    listed: dict[Cut, list[ListedPeriod]] = {}
    end = max(last, today)
    first = max(first, end.replace(year=max(end.year - _MOST_YEARS, 1), month=1, day=1))
    for cut in _CUTS:
        calendar = Calendar(cut, starts_on)
        period = calendar.containing(end)
        while period.end > first:
            name = calendar.name(period)
            state = _state(period, today, member.side, confirmed.get(name, set()), is_final=name in frozen)
            is_held = any(one[0] < period.end and period.start <= one[1] for one in held)
            if not is_held and state in {PeriodState.RUNNING, PeriodState.OPEN}:
                state = PeriodState.NO_DATA
            listed.setdefault(cut, []).append(ListedPeriod(name, cut, period, state))
            period = calendar.before(period)
    return listed


@dataclass(frozen=True, slots=True)
class ListedYear:
    """A year with its quarters and months, the latest first."""

    year: ListedPeriod
    quarters: tuple[ListedPeriod, ...]
    months: tuple[ListedPeriod, ...]

    def has(self, name: str) -> bool:
        """Whether a period is the year, or one of it."""
        return name in {one.name for one in (self.year, *self.quarters, *self.months)}


def by_year(listed: Mapping[Cut, Sequence[ListedPeriod]]) -> list[ListedYear]:
    """The same periods by the year in which they begin, the latest first."""

    def within(year: ListedPeriod, cut: Cut) -> tuple[ListedPeriod, ...]:
        days = year.period
        return tuple(one for one in listed.get(cut, ()) if days.start <= one.period.start < days.end)

    years = listed.get(Cut.YEAR, ())
    return [ListedYear(year, within(year, Cut.QUARTER), within(year, Cut.MONTH)) for year in years]


_OFFERED = {Cut.MONTH: 6, Cut.QUARTER: 4, Cut.YEAR: 2}  # of each length, where a page offers them by itself


def periods_with_data(listed: Mapping[Cut, Sequence[ListedPeriod]]) -> dict[Cut, list[ListedPeriod]]:
    """The latest periods of each length that hold records."""
    found = {
        cut: [one for one in those if one.state is not PeriodState.NO_DATA][: _OFFERED[cut]]
        for cut, those in listed.items()
    }
    return {cut: those for cut, those in found.items() if those}


def held_tables(member: MemberContext, period: Period | None = None) -> list[tuple[str, int, date, date]]:
    """The tables with rows of a period's days, or of any: name, all rows, first and last day.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    dated = [(one["name"], one["rows"], reach) for one in tables(member) if (reach := one["reach"]) is not None]
    return [
        (name, rows, reach["first"], reach["last"])
        for name, rows, reach in dated
        if period is None or (reach["first"] < period.end and reach["last"] >= period.start)
    ]


def _state(period: Period, today: date, side: Side | None, confirmed: set[str], *, is_final: bool) -> PeriodState:
    if is_final:
        return PeriodState.FINAL
    if period.end > today:
        return PeriodState.RUNNING
    if not confirmed:
        return PeriodState.OPEN
    if side is None:
        return PeriodState.ONE_SIDE
    return PeriodState.THEIRS if side.value in confirmed else PeriodState.OURS
