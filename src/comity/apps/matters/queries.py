"""Matters, their steps and their evidence, as the pages show them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import (
    Case,
    CharField,
    Count,
    DateTimeField,
    Exists,
    F,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from comity.apps.agreements import queries as agreements
from comity.apps.books import results
from comity.apps.books.models import Delivery, Stage
from comity.apps.books.queries import (
    NoBookError,
    book_folder,
    has_book,
    open_member_book,
    readable_definition,
    readable_deliveries,
    zone,
)
from comity.apps.books.results import Question
from comity.apps.matters.models import Evidence, FormalNotice, Matter, Opened, SilenceNotice, Step
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership
from comity.apps.parties.reading_ahead import Place, read_ahead, rows_in
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.apps.replies.queries import REMINDER_LEAD_TIME
from comity.book.errors import UnusableFileError
from comity.book.importing.corrections import NoProposalError, supposed_accepted
from comity.book.statistics.exclusions import named_queues
from comity.core import levels
from comity.core.agreements.clauses import Clause
from comity.core.agreements.kinds import Kind as ClauseKind
from comity.core.agreements.kpi import HIGHER
from comity.core.calendars import named
from comity.core.matters import transitions
from comity.core.matters.kinds import KINDS, Follows, Kind, is_promise, silence_may_accept
from comity.core.matters.receipt import BOUNCE_TIME
from comity.core.matters.time_bars import Passed, Said, TimeBar, passed, time_bar
from comity.core.matters.transitions import BROKEN_AFTER_DAYS, OPEN, TO_DO, UNDONE, Dispute, Move, State
from comity.core.values import Period, Side
from comity.review.claim_effect import Claim, ClaimEffect
from comity.review.claim_effect import claim_effects as claim_effects_of
from comity.review.claim_effect import correction_effects as correction_effects_of
from comity.review.readings import reading_ids, reading_specs

COMPUTE_CLAIM, COMPUTE_CORRECTION = "matters.claim_effect", "matters.correction_effect"  # tasks
_LOCK_TIMEOUT_S = 3.0  # how long the computation waits for the lock of a book before it is tried again later
_MOST_PROMPTS = 200  # matters offered as what prompted another one
_SHOWN_SINCE = 5  # imports, and corrections, after an accepted dispute
CONFIRMATION = "confirmation"  # of what is done, among the kinds that a `clock` clause names
LATE = "late"  # what is objected to, beside posture and nature
_WAITING_CACHE_KEY = "matters that wait"
MAX_WAITING = 30  # of each side and group on Today; the list of matters has them all
DUE_SOON_DAYS = 3  # before the day by which work is owed, on which its side is reminded; the database knows it too
_UNDONE_TOLD = timedelta(days=30)
CARRIED_OUT = (Follows.RECORDS, Follows.FORMULA)  # what is to be done after an accepted dispute
# What is agreed and not done yet, as both sides say.
IS_WORK = Q(promise=True, state__in=UNDONE)
_BY_ANSWERS, _BY_ASKS = (State.ASKED, State.ASKED_BACK_A), (State.COUNTERED, State.ASKED_BACK_B)  # whose turn it is


@dataclass(frozen=True, slots=True)
class ComputedFigure:
    """What the joint review computes of a figure, in the figure's unit."""

    value: float
    target: float | None = None
    met: bool | None = None
    better: str = HIGHER
    measure: str = ""


FigureSource = Callable[[MemberContext, str, str, bool], ComputedFigure | None]
# Each returns a joint figure by its key and the name of its period, None where it knows none. Without the flag it
# returns what is computed already, with it it may raise `NotComputedYet`. A higher app registers its own.
figure_sources: list[FigureSource] = []
FormedSource = Callable[[MemberContext, str, bool], frozenset[str] | None]
# Each returns the keys of the joint figures that were formed of a period, None where that is not known; with the flag
# it may raise `NotComputedYet`. A higher app registers its own.
formed_sources: list[FormedSource] = []


def computed_figure(member: MemberContext, matter: Matter, *, compute: bool) -> ComputedFigure | None:
    """Return the joint figure that a matter is about, from the records as they are now; None where there is none.

    :param compute: have it computed where it is not; else nothing is asked for
    :raises comity.apps.books.results.NotComputedYet: in a request, where it is being computed
    """
    if not matter.kpi or not matter.period:
        return None
    found = (source(member, matter.kpi, matter.period, compute) for source in figure_sources)
    return next((one for one in found if one is not None), None)


