"""Pages of the ledger: the statement of a span with its entries, and both as files."""

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from comity.apps.agreements.refusals import Code
from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit_read
from comity.apps.i18n import language, words_for
from comity.apps.ledger import bars, exports, operations, queries, sentences, subjects
from comity.apps.ledger.filters import age_name, filter_bars, filter_query, read_filters, span_name
from comity.apps.ledger.forms import OpeningForm, ReversalForm, SettleForm
from comity.apps.ledger.queries import LedgerFilters
from comity.apps.ledger.refusals import Code as LedgerCode
from comity.apps.paging import paged
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused, form_page
from comity.apps.sheet import csv_file, xlsx_file
from comity.core.calendars import named
from comity.core.ledger.accounts import End
from comity.core.ledger.statement import AGE_LIMITS, Statement
from comity.core.values import Side
from comity.review.i18n.words import Words
from comity.review.render.errors import PdfUnavailableError

_MOST_OPEN = 200  # promises that a page lists; the entries have them all
_JOURNAL = "text/plain; charset=utf-8"


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """Show what each side owes the other: the statement of a span, its entries, and whether it holds."""
    member, words = member_of(request), words_for(language())
    today, months = queries.today(member), queries.calendar(member)
    filters = read_filters(request.GET, months, today)
    made = queries.statement_of(member, filters.span)
    party = member.party(words)
    page = paged(request, queries.entries(member, filters))
    lines = list(page)
    links = subjects.links(member, {(line.transaction.subject_type, line.transaction.subject_id) for line in lines})
    counted, differences = queries.last_recount(member), queries.told_differences(member)
    counted_on = "" if counted is None else words.day(timezone.localtime(counted.at).date())
    holds = queries.agrees(made, queries.balances(member, filters.span.end))
    context = {
        "head": sentences.headline(made, words, party, so_far=filters.span.end > today),
        "days": _days(filters, member, words),
        "first": filters.span.start,
        "last": filters.span.end - timedelta(days=1),
        "bars": filter_bars(member, filters, months, made, words, today),
        "query": filter_query(filters, months),
        "filtered": filters.owes or filters.kind or filters.age,
        "heads": exports.statement_heads(filters.span, words, so_far=filters.span.end > today),
        "sides": _sides(made, filters, words, member),
        "age_heads": [*(age_name(group, words) for group in range(len(AGE_LIMITS) + 1)), words("ledger.long_late")],
        "bars_of": bars.bars(made, words),
        "bar_width": bars.WIDTH,
        "open_head": _open_head(filters, words, so_far=filters.span.end > today),
        "open": _open(member, filters, words) if filters.age else None,
        "page": page,
        "entries": sentences.entry_rows(lines, links, words, party),
        "checks": sentences.checks(made, words, party),
        "unrecorded": sentences.unrecorded_sentence(queries.unrecorded(), words),
        "holds": holds,
        "counted": sentences.recount_sentence(counted, counted_on, words),
        "box": {"differences": differences, "link": False} if differences else None,
        "any": page.number > 1 or bool(lines) or bool(made.rows),
    }
    return render(request, "ledger/ledger.html", context)


def _open_head(filters: LedgerFilters, words: Words, *, so_far: bool) -> str:
    if so_far:
        return words("ledger.open_now")
    return words("ledger.open_by", day=words.day(filters.span.end - timedelta(days=1)))


def _days(filters: LedgerFilters, member: MemberContext, words: Words) -> str:
    name = span_name(filters.span, queries.calendar(member))
    if not name:
        return words.days(filters.span)
    calendar, period = named(name, queries.calendar(member).month_starts_on)
    return words.period(period, calendar.cut)


def _sides(made: Statement, filters: LedgerFilters, words: Words, member: MemberContext) -> list[dict[str, object]]:
    """Return the tables of each side: its statement, and how old what it owes is."""
    party = member.party(words)
    shown: list[dict[str, object]] = []
    for side in Side:
        rows = [row for row in made.of(side) if filters.kind in {"", row.kind}]
        if rows and filters.owes in {"", side.value}:
            shown.append(
                {
                    "side": side.value,
                    "title": words("ledger.owes_to", party=party(side), other=party(side.other)),
                    "rows": exports.statement_cells(rows, words),
                    "ages": exports.age_cells(rows, words),
                }
            )
    return shown


def _open(member: MemberContext, filters: LedgerFilters, words: Words) -> list[dict[str, object]]:
    """Return what is open of an age, the oldest first."""
    party = member.party(words)
    promises = queries.open_promises(member, filters)[:_MOST_OPEN]
    links = queries.links_of(member, promises)
    return [
        {
            "subject": links.get(one.subject[1]),
            "kind": sentences.kind_name(one.kind, words),
            "party": party(one.debtor),
            "side": one.debtor.value,
            "since": one.opened_on,
            "due": one.due_on(filters.span.end - timedelta(days=1)),
        }
        for one in promises
    ]


@require_safe
def entries_file(request: HttpRequest, form: str) -> HttpResponse:
    """Download the entries of a span: as CSV, as a workbook, or as a journal of hledger."""
    member, words = member_of(request), words_for(language())
    filters = read_filters(request.GET, queries.calendar(member), queries.today(member))
    name = f"ledger-{filters.span.start}-{filters.span.end - timedelta(days=1)}.{form}"
    if form == "journal":
        text = exports.journal_text(member, filters.span, words)
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        answer = HttpResponse(text, content_type=_JOURNAL, headers=headers)
    elif form in {"csv", "xlsx"}:
        answer = (csv_file if form == "csv" else xlsx_file)(name, *exports.entry_table(member, filters, words))
    else:
        raise Http404
    audit_read(member, Event.LEDGER_READ, SubjectType.LEDGER, {"name": name})
    return answer


