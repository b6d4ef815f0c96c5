"""docs/mapping.md says what is true: each of its examples is run, each command of it answers as shown."""

import csv
import dataclasses
import io
import re
import shlex
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from comity.book.formats.options import FileOptions
from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.model import CellKind, Note, Unpivot
from comity.book.mappings.parse import _SECTIONS, read_mapping
from comity.book.mappings.parse_values import _CONDITION_KEYS, _VALUE_KEYS
from comity.book.reading.open import open_book
from comity.cli import app
from tests.builders.documented import PAGE, Example, consoles, examples
from tests.builders.turns import every
from tests.cast import JOINT, write_book

pytestmark = pytest.mark.gate

ON_REAL_RECORDS = {"daily_acd", "online_consultations", "teaching_satisfaction"}  # see test_real_records
EXAMPLES = examples()


def told(value: object) -> str:
    """A value of a book as the page writes it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | Decimal):
        return f"{float(value):g}" if abs(value) < 1e5 else f"{float(value):.0f}"
    return str(value)


def test_the_page_has_examples_and_the_real_ones_are_run_elsewhere():
    assert len(EXAMPLES) > 12
    assert {name for name, example in EXAMPLES.items() if example.becomes is None} == {*ON_REAL_RECORDS, "weekly"}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_mapping_of_the_page_is_one(name, tmp_path):
    read_mapping(EXAMPLES[name].written(tmp_path)[0])


@pytest.mark.parametrize("name", every(4, [name for name, example in EXAMPLES.items() if example.becomes is not None]))
def test_what_the_page_says_becomes_of_a_file_becomes_of_it(name, tmp_path):
    example: Example = EXAMPLES[name]
    mapping, source = example.written(tmp_path)
    book = write_book(tmp_path / "book")
    outcome = import_source(
        book, source, read_mapping(mapping), ImportRequest("Ana", datetime(2026, 6, 1, tzinfo=UTC), max_rejects=0.5)
    )
    wanted = list(csv.DictReader(io.StringIO(example.becomes)))
    with open_book(book, JOINT) as opened:
        rows = opened.table(outcome.table).to_pyarrow().to_pylist()
    found = [{column: told(row[column]) for column in wanted[0]} for row in rows]
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert [str(reject) for reject in outcome.rejects] == example.aside
    for sentence in example.told:
        assert sentence in outcome.notes


def test_the_commands_of_the_page_answer_as_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_book(tmp_path / "ours")
    text = PAGE.read_text(encoding="utf-8")
    Path("weekly.csv").write_text(re.search(r"^```csv weekly.csv\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1])
    first, second = consoles()
    for command, answer in [*first, ("rewrite", ""), *second]:
        if command == "rewrite":
            Path("weekly.toml").write_text(EXAMPLES["weekly"].toml)
            continue
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert (done.output, done.exit_code) == (answer, 0), command


def test_every_key_of_the_language_is_told():
    """The table at the foot, against what the readers take."""
    table = PAGE.read_text(encoding="utf-8").rsplit("## Every key", 1)[1]
    spoken = set(re.findall(r"`([a-z_]+)`", table)) | set(re.findall(r"\[\[?([a-z]+)", table))
    fields = {one.name for kind in (FileOptions, Note, Unpivot) for one in dataclasses.fields(kind)} - {"pattern"}
    assert {*_SECTIONS, *_VALUE_KEYS, *_CONDITION_KEYS, *CellKind, *fields} - spoken == set()
