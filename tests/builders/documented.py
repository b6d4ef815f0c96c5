"""The examples of docs/mapping.md, taken out of the page so that a test can run them.

A block of TOML begins an example, named by its file. What follows belongs to it, told by its first words: `csv NAME` or
`json NAME` is a file (the first is the source; `csv NAME.xlsx, sheet S` a sheet of a workbook), `csv becomes` the rows
that come of it, `text set aside` its rejects, `text told` sentences of the report.
"""

import csv
import io
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import xlsxwriter

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mapping.md"
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    """One mapping of the page with the files around it and what comes of them."""

    name: str
    toml: str
    files: dict[str, str] = field(default_factory=dict)
    sheets: dict[str, dict[str, str]] = field(default_factory=dict)  # workbook -> sheet -> its cells as CSV
    becomes: str | None = None
    aside: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def written(self, folder: Path) -> tuple[Path, Path | None]:
        """The mapping's file and the source's, with all the others beside them."""
        mapping = folder / f"{self.name}.toml"
        mapping.write_text(self.toml, encoding="utf-8")
        for name, text in self.files.items():
            (folder / name).write_text(text, encoding="utf-8")
        for name, sheets in self.sheets.items():
            write_workbook(folder / name, sheets)
        first = next(iter([*self.sheets, *self.files]), None)
        return mapping, None if first is None else folder / first


def write_workbook(path: Path, sheets: dict[str, str]) -> None:
    """Sheets from CSV, with days and numbers as the cells that they would be."""
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for name, text in sheets.items():
            sheet = book.add_worksheet(name)
            for row, line in enumerate(csv.reader(io.StringIO(text))):
                for place, cell in enumerate(line):
                    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", cell):
                        sheet.write_datetime(row, place, datetime.fromisoformat(cell), day)
                    elif re.fullmatch(r"-?\d+([.]\d+)?", cell):
                        sheet.write_number(row, place, float(cell))
                    elif cell:
                        sheet.write_string(row, place, cell)


def examples() -> dict[str, Example]:
    """Every example of the page by its name."""
    found: dict[str, Example] = {}
    last: Example | None = None
    for kind, said, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "toml" and said:
            name = said.removesuffix(".toml")
            assert name not in found, f"{name} is there twice"
            last = found[name] = Example(name, body)
        elif last is None or not said:
            continue
        elif said == "becomes":
            last.becomes = body
        elif said == "set aside":
            last.aside = body.splitlines()
        elif said == "told":
            last.told = body.splitlines()
        elif ", sheet " in said:
            book, _, sheet = said.partition(", sheet ")
            last.sheets.setdefault(book, {})[sheet] = body
        else:
            last.files[said] = body
    return found


def documented(name: str, folder: Path) -> Path:
    """The file of a mapping that the page shows."""
    return examples()[name].written(folder)[0]


def consoles() -> list[list[tuple[str, str]]]:
    """Each `console` block: commands and what they answer."""
    answers = re.compile(r"^\$ ([^\n]*)\n(.*?)(?=^\$ |\Z)", re.MULTILINE | re.DOTALL)
    blocks = [body for kind, _, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")) if kind == "console"]
    return [[(one[1], one[2]) for one in answers.finditer(body)] for body in blocks]
