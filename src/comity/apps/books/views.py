"""The records' pages: what is there, files on their way in, and what was set aside."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.books import exports, operations, queries
from comity.apps.books.forms import Begin, Choose, KeepRoutes, MarkPrivate, Sort, Upload
from comity.apps.books.models import UNDER_WAY, Delivery
from comity.apps.paging import number_in
from comity.apps.parties.models import Person
from comity.apps.parties.operations import read
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing, place
from comity.apps.sheet import csv_file
from comity.apps.wording import language, words_for
from comity.book.definition import UnusableBookError
from comity.book.importing.mapping import UnusableMappingError
from comity.book.importing.section import UnusableSourceError
from comity.review.faces.sections import due


@require_safe
def records(request: HttpRequest) -> HttpResponse:
    """What is in the book, as the viewer may see it, what came when, and what is on its way."""
    return _records(request, place(request), None)


def _records(request: HttpRequest, standing: Standing, marking: MarkPrivate | None) -> HttpResponse:
    known, words = queries.has_book(standing), words_for(language())
    tables, late, marks = [], [], []
    try:
        if known:
            tables, late, marks = queries.tables(standing), queries.lateness_of(standing), queries.marks(standing)
    except UnusableBookError as error:
        messages.error(request, queries.why(standing, error))
    shown = {
        "tables": tables,
        "has_book": known,
        "deliveries": queries.deliveries(standing),
        "form": (Upload() if known else Begin()) if standing.side and standing.may(Action.BRING) else None,
        "under_way": UNDER_WAY,
        "late": [one | {"due": due(one["due"], words)} if one["due"] else one for one in late],
        "marks": marks,
        "marking": marking or (MarkPrivate() if known and _marks(standing) else None),
    }
    return render(request, "books/records.html", shown, status=422 if marking is not None and marking.errors else 200)


def _marks(standing: Standing) -> bool:
    return standing.side is not None and standing.may(Action.BRING) and standing.may(Action.READ_OWN)


@require_POST
def mark(request: HttpRequest) -> HttpResponse:
    """Hold something back from the other side."""
    standing = place(request, Action.BRING)
    if not queries.has_book(standing) or not _marks(standing):
        raise Http404
    form = MarkPrivate(request.POST)
    if form.is_valid():
        try:
            operations.mark_private(standing, **form.cleaned_data)
            return redirect("records", relationship=standing.relationship.pk)
        except operations.NotAllowedError as error:
            form.add_error(None, words_for(language())(f"mark.{error}"))
    return _records(request, standing, form)


@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """Begin the book."""
    standing = place(request, Action.BRING)
    form = Begin(request.POST)
    if standing.side is not None and form.is_valid() and not queries.has_book(standing):
        try:
            operations.begin_book(standing, form.cleaned_data["timezone"], form.cleaned_data["currency"].upper())
        except UnusableBookError as error:
            messages.error(request, str(error).rsplit(": ", 1)[-1])
    return redirect("records", relationship=standing.relationship.pk)


@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file."""
    standing = place(request, Action.BRING)
    form = Upload(request.POST, request.FILES)
    if not queries.has_book(standing) or standing.side is None:
        raise Http404
    if not form.is_valid():
        messages.error(request, words_for(language())("upload.none"))
        return redirect("records", relationship=standing.relationship.pk)
    try:
        made = operations.receive(standing, form.cleaned_data["file"])
    except operations.NotAllowedError as error:
        messages.error(request, words_for(language())(f"upload.{error}"))
        return redirect("records", relationship=standing.relationship.pk)
    return redirect("delivery", relationship=standing.relationship.pk, delivery=made.pk)


@require_safe
def delivery(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """One file: how far it is, what it would bring or has brought, what was set aside and why."""
    standing = place(request)
    found = _own(standing, delivery)
    if found.side != standing.side:
        read(standing, "delivery", found.name)
    mine = standing.side is not None and found.side == standing.side and standing.may(Action.BRING)
    running = queries.under_way(found)
    number = number_in(request, "of")
    only = queries.reason(found, number) if mine else None
    shown = {
        "delivery": found,
        "mine": mine,
        "form": Choose(initial={"mapping": found.mapping, "text": found.text}) if mine else None,
        "may_undo": mine and queries.may_undo(standing, found),
        "running": running,
        "cut_off": found.stage in UNDER_WAY and not running,
        "told": found.outcome if mine else queries.told_to_others(found),
        "counted": operations.COUNTS,
        "only": only,
        "of": number if only else 0,
        "rejects": queries.rejects_told(standing, found, only) if mine else [],
    }
    return render(request, "books/delivery.html", shown)


@require_POST
def move(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """Look again with another mapping, bring in, or drop."""
    standing = place(request, Action.BRING)
    found = _own(standing, delivery)
    if standing.side is None or found.side != standing.side:
        raise Http404
    try:
        if request.POST.get("do") == "bring":
            operations.bring(standing, found)
        elif request.POST.get("do") == "undo":
            operations.undo(standing, found)
        elif request.POST.get("do") == "drop":
            operations.drop(found)
            return redirect("records", relationship=standing.relationship.pk)
        else:
            form = Choose(request.POST)
            if form.is_valid():
                operations.choose(standing, found, form.cleaned_data["mapping"], form.cleaned_data["text"])
    except UnusableMappingError as error:
        messages.error(request, str(error))
    except operations.NotAllowedError as error:
        messages.error(request, words_for(language())(f"upload.{error}"))
    return redirect("delivery", relationship=standing.relationship.pk, delivery=found.pk)


@require_safe
def rejects(request: HttpRequest, delivery: UUID) -> HttpResponse:
    """The rows that were set aside, to be corrected and brought in again."""
    standing = place(request, Action.BRING)
    found = _own(standing, delivery)
    rows = queries.reject_rows(standing, found, number_in(request, "of"))
    return csv_file("rejects.csv", queries.REJECTS, rows)


def _own(standing: Standing, number: UUID) -> Delivery:
    found = queries.delivery(standing, number)
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
        try:
            exports.keep_routes(person, rules.cleaned_data["text"])
            messages.success(request, words_for(language())("routes.kept"))
            return redirect("routes")
        except UnusableSourceError as error:
            rules.add_error("text", str(error))
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
        try:
            exports.receive(person, form.cleaned_data["file"], form.cleaned_data["mapping"])
            return redirect("routes")
        except operations.NotAllowedError as error:
            form.add_error(None, words_for(language())(f"upload.{error}"))
    return _routes(request, person, KeepRoutes(initial={"text": queries.routes(person)}), form)


@require_POST
@login_required
def move_export(request: HttpRequest, export: UUID) -> HttpResponse:
    """Bring an export in, or throw it away."""
    found = queries.export(request.user, export)  # type: ignore[arg-type]
    if found is None:
        raise Http404
    try:
        (exports.bring if request.POST.get("do") == "bring" else exports.drop)(found)
    except operations.NotAllowedError as error:
        messages.error(request, words_for(language())(f"upload.{error}"))
    return redirect("routes")
