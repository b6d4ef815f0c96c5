"""Pages of the agreement: the text of a day, a change from its draft to its signatures, and one's own limits."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core import signing as sealing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.agreements import (
    afterwards_page,
    agreement_page,
    carrying_out,
    carrying_out_page,
    change_page,
    measures_page,
    measuring,
    operations,
    progress,
    queries,
    remarks_page,
    revisions_page,
)
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.drafting import drafted_text, new_id, with_clause, with_words, without_clause
from comity.apps.agreements.first_text_page import offer
from comity.apps.agreements.forms import ChangeForm, ClauseForm, EndForm, LimitForm, MarkForm, WaiveForm
from comity.apps.agreements.merging import MINE, THEIRS, Conflict, conflicts, merged, renamed
from comity.apps.agreements.models import Change
from comity.apps.agreements.preview_page import preview
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.sentences import clause_heading
from comity.apps.agreements.values import kind_name
from comity.apps.books import queries as books
from comity.apps.i18n import language, words_for
from comity.apps.kpis.queries import is_in_agreement
from comity.apps.numbers import whole_number
from comity.apps.parties.member_context import MemberContext, member_of, member_of_a_side
from comity.apps.parties.rights import Action
from comity.apps.parties.sign_in import recent_sign_in_required
from comity.apps.record import operations as record
from comity.apps.refusal import Refused, form_page
from comity.core.agreements import signing
from comity.core.agreements.changes import Entry, Proposal
from comity.core.agreements.kinds import Kind
from comity.core.agreements.pointed_out import missing_clauses
from comity.core.agreements.signing import UNDECIDED, State, StepKind
from comity.core.agreements.text import text
from comity.core.values import Side
from comity.review.i18n.words import Words


@require_safe
def agreement(request: HttpRequest) -> HttpResponse:
    """Show the text of a day, what is on its way, and what was changed when."""
    member, words = member_of(request), words_for(language())
    if not books.has_book(member):
        return render(request, "agreements/agreement.html", {"has_book": False})
    today = queries.today(member)
    day = _day(request.GET.get("on", "")) or today
    entries = queries.chain(member)
    known = _place(request.GET.get("known", ""), entries)
    read = text(entries, day, known)
    states = queries.change_states(member)
    other_day, searched = _day(request.GET.get("with", "")), request.GET.get("q", "").strip()
    told = [entry for entry in entries if known is None or entry.place <= known]
    titles = agreement_page.titles_of_changes(member, states)
    drafting, begun = member.side is not None and member.may(Action.ACT), is_in_agreement(member)
    is_first = drafting and not begun and not any(one.state in {State.DRAFT, *UNDECIDED} for one in states)
    past = [one for one in states if one.state not in {*UNDECIDED, State.DRAFT}]
    context = {
        "has_book": True,
        "day": day,
        "known": known,
        "asked_place": whole_number(request.GET.get("known", "")),
        "places": [(entry.place, entry.change.number, entry.agreed_at) for entry in reversed(entries)],
        "other_day": other_day,
        "searched": searched,
        "otherwise": None
        if other_day is None
        else agreement_page.otherwise(read, entries, other_day, known, member, words),
        "sections": agreement_page.sections(read, told, day, member, titles, searched, words),
        "drafts": [_row(member, one, words) for one in states if one.state is State.DRAFT],
        "waiting": [_row(member, one, words) for one in states if one.state in UNDECIDED],
        "past": [_row(member, one, words) for one in past],
        "drafting": drafting,
        "begun": begun,
        "first": offer(member, words) if is_first else None,
        "writing": queries.is_being_written(member),
        "coming": [_row(member, one, words) for one in past if agreement_page.is_coming(one, day)],
        "lacking": [kind_name(kind, words) for kind in missing_clauses(agreement_page.latest_text(entries, day))],
        "points": agreement_page.pointed_out(read, member, words),
    }
    return render(request, "agreements/agreement.html", context)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _place(written: str, entries: Sequence[Entry]) -> int | None:
    """Return the last place of the agreement up to the one that is asked for; None: as it is known now."""
    asked = whole_number(written)
    if asked is None:
        return None
    return max((entry.place for entry in entries if entry.place <= asked), default=asked)


def _row(member: MemberContext, one: queries.ChangeState, words: Words) -> dict[str, object]:
    """Return a change as a row of a list."""
    proposal = None if one.last is None else one.last.proposal
    latest = None if proposal is not None else queries.latest_draft(member, one.row)
    says = (
        proposal.says
        if proposal is not None
        else {"title": "" if latest is None else operations.title_of(latest.content)}
    )
    span = None if proposal is None else proposal.change.span
    return {
        "change": one.row,
        "title": says.get("title") or words("agreement.untitled"),
        "state": words(f"change_state.{one.state.value}"),
        "side": Side(one.row.side) if proposal is None else proposal.giver,
        "first_day": None if span is None or span.first_day == date.min else span.first_day,
        "end": None if span is None else span.end,
        "signed": [step for step in one.steps if step.kind is StepKind.SIGN],
    }


@require_safe
def measures(request: HttpRequest) -> HttpResponse:
    """Show how both sides change their agreement, with each change that is counted."""
    member, words = member_of(request), words_for(language())
    if not books.has_book(member):
        return render(request, "agreements/measures.html", {"has_book": False})
    found = measuring.measures(member)
    context = {
        "has_book": True,
        "sides": list(Side),
        "rows": measures_page.measure_rows(found, words),
        "days": measures_page.days_cells(found, words),
        "duties": [measures_page.duty_row(one, words) for one in found.duties],
        "changes": [measures_page.change_row(one, member.party(words), words) for one in found.changes],
        "not_readable": found.not_readable,
        "from_before": found.from_before,
        "later": words.listed([words(f"measured.later_{name}") for name in measuring.LATER]),
    }
    return render(request, "agreements/measures.html", context)


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a draft, and open it."""
    member = member_of_a_side(request, Action.ACT)
    if not books.has_book(member):
        raise books.NoBookError
    row = operations.begin_draft(member)
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


