"""A change carried out before it is signed: asked for, accepted, stopped, measured; attacked as each side."""

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from comity.apps.agreements import operations, queries, tasks
from comity.apps.agreements.early_start import carrying_out
from comity.apps.agreements.measuring.measures import measures
from comity.apps.agreements.models import FirstStep
from comity.apps.agreements.refusals import Code
from comity.apps.audit.models import AuditEvent, Event
from comity.apps.i18n import words_for
from comity.apps.today.queries import inboxes
from comity.core.agreements.carried_out_first import FirstKind, FirstState
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.text import text
from comity.core.values import Side
from tests.builders.agreement import at
from tests.builders.changes import (
    attempt,
    content,
    moved_to,
    proposed,
    refused,
    room,
    row,
    sign,
    soon,
    target,
)
from tests.builders.programs import ask as ask_api
from tests.room import forget_mails, sent_mails, superuser

pytestmark = pytest.mark.gate
STEPS = "agreements_firststep"


@pytest.fixture
def them():
    return room()


def take(them, who, pk, kind, **more):
    with transaction.atomic():
        carrying_out.take(them.at(who), row(pk), kind, **({"revision": 1} | more))


def ask(them, who, pk, days=0, **more):
    take(them, who, pk, FirstKind.ASK, first_day=soon(days), **more)


def request(them, pk):
    with transaction.atomic():
        member = them.at("customer_lead")
        now = queries.situation(member)
        return carrying_out.request_of(queries.change_state(member, row(pk), now), now)


def in_inbox(them, who):
    """The details of what waits for each side, as somebody sees it."""
    with transaction.atomic():
        found = inboxes(them.at(who), words_for("en"))
    return {one.side: [item.item.detail for group in one.groups for item in group.rows] for one in found}


def test_one_side_asks_the_other_accepts_under_reserve_and_the_text_in_force_stays(them):
    pk = proposed(them, "customer_lead", target(them))
    forget_mails()
    ask(them, "customer_analyst", pk)
    (mail,) = sent_mails()
    assert mail.to == [them.people["provider_lead"].email]
    assert "Accept it, under reserve if you wish, or reject it" in mail.body
    assert any("Early start asked for" in detail for detail in in_inbox(them, "provider_lead")[Side.PROVIDER])
    forget_mails()
    take(them, "provider_lead", pk, FirstKind.ACCEPT, under_reserve=True)
    (mail,) = sent_mails()
    assert mail.to == [them.people["customer_lead"].email]
    found = request(them, pk)
    assert (found.state, found.accepted.under_reserve) == (FirstState.CARRIED_OUT, True)
    for who in ("customer_lead", "provider_lead"):
        waiting = in_inbox(them, who)
        assert all(any("Carried out since" in detail for detail in waiting[side]) for side in Side), who
    with transaction.atomic():
        member = them.at("auditor")
        assert text(queries.chain(member), queries.today(member)).of(Kind.KPI)[0].fields["target"] == "0.8"
        told = [one.event for one in AuditEvent.objects.filter(event__startswith="first_").order_by("at")]
    assert told == [Event.FIRST_ASKED, Event.FIRST_ACCEPTED]


def test_who_may_ask_answer_and_stop(them):
    pk = proposed(them, "customer_lead", target(them))
    for who in ("customer_member", "auditor", "mediator"):
        refused(Code.NOT_YOURS, ask, them, who, pk)
    refused(Code.PAST, ask, them, "customer_lead", pk, days=-2)
    refused(Code.OLD_REVISION, ask, them, "customer_lead", pk, revision=2)
    refused(Code.NOT_NOW, take, them, "provider_lead", pk, FirstKind.ACCEPT)
    ask(them, "customer_lead", pk)
    refused(Code.NOT_NOW, ask, them, "provider_lead", pk)
    refused(Code.NOT_YOURS, take, them, "customer_lead", pk, FirstKind.ACCEPT)
    refused(Code.NOT_YOURS, take, them, "provider_analyst", pk, FirstKind.ACCEPT)
    refused(Code.REASON, take, them, "provider_lead", pk, FirstKind.DECLINE, reason="  ")
    take(them, "provider_lead", pk, FirstKind.DECLINE, reason="Not staffed.")
    ask(them, "customer_lead", pk)
    take(them, "provider_lead", pk, FirstKind.ACCEPT)
    refused(Code.NOT_YOURS, take, them, "provider_lead", pk, FirstKind.TAKE_BACK)
    take(them, "customer_lead", pk, FirstKind.TAKE_BACK)
    assert request(them, pk).state is FirstState.TAKEN_BACK


