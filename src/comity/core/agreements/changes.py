"""A change of the agreement: edits of single fields, over a span of days, with its reason and what it is to bring.

The agreement is what its changes make of an empty text (`text`). This module says what a change is; where it may stand
beside others is `text.meetings`, how it is signed `signing`.

A change holds only fields that differ from the permanent layer. Where it meets another on a field and a day it says
for each *until then* or *instead* (`Word`); an *instead* ends the other on that field from its own first day **for as
long as the change itself lasts**, so that a temporary one leaves nothing behind. (The specification says "ends the
other on that field from its own first day"; read without that limit, a week's change over a summer's would cut the
summer off after the week.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import IntEnum
from typing import Any

from comity.core.agreements import canonical
from comity.core.agreements.expected import Expected
from comity.core.agreements.fields import Field, FieldType, Many, Problem, Value, choice_field, normalise
from comity.core.agreements.kinds import BOTH, SIDES, WHO, Kind, Values
from comity.core.values import Side

SCHEMA = "comity.change/1"
WHOLE = ""  # instead of a field's name: the clause as a whole, which is added or removed


class Layer(IntEnum):
    """What lies over what in the text of a day."""

    PERMANENT = 0
    TEMPORARY = 1
    CONTINGENT = 2


@dataclass(frozen=True, slots=True)
class Span:
    """The days of a change: from its first day on, or up to and without `end`.

    With a `condition` it is contingent: it holds on the days on which the condition has been found to hold, and may be
    found to from its first day on. The first version opens a matter then, and refuses to sign such a change.
    """

    first_day: date
    end: date | None = None
    condition: str = ""

    @property
    def layer(self) -> Layer:
        """Over what it lies."""
        if self.condition:
            return Layer.CONTINGENT
        return Layer.PERMANENT if self.end is None else Layer.TEMPORARY

    @property
    def last_day(self) -> date | None:
        """Its last day, as people say it; None: it has none."""
        return None if self.end is None else self.end - timedelta(days=1)

    def __contains__(self, day: date) -> bool:
        """Whether it may hold on a day."""
        return self.first_day <= day and (self.end is None or day < self.end)


@dataclass(frozen=True, slots=True)
class SetField:
    """Sets one field of a clause, in the form in which values are kept; None leaves what holds by default."""

    clause: str
    field: str
    value: Value | None


@dataclass(frozen=True, slots=True)
class AddClause:
    """Adds a clause behind another.

    :ivar clause: an id that was never used
    :ivar after: id of the clause that it stands behind; empty: at the beginning
    """

    clause: str
    kind: Kind
    fields: Values = field(default_factory=dict)
    after: str = ""


@dataclass(frozen=True, slots=True)
class RemoveClause:
    """Removes a clause, which keeps its place."""

    clause: str


Edit = SetField | AddClause | RemoveClause


def field_of(edit: Edit) -> str:
    """Return the field that an edit is about; `WHOLE` for a clause added or removed."""
    return edit.field if isinstance(edit, SetField) else WHOLE


@dataclass(frozen=True, slots=True)
class Word:
    """What a change says of another that it meets on a field.

    :ivar other: number of the other change
    :ivar field: the field, or `WHOLE` where the other adds or removes the clause
    :ivar instead: whether it ends the other there; otherwise the order of the fold holds: *until then*
    """

    other: int
    clause: str
    field: str
    instead: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What a change does to the text.

    :ivar number: given when it is proposed, so that a gap does not tell of a draft
    """

    number: int
    span: Span
    edits: tuple[Edit, ...]
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An agreed change at its place in the record.

    :ivar place: number of the entry in the chain; what was known at a place is what the chain held up to it
    """

    place: int
    change: Change
    agreed_at: datetime | None = None


# What a change says beside its edits. Amounts of benefits are private to each side and are no field of it.
CHANGE_FIELDS: tuple[Field, ...] = (
    Field("title", FieldType.LINE, "its title", "Open until ten", required=True),
    choice_field("proposed_by", "the side that proposes it", SIDES, required=True),
    Field("person", FieldType.LINE, "who proposes it", "Ana Ruiz", required=True, person=True),
    choice_field("on_behalf_of", "the side in whose name it is typed, where it is not the typist's own", SIDES),
    choice_field("carried_out_by", "who carries it out", WHO, required=True),
    Field("decided_on", FieldType.DAY, "the day on which the proposer's side decided it", "2026-09-01"),
    Field("told", FieldType.LINE, "items by which the other side was told before", ["I-14"], many=Many.SET),
    Field("origin", FieldType.LINE, "the matter that it comes from", "N-114"),
    Field("reason", FieldType.PROSE, "why", "Callers give up after work.", required=True),
    Field(
        "expects",
        FieldType.RECORD,
        "what it is expected to bring",
        [{"figure": "service_level", "direction": "up", "by": "2026-12-31"}],
        many=Many.SET,
        fields=(
            Field("figure", FieldType.LINE, "which KPI or reading", "service_level", required=True),
            choice_field("direction", "which way", ("up", "down"), required=True),
            Field("size", FieldType.NUMBER, "by how much, in its unit", "0.02"),
            Field("by", FieldType.DAY, "by when", "2026-12-31", required=True),
        ),
    ),
    Field("expects_nothing", FieldType.PROSE, "why nothing is expected of a figure", "A word is made clear."),
    *(Field(f"{side}_benefit", FieldType.PROSE, f"what the {side} has of it", "Fewer complaints.") for side in Side),
    Field("open_until", FieldType.DAY, "the last day on which it can be signed", "2026-09-30"),
)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One revision of a change: what it does, and what it says of itself (`CHANGE_FIELDS`, as values are kept)."""

    change: Change
    says: Values

    @property
    def giver(self) -> Side:
        """The side whose change it is, whoever typed it.

        A side writes down in the other's name only what it carries out itself (`check_says`): else the customer could
        type a change that the provider executes as the provider's own, and would owe it no notice.
        """
        return Side(str(self.says.get("on_behalf_of") or self.says["proposed_by"]))

    @property
    def carried_out_by(self) -> tuple[Side, ...]:
        """The sides that carry it out."""
        who = self.says["carried_out_by"]
        return tuple(Side) if who == BOTH else (Side(str(who)),)


