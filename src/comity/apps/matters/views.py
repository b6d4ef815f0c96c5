"""The pages of matters."""

from typing import Any
from uuid import UUID

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_safe

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit_read
from comity.apps.books.queries import NoBookError, definition, zone
from comity.apps.i18n import language, spoken_period, words_for
from comity.apps.matters import corrections, operations, queries, sentences
from comity.apps.matters.forms import FORMS, Agree, Claim, Raise, Reply
from comity.apps.matters.models import Matter
from comity.apps.matters.refusals import Code
from comity.apps.paging import paged
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.queries import members
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.apps.sheet import csv_file
from comity.book.definition import UnusableBookError
from comity.core.matters.kinds import KINDS, Kind
from comity.core.matters.transitions import AGREED, Move
from comity.core.values import Side
from comity.review.i18n.words import Words
from comity.review.views.sentences import kpi_title

_NEWS, _FIRST = 8, 10


@require_safe
def matters(request: HttpRequest) -> HttpResponse:
    """Matters: all, those that are open, or have ended, or wait for a side; of one kind, or of all."""
    member = member_of(request)
    show, kind, waits = (request.GET.get(name, "") for name in ("show", "kind", "waits"))
    show, kind = show if show in {"open", "ended"} else "all", kind if kind in set(Kind) else ""
    side = Side(waits) if waits in set(Side) else None
    found = queries.matters(member, show, kind) if side is None else queries.waiting(member, side)
    page = paged(request, found)
    some = len(page) > 0 or page.number > 1 or show != "all" or bool(kind or side)
    title = _title(member, show, side, words_for(language()))
    shown = {"page": page, "show": show, "kind": kind, "waits": side, "any": some, "title": title}
    shown |= {"shows": ("open", "ended", "all"), "kinds": list(Kind), "raised": list(FORMS)}
    return render(request, "matters/matters.html", shown)


def _title(member: MemberContext, show: str, waits: Side | None, words: Words) -> str:
    """What the matters are that are listed."""
    if waits is not None:
        return sentences.must_answer(member, waits, words)
    return words("matters.all" if show == "all" else f"matters.are_{show}")


@require_http_methods(["GET", "HEAD", "POST"])
def raise_matter(request: HttpRequest, kind: str) -> HttpResponse:
    """Raise a matter of a kind."""
    if kind not in FORMS:
        raise Http404
    which = Kind(kind)
    member = member_of(request, Action(KINDS[which].raised_with))
    if member.side is None:
        raise Http404
    given = request.POST if request.method == "POST" else request.GET
    about = {name: given.get(name, "")[:60] for name in ("kpi", "period")}
    kpis, queues = _agreed(member)
    form = _form(request, member, which, about, kpis)
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
        with form.showing_refusals("evidence"):
            made = operations.raise_matter(member, asked, zone(member), _files(form))
            return redirect("matter", relationship=member.relationship.pk, matter=made.pk)
    offered = {"queue": queues} if which is Kind.CLAIM else {}
    shown = {"form": form, "kind": kind, "about": about, "offered": offered}
    return render(request, "matters/raise.html", shown, status=422 if form.errors else 200)


def _agreed(member: MemberContext) -> tuple[list[tuple[str, str]], list[str]]:
    """The figures and the queues that were agreed on; none where there is no book of use."""
    words = words_for(language())
    try:
        kpis = definition(member).kpis
    except (NoBookError, UnusableBookError):
        return [], []
    titles = {one.id: kpi_title(one.id, one.measure, words) for one in kpis}
    return list(titles.items()), sorted({queue for one in kpis for queue in one.queues} - {"*"})


def _form(
    request: HttpRequest, member: MemberContext, kind: Kind, about: dict[str, str], kpis: list[tuple[str, str]]
) -> Raise:
    more: dict[str, Any] = {"people": members(member).exclude(side=None)} if FORMS[kind] is Agree else {}
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
    member = member_of(request)
    found = queries.matter(member, matter)
    if found is None:
        raise Http404
    table = {name: getattr(found, name) for name in ("from_day", "to_day", "queue", "asked_for", "owner", "due_on")}
    everybody = members(member).exclude(side=None)
    reply = Reply(people=everybody, kind=found.kind, owner=found.owner, initial=table)
    if request.method == "POST":
        reply = Reply(request.POST, request.FILES, people=everybody, kind=found.kind, owner=found.owner)
        if reply.is_valid():
            said = reply.cleaned_data
            terms = operations.Terms(**{name: said.get(name) or None for name in table})
            with reply.showing_refusals():
                rows = _chosen(request, found) if said["move"] == Move.ACCEPT else None
                here, what = zone(member), Move(said["move"])
                operations.move(member, found, what, said["text"], here, terms, _files(reply), rows)
                return redirect("matter", relationship=member.relationship.pk, matter=found.pk)
        found.refresh_from_db()
    audit_read(member, Event.MATTER_READ, found, {"title": found.title})
    words, steps = words_for(language()), queries.steps(found)
    shown = {
        "matter": found,
        "about": sentences.about(found, words),
        "counts": sentences.counts(found, words),
        "steps": steps,
        "terms": {one.number: sentences.terms(one, words) for one in steps},
        "roles": queries.roles(found),
        "moves": operations.open_moves(member, found),
        "form": reply,
        "changes": [corrections.change(one) for one in corrections.changes(member, found)],
        "accepted": corrections.accepted(found),
        "ticked": set(request.POST.getlist("row")) if request.method == "POST" else None,
        "owner_left": found.owner is not None and found.owner.left_at is not None and found.state in AGREED,
    }
    return render(request, "matters/matter.html", shown, status=422 if reply.errors else 200)


def _chosen(request: HttpRequest, found: Matter) -> list[int] | None:
    """Which changes of a correction are accepted; None for all.

    :raises Refused: for all of them, where some that were shown are not ticked
    """
    if found.kind != Kind.CORRECTION:
        return None
    ticked = request.POST.getlist("row")
    if request.POST.get("which") != "some":
        if 0 < len(ticked) < min(sum(found.records["counts"].values()), corrections.SHOWN):
            raise Refused(Code.ALL_OR_TICKED)
        return None
    numbers = [int(one) for one in ticked if one.isascii() and one.isdigit() and len(one) < _LONGEST]
    return corrections.chosen(found, numbers)


_LONGEST = 10  # digits of the number of a change


@require_safe
def changes(request: HttpRequest, matter: UUID) -> HttpResponse:
    """All that a correction would change, as a table to be kept."""
    member = member_of(request)
    found = queries.matter(member, matter)
    if found is None or found.kind != Kind.CORRECTION:
        raise Http404
    audit_read(member, Event.MATTER_READ, found, {"title": found.title})
    return csv_file("changes.csv", corrections.COLUMNS, corrections.change_rows(member, found))


@require_safe
def evidence(request: HttpRequest, matter: UUID, evidence: UUID) -> HttpResponse:
    """A file that was laid before the other side, to be kept; a browser never opens it here."""
    member = member_of(request)
    about = queries.matter(member, matter)
    found = None if about is None else queries.evidence(member, about, evidence)
    if found is None:
        raise Http404
    audit_read(member, Event.EVIDENCE_READ, found, {"name": found.name})
    answer = HttpResponse(bytes(found.content), content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=found.name) or ""
    return answer
