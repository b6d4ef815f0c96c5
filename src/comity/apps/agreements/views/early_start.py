"""What is sent about a change that is carried out before it is signed."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from comity.apps.agreements.early_start import carrying_out
from comity.apps.agreements.forms.steps import AnswerForm, AskForm, StopForm
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.views.changes import done, member_and_change
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page
from comity.core.agreements.carried_out_first import FirstKind


@require_POST
@form_page("agreement_change", "change")
def ask_first(request: HttpRequest, change: UUID) -> HttpResponse:
    """Ask for a change to be carried out before it is signed, or stop that again."""
    member, row = member_and_change(request, Action.DISPUTE, change)
    if request.POST.get("what") == "stop":
        stop = StopForm(request.POST)
        if not stop.is_valid():
            raise Refused(Code.NOT_NOW)
        carrying_out.take(member, row, FirstKind.TAKE_BACK, revision=stop.cleaned_data["revision"])
        return done(request, member, row, "first.stopped_now")
    form = AskForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.PAST)
    data = form.cleaned_data
    carrying_out.take(member, row, FirstKind.ASK, revision=data["revision"], first_day=data["first_day"])
    return done(request, member, row, "first.asked_now")


@require_POST
@form_page("agreement_change", "change")
def answer_first(request: HttpRequest, change: UUID) -> HttpResponse:
    """Accept to carry a change out before it is signed, under reserve or not, or decline it."""
    member, row = member_and_change(request, Action.AGREE, change)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.NOT_NOW)
    data, accepts = form.cleaned_data, request.POST.get("what") == "accept"
    carrying_out.take(
        member, row, FirstKind.ACCEPT if accepts else FirstKind.DECLINE, revision=data["revision"],
        under_reserve=data["under_reserve"], reason=data["reason"],
    )  # fmt: skip
    return done(request, member, row, f"first.{'accepted' if accepts else 'declined'}_now")
