"""The text of the agreement on a day, as it was known at a place of the record: the fold of its changes.

    text(chain, day, known) = the entries up to place `known` that hold on `day`, one after the other: permanent ones
    first, then temporary, then contingent ones whose condition held; within a layer by the first day of their span,
    then by their place in the chain

Nothing else decides: no day on paper, no moment of signing. So what was known stays known, a permanent wording holds
from its first day in the permanent layer, and a temporary one leaves nothing behind.

Decisions where the specification leaves room:

- A change meets a permanent one whose first day is the same as its own too: one of the two would never hold.
- A change whose first day is earlier than that of the addition of its clause does nothing, also later; it does not meet
  the addition, it is pointed out. Only a removal meets an addition: it may end it.
- An *instead* counts also where the change that says it has been ended on that field by a third: both sides signed it.
- A word about what is not met is refused: an *instead* without a meeting would end a wording that the change does not
  speak of.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from comity.core.agreements.changes import (
    WHOLE,
    AddClause,
    Change,
    Edit,
    Entry,
    Layer,
    RemoveClause,
    SetField,
    Span,
    field_of,
    touched,
)
from comity.core.agreements.clauses import Clause, check_clause, check_field, check_fields, check_id, complete
from comity.core.agreements.fields import Problem, Value
from comity.core.agreements.kinds import KINDS, Kind, Values

Chain = Sequence[Entry]
Fired = Mapping[int, Sequence[Span]]  # number of a contingent change -> the days on which its condition held
NEVER: Fired = {}
_DAY = timedelta(days=1)


class KeptChain(tuple[Entry, ...]):  # noqa: SLOT001 - a subclass of tuple can have none
    """A chain that keeps its latest texts, so that a day that is asked for again is not folded again."""

    MOST = 32

    def text(self, day: date, known: int | None, layer: Layer) -> "Text":
        """Return the text of a day on which nothing contingent holds."""
        texts: dict[tuple[date, int | None, Layer], Text] = self.__dict__.setdefault("texts", {})
        key = (day, known, layer)
        if key not in texts:
            if len(texts) >= self.MOST:
                del texts[next(iter(texts))]
            texts[key] = Text(tuple(_folded(_known(self, known), day, NEVER, layer, [])))
        return texts[key]


@dataclass(frozen=True, slots=True)
class Text:
    """The agreement on a day: its clauses in their order, removed ones among them."""

    clauses: tuple[Clause, ...]

    def get(self, clause: str) -> Clause | None:
        """The clause of an id; None where it is not there, or removed."""
        return next((item for item in self.clauses if item.id == clause and not item.removed), None)

    def of(self, kind: Kind) -> list[Clause]:
        """The clauses of a kind."""
        return [item for item in self.clauses if item.kind is kind and not item.removed]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days over which a clause reads the same: `last_day` is the last of them, None: without end.

    :ivar fields: None where the clause is not there
    """

    first_day: date
    last_day: date | None
    fields: Values | None


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where a change and an agreed one would set the same field on a day.

    :ivar other: number of the agreed one
    :ivar field: the field of the other's edit; `WHOLE` where it adds or removes the clause
    :ivar first_day: the first day on which they meet
    """

    other: int
    clause: str
    field: str
    first_day: date


@dataclass(frozen=True, slots=True)
class NoEffect:
    """Days on which an edit does nothing, because the clause is not there; `last_day` None: without end."""

    edit: Edit
    first_day: date
    last_day: date | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What two texts say otherwise.

    :ivar field: empty where the clause is in one of them only
    :ivar before: the value in the first; None where there is none; of a clause, whether it is there
    """

    clause: str
    kind: Kind
    field: str
    before: Value | None
    after: Value | None


def text(
    chain: Chain, day: date, known: int | None = None, *, fired: Fired = NEVER, layer: Layer = Layer.CONTINGENT
) -> Text:
    """Return the text of a day.

    :param known: a place of the chain; None: its end
    :param fired: of contingent changes, the days on which their condition held
    :param layer: the uppermost layer that is folded; `PERMANENT` is what a permanent change is a patch of
    """
    if isinstance(chain, KeptChain) and not fired:
        return chain.text(day, known, layer)
    return Text(tuple(_folded(_known(chain, known), day, fired, layer, [])))


