"""Long lists: a page at a time, each row on one page, and no more queries for more rows."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit
from comity.apps.books import queries as books
from comity.apps.books.models import Delivery
from comity.apps.books.results import viewer_class
from comity.apps.i18n import words_for
from comity.apps.matters.models import Matter
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import State
from comity.core.values import Side
from tests.builders.uploads import brought, run
from tests.room import cast

pytestmark = pytest.mark.gate

MANY = 65
PAGES = ("", "matters/", "people/", "log/", "records/", "review/")


@pytest.fixture(scope="module")
def them():
    made = cast()
    with transaction.atomic():
        at, now = made.at("customer_lead"), timezone.now()
        Matter.objects.bulk_create(
            Matter(
                relationship=at.relationship,
                kind=Kind.CLAIM,
                asks=Side.CUSTOMER,
                answers=Side.PROVIDER,
                title=f"Matter {number:02}",
                raised_at=now,  # at once: the order has to tell them apart all the same
                reply_by=now + timedelta(days=number + 15),
                state=State.ASKED,
            )
            for number in range(MANY)
        )
        for number in range(130):
            audit(at, Event.DELIVERY_UPLOADED, None, {"name": f"file {number}"})
    return made


def titles(answer):
    return re.findall(r">(Matter \d\d)</a>", answer.content.decode())


def test_every_matter_is_on_exactly_one_page(them):
    browser = them.client("customer_member")
    first, second, third = (browser.get(them.url(f"matters/?page={number}")) for number in (1, 2, 3))
    assert (len(titles(first)), len(titles(second)), titles(third)) == (50, MANY - 50, [])
    assert len({*titles(first), *titles(second)}) == MANY
    assert ['rel="prev"' in one.content.decode() for one in (first, second)] == [False, True]
    assert ['rel="next"' in one.content.decode() for one in (first, second)] == [True, False]


@pytest.mark.parametrize("asked", ["0", "-1", "x", "²", "", "1e3", "9" * 30])
def test_an_invalid_page_number_gives_the_first_or_an_empty_page(them, asked):
    answer = them.client("customer_member").get(them.url("matters/"), {"page": asked})
    assert answer.status_code == 200
    assert len(titles(answer)) == (0 if asked.startswith("9") else 50)


def test_today_shows_the_first_matters_and_their_count(them):
    browser = them.client("provider_lead")
    answer = browser.get(them.url())
    shown = answer.content.decode()
    assert re.findall(r"<b>(Matter \d\d)</b>", shown) == [f"Matter {number:02}" for number in range(10)]
    assert f"{MANY} items are waiting for you" in shown
    assert f"Show all {MANY}" in shown
    rest = browser.get(them.url("matters/?waits=provider&page=2"))
    assert titles(rest) == [f"Matter {number:02}" for number in range(50, MANY)]
    assert "?page=1&amp;waits=provider" in rest.content.decode()
    assert titles(browser.get(them.url("matters/?waits=customer"))) == []


def test_the_log_pages_back_to_its_first_event(them):
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


@pytest.fixture(scope="module")
def corrections():
    """Of one row, and of more rows than a page shows."""
    found = {}
    for many in (1, 250):
        made = cast()
        made.book()
        for who, score in (("customer_lead", 1), ("provider_lead", 5)):
            head = "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on\n"
            text = head + "".join(f"r{n:03},customer,p,csat,1,5,{score},2026-06-01\n" for n in range(many))
            assert brought(made, who, "answers.csv", text).stage == "brought"
        with transaction.atomic():
            made.at("customer_lead")
            found[many] = (made, Matter.objects.get(kind=Kind.CORRECTION).pk)
    return found


@pytest.mark.long
def test_the_page_shows_the_first_changes_and_the_file_all(corrections):
    made, number = corrections[250]
    for who, ticks in (("customer_lead", 200), ("provider_lead", 0), ("auditor", 0)):
        browser = made.client(who)
        page = browser.get(made.url(f"matters/{number}/")).content.decode()
        assert re.findall(r'<th scope="row" class="any">(r\d+)</th>', page) == [f"r{n:03}" for n in range(200)]
        if ticks:
            page = browser.get(made.url(f"matters/{number}/move/agree/")).content.decode()
        assert len(re.findall(r'type="checkbox" form="reply" name="row"', page)) == ticks
        file = browser.get(made.url(f"matters/{number}/changes.csv")).content.decode()
        assert [line.split(",")[2] for line in file.splitlines()[1:]] == [f"r{n:03}" for n in range(250)]
        assert number in [UUID(one) for one in re.findall(r"/matters/([0-9a-f-]{36})/", listed(browser, made))]


def listed(browser, made):
    return browser.get(made.url("matters/?kind=correction&show=open")).content.decode()


@pytest.mark.long
def test_more_changes_take_no_more_queries(corrections):
    asked = {}
    for made, number in corrections.values():
        browser = made.client("customer_lead")
        for path in ("matters/?kind=correction", f"matters/{number}/", f"matters/{number}/changes.csv"):
            browser.get(made.url(path))  # that somebody read it is noted the first time
            with CaptureQueriesContext(connection) as captured:
                assert browser.get(made.url(path)).status_code == 200
            asked.setdefault(path.rsplit("/", 1)[-1], set()).add(len(captured))
    assert {path: found for path, found in asked.items() if len(found) > 1} == {}


def test_only_ticked_changes_among_those_shown_are_accepted(corrections):
    """What was not shown was not ticked, and stays as it is."""
    made, number = corrections[250]
    shown = [str(n + 1) for n in range(200)]
    said = {"seen": "1", "text": "", "which": "some", "row": shown}
    address = made.url(f"matters/{number}/move/agree/")
    assert made.client("customer_lead").post(address, said).status_code == 302
    with transaction.atomic():
        made.at("customer_lead")
        (delivery,) = Delivery.objects.exclude(corrects={})
    done = run(made, "customer_lead", delivery, dry_run=False)
    assert (done.stage, done.outcome["counts"]["updated"]) == ("brought", 200)
    page = made.client("auditor").get(made.url(f"matters/{number}/")).content.decode()
    assert words_for("en")("correction.some", count=200) in page
    assert 'name="row"' not in page


def test_roles_of_one_viewer_class_share_cached_results():
    made = cast()
    made.book('[private]\nprovider = ["costs", "staff"]\n')
    with transaction.atomic():
        seen = {name: viewer_class(made.at(name)) for name in made.people if name not in {"stranger", "former"}}
    assert {seen[f"customer_{role}"] for role in ("lead", "finance", "analyst", "executive")} == {"customer"}
    assert len({seen[f"provider_{role}"] for role in ("lead", "finance", "analyst")}) == 3
    assert {seen[name] for name in ("customer_member", "provider_member", "auditor")} == {"joint"}


def test_a_changed_definition_is_read_again():
    made = cast()
    folder = made.book()
    with transaction.atomic():
        at = made.at("customer_lead")
        before = books.definition(at)
        assert books.definition(at) is before
        text = (folder / "book.toml").read_text(encoding="utf-8")
        (folder / "book.toml").write_text(text.replace("Europe/Madrid", "Europe/Lisbon"), encoding="utf-8")
        assert books.definition(at).timezone == "Europe/Lisbon"
