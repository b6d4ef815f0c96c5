"""Pages on which a change is signed."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from comity.apps.agreements import operations, queries
from comity.apps.agreements.changes import page as change_page
from comity.apps.agreements.changes import progress
from comity.apps.agreements.changes import revisions as revisions_page
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change
from comity.apps.agreements.preview.page import preview
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.views.changes import change_of
from comity.apps.i18n import language, words_for
from comity.apps.parties.member_context import MemberContext, member_of_a_side
from comity.apps.parties.rights import Action
from comity.apps.parties.sign_in import recent_sign_in_required
from comity.apps.record import operations as record
from comity.apps.refusal import Refused, form_page


@require_http_methods(["GET", "POST"])
@form_page("agreement_change", "change")
def sign(request: HttpRequest, change: UUID) -> HttpResponse:
    """Show exactly what is signed, and sign it, after a sign-in of the last minutes."""
    member = member_of_a_side(request, Action.ACT)
    return _sign(request, member, change_of(member, change))


@recent_sign_in_required
def _sign(request: HttpRequest, member: MemberContext, row: Change) -> HttpResponse:
    words = words_for(language())
    record.lock_relationship(member)  # else a revision could come between the sentences and what is signed
    state = queries.change_state(member, row)
    if state.last is None:
        raise Refused(Code.NOT_PROPOSED)
    sentences = change_page.shown_sentences(state.last.proposal, queries.chain(member))
    if request.method == "POST":
        try:
            with transaction.atomic():
                agreed = operations.sign(
                    member, row, request.POST.get("digest", ""), sentences, retroactive="retroactive" in request.POST
                )
        except Refused as refused:
            if refused.code is not Code.RETROACTIVE:
                raise
            return _read_to_sign(request, member, row, untold=True)  # the tick is on this page
        whole = agreed or member.side in queries.change_state(member, row).signed
        said = "agreed_now" if agreed else "signed_now" if whole else "cosign_now"
        messages.success(request, words(f"agreement.{said}"))
        return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)
    return _read_to_sign(request, member, row)


def _read_to_sign(request: HttpRequest, member: MemberContext, row: Change, *, untold: bool = False) -> HttpResponse:
    """Show what is signed, with its digest.

    :param untold: whether it was sent without the word that it counts from a day that has come
    """
    words, entries = words_for(language()), queries.chain(member)
    proposed = queries.change_state(member, row).last
    if proposed is None:
        raise Refused(Code.NOT_PROPOSED)
    digest = operations.show_for_signature(
        member, row, change_page.shown_sentences(proposed.proposal, entries), language()
    )
    now = queries.situation(member)
    state = queries.change_state(member, row, now)
    assert state.last is not None
    context = {
        "row": row,
        "title": state.last.proposal.says.get("title"),
        "says": state.last.proposal.says,
        "says_rows": change_page.says_rows(
            state.last.proposal, words, change_page.figures(member, state.last.proposal.change, now.chain, words)
        ),
        "span": state.last.proposal.change.span,
        "stations": progress.stations(state, DraftContent.of(state.last.proposal), None, now.today, words),
        "differences": change_page.differences(state.last.proposal, now.chain, member, words),
        "since_before": revisions_page.since_before(member, state, now, words),
        "word_rows": change_page.word_rows(state.last.proposal, now.chain, member, words),
        "preview": preview(member, state.last.proposal, now, words),
        "digest": digest,
        "amends": change_page.amends_contract(state.last.proposal.change, now.chain),
        "broken_limits": change_page.broken_limits(member, state.last.proposal, now),
        **change_page.deciding(member, state, now, words),
    }
    context["untold"] = untold
    return render(request, "agreements/sign.html", context, status=422 if untold else 200)
