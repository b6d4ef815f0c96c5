"""What is pointed out about a text, and what no longer is once it is mended."""

from datetime import date

import pytest

from comity.core.agreements.changes import RemoveClause, SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import MEASURES
from comity.core.agreements.pointed_out import (
    OF_CUSTOMER,
    Point,
    PointKind,
    missing_clauses,
    points,
    points_of_change,
    points_of_priorities,
)
from comity.core.agreements.text import edits_without_effect, text
from comity.core.kpi_templates import CUSTOMERS
from comity.core.values import Side
from tests.builders.agreement import FIRST, add, chain, change, first_change

OWNED = {"customer_owner": "Ana Ruiz", "provider_owner": "Jan Novak", "outcome": "Nobody waits."}


def of(*additions, edits=()):
    return text(chain(change(1, FIRST, *additions), *([change(2, FIRST, *edits)] if edits else [])), FIRST)


def kpi(clause="sl", measure="service_level", **more):
    return add(clause, Kind.KPI, measure=measure, **(OWNED | more))


def duty(**more):
    return add(
        "duty", Kind.DUTY, **({"side": "customer", "measure": "forecast_locked_in_time", "owner": "Ana Ruiz"} | more)
    )


def price(**more):
    return add("voice", Kind.PRICE, **({"service": "Voice", "unit": "contact", "currency": "EUR", "price": "4"} | more))


GOOD = (kpi(), kpi("csat", "csat"), duty())


def kinds(*additions, **more):
    return [point.kind for point in points(of(*additions), **more)]


def test_nothing_is_pointed_out_about_a_text_that_is_whole():
    assert points(of(*GOOD)) == []
    assert points(of()) == []


@pytest.mark.parametrize(
    ("additions", "point"),
    [
        ((kpi(), duty()), Point(PointKind.NO_OUTCOME, ("sl",))),
        ((kpi(outcome=None), *GOOD[1:]), Point(PointKind.NO_WHY, ("sl",))),
        ((kpi(provider_owner=None), *GOOD[1:]), Point(PointKind.NO_OWNER, ("sl",), ("provider",))),
        ((*GOOD[:2], duty(owner=None)), Point(PointKind.NO_OWNER, ("duty",), ("customer",))),
        (GOOD[:2], Point(PointKind.NO_DUTY_OF_CUSTOMER, ())),
        ((*GOOD[:2], duty(side="provider")), Point(PointKind.NO_DUTY_OF_CUSTOMER, ())),
        ((*GOOD, kpi("sl2", queues=["sales"])), Point(PointKind.SAME_QUEUES, ("sl", "sl2"), ("sales",))),
        (
            (kpi(queues=["sales", "support"]), *GOOD[1:], kpi("sl2", queues=["support", "spare"])),
            Point(PointKind.SAME_QUEUES, ("sl", "sl2"), ("support",)),
        ),
        (
            (*GOOD, price(), kpi("repeats", "repeat_contact", target="0.1")),
            Point(PointKind.PRICE_PULLS, ("voice", "repeats"), ("contact", "repeat_contact")),
        ),
        (
            (*GOOD, price(unit="handled_minute"), kpi("aht", "handle_time", target="300")),
            Point(PointKind.PRICE_PULLS, ("voice", "aht"), ("handled_minute", "handle_time")),
        ),
        (
            (*GOOD[1:], kpi(credit_allocation=[{"price": "lost", "share": "1"}])),
            Point(PointKind.NAMES_MISSING, ("sl", "lost"), ("price",)),
        ),
        (
            (*GOOD[1:], kpi(credit_allocation=[{"price": "csat", "share": "1"}])),
            Point(PointKind.NAMES_MISSING, ("sl", "csat"), ("price",)),
        ),
    ],
)
def test_what_a_text_lacks_is_pointed_out_once(additions, point):
    assert points(of(*additions)) == [point]


