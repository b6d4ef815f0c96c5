"""What is sent about remarks on a change: made, taken into a draft, withdrawn."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from comity.apps.agreements import queries
from comity.apps.agreements.changes import page as change_page
from comity.apps.agreements.drafting import remarks
from comity.apps.agreements.drafting.edits import drafted_text
from comity.apps.agreements.forms.steps import RemarkForm
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.views.changes import done, member_and_change
from comity.apps.i18n import language, words_for
from comity.apps.numbers import whole_number
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page


@require_POST
@form_page("agreement_change", "change")
def remark_change(request: HttpRequest, change: UUID) -> HttpResponse:
    """Make a remark, or suggest other values of a clause."""
    member, row = member_and_change(request, Action.ACT, change)
    now = queries.situation(member)
    content = remarks.shown_content(member, queries.change_state(member, row, now), now.chain)
    read = drafted_text(content, now)
    clause = request.POST.get("clause", "")
    form = RemarkForm(request.POST, clauses=[(one.id, one.id) for one in read.clauses if not one.removed])
    if not form.is_valid():
        raise Refused(Code.NOT_THERE)
    wanted = None
    if request.POST.get("what") == "suggest":
        _, values = change_page.posted_form(request, member, content, now)
        if values.of_other_measure(read) is not None:  # what was typed is in the units of the measure before
            raise Refused(Code.INVALID, why=words_for(language())("remark.same_measure"))
        wanted = values.values(clause)
        if wanted is None:
            raise Refused(
                Code.INVALID, why=" ".join(str(error) for errors in values.errors.values() for error in errors)
            )
    remarks.remark(member, row, clause, form.cleaned_data["text"], wanted)
    return done(request, member, row, "remark.made_now")


@require_POST
@form_page("agreement_change", "change")
def take_remark(request: HttpRequest, change: UUID, remark: UUID) -> HttpResponse:
    """Take a suggestion into the draft of one's own side, or the shared one."""
    member, row = member_and_change(request, Action.ACT, change)
    made = get_object_or_404(row.remarks.all(), pk=remark)
    seen = whole_number(request.POST.get("seen", ""))
    remarks.take_suggestion(member, row, made, -1 if seen is None else seen)
    target = done(request, member, row, "agreement.saved")
    if row.number is not None:
        target["Location"] += "?counter"
    return target


@require_POST
@form_page("agreement_change", "change")
def withdraw_remark(request: HttpRequest, change: UUID, remark: UUID) -> HttpResponse:
    """Withdraw one's own remark."""
    member, row = member_and_change(request, Action.ACT, change)
    remarks.withdraw_remark(member, row, get_object_or_404(row.remarks.all(), pk=remark))
    return done(request, member, row, "remark.withdrawn_now")
