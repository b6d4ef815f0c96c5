"""Which of the known formats a file is in, by its headers: a look that reads no more than its beginning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from comity.book.importing.drafting import headers_of
from comity.book.importing.json_records import parse_path
from comity.book.importing.mapping import FileOptions, Mapping, identity, read_mapping, shipped
from comity.book.importing.section import Section, UnusableSourceError
from comity.book.importing.source import open_source
from comity.book.tables import TABLES

_ENOUGH = 0.6  # of the headers that a mapping asks for


@dataclass(frozen=True, slots=True)
class Fit:
    """A mapping, and how many of the headers that it asks for the file has."""

    mapping: str
    found: int
    share: float


def recognised(path: Path, own: Sequence[Mapping] = ()) -> list[Fit]:
    """The mappings that a file fits, the best first; none where it is in no known format.

    :param own: mappings that were made by hand, tried beside those that are shipped
    :raises UnusableSourceError: for a file that cannot be read at all
    """
    fits: list[Fit] = []
    opened: dict[FileOptions, Section | None] = {FileOptions(): open_source(path, FileOptions()).sections[0]}
    for mapping in (*own, *_known()):
        if mapping.file not in opened:
            try:
                opened[mapping.file] = open_source(path, mapping.file).sections[0]
            except UnusableSourceError:
                opened[mapping.file] = None
        section = opened[mapping.file]
        if section is not None and (fit := _fit(mapping, section)) is not None:
            fits.append(fit)
    # A table's own columns before a format that asks for fewer of them.
    return sorted(fits, key=lambda fit: (-fit.share * fit.found, fit.mapping))


def _known() -> Iterator[Mapping]:
    yield from (identity(name) for name in TABLES)
    yield from (read_mapping(name) for name in shipped())


def _fit(mapping: Mapping, section: Section) -> Fit | None:
    if mapping.identity:
        there = [column.name for column in mapping.target.columns if section.find(column.name) is not None]
        if any(column.name not in there for column in mapping.target.required):
            return None
        return Fit(mapping.name, len(there), len(there) / max(len(section.headers), 1))
    asked = [frozenset(headers_of(value, mapping.let)) for value in mapping.columns.values()]
    asked = [names for names in asked if names]
    has = _there(section, {name for names in asked for name in names})
    found = sum(bool(names & has) for names in asked)
    required = [
        frozenset(headers_of(mapping.columns[column.name], mapping.let))
        for column in mapping.target.required
        if column.name in mapping.columns
    ]
    lacks = any(names and not names & has for names in required)
    if lacks or not asked or found / len(asked) < _ENOUGH:
        return None
    return Fit(mapping.name, found, found / len(asked))


def _is_path(name: str) -> bool:
    """Whether a header may lead into a record; a pattern over headers of a table does not."""
    try:
        parse_path(name)
    except ValueError:
        return False
    return True


def _there(section: Section, names: set[str]) -> set[str]:
    """Those of the names that the section has; of records without a head, those that the first of them hold."""
    if not section.open_ended:
        return {name for name in names if section.find(name) is not None}
    wanted = sorted(name for name in names if _is_path(name))
    try:
        first = next(section.batches(wanted), None)
    except UnusableSourceError:
        return set()
    if first is None:
        return set()
    return {name for at, name in enumerate(wanted, 1) if first.column(at).null_count < first.num_rows}
