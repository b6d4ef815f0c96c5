"""The records' pages: what is there, files on their way in, and what was set aside."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit_read
from comity.apps.books import contents, exports, operations, queries
from comity.apps.books.forms import Begin, Choose, KeepRoutes, MarkPrivate, Sort, Upload
from comity.apps.books.models import UNDER_WAY, Delivery, FileMove
from comity.apps.i18n import language, words_for
from comity.apps.outbox.queries import has_pending
from comity.apps.paging import number_in
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.models import Person
from comity.apps.parties.rights import Action
from comity.apps.refusal import form_page
from comity.apps.sheet import csv_file
from comity.book.definition import UnusableBookError
from comity.review.views.sections import due_text


@require_safe
def records(request: HttpRequest) -> HttpResponse:
    """What is in the book, as the viewer may see it, what came when, and what is on its way."""
    return _records(request, member_of(request))


def _records(
    request: HttpRequest, member: MemberContext, marking: MarkPrivate | None = None, beginning: Begin | None = None
) -> HttpResponse:
    known, words = queries.has_book(member), words_for(language())
    writing = has_pending(member, operations.CHANGES)
    takes = _brings(member) and (known or not writing)
    tables, late, marks = [], [], queries.marks(member)
    try:
        if known:
            tables, late = contents.tables(member), contents.lateness(member)
    except UnusableBookError as error:
        messages.error(request, queries.why(member, error))
    shown = {
        "tables": tables,
        "has_book": known,
        "deliveries": queries.deliveries(member),
        "form": beginning or ((Upload() if known else Begin()) if takes else None),
        "writing": writing,
        "under_way": UNDER_WAY,
        "late": [one | {"due": due_text(one["due"], words)} if one["due"] else one for one in late],
        "marks": marks,
        "mark_steps": queries.mark_steps(member),
        "marking": marking or (MarkPrivate() if known and _marks(member) else None),
    }
    wrong = any(form is not None and form.errors for form in (marking, beginning))
    return render(request, "books/records.html", shown, status=422 if wrong else 200)


def _brings(member: MemberContext) -> bool:
    return member.side is not None and member.may(Action.BRING)


def _marks(member: MemberContext) -> bool:
    return member.side is not None and member.may(Action.BRING) and member.may(Action.READ_OWN)


@require_POST
def mark(request: HttpRequest) -> HttpResponse:
    """Hold something back from the other side."""
    member = member_of(request, Action.BRING)
    if not queries.has_book(member) or not _marks(member):
        raise Http404
    form = MarkPrivate(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            operations.mark_private(member, **form.cleaned_data)
            return redirect("records", relationship=member.relationship.pk)
    return _records(request, member, marking=form)


@require_POST
@form_page("records")
def disclose(request: HttpRequest) -> HttpResponse:
    """Hold something back no longer."""
    member = member_of(request, Action.BRING)
    if not queries.has_book(member) or not _marks(member):
        raise Http404
    operations.disclose(member, request.POST.get("item", ""))
    return redirect("records", relationship=member.relationship.pk)


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begin the book."""
    member = member_of(request, Action.BRING)
    address = redirect("records", relationship=member.relationship.pk)
    if member.side is None or queries.has_book(member):
        return address
    form = Begin(request.POST)
    if form.is_valid():
        with form.showing_refusals():
            operations.begin_book(member, form.cleaned_data["timezone"], form.cleaned_data["currency"].upper())
            return address
    return _records(request, member, beginning=form)


