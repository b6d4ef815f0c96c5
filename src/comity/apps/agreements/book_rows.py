"""Proposed changes as rows of the book: days, counts and sides, without a word of the text or of its reason.

A change says who proposed it and when the other side could read it; once it is agreed, also how it came about. A draft
is nobody's business but its author's, and is in no row.
"""

from collections.abc import Iterator
from datetime import datetime, time
from zoneinfo import ZoneInfo

from django.db.models import Max

from comity.apps.agreements import queries
from comity.apps.agreements.early_start.carrying_out import came_about, first_steps
from comity.apps.agreements.models import FirstStep, ReasonMark, Step
from comity.apps.parties.member_context import MemberContext
from comity.core.agreements.carried_out_first import carried_out_first
from comity.core.agreements.measured import CarriedOutFirst
from comity.core.agreements.notice import notice_of
from comity.core.agreements.signing import Situation, counted_waiver, revisions

TABLE = "changes"


def last_moved(member: MemberContext) -> datetime | None:
    """Return when a change of the relationship was last moved; None where none was."""
    here = {"relationship": member.relationship}
    moved = (Step.objects.filter(**here), FirstStep.objects.filter(**here), ReasonMark.objects.filter(**here))
    moments = [one.aggregate(at=Max("at"))["at"] for one in moved]
    return max((at for at in moments if at is not None), default=None)


def change_rows(member: MemberContext) -> list[dict[str, str]]:
    """Return a row for each change that was proposed.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    now = queries.situation(member)
    rows = (_row(one, now) for one in queries.change_states(member, now=now) if one.last is not None)
    return sorted(rows, key=lambda row: row["change_id"])


def _row(state: queries.ChangeState, now: Situation) -> dict[str, str]:
    return dict(_cells(state, now))


def _cells(state: queries.ChangeState, now: Situation) -> Iterator[tuple[str, str]]:
    assert state.last is not None
    steps, then = queries.as_decided(state, now)
    those = revisions(steps)
    proposal, span = state.last.proposal, state.last.proposal.change.span
    notice, waiver = notice_of(those, then.chain, then.zone), counted_waiver(steps, then)
    row = came_about(state, now)
    yield "change_id", str(state.row.pk)
    yield "proposed_by", str(proposal.says["proposed_by"])
    yield "on_behalf_of", str(proposal.says.get("on_behalf_of") or "")
    yield "carried_out_by", str(proposal.says["carried_out_by"])
    yield "decided_on", str(proposal.says.get("decided_on") or "")
    yield "readable_at", those[0].readable_at.isoformat()
    yield "agreed_at", "" if row is None else state.steps[-1].at.isoformat()
    yield "valid_from", span.first_day.isoformat()
    yield "valid_to", "" if span.end is None else span.end.isoformat()
    yield "notice_agreed", "" if notice.agreed is None else str(notice.agreed)
    yield "notice_given", str(notice.given)
    yield "waived", str(waiver is not None).lower()
    yield "relief", "" if waiver is None else ";".join(sorted(waiver.kpis))
    yield "asked_before_at", ""  # nobody records such a question yet
    yield "done_before_at", _carried_out_since(carried_out_first(first_steps(state.row)), now.zone)
    yield "reason_mark", "" if row is None else row.reason.value
    yield "fields_signed", "" if row is None else str(row.fields_signed)
    yield "fields_by_counter", "" if row is None else str(row.fields_by_counter)


def _carried_out_since(first: CarriedOutFirst | None, zone: str) -> str:
    return "" if first is None else datetime.combine(first.first_day, time.min, ZoneInfo(zone)).isoformat()
