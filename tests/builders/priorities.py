"""Rounds of priorities: a book with four KPIs, a round in it, and each side's order."""

from datetime import timedelta

from django.core.cache import cache
from django.db import transaction

from comity.apps.agreements import queries as agreements
from comity.apps.priorities import operations, queries
from comity.apps.priorities.models import Round
from comity.core.agreements.priorities import Ordered, ranking_of
from comity.core.values import Side
from tests.builders.levels import contacts
from tests.room import cast

KPIS = ["service_level", "abandonment", "csat", "repeat_contact"]
BOOK = '[review]\nperiod = "month"\n' + "".join(
    f'[[kpi]]\nid = "{kpi}"\nmeasure = "{kpi}"\ntarget = 0.8\n' for kpi in KPIS
)
CUSTOMER = dict(zip(KPIS, (2, 3, 4, 1), strict=True))  # repeat contacts first
PROVIDER = dict(zip(KPIS, (1, 2, 3, 4), strict=True))  # repeat contacts last
NEEDS = {"customer": ("Quixote needs quiet evenings",), "provider": ("Zebulon needs a forecast",)}
BELIEVED = {"customer": ("Quixote believes in money",), "provider": ("Zebulon believes in speed",)}


def with_kpis():
    """A relationship whose book has four KPIs."""
    made = cast()
    made.book(BOOK, contacts="\n".join(contacts()))
    cache.clear()
    return made


def started(them, who="customer_lead", days=14):
    """The id of a round that somebody started."""
    with transaction.atomic():
        member = them.at(who)
        return operations.start(member, agreements.today(member) + timedelta(days=days)).pk


def row(pk):
    """A round; within a transaction."""
    return Round.objects.get(pk=pk)


def ranking(side, numbers=None, dropped=()):
    """A side's order with its needs."""
    numbers = numbers or {"customer": CUSTOMER, "provider": PROVIDER}[side]
    return ranking_of(numbers, dropped, NEEDS[side], BELIEVED[side])


def saved(them, who, pk, made=None, seen=0):
    """The number of a save of somebody's side."""
    with transaction.atomic():
        return operations.save(them.at(who), row(pk), made or ranking(who.split("_")[0]), seen)


def sealed(them, who, pk, made=None, seen=0):
    """Somebody's side writes and seals; the entry of the record, once both have."""
    number = saved(them, who, pk, made, seen)
    with transaction.atomic():
        return operations.seal(them.at(who), row(pk), number)


def opened(them):
    """The id of a round in which both have sealed."""
    pk = started(them)
    assert sealed(them, "customer_lead", pk) is None
    assert sealed(them, "provider_lead", pk) is not None
    return pk


def joint(*kpis, customer="Ana Customer Lead", provider="Ben"):
    """A joint order, with the same owners for each KPI."""
    owners = {Side.CUSTOMER: customer, Side.PROVIDER: provider}
    return [Ordered(kpi, place, owners) for place, kpi in enumerate(kpis or KPIS, 1)]


def proposed(them, who, pk, order=None, seen=""):
    """A joint order that somebody proposed."""
    with transaction.atomic():
        return operations.propose_order(them.at(who), row(pk), order or joint(), seen)


def entry_of(them, pk, who="auditor"):
    """The entry of the record of a round, as somebody reads it."""
    with transaction.atomic():
        found = queries.opened(them.at(who), row(pk))
        return None if found is None else found.entry