def permanent_layer(chain: Chain, day: date, known: int | None = None) -> Text:
    """Return the text of a day without what is temporary."""
    return text(chain, day, known, layer=Layer.PERMANENT)


def stretches(  # noqa: PLR0913 - a clause, its days, and what is known of it
    chain: Chain,
    clause: str,
    first_day: date = date.min,
    end: date | None = None,
    known: int | None = None,
    *,
    fired: Fired = NEVER,
) -> list[Stretch]:
    """Return the wordings of a clause from a day on, up to and without another, one after the other."""
    entries = _about(_known(chain, known), clause)
    found: list[Stretch] = []
    for day in _days_of_change(entries, first_day, end, fired):
        wording = next((item for item in _folded(entries, day, fired, Layer.CONTINGENT, []) if item.id == clause), None)
        fields = None if wording is None or wording.removed else wording.fields
        if found and found[-1].fields == fields:
            continue
        if found:
            found[-1] = Stretch(found[-1].first_day, day - _DAY, found[-1].fields)
        found.append(Stretch(day, None if end is None else end - _DAY, fields))
    return found


def days_told(change: Change, chain: Chain, clause: str, fired: Fired = NEVER) -> list[date]:
    """Return the days of a change from which a clause reads otherwise than without it; its first day where none does.

    Not only the first day tells: over it another wording may lie for a time, or the clause may begin later.
    """
    span = change.span
    own = {**fired, change.number: [span]} if span.condition else fired
    both = [
        stretches(entries, clause, span.first_day, span.end, fired=own)
        for entries in ([entry for entry in chain if entry.change.number != change.number], with_change(chain, change))
    ]
    told: dict[tuple[str, str], date] = {}
    for day in sorted({one.first_day for those in both for one in those}):
        before, after = (next((one.fields for one in reversed(those) if one.first_day <= day), None) for those in both)
        if before != after:
            told.setdefault((repr(before), repr(after)), day)
    return list(told.values()) or [span.first_day]


def wordings_told(change: Change, chain: Chain) -> Iterator[tuple[str, date, Text, Text]]:
    """Yield each clause that a change touches with each day from which it reads otherwise, and that day's two texts."""
    before, after = [entry for entry in chain if entry.change.number != change.number], with_change(chain, change)
    texts: dict[date, tuple[Text, Text]] = {}
    for clause in touched(change.edits):
        for day in days_told(change, chain, clause):
            if day not in texts:
                texts[day] = text(before, day), text(after, day)
            yield clause, day, *texts[day]


def meetings(change: Change, chain: Chain) -> list[Meeting]:
    """Return each field and agreed change that a change meets, whether it has a word for it or not.

    Two changes meet where they edit a field (or a clause as a whole) on a common day, and the agreed one is temporary
    or contingent, or is permanent and begins on the first day of the change or later.
    """
    return [
        Meeting(entry.change.number, theirs.clause, field_of(theirs), day)
        for entry in chain
        if entry.change.number != change.number and _may_meet(change, entry.change)
        for theirs in entry.change.edits
        if any(_conflict(own, theirs) for own in change.edits)
        and (day := _first_common_day(change, entry, theirs, chain)) is not None
    ]


def unsettled_meetings(change: Change, chain: Chain) -> list[Meeting]:
    """Return the meetings for which a change says neither *until then* nor *instead*; it cannot be signed with any."""
    settled = {(word.other, word.clause, word.field) for word in change.words}
    return [met for met in meetings(change, chain) if (met.other, met.clause, met.field) not in settled]


