"""Pages of the review, its figures and readings, its closing, the review by mail, and the attribution."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from markupsafe import Markup

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit_read
from comity.apps.books import results
from comity.apps.books.queries import NoBookError, definition, unusable_reason
from comity.apps.books.results import NotComputedYet
from comity.apps.i18n import language, spoken_period, words_for
from comity.apps.matters.models import Matter
from comity.apps.matters.sentences import dispute_mark, figure_mark
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.rights import Action
from comity.apps.record.models import Consent, Entry, VoidReason
from comity.apps.refusal import Refused, form_page
from comity.apps.reviews import comments, figure_table, logos, operations, queries
from comity.apps.reviews.comparison import (
    ComparedRow,
    compared_levels,
    compared_readings,
    comparison_cells,
    comparison_head,
)
from comity.apps.reviews.figures import Figures, figure_changes
from comity.apps.reviews.forms import CommentForm, LogoForm, MailForm, RestateForm
from comity.apps.reviews.models import View
from comity.apps.reviews.period_list import (
    ListedPeriod,
    PeriodState,
    by_year,
    held_tables,
    period_list,
    periods_with_data,
)
from comity.apps.reviews.proceedings import is_cause_of, printed
from comity.apps.reviews.proceedings import proceedings as collect_proceedings
from comity.apps.reviews.sentences import PartyName, figure_change_rows
from comity.apps.reviews.what_if import WhatIf
from comity.apps.sheet import csv_file, xlsx_file
from comity.book.definition import UnusableBookError
from comity.core import chain
from comity.core.agreements.kpi import HIGHER, LOWER, Kpi
from comity.core.calendars import Against, Calendar, Cut, UnknownPeriodError
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import OPEN
from comity.core.readings.reading import Reading
from comity.core.values import Period, Side
from comity.review.attribution import MEASURE, Attribution, NoAttributionError
from comity.review.build import NoReviewError
from comity.review.i18n.words import DASH, Words, clean
from comity.review.model import Level, Review
from comity.review.render import render as render_as
from comity.review.render.attribution import html as attribution_html
from comity.review.render.figures import CONTENT_TYPES as TABLE_CONTENT_TYPES
from comity.review.render.figures import TableFormat
from comity.review.render.html import RoomLinks, render_level_detail
from comity.review.views import attribution as attribution_view
from comity.review.views.level import days_text, level_row, target_text
from comity.review.views.level_detail import CONTACT_COLUMNS, contact_cells
from comity.review.views.reading import find_reading, reading_key
from comity.review.views.sentences import definition_of, level_title, subtitle, title

_MOST_DIGITS = 6  # of a page number
_SHOWN_MATTERS = 20  # disputes and claims; the list of matters has them all


@require_safe
def review(request: HttpRequest) -> HttpResponse:
    """Show the review of a period, in the joint or the own side's view."""
    return _render_review(request, member_of(request), request.GET)


