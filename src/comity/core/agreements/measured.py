"""How two sides change their agreement, by side, as counts: notice, reasons, authorship, executed only, done before.

One row (`ChangeRow`) is one change that was agreed, with what the record says of it; the definitions are those of the
specification of agreements, "Measured". Each is a share of changes with Jeffreys' interval (`core.proportions`), never
added up over sides.

Decisions where the specification leaves room:

- **Told in time** needs the agreed notice, and where none is agreed one clear working day.
- **Authorship** counts changes, not fields: a side is an author of a change where at least one signed field has the
  value that it wrote. Forty fields of one change would be one opinion, counted forty times. Both may be authors of one.
- **Asked** is a question, item or agenda item of the side that decided, readable to the side that carries it out
  *before* `decided_on`, and about a clause that the change touches. What was entered later with an older date counts by
  the day on which it could be read. Without `decided_on`, before the proposal.
- **Notice**, **reasons** and whether a change was **told** are the giver's doing and stand under its name; *executed
  only* and *carried out before it was agreed* befall the side that carries a change out, and stand under that one's.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from statistics import median
from zoneinfo import ZoneInfo

from comity.core.agreements.changes import Revision, touched
from comity.core.agreements.notice import Notice, working_days
from comity.core.business_hours import Hours
from comity.core.proportions import Proportion
from comity.core.values import Side


class ReasonMark(StrEnum):
    """What the receiver says of the reason."""

    SUFFICIENT = "sufficient"
    NOT_SUFFICIENT = "not_sufficient"
    NOT_MARKED = "not_marked"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, item or agenda item of one side.

    :ivar by: whose it is
    :ivar readable_on: the day on which the other side could read it, whatever day it bears
    :ivar clauses: the clauses that it is about
    """

    by: Side
    readable_on: date
    clauses: frozenset[str]


