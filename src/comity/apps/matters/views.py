"""The pages of matters, and what needs somebody today."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from comity.apps.books.queries import has_book, zone
from comity.apps.matters import operations, queries
from comity.apps.matters.forms import FORMS, Agree, Raise, Reply
from comity.apps.matters.models import Kind, Move
from comity.apps.parties.operations import read
from comity.apps.parties.queries import log, people
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import place
from comity.apps.wording import language, words_for
from comity.core.values import Side

_NEWS = 8


@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """What waits for whom, the own side first."""
    standing = place(request)
    own = standing.side or Side.CUSTOMER
    order = (own, own.other)
    shown = {
        "waiting": [(side, queries.waiting(standing, side)) for side in order],
        "to_do": queries.to_do(standing),
        "news": log()[:_NEWS],
        "own": own,
        "has_book": has_book(standing),
    }
    return render(request, "matters/today.html", shown)


@require_safe
def matters(request: HttpRequest) -> HttpResponse:
    """All matters."""
    standing = place(request)
    return render(request, "matters/matters.html", {"matters": queries.matters(standing), "kinds": list(Kind)})


@require_http_methods(["GET", "HEAD", "POST"])
def raise_matter(request: HttpRequest, kind: str) -> HttpResponse:
    """Raise a matter of a kind."""
    if kind not in Kind.values:
        raise Http404
    which = Kind(kind)
    standing = place(request, Action.ACT if which is Kind.ACTION else Action.DISPUTE)
    if standing.side is None:
        raise Http404
    given = request.POST if request.method == "POST" else request.GET
    about = {name: given.get(name, "")[:60] for name in ("kpi", "period")}
    form = _form(request, which, about)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        asked = operations.Asked(
            kind=which,
            title=said["title"],
            text=said["text"],
            kpi=said.get("kpi") or about["kpi"],
            period=about["period"][:12],
            queue=said.get("queue", ""),
            from_day=said.get("from_day"),
            to_day=said.get("to_day"),
            asked_for=said.get("asked_for", ""),
            event=said.get("event", ""),
            owner=said.get("owner"),
            due_on=said.get("due_on"),
        )
        made = operations.raise_matter(standing, asked, zone(standing))
        return redirect("matter", relationship=standing.relationship.pk, matter=made.pk)
    shown = {"form": form, "kind": kind, "about": about}
    return render(request, "matters/raise.html", shown, status=422 if form.errors else 200)


def _form(request: HttpRequest, kind: Kind, about: dict[str, str]) -> Raise:
    more = {"people": people().exclude(side=None)} if FORMS[kind] is Agree else {}
    if request.method == "POST":
        return FORMS[kind](request.POST, **more)
    words = words_for(language())
    title = ""
    if kind is Kind.DISPUTE and about["kpi"]:
        title = words("raise.dispute_of", kpi=words.named("measure", about["kpi"]), period=about["period"])
    return FORMS[kind](initial={"title": title, "kpi": about["kpi"]}, **more)


@require_http_methods(["GET", "HEAD", "POST"])
def matter(request: HttpRequest, matter: UUID) -> HttpResponse:
    """One matter, step by step, and the moves that are open to whoever looks."""
    standing = place(request)
    found = queries.matter(standing, matter)
    if found is None:
        raise Http404
    if request.method == "POST":
        reply = Reply(request.POST)
        if reply.is_valid():
            try:
                what = Move(reply.cleaned_data["move"])
                operations.move(standing, found, what, reply.cleaned_data["text"], zone(standing))
                return redirect("matter", relationship=standing.relationship.pk, matter=found.pk)
            except operations.NotAllowedError as error:
                messages.error(request, words_for(language())(f"not_allowed.{error}"))
        found.refresh_from_db()
    read(standing, "matter", found.title)
    shown = {"matter": found, "steps": queries.steps(found), "moves": operations.open_moves(standing, found)}
    return render(request, "matters/matter.html", shown)
