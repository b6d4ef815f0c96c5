"""Pages of the records: tables, deliveries, rejects, private items and exports."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit_read
from comity.apps.books import contents, copies, effects, exports, operations, queries, sentences, terms
from comity.apps.books.filters import filter_bars, filter_query, read_filters
from comity.apps.books.forms import (
    AnswersForm,
    BeginBookForm,
    ChooseMappingForm,
    CompleteForm,
    DismissForm,
    ExportForm,
    MarkPrivateForm,
    RenameFormatForm,
    RoutesForm,
    TermsForm,
    UploadForm,
)
from comity.apps.books.match_form import FileDaysForm, MatchColumnsForm
from comity.apps.books.models import UNDER_WAY, Delivery, FileMove, Stage
from comity.apps.books.refusals import Code
from comity.apps.books.results import NotComputedYet
from comity.apps.i18n import language, words_for
from comity.apps.outbox.queries import has_pending
from comity.apps.paging import number_in, paged
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.models import Person
from comity.apps.parties.rights import Action
from comity.apps.personal.queries import saved_views
from comity.apps.refusal import Refused, form_page
from comity.apps.sheet import csv_file, xlsx_file
from comity.book.definition import UnusableBookError
from comity.book.definition_keys import DATED_TABLES
from comity.book.importing.rejected_rows import RejectedRows
from comity.book.mappings.rematch import answers_of, differences
from comity.book.tables import TABLES
from comity.book.validation.plausibility import COLUMNS_NOT_KEPT
from comity.core.agreements.kpi import RECORDS
from comity.core.calendars import Cut
from comity.review.i18n.words import Words
from comity.review.views.sections import due_text

_DAY = timedelta(days=1)


@require_safe
def records(request: HttpRequest) -> HttpResponse:
    """Show the tables of the book that the viewer may see, the deliveries, and the private items."""
    return _render_records(request, member_of(request))


def _render_records(  # noqa: PLR0913 - each form that was refused
    request: HttpRequest,
    member: MemberContext,
    mark_form: MarkPrivateForm | None = None,
    begin_form: BeginBookForm | None = None,
    complete_form: CompleteForm | None = None,
    terms_form: TermsForm | AnswersForm | None = None,
) -> HttpResponse:
    has_book, words = queries.has_book(member), words_for(language())
    waits_for_copy = request.GET.get("waiting") == "copy"
    is_changing = has_pending(member, operations.BOOK_TASKS)
    may_upload = _may_import(member) and (has_book or not is_changing)
    tables, late, outdated, marks = [], [], False, queries.marks(member)
    try:
        if has_book:
            tables, late, outdated = _tables(member), contents.lateness(member), contents.is_outdated(member)
    except UnusableBookError as error:
        messages.error(request, queries.unusable_reason(member, error))
    filters = read_filters(request.GET)
    bars, any_file = filter_bars(member, filters, words)
    context = {
        "tables": tables,
        "has_book": has_book,
        "outdated": outdated,
        "tables_said": words(
            "records.in_short",
            tables=words.number(len(tables)),
            rows=words.number(sum(one["rows"] for one in tables)),
            rejected=words.number(sum(one["rejected"] for one in tables)),
        ),
        "page": paged(request, queries.file_list(member, filters)),
        "bars": bars,
        "any_file": any_file > 0,
        "query": filter_query(filters),
        "views": list(saved_views(member, "records")),
        "form": begin_form or ((UploadForm() if has_book else BeginBookForm()) if may_upload else None),
        "writing": is_changing,
        "under_way": UNDER_WAY,
        "late": [one | {"due": due_text(one["due"], words)} if one["due"] else one for one in late],
        "marks": [one | {"name": sentences.item_name(one["item"], words)} for one in marks],
        "mark_steps": [(one, sentences.item_name(one.item, words)) for one in queries.mark_steps(member)],
        "formats": _own_formats(member) if has_book else [],
        "others_formats": queries.formats_of_other(member) if has_book else [],
        # Whoever has just asked for a copy types nothing: the page asks for itself again until it is made.
        "copy_until": sentences.copy_until,
        "waits_for_copy": waits_for_copy,
        "copy_begins": waits_for_copy and copies.is_asked_for(member),
        "copies": copies.copies(member) if has_book and copies.may_copy(member) else None,
        "terms": _terms(member, terms_form),
        "complete": [(one, one.until - _DAY) for one in queries.complete_words(member)],
        "completed": [(one, one.until - _DAY) for one in queries.ended_words(member)],
        "completing": complete_form or _complete_form(request, member),
        "asks_complete": "whole" in request.GET,
        "marking": mark_form or (MarkPrivateForm() if has_book and _may_mark(member) else None),
    }
    has_errors = any(form is not None and form.errors for form in (mark_form, begin_form, complete_form, terms_form))
    return render(request, "books/records.html", context, status=422 if has_errors else 200)


def _own_formats(member: MemberContext) -> list[dict[str, Any]]:
    """Return the own side's formats, each with what of it is shared: since when, and whether it has changed since."""
    shared = {} if member.side is None else {one.name: one for one in queries.shared_formats(member, member.side)}
    formats = []
    for one in queries.kept_formats(member):
        also = shared.get(one.name)
        changed = also is not None and also.text != one.text
        formats.append({"pk": one.pk, "name": one.name, "text": one.text, "shared": also, "changed": changed})
    return formats


