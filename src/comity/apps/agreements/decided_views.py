"""What is sent about the day on which a change was decided."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from comity.apps.agreements import change_page, decided
from comity.apps.agreements.forms import DecidedForm
from comity.apps.agreements.refusals import Code
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page


@require_POST
@form_page("agreement_change", "change")
def say_decided(request: HttpRequest, change: UUID) -> HttpResponse:
    """Say on which day the other side's change was decided."""
    member, row = change_page.member_and_change(request, Action.ACT, change)
    form = DecidedForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.REASON)
    decided.say_decided(member, row, form.cleaned_data["day"], form.cleaned_data["because"])
    return change_page.done(request, member, row, "decided.said_now")