def _render_review(
    request: HttpRequest,
    member: MemberContext,
    query: QueryDict,
    restate_form: RestateForm | None = None,
    comment_form: CommentForm | None = None,
) -> HttpResponse:
    words = words_for(language())
    try:
        computed, viewing_member, pending = _requested_review(query, member)
    except (NoBookError, NoReviewError, UnusableBookError) as error:
        context = {
            "why": "" if isinstance(error, NoReviewError) else unusable_reason(member, error),
            "periods": by_year(_periods_or_none(member)),
            **_holdings(member, None),
        }
        return render(request, "reviews/nothing.html", context)
    review = queries.with_final_levels(viewing_member, computed)
    calendar = definition(member).calendar(review.cut)
    name = calendar.name(review.period)
    audit_read(member, Event.REVIEW_READ, SubjectType.PERIOD, {"period": name})
    matters_by_kpi = queries.matters_by_kpi(member, review.period, name)
    matters = [one for those in matters_by_kpi.values() for one in those]
    closing = queries.closing(member, review.period, name, on_page=viewing_member.viewer.side is None)
    if not computed.levels or not queries.is_agreed(member, computed):
        closing = replace(closing, is_open=False)  # nobody confirms figures by KPIs of one side
    entries = list(queries.entries(member, name))
    proceedings = collect_proceedings(
        viewing_member,
        review,
        name,
        language(),
        confirmations=closing.words,
        entries=entries,
        is_open=closing.is_open and not closing.waits_for,
        matters=matters,
    )
    links = _room_links(viewing_member, review, name, matters_by_kpi, entries[-1].number if entries else None)
    body, tail = queries.review_body(viewing_member, review, links, proceedings)
    context = {
        "review": review,
        "pending": pending,
        "body": body,
        "tail": tail,
        "period": words.period(review.period, calendar.cut),
        "periods": by_year(_periods_or_none(member)),
        "around": [
            (calendar.name(one), words.period(one, calendar.cut))
            for one in queries.adjacent_periods(calendar, review.period)
        ],
        "titles": [(one.kpi, level_title(one, words)) for one in review.levels],
        "name": name,
        "against": review.against,
        "ways": list(Against),
        "joint": viewing_member.viewer.side is None,
        "closing": closing,
        "confirmations": closing.words,
        "has_figures": closing.figures is not None,
        "moved": figure_change_rows(closing.moved, words, member.party(words)),
        "void": [_void_context(one, member, words) for one in closing.void],
        "entries": [
            _entry_context(entry, words, member.party(words))
            | {"text_url": _text_url(member, review.period, entry.number)}
            for entry in entries
        ],
        "since_final": figure_change_rows(
            queries.changes_since_final(member, computed, name, entries)
            if viewing_member.viewer.side is None
            else queries.records_changed(member, name),
            words,
            member.party(words),
        ),
        "asked": [
            (one, figure_mark(member, one, words))
            for one in [*matters, *queries.accepted_claims(member, review.period)][:_SHOWN_MATTERS]
        ],
        "more": len(matters) > _SHOWN_MATTERS,
        "files": list(queries.CONTENT_TYPES),
        "tables": list(TableFormat),
        "restate": restate_form or RestateForm(),
        **_comments_context(member, name, comment_form, is_final=bool(entries)),
        **_holdings(viewing_member, review),
    }
    has_errors = any(form is not None and form.errors for form in (restate_form, comment_form))
    return render(request, "reviews/review.html", context, status=422 if has_errors else 200)


def _comments_context(
    member: MemberContext, period: str, form: CommentForm | None, *, is_final: bool
) -> dict[str, object]:
    """Return each side's comment with its earlier versions, and the form with the draft of the own side."""
    versions = comments.versions(member, period)
    may_write = comments.may_comment(member) and not is_final
    draft = comments.draft(member, period) if may_write else None
    own = versions[member.side] if member.side else []
    last = own[-1] if own else None
    text = draft.text if draft is not None else "" if last is None else last.text
    if may_write and form is None:
        form = CommentForm(initial={"text": text, "seen": 0 if last is None else last.number})
    return {
        "comments": [(side, those[-1] if those else None, those[-2::-1]) for side, those in versions.items()],
        "comment_form": form if may_write else None,
        "comment_draft": draft,
    }


def _holdings(member: MemberContext, review: Review | None) -> dict[str, object]:
    """Return what a period without levels holds, and the periods with data; of no review, what there is at all."""
    if review is not None and review.levels:
        return {"held": None, "offered": {}, "no_kpis": False}
    listed = _periods_or_none(member)
    try:
        held = held_tables(member, None if review is None else review.period) if listed else []
        no_kpis = not definition(member).kpis
    except (NoBookError, UnusableBookError):
        held, no_kpis = [], False
    return {"held": held, "offered": periods_with_data(listed), "no_kpis": no_kpis}


def _periods_or_none(member: MemberContext) -> dict[Cut, list[ListedPeriod]]:
    """Return the periods to choose from; empty where no book can be read."""
    try:
        return period_list(member)
    except (NoBookError, UnusableBookError):
        return {}


def _requested_review(query: QueryDict, member: MemberContext) -> tuple[Review, MemberContext, NotComputedYet | None]:
    """Return the review by the records, the member with the requested view, and why no newer one is there, if so.

    :raises Http404: for a period that cannot be read
    :raises NotComputedYet: where no result exists
    """
    comparison = query.get("against")
    against = Against(comparison) if comparison in set(Against) else None
    viewing_member = _with_requested_view(query, member)
    period = query.get("period") or None
    try:
        return queries.review(viewing_member, period, against), viewing_member, None
    except NotComputedYet as error:
        earlier_review = results.earlier_result(viewing_member, queries.review_question(period, against))
        if earlier_review is None:
            raise
        return earlier_review, viewing_member, error
    except UnknownPeriodError as error:
        raise Http404(str(error)) from None


def _with_requested_view(query: QueryDict, member: MemberContext) -> MemberContext:
    """Return the member with the view that a query string asks for."""
    return member.joint() if query.get("view") == View.JOINT else member


