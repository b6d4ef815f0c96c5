"""TOML that people wrote, or that somebody made to upset us, read key by key; every complaint names file and place.

Python's reader takes integers of any length and nests as deep as its stack; TOML knows 64 bits, and nothing here
is more than a few tables deep.
"""

import difflib
import json
import math
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import available_timezones

from comity.book.errors import UnusableFileError
from comity.book.patterns import pattern_error

_SHOWN_LINE = 120  # signs of a line that is no TOML
_DEEPEST = 40
_LARGEST = 2**63
_KIND_WORDS = {
    str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table", list: "a list",
}  # fmt: skip


def is_zone(name: str) -> bool:
    """Whether a time zone goes by this name everywhere, and not on this machine only."""
    return name in _zones()


def toml_string(text: str) -> str:
    """A text as TOML writes it, in double quotes."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime"})


class TomlReader:
    """Reads one TOML file, key by key; a subclass says which error it raises, and in which words."""

    error: ClassVar[type[UnusableFileError]] = UnusableFileError
    not_among: ClassVar[str] = "must be one of {known}, but is {value!r}"
    top_key: ClassVar[str] = "{key}"  # how a key that stands in no section is called

    def __init__(self, file: Path | str) -> None:
        """Read for one file, or for a text that people know by this name."""
        self.file = file

    # -- the whole

    def read(self) -> dict[str, Any]:
        """The content of the file.

        :raises UnusableFileError: or the reader's own kind of it; as `parse`, and for a file that cannot be read
        """
        try:
            text = Path(self.file).read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise self.wrong("", f"not UTF-8 (byte {error.start}); save it as UTF-8") from None
        except OSError as error:
            raise self.unreadable(error) from None
        return self.parse(text)

    def parse(self, text: str) -> dict[str, Any]:
        """The content of a text.

        :raises UnusableFileError: for one that is broken, nested without end, or holds numbers or signs it must not
        """
        try:
            content = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise self.wrong("", f"{error}{_line_of(error, text)}") from None
        except RecursionError:
            raise self.wrong("", f"is nested more than {_DEEPEST} deep") from None
        except ValueError:  # Python refuses to read numbers of thousands of digits
            raise self.wrong("", "holds a number of more than 64 bits") from None
        for depth, value in _walk(content):
            if depth > _DEEPEST:
                raise self.wrong("", f"is nested more than {_DEEPEST} deep")
            if isinstance(value, int) and abs(value) > _LARGEST:
                raise self.wrong("", "holds a number of more than 64 bits")
            if isinstance(value, str) and "\0" in value:
                raise self.wrong("", f"holds a zero sign in {value[:40]!r}; take it out")
        return content

    def wrong(self, place: str, message: str) -> UnusableFileError:
        """What is wrong at a place, to be raised."""
        return self.error(message, file=self.file, place=place)

    def unreadable(self, error: OSError) -> UnusableFileError:
        """That the file cannot be read, to be raised."""
        return self.wrong("", f"cannot be read: {error.strerror or error}")

    # -- key by key

    @staticmethod
    def at(where: str, key: str) -> str:
        """A key within a section; at the top it stands alone."""
        return f"{where}.{key}" if where else key

    def keys(self, section: Mapping[str, Any], where: str, known: Collection[str]) -> None:
        """Refuse keys that are not known, with the nearest that is."""
        for key in section:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
                raise self.wrong(
                    self.at(where, key) if where else self.top_key.format(key=key), f"is not known; {hint}"
                )

    def get(self, section: Mapping[str, Any], where: str, key: str, kind: type, default: Any = None) -> Any:  # noqa: ANN401 - TOML values
        """A value of a kind; a whole number passes for a number, and nothing else for anything else."""
        value = section.get(key, default)
        if isinstance(value, float) and not math.isfinite(value):
            raise self.wrong(self.at(where, key), f"must be a finite number, but is {value!r}")
        if value is None or (isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))):
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        raise self.wrong(self.at(where, key), f"must be {_KIND_WORDS[kind]}, but is {value!r}")

    def number(self, section: Mapping[str, Any], where: str, key: str, default: float | None = None) -> float | None:
        """A finite number."""
        value: float | None = self.get(section, where, key, float, default)
        return value

    def day(self, section: Mapping[str, Any], where: str, key: str) -> date | None:
        """A day, as TOML writes it or in quotes."""
        value = section.get(key)
        if value is None or type(value) is date:
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self.wrong(self.at(where, key), f"must be a day such as 2026-01-31, but is {value!r}") from None

    def one_of(
        self, section: Mapping[str, Any], where: str, key: str, known: Collection[str], default: str | None
    ) -> Any:  # noqa: ANN401 - a text, or None where the default is
        """One of some words."""
        value = self.get(section, where, key, str, default)
        if value not in known and (value is not None or default is not None):
            raise self.wrong(self.at(where, key), self.not_among.format(known=", ".join(known), value=value))
        return value

    def texts(self, section: Mapping[str, Any], where: str, key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts."""
        value = section.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(self.at(where, key), f"must be a list of texts, but is {value!r}")
        return tuple(value)

    def text_or_texts(self, section: Mapping[str, Any], where: str, key: str) -> tuple[str, ...]:
        """Texts, of which one alone may stand without its list."""
        value = section.get(key)
        values = [] if value is None else value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in values):
            raise self.wrong(self.at(where, key), f"must be a text or a list of texts, but is {value!r}")
        return tuple(values)

    def items(self, content: Mapping[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
        """Tables of a name in double brackets, numbered from 1."""
        value = content.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(f"[[{name}]]", f"must be written with double brackets, [[{name}]]")
        return list(enumerate(value, 1))

    def pattern(self, place: str, text: str) -> str:
        """The text if it is a regular expression that Python and RE2 both read."""
        try:
            re.compile(text)
        except (re.error, RecursionError, OverflowError) as error:
            raise self.wrong(place, f"{text!r} is no pattern ({error})") from None
        against = pattern_error(text)
        if against is not None:
            raise self.wrong(place, f"{text!r} is no pattern that can be used here ({against})")
        return text


def _line_of(error: tomllib.TOMLDecodeError, text: str) -> str:
    """The line that is no TOML, and how its parts are written; empty where the error names none."""
    found = re.search(r"at line (\d+), column", str(error))
    lines = text.splitlines()
    if found is None or not 1 <= int(found[1]) <= len(lines) or not lines[int(found[1]) - 1].strip():
        return ""
    line = lines[int(found[1]) - 1].strip()
    if "overwrite" in str(error):
        return f": {line[:_SHOWN_LINE]!r} says again what stands in the same section above; keep one of the two"
    return f": {line[:_SHOWN_LINE]!r}; a text stands in quotes, a number without a sign behind it, a note after #"


def _walk(content: object) -> Iterator[tuple[int, object]]:
    """Every key and value with its depth, by a list of our own and not by Python's stack."""
    rest: list[tuple[int, object]] = [(0, content)]
    while rest:
        depth, value = rest.pop()
        yield depth, value
        if depth > _DEEPEST:
            continue
        if isinstance(value, dict):
            rest += [(depth, key) for key in value]
            rest += [(depth + 1, inner) for inner in value.values()]
        elif isinstance(value, list):
            rest += [(depth + 1, inner) for inner in value]
