"""Pages of priorities: the rounds, one's own side's order, what both sealed once it is open, and the joint order."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from comity.apps.books import queries as books
from comity.apps.i18n import language, words_for
from comity.apps.numbers import whole_number
from comity.apps.parties.member_context import MemberContext, member_of, member_of_a_side
from comity.apps.parties.queries import members
from comity.apps.parties.rights import Action
from comity.apps.priorities import operations, queries
from comity.apps.priorities.forms import NEEDS, OrderForm, RankingForm, StartForm
from comity.apps.priorities.models import Round
from comity.apps.priorities.refusals import Code
from comity.apps.priorities.sentences import gap_sentences, kpi_names, listed
from comity.apps.refusal import Refused, form_page
from comity.core import chain
from comity.core.agreements import priorities as core
from comity.core.agreements.pointed_out import Point
from comity.core.agreements.priorities import Ordered
from comity.core.values import Side
from comity.review.i18n.words import Words

_USUAL_DAYS = 14  # of a round


def _round_of(member: MemberContext, pk: UUID) -> Round:
    return get_object_or_404(queries.rounds(member), pk=pk)


@require_safe
def priorities(request: HttpRequest) -> HttpResponse:
    """Show the round that is open, and the earlier ones; offer to start one."""
    member = member_of(request)
    return _render_rounds(request, member, None)


def _render_rounds(request: HttpRequest, member: MemberContext, form: StartForm | None) -> HttpResponse:
    if not books.has_book(member):
        return render(request, "priorities/priorities.html", {"has_book": False})
    words, rows = words_for(language()), list(queries.rounds(member))
    may_start = member.side is not None and member.may(Action.AGREE) and all(row.ended_at for row in rows)
    kpis = queries.kpis_to_order(member) if may_start else []
    enough = len(kpis) >= core.MIN_KPIS
    if form is None:
        form = StartForm(initial={"closes_on": queries.closing_day(member, _USUAL_DAYS)})
    context = {
        "has_book": True,
        "rounds": [(row, words(f"priorities.state_{row.outcome or 'open'}")) for row in rows],
        "may_start": may_start,
        "enough": enough,
        "kpis": len(kpis),
        "form": form,
    }
    return render(request, "priorities/priorities.html", context, status=422 if form.errors else 200)


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """Start a round, and open its page."""
    member, form = member_of_a_side(request, Action.AGREE), StartForm(request.POST)
    if not books.has_book(member):
        raise books.NoBookError
    if form.is_valid():
        with form.showing_refusals("closes_on"):
            row = operations.start(member, form.cleaned_data["closes_on"])
            messages.success(request, words_for(language())("priorities.started_now"))
            return redirect("priority_round", relationship=member.relationship.pk, round=row.pk)
    return _render_rounds(request, member, form)


@require_safe
def priority_round(request: HttpRequest, round: UUID) -> HttpResponse:  # noqa: A002 - as its address names it
    """Show a round: one's own order while it is open, both once it was opened."""
    member = member_of(request)
    return _render_round(request, member, _round_of(member, round))


def _render_round(
    request: HttpRequest,
    member: MemberContext,
    row: Round,
    *,
    ranking: RankingForm | None = None,
    order: OrderForm | None = None,
) -> HttpResponse:
    words = words_for(language())
    kpis = queries.kpis(member, row)
    names = kpi_names(kpis, words)
    both = queries.opened(member, row)
    context: dict[str, Any] = {
        "row": row,
        "over": queries.is_over(member, row),
        "names": names,
        "own": None,
        "both_sides": list(Side),
        "both": both is not None,
        "may_withdraw": member.side == row.side and member.may(Action.AGREE) and row.ended_at is None,
    }
    if row.ended_at is None:
        context |= _own(member, row, names, ranking, words)
    if both is not None:
        context |= _opened(member, row, both, names, words)
        context |= _joint(member, row, kpis, names, order)
    failed = (ranking is not None and ranking.errors) or (order is not None and order.errors)
    return render(request, "priorities/round.html", context, status=422 if failed else 200)


