"""A first draft of a mapping, by looking at a file: what each column seems to be, and what a person still has to say.

What columns are called elsewhere is learnt from the shipped mappings. Nothing of a column that looks personal is shown.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Items
from dataclasses import dataclass
from pathlib import Path

from comity.book.importing.cells import FALSE, TRUE
from comity.book.importing.mapping import KINDS, As, FileOptions, Value, read_mapping, shipped
from comity.book.importing.personal import personal
from comity.book.importing.section import Section, UnusableSourceError, plain
from comity.book.importing.source import Source, open_source
from comity.book.tables import TABLES, Column, Table

_SAMPLE = 500
_SHOWN = 3
_VALUES = 12  # of one column that are listed
_WIDEST = 60  # columns that are looked at one by one
_WIDE_DAYS = 5  # as many headers that are days make a table with days across
_NEAR = 0.86
_HEADER_SEARCH = 25
_DAY_HEADERS = {  # the pattern for `wide`, and the format of the day that it finds
    r"(?P<day>\d{4}-\d{2}-\d{2})(?: 00:00:00)?": None,
    r"(?P<day>\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2}))": "day-first",
}
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)(.*)")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_MONTHS = 12


@dataclass(frozen=True, slots=True)
class Seen:
    """One column of the file: its header, some of its values, what they look like."""

    header: str
    values: tuple[str, ...]
    personal: str | None
    filled: int = 0  # how many of the cells looked at hold something

    @property
    def order(self) -> str | None:
        """day-first or month-first where the values say so; `either` where they could be both; None for no dates."""
        matches = [match for value in self.values if (match := _SLASHED.match(value))]
        if len(matches) * 2 < len(self.values) or not matches:
            return None
        if any(int(match[1]) > _MONTHS for match in matches):
            return "day-first"
        return "month-first" if any(int(match[3]) > _MONTHS for match in matches) else "either"

    @property
    def has_offset(self) -> bool:
        """Whether its times say how far they are from UTC."""
        return any(re.search(r"(Z|[+-]\d{2}:?\d{2})$", value) for value in self.values if _ISO.fullmatch(value))

    @property
    def distinct(self) -> bool:
        """Whether no value of those seen is there twice."""
        return len(self.values) == self.filled

    @property
    def is_clock(self) -> bool:
        """Whether it holds times of day."""
        return bool(self.values) and all(re.match(r"\d{1,2}:\d{2}", value) for value in self.values)

    @property
    def is_time(self) -> bool:
        """Whether it holds days or instants."""
        return self.order is not None or (bool(self.values) and all(_ISO.fullmatch(value) for value in self.values))


def draft(path: Path, table: str | None = None) -> str:
    """The TOML of a first mapping for a file.

    :param table: the table that its rows go to; None: the one that its headers fit best
    :raises UnusableSourceError: when the file cannot be read
    """
    options = FileOptions()
    source = open_source(path, options)
    if source.kind == "workbook":
        options, source = _with_header(path, source)
    section = source.sections[0]
    seen = _looked_at(section)
    known = synonyms()
    target = TABLES[table] if table else _best_table(seen, known)
    matched = _matched(target, seen, known[target.name])
    guessed = _guessed(target, seen, matched)
    across = _across(section)
    head = _head(path, source, section, options, target, seen)
    return "\n".join([*head, *_wide(across), *_totals(), *_body(target, seen, matched, guessed, across)]) + "\n"


def synonyms() -> dict[str, dict[str, list[str]]]:
    """Table -> column -> what the column is called in the sources that we know."""
    found: dict[str, dict[str, list[str]]] = {
        name: {column.name: [column.name, column.name.replace("_", " ")] for column in table.columns}
        for name, table in TABLES.items()
    }
    for name in shipped():
        mapping = read_mapping(name)
        for column, value in mapping.columns.items():
            found[mapping.table][column] += [one for one in headers_of(value, mapping.let) if not one.startswith("re:")]
    return found


def headers_of(value: Value, let: Items[str, Value]) -> Iterator[str]:
    """The source's headers that a value is made from."""
    yield from value.source
    for part in value.first:
        yield from headers_of(part, let)
    if value.use is not None and value.use in let:
        yield from headers_of(let[value.use], let)


def _looked_at(section: Section) -> list[Seen]:
    headers = list(section.headers[:_WIDEST])
    cells: list[list[str]] = [[] for _ in headers]
    for batch in section.batches(headers):
        some = batch.slice(0, _SAMPLE)
        cells = [
            [text.strip() for text in some.column(i + 1).to_pylist() if text and text.strip()]
            for i in range(len(headers))
        ]
        break
    return [
        Seen(header, tuple(dict.fromkeys(values)), personal(header) or _holds_personal(values), len(values))
        for header, values in zip(headers, cells, strict=True)
    ]


