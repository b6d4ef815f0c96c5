"""Reviews and attributions of the viewer's relationship, each worked out once for a state of the book and a viewer."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

from django.db.models import Q, QuerySet
from django.utils import timezone
from markupsafe import Markup

from comity.apps.books import queries as books
from comity.apps.books import results
from comity.apps.books.results import NotComputedYet, Question
from comity.apps.i18n import language, words_for
from comity.apps.matters.models import Matter
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.apps.reviews.few import without_few
from comity.apps.reviews.figures import Figures, Moved, figures_of, moved, settled
from comity.apps.reviews.models import ByMail, FileFormat
from comity.apps.reviews.supposing import slots_of
from comity.core import chain
from comity.core.calendars import Against, Calendar, named
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import AGREED, OPEN
from comity.core.values import Period
from comity.review.attribution import Attribution, NoAttributionError, attribute
from comity.review.build import NoReviewError, build_review
from comity.review.disclosure.redact import redact_other_cuts
from comity.review.draw import miss_map
from comity.review.model import Review
from comity.review.render import html
from comity.review.render.attribution import html as attribution_html

COMPUTE_REVIEW, COMPUTE_ATTRIBUTION, RECOMPUTE = "reviews.compute", "reviews.attribute", "reviews.recompute"  # tasks
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
FILES: dict[str, str] = {
    FileFormat.PDF: "application/pdf",
    FileFormat.HTML: "text/html; charset=utf-8",
    FileFormat.JSON: "application/json",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.PPTX: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def wish(member: MemberContext) -> ByMail | None:
    """Whether whoever stands there has the review by mail, and how."""
    return ByMail.objects.filter(relationship=member.relationship, person=member.membership.person).first()


def review(member: MemberContext, period: str | None, against: Against | None = None) -> Review:
    """The review of a period, as the viewer may see it.

    :raises comity.apps.books.queries.NoBookError: where there is no book yet
    :raises comity.review.build.NoReviewError: where the records hold no whole period
    :raises comity.core.calendars.UnknownPeriodError: for a period that cannot be read
    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    :raises comity.apps.refusal.Refused: for too many within an hour that were not computed before
    """

    def compute() -> Review:
        with books.open_member_book(member) as book:
            built = build_review(book, period=period, against=against, now=datetime.now(UTC))
            built = redact_other_cuts(built, book.definition.cut)
            return without_few(member, book, built, review=review)

    if period is not None:  # one that cannot be read is no work for a worker
        named(period, books.definition(member).month_starts_on)
    question = review_question(period, against)
    known = results.computed(member, question, compute)
    if period is None:
        results.share_result(member, question, review_question(name_of(member, known), against))
    return known


def review_question(period: str | None, against: Against | None = None) -> Question:
    """What a worker is asked for a review."""
    return Question(COMPUTE_REVIEW, (("period", period), ("against", None if against is None else str(against))))


def attribution(member: MemberContext, kpi: str, period: str | None) -> Attribution:
    """Whose doing a service level was, as the viewer may see it.

    :raises comity.review.attribution.NoAttributionError: for a KPI that cannot be shared out
    :raises comity.apps.books.results.NotComputedYet: as `review`
    """

    def compute() -> Attribution:
        with books.open_member_book(member) as book:
            return attribute(book, kpi, period=period, now=datetime.now(UTC))

    agreed = books.definition(member)
    if period is not None:
        named(period, agreed.month_starts_on)
    if kpi not in {one.id for one in agreed.kpis}:
        raise NoAttributionError(f"there is no KPI {kpi!r}")
    question = attribution_question(kpi, period)
    known = results.computed(member, question, compute)
    if period is None:
        results.share_result(member, question, attribution_question(kpi, known.name))
    return known


def attribution_question(kpi: str, period: str | None) -> Question:
    """What a worker is asked for an attribution."""
    return Question(COMPUTE_ATTRIBUTION, (("kpi", kpi), ("period", period)))


def review_body(member: MemberContext, made: Review, links: html.RoomLinks) -> tuple[Markup, Markup]:
    """What the page of a review says, and what stands at its end, in the reader's language."""
    known = language()
    key = ("review page", made.digest, made.period, made.against, known, tuple(sorted(links.marks.items())))

    def make() -> tuple[str, ...]:
        return tuple(str(one) for one in html.render_body(made, words_for(known), links))

    main, tail = results.cached(member, key, make)
    return Markup(main), Markup(tail)  # noqa: S704 - as it was rendered


def reading_body(member: MemberContext, made: Review, reading: str, links: html.RoomLinks) -> Markup | None:
    """What the page of one reading says; None where the review has no such reading."""
    if html.find_reading(made, reading) is None:
        return None
    known = language()
    key = ("reading", reading, made.digest, made.period, made.against, known)
    text = results.cached(member, key, lambda: str(html.render_reading(made, words_for(known), reading, links)))
    return Markup(text)  # noqa: S704 - as above


def figure_body(member: MemberContext, made: Review, kpi: str, links: html.RoomLinks) -> Markup | None:
    """What the page of one figure says; None where the review has no such level."""
    known = language()
    key = ("figure", kpi, made.digest, made.period, made.against, known, links.marks.get(kpi, ()))

    def make() -> str | None:
        body = html.render_level(made, words_for(known), kpi, links)
        return None if body is None else str(body)

    text = results.cached(member, key, make)
    return None if text is None else Markup(text)  # noqa: S704 - as above


