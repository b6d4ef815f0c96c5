"""Queries for priorities: the rounds, one's own side's order while a round is open, and both once it was opened.

What the other side has done in an open round nobody can ask: the database hides its row, and no query here tries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from comity.apps.agreements import queries as agreements
from comity.apps.agreements.models import Change
from comity.apps.books import queries as books
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.reading_ahead import Place, read_ahead, rows_in, was_read_ahead
from comity.apps.parties.rights import Action
from comity.apps.priorities.models import Outcome, Ranking, Round
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.core.agreements import priorities, signing
from comity.core.agreements.changes import AddClause, Edit, Proposal
from comity.core.agreements.clauses import Clause, complete
from comity.core.agreements.kinds import Kind
from comity.core.agreements.pointed_out import Point, points_of_priorities
from comity.core.agreements.priorities import Ordered
from comity.core.agreements.signing import UNDECIDED
from comity.core.agreements.text import Text, permanent_layer, text
from comity.core.values import Side

ORDER = ConsentSubject.JOINT_ORDER


@dataclass(frozen=True, slots=True)
class RoundKpi:
    """A KPI of a round.

    :ivar clause: as it read when the round was started; None: not shown to the reader
    :ivar change: number of the change that would add it; None: it was in force
    """

    id: str
    clause: Clause | None
    change: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A round that was opened.

    :ivar entry: of the record
    :ivar rankings: by side
    :ivar seals: by side, as `core.agreements.priorities.seal_document` has them but for the schema
    """

    entry: Entry
    rankings: Mapping[Side, priorities.Ranking]
    seals: Mapping[Side, Mapping[str, object]]


def rounds(member: MemberContext) -> QuerySet[Round]:
    """Return the rounds of the relationship, the latest first."""
    return Round.objects.filter(relationship=member.relationship).select_related("person")


def latest_round(member: MemberContext) -> Round | None:
    """Return the latest round; None where there was none."""
    return next(iter(rows_in(member, _latest_round)), None)


def read_ahead_rounds(members: Sequence[MemberContext]) -> None:
    """Read the latest rounds, what each own side has in them, and joint orders, of several relationships at once."""
    read_ahead(members, _latest_round)
    read_ahead(members, _own_rankings, lambda one: (one.side,) if _reads_rankings(one) else None)
    record.read_ahead_consents(members)


def _latest_round(where: Place) -> QuerySet[Round]:
    return Round.objects.filter(relationship=where).select_related("person")[:1]


def _own_rankings(where: Place, side: Side) -> QuerySet[Ranking]:
    return Ranking.objects.filter(relationship=where, side=side, round__ended_at=None)


def _reads_rankings(member: MemberContext) -> bool:
    return member.side is not None and member.may(Action.READ_OWN)


def open_round(member: MemberContext) -> Round | None:
    """Return the round that is open, if one is."""
    return rounds(member).filter(ended_at=None).first()


def is_over(member: MemberContext, row: Round) -> bool:
    """Return whether the last day of a round is over, or it has ended: nobody seals in it any more."""
    return row.ended_at is not None or agreements.today(member) > row.closes_on


def may_write(member: MemberContext) -> bool:
    """Return whether a member orders for their side: whoever acts and reads what the side keeps to itself."""
    return member.side is not None and member.may(Action.ACT) and member.may(Action.READ_OWN)


def own_ranking(member: MemberContext, row: Round) -> Ranking | None:
    """Return what the reader's side has written in an open round; None for those who do not read it."""
    if member.side is None or not _reads_rankings(member):
        return None
    if was_read_ahead(member, _own_rankings, member.side):
        return next((one for one in rows_in(member, _own_rankings, member.side) if one.round_id == row.pk), None)
    return Ranking.objects.filter(round=row, relationship=member.relationship, side=member.side).first()


