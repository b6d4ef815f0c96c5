"""Reviews and attributions of a relationship, cached by the state of the book and the viewer, and their pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone
from markupsafe import Markup

from comity.apps.books import queries as books
from comity.apps.books import results
from comity.apps.books.results import NotComputedYet, Question
from comity.apps.i18n import language, words_for
from comity.apps.matters.models import Matter
from comity.apps.matters.queries import CARRIED_OUT, ComputedFigure, dispute_status, today
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.reading_ahead import Place, read_ahead, rows_in, was_read_ahead
from comity.apps.parties.rights import Action
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, Entry, EntryKind
from comity.apps.refusal import Refused
from comity.apps.reviews.figures import (
    DisputeNote,
    FigureChange,
    Figures,
    figure_changes,
    keep_unchanged_digits,
    period_figures,
)
from comity.apps.reviews.final_figures import with_final_figures
from comity.apps.reviews.models import ByMail, FileFormat
from comity.apps.reviews.small_groups import withhold_small_groups
from comity.apps.reviews.what_if import half_hours_of
from comity.book.definition import UnusableBookError
from comity.core import chain
from comity.core.calendars import Against, Calendar, UnknownPeriodError, named
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import GRANTED, NOT_UPHELD, OPEN, TO_DO, Dispute
from comity.core.values import Period
from comity.review.attribution import Attribution, NoAttributionError, attribute
from comity.review.build import NoReviewError, build_review
from comity.review.disclosure.redact import redact_other_cuts
from comity.review.draw import miss_map
from comity.review.level_detail import LevelDetail, build_level_detail
from comity.review.model import Review
from comity.review.proceedings import Proceedings
from comity.review.readings import reading_compares_people
from comity.review.render import html
from comity.review.render.attribution import html as attribution_html
from comity.review.views.reading import find_reading

COMPUTE_REVIEW, COMPUTE_ATTRIBUTION, RECOMPUTE = "reviews.compute", "reviews.attribute", "reviews.recompute"  # tasks
COMPUTE_LEVEL = "reviews.level"  # a task too
MOST_CHANGED = 6  # final periods that Today looks at for other figures
_SHOWN_WITH_ATTRIBUTION = 12  # matters of each kind; the list of matters has them all
_SHOWN_WITH_REVIEW = 100  # disputes, and claims; the list of matters has them all
# The columns that lists of matters show; a review may have two hundred of them.
_MATTER_FIELDS = [
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
    "value",
    "unit",
    "follows",
]
CONTENT_TYPES: dict[str, str] = {
    FileFormat.BOARD: "application/pdf",
    FileFormat.PDF: "application/pdf",
    FileFormat.HTML: "text/html; charset=utf-8",
    FileFormat.JSON: "application/json",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    FileFormat.PPTX: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


def file_name(period: str, form: str) -> str:
    """Return the name of a file of a review."""
    return f"review-{period}-board.pdf" if form == FileFormat.BOARD else f"review-{period}.{form}"


def mail_subscription(member: MemberContext) -> ByMail | None:
    """Return the member's subscription to the review by mail, if there is one."""
    return ByMail.objects.filter(relationship=member.relationship, person=member.membership.person).first()


def review(member: MemberContext, period: str | None, against: Against | None = None) -> Review:
    """Return the review of a period, as the viewer may see it; of the latest whole period for None.

    :raises comity.apps.books.queries.NoBookError: where there is no book yet
    :raises comity.review.build.NoReviewError: where the records hold no whole period
    :raises comity.core.calendars.UnknownPeriodError: for a period that cannot be read
    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    :raises comity.apps.refusal.Refused: for too many within an hour that were not computed before
    """
    if period is not None:  # refuse an unreadable period before a job is deferred
        named(period, books.definition(member).month_starts_on)
    question = review_question(period, against)
    result = results.computed(member, question, lambda: build(member, period, against))
    if period is None:
        _share(member, question, review_question(period_name(member, result), against))
    return result


def build(member: MemberContext, period: str | None, against: Against | None = None) -> Review:
    """Build the review of a period, without keeping it; by a worker.

    It is counted by the texts that reach the period; a text that counts only from later days changes nothing in it.

    :raises comity.apps.books.queries.NoBookError: and the others as `review`
    """
    terms = dict(review_question(period, against).terms)
    with books.open_member_book(member) as book:
        book.definition = results.definition_before(member, _period_end(member, terms))
        built = build_review(book, period=period, against=against, now=datetime.now(UTC))
        built = redact_other_cuts(built, book.definition.cut)
        if book.definition == books.definition(member):
            return withhold_small_groups(member, book, built, build_review=review)
    # What is withheld follows from the figures of all periods, which are counted by all that was agreed.
    with books.open_member_book(member) as whole:
        return withhold_small_groups(member, whole, built, build_review=review)


