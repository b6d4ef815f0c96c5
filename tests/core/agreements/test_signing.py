"""Who may take which step, what is signed, when a signature falls, and that each signatory was shown it."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from comity.core.agreements.authority import SignedBy, Signer
from comity.core.agreements.canonical import digest
from comity.core.agreements.changes import Change, RemoveClause, Revision, SetField, Span, Word, check_says, field_of
from comity.core.agreements.kinds import Kind, Means
from comity.core.agreements.notice import Waiver
from comity.core.agreements.signing import (
    Refusal,
    State,
    Step,
    StepKind,
    agreed_at,
    agreed_meanwhile,
    fallen,
    lacks,
    means_open_to,
    moved,
    signatures,
    signed_sides,
    what_is_signed,
    wordings_over_span,
)
from comity.core.agreements.text import text, unsettled_meetings
from tests.builders.agreement import FIRST, add, at, chain, change, first_change, random_edit, settled
from tests.builders.signing import CUSTOMER, PROVIDER, SIGNERS, Table, says

LATER = date(2026, 12, 1)
SOON = date(2026, 9, 9)


def table(*more, amount=Decimal(0)):
    return Table(chain(first_change(), *more), amount=amount)


def set_target(number, value="0.85", first_day=LATER, end=None, clause="sl", field="target"):
    return change(number, first_day, SetField(clause, field, value), end=end)


def authority(**sides):
    return add("authority", Kind.AUTHORITY, "notice", **sides)


# From a proposal to the text


def test_a_change_is_agreed_once_both_leads_have_signed_what_they_were_shown():
    room = table()
    assert room.propose(set_target(2), "ana", at(1, 9)) is None
    assert room.state(2, at(1, 9)) is State.PROPOSED
    assert room.sign(2, "ana", at(1, 9, 11)) is None
    assert room.state(2, at(1, 9, 11)) is State.SIGNED
    assert text(room.chain, LATER).get("sl").fields["target"] == "0.8"
    assert room.sign(2, "jan", at(2, 9)) is None
    assert room.state(2, at(2, 9)) is State.AGREED
    assert text(room.chain, LATER).get("sl").fields["target"] == "0.85"
    assert room.steps[2][-1].kind is StepKind.AGREE
    assert room.chain[-1].agreed_at == at(2, 9)


def test_a_change_is_a_draft_until_it_is_proposed():
    room = table()
    assert room.state(2, at(1, 9)) is State.DRAFT
    assert signatures([], room.situation(at(1, 9))) == fallen([], room.situation(at(1, 9))) == []
    assert room.take(2, Step(StepKind.SIGN, at(1, 9), CUSTOMER, "ana", 0)) is Refusal.NOT_PROPOSED


def test_a_counter_is_a_new_revision_whose_author_is_the_side_that_countered():
    room = table()
    room.propose(set_target(2), "ana", at(1, 9))
    assert room.sign(2, "ana", at(1, 9, 11)) is None
    assert room.propose(set_target(2, "0.83"), "jan", at(2, 9)) is None
    assert room.state(2, at(2, 9)) is State.COUNTERED
    assert signed_sides(room.steps[2], room.situation(at(2, 9))) == []
    stale = Step(StepKind.SIGN, at(2, 9), PROVIDER, "jan", 1, "0" * 64, signer=SIGNERS["jan"][1])
    assert room.take(2, stale) is Refusal.OLD_REVISION
    assert room.say(StepKind.DECLINE, 2, "jan", at(2, 9), "No.") is Refusal.NOT_YOURS
    assert room.say(StepKind.DECLINE, 2, "ana", at(2, 9)) is Refusal.REASON
    assert room.say(StepKind.DECLINE, 2, "ana", at(2, 9), "Too little.") is None
    assert room.state(2, at(2, 9)) is State.DECLINED
    assert room.sign(2, "ana", at(3, 9), "0" * 64) is Refusal.ENDED


def test_only_the_side_that_proposed_withdraws():
    room = table()
    room.propose(set_target(2), "ana", at(1, 9))
    assert room.say(StepKind.WITHDRAW, 2, "jan", at(1, 9)) is Refusal.NOT_YOURS
    assert room.say(StepKind.WITHDRAW, 2, "carlos", at(1, 9)) is None
    assert room.state(2, at(1, 9)) is State.WITHDRAWN


def test_a_change_lapses_after_the_last_day_that_it_names_and_nobody_writes_that_for_the_clock():
    room = table()
    room.propose(set_target(2), "ana", at(1, 9), says(open_until="2026-09-10"))
    assert room.take(2, Step(StepKind.LAPSE, at(10, 9))) is Refusal.NOT_YET
    assert room.take(2, Step(StepKind.LAPSE, at(11, 9), PROVIDER, "jan")) is Refusal.NOT_YOURS
    assert room.take(2, Step(StepKind.AGREE, at(11, 9))) is Refusal.NOT_YOURS
    assert room.take(2, Step(StepKind.LAPSE, at(11, 9))) is None
    assert room.state(2, at(11, 9)) is State.LAPSED


def test_a_proposal_is_refused_that_cannot_stand_or_speaks_for_another():
    room = table()
    assert room.propose(set_target(2, "0.850"), "ana", at(1, 9)) is Refusal.INVALID
    assert room.propose(set_target(2), "ana", at(1, 9), says(PROVIDER, "jan")) is Refusal.NOT_YOURS
    without = {name: value for name, value in says().items() if name != "reason"}
    assert room.propose(set_target(2), "ana", at(1, 9), without) is Refusal.INVALID
    room.propose(set_target(2), "ana", at(1, 9))
    assert room.propose(set_target(2), "jan", at(1, 9)) is Refusal.SAME
    assert room.propose(set_target(2, "0.9"), "jan", at(1, 9), says(person="carlos")) is Refusal.INVALID
    first = room.steps[2][0]
    assert room.take(2, replace(first, at=at(2, 9))) is Refusal.PROPOSED
    old = replace(first.new, number=2, side=PROVIDER, person="jan", known=0, readable_at=at(2, 9))
    assert room.take(2, Step(StepKind.COUNTER, at(2, 9), PROVIDER, "jan", 1, new=old)) is Refusal.CHANGED
    assert (
        room.take(2, Step(StepKind.REVISE, at(2, 9), PROVIDER, "jan", 1, new=replace(old, known=10)))
        is Refusal.NOT_YOURS
    )
    assert room.take(2, Step(StepKind.OPEN, at(2, 9), None, "max", 1, "x")) is Refusal.NO_SIDE


def test_a_revision_cannot_have_been_readable_before_it_was_made():
    room = table()
    room.propose(set_target(2), "ana", at(1, 9))
    first = room.steps.pop(2)[0]
    earlier = replace(first, new=replace(first.new, readable_at=at(1, 8)))
    assert room.take(2, earlier) is Refusal.INVALID
    assert room.take(2, first) is None


def test_a_side_writes_in_the_others_name_only_what_it_carries_out_itself():
    """Else the customer could type what the provider is to execute as the provider's own change, without notice."""
    written = {"title": "t", "person": "ana", "reason": "x", "expects_nothing": "x", "on_behalf_of": "provider"}
    for carried_out_by, fine in [("provider", False), ("customer", True), ("both", True)]:
        _, wrong = check_says(written | {"proposed_by": "customer", "carried_out_by": carried_out_by})
        assert [problem.field for problem in wrong] == ([] if fine else ["on_behalf_of"])


