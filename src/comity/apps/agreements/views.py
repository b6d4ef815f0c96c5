"""Pages of the agreement: the text of a day, a change from its draft to its signatures, and one's own limits."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.agreements import change_page, operations, queries
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.drafting import drafted_text, new_id, with_clause, with_words, without_clause
from comity.apps.agreements.forms import ChangeForm, ClauseForm, EndForm, LimitForm, MarkForm, WaiveForm
from comity.apps.agreements.models import Change
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.sentences import clause_heading, clause_sentences, clause_titles
from comity.apps.agreements.values import kind_name
from comity.apps.books import queries as books
from comity.apps.i18n import language, words_for
from comity.apps.kpis.queries import is_in_agreement
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.queries import former_members, members
from comity.apps.parties.rights import Action
from comity.apps.parties.sign_in import recent_sign_in_required
from comity.apps.record import operations as record
from comity.apps.refusal import Refused, form_page
from comity.core.agreements import signing
from comity.core.agreements.changes import Entry, Proposal
from comity.core.agreements.kinds import Kind
from comity.core.agreements.pointed_out import NEEDED, PointKind, points
from comity.core.agreements.signing import UNDECIDED, State, StepKind
from comity.core.agreements.text import (
    Text,
    text,
)
from comity.core.values import Side
from comity.review.i18n.words import Words

_LONGEST_NUMBER = 10  # digits of a save's number


@require_safe
def agreement(request: HttpRequest) -> HttpResponse:
    """Show the text of a day, what is on its way, and what was changed when."""
    member, words = member_of(request), words_for(language())
    if not books.has_book(member):
        return render(request, "agreements/agreement.html", {"has_book": False})
    today = queries.today(member)
    day = _day(request.GET.get("on", "")) or today
    entries = queries.chain(member)
    read = text(entries, day)
    states = queries.change_states(member)
    context = {
        "has_book": True,
        "day": day,
        "today": today,
        "sections": _sections(read, entries, day, member, words),
        "drafts": [_row(one, words) for one in states if one.state is State.DRAFT],
        "waiting": [_row(one, words) for one in states if one.state in UNDECIDED],
        "past": [_row(one, words) for one in states if one.state not in UNDECIDED and one.state is not State.DRAFT],
        "days": sorted({entry.change.span.first_day for entry in entries if entry.change.span.first_day > date.min}),
        "drafting": member.side is not None and member.may(Action.ACT),
        "begun": is_in_agreement(member),
        "writing": queries.is_being_written(member),
        "lacking": [kind_name(kind, words) for kind in NEEDED if not read.of(kind)],
        "points": _points(read, member, words),
    }
    return render(request, "agreements/agreement.html", context)


def _points(read: Text, member: MemberContext, words: Words) -> list[str]:
    """Return what is pointed out about a text, a sentence each; those of one kind about many clauses as one."""
    left = {one.person.name for one in former_members(member)} - {one.person.name for one in members(member)}
    titles = {one.id: clause_heading(one, words) for one in read.clauses if not one.removed}
    found: dict[tuple[PointKind, tuple[str, ...]], list[str]] = {}
    for point in points(read, left):
        named = [titles.get(one, one) for one in point.clauses]
        found.setdefault((point.kind, point.names), []).append(words.listed(named) if named else "")
    party = member.party(words)
    return [
        words(
            f"agreement_point.{kind.value}",
            clauses=words.listed(clauses),
            names=words.listed([party(name) if name in set(Side) else name for name in names]) if names else "",
        )
        for (kind, names), clauses in found.items()
    ]


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written)
    except ValueError:
        return None


def _sections(
    read: Text, entries: Sequence[Entry], day: date, member: MemberContext, words: Words
) -> list[tuple[str, list[dict[str, object]]]]:
    """Return the clauses by kind, each with its sentences and the change that it is from."""
    found: dict[str, list[dict[str, object]]] = {}
    titles = clause_titles(read, words)
    for clause in read.clauses:
        if clause.removed:
            continue
        readable, kind = queries.may_read(member, clause), kind_name(clause.kind, words)
        found.setdefault(kind, []).append(
            {
                "clause": clause,
                "title": clause_heading(clause, words) if readable else kind,
                "sentences": clause_sentences(clause, words, titles) if readable else None,
                "number": _last_number(entries, clause.id, day),
            }
        )
    return list(found.items())


def _last_number(entries: Sequence[Entry], clause: str, day: date) -> int | None:
    """The number of the latest change that holds on a day and writes into a clause."""
    numbers = [
        entry.change.number
        for entry in entries
        if day in entry.change.span and any(edit.clause == clause for edit in entry.change.edits)
    ]
    return numbers[-1] if numbers else None


def _row(one: queries.ChangeState, words: Words) -> dict[str, object]:
    """Return a change as a row of a list."""
    proposal = None if one.last is None else one.last.proposal
    latest = None if proposal is not None else one.row.drafts.last()
    says = proposal.says if proposal is not None else {} if latest is None else latest.content["says"]
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


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begin a draft, and open it."""
    member = _member_of_a_side(request, Action.ACT)
    if not books.has_book(member):
        raise books.NoBookError
    row = operations.begin_draft(member)
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