def _own(
    member: MemberContext, row: Round, names: dict[str, str], form: RankingForm | None, words: Words
) -> dict[str, object]:
    """Return what the reader's own side has written: the form of its draft, or what it has sealed."""
    saved = queries.own_ranking(member, row)
    ranking = core.Ranking() if saved is None else core.parse_ranking(saved.content)
    sealed = saved is not None and saved.sealed_at is not None
    writes = queries.may_write(member) and not sealed and not queries.is_over(member, row)
    return {
        "reads_own": member.side is not None and member.may(Action.READ_OWN),
        "own": saved,
        "sealed": sealed,
        "listed": listed(ranking, names, words),
        "ranking": ranking,
        "form": (form or RankingForm(list(names), ranking)) if writes else None,
        "needs": NEEDS,
        "seen": 0 if saved is None else saved.number,
        "may_seal": writes and saved is not None and member.may(Action.AGREE),
        "missing": [names[kpi] for kpi in core.unplaced(ranking, list(names))],
    }


def _opened(
    member: MemberContext, row: Round, both: queries.Opened, names: dict[str, str], words: Words
) -> dict[str, object]:
    """Return both orders, their largest differences, the needs with what the other believed, and the seals."""
    party = member.party(words)
    word_of = {word["side"]: word for word in both.entry.content["words"]}
    return {
        "entry": both.entry,
        "lists": [(side, listed(both.rankings[side], names, words)) for side in Side],
        "gaps": gap_sentences(core.gaps(both.rankings), names, words, party),
        "needs_of": [(side, both.rankings[side].needs, both.rankings[side.other].believed) for side in Side],
        "seals": [
            {
                "side": side,
                "name": word_of[side]["name"],
                "at": word_of[side]["at"],
                "digest": both.seals[side]["digest"],
                "random": both.seals[side]["random"],
                "agrees": chain.is_sealed(both.seals[side]),
            }
            for side in Side
        ],
        "points": [_point(one, names, words) for one in queries.points(member, row, both)],
    }


def _point(point: Point, names: dict[str, str], words: Words) -> str:
    clauses = words.listed([names.get(one, one) for one in point.clauses])
    return words(f"agreement_point.{point.kind.value}", clauses=clauses)


def _joint(
    member: MemberContext, row: Round, kpis: list[queries.RoundKpi], names: dict[str, str], form: OrderForm | None
) -> dict[str, object]:
    """Return the joint order: as it was settled, as it is proposed, and the form of a proposal."""
    entry, leads = queries.settled(member, row), member.side is not None and member.may(Action.AGREE)
    if entry is not None:
        order = queries.settled_order(entry)
        edits = queries.edits_left(member, order)
        return {
            "settled": entry,
            "order": order,
            "left": bool(edits),
            "drafts": queries.changes_with_order(member, edits) if edits else [],
            "waiting_kpis": [names[kpi] for kpi in queries.kpis_left(member, order)],
            "may_draft": queries.may_write(member),
        }
    waiting, latest = queries.proposal(member, row), queries.is_latest_opened(member, row)
    proposed = [] if waiting is None else core.parse_order(waiting.content)
    owners = {one.id: _owners(one) for one in kpis}
    return {
        "settled": None,
        "latest": latest,
        "proposal": waiting,
        "order": proposed,
        "order_form": (form or OrderForm([one.id for one in kpis], _by_kpi(proposed), owners))
        if leads and latest
        else None,
        "may_agree": leads and latest and waiting is not None and waiting.side != member.side,
        "order_seen": "" if waiting is None else waiting.digest,
        "people": [(side, [one.person.name for one in members(member, side)]) for side in Side],
    }


def _by_kpi(order: list[Ordered]) -> Mapping[str, Ordered]:
    return {one.kpi: one for one in order}


def _owners(kpi: queries.RoundKpi) -> dict[Side, str]:
    """Return who answers for a KPI by the text, where the reader may read it."""
    fields = {} if kpi.clause is None else kpi.clause.fields
    return {side: str(fields.get(f"{side}_owner", "")) for side in Side}


def _seen(request: HttpRequest) -> int:
    """Return which save the person had before them; what is no number is none that anybody saved."""
    return max(whole_number(request.POST.get("seen", "")) or 0, 0)


