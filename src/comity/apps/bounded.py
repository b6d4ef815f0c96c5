"""A cache within a process for what is the same for whoever asks: the least recently used goes when it is full."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Bounded(Generic[T]):
    """Values by key. A key has to tell all that a value depends on: nothing is ever taken out because it changed."""

    def __init__(self, most: int) -> None:
        """Keep at most so many values."""
        self._most, self._values, self._lock = most, OrderedDict[Hashable, T](), Lock()

    def get(self, key: Hashable) -> T | None:
        """Return the value of a key; None where there is none."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def keep(self, key: Hashable, value: T) -> None:
        """Keep a value, and drop the least recently used beyond the limit."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > self._most:
                self._values.popitem(last=False)

    def clear(self) -> None:
        """Drop all values."""
        with self._lock:
            self._values.clear()
