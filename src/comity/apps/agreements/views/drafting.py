"""Pages of a draft: begun, saved, merged, shared, proposed."""

from uuid import UUID

from django.contrib import messages
from django.core import signing as sealing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from comity.apps.agreements import operations, queries
from comity.apps.agreements.changes import page as change_page
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.drafting.edits import drafted_text, new_id, with_clause, with_words, without_clause
from comity.apps.agreements.drafting.merging import MINE, THEIRS, Conflict, conflicts, merged, renamed
from comity.apps.agreements.models import Change
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.views.changes import change_of, render_change, seen_save
from comity.apps.books import queries as books
from comity.apps.i18n import language, words_for
from comity.apps.parties.member_context import MemberContext, member_of_a_side
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page
from comity.core.agreements import signing
from comity.core.agreements.signing import UNDECIDED, State

_MAX_TITLE = 80  # characters of a title taken over


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a draft, and open it."""
    member = member_of_a_side(request, Action.ACT)
    if not books.has_book(member):
        raise books.NoBookError
    title = " ".join(request.POST.get("title", "").split())[:_MAX_TITLE]  # of the dispute that the change follows from
    row = operations.begin_draft(member, DraftContent(says={"title": title}) if title else None)
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
def save(request: HttpRequest, change: UUID) -> HttpResponse:
    """Save one part of a draft: what it says, a clause, a removal, or which wording holds.

    Where somebody saved meanwhile, both texts are shown, and nothing of either is lost.
    """
    member = member_of_a_side(request, Action.ACT)
    row, now = change_of(member, change), queries.situation(member)
    state = queries.change_state(member, row, now)
    if state.state not in {State.DRAFT, *UNDECIDED}:
        raise Refused(Code.ENDED)
    if request.POST.get("what") == "merge":
        return _merge(request, member, row, state, now)
    seen = seen_save(request)
    base = _content_of_save(member, row, state, now, seen)
    made = _changed(request, member, row, base, now, seen)
    if isinstance(made, HttpResponse):
        return made
    return _save(request, member, row, state, now, made, seen)


def _content_of_save(
    member: MemberContext, row: Change, state: queries.ChangeState, now: signing.Situation, seen: int
) -> DraftContent:
    """Return the text that a person had before them, by the number of its save.

    :raises Refused: for a number of none
    """
    if seen == 0:
        return DraftContent() if state.last is None else DraftContent.of(state.last.proposal)
    # A window from before the draft was shared names a save of one side's own; the shared one began with it.
    draft = queries.draft_of_save(member, row, seen) or queries.draft_of_save(member, row, 1)
    if draft is None:
        raise Refused(Code.SAVED_MEANWHILE)
    return queries.draft_content(draft, now.chain)


def _changed(  # noqa: PLR0911, PLR0913 - what a form can be about
    request: HttpRequest, member: MemberContext, row: Change, content: DraftContent, now: signing.Situation, seen: int
) -> DraftContent | HttpResponse:
    """Return the draft as a form makes it, or the page with the form where something of it cannot be taken."""
    what = request.POST.get("what", "")
    if what == "about":
        about = change_page.form_of_change(member, content, now, request.POST)
        says = about.says()
        if says is None:
            return render_change(request, member, row, about=about, seen=seen, status=422)
        days = about.cleaned_data
        return DraftContent(days["first_day"], days["end"], content.edits, content.words, says)
    if what in {"clause", "add"}:
        clause, form = change_page.posted_form(request, member, content, now)
        other = form.of_other_measure(drafted_text(content, now))
        if other is not None:
            messages.info(request, words_for(language())("clause_form.other_measure"))
            return render_change(request, member, row, clause_form=(clause, other), seen=seen)
        identity = clause or new_id(form.kind, now, content)
        values = form.values(identity)
        if values is None:
            return render_change(request, member, row, clause_form=(clause, form), seen=seen, status=422)
        return with_clause(content, now, identity, form.kind, values)
    if what in {"remove", "revert"}:
        clause = request.POST.get("clause", "")
        if not change_page.may_edit(member, clause, content, now):
            raise Http404
        return without_clause(content, clause, remove=what == "remove")
    if what == "words":
        return with_words(content, request.POST.dict(), row.number or 0, now)
    if what != "counter":
        raise Http404
    return content


def _save(  # noqa: PLR0913 - a draft, and from which save it began
    request: HttpRequest,
    member: MemberContext,
    row: Change,
    state: queries.ChangeState,
    now: signing.Situation,
    made: DraftContent,
    seen: int,
) -> HttpResponse:
    """Save a draft and show it, or show both texts where somebody saved meanwhile."""
    try:
        operations.save_draft(member, row, made, seen)
    except Refused as refused:
        if refused.code is not Code.SAVED_MEANWHILE:
            raise
        return _render_conflict(request, member, row, state, now, made, seen)
    messages.success(request, words_for(language())("agreement.saved"))
    return _to_change(member, row)


def _to_change(member: MemberContext, row: Change) -> HttpResponse:
    """Send to the page of a change, to no place within it: a browser does not ask again for an address with one."""
    target = redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)
    if row.number is not None:
        target["Location"] += "?counter"
    return target


def _salt(member: MemberContext, row: Change) -> str:
    return f"agreements.mine {row.pk} {member.membership.pk}"


def _render_conflict(  # noqa: PLR0913 - two texts, and the one that both began from
    request: HttpRequest,
    member: MemberContext,
    row: Change,
    state: queries.ChangeState,
    now: signing.Situation,
    mine: DraftContent,
    seen: int,
) -> HttpResponse:
    """Show one's own text, which the page carries sealed, and the one saved meanwhile, field by field."""
    words = words_for(language())
    latest = queries.drafts(member, row).get(queries.own_track(member, row).value)
    if latest is None or latest.number == seen:
        raise Refused(Code.SAVED_MEANWHILE)
    base, theirs = _content_of_save(member, row, state, now, seen), queries.draft_content(latest, now.chain)
    mine = renamed(base, mine, theirs, lambda kind, used: new_id(kind, now, theirs, used))
    found = conflicts(base, mine, theirs)
    if not found:
        messages.success(request, words("agreement.saved"))
        return _to_change(member, row)
    context = {
        "row": row,
        "title": theirs.says.get("title") or mine.says.get("title") or words("agreement.untitled"),
        "rows": change_page.conflict_rows(member, found, (mine, theirs), latest.person.name, now, words),
        "latest": latest,
        "base": seen,
        "mine": sealing.dumps(_carried(member, mine, base, now).as_json(), salt=_salt(member, row), compress=True),
    }
    return render(request, "agreements/conflict.html", context, status=409)


