"""How both sides change their agreement: each agreed change as it is measured, and what that comes to by side.

Only what the room saw is counted: changes that were proposed and signed in it. Of these a reader's measures have those
that the reader may read, and say how many they leave out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.agreements import queries
from comity.apps.agreements.early_start.carrying_out import came_about
from comity.apps.books import queries as books
from comity.apps.books import results
from comity.apps.parties.member_context import MemberContext
from comity.book.lateness import deliveries_in_time
from comity.book.reading.coverage import Coverage
from comity.book.statistics.forecast_lock import forecasts_locked_in_time
from comity.core.agreements.kinds import Kind
from comity.core.agreements.measured import (
    ChangeRow,
    DaysToAgreed,
    Measured,
    days_to_agreed,
    measured,
)
from comity.core.agreements.notice import working_hours
from comity.core.agreements.signing import State
from comity.core.agreements.text import Chain, Text, text
from comity.core.proportions import Proportion
from comity.core.values import Side

# In the order of the page; of the duties of the same name a target may be agreed.
MEASURES = ("notice", "reasons", "not_marked", "authorship", "executed_only", "told", "told_in_time", "done_before")
OF_RECORDS = frozenset({"records_in_time", "forecast_locked_in_time"})  # duties that the records tell of
LATER = ("reply_in_time", "decision_in_time", "paid_in_time", "price_edits", "forecast_error")


@dataclass(frozen=True, slots=True)
class MeasuredChange:
    """One agreed change with its row, for the reader to check the shares by."""

    id: UUID
    number: int
    title: str
    agreed_on: date
    row: ChangeRow


@dataclass(frozen=True, slots=True)
class Duty:
    """What a side agreed to reach, as a clause of today says; `share` is what it came to, None where this is later."""

    clause: str
    side: Side
    measure: str
    target: str
    share: Proportion | None

    @property
    def met(self) -> bool | None:
        """Whether it is reached; None without a target, or where nothing is counted."""
        if not self.target or self.share is None or self.share.share is None:
            return None
        return self.share.share >= float(self.target)


@dataclass(frozen=True, slots=True)
class Measures:
    """What both sides' changes come to, as a reader may know it.

    :ivar changes: the latest agreed one first
    :ivar not_readable: agreed changes that are left out because the reader may not read them
    :ivar from_before: agreed changes that nobody proposed and signed here
    """

    changes: tuple[MeasuredChange, ...]
    not_readable: int
    from_before: int
    by_side: Mapping[Side, Measured]
    days: Mapping[Side, DaysToAgreed | None]
    duties: tuple[Duty, ...]


def measures(member: MemberContext) -> Measures:
    """Return how both sides change their agreement, of what a member may read.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    entries = queries.chain(member)
    states = [one for one in queries.change_states(member) if one.state is State.AGREED]
    now = queries.situation(member, entries)
    found, not_readable = [], 0
    for one in states:
        row = came_about(one, now)
        if row is None or one.last is None or not queries.may_read_change(member, one.last.proposal, entries):
            not_readable += 1
            continue
        found.append(_measured_change(one, row, now.zone))
    rows = [change.row for change in found]
    by_side = {side: measured(rows, side) for side in Side}
    return Measures(
        tuple(found),
        not_readable,
        len(entries) - len(states),
        by_side,
        {side: days_to_agreed([row for row in rows if row.giver is side]) for side in Side},
        _duties(member, entries, by_side),
    )


def _measured_change(state: queries.ChangeState, row: ChangeRow, zone: str) -> MeasuredChange:
    assert state.last is not None
    proposal, agreed_at = state.last.proposal, state.steps[-1].at
    title = str(proposal.says.get("title", ""))
    agreed_on = agreed_at.astimezone(ZoneInfo(zone)).date()
    return MeasuredChange(state.row.pk, proposal.change.number, title, agreed_on, row)


def _duties(member: MemberContext, entries: Chain, by_side: Mapping[Side, Measured]) -> tuple[Duty, ...]:
    """Return the duties of today's text, of those that the member may read."""
    read = text(entries, queries.today(member))
    clauses = [one for one in read.of(Kind.DUTY) if queries.may_read(member, one)]
    asked = {str(one.fields["measure"]) for one in clauses}
    told = _told_by_records(member, read) if asked & OF_RECORDS else {}
    duties = []
    for clause in clauses:
        side, measure = Side(str(clause.fields["side"])), str(clause.fields["measure"])
        share = by_side[side].notice if measure == "notice" else told.get((measure, side))
        if share is None and measure in OF_RECORDS:
            share = Proportion(0, 0)  # it is measured, and the records tell nothing of it
        duties.append(Duty(clause.id, side, measure, str(clause.fields.get("target") or ""), share))
    return tuple(duties)


def _told_by_records(member: MemberContext, read: Text) -> dict[tuple[str, Side], Proportion]:
    """Return by measure and side what the shared records tell of duties, kept as long as they are the same."""
    volumes = [
        (tuple(str(one) for one in clause.fields["queues"]), Side(str(clause.fields["forecast_by"])),  # type: ignore[union-attr]  # a set of lines
         int(str(clause.fields["locked_days"])))
        for clause in read.of(Kind.VOLUME)
        if clause.fields.get("locked_days") is not None and queries.may_read(member, clause)
    ]  # fmt: skip
    zone = books.zone(member)
    hours = {side: working_hours(read, side, zone) for side in Side}
    today = queries.today(member)

    def count() -> dict[tuple[str, Side], Proportion]:
        found: dict[tuple[str, Side], Proportion] = {}

        def add(measure: str, side: Side, hits: int, of: int) -> None:
            known = found.get((measure, side), Proportion(0, 0))
            found[measure, side] = Proportion(known.hits + hits, known.of + of)

        with books.open_member_book(shared) as book:
            for one in deliveries_in_time(book, Coverage(book, today), timezone.now()):
                add("records_in_time", one.by, one.kept, one.due)
            for queues, side, days in volumes:
                locked = forecasts_locked_in_time(book, queues, days, hours[side], today)
                if locked is not None:
                    add("forecast_locked_in_time", side, locked.hits, locked.of)
        return found

    shared = member.joint()
    return results.cached(shared, ("duties", today, volumes, repr(hours)), count)


def shares(of: Measured) -> Sequence[tuple[str, Proportion]]:
    """Return each measure of a side, in the order of the page."""
    return [(name, getattr(of, name)) for name in MEASURES]