def _member_of_a_side(request: HttpRequest, action: Action) -> MemberContext:
    """Return the member, who is of a side and has a right; for all others there is no such page."""
    member = member_of(request, action)
    if member.side is None:
        raise Http404
    return member


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
    status: int = 200,
) -> HttpResponse:
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
    content = change_page.content(state, None if saved is None else queries.draft_content(saved), editing=editing)
    shown = Proposal(content.change(row.number or 0), content.says)
    context: dict[str, Any] = {
        "row": row,
        "state": state,
        "title": content.says.get("title") or words("agreement.untitled"),
        "state_text": words(f"change_state.{state.state.value}"),
        "content": content,
        "editing": editing,
        "drafting": drafting,
        "seen": 0 if saved is None else saved.number,
        "saved": saved,
        "differences": change_page.differences(shown, now.chain, member, words),
        "without_effect": change_page.clauses_without_effect(content, now),
        "meetings": change_page.meeting_choices(content, row, now, words),
        "steps": [change_page.step_row(one, words) for one in state.steps if one.kind is not StepKind.OPEN],
        "changed_meanwhile": state.last is not None and bool(signing.agreed_meanwhile(state.last, now.chain)),
        "notice": None,
        "marks": [],
        **change_page.preview(member, shown, now, words),
    }  # fmt: skip
    if state.last is not None and state.state in UNDECIDED:
        context |= change_page.deciding(member, state, now, words)
    if editing:
        context |= change_page.editing(member, content, now, about, clause_form, request, words)
    return render(request, "agreements/change.html", context, status=status)


@require_POST
def save(request: HttpRequest, change: UUID) -> HttpResponse:
    """Save one part of a draft: what it says, a clause, a removal, or which wording holds."""
    member = _member_of_a_side(request, Action.ACT)
    row, now = _change_of(member, change), queries.situation(member)
    state, drafts = queries.change_state(member, row, now), queries.drafts(member, row)
    if state.state not in {State.DRAFT, *UNDECIDED}:
        raise Refused(Code.ENDED)
    saved = drafts.get(queries.own_track(member, row).value)
    content = change_page.content(state, None if saved is None else queries.draft_content(saved), editing=True)
    seen = _seen(request)
    what = request.POST.get("what", "")
    if what == "about":
        about = ChangeForm(content.says, content.first_day, content.end, request.POST)
        says = about.says()
        if says is None:
            return _render_change(request, member, row, about=about, status=422)
        days = about.cleaned_data
        content = DraftContent(days["first_day"], days["end"], content.edits, content.words, says)
    elif what in {"clause", "add"}:
        read = drafted_text(content, now)
        clause = request.POST.get("clause", "")
        form = change_page.posted_form(request, member, read, what, clause)
        identity = clause if what == "clause" else new_id(form.kind, now, content)
        values = form.values(identity)
        if values is None:
            return _render_change(request, member, row, clause_form=("" if what == "add" else clause, form), status=422)
        content = with_clause(content, now, identity, form.kind, values)
    elif what in {"remove", "revert"}:
        content = without_clause(content, request.POST.get("clause", ""), remove=what == "remove")
    elif what == "words":
        content = with_words(content, request.POST.dict(), row.number or 0, now)
    elif what != "counter":
        raise Http404
    operations.save_draft(member, row, content, seen)
    messages.success(request, words_for(language())("agreement.saved"))
    target = redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)
    if row.number is not None:
        target["Location"] += "?counter"
    return target


