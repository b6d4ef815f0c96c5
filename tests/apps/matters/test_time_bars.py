"""Time bars of the agreement: a matter raised after its time is marked, or cannot be raised."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from comity.apps.matters.models import Matter
from comity.apps.matters.operations import NewMatter, raise_matter
from comity.apps.matters.queries import late_passed, reply_days_of
from comity.apps.matters.refusals import Code
from comity.apps.refusal import Refused
from comity.core.agreements.kinds import Kind as ClauseKind
from comity.core.matters.kinds import Kind
from comity.core.matters.time_bars import Passed
from comity.core.matters.transitions import Move
from tests.builders.agreement import add
from tests.builders.changes import agreed, attempt, content, refused, room, soon
from tests.builders.matters import ZONE, moved, sent, steps
from tests.room import run_jobs

pytestmark = pytest.mark.gate
BARS = [
    {"matter": "claim", "days": 10, "late": "barred"},
    {"matter": "complaint", "days": 5, "from": "aware_on", "late": "marked"},
]


@pytest.fixture(scope="module")
def them():
    made = room()
    edits = (
        add("calendar", ClauseKind.CALENDAR, zone=ZONE),
        add("clock", ClauseKind.CLOCK, "calendar", replies=[{"matter": "claim", "days": 6}], time_bars=BARS),
    )
    agreed(made, "customer_lead", content(*edits, first_day=soon(-1)), retroactive=True)
    run_jobs("agreements.write")
    return made


def raised(them, kind, **more):
    with transaction.atomic():
        return raise_matter(them.at("customer_lead"), NewMatter(kind, "Late?", "Because.", **more), ZONE)


def test_a_late_claim_is_refused_and_one_of_the_last_day_is_not(them):
    more = {"event": "storm", "asked_for": "relief"}
    with pytest.raises(Refused, match="barred"):
        raised(them, Kind.CLAIM, from_day=soon(-12), to_day=soon(-11), **more)
    assert not raised(them, Kind.CLAIM, from_day=soon(-12), to_day=soon(-10), **more).late


def test_a_late_complaint_is_marked_by_the_day_on_which_it_was_known(them):
    assert raised(them, Kind.COMPLAINT, event_on=soon(-30), aware_on=soon(-6)).late
    assert not raised(them, Kind.COMPLAINT, event_on=soon(-30), aware_on=soon(-5)).late
    assert not raised(them, Kind.COMPLAINT).late


def test_a_kind_without_a_bar_is_never_late_by_one(them):
    assert not raised(them, Kind.QUESTION, event_on=soon(-300)).late


INSERT = (
    "INSERT INTO matters_matter (id, relationship_id, kind, state, asks, answers, title, kpi, period, queue, "
    "asked_for, event, from_day, to_day, event_on, aware_on, raised_at, late, formal_under, reply_by) VALUES ("
    "gen_random_uuid(), %s, %s, 'asked', 'customer', 'provider', 'T', '', '', '', 'relief', 'storm', %s, %s, %s, %s, "
    "now(), %s, '', now() + interval '40 days')"
)


@pytest.mark.parametrize(
    ("kind", "days", "late", "stands"),
    [
        ("claim", {"to_day": -12}, False, False),  # barred: over in every zone
        ("claim", {"to_day": -12}, True, False),  # nor does a mark let it in
        ("claim", {"to_day": -8}, False, True),
        ("claim", {"to_day": -8}, True, False),
        ("complaint", {"aware_on": -8}, False, False),  # it has to be marked
        ("complaint", {"aware_on": -8}, True, True),
        ("complaint", {"aware_on": -3}, True, False),  # nor may one in time be marked
        ("question", {"event_on": -300}, True, False),  # without a bar nothing is late
        ("question", {"event_on": -300}, False, True),
    ],
)
def test_raw_sql_cannot_say_otherwise_than_the_agreement_whether_a_matter_is_late(them, kind, days, late, stands):
    day = {name: soon(days[name]) if name in days else None for name in ("to_day", "event_on", "aware_on")}
    first = day["to_day"] and day["to_day"] - timedelta(days=1)
    values = (them.relationship, kind, first, day["to_day"], day["event_on"], day["aware_on"], late)
    if stands:
        assert attempt(them, "customer_lead", INSERT, *values) == 1
        return
    with pytest.raises(DatabaseError, match="late follows from the agreement"):
        attempt(them, "customer_lead", INSERT, *values)


def test_lateness_is_let_pass_by_an_answer_that_does_not_object(them):
    matter = raised(them, Kind.COMPLAINT, aware_on=soon(-6))
    page = them.client("provider_lead").get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert "can object to the late start until" in page
    assert passed_of(them, matter) is Passed.OPEN
    moved(them, "provider_lead", matter, Move.AGREE, due_on=soon(9))
    assert passed_of(them, matter) is Passed.LET_PASS
    page = them.client("customer_lead").get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert "did not object in time" in page


def test_the_answering_side_objects_with_its_first_answer_and_nobody_else_can(them):
    matter = raised(them, Kind.COMPLAINT, aware_on=soon(-6))
    late = ("late", "late")
    refused(Code.NOT_NOW, moved, them, "customer_lead", matter, Move.OBJECT, beside={"objects": late})
    form = them.client("provider_lead").get(them.url(f"matters/{matter.pk}/move/decline/")).content.decode()
    assert "Object that it was raised late" in form
    sent(them, "provider_lead", matter, "decline", object_to_late="on")
    assert [one.move for one in steps(them, matter)] == [Move.RAISE, Move.OBJECT, Move.DECLINE]
    assert passed_of(them, matter) is Passed.OBJECTED


def test_after_it_was_let_pass_nobody_objects(them):
    matter = raised(them, Kind.COMPLAINT, aware_on=soon(-6))
    moved(them, "provider_lead", matter, Move.COUNTER, wording="Less")
    refused(Code.NOT_NOW, moved, them, "provider_lead", matter, Move.OBJECT, beside={"objects": ("late", "late")})


def test_an_answer_under_reserve_lets_nothing_pass(them):
    matter = raised(them, Kind.COMPLAINT, aware_on=soon(-6))
    moved(them, "provider_lead", matter, Move.COUNTER, wording="Less", beside={"mark": "under_reserve"})
    assert passed_of(them, matter) is Passed.OPEN
    moved(them, "provider_lead", matter, Move.OBJECT, beside={"objects": ("late", "late")})
    assert passed_of(them, matter) is Passed.OBJECTED


def test_the_clock_of_a_kind_is_the_one_that_both_signed(them):
    """Six working days for a claim by the clause of this room; the others as the room was set up."""
    with transaction.atomic():
        member = them.at("customer_lead")
        assert reply_days_of(member, "claim", soon(0)) == 6
        assert reply_days_of(member, "question", soon(0)) == member.relationship.reply_days == 10
    claim = raised(them, Kind.CLAIM, from_day=soon(-3), to_day=soon(-2), event="storm", asked_for="relief")
    assert timedelta(days=6) <= claim.reply_by - claim.raised_at <= timedelta(days=12)
    assert "6 working days" in them.client("customer_lead").get(them.url("matters/raise/claim/")).content.decode()


@pytest.mark.parametrize(("kind", "days", "stands"), [("claim", 4, False), ("claim", 6, True), ("need", 6, False)])
def test_raw_sql_cannot_give_less_time_than_both_signed(them, kind, days, stands):
    sql = INSERT.replace("now() + interval '40 days'", f"now() + interval '{days} days'")
    values = (them.relationship, kind, soon(-2), soon(-1), None, None, False)
    if stands:
        assert attempt(them, "customer_lead", sql, *values) == 1
        return
    with pytest.raises(DatabaseError, match="comity"):
        attempt(them, "customer_lead", sql, *values)


def passed_of(them, matter):
    with transaction.atomic():
        them.at("auditor")
        return late_passed(Matter.objects.get(pk=matter.pk))