def _tables(member: MemberContext) -> list[dict[str, Any]]:
    """Return the tables of the book; a row that was rejected is open until it comes again or is dismissed."""
    dismissed = queries.dismissed_rows(member)
    return [
        one | {"rejected": max(0, one["rejected"] - dismissed.get(one["name"], 0))} for one in contents.tables(member)
    ]


def _may_import(member: MemberContext) -> bool:
    return member.side is not None and member.may(Action.BRING)


def _terms(member: MemberContext, form: TermsForm | AnswersForm | None) -> dict[str, Any] | None:
    """Return how a book counts, what is proposed of it, and the forms to change it."""
    known = queries.readable_definition(member) if queries.has_book(member) else None
    if known is None:
        return None
    words, now, proposal = words_for(language()), queries.terms_of(known), terms.open_proposal(member)
    is_alone, is_final = terms.is_alone(member), terms.is_final(member)
    may_change = terms.may_change(member) and proposal is None and not has_pending(member, [operations.TERMS_TASK])
    country, _, region = now.country.partition("-")
    initial = {"timezone": now.timezone, "currency": now.currency, "month_starts_on": now.month_starts_on}
    initial |= {"open_days": list(now.open_days), "country": country, "region": region}
    counting = form if isinstance(form, TermsForm) else TermsForm(initial=initial, auto_id="terms_%s")
    answering = form if isinstance(form, AnswersForm) else AnswersForm(now=now.answers, auto_id="answers_%s")
    rule = "final" if is_final else "alone" if is_alone else "both"
    return {
        "now": now,
        "proposal": proposal,
        "said": sentences.terms_said(now, words),
        "proposed": [] if proposal is None else sentences.terms_changed(now, proposal.terms, words),
        "signed": sentences.signed_days(known.calendars, timezone.localdate(), words),
        "may_answer": proposal is not None and member.side is not None and member.may(Action.AGREE),
        "rule": f"terms.{rule}",
        "changes": [words(f"terms.{name}") for name in ("zone", "currency", "months", "days", "replies")],
        "form": counting if may_change and not is_final else None,
        "answers": answering if may_change else None,
        "do": "terms.change" if is_alone else "terms.propose",
    }


@require_POST
def change_terms(request: HttpRequest) -> HttpResponse:
    """Change alone how a book counts, or propose it to the other side: one of the two forms is sent."""
    member = member_of(request)
    if not queries.has_book(member) or not terms.may_change(member):
        raise Http404
    now = queries.terms_of(queries.definition(member))
    form: TermsForm | AnswersForm
    if "queues" in request.POST:
        form = AnswersForm(request.POST, now=now.answers, auto_id="answers_%s")
    else:
        form = TermsForm(request.POST, auto_id="terms_%s")
    if form.is_valid():
        with form.showing_refusals():
            terms.change_terms(member, _wanted_terms(form, now))
            return redirect(f"{reverse('records', args=[member.relationship.pk])}#h-terms")
    return _render_records(request, member, terms_form=form)


