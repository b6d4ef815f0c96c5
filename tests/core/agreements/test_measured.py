"""How two sides change their agreement: each definition on changes written out."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.changes import Proposal, Revision, SetField
from comity.core.agreements.measured import (
    Asked,
    CarriedOutFirst,
    DaysToAgreed,
    Measured,
    ReasonMark,
    change_row,
    days_to_agreed,
    measured,
)
from comity.core.agreements.notice import notice_of, working_hours
from comity.core.agreements.text import text
from comity.core.proportions import Proportion
from comity.core.values import Side
from tests.builders.agreement import FIRST, at, calendar, chain, change, first_change
from tests.builders.signing import says

CUSTOMER, PROVIDER = Side.CUSTOMER, Side.PROVIDER
MADRID = "Europe/Madrid"
TENTH = at(10, 9)
AGREED = chain(first_change())
OPEN = chain(change(1, FIRST, calendar(), *first_change().edits[1:2]))  # no notice is agreed


def revision(number, side, moment, *edits, first_day=date(2026, 10, 1), **more):
    made = edits or (SetField("sl", "target", "0.85"),)
    proposed = {"side": more.pop("by", CUSTOMER), "person": more.pop("person", "ana")}
    return Revision(number, side, "x", moment, Proposal(change(7, first_day, *made), says(**proposed, **more)), 10)


def row(*revisions, agreed=TENTH, entries=AGREED, **more):
    notice = notice_of(revisions, entries, MADRID)
    hours = working_hours(text(entries, FIRST), PROVIDER, MADRID)
    return change_row(revisions, agreed, notice, zone=MADRID, hours=hours, **more)


FIRST_REVISION = revision(1, CUSTOMER, at(1, 9))


# Vector 7


def test_a_change_asked_for_today_and_carried_out_from_tomorrow():
    """Asked 8 Sept 09:10 from 9 Sept, accepted under reserve; agreed 18 Sept from 9 Sept on; decided 1 Sept."""
    one = revision(1, CUSTOMER, at(8, 9, 9, 10), first_day=date(2026, 9, 9), decided_on="2026-09-01")
    first = CarriedOutFirst(at(8, 9, 9, 10), date(2026, 9, 9), under_reserve=True)
    found = row(one, agreed=at(18, 9), entries=OPEN, first=first)
    assert (found.notice_given, found.told, found.told_in_time) == (0, True, False)
    assert found.asked_before == frozenset()
    assert found.done_before_days == 7
    assert found.executed_only_by == {PROVIDER}


def test_what_was_readable_after_its_first_day_was_not_told():
    assert not row(revision(1, CUSTOMER, at(2, 10)), agreed=at(20, 10)).told
    assert row(FIRST_REVISION).told


def test_told_in_time_needs_the_agreed_notice_and_a_working_day_where_none_is_agreed():
    assert row(revision(1, CUSTOMER, at(23, 9))).told_in_time
    assert not row(revision(1, CUSTOMER, at(24, 9))).told_in_time
    assert row(revision(1, CUSTOMER, at(29, 9)), entries=OPEN).told_in_time
    assert not row(revision(1, CUSTOMER, at(30, 9)), entries=OPEN).told_in_time


@pytest.mark.parametrize(
    ("asked", "was_asked"),
    [
        (Asked(CUSTOMER, date(2026, 8, 19), frozenset({"sl"})), True),
        (Asked(CUSTOMER, date(2026, 8, 20), frozenset({"sl"})), False),
        (Asked(CUSTOMER, date(2026, 8, 19), frozenset({"csat"})), False),
        (Asked(PROVIDER, date(2026, 8, 19), frozenset({"sl"})), False),
    ],
    ids=["before it was decided", "on that day", "about another clause", "by the side itself"],
)
def test_asked_is_before_it_was_decided_by_the_other_side_and_about_it(asked, was_asked):
    found = row(revision(1, CUSTOMER, at(1, 9), decided_on="2026-08-20"), asked=[asked])
    assert (found.asked_before == {PROVIDER}) == was_asked
    assert (found.executed_only_by == {PROVIDER}) != was_asked


def test_a_day_of_decision_that_the_other_side_objects_to_makes_a_second_row():
    asked = [Asked(CUSTOMER, date(2026, 8, 25), frozenset({"sl"}))]
    late = revision(1, CUSTOMER, at(1, 9), decided_on="2026-08-28")
    assert row(late, asked=asked).asked_before == {PROVIDER}
    assert row(late, asked=asked, decided_on=date(2026, 8, 20)).asked_before == frozenset()


def test_what_is_proposed_has_been_decided_whatever_day_it_names():
    asked = [Asked(CUSTOMER, date(2026, 9, 2), frozenset({"sl"}))]
    assert row(revision(1, CUSTOMER, at(1, 9), decided_on="2026-09-08"), asked=asked).asked_before == frozenset()


def test_without_a_day_of_decision_asked_is_before_the_proposal():
    assert row(FIRST_REVISION, asked=[Asked(CUSTOMER, date(2026, 8, 31), frozenset({"sl"}))]).asked_before == {PROVIDER}
    assert row(FIRST_REVISION, asked=[Asked(CUSTOMER, date(2026, 9, 1), frozenset({"sl"}))]).asked_before == frozenset()


def test_who_wrote_a_signed_field_did_not_only_execute():
    both = (SetField("sl", "target", "0.85"), SetField("sl", "material", "0.02"))
    countered = (SetField("sl", "target", "0.83"), both[1])
    first, counter = revision(1, CUSTOMER, at(1, 9), *both), revision(2, PROVIDER, at(2, 9), *countered)
    found = row(first, counter)
    assert (found.authors, found.executed_only_by) == ({CUSTOMER, PROVIDER}, frozenset())
    assert (found.fields_signed, found.fields_by_counter) == (2, 1)
    taken_back = row(first, counter, revision(3, CUSTOMER, at(3, 9), *both))
    assert (taken_back.authors, taken_back.executed_only_by) == ({CUSTOMER}, {PROVIDER})


def test_who_proposed_a_change_did_not_only_execute_it_though_the_other_side_rewrote_all_of_it():
    first = revision(1, PROVIDER, at(1, 9), by=PROVIDER, person="jan")
    rewritten = revision(2, CUSTOMER, at(2, 9), SetField("sl", "target", "0.83"), by=PROVIDER, person="jan")
    found = row(first, rewritten)
    assert (found.authors, found.executed_only_by) == ({CUSTOMER}, frozenset())


def test_executed_only_goes_by_whose_change_it_is_and_who_carries_it_out_never_by_who_typed_it():
    typed = revision(1, PROVIDER, at(1, 9), by=PROVIDER, person="jan", on_behalf_of="customer")
    assert row(typed).executed_only_by == {PROVIDER}
    assert row(typed).authors == {CUSTOMER}
    own = revision(1, PROVIDER, at(1, 9), by=PROVIDER, person="jan")
    assert row(own).executed_only_by == frozenset()
    customers = revision(1, PROVIDER, at(1, 9), by=PROVIDER, person="jan", carried_out_by="both")
    assert row(customers).executed_only_by == {CUSTOMER}


def test_shares_by_side():
    short = row(revision(1, CUSTOMER, at(28, 9)), reason=ReasonMark.NOT_SUFFICIENT)
    good = row(FIRST_REVISION, reason=ReasonMark.SUFFICIENT)
    unmarked = row(revision(1, CUSTOMER, at(1, 9)), revision(2, PROVIDER, at(2, 9), SetField("sl", "target", "0.83")))
    own = row(revision(1, PROVIDER, at(1, 9), by=PROVIDER, person="jan"))
    rows = [short, good, unmarked, own]
    assert measured(rows, CUSTOMER) == Measured(
        notice=Proportion(2, 3),
        reasons=Proportion(1, 2),
        not_marked=Proportion(1, 3),
        authorship=Proportion(2, 4),
        executed_only=Proportion(0, 0),
        done_before=Proportion(0, 0),
        told=Proportion(3, 3),  # its own changes, which the provider carries out
        told_in_time=Proportion(2, 3),
    )
    assert measured(rows, PROVIDER) == Measured(
        notice=Proportion(1, 1),
        reasons=Proportion(0, 0),
        not_marked=Proportion(1, 1),
        authorship=Proportion(2, 4),
        executed_only=Proportion(2, 4),
        done_before=Proportion(0, 4),
        told=Proportion(0, 0),  # what it did itself, the customer has nothing to be told of
        told_in_time=Proportion(0, 0),
    )


def test_days_from_proposal_to_agreement():
    rows = [replace(row(FIRST_REVISION), days_to_agreed=days) for days in (9, 2, 40)]
    assert days_to_agreed(rows) == DaysToAgreed(3, 9.0, 2, 40)
    assert days_to_agreed([]) is None
    assert row(FIRST_REVISION).days_to_agreed == 9


@given(st.lists(st.sampled_from([CUSTOMER, PROVIDER]), max_size=5), st.integers(0, 3))
def test_every_signed_field_has_one_pen(sides, spread):
    """Whoever revises how often: fields of the giver and of the receiver add up to those signed."""
    those = [revision(1, CUSTOMER, at(1, 9))]
    for number, side in enumerate(sides, 2):
        edits = [SetField("sl", "target", f"0.{8 + number % (spread + 1)}"), SetField("sl", "material", f"0.0{number}")]
        those.append(revision(number, side, at(1, 9, 11, number), *edits))
    found = row(*those)
    assert 0 <= found.fields_by_counter <= found.fields_signed == len(those[-1].proposal.change.edits)
    assert (PROVIDER in found.authors) == (found.fields_by_counter > 0)
    assert (found.executed_only_by == {PROVIDER}) == (found.fields_by_counter == 0)
