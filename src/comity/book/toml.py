"""TOML that people wrote, or that somebody made to upset us: what the language itself forbids or no file of ours needs.

Python's reader takes integers of any length and nests as deep as its stack; TOML knows 64 bits, and nothing here
is more than a few tables deep.
"""

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import available_timezones

_DEEPEST = 40
_LARGEST = 2**63


class UnreadableTomlError(ValueError):
    """Text that is no TOML, or none that anybody needs; the words say where or what."""


def parse(text: str) -> dict[str, Any]:
    """The content of a TOML text.

    :raises UnreadableTomlError: for one that is broken, nested without end, or holds numbers or signs it must not
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UnreadableTomlError(str(error)) from None
    except RecursionError:
        raise UnreadableTomlError(f"is nested more than {_DEEPEST} deep") from None
    except ValueError:  # Python refuses to read numbers of thousands of digits
        raise UnreadableTomlError("holds a number of more than 64 bits") from None
    for depth, value in _walk(content):
        if depth > _DEEPEST:
            raise UnreadableTomlError(f"is nested more than {_DEEPEST} deep")
        if isinstance(value, int) and abs(value) > _LARGEST:
            raise UnreadableTomlError("holds a number of more than 64 bits")
        if isinstance(value, str) and "\0" in value:
            raise UnreadableTomlError(f"holds a zero sign in {value[:40]!r}; take it out")
    return content


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


def read(file: Path) -> dict[str, Any]:
    """The content of a TOML file.

    :raises UnreadableTomlError: as `parse`, and for one that is not UTF-8
    :raises OSError: when it cannot be read
    """
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableTomlError(f"not UTF-8 (byte {error.start}); save it as UTF-8") from None
    return parse(text)


def is_zone(name: str) -> bool:
    """Whether a time zone goes by this name everywhere, and not on this machine only."""
    return name in _zones()


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"localtime"})


class Reader:
    """What a file of ours says, key by key; every complaint is an `error` that names the file and the key."""

    error: ClassVar[type[Exception]] = UnreadableTomlError

    def __init__(self, file: Path) -> None:
        """Of this file."""
        self.file = file

    @staticmethod
    def at(where: str, key: str) -> str:
        """A key within a section; at the top it stands alone."""
        return f"{where}.{key}" if where else key

    def wrong(self, key: str, problem: str) -> Exception:
        """What is wrong with a key, to be raised."""
        return self.error(f"{self.file}: {key} {problem}")

    def keys(self, section: Mapping[str, Any], where: str, known: set[str]) -> None:
        """Refuse keys that are not known, with the nearest that is."""
        for key in section:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
                raise self.wrong(self.at(where, key) if where else f"[{key}]", f"is not known; {hint}")

    def get(self, section: Mapping[str, Any], where: str, key: str, kind: type, default: Any = None) -> Any:  # noqa: ANN401 - TOML values
        """A value of a kind; a whole number passes for a number, and nothing else for anything else."""
        value = section.get(key, default)
        if value is None or (isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))):
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        raise self.wrong(self.at(where, key), f"must be {_SPOKEN.get(kind, kind.__name__)}, but is {value!r}")

    def number(self, section: Mapping[str, Any], where: str, key: str, default: float | None = None) -> float | None:
        """A finite number."""
        value: float | None = self.get(section, where, key, float, default)
        if value is not None and not abs(value) < float("inf"):
            raise self.wrong(self.at(where, key), f"must be a finite number, but is {value!r}")
        return value

    def day(self, section: Mapping[str, Any], where: str, key: str) -> date | None:
        """A day, as TOML writes it or in quotes."""
        value = section.get(key)
        if value is None:
            return None
        if type(value) is date:
            return value
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise self.wrong(self.at(where, key), f"must be a day such as 2026-01-31, but is {value!r}") from None

    def one_of(self, section: Mapping[str, Any], where: str, key: str, known: list[str], default: str) -> str:
        """One of some words."""
        value = self.get(section, where, key, str, default)
        if value not in known:
            raise self.wrong(self.at(where, key), f"must be one of {', '.join(known)}, but is {value!r}")
        return str(value)

    def texts(self, section: Mapping[str, Any], where: str, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of texts."""
        value = section.get(key, list(default))
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.wrong(self.at(where, key), f"must be a list of texts, but is {value!r}")
        return tuple(value)

    def items(self, content: Mapping[str, Any], name: str) -> list[tuple[int, dict[str, Any]]]:
        """Tables of a name in double brackets, numbered from 1."""
        value = content.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(f"[[{name}]]", f"must be written with double brackets, [[{name}]]")
        return list(enumerate(value, 1))


_SPOKEN = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table"}