# Vector 5


TWO = authority(provider=[{"roles": ["lead", "finance"], "together": 2}])


def test_two_of_the_provider_are_needed():
    room = table(change(2, FIRST, TWO))
    room.propose(set_target(3), "ana", at(1, 9))
    assert room.sign(3, "jan", at(1, 9)) is None
    assert room.sign(3, "ana", at(1, 9)) is None
    assert room.state(3, at(1, 9)) is State.SIGNED
    assert signed_sides(room.steps[3], room.situation(at(1, 9))) == [CUSTOMER]
    assert room.sign(3, "jan", at(1, 9)) is Refusal.ALREADY
    before = list(room.chain)
    deputy = Signer("petra", "lead", deputy_for="olga")
    assert room.sign(3, "petra", at(1, 9), signer=deputy) is Refusal.DEPUTY
    for means in (SignedBy.TOKEN, SignedBy.MAIL, SignedBy.SILENCE):
        assert room.sign(3, "petra", at(1, 9), means=means) is Refusal.MEANS
    assert room.chain == before
    assert room.sign(3, "olga", at(1, 9)) is None
    assert room.state(3, at(1, 9)) is State.AGREED


def needed(room, number, side, amount=Decimal(0)):
    """For each signature that a side lacks: how many, and of which roles, by each rule that is enough."""
    found = lacks(room.steps[number], replace(room.situation(at(1, 9)), amount=amount), side)
    return [
        [(count, sorted({*rule.roles, *(person.name for person in rule.people)})) for count, rule in one.rules]
        for one in found
    ]


