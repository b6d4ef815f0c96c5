"""What an agreed change was expected to bring, what came, and whether each side had its benefit.

The baseline is computed by a job when both have signed, from the shared records as they are then, and stored: what is
known later does not move it. What came is computed as other figures are. A KPI is counted by one wording before and
after, the one in force when the change was proposed, so that no other wording passes for an improvement.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction

from comity.apps.agreements import queries
from comity.apps.agreements.models import ANSWERS, BenefitWord, Change
from comity.apps.agreements.models import Baseline as BaselineRow
from comity.apps.agreements.preview.figures import Counted, history, kpi_text
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.sentences import clause_heading
from comity.apps.agreements.telling import tell
from comity.apps.audit.models import Event
from comity.apps.books import queries as books
from comity.apps.books import results
from comity.apps.books.operations import find_actor
from comity.apps.books.results import Question
from comity.apps.i18n import words_for
from comity.apps.outbox.operations import defer
from comity.apps.parties.member_context import MemberContext, acting_as
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.record import operations as record
from comity.apps.refusal import Refused
from comity.book.definition import parse_kpis
from comity.book.reading.coverage import Coverage
from comity.core import chain, levels
from comity.core.agreements import signing
from comity.core.agreements.afterwards import Baseline, Outcome, baseline_of, outcome, whole_months_after
from comity.core.agreements.changes import Change as ChangeContent
from comity.core.agreements.changes import Proposal, touched
from comity.core.agreements.clauses import Clause
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.agreements.signing import Situation, State
from comity.core.agreements.text import Text, text, with_change
from comity.core.agreements.wordings import kpi_of
from comity.core.calendars import Calendar, Cut
from comity.core.values import Period, Side
from comity.review.i18n.words import LOCALES

BASELINE_TASK = "agreements.baseline"
COMPUTE_AFTER = "agreements.afterwards"  # the task
ASKED_FOR_DAYS = 180  # so long a side is asked on Today whether it had its benefit
# Between a first day and the end of the three whole months after it; by which most changes are soon left out.
_LEAST_DAYS_AFTER, _MOST_DAYS_AFTER = timedelta(days=89), timedelta(days=31 + 92)
_TABLES = ("contacts", "intervals", "surveys", "invoices")


@dataclass(frozen=True, slots=True)
class Values:
    """A KPI in each closed month by one wording, the earliest first.

    :ivar values: (month, value in `unit`)
    """

    kpi: str
    unit: str
    values: tuple[tuple[Period, float], ...]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One thing that a change was expected to bring.

    :ivar rises: whether the figure was expected to go up
    :ivar size: by how much, in its unit; None: no size was said
    :ivar baseline: as stored when both had signed; None: it is not stored, or no period had records
    :ivar after: None where it has not been computed yet, or the figure is none that is counted here
    :ivar others: numbers of other changes of the same KPI whose first day lies in the periods compared
    """

    figure: str
    rises: bool
    size: float | None
    by: date
    unit: str
    baseline: Baseline | None
    after: Outcome | None
    others: tuple[int, ...]


def expected_kpis(proposal: Proposal, now: Situation, proposed_at: datetime) -> dict[str, Kpi]:
    """Return each KPI that a change expects something of, by the wording in force when it was proposed.

    One that the change itself adds is taken as it is added. KPIs about people are left out, as in the preview.
    """
    proposed_on = proposed_at.astimezone(ZoneInfo(now.zone)).date()
    before = text(now.chain, proposed_on)
    after = text(with_change(now.chain, proposal.change), proposal.change.span.first_day)
    found = {}
    for item in _expected(proposal):
        figure = str(item["figure"])
        clause = _kpi_named(figure, before) or _kpi_named(figure, after)
        if clause is not None:
            kpi = kpi_of(clause.id, clause.fields)
            if MEASURES[kpi.measure].people_of is None:
                found[figure] = kpi
    return found


def _kpi_named(figure: str, of: Text) -> Clause | None:
    """Return the KPI of an id; of what people typed, the only one headed so in any language."""
    clause = of.get(figure)
    if clause is not None:
        return clause if clause.kind is Kind.KPI else None
    named = {
        one.id: one
        for one in of.of(Kind.KPI)
        for language in LOCALES
        if clause_heading(one, words_for(language)).casefold() == figure.strip().casefold()
    }
    return next(iter(named.values())) if len(named) == 1 else None