def _wanted_terms(form: TermsForm | AnswersForm, now: queries.Terms) -> queries.Terms:
    """Return the terms that a valid form asks for; what it does not name stays."""
    if isinstance(form, AnswersForm):
        return replace(now, answers=form.answers)
    data = form.cleaned_data
    return replace(
        now,
        timezone=data["timezone"],
        currency=data["currency"].upper(),
        month_starts_on=data["month_starts_on"],
        country=data["country"],
        open_days=tuple(data["open_days"]),
    )


@require_POST
@form_page("records")
def answer_terms(request: HttpRequest) -> HttpResponse:
    """Agree to what is proposed, decline it, or withdraw it."""
    member = member_of(request, Action.AGREE)
    try:
        seen = UUID(request.POST.get("proposal", ""))
    except ValueError:
        raise Http404 from None
    terms.answer_terms(member, seen, agrees=request.POST.get("do") == "agree")
    return redirect(f"{reverse('records', args=[member.relationship.pk])}#h-terms")


def _complete_form(request: HttpRequest, member: MemberContext) -> CompleteForm | None:
    """Return the form for how far the own records are whole, filled in as the link of a review asks for it."""
    tables = queries.owed_tables(member) if _may_import(member) else []
    asked = {"table": request.GET.get("table", ""), "last_day": request.GET.get("whole", "")}
    return CompleteForm(tables, initial=asked) if tables else None


@require_POST
def say_complete(request: HttpRequest) -> HttpResponse:
    """Say up to which day the own records of a table are whole, or take that back."""
    member = member_of(request, Action.BRING)
    if not queries.has_book(member) or not _may_import(member):
        raise Http404
    address = redirect(f"{reverse('records', args=[member.relationship.pk])}#h-complete")
    ending = request.POST.get("do") == "end"
    # What the own side said it may take back, though another side delivers the table by now.
    form = CompleteForm(DATED_TABLES if ending else queries.owed_tables(member), request.POST)
    if form.is_valid():
        with form.showing_refusals():
            change = operations.end_complete if ending else operations.say_complete
            change(member, form.cleaned_data["table"], form.cleaned_data["last_day"])
            return address
    return _render_records(request, member, complete_form=form)


def _may_mark(member: MemberContext) -> bool:
    return member.side is not None and member.may(Action.BRING) and member.may(Action.READ_OWN)


@require_POST
def mark_private(request: HttpRequest) -> HttpResponse:
    """Withhold an item from the other side."""
    member = member_of(request, Action.BRING)
    if not queries.has_book(member) or not _may_mark(member):
        raise Http404
    form = MarkPrivateForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            operations.mark_private(member, **form.cleaned_data)
            return redirect("records", relationship=member.relationship.pk)
    return _render_records(request, member, mark_form=form)


@require_POST
@form_page("records")
def change_format(request: HttpRequest) -> HttpResponse:
    """Rename or delete a format that the own side has saved."""
    member = member_of(request, Action.BRING)
    key = request.POST.get("format", "")
    kept = next((one for one in queries.kept_formats(member) if str(one.pk) == key), None)
    if kept is None:
        raise Http404
    if request.POST.get("do") == "delete":
        operations.delete_format(member, kept)
    elif request.POST.get("do") == "share":
        operations.share_format(member, kept)
    elif request.POST.get("do") == "unshare":
        operations.unshare_format(member, kept.name)
    else:
        form = RenameFormatForm(request.POST)
        if form.is_valid():
            operations.rename_format(member, kept, form.cleaned_data["name"])
        else:
            messages.error(request, " ".join(map(str, form.errors["name"])))
    return redirect(f"{reverse('records', args=[member.relationship.pk])}#h-formats")


@require_POST
@form_page("records")
def make_copy(request: HttpRequest) -> HttpResponse:
    """Have a copy of the record and the book made."""
    member = member_of(request, Action.CONFIRM)
    if not queries.has_book(member):
        raise Http404
    copies.request_copy(member)
    return redirect(f"{reverse('records', args=[member.relationship.pk])}?waiting=copy#h-copy")


