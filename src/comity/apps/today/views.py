"""The Today page, made of the panels of each app."""

from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from comity.apps.books.queries import zone
from comity.apps.i18n import language, words_for
from comity.apps.parties.member_context import member_of
from comity.apps.parties.panels import PanelArea, PanelContext, panels_in


@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """Show what waits for whom, what is missing, and what happened last."""
    member, words = member_of(request), words_for(language())
    time_zone = ZoneInfo(zone(member))
    areas: dict[str, list[tuple[str, PanelContext]]] = {}
    for area in PanelArea:
        contexts = ((panel.template, panel.context(member, words, time_zone)) for panel in panels_in(area))
        areas[area.name.lower()] = [(template, context) for template, context in contexts if context is not None]
    return render(request, "today/today.html", {"panels": areas})