def formed_figures(member: MemberContext, period: str, *, compute: bool) -> frozenset[str] | None:
    """Return the keys of the joint figures that were formed of a period; None where that is not known.

    :param compute: have the period's review computed where it is not; else nothing is asked for
    :raises comity.apps.books.results.NotComputedYet: in a request, where it is being computed
    """
    found = (source(member, period, compute) for source in formed_sources)
    return next((one for one in found if one is not None), None)


def imports_since(member: MemberContext, matter: Matter) -> list[Delivery]:
    """List the shared files that the side which carries out an accepted dispute has imported since, the latest first.

    Which of them carries it out, that side says, and the other side confirms.
    """
    accepted_at = _accepted_at(matter)
    if accepted_at is None or matter.follows != Follows.RECORDS:
        return []
    files = readable_deliveries(member).filter(side=matter.answers, stage=Stage.BROUGHT, private=False)
    return list(files.filter(at__gt=accepted_at).order_by("-at")[:_SHOWN_SINCE])


def corrections_since(member: MemberContext, matter: Matter) -> list[Matter]:
    """List the corrections that such a side has proposed to rows of the other side since, the latest first."""
    accepted_at = _accepted_at(matter)
    if accepted_at is None or matter.follows != Follows.RECORDS:
        return []
    proposed = Matter.objects.filter(relationship=member.relationship, kind=Kind.CORRECTION, asks=matter.answers)
    return list(proposed.filter(raised_at__gt=accepted_at).order_by("-raised_at")[:_SHOWN_SINCE])


def _accepted_at(matter: Matter) -> datetime | None:
    """Return when a dispute was accepted, the last time; None for one that was not, and for any other matter."""
    if matter.kind != Kind.DISPUTE or matter.state not in {*UNDONE, State.CONFIRMED, State.BROKEN, State.LET_OFF}:
        return None
    accepted = Step.objects.filter(matter=matter, move__in=(Move.AGREE, Move.DEEM)).order_by("-number").first()
    return None if accepted is None else accepted.at


def waiting(member: MemberContext, side: Side) -> QuerySet[Matter]:
    """List the matters that wait for a side's answer, by the day that it is due."""
    return _waiting(member.relationship.pk, side).select_related("prompted_by")


def first_waiting(member: MemberContext, side: Side) -> list[Matter]:
    """Return the matters that wait for a side's answer, by the day that it is due; of many the first.

    Only what a row of a list shows of them.
    """
    return rows_in(member, _first_waiting, side)


def count_waiting(member: MemberContext) -> dict[Side, int]:
    """Count the matters that wait for each side; one query for each request, because several panels ask."""
    if _WAITING_CACHE_KEY not in member.cache:
        counts = dict(rows_in(member, _counts_waiting))
        member.cache[_WAITING_CACHE_KEY] = {side: counts.get(side.value, 0) for side in Side}
    counts_by_side: dict[Side, int] = member.cache[_WAITING_CACHE_KEY]
    return counts_by_side


def open_actions(member: MemberContext) -> QuerySet[Matter]:
    """List what is agreed and to be done, or to be confirmed as done, the most urgent first."""
    return _open_actions(member.relationship.pk)


def first_actions(member: MemberContext) -> list[Matter]:
    """Return the most urgent of what is agreed and to be done, or to be confirmed as done; of many the first."""
    return rows_in(member, _first_actions)


def read_ahead_waiting(members: Sequence[MemberContext]) -> None:
    """Read what waits for an answer, of several relationships at once."""
    for side in Side:
        read_ahead(members, _first_waiting, partial(_of_side, side))
    read_ahead(members, _counts_waiting)


def read_ahead_actions(members: Sequence[MemberContext]) -> None:
    """Read what is to be done, of several relationships at once."""
    read_ahead(members, _first_actions)


def _waiting(where: Place, side: Side) -> QuerySet[Matter]:
    turn = Q(state__in=_BY_ANSWERS, answers=side) | Q(state__in=_BY_ASKS, asks=side)
    asked_by = Step.objects.filter(matter=OuterRef("pk"), number=1).values("person__name")
    found = Matter.objects.filter(turn, relationship=where, state__in=OPEN).annotate(asked_by=Subquery(asked_by[:1]))
    return found.order_by("reply_by", "pk")


