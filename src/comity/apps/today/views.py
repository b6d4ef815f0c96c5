"""The Today page, search, and the portfolio of a person's relationships."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from comity.apps.i18n import language, words_for
from comity.apps.parties.member_context import member_of
from comity.apps.parties.panels import PanelArea, PanelContext, panels_in
from comity.apps.parties.queries import memberships_of
from comity.apps.parties.rights import landing_page
from comity.apps.parties.searching import MAX_HITS, MAX_TEXT
from comity.apps.personal.operations import note_visit
from comity.apps.today import portfolio as portfolios
from comity.apps.today import queries, sentences
from comity.apps.today.search import HitsOfKind, find
from comity.apps.today.waiting import waiting_parts
from comity.review.i18n.words import Words

_HITS_OF_KIND = 8  # where all kinds are shown


@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """Show what waits for whom, what is missing, and what happened since the last visit."""
    member, words = member_of(request), words_for(language())
    note_visit(member)
    zone = timezone.get_current_timezone()
    areas: dict[str, list[tuple[str, PanelContext]]] = {}
    for area in PanelArea:
        contexts = ((panel.template, panel.context(member, words, zone)) for panel in panels_in(area))
        areas[area.name.lower()] = [(template, context) for template, context in contexts if context is not None]
    inboxes = queries.inboxes(member, words)
    context = {
        "panels": areas,
        "inboxes": inboxes,
        "day": words.full_day(timezone.localdate()),
        "headline": sentences.headline(member, inboxes, words, instead=_first_said(areas["top"])),
    }
    return render(request, "today/today.html", context)


def _first_said(panels: Sequence[tuple[str, PanelContext]]) -> str:
    """Return what the first of the panels that has something to say puts over a page on which nothing waits."""
    return next((str(context["headline"]) for _, context in panels if context.get("headline")), "")


@require_safe
@login_required
def portfolio(request: HttpRequest) -> HttpResponse:
    """Show the person's relationships side by side; with one alone, go to its page, and with none to the first steps.

    With `all` in the query the page is shown for one too.
    """
    words = words_for(language())
    if "all" not in request.GET:
        first = list(memberships_of(request.user)[:2])  # type: ignore[arg-type]
        if not first:
            return redirect("first_run")
        if len(first) == 1:
            return redirect(landing_page(first[0].role), relationship=first[0].relationship_id)
    rows = portfolios.portfolio_rows(request.user, words)  # type: ignore[arg-type]
    groups = portfolios.by_own_side(rows)
    compared = {side: [row for row in part if row.figures] for side, part in groups.items() if side is not None}
    context = {
        "rows": rows,
        "others": portfolios.other_relationships(),
        "groups": [(words(f"portfolio.as_{side or 'neutral'}"), part) for side, part in groups.items()],
        "columns": {
            "levels": any(row.period for row in rows),
            "verdicts": any(row.verdicts for row in rows),
            "late": any(any(row.late) for row in rows),
        },
        "comparisons": [
            (words(f"portfolio.as_{side}"), part, table)
            for side, part in compared.items()
            if (table := portfolios.side_by_side(part))
        ],
        "headline": sentences.portfolio_headline(rows, words),
        "day": words.full_day(timezone.localdate()),
    }
    return render(request, "today/portfolio.html", context)


@require_safe
@login_required
def waiting(request: HttpRequest) -> HttpResponse:
    """Show everything that waits for the person, over all their relationships."""
    words = words_for(language())
    parts = waiting_parts(request.user, words)  # type: ignore[arg-type]
    context = {
        "parts": parts,
        "headline": sentences.waiting_headline(parts, words),
        "day": words.full_day(timezone.localdate()),
    }
    return render(request, "today/waiting.html", context)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Find what the member may read: all kinds, or one."""
    member, words = member_of(request), words_for(language())
    text, kind = request.GET.get("q", "")[:MAX_TEXT], request.GET.get("kind", "")
    found = find(member, words, text)
    kinds = [("", sum(len(one.hits) for one in found)), *((one.kind, len(one.hits)) for one in found)]
    context = {
        "text": text,
        "kind": kind,
        "shown": [
            HitsOfKind(one.kind, one.hits if kind else one.hits[:_HITS_OF_KIND])
            for one in found
            if kind in {"", one.kind}
        ],
        "counts": [
            (name, _count(count, name, words), urlencode({"q": text} | ({"kind": name} if name else {})))
            for name, count in kinds
        ]
        if found
        else [],
    }
    return render(request, "today/search.html", context)


def _count(count: int, kind: str, words: Words) -> str:
    return f"{words.number(count)}+" if kind and count >= MAX_HITS else str(words.number(count))
