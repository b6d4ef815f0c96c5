"""The page of reply times: each side's calendar, and whether silence counts."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.rights import Action
from comity.apps.refusal import form_page
from comity.apps.replies import operations, queries
from comity.apps.replies.forms import DraftFreeDays, ProposeCalendar
from comity.apps.replies.queries import Calendar
from comity.core.values import Side


@require_safe
def replies(request: HttpRequest) -> HttpResponse:
    """When each side answers, what is proposed, and what silence means."""
    member = member_of(request)
    draft = DraftFreeDays(request.GET) if "country" in request.GET else None
    drafted = draft.text if draft is not None and draft.is_valid() else ""
    return _page(request, member, None, draft, drafted)


def _page(
    request: HttpRequest,
    member: MemberContext,
    form: ProposeCalendar | None,
    draft: DraftFreeDays | None = None,
    drafted: str = "",
) -> HttpResponse:
    here, proposed = queries.default_zone(member), queries.proposed(member)
    calendars = {side: queries.calendar(member.relationship, side, here) for side in Side}
    shown: dict[str, Any] = {
        "calendars": calendars,
        "proposed": {side: (word, Calendar.read(word.content)) for side, word in proposed.items()},
        "silence": queries.silence(member),
        "silence_since": queries.silence_since(member),
        "days": member.relationship.reply_days,
        "agrees": member.side is not None and member.may(Action.AGREE),
    }
    if shown["agrees"] and member.side is not None:
        now = shown["proposed"].get(member.side, (None, calendars[member.side]))[1]
        shown["form"] = form or ProposeCalendar(now=now, drafted=drafted)
        shown["draft"] = draft or DraftFreeDays()
        shown["drafted"] = bool(drafted)
    wrong = (form is not None and form.errors) or (draft is not None and draft.errors)
    return render(request, "replies/replies.html", shown, status=422 if wrong else 200)


@require_POST
@form_page("replies")
def propose(request: HttpRequest) -> HttpResponse:
    """Propose when the own side answers."""
    member = member_of(request, Action.AGREE)
    form = ProposeCalendar(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            operations.propose_calendar(member, form.calendar)
            return redirect("replies", relationship=member.relationship.pk)
    return _page(request, member, form)


@require_POST
@form_page("replies")
def agree(request: HttpRequest) -> HttpResponse:
    """Agree to when the other side answers."""
    member = member_of(request, Action.AGREE)
    operations.agree_to_calendar(member, request.POST.get("digest", ""))
    return redirect("replies", relationship=member.relationship.pk)


@require_POST
@form_page("replies")
def silence(request: HttpRequest) -> HttpResponse:
    """Say whether silence may confirm a period."""
    member = member_of(request, Action.AGREE)
    if request.POST.get("accepts") not in {"yes", "no"}:
        raise Http404
    operations.set_silence(member, accepts=request.POST["accepts"] == "yes")
    return redirect("replies", relationship=member.relationship.pk)
