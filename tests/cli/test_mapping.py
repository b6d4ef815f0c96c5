"""`comity mapping`: what it says, where it says it, and how it ends."""

import tomllib

import pytest
from typer.testing import CliRunner

from comity.book.mappings.parse import shipped_mappings
from comity.book.tables import TABLES
from comity.cli import app

CALLS = "Call ID,Start,Queue\n1,2026-01-05 09:00,Care\n"


def comity(*arguments):
    return CliRunner().invoke(app, ["mapping", *map(str, arguments)])


def test_list_tells_every_mapping_its_table_and_what_it_is_for():
    ended = comity("list")
    assert (ended.exit_code, ended.stderr) == (0, "")
    lines = [line.split(maxsplit=2) for line in ended.stdout.splitlines()]
    assert [name for name, _, _ in lines] == list(shipped_mappings())
    assert all(table in TABLES and about for _, table, about in lines)


@pytest.mark.parametrize("name", shipped_mappings())
def test_show_prints_the_toml_as_it_ships(name):
    ended = comity("show", name)
    assert (ended.exit_code, ended.stdout) == (0, shipped_mappings()[name])
    assert tomllib.loads(ended.stdout)["table"] in TABLES


def test_show_of_one_that_is_none_says_which_there_are():
    ended = comity("show", "zendesk")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "there is no shipped mapping 'zendesk'" in ended.stderr
    assert "zendesk_tickets" in ended.stderr


def test_a_mapping_that_is_shown_can_be_begun_from(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text(comity("show", "call_log").stdout, encoding="utf-8")
    from comity.book.mappings.parse import read_mapping

    assert read_mapping(mine).columns == read_mapping("call_log").columns


def test_new_prints_a_draft(tmp_path):
    source = tmp_path / "calls.csv"
    source.write_text(CALLS)
    ended = comity("new", source)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert tomllib.loads(ended.stdout)["columns"]["contact_id"] == "Call ID"


def test_new_writes_a_draft_and_never_over_another(tmp_path):
    source, target = tmp_path / "calls.csv", tmp_path / "mine.toml"
    source.write_text(CALLS)
    ended = comity("new", source, "-o", target)
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert "--dry-run" in ended.stderr
    before = target.read_text(encoding="utf-8")
    again = comity("new", source, "-o", target)
    assert (again.exit_code, again.stdout) == (2, "")
    assert "already exists" in again.stderr
    assert target.read_text(encoding="utf-8") == before


def test_new_takes_the_table_that_it_is_told(tmp_path):
    source = tmp_path / "calls.csv"
    source.write_text(CALLS)
    assert tomllib.loads(comity("new", source, "--table", "intervals").stdout)["table"] == "intervals"
    ended = comity("new", source, "--table", "calls")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "there is no table 'calls'; --table takes one of contacts, intervals" in ended.stderr


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("absent.csv", None, "there is no such file"),
        ("empty.csv", b"", "the file is empty"),
        ("no.xlsx", b"this is text", "is named as a workbook but is none"),
        ("broken.csv.gz", b"\x1f\x8b\x08\x00broken", "broken off or damaged"),
        ("broken.json", b'{"a": [{"b": 1', "no whole JSON"),
    ],
)
def test_new_of_a_file_that_is_of_no_use_says_why_in_one_line(tmp_path, name, content, told):
    source = tmp_path / name
    if content is not None:
        source.write_bytes(content)
    ended = comity("new", source)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert told in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


def test_new_into_a_folder_that_is_not_there_says_so(tmp_path):
    source = tmp_path / "calls.csv"
    source.write_text(CALLS)
    ended = comity("new", source, "-o", tmp_path / "nowhere" / "mine.toml")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "cannot be written" in ended.stderr