def _first_waiting(where: Place, side: Side) -> QuerySet[Matter]:
    shown = ("relationship", "kind", "state", "answers", "title", "period", "records", "reply_by")
    return _waiting(where, side).only(*shown)[:MAX_WAITING]


def _of_side(side: Side, member: MemberContext) -> tuple[Side]:  # noqa: ARG001 - as queries are read ahead
    return (side,)


def _counts_waiting(where: Place) -> QuerySet[Matter, tuple[str, int]]:
    open_matters = Matter.objects.filter(relationship=where, state__in=OPEN).order_by()
    side_to_answer = Case(When(state__in=_BY_ANSWERS, then=F("answers")), default=F("asks"))
    return open_matters.values_list(side_to_answer).annotate(Count("pk"))


def _open_actions(where: Place) -> QuerySet[Matter]:
    found = Matter.objects.filter(IS_WORK, relationship=where)
    return found.select_related("owner__person").order_by("due_on", "pk")


def _first_actions(where: Place) -> QuerySet[Matter]:
    return _open_actions(where)[: 2 * MAX_WAITING]


def disputes_to_carry_out(member: MemberContext) -> QuerySet[Matter]:
    """List the accepted disputes that the viewer's side has still to carry out in the records."""
    if member.side is None:
        return Matter.objects.none()
    return open_actions(member).filter(
        kind=Kind.DISPUTE, follows=Follows.RECORDS, answers=member.side.value, state__in=TO_DO
    )


def matters(member: MemberContext, show: str = "all", kind: str = "") -> QuerySet[Matter]:
    """List all matters, or the open or ended ones, the newest first.

    What is agreed and to be done is open until both sides say that it is done.
    """
    all_matters = Matter.objects.filter(relationship=member.relationship).select_related("prompted_by")
    selected = all_matters.order_by("-raised_at", "-pk")
    is_open = Q(state__in=OPEN) | IS_WORK
    if show != "all":
        selected = selected.filter(is_open) if show == "open" else selected.exclude(is_open)
    return selected.filter(kind=kind) if kind else selected


@dataclass(frozen=True, slots=True)
class MatterFilters:
    """What a list of matters shows, as its URL has it.

    :ivar show: open, ended or all
    :ivar waits: a side's name; empty: whoever is to act
    :ivar mine: those that the member owns or has raised
    :ivar sort: turn (by who must act, then by due date), due, newest or oldest
    """

    show: str = "open"
    kind: str = ""
    waits: str = ""
    mine: bool = False
    overdue: bool = False
    sort: str = "turn"


SHOWS, SORTS = ("open", "ended", "all"), ("turn", "due", "newest", "oldest")
_IS_OPEN = Q(state__in=OPEN) | IS_WORK
# Who must act: answer, do what is owed, or confirm that the other side has done it.
_WAITS_FOR: Mapping[Side, Q] = {
    side: Q(state__in=_BY_ANSWERS, answers=side)
    | Q(state__in=_BY_ASKS, asks=side)
    | (IS_WORK & Q(state__in=TO_DO, debtor=side))
    | Q(promise=True, state=State.DONE, done_by=side.other)
    for side in Side
}
# When a matter is due: the reply, or what was agreed to be done.
_DUE = Coalesce("reply_by", Cast("due_on", DateTimeField()))


def matter_list(member: MemberContext, filters: MatterFilters) -> QuerySet[Matter]:
    """List matters as filtered and sorted, each with `turn`: the side that must act, or an empty text."""
    selected = _matters_with_turn(member).filter(_condition(member, filters))
    own = member.side or Side.CUSTOMER
    order = Case(When(turn=own, then=0), When(turn=own.other, then=1), default=2)
    orders: dict[str, tuple[Any, ...]] = {
        "turn": (order, F("due").asc(nulls_last=True), "-raised_at", "-pk"),
        "due": (F("due").asc(nulls_last=True), "-raised_at", "-pk"),
        "newest": ("-raised_at", "-pk"),
        "oldest": ("raised_at", "pk"),
    }
    return selected.select_related("owner__person", "prompted_by").order_by(*orders[filters.sort])