@require_safe
def statement_pdf(request: HttpRequest) -> HttpResponse:
    """Download the statement of a span as a PDF."""
    member = member_of(request)
    filters = read_filters(request.GET, queries.calendar(member), queries.today(member))
    try:
        content = exports.statement_file(member, filters.span, language())
    except PdfUnavailableError:
        raise Refused(Code.NO_PDF) from None
    name = f"ledger-{filters.span.start}-{filters.span.end - timedelta(days=1)}.pdf"
    audit_read(member, Event.LEDGER_READ, SubjectType.LEDGER, {"name": name})
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


@require_safe
def agreed(request: HttpRequest) -> HttpResponse:
    """Show what both sides agree on about the ledger itself: what waits, what was agreed, and forms to propose."""
    return _agreed_page(request, member_of(request))


def _agreed_page(
    request: HttpRequest,
    member: MemberContext,
    opening: OpeningForm | None = None,
    reversal: ReversalForm | None = None,
) -> HttpResponse:
    words = words_for(language())
    agrees = member.side is not None and member.may(Action.AGREE)
    waiting, other, kept = queries.waiting_change(member), queries.other_calendar(member), queries.kept_calendar(member)
    invalid = any(form is not None and form.errors for form in (opening, reversal))
    texts = queries.texts_of_opened(member)
    context: dict[str, object] = {
        "agrees": agrees,
        "answers": member.side is not None and member.may(Action.ANSWER),
        "waiting": waiting,
        "proposed": None if waiting is None else exports.change_text(member, waiting.content, words),
        "agreed": [(one, exports.change_text(member, one.content["content"], words))
                   for one in queries.agreed_changes(member)],
        "opened": [(one, texts.get(one.key, words("ledger.erased")), sentences.kind_name(one.kind, words))
                   for one in queries.opened_promises(member)],
        "opening": (opening or OpeningForm(member=member)) if agrees else None,
        "reversal": (reversal or ReversalForm(initial={"number": request.GET.get("number", "")})) if agrees else None,
        "kept": None if kept is None else words("ledger.counts_by", zone=kept[0], day=words.number(kept[1])),
        "other": None if other is None else words("ledger.book_counts_by", zone=other[0], day=words.number(other[1])),
    }  # fmt: skip
    return render(request, "ledger/agreed.html", context, status=422 if invalid else 200)


@require_POST
@form_page("ledger_agreed")
def propose_opening(request: HttpRequest) -> HttpResponse:
    """Propose an opening list."""
    member = member_of(request, Action.AGREE)
    form = OpeningForm(request.POST, member=member)
    if form.is_valid():
        with form.showing_refusals():
            operations.propose_opening(member, form.cleaned_data["as_of"], form.promises, _seen(request))
            return _proposed(request, member)
    return _agreed_page(request, member, opening=form)


@require_POST
@form_page("ledger_agreed")
def propose_reversal(request: HttpRequest) -> HttpResponse:
    """Propose to reverse a transaction."""
    member = member_of(request, Action.AGREE)
    form = ReversalForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            said = form.cleaned_data
            operations.propose_reversal(member, said["number"], said["reason"], _seen(request))
            return _proposed(request, member)
    return _agreed_page(request, member, reversal=form)


@require_POST
@form_page("ledger_agreed")
def propose_calendar(request: HttpRequest) -> HttpResponse:
    """Propose that days count by the book's calendar."""
    member = member_of(request, Action.AGREE)
    operations.propose_ledger_calendar(member, _seen(request))
    return _proposed(request, member)


def _seen(request: HttpRequest) -> str:
    return request.POST.get("seen", "")


def _proposed(request: HttpRequest, member: MemberContext) -> HttpResponse:
    messages.success(request, words_for(language())("ledger.proposed_now"))
    return redirect("ledger_agreed", relationship=member.relationship.pk)


@require_POST
@form_page("ledger_agreed")
def agree(request: HttpRequest) -> HttpResponse:
    """Agree to what the other side proposes."""
    member = member_of(request, Action.AGREE)
    operations.agree_to_change(member, request.POST.get("digest", ""))
    messages.success(request, words_for(language())("ledger.agreed_now"))
    return redirect("ledger_agreed", relationship=member.relationship.pk)


@require_POST
@form_page("ledger_agreed")
def drop(request: HttpRequest) -> HttpResponse:
    """Decline what the other side proposes, or withdraw what the own one does."""
    member = member_of(request, Action.AGREE)
    operations.drop_change(member, request.POST.get("digest", ""))
    messages.success(request, words_for(language())("ledger.dropped_now"))
    return redirect("ledger_agreed", relationship=member.relationship.pk)


@require_POST
@form_page("ledger_agreed")
def settle(request: HttpRequest) -> HttpResponse:
    """Say how a promise of an opening list ended."""
    member = member_of(request, Action.ANSWER)
    form = SettleForm(request.POST)
    if not form.is_valid():
        raise Refused(LedgerCode.NOT_OPEN)
    said = form.cleaned_data
    operations.settle_opened(member, said["key"], End(said["ended"]), said["done_on"])
    messages.success(request, words_for(language())("ledger.settled_now"))
    return redirect("ledger_agreed", relationship=member.relationship.pk)