def test_which_signatures_a_side_lacks_is_told_by_rule():
    room = table(change(2, FIRST, TWO))
    room.propose(set_target(3), "ana", at(1, 9))
    roles = sorted(set(TWO.fields["provider"][0]["roles"]))
    assert needed(room, 3, PROVIDER) == [[(2, roles)]]
    assert needed(room, 3, CUSTOMER) == [[(1, ["lead"])]]
    room.sign(3, "jan", at(1, 9))
    assert needed(room, 3, PROVIDER) == [[(1, roles)]]
    room.sign(3, "ana", at(1, 9))
    assert needed(room, 3, CUSTOMER) == []


def test_what_lacks_by_amount_by_kind_and_of_a_price_is_told():
    rules = [
        {"kinds": ["price"], "up_to": "10", "roles": ["finance"]},
        {"kinds": ["price"], "up_to": "9", "roles": ["x"]},
    ]
    room = table(change(2, FIRST, authority(customer=rules)))
    both = change(3, LATER, SetField("voice", "price", "5"), SetField("sl", "target", "0.85"))
    room.propose(both, "jan", at(1, 9))
    assert sorted(needed(room, 3, CUSTOMER)) == [[(1, ["finance"]), (1, ["x"])], [(1, ["lead"])]]
    assert sorted(needed(room, 3, CUSTOMER, Decimal(11))) == [[], [(1, ["lead"])]]
    room = table()
    room.propose(set_target(2, "5", clause="voice", field="price"), "ana", at(1, 9))
    room.sign(2, "ana", at(1, 9))
    (lack,) = lacks(room.steps[2], room.situation(at(1, 9)), CUSTOMER)
    assert (lack.by_another, lack.rules) == (True, ())


def test_a_deputy_signs_where_authority_says_so_and_is_one_with_whom_they_stand_for():
    rules = authority(provider=[{"roles": ["lead"], "together": 2, "deputies": True}])
    room = table(change(2, FIRST, rules))
    room.propose(set_target(3), "ana", at(1, 9))
    assert room.sign(3, "ana", at(1, 9)) is None
    assert room.sign(3, "jan", at(1, 9)) is None
    assert room.sign(3, "olga", at(1, 9), signer=Signer("olga", "lead", deputy_for="jan")) is None
    assert room.state(3, at(1, 9)) is State.SIGNED
    assert room.sign(3, "petra", at(1, 9)) is None
    assert room.state(3, at(1, 9)) is State.AGREED


def test_a_deputy_counts_only_under_the_rule_that_lets_deputies_sign():
    rules = [{"kinds": ["kpi"], "roles": ["lead"], "deputies": True}, {"kinds": ["price"], "roles": ["lead"]}]
    room = table(change(2, FIRST, authority(provider=rules)))
    room.propose(change(3, LATER, SetField("voice", "price", "5"), SetField("sl", "target", "0.85")), "ana", at(1, 9))
    assert room.sign(3, "olga", at(1, 9), signer=Signer("olga", "lead", deputy_for="petra")) is None
    assert signed_sides(room.steps[3], room.situation(at(1, 9))) == []
    assert room.sign(3, "jan", at(1, 9)) is None
    assert signed_sides(room.steps[3], room.situation(at(1, 9))) == [PROVIDER]


def test_without_an_authority_clause_a_lead_signs_alone_in_the_room():
    room = table()
    room.propose(set_target(2), "ana", at(1, 9))
    assert room.sign(2, "olga", at(1, 9)) is Refusal.AUTHORITY
    assert room.sign(2, "jan", at(1, 9), means=SignedBy.PDF) is Refusal.MEANS
    assert room.sign(2, "jan", at(1, 9), signer=Signer("petra", "lead")) is Refusal.NOT_YOURS


def test_authority_goes_by_kind_of_clause_and_amount():
    rules = authority(
        customer=[
            {"kinds": ["price"], "up_to": "1000", "roles": ["lead"]},
            {"kinds": ["price"], "up_to": "50000", "roles": ["finance"], "means": ["pdf"]},
        ]
    )
    for amount, lead, finance in [
        ("1000", None, None),
        ("1001", Refusal.AUTHORITY, None),
        ("50001", Refusal.AUTHORITY, Refusal.AUTHORITY),
        (None, Refusal.AUTHORITY, Refusal.AUTHORITY),
    ]:
        for person, means, why in [("ana", SignedBy.ROOM, lead), ("eva", SignedBy.PDF, finance)]:
            room = table(change(2, FIRST, rules), amount=None if amount is None else Decimal(amount))
            room.propose(set_target(3, "5", clause="voice", field="price"), "jan", at(1, 9))
            assert room.sign(3, person, at(1, 9), means=means) is why, (amount, person)
    room = table(change(2, FIRST, rules))
    room.propose(set_target(3), "jan", at(1, 9))
    assert room.sign(3, "ana", at(1, 9)) is None