def _expected(proposal: Proposal) -> list[dict[str, object]]:
    expects = proposal.says.get("expects")
    return [item for item in expects if isinstance(item, dict)] if isinstance(expects, list) else []


def defer_baseline(member: MemberContext, change: Change, proposal: Proposal) -> None:
    """Have the baseline of an agreed change computed and stored, where it expects something."""
    if _expected(proposal):
        defer(
            BASELINE_TASK, relationship=member.relationship.pk, person=str(member.membership.person_id),
            side=str(member.side), change=str(change.pk),
        )  # fmt: skip


def keep_baseline(person: UUID, relationship: UUID, side: Side, change: UUID) -> None:
    """Store what a change is held against, for the task; what is stored already stays."""
    with acting_as(find_actor(person, relationship, lambda member: member.side == side), relationship) as member:
        now = queries.situation(member)
        state = queries.change_state(member, Change.objects.get(pk=change), now)
        if state.state is not State.AGREED or state.last is None:
            return
        proposed_at = signing.revisions(state.steps)[0].readable_at
        kpis = expected_kpis(state.last.proposal, now, proposed_at)
        for one in _compute(member.joint(), chain.canonical([kpi_text(kpi) for kpi in kpis.values()])):
            found = baseline_of(_before(one, proposed_at.astimezone(ZoneInfo(now.zone)).date()))
            if found is not None:
                _store(member, state.row, one, found)


def _store(member: MemberContext, row: Change, of: Values, found: Baseline) -> None:
    try:
        with transaction.atomic():
            BaselineRow.objects.create(
                change=row, relationship=member.relationship, figure=of.kpi, side=member.side or "",
                person=member.membership.person, unit=of.unit, count=found.count, mean=found.mean,
                spread=found.spread, low=found.low, high=found.high,
            )  # fmt: skip
    except IntegrityError:
        return  # it was stored before


def _before(of: Values, day: date) -> list[float]:
    return [value for period, value in of.values if period.end <= day]


def expectations(member: MemberContext, state: queries.ChangeState, now: Situation) -> list[Expectation]:
    """Return what an agreed change was expected to bring, and what came.

    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    if state.state is not State.AGREED or state.last is None:
        return []
    proposal = state.last.proposal
    kpis = expected_kpis(proposal, now, signing.revisions(state.steps)[0].readable_at)
    written = chain.canonical([kpi_text(kpi) for kpi in kpis.values()])
    counted = {one.kpi: one for one in values_of_text(member.joint(), written)} if kpis else {}
    stored = {one.figure: one for one in state.row.baselines.all()}
    months = months_after(member, proposal.change)
    return [_expectation(item, kpis, counted, stored, months, state, now) for item in _expected(proposal)]


def _expectation(  # noqa: PLR0913 - what is expected, and what is known
    item: dict[str, object],
    kpis: Mapping[str, Kpi],
    counted: dict[str, Values],
    stored: dict[str, BaselineRow],
    months: Sequence[Period],
    state: queries.ChangeState,
    now: Situation,
) -> Expectation:
    figure, size = str(item["figure"]), item.get("size")
    figure = kpis[figure].id if figure in kpis else figure
    row, values = stored.get(figure), counted.get(figure)
    baseline = None if row is None else Baseline(row.count, row.mean, row.spread, row.low, row.high)
    rises, least = item["direction"] == "up", None if size is None else abs(float(str(size)))
    after = None
    if values is not None:
        found = dict(values.values)
        came = [found[month] for month in months if month in found]
        after = outcome(baseline, came, rises=rises, size=least)
    return Expectation(
        figure, rises, least, date.fromisoformat(str(item["by"])),
        (row.unit if row else values.unit if values else ""), baseline, after,
        _others(figure, months, state.row.number, now),
    )  # fmt: skip


def _others(figure: str, months: Sequence[Period], number: int | None, now: Situation) -> tuple[int, ...]:
    """Return the other changes of a KPI whose first day lies in the periods before or after."""
    since, until = months[0].start - timedelta(days=366), months[-1].end
    return tuple(
        entry.change.number
        for entry in now.chain
        if entry.change.number != number
        and since <= entry.change.span.first_day < until
        and figure in touched(entry.change.edits)
    )


def months_after(member: MemberContext, change: ChangeContent) -> list[Period]:
    """Return the three whole months of the book after a change's first day."""
    return whole_months_after(change.span.first_day, books.definition(member).month_starts_on)


