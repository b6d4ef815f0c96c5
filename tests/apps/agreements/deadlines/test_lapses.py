"""Changes that nobody signs by the last day that they name; neither side ends one of the other before."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from comity.apps.agreements import operations, queries, tasks
from comity.apps.agreements.early_start import carrying_out
from comity.apps.agreements.refusals import Code
from comity.apps.audit.models import AuditEvent, Event
from comity.core.agreements.carried_out_first import FirstKind, FirstState
from comity.core.agreements.kinds import Kind
from comity.core.agreements.notice import notice_of
from comity.core.agreements.signing import State, revisions
from tests.builders.agreement import add
from tests.builders.changes import (
    agreed,
    attempt,
    content,
    drafted,
    proposed,
    refused,
    room,
    row,
    sign,
    soon,
    state_of,
    target,
)
from tests.room import forget_mails, sent_mails, superuser

pytestmark = pytest.mark.gate
LAPSE = "SELECT comity_lapse_change(%s)"


@pytest.fixture
def them():
    return room()


def open_until(pk, days):
    """The change as if its proposer had named another last day."""
    with superuser() as everybody:
        everybody.execute(
            "UPDATE agreements_step SET content = jsonb_set(content, '{new,says,open_until}', to_jsonb(%s::text)) "
            "WHERE change_id = %s AND content ? 'new'",
            [(timezone.now().date() + timedelta(days=days)).isoformat(), pk],
        )


def test_what_nobody_signs_in_time_lapses_once_and_both_are_told(them):
    pk = proposed(them, "customer_lead", target(them, open_until=soon(3).isoformat()))
    staying = proposed(them, "customer_lead", target(them))
    page = them.client("provider_lead").get(them.url(f"agreement/changes/{pk}/")).content.decode()
    assert "It can be signed until" in page
    sign(them, "customer_lead", pk)
    forget_mails()
    tasks.tick(0)
    assert state_of(them, pk) is State.SIGNED
    open_until(pk, -2)
    for _ in range(2):
        tasks.tick(0)
    assert (state_of(them, pk), state_of(them, staying)) == (State.LAPSED, State.PROPOSED)
    mails = [mail for mail in sent_mails() if str(them.relationship) in mail.body]  # the job runs in every room
    assert sorted(address for mail in mails for address in mail.to) == sorted(
        them.people[who].email for who in ("customer_lead", "provider_lead")
    )
    assert all("has lapsed" in mail.subject for mail in mails)
    with transaction.atomic():
        member = them.at("auditor")
        (event,) = AuditEvent.objects.filter(event=Event.CHANGE_LAPSED)
        last = queries.change_state(member, row(pk)).steps[-1]
    assert (event.person_id, event.side, event.shared, event.data["title"]) == (None, None, True, "Higher target")
    assert (last.side, last.person) == (None, "")
    with transaction.atomic():
        refused(Code.ENDED, operations.sign, them.at("provider_lead"), row(pk), "0" * 64, {})


def test_from_the_day_after_the_last_one_nobody_signs_though_it_was_not_recorded_yet(them):
    pk = proposed(them, "customer_lead", target(them))
    with transaction.atomic():
        digest = operations.show_for_signature(them.at("provider_lead"), row(pk), {"en": "0", "es": "1"})
    open_until(pk, -2)
    refused(Code.OVER, lambda: operations.sign(them.at("provider_lead"), row(pk), digest, {"en": "0", "es": "1"}))
    page = them.client("provider_lead").get(them.url(f"agreement/changes/{pk}/")).content.decode()
    assert "The last day for signing was" in page
    assert "Read and sign" not in page.split("h-decide")[1]


def test_nothing_is_proposed_that_could_not_be_signed_any_more(them):
    pk = drafted(them, "customer_lead", target(them, open_until=soon(-2).isoformat()))
    refused(Code.OVER, lambda: operations.propose(them.at("customer_lead"), row(pk), 1))


def test_a_new_text_with_a_later_day_keeps_it_alive(them):
    pk = proposed(them, "customer_lead", target(them))
    open_until(pk, -2)
    later = target(them, "0.85", open_until=soon(9).isoformat())
    with transaction.atomic():
        member, change = them.at("provider_lead"), row(pk)
        operations.save_draft(member, change, later, 0)
        operations.propose(member, change, 1)
    tasks.tick(0)
    assert state_of(them, pk) is State.COUNTERED


def test_an_early_start_ends_with_it(them):
    pk = proposed(them, "customer_lead", target(them))
    for who, kind, more in (
        ("customer_lead", FirstKind.ASK, {"first_day": soon(1)}),
        ("provider_lead", FirstKind.ACCEPT, {}),
    ):
        with transaction.atomic():
            carrying_out.take(them.at(who), row(pk), kind, revision=1, **more)
    open_until(pk, -2)
    tasks.tick(0)
    with transaction.atomic():
        member = them.at("auditor")
        now = queries.situation(member)
        assert carrying_out.request_of(queries.change_state(member, row(pk), now), now).state is FirstState.ENDED


def test_neither_side_ends_what_the_other_may_still_sign(them):
    pk = proposed(them, "provider_lead", target(them))
    with pytest.raises(DatabaseError, match="does not lapse"):  # it names no last day
        attempt(them, "customer_lead", LAPSE, pk)
    open_until(pk, 0)
    assert attempt(them, "customer_lead", LAPSE, pk) == [(False,)]
    assert state_of(them, pk) is State.PROPOSED
    open_until(pk, -2)
    other = room()
    with pytest.raises(DatabaseError, match="does not lapse"):
        attempt(other, "customer_lead", LAPSE, pk)
    forged = (
        "INSERT INTO audit_event (id, relationship_id, at, person_id, side, event, data, shared) VALUES "
        "(gen_random_uuid(), %s, now(), %s, 'customer', 'change_lapsed', '{}', true)"
    )
    with pytest.raises(DatabaseError, match="row-level security"):
        attempt(them, "customer_lead", forged, them.relationship, them.people["customer_lead"].pk)
    for who in ("customer_lead", "provider_lead"):
        with transaction.atomic():
            them.at(who)
    assert attempt(them, "customer_lead", LAPSE, pk) == [(True,)]
    with pytest.raises(DatabaseError, match="does not lapse"):
        attempt(them, "customer_lead", LAPSE, pk)


def test_what_is_agreed_does_not_lapse(them):
    pk = proposed(them, "provider_lead", target(them))
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk)
    open_until(pk, -2)
    tasks.tick(0)
    assert state_of(them, pk) is State.AGREED
    with pytest.raises(DatabaseError, match="does not lapse"):
        attempt(them, "customer_lead", LAPSE, pk)


def test_a_change_whose_first_day_has_come_is_signed_as_retroactive_by_both(them):
    pk = proposed(them, "provider_lead", target(them, first_day=soon(0)))
    refused(Code.RETROACTIVE, sign, them, "customer_lead", pk)
    assert not sign(them, "customer_lead", pk, retroactive=True)
    refused(Code.RETROACTIVE, sign, them, "provider_lead", pk)
    assert sign(them, "provider_lead", pk, retroactive=True)


def test_a_waiver_that_is_filled_in_wrongly_is_answered_with_what_it_needs(them):
    """Notice of 15 days for KPIs; a change for the day after tomorrow; relief for a KPI without a day, or a bad one."""
    first = content(add("notice", Kind.NOTICE, kpi=15), first_day=soon(0), title="Notice")
    agreed(them, "customer_lead", first, retroactive=True)
    pk = proposed(them, "customer_lead", target(them, first_day=soon(2)))
    with transaction.atomic():
        member = them.at("provider_lead")
        state, now = queries.change_state(member, row(pk)), queries.situation(member)
        short = notice_of(revisions(state.steps), now.chain, now.zone).shortfall
        kpi = queries.text_of(member).of(Kind.KPI)[0].id
    address = them.url(f"agreement/changes/{pk}/")
    provider = them.client("provider_lead")
    provider.get(
        address
    )  # what the page shows is computed, so that the next one is asked for once and shows its message
    for sent in ({"relief_kpis": kpi}, {"relief_kpis": kpi, "relief_until": "soon"}, {"relief_kpis": "joy"}):
        page = provider.post(address + "waive/", {"shortfall": short, **sent}, follow=True).content.decode()
        assert "Relief needs KPIs of the agreement and a day after the first day" in page
    page = provider.post(address + "waive/", {"shortfall": short + 1}, follow=True).content.decode()
    assert "The notice is not short by this much" in page
    sent = {"shortfall": short, "relief_kpis": kpi, "relief_until": soon(9).isoformat()}
    page = provider.post(address + "waive/", sent, follow=True).content.decode()
    assert "The missing notice is waived for this change." in page