def test_each_kind_of_clause_touched_needs_its_own_signatories():
    rules = authority(customer=[{"kinds": ["price"], "roles": ["finance"]}])
    room = table(change(2, FIRST, rules))
    both = change(3, LATER, SetField("voice", "price", "5"), SetField("sl", "target", "0.85"))
    room.propose(both, "jan", at(1, 9))
    assert room.sign(3, "petra", at(1, 9)) is None
    assert room.sign(3, "eva", at(1, 9)) is None
    assert room.state(3, at(1, 9)) is State.SIGNED
    assert room.sign(3, "ana", at(1, 9)) is None
    assert room.state(3, at(1, 9)) is State.AGREED


def test_who_proposed_a_price_is_never_its_only_signatory_where_there_is_another():
    room = table()
    price = set_target(2, "5", clause="voice", field="price")
    room.propose(price, "ana", at(1, 9))
    assert room.sign(2, "jan", at(1, 9)) is None
    assert room.sign(2, "ana", at(1, 9)) is None
    assert signed_sides(room.steps[2], room.situation(at(1, 9))) == [PROVIDER]
    assert room.sign(2, "carlos", at(1, 9)) is None
    assert room.state(2, at(1, 9)) is State.AGREED
    alone = table()
    alone.propose(price, "ana", at(1, 9))
    only = replace(alone.situation(at(1, 9)), people={CUSTOMER: (SIGNERS["ana"][1], SIGNERS["eva"][1])})
    assert alone.sign(2, "ana", at(1, 9)) is None
    assert signed_sides(alone.steps[2], only) == [CUSTOMER]


def test_a_deputy_for_who_proposed_a_price_is_no_other_signatory():
    room = table(change(2, FIRST, authority(customer=[{"roles": ["lead"], "deputies": True}])))
    room.propose(set_target(3, "5", clause="voice", field="price"), "ana", at(1, 9))
    assert room.sign(3, "eva", at(1, 9), signer=Signer("eva", "lead", deputy_for="ana")) is None
    assert signed_sides(room.steps[3], room.situation(at(1, 9))) == []
    assert room.sign(3, "carlos", at(1, 9)) is None
    assert signed_sides(room.steps[3], room.situation(at(1, 9))) == [CUSTOMER]


def test_who_countered_a_price_is_its_author_and_who_left_it_as_it_was_is_not():
    room = table()
    room.propose(set_target(2, "5", clause="voice", field="price"), "ana", at(1, 9))
    room.propose(set_target(2, "5.1", clause="voice", field="price"), "jan", at(2, 9))
    room.propose(set_target(2, "5.1", LATER + timedelta(days=1), clause="voice", field="price"), "petra", at(3, 9))
    assert room.sign(2, "jan", at(3, 9)) is None
    assert signed_sides(room.steps[2], room.situation(at(3, 9))) == []
    assert room.sign(2, "petra", at(3, 9)) is None
    assert signed_sides(room.steps[2], room.situation(at(3, 9))) == [PROVIDER]
    assert room.sign(2, "ana", at(3, 9)) is None
    assert room.state(2, at(3, 9)) is State.AGREED


# Vector 6: when a signature falls


def test_a_signature_falls_when_another_change_of_the_same_clause_is_agreed():
    room = table()
    room.propose(set_target(8), "ana", at(1, 9, 9))
    room.propose(set_target(9, "0.05", date(2026, 11, 1), field="material"), "jan", at(1, 9, 9))
    shown = room.open(8, "jan", at(1, 9, 9, 30))
    before = what_is_signed(room.steps[8], room.situation(at(1, 9, 10)))
    assert room.sign(8, "ana", at(1, 9, 10)) is None
    assert room.sign(9, "ana", at(1, 9, 10, 4)) is None
    assert room.sign(9, "jan", at(1, 9, 10, 5)) is None
    assert room.state(8, at(1, 9, 10, 6)) is State.PROPOSED
    now = room.situation(at(1, 9, 10, 6))
    assert [step.person for step in fallen(room.steps[8], now)] == ["ana"]
    assert moved(before, what_is_signed(room.steps[8], now)) == ["sl"]
    assert room.sign(8, "jan", at(1, 9, 10, 7), shown) is Refusal.CHANGED
    assert room.sign(8, "jan", at(1, 9, 10, 8)) is None
    assert room.state(8, at(1, 9, 10, 8)) is State.SIGNED
    assert room.sign(8, "ana", at(1, 9, 10, 9)) is None
    assert room.state(8, at(1, 9, 10, 9)) is State.AGREED