def kpis_to_order(member: MemberContext) -> list[dict[str, object]]:
    """Return the KPIs of a round that begins now: those in force, and those that a proposed change would add.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    found: list[dict[str, object]] = [
        {"id": one.id, "change": None, "revision": None} for one in agreements.text_of(member).of(Kind.KPI)
    ]
    known = {one["id"] for one in found}
    for state in reversed(agreements.change_states(member, only_open=True)):
        if state.last is None or state.state not in UNDECIDED:
            continue
        for clause in _added(state.last.proposal):
            if clause.id not in known:
                known.add(clause.id)
                found.append({"id": clause.id, "change": state.row.number, "revision": state.last.number})
    return found


def _added(proposal: Proposal) -> list[Clause]:
    """Return the KPIs that a change adds."""
    return [
        Clause(edit.clause, edit.kind, complete(edit.kind, edit.fields))
        for edit in proposal.change.edits
        if isinstance(edit, AddClause) and edit.kind is Kind.KPI
    ]


def text_of_round(member: MemberContext, row: Round) -> Text:
    """Return the text that was in force when a round was started, as it was known then."""
    day = row.started_at.astimezone(ZoneInfo(books.zone(member))).date()
    return text(agreements.chain(member), day, row.known)


def kpis(member: MemberContext, row: Round) -> list[RoundKpi]:
    """Return the KPIs of a round as the reader may read them."""
    read = text_of_round(member, row)
    coming: dict[tuple[str, int], Clause] = {}
    numbers = [one["change"] for one in row.kpis if one["change"] is not None]
    if numbers:
        changes = Change.objects.filter(relationship=member.relationship, number__in=numbers).prefetch_related("steps")
        for change in changes:
            for revision in signing.revisions(agreements.parsed_steps(change)):
                key = partial(_key, change.number, revision.number)
                coming |= {key(clause.id): clause for clause in _added(revision.proposal)}
    found = []
    for one in row.kpis:
        in_force = read.get(one["id"]) if one["change"] is None else None
        clause = in_force or coming.get(_key(one["change"], one["revision"], one["id"]))
        shown = clause is not None and agreements.may_read(member, clause)
        found.append(RoundKpi(one["id"], clause if shown else None, one["change"]))
    return found


def _key(change: int | None, revision: int | None, clause: str) -> tuple[str, int]:
    """Return the key of a KPI that a revision of a change adds."""
    return f"{change} {clause}", revision or 0


def opened(member: MemberContext, row: Round) -> Opened | None:
    """Return what both sides sealed; None while a round is open, and where it ended without."""
    if row.outcome != Outcome.REVEALED:
        return None
    entry = record.entries(member, ConsentSubject.PRIORITIES, str(row.pk)).get()
    seals = {Side(side): seal for side, seal in entry.content["content"]["seals"].items()}
    rankings = {side: priorities.parse_ranking(seal["content"]) for side, seal in seals.items()}
    return Opened(entry, rankings, seals)


def points(member: MemberContext, row: Round, both: Opened) -> list[Point]:
    """Return what is pointed out once both orders are open, of the clauses that the member reads."""
    ranks = {side: priorities.places(one) for side, one in both.rankings.items()}
    read = [one for one in text_of_round(member, row).clauses if agreements.may_read(member, one)]
    return points_of_priorities(Text(tuple(read)), ranks)


def proposal(member: MemberContext, row: Round) -> Consent | None:
    """Return the word of the side whose joint order waits for the other's; None where both, or none, gave it."""
    words = record.valid_consents(member, ORDER, str(row.pk))
    return next(iter(words.values())) if len(words) == 1 else None


def settled(member: MemberContext, row: Round) -> Entry | None:
    """Return the entry of the record for the joint order of a round."""
    return record.entries(member, ORDER, str(row.pk)).first()


def is_settled(member: MemberContext, row: Round) -> bool:
    """Return whether both sides agreed on the joint order of a round."""
    return str(row.pk) in {subject for subject, _ in record.subjects(member, ORDER)}


def settled_order(entry: Entry) -> list[Ordered]:
    """Return the joint order of an entry, the first place first."""
    return priorities.parse_order(entry.content["content"])


def is_latest_opened(member: MemberContext, row: Round) -> bool:
    """Return whether no later round was opened: an order is settled by the latest."""
    later = rounds(member).filter(outcome=Outcome.REVEALED, started_at__gt=row.started_at)
    return not later.exists()


def edits_left(member: MemberContext, order: list[Ordered]) -> tuple[Edit, ...]:
    """Return the edits that the agreement lacks to say what was settled.

    They are of the text once all that was agreed holds, so that a KPI that begins later has its place too.
    """
    entries = agreements.chain(member)
    day = max([agreements.today(member), *(one.change.span.first_day for one in entries)])
    return priorities.edits_of_order(order, permanent_layer(entries, day))


def kpis_left(member: MemberContext, order: list[Ordered]) -> list[str]:
    """Return the KPIs of a joint order that are not agreed yet, so that no clause can hold their place."""
    entries = agreements.chain(member)
    day = max([agreements.today(member), *(one.change.span.first_day for one in entries)])
    read = permanent_layer(entries, day)
    return [one.kpi for one in order if read.get(one.kpi) is None]


def changes_with_order(member: MemberContext, edits: tuple[Edit, ...]) -> list[Change]:
    """Return the drafts and open proposals, as the reader sees them, that hold one of the edits already."""
    found, entries = [], agreements.chain(member)
    for state in agreements.change_states(member, only_open=True):
        contents = [
            agreements.draft_content(one, entries).edits for one in agreements.drafts(member, state.row).values()
        ]
        if state.last is not None:
            contents = [state.last.proposal.change.edits]
        if any(edit in held for held in contents for edit in edits):
            found.append(state.row)
    return found


def closing_day(member: MemberContext, days: int) -> date:
    """Return the day a number of days from today, in the relationship's time zone."""
    return date.fromordinal(agreements.today(member).toordinal() + days)
