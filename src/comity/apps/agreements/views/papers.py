"""Pages and files of the agreement on paper: its text as a PDF, a change signed elsewhere, and the evidence of one."""

from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.agreements import exports, queries
from comity.apps.agreements.changes import page as change_page
from comity.apps.agreements.changes import revisions as revisions_page
from comity.apps.agreements.forms.steps import SignedFileForm
from comity.apps.agreements.models import Change, SignedFile
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.signing import signed_elsewhere, signed_pdf
from comity.apps.agreements.signing.evidence import evidence as evidence_of
from comity.apps.agreements.text.papers import Asked
from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit_read
from comity.apps.books import queries as books
from comity.apps.i18n import language, words_for
from comity.apps.numbers import whole_number
from comity.apps.parties.member_context import MemberContext, member_of, member_of_a_side
from comity.apps.parties.rights import Action
from comity.apps.parties.sign_in import recent_sign_in_required
from comity.apps.refusal import Refused, form_page
from comity.core.agreements import signing
from comity.core.agreements.kinds import Means
from comity.core.agreements.signing import UNDECIDED
from comity.review.render.errors import PdfUnavailableError

_PDF = "application/pdf"


@require_safe
def agreement_file(request: HttpRequest) -> HttpResponse:
    """Download the text of a day as a PDF, with what it says otherwise than that of another day or place."""
    member = member_of(request)
    if not books.has_book(member):
        raise Http404
    day = _day(request.GET.get("on", "")) or queries.today(member)
    compare, place = _day(request.GET.get("with", "")), _place(request.GET.get("compare_known", ""))
    compared = None if compare is None and place is None else Asked(compare or day, place)
    asked = Asked(day, _place(request.GET.get("known", "")))
    try:
        content = exports.text_file(member, asked, compared, language())
    except PdfUnavailableError:
        raise Refused(Code.NO_PDF) from None
    name = f"agreement-{day}.pdf"
    audit_read(member, Event.EVIDENCE_READ, SubjectType.AGREEMENT, {"name": name})
    return _file(name, content)


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written) if written else None
    except ValueError:
        raise Http404 from None


def _place(written: str) -> int | None:
    if not written:
        return None
    place = whole_number(written)
    if place is None:
        raise Http404
    return place


def _file(name: str, content: bytes) -> HttpResponse:
    return HttpResponse(
        content,
        content_type=_PDF,
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


def _change_of(member: MemberContext, pk: UUID) -> Change:
    return get_object_or_404(queries.visible_changes(member).filter(number__isnull=False), pk=pk)


@require_http_methods(["GET", "POST"])
@form_page("sign_elsewhere", "change")
def sign_elsewhere(request: HttpRequest, change: UUID) -> HttpResponse:
    """Show how a change is signed elsewhere, and take the signed file in, after a sign-in of the last minutes."""
    member = member_of_a_side(request, Action.ACT)
    return _sign_elsewhere(request, member, _change_of(member, change))


@recent_sign_in_required
def _sign_elsewhere(request: HttpRequest, member: MemberContext, row: Change) -> HttpResponse:
    words = words_for(language())
    form = SignedFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        with form.showing_refusals("file"):
            agreed = signed_elsewhere.bring_back(member, row, form.cleaned_data["file"].read(signed_pdf.MAX_BYTES + 1))
            messages.success(request, words("agreement.agreed_now" if agreed else "agreement.signed_now"))
            return redirect("agreement_change", relationship=member.relationship.pk, change=row.pk)
    now = queries.situation(member)
    state = queries.change_state(member, row, now)
    assert state.last is not None
    assert member.side is not None
    of = queries.situation_for(state.steps, now)
    means = signing.means_open_to(state.steps, queries.signer_of(member.membership), member.side, of)
    context = {
        "row": row,
        "title": state.last.proposal.says.get("title"),
        "span": state.last.proposal.change.span,
        "differences": change_page.differences(state.last.proposal, now.chain, member, words),
        "since_before": revisions_page.since_before(member, state, now, words),
        "word_rows": change_page.word_rows(state.last.proposal, now.chain, member, words),
        "relief": change_page.relief(member, state, of, words),
        "digest": signing.what_is_signed_digest(state.steps, of),
        "may": state.state in UNDECIDED and Means.PDF in means,
        "form": form,
    }
    return render(request, "agreements/sign_elsewhere.html", context, status=422 if form.errors else 200)


@require_POST
@form_page("sign_elsewhere", "change")
def take_out(request: HttpRequest, change: UUID) -> HttpResponse:
    """Download a change as a PDF to be signed, which notes that this person was shown it."""
    member = member_of_a_side(request, Action.ACT)
    return _take_out(request, member, _change_of(member, change))


@recent_sign_in_required
def _take_out(_: HttpRequest, member: MemberContext, row: Change) -> HttpResponse:
    state = queries.change_state(member, row)
    if state.last is None:
        raise Refused(Code.NOT_PROPOSED)
    sentences = change_page.shown_sentences(state.last.proposal, queries.chain(member))
    try:
        name, content = signed_elsewhere.take_out(member, row, sentences, words_for(language()))
    except PdfUnavailableError:
        raise Refused(Code.NO_PDF) from None
    return _file(name, content)


@require_safe
def signed_file(request: HttpRequest, change: UUID, file: UUID) -> HttpResponse:
    """Download a file that came back signed, as it came."""
    member = member_of(request)
    row = _change_of(member, change)
    found = get_object_or_404(SignedFile, pk=file, change=row, relationship=member.relationship)
    _check_readable(member, row)
    name = f"change-{row.number}-{found.side}-{found.sha256[:8]}.pdf"
    audit_read(member, Event.EVIDENCE_READ, SubjectType.AGREEMENT, {"name": name})
    return _file(name, bytes(found.content))


def _check_readable(member: MemberContext, row: Change) -> queries.ChangeState:
    """Return where a change stands.

    :raises Refused: for who may not read a clause of which it has a digest
    """
    now = queries.situation(member)
    state = queries.change_state(member, row, now)
    if not signed_elsewhere.may_read_signed(member, state, now):
        raise Refused(Code.NOT_READABLE)
    return state


@require_safe
def evidence(request: HttpRequest, change: UUID) -> HttpResponse:
    """Show what was shown to whom, who signed, and what fell; for paper too."""
    member, words = member_of(request), words_for(language())
    row = _change_of(member, change)
    state = _check_readable(member, row)
    assert state.last is not None
    reader = signed_elsewhere.reader_of(member, words)
    now = queries.situation(member)
    decided = queries.as_decided(state, now)[1]
    then = decided.chain
    context = {
        "row": row,
        "title": state.last.proposal.says.get("title"),
        "differences": change_page.differences(state.last.proposal, then, member, words),
        "since_before": revisions_page.since_before(member, state, decided, words),
        "word_rows": change_page.word_rows(state.last.proposal, then, member, words),
        **evidence_of(member, state, now, reader),
    }
    return render(request, "agreements/evidence.html", context)
