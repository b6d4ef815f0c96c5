"""What the ledger's lines are about: the app of each type of subject registers how its subjects are named and opened.

The ledger stands below the apps whose steps it posts, and knows of their subjects a type and an id alone.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side


@dataclass(frozen=True, slots=True)
class SubjectLink:
    """A subject as a page names it."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted from the steps of one subject.

    :ivar open: debtor and kind of each promise that is open
    """

    subject: UUID
    open: tuple[tuple[Side, str], ...]


@dataclass(frozen=True, slots=True)
class SubjectType:
    """What the ledger asks of an app.

    :ivar links: names the subjects of these ids
    :ivar count: counts what is open of every subject from its steps, by other code than that which posts
    """

    name: str
    links: Callable[[MemberContext, Collection[UUID]], Mapping[UUID, SubjectLink]]
    count: Callable[[MemberContext], Collection[Counted]]


_types: dict[str, SubjectType] = {}


def add_subject_type(subject_type: SubjectType) -> None:
    """Register a type of subject."""
    _types[subject_type.name] = subject_type


def subject_types() -> list[SubjectType]:
    """Return the types, by name."""
    return [_types[name] for name in sorted(_types)]


def links(member: MemberContext, subjects: Collection[tuple[str, UUID]]) -> dict[UUID, SubjectLink]:
    """Return the names of subjects by id; one query or so for each type."""
    named: dict[UUID, SubjectLink] = {}
    for name, subject_type in _types.items():
        ids = {pk for of, pk in subjects if of == name}
        if ids:
            named |= subject_type.links(member, ids)
    return named
