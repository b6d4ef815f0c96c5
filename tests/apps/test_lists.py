"""Long lists: a page at a time, each row on one page, and no more queries for more rows."""

import re
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comity.apps.books import queries as books
from comity.apps.matters.models import Kind, Matter, State
from comity.apps.parties.operations import note
from comity.core.values import Side
from tests.room import cast

MANY = 65
PAGES = ("", "matters/", "people/", "log/", "records/", "review/")


@pytest.fixture(scope="module")
def them():
    made = cast()
    with transaction.atomic():
        at = made.at("customer_lead")
        Matter.objects.bulk_create(
            Matter(
                relationship=at.relationship,
                kind=Kind.CLAIM,
                asks=Side.CUSTOMER,
                answers=Side.PROVIDER,
                title=f"Matter {number:02}",
                raised_at=timezone.now() - timedelta(days=1),  # at once: the order has to tell them apart all the same
                reply_by=timezone.now() + timedelta(days=number + 5),
                state=State.ASKED,
            )
            for number in range(MANY)
        )
        for number in range(130):
            note(at, "took", f"file {number}")
    return made


def titles(answer):
    return re.findall(r">(Matter \d\d)</a>", answer.content.decode())


def test_every_matter_stands_on_one_page(them):
    browser = them.client("customer_member")
    first, second, third = (browser.get(them.url(f"matters/?page={number}")) for number in (1, 2, 3))
    assert (len(titles(first)), len(titles(second)), titles(third)) == (50, MANY - 50, [])
    assert len({*titles(first), *titles(second)}) == MANY
    assert ['rel="prev"' in one.content.decode() for one in (first, second)] == [False, True]
    assert ['rel="next"' in one.content.decode() for one in (first, second)] == [True, False]


@pytest.mark.parametrize("asked", ["0", "-1", "x", "²", "", "1e3", "9" * 30])
def test_a_page_that_cannot_be_is_the_first_or_an_empty_one(them, asked):
    answer = them.client("customer_member").get(them.url("matters/"), {"page": asked})
    assert answer.status_code == 200
    assert len(titles(answer)) == (0 if asked.startswith("9") else 50)


def test_today_shows_the_first_and_says_how_many(them):
    browser = them.client("provider_lead")
    answer = browser.get(them.url())
    assert titles(answer) == [f"Matter {number:02}" for number in range(10)]
    assert f"{MANY} matters wait for you" in answer.content.decode()
    rest = browser.get(them.url("matters/?waits=provider&page=2"))
    assert titles(rest) == [f"Matter {number:02}" for number in range(50, MANY)]
    assert "?page=1&amp;waits=provider" in rest.content.decode()
    assert titles(browser.get(them.url("matters/?waits=customer"))) == []


def test_the_log_goes_back_to_its_beginning(them):
    browser = them.client("customer_lead")
    seen = [re.findall(r"file \d+", browser.get(them.url(f"log/?page={number}")).content.decode()) for number in (1, 2)]
    assert (len(seen[0]), len({*seen[0], *seen[1]})) == (100, 130)


def test_more_rows_take_no_more_queries(them):
    few = cast()
    asked = {}
    for made in (few, them):
        browser = made.client("customer_lead")
        for page in PAGES:
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(made.url(page)).status_code == 200
            asked.setdefault(page, set()).add(len(captured))
    assert {page: found for page, found in asked.items() if len(found) > 1} == {}


def test_roles_that_see_the_same_share_what_is_worked_out():
    made = cast()
    made.book('[private]\nprovider = ["costs", "staff"]\n')
    with transaction.atomic():
        seen = {name: books.eyes(made.at(name)) for name in made.people if name not in {"stranger", "former"}}
    assert {seen[f"customer_{role}"] for role in ("lead", "finance", "analyst", "executive")} == {"customer"}
    assert len({seen[f"provider_{role}"] for role in ("lead", "finance", "analyst")}) == 3
    assert {seen[name] for name in ("customer_member", "provider_member", "auditor")} == {"joint"}


def test_a_definition_that_is_written_anew_is_read_anew():
    made = cast()
    folder = made.book()
    with transaction.atomic():
        at = made.at("customer_lead")
        before = books.definition(at)
        assert books.definition(at) is before
        text = (folder / "book.toml").read_text(encoding="utf-8")
        (folder / "book.toml").write_text(text.replace("Europe/Madrid", "Europe/Lisbon"), encoding="utf-8")
        assert books.definition(at).timezone == "Europe/Lisbon"
