"""Past the room, by the role of its application: the database adds to an agreement what the room would add, no more."""

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from comity.apps.agreements import operations
from comity.core.agreements import signing
from comity.core.agreements.signing import StepKind
from tests.builders.changes import attempt, drafted, proposed, room, row, sign, target
from tests.room import superuser

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    return room()


STEP = (
    "INSERT INTO agreements_step (id, change_id, relationship_id, number, kind, side, person_id, at, content) "
    "VALUES (gen_random_uuid(), %s, comity_relationship(), %s, %s, comity_side(), comity_person(), "
    "now() + %s::interval, %s::jsonb)"
)


def revision(pk, **more):
    with superuser() as everybody:
        (held,) = everybody.execute(
            "SELECT content FROM agreements_step WHERE change_id = %s AND content ? 'new' ORDER BY number DESC LIMIT 1",
            [pk],
        ).fetchone()
    new = {**held["new"], "number": held["new"]["number"] + 1, "readable_at": "2099-01-01T00:00:00+00:00"}
    return {**held, "name": "Provider Lead", "new": {**new, **more}}


@pytest.mark.parametrize(
    ("number", "kind", "when", "content_of"),
    [
        (2, "counter", "0", lambda pk: revision(pk, readable_at="2020-01-01T00:00:00+00:00")),  # days of notice
        (2, "counter", "-30 days", revision),
        (2, "counter", "0", lambda pk: {**revision(pk), "name": "Customer Lead"}),  # in another's name
        (2, "counter", "0", lambda pk: revision(pk, says={"proposed_by": "provider", "person": "Provider Lead"})),
        (2147483647, "counter", "0", revision),  # after it there is no number for another step
        (2, "revise", "0", revision),  # of the other side's text
        (2, "counter", "0", lambda pk: revision(pk, number=9)),
        (2, "withdraw", "0", lambda _: {"name": "Provider Lead", "revision": 1, "reason": "No."}),
        (2, "decline", "0", lambda _: {"name": "Provider Lead", "revision": 1, "reason": " "}),
        (2, "sign", "0", lambda _: {"name": "Customer Lead", "revision": 1}),
        (2, "anything", "0", lambda _: {"name": "Provider Lead", "revision": 1}),
    ],
)
def test_the_database_takes_no_step_that_the_room_would_not(them, number, kind, when, content_of):
    pk = proposed(them, "customer_lead", target(them))
    with pytest.raises(DatabaseError, match="not the viewer's to take now"):
        attempt(them, "provider_lead", STEP, pk, number, kind, when, json.dumps(content_of(pk)))
    assert attempt(them, "provider_lead", STEP, pk, 2, "counter", "0", json.dumps(revision(pk))) == 1


def test_the_database_takes_no_step_after_the_end(them):
    pk = proposed(them, "customer_lead", target(them))
    with transaction.atomic():
        operations.end(them.at("customer_lead"), row(pk), StepKind.WITHDRAW, "No.")
    with pytest.raises(DatabaseError, match="not the viewer's to take now"):
        attempt(them, "provider_lead", STEP, pk, 3, "counter", "0", json.dumps(revision(pk)))


def test_no_side_takes_the_last_number_of_a_change_or_of_a_shared_draft(them):
    pk = drafted(them, "provider_lead", target(them))
    with pytest.raises(DatabaseError, match="no change has a number near this"):
        attempt(them, "provider_lead", "SELECT comity_number_change(%s, 2147483646)", pk)
    with transaction.atomic():
        operations.share_draft(them.at("provider_lead"), row(pk))
    save = (
        "INSERT INTO agreements_draft (id, change_id, relationship_id, track, number, side, person_id, at, content) "
        "SELECT gen_random_uuid(), change_id, relationship_id, track, %s, comity_side(), comity_person(), "
        "now() + %s::interval, content FROM agreements_draft WHERE change_id = %s AND track = 'shared'"
    )
    for number, when in ((2147483647, "0"), (2, "-3 days")):
        with pytest.raises(DatabaseError, match="not the next save"):
            attempt(them, "provider_lead", save, number, when, pk)
    assert attempt(them, "provider_lead", save, 2, "0", pk) == 1


