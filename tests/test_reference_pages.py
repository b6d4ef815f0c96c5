"""The pages on book.toml, tables and clauses are what the declarations say; the tutorial answers as it shows."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from comity.book.definition import parse_definition
from comity.book.definition_keys import SECTIONS
from comity.book.tables import EVERY_TABLE

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
HOW = "run `make pages`"


@pytest.fixture(scope="module")
def pages() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pages", ROOT / "scripts" / "pages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_book_toml_is_what_its_declarations_say(pages: ModuleType) -> None:
    assert (DOCS / "book.md").read_text(encoding="utf-8") == pages.book_page(), HOW


def test_the_page_of_tables_is_what_their_declarations_say(pages: ModuleType) -> None:
    assert (DOCS / "tables.md").read_text(encoding="utf-8") == pages.tables_page(), HOW


def test_the_page_of_clauses_is_what_their_declarations_say(pages: ModuleType) -> None:
    assert (DOCS / "clauses.md").read_text(encoding="utf-8") == pages.clauses_page(), HOW


def test_every_example_of_the_page_of_book_toml_can_be_read() -> None:
    """Each section's example beside a `[book]`; every key is in one."""
    text = (DOCS / "book.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) == len(SECTIONS) + 1
    for block in blocks:
        beside = "" if block.startswith("[book]") else '[book]\nname = "A"\n'
        parse_definition(beside + block, Path("book.toml"))


def test_every_key_and_column_has_a_meaning_and_an_example() -> None:
    assert [key.name for section in SECTIONS for key in section.keys if not (key.meaning and key.example)] == []
    assert [column.name for table in EVERY_TABLE.values() for column in table.columns if not column.meaning] == []


@pytest.mark.long
@pytest.mark.gate
def test_the_commands_of_the_tutorial_answer_as_it_shows(pages: ModuleType, tmp_path: Path) -> None:
    text = (DOCS / "first-book.md").read_text(encoding="utf-8")
    assert text.count("\n$ comity ") >= 12
    assert pages.run_tutorial(text, tmp_path) == text, HOW
