"""Remarks about a change and suggestions of other values: never changed, and taken into a draft with one click.

What both may read of a change both may remark on; on a draft of one's own side one's own side alone. A remark about a
clause is shown to those who read that clause.
"""

from collections.abc import Mapping

from comity.apps.agreements import operations, queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.drafting.edits import drafted_text, edited_text, first_day_of, with_clause
from comity.apps.agreements.models import Audience, Change, Draft, Remark
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.telling import change_path
from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.parties.mailing import mail_side
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.record import operations as record
from comity.apps.refusal import Refused
from comity.core.agreements.clauses import Clause, check_fields, complete
from comity.core.agreements.fields import Value
from comity.core.agreements.signing import UNDECIDED, Situation, State
from comity.core.agreements.text import Chain, patch, text


def audience_of(member: MemberContext, change: Change) -> Audience:
    """Return who reads a remark of the member: both, where both know of the change."""
    assert member.side is not None
    return Audience.BOTH if change.number is not None or change.shared else Audience(member.side.value)


def shown_content(member: MemberContext, state: queries.ChangeState, of: Chain) -> DraftContent:
    """Return what remarks are about: the last revision, or the draft that the viewer sees."""
    if state.last is not None:
        return DraftContent.of(state.last.proposal)
    drafts = queries.drafts(member, state.row)
    track = queries.own_track(member, state.row) if member.side is not None else None
    latest: Draft | None = None if track is None else drafts.get(track.value)
    return DraftContent() if latest is None else queries.draft_content(latest, of)


def kept_clauses(member: MemberContext, content: DraftContent, now: Situation) -> set[str]:
    """Return the clauses that a member may not read: as a draft has them, or as they are without it."""
    texts = (drafted_text(content, now), edited_text(content, now), text(now.chain, first_day_of(content, now)))
    return {one.id for read in texts for one in read.clauses if not one.removed and not queries.may_read(member, one)}


def remarks(member: MemberContext, state: queries.ChangeState, now: Situation) -> list[Remark]:
    """Return the remarks that are not withdrawn, of clauses that the viewer reads; the earliest first."""
    content = shown_content(member, state, now.chain)
    read, closed = drafted_text(content, now), kept_clauses(member, content, now)
    rows = list(state.row.remarks.select_related("person"))
    withdrawn = {row.withdraws_id for row in rows if row.withdraws_id is not None}
    own = member.may(Action.READ_OWN)

    def is_readable(row: Remark) -> bool:
        clause = read.get(row.clause) if row.clause else None
        if row.clause and clause is None:  # it is no longer in the text: whether the viewer read it cannot be said
            return row.person_id == member.membership.person_id
        known = row.audience == Audience.BOTH or own or row.person_id == member.membership.person_id
        return known and row.clause not in closed

    return [row for row in rows if row.withdraws_id is None and row.pk not in withdrawn and is_readable(row)]


def _open_state(member: MemberContext, change: Change, now: Situation) -> queries.ChangeState:
    """Return where a change stands that can be remarked on.

    :raises Refused: for those on neither side and those who may not, and where it has ended
    """
    if member.side is None or not member.may(Action.ACT):
        raise Refused(Code.NOT_YOURS)
    state = queries.change_state(member, change, now)
    if state.state not in {State.DRAFT, *UNDECIDED}:
        raise Refused(Code.ENDED)
    return state