def edits_without_effect(change: Change, chain: Chain) -> list[NoEffect]:
    """Return the edits that do nothing on some of the change's days, because their clause is not there then."""
    entries, own = with_change(chain, change), change.span
    found: list[NoEffect] = []
    edges = _days_of_change(entries, own.first_day, own.end, {change.number: [own]})
    for at, day in enumerate(edges):
        ignored: list[tuple[int, int]] = []
        list(_folded(entries, day, {change.number: [own]}, Layer.CONTINGENT, ignored))
        until = edges[at + 1] - _DAY if at + 1 < len(edges) else (None if own.end is None else own.end - _DAY)
        for number, place in ignored:
            if number == change.number:
                found.append(NoEffect(change.edits[place], day, until))
    return _joined(found)


def check_change(change: Change, chain: Chain) -> list[Problem]:
    """Return all reasons for which a change cannot be put to the other side as it stands, meetings aside.

    Edits of clauses that are not there are no problem; they are pointed out (`edits_without_effect`).
    """
    problems = _check_span(change) + [problem for edit in change.edits for problem in check_id(edit.clause)]
    if any(entry.change.number == change.number for entry in chain):
        problems.append(Problem("", "number", str(change.number), "give it a number that no agreed change has"))
    kinds = {edit.clause: edit.kind for entry in chain for edit in entry.change.edits if isinstance(edit, AddClause)}
    for edit in change.edits:
        if isinstance(edit, AddClause) and edit.clause in kinds:
            problems.append(Problem(edit.clause, "", "", "write another id; this one was used before"))
    own: set[str] = set()
    for edit in change.edits:
        problems += _check_edit(edit, kinds, own)
        own |= {edit.clause} if isinstance(edit, AddClause) else set()
    twice = [
        edit for at, edit in enumerate(change.edits) if any(_same_place(edit, before) for before in change.edits[:at])
    ]
    problems += [Problem(edit.clause, field_of(edit), "", "write one edit of a field") for edit in twice]
    met = {(item.other, item.clause, item.field) for item in meetings(change, chain)}
    for word in change.words:
        if (word.other, word.clause, word.field) not in met:
            expected = f"leave out the word about change {word.other}, which this change does not meet there"
            problems.append(Problem(word.clause, word.field, "", expected))
    return problems or _check_outcome(change, chain)


def with_change(chain: Chain, change: Change) -> list[Entry]:
    """Return the chain with a change at its end, as if it were agreed now."""
    place = max((entry.place for entry in chain), default=0) + 1
    return [*(entry for entry in chain if entry.change.number != change.number), Entry(place, change)]


def patch(before: Clause, wanted: Values) -> tuple[SetField, ...]:
    """Return the edits that make a clause read as wanted: of those fields alone that differ.

    :param before: as the *permanent layer* has it, so that a temporary wording is never copied into a permanent edit
    :param wanted: in the form in which values are kept; what it leaves out is left to its default
    """
    own, other = complete(before.kind, before.fields), complete(before.kind, wanted)
    return tuple(
        SetField(before.id, item.name, other.get(item.name))
        for item in KINDS[before.kind].fields
        if own.get(item.name) != other.get(item.name)
    )


def edits_between(before: Text, after: Text) -> tuple[Edit, ...]:
    """Return the edits that make one text of another; ids that were used for another kind are not reused.

    The order of clauses that are in both stays as it is.
    """
    edits: list[Edit] = [
        RemoveClause(item.id) for item in before.clauses if not item.removed and after.get(item.id) is None
    ]
    ids, anchor = {item.id for item in before.clauses}, ""
    for item in after.clauses:
        was = before.get(item.id)
        if was is not None and not item.removed:
            edits += patch(was, item.fields)
        elif not item.removed:
            edits.append(AddClause(item.id, item.kind, item.fields, anchor))
        if not item.removed or item.id in ids:
            anchor = item.id
    return tuple(edits)


def difference(before: Text, after: Text) -> list[Difference]:
    """Return what two texts say otherwise, in the order of the second, removed clauses last."""
    found: list[Difference] = []
    for item in after.clauses:
        was = before.get(item.id)
        if item.removed:
            continue
        if was is None:
            found.append(Difference(item.id, item.kind, WHOLE, before=False, after=True))
            continue
        found += [
            Difference(item.id, item.kind, name, was.fields.get(name), item.fields.get(name))
            for name in KINDS[item.kind].by_name
            if was.fields.get(name) != item.fields.get(name)
        ]
    gone = [item for item in before.clauses if not item.removed and after.get(item.id) is None]
    return found + [Difference(item.id, item.kind, WHOLE, before=True, after=False) for item in gone]