def test_nobody_marks_the_reason_of_their_own_change(them):
    pk = proposed(them, "customer_lead", target(them))
    mark = (
        "INSERT INTO agreements_reasonmark (id, change_id, relationship_id, side, person_id, at, sufficient, because) "
        "VALUES (gen_random_uuid(), %s, comity_relationship(), comity_side(), comity_person(), "
        "now() + %s::interval, true, '')"
    )
    for who, when in (("customer_lead", "0"), ("provider_lead", "1 year"), ("provider_lead", "-1 year")):
        with pytest.raises(DatabaseError, match="row-level security"):
            attempt(them, who, mark, pk, when)
    assert attempt(them, "provider_lead", mark, pk, "0") == 1


def test_the_moment_of_an_agreement_is_that_of_its_last_signature(them, monkeypatch):
    pk = proposed(them, "customer_lead", target(them))
    sign(them, "customer_lead", pk)
    real = signing.agreed_at
    monkeypatch.setattr(signing, "agreed_at", lambda now, chain: real(now, chain) - timedelta(days=90))
    with pytest.raises(DatabaseError, match="both sides have not signed"):
        sign(them, "provider_lead", pk)
    monkeypatch.undo()
    assert sign(them, "provider_lead", pk)


SIGNED = {"name": "Provider Analyst", "revision": 1, "digest": "0" * 64, "means": "room", "authority": ""}


@pytest.mark.parametrize(
    "signer",
    [
        {"role": "lead", "deputy_for": ""},  # an analyst is none
        {"role": "lead", "deputy_for": "Provider Lead"},  # nobody made them a deputy
        {"role": "analyst", "deputy_for": "Provider Lead"},
        None,
    ],
)
def test_nobody_signs_in_a_role_that_they_do_not_hold(them, signer):
    pk = proposed(them, "customer_lead", target(them))
    said = {**SIGNED, "signer": signer} if signer else SIGNED
    with pytest.raises(DatabaseError, match="does not sign in that role"):
        attempt(them, "provider_analyst", STEP, pk, 2, "sign", "0", json.dumps(said))
    own = {**SIGNED, "signer": {"role": "analyst", "deputy_for": ""}}
    assert attempt(them, "provider_analyst", STEP, pk, 2, "sign", "0", json.dumps(own)) == 1


def test_a_deputy_signs_in_the_place_of_whom_they_stand_for_and_of_no_other(them):
    lead, analyst = (them.people[f"provider_{role}"] for role in ("lead", "analyst"))
    with superuser() as everybody:
        everybody.execute(
            "UPDATE parties_membership SET stands_in_for_id = o.id, stands_in_until = now()::date + 1 "
            "FROM parties_membership o WHERE parties_membership.person_id = %s AND o.person_id = %s",
            [analyst.pk, lead.pk],
        )
    pk = proposed(them, "customer_lead", target(them))
    true = {"role": "lead", "deputy_for": lead.name, "deputy_for_id": str(lead.pk)}
    for wrong in ({"deputy_for_id": str(analyst.pk)}, {"deputy_for": "Provider Finance"}, {"role": "finance"}):
        said = {**SIGNED, "signer": {**true, **wrong}}
        with pytest.raises(DatabaseError, match="does not sign in that role"):
            attempt(them, "provider_analyst", STEP, pk, 2, "sign", "0", json.dumps(said))
    assert attempt(them, "provider_analyst", STEP, pk, 2, "sign", "0", json.dumps({**SIGNED, "signer": true})) == 1


def test_an_early_start_is_asked_for_in_ones_own_name(them):
    pk = proposed(them, "customer_lead", target(them))
    ask = (
        "INSERT INTO agreements_firststep (id, change_id, relationship_id, number, kind, side, person_id, name, at, "
        "revision, first_day, under_reserve, reason) VALUES (gen_random_uuid(), %s, comity_relationship(), 1, 'ask', "
        "comity_side(), comity_person(), %s, now(), 1, now()::date + 1, false, '')"
    )
    for name in ("Provider Lead", "", "customer lead"):
        with pytest.raises(DatabaseError, match="row-level security"):
            attempt(them, "customer_lead", ask, pk, name)
    assert attempt(them, "customer_lead", ask, pk, them.people["customer_lead"].name) == 1