def _change_of(member: MemberContext, pk: UUID) -> Change:
    return get_object_or_404(queries.visible_changes(member), pk=pk)


@require_safe
def change(request: HttpRequest, change: UUID) -> HttpResponse:
    """Show a change: what it alters, what each side did with it, and what the reader can do."""
    member = member_of(request)
    return _render_change(request, member, _change_of(member, change))


def _render_change(  # noqa: PLR0913 - a page with one of several forms
    request: HttpRequest,
    member: MemberContext,
    row: Change,
    *,
    about: ChangeForm | None = None,
    clause_form: tuple[str, ClauseForm] | None = None,
    seen: int | None = None,
    status: int = 200,
) -> HttpResponse:
    """Show a change, with a form that was sent where one is given.

    :param seen: the save that a form that was sent began from; None: the latest
    """
    words, now = words_for(language()), queries.situation(member)
    state = queries.change_state(member, row, now)
    drafts = queries.drafts(member, row)
    drafting = member.side is not None and member.may(Action.ACT) and state.state in {State.DRAFT, *UNDECIDED}
    track = queries.own_track(member, row) if drafting else None
    saved = None if track is None else drafts.get(track.value)
    editing = drafting and (
        row.number is None
        or (saved is not None and "counter" in request.GET)
        or clause_form is not None
        or about is not None
    )
    content = change_page.content(
        state, None if saved is None else queries.draft_content(saved, now.chain), editing=editing
    )
    shown = Proposal(content.change(row.number or 0), content.says)
    context: dict[str, Any] = {
        "row": row,
        "state": state,
        "title": content.says.get("title") or words("agreement.untitled"),
        "state_text": words(f"change_state.{state.state.value}"),
        "content": content,
        "editing": editing,
        "drafting": drafting,
        "counter": "counter&" if row.number else "",
        "seen": (0 if saved is None else saved.number) if seen is None else seen,
        "saved": saved,
        "differences": change_page.differences(shown, now.chain, member, words),
        "since_before": revisions_page.since_before(member, state, now, words),
        "without_effect": change_page.clauses_without_effect(content, now),
        "meetings": change_page.meeting_choices(content, row, now, words),
        "steps": change_page.step_rows(member, state, now, words),
        "notice": None,
        "marks": [],
        "meanwhile": [],
        "says_rows": change_page.says_rows(shown, words),
        "about": None,
        "clause_form": None,
        "talk": remarks_page.talk(request, member, state, now, words),
        "first": carrying_out_page.early_start(member, state, now, words),
        "came_about": carrying_out.came_about(state, now),
        "amounts": change_page.own_amounts(member, state, now),
        "decided": change_page.decided_rows(member, state),
        "after": afterwards_page.what_came(member, state, now, words),
        **change_page.last_day(state, now),
    }  # fmt: skip
    deciding: dict[str, Any] = {}
    if state.last is not None and state.state in UNDECIDED:
        deciding = change_page.deciding(member, state, now, words)
    context |= deciding
    if editing:
        context |= change_page.editing(member, content, now, about, clause_form, request, words)
    opened = context["clause_form"][0] if context["clause_form"] else None
    context |= {
        "preview": preview(member, shown, now, words, opened),
        "stations": progress.stations(state, content, queries.first_draft(member, row), now.today, words),
        "next": progress.next_step(member, state, content, deciding, now.today, words),
    }
    return render(request, "agreements/change.html", context, status=status)


