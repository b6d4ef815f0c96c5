"""The nature of a matter: operational, commercial or strategic, by one table over its kind and what it is about.

Either side may object; both values stand. Source: the matters' specification, "Posture", last sentence.
"""

from collections.abc import Mapping
from enum import StrEnum

from comity.core.matters.kinds import Kind, Proposes


class Nature(StrEnum):
    """What sort of talk a matter is."""

    OPERATIONAL = "operational"
    COMMERCIAL = "commercial"
    STRATEGIC = "strategic"


class About(StrEnum):
    """What a matter is about, beside the figure and the queue that it names."""

    KPI = "kpi"
    QUEUE = "queue"
    RECORDS = "records"
    SERVICE = "service"
    ACCOUNT = "account"
    CLAUSE = "clause"
    PRICE = "price"
    INVOICE = "invoice"
    TERM = "term"
    GOAL = "goal"
    PURPOSE = "purpose"
    PRODUCT = "product"
    PROCESS = "process"


# What is named decides; clauses and services say nothing by themselves.
_BY_ABOUT: Mapping[About, Nature] = {
    About.KPI: Nature.OPERATIONAL,
    About.QUEUE: Nature.OPERATIONAL,
    About.RECORDS: Nature.OPERATIONAL,
    About.ACCOUNT: Nature.OPERATIONAL,
    About.PRICE: Nature.COMMERCIAL,
    About.INVOICE: Nature.COMMERCIAL,
    About.TERM: Nature.COMMERCIAL,
    About.GOAL: Nature.STRATEGIC,
    About.PURPOSE: Nature.STRATEGIC,
    About.PRODUCT: Nature.STRATEGIC,
    About.PROCESS: Nature.STRATEGIC,
}
_BY_PROPOSAL: Mapping[Proposes, Nature] = {
    Proposes.PROCESS: Nature.STRATEGIC,
    Proposes.PRODUCT: Nature.STRATEGIC,
    Proposes.BUNDLE: Nature.COMMERCIAL,
    Proposes.CONTRACT: Nature.COMMERCIAL,
    Proposes.KPI: Nature.OPERATIONAL,
}
_BY_KIND: Mapping[Kind, Nature] = {Kind.OFFER: Nature.COMMERCIAL}


def nature(kind: Kind, about: About | None = None, *, proposes: Proposes | None = None, price: str = "") -> Nature:
    """Return the nature of a matter.

    :param about: what it says it is about; None where it does not
    :param proposes: of a proposal, what it is of
    """
    if about is not None and about in _BY_ABOUT:
        return _BY_ABOUT[about]
    if kind is Kind.PROPOSAL and proposes is not None:
        return _BY_PROPOSAL[proposes]
    return Nature.COMMERCIAL if price.strip() else _BY_KIND.get(kind, Nature.OPERATIONAL)
