"""What is said when there is nothing to show: what happened and what to do, and nothing of what is inside."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from comity.apps.parties.viewing import API


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - what it says may be too much
    """Nothing here, for this person: no word on whether it is there for others."""
    return _told(request, "not_found", 404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - as above
    """Not to be done."""
    return _told(request, "forbidden", 403)


def broken(request: HttpRequest) -> HttpResponse:
    """A mistake of ours."""
    return _told(request, "broken", 500)


def _told(request: HttpRequest, what: str, status: int) -> HttpResponse:
    """As a page, or, to a program, as problem+json."""
    if not request.path.startswith(API):
        return render(request, "error.html", {"what": what}, status=status)
    told = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    return JsonResponse(told, status=status, content_type="application/problem+json")
