"""The reader's clock: the time zone in which every page of a request shows its times."""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from comity.apps.books.queries import zone
from comity.apps.parties.member_context import API_PREFIX
from comity.apps.personal.models import DisplaySettings
from comity.apps.personal.queries import display_settings


class ClockMiddleware:
    """Activates the reader's time zone: their own choice, else the relationship's, else UTC.

    Follows `ViewerMiddleware`, because row-level security shows the choice to its person alone. Templates and views
    then use `django.utils.timezone.localtime`; programs are answered in UTC.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and leave the thread in UTC."""
        request.display = DisplaySettings()  # type: ignore[attr-defined]
        try:
            return self.get_response(request)
        finally:
            timezone.deactivate()

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],  # noqa: ARG002 - as Django calls it
        args: list[Any],  # noqa: ARG002 - as above
        kwargs: dict[str, Any],  # noqa: ARG002 - as above
    ) -> None:
        """Read the choice, once the viewer is set."""
        if request.path.startswith(API_PREFIX) or not request.user.is_authenticated:
            return
        request.display = display_settings(request.user)  # type: ignore[attr-defined]
        member = request.member  # type: ignore[attr-defined]
        name = request.display.time_zone or (zone(member) if member is not None else "")  # type: ignore[attr-defined]
        if name:
            timezone.activate(ZoneInfo(name))
