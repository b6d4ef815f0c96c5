"""Who tries what, where trying everything as everybody would take too long: each of the cast in turn."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest


def by_turns(
    asked: Iterable[str], cast: Sequence[str], allowed: Callable[[str, str], bool], *, times: int = 1
) -> list[tuple[str, str]]:
    """For each thing that is asked, one who may and one who may not, where there are such: who had the fewest turns.

    :param allowed: whether one of the cast may do one of the things
    :param times: how many who may, and how many who may not
    """
    had: Counter[str] = Counter()
    turns = []
    for name in asked:
        for answer in (True, False):
            able = [who for who in cast if allowed(who, name) is answer]
            for who in sorted(able, key=lambda one: had[one])[:times]:  # with equally few turns, the first of the cast
                had[who] += 1
                turns.append((who, name))
    return turns


def one_in(count: int, cases: Sequence[tuple[str, *tuple[Any, ...]]]) -> list[Any]:
    """Cases of a large table, each with its name first: one in so many in the gate, the others in `make test-long`."""
    return [
        pytest.param(*values, id=name, marks=pytest.mark.long if at % count else ())
        for at, (name, *values) in enumerate(cases)
    ]


def every(count: int, cases: Iterable[Any], *, unpack: bool = False) -> list[Any]:
    """The values of `parametrize`: one in so many in the gate, the others in `make test-long`.

    :param unpack: whether a case is a tuple with a value for each of several names
    """
    return [
        case if not at % count else pytest.param(*(case if unpack else (case,)), marks=pytest.mark.long)
        for at, case in enumerate(cases)
    ]