@pytest.mark.parametrize(
    ("other", "falls"),
    [
        (change(9, SOON, SetField("csat", "target", "0.75")), False),
        (change(9, SOON, add("exit", Kind.EXIT, "notice")), False),
        (
            change(
                9,
                SOON,
                SetField(
                    "calendar", "open_sun", [{"channels": ["*"], "closes": "14:00", "opens": "09:00", "queues": ["*"]}]
                ),
            ),
            True,
        ),
        (change(9, SOON, SetField("notice", "kpi", 9)), True),
        (change(9, SOON, SetField("voice", "price", "5")), False),
        (change(9, SOON, SetField("sl", "material", "0.05")), True),
        (change(9, SOON, SetField("sl", "material", "0.05"), end=LATER), False),
    ],
    ids=[
        "another KPI",
        "another clause",
        "the calendar that it counts by",
        "its notice",
        "a price not named",
        "the same clause",
        "the same clause before its days",
    ],
)
def test_a_signature_falls_only_by_what_moves_a_wording_that_was_signed(other, falls):
    room = table()
    room.propose(set_target(8), "ana", at(1, 6))
    assert room.sign(8, "ana", at(1, 6)) is None
    room.propose(other, "jan", at(1, 6))
    assert room.sign(9, "jan", at(1, 6, 11)) is None
    assert room.sign(9, "ana", at(1, 6, 11)) is None or room.sign(9, "carlos", at(1, 6, 12)) is None
    if room.state(9, at(1, 6, 12)) is not State.AGREED:
        assert room.sign(9, "petra", at(1, 6, 12)) is None
    assert room.state(9, at(1, 6, 12)) is State.AGREED
    assert bool(fallen(room.steps[8], room.situation(at(1, 6, 13)))) == falls


def test_a_price_that_a_kpi_names_is_signed_with_it():
    named = change(8, LATER, SetField("sl", "credit_allocation", [{"price": "voice", "share": "0.8"}]))
    assert set(wordings_over_span(named, chain(first_change()), {})) == {"calendar", "notice", "sl", "voice"}
    assert set(wordings_over_span(set_target(8), chain(first_change()), {})) == {"calendar", "notice", "sl"}


def test_wordings_are_listed_over_the_whole_span():
    entries = chain(first_change(), set_target(2, "0.7", date(2026, 12, 10), date(2026, 12, 20), field="material"))
    found = wordings_over_span(set_target(8), entries, {})["sl"]
    assert [day for day, _ in found] == ["2026-12-01", "2026-12-10", "2026-12-20"]
    assert found[0][1] == found[2][1] != found[1][1]
    removed = wordings_over_span(change(8, LATER, RemoveClause("sl")), entries, {})
    assert removed["sl"] == [["2026-12-01", ""]]


def test_a_contingent_change_that_is_armed_is_signed_with_what_it_touches():
    storm = Change(2, Span(FIRST, condition="volume above the band"), (SetField("sl", "abandons", "count"),))
    room = table(storm)
    room.propose(set_target(8), "ana", at(1, 9))
    document = what_is_signed(room.steps[8], room.situation(at(1, 9)))
    assert set(document["contingent"]) == {"2"}
    assert document["contingent"]["2"]["sl"] != document["as_agreed"]["sl"]
    other = table(storm)
    other.propose(set_target(8, clause="csat"), "ana", at(1, 9))
    assert what_is_signed(other.steps[8], other.situation(at(1, 9)))["contingent"] == {}


def test_the_first_version_signs_no_contingent_change():
    room = table()
    assert (
        room.propose(Change(2, Span(LATER, condition="storm"), (SetField("sl", "target", "0.5"),)), "ana", at(1, 9))
        is None
    )
    assert room.sign(2, "jan", at(1, 9)) is Refusal.CONTINGENT