def check_text(of: Text) -> list[Problem]:
    """Return what cannot stand in a text: a clause that lacks something, and two of a kind of which there is one."""
    problems = [problem for item in of.clauses if not item.removed for problem in check_clause(item)]
    for kind, spec in KINDS.items():
        several = of.of(kind) if spec.single else []
        problems += [Problem(item.id, "", "", f"write one clause of {kind}; there are several") for item in several[1:]]
    return problems


def _known(chain: Chain, known: int | None) -> list[Entry]:
    return [entry for entry in chain if known is None or entry.place <= known]


def _about(entries: Sequence[Entry], clause: str) -> list[Entry]:
    """Return the entries about a clause, each with what it says of that clause alone."""
    found = []
    for entry in entries:
        edits = tuple(edit for edit in entry.change.edits if edit.clause == clause)
        words = tuple(word for word in entry.change.words if word.clause == clause)
        if edits or words:
            found.append(replace(entry, change=replace(entry.change, edits=edits, words=words)))
    return found


def _holds(change: Change, day: date, fired: Fired) -> bool:
    if day not in change.span:
        return False
    return not change.span.condition or any(day in span for span in fired.get(change.number, ()))


def _folded(
    entries: Sequence[Entry], day: date, fired: Fired, layer: Layer, ignored: list[tuple[int, int]]
) -> Iterator[Clause]:
    """Yield the clauses of a day in their order.

    :param ignored: (number of a change, place of its edit) is added for each edit whose clause is not there
    """
    holding = [entry for entry in entries if entry.change.span.layer <= layer and _holds(entry.change, day, fired)]
    holding.sort(key=lambda entry: (entry.change.span.layer, entry.change.span.first_day, entry.place))
    ended = {(word.other, word.clause, word.field) for entry in holding for word in entry.change.words if word.instead}
    kinds: dict[str, Kind] = {}
    there: dict[str, dict[str, Value] | None] = {}  # None: removed
    for entry in holding:
        number = entry.change.number
        for at, edit in enumerate(entry.change.edits):
            if ended and (number, edit.clause, field_of(edit)) in ended:
                continue
            if isinstance(edit, AddClause):
                kinds[edit.clause], there[edit.clause] = edit.kind, dict(edit.fields)
                continue
            fields = there.get(edit.clause)
            if fields is None:
                ignored.append((number, at))
            elif isinstance(edit, RemoveClause):
                there[edit.clause] = None
            elif edit.value is None:
                fields.pop(edit.field, None)
            else:
                fields[edit.field] = edit.value
    for clause in _in_order(entries) if len(there) > 1 else list(there):
        if clause in there:
            fields, kind = there[clause], kinds[clause]
            yield (
                Clause(clause, kind, {}, removed=True)
                if fields is None
                else Clause(clause, kind, complete(kind, fields))
            )


def _in_order(entries: Sequence[Entry]) -> list[str]:
    """Return the ids of all clauses that were ever added, each behind its anchor, in the order of the chain."""
    behind: dict[str, list[str]] = {}
    every: set[str] = set()
    for entry in sorted(entries, key=lambda entry: entry.place):
        for edit in entry.change.edits:
            if isinstance(edit, AddClause) and edit.clause not in every:
                behind.setdefault(edit.after, []).append(edit.clause)
                every.add(edit.clause)
    lost = [clause for anchor, those in behind.items() if anchor and anchor not in every for clause in those]
    order: list[str] = []
    placed: set[str] = set()
    stack = [*behind.get("", []), *lost][::-1]
    while stack:
        clause = stack.pop()
        if clause not in placed:  # an anchor that stands behind itself would not end
            placed.add(clause)
            order.append(clause)
            stack += reversed(behind.get(clause, []))
    return [*order, *sorted(every - placed)]


