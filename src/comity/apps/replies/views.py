"""The page of reply times: calendars of the sides, and whether silence counts."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.rights import Action
from comity.apps.refusal import form_page
from comity.apps.replies import operations, queries
from comity.apps.replies.forms import CalendarForm, FreeDaysForm
from comity.apps.replies.queries import Calendar
from comity.core.values import Side


@require_safe
def replies(request: HttpRequest) -> HttpResponse:
    """Show calendars, proposals, and whether silence counts."""
    member = member_of(request)
    draft_form = FreeDaysForm(request.GET) if "country" in request.GET else None
    draft = draft_form.text if draft_form is not None and draft_form.is_valid() else ""
    return _render(request, member, None, draft_form, draft)


def _render(
    request: HttpRequest,
    member: MemberContext,
    form: CalendarForm | None,
    draft_form: FreeDaysForm | None = None,
    draft: str = "",
) -> HttpResponse:
    zone, proposals = queries.default_zone(member), queries.proposed_calendars(member)
    calendars = {side: queries.calendar_of(member.relationship, side, zone) for side in Side}
    context: dict[str, Any] = {
        "calendars": calendars,
        "proposed": {side: (consent, Calendar.from_content(consent.content)) for side, consent in proposals.items()},
        "silence": queries.silence_terms(member),
        "silence_since": queries.silence_since(member),
        "days": member.relationship.reply_days,
        "agrees": member.side is not None and member.may(Action.AGREE),
    }
    if context["agrees"] and member.side is not None:
        current = context["proposed"].get(member.side, (None, calendars[member.side]))[1]
        context["form"] = form or CalendarForm(current=current, draft=draft)
        context["draft_form"] = draft_form or FreeDaysForm()
        context["drafted"] = bool(draft)
    invalid = (form is not None and form.errors) or (draft_form is not None and draft_form.errors)
    return render(request, "replies/replies.html", context, status=422 if invalid else 200)


@require_POST
@form_page("replies")
def propose_calendar(request: HttpRequest) -> HttpResponse:
    """Propose a calendar for the own side."""
    member = member_of(request, Action.AGREE)
    form = CalendarForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            operations.propose_calendar(member, form.calendar)
            return redirect("replies", relationship=member.relationship.pk)
    return _render(request, member, form)


@require_POST
@form_page("replies")
def agree_to_calendar(request: HttpRequest) -> HttpResponse:
    """Agree to the other side's calendar."""
    member = member_of(request, Action.AGREE)
    operations.agree_to_calendar(member, request.POST.get("digest", ""))
    return redirect("replies", relationship=member.relationship.pk)


@require_POST
@form_page("replies")
def set_silence(request: HttpRequest) -> HttpResponse:
    """Set whether silence may confirm a period, for the own side."""
    member = member_of(request, Action.AGREE)
    if request.POST.get("accepts") not in {"yes", "no"}:
        raise Http404
    operations.set_silence(member, accepts=request.POST["accepts"] == "yes")
    return redirect("replies", relationship=member.relationship.pk)
