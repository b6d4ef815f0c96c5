"""The page of today, made of what each app shows there."""

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
    """What waits for whom, what is missing, and what happened last."""
    member, words = member_of(request), words_for(language())
    here = ZoneInfo(zone(member))
    shown: dict[str, list[tuple[str, PanelContext]]] = {}
    for where in PanelArea:
        made = ((one.template, one.context(member, words, here)) for one in panels_in(where))
        shown[where.name.lower()] = [(template, context) for template, context in made if context is not None]
    return render(request, "today/today.html", {"panels": shown})
