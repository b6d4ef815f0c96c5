"""Pages of matters: the list, raising one, one with its steps, and the files that belong to it."""

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
from comity.apps.matters.forms import FORMS, ActionForm, ClaimForm, DisputeForm, MoveForm
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

_MAX_NUMBER_DIGITS = 10  # of the number of a change


@require_safe
def matters(request: HttpRequest) -> HttpResponse:
    """List matters: all, the open or ended ones, or those that wait for a side; of one kind, or of all."""
    member = member_of(request)
    show, kind, waits_for = (request.GET.get(name, "") for name in ("show", "kind", "waits"))
    show, kind = show if show in {"open", "ended"} else "all", kind if kind in set(Kind) else ""
    side = Side(waits_for) if waits_for in set(Side) else None
    selected = queries.matters(member, show, kind) if side is None else queries.waiting(member, side)
    page = paged(request, selected)
    has_matters = len(page) > 0 or page.number > 1 or show != "all" or bool(kind or side)
    title = _list_title(member, show, side, words_for(language()))
    context = {"page": page, "show": show, "kind": kind, "waits": side, "any": has_matters, "title": title}
    context |= {"shows": ("open", "ended", "all"), "kinds": list(Kind), "raised": list(FORMS)}
    return render(request, "matters/matters.html", context)


def _list_title(member: MemberContext, show: str, waits: Side | None, words: Words) -> str:
    """Return the title of a list of matters."""
    if waits is not None:
        return sentences.must_answer(member, waits, words)
    return words("matters.all" if show == "all" else f"matters.are_{show}")


@require_http_methods(["GET", "HEAD", "POST"])
def raise_matter(request: HttpRequest, kind: str) -> HttpResponse:
    """Raise a matter of a kind."""
    if kind not in FORMS:
        raise Http404
    matter_kind = Kind(kind)
    member = member_of(request, Action(KINDS[matter_kind].raised_with))
    if member.side is None:
        raise Http404
    query = request.POST if request.method == "POST" else request.GET
    about = {name: query.get(name, "")[:60] for name in ("kpi", "period")}
    kpis, queues = _agreed_kpis_and_queues(member)
    form = _raise_form(request, member, matter_kind, about, kpis)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        new_matter = operations.NewMatter(
            kind=matter_kind,
            title=cleaned["title"],
            text=cleaned["text"],
            kpi=cleaned.get("kpi") or about["kpi"],
            period=about["period"][:12],
            queue=cleaned.get("queue", ""),
            from_day=cleaned.get("from_day"),
            to_day=cleaned.get("to_day"),
            asked_for=cleaned.get("asked_for", ""),
            event=cleaned.get("event", ""),
            owner=cleaned.get("owner"),
            due_on=cleaned.get("due_on"),
        )
        with form.showing_refusals("evidence"):
            matter = operations.raise_matter(member, new_matter, zone(member), _evidence_files(form))
            return redirect("matter", relationship=member.relationship.pk, matter=matter.pk)
    suggestions = {"queue": queues} if matter_kind is Kind.CLAIM else {}
    context = {"form": form, "kind": kind, "about": about, "offered": suggestions}
    return render(request, "matters/raise.html", context, status=422 if form.errors else 200)