def _room_links(
    member: MemberContext, review: Review, period: str, matters_by_kpi: dict[str, list[Matter]], known: int | None
) -> RoomLinks:
    """Return the URLs of levels, their clauses and readings, and by whom each level is disputed or claimed about.

    :param known: the last entry about final figures, whose clauses are shown as they were known then
    """
    words, relationship = words_for(language()), member.relationship
    query = urlencode({"period": period} | ({"view": "joint"} if member.shared_only and member.side else {}))
    against_query = urlencode({"against": review.against})

    marks = {
        kpi: tuple(dict.fromkeys(figure_mark(member, one, words) for one in those))
        for kpi, those in matters_by_kpi.items()
        if kpi
    }

    def reading_url(reading: Reading, review: Review) -> str:
        return f"{reverse('reading', args=[relationship.pk, reading_key(reading, review)])}?{query}&{against_query}"

    def wording_url(level: Level, review: Review) -> str:
        days = level.days or review.period
        return f"{_text_url(member, days, known)}#clause-{quote(level.kpi)}"

    def complete_url(table: str, day: date) -> str:
        asked = urlencode({"table": table, "whole": day.isoformat()})
        return f"{reverse('records', args=[relationship.pk])}?{asked}#h-complete"

    return RoomLinks(
        lambda kpi: f"{reverse('figure', args=[relationship.pk, kpi])}?{query}",
        *(marks, reading_url, wording_url, known, complete_url),
        f"{reverse('records', args=[member.relationship.pk])}#h-answers",
    )


def _text_url(member: MemberContext, days: Period, known: int | None) -> str:
    """Return the URL of the agreement on the last of some days, as it was known at a place of the record."""
    query = {"on": (days.end - timedelta(days=1)).isoformat()} | ({} if known is None else {"known": str(known)})
    return f"{reverse('agreement', args=[member.relationship.pk])}?{urlencode(query)}"


class _ReviewPart(NamedTuple):
    """Data of the page of a figure or a reading; `member` has the requested view."""

    member: MemberContext
    review: Review
    period: str  # as text
    name: str  # as in URLs
    matters_by_kpi: dict[str, list[Matter]]
    links: RoomLinks
    pending: NotComputedYet | None


def _review_part(request: HttpRequest) -> _ReviewPart:
    """Return the review to which a requested figure or reading belongs.

    :raises Http404: where there is no review
    """
    member = member_of(request)
    try:
        computed, viewing_member, pending = _requested_review(request.GET, member)
    except (NoBookError, NoReviewError, UnusableBookError):
        raise Http404 from None
    review = queries.with_final_levels(viewing_member, computed)
    calendar = definition(member).calendar(review.cut)
    name = calendar.name(review.period)
    matters_by_kpi = queries.matters_by_kpi(member, review.period, name)
    period_text = words_for(language()).period(review.period, calendar.cut)
    final = queries.entries(member, name).last()
    known = None if final is None else final.number
    links = _room_links(viewing_member, review, name, matters_by_kpi, known)
    return _ReviewPart(viewing_member, review, period_text, name, matters_by_kpi, links, pending)


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Show the levels and readings of any two periods side by side, in the joint or the own side's view."""
    member, words = member_of(request), words_for(language())
    listed = _periods_or_none(member)
    names = _period_names(listed, words)
    chosen, titles, viewing_member, tables = _compared(request, member, listed, words)
    view = {"view": View.JOINT} if viewing_member.viewer.side is None and member.side else {}
    context = {
        "listed": [
            (
                names[year.year.name],
                [
                    (one.name, names[one.name], words(f"periods.state_{one.state}"))
                    for one in (year.year, *year.quarters, *year.months)
                ],
            )
            for year in by_year(listed)
        ],
        "chosen": chosen,
        "titles": titles,
        "tables": [
            (words(f"{name}.title"), words(_COMPARED_NAMES[name]), rows) for name, rows in tables.items() if rows
        ],
        "files": [
            (form, f"{reverse('compare_file', args=[member.relationship.pk, form])}?{urlencode(query)}")
            for form in _COMPARE_FILES
            for query in [dict(zip(("period", "against"), chosen, strict=True)) | view]
        ],
        "joint": viewing_member.viewer.side is None,
    }
    return render(request, "reviews/compare.html", context)


_COMPARED_NAMES = {"levels": "levels.kpi", "readings": "readings.reading"}
_COMPARE_FILES = {"csv": csv_file, "xlsx": xlsx_file}


