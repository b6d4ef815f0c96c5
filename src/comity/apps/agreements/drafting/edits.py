"""What a person's edit of a clause makes of a draft. Nothing here is stored."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date

from comity.apps.agreements.content import DraftContent
from comity.core.agreements import signing
from comity.core.agreements.changes import AddClause, Edit, Layer, RemoveClause, Word
from comity.core.agreements.clauses import complete
from comity.core.agreements.fields import Value
from comity.core.agreements.kinds import Kind
from comity.core.agreements.text import (
    Meeting,
    Text,
    meetings,
    patch,
    permanent_layer,
    text,
    with_change,
)


def first_day_of(content: DraftContent, now: signing.Situation) -> date:
    """Return the first day of a draft; today where it names none yet."""
    return content.first_day or now.today


def drafted_text(content: DraftContent, now: signing.Situation) -> Text:
    """Return the text of the draft's first day, with the draft."""
    change = DraftContent(first_day_of(content, now), content.end, content.edits, content.words).change(0)
    return text(with_change(now.chain, change), change.span.first_day)


def edited_text(content: DraftContent, now: signing.Situation) -> Text:
    """Return the text that a draft edits: the permanent layer of its first day, with the draft.

    What holds for a time only lies over it, and is never copied into an edit.
    """
    lasting = [entry for entry in now.chain if entry.change.span.layer is Layer.PERMANENT]
    change = DraftContent(first_day_of(content, now), None, content.edits).change(0)
    return text(with_change(lasting, change), change.span.first_day)


def new_id(kind: Kind, now: signing.Situation, content: DraftContent, beside: Collection[str] = ()) -> str:
    """Return an id that was never used: the kind, with a number from the second on.

    :param beside: ids that are taken too
    """
    edits = [edit for entry in now.chain for edit in entry.change.edits] + list(content.edits)
    used = {edit.clause for edit in edits} | set(beside)
    number = 1
    while (name := kind.value if number == 1 else f"{kind.value}_{number}") in used:
        number += 1
    return name


def with_clause(
    content: DraftContent, now: signing.Situation, clause: str, kind: Kind, values: Mapping[str, Value]
) -> DraftContent:
    """Return the draft with a clause as wanted: only fields that differ from the permanent layer are edits."""
    before = permanent_layer(now.chain, first_day_of(content, now)).get(clause)
    edits: tuple[Edit, ...]
    if before is None:
        anchor = next(
            (edit.after for edit in content.edits if isinstance(edit, AddClause) and edit.clause == clause), None
        )
        last = [one.id for one in drafted_text(content, now).clauses if one.id != clause]
        after = anchor if anchor is not None else (last[-1] if last else "")
        edits = (AddClause(clause, kind, dict(values), after),)
    else:
        edits = patch(before, complete(kind, values))
    # In the place of the edits before: a clause that is added stays before those that stand behind it.
    place = next((at for at, edit in enumerate(content.edits) if edit.clause == clause), len(content.edits))
    others = [edit for edit in content.edits if edit.clause != clause]
    every = (*others[:place], *edits, *others[place:])
    kept = {edit.clause for edit in every}
    words = tuple(word for word in content.words if word.clause in kept)
    return DraftContent(content.first_day, content.end, every, words, content.says)


def without_clause(content: DraftContent, clause: str, *, remove: bool) -> DraftContent:
    """Return the draft without its edits of a clause, or with its removal."""
    added = next((edit for edit in content.edits if isinstance(edit, AddClause) and edit.clause == clause), None)
    edits = tuple(_behind(edit, clause, added) for edit in content.edits if edit.clause != clause)
    if remove and added is None:
        edits = (*edits, RemoveClause(clause))
    words = tuple(word for word in content.words if word.clause != clause)
    return DraftContent(content.first_day, content.end, edits, words, content.says)


def _behind(edit: Edit, gone: str, added: AddClause | None) -> Edit:
    """Return an edit that stands behind a clause that is no longer added behind what that stood behind."""
    if added is not None and isinstance(edit, AddClause) and edit.after == gone:
        return replace(edit, after=added.after)
    return edit


def with_words(content: DraftContent, said: Mapping[str, str], number: int, now: signing.Situation) -> DraftContent:
    """Return the draft with what was said of each change that it meets: which of the two wordings holds.

    :param said: name of the control (`word_name`) -> `until_then` or `instead`
    :param number: of the change; 0 for one that was not proposed
    """
    found = []
    for one in meetings(content.change(number), now.chain):
        word = said.get(word_name(one))
        if word in {"instead", "until_then"}:
            found.append(Word(one.other, one.clause, one.field, instead=word == "instead"))
    return DraftContent(content.first_day, content.end, content.edits, tuple(found), content.says)


def word_name(meeting: Meeting) -> str:
    """Return the name of the control by which one says which of two wordings holds."""
    return f"word__{meeting.other}__{meeting.clause}__{meeting.field}"
