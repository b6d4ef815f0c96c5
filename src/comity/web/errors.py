"""What is said when there is nothing to show: what happened and what to do, and nothing of what is inside."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - what it says may be too much
    """Nothing here, for this person: no word on whether it is there for others."""
    return render(request, "error.html", {"what": "not_found"}, status=404)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001 - as above
    """Not to be done."""
    return render(request, "error.html", {"what": "forbidden"}, status=403)


def broken(request: HttpRequest) -> HttpResponse:
    """A mistake of ours."""
    return render(request, "error.html", {"what": "broken"}, status=500)
