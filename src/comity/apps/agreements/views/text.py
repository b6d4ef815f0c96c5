"""Pages of the agreement: the text of a day, how it changes, and the limits that one side notes for itself."""

from collections.abc import Sequence
from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from comity.apps.agreements import operations, queries
from comity.apps.agreements.first_text.page import offer
from comity.apps.agreements.forms.steps import LimitForm
from comity.apps.agreements.measuring import measures as measuring
from comity.apps.agreements.measuring import page as measures_page
from comity.apps.agreements.sentences import clause_titles
from comity.apps.agreements.text import page as agreement_page
from comity.apps.agreements.wording.values import kind_name
from comity.apps.books import queries as books
from comity.apps.i18n import language, words_for
from comity.apps.kpis.queries import is_in_agreement
from comity.apps.numbers import whole_number
from comity.apps.parties.member_context import MemberContext, member_of, member_of_a_side
from comity.apps.parties.rights import Action
from comity.core.agreements.changes import Entry
from comity.core.agreements.first_text import for_reader
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
    titles = agreement_page.titles_of_changes(member, states, words)
    drafting, begun = member.side is not None and member.may(Action.ACT), is_in_agreement(member)
    is_first = drafting and not begun and not any(one.state in {State.DRAFT, *UNDECIDED} for one in states)
    past = [one for one in states if one.state not in {*UNDECIDED, State.DRAFT}]
    coming = [one for one in past if agreement_page.is_coming(one, day)]
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
        "past": [_row(member, one, words) for one in past if one not in coming],
        "drafting": drafting,
        "begun": begun,
        "first": offer(member, words) if is_first else None,
        "writing": queries.is_being_written(member),
        "coming": [_row(member, one, words) for one in coming],
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
        "title": for_reader(str(says.get("title", "")), words.language) or words("agreement.untitled"),
        "state": words(f"change_state.{one.state.value}"),
        "side": Side(one.row.side) if proposal is None else proposal.giver,
        "first_day": None if span is None or span.first_day == date.min else span.first_day,
        "last_day": None if span is None else span.last_day,
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


@require_http_methods(["GET", "POST"])
def limits(request: HttpRequest) -> HttpResponse:
    """Show and note the limits of the reader's own side; nobody else learns of them."""
    member, words = member_of_a_side(request, Action.READ_MONEY), words_for(language())
    read = queries.text_of(member)
    titles = clause_titles(read, words)
    clauses = [
        (f"{one.kind.value}:{one.id}", titles[one.id]) for one in read.clauses
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