@dataclass(frozen=True, slots=True)
class Revision:
    """A proposal as one side put it to the other.

    :ivar number: from 1; each counter-proposal and each alteration is a new one
    :ivar side: its author's
    :ivar person: the author's name then
    :ivar readable_at: when the other side could read it; an aware moment
    :ivar known: the last place of the chain that its author saw
    :ivar person_id: of the author, as the room knows them; empty where it was not recorded
    """

    number: int
    side: Side
    person: str
    readable_at: datetime
    proposal: Proposal
    known: int = 0
    person_id: str = ""


def check_says(written: Mapping[str, object]) -> tuple[dict[str, Value], list[Problem]]:
    """Return what a change says of itself in the form in which values are kept, and all problems."""
    declared = {item.name: item for item in CHANGE_FIELDS}
    says: dict[str, Value] = {}
    problems = [Problem("", name, "", "leave it out") for name in written if name not in declared]
    for name, item in declared.items():
        value, found = normalise(item, written.get(name))
        problems += found
        if value is not None:
            says[name] = value
        elif item.required and not found:
            problems.append(Problem("", name, "", Expected("missing", what=item.meaning)))
    other = says.get("on_behalf_of")
    if (
        other is not None
        and other != says.get("proposed_by")
        and says.get("carried_out_by") not in {says.get("proposed_by"), BOTH}
    ):
        problems.append(Problem("", "on_behalf_of", str(other), Expected("on_behalf")))
    if "expects" not in says and "expects_nothing" not in says:
        problems.append(Problem("", "expects", "", Expected("expects")))
    return says, problems


def change_content(change: Change) -> dict[str, Any]:
    """Return what a change does as the canonical form holds it.

    The order of edits and words means nothing, but that clauses added behind one anchor stand in it: so those keep
    their order, and all else is sorted.
    """
    span = {"first_day": change.span.first_day.isoformat()}
    if change.span.end is not None:
        span["end"] = change.span.end.isoformat()
    if change.span.condition:
        span["condition"] = change.span.condition
    added = [_edit_content(edit) for edit in change.edits if isinstance(edit, AddClause)]
    others = [_edit_content(edit) for edit in change.edits if not isinstance(edit, AddClause)]
    words = [
        {
            "other": word.other,
            "clause": word.clause,
            "field": word.field,
            "word": "instead" if word.instead else "until_then",
        }
        for word in change.words
    ]
    return {
        "schema": SCHEMA,
        "number": change.number,
        "span": span,
        "edits": [*added, *sorted(others, key=canonical.canonical)],
        "words": sorted(words, key=canonical.canonical),
    }


def proposal_digest(proposal: Proposal) -> str:
    """Return the digest of a revision: what the change does, and all that it says of itself."""
    return canonical.digest(change_content(proposal.change) | {"says": dict(proposal.says)})


def parse_change(content: Mapping[str, Any]) -> Change:
    """Return the change of a content that `change_content` made, such as a file of a book holds.

    Whether its edits can stand is `text.check_change`.

    :raises canonical.UnreadableTextError: for another schema, and where a part is missing
    """
    if content.get("schema") != SCHEMA:
        raise canonical.UnreadableTextError(f"write schema {SCHEMA}")
    try:
        span = content["span"]
        end = span.get("end")
        return Change(
            int(content["number"]),
            Span(
                date.fromisoformat(span["first_day"]),
                date.fromisoformat(end) if end else None,
                span.get("condition", ""),
            ),
            tuple(_parse_edit(edit) for edit in content["edits"]),
            tuple(
                Word(
                    int(word["other"]),
                    word["clause"],
                    word["field"],
                    instead={"instead": True, "until_then": False}[word["word"]],
                )
                for word in content["words"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise canonical.UnreadableTextError(f"a change lacks, or has otherwise than it is written: {error}") from None


def _edit_content(edit: Edit) -> dict[str, Any]:
    if isinstance(edit, AddClause):
        return {"add": edit.clause, "kind": edit.kind.value, "fields": dict(edit.fields), "after": edit.after}
    if isinstance(edit, RemoveClause):
        return {"remove": edit.clause}
    content: dict[str, Any] = {"set": edit.clause, "field": edit.field}
    return content if edit.value is None else content | {"value": edit.value}


def _parse_edit(content: Mapping[str, Any]) -> Edit:
    if "add" in content:
        return AddClause(content["add"], Kind(content["kind"]), content["fields"], content["after"])
    if "remove" in content:
        return RemoveClause(content["remove"])
    return SetField(content["set"], content["field"], content.get("value"))


def touched(edits: Sequence[Edit]) -> tuple[str, ...]:
    """Return the ids of the clauses that edits touch, each once, in their order."""
    return tuple(dict.fromkeys(edit.clause for edit in edits))