def test_the_same_field_agreed_meanwhile_stops_a_change_until_a_new_revision():
    """Target .85 from August is agreed between two signatures under .80 from September: nothing of .80 changed."""
    room = table()
    room.propose(set_target(8, "0.8", date(2026, 9, 1)), "ana", at(1, 6))
    assert room.sign(8, "ana", at(1, 6)) is None
    room.propose(set_target(9, "0.85", date(2026, 8, 1)), "jan", at(1, 6))
    assert unsettled_meetings(set_target(9, "0.85", date(2026, 8, 1)), room.chain) == []
    room.sign(9, "ana", at(2, 6))
    room.sign(9, "jan", at(2, 6))
    assert fallen(room.steps[8], room.situation(at(2, 6))) == []
    assert room.sign(8, "jan", at(2, 6)) is Refusal.SAME_FIELD
    assert [one.number for one in agreed_meanwhile(room.steps[8][0].new, room.chain)] == [9]
    assert room.propose(set_target(8, "0.81", date(2026, 9, 1)), "ana", at(3, 6)) is None
    assert room.sign(8, "jan", at(3, 6)) is None


def test_a_change_that_meets_another_without_a_word_cannot_be_signed():
    room = table(set_target(2, "0.82", date(2026, 12, 10)))
    room.propose(set_target(3), "ana", at(1, 9))
    assert room.sign(3, "ana", at(1, 9)) is Refusal.UNSETTLED
    assert room.propose(settled(set_target(3), room.chain, instead=True), "ana", at(2, 9)) is None
    assert room.sign(3, "ana", at(2, 9)) is None


def test_a_word_that_has_become_void_makes_the_change_invalid():
    room = table(set_target(2, "0.82", date(2026, 12, 10)))
    one = replace(set_target(3), words=(Word(2, "sl", "target", instead=True), Word(2, "csat", "target", instead=True)))
    assert room.propose(one, "ana", at(1, 9)) is Refusal.INVALID


# Displayed


def test_nobody_signs_what_they_were_not_shown():
    room = table()
    room.propose(set_target(2), "ana", at(1, 9))
    shown = room.open(2, "ana", at(1, 9))
    assert room.sign(2, "jan", at(1, 9), shown) is Refusal.NOT_SHOWN
    assert room.sign(2, "jan", at(1, 9), digest("something else")) is Refusal.CHANGED
    assert room.take(2, Step(StepKind.OPEN, at(1, 9), PROVIDER, "jan", 1, digest("x"))) is Refusal.CHANGED
    room.open(2, "jan", at(1, 9), sentences={"en": "a" * 64, "es": "b" * 64})
    assert room.sign(2, "jan", at(1, 9), shown) is Refusal.NOT_SHOWN
    assert room.sign(2, "jan", at(1, 9), shown, sentences={"en": "a" * 64, "es": "b" * 64}) is None


def test_having_been_shown_what_stood_before_is_not_enough():
    room = table()
    room.propose(set_target(8), "ana", at(1, 9))
    room.open(8, "ana", at(1, 9))
    room.propose(set_target(9, "0.05", date(2026, 11, 1), field="material"), "jan", at(1, 9))
    room.sign(9, "carlos", at(1, 9))
    room.sign(9, "jan", at(1, 9))
    now = room.open(8, "carlos", at(2, 9))
    assert room.sign(8, "ana", at(2, 9), now) is Refusal.NOT_SHOWN


def test_sentences_worded_otherwise_fell_no_signature():
    room = table()
    room.propose(set_target(2), "ana", at(1, 9))
    shown = room.open(2, "ana", at(1, 9), sentences={"en": "a" * 64})
    assert room.sign(2, "ana", at(1, 9), shown, sentences={"en": "a" * 64}) is None
    shown = room.open(2, "jan", at(2, 9), sentences={"en": "c" * 64})
    assert room.sign(2, "jan", at(2, 9), shown, sentences={"en": "c" * 64}) is None
    assert room.state(2, at(2, 9)) is State.AGREED


def test_a_pdf_signed_elsewhere_counts_by_its_digest():
    rules = authority(provider=[{"roles": ["lead"], "means": ["pdf"]}])
    room = table(change(2, FIRST, rules))
    room.propose(set_target(3), "ana", at(1, 9))
    shown = room.open(3, "ana", at(1, 9))
    assert room.sign(3, "jan", at(1, 9), digest("another"), means=SignedBy.PDF) is Refusal.CHANGED
    assert room.sign(3, "jan", at(1, 9), shown, means=SignedBy.PDF) is Refusal.NOT_SHOWN  # it was not taken out
    assert room.sign(3, "jan", at(1, 9), means=SignedBy.ROOM) is Refusal.MEANS
    assert room.sign(3, "jan", at(1, 9), means=SignedBy.PDF, file="") is Refusal.NO_FILE
    assert room.sign(3, "ana", at(1, 9), file="f" * 64) is Refusal.NO_FILE  # in the room there is none
    assert room.sign(3, "jan", at(1, 9), means=SignedBy.PDF) is None
    assert [step.file for step in room.steps[3] if step.kind is StepKind.SIGN] == ["f" * 64]


