"""What KPIs came to in the last whole month, computed by a worker: the figure beside each sentence of a proposal."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from comity.apps.books import queries as books
from comity.apps.books import results
from comity.apps.books.results import Question
from comity.apps.kpis.terms import bare
from comity.apps.parties.member_context import MemberContext
from comity.book.definition import kpi_keys, parse_kpis
from comity.book.reading.coverage import Coverage
from comity.core import chain
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.calendars import Calendar, Cut
from comity.core.values import Period
from comity.review.levels import build_levels
from comity.review.model import Missing
from comity.review.periods import longest_whole, telling

COMPUTE_VALUES = "kpis.values"  # the task
_TABLES = ("contacts", "intervals")


@dataclass(frozen=True, slots=True)
class KpiValues:
    """What KPIs came to.

    :ivar period: the last whole month of the records, or week where they hold no month; None where there is none
    :ivar values: value and unit by KPI
    :ivar lacking: of the KPIs that could not be counted, why not
    """

    period: Period | None
    values: dict[str, tuple[float, str]]
    cut: Cut
    lacking: dict[str, Missing] = field(default_factory=dict)


def kpi_values(member: MemberContext, kpis: Sequence[Kpi]) -> KpiValues:
    """Return what KPIs came to in the last whole month of the shared records, whatever their targets.

    KPIs about people are left out: their figures are shown in the review's own periods and in no others.

    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    asked = [replace(bare(kpi), target=None) for kpi in kpis if MEASURES[kpi.measure].people_of is None]
    return values_of_text(member.joint(), chain.canonical([_keys(kpi) for kpi in asked]))


def values_of_text(member: MemberContext, text: str) -> KpiValues:
    """Return the same for KPIs as JSON, which is how the question of a job has them."""
    return results.computed(member, Question(COMPUTE_VALUES, (("kpis", text),)), lambda: _compute(member, text))


def _compute(member: MemberContext, text: str) -> KpiValues:
    with books.open_member_book(member) as book:
        book.definition = replace(book.definition, kpis=parse_kpis(json.loads(text)))
        today = datetime.now(UTC).astimezone(ZoneInfo(book.definition.timezone)).date()
        coverage = Coverage(book, today)
        horizons = [end for name in _TABLES if (end := coverage.horizon([name])) is not None]
        first = coverage.first_day(_TABLES)
        calendar = Calendar(Cut.MONTH, book.definition.month_starts_on)
        if not horizons or first is None:
            return KpiValues(None, {}, calendar.cut)
        whole = longest_whole(calendar, first, max(horizons), telling(coverage, ((name,) for name in _TABLES)))
        if whole is None:
            return KpiValues(None, {}, calendar.cut)
        calendar, period = whole
        book.asked = (period,)
        built = build_levels(book, coverage, calendar, period)
        values = {one.kpi: (one.value, one.unit) for one in built.levels}
        names = {kpi.id for kpi in book.definition.kpis} - values.keys()
        lacking = {one.reading: one for one in reversed(built.missing) if one.reading in names}
        return KpiValues(period, values, calendar.cut, lacking)


def _keys(kpi: Kpi) -> dict[str, object]:
    return {name: value for name, value in kpi_keys(kpi).items() if name != "valid_from"}
