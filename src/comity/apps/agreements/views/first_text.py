"""Pages of a first text: templates, a list of KPIs to upload, and the file to fill in."""

from datetime import timedelta
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from comity.apps.agreements import queries
from comity.apps.agreements.drafting.edits import drafted_text
from comity.apps.agreements.first_text import drafts
from comity.apps.agreements.first_text.page import (
    FirstTextForm,
    KpiListForm,
    OwnTemplateForm,
    list_head,
    list_rows,
    offer,
    problem_rows,
    unread_text,
)
from comity.apps.agreements.models import Change
from comity.apps.agreements.wording.values import kind_name
from comity.apps.books import queries as books
from comity.apps.i18n import language, words_for
from comity.apps.parties.member_context import MemberContext, member_of_a_side
from comity.apps.parties.rights import Action
from comity.apps.refusal import form_page
from comity.apps.sheet import xlsx_file
from comity.core.agreements.kpi_list import KpiList
from comity.core.agreements.pointed_out import missing_clauses


@require_safe
def first_text(request: HttpRequest) -> HttpResponse:
    """Show what a first text can begin from."""
    return _render(request, member_of_a_side(request, Action.ACT))


def _render(  # noqa: PLR0913 - a page with several forms
    request: HttpRequest,
    member: MemberContext,
    form: FirstTextForm | None = None,
    upload: KpiListForm | None = None,
    own: OwnTemplateForm | None = None,
    listed: KpiList | None = None,
) -> HttpResponse:
    if not books.has_book(member):
        return render(request, "agreements/first_text.html", {"has_book": False})
    words = words_for(language())
    wrong = None if listed is None else problem_rows(listed, words)
    context = {"has_book": True, "first": offer(member, words, form, upload, own), "wrong": wrong}
    is_wrong = wrong is not None or any(one is not None and one.errors for one in (form, upload, own))
    return render(request, "agreements/first_text.html", context, status=422 if is_wrong else 200)


@require_POST
@form_page("first_text")
def begin_from_template(request: HttpRequest) -> HttpResponse:
    """Begin a draft from a template, and open it."""
    member = member_of_a_side(request, Action.ACT)
    if not books.has_book(member):
        raise books.NoBookError
    form = FirstTextForm(request.POST)
    if not form.is_valid():
        if "template" in form.errors:
            raise Http404
        return _render(request, member, form=form)
    data = form.cleaned_data
    ends = None if data["ends"] is None else data["ends"] + timedelta(days=1)  # people give the last day
    row = drafts.begin_from_template(member, data["template"], language(), data["first_day"], ends)
    messages.success(request, _begun_text(member, row))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


def _begun_text(member: MemberContext, row: Change) -> str:
    """Say that a draft is begun, and what only people can write into it."""
    words, now = words_for(language()), queries.situation(member)
    content = queries.draft_content(queries.drafts(member, row)[queries.own_track(member, row).value], now.chain)
    lacking = [kind_name(kind, words) for kind in missing_clauses(drafted_text(content, now))]
    said = words("first_text.begun")
    return f"{said} {words('agreement.lacking', kinds=words.listed(lacking))}" if lacking else said


@require_POST
@form_page("first_text")
def begin_from_list(request: HttpRequest) -> HttpResponse:
    """Begin drafts from a list of KPIs, or show every cell that cannot be read."""
    member = member_of_a_side(request, Action.ACT)
    if not books.has_book(member):
        raise books.NoBookError
    form = KpiListForm(request.POST, request.FILES)
    if not form.is_valid():
        return _render(request, member, upload=form)
    with form.showing_refusals("file"):
        begun = drafts.begin_from_list(member, form.cleaned_data["file"], language())
        if begun.listed.problems:
            return _render(request, member, listed=begun.listed)
        return _listed(request, member, begun)
    return _render(request, member, upload=form)


def _listed(request: HttpRequest, member: MemberContext, begun: drafts.Begun) -> HttpResponse:
    words = words_for(language())
    messages.success(request, words("kpi_list.begun", count=len(begun.listed.kpis), drafts=len(begun.changes)))
    unread = unread_text(begun.listed, words)
    if unread:
        messages.info(request, unread)
    if len(begun.changes) > 1:
        return redirect("agreement", relationship=member.relationship.pk)
    return redirect("agreement_change", relationship=member.relationship.pk, change=begun.changes[0].pk)


@require_POST
@form_page("first_text")
def begin_from_own(request: HttpRequest) -> HttpResponse:
    """Begin a draft from an organisation's own template, and open it."""
    member = member_of_a_side(request, Action.ACT)
    if not books.has_book(member):
        raise books.NoBookError
    form = OwnTemplateForm(request.POST, request.FILES)
    if form.is_valid():
        with form.showing_refusals("file"):
            row = drafts.begin_from_own(member, form.cleaned_data["file"], language())
            messages.success(request, _begun_text(member, row))
            return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)
    return _render(request, member, own=form)


@require_safe
def own_template(request: HttpRequest, change: UUID) -> HttpResponse:
    """Give the clauses of a draft of one's own side as a template to keep."""
    member = member_of_a_side(request, Action.ACT)
    row = get_object_or_404(queries.visible_changes(member), pk=change)
    if row not in drafts.own_drafts(member):
        raise Http404
    headers = {"Content-Disposition": 'attachment; filename="template.toml"'}
    return HttpResponse(drafts.own_template(member, row), content_type="application/toml", headers=headers)


@require_safe
def kpi_list_file(request: HttpRequest) -> HttpResponse:
    """Give the file to fill in: its headers, and a row for each KPI that is agreed."""
    member = member_of_a_side(request, Action.ACT)
    if not books.has_book(member):
        raise books.NoBookError
    words = words_for(language())
    return xlsx_file(f"{words('kpi_list.file_name')}.xlsx", list_head(words), list_rows(member, words))
