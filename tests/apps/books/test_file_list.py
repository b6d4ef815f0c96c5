"""The list of files on Records: a page at a time, narrowed and sorted by its address, as each may know of them."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.books.filters import filter_query, read_filters
from comity.apps.books.models import Delivery, Stage
from comity.apps.books.queries import FileFilters
from tests.room import cast

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def them():
    """Sixty files of the provider's, all imported but the first, which was refused; and two of the customer's."""
    made = cast()
    made.book()
    now = timezone.now()
    for who, count in (("provider_lead", 60), ("customer_lead", 2)):
        with transaction.atomic():
            member = made.at(who)
            for number in range(count):
                Delivery.objects.create(
                    relationship=member.relationship, side=member.side, person=member.membership.person,
                    name=f"{member.side}-{number:02}.csv", size=1,
                    at=now - timedelta(hours=count - number, minutes=count),
                    stage=Stage.REFUSED if who == "provider_lead" and number == 0 else Stage.BROUGHT,
                    outcome={"table": "contacts"},
                )  # fmt: skip
    return made


def shown(them, query="", who="provider_lead"):
    page = them.client(who).get(them.url(f"records/?{query}")).content.decode()
    return re.findall(r'class="any"><a href="[^"]+">([^<]+)</a></th>', page), page


def test_older_files_are_a_page_further(them):
    first, page = shown(them)
    assert (len(first), 'rel="next"' in page) == (50, True)
    second, page = shown(them, "page=2")
    assert (len(second), 'rel="next"' in page, 'rel="prev"' in page) == (12, False, True)
    assert len({*first, *second}) == 62
    assert second[-1] == "provider-00.csv"


@pytest.mark.parametrize(
    ("query", "first", "count"),
    [
        ("side=customer", "customer-01.csv", 2),
        ("stage=of_no_use", "provider-00.csv", 1),
        ("stage=imported&side=provider&sort=oldest", "provider-01.csv", 50),
        ("sort=name", "customer-00.csv", 50),
        ("side=nobody&sort=%27&stage=x", "customer-01.csv", 50),  # as if that were not there
    ],
)
def test_the_address_narrows_and_sorts(them, query, first, count):
    found, page = shown(them, query)
    assert (found[0], len(found)) == (first, count)
    assert page.count('aria-current="true"') == 3


def test_the_counts_are_of_what_the_reader_may_know_of(them):
    """The refused file is the provider's own: neither listed nor counted for the customer."""
    for who, refused in (("provider_lead", "1"), ("customer_lead", "0"), ("auditor", "0")):
        found, page = shown(them, "stage=of_no_use", who)
        assert len(found) == int(refused)
        assert f'Refused or undone <span class="number">{refused}</span>' in page
    assert shown(them, "stage=under_way")[0] == []
    assert "No file is like that." in shown(them, "stage=under_way")[1]


def test_an_address_says_the_filters_that_it_was_made_of():
    for one in (FileFilters(), FileFilters("imported", "customer", "oldest")):
        pairs = dict(part.split("=") for part in filter_query(one).split("&") if part)
        assert read_filters(pairs) == one


def test_the_filters_are_saved_as_a_view_of_ones_own(them):
    browser = them.client("provider_lead")
    answer = browser.post(them.url("views/records/"), {"name": "Theirs", "query": "side=customer"})
    assert answer.status_code == 302, answer.status_code
    assert '<a href="?side=customer">Theirs</a>' in shown(them)[1]
    assert "Theirs" not in shown(them, who="customer_lead")[1]