def test_after_a_counter_proposal_nobody_accepts_what_the_other_asked_for_before(them):
    pk = proposed(them, "customer_lead", target(them))
    ask(them, "customer_lead", pk)
    other = target(them, "0.85")
    with transaction.atomic():
        member, change = them.at("provider_lead"), row(pk)
        operations.save_draft(member, change, other, 0)
        operations.propose(member, change, 1)
    refused(Code.OLD_REVISION, take, them, "provider_lead", pk, FirstKind.ACCEPT)
    refused(Code.OLD_REVISION, take, them, "provider_lead", pk, FirstKind.ACCEPT, revision=2)


def test_when_the_ten_working_days_are_over_both_are_told_once_and_either_may_stop(them):
    pk = proposed(them, "customer_lead", target(them))
    ask(them, "customer_lead", pk)
    take(them, "provider_lead", pk, FirstKind.ACCEPT)
    forget_mails()
    tasks.tick(0)
    assert not [mail for mail in sent_mails() if str(them.relationship) in mail.body]
    moved_to(pk, STEPS, 2, timezone.now() - timedelta(days=17))
    for _ in range(2):
        tasks.tick(0)
    mails = [mail for mail in sent_mails() if str(them.relationship) in mail.body]  # the job runs in every room
    assert sorted(address for mail in mails for address in mail.to) == sorted(
        them.people[who].email for who in ("customer_lead", "provider_lead")
    )
    assert all("Sign it, or stop the early start" in mail.body for mail in mails)
    with transaction.atomic():
        them.at("auditor")
        (event,) = AuditEvent.objects.filter(event=Event.FIRST_OVERDUE)
    assert (event.person_id, event.side, event.shared) == (None, None, True)
    page = them.client("provider_lead").get(them.url(f"agreement/changes/{pk}/")).content.decode()
    assert "Sign it, or stop the early start" in page
    take(them, "provider_lead", pk, FirstKind.TAKE_BACK)
    assert request(them, pk).state is FirstState.TAKEN_BACK


def test_vector_7_through_the_room(them):
    """Asked 8 Sept 09:10 from 9 Sept, accepted under reserve 11:00; agreed 18 Sept from 9 Sept on; decided 1 Sept.

    The steps are taken today and then moved, since the room takes none for another day than its own.
    """
    ninth = date(2026, 9, 9)
    pk = proposed(them, "customer_lead", target(them, first_day=ninth, decided_on="2026-09-01"))
    ask(them, "customer_lead", pk)
    take(them, "provider_lead", pk, FirstKind.ACCEPT, under_reserve=True)
    with superuser() as everybody:
        everybody.execute(f"UPDATE {STEPS} SET first_day = %s WHERE change_id = %s AND number = 1", [ninth, pk])
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk, retroactive=True)
    with superuser() as everybody:
        (last,) = everybody.execute("SELECT max(number) FROM agreements_step WHERE change_id = %s", [pk]).fetchone()
    for table, number, moment in (
        ("agreements_step", 1, at(8, 9, 9, 10)),
        (STEPS, 1, at(8, 9, 9, 10)),
        (STEPS, 2, at(8, 9, 11)),
        ("agreements_step", last, at(18, 9)),
    ):
        moved_to(pk, table, number, moment)
    with transaction.atomic():
        (found,) = (one.row for one in measures(them.at("auditor")).changes)
    assert (found.notice_given, found.told, found.told_in_time, found.asked_before) == (0, True, False, frozenset())
    assert found.done_before_days == 7
    assert found.executed_only_by == frozenset({Side.PROVIDER})
    page = them.client("auditor").get(them.url(f"agreement/changes/{pk}/")).content.decode()
    assert "Working days carried out before it was agreed" in page


def test_figures_stand_by_both_texts_while_it_is_carried_out(them):
    """30 seconds instead of 20 to answer within: of two calls a day one is answered after 5 seconds, one after 50."""
    with transaction.atomic():
        kpi = queries.text_of(them.at("customer_lead")).of(Kind.KPI)[0].id
    pk = proposed(them, "customer_lead", content(SetField(kpi, "answer_within_s", "60")))
    ask(them, "customer_lead", pk)
    take(them, "provider_lead", pk, FirstKind.ACCEPT)
    with superuser() as everybody:
        everybody.execute(f"UPDATE {STEPS} SET first_day = '2026-06-15' WHERE change_id = %s", [pk])
    for who in ("customer_lead", "provider_lead", "auditor"):
        page = them.client(who).get(them.url(f"agreement/changes/{pk}/")).content.decode()
        assert "Text asked for" in page
        assert "asked for</small>" in page
        cells = page.split("Text asked for</th>")[1].split("</table>")[0]
        assert "50.0" in cells
        assert "100.0" in cells


