"""The filters of the ledger: read from its URL, and offered as links."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import urlencode

from comity.apps.filters import FilterBar, FilterOption
from comity.apps.ledger.queries import LedgerFilters
from comity.apps.ledger.sentences import kind_name
from comity.apps.parties.member_context import MemberContext
from comity.core.calendars import Calendar, Cut, UnknownPeriodError, named
from comity.core.ledger.accounts import is_kind
from comity.core.ledger.statement import AGE_LIMITS, Statement
from comity.core.values import Period, Side
from comity.review.i18n.words import Words

_LONGEST_SPAN = timedelta(days=3660)
_YEARS = range(1990, 2200)


def read_filters(query: Mapping[str, str], months: Calendar, today: date) -> LedgerFilters:
    """Return the filters of a URL; what it cannot mean is as if it were not there.

    A span is a period by its name (`period`), or from one day to another, both included; else the month of today.
    """
    owes, kind, age = (query.get(name, "") for name in ("owes", "kind", "age"))
    ages = [str(group) for group in range(len(AGE_LIMITS) + 1)]
    return LedgerFilters(
        span=_span(query, months) or months.containing(today),
        owes=owes if owes in {side.value for side in Side} else "",
        kind=kind if is_kind(kind) else "",
        age=age if age in ages else "",
    )


def _span(query: Mapping[str, str], months: Calendar) -> Period | None:
    if query.get("period"):
        try:
            return named(query["period"], months.month_starts_on)[1]
        except UnknownPeriodError:
            return None
    try:
        first, last = date.fromisoformat(query.get("from", "")), date.fromisoformat(query.get("to", ""))
    except ValueError:
        return None
    possible = first.year in _YEARS and last.year in _YEARS and timedelta(0) <= last - first <= _LONGEST_SPAN
    return Period(first, last + timedelta(days=1)) if possible else None


def span_name(span: Period, months: Calendar) -> str:
    """Return the name of a span that is a month, a quarter or a year; empty for any other."""
    for cut in (Cut.MONTH, Cut.QUARTER, Cut.YEAR):
        calendar = Calendar(cut, months.month_starts_on)
        if calendar.containing(span.start) == span:
            return calendar.name(span)
    return ""


def filter_query(filters: LedgerFilters, months: Calendar) -> str:
    """Return the query of a URL with these filters."""
    name = span_name(filters.span, months)
    last = filters.span.end - timedelta(days=1)
    span = {"period": name} if name else {"from": filters.span.start.isoformat(), "to": last.isoformat()}
    chosen = {one: getattr(filters, one) for one in ("owes", "kind", "age") if getattr(filters, one)}
    return urlencode(span | chosen)


def filter_bars(  # noqa: PLR0913 - what is chosen, and from what
    member: MemberContext, filters: LedgerFilters, months: Calendar, made: Statement, words: Words, today: date
) -> list[FilterBar]:
    """Return the filters: the months beside the span, who owes, what, and how old."""
    party = member.party(words)

    def option(label: str, chosen: LedgerFilters) -> FilterOption:
        return FilterOption(label, filter_query(chosen, months), chosen == filters)

    month = months.containing(filters.span.end - timedelta(days=1))
    others = [months.before(month), month]
    if month.end <= today:
        others.append(months.after(month))
    kinds = sorted({*made.kinds, *([filters.kind] if filters.kind else [])}, key=list(made.kinds).count, reverse=True)
    ages = ["", *(str(group) for group in range(len(AGE_LIMITS) + 1))]
    return [
        FilterBar(
            words("ledger.by_span"),
            [option(words.period(one, Cut.MONTH), replace(filters, span=one)) for one in others],
        ),
        FilterBar(
            words("ledger.by_owes"),
            [
                option(words("ledger.either"), replace(filters, owes="")),
                *(option(party(side), replace(filters, owes=side.value)) for side in Side),
            ],
        ),
        FilterBar(
            words("ledger.by_kind"),
            [
                option(words("ledger.every_kind"), replace(filters, kind="")),
                *(option(kind_name(kind, words), replace(filters, kind=kind)) for kind in kinds),
            ],
        ),
        FilterBar(
            words("ledger.by_age"),
            [
                option(age_name(int(age), words) if age else words("ledger.any_age"), replace(filters, age=age))
                for age in ages
            ],
        ),
    ]


def age_name(group: int, words: Words) -> str:
    """Return the name of a group of ages, in working days."""
    if group == len(AGE_LIMITS):
        return words("ledger.age_over", days=words.number(AGE_LIMITS[-1]))
    first = 0 if group == 0 else AGE_LIMITS[group - 1] + 1
    return words("ledger.age", first=words.number(first), last=words.number(AGE_LIMITS[group]))
