"""Error handlers: a page for people, problem+json (RFC 9457) for programs; neither reveals anything internal."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from comity.apps.parties.member_context import API_PREFIX

PROBLEM = "application/problem+json"


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - its text may reveal too much
    """Answer 404, in the same words whether or not the page exists for others."""
    return _error_response(request, "not_found", 404)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - as above
    """Answer 403."""
    return _error_response(request, "forbidden", 403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500."""
    return _error_response(request, "broken", 500)


class ProblemMiddleware:
    """Turns every error below `/api/` into problem+json, those raised before an operation runs included.

    Such are a method that is not allowed and a host name that is not ours.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response, an error below `/api/` as problem+json."""
        response = self.get_response(request)
        is_problem = response.headers.get("Content-Type", "").startswith(PROBLEM)
        if response.status_code < HTTPStatus.BAD_REQUEST or is_problem or not request.path.startswith(API_PREFIX):
            return response
        response.content = problem(response.status_code).content  # its headers stay
        response.headers["Content-Type"] = PROBLEM
        response.headers["Content-Length"] = str(len(response.content))
        return response


def _error_response(request: HttpRequest, key: str, status: int) -> HttpResponse:
    """Return an error as a page or, below `/api/`, as problem+json.

    :param key: of the sentence on the page
    """
    if not request.path.startswith(API_PREFIX):
        return render(request, "error.html", {"what": key}, status=status)
    return problem(status)


def problem(status: int, title: str = "", **more: object) -> HttpResponse:
    """Return a problem+json response (RFC 9457).

    :param title: defaults to the reason phrase of the status
    :param more: further members of the object
    """
    phrases = {status_code.value: status_code.phrase for status_code in HTTPStatus}
    body = {"type": "about:blank", "title": title or phrases.get(status, "Refused"), "status": status} | more
    return JsonResponse(body, status=status, content_type=PROBLEM)