@require_POST
def save(request: HttpRequest, change: UUID) -> HttpResponse:
    """Save one part of a draft: what it says, a clause, a removal, or which wording holds.

    Where somebody saved meanwhile, both texts are shown, and nothing of either is lost.
    """
    member = member_of_a_side(request, Action.ACT)
    row, now = _change_of(member, change), queries.situation(member)
    state = queries.change_state(member, row, now)
    if state.state not in {State.DRAFT, *UNDECIDED}:
        raise Refused(Code.ENDED)
    if request.POST.get("what") == "merge":
        return _merge(request, member, row, state, now)
    seen = _seen(request)
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
        about = ChangeForm(content.says, content.first_day, content.end, request.POST)
        says = about.says()
        if says is None:
            return _render_change(request, member, row, about=about, seen=seen, status=422)
        days = about.cleaned_data
        return DraftContent(days["first_day"], days["end"], content.edits, content.words, says)
    if what in {"clause", "add"}:
        clause, form = change_page.posted_form(request, member, content, now)
        other = form.of_other_measure(drafted_text(content, now))
        if other is not None:
            messages.info(request, words_for(language())("clause_form.other_measure"))
            return _render_change(request, member, row, clause_form=(clause, other), seen=seen)
        identity = clause or new_id(form.kind, now, content)
        values = form.values(identity)
        if values is None:
            return _render_change(request, member, row, clause_form=(clause, form), seen=seen, status=422)
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
    mine, seen, began = DraftContent.from_json(sealed), _seen(request), _seen(request, "base")
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


def _seen(request: HttpRequest, name: str = "seen") -> int:
    """Return which save the person had before them; what is no number is none that anybody saved."""
    return max(whole_number(request.POST.get(name, "")) or 0, 0)


