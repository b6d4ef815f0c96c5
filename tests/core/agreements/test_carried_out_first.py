"""A change carried out before it is signed: who asks, who accepts, and by when it has to be settled."""

from datetime import date

import pytest

from comity.core.agreements.carried_out_first import (
    FirstKind,
    FirstRefusal,
    FirstState,
    FirstStep,
    asked_text,
    carried_out_first,
    first_refusal,
    first_state,
    settled_by,
)
from comity.core.agreements.changes import Proposal, SetField
from comity.core.agreements.measured import CarriedOutFirst, change_row
from comity.core.agreements.notice import notice_of, working_hours
from comity.core.agreements.signing import State, revisions
from comity.core.agreements.text import text
from tests.builders.agreement import FIRST, at, calendar, chain, change, first_change
from tests.builders.signing import CUSTOMER, PROVIDER, Table, says

MADRID = "Europe/Madrid"
NINTH = date(2026, 9, 9)
HOURS = working_hours(text(chain(first_change()), FIRST), CUSTOMER, MADRID)
ASKED = FirstStep(FirstKind.ASK, at(8, 9, 9, 10), CUSTOMER, "ana", 1, NINTH)
ACCEPTED = FirstStep(FirstKind.ACCEPT, at(8, 9, 11), PROVIDER, "jan", 1, under_reserve=True)


def refused(steps, step, of_change=State.PROPOSED, revision=1):
    return first_refusal(steps, step, of_change, revision, step.at, HOURS)


def step(kind, side=PROVIDER, moment=ACCEPTED.at, **more):
    return FirstStep(kind, moment, side, "x", **({"revision": 1} | more))


def test_one_side_asks_the_other_accepts_under_reserve_and_the_change_is_agreed():
    assert first_state([], State.PROPOSED) is FirstState.NOT_ASKED
    assert refused([], ASKED) is None
    assert first_state([ASKED], State.PROPOSED) is FirstState.ASKED
    assert refused([ASKED], ACCEPTED) is None
    both = [ASKED, ACCEPTED]
    assert first_state(both, State.COUNTERED) is FirstState.CARRIED_OUT
    assert first_state(both, State.AGREED) is FirstState.AGREED
    assert first_state(both, State.DECLINED) is FirstState.ENDED
    assert first_state([ASKED], State.AGREED) is FirstState.ENDED
    assert carried_out_first(both) == CarriedOutFirst(at(8, 9, 9, 10), NINTH, under_reserve=True)
    assert carried_out_first([ASKED]) is None


def test_vector_7_from_the_request_to_what_is_measured():
    """Asked 8 Sept 09:10 from 9 Sept, accepted under reserve 11:00; agreed 18 Sept from 9 Sept on; decided 1 Sept."""
    entries = chain(change(1, FIRST, calendar(), *first_change().edits[1:2]))
    room = Table(entries)
    asked = change(2, NINTH, SetField("sl", "target", "0.85"))
    assert room.propose(asked, "ana", at(8, 9, 9, 10), says(decided_on="2026-09-01")) is None
    assert room.sign(2, "ana", at(18, 9), retroactive=True) is None
    assert room.sign(2, "jan", at(18, 9), retroactive=True) is None
    those = revisions(room.steps[2])
    hours = working_hours(text(entries, FIRST), PROVIDER, MADRID)
    found = change_row(
        those,
        room.steps[2][-1].at,
        notice_of(those, entries[:1], MADRID),
        zone=MADRID,
        hours=hours,
        first=carried_out_first([ASKED, ACCEPTED]),
    )
    assert (found.notice_given, found.told, found.told_in_time, found.asked_before) == (0, True, False, frozenset())
    assert found.done_before_days == 7


def test_what_was_taken_back_counts_until_that_day_and_no_longer():
    """Taken back on Friday 11 September, agreed a week later: Wednesday and Thursday."""
    taken_back = step(FirstKind.TAKE_BACK, CUSTOMER, at(11, 9, 9))
    first = carried_out_first([ASKED, ACCEPTED, taken_back])
    assert first.stopped_at == taken_back.at
    entries = chain(change(1, FIRST, calendar(), *first_change().edits[1:2]))
    room = Table(entries)
    assert room.propose(change(2, NINTH, SetField("sl", "target", "0.85")), "ana", at(8, 9, 9, 10), says()) is None
    those = revisions(room.steps[2])
    found = change_row(
        those, at(18, 9), notice_of(those, entries[:1], MADRID), zone=MADRID, hours=HOURS, first=first,
    )  # fmt: skip
    assert found.done_before_days == 2


