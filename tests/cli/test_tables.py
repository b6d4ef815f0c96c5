"""`comity tables` on the command line: every table and column, and a template that can be filled in and imported."""

import csv
import json
import re

import pytest
from typer.testing import CliRunner

from comity.book.tables import EVERY_TABLE, ROOM_TABLES, TABLES, Column, Kind
from comity.cli import app
from tests.builders.turns import every
from tests.cast import write_book

CELLS = {
    Kind.TEXT: "a",
    Kind.INSTANT: "2026-05-04T09:00:00",
    Kind.DAY: "2026-05-04",
    Kind.MONTH: "2026-05",
    Kind.PERIOD: "2026-05",
    Kind.SECONDS: "20",
    Kind.COUNT: "30",
    Kind.NUMBER: "2",
    Kind.AMOUNT: "2.50",
    Kind.SHARE: "0.5",
    Kind.FLAG: "true",
}


def ran(*arguments: str):
    return CliRunner().invoke(app, ["tables", *arguments])


def cell(column: Column) -> str:
    if column.name == "scale_max":  # a scale has a width
        return "5"
    return column.values[0] if column.values else CELLS[column.kind]


def test_the_list_names_every_table_and_who_has_it():
    lines = ran().stdout.splitlines()
    assert [line.split()[0] for line in lines if line and not line.startswith((" ", "Every"))] == list(EVERY_TABLE)
    assert next(line for line in lines if line.startswith("surveys")).split()[1:3] == ["the", "customer"]


@pytest.mark.parametrize("name", EVERY_TABLE)
def test_a_table_tells_every_column_and_which_are_required(name):
    lines = ran(name).stdout.splitlines()
    told = {
        line[2:].split()[0]: line[0] == "*"
        for line in lines
        if line[:1] in {"*", " "} and line[1:2] == " " != line[2:3]
    }
    assert told == {column.name: column.required for column in EVERY_TABLE[name].columns}


def test_what_a_column_may_hold_is_told():
    said = " ".join(ran("invoices").stdout.split())
    assert "of what: hour, minute, contact, fte_month, fixed, percent" in said


@pytest.mark.parametrize("name", every(4, TABLES))
def test_a_template_that_is_filled_in_can_be_imported(name, tmp_path):
    """The header alone, then one row: the required columns, and the key."""
    template = ran(name, "--csv").stdout
    book = write_book(tmp_path / "book")
    columns = TABLES[name].by_name
    header = next(csv.reader([template]))
    wanted = {column for column in header if columns[column].required or column in TABLES[name].key}
    for rule in TABLES[name].rules:  # of several, one must be there
        wanted |= set(re.findall(r"(\w+) IS NULL AND", rule.broken))
    row = ",".join(cell(columns[column]) if column in wanted else "" for column in header)
    file = tmp_path / f"{name}.csv"
    file.write_text(f"{template}{row}\n")
    done = CliRunner().invoke(app, ["import", str(file), "--as", name, "--into", str(book)])
    assert done.exit_code == 0, done.output
    assert "1 new" in done.stdout


def test_json_holds_what_the_pages_say():
    tables = json.loads(ran("--format", "json").stdout)["tables"]
    assert [table["name"] for table in tables] == list(EVERY_TABLE)
    outcome = next(one for one in tables[0]["columns"] if one["name"] == "outcome")
    assert outcome["values"] == ["answered", "abandoned", "flow_out", "callback", "voicemail", "system"]
    assert tables[0]["key"] == ["contact_id"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("calls",), "there is no table 'calls'"),
        (("--csv",), "name it"),
        *(((name, "--csv"), f"the room alone writes {name}") for name in ROOM_TABLES),
        (("contacts", "--csv", "-f", "json"), "does not go with"),
    ],
)
def test_what_cannot_be_shown_is_refused(arguments, words):
    done = ran(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
