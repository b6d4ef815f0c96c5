"""The filters of the log: counts that hold, orders, and a role that lands on it."""

import pytest
from django.db import transaction
from django.http import QueryDict

from comity.apps.audit.filters import filter_bars, filter_query, read_filters
from comity.apps.audit.queries import LogFilters, filtered_events
from comity.apps.i18n import words_for
from tests.builders.matters import raised
from tests.room import cast

pytestmark = pytest.mark.gate
WORDS = words_for("en")


@pytest.fixture(scope="module")
def them():
    made = cast()
    matter = raised(made, "customer_lead")
    raised(made, "provider_lead")
    made.client("provider_lead").get(made.url(f"matters/{matter.pk}/"))  # an event of reading
    return made


@pytest.mark.parametrize("who", ["customer_lead", "auditor"])
@pytest.mark.parametrize("query", ["", "what=reads", "about=matters&side=provider", "mine=1&sort=oldest"])
def test_each_count_is_what_a_click_would_show(them, who, query):
    with transaction.atomic():
        member = them.at(who)
        bars = filter_bars(member, read_filters(QueryDict(query)), WORDS)
        counted = [(one.query, one.count) for bar in bars[:3] for one in bar.options]
        assert len(counted) > 8
        for asked, count in counted:
            assert str(filtered_events(member, read_filters(QueryDict(asked))).count()) == count, asked


def test_filters_leave_what_all_of_them_allow(them):
    with transaction.atomic():
        member = them.at("customer_lead")
        events = list(filtered_events(member, LogFilters(about="matters", side="customer", mine=True)))
        assert [(one.event, one.side, one.person.name) for one in events] == [
            ("matter_raised", "customer", "Ana Customer Lead")
        ]
        newest = [one.pk for one in filtered_events(member, LogFilters())]
        assert [one.pk for one in filtered_events(member, LogFilters(sort="oldest"))] == newest[::-1]


@pytest.mark.parametrize("query", ["what=x", "about=%00", "side=both", "sort=;drop", "mine="])
def test_what_a_url_cannot_mean_is_as_if_it_were_not_there(them, query):
    assert read_filters(QueryDict(query)) == LogFilters()
    assert them.client("auditor").get(them.url(f"log/?{query}")).status_code == 200


def test_filters_survive_the_way_through_a_url():
    for filters in (LogFilters(), LogFilters("reads", "people", "provider", mine=True, sort="oldest")):
        assert read_filters(QueryDict(filter_query(filters))) == filters


def test_neutral_people_take_the_record_from_the_log(them):
    assert them.url("record/") in them.client("auditor").get(them.url("log/")).content.decode()