@require_POST
@form_page("records")
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file."""
    member = member_of(request, Action.BRING)
    form = Upload(request.POST, request.FILES)
    if not queries.has_book(member) or member.side is None:
        raise Http404
    if not form.is_valid():
        messages.error(request, words_for(language())("upload.none"))
        return redirect("records", relationship=member.relationship.pk)
    delivery = operations.receive(member, form.cleaned_data["file"])
    return redirect("delivery", relationship=member.relationship.pk, delivery=delivery.pk)


@require_safe
def delivery(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """One file: how far it is, what it would bring or has brought, what was set aside and why."""
    member = member_of(request)
    found = _own(member, delivery)
    if found.side != member.side:
        audit_read(member, Event.DELIVERY_READ, found, {"name": found.name})
    return _delivery(request, member, found, None)


def _delivery(request: HttpRequest, member: MemberContext, found: Delivery, choosing: Choose | None) -> HttpResponse:
    mine = member.side is not None and found.side == member.side and member.may(Action.BRING)
    undoing = queries.being_undone(found)
    running = queries.under_way(found) or undoing
    number = number_in(request, "of")
    only = queries.reason(found, number) if mine else None
    shown = {
        "delivery": found,
        "mine": mine,
        "form": (choosing or Choose(initial={"mapping": found.mapping, "text": found.text})) if mine else None,
        "may_undo": mine and not undoing and queries.may_undo(member, found),
        "undoing": undoing,
        "running": running,
        "cut_off": found.stage in UNDER_WAY and not running,
        "told": found.outcome if mine else queries.told_to_others(found),
        "counted": operations.COUNTS,
        "only": only,
        "of": number if only else 0,
        "rejects": queries.rejects_told(member, found, only) if mine else [],
    }
    wrong = choosing is not None and choosing.errors
    return render(request, "books/delivery.html", shown, status=422 if wrong else 200)


@require_POST
@form_page("delivery", "delivery")
def move(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Look again with another mapping, bring in, or drop."""
    member = member_of(request, Action.BRING)
    found = _own(member, delivery)
    if member.side is None or found.side != member.side:
        raise Http404
    address = redirect("delivery", relationship=member.relationship.pk, delivery=found.pk)
    match request.POST.get("do"):
        case FileMove.BRING:
            operations.bring(member, found)
        case FileMove.UNDO:
            operations.undo(member, found)
        case FileMove.DROP:
            operations.drop(member, found)
            return redirect("records", relationship=member.relationship.pk)
        case _:
            form = Choose(request.POST)
            if form.is_valid():
                with form.showing_refusals():
                    operations.choose(member, found, form.cleaned_data["mapping"], form.cleaned_data["text"])
                    return address
            found.refresh_from_db()
            return _delivery(request, member, found, form)
    return address


@require_safe
def rejects(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """The rows that were set aside, to be corrected and brought in again."""
    member = member_of(request, Action.BRING)
    found = _own(member, delivery)
    if not queries.own(member, found):
        raise Http404
    rows = queries.reject_rows(member, found, number_in(request, "of"))
    return csv_file("rejects.csv", queries.REJECTS, rows)


def _own(member: MemberContext, number: UUID) -> Delivery:
    found = queries.delivery(member, number)
    if found is None:
        raise Http404
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def routes(request: HttpRequest) -> HttpResponse:
    """Whose the rows of an export with several relationships are: the rules, a trial run, and bringing it in."""
    person: Person = request.user  # type: ignore[assignment]
    rules = KeepRoutes(request.POST or None, initial={"text": queries.routes(person)})
    if request.method == "POST" and rules.is_valid():
        with rules.showing_refusals("text"):
            exports.keep_routes(person, rules.cleaned_data["text"])
            messages.success(request, words_for(language())("routes.kept"))
            return redirect("routes")
    return _routes(request, person, rules, Sort())


def _routes(request: HttpRequest, person: Person, rules: KeepRoutes, sort: Sort) -> HttpResponse:
    known = list(queries.exports(person))
    under_way = {one.pk: queries.under_way(one) for one in known if one.stage in UNDER_WAY}
    shown = {
        "rules": rules,
        "sort": sort,
        "books": list(exports.theirs(person)),
        "exports": known,
        "running": any(under_way.values()),
        "cut_off": [number for number, runs in under_way.items() if not runs],
        "counted": operations.COUNTS,
    }
    wrong = rules.errors or sort.errors
    return render(request, "books/routes.html", shown, status=422 if wrong else 200)


@require_POST
@login_required
def sort(request: HttpRequest) -> HttpResponse:
    """Take an export, and make a trial run of it."""
    person: Person = request.user  # type: ignore[assignment]
    form = Sort(request.POST, request.FILES)
    if form.is_valid():
        with form.showing_refusals():
            exports.receive(person, form.cleaned_data["file"], form.cleaned_data["mapping"])
            return redirect("routes")
    return _routes(request, person, KeepRoutes(initial={"text": queries.routes(person)}), form)


@require_POST
@login_required
@form_page("routes")
def move_export(request: HttpRequest, export: UUID) -> HttpResponse:
    """Bring an export in, or throw it away."""
    found = queries.export(request.user, export)  # type: ignore[arg-type]
    if found is None:
        raise Http404
    (exports.bring if request.POST.get("do") == FileMove.BRING else exports.drop)(found)
    return redirect("routes")
