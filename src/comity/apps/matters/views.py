"""Pages of matters: the list, raising one, one with its steps, and the files that belong to it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit_read
from comity.apps.books import results
from comity.apps.books.contents import known_queues
from comity.apps.books.queries import readable_definition, zone
from comity.apps.books.results import NotComputedYet
from comity.apps.i18n import language, spoken_period, words_for
from comity.apps.matters import corrections, exports, notices, operations, queries, sentences, told
from comity.apps.matters.counted_moves import MovesOfKind, counted_moves
from comity.apps.matters.filters import filter_bars, filter_query, read_filters
from comity.apps.matters.forms import FORMS, TERM_FIELDS, CommentForm, MoveForm, RaiseForm
from comity.apps.matters.models import Matter
from comity.apps.matters.queries import MatterFilters
from comity.apps.matters.refusals import Code
from comity.apps.paging import paged
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.queries import members
from comity.apps.parties.rights import Action
from comity.apps.personal.queries import saved_views
from comity.apps.refusal import Refused, form_page
from comity.apps.sheet import csv_file
from comity.core import levels
from comity.core.calendars import UnknownPeriodError
from comity.core.matters.history import Mark
from comity.core.matters.kinds import KINDS, AskedFor, Button, Kind, kinds_of
from comity.core.matters.transitions import OPEN, TO_DO, Move
from comity.core.spiral.moves import NOT_RECORDED, RECORDED, Strain
from comity.core.values import Side
from comity.review.i18n.words import Words
from comity.review.render.errors import PdfUnavailableError
from comity.review.views.sentences import kpi_title

_MAX_QUEUE_LENGTH = 80  # characters of a name that a matter holds
_MAX_NUMBER_DIGITS = 10  # of the number of a change
_WEB = ("https://", "http://")  # what a link may begin with, whatever a program has stored
_NO_BUTTONS = frozenset({Move.COMMENT, Move.TAKE_BACK})  # they have a place of their own on the page of a matter
# What is offered under a further line, below the answer.
_SECOND_MOVES = frozenset(
    {Move.ACKNOWLEDGE, Move.ESCALATE, Move.BRING_DOWN, Move.HAND_OVER, Move.OBJECT, Move.MERGE, Move.PAUSE}
    | {Move.OTHER_DAY, Move.REOPEN}
)


@require_safe
def matters(request: HttpRequest) -> HttpResponse:
    """List matters, the open ones by who must act unless the URL asks for others."""
    member, words = member_of(request), words_for(language())
    filters = read_filters(request.GET)
    page = paged(request, queries.matter_list(member, filters))
    bars, counts = filter_bars(member, filters, words)
    context = {
        "page": page,
        "groups": _by_turn(member, list(page), filters, words),
        "bars": bars,
        "any": counts["any"] > 0,
        "query": filter_query(filters),
        "views": list(saved_views(member, "matters")),
    }
    return render(request, "matters/matters.html", context)


@require_safe
def moves(request: HttpRequest) -> HttpResponse:
    """Show which kinds of moves are recorded, how many each side made, and which kinds nobody records yet."""
    member, words = member_of(request), words_for(language())
    counted = counted_moves(member)
    kinds = {one.kind: one for one in counted.kinds} if counted else {}
    days = words("moves.since", day=words.day(counted.since)) if counted else words("moves.not_written")
    context = {
        "head": words("moves.headline", count=len(RECORDED), of=len(Strain)),
        "days": days,
        "rows": [_moves_row(kind, kinds.get(kind), words) for kind in Strain if kind in RECORDED],
        "missing": [_moves_row(kind, None, words) for kind in NOT_RECORDED],
    }
    return render(request, "matters/moves.html", context)


def _moves_row(kind: Strain, counted: MovesOfKind | None, words: Words) -> dict[str, object]:
    by = {} if counted is None or counted.by is None else counted.by
    cells = [
        {"side": side, "text": words("moves.counts", strained=by[side].strained, ordinary=by[side].ordinary)}
        for side in by
    ]
    return {
        "name": words(f"moves.kind_{kind}"),
        "what": words(f"moves.strained_{kind}"),
        "ordinary": words(f"moves.ordinary_{kind}"),
        "cells": cells,
    }


def _by_turn(
    member: MemberContext, matters: list[Matter], filters: MatterFilters, words: Words
) -> list[tuple[str, list[Matter]]]:
    """Return the matters of a page under titles: by who must act, or all under one."""
    if filters.sort != "turn" or filters.show == "ended":
        return [(words(f"matters.are_{filters.show}"), matters)] if matters else []
    party = member.party(words)

    def title(turn: str) -> str:
        return words("matters.turn_of", party=party(turn)) if turn else words("matters.turn_of_nobody")

    turns = groupby(matters, key=lambda one: one.turn)  # type: ignore[attr-defined]
    return [(title(turn), list(group)) for turn, group in turns]


@require_safe
def raise_what(request: HttpRequest) -> HttpResponse:
    """Offer the six buttons with which a matter is raised, and the further choice under each."""
    member = member_of(request, Action.ACT)
    if member.side is None:
        raise Http404
    offered = [
        (button, [kind for kind in kinds_of(button) if member.may(Action(KINDS[kind].raised_with))])
        for button in Button
    ]
    return render(request, "matters/raise_what.html", {"buttons": [one for one in offered if one[1]]})


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
    kpis, chosen = _agreed_kpis(member), _DisputedPeriod()
    if matter_kind is Kind.DISPUTE:
        chosen = _disputed_period(request, member, about)
        if request.method != "POST" and chosen.asks:
            return render(request, "matters/raise_period.html", {"chosen": chosen, "kind": kind, "kpi": about["kpi"]})
    form = _raise_form(request, member, matter_kind, about, kpis, chosen)
    if request.method == "POST" and form.is_valid():
        cleaned = form.cleaned_data
        special = {"kind", "title", "text", "kpi", "period", "value", "prompted_by", "answers"}
        names = [one.name for one in fields(operations.NewMatter) if one.name not in special]
        kpi, period = cleaned.get("kpi") or about["kpi"], cleaned.get("period") or about["period"][:12]
        new_matter = operations.NewMatter(
            kind=matter_kind,
            title=cleaned["title"],
            text=cleaned["text"],
            kpi=kpi,
            period=period,
            value=_in_unit(cleaned.get("value"), queries.figure_unit(member, kpi)),
            prompted_by=_prompt(member, cleaned.get("prompted_by")),
            **{name: cleaned[name] for name in names if name in cleaned},
        )
        with form.showing_refusals("evidence"):
            matter = operations.just_raised(member, new_matter) or operations.raise_matter(
                member, new_matter, zone(member), _evidence_files(form)
            )
            return redirect("matter", relationship=member.relationship.pk, matter=matter.pk)
    figure = sentences.figure_name(member, about["kpi"], words_for(language())) if about["kpi"] else ""
    values = _disputed_values(member, matter_kind, about)
    final = sentences.all_final_periods(member, words_for(language())) if matter_kind is Kind.CLAIM else ""
    days = queries.reply_days_of(member, kind, queries.today(member))
    context = {"form": form, "kind": kind, "about": about, "figure": figure, "final": final, "chosen": chosen} | values
    context["days"] = days
    return render(request, "matters/raise.html", context, status=422 if form.errors else 200)


@dataclass(frozen=True, slots=True)
class _DisputedPeriod:
    """The period of a dispute, which is chosen before its figure, so that only figures that exist are offered.

    :ivar name: canonical; empty where none is chosen
    :ivar periods: to choose from, as name and text; none where no book can be read, and any may be named
    :ivar formed: the figures that were formed of it; None where that is not known
    :ivar pending: whether they are being computed; `since` when that was asked for
    """

    name: str = ""
    periods: Sequence[tuple[str, str]] = ()
    formed: frozenset[str] | None = None
    pending: bool = False
    since: datetime | None = None

    @property
    def asks(self) -> bool:
        """Whether a period is to be chosen first, or its figures are being computed, or there are none."""
        return bool(self.periods) and (not self.name or self.pending or self.formed == frozenset())


def _disputed_period(request: HttpRequest, member: MemberContext, about: dict[str, str]) -> _DisputedPeriod:
    """Return the period that a dispute is about, with the figures that were formed of it.

    They are computed where the page begins with no figure: whoever comes from a figure's own page has seen it.
    """
    periods = sentences.period_choices(member, "", words_for(language()))
    try:
        name, _ = queries.disputed_period(member, about["period"])
    except UnknownPeriodError:
        return _DisputedPeriod(periods=periods)
    computes = request.method != "POST" and not about["kpi"] and "write" not in request.GET
    try:
        formed = queries.formed_figures(member, name, compute=computes)
    except NotComputedYet as refused:
        return _DisputedPeriod(name, periods, None, not refused.failed, refused.since)
    return _DisputedPeriod(name, periods, formed if not about["kpi"] or formed else None)


def _prompt(member: MemberContext, number: str | None) -> Matter | None:
    """Return the matter that prompts one, by the id that a form offered."""
    return queries.matter(member, UUID(number)) if number else None


def _in_unit(value: Decimal | None, unit: str | None) -> Decimal | None:
    """Return a value as it is typed, shares in per cent, in its unit."""
    return value / 100 if value is not None and unit == levels.SHARE else value


def _as_typed(value: Decimal | None, unit: str) -> str | None:
    """Return a value in its unit as it is typed, shares in per cent."""
    if value is None:
        return None
    typed = value * 100 if unit == levels.SHARE else value
    return words_for(language()).number_typed(typed)


def _agreed_kpis(member: MemberContext) -> list[tuple[str, str]]:
    """Return the agreed KPIs, as id and title; none where no book can be read."""
    words = words_for(language())
    agreed = readable_definition(member)
    kpis = () if agreed is None else agreed.kpis
    return list({one.id: kpi_title(one.id, one.measure, words) for one in kpis}.items())


def _known_queues(member: MemberContext) -> list[str]:
    """Return the queues of the records and of the agreed KPIs, by name."""
    agreed = readable_definition(member)
    named = {queue for one in (() if agreed is None else agreed.kpis) for queue in one.queues} - {"*"}
    known = {queue for queue in named.union(known_queues(member)) if len(queue) <= _MAX_QUEUE_LENGTH}
    return sorted(known, key=str.casefold)


def _raise_form(  # noqa: PLR0913 - what each kind's form is made of
    request: HttpRequest,
    member: MemberContext,
    kind: Kind,
    about: dict[str, str],
    kpis: list[tuple[str, str]],
    chosen: _DisputedPeriod,
) -> RaiseForm:
    words = words_for(language())
    options: dict[str, Any] = {}
    if kind is Kind.CLAIM:
        options = {"kpis": kpis, "queues": _known_queues(member)}
    elif kind is Kind.DISPUTE:
        figures = sentences.figure_choices(member, about["kpi"], kpis, words, chosen.formed)
        options = {"figures": figures, "period": chosen.name}
    elif kind is Kind.ACTION:
        periods = sentences.period_choices(member, about["period"], words)
        options = {"figures": sentences.figure_choices(member, about["kpi"], kpis, words), "periods": periods}
    else:
        party, own = member.party(words), member.side or Side.CUSTOMER
        sides = [(side.value, party(side)) for side in (own, own.other)]
        figures = sentences.figure_choices(member, about["kpi"], kpis, words)
        options = {"kind": kind, "figures": figures, "queues": _known_queues(member), "sides": sides}
    if kind is Kind.ACTION:
        options["people"] = members(member).exclude(side=None)
    options["prompts"] = [(str(one.pk), sentences.matter_label(one, words)) for one in queries.may_prompt(member)]
    if notices.may_give(member):
        clauses = queries.clauses_for_notice(member)
        options["clauses"] = list(sentences.clause_names(clauses, words).items())
    if request.method == "POST":
        return FORMS[kind](request.POST, request.FILES, **options)
    title = ""
    if kind is Kind.DISPUTE and about["kpi"]:
        figure = sentences.figure_name(member, about["kpi"], words)
        title = words("raise.dispute_of", kpi=figure, period=spoken_period(about["period"], words))
    asked = {name: request.GET.get(name, "")[:80] for name in ("from_day", "to_day", "queue", "prompted_by", "failed")}
    initial = _days_of_period(member, about["period"]) | {name: text for name, text in asked.items() if text}
    return FORMS[kind](initial={"title": title} | about | initial, **options)


def _days_of_period(member: MemberContext, name: str) -> dict[str, str]:
    """Return the first and the last day of a period, as a form has them; none for what is no period."""
    try:
        _, period = queries.disputed_period(member, name)
    except UnknownPeriodError:
        return {}
    return {"from_day": period.start.isoformat(), "to_day": (period.end - timedelta(days=1)).isoformat()}


def _evidence_files(form: forms.Form) -> list[operations.EvidenceFile]:
    """Return the file of a form, cut off one byte above the limit, so that a larger one is refused."""
    upload = form.cleaned_data.get("evidence")
    if upload is None:
        return []
    return [operations.EvidenceFile(upload.name, upload.read(operations.MAX_EVIDENCE_BYTES + 1))]


@require_http_methods(["GET", "HEAD", "POST"])
def matter(request: HttpRequest, matter: UUID) -> HttpResponse:
    """Show a matter with its steps and the moves that are open to the member; comment on it."""
    member = member_of(request)
    known_matter = _matter_or_404(member, matter)
    comment = CommentForm()
    if request.method == "POST":
        comment = CommentForm(request.POST, request.FILES)
        if comment.is_valid():
            with comment.showing_refusals():
                text, files = comment.cleaned_data["text"], _evidence_files(comment)
                if not operations.just_commented(member, known_matter, text):
                    operations.move(member, known_matter, Move.COMMENT, text, zone(member), None, files)
                return _to_matter(member, known_matter)
        known_matter.refresh_from_db()
    if request.method != "POST" and _has_news_for_nobody(request, member, known_matter):
        return render(request, "matters/news.html", {"matter": known_matter})
    audit_read(member, Event.MATTER_READ, known_matter, {"title": known_matter.title})
    moves = operations.open_moves(member, known_matter)
    operations.open_matter(member, known_matter)
    words, steps = words_for(language()), list(queries.steps(known_matter))
    effect, figure = _effect(member, known_matter, words), _figure_context(member, known_matter, words)
    is_pending = bool(figure["values_pending"] or (effect and effect["pending"]))
    request.refresh_to = f"{request.path}?shown={steps[-1].number}"  # type: ignore[attr-defined]
    context = {
        "matter": known_matter,
        "about": sentences.matter_facts(member, known_matter, words),
        "counts": sentences.correction_counts(known_matter, words),
        "steps": steps,
        "effects": {one.number: sentences.step_effects(member, one, words) for one in steps},
        "terms": {one.number: sentences.terms_line(known_matter, one, words) for one in steps},
        "differences": sentences.differences(known_matter, steps, words),
        "roles": queries.roles(known_matter),
        "firms": {one.number: sentences.firm_text(member, one, words) for one in steps},
        # While something is being computed the page asks for itself again, and what was typed would be lost.
        "writing": request.method == "POST" or "write" in request.GET or not is_pending,
        "moves": [one for one in moves if one not in _NO_BUTTONS | _SECOND_MOVES],
        "more_moves": [one for one in moves if one in _SECOND_MOVES],
        "external_url": known_matter.external_url if known_matter.external_url.startswith(_WEB) else "",
        "opened": sentences.openings(member, known_matter, words),
        "silent_until": queries.silent_until(known_matter),
        "notice": sentences.notice_facts(member, known_matter, words),
        "lateness": sentences.lateness_line(member, known_matter, words),
        "offer": sentences.offer_line(member, known_matter, words),
        "may_comment": Move.COMMENT in moves,
        "minutes_left": operations.minutes_to_take_back(member, known_matter),
        "may_take_counter_back": Move.TAKE_BACK in moves and known_matter.state in OPEN[2:],
        "has_pack": steps[0].mark != Mark.WITHOUT_PREJUDICE,
        "figure_url": _figure_url(member, known_matter),
        "seen": steps[-1].number,
        "answers": Move.AGREE in moves,
        "facts": sentences.class_facts(member, known_matter, steps, words),
        "form": comment,
        "effect": effect,
        **figure,
        "next": sentences.next_step(member, known_matter, words),
        "outcome": sentences.outcome(member, known_matter, words),
        "changes": _shown_changes(member, known_matter, words),
        "accepted": corrections.accepted_numbers(known_matter),
        "owner_left": known_matter.owner is not None
        and known_matter.owner.left_at is not None
        and known_matter.state in TO_DO,
    }
    return render(request, "matters/matter.html", context, status=422 if comment.errors else 200)


def _has_news_for_nobody(request: HttpRequest, member: MemberContext, matter: Matter) -> bool:
    """Whether a page that asked for itself again would show a step that nobody of the side has opened.

    Nobody may sit before that page: what it showed by itself would count as opened, and the other side could no longer
    undo an answer that it is told it can undo until it is opened.
    """
    shown = _step_number(request.GET.get("shown", ""))
    return 0 < shown < queries.last_number(matter) and operations.has_unopened(member, matter)


def _effect(member: MemberContext, matter: Matter, words: Words) -> dict[str, object] | None:
    """Return what an open claim or correction changes: `rows`, or `pending`; None for others, and without a book."""
    if matter.kind not in {Kind.CLAIM, Kind.CORRECTION} or matter.state not in OPEN:
        return None
    is_relief = matter.kind == Kind.CLAIM and matter.asked_for != AskedFor.EXCLUDE
    final = sentences.final_months(member, matter, [], words)
    effect: dict[str, object] = {"relief": is_relief, "pending": None, "rows": [], "final": final}
    effects_of = queries.claim_effects if matter.kind == Kind.CLAIM else queries.correction_effects
    try:
        rows = sentences.effect_rows(member, effects_of(member, matter), words)
        return effect | {"rows": rows, "final": sentences.final_months(member, matter, rows, words)}
    except NotComputedYet as pending:
        return effect | {"pending": pending}
    except results.ERRORS:
        return None


def _disputed_values(member: MemberContext, kind: Kind, about: dict[str, str]) -> dict[str, object]:
    """Return the figure that is about to be disputed, as it is computed now; empty for any other matter."""
    values: dict[str, object] = {"values": [], "values_pending": False}
    if kind is not Kind.DISPUTE or not about["kpi"]:
        return values
    try:
        name, _ = queries.disputed_period(member, about["period"])
    except UnknownPeriodError:
        return values
    unit = queries.figure_unit(member, about["kpi"]) or ""
    shown = _figure_context(member, Matter(kind=kind, kpi=about["kpi"], period=name, unit=unit), words_for(language()))
    return {key: shown[key] for key in values}


def _figure_context(member: MemberContext, matter: Matter, words: Words) -> dict[str, object]:
    """Return the values of a disputed figure, whether they are being computed, and what was imported since."""
    if matter.kind != Kind.DISPUTE:
        return {"values": [], "values_pending": False, "since": [], "corrections_since": []}
    figure, pending = None, False
    try:
        figure = queries.computed_figure(member, matter, compute=not matter.ended)
    except NotComputedYet as refused:
        pending = not refused.failed
    return {
        "values": sentences.figure_values(member, matter, figure, words),
        "values_pending": pending,
        "since": queries.imports_since(member, matter),
        "corrections_since": queries.corrections_since(member, matter),
    }


def _shown_changes(member: MemberContext, matter: Matter, words: Words) -> list[corrections.Change]:
    """Return the first changes of a correction as the page shows them."""
    clock = ZoneInfo(zone(member))
    changes = [corrections.change_of_proposal(one) for one in corrections.changes(member, matter)]
    return [replace(one, values=sentences.change_cells(one.values, clock, words)) for one in changes]


def _figure_url(member: MemberContext, matter: Matter) -> str:
    """Return the URL of the page of the figure that a matter is about; empty where it is about none."""
    if not matter.kpi or not matter.period:
        return ""
    name, argument = ("reading", "reading") if queries.is_reading(member, matter.kpi) else ("figure", "kpi")
    url = reverse(name, kwargs={"relationship": member.relationship.pk, argument: matter.kpi})
    return f"{url}?{urlencode({'period': matter.period})}"


def _matter_or_404(member: MemberContext, number: UUID) -> Matter:
    known_matter = queries.matter(member, number)
    if known_matter is None:
        raise Http404
    return known_matter


def _to_matter(member: MemberContext, matter: Matter) -> HttpResponse:
    return redirect("matter", relationship=member.relationship.pk, matter=matter.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def move(request: HttpRequest, matter: UUID, move: str) -> HttpResponse:
    """Show what a move does and what becomes final by it; make it."""
    member = member_of(request)
    known_matter = _matter_or_404(member, matter)
    if move not in set(Move) or Move(move) is Move.COMMENT:
        raise Http404
    if member.side is None:
        raise Refused(Code.NOT_YOURS)
    requested, words = Move(move), words_for(language())
    targets = queries.merge_targets(member, known_matter) if requested is Move.MERGE else []
    options: dict[str, Any] = {
        "owes": operations.debtor_of(known_matter) == member.side,
        "targets": [(str(one.pk), sentences.matter_label(one, words)) for one in targets],
        "people": members(member).exclude(side=None),
        "matter": known_matter,
        "move": requested,
        "late": operations.may_object_to_late(member, known_matter),
        "answers": member.side == known_matter.answers,
        "queues": _known_queues(member) if known_matter.kind == Kind.CLAIM else [],
    }
    last_number = queries.last_number(known_matter)
    if request.method == "POST":
        form = MoveForm(request.POST, request.FILES, **options)
        if _is_repeated(member, known_matter, requested, form):
            return _to_matter(member, known_matter)
        if form.is_valid():
            with form.showing_refusals():
                _make_move(request, member, known_matter, requested, form)
                messages.success(request, words(f"move_made.{requested.value}"))
                return _to_matter(member, known_matter)
        known_matter.refresh_from_db()
    else:
        if requested not in operations.open_moves(member, known_matter):
            messages.error(request, words("matter.not_open"))
            return _to_matter(member, known_matter)
        operations.open_matter(member, known_matter)
        form = MoveForm(initial=_terms_on_table(known_matter) | {"seen": last_number}, **options)
    newer = [one for one in queries.steps(known_matter) if one.number > _shown_number(form)]
    effect = _effect(member, known_matter, words) if requested is not Move.WITHDRAW else None
    context = {
        "newer": newer if request.method == "POST" and form.errors else [],
        "matter": known_matter,
        "move": requested,
        "form": form,
        "steps": queries.steps(known_matter),
        "last": last_number,
        "about": sentences.matter_facts(member, known_matter, words),
        "effect": effect,
        **_figure_context(member, known_matter, words),
        "consequences": sentences.consequences(member, known_matter, requested, words),
        # While the effect is computed the page asks for itself again, and what was typed would be lost.
        "writing": request.method == "POST" or "write" in request.GET or not (effect and effect["pending"]),
        "counts": sentences.correction_counts(known_matter, words),
        "changes": _shown_changes(member, known_matter, words),
        "ticked": set(request.POST.getlist("row")) if request.method == "POST" else None,
        "is_open": requested in operations.open_moves(member, known_matter),
    }
    return render(request, "matters/move.html", context, status=422 if form.errors else 200)


def _shown_number(form: MoveForm) -> int:
    """Return the number of the last step that the page of a move has shown."""
    return _step_number(str(form["seen"].value() or ""))


def _step_number(text: str) -> int:
    """Return the number of a step, as a page has sent it; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _MAX_NUMBER_DIGITS else 0


