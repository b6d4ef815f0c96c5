"""The day on which a change was decided: what it says is signed, what the other side says stands beside."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from comity.apps.agreements import queries
from comity.apps.agreements.changes import decided
from comity.apps.agreements.refusals import Code
from tests.builders.changes import agreed, attempt, proposed, refused, room, row, target

pytestmark = pytest.mark.gate
TODAY = timezone.now().date()
SAID, OTHER = TODAY - timedelta(days=3), TODAY - timedelta(days=20)


@pytest.fixture
def them():
    return room()


def say(them, who, pk, day=OTHER, because="It was in your newsletter."):
    with transaction.atomic():
        decided.say_decided(them.at(who), row(pk), day, because)


def page(them, who, pk):
    return them.client(who).get(them.url(f"agreement/changes/{pk}/")).content.decode()


def test_both_days_stand_and_both_sides_read_them(them):
    pk = agreed(them, "customer_lead", target(them, decided_on=SAID.isoformat()))
    with transaction.atomic():
        signed = queries.change_state(them.at("provider_lead"), row(pk)).steps
    data = {"day": OTHER.isoformat(), "because": "It was in your newsletter."}
    answer = them.client("provider_lead").post(them.url(f"agreement/changes/{pk}/decided/"), data)
    assert answer.status_code == 302
    for who in ("customer_lead", "provider_lead", "mediator"):
        shown = page(them, who, pk)
        assert "It was in your newsletter." in shown
        assert str(SAID.day) in shown
        assert f"decided on {OTHER.day}" in shown.replace("\u00a0", " ")
    with transaction.atomic():
        state = queries.change_state(them.at("customer_lead"), row(pk))
    assert (state.steps, state.last.proposal.says["decided_on"]) == (signed, SAID.isoformat())
    say(them, "provider_lead", pk, SAID, "We looked again.")
    assert "It was in your newsletter." not in page(them, "customer_lead", pk)


def test_who_says_it_and_what_is_refused(them):
    pk = proposed(them, "customer_lead", target(them, decided_on=SAID.isoformat()))
    refused(Code.NOT_YOURS, say, them, "customer_lead", pk)
    refused(Code.NOT_YOURS, say, them, "mediator", pk)
    refused(Code.REASON, say, them, "provider_lead", pk, because=" ")
    refused(Code.AFTER_PROPOSAL, say, them, "provider_lead", pk, TODAY + timedelta(days=2))
    say(them, "provider_lead", pk)
    refused(Code.ALREADY_SAID, say, them, "provider_lead", pk)
    assert "decided/" in page(them, "provider_lead", pk)
    assert "decided/" not in page(them, "customer_lead", pk)


def test_nobody_says_it_for_the_other_side_nor_of_their_own_change(them):
    pk = proposed(them, "customer_lead", target(them))
    insert = (
        "INSERT INTO agreements_decidedword (id, change_id, relationship_id, side, person_id, at, day, because) "
        "VALUES (gen_random_uuid(), %s, comity_relationship(), %s, comity_person(), now() + %s::interval, %s, %s)"
    )
    for who, side, when, because in [
        ("customer_lead", "customer", "0", "x"),
        ("customer_lead", "provider", "0", "x"),
        ("provider_lead", "provider", "-1 day", "x"),
        ("provider_lead", "provider", "0", " "),
        ("mediator", "provider", "0", "x"),
    ]:
        with pytest.raises(DatabaseError, match="row-level security"):
            attempt(them, who, insert, pk, side, when, OTHER, because)
    assert attempt(them, "provider_lead", insert, pk, "provider", "0", OTHER, "x") == 1
    for change in ("UPDATE agreements_decidedword SET day = now()", "DELETE FROM agreements_decidedword"):
        with pytest.raises(DatabaseError, match="permission denied"):
            attempt(them, "provider_lead", change)
