"""Pages of a change, from its draft to what came of it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from comity.apps.agreements import operations, queries, signatories
from comity.apps.agreements.changes import decided, progress
from comity.apps.agreements.changes import page as change_page
from comity.apps.agreements.changes import revisions as revisions_page
from comity.apps.agreements.changes import talk as remarks_page
from comity.apps.agreements.drafting.edits import drafted_text
from comity.apps.agreements.early_start import carrying_out
from comity.apps.agreements.early_start import page as carrying_out_page
from comity.apps.agreements.forms.clauses import ChangeForm, ClauseForm
from comity.apps.agreements.forms.steps import DecidedForm, EndForm, MarkForm, WaiveForm
from comity.apps.agreements.models import Change
from comity.apps.agreements.outcomes import page as afterwards_page
from comity.apps.agreements.preview.page import preview
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.wording.values import kind_name
from comity.apps.i18n import language, words_for
from comity.apps.numbers import whole_number
from comity.apps.parties.member_context import MemberContext, member_of, member_of_a_side
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page
from comity.core.agreements.changes import Proposal
from comity.core.agreements.first_text import for_reader
from comity.core.agreements.kinds import Kind
from comity.core.agreements.pointed_out import missing_clauses
from comity.core.agreements.signing import UNDECIDED, State, StepKind


def change_of(member: MemberContext, pk: UUID) -> Change:
    """Return a change that the member knows of; for others there is none."""
    return get_object_or_404(queries.visible_changes(member), pk=pk)


@require_safe
def change(request: HttpRequest, change: UUID) -> HttpResponse:
    """Show a change: what it alters, what each side did with it, and what the reader can do."""
    member = member_of(request)
    return render_change(request, member, change_of(member, change))


def render_change(  # noqa: PLR0913 - a page with one of several forms
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
        "title": for_reader(str(content.says.get("title", "")), words.language) or words("agreement.untitled"),
        "reason": for_reader(str(content.says.get("reason", "")), words.language),
        "state_text": words(f"change_state.{state.state.value}"),
        "content": content,
        "editing": editing,
        "drafting": drafting,
        "counter": "counter&" if row.number else "",
        "seen": (0 if saved is None else saved.number) if seen is None else seen,
        "saved": saved,
        "differences": change_page.differences(shown, now.chain, member, words),
        "since_before": revisions_page.since_before(member, state, now, words),
        "without_effect": change_page.clauses_without_effect(member, content, now, words),
        "meetings": change_page.meeting_choices(content, row, now, words),
        "steps": change_page.step_rows(member, state, now, words),
        "notice": None,
        "marks": [],
        "namesakes": signatories.namesakes(member),
        "meanwhile": [],
        "says_rows": [
            (label, for_reader(value, words.language))
            for label, value in change_page.says_rows(
                shown, words, change_page.figures(member, shown.change, now.chain, words)
            )
        ],
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
    unwritten = []
    if editing and not now.chain:
        unwritten = [kind_name(kind, words) for kind in missing_clauses(drafted_text(content, now))]
    opened = context["clause_form"][0] if context["clause_form"] else None
    context |= {
        "preview": preview(member, shown, now, words, opened),
        "stations": progress.stations(state, content, queries.first_draft(member, row), now.today, words),
        "next": progress.next_step(
            member, state, content, deciding, now.today, words, unwritten, editing=editing and row.number is not None
        ),
    }
    return render(request, "agreements/change.html", context, status=status)


@require_POST
@form_page("agreement_change", "change")
def waive(request: HttpRequest, change: UUID) -> HttpResponse:
    """Waive a shortfall of notice, once."""
    member = member_of_a_side(request, Action.AGREE)
    row, words = change_of(member, change), words_for(language())
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
    row, form = change_of(member, change), EndForm(request.POST)
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
    row, form = change_of(member, change), MarkForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.REASON)
    data = form.cleaned_data
    operations.mark_reason(member, row, sufficient=data["sufficient"], because=data["because"])
    messages.success(request, words_for(language())("agreement.marked_now"))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


def seen_save(request: HttpRequest, name: str = "seen") -> int:
    """Return which save the person had before them; what is no number is none that anybody saved."""
    return max(whole_number(request.POST.get(name, "")) or 0, 0)


@require_POST
@form_page("agreement_change", "change")
def say_decided(request: HttpRequest, change: UUID) -> HttpResponse:
    """Say on which day the other side's change was decided."""
    member, row = member_and_change(request, Action.ACT, change)
    form = DecidedForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.REASON)
    decided.say_decided(member, row, form.cleaned_data["day"], form.cleaned_data["because"])
    return done(request, member, row, "decided.said_now")


def member_and_change(request: HttpRequest, action: Action, pk: UUID) -> tuple[MemberContext, Change]:
    """Return the member, who is of a side and has a right, and a change that they know of; for others there is none."""
    member = member_of_a_side(request, action)
    return member, change_of(member, pk)


def done(request: HttpRequest, member: MemberContext, row: Change, key: str) -> HttpResponse:
    """Say what was done, on the page of the change."""
    messages.success(request, words_for(language())(key))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)