def count_matters(member: MemberContext, choices: Mapping[str, MatterFilters]) -> dict[str, int]:
    """Count the matters of several choices of filters, in one query.

    The query groups matters by what filters ask of them, and the groups are added up here: one condition a choice took
    Django longer to write as SQL than everything else that the page of matters does.
    """
    asked = {
        "is_open": _IS_OPEN,
        **{f"waits_{side.value}": condition for side, condition in _WAITS_FOR.items()},
        "is_mine": _is_mine(member),
        "is_overdue": _is_overdue(),
    }
    flags = {name: Case(When(condition, then=True), default=False) for name, condition in asked.items()}
    rows = Matter.objects.filter(relationship=member.relationship).annotate(due=_DUE, **flags).order_by()
    groups = list(rows.values("kind", *asked).annotate(matters=Count("pk")))
    return {
        name: sum(group["matters"] for group in groups if _is_in_group(group, filters))
        for name, filters in choices.items()
    }


def _is_in_group(group: Mapping[str, Any], filters: MatterFilters) -> bool:
    """Whether filters show the matters of a group; `_condition` says the same in SQL."""
    return (
        filters.show in {"all", "open" if group["is_open"] else "ended"}
        and filters.kind in {"", group["kind"]}
        and (not filters.waits or group[f"waits_{filters.waits}"])
        and (not filters.mine or group["is_mine"])
        and (not filters.overdue or (group["is_open"] and group["is_overdue"]))
    )


def _matters_with_turn(member: MemberContext) -> QuerySet[Matter]:
    asked_by = Step.objects.filter(matter=OuterRef("pk"), number=1).values("person__name")
    turn = Case(
        *(When(condition, then=Value(side.value)) for side, condition in _WAITS_FOR.items()),
        default=Value(""),
        output_field=CharField(),
    )
    matters = Matter.objects.filter(relationship=member.relationship)
    return matters.annotate(due=_DUE, turn=turn, asked_by=Subquery(asked_by))


def _condition(member: MemberContext, filters: MatterFilters) -> Q:
    condition = {"open": _IS_OPEN, "ended": ~_IS_OPEN}.get(filters.show, Q())
    if filters.kind:
        condition &= Q(kind=filters.kind)
    if filters.waits:
        condition &= _WAITS_FOR[Side(filters.waits)]
    if filters.mine:
        condition &= _is_mine(member)
    if filters.overdue:
        condition &= _IS_OPEN & _is_overdue()
    return condition


def _is_mine(member: MemberContext) -> Q:
    own_first_steps = Step.objects.filter(matter=OuterRef("pk"), number=1, person=member.membership.person_id)
    return Q(owner=member.membership.pk) | Q(Exists(own_first_steps))


def _is_overdue() -> Q:
    return Q(due__lt=timezone.now())


def matter(member: MemberContext, number: UUID) -> Matter | None:
    """Return a matter of the relationship."""
    return (
        Matter.objects.filter(relationship=member.relationship, pk=number)
        .select_related("owner__person", "asks_with__person", "answers_with__person", "prompted_by", "merged_into")
        .first()
    )


def steps(matter: Matter) -> QuerySet[Step]:
    """List the steps of a matter in order, without the content of their evidence."""
    evidence_without_content = Evidence.objects.defer("content")
    return (
        Step.objects.filter(matter=matter)
        .select_related("person", "answers_to")
        .prefetch_related(Prefetch("evidence", queryset=evidence_without_content))
    )


def last_number(matter: Matter) -> int:
    """Return the number of the last step."""
    return Step.objects.filter(matter=matter).order_by("-number").values_list("number", flat=True).first() or 0


def was_opened(matter: Matter, side: Side) -> bool:
    """Whether a side has had the last move of a matter before it."""
    return Opened.objects.filter(matter=matter, side=side.value, number__gte=matter.last_move).exists()


def was_acted_on(answer: Step, side: Side) -> bool:
    """Whether a side has confirmed figures since an answer, or a period has become final: both hold what it says."""
    since = {"relationship": answer.relationship_id, "subject_type": ConsentSubject.PERIOD, "at__gte": answer.at}
    return Consent.objects.filter(side=side.value, **since).exists() or Entry.objects.filter(**since).exists()


def disputed_period(member: MemberContext, name: str) -> tuple[str, Period]:
    """Return the canonical name of a period, and its days: 2026q2 and 2026-Q2 are one.

    :raises comity.core.calendars.UnknownPeriodError: for what is no period
    """
    agreed = readable_definition(member)
    calendar, period = named(name, 1 if agreed is None else agreed.month_starts_on)
    return calendar.name(period), period