def _carried(member: MemberContext, mine: DraftContent, base: DraftContent, now: signing.Situation) -> DraftContent:
    """Return one's own text as a page carries it, which is sealed and not secret: without what is kept from its reader.

    Nobody edits what they do not read, so that this part is still as it was in the text that they began from.
    """
    edits = tuple(edit for edit in mine.edits if not change_page.is_kept_from(member, edit.clause, base, now))
    words = tuple(word for word in mine.words if not change_page.is_kept_from(member, word.clause, base, now))
    return DraftContent(mine.first_day, mine.end, edits, words, mine.says)


def _completed(member: MemberContext, mine: DraftContent, base: DraftContent, now: signing.Situation) -> DraftContent:
    """Return one's own text with what a page did not carry of it."""
    edits = [edit for edit in base.edits if change_page.is_kept_from(member, edit.clause, base, now)]
    words = [word for word in base.words if change_page.is_kept_from(member, word.clause, base, now)]
    return DraftContent(mine.first_day, mine.end, (*mine.edits, *edits), (*mine.words, *words), mine.says)


def _merge(
    request: HttpRequest, member: MemberContext, row: Change, state: queries.ChangeState, now: signing.Situation
) -> HttpResponse:
    """Save one text made of two, as a person chose field by field; or go on with the other's."""
    try:
        sealed = sealing.loads(request.POST.get("mine", ""), salt=_salt(member, row))
    except sealing.BadSignature:
        raise Http404 from None
    mine, seen, began = DraftContent.from_json(sealed), seen_save(request), seen_save(request, "base")
    choice = request.POST.get("choice", "")
    if choice == THEIRS:
        messages.success(request, words_for(language())("conflict.kept_theirs"))
        return _to_change(member, row)
    base, theirs = _content_of_save(member, row, state, now, began), _content_of_save(member, row, state, now, seen)
    mine = _completed(member, mine, base, now)
    latest = queries.drafts(member, row).get(queries.own_track(member, row).value)
    if latest is None or latest.number != seen:
        return _render_conflict(request, member, row, state, now, mine, began)

    def taken(one: Conflict) -> str:
        said = MINE if choice == MINE and one.both else request.POST.get(one.name, "")
        if one.slot[0] == "field" and one.name not in request.POST:  # a clause that only one has goes as a whole
            said = request.POST.get(f"keep__added__{one.clause}", "")
        return said if said in {MINE, THEIRS} else one.taken

    return _save(request, member, row, state, now, merged(base, mine, theirs, taken), seen)


@require_POST
@form_page("agreement_change", "change")
def share(request: HttpRequest, change: UUID) -> HttpResponse:
    """Draft together from here on."""
    member = member_of_a_side(request, Action.ACT)
    row = change_of(member, change)
    operations.share_draft(member, row, seen_save(request))
    messages.success(request, words_for(language())("agreement.shared_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement")
def drop(request: HttpRequest, change: UUID) -> HttpResponse:
    """Drop a draft."""
    member = member_of_a_side(request, Action.ACT)
    row = change_of(member, change)
    operations.drop_draft(member, row)
    if row.number is None:
        return redirect("agreement", relationship=member.relationship.pk)
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement_change", "change")
def propose(request: HttpRequest, change: UUID) -> HttpResponse:
    """Put a draft, or a counter-proposal, to the other side."""
    member = member_of_a_side(request, Action.DISPUTE)
    row = change_of(member, change)
    operations.propose(member, row, seen_save(request))
    messages.success(request, words_for(language())("agreement.proposed_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)