def remark(
    member: MemberContext, change: Change, clause: str, text: str, wanted: Mapping[str, Value] | None = None
) -> Remark:
    """Make a remark, which may suggest other values of a clause.

    :param clause: id of a clause of the text as the change makes it; empty for the change as a whole
    :param wanted: the values of the clause as they should be, in the form in which values are kept
    :raises Refused: for those who may not, for a clause that they do not read, and where nothing is said
    """
    record.lock_relationship(member)
    change.refresh_from_db(fields=["number", "shared"])
    now = queries.situation(member)
    state = _open_state(member, change, now)
    check_rate_limit(member.membership.person, "changes")
    content = shown_content(member, state, now.chain)
    found = (drafted_text if wanted is None else edited_text)(content, now).get(clause) if clause else None
    if clause and (found is None or clause in kept_clauses(member, content, now)):
        raise Refused(Code.NOT_THERE)
    suggestion = [] if found is None or wanted is None else _suggestion(found, wanted)
    if not suggestion and (wanted is not None or not text.strip()):
        raise Refused(Code.SAME if wanted is not None else Code.REASON)
    audience = audience_of(member, change)
    if any(
        (one.person_id, one.clause, one.text, one.suggestion)
        == (member.membership.person_id, clause, text.strip(), suggestion)
        for one in remarks(member, state, now)
    ):
        raise Refused(Code.ALREADY_SAID)
    made = Remark.objects.create(
        change=change, relationship=member.relationship, audience=audience, side=member.side or "",
        person=member.membership.person, clause=clause, text=text.strip(), suggestion=suggestion,
    )  # fmt: skip
    title = _title(member, state, now.chain)
    audit(member, Event.REMARK_MADE, SubjectType.AGREEMENT, {"title": title}, shared=audience == Audience.BOTH)
    if audience == Audience.BOTH and member.side is not None:
        party = member.side
        mail_side(
            member, member.side.other, Action.AGREE, "remark_made", change_path(member, change),
            party=lambda words: member.party(words)(party), title=lambda _: title,
        )  # fmt: skip
    return made


def _suggestion(clause: Clause, wanted: Mapping[str, Value]) -> list[dict[str, object]]:
    edits = patch(clause, complete(clause.kind, wanted))
    return [{"field": edit.field, "value": edit.value} for edit in edits]


def _title(member: MemberContext, state: queries.ChangeState, of: Chain) -> str:
    return str(shown_content(member, state, of).says.get("title", ""))


def suggested_values(clause: Clause, made: Remark) -> dict[str, Value]:
    """Return the values of a clause with those that a remark suggests."""
    values = dict(clause.fields)
    for item in made.suggestion:
        if item["value"] is None:
            values.pop(item["field"], None)
        else:
            values[item["field"]] = item["value"]
    return values


def take_suggestion(member: MemberContext, change: Change, made: Remark, seen: int) -> None:
    """Take a suggestion into one's draft, as a save: of the other side, or of a colleague on an own draft.

    :param seen: number of the save that the person had before them; 0 for none
    :raises Refused: for one's own side's suggestion, one that fits no longer, and where somebody saved meanwhile
    """
    now = queries.situation(member)
    state = _open_state(member, change, now)
    if made.audience == Audience.BOTH and made.side == member.side:
        raise Refused(Code.NOT_YOURS)
    if made not in remarks(member, state, now):  # withdrawn, or not the reader's to read
        raise Refused(Code.NOT_THERE)
    drafts = queries.drafts(member, change)
    saved = drafts.get(queries.own_track(member, change).value)
    content = shown_content(member, state, now.chain) if saved is None else queries.draft_content(saved, now.chain)
    clause = edited_text(content, now).get(made.clause)
    if clause is None or not made.suggestion or clause.id in kept_clauses(member, content, now):
        raise Refused(Code.NOT_THERE)
    values, problems = check_fields(clause.id, clause.kind, suggested_values(clause, made))
    if problems:
        raise Refused(Code.INVALID, why=problems[0].message)
    operations.save_draft(member, change, with_clause(content, now, clause.id, clause.kind, values), seen)


def withdraw_remark(member: MemberContext, change: Change, made: Remark) -> None:
    """Withdraw one's own remark, by a further row.

    :raises Refused: for a remark of somebody else
    """
    now = queries.situation(member)
    state = _open_state(member, change, now)
    if made.person_id != member.membership.person_id or made.withdraws_id is not None:
        raise Refused(Code.NOT_YOURS)
    Remark.objects.create(
        change=change, relationship=member.relationship, audience=made.audience, side=member.side or "",
        person=member.membership.person, clause=made.clause, withdraws=made,
    )  # fmt: skip
    is_shared = made.audience == Audience.BOTH
    audit(
        member,
        Event.REMARK_WITHDRAWN,
        SubjectType.AGREEMENT,
        {"title": _title(member, state, now.chain)},
        shared=is_shared,
    )