def _share(member: MemberContext, question: Question, named_question: Question) -> None:
    """Store the result of the latest period by its name too, where no more was agreed than reaches that period."""
    reaching = [
        results.definition_before(member, _period_end(member, dict(one.terms))) for one in (question, named_question)
    ]
    if reaching[0] == reaching[1]:
        results.share_result(member, question, named_question)


def _period_end(member: MemberContext, terms: Mapping[str, str | None]) -> date:
    """Return the day after the period of a question; for the latest, which ends by today, a day after each zone's."""
    name = terms.get("period")
    if name is None:
        return datetime.now(UTC).date() + timedelta(days=2)
    return named(name, books.definition(member).month_starts_on)[1].end


def shown_review(member: MemberContext, period: str | None, against: Against | None = None) -> Review:
    """Return the review of a period as pages, files and programs show it: of a final one with its final figures.

    :raises comity.apps.books.queries.NoBookError: and the others as `review`
    """
    return with_final_levels(member, review(member, period, against))


def with_final_levels(member: MemberContext, computed: Review) -> Review:
    """Return a review with the levels as they became final; as it is where its period is open."""
    final = entries(member, period_name(member, computed)).filter(kind=EntryKind.FROZEN).first()
    if final is None:
        return computed
    return with_final_figures(computed, final.content["figures"], books.definition(member).kpis)


def level_detail(member: MemberContext, kpi: str, period: Period, name: str) -> LevelDetail:
    """Return a level by month, queue, team and hour, with its contacts, as the viewer may see it.

    :raises comity.apps.books.results.NotComputedYet: as `review`
    """

    def compute() -> LevelDetail:
        with books.open_member_book(member) as book:
            book.definition = results.definition_before(member, period.end)
            return build_level_detail(book, kpi, period, datetime.now(UTC))

    return results.computed(member, Question(COMPUTE_LEVEL, (("kpi", kpi), ("period", name))), compute)


def computed_figure(member: MemberContext, key: str, period: str, compute: bool) -> ComputedFigure | None:  # noqa: FBT001 - as matters ask
    """Return a figure of the joint review: a level by its KPI, or a reading by its key; None where there is none.

    :param compute: have the review computed where it is not
    :raises comity.apps.books.results.NotComputedYet: as `review`
    """
    try:
        joint = _joint_review(member, period, compute=compute)
    except NoReviewError:
        return None
    level = None if joint is None else next((one for one in joint.levels if one.kpi == key), None)
    if level is not None:
        return ComputedFigure(level.value, level.target, level.met, level.better, level.measure)
    reading = None if joint is None else find_reading(joint, key)
    return None if reading is None else ComputedFigure(reading.after)


def formed_figures(member: MemberContext, period: str, compute: bool) -> frozenset[str] | None:  # noqa: FBT001 - as matters ask
    """Return the KPIs whose level, and the readings whose figure, the joint review of a period could form.

    :param compute: as of `computed_figure`
    :returns: None where there is no review
    :raises comity.apps.books.results.NotComputedYet: as `review`
    """
    try:
        joint = _joint_review(member, period, compute=compute)
    except NoReviewError:
        return frozenset()
    if joint is None:
        return None
    return frozenset({one.kpi for one in joint.levels} | {one.id for one in joint.readings})


def _joint_review(member: MemberContext, period: str, *, compute: bool) -> Review | None:
    """Return the joint review of a period; None where it is not computed, or too many were asked for within the hour.

    :raises NoReviewError: where the records hold no whole period
    :raises comity.apps.books.results.NotComputedYet: as `review`
    """
    viewer = member.joint()
    try:
        if compute:
            return review(viewer, period)
    except (NotComputedYet, NoReviewError):
        raise
    except (books.NoBookError, UnusableBookError, UnknownPeriodError, Refused):
        return None
    known: Review | None = results.current_result(viewer, review_question(period))
    return known


def review_question(period: str | None, against: Against | None = None) -> Question:
    """Return the question whose result is a review."""
    return Question(COMPUTE_REVIEW, (("period", period), ("against", None if against is None else str(against))))