def _holds_personal(values: Sequence[str]) -> str | None:
    mails = sum(1 for value in values if re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+", value))
    return "e-mail addresses" if values and mails * 2 > len(values) else None


def _with_header(path: Path, source: Source) -> tuple[FileOptions, Source]:
    """The first row that looks like a header, where titles stand above it."""
    best = FileOptions()
    for skip in range(_HEADER_SEARCH):
        options = FileOptions(skip_rows=skip)
        try:
            tried = open_source(path, options)
        except UnusableSourceError:
            break
        named = [header for header in tried.sections[0].headers if not header.startswith("column ")]
        if len(named) > 1 and len(named) * 2 > len(tried.sections[0].headers):
            return options, tried
    return best, source


def _near(header: str, names: Sequence[str]) -> float:
    own = _words(header)
    return max((difflib.SequenceMatcher(None, own, _words(name)).ratio() for name in names), default=0.0)


def _words(header: str) -> str:
    """A header as its words alone; what stands in brackets at its end is a unit."""
    bare = re.sub(r"\s*[(\[][^()\[\]]*[)\]]$", "", plain(header).casefold())
    return re.sub(r"[\W_]+", " ", bare or header.casefold()).strip()


def _best_table(seen: Sequence[Seen], known: dict[str, dict[str, list[str]]]) -> Table:
    def fit(table: Table) -> float:
        matched = _matched(table, seen, known[table.name])
        guessed = _guessed(table, seen, matched)
        required = sum((column.name in matched) + (column.name in guessed) / 2 for column in table.required)
        return 2 * required / max(1, len(table.required)) + len(matched) / 2

    return max(TABLES.values(), key=fit)


def _matched(table: Table, seen: Sequence[Seen], known: dict[str, list[str]]) -> dict[str, Seen]:
    """The likeliest column of the file for each of the table's, each used once."""
    pairs = sorted(
        (
            (_near(one.header, known[column.name]), -i, column.name, one)
            for i, column in enumerate(table.columns)
            for one in seen
        ),
        key=lambda pair: pair[:2],
        reverse=True,
    )
    found: dict[str, Seen] = {}
    for score, _, column, one in pairs:
        if score >= _NEAR and column not in found and one not in found.values() and one.personal is None:
            found[column] = one
    return found


def _guessed(table: Table, seen: Sequence[Seen], matched: dict[str, Seen]) -> dict[str, Seen]:
    """What a table cannot do without and no header promises, by what the values look like."""
    found: dict[str, Seen] = {}
    for column in table.required:
        if column.name in matched:
            continue
        taken = [*matched.values(), *found.values()]
        free = [one for one in seen if one not in taken and one.personal is None and one.values]
        kind = KINDS[column.kind]
        if kind in {As.INSTANT, As.DAY, As.MONTH}:
            likely = [one for one in free if one.is_time]
        elif table.key == (column.name,):
            likely = [one for one in free if one.distinct and not one.is_time]
        else:
            likely = []
        if likely:
            found[column.name] = likely[0]
    return found


@dataclass(frozen=True, slots=True)
class Across:
    """Days that stand across: the pattern of their headers, and how they are written."""

    pattern: str
    format: str | None


def _across(section: Section) -> Across | None:
    for pattern, spelt in _DAY_HEADERS.items():
        days = [header for header in section.headers if re.fullmatch(pattern, plain(header))]
        if len(days) >= _WIDE_DAYS:
            return Across(pattern, spelt)
    return None


def _head(  # noqa: PLR0913 - what the head tells of
    path: Path, source: Source, section: Section, options: FileOptions, target: Table, seen: Sequence[Seen]
) -> Iterator[str]:
    yield f"# A first draft, made by looking at {_comment(path.name)}. Go through it line by line."
    yield "# What is not sure says so."
    yield "# Try it with: comity import FILE --as THIS.toml --into BOOK --dry-run. The language: docs/mapping.md"
    others = ", ".join(name for name in TABLES if name != target.name)
    yield f"table = {_text(target.name)}  # {target.meaning}; others: {others}"
    yield f"about = {_text(path.stem)}"
    times = [one for one in seen if one.is_time]
    if times and not any(one.has_offset for one in times):
        yield '# zone = "Europe/Madrid"  # the times bear no offset: say where its clocks hang, or leave it to the book'
    for note in source.notes:
        yield f"# The file was {_comment(note)}."
    yield from ["", "[file]"]
    if section.name is not None:
        yield f"sheet = {_text(section.name)}"
        if options.skip_rows:
            yield f"skip_rows = {options.skip_rows}"
        yield "# header_rows = 2  # where the heading stands in two rows"
    elif source.kind == "json":
        yield 'kind = "json"'
    else:
        yield "# encoding, delimiter, header_rows, header_has, skip_rows: found by looking; write them to be sure"


def _wide(across: Across | None) -> Iterator[str]:
    if across is None:
        return
    yield from [
        "",
        "# Days stand across: each becomes a row of its own, with the columns `day` and `volume`.",
        "[wide]",
        f"columns = {_text(across.pattern)}",
        'value = "volume"',
    ]


def _totals() -> Iterator[str]:
    yield from [
        "",
        "# [[totals]]   # rows of totals, which are no records",
        '# column = "..."',
        '# is = ["re:.*total.*"]',
    ]


def _body(
    target: Table,
    seen: Sequence[Seen],
    matched: dict[str, Seen],
    guessed: dict[str, Seen],
    across: Across | None,
) -> Iterator[str]:
    yield from ["", "[columns]"]
    given = _of_days(across, seen) if across is not None else {}
    for column in target.columns:
        one = matched.get(column.name) or guessed.get(column.name)
        if column.name in given:
            yield f"{column.name} = {given[column.name]}"
        elif one is not None:
            doubt = "  # NOT SURE: by its values alone" if column.name in guessed else ""
            yield from (line + doubt for line in _line(column, one))
        elif column.required:
            told = f"{column.meaning}; required: name its column instead{_allowed(column)}"
            yield f'{column.name} = {{ value = "FILL IN" }}  # {told}'
        else:
            yield f'# {column.name} = ""  # {column.meaning}{_allowed(column)}'
    days = re.compile(across.pattern) if across is not None else None
    used = [*matched.values(), *guessed.values()]
    left = [one for one in seen if one not in used and not (days and days.fullmatch(plain(one.header)))]
    if left:
        yield from ["", "# Columns of the file that nothing was made of:"]
    for one in left:
        if one.personal is not None:
            told = f"looks like {one.personal}; stays out, or enters with keep = true and a reason"
            yield f"#   {_comment(one.header)}: {told}"
        else:
            shown = "; ".join(_comment(value)[:30] for value in one.values[:_SHOWN])
            yield f"#   {_comment(one.header)}: {shown or 'empty'}"


def _of_days(across: Across, seen: Sequence[Seen]) -> dict[str, str]:
    """What the columns of a table with days across are, where it has them."""
    day = '{ from = "day", as = "day" }'
    if across.format is not None:
        day = f'{{ from = "day", as = "day", format = {_text(across.format)} }}'
    clocks = [one for one in seen if one.is_clock]
    start = f'{{ sum = [{day}, {{ from = {_column(clocks[0].header)}, as = "clock" }}] }}' if clocks else day
    return {"start": start, "offered": '"volume"'}


def _pairs(one: Seen, allowed: Sequence[str]) -> str:
    """What each value is where it says so itself; whoever does not fill in the others gets rejects and no figures."""
    known = {value: value.casefold() if value.casefold() in allowed else "FILL IN" for value in one.values[:_VALUES]}
    return ", ".join(f"{_text(value)} = {_text(said)}" for value, said in known.items())


def _mapped(one: Seen, pairs: str) -> str:
    return f'{{ from = {_column(one.header)}, values = {{ {pairs} }}, unlisted = "refuse" }}'


def _line(column: Column, one: Seen) -> Iterator[str]:
    kind = KINDS[column.kind]
    shown = "; ".join(_comment(value)[:30] for value in one.values[:_SHOWN])
    if kind in {As.INSTANT, As.DAY} and one.order is not None:
        order = "day-first" if one.order == "either" else one.order
        doubt = " (NOT SURE: no day above 12 was seen)" if one.order == "either" else ""
        yield f"{column.name} = {{ from = {_column(one.header)}, format = {_text(order)} }}  # {shown}{doubt}"
        return
    comma = kind in {As.NUMBER, As.SECONDS} and any(re.fullmatch(r"-?\d+,\d{1,2}", value) for value in one.values)
    if comma:
        yield f'{column.name} = {{ from = {_column(one.header)}, decimal = "," }}  # {shown}'
    elif kind is As.FLAG and not {value.casefold() for value in one.values} <= {*TRUE, *FALSE}:
        pairs = _pairs(one, (*TRUE, *FALSE))
        yield f"{column.name} = {_mapped(one, pairs)}  # CHECK each"
    elif column.values and not {value.casefold() for value in one.values} <= set(column.values):
        pairs = _pairs(one, column.values)
        yield f"{column.name} = {_mapped(one, pairs)}  # CHECK{_allowed(column)}"
    else:
        yield f"{column.name} = {_column(one.header)}  # {shown}"


def _allowed(column: Column) -> str:
    return f"; one of {', '.join(column.values)}" if column.values else ""


def _comment(text: str) -> str:
    """Text that cannot leave its comment."""
    return "".join(mark if mark.isprintable() else " " for mark in plain(text))


def _column(header: str) -> str:
    """A column of the file, by its name even where that looks like a pattern."""
    return _text(f"re:{re.escape(plain(header))}" if header.startswith("re:") else header)


def _text(text: str) -> str:
    """A TOML text."""
    marks = {"\\": "\\\\", '"': '\\"'}
    return '"' + "".join(marks.get(m, m if m.isprintable() else f"\\U{ord(m):08x}") for m in text) + '"'
