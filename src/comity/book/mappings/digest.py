"""What tells a mapping from its own earlier version: the same file by another mapping is another import.

The digest is computed over canonical JSON of what differs from the defaults, so that it stays as it is when the
language learns a new word. Books of earlier versions hold another one, computed over Python's `repr`; it is made again
here, to recognise in them a file that comes a second time.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass, replace

from comity.book.formats.options import FileOptions
from comity.book.mappings.model import (
    CellKind,
    Condition,
    Control,
    DatedMap,
    Note,
    SourceMapping,
    Unpivot,
    Value,
    Window,
)
from comity.core.chain import digest_of

_LENGTH = 16

# The names that the earlier digest was computed over: of each class, and of its fields in their order. Never changed.
_EARLIER: dict[type, tuple[str, str]] = {
    FileOptions: (
        "FileOptions",
        "kind encoding delimiter quote sheet header_rows header_has skip_rows records lines each",
    ),
    Condition: ("Condition", "column use among beside empty above below"),
    Value: (
        "Value",
        (
            "source constant use total difference product first join sheet file row when nulls pattern values unlisted "
            "map on kind formats unit clock decimal times over_midnight after default separator keep reason needed"
        ),
    ),
    DatedMap: ("DatedMap", "name rows"),
    Unpivot: ("Wide", "pattern value skip_empty"),
    Note: ("Note", "say when_rows when_column unless_column"),
    Control: ("Control", "column value when"),
    Window: ("Window", "start end file format"),
    SourceMapping: (
        "Mapping",
        (
            "name table about file zone decimal nulls let columns maps rows totals wide control last_wins window notes "
            "identity"
        ),
    ),
}

# What counted where nothing was said, when that could not be told from saying so.
_WHEN_UNSAID: dict[type, dict[str, str]] = {Value: {"unit": "s"}, SourceMapping: {"decimal": "."}}


def mapping_digest(mapping: SourceMapping) -> str:
    """The digest that an import is recorded with."""
    return digest_of(_plain(mapping))[:_LENGTH]


def mapping_digests(mapping: SourceMapping) -> tuple[str, str]:
    """The digests under which a book may know a mapping: today's, and that of earlier versions."""
    return mapping_digest(mapping), hashlib.sha256(_earlier_repr(mapping).encode()).hexdigest()[:_LENGTH]


def is_same_mapping(mapping: SourceMapping, name: str, digest: str) -> bool:
    """Whether a mapping is the one that an import was recorded with: by its name, or, renamed, by all that it says."""
    if mapping.name == name:
        return True
    also = tuple(replace(one, name=name) for one in mapping.also)
    return digest in mapping_digests(replace(mapping, name=name, also=also))


def _plain(value: object) -> object:
    """A value as JSON holds it: of a record what differs from its defaults, days as ISO 8601, in the order given."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name))
            for field in fields(value)
            if getattr(value, field.name) != _default(field)
        }
    if isinstance(value, Mapping):  # the order of named values and of replacements does not matter
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def _default(field: "Field[object]") -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _earlier_repr(value: object) -> str:
    """What Python's `repr` of a value was when the classes had their earlier names."""
    if type(value) in _EARLIER:
        name, own = _EARLIER[type(value)]
        said = {field: getattr(value, field) for field in own.split()}
        said |= {field: was for field, was in _WHEN_UNSAID.get(type(value), {}).items() if said[field] is None}
        return f"{name}({', '.join(f'{field}={_earlier_repr(one)}' for field, one in said.items())})"
    if isinstance(value, CellKind):
        return f"<As.{value.name}: {value.value!r}>"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key!r}: {_earlier_repr(one)}" for key, one in value.items()) + "}"
    if isinstance(value, tuple):
        inner = ", ".join(map(_earlier_repr, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return repr(value)