def test_an_early_start_is_in_the_api(them):
    pk = proposed(them, "customer_lead", target(them))
    ask(them, "customer_lead", pk)
    take(them, "provider_lead", pk, FirstKind.ACCEPT, under_reserve=True)
    (found,) = ask_api(them, "provider_member", "agreement/changes").json()["items"]
    assert found["carried_out_first"]["state"] == "carried_out"
    assert found["carried_out_first"]["asked_by"] == "customer"
    assert found["carried_out_first"]["under_reserve"] is True
    assert found["carried_out_first"]["first_day"] == soon(0).isoformat()


def test_both_sides_go_through_it_on_the_page(them):
    pk = proposed(them, "customer_lead", target(them))
    address = them.url(f"agreement/changes/{pk}/")
    customer, provider = (them.client(f"{side}_lead") for side in ("customer", "provider"))
    assert "Propose an early start" in customer.get(address).content.decode()
    customer.post(address + "first/", {"what": "ask", "revision": 1, "first_day": soon(0).isoformat()})
    page = provider.get(address).content.decode()
    assert "Accept the early start" in page
    assert "Accept the early start" not in customer.get(address).content.decode()
    provider.post(address + "first/answer/", {"what": "accept", "revision": 1, "under_reserve": "on"})
    page = customer.get(address).content.decode()
    assert "Helpline accepted this under reserve." in page
    assert "It has to be agreed or stopped by" in page
    customer.post(address + "first/", {"what": "stop", "revision": 1})
    assert "Northwind Energy stopped the early start" in provider.get(address).content.decode()
    answer = customer.post(address + "first/", {"what": "ask", "revision": 1, "first_day": ""}, follow=True)
    assert "Name a first day that is not over." in answer.content.decode()


# As the other side, past the application -------------------------------------------------------------------------


INSERT = (
    "INSERT INTO agreements_firststep (id, change_id, relationship_id, number, kind, side, person_id, name, at, "
    "revision, first_day, under_reserve, reason) "
    "VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, %s, %s, %s, 1, %s, false, 'x')"
)


def insert(them, who, pk, number, kind, side="", moment=None, day=None):
    person, moment = them.people[who], moment or timezone.now()
    values = (pk, them.relationship, number, kind, side or who.split("_")[0], person.pk, person.name, moment, day)
    return attempt(them, who, INSERT, *values)


def test_nobody_speaks_for_the_other_side_nor_backdates_a_request(them):
    pk = proposed(them, "customer_lead", target(them))
    with pytest.raises(DatabaseError, match="row-level security"):
        insert(them, "provider_lead", pk, 1, "ask", "customer", day=soon())
    for moment, day in ((timezone.now() - timedelta(days=3), soon()), (None, soon(-3)), (None, None)):
        with pytest.raises(DatabaseError, match="not the viewer's to take"):
            insert(them, "customer_lead", pk, 1, "ask", moment=moment, day=day)
    ask(them, "customer_lead", pk)
    for kind in ("accept", "decline", "ask"):
        with pytest.raises(DatabaseError, match="not the viewer's to take"):
            insert(them, "customer_lead", pk, 2, kind, day=soon())
    with pytest.raises(DatabaseError, match="not the viewer's to take"):
        insert(them, "provider_lead", pk, 2, "take_back")
    assert insert(them, "provider_lead", pk, 2, "accept") == 1
    with pytest.raises(DatabaseError, match="not the viewer's to take"):
        insert(them, "provider_lead", pk, 3, "take_back")


def test_a_step_is_never_changed_and_its_end_is_nobodys_word(them):
    pk = proposed(them, "customer_lead", target(them))
    ask(them, "customer_lead", pk)
    for sql in ("UPDATE agreements_firststep SET under_reserve = true", "DELETE FROM agreements_firststep"):
        with pytest.raises(DatabaseError, match="permission denied"):
            attempt(them, "provider_lead", sql)
    with pytest.raises(DatabaseError, match="nothing is overdue"):
        attempt(them, "provider_lead", "SELECT comity_first_overdue(%s)", pk)
    forged = (
        "INSERT INTO audit_event (id, relationship_id, at, person_id, side, event, data, shared) VALUES "
        "(gen_random_uuid(), %s, now(), %s, 'provider', 'first_overdue', '{}', true)"
    )
    with pytest.raises(DatabaseError, match="row-level security"):
        attempt(them, "provider_lead", forged, them.relationship, them.people["provider_lead"].pk)
    elsewhere = room()
    with transaction.atomic():
        elsewhere.at("customer_lead")
        assert not FirstStep.objects.exists()


def test_what_is_agreed_ends_it(them):
    pk = proposed(them, "customer_lead", target(them))
    ask(them, "customer_lead", pk)
    take(them, "provider_lead", pk, FirstKind.ACCEPT)
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk)
    assert request(them, pk).state is FirstState.AGREED
    refused(Code.NOT_NOW, take, them, "customer_lead", pk, FirstKind.TAKE_BACK)
    with pytest.raises(DatabaseError, match="not the viewer's to take"):
        insert(them, "customer_lead", pk, 3, "take_back")
