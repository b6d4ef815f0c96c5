"""The text of a day: what holds, what was known, where changes meet, and what an edit does that finds no clause."""

from datetime import date, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.canonical import canonical, parse_text, text_content
from comity.core.agreements.changes import (
    Change,
    Entry,
    Layer,
    Proposal,
    RemoveClause,
    SetField,
    Span,
    Word,
    change_content,
    parse_change,
    proposal_digest,
)
from comity.core.agreements.clauses import Clause, complete
from comity.core.agreements.kinds import Kind
from comity.core.agreements.text import (
    Difference,
    KeptChain,
    Meeting,
    NoEffect,
    Stretch,
    check_change,
    check_text,
    difference,
    edits_between,
    edits_without_effect,
    meetings,
    patch,
    permanent_layer,
    stretches,
    text,
    unsettled_meetings,
)
from tests.builders.agreement import FIRST, add, calendar, chain, change, first_change, random_chain, settled

SUNDAY = [{"channels": ["*"], "closes": "14:00", "opens": "09:00", "queues": ["*"]}]
SEEDS = st.integers(0, 10**9)
DAYS = st.integers(-3, 80).map(lambda days: FIRST + timedelta(days=days))


def target(entries, day, known=None):
    return text(entries, day, known).get("sl").fields["target"]


def set_target(number, first_day, value, end=None):
    return change(number, first_day, SetField("sl", "target", value), end=end)


# Vector 1


TARGETS = chain(
    change(1, date(2026, 1, 1), add("sl", Kind.KPI, measure="service_level", target="0.80")),
    set_target(2, date(2026, 8, 1), "0.82"),
)
THIRD = set_target(3, date(2026, 6, 22), "0.78")


def test_a_permanent_change_that_begins_before_an_agreed_one_cannot_be_signed_without_a_word():
    assert unsettled_meetings(THIRD, TARGETS) == [Meeting(2, "sl", "target", date(2026, 8, 1))]
    assert unsettled_meetings(settled(THIRD, TARGETS, instead=True), TARGETS) == []


@pytest.mark.parametrize(("instead", "september"), [(True, "0.78"), (False, "0.82")])
def test_until_then_and_instead_of_a_permanent_change(instead, september):
    entries = [*TARGETS, Entry(30, settled(THIRD, TARGETS, instead=instead))]
    assert target(entries, date(2026, 9, 1)) == september
    assert target(entries, date(2026, 9, 1), known=20) == "0.82"
    assert target(entries, date(2026, 7, 1)) == "0.78"
    assert target(entries, date(2026, 7, 1), known=20) == "0.8"


# Vector 2


SUMMER = chain(
    change(1, date(2026, 1, 1), calendar()),
    change(2, date(2026, 7, 1), SetField("calendar", "open_sun", SUNDAY), end=date(2026, 9, 1)),
)
CLOSED = change(3, date(2026, 8, 1), SetField("calendar", "open_sun", None))


def is_open(entries, day):
    return "open_sun" in text(entries, day).get("calendar").fields


def test_until_then_and_instead_of_a_temporary_change():
    assert unsettled_meetings(CLOSED, SUMMER) == [Meeting(2, "calendar", "open_sun", date(2026, 8, 1))]
    until_then = [*SUMMER, Entry(30, settled(CLOSED, SUMMER, instead=False))]
    assert [is_open(until_then, day) for day in (date(2026, 8, 16), date(2026, 9, 6))] == [True, False]
    instead = [*SUMMER, Entry(30, settled(CLOSED, SUMMER, instead=True))]
    sundays = [date(2026, 8, 2) + timedelta(weeks=week) for week in range(5)]
    assert [is_open(instead, day) for day in sundays] == [False] * 5
    assert is_open(instead, date(2026, 7, 26))


def test_a_change_of_another_field_of_the_same_clause_meets_neither():
    zone = change(3, date(2026, 8, 1), SetField("calendar", "zone", "Europe/Prague"))
    assert meetings(zone, SUMMER) == []
    assert meetings(zone, [*SUMMER, Entry(30, settled(CLOSED, SUMMER, instead=True))]) == []