@require_safe
def copy_archive(request: HttpRequest, key: UUID) -> FileResponse:
    """Download a copy of the record and the book."""
    member = member_of(request, Action.CONFIRM)
    archive = copies.archive_of(member, key)
    if archive is None:
        raise Http404
    audit_read(member, Event.COPY_READ, SubjectType.RECORD)
    return FileResponse(archive.open("rb"), as_attachment=True, filename="comity-copy.zip")


@require_POST
@form_page("records")
def disclose(request: HttpRequest) -> HttpResponse:
    """Disclose an item to the other side."""
    member = member_of(request, Action.BRING)
    if not queries.has_book(member) or not _may_mark(member):
        raise Http404
    operations.disclose(member, request.POST.get("item", ""))
    return redirect("records", relationship=member.relationship.pk)


@require_POST
def begin_book(request: HttpRequest) -> HttpResponse:
    """Begin the book."""
    member = member_of(request, Action.BRING)
    address = redirect("records", relationship=member.relationship.pk)
    if member.side is None or queries.has_book(member):
        return address
    form = BeginBookForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            data = form.cleaned_data
            period = Cut(data["period"] or Cut.MONTH)
            days = operations.BookDays(data["country"], tuple(data["open_days"]))
            operations.begin_book(
                member, data["timezone"], data["currency"].upper(), data["month_starts_on"] or 1, period, days
            )
            return_page = "today" if request.POST.get("from") == "today" else "records"
            return redirect(return_page, relationship=member.relationship.pk)
    return _render_records(request, member, begin_form=form)


@require_POST
@form_page("records")
def upload_file(request: HttpRequest) -> HttpResponse:
    """Upload a file."""
    member = member_of(request, Action.BRING)
    form = UploadForm(request.POST, request.FILES)
    if not queries.has_book(member) or member.side is None:
        raise Http404
    if not form.is_valid():
        messages.error(request, words_for(language())("upload.none"))
        return redirect("records", relationship=member.relationship.pk)
    delivery = operations.receive_upload(member, form.cleaned_data["file"])
    return redirect("delivery", relationship=member.relationship.pk, delivery=delivery.pk)


