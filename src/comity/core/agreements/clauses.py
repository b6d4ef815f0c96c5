"""Clauses as they read on a day, with their defaults, and the checks of what people write into them."""

from collections.abc import Mapping
from dataclasses import dataclass

from comity.core.agreements.expected import Expected
from comity.core.agreements.fields import Problem, Value, is_clause_id, named_clauses, named_people, normalise
from comity.core.agreements.kinds import KINDS, Kind, NoticeItem, Values
from comity.core.agreements.people import Named


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause as it reads on a day.

    :ivar fields: in the form in which values are kept, with every default written out; a field of which nothing holds
        is absent
    :ivar removed: it was there on an earlier day, and keeps its place; `fields` are empty
    """

    id: str
    kind: Kind
    fields: Values
    removed: bool = False


def complete(kind: Kind, values: Values) -> dict[str, Value]:
    """Return a clause's fields with every default written out."""
    spec = KINDS[kind]
    return {**spec.defaults, **spec.derived(values), **values}


def check_id(clause: str) -> list[Problem]:
    """Check the id of a clause."""
    if is_clause_id(clause):
        return []
    return [
        Problem(
            "", "", ascii(clause)[:60], "write an id of one line, of 1 to 80 characters, without blanks at its ends"
        )
    ]


def check_field(clause: str, kind: Kind, name: str, written: object) -> tuple[Value | None, list[Problem]]:
    """Return the value of one field in the form in which it is kept; None for absent, or with problems."""
    spec = KINDS[kind]
    if name not in spec.by_name:
        return None, [Problem(clause, name, "", Expected("unknown", kind=kind, names=", ".join(spec.by_name)))]
    return normalise(spec.by_name[name], written, clause)


def check_fields(clause: str, kind: Kind, written: Mapping[str, object]) -> tuple[dict[str, Value], list[Problem]]:
    """Return the fields of a clause in the form in which they are kept, without defaults, and all problems.

    What is required, and what has to hold between fields, is asked too.
    """
    values: dict[str, Value] = {}
    problems: list[Problem] = []
    for name, value in written.items():
        kept, found = check_field(clause, kind, name, value)
        problems += found
        if kept is not None:
            values[name] = kept
    return values, problems or check_clause(Clause(clause, kind, complete(kind, values)))


def check_clause(clause: Clause) -> list[Problem]:
    """Check what one field alone cannot tell: what is required, and what has to hold between fields."""
    spec = KINDS[clause.kind]
    problems = [
        Problem(clause.id, item.name, "", Expected("missing", what=item.meaning))
        for item in spec.fields
        if item.required and item.name not in clause.fields
    ]
    for rule in spec.rules:
        problems += [Problem(clause.id, name, "", expected) for name, expected in rule(clause.fields)]
    return problems


def names_clauses(clause: Clause) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return (field, id, kinds allowed) for each clause that a clause names."""
    return [(item.name, other, item.kinds) for item, other in named_clauses(KINDS[clause.kind].fields, clause.fields)]


def names_people(clause: Clause) -> list[tuple[str, Named]]:
    """Return (field, person) for each person that a clause names."""
    return [(item.name, person) for item, person in named_people(KINDS[clause.kind].fields, clause.fields)]


def notice_item(clause: Clause) -> NoticeItem | None:
    """Return what notice is agreed for a change of this clause; None where the notice clause has no word for it."""
    if clause.kind is Kind.PROSE:
        about = clause.fields.get("about")
        return NoticeItem(str(about)) if about in {NoticeItem.SCRIPT, NoticeItem.STAFFING} else None
    return KINDS[clause.kind].notice
