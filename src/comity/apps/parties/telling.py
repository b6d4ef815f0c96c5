"""Lines of the log in the reader's words: raw names of roles, sides, figures and periods become words of theirs."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from comity.apps.parties.models import Access, Role
from comity.apps.wording import spoken_period
from comity.core.values import Side
from comity.review.faces.words import Words

_CHANGED = re.compile(r"(?P<name>.*): (?P<old>\w+) > (?P<new>\w+)", re.DOTALL)
_UNTIL = re.compile(r"(?P<what>.*), (?P<day>\d{4}-\d\d-\d\d)", re.DOTALL)
_DEPUTY = re.compile(r"(?P<deputy>.*) > (?P<name>.*), (?P<day>\d{4}-\d\d-\d\d)", re.DOTALL)
_TITLED = ("dispute", "claim", "action")  # with what moves in matters end
_OF_A_FILE = ("read matter", "read evidence", "read delivery", "brought in", "took back", "uploaded")
_OF_A_ROLE = ("joined", "invited", "withdrew invitation")
_OF_A_PERIOD = ("read review", "confirmed", "restated")
_OF_ONE = {"read figure": "measure", "read attribution": "measure", "read reading": "reading"}


@dataclass(frozen=True, slots=True)
class Told:
    """What a line says: what was done, the title that it was done to, and what else there is to it."""

    does: str
    title: str = ""
    about: str = ""


def told(line: Access, words: Words, party: Callable[[Side | str | None], str]) -> Told:
    """A line, told; what is not understood stands as it was written."""
    does, about = words.named("done", line.action.replace(" ", "_")), line.about
    if line.action.endswith(_TITLED) or line.action in _OF_A_FILE:
        return Told(does, title=about)
    if line.action == "handed over":
        title, _, to = about.rpartition(" > ")
        return Told(does, title=title, about=words("told.to", name=to))
    return Told(does, about=_about(line.action, about, words, party))


def _about(action: str, about: str, words: Words, party: Callable[[Side | str | None], str]) -> str:
    said = about
    if action in _OF_A_ROLE:
        role, _, side = about.partition(" ")
        said = _role(role, words)
        if side in set(Side):
            said = words("told.for_party", role=said, party=party(side))
    elif action == "changed role" and (found := _CHANGED.fullmatch(about)):
        said = f"{found['name']}: {_role(found['old'], words)} → {_role(found['new'], words)}"
    elif action == "named deputy" and (found := _DEPUTY.fullmatch(about)):
        day = words.day(date.fromisoformat(found["day"]))
        said = words("told.deputy", deputy=found["deputy"], name=found["name"], day=day)
    elif action == "held back" and (found := _UNTIL.fullmatch(about)):
        day = words.day(date.fromisoformat(found["day"]))
        item = found["what"]  # a table in words; what is only a part of one as book.toml has it
        said = words("told.until", what=words.named("table", item) if words.has(f"table.{item}") else item, day=day)
    elif action in _OF_A_PERIOD:
        said = spoken_period(about, words)
    elif action in _OF_ONE:
        one, _, period = about.rpartition(" ")
        said = f"{words.named(_OF_ONE[action], one)}, {spoken_period(period, words)}"
    return said


def _role(name: str, words: Words) -> str:
    return words(f"role.{name}").lower() if name in set(Role) else name
