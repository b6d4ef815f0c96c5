"""The agreement: its text on any day, and its changes. It is signed by people in the room and never by a program."""

from datetime import date
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from comity.apps.agreements import queries
from comity.apps.agreements.early_start import carrying_out
from comity.apps.agreements.measuring import measures as measuring
from comity.apps.agreements.schemas import AgreementOut, ChangesOut, MeasuresOut
from comity.apps.agreements.sentences import clause_sentences
from comity.apps.agreements.text.titles import readable_titles
from comity.apps.books import queries as books
from comity.apps.i18n import language, words_for
from comity.apps.parties.member_context import MemberContext, member_of
from comity.core.agreements import signing
from comity.core.agreements.signing import State, StepKind
from comity.core.agreements.text import text
from comity.core.proportions import Proportion
from comity.core.values import Side
from comity.web.api.base import api


@api.get("/r/{uuid:relationship}/agreement", response=AgreementOut)
def agreement(
    request: HttpRequest, relationship: UUID, on: date | None = None, known: int | None = None
) -> dict[str, Any]:
    """The text of a day (`on`, today where none is named), as it was known at a place of the agreement (`known`)."""
    member = member_of(request)
    if not books.has_book(member):
        raise books.NoBookError
    words, day = words_for(language()), on or queries.today(member)
    clauses, read = [], text(queries.chain(member), day, known)
    titles = readable_titles(member, read, words)
    for clause in read.clauses:
        if clause.removed:
            continue
        shown = queries.may_read(member, clause)
        clauses.append(
            {
                "id": clause.id,
                "kind": clause.kind,
                "shown": shown,
                "fields": dict(clause.fields) if shown else {},
                "sentences": clause_sentences(clause, words, titles) if shown else [],
            }
        )
    return {"day": day, "known": known, "clauses": clauses}


@api.get("/r/{uuid:relationship}/agreement/changes", response=ChangesOut)
def agreement_changes(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """The changes that the reader may know of, with where each stands and who has signed what stands."""
    member = member_of(request)
    if not books.has_book(member):
        raise books.NoBookError
    now = queries.situation(member)
    return {"items": [_change(member, one, now) for one in queries.change_states(member)]}


@api.get("/r/{uuid:relationship}/agreement/measures", response=MeasuresOut)
def agreement_measures(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """How both sides change their agreement, of the agreed changes that the reader may read."""
    member = member_of(request)
    if not books.has_book(member):
        raise books.NoBookError
    found = measuring.measures(member)
    return {
        **{side.value: _side_measures(found, side) for side in Side},
        "changes": [_measured_change(one) for one in found.changes],
        "not_readable": found.not_readable,
        "from_before": found.from_before,
        "duties": [
            {
                "clause": duty.clause,
                "side": duty.side,
                "measure": duty.measure,
                "target": duty.target,
                "share": None if duty.share is None else _share(duty.share),
                "met": duty.met,
            }
            for duty in found.duties
        ],
        "not_in_this_version": list(measuring.LATER),
    }


def _side_measures(found: measuring.Measures, side: Side) -> dict[str, Any]:
    days = found.days[side]
    return {name: _share(share) for name, share in measuring.shares(found.by_side[side])} | {
        "days": None
        if days is None
        else {"count": days.count, "median": days.median, "least": days.least, "most": days.most}
    }


def _share(of: Proportion) -> dict[str, Any]:
    low, high = of.interval or (None, None)
    return {"hits": of.hits, "of": of.of, "share": of.share, "low": low, "high": high}


def _measured_change(one: measuring.MeasuredChange) -> dict[str, Any]:
    row = one.row
    return {
        "id": one.id,
        "number": one.number,
        "title": one.title,
        "agreed_on": one.agreed_on,
        "side": row.giver,
        "carried_out_by": list(row.carried_out_by),
        "notice_agreed": row.notice_agreed,
        "notice_given": row.notice_given,
        "reason": row.reason.value,
        "authors": [side for side in Side if side in row.authors],
        "executed_only_by": [side for side in Side if side in row.executed_only_by],
        "days_to_agreed": row.days_to_agreed,
    }


def _signatures(one: queries.ChangeState, now: signing.Situation) -> list[signing.Step]:
    """The signatures that count: of a change that waits over what it is now, of an agreed one over what it was then."""
    if one.state is not State.AGREED:
        return signing.signatures(one.steps, queries.situation_for(one.steps, now))
    agreed = next(step for step in one.steps if step.kind is StepKind.AGREE)
    return [step for step in one.steps if step.kind is StepKind.SIGN and step.digest == agreed.digest]


def _change(member: MemberContext, one: queries.ChangeState, now: signing.Situation) -> dict[str, Any]:
    proposal = None if one.last is None else one.last.proposal
    latest = None if proposal is not None else queries.latest_draft(member, one.row)
    says = proposal.says if proposal is not None else {} if latest is None else latest.content["says"]
    came_about = carrying_out.came_about(one, now)
    return {
        "id": one.row.pk,
        "number": one.row.number,
        "title": str(says.get("title", "")),
        "side": Side(one.row.side) if proposal is None else proposal.giver,
        "state": one.state,
        "first_day": None if proposal is None else proposal.change.span.first_day,
        "end": None if proposal is None else proposal.change.span.end,
        "reason": str(says.get("reason", "")),
        "signatures": [
            {"side": step.side, "person": step.person, "role": step.signer.role, "at": step.at}
            for step in _signatures(one, now)
            if step.signer is not None
        ],
        "entry": one.row.place,
        "carried_out_first": _first(carrying_out.request_of(one, now)),
        "days_carried_out_first": None if came_about is None else came_about.done_before_days,
    }


def _first(request: carrying_out.Request) -> dict[str, Any] | None:
    if request.asked is None:
        return None
    return {
        "state": request.state,
        "asked_by": request.asked.side,
        "asked_at": request.asked.at,
        "first_day": request.asked.first_day,
        "under_reserve": request.accepted is not None and request.accepted.under_reserve,
        "due": request.due,
    }