def figure_unit(member: MemberContext, key: str) -> str | None:
    """Return the unit of a figure, a KPI by its id or a reading by its key; None for an unknown one.

    Where no book can be read, no figure is known and any may be named: its unit is empty.
    """
    agreed = readable_definition(member)
    if agreed is None:
        return ""
    units = {one.id: levels.unit(one) for one in agreed.kpis} | {spec.id: spec.unit for spec in reading_specs()}
    return units.get(key) or units.get(key.partition(":")[0])


def is_reading(member: MemberContext, key: str) -> bool:
    """Whether a figure is a reading and not a KPI, whose ids come first."""
    agreed = readable_definition(member)
    is_kpi = agreed is not None and any(kpi.id == key for kpi in agreed.kpis)
    return not is_kpi and key.partition(":")[0] in reading_ids()


def dispute_status(member: MemberContext, matter: Matter) -> Dispute | None:
    """Return how far a dispute is today; None for one that no figure shows."""
    return transitions.dispute_status(State(matter.state), matter.follows, matter.due_on, today(member))


def today(member: MemberContext) -> date:
    """Return the day where the book is, by which what was agreed is due; the same for every viewer."""
    return timezone.now().astimezone(ZoneInfo(zone(member))).date()


def claim_effects(member: MemberContext, matter: Matter) -> tuple[ClaimEffect, ...]:
    """Return what the joint figures would be without the days of a claim: accepted, or what relief is measured by.

    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    if matter.from_day is None or matter.to_day is None:
        return ()
    viewer, claim, question = _claim_question(member, matter, matter.from_day, matter.to_day)

    def compute() -> tuple[ClaimEffect, ...]:
        return claim_effects_of(partial(open_member_book, viewer), claim, today(member))

    return results.computed(viewer, question, compute)


def known_claim_effects(member: MemberContext, matter: Matter) -> tuple[ClaimEffect, ...]:
    """Return the same as far as it has been computed from the current records; nothing is computed for it."""
    if matter.from_day is None or matter.to_day is None or not has_book(member):
        return ()
    viewer, _, question = _claim_question(member, matter, matter.from_day, matter.to_day)
    known: tuple[ClaimEffect, ...] | None = results.current_result(viewer, question)
    return known or ()


def _claim_question(
    member: MemberContext, matter: Matter, first: date, last: date
) -> tuple[MemberContext, Claim, Question]:
    """Return the viewer of the joint figures, a claim as it is computed, and the question of its effect."""
    claim = Claim(first, last, named_queues(matter.queue), matter.kpi)
    terms = {
        "first": claim.first.isoformat(),
        "last": claim.last.isoformat(),
        "queues": matter.queue,
        "kpi": claim.kpi,
        "matter": str(matter.pk),
    }
    return member.joint(), claim, Question(COMPUTE_CLAIM, tuple(terms.items()))


def correction_effects(member: MemberContext, matter: Matter) -> tuple[ClaimEffect, ...]:
    """Return what the joint figures would be with all changes of a correction accepted.

    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been computed from these records
    """
    viewer, folder = member.joint(), book_folder(member.relationship.pk)
    table, number, key = (matter.records[name] for name in ("table", "number", "delivery"))

    def compute() -> tuple[ClaimEffect, ...]:
        try:
            with supposed_accepted(
                folder, table, number, side=Side(matter.answers), at=timezone.now(), key=key, patience_s=_LOCK_TIMEOUT_S
            ) as supposed:
                open_supposed = partial(open_member_book, viewer, supposed)
                return correction_effects_of(partial(open_member_book, viewer), open_supposed, today(member))
        except NoProposalError:  # it was answered meanwhile
            return ()

    return results.computed(viewer, Question(COMPUTE_CORRECTION, (("matter", str(matter.pk)),)), compute)


def roles(matter: Matter) -> dict[UUID, str]:
    """Return the latest role of each person who made a step, by the person's id."""
    people = Step.objects.filter(matter=matter).values("person")
    memberships = Membership.objects.filter(relationship=matter.relationship_id, person__in=people).order_by(
        "joined_at"
    )
    return dict(memberships.values_list("person", "role"))


def evidence(member: MemberContext, matter: Matter, number: UUID) -> Evidence | None:
    """Return a file of evidence with its content."""
    return Evidence.objects.filter(relationship=member.relationship, matter=matter, pk=number).first()


def to_remind(member: MemberContext) -> QuerySet[Matter]:
    """List open matters whose reply is due soon, including reminded ones, whose people may have left since."""
    soon = timezone.now() + REMINDER_LEAD_TIME
    return Matter.objects.filter(relationship=member.relationship, state__in=OPEN, reply_by__lt=soon)