# Properties


@given(SEEDS, DAYS)
def test_what_was_known_stays_known(seed, day):
    entries = random_chain(Random(seed), 8)
    for at, entry in enumerate(entries):
        assert text(entries, day, known=entry.place) == text(entries[: at + 1], day)
        assert text(entries, day, known=entry.place) == text(entries[::-1], day, known=entry.place)


@given(SEEDS)
def test_a_permanent_wording_holds_on_its_first_day(seed):
    """In the permanent layer; in the text unless a temporary one lies over it, for which a word was said."""
    entries = random_chain(Random(seed), 8)
    for entry in entries:
        made, day = entry.change, entry.change.span.first_day
        if made.span.layer is not Layer.PERMANENT:
            continue
        below, shown = permanent_layer(entries, day, entry.place), text(entries, day, entry.place)
        over = {(word.clause, word.field) for word in made.words if not word.instead}
        for edit in made.edits:
            if isinstance(edit, SetField) and below.get(edit.clause) is not None:
                clause = below.get(edit.clause)
                assert clause.fields.get(edit.field) == complete(
                    clause.kind, {} if edit.value is None else {edit.field: edit.value}
                ).get(edit.field)
                if not {(edit.clause, edit.field), (edit.clause, "")} & over:
                    assert shown.get(edit.clause).fields.get(edit.field) == clause.fields.get(edit.field)
            if isinstance(edit, RemoveClause):
                assert below.get(edit.clause) is None


@given(SEEDS, DAYS)
def test_a_temporary_one_leaves_nothing_behind(seed, day):
    entries = random_chain(Random(seed), 8)
    for at, entry in enumerate(entries):
        if entry.change.span.layer is Layer.TEMPORARY and day not in entry.change.span:
            assert text(entries[: at + 1], day) == text(entries[:at], day)
        if entry.change.span.layer is Layer.TEMPORARY:
            assert permanent_layer(entries[: at + 1], day) == permanent_layer(entries[:at], day)


@given(SEEDS)
def test_wordings_over_a_span_are_those_of_its_days(seed):
    entries = random_chain(Random(seed), 8)
    end = FIRST + timedelta(days=90)
    for clause in ("sl", "csat", "p3"):
        found = stretches(entries, clause, FIRST - timedelta(days=2), end)
        days = [
            (FIRST + timedelta(days=day), stretch.fields)
            for stretch in found
            for day in range((stretch.first_day - FIRST).days, (stretch.last_day - FIRST).days + 1)
        ]
        assert [day for day, _ in days] == [FIRST + timedelta(days=day) for day in range(-2, 90)]
        for day, fields in days:
            shown = text(entries, day).get(clause)
            assert (None if shown is None else shown.fields) == fields
        assert all(one.fields != other.fields for one, other in pairwise(found))


@given(SEEDS)
def test_every_change_of_a_chain_has_a_word_for_each_meeting_and_no_other(seed):
    entries = random_chain(Random(seed), 8)
    for at, entry in enumerate(entries):
        assert unsettled_meetings(entry.change, entries[:at]) == []
        assert check_change(entry.change, entries[:at]) == []
        for word in entry.change.words:
            without = Change(
                entry.change.number, entry.change.span, entry.change.edits, tuple(set(entry.change.words) - {word})
            )
            assert [(met.other, met.clause, met.field) for met in unsettled_meetings(without, entries[:at])] == [
                (word.other, word.clause, word.field)
            ]


@given(SEEDS, DAYS, DAYS)
def test_a_difference_as_edits_makes_one_text_of_the_other(seed, before, after):
    rng = Random(seed)
    entries = random_chain(rng, 8)
    old, new = permanent_layer(entries, before), permanent_layer(entries, after)
    edits = edits_between(old, new)
    entry = Entry(entries[-1].place + 1, Change(99, Span(date(2030, 1, 1)), edits))
    start = [Entry(1, Change(98, Span(FIRST), edits_between(text([], FIRST), old)))]
    made = text([*start, entry], date(2030, 1, 1))
    assert {item.id: item for item in made.clauses if not item.removed} == {
        item.id: item for item in new.clauses if not item.removed
    }
    assert (difference(old, new) == []) == (edits == ())