def test_by_what_means_a_person_may_sign_is_told_before_they_do():
    rules = authority(provider=[{"roles": ["lead"], "means": ["pdf"]}], customer=[{"roles": ["lead"]}])
    room = table(change(2, FIRST, rules))
    room.propose(set_target(3), "ana", at(1, 9))
    steps, now = room.steps[3], room.situation(at(1, 9))
    lead = Signer("jan", "lead")
    assert means_open_to(steps, lead, PROVIDER, now) == [Means.PDF]
    assert means_open_to(steps, lead, CUSTOMER, now) == [Means.ROOM]
    assert means_open_to(steps, Signer("olga", "member"), PROVIDER, now) == []
    assert means_open_to([], lead, PROVIDER, now) == []


# Notice and days that have come


def test_a_shortfall_is_waived_by_the_receiver_before_anybody_signs():
    room = table()
    room.propose(set_target(2, first_day=SOON), "ana", at(4, 9))
    assert room.sign(2, "ana", at(4, 9)) is Refusal.NOTICE
    assert room.waive(2, "ana", at(4, 9)) is Refusal.NOT_YOURS
    assert room.waive(2, "olga", at(4, 9)) is Refusal.AUTHORITY
    assert room.waive(2, "jan", at(4, 9), ["sl"], SOON) is Refusal.RELIEF
    assert room.waive(2, "jan", at(4, 9), ["voice"], LATER) is Refusal.RELIEF
    assert room.waive(2, "jan", at(4, 9)) is None
    assert room.sign(2, "ana", at(4, 9)) is None
    assert room.sign(2, "jan", at(4, 9)) is None
    assert room.state(2, at(4, 9)) is State.AGREED


def test_relief_that_a_waiver_carries_is_signed_by_both():
    """Else the receiver could take KPIs out that the giver never read of."""
    room = table()
    room.propose(set_target(2, first_day=SOON), "ana", at(4, 9))
    assert room.waive(2, "jan", at(4, 9)) is None
    assert room.sign(2, "ana", at(4, 9)) is None
    assert room.waive(2, "jan", at(4, 9, 11), ["sl", "csat"], date(2026, 12, 31)) is None
    assert [step.person for step in fallen(room.steps[2], room.situation(at(4, 9, 11)))] == ["ana"]
    assert room.sign(2, "jan", at(4, 9, 12)) is None
    assert room.state(2, at(4, 9, 12)) is State.SIGNED


def test_a_waiver_is_of_this_notice_only():
    room = table()
    room.propose(set_target(2, first_day=SOON), "ana", at(4, 9))
    assert room.waive(2, "jan", at(4, 9)) is None
    room.propose(set_target(2, "0.9", first_day=date(2026, 9, 8)), "ana", at(4, 9, 11))
    assert room.sign(2, "ana", at(4, 9, 11)) is Refusal.NOTICE
    other = Step(StepKind.WAIVE, at(4, 9), PROVIDER, "jan", 2, waiver=Waiver(PROVIDER, 1))
    assert "waived" not in what_is_signed([*room.steps[2], other], room.situation(at(4, 9, 11)))
    enough = table()
    enough.propose(set_target(2), "ana", at(4, 9))
    assert enough.waive(2, "jan", at(4, 9)) is Refusal.NOTHING_TO_WAIVE


def test_a_change_whose_first_day_has_come_is_signed_as_retroactive_by_both():
    room = Table(chain(change(1, FIRST, *first_change().edits[:2])))
    room.propose(set_target(2, first_day=SOON), "ana", at(4, 9))
    assert room.sign(2, "ana", at(8, 9), retroactive=True) is Refusal.NOT_RETROACTIVE
    assert room.sign(2, "ana", at(8, 9)) is None
    assert room.sign(2, "jan", at(9, 9)) is Refusal.RETROACTIVE
    assert room.sign(2, "jan", at(9, 9), retroactive=True) is None
    assert room.state(2, at(9, 9)) is State.SIGNED
    assert signed_sides(room.steps[2], room.situation(at(9, 9))) == [PROVIDER]
    assert room.sign(2, "ana", at(9, 9), retroactive=True) is None
    assert room.state(2, at(9, 9)) is State.AGREED