def attribution(member: MemberContext, kpi: str, period: str | None) -> Attribution:
    """Return the attribution of a service level, as the viewer may see it.

    :raises comity.review.attribution.NoAttributionError: for a KPI that cannot be attributed
    :raises comity.apps.books.results.NotComputedYet: as `review`
    """
    question = attribution_question(kpi, period)

    def compute() -> Attribution:
        with books.open_member_book(member) as book:
            book.definition = results.definition_before(member, _period_end(member, dict(question.terms)))
            return attribute(book, kpi, period=period, now=datetime.now(UTC))

    book_definition = books.definition(member)
    if period is not None:
        named(period, book_definition.month_starts_on)
    if kpi not in {one.id for one in book_definition.kpis}:
        raise NoAttributionError(f"there is no KPI {kpi!r}")
    result = results.computed(member, question, compute)
    if period is None:
        _share(member, question, attribution_question(kpi, result.name))
    return result


for _task in (COMPUTE_REVIEW, COMPUTE_LEVEL, COMPUTE_ATTRIBUTION):
    results.reads_agreement_before(_task, _period_end)


def attribution_question(kpi: str, period: str | None) -> Question:
    """Return the question whose result is an attribution."""
    return Question(COMPUTE_ATTRIBUTION, (("kpi", kpi), ("period", period)))


def review_body(
    member: MemberContext, review: Review, links: html.RoomLinks, proceedings: Proceedings
) -> tuple[Markup, Markup]:
    """Render the body and the tail of a review's page in the reader's language, cached."""
    reader_language = language()
    key = (
        "review page",
        review.digest,
        review.period,
        review.against,
        reader_language,
        tuple(sorted(links.marks.items())),
        links.known,
        proceedings.key,
    )

    def make() -> tuple[str, ...]:
        return tuple(str(one) for one in html.render_body(review, words_for(reader_language), links, proceedings))

    main, tail = results.cached(member, key, make)
    return Markup(main), Markup(tail)  # noqa: S704 - as it was rendered


def reading_body(member: MemberContext, review: Review, reading: str, links: html.RoomLinks) -> Markup | None:
    """Render the body of a reading's page, cached; None where the review has no such reading."""
    if find_reading(review, reading) is None:
        return None
    reader_language = language()
    marks = tuple(sorted(links.marks.items()))
    key = ("reading", reading, review.digest, review.period, review.against, reader_language, marks, links.known)
    text = results.cached(
        member, key, lambda: str(html.render_reading(review, words_for(reader_language), reading, links))
    )
    return Markup(text)  # noqa: S704 - as above


def figure_body(member: MemberContext, review: Review, kpi: str, links: html.RoomLinks) -> tuple[Markup, Markup] | None:
    """Render the body and the tail of a figure's page, cached; None where the review has no such level."""
    reader_language = language()
    key = (
        "figure",
        kpi,
        review.digest,
        review.period,
        review.against,
        reader_language,
        links.marks.get(kpi, ()),
        links.known,
    )

    def make() -> tuple[str, ...] | None:
        parts = html.render_level(review, words_for(reader_language), kpi, links)
        return None if parts is None else tuple(str(one) for one in parts)

    parts = results.cached(member, key, make)
    return None if parts is None else (Markup(parts[0]), Markup(parts[1]))  # noqa: S704 - as above


def matters_by_kpi(member: MemberContext, period: Period, name: str) -> dict[str, list[Matter]]:
    """Return disputes of a period's figures and open claims about its days, by KPI ("" for all KPIs).

    An accepted dispute stays; one that was refused or withdrawn does not.
    """
    open_claims = claims(member).filter(from_day__lt=period.end, to_day__gte=period.start)
    matters: dict[str, list[Matter]] = {}
    for matter in [
        *disputes(member, name).only(*_MATTER_FIELDS)[:_SHOWN_WITH_REVIEW],
        *open_claims.only(*_MATTER_FIELDS)[:_SHOWN_WITH_REVIEW],
    ]:
        matters.setdefault(matter.kpi, []).append(matter)
    return matters


def attribution_bodies(member: MemberContext, attribution: Attribution) -> dict[str, Markup]:
    """Render the parts of an attribution's page in the reader's language, cached."""
    reader_language = language()
    key = ("attribution body", attribution.kpi.id, attribution.period, reader_language)

    def make() -> dict[str, str]:
        return {
            part: str(text)
            for part, text in attribution_html.render_parts(attribution, words_for(reader_language)).items()
        }

    return {part: Markup(text) for part, text in results.cached(member, key, make).items()}  # noqa: S704 - as above