def about(member: MemberContext, period: Period, name: str) -> dict[str, list[Matter]]:
    """Open disputes of a period's figures and claims that touch its days, by KPI ("": about all); the first of each."""
    touching = claims(member).filter(from_day__lt=period.end, to_day__gte=period.start)
    found: dict[str, list[Matter]] = {}
    for one in [*disputes(member, name).only(*_LINE)[:_TOLD], *touching.only(*_LINE)[:_TOLD]]:
        found.setdefault(one.kpi, []).append(one)
    return found


def attribution_bodies(member: MemberContext, made: Attribution) -> dict[str, Markup]:
    """What the page of an attribution says, in its pieces and the reader's language."""
    known = language()
    key = ("attribution body", made.kpi.id, made.period, known)

    def make() -> dict[str, str]:
        return {part: str(text) for part, text in attribution_html.render_parts(made, words_for(known)).items()}

    return {part: Markup(text) for part, text in results.cached(member, key, make).items()}  # noqa: S704 - as above


def halves(member: MemberContext, made: Attribution) -> list[tuple[int, str]]:
    """The half hours of the day in which anything was planned and happened, by number and clock."""
    key = ("halves", made.kpi.id, made.period)
    return results.cached(member, key, lambda: [(one, miss_map.slot_time(one)) for one in sorted(slots_of(made))])


def about_attribution(member: MemberContext, made: Attribution) -> dict[str, list[Matter]]:
    """What is asked about a level and its days, and what is done in the period: the first claims, disputes, actions."""
    ours = Matter.objects.filter(relationship=member.relationship)
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


def name_of(member: MemberContext, made: Review) -> str:
    """The one name of a review's period, however it was asked for."""
    return books.definition(member).calendar(made.cut).name(made.period)


def neighbours(calendar: Calendar, period: Period) -> tuple[Period, Period]:
    """The periods before and after."""
    return calendar.against(period, Against.PREVIOUS), calendar.containing(period.end)


def confirmations(member: MemberContext, period: str) -> dict[str, Consent]:
    """The valid confirmations of a period, by side."""
    return record.valid_consents(member, ConsentSubject.PERIOD, period)


def figures(member: MemberContext, made: Review, period: str) -> Figures:
    """The figures of a joint review as they would be frozen now.

    Where they are those that a side has confirmed but for the last digits, they are written as it confirmed them.
    """
    found = figures_of(made, {kpi: [str(one.pk) for one in those] for kpi, those in disputed(member, period).items()})
    for word in confirmations(member, period).values():
        found = settled(found, word.content)
    return found


@dataclass(frozen=True, slots=True)
class Closing:
    """What the closing of a period looks like now.

    :ivar is_open: whether the period can be confirmed: it is over, and not frozen
    :ivar figures: those that would be confirmed or frozen; None where nothing on the page is about them
    :ivar digest: of these figures; what a confirmation has to name
    :ivar moved: since one side confirmed, before the other did; with `since`, whose confirmation it was
    :ivar pending: where the joint figures are being computed
    """

    words: dict[str, Consent]
    void: list[Consent]
    is_open: bool = False
    figures: Figures | None = None
    digest: str = ""
    moved: list[Moved] = field(default_factory=list)
    since: Consent | None = None
    pending: NotComputedYet | None = None


def closing(member: MemberContext, period: Period, name: str, *, on_page: bool = True) -> Closing:
    """How far the closing of a period is, with the joint figures, whoever looks.

    :param on_page: whether the joint figures are on the page anyway; else they are only worked out where a side has
        confirmed some, for it takes as long as the own side's review, and nobody confirms what they do not see
    """
    words = confirmations(member, name)
    void = list(record.void_consents(member, ConsentSubject.PERIOD, name))
    if period.end > timezone.now().date() or entries(member, name).exists():
        return Closing(words, void)
    if not words and not (on_page and member.may(Action.CONFIRM)):
        return Closing(words, void, is_open=True)
    try:
        made = review(member.joint(), name)
    except NoReviewError:
        return Closing(words, void)
    except NotComputedYet as error:
        return Closing(words, void, is_open=True, pending=error)
    if not made.levels:  # there is nothing that anybody could confirm
        return Closing(words, void)
    now = figures(member, made, name)
    digest = chain.digest_of(now)
    since = next((one for one in words.values() if one.digest != digest), None)
    return Closing(words, void, True, now, digest, [] if since is None else moved(since.content, now), since)


def entries(member: MemberContext, period: str) -> QuerySet[Entry]:
    """The entries of the record about a period, the earliest first."""
    return record.entries(member, ConsentSubject.PERIOD, period)


def disputes(member: MemberContext, period: str) -> QuerySet[Matter]:
    """Open disputes of a period's figures, in the order of their days."""
    return Matter.objects.filter(
        relationship=member.relationship, kind=Kind.DISPUTE, state__in=OPEN, period=period
    ).order_by("reply_by", "pk")


def disputed(member: MemberContext, period: str) -> dict[str, list[Matter]]:
    """The same by KPI."""
    found: dict[str, list[Matter]] = {}
    for one in disputes(member, period):
        found.setdefault(one.kpi, []).append(one)
    return found


def claims(member: MemberContext) -> QuerySet[Matter]:
    """Claims that wait for an answer."""
    return Matter.objects.filter(relationship=member.relationship, kind=Kind.CLAIM, state__in=OPEN).order_by(
        "reply_by", "pk"
    )
