"""The page of KPIs: what is in force, what is proposed, and what was agreed before."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from comity.apps.books import queries as books
from comity.apps.books.contents import known_channels
from comity.apps.books.results import NotComputedYet
from comity.apps.i18n import language, words_for
from comity.apps.kpis import operations, queries
from comity.apps.kpis.forms import ProposalForm
from comity.apps.kpis.sentences import differences, is_customers_part, kpi_sentence, lacking_text, pins_text, value_text
from comity.apps.kpis.terms import AgreedTerms, Terms, bare
from comity.apps.kpis.values import KpiValues, kpi_values
from comity.apps.outbox.queries import has_pending
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.rights import Action
from comity.apps.record import queries as record
from comity.apps.record.models import ConsentSubject
from comity.apps.refusal import form_page
from comity.book.definition import AgreedDelivery
from comity.core.agreements.kpi import Kpi
from comity.core.calendars import Cut
from comity.core.kpi_templates import TEMPLATES
from comity.review.i18n.words import Words
from comity.review.views.sections import due_text


@require_safe
def kpis(request: HttpRequest) -> HttpResponse:
    """Show the KPIs in force, the proposal, and a form for another."""
    return _render(request, member_of(request), None)


def _render(request: HttpRequest, member: MemberContext, form: ProposalForm | None) -> HttpResponse:
    words = words_for(language())
    context: dict[str, Any] = {"agrees": member.side is not None and member.may(Action.AGREE)}
    if not books.has_book(member):
        return render(request, "kpis/kpis.html", context | {"has_book": False})
    definition, waiting = books.definition(member), queries.proposal(member)
    in_force = queries.kpis_in_force(member)
    template = _template(request)
    in_agreement = queries.is_in_agreement(member)
    may_propose = context["agrees"] and not in_agreement  # from where alone they are changed
    form = (form or _form(member, template)) if may_propose else None
    candidates = [] if form is None else form.candidates
    values, is_pending = _values_or_none(member, [*in_force, *candidates])
    proposed = None if waiting is None else Terms.from_content(waiting.content)
    before = {kpi.id: bare(kpi) for kpi in in_force}
    agreed = queries.agreed_terms(member)
    context |= {
        "has_book": True,
        "in_agreement": in_agreement,
        "may_begin_text": member.side is not None and member.may(Action.ACT) and not in_agreement,
        "cut": words(f"kpis.cut_{definition.cut}"),
        "deliveries": _delivery_rows(definition.sources, member, words),
        "in_force": [_row(kpi, definition.cut, values, words) for kpi in in_force],
        "not_agreed": not all(kpi.agreed for kpi in in_force),
        "writing": has_pending(member, [operations.WRITE_TASK]),
        "month": "" if values is None or values.period is None else words.period(values.period, values.cut),
        "pending": is_pending,
        "waiting": waiting,
        "proposed": None if proposed is None else _terms_context(proposed, before, member, words),
        "replaced": [
            (one, "withdrawn" if queries.WITHDRAWN_BY in one.void_content else "replaced",
             _terms_context(Terms.from_content(one.content), {}, member, words))
            for one in queries.replaced_proposals(member)
        ],
        "agreed": [_agreed_context(one, member, words) for one in reversed(agreed)],
        "templates": list(TEMPLATES),
        "template": template,
        "form": form,
        "form_rows": [] if form is None else [
            (box, parts, records, pins_text(kpi, words), value_text(kpi, values, words), is_customers_part(kpi),
             lacking_text(kpi, values, words))
            for kpi, box, parts, records in form.rows
        ],
        "explained": [(words(name), words(f"{name}_about")) for name in ("kpis.material", "kpis.counted_from")],
        "alone": member.side is not None and not queries.has_people(member, member.side.other),
    }  # fmt: skip
    invalid = form is not None and form.errors
    return render(request, "kpis/kpis.html", context, status=422 if invalid else 200)


def _template(request: HttpRequest) -> str:
    """Return the template that the form begins with; empty for the KPIs that are proposed or in force."""
    asked = (request.GET if request.method != "POST" else request.POST).get("template", "")
    return asked if asked in TEMPLATES else ""


def _form(member: MemberContext, template: str, data: Any = None) -> ProposalForm:  # noqa: ANN401 - what was sent
    definition, starts = books.definition(member), queries.starts(member)
    waiting = queries.proposal(member)
    terms = None if waiting is None else Terms.from_content(waiting.content)
    start = (
        queries.default_start(member, starts) if terms is None or terms.valid_from not in starts else terms.valid_from
    )
    return ProposalForm(
        data,
        candidates=queries.candidates(member, template),
        starts=starts,
        deliveries=definition.sources if terms is None else terms.deliveries,
        recorded=known_channels(member),
        initial={"cut": (definition.cut if terms is None else terms.cut).value, "valid_from": start.isoformat()},
    )


def _values_or_none(member: MemberContext, kpis: Sequence[Kpi]) -> tuple[KpiValues | None, bool]:
    """Return what KPIs came to, and whether that is still being computed."""
    distinct = {kpi.id: kpi for kpi in kpis}
    try:
        return kpi_values(member, list(distinct.values())), False
    except NotComputedYet as error:
        return None, not error.failed


def _row(kpi: Kpi, cut: Cut, values: KpiValues | None, words: Words) -> dict[str, object]:
    """Return a KPI as a row: its sentence, since when and by which entry, and what it came to."""
    return {
        "sentence": kpi_sentence(kpi, cut, words),
        "pins": pins_text(kpi, words),
        "kpi": kpi,
        "is_customers": is_customers_part(kpi),
        "value": value_text(kpi, values, words),
        "lacking": lacking_text(kpi, values, words),
        "last_day": None if kpi.valid_to is None else kpi.valid_to - timedelta(days=1),
    }


def _terms_context(terms: Terms, before: dict[str, Kpi], member: MemberContext, words: Words) -> dict[str, object]:
    """Return a set as text, each KPI with how it differs from what is in force."""
    marks = differences(before, {kpi.id: bare(kpi) for kpi in terms.kpis}, words) if before else {}

    def row(kpi: Kpi, mark: str) -> tuple[str, str, str, bool]:
        return kpi_sentence(kpi, terms.cut, words), pins_text(kpi, words), mark, is_customers_part(kpi)

    rows = [row(kpi, marks.get(kpi.id, "")) for kpi in terms.kpis]
    gone = [one for name, one in before.items() if name not in {kpi.id for kpi in terms.kpis}]
    return {
        "rows": [
            *rows,
            *(row(kpi, marks[kpi.id]) for kpi in gone),
        ],
        "valid_from": terms.valid_from,
        "cut": words(f"kpis.cut_{terms.cut}"),
        "deliveries": _delivery_rows(terms.deliveries, member, words),
    }


def _delivery_rows(
    deliveries: Sequence[AgreedDelivery], member: MemberContext, words: Words
) -> list[tuple[str, str, str]]:
    """Return deliveries as table, organisation and time."""
    party = member.party(words)
    return [
        (words.named("table", one.table), party(one.by), due_text(one.due, words) if one.due else "")
        for one in deliveries
    ]


def _agreed_context(agreed: AgreedTerms, member: MemberContext, words: Words) -> dict[str, object]:
    """Return an agreed set as text, with who agreed when."""
    (entry,) = record.entries(member, ConsentSubject.KPIS).filter(number=agreed.entry)
    return _terms_context(agreed.terms, {}, member, words) | {
        "agreed": agreed,
        "entry": entry,
        "words": entry.content["words"],
    }


@require_POST
@form_page("kpis")
def propose(request: HttpRequest) -> HttpResponse:
    """Propose a set of KPIs."""
    member = member_of(request, Action.AGREE)
    if not books.has_book(member):
        raise books.NoBookError
    form = _form(member, _template(request), request.POST)
    if form.is_valid():
        with form.showing_refusals():
            operations.propose(member, form.terms, request.POST.get("seen", ""))
            messages.success(request, words_for(language())("kpis.proposed_now"))
            return redirect("kpis", relationship=member.relationship.pk)
    return _render(request, member, form)


@require_POST
@form_page("kpis")
def agree(request: HttpRequest) -> HttpResponse:
    """Agree to the other side's set."""
    member = member_of(request, Action.AGREE)
    operations.agree(member, request.POST.get("digest", ""))
    messages.success(request, words_for(language())("kpis.agreed_now"))
    return redirect("kpis", relationship=member.relationship.pk)


@require_POST
@form_page("kpis")
def withdraw(request: HttpRequest) -> HttpResponse:
    """Withdraw the own side's set, which waits for the other side."""
    member = member_of(request, Action.AGREE)
    operations.withdraw(member, request.POST.get("digest", ""))
    messages.success(request, words_for(language())("kpis.withdrawn_now"))
    return redirect("kpis", relationship=member.relationship.pk)