def half_hours(member: MemberContext, attribution: Attribution) -> list[tuple[int, str]]:
    """Return the half hours of the day that an attribution covers, as number and clock time."""
    key = ("halves", attribution.kpi.id, attribution.period)
    return results.cached(
        member, key, lambda: [(one, miss_map.slot_time(one)) for one in sorted(half_hours_of(attribution))]
    )


def matters_of_attribution(member: MemberContext, attribution: Attribution) -> dict[str, list[Matter]]:
    """Return the first `claims` and `disputes` about a level in its period, and the `actions`.

    An action is listed that names the level and the period, or that was raised or is due in the period.
    """
    matters = Matter.objects.filter(relationship=member.relationship)
    overlaps = Q(from_day__lt=attribution.period.end, to_day__gte=attribution.period.start)
    claims = matters.filter(overlaps, kind=Kind.CLAIM, kpi__in=("", attribution.kpi.id)).order_by("from_day")
    disputes = matters.filter(kind=Kind.DISPUTE, kpi=attribution.kpi.id, period=attribution.name).order_by("raised_at")
    span = [datetime.combine(day, time.min, UTC) for day in (attribution.period.start, attribution.period.end)]
    actions = matters.filter(kind=Kind.ACTION)
    raised = actions.filter(raised_at__gte=span[0], raised_at__lt=span[1]).order_by("-raised_at")
    due = actions.filter(
        state__in=TO_DO, due_on__gte=attribution.period.start, due_on__lt=attribution.period.end
    ).order_by("due_on")
    named_for_it = actions.filter(kpi=attribution.kpi.id, period=attribution.name).order_by("-raised_at")
    selections = [one[:_SHOWN_WITH_ATTRIBUTION] for one in (named_for_it, raised, due)]
    actions_by_id = {one.pk: one for selection in selections for one in selection}
    return {
        "claims": list(claims[:_SHOWN_WITH_ATTRIBUTION]),
        "disputes": list(disputes[:_SHOWN_WITH_ATTRIBUTION]),
        "actions": sorted(actions_by_id.values(), key=lambda one: (one.due_on or date.max, one.raised_at))[
            :_SHOWN_WITH_ATTRIBUTION
        ],
    }


def period_name(member: MemberContext, review: Review) -> str:
    """Return the canonical name of a review's period: 2026q2 and 2026-Q2 are one."""
    return books.definition(member).calendar(review.cut).name(review.period)


def adjacent_periods(calendar: Calendar, period: Period) -> tuple[Period, Period]:
    """Return the periods before and after."""
    return calendar.against(period, Against.PREVIOUS), calendar.containing(period.end)


def confirmations(member: MemberContext, period: str) -> dict[str, Consent]:
    """Return the valid confirmations of a period by side."""
    return record.valid_consents(member, ConsentSubject.PERIOD, period)


def figures(member: MemberContext, review: Review, period: str) -> Figures:
    """Return the figures of a joint review as they would be frozen now.

    Numbers that differ from confirmed ones only in their last digits are written as they were confirmed.
    """
    figures = period_figures(
        review,
        {kpi: [_dispute_note(member, one) for one in those] for kpi, those in disputes_by_kpi(member, period).items()},
    )
    for consent in confirmations(member, period).values():
        figures = keep_unchanged_digits(figures, consent.content)
    return figures


def _dispute_note(member: MemberContext, matter: Matter) -> DisputeNote:
    status = dispute_status(member, matter)
    return DisputeNote(
        id=str(matter.pk),
        by=matter.asks,
        status=Dispute.OPEN if status is None else status,
        wrong=matter.wrong,
        follows=matter.follows,
        value=None if matter.value is None else float(matter.value),
    )


@dataclass(frozen=True, slots=True)
class Closing:
    """State of the closing of a period.

    :ivar is_open: whether the period can be confirmed: it is over, and not frozen
    :ivar figures: those that would be confirmed or frozen; None where nothing on the page is about them
    :ivar digest: of these figures; what a confirmation has to name
    :ivar moved: since one side confirmed, before the other did; with `since`, whose confirmation it was
    :ivar pending: where the joint figures are being computed
    :ivar waits_for: accepted disputes that are still to be carried out, before which nobody confirms
    """

    words: dict[str, Consent]
    void: list[Consent]
    is_open: bool = False
    figures: Figures | None = None
    digest: str = ""
    moved: list[FigureChange] = field(default_factory=list)
    since: Consent | None = None
    pending: NotComputedYet | None = None
    waits_for: list[Matter] = field(default_factory=list)


