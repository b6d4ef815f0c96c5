"""What is sent about a change's worth to one's own side."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from comity.apps.agreements import amounts, change_page
from comity.apps.agreements.forms import AmountForm
from comity.apps.agreements.refusals import Code
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page


@require_POST
@form_page("agreement_change", "change")
def note_amounts(request: HttpRequest, change: UUID) -> HttpResponse:
    """Note for one's own side what a change is worth to it."""
    member, row = change_page.member_and_change(request, Action.READ_MONEY, change)
    form = AmountForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.NO_AMOUNT)
    amounts.note(member, row, form.cleaned_data["expected"], form.cleaned_data["came"])
    return change_page.done(request, member, row, "amounts.noted_now")