def _seen(request: HttpRequest) -> int:
    """Return which save the person had before them; what is no number is none that anybody saved."""
    written = request.POST.get("seen", "")
    return int(written) if written.isascii() and written.isdigit() and len(written) < _LONGEST_NUMBER else 0


@require_POST
@form_page("agreement_change", "change")
def share(request: HttpRequest, change: UUID) -> HttpResponse:
    """Draft together from here on."""
    member = _member_of_a_side(request, Action.ACT)
    row = _change_of(member, change)
    operations.share_draft(member, row)
    messages.success(request, words_for(language())("agreement.shared_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement")
def drop(request: HttpRequest, change: UUID) -> HttpResponse:
    """Drop a draft."""
    member = _member_of_a_side(request, Action.ACT)
    row = _change_of(member, change)
    operations.drop_draft(member, row)
    if row.number is None:
        return redirect("agreement", relationship=member.relationship.pk)
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement_change", "change")
def propose(request: HttpRequest, change: UUID) -> HttpResponse:
    """Put a draft, or a counter-proposal, to the other side."""
    member = _member_of_a_side(request, Action.DISPUTE)
    row = _change_of(member, change)
    operations.propose(member, row, _seen(request))
    messages.success(request, words_for(language())("agreement.proposed_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_http_methods(["GET", "POST"])
@form_page("agreement_change", "change")
def sign(request: HttpRequest, change: UUID) -> HttpResponse:
    """Show exactly what is signed, and sign it, after a sign-in of the last minutes."""
    member = _member_of_a_side(request, Action.ACT)
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
        messages.success(request, words("agreement.agreed_now" if agreed else "agreement.signed_now"))
        return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)
    digest = operations.show_for_signature(member, row, sentences, language())
    now = queries.situation(member)
    state = queries.change_state(member, row, now)
    assert state.last is not None
    context = {
        "row": row,
        "title": state.last.proposal.says.get("title"),
        "says": state.last.proposal.says,
        "span": state.last.proposal.change.span,
        "differences": change_page.differences(state.last.proposal, now.chain, member, words),
        **change_page.preview(member, state.last.proposal, now, words),
        "digest": digest,
        "broken_limits": change_page.broken_limits(member, state.last.proposal, now),
        **change_page.deciding(member, state, now, words),
    }
    return render(request, "agreements/sign.html", context)


@require_POST
@form_page("agreement_change", "change")
def waive(request: HttpRequest, change: UUID) -> HttpResponse:
    """Waive a shortfall of notice, once."""
    member = _member_of_a_side(request, Action.AGREE)
    row, words = _change_of(member, change), words_for(language())
    kpis = [(one.id, one.id) for one in queries.text_of(member).of(Kind.KPI)]
    form = WaiveForm(request.POST, kpis=kpis)
    if not form.is_valid():
        raise Refused(Code.NOTHING_TO_WAIVE)
    data = form.cleaned_data
    operations.waive(member, row, data["shortfall"], kpis=data["relief_kpis"], until=data["relief_until"])
    messages.success(request, words("agreement.waived_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement_change", "change")
def end(request: HttpRequest, change: UUID) -> HttpResponse:
    """Decline the other side's change, or withdraw one's own."""
    member = _member_of_a_side(request, Action.AGREE)
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
    member = _member_of_a_side(request, Action.ACT)
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
    member, words = _member_of_a_side(request, Action.READ_MONEY), words_for(language())
    read = queries.text_of(member)
    clauses = [
        (f"{one.kind.value}:{one.id}", clause_heading(one, words)) for one in read.clauses
        if one.kind in {Kind.KPI, Kind.PRICE} and not one.removed
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