@given(SEEDS)
def test_texts_and_changes_are_read_back_as_they_were(seed):
    entries = random_chain(Random(seed), 6)
    for entry in entries:
        assert parse_change(change_content(entry.change)).edits[0] in entry.change.edits
        assert change_content(parse_change(change_content(entry.change))) == change_content(entry.change)
        shown = text(entries, entry.change.span.first_day)
        assert parse_text(canonical(text_content(shown.clauses))) == shown.clauses


# Meetings of every kind


def base(*more):
    return [*chain(first_change()), *(Entry(100 + number, one) for number, one in enumerate(more))]


def names(one, entries):
    return [(met.other, met.clause, met.field) for met in meetings(one, entries)]


AUGUST, SEPTEMBER = date(2026, 8, 1), date(2026, 9, 1)


@pytest.mark.parametrize(
    ("agreed", "own", "met"),
    [
        (set_target(2, AUGUST, "0.9"), set_target(3, SEPTEMBER, "0.7"), []),
        (set_target(2, AUGUST, "0.9"), set_target(3, AUGUST, "0.7"), [(2, "sl", "target")]),
        (set_target(2, SEPTEMBER, "0.9"), set_target(3, AUGUST, "0.7", end=SEPTEMBER), []),
        (set_target(2, SEPTEMBER, "0.9"), set_target(3, AUGUST, "0.7", end=date(2026, 9, 2)), [(2, "sl", "target")]),
        (set_target(2, AUGUST, "0.9", end=SEPTEMBER), set_target(3, SEPTEMBER, "0.7"), []),
        (set_target(2, AUGUST, "0.9", end=date(2026, 9, 2)), set_target(3, SEPTEMBER, "0.7"), [(2, "sl", "target")]),
        (change(2, SEPTEMBER, RemoveClause("sl")), set_target(3, AUGUST, "0.7"), [(2, "sl", "")]),
        (change(2, AUGUST, RemoveClause("sl")), set_target(3, SEPTEMBER, "0.7"), []),
        (set_target(2, SEPTEMBER, "0.9"), change(3, AUGUST, RemoveClause("sl")), [(2, "sl", "target")]),
        (change(2, SEPTEMBER, RemoveClause("sl")), change(3, AUGUST, RemoveClause("sl")), [(2, "sl", "")]),
        (
            change(2, SEPTEMBER, add("p", Kind.PROSE, text="x", language="en")),
            change(3, AUGUST, RemoveClause("p")),
            [(2, "p", "")],
        ),
        (
            change(2, SEPTEMBER, add("p", Kind.PROSE, text="x", language="en")),
            change(3, AUGUST, SetField("p", "text", "y")),
            [],
        ),
        (change(2, SEPTEMBER, SetField("sl", "material", "0.05")), set_target(3, AUGUST, "0.7"), []),
        (
            Change(2, Span(SEPTEMBER, condition="volume"), (SetField("sl", "target", "0.5"),)),
            set_target(3, AUGUST, "0.7"),
            [(2, "sl", "target")],
        ),
    ],
)
def test_where_two_changes_meet(agreed, own, met):
    assert names(own, base(agreed)) == met


def test_what_was_ended_by_a_third_is_not_met_on_its_days():
    later = set_target(2, SEPTEMBER, "0.9")
    third = settled(set_target(3, AUGUST, "0.7"), base(later), instead=True)
    assert names(set_target(4, date(2026, 7, 1), "0.6"), base(later, third)) == [(3, "sl", "target")]
    week = settled(set_target(3, AUGUST, "0.7", end=date(2026, 9, 8)), base(later), instead=True)
    found = meetings(set_target(4, date(2026, 7, 1), "0.6"), base(later, week))
    assert found == [Meeting(2, "sl", "target", date(2026, 9, 8)), Meeting(3, "sl", "target", AUGUST)]