@require_safe
def compare_file(request: HttpRequest, form: str) -> HttpResponse:
    """Download the comparison of two periods as a table."""
    member, words = member_of(request), words_for(language())
    if form not in _COMPARE_FILES:
        raise Http404
    chosen, titles, _, tables = _compared(request, member, _periods_or_none(member), words)
    name = f"compared-{chosen[0]}-{chosen[1]}.{form}"
    audit_read(member, Event.REVIEW_FILE_READ, SubjectType.PERIOD, {"name": name})
    return _COMPARE_FILES[form](name, comparison_head(titles, words), comparison_cells(tables, words))


def _period_names(listed: Mapping[Cut, list[ListedPeriod]], words: Words) -> dict[str, str]:
    return {one.name: words.period(one.period, cut) for cut, those in listed.items() for one in those}


def _compared(
    request: HttpRequest, member: MemberContext, listed: Mapping[Cut, list[ListedPeriod]], words: Words
) -> tuple[list[str], list[str], MemberContext, dict[str, list[ComparedRow]]]:
    """Return the two periods that a request chooses, their titles, the member with the requested view, and the rows.

    What is no period of the records is taken for one of the two latest months with data.
    """
    names = _period_names(listed, words)
    with_data = [one.name for those in listed.values() for one in those if one.state is not PeriodState.NO_DATA]
    chosen = [
        name if name in names else default
        for name, default in zip(
            (request.GET.get("period", ""), request.GET.get("against", "")), (*with_data[:2], "", ""), strict=False
        )
    ]
    viewing_member = _with_requested_view(request.GET, member)
    first, second = (_review_or_none(viewing_member, name) for name in chosen)
    tables = {
        "levels": compared_levels(first, second, words),
        "readings": compared_readings(first, second, words),
    }
    return chosen, [names.get(name, "") for name in chosen], viewing_member, tables


def _review_or_none(member: MemberContext, period: str) -> Review | None:
    """Return the review of a period; None where there is none.

    :raises NotComputedYet: where it is being computed
    """
    try:
        return queries.shown_review(member, period) if period else None
    except (NoBookError, NoReviewError, UnusableBookError):
        return None


@require_safe
def figure(request: HttpRequest, kpi: str) -> HttpResponse:
    """Show a figure: the level, each side's own and why they differ, its definition, its records and its matters."""
    member, review, period, name, matters_by_kpi, links, pending = _review_part(request)
    parts = queries.figure_body(member, review, kpi, links)
    if parts is None:
        raise Http404
    audit_read(member, Event.FIGURE_READ, SubjectType.PERIOD, {"kpi": kpi, "period": name})
    level = next(one for one in review.levels if one.kpi == kpi)
    words, matters = words_for(language()), [*matters_by_kpi.get(kpi, ()), *matters_by_kpi.get("", ())]
    accepted_claims = [one for one in queries.accepted_claims(member, review.period) if one.kpi in {"", kpi}]
    context = {
        "level": level,
        "pending": pending,
        "row": level_row(level, review, words),
        "body": parts[0],
        "tail": parts[1],
        "detail": _level_detail(request, member, review, kpi, name),
        "period": period,
        "name": name,
        "joint": member.viewer.side is None,
        "mine": [*matters, *accepted_claims],
        "marks": _distinct_marks(member, matters, words),
        "shared_out": level.measure == MEASURE and level.target is not None,
    }
    return render(request, "reviews/figure.html", context)


def _level_detail(request: HttpRequest, member: MemberContext, review: Review, kpi: str, name: str) -> Markup | None:
    """Return where a level comes from, as markup; None while a worker computes it, or where too many were asked for."""
    try:
        detail = queries.level_detail(member, kpi, review.period, name)
    except Refused:  # the page has the level itself, and says that the rest is to come
        return None
    page = request.GET.get("contacts", "")
    query = request.GET.copy()

    def page_url(number: int) -> str:
        query["contacts"] = str(number)
        return f"?{query.urlencode()}#contacts"

    number = int(page) if page.isascii() and page.isdecimal() and len(page) < _MOST_DIGITS else 1
    asked = {"period": name} | ({"view": View.JOINT} if member.shared_only and member.side else {})
    file_url = f"{reverse('figure_contacts', args=[member.relationship.pk, kpi])}?{urlencode(asked)}"
    return render_level_detail(review, words_for(language()), detail, number, page_url, file_url)


@require_safe
def figure_contacts(request: HttpRequest, kpi: str) -> HttpResponse:
    """Download the contacts behind a level as CSV: those that the viewer may read, else the heads alone."""
    member, review, _period, name, *_ = _review_part(request)
    if all(level.kpi != kpi for level in review.levels):
        raise Http404
    detail = queries.level_detail(member, kpi, review.period, name)
    audit_read(member, Event.FIGURE_READ, SubjectType.PERIOD, {"kpi": kpi, "period": name})
    return csv_file(f"contacts-{name}.csv", CONTACT_COLUMNS, contact_cells(detail))


