"""Time bars of the agreement: a matter raised after its time is marked, or cannot be raised."""

import pytest
from django.db import transaction

from comity.apps.matters.operations import NewMatter, raise_matter
from comity.apps.refusal import Refused
from comity.core.agreements.kinds import Kind as ClauseKind
from comity.core.matters.kinds import Kind
from tests.builders.agreement import add
from tests.builders.changes import agreed, content, room, soon
from tests.builders.matters import ZONE
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
        add("clock", ClauseKind.CLOCK, "calendar", replies=[{"matter": "claim", "days": 10}], time_bars=BARS),
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
