"""KPIs: what counts, what one side proposes, and the other side's agreement to exactly that."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Status

from comity.apps.books import queries as books
from comity.apps.kpis import operations, queries
from comity.apps.kpis.refusals import Code
from comity.apps.kpis.schemas import (
    AgreedDeliveryOut,
    AgreedTermsOut,
    KpiOut,
    KpisAgreedOut,
    KpisAgreementIn,
    KpisOut,
    KpisProposedOut,
    ProposedTermsOut,
    TermsIn,
)
from comity.apps.parties.member_context import member_of
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.book.definition import UnusableBookError
from comity.web.api.base import api


@api.get("/r/{uuid:relationship}/kpis", response=KpisOut)
def kpis(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """The KPIs in force, the proposal with the digest by which it is agreed to, and what was agreed before."""
    member = member_of(request)
    if not books.has_book(member):
        raise books.NoBookError
    definition, waiting = books.definition(member), queries.proposal(member)
    return {
        "in_force": [KpiOut.of(kpi) for kpi in queries.kpis_in_force(member)],
        "review": definition.cut,
        "deliveries": [AgreedDeliveryOut.of(one) for one in definition.sources],
        "proposal": None if waiting is None else ProposedTermsOut.of(waiting),
        "agreed": [AgreedTermsOut.of(one) for one in queries.agreed_terms(member)],
        "replaced": [ProposedTermsOut.of(one) for one in queries.replaced_proposals(member)],
    }


@api.post("/r/{uuid:relationship}/kpis", response={201: KpisProposedOut})
def propose_kpis(request: HttpRequest, relationship: UUID, given: TermsIn) -> Status[dict[str, Any]]:
    """Propose a set; it counts once the other side has agreed to its digest.

    409 where the other side has a proposal that `seen` does not name.
    """
    member = member_of(request, Action.AGREE)
    try:
        terms = given.terms()
    except UnusableBookError as error:
        raise Refused(Code.UNUSABLE, why=error.called("")) from None
    word = operations.propose(member, terms, given.seen)
    return Status(201, {"id": word.pk, "digest": word.digest})


@api.post("/r/{uuid:relationship}/kpis/agreement", response={201: KpisAgreedOut})
def agree_to_kpis(request: HttpRequest, relationship: UUID, given: KpisAgreementIn) -> Status[dict[str, Any]]:
    """Agree to the set that the other side proposes, by its digest."""
    member = member_of(request, Action.AGREE)
    entry = operations.agree(member, given.digest)
    return Status(201, {"number": entry.number, "digest": entry.digest})


@api.post("/r/{uuid:relationship}/kpis/withdrawal", response=KpisOut)
def withdraw_kpis(request: HttpRequest, relationship: UUID, given: KpisAgreementIn) -> dict[str, Any]:
    """Withdraw the set that the own side proposes, by its digest; 409 once the other side has agreed or answered."""
    member = member_of(request, Action.AGREE)
    operations.withdraw(member, given.digest)
    return kpis(request, relationship)