def test_it_has_to_be_settled_within_ten_working_days_of_the_side_that_asked():
    assert settled_by([ASKED, ACCEPTED], HOURS) == at(22, 9, 17)
    assert settled_by([ASKED], HOURS) is None
    assert settled_by([], HOURS) is None


@pytest.mark.parametrize(
    ("steps", "next_step", "why"),
    [
        ([], step(FirstKind.ACCEPT), FirstRefusal.NOT_NOW),
        ([ASKED], step(FirstKind.ASK, first_day=NINTH), FirstRefusal.NOT_NOW),
        ([ASKED], step(FirstKind.ACCEPT, CUSTOMER), FirstRefusal.NOT_YOURS),
        ([ASKED], step(FirstKind.DECLINE, CUSTOMER, reason="No."), FirstRefusal.NOT_YOURS),
        ([ASKED], step(FirstKind.DECLINE, reason=" "), FirstRefusal.REASON),
        ([ASKED], step(FirstKind.DECLINE, reason="Not staffed."), None),
        ([ASKED, ACCEPTED], step(FirstKind.ACCEPT), FirstRefusal.NOT_NOW),
        ([], step(FirstKind.ASK, CUSTOMER, first_day=date(2026, 9, 7)), FirstRefusal.PAST),
        ([], step(FirstKind.ASK, CUSTOMER), FirstRefusal.PAST),
        ([], step(FirstKind.ASK, CUSTOMER, first_day=date(2026, 9, 8)), None),
        ([], step(FirstKind.ASK, first_day=NINTH, revision=2), FirstRefusal.OLD_REVISION),
        ([ASKED], step(FirstKind.ACCEPT, revision=2), FirstRefusal.OLD_REVISION),
        ([ASKED], step(FirstKind.ACCEPT, moment=at(9, 9, 23, 59)), None),
        ([ASKED], step(FirstKind.ACCEPT, moment=at(10, 9, 0, 1)), FirstRefusal.PAST),
        ([ASKED, ACCEPTED], step(FirstKind.TAKE_BACK, CUSTOMER), None),
        ([ASKED], step(FirstKind.TAKE_BACK, CUSTOMER), None),
        ([ASKED], step(FirstKind.TAKE_BACK), FirstRefusal.NOT_YOURS),
        ([ASKED, ACCEPTED], step(FirstKind.TAKE_BACK, moment=at(22, 9, 17)), FirstRefusal.NOT_YOURS),
        ([ASKED, ACCEPTED], step(FirstKind.TAKE_BACK, moment=at(22, 9, 17, 1)), None),
    ],
)
def test_who_may_take_which_step(steps, next_step, why):
    assert refused(steps, next_step) is why


def test_a_request_is_accepted_only_for_the_revision_that_was_asked_for():
    """Else the side that accepts would carry out what a counter-proposal says meanwhile."""
    assert refused([ASKED], ACCEPTED, revision=2) is FirstRefusal.OLD_REVISION


@pytest.mark.parametrize("of_change", [State.DRAFT, State.AGREED, State.DECLINED, State.WITHDRAWN, State.LAPSED])
def test_nothing_is_asked_of_a_change_that_is_not_under_way(of_change):
    assert refused([], ASKED, of_change) is FirstRefusal.NOT_NOW
    assert refused([ASKED], ACCEPTED, of_change) is FirstRefusal.NOT_NOW


def test_after_it_was_declined_or_taken_back_it_may_be_asked_for_again():
    for kind, side in [(FirstKind.DECLINE, PROVIDER), (FirstKind.TAKE_BACK, CUSTOMER)]:
        ended = [ASKED, step(kind, side, reason="No.")]
        assert first_state(ended, State.PROPOSED) in {FirstState.DECLINED, FirstState.TAKEN_BACK}
        assert refused(ended, step(FirstKind.ASK, CUSTOMER, first_day=NINTH)) is None


def test_the_text_asked_for_stands_beside_the_one_in_force_which_does_not_change():
    entries = chain(first_change())
    proposal = Proposal(change(2, date(2026, 10, 1), SetField("sl", "target", "0.85")), says())
    targets = [
        asked_text(entries, proposal, NINTH, day).get("sl").fields["target"] for day in (date(2026, 9, 8), NINTH)
    ]
    assert targets == ["0.8", "0.85"]
    assert text(entries, NINTH).get("sl").fields["target"] == "0.8"
