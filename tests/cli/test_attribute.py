"""`comity attribute`, as each side runs it at home."""

import json

import pytest
from typer.testing import CliRunner

from comity.cli import app
from tests.builders.attribution import KPI, fortnight
from tests.cast import write_book


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    tables = fortnight()
    tables["private__provider__schedules"] = tables.pop("schedules")
    private = KPI + '[private]\nprovider = ["schedules"]\n'
    return write_book(tmp_path_factory.mktemp("attribute") / "book", private, **tables)


def run(*arguments):
    return CliRunner().invoke(app, ["attribute", *map(str, arguments)])


def test_the_side_that_holds_the_schedules_can_ask_alone(book):
    done = run(book, "--period", "2026-06", "--as", "provider", "--format", "json", "--what-if", "forecast=right")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["whose"] == "provider"
    assert len(found["parts"]) == 6
    assert found["what_if"]["forecast=right"] == pytest.approx(0.67565225, abs=1e-7)


@pytest.mark.parametrize("view", ["joint", "customer"])
def test_to_others_it_says_what_is_needed_and_of_whom(book, view):
    done = run(book, "--period", "2026-06", "--as", view, "--language", "en")
    assert done.exit_code == 0
    assert "holds the missing" in done.stdout
    assert "%" not in done.stdout  # nothing of what was made of them


def test_it_is_written_to_a_file(book, tmp_path):
    file = tmp_path / "whose.txt"
    done = run(book, "--period", "2026-06", "--as", "provider", "--language", "es", "-o", file)
    assert done.exit_code == 0
    assert ": causas" in file.read_text(encoding="utf-8")
    assert run(book, "--period", "2026-06", "-o", tmp_path / "no" / "where").exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--period", "June"), "June"),
        (("--kpi", "abandonment"), "not in force"),
        (("--what-if", "weather=fine"), "forecast=right"),
        (("--with", "/nowhere"), "add --as customer"),
        (("--with", "/nowhere", "--as", "provider"), "is not a folder"),
    ],
)
def test_what_cannot_be_answered_is_said_in_one_line(book, arguments, said):
    done = run(book, *arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