def _terms_on_table(matter: Matter) -> dict[str, object]:
    """Return the current terms, as a form shows them."""
    names = TERM_FIELDS - {"value"}
    return {name: getattr(matter, name) for name in names} | {"value": _as_typed(matter.value, matter.unit)}


def _make_move(request: HttpRequest, member: MemberContext, matter: Matter, requested: Move, form: MoveForm) -> None:
    cleaned = form.cleaned_data
    given = {name: cleaned.get(name) or None for name in TERM_FIELDS}
    given["value"] = _in_unit(cleaned.get("value"), matter.unit)
    rows = _selected_changes(request, matter) if requested is Move.AGREE else None
    operations.move(
        member,
        matter,
        requested,
        cleaned.get("text", ""),
        zone(member),
        operations.Terms(**given),
        _evidence_files(form),
        rows,
        cleaned["seen"],
        operations.Beside(
            mark=cleaned.get("mark", ""),
            day=cleaned.get("day"),
            into=_prompt(member, cleaned.get("into")),
            objects=_objection(cleaned.get("objection", "")),
            objects_to_late=cleaned.get("object_to_late", False),
        ),
    )


def _objection(chosen: str) -> tuple[str, str] | None:
    """Return what is objected to and the value said instead, as a form offered them."""
    about, _, value = chosen.partition(" ")
    return (about, value) if value else None


