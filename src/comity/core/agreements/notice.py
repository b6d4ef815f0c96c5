"""Notice of a change: how many clear working days the receiving side had, against what was agreed.

    notice given = working days d of the receiving side with  readable on < d < first day of the change

by the calendar and the notice clause in force when the change was proposed. What becomes readable at closing time or
later, or on a free day, counts from the next working day, as received things do everywhere (`core.business_hours`).

*The receiving side* is the one whose change it is not, whoever typed it (`Proposal.giver`). Notice runs for each edit
from the first revision since which the giver has not altered it:

- a counter-proposal of the receiver neither restarts nor shortens it: an earlier first day that the receiver asks for
  is counted to the day that the giver had asked for;
- the giver alters an edit where its new revision has another value than the giver's own one before *and* than the
  revision that it answers: taking the receiver's value up, or going back to one's own, alters nothing;
- an edit that the receiver adds is its own wish: it has no notice, and the clause that it touches asks for none;
- a first day that the giver moves forward alters every edit; one that it puts off alters none.

Given is the least over the edits, agreed the longest of the clauses touched, as the specification has it. So a change
that touches the hours (15 days) in time and a KPI (5 days) in 6 falls short by 9, though each alone would not: two
changes do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from comity.core.agreements.changes import WHOLE, AddClause, Edit, Proposal, RemoveClause, Revision, SetField, field_of
from comity.core.agreements.clauses import Clause, notice_item
from comity.core.agreements.kinds import WEEKDAYS, Kind
from comity.core.agreements.text import Chain, Text, text
from comity.core.business_hours import Hours
from comity.core.values import Period, Side

_DAY = timedelta(days=1)
_Place = tuple[str, str]  # id of a clause, field


@dataclass(frozen=True, slots=True)
class Notice:
    """Clear working days: agreed, and given.

    :ivar receiver: the side that receives it
    :ivar agreed: None where none is agreed for what the change touches
    :ivar by_edit: (clause, field) -> given; without edits that the receiver added
    """

    receiver: Side
    agreed: int | None
    given: int
    by_edit: dict[_Place, int]

    @property
    def shortfall(self) -> int:
        """Working days by which it is too short."""
        return max((self.agreed or 0) - self.given, 0)


@dataclass(frozen=True, slots=True)
class Waiver:
    """The receiver's word that this notice may be short, which may carry relief.

    :ivar shortfall: of which it speaks; it is void for any other
    :ivar kpis: KPIs that do not count from the first day of the change up to, and without, `until`
    """

    side: Side
    shortfall: int
    kpis: tuple[str, ...] = ()
    until: date | None = None


def working_hours(of: Text, side: Side, zone: str) -> Hours:
    """Return working days and hours of a side by a text.

    :param zone: of the book, which holds where there is no calendar clause, with Monday to Friday from 9 to 17
    """
    calendars = of.of(Kind.CALENDAR)
    if not calendars:
        return Hours.weekdays(zone, time(9), time(17))
    fields = calendars[0].fields
    week = {
        WEEKDAYS.index(str(span["weekday"])): (_time(span["opens"]), _time(span["closes"]))
        for span in _records(fields.get(f"{side}_working_hours"))
    }
    free = frozenset(date.fromisoformat(str(item["day"])) for item in _records(fields.get(f"{side}_free_days")))
    return Hours(str(fields["zone"]), week, free)


def readable_on(hours: Hours, at: datetime) -> date | None:
    """Return the working day from which something counts as readable; None in a calendar without working days."""
    opened = next(hours.spans(at), None)
    return None if opened is None else opened[0].astimezone(ZoneInfo(hours.zone)).date()


def clear_working_days(hours: Hours, at: datetime, first_day: date) -> int:
    """Return the working days between the one on which something counts as readable and a first day, both without."""
    since = readable_on(hours, at)
    if since is None:
        return 0
    return working_days(hours, since + _DAY, first_day)


def working_days(hours: Hours, first_day: date, end: date) -> int:
    """Return the working days from a day on, up to and without another; 0 where that is not later.

    It takes no longer for a far day: a change of the year 9998 must not hold up who reads it.
    """
    if first_day >= end or not hours.week:
        return 0
    open_days = [day in hours.week for day in range(7)]
    return int(np.busday_count(first_day, end, weekmask=open_days, holidays=sorted(hours.holidays)))


def notice_of(revisions: Sequence[Revision], chain: Chain, zone: str) -> Notice:
    """Return the notice of a change as its last revision stands.

    :param revisions: from the first proposal to the one that is to be signed
    :param chain: what was agreed; of it, what was known when the change was proposed counts
    :param zone: of the book
    """
    first, last = revisions[0], revisions[-1].proposal
    proposed_on = first.readable_at.astimezone(ZoneInfo(zone)).date()
    in_force = text(chain, proposed_on, first.known)
    receiver = last.giver.other
    hours = working_hours(in_force, receiver, zone)
    since, day = _given_since(revisions, last.giver)
    by_edit = {place: clear_working_days(hours, at, day) for place, at in since.items()}
    announced = [edit for edit in last.change.edits if (edit.clause, field_of(edit)) in since]
    return Notice(receiver, _agreed(announced, chain, in_force), min(by_edit.values(), default=0), by_edit)


def relieved_days(waiver: Waiver, proposal: Proposal) -> Period | None:
    """Return the days on which the KPIs of a waiver do not count; None where it carries no relief."""
    first_day = proposal.change.span.first_day
    if not waiver.kpis or waiver.until is None or waiver.until <= first_day:
        return None
    return Period(first_day, waiver.until)


def _given_since(revisions: Sequence[Revision], giver: Side) -> tuple[dict[_Place, datetime], date]:
    """Return since when each edit of the last revision has not been altered by the giver, and the day it is for."""
    first = revisions[0]
    since: dict[_Place, datetime] = {}
    own, own_day = _values(first), first.proposal.change.span.first_day
    before, before_day = own, own_day
    for revision in revisions[1:]:
        values, day = _values(revision), revision.proposal.change.span.first_day
        if revision.side is giver:
            taken_day = day == before_day
            sooner = day < own_day and not taken_day
            for place, value in values.items():
                kept = place in own and own[place] == value
                taken = place in before and before[place] == value
                if sooner or not (kept or taken):
                    since[place] = revision.readable_at
            own, own_day = values, max(own_day, day) if taken_day else day
        before, before_day = values, day
    announced = [place for place in before if not _is_added_by(revisions, giver.other, place)]
    return {place: since.get(place, first.readable_at) for place in announced}, max(before_day, own_day)


def _is_added_by(revisions: Sequence[Revision], side: Side, place: _Place) -> bool:
    """Whether an edit that the last revision has was added by a counter-proposal of a side, and has stayed since."""
    at = len(revisions) - 1
    while at > 0 and place in _values(revisions[at - 1]):
        at -= 1
    return at > 0 and revisions[at].side is side


def _values(revision: Revision) -> dict[_Place, object]:
    return {(edit.clause, field_of(edit)): _value(edit) for edit in revision.proposal.change.edits}


def _value(edit: Edit) -> object:
    if isinstance(edit, SetField):
        return edit.value
    return (edit.kind, dict(edit.fields)) if isinstance(edit, AddClause) else WHOLE


def _agreed(edits: Sequence[Edit], chain: Chain, in_force: Text) -> int | None:
    clauses = in_force.of(Kind.NOTICE)
    if not clauses:
        return None
    items = {notice_item(clause) for edit in edits for clause in _clauses_of(edit, chain, in_force)}
    days = [clauses[0].fields[item.value] for item in items if item is not None and item.value in clauses[0].fields]
    return max((int(str(one)) for one in days), default=None)


def _clauses_of(edit: Edit, chain: Chain, in_force: Text) -> list[Clause]:
    """Return the clause that an edit touches, as it is in force or, where it is not there yet, as it is added.

    What a paragraph is about may itself be what the edit sets: both count.
    """
    found = [item for item in in_force.clauses if item.id == edit.clause]
    found += [
        Clause(added.clause, added.kind, added.fields)
        for added in (edit, *(one for entry in chain for one in entry.change.edits))
        if isinstance(added, AddClause) and added.clause == edit.clause
    ]
    if found and isinstance(edit, SetField) and edit.value is not None:
        found.append(Clause(edit.clause, found[0].kind, {**found[0].fields, edit.field: edit.value}))
    return found[:1] if isinstance(edit, RemoveClause) else found


def _time(written: object) -> time:
    """A time of a calendar; the day's end is midnight, as `Hours` has it."""
    return time.min if written == "24:00" else time.fromisoformat(str(written))


def _records(value: object) -> list[dict[str, object]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
