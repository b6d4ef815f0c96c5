"""The pages of matters, and what needs somebody today."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from comity.apps.books.queries import has_book, zone
from comity.apps.matters import operations, queries
from comity.apps.matters.forms import FORMS, Agree, Raise, Reply
from comity.apps.matters.models import AGREED, Kind, Move
from comity.apps.paging import paged
from comity.apps.parties.operations import read
from comity.apps.parties.queries import log, people
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import place
from comity.apps.wording import language, words_for
from comity.core.values import Side

_NEWS, _FIRST = 8, 10


@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """What waits for whom, the own side first."""
    standing = place(request)
    own = standing.side or Side.CUSTOMER
    waiting = [(side, queries.waiting(standing, side)) for side in (own, own.other)]
    shown = {
        "waiting": [(side, found[:_FIRST], found.count()) for side, found in waiting],
        "to_do": queries.to_do(standing)[:_FIRST],
        "news": log()[:_NEWS],
        "own": own,
        "has_book": has_book(standing),
    }
    return render(request, "matters/today.html", shown)


@require_safe
def matters(request: HttpRequest) -> HttpResponse:
    """All matters, or those that wait for a side."""
    standing = place(request)
    waits = request.GET.get("waits")
    side = Side(waits) if waits in set(Side) else None
    found = queries.matters(standing) if side is None else queries.waiting(standing, side)
    shown = {"matters": paged(request, found), "kinds": list(Kind), "waits": side}
    return render(request, "matters/matters.html", shown)


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
        try:
            made = operations.raise_matter(standing, asked, zone(standing), _files(form))
            return redirect("matter", relationship=standing.relationship.pk, matter=made.pk)
        except operations.NotAllowedError as error:
            form.add_error("evidence", words_for(language())(f"not_allowed.{error}"))
    shown = {"form": form, "kind": kind, "about": about}
    return render(request, "matters/raise.html", shown, status=422 if form.errors else 200)


def _form(request: HttpRequest, kind: Kind, about: dict[str, str]) -> Raise:
    more = {"people": people().exclude(side=None)} if FORMS[kind] is Agree else {}
    if request.method == "POST":
        return FORMS[kind](request.POST, request.FILES, **more)
    words = words_for(language())
    title = ""
    if kind is Kind.DISPUTE and about["kpi"]:
        title = words("raise.dispute_of", kpi=words.named("measure", about["kpi"]), period=about["period"])
    asked = {name: request.GET.get(name, "")[:80] for name in ("from_day", "to_day", "queue")}
    return FORMS[kind](initial={"title": title, "kpi": about["kpi"]} | asked, **more)


def _files(form: forms.Form) -> list[operations.File]:
    """What came with a form, as far as it may."""
    found = form.cleaned_data.get("evidence")
    if found is None:
        return []
    return [operations.File(found.name, found.read(operations.LARGEST_EVIDENCE + 1))]


@require_http_methods(["GET", "HEAD", "POST"])
def matter(request: HttpRequest, matter: UUID) -> HttpResponse:
    """One matter, step by step, and the moves that are open to whoever looks."""
    standing = place(request)
    found = queries.matter(standing, matter)
    if found is None:
        raise Http404
    table = {name: getattr(found, name) for name in ("from_day", "to_day", "queue", "asked_for", "owner", "due_on")}
    everybody = people().exclude(side=None)
    reply = Reply(people=everybody, kind=found.kind, initial=table)
    if request.method == "POST":
        reply = Reply(request.POST, request.FILES, people=everybody, kind=found.kind)
        if reply.is_valid():
            said = reply.cleaned_data
            terms = operations.Terms(**{name: said.get(name) or None for name in table})
            try:
                operations.move(standing, found, Move(said["move"]), said["text"], zone(standing), terms, _files(reply))
                return redirect("matter", relationship=standing.relationship.pk, matter=found.pk)
            except operations.NotAllowedError as error:
                messages.error(request, words_for(language())(f"not_allowed.{error}"))
        found.refresh_from_db()
    read(standing, "matter", found.title)
    shown = {
        "matter": found,
        "steps": queries.steps(found),
        "moves": operations.open_moves(standing, found),
        "form": reply,
        "owner_left": found.owner is not None and found.owner.left_at is not None and found.state in AGREED,
    }
    return render(request, "matters/matter.html", shown, status=422 if reply.errors else 200)


@require_safe
def evidence(request: HttpRequest, matter: UUID, evidence: UUID) -> HttpResponse:
    """A file that was laid before the other side, to be kept; a browser never opens it here."""
    standing = place(request)
    about = queries.matter(standing, matter)
    found = None if about is None else queries.evidence(standing, about, evidence)
    if found is None:
        raise Http404
    read(standing, "evidence", found.name)
    answer = HttpResponse(bytes(found.content), content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=found.name) or ""
    return answer