def _days_of_change(entries: Sequence[Entry], first_day: date, end: date | None, fired: Fired) -> list[date]:
    """Return the days from `first_day` on, up to and without `end`, on which a text may change."""
    spans = [span for entry in entries for span in (entry.change.span, *fired.get(entry.change.number, ()))]
    edges = {edge for span in spans for edge in (span.first_day, span.end) if edge is not None}
    return [first_day, *sorted(edge for edge in edges if edge > first_day and (end is None or edge < end))]


def _may_meet(change: Change, other: Change) -> bool:
    return other.span.layer is not Layer.PERMANENT or other.span.first_day >= change.span.first_day


def _conflict(own: Edit, theirs: Edit) -> bool:
    """Whether two edits meet: of the same field, or where one removes the clause."""
    if own.clause != theirs.clause or isinstance(own, AddClause):
        return False
    if isinstance(own, RemoveClause) or isinstance(theirs, RemoveClause):
        return True
    return isinstance(theirs, SetField) and theirs.field == own.field


def _first_common_day(change: Change, entry: Entry, theirs: Edit, chain: Chain) -> date | None:
    """Return the first day of both on which no third has ended the other's edit; None where there is none."""
    place = (entry.change.number, theirs.clause, field_of(theirs))
    ends = [
        other.change.span
        for other in chain
        if other.change.number != change.number
        and any(word.instead and (word.other, word.clause, word.field) == place for word in other.change.words)
    ]
    day: date | None = max(change.span.first_day, entry.change.span.first_day)
    while day is not None and day in change.span and day in entry.change.span:
        over = next((span for span in ends if day in span), None)
        if over is None:
            return day
        day = over.end
    return None


def _joined(found: Sequence[NoEffect]) -> list[NoEffect]:
    """Join days without effect that follow on one another."""
    joined: list[NoEffect] = []
    for item in found:
        before = next((one for one in joined if one.edit is item.edit and one.last_day == item.first_day - _DAY), None)
        if before is None:
            joined.append(item)
        else:
            joined[joined.index(before)] = NoEffect(item.edit, before.first_day, item.last_day)
    return joined


def _same_place(edit: Edit, other: Edit) -> bool:
    if edit.clause != other.clause:
        return False
    return not isinstance(edit, SetField) or not isinstance(other, SetField) or edit.field == other.field


def _check_span(change: Change) -> list[Problem]:
    problems = []
    if not change.edits:
        problems.append(Problem("", "edits", "", "change at least one field"))
    if change.span.end is not None and change.span.end <= change.span.first_day:
        problems.append(Problem("", "span", change.span.end.isoformat(), "write an end after the first day"))
    return problems


def _check_edit(edit: Edit, kinds: Mapping[str, Kind], own: Collection[str]) -> list[Problem]:
    if isinstance(edit, AddClause):
        values, problems = check_fields(edit.clause, edit.kind, edit.fields)
        if edit.after and edit.after not in kinds and edit.after not in own:
            problems.append(
                Problem(
                    edit.clause,
                    "",
                    ascii(edit.after)[:60],
                    "put it behind a clause of the agreement, or one added before it",
                )
            )
        if not problems and values != dict(edit.fields):
            problems.append(Problem(edit.clause, "", "", "write its values in the form in which they are kept"))
        return problems
    if edit.clause not in kinds:
        return [Problem(edit.clause, "", "", "name a clause of the agreement")]
    if isinstance(edit, RemoveClause):
        return []
    value, problems = check_field(edit.clause, kinds[edit.clause], edit.field, edit.value)
    if not problems and value != edit.value:
        problems.append(Problem(edit.clause, edit.field, "", "write its value in the form in which it is kept"))
    return problems


def _check_outcome(change: Change, chain: Chain) -> list[Problem]:
    """Check the texts that a change makes on its days, as far as it touches them."""
    entries = with_change(chain, change)
    fired = {change.number: [change.span]}
    ids = set(touched(change.edits))
    found: dict[Problem, None] = {}
    for day in _days_of_change(entries, change.span.first_day, change.span.end, fired):
        for problem in check_text(text(entries, day, fired=fired)):
            if problem.clause in ids:
                found[problem] = None
    return list(found)