@require_POST
@form_page("priority_round", "round")
def save(request: HttpRequest, round: UUID) -> HttpResponse:  # noqa: A002 - as above
    """Save one's own side's order."""
    member = member_of_a_side(request, Action.ACT)
    row = _round_of(member, round)
    known = queries.own_ranking(member, row)
    saved = core.Ranking() if known is None else core.parse_ranking(known.content)
    form = RankingForm([one["id"] for one in row.kpis], saved, request.POST)
    ranking = form.ranking()
    if ranking is None and queries.may_write(member) and not queries.is_over(member, row):
        return _render_round(request, member, row, ranking=form)
    operations.save(member, row, ranking or saved, _seen(request))
    if "seal" in request.POST:
        return redirect("seal_priorities", relationship=member.relationship.pk, round=row.pk)
    messages.success(request, words_for(language())("priorities.saved_now"))
    return redirect("priority_round", relationship=member.relationship.pk, round=row.pk)


@require_http_methods(["GET", "POST"])
@form_page("priority_round", "round")
def seal(request: HttpRequest, round: UUID) -> HttpResponse:  # noqa: A002 - as above
    """Show exactly what is sealed, and seal it."""
    member, words = member_of_a_side(request, Action.AGREE), words_for(language())
    row = _round_of(member, round)
    if request.method == "POST":
        entry = operations.seal(member, row, _seen(request))
        messages.success(request, words("priorities.sealed_now" if entry is None else "priorities.revealed_now"))
        return redirect("priority_round", relationship=member.relationship.pk, round=row.pk)
    own = queries.own_ranking(member, row)
    if own is None or own.sealed_at is not None or queries.is_over(member, row):
        return redirect("priority_round", relationship=member.relationship.pk, round=row.pk)
    names = kpi_names(queries.kpis(member, row), words)
    return render(request, "priorities/seal.html", {"row": row, **_own(member, row, names, None, words)})


@require_POST
@form_page("priority_round", "round")
def withdraw(request: HttpRequest, round: UUID) -> HttpResponse:  # noqa: A002 - as above
    """End a round that one's own side started."""
    member = member_of_a_side(request, Action.AGREE)
    row = _round_of(member, round)
    operations.withdraw(member, row)
    messages.success(request, words_for(language())("priorities.withdrawn_now"))
    return redirect("priority_round", relationship=member.relationship.pk, round=row.pk)


@require_POST
@form_page("priority_round", "round")
def propose_order(request: HttpRequest, round: UUID) -> HttpResponse:  # noqa: A002 - as above
    """Propose a joint order to the other side."""
    member = member_of_a_side(request, Action.AGREE)
    row = _round_of(member, round)
    form = OrderForm([one["id"] for one in row.kpis], {}, {}, request.POST)
    order = form.ordered()
    if order is None:
        if queries.opened(member, row) is None:
            raise Refused(Code.NOT_REVEALED)
        return _render_round(request, member, row, order=form)
    operations.propose_order(member, row, order, request.POST.get("seen", ""))
    messages.success(request, words_for(language())("priorities.proposed_now"))
    return redirect("priority_round", relationship=member.relationship.pk, round=row.pk)


@require_POST
@form_page("priority_round", "round")
def agree_order(request: HttpRequest, round: UUID) -> HttpResponse:  # noqa: A002 - as above
    """Agree to the other side's joint order, and open the change that is drafted from it."""
    member, words = member_of_a_side(request, Action.AGREE), words_for(language())
    row = _round_of(member, round)
    change = operations.agree_to_order(member, row, request.POST.get("digest", ""), words)
    messages.success(request, words("priorities.agreed_now"))
    if change is None:
        return redirect("priority_round", relationship=member.relationship.pk, round=row.pk)
    return redirect("agreement_change", relationship=member.relationship.pk, change=change.pk)


@require_POST
@form_page("priority_round", "round")
def draft_order(request: HttpRequest, round: UUID) -> HttpResponse:  # noqa: A002 - as above
    """Draft a change of the agreement that says what was settled, and open it."""
    member, words = member_of_a_side(request, Action.ACT), words_for(language())
    change = operations.draft_order(member, _round_of(member, round), words)
    return redirect("agreement_change", relationship=member.relationship.pk, change=change.pk)
