"""Pages of the ledger: the statement of a span with its entries, and both as files."""

from datetime import timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from comity.apps.agreements.refusals import Code
from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit_read
from comity.apps.i18n import language, words_for
from comity.apps.ledger import bars, exports, queries, sentences, subjects
from comity.apps.ledger.filters import age_name, filter_bars, filter_query, read_filters, span_name
from comity.apps.ledger.queries import LedgerFilters
from comity.apps.paging import paged
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.refusal import Refused
from comity.apps.sheet import csv_file, xlsx_file
from comity.core.calendars import named
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
