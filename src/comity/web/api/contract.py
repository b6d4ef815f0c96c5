"""What every operation rests on: a token for each program, what may be sent, every error as problem+json (RFC 9457)."""

from collections.abc import Callable
from datetime import date
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from pydantic import Field, StringConstraints

from comity.apps.books import queries as books
from comity.apps.matters.models import DAYS
from comity.apps.reviews.queries import FILES
from comity.book.definition import UnusableBookError
from comity.core.calendars import UnknownPeriodError
from comity.review.attributing import NoAttributionError
from comity.review.composing import NoReviewError
from comity.web.errors import problem

T = TypeVar("T")
M = TypeVar("M", bound=Model)
MOST = 200
FURTHEST = 1_000_000_000
# What an address that ends so answers with, where that is no JSON.
_FILES = {
    ".csv": ["text/csv"],
    ".parquet": ["application/vnd.apache.parquet"],
    "{evidence}": ["application/octet-stream"],
    "file.{form}": [kind.partition(";")[0] for form, kind in FILES.items() if form != "json"],
}

_FIRST_DAY, _LAST_DAY = DAYS
# Whatever people write but for the one sign that a database does not hold.
Text = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00]*$")]
Day = Annotated[date, Field(ge=_FIRST_DAY, le=_LAST_DAY)]


class Slice(Schema):
    """Some of many: how many, after how many."""

    limit: int = Field(100, ge=1, le=MOST)
    offset: int = Field(0, ge=0, le=FURTHEST)

    def of(self, found: QuerySet[M]) -> QuerySet[M]:
        """These of them."""
        return found[self.offset : self.offset + self.limit]


def signed_in(request: HttpRequest) -> object | None:
    """Whoever a token let in; with one that reads alone nothing is changed."""
    if not request.user.is_authenticated:
        return None
    if request.method not in {"GET", "HEAD"} and not request.writes:  # type: ignore[attr-defined]
        raise HttpError(403, "this token reads and changes nothing")
    return request.user


class _Api(NinjaAPI):
    """Ninja, whose contract also names every error, and files that are no JSON."""

    def get_openapi_schema(self, *arguments: Any, **more: Any) -> OpenAPISchema:  # noqa: ANN401 - as ninja calls it
        """What ninja makes of the operations, and what `problem` answers."""
        schema = super().get_openapi_schema(*arguments, **more)
        schema["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
        told = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                changes = method != "get"
                statuses = {401: True, 404: "{" in path, 409: True, 422: True, 400: changes, 403: changes}
                answers = operation["responses"]
                answers |= {
                    s: {"description": HTTPStatus(s).phrase, "content": told} for s, has in statuses.items() if has
                }
                answers.setdefault(200, {"description": "OK"}) if not changes else None
                kinds = next((kinds for ending, kinds in _FILES.items() if path.endswith(ending)), None)
                if kinds is not None:
                    answers[200]["content"] = {kind: {"schema": {"type": "string"}} for kind in kinds}
        return schema


_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


api = _Api(title="Comity", version="1", auth=signed_in, docs_url=None, openapi_url="openapi.json", urls_namespace="api")


@api.exception_handler(Http404)
def _nothing(request: HttpRequest, exception: Http404) -> HttpResponse:
    return problem(404, "Nothing is here, for this token")


@api.exception_handler(AuthenticationError)
def _who(request: HttpRequest, exception: AuthenticationError) -> HttpResponse:
    return problem(401, "A token is needed: Authorization: Bearer ...")


@api.exception_handler(ValidationError)
def _wrong(request: HttpRequest, exception: ValidationError) -> HttpResponse:
    told = [{key: one.get(key) for key in ("type", "loc", "msg")} for one in exception.errors]
    return problem(422, "What was sent does not fit", errors=told)


@api.exception_handler(HttpError)
def _refused(request: HttpRequest, exception: HttpError) -> HttpResponse:
    return problem(exception.status_code, str(exception))


def made(make: Callable[[], T]) -> T:
    """What is made of the records, or the error that says why it cannot be."""
    try:
        return make()
    except UnknownPeriodError as error:
        raise HttpError(422, str(error)) from None
    except (books.NoBookError, NoReviewError, NoAttributionError, UnusableBookError):
        raise HttpError(409, "the records do not allow for it yet") from None
