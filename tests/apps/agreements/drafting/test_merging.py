"""Two texts saved from the same draft: where they differ, and one text of both. Nothing is lost without a word."""

from datetime import date

from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.drafting.merging import MINE, NOTHING, THEIRS, conflicts, draft_of, merged, renamed, slots
from comity.core.agreements.changes import AddClause, RemoveClause, SetField, Word
from comity.core.agreements.kinds import Kind
from tests.builders.agreement import add

DAY = date(2027, 6, 1)
HOURS = add("calendar", Kind.CALENDAR, zone="Europe/Madrid")
BASE = DraftContent(DAY, None, (HOURS, SetField("sl", "target", "0.85")), says={"title": "Higher", "reason": "Asked."})


def with_(base: DraftContent, *edits, **says) -> DraftContent:
    kept = [one for one in base.edits if not any(same(one, other) for other in edits)]
    return DraftContent(base.first_day, base.end, (*kept, *edits), base.words, {**base.says, **says})


def same(one, other):
    return isinstance(one, SetField) and isinstance(other, SetField) and (one.clause, one.field) == (
        other.clause, other.field
    )  # fmt: skip


def test_a_draft_is_the_same_as_its_values():
    content = DraftContent(
        DAY, date(2027, 9, 1), (HOURS, SetField("sl", "target", None), RemoveClause("csat")),
        (Word(3, "sl", "target", instead=True),), {"title": "Higher"},
    )  # fmt: skip
    assert draft_of(slots(content)) == content


def test_what_only_one_altered_is_taken_from_that_one():
    mine = with_(BASE, SetField("sl", "material", "0.02"), reason="Because of the summer.")
    theirs = with_(BASE, SetField("sl", "answer_within_s", "30"), title="Higher in summer")
    assert not any(one.both for one in conflicts(BASE, mine, theirs))
    one = merged(BASE, mine, theirs)
    assert [edit for edit in one.edits if edit not in BASE.edits] == [
        SetField("sl", "answer_within_s", "30"),
        SetField("sl", "material", "0.02"),
    ]
    assert one.says == {"title": "Higher in summer", "reason": "Because of the summer."}


def test_where_both_altered_the_same_somebody_says_which_holds():
    mine, theirs = (with_(BASE, SetField("sl", "target", target)) for target in ("0.9", "0.8"))
    (one,) = conflicts(BASE, mine, theirs)
    assert (one.slot, one.mine, one.theirs, one.both) == (("field", "sl", "target"), "0.9", "0.8", True)
    assert merged(BASE, mine, theirs, lambda _: THEIRS) == merged(BASE, theirs, theirs)
    assert SetField("sl", "target", "0.9") in merged(BASE, mine, theirs, lambda _: MINE).edits


def test_a_text_that_both_wrote_alike_is_no_conflict():
    mine = with_(BASE, SetField("sl", "target", "0.9"))
    assert conflicts(BASE, mine, mine) == []


def test_to_take_a_clause_out_that_the_other_words_otherwise_is_a_conflict():
    mine = DraftContent(DAY, None, (HOURS, RemoveClause("sl")), says=BASE.says)
    theirs = with_(BASE, SetField("sl", "material", "0.02"))
    removed = next(one for one in conflicts(BASE, mine, theirs) if one.slot == ("removed", "sl"))
    assert removed.both
    assert removed.theirs is NOTHING
    assert merged(BASE, mine, theirs).edits == (HOURS, RemoveClause("sl"))
    kept = merged(BASE, mine, theirs, lambda _: THEIRS)
    assert kept.edits == theirs.edits


def test_a_clause_that_is_not_added_after_all_leaves_no_field_behind():
    """I drop the hours that the draft added; the other sets their zone."""
    mine = DraftContent(DAY, None, BASE.edits[1:], says=BASE.says)
    other = AddClause("calendar", Kind.CALENDAR, {**HOURS.fields, "zone": "Europe/Prague"})
    theirs = DraftContent(DAY, None, (other, *BASE.edits[1:]), says=BASE.says)
    dropped = merged(BASE, mine, theirs, lambda one: MINE if one.slot[0] == "added" else THEIRS)
    assert dropped.edits == BASE.edits[1:]
    assert merged(BASE, mine, theirs, lambda _: THEIRS).edits == (other, *BASE.edits[1:])


def test_two_clauses_that_came_under_one_id_are_two():
    mine, theirs = (
        with_(BASE, add("prose", Kind.PROSE, after="sl", text=text, language="en")) for text in ("Mine.", "Theirs.")
    )
    own = renamed(
        BASE, mine, theirs, lambda kind, used: next(n for i in range(2, 9) if (n := f"{kind}_{i}") not in used)
    )
    one = merged(BASE, own, theirs)
    added = [edit for edit in one.edits if isinstance(edit, AddClause) and edit.kind is Kind.PROSE]
    assert {edit.clause: edit.fields["text"] for edit in added} == {
        "prose": "Theirs.", "prose_2": "Mine.",
    }  # fmt: skip
    assert renamed(BASE, BASE, theirs, None) is BASE


def test_a_word_goes_with_the_clause_that_it_is_about():
    theirs = DraftContent(DAY, None, BASE.edits, (Word(3, "sl", "target", instead=True),), BASE.says)
    mine = DraftContent(DAY, None, (HOURS,), says=BASE.says)
    assert merged(BASE, mine, theirs, lambda one: THEIRS if one.slot[0] == "word" else MINE).words == ()
