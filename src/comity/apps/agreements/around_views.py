"""What is sent from the page of a change beside drafts and signatures: an early start, benefits, remarks."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from comity.apps.agreements import afterwards, carrying_out, change_page, queries, remarks
from comity.apps.agreements.around_forms import AnswerForm, AskForm, BenefitForm, RemarkForm, StopForm
from comity.apps.agreements.drafting import drafted_text
from comity.apps.agreements.models import Change
from comity.apps.agreements.refusals import Code
from comity.apps.i18n import language, words_for
from comity.apps.numbers import whole_number
from comity.apps.parties.member_context import MemberContext, member_of_a_side
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page
from comity.core.agreements.carried_out_first import FirstKind


def _member_and_change(request: HttpRequest, action: Action, pk: UUID) -> tuple[MemberContext, Change]:
    """Return the member, who is of a side and has a right, and a change that they know of."""
    member = member_of_a_side(request, action)
    return member, get_object_or_404(queries.visible_changes(member), pk=pk)


def _done(request: HttpRequest, member: MemberContext, row: Change, key: str) -> HttpResponse:
    """Say what was done, on the page of the change."""
    messages.success(request, words_for(language())(key))
    return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)


@require_POST
@form_page("agreement_change", "change")
def ask_first(request: HttpRequest, change: UUID) -> HttpResponse:
    """Ask for a change to be carried out before it is signed, or stop that again."""
    member, row = _member_and_change(request, Action.DISPUTE, change)
    if request.POST.get("what") == "stop":
        stop = StopForm(request.POST)
        if not stop.is_valid():
            raise Refused(Code.NOT_NOW)
        carrying_out.take(member, row, FirstKind.TAKE_BACK, revision=stop.cleaned_data["revision"])
        return _done(request, member, row, "first.stopped_now")
    form = AskForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.PAST)
    data = form.cleaned_data
    carrying_out.take(member, row, FirstKind.ASK, revision=data["revision"], first_day=data["first_day"])
    return _done(request, member, row, "first.asked_now")


@require_POST
@form_page("agreement_change", "change")
def answer_first(request: HttpRequest, change: UUID) -> HttpResponse:
    """Accept to carry a change out before it is signed, under reserve or not, or decline it."""
    member, row = _member_and_change(request, Action.AGREE, change)
    form = AnswerForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.NOT_NOW)
    data, accepts = form.cleaned_data, request.POST.get("what") == "accept"
    carrying_out.take(
        member, row, FirstKind.ACCEPT if accepts else FirstKind.DECLINE, revision=data["revision"],
        under_reserve=data["under_reserve"], reason=data["reason"],
    )  # fmt: skip
    return _done(request, member, row, f"first.{'accepted' if accepts else 'declined'}_now")


@require_POST
@form_page("agreement_change", "change")
def say_benefit(request: HttpRequest, change: UUID) -> HttpResponse:
    """Say whether a change brought one's own side its benefit."""
    member, row = _member_and_change(request, Action.AGREE, change)
    form = BenefitForm(request.POST)
    if not form.is_valid():
        raise Refused(Code.NOT_NOW)
    afterwards.say_benefit(member, row, form.cleaned_data["answer"], form.cleaned_data["because"])
    return _done(request, member, row, "benefit.said_now")


@require_POST
@form_page("agreement_change", "change")
def remark_change(request: HttpRequest, change: UUID) -> HttpResponse:
    """Make a remark, or suggest other values of a clause."""
    member, row = _member_and_change(request, Action.ACT, change)
    now = queries.situation(member)
    content = remarks.shown_content(member, queries.change_state(member, row, now))
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
    return _done(request, member, row, "remark.made_now")


@require_POST
@form_page("agreement_change", "change")
def take_remark(request: HttpRequest, change: UUID, remark: UUID) -> HttpResponse:
    """Take a suggestion into the draft of one's own side, or the shared one."""
    member, row = _member_and_change(request, Action.ACT, change)
    made = get_object_or_404(row.remarks.all(), pk=remark)
    seen = whole_number(request.POST.get("seen", ""))
    remarks.take_suggestion(member, row, made, -1 if seen is None else seen)
    target = _done(request, member, row, "agreement.saved")
    if row.number is not None:
        target["Location"] += "?counter"
    return target


@require_POST
@form_page("agreement_change", "change")
def withdraw_remark(request: HttpRequest, change: UUID, remark: UUID) -> HttpResponse:
    """Withdraw one's own remark."""
    member, row = _member_and_change(request, Action.ACT, change)
    remarks.withdraw_remark(member, row, get_object_or_404(row.remarks.all(), pk=remark))
    return _done(request, member, row, "remark.withdrawn_now")
