"""People as a text and its steps know them: by the id of a room, and by name where nothing else was recorded.

A name is what is shown. Two namesakes are two people, and whoever takes another's name does not become them.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """A person by name and id.

    :ivar id: as the room knows them; empty where nobody recorded it, as at home and in texts of before
    """

    name: str
    id: str = ""

    def is_same(self, other: "Named") -> bool:
        """Whether two are one person: by their ids where both have one, else by their names."""
        return self.id == other.id if self.id and other.id else self.name == other.name


def distinct(people: Sequence[Named]) -> list[Named]:
    """Return people, each once; one without an id is whoever among them bears the name."""
    by_id = {one.id: one for one in people if one.id}
    names = {one.name for one in people if one.id}
    return [*by_id.values(), *(Named(name) for name in sorted({one.name for one in people if not one.id} - names))]
