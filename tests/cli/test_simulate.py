"""`comity simulate` at the prompt."""

import json

import typer
from typer.testing import CliRunner

from comity.cli.simulate import register

app = typer.Typer()
app.callback()(lambda: None)
register(app)


def _run(*arguments):
    return CliRunner().invoke(app, ["simulate", *map(str, arguments)])


def test_a_book_and_its_truth_are_written_and_named(tmp_path):
    made = _run(tmp_path / "book", "--months", 6, "--contacts-per-day", 20, "--story", "healthy")
    assert made.exit_code == 0, made.output
    assert "truth.json" in made.output
    assert json.loads((tmp_path / "book" / "truth.json").read_text())["story"] == "healthy"
    assert (tmp_path / "book" / "book.toml").is_file()


def test_an_unknown_story_is_refused_in_one_line(tmp_path):
    made = _run(tmp_path / "book", "--story", "fairy")
    assert made.exit_code == 2
    assert "'fairy' is not a story" in made.output
    assert not (tmp_path / "book").exists()


def test_too_few_months_are_refused_with_the_next_step(tmp_path):
    made = _run(tmp_path / "book", "--months", 4, "--story", "healthy")
    assert made.exit_code == 2
    assert "two whole quarters" in made.output


def test_a_month_that_cannot_be_read_is_refused(tmp_path):
    made = _run(tmp_path / "book", "--ends", "June")
    assert made.exit_code == 2
    assert "YYYY-MM" in made.output


def test_without_a_folder_it_says_what_to_name():
    made = _run()
    assert made.exit_code == 2
    assert "give a folder" in made.output


def test_the_stories_are_listed():
    made = _run("--list")
    assert made.exit_code == 0
    assert "satisfaction_survivorship" in made.output
