"""Exports that hold several relationships: whose the rows are, a trial run, and bringing them in."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import File, Form, Schema, Status, UploadedFile
from ninja.errors import HttpError
from pydantic import Field

from comity.apps.books import exports, operations
from comity.apps.books import queries as books
from comity.apps.books.models import Export
from comity.apps.parties.models import Person
from comity.apps.wording import words_for
from comity.book.importing.mapping import shipped
from comity.book.importing.section import UnusableSourceError
from comity.book.tables import TABLES
from comity.web.api.contract import Text, api


class RoutesIn(Schema):
    """`routes.toml`, with books named as relationships are."""

    text: Text = Field(max_length=40_000)


class ExportIn(Schema):
    """What the export is: a known format, or a table."""

    mapping: str = Field(max_length=60)


class ExportMoveIn(Schema):
    """What is to become of it."""

    do: Literal["bring", "drop"]


class ExportOut(Schema):
    """An export, how far it is, and which rows belong where."""

    id: UUID
    name: str
    mapping: str
    at: datetime
    stage: str
    why: str
    outcome: dict[str, Any]


@api.get("/routes")
def routes(request: HttpRequest) -> dict[str, Any]:
    """The person's rules, and the books that they may name."""
    return {"text": books.routes(_person(request)), "books": list(exports.theirs(_person(request)))}


@api.put("/routes", response=dict[str, Any])
def keep_routes(request: HttpRequest, given: RoutesIn) -> dict[str, Any]:
    """Keep other rules."""
    try:
        exports.keep_routes(_person(request), given.text)
    except UnusableSourceError as error:
        raise HttpError(422, str(error)) from None
    return {"text": given.text, "books": list(exports.theirs(_person(request)))}


@api.get("/exports", response=list[ExportOut])
def listed(request: HttpRequest) -> list[Export]:
    """The person's last ones."""
    return list(books.exports(_person(request)))


@api.post("/exports", response={201: ExportOut})
def receive(request: HttpRequest, given: Form[ExportIn], file: File[UploadedFile]) -> Status[Export]:
    """Take one, and make a trial run of it; nothing changes before it is brought in."""
    if given.mapping not in {*shipped(), *TABLES}:
        raise HttpError(422, "mapping is no format that is known here, and no table")
    return Status(201, _done(lambda: exports.receive(_person(request), file, given.mapping)))


@api.get("/exports/{uuid:export}", response=ExportOut)
def export(request: HttpRequest, export: UUID) -> Export:
    """One of them."""
    return _known(request, export)


@api.post("/exports/{uuid:export}/moves", response=ExportOut)
def move_export(request: HttpRequest, export: UUID, given: ExportMoveIn) -> Export:
    """Bring it in, or throw it away."""
    found = _known(request, export)
    _done(lambda: (exports.bring if given.do == "bring" else exports.drop)(found))
    return found


def _person(request: HttpRequest) -> Person:
    person: Person = request.user  # type: ignore[assignment]
    return person


def _known(request: HttpRequest, number: UUID) -> Export:
    found = books.export(_person(request), number)
    if found is None:
        raise Http404
    return found


def _done(what: Any) -> Any:  # noqa: ANN401 - whatever is done
    try:
        return what()
    except operations.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"upload.{error}")) from None