def closing(member: MemberContext, period: Period, name: str, *, on_page: bool = True) -> Closing:
    """Return the state of the closing of a period, with the joint figures, for every viewer.

    :param on_page: whether the joint figures are on the page anyway; else they are only worked out where a side has
        confirmed some, for it takes as long as the own side's review, and nobody confirms what they do not see
    """
    consents = confirmations(member, name)
    void = list(record.void_consents(member, ConsentSubject.PERIOD, name))
    if period.end > timezone.now().date() or entries(member, name).exists():
        return Closing(consents, void)
    if not consents and not (on_page and member.may(Action.CONFIRM)):
        return Closing(consents, void, is_open=True, waits_for=disputes_to_carry_out(member, period))
    try:
        joint_review = review(member.joint(), name)
    except NoReviewError:
        return Closing(consents, void)
    except NotComputedYet as error:
        return Closing(consents, void, is_open=True, pending=error)
    if not joint_review.levels or not is_agreed(member, joint_review):  # there is nothing that anybody could confirm
        return Closing(consents, void)
    current_figures = figures(member, joint_review, name)
    digest = chain.digest_of(current_figures)
    since = next((one for one in consents.values() if one.digest != digest), None)
    return Closing(
        consents,
        void,
        True,
        current_figures,
        digest,
        [] if since is None else figure_changes(since.content, current_figures),
        since,
        waits_for=disputes_to_carry_out(member, period),
    )


def records_changed(member: MemberContext, period: str) -> list[FigureChange]:
    """Return how what the records last gave differs from the final figures of a period; nothing is computed for it."""
    computed = results.earlier_result(member.joint(), review_question(period))
    if computed is None:
        return []
    if was_read_ahead(member, _latest_final_entries):
        final = [one for one in rows_in(member, _latest_final_entries) if one.subject == period]
    else:
        final = list(entries(member, period))
    return [] if not final else changes_since_final(member, computed, period, final)


def changes_since_final(
    member: MemberContext, review: Review, period: str, entries: Sequence[Entry]
) -> list[FigureChange]:
    """Return how the figures of a joint review differ from the final ones, or the last restated ones; none if open."""
    if not entries:
        return []
    final = entries[-1].content["figures"]
    changes = figure_changes(final, keep_unchanged_digits(figures(member, review, period), final))
    # Of people no two figures of almost the same answers stand beside each other.
    return [replace(one, before=None, after=None) if _tells_of_people(one, final) else one for one in changes]


def _tells_of_people(change: FigureChange, final: Mapping[str, Any]) -> bool:
    """Whether a change is of a disputed reading about people, and shows two of its figures."""
    figure = final.get(change.kpi)
    if figure is None or figure.get("definition") != {}:
        return False
    return change.what in {"value", "num", "den"} and reading_compares_people(figure["measure"])


def is_agreed(member: MemberContext, review: Review) -> bool:
    """Return whether both sides agreed to the KPIs of a review, without which nobody confirms figures.

    The database checks the same of each stretch of a period: an entry that a book names has to be in the record, and
    about that KPI, as a set of KPIs or as a change of the agreement.
    """
    levels = [one for level in review.levels for one in (level, *level.earlier)]
    wordings = [one.definition for one in levels]
    named = {kpi.entry for kpi in wordings if kpi.entry is not None}
    ids: dict[int, set[str]] = {}
    if named:
        for one in record.entries(member, ConsentSubject.KPIS).filter(number__in=named):
            ids[one.number] = {kpi["id"] for kpi in one.content["content"]["kpis"]}
        for one in record.entries(member, ConsentSubject.AGREEMENT).filter(number__in=named):
            edits = one.content["content"]["change"]["edits"]
            ids[one.number] = {edit[what] for edit in edits for what in ("add", "set") if what in edit}
    relief = {(number, one.kpi) for one in levels if one.relieved is not None for number in one.relieved.changes}
    if relief:
        changes = record.entries(member, ConsentSubject.AGREEMENT)
        waived = changes.filter(subject__in=[str(number) for number, _ in relief])
        signed = {(int(one.subject), kpi) for one in waived for kpi in _relieved_kpis(one)}
        if not relief <= signed:
            return False
    return all(kpi.agreed and (kpi.entry is None or kpi.id in ids.get(kpi.entry, ())) for kpi in wordings)