def run_out(member: MemberContext) -> QuerySet[Matter]:
    """List matters whose clock has run out, of which no step says so yet."""
    said = Step.objects.filter(matter=OuterRef("pk"), move=Move.LATE, number__gt=OuterRef("last_move"))
    waiting_matters = Matter.objects.filter(relationship=member.relationship, reply_by__lt=timezone.now())
    return waiting_matters.filter(~Exists(said), state__in=(*OPEN, State.DONE))


def silent(member: MemberContext) -> QuerySet[Matter]:
    """List matters whose answer is overdue and that silence could accept, if both agreed on that."""
    kinds = [kind for kind, spec in KINDS.items() if spec.silence]
    return Matter.objects.filter(
        relationship=member.relationship, state=State.ASKED, kind__in=kinds, reply_by__lt=timezone.now()
    )


def agreed_silence(member: MemberContext, matter: Matter) -> int | None:
    """Return how many working days after the notice silence accepts a matter; None where both have not said so.

    By the text of the day on which it was raised, as both signed it.
    """
    kind, due = Kind(matter.kind), matter.due_on is not None
    is_promise_without_day = is_promise(kind, becomes=matter.becomes, due=due) and not due
    lacks_value = kind is Kind.DISPUTE and matter.value is None
    if not silence_may_accept(kind, proposes=matter.proposes, price=matter.price):
        return None
    if is_promise_without_day or lacks_value:  # silence sets no day, and says no figure
        return None
    said = _of_clock(member, matter.raised_at.astimezone(ZoneInfo(zone(member))).date(), "silence")
    rows = [row for row in said if isinstance(row, dict)] if isinstance(said, list) else []
    return next((int(str(row["days"])) for row in rows if row["matter"] == matter.kind), None)


def reply_days(member: MemberContext, matter: Matter) -> int:
    """Return in how many working days the side whose turn it is answers, or confirms what is done.

    As both signed it for the kind, by the text of the day on which it was raised; else as the room was set up.
    """
    what = CONFIRMATION if matter.state == State.DONE else matter.kind
    return reply_days_of(member, what, matter.raised_at.astimezone(ZoneInfo(zone(member))).date())


def reply_days_of(member: MemberContext, what: str, day: date) -> int:
    """Return in how many working days a kind of matter is answered by the text of a day.

    :param what: a kind, or `CONFIRMATION`
    """
    said = _of_clock(member, day, "replies")
    rows = [row for row in said if isinstance(row, dict)] if isinstance(said, list) else []
    agreed = next((int(str(row["days"])) for row in rows if row["matter"] == what), None)
    return member.relationship.reply_days if agreed is None else agreed


def notice_addresses(member: MemberContext, side: Side) -> list[str]:
    """Return where a side receives formal notice by mail, as both signed it, by today's text."""
    said = _of_clock(member, today(member), f"{side.value}_addresses")
    return [str(one) for one in said if "@" in str(one)] if isinstance(said, list) else []


def clauses_for_notice(member: MemberContext) -> list[Clause]:
    """Return the clauses under which a formal notice can be given today."""
    try:
        return [clause for clause in agreements.text_of(member).clauses if not clause.removed]
    except (NoBookError, UnusableFileError):
        return []


def formal_notice(matter: Matter) -> FormalNotice | None:
    """Return what makes a matter a formal notice; None for any other."""
    return FormalNotice.objects.filter(matter=matter).first() if matter.formal_under else None


def said_at(matter: Matter) -> datetime | None:
    """Return when the answering side first said anything in a matter, by the database's clock."""
    own = Step.objects.filter(matter=matter, side=matter.answers)
    first: datetime | None = own.aggregate(at=Min("recorded_at"))["at"]
    return first


def had_at(matter: Matter) -> datetime | None:
    """Return when the answering side first had a matter before it: opened, or with a step of its own."""
    opened = Opened.objects.filter(matter=matter, side=matter.answers).values_list("first_at", flat=True).first()
    return min((one for one in (opened, said_at(matter)) if one is not None), default=None)


def unreceived(member: MemberContext) -> QuerySet[FormalNotice]:
    """List the formal notices of the viewer's own side of which something is still to be noted."""
    of_side = FormalNotice.objects.filter(relationship=member.relationship).select_related("matter")
    waits = Q(received_at=None, failed_at=None) | Q(matter__reply_by=None, matter__state=State.ASKED)
    return of_side.filter(waits | Q(given_at__gt=timezone.now() - BOUNCE_TIME)).exclude(matter__state=State.WITHDRAWN)


