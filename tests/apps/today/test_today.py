"""The page of today: each app's part, to whom it is for."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.parties.panels import PanelArea, nav_entries, panels_in
from comity.apps.replies import operations
from comity.apps.replies.queries import Calendar
from tests.builders.confirmations import confirm
from tests.builders.levels import KPI, contacts
from tests.builders.matters import raised
from tests.room import EVERYBODY, cast, superuser

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def page(them, who):
    return them.client(who).get(them.url()).content.decode()


def test_each_app_registers_its_panels_and_navigation_once():
    assert [one.name for one in nav_entries()] == [
        *("today", "review", "attribution", "kpis", "matters", "records", "people"),
    ]
    assert {place: [one.template for one in panels_in(place)] for place in PanelArea} == {
        PanelArea.HEAD: ["matters/_head.html"],
        PanelArea.TOP: [
            *("first_run/_sample.html", "first_run/_steps.html", "books/_no_book.html", "outbox/_failing.html"),
        ],
        PanelArea.MAIN: [
            *("matters/_waiting.html", "reviews/_to_confirm.html", "kpis/_proposed.html", "replies/_proposed.html"),
            "books/_waiting_files.html",
        ],
        PanelArea.SIDE: ["matters/_to_do.html", "audit/_news.html"],
    }


def test_a_period_that_the_other_side_confirmed_waits_for_those_who_may_confirm(them):
    confirm(them, "customer_lead", "2026-05")
    waits = {who for who in EVERYBODY if "Periods to confirm" in page(them, who)}
    assert waits == {"provider_lead", "provider_executive"}
    assert "?period=2026-05&amp;view=joint#h-close" in page(them, "provider_lead")
    confirm(them, "provider_lead", "2026-05")
    assert "Periods to confirm" not in page(them, "provider_lead")


def test_a_calendar_that_the_other_side_proposes_waits_for_who_agrees(them):
    with transaction.atomic():
        operations.propose_calendar(them.at("provider_lead"), Calendar.weekdays("Europe/Madrid"))
    waits = {who for who in EVERYBODY if "proposes when its replies are due" in page(them, who)}
    assert waits == {"customer_lead"}


def test_waiting_items_are_counted_in_the_navigation_and_the_head(them):
    raised(them, "customer_lead")
    raised(them, "provider_lead")
    assert "One matter is waiting for you." in page(them, "provider_lead")
    assert "2 matters are waiting" in page(them, "auditor").replace("Two", "2")
    assert '<span class="unseen">open: </span>2' in page(them, "provider_lead")


def test_events_of_earlier_days_are_grouped_by_day(them):
    raised(them, "customer_lead")
    with superuser() as everybody:
        everybody.execute(
            "UPDATE audit_event SET at = at - interval '400 days' WHERE relationship_id = %s", [them.relationship]
        )
    for who in ("customer_lead", "auditor"):
        shown = page(them, who).replace("\u00a0", " ")
        assert f'<h3 class="day">{(timezone.now() - timedelta(days=400)).day} ' in shown
        assert str((timezone.now() - timedelta(days=400)).year) in shown


def test_without_records_the_page_says_where_to_begin():
    them = cast()
    assert "No records yet" in page(them, "auditor")
    assert words_for("en")("first_run.records") in page(them, "provider_lead")