def test_a_temporary_instead_ends_the_other_for_its_own_days_only():
    """A week within a summer: after the week the summer's wording is back."""
    summer = set_target(2, date(2026, 7, 1), "0.7", end=SEPTEMBER)
    week = settled(set_target(3, date(2026, 6, 25), "0.6", end=date(2026, 7, 8)), base(summer), instead=True)
    days = [date(2026, 6, 24), date(2026, 7, 7), date(2026, 7, 8), SEPTEMBER]
    assert [target(base(summer, week), day) for day in days] == ["0.8", "0.6", "0.7", "0.8"]


def test_removing_and_editing_the_same_clause_say_which_holds():
    removal = change(2, SEPTEMBER, RemoveClause("sl"))
    edit = set_target(3, AUGUST, "0.7")
    kept = base(removal, settled(edit, base(removal), instead=True))
    gone = base(removal, settled(edit, base(removal), instead=False))
    assert target(kept, date(2026, 10, 1)) == "0.7"
    assert text(gone, date(2026, 10, 1)).get("sl") is None
    assert target(gone, date(2026, 8, 31)) == "0.7"


def test_a_removal_may_cancel_a_clause_that_is_to_come():
    coming = change(2, SEPTEMBER, add("p", Kind.PROSE, text="x", language="en"))
    removal = change(3, AUGUST, RemoveClause("p"))
    assert text(base(coming, settled(removal, base(coming), instead=True)), date(2026, 10, 1)).get("p") is None
    assert text(base(coming, settled(removal, base(coming), instead=False)), date(2026, 10, 1)).get("p") is not None


def test_a_word_about_what_is_not_met_is_refused():
    """Else *instead* would end a wording of which the change does not speak."""
    agreed = change(2, SEPTEMBER, SetField("csat", "target", "0.9"))
    one = change(3, AUGUST, SetField("sl", "target", "0.7"), words=[Word(2, "csat", "target", instead=True)])
    assert [problem.message for problem in check_change(one, base(agreed))] == [
        "clause csat, target: leave out the word about change 2, which this change does not meet there"
    ]


# Edits that find no clause


def test_an_edit_of_a_clause_that_is_not_there_does_nothing_and_is_pointed_out():
    entries = base(change(2, AUGUST, RemoveClause("csat"), end=SEPTEMBER))
    one = change(3, date(2026, 7, 20), SetField("csat", "target", "0.5"), end=date(2026, 9, 10))
    assert unsettled_meetings(one, entries) == [Meeting(2, "csat", "", AUGUST)]
    assert edits_without_effect(one, entries) == []  # it is there on its first day; in August the removal follows
    inside = change(3, date(2026, 8, 10), SetField("csat", "target", "0.5"), end=date(2026, 9, 10))
    assert edits_without_effect(inside, entries) == [NoEffect(inside.edits[0], date(2026, 8, 10), date(2026, 8, 31))]
    late = change(4, SEPTEMBER, SetField("csat", "target", "0.5"))
    gone = base(change(2, AUGUST, RemoveClause("csat")))
    assert edits_without_effect(late, gone) == [NoEffect(late.edits[0], SEPTEMBER, None)]
    assert text([*gone, Entry(200, late)], SEPTEMBER) == text(gone, SEPTEMBER)


def test_an_edit_before_its_clause_is_there_does_nothing():
    coming = change(2, SEPTEMBER, add("p", Kind.PROSE, text="x", language="en"))
    early = change(3, AUGUST, SetField("p", "text", "y"))
    assert edits_without_effect(early, base(coming)) == [NoEffect(early.edits[0], AUGUST, None)]
    assert text(base(coming, early), date(2026, 10, 1)).get("p").fields["text"] == "x"