def test_moments_of_agreement_are_in_the_order_of_the_chain():
    room = table()
    for number in (2, 3):
        room.propose(set_target(number, clause="sl" if number == 2 else "csat"), "ana", at(1, 9))
        room.sign(number, "ana", at(1, 9))
    room.sign(2, "jan", at(2, 9))
    room.sign(3, "jan", at(2, 9))
    assert [entry.agreed_at for entry in room.chain[1:]] == [at(2, 9), at(2, 9) + timedelta(microseconds=1)]
    assert agreed_at(at(1, 1), room.chain) == at(2, 9) + timedelta(microseconds=2)


# Nobody agreed to what they were not shown


def random_step(rng, room, moment):
    """Take one step with one of three changes, often on a page opened earlier; returns why a signature was refused."""
    number, person = rng.randrange(2, 5), rng.choice(["ana", "carlos", "jan", "petra"])
    steps = room.steps.setdefault(number, [])
    draw = rng.random()
    if not steps or draw < 0.07:
        edits = {(edit.clause, field_of(edit)): edit for edit in (random_edit(rng, number) for _ in range(2))}
        first_day = date(2026, 9, 1) + timedelta(days=rng.randrange(0, 40))
        end = first_day + timedelta(days=10) if rng.random() < 0.3 else None
        room.propose(
            settled(change(number, first_day, *edits.values(), end=end), room.chain, instead=rng), person, moment
        )
    elif draw < 0.15:
        room.waive(number, person, moment, ["sl"], date(2026, 12, rng.randrange(1, 30)))
    elif draw < 0.45:
        if room.state(number, moment) in {State.PROPOSED, State.COUNTERED, State.SIGNED}:
            room.open(number, person, moment)
    elif draw < 0.46:
        room.say(rng.choice([StepKind.DECLINE, StepKind.WITHDRAW]), number, person, moment, "No.")
    else:
        opened = [step for step in steps if step.kind is StepKind.OPEN]
        shown = [step.digest for step in opened if step.person == person or rng.random() < 0.1] or ["0" * 64]
        page = shown[-1] if rng.random() < 0.7 else rng.choice(shown)
        late = rng.random() < 0.3
        return room.sign(number, person, moment, page, retroactive=late)
    return None


def assert_displayed(room, number):
    """What was agreed is what stands now, and was displayed to each who signed it, before they did."""
    steps = room.steps[number]
    agreed = steps[-1]
    place = next(entry.place for entry in room.chain if entry.change.number == number)
    revision = next(step.new for step in reversed(steps) if isinstance(step.new, Revision))
    stood = wordings_over_span(revision.proposal.change, [entry for entry in room.chain if entry.place < place], {})
    held = wordings_over_span(revision.proposal.change, [entry for entry in room.chain if entry.place <= place], {})
    assert stood == held
    counted = [step for step in steps if step.kind is StepKind.SIGN and step.digest == agreed.digest]
    assert {step.side for step in counted} == {CUSTOMER, PROVIDER}
    for sign in counted:
        earlier = steps[: steps.index(sign)]
        assert any(
            step.kind is StepKind.OPEN and (step.person, step.digest) == (sign.person, agreed.digest)
            for step in earlier
        )
    # What the signed document says is what the text says from now on.
    situation = replace(room.situation(agreed.at), chain=[entry for entry in room.chain if entry.place < place])
    document = what_is_signed(steps[:-1], situation)
    assert digest(document) == agreed.digest
    assert document["as_agreed"] == held
    assert unsettled_meetings(revision.proposal.change, [entry for entry in room.chain if entry.place < place]) == []


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.long) for part in range(1, 10))])
def test_nothing_is_agreed_that_was_not_shown_to_each_signatory(part):
    """A thousand interleavings: two people a side propose, counter, open, waive and sign three changes at once."""
    agreed, refused = 0, set()
    without_notice = [edit for edit in first_change().edits if edit.clause != "notice"]
    for seed in range(part * 100, part * 100 + 100):
        rng, moment = Random(seed), at(20, 8)
        room = table() if seed % 2 else Table(chain(change(1, FIRST, *without_notice)))
        for _ in range(60):
            moment += timedelta(minutes=rng.randrange(0, 600))
            before = {entry.change.number for entry in room.chain}
            refused.add(random_step(rng, room, moment))
            for entry in room.chain:
                if entry.change.number not in before:
                    assert_displayed(room, entry.change.number)
                    agreed += 1
    assert agreed > 50
    assert refused >= {Refusal.CHANGED, Refusal.NOT_SHOWN, Refusal.SAME_FIELD, Refusal.NOTICE, Refusal.RETROACTIVE}
