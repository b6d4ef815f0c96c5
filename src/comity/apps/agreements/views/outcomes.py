"""What is sent about what an agreed change brought."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from comity.apps.agreements.forms.steps import AmountForm, BenefitForm
from comity.apps.agreements.outcomes import afterwards, amounts
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.views.changes import done, member_and_change
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page


@require_POST
@form_page("agreement_change", "change")
def say_benefit(request: HttpRequest, change: UUID) -> HttpResponse:
    """Say whether a change brought one's own side its benefit."""
    member, row = member_and_change(request, Action.AGREE, change)
    form = BenefitForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.NOT_NOW)
    afterwards.say_benefit(member, row, form.cleaned_data["answer"], form.cleaned_data["because"])
    return done(request, member, row, "benefit.said_now")


@require_POST
@form_page("agreement_change", "change")
def note_amounts(request: HttpRequest, change: UUID) -> HttpResponse:
    """Note for one's own side what a change is worth to it."""
    member, row = member_and_change(request, Action.READ_MONEY, change)
    form = AmountForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.NO_AMOUNT)
    amounts.note(member, row, form.cleaned_data["expected"], form.cleaned_data["came"])
    return done(request, member, row, "amounts.noted_now")
