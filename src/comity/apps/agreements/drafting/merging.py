"""Two texts of one draft, saved from the same one: where they differ, field by field, and one text made of both.

Nothing is lost: what only one of the two altered is taken from that one; where both altered the same, a person says
which holds. Nothing here is stored.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from comity.apps.agreements.content import DraftContent
from comity.core.agreements.changes import AddClause, Edit, RemoveClause, SetField, Word
from comity.core.agreements.kinds import Kind

MINE, THEIRS = "mine", "theirs"
Slot = tuple[str, ...]
FIRST_DAY, END = ("first_day",), ("end",)
_SAYS, _ADDED, _REMOVED, _FIELD, _WORD = "says", "added", "removed", "field", "word"


@dataclass(frozen=True, slots=True)
class _Nothing:
    """That a text has nothing in a slot, apart from a field that is set to nothing."""


NOTHING = _Nothing()


@dataclass(frozen=True, slots=True)
class Conflict:
    """Where two texts differ.

    :ivar slot: (`first_day`,), (`end`,), (`says`, name), (`added` or `removed`, clause), (`field`, clause, name), or
        (`word`, number of the other change, clause, name)
    :ivar mine, theirs: `NOTHING` where that text has nothing there
    :ivar both: whether both altered it, so that somebody has to say which holds
    :ivar taken: which of the two is taken where nobody says otherwise
    """

    slot: Slot
    mine: object
    theirs: object
    both: bool
    taken: str

    @property
    def name(self) -> str:
        """Of the control by which one says which of the two holds."""
        return "__".join(("keep", *self.slot))

    @property
    def clause(self) -> str:
        """The clause that it is about; empty for what the change says of itself."""
        if self.slot[0] == _WORD:
            return self.slot[2]
        return self.slot[1] if self.slot[0] in {_ADDED, _REMOVED, _FIELD} else ""


def slots(content: DraftContent) -> dict[Slot, Any]:
    """Return a draft as single values, each by its place."""
    found: dict[Slot, Any] = {(_SAYS, name): value for name, value in content.says.items()}
    found |= {FIRST_DAY: content.first_day} if content.first_day else {}
    found |= {END: content.end} if content.end else {}
    for edit in content.edits:
        if isinstance(edit, AddClause):
            found[_ADDED, edit.clause] = (edit.kind.value, edit.after)
            found |= {(_FIELD, edit.clause, name): value for name, value in edit.fields.items()}
        elif isinstance(edit, RemoveClause):
            found[_REMOVED, edit.clause] = True
        else:
            found[_FIELD, edit.clause, edit.field] = edit.value
    return found | {(_WORD, str(word.other), word.clause, word.field): word.instead for word in content.words}


def draft_of(found: Mapping[Slot, Any]) -> DraftContent:
    """Return the draft of single values; fields of a clause that is removed, or not added after all, go with it."""
    added = {slot[1]: value for slot, value in found.items() if slot[0] == _ADDED}
    removed = {slot[1] for slot in found if slot[0] == _REMOVED}
    edits: list[Edit] = []
    for clause, (kind, after) in added.items():
        fields = {slot[2]: value for slot, value in found.items() if slot[:2] == (_FIELD, clause) and value is not None}
        edits.append(AddClause(clause, Kind(kind), fields, after))
    gone = removed | set(added)
    edits += [
        SetField(slot[1], slot[2], value) for slot, value in found.items() if slot[0] == _FIELD and slot[1] not in gone
    ]
    edits += [RemoveClause(clause) for clause in sorted(removed - set(added))]
    kept = {edit.clause for edit in edits}
    words = tuple(
        Word(int(slot[1]), slot[2], slot[3], instead=value)
        for slot, value in found.items()
        if slot[0] == _WORD and slot[2] in kept
    )
    says = {slot[1]: value for slot, value in found.items() if slot[0] == _SAYS}
    return DraftContent(found.get(FIRST_DAY), found.get(END), tuple(edits), words, says)


def conflicts(base: DraftContent, mine: DraftContent, theirs: DraftContent) -> list[Conflict]:
    """Return where two texts that go back to one differ: what the change says first, then clause by clause."""
    before, own, others = slots(base), slots(mine), slots(theirs)
    found = []
    for slot in dict.fromkeys((*others, *own)):
        mine_value, their_value = own.get(slot, NOTHING), others.get(slot, NOTHING)
        if mine_value == their_value:
            continue
        first = before.get(slot, NOTHING)
        touched = mine_value != first, their_value != first
        both = all(touched) or _one_removes(slot, before, own, others)
        found.append(Conflict(slot, mine_value, their_value, both, THEIRS if not touched[0] else MINE))
    order = {_SAYS: 1, "first_day": 0, "end": 0}
    return sorted(found, key=lambda one: (order.get(one.slot[0], 2), one.clause, one.slot[0] == _FIELD))


def _one_removes(slot: Slot, *texts: Mapping[Slot, Any]) -> bool:
    """Whether one text takes a clause out that the other words otherwise than before."""
    if slot[0] not in {_REMOVED, _ADDED}:
        return False
    before, *both = ({key: value for key, value in one.items() if key[:2] == (_FIELD, slot[1])} for one in texts)
    return any(fields not in ({}, before) for fields in both)


def merged(
    base: DraftContent,
    mine: DraftContent,
    theirs: DraftContent,
    taken: Callable[[Conflict], str] = lambda one: one.taken,
) -> DraftContent:
    """Return one text of two.

    :param taken: gives `mine` or `theirs` for each place where they differ
    """
    found = slots(theirs)
    own = slots(mine)
    for one in conflicts(base, mine, theirs):
        if taken(one) != MINE:
            continue
        found.pop(one.slot, None)
        if one.slot in own:
            found[one.slot] = own[one.slot]
    added = {edit.clause for text in (base, mine, theirs) for edit in text.edits if isinstance(edit, AddClause)}
    gone = {clause for clause in added if (_ADDED, clause) not in found}
    return draft_of({slot: value for slot, value in found.items() if slot[0] != _FIELD or slot[1] not in gone})


def renamed(
    base: DraftContent, mine: DraftContent, theirs: DraftContent, new: Callable[[Kind, Collection[str]], str]
) -> DraftContent:
    """Return one's own text with another id for each clause that both added under the same one: they are two clauses.

    :param new: gives an id for a kind that was never used, beside those given
    """
    before, other = ({edit.clause for edit in one.edits if isinstance(edit, AddClause)} for one in (base, theirs))
    ids = {}
    used = other | {edit.clause for edit in mine.edits}
    for edit in mine.edits:
        if isinstance(edit, AddClause) and edit.clause in other - before:
            ids[edit.clause] = new(edit.kind, used)
            used.add(ids[edit.clause])
    if not ids:
        return mine
    edits = tuple(_with_id(edit, ids) for edit in mine.edits)
    words = tuple(Word(one.other, ids.get(one.clause, one.clause), one.field, one.instead) for one in mine.words)
    return DraftContent(mine.first_day, mine.end, edits, words, mine.says)


def _with_id(edit: Edit, ids: Mapping[str, str]) -> Edit:
    clause = ids.get(edit.clause, edit.clause)
    if isinstance(edit, AddClause):
        return AddClause(clause, edit.kind, edit.fields, ids.get(edit.after, edit.after))
    return RemoveClause(clause) if isinstance(edit, RemoveClause) else SetField(clause, edit.field, edit.value)
