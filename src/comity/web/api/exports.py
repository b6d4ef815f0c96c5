"""Exports that hold several relationships: whose the rows are, a trial run, and bringing them in."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import File, Form, Status, UploadedFile

from comity.apps.books import exports
from comity.apps.books import queries as books
from comity.apps.books.models import Export, FileMove
from comity.apps.books.schemas import ExportIn, ExportMoveIn, ExportOut, RoutesIn, RoutesOut
from comity.apps.parties.models import Person
from comity.web.api.base import api


@api.get("/routes", response=RoutesOut)
def routes(request: HttpRequest) -> dict[str, Any]:
    """The person's rules, and the books that they may name."""
    return {"text": books.routes(_person(request)), "books": list(exports.writable_books(_person(request)))}


@api.put("/routes", response=RoutesOut)
def keep_routes(request: HttpRequest, given: RoutesIn) -> dict[str, Any]:
    """Keep other rules."""
    exports.keep_routes(_person(request), given.text)
    return {"text": given.text, "books": list(exports.writable_books(_person(request)))}


@api.get("/exports", response=list[ExportOut], exclude_unset=True)
def listed(request: HttpRequest) -> list[Export]:
    """The person's last ones."""
    return list(books.exports(_person(request)))


@api.post("/exports", response={201: ExportOut}, exclude_unset=True)
def receive(request: HttpRequest, given: Form[ExportIn], file: File[UploadedFile]) -> Status[Export]:
    """Take one, and make a trial run of it; nothing changes before it is brought in."""
    return Status(201, exports.receive_export(_person(request), file, given.mapping))


@api.get("/exports/{uuid:export}", response=ExportOut, exclude_unset=True)
def export(request: HttpRequest, export: UUID) -> Export:
    """One of them."""
    return _export_or_404(request, export)


@api.post("/exports/{uuid:export}/moves", response=ExportOut, exclude_unset=True)
def move_export(request: HttpRequest, export: UUID, given: ExportMoveIn) -> Export:
    """Bring it in, or throw it away."""
    known_export = _export_or_404(request, export)
    (exports.import_export if given.do == FileMove.BRING else exports.drop_export)(known_export)
    return known_export


def _person(request: HttpRequest) -> Person:
    person: Person = request.user  # type: ignore[assignment]
    return person


def _export_or_404(request: HttpRequest, number: UUID) -> Export:
    export = books.export(_person(request), number)
    if export is None:
        raise Http404
    return export
