"""What is sent about what an agreed change brought."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from comity.apps.agreements import afterwards, change_page
from comity.apps.agreements.forms import BenefitForm
from comity.apps.agreements.refusals import Code
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page


@require_POST
@form_page("agreement_change", "change")
def say_benefit(request: HttpRequest, change: UUID) -> HttpResponse:
    """Say whether a change brought one's own side its benefit."""
    member, row = change_page.member_and_change(request, Action.AGREE, change)
    form = BenefitForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.NOT_NOW)
    afterwards.say_benefit(member, row, form.cleaned_data["answer"], form.cleaned_data["because"])
    return change_page.done(request, member, row, "benefit.said_now")
