"""TOML that people wrote, or that somebody made to upset us: what the language itself forbids or no file of ours needs.

Python's reader takes integers of any length and nests as deep as its stack; TOML knows 64 bits, and nothing here
is more than a few tables deep.
"""

import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
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