def _distinct_marks(member: MemberContext, matters: list[Matter], words: Words) -> list[tuple[Matter, str]]:
    """Return one matter for each mark beside a figure's name, with the mark."""
    return [(one, mark) for mark, one in {figure_mark(member, one, words): one for one in reversed(matters)}.items()]


@require_safe
def reading(request: HttpRequest, reading: str) -> HttpResponse:
    """Show a reading: the change as reported and like for like, its definition, its records and its matters."""
    member, review, period, name, matters_by_kpi, links, pending = _review_part(request)
    words = words_for(language())
    body = queries.reading_body(member, review, reading, links)
    if body is None and reading in {key for one in review.confirmed_readings for key in (one.key, one.id)}:
        # The review says what was confirmed; what the records give now is shown nowhere.
        query = urlencode({"period": name} | ({"view": View.JOINT} if member.viewer.side is None else {}))
        return redirect(f"{reverse('review', args=[member.relationship.pk])}?{query}#h-readings")
    found_reading = find_reading(review, reading)
    if body is None or found_reading is None:
        raise Http404
    audit_read(member, Event.READING_READ, SubjectType.PERIOD, {"reading": found_reading.id, "period": name})
    kpi_definition = definition_of(found_reading, review)
    key = reading_key(found_reading, review)
    about = dict.fromkeys([key, found_reading.id, *([] if kpi_definition is None else [kpi_definition.id, ""])])
    matters = [matter for one in about for matter in matters_by_kpi.get(one, ())]
    context = {
        "title": title(found_reading, words),
        "pending": pending,
        "subtitle": subtitle(found_reading, review, words),
        "body": body,
        "period": period,
        "name": name,
        "against": review.against,
        "joint": member.viewer.side is None,
        "kpi": None if kpi_definition is None else kpi_definition.id,
        "key": key,
        "mine": matters,
        "marks": _distinct_marks(member, matters, words),
    }
    return render(request, "reviews/reading.html", context)


def _entry_context(entry: Entry, words: Words, party: PartyName) -> dict[str, object]:
    """Return the template context of an entry of the record."""
    content = entry.content
    return {
        "entry": entry,
        "rows": _figure_rows(content["figures"], words, party),
        "reason": content.get("reason", ""),
        "by": content.get("by"),
        "words": [_spoken(one) for one in content.get("words", [])],
    }


def _spoken(word: Mapping[str, Any]) -> dict[str, Any]:
    """Return a confirmation of an entry with its moments as such: the entry holds them as text, in UTC."""
    moments = {name: word.get(name) for name in ("at", "reminded_at")}
    return {**word} | {name: None if at is None else datetime.fromisoformat(at) for name, at in moments.items()}


def _figure_rows(figures: Figures, words: Words, party: PartyName) -> list[tuple[object, ...]]:
    """Return figures as text: name, value, target, each side's own, and what is disputed with the claimed values."""
    rows: list[tuple[object, ...]] = []
    stretched = [(kpi, one) for kpi, figure in figures.items() for one in (figure, *figure.get("earlier", ()))]
    for kpi, figure in stretched:
        texts = [
            DASH if value is None else words.figure(float(value), figure["unit"])
            for value in (figure["value"], figure["target"], *(figure["reported"][side.value] for side in Side))
        ]
        better = (figure.get("definition") or {}).get("better")
        if figure["target"] is not None and better in {HIGHER, LOWER}:
            texts[1] = target_text(figure["measure"], better, texts[1], words)
        marks = [
            dispute_mark(party(one["by"]), one["status"], _claimed_text(one, figure["unit"], words), words)
            for one in figure.get("disputes", ())
        ]
        # Entries of before disputes had a value name the open ones alone.
        marks = marks or ([words("closing.disputed")] if figure.get("disputed") else [])
        rows.append((_figure_name(kpi, figure, words), *texts, marks))
    return rows


def _figure_name(kpi: str, figure: Mapping[str, Any], words: Words) -> str:
    """Return the name of a figure; of a stretch of its period with the days."""
    name = words.named("measure", kpi)
    if "days" not in figure:
        return name
    start, end = (date.fromisoformat(figure["days"][edge]) for edge in ("start", "end"))
    return words("levels.of_days", name=name, days=days_text(Period(start, end), words))


def _claimed_text(dispute: Mapping[str, str | None], unit: str, words: Words) -> str:
    return words.figure(float(dispute["value"]), unit) if dispute["value"] else ""


