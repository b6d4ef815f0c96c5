"""What is said when there is nothing to show: what happened and what to do, and nothing of what is inside."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from comity.apps.parties.viewing import API

PROBLEM = "application/problem+json"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - what it says may be too much
    """Nothing here, for this person: no word on whether it is there for others."""
    return _told(request, "not_found", 404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - as above
    """Not to be done."""
    return _told(request, "forbidden", 403)


def broken(request: HttpRequest) -> HttpResponse:
    """A mistake of ours."""
    return _told(request, "broken", 500)


class ProblemMiddleware:
    """What refuses a program before any of our operations is asked (another method, a host that is not ours)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand around what comes after."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, every error as problem+json."""
        found = self.get_response(request)
        told = found.headers.get("Content-Type", "").startswith(PROBLEM)
        if found.status_code < HTTPStatus.BAD_REQUEST or told or not request.path.startswith(API):
            return found
        found.content = problem(found.status_code).content  # its headers stay
        found.headers["Content-Type"] = PROBLEM
        found.headers["Content-Length"] = str(len(found.content))
        return found


def _told(request: HttpRequest, what: str, status: int) -> HttpResponse:
    """As a page, or, to a program, as problem+json."""
    if not request.path.startswith(API):
        return render(request, "error.html", {"what": what}, status=status)
    return problem(status)


def problem(status: int, title: str = "", **more: object) -> HttpResponse:
    """An error as programs are told of it (RFC 9457); by its own name where there is nothing else to say."""
    known = {one.value: one.phrase for one in HTTPStatus}
    told = {"type": "about:blank", "title": title or known.get(status, "Refused"), "status": status} | more
    return JsonResponse(told, status=status, content_type=PROBLEM)