@require_POST
@form_page("agreement_change", "change")
def share(request: HttpRequest, change: UUID) -> HttpResponse:
    """Draft together from here on."""
    member = member_of_a_side(request, Action.ACT)
    row = _change_of(member, change)
    operations.share_draft(member, row, _seen(request))
    messages.success(request, words_for(language())("agreement.shared_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement")
def drop(request: HttpRequest, change: UUID) -> HttpResponse:
    """Drop a draft."""
    member = member_of_a_side(request, Action.ACT)
    row = _change_of(member, change)
    operations.drop_draft(member, row)
    if row.number is None:
        return redirect("agreement", relationship=member.relationship.pk)
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement_change", "change")
def propose(request: HttpRequest, change: UUID) -> HttpResponse:
    """Put a draft, or a counter-proposal, to the other side."""
    member = member_of_a_side(request, Action.DISPUTE)
    row = _change_of(member, change)
    operations.propose(member, row, _seen(request))
    messages.success(request, words_for(language())("agreement.proposed_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_http_methods(["GET", "POST"])
@form_page("agreement_change", "change")
def sign(request: HttpRequest, change: UUID) -> HttpResponse:
    """Show exactly what is signed, and sign it, after a sign-in of the last minutes."""
    member = member_of_a_side(request, Action.ACT)
    return _sign(request, member, _change_of(member, change))


@recent_sign_in_required
def _sign(request: HttpRequest, member: MemberContext, row: Change) -> HttpResponse:
    words = words_for(language())
    record.lock_relationship(member)  # else a revision could come between the sentences and what is signed
    state = queries.change_state(member, row)
    if state.last is None:
        raise Refused(Code.NOT_PROPOSED)
    sentences = change_page.shown_sentences(state.last.proposal, queries.chain(member))
    if request.method == "POST":
        agreed = operations.sign(
            member, row, request.POST.get("digest", ""), sentences, retroactive="retroactive" in request.POST
        )
        whole = agreed or member.side in queries.change_state(member, row).signed
        said = "agreed_now" if agreed else "signed_now" if whole else "cosign_now"
        messages.success(request, words(f"agreement.{said}"))
        return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)
    digest = operations.show_for_signature(member, row, sentences, language())
    now = queries.situation(member)
    state = queries.change_state(member, row, now)
    assert state.last is not None
    context = {
        "row": row,
        "title": state.last.proposal.says.get("title"),
        "says": state.last.proposal.says,
        "says_rows": change_page.says_rows(state.last.proposal, words),
        "span": state.last.proposal.change.span,
        "stations": progress.stations(state, DraftContent.of(state.last.proposal), None, now.today, words),
        "differences": change_page.differences(state.last.proposal, now.chain, member, words),
        "since_before": revisions_page.since_before(member, state, now, words),
        "word_rows": change_page.word_rows(state.last.proposal, now.chain, member, words),
        "preview": preview(member, state.last.proposal, now, words),
        "digest": digest,
        "broken_limits": change_page.broken_limits(member, state.last.proposal, now),
        **change_page.deciding(member, state, now, words),
    }
    return render(request, "agreements/sign.html", context)


@require_POST
@form_page("agreement_change", "change")
def waive(request: HttpRequest, change: UUID) -> HttpResponse:
    """Waive a shortfall of notice, once."""
    member = member_of_a_side(request, Action.AGREE)
    row, words = _change_of(member, change), words_for(language())
    kpis = [(one.id, one.id) for one in queries.text_of(member).of(Kind.KPI) if queries.may_read(member, one)]
    form = WaiveForm(request.POST, kpis=kpis)
    if not form.is_valid():
        raise Refused(Code.RELIEF if "shortfall" in form.cleaned_data else Code.NOTHING_TO_WAIVE)
    data = form.cleaned_data
    operations.waive(member, row, data["shortfall"], kpis=data["relief_kpis"], until=data["relief_until"])
    messages.success(request, words("agreement.waived_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement_change", "change")
def end(request: HttpRequest, change: UUID) -> HttpResponse:
    """Decline the other side's change, or withdraw one's own."""
    member = member_of_a_side(request, Action.AGREE)
    row, form = _change_of(member, change), EndForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.REASON)
    kind = StepKind.WITHDRAW if request.POST.get("what") == "withdraw" else StepKind.DECLINE
    operations.end(member, row, kind, form.cleaned_data["reason"])
    messages.success(request, words_for(language())(f"agreement.{kind.value}_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement_change", "change")
def mark_reason(request: HttpRequest, change: UUID) -> HttpResponse:
    """Say whether the other side's reason is sufficient."""
    member = member_of_a_side(request, Action.ACT)
    row, form = _change_of(member, change), MarkForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.REASON)
    data = form.cleaned_data
    operations.mark_reason(member, row, sufficient=data["sufficient"], because=data["because"])
    messages.success(request, words_for(language())("agreement.marked_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_http_methods(["GET", "POST"])
def limits(request: HttpRequest) -> HttpResponse:
    """Show and note the limits of the reader's own side; nobody else learns of them."""
    member, words = member_of_a_side(request, Action.READ_MONEY), words_for(language())
    read = queries.text_of(member)
    clauses = [
        (f"{one.kind.value}:{one.id}", clause_heading(one, words)) for one in read.clauses
        if one.kind in {Kind.KPI, Kind.PRICE} and not one.removed and queries.may_read(member, one)
    ]  # fmt: skip
    form = LimitForm(request.POST if request.method == "POST" else None, clauses=clauses)
    if form.is_bound and form.is_valid():
        data = form.cleaned_data
        kind, _, clause = data["what"].partition(":")
        with form.showing_refusals():
            operations.set_limit(member, kind, clause, data["least"], data["most"], data["note"])
            messages.success(request, words("limit.noted"))
            return redirect("agreement_limits", relationship=member.relationship.pk)
    names = dict(clauses)
    known = [(one, names.get(f"{one.kind}:{one.clause}", one.clause)) for one in queries.limits(member)]
    context = {"form": form, "known": known}
    return render(request, "agreements/limits.html", context, status=422 if form.errors else 200)