def test_a_permanent_edit_of_a_temporary_clause_does_nothing():
    summer = change(2, AUGUST, add("p", Kind.PROSE, text="x", language="en"), end=SEPTEMBER)
    one = change(3, date(2026, 8, 10), SetField("p", "text", "y"))
    assert edits_without_effect(one, base(summer)) == [NoEffect(one.edits[0], date(2026, 8, 10), None)]


# Places


def test_a_removed_clause_keeps_its_place_and_a_temporary_one_that_is_over_has_none():
    entries = base(
        change(2, AUGUST, add("p2", Kind.PROSE, "sl", text="two", language="en")),
        change(3, AUGUST, add("p3", Kind.PROSE, "sl", text="three", language="en")),
        change(4, AUGUST, add("p4", Kind.PROSE, "p2", text="four", language="en"), end=SEPTEMBER),
        change(5, AUGUST, RemoveClause("csat")),
    )
    shown = text(entries, AUGUST)
    assert [item.id for item in shown.clauses] == ["calendar", "sl", "csat", "voice", "notice", "p2", "p4", "p3"]
    assert [item.id for item in shown.clauses if item.removed] == ["csat"]
    assert [item.id for item in text(entries, SEPTEMBER).clauses] == [
        "calendar",
        "sl",
        "csat",
        "voice",
        "notice",
        "p2",
        "p3",
    ]
    assert text(entries, AUGUST, known=10).clauses == text(base(), AUGUST).clauses


def test_the_clause_behind_one_that_was_never_added_stands_at_the_end():
    entries = chain(change(1, FIRST, add("b", Kind.EXIT, "lost"), add("a", Kind.EFFECT)))
    assert [item.id for item in text(entries, FIRST).clauses] == ["a", "b"]
    circle = chain(change(1, FIRST, add("a", Kind.EXIT, "b"), add("b", Kind.EFFECT, "a")))
    assert [item.id for item in text(circle, FIRST).clauses] == ["a", "b"]


# Patches, differences, checks


def test_a_patch_holds_only_what_differs_from_the_permanent_layer():
    """A temporary target of 0.7 is shown, and never copied into a permanent edit."""
    entries = base(set_target(2, AUGUST, "0.7", end=SEPTEMBER))
    assert target(entries, AUGUST) == "0.7"
    below = permanent_layer(entries, AUGUST).get("sl")
    assert patch(below, dict(below.fields) | {"material": "0.05"}) == (SetField("sl", "material", "0.05"),)
    assert patch(below, below.fields) == ()
    without = {name: value for name, value in below.fields.items() if name != "target"}
    assert patch(below, without) == (SetField("sl", "target", None),)


def test_a_difference_names_fields_and_clauses():
    old = text(base(), AUGUST)
    new = text(
        base(set_target(2, AUGUST, "0.7"), change(3, AUGUST, RemoveClause("csat"), add("p", Kind.EFFECT, "sl"))), AUGUST
    )
    assert difference(old, new) == [
        Difference("sl", Kind.KPI, "target", "0.8", "0.7"),
        Difference("p", Kind.EFFECT, "", before=False, after=True),
        Difference("csat", Kind.KPI, "", before=True, after=False),
    ]


