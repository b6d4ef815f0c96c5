"""The list of matters: open ones by who must act, filters with counts that hold, each order and its pages."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from comity.apps.i18n import words_for
from comity.apps.matters.filters import filter_bars, filter_query, read_filters
from comity.apps.matters.queries import MatterFilters, matter_list
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders.matters import moved, raised, running
from tests.room import cast

pytestmark = pytest.mark.gate
WORDS = words_for("en")


@pytest.fixture(scope="module")
def them():
    """One matter in each place: for either side to answer, to do, to confirm, and two that have ended."""
    made = cast("List Co", "List Desk")
    raised(made, "customer_lead", title="For the provider")
    late = raised(made, "provider_lead", kind=Kind.ACTION, title="For the customer, late")
    running(late, made, timedelta(days=-2))
    countered = raised(made, "customer_lead", kind=Kind.ACTION, title="Countered: for the customer")
    moved(made, "provider_lead", countered, Move.COUNTER)
    with transaction.atomic():
        owner = made.at("provider_analyst").membership
    for title, moves in (("To do by the provider", ()), ("To confirm by the customer", (Move.DONE,))):
        action = raised(made, "customer_lead", kind=Kind.ACTION, title=title, owner=owner)
        for move in (Move.AGREE, *moves):
            moved(made, "provider_lead", action, move)
    for title in ("Refused", "Withdrawn"):
        ended = raised(made, "customer_analyst", title=title)
        if title == "Refused":
            moved(made, "provider_lead", ended, Move.DECLINE)
        else:
            moved(made, "customer_lead", ended, Move.WITHDRAW)
    return made


CUSTOMERS = ["For the customer, late", "Countered: for the customer", "To confirm by the customer"]
PROVIDERS = ["For the provider", "To do by the provider"]


def titles(them, who, **asked):
    with transaction.atomic():
        return [one.title for one in matter_list(them.at(who), MatterFilters(**asked))]


def test_open_matters_stand_first_for_the_own_side_then_for_the_other(them):
    page = them.client("customer_lead").get(them.url("matters/")).content.decode()
    groups = re.findall(r'<h2 id="h-\d">(.*?) <span', page)
    assert groups == ["List Co must act", "List Desk must act"]
    order = titles(them, "customer_lead")
    assert (set(order[:3]), set(order[3:])) == (set(CUSTOMERS), set(PROVIDERS))
    assert order[0] == "For the customer, late"  # by day
    other = titles(them, "provider_lead")
    assert set(other[:2]) == set(PROVIDERS)


def test_the_arrow_points_to_the_side_that_must_act_also_after_a_counter_proposal(them):
    page = them.client("auditor").get(them.url("matters/")).content.decode()
    row = page.partition("Countered: for the customer")[2].partition("</tr>")[0]
    assert row.index("List Desk") < row.index("List Co</span>")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"show": "ended"}, {"Refused", "Withdrawn"}),
        ({"show": "all", "kind": "dispute"}, {"For the provider", "Refused", "Withdrawn"}),
        ({"waits": "customer"}, set(CUSTOMERS)),
        ({"waits": "provider"}, set(PROVIDERS)),
        ({"overdue": True}, {"For the customer, late"}),
        ({"overdue": True, "show": "ended"}, set()),
        ({"kind": "claim"}, set()),
    ],
)
def test_filters_together_leave_what_all_of_them_allow(them, asked, expected):
    for who in ("customer_lead", "provider_member", "auditor"):
        assert set(titles(them, who, **asked)) == expected


def test_mine_are_those_that_somebody_owns_or_has_raised(them):
    assert set(titles(them, "customer_analyst", mine=True, show="all")) == {"Refused", "Withdrawn"}
    assert set(titles(them, "provider_analyst", mine=True)) == {"To do by the provider", "To confirm by the customer"}
    assert titles(them, "auditor", mine=True, show="all") == []


@pytest.mark.parametrize("who", ["customer_lead", "provider_analyst", "auditor"])
@pytest.mark.parametrize("query", ["", "show=all", "waits=provider&kind=action", "mine=1&show=all", "overdue=1"])
def test_each_count_is_what_a_click_would_show(them, who, query):
    with transaction.atomic():
        member = them.at(who)
        bars, _ = filter_bars(member, read_filters(QueryDict(query)), WORDS)
        counted = [(one.query, one.count) for bar in bars[:-2] for one in bar.options]
        assert counted
        for asked, count in counted:
            assert str(matter_list(member, read_filters(QueryDict(asked))).count()) == count, asked
        assert [sum(one.is_chosen for one in bar.options) for bar in bars if bar.label != WORDS("matters.by_only")] == [
            1
        ] * (len(bars) - 1)


@pytest.mark.parametrize("query", ["show=x", "kind=%00", "waits=both", "sort=;drop", "page=-1", "mine=", "show[]=1"])
def test_what_a_url_cannot_mean_is_as_if_it_were_not_there(them, query):
    assert read_filters(QueryDict(query)) == MatterFilters()
    assert them.client("customer_lead").get(them.url(f"matters/?{query}")).status_code == 200


@pytest.mark.parametrize(
    "filters",
    [MatterFilters(), MatterFilters("all", "claim", "provider", mine=True, overdue=True, sort="oldest")],
)
def test_filters_survive_the_way_through_a_url(filters):
    assert read_filters(QueryDict(filter_query(filters))) == filters


def test_orders_are_by_turn_by_day_and_by_age(them):
    newest = titles(them, "customer_lead", show="all", sort="newest")
    assert newest == titles(them, "customer_lead", show="all", sort="oldest")[::-1]
    assert newest[-1] == "For the provider"
    assert titles(them, "provider_lead", sort="due")[0] == "For the customer, late"


def test_the_number_of_queries_does_not_grow_with_the_list():
    made, counts = cast(), []
    for _ in range(2):
        for _ in range(4):
            raised(made, "customer_lead")
        browser = made.client("provider_lead")
        browser.get(made.url("matters/"))
        with CaptureQueriesContext(connection) as queries:
            browser.get(made.url("matters/"))
        counts.append(len([one for one in queries if "matters_" in one["sql"]]))
    assert counts[0] == counts[1]