@require_safe
def delivery(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Show a delivery: its stage, its outcome, and its rejects with their reasons."""
    member = member_of(request)
    known_delivery = _delivery_or_404(member, delivery)
    if known_delivery.side != member.side:
        # Once a day for each stage: who looked before an undoing has not seen what it moved.
        told = {"name": known_delivery.name, "stage": known_delivery.stage}
        audit_read(member, Event.DELIVERY_READ, known_delivery, told)
    return _render_delivery(request, member, known_delivery, None)


def _render_delivery(  # noqa: PLR0913 - each form that was refused
    request: HttpRequest,
    member: MemberContext,
    delivery: Delivery,
    mapping_form: ChooseMappingForm | None,
    dismiss_form: DismissForm | None = None,
    days_form: FileDaysForm | None = None,
) -> HttpResponse:
    is_own = member.side is not None and delivery.side == member.side and member.may(Action.BRING)
    is_undoing = queries.is_being_undone(delivery)
    is_running = queries.is_under_way(delivery) or is_undoing
    number, words = number_in(request, "of"), words_for(language())
    reason = queries.reject_reason(delivery, number) if is_own else None
    too_many = sentences.too_many_rejected(delivery, words) if is_own and delivery.stage == Stage.LOOKED else ""
    rejected_rows = queries.rejected_rows(member, delivery) if is_own and not is_running else None
    may_match = is_own and queries.file_columns(delivery) is not None
    told = _own_outcome(delivery) if is_own else queries.shared_outcome(delivery)
    waits = delivery.stage in {Stage.LOOKED, Stage.REFUSED} and not is_running
    days = (days_form or _days_form(delivery)) if is_own and waits else None
    forms = (mapping_form, dismiss_form, days_form)
    has_errors = any(form is not None and form.errors for form in forms)
    importable = delivery.stage == Stage.LOOKED and waits and bool(told.get("counts")) and not told.get("already")
    context = {
        **_checked_file(member, delivery, words),
        "moved": _moved(
            member, delivery, words, supposes=is_own and importable and not too_many, refreshes=not has_errors
        ),
        "too_many": too_many,
        "unknown": delivery.stage in {Stage.LOOKED, Stage.REFUSED}
        and not delivery.outcome.get("counts")
        and not delivery.outcome.get("chosen")
        and days is None
        and may_match,
        "days": days,
        "meaning": _other_meaning(member, delivery, words) if may_match and waits and days is None else None,
        "may_share": is_own and delivery.stage == Stage.BROUGHT and queries.may_share_format(member, delivery),
        "handling": sentences.handling_not_kept(delivery, words) if may_match and waits else "",
        "cures": sentences.cures(delivery, words) if may_match and waits else [],
        "undone": _undone(told),
        "may_match": may_match,
        "work": [link for links in queries.work_links for link in links(member)]
        if is_own and delivery.stage == Stage.BROUGHT
        else [],
        "dismissed": _dismissed(told),
        "dismissing": (dismiss_form or DismissForm())
        if is_own and delivery.stage == Stage.BROUGHT and queries.open_rejects(member, delivery)
        else None,
        "rows_to_correct": _rows_to_correct(member, delivery, rejected_rows),
        "reason_text": sentences.reason(reason["reason"], words, reason["column"] or "") if reason else "",
        "delivery": delivery,
        "mine": is_own,
        "form": (mapping_form or _choose_form(member, None, delivery)) if is_own else None,
        "may_undo": is_own and not is_undoing and queries.may_undo(member, delivery),
        "undoing": is_undoing,
        "running": is_running,
        "cut_off": delivery.stage in UNDER_WAY and not is_running,
        "told": told,
        "only": reason,
        "of": number if reason else 0,
        "rejects": [
            {
                "line": one.line,
                "column": sentences.field_name(one.column, words),
                "value": one.value,
                "cells": sentences.rejected_cells(delivery, rejected_rows, one, words),
                "reason": sentences.reason(one.reason, words, one.column),
            }
            for one in (queries.first_rejects(member, delivery, reason) if is_own else ())
        ],
    }
    return render(request, "books/delivery.html", context, status=422 if has_errors else 200)


def _moved(
    member: MemberContext, delivery: Delivery, words: Words, *, supposes: bool, refreshes: bool
) -> dict[str, object] | None:
    """What a file does to the joint figures, or did; None where it moves none that could move.

    :param supposes: whether it waits to be imported by the viewer
    :param refreshes: whether the page may ask for itself again, because nothing is being typed
    """
    definition = queries.readable_definition(member)
    moved: dict[str, object] = {
        "pending": None,
        "refreshes": refreshes,
        "rows": [],
        "has_final": bool(queries.final_periods(member)),
        "said": "undone" if delivery.stage == Stage.UNDONE else "after",
    }
    found = effects.told_effects(delivery) if delivery.stage in {Stage.BROUGHT, Stage.UNDONE} else ()
    if supposes and effects.may_move_figures(member, delivery):
        try:
            found = effects.supposed_effects(member, delivery)
        except NotComputedYet as pending:
            return moved | {"pending": pending, "said": "before"}
        moved["said"] = "before"
    elif not found:
        return None
    currency = "" if definition is None else definition.currency
    # Where both agreed on neither table, whoever imports decides by it from which one is counted.
    agreed = set() if definition is None else {source.table for source in definition.sources} & set(RECORDS)
    undecided = len(agreed) != 1 and any(one.changes_table for one in found)
    return moved | {"rows": sentences.moved_figures(found, currency, words), "undecided": undecided}


def _dismissed(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return who dismissed the rejected rows of a file, when and why; None where nobody did."""
    dismissed = told.get("dismissed")
    return None if dismissed is None else dismissed | {"at": datetime.fromisoformat(dismissed["at"])}


def _other_meaning(member: MemberContext, delivery: Delivery, words: Words) -> dict[str, Any] | None:
    """What a file's format makes of it that the table's format until now did not; None where nothing is to be told."""
    table, mine = delivery.outcome.get("table"), queries.format_of(delivery)
    columns = queries.file_columns(delivery)
    if mine is None or columns is None or member.side is None or table != mine.table:
        return None
    if delivery.outcome.get("format_of"):
        return None  # it is the other side's own word
    shared = next((one for one in queries.formats_of_other(member) if one.table == table), None)
    own, theirs = (queries.last_import(member, table, side) for side in (member.side, member.side.other))
    before = queries.shared_mapping(shared) if shared is not None else None
    if before is None and own is not None:
        before = queries.format_of(own)
    texts = [] if before is None else sentences.differences(differences(mine, before, columns), words)
    is_unknown = shared is None and own is None and theirs is not None
    if not texts and not is_unknown:
        return None
    return {"texts": texts, "shared": shared, "since": theirs if is_unknown else None}


def _undone(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return who undid an import, and when; None where nobody did."""
    undone = told.get("undone")
    return None if undone is None else undone | {"at": datetime.fromisoformat(undone["at"])}


def _own_outcome(delivery: Delivery) -> dict[str, Any]:
    """The outcome without what the page says in words."""
    notes = [text for text in delivery.outcome.get("notes") or () if not text.startswith(COLUMNS_NOT_KEPT)]
    return {**delivery.outcome, "notes": notes}


def _checked_file(member: MemberContext, delivery: Delivery, words: Words) -> dict[str, object]:
    """What a file is, what it holds, and what importing it changes; for the other side only what it changes."""
    is_own = member.side is not None and delivery.side == member.side and member.may(Action.BRING)
    told = delivery.outcome if is_own else queries.shared_outcome(delivery)
    counts = told.get("counts") or {}
    waiting = [name for name in ("proposed", "proposed_withdrawals") if counts.get(name)]
    aside = [name for name in ("collapsed", "superseded") if counts.get(name)]
    return {
        "format_name": sentences.format_name(delivery, words) if is_own else "",
        "extent": sentences.extent(delivery, words) if is_own else "",
        "not_kept": sentences.not_kept(delivery, words) if is_own else "",
        "columns": sentences.columns_read(delivery, words, ZoneInfo(queries.zone(member))) if is_own else [],
        "uncounted": sentences.uncounted(delivery, words) if is_own else [],
        "reasons": sentences.reasons(delivery, words) if is_own else [],
        "counted": [*_CHANGES, *aside, *waiting],
    }


_CHANGES = ("new", "updated", "unchanged", "withdrawn", "rejected")


def _rows_to_correct(member: MemberContext, delivery: Delivery, rows: RejectedRows | None) -> dict[str, object] | None:
    """How many rejected rows of a file are still open, and which files closed the others."""
    if rows is None:
        return None
    closed = Counter(row.corrected_by for row in rows.rows if row.corrected_by is not None)
    files = queries.files_of_imports(member, str(delivery.outcome.get("table")), closed.keys())
    return {
        "all": len(rows.rows),
        "open": len(rows.rows) - closed.total(),
        "closed": [{"file": files.get(number), "rows": count} for number, count in closed.items()],
    }


@require_safe
def rejected_rows(request: HttpRequest, delivery: UUID, form: str) -> HttpResponse:
    """Download the rejected rows that are still open, as rows of the file, to be corrected and uploaded again."""
    member = member_of(request, Action.BRING)
    known_delivery = _delivery_or_404(member, delivery)
    if form not in {"csv", "xlsx"} or not queries.may_read_cells(member, known_delivery):
        raise Http404
    words, rows = words_for(language()), queries.rows_to_correct(member, known_delivery)
    table = rows.table(lambda column, reason: sentences.column_and_reason(known_delivery, column, reason, words))
    if form == "xlsx":
        return xlsx_file("rejected-rows.xlsx", rows.head, table)
    return csv_file("rejected-rows.csv", rows.head, table, rows.delimiter)


@require_POST
@form_page("delivery", "delivery")
def move_delivery(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Check a file again with another mapping, import, undo or drop it."""
    member = member_of(request, Action.BRING)
    known_delivery = _delivery_or_404(member, delivery)
    if member.side is None or known_delivery.side != member.side:
        raise Http404
    address = redirect("delivery", relationship=member.relationship.pk, delivery=known_delivery.pk)
    match request.POST.get("do"):
        case FileMove.BRING:
            operations.import_delivery(member, known_delivery)
        case FileMove.UNDO:
            operations.undo_delivery(member, known_delivery)
        case FileMove.DROP:
            operations.drop_delivery(member, known_delivery)
            return redirect("records", relationship=member.relationship.pk)
        case _:
            return _move_by_form(request, member, known_delivery) or address
    return address


def _move_by_form(request: HttpRequest, member: MemberContext, delivery: Delivery) -> HttpResponse | None:
    """Make a move that needs what somebody typed.

    :returns: the page with what is wrong; None where the move was made
    """
    match request.POST.get("do"):
        case FileMove.DAYS:
            days_form = _days_form(delivery, request.POST)
            if days_form is None or not days_form.is_valid():
                return _render_delivery(request, member, delivery, None, days_form=days_form)
            operations.give_days(member, delivery, days_form.values())
        case FileMove.DISMISS:
            dismiss_form = DismissForm(request.POST)
            if not dismiss_form.is_valid():
                return _render_delivery(request, member, delivery, None, dismiss_form)
            operations.dismiss_rejects(member, delivery, dismiss_form.cleaned_data["reason"])
        case _:
            form = _choose_form(member, request.POST, delivery)
            if form.is_valid():
                with form.showing_refusals():
                    _choose(member, delivery, form.cleaned_data["mapping"], form.cleaned_data["text"])
                    return None
            delivery.refresh_from_db()
            return _render_delivery(request, member, delivery, form)
    return None


def _days_form(delivery: Delivery, given: QueryDict | None = None) -> FileDaysForm | None:
    """Return the form for the days of a file that its format asks for; None where it asks for none."""
    asked = delivery.outcome.get("days")
    return FileDaysForm(asked["table"], tuple(asked["columns"]), given) if asked else None


def _choose_form(member: MemberContext, given: QueryDict | None, delivery: Delivery) -> ChooseMappingForm:
    own = [one.name for one in queries.kept_formats(member)]
    shared = [one.name for one in queries.formats_of_other(member)]
    return ChooseMappingForm(
        given, own=own, shared=shared, initial={"mapping": delivery.mapping, "text": delivery.text}
    )


def _choose(member: MemberContext, delivery: Delivery, mapping: str, text: str) -> None:
    """Set the mapping of a file: the text that the page filled in itself does not outdo a format that was chosen."""
    is_unchanged = text.split() == delivery.text.split()
    if is_unchanged and not mapping and delivery.outcome.get("days"):
        raise Refused(Code.COLUMNS_OPEN)  # it has the days of an earlier file
    if mapping and is_unchanged:
        text = ""
    if mapping.startswith(ChooseMappingForm.OWN) and not text.strip():
        operations.choose_kept_format(member, delivery, mapping.removeprefix(ChooseMappingForm.OWN))
    elif mapping.startswith(ChooseMappingForm.SHARED) and not text.strip() and member.side is not None:
        name = mapping.removeprefix(ChooseMappingForm.SHARED)
        operations.choose_kept_format(member, delivery, name, member.side.other)
    else:
        operations.choose_mapping(member, delivery, mapping, text)


@require_http_methods(["GET", "HEAD", "POST"])
@form_page("match_columns", "delivery")
def match_columns(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Match the columns of a file with those of a table, and check it so."""
    member = member_of(request, Action.BRING)
    known_delivery = _delivery_or_404(member, delivery)
    columns = queries.file_columns(known_delivery)
    if member.side is None or known_delivery.side != member.side or columns is None:
        raise Http404
    base, proposal = queries.format_of(known_delivery), queries.likely_table(known_delivery, columns)
    name = str(known_delivery.outcome.get("format") or "")
    if known_delivery.outcome.get("format_of"):  # the other side's stays as it is; a changed one is another
        name = queries.free_format_name(member, name)
    name = name or queries.free_format_name(member, Path(known_delivery.name).stem)
    asked = request.POST if request.method == "POST" else None
    table = request.POST.get("table", "") if asked is not None else ""
    before = known_delivery.outcome.get("chosen") or {}
    if table not in TABLES:
        table = before.get("table") or (proposal.table if base is None else base.table)
    before = before if before.get("table") == table else {}
    if request.POST.get("do") == "table":  # what was chosen for another table's columns says nothing of these
        asked, name = None, request.POST.get("name", name)
    known = answers_of(base, columns) if base is not None and base.table == table else None
    rejected = queries.rejected_values(known_delivery)
    days = tuple((known_delivery.outcome.get("days") or {}).get("columns", ())) if known is not None else ()
    form = MatchColumnsForm(columns, table, asked, name, queries.zone(member), before, known, rejected, days)
    if asked is not None and form.is_valid() and not form.questions.any:
        with form.showing_refusals():
            name, chosen = form.cleaned_data["name"], {key: str(value) for key, value in form.cleaned_data.items()}
            operations.match_columns(member, known_delivery, form.answers(), name, chosen)
            return redirect("delivery", relationship=member.relationship.pk, delivery=known_delivery.pk)
    words = words_for(language())
    context = {
        "delivery": known_delivery,
        "form": form,
        "is_open": form.what_is_open() if asked is not None else [],
        "base": sentences.format_name(known_delivery, words) if known is not None else "",
        "proposed": sentences.proposal(proposal, words) if base is None and table == proposal.table else "",
    }
    return render(request, "books/match.html", context, status=422 if asked is not None else 200)


@require_safe
def rejects(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Download the rejects as CSV, to be corrected and imported again."""
    member = member_of(request, Action.BRING)
    known_delivery = _delivery_or_404(member, delivery)
    if not queries.may_read_cells(member, known_delivery):
        raise Http404
    rows = queries.reject_rows(member, known_delivery, number_in(request, "of"))
    return csv_file("rejects.csv", queries.REJECT_COLUMNS, rows)


def _delivery_or_404(member: MemberContext, number: UUID) -> Delivery:
    delivery = queries.delivery(member, number)
    if delivery is None:
        raise Http404
    return delivery


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def routes(request: HttpRequest) -> HttpResponse:
    """Show and save the rules for exports that hold several relationships, and show the exports."""
    person: Person = request.user  # type: ignore[assignment]
    rules_form = RoutesForm(request.POST or None, initial={"text": queries.routes(person)})
    if request.method == "POST" and rules_form.is_valid():
        with rules_form.showing_refusals("text"):
            exports.keep_routes(person, rules_form.cleaned_data["text"])
            messages.success(request, words_for(language())("routes.kept"))
            return redirect("routes")
    return _render_routes(request, person, rules_form, ExportForm())


def _render_routes(
    request: HttpRequest, person: Person, rules_form: RoutesForm, export_form: ExportForm
) -> HttpResponse:
    exports_shown = list(queries.exports(person))
    is_running = {one.pk: queries.is_under_way(one) for one in exports_shown if one.stage in UNDER_WAY}
    context = {
        "rules": rules_form,
        "sort": export_form,
        "books": list(exports.writable_books(person)),
        "exports": exports_shown,
        "running": any(is_running.values()),
        "cut_off": [number for number, runs in is_running.items() if not runs],
        "counted": operations.COUNT_FIELDS,
    }
    has_errors = rules_form.errors or export_form.errors
    return render(request, "books/routes.html", context, status=422 if has_errors else 200)


@require_POST
@login_required
def upload_export(request: HttpRequest) -> HttpResponse:
    """Upload an export, and make a trial run of it."""
    person: Person = request.user  # type: ignore[assignment]
    form = ExportForm(request.POST, request.FILES)
    if form.is_valid():
        with form.showing_refusals():
            exports.receive_export(person, form.cleaned_data["file"], form.cleaned_data["mapping"])
            return redirect("routes")
    return _render_routes(request, person, RoutesForm(initial={"text": queries.routes(person)}), form)


@require_POST
@login_required
@form_page("routes")
def move_export(request: HttpRequest, export: UUID) -> HttpResponse:
    """Import an export, or drop it."""
    known_export = queries.export(request.user, export)  # type: ignore[arg-type]
    if known_export is None:
        raise Http404
    (exports.import_export if request.POST.get("do") == FileMove.BRING else exports.drop_export)(known_export)
    return redirect("routes")