@dataclass(frozen=True, slots=True)
class CarriedOutFirst:
    """A change carried out before it was agreed, because one side asked for it and the other accepted.

    :ivar first_day: from which it was carried out
    :ivar stopped_at: when it was taken back; None: it went on until it was agreed
    """

    asked_at: datetime
    first_day: date
    under_reserve: bool = False
    stopped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One agreed change as it is measured.

    :ivar giver: whose change it is
    :ivar executed_only_by: sides that carried it out and neither proposed it, nor wrote a signed field, nor were asked
    :ivar fields_signed: how many fields it sets, clauses it adds or removes
    :ivar fields_by_counter: how many of them are of the receiver's pen
    :ivar told: whether the side that carries it out could read it before it did
    :ivar told_in_time: whether that was by the notice agreed
    :ivar asked_before: sides that were asked before it was decided
    :ivar authors: sides of whose pen at least one signed field is
    :ivar done_before_days: working days for which it was carried out before it was agreed; 0 for none
    :ivar days_to_agreed: days from the proposal
    """

    giver: Side
    carried_out_by: tuple[Side, ...]
    notice_agreed: int | None
    notice_given: int
    reason: ReasonMark
    authors: frozenset[Side]
    asked_before: frozenset[Side]
    executed_only_by: frozenset[Side]
    fields_signed: int
    fields_by_counter: int
    told: bool
    told_in_time: bool
    done_before_days: int
    days_to_agreed: int


@dataclass(frozen=True, slots=True)
class Measured:
    """How one side does.

    :ivar notice: of its own changes for which notice was agreed, those that gave it
    :ivar reasons: of its own changes whose reason was marked, those marked sufficient
    :ivar not_marked: of its own changes, those whose reason the other side has not marked
    :ivar authorship: of all changes, those of which it is an author
    :ivar executed_only: of the changes that it carried out, those that it only executed
    :ivar done_before: of the changes that it carried out, those begun before they were agreed
    :ivar told: of its own changes that the other side carried out, those that it announced before
    :ivar told_in_time: likewise, in time
    """

    notice: Proportion
    reasons: Proportion
    not_marked: Proportion
    authorship: Proportion
    executed_only: Proportion
    done_before: Proportion
    told: Proportion
    told_in_time: Proportion


@dataclass(frozen=True, slots=True)
class DaysToAgreed:
    """Days from proposal to agreement: how many changes, the median, the least and the most."""

    count: int
    median: float
    least: int
    most: int


def change_row(  # noqa: PLR0913 - a change and the records about it
    revisions: Sequence[Revision],
    agreed_at: datetime,
    notice: Notice,
    *,
    zone: str,
    hours: Hours,
    asked: Collection[Asked] = (),
    reason: ReasonMark = ReasonMark.NOT_MARKED,
    first: CarriedOutFirst | None = None,
    decided_on: date | None = None,
) -> ChangeRow:
    """Return how an agreed change came about.

    :param revisions: from the first proposal to the one that was signed
    :param zone: of the book, in which days are cut
    :param decided_on: the day that the other side says, where it objects to the change's own; both rows then stand
    :param hours: working hours of the side that carries it out; of the receiver, where both do
    """
    local = ZoneInfo(zone)
    proposal = revisions[-1].proposal
    proposed_on = revisions[0].readable_at.astimezone(local).date()
    agreed_on = agreed_at.astimezone(local).date()
    written = proposal.says.get("decided_on")
    own = proposed_on if written is None else date.fromisoformat(str(written))
    decided = min(decided_on or own, proposed_on)  # what is proposed has been decided
    pens = _pens(revisions)
    authors = frozenset(pens)
    asked_before = frozenset(
        side for side in Side if any(_asks(one, side, decided, touched(proposal.change.edits)) for one in asked)
    )
    executors = proposal.carried_out_by
    begins = proposal.change.span.first_day if first is None else min(first.first_day, proposal.change.span.first_day)
    told_by = proposed_on if first is None else min(proposed_on, first.asked_at.astimezone(local).date())
    stopped_at = agreed_at if first is None or first.stopped_at is None else min(first.stopped_at, agreed_at)
    stopped_on = stopped_at.astimezone(local).date()
    return ChangeRow(
        giver=proposal.giver,
        carried_out_by=executors,
        notice_agreed=notice.agreed,
        notice_given=notice.given,
        reason=reason,
        authors=authors,
        asked_before=asked_before,
        executed_only_by=frozenset(
            side for side in executors if side is not proposal.giver and side not in authors | asked_before
        ),
        fields_signed=len(pens),
        fields_by_counter=pens.count(proposal.giver.other),
        told=told_by <= begins,
        told_in_time=notice.given >= max(notice.agreed or 0, 1),
        done_before_days=0 if first is None else working_days(hours, first.first_day, stopped_on),
        days_to_agreed=(agreed_on - proposed_on).days,
    )


def measured(rows: Sequence[ChangeRow], side: Side) -> Measured:
    """Return how a side does."""
    own = [row for row in rows if row.giver is side]
    carried_out = [row for row in rows if side in row.carried_out_by]
    for_other = [row for row in own if side.other in row.carried_out_by]
    noticed = [row for row in own if row.notice_agreed]
    marked = [row for row in own if row.reason is not ReasonMark.NOT_MARKED]
    return Measured(
        notice=_share(noticed, lambda row: row.notice_given >= (row.notice_agreed or 0)),
        reasons=_share(marked, lambda row: row.reason is ReasonMark.SUFFICIENT),
        not_marked=Proportion(len(own) - len(marked), len(own)),
        authorship=_share(rows, lambda row: side in row.authors),
        executed_only=_share(carried_out, lambda row: side in row.executed_only_by),
        done_before=_share(carried_out, lambda row: row.done_before_days > 0),
        told=_share(for_other, lambda row: row.told),
        told_in_time=_share(for_other, lambda row: row.told_in_time),
    )


def days_to_agreed(rows: Sequence[ChangeRow]) -> DaysToAgreed | None:
    """Return how long changes took from proposal to agreement; None without any."""
    days = [row.days_to_agreed for row in rows]
    return DaysToAgreed(len(days), float(median(days)), min(days), max(days)) if days else None


def _share(rows: Sequence[ChangeRow], hit: Callable[[ChangeRow], bool]) -> Proportion:
    return Proportion(sum(hit(row) for row in rows), len(rows))


def _asks(one: Asked, side: Side, decided_on: date, clauses: Collection[str]) -> bool:
    """Whether a side was asked by the other, about one of the clauses, before the decision."""
    return one.by is side.other and one.readable_on < decided_on and not one.clauses.isdisjoint(clauses)


def _pens(revisions: Sequence[Revision]) -> list[Side]:
    """Return, for each signed edit, the side that first wrote its value and has not left it since.

    What the first proposal says is the giver's, whoever typed it.
    """
    pens = []
    for edit in revisions[-1].proposal.change.edits:
        since = len(revisions) - 1
        while since > 0 and edit in revisions[since - 1].proposal.change.edits:
            since -= 1
        pens.append(revisions[-1].proposal.giver if since == 0 else revisions[since].side)
    return pens