def values_of_text(member: MemberContext, written: str) -> list[Values]:
    """Return the KPIs of a JSON text in each closed month, which is how the question of a job has them."""
    return results.computed(member, Question(COMPUTE_AFTER, (("kpis", written),)), lambda: _compute(member, written))


def _compute(member: MemberContext, written: str) -> list[Values]:
    with books.open_member_book(member) as book:
        today = datetime.now(UTC).astimezone(ZoneInfo(book.definition.timezone)).date()
        coverage = Coverage(book, today)
        horizons = [end for name in _TABLES if (end := coverage.horizon([name])) is not None]
        calendar = Calendar(Cut.MONTH, book.definition.month_starts_on)
        found = []
        for (kpi,) in (parse_kpis([keys]) for keys in json.loads(written)):
            values: dict[Period, Counted] = {}
            if horizons:
                values = history(book, coverage, calendar, calendar.last_ending_by(min(max(horizons), today)), kpi)
            months = sorted(values, key=lambda month: month.start)
            unit = levels.unit(kpi) if months else ""
            found.append(Values(kpi.id, unit, tuple((month, values[month].value) for month in months)))
        return found


def words_of(row: Change) -> dict[Side, BenefitWord]:
    """Return what each side says of its benefit now."""
    return {Side(word.side): word for word in row.benefit_words.select_related("person")}


def is_one_sided(words: dict[Side, BenefitWord]) -> bool:
    """Whether one side had its benefit, and the other says that it had none."""
    return {word.answer for word in words.values()} >= {"yes", "no"}


def may_be_said(member: MemberContext, state: queries.ChangeState, now: Situation) -> bool:
    """Whether three whole months have passed since an agreed change's first day."""
    if state.state is not State.AGREED or state.last is None:
        return False
    return months_after(member, state.last.proposal.change)[-1].end <= now.today


def say_benefit(member: MemberContext, change: Change, answer: str, because: str = "") -> None:
    """Say whether a change brought one's own side its benefit; the last word counts.

    :param answer: one of `ANSWERS`
    :raises Refused: for those who may not, or may not read the change, before three whole months have passed, and where
        it was said already
    """
    if member.side is None or not member.may(Action.AGREE):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "changes")
    record.lock_relationship(member)
    now = queries.situation(member)
    state = queries.change_state(member, change, now)
    if answer not in ANSWERS or state.last is None or not may_be_said(member, state, now):
        raise Refused(Code.NOT_NOW)
    if not queries.may_read_change(member, state.last.proposal, now.chain):
        raise Refused(Code.NOT_READABLE)
    if answer != "yes" and not because.strip():
        raise Refused(Code.REASON)
    last = words_of(change).get(member.side)
    if last is not None and (last.answer, last.because) == (answer, because.strip()):
        raise Refused(Code.ALREADY_SAID)
    BenefitWord.objects.create(
        change=change, relationship=member.relationship, side=member.side, person=member.membership.person,
        answer=answer, because=because.strip(),
    )  # fmt: skip
    tell(member, change, Event.BENEFIT_SAID, state.last.proposal, member.side.other)


def unsaid(member: MemberContext, now: Situation) -> list[tuple[queries.ChangeState, list[Side]]]:
    """Return the agreed changes whose three months have passed lately, with the sides that have not said a word."""
    starts_on = books.definition(member).month_starts_on
    ripe = [
        entry.place
        for entry in now.chain
        if _MOST_DAYS_AFTER + timedelta(days=ASKED_FOR_DAYS)
        >= now.today - entry.change.span.first_day
        >= _LEAST_DAYS_AFTER
        and now.today - timedelta(days=ASKED_FOR_DAYS)
        <= whole_months_after(entry.change.span.first_day, starts_on)[-1].end
        <= now.today
    ]
    if not ripe:
        return []
    found = []
    for row in queries.visible_changes(member).filter(place__in=ripe).prefetch_related("steps", "benefit_words"):
        said = {word.side for word in row.benefit_words.all()}
        if silent := [side for side in Side if side not in said]:
            found.append((queries.change_state(member, row, now), silent))
    return found
