"""A person's own choices: colours, time zone, saved views; nobody else reads or changes them."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.parties.member_context import set_viewer
from comity.apps.personal.models import Appearance, DisplaySettings, SavedView, Visit
from comity.apps.personal.queries import last_visit
from tests.builders.matters import raised
from tests.room import cast, superuser

pytestmark = pytest.mark.gate
WORDS = words_for("en")


@pytest.fixture
def them():
    return cast()


def choose(them, who, zone="", appearance="system"):
    return them.client(who).post("/account/display/", {"time_zone": zone, "appearance": appearance})


def test_the_chosen_colours_hold_on_every_page_and_are_nobody_elses(them):
    assert choose(them, "customer_lead", appearance="dark").status_code == 302
    page = them.client("customer_lead").get(them.url()).content.decode()
    assert '<meta name="color-scheme" content="dark">' in page
    assert 'href="/style/dark/room.css"' in page
    assert '"light dark"' in them.client("provider_lead").get(them.url()).content.decode()
    choose(them, "customer_lead", appearance="light")
    assert 'href="/style/light/page.css"' in them.client("customer_lead").get("/account/").content.decode()


def test_shortcuts_are_on_until_a_person_switches_them_off_for_themselves(them):
    page = them.client("customer_lead").get(them.url()).content.decode()
    (shown,) = re.findall(r"<script src=\"[^\"]*comity/keys.js\" defer data-shown='([^']*)'></script>", page)
    links = {keys: address for keys, address, _ in json.loads(shown)["links"]}
    assert links["gt"] == them.url()
    assert links["gr"] == them.url("review/")
    assert {"gm", "gd", "ga", "gk", "gc", "gh", "/", "?"} <= links.keys()
    assert len(links) == len(json.loads(shown)["links"])  # no two pages on one key
    on = {"time_zone": "", "appearance": "system", "shortcuts": "on"}
    for chosen, scripts in ((on, 1), ({"time_zone": "", "appearance": "system"}, 0)):
        assert them.client("customer_lead").post("/account/display/", chosen).status_code == 302
        assert them.client("customer_lead").get(them.url()).content.decode().count("keys.js") == scripts
    assert "keys.js" in them.client("provider_lead").get(them.url()).content.decode()


@pytest.mark.parametrize("appearance", [Appearance.DARK, Appearance.LIGHT])
def test_a_stylesheet_in_chosen_colours_asks_no_device(them, appearance):
    browser = them.client(None)
    for name in ("page.css", "room.css"):
        answer = browser.get(f"/style/{appearance}/{name}")
        assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
        assert "prefers-color-scheme" not in answer.content.decode()
        assert "--" in answer.content.decode()
    assert browser.get(f"/style/{appearance}/../settings.py").status_code == 404
    assert browser.get("/style/system/page.css").status_code == 404
    assert browser.get("/style/dark/paper.css").status_code == 404


def test_all_times_are_in_the_chosen_zone(them):
    """The same step on Today, on the matter and in the log; 01:30 UTC is the evening before in New York."""
    matter = raised(them, "customer_lead", title="A night shift")
    at = datetime(2026, 6, 2, 1, 30, tzinfo=UTC)
    with superuser() as everybody:
        for table in ("audit_event", "matters_step"):
            everybody.execute(f"UPDATE {table} SET at = %s WHERE relationship_id = %s", [at, them.relationship])
        everybody.execute("UPDATE matters_matter SET raised_at = %s WHERE id = %s", [at, matter.pk])
    choose(them, "provider_lead", "America/New_York")
    for path, day in (("", "1 June"), (f"matters/{matter.pk}/", "1 June"), ("log/", "1 June"), ("matters/", "1 June")):
        page = them.client("provider_lead").get(them.url(path)).content.decode().replace("\u00a0", " ")
        assert "UTC" not in re.sub("<option.*?</option>", "", page.partition("<main")[2])  # but to choose from
        assert day in page, path
        assert "2 June" not in page, path
        if path != "matters/":
            assert "21:30" in page, path
    other = them.client("customer_lead").get(them.url("log/")).content.decode().replace("\u00a0", " ")
    assert "2 June 2026, 01:30" in other
    assert timezone.get_current_timezone_name() == "UTC"  # and the thread is left as it was


def test_without_a_choice_times_are_in_the_zone_of_the_relationship(them):
    them.book()  # of Madrid
    raised(them, "customer_lead")
    with superuser() as everybody:
        everybody.execute(
            "UPDATE audit_event SET at = '2026-06-02 01:30Z' WHERE relationship_id = %s", [them.relationship]
        )
    assert "03:30" in them.client("customer_lead").get(them.url("log/")).content.decode()


@pytest.mark.parametrize("given", [{"time_zone": "Mars/Olympus"}, {"appearance": "pink"}, {"time_zone": "../etc"}])
def test_other_choices_are_refused(them, given):
    answer = them.client("customer_lead").post("/account/display/", {"time_zone": "", "appearance": "dark"} | given)
    assert answer.status_code == 422


def test_a_saved_view_is_its_persons_alone(them):
    saved = {"name": "Late claims", "query": "kind=claim&overdue=1&page=7"}
    answer = them.client("customer_lead").post(them.url("views/matters/"), saved)
    assert answer.headers["Location"] == them.url("matters/?kind=claim&overdue=1")
    raised(them, "customer_lead")
    page = them.client("customer_lead").get(them.url("matters/?kind=claim&overdue=1")).content.decode()
    assert '<a href="?kind=claim&amp;overdue=1" aria-current="true">Late claims</a>' in page
    for who in ("customer_analyst", "provider_lead", "auditor"):
        assert "Late claims" not in them.client(who).get(them.url("matters/")).content.decode()
    with transaction.atomic():
        them.at("customer_lead")
        view = SavedView.objects.get()
    for who, status in (("provider_lead", 404), ("customer_analyst", 404), ("customer_lead", 302)):
        assert them.client(who).post(them.url(f"views/matters/{view.pk}/delete/")).status_code == status, who
    assert "Late claims" not in them.client("customer_lead").get(them.url("matters/")).content.decode()


def test_a_view_of_the_same_name_is_replaced_and_twenty_are_the_most(them):
    browser = them.client("customer_lead")
    for query in ("kind=claim", "kind=action"):
        browser.post(them.url("views/matters/"), {"name": "Mine", "query": query})
    for number in range(25):
        browser.post(them.url("views/matters/"), {"name": f"View {number}", "query": ""})
    with transaction.atomic():
        them.at("customer_lead")
        assert SavedView.objects.get(name="Mine").query == "kind=action"
        assert SavedView.objects.count() == 20
    assert browser.post(them.url("views/nothing/"), {"name": "x", "query": ""}).status_code == 404
    assert browser.post(them.url("views/matters/"), {"name": "", "query": ""}).status_code == 302


def test_choices_and_visits_are_hidden_from_everybody_else_in_the_database(them):
    choose(them, "customer_lead", appearance="dark")
    them.client("customer_lead").get(them.url())
    them.client("customer_lead").post(them.url("views/log/"), {"name": "x", "query": ""})
    models = (DisplaySettings, SavedView, Visit)
    with transaction.atomic():
        them.at("customer_lead")
        assert [model.objects.count() for model in models] == [1, 1, 1]
    for who in ("customer_analyst", "provider_lead", "auditor"):
        with transaction.atomic():
            them.at(who)
            assert [model.objects.count() for model in models] == [0, 0, 0], who
            assert DisplaySettings.objects.update(appearance="light") == 0
    with transaction.atomic():
        set_viewer(them.people["customer_lead"].pk)  # in no relationship
        assert [model.objects.count() for model in models] == [1, 0, 0]


def test_a_visit_ends_half_an_hour_after_the_last_look(them):
    browser = them.client("customer_lead")

    def before():
        browser.get(them.url())
        with transaction.atomic():
            return last_visit(them.at("customer_lead"))

    assert before() is None
    assert before() is None
    with superuser() as everybody:
        everybody.execute(
            "UPDATE personal_visit SET at = now() - interval '31 minutes' WHERE relationship_id = %s",
            [them.relationship],
        )
    first = before()
    assert (timezone.now() - first).total_seconds() > 31 * 60
    assert before() == first
