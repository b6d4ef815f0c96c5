"""Writes docs/book.md, tables.md and clauses.md from the declarations; with --tutorial, docs/first-book.md too.

.venv/bin/python scripts/pages.py [--tutorial]
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from comity.book.definition_keys import KPI, RETENTION, SECTIONS, Key, KeyKind
from comity.book.logos import FOLDER, MAX_BYTES, MAX_RATIO, MAX_SIDE_PX
from comity.book.new_book import default_words
from comity.book.reference import HOLDER_WORDS, KIND_MEANINGS, KIND_WORDS, column_words, rule_words
from comity.book.tables import EVERY_TABLE, Table
from comity.core.agreements.canonical import canonical
from comity.core.agreements.fields import Field, FieldType, Many
from comity.core.agreements.kinds import KINDS, ClauseKind
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.review.i18n.words import words_of
from comity.review.views.sentences import measure_about

DOCS = Path(__file__).resolve().parents[1] / "docs"
TUTORIAL = DOCS / "first-book.md"
MADE = "<!-- Written by scripts/pages.py from the declarations; change those. -->"
EN = words_of("en")


def book_page() -> str:
    """The page on every section and key of `book.toml`."""
    return "\n".join([*_book_lines()])


def _book_lines() -> Iterator[str]:
    yield from (
        "# What stands in book.toml",
        "",
        MADE,
        "",
        "A book is a folder with a `book.toml`, which says whose book it is and what was agreed.",
        "`comity new FOLDER` writes one, by six questions, with everything on this page in it as notes.",
        "`comity check FOLDER` says whether it can be read.",
        "A key that is not known is refused with the nearest that is.",
        "",
        "Only `[book]` with its `name` must be there:",
        "",
        "```toml",
        "[book]",
        'name = "Northwind with Helpline"',
        "```",
        "",
        "In a room, both sides agree on KPIs on its pages.",
        "The tables that a book holds are on [a page of their own](tables.md).",
    )
    for section in SECTIONS:
        yield from ("", f"## `{section.header}`: {section.title}", "")
        if section.meaning:
            yield from (*re.split(r"(?<=[.!?]) (?=[A-Z`])", section.meaning), "")
        yield from ("| key | written as | what it means | without it |", "|---|---|---|---|")
        for key in section.keys[:1] if section is RETENTION else section.keys:
            name = "each table's name" if section is RETENTION else f"`{key.name}`"
            meaning = "after how many days its rows are deleted" if section is RETENTION else _meaning(key)
            yield f"| {name}{' (required)' if key.required else ''} | {_written(key)} | {meaning} | {_without(key)} |"
        yield from ("", "```toml", section.header)
        for key in section.keys[:2] if section is RETENTION else section.keys:
            yield f"{key.name} = {key.example}"
        yield "```"
        if section is KPI:
            yield from ("", "| `measure` | what is counted |", "|---|---|")
            for measure in sorted(MEASURES):
                about = measure_about(Kpi(measure, measure), EN).replace("\u00a0", " ")
                yield f"| `{measure}` | {EN(f'measure.{measure}')}: {about} |"
            yield from ("", "[Levels](levels.md) says how each is worked out.")
    yield from (
        "",
        "## Logos",
        "",
        "Slides and PDF show the logo of each side beside its name.",
        f"A logo is a file beside `book.toml`: `{FOLDER}/customer.png` and `{FOLDER}/provider.png`, or `.jpg`.",
        "Both sides see both.",
        f"It is a PNG or JPEG of at most {MAX_BYTES // 1_000_000} MB and {MAX_SIDE_PX:,} pixels a side.",
        f"It is at most {MAX_RATIO} times as long on one side as on the other.",
        "`comity check` says what is wrong with one; a review leaves it out.",
        "In a room, whoever leads a side uploads its logo on the page *Review by email*.",
        "",
    )


def _written(key: Key) -> str:
    words = str(key.kind.value)
    if key.lowest is not None and key.highest is not None:
        words += f", {key.lowest:g} to {key.highest:g}"
    elif key.lowest is not None:
        words += f", {key.lowest:g} or more"
    return words


def _meaning(key: Key) -> str:
    words = key.meaning
    if key.kind is KeyKind.PAIRS and key.names:
        words += f"; parts are {_codes(key.names)}"
        words += f", each {_codes(key.values)}" if key.values else ""
    elif key.values and key.name != "measure":
        words += f": {_codes(key.values)}"
    return words


def _without(key: Key) -> str:
    words = default_words(key)
    if not words or key.default_words:
        return words or ("" if key.required else "nothing")
    return f"`{words}`"


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def tables_page() -> str:
    """The page on every table and column."""
    return "\n".join([*_table_lines()])


def _table_lines() -> Iterator[str]:
    yield from (
        "# The tables of a book",
        "",
        MADE,
        "",
        "A book holds records in these tables.",
        "Every one is optional, and a review says what is missing and who has it.",
        "Records come in from any export by a [mapping](mapping.md); a file with the headers of a table needs none:",
        "",
        "```",
        "comity tables                                  # this list",
        "comity tables invoices                         # the columns of one",
        "comity tables invoices --csv > invoices.csv    # an empty file with its header",
        "comity import invoices.csv --as invoices --into ours",
        "```",
        "",
        "A row that breaks a rule is set aside with file, line, column, value and reason; the others come in.",
        "Where a file bears only some of the columns, the rules hold for the row as the book would then have it.",
        "What one side keeps to itself is named under [`[private]`](book.md) in `book.toml`.",
        "The last tables only the room writes, out of what both sides did there: both have the same rows, and no file",
        "comes into them.",
        "",
        "| table | what a row is | usually held by |",
        "|---|---|---|",
    )
    for table in EVERY_TABLE.values():
        yield f"| [{table.name}](#{table.name}) | {table.meaning} | {HOLDER_WORDS[table.held_by]} |"
    yield from ("", "| written as | meaning |", "|---|---|")
    for kind, words in KIND_WORDS.items():
        yield f"| {words} | {KIND_MEANINGS[kind]} |"
    for table in EVERY_TABLE.values():
        yield from _one_table(table)
    yield ""


def _one_table(table: Table) -> Iterator[str]:
    yield from ("", f"## {table.name}", "")
    held = "only the room writes it" if table.by_room else f"usually held by {HOLDER_WORDS[table.held_by]}"
    yield f"{table.meaning[0].upper()}{table.meaning[1:]}; {held}."
    yield f"Two rows are the same one when they agree in {_codes(table.key)}."
    yield from ("", "| column | required | written as | what it means |", "|---|---|---|---|")
    for column in table.columns:
        required = "yes" if column.required else ""
        yield f"| `{column.name}` | {required} | {KIND_WORDS[column.kind]} | {column_words(column)} |"
    broken = list(rule_words(table))
    if broken:
        yield from ("", f"Set aside is a row with: {'; '.join(broken)}.")


def clauses_page() -> str:
    """The page on every kind of clause and its fields."""
    return "\n".join([*_clause_lines()])


def _clause_lines() -> Iterator[str]:
    yield from (
        "# The clauses of an agreement",
        "",
        MADE,
        "",
        "An agreement is made of clauses.",
        "Each has an id that never changes, a kind, and the fields of its kind.",
        "A change sets fields, adds a clause or removes one.",
        "Absent, null and empty are one: then the default holds, if there is one.",
        "",
        "| written as | how |",
        "|---|---|",
        '| number | plain digits as text, `"0.8"` |',
        "| day, month, time | `2026-08-01`, `2026-08`, `09:00`; the end of a span of hours up to `24:00` |",
        "| several | a list; its order means nothing, unless it is said |",
        "| record | a table with the parts that are named; those with a question mark may be left out |",
        "",
        "Every kind has these fields beside its own:",
        "",
        "| field | written as | what it is | without it |",
        "|---|---|---|---|",
    )
    own = {kind: len(spec.fields) - 3 for kind, spec in KINDS.items()}
    first = next(iter(KINDS.values()))
    yield from (_field_row(item) for item in first.fields[own[first.kind] :])
    for kind, spec in KINDS.items():
        yield from ("", f"## {kind}", "", spec.meaning)
        yield _about(spec)
        yield from ("", "| field | written as | what it is | without it |", "|---|---|---|---|")
        yield from (_field_row(item) for item in spec.fields[: own[kind]])
    yield ""


def _about(spec: ClauseKind) -> str:
    parts = [f"Used for: {spec.read_by}."]
    if spec.single:
        parts.append("A text has at most one.")
    if spec.seen_by != "all":
        parts.append(f"Seen by `{spec.seen_by}` unless its field `seen_by` says otherwise.")
    if spec.reads:
        parts.append(f"Signed with the clauses of kind {_codes(tuple(kind.value for kind in spec.reads))}.")
    if spec.notice is not None:
        parts.append(f"Its changes have the notice agreed for `{spec.notice}`.")
    return "\n".join(parts)


def _field_row(item: Field) -> str:
    written = "text" if item.choices else str(item.type.value)
    if item.many is not Many.ONE:
        written = "records" if item.type is FieldType.RECORD else f"{written}, several"
    if item.type is FieldType.RECORD:
        written += f" of {', '.join(part.name + ('' if part.required else '?') for part in item.fields)}"
    if item.many is Many.LIST:
        written += ", in their order"
    meaning = item.meaning + (f": {_codes(item.choices)}" if item.choices else "")
    shown = canonical(item.default) if item.default is not None else ""
    without = item.default_words or (f"`{shown}`" if shown else "" if item.required else "nothing")
    return f"| `{item.name}`{' (required)' if item.required else ''} | {written} | {meaning} | {without} |"


# -- the tutorial

BLOCK = re.compile(r"^```(?P<kind>console|toml)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = "$ "
WIDTH = 100


def run_tutorial(page: str, folder: Path) -> str:
    """The page with every command of its console blocks run in a folder, in order, and its answers in their place.

    A block of `toml` is applied to `ours/book.toml`: the `#` before each of its lines is taken away.
    """

    def answered(block: re.Match[str]) -> str:
        if block["kind"] == "toml":
            _take_away(folder / "ours" / "book.toml", block["text"].splitlines())
            return block[0]
        lines = []
        for command in (line for line in block["text"].splitlines() if line.startswith(COMMAND)):
            lines += [command, *_answer(command.removeprefix(COMMAND), folder)]
        return "```console\n" + "".join(f"{line}\n" for line in lines) + "```"

    return BLOCK.sub(answered, page)


def _answer(command: str, folder: Path) -> list[str]:
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
        "COLUMNS": str(WIDTH),
        "LC_ALL": "C.UTF-8",
        "LANGUAGE": "en",
        "NO_COLOR": "1",
    }
    done = subprocess.run(  # noqa: S603 - the commands of a page of ours
        ["sh", "-c", command],  # noqa: S607 - as above
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        msg = f"{command}: exit {done.returncode}\n{done.stdout}"
        raise SystemExit(msg)
    plain = done.stdout.replace("\u00a0", " ").replace("\u2060", "")
    return [line.rstrip() for line in plain.splitlines()]


def _take_away(file: Path, lines: list[str]) -> None:
    text = file.read_text(encoding="utf-8")
    for line in lines:
        if f"\n#{line}\n" not in text:
            msg = f"{file}: no line #{line}"
            raise SystemExit(msg)
        text = text.replace(f"\n#{line}\n", f"\n{line}\n", 1)
    file.write_text(text, encoding="utf-8")


def main() -> None:
    """Write the pages."""
    (DOCS / "book.md").write_text(book_page(), encoding="utf-8")
    (DOCS / "tables.md").write_text(tables_page(), encoding="utf-8")
    (DOCS / "clauses.md").write_text(clauses_page(), encoding="utf-8")
    if "--tutorial" in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as work:
            TUTORIAL.write_text(run_tutorial(TUTORIAL.read_text(encoding="utf-8"), Path(work)), encoding="utf-8")


if __name__ == "__main__":
    main()
