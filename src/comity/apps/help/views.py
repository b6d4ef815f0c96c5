"""Pages of the glossary and of concepts."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from comity.apps.help import queries
from comity.apps.i18n import language


@require_safe
@login_required
def help_page(request: HttpRequest) -> HttpResponse:
    """List the tasks, the glossary and the concept pages."""
    context = {"tasks": list(queries.tasks(language()).values()), "concepts": list(queries.concepts().values())}
    return render(request, "help/help.html", context)


@require_safe
@login_required
def glossary(request: HttpRequest) -> HttpResponse:
    """Show the words on screen, and every term with its meaning."""
    return render(request, "help/glossary.html", {"terms": queries.terms(), "screen_words": queries.screen_words()})


@require_safe
@login_required
def concept(request: HttpRequest, page: str) -> HttpResponse:
    """Show a page of a task or a concept."""
    known = queries.pages(language()).get(page)
    if known is None:
        raise Http404
    context = {"page": known, "text": queries.concept_html(known, _address), "in_english": page in queries.concepts()}
    return render(request, "help/concept.html", context)


def _address(name: str) -> str | None:
    if name == "glossary":
        return reverse("glossary")
    return reverse("concept", kwargs={"page": name}) if name in queries.pages(language()) else None