@pytest.mark.parametrize(
    "additions",
    [
        (*GOOD, kpi("ces", "csat", instrument="ces")),
        (kpi(queues=["sales"]), *GOOD[1:], kpi("sl2", queues=["support"])),
        (kpi(channels=["voice"]), *GOOD[1:], kpi("sl2", channels=["chat"])),
        (*GOOD, price(), kpi("repeats", "repeat_contact")),
        (*GOOD, price(queues=["sales"]), kpi("repeats", "repeat_contact", target="0.1", queues=["support"])),
        (*GOOD, price(unit="fixed"), kpi("repeats", "repeat_contact", target="0.1")),
        (*GOOD[:2], kpi("forecast", "forecast_wape")),
    ],
    ids=[
        "another survey",
        "other queues",
        "other channels",
        "no target",
        "a price of other queues",
        "a fixed price",
        "a forecast is a duty",
    ],
)
def test_what_is_in_order_is_not_pointed_out(additions):
    assert points(of(*additions)) == []


def test_more_than_twelve_kpis_are_many():
    def several(count):
        return (*(kpi(f"k{at}", queues=[f"q{at}"]) for at in range(count - 1)), kpi("csat", "csat"), duty())

    assert kinds(*several(12)) == []
    assert [(point.kind, point.names) for point in points(of(*several(13)))] == [(PointKind.MANY_KPIS, ("13",))]


def test_a_clause_that_names_somebody_who_left_is_pointed_out():
    found = points(
        of(*GOOD, add("post", Kind.POST, side="provider", position="Manager", filled_by="Jan Novak")),
        lambda person: person.name == "Jan Novak",
    )
    assert found == [Point(PointKind.SOMEBODY_LEFT, (clause,), ("Jan Novak",)) for clause in ("sl", "csat", "post")]


def test_a_clause_removed_is_not_spoken_of():
    shown = of(*GOOD, kpi("sl2"), edits=[RemoveClause("sl2")])
    assert points(shown) == []


@pytest.mark.parametrize(
    ("ranks", "found"),
    [
        ({Side.CUSTOMER: {"csat": 1, "sl": 2}, Side.PROVIDER: {"csat": 1, "sl": 2}}, ["sl"]),
        ({Side.CUSTOMER: {"csat": 1, "sl": 2, "k": 2}, Side.PROVIDER: {"csat": 1, "k": 2, "sl": 3}}, ["sl"]),
        ({Side.CUSTOMER: {"csat": 2, "sl": 1}, Side.PROVIDER: {"csat": 1, "sl": 2}}, []),
        ({Side.CUSTOMER: {"csat": 2, "sl": 1}, Side.PROVIDER: {"csat": 2, "sl": 1}}, []),
        ({Side.CUSTOMER: {"csat": 1, "sl": 1}, Side.PROVIDER: {"csat": 1, "sl": 1}}, []),
        ({Side.CUSTOMER: {"csat": 1, "sl": 2}}, []),
    ],
    ids=["both last", "tied last", "one side last", "not paid for", "no order", "one side alone"],
)
def test_money_on_a_kpi_that_both_rank_last_is_pointed_out(ranks, found):
    shown = of(*GOOD[1:], kpi(credit_allocation=[{"price": "voice", "share": "1"}]), price())
    assert points_of_priorities(shown, ranks) == [Point(PointKind.PAID_AND_LAST, (one,)) for one in found]


def test_edits_of_clauses_that_are_not_there_are_pointed_out():
    entries = chain(first_change(), change(2, date(2026, 8, 1), RemoveClause("csat")))
    late = change(3, date(2026, 9, 1), SetField("csat", "target", "0.5"))
    assert points_of_change(edits_without_effect(late, entries)) == [
        Point(PointKind.NO_EFFECT, ("csat",), ("2026-09-01", ""))
    ]


def test_clauses_that_pages_go_by_and_a_text_lacks():
    assert Kind.CALENDAR in missing_clauses(of(*GOOD))
    assert missing_clauses(text(chain(first_change()), FIRST)) == [
        Kind.TERM,
        Kind.AUTHORITY,
        Kind.CLOCK,
        Kind.PURPOSE,
        Kind.REASONS,
    ]


def test_measures_are_known():
    assert set(MEASURES) > OF_CUSTOMER
    assert OF_CUSTOMER == CUSTOMERS