@pytest.mark.parametrize(
    ("one", "message"),
    [
        (change(3, AUGUST), "edits: change at least one field"),
        (
            set_target(3, AUGUST, "0.7", end=AUGUST),
            "span: 2026-08-01 cannot stand here; write an end after the first day",
        ),
        (change(3, AUGUST, add("csat", Kind.EFFECT)), "clause csat: write another id; this one was used before"),
        (change(3, AUGUST, SetField("lost", "target", "1")), "clause lost: name a clause of the agreement"),
        (change(3, AUGUST, add("p", Kind.EFFECT, "p")), "clause p: 'p' cannot stand here; put it behind a clause"),
        (set_target(1, AUGUST, "0.7"), "number: 1 cannot stand here; give it a number that no agreed change has"),
        (change(3, AUGUST, RemoveClause("lost")), "clause lost: name a clause of the agreement"),
        (change(3, AUGUST, SetField("sl", "aim", "1")), "clause sl, aim: leave it out"),
        (
            change(3, AUGUST, SetField("sl", "target", "much")),
            "clause sl, target: 'much' cannot stand here; write a number",
        ),
        (
            change(3, AUGUST, SetField("sl", "target", "0.70")),
            "clause sl, target: write its value in the form in which it is kept",
        ),
        (change(3, AUGUST, SetField("sl", "measure", None)), "clause sl, measure: write what is counted"),
        (change(3, AUGUST, SetField("sl", "target", "1"), RemoveClause("sl")), "clause sl: write one edit of a field"),
        (
            change(3, AUGUST, add("p", Kind.EFFECT), SetField("p", "title", "x")),
            "clause p: name a clause of the agreement",
        ),
        (
            change(3, AUGUST, add("p", Kind.EFFECT, "lost")),
            "clause p: 'lost' cannot stand here; put it behind a clause of the agreement, or one added before it",
        ),
        (
            change(3, AUGUST, add("late", Kind.CALENDAR, zone="UTC")),
            "clause late: write one clause of calendar; there are several",
        ),
    ],
)
def test_a_change_that_cannot_stand_is_refused_with_the_next_step(one, message):
    assert check_change(one, base())[0].message.startswith(message)


def test_an_id_is_never_reused_also_of_a_clause_removed():
    entries = base(change(2, FIRST, RemoveClause("csat")))
    assert check_change(change(3, AUGUST, add("csat", Kind.KPI, measure="csat")), entries)[0].message == (
        "clause csat: write another id; this one was used before"
    )


def test_a_text_lacks_what_is_required():
    assert check_text(text(base(), AUGUST)) == []


def test_a_contingent_change_holds_on_the_days_on_which_its_condition_held():
    storm = Change(2, Span(AUGUST, condition="volume above the band"), (SetField("sl", "target", "0.5"),))
    fired = {2: [Span(date(2026, 8, 10), date(2026, 8, 12))]}
    shown = [text(base(storm), date(2026, 8, day), fired=fired).get("sl").fields["target"] for day in (9, 10, 11, 12)]
    assert shown == ["0.8", "0.5", "0.5", "0.8"]
    assert target(base(storm), date(2026, 8, 10)) == "0.8"
    assert stretches(base(storm), "sl", AUGUST, date(2026, 9, 1), fired=fired)[1].first_day == date(2026, 8, 10)


def test_a_stretch_without_end_has_no_last_day():
    fields = text(base(), AUGUST).get("csat").fields
    assert stretches(base(), "csat") == [
        Stretch(date.min, FIRST - timedelta(days=1), None),
        Stretch(FIRST, None, fields),
    ]


def test_the_order_of_edits_changes_no_digest_but_that_of_additions_does():
    edits = (SetField("sl", "target", "0.7"), SetField("csat", "target", "0.6"))
    added = (add("a", Kind.EXIT), add("b", Kind.EFFECT))
    assert proposal_digest(Proposal(change(2, AUGUST, *edits), {})) == proposal_digest(
        Proposal(change(2, AUGUST, *edits[::-1]), {})
    )
    assert proposal_digest(Proposal(change(2, AUGUST, *added), {})) != proposal_digest(
        Proposal(change(2, AUGUST, *added[::-1]), {})
    )


def test_a_clause_as_shown_has_its_defaults():
    assert text(base(), AUGUST).get("sl") == Clause(
        "sl", Kind.KPI, complete(Kind.KPI, {"measure": "service_level", "target": "0.8"})
    )


@given(SEEDS, st.lists(st.tuples(DAYS, st.sampled_from([None, 1, 3]), st.sampled_from(list(Layer))), max_size=80))
def test_a_kept_chain_reads_as_the_chain_whatever_it_was_asked_before(seed, asked):
    entries = random_chain(Random(seed), 8)
    kept = KeptChain(entries)
    for day, known, layer in asked:
        assert text(kept, day, known, layer=layer) == text(entries, day, known, layer=layer)
        assert len(vars(kept)["texts"]) <= KeptChain.MOST
