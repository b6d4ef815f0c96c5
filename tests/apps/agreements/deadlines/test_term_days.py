"""Days of the term and what waits, on Today: for each side that it concerns; told once, by nobody."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from comity.apps.agreements import tasks
from comity.apps.audit.models import AuditEvent, Event
from comity.apps.i18n import words_for
from comity.apps.today.queries import inboxes
from comity.core.agreements.kinds import Kind
from comity.core.values import Side
from tests.builders.agreement import add
from tests.builders.changes import agreed, attempt, content, moved_to, proposed, room, soon, target
from tests.room import forget_mails, sent_mails

pytestmark = pytest.mark.gate
TERM = "SELECT comity_audit_term(%s, %s, %s, '')"


@pytest.fixture
def them():
    return room()


def with_term(them, days, **more):
    """An agreement that ends in so many days."""
    fields = {"begins": soon(-400).isoformat(), "ends": soon(days).isoformat(), **more}
    made = content(add("term", Kind.TERM, **fields), first_day=soon(0), title="Term", carried_out_by="both")
    agreed(them, "customer_lead", made, retroactive=True)
    forget_mails()


def waiting(them, who):
    with transaction.atomic():
        found = inboxes(them.at(who), words_for("en"))
    return {
        one.side: {row.item.title: (row.item.due, row.item.detail) for group in one.groups for row in group.rows}
        for one in found
    }


def events(them):
    with transaction.atomic():
        them.at("auditor")
        return [(one.data["kind"], one.data["before"]) for one in AuditEvent.objects.filter(event=Event.TERM_REMINDED)]


def test_the_end_is_told_once_for_each_of_its_three_days(them):
    with_term(them, 75)
    for _ in range(2):
        tasks.tick(0)
    assert events(them) == [("end", 90)]
    mails = [mail for mail in sent_mails() if str(them.relationship) in mail.body]
    assert sorted(address for mail in mails for address in mail.to) == sorted(
        them.people[who].email for who in ("customer_lead", "provider_lead")
    )
    assert all("First day after the agreement" in mail.subject for mail in mails)
    for side in Side:
        due, detail = waiting(them, "auditor")[side]["First day after the agreement"]
        assert due == soon(75)
        assert "Without a new agreement its last day is" in detail
    page = them.client("auditor").get(them.url("log/")).content.decode()
    assert "reminded both sides of the end of the agreement" in page


def test_of_a_day_that_comes_sooner_only_the_latest_reminder_is_sent(them):
    with_term(them, 20)
    tasks.tick(0)
    assert events(them) == [("end", 30)]


def test_what_is_far_away_or_past_is_told_nobody(them):
    with_term(them, 400)
    tasks.tick(0)
    assert events(them) == []
    assert "First day after the agreement" not in waiting(them, "customer_lead")[Side.CUSTOMER]


def test_an_option_waits_for_the_side_whose_it_is(them):
    option = {"what": "A second site", "whose": "customer", "by": soon(10).isoformat()}
    with_term(them, 400, options=[option])
    found = waiting(them, "provider_lead")
    assert "Last day of the option: A second site" in found[Side.CUSTOMER]
    assert "Last day of the option: A second site" not in found[Side.PROVIDER]


def test_a_term_that_not_everybody_reads_is_in_no_log_and_no_mail(them):
    with_term(them, 20, seen_by=["money"])
    tasks.tick(0)
    assert events(them) == []
    assert not [mail for mail in sent_mails() if str(them.relationship) in mail.body]
    assert "First day after the agreement" in waiting(them, "customer_lead")[Side.CUSTOMER]
    assert "First day after the agreement" not in waiting(them, "customer_analyst")[Side.CUSTOMER]


def test_a_change_waits_with_its_age_and_its_last_day(them):
    pk = proposed(them, "customer_lead", target(them, open_until=soon(9).isoformat()))
    moved_to(pk, "agreements_step", 1, timezone.now() - timedelta(days=6, hours=1))
    found = waiting(them, "provider_lead")[Side.PROVIDER]
    ((due, detail),) = [row for title, row in found.items() if "Higher target" in title]
    assert (due, detail) == (soon(9), "Waits for 6 days")


def test_missing_clauses_are_one_quiet_line_once_there_is_an_agreement(them):
    browser = them.client("provider_lead")
    assert "Not written yet" not in browser.get(them.url()).content.decode()
    with_term(them, 400)
    assert "Not written yet" in browser.get(them.url()).content.decode()


@pytest.mark.parametrize(("of", "days", "before"), [("end", 80, 60), ("end", -3, 30), ("end", 20, 45), ("x", 20, 30)])
def test_no_side_has_a_day_told_that_cannot_be_due(them, of, days, before):
    with pytest.raises(DatabaseError, match="no day of the term"):
        attempt(them, "customer_lead", TERM, of, soon(days), before)


def test_no_side_writes_the_event_itself(them):
    forged = (
        "INSERT INTO audit_event (id, relationship_id, at, person_id, side, event, data, shared) VALUES "
        "(gen_random_uuid(), %s, now(), %s, 'customer', 'term_reminded', '{}', true)"
    )
    with pytest.raises(DatabaseError, match="row-level security"):
        attempt(them, "customer_lead", forged, them.relationship, them.people["customer_lead"].pk)
