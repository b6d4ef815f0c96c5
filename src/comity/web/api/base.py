"""The NinjaAPI instance: authentication by token, the OpenAPI schema, every error as problem+json (RFC 9457)."""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

from comity.apps.books import queries as books
from comity.apps.books import refusals as records
from comity.apps.i18n import words_for
from comity.apps.parties.refusals import Code
from comity.apps.refusal import Refused
from comity.apps.reviews.queries import CONTENT_TYPES
from comity.book.definition import UnusableBookError
from comity.core.calendars import UnknownPeriodError
from comity.review.attribution import NoAttributionError
from comity.review.build import NoReviewError
from comity.review.render import json as review_json
from comity.review.render.attribution import json as attribution_json
from comity.web.errors import problem

T = TypeVar("T")
# Content types of responses that are not JSON, by the end of the path.
_FILE_TYPES = {
    ".csv": ["text/csv"],
    ".parquet": ["application/vnd.apache.parquet"],
    "{evidence}": ["application/octet-stream"],
    "figures.{form}": ["text/csv", "application/vnd.apache.parquet"],
    "file.{form}": [kind.partition(";")[0] for form, kind in CONTENT_TYPES.items() if form != "json"],
}


def authenticated_user(request: HttpRequest) -> object | None:
    """Return the person whose token the middleware accepted, None without one.

    :raises Refused: for a change with a token that only reads
    """
    if not request.user.is_authenticated:
        return None
    if request.method not in {"GET", "HEAD"} and not request.writes:  # type: ignore[attr-defined]
        raise Refused(Code.READING_TOKEN)
    return request.user


# What workers compute: it may not be there yet, and first looks are limited for each person.
_COMPUTED = ("/review", "/levels", "/confirmations", "/restatements", "/attribution")


class _Api(NinjaAPI):
    """NinjaAPI whose OpenAPI schema also lists the errors, and files that are not JSON."""

    def get_openapi_schema(self, *arguments: Any, **more: Any) -> OpenAPISchema:  # noqa: ANN401 - as ninja calls it
        """Return ninja's schema with the errors that `problem` answers, and our documents."""
        schema = super().get_openapi_schema(*arguments, **more)
        schema["components"].setdefault("schemas", {}).update(_document_schemas() | {"Problem": _PROBLEM_SCHEMA})
        problem_content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                changes = method != "get"
                computed = any(part in path for part in _COMPUTED)
                refused = dict.fromkeys((400, 403), changes) | {429: changes or computed, 503: computed}
                statuses = {401: True, 404: "{" in path, 409: True, 422: True} | refused
                answers = operation["responses"]
                answers |= {
                    s: {"description": HTTPStatus(s).phrase, "content": problem_content}
                    for s, has in statuses.items()
                    if has
                }
                answers.setdefault(200, {"description": "OK"}) if not changes else None
                kinds = next((kinds for ending, kinds in _FILE_TYPES.items() if path.endswith(ending)), None)
                if kinds is not None:
                    answers[200]["content"] = {kind: {"schema": {"type": "string"}} for kind in kinds}
        return schema


_PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "the reason as a stable code; the sentence may change"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


def document_response(name: str) -> dict[str, Any]:
    """Return the `openapi_extra` of an operation whose response follows the schema of this name."""
    reference = {"$ref": f"#/components/schemas/{name}"}
    return {"responses": {200: {"description": "OK", "content": {"application/json": {"schema": reference}}}}}


def _document_schemas() -> dict[str, Any]:
    """Return the schemas of our documents by name, each definition as a component of its own."""
    text = json.dumps(review_json.schema()).replace("#/$defs/", "#/components/schemas/Review.")
    whole = json.loads(text)
    parts = {f"Review.{name}": part for name, part in whole.pop("$defs").items()}
    return parts | {
        "Review": {name: value for name, value in whole.items() if not name.startswith("$")},
        "Attribution": {
            "type": "object",
            "description": attribution_json.SCHEMA,
            "required": ["schema"],
            "properties": {"schema": {"const": attribution_json.SCHEMA}},
        },
    }


_NOT_FOUND = "Not found for this token"
api = _Api(
    title="Comity",
    version="1",
    auth=authenticated_user,
    docs_url=None,
    openapi_url="openapi.json",
    urls_namespace="api",
)


@api.exception_handler(Http404)
def _handle_not_found(request: HttpRequest, exception: Http404) -> HttpResponse:
    return problem(404, _NOT_FOUND)


@api.exception_handler(AuthenticationError)
def _handle_unauthenticated(request: HttpRequest, exception: AuthenticationError) -> HttpResponse:
    return problem(401, "An API token is required: Authorization: Bearer ...")


@api.exception_handler(ValidationError)
def _handle_invalid(request: HttpRequest, exception: ValidationError) -> HttpResponse:
    errors = [{key: error.get(key) for key in ("type", "loc", "msg")} for error in exception.errors]
    return problem(422, "The request is not valid", errors=errors)


@api.exception_handler(HttpError)
def _handle_http_error(request: HttpRequest, exception: HttpError) -> HttpResponse:
    return problem(exception.status_code, str(exception))  # raised by ninja, for a body that is not JSON


@api.exception_handler(Refused)
def _handle_refused(request: HttpRequest, exception: Refused) -> HttpResponse:
    """Roll the request back and answer with the reason; what somebody may not know of is a 404."""
    request.failed = not exception.keeps_changes  # type: ignore[attr-defined]
    if exception.status == HTTPStatus.NOT_FOUND:
        return problem(404, _NOT_FOUND)
    title = exception.title(words_for("en"))
    answer = problem(exception.status, title, code=exception.code.value, **exception.details)
    for name, value in exception.headers.items():
        answer.headers[name] = value
    return answer


def result_or_refusal(make: Callable[[], T]) -> T:
    """Call a function that reads the records.

    :raises Refused: in place of the errors of a period, book, review or attribution that cannot be had
    """
    try:
        return make()
    except UnknownPeriodError as error:
        raise Refused(records.Code.NO_SUCH_PERIOD, why=error) from None
    except (books.NoBookError, NoReviewError, NoAttributionError, UnusableBookError):
        raise Refused(records.Code.NOT_YET) from None
