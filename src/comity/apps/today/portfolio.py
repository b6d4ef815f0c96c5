"""A person's relationships side by side, each read through the person's own membership in it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from comity.apps.books.contents import overview
from comity.apps.books.queries import NoBookError, zone
from comity.apps.books.results import earlier_result
from comity.apps.i18n import spoken_period
from comity.apps.parties.member_context import MemberContext, each_membership
from comity.apps.parties.models import Membership, Person
from comity.apps.record import queries as record
from comity.apps.record.models import ConsentSubject, Entry, EntryKind
from comity.apps.reviews.queries import period_name, review_question
from comity.apps.today.queries import inboxes
from comity.book.definition import UnusableBookError
from comity.core.calendars import named
from comity.core.readings.verdict import CAUSED
from comity.core.values import Side
from comity.review.i18n.words import DASH, Words
from comity.review.model import Review
from comity.review.views.sentences import kpi_title

MAX_RELATIONSHIPS = 60


@dataclass(frozen=True, slots=True)
class Figure:
    """A level of a period.

    :ivar met: None without a target
    """

    kpi: str
    name: str
    value: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """A relationship as its member sees it.

    :ivar organisation: the member's own; empty for neutral members
    :ivar period: of the figures, in words; empty where nothing is final or computed
    :ivar verdicts: that differ from the figure as reported, in words, each once
    :ivar late: deliveries of either side that are late: those of the own side, those of the other
    """

    membership: Membership
    organisation: str
    other: str
    other_side: Side
    period: str
    is_final: bool
    figures: Sequence[Figure]
    verdicts: Sequence[str]
    waits: int
    overdue: int
    late: tuple[int, int]

    @property
    def with_target(self) -> int:
        """How many levels have a target."""
        return sum(one.met is not None for one in self.figures)

    @property
    def met(self) -> int:
        """How many levels met their target."""
        return sum(one.met is True for one in self.figures)


@dataclass(frozen=True, slots=True)
class OtherRelationship:
    """A relationship of the person's organisation that the person is no member of.

    :ivar ask: the lead of the own side; empty where it has none
    """

    organisation: str
    side: Side
    other: str
    ask: str


@dataclass(frozen=True, slots=True)
class SideBySide:
    """A KPI in several relationships; `cells` in the order of the rows, None where it is not measured."""

    name: str
    cells: Sequence[Figure | None]


def portfolio_rows(person: Person, words: Words) -> list[PortfolioRow]:
    """Return the person's relationships, those with the most that waits first."""
    rows = [_row(member, words) for member in each_membership(person, MAX_RELATIONSHIPS)]
    return sorted(rows, key=lambda row: (-row.waits, row.other.casefold()))


def other_relationships() -> list[OtherRelationship]:
    """Return relationships of the viewer's organisations that the viewer is no member of."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation, side, other, ask FROM comity_other_relationships()")
        return [OtherRelationship(own, Side(side), other, ask or "") for own, side, other, ask in cursor.fetchall()]


def by_own_side(rows: Sequence[PortfolioRow]) -> dict[Side | None, list[PortfolioRow]]:
    """Return the rows by the side that the person is on there; sides without a row are left out."""
    groups: dict[Side | None, list[PortfolioRow]] = {Side.PROVIDER: [], Side.CUSTOMER: [], None: []}
    for row in rows:
        groups[row.other_side.other if row.organisation else None].append(row)
    return {side: part for side, part in groups.items() if part}


def side_by_side(rows: Sequence[PortfolioRow]) -> list[SideBySide]:
    """Return the KPIs that at least two of the relationships measure."""
    by_kpi: dict[str, dict[int, Figure]] = {}
    for number, row in enumerate(rows):
        for figure in row.figures:
            by_kpi.setdefault(figure.kpi, {})[number] = figure
    return [
        SideBySide(next(iter(cells.values())).name, [cells.get(number) for number in range(len(rows))])
        for cells in by_kpi.values()
        if len(cells) > 1
    ]


def _row(member: MemberContext, words: Words) -> PortfolioRow:
    side = member.side
    other_side = Side.PROVIDER if side is None else side.other
    review, waiting = _latest_review(member), inboxes(member, words)
    period, is_final, figures = _figures(member, review, words)
    own = waiting[:1] if side else waiting
    late = _late_deliveries(member)
    return PortfolioRow(
        membership=member.membership,
        organisation="" if side is None else member.relationship.organisation(side).name,
        other=str(member.relationship) if side is None else member.relationship.organisation(other_side).name,
        other_side=other_side,
        period=period,
        is_final=is_final,
        figures=figures,
        verdicts=[] if review is None else list(_differing_verdicts(review, words)),
        waits=sum(one.count for one in own),
        overdue=sum(one.late for one in own),
        late=(sum(late.values()), 0) if side is None else (late.get(side, 0), late.get(side.other, 0)),
    )


def _latest_review(member: MemberContext) -> Review | None:
    """Return the last review of the latest period that was computed for this viewer; none is computed here."""
    try:
        result: Review | None = earlier_result(member, review_question(None))
    except (NoBookError, UnusableBookError):
        return None
    return result


def _figures(member: MemberContext, review: Review | None, words: Words) -> tuple[str, bool, list[Figure]]:
    """Return the last final figures, or those of the last computed review: the period, whether final, the levels."""
    final = _last_final(member)
    if final is not None:
        levels: Mapping[str, Mapping[str, Any]] = final.content["figures"]
        figures = [
            Figure(kpi, kpi_title(kpi, one["measure"], words), _final_value(one, words), one["met"])
            for kpi, one in levels.items()
        ]
        return spoken_period(final.subject, words), True, figures
    if review is None:
        return "", False, []
    figures = [
        Figure(
            one.kpi,
            kpi_title(one.kpi, one.measure, words),
            words.figure(one.value, one.unit, review.currency),
            one.met,
        )
        for one in review.levels
    ]
    return spoken_period(period_name(member, review), words), False, figures


def _final_value(level: Mapping[str, Any], words: Words) -> str:
    value = level["value"]
    return DASH if value is None else words.figure(float(value), level["unit"])


def _last_final(member: MemberContext) -> Entry | None:
    """Return the entry by which the latest final period became final; a restatement, of one side, replaces none."""
    entries = record.entries(member, ConsentSubject.PERIOD).filter(kind=EntryKind.FROZEN)
    return max(entries, key=lambda entry: (named(entry.subject)[1].end, entry.number), default=None)


def _differing_verdicts(review: Review, words: Words) -> Iterator[str]:
    """Yield the verdicts that differ from the figure as reported, each once."""
    verdicts = dict.fromkeys(one.verdict for one in review.readings if one.verdict in CAUSED)
    yield from (words(f"verdict.{one}") for one in verdicts)


def _late_deliveries(member: MemberContext) -> Counter[Side]:
    try:
        known = overview(member)
    except (NoBookError, UnusableBookError):
        return Counter()
    now = datetime.now(UTC).astimezone(ZoneInfo(zone(member)))
    return Counter(Side(one["by"]) for one in known.late_deliveries(now)) if known else Counter()
