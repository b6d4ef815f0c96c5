"""What the page of a change shows of remarks about it, and the forms for a further one and for a suggestion."""

from collections.abc import Mapping
from dataclasses import replace

from django.http import HttpRequest

from comity.apps.agreements import queries
from comity.apps.agreements.changes import page as change_page
from comity.apps.agreements.drafting import remarks
from comity.apps.agreements.drafting.edits import drafted_text, edited_text
from comity.apps.agreements.forms.steps import RemarkForm
from comity.apps.agreements.models import Audience, Remark
from comity.apps.agreements.sentences import clause_titles, differences_text
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.core.agreements.signing import UNDECIDED, Situation, State
from comity.core.agreements.text import Text
from comity.review.i18n.words import Words


def talk(
    request: HttpRequest, member: MemberContext, state: queries.ChangeState, now: Situation, words: Words
) -> dict[str, object]:
    """Return the remarks about a change, and the forms for a further one and for a suggestion."""
    is_open = state.state in {State.DRAFT, *UNDECIDED}
    may = is_open and member.side is not None and member.may(Action.ACT)
    content = remarks.shown_content(member, state, now.chain)
    read = drafted_text(content, now)
    titles = clause_titles(read, words)
    closed = remarks.kept_clauses(member, content, now)
    clauses = [(one.id, titles[one.id]) for one in read.clauses if one.id in titles and one.id not in closed]
    track = queries.own_track(member, state.row) if may else None
    saved = None if track is None else queries.drafts(member, state.row).get(track.value)
    asked = edited_text(content, now).get(request.GET.get("suggest", "")) if may else None
    return {
        "rows": [_remark(one, read, member, titles, words, may=may) for one in remarks.remarks(member, state, now)],
        "form": RemarkForm(clauses=clauses, auto_id="remark_%s") if may else None,
        "clauses": clauses,
        "suggesting": change_page.form_of_clause(member, asked, content, now)
        if asked is not None and asked.id not in closed
        else None,
        "suggested": "" if asked is None else asked.id,
        "seen": 0 if saved is None else saved.number,
    }


def _remark(  # noqa: PLR0913 - a remark and what it is read with
    one: Remark, read: Text, member: MemberContext, titles: Mapping[str, str], words: Words, *, may: bool
) -> dict[str, object]:
    clause = read.get(one.clause) if one.clause else None
    fields: list[object] = []
    if clause is not None and one.suggestion:
        wanted = replace(clause, fields=remarks.suggested_values(clause, one))
        fields = list(differences_text(Text((clause,)), Text((wanted,)), words))
    is_own = one.person_id == member.membership.person_id
    takes = may and bool(fields) and (one.audience != Audience.BOTH or one.side != member.side)
    return {
        "remark": one,
        "title": titles.get(one.clause, one.clause),
        "fields": fields,
        "takes": takes,
        "withdraws": may and is_own,
        "own_side": one.audience != Audience.BOTH,
    }
