"""Reading TOML that a person wrote: every complaint names the file, the key, the value and the next step."""

import datetime as dt
import difflib
import math
import re
from collections.abc import Mapping as Items
from typing import Any

from comity.book.importing.mapping import UnusableMappingError
from comity.book.importing.patterns import flaw

_SPOKEN = {
    str: "a text", int: "a whole number", float: "a number", bool: "true or false", dict: "a table", list: "a list",
}  # fmt: skip


class TomlReader:
    """Takes parsed TOML apart; `shown` is how complaints name the file."""

    def __init__(self, shown: str) -> None:
        """Read for one file."""
        self.shown = shown

    def wrong(self, key: str, problem: str) -> UnusableMappingError:
        """The complaint about a key, to be raised."""
        return UnusableMappingError(f"{self.shown}: {key} {problem}")

    def keys(self, section: Items[str, Any], where: str, known: set[str] | tuple[str, ...]) -> None:
        """Refuse a key that is not known, and name the one that was probably meant."""
        for key in section:
            if key not in known:
                near = difflib.get_close_matches(key, known, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(sorted(known))}"
                raise self.wrong(f"{where}.{key}" if where else key, f"is not known; {hint}")

    def get(self, section: Items[str, Any], where: str, key: str, kind: type, default: Any = None) -> Any:  # noqa: ANN401 - TOML values
        """The value of a key if it is of a kind; whole numbers pass for numbers, truth values do not."""
        value = section.get(key, default)
        if isinstance(value, float) and not math.isfinite(value):
            raise self.wrong(f"{where}.{key}".lstrip("."), f"must be a finite number, but is {value!r}")
        if value is None or (isinstance(value, kind) and not (kind is not bool and isinstance(value, bool))):
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        raise self.wrong(f"{where}.{key}".lstrip("."), f"must be {_SPOKEN[kind]}, but is {value!r}")

    def one_of(
        self, section: Items[str, Any], where: str, key: str, known: tuple[str, ...], default: str | None
    ) -> Any:  # noqa: ANN401 - TOML values
        """The text of a key if it is one of those known."""
        value = self.get(section, where, key, str, default)
        if value is not None and value not in known:
            raise self.wrong(f"{where}.{key}".lstrip("."), f"is {value!r}; it may be {', '.join(known)}")
        return value

    def texts(self, section: Items[str, Any], where: str, key: str) -> tuple[str, ...]:
        """The texts of a key; one alone may stand without its list."""
        value = section.get(key)
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(one, str) for one in values):
            raise self.wrong(f"{where}.{key}".lstrip("."), f"must be a text or a list of texts, but is {value!r}")
        return tuple(values)

    def pattern(self, where: str, text: str) -> str:
        """The text if it is a regular expression."""
        try:
            re.compile(text)
        except (re.error, RecursionError, OverflowError) as error:
            raise self.wrong(where, f"{text!r} is no pattern ({error})") from None
        against = flaw(text)
        if against is not None:
            raise self.wrong(where, f"{text!r} is no pattern that can be used here ({against})")
        return text

    def day(self, where: str, value: object) -> dt.date | None:
        """A day, from a TOML date or from ISO 8601 text."""
        if isinstance(value, dt.datetime) or not isinstance(value, dt.date | str | None):
            raise self.wrong(where, f"must be a day such as 2026-01-31, but is {value!r}")
        if value in (None, "") or isinstance(value, dt.date):
            return value or None  # type: ignore[return-value]
        try:
            return dt.date.fromisoformat(str(value))
        except ValueError:
            raise self.wrong(where, f"must be a day such as 2026-01-31, but is {value!r}") from None