def _agreed_kpis_and_queues(member: MemberContext) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the agreed KPIs, as id and title, and the queues; both empty where no book can be read."""
    words = words_for(language())
    try:
        kpis = definition(member).kpis
    except (NoBookError, UnusableBookError):
        return [], []
    titles = {one.id: kpi_title(one.id, one.measure, words) for one in kpis}
    return list(titles.items()), sorted({queue for one in kpis for queue in one.queues} - {"*"})


def _raise_form(
    request: HttpRequest, member: MemberContext, kind: Kind, about: dict[str, str], kpis: list[tuple[str, str]]
) -> DisputeForm:
    options: dict[str, Any] = {"people": members(member).exclude(side=None)} if FORMS[kind] is ActionForm else {}
    if FORMS[kind] is ClaimForm:
        options = {"kpis": kpis}
    if request.method == "POST":
        return FORMS[kind](request.POST, request.FILES, **options)
    words = words_for(language())
    title = ""
    if kind is Kind.DISPUTE and about["kpi"]:
        kpi = dict(kpis).get(about["kpi"]) or words.named("measure", about["kpi"])
        title = words("raise.dispute_of", kpi=kpi, period=spoken_period(about["period"], words))
    initial = {name: request.GET.get(name, "")[:80] for name in ("from_day", "to_day", "queue")}
    return FORMS[kind](initial={"title": title, "kpi": about["kpi"]} | initial, **options)


def _evidence_files(form: forms.Form) -> list[operations.EvidenceFile]:
    """Return the file of a form, cut off one byte above the limit, so that a larger one is refused."""
    upload = form.cleaned_data.get("evidence")
    if upload is None:
        return []
    return [operations.EvidenceFile(upload.name, upload.read(operations.MAX_EVIDENCE_BYTES + 1))]


@require_http_methods(["GET", "HEAD", "POST"])
def matter(request: HttpRequest, matter: UUID) -> HttpResponse:
    """Show a matter with its steps and the moves that are open to the member; make a move."""
    member = member_of(request)
    known_matter = queries.matter(member, matter)
    if known_matter is None:
        raise Http404
    terms_on_table = {
        name: getattr(known_matter, name) for name in ("from_day", "to_day", "queue", "asked_for", "owner", "due_on")
    }
    participants = members(member).exclude(side=None)
    reply = MoveForm(people=participants, kind=known_matter.kind, owner=known_matter.owner, initial=terms_on_table)
    if request.method == "POST":
        reply = MoveForm(
            request.POST, request.FILES, people=participants, kind=known_matter.kind, owner=known_matter.owner
        )
        if reply.is_valid():
            cleaned = reply.cleaned_data
            terms = operations.Terms(**{name: cleaned.get(name) or None for name in terms_on_table})
            with reply.showing_refusals():
                rows = _selected_changes(request, known_matter) if cleaned["move"] == Move.ACCEPT else None
                time_zone, requested = zone(member), Move(cleaned["move"])
                operations.move(
                    member, known_matter, requested, cleaned["text"], time_zone, terms, _evidence_files(reply), rows
                )
                return redirect("matter", relationship=member.relationship.pk, matter=known_matter.pk)
        known_matter.refresh_from_db()
    audit_read(member, Event.MATTER_READ, known_matter, {"title": known_matter.title})
    words, steps = words_for(language()), queries.steps(known_matter)
    context = {
        "matter": known_matter,
        "about": sentences.matter_facts(known_matter, words),
        "counts": sentences.correction_counts(known_matter, words),
        "steps": steps,
        "terms": {one.number: sentences.terms_line(one, words) for one in steps},
        "roles": queries.roles(known_matter),
        "moves": operations.open_moves(member, known_matter),
        "form": reply,
        "changes": [corrections.change_of_proposal(one) for one in corrections.changes(member, known_matter)],
        "accepted": corrections.accepted_numbers(known_matter),
        "ticked": set(request.POST.getlist("row")) if request.method == "POST" else None,
        "owner_left": known_matter.owner is not None
        and known_matter.owner.left_at is not None
        and known_matter.state in AGREED,
    }
    return render(request, "matters/matter.html", context, status=422 if reply.errors else 200)


def _selected_changes(request: HttpRequest, matter: Matter) -> list[int] | None:
    """Return the numbers of the changes of a correction that are accepted; None for all.

    :raises Refused: for all of them, where some of those shown are not ticked
    """
    if matter.kind != Kind.CORRECTION:
        return None
    ticked = request.POST.getlist("row")
    if request.POST.get("which") != "some":
        if 0 < len(ticked) < min(sum(matter.records["counts"].values()), corrections.SHOWN_CHANGES):
            raise Refused(Code.ALL_OR_TICKED)
        return None
    numbers = [int(one) for one in ticked if one.isascii() and one.isdigit() and len(one) < _MAX_NUMBER_DIGITS]
    return corrections.selected_numbers(matter, numbers)


@require_safe
def changes(request: HttpRequest, matter: UUID) -> HttpResponse:
    """Download all changes of a correction as CSV."""
    member = member_of(request)
    known_matter = queries.matter(member, matter)
    if known_matter is None or known_matter.kind != Kind.CORRECTION:
        raise Http404
    audit_read(member, Event.MATTER_READ, known_matter, {"title": known_matter.title})
    return csv_file("changes.csv", corrections.CHANGE_COLUMNS, corrections.change_rows(member, known_matter))


@require_safe
def evidence(request: HttpRequest, matter: UUID, evidence: UUID) -> HttpResponse:
    """Download a file of evidence, which a browser never opens within the site."""
    member = member_of(request)
    known_matter = queries.matter(member, matter)
    known_evidence = None if known_matter is None else queries.evidence(member, known_matter, evidence)
    if known_evidence is None:
        raise Http404
    audit_read(member, Event.EVIDENCE_READ, known_evidence, {"name": known_evidence.name})
    response = HttpResponse(bytes(known_evidence.content), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=known_evidence.name) or ""
    )
    return response