def _relieved_kpis(entry: Entry) -> list[str]:
    """Return the KPIs for which a signed change carries relief."""
    waived = entry.content["content"]["signed"].get("waived") or {}
    return list(waived.get("kpis", ()))


def entries(member: MemberContext, period: str) -> QuerySet[Entry]:
    """List the entries of the record about a period, the earliest first."""
    return record.entries(member, ConsentSubject.PERIOD, period)


def final_overlaps(member: MemberContext, period: Period) -> list[str]:
    """List the names of the final periods that have days of a period, and are not that period, by their first days."""
    starts_on = books.definition(member).month_starts_on
    frozen = record.entries(member, ConsentSubject.PERIOD).filter(kind=EntryKind.FROZEN)
    spans = {name: named(name, starts_on)[1] for name in frozen.values_list("subject", flat=True)}
    found = [name for name, one in spans.items() if one != period and one.start < period.end and period.start < one.end]
    return sorted(found, key=lambda name: (spans[name].start, spans[name].end))


def disputes(member: MemberContext, period: str) -> QuerySet[Matter]:
    """List disputes of a period's figures, except declined and withdrawn ones, by the day that the reply is due."""
    return (
        Matter.objects.filter(relationship=member.relationship, kind=Kind.DISPUTE, period=period)
        .exclude(state__in=NOT_UPHELD)
        .order_by("reply_by", "pk")
    )


def disputes_to_carry_out(member: MemberContext, period: Period) -> list[Matter]:
    """List the accepted disputes for which a period waits: about it, or about one that overlaps it."""
    due = rows_in(member, _disputes_to_carry_out, today(member))
    overlapping = [
        one for one in due if one.from_day and one.to_day and one.from_day < period.end and one.to_day >= period.start
    ]
    return [one for one in overlapping if dispute_status(member, one) is Dispute.TO_CARRY_OUT]


def final_names(member: MemberContext) -> list[str]:
    """Return the names of the latest final periods, the latest first."""
    final = [name for name, kind in record.subjects(member, ConsentSubject.PERIOD) if kind == EntryKind.FROZEN]
    return final[:MOST_CHANGED]


def read_ahead_periods(members: Sequence[MemberContext]) -> None:
    """Read consents to periods, the latest final figures and the disputes that wait, of relationships at once."""
    record.read_ahead_consents(members)
    with_book = [one for one in members if books.readable_definition(one) is not None]
    read_ahead(with_book, _latest_final_entries)
    read_ahead(with_book, _disputes_to_carry_out, lambda one: (today(one),))


def _disputes_to_carry_out(where: Place, day: date) -> QuerySet[Matter]:
    accepted = Matter.objects.filter(relationship=where, kind=Kind.DISPUTE, follows__in=CARRIED_OUT)
    return accepted.filter(due_on__gte=day).order_by("due_on", "pk")


def _latest_final_entries(where: Place) -> QuerySet[Entry]:
    periods = Entry.objects.filter(relationship=where, subject_type=ConsentSubject.PERIOD)
    latest = periods.filter(kind=EntryKind.FROZEN).order_by("-number").values("subject")[:MOST_CHANGED]
    return periods.filter(subject__in=latest).order_by("number")


def disputes_by_kpi(member: MemberContext, period: str) -> dict[str, list[Matter]]:
    """Return the disputes of a period's figures by KPI, except declined and withdrawn ones."""
    by_kpi: dict[str, list[Matter]] = {}
    for dispute in disputes(member, period):
        by_kpi.setdefault(dispute.kpi, []).append(dispute)
    return by_kpi


def accepted_claims(member: MemberContext, period: Period) -> QuerySet[Matter]:
    """List the accepted claims about days of a period, which its figures leave out or relieve, by their days."""
    return Matter.objects.filter(
        relationship=member.relationship,
        kind=Kind.CLAIM,
        state__in=GRANTED,
        from_day__lt=period.end,
        to_day__gte=period.start,
    ).order_by("from_day", "pk")


def claims(member: MemberContext) -> QuerySet[Matter]:
    """List open claims, by the day that the reply is due."""
    return Matter.objects.filter(relationship=member.relationship, kind=Kind.CLAIM, state__in=OPEN).order_by(
        "reply_by", "pk"
    )