def late_passed(matter: Matter) -> Passed | None:
    """Return what became of it that a matter was raised late; None for one that was not."""
    if not matter.late:
        return None
    steps = Step.objects.filter(matter=matter, side=matter.answers).order_by("number")
    said = [Said(one.at, Move(one.move), one.terms.get("object_to") == LATE, one.mark) for one in steps]
    return passed(received_at(matter) or timezone.now(), said, timezone.now())


def received_at(matter: Matter) -> datetime | None:
    """Return when the answering side received a matter: at once, or when its formal notice was; None until then."""
    notice = formal_notice(matter)
    return matter.raised_at if notice is None else notice.received_at


def agreed_time_bar(member: MemberContext, kind: Kind, day: date) -> TimeBar | None:
    """Return until when a matter of a kind can be raised, by the text of a day; None where both have not said so."""
    return time_bar(_of_clock(member, day, "time_bars"), kind)


def _of_clock(member: MemberContext, day: date, field: str) -> object:
    """Return a field of the clause of kind `clock` as it reads on a day; None where there is none."""
    try:
        clauses = agreements.text_of(member, day).of(ClauseKind.CLOCK)
    except (NoBookError, UnusableFileError):
        return None
    return clauses[0].fields.get(field) if clauses else None


def silence_notice(matter: Matter) -> SilenceNotice | None:
    """Return the last notice about what lies on the table now; None where there is none."""
    found = SilenceNotice.objects.filter(matter=matter, number__gt=max(matter.last_move, 1))
    return found.order_by("number").last()


def silent_until(matter: Matter) -> datetime | None:
    """Return when silence accepts a matter unless it is answered; None where no notice says so."""
    notice = silence_notice(matter) if matter.state == State.ASKED else None
    return None if notice is None else notice.until


def clock_ran() -> tuple[datetime | None, datetime | None]:
    """Return when the room's clock last ran, and when before that."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM comity_clock_times()")
        at, before = cursor.fetchone()
    return at, before


def owed_soon(member: MemberContext) -> QuerySet[Matter]:
    """List what is owed within some days, and today."""
    day = today(member)
    soon = day + timedelta(days=DUE_SOON_DAYS)
    owed = Matter.objects.filter(relationship=member.relationship, promise=True, state__in=TO_DO)
    return owed.filter(due_on__gte=day, due_on__lte=soon)


def undone_disputes(member: MemberContext) -> QuerySet[Matter]:
    """List the accepted disputes that were to be carried out by a day that is over, and that nobody confirmed as done.

    Those of long ago are left out, so that the first run after an upgrade tells of none that nobody waits for.
    """
    day = today(member)
    disputes = Matter.objects.filter(relationship=member.relationship, kind=Kind.DISPUTE, follows__in=CARRIED_OUT)
    return disputes.filter(state__in=UNDONE, due_on__lt=day, due_on__gte=day - _UNDONE_TOLD)


def overdue_promises(member: MemberContext) -> QuerySet[Matter]:
    """List what is owed and was due so long ago that it may count as broken."""
    long_ago = timezone.now().date() - timedelta(days=BROKEN_AFTER_DAYS)
    return Matter.objects.filter(
        relationship=member.relationship, promise=True, state__in=TO_DO, due_on__lt=long_ago
    ).exclude(kind=Kind.DISPUTE)


def may_prompt(member: MemberContext) -> QuerySet[Matter]:
    """List the matters that another one may be linked to when it is raised, the newest first."""
    return Matter.objects.filter(relationship=member.relationship).order_by("-raised_at", "-pk")[:_MOST_PROMPTS]


def merge_targets(member: MemberContext, matter: Matter) -> QuerySet[Matter]:
    """List the open matters of the same side into which one may be merged."""
    others = Matter.objects.filter(relationship=member.relationship, asks=matter.asks, state__in=OPEN)
    return others.exclude(pk=matter.pk).exclude(kind=Kind.CORRECTION).order_by("-raised_at", "-pk")


def openings(matter: Matter) -> dict[str, datetime | None]:
    """Return when each side first had a matter before it, by side."""
    return dict(Opened.objects.filter(matter=matter).values_list("side", "first_at"))