def _void_context(consent: Consent, member: MemberContext, words: Words) -> dict[str, object]:
    """Return the template context of a void confirmation: why it is void, and what changed."""
    changes = figure_changes(consent.content, consent.void_content) if consent.void_reason == VoidReason.CHANGED else []
    return {
        "word": consent,
        "why": words(f"closing.void_{consent.void_reason}"),
        "moved": figure_change_rows(changes, words, member.party(words)),
    }


@require_safe
def review_file(request: HttpRequest, form: str) -> HttpResponse:
    """Download the review as a file, as the viewer may see it."""
    member = member_of(request)
    if form not in queries.CONTENT_TYPES:
        raise Http404
    try:
        viewing_member = _with_requested_view(request.GET, member)
        review = queries.shown_review(viewing_member, request.GET.get("period") or None)
        proceedings = printed(viewing_member, review, language())
        content = render_as(review, form, language(), proceedings=proceedings, logos=logos.shown_logos(member))
    except (UnknownPeriodError, NoBookError, NoReviewError, UnusableBookError):
        raise Http404 from None
    name = queries.file_name(queries.period_name(member, review), form)
    audit_read(member, Event.REVIEW_FILE_READ, SubjectType.PERIOD, {"name": name})
    return HttpResponse(
        content,
        content_type=queries.CONTENT_TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@require_safe
def figures_file(request: HttpRequest, form: str) -> HttpResponseBase:
    """Download every figure of every whole period as one table, as the viewer may see it."""
    member = member_of(request)
    if form not in set(TableFormat):
        raise Http404
    try:
        file = figure_table.write_file(_with_requested_view(request.GET, member), TableFormat(form))
    except (NoBookError, NoReviewError, UnusableBookError):
        raise Http404 from None
    name = f"figures.{form}"
    audit_read(member, Event.REVIEW_FILE_READ, SubjectType.PERIOD, {"name": name})
    return FileResponse(file, as_attachment=True, filename=name, content_type=TABLE_CONTENT_TYPES[TableFormat(form)])


@require_http_methods(["GET", "HEAD", "POST"])
def by_mail(request: HttpRequest) -> HttpResponse:
    """Subscribe to the review by mail, or end the subscription."""
    member = member_of(request)
    subscription = queries.mail_subscription(member)
    form = MailForm(request.POST or None, own=member.viewer.side is not None, subscription=subscription)
    if request.method == "POST" and request.POST.get("do") == "stop":
        operations.unsubscribe_from_mail(member)
        return redirect("by_mail", relationship=member.relationship.pk)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        operations.subscribe_to_mail(member, cleaned["due"], cleaned["form"], joint=cleaned["view"] == "joint")
        return redirect("by_mail", relationship=member.relationship.pk)
    return _render_by_mail(request, member, form, LogoForm())


def _render_by_mail(request: HttpRequest, member: MemberContext, form: MailForm, logo_form: LogoForm) -> HttpResponse:
    context = {
        "form": form,
        "wish": queries.mail_subscription(member),
        "logo_form": logo_form,
        "logos": logos.shown_images(member),
        "may_set_logo": logos.may_set_logo(member),
        "is_being_written": logos.is_being_written(member),
    }
    return render(request, "reviews/by_mail.html", context, status=422 if form.errors or logo_form.errors else 200)


@require_POST
def logo(request: HttpRequest) -> HttpResponse:
    """Upload or remove the logo of the own side."""
    member = member_of(request, Action.AGREE)
    if request.POST.get("do") == "remove":
        logos.remove_logo(member)
        return redirect("by_mail", relationship=member.relationship.pk)
    form = LogoForm(request.POST, request.FILES)
    if form.is_valid():
        with form.showing_refusals("file"):
            logos.set_logo(member, form.cleaned_data["file"])
            return redirect("by_mail", relationship=member.relationship.pk)
    mail_form = MailForm(own=member.viewer.side is not None, subscription=queries.mail_subscription(member))
    return _render_by_mail(request, member, mail_form, form)


@require_http_methods(["GET", "HEAD", "POST"])
@form_page("confirm", query=("period",))
def confirm(request: HttpRequest) -> HttpResponse:
    """Show what becomes final by a confirmation and what is open; confirm the figures that the page has shown."""
    member = member_of(request, Action.CONFIRM)
    words = words_for(language())
    period = (request.POST if request.method == "POST" else request.GET).get("period", "")
    joint_review = _joint_review(member, period)
    if request.method == "POST":
        entry = operations.confirm(
            member, joint_review, period, request.POST.get("figures", ""), _shown_figures(request)
        )
        shown_period = spoken_period(period, words)
        messages.success(
            request, words("closing.frozen_now" if entry else "closing.confirmed_now", period=shown_period)
        )
        return redirect(f"{reverse('review', args=[member.relationship.pk])}?{urlencode({'period': period})}")
    calendar = definition(member).calendar(joint_review.cut)
    name = calendar.name(joint_review.period)
    closing = queries.closing(member, joint_review.period, name)
    if not closing.is_open or member.side is None or closing.figures is None:
        return redirect(f"{reverse('review', args=[member.relationship.pk])}?{urlencode({'period': name})}")
    matters = [one for those in queries.matters_by_kpi(member, joint_review.period, name).values() for one in those]
    matters += queries.accepted_claims(member, joint_review.period)
    own = closing.words.get(member.side.value)
    context = {
        "period": words.period(joint_review.period, calendar.cut),
        "name": name,
        "closing": closing,
        "rows": _figure_rows(closing.figures, words, member.party(words)),
        "shown": chain.canonical(closing.figures),
        "summary": _closing_summary(closing, matters, words),
        "marks": [(one, figure_mark(member, one, words)) for one in matters[:_SHOWN_MATTERS]],
        "more": len(matters) > _SHOWN_MATTERS,
        "freezes": member.side.other.value in closing.words and closing.since is None,
        "confirmed": own is not None and own.digest == closing.digest,
        "overlaps": words.listed(
            [spoken_period(one, words) for one in queries.final_overlaps(member, joint_review.period)]
        ),
        "moved": figure_change_rows(closing.moved, words, member.party(words)),
    }
    return render(request, "reviews/confirm.html", context)


def _closing_summary(closing: queries.Closing, matters: list[Matter], words: Words) -> list[tuple[str, str]]:
    """Count what a confirmation covers: figures, met and missed targets, and what is still open about them."""
    figures = list((closing.figures or {}).values())
    counts = {
        "figures": len(figures),
        "met": sum(one["met"] is True for one in figures),
        "missed": sum(one["met"] is False for one in figures),
        "disputes": sum(one.kind == Kind.DISPUTE and one.state in OPEN for one in matters),
        "accepted": sum(one.kind == Kind.DISPUTE and one.state not in OPEN for one in matters),
        "claims": sum(one.kind == Kind.CLAIM and one.state in OPEN for one in matters),
        "accepted_claims": sum(one.kind == Kind.CLAIM and one.state not in OPEN for one in matters),
    }
    return [(words(f"closing.count_{name}"), words.number(count)) for name, count in counts.items()]


def _joint_review(member: MemberContext, period: str) -> Review:
    """Return the joint review of a period.

    :raises Http404: where there is none
    """
    try:
        return queries.review(member.joint(), period)
    except (UnknownPeriodError, NoBookError, NoReviewError, UnusableBookError):
        raise Http404 from None


def _shown_figures(request: HttpRequest) -> dict[str, object] | None:
    """Return the figures that the page has shown and sends back; None where they cannot be read."""
    try:
        figures = json.loads(request.POST.get("shown", ""))
    except (ValueError, RecursionError):
        return None
    return figures if isinstance(figures, dict) else None


@require_POST
def restate(request: HttpRequest) -> HttpResponse:
    """Restate a frozen period with the current figures."""
    member = member_of(request, Action.CONFIRM)
    period = request.POST.get("period", "")
    joint_review, form = _joint_review(member, period), RestateForm(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            operations.restate(member, joint_review, period, form.cleaned_data["reason"])
            return redirect(f"{reverse('review', args=[member.relationship.pk])}?{urlencode({'period': period})}")
    return _render_review(request, member, request.POST, form)


@require_POST
def comment(request: HttpRequest) -> HttpResponse:
    """Save a draft of the own side's comment on a period, or put it down for both sides to read."""
    member = member_of(request, Action.CONFIRM)
    period, form = request.POST.get("period", ""), CommentForm(request.POST)
    if form.is_valid():
        text = form.cleaned_data["text"]
        with form.showing_refusals("text"):
            if request.POST.get("do") == "share":
                comments.put_down(member, period, text, form.cleaned_data["seen"])
            else:
                comments.save_draft(member, period, text)
            query = urlencode({"period": period} | ({"view": View.JOINT} if request.POST.get("view") else {}))
            return redirect(f"{reverse('review', args=[member.relationship.pk])}?{query}#h-comments")
    return _render_review(request, member, request.POST, comment_form=form)


@require_safe
def attribution(request: HttpRequest) -> HttpResponse:
    """Show the attribution of a service level, with a what-if."""
    member = member_of(request)
    words = words_for(language())
    try:
        book_definition = definition(member)
        kpis = {one.id: one for one in book_definition.kpis if one.measure == MEASURE and one.target is not None}
        kpi = request.GET.get("kpi") or next(iter(kpis), "")
        attribution, pending = _requested_attribution(member, kpi, request.GET.get("period") or None)
    except UnknownPeriodError as error:
        raise Http404(str(error)) from None
    except (NoBookError, NoAttributionError, UnusableBookError) as error:
        return render(
            request,
            "reviews/nothing.html",
            {
                "why": unusable_reason(member, error),
                "periods": by_year(_periods_or_none(member)),
                "held": None,
                "offered": {},
                "no_kpis": False,
            },
        )
    audit_read(
        member, Event.ATTRIBUTION_READ, SubjectType.PERIOD, {"kpi": attribution.kpi.id, "period": attribution.name}
    )
    calendar = Calendar(attribution.cut, book_definition.month_starts_on)
    before, after = queries.adjacent_periods(calendar, attribution.period)
    what_if = (
        WhatIf.from_query(request.GET, attribution)
        if attribution.shared is not None and attribution.shared.fit
        else None
    )
    context = {
        "body": queries.attribution_bodies(member, attribution),
        "pending": pending,
        "final_note": _cause_note(member, attribution, words),
        "kpis": {one: _kpi_label(kpi_of, words, alone=len(kpis) == 1) for one, kpi_of in kpis.items()},
        "periods": by_year(_periods_or_none(member)),
        "kpi": kpi,
        "name": attribution.name,
        "period": attribution_view.period_name(attribution, words),
        "before": _period_link(calendar, before, words),
        "after": _period_link(calendar, after, words),
        "title": attribution_view.attribution_title(attribution, words),
        "made": attribution,
        "tried": what_if,
        "answer": _what_if_answer(attribution, what_if, words),
        "halves": queries.half_hours(member, attribution),
        "about": queries.matters_of_attribution(member, attribution),
        "first": attribution.period.start,
        "last": attribution.period.end - timedelta(days=1),
        "queues": [] if attribution.planned is None else list(attribution.planned.queues),
    }
    return render(request, "reviews/attribution.html", context)


def _cause_note(member: MemberContext, attribution: Attribution, words: Words) -> str:
    """Return that the causes of a final period are those of now, and of another level than the final one; else ""."""
    final = queries.entries(member, attribution.name).first()
    if final is None:
        return ""
    figure = final.content["figures"].get(attribution.kpi.id)
    if figure is None or figure["value"] is None or figure["target"] is None:
        return words("shared_out.now")
    value, target = float(figure["value"]), float(figure["target"])
    if is_cause_of(attribution, value, target):
        return words("shared_out.now")
    return words("shared_out.other_level", value=words.figure(value, figure["unit"]))


def _requested_attribution(
    member: MemberContext, kpi: str, period: str | None
) -> tuple[Attribution, NotComputedYet | None]:
    """Return the attribution of a level, and the refusal of a newer result, if any.

    :raises NotComputedYet: where no result exists
    """
    try:
        return queries.attribution(member, kpi, period), None
    except NotComputedYet as error:
        earlier_attribution = results.earlier_result(member, queries.attribution_question(kpi, period))
        if earlier_attribution is None:
            raise
        return earlier_attribution, error


def _period_link(calendar: Calendar, period: Period, words: Words) -> dict[str, str]:
    """Return the name of a period, as in URLs, and its text."""
    return {"name": calendar.name(period), "said": words.period(period, calendar.cut)}


def _kpi_label(kpi: Kpi, words: Words, *, alone: bool) -> str:
    """Return a KPI's name; where there are several, with its queues or channels."""
    name = attribution_view.kpi_name(kpi, words)
    narrowed_to = (
        [] if alone else [one for one in kpi.queues if one != "*"] or [one for one in kpi.channels if one != "*"]
    )
    return f"{name}: {', '.join(clean(one) for one in narrowed_to)}" if narrowed_to else name


def _what_if_answer(attribution: Attribution, what_if: WhatIf | None, words: Words) -> dict[str, str] | None:
    """Return the texts of a what-if; None where no field is filled in, or one cannot be read."""
    if what_if is None or not what_if.is_given or what_if.wrong:
        return None
    level = what_if.level(attribution)
    return None if level is None else dict(attribution_html.what_if_texts(attribution, words, level))
