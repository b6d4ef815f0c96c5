"""The pages of matters, and what needs somebody today."""

from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from comity.apps.books.queries import NoBookError, definition, has_book, zone
from comity.apps.matters import operations, queries
from comity.apps.matters.forms import FORMS, Agree, Claim, Raise, Reply
from comity.apps.matters.models import AGREED, Kind, Matter, Move
from comity.apps.paging import paged
from comity.apps.parties.models import Access
from comity.apps.parties.operations import read
from comity.apps.parties.queries import log, people
from comity.apps.parties.rights import Action
from comity.apps.parties.telling import Told, told
from comity.apps.parties.viewing import Standing, place
from comity.apps.wording import language, spoken_period, words_for
from comity.book.definition import UnusableBookError
from comity.core.values import Side
from comity.review.faces.sentences import kpi_title
from comity.review.faces.words import Words

_NEWS, _FIRST = 8, 10


@require_safe
def today(request: HttpRequest) -> HttpResponse:
    """What waits for whom, the own side first."""
    standing, words = place(request), words_for(language())
    own = standing.side or Side.CUSTOMER
    here = timezone.localdate(timezone=ZoneInfo(zone(standing)))
    counted = queries.count_waiting(standing)
    waiting = [(side, list(queries.waiting(standing, side)[:_FIRST]), counted[side]) for side in (own, own.other)]
    mine = waiting[0][1] if standing.side else sorted((one for _, those, _ in waiting for one in those), key=_by)
    shown = {
        "waiting": waiting,
        "first": _first(mine, here, words),
        "to_do": queries.to_do(standing)[:_FIRST],
        "news": _news(standing, words),
        "own": own,
        "today": here,
        "day_named": words.dated(here),
        "has_book": has_book(standing),
    }
    return render(request, "matters/today.html", shown)


def _by(one: Matter) -> float:
    return float("inf") if one.reply_by is None else one.reply_by.timestamp()


def _first(waiting: list[Matter], today: date, words: Words) -> dict[str, object] | None:
    """The most urgent of what waits, and how it stands with its day; None where none has one."""
    one = next((one for one in waiting if one.reply_by is not None), None)
    if one is None or one.reply_by is None:
        return None
    left = (one.reply_by.date() - today).days
    if left < 0:
        over = words("matter.day_over") if left == -1 else words("matter.days_over", count=-left)
        return {"how": "is_over", "title": one.title, "when": over, "marked": True}
    if left == 0:
        return {"how": "is_due", "title": one.title, "when": words("matter.today").lower(), "marked": True}
    by = words("today.until", day=words.day(one.reply_by.date(), year=one.reply_by.year != today.year))
    return {"how": "is_due", "title": one.title, "when": by, "marked": False}


def _news(standing: Standing, words: Words) -> list[tuple[date, list[tuple[str, Access, Told, UUID | None]]]]:
    """What happened last, by day and time of the relationship's zone; titles lead to their matters."""
    lines = [(one, told(one, words, standing.party(words))) for one in log(standing)[:_NEWS]]
    known = queries.by_title(standing, {line.title for _, line in lines if line.title})
    found: dict[date, list[tuple[str, Access, Told, UUID | None]]] = {}
    there = ZoneInfo(zone(standing))
    for one, line in lines:
        at = one.at.astimezone(there)
        found.setdefault(at.date(), []).append((f"{at:%H:%M}", one, line, known.get(line.title)))
    return list(found.items())


@require_safe
def matters(request: HttpRequest) -> HttpResponse:
    """Matters: all, those that are open, or have ended, or wait for a side; of one kind, or of all."""
    standing = place(request)
    show, kind, waits = (request.GET.get(name, "") for name in ("show", "kind", "waits"))
    show, kind = show if show in {"open", "ended"} else "all", kind if kind in Kind.values else ""
    side = Side(waits) if waits in set(Side) else None
    found = queries.matters(standing, show, kind) if side is None else queries.waiting(standing, side)
    page = paged(request, found)
    some = len(page) > 0 or page.number > 1 or show != "all" or bool(kind or side)
    shown = {"page": page, "show": show, "kind": kind, "waits": side, "any": some, "kinds": list(Kind)}
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
    kpis, queues = _agreed(standing)
    form = _form(request, standing, which, about, kpis)
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
    offered = {"queue": queues} if which is Kind.CLAIM else {}
    shown = {"form": form, "kind": kind, "about": about, "offered": offered}
    return render(request, "matters/raise.html", shown, status=422 if form.errors else 200)


def _agreed(standing: Standing) -> tuple[list[tuple[str, str]], list[str]]:
    """The figures and the queues that were agreed on; none where there is no book of use."""
    words = words_for(language())
    try:
        kpis = definition(standing).kpis
    except (NoBookError, UnusableBookError):
        return [], []
    titles = {one.id: kpi_title(one.id, one.measure, words) for one in kpis}
    return list(titles.items()), sorted({queue for one in kpis for queue in one.queues} - {"*"})


def _form(
    request: HttpRequest, standing: Standing, kind: Kind, about: dict[str, str], kpis: list[tuple[str, str]]
) -> Raise:
    more: dict[str, Any] = {"people": people(standing).exclude(side=None)} if FORMS[kind] is Agree else {}
    if FORMS[kind] is Claim:
        more = {"kpis": kpis}
    if request.method == "POST":
        return FORMS[kind](request.POST, request.FILES, **more)
    words = words_for(language())
    title = ""
    if kind is Kind.DISPUTE and about["kpi"]:
        kpi = dict(kpis).get(about["kpi"]) or words.named("measure", about["kpi"])
        title = words("raise.dispute_of", kpi=kpi, period=spoken_period(about["period"], words))
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
    everybody = people(standing).exclude(side=None)
    reply = Reply(people=everybody, kind=found.kind, owner=found.owner, initial=table)
    if request.method == "POST":
        reply = Reply(request.POST, request.FILES, people=everybody, kind=found.kind, owner=found.owner)
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
        "roles": queries.roles(found),
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