def _is_repeated(member: MemberContext, matter: Matter, requested: Move, form: MoveForm) -> bool:
    """Whether the same person has just sent the same move: a button that was pressed twice."""
    last = queries.steps(matter).last()
    return (
        last is not None
        and last.person == member.membership.person
        and last.move == requested
        and form["seen"].value() == str(last.number - 1)
    )


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
def told_days(request: HttpRequest) -> HttpResponse:
    """List the days of which the side that served is asked whether it had been told, and how many it was told of."""
    member, words = member_of(request), words_for(language())
    least, most, answered = told.told(member)
    context = {
        "days": [(one, told.question_line(one, words)) for one in told.open_questions(member)],
        "answers": told.may_answer(member),
        "serves": told.SERVES,
        "least": least,
        "most": most,
        "answered": answered,
    }
    return render(request, "matters/told.html", context)


@require_POST
@form_page("told")
def answer_told(request: HttpRequest, question: UUID) -> HttpResponse:
    """Answer whether the own side had been told of a day."""
    member = member_of(request, Action.ANSWER)
    was_told = request.POST.get("told") == "yes"
    matter = told.answer(member, question, was_told=was_told, zone=zone(member))
    if matter is not None:
        return _to_matter(member, matter)
    messages.success(request, words_for(language())("told.noted"))
    return redirect("told", relationship=member.relationship.pk)


@require_safe
def pack(request: HttpRequest, matter: UUID) -> HttpResponse:
    """Download the evidence pack of a matter."""
    member = member_of(request)
    known_matter = _matter_or_404(member, matter)
    try:
        content = exports.pack(member, known_matter, language())
    except PdfUnavailableError:
        raise Refused(Code.NO_PDF) from None
    name = f"evidence-{str(known_matter.pk)[:8]}.zip"
    audit_read(member, Event.EVIDENCE_READ, known_matter, {"name": name})
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(content, content_type="application/zip", headers=headers)


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
