"""What a step says of its terms is what its matter has: tried as raw SQL under the app's role, as each side."""

import json

import pytest
from django.db import DatabaseError, connection, transaction

from comity.core.matters.kinds import Kind
from tests.builders.changes import room, soon
from tests.builders.matters import raised, steps

pytestmark = pytest.mark.gate
C, P = "customer_lead", "provider_lead"
STEP = (
    "INSERT INTO matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text, ran_out, "
    "terms) VALUES (gen_random_uuid(), %s, %s, (SELECT max(number) + 1 FROM matters_step WHERE matter_id = %s), now(), "
    "%s, %s, %s, 'So.', false, %s)"
)
LAST = "(SELECT max(number) FROM matters_step WHERE matter_id = matters_matter.id)"
EFFECT = {
    "kpi": "service_level", "measure": "service_level", "period": {"start": soon(-40).isoformat(),
    "end": soon(-1).isoformat()}, "unit": "share", "target": 0.8, "before": 0.7, "after": 0.9, "met_before": False,
    "met_after": True, "counted_before": 10, "counted_after": 9,
}  # fmt: skip


@pytest.fixture(scope="module")
def them():
    return room()


def claim(them):
    days = {"from_day": soon(-20), "to_day": soon(-19)}
    return raised(them, C, Kind.CLAIM, event="storm", asked_for="relief", kpi="service_level", **days)


def made(them, who, matter, move, terms, change):
    """Add a step and change its matter, as somebody with the app's role and a viewer of a side would."""
    with transaction.atomic():
        member = them.at(who)
        with connection.cursor() as cursor:
            here = (member.relationship.pk, matter.pk, matter.pk, member.membership.person_id, member.side.value)
            cursor.execute(STEP, [*here, move, json.dumps(terms)])
            cursor.execute(f"UPDATE matters_matter SET last_move = {LAST}, {change} WHERE id = %s", [matter.pk])
            assert cursor.rowcount == 1


def need(them):
    return raised(them, C, Kind.NEED, wording="Call back", due_on=soon(60))


COUNTER = f"state = 'countered', wording = 'Mail back', due_on = '{soon(70)}', reply_by = now() + interval '40 days'"
SAID = {"wording": "Mail back", "due_on": soon(70).isoformat()}


@pytest.mark.parametrize(
    "terms",
    [
        {},  # nothing, while the terms change
        {"wording": "Mail back"},  # not all of them
        SAID | {"wording": "Call back"},  # what was there before
        SAID | {"due_on": soon(60).isoformat()},
        SAID | {"price": "10 EUR"},
        SAID | {"anything": "else"},
    ],
)
def test_a_counter_says_what_lies_on_the_table_from_then_on(them, terms):
    matter = need(them)
    with pytest.raises(DatabaseError, match="comity"):
        made(them, P, matter, "counter", terms, COUNTER)
    assert len(steps(them, matter)) == 1


def test_a_counter_that_says_so_stands(them):
    matter = need(them)
    made(them, P, matter, "counter", SAID, COUNTER)
    assert steps(them, matter)[-1].terms == SAID


ANSWER = "state = 'answered', reply_by = NULL"


@pytest.mark.parametrize(
    "effect",
    [
        "better by half",
        [{"before": 0.7, "after": 0.9}],  # not in the form that the room computes
        [EFFECT | {"kpi": "abandonment"}],  # of another figure
        [EFFECT | {"period": {"start": "2020-01-01", "end": "2020-02-01"}}],  # of other days
        [EFFECT | {"after": "0.9"}],
        [EFFECT | {"more": "text"}],
        [EFFECT] * 501,
    ],
)
def test_an_answer_keeps_no_effect_but_of_the_claims_own_figure_days_and_form(them, effect):
    matter = claim(them)
    with pytest.raises(DatabaseError):
        made(them, P, matter, "agree", {"effect": effect}, ANSWER)
    assert len(steps(them, matter)) == 1


def test_an_effect_as_the_room_computes_it_stands_with_an_answer_to_a_claim(them):
    matter = claim(them)
    made(them, P, matter, "agree", {"effect": [EFFECT]}, ANSWER)
    assert steps(them, matter)[-1].terms["effect"] == [EFFECT]


@pytest.mark.parametrize("move", ["comment", "acknowledge", "object"])
def test_no_other_step_carries_an_effect(them, move):
    matter = claim(them)
    with pytest.raises(DatabaseError, match="comity"):
        made(them, P, matter, move, {"effect": [EFFECT]}, "reminded_at = NULL")


def test_no_other_kind_carries_one(them):
    matter = need(them)
    with pytest.raises(DatabaseError, match="comity"):
        made(them, P, matter, "decline", {"effect": [EFFECT]}, "state = 'declined', reply_by = NULL")


@pytest.mark.parametrize(("who", "late"), [(C, False), (P, False)])
def test_nobody_objects_to_the_lateness_of_what_was_in_time(them, who, late):
    matter = need(them)
    assert matter.late is late
    with pytest.raises(DatabaseError, match="comity"):
        made(them, who, matter, "object", {"object_to": "late", "object_value": "late"}, "reminded_at = NULL")
