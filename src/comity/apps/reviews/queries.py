"""Reviews and attributions of the viewer's relationship, each worked out once for a state of the book and a viewer."""

from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Q, QuerySet
from markupsafe import Markup

from comity.apps.books import queries as books
from comity.apps.matters.models import AGREED, OPEN, Kind, Matter
from comity.apps.parties.viewing import Standing
from comity.apps.reviews.models import ByMail, Confirmation, Entry
from comity.apps.reviews.supposing import slots_of
from comity.apps.wording import language, words_for
from comity.core.calendars import Against, Calendar
from comity.core.values import Period
from comity.review.apart import in_own_periods
from comity.review.attributing import Attribution, attribute
from comity.review.composing import compose
from comity.review.faces import attribution_map, attribution_page, page
from comity.review.review import Review

_MOST_TOLD = 12  # matters of each kind beside an attribution; more stand among the matters
_TOLD = 100  # disputes, and claims, beside a review; more stand among the matters
# What their lists say of them: a review may stand beside two hundred.
_LINE = [
    "relationship_id",
    "kind",
    "kpi",
    "asks",
    "answers",
    "title",
    "state",
    "period",
    "late",
    "raised_at",
    "reply_by",
    "due_on",
]
FILES = {
    "pdf": "application/pdf",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def wish(standing: Standing) -> ByMail | None:
    """Whether whoever stands there has the review by mail, and how."""
    return ByMail.objects.filter(relationship=standing.relationship, person=standing.membership.person).first()


def review(standing: Standing, period: str | None, against: Against | None = None, *, joint: bool = False) -> Review:
    """The review of a period, as the viewer may see it.

    :param joint: only what both sides share
    :raises comity.apps.books.queries.NoBookError: where there is no book yet
    :raises comity.review.composing.NoReviewError: where the records hold no whole period
    :raises comity.core.calendars.UnknownPeriodError: for a period that cannot be read
    """

    def make() -> Review:
        with books.opened(standing, joint=joint) as book:
            made = compose(book, period=period, against=against, now=datetime.now(UTC))
            return in_own_periods(made, book.definition.cut)

    return books.worked_out(standing, ("review", period, against), make, joint=joint)


def attribution(standing: Standing, kpi: str, period: str | None) -> Attribution:
    """Whose doing a service level was, as the viewer may see it.

    :raises comity.review.attributing.NoAttributionError: for a KPI that cannot be shared out
    """

    def make() -> Attribution:
        with books.opened(standing) as book:
            return attribute(book, kpi, period=period, now=datetime.now(UTC))

    return books.worked_out(standing, ("attribution", kpi, period), make)


def review_body(standing: Standing, made: Review, beside: page.Beside, *, joint: bool = False) -> tuple[Markup, Markup]:
    """What the page of a review says, and what stands at its end, in the reader's language."""
    known = language()
    key = ("review page", made.digest, made.period, made.against, known, tuple(sorted(beside.said.items())))

    def make() -> tuple[str, ...]:
        return tuple(str(one) for one in page.body(made, words_for(known), beside))

    main, tail = books.worked_out(standing, key, make, joint=joint)
    return Markup(main), Markup(tail)  # noqa: S704 - as it was rendered


def reading_body(
    standing: Standing, made: Review, reading: str, beside: page.Beside, *, joint: bool = False
) -> Markup | None:
    """What the page of one reading says; None where the review has no such reading."""
    if page.named(made, reading) is None:
        return None
    known = language()
    key = ("reading", reading, made.digest, made.period, made.against, known)
    text = books.worked_out(
        standing, key, lambda: str(page.opened(made, words_for(known), reading, beside)), joint=joint
    )
    return Markup(text)  # noqa: S704 - as above


def figure_body(
    standing: Standing, made: Review, kpi: str, beside: page.Beside, *, joint: bool = False
) -> Markup | None:
    """What the page of one figure says; None where the review has no such level."""
    known = language()
    key = ("figure", kpi, made.digest, made.period, made.against, known, beside.said.get(kpi, ()))

    def make() -> str | None:
        body = page.figure(made, words_for(known), kpi, beside)
        return None if body is None else str(body)

    text = books.worked_out(standing, key, make, joint=joint)
    return None if text is None else Markup(text)  # noqa: S704 - as above


def about(standing: Standing, period: Period, name: str) -> dict[str, list[Matter]]:
    """Open disputes of a period's figures and claims that touch its days, by KPI ("": about all); the first of each."""
    touching = claims(standing).filter(from_day__lt=period.end, to_day__gte=period.start)
    found: dict[str, list[Matter]] = {}
    for one in [*disputes(standing, name).only(*_LINE)[:_TOLD], *touching.only(*_LINE)[:_TOLD]]:
        found.setdefault(one.kpi, []).append(one)
    return found


def attribution_bodies(standing: Standing, made: Attribution) -> dict[str, Markup]:
    """What the page of an attribution says, in its pieces and the reader's language."""
    known = language()
    key = ("attribution body", made.kpi.id, made.period, known)

    def make() -> dict[str, str]:
        return {part: str(text) for part, text in attribution_page.bodies(made, words_for(known)).items()}

    return {part: Markup(text) for part, text in books.worked_out(standing, key, make).items()}  # noqa: S704 - as above


def halves(standing: Standing, made: Attribution) -> list[tuple[int, str]]:
    """The half hours of the day in which anything was planned and happened, by number and clock."""
    key = ("halves", made.kpi.id, made.period)
    return books.worked_out(
        standing, key, lambda: [(one, attribution_map.clock(one)) for one in sorted(slots_of(made))]
    )


def about_attribution(standing: Standing, made: Attribution) -> dict[str, list[Matter]]:
    """What is asked about a level and its days, and what is done in the period: the first claims, disputes, actions."""
    ours = Matter.objects.filter(relationship=standing.relationship)
    touches = Q(from_day__lt=made.period.end, to_day__gte=made.period.start)
    claims = ours.filter(touches, kind=Kind.CLAIM, kpi__in=("", made.kpi.id)).order_by("from_day")
    disputes = ours.filter(kind=Kind.DISPUTE, kpi=made.kpi.id, period=made.name).order_by("raised_at")
    span = [datetime.combine(day, time.min, UTC) for day in (made.period.start, made.period.end)]
    actions = ours.filter(kind=Kind.ACTION)
    raised = actions.filter(raised_at__gte=span[0], raised_at__lt=span[1]).order_by("-raised_at")
    due = actions.filter(state__in=AGREED, due_on__gte=made.period.start, due_on__lt=made.period.end).order_by("due_on")
    both = {one.pk: one for one in [*raised[:_MOST_TOLD], *due[:_MOST_TOLD]]}
    return {
        "claims": list(claims[:_MOST_TOLD]),
        "disputes": list(disputes[:_MOST_TOLD]),
        "actions": sorted(both.values(), key=lambda one: (one.due_on or date.max, one.raised_at))[:_MOST_TOLD],
    }


def name_of(standing: Standing, made: Review) -> str:
    """The one name of a review's period, however it was asked for."""
    return books.definition(standing).calendar(made.cut).name(made.period)


def neighbours(calendar: Calendar, period: Period) -> tuple[Period, Period]:
    """The periods before and after."""
    return calendar.against(period, Against.PREVIOUS), calendar.containing(period.end)


def confirmations(standing: Standing, period: str) -> dict[str, Confirmation]:
    """Which side has confirmed a period."""
    found = Confirmation.objects.filter(relationship=standing.relationship, period=period).select_related("person")
    return {one.side: one for one in found}


def record(standing: Standing, period: str | None = None) -> QuerySet[Entry]:
    """The entries of the record, the earliest first; of one period, or all."""
    found = Entry.objects.filter(relationship=standing.relationship)
    return (found if period is None else found.filter(period=period)).order_by("number")


def disputes(standing: Standing, period: str) -> QuerySet[Matter]:
    """Open disputes of a period's figures, in the order of their days."""
    return Matter.objects.filter(
        relationship=standing.relationship, kind=Kind.DISPUTE, state__in=OPEN, period=period
    ).order_by("reply_by", "pk")


def disputed(standing: Standing, period: str) -> dict[str, list[Matter]]:
    """The same by KPI."""
    found: dict[str, list[Matter]] = {}
    for one in disputes(standing, period):
        found.setdefault(one.kpi, []).append(one)
    return found


def claims(standing: Standing) -> QuerySet[Matter]:
    """Claims that wait for an answer."""
    return Matter.objects.filter(relationship=standing.relationship, kind=Kind.CLAIM, state__in=OPEN).order_by(
        "reply_by", "pk"
    )


def unanswered(standing: Standing) -> list[Confirmation]:
    """One side's words for periods that the other has said nothing to."""
    words: dict[str, list[Confirmation]] = {}
    for one in Confirmation.objects.filter(relationship=standing.relationship):
        words.setdefault(one.period, []).append(one)
    return [found[0] for found in words.values() if len(found) == 1]


def record_told(standing: Standing) -> dict[str, Any]:
    """The whole record, to be kept and checked without this room."""
    entries = [
        {"number": one.number, "content": one.content, "previous": one.previous, "digest": one.digest}
        for one in record(standing)
    ]
    return {"schema": "comity.record/1", "entries": entries}
